//! A cell as one short line of visible text.
//!
//! Why the cut comes first: shaping 4 MB of text takes over a second; 200 characters are more than a cell shows.
//! Invariant: the result shows at most 200 characters of one line; what is invisible or turns the reading
//! direction is shown as a token by [`display`].

use std::fmt::Write as _;

use egui::{Color32, FontId};

use super::model::GridCell;
use crate::gui::theme::{Tokens, fonts};
use crate::safety::display;

const MOST_BYTES_AS_HEX: usize = 32;

/// On which side a cell's text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// Slant of a cell's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slant {
    /// Values.
    Upright,
    /// What is not a value: null.
    Italic,
}

/// How a cell is painted.
#[derive(Debug, Clone, PartialEq)]
pub struct Painted {
    /// The line.
    pub text: String,
    /// Its font.
    pub font: FontId,
    /// Its colour.
    pub color: Color32,
    /// Its side.
    pub side: Side,
    /// Its slant.
    pub slant: Slant,
}

/// Text, font and colour of a cell.
pub fn painted(cell: &GridCell<'_>, tokens: &Tokens) -> Painted {
    let (font, color, side, slant) = match cell {
        GridCell::Null => (fonts::mono(), tokens.text_faint, Side::Left, Slant::Italic),
        GridCell::Pending | GridCell::Missing => {
            (fonts::body(), tokens.text_faint, Side::Left, Slant::Upright)
        }
        GridCell::Text(text) if text.is_empty() => {
            (fonts::mono(), tokens.text_faint, Side::Left, Slant::Upright)
        }
        GridCell::Number(_) => (fonts::mono(), tokens.text, Side::Right, Slant::Upright),
        GridCell::Text(_) => (fonts::body(), tokens.text, Side::Left, Slant::Upright),
        GridCell::Code(_) => (fonts::mono(), tokens.text, Side::Left, Slant::Upright),
        GridCell::Word(_) => (fonts::mono(), tokens.syntax.keyword, Side::Left, Slant::Upright),
        GridCell::Bytes(_) => (fonts::mono(), tokens.text_dim, Side::Left, Slant::Upright),
        GridCell::Invalid(_) => (fonts::mono(), tokens.warning(), Side::Left, Slant::Upright),
    };
    Painted { text: line(cell), font, color, side, slant }
}

/// The line shown for a cell.
pub fn line(cell: &GridCell<'_>) -> String {
    match cell {
        GridCell::Pending => "…".to_owned(),
        GridCell::Null => "null".to_owned(),
        GridCell::Missing => "·".to_owned(),
        GridCell::Text(text) if text.is_empty() => "\"\"".to_owned(),
        GridCell::Number(text) | GridCell::Text(text) | GridCell::Code(text) | GridCell::Word(text) => {
            one_line(text)
        }
        GridCell::Bytes(bytes) | GridCell::Invalid(bytes) => hex(bytes),
    }
}

/// The same for a screen reader, where a glyph alone says nothing.
pub fn spoken(cell: &GridCell<'_>) -> String {
    match cell {
        GridCell::Pending => "not loaded yet".to_owned(),
        GridCell::Missing => "missing".to_owned(),
        GridCell::Text(text) if text.is_empty() => "empty text".to_owned(),
        GridCell::Bytes(_) => format!("bytes {}", line(cell)),
        GridCell::Invalid(_) => format!("invalid text {}", line(cell)),
        GridCell::Null | GridCell::Number(_) | GridCell::Text(_) | GridCell::Code(_) | GridCell::Word(_) => {
            line(cell)
        }
    }
}

/// The first line, at most 200 characters, made visible; `…` where something was cut.
pub fn one_line(text: &str) -> String {
    // Looking for the line's end in megabytes would stall the frame: 804 bytes hold more than 200 characters.
    let head = text.get(..text.floor_char_boundary(804)).unwrap_or_default();
    match head.split_once(['\n', '\r']) {
        Some((first, _)) => {
            let mut line = display::name(first).into_owned();
            if !line.ends_with('…') {
                line.push('…');
            }
            line
        }
        None => display::name(head).into_owned(),
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(2 + 2 * bytes.len().min(MOST_BYTES_AS_HEX));
    out.push_str("0x");
    for byte in bytes.iter().take(MOST_BYTES_AS_HEX) {
        // Writing to a String cannot fail.
        if write!(out, "{byte:02x}").is_err() {
            break;
        }
    }
    if bytes.len() > MOST_BYTES_AS_HEX {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_cell_has_its_line() {
        for (cell, expected) in [
            (GridCell::Null, "null"),
            (GridCell::Missing, "·"),
            (GridCell::Pending, "…"),
            (GridCell::Text("".into()), "\"\""),
            (GridCell::Text("null".into()), "null"),
            (GridCell::Text("two\nlines".into()), "two…"),
            (GridCell::Text("evil\u{202e}txt".into()), "evil‹U+202E›txt"),
            (GridCell::Number("12345678901234567890".into()), "12345678901234567890"),
            (GridCell::Bytes(vec![0, 255].into()), "0x00ff"),
            (GridCell::Invalid(vec![0xff; 40].into()), &format!("0x{}…", "ff".repeat(32))),
        ] {
            assert_eq!(line(&cell), expected);
        }
    }

    #[test]
    fn long_text_is_cut_to_two_hundred_characters() {
        for text in ["x".repeat(4_000_000), "é".repeat(1000), "\u{202e}".repeat(1000)] {
            let line = one_line(&text);
            assert!(line.chars().count() <= 200 * 8 + 1 && line.ends_with('…'));
        }
        assert_eq!(one_line(&"x".repeat(200)), "x".repeat(200));
    }

    #[test]
    fn a_null_is_told_apart_from_the_text_null() {
        let tokens = Tokens::default();
        assert_eq!(painted(&GridCell::Null, &tokens).slant, Slant::Italic);
        assert_eq!(painted(&GridCell::Text("null".into()), &tokens).slant, Slant::Upright);
    }

    #[test]
    fn numbers_stand_on_the_right() {
        assert_eq!(painted(&GridCell::Number("1".into()), &Tokens::default()).side, Side::Right);
    }
}
