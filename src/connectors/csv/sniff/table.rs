//! Where the table is in the file: after which lines it starts, what names its columns, before which lines it ends.

use super::super::decode::{CellText, TextEncoding};
use super::super::dialect::{Comment, Delimiter, Dialect, Header};
use super::super::record::{Rules, Supply};
use super::super::repair;
use super::super::split::{SplitOptions, Splitter};
use super::super::typing::{Shape, shape};
use super::header::{self, Body};
use std::borrow::Cow;

/// Where the table is.
#[derive(Debug, Clone)]
pub(super) struct Table {
    pub(super) header: Header,
    pub(super) names: Vec<String>,
    /// Place of the first data row in the text.
    pub(super) data_start: usize,
    pub(super) preamble_lines: usize,
    /// Rows of names that contradict the types under them.
    pub(super) contradicted: usize,
}

/// The first rows of a sample, repaired for the width now known.
pub(super) struct Rows<'a> {
    cells: Vec<Vec<&'a [u8]>>,
    raw: Vec<Vec<Cow<'a, [u8]>>>,
    starts: Vec<usize>,
    ends: Vec<usize>,
}

const MOST_ROWS: usize = 600;
const PREAMBLE_LINES: usize = 60;

impl<'a> Rows<'a> {
    pub(super) fn of(text: &'a [u8], dialect: Dialect, width: usize) -> Self {
        let options = SplitOptions { block_bytes: text.len().max(1), ..SplitOptions::new(dialect, width) };
        let mut splitter = Splitter::new(options, 0, 0);
        let mut rows = Self { cells: Vec::new(), raw: Vec::new(), starts: Vec::new(), ends: Vec::new() };
        let mut input = text;
        while let Some(block) = splitter.next_block(&mut input, MOST_ROWS)
            && rows.starts.len() < MOST_ROWS
        {
            for row in 0..block.rows() {
                let start = block.row_offset(row) as usize;
                // The block is a copy: cells are taken from the sample itself.
                let at = |cell: &[u8], inner: usize| text.get(start + inner..start + inner + cell.len());
                let mut cells = Vec::new();
                let mut raw = Vec::new();
                for column in 0..block.width(row) {
                    let Some(cell) = block.cell(row, column) else { continue };
                    let inner = block.place_in_row(row, column);
                    cells.push(at(cell.bytes, inner).unwrap_or_default());
                    raw.push(Cow::Owned(cell.value().into_owned()));
                }
                rows.cells.push(cells);
                rows.raw.push(raw);
                rows.starts.push(start);
                rows.ends.push(start + block.raw_row(row).len());
            }
        }
        rows
    }

    fn len(&self) -> usize {
        self.starts.len()
    }

    fn names(&self, row: usize, encoding: TextEncoding) -> Vec<String> {
        self.raw[row].iter().map(|cell| name_text(cell, encoding)).collect()
    }
}

fn name_text(cell: &[u8], encoding: TextEncoding) -> String {
    match encoding.cell(Cow::Borrowed(cell)) {
        CellText::Valid(text) => text.into_owned(),
        // A name must be text; the bytes that are not stay visible.
        CellText::Invalid(bytes) => bytes.escape_ascii().to_string(),
    }
}

/// Finds the table in the first rows of a file.
pub(super) fn find(
    text: &[u8],
    dialect: Dialect,
    width: usize,
    encoding: TextEncoding,
    chosen: Option<Header>,
) -> Table {
    let rows = Rows::of(text, dialect, width);
    let first = first_body_row(&rows, width);
    let table = match chosen {
        Some(Header::Absent) => without_header(&rows, first),
        Some(Header::Lines(lines)) => {
            let start = first.min(rows.len().saturating_sub(1));
            let lines = usize::from(lines).clamp(1, rows.len().saturating_sub(start).max(1));
            with_header(&rows, start, lines, width, encoding)
        }
        Some(Header::InComment) => in_comment(text, dialect, &rows, first, width, encoding)
            .unwrap_or_else(|| without_header(&rows, first)),
        None => guess(text, dialect, &rows, first, width, encoding),
    };
    let mut table = table;
    table.preamble_lines = lines_before(text, dialect, &rows, &table);
    name_columns(&mut table, &rows, width);
    table
}

fn guess(
    text: &[u8],
    dialect: Dialect,
    rows: &Rows<'_>,
    first: usize,
    width: usize,
    encoding: TextEncoding,
) -> Table {
    if first >= rows.len() {
        return without_header(rows, first);
    }
    let body = Body::of(&rows.cells[(first + 1).min(rows.len())..], width);
    if header::score(&rows.cells[first], &body).0 > 0.0 {
        let mut lines = 1;
        while lines < 3 && first + lines + 2 < rows.len() {
            let under = Body::of(&rows.cells[first + lines + 1..], width);
            if rows.cells[first + lines].len() != width
                || !header::goes_on(&rows.cells[first + lines], &under)
            {
                break;
            }
            lines += 1;
        }
        return with_header(rows, first, lines, width, encoding);
    }
    if let Some(table) = in_comment(text, dialect, rows, first, width, encoding) {
        return table;
    }
    let body = Body::of(&rows.cells[first..], width);
    for row in (first.saturating_sub(5)..first).rev() {
        let names = &rows.cells[row];
        let fits = names.len() >= 2 && names.len() * 2 >= width && names.len() <= width * 2;
        if fits && header::score(names, &body).0 > 0.0 {
            return with_header(rows, row, 1, width, encoding);
        }
        if let Some(table) = other_delimiter(text, dialect, rows, row, &body, encoding) {
            return table;
        }
    }
    without_header(rows, first)
}

/// The first row of the usual width that others of that width follow, past lines that fill only their first cell.
fn first_body_row(rows: &Rows<'_>, width: usize) -> usize {
    let fits = |row: usize| rows.cells[row].len() == width;
    let followed = |row: usize| {
        let next = row + 1..(row + 4).min(rows.len());
        let (all, even) = (next.len(), next.filter(|row| fits(*row)).count());
        even * 2 >= all
    };
    let first = (0..rows.len()).find(|row| fits(*row) && followed(*row)).unwrap_or(0);
    let filled = |row: usize| rows.cells[row].iter().filter(|cell| !cell.trim_ascii().is_empty()).count();
    if width < 3 {
        return first;
    }
    let mut row = first;
    while row + 1 < rows.len() && row < first + 20 && filled(row) <= (width / 4).max(1) {
        row += 1;
    }
    // A sparse table has such rows everywhere; a preamble ends with a full row.
    if row > first && fits(row) && filled(row) * 2 > width { row } else { first }
}

fn without_header(rows: &Rows<'_>, first: usize) -> Table {
    Table {
        header: Header::Absent,
        names: Vec::new(),
        data_start: rows.starts.get(first).copied().unwrap_or(0),
        preamble_lines: 0,
        contradicted: 0,
    }
}

fn with_header(rows: &Rows<'_>, first: usize, lines: usize, width: usize, encoding: TextEncoding) -> Table {
    if rows.len() == 0 {
        return without_header(rows, first);
    }
    let last = first + lines - 1;
    let parts: Vec<Vec<String>> = (first..=last).map(|row| rows.names(row, encoding)).collect();
    let body = Body::of(&rows.cells[last + 1..], width);
    let columns = parts.iter().map(Vec::len).max().unwrap_or(0);
    let mut table = Table {
        header: Header::Lines(lines as u8),
        names: header_parts(&parts, columns),
        data_start: rows.ends[last],
        preamble_lines: 0,
        contradicted: header::score(&rows.cells[first], &body).1,
    };
    if table.names.len() + 1 == width && counts_up(&body) {
        table.names.insert(0, String::new());
    }
    table
}

/// Joins several lines of names; duplicates and gaps are settled later, when the number of columns is known.
fn header_parts(parts: &[Vec<String>], columns: usize) -> Vec<String> {
    let column = |index: usize| {
        let texts = parts
            .iter()
            .filter_map(|row| row.get(index))
            .map(|text| text.trim())
            .filter(|text| !text.is_empty());
        texts.collect::<Vec<_>>().join(" ")
    };
    (0..columns).map(column).collect()
}

/// Whether the first column numbers the rows: then a header that is one short lacks the name of that column.
fn counts_up(body: &Body<'_>) -> bool {
    let numbers: Option<Vec<i64>> = body
        .rows
        .iter()
        .take(20)
        .map(|row| super::super::number::read_int(row.first()?.trim_ascii()))
        .collect();
    let Some(numbers) = numbers else { return false };
    numbers.len() >= 2 && matches!(numbers[0], 0 | 1) && numbers.windows(2).all(|pair| pair[1] == pair[0] + 1)
}

/// Names in the last comment line before the data, as `#chrom,pos,ref`.
fn in_comment(
    text: &[u8],
    dialect: Dialect,
    rows: &Rows<'_>,
    first: usize,
    width: usize,
    encoding: TextEncoding,
) -> Option<Table> {
    let comment = dialect.comment?;
    let data_start = rows.starts.get(first).copied().unwrap_or(text.len());
    let line = last_comment_line(text.get(..data_start)?, comment)?;
    let rules = Rules::new(dialect);
    let mut fields = Vec::new();
    repair::tolerant(&rules, line.trim_ascii(), &mut fields);
    let line = line.trim_ascii();
    let cells: Vec<&[u8]> = fields.iter().filter_map(|field| line.get(field.start()..field.end())).collect();
    let body = Body::of(&rows.cells[first.min(rows.len())..], width);
    if cells.len() != width || width < 2 || header::score(&cells, &body).0 <= 0.0 {
        return None;
    }
    Some(Table {
        header: Header::InComment,
        names: cells.iter().map(|cell| name_text(cell, encoding)).collect(),
        data_start,
        preamble_lines: 0,
        contradicted: header::score(&cells, &body).1,
    })
}

fn last_comment_line(before: &[u8], comment: Comment) -> Option<&[u8]> {
    let mut lines =
        before.split(|byte| matches!(byte, b'\n' | b'\r')).filter(|line| !line.trim_ascii().is_empty());
    lines.next_back()?.strip_prefix(comment.prefix())
}

/// Names that are parted by something else than the data, but come to the same number.
fn other_delimiter(
    text: &[u8],
    dialect: Dialect,
    rows: &Rows<'_>,
    row: usize,
    body: &Body<'_>,
    encoding: TextEncoding,
) -> Option<Table> {
    let line = text.get(rows.starts[row]..rows.ends[row])?;
    for delimiter in [b',', b';', b'\t', b'|', b' '].map(Delimiter::Byte) {
        if delimiter == dialect.delimiter {
            continue;
        }
        let other = Rows::of(line, Dialect { delimiter, comment: None, ..dialect }, body.samples.len());
        if other.len() == 1
            && other.cells[0].len() == body.samples.len()
            && header::score(&other.cells[0], body).0 > 0.0
        {
            return Some(Table {
                header: Header::Lines(1),
                names: other.names(0, encoding),
                data_start: rows.ends[row],
                preamble_lines: 0,
                contradicted: header::score(&other.cells[0], body).1,
            });
        }
    }
    None
}

/// How many lines with text stand before the table and its names.
fn lines_before(text: &[u8], dialect: Dialect, rows: &Rows<'_>, table: &Table) -> usize {
    let names = match table.header {
        Header::Lines(lines) => usize::from(lines),
        Header::Absent | Header::InComment => 0,
    };
    let rows_before = rows.starts.iter().filter(|start| **start < table.data_start).count();
    let rules = Rules::new(dialect);
    let (mut comments, mut at) = (0, 0);
    while at < table.data_start && comments < PREAMBLE_LINES {
        let opens = dialect.comment.is_some_and(|comment| text[at..].starts_with(comment.prefix()));
        comments += usize::from(opens);
        at = rules.line_at(text, at, Supply::Ended).map_or(text.len(), |line| line.1.max(at + 1));
    }
    let in_comment = usize::from(table.header == Header::InComment);
    rows_before.saturating_sub(names) + comments.saturating_sub(in_comment)
}

/// Gives every column a name; a last column that has neither name nor value is the trailing delimiter.
fn name_columns(table: &mut Table, rows: &Rows<'_>, width: usize) {
    let body: Vec<&Vec<&[u8]>> = rows
        .starts
        .iter()
        .zip(&rows.cells)
        .filter(|(start, _)| **start >= table.data_start)
        .map(|(_, cells)| cells)
        .collect();
    let mut columns = table.names.len().max(width);
    let last_unnamed =
        table.header != Header::Absent && table.names.get(columns - 1).is_none_or(String::is_empty);
    let last_empty = body.iter().all(|cells| cells.get(columns - 1).is_none_or(|cell| cell.is_empty()));
    if columns > 1 && last_unnamed && last_empty && body.len() >= 2 {
        columns -= 1;
    }
    let parts = std::mem::take(&mut table.names);
    table.names = header::names(&[parts], columns);
}

/// Words that open a line under a table.
const FOOTER_WORDS: [&[u8]; 20] = [
    b"total",
    b"sum",
    b"source",
    b"note",
    b"generated",
    b"report",
    b"end of",
    b"copyright",
    b"rows",
    b"row count",
    b"records",
    b"(",
    b"*",
    b"--",
    b"==",
    b"downloaded",
    b"exported",
    b"data from",
    b"count",
    b"#",
];

/// Where the lines after the table start, counted from the front of `tail`, and how many they are.
///
/// Only lines that cannot be a row count: a single cell where there are three and more, that a blank line parts
/// from the table or that opens like a remark.
pub(super) fn footer(tail: &[u8], dialect: Dialect, width: usize) -> Option<(usize, usize)> {
    const MOST_LINES: usize = 20;
    if width < 3 {
        return None;
    }
    let rules = Rules::new(dialect);
    let mut lines = Vec::new();
    let mut at = 0;
    while at < tail.len() {
        let (end, next) = rules.line_at(tail, at, Supply::Ended)?;
        lines.push((at, &tail[at..end]));
        at = next;
    }
    let blank = |line: &[u8]| line.trim_ascii().is_empty();
    let single = |line: &[u8]| {
        let mut fields = Vec::new();
        repair::tolerant(&rules, line, &mut fields);
        fields.len() == 1 && !line.contains(&dialect.quote.unwrap_or(b'"')) && shape(line) == Shape::Text
    };
    let mut index = lines.len();
    while index > 0
        && lines.len() - index < MOST_LINES
        && (blank(lines[index - 1].1) || single(lines[index - 1].1))
    {
        index -= 1;
    }
    // The loop must have ended at a row of the table, or nothing says that these lines are not rows.
    if index == 0 || index == lines.len() {
        return None;
    }
    let found = &lines[index..];
    let first = found.iter().position(|(_, line)| !blank(line))?;
    let opens_so = |line: &[u8]| {
        let lower = line.trim_ascii_start().to_ascii_lowercase();
        FOOTER_WORDS.iter().any(|word| lower.starts_with(word))
    };
    if first == 0 && !opens_so(found[0].1) {
        return None;
    }
    let count = found.iter().filter(|(_, line)| !blank(line)).count();
    Some((found[first].0, count))
}
