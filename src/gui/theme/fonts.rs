//! Inter and JetBrains Mono, compiled in, with egui's own fonts and the system's behind them for other scripts.

use std::sync::Arc;

use egui::{FontData, FontDefinitions, FontFamily, FontId, RichText, TextStyle};

const REGULAR: &[u8] = include_bytes!("../../../assets/fonts/Inter-Regular.otf");
const MEDIUM: &[u8] = include_bytes!("../../../assets/fonts/Inter-Medium.otf");
const SEMIBOLD: &[u8] = include_bytes!("../../../assets/fonts/Inter-SemiBold.otf");
const MONO: &[u8] = include_bytes!("../../../assets/fonts/JetBrainsMono-Regular.ttf");

/// Controls and table headers.
pub fn medium() -> FontFamily {
    FontFamily::Name("medium".into())
}

/// Headings.
pub fn semibold() -> FontFamily {
    FontFamily::Name("semibold".into())
}

/// Numbers, ids, code and everything that must line up.
pub fn mono() -> FontId {
    FontId::new(12.5, FontFamily::Monospace)
}

/// Text in cells and labels.
pub fn body() -> FontId {
    FontId::new(13.0, FontFamily::Proportional)
}

/// Column headers.
pub fn header() -> FontId {
    FontId::new(12.5, medium())
}

/// Notes under things; nothing is smaller.
pub fn caption() -> FontId {
    FontId::new(11.5, FontFamily::Proportional)
}

/// Titles of groups and of a table's columns, in the size of the text around them.
pub fn strong(text: impl Into<String>) -> RichText {
    RichText::new(text).family(semibold())
}

/// Text style of the welcome's title.
pub fn display_style() -> TextStyle {
    TextStyle::Name("display".into())
}

/// Text style of section headings.
pub fn section_style() -> TextStyle {
    TextStyle::Name("section".into())
}

pub(super) fn definitions() -> FontDefinitions {
    let mut fonts = FontDefinitions::default();
    for (name, bytes) in
        [("inter", REGULAR), ("inter-medium", MEDIUM), ("inter-semibold", SEMIBOLD), ("jetbrains-mono", MONO)]
    {
        fonts.font_data.insert(name.to_owned(), Arc::new(FontData::from_static(bytes)));
    }
    let fallback = fonts.families.get(&FontFamily::Proportional).cloned().unwrap_or_default();
    let mono_fallback = fonts.families.get(&FontFamily::Monospace).cloned().unwrap_or_default();
    for (family, first, rest) in [
        (FontFamily::Proportional, "inter", &fallback),
        (medium(), "inter-medium", &fallback),
        (semibold(), "inter-semibold", &fallback),
        (FontFamily::Monospace, "jetbrains-mono", &mono_fallback),
    ] {
        let chain = std::iter::once(first.to_owned()).chain(rest.iter().cloned()).collect();
        fonts.families.insert(family, chain);
    }
    fonts
}

pub(super) fn text_styles() -> std::collections::BTreeMap<TextStyle, FontId> {
    [
        (display_style(), FontId::new(26.0, semibold())),
        (TextStyle::Heading, FontId::new(20.0, semibold())),
        (section_style(), FontId::new(16.0, semibold())),
        (TextStyle::Body, body()),
        (TextStyle::Button, FontId::new(13.0, medium())),
        (TextStyle::Monospace, mono()),
        (TextStyle::Small, caption()),
    ]
    .into()
}
