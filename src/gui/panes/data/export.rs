//! The export panel: what goes into which file, how, and what came of it.

use std::path::PathBuf;

use egui::{DragValue, TextEdit, Ui};

use crate::gui::theme::{self, space};
use crate::gui::view_ctx::ViewCtx;
use crate::gui::widgets::{Explained as _, key_value_ui, list_ui};
use crate::job::Remote;
use crate::job::remote::Change;
use crate::model::Result;
use crate::model::units::{bytes_text, count_text};
use crate::ops::export::{Destination, Exported, FormulaText, IfThere};
use crate::safety::display::name as visible;
use crate::sinks::ExportFormat;

/// What goes into the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The read that is shown, read again.
    ShownRead,
    /// A sample of so many rows.
    Sample,
    /// Everything.
    AllRows,
}

impl What {
    fn word(self) -> &'static str {
        match self {
            Self::ShownRead => "the shown read",
            Self::Sample => "a sample",
            Self::AllRows => "all rows",
        }
    }
}

/// Whether the panel is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Panel {
    /// It is.
    Open,
    /// It is not.
    #[default]
    Closed,
}

/// State of the panel.
pub struct ExportState {
    /// Whether it is there.
    pub panel: Panel,
    /// The newest export.
    pub exported: Remote<Exported>,
    /// Rows of a sample.
    pub sample_rows: u64,
    /// What goes into the file.
    pub what: What,
    file: String,
    format: Option<ExportFormat>,
    formulas: FormulaText,
    if_there: IfThere,
    picking: Remote<Option<PathBuf>>,
    wrong: Option<String>,
}

impl Default for ExportState {
    fn default() -> Self {
        Self {
            panel: Panel::Closed,
            exported: Remote::NotAsked,
            sample_rows: 10_000,
            what: What::ShownRead,
            file: String::new(),
            format: None,
            formulas: FormulaText::Guarded,
            if_there: IfThere::Refuse,
            picking: Remote::NotAsked,
            wrong: None,
        }
    }
}

/// What the user wants.
#[derive(Clone, Debug)]
pub enum ExportWish {
    /// Write this file.
    Export(Destination),
    /// Take the panel away.
    Close,
}

const FORMATS: [(Option<ExportFormat>, &str); 6] = [
    (None, "by the file's ending"),
    (Some(ExportFormat::Csv), "CSV"),
    (Some(ExportFormat::Parquet), "Parquet"),
    (Some(ExportFormat::Jsonl), "JSON Lines"),
    (Some(ExportFormat::Xlsx), "Excel"),
    (Some(ExportFormat::Ipc), "Arrow IPC"),
];

impl ExportState {
    /// Takes news of the file dialog in.
    pub fn logic(&mut self) {
        if self.picking.poll() == Change::News
            && let Some(Some(path)) = self.picking.value()
        {
            self.file = path.display().to_string();
        }
    }

    fn destination(&self) -> Result<Destination> {
        Destination::new(PathBuf::from(self.file.trim()), self.format, self.formulas, self.if_there)
    }
}

/// Draws the panel.
pub fn export_ui(ctx: &ViewCtx<'_>, ui: &mut Ui, state: &mut ExportState) -> Option<ExportWish> {
    let tokens = theme::of(ui.ctx()).tokens;
    let mut wish = None;
    egui::Frame::new()
        .fill(tokens.bg2)
        .corner_radius(theme::CARD_RADIUS)
        .inner_margin(egui::Margin::same(8))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            file_ui(ctx, ui, state);
            what_ui(ui, state);
            ui.horizontal_wrapped(|ui| {
                let ready = !state.file.trim().is_empty() && state.exported.job().is_none();
                if ui.add_enabled(ready, egui::Button::new("Export")).clicked() {
                    match state.destination() {
                        Ok(to) => {
                            state.wrong = None;
                            wish = Some(ExportWish::Export(to));
                        }
                        Err(error) => state.wrong = Some(visible(&error.attempted).into_owned()),
                    }
                }
                if ui.button("Close export").clicked() {
                    wish = Some(ExportWish::Close);
                }
                if let Some(wrong) = &state.wrong {
                    ui.colored_label(tokens.error(), wrong);
                }
            });
            if let Remote::Ready(done) = &state.exported {
                done_ui(ui, done);
            }
        });
    wish
}

fn file_ui(ctx: &ViewCtx<'_>, ui: &mut Ui, state: &mut ExportState) {
    ui.horizontal_wrapped(|ui| {
        ui.label("To");
        let field =
            TextEdit::singleline(&mut state.file).hint_text("/tmp/orders.parquet").desired_width(320.0);
        ui.add(field).called("File");
        if ui.button("Choose…").clicked() && state.picking.job().is_none() {
            state.picking.ask(ctx.jobs.spawn_quietly(|_| async {
                let dialog = rfd::AsyncFileDialog::new().set_title("Export to");
                Ok(dialog.save_file().await.map(|file| file.path().to_owned()))
            }));
        }
        let format = FORMATS.iter().find(|(format, _)| *format == state.format).map_or("", |(_, name)| name);
        list_ui(ui, "Format", format, |ui| {
            for (format, name) in FORMATS {
                ui.selectable_value(&mut state.format, format, name);
            }
        });
    });
}

fn what_ui(ui: &mut Ui, state: &mut ExportState) {
    ui.horizontal_wrapped(|ui| {
        for what in [What::ShownRead, What::Sample, What::AllRows] {
            ui.radio_value(&mut state.what, what, what.word());
        }
        if state.what == What::Sample {
            let rows = DragValue::new(&mut state.sample_rows).range(1..=10_000_000).suffix(" rows");
            ui.add(rows).called("Rows to export");
        }
        ui.add_space(space::L);
        let mut guarded = state.formulas == FormulaText::Guarded;
        if ui.checkbox(&mut guarded, "Make formulas harmless").changed() {
            state.formulas = if guarded { FormulaText::Guarded } else { FormulaText::AsItIs };
        }
        let mut replace = state.if_there == IfThere::Replace;
        if ui.checkbox(&mut replace, "Replace the file if it is there").changed() {
            state.if_there = if replace { IfThere::Replace } else { IfThere::Refuse };
        }
    });
}

fn done_ui(ui: &mut Ui, done: &Exported) {
    ui.label(done_text(done));
    key_value_ui(ui, "file", &done.file.display().to_string());
    key_value_ui(ui, "manifest", &done.manifest.display().to_string());
    for lost in &done.findings.lost {
        let text = format!("lost: {} × {} ({})", count_text(lost.count), lost.why, lost.place);
        ui.label(visible(&text).into_owned());
    }
}

/// "exported 200 rows, 12.0 KiB"; says so if the read ended early.
pub fn done_text(done: &Exported) -> String {
    let early =
        done.done.error().map(|error| format!("; the read ended early: {}", visible(&error.attempted)));
    format!(
        "exported {} rows, {}{}",
        count_text(done.rows),
        bytes_text(done.bytes as f64),
        early.unwrap_or_default()
    )
}
