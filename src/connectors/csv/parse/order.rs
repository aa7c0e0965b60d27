//! Rows in the file's own order, from any row on.

use super::super::block::Block;
use super::super::dialect::{Losses, Why};
use super::super::index::{Checkpoint, RowIndex};
use super::super::layout::Layout;
use super::super::open::Access;
use super::super::reach;
use super::super::reader::{RowReader, Stretch};
use super::super::split::SplitOptions;
use super::batches::Batches;
use super::losses::{Seen, findings};
use super::{Rows, RowsEnd, Run, broken};
use crate::job::Flow;
use crate::model::Result;
use crate::model::lost::{Disagreement, Findings};
use crate::model::read::ReadEnd;
use crate::safety::budget;
use std::io;

/// More rows than this are read as a stream, not as a look.
const FEW_ROWS: u64 = 10_000;
const SMALL_BLOCK: usize = 64 << 10;
/// Unpacked bytes that a look at a packed file may take beyond the place where it starts.
const LOOK_BYTES: u64 = 64 << 20;

pub(super) fn rows(run: &mut Run<'_>, params: &Rows) -> Result<RowsEnd> {
    let (what, layout) = (&params.what, &params.what.layout);
    run.limits = what.limits();
    let is_look = what.filter.is_none() && what.most_rows.is_some_and(|rows| rows <= FEW_ROWS);
    run.input.advise(if is_look { Access::Scattered } else { Access::InOrder });
    let stretch = Stretch {
        from: params.from,
        end: None,
        block_bytes: match what.most_rows {
            Some(rows) if is_look => reach::look_bytes(layout, rows),
            _ => block_bytes(what.most_bytes),
        },
        most_bytes: if is_look { look_bytes(params) } else { u64::MAX },
    };
    let mut reader = RowReader::new(run.input, layout, stretch).map_err(|error| broken(&error))?;
    let index = RowIndex::new(layout.written.data_start);
    let mut pass = Pass {
        batches: Batches::new(what),
        index,
        at: params.from,
        rows_left: false,
        losses: Losses::default(),
    };
    pass.skip(run, &mut reader, params.first_row)?;
    let end = pass.give_rows(run, &mut reader, params)?;
    pass.losses.merge(&reader.take_losses());
    let done = end == ReadEnd::Bounded && !pass.rows_left && !has_more(&mut reader, &mut pass.losses);
    let end = if done { ReadEnd::Complete } else { end };
    pass.finish(run, params, reader.failure(), end)
}

/// No more at a time than may be read in all.
pub(super) fn block_bytes(most_bytes: Option<u64>) -> usize {
    let most = most_bytes.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
    most.clamp(SMALL_BLOCK, SplitOptions::BLOCK_BYTES)
}

/// Unpacked bytes up to which a look at a packed file may go.
fn look_bytes(params: &Rows) -> u64 {
    let rows = params.first_row.saturating_add(params.what.most_rows.unwrap_or(0));
    // Twice the rows' usual length, and room for some that are longer.
    let usual = 2.0 * rows as f64 * params.what.layout.row_bytes;
    params.from.place.saturating_add(usual as u64).saturating_add(LOOK_BYTES)
}

/// One pass over rows in order.
struct Pass<'w> {
    batches: Batches<'w>,
    index: RowIndex,
    /// The first row not yet passed.
    at: Checkpoint,
    /// Whether rows of the last block were left.
    rows_left: bool,
    losses: Losses,
}

impl Pass<'_> {
    /// Passes over the rows before the first one wanted.
    fn skip(&mut self, run: &mut Run<'_>, reader: &mut RowReader<'_>, first_row: u64) -> Result<()> {
        while self.at.row < first_row && !run.is_exhausted() {
            let most = usize::try_from(first_row - self.at.row).unwrap_or(usize::MAX);
            let Some(block) = reader.next_block(most) else { break };
            self.pass(block, block.rows());
            run.tick()?;
        }
        // What was lost before the rows wanted is not theirs.
        reader.take_losses();
        Ok(())
    }

    /// Notes that the rows of a block before `row` are behind.
    fn pass(&mut self, block: &Block, row: usize) {
        self.index.note(Checkpoint { row: block.first_row(), place: block.row_offset(0) });
        self.at = Checkpoint { row: block.first_row() + row as u64, place: block.row_offset(row) };
        self.rows_left = row < block.rows();
    }

    fn give_rows(&mut self, run: &mut Run<'_>, reader: &mut RowReader<'_>, params: &Rows) -> Result<ReadEnd> {
        loop {
            if self.batches.room() == 0 || run.is_exhausted() {
                return Ok(ReadEnd::Bounded);
            }
            // Without a filter no more is cut than given, so that losses are those of the rows given.
            let most = match params.what.filter {
                None => usize::try_from(self.batches.room()).unwrap_or(usize::MAX),
                Some(_) => usize::MAX,
            };
            let Some(block) = reader.next_block(most) else { return Ok(ReadEnd::Complete) };
            for row in 0..block.rows() {
                self.batches.take(block, row);
                let last = self.batches.room() == 0;
                if (last || self.batches.is_full()) && self.give(run)? == Flow::Enough {
                    self.pass(block, row + 1);
                    return Ok(ReadEnd::Enough);
                }
                if last {
                    self.pass(block, row + 1);
                    return Ok(ReadEnd::Bounded);
                }
            }
            self.pass(block, block.rows());
            run.tick()?;
        }
    }

    fn give(&mut self, run: &mut Run<'_>) -> Result<Flow> {
        run.tell_bytes();
        match self.batches.batch()? {
            Some(batch) => run.out.batch(batch),
            None => Ok(Flow::More),
        }
    }

    fn finish(
        mut self,
        run: &mut Run<'_>,
        params: &Rows,
        failure: Option<&io::Error>,
        end: ReadEnd,
    ) -> Result<RowsEnd> {
        if let Some(error) = failure {
            if budget::exhausted(error).is_some() {
                self.losses.rename(Why::EndedEarly, Why::Budget);
            } else if self.batches.given == 0 && self.at.row == 0 {
                return Err(broken(error));
            }
        }
        // A stream that failed has not given everything, and there is nothing to go on with.
        let end = if failure.is_some() && end == ReadEnd::Complete { ReadEnd::Bounded } else { end };
        let complete = end == ReadEnd::Complete;
        if complete {
            self.index.finish(self.at.row);
        }
        if end != ReadEnd::Enough {
            self.give(run)?;
        }
        self.losses.merge(&self.batches.losses);
        let seen = Seen { beginning: params.first_row == 0, end: complete };
        let mut found = findings(&self.losses, &params.what.layout, seen, failure);
        note_growth(run, &params.what.layout, &mut found);
        run.out.findings(found)?;
        let next = (!complete && failure.is_none()).then_some(self.at);
        Ok(RowsEnd { end, next, index: self.index })
    }
}

/// Whether another row follows: a bound that falls on the last row leaves nothing out.
pub(super) fn has_more(reader: &mut RowReader<'_>, losses: &mut Losses) -> bool {
    let more = reader.next_block(1).is_some() || reader.failure().is_some();
    let beyond = reader.take_losses();
    // What was lost before a row that is not given is not theirs; what was lost at the end is.
    if !more {
        losses.merge(&beyond);
    }
    more
}

/// Says so when the file was written to since the read was planned.
pub(super) fn note_growth(run: &Run<'_>, layout: &Layout, found: &mut Findings) {
    let now = run.input.size_now().unwrap_or(run.input.len());
    if now != layout.file_bytes {
        found.merge(Findings {
            disagreements: vec![Disagreement {
                about: "size of the file".to_owned(),
                declared: format!("{} bytes when the read was planned", layout.file_bytes),
                observed: format!("{now} bytes at its end: it is being written to"),
            }],
            ..Findings::default()
        });
    }
}
