//! What the grid reads of a buffer: exact cells by type, in the order and choice of the local view.

use std::borrow::Cow;
use std::ops::Range;

use super::find::{Found, Hit};
use crate::gui::grid::{ColumnBins, GridCell, GridColumn, GridModel, KeyMark, Mark, RowCount};
use crate::job::buffer::{Held, Snapshot};
use crate::model::cell::Cell;
use crate::model::node::{Description, KeyKind};
use crate::model::schema::LogicalType;
use crate::model::stats::{ColumnProfile, TableProfile};

/// Rows of a snapshot for one frame.
pub struct RowsModel<'a> {
    /// Name of the data set.
    pub name: &'a str,
    /// Columns with their marks.
    pub columns: Vec<GridColumn>,
    /// The rows.
    pub snapshot: &'a Snapshot,
    /// Rows shown, by place in the snapshot; none = all in their order.
    pub index: Option<&'a [u64]>,
    /// How many.
    pub count: RowCount,
    /// Cells that hold what the user looks for.
    pub found: &'a Found,
    /// The one the user stands at.
    pub front: Option<Hit>,
    /// What the grid wished for, in rows of the snapshot.
    pub wanted: Option<Range<u64>>,
}

impl RowsModel<'_> {
    /// The row of the snapshot behind a shown row.
    pub fn place(&self, row: u64) -> Option<u64> {
        place(self.index, row)
    }
}

/// The row of the snapshot behind a shown row.
pub fn place(index: Option<&[u64]>, row: u64) -> Option<u64> {
    match index {
        None => Some(row),
        Some(index) => index.get(usize::try_from(row).ok()?).copied(),
    }
}

impl GridModel for RowsModel<'_> {
    fn name(&self) -> &str {
        self.name
    }

    fn columns(&self) -> &[GridColumn] {
        &self.columns
    }

    fn row_count(&self) -> RowCount {
        self.count
    }

    fn cell(&self, row: u64, column: usize) -> GridCell<'_> {
        let Some(place) = self.place(row) else { return GridCell::Pending };
        let Held::Here(cell) = self.snapshot.cell(place, column) else { return GridCell::Pending };
        let logical = self.snapshot.schema.as_ref().and_then(|schema| schema.fields.get(column));
        shown(cell, logical.map_or(&LogicalType::Text, |field| &field.logical))
    }

    fn mark(&self, row: u64, column: usize) -> Mark {
        match self.found.holds(row, column) {
            true if self.front == Some((row, column)) => Mark::FrontHit,
            true => Mark::Hit,
            false => Mark::None,
        }
    }

    fn want(&mut self, rows: Range<u64>) {
        let last = rows.end.saturating_sub(1);
        if let (Some(start), Some(end)) = (self.place(rows.start), self.place(last)) {
            self.wanted = Some(start.min(end)..start.max(end) + 1);
        }
    }
}

/// A value as the grid paints it.
fn shown(cell: Cell, logical: &LogicalType) -> GridCell<'static> {
    match cell {
        Cell::Null => GridCell::Null,
        Cell::Missing => GridCell::Missing,
        Cell::Invalid(bytes) => GridCell::Invalid(Cow::Owned(bytes)),
        Cell::Bytes(bytes) => GridCell::Bytes(Cow::Owned(bytes)),
        Cell::Bool(_) => GridCell::Word(Cow::Owned(cell.text(logical))),
        Cell::Int(_) | Cell::UInt(_) | Cell::Float(_) | Cell::Float32(_) | Cell::Decimal(_) => {
            GridCell::Number(Cow::Owned(cell.text(logical)))
        }
        Cell::Text(text) => match logical {
            LogicalType::Enum { .. } => GridCell::Word(Cow::Owned(text)),
            LogicalType::Text => GridCell::Text(Cow::Owned(text)),
            _ => GridCell::Code(Cow::Owned(text)),
        },
        Cell::Exact(text) if logical.is_numeric() => GridCell::Number(Cow::Owned(text)),
        Cell::Date(_)
        | Cell::Time(_)
        | Cell::Timestamp(_)
        | Cell::Exact(_)
        | Cell::Json(_)
        | Cell::List(_)
        | Cell::Struct(_)
        | Cell::Map(_) => GridCell::Code(Cow::Owned(cell.text(logical))),
    }
}

/// The columns of a snapshot with key marks and distributions, where they are known.
pub fn columns(
    snapshot: &Snapshot,
    description: Option<&Description>,
    profile: Option<&TableProfile>,
) -> Vec<GridColumn> {
    let Some(schema) = &snapshot.schema else { return Vec::new() };
    let column = |field: &crate::model::schema::Field| GridColumn {
        name: field.name.clone(),
        type_name: if field.native.is_empty() { field.logical.to_string() } else { field.native.clone() },
        key: description.and_then(|description| key_mark(description, &field.name)),
        sort: None,
        bins: profile
            .and_then(|profile| profile.columns.iter().find(|column| column.name == field.name))
            .and_then(bins),
    };
    schema.fields.iter().map(column).collect()
}

fn key_mark(description: &Description, name: &str) -> Option<KeyMark> {
    let has = |kind| {
        description.keys.iter().any(|key| key.kind == kind && key.columns.iter().any(|column| column == name))
    };
    if has(KeyKind::Primary) {
        Some(KeyMark::Primary)
    } else {
        has(KeyKind::Foreign).then_some(KeyMark::Foreign)
    }
}

/// The strip under a header: the histogram, or the shares of frequent values where there is none.
pub fn bins(column: &ColumnProfile) -> Option<ColumnBins> {
    let heights = if column.histogram.is_empty() {
        column.top.iter().map(|top| top.count as f32).collect::<Vec<_>>()
    } else {
        column.histogram.iter().map(|bin| bin.share as f32).collect()
    };
    if heights.is_empty() && column.nulls.is_none() {
        return None;
    }
    let share = null_share(column);
    Some(ColumnBins { bins: heights, null_share: share, sentence: sentence(column) })
}

/// Share of nulls, 0 to 1.
pub fn null_share(column: &ColumnProfile) -> f32 {
    match column.nulls {
        Some(nulls) if column.rows > 0 => nulls as f32 / column.rows as f32,
        _ => 0.0,
    }
}

/// "0.2 % null, 5 values, from 1 to 9".
pub fn sentence(column: &ColumnProfile) -> String {
    let mut parts = Vec::new();
    if column.nulls.is_some() {
        parts.push(format!("{:.1} % null", null_share(column) * 100.0));
    }
    if let Some(distinct) = column.distinct {
        parts.push(format!("{distinct:.0} distinct values"));
    }
    if let (Some(min), Some(max)) = (&column.min, &column.max) {
        let text = |cell: &Cell| {
            crate::safety::display::visible(
                &cell.text(&column.logical),
                crate::safety::display::Place::Line,
                40,
            )
            .text
            .into_owned()
        };
        parts.push(format!("from {} to {}", text(min), text(max)));
    }
    parts.join(", ")
}
