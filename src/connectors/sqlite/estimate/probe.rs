//! The probe: the planned statement itself, within the bounds every probe has, and what follows from it.

use std::collections::BTreeMap;

use sqlx::sqlite::SqliteRow;

use super::eqp::{self, Kind, PlanStep};
use super::scale::{self, Seen, Sized, Span3};
use super::{Desk, STAGE, Work};
use crate::connector::Permit;
use crate::connectors::sqlite::catalog::Paging;
use crate::connectors::sqlite::commands as sent;
use crate::connectors::sqlite::decode;
use crate::connectors::sqlite::link::{Ask, Limits, RowTaker};
use crate::job::Flow;
use crate::model::load::Provenance;
use crate::model::node::NodeKind;
use crate::model::{ErrorKind, Result};

/// Pages a probe reads from the file at most; of a small file, an eighth.
const PAGES: u64 = 300;
/// Pages that a probe may read of any file.
const FEW_PAGES: u64 = 24;
/// Page accesses of a probe at most.
const TOUCHES: u64 = 20_000;

/// Counts rows and throws them away.
struct Counter {
    rows: u64,
    most: u64,
    page_bytes: u64,
    long_pages: u64,
}

impl RowTaker for Counter {
    fn row(&mut self, row: &SqliteRow) -> Result<()> {
        self.rows += 1;
        self.long_pages += decode::long_pages(row, self.page_bytes);
        Ok(())
    }

    async fn ready(&mut self) -> Result<Flow> {
        Ok(if self.rows >= self.most { Flow::Enough } else { Flow::More })
    }
}

impl Desk<'_> {
    /// The work of a statement, from its plan and a probe of it.
    pub(super) async fn probed(&mut self, steps: &[PlanStep]) -> Result<Work> {
        let Some(seen) = self.probe().await? else { return Ok(self.damaged()) };
        let sized = self.sized(steps).await?;
        let limit = self.plan.bounds.rows.map(|rows| rows as f64);
        let mut whole = scale::whole(seen, &sized, limit);
        if let Some(rows) = self.rows_of_walk(seen).await? {
            let rows = limit.map_or(rows, |limit| rows.at_most(limit));
            let factor = rows.times(1.0 / seen.rows.max(1.0));
            whole.factor = Span3::of(factor.lo * 0.8, factor.mid, factor.hi * 1.4).at_least(1.0);
            whole.rows = rows;
        }
        let used = self.facts.used_pages() as f64;
        let by = |seen: f64, slack: f64| {
            Span3::of(seen * whole.factor.lo, seen * whole.factor.mid, seen * whole.factor.hi + slack)
        };
        let touched = by(seen.touched, if seen.is_whole { 1.0 } else { 3.0 });
        let touched = Span3::of((touched.lo * 0.85 - 1.0).max(0.0), touched.mid, touched.hi * 1.1);
        // The probe began with an empty cache: what it read from the file were different pages.
        let distinct = by(seen.missed, 3.0);
        let distinct =
            Span3::of((distinct.lo * 0.7 - 1.0).max(0.0), distinct.mid, (distinct.hi * 1.15).min(touched.hi));
        let scanned = Span3::of(
            seen.scanned.max(seen.rows) * whole.factor.lo,
            seen.scanned.max(seen.rows) * whole.factor.mid,
            seen.scanned.max(seen.rows) * whole.factor.hi,
        );
        let class = steps.iter().find(|step| step.kind != Kind::Other).map_or("other", PlanStep::class);
        let provenance = if seen.is_whole {
            Provenance::Sampled { n: 1, design: "the read itself ran to its end inside the probe".to_owned() }
        } else {
            Provenance::Planned { class: class.to_owned() }
        };
        Ok(Work {
            touched,
            distinct: distinct.at_most(used),
            rows: whole.rows,
            examined: scanned,
            steps: by(seen.steps, 100.0),
            provenance,
            source: source_text(steps, seen),
            is_bounded: whole.is_bounded,
            sorts: steps.iter().any(|step| step.kind == Kind::TempTree),
        })
    }

    /// Runs the planned statement within the bounds of a probe.
    ///
    /// None where it met damage: the read shall still give the rows before it.
    async fn probe(&mut self) -> Result<Option<Seen>> {
        let mut plan = self.plan.clone();
        let Some(step) = plan.steps.first_mut() else { return Ok(None) };
        step.entry = sent::PROBE;
        let ask = Ask { entry: step.entry.clone(), text: step.text.clone(), binds: step.binds.clone() };
        let permit = Permit::for_probe(plan);
        let bounds = permit.bounds();
        let pages = (self.facts.used_pages() / 8).clamp(FEW_PAGES, PAGES);
        let bytes = bounds.bytes.map(|bytes| bytes.min(pages * self.facts.page_bytes));
        let limits = Limits { seconds: bounds.seconds, bytes, pages: Some(TOUCHES) };
        self.taken.drop_cache(STAGE).await?;
        let mut counter = Counter {
            rows: 0,
            most: bounds.rows.unwrap_or(1_000),
            page_bytes: if self.reads_table() { self.facts.page_bytes } else { u64::MAX },
            long_pages: 0,
        };
        let ran = match self.taken.run(self.ctx, STAGE, ask, limits, &mut counter).await {
            Err(error) if error.kind == ErrorKind::Decode => return Ok(None),
            ran => ran?,
        };
        let wanted = self.plan.bounds.rows.is_some_and(|rows| ran.rows >= rows);
        Ok(Some(Seen {
            rows: ran.rows as f64,
            touched: (ran.pages.touched() + counter.long_pages) as f64,
            missed: (ran.pages.misses + counter.long_pages) as f64,
            steps: ran.steps.vm as f64,
            scanned: ran.steps.scanned as f64,
            is_whole: ran.stopped.is_none() || wanted,
        }))
    }

    /// Whether rows come straight from one table, so that their long values are those of the file.
    fn reads_table(&self) -> bool {
        self.table.as_ref().is_some_and(|table| table.kind == NodeKind::Table && !table.is_virtual)
    }

    /// The work where the data is damaged: at most all pages.
    fn damaged(&self) -> Work {
        let used = self.facts.used_pages() as f64;
        let rows = Span3::of(0.0, used, used * self.facts.page_bytes as f64 / 8.0);
        Work {
            touched: Span3::of(1.0, used, used * 2.0),
            distinct: Span3::of(1.0, used, used),
            rows,
            examined: rows,
            steps: rows.times(20.0),
            provenance: Provenance::Guessed { rule: "damaged_file".to_owned() },
            source: "a probe met damaged pages: at most all pages of the file".to_owned(),
            is_bounded: true,
            sorts: false,
        }
    }

    /// Rows of a walk over a whole table without a condition: those of the table.
    async fn rows_of_walk(&mut self, seen: Seen) -> Result<Option<Span3>> {
        let spec = &self.plan.spec;
        let is_walk = spec.filter.is_none()
            && spec.order.is_empty()
            && spec.continuation.is_none()
            && self.plan.steps.iter().all(|step| step.entry == sent::READ);
        let Some(table) = self.table.clone().filter(|_| is_walk && !seen.is_whole && seen.rows > 0.0) else {
            return Ok(None);
        };
        if table.kind != NodeKind::Table || table.is_virtual {
            return Ok(None);
        }
        let (rows, _) = self.rows_of_table(&table.name).await?;
        Ok(Some(rows.at_least(seen.rows)))
    }

    /// The steps with the rows of their tables.
    async fn sized<'s>(&mut self, steps: &'s [PlanStep]) -> Result<Vec<Sized<'s>>> {
        let mut text = self.plan.steps.first().map(|step| step.text.clone()).unwrap_or_default();
        if let Some(ddl) =
            self.table.as_ref().filter(|table| table.kind == NodeKind::View).and_then(|t| t.ddl.clone())
        {
            text.push_str(&ddl);
        }
        let aliases = eqp::aliases(&text);
        let mut known: BTreeMap<String, (Span3, bool)> = BTreeMap::new();
        let mut sized = Vec::new();
        for step in steps {
            let Some(name) = &step.table else {
                sized.push(Sized {
                    step,
                    rows: Span3::one(0.0),
                    per_search: None,
                    most_per_search: None,
                    is_base: false,
                });
                continue;
            };
            let table = aliases.get(&name.to_lowercase()).cloned().unwrap_or_else(|| name.clone());
            let table = match (&self.table, name.as_str()) {
                (Some(table), "picked" | "run") => table.name.clone(),
                _ => table,
            };
            let (rows, is_base) = match known.get(&table) {
                Some(rows) => *rows,
                None => {
                    let rows = self.rows_of_table(&table).await?;
                    known.insert(table.clone(), rows);
                    rows
                }
            };
            let statistics = self.statistics(&table).await?;
            sized.push(Sized {
                step,
                rows,
                per_search: per_search(&step.detail, &statistics.indexes),
                most_per_search: most_per_search(&step.detail, &statistics.most),
                is_base,
            });
        }
        Ok(sized)
    }

    /// Rows of a table by whatever is known, wide where nothing is; and whether it is a table of the file.
    async fn rows_of_table(&mut self, name: &str) -> Result<(Span3, bool)> {
        let most = (self.facts.used_pages() * self.facts.page_bytes) as f64 / 8.0;
        let unknown = Span3::of(1.0, (most / 20.0).max(1.0), most.max(1.0));
        let table = match self.catalog.table(self.ctx, STAGE, self.link, &mut self.taken, name).await {
            Ok(table) if table.kind == NodeKind::Table && !table.is_virtual => table,
            Ok(_) => return Ok((unknown, false)),
            // An alias, a subquery or a module: not a table of this file.
            Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::Unsupported) => {
                return Ok((unknown, false));
            }
            Err(error) => return Err(error),
        };
        if matches!(table.paging, Paging::RowNumber(_)) {
            let size = self.catalog.size(self.ctx, STAGE, self.link, &mut self.taken, &table).await?;
            let rows = size.map_or(Span3::one(0.0), |size| Span3::of(size.rows.0, size.rows.1, size.rows.2));
            return Ok((rows, true));
        }
        Ok(match self.statistics(name).await?.rows {
            Some(rows) => {
                let rows = rows as f64;
                (Span3::of(rows * 0.7, rows, (rows * 1.5).min(most.max(1.0))), true)
            }
            None => (unknown, true),
        })
    }
}

/// The index a search goes by, and how many of its columns are compared for equality.
fn index_of(detail: &str) -> Option<(&str, usize, &str)> {
    let (_, rest) = detail.split_once(" INDEX ")?;
    let (name, terms) = rest.split_once(" (")?;
    let equals = terms.matches("=?").count() - terms.matches("<=?").count() - terms.matches(">=?").count();
    (!terms.contains("ANY(")).then_some((name, equals, terms))
}

/// Rows that a search finds for one key, by the statistics of its index.
fn per_search(detail: &str, indexes: &BTreeMap<String, Vec<u64>>) -> Option<f64> {
    if detail.contains("(rowid=?)") {
        return Some(1.0);
    }
    let (name, equals, terms) = index_of(detail)?;
    let numbers = indexes.get(name)?;
    let rows = *numbers.get(equals.min(numbers.len().saturating_sub(1)))? as f64;
    Some(if terms.contains(['<', '>']) { rows * 0.3 } else { rows })
}

/// Rows of the most frequent key that ANALYZE sampled, with room for growth since.
fn most_per_search(detail: &str, most: &BTreeMap<String, Vec<u64>>) -> Option<f64> {
    let (name, equals, _) = index_of(detail)?;
    let counts = most.get(name)?;
    Some(*counts.get(equals.checked_sub(1)?)? as f64 * 1.5)
}

fn source_text(steps: &[PlanStep], seen: Seen) -> String {
    let plan = steps.iter().take(4).map(|step| step.detail.as_str()).collect::<Vec<_>>().join("; ");
    let probe = if seen.is_whole {
        format!("a probe of it ran to its end: {} rows, {} page accesses", seen.rows, seen.touched)
    } else {
        format!("a probe of it was stopped after {} rows and {} page accesses", seen.rows, seen.touched)
    };
    if plan.is_empty() { probe } else { format!("{plan}; {probe}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_is_priced_by_its_index_and_by_its_most_frequent_key() {
        let average = BTreeMap::from([("i".to_owned(), vec![1_000, 50, 2])]);
        let most = BTreeMap::from([("i".to_owned(), vec![400, 10])]);
        for (detail, rows, upper) in [
            ("SEARCH t USING INDEX i (a=?)", Some(50.0), Some(600.0)),
            ("SEARCH t USING COVERING INDEX i (a=? AND b=?)", Some(2.0), Some(15.0)),
            ("SEARCH t USING INDEX i (a=? AND b>?)", Some(15.0), Some(600.0)),
            ("SEARCH t USING INDEX i (a>?)", Some(300.0), None),
            ("SEARCH t USING INDEX i (ANY(a) AND b=?)", None, None),
            ("SEARCH t USING INTEGER PRIMARY KEY (rowid=?)", Some(1.0), None),
            ("SEARCH t USING INDEX other (a=?)", None, None),
        ] {
            assert_eq!(per_search(detail, &average), rows, "{detail}");
            assert_eq!(most_per_search(detail, &most), upper, "{detail}");
        }
    }
}
