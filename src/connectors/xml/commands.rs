//! The command table: what is done to a document, in words.

use crate::kit::files;
use crate::model::command::CommandEntry;

/// Everything this connector can do.
pub(super) static COMMANDS: &[CommandEntry] = &files::commands(
    "read the first elements of {file}",
    "the encoding, which elements repeat, what they hold, whether there is a DTD",
    "constant: 1 MiB",
);
