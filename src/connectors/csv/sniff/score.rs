//! How well a dialect explains a sample: even rows of cells that look like values.
//!
//! The measure is a product, so that a dialect must be good in every respect: the share of rows with the usual
//! number of cells, how much the cells look like values, whether quotes stand beside its delimiters, how few
//! quotes are broken, and how common the delimiter is in the world.

use super::super::dialect::{Delimiter, Dialect, Escape, Padding};
use super::super::number::{DecimalMark, NumberShape};
use super::super::record::{Field, LineBreak, Rules, Scan, Supply};
use super::super::repair;
use super::super::typing::{Shape, shape};
use crate::kit::scan::Finder;

/// A dialect with what speaks for it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scored {
    pub(super) dialect: Dialect,
    /// Cells in an ordinary row.
    pub(super) width: usize,
    pub(super) score: f32,
    /// Rows with that many cells, of so many.
    pub(super) even_rows: usize,
    pub(super) rows: usize,
}

/// The rows of a sample under one dialect.
pub(super) struct Parsed {
    pub(super) fields: Vec<Field>,
    pub(super) rows: Vec<ParsedRow>,
    malformed: usize,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct ParsedRow {
    pub(super) first: usize,
    pub(super) width: usize,
}

const MOST_ROWS: usize = 1000;
const ROWS_LOOKED_INTO: usize = 200;
const CELLS_LOOKED_INTO: usize = 64;

pub(super) fn parse(text: &[u8], dialect: Dialect) -> Parsed {
    let rules = Rules::new(dialect);
    let mut finder = Finder::new(text, rules.needles());
    let mut parsed = Parsed { fields: Vec::new(), rows: Vec::new(), malformed: 0 };
    let mut at = 0;
    while at < text.len() && parsed.rows.len() < MOST_ROWS {
        if let LineBreak::Here(length) = rules.line_break(text, at, Supply::Ended) {
            at += length;
            continue;
        }
        if dialect.comment.is_some_and(|comment| text[at..].starts_with(comment.prefix())) {
            at = rules.line_at(text, at, Supply::Ended).map_or(text.len(), |line| line.1);
            continue;
        }
        let first = parsed.fields.len();
        match rules.scan(text, at, &mut finder, Supply::Ended, &mut parsed.fields) {
            Scan::Complete { next, .. } => at = next,
            Scan::Malformed | Scan::Incomplete => {
                parsed.malformed += 1;
                parsed.fields.truncate(first);
                let next = rules.line_at(text, at, Supply::Ended).map_or(text.len(), |line| line.1);
                let line = repair::first_line(&rules, &text[at..], next - at);
                parsed.fields.extend(line.fields.iter().map(|field| field.moved(at)));
                at = next;
            }
        }
        parsed.rows.push(ParsedRow { first, width: parsed.fields.len() - first });
    }
    parsed
}

/// Scores a dialect, also with blanks after its delimiters left out where most cells start with one.
pub(super) fn score(text: &[u8], dialect: Dialect) -> Option<Scored> {
    let parsed = parse(text, dialect);
    let plain = score_parsed(text, dialect, &parsed)?;
    let pads = matches!(dialect.delimiter, Delimiter::Byte(byte) if byte != b' ' && byte != b'\t');
    if !pads || !mostly_padded(text, &parsed) {
        return Some(plain);
    }
    let dialect = Dialect { padding: Padding::AfterDelimiter, ..dialect };
    match score_parsed(text, dialect, &parse(text, dialect)) {
        Some(padded) if padded.score >= plain.score => Some(padded),
        _ => Some(plain),
    }
}

fn mostly_padded(text: &[u8], parsed: &Parsed) -> bool {
    let (mut padded, mut all) = (0, 0);
    for row in &parsed.rows {
        for field in parsed.fields[row.first..row.first + row.width].iter().skip(1) {
            all += 1;
            padded += usize::from(!field.is_quoted() && text.get(field.start()) == Some(&b' '));
        }
    }
    all > 0 && padded * 10 >= all * 7
}

fn score_parsed(text: &[u8], dialect: Dialect, parsed: &Parsed) -> Option<Scored> {
    let rows = parsed.rows.len();
    if rows == 0 {
        return None;
    }
    let absent = dialect.delimiter == Delimiter::Absent;
    let width = if absent { 1 } else { usual_width(&parsed.rows) };
    if !absent && width < 2 {
        return None;
    }
    let first = parsed.rows.iter().position(|row| row.width == width)?;
    let even_rows = parsed.rows.iter().filter(|row| row.width == width).count();
    let cells = cell_scores(text, dialect, parsed, width);
    let broken = 1.0 / (1.0 + 2.0 * ratio(parsed.malformed, rows));
    let beside = quotes_beside(text, dialect);
    let score = if absent {
        (0.45 + 0.30 * cells.typed) * cells.mean * broken * beside
    } else {
        let body = ratio(even_rows, rows - first);
        let evenness =
            0.75 * body * ratio(even_rows, rows).sqrt() + 0.25 * closeness(&parsed.rows, width).powi(3);
        let many = (width as f32 - 0.4) / width as f32;
        // Lines before a table are rarer than tables, and values rarer than words.
        let begins = if first == 0 { 1.0 } else { 0.9 };
        let values = 0.9 + 0.1 * cells.typed;
        evenness * cells.mean * many * begins * values * broken * beside * prior(dialect.delimiter)
    };
    Some(Scored { dialect, width, score, even_rows, rows })
}

fn ratio(part: usize, all: usize) -> f32 {
    part as f32 / all.max(1) as f32
}

/// The commonest number of cells; of equals, more than one cell before one, then the one that comes first.
fn usual_width(rows: &[ParsedRow]) -> usize {
    let mut counts: Vec<(usize, usize)> = Vec::new();
    for row in rows {
        match counts.iter_mut().find(|(width, _)| *width == row.width) {
            Some((_, count)) => *count += 1,
            None => counts.push((row.width, 1)),
        }
    }
    let mut best = (1, 0);
    for (width, count) in counts {
        let better = count > best.1 || (count == best.1 && best.0 == 1);
        if better {
            best = (width, count);
        }
    }
    best.0
}

/// How near the widths of all rows are to the usual one.
fn closeness(rows: &[ParsedRow], width: usize) -> f32 {
    let near = rows.iter().map(|row| ratio(row.width.min(width), row.width.max(width)));
    near.sum::<f32>() / rows.len().max(1) as f32
}

struct CellScores {
    mean: f32,
    /// Share of cells that are numbers, dates and the like.
    typed: f32,
}

fn cell_scores(text: &[u8], dialect: Dialect, parsed: &Parsed, width: usize) -> CellScores {
    let (mut sum, mut typed, mut cells) = (0.0, 0, 0);
    for row in parsed.rows.iter().filter(|row| row.width == width).take(ROWS_LOOKED_INTO) {
        for field in parsed.fields[row.first..row.first + row.width].iter().take(CELLS_LOOKED_INTO) {
            let cell = text.get(field.start()..field.end()).unwrap_or_default();
            let shape = match shape(cell) {
                // Without a delimiter `1,5` may as well be two cells.
                Shape::Number(NumberShape::Decimal { mark: DecimalMark::Comma, .. })
                    if dialect.delimiter == Delimiter::Absent =>
                {
                    Shape::Text
                }
                shape => shape,
            };
            let is_typed = !matches!(shape, Shape::Empty | Shape::NullWord(_) | Shape::Text);
            typed += usize::from(is_typed);
            sum += match shape {
                Shape::Empty => 0.6,
                Shape::NullWord(_) => 0.8,
                Shape::Text if field.is_quoted() => 0.95,
                Shape::Text => text_score(cell, dialect),
                _ => 1.0,
            };
            cells += 1;
        }
    }
    CellScores { mean: if cells == 0 { 0.5 } else { sum / cells as f32 }, typed: ratio(typed, cells) }
}

/// How much unquoted text looks like one value rather than several, or half of one.
fn text_score(cell: &[u8], dialect: Dialect) -> f32 {
    let is_delimiter = |byte: u8| dialect.delimiter.first_byte() == Some(byte);
    let starts = |byte: u8| cell.first() == Some(&byte);
    let ends = |byte: u8| cell.last() == Some(&byte);
    let mut score = 0.88f32;
    let quotes = cell.iter().filter(|byte| **byte == b'"').count();
    if quotes > 0 {
        score = score.min(if starts(b'"') || ends(b'"') { 0.15 } else { 0.5 });
    }
    if cell.len() > 1 && starts(b'\'') && ends(b'\'') {
        score = score.min(0.5);
    }
    for (index, byte) in cell.iter().enumerate() {
        let at_most = match byte {
            b'\t' | b';' | b'|' if !is_delimiter(*byte) => 0.45,
            // Prose has a blank after a comma; a list of values seldom has.
            b',' if !is_delimiter(b',') && cell.get(index + 1) == Some(&b' ') => 0.8,
            b',' if !is_delimiter(b',') => 0.6,
            0..=8 | 11..=31 => 0.3,
            _ => continue,
        };
        score = score.min(at_most);
    }
    if starts(b' ') || ends(b' ') {
        score = score.min(0.75);
    }
    if cell.len() > 200 {
        score = score.min(0.75);
    }
    score
}

/// Quotes in a file stand beside the delimiter or a line end; where they do not, it is not the delimiter.
fn quotes_beside(text: &[u8], dialect: Dialect) -> f32 {
    let quote = dialect.quote.unwrap_or(b'"');
    let rules = Rules::new(dialect);
    let is_edge = |byte: Option<&u8>| match byte {
        None | Some(b'\n' | b'\r') => true,
        Some(byte) => match dialect.delimiter {
            Delimiter::Absent => false,
            Delimiter::Blanks => matches!(byte, b' ' | b'\t'),
            Delimiter::Byte(delimiter) => *byte == delimiter,
            Delimiter::Sequence { bytes, len } => bytes[..usize::from(len).min(4)].contains(byte),
        },
    };
    let (mut beside, mut all) = (0, 0);
    let mut at = 0;
    while let Some(start) = text[at..].iter().position(|byte| *byte == quote).map(|found| at + found) {
        let run = text[start..].iter().take_while(|byte| **byte == quote).count();
        at = start + run;
        if run % 2 == 0 || (dialect.escape == Escape::Backslash && start > 0 && text[start - 1] == b'\\') {
            continue;
        }
        let mut before = start;
        while before > 0 && text[before - 1] == b' ' && rules.dialect.padding == Padding::AfterDelimiter {
            before -= 1;
        }
        all += 1;
        let left = if before == 0 { None } else { text.get(before - 1) };
        beside += usize::from(is_edge(left) || is_edge(text.get(at)));
    }
    if all < 2 { 1.0 } else { 0.3 + 0.7 * ratio(beside, all) }
}

fn prior(delimiter: Delimiter) -> f32 {
    match delimiter {
        Delimiter::Absent | Delimiter::Byte(b',' | b';' | b'\t') => 1.0,
        Delimiter::Byte(b'|' | 0x01 | 0x1F) => 0.98,
        Delimiter::Sequence { .. } => 0.97,
        Delimiter::Byte(b'^' | b'~' | 0xA6 | 0xA7) => 0.9,
        Delimiter::Byte(b' ') | Delimiter::Blanks => 0.55,
        Delimiter::Byte(_) => 0.5,
    }
}
