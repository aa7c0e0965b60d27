//! Ordering in the fetched rows, for sources that do not order themselves. Absent values come last,
//! numbers compare as numbers, everything else as text; equal rows keep their order.

use std::cmp::Ordering;

use super::run::rebuild;
use crate::model::Result;
use crate::model::batch::Batch;
use crate::model::cell::Cell;
use crate::model::read::{Direction, OrderBy};
use crate::model::schema::LogicalType;

/// All rows of the batches as one batch, ordered; none if there is no batch.
pub(super) fn order_rows(batches: &[Batch], order: &[OrderBy]) -> Result<Option<Batch>> {
    let Some(first) = batches.first() else { return Ok(None) };
    let keys = order
        .iter()
        .filter_map(|by| first.schema.index_of(&by.column).map(|column| (column, by.direction)))
        .collect::<Vec<_>>();
    let mut rows = Vec::new();
    for (index, batch) in batches.iter().enumerate() {
        for row in 0..batch.row_count() {
            let values = keys.iter().map(|(column, _)| batch.cell(row, *column)).collect::<Vec<_>>();
            rows.push((values, (index, row)));
        }
    }
    rows.sort_by(|(a, _), (b, _)| {
        keys.iter()
            .enumerate()
            .map(|(index, (column, direction))| {
                compare(&a[index], &b[index], &first.schema.fields[*column].logical, *direction)
            })
            .find(|ordering| ordering.is_ne())
            .unwrap_or(Ordering::Equal)
    });
    let places = rows.into_iter().map(|(_, place)| place).collect::<Vec<_>>();
    let columns = (0..first.schema.fields.len()).collect::<Vec<_>>();
    rebuild(&batches.iter().collect::<Vec<_>>(), &places, &columns).map(Some)
}

fn compare(a: &Cell, b: &Cell, logical: &LogicalType, direction: Direction) -> Ordering {
    match (a.is_absent(), b.is_absent()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let ordering = match (number(a, logical), number(b, logical)) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => a.text(logical).cmp(&b.text(logical)),
    };
    let ordering = match (a, b) {
        (Cell::Int(a), Cell::Int(b))
        | (Cell::Timestamp(a), Cell::Timestamp(b))
        | (Cell::Time(a), Cell::Time(b)) => a.cmp(b),
        (Cell::UInt(a), Cell::UInt(b)) => a.cmp(b),
        _ => ordering,
    };
    match direction {
        Direction::Ascending => ordering,
        Direction::Descending => ordering.reverse(),
    }
}

fn number(cell: &Cell, logical: &LogicalType) -> Option<f64> {
    match cell {
        Cell::Int(value) => Some(*value as f64),
        Cell::UInt(value) => Some(*value as f64),
        Cell::Float(value) => Some(*value),
        Cell::Float32(value) => Some(f64::from(*value)),
        Cell::Date(value) => Some(f64::from(*value)),
        Cell::Time(value) | Cell::Timestamp(value) => Some(*value as f64),
        Cell::Bool(value) => Some(f64::from(u8::from(*value))),
        Cell::Decimal(_) => cell.text(logical).parse().ok(),
        _ => None,
    }
}
