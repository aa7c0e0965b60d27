//! Rows of "name: value", each readable as one sentence.

use egui::accesskit::Role;
use egui::text::{LayoutJob, TextWrapping};
use egui::{FontId, Response, Sense, Ui, WidgetInfo, pos2, vec2};

use crate::gui::theme::{self, fonts};

/// One row: the key dim on the left, the value beside it, cut with `…`; hover shows the whole.
pub fn key_value_ui(ui: &mut Ui, key: &str, value: &str) -> Response {
    const HEIGHT: f32 = 22.0;
    let tokens = theme::of(ui.ctx()).tokens;
    let width = ui.available_width().max(80.0);
    let key_width = (width * 0.4).min(176.0);
    let (rect, response) = ui.allocate_exact_size(vec2(width, HEIGHT), Sense::hover());
    if ui.is_rect_visible(rect) {
        let key_text = one_line(ui, key, fonts::body(), key_width - 8.0);
        let value_text = one_line(ui, value, fonts::mono(), width - key_width);
        let middle = |height: f32| rect.center().y - height / 2.0;
        ui.painter().galley(pos2(rect.left(), middle(key_text.size().y)), key_text, tokens.text_dim);
        let at = pos2(rect.left() + key_width, middle(value_text.size().y));
        ui.painter().galley(at, value_text, tokens.text);
    }
    let sentence = format!("{key}: {value}");
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &sentence));
    response.on_hover_text(sentence)
}

/// A figure with the ground it stands on.
#[derive(Debug, Clone, Copy)]
pub struct Fact<'a> {
    /// What it is a figure of.
    pub key: &'a str,
    /// The figure.
    pub value: &'a str,
    /// How it is known.
    pub basis: &'a str,
}

/// One row: key, figure, and how it is known, in two lines where one is not enough; hover shows the whole.
pub fn fact_ui(ui: &mut Ui, fact: Fact<'_>) -> Response {
    const LOWEST: f32 = 22.0;
    const ROWS: usize = 2;
    let tokens = theme::of(ui.ctx()).tokens;
    let width = ui.available_width().max(160.0);
    let (key_width, value_width) = ((width * 0.25).min(176.0), (width * 0.45).min(400.0));
    let cut = |text: &str, font: FontId, width: f32| {
        let mut job = LayoutJob::simple(text.to_owned(), font, egui::Color32::PLACEHOLDER, width);
        job.wrap.max_rows = ROWS;
        job.break_on_newline = false;
        ui.painter().layout_job(job)
    };
    let short = crate::gui::grid::text::one_line;
    let parts = [
        (0.0, tokens.text_dim, cut(&short(fact.key), fonts::body(), key_width - 8.0)),
        (key_width, tokens.text, cut(&short(fact.value), fonts::mono(), value_width - 8.0)),
        (
            key_width + value_width,
            tokens.text_dim,
            cut(&short(fact.basis), fonts::caption(), width - key_width - value_width),
        ),
    ];
    let height = parts.iter().map(|(_, _, galley)| galley.size().y + 4.0).fold(LOWEST, f32::max);
    let (rect, response) = ui.allocate_exact_size(vec2(width, height), Sense::hover());
    if ui.is_rect_visible(rect) {
        for (left, color, galley) in parts {
            let top = rect.top() + (LOWEST - galley.rows.first().map_or(0.0, |row| row.height())) / 2.0;
            ui.painter().galley(pos2(rect.left() + left, top), galley, color);
        }
    }
    let sentence = format!("{}: {} · {}", fact.key, fact.value, fact.basis);
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &sentence));
    response.on_hover_text(sentence)
}

fn one_line(ui: &Ui, text: &str, font: FontId, width: f32) -> std::sync::Arc<egui::Galley> {
    let short = crate::gui::grid::text::one_line(text);
    let mut job = LayoutJob::simple_singleline(short, font, egui::Color32::PLACEHOLDER);
    job.wrap = TextWrapping::truncate_at_width(width);
    ui.painter().layout_job(job)
}
