//! Ordering in the fetched rows, for sources that do not order themselves, by the one order of cells
//! ([`SortKey`]); equal rows keep their order.

use std::cmp::Ordering;

use super::run::rebuild;
use crate::model::Result;
use crate::model::batch::Batch;
use crate::model::order::SortKey;
use crate::model::read::OrderBy;

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
            let values = keys
                .iter()
                .map(|(column, _)| {
                    SortKey::of(&batch.cell(row, *column), &first.schema.fields[*column].logical)
                })
                .collect::<Vec<_>>();
            rows.push((values, (index, row)));
        }
    }
    rows.sort_by(|(a, _), (b, _)| {
        keys.iter()
            .enumerate()
            .map(|(index, (_, direction))| a[index].order(&b[index], *direction))
            .find(|ordering| ordering.is_ne())
            .unwrap_or(Ordering::Equal)
    });
    let places = rows.into_iter().map(|(_, place)| place).collect::<Vec<_>>();
    let columns = (0..first.schema.fields.len()).collect::<Vec<_>>();
    rebuild(&batches.iter().collect::<Vec<_>>(), &places, &columns).map(Some)
}
