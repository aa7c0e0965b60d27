//! The command table: what is done to an image, in words.

use crate::kit::files;
use crate::model::command::CommandEntry;

/// Everything this connector can do.
pub(super) static COMMANDS: &[CommandEntry] = &files::commands(
    "read the header and the tags of {file}",
    "size, colour, EXIF; a small image is decoded to see that it is whole",
    "the header and the tags; the whole file up to 4 million pixels",
);
