//! A sparse index of rows: a checkpoint every mebibyte or so, so that any row seen before costs one block.
//!
//! A checkpoint always stands at the first byte of a row, outside quotes, so it needs no further state. It
//! grows while a file is read anyway; nothing is read for its sake. Packed files have none: they can only be
//! read from the beginning.

use serde::{Deserialize, Serialize};

/// A place where a row starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The data row, from 0.
    pub row: u64,
    /// Its first byte in the file.
    pub place: u64,
}

/// Checkpoints in the order of rows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowIndex {
    points: Vec<Checkpoint>,
    /// All rows, once the end was seen.
    rows: Option<u64>,
}

impl RowIndex {
    /// Bytes between two checkpoints, at least.
    pub const SPACING: u64 = 1 << 20;

    /// Starts at the first data row.
    pub fn new(data_start: u64) -> Self {
        Self { points: vec![Checkpoint { row: 0, place: data_start }], rows: None }
    }

    /// Notes a place where a row starts. Places may come in any order; close ones are left out.
    pub fn note(&mut self, point: Checkpoint) {
        let at = self.points.partition_point(|known| known.place < point.place);
        let far = |other: Option<&Checkpoint>| {
            other.is_none_or(|other| other.place.abs_diff(point.place) >= Self::SPACING)
        };
        let before = at.checked_sub(1).and_then(|before| self.points.get(before));
        if far(before) && far(self.points.get(at)) {
            self.points.insert(at, point);
        }
    }

    /// Notes that the file has so many rows.
    pub fn finish(&mut self, rows: u64) {
        self.rows = Some(rows);
    }

    /// All rows, if the end was seen.
    pub fn rows(&self) -> Option<u64> {
        self.rows
    }

    /// The last known place at or before a row.
    pub fn nearest(&self, row: u64) -> Option<Checkpoint> {
        let after = self.points.partition_point(|known| known.row <= row);
        after.checked_sub(1).and_then(|at| self.points.get(at)).copied()
    }

    /// The furthest known place.
    pub fn last(&self) -> Option<Checkpoint> {
        self.points.last().copied()
    }

    /// Takes over what another read of the same file found.
    pub fn merge(&mut self, other: &Self) {
        for point in &other.points {
            self.note(*point);
        }
        self.rows = self.rows.or(other.rows);
    }

    /// The same without the number of rows, for a file that has grown.
    #[must_use]
    pub fn without_end(mut self) -> Self {
        self.rows = None;
        self
    }

    /// How many checkpoints it holds.
    pub fn len(&self) -> usize {
        self.points.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::super::dialect::Dialect;
    use super::super::split::{SplitOptions, Splitter};
    use super::*;

    #[test]
    fn checkpoints_lead_back_to_their_rows() {
        let mut text = Vec::new();
        let filler = "filler ".repeat(40);
        for row in 0..20_000 {
            text.extend(format!("{row},\"two\nlines, {filler}\",x\n").bytes());
        }
        let options = SplitOptions::new(Dialect::default(), 3);
        let mut splitter = Splitter::new(options, 0, 0);
        let mut input = &text[..];
        let mut index = RowIndex::new(0);
        let mut rows = 0;
        while let Some(block) = splitter.next_block(&mut input, usize::MAX) {
            index.note(Checkpoint { row: block.first_row(), place: block.row_offset(0) });
            rows += block.rows() as u64;
        }
        index.finish(rows);
        assert_eq!(index.rows(), Some(20_000));
        assert!(index.len() as u64 >= text.len() as u64 / RowIndex::SPACING / 2 && index.len() < 20);
        for row in [0, 1, 9_999, 15_000, 19_999] {
            let point = index.nearest(row).unwrap();
            assert!(point.row <= row);
            let mut splitter = Splitter::new(options, point.row, point.place);
            let mut input = &text[point.place as usize..];
            let found = loop {
                let block = splitter.next_block(&mut input, usize::MAX).unwrap();
                if row < block.first_row() + block.rows() as u64 {
                    break block.cell((row - block.first_row()) as usize, 0).unwrap().bytes.to_vec();
                }
            };
            assert_eq!(found, row.to_string().into_bytes());
            assert!(text.len() - input.len() - point.place as usize <= 3 << 20);
        }
    }

    #[test]
    fn close_places_are_left_out_and_far_ones_merge() {
        let mut index = RowIndex::new(10);
        index.note(Checkpoint { row: 5, place: 500 });
        index.note(Checkpoint { row: 900, place: 5 << 20 });
        index.note(Checkpoint { row: 400, place: 2 << 20 });
        assert_eq!(index.len(), 3);
        assert_eq!(index.nearest(899), Some(Checkpoint { row: 400, place: 2 << 20 }));
        assert_eq!(index.nearest(0), Some(Checkpoint { row: 0, place: 10 }));
        let mut other = RowIndex::new(10);
        other.note(Checkpoint { row: 2000, place: 9 << 20 });
        other.finish(3000);
        index.merge(&other);
        assert_eq!((index.len(), index.rows(), index.last().unwrap().row), (4, Some(3000), 2000));
    }
}
