//! Splitting text into short display lines.
//!
//! Invariant: no display line holds more than [`WIDEST`] characters of the text, so laying one out is cheap however
//! long the source's line is; joining the ranges and the newlines between them gives the text back.

use std::ops::Range;

use crate::safety::display::{Place, visible as made_visible};

/// Most characters on one display line.
pub const WIDEST: usize = 160;

/// Ranges of display lines within `page` of `text`.
pub fn split(text: &str, page: Range<usize>) -> Vec<Range<usize>> {
    let offset = page.start;
    let Some(part) = text.get(page) else { return Vec::new() };
    let mut lines = Vec::new();
    let (mut start, mut width) = (0, 0);
    for (at, c) in part.char_indices() {
        if c == '\n' {
            lines.push(offset + start..offset + at);
            (start, width) = (at + 1, 0);
            continue;
        }
        if width == WIDEST {
            lines.push(offset + start..offset + at);
            (start, width) = (at, 0);
        }
        width += 1;
    }
    if start < part.len() || lines.is_empty() {
        lines.push(offset + start..offset + part.len());
    }
    lines
}

/// A display line as it is shown.
pub fn visible(line: &str) -> String {
    made_visible(line, Place::Block, WIDEST).text.into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<&str> {
        split(text, 0..text.len()).into_iter().map(|range| text.get(range).unwrap()).collect()
    }

    #[test]
    fn text_splits_at_newlines_and_at_the_widest() {
        assert_eq!(texts(""), [""]);
        assert_eq!(texts("a\n\nb\n"), ["a", "", "b"]);
        let long = "é".repeat(WIDEST * 2 + 1);
        assert_eq!(texts(&long).iter().map(|line| line.chars().count()).collect::<Vec<_>>(), [160, 160, 1]);
    }

    #[test]
    fn what_would_be_unseen_is_shown() {
        assert_eq!(visible("a\u{202e}b"), "a‹U+202E›b");
    }
}
