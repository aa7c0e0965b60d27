//! Reading a plan: rows go from the wire straight into columns, in one message or as one stream. Bounds hold in
//! the statement, on the server's clock and here; what came before a stop is passed on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::Row as _;
use sqlx::postgres::PgRow;

use super::catalog::{Catalog, number};
use super::copy::{BinaryRows, Format, TextRows};
use super::decode;
use super::link::{self, Answer, Held, Link, PieceTaker, RowTaker};
use super::plan;
use super::types::{ColumnType, Types};
use crate::connector::Permit;
use crate::job::{BatchSink, CallCtx, Flow, Progress};
use crate::model::batch::{BatchBuilder, Origin};
use crate::model::cell::Cell;
use crate::model::load::Dim;
use crate::model::read::{Continuation, ReadEnd, ReadOutcome, ReadPlan};
use crate::model::schema::{Field, Nullability, Schema};
use crate::model::{Error, ErrorKind, Result};

/// Rows of one batch at most.
const BATCH_ROWS: usize = 4_096;
/// Bytes of one batch, about.
const BATCH_BYTES: usize = 2 << 20;
/// How long rows wait for more of their batch: who watches a slow read sees it move.
const PATIENCE: Duration = Duration::from_millis(200);
/// Bytes of the protocol around one value and one row.
pub(super) const VALUE_BYTES: u64 = 4;
/// See [`VALUE_BYTES`].
pub(super) const ROW_BYTES: u64 = 7;

/// What a read gives.
pub(super) struct Target {
    /// The visible columns; none = told by the first row.
    pub(super) schema: Option<Schema>,
    /// Their types.
    pub(super) columns: Vec<ColumnType>,
    /// Columns behind them that pages are ordered by.
    pub(super) keys: usize,
    /// Whether counted pages can go on.
    pub(super) can_go_on: bool,
}

/// Puts rows into batches and batches into the sink.
struct Feeder<'a> {
    ctx: &'a CallCtx,
    sink: &'a mut dyn BatchSink,
    types: Types,
    columns: Vec<ColumnType>,
    builder: Option<BatchBuilder>,
    origin: Origin,
    keys: usize,
    last_key: Vec<Option<Vec<u8>>>,
    rows: u64,
    bytes: u64,
    most_rows: Option<u64>,
    most_bytes: Option<u64>,
    passed: u64,
    wants_more: Flow,
    is_out_of_bytes: bool,
    /// When rows were last passed on.
    since: Instant,
    /// What the counters of the transaction said before: what earlier ones had not handed over yet.
    before: Option<Vec<Option<String>>>,
    /// What they say now.
    counted: Option<Vec<Option<String>>>,
}

impl Feeder<'_> {
    fn is_full(&self) -> bool {
        self.most_rows.is_some_and(|most| self.rows >= most)
    }

    /// Takes a row; the columns behind the visible ones are the place to go on from.
    fn take<'r>(&mut self, format: Format, value: impl Fn(usize) -> Option<&'r [u8]>) -> Result<()> {
        let Some(builder) = &mut self.builder else {
            return Err(Error::unexpected("read", "rows without columns"));
        };
        for (index, column) in self.columns.iter().enumerate() {
            let text = value(index);
            self.bytes += VALUE_BYTES + text.map_or(0, <[u8]>::len) as u64;
            if let Some(slot) = builder.slot(index) {
                match format {
                    Format::Text => decode::push(slot, column, text),
                    Format::Binary => decode::push_binary(slot, column, text),
                }
            }
        }
        builder.end_row();
        self.bytes += ROW_BYTES;
        self.rows += 1;
        if self.keys > 0 {
            self.last_key.resize(self.keys, None);
            for (place, kept) in self.last_key.iter_mut().enumerate() {
                match (value(self.columns.len() + place), kept) {
                    (Some(text), Some(kept)) => {
                        kept.clear();
                        kept.extend_from_slice(text);
                    }
                    (text, kept) => *kept = text.map(<[u8]>::to_vec),
                }
            }
        }
        Ok(())
    }

    async fn pass_on(&mut self) -> Result<Flow> {
        let Some(builder) = &mut self.builder else { return Ok(Flow::More) };
        let mut origin = self.origin.clone();
        if let Some(first) = &mut origin.first_row {
            *first += self.passed;
        }
        self.passed += builder.row_count() as u64;
        let batch = builder.take(origin)?;
        self.since = Instant::now();
        self.ctx.progress(Progress {
            doing: "reading rows".to_owned(),
            done: self.passed,
            total: self.most_rows,
            unit: "rows",
        });
        self.wants_more = self.sink.batch(batch).await?;
        Ok(self.wants_more)
    }

    async fn pass_what_is_ready(&mut self) -> Result<Flow> {
        let Some(builder) = &self.builder else { return Ok(Flow::More) };
        let is_batch = builder.row_count() >= BATCH_ROWS
            || builder.approximate_bytes() >= BATCH_BYTES
            || self.since.elapsed() >= PATIENCE;
        self.is_out_of_bytes = self.most_bytes.is_some_and(|most| self.bytes >= most);
        if is_batch && self.pass_on().await? == Flow::Enough {
            return Ok(Flow::Enough);
        }
        Ok(if self.is_out_of_bytes { Flow::Enough } else { Flow::More })
    }

    /// Passes on what is left; an empty result still tells its columns.
    async fn finish(&mut self) -> Result<()> {
        let pending = self.builder.as_ref().map_or(0, BatchBuilder::row_count);
        if (pending > 0 || self.passed == 0) && self.wants_more == Flow::More {
            self.pass_on().await?;
        }
        Ok(())
    }

    /// The columns of an answer whose types nobody told before: `SHOW`, `EXPLAIN`.
    fn settle(&mut self, columns: &[(String, u32)]) {
        if self.builder.is_none() {
            self.columns = columns.iter().map(|(_, oid)| self.types.column(*oid, -1)).collect();
            let names = columns.iter().map(|(name, _)| name.clone());
            self.builder = Some(BatchBuilder::new(Arc::new(schema_of(names, &self.columns))));
        }
    }
}

/// Fields of columns whose nullability nobody told.
pub(super) fn schema_of(names: impl Iterator<Item = String>, columns: &[ColumnType]) -> Schema {
    let fields = names.zip(columns).map(|(name, column)| Field {
        name,
        logical: column.logical.clone(),
        native: column.name.clone(),
        nullability: Nullability::Unknown,
        note: None,
    });
    Schema::new(fields.collect())
}

/// Which answer of a message holds the rows asked for, behind the counters and the savepoint.
const ROWS: usize = 2;

/// The rows of a message: the counters, those asked for, the counters again.
struct InMessage<'f, 'a>(&'f mut Feeder<'a>);

impl RowTaker for InMessage<'_, '_> {
    fn row(&mut self, answer: usize, row: &PgRow) -> Result<()> {
        let feeder = &mut *self.0;
        if answer != ROWS {
            let text = |column| link::raw(row, column).map(|text| String::from_utf8_lossy(text).into_owned());
            let said = Some((0..row.len()).map(text).collect());
            if answer < ROWS {
                feeder.before = said;
            } else {
                feeder.counted = said;
            }
            return Ok(());
        }
        if feeder.is_full() {
            return Ok(());
        }
        if feeder.builder.is_none() {
            feeder.settle(&link::columns_of(row));
        }
        feeder.take(Format::Text, |column| if column < row.len() { link::raw(row, column) } else { None })
    }

    async fn ready(&mut self) -> Result<Flow> {
        self.0.pass_what_is_ready().await
    }
}

/// The rows of a stream.
struct InStream<'f, 'a> {
    feeder: &'f mut Feeder<'a>,
    cutter: Cutter,
}

/// Cuts a stream into rows.
enum Cutter {
    Text(TextRows),
    Binary(BinaryRows),
}

impl Cutter {
    fn new(format: Format, columns: usize) -> Self {
        match format {
            Format::Text => Self::Text(TextRows::new(columns)),
            Format::Binary => Self::Binary(BinaryRows::new(columns)),
        }
    }

    fn end(self) -> Result<u64> {
        match self {
            Self::Text(rows) => rows.end(),
            Self::Binary(rows) => rows.end(),
        }
    }
}

impl PieceTaker for InStream<'_, '_> {
    fn piece(&mut self, piece: &[u8]) -> Result<()> {
        let feeder = &mut *self.feeder;
        match &mut self.cutter {
            Cutter::Text(rows) => rows.feed(piece, |row| {
                if feeder.is_full() { Ok(()) } else { feeder.take(Format::Text, |column| row.get(column)) }
            }),
            Cutter::Binary(rows) => rows.feed(piece, |row| {
                if feeder.is_full() { Ok(()) } else { feeder.take(Format::Binary, |column| row.get(column)) }
            }),
        }
    }

    async fn ready(&mut self) -> Result<Flow> {
        self.feeder.pass_what_is_ready().await
    }

    fn rows(&self) -> u64 {
        self.feeder.rows
    }
}

/// Runs the messages of a permitted plan.
pub(super) async fn run(
    ctx: &CallCtx,
    link: &Link,
    catalog: &Catalog,
    permit: &Permit,
    target: Target,
    sink: &mut dyn BatchSink,
) -> Result<ReadOutcome> {
    let plan = permit.plan();
    let bounds = permit.bounds();
    let builder = target.schema.map(|schema| BatchBuilder::new(Arc::new(schema)));
    let mut feeder = Feeder {
        ctx,
        sink,
        types: catalog.types(),
        columns: target.columns,
        builder,
        origin: origin_of(plan),
        keys: target.keys,
        last_key: Vec::new(),
        rows: 0,
        bytes: 0,
        most_rows: bounds.rows,
        most_bytes: bounds.bytes,
        passed: 0,
        wants_more: Flow::More,
        is_out_of_bytes: false,
        since: Instant::now(),
        before: None,
        counted: None,
    };
    let ended = send(ctx, link, plan, &mut feeder).await;
    // Rows that came are passed on, however it ended.
    let passed = feeder.finish().await;
    count(ctx, link, &feeder);
    let flow = ended?;
    passed?;
    Ok(outcome(ctx, plan, &feeder, flow, target.can_go_on))
}

/// Sends the messages of a plan; a read that ended before its counters were told is asked for them.
async fn send(ctx: &CallCtx, link: &Link, plan: &ReadPlan, feeder: &mut Feeder<'_>) -> Result<Flow> {
    let mut held = link.hold(ctx, "read").await?;
    let ended = deliver(ctx, &mut held, plan, feeder).await;
    let settled = match plan::after_stop(plan) {
        Some(text) => held.settle(ctx, &text).await,
        None => Ok(None),
    };
    held.give_back();
    match settled {
        Ok(Some(counted)) => feeder.counted = Some(counted),
        Ok(None) => {}
        Err(error) => return ended.and(Err(error)),
    }
    ended
}

async fn deliver(
    ctx: &CallCtx,
    held: &mut Held<'_>,
    plan: &ReadPlan,
    feeder: &mut Feeder<'_>,
) -> Result<Flow> {
    match plan.steps.as_slice() {
        [only] => {
            let limit = plan::limit_in(plan);
            held.send(ctx, "read", &only.entry, &only.text, limit, &mut InMessage(feeder)).await
        }
        [begin, copy, end] => {
            let mut counters = Answers::default();
            held.send(ctx, "read", &begin.entry, &begin.text, link::LOOK_UP, &mut counters).await?;
            feeder.before = counters.0.into_iter().next();
            let width = feeder.columns.len() + feeder.keys;
            let cutter = Cutter::new(plan::format_in(plan), width);
            let mut stream = InStream { feeder: &mut *feeder, cutter };
            let flow = held.copy(ctx, "read", &copy.text, &mut stream).await?;
            if flow == Flow::Enough {
                return Ok(flow);
            }
            if let Err(error) = stream.cutter.end() {
                held.give_up();
                return Err(error);
            }
            let mut counters = Answers::default();
            held.send(ctx, "read", &end.entry, &end.text, link::LOOK_UP, &mut counters).await?;
            feeder.counted = counters.0.into_iter().next();
            Ok(Flow::More)
        }
        _ => Err(Error::unexpected("read", "a plan without messages")),
    }
}

/// Rows of small answers, whichever statement gave them.
#[derive(Default)]
struct Answers(Vec<Vec<Option<String>>>);

impl RowTaker for Answers {
    fn row(&mut self, _answer: usize, row: &PgRow) -> Result<()> {
        let text = |column| link::raw(row, column).map(|text| String::from_utf8_lossy(text).into_owned());
        self.0.push((0..row.len()).map(text).collect());
        Ok(())
    }

    async fn ready(&mut self) -> Result<Flow> {
        Ok(Flow::More)
    }
}

fn origin_of(plan: &ReadPlan) -> Origin {
    let first_row = match (&plan.spec.continuation, &plan.spec.sample) {
        (Some(Continuation::Row(row)), _) => Some(*row),
        _ => None,
    };
    Origin { node: plan.spec.node.clone(), first_row }
}

/// What it did cost, by the server's own counters where it came to tell them.
fn count(ctx: &CallCtx, link: &Link, feeder: &Feeder<'_>) {
    const TOUCHED: &str = "PostgreSQL: pg_stat_get_xact_blocks_fetched of the transaction";
    let meter = ctx.meter();
    meter.add(Dim::BytesWire, feeder.bytes as f64, "values received, with their lengths");
    let of =
        |row: &Option<Vec<Option<String>>>, place| row.as_deref().and_then(|row| number::<f64>(row, place));
    let counted =
        |place| Some((of(&feeder.counted, place)? - of(&feeder.before, place).unwrap_or(0.0)).max(0.0));
    let Some(blocks) = counted(0) else { return };
    meter.add(Dim::BlocksTouched, blocks, TOUCHED);
    meter.add(Dim::BytesServer, blocks * link.about().block_bytes as f64, TOUCHED);
    if let Some(rows) = counted(2) {
        meter.add(
            Dim::RowsExamined,
            rows.max(feeder.rows as f64),
            "PostgreSQL: pg_stat_get_xact_tuples_returned and _fetched",
        );
    }
}

fn outcome(ctx: &CallCtx, plan: &ReadPlan, feeder: &Feeder<'_>, flow: Flow, can_go_on: bool) -> ReadOutcome {
    let end = match flow {
        Flow::Enough if feeder.is_out_of_bytes => ReadEnd::Bounded,
        Flow::Enough => ReadEnd::Enough,
        Flow::More if feeder.is_full() => ReadEnd::Bounded,
        Flow::More => ReadEnd::Complete,
    };
    let goes_on = end != ReadEnd::Complete && plan.spec.sample.is_none() && can_go_on;
    let continuation = if !goes_on {
        None
    } else if feeder.keys > 0 {
        match feeder.last_key.is_empty() {
            // Nothing came before the stop: go on where this page began.
            true => plan.spec.continuation.clone(),
            false => Some(Continuation::Keyset(feeder.last_key.iter().map(key_cell).collect())),
        }
    } else {
        let before = match plan.spec.continuation {
            Some(Continuation::Row(row)) => row,
            _ => 0,
        };
        Some(before + feeder.rows).filter(|row| *row > 0).map(Continuation::Row)
    };
    ReadOutcome { end, continuation, actual: ctx.meter().actual() }
}

/// A key value as the server writes it: written back the same way, it is the same value.
fn key_cell(text: &Option<Vec<u8>>) -> Cell {
    match text {
        Some(text) => Cell::Text(String::from_utf8_lossy(text).into_owned()),
        None => Cell::Null,
    }
}

/// Columns of a query, from the row of nulls that the look-up gives.
pub(super) fn shape_of(answer: Option<&Answer>) -> Result<&[(String, u32)]> {
    answer.map(|answer| answer.columns.as_slice()).filter(|columns| !columns.is_empty()).ok_or_else(|| {
        Error::new(ErrorKind::Invalid, "plan", "the query has no columns").hint("select at least one column")
    })
}
