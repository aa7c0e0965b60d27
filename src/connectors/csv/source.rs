//! One live file: what is known of it, and the jobs that the worker does on it.

use super::index::{Checkpoint, RowIndex};
use super::layout::{KnownRows, Layout};
use super::parse::{Look, Probe, Probed, Profile, Rows, RowsEnd, SampleRows, What, op};
use super::{ID, abilities, commands, describe, estimate, file, plan};
use crate::connector::{Permit, Source};
use crate::job::sink::Collected;
use crate::job::{BatchSink, CallCtx};
use crate::kit::files::work::{params, run};
use crate::kit::worker::HostJob;
use crate::model::ability::Abilities;
use crate::model::load::{Capacity, LoadEstimate};
use crate::model::node::{Description, NodePage, NodePath, PageRequest};
use crate::model::read::{
    Bound, Continuation, ReadEnd, ReadOutcome, ReadPlan, ReadSpec, SampleMethod, Step, StepKind, Want,
};
use crate::model::{Error, ErrorKind, Result};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// Exact places of pages that are kept.
const MOST_PAGES: usize = 4096;

/// One live file.
pub(super) struct CsvSource {
    pub(super) path: PathBuf,
    pub(super) name: String,
    look: Look,
    capacity: Capacity,
    abilities: Abilities,
    known: Mutex<Known>,
}

/// What is known of the file as it was when it was last looked at.
#[derive(Clone)]
pub(super) struct Known {
    pub(super) layout: Arc<Layout>,
    identity: file::Identity,
    /// Checkpoints seen so far.
    pub(super) index: RowIndex,
    /// Where pages ended.
    pages: BTreeMap<u64, u64>,
    /// Whether the rows were counted in spread windows.
    is_probed: bool,
}

impl Known {
    fn new(layout: Layout, identity: file::Identity) -> Self {
        let index = RowIndex::new(layout.written.data_start);
        Self { layout: Arc::new(layout), identity, index, pages: BTreeMap::new(), is_probed: false }
    }

    /// The last known place at or before a row.
    fn nearest(&self, row: u64) -> Checkpoint {
        let page =
            self.pages.range(..=row).next_back().map(|(row, place)| Checkpoint { row: *row, place: *place });
        let start = Checkpoint { row: 0, place: self.layout.written.data_start };
        [page, self.index.nearest(row)].into_iter().flatten().max_by_key(|point| point.row).unwrap_or(start)
    }

    /// Takes over what a read has seen on its way.
    fn learn(&mut self, end: &RowsEnd) {
        self.index.merge(&end.index);
        if let Some(next) = end.next {
            if self.pages.len() >= MOST_PAGES {
                self.pages.pop_first();
            }
            self.pages.insert(next.row, next.place);
        }
        if let Some(rows) = self.index.rows() {
            let layout = Layout { rows: KnownRows::Exact(rows), ..Layout::clone(&self.layout) };
            self.layout = Arc::new(layout);
        }
    }
}

impl CsvSource {
    /// Looks at a file for the first time.
    pub(super) async fn open(ctx: &CallCtx, path: PathBuf, look: Look, capacity: Capacity) -> Result<Self> {
        let name = path
            .file_name()
            .map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned());
        let (layout, identity) = first_look(ctx, &path, &name, &look, "connect").await?;
        let known = Mutex::new(Known::new(layout, identity));
        Ok(Self { path, name, look, capacity, abilities: abilities(), known })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of the file, brought up to date if it was written to meanwhile.
    pub(super) async fn known(&self, ctx: &CallCtx, stage: &str) -> Result<Known> {
        let now = file::look(&self.path, stage).await?;
        let then = self.lock().identity;
        match now.since(&then) {
            file::Since::Same => {}
            file::Since::Grown | file::Since::Replaced => {
                let (layout, identity) = first_look(ctx, &self.path, &self.name, &self.look, stage).await?;
                let mut known = self.lock();
                let old = std::mem::replace(&mut *known, Known::new(layout, identity));
                let is_longer = now.since(&then) == file::Since::Grown
                    && known.layout.written.data_start == old.layout.written.data_start;
                if is_longer {
                    // What was read of the beginning still holds.
                    known.index = old.index.without_end();
                    known.pages = old.pages;
                }
            }
        }
        Ok(self.lock().clone())
    }

    /// The only node.
    pub(super) fn node(&self) -> NodePath {
        NodePath::root().child(self.name.clone())
    }

    fn check_node(&self, stage: &str, at: &NodePath) -> Result<()> {
        if *at == self.node() {
            return Ok(());
        }
        match at.is_root() {
            true => Err(Error::new(ErrorKind::Invalid, stage, "the source itself has no rows")
                .hint(format!("read its table, {}", self.name))),
            false => Err(Error::not_found(stage, at)),
        }
    }

    /// Counts rows in spread windows, once, where the first look left too much open.
    async fn probe(&self, ctx: &CallCtx, plan: &ReadPlan, known: Known) -> Result<Known> {
        let is_open = matches!(known.layout.rows, KnownRows::Estimated(_)) && !known.is_probed;
        let needs_rows =
            plan.bounds.rows.is_none() || plan.spec.sample.is_some() || plan.spec.filter.is_some();
        if !is_open || !needs_rows {
            return Ok(known);
        }
        let permit = Permit::for_probe(probe_plan(&self.name, &plan.spec));
        let most_bytes = permit.bounds().bytes.unwrap_or(0);
        let layout = Layout::clone(&known.layout);
        let (file, _) = file::open(&self.path, "estimate").await?;
        let Some(step) = permit.plan().steps.first() else { return Ok(known) };
        let job = HostJob::new(ID, op::PROBE, params(&Probe { layout, most_bytes })?, vec![file]);
        let probed: Option<Probed> =
            run(ctx, &step.entry, &step.text, job, &mut Collected::default()).await?;
        let mut known = self.lock();
        if let Some(probed) = probed {
            let layout =
                Layout { rows: probed.rows, row_bytes: probed.row_bytes, ..Layout::clone(&known.layout) };
            known.layout = Arc::new(layout);
        }
        known.is_probed = true;
        Ok(known.clone())
    }

    /// The job of a plan.
    fn job(
        &self,
        plan: &ReadPlan,
        bounds: Bound,
        known: &Known,
    ) -> Result<(&'static str, serde_json::Value)> {
        let layout = Layout::clone(&known.layout);
        let first_row = plan::first_row(&plan.spec)?;
        let rows_about = match layout.rows {
            KnownRows::Exact(rows) => Some(rows as f64),
            KnownRows::Estimated(rows) => Some(rows.mid),
            KnownRows::Unknown => None,
        };
        let what = What {
            columns: plan::columns(&layout, plan),
            node: plan.spec.node.clone(),
            filter: plan.spec.filter.clone(),
            most_rows: bounds.rows,
            most_bytes: bounds.bytes,
            most_seconds: bounds.seconds,
            layout,
        };
        let sample = plan.spec.sample.filter(|sample| sample.method != SampleMethod::Head);
        if let Want::Profile(_) = plan.spec.want {
            let seed = plan.spec.seed;
            return Ok((op::PROFILE, params(&Profile { what, sample, known_rows: rows_about, seed })?));
        }
        match sample {
            Some(sample) => {
                let seed = plan.spec.seed;
                Ok((op::SAMPLE, params(&SampleRows { what, sample, known_rows: rows_about, seed })?))
            }
            None => Ok((op::ROWS, params(&Rows { what, from: known.nearest(first_row), first_row })?)),
        }
    }
}

fn probe_plan(name: &str, spec: &ReadSpec) -> ReadPlan {
    const MOST_WINDOWS: u64 = 31;
    let text = format!("read {MOST_WINDOWS} windows spread over {name}");
    ReadPlan {
        spec: spec.clone(),
        steps: vec![Step { entry: commands::WINDOWS, text, binds: Vec::new(), kind: StepKind::File }],
        bounds: Bound::default(),
        pushdown: plan::PUSHDOWN,
        schema: None,
        gate: None,
        method: "windows spread over the file".to_owned(),
        remarks: Vec::new(),
    }
}

/// The first look, in the worker.
async fn first_look(
    ctx: &CallCtx,
    path: &std::path::Path,
    name: &str,
    look: &Look,
    stage: &str,
) -> Result<(Layout, file::Identity)> {
    let (file, identity) = file::open(path, stage).await?;
    let text = format!("read the first, the middle and the last window of {name}");
    let job = HostJob::new(ID, op::LOOK, params(look)?, vec![file]);
    let with_path = |error: Error| error.with("path", path.display().to_string());
    let layout = run(ctx, &commands::LOOK, &text, job, &mut Collected::default()).await.map_err(with_path)?;
    let layout =
        layout.ok_or_else(|| Error::unexpected(stage, "the worker looked at a file and said nothing"))?;
    Ok((layout, identity))
}

#[async_trait]
impl Source for CsvSource {
    fn abilities(&self) -> &Abilities {
        &self.abilities
    }

    async fn children(&self, ctx: &CallCtx, at: &NodePath, page: &PageRequest) -> Result<NodePage> {
        let known = self.known(ctx, "browse").await?;
        if at.is_root() {
            let nodes = if page.token.is_none() { vec![describe::node(self, &known)] } else { Vec::new() };
            return Ok(NodePage { nodes, next: None });
        }
        self.check_node("browse", at)?;
        Ok(NodePage::default())
    }

    async fn describe(&self, ctx: &CallCtx, at: &NodePath) -> Result<Description> {
        let known = self.known(ctx, "describe").await?;
        if at.is_root() {
            return Ok(describe::root(self, &known));
        }
        self.check_node("describe", at)?;
        Ok(describe::table(self, &known))
    }

    async fn plan(&self, ctx: &CallCtx, spec: ReadSpec) -> Result<ReadPlan> {
        let known = self.known(ctx, "plan").await?;
        if spec.query.is_none() {
            self.check_node("plan", &spec.node)?;
        }
        let rows_about = match known.layout.rows {
            KnownRows::Exact(rows) => Some(rows as f64),
            KnownRows::Estimated(rows) => Some(rows.mid),
            KnownRows::Unknown => None,
        };
        plan::plan(&self.name, &known.layout, rows_about, spec)
    }

    async fn estimate(&self, ctx: &CallCtx, plan: &ReadPlan) -> Result<LoadEstimate> {
        let known = self.known(ctx, "estimate").await?;
        let known = self.probe(ctx, plan, known).await?;
        let from = known.nearest(plan::first_row(&plan.spec)?);
        estimate::estimate(&known.layout, self.capacity.clone(), plan, from)
    }

    async fn read(&self, ctx: &CallCtx, permit: Permit, sink: &mut dyn BatchSink) -> Result<ReadOutcome> {
        ctx.check("read")?;
        let (plan, bounds) = (permit.plan(), permit.bounds());
        let Some(step) = plan.steps.first() else {
            return Err(Error::unexpected("read", "a plan without a step was to be read"));
        };
        let known = self.lock().clone();
        let (file, identity) = file::open(&self.path, "read").await?;
        if identity.since(&known.identity) == file::Since::Replaced {
            return Err(Error::new(
                ErrorKind::Invalid,
                "read",
                "the file was rewritten or cut since the read was planned",
            )
            .hint("plan the read again: the columns may be others")
            .retry(crate::model::error::Retry::AfterChange));
        }
        let (op, params) = self.job(plan, bounds, &known)?;
        let job = HostJob::new(ID, op, params, vec![file]);
        let end: Option<RowsEnd> = run(ctx, &step.entry, &step.text, job, sink).await?;
        let actual = ctx.meter().actual();
        let Some(end) = end else {
            return Ok(ReadOutcome { end: ReadEnd::Enough, continuation: None, actual });
        };
        if plan.spec.sample.is_none() {
            self.lock().learn(&end);
        }
        let continuation = end.next.map(|next| Continuation::Row(next.row));
        Ok(ReadOutcome { end: end.end, continuation, actual })
    }
}
