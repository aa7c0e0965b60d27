//! How the window looks: tokens, fonts, density, zoom and motion, turned into egui's style in one place.
//!
//! Invariants: no colour literal outside this folder; widgets ask [`of`] for the tokens in force.

pub mod contrast;
pub mod fonts;
pub mod tokens;
pub mod verdict;
#[cfg(test)]
mod vision;

use egui::style::{ScrollStyle, Selection, WidgetVisuals};
use egui::{
    Color32, Context, CornerRadius, Id, Margin, Shadow, Stroke, Style, Theme, ThemePreference, Visuals, vec2,
};
use serde::{Deserialize, Serialize};

pub use tokens::{Fill, ThemeError, Tokens, themes};
pub use verdict::{Verdict, VerdictLook, look};

/// Spaces between things, points: 2 4 8 12 16 24 32.
pub mod space {
    /// Between glyph and word.
    pub const XS: f32 = 4.0;
    /// Between controls.
    pub const S: f32 = 8.0;
    /// Inside cards.
    pub const M: f32 = 12.0;
    /// Between groups.
    pub const L: f32 = 16.0;
    /// Between sections.
    pub const XL: f32 = 24.0;
}

/// Smallest side of anything that can be clicked, points.
pub const MIN_TARGET: f32 = 24.0;
/// Corner radius of controls, points.
pub const RADIUS: u8 = 4;
/// Corner radius of cards, points.
pub const CARD_RADIUS: u8 = 6;

/// Which token table to use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThemeChoice {
    /// As the desktop says, dark when it says nothing.
    #[default]
    System,
    /// Always dark.
    Dark,
    /// Always light.
    Light,
    /// Black canvas with borders.
    HighContrast,
}

/// Height of a data row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Density {
    /// 22 points.
    Compact,
    /// 28 points.
    #[default]
    Normal,
    /// 34 points.
    Roomy,
}

impl Density {
    /// Row height, points.
    pub fn row_height(self) -> f32 {
        match self {
            Self::Compact => 22.0,
            Self::Normal => 28.0,
            Self::Roomy => 34.0,
        }
    }
}

/// Whether things may move.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Motion {
    /// 120 ms transitions and a blinking caret.
    #[default]
    Full,
    /// Nothing moves by itself.
    Reduced,
}

/// The user's choices about looks, kept in the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Look {
    /// Token table.
    pub theme: ThemeChoice,
    /// Row height.
    pub density: Density,
    /// Transitions.
    pub motion: Motion,
    /// Zoom, percent of the desktop's scale, 50 to 300.
    pub zoom_percent: u16,
}

impl Default for Look {
    fn default() -> Self {
        Self {
            theme: ThemeChoice::default(),
            density: Density::default(),
            motion: Motion::default(),
            zoom_percent: 100,
        }
    }
}

/// A step of the zoom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zoom {
    /// Larger.
    In,
    /// Smaller.
    Out,
    /// 100 %.
    Reset,
}

impl Look {
    /// The look one zoom step further.
    pub fn zoomed(self, zoom: Zoom) -> Self {
        const STEPS: [u16; 13] = [50, 67, 75, 80, 90, 100, 110, 125, 150, 175, 200, 250, 300];
        let now = self.zoom_percent;
        let zoom_percent = match zoom {
            Zoom::In => STEPS.into_iter().find(|&step| step > now).unwrap_or(300),
            Zoom::Out => STEPS.into_iter().rev().find(|&step| step < now).unwrap_or(50),
            Zoom::Reset => 100,
        };
        Self { zoom_percent, ..self }
    }
}

/// What is in force in a context; see [`of`].
#[derive(Debug, Clone, Copy)]
pub struct InForce {
    /// The colours.
    pub tokens: &'static Tokens,
    /// Row height.
    pub density: Density,
    /// Transitions.
    pub motion: Motion,
}

#[derive(Clone, Copy)]
struct Installed {
    dark: &'static Tokens,
    light: &'static Tokens,
    look: Look,
}

/// Fonts and style of the whole context. Call once at the start and again when the look changes.
///
/// # Errors
/// When the compiled-in tokens do not parse.
pub fn apply(ctx: &Context, look: Look) -> Result<(), ThemeError> {
    let themes = themes()?;
    let (dark, light, preference) = match look.theme {
        ThemeChoice::System => (&themes.dark, &themes.light, ThemePreference::System),
        ThemeChoice::Dark => (&themes.dark, &themes.light, ThemePreference::Dark),
        ThemeChoice::Light => (&themes.dark, &themes.light, ThemePreference::Light),
        ThemeChoice::HighContrast => (&themes.high_contrast, &themes.high_contrast, ThemePreference::Dark),
    };
    let first_time = ctx.data(|d| d.get_temp::<Installed>(installed_id())).is_none();
    if first_time {
        ctx.set_fonts(fonts::definitions());
        // Foreign text may hold a character that no font has: a box then, never a panic.
        ctx.set_missing_glyph_policy(egui::MissingGlyphPolicy::Tofu);
    }
    ctx.set_style_of(Theme::Dark, style(dark, look));
    ctx.set_style_of(Theme::Light, style(light, look));
    ctx.set_theme(preference);
    // Zoom is a command of ours, so that it is kept in the settings and shown in the palette.
    ctx.options_mut(|options| options.zoom_with_keyboard = false);
    ctx.set_zoom_factor(f32::from(look.zoom_percent.clamp(50, 300)) / 100.0);
    ctx.data_mut(|d| d.insert_temp(installed_id(), Installed { dark, light, look }));
    Ok(())
}

/// The tokens, density and motion in force. Before [`apply`] all colours are transparent.
pub fn of(ctx: &Context) -> InForce {
    static BLANK: std::sync::LazyLock<Tokens> = std::sync::LazyLock::new(Tokens::default);
    let Some(installed) = ctx.data(|d| d.get_temp::<Installed>(installed_id())) else {
        return InForce { tokens: &BLANK, density: Density::default(), motion: Motion::default() };
    };
    let tokens = match ctx.theme() {
        Theme::Dark => installed.dark,
        Theme::Light => installed.light,
    };
    InForce { tokens, density: installed.look.density, motion: installed.look.motion }
}

/// The focus ring: 2 points wide with a gap of 1, outside `rect`.
pub fn paint_focus_ring(painter: &egui::Painter, rect: egui::Rect, tokens: &Tokens) {
    painter.rect_stroke(rect.expand(1.0), RADIUS, Stroke::new(2.0, tokens.accent), egui::StrokeKind::Outside);
}

fn installed_id() -> Id {
    Id::unique("headwater theme in force")
}

fn style(tokens: &Tokens, look: Look) -> Style {
    let mut style = Style {
        text_styles: fonts::text_styles(),
        animation_time: match look.motion {
            Motion::Full => 0.12,
            Motion::Reduced => 0.0,
        },
        visuals: visuals(tokens, look),
        ..Style::default()
    };
    style.spacing.item_spacing = vec2(space::S, space::S);
    style.spacing.button_padding = vec2(10.0, 4.0);
    style.spacing.interact_size = vec2(MIN_TARGET, MIN_TARGET);
    style.spacing.window_margin = Margin::same(12);
    style.spacing.menu_margin = Margin::same(6);
    style.spacing.scroll = ScrollStyle::solid();
    style.spacing.tooltip_width = 420.0;
    style.interaction.selectable_labels = false;
    if look.motion == Motion::Reduced {
        style.scroll_animation = egui::style::ScrollAnimation::none();
    }
    style
}

fn visuals(t: &Tokens, look: Look) -> Visuals {
    let mut v = if t.dark { Visuals::dark() } else { Visuals::light() };
    v.override_text_color = None;
    v.weak_text_color = Some(t.text_dim);
    v.hyperlink_color = t.accent;
    v.faint_bg_color = t.bg1;
    v.extreme_bg_color = t.bg0;
    v.text_edit_bg_color = Some(t.bg0);
    v.code_bg_color = t.bg2;
    v.warn_fg_color = t.warning();
    v.error_fg_color = t.error();
    v.window_fill = t.bg1;
    v.panel_fill = t.bg1;
    v.window_stroke = Stroke::new(1.0, t.line_strong);
    v.window_corner_radius = CornerRadius::same(CARD_RADIUS);
    v.menu_corner_radius = CornerRadius::same(CARD_RADIUS);
    v.window_shadow = Shadow::NONE;
    v.popup_shadow = Shadow::NONE;
    v.selection = Selection { bg_fill: t.selection.fill, stroke: Stroke::new(1.0, t.selection.text) };
    v.text_cursor.stroke = Stroke::new(2.0, t.accent);
    v.text_cursor.blink = look.motion == Motion::Full;
    v.disabled_alpha = 0.6;
    v.widgets.noninteractive = widget(t.bg1, t.line_soft, t.text);
    v.widgets.inactive = widget(t.bg2, t.line_strong, t.text);
    v.widgets.hovered = widget(t.bg3, t.accent, t.text);
    v.widgets.active = widget(t.bg3, t.accent, t.text);
    v.widgets.active.bg_stroke.width = 2.0;
    v.widgets.open = widget(t.bg3, t.line_strong, t.text);
    v
}

fn widget(fill: Color32, edge: Color32, text: Color32) -> WidgetVisuals {
    WidgetVisuals {
        bg_fill: fill,
        weak_bg_fill: fill,
        bg_stroke: Stroke::new(1.0, edge),
        corner_radius: CornerRadius::same(RADIUS),
        fg_stroke: Stroke::new(1.0, text),
        expansion: 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_look_in_force_follows_the_choice() {
        let ctx = Context::default();
        for (choice, name) in [
            (ThemeChoice::Dark, "dark"),
            (ThemeChoice::Light, "light"),
            (ThemeChoice::HighContrast, "high contrast"),
        ] {
            let look = Look { theme: choice, density: Density::Compact, ..Look::default() };
            apply(&ctx, look).unwrap();
            ctx.run_ui(egui::RawInput::default(), |ui| {
                let in_force = of(ui.ctx());
                assert_eq!(in_force.tokens.name, name);
                assert_eq!(in_force.density.row_height(), 22.0);
            })
            .textures_delta
            .clear();
        }
    }

    #[test]
    fn zoom_goes_from_50_to_300_percent_and_back() {
        let mut look = Look::default();
        let mut seen = vec![look.zoom_percent];
        for _ in 0..20 {
            look = look.zoomed(Zoom::In);
        }
        seen.push(look.zoom_percent);
        for _ in 0..20 {
            look = look.zoomed(Zoom::Out);
        }
        seen.extend([look.zoom_percent, look.zoomed(Zoom::Reset).zoom_percent]);
        assert_eq!(seen, [100, 300, 50, 100]);
    }

    #[test]
    fn no_text_style_is_smaller_than_eleven_points() {
        assert!(fonts::text_styles().values().all(|font| font.size >= 11.0));
    }

    #[test]
    fn reduced_motion_stops_the_caret_and_transitions() {
        let look = Look { motion: Motion::Reduced, ..Look::default() };
        let style = style(&themes().unwrap().dark, look);
        assert_eq!(style.animation_time, 0.0);
        assert!(!style.visuals.text_cursor.blink);
    }
}
