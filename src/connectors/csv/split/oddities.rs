//! What whole rows hold that cutting them does not tell: bytes of zero, and a quote that opens a cell and is not
//! closed before the end.
//!
//! Invariant: what is found does not depend on how the stream was cut into blocks.

use super::super::block::Block;
use super::super::dialect::{Dialect, Losses, Why};
use crate::kit::scan::{Needles, count, find, rfind};

/// Looks at one block after the other.
#[derive(Debug, Default)]
pub(super) struct Oddities {
    /// The row of a quote that opened and was not closed so far, while no whole row came after it.
    open: Option<u64>,
}

impl Oddities {
    /// Looks at the rows of a block.
    pub(super) fn pass(&mut self, block: &Block, dialect: &Dialect, width: usize, losses: &mut Losses) {
        let cut = block.bytes.get(..block.end).unwrap_or_default();
        zero_bytes(block, cut, losses);
        if let Some(at) = rfind(cut, Needles::one(dialect.quote.unwrap_or(b'"'))) {
            self.open = opening(block, cut, at).map(|row| block.first_row() + row as u64);
        }
        if let Some(row) = self.open {
            // Rows that are whole were not swallowed: the quote was out of place.
            let after = (row + 1).saturating_sub(block.first_row());
            let after = usize::try_from(after).unwrap_or(usize::MAX);
            if (after..block.rows()).any(|row| block.width(row) == width) {
                self.open = None;
            }
        }
    }

    /// The row whose quote is open at the end of the stream.
    pub(super) fn take_open(&mut self) -> Option<u64> {
        self.open.take()
    }
}

fn zero_bytes(block: &Block, cut: &[u8], losses: &mut Losses) {
    let mut from = 0;
    while let Some(at) = find(cut, from, Needles::one(0)) {
        from = at + 1;
        if let Some((row, end)) = block.row_at(at) {
            let zeros = count(cut.get(at..end).unwrap_or_default(), 0);
            losses.add_many(Why::ZeroBytes, block.first_row() + row as u64, zeros);
            from = end;
        }
    }
}

/// The row in which a quote at `at` opens a cell, if it does and nothing closes it.
fn opening(block: &Block, cut: &[u8], at: usize) -> Option<usize> {
    let (row, _) = block.row_at(at)?;
    let field = block.row_fields(row).iter().find(|field| field.start() <= at && at < field.end())?;
    let before = cut.get(field.start()..at)?;
    (!field.is_quoted() && before.iter().all(|byte| matches!(byte, b' ' | b'\t'))).then_some(row)
}
