//! How large a table is, from a few pages: its first and last row number, and how densely rows lie at three
//! places. Constant cost; never a walk over the file.

use super::catalog::{Computed, Statistics, TableInfo};
use super::commands as sent;
use super::decode::{Affinity, affinity, int_of};
use super::filter::quote;
use super::link::{Ask, Taken};
use super::sample::KeyRange;
use crate::job::CallCtx;
use crate::model::Result;
use crate::model::cell::Cell;

/// Rows looked at in each place.
const RUN: i64 = 128;

/// A table's size, as intervals.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct TableSize {
    /// Rows: least, best guess, most.
    pub(super) rows: (f64, f64, f64),
    /// Pages of the table's tree without overflow pages: least, best guess, most.
    pub(super) pages: (f64, f64, f64),
    /// Leaf pages of a run of rows, for each row: least, best guess, most.
    pub(super) per_row: (f64, f64, f64),
    /// Overflow pages of a row on average: pages of values too long for a leaf.
    pub(super) spill: f64,
    /// Pages from the root to a row.
    pub(super) depth: f64,
    /// First and last row number, where there are any.
    pub(super) range: Option<KeyRange>,
    /// Whether row numbers have no gaps where we looked.
    pub(super) is_dense: bool,
}

/// First and last row number, and how many pages lead to a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Ends {
    /// The row numbers.
    pub(super) range: KeyRange,
    /// Pages from the root to a row.
    pub(super) depth: f64,
}

/// Looks up the first and the last row number; none for an empty table.
pub(super) async fn ends(
    ctx: &CallCtx,
    stage: &str,
    taken: &mut Taken<'_>,
    table: &str,
    number: &str,
) -> Result<Option<Ends>> {
    let name = quote(table);
    let text = format!("SELECT (SELECT min({number}) FROM {name}), (SELECT max({number}) FROM {name})");
    let (rows, ran) = taken.measured(ctx, stage, Ask::new(sent::RANGE, text)).await?;
    let ends = rows.first().map(|row| (int_of(row.first()), int_of(row.get(1))));
    let Some((Some(first), Some(last))) = ends else { return Ok(None) };
    // One access checks the schema; the rest is two ways from the root to a leaf.
    let depth = ((ran.pages.touched() as f64 - 1.0) / 2.0).max(1.0);
    Ok(Some(Ends { range: KeyRange { first, last }, depth }))
}

/// The size of a table with row numbers, by how densely rows lie at three places.
pub(super) async fn measure(
    ctx: &CallCtx,
    stage: &str,
    taken: &mut Taken<'_>,
    table: &TableInfo,
    number: &str,
    (ends, page_bytes): (Ends, u64),
) -> Result<Spread> {
    let name = quote(&table.name);
    let Ends { range, depth } = ends;
    // The length of a value stands in the row's head: long values are not read to know it.
    let lengths = table
        .visible()
        .filter(|column| {
            column.computed == Computed::No
                && !matches!(affinity(&column.declared), Affinity::Integer | Affinity::Real)
        })
        .take(60)
        .map(|column| format!("coalesce(octet_length({}), 0)", quote(&column.name)))
        .collect::<Vec<_>>();
    let spill =
        if lengths.is_empty() { "0".to_owned() } else { format!("({}) / {page_bytes}", lengths.join(" + ")) };
    let KeyRange { first, last } = range;
    let place = |part: u64| {
        let offset = u128::from(range.span()) * u128::from(part) / 8;
        i64::try_from(i128::from(first) + i128::try_from(offset).unwrap_or(0)).unwrap_or(last)
    };
    let one = |parameter: u32| {
        format!(
            "SELECT count(*) AS n, min(r) AS lo, max(r) AS hi, total(s) AS spill FROM (SELECT {number} AS r, {spill} AS s FROM {name} WHERE {number} >= ?{parameter} ORDER BY {number} LIMIT {RUN})"
        )
    };
    let text = format!("SELECT n, lo, hi, spill FROM ({} UNION ALL {} UNION ALL {})", one(1), one(2), one(3));
    let ask = [1, 4, 6]
        .into_iter()
        .fold(Ask::new(sent::SPREAD, text), |ask, part| ask.bind(Cell::Int(place(part))));
    let (places, ran) = taken.measured(ctx, stage, ask).await?;
    let densities = places.iter().filter_map(|row| density(row)).collect::<Vec<_>>();
    let seen = places.iter().filter_map(|row| int_of(row.first())).sum::<i64>().max(1) as f64;
    let leaves = (ran.pages.touched() as f64 - 1.0 - 3.0 * (depth - 1.0)).max(1.0);
    let spilled = places
        .iter()
        .map(|row| match row.get(3) {
            Some(Cell::Float(pages)) => *pages,
            _ => 0.0,
        })
        .sum::<f64>();
    Ok(Spread { densities, seen, leaves, spilled })
}

/// What three places told.
#[derive(Clone, Debug)]
pub(super) struct Spread {
    densities: Vec<f64>,
    seen: f64,
    leaves: f64,
    spilled: f64,
}

/// Rows per row number in a run.
fn density(row: &[Cell]) -> Option<f64> {
    let (count, low, high) = (int_of(row.first())?, int_of(row.get(1))?, int_of(row.get(2))?);
    let width = high.checked_sub(low)?;
    Some(if width <= 0 { 1.0 } else { (count - 1) as f64 / width as f64 })
}

/// The size of a table from its ends, its spread, its statistics and the pages in use.
pub(super) fn size_of(ends: Ends, spread: &Spread, statistics: &Statistics, used_pages: u64) -> TableSize {
    let (Ends { range, depth }, Spread { densities, seen, leaves, spilled }) = (ends, spread);
    let span = range.span() as f64;
    let least = densities.iter().copied().fold(1.0, f64::min);
    let most = densities.iter().copied().fold(0.0, f64::max).max(f64::MIN_POSITIVE);
    let mean =
        if densities.is_empty() { 1.0 } else { densities.iter().sum::<f64>() / densities.len() as f64 };
    let is_dense = least >= 0.999;
    let rows = if is_dense {
        // No gap where we looked: there may still be one elsewhere.
        (span * 0.85, span, span)
    } else {
        ((span * least * 0.5).max(1.0), (span * mean).max(1.0), (span * most * 2.0).clamp(1.0, span))
    };
    let rows = match statistics.rows.map(|rows| rows as f64) {
        // Statistics that fit the row numbers are better than three places.
        Some(known) if known >= rows.0 * 0.5 && known <= rows.2 * 1.5 => {
            let known = known.min(span);
            (known * 0.9, known, (known * 1.1).min(span))
        }
        _ => rows,
    };
    // Three runs start and end inside a page: up to three pages are counted that hold few of the rows.
    let per_page = (seen / leaves, seen / (leaves - 1.5).max(0.75), seen / (leaves - 3.0).max(0.5));
    let used = used_pages.max(1) as f64;
    let pages = |rows: f64, per_page: f64| (rows / per_page * 1.01 + depth - 1.0).clamp(1.0, used);
    TableSize {
        rows,
        pages: (
            pages(rows.0, per_page.2) * 0.8,
            pages(rows.1, per_page.1),
            (pages(rows.2, per_page.0) * 1.2).min(used),
        ),
        per_row: (
            (leaves - 3.0).max(0.2) / seen * 0.7,
            (leaves - 2.25).max(0.4) / seen,
            (leaves - 0.75).max(0.6) / seen * 1.1,
        ),
        spill: spilled / seen,
        depth,
        range: Some(range),
        is_dense,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_follow_density_and_never_exceed_the_file_or_the_row_numbers() {
        let range = KeyRange { first: 1, last: 10_000 };
        let ends = Ends { range, depth: 2.0 };
        let spread = |densities: &[f64]| Spread {
            densities: densities.to_vec(),
            seen: 192.0,
            leaves: 6.0,
            spilled: 0.0,
        };
        let none = Statistics::default();
        let dense = size_of(ends, &spread(&[1.0, 1.0, 1.0]), &none, 1_000);
        assert_eq!((dense.rows.1, dense.rows.2), (10_000.0, 10_000.0));
        assert!(dense.pages.0 < dense.pages.1 && dense.pages.1 < dense.pages.2 && dense.pages.2 <= 1_000.0);
        let sparse = size_of(ends, &spread(&[0.3, 0.34, 0.33]), &none, 1_000);
        assert!((3_000.0..3_600.0).contains(&sparse.rows.1));
        let analyzed = Statistics { rows: Some(3_333), ..Statistics::default() };
        let known = size_of(ends, &spread(&[0.3, 0.34, 0.33]), &analyzed, 1_000);
        assert_eq!(known.rows.1, 3_333.0);
    }
}
