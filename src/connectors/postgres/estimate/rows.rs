//! How many rows each node of a plan gives, as an interval, by a class that is seen before anything runs.
//!
//! The planner's number is the best guess; how far off it may be depends on what it is made of: nothing,
//! one column's statistics, several columns multiplied as if they were strangers, a fixed guess for an
//! expression, a join, groups. Old statistics open every interval.

use std::collections::HashMap;

use super::condition::{self, Cover, Part};
use super::facts::{Facts, Freshness, RelationFacts};
use super::plan::{Kind, Node, Plan};
use super::share;
use crate::kit::sql::span::Span3;

/// What a number of rows is made of, the most trustworthy first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    /// A limit, or one row by construction.
    Bounded,
    /// All rows of a table.
    NoFilter,
    /// One column's statistics.
    Single,
    /// Groups or distinct values.
    Group,
    /// A join.
    Join,
    /// Several columns.
    Multi,
    /// A fixed guess.
    Expression,
}

impl Class {
    /// The word used in a provenance.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Bounded => "bounded",
            Self::NoFilter => "no_filter",
            Self::Single => "single_column",
            Self::Group => "group",
            Self::Join => "join",
            Self::Multi => "multi_column",
            Self::Expression => "expression",
        }
    }
}

/// The rows of a node, for one run of it from beginning to end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows {
    /// Rows given.
    pub(super) given: Span3,
    /// Rows looked at before the filter, at a scan.
    pub(super) examined: Span3,
    /// What the numbers are made of.
    pub(super) class: Class,
    /// Whether rows come as steadily as the node reads, nothing filtered away in between.
    pub(super) is_steady: bool,
    /// Whether rows that a filter leaves lie anywhere, as far as statistics say.
    pub(super) is_scattered: bool,
    /// How far the statistics behind it can be trusted.
    pub(super) freshness: Freshness,
}

/// Rows of all nodes, each worked out once.
pub(super) struct RowsOf<'a> {
    facts: &'a Facts,
    known: HashMap<usize, Rows>,
    /// How many times more rows a node gives in all than the planner says of one worker.
    workers: HashMap<usize, f64>,
    ctes: HashMap<&'a str, &'a Node>,
    /// The table that a bitmap is of: only the scan above it says so.
    bitmaps: HashMap<usize, (&'a str, &'a str)>,
}

/// Children that are part of the flow of rows, in order.
pub(super) fn flow(node: &Node) -> impl Iterator<Item = &Node> {
    node.below.iter().filter(|child| !is_aside(child))
}

/// Whether a child is a plan of its own: run once, or for each row.
pub(super) fn is_aside(child: &Node) -> bool {
    matches!(child.said.parent_relationship.as_str(), "InitPlan" | "SubPlan")
}

fn key(node: &Node) -> usize {
    std::ptr::from_ref(node).addr()
}

impl<'a> RowsOf<'a> {
    pub(super) fn new(plan: &'a Plan, facts: &'a Facts) -> Self {
        let mut made = Self {
            facts,
            known: HashMap::new(),
            workers: HashMap::new(),
            ctes: HashMap::new(),
            bitmaps: HashMap::new(),
        };
        for node in plan.nodes() {
            if node.kind == Kind::BitmapHeapScan {
                for bits in bitmaps(node) {
                    made.bitmaps.insert(key(bits), (&node.said.schema, &node.said.relation));
                }
            }
            if let Some(name) = node.said.subplan_name.strip_prefix("CTE ") {
                made.ctes.insert(name, node);
            }
            if matches!(node.kind, Kind::Gather | Kind::GatherMerge) {
                let workers = node.said.workers;
                // The leader helps, the less the more workers there are.
                made.spread(node, workers + (1.0 - 0.3 * workers).max(0.0));
            }
        }
        made
    }

    /// Marks the nodes whose rows the workers share among them.
    fn spread(&mut self, top: &Node, by: f64) {
        let mut open: Vec<&Node> = flow(top).collect();
        while let Some(node) = open.pop() {
            if is_shared(node) {
                self.workers.insert(key(node), by);
                open.extend(flow(node));
            }
        }
    }

    /// Whether the workers share a node's rows; other nodes below a gather run in each of them.
    pub(super) fn is_shared(&self, node: &Node) -> bool {
        self.workers.contains_key(&key(node))
    }

    /// Rows by the planner, of all workers together.
    pub(super) fn planned(&self, node: &Node) -> f64 {
        node.said.rows * self.workers.get(&key(node)).copied().unwrap_or(1.0)
    }

    /// The rows of a node.
    pub(super) fn of(&mut self, node: &Node) -> Rows {
        if let Some(known) = self.known.get(&key(node)) {
            return *known;
        }
        let rows = self.work_out(node);
        self.known.insert(key(node), rows);
        rows
    }

    fn work_out(&mut self, node: &Node) -> Rows {
        let planned = self.planned(node);
        match node.kind {
            Kind::SeqScan
            | Kind::SampleScan
            | Kind::IndexScan
            | Kind::IndexOnlyScan
            | Kind::BitmapHeapScan
            | Kind::BitmapIndexScan
            | Kind::TidScan
            | Kind::TidRangeScan => self.scan(node),
            Kind::NestedLoop | Kind::HashJoin | Kind::MergeJoin => self.join(node),
            Kind::Append | Kind::MergeAppend => self.sum(node),
            Kind::Aggregate | Kind::Group | Kind::Unique | Kind::SetOp => self.groups(node),
            Kind::Limit => self.limit(node),
            Kind::CteScan => {
                let inner = self.ctes.get(node.said.cte.as_str()).copied().map(|cte| self.of(cte));
                filtered_again(node, planned, inner)
            }
            Kind::RecursiveUnion | Kind::WorkTableScan | Kind::Other => guessed(planned, 1_000.0),
            Kind::FunctionScan => guessed(planned, 50.0),
            Kind::ForeignScan => guessed(planned, 100.0),
            Kind::BitmapAnd | Kind::BitmapOr => self.bits(node),
            _ => {
                let inner = flow(node).next().map(|child| self.of(child));
                filtered_again(node, planned, inner)
            }
        }
    }

    /// Rows of a base table.
    fn scan(&self, node: &Node) -> Rows {
        let said = &node.said;
        let planned = self.planned(node);
        let (schema, relation) =
            self.bitmaps.get(&key(node)).copied().unwrap_or((&said.schema, &said.relation));
        let Some(table) = self.facts.of(schema, relation) else {
            return Rows { freshness: Freshness::Unknown, ..guessed(planned, 1_000.0) };
        };
        let found = bitmaps(node).into_iter().flat_map(|bits| condition::parts(&bits.said.index_cond));
        let parts: Vec<Part> = condition::parts(&said.index_cond)
            .into_iter()
            .chain(found)
            .chain(condition::parts(&said.filter))
            .collect();
        let all = table_rows(table);
        if matches!(node.kind, Kind::SampleScan | Kind::TidScan | Kind::TidRangeScan) {
            return by_place(node, planned, all, table.freshness());
        }
        let given = through(table, all, &parts, planned);
        let is_steady = said.filter.is_empty();
        let examined = match node.kind {
            Kind::IndexScan | Kind::IndexOnlyScan if is_steady => given.0,
            Kind::IndexScan | Kind::IndexOnlyScan => {
                let found = condition::parts(&said.index_cond);
                through(table, all, &found, index_rows(node, planned)).0.at_least(given.0.lo)
            }
            Kind::SeqScan => all,
            _ => given.0,
        };
        let class = class_of(condition::cover(&parts));
        let class = if is_unique(table, &parts) { Class::Bounded } else { class };
        let is_scattered = is_scattered(table, &condition::parts(&said.filter));
        Rows { given: given.0, examined, class, is_steady, is_scattered, freshness: table.freshness() }
    }

    fn join(&mut self, node: &Node) -> Rows {
        let planned = self.planned(node);
        let mut sides = flow(node);
        let (Some(outer), Some(inner)) = (sides.next(), sides.next()) else { return guessed(planned, 100.0) };
        let (outer_rows, inner_rows) = (self.of(outer), self.of(inner));
        let once = node.said.inner_unique
            || matches!(node.said.join_type.as_str(), "Semi" | "Anti" | "Right Semi" | "Right Anti");
        let keeps = matches!(node.said.join_type.as_str(), "Left" | "Full");
        let most =
            if once { outer_rows.given.hi } else { outer_rows.given.hi * inner_rows.given.hi.max(1.0) };
        // A sound bound, if it is a near one; else what joins were measured to be off by.
        let off = if outer_rows.freshness == Freshness::Fresh && inner_rows.freshness == Freshness::Fresh {
            10.0
        } else {
            1_000.0
        };
        let is_rest = matches!(node.said.join_type.as_str(), "Anti" | "Right Anti");
        let least = if keeps { outer_rows.given.lo } else { 0.0 };
        let hi = most.min((planned * off).max(10.0)).max(planned.min(most));
        Rows {
            given: Span3::of(if is_rest { 0.0 } else { (planned / 6.0).max(least) }, planned, hi),
            examined: Span3::one(planned),
            class: outer_rows.class.max(inner_rows.class).max(Class::Join),
            is_steady: once
                && node.said.inner_unique
                && node.said.join_filter.is_empty()
                && outer_rows.is_steady,
            is_scattered: false,
            freshness: outer_rows.freshness.max(inner_rows.freshness),
        }
    }

    fn sum(&mut self, node: &Node) -> Rows {
        let mut total = nothing();
        for child in flow(node) {
            let rows = self.of(child);
            total.given = total.given.plus(rows.given);
            total.examined = total.examined.plus(rows.examined);
            total.class = total.class.max(rows.class);
            total.is_steady &= rows.is_steady;
            total.freshness = total.freshness.max(rows.freshness);
        }
        total
    }

    fn groups(&mut self, node: &Node) -> Rows {
        let planned = self.planned(node);
        let Some(inner) = flow(node).next().map(|child| self.of(child)) else {
            return guessed(planned, 10.0);
        };
        let is_one = node.kind == Kind::Aggregate && node.said.strategy == "Plain";
        if is_one {
            return Rows {
                given: Span3::one(planned.max(1.0)),
                class: Class::Bounded,
                is_steady: false,
                ..inner
            };
        }
        let is_guess = inner.class >= Class::Multi || inner.freshness != Freshness::Fresh;
        let off = if is_guess { 100.0 } else { 3.0 };
        let least = if inner.given.lo >= 1.0 { 1.0 } else { 0.0 };
        let hi = (planned * off).min(inner.given.hi.max(planned));
        // Columns that go together make fewer groups, and what an expression makes of a column nobody knows.
        let keys = &node.said.group_key;
        let lo = match node.kind {
            Kind::SetOp => 0.0,
            _ if keys.iter().any(|key| key.contains('(')) => least,
            _ if keys.len() > 1 => (planned / (off * 10.0)).max(least),
            _ => (planned / off).max(least),
        };
        Rows {
            given: Span3::of(lo, planned, hi),
            class: inner.class.max(Class::Group),
            is_steady: false,
            ..inner
        }
    }

    fn limit(&mut self, node: &Node) -> Rows {
        let planned = self.planned(node);
        let Some(child) = flow(node).next() else { return guessed(planned, 1.0) };
        let inner = self.of(child);
        if is_cut(node, child) {
            return Rows { given: inner.given.at_most(planned), class: Class::Bounded, ..inner };
        }
        inner
    }

    /// Rows that bitmaps of indexes point to.
    fn bits(&mut self, node: &Node) -> Rows {
        let parts: Vec<Rows> = flow(node).map(|child| self.of(child)).collect();
        let mut found = parts.first().copied().unwrap_or_else(nothing);
        for next in parts.iter().skip(1) {
            found.class = Class::Multi;
            found.given = if node.kind == Kind::BitmapOr {
                let (a, b) = (found.given, next.given);
                Span3::of(a.lo.max(b.lo), a.mid + b.mid, a.hi + b.hi)
            } else {
                let (a, b) = (found.given, next.given);
                Span3::of(0.0, a.mid.min(b.mid) / 2.0, a.hi.min(b.hi))
            };
        }
        found
    }
}

/// The index scans of a bitmap scan.
fn bitmaps(node: &Node) -> Vec<&Node> {
    let mut found = Vec::new();
    if node.kind == Kind::BitmapHeapScan {
        let mut open: Vec<&Node> = flow(node).collect();
        while let Some(bits) = open.pop() {
            found.push(bits);
            open.extend(flow(bits));
        }
    }
    found
}

/// Rows that are found by where they lie: pages drawn, or named.
fn by_place(node: &Node, planned: f64, all: Span3, freshness: Freshness) -> Rows {
    let examined = match node.kind {
        Kind::SampleScan if node.said.sampling_method == "bernoulli" => all,
        Kind::TidScan => Span3::of(0.0, planned, planned.max(1.0)),
        _ => Span3::of(planned * 0.4, planned, (planned * 2.0 + 100.0).min(all.hi.max(planned))),
    };
    let noise = 4.0 * planned.sqrt() + 100.0;
    let given = match node.kind {
        Kind::TidScan => examined,
        _ if !node.said.filter.is_empty() => Span3::of(0.0, planned, examined.hi),
        _ => Span3::of(
            (planned * 0.7 - noise).max(0.0),
            planned,
            (planned * 1.4 + noise).min(all.hi.max(planned)),
        ),
    };
    let class = match (node.kind == Kind::TidScan, node.said.filter.is_empty()) {
        (true, _) => Class::Bounded,
        (_, true) => Class::NoFilter,
        _ => class_of(condition::cover(&condition::parts(&node.said.filter))),
    };
    Rows { given, examined, class, is_steady: node.said.filter.is_empty(), is_scattered: false, freshness }
}

/// Whether workers share a node: it is told so, or what it takes its rows from is.
fn is_shared(node: &Node) -> bool {
    let mut at = node;
    loop {
        if at.said.parallel_aware {
            return true;
        }
        let Some(next) = flow(at).next() else { return false };
        at = next;
    }
}

/// Whether a limit ends its child before the end, by the planner's reckoning.
pub(super) fn is_cut(limit: &Node, child: &Node) -> bool {
    limit.said.total_cost < child.said.total_cost * 0.999 || limit.said.rows < child.said.rows * 0.999
}

fn nothing() -> Rows {
    Rows {
        given: Span3::ZERO,
        examined: Span3::ZERO,
        class: Class::Bounded,
        is_steady: true,
        is_scattered: true,
        freshness: Freshness::Fresh,
    }
}

fn guessed(planned: f64, off: f64) -> Rows {
    Rows {
        given: Span3::of(0.0, planned, (planned * off).max(off)),
        examined: Span3::of(0.0, planned, (planned * off).max(off)),
        class: Class::Expression,
        is_steady: false,
        is_scattered: false,
        freshness: Freshness::Fresh,
    }
}

/// Rows that pass through a node, which may filter them once more.
fn filtered_again(node: &Node, planned: f64, inner: Option<Rows>) -> Rows {
    let Some(inner) = inner else {
        let is_maybe = !node.said.filter.is_empty();
        let least = if is_maybe { 0.0 } else { planned };
        return Rows { given: Span3::of(least, planned, planned.max(1.0)), ..nothing() };
    };
    let has_filter = !node.said.filter.is_empty();
    if !has_filter && matches!(node.kind, Kind::Plain) && planned > inner.given.hi {
        // A function that gives several rows for one.
        return Rows { given: Span3::of(0.0, planned, planned * 50.0), ..inner };
    }
    if !has_filter {
        return inner;
    }
    let most = inner.given.hi;
    Rows {
        given: Span3::of(0.0, planned.min(most), most.min((planned * 60.0).max(60.0))),
        class: Class::Expression,
        is_steady: false,
        ..inner
    }
}

/// Index rows of an index scan with a filter: the planner gives only what the filter leaves, and the cost,
/// which pays a page or a part of one for each.
fn index_rows(node: &Node, planned: f64) -> f64 {
    let run = (node.said.total_cost - node.said.startup_cost).max(0.0);
    (run / 2.0).max(planned)
}

fn class_of(cover: Cover) -> Class {
    match cover {
        Cover::None => Class::NoFilter,
        Cover::Single => Class::Single,
        Cover::Multi => Class::Multi,
        Cover::Expression => Class::Expression,
    }
}

/// Rows of a table now.
pub(super) fn table_rows(table: &RelationFacts) -> Span3 {
    let pages = table.pages_now();
    let Some(rows) = table.rows_now() else {
        // Never counted. The server's own running count, else as many as may fit.
        let live = table.live.filter(|live| *live > 0.0);
        let mid = live.unwrap_or(pages * 60.0);
        return Span3::of(0.0, mid, (mid * 2.0).max(pages * 226.0));
    };
    match table.freshness() {
        Freshness::Fresh => {
            let changed = table.changed.unwrap_or(0.0);
            Span3::of(rows * 0.95 - changed, rows, rows * 1.05 + changed)
        }
        Freshness::Stale => Span3::of(rows * 0.3, rows, rows * 2.0 + table.changed.unwrap_or(0.0)),
        Freshness::Unknown => Span3::of(rows * 0.3, rows, rows * 2.0),
    }
}

/// Whether a unique index is met by equalities on all its columns: one row at most.
pub(super) fn is_unique(table: &RelationFacts, parts: &[Part]) -> bool {
    let is_met = |column: &String| {
        parts.iter().any(|part| {
            matches!(part, Part::Column { column: name, operator, against }
                if name == column && operator == "=" && !matches!(against, condition::Against::Any(_)))
        })
    };
    table.indexes.iter().flatten().any(|index| {
        index.unique
            && index.columns.as_ref().is_some_and(|columns| !columns.is_empty() && columns.iter().all(is_met))
    })
}

/// Whether all parts compare with the ends of a range.
fn is_range(parts: &[Part]) -> bool {
    parts.iter().all(|part| {
        matches!(part, Part::Column { operator, .. } if matches!(operator.as_str(), "<" | "<=" | ">" | ">="))
    })
}

/// Whether a part is met by a value of another table's row.
fn is_keyed(parts: &[Part]) -> bool {
    parts.iter().any(|part| {
        matches!(part, Part::Column { operator, against: condition::Against::Later, .. } if operator == "=")
    })
}

/// Whether the columns of a filter say nothing of where a row lies.
fn is_scattered(table: &RelationFacts, parts: &[Part]) -> bool {
    parts.iter().all(|part| match part {
        Part::Column { column, .. } => table
            .column(column)
            .and_then(|column| column.correlation)
            .is_some_and(|correlation| correlation.abs() < 0.1),
        Part::Expression => false,
    })
}

/// Rows that a condition lets through, and what the numbers are made of.
fn through(table: &RelationFacts, all: Span3, parts: &[Part], planned: f64) -> (Span3, Class) {
    let cover = condition::cover(parts);
    if is_unique(table, parts) {
        return (Span3::of(0.0, planned.min(1.0), 1.0), Class::Bounded);
    }
    let share = share::of(table, all.mid, parts);
    let by_share = share.share.times(all.mid);
    let added = table.changed.unwrap_or(0.0).max(table.rows_now().unwrap_or(0.0) - table.tuples.max(0.0));
    let mut found = match cover {
        Cover::None => all,
        Cover::Single if share.is_whole && is_range(parts) => {
            // The planner knows more than the ends: how wide it may miss, the histogram's steps say.
            let (below, above) = (by_share.mid - by_share.lo, by_share.hi - by_share.mid);
            let lo = (planned - below).max(planned / 3.0).min(planned / 1.1);
            Span3::of(lo, planned, (planned + above).min(planned * 4.0 + 20.0).max(planned * 1.1))
        }
        Cover::Single if share.is_whole => {
            Span3::of(by_share.lo.min(planned / 1.1), planned, by_share.hi.max(planned * 1.1))
        }
        Cover::Single => Span3::of(planned / 4.0, planned, planned * 4.0 + 10.0),
        Cover::Multi => {
            let mid = if share.is_whole { (planned * by_share.mid).sqrt().max(planned) } else { planned };
            Span3::of(by_share.lo.min(planned / 2.0), mid, by_share.hi.max(planned))
        }
        Cover::Expression => Span3::of(0.0, planned, (planned * 60.0 + 60.0).min(by_share.hi.max(planned))),
    };
    let open_lo = if cover == Cover::None { found.lo } else { 0.0 };
    match table.freshness() {
        Freshness::Fresh if share.is_beyond => found.hi += added,
        Freshness::Fresh => {}
        // For one row of another table: not all that was added can match every one of them.
        _ if is_keyed(parts) => found = Span3::of(open_lo, found.mid, found.hi * 10.0 + 10.0),
        Freshness::Stale => found = Span3::of(open_lo, found.mid, found.hi + added),
        Freshness::Unknown => {
            found = Span3::of(open_lo, found.mid, if cover == Cover::None { found.hi } else { all.hi });
        }
    }
    (found.at_most(all.hi.max(planned)), class_of(cover))
}
