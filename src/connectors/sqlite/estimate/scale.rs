//! From what a stopped probe saw to the whole read: factors, with their reasons.

use super::eqp::{Kind, PlanStep};
pub(super) use crate::kit::sql::span::Span3;

/// What a probe saw before it ended.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    /// Rows it gave.
    pub(super) rows: f64,
    /// Page accesses.
    pub(super) touched: f64,
    /// Pages read from the file.
    pub(super) missed: f64,
    /// Steps.
    pub(super) steps: f64,
    /// Rows stepped over in full scans.
    pub(super) scanned: f64,
    /// Whether it ran to its end.
    pub(super) is_whole: bool,
}

/// A step with the rows of its table.
pub(super) struct Sized<'a> {
    /// The step.
    pub(super) step: &'a PlanStep,
    /// Rows of its table.
    pub(super) rows: Span3,
    /// Rows a search finds for one key, by statistics.
    pub(super) per_search: Option<f64>,
    /// Rows of the most frequent key, by sampled statistics.
    pub(super) most_per_search: Option<f64>,
    /// Whether it reads a table of the file, not the rows of another step.
    pub(super) is_base: bool,
}

/// How many times more than the probe saw the whole read does, and how many rows it gives.
#[derive(Clone, Copy, Debug)]
pub(super) struct Whole {
    /// Factor on pages and steps.
    pub(super) factor: Span3,
    /// Rows given.
    pub(super) rows: Span3,
    /// Whether an upper end is known at all.
    pub(super) is_bounded: bool,
}

/// Rows that all full scans of the plan step over, loops inside loops multiplied.
fn scan_steps(steps: &[Sized<'_>]) -> Option<Span3> {
    let mut total = Span3::one(0.0);
    let mut any = false;
    for (index, sized) in steps.iter().enumerate() {
        if sized.step.kind != Kind::Scan || !sized.is_base {
            continue;
        }
        any = true;
        let mut times = Span3::one(1.0);
        for outer in outer_loops(steps, index) {
            let rows = loop_rows(outer);
            times =
                Span3 { lo: times.lo, mid: times.mid * rows.mid.max(1.0), hi: times.hi * rows.hi.max(1.0) };
        }
        total.lo += times.lo * sized.rows.lo;
        total.mid += times.mid * sized.rows.mid;
        total.hi += times.hi * sized.rows.hi;
    }
    any.then_some(total)
}

/// The loops around a step: earlier ones beside it, and those around a correlated parent.
fn outer_loops<'a>(steps: &'a [Sized<'a>], index: usize) -> Vec<&'a Sized<'a>> {
    let mut found = Vec::new();
    let (mut at, mut parent) = (index, steps[index].step.parent);
    loop {
        found.extend(steps[..at].iter().filter(|sized| {
            sized.step.parent == parent && matches!(sized.step.kind, Kind::Scan | Kind::Search)
        }));
        let Some(up) = steps.iter().position(|sized| sized.step.id == parent) else { return found };
        if steps[up].step.kind != Kind::Correlated || up >= at {
            return found;
        }
        (at, parent) = (up, steps[up].step.parent);
    }
}

/// Rows that one loop gives for one turn of the loops around it.
fn loop_rows(sized: &Sized<'_>) -> Span3 {
    match sized.step.kind {
        Kind::Scan => sized.rows,
        _ => {
            let mid = sized.per_search.unwrap_or(1.0);
            Span3::of(1.0, mid, sized.most_per_search.unwrap_or(mid * 10.0).min(sized.rows.hi))
        }
    }
}

/// Scales a probe up.
pub(super) fn whole(seen: Seen, steps: &[Sized<'_>], limit: Option<f64>) -> Whole {
    let has = |kind: Kind| steps.iter().any(|sized| sized.step.kind == kind);
    if seen.is_whole {
        return Whole { factor: Span3::one(1.0), rows: Span3::one(seen.rows), is_bounded: true };
    }
    let is_streaming = !has(Kind::TempTree);
    let mut is_bounded = true;
    let full = match scan_steps(steps) {
        Some(total) if !has(Kind::Recursive) => {
            // The probe may have been between two counted steps.
            let scanned = seen.scanned.max(1.0);
            let ratio = Span3::of(total.lo / scanned, total.mid / scanned, total.hi / scanned).at_least(1.0);
            let spread = if seen.scanned < 50.0 {
                4.0
            } else if seen.scanned < 500.0 {
                1.6
            } else {
                1.25
            };
            Span3::of(ratio.lo / spread, ratio.mid, ratio.hi * spread).at_least(1.0)
        }
        _ if has(Kind::Recursive) || !steps.iter().any(|sized| sized.is_base) => {
            is_bounded = false;
            Span3::of(1.0, 10.0, 1e6)
        }
        _ => search_factor(seen, steps),
    };
    let found = seen.rows.max(0.5);
    let all_rows = if seen.rows < 1.0 {
        // Groups, or matches that lie together further on: as few as none, as many as rows.
        let most = steps.iter().map(|sized| sized.rows.hi).fold(1.0, f64::max);
        Span3::of(0.0, most.sqrt(), most)
    } else {
        Span3::of(seen.rows.max(full.lo * seen.rows * 0.3), full.mid * found, full.hi * found * 3.0)
    };
    let Some(limit) = limit else { return Whole { factor: full, rows: all_rows, is_bounded } };
    if seen.rows < 1.0 && is_streaming {
        // Nothing matched so far: matches may lie together further on.
        return Whole { factor: full, rows: Span3::of(0.0, all_rows.mid, limit).at_most(limit), is_bounded };
    }
    if !is_streaming {
        return Whole { factor: full, rows: Span3::of(0.0, all_rows.mid, limit).at_most(limit), is_bounded };
    }
    // Rows come while it reads: it stops at the limit, sooner or later as matches lie denser or thinner.
    let needed = limit / seen.rows;
    let spread = if seen.rows < 20.0 { 6.0 } else { 2.5 };
    let factor = Span3::of(
        (needed / spread).max(1.0).min(full.lo),
        needed.min(full.mid),
        (needed * spread).min(full.hi),
    )
    .at_least(1.0);
    let is_bounded = is_bounded || needed.is_finite();
    Whole { factor, rows: all_rows.at_most(limit), is_bounded }
}

/// No full scan: the rows of the first search decide, and a key may be skewed.
fn search_factor(seen: Seen, steps: &[Sized<'_>]) -> Span3 {
    let Some(driver) = steps.iter().find(|sized| sized.step.kind == Kind::Search) else {
        return Span3::of(1.0, 3.0, 1e4);
    };
    // A row costs a few page accesses at most, whether it is given or not.
    let examined = seen.rows.max(seen.touched / 5.0).max(1.0);
    let most_rows =
        driver.most_per_search.map_or(driver.rows.hi, |most| most.max(examined * 2.0).min(driver.rows.hi));
    let most = (most_rows / examined).max(1.0);
    let mid = match driver.per_search {
        Some(rows) if rows > examined => rows / examined,
        _ => most.sqrt(),
    };
    Span3::of(1.0, mid.clamp(1.0, most), most)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(id: i64, parent: i64, kind: Kind) -> PlanStep {
        PlanStep { id, parent, kind, table: None, detail: String::new() }
    }

    #[test]
    fn a_stopped_probe_is_scaled_by_what_is_left_to_scan() {
        let scan = step(2, 0, Kind::Scan);
        let sized = [Sized {
            step: &scan,
            rows: Span3::of(9e3, 1e4, 1.1e4),
            per_search: None,
            most_per_search: None,
            is_base: true,
        }];
        let seen =
            Seen { rows: 100.0, touched: 100.0, missed: 100.0, steps: 1e3, scanned: 1e3, is_whole: false };
        let all = whole(seen, &sized, None);
        assert!(all.factor.lo <= 10.0 && (9.9..10.1).contains(&all.factor.mid) && all.factor.hi >= 11.0);
        let some = whole(seen, &sized, Some(200.0));
        assert!(some.factor.mid < 2.1 && some.factor.hi <= 5.1);
        let sorted = step(3, 0, Kind::TempTree);
        let sized = [
            Sized {
                step: &scan,
                rows: Span3::one(1e4),
                per_search: None,
                most_per_search: None,
                is_base: true,
            },
            Sized {
                step: &sorted,
                rows: Span3::one(0.0),
                per_search: None,
                most_per_search: None,
                is_base: true,
            },
        ];
        assert!(whole(seen, &sized, Some(200.0)).factor.mid > 9.0, "a sort reads all before the first row");
    }

    #[test]
    fn a_search_may_find_the_whole_table() {
        let search = step(2, 0, Kind::Search);
        let sized = [Sized {
            step: &search,
            rows: Span3::one(50_000.0),
            per_search: Some(10.0),
            most_per_search: None,
            is_base: true,
        }];
        let seen = Seen { rows: 1_000.0, touched: 4e3, is_whole: false, ..Seen::default() };
        assert_eq!(whole(seen, &sized, None).factor.hi, 50.0);
    }

    #[test]
    fn loops_inside_loops_multiply() {
        let (outer, inner) = (step(2, 0, Kind::Scan), step(3, 0, Kind::Scan));
        let sized = [
            Sized {
                step: &outer,
                rows: Span3::one(100.0),
                per_search: None,
                most_per_search: None,
                is_base: true,
            },
            Sized {
                step: &inner,
                rows: Span3::one(50.0),
                per_search: None,
                most_per_search: None,
                is_base: true,
            },
        ];
        assert_eq!(scan_steps(&sized).unwrap().mid, 100.0 + 5_000.0);
    }
}
