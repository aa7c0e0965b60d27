//! The describe view: everything the source tells of a node without reading its rows.

use egui::{RichText, ScrollArea, Ui};
use egui_extras::{Column, TableBuilder};

use crate::gui::theme::{self, fonts, space};
use crate::gui::widgets::{Empty, empty_state_ui, key_value_ui};
use crate::model::node::{Description, Enforcement, Index, Key, KeyKind};
use crate::model::schema::Nullability;
use crate::model::units::{bytes_text, count_text};
use crate::safety::display::{Place, name, visible};

/// Draws a description.
pub fn describe_ui(ui: &mut Ui, description: &Description) {
    let tokens = theme::of(ui.ctx()).tokens;
    ScrollArea::vertical().id_salt("description").auto_shrink([false, false]).show(ui, |ui| {
        let node = &description.node;
        ui.label(
            RichText::new(format!("{} {}", node.kind.word(), name(&node.name)))
                .text_style(fonts::section_style()),
        );
        for note in &description.notes {
            ui.label(RichText::new(line(note)).color(tokens.warning()));
        }
        if let Some(rows) = &node.rows {
            key_value_ui(ui, "rows", &format!("{} · {}", count_text(rows.value), rows.provenance.phrase()));
        }
        if let Some(bytes) = &node.bytes {
            let size = bytes_text(bytes.value as f64);
            key_value_ui(ui, "size", &format!("{size} · {}", bytes.provenance.phrase()));
        }
        for detail in &description.details {
            let value = format!("{} · {}", detail.value, detail.provenance.phrase());
            key_value_ui(ui, &name(&detail.label), &value);
        }
        // A server has none, and needs no empty headings.
        if !description.schema.fields.is_empty() {
            section(ui, &format!("Columns ({})", description.schema.fields.len()));
            columns_ui(ui, description);
            section(ui, &format!("Keys ({})", description.keys.len()));
            for key in &description.keys {
                ui.label(key_text(key));
            }
            section(ui, &format!("Indexes ({})", description.indexes.len()));
            for index in &description.indexes {
                ui.label(index_text(index));
            }
        }
        if let Some(ddl) = &description.ddl {
            section(ui, "Definition");
            let shown = visible(ddl, Place::Block, 20_000);
            ui.label(RichText::new(shown.text).monospace());
            if ui.button("Copy definition").clicked() {
                ui.ctx().copy_text(ddl.clone());
            }
        }
    });
}

/// Says that there is no description yet, or why none can be had.
pub fn no_description_ui(ui: &mut Ui, title: &str) {
    empty_state_ui(ui, Empty { title, why: "Columns, keys, indexes and sizes appear here.", action: None });
}

fn section(ui: &mut Ui, title: &str) {
    ui.add_space(space::S);
    ui.label(fonts::strong(title));
}

fn line(text: &str) -> String {
    visible(text, Place::Line, 1_000).text.into_owned()
}

fn columns_ui(ui: &mut Ui, description: &Description) {
    let height = theme::of(ui.ctx()).density.row_height();
    let fields = &description.schema.fields;
    ui.push_id("columns", |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        TableBuilder::new(ui)
            .striped(true)
            .vscroll(false)
            .column(Column::auto().at_least(120.0).resizable(true))
            .column(Column::auto().at_least(120.0).resizable(true))
            .column(Column::auto().at_least(100.0).resizable(true))
            .column(Column::auto().at_least(80.0))
            .column(Column::remainder())
            .header(height, |mut header| {
                for title in ["column", "declared as", "read as", "null", "note"] {
                    header.col(|ui| {
                        ui.label(fonts::strong(title));
                    });
                }
            })
            .body(|body| {
                body.rows(height, fields.len(), |mut row| {
                    let Some(field) = fields.get(row.index()) else { return };
                    let nullability = match field.nullability {
                        Nullability::Nullable => "allowed",
                        Nullability::Required => "forbidden",
                        Nullability::Unknown => "not said",
                    };
                    let note = field.note.as_deref().unwrap_or_default();
                    for text in
                        [field.name.as_str(), &field.native, &field.logical.to_string(), nullability, note]
                    {
                        row.col(|ui| {
                            ui.label(name(text).into_owned());
                        });
                    }
                });
            });
    });
}

fn key_text(key: &Key) -> String {
    let kind = match key.kind {
        KeyKind::Primary => "primary key",
        KeyKind::Unique => "unique key",
        KeyKind::Foreign => "foreign key",
    };
    let target =
        key.references.as_ref().map(|target| format!(" → {} ({})", target.node, target.columns.join(", ")));
    let held = match key.enforcement {
        Enforcement::Enforced => "enforced by the source",
        Enforcement::Declared => "declared only: rows may break it",
    };
    line(&format!("{kind} ({}){} · {held}", key.columns.join(", "), target.unwrap_or_default()))
}

fn index_text(index: &Index) -> String {
    let unique = if index.unique { "unique " } else { "" };
    let condition = index.condition.as_ref().map(|condition| format!(" where {condition}"));
    let statistics = index.statistics.as_ref().map(|statistics| format!(" · {statistics}"));
    line(&format!(
        "{unique}index {} ({}){}{}",
        index.name,
        index.columns.join(", "),
        condition.unwrap_or_default(),
        statistics.unwrap_or_default()
    ))
}
