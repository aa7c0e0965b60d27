//! How a verdict looks: glyph, word, colour and bar length together, because colour alone is not a signal.
//!
//! Invariant: each verdict differs from every other in all four.

use egui::{Align2, Color32, FontId, Painter, Pos2, Rect, Shape, Stroke, StrokeKind, Vec2, pos2, vec2};
use serde::Deserialize;

use super::tokens::{Tokens, color};
pub use crate::model::load::Verdict;

/// All verdicts in display order, cheapest first.
pub const ALL: [Verdict; 6] = [
    Verdict::Negligible,
    Verdict::Light,
    Verdict::Noticeable,
    Verdict::Heavy,
    Verdict::Dangerous,
    Verdict::Unknown,
];

/// Colour of each verdict in one theme.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerdictColors {
    #[serde(deserialize_with = "color")]
    pub(super) negligible: Color32,
    #[serde(deserialize_with = "color")]
    pub(super) light: Color32,
    #[serde(deserialize_with = "color")]
    pub(super) noticeable: Color32,
    #[serde(deserialize_with = "color")]
    pub(super) heavy: Color32,
    #[serde(deserialize_with = "color")]
    pub(super) dangerous: Color32,
    #[serde(deserialize_with = "color")]
    pub(super) unknown: Color32,
}

/// The shape painted for a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Glyph {
    /// Filled circle with a check mark.
    Disc,
    /// Filled square.
    Square,
    /// Filled triangle, point up.
    Triangle,
    /// Filled diamond.
    Diamond,
    /// Filled octagon with a bar.
    Octagon,
    /// Dashed ring with a question mark.
    Ring,
}

/// Everything a verdict is shown with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VerdictLook {
    /// The verdict itself.
    pub verdict: Verdict,
    /// The word, lowercase as everywhere.
    pub word: &'static str,
    /// The shape.
    pub glyph: Glyph,
    /// Length of the bar, 0 to 1; unknown is drawn hatched over its full length.
    pub bar: f32,
    /// What the window does with it, one sentence.
    pub rule: &'static str,
}

/// The look of a verdict.
pub fn look(verdict: Verdict) -> VerdictLook {
    let (glyph, bar, rule) = match verdict {
        Verdict::Negligible => (Glyph::Disc, 0.08, "Runs at once."),
        Verdict::Light => (Glyph::Square, 0.25, "Runs at once and stays visible."),
        Verdict::Noticeable => (Glyph::Triangle, 0.5, "Asks first; the cheaper option is the default."),
        Verdict::Heavy => (Glyph::Diamond, 0.75, "Asks first and needs a reason."),
        Verdict::Dangerous => (Glyph::Octagon, 0.95, "Blocked unless you type the object's name."),
        Verdict::Unknown => (Glyph::Ring, 1.0, "The load could not be estimated; asks first."),
    };
    VerdictLook { verdict, word: verdict.word(), glyph, bar, rule }
}

impl VerdictLook {
    /// The colour in the given theme, at least 4.5:1 on each of its surfaces.
    pub fn color(&self, tokens: &Tokens) -> Color32 {
        let c = &tokens.verdict;
        match self.verdict {
            Verdict::Negligible => c.negligible,
            Verdict::Light => c.light,
            Verdict::Noticeable => c.noticeable,
            Verdict::Heavy => c.heavy,
            Verdict::Dangerous => c.dangerous,
            Verdict::Unknown => c.unknown,
        }
    }
}

/// Paint the verdict's shape inside `rect`; marks inside a filled shape use the canvas colour.
pub fn paint_glyph(painter: &Painter, rect: Rect, verdict: Verdict, tokens: &Tokens) {
    let look = look(verdict);
    let (fill, mark) = (look.color(tokens), tokens.bg0);
    let (c, r) = (rect.center(), rect.width().min(rect.height()) / 2.0);
    match look.glyph {
        Glyph::Disc => {
            painter.circle_filled(c, r, fill);
            let tick = [vec2(-0.45, 0.0), vec2(-0.1, 0.38), vec2(0.48, -0.35)].map(|v| c + v * r);
            painter.line(tick.to_vec(), Stroke::new(r * 0.28, mark));
        }
        Glyph::Square => {
            painter.rect_filled(Rect::from_center_size(c, Vec2::splat(r * 1.7)), 1.0, fill);
        }
        Glyph::Triangle => polygon(painter, c, r, &[(0.0, -0.95), (1.0, 0.85), (-1.0, 0.85)], fill),
        Glyph::Diamond => polygon(painter, c, r, &[(0.0, -1.0), (1.0, 0.0), (0.0, 1.0), (-1.0, 0.0)], fill),
        Glyph::Octagon => {
            const CUT: f32 = 0.414;
            polygon(
                painter,
                c,
                r,
                &[
                    (-CUT, -1.0),
                    (CUT, -1.0),
                    (1.0, -CUT),
                    (1.0, CUT),
                    (CUT, 1.0),
                    (-CUT, 1.0),
                    (-1.0, CUT),
                    (-1.0, -CUT),
                ],
                fill,
            );
            painter.rect_filled(Rect::from_center_size(c, vec2(r * 1.2, r * 0.36)), 0.0, mark);
        }
        Glyph::Ring => {
            let ring: Vec<Pos2> = (0..=32_u8)
                .map(|i| {
                    let angle = f32::from(i) / 32.0 * std::f32::consts::TAU;
                    c + (r - 0.75) * Vec2::angled(angle)
                })
                .collect();
            painter.extend(Shape::dashed_line(&ring, Stroke::new(1.5, fill), r * 0.45, r * 0.3));
            painter.text(c, Align2::CENTER_CENTER, "?", FontId::proportional(r * 1.4), fill);
        }
    }
}

/// Paint a verdict's bar: as long as its level, hatched over its full length when unknown.
pub fn paint_bar(painter: &Painter, rect: Rect, verdict: Verdict, tokens: &Tokens) {
    let look = look(verdict);
    let color = look.color(tokens);
    if look.glyph == Glyph::Ring {
        hatch(painter, rect, color);
    } else {
        let filled = Rect::from_min_size(rect.min, vec2(rect.width() * look.bar, rect.height()));
        painter.rect_filled(filled, 2.0, color);
    }
    painter.rect_stroke(rect, 2.0, Stroke::new(1.0, tokens.line_strong), StrokeKind::Inside);
}

/// Diagonal hatching, the sign for "not known" and for nulls.
pub fn hatch(painter: &Painter, rect: Rect, color: Color32) {
    const STEP: f32 = 6.0;
    let painter = painter.with_clip_rect(rect.intersect(painter.clip_rect()));
    let mut x = rect.left() - rect.height();
    while x < rect.right() {
        painter.line_segment(
            [pos2(x, rect.bottom()), pos2(x + rect.height(), rect.top())],
            Stroke::new(1.0, color),
        );
        x += STEP;
    }
}

fn polygon(painter: &Painter, center: Pos2, radius: f32, corners: &[(f32, f32)], fill: Color32) {
    let points = corners.iter().map(|&(x, y)| center + vec2(x, y) * radius).collect();
    painter.add(Shape::convex_polygon(points, fill, Stroke::NONE));
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::tokens::themes;
    use super::*;

    #[test]
    fn each_verdict_has_its_own_word_glyph_bar_and_colour() {
        let themes = themes().unwrap();
        for tokens in [&themes.dark, &themes.light, &themes.high_contrast] {
            let looks = ALL.map(look);
            assert_eq!(looks.iter().map(|l| l.word).collect::<HashSet<_>>().len(), 6);
            assert_eq!(looks.iter().map(|l| l.glyph).collect::<HashSet<_>>().len(), 6);
            assert_eq!(looks.iter().map(|l| l.bar.to_bits()).collect::<HashSet<_>>().len(), 6);
            assert_eq!(looks.iter().map(|l| l.color(tokens)).collect::<HashSet<_>>().len(), 6);
        }
    }
}
