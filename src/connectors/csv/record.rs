//! One record: from its first byte to its line end, as cell positions. Strict where quoting is concerned, so
//! that anything odd is handed to `repair` rather than guessed at full speed.

use super::dialect::{Delimiter, Dialect, Escape, Padding};
use crate::kit::scan::{Finder, Needles, find};

/// Where one cell stands in its block. A quoted cell's position excludes its quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    start: u32,
    // The two top bits are flags: a block never reaches 2^30 bytes.
    end: u32,
}

const QUOTED: u32 = 1 << 31;
const ESCAPED: u32 = 1 << 30;

/// Whether a cell stood in quotes, and whether it holds escapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Writing {
    Plain,
    PlainEscaped,
    Quoted,
    QuotedEscaped,
}

impl Field {
    pub(super) fn new(start: usize, end: usize, writing: Writing) -> Self {
        let flags = match writing {
            Writing::Plain => 0,
            Writing::PlainEscaped => ESCAPED,
            Writing::Quoted => QUOTED,
            Writing::QuotedEscaped => QUOTED | ESCAPED,
        };
        Self { start: start as u32, end: end as u32 | flags }
    }

    /// The first byte of the value.
    #[inline]
    pub fn start(self) -> usize {
        self.start as usize
    }

    /// One past the last byte of the value.
    #[inline]
    pub fn end(self) -> usize {
        (self.end & !(QUOTED | ESCAPED)) as usize
    }

    /// Whether the value stood in quotes.
    #[inline]
    pub fn is_quoted(self) -> bool {
        self.end & QUOTED != 0
    }

    /// Whether the value holds escapes that reading must resolve.
    #[inline]
    pub fn is_escaped(self) -> bool {
        self.end & ESCAPED != 0
    }

    pub(super) fn moved(self, by: usize) -> Self {
        Self { start: self.start + by as u32, end: self.end + by as u32 }
    }
}

/// A dialect, prepared for scanning.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    pub(super) dialect: Dialect,
    pub(super) bare_cr: bool,
}

/// Whether a line ends at a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LineBreak {
    Here(usize),
    Elsewhere,
    /// A carriage return is the last byte so far: what follows decides.
    Undecided,
}

/// Whether the bytes at hand are all there will be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Supply {
    More,
    Ended,
}

/// How far one record could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scan {
    /// The record is whole; the next one starts at `next`.
    Complete { next: usize, spans_lines: bool },
    /// A quote stands where none can.
    Malformed,
    /// The record reaches beyond the bytes at hand.
    Incomplete,
}

impl Rules {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self { dialect, bare_cr: dialect.line_end.ends_at_bare_cr() }
    }

    /// What ends an unquoted cell.
    pub(super) fn needles(&self) -> Needles {
        let cr = if self.bare_cr { b'\r' } else { b'\n' };
        match self.dialect.delimiter {
            Delimiter::Blanks => Needles::new([b' ', b'\t', b'\n', cr]),
            other => {
                let first = other.first_byte().unwrap_or(b'\n');
                Needles::new([first, b'\n', cr, first])
            }
        }
    }

    pub(super) fn line_needles(&self) -> Needles {
        let cr = if self.bare_cr { b'\r' } else { b'\n' };
        Needles::new([b'\n', cr, b'\n', cr])
    }

    #[inline]
    pub(super) fn line_break(&self, data: &[u8], at: usize, supply: Supply) -> LineBreak {
        match data.get(at) {
            Some(b'\n') => LineBreak::Here(1),
            Some(b'\r') => match data.get(at + 1) {
                Some(b'\n') => LineBreak::Here(2),
                None if supply == Supply::More => LineBreak::Undecided,
                None => LineBreak::Here(1),
                Some(_) if self.bare_cr => LineBreak::Here(1),
                Some(_) => LineBreak::Elsewhere,
            },
            _ => LineBreak::Elsewhere,
        }
    }

    /// The end of the line that `from` stands in: where its text ends and where the next line starts.
    pub(super) fn line_at(&self, data: &[u8], from: usize, supply: Supply) -> Option<(usize, usize)> {
        match find(data, from, self.line_needles()) {
            Some(at) if data[at] == b'\n' => {
                let text_end = if at > from && data[at - 1] == b'\r' { at - 1 } else { at };
                Some((text_end, at + 1))
            }
            Some(at) => match self.line_break(data, at, supply) {
                LineBreak::Here(length) => Some((at, at + length)),
                LineBreak::Elsewhere | LineBreak::Undecided => None,
            },
            None if supply == Supply::Ended => Some((data.len(), data.len())),
            None => None,
        }
    }

    /// Where the quote of a cell that starts at `from` may stand: after blanks, unless blanks are delimiters.
    pub(super) fn quote_place(&self, data: &[u8], from: usize) -> usize {
        match self.dialect.delimiter {
            Delimiter::Blanks | Delimiter::Byte(b' ') => from,
            _ => from + blanks_at(data, from),
        }
    }

    fn skip_padding(&self, data: &[u8], from: usize) -> usize {
        match self.dialect.padding {
            Padding::Kept => from,
            Padding::AfterDelimiter => from + blanks_at(data, from),
        }
    }

    /// Reads one record that starts at `start`, pushing its cells.
    pub(super) fn scan(
        &self,
        data: &[u8],
        start: usize,
        finder: &mut Finder<'_>,
        supply: Supply,
        fields: &mut Vec<Field>,
    ) -> Scan {
        let mut spans_lines = false;
        let mut at = start;
        if self.dialect.delimiter == Delimiter::Blanks {
            at += blank_run(data, at);
        }
        loop {
            at = self.skip_padding(data, at);
            if at >= data.len() {
                if supply == Supply::More {
                    return Scan::Incomplete;
                }
                fields.push(Field::new(data.len(), data.len(), Writing::Plain));
                return Scan::Complete { next: data.len(), spans_lines };
            }
            let stop = if Some(data[at]) == self.dialect.quote {
                match self.quoted(data, at, supply, fields) {
                    Quoted::Closed { after, line_break } => {
                        spans_lines |= line_break;
                        self.after_quoted(data, after, supply)
                    }
                    Quoted::Open if supply == Supply::More => return Scan::Incomplete,
                    Quoted::Open => return Scan::Malformed,
                }
            } else {
                self.plain(data, at, finder, supply, fields)
            };
            match stop {
                Stop::Cell(next) => at = next,
                Stop::Record(next) => return Scan::Complete { next, spans_lines },
                Stop::Malformed => return Scan::Malformed,
                Stop::Unknown => return Scan::Incomplete,
            }
        }
    }

    #[inline]
    fn plain(
        &self,
        data: &[u8],
        start: usize,
        finder: &mut Finder<'_>,
        supply: Supply,
        fields: &mut Vec<Field>,
    ) -> Stop {
        let mut writing = Writing::Plain;
        let mut from = start;
        loop {
            let Some(at) = finder.next(from) else {
                if supply == Supply::More {
                    return Stop::Unknown;
                }
                fields.push(Field::new(start, data.len(), writing));
                return Stop::Record(data.len());
            };
            if self.dialect.escape == Escape::Backslash && is_escaped(data, start, at) {
                writing = Writing::PlainEscaped;
                from = at + 1;
                continue;
            }
            match data[at] {
                b'\n' => {
                    let end = if at > start && data[at - 1] == b'\r' { at - 1 } else { at };
                    fields.push(Field::new(start, end, writing));
                    return Stop::Record(at + 1);
                }
                b'\r' if self.bare_cr => {
                    return match self.line_break(data, at, supply) {
                        LineBreak::Here(length) => {
                            fields.push(Field::new(start, at, writing));
                            Stop::Record(at + length)
                        }
                        LineBreak::Elsewhere | LineBreak::Undecided => Stop::Unknown,
                    };
                }
                _ => match self.delimiter_at(data, at, supply) {
                    Found::Delimiter(length) => {
                        fields.push(Field::new(start, at, writing));
                        return self.after_delimiter(data, at + length, supply);
                    }
                    Found::Other => from = at + 1,
                    Found::Undecided => return Stop::Unknown,
                },
            }
        }
    }

    #[inline]
    fn delimiter_at(&self, data: &[u8], at: usize, supply: Supply) -> Found {
        match self.dialect.delimiter {
            Delimiter::Byte(byte) => {
                if data[at] == byte {
                    Found::Delimiter(1)
                } else {
                    Found::Other
                }
            }
            other => {
                let rest = data.get(at..).unwrap_or_default();
                let reaches_end = match other {
                    Delimiter::Sequence { len, .. } => rest.len() < usize::from(len),
                    _ => rest.iter().all(|byte| matches!(byte, b' ' | b'\t')),
                };
                if reaches_end && supply == Supply::More {
                    return Found::Undecided;
                }
                other.length_at(rest).map_or(Found::Other, Found::Delimiter)
            }
        }
    }

    /// Runs of blanks before a line end close the record; every other delimiter opens another cell.
    #[inline]
    fn after_delimiter(&self, data: &[u8], next: usize, supply: Supply) -> Stop {
        if self.dialect.delimiter != Delimiter::Blanks {
            return Stop::Cell(next);
        }
        match self.line_break(data, next, supply) {
            LineBreak::Here(length) => Stop::Record(next + length),
            LineBreak::Undecided => Stop::Unknown,
            LineBreak::Elsewhere if next >= data.len() && supply == Supply::Ended => Stop::Record(next),
            LineBreak::Elsewhere => Stop::Cell(next),
        }
    }

    fn quoted(&self, data: &[u8], open: usize, supply: Supply, fields: &mut Vec<Field>) -> Quoted {
        let quote = data[open];
        let needles = match self.dialect.escape {
            Escape::Doubled => Needles::one(quote),
            Escape::Backslash => Needles::new([quote, b'\\', quote, b'\\']),
        };
        let mut writing = Writing::Quoted;
        let mut from = open + 1;
        loop {
            let Some(at) = find(data, from, needles) else { return Quoted::Open };
            if data[at] != quote {
                writing = Writing::QuotedEscaped;
                from = at + 2;
                continue;
            }
            match data.get(at + 1) {
                Some(next) if *next == quote => {
                    writing = Writing::QuotedEscaped;
                    from = at + 2;
                }
                None if supply == Supply::More => return Quoted::Open,
                _ => {
                    fields.push(Field::new(open + 1, at, writing));
                    let inside = &data[open + 1..at];
                    let line_break = find(inside, 0, self.line_needles()).is_some();
                    return Quoted::Closed { after: at + 1, line_break };
                }
            }
        }
    }

    fn after_quoted(&self, data: &[u8], after: usize, supply: Supply) -> Stop {
        let at = self.quote_place(data, after);
        if at >= data.len() {
            return if supply == Supply::More { Stop::Unknown } else { Stop::Record(data.len()) };
        }
        match self.line_break(data, at, supply) {
            LineBreak::Here(length) => return Stop::Record(at + length),
            LineBreak::Undecided => return Stop::Unknown,
            LineBreak::Elsewhere => {}
        }
        match self.delimiter_at(data, at, supply) {
            Found::Delimiter(length) => self.after_delimiter(data, at + length, supply),
            Found::Other => Stop::Malformed,
            Found::Undecided => Stop::Unknown,
        }
    }
}

enum Found {
    Delimiter(usize),
    Other,
    Undecided,
}

enum Stop {
    Cell(usize),
    Record(usize),
    Malformed,
    Unknown,
}

enum Quoted {
    Closed { after: usize, line_break: bool },
    Open,
}

/// How many spaces stand at a position.
fn blanks_at(data: &[u8], from: usize) -> usize {
    data.get(from..).unwrap_or_default().iter().take_while(|byte| **byte == b' ').count()
}

fn blank_run(data: &[u8], from: usize) -> usize {
    data.get(from..).unwrap_or_default().iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count()
}

/// Whether an odd number of backslashes stands before `at`.
pub(super) fn is_escaped(data: &[u8], start: usize, at: usize) -> bool {
    data[start..at].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}
