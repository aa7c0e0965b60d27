//! Exact counts by value while there are few different ones.

use super::decimal::Number;
use super::hash::spread;
use super::limits::Limits;

/// A value and how often it came. Texts are keyed by their hash and lie in the arena.
#[derive(Clone, Copy, Debug)]
struct Entry {
    key: i64,
    count: u64,
    start: u32,
    length: u32,
}

/// Whether a value found its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Added {
    Counted,
    /// The limits are reached, or two texts share a hash.
    Full,
}

/// Open addressing over the entries; a slot holds an index + 1, or 0.
#[derive(Clone, Debug, Default)]
pub(super) struct Dictionary {
    slots: Vec<u16>,
    entries: Vec<Entry>,
    arena: Vec<u8>,
    /// Entry of the last value: runs of equal values find it at once.
    last: usize,
}

impl Dictionary {
    /// Counts a value `count` times.
    pub(super) fn add(&mut self, key: i64, text: &[u8], count: u64, limits: &Limits) -> Added {
        if let Some(entry) = self.entries.get_mut(self.last)
            && entry.key == key
            && self.arena[entry.start as usize..][..entry.length as usize] == *text
        {
            entry.count += count;
            return Added::Counted;
        }
        if self.entries.len() * 2 >= self.slots.len() {
            self.grow();
        }
        let mask = self.slots.len() - 1;
        let mut slot = spread(key) as usize & mask;
        while self.slots[slot] != 0 {
            let index = usize::from(self.slots[slot] - 1);
            let entry = self.entries[index];
            if entry.key == key {
                if self.text(&entry) != text && !same_number(self.text(&entry), text) {
                    return Added::Full;
                }
                self.entries[index].count += count;
                self.last = index;
                return Added::Counted;
            }
            slot = (slot + 1) & mask;
        }
        if self.entries.len() >= limits.entries || self.arena.len() + text.len() > limits.text_bytes {
            return Added::Full;
        }
        self.last = self.entries.len();
        let (start, length) = (self.arena.len() as u32, text.len() as u32);
        self.arena.extend_from_slice(text);
        self.entries.push(Entry { key, count, start, length });
        self.slots[slot] = self.entries.len() as u16;
        Added::Counted
    }

    /// The values with their texts and counts, in order of arrival.
    pub(super) fn iter(&self) -> impl Iterator<Item = (i64, &[u8], u64)> {
        self.entries.iter().map(|entry| (entry.key, self.text(entry), entry.count))
    }

    /// Different values.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Bytes held.
    pub(super) fn memory_bytes(&self) -> usize {
        self.slots.capacity() * 2 + self.entries.capacity() * size_of::<Entry>() + self.arena.capacity()
    }

    fn text(&self, entry: &Entry) -> &[u8] {
        &self.arena[entry.start as usize..][..entry.length as usize]
    }

    fn grow(&mut self) {
        let size = (self.slots.len() * 2).max(16);
        self.slots = vec![0; size];
        for (index, entry) in self.entries.iter().enumerate() {
            let mut slot = spread(entry.key) as usize & (size - 1);
            while self.slots[slot] != 0 {
                slot = (slot + 1) & (size - 1);
            }
            self.slots[slot] = (index + 1) as u16;
        }
    }
}

/// Decimals are keyed by what they are worth: `1.1` and `1.10` are one value in two spellings.
fn same_number(a: &[u8], b: &[u8]) -> bool {
    let number = |bytes| std::str::from_utf8(bytes).ok().and_then(Number::parse);
    matches!((number(a), number(b)), (Some(a), Some(b)) if a == b)
}
