//! How far a bounded read reaches into a file: the blocks and windows it takes. The reader and the estimate
//! both ask here, so that what is promised is what is done.

use super::layout::Layout;

/// Rows of one window, nearly: fewer windows read less, more windows tell more.
const WINDOW_ROWS: u64 = 100;
const MOST_WINDOWS: u64 = 64;
/// Bytes of the file for each window at least: in a small file, windows closer than that read most of it twice.
const PART_BYTES: u64 = 64 << 10;
/// Bytes looked at to find the first row of a window: some rows, within these ends.
const SYNC_BYTES: (usize, usize) = (4 << 10, 16 << 10);
const SYNC_ROWS: f64 = 24.0;
/// A block holds the rows wanted even where they are this much longer than elsewhere, and a little more.
const LONGER_ROWS: f64 = 1.2;
const ROOM_BYTES: f64 = 2048.0;
/// A look takes blocks within these ends.
const LOOK_BYTES: (usize, usize) = (8 << 10, 64 << 10);

/// Bytes of a block that holds so many rows.
fn block_bytes(layout: &Layout, rows: u64) -> usize {
    (rows as f64 * layout.row_bytes * LONGER_ROWS + ROOM_BYTES) as usize
}

/// Bytes that a look at a few rows takes at a time.
pub(super) fn look_bytes(layout: &Layout, rows: u64) -> usize {
    block_bytes(layout, rows).clamp(LOOK_BYTES.0, LOOK_BYTES.1)
}

/// The windows of a sample by blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Windows {
    /// How many.
    pub(super) count: u64,
    /// Rows of each.
    pub(super) rows: u64,
    /// Bytes looked at to find the first row of each.
    pub(super) sync_bytes: usize,
    /// Bytes of a block of rows.
    pub(super) block_bytes: usize,
}

impl Windows {
    /// Windows for so many rows, spread over a plain file.
    pub(super) fn of(layout: &Layout, rows: u64) -> Self {
        let apart = (layout.data_bytes() / PART_BYTES).max(1);
        let count = rows.div_ceil(WINDOW_ROWS).clamp(1, MOST_WINDOWS).min(apart);
        let each = rows.div_ceil(count);
        Self {
            count,
            rows: each,
            sync_bytes: ((SYNC_ROWS * layout.row_bytes) as usize).clamp(SYNC_BYTES.0, SYNC_BYTES.1),
            block_bytes: block_bytes(layout, each),
        }
    }

    /// Bytes that each window takes where rows are as long as elsewhere.
    pub(super) fn window_bytes(&self) -> f64 {
        (self.sync_bytes + self.block_bytes) as f64
    }
}
