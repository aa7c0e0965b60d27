//! Even rows of ordinary dialects at nearly the speed of memory, without a look at every rule.
//!
//! It stops before any row that is not quite ordinary (ragged, broken, blank, a comment, not whole yet) and
//! leaves that one to the splitter. What it cuts, the splitter would cut the same.

use super::block::Block;
use super::dialect::{Delimiter, Dialect, Escape, Padding};
use super::record::{Field, Writing};
use crate::kit::scan::{BLOCK, Needles};

/// The ordinary dialects.
#[derive(Debug, Clone, Copy)]
pub(super) struct PlainRules {
    delimiter: u8,
    quote: u8,
    width: usize,
    comment: Option<u8>,
}

impl PlainRules {
    pub(super) fn of(dialect: &Dialect, width: usize) -> Option<Self> {
        let Delimiter::Byte(delimiter) = dialect.delimiter else { return None };
        let simple = dialect.escape == Escape::Doubled
            && dialect.padding == Padding::Kept
            && !dialect.line_end.ends_at_bare_cr()
            && delimiter != b' '
            && width > 1;
        // Without a quote, the delimiter a second time: it is looked for anyway.
        let quote = dialect.quote.unwrap_or(delimiter);
        let comment = dialect.comment.and_then(|comment| comment.prefix().first().copied());
        simple.then_some(Self { delimiter, quote, width, comment })
    }

    /// Cuts even rows from `from` on; the place of the first row that is left.
    pub(super) fn rows(self, bytes: &[u8], from: usize, most_rows: usize, block: &mut Block) -> usize {
        let needles = Needles::new([self.delimiter, self.quote, b'\n', b'\n']);
        let mut row = Row { start: from, cell: from, cells: 0, first_field: block.fields.len() };
        let mut quoted = Quoting::Outside;
        let mut base = from & !(BLOCK - 1);
        let mut mask = needles.mask_at(bytes, base) & (u64::MAX << (from & (BLOCK - 1)));
        if self.opens_comment(bytes, from) {
            return from;
        }
        loop {
            while mask == 0 {
                base += BLOCK;
                if base >= bytes.len() {
                    block.fields.truncate(row.first_field);
                    return row.start;
                }
                mask = needles.mask_at(bytes, base);
            }
            let at = base + mask.trailing_zeros() as usize;
            mask &= mask - 1;
            let byte = bytes[at];
            match quoted {
                Quoting::Outside if byte == self.delimiter => {
                    block.fields.push(Field::new(row.cell, at, Writing::Plain));
                    row.cells += 1;
                    row.cell = at + 1;
                }
                Quoting::Outside if byte == b'\n' => {
                    let end = if at > row.cell && bytes[at - 1] == b'\r' { at - 1 } else { at };
                    block.fields.push(Field::new(row.cell, end, Writing::Plain));
                    if !self.close(bytes, &mut row, at + 1, block) || block.rows() >= most_rows {
                        return row.start;
                    }
                }
                Quoting::Outside if at == row.cell => quoted = Quoting::Inside(Writing::Quoted),
                // A quote within an unquoted cell is a character like others.
                Quoting::Outside => {}
                Quoting::Inside(_) if byte != self.quote => {}
                Quoting::Inside(writing) => match bytes.get(at + 1) {
                    Some(next) if *next == self.quote => quoted = Quoting::Doubled,
                    Some(next) if *next == self.delimiter || *next == b'\n' => {
                        block.fields.push(Field::new(row.cell + 1, at, writing));
                        quoted = Quoting::Closed;
                    }
                    Some(b'\r') if bytes.get(at + 2) == Some(&b'\n') => {
                        block.fields.push(Field::new(row.cell + 1, at, writing));
                        quoted = Quoting::Closed;
                    }
                    _ => {
                        block.fields.truncate(row.first_field);
                        return row.start;
                    }
                },
                Quoting::Doubled => quoted = Quoting::Inside(Writing::QuotedEscaped),
                Quoting::Closed => {
                    quoted = Quoting::Outside;
                    row.cells += 1;
                    row.cell = at + 1;
                    if byte == b'\n' {
                        row.cells -= 1;
                        if !self.close(bytes, &mut row, at + 1, block) || block.rows() >= most_rows {
                            return row.start;
                        }
                    }
                }
            }
        }
    }

    /// Ends a row at its last cell, if it is even and another ordinary one may follow at `next`.
    #[inline]
    fn close(self, bytes: &[u8], row: &mut Row, next: usize, block: &mut Block) -> bool {
        if row.cells + 1 != self.width {
            block.fields.truncate(row.first_field);
            return false;
        }
        block.close_row(row.start, next);
        *row = Row { start: next, cell: next, cells: 0, first_field: block.fields.len() };
        !self.opens_comment(bytes, next)
    }

    #[inline]
    fn opens_comment(self, bytes: &[u8], at: usize) -> bool {
        self.comment.is_some() && bytes.get(at).copied() == self.comment
    }
}

/// The row at hand while [`PlainRules::rows`] reads it.
struct Row {
    start: usize,
    cell: usize,
    cells: usize,
    first_field: usize,
}

#[derive(Clone, Copy)]
enum Quoting {
    Outside,
    Inside(Writing),
    /// The second of two quotes comes next.
    Doubled,
    /// A delimiter or line end comes next.
    Closed,
}
