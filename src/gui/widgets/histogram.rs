//! Mini histogram: bars of one hue, the share of nulls hatched at the right end.

use egui::accesskit::Role;
use egui::{Painter, Rect, Response, Sense, Ui, Vec2, pos2};

use super::named;
use crate::gui::theme::{self, Tokens, verdict};

/// What a mini histogram shows.
#[derive(Debug, Clone, Copy, Default)]
pub struct Histogram<'a> {
    /// Height of each bar in any unit; negative and non-finite count as zero.
    pub bins: &'a [f32],
    /// Share of nulls among all rows, 0 to 1.
    pub null_share: f32,
}

/// Draw a histogram as one focusable node; `sentence` is its name.
pub fn histogram_ui(ui: &mut Ui, size: Vec2, histogram: Histogram<'_>, sentence: &str) -> Response {
    let tokens = theme::of(ui.ctx()).tokens;
    let (rect, response) = ui.allocate_exact_size(size, Sense::focusable_noninteractive());
    if ui.is_rect_visible(rect) {
        paint(ui.painter(), rect, histogram, tokens);
    }
    named(ui, response, Role::Image, sentence)
}

/// Paint the bars into `rect`; used by the grid under its headers as well.
pub fn paint(painter: &Painter, rect: Rect, histogram: Histogram<'_>, tokens: &Tokens) {
    let nulls = if histogram.null_share.is_finite() { histogram.null_share.clamp(0.0, 1.0) } else { 0.0 };
    let split = rect.right() - rect.width() * nulls;
    if nulls > 0.0 {
        let hatched = Rect::from_min_max(pos2(split, rect.top()), rect.max);
        verdict::hatch(painter, hatched, tokens.text_faint);
    }
    let bars = Rect::from_min_max(rect.min, pos2(split, rect.bottom()));
    let height = |bin: f32| if bin.is_finite() { bin.max(0.0) } else { 0.0 };
    let top = histogram.bins.iter().copied().map(height).fold(0.0_f32, f32::max);
    if top > 0.0 {
        let step = bars.width() / histogram.bins.len() as f32;
        let gap = if step > 4.0 { 1.0 } else { 0.0 };
        for (i, &bin) in histogram.bins.iter().enumerate() {
            let x = bars.left() + i as f32 * step;
            // A bin that is not empty shows at least one point.
            let h = if height(bin) > 0.0 { (height(bin) / top * bars.height()).max(1.0) } else { 0.0 };
            let bar = Rect::from_min_max(pos2(x, bars.bottom() - h), pos2(x + step - gap, bars.bottom()));
            painter.rect_filled(bar, 0.0, tokens.accent);
        }
    }
    painter.hline(rect.x_range(), rect.bottom(), (1.0, tokens.line_soft));
}
