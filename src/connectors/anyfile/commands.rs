//! The command table: what is done to any file, in words.

use crate::kit::files;
use crate::model::command::CommandEntry;

/// Everything this connector can do.
pub(super) static COMMANDS: &[CommandEntry] = &files::commands(
    "read the first bytes of {file}",
    "what the file is, by its first bytes",
    "constant: 64 KiB",
);
