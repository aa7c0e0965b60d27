//! The dialects worth trying on a sample: only what occurs in it.

use super::super::dialect::{Comment, Delimiter, Dialect, Escape, LineEnd, Overrides, Padding, QuoteChoice};

const BYTES: [u8; 11] = [b',', b';', b'\t', b'|', b':', b' ', b'^', b'~', 0x1F, 0x01, 0xA7];
const SEQUENCES: [&[u8]; 7] = [b"||", b"::", b"\t\t", b";;", b"|~|", "§".as_bytes(), "¦".as_bytes()];

/// How often each kind of line end occurs.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct LineEnds {
    pub(super) crlf: usize,
    pub(super) lf: usize,
    pub(super) cr: usize,
}

impl LineEnds {
    pub(super) fn of(text: &[u8]) -> Self {
        let mut ends = Self::default();
        let mut before = 0;
        for (index, byte) in text.iter().enumerate() {
            match byte {
                b'\n' if before == b'\r' => ends.crlf += 1,
                b'\n' => ends.lf += 1,
                b'\r' if index + 1 < text.len() && text[index + 1] != b'\n' => ends.cr += 1,
                _ => {}
            }
            before = *byte;
        }
        ends
    }

    /// The ways to read the line ends, the likeliest first.
    pub(super) fn choices(&self) -> Vec<LineEnd> {
        let feeds = self.crlf + self.lf;
        if feeds == 0 && self.cr > 0 {
            return vec![LineEnd::Cr];
        }
        let usual = if self.crlf > 0 { LineEnd::CrLf } else { LineEnd::Lf };
        if self.cr > 0 { vec![usual, LineEnd::Mixed] } else { vec![usual] }
    }

    pub(super) fn evidence(&self) -> String {
        let parts = [("CR LF", self.crlf), ("LF", self.lf), ("CR", self.cr)];
        let seen: Vec<String> = parts
            .iter()
            .filter(|(_, count)| *count > 0)
            .map(|(name, count)| format!("{count} {name}"))
            .collect();
        match seen.len() {
            0 => "line ends: none seen".to_owned(),
            1 => format!("line ends: {}", seen[0]),
            _ => format!("line ends: mixed, {} seen", seen.join(", ")),
        }
    }
}

/// Every dialect to try, without its comment mark.
pub(super) fn dialects(text: &[u8], overrides: &Overrides, ends: LineEnds) -> Vec<Dialect> {
    let mut found = Vec::new();
    for line_end in ends.choices() {
        for delimiter in delimiters(text, overrides.delimiter) {
            for quote in quotes(text, overrides.quote, delimiter) {
                for escape in escapes(text, overrides.escape, quote) {
                    let comment = overrides.comment;
                    found.push(Dialect {
                        delimiter,
                        quote,
                        escape,
                        line_end,
                        padding: Padding::Kept,
                        comment,
                    });
                }
            }
        }
    }
    found
}

fn delimiters(text: &[u8], chosen: Option<Delimiter>) -> Vec<Delimiter> {
    if let Some(chosen) = chosen {
        return vec![chosen];
    }
    let mut found = vec![Delimiter::Absent];
    let occurs = |needle: &[u8]| text.windows(needle.len()).any(|window| window == needle);
    for byte in BYTES {
        // A lone byte beyond ASCII is part of a character in UTF-8.
        let stands_alone = byte < 0x80 || (text.contains(&byte) && std::str::from_utf8(text).is_err());
        if stands_alone && text.contains(&byte) {
            found.push(Delimiter::Byte(byte));
        }
    }
    for sequence in SEQUENCES {
        if occurs(sequence) {
            let mut bytes = [0; 4];
            bytes[..sequence.len()].copy_from_slice(sequence);
            found.push(Delimiter::Sequence { bytes, len: sequence.len() as u8 });
        }
    }
    if occurs(b"  ") || (occurs(b" ") && occurs(b"\t")) {
        found.push(Delimiter::Blanks);
    }
    found
}

fn quotes(text: &[u8], chosen: Option<QuoteChoice>, delimiter: Delimiter) -> Vec<Option<u8>> {
    match chosen {
        Some(QuoteChoice::Absent) => return vec![None],
        Some(QuoteChoice::Byte(byte)) => return vec![Some(byte)],
        None => {}
    }
    // A double quote costs nothing where there is none, and one may come later.
    let mut found = vec![Some(b'"')];
    if text.contains(&b'"') {
        found.push(None);
    }
    if cells_in(text, b'\'', delimiter) >= 2 {
        found.push(Some(b'\''));
    }
    found
}

/// How many quotes of a kind stand at the start of a cell.
fn cells_in(text: &[u8], quote: u8, delimiter: Delimiter) -> usize {
    let opens = |index: usize| match index.checked_sub(1) {
        None => true,
        Some(before) => matches!(text[before], b'\n' | b'\r') || Some(text[before]) == delimiter.first_byte(),
    };
    text.iter().enumerate().filter(|(index, byte)| **byte == quote && opens(*index)).count()
}

fn escapes(text: &[u8], chosen: Option<Escape>, quote: Option<u8>) -> Vec<Escape> {
    if let Some(chosen) = chosen {
        return vec![chosen];
    }
    let escaped = quote.is_some_and(|quote| text.windows(2).any(|pair| pair == [b'\\', quote]));
    if escaped { vec![Escape::Doubled, Escape::Backslash] } else { vec![Escape::Doubled] }
}

/// The comment mark of a sample whose first lines are comments, and how many lines open with it.
pub(super) fn leading_comment(text: &[u8]) -> Option<Comment> {
    let lines: Vec<&[u8]> = text
        .split(|byte| matches!(byte, b'\n' | b'\r'))
        .map(<[u8]>::trim_ascii_start)
        .filter(|line| !line.is_empty())
        .take(1000)
        .collect();
    [Comment::Hash, Comment::Slashes, Comment::Dashes].into_iter().find(|comment| {
        let opens = |line: &&[u8]| line.starts_with(comment.prefix());
        let leading = lines.iter().take_while(|line| opens(line)).count();
        let all = lines.iter().filter(|line| opens(line)).count();
        // Where most lines open so, it is a value; a file of comments alone still is no table.
        leading > 0 && leading < lines.len() && (all - leading) * 2 <= lines.len() - leading
    })
}
