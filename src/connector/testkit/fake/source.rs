//! The fake as a live source.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_trait::async_trait;

use super::{Fake, FakeTable, Fault, Pace, abilities};
use crate::connector::Source;
use crate::connector::guard::Permit;
use crate::job::{BatchSink, CallCtx, CancelReport, Flow};
use crate::model::ability::{Abilities, Support};
use crate::model::batch::{BatchBuilder, Origin};
use crate::model::cell::Cell;
use crate::model::connection::SizeClass;
use crate::model::load::{Dim, LoadEstimate, Provenance, Quantity};
use crate::model::node::{Description, Known, Node, NodeKind, NodePage, NodePath, PageRequest};
use crate::model::read::{
    Bound, Continuation, ProfileLevel, ReadEnd, ReadOutcome, ReadPlan, ReadSpec, Sample, SampleMethod,
    SampleSize, Step, StepKind, Want,
};
use crate::model::schema::{Field, LogicalType, Schema};
use crate::model::{Error, ErrorKind, Result};

/// About how many bytes a row holds, for estimates.
const ROW_BYTES: std::ops::RangeInclusive<f64> = 8.0..=100_000.0;

/// Rows of a head profile.
const HEAD_ROWS: u64 = 1_000;

/// A fake, connected.
pub(in crate::connector::testkit) struct FakeSource {
    fake: Fake,
    abilities: Abilities,
}

impl FakeSource {
    pub(in crate::connector::testkit) fn new(fake: Fake) -> Self {
        let mut abilities = abilities(&fake);
        if fake.has(Fault::FiltersWrongly) {
            abilities.pushdown.filter = Support::Exact;
        }
        Self { fake, abilities }
    }

    fn table(&self, at: &NodePath) -> Option<&FakeTable> {
        self.fake.tables.iter().find(|table| table.path == *at)
    }

    fn found(&self, stage: &str, at: &NodePath) -> Result<&FakeTable> {
        self.table(at).ok_or_else(|| self.fake.error(Error::not_found(stage, at)))
    }

    fn node(&self, path: NodePath) -> Node {
        let table = self.table(&path);
        Node {
            name: path.name().to_owned(),
            kind: if table.is_some() { NodeKind::Table } else { NodeKind::Schema },
            readable: table.is_some(),
            expandable: table.is_none(),
            rows: table.map(|table| Known::exact(table.rows.len() as u64)),
            bytes: None,
            note: None,
            path,
        }
    }

    /// Everything right below a node, each once, in order.
    fn below(&self, at: &NodePath) -> Vec<NodePath> {
        let depth = at.segments().len();
        let paths = self.fake.tables.iter().filter_map(|table| {
            let segments = table.path.segments();
            (segments.len() > depth && segments.get(..depth) == Some(at.segments()))
                .then(|| NodePath::of(segments.iter().take(depth + 1).cloned()))
        });
        paths.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Names that the spec uses and the table lacks are an error.
    fn check_columns(&self, spec: &ReadSpec, table: &FakeTable) -> Result<()> {
        if self.fake.has(Fault::AcceptsUnknownColumns) {
            return Ok(());
        }
        let chosen = spec.columns.iter().flatten().map(String::as_str);
        let filtered = spec.filter.iter().flat_map(|filter| filter.columns());
        let ordered = spec.order.iter().map(|by| by.column.as_str());
        match chosen.chain(filtered).chain(ordered).find(|name| table.schema.index_of(name).is_none()) {
            None => Ok(()),
            Some(name) => Err(self.fake.error(
                Error::new(ErrorKind::Invalid, "plan", format!("there is no column {name:?}"))
                    .hint("see `describe` for the columns"),
            )),
        }
    }

    /// The numbers of the rows that a plan reads, in order, from where it goes on.
    fn chosen(&self, spec: &ReadSpec, table: &FakeTable) -> Vec<usize> {
        let total = table.rows.len();
        if let Some(Sample { size, .. }) = spec.sample {
            let wanted = match size {
                SampleSize::Rows(rows) => usize::try_from(rows).unwrap_or(usize::MAX),
                SampleSize::Percent(percent) => (total as f64 * percent / 100.0).ceil() as usize,
            };
            let wanted = wanted.min(total);
            return (0..wanted).map(|index| index * total / wanted.max(1)).collect();
        }
        let first = match spec.continuation {
            Some(Continuation::Row(row)) => usize::try_from(row).unwrap_or(usize::MAX),
            _ => 0,
        };
        (first.min(total)..total).collect()
    }

    fn schema(&self, spec: &ReadSpec, table: &FakeTable) -> Schema {
        let mut schema = match &spec.columns {
            Some(columns) if self.fake.pushdown.projection == Support::Exact => Schema::new(
                columns
                    .iter()
                    .filter_map(|name| table.schema.index_of(name))
                    .map(|column| table.schema.fields[column].clone())
                    .collect(),
            ),
            _ => (*table.schema).clone(),
        };
        if self.fake.has(Fault::MixesUpTypes) {
            for field in schema.fields.iter_mut().filter(|field| field.logical == LogicalType::INT64) {
                field.logical = LogicalType::FLOAT64;
            }
        }
        schema
    }

    fn cells(&self, schema: &Schema, table: &FakeTable, row: usize) -> Vec<Cell> {
        let cell = |field: &Field| {
            let column = table.schema.index_of(&field.name)?;
            Some(match (table.rows.get(row)?.get(column)?.clone(), &field.logical) {
                (Cell::Decimal(text), _) if self.fake.has(Fault::RoundsDecimals) => {
                    Cell::Decimal(text.parse::<f64>().map_or(text, |value| value.to_string()))
                }
                (Cell::Int(value), LogicalType::Float { .. }) => Cell::Float(value as f64),
                (cell, _) => cell,
            })
        };
        schema.fields.iter().map(|field| cell(field).unwrap_or(Cell::Missing)).collect()
    }

    /// Pushes the rows of a plan until a bound, the sink or a cancel ends it.
    async fn push(&self, ctx: &CallCtx, permit: &Permit, sink: &mut dyn BatchSink) -> Result<Pushed> {
        let spec = &permit.plan().spec;
        let table = self.found("read", &spec.node)?;
        let schema = Arc::new(self.schema(spec, table));
        let chosen = self.chosen(spec, table);
        let bounds =
            if self.fake.has(Fault::IgnoresTheRowBound) { Bound::default() } else { permit.bounds() };
        let room = bounds.rows.map_or(usize::MAX, |rows| usize::try_from(rows).unwrap_or(usize::MAX));
        let taken = chosen.get(..room.min(chosen.len())).unwrap_or_default();
        let batch_rows =
            if self.fake.has(Fault::HoldsAllRowsBack) { usize::MAX } else { self.fake.batch_rows };
        let mut builder = BatchBuilder::new(Arc::clone(&schema));
        let (mut done, mut bytes) = (0, 0);
        for batch in taken.chunks(batch_rows) {
            if ctx.is_cancelled() && !self.fake.has(Fault::IgnoresCancel) {
                return Err(self.fake.error(Error::cancelled("read")));
            }
            self.wait(ctx, done).await?;
            for row in batch {
                builder.push_row(self.cells(&schema, table, *row));
            }
            bytes += builder.approximate_bytes();
            if !self.fake.has(Fault::MetersNothing) {
                ctx.meter().add(Dim::BytesServer, builder.approximate_bytes() as f64, "bytes of the rows");
            }
            let first_row = batch.first().map(|row| *row as u64).filter(|_| spec.sample.is_none());
            let flow = sink.batch(builder.take(Origin { node: spec.node.clone(), first_row })?).await?;
            done += batch.len();
            if flow == Flow::Enough || bounds.bytes.is_some_and(|limit| bytes as u64 >= limit) {
                break;
            }
        }
        Ok(Pushed { rows: done, more: done < chosen.len(), next: chosen.get(done).copied() })
    }

    /// What the pace and the planned failure say before the batch after `done` rows.
    async fn wait(&self, ctx: &CallCtx, done: usize) -> Result<()> {
        if let Some((rows, error)) = &self.fake.fails_after
            && done as u64 >= *rows
        {
            return Err(self.fake.error(error.clone()));
        }
        let pause = match self.fake.pace {
            Pace::Prompt => return Ok(()),
            Pace::Slow(pause) => Some(pause),
            Pace::HangsAfter(rows) if done as u64 >= rows => None,
            Pace::HangsAfter(_) => return Ok(()),
        };
        let over = async {
            match pause {
                Some(pause) => tokio::time::sleep(pause).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = ctx.cancelled() => Err(self.fake.error(Error::cancelled("read"))),
            () = over => Ok(()),
        }
    }

    fn cancel_hook(&self, ctx: &CallCtx) -> Option<crate::job::ctx::HookGuard> {
        let upstream = Arc::clone(&self.fake.upstream);
        let hook = move || -> futures::future::BoxFuture<'static, CancelReport> {
            Box::pin(async move {
                upstream.cancels.fetch_add(1, Ordering::SeqCst);
                CancelReport::StoppedOnServer
            })
        };
        (!self.fake.has(Fault::ForgetsTheCancelHook)).then(|| ctx.on_cancel(hook))
    }
}

struct Pushed {
    rows: usize,
    more: bool,
    next: Option<usize>,
}

#[async_trait]
impl Source for FakeSource {
    fn abilities(&self) -> &Abilities {
        &self.abilities
    }

    async fn children(&self, ctx: &CallCtx, at: &NodePath, page: &PageRequest) -> Result<NodePage> {
        let listed = self.below(at);
        if listed.is_empty() && !at.is_root() && !self.fake.has(Fault::ListsAbsentNodes) {
            self.found("browse", at)?;
        }
        self.fake.ask(ctx, "list", &format!("LIST /{at}")).await?;
        let first = match page.token.as_deref().map(str::parse::<usize>) {
            None => 0,
            Some(Ok(first)) => first,
            Some(Err(_)) => {
                return Err(Error::new(ErrorKind::Invalid, "browse", "this is no token of a page"));
            }
        };
        let surplus = usize::from(self.fake.has(Fault::ListsMoreThanAPage));
        let back = usize::from(self.fake.has(Fault::ListsANodeTwice) && first > 0);
        let end = first.saturating_add(page.size + surplus).min(listed.len());
        let next = (end < listed.len()).then(|| end.to_string());
        let cut = usize::from(self.fake.has(Fault::ForgetsTheLastNode) && next.is_none() && first > 0);
        let paths = listed.get(first - back..end.saturating_sub(cut)).unwrap_or_default();
        Ok(NodePage { nodes: paths.iter().map(|path| self.node(path.clone())).collect(), next })
    }

    async fn describe(&self, ctx: &CallCtx, at: &NodePath) -> Result<Description> {
        if self.fake.has(Fault::HangsOnDescribe) {
            std::future::pending::<()>().await;
        }
        let known = at.is_root() || !self.below(at).is_empty() || self.fake.has(Fault::DescribesAbsentNodes);
        if !known {
            self.found("describe", at)?;
        }
        self.fake.ask(ctx, "describe", &format!("DESCRIBE /{at}")).await?;
        let mut schema = self.table(at).map(|table| (*table.schema).clone()).unwrap_or_default();
        if self.fake.has(Fault::ForgetsColumnsInDescribe) {
            schema.fields.pop();
        }
        Ok(Description {
            node: self.node(at.clone()),
            schema,
            keys: Vec::new(),
            indexes: Vec::new(),
            details: Vec::new(),
            ddl: None,
            notes: Vec::new(),
        })
    }

    async fn plan(&self, ctx: &CallCtx, mut spec: ReadSpec) -> Result<ReadPlan> {
        if spec.query.is_some() {
            return Err(Error::new(ErrorKind::Unsupported, "plan", "this source has no query language")
                .hint("point at a node instead"));
        }
        if spec.want == Want::Profile(ProfileLevel::Catalog) {
            let word = if self.fake.has(Fault::RefusesProfilesWithoutAWord) {
                ""
            } else {
                "the catalogue of this source knows no profile"
            };
            return Err(Error::new(ErrorKind::Unsupported, "plan", word).hint("take the head or a sample"));
        }
        let absent = FakeTable { path: spec.node.clone(), schema: Arc::default(), rows: Arc::default() };
        let table = match self.found("plan", &spec.node) {
            Ok(table) => table,
            Err(_) if self.fake.has(Fault::PlansAbsentNodes) => &absent,
            Err(error) => return Err(error),
        };
        self.check_columns(&spec, table)?;
        self.fake.ask(ctx, "describe", &format!("DESCRIBE /{}", spec.node)).await?;
        if self.fake.has(Fault::ReadsWhilePlanning) {
            self.fake.ask(ctx, "count", &format!("COUNT {}", spec.node)).await?;
        }
        if spec.want == Want::Profile(ProfileLevel::Head) {
            spec.bound = spec.bound.tightest(Bound::rows(HEAD_ROWS));
        }
        if spec.want == Want::Profile(ProfileLevel::Sample) && spec.sample.is_none() {
            spec.sample = Some(Sample { size: SampleSize::Rows(HEAD_ROWS), method: SampleMethod::Auto });
        }
        if let Some(sample) = &mut spec.sample {
            sample.method = SampleMethod::Row;
        }
        let mut bounds = spec.bound;
        if self.fake.has(Fault::ForgetsTheBoundInThePlan) {
            bounds = Bound::default();
        }
        Ok(ReadPlan {
            steps: vec![step(&spec)],
            bounds,
            pushdown: self.abilities.pushdown,
            schema: Some(self.schema(&spec, table)),
            gate: None,
            method: if spec.sample.is_some() { "every n-th row" } else { "rows in their order" }.to_owned(),
            remarks: Vec::new(),
            spec,
        })
    }

    async fn estimate(&self, ctx: &CallCtx, plan: &ReadPlan) -> Result<LoadEstimate> {
        let table = self.found("estimate", &plan.spec.node)?;
        self.fake.ask(ctx, "describe", &format!("DESCRIBE /{}", plan.spec.node)).await?;
        if self.fake.has(Fault::ScansToEstimate) {
            self.fake.ask(ctx, "count", &format!("COUNT {}", plan.spec.node)).await?;
        }
        let mut estimate = LoadEstimate::over(SizeClass::Small.capacity());
        if self.fake.has(Fault::EstimatesNothing) {
            return Ok(estimate);
        }
        let all = self.chosen(&plan.spec, table).len() as u64;
        let mut rows = plan.bounds.rows.map_or(all, |bound| bound.min(all)) as f64;
        if self.fake.has(Fault::EstimatesTooLittle) {
            rows = (rows / 10.0).floor();
        }
        estimate.set(Quantity::exact(Dim::RowsReturned, rows, "rows in memory"));
        let (least, most) = (*ROW_BYTES.start() * rows, *ROW_BYTES.end() * rows);
        let guess = Provenance::Guessed { rule: "bytes of a row".to_owned() };
        estimate.set(Quantity::between(Dim::BytesServer, least, 100.0 * rows, most, guess, "rows in memory"));
        estimate.set(Quantity::exact(Dim::RoundTrips, 1.0, "one statement"));
        Ok(estimate)
    }

    async fn read(&self, ctx: &CallCtx, permit: Permit, sink: &mut dyn BatchSink) -> Result<ReadOutcome> {
        if !self.fake.has(Fault::IgnoresCancel) {
            ctx.check("read")?;
        }
        let hook = self.cancel_hook(ctx);
        let planned = permit.plan().steps.first().cloned().unwrap_or_else(|| step(&permit.plan().spec));
        let entry = if planned.entry.as_str() == "scan" { "scan" } else { "read" };
        let text = if self.fake.has(Fault::SendsUnlistedStatements) {
            format!("PEEK {}", permit.plan().spec.node)
        } else if self.fake.has(Fault::PlansWhatItDoesNotSend) {
            format!("{}1", planned.text)
        } else {
            planned.text
        };
        let statement = self.fake.send(ctx, entry, &text).await?;
        ctx.meter().add(Dim::RoundTrips, 1.0, "statements sent");
        if self.fake.has(Fault::WritesUpstream) {
            self.fake.upstream.writes.fetch_add(1, Ordering::SeqCst);
        }
        let pushed = self.push(ctx, &permit, sink).await;
        drop(hook);
        let statement = statement.filter(|_| !self.fake.has(Fault::LeavesStatementsOpen));
        let pushed = match (pushed, statement) {
            (Ok(pushed), Some(statement)) => {
                statement.done(pushed.rows as u64).await?;
                pushed
            }
            (Ok(pushed), None) => pushed,
            (Err(error), Some(statement)) => return Err(statement.failed(error).await),
            (Err(error), None) => return Err(error),
        };
        let complete = !pushed.more || self.fake.has(Fault::SaysCompleteAtABound);
        let next = pushed.next.map(|row| row as u64).map(|row| {
            if self.fake.has(Fault::RepeatsARowOnTheNextPage) {
                row.saturating_sub(1)
            } else if self.fake.has(Fault::SkipsARowOnTheNextPage) {
                row + 1
            } else {
                row
            }
        });
        Ok(ReadOutcome {
            end: if complete { ReadEnd::Complete } else { ReadEnd::Bounded },
            continuation: next.filter(|_| !complete).map(Continuation::Row),
            actual: ctx.meter().actual(),
        })
    }
}

fn step(spec: &ReadSpec) -> Step {
    let columns = spec.columns.as_ref().map_or_else(|| "*".to_owned(), |columns| columns.join(", "));
    let node = &spec.node;
    let from = match (&spec.sample, &spec.continuation) {
        (Some(Sample { size, .. }), _) => format!("a sample of {size:?} by seed {}", spec.seed),
        (None, Some(Continuation::Row(row))) => row.to_string(),
        (None, _) => "0".to_owned(),
    };
    let (entry, text) = match spec.bound.rows {
        Some(rows) => ("read", format!("READ {columns} OF {node} FROM {from} LIMIT {rows}")),
        None => ("scan", format!("SCAN {columns} OF {node} FROM {from}")),
    };
    Step {
        entry: crate::model::command::EntryId::of(entry),
        text,
        binds: Vec::new(),
        kind: StepKind::Statement,
    }
}
