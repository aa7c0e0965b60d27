//! One live file: what is known of it, and the jobs that the worker does on it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::commands::id;
use super::connector::{FileFormat, PUSHDOWN};
use super::disk::{self, Identity, Since};
use super::outline::{Cost, Outline, RowCount, Table, Windows};
use super::reader::{Ask, Count, Look, Place, RowsEnd, Stretch, op};
use super::work::{Counting, params, run};
use super::{describe, estimate, plan};
use crate::connector::{Permit, Source};
use crate::job::sink::Collected;
use crate::job::{BatchSink, CallCtx};
use crate::kit::worker::HostJob;
use crate::model::ability::Abilities;
use crate::model::command::EntryId;
use crate::model::dice::Dice;
use crate::model::load::{Capacity, LoadEstimate, Provenance};
use crate::model::lost::Findings;
use crate::model::node::{Description, NodePage, NodePath, PageRequest};
use crate::model::read::{
    Bound, Continuation, ProfileLevel, ReadEnd, ReadOutcome, ReadPlan, ReadSpec, SampleMethod, Step,
    StepKind, Want,
};
use crate::model::stats::{Basis, ColumnProfile, TableProfile};
use crate::model::{Error, ErrorKind, Result};

/// Places of pages that are kept for each table.
const MOST_PAGES: usize = 4096;
/// Rows of one window of a sample, nearly: fewer windows read less, more windows tell more.
const WINDOW_ROWS: u64 = 100;
const MOST_WINDOWS: u64 = 64;
/// Bytes that counting rows in windows may take.
pub(super) const COUNT_BYTES: u64 = 3 << 20;

/// One live file.
pub(super) struct FileSource {
    parser: &'static str,
    format: &'static FileFormat,
    path: PathBuf,
    name: String,
    settings: serde_json::Value,
    capacity: Capacity,
    abilities: Abilities,
    known: Mutex<Known>,
}

/// What is known of the file as it was when it was last looked at.
#[derive(Clone)]
struct Known {
    outline: Arc<Outline>,
    identity: Identity,
    /// Where pages ended, by table and row.
    pages: BTreeMap<usize, BTreeMap<u64, Place>>,
    /// Tables whose rows were counted in windows.
    counted: Vec<usize>,
}

impl Known {
    fn new(outline: Outline, identity: Identity) -> Self {
        Self { outline: Arc::new(outline), identity, pages: BTreeMap::new(), counted: Vec::new() }
    }

    /// The last known place at or before a row.
    fn nearest(&self, table: usize, row: u64) -> Place {
        let pages = self.pages.get(&table);
        pages.and_then(|pages| pages.range(..=row).next_back()).map_or_else(Place::default, |(_, at)| *at)
    }

    /// Takes over what a read has seen on its way.
    fn learn(&mut self, table: usize, end: &RowsEnd) {
        if let Some(next) = end.next.filter(|next| next.byte.is_some()) {
            let pages = self.pages.entry(table).or_default();
            if pages.len() >= MOST_PAGES {
                pages.pop_first();
            }
            pages.insert(next.row, next);
        }
        if let Some(rows) = end.rows {
            let count = RowCount::exact(rows, "all rows counted by a read");
            self.set_rows(table, |table| {
                if table.rows.as_ref().is_none_or(|known| known.known().is_none()) {
                    table.rows = Some(count);
                }
            });
        }
    }

    fn set_rows(&mut self, table: usize, change: impl FnOnce(&mut Table)) {
        let mut outline = Outline::clone(&self.outline);
        if let Some(table) = outline.tables.get_mut(table) {
            change(table);
        }
        self.outline = Arc::new(outline);
    }
}

impl FileSource {
    /// Looks at a file for the first time.
    pub(super) async fn open(
        ctx: &CallCtx,
        parser: &'static str,
        format: &'static FileFormat,
        path: PathBuf,
        settings: serde_json::Value,
        capacity: Capacity,
    ) -> Result<Self> {
        let name = path
            .file_name()
            .map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned());
        let nothing = Identity::nothing();
        let known = Mutex::new(Known::new(Outline::new(0, super::Packing::Plain), nothing));
        let abilities = format.abilities();
        let source = Self { parser, format, path, name, settings, capacity, abilities, known };
        let (outline, identity) = source.look(ctx, &id::LOOK, &source.look_text(), "connect").await?;
        *source.lock() = Known::new(outline, identity);
        Ok(source)
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The file's name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Where the file is.
    pub(super) fn shown_path(&self) -> String {
        self.path.display().to_string()
    }

    /// The node of a table.
    pub(super) fn path_of(&self, table: &Table) -> NodePath {
        if table.path.is_empty() {
            NodePath::root().child(self.name.clone())
        } else {
            // A first segment without a name stands for the file itself.
            NodePath::of(table.path.iter().enumerate().map(|(level, segment)| match level {
                0 if segment.is_empty() => self.name.clone(),
                _ => segment.clone(),
            }))
        }
    }

    /// What a table is called in plans.
    fn called(&self, table: &Table) -> String {
        if table.path.is_empty() {
            self.name.clone()
        } else {
            format!("{} of {}", self.path_of(table), self.name)
        }
    }

    fn look_text(&self) -> String {
        self.format.look.replace("{file}", &self.name)
    }

    async fn look(
        &self,
        ctx: &CallCtx,
        entry: &EntryId,
        text: &str,
        stage: &str,
    ) -> Result<(Outline, Identity)> {
        let (file, identity) = disk::open(&self.path, stage).await?;
        let params = params(&Look { settings: self.settings.clone() })?;
        let job = HostJob::new(self.parser, op::LOOK, params, vec![file]);
        let with_path = |error: Error| error.with("path", self.shown_path());
        let outline = run(ctx, entry, text, job, &mut Collected::default()).await.map_err(with_path)?;
        let outline = outline
            .ok_or_else(|| Error::unexpected(stage, "the worker looked at a file and said nothing"))?;
        Ok((outline, identity))
    }

    /// What is known of the file, brought up to date if it was written to meanwhile.
    async fn known(&self, ctx: &CallCtx, stage: &str) -> Result<Known> {
        let now = disk::look(&self.path, stage).await?;
        let then = self.lock().identity;
        if now.since(&then) != Since::Same {
            let (outline, identity) = self.look(ctx, &id::LOOK, &self.look_text(), stage).await?;
            *self.lock() = Known::new(outline, identity);
        }
        Ok(self.lock().clone())
    }

    /// The table of a node.
    fn table(&self, outline: &Outline, at: &NodePath, stage: &str) -> Result<usize> {
        if let Some(found) = outline.tables.iter().position(|table| self.path_of(table) == *at) {
            return Ok(found);
        }
        if !at.is_root() {
            return Err(Error::not_found(stage, at));
        }
        let names: Vec<String> =
            outline.tables.iter().take(5).map(|table| self.path_of(table).to_string()).collect();
        Err(Error::new(ErrorKind::Invalid, stage, "the source itself has no rows")
            .hint(format!("read one of its tables: {}", names.join(", "))))
    }

    /// Counts rows in spread windows, once, where the look left too much open.
    async fn counted(&self, ctx: &CallCtx, plan: &ReadPlan, at: usize, known: Known) -> Result<Known> {
        let Some(table) = known.outline.tables.get(at) else { return Ok(known) };
        let is_open = table.windows == Windows::ByByte
            && table.rows.as_ref().is_none_or(|rows| rows.known().is_none())
            && !known.counted.contains(&at);
        let needs_rows =
            plan.bounds.rows.is_none() || plan.spec.sample.is_some() || plan.spec.filter.is_some();
        if !is_open || !needs_rows {
            return Ok(known);
        }
        let text = format!("count rows in windows spread over {}", self.called(table));
        let permit = Permit::for_probe(probe_plan(text, &plan.spec));
        let most_bytes = permit.bounds().bytes.unwrap_or(COUNT_BYTES).min(COUNT_BYTES);
        let count = Count { table: table.clone(), settings: self.settings.clone(), most_bytes };
        let (file, _) = disk::open(&self.path, "estimate").await?;
        let Some(step) = permit.plan().steps.first() else { return Ok(known) };
        let job = HostJob::new(self.parser, op::COUNT, params(&count)?, vec![file]);
        let found: Option<Option<(RowCount, f64)>> =
            run(ctx, &step.entry, &step.text, job, &mut Collected::default()).await?;
        let mut known = self.lock();
        if let Some((rows, bytes)) = found.flatten() {
            known.set_rows(at, |table| {
                table.rows = Some(rows);
                if let Cost::Sequence { row_bytes, .. } = &mut table.cost {
                    *row_bytes = bytes;
                }
            });
        }
        known.counted.push(at);
        Ok(known.clone())
    }

    /// What the worker is asked for.
    fn ask(&self, plan: &ReadPlan, bounds: Bound, known: &Known, at: usize) -> Result<Ask> {
        let Some(table) = known.outline.tables.get(at) else {
            return Err(Error::not_found("read", &plan.spec.node));
        };
        let (columns, given) = plan::columns(table, plan);
        let first_row = plan::first_row(&plan.spec)?;
        let sample = plan.spec.sample.filter(|sample| sample.method != SampleMethod::Head);
        let stretch = match sample {
            Some(sample) if sample.method == SampleMethod::Block => {
                windows(table, bounds.rows.unwrap_or(0), plan.spec.seed)
            }
            _ => Stretch::From { row: first_row, known: known.nearest(at, first_row) },
        };
        Ok(Ask {
            table: Table { profile: None, facts: Vec::new(), ..table.clone() },
            settings: self.settings.clone(),
            node: plan.spec.node.clone(),
            columns,
            given,
            filter: plan.spec.filter.clone(),
            stretch,
            sample,
            seed: plan.spec.seed,
            profile: matches!(plan.spec.want, Want::Profile(_)),
            most_rows: bounds.rows,
            most_bytes: bounds.bytes,
            most_seconds: bounds.seconds,
        })
    }

    /// The catalogue level: the headers once more, and what they say of the columns.
    async fn catalog(
        &self,
        ctx: &CallCtx,
        plan: &ReadPlan,
        step: &Step,
        sink: &mut dyn BatchSink,
    ) -> Result<ReadOutcome> {
        let (outline, _) = self.look(ctx, &step.entry, &step.text, "read").await?;
        let at = self.table(&outline, &plan.spec.node, "read")?;
        let Some(table) = outline.tables.get(at) else {
            return Err(Error::not_found("read", &plan.spec.node));
        };
        let mut profile = table.profile.clone().unwrap_or_else(|| bare_profile(table));
        if let Some(columns) = &plan.spec.columns {
            profile.columns.retain(|column| columns.contains(&column.name));
        }
        profile.findings.merge(outline.findings.clone());
        sink.catalog(profile).await?;
        Ok(ReadOutcome { end: ReadEnd::Complete, continuation: None, actual: ctx.meter().actual() })
    }
}

/// What a header that knows nothing of its columns still says of the table.
fn bare_profile(table: &Table) -> TableProfile {
    let rows = table.rows.as_ref();
    TableProfile {
        rows: rows.map(|rows| rows.mid.round() as u64),
        rows_basis: match rows.map(|rows| &rows.provenance) {
            Some(Provenance::Exact) => Basis::Exact,
            Some(Provenance::Sampled { .. }) => Basis::Sample,
            _ => Basis::Estimate,
        },
        rows_seen: 0,
        method: "what the file itself states".to_owned(),
        columns: table
            .schema
            .fields
            .iter()
            .map(|field| ColumnProfile {
                notes: vec!["the file states nothing of this column's values".to_owned()],
                ..ColumnProfile::unknown(&field.name, field.logical.clone())
            })
            .collect(),
        findings: Findings::default(),
    }
}

/// The windows of a sample by blocks.
pub(super) fn window_count(rows: u64) -> u64 {
    rows.div_ceil(WINDOW_ROWS).clamp(1, MOST_WINDOWS)
}

pub(super) fn windows(table: &Table, rows: u64, seed: u64) -> Stretch {
    let count = window_count(rows);
    let each = rows.div_ceil(count).max(1);
    let total = table.rows.as_ref().and_then(RowCount::known);
    match (table.windows, total) {
        (Windows::ByRow, Some(total)) => {
            let count = count.min(total.div_ceil(each)).max(1);
            let part = total / count;
            let mut dice = Dice::new(seed);
            let window = |number: u64| {
                let first = part * number + dice.below(part.saturating_sub(each) + 1);
                (first, each.min(part * (number + 1) - first).min(total - first))
            };
            Stretch::RowWindows((0..count).map(window).filter(|(_, rows)| *rows > 0).collect())
        }
        _ => Stretch::ByteWindows { count, rows: each, seed },
    }
}

fn probe_plan(text: String, spec: &ReadSpec) -> ReadPlan {
    ReadPlan {
        spec: spec.clone(),
        steps: vec![Step { entry: id::COUNT, text, binds: Vec::new(), kind: StepKind::File }],
        bounds: Bound::default(),
        pushdown: PUSHDOWN,
        schema: None,
        gate: None,
        method: "windows spread over the file".to_owned(),
        remarks: Vec::new(),
    }
}

#[async_trait]
impl Source for FileSource {
    fn abilities(&self) -> &Abilities {
        &self.abilities
    }

    async fn children(&self, ctx: &CallCtx, at: &NodePath, page: &PageRequest) -> Result<NodePage> {
        let known = self.known(ctx, "browse").await?;
        describe::children(self, &known.outline, at, page)
    }

    async fn describe(&self, ctx: &CallCtx, at: &NodePath) -> Result<Description> {
        let known = self.known(ctx, "describe").await?;
        describe::describe(self, &known.outline, at)
    }

    async fn plan(&self, ctx: &CallCtx, spec: ReadSpec) -> Result<ReadPlan> {
        let known = self.known(ctx, "plan").await?;
        let at = self.table(&known.outline, &spec.node, "plan")?;
        let Some(table) = known.outline.tables.get(at) else {
            return Err(Error::not_found("plan", &spec.node));
        };
        plan::plan(self.format.what, &self.called(table), table, spec)
    }

    async fn estimate(&self, ctx: &CallCtx, plan: &ReadPlan) -> Result<LoadEstimate> {
        let known = self.known(ctx, "estimate").await?;
        let at = self.table(&known.outline, &plan.spec.node, "estimate")?;
        let known = self.counted(ctx, plan, at, known).await?;
        let Some(table) = known.outline.tables.get(at) else {
            return Err(Error::not_found("estimate", &plan.spec.node));
        };
        let from = known.nearest(at, plan::first_row(&plan.spec)?);
        estimate::estimate(&known.outline, table, self.capacity.clone(), plan, from)
    }

    async fn read(&self, ctx: &CallCtx, permit: Permit, sink: &mut dyn BatchSink) -> Result<ReadOutcome> {
        ctx.check("read")?;
        let (plan, bounds) = (permit.plan(), permit.bounds());
        let Some(step) = plan.steps.first() else {
            return Err(Error::unexpected("read", "a plan without a step was to be read"));
        };
        if plan.spec.want == Want::Profile(ProfileLevel::Catalog) {
            return self.catalog(ctx, plan, step, sink).await;
        }
        let known = self.lock().clone();
        let at = self.table(&known.outline, &plan.spec.node, "read")?;
        let (file, identity) = disk::open(&self.path, "read").await?;
        if identity.since(&known.identity) == Since::Replaced {
            return Err(Error::new(
                ErrorKind::Invalid,
                "read",
                "the file was rewritten or cut since the read was planned",
            )
            .hint("plan the read again: the columns may be others")
            .retry(crate::model::error::Retry::AfterChange));
        }
        let ask = self.ask(plan, bounds, &known, at)?;
        sink.findings(known.outline.findings.clone());
        let job = HostJob::new(self.parser, op::ROWS, params(&ask)?, vec![file]);
        let mut counting = Counting { inner: &mut *sink, rows: 0 };
        let end: Option<RowsEnd> = run(ctx, &step.entry, &step.text, job, &mut counting).await?;
        let given = counting.rows;
        let actual = ctx.meter().actual();
        let Some(end) = end else {
            // The worker had no time to say where it stopped: without a filter it is told by the rows that came.
            let is_plain =
                plan.spec.filter.is_none() && plan.spec.sample.is_none() && bounds.rows == Some(given);
            let first = plan::first_row(&plan.spec)?;
            let continuation = is_plain.then(|| Continuation::Row(first + given));
            let end = if is_plain { ReadEnd::Bounded } else { ReadEnd::Enough };
            return Ok(ReadOutcome { end, continuation, actual });
        };
        if plan.spec.sample.is_none() {
            self.lock().learn(at, &end);
        }
        let sampled = plan.spec.sample.is_some() || matches!(plan.spec.want, Want::Profile(_));
        let continuation = end.next.filter(|_| !sampled).map(|next| Continuation::Row(next.row));
        let end = if plan.spec.sample.is_some() && end.end == ReadEnd::Bounded && !is_short(bounds) {
            ReadEnd::Complete
        } else {
            end.end
        };
        Ok(ReadOutcome { end, continuation, actual })
    }
}

/// Whether a sample may have been cut short by more than its own size.
fn is_short(bounds: Bound) -> bool {
    bounds.bytes.is_some() || bounds.seconds.is_some()
}
