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

fn one_line(ui: &Ui, text: &str, font: FontId, width: f32) -> std::sync::Arc<egui::Galley> {
    let short = crate::gui::grid::text::one_line(text);
    let mut job = LayoutJob::simple_singleline(short, font, egui::Color32::PLACEHOLDER);
    job.wrap = TextWrapping::truncate_at_width(width);
    ui.painter().layout_job(job)
}
