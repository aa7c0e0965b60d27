//! The profile view: level, one row a column, every number with its basis.

use egui::{RichText, Ui, vec2};
use egui_extras::{Column, TableBuilder};

use super::rows::{bins, sentence};
use crate::gui::theme::{self, fonts};
use crate::gui::widgets::{Empty, Histogram, empty_state_ui, histogram_ui, list_ui};
use crate::job::Remote;
use crate::model::cell::Cell;
use crate::model::read::ProfileLevel;
use crate::model::stats::{Basis, ColumnProfile, TableProfile};
use crate::model::units::count_text;
use crate::ops::profile::Profiled;
use crate::safety::display::{Place, name, visible};

/// State of the view.
pub struct ProfileState {
    /// The level to profile at.
    pub level: ProfileLevel,
    /// The newest profile.
    pub profiled: Remote<Profiled>,
}

impl Default for ProfileState {
    fn default() -> Self {
        Self { level: ProfileLevel::Sample, profiled: Remote::NotAsked }
    }
}

/// What the user wants of the view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProfileWish {
    /// Profile at the chosen level.
    Profile,
}

fn level_name(level: ProfileLevel) -> &'static str {
    match level {
        ProfileLevel::Catalog => "Catalog: what is known already",
        ProfileLevel::Head => "Head: the first rows",
        ProfileLevel::Sample => "Sample",
        ProfileLevel::Scan => "Scan: one pass over everything",
    }
}

/// Draws the view.
pub fn profile_ui(ui: &mut Ui, state: &mut ProfileState) -> Option<ProfileWish> {
    let mut wish = None;
    ui.horizontal_wrapped(|ui| {
        list_ui(ui, "Level", level_name(state.level), |ui| {
            for level in ProfileLevel::ALL {
                ui.selectable_value(&mut state.level, level, level_name(level));
            }
        });
        if ui.button("Profile the columns").clicked() {
            wish = Some(ProfileWish::Profile);
        }
    });
    match state.profiled.value() {
        Some(profiled) => table_ui(ui, &profiled.profile),
        None if state.profiled.job().is_some() => {
            ui.label("profiling…");
        }
        None => {
            let why = "Nulls, distinct values, ranges and frequent values of every column appear here.";
            let empty = Empty { title: "Not profiled yet", why, action: Some("Profile a sample") };
            if empty_state_ui(ui, empty) {
                state.level = ProfileLevel::Sample;
                wish = Some(ProfileWish::Profile);
            }
        }
    }
    wish
}

/// Name and first width of each column: a time and a number with its basis fit whole.
const COLUMNS: [(&str, f32); 12] = [
    ("column", 130.0),
    ("type", 90.0),
    ("nulls", 96.0),
    ("distinct", 110.0),
    ("min", 150.0),
    ("max", 150.0),
    ("mean", 84.0),
    ("distribution", 112.0),
    ("quantiles", 300.0),
    ("frequent values", 320.0),
    ("lengths", 130.0),
    ("source", 200.0),
];

fn table_ui(ui: &mut Ui, profile: &TableProfile) {
    let tokens = theme::of(ui.ctx()).tokens;
    let rows = profile
        .rows
        .map(|rows| format!("{} rows in all ({})", count_text(rows), basis_word(profile.rows_basis)));
    let head = format!(
        "{} rows looked at · {} · {}",
        count_text(profile.rows_seen),
        rows.unwrap_or_else(|| "rows in all unknown".to_owned()),
        profile.method
    );
    ui.label(name(&head).into_owned());
    for lost in &profile.findings.lost {
        let text = format!("lost: {} × {} ({})", count_text(lost.count), lost.why, lost.place);
        ui.label(RichText::new(name(&text).into_owned()).color(tokens.warning()));
    }
    let height = theme::of(ui.ctx()).density.row_height().max(28.0);
    egui::ScrollArea::horizontal().id_salt("profile").auto_shrink([false, false]).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        COLUMNS
            .iter()
            .fold(TableBuilder::new(ui).striped(true), |table, (_, width)| {
                table.column(Column::initial(*width).at_least(60.0).clip(true).resizable(true))
            })
            .header(height, |mut header| {
                for (title, _) in COLUMNS {
                    header.col(|ui| {
                        ui.label(fonts::strong(title));
                    });
                }
            })
            .body(|body| {
                body.rows(height, profile.columns.len(), |mut row| {
                    let Some(column) = profile.columns.get(row.index()) else { return };
                    for which in 0..COLUMNS.len() {
                        row.col(|ui| cell_ui(ui, column, which));
                    }
                });
            });
    });
}

fn basis_word(basis: Basis) -> &'static str {
    match basis {
        Basis::Exact => "exact",
        Basis::Estimate => "estimate",
        Basis::Sample => "sample",
    }
}

fn value_text(column: &ColumnProfile, cell: &Cell) -> String {
    visible(&cell.text(&column.logical), Place::Line, 60).text.into_owned()
}

fn cell_ui(ui: &mut Ui, column: &ColumnProfile, which: usize) {
    let optional =
        |cell: &Option<Cell>| cell.as_ref().map(|cell| value_text(column, cell)).unwrap_or_default();
    let text = match which {
        0 => name(&column.name).into_owned(),
        1 => column.logical.to_string(),
        2 => nulls_text(column),
        3 => distinct_text(column),
        4 => optional(&column.min),
        5 => optional(&column.max),
        6 => column.mean.map(|mean| format!("{mean:.4}")).unwrap_or_default(),
        7 => return distribution_ui(ui, column),
        8 => {
            let parts = column.quantiles.iter().map(|quantile| {
                format!("p{:.0} {}", quantile.rank * 100.0, value_text(column, &quantile.value))
            });
            parts.collect::<Vec<_>>().join(" · ")
        }
        9 => {
            let parts = column.top.iter().take(10).map(|top| {
                let error = if top.error > 0 { format!(" (−{})", top.error) } else { String::new() };
                format!("{} × {}{error}", value_text(column, &top.value), top.count)
            });
            parts.collect::<Vec<_>>().join(" · ")
        }
        10 => column
            .lengths
            .map(|lengths| format!("{}–{}, mean {:.1}", lengths.min, lengths.max, lengths.mean))
            .unwrap_or_default(),
        _ => column.source.as_deref().map(|source| name(source).into_owned()).unwrap_or_default(),
    };
    if !text.is_empty() {
        ui.label(&text).on_hover_text(&text);
    }
}

fn nulls_text(column: &ColumnProfile) -> String {
    let mut parts = Vec::new();
    if let Some(nulls) = column.nulls {
        let share = if column.rows > 0 { nulls as f64 / column.rows as f64 * 100.0 } else { 0.0 };
        parts.push(format!("{} ({share:.1} %)", count_text(nulls)));
    }
    if column.missing > 0 {
        parts.push(format!("{} missing", count_text(column.missing)));
    }
    if column.odd > 0 {
        parts.push(format!("{} of another type", count_text(column.odd)));
    }
    parts.join(", ")
}

fn distinct_text(column: &ColumnProfile) -> String {
    let Some(distinct) = column.distinct else { return String::new() };
    let error = column.error_bound.map(|error| format!(" ± {:.1} %", error * 100.0));
    let count = count_text(distinct.round().max(0.0) as u64);
    format!("{count} ({}{})", basis_word(column.distinct_basis), error.unwrap_or_default())
}

fn distribution_ui(ui: &mut Ui, column: &ColumnProfile) {
    let Some(bars) = bins(column) else { return };
    let said = format!("Distribution of {}: {}", name(&column.name), sentence(column));
    let histogram = Histogram { bins: &bars.bins, null_share: bars.null_share };
    histogram_ui(ui, vec2(96.0, 22.0), histogram, &said);
}
