//! Which share of a table's rows a condition lets through, by the statistics of its columns.
//!
//! One column: by its most frequent values and its histogram. Several: as little as the product, as much as
//! the rarest alone – an exact bound, whatever the columns have to do with each other.

use super::condition::{Against, Part};
use super::facts::{ColumnFacts, RelationFacts};
use crate::kit::sql::span::Span3;

/// Rows that statistics are made of, at the server's default.
const SAMPLED_ROWS: f64 = 30_000.0;

/// Most values of a list looked up.
const MOST_VALUES: usize = 500;

/// What statistics say of a condition.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Share {
    /// The share, from nothing to all.
    pub(super) share: Span3,
    /// Whether every part was covered.
    pub(super) is_whole: bool,
    /// Whether it reaches beyond the highest value known.
    pub(super) is_beyond: bool,
}

/// The share of all parts together.
pub(super) fn of(table: &RelationFacts, rows: f64, parts: &[Part]) -> Share {
    let mut columns: Vec<&str> = Vec::new();
    for part in parts {
        if let Part::Column { column, .. } = part
            && !columns.contains(&column.as_str())
        {
            columns.push(column);
        }
    }
    let mut found =
        Share { share: Span3::one(1.0), is_whole: !parts.contains(&Part::Expression), is_beyond: false };
    let mut rarest = 1.0_f64;
    for name in columns {
        let Some((share, is_beyond)) = table.column(name).and_then(|column| of_column(column, rows, parts))
        else {
            found.is_whole = false;
            continue;
        };
        found.share.lo *= share.lo;
        found.share.mid *= share.mid;
        found.share.hi = found.share.hi.min(share.hi);
        rarest = rarest.min(share.mid);
        found.is_beyond |= is_beyond;
    }
    // Columns often go together: between the product and the rarest.
    found.share.mid = (found.share.mid * rarest).sqrt().min(found.share.hi);
    found
}

/// The share of the parts on one column, and whether one reaches beyond the highest value known.
fn of_column(column: &ColumnFacts, rows: f64, parts: &[Part]) -> Option<(Span3, bool)> {
    let known = Known::of(column, rows)?;
    let mut share = Span3::one(1.0);
    let mut is_beyond = false;
    for part in parts {
        let Part::Column { column: name, operator, against } = part else { continue };
        if *name != column.name {
            continue;
        }
        let next = match (operator.as_str(), against) {
            ("IS NULL", _) => Span3::one(known.nulls),
            ("IS NOT NULL", _) => Span3::one(1.0 - known.nulls),
            ("=", Against::Value(value)) => known.equal(value),
            ("=", Against::Any(values)) => known.any(values),
            ("=", Against::Later) => known.average(),
            ("<>", Against::Value(value)) => {
                let equal = known.equal(value);
                Span3::of(1.0 - known.nulls - equal.hi, 1.0 - known.nulls - equal.mid, 1.0)
            }
            (operator @ ("<" | "<=" | ">" | ">="), Against::Value(value)) => {
                let (part, beyond) = known.range(operator, value)?;
                is_beyond |= beyond;
                part
            }
            _ => return None,
        };
        // Two ends of one range: what both leave over.
        let overlap = |a: f64, b: f64| (a + b - 1.0 + known.nulls).max(0.0);
        share = if share == Span3::one(1.0) {
            next
        } else {
            Span3::of(overlap(share.lo, next.lo), overlap(share.mid, next.mid), overlap(share.hi, next.hi))
        };
    }
    Some((share.at_most(1.0).at_least(0.0), is_beyond))
}

/// The statistics of a column, unpacked.
struct Known {
    common: Vec<(String, f64)>,
    bounds: Vec<String>,
    nulls: f64,
    distinct: f64,
    rows: f64,
    /// Share of the rows that are neither null nor one of the most frequent values.
    rest: f64,
}

impl Known {
    fn of(column: &ColumnFacts, rows: f64) -> Option<Self> {
        let distinct = match column.distinct? {
            share if share < 0.0 => (-share * rows).max(1.0),
            count => count.max(1.0),
        };
        let common = column.most_common();
        let nulls = column.nulls.unwrap_or(0.0);
        let total: f64 = common.iter().map(|(_, share)| share).sum();
        Some(Self {
            bounds: column.histogram(),
            nulls,
            distinct,
            rows,
            rest: (1.0 - total - nulls).max(0.0),
            common,
        })
    }

    fn equal(&self, value: &str) -> Span3 {
        if let Some((_, share)) = self.common.iter().find(|(known, _)| same(known, value)) {
            let noise = noise(*share);
            return Span3::of((share - noise).max(share * 0.3), *share, share + noise);
        }
        let others = (self.distinct - self.common.len() as f64).max(1.0);
        let mid = self.rest / others;
        let least_common = self.common.last().map_or(f64::INFINITY, |(_, share)| *share);
        // No more frequent than the rarest of the frequent ones; it may not be there at all.
        let most = if self.common.is_empty() { mid * 3.0 } else { least_common.max(mid) * 1.2 };
        let is_even = self.common.is_empty() && mid * self.rows >= 10.0;
        let least = if is_even { mid * 0.3 } else { 0.0 };
        Span3::of(least, mid, most.min(self.rest.max(mid) + 3.0 / SAMPLED_ROWS))
    }

    /// Equal to one of several values; of very many, some stand for all.
    fn any(&self, values: &[String]) -> Span3 {
        let looked_at = values.len().min(MOST_VALUES);
        let some = values.iter().take(looked_at).map(|value| self.equal(value));
        let sum = some.fold(Span3::ZERO, Span3::plus);
        sum.times(values.len() as f64 / looked_at.max(1) as f64).at_most(1.0)
    }

    /// Equal to a value that is not known yet.
    fn average(&self) -> Span3 {
        let mid = (1.0 - self.nulls) / self.distinct;
        // Frequent values are asked for frequently.
        let squares: f64 = self.common.iter().map(|(_, share)| share * share).sum();
        let most = self.common.first().map_or(mid * 1.5, |_| (squares * 1.5).max(mid * 2.0));
        Span3::of(0.0, mid, most.min(1.0))
    }

    fn range(&self, operator: &str, value: &str) -> Option<(Span3, bool)> {
        let is_in = |known: &str| {
            order(known, value).map(|order| match operator {
                "<" => order.is_lt(),
                "<=" => order.is_le(),
                ">" => order.is_gt(),
                _ => order.is_ge(),
            })
        };
        if self.bounds.len() < 2 && self.common.is_empty() {
            return None;
        }
        let mut common = 0.0;
        for (known, share) in &self.common {
            if is_in(known)? {
                common += share;
            }
        }
        let steps = self.bounds.len().saturating_sub(1).max(1) as f64;
        let (mut below, mut is_beyond) = (0.0, false);
        if let (Some(first), Some(last)) = (self.bounds.first(), self.bounds.last()) {
            let mut under = 0_usize;
            for bound in &self.bounds {
                under += usize::from(order(bound, value)?.is_lt());
            }
            let is_inside = order(first, value)?.is_lt() && order(last, value)?.is_gt();
            below = if is_inside { (under as f64 - 0.5) / steps } else { (under as f64 / steps).min(1.0) };
            is_beyond = !is_inside && operator.starts_with('>') && !order(last, value)?.is_gt();
        }
        let part = if operator.starts_with('<') { below } else { 1.0 - below };
        let mid = common + part * self.rest;
        // Inside of a step of the histogram rows are taken to lie evenly.
        let noise = 0.4 * self.rest / steps + noise(mid);
        Some((Span3::of((mid - noise).max(0.0), mid, (mid + noise).min(1.0)), is_beyond))
    }
}

/// Three standard errors of a share seen in the sample.
fn noise(share: f64) -> f64 {
    3.0 * (share * (1.0 - share).max(0.0) / SAMPLED_ROWS).sqrt()
}

fn same(a: &str, b: &str) -> bool {
    a == b || matches!((a.parse::<f64>(), b.parse::<f64>()), (Ok(a), Ok(b)) if a == b)
}

/// The order of two values: numbers, or texts of dates and times. Other texts are ordered by rules of the
/// server that are not known here.
fn order(a: &str, b: &str) -> Option<std::cmp::Ordering> {
    if let (Ok(a), Ok(b)) = (a.parse::<f64>(), b.parse::<f64>()) {
        return a.partial_cmp(&b);
    }
    let is_date = |text: &str| text.starts_with(|c: char| c.is_ascii_digit()) && text.contains(['-', ':']);
    (is_date(a) && is_date(b)).then(|| a.cmp(b))
}

#[cfg(test)]
mod tests {
    use super::super::condition;
    use super::super::facts::Facts;
    use super::*;

    fn table() -> Facts {
        let bounds = (0..=100).map(|at| (at * 10).to_string()).collect::<Vec<_>>().join(",");
        Facts::parse([format!(
            r#"{{"schema": "s", "name": "t", "pages": 100, "tuples": 10000, "bytes": 819200, "columns": [
                {{"name": "kind", "distinct": 20, "nulls": 0, "common": "{{a,b,c}}", "shares": [0.5, 0.2, 0.1]}},
                {{"name": "n", "distinct": -1, "nulls": 0, "bounds": "{{{bounds}}}"}},
                {{"name": "hidden"}}]}}"#
        )
        .as_str()])
        .unwrap()
    }

    #[test]
    fn shares_follow_frequent_values_and_histograms() {
        let facts = table();
        let table = facts.of("s", "t").unwrap();
        for (text, lo, hi, is_whole, is_beyond) in [
            ("(t.kind = 'a'::text)", 0.48, 0.52, true, false),
            ("(t.kind = 'zzz'::text)", 0.0, 0.13, true, false),
            ("(t.kind = ANY ('{a,b}'::text[]))", 0.65, 0.75, true, false),
            ("(t.n < 500)", 0.45, 0.55, true, false),
            ("((t.n >= 100) AND (t.n < 200))", 0.05, 0.15, true, false),
            ("(t.n > 5000)", 0.0, 0.02, true, true),
            ("((t.kind = 'a'::text) AND (t.n < 100))", 0.03, 0.13, true, false),
            ("((t.kind = 'a'::text) AND (t.hidden = 1))", 0.48, 0.52, false, false),
            ("(t.kind ~~ 'a%'::text)", 1.0, 1.0, false, false),
        ] {
            let share = of(table, 10_000.0, &condition::parts(text));
            assert!(share.share.lo >= lo && share.share.hi <= hi, "{text}: {share:?}");
            assert!(
                share.share.lo <= share.share.mid && share.share.mid <= share.share.hi,
                "{text}: {share:?}"
            );
            assert_eq!((share.is_whole, share.is_beyond), (is_whole, is_beyond), "{text}: {share:?}");
        }
    }
}
