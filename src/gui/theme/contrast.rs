//! WCAG 2 contrast, so that the token tables can be checked by a test instead of by eye.

use egui::Color32;

/// Contrast ratio of two opaque colours, 1 to 21 (WCAG 2.x).
pub fn contrast(a: Color32, b: Color32) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

fn luminance(color: Color32) -> f64 {
    let linear = |channel: u8| {
        let c = f64::from(channel) / 255.0;
        if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(color.r()) + 0.7152 * linear(color.g()) + 0.0722 * linear(color.b())
}

#[cfg(test)]
mod tests {
    use super::super::tokens::{Fill, Tokens, themes};
    use super::super::verdict::{ALL, look};
    use super::*;

    /// The floors are printed with one decimal, some rounded up.
    const ROUNDING: f64 = 0.06;

    fn check(what: &str, tokens: &Tokens, color: Color32, expected: [f64; 4]) {
        for (surface, floor) in tokens.surfaces().into_iter().zip(expected) {
            let ratio = contrast(color, surface);
            assert!(ratio >= floor - ROUNDING, "{} {what}: {ratio:.2} < {floor}", tokens.name);
        }
    }

    fn check_fill(what: &str, fill: Fill, floor: f64) {
        let ratio = contrast(fill.fill, fill.text);
        assert!(ratio >= floor - ROUNDING, "{what}: {ratio:.2} < {floor}");
    }

    #[test]
    fn dark_text_keeps_its_contrast_on_every_surface() {
        let t = &themes().unwrap().dark;
        check("text", t, t.text, [14.9, 13.7, 12.0, 10.3]);
        check("text_dim", t, t.text_dim, [9.4, 8.7, 7.6, 6.5]);
        check("text_faint", t, t.text_faint, [6.9, 6.3, 5.5, 4.7]);
        check("accent", t, t.accent, [8.4, 7.7, 6.7, 5.8]);
        check("line_strong", t, t.line_strong, [4.7, 4.3, 3.8, 3.2]);
        check_fill("dark accent_fill", t.accent_fill, 5.1);
        check_fill("dark selection", t.selection, 9.0);
        check_fill("dark hit", t.hit, 12.2);
        check_fill("dark front hit", t.front_hit, 7.0);
    }

    #[test]
    fn light_text_keeps_its_contrast_on_every_surface() {
        let t = &themes().unwrap().light;
        check("text", t, t.text, [16.6, 15.5, 14.4, 13.2]);
        check("text_dim", t, t.text_dim, [8.1, 7.6, 7.0, 6.4]);
        check("text_faint", t, t.text_faint, [6.0, 5.6, 5.2, 4.8]);
        check("accent", t, t.accent, [6.7, 6.2, 5.8, 5.3]);
        check("line_strong", t, t.line_strong, [4.0, 3.8, 3.5, 3.2]);
        check_fill("light accent_fill", t.accent_fill, 6.7);
        check_fill("light selection", t.selection, 13.4);
        check_fill("light hit", t.hit, 12.9);
        check_fill("light front hit", t.front_hit, 6.0);
    }

    #[test]
    fn high_contrast_text_is_at_least_seven_to_one() {
        let t = &themes().unwrap().high_contrast;
        assert!(contrast(t.text, t.bg0) > 20.9);
        assert!(contrast(t.text_dim, t.bg0) >= 15.15);
        assert!(contrast(t.line_strong, t.bg0) >= 8.35);
        for (what, color) in [("faint", t.text_faint), ("accent", t.accent)] {
            check(what, t, color, [7.0; 4]);
        }
    }

    #[test]
    fn syntax_colours_are_readable_on_every_surface() {
        let themes = themes().unwrap();
        for (t, floor) in [(&themes.dark, 4.8), (&themes.light, 5.1), (&themes.high_contrast, 4.8)] {
            let s = t.syntax;
            for (what, color) in
                [("string", s.string), ("key", s.key), ("keyword", s.keyword), ("null", s.null)]
            {
                check(what, t, color, [floor; 4]);
            }
        }
    }

    #[test]
    fn environment_tags_are_readable() {
        let themes = themes().unwrap();
        for t in [&themes.dark, &themes.light, &themes.high_contrast] {
            check_fill("prod", t.env.prod, 6.5);
            check_fill("stg", t.env.stg, 8.4);
            check_fill("dev", t.env.dev, 6.3);
            check_fill("local", t.env.local, 6.3);
        }
    }

    #[test]
    fn verdict_colours_are_readable_on_every_surface() {
        let themes = themes().unwrap();
        let dark = [9.4, 4.6, 8.9, 4.6, 5.6, 6.2];
        let light = [4.9, 8.6, 4.6, 9.3, 5.9, 5.4];
        for (t, floors) in [(&themes.dark, dark), (&themes.light, light), (&themes.high_contrast, dark)] {
            for (verdict, floor) in ALL.into_iter().zip(floors) {
                check(look(verdict).word, t, look(verdict).color(t), [floor; 4]);
            }
        }
    }
}
