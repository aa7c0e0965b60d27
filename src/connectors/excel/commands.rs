//! The command table: what is done to a workbook, in words.

use crate::kit::files;
use crate::model::command::CommandEntry;

/// Everything this connector can do.
pub(super) static COMMANDS: &[CommandEntry] = &files::commands(
    "read the table of contents and the first rows of each sheet of {file}",
    "which sheets there are, where their tables lie, what their columns hold",
    "the shared texts, and at most 1,000 rows of each sheet; xls and ods as a whole",
);
