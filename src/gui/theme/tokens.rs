//! Design tokens as data: `assets/theme/*.ron`, parsed once into [`Tokens`].
//!
//! Invariant: each of the three files parses and names every field (a test, since they are compiled in).

use std::fmt;
use std::sync::LazyLock;

use egui::Color32;
use serde::{Deserialize, Deserializer, de};

use super::verdict::VerdictColors;

const DARK: &str = include_str!("../../../assets/theme/dark.ron");
const LIGHT: &str = include_str!("../../../assets/theme/light.ron");
const HIGH_CONTRAST: &str = include_str!("../../../assets/theme/high_contrast.ron");

/// A token file that could not be read; only a broken build has one.
#[derive(Debug, Clone, thiserror::Error)]
#[error("theme {name}: {reason}")]
pub struct ThemeError {
    /// Which of the three files.
    pub name: &'static str,
    /// What the reader of RON said, with its position.
    pub reason: String,
}

/// A filled area and the text written on it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fill {
    /// The area.
    #[serde(deserialize_with = "color")]
    pub fill: Color32,
    /// The text on it, at least 4.5:1.
    #[serde(deserialize_with = "color")]
    pub text: Color32,
}

/// Colours of text in code, JSON and cells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Syntax {
    /// Quoted text.
    #[serde(deserialize_with = "color")]
    pub string: Color32,
    /// Member names.
    #[serde(deserialize_with = "color")]
    pub key: Color32,
    /// Keywords, `true` and `false`.
    #[serde(deserialize_with = "color")]
    pub keyword: Color32,
    /// `null`.
    #[serde(deserialize_with = "color")]
    pub null: Color32,
}

/// The tag of each environment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnvFills {
    /// Production.
    pub prod: Fill,
    /// Staging.
    pub stg: Fill,
    /// Development.
    pub dev: Fill,
    /// This computer.
    pub local: Fill,
}

/// Every colour the window may use.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tokens {
    /// Shown in settings.
    pub name: String,
    /// Whether text is light on dark.
    pub dark: bool,
    /// Canvas.
    #[serde(deserialize_with = "color")]
    pub bg0: Color32,
    /// Panel.
    #[serde(deserialize_with = "color")]
    pub bg1: Color32,
    /// Raised: headers, cards, controls.
    #[serde(deserialize_with = "color")]
    pub bg2: Color32,
    /// Hover.
    #[serde(deserialize_with = "color")]
    pub bg3: Color32,
    /// Body text.
    #[serde(deserialize_with = "color")]
    pub text: Color32,
    /// Secondary text.
    #[serde(deserialize_with = "color")]
    pub text_dim: Color32,
    /// Hints and nulls.
    #[serde(deserialize_with = "color")]
    pub text_faint: Color32,
    /// Links, focus ring, bars.
    #[serde(deserialize_with = "color")]
    pub accent: Color32,
    /// The one primary button.
    pub accent_fill: Fill,
    /// Selected cells and text.
    pub selection: Fill,
    /// Edges of controls, at least 3:1.
    #[serde(deserialize_with = "color")]
    pub line_strong: Color32,
    /// Decoration that carries no meaning.
    #[serde(deserialize_with = "color")]
    pub line_soft: Color32,
    /// Code, JSON, typed cells.
    pub syntax: Syntax,
    /// A found match.
    pub hit: Fill,
    /// The match the user stands at.
    pub front_hit: Fill,
    /// Environment tags.
    pub env: EnvFills,
    /// Verdict colours; read them through [`super::verdict::look`].
    pub verdict: VerdictColors,
}

impl Tokens {
    /// The four surfaces text may lie on, back to front.
    pub fn surfaces(&self) -> [Color32; 4] {
        [self.bg0, self.bg1, self.bg2, self.bg3]
    }

    /// What went wrong; the same colour as a dangerous verdict, always with a word beside it.
    pub fn error(&self) -> Color32 {
        self.verdict.dangerous
    }

    /// What needs a look; the same colour as a noticeable verdict.
    pub fn warning(&self) -> Color32 {
        self.verdict.noticeable
    }
}

/// The three token tables.
#[derive(Debug)]
pub struct Themes {
    /// Light text on dark.
    pub dark: Tokens,
    /// Dark text on light.
    pub light: Tokens,
    /// Black canvas, borders everywhere.
    pub high_contrast: Tokens,
}

/// The compiled-in tables, parsed at the first call.
///
/// # Errors
/// When a file does not parse: a broken build, so the window must not open.
pub fn themes() -> Result<&'static Themes, ThemeError> {
    static THEMES: LazyLock<Result<Themes, ThemeError>> = LazyLock::new(|| {
        Ok(Themes {
            dark: parse("dark", DARK)?,
            light: parse("light", LIGHT)?,
            high_contrast: parse("high_contrast", HIGH_CONTRAST)?,
        })
    });
    THEMES.as_ref().map_err(Clone::clone)
}

fn parse(name: &'static str, text: &str) -> Result<Tokens, ThemeError> {
    ron::from_str(text).map_err(|err| ThemeError { name, reason: err.to_string() })
}

pub(super) fn color<'de, D: Deserializer<'de>>(from: D) -> Result<Color32, D::Error> {
    struct Hex;
    impl de::Visitor<'_> for Hex {
        type Value = Color32;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a colour like \"#1B1F24\"")
        }
        fn visit_str<E: de::Error>(self, text: &str) -> Result<Color32, E> {
            rgb(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
        }
    }
    from.deserialize_str(Hex)
}

#[expect(clippy::disallowed_methods, reason = "the one place where a token becomes a colour")]
fn rgb(text: &str) -> Option<Color32> {
    let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6)?;
    let value = u32::from_str_radix(digits, 16).ok()?;
    let [_, r, g, b] = value.to_be_bytes();
    Some(Color32::from_rgb(r, g, b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_token_files_parse() {
        let themes = themes().expect("compiled-in themes");
        assert!(themes.dark.dark && !themes.light.dark && themes.high_contrast.dark);
    }

    #[test]
    fn a_colour_is_six_hex_digits_or_an_error() {
        for (text, good) in
            [("#1B1F24", true), ("1B1F24", false), ("#1B1F2", false), ("#GGGGGG", false), ("", false)]
        {
            assert_eq!(rgb(text).is_some(), good, "{text:?}");
        }
    }

    #[test]
    fn a_missing_or_unknown_field_is_an_error() {
        assert!(parse("short", "(name: \"x\", dark: true)").is_err());
        let extra = DARK.replacen("dark: true,", "dark: true, bogus: \"#000000\",", 1);
        assert!(parse("extra", &extra).is_err());
    }
}
