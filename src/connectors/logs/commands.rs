//! The command table: what is done to a text, in words.

use crate::kit::files;
use crate::model::command::CommandEntry;

/// Everything this connector can do.
pub(super) static COMMANDS: &[CommandEntry] = &files::commands(
    "read the first and the last lines of {file}",
    "the encoding, how lines are written, when the first and the last were, about how many there are",
    "constant: 176 KiB",
);
