//! From the plan to blocks: each node is run as often as the nodes above it ask, as far as they need it.
//!
//! Two numbers are kept apart for every table, index and store of large values: *different* blocks, which
//! the storage reads, and *touches*, which the processor pays for. Both are intervals. A node is walked with
//! how often it runs and which part of its rows is wanted: a limit wants few rows and, if they are filtered,
//! may still read everything; a sort wants all before it gives the first.

use std::collections::BTreeMap;

use super::condition;
use super::facts::{Facts, Freshness};
use super::plan::{Kind, Node, Plan};
use super::rows::{Class, RowsOf, flow, is_aside, is_cut};
use super::scan;
use crate::kit::sql::span::Span3;

/// Which part of a node's rows is wanted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    /// As a share of all its rows.
    pub(super) share: Span3,
    /// As a number of rows, where nothing between here and the limit adds or takes rows.
    pub(super) rows: Option<f64>,
}

impl Part {
    /// All of it.
    pub(super) const ALL: Self = Self { share: Span3 { lo: 1.0, mid: 1.0, hi: 1.0 }, rows: None };
}

/// What is touched of one table, index or store of large values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Touched {
    /// Accesses.
    pub(super) touches: Span3,
    /// Different blocks.
    pub(super) distinct: Span3,
    /// Its blocks.
    pub(super) pages: f64,
    /// Whether it is read from one end to the other, past the cache if it is large.
    pub(super) is_sweep: bool,
}

/// What a plan will do.
#[derive(Debug)]
pub(super) struct Work {
    /// By name of the table, index or store.
    pub(super) touched: BTreeMap<String, Touched>,
    /// Rows that leave the topmost node.
    pub(super) given: Span3,
    /// Rows looked at in tables.
    pub(super) examined: Span3,
    /// Rows through all nodes together.
    pub(super) processed: Span3,
    /// Bytes written to temporary files.
    pub(super) temp_bytes: Span3,
    /// Bytes of memory of sorts and hashes.
    pub(super) memory: Span3,
    /// What the numbers are made of.
    pub(super) class: Class,
    /// How far the statistics can be trusted.
    pub(super) freshness: Freshness,
    /// What the estimate cannot see, in words.
    pub(super) unseen: Vec<String>,
    /// Whether another server does part of the work.
    pub(super) foreign: Vec<String>,
}

/// The walker.
pub(super) struct Walk<'a> {
    pub(super) facts: &'a Facts,
    pub(super) rows: RowsOf<'a>,
    pub(super) work: Work,
    /// Names that stand in an expression somewhere: a large value behind one is fetched.
    pub(super) used: Vec<String>,
    work_mem: f64,
    hash_mem: f64,
    workers: f64,
    /// Whether anything may end before all of its rows were asked for.
    has_limits: bool,
}

/// Walks a plan.
pub(super) fn walk(plan: &Plan, facts: &Facts) -> Work {
    let mut rows = RowsOf::new(plan, facts);
    let top = rows.of(&plan.root);
    let work_mem = plan.bytes_setting("work_mem", 4.0 * 1024.0 * 1024.0);
    let mut walk = Walk {
        facts,
        rows,
        used: used_names(plan),
        work_mem,
        hash_mem: work_mem * plan.number_setting("hash_mem_multiplier", 2.0),
        workers: 0.0,
        has_limits: plan.nodes().iter().any(|node| node.kind == Kind::Limit),
        work: Work {
            touched: BTreeMap::new(),
            given: top.given,
            examined: Span3::ZERO,
            processed: Span3::ZERO,
            temp_bytes: Span3::ZERO,
            memory: Span3::ZERO,
            class: top.class,
            freshness: Freshness::Fresh,
            unseen: Vec::new(),
            foreign: Vec::new(),
        },
    };
    walk.node(&plan.root, Span3::one(1.0), Part::ALL);
    walk.work
}

/// Columns that leave the topmost node or stand inside an expression. A column that only passes through a
/// node is not looked at.
fn used_names(plan: &Plan) -> Vec<String> {
    let mut found = Vec::new();
    for text in &plan.root.said.output {
        found.extend(condition::names(text));
    }
    for node in plan.nodes() {
        let expressions = node.said.output.iter().filter(|text| text.contains(['(', ' ']));
        for text in expressions.chain(&node.said.group_key).chain([&node.said.join_filter]) {
            found.extend(condition::names(text));
        }
    }
    found.sort();
    found.dedup();
    found
}

impl Walk<'_> {
    /// Runs a node `loops` times, each time as far as `part` says.
    pub(super) fn node(&mut self, node: &Node, loops: Span3, part: Part) {
        let rows = self.rows.of(node);
        self.asides(node, loops, part);
        let through = rows.given.by(loops).by(part.share);
        self.work.processed = self.work.processed.plus(through);
        self.work.class = self.work.class.max(rows.class);
        self.work.freshness = self.work.freshness.max(rows.freshness);
        match node.kind {
            Kind::SeqScan
            | Kind::SampleScan
            | Kind::IndexScan
            | Kind::IndexOnlyScan
            | Kind::BitmapHeapScan
            | Kind::TidScan
            | Kind::TidRangeScan => {
                let loops = if self.rows.is_shared(node) { loops } else { loops.times(self.workers + 1.0) };
                scan::scan(self, node, loops, part);
            }
            Kind::NestedLoop => self.nested_loop(node, loops, part),
            Kind::HashJoin => self.hash_join(node, loops, part),
            Kind::MergeJoin => self.merge_join(node, loops, part),
            Kind::Limit => self.limit(node, loops, part),
            Kind::Sort => {
                self.keep(node, loops, 1.0, self.work_mem);
                self.each(node, once(loops), Part::ALL);
            }
            Kind::Hash | Kind::Materialize => {
                if node.kind == Kind::Hash {
                    self.keep(node, Span3::one(1.0), 1.4, self.hash_mem);
                }
                self.each(node, once(loops), Part::ALL);
            }
            Kind::Memoize => self.memoize(node, loops),
            Kind::Aggregate | Kind::SetOp => self.aggregate(node, loops, part),
            Kind::IncrementalSort | Kind::WindowAgg | Kind::Group | Kind::Unique => {
                // Whole groups are taken before the first row is given.
                let share = Span3 { hi: if part.share.hi < 1.0 { 1.0 } else { part.share.hi }, ..part.share };
                self.each(node, loops, Part { share, rows: None });
            }
            Kind::Gather | Kind::GatherMerge => {
                let outside = std::mem::replace(&mut self.workers, node.said.workers);
                self.each(node, loops, Part { rows: None, ..part });
                self.workers = outside;
            }
            Kind::Append => self.append(node, loops, part),
            Kind::RecursiveUnion => self.recursion(node, loops),
            Kind::ForeignScan => {
                self.work.foreign.push(format!("{}.{}", node.said.schema, node.said.relation));
            }
            Kind::FunctionScan if node.said.schema != "pg_catalog" && !node.said.function.is_empty() => {
                let name = format!("{}.{}", node.said.schema, node.said.function);
                self.work.unseen.push(format!("what function {name} reads is not in the plan"));
            }
            Kind::Other | Kind::Writes => {
                self.work.unseen.push(format!("a {} node is not known", node.said.node_type));
                self.each(node, loops, part);
            }
            _ => self.each(node, loops, part),
        }
    }

    fn each(&mut self, node: &Node, loops: Span3, part: Part) {
        for child in flow(node) {
            self.node(child, loops, part);
        }
    }

    /// Plans beside the flow of rows: run once, or for each row that is looked at.
    fn asides(&mut self, node: &Node, loops: Span3, part: Part) {
        let rows = self.rows.of(node);
        for child in node.below.iter().filter(|child| is_aside(child)) {
            let name = child.said.subplan_name.as_str();
            let is_hashed = |text: &String| text.contains(&format!("hashed {name}"));
            let said = &node.said;
            let texts = [&said.filter, &said.join_filter, &said.index_cond];
            let runs_once = child.said.parent_relationship == "InitPlan"
                || texts.into_iter().chain(&said.output).any(is_hashed);
            if runs_once {
                let least = if self.has_limits { 0.0 } else { 1.0 };
                let share = Span3::of(least, 1.0, 1.0);
                self.node(child, Span3::one(1.0), Part { share, rows: None });
                continue;
            }
            let is_filter = texts.iter().any(|text| text.contains(name));
            let times = if is_filter { rows.examined } else { rows.given };
            let times = times.by(loops).by(part.share);
            // EXISTS stops at the first row.
            let inner = self.rows.of(child).given;
            let share = Span3::of((1.0 / inner.hi.max(1.0)).min(1.0), 1.0, 1.0);
            self.node(child, times, Part { share, rows: None });
        }
    }

    fn nested_loop(&mut self, node: &Node, loops: Span3, part: Part) {
        let mut sides = flow(node);
        let (Some(outer), Some(inner)) = (sides.next(), sides.next()) else { return };
        let outer_rows = self.rows.of(outer).given;
        let inner_rows = self.rows.of(inner).given;
        let rows = if node.said.inner_unique && node.said.join_filter.is_empty() { part.rows } else { None };
        self.node(outer, loops, Part { rows, ..part });
        let turns = outer_rows.by(loops).by(part.share);
        let turns = match rows {
            Some(rows) if self.rows.of(outer).is_steady => turns.at_most(rows * loops.hi.max(1.0)),
            _ => turns,
        };
        let first_only = node.said.inner_unique || matches!(node.said.join_type.as_str(), "Semi" | "Anti");
        let share = if first_only {
            let one = |rows: f64| (1.0 / rows.max(1.0)).min(1.0);
            Span3::of(one(inner_rows.hi), one(inner_rows.mid), 1.0)
        } else {
            Span3::one(1.0)
        };
        self.node(inner, turns, Part { share, rows: None });
    }

    fn hash_join(&mut self, node: &Node, loops: Span3, part: Part) {
        let mut sides = flow(node);
        let (Some(outer), Some(inner)) = (sides.next(), sides.next()) else { return };
        let inner_rows = self.rows.of(inner).given;
        self.node(inner, once(loops), Part::ALL);
        // With nothing to find, nothing is looked for.
        let least = if inner_rows.lo < 1.0 && node.said.join_type == "Inner" { 0.0 } else { part.share.lo };
        let share = Span3 { lo: least, ..part.share };
        self.node(outer, loops, Part { share, rows: None });
        let bytes = inner_rows.times(inner.said.width + 32.0);
        if bytes.hi > self.hash_mem {
            // What does not fit is written and read again, of both sides.
            let outer_bytes =
                self.rows.of(outer).given.by(loops).by(part.share).times(outer.said.width + 20.0);
            let spilt = bytes.plus(outer_bytes);
            let mid = if bytes.mid > self.hash_mem { spilt.mid } else { 0.0 };
            let lo = if bytes.lo > self.hash_mem { spilt.lo * 0.5 } else { 0.0 };
            self.work.temp_bytes = self.work.temp_bytes.plus(Span3::of(lo, mid, spilt.hi * 2.0));
        }
    }

    fn merge_join(&mut self, node: &Node, loops: Span3, part: Part) {
        // Either side may end long before the other.
        let share = Span3 { lo: 0.0, ..part.share };
        self.each(node, loops, Part { share, rows: None });
    }

    fn memoize(&mut self, node: &Node, loops: Span3) {
        let Some(child) = flow(node).next() else { return };
        let missed = (node.said.total_cost / child.said.total_cost.max(0.01)).clamp(0.0, 1.0);
        let turns = Span3::of((loops.lo * 0.01).min(loops.lo), loops.mid * missed, loops.hi);
        self.work.memory = self.work.memory.plus(Span3::of(0.0, 0.0, self.hash_mem));
        self.node(child, turns, Part::ALL);
    }

    fn aggregate(&mut self, node: &Node, loops: Span3, part: Part) {
        let is_sorted = node.said.strategy == "Sorted";
        if matches!(node.said.strategy.as_str(), "Hashed" | "Mixed") {
            self.keep(node, Span3::one(1.0), 2.0, self.hash_mem);
        }
        let part = if is_sorted {
            let hi = if part.share.hi < 1.0 { 1.0 } else { part.share.hi };
            Part { share: Span3 { hi, ..part.share }, rows: None }
        } else {
            Part::ALL
        };
        self.each(node, loops, part);
    }

    /// One child after the other, until enough rows came.
    fn append(&mut self, node: &Node, loops: Span3, part: Part) {
        if part.share.lo >= 1.0 && part.rows.is_none() {
            self.each(node, loops, part);
            return;
        }
        let mut left = self.rows.of(node).given.by(part.share);
        if let Some(rows) = part.rows {
            left = left.at_most(rows);
        }
        let ratio =
            |wanted: f64, there: f64| if there > 0.0 { (wanted / there).clamp(0.0, 1.0) } else { 0.0 };
        for (place, child) in flow(node).enumerate() {
            let given = self.rows.of(child).given;
            let share =
                Span3::of(ratio(left.lo, given.hi), ratio(left.mid, given.mid), ratio(left.hi, given.lo));
            let is_asked = |left: f64| if left > 0.0 || place == 0 { 1.0 } else { 0.0 };
            let asked = Span3::of(is_asked(left.lo), is_asked(left.mid), is_asked(left.hi));
            let rows = part.rows.map(|rows| rows.min(left.hi));
            self.node(child, loops.by(asked), Part { share, rows });
            left = Span3 { lo: left.lo - given.hi, mid: left.mid - given.mid, hi: left.hi - given.lo }
                .at_least(0.0);
        }
    }

    fn recursion(&mut self, node: &Node, loops: Span3) {
        let mut sides = flow(node);
        if let Some(first) = sides.next() {
            self.node(first, loops, Part::ALL);
        }
        if let Some(again) = sides.next() {
            self.node(again, loops.by(Span3 { lo: 1.0, mid: 10.0, hi: 1_000.0 }), Part::ALL);
        }
        self.work.unseen.push("how often a recursion turns is not known".to_owned());
    }

    fn limit(&mut self, node: &Node, loops: Span3, part: Part) {
        let Some(child) = flow(node).next() else { return };
        if !is_cut(node, child) {
            self.node(child, loops, Part { rows: None, ..part });
            return;
        }
        let rows = self.rows.of(child);
        let run = child.said.total_cost - child.said.startup_cost;
        let by_cost = (node.said.total_cost - child.said.startup_cost) / run.max(f64::MIN_POSITIVE);
        let by_rows = node.said.rows / child.said.rows.max(1.0);
        let share = if run > 0.0 && by_cost.is_finite() { by_cost.max(by_rows) } else { by_rows };
        // Rows skipped by an offset are read as well.
        let wanted = (share.clamp(0.0, 1.0) * child.said.rows).max(node.said.rows);
        let of = |total: f64| (wanted / total.max(1.0)).min(1.0);
        let is_even = rows.freshness == Freshness::Fresh && rows.class <= Class::Single && rows.is_scattered;
        let share = if rows.is_steady {
            Span3::of(of(rows.given.hi), of(rows.given.mid), of(rows.given.lo))
        } else {
            // Matches may all lie in front, or all at the end.
            let hi = if is_even && rows.given.lo > 20.0 * wanted { of(rows.given.lo) * 20.0 } else { 1.0 };
            Span3::of(of(rows.given.hi.max(rows.examined.hi)), of(rows.given.mid), hi.min(1.0))
        };
        let share = Span3::of(share.lo * part.share.lo, share.mid * part.share.mid, share.hi * part.share.hi);
        self.node(child, loops, Part { share, rows: rows.is_steady.then_some(wanted) });
    }

    /// Keeps all rows of a node in memory, and what does not fit in files.
    fn keep(&mut self, node: &Node, loops: Span3, overhead: f64, limit: f64) {
        let bytes = self.rows.of(node).given.times((node.said.width + 24.0) * overhead);
        self.work.memory = self.work.memory.plus(bytes.at_most(limit));
        if bytes.hi > limit {
            let spilt = |bytes: f64| if bytes > limit { bytes } else { 0.0 };
            let spill = Span3::of(spilt(bytes.lo), spilt(bytes.mid), bytes.hi * 2.0);
            self.work.temp_bytes = self.work.temp_bytes.plus(spill.by(loops.at_least(1.0)));
        }
    }
}

/// A node that keeps its rows runs once, however often it is asked; not at all if it is never asked.
fn once(loops: Span3) -> Span3 {
    loops.at_most(1.0)
}
