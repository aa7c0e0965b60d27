//! KLL quantile sketch over 64-bit positions. The one of `datasketches` draws its coins from a seed that
//! differs in every process, so two runs over the same file would show different medians; this one keeps its
//! coin in the sketch. The error bound is the one measured for the same compaction scheme.

use crate::model::dice::Dice;

const SMALLEST_LEVEL: usize = 8;
const MAX_LEVELS: usize = 60;

/// A sketch of ranks. A value in level `l` stands for `2^l` values.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Kll {
    k: usize,
    levels: Vec<Vec<i64>>,
    retained: usize,
    capacity: usize,
    coin: Dice,
}

/// Values up to `position` weigh `weight` altogether at this position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Weighted {
    pub(super) position: i64,
    pub(super) weight: u64,
}

impl Kll {
    pub(super) fn new(k: usize) -> Self {
        let mut made = Self { k, levels: vec![Vec::new()], retained: 0, capacity: 0, coin: Dice::new(0) };
        made.capacity = made.total_capacity();
        made
    }

    /// Adds a position once.
    #[inline]
    pub(super) fn push(&mut self, position: i64) {
        self.levels[0].push(position);
        self.retained += 1;
        self.compress();
    }

    /// Adds a position `count` times: once into every level its count has a bit for.
    pub(super) fn push_many(&mut self, position: i64, count: u64) {
        for level in 0..64 {
            if count >> level & 1 == 1 {
                // Beyond the last level a sketch cannot count; no stream is that long.
                let level = level.min(MAX_LEVELS - 1);
                self.ensure_level(level);
                self.levels[level].push(position);
                self.retained += 1;
            }
        }
        self.compress();
    }

    /// Adds everything of `other`.
    pub(super) fn merge(&mut self, other: &Self) {
        self.k = self.k.min(other.k);
        self.coin = Dice::new(self.coin.seed().wrapping_add(other.coin.seed()));
        self.ensure_level(other.levels.len() - 1);
        for (mine, theirs) in self.levels.iter_mut().zip(&other.levels) {
            mine.extend_from_slice(theirs);
        }
        self.retained += other.retained;
        self.capacity = self.total_capacity();
        self.compress();
    }

    /// The values kept with their weights, in order.
    pub(super) fn view(&self) -> Vec<Weighted> {
        let mut all: Vec<Weighted> = self
            .levels
            .iter()
            .enumerate()
            .flat_map(|(level, items)| {
                items.iter().map(move |&position| Weighted { position, weight: 1 << level })
            })
            .collect();
        all.sort_unstable_by_key(|item| item.position);
        all
    }

    /// By how much a rank may be off, with 99 % confidence.
    pub(super) fn rank_error(&self) -> f64 {
        2.296 / (self.k as f64).powf(0.9021)
    }

    /// Bytes held.
    pub(super) fn memory_bytes(&self) -> usize {
        self.levels.iter().map(|level| level.capacity() * 8 + 24).sum()
    }

    /// The sketch as bytes.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(16 + self.retained * 8);
        out.extend_from_slice(&(self.k as u32).to_le_bytes());
        out.extend_from_slice(&self.coin.seed().to_le_bytes());
        out.extend_from_slice(&(self.levels.len() as u32).to_le_bytes());
        for level in &self.levels {
            out.extend_from_slice(&(level.len() as u32).to_le_bytes());
            for position in level {
                out.extend_from_slice(&position.to_le_bytes());
            }
        }
        out
    }

    /// A sketch from bytes; none if they are no sketch.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (k, bytes) = take_u32(bytes)?;
        let (coin, bytes) = bytes.split_first_chunk::<8>()?;
        let (level_count, mut bytes) = take_u32(bytes)?;
        if !(SMALLEST_LEVEL..=4_096).contains(&k) || !(1..=MAX_LEVELS).contains(&level_count) {
            return None;
        }
        let mut made = Self::new(k);
        made.coin = Dice::new(u64::from_le_bytes(*coin));
        made.ensure_level(level_count - 1);
        for level in 0..level_count {
            let (length, rest) = take_u32(bytes)?;
            let size = length.checked_mul(8)?;
            let (items, rest) = rest.split_at_checked(size)?;
            made.levels[level] =
                items.as_chunks::<8>().0.iter().map(|item| i64::from_le_bytes(*item)).collect();
            made.retained += length;
            bytes = rest;
        }
        made.compress();
        bytes.is_empty().then_some(made)
    }

    fn ensure_level(&mut self, level: usize) {
        if self.levels.len() <= level {
            self.levels.resize_with(level + 1, Vec::new);
            self.capacity = self.total_capacity();
        }
    }

    fn level_capacity(&self, level: usize) -> usize {
        let depth = (self.levels.len() - 1 - level) as i32;
        ((self.k as f64 * (2.0_f64 / 3.0).powi(depth)).ceil() as usize).max(SMALLEST_LEVEL)
    }

    fn total_capacity(&self) -> usize {
        (0..self.levels.len()).map(|level| self.level_capacity(level)).sum()
    }

    #[inline]
    fn compress(&mut self) {
        while self.retained >= self.capacity {
            let full = (0..self.levels.len()).find(|&level| {
                self.levels[level].len() >= self.level_capacity(level) && level + 1 < MAX_LEVELS
            });
            let Some(level) = full else { return };
            self.compact(level);
        }
    }

    /// Sorts a level and lifts every second value; a fair coin picks which half.
    fn compact(&mut self, level: usize) {
        self.ensure_level(level + 1);
        let mut items = std::mem::take(&mut self.levels[level]);
        items.sort_unstable();
        let coin = self.coin.draw();
        let odd = items.len() % 2 == 1;
        // An odd one stays: the first or the last, by another coin.
        let pairs = if odd && coin & 2 == 0 { &items[1..] } else { &items[..items.len() - usize::from(odd)] };
        let lifted = pairs.iter().copied().skip((coin & 1) as usize).step_by(2);
        self.levels[level + 1].extend(lifted);
        self.retained -= pairs.len() / 2;
        if odd {
            let stays = if coin & 2 == 0 { items[0] } else { items[items.len() - 1] };
            self.levels[level].push(stays);
        }
    }
}

fn take_u32(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<4>()?;
    Some((u32::from_le_bytes(*head) as usize, rest))
}

#[cfg(test)]
mod tests {
    use super::super::hash::spread;
    use super::*;

    fn worst_rank_error(sketch: &Kll, sorted: &[i64]) -> f64 {
        let mut below = 0;
        let mut worst: f64 = 0.0;
        for item in sketch.view() {
            below += item.weight;
            let first = sorted.partition_point(|&value| value < item.position) as f64;
            let last = sorted.partition_point(|&value| value <= item.position) as f64;
            let off = (first - below as f64).max(below as f64 - last - item.weight as f64).max(0.0);
            worst = worst.max(off / sorted.len() as f64);
        }
        worst
    }

    #[test]
    fn ranks_stay_within_the_stated_error() {
        for (name, make) in [
            ("rising", (|i| i) as fn(i64) -> i64),
            ("falling", |i| -i),
            ("shuffled", |i| spread(i).cast_signed()),
            ("few values", |i| i % 7),
            ("zigzag", |i| if i % 2 == 0 { i } else { -i }),
        ] {
            let mut sorted: Vec<i64> = (0..200_000).map(make).collect();
            let mut one = Kll::new(1_024);
            let mut halves = [Kll::new(1_024), Kll::new(1_024)];
            for (index, &value) in sorted.iter().enumerate() {
                one.push(value);
                halves[usize::from(index > 70_000)].push(value);
            }
            let [mut left, right] = halves;
            left.merge(&right);
            sorted.sort_unstable();
            for sketch in [&one, &left] {
                assert_eq!(sketch.view().iter().map(|item| item.weight).sum::<u64>(), 200_000, "{name}");
                assert!(worst_rank_error(sketch, &sorted) <= sketch.rank_error(), "{name}");
                assert!(sketch.memory_bytes() < 64 << 10, "{name}");
                assert_eq!(Kll::from_bytes(&sketch.to_bytes()).as_ref(), Some(sketch), "{name}");
            }
        }
    }

    #[test]
    fn counted_values_weigh_as_much_as_pushed_ones() {
        let mut sketch = Kll::new(1_024);
        for value in 0..4_096 {
            sketch.push_many(value, 1 + value.cast_unsigned() * 1_000);
        }
        let total: u64 = (0..4_096).map(|value| 1 + value * 1_000).sum();
        assert_eq!(sketch.view().iter().map(|item| item.weight).sum::<u64>(), total);
    }

    #[test]
    fn bytes_that_are_no_sketch_are_refused() {
        let mut sketch = Kll::new(64);
        (0..5_000).for_each(|value| sketch.push(value));
        let good = sketch.to_bytes();
        for cut in 0..good.len() {
            assert_eq!(Kll::from_bytes(&good[..cut]), None, "cut at {cut}");
        }
        let mut declared = good.clone();
        declared[16..20].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(Kll::from_bytes(&declared), None);
        assert_eq!(Kll::from_bytes(&[good, vec![0]].concat()), None);
    }
}
