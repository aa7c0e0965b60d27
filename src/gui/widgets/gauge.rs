//! The budget gauge: what a session has asked of a source beside what it may.

use egui::accesskit::Role;
use egui::{Rect, Response, Sense, StrokeKind, Ui, pos2, vec2};

use super::named;
use crate::gui::theme::{self, fonts, space};

/// What a gauge shows.
#[derive(Debug, Clone, Copy)]
pub struct Gauge<'a> {
    /// Spent over allowed; above 1 is over budget.
    pub share: f32,
    /// Text beside the bar, e.g. "14 MB / 200 MB".
    pub short: &'a str,
    /// The accessible name, e.g. "Session load: 14 MB of 200 MB spent".
    pub sentence: &'a str,
    /// Width of the bar, points.
    pub bar_width: f32,
}

/// Draw a gauge: a bar that turns from accent to warning at 80 % and to error above 100 %, with its text.
pub fn gauge_ui(ui: &mut Ui, gauge: Gauge<'_>) -> Response {
    const HEIGHT: f32 = 8.0;
    let tokens = theme::of(ui.ctx()).tokens;
    let share = if gauge.share.is_finite() { gauge.share.max(0.0) } else { 1.0 };
    let color = match share {
        s if s > 1.0 => tokens.error(),
        s if s >= 0.8 => tokens.warning(),
        _ => tokens.accent,
    };
    let text = ui.painter().layout_no_wrap(gauge.short.to_owned(), fonts::caption(), tokens.text_dim);
    let size = vec2(gauge.bar_width + space::S + text.size().x, text.size().y.max(HEIGHT));
    let (rect, response) = ui.allocate_exact_size(size, Sense::focusable_noninteractive());
    if ui.is_rect_visible(rect) {
        let bar = Rect::from_min_size(
            pos2(rect.left(), rect.center().y - HEIGHT / 2.0),
            vec2(gauge.bar_width, HEIGHT),
        );
        let filled = Rect::from_min_size(bar.min, vec2(bar.width() * share.min(1.0), HEIGHT));
        let painter = ui.painter();
        painter.rect_filled(bar, 2.0, tokens.bg0);
        painter.rect_filled(filled, 2.0, color);
        painter.rect_stroke(bar, 2.0, (1.0, tokens.line_strong), StrokeKind::Inside);
        let at = pos2(bar.right() + space::S, rect.center().y - text.size().y / 2.0);
        painter.galley(at, text, tokens.text_dim);
    }
    let over =
        if share > 1.0 { format!("{} (over budget)", gauge.sentence) } else { gauge.sentence.to_owned() };
    let response = named(ui, response, Role::Meter, &over);
    ui.ctx().accesskit_node_builder(response.id, |node| {
        node.set_numeric_value(f64::from(share) * 100.0);
        node.set_min_numeric_value(0.0);
        node.set_max_numeric_value(100.0);
    });
    response
}
