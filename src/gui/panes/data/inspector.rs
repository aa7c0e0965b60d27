//! The inspector of a data tab: the cell at the cursor whole, or its row as a record.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use egui::{RichText, ScrollArea, Ui};

use super::DataTab;
use super::rows::place;
use crate::gui::inspect::{CellValue, InspectorState, inspector_ui};
use crate::gui::theme::{self, fonts, space};
use crate::gui::view_ctx::ViewCtx;
use crate::gui::widgets::{Empty, empty_state_ui, key_value_ui};
use crate::job::buffer::{Held, Snapshot};
use crate::model::cell::Cell;
use crate::model::schema::{Field, LogicalType};
use crate::safety::display::name as visible;

/// Draws the inspector of the tab: the cell or the row in front.
pub fn data_inspector_ui(_ctx: &ViewCtx<'_>, ui: &mut Ui, tab: &DataTab, state: &mut InspectorState) {
    tab.inspector_seen.set(ui.ctx().cumulative_frame_nr());
    let shown = tab.shown.as_ref();
    let spot = shown.and_then(|shown| {
        let (row, column) = tab.grid.cursor()?;
        Some((&shown.snapshot, row, place(tab.local.index(), row)?, column))
    });
    let Some((snapshot, row, place, column)) = spot else {
        let why = "Choose a cell in the grid to see it whole; Space shows its row as a record.";
        empty_state_ui(ui, Empty { title: "No cell chosen", why, action: None });
        return;
    };
    if tab.record == Some(row) {
        record_ui(ui, snapshot, row, place);
        return;
    }
    let field = snapshot.schema.as_ref().and_then(|schema| schema.fields.get(column));
    match (snapshot.cell(place, column), field) {
        (Held::Here(cell), Some(field)) => cell_ui(ui, &cell, field, row, (place, column), state),
        _ => {
            let why = "It will be read again when the grid comes to it.";
            empty_state_ui(ui, Empty { title: "Not in memory", why, action: None });
        }
    }
}

fn cell_ui(
    ui: &mut Ui,
    cell: &Cell,
    field: &Field,
    row: u64,
    spot: (u64, usize),
    state: &mut InspectorState,
) {
    let title = format!("{}, row {}", visible(&field.name), row + 1);
    let tokens = theme::of(ui.ctx()).tokens;
    ui.add_space(space::XS);
    ui.label(RichText::new(type_text(field)).font(fonts::caption()).color(tokens.text_dim));
    let text;
    let value = match cell {
        Cell::Null => CellValue::Null,
        Cell::Missing => CellValue::Missing,
        Cell::Bytes(bytes) => CellValue::Bytes(bytes),
        Cell::Invalid(bytes) => {
            ui.label("not valid in the column's encoding: raw bytes, kept");
            CellValue::Bytes(bytes)
        }
        Cell::Text(known) | Cell::Json(known) | Cell::Exact(known) | Cell::Decimal(known) => {
            CellValue::Text(known)
        }
        other => {
            text = other.text(&field.logical);
            CellValue::Text(&text)
        }
    };
    let mut hasher = DefaultHasher::new();
    (spot, &field.name).hash(&mut hasher);
    match value {
        CellValue::Text(text) => text.hash(&mut hasher),
        CellValue::Bytes(bytes) => bytes.hash(&mut hasher),
        CellValue::Null | CellValue::Missing => {}
    }
    inspector_ui(ui, &title, value, hasher.finish(), state);
}

fn type_text(field: &Field) -> String {
    let logical = field.logical.to_string();
    if field.native.is_empty() || field.native == logical {
        visible(&logical).into_owned()
    } else {
        format!("{} (read as {})", visible(&field.native), visible(&logical))
    }
}

fn record_ui(ui: &mut Ui, snapshot: &Snapshot, row: u64, place: u64) {
    const HEIGHT: f32 = 22.0;
    ui.add_space(space::XS);
    ui.label(RichText::new(format!("Row {}", row + 1)).text_style(fonts::section_style()));
    let Some(schema) = &snapshot.schema else { return };
    ScrollArea::vertical().id_salt("record").auto_shrink([false, false]).show_rows(
        ui,
        HEIGHT,
        schema.fields.len(),
        |ui, range| {
            for column in range {
                let Some(field) = schema.fields.get(column) else { continue };
                let value = match snapshot.cell(place, column) {
                    Held::Here(cell) => record_text(&cell, &field.logical),
                    Held::PushedOut { .. } | Held::Absent => "…".to_owned(),
                };
                key_value_ui(ui, &visible(&field.name), &value);
            }
        },
    );
}

fn record_text(cell: &Cell, logical: &LogicalType) -> String {
    match cell {
        Cell::Null => "null".to_owned(),
        Cell::Missing => "·".to_owned(),
        Cell::Text(text) if text.is_empty() => "\"\"".to_owned(),
        other => other.text(logical),
    }
}
