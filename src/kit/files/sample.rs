//! A sample of single rows of a stream whose length is not known.

use crate::model::cell::Cell;
use crate::model::dice::Dice;
use crate::model::read::{Sample, SampleMethod, SampleSize};
use crate::model::{Error, ErrorKind, Result};

/// Cells that may be held at once.
const MOST_CELLS_HELD: usize = 8 << 20;

/// Keeps so many rows, or such a share of them, each with the same chance.
pub struct Reservoir {
    dice: Dice,
    method: SampleMethod,
    size: usize,
    /// A share of all rows instead of a number.
    share: Option<f64>,
    seen: u64,
    held: Vec<(u64, Vec<Cell>)>,
}

impl Reservoir {
    /// An empty one for a sample, at most so many rows.
    pub fn new(sample: Sample, most_rows: Option<u64>, seed: u64) -> Self {
        let most = most_rows.unwrap_or(u64::MAX);
        let (size, share) = match sample.size {
            SampleSize::Rows(rows) => (rows.min(most), None),
            SampleSize::Percent(percent) => (most, Some((percent / 100.0).clamp(0.0, 1.0))),
        };
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        Self { dice: Dice::new(seed), method: sample.method, size, share, seen: 0, held: Vec::new() }
    }

    /// Takes a row, if it is drawn.
    ///
    /// # Errors
    /// As [`Reservoir::put`].
    pub fn offer(&mut self, row: u64, cells: Vec<Cell>) -> Result<()> {
        match self.slot() {
            Some(slot) => self.put(slot, row, cells),
            None => Ok(()),
        }
    }

    /// Puts a row where [`Reservoir::slot`] said.
    ///
    /// # Errors
    /// `budget` if the sample does not fit into memory.
    pub fn put(&mut self, slot: usize, row: u64, cells: Vec<Cell>) -> Result<()> {
        if (self.held.len() + 1).saturating_mul(cells.len()) > MOST_CELLS_HELD {
            return Err(Error::new(
                ErrorKind::Budget,
                "read",
                format!("a sample by row of more than {} rows does not fit into memory", self.held.len()),
            )
            .hint("take fewer rows or columns, or a sample by block"));
        }
        if slot == self.held.len() {
            self.held.push((row, cells));
        } else if let Some(held) = self.held.get_mut(slot) {
            *held = (row, cells);
        }
        Ok(())
    }

    /// Where the next row goes, if it is drawn: asked once a row, before its cells are made.
    pub fn slot(&mut self) -> Option<usize> {
        self.seen += 1;
        if let Some(share) = self.share {
            let taken = (self.dice.draw() >> 11) as f64 / (1u64 << 53) as f64;
            return (taken < share && self.held.len() < self.size).then_some(self.held.len());
        }
        if self.held.len() < self.size {
            return Some(self.held.len());
        }
        let place = self.dice.below(self.seen);
        usize::try_from(place).ok().filter(|place| *place < self.size)
    }

    /// The rows in the table's order, or in random order.
    pub fn rows(mut self) -> impl Iterator<Item = Vec<Cell>> {
        self.held.sort_by_key(|(row, _)| *row);
        if self.method == SampleMethod::Random {
            for last in (1..self.held.len()).rev() {
                let other = self.dice.below(last as u64 + 1) as usize;
                self.held.swap(last, other);
            }
        }
        self.held.into_iter().map(|(_, cells)| cells)
    }
}
