//! What the footer states of each column over all groups of rows: the catalogue level of a profile.

use std::cmp::Ordering;

use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::statistics::Statistics;

use super::footer::Footer;
use super::types::Columns;
use crate::kit::files::arrays::carried;
use crate::model::batch::cell_of;
use crate::model::cell::Cell;
use crate::model::lost::Findings;
use crate::model::order::SortKey;
use crate::model::read::Direction;
use crate::model::schema::Field;
use crate::model::stats::{Basis, ColumnProfile, TableProfile};

/// Statistics are taken of at most so many groups times columns.
const MOST_STATISTICS: usize = 1 << 20;

/// The profile that the footer knows.
pub(super) fn profile(footer: &Footer, columns: &Columns, rows: Option<u64>) -> TableProfile {
    let groups = footer.metadata.row_groups();
    let descriptor = footer.metadata.file_metadata().schema_descr();
    let mut leaf_of = vec![None; columns.schema.fields.len()];
    for leaf in 0..descriptor.num_columns() {
        let root = descriptor.get_column_root_idx(leaf);
        // A column of several leaves has no order of its own.
        let is_flat = descriptor.column(leaf).path().parts().len() == 1;
        if let Some(place) = leaf_of.get_mut(root).filter(|_| is_flat) {
            *place = Some(leaf);
        }
    }
    let affordable = groups.len().saturating_mul(columns.schema.fields.len()) <= MOST_STATISTICS;
    let column = |index: usize, field: &Field| {
        let leaf = leaf_of.get(index).copied().flatten().filter(|_| affordable);
        match leaf {
            Some(leaf) => column(footer, columns, (index, leaf), field, rows),
            None => unknown(field, rows),
        }
    };
    TableProfile {
        rows,
        rows_basis: Basis::Exact,
        rows_seen: 0,
        method: format!("statistics in the footer, of {} row groups", groups.len()),
        columns: columns
            .schema
            .fields
            .iter()
            .enumerate()
            .map(|(index, field)| column(index, field))
            .collect(),
        findings: Findings::default(),
    }
}

fn unknown(field: &Field, rows: Option<u64>) -> ColumnProfile {
    ColumnProfile {
        rows: rows.unwrap_or(0),
        notes: vec!["the footer states nothing of this column's values".to_owned()],
        ..ColumnProfile::unknown(&field.name, field.logical.clone())
    }
}

fn column(
    footer: &Footer,
    columns: &Columns,
    (index, leaf): (usize, usize),
    field: &Field,
    rows: Option<u64>,
) -> ColumnProfile {
    let mut made = unknown(field, rows);
    let groups = footer.metadata.row_groups();
    let descriptor = footer.metadata.file_metadata().schema_descr();
    let Some(arrow) = columns.reader.schema().fields().get(index) else { return made };
    let Ok(statistics) = StatisticsConverter::from_column_index(leaf, arrow, descriptor) else { return made };
    let statistics = statistics.with_missing_null_counts_as_zero(false);
    let counts = statistics.row_group_null_counts(groups);
    made.nulls =
        counts.ok().and_then(|counts| counts.iter().sum::<Option<u64>>()).filter(|_| !groups.is_empty());
    let all_valued = groups.iter().all(|group| has_range(group, leaf) || is_all_null(group, leaf));
    // The order that old writers kept for these is not the order of their values.
    let ordered = !columns.wide_times.get(index).copied().unwrap_or(false) && all_valued;
    if ordered
        && let (Ok(least), Ok(most)) = (statistics.row_group_mins(groups), statistics.row_group_maxes(groups))
        && let (Ok((least, _)), Ok((most, _))) =
            (carried(&least, &field.logical), carried(&most, &field.logical))
    {
        let cells = |array: &arrow::array::ArrayRef| -> Vec<Cell> {
            (0..array.len()).map(|row| cell_of(array, row, &field.logical)).collect()
        };
        made.min = extreme(cells(&least), field, Ordering::Less);
        made.max = extreme(cells(&most), field, Ordering::Greater);
    }
    if made.min.is_some() || made.nulls.is_some() {
        made.notes.clear();
        made.source = Some("row group statistics in the footer".to_owned());
    }
    if groups.iter().any(|group| is_cut(group, leaf)) {
        made.notes.push("least and most are bounds: the writer cut long values".to_owned());
    }
    made
}

fn has_range(group: &RowGroupMetaData, leaf: usize) -> bool {
    let statistics = group.columns().get(leaf).and_then(|column| column.statistics());
    statistics.is_some_and(|found| found.min_bytes_opt().is_some() && found.max_bytes_opt().is_some())
}

fn is_all_null(group: &RowGroupMetaData, leaf: usize) -> bool {
    let Some(column) = group.columns().get(leaf) else { return false };
    let nulls = column.statistics().and_then(Statistics::null_count_opt);
    nulls.is_some_and(|nulls| i64::try_from(nulls).is_ok_and(|nulls| nulls == column.num_values()))
}

fn is_cut(group: &RowGroupMetaData, leaf: usize) -> bool {
    let statistics = group.columns().get(leaf).and_then(|column| column.statistics());
    statistics.is_some_and(|found| {
        let has_range = found.min_bytes_opt().is_some() && found.max_bytes_opt().is_some();
        // Only text and bytes are cut; elsewhere old writers just did not say that they are exact.
        let is_text = matches!(
            found.physical_type(),
            parquet::basic::Type::BYTE_ARRAY | parquet::basic::Type::FIXED_LEN_BYTE_ARRAY
        );
        has_range && is_text && !(found.min_is_exact() && found.max_is_exact())
    })
}

fn extreme(cells: Vec<Cell>, field: &Field, wanted: Ordering) -> Option<Cell> {
    let mut best: Option<Cell> = None;
    for cell in cells.into_iter().filter(|cell| !cell.is_absent()) {
        let is_better = best.as_ref().is_none_or(|best| {
            let (left, right) = (SortKey::of(&cell, &field.logical), SortKey::of(best, &field.logical));
            left.order(&right, Direction::Ascending) == wanted
        });
        if is_better {
            best = Some(cell);
        }
    }
    best
}
