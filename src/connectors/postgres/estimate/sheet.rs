//! The load sheet: intervals of every dimension with their provenance, side effects, caps, assumptions.

use jiff::Timestamp;

use super::condition;
use super::facts::{BLOCK_BYTES, Freshness, RelationFacts};
use super::plan::Plan;
use super::rows::Class;
use super::scan::carriers;
use super::walk::Work;
use crate::kit::sql::span::Span3;
use crate::model::load::{
    Cap, Capacity, Dim, Effect, EnforcedBy, Intrusiveness, LoadEstimate, Provenance, Quantity,
};
use crate::model::read::ReadSpec;
use crate::model::units;

/// Processor time of a row through one node: least, usual, most.
const SECONDS_A_ROW: Span3 = Span3 { lo: 30e-9, mid: 120e-9, hi: 600e-9 };

/// Processor time of an access to a block that is in the cache.
const SECONDS_A_TOUCH: Span3 = Span3 { lo: 50e-9, mid: 250e-9, hi: 1e-6 };

/// Processor time of a byte given to us.
const SECONDS_A_BYTE: Span3 = Span3 { lo: 0.3e-9, mid: 2e-9, hi: 15e-9 };

/// A sweep over a table larger than a quarter of the cache goes through a ring of this size.
const RING_BYTES: f64 = 262_144.0;

/// Blocks beside the plan: index ends the planner looks at, maps of free and visible pages.
const ASIDE_BLOCKS: f64 = 2.0;

/// Everything a sheet is made of.
pub(super) struct Sheet<'a> {
    pub(super) plan: &'a Plan,
    /// The facts of the plan's relations, each once.
    pub(super) relations: Vec<&'a RelationFacts>,
    pub(super) spec: &'a ReadSpec,
    pub(super) work: &'a Work,
    pub(super) seconds_cap: Option<f64>,
}

/// The sheet of a statement that is not sent.
pub(super) fn refused(capacity: Capacity) -> LoadEstimate {
    let mut estimate = LoadEstimate::over(capacity);
    // What is not understood as a read has no known load, least of all none.
    estimate.not_estimable.push(Dim::RowsReturned);
    estimate.assumptions.push("nothing is sent: the gate did not let the query through".to_owned());
    estimate
}

/// The sheet of some work.
pub(super) fn fill(sheet: &Sheet<'_>, capacity: Capacity) -> LoadEstimate {
    let mut estimate = LoadEstimate::over(capacity);
    sheet.blocks(&mut estimate);
    sheet.rows(&mut estimate);
    sheet.times(&mut estimate);
    sheet.not_estimable(&mut estimate);
    estimate.effects = sheet.effects();
    estimate.caps = sheet.caps();
    estimate.assumptions = sheet.assumptions();
    estimate
}

impl Sheet<'_> {
    fn relations(&self) -> impl Iterator<Item = &RelationFacts> {
        self.relations.iter().copied()
    }

    /// A quantity with the evidence of this plan.
    fn quantity(&self, dim: Dim, span: Span3) -> Quantity {
        let analyzed = self.relations().filter_map(|table| table.analyzed).reduce(f64::min);
        let class = self.work.class.word();
        let (provenance, source) = match self.work.freshness {
            Freshness::Fresh => {
                (Provenance::Planned { class: class.to_owned() }, "the planner's plan and sizes now")
            }
            Freshness::Stale => (
                Provenance::Planned { class: format!("{class}, old statistics") },
                "the planner's plan by old statistics, and sizes now",
            ),
            Freshness::Unknown => (
                Provenance::Guessed { rule: format!("{class}, no statistics") },
                "the planner's plan without statistics, and sizes now",
            ),
        };
        let mut made = Quantity::between(dim, span.lo, span.mid, span.hi, provenance, source);
        made.as_of = analyzed.and_then(|seconds| Timestamp::from_second(seconds as i64).ok());
        made
    }

    /// Whether the class of the plan leaves more open than its own numbers say.
    fn is_open(&self) -> bool {
        self.work.freshness != Freshness::Fresh && self.work.class > Class::NoFilter
    }

    fn blocks(&self, estimate: &mut LoadEstimate) {
        let mut touches = Span3::ZERO;
        let mut distinct = Span3::ZERO;
        let mut displaced = Span3::ZERO;
        let cache = estimate.capacity.cache_bytes;
        for touched in self.work.touched.values() {
            // Size is the backstop of an open class: no more different blocks than there are.
            let most =
                if self.is_open() { touched.distinct.hi.max(touched.pages) } else { touched.distinct.hi };
            let own = Span3 { hi: most, ..touched.distinct };
            touches = touches.plus(Span3 { hi: touched.touches.hi.max(most), ..touched.touches });
            distinct = distinct.plus(own);
            let bytes = own.times(BLOCK_BYTES);
            let is_ringed = touched.is_sweep && touched.pages * BLOCK_BYTES > cache / 4.0;
            displaced = displaced.plus(if is_ringed { bytes.at_most(RING_BYTES) } else { bytes });
        }
        let aside = ASIDE_BLOCKS;
        let slack = |span: Span3| Span3::of(span.lo * 0.95, span.mid, span.hi * 1.05 + aside);
        let (touches, distinct) = (slack(touches), slack(distinct));
        estimate.set(self.quantity(Dim::BlocksTouched, touches));
        estimate.set(self.quantity(Dim::BlocksDistinct, distinct));
        // What the cache holds is not read from storage again; what does not fit may be.
        let most = if distinct.hi * BLOCK_BYTES <= cache { distinct.hi } else { touches.hi };
        let read = Span3::of(0.0, distinct.mid * BLOCK_BYTES, most * BLOCK_BYTES);
        estimate.set(self.quantity(Dim::BytesServer, read));
        estimate.set(self.quantity(Dim::CacheDisplaced, Span3 { lo: 0.0, ..displaced }));
        if self.work.temp_bytes.hi > 0.0 {
            estimate.set(self.quantity(Dim::TempBytes, self.work.temp_bytes));
        }
        if self.work.memory.hi > 0.0 {
            estimate.set(self.quantity(Dim::MemoryServer, self.work.memory));
        }
    }

    fn rows(&self, estimate: &mut LoadEstimate) {
        let limit = self.spec.bound.rows.map_or(f64::INFINITY, |rows| rows as f64);
        let given = self.work.given;
        let returned = self.quantity(Dim::RowsReturned, given).capped(limit);
        let (lo, mid, hi) = (returned.lo, returned.mid, returned.hi);
        estimate.set(returned);
        estimate.set(self.quantity(Dim::RowsExamined, self.work.examined));
        let width = self.plan.root.said.width.max(1.0) + 2.0;
        let large = self.large_bytes_a_row();
        let wire = Span3::of(
            lo * (width * 0.2 + large * 0.1),
            mid * (width * 1.2 + large * 1.5),
            hi * (width * 3.0 + large * 4.0) + 64.0,
        );
        estimate.set(self.quantity(Dim::BytesWire, wire));
    }

    /// Bytes of large values that a row given carries: the width the planner knows counts their pointers.
    fn large_bytes_a_row(&self) -> f64 {
        // A column that is given as it is; what an expression makes of it is as wide as the planner says.
        let bare = self.plan.root.said.output.iter().filter(|text| !text.contains('('));
        let given: Vec<String> = bare.flat_map(|text| condition::names(text)).collect();
        self.relations()
            .filter(|table| carriers(table).into_iter().any(|name| given.iter().any(|given| given == name)))
            .map(|table| {
                let rows = super::rows::table_rows(table).mid.max(1.0);
                table.toast_bytes.unwrap_or(0.0) / rows
            })
            .sum()
    }

    fn times(&self, estimate: &mut LoadEstimate) {
        let of = |estimate: &LoadEstimate, dim| {
            estimate.quantity(dim).map_or(Span3::ZERO, |known| Span3 {
                lo: known.lo,
                mid: known.mid,
                hi: known.hi,
            })
        };
        let rows = self.work.processed.plus(self.work.examined);
        let cpu = rows
            .by(SECONDS_A_ROW)
            .plus(of(estimate, Dim::BlocksTouched).by(SECONDS_A_TOUCH))
            .plus(of(estimate, Dim::BytesWire).by(SECONDS_A_BYTE))
            .plus(self.work.temp_bytes.times(2e-9))
            .plus(Span3 { lo: 50e-6, mid: 300e-6, hi: 5e-3 });
        let guessed = Provenance::Guessed { rule: "120_ns_a_row".to_owned() };
        let source = "rows through the nodes of the plan, blocks and bytes, at usual times each";
        estimate.set(Quantity::between(Dim::Cpu, cpu.lo, cpu.mid, cpu.hi, guessed.clone(), source));
        let disk = estimate.capacity.disk_bytes_per_sec.max(1.0);
        let link = estimate.capacity.link_bytes_per_sec.max(1.0);
        let read = of(estimate, Dim::BytesServer).times(1.0 / disk);
        let sent = of(estimate, Dim::BytesWire).times(1.0 / link);
        let lasts = Span3::of(cpu.lo, cpu.mid + read.mid * 0.5 + sent.mid, cpu.hi + read.hi + sent.hi + 0.05);
        let duration = Quantity::between(
            Dim::Duration,
            lasts.lo,
            lasts.mid,
            lasts.hi,
            guessed,
            format!("{source}, and bytes over the storage and the link"),
        );
        estimate.set(match self.seconds_cap {
            Some(seconds) => duration.capped(seconds),
            None => duration,
        });
    }

    fn not_estimable(&self, estimate: &mut LoadEstimate) {
        if !self.work.unseen.is_empty() {
            let open = [Dim::RowsExamined, Dim::BlocksTouched];
            estimate.not_estimable.extend(open);
            estimate.quantities.retain(|quantity| !open.contains(&quantity.dim));
        } else if !self.work.foreign.is_empty() {
            estimate.not_estimable.push(Dim::RowsExamined);
            estimate.quantities.retain(|quantity| quantity.dim != Dim::RowsExamined);
        }
    }

    fn effects(&self) -> Vec<Effect> {
        let mut effects = vec![Effect {
            intrusiveness: Intrusiveness::I2,
            what: "a snapshot and a shared lock on each table while the statement runs".to_owned(),
            who_notices: "vacuum keeps rows that died meanwhile; ALTER TABLE and others of its kind wait"
                .to_owned(),
            reversible: "yes, with the end of the transaction".to_owned(),
            cleanup: "one read-only transaction a read, ended at its bounds, on cancel and on disconnect"
                .to_owned(),
        }];
        let unmarked: f64 =
            self.relations().map(|table| (table.pages_now() - table.visible_pages).max(0.0)).sum();
        let most = self.work.touched.values().map(|touched| touched.distinct.hi).sum::<f64>().min(unmarked);
        if most >= 1.0 {
            effects.push(Effect {
                intrusiveness: Intrusiveness::I3,
                what: format!(
                    "the first read of rows written lately marks them as committed: up to {} pages may be written",
                    units::count_text(most as u64)
                ),
                who_notices: "the server's storage; with checksums its write-ahead log as well".to_owned(),
                reversible: "it is what vacuum would have done".to_owned(),
                cleanup: "none needed".to_owned(),
            });
        }
        for name in &self.work.foreign {
            effects.push(Effect {
                intrusiveness: Intrusiveness::I2,
                what: format!("{name} is a foreign table: another server does that part of the work"),
                who_notices: "whoever looks after the other server".to_owned(),
                reversible: "as that server has it".to_owned(),
                cleanup: "the connection to it is the server's own".to_owned(),
            });
        }
        effects
    }

    fn caps(&self) -> Vec<Cap> {
        let bound = self.spec.bound;
        // The server does not know our bounds on a query of the user's own.
        let rows = if self.spec.query.is_some() { EnforcedBy::Client } else { EnforcedBy::Both };
        let cap = |dim, limit: Option<f64>, enforced_by| limit.map(|limit| Cap { dim, limit, enforced_by });
        [
            cap(Dim::RowsReturned, bound.rows.map(|rows| rows as f64), rows),
            cap(Dim::BytesWire, bound.bytes.map(|bytes| bytes as f64), EnforcedBy::Client),
            cap(Dim::Duration, self.seconds_cap, EnforcedBy::Server),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn assumptions(&self) -> Vec<String> {
        let mut said = vec!["a block is 8 KiB; what the server's cache holds is not known".to_owned()];
        for table in self.relations() {
            let name = format!("{}.{}", table.schema, table.name);
            match table.freshness() {
                Freshness::Fresh => {}
                Freshness::Stale => said.push(format!(
                    "statistics of {name} are old: {} rows changed since",
                    units::count_text(table.changed.unwrap_or(0.0) as u64)
                )),
                Freshness::Unknown if table.tuples < 0.0 => {
                    said.push(format!("{name} was never analysed"));
                }
                Freshness::Unknown => {
                    said.push(format!("statistics of {name} are not shown to this role, or there are none"));
                }
            }
            if table.row_security {
                said.push(format!("{name} has row-level security: it may show fewer rows"));
            }
        }
        if self.work.class >= Class::Multi {
            said.push("the planner guesses here: the upper end does not trust its guess".to_owned());
        }
        said.extend(self.work.unseen.iter().cloned());
        said
    }
}
