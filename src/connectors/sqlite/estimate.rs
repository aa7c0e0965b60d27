//! What a read will cost: query plan × statistics × page counts, and where that leaves too much open, a probe:
//! the read itself, stopped after very little.
//!
//! - the first rows in key order, and samples by row number: from the depth and density of the tree;
//! - everything else: one probe within `Permit::PROBE`. If it ran to its end, the figures are known; if
//!   not, they are scaled by what is left to scan (`scale`). A search by an index may still find the whole
//!   table: its upper end says so.

mod eqp;
mod probe;
mod scale;
mod sheet;

use self::eqp::{Kind, PlanStep};
use self::scale::Span3;
use super::catalog::{Catalog, FileFacts, Paging, Statistics, TableInfo};
use super::commands as sent;
use super::link::{Ask, Link, Taken};
use super::source::SqliteSource;
use crate::job::CallCtx;
use crate::model::Result;
use crate::model::load::{LoadEstimate, Provenance};
use crate::model::node::NodeKind;
use crate::model::read::{ProfileLevel, ReadPlan, Want};

const STAGE: &str = "estimate";

/// Rows up to which the first rows of a table are priced without a probe.
const FEW_ROWS: u64 = 1_000;

/// What a read will do, as intervals.
#[derive(Clone, Debug)]
struct Work {
    /// Page accesses.
    touched: Span3,
    /// Different pages.
    distinct: Span3,
    /// Rows given.
    rows: Span3,
    /// Rows looked at.
    examined: Span3,
    /// Steps of the virtual machine.
    steps: Span3,
    /// How this is known.
    provenance: Provenance,
    /// The evidence in words.
    source: String,
    /// Whether an upper end is known.
    is_bounded: bool,
    /// Whether a temporary tree is filled.
    sorts: bool,
}

/// Everything an estimate looks at.
struct Desk<'a> {
    ctx: &'a CallCtx,
    link: &'a Link,
    catalog: &'a Catalog,
    taken: Taken<'a>,
    plan: &'a ReadPlan,
    table: Option<std::sync::Arc<TableInfo>>,
    facts: std::sync::Arc<FileFacts>,
}

/// The load of a planned read, unjudged.
pub(super) async fn estimate(source: &SqliteSource, ctx: &CallCtx, plan: &ReadPlan) -> Result<LoadEstimate> {
    if plan.gate.as_ref().is_some_and(|gate| !gate.is_read()) {
        return Ok(sheet::refused(source.capacity.clone()));
    }
    let mut taken = source.link.take(ctx, STAGE).await?;
    let table = source.table_of(ctx, STAGE, &mut taken, &plan.spec).await?;
    let facts = source.catalog.facts(ctx, STAGE, &source.link, &mut taken).await?;
    let mut desk = Desk { ctx, link: &source.link, catalog: &source.catalog, taken, plan, table, facts };
    let work = if plan.spec.want == Want::Profile(ProfileLevel::Catalog) && plan.spec.query.is_none() {
        desk.catalog_work()
    } else {
        desk.work().await?
    };
    // What estimating cost is in the call's meter, where the caller finds it.
    Ok(sheet::fill(source.capacity.clone(), &work, plan, &desk.facts, source.link.opening().mode))
}

impl Desk<'_> {
    async fn work(&mut self) -> Result<Work> {
        let Some(step) = self.plan.steps.first() else {
            return Ok(self.catalog_work());
        };
        // Compiling first: names that the driver cannot take are found here.
        self.taken.compile(STAGE, &step.text).await?;
        let ask = Ask {
            entry: sent::EXPLAIN,
            text: format!("EXPLAIN QUERY PLAN {}", step.text),
            binds: step.binds.clone(),
        };
        let is_statement = !step.text.trim_start().to_ascii_lowercase().starts_with("explain")
            && !step.text.trim_start().to_ascii_lowercase().starts_with("pragma");
        let steps =
            if is_statement { eqp::parse(&self.taken.rows(self.ctx, STAGE, ask).await?) } else { Vec::new() };
        if let Some(work) = self.first_rows(&steps).await? {
            return Ok(work);
        }
        if (step.entry == sent::SAMPLE_RUNS || step.entry == sent::SAMPLE_KEYS)
            && let Some(work) = self.sample_by_number().await?
        {
            return Ok(work);
        }
        self.probed(&steps).await
    }

    /// The first rows of a table in key order, unfiltered: a way down the tree and some leaves.
    async fn first_rows(&mut self, steps: &[PlanStep]) -> Result<Option<Work>> {
        let spec = &self.plan.spec;
        let Some(table) = self.table.clone() else { return Ok(None) };
        let is_plain = table.kind == NodeKind::Table
            && !table.is_virtual
            && spec.filter.is_none()
            && spec.order.is_empty()
            && self.plan.steps.iter().all(|step| step.entry == sent::READ)
            && !matches!(table.paging, Paging::Count)
            && !steps.iter().any(|step| step.kind == Kind::TempTree);
        let (true, Some(limit)) = (is_plain, self.plan.bounds.rows.filter(|rows| *rows <= FEW_ROWS)) else {
            return Ok(None);
        };
        let statistics = self.statistics(&table.name).await?;
        let used = self.facts.used_pages() as f64;
        let ends = self.catalog.ends(self.ctx, STAGE, self.link, &mut self.taken, &table).await?;
        let is_by_number = matches!(table.paging, Paging::RowNumber(_));
        let limit = limit as f64;
        // A small tree is measured; in a large one, the first rows are few pages whatever it holds.
        let known = match ends {
            Some(ends) if ends.depth <= 2.0 => {
                self.catalog.size(self.ctx, STAGE, self.link, &mut self.taken, &table).await?
            }
            _ => self.catalog.known_size(self.link, &table.name).flatten(),
        };
        if known.is_none() && !is_by_number {
            // Without row numbers nothing cheap tells how rows lie: the read itself, stopped after very little.
            return Ok(None);
        }
        let span = ends.map(|ends| ends.range.span() as f64);
        let most_rows = if is_by_number { span.unwrap_or(0.0) } else { used * self.facts.page_bytes as f64 };
        let rows = limit.min(most_rows);
        let depth = ends.map_or(3.0, |ends| ends.depth);
        // A row takes 10 bytes at least; the table may be a small part of the file.
        let least = 10.0 / self.facts.page_bytes as f64;
        let share = |most: f64, hi: f64| {
            Span3::of(least.min(hi), (least * most * 0.7).sqrt().min(hi), hi).times(rows)
        };
        let (leaves, source) = match (known, statistics.rows) {
            (Some(size), _) => {
                let (least, mid, most) = size.per_row;
                // Long values are read only where their column is: and by how much they vary is not known.
                let most = most + size.spill * 3.0 + if size.spill > 0.0 { 0.02 } else { 0.0 };
                (
                    Span3::of(least, mid + size.spill, most).times(rows.min(size.rows.2)),
                    "depth, density and lengths of rows",
                )
            }
            (None, Some(all)) => {
                let most = used / (all as f64).max(1.0);
                (share(most, most * 2.0), "sqlite_stat1, pages in use")
            }
            (None, None) => {
                let most = used / most_rows.clamp(1.0, used * self.facts.page_bytes as f64 / 12.0);
                (share(most, (most * 4.0).clamp(0.05, 1.0).max(most * 2.0)), "row numbers, pages in use")
            }
        };
        let down = Span3::of(depth.min(2.0), depth + 0.5, depth + 2.0);
        let touched = Span3::of(down.lo + leaves.lo * 0.1, down.mid + leaves.mid, down.hi + leaves.hi)
            .at_most(used + 4.0);
        let provenance = match statistics.rows {
            Some(_) => super::catalog::ANALYZED,
            None => Provenance::Planned { class: "first_rows".to_owned() },
        };
        let given = match (known, statistics.rows) {
            (Some(size), _) => Span3::of(size.rows.0, size.rows.1, size.rows.2).at_most(rows),
            (None, Some(all)) => Span3::of(all as f64 * 0.5, all as f64, most_rows).at_most(rows),
            (None, None) => Span3::of(1.0, rows, rows).at_most(rows),
        };
        Ok(Some(Work {
            touched,
            distinct: touched.at_most(used),
            rows: given,
            examined: given,
            steps: given.times(8.0 + 2.0 * table.columns.len() as f64).at_least(10.0),
            provenance,
            source: source.to_owned(),
            is_bounded: true,
            sorts: false,
        }))
    }

    /// A sample by row number: so many ways down the tree.
    async fn sample_by_number(&mut self) -> Result<Option<Work>> {
        let (Some(table), Some(step)) = (self.table.clone(), self.plan.steps.first()) else {
            return Ok(None);
        };
        let Some(size) = self.catalog.size(self.ctx, STAGE, self.link, &mut self.taken, &table).await? else {
            return Ok(None);
        };
        let places = match step.binds.first() {
            Some(crate::model::cell::Cell::Text(list)) if step.entry == sent::SAMPLE_RUNS => {
                list.matches('[').count() as f64 - 1.0
            }
            Some(crate::model::cell::Cell::Text(list)) => list.matches(',').count() as f64 + 1.0,
            _ => return Ok(None),
        };
        let rows = self.plan.bounds.rows.map_or(size.rows.2, |rows| rows as f64);
        let used = self.facts.used_pages() as f64;
        let (depth, (_, per_row, most_per_row)) = (size.depth, size.per_row);
        let (spill, most_spill) = (rows * size.spill, rows * size.spill * 3.0);
        let (touched, distinct) = if step.entry == sent::SAMPLE_RUNS {
            let (leaves, most_leaves) = (rows * per_row, rows * most_per_row);
            let (seeks, most_seeks) = if size.is_dense { (0.0, 0.3) } else { (depth - 1.0, 1.0) };
            (
                Span3::of(
                    places * depth.max(2.0) + leaves * 0.7,
                    places * 2.0 * depth + 2.0 * leaves + rows * seeks + spill,
                    places * (2.0 * depth + 2.0)
                        + 3.0 * most_leaves
                        + rows * depth.min(3.0) * most_seeks
                        + most_spill,
                ),
                Span3::of(
                    places * 0.5,
                    places + leaves + spill,
                    places + most_leaves + depth + 3.0 + most_spill,
                ),
            )
        } else {
            (
                Span3::of(
                    places * (depth - 1.0).max(1.0),
                    places * (2.0 * depth - 1.0) + spill,
                    places * (2.0 * depth + 1.0) + most_spill + 4.0,
                ),
                Span3::of(places * 0.3, places + spill, places * 2.0 + most_spill + depth),
            )
        };
        let given = Span3::of(rows * 0.5, rows.min(places * rows), rows);
        Ok(Some(Work {
            touched: touched.at_least(2.0),
            distinct: distinct.at_most(used),
            rows: given,
            examined: given.times(2.0),
            steps: given.times(30.0 + 3.0 * table.columns.len() as f64),
            provenance: Provenance::Planned { class: "sample_by_number".to_owned() },
            source: format!("{places:.0} ways down a tree of depth {depth:.0}"),
            is_bounded: true,
            sorts: false,
        }))
    }

    async fn statistics(&mut self, table: &str) -> Result<std::sync::Arc<Statistics>> {
        self.catalog.statistics(self.ctx, STAGE, self.link, &mut self.taken, table).await
    }

    /// The catalogue level of a profile: a few pages.
    fn catalog_work(&self) -> Work {
        let few = Span3::of(0.0, 5.0, 60.0);
        Work {
            touched: few,
            distinct: few,
            rows: Span3::one(0.0),
            examined: few,
            steps: Span3::of(0.0, 50.0, 2_000.0),
            provenance: Provenance::Planned { class: "catalog".to_owned() },
            source: "the statistics tables".to_owned(),
            is_bounded: true,
            sorts: false,
        }
    }
}
