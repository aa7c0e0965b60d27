//! Finds out how a delimited file is written, from its beginning and, where at hand, its end.
//!
//! The rule is: never refuse where a human could read the table. Every choice comes with its evidence, and a
//! user can fix any of them; what a user fixed is not judged again.

mod candidates;
mod header;
mod score;
mod table;

use super::decode::TextEncoding;
use super::dialect::{Comment, Delimiter, Dialect, Header, LineEnd, Overrides};
use super::encoding::{self, DetectedEncoding};
use candidates::LineEnds;
use score::Scored;
use serde::{Deserialize, Serialize};

/// Stretches of a file, as its bytes stand on disk.
#[derive(Debug, Clone, Copy)]
pub struct Windows<'a> {
    /// The beginning.
    pub head: &'a [u8],
    /// Whether `head` is all of it.
    pub whole: bool,
    /// Another stretch, for the encoding.
    pub middle: &'a [u8],
    /// The end, and the place in the file where it starts; empty where it is not at hand.
    pub tail: (u64, &'a [u8]),
}

/// How a file is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sniffed {
    /// Delimiter, quote, escape, line ends, comments.
    pub dialect: Dialect,
    /// How bytes stand for characters.
    pub encoding: TextEncoding,
    /// Bytes of the byte order mark.
    pub mark_bytes: u64,
    /// Where the names come from.
    pub header: Header,
    /// A unique name for every column.
    pub names: Vec<String>,
    /// Cells in an ordinary row; may differ from the number of columns by a trailing delimiter.
    pub width: usize,
    /// Place in the file of the first data row.
    pub data_start: u64,
    /// Place in the file of the first line after the table, if there is one.
    pub data_end: Option<u64>,
    /// Lines with text before the table.
    pub preamble_lines: usize,
    /// Lines with text after it.
    pub footer_lines: usize,
    /// How far ahead of the next best reading this one is: 0.5 is a draw, 1 beyond doubt.
    pub confidence: f32,
    /// Why, in the user's words.
    pub evidence: Vec<String>,
}

/// At most this much of the beginning is tried with every dialect.
const SCORED_BYTES: usize = 64 << 10;

/// Finds out how a file is written. Never fails: a file that is no table is one column of lines.
pub fn sniff(windows: Windows<'_>, overrides: &Overrides) -> Sniffed {
    let label = overrides.encoding.as_deref().and_then(TextEncoding::for_label);
    let DetectedEncoding { encoding, mark_bytes, evidence } =
        encoding::detect(&[windows.head, windows.middle, windows.tail.1], label);
    let mut evidence = vec![evidence];
    let head = windows.head.get(mark_bytes..).unwrap_or_default();
    let text = encoding.text_of(head);
    let skipped = skip_lines(&text, overrides.skip_lines.unwrap_or(0)) + excel_line(&text, overrides);
    let body = whole_lines(text.get(skipped..).unwrap_or_default(), windows.whole);
    let overrides = with_excel_delimiter(&text, overrides);

    let ends = LineEnds::of(body);
    evidence.push(ends.evidence());
    let (best, runner_up) = best_dialect(body, &overrides, ends);
    let found = table::find(body, best.dialect, best.width, encoding, overrides.header);
    evidence.extend(reasons(&best, runner_up.as_ref(), &found));

    let file_place = |place: usize| mark_bytes as u64 + encoding.file_len(&text[..skipped + place]);
    let tail = encoding.text_of(windows.tail.1);
    let footer = footer(&best, body, &tail, &windows);
    let data_end = footer.map(|(place, _)| match windows.whole {
        true => file_place(place),
        false => windows.tail.0 + encoding.file_len(&tail[..place]),
    });
    if let Some((_, lines)) = footer {
        evidence.push(format!("{lines} line(s) after the table"));
    }
    let second = runner_up.map_or(0.0, |scored| scored.score);
    Sniffed {
        dialect: best.dialect,
        encoding,
        mark_bytes: mark_bytes as u64,
        header: found.header,
        width: best.width,
        data_start: file_place(found.data_start),
        data_end: data_end.filter(|end| *end >= file_place(found.data_start)),
        preamble_lines: found.preamble_lines + lines_in(&text[..skipped]),
        footer_lines: footer.map_or(0, |(_, lines)| lines),
        confidence: if best.score > 0.0 { best.score / (best.score + second) } else { 0.0 },
        names: found.names,
        evidence,
    }
}

fn footer(best: &Scored, body: &[u8], tail: &[u8], windows: &Windows<'_>) -> Option<(usize, usize)> {
    if windows.whole {
        // The first line may be the names: something must be left above.
        return table::footer(body, best.dialect, best.width);
    }
    if tail.is_empty() {
        return None;
    }
    // The window starts inside a line: that one says nothing.
    let start = tail.iter().position(|byte| matches!(byte, b'\n' | b'\r')).map_or(tail.len(), |at| at + 1);
    let found = table::footer(&tail[start..], best.dialect, best.width)?;
    Some((start + found.0, found.1))
}

/// What was found out, in the user's words.
fn reasons(best: &Scored, runner_up: Option<&Scored>, found: &table::Table) -> Vec<String> {
    let mut reasons = Vec::new();
    let delimiter = best.dialect.delimiter;
    let mut reason = match delimiter {
        Delimiter::Absent => format!("no delimiter: {} lines of one cell", best.rows),
        _ => format!(
            "delimiter {delimiter}: {} of {} rows have {} cells",
            best.even_rows, best.rows, best.width
        ),
    };
    if let Some(other) = runner_up {
        reason.push_str(&format!(
            "; next best {} ({:.2} against {:.2})",
            other.dialect.delimiter, other.score, best.score
        ));
    }
    reasons.push(reason);
    reasons.push(match found.header {
        Header::Absent => "no header: the first row reads like data".to_owned(),
        Header::InComment => "header: the last comment line names every column".to_owned(),
        Header::Lines(lines) => {
            format!(
                "header: {lines} line(s), {} column(s) under it hold another kind of value",
                found.contradicted
            )
        }
    });
    if found.preamble_lines > 0 {
        reasons.push(format!("{} line(s) before the table", found.preamble_lines));
    }
    if best.dialect.line_end == LineEnd::Mixed {
        reasons.push("a bare carriage return ends a row".to_owned());
    }
    reasons
}

/// The dialect that explains the sample best, and the best one with another delimiter.
fn best_dialect(text: &[u8], overrides: &Overrides, ends: LineEnds) -> (Scored, Option<Scored>) {
    let comment = overrides.comment.or_else(|| candidates::leading_comment(text));
    let sample = whole_lines(text.get(..sample_len(text)).unwrap_or_default(), text.len() <= SCORED_BYTES);
    let mut scored: Vec<Scored> = candidates::dialects(sample, overrides, ends)
        .into_iter()
        .filter_map(|dialect| score::score(sample, Dialect { comment, ..dialect }))
        .collect();
    // The first of equals stays first: candidates come in the order of how usual they are.
    scored.sort_by(|a, b| b.score.total_cmp(&a.score));
    let Some(mut best) = scored.first().copied() else { return (nothing(overrides, ends, comment), None) };
    let runner_up = scored.iter().find(|other| other.dialect.delimiter != best.dialect.delimiter).copied();
    if comment.is_none() {
        best.dialect.comment = comment_between(sample, &best);
    }
    (best, runner_up)
}

/// A sample of nothing but blank lines, or none at all.
fn nothing(overrides: &Overrides, ends: LineEnds, comment: Option<Comment>) -> Scored {
    let dialect = candidates::dialects(b"", overrides, ends).first().copied().unwrap_or_default();
    let dialect = Dialect { comment, ..dialect };
    Scored { dialect, width: 1, score: 0.0, even_rows: 0, rows: 0 }
}

/// Enough of the text to score: so many bytes, or the first three lines where those are longer.
fn sample_len(text: &[u8]) -> usize {
    if text.len() <= SCORED_BYTES {
        return text.len();
    }
    let mut line_ends =
        text.iter().enumerate().filter(|(_, byte)| matches!(byte, b'\n' | b'\r')).map(|(at, _)| at + 1);
    let third = line_ends.by_ref().nth(2).unwrap_or(text.len());
    third.max(SCORED_BYTES).min(text.len())
}

/// Lines between the rows that open with a comment mark: comments if they are not rows like the others.
fn comment_between(text: &[u8], best: &Scored) -> Option<Comment> {
    [Comment::Hash, Comment::Slashes, Comment::Dashes].into_iter().find(|comment| {
        let parsed = score::parse(text, best.dialect);
        let mut opening = (0, 0);
        for row in &parsed.rows {
            let first = parsed.fields.get(row.first);
            if first.is_some_and(|field| {
                !field.is_quoted() && text[field.start()..].starts_with(comment.prefix())
            }) {
                opening.0 += 1;
                opening.1 += usize::from(row.width == best.width && best.width > 1);
            }
        }
        // Dashes also open negative numbers and rules between lines; only a row of another width is a comment.
        opening.0 > 0 && opening.1 == 0 && opening.0 * 5 <= parsed.rows.len()
    })
}

/// Cuts off a last line that the window does not hold whole.
fn whole_lines(text: &[u8], whole: bool) -> &[u8] {
    if whole {
        return text;
    }
    let end = text.iter().rposition(|byte| matches!(byte, b'\n' | b'\r'));
    // A carriage return at the very end may be half of a line end.
    match end {
        Some(end) if text[end] == b'\r' && end + 1 == text.len() => {
            let before = text[..end].iter().rposition(|byte| matches!(byte, b'\n' | b'\r'));
            before.map_or(text, |before| &text[..=before])
        }
        Some(end) => &text[..=end],
        None => text,
    }
}

fn skip_lines(text: &[u8], lines: usize) -> usize {
    let mut at = 0;
    for _ in 0..lines {
        let rest = text.get(at..).unwrap_or_default();
        let Some(end) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else { return text.len() };
        at += end + if rest[end..].starts_with(b"\r\n") { 2 } else { 1 };
    }
    at
}

fn lines_in(text: &[u8]) -> usize {
    text.split(|byte| matches!(byte, b'\n' | b'\r')).filter(|line| !line.is_empty()).count()
}

/// Excel's own first line, `sep=;`, as its delimiter.
fn excel_delimiter(text: &[u8]) -> Option<Delimiter> {
    let line = text.split(|byte| matches!(byte, b'\n' | b'\r')).next()?;
    let line = line.strip_prefix(b"\"").and_then(|line| line.strip_suffix(b"\"")).unwrap_or(line);
    match line {
        [s, e, p, b'=', byte] if [*s, *e, *p].eq_ignore_ascii_case(b"sep") => Some(Delimiter::Byte(*byte)),
        _ => None,
    }
}

fn excel_line(text: &[u8], overrides: &Overrides) -> usize {
    match excel_delimiter(text) {
        Some(_) if overrides.skip_lines.is_none() => skip_lines(text, 1),
        _ => 0,
    }
}

fn with_excel_delimiter(text: &[u8], overrides: &Overrides) -> Overrides {
    let delimiter = overrides.delimiter.or_else(|| excel_delimiter(text));
    Overrides { delimiter, ..overrides.clone() }
}

#[cfg(test)]
mod tests;
