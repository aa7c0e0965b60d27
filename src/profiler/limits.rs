//! How much memory one column may take, by how many columns there are.

/// Sizes of one column's dictionary and sketches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Different values counted exactly.
    pub(super) entries: usize,
    /// Bytes of text the exact dictionary holds.
    pub(super) text_bytes: usize,
    /// Log2 of the HyperLogLog's registers, a byte each.
    pub(super) hll_lg: u8,
    /// Accuracy of the quantile sketch.
    pub(super) kll_k: usize,
    /// Slots of the frequent-items sketch.
    pub(super) frequent_slots: usize,
}

impl Limits {
    /// Limits for a table of this many columns: about 100 KB a column up to 2,000 columns, less beyond, so
    /// that a table of 100,000 columns is profiled as well, with coarser sketches.
    pub fn for_columns(columns: usize) -> Self {
        match columns {
            0..=2_000 => Self {
                entries: 4_096,
                text_bytes: 128 << 10,
                hll_lg: 14,
                kll_k: 1_024,
                frequent_slots: 1_024,
            },
            2_001..=20_000 => {
                Self { entries: 512, text_bytes: 16 << 10, hll_lg: 11, kll_k: 128, frequent_slots: 128 }
            }
            _ => Self { entries: 64, text_bytes: 2 << 10, hll_lg: 8, kll_k: 32, frequent_slots: 32 },
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::for_columns(1)
    }
}

/// Longer texts are remembered by their beginning only, once values are no longer counted exactly.
pub(super) const LONGEST_KEPT_TEXT: usize = 256;

/// Values outside the type's arithmetic that are counted one by one.
pub(super) const MAX_EXTRAS: usize = 64;
