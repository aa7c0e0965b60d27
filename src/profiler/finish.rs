//! From states to the profile a person reads.

use super::accumulator::{ColumnAccumulator, Values};
use super::decimal::Number;
use super::histogram::{Grain, Place, histogram};
use super::kind;
use super::limits::Limits;
use super::{RANKS, TOP_VALUES};
use crate::model::cell::Cell;
use crate::model::column_state::TableState;
use crate::model::lost::Findings;
use crate::model::schema::{Field, LogicalType};
use crate::model::stats::{Basis, ColumnProfile, Lengths, Quantile, TableProfile, TopValue};
use crate::model::{Error, Result};

/// Longer texts are shown by their beginning.
const LONGEST_SHOWN_CHARS: usize = 500;

/// Which rows were seen, out of which.
#[derive(Clone, Debug, PartialEq)]
pub struct Coverage {
    /// Rows of the table, as far as known.
    pub rows: Option<u64>,
    /// What `rows` rests on.
    pub rows_basis: Basis,
    /// `Exact` when every row was seen, `Sample` when only some were.
    pub seen: Basis,
    /// How the rows were chosen, in words.
    pub method: String,
}

/// The profile of a state. Fails if the state can't be right.
pub fn finish(state: &TableState, coverage: &Coverage, findings: Findings) -> Result<TableProfile> {
    if state.schema.fields.len() != state.columns.len() {
        return Err(Error::unexpected("profile", "a table state has other columns than its schema"));
    }
    let limits = Limits::for_columns(state.columns.len());
    let columns = state.schema.fields.iter().zip(&state.columns).map(|(field, column)| {
        Ok(profile(field, &ColumnAccumulator::from_state(&field.logical, column, limits)?, coverage))
    });
    Ok(TableProfile {
        rows: coverage.rows,
        rows_basis: coverage.rows_basis,
        rows_seen: state.rows,
        method: coverage.method.clone(),
        columns: columns.collect::<Result<_>>()?,
        findings,
    })
}

/// A value on the axis: its position, how often it came, and its cell where that is known exactly.
struct Point {
    position: i64,
    weight: u64,
    cell: Option<Cell>,
}

fn profile(field: &Field, column: &ColumnAccumulator, coverage: &Coverage) -> ColumnProfile {
    let mut made = ColumnProfile {
        rows: column.rows,
        nulls: Some(column.nulls),
        missing: column.missing,
        odd: column.odd,
        special: column.special,
        empty: column.empty,
        ..ColumnProfile::unknown(&field.name, field.logical.clone())
    };
    if let Some((min, max)) = column.range_cells() {
        let (min, min_cut) = shortened(min);
        let (max, max_cut) = shortened(max);
        if min_cut || max_cut {
            made.notes.push(format!("long values are shown by their first {LONGEST_SHOWN_CHARS} characters"));
        }
        (made.min, made.max) = (Some(min), Some(max));
    }
    made.mean = mean(column, &mut made.notes);
    made.lengths = column.lengths.map(|lengths| Lengths {
        min: lengths.min,
        mean: lengths.sum as f64 / measured(column).max(1) as f64,
        max: lengths.max,
    });
    let points = points(column);
    made.quantiles = quantiles(column, &points);
    made.histogram = bars(column, &points);
    made.top = top(column);
    if let Values::Sketched(sketches) = &column.values {
        made.error_bound = Some(sketches.distinct_error());
        made.rank_error = (!points.is_empty()).then(|| sketches.quantiles.rank_error());
    }
    distinct(column, coverage, &mut made);
    made
}

/// Values that are neither absent nor odd.
fn values(column: &ColumnAccumulator) -> u64 {
    column.rows.saturating_sub(column.nulls + column.missing + column.odd)
}

/// Values whose length was taken.
fn measured(column: &ColumnAccumulator) -> u64 {
    values(column) - column.extras.values().sum::<u64>().min(values(column))
}

fn mean(column: &ColumnAccumulator, notes: &mut Vec<String>) -> Option<f64> {
    if column.sum.count == 0 {
        return None;
    }
    if column.special > 0 {
        notes.push("the mean leaves out values that are not finite".to_owned());
    }
    let mean = column.sum.total() / column.sum.count as f64;
    if !mean.is_finite() {
        notes.push("the sum is beyond what a 64-bit float holds, so there is no mean".to_owned());
    }
    mean.is_finite().then_some(mean)
}

fn distinct(column: &ColumnAccumulator, coverage: &Coverage, made: &mut ColumnProfile) {
    let values = values(column) as f64;
    let seen = match &column.values {
        Values::Exact(dictionary) => (dictionary.len() + column.extras.len()) as f64,
        Values::Sketched(sketches) => (sketches.distinct().round() + column.extras.len() as f64).min(values),
    };
    made.distinct = Some(seen);
    made.distinct_basis = match (&column.values, coverage.seen) {
        (_, Basis::Sample) => Basis::Sample,
        (Values::Exact(_), _) => Basis::Exact,
        (Values::Sketched(_), _) => Basis::Estimate,
    };
    let Some(table) = coverage.rows.filter(|rows| *rows > column.rows && column.rows > 0) else { return };
    if coverage.seen != Basis::Sample {
        return;
    }
    let scale = table as f64 / column.rows as f64;
    match &column.values {
        Values::Exact(dictionary) => {
            // The guaranteed-error estimator: a value seen once stands for up to `scale` unseen ones.
            let once = dictionary.iter().filter(|(_, _, count)| *count == 1).count() as f64;
            // A sample without a repeat is that of a key, as far as it can tell.
            let all_once = once > 1.0 && once >= values;
            let expected = if all_once { scale } else { scale.sqrt() };
            made.distinct = Some((expected.mul_add(once, seen - once)).round());
            made.distinct_range = Some((seen, (scale.mul_add(once, seen - once)).round()));
        }
        Values::Sketched(sketches) => {
            let least = seen * (1.0 - 3.0 * sketches.distinct_error());
            made.distinct_range = Some((least.round(), (values * scale).round()));
        }
    }
}

/// The values on the axis in order; empty for types without one.
fn points(column: &ColumnAccumulator) -> Vec<Point> {
    if !column.kind.has_axis() {
        return Vec::new();
    }
    match &column.values {
        Values::Exact(dictionary) => {
            let mut points: Vec<Point> = dictionary
                .iter()
                .filter_map(|(key, text, weight)| {
                    let position = kind::position(column.kind, key, text)?;
                    Some(Point { position, weight, cell: Some(column.value_cell(key, text)) })
                })
                .collect();
            points.sort_by(|a, b| a.position.cmp(&b.position).then_with(|| finer(a, b)));
            points
        }
        Values::Sketched(sketches) => sketches
            .quantiles
            .view()
            .into_iter()
            .map(|item| Point { position: item.position, weight: item.weight, cell: None })
            .collect(),
    }
}

/// Order of decimals whose floats are the same.
fn finer(a: &Point, b: &Point) -> std::cmp::Ordering {
    match (&a.cell, &b.cell) {
        (Some(Cell::Decimal(a)), Some(Cell::Decimal(b))) => Number::parse(a).cmp(&Number::parse(b)),
        _ => std::cmp::Ordering::Equal,
    }
}

fn quantiles(column: &ColumnAccumulator, points: &[Point]) -> Vec<Quantile> {
    let total: u64 = points.iter().map(|point| point.weight).sum();
    let mut below = 0;
    let mut rest = points.iter().peekable();
    RANKS
        .iter()
        .filter_map(|&rank| {
            let wanted = ((rank * total as f64).ceil() as u64).clamp(1, total.max(1));
            while let Some(point) = rest.peek()
                && below + point.weight < wanted
            {
                below += point.weight;
                rest.next();
            }
            let point = rest.peek()?;
            let value = point
                .cell
                .clone()
                .unwrap_or_else(|| kind::cell_at(column.kind, &column.logical, point.position));
            Some(Quantile { rank, value })
        })
        .collect()
}

fn bars(column: &ColumnAccumulator, points: &[Point]) -> Vec<crate::model::stats::Bin> {
    let (kind, logical) = (column.kind, &column.logical);
    let places: Vec<Place> = points
        .iter()
        .map(|point| Place { at: kind::axis(kind, logical, point.position), weight: point.weight })
        .collect();
    let grain = match (kind, logical) {
        (_, LogicalType::Int { .. }) => Grain::Whole(1.0),
        (_, LogicalType::Date) => Grain::Whole(86_400.0),
        _ => Grain::Fine,
    };
    histogram(&places, column.rows, grain, |place| kind::axis_text(kind, logical, place))
}

fn top(column: &ColumnAccumulator) -> Vec<TopValue> {
    let exact = |value, count| {
        let (value, cut) = shortened(value);
        TopValue { value, count, error: 0, cut }
    };
    let mut top: Vec<TopValue> = match &column.values {
        Values::Exact(dictionary) => {
            let mut entries: Vec<_> = dictionary.iter().collect();
            let order = |entry: &(i64, &[u8], u64)| (std::cmp::Reverse(entry.2), entry.0);
            if column.kind.is_keyed() {
                entries.sort_by_key(order);
            } else {
                entries.sort_by_key(|entry| (std::cmp::Reverse(entry.2), entry.1));
            }
            entries.truncate(TOP_VALUES);
            entries.into_iter().map(|(key, text, count)| exact(column.value_cell(key, text), count)).collect()
        }
        Values::Sketched(sketches) => sketches
            .frequent()
            .into_iter()
            .filter_map(|item| {
                let (value, cut) = if column.kind.is_keyed() {
                    (kind::cell_of_key(column.kind, &column.logical, item.key), false)
                } else {
                    let text = sketches.text(item.key)?;
                    (kind::cell_of_text(column.kind, &column.logical, &text.bytes), text.cut)
                };
                Some(TopValue { value, count: item.count, error: item.error, cut })
            })
            .take(TOP_VALUES)
            .collect(),
    };
    let extras = column.extras.iter().map(|(text, count)| exact(Cell::Exact(text.clone()), *count));
    top.extend(extras);
    top.sort_by_key(|value| std::cmp::Reverse(value.count));
    top.truncate(TOP_VALUES);
    top
}

/// A text or bytes cut to what can be shown, and whether it was cut.
fn shortened(cell: Cell) -> (Cell, bool) {
    let cut = |text: &str| -> Option<String> {
        text.char_indices().nth(LONGEST_SHOWN_CHARS).and_then(|(end, _)| text.get(..end)).map(str::to_owned)
    };
    let shorter = match &cell {
        Cell::Text(text) => cut(text).map(Cell::Text),
        Cell::Exact(text) => cut(text).map(Cell::Exact),
        Cell::Json(text) => cut(text).map(Cell::Json),
        Cell::Bytes(bytes) => bytes.get(..LONGEST_SHOWN_CHARS + 1).map(|head| {
            let mut head = head.to_vec();
            head.truncate(LONGEST_SHOWN_CHARS);
            Cell::Bytes(head)
        }),
        _ => None,
    };
    match shorter {
        Some(shorter) => (shorter, true),
        None => (cell, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profiler::kind::Kind;

    #[test]
    fn only_values_longer_than_the_limit_are_cut() {
        let fits = "ä".repeat(LONGEST_SHOWN_CHARS);
        assert_eq!(shortened(Cell::Text(fits.clone())), (Cell::Text(fits.clone()), false));
        assert_eq!(shortened(Cell::Text(format!("{fits}x"))), (Cell::Text(fits), true));
        let bytes = vec![7; LONGEST_SHOWN_CHARS];
        assert_eq!(shortened(Cell::Bytes(bytes.clone())), (Cell::Bytes(bytes.clone()), false));
        assert_eq!(shortened(Cell::Bytes([bytes.clone(), vec![1]].concat())), (Cell::Bytes(bytes), true));
    }

    #[test]
    fn kinds_without_an_axis_have_no_quantiles() {
        for logical in [LogicalType::Text, LogicalType::Bool, LogicalType::Bytes, LogicalType::Null] {
            assert!(!Kind::of(&logical).has_axis());
        }
    }
}
