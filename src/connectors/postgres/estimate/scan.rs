//! Blocks of one base table: heap, index and the store of large values.
//!
//! What an index scan touches lies between one access a page (rows lie in the index's order) and one a row
//! (they do not). A correlation near 1 says only that the order is *globally* right: rows shuffled among
//! neighbours still change the page at every row, so that touches stay open while distinct blocks do not.

use super::condition::{self, Against, Part as Condition};
use super::facts::{BLOCK_BYTES, Freshness, IndexFacts, RelationFacts};
use super::plan::{Kind, Node};
use super::rows::{flow, table_rows};
use super::walk::{Part, Touched, Walk};
use crate::kit::sql::span::Span3;

/// Bytes of a piece of a large value.
const PIECE_BYTES: f64 = 1_996.0;

/// A value elsewhere leaves a pointer of this width in its row.
const POINTER_BYTES: f64 = 18.0;

/// Runs a scan `loops` times, each time as far as `part` says.
pub(super) fn scan(walk: &mut Walk<'_>, node: &Node, loops: Span3, part: Part) {
    let said = &node.said;
    let Some(table) = walk.facts.of(&said.schema, &said.relation) else {
        walk.work.unseen.push(format!("the size of {}.{} is not known", said.schema, said.relation));
        return;
    };
    let desk = Desk { table, node, loops, part, all: table_rows(table), pages: table.pages_now() };
    let rows = walk.rows.of(node);
    match node.kind {
        Kind::SeqScan => desk.sweep(walk),
        Kind::SampleScan => desk.sample(walk),
        Kind::BitmapHeapScan => desk.bitmap(walk),
        Kind::TidScan | Kind::TidRangeScan => desk.by_place(walk, rows.given),
        _ => desk.by_index(walk, rows.examined, rows.is_steady),
    }
    let examined = match part.rows {
        Some(wanted) if rows.is_steady => rows.examined.at_most(wanted).by(loops),
        _ => rows.examined.by(loops).by(part.share),
    };
    walk.work.examined = walk.work.examined.plus(examined);
    let given = match part.rows {
        Some(wanted) if rows.is_steady => rows.given.at_most(wanted).by(loops),
        _ => rows.given.by(loops).by(part.share),
    };
    desk.large_values(walk, examined, given);
}

/// One scan of one table.
struct Desk<'a> {
    table: &'a RelationFacts,
    node: &'a Node,
    loops: Span3,
    part: Part,
    /// Rows of the table.
    all: Span3,
    /// Pages of the table.
    pages: f64,
}

impl Desk<'_> {
    fn name(&self) -> String {
        format!("{}.{}", self.table.schema, self.table.name)
    }

    fn rows_per_page(&self) -> f64 {
        (self.all.mid / self.pages.max(1.0)).max(0.01)
    }

    /// Pages in a row for so many rows in a row.
    fn pages_of(&self, rows: f64) -> f64 {
        (rows / self.rows_per_page()).ceil().min(self.pages)
    }

    fn sweep(&self, walk: &mut Walk<'_>) {
        let share = self.part.share;
        let once = match self.part.rows {
            // Rows may lie thinner or denser at the beginning than elsewhere.
            Some(wanted) if self.is_thin() => Span3::of(
                self.pages_of(wanted / 2.0).min((wanted / 290.0).ceil()),
                self.pages_of(wanted),
                self.pages_of(wanted) * 8.0 + 2.0,
            ),
            Some(wanted) => Span3::of(
                self.pages_of(wanted * 0.6),
                self.pages_of(wanted),
                self.pages_of(wanted) * 1.5 + 1.0,
            ),
            None => Span3::of(self.pages * share.lo, self.pages * share.mid, self.pages * share.hi * 1.01),
        };
        let once = once.at_most(self.pages * 1.01).at_least(self.pages.min(1.0));
        let distinct = once.by(self.loops.at_most(1.0));
        self.add(walk, self.name(), self.pages, once.by(self.loops), distinct, true);
    }

    /// Whether pages hold many dead rows or holes.
    fn is_thin(&self) -> bool {
        self.table.dead.unwrap_or(0.0) > 0.1 * self.all.mid
            || self.table.freshness() != Freshness::Fresh
            || self.rows_per_page() * (self.node.said.width + 28.0) < 0.5 * BLOCK_BYTES
    }

    fn sample(&self, walk: &mut Walk<'_>) {
        let said = &self.node.said;
        let number = said.sampling_parameters.first().and_then(|text| {
            let digits = text.trim_matches(|c: char| !c.is_ascii_digit());
            digits.split('\'').next().and_then(|digits| digits.parse::<f64>().ok())
        });
        let once = match (said.sampling_method.as_str(), number) {
            ("system", Some(percent)) => {
                let mid = self.pages * (percent / 100.0).min(1.0);
                let noise = 2.5 * mid.sqrt();
                Span3::of((mid - noise).max(0.0), mid, mid + noise + 2.0)
            }
            ("system_rows", Some(rows)) => {
                let mid = self.pages_of(rows);
                Span3::of(mid / 2.0, mid, mid * 3.0 + 5.0)
            }
            // Every page, whatever the share.
            _ => Span3::of(self.pages, self.pages, self.pages * 1.01 + 1.0),
        };
        let share = self.part.share;
        let once = Span3::of(once.lo * share.lo, once.mid * share.mid, once.hi * share.hi);
        let once = once.at_most(self.pages * 1.01 + 1.0);
        self.add(walk, self.name(), self.pages, once.by(self.loops), once.by(self.loops.at_most(1.0)), true);
    }

    /// By the places of rows: one page for each, or the pages of a range.
    fn by_place(&self, walk: &mut Walk<'_>, rows: Span3) {
        let once = if self.node.kind == Kind::TidScan {
            rows.at_least(1.0)
        } else {
            let range = pages_named(&self.node.said.tid_cond, self.pages);
            let share = self.part.share;
            let from_limit = self.part.rows.map_or(f64::INFINITY, |rows| self.pages_of(rows) * 4.0 + 2.0);
            Span3::of(range * share.lo, range * share.mid, (range * share.hi + 1.0).min(from_limit))
        };
        let once = once.at_most(self.pages + 1.0);
        self.add(walk, self.name(), self.pages, once.by(self.loops), once, false);
    }

    /// The way down an index and along its leaves for so many rows; returns its correlation with the table.
    fn down(&self, walk: &mut Walk<'_>, node: &Node, rows: Span3, loops: Span3) -> Option<(f64, bool)> {
        let said = &node.said;
        let index = self.table.index(&said.index);
        let pages = index.map_or(self.all.mid / 200.0, |index| index.bytes / BLOCK_BYTES).max(1.0);
        let searches = searches(&said.index_cond);
        let levels = levels(pages);
        let leaves = |rows: f64| rows / self.all.mid.max(1.0) * pages;
        let is_ordered = index.is_none_or(|index| index.method == "btree");
        let once = if said.index_cond.is_empty() {
            // From one end on: leaves are as full as they are.
            Span3::of(
                levels.min(2.0) + leaves(rows.lo) * 0.85,
                levels + leaves(rows.mid),
                levels + 1.0 + leaves(rows.hi) * 1.1,
            )
        } else if is_ordered && !leads(index, &said.index_cond) {
            // The first column is open: all leaves, or (18 on) a way down for each of its values.
            let values = self.distinct_of_first(index);
            let skips = (values * levels).min(pages);
            Span3::of(levels, (skips * pages).sqrt().max(levels), (pages * 1.05).max(skips * 1.5) + levels)
        } else if is_ordered {
            Span3::of(
                levels.min(2.0) + leaves(rows.lo) * 0.7,
                searches.mid * levels + leaves(rows.mid),
                searches.hi * (levels + 1.0) + leaves(rows.hi) * 1.4,
            )
        } else {
            // Other methods look into many places for one condition.
            Span3::of(
                1.0,
                levels + leaves(rows.mid) * 1.5,
                levels + 4.0 + leaves(rows.hi) * 6.0 + pages.min(20.0),
            )
        };
        let touches = once.by(loops);
        let different = Span3::of(
            once.lo.min(touches.lo),
            drawn(pages, touches.mid.max(once.mid.min(touches.mid))),
            touches.hi.min(pages + 1.0),
        );
        let name = format!("{}.{}", self.table.schema, said.index);
        self.add(walk, name, pages, touches, different.at_most(pages + 1.0), false);
        let first = index.and_then(|index| index.columns.as_ref()).and_then(|columns| columns.first())?;
        let column = self.table.column(first)?;
        let is_trusted = self.table.freshness() == Freshness::Fresh;
        column.correlation.filter(|_| is_trusted).map(|correlation| (correlation.abs(), column.counted))
    }

    /// Different values of an index's first column.
    fn distinct_of_first(&self, index: Option<&IndexFacts>) -> f64 {
        let first = index.and_then(|index| index.columns.as_ref()).and_then(|columns| columns.first());
        match first.and_then(|name| self.table.column(name)).and_then(|column| column.distinct) {
            Some(share) if share < 0.0 => -share * self.all.mid,
            Some(count) => count,
            None => self.all.mid,
        }
    }

    fn by_index(&self, walk: &mut Walk<'_>, rows: Span3, is_steady: bool) {
        let rows = match self.part.rows {
            Some(wanted) if is_steady => rows.at_most(wanted),
            _ => rows.by(self.part.share),
        };
        let order = self.down(walk, self.node, rows, self.loops);
        let visible = self.table.visible_pages / self.table.pages.max(1.0);
        let looked_up = if self.node.kind == Kind::IndexOnlyScan {
            // Pages that everybody sees need no look at the row, but one at the map.
            let changed = self.table.changed.unwrap_or(0.0) / self.all.mid.max(1.0);
            let hidden = (1.0 - visible).clamp(0.0, 1.0);
            let hi = (hidden * 1.2 + changed + 0.000_1).min(1.0);
            self.add(
                walk,
                self.name(),
                self.pages,
                Span3::of(0.0, 1.0, 3.0).by(self.loops.at_most(1.0)),
                Span3::of(0.0, 1.0, 3.0),
                false,
            );
            rows.by(Span3::of(if hidden >= 1.0 { 0.9 } else { hidden * 0.5 }, hidden, hi))
        } else {
            rows
        };
        let mut once = self.places(looked_up, order);
        if is_one_key(self.table.index(&self.node.said.index), &self.node.said.index_cond) {
            // Rows of one key lie in the index in the order of their places: each page is met once.
            once.touches = once.distinct;
        }
        let touches = once.touches.by(self.loops);
        let total = looked_up.by(self.loops);
        let distinct = if self.loops.hi <= 1.0 {
            once.distinct.by(self.loops)
        } else {
            let mid = drawn(self.pages, total.mid);
            Span3::of(
                once.distinct.lo.min(total.lo).max(drawn(self.pages, total.lo) / 4.0).min(mid),
                mid,
                total.hi,
            )
        };
        self.add(walk, self.name(), self.pages, touches, distinct.at_most(self.pages + 1.0), false);
    }

    /// Page accesses and different pages for rows found by an index.
    fn places(&self, rows: Span3, order: Option<(f64, bool)>) -> Touched {
        let in_order = |rows: f64| if rows <= 0.0 { 0.0 } else { self.pages_of(rows) };
        let packed = |rows: f64| if rows <= 0.0 { 0.0 } else { self.pages_of(rows * 0.6) };
        let scattered = |rows: f64| drawn(self.pages, rows);
        let between = |rows: f64, weight: f64, ends: (f64, f64)| {
            if rows <= 0.0 { 0.0 } else { ends.0.max(0.1).powf(weight) * ends.1.max(0.1).powf(1.0 - weight) }
        };
        let (lo, mid, hi) = (rows.lo, rows.mid, rows.hi);
        let (touches, distinct) = match order {
            // Rows in the order they were numbered in.
            Some((order, true)) if order > 0.99 => {
                let loose = if self.is_thin() { 3.0 } else { 1.5 };
                let span = Span3::of(packed(lo), in_order(mid) + 0.5, (in_order(hi) * loose + 2.0).min(hi));
                (span, span)
            }
            Some((order, _)) if order > 0.9 => (
                Span3::of(packed(lo), between(mid, 0.5, (in_order(mid), mid)), hi),
                Span3::of(
                    packed(lo),
                    in_order(mid) * 1.2,
                    (in_order(hi) * 3.0 + 3.0).min(scattered(hi) + 1.0),
                ),
            ),
            Some((order, _)) => {
                let weight = order * order;
                let least = if order < 0.5 { scattered(lo) * 0.4 } else { packed(lo) };
                (
                    Span3::of(least.max(packed(lo)), between(mid, weight, (in_order(mid), mid)), hi),
                    Span3::of(
                        least,
                        between(mid, weight, (in_order(mid), scattered(mid))),
                        scattered(hi) + 1.0,
                    ),
                )
            }
            None => (
                Span3::of(packed(lo), between(mid, 0.5, (in_order(mid), mid)), hi),
                Span3::of(
                    packed(lo),
                    between(mid, 0.5, (in_order(mid), scattered(mid))),
                    scattered(hi) + 1.0,
                ),
            ),
        };
        Touched { touches, distinct, pages: self.pages, is_sweep: false }
    }

    fn bitmap(&self, walk: &mut Walk<'_>) {
        let mut open: Vec<&Node> = flow(self.node).collect();
        let mut order = None;
        let mut rows = None;
        while let Some(bits) = open.pop() {
            let found = walk.rows.of(bits).given;
            rows = rows.or(Some(found));
            if bits.kind == Kind::BitmapIndexScan {
                let of = self.down(walk, bits, found, self.loops);
                // Several indexes: the pages are as scattered as the less ordered one says.
                order = match (order, of) {
                    (None, first) => first,
                    (Some((a, is_counted)), Some((b, _))) => Some((f64::min(a, b), is_counted)),
                    (known, None) => known,
                };
            }
            open.extend(flow(bits));
        }
        let found = rows.unwrap_or(self.all);
        let once = self.places(found, order).distinct;
        let share = self.part.share;
        let once = Span3::of(once.lo * share.lo, once.mid * share.mid, once.hi * share.hi + 1.0);
        let once = once.at_most(self.pages + 1.0);
        let touches = once.by(self.loops);
        let distinct = Span3 { hi: touches.hi.min(self.pages + 1.0), ..once.by(self.loops.at_most(1.0)) };
        self.add(walk, self.name(), self.pages, touches, distinct, false);
    }

    /// Large values behind the rows: fetched where they stand in a filter or an expression, or are given.
    fn large_values(&self, walk: &mut Walk<'_>, examined: Span3, given: Span3) {
        let pages = self.table.toast_pages();
        if pages < 1.0 {
            return;
        }
        let carriers = carriers(self.table);
        let is_carrier = |name: &String| carriers.contains(&name.as_str());
        let filter = condition::parts(&self.node.said.filter);
        let is_null_test = |part: &Condition| matches!(part, Condition::Column { operator, .. } if operator.starts_with("IS "));
        let in_filter = !filter.iter().all(is_null_test)
            && condition::names(&self.node.said.filter).iter().any(is_carrier);
        if !in_filter && !walk.used.iter().any(is_carrier) {
            return;
        }
        let rows = if in_filter { examined } else { given };
        let bytes = self.table.toast_bytes.unwrap_or(0.0);
        let values = self.all.mid.min(bytes / PIECE_BYTES).max(1.0);
        let index_pages = (pages * 0.03).ceil();
        let of_all = |rows: f64| rows / self.all.mid.max(1.0);
        // For each value a way down the index, and its pieces, which begin and end within pages.
        let touches_of = |rows: f64, each: f64, page: f64| of_all(rows) * (values * each + pages * page);
        let down = levels(index_pages);
        let (few, many) = if rows.mid < 30.0 { (0.2, 3.0) } else { (0.8, 1.2) };
        // Which of several columns the large values belong to, nobody says.
        let least = if carriers.len() > 1 { 0.0 } else { few };
        let touches = Span3::of(
            touches_of(rows.lo, down, 0.7) * least,
            touches_of(rows.mid, down + 0.7, 1.0),
            touches_of(rows.hi, down + 1.2, 1.3) * many + 4.0,
        );
        let distinct = |rows: f64| of_all(rows).min(1.0) * (pages + index_pages);
        let different =
            Span3::of(distinct(rows.lo) * least, distinct(rows.mid), distinct(rows.hi) * many + 4.0)
                .at_most(pages + index_pages + 2.0);
        let name = format!("{} (large values)", self.name());
        self.add(walk, name, pages + index_pages, touches, different, false);
    }

    fn add(
        &self,
        walk: &mut Walk<'_>,
        name: String,
        pages: f64,
        touches: Span3,
        distinct: Span3,
        is_sweep: bool,
    ) {
        let known = walk.work.touched.entry(name).or_insert(Touched {
            touches: Span3::ZERO,
            distinct: Span3::ZERO,
            pages,
            is_sweep,
        });
        known.touches = known.touches.plus(touches);
        // Two scans of one table may meet on the same pages.
        let (a, b) = (known.distinct, distinct);
        known.distinct = Span3::of(
            a.lo.max(b.lo),
            (a.mid + b.mid).min(pages + 1.0),
            (a.hi + b.hi).min(pages * 1.01 + 2.0),
        );
        known.is_sweep &= is_sweep;
    }
}

/// Columns whose values may lie elsewhere. If there are some as wide as pointers, those.
pub(super) fn carriers(table: &RelationFacts) -> Vec<&str> {
    let movable = || table.columns.iter().flatten().filter(|column| column.storage != "p");
    let is_pointer = |width: f64| (POINTER_BYTES..POINTER_BYTES + 4.0).contains(&width) || width > 500.0;
    let sure: Vec<&str> = movable()
        .filter(|column| column.width.is_some_and(is_pointer))
        .map(|column| column.name.as_str())
        .collect();
    if !sure.is_empty() {
        return sure;
    }
    movable()
        .filter(|column| column.width.is_none_or(|width| width >= POINTER_BYTES))
        .map(|column| column.name.as_str())
        .collect()
}

/// Whether a condition names an index's first column; expressions count as doing so.
fn leads(index: Option<&IndexFacts>, condition: &str) -> bool {
    let Some(first) = index.and_then(|index| index.columns.as_ref()).and_then(|columns| columns.first())
    else {
        return true;
    };
    condition::parts(condition).iter().any(|part| match part {
        Condition::Column { column, .. } => column == first,
        Condition::Expression => true,
    })
}

/// Whether a condition asks for one value of each of an index's columns.
fn is_one_key(index: Option<&IndexFacts>, condition: &str) -> bool {
    let parts = condition::parts(condition);
    let is_met = |name: &String| {
        parts.iter().any(|part| {
            matches!(part, Condition::Column { column, operator, against }
                if column == name && operator == "=" && !matches!(against, Against::Any(_)))
        })
    };
    index.is_some_and(|index| {
        let columns = index.columns.as_deref().unwrap_or_default();
        index.method == "btree" && !columns.is_empty() && columns.iter().all(is_met)
    })
}

/// Different pages when so many rows are drawn at random.
fn drawn(pages: f64, rows: f64) -> f64 {
    if pages < 1.0 || rows <= 0.0 {
        return 0.0;
    }
    pages * (1.0 - (1.0 - 1.0 / pages.max(1.000_001)).powf(rows))
}

/// Levels of a tree of so many pages, the root included.
fn levels(pages: f64) -> f64 {
    if pages <= 2.0 {
        1.0
    } else if pages <= 300.0 {
        2.0
    } else if pages <= 80_000.0 {
        3.0
    } else {
        4.0
    }
}

/// Ways down an index that a condition takes: one for each value of a list.
fn searches(condition: &str) -> Span3 {
    condition::parts(condition).iter().fold(Span3::one(1.0), |ways, part| match part {
        Condition::Column { against: Against::Any(values), .. } => {
            let most = values.len().max(1) as f64;
            Span3::of(ways.lo, ways.mid * most, ways.hi * most)
        }
        _ => ways,
    })
}

/// Pages of a range of places: `((ctid >= '(3,1)'::tid) AND (ctid < '(9,1)'::tid))`.
fn pages_named(condition: &str, pages: f64) -> f64 {
    let (mut first, mut last) = (0.0, pages);
    for part in condition.split(" AND ") {
        let page = part.split_once("'(").and_then(|(_, rest)| rest.split_once(','));
        let Some(page) = page.and_then(|(page, _)| page.trim().parse::<f64>().ok()) else { continue };
        if part.contains('>') {
            first = f64::max(first, page);
        } else if part.contains('<') {
            let is_whole = !part.contains(",0)") && !part.contains("< '(") || part.contains("<=");
            last = f64::min(last, page + if is_whole { 1.0 } else { 0.0 });
        }
    }
    (last - first).clamp(0.0, pages).max(pages.min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_places_and_of_random_rows() {
        for (text, pages) in [
            ("((ctid >= '(3,1)'::tid) AND (ctid < '(9,1)'::tid))", 6.0),
            ("(ctid < '(5,0)'::tid)", 5.0),
            ("(ctid >= '(90,0)'::tid)", 10.0),
            ("(ctid >= '(200,0)'::tid)", 1.0),
        ] {
            assert_eq!(pages_named(text, 100.0), pages, "{text}");
        }
        assert!((drawn(100.0, 10.0) - 9.56).abs() < 0.1);
        assert_eq!(drawn(1.0, 5.0), 1.0);
        assert_eq!(searches("(t.a = ANY ('{1,2,3}'::integer[]))").mid, 3.0);
    }
}
