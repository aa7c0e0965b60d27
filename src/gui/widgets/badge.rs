//! Verdict badge and environment tag: a word in a shape, never a colour alone.

use egui::accesskit::Role;
use egui::{Rect, Response, Sense, StrokeKind, Ui, pos2, vec2};

use super::named;
use crate::gui::theme::{self, Fill, Tokens, Verdict, fonts, space, verdict};
use crate::model::connection::Tier;

/// Fill and text of an environment's tag and of a tab's top edge.
pub fn env_fill(tier: Tier, tokens: &Tokens) -> Fill {
    match tier {
        Tier::Prod => tokens.env.prod,
        Tier::Stg => tokens.env.stg,
        Tier::Dev => tokens.env.dev,
        Tier::Local => tokens.env.local,
    }
}

/// Glyph, word and colour of a verdict; `sentence` says what would be read, e.g.
/// "Load estimate: heavy. Reads about 4.1 GB, 1 204 331 rows, sequential scan".
pub fn verdict_badge(ui: &mut Ui, verdict: Verdict, sentence: &str) -> Response {
    const GLYPH: f32 = 14.0;
    let tokens = theme::of(ui.ctx()).tokens;
    let look = theme::look(verdict);
    let color = look.color(tokens);
    let word = ui.painter().layout_no_wrap(look.word.to_owned(), fonts::header(), color);
    let size = vec2(GLYPH + space::XS + word.size().x + 2.0 * space::S, theme::MIN_TARGET);
    let (rect, response) = ui.allocate_exact_size(size, Sense::focusable_noninteractive());
    if ui.is_rect_visible(rect) {
        let painter = ui.painter();
        painter.rect(rect, theme::RADIUS, tokens.bg0, (1.0, color), StrokeKind::Inside);
        let left = pos2(rect.left() + space::S, rect.center().y - GLYPH / 2.0);
        verdict::paint_glyph(painter, Rect::from_min_size(left, vec2(GLYPH, GLYPH)), verdict, tokens);
        let text = pos2(left.x + GLYPH + space::XS, rect.center().y - word.size().y / 2.0);
        painter.galley(text, word, color);
    }
    named(ui, response, Role::Image, sentence)
}

/// The filled word PROD, STG, DEV or LOCAL.
pub fn env_tag(ui: &mut Ui, tier: Tier) -> Response {
    let tokens = theme::of(ui.ctx()).tokens;
    let fill = env_fill(tier, tokens);
    let word = ui.painter().layout_no_wrap(tier.word().to_owned(), fonts::caption(), fill.text);
    let size = vec2(word.size().x + 12.0, 18.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::focusable_noninteractive());
    if ui.is_rect_visible(rect) {
        ui.painter().rect_filled(rect, theme::RADIUS, fill.fill);
        ui.painter().galley(rect.center() - word.size() / 2.0, word, fill.text);
    }
    let sentence = match tier {
        Tier::Prod => "Production environment",
        Tier::Stg => "Staging environment",
        Tier::Dev => "Development environment",
        Tier::Local => "Local environment",
    };
    named(ui, response, Role::Image, sentence)
}
