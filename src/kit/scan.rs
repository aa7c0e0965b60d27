//! Finds structural bytes 64 at a time: the inner loop of everything that reads a whole file.
//!
//! Written so that the compiler turns it into vector code on every target without a line of unsafe code. The
//! masks of a block are kept, so a table with short cells pays one comparison per byte and one bit per cell.

/// Up to four bytes to look for; repeat one to look for fewer.
#[derive(Debug, Clone, Copy)]
pub struct Needles {
    bytes: [u8; 4],
}

/// How many bytes one mask covers.
pub const BLOCK: usize = 64;

impl Needles {
    /// Looks for any of the four.
    pub fn new(bytes: [u8; 4]) -> Self {
        Self { bytes }
    }

    /// Looks for one byte.
    pub fn one(byte: u8) -> Self {
        Self { bytes: [byte; 4] }
    }

    /// One bit per byte of the block, the lowest for the first.
    #[inline]
    fn mask(self, block: &[u8; BLOCK]) -> u64 {
        let [a, b, c, d] = self.bytes;
        let mut hits = [0u8; BLOCK];
        for (hit, byte) in hits.iter_mut().zip(block) {
            *hit = u8::from((*byte == a) | (*byte == b) | (*byte == c) | (*byte == d));
        }
        let mut mask = 0;
        for (index, lane) in hits.as_chunks::<8>().0.iter().enumerate() {
            // Eight 0/1 bytes become eight bits: the product moves byte i to bit i of the top byte.
            let bits = u64::from_le_bytes(*lane).wrapping_mul(0x0102_0408_1020_4080) >> 56;
            mask |= bits << (8 * index);
        }
        mask
    }

    /// The needles of the 64 bytes from `base`, one bit each, the lowest for the first; none beyond the end.
    #[inline]
    pub fn mask_at(self, data: &[u8], base: usize) -> u64 {
        let rest = data.get(base..).unwrap_or_default();
        if let Some(block) = rest.first_chunk::<BLOCK>() {
            return self.mask(block);
        }
        let mut padded = [0; BLOCK];
        padded[..rest.len()].copy_from_slice(rest);
        // The padding may equal a needle: only the bits of real bytes count.
        self.mask(&padded) & ((1u64 << rest.len()) - 1)
    }
}

/// Walks forward over the needles of one slice, remembering the mask of the current block.
#[derive(Debug)]
pub struct Finder<'a> {
    data: &'a [u8],
    needles: Needles,
    base: usize,
    mask: u64,
}

impl<'a> Finder<'a> {
    /// Starts at the front of `data`.
    pub fn new(data: &'a [u8], needles: Needles) -> Self {
        Self { data, needles, base: 0, mask: needles.mask_at(data, 0) }
    }

    /// The position of the first needle at or after `from`. Going back is allowed and costs one block.
    #[inline]
    pub fn next(&mut self, from: usize) -> Option<usize> {
        let base = from & !(BLOCK - 1);
        if base != self.base {
            if from >= self.data.len() {
                return None;
            }
            self.base = base;
            self.mask = self.needles.mask_at(self.data, base);
        }
        let mut hits = self.mask & (u64::MAX << (from & (BLOCK - 1)));
        while hits == 0 {
            let next = self.base + BLOCK;
            if next >= self.data.len() {
                return None;
            }
            self.base = next;
            self.mask = self.needles.mask_at(self.data, next);
            hits = self.mask;
        }
        Some(self.base + hits.trailing_zeros() as usize)
    }
}

/// The first of the needles at or after `from`, for places where a [`Finder`] would not be kept.
pub fn find(data: &[u8], from: usize, needles: Needles) -> Option<usize> {
    let mut base = from;
    while base < data.len() {
        let mask = needles.mask_at(data, base);
        if mask != 0 {
            return Some(base + mask.trailing_zeros() as usize);
        }
        base += BLOCK;
    }
    None
}

/// The last of the needles.
pub fn rfind(data: &[u8], needles: Needles) -> Option<usize> {
    let mut end = data.len();
    while end > 0 {
        let base = (end - 1) & !(BLOCK - 1);
        let mask = needles.mask_at(data, base);
        if mask != 0 {
            return Some(base + BLOCK - 1 - mask.leading_zeros() as usize);
        }
        end = base;
    }
    None
}

/// How often a byte occurs, at memory speed.
pub fn count(data: &[u8], byte: u8) -> u64 {
    // Partial sums stay below 256, so that the compiler can add bytes sixteen at a time.
    data.chunks(192).map(|chunk| u64::from(chunk.iter().map(|b| u8::from(*b == byte)).sum::<u8>())).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(len: usize) -> Vec<u8> {
        let mut state = 7u32;
        let mut bytes = Vec::with_capacity(len);
        for _ in 0..len {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            bytes.push(b",\n\"\0xyz9"[(state >> 29) as usize]);
        }
        bytes
    }

    #[test]
    fn every_needle_is_found_at_every_length() {
        for len in (0..200).chain([1000, 4096]) {
            let data = noise(len);
            let expected: Vec<usize> = (0..len).filter(|i| matches!(data[*i], b',' | b'\n' | b'"')).collect();
            let needles = Needles::new([b',', b'\n', b'"', b',']);
            let mut finder = Finder::new(&data, needles);
            let mut found = Vec::new();
            let mut from = 0;
            while let Some(at) = finder.next(from) {
                found.push(at);
                from = at + 1;
            }
            assert_eq!(found, expected, "length {len}");
            let mut slow = Vec::new();
            let mut from = 0;
            while let Some(at) = find(&data, from, needles) {
                slow.push(at);
                from = at + 1;
            }
            assert_eq!(slow, expected, "length {len}");
            assert_eq!(rfind(&data, needles), expected.last().copied(), "length {len}");
            assert_eq!(count(&data, b','), data.iter().filter(|b| **b == b',').count() as u64);
        }
    }

    #[test]
    fn a_zero_byte_can_be_a_needle_and_padding_is_not() {
        let data = b"ab\0c";
        assert_eq!(find(data, 0, Needles::one(0)), Some(2));
        assert_eq!(find(data, 3, Needles::one(0)), None);
    }

    #[test]
    fn the_finder_may_go_back() {
        let data = noise(300);
        let mut finder = Finder::new(&data, Needles::one(b','));
        let last = (0..300).rev().find(|i| data[*i] == b',').unwrap();
        assert_eq!(finder.next(last), Some(last));
        let first = (0..300).find(|i| data[*i] == b',').unwrap();
        assert_eq!(finder.next(0), Some(first));
    }
}
