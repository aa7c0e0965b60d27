//! A folder of files of one format as one table: their columns together, and those that the folders' names tell.
//!
//! Invariants: a column that a file lacks is missing in its rows, not null · a column whose type differs between files
//! is told, and its cells stay what they are · files are listed once a connection, by name; links are not followed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use async_trait::async_trait;

use super::commands::id;
use super::connector::FileFormat;
use super::disk;
use super::outline::{Cost, Group, Outline, RowCount, Table, Windows};
use super::partition::Partitions;
use super::reader::{Ask, Look, Place, RowsEnd, Stretch, op};
use super::source::{window_count, windows};
use super::work::{Counting, params, run};
use super::{estimate, plan};
use crate::connector::{Permit, Source};
use crate::job::sink::Collected;
use crate::job::{BatchSink, CallCtx, Flow};
use crate::kit::worker::HostJob;
use crate::model::ability::{Abilities, CostClass, Pushdown, Support};
use crate::model::batch::{Batch, BatchBuilder, Exception, Origin};
use crate::model::cell::Cell;
use crate::model::filter::Filter;
use crate::model::load::{Capacity, LoadEstimate, Provenance};
use crate::model::lost::{Disagreement, Findings};
use crate::model::node::{Description, Detail, Known, Node, NodeKind, NodePage, NodePath, PageRequest};
use crate::model::read::{
    Continuation, ProfileLevel, ReadEnd, ReadOutcome, ReadPlan, ReadSpec, Sample, SampleMethod, SampleSize,
    Step, StepKind, Want,
};
use crate::model::schema::{Field, Schema};
use crate::model::units::{bytes_text, count_text};
use crate::model::{Error, ErrorKind, Result};

/// Entries of folders that are listed.
const MOST_ENTRIES: usize = 200_000;
const MOST_LEVELS: usize = 32;
/// Files that are looked at to know the columns.
const MOST_LOOKED: usize = 16;
/// Files of a sample.
const MOST_SAMPLED: u64 = 16;

/// What a folder does itself.
const PUSHDOWN: Pushdown = Pushdown { filter: Support::None, order: Support::None, ..Pushdown::FULL };

/// A file of the folder.
#[derive(Clone, Debug)]
struct Part {
    /// Its path below the folder, with `/`.
    name: String,
    path: PathBuf,
    bytes: u64,
}

/// A live folder.
pub(super) struct FolderSource {
    parser: &'static str,
    format: &'static FileFormat,
    path: PathBuf,
    name: String,
    settings: serde_json::Value,
    capacity: Capacity,
    abilities: Abilities,
    parts: Vec<Part>,
    partitions: Partitions,
    table: Table,
    facts: Vec<Detail>,
    findings: Findings,
    looked: Mutex<BTreeMap<usize, Arc<Outline>>>,
}

/// What opens a folder.
pub(super) struct Opening {
    pub(super) parser: &'static str,
    pub(super) format: &'static FileFormat,
    pub(super) extensions: &'static [&'static str],
    pub(super) path: PathBuf,
    pub(super) settings: serde_json::Value,
    pub(super) capacity: Capacity,
}

impl FolderSource {
    /// Lists the files of a folder, and looks at some of them.
    pub(super) async fn open(ctx: &CallCtx, opening: Opening) -> Result<Self> {
        let Opening { parser, format, extensions, path, settings, capacity } = opening;
        let name = path
            .file_name()
            .map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned());
        let listing =
            ctx.statement(&id::LIST, &format!("list the files in {name} and the folders in it")).await?;
        let listed = list(&path, extensions).await;
        let parts = match listed {
            Ok(parts) => {
                listing.done(parts.len() as u64).await?;
                parts
            }
            Err(error) => return Err(listing.failed(error).await),
        };
        if parts.is_empty() {
            return Err(Error::new(
                ErrorKind::NotFound,
                "connect",
                format!("there is no {} in this folder or below it", format.what),
            )
            .hint(format!("looked for: {}", extensions.join(", ")))
            .with("path", path.display().to_string()));
        }
        let abilities = Abilities {
            pushdown: PUSHDOWN,
            native_profile: Support::None,
            catalog_profile: Support::None,
            exact_count: CostClass::Scan,
            ..format.abilities()
        };
        let mut made = Self {
            parser,
            format,
            path,
            name,
            settings,
            capacity,
            abilities,
            parts,
            partitions: Partitions::default(),
            table: Table::new(Vec::new(), NodeKind::Table, Schema::default()),
            facts: Vec::new(),
            findings: Findings::default(),
            looked: Mutex::new(BTreeMap::new()),
        };
        let last = made.parts.len() - 1;
        let count = made.parts.len().min(MOST_LOOKED);
        for number in 0..count {
            made.outline(ctx, last * number / (count - 1).max(1), "connect").await?;
        }
        made.learn();
        Ok(made)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<usize, Arc<Outline>>> {
        self.looked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn node_path(&self) -> NodePath {
        NodePath::root().child(self.name.clone())
    }

    /// What a file holds, looked at once.
    async fn outline(&self, ctx: &CallCtx, part: usize, stage: &str) -> Result<Arc<Outline>> {
        if let Some(known) = self.lock().get(&part) {
            return Ok(Arc::clone(known));
        }
        let Some(found) = self.parts.get(part) else {
            return Err(Error::unexpected(stage, "a file beyond the last"));
        };
        let (file, _) = disk::open(&found.path, stage).await?;
        let text = self.format.look.replace("{file}", &found.name);
        let job = HostJob::new(
            self.parser,
            op::LOOK,
            params(&Look { settings: self.settings.clone() })?,
            vec![file],
        );
        let outline: Option<Outline> = run(ctx, &id::LOOK, &text, job, &mut Collected::default())
            .await
            .map_err(|error| error.with("file", found.name.clone()))?;
        let outline = outline
            .ok_or_else(|| Error::unexpected(stage, "the worker looked at a file and said nothing"))?;
        let outline = Arc::new(outline);
        self.lock().insert(part, Arc::clone(&outline));
        Ok(outline)
    }

    /// Puts together what the files that were looked at say.
    fn learn(&mut self) {
        let looked = self.lock().clone();
        let mut fields: Vec<Field> = Vec::new();
        let mut lacking: BTreeMap<String, usize> = BTreeMap::new();
        for (part, outline) in &looked {
            let (Some(part), Some(table)) = (self.parts.get(*part), outline.tables.first()) else { continue };
            for field in &table.schema.fields {
                *lacking.entry(field.name.clone()).or_default() += 1;
                match fields.iter().find(|known| known.name == field.name) {
                    None => fields.push(field.clone()),
                    Some(known) if known.logical != field.logical => {
                        self.findings.merge(Findings {
                            lost: Vec::new(),
                            disagreements: vec![Disagreement {
                                about: format!("column {}", field.name),
                                declared: format!("{} in the first file that has it", known.logical),
                                observed: format!("{} in {}", field.logical, part.name),
                            }],
                        });
                    }
                    Some(_) => {}
                }
            }
            self.findings.merge(outline.findings.clone());
        }
        for field in &mut fields {
            let having = lacking.get(&field.name).copied().unwrap_or(0);
            if having < looked.len() {
                field.note = Some(format!("in {having} of {} files looked at", looked.len()));
            }
        }
        let names: Vec<String> = self.parts.iter().map(|part| part.name.clone()).collect();
        self.partitions = Partitions::of(&names, &Schema::new(fields.clone()));
        fields.extend(self.partitions.fields());
        self.table.schema = Schema::new(fields);
        let total: u64 = self.parts.iter().map(|part| part.bytes).sum();
        let (rows, row_bytes) = self.rows(&looked, total);
        self.table.rows = rows;
        self.table.cost = self.cost(&looked, total, row_bytes);
        self.table.windows = Windows::ByByte;
        self.facts = vec![
            Detail::new("files", count_text(self.parts.len() as u64), Provenance::Exact),
            Detail::new("bytes", bytes_text(total as f64), Provenance::Exact),
            Detail::new("files looked at", count_text(looked.len() as u64), Provenance::Exact),
        ];
        let sizes = || self.parts.iter().map(|part| part.bytes);
        if let (Some(least), Some(most)) = (sizes().min(), sizes().max()) {
            let words = format!("{} to {}", bytes_text(least as f64), bytes_text(most as f64));
            self.facts.push(Detail::new("bytes of a file", words, Provenance::Exact));
        }
        self.facts.extend(self.partitions.facts());
    }

    /// Rows of all files, and bytes of an ordinary one.
    fn rows(&self, looked: &BTreeMap<usize, Arc<Outline>>, total: u64) -> (Option<RowCount>, f64) {
        let (mut lo, mut mid, mut hi, mut bytes, mut exact) = (0.0, 0.0, 0.0, 0_u64, true);
        for (part, outline) in looked {
            let Some(count) = outline.tables.first().and_then(|table| table.rows.as_ref()) else {
                return (None, 1.0);
            };
            (lo, mid, hi) = (lo + count.lo, mid + count.mid, hi + count.hi);
            bytes += self.parts.get(*part).map_or(0, |part| part.bytes);
            exact &= count.known().is_some();
        }
        let row_bytes = bytes as f64 / f64::max(mid, 1.0);
        if looked.len() == self.parts.len() && exact {
            return (Some(RowCount::exact(mid as u64, "the headers of all files")), row_bytes);
        }
        let times = total as f64 / bytes.max(1) as f64;
        let wider = if looked.len() == self.parts.len() { 0.0 } else { 0.3 };
        let design = "files spread over the folder".to_owned();
        let count = RowCount {
            lo: lo * times * (1.0 - wider),
            mid: mid * times,
            hi: hi * times * (1.0 + wider),
            provenance: Provenance::Sampled { n: looked.len() as u64, design },
            source: "rows per byte of the files looked at × bytes of all files".to_owned(),
        };
        (Some(count), row_bytes)
    }

    fn cost(&self, looked: &BTreeMap<usize, Arc<Outline>>, total: u64, row_bytes: f64) -> Cost {
        let apart = looked.values().all(|outline| {
            matches!(outline.tables.first().map(|table| &table.cost), Some(Cost::Groups { .. }))
        });
        let largest = self.parts.iter().map(|part| part.bytes).max().unwrap_or(0);
        if !apart {
            let block_bytes = largest.clamp(64 << 10, 8 << 20);
            return Cost::Sequence { start: 0, end: total, row_bytes, block_bytes };
        }
        let width = self.table.schema.fields.len();
        let (mut groups, mut lead) = (Vec::new(), 0);
        for (part, found) in self.parts.iter().enumerate() {
            let table = looked.get(&part).and_then(|outline| outline.tables.first());
            let Some((table, Cost::Groups { groups: own, lead_bytes })) =
                table.map(|table| (table, &table.cost))
            else {
                // About as the others: every column its even share.
                let rows = (found.bytes as f64 / row_bytes.max(1.0)) as u64;
                groups.push(Group { rows, column_bytes: vec![found.bytes / width.max(1) as u64; width] });
                continue;
            };
            lead += lead_bytes;
            for group in own {
                let mut column_bytes = vec![0; width];
                for (field, bytes) in table.schema.fields.iter().zip(&group.column_bytes) {
                    if let Some(place) =
                        self.table.schema.index_of(&field.name).and_then(|at| column_bytes.get_mut(at))
                    {
                        *place = *bytes;
                    }
                }
                groups.push(Group { rows: group.rows, column_bytes });
            }
        }
        Cost::Groups { groups, lead_bytes: lead }
    }

    fn node(&self) -> Node {
        let rows = self.table.rows.as_ref().map(|rows| Known {
            value: rows.mid.round().max(0.0) as u64,
            provenance: rows.provenance.clone(),
            as_of: None,
        });
        Node {
            path: self.node_path(),
            name: self.name.clone(),
            kind: NodeKind::Table,
            readable: true,
            expandable: false,
            rows,
            bytes: Some(Known::exact(self.parts.iter().map(|part| part.bytes).sum())),
            note: Some(format!("{} files", count_text(self.parts.len() as u64))),
        }
    }

    fn check_node(&self, stage: &str, at: &NodePath) -> Result<()> {
        match (*at == self.node_path(), at.is_root()) {
            (true, _) => Ok(()),
            (false, false) => Err(Error::not_found(stage, at)),
            (false, true) => Err(Error::new(ErrorKind::Invalid, stage, "the source itself has no rows")
                .hint(format!("read its table, {}", self.name))),
        }
    }

    /// Files to read, in order: those that a filter over partitions alone does not rule out.
    fn is_ruled_out(&self, filter: Option<&Filter>, part: &Part) -> bool {
        let Some(filter) = filter else { return false };
        let columns = filter.columns();
        let by_folder = |name: &&str| self.partitions.cell(name, &part.name).is_some();
        if !columns.iter().all(by_folder) {
            return false;
        }
        let cell = |name: &str| self.partitions.cell(name, &part.name).unwrap_or(Cell::Missing);
        filter.evaluate(&cell) != Some(true)
    }

    /// The statement that reads a file.
    fn text_of(&self, part: &str) -> String {
        format!("read rows of {part}, one of {} files of {}", self.parts.len(), self.name)
    }

    /// Reads one file.
    async fn read_part(
        &self,
        ctx: &CallCtx,
        (at, row): (usize, u64),
        (plan, left): (&ReadPlan, Option<u64>),
        seconds: Option<f64>,
        sink: &mut dyn BatchSink,
    ) -> Result<Option<RowsEnd>> {
        let Some(part) = self.parts.get(at) else {
            return Err(Error::unexpected("read", "a file beyond the last"));
        };
        let outline = self.outline(ctx, at, "read").await?;
        let Some(table) = outline.tables.first() else {
            return Ok(Some(RowsEnd { end: ReadEnd::Complete, next: None, rows: Some(0) }));
        };
        let out = plan.schema.clone().unwrap_or_default();
        let wanted = |field: &Field| {
            table
                .schema
                .index_of(&field.name)
                .filter(|_| self.partitions.cell(&field.name, &part.name).is_none())
        };
        let mut columns: Vec<usize> = out.fields.iter().filter_map(wanted).collect();
        columns.sort_unstable();
        columns.dedup();
        let stretch = match plan.spec.sample {
            Some(sample) if sample.method == SampleMethod::Block && table.windows != Windows::None => {
                windows(table, left.unwrap_or(0), plan.spec.seed.wrapping_add(at as u64))
            }
            _ => Stretch::From { row, known: Place::default() },
        };
        let ask = Ask {
            table: Table { profile: None, facts: Vec::new(), ..table.clone() },
            settings: self.settings.clone(),
            node: plan.spec.node.clone(),
            given: columns.len(),
            columns,
            filter: None,
            stretch,
            sample: None,
            seed: plan.spec.seed,
            profile: false,
            most_rows: left,
            most_bytes: plan.bounds.bytes,
            most_seconds: seconds,
        };
        let (file, _) = disk::open(&part.path, "read").await?;
        sink.findings(outline.findings.clone());
        let job = HostJob::new(self.parser, op::ROWS, params(&ask)?, vec![file]);
        let mut one = OnePart {
            inner: sink,
            schema: Arc::new(out),
            partitions: &self.partitions,
            part: &part.name,
            node: plan.spec.node.clone(),
        };
        run(ctx, &id::PART, &self.text_of(&part.name), job, &mut one).await
    }
}

/// Files of these extensions below a folder, by name.
async fn list(folder: &Path, extensions: &[&str]) -> Result<Vec<Part>> {
    let failed = |path: &Path, error: &std::io::Error| {
        Error::io("connect", "listing the folder", error).with("path", path.display().to_string())
    };
    let mut open = vec![(folder.to_path_buf(), String::new(), 0_usize)];
    let mut parts = Vec::new();
    let mut entries = 0;
    while let Some((path, name, level)) = open.pop() {
        let mut listed = tokio::fs::read_dir(&path).await.map_err(|error| failed(&path, &error))?;
        while let Some(entry) = listed.next_entry().await.map_err(|error| failed(&path, &error))? {
            entries += 1;
            if entries > MOST_ENTRIES {
                return Err(Error::new(
                    ErrorKind::Budget,
                    "connect",
                    format!("the folder has more than {} entries", count_text(MOST_ENTRIES as u64)),
                )
                .hint("open a folder in it"));
            }
            let own = entry.file_name().to_string_lossy().into_owned();
            // What writers keep beside their data: marks, logs, checksums, unfinished files.
            if own.starts_with(['.', '_']) {
                continue;
            }
            let kind = entry.file_type().await.map_err(|error| failed(&path, &error))?;
            let below = if name.is_empty() { own.clone() } else { format!("{name}/{own}") };
            if kind.is_dir() && level < MOST_LEVELS {
                open.push((entry.path(), below, level + 1));
            } else if kind.is_file()
                && extensions.iter().any(|extension| own.to_lowercase().ends_with(&format!(".{extension}")))
            {
                let bytes = entry.metadata().await.map_err(|error| failed(&path, &error))?.len();
                parts.push(Part { name: below, path: entry.path(), bytes });
            }
        }
    }
    parts.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(parts)
}

/// Rows of one file as rows of the folder's table.
struct OnePart<'a> {
    inner: &'a mut dyn BatchSink,
    schema: Arc<Schema>,
    partitions: &'a Partitions,
    part: &'a str,
    node: NodePath,
}

impl OnePart<'_> {
    fn rework(&self, batch: &Batch) -> Result<Batch> {
        let rows = batch.row_count();
        let (mut arrays, mut odd) = (Vec::new(), Vec::new());
        for (place, field) in self.schema.fields.iter().enumerate() {
            let constant = self.partitions.cell(&field.name, self.part);
            let own = batch.schema.index_of(&field.name).filter(|_| constant.is_none());
            let same = own.filter(|own| {
                batch.schema.fields.get(*own).is_some_and(|known| known.logical == field.logical)
            });
            if let Some(own) = same {
                arrays.push(Arc::clone(batch.records.column(own)));
                let cells = batch.exceptions().iter().filter(|odd| odd.column == own);
                odd.extend(cells.map(|odd| Exception { column: place, ..odd.clone() }));
                continue;
            }
            let mut builder = BatchBuilder::new(Arc::new(Schema::new(vec![field.clone()])));
            for row in 0..rows {
                let cell =
                    own.map_or_else(|| constant.clone().unwrap_or(Cell::Missing), |own| batch.cell(row, own));
                builder.push_row([cell]);
            }
            let made = builder.take(Origin::default())?;
            arrays.push(Arc::clone(made.records.column(0)));
            odd.extend(made.exceptions().iter().map(|odd| Exception { column: place, ..odd.clone() }));
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let records = RecordBatch::try_new_with_options(self.schema.arrow(), arrays, &options)
            .map_err(|error| Error::unexpected("read", format!("rows of a file in a folder: {error}")))?;
        let origin = Origin { node: self.node.clone(), first_row: None };
        Batch::new(Arc::clone(&self.schema), records, origin, odd)
    }
}

#[async_trait]
impl BatchSink for OnePart<'_> {
    async fn batch(&mut self, batch: Batch) -> Result<Flow> {
        let reworked = self.rework(&batch)?;
        self.inner.batch(reworked).await
    }

    fn findings(&mut self, mut findings: Findings) {
        for lost in &mut findings.lost {
            lost.place = format!("{}, {}", self.part, lost.place);
        }
        for found in &mut findings.disagreements {
            found.about = format!("{}, {}", self.part, found.about);
        }
        self.inner.findings(findings);
    }
}

#[async_trait]
impl Source for FolderSource {
    fn abilities(&self) -> &Abilities {
        &self.abilities
    }

    async fn children(&self, _ctx: &CallCtx, at: &NodePath, page: &PageRequest) -> Result<NodePage> {
        if at.is_root() {
            let nodes = if page.token.is_none() { vec![self.node()] } else { Vec::new() };
            return Ok(NodePage { nodes, next: None });
        }
        self.check_node("browse", at)?;
        Ok(NodePage::default())
    }

    async fn describe(&self, _ctx: &CallCtx, at: &NodePath) -> Result<Description> {
        let (node, schema) = if at.is_root() {
            let root = Node {
                path: NodePath::root(),
                kind: NodeKind::Folder,
                readable: false,
                expandable: true,
                rows: None,
                ..self.node()
            };
            (root, Schema::default())
        } else {
            self.check_node("describe", at)?;
            (self.node(), self.table.schema.clone())
        };
        let mut details = vec![Detail::new("path", self.path.display().to_string(), Provenance::Exact)];
        details.extend(self.facts.iter().cloned());
        let said =
            |found: &Disagreement| format!("{}: {}, but {}", found.about, found.declared, found.observed);
        let notes = self.findings.disagreements.iter().map(said).collect();
        Ok(Description { node, schema, keys: Vec::new(), indexes: Vec::new(), details, ddl: None, notes })
    }

    async fn plan(&self, _ctx: &CallCtx, spec: ReadSpec) -> Result<ReadPlan> {
        if spec.query.is_none() {
            self.check_node("plan", &spec.node)?;
        }
        let refuse = |what: &str, hint: &str| {
            Err(Error::new(ErrorKind::Unsupported, "plan", what.to_owned()).hint(hint.to_owned()))
        };
        if spec.want == Want::Profile(ProfileLevel::Catalog) {
            return refuse(
                "a folder of files has no profile in its headers as a whole",
                "take it of one file, or of a sample",
            );
        }
        if let Some(sample) = spec.sample
            && matches!(sample.method, SampleMethod::Row | SampleMethod::Random)
        {
            return refuse(
                "a folder of files is not sampled row by row",
                "take a sample by block: windows of some of its files",
            );
        }
        if let Some(Sample { size: SampleSize::Percent(_), .. }) = spec.sample
            && self.table.rows.is_none()
        {
            return refuse(
                "a share of rows can't be taken where their number is unknown",
                "ask for a number of rows",
            );
        }
        let continuation = spec.continuation.clone();
        let mut made =
            plan::plan(self.format.what, &self.name, &self.table, ReadSpec { continuation: None, ..spec })?;
        made.spec.continuation = continuation.filter(|_| made.spec.sample.is_none());
        made.pushdown = PUSHDOWN;
        if made.spec.filter.is_some() || !made.spec.order.is_empty() {
            // The columns of the filter and the order must be in the rows that come.
            made.pushdown.projection = Support::None;
            made.schema = Some(self.table.schema.clone());
        }
        let step = |entry, text: String| Step { entry, text, binds: Vec::new(), kind: StepKind::Pages };
        made.steps =
            vec![step(id::PART, self.text_of("{file}")), step(id::LOOK, self.format.look.to_owned())];
        made.remarks.push(format!("file after file, by name, of {}", count_text(self.parts.len() as u64)));
        place_of(&made.spec)?;
        Ok(made)
    }

    async fn estimate(&self, _ctx: &CallCtx, plan: &ReadPlan) -> Result<LoadEstimate> {
        let outline = Outline::new(self.parts.iter().map(|part| part.bytes).sum(), super::Packing::Plain);
        let (file, row) = place_of(&plan.spec)?;
        let before: u64 = self.parts.iter().take(file).map(|part| part.bytes).sum();
        let from = Place { row, byte: Some(before) };
        let plain = ReadPlan { spec: ReadSpec { continuation: None, ..plan.spec.clone() }, ..plan.clone() };
        estimate::estimate(&outline, &self.table, self.capacity.clone(), &plain, from)
    }

    async fn read(&self, ctx: &CallCtx, permit: Permit, sink: &mut dyn BatchSink) -> Result<ReadOutcome> {
        ctx.check("read")?;
        let (plan, bounds) = (permit.plan(), permit.bounds());
        let outcome = |end, continuation| Ok(ReadOutcome { end, continuation, actual: ctx.meter().actual() });
        sink.findings(self.findings.clone());
        let mut left = bounds.rows;
        let (mut part, mut row) = place_of(&plan.spec)?;
        let is_block = plan.spec.sample.is_some_and(|sample| sample.method == SampleMethod::Block);
        let (step, each) = match (is_block, left) {
            (true, Some(rows)) => {
                let files = (self.parts.len() as u64).min(MOST_SAMPLED).min(window_count(rows).max(1));
                ((self.parts.len() as u64 / files).max(1) as usize, Some(rows.div_ceil(files)))
            }
            _ => (1, None),
        };
        while let Some(found) = self.parts.get(part) {
            if left == Some(0) {
                break;
            }
            if self.is_ruled_out(plan.spec.filter.as_ref(), found) {
                (part, row) = (part + step, 0);
                continue;
            }
            let most = match (left, each) {
                (Some(left), Some(each)) => Some(left.min(each)),
                (left, _) => left,
            };
            let mut counting = Counting { inner: &mut *sink, rows: 0 };
            let end = self.read_part(ctx, (part, row), (plan, most), bounds.seconds, &mut counting).await?;
            let given = counting.rows;
            left = left.map(|left| left.saturating_sub(given));
            let Some(end) = end else {
                let next = Continuation::Token(format!("{part}/{}", row + given));
                let is_bound = !is_block && left == Some(0);
                return outcome(
                    if is_bound { ReadEnd::Bounded } else { ReadEnd::Enough },
                    is_bound.then_some(next),
                );
            };
            match end.end {
                ReadEnd::Enough => return outcome(ReadEnd::Enough, None),
                ReadEnd::Bounded if !is_block => {
                    let next = end.next.map(|next| Continuation::Token(format!("{part}/{}", next.row)));
                    return outcome(ReadEnd::Bounded, next);
                }
                _ => (part, row) = (part + step, 0),
            }
        }
        if !is_block && part < self.parts.len() {
            return outcome(ReadEnd::Bounded, Some(Continuation::Token(format!("{part}/{row}"))));
        }
        outcome(ReadEnd::Complete, None)
    }
}

/// File and row that a read starts with.
fn place_of(spec: &ReadSpec) -> Result<(usize, u64)> {
    let wrong = || {
        Error::new(ErrorKind::Invalid, "plan", "a page of a folder starts at a row of one of its files")
            .hint("go on with the continuation that the page before gave")
    };
    match &spec.continuation {
        None => Ok((0, 0)),
        Some(Continuation::Token(token)) => {
            let (file, row) = token.split_once('/').ok_or_else(wrong)?;
            Ok((file.parse().ok().ok_or_else(wrong)?, row.parse().ok().ok_or_else(wrong)?))
        }
        Some(_) => Err(wrong()),
    }
}
