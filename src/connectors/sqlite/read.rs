//! Reading a plan: rows stream from SQLite's own thread straight into batches. Bounds hold inside SQLite
//! (progress handler) and here; what came before a stop is passed on.

use std::sync::Arc;

use sqlx::sqlite::SqliteRow;

use super::catalog::TableInfo;
use super::counters::Compiled;
use super::decode::{self, logical_of};
use super::link::{Ask, Limits, Ran, RowTaker, Stopped, Taken};
use super::plan;
use crate::connector::Permit;
use crate::job::{BatchSink, CallCtx, Flow, Progress};
use crate::model::batch::{BatchBuilder, Origin};
use crate::model::cell::Cell;
use crate::model::load::Dim;
use crate::model::node::NodeKind;
use crate::model::read::{Continuation, ReadEnd, ReadOutcome, ReadPlan};
use crate::model::schema::{Field, LogicalType, Nullability, Schema};
use crate::model::{Error, ErrorKind, Result};

/// Rows of one batch at most.
const BATCH_ROWS: usize = 1_000;
/// Bytes of one batch, about.
const BATCH_BYTES: usize = 1 << 20;

/// What the columns of a result are.
enum Shape {
    /// Known before reading.
    Known(Arc<Schema>),
    /// Expressions without a type: the first batch decides.
    FromRows { columns: Compiled, held: Vec<Vec<Cell>> },
}

/// Puts rows into batches and batches into the sink.
struct Feeder<'a> {
    ctx: &'a CallCtx,
    sink: &'a mut dyn BatchSink,
    shape: Shape,
    builder: Option<BatchBuilder>,
    origin: Origin,
    /// Columns behind the visible ones that pages are ordered by.
    keys: usize,
    last_key: Vec<Cell>,
    rows: u64,
    most_rows: Option<u64>,
    passed: u64,
    wants_more: Flow,
    /// Bytes of a page, where rows come straight from a table.
    page_bytes: u64,
    long_pages: u64,
}

impl Feeder<'_> {
    fn pending(&self) -> (usize, usize) {
        match (&self.shape, &self.builder) {
            (Shape::FromRows { held, .. }, _) => (held.len(), held.len() * 512),
            (_, Some(builder)) => (builder.row_count(), builder.approximate_bytes()),
            _ => (0, 0),
        }
    }

    fn is_full(&self) -> bool {
        self.most_rows.is_some_and(|most| self.rows >= most)
    }

    /// Settles the columns from the rows held so far.
    fn settle(&mut self) {
        if let Shape::FromRows { columns, held } = &mut self.shape {
            let (schema, held) = (Arc::new(schema_of_rows(columns, held)), std::mem::take(held));
            let mut builder = BatchBuilder::new(Arc::clone(&schema));
            for row in held {
                push(&mut builder, &schema, row);
            }
            self.builder = Some(builder);
            self.shape = Shape::Known(schema);
        }
    }

    async fn pass_on(&mut self) -> Result<Flow> {
        self.settle();
        let Some(builder) = &mut self.builder else { return Ok(Flow::More) };
        let mut origin = self.origin.clone();
        if let Some(first) = &mut origin.first_row {
            *first += self.passed;
        }
        self.passed += builder.row_count() as u64;
        let batch = builder.take(origin)?;
        self.ctx.progress(Progress {
            doing: "reading rows".to_owned(),
            done: self.passed,
            total: self.most_rows,
            unit: "rows",
        });
        self.wants_more = self.sink.batch(batch).await?;
        Ok(self.wants_more)
    }

    /// Passes on what is left; an empty result still tells its columns.
    async fn finish(&mut self) -> Result<()> {
        if (self.pending().0 > 0 || self.passed == 0) && self.wants_more == Flow::More {
            self.pass_on().await?;
        }
        Ok(())
    }
}

impl RowTaker for Feeder<'_> {
    fn row(&mut self, row: &SqliteRow) -> Result<()> {
        if self.is_full() {
            return Ok(());
        }
        self.long_pages += decode::long_pages(row, self.page_bytes);
        let mut cells = decode::cells(row);
        self.last_key = cells.split_off(cells.len().saturating_sub(self.keys));
        self.rows += 1;
        match (&mut self.shape, &mut self.builder) {
            (Shape::FromRows { held, .. }, _) => held.push(cells),
            (Shape::Known(schema), Some(builder)) => push(builder, schema, cells),
            (Shape::Known(_), None) => return Err(Error::unexpected("read", "rows without columns")),
        }
        Ok(())
    }

    async fn ready(&mut self) -> Result<Flow> {
        let (rows, bytes) = self.pending();
        let is_full = self.is_full();
        if (is_full || rows >= BATCH_ROWS || bytes >= BATCH_BYTES) && self.pass_on().await? == Flow::Enough {
            return Ok(Flow::Enough);
        }
        Ok(if is_full { Flow::Enough } else { Flow::More })
    }
}

fn push(builder: &mut BatchBuilder, schema: &Schema, cells: Vec<Cell>) {
    builder.push_row(
        cells.into_iter().zip(&schema.fields).map(|(cell, field)| decode::fit(cell, &field.logical)),
    );
}

/// Columns of a free query: by declared type where a column comes from a table, else by the first rows.
fn schema_of_rows(compiled: &Compiled, rows: &[Vec<Cell>]) -> Schema {
    let fields = compiled.columns.iter().enumerate().map(|(index, column)| {
        let logical = match &column.declared {
            Some(declared) => logical_of(declared),
            None => logical_of_values(rows.iter().filter_map(|row| row.get(index))),
        };
        Field {
            name: column.name.clone(),
            logical,
            native: column.declared.clone().unwrap_or_default(),
            nullability: Nullability::Unknown,
            note: column.declared.is_none().then(|| "an expression: typed by its first values".to_owned()),
        }
    });
    Schema::new(fields.collect())
}

/// The type most of these values fit.
fn logical_of_values<'a>(cells: impl Iterator<Item = &'a Cell>) -> LogicalType {
    let (mut whole, mut float, mut bytes, mut other) = (0_u32, 0_u32, 0_u32, 0_u32);
    for cell in cells {
        match cell {
            Cell::Null => {}
            Cell::Int(_) => whole += 1,
            Cell::Float(_) => float += 1,
            Cell::Bytes(_) => bytes += 1,
            _ => other += 1,
        }
    }
    if other == 0 && bytes == 0 && float > 0 {
        LogicalType::FLOAT64
    } else if other == 0 && bytes == 0 && whole > 0 {
        LogicalType::INT64
    } else if bytes > whole + float + other {
        LogicalType::Bytes
    } else {
        LogicalType::Text
    }
}

/// Columns of a compiled query, if every one has a declared type.
pub(super) fn schema_of_compiled(compiled: &Compiled) -> Option<Schema> {
    compiled.columns.iter().all(|column| column.declared.is_some()).then(|| schema_of_rows(compiled, &[]))
}

/// The table a plan reads, and the columns its statement gives.
pub(super) struct Target<'a> {
    /// The table; none for a free query.
    pub(super) table: Option<&'a TableInfo>,
}

/// Checks that a statement still means what was planned, right before it is sent.
fn check(compiled: &Compiled, step_binds: usize, target: &Target<'_>, visible: &[String]) -> Result<()> {
    if !compiled.is_read_only {
        return Err(Error::new(ErrorKind::Refused, "read", "SQLite says that the statement would write"));
    }
    if compiled.parameters != step_binds {
        return Err(Error::new(
            ErrorKind::Invalid,
            "read",
            format!("the statement has {} parameters without a value", compiled.parameters),
        )
        .hint("write the values into the query"));
    }
    // A quoted name that is no column any more would be read as a text: SQLite allows that.
    if let Some(table) = target.table
        && table.kind == NodeKind::Table
        && !table.is_virtual
        && compiled.columns.iter().zip(visible).any(|(column, name)| column.origin.as_ref() != Some(name))
    {
        return Err(Error::new(
            ErrorKind::NotFound,
            "read",
            format!("the columns of {:?} changed since the read was planned", table.name),
        )
        .hint("plan the read again"));
    }
    Ok(())
}

/// Runs the one statement of a permitted plan.
pub(super) async fn run(
    ctx: &CallCtx,
    taken: &mut Taken<'_>,
    permit: &Permit,
    target: Target<'_>,
    sink: &mut dyn BatchSink,
) -> Result<ReadOutcome> {
    let plan = permit.plan();
    let Some(step) = plan.steps.first() else {
        return Err(Error::unexpected("read", "a plan without a statement"));
    };
    let compiled = taken.compile("read", &step.text).await?;
    let visible =
        target.table.map(|table| plan::read_columns(&plan.spec, table, plan.pushdown)).unwrap_or_default();
    check(&compiled, step.binds.len(), &target, &visible)?;
    let (shape, keys) = match target.table {
        Some(table) => {
            let schema = Arc::new(table.schema_of(visible.iter().map(String::as_str)));
            (Shape::Known(schema), compiled.columns.len().saturating_sub(visible.len()))
        }
        None => match &plan.schema {
            Some(schema) => (Shape::Known(Arc::new(schema.clone())), 0),
            None => (Shape::FromRows { columns: compiled.clone(), held: Vec::new() }, 0),
        },
    };
    let bounds = permit.bounds();
    let mut feeder = Feeder {
        ctx,
        sink,
        builder: match &shape {
            Shape::Known(schema) => Some(BatchBuilder::new(Arc::clone(schema))),
            Shape::FromRows { .. } => None,
        },
        shape,
        origin: origin_of(plan),
        keys,
        last_key: Vec::new(),
        rows: 0,
        most_rows: bounds.rows,
        passed: 0,
        wants_more: Flow::More,
        page_bytes: match target.table {
            Some(table) if table.kind == NodeKind::Table && !table.is_virtual => taken.page_bytes(),
            _ => u64::MAX,
        },
        long_pages: 0,
    };
    let limits = Limits { seconds: bounds.seconds, bytes: bounds.bytes, pages: None };
    let ask = Ask { entry: step.entry.clone(), text: step.text.clone(), binds: step.binds.clone() };
    let ran = taken.run(ctx, "read", ask, limits, &mut feeder).await;
    // Rows that came are passed on, however it ended.
    let passed = feeder.finish().await;
    if feeder.long_pages > 0 {
        let pages = feeder.long_pages as f64;
        ctx.meter().add(Dim::BlocksTouched, pages, "pages of long values, by their lengths");
        ctx.meter().add(
            Dim::BytesServer,
            pages * taken.page_bytes() as f64,
            "pages of long values, by their lengths",
        );
    }
    let ran = ran?;
    passed?;
    ctx.meter().add_at_least(
        Dim::RowsExamined,
        ran.steps.scanned.max(ran.rows) as f64,
        "SQLite: SQLITE_STMTSTATUS_FULLSCAN_STEP, at least the rows given",
    );
    Ok(outcome(ctx, plan, target.table, &feeder, &ran))
}

fn origin_of(plan: &ReadPlan) -> Origin {
    let first_row = match (&plan.spec.continuation, &plan.spec.sample) {
        (Some(Continuation::Row(row)), _) => Some(*row),
        _ => None,
    };
    Origin { node: plan.spec.node.clone(), first_row }
}

fn outcome(
    ctx: &CallCtx,
    plan: &ReadPlan,
    table: Option<&TableInfo>,
    feeder: &Feeder<'_>,
    ran: &Ran,
) -> ReadOutcome {
    let is_bounded = feeder.is_full() || ran.stopped == Some(Stopped::AtLimit);
    let end = if is_bounded {
        ReadEnd::Bounded
    } else if ran.stopped == Some(Stopped::OnRequest) {
        ReadEnd::Enough
    } else {
        ReadEnd::Complete
    };
    let can_go_on = end != ReadEnd::Complete && plan.spec.sample.is_none() && table.is_some();
    let continuation = can_go_on.then(|| {
        if feeder.keys > 0 && !feeder.last_key.is_empty() {
            Continuation::Keyset(feeder.last_key.clone())
        } else {
            let before = match plan.spec.continuation {
                Some(Continuation::Row(row)) => row,
                _ => 0,
            };
            Continuation::Row(before + feeder.rows)
        }
    });
    // Nothing came before the stop: go on where this page began.
    let continuation = match continuation {
        Some(Continuation::Row(0)) => None,
        Some(Continuation::Row(_)) if feeder.keys > 0 => plan.spec.continuation.clone(),
        other => other,
    };
    ReadOutcome { end, continuation, actual: ctx.meter().actual() }
}
