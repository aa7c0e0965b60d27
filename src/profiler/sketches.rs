//! What runs once there are too many different values to count each: HyperLogLog for their number, frequent
//! items for the most common, KLL for ranks.

use std::collections::BTreeMap;

use datasketches::frequencies::{ErrorType, FrequentItemsSketch};
use datasketches::hll::{HllSketch, HllType, HllUnion};

use super::kll::Kll;
use super::limits::{LONGEST_KEPT_TEXT, Limits};
use crate::model::{Error, Result};

/// A text as far as it is remembered.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct KeptText {
    pub(super) bytes: Box<[u8]>,
    pub(super) cut: bool,
}

impl KeptText {
    fn new(text: &[u8]) -> Self {
        let cut = text.len() > LONGEST_KEPT_TEXT;
        let mut end = text.len().min(LONGEST_KEPT_TEXT);
        // Never inside a character.
        while cut && end > 0 && text[end] & 0xc0 == 0x80 {
            end -= 1;
        }
        Self { bytes: text[..end].into(), cut }
    }
}

/// A value counted often.
pub(super) struct Frequent {
    pub(super) key: i64,
    pub(super) count: u64,
    pub(super) error: u64,
}

#[derive(Clone, Debug)]
pub(super) struct Sketches {
    distinct: HllSketch,
    frequent: FrequentItemsSketch<i64>,
    pub(super) quantiles: Kll,
    /// Texts of tracked keys that came more than once.
    texts: BTreeMap<i64, KeptText>,
    most_texts: usize,
}

/// Whether the registers are ones that values can set. The library shifts by a register's value when it
/// merges, and takes any byte for one.
fn has_sane_registers(hll: &[u8]) -> bool {
    const HEADER_BYTES: usize = 40;
    const PREAMBLE_OF_REGISTERS: u8 = 10;
    const LARGEST_REGISTER: u8 = 63;
    hll.first() != Some(&PREAMBLE_OF_REGISTERS)
        || hll.iter().skip(HEADER_BYTES).all(|register| *register <= LARGEST_REGISTER)
}

fn broken(what: &str, error: impl std::fmt::Display) -> Error {
    Error::unexpected("profile", format!("the {what} sketch can't be made: {error}"))
}

impl Sketches {
    pub(super) fn new(limits: &Limits) -> Result<Self> {
        Ok(Self {
            distinct: HllSketch::new(limits.hll_lg, HllType::Hll8).map_err(|e| broken("distinct", e))?,
            frequent: FrequentItemsSketch::new(limits.frequent_slots).map_err(|e| broken("frequent", e))?,
            quantiles: Kll::new(limits.kll_k),
            texts: BTreeMap::new(),
            most_texts: limits.frequent_slots * 2,
        })
    }

    /// Counts a value once. `text` is none for values that are their own key.
    #[inline]
    pub(super) fn add(&mut self, key: i64, text: Option<&[u8]>, position: Option<i64>) {
        self.distinct.update(key);
        if let Some(text) = text
            && self.frequent.lower_bound(&key) > 0
        {
            self.keep_text(key, text);
        }
        self.frequent.update(key);
        if let Some(position) = position {
            self.quantiles.push(position);
        }
    }

    /// Counts a value many times.
    pub(super) fn add_many(&mut self, key: i64, text: Option<&[u8]>, position: Option<i64>, count: u64) {
        self.distinct.update(key);
        if let Some(text) = text
            && count > 1
        {
            self.keep_text(key, text);
        }
        self.frequent.update_with_count(key, count);
        if let Some(position) = position {
            self.quantiles.push_many(position, count);
        }
    }

    fn keep_text(&mut self, key: i64, text: &[u8]) {
        if self.texts.contains_key(&key) {
            return;
        }
        if self.texts.len() >= self.most_texts {
            let frequent = &self.frequent;
            self.texts.retain(|key, _| frequent.lower_bound(key) > 0);
        }
        if self.texts.len() < self.most_texts {
            self.texts.insert(key, KeptText::new(text));
        }
    }

    /// Adds everything of `other`.
    pub(super) fn merge(&mut self, other: &Self) -> Result<()> {
        let registers = self.distinct.lg_config_k().min(other.distinct.lg_config_k());
        let mut union = HllUnion::new(registers).map_err(|e| broken("distinct", e))?;
        union.update(&self.distinct);
        union.update(&other.distinct);
        self.distinct = union.to_sketch(HllType::Hll8);
        self.frequent.merge(&other.frequent);
        self.quantiles.merge(&other.quantiles);
        for (key, text) in &other.texts {
            self.keep_text(*key, &text.bytes);
            if let Some(kept) = self.texts.get_mut(key) {
                kept.cut |= text.cut;
            }
        }
        Ok(())
    }

    /// Different values. This estimator depends on the values alone, not on their order, so that merged
    /// states tell the same as one pass.
    pub(super) fn distinct(&self) -> f64 {
        self.distinct.composite_estimate()
    }

    /// One standard deviation of [`Self::distinct`], relative.
    pub(super) fn distinct_error(&self) -> f64 {
        1.04 / f64::from(1_u32 << self.distinct.lg_config_k()).sqrt()
    }

    /// Values that are certainly frequent, most frequent first.
    pub(super) fn frequent(&self) -> Vec<Frequent> {
        let mut rows: Vec<Frequent> = self
            .frequent
            .frequent_items(ErrorType::NoFalsePositives)
            .into_iter()
            .map(|row| Frequent {
                key: *row.item(),
                count: row.upper_bound(),
                error: row.upper_bound() - row.lower_bound(),
            })
            .collect();
        rows.sort_by_key(|row| (std::cmp::Reverse(row.count), row.key));
        rows
    }

    /// The text of a key, where it is known.
    pub(super) fn text(&self, key: i64) -> Option<&KeptText> {
        self.texts.get(&key)
    }

    /// The texts of the values that may still become frequent.
    pub(super) fn texts(&self) -> impl Iterator<Item = (i64, &KeptText)> {
        self.texts
            .iter()
            .filter(|(key, _)| self.frequent.lower_bound(*key) > 0)
            .map(|(key, text)| (*key, text))
    }

    /// The largest weight any of the sketches claims.
    pub(super) fn heaviest(&self) -> u64 {
        let ranks = self.quantiles.view().iter().try_fold(0_u64, |sum, item| sum.checked_add(item.weight));
        ranks.unwrap_or(u64::MAX).max(self.frequent.total_weight()).max(self.frequent.maximum_error())
    }

    /// Bytes held.
    pub(super) fn memory_bytes(&self) -> usize {
        self.distinct.estimated_size()
            + self.frequent.estimated_size()
            + self.quantiles.memory_bytes()
            + self.texts.values().map(|text| text.bytes.len() + 48).sum::<usize>()
    }

    /// The three sketches as bytes: distinct, quantiles, frequent.
    pub(super) fn to_bytes(&self) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
        (self.distinct.serialize(), self.quantiles.to_bytes(), self.frequent.serialize())
    }

    /// Sketches from bytes; fails on anything that is none, or larger than ours.
    pub(super) fn from_bytes(
        (distinct, quantiles, frequent): (&[u8], &[u8], &[u8]),
        texts: impl IntoIterator<Item = (i64, Vec<u8>, bool)>,
        limits: &Limits,
    ) -> Result<Self> {
        let refused = |what: &str| {
            Error::new(
                crate::model::ErrorKind::Decode,
                "profile",
                format!("a column state carries a {what} sketch that can't be read"),
            )
        };
        let largest = Limits::default();
        // Declared sizes are checked before anything is allocated for them.
        if distinct.get(3).is_none_or(|lg| *lg > largest.hll_lg)
            || frequent.get(3).is_none_or(|lg| 1_usize << (*lg).min(63) > largest.frequent_slots)
        {
            return Err(refused("larger"));
        }
        let distinct = HllSketch::deserialize(distinct)
            .ok()
            .filter(|sketch| sketch.target_type() == HllType::Hll8 && has_sane_registers(distinct))
            .ok_or_else(|| refused("distinct"))?;
        let quantiles = Kll::from_bytes(quantiles).ok_or_else(|| refused("quantile"))?;
        let frequent = FrequentItemsSketch::deserialize(frequent).ok().ok_or_else(|| refused("frequent"))?;
        let mut made = Self {
            distinct,
            frequent,
            quantiles,
            texts: BTreeMap::new(),
            most_texts: limits.frequent_slots * 2,
        };
        for (key, bytes, cut) in texts {
            made.keep_text(key, &bytes);
            if let Some(kept) = made.texts.get_mut(&key) {
                kept.cut |= cut;
            }
        }
        Ok(made)
    }
}
