//! The stream of `COPY (SELECT …) TO STDOUT`, cut into rows and fields as it arrives.
//!
//! Chunks may end anywhere; what is left of a row waits for the next one. A row that lies whole in a chunk is
//! never copied, and a field is copied only to take its escapes out.
//!
//! Invariants: the same rows come out wherever the stream is cut · a row with another number of fields than
//! there are columns ends the read with its number · a stream that ends inside a row says so ([`TextRows::end`])
//! · memory is bounded by the longest row, and that by [`MOST_ROW_BYTES`].

pub use self::binary::BinaryRows;
use super::types::{ColumnType, Wire};
use crate::kit::scan::{BLOCK, Finder, Needles};
use crate::model::error::{Error, ErrorKind, Result};

mod binary;

/// The longest row taken: the server builds none longer than its largest allocation, 1 GiB.
pub const MOST_ROW_BYTES: usize = 1 << 30;

/// How a `COPY` writes its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Text; see [`TextRows`] and [`decode::push`](super::decode::push).
    Text,
    /// Binary; see [`BinaryRows`] and [`decode::push_binary`](super::decode::push_binary).
    Binary,
}

impl Format {
    /// What stands behind `TO STDOUT`.
    pub fn clause(self) -> &'static str {
        match self {
            Self::Text => "(FORMAT text)",
            Self::Binary => "(FORMAT binary)",
        }
    }
}

/// The format that costs the server clearly less for rows of these columns; text where binary does not serve.
///
/// Weighed by the server's time to write a value in text less that to write it in binary, in nanoseconds,
/// measured on version 15 with half a million rows of eight columns of each type: writing dates, times, floats
/// and UUIDs as text is dear, while numerics and short texts are cheaper so. Reading costs us about the same.
pub fn format_for(columns: &[ColumnType]) -> Format {
    let gain = |column: &ColumnType| {
        Some(match column.wire? {
            Wire::Bool => -14,
            Wire::Int16 | Wire::Float32 | Wire::Unsigned32 => 5,
            Wire::Int32 => 0,
            Wire::Int64 | Wire::Unsigned64 => 14,
            Wire::Float => 31,
            Wire::Date | Wire::Time => 40,
            Wire::Timestamp => 47,
            Wire::TimestampUtc => 90,
            Wire::Uuid => 108,
            Wire::Bytes => 40,
            Wire::Numeric => -17,
            Wire::Text | Wire::Jsonb => -18,
        })
    };
    match columns.iter().map(gain).sum::<Option<i32>>() {
        Some(gain) if gain > 5 * i32::try_from(columns.len()).unwrap_or(0) => Format::Binary,
        _ => Format::Text,
    }
}

/// A row of a stream; valid during the call it is given to.
#[derive(Clone, Copy, Debug)]
pub struct Row<'r> {
    bytes: &'r [u8],
    unescaped: &'r [u8],
    spans: &'r [Span],
    number: u64,
}

impl<'r> Row<'r> {
    /// Its number in the stream, from 1.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The text of a field; none for null, and where there is no such field.
    #[inline]
    pub fn get(&self, column: usize) -> Option<&'r [u8]> {
        self.spans.get(column).and_then(|span| self.text(span))
    }

    /// The fields in order; none for null.
    pub fn fields(&self) -> impl Iterator<Item = Option<&'r [u8]>> + '_ {
        self.spans.iter().map(|span| self.text(span))
    }

    #[inline]
    fn text(&self, span: &Span) -> Option<&'r [u8]> {
        match span.place {
            Place::Plain => self.bytes.get(span.start..span.end),
            Place::Unescaped => self.unescaped.get(span.start..span.end),
            Place::Null => None,
        }
    }
}

/// Where the text of a field is.
#[derive(Clone, Copy, Debug)]
struct Span {
    start: usize,
    end: usize,
    place: Place,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    Plain,
    Unescaped,
    Null,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Reading,
    /// The end marker was there.
    Ended,
}

/// Parser of the text format.
#[derive(Debug)]
pub struct TextRows {
    columns: usize,
    /// The beginning of a row whose end has not come yet.
    waiting: Vec<u8>,
    /// Whether that ends with a backslash that takes the next byte.
    open_escape: Escape,
    parts: Parts,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Escape {
    Closed,
    Open,
}

/// The row at hand; its buffers are used again for each.
#[derive(Debug, Default)]
struct Parts {
    spans: Vec<Span>,
    unescaped: Vec<u8>,
    rows: u64,
}

impl TextRows {
    /// For rows of so many columns.
    pub fn new(columns: usize) -> Self {
        Self {
            columns,
            waiting: Vec::new(),
            open_escape: Escape::Closed,
            parts: Parts::default(),
            state: State::Reading,
        }
    }

    /// Rows given so far.
    pub fn rows(&self) -> u64 {
        self.parts.rows
    }

    /// Takes the next bytes of the stream and gives every row that is whole with them.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`] with the row's number if the stream is not of this format;
    /// [`ErrorKind::Budget`] if a row is longer than [`MOST_ROW_BYTES`]; what `give` fails with. Rows given
    /// before it stand.
    pub fn feed(&mut self, chunk: &[u8], mut give: impl FnMut(Row<'_>) -> Result<()>) -> Result<()> {
        let mut rest = chunk;
        if !self.waiting.is_empty() {
            let (end, escape) = end_of_row(rest, self.open_escape);
            let Some((head, tail)) = end.and_then(|end| rest.split_at_checked(end)) else {
                self.open_escape = escape;
                return self.wait(rest);
            };
            self.wait(head)?;
            let row = std::mem::take(&mut self.waiting);
            self.whole_rows(&row, &mut give)?;
            self.waiting = row;
            self.waiting.clear();
            rest = tail;
        }
        let left = self.whole_rows(rest, &mut give)?;
        let left = rest.get(left..).unwrap_or_default();
        self.open_escape = end_of_row(left, Escape::Closed).1;
        self.wait(left)
    }

    /// Ends the stream.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`] if it ended inside a row.
    pub fn end(self) -> Result<u64> {
        if self.waiting.is_empty() {
            return Ok(self.parts.rows);
        }
        Err(broken(self.parts.rows + 1, "the stream ended inside it"))
    }

    fn wait(&mut self, bytes: &[u8]) -> Result<()> {
        if self.waiting.len() + bytes.len() > MOST_ROW_BYTES {
            return Err(too_long(self.parts.rows + 1));
        }
        self.waiting.extend_from_slice(bytes);
        Ok(())
    }

    /// Gives the rows that are whole in `bytes`; where the first that is not begins.
    fn whole_rows(&mut self, bytes: &[u8], give: &mut impl FnMut(Row<'_>) -> Result<()>) -> Result<usize> {
        let needles = Needles::new([b'\t', b'\n', b'\\', b'\\']);
        let (mut row, mut field, mut escaped) = (0, 0, false);
        // The byte behind a backslash belongs to the escape, whatever it is.
        let mut taken = usize::MAX;
        let (mut base, mut mask) = (0, needles.mask_at(bytes, 0));
        self.parts.clear();
        loop {
            while mask == 0 {
                base += BLOCK;
                if base >= bytes.len() {
                    return Ok(row);
                }
                mask = needles.mask_at(bytes, base);
            }
            let hit = base + mask.trailing_zeros() as usize;
            mask &= mask - 1;
            if hit == taken {
                continue;
            }
            match bytes.get(hit) {
                Some(b'\t') => {
                    self.parts.close_field(bytes, field, hit, escaped);
                    (field, escaped) = (hit + 1, false);
                }
                Some(b'\n') => {
                    self.parts.close_field(bytes, field, hit, escaped);
                    self.close_row(bytes, row, hit, give)?;
                    (row, field, escaped) = (hit + 1, hit + 1, false);
                }
                _ => (taken, escaped) = (hit + 1, true),
            }
        }
    }

    fn close_row(
        &mut self,
        bytes: &[u8],
        start: usize,
        end: usize,
        give: &mut impl FnMut(Row<'_>) -> Result<()>,
    ) -> Result<()> {
        let number = self.parts.rows + 1;
        if self.state == State::Ended {
            return Err(broken(number, "it comes after the end of the data"));
        }
        if bytes.get(start..end) == Some(b"\\.") {
            self.state = State::Ended;
            self.parts.clear();
            return Ok(());
        }
        if self.columns == 0 && start == end {
            self.parts.spans.clear();
        }
        let found = self.parts.spans.len();
        if found != self.columns {
            let expected = self.columns;
            return Err(broken(
                number,
                &format!("it has {found} fields where the query has {expected} columns"),
            ));
        }
        self.parts.rows = number;
        let Parts { spans, unescaped, .. } = &self.parts;
        give(Row { bytes, unescaped, spans, number })?;
        self.parts.clear();
        Ok(())
    }
}

impl Parts {
    #[inline]
    fn clear(&mut self) {
        self.spans.clear();
        self.unescaped.clear();
    }

    #[inline]
    fn close_field(&mut self, bytes: &[u8], start: usize, end: usize, escaped: bool) {
        let span = if escaped {
            self.unescape(bytes.get(start..end).unwrap_or_default())
        } else {
            Span { start, end, place: Place::Plain }
        };
        self.spans.push(span);
    }

    /// Takes the escapes out of a field that has some.
    fn unescape(&mut self, field: &[u8]) -> Span {
        let start = self.unescaped.len();
        if field == b"\\N" {
            return Span { start, end: start, place: Place::Null };
        }
        let mut rest = field;
        while let Some(stop) = rest.iter().position(|byte| *byte == b'\\') {
            let (plain, escape) = rest.split_at_checked(stop).unwrap_or((rest, &[]));
            self.unescaped.extend_from_slice(plain);
            let (byte, length) = escape_of(escape);
            self.unescaped.push(byte);
            rest = escape.get(length..).unwrap_or_default();
        }
        self.unescaped.extend_from_slice(rest);
        Span { start, end: self.unescaped.len(), place: Place::Unescaped }
    }
}

/// The byte that an escape stands for, and the escape's length.
fn escape_of(escape: &[u8]) -> (u8, usize) {
    match escape.get(1..).unwrap_or_default() {
        [b'b', ..] => (8, 2),
        [b'f', ..] => (12, 2),
        [b'n', ..] => (b'\n', 2),
        [b'r', ..] => (b'\r', 2),
        [b't', ..] => (b'\t', 2),
        [b'v', ..] => (11, 2),
        [b'x', rest @ ..] => match digits_of(rest, 16, 2) {
            (_, 0) => (b'x', 2),
            (value, length) => (value, 2 + length),
        },
        rest @ [b'0'..=b'7', ..] => {
            let (value, length) = digits_of(rest, 8, 3);
            (value, 1 + length)
        }
        [byte, ..] => (*byte, 2),
        [] => (b'\\', 1),
    }
}

/// The value of the leading digits, the lowest eight bits of it, and their number.
fn digits_of(text: &[u8], radix: u32, most: usize) -> (u8, usize) {
    let digits = text.iter().take(most).map_while(|byte| char::from(*byte).to_digit(radix));
    let (value, length) = digits.fold((0, 0), |(value, length), digit| (value * radix + digit, length + 1));
    (u8::try_from(value & 0xff).unwrap_or(0), length)
}

/// Where the row that is under way ends, behind its line feed, and whether an escape is open where it does not.
fn end_of_row(bytes: &[u8], escape: Escape) -> (Option<usize>, Escape) {
    let mut finder = Finder::new(bytes, Needles::new([b'\n', b'\n', b'\\', b'\\']));
    let mut at = usize::from(escape == Escape::Open);
    while let Some(hit) = finder.next(at) {
        if bytes.get(hit) == Some(&b'\n') {
            return (Some(hit + 1), Escape::Closed);
        }
        at = hit + 2;
    }
    (None, if at > bytes.len() { Escape::Open } else { Escape::Closed })
}

fn broken(row: u64, why: &str) -> Error {
    Error::new(ErrorKind::Decode, "read", format!("row {row} of the stream is broken: {why}")).hint(
        "the rows before it are kept; read again to see whether the connection or the server is at fault",
    )
}

fn too_long(row: u64) -> Error {
    let what = format!("row {row} of the stream is longer than 1 GiB, more than the server itself can build");
    Error::new(ErrorKind::Budget, "read", what).hint("choose fewer columns")
}

#[cfg(test)]
mod tests;
