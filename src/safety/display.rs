//! Untrusted text made visible.
//!
//! Every string from an upstream (names, values, error texts, file names) passes here before a person sees
//! it. What would be invisible or would reorder its surroundings becomes a token such as `‹U+202E›`:
//! control characters, bidirectional controls, zero-width and filler characters, tags, variation selectors
//! that hide data, lone surrogates and invalid bytes. The mapping is unambiguous: a `‹` that could be read as
//! the start of a token is itself shown as a token. Ordinary text of any script passes unchanged.
//!
//! The result is for eyes. It is never sent back to a source, used as a key, or exported.

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_security::MixedScript as _;

/// Where the text will stand, which decides over line breaks and tabs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A name, a cell, a title: line breaks and tabs are tokens.
    Line,
    /// A message or an inspector with room for lines: `\n` and `\t` stay.
    Block,
}

/// Text that is safe to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visible<'a> {
    /// What to show; ends with `…` if it was cut.
    pub text: Cow<'a, str>,
    /// Characters (or invalid bytes) shown as tokens.
    pub tokens: usize,
    /// Bytes of the original that are not shown.
    pub cut_bytes: usize,
}

/// Combining marks in a row beyond which text climbs over its neighbours.
const MOST_MARKS: usize = 6;

/// Makes a string visible; at most `most_chars` characters of the original are shown.
pub fn visible(text: &str, place: Place, most_chars: usize) -> Visible<'_> {
    let clean = text.char_indices().take(most_chars).all(|(_, c)| is_plain(c));
    if clean {
        let end = text.char_indices().nth(most_chars).map_or(text.len(), |(at, _)| at);
        let shown = text.get(..end).unwrap_or_default();
        let cut_bytes = text.len() - end;
        let text = if cut_bytes == 0 { Cow::Borrowed(shown) } else { Cow::Owned(format!("{shown}…")) };
        return Visible { text, tokens: 0, cut_bytes };
    }
    let mut maker = Maker::new(place, most_chars);
    let cut_bytes = maker.push_str(text);
    maker.finish(cut_bytes)
}

/// Makes bytes visible that should be UTF-8: invalid bytes become `‹0xFF›`, encoded surrogates `‹U+D800›`.
pub fn visible_bytes(bytes: &[u8], place: Place, most_chars: usize) -> Visible<'_> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return visible(text, place, most_chars);
    }
    let mut maker = Maker::new(place, most_chars);
    let mut rest = bytes;
    while !rest.is_empty() {
        let valid = match std::str::from_utf8(rest) {
            Ok(text) => text,
            Err(error) => rest
                .get(..error.valid_up_to())
                .and_then(|head| std::str::from_utf8(head).ok())
                .unwrap_or_default(),
        };
        let unread = maker.push_str(valid);
        rest = rest.get(valid.len() - unread..).unwrap_or_default();
        if rest.is_empty() || maker.is_full() {
            break;
        }
        rest = maker.push_invalid(rest);
    }
    maker.finish(rest.len())
}

/// Makes a name visible: one line, at most 200 characters.
pub fn name(text: &str) -> Cow<'_, str> {
    visible(text, Place::Line, 200).text
}

/// Whether a name mixes scripts in a way that people do not write, such as a Cyrillic letter among Latin ones.
pub fn mixes_scripts(name: &str) -> bool {
    !name.is_single_script()
}

/// Builds the visible form character by character.
struct Maker {
    out: String,
    place: Place,
    room: usize,
    tokens: usize,
    previous: Option<char>,
    marks: usize,
}

impl Maker {
    fn new(place: Place, most_chars: usize) -> Self {
        Self { out: String::new(), place, room: most_chars, tokens: 0, previous: None, marks: 0 }
    }

    fn is_full(&self) -> bool {
        self.room == 0
    }

    /// Takes characters while there is room; returns the bytes not taken.
    fn push_str(&mut self, text: &str) -> usize {
        for (at, c) in text.char_indices() {
            if self.is_full() {
                return text.len() - at;
            }
            self.room -= 1;
            let next = text.get(at + c.len_utf8()..).and_then(|rest| rest.chars().next());
            self.push(c, next);
        }
        0
    }

    fn push(&mut self, c: char, next: Option<char>) {
        self.marks = if is_mark(c) { self.marks + 1 } else { 0 };
        let keep = match c {
            '\n' | '\t' => self.place == Place::Block,
            '‹' => !matches!(next, Some('U' | '0')),
            // Emoji and text style: once, after something to style.
            '\u{FE0E}' | '\u{FE0F}' => {
                self.previous.is_some_and(|before| is_plain(before) && !before.is_ascii_alphabetic())
            }
            _ if is_mark(c) => self.marks <= MOST_MARKS,
            _ => is_plain(c),
        };
        if keep {
            self.out.push(c);
        } else {
            self.token(c as u32);
        }
        self.previous = Some(c);
    }

    /// Shows the invalid sequence at the start of `bytes` and returns what follows it.
    fn push_invalid<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        self.room -= 1;
        self.previous = None;
        if let &[0xED, second @ 0xA0..=0xBF, third @ 0x80..=0xBF, ref rest @ ..] = bytes {
            self.token(0xD000 | (u32::from(second & 0x3F) << 6) | u32::from(third & 0x3F));
            return rest;
        }
        let Some((first, rest)) = bytes.split_first() else {
            return bytes;
        };
        self.tokens += 1;
        // Writing to a String does not fail.
        write!(self.out, "‹0x{first:02X}›").unwrap_or_default();
        rest
    }

    fn token(&mut self, code: u32) {
        self.tokens += 1;
        write!(self.out, "‹U+{code:04X}›").unwrap_or_default();
    }

    fn finish<'a>(mut self, cut_bytes: usize) -> Visible<'a> {
        if cut_bytes > 0 {
            self.out.push('…');
        }
        Visible { text: Cow::Owned(self.out), tokens: self.tokens, cut_bytes }
    }
}

/// Whether a character is shown as itself wherever it stands.
fn is_plain(c: char) -> bool {
    match c {
        ' '..='~' => true,
        // C0, DEL and C1.
        '\0'..='\u{1F}' | '\u{7F}'..='\u{9F}' => false,
        // The start of a token; decided by what follows.
        '‹' => false,
        _ => !is_hidden(c) && !is_mark(c),
    }
}

/// Whether a character has no shape of its own, or changes the order of others.
pub fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
        | '\u{180B}'..='\u{180F}'
        // Zero-width, direction marks, line and paragraph separator, embeddings and overrides.
        | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
        // Word joiner, invisible operators, isolates, deprecated format characters.
        | '\u{2060}'..='\u{206F}'
        | '\u{2800}' | '\u{3164}' | '\u{FFA0}' | '\u{FEFF}'
        | '\u{FE00}'..='\u{FE0F}' | '\u{FFF0}'..='\u{FFFB}'
        | '\u{1D173}'..='\u{1D17A}'
        // Tags and supplementary variation selectors can carry a whole hidden text.
        | '\u{E0000}'..='\u{E0FFF}')
        || is_noncharacter(c)
}

fn is_noncharacter(c: char) -> bool {
    matches!(c, '\u{FDD0}'..='\u{FDEF}') || (c as u32) & 0xFFFE == 0xFFFE
}

/// Marks that are drawn over the character before them.
fn is_mark(c: char) -> bool {
    matches!(c,
        '\u{0300}'..='\u{034E}' | '\u{0350}'..='\u{036F}' | '\u{0483}'..='\u{0489}'
        | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}' | '\u{20D0}'..='\u{20FF}'
        | '\u{FE20}'..='\u{FE2F}')
}

#[cfg(test)]
mod tests;
