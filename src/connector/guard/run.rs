//! Spending a permit: bounds held in the sink, filter, order and projection finished in the fetched rows
//! where the source does not do them, the session charged at the end whatever happened.

use std::time::Instant;

use async_trait::async_trait;

use super::Permit;
use super::sort::order_rows;
use crate::connector::Source;
use crate::job::{BatchSink, CallCtx, Flow, LoadMeter};
use crate::model::ability::{Pushdown, Support};
use crate::model::batch::{Batch, BatchBuilder, Origin};
use crate::model::cell::Cell;
use crate::model::column_state::TableState;
use crate::model::load::{Dim, LoadActual};
use crate::model::lost::Findings;
use crate::model::read::{Bound, Continuation, ReadEnd, ReadSpec};
use crate::model::schema::Schema;
use crate::model::stats::TableProfile;
use crate::model::{Error, ErrorKind, Result};

/// What a spent permit brought.
#[derive(Clone, Debug)]
pub struct ReadReport {
    /// How it ended; an error keeps the rows that came before it.
    pub end: Result<ReadEnd>,
    /// Where to go on, if there is more.
    pub continuation: Option<Continuation>,
    /// Rows given to the sink.
    pub rows: u64,
    /// Rows taken from the source before filters in the fetched rows.
    pub rows_fetched: u64,
    /// What it did cost.
    pub actual: LoadActual,
}

impl ReadReport {
    /// Whether there may be more rows than were given.
    pub fn is_truncated(&self) -> bool {
        !matches!(self.end, Ok(ReadEnd::Complete))
    }
}

/// Spends a permit on a source. `ctx` should be the read's own (see [`CallCtx::child`]): its meter is
/// what the session is charged.
pub async fn run(ctx: &CallCtx, source: &dyn Source, permit: Permit, sink: &mut dyn BatchSink) -> ReadReport {
    let since = Instant::now();
    let (budget, bounds, plan) = (permit.budget.clone(), permit.bounds, permit.plan.clone());
    let mut guarded = GuardedSink::new(sink, &plan.spec, plan.pushdown, bounds, ctx.meter().clone(), since);
    let outcome = source.read(ctx, permit, &mut guarded).await;
    let flushed = guarded.finish().await;
    let (rows, rows_fetched, cut) = (guarded.rows, guarded.fetched, guarded.cut);
    ctx.meter().add(Dim::RowsReturned, rows_fetched as f64, "rows decoded by headwater");
    ctx.meter().add(Dim::Duration, since.elapsed().as_secs_f64(), "headwater's clock");
    let mut actual = ctx.meter().actual();
    let (end, continuation) = match outcome {
        Ok(outcome) => {
            let end = flushed.map(|()| if cut { ReadEnd::Bounded } else { outcome.end });
            (end, outcome.continuation)
        }
        Err(error) => {
            actual.mark_lower_bound();
            (Err(error), None)
        }
    };
    budget.charge(&actual);
    ReadReport { end, continuation, rows, rows_fetched, actual }
}

/// Holds the bounds and does what the source left to do.
struct GuardedSink<'a> {
    inner: &'a mut dyn BatchSink,
    spec: &'a ReadSpec,
    pushdown: Pushdown,
    bounds: Bound,
    meter: LoadMeter,
    since: Instant,
    rows: u64,
    fetched: u64,
    cut: bool,
    held: Vec<Batch>,
}

impl<'a> GuardedSink<'a> {
    fn new(
        inner: &'a mut dyn BatchSink,
        spec: &'a ReadSpec,
        pushdown: Pushdown,
        bounds: Bound,
        meter: LoadMeter,
        since: Instant,
    ) -> Self {
        Self {
            inner,
            spec,
            pushdown,
            bounds,
            meter,
            since,
            rows: 0,
            fetched: 0,
            cut: false,
            held: Vec::new(),
        }
    }

    /// Whether rows must be held back until all are there, to be ordered.
    fn must_order(&self) -> bool {
        !self.spec.order.is_empty() && self.pushdown.order != Support::Exact
    }

    /// Rows that may still be taken from the source.
    fn room(&self) -> Option<u64> {
        self.bounds.rows.map(|rows| rows.saturating_sub(self.fetched))
    }

    fn is_exhausted(&self) -> bool {
        let actual = self.meter.actual();
        let bytes = actual
            .value(Dim::BytesServer)
            .into_iter()
            .chain(actual.value(Dim::BytesWire))
            .fold(0.0, f64::max);
        self.bounds.bytes.is_some_and(|limit| bytes >= limit as f64)
            || self.bounds.seconds.is_some_and(|limit| self.since.elapsed().as_secs_f64() >= limit)
    }

    /// Filters and projects in the fetched rows what the source did not.
    fn rework(&self, batch: Batch) -> Result<Batch> {
        let batch = match &self.spec.filter {
            Some(filter) if self.pushdown.filter != Support::Exact => keep_rows(&batch, |row| {
                let cell = |name: &str| {
                    batch.schema.index_of(name).map_or(Cell::Missing, |column| batch.cell(row, column))
                };
                filter.evaluate(&cell) == Some(true)
            })?,
            _ => batch,
        };
        match &self.spec.columns {
            Some(columns) if self.pushdown.projection != Support::Exact && !self.must_order() => {
                choose(&batch, columns)
            }
            _ => Ok(batch),
        }
    }

    async fn pass_on(&mut self, batch: Batch) -> Result<Flow> {
        self.rows += batch.row_count() as u64;
        if batch.row_count() == 0 && self.rows > 0 {
            return Ok(Flow::More);
        }
        self.inner.batch(batch).await
    }

    /// Passes on what was held back to be ordered.
    async fn finish(&mut self) -> Result<()> {
        let held = std::mem::take(&mut self.held);
        if let Some(ordered) = order_rows(&held, &self.spec.order)? {
            let chosen = match &self.spec.columns {
                Some(columns) if self.pushdown.projection != Support::Exact => choose(&ordered, columns)?,
                _ => ordered,
            };
            self.pass_on(chosen).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl BatchSink for GuardedSink<'_> {
    async fn batch(&mut self, batch: Batch) -> Result<Flow> {
        let rows = batch.row_count() as u64;
        let batch = match self.room() {
            Some(room) if rows > room => {
                self.cut = true;
                batch.head(usize::try_from(room).unwrap_or(usize::MAX))
            }
            _ => batch,
        };
        self.fetched += batch.row_count() as u64;
        let reworked = self.rework(batch)?;
        let flow = if self.must_order() {
            self.held.push(reworked);
            Flow::More
        } else {
            self.pass_on(reworked).await?
        };
        if self.cut || self.room() == Some(0) {
            return Ok(Flow::Enough);
        }
        if self.is_exhausted() {
            self.cut = true;
            return Ok(Flow::Enough);
        }
        Ok(flow)
    }

    async fn state(&mut self, state: TableState) -> Result<()> {
        self.fetched += state.rows;
        self.inner.state(state).await
    }

    async fn catalog(&mut self, profile: TableProfile) -> Result<()> {
        self.inner.catalog(profile).await
    }

    fn findings(&mut self, findings: Findings) {
        self.inner.findings(findings);
    }
}

/// The rows of a batch for which `keep` holds.
fn keep_rows(batch: &Batch, keep: impl Fn(usize) -> bool) -> Result<Batch> {
    let rows = (0..batch.row_count()).filter(|row| keep(*row)).collect::<Vec<_>>();
    if rows.len() == batch.row_count() {
        return Ok(batch.clone());
    }
    let columns = (0..batch.schema.fields.len()).collect::<Vec<_>>();
    rebuild(&[batch], &rows.iter().map(|row| (0, *row)).collect::<Vec<_>>(), &columns)
}

/// The named columns in this order.
fn choose(batch: &Batch, columns: &[String]) -> Result<Batch> {
    let indexes = columns
        .iter()
        .map(|name| {
            batch.schema.index_of(name).ok_or_else(|| {
                Error::new(ErrorKind::Invalid, "read", format!("there is no column {name:?}"))
                    .hint("see `describe` for the columns")
            })
        })
        .collect::<Result<Vec<_>>>()?;
    let rows = (0..batch.row_count()).map(|row| (0, row)).collect::<Vec<_>>();
    rebuild(&[batch], &rows, &indexes)
}

/// A batch of these rows (batch, row) and columns.
pub(super) fn rebuild(batches: &[&Batch], rows: &[(usize, usize)], columns: &[usize]) -> Result<Batch> {
    let Some(first) = batches.first() else { return Err(Error::unexpected("read", "no batch to rebuild")) };
    let fields = columns.iter().filter_map(|column| first.schema.fields.get(*column).cloned()).collect();
    let mut builder = BatchBuilder::new(std::sync::Arc::new(Schema::new(fields)));
    for (batch, row) in rows {
        builder.push_row(columns.iter().map(|column| batches[*batch].cell(*row, *column)));
    }
    builder.take(Origin { node: first.origin.node.clone(), first_row: None })
}
