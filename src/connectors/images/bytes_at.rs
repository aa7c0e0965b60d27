//! Bytes of a file where a container says they are.

use crate::kit::files::{FileInput, broken};
use crate::model::Result;

/// A file to take small pieces of.
pub(super) struct Bytes<'f>(pub(super) &'f FileInput);

impl Bytes<'_> {
    /// So many bytes at a place; fewer, or none, where the file ends before: lengths in a container are not believed.
    pub(super) fn at(&self, place: u64, len: usize) -> Result<Vec<u8>> {
        self.0.window(place, len).map_err(|error| broken(&error))
    }
}
