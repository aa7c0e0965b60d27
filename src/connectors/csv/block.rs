//! A block of whole records: the bytes as they stand in the file and where each cell is in them.

use super::decode::TextEncoding;
use super::dialect::{Dialect, Escape};
use super::record::Field;
use std::borrow::Cow;

/// Whole records and the positions of their cells.
#[derive(Debug, Clone)]
pub struct Block {
    pub(super) bytes: Vec<u8>,
    pub(super) fields: Vec<Field>,
    // One entry per row plus one: where its cells start.
    row_fields: Vec<u32>,
    row_starts: Vec<u32>,
    row_ends: Vec<u32>,
    pub(super) end: usize,
    pub(super) first_row: u64,
    pub(super) offset: u64,
    encoding: TextEncoding,
    quote: u8,
    escape: Escape,
}

/// One cell as it stands in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawCell<'a> {
    /// The bytes, without the quotes around them.
    pub bytes: &'a [u8],
    /// Whether quotes stood around them.
    pub quoted: bool,
    escaped: Option<(u8, Escape)>,
}

impl<'a> RawCell<'a> {
    /// The value: escapes resolved, copied only where there are any.
    pub fn value(&self) -> Cow<'a, [u8]> {
        match self.escaped {
            None => Cow::Borrowed(self.bytes),
            Some((quote, escape)) => Cow::Owned(unescape(self.bytes, quote, escape)),
        }
    }

    /// A cell without escapes, for tests and literal values.
    pub fn plain(bytes: &'a [u8]) -> Self {
        Self { bytes, quoted: false, escaped: None }
    }
}

/// A doubled quote is one; a single one stays; a backslash goes before a quote, a backslash or anything but a letter.
fn unescape(bytes: &[u8], quote: u8, escape: Escape) -> Vec<u8> {
    let mut value = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((first, tail)) = rest.split_first() {
        let next = tail.first().copied();
        let drops_backslash = |next: u8| next == quote || next == b'\\' || !next.is_ascii_alphanumeric();
        rest = tail;
        if *first == quote && next == Some(quote) {
            value.push(quote);
            rest = &tail[1..];
        } else if *first == b'\\' && escape == Escape::Backslash && next.is_some_and(drops_backslash) {
            value.extend(next);
            rest = &tail[1..];
        } else {
            value.push(*first);
        }
    }
    value
}

impl Block {
    pub(super) fn new(dialect: &Dialect, encoding: TextEncoding) -> Self {
        Self {
            bytes: Vec::new(),
            fields: Vec::new(),
            row_fields: vec![0],
            row_starts: Vec::new(),
            row_ends: Vec::new(),
            end: 0,
            first_row: 0,
            offset: 0,
            encoding,
            quote: dialect.quote.unwrap_or(b'"'),
            escape: dialect.escape,
        }
    }

    pub(super) fn clear_rows(&mut self) {
        self.fields.clear();
        self.row_fields.clear();
        self.row_fields.push(0);
        self.row_starts.clear();
        self.row_ends.clear();
    }

    /// Rows in this block.
    pub fn rows(&self) -> usize {
        self.row_starts.len()
    }

    /// The number of the first row, from 0 over the whole stream.
    pub fn first_row(&self) -> u64 {
        self.first_row
    }

    /// The row that holds the byte at `at` of this block, and where that row ends.
    pub(super) fn row_at(&self, at: usize) -> Option<(usize, usize)> {
        let row = self.row_starts.partition_point(|start| *start as usize <= at).checked_sub(1)?;
        let end = *self.row_ends.get(row)? as usize;
        (at < end).then_some((row, end))
    }

    /// Where the cells of a row are.
    pub(super) fn row_fields(&self, row: usize) -> &[Field] {
        match (self.row_fields.get(row), self.row_fields.get(row + 1)) {
            (Some(from), Some(to)) => self.fields.get(*from as usize..*to as usize).unwrap_or_default(),
            _ => &[],
        }
    }

    /// Cells that a row really has.
    pub fn width(&self, row: usize) -> usize {
        match (self.row_fields.get(row), self.row_fields.get(row + 1)) {
            (Some(from), Some(to)) => (to - from) as usize,
            _ => 0,
        }
    }

    /// A cell; `None` when the row is too short.
    #[inline]
    pub fn cell(&self, row: usize, column: usize) -> Option<RawCell<'_>> {
        let from = *self.row_fields.get(row)? as usize;
        let to = *self.row_fields.get(row + 1)? as usize;
        let index = from + column;
        if index >= to {
            return None;
        }
        self.raw(*self.fields.get(index)?)
    }

    /// Gives the cells of one column, row by row: the way to read a block that stays in the processor's cache.
    #[inline]
    pub fn for_each_in_column<'a>(&'a self, column: usize, mut each: impl FnMut(usize, Option<RawCell<'a>>)) {
        for (row, ends) in self.row_fields.windows(2).enumerate() {
            let index = ends[0] as usize + column;
            let field = if index < ends[1] as usize { self.fields.get(index) } else { None };
            each(row, field.and_then(|field| self.raw(*field)));
        }
    }

    #[inline]
    fn raw(&self, field: Field) -> Option<RawCell<'_>> {
        Some(RawCell {
            bytes: self.bytes.get(field.start()..field.end())?,
            quoted: field.is_quoted(),
            escaped: field.is_escaped().then_some((self.quote, self.escape)),
        })
    }

    /// How far from the start of its row the value of a cell stands.
    pub(super) fn place_in_row(&self, row: usize, column: usize) -> usize {
        let field = self.row_fields.get(row).and_then(|from| self.fields.get(*from as usize + column));
        let start = self.row_starts.get(row).map_or(0, |start| *start as usize);
        field.map_or(0, |field| field.start().saturating_sub(start))
    }

    /// The text from a cell to the end of its row as it stands in the file, for rows that are too long.
    pub fn rest_of_row(&self, row: usize, column: usize) -> Option<&[u8]> {
        let from = *self.row_fields.get(row)? as usize + column;
        let to = *self.row_fields.get(row + 1)? as usize;
        if from >= to {
            return None;
        }
        let (first, last) = (self.fields.get(from)?, self.fields.get(to - 1)?);
        let start = first.start() - usize::from(first.is_quoted());
        let end = last.end() + usize::from(last.is_quoted());
        self.bytes.get(start..end)
    }

    /// A row as it stands in the file, its line end included.
    pub fn raw_row(&self, row: usize) -> &[u8] {
        match (self.row_starts.get(row), self.row_ends.get(row)) {
            (Some(start), Some(end)) => self.bytes.get(*start as usize..*end as usize).unwrap_or_default(),
            _ => &[],
        }
    }

    /// The place in the file where a row starts; past the last row, where the block ends.
    pub fn row_offset(&self, row: usize) -> u64 {
        let start = self.row_starts.get(row).map_or(self.end, |start| *start as usize);
        self.offset + self.encoding.file_len(self.bytes.get(..start).unwrap_or_default())
    }

    pub(super) fn close_row(&mut self, start: usize, next: usize) {
        self.row_fields.push(self.fields.len() as u32);
        self.row_starts.push(start as u32);
        self.row_ends.push(next as u32);
    }
}
