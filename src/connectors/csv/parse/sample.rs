//! Samples: whole windows spread over the file, or single rows of one pass, each with its own honesty.

use super::super::dialect::Losses;
use super::super::index::{Checkpoint, RowIndex};
use super::super::layout::Layout;
use super::super::open::{Access, Packing};
use super::super::reach::Windows;
use super::super::reader::{RowReader, Stretch};
use super::super::sync;
use super::batches::Batches;
use super::losses::{Seen, findings};
use super::order::{block_bytes, note_growth};
use super::{Rows, RowsEnd, Run, SampleRows, broken};
use crate::job::Flow;
use crate::kit::files::sample::Reservoir;
use crate::model::dice::Dice;
use crate::model::read::{ReadEnd, Sample, SampleMethod, SampleSize};
use crate::model::{Error, ErrorKind, Result};

const MOST_SYNC_BYTES: usize = 1 << 20;

pub(super) fn rows(run: &mut Run<'_>, params: &SampleRows) -> Result<RowsEnd> {
    let layout = &params.what.layout;
    run.limits = params.what.limits();
    match params.sample.method {
        SampleMethod::Block if layout.packing == Packing::Plain => windows(run, params),
        SampleMethod::Row | SampleMethod::Random => single_rows(run, params),
        SampleMethod::Head | SampleMethod::Auto => head(run, params),
        SampleMethod::Block | SampleMethod::Keyset => Err(Error::new(
            ErrorKind::Unsupported,
            "read",
            format!("a sample by {} can't be taken of this file", params.sample.method.word()),
        )
        .hint("take a sample by head or by row")),
    }
}

/// Rows wanted, of those known.
fn wanted(params: &SampleRows) -> u64 {
    let rows = match params.sample.size {
        SampleSize::Rows(rows) => rows,
        SampleSize::Percent(percent) => (params.known_rows.unwrap_or(0.0) * percent / 100.0).ceil() as u64,
    };
    rows.min(params.what.most_rows.unwrap_or(u64::MAX)).max(1)
}

fn head(run: &mut Run<'_>, params: &SampleRows) -> Result<RowsEnd> {
    let mut what = params.what.clone();
    what.most_rows = Some(wanted(params));
    let from = Checkpoint { row: 0, place: what.layout.written.data_start };
    let end = super::order::rows(run, &Rows { what, from, first_row: 0 })?;
    Ok(RowsEnd { end: ReadEnd::Complete, next: None, ..end })
}

/// Windows at random places of equal parts of the file, each read until its share of rows is full.
fn windows(run: &mut Run<'_>, params: &SampleRows) -> Result<RowsEnd> {
    let layout = &params.what.layout;
    run.input.advise(Access::Scattered);
    let rows = wanted(params);
    let shape = Windows::of(layout, rows);
    let part = layout.data_bytes() / shape.count;
    let needed = (shape.rows as f64 * layout.row_bytes * 1.1) as u64;
    let mut dice = Dice::new(params.seed);
    let mut batches = Batches::new(&params.what);
    let mut losses = Losses::default();
    let mut enough = false;
    for window in 0..shape.count {
        let room = part.saturating_sub(needed);
        let place = layout.written.data_start + part * window + dice.below(room);
        let end = layout.written.data_start + part * (window + 1);
        let shape = Windows { rows: shape.rows.min(rows - batches.given.min(rows)), ..shape };
        enough = one_window(run, params, &mut batches, (place, end), shape, &mut losses)?;
        run.tick()?;
        if enough || run.is_exhausted() || batches.given >= rows {
            break;
        }
    }
    if batches.given == 0 {
        // A file of few or very long rows: its beginning is better than nothing.
        return head(run, params);
    }
    if !enough && let Some(batch) = batches.batch()? {
        run.out.batch(batch)?;
    }
    losses.merge(&batches.losses);
    let mut found = findings(&losses, layout, Seen::default(), None);
    note_growth(run, layout, &mut found);
    run.out.findings(found)?;
    let end = if run.is_exhausted() { ReadEnd::Bounded } else { ReadEnd::Complete };
    Ok(RowsEnd { end, next: None, index: RowIndex::default() })
}

/// Takes rows from a place on until the share is full or the part ends; whether the sink has enough.
fn one_window(
    run: &mut Run<'_>,
    params: &SampleRows,
    batches: &mut Batches<'_>,
    (place, end): (u64, u64),
    shape: Windows,
    losses: &mut Losses,
) -> Result<bool> {
    let layout = &params.what.layout;
    let start = if place <= layout.written.data_start + 1 {
        Some(layout.written.data_start)
    } else {
        row_start(run, layout, place & !1, shape.sync_bytes)?
    };
    let Some(start) = start.filter(|start| *start < end) else { return Ok(false) };
    let stretch = Stretch {
        from: Checkpoint { row: 0, place: start },
        end: None,
        block_bytes: shape.block_bytes,
        most_bytes: u64::MAX,
    };
    let mut reader = RowReader::new(run.input, layout, stretch).map_err(|error| broken(&error))?;
    let mut left = shape.rows;
    while left > 0 {
        let Some(block) = reader.next_block(usize::try_from(left).unwrap_or(usize::MAX)) else { break };
        for row in 0..block.rows() {
            if block.row_offset(row) >= end {
                left = 0;
                break;
            }
            left -= 1;
            if batches.is_wanted(block, row) {
                let cells = batches.cells(block, row);
                batches.take_cells(cells, None);
            }
            if batches.is_full()
                && let Some(batch) = batches.batch()?
                && run.out.batch(batch)? == Flow::Enough
            {
                return Ok(true);
            }
        }
        if run.is_exhausted() {
            break;
        }
    }
    losses.merge(&reader.take_losses());
    Ok(false)
}

/// The place of the first row that starts after a place.
fn row_start(run: &Run<'_>, layout: &Layout, place: u64, mut len: usize) -> Result<Option<u64>> {
    loop {
        let bytes = run.input.window(place, len).map_err(|error| broken(&error))?;
        let text = layout.written.encoding.text_of(&bytes);
        if let Some(at) = sync::first_row(&text, layout.written.dialect, layout.written.width) {
            return Ok(Some(place + layout.written.encoding.file_len(text.get(..at).unwrap_or_default())));
        }
        if bytes.len() < len || len >= MOST_SYNC_BYTES {
            return Ok(None);
        }
        len *= 4;
    }
}

/// Room for the rows wanted, or for a share of those that come.
fn reservoir(params: &SampleRows) -> Reservoir {
    let (size, most_rows) = match params.sample.size {
        SampleSize::Rows(_) => (SampleSize::Rows(wanted(params)), None),
        share @ SampleSize::Percent(_) => (share, params.what.most_rows),
    };
    Reservoir::new(Sample { size, ..params.sample }, most_rows, params.seed)
}

/// Every row with the same chance: one pass over all of them, keeping a reservoir.
fn single_rows(run: &mut Run<'_>, params: &SampleRows) -> Result<RowsEnd> {
    let layout = &params.what.layout;
    run.input.advise(Access::InOrder);
    let mut batches = Batches::new(&params.what);
    let stretch = Stretch {
        from: Checkpoint { row: 0, place: layout.written.data_start },
        end: None,
        block_bytes: block_bytes(params.what.most_bytes),
        most_bytes: u64::MAX,
    };
    let mut reader = RowReader::new(run.input, layout, stretch).map_err(|error| broken(&error))?;
    let mut reservoir = reservoir(params);
    let mut end = ReadEnd::Complete;
    while let Some(block) = reader.next_block(usize::MAX) {
        for row in 0..block.rows() {
            if batches.is_wanted(block, row)
                && let Some(slot) = reservoir.slot()
            {
                let cells = batches.cells(block, row);
                reservoir.put(slot, block.first_row() + row as u64, cells)?;
            }
        }
        run.tick()?;
        if run.is_exhausted() {
            end = ReadEnd::Bounded;
            break;
        }
    }
    let mut losses = reader.take_losses();
    let mut flow = Flow::More;
    for cells in reservoir.rows() {
        batches.take_cells(cells, None);
        if batches.is_full()
            && let Some(batch) = batches.batch()?
        {
            flow = run.out.batch(batch)?;
            if flow == Flow::Enough {
                break;
            }
        }
    }
    if flow == Flow::More
        && let Some(batch) = batches.batch()?
    {
        run.out.batch(batch)?;
    }
    losses.merge(&batches.losses);
    let seen = Seen { beginning: true, end: end == ReadEnd::Complete };
    let mut found = findings(&losses, layout, seen, reader.failure());
    note_growth(run, layout, &mut found);
    run.out.findings(found)?;
    Ok(RowsEnd { end, next: None, index: RowIndex::default() })
}
