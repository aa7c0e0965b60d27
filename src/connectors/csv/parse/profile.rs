//! A profile straight from the bytes: one pass, column by column inside a block, without a cell or a batch for
//! each value. Samples and filtered reads go the way of rows, into a profiler instead of the host.

use super::super::block::{Block, RawCell};
use super::super::cells::{CellMaker, Place, big_decimal_text, time, timestamp};
use super::super::decode::CellText;
use super::super::dialect::{Losses, Why};
use super::super::index::{Checkpoint, RowIndex};
use super::super::number::DecimalMark;
use super::super::open::Access;
use super::super::reader::{RowReader, Stretch};
use super::super::split::SplitOptions;
use super::super::typing::{ColumnReader, TypeKind, Value};
use super::losses::{Seen, findings};
use super::order::{block_bytes, note_growth};
use super::{Profile, Rows, RowsEnd, Run, SampleRows, What, broken, order, sample};
use crate::job::Flow;
use crate::kit::worker::GuestOut;
use crate::model::batch::Batch;
use crate::model::column_state::TableState;
use crate::model::lost::Findings;
use crate::model::read::ReadEnd;
use crate::model::schema::Schema;
use crate::model::{Error, Result};
use crate::profiler::{ColumnAccumulator, Limits, TableProfiler};
use std::borrow::Cow;
use std::sync::Arc;

/// A block holds at least so many rows, so that the state of a column is worth fetching.
const BLOCK_ROWS: f64 = 4096.0;
const LARGEST_BLOCK: usize = 8 << 20;

pub(super) fn profile(run: &mut Run<'_>, params: &Profile) -> Result<RowsEnd> {
    let what = &params.what;
    if params.sample.is_none() && what.filter.is_none() {
        return pass(run, what);
    }
    let mut profiling = Profiling { inner: run.out, profiler: None, failed: None };
    let mut inner =
        Run { input: run.input, out: &mut profiling, told: run.told, since: run.since, limits: run.limits };
    let end = match params.sample {
        Some(sample) => {
            let (known_rows, seed) = (params.known_rows, params.seed);
            sample::rows(&mut inner, &SampleRows { what: what.clone(), sample, known_rows, seed })
        }
        None => {
            let from = Checkpoint { row: 0, place: what.layout.written.data_start };
            order::rows(&mut inner, &Rows { what: what.clone(), from, first_row: 0 })
        }
    };
    let told = inner.told;
    let (profiler, failed) = (profiling.profiler.take(), profiling.failed.take());
    run.told = told;
    let end = end?;
    if let Some(error) = failed {
        return Err(error);
    }
    let state = profiler.map(|profiler| profiler.state()).unwrap_or_default();
    run.out.state(state)?;
    Ok(RowsEnd { next: None, ..end })
}

/// Takes the place of the host: rows go into a profiler.
struct Profiling<'a> {
    inner: &'a mut dyn GuestOut,
    profiler: Option<TableProfiler>,
    failed: Option<Error>,
}

impl GuestOut for Profiling<'_> {
    fn batch(&mut self, batch: Batch) -> Result<Flow> {
        let profiler = self.profiler.get_or_insert_with(|| TableProfiler::new(Arc::clone(&batch.schema)));
        match profiler.push(&batch) {
            Ok(()) => Ok(Flow::More),
            Err(error) => {
                self.failed = Some(error);
                Ok(Flow::Enough)
            }
        }
    }

    fn state(&mut self, state: TableState) -> Result<()> {
        self.inner.state(state)
    }

    fn findings(&mut self, findings: Findings) -> Result<()> {
        self.inner.findings(findings)
    }

    fn progress(&mut self, done: u64, total: Option<u64>, unit: &'static str) -> Result<()> {
        self.inner.progress(done, total, unit)
    }

    fn bytes_read(&mut self, bytes: u64) {
        self.inner.bytes_read(bytes);
    }

    fn check(&mut self) -> Result<()> {
        self.inner.check()
    }
}

/// One pass over the rows from the first on.
fn pass(run: &mut Run<'_>, what: &What) -> Result<RowsEnd> {
    let layout = &what.layout;
    run.limits = what.limits();
    run.input.advise(Access::InOrder);
    let wide = (BLOCK_ROWS * layout.row_bytes) as usize;
    let stretch = Stretch {
        from: Checkpoint { row: 0, place: layout.written.data_start },
        end: None,
        block_bytes: block_bytes(what.most_bytes).max(wide.min(LARGEST_BLOCK)),
        most_bytes: u64::MAX,
    };
    let stretch = match what.most_bytes.or(what.most_rows) {
        // A bounded profile shall not take a large block for a few rows.
        Some(_) => Stretch { block_bytes: bounded_block(what), ..stretch },
        None => stretch,
    };
    let mut reader = RowReader::new(run.input, layout, stretch).map_err(|error| broken(&error))?;
    let mut states = States::new(what);
    let mut index = RowIndex::new(layout.written.data_start);
    let end = loop {
        let room = what.most_rows.map_or(u64::MAX, |most| most.saturating_sub(states.rows));
        if room == 0 || run.is_exhausted() {
            break ReadEnd::Bounded;
        }
        let Some(block) = reader.next_block(usize::try_from(room).unwrap_or(usize::MAX)) else {
            break ReadEnd::Complete;
        };
        index.note(Checkpoint { row: block.first_row(), place: block.row_offset(0) });
        states.take(block);
        run.tick()?;
    };
    let mut losses = reader.take_losses();
    let end = if end == ReadEnd::Bounded && !order::has_more(&mut reader, &mut losses) {
        ReadEnd::Complete
    } else {
        end
    };
    let failure = reader.failure();
    if let Some(error) = failure.filter(|_| states.rows == 0) {
        return Err(broken(error));
    }
    let end = if failure.is_some() { ReadEnd::Bounded } else { end };
    let complete = end == ReadEnd::Complete;
    if complete {
        index.finish(states.rows);
    }
    losses.merge(&states.losses);
    let mut found = findings(&losses, layout, Seen { beginning: true, end: complete }, failure);
    note_growth(run, layout, &mut found);
    run.out.findings(found)?;
    run.out.state(states.state())?;
    Ok(RowsEnd { end, next: None, index })
}

fn bounded_block(what: &What) -> usize {
    let rows = what.most_rows.map_or(f64::MAX, |rows| rows as f64 * what.layout.row_bytes * 1.1);
    let bytes = (rows as usize).saturating_add(4096);
    bytes.min(block_bytes(what.most_bytes)).clamp(4096, SplitOptions::BLOCK_BYTES)
}

/// The state of every column asked for.
struct States<'w> {
    maker: CellMaker<'w>,
    schema: Schema,
    columns: Vec<usize>,
    accumulators: Vec<ColumnAccumulator>,
    width: usize,
    rows: u64,
    losses: Losses,
    scratch: String,
}

impl<'w> States<'w> {
    fn new(what: &'w What) -> Self {
        let all = what.layout.schema();
        let columns = what.columns.clone().unwrap_or_else(|| (0..all.fields.len()).collect());
        let fields: Vec<_> = columns.iter().filter_map(|column| all.fields.get(*column).cloned()).collect();
        let limits = Limits::for_columns(fields.len());
        Self {
            maker: CellMaker::new(&what.layout),
            accumulators: fields.iter().map(|field| ColumnAccumulator::new(&field.logical, limits)).collect(),
            schema: Schema::new(fields),
            columns,
            width: what.layout.written.width,
            rows: 0,
            losses: Losses::default(),
            scratch: String::new(),
        }
    }

    fn state(&self) -> TableState {
        TableState {
            schema: self.schema.clone(),
            rows: self.rows,
            columns: self.accumulators.iter().map(ColumnAccumulator::state).collect(),
        }
    }

    fn take(&mut self, block: &Block) {
        let overflowing: Vec<usize> =
            (0..block.rows()).filter(|row| self.maker.overflows(block, *row)).collect();
        for row in overflowing.iter().filter(|row| block.width(**row) <= self.width) {
            self.losses.add(Why::LongRow, block.first_row() + *row as u64);
        }
        let last = self.maker.readers.len().saturating_sub(1);
        for (column, accumulator) in self.columns.iter().zip(&mut self.accumulators) {
            let Some(reader) = self.maker.readers.get(*column) else { continue };
            let mut cells = Cells {
                maker: &self.maker,
                reader,
                column: *column,
                accumulator,
                losses: &mut self.losses,
                scratch: &mut self.scratch,
            };
            let overflowing: &[usize] = if *column == last { &overflowing } else { &[] };
            block.for_each_in_column(*column, |row, raw| {
                let number = block.first_row() + row as u64;
                if !overflowing.is_empty() && overflowing.binary_search(&row).is_ok() {
                    cells.push_place(self.maker.place(block, row, *column), number);
                    return;
                }
                match raw {
                    Some(raw) => cells.push(raw, number),
                    None => cells.accumulator.push_missing(),
                }
            });
        }
        self.rows += block.rows() as u64;
    }
}

/// Pushes the cells of one column.
struct Cells<'a, 'w> {
    maker: &'a CellMaker<'w>,
    reader: &'a ColumnReader<'w>,
    column: usize,
    accumulator: &'a mut ColumnAccumulator,
    losses: &'a mut Losses,
    scratch: &'a mut String,
}

impl Cells<'_, '_> {
    /// The same value as [`CellMaker::cell`] would make, without making it.
    #[inline]
    fn push(&mut self, raw: RawCell<'_>, number: u64) {
        let kind = self.reader.kind;
        if matches!(kind, TypeKind::Text | TypeKind::Null) && raw.quoted {
            return self.push_text(raw.value(), number);
        }
        let value = raw.value();
        match self.reader.read(&value) {
            Value::Null(_) => self.accumulator.push_null(),
            Value::Int(value) => self.accumulator.push_i64(value),
            Value::Date(days) => self.accumulator.push_i64(days.into()),
            Value::Float(value) => self.accumulator.push_f64(value),
            Value::Bool(value) => self.accumulator.push_bool(value),
            Value::Decimal(_) | Value::BigDecimal(_) => self.push_decimal(value.trim_ascii()),
            Value::Time(nanos) => match time(nanos, kind) {
                Some(value) => self.accumulator.push_i64(value),
                None => self.accumulator.push_odd(),
            },
            Value::Moment(moment) => match timestamp(moment, kind) {
                Some(value) => self.accumulator.push_i64(value),
                None => self.push_place(Place::Cell(raw), number),
            },
            Value::Uuid(_) => self.push_text(Cow::Borrowed(value.trim_ascii()), number),
            Value::Text(text) => self.push_text(Cow::Borrowed(text), number),
            Value::Exception(_) => self.push_odd(value, number),
        }
    }

    fn push_text(&mut self, bytes: Cow<'_, [u8]>, number: u64) {
        match self.maker.characters(bytes) {
            CellText::Valid(text) => self.accumulator.push_str(&text),
            CellText::Invalid(_) => {
                self.losses.add(Why::InvalidBytes, number);
                self.accumulator.push_odd();
            }
        }
    }

    fn push_odd(&mut self, bytes: Cow<'_, [u8]>, number: u64) {
        if matches!(self.maker.characters(bytes), CellText::Invalid(_)) {
            self.losses.add(Why::InvalidBytes, number);
        }
        self.accumulator.push_odd();
    }

    /// Digits with a point and the column's places after it, as rows show them.
    fn push_decimal(&mut self, text: &[u8]) {
        let TypeKind::Decimal { scale, mark, .. } = self.reader.kind else {
            return self.accumulator.push_odd();
        };
        let places = usize::from(scale);
        let fits = match text.len().checked_sub(places + 1).and_then(|at| text.get(at..)) {
            // The first byte must be a digit: no sign to drop, no whole part to add.
            Some([b'.', ..]) if places > 0 => text[0].is_ascii_digit(),
            _ => false,
        };
        if fits
            && mark == DecimalMark::Point
            && let Ok(text) = std::str::from_utf8(text)
        {
            return self.accumulator.push_decimal(text);
        }
        self.scratch.clear();
        self.scratch.push_str(&big_decimal_text(text, scale, mark));
        self.accumulator.push_decimal(self.scratch);
    }

    /// The slow way, for the few places where a cell is needed.
    fn push_place(&mut self, place: Place<'_>, number: u64) {
        let cell = self.maker.cell_at(place, self.column);
        if matches!(cell, crate::model::cell::Cell::Invalid(_)) {
            self.losses.add(Why::InvalidBytes, number);
        }
        self.accumulator.push_cell(&cell);
    }
}
