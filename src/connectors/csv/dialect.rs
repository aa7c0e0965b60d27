//! How a delimited file is written, as plain values: what the sniffer finds, what a user may override,
//! and what a read had to leave out.
//!
//! Invariant: a [`Dialect`] is complete. Every reader takes the same value, so the preview, the profile and
//! the index can never disagree about where a row ends.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// What separates two cells of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Delimiter {
    /// Nothing: a line is one cell.
    Absent,
    /// One byte, such as `,` or a tab.
    Byte(u8),
    /// Two to four bytes, such as `||`.
    Sequence {
        /// The bytes, of which the first `len` count.
        bytes: [u8; 4],
        /// How many bytes count, 2 to 4.
        len: u8,
    },
    /// One or more spaces or tabs; leading ones are not a cell.
    Blanks,
}

impl Delimiter {
    /// The delimiter a user wrote: empty is [`Delimiter::Absent`], `\t` is a tab, more than four bytes is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = match text {
            "\\t" | "tab" => "\t",
            "space" => " ",
            "spaces" => return Some(Self::Blanks),
            other => other,
        };
        let bytes = text.as_bytes();
        match bytes.len() {
            0 => Some(Self::Absent),
            1 => Some(Self::Byte(bytes[0])),
            len @ 2..=4 => {
                let mut sequence = [0; 4];
                sequence[..len].copy_from_slice(bytes);
                Some(Self::Sequence { bytes: sequence, len: len as u8 })
            }
            _ => None,
        }
    }

    /// Bytes that `at` opens with if a delimiter stands there.
    pub(super) fn length_at(&self, at: &[u8]) -> Option<usize> {
        match self {
            Self::Absent => None,
            Self::Byte(byte) => (at.first() == Some(byte)).then_some(1),
            Self::Sequence { bytes, len } => {
                let len = usize::from(*len).min(bytes.len());
                at.starts_with(&bytes[..len]).then_some(len)
            }
            Self::Blanks => {
                let run = at.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
                (run > 0).then_some(run)
            }
        }
    }

    /// The byte every delimiter starts with, for the block scanner.
    pub(super) fn first_byte(&self) -> Option<u8> {
        match self {
            Self::Absent => None,
            Self::Byte(byte) => Some(*byte),
            Self::Sequence { bytes, .. } => Some(bytes[0]),
            Self::Blanks => Some(b' '),
        }
    }
}

impl fmt::Display for Delimiter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => formatter.write_str("none"),
            Self::Byte(b'\t') => formatter.write_str("tab"),
            Self::Byte(b' ') => formatter.write_str("space"),
            Self::Blanks => formatter.write_str("runs of spaces"),
            Self::Byte(byte) => write!(formatter, "'{}'", byte.escape_ascii()),
            Self::Sequence { bytes, len } => {
                let len = usize::from(*len).min(bytes.len());
                write!(formatter, "'{}'", bytes[..len].escape_ascii())
            }
        }
    }
}

/// How a quote inside a quoted cell is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Escape {
    /// The quote twice.
    Doubled,
    /// A backslash before it; a doubled quote is still understood.
    Backslash,
}

/// What ends a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LineEnd {
    /// Line feed; a carriage return before it belongs to the line end.
    Lf,
    /// Carriage return and line feed; a bare line feed also ends a row.
    CrLf,
    /// Carriage return alone.
    Cr,
    /// Any of the three.
    Mixed,
}

impl LineEnd {
    /// Whether a carriage return without a line feed ends a row.
    pub(super) fn ends_at_bare_cr(self) -> bool {
        matches!(self, Self::Cr | Self::Mixed)
    }
}

/// Blanks between a delimiter and its cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Padding {
    /// Part of the cell.
    Kept,
    /// Not part of the cell: the file writes `, ` between cells.
    AfterDelimiter,
}

/// What opens a line that is not a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Comment {
    /// `#`
    Hash,
    /// `//`
    Slashes,
    /// `--`
    Dashes,
}

impl Comment {
    /// The opening bytes.
    pub fn prefix(self) -> &'static [u8] {
        match self {
            Self::Hash => b"#",
            Self::Slashes => b"//",
            Self::Dashes => b"--",
        }
    }
}

/// How a file is written, complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dialect {
    /// Between cells.
    pub delimiter: Delimiter,
    /// Around cells that hold delimiters or line ends; `None` when no cell is quoted.
    pub quote: Option<u8>,
    /// A quote within quotes.
    pub escape: Escape,
    /// Between rows.
    pub line_end: LineEnd,
    /// Blanks after a delimiter.
    pub padding: Padding,
    /// Lines that are not rows.
    pub comment: Option<Comment>,
}

impl Default for Dialect {
    fn default() -> Self {
        Self {
            delimiter: Delimiter::Byte(b','),
            quote: Some(b'"'),
            escape: Escape::Doubled,
            line_end: LineEnd::Lf,
            padding: Padding::Kept,
            comment: None,
        }
    }
}

/// Where the column names come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Header {
    /// The table starts with data; columns are named by position.
    Absent,
    /// This many lines of names, joined by a space where several.
    Lines(u8),
    /// The last comment line before the data holds the names.
    InComment,
}

/// A user's answer to the question of a quote character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum QuoteChoice {
    /// No cell is quoted.
    Absent,
    /// This byte.
    Byte(u8),
}

/// What a user fixed by hand; everything left open is sniffed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Overrides {
    /// Between cells.
    pub delimiter: Option<Delimiter>,
    /// Around cells.
    pub quote: Option<QuoteChoice>,
    /// A quote within quotes.
    pub escape: Option<Escape>,
    /// A label such as `utf-8` or `windows-1252`, as the WHATWG encoding standard writes them.
    pub encoding: Option<String>,
    /// Where the names come from.
    pub header: Option<Header>,
    /// Lines to leave out before the table.
    pub skip_lines: Option<usize>,
    /// Lines that are not rows.
    pub comment: Option<Comment>,
    /// Spellings that mean "no value", beside the empty cell.
    pub null_spellings: Option<Vec<String>>,
}

/// Why something of the file is not in the table as a plain cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Why {
    /// A line without any character in a table of several columns.
    BlankLine,
    /// A line that opens with the comment mark.
    CommentLine,
    /// Lines before the table.
    Preamble,
    /// Lines after the table.
    Footer,
    /// A row with fewer cells than columns: the rest is missing, not null.
    ShortRow,
    /// A row with more cells than columns: the surplus stays in its last cell.
    LongRow,
    /// A quote that was never closed or stands where none can: the row was read in the most likely way.
    StrayQuote,
    /// A row longer than the limit: left out.
    OversizeRow,
    /// Bytes that the encoding does not allow: the cell keeps the raw bytes.
    InvalidBytes,
    /// The last row ends without a line end and is short: the file may be cut off or still growing.
    CutOff,
    /// A quote opens a cell of the last rows and is not closed before the end: the file may be cut off in it.
    CutInQuote,
    /// Bytes of zero, which text has no use for.
    ZeroBytes,
    /// The bytes ended or failed before the end of the file or of the compressed stream.
    EndedEarly,
    /// The budget of bytes was used up before the end.
    Budget,
}

impl Why {
    /// The reason in the user's words.
    pub fn text(self) -> &'static str {
        match self {
            Self::BlankLine => "blank line",
            Self::CommentLine => "comment line, not part of the table",
            Self::Preamble => "line before the table",
            Self::Footer => "line after the table",
            Self::ShortRow => "row with fewer cells than columns; the others are shown as missing",
            Self::LongRow => "row with more cells than columns; the surplus stays in its last cell",
            Self::StrayQuote => {
                "quote that is never closed or out of place; the row was read in the most likely way"
            }
            Self::OversizeRow => "row longer than the limit, left out",
            Self::InvalidBytes => "cell with bytes that its encoding does not allow; shown as bytes",
            Self::CutOff => "last row is short and has no line end; the file may be cut off or still growing",
            Self::CutInQuote => {
                "the file ends inside a quoted cell; it may be cut off or still growing, the cell is shown as it stands"
            }
            Self::ZeroBytes => {
                "zero byte in a cell, kept as it is; the file may be damaged, sparse or not text"
            }
            Self::EndedEarly => "the bytes ended before the end of the data",
            Self::Budget => "the budget of bytes was used up",
        }
    }
}

/// What one reason cost.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    /// How often.
    pub count: u64,
    /// The first data rows it happened at, at most [`Losses::PLACES`].
    pub rows: Vec<u64>,
}

/// Everything a read left out or had to repair. Nothing leaves the table without an entry here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Losses(BTreeMap<Why, Lost>);

impl Losses {
    /// How many places are kept per reason.
    pub const PLACES: usize = 8;

    /// Counts one loss at a data row.
    pub fn add(&mut self, why: Why, row: u64) {
        self.add_many(why, row, 1);
    }

    /// Counts several losses that start at a data row.
    pub fn add_many(&mut self, why: Why, row: u64, count: u64) {
        if count == 0 {
            return;
        }
        let lost = self.0.entry(why).or_default();
        lost.count += count;
        if lost.rows.len() < Self::PLACES {
            lost.rows.push(row);
        }
    }

    /// How often a reason occurred.
    pub fn count(&self, why: Why) -> u64 {
        self.0.get(&why).map_or(0, |lost| lost.count)
    }

    /// Every reason that occurred, in a fixed order.
    pub fn iter(&self) -> impl Iterator<Item = (Why, &Lost)> {
        self.0.iter().map(|(why, lost)| (*why, lost))
    }

    /// Adds what another read of the same file lost.
    pub fn merge(&mut self, other: &Self) {
        for (why, lost) in other.iter() {
            let mine = self.0.entry(why).or_default();
            mine.count += lost.count;
            let room = Self::PLACES.saturating_sub(mine.rows.len());
            mine.rows.extend(lost.rows.iter().take(room));
        }
    }

    /// Gives what was counted for one reason to another that says it better.
    pub fn rename(&mut self, from: Why, to: Why) {
        if let Some(lost) = self.0.remove(&from) {
            self.0.insert(to, lost);
        }
    }

    /// Whether nothing was lost.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_can_write_every_delimiter() {
        let rows: &[(&str, Option<Delimiter>, &str)] = &[
            (",", Some(Delimiter::Byte(b',')), "','"),
            ("\\t", Some(Delimiter::Byte(b'\t')), "tab"),
            ("tab", Some(Delimiter::Byte(b'\t')), "tab"),
            ("space", Some(Delimiter::Byte(b' ')), "space"),
            ("spaces", Some(Delimiter::Blanks), "runs of spaces"),
            ("", Some(Delimiter::Absent), "none"),
            ("||", Some(Delimiter::Sequence { bytes: *b"||\0\0", len: 2 }), "'||'"),
            ("|~|~|", None, ""),
        ];
        for (text, expected, shown) in rows {
            let found = Delimiter::parse(text);
            assert_eq!(found, *expected, "{text:?}");
            if let Some(delimiter) = found {
                assert_eq!(delimiter.to_string(), *shown, "{text:?}");
            }
        }
    }

    #[test]
    fn losses_add_up_and_keep_the_first_places() {
        let mut losses = Losses::default();
        for row in 0..20 {
            losses.add(Why::ShortRow, row);
        }
        let mut other = Losses::default();
        other.add_many(Why::Footer, 99, 3);
        losses.merge(&other);
        assert_eq!(losses.count(Why::ShortRow), 20);
        assert_eq!(losses.count(Why::Footer), 3);
        assert_eq!(losses.iter().next().unwrap().1.rows.len(), 1);
        let short = losses.iter().find(|(why, _)| *why == Why::ShortRow).unwrap().1;
        assert_eq!(short.rows, (0..8).collect::<Vec<_>>());
    }
}
