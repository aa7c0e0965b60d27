//! Rows on their way out of the guest: what a format decodes comes in row by row or batch by batch, and this does
//! the rest — filter, columns, bounds, samples, profiles, the place of the next page.
//!
//! Invariants: never more rows than asked for · a bound that happens to be the table's end is told apart from a bound
//! that leaves rows behind · a failure in the middle keeps the rows before it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use arrow::record_batch::RecordBatch;

use super::open::FileInput;
use super::reader::{Ask, Place, RowsEnd, Stretch};
use super::sample::Reservoir;
use crate::job::Flow;
use crate::kit::worker::GuestOut;
use crate::model::batch::{Batch, BatchBuilder, Exception, Origin};
use crate::model::cell::Cell;
use crate::model::filter::Filter;
use crate::model::lost::{Disagreement, Findings, Lost};
use crate::model::read::{ReadEnd, SampleMethod};
use crate::model::schema::{Field, Schema};
use crate::model::{Error, ErrorKind, Result};
use crate::profiler::TableProfiler;

const BATCH_ROWS: usize = 2048;
const BATCH_BYTES: usize = 1 << 20;
/// The clock and the bytes taken are looked at once in so many rows.
const TICK_ROWS: u64 = 256;

/// Where a format gives its rows to.
pub struct RowsOut<'a> {
    input: &'a FileInput,
    ask: &'a Ask,
    out: &'a mut dyn GuestOut,
    since: Instant,
    told: u64,
    decoded: Arc<Schema>,
    filtered: BTreeMap<&'a str, usize>,
    builder: BatchBuilder,
    first_row: Option<u64>,
    reservoir: Option<Reservoir>,
    profiler: Option<TableProfiler>,
    findings: Findings,
    seen: u64,
    /// Rows given out, or profiled.
    given: u64,
    /// The sink wants no more.
    enough: bool,
    /// The first row left behind.
    next: Option<Place>,
    batches: u64,
}

impl<'a> RowsOut<'a> {
    pub(super) fn new(
        input: &'a FileInput,
        ask: &'a Ask,
        out: &'a mut dyn GuestOut,
        since: Instant,
    ) -> Result<Self> {
        let fields: Vec<Field> =
            ask.columns.iter().filter_map(|column| ask.table.schema.fields.get(*column).cloned()).collect();
        let filtered = ask.filter.as_ref().map(Filter::columns).unwrap_or_default();
        let place = |name: &str| fields.iter().position(|field| field.name == name);
        let filtered = filtered.into_iter().filter_map(|name| Some((name, place(name)?))).collect();
        let given = Arc::new(Schema::new(fields.iter().take(ask.given).cloned().collect()));
        let reservoir = match ask.sample {
            Some(sample) if matches!(sample.method, SampleMethod::Row | SampleMethod::Random) => {
                Some(Reservoir::new(sample, ask.most_rows, ask.seed))
            }
            _ => None,
        };
        Ok(Self {
            input,
            ask,
            out,
            since,
            told: 0,
            decoded: Arc::new(Schema::new(fields)),
            filtered,
            builder: BatchBuilder::new(Arc::clone(&given)),
            first_row: None,
            reservoir,
            profiler: ask.profile.then(|| TableProfiler::new(given)),
            findings: Findings::default(),
            seen: 0,
            given: 0,
            enough: false,
            next: None,
            batches: 0,
        })
    }

    /// The columns that rows are given in.
    pub fn columns(&self) -> &Arc<Schema> {
        &self.decoded
    }

    /// Rows worth decoding still: those wanted and one more, which tells that there is more.
    pub fn room(&self) -> u64 {
        match self.ask.most_rows {
            Some(most) if self.reservoir.is_none() && self.ask.filter.is_none() => {
                most.saturating_sub(self.given).saturating_add(1)
            }
            _ => u64::MAX,
        }
    }

    /// Takes a row: its place and the cells of [`Ask::columns`] in order (missing where the row ends early).
    ///
    /// # Errors
    /// `cancelled`; `budget` for a sample that does not fit into memory.
    pub fn row(&mut self, at: Place, mut cells: Vec<Cell>) -> Result<Flow> {
        if self.is_full(at)? {
            return Ok(Flow::Enough);
        }
        if let Some(filter) = &self.ask.filter {
            let cell = |name: &str| {
                self.filtered.get(name).and_then(|at| cells.get(*at)).cloned().unwrap_or(Cell::Missing)
            };
            if filter.evaluate(&cell) != Some(true) {
                return Ok(Flow::More);
            }
        }
        cells.truncate(self.ask.given);
        if let Some(reservoir) = &mut self.reservoir {
            reservoir.offer(at.row, cells)?;
            return Ok(Flow::More);
        }
        self.take(Some(at.row), cells)
    }

    /// Takes rows that stand in Arrow columns already: as many columns as [`Ask::columns`], of the types of
    /// [`RowsOut::columns`], with what Arrow can't hold beside them.
    ///
    /// # Errors
    /// As [`RowsOut::row`]; `unexpected` where the columns are of other types.
    pub fn batch(&mut self, first: Place, records: RecordBatch, exceptions: Vec<Exception>) -> Result<Flow> {
        let origin = Origin { node: self.ask.node.clone(), first_row: Some(first.row) };
        let batch = Batch::new(Arc::clone(&self.decoded), records, origin, exceptions)?;
        let is_plain =
            self.ask.filter.is_none() && self.reservoir.is_none() && self.ask.given == self.ask.columns.len();
        if !is_plain {
            for row in 0..batch.row_count() {
                let cells = (0..self.decoded.fields.len()).map(|column| batch.cell(row, column)).collect();
                let at = Place { row: first.row + row as u64, byte: None };
                if self.row(at, cells)? == Flow::Enough {
                    return Ok(Flow::Enough);
                }
            }
            return Ok(Flow::More);
        }
        self.flush()?;
        if self.enough {
            return Ok(Flow::Enough);
        }
        let left = self.ask.most_rows.map_or(u64::MAX, |most| most.saturating_sub(self.given));
        let rows = usize::try_from(left).unwrap_or(usize::MAX).min(batch.row_count());
        self.seen += rows as u64;
        self.given += rows as u64;
        self.tick()?;
        if rows > 0 {
            self.hand_over(batch.head(rows))?;
        }
        if rows < batch.row_count() || self.is_spent() {
            self.next = Some(Place { row: first.row + rows as u64, byte: None });
            return Ok(Flow::Enough);
        }
        Ok(if self.enough { Flow::Enough } else { Flow::More })
    }

    /// Tells of something that could not be kept.
    pub fn lost(&mut self, place: impl Into<String>, why: impl Into<String>, count: u64) {
        if count > 0 {
            self.findings.lost(Lost { place: place.into(), why: why.into(), count });
        }
    }

    /// Tells of metadata that says one thing while the rows say another.
    pub fn disagrees(
        &mut self,
        about: impl Into<String>,
        declared: impl Into<String>,
        observed: impl Into<String>,
    ) {
        let found =
            Disagreement { about: about.into(), declared: declared.into(), observed: observed.into() };
        let one = Findings { lost: Vec::new(), disagreements: vec![found] };
        self.findings.merge(one);
    }

    /// Counts rows that were passed over without being given, so that the table's number of rows is known at its end.
    pub fn passed(&mut self, rows: u64) {
        self.seen += rows;
    }

    /// Whether the bounds in bytes or seconds are reached; for loops that give no rows for long.
    pub fn is_spent(&self) -> bool {
        self.ask.most_bytes.is_some_and(|most| self.input.taken() >= most)
            || self.ask.most_seconds.is_some_and(|most| self.since.elapsed().as_secs_f64() >= most)
    }

    /// Tells of bytes and progress, and hears of a cancel; call it in every long loop that gives no rows.
    ///
    /// # Errors
    /// `cancelled`.
    pub fn tick(&mut self) -> Result<()> {
        let taken = self.input.taken();
        self.out.bytes_read(taken - self.told);
        self.told = taken;
        self.out.progress(taken.min(self.input.len()), Some(self.input.len()), "bytes")?;
        self.out.check()
    }

    /// Whether no more rows are taken; notes the place of the first one left behind.
    fn is_full(&mut self, at: Place) -> Result<bool> {
        if self.enough {
            return Ok(true);
        }
        let is_bound = self.reservoir.is_none() && self.ask.most_rows.is_some_and(|most| self.given >= most);
        let mut is_spent = false;
        if self.seen.is_multiple_of(TICK_ROWS) {
            self.tick()?;
            is_spent = self.seen > 0 && self.is_spent();
        }
        if is_bound || is_spent {
            self.next = Some(at);
            return Ok(true);
        }
        self.seen += 1;
        Ok(false)
    }

    fn take(&mut self, row: Option<u64>, cells: Vec<Cell>) -> Result<Flow> {
        if self.builder.row_count() == 0 {
            let in_order = self.ask.filter.is_none() && matches!(self.ask.stretch, Stretch::From { .. });
            self.first_row = row.filter(|_| in_order);
        }
        self.builder.push_row(cells);
        self.given += 1;
        if self.builder.row_count() >= BATCH_ROWS || self.builder.approximate_bytes() >= BATCH_BYTES {
            self.flush()?;
        }
        Ok(if self.enough { Flow::Enough } else { Flow::More })
    }

    fn flush(&mut self) -> Result<()> {
        if self.builder.row_count() == 0 {
            return Ok(());
        }
        let origin = Origin { node: self.ask.node.clone(), first_row: self.first_row };
        let batch = self.builder.take(origin)?;
        self.hand_over(batch)
    }

    fn hand_over(&mut self, batch: Batch) -> Result<()> {
        self.batches += 1;
        match &mut self.profiler {
            Some(profiler) => profiler.push(&batch),
            None => {
                // A sink that has all the rows asked for says so; where the next page starts is still to be told.
                let is_bound = self.ask.most_rows.is_some_and(|most| self.given >= most);
                let flow = self.out.batch(batch)?;
                self.enough |= flow == Flow::Enough && !is_bound;
                Ok(())
            }
        }
    }

    /// Ends the read as the format ended.
    pub(super) fn finish(mut self, read: Result<()>) -> Result<RowsEnd> {
        let mut failed = false;
        if let Err(error) = read {
            let is_damage = matches!(error.kind, ErrorKind::Decode | ErrorKind::Unexpected);
            if !is_damage || self.seen == 0 {
                self.tick()?;
                return Err(error);
            }
            failed = true;
            let place = format!("after row {}", self.place_of_failure());
            self.findings.lost(Lost {
                place,
                why: format!("the rest could not be read: {}", error.attempted),
                count: 1,
            });
        }
        if let Some(reservoir) = self.reservoir.take() {
            for cells in reservoir.rows() {
                if self.take(None, cells)? == Flow::Enough {
                    break;
                }
            }
        }
        self.flush()?;
        if self.batches == 0 && self.profiler.is_none() {
            // No rows, but columns.
            let origin = Origin { node: self.ask.node.clone(), first_row: None };
            let batch = self.builder.take(origin)?;
            self.hand_over(batch)?;
        }
        self.tick()?;
        self.out.findings(std::mem::take(&mut self.findings))?;
        if let Some(profiler) = &self.profiler {
            self.out.state(profiler.state())?;
        }
        let is_whole = !failed && !self.enough && self.next.is_none();
        let start = match self.ask.stretch {
            Stretch::From { known, .. } => Some(known.row),
            _ => None,
        };
        let end = if self.enough {
            ReadEnd::Enough
        } else if is_whole {
            ReadEnd::Complete
        } else {
            ReadEnd::Bounded
        };
        let rows = start.filter(|_| is_whole).map(|start| start + self.seen);
        Ok(RowsEnd { end, next: self.next, rows })
    }

    fn place_of_failure(&self) -> u64 {
        let start = match self.ask.stretch {
            Stretch::From { known, .. } => known.row,
            _ => 0,
        };
        start + self.seen
    }

    /// Fails where a format can't take the rows it is asked for.
    ///
    /// # Errors
    /// Always `unexpected`: the outline promised other windows.
    pub fn no_such_stretch(&self) -> Error {
        Error::unexpected("read", "rows were asked for by places that the format does not have")
    }
}
