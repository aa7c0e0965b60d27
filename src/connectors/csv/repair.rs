//! Reads a record whose quotes are broken, in the way that costs the least belief.
//!
//! A stray quote must cost one row's looks, never the rows after it. So the ways to read the record are
//! weighed: how many quotes stand where none can, how many lines a quoted cell would swallow that are whole
//! rows themselves, and how far the number of cells is from the table's. The cheapest reading wins; between
//! equals, the shorter one. All limits are fixed, so a hostile file costs time in proportion to its size.

use super::dialect::Escape;
use super::record::{Field, LineBreak, Rules, Scan, Supply, Writing, is_escaped};
use crate::kit::scan::{Finder, Needles, find};

/// A record as it was most likely meant; positions count from its first byte.
#[derive(Debug)]
pub(super) struct Repaired {
    pub(super) fields: Vec<Field>,
    pub(super) next: usize,
}

const MAX_LINES: usize = 16;
const MAX_BYTES: usize = 64 * 1024;
const MAX_CUTS: usize = 4096;
const MAX_READINGS: usize = 64;
const MAX_CLOSINGS: usize = 64;
const MAX_CUTS_IN_CELL: usize = 512;

const LITERAL_OPENING_QUOTE: f32 = 2.0;
const LITERAL_QUOTE: f32 = 0.5;
const STRAY_QUOTE: f32 = 1.5;
const LINE_BREAK_IN_CELL: f32 = 0.3;
const SWALLOWED_ROW: f32 = 3.0;
const RAGGED: f32 = 2.0;
const LATER_LINE: f32 = 0.1;

/// Where a cell may end: at a delimiter or at a line end.
#[derive(Debug, Clone, Copy)]
struct Cut {
    at: usize,
    next: usize,
    ends_line: bool,
}

/// One way to have read the cells before a position.
#[derive(Debug, Clone, Copy)]
struct Reading {
    cells: usize,
    cost: f32,
    /// The start and the reading there from which the last cell was read, and that cell.
    from: (usize, usize),
    field: Field,
}

/// The most likely reading of the record at the front of `text`, or `None` if more text is needed to choose.
pub(super) fn repair(rules: &Rules, text: &[u8], width: usize, supply: Supply) -> Option<Repaired> {
    let (_, first_end) = rules.line_at(text, 0, supply)?;
    if let Some(weighed) = weigh(rules, &text[..first_end], width, 1)
        && weighed.1 == width
    {
        return Some(weighed.0);
    }
    // The choice between readings must not depend on how many bytes happen to be at hand.
    if supply == Supply::More && text.len() < MAX_BYTES && !holds_lines(rules, text, MAX_LINES + 1) {
        return None;
    }
    let window = &text[..text.len().min(MAX_BYTES)];
    if let Some(weighed) = weigh(rules, window, width, MAX_LINES) {
        return Some(weighed.0);
    }
    Some(first_line(rules, text, first_end))
}

fn holds_lines(rules: &Rules, text: &[u8], lines: usize) -> bool {
    let mut at = 0;
    for _ in 0..lines {
        match rules.line_at(text, at, Supply::More) {
            Some((_, next)) => at = next,
            None => return false,
        }
    }
    true
}

/// Whether the lines after the first look like rows of their own: then a quote before them was never closed.
pub(super) fn swallows_rows(rules: &Rules, text: &[u8], width: usize) -> bool {
    const LOOK_AT: usize = 8;
    if width < 2 {
        return false;
    }
    let Some((_, mut at)) = rules.line_at(text, 0, Supply::More) else { return false };
    let (mut seen, mut fit) = (0, 0);
    while seen < LOOK_AT {
        let Some((end, next)) = rules.line_at(text, at, Supply::More) else { break };
        fit += usize::from(cells_in_line(rules, &text[at..end]) == width);
        seen += 1;
        at = next;
    }
    seen == LOOK_AT && fit * 4 >= seen * 3
}

/// Reads one line, taking a quote as opening only if it closes properly within that line.
pub(super) fn first_line(rules: &Rules, text: &[u8], next: usize) -> Repaired {
    let mut fields = Vec::new();
    tolerant(rules, &text[..next], &mut fields);
    Repaired { fields, next }
}

fn cells_in_line(rules: &Rules, line: &[u8]) -> usize {
    let mut fields = Vec::new();
    tolerant(rules, line, &mut fields);
    fields.len()
}

/// Splits a line; a quote opens a cell only if a closing one follows before a delimiter or the line end.
pub(super) fn tolerant(rules: &Rules, line: &[u8], fields: &mut Vec<Field>) {
    let mut finder = Finder::new(line, rules.needles());
    let start = fields.len();
    if let Scan::Complete { .. } = rules.scan(line, 0, &mut finder, Supply::Ended, fields) {
        return;
    }
    fields.truncate(start);
    let cuts = cuts(rules, line, MAX_CUTS, 1);
    let quotes = Quotes::new(rules, line);
    let mut index = 0;
    let mut at = 0;
    loop {
        let at_padded = rules.quote_place(line, at);
        let closed = quotes.opens_at(at_padded).and_then(|run| {
            (index..cuts.len())
                .find_map(|cut| quotes.closing(line, run, at_padded, cuts[cut].at).map(|c| (cut, c)))
        });
        let (cut, field) = match closed {
            Some((cut, closing)) => (Some(cut), closing.field),
            None => {
                let end = cuts.get(index).map_or(line.len(), |cut| cut.at);
                (cuts.get(index).map(|_| index), Field::new(at, end, Writing::Plain))
            }
        };
        fields.push(field);
        match cut {
            Some(cut) if !cuts[cut].ends_line => {
                at = cuts[cut].next;
                index = cut + 1;
            }
            _ => return,
        }
    }
}

fn cuts(rules: &Rules, text: &[u8], most: usize, lines: usize) -> Vec<Cut> {
    let mut cuts = Vec::new();
    let mut finder = Finder::new(text, rules.needles());
    let mut from = 0;
    let mut ended = 0;
    while cuts.len() < most && ended < lines {
        let Some(at) = finder.next(from) else {
            cuts.push(Cut { at: text.len(), next: text.len(), ends_line: true });
            break;
        };
        if let LineBreak::Here(length) = rules.line_break(text, at, Supply::Ended) {
            let end = if text[at] == b'\n' && at > 0 && text[at - 1] == b'\r' { at - 1 } else { at };
            cuts.push(Cut { at: end, next: at + length, ends_line: true });
            ended += 1;
            from = at + length;
            if from >= text.len() {
                break;
            }
        } else if let Some(length) = rules.dialect.delimiter.length_at(&text[at..]) {
            cuts.push(Cut { at, next: at + length, ends_line: false });
            from = at + length;
        } else {
            from = at + 1;
        }
    }
    cuts
}

/// The quotes of a text as runs, so that pairs and single ones can be told apart.
struct Quotes {
    runs: Vec<(usize, usize)>,
}

struct Closing {
    field: Field,
    strays: usize,
}

impl Quotes {
    fn new(rules: &Rules, text: &[u8]) -> Self {
        let mut runs: Vec<(usize, usize)> = Vec::new();
        let Some(quote) = rules.dialect.quote else { return Self { runs } };
        let mut from = 0;
        while let Some(at) = find(text, from, Needles::one(quote)) {
            from = at + 1;
            if rules.dialect.escape == Escape::Backslash && is_escaped(text, 0, at) {
                continue;
            }
            match runs.last_mut() {
                Some((start, length)) if *start + *length == at => *length += 1,
                _ => runs.push((at, 1)),
            }
        }
        Self { runs }
    }

    /// The run that starts exactly at a position.
    fn opens_at(&self, at: usize) -> Option<usize> {
        self.runs.binary_search_by_key(&at, |run| run.0).ok()
    }

    fn count_between(&self, from: usize, to: usize) -> usize {
        let first = self.runs.partition_point(|run| run.0 < from);
        self.runs[first..].iter().take_while(|run| run.0 < to).map(|run| run.1).sum()
    }

    /// The cell from the opening quote at `open`, if a quote closes it right before `end`.
    fn closing(&self, text: &[u8], opening: usize, open: usize, end: usize) -> Option<Closing> {
        let spaces = text[..end].iter().rev().take_while(|byte| **byte == b' ').count();
        let close_end = end - spaces;
        let index = self.runs.partition_point(|run| run.0 + run.1 <= close_end).checked_sub(1)?;
        let (start, length) = *self.runs.get(index)?;
        if start + length != close_end || index < opening {
            return None;
        }
        let close = close_end - 1;
        if close <= open {
            return None;
        }
        let odd = |length: usize| length % 2;
        let strays = if index == opening {
            odd(length - 2)
        } else {
            let inner: usize = self.runs[opening + 1..index].iter().map(|run| odd(run.1)).sum();
            odd(self.runs[opening].1 - 1) + inner + odd(length - 1)
        };
        let escaped = self.count_between(open + 1, close) > 0 || text[open + 1..close].contains(&b'\\');
        let writing = if escaped { Writing::QuotedEscaped } else { Writing::Quoted };
        Some(Closing { field: Field::new(open + 1, close, writing), strays })
    }
}

/// The cheapest reading within so many lines, with its number of cells.
fn weigh(rules: &Rules, text: &[u8], width: usize, lines: usize) -> Option<(Repaired, usize)> {
    let cuts = cuts(rules, text, MAX_CUTS, lines);
    if cuts.len() >= MAX_CUTS {
        return None;
    }
    let quotes = Quotes::new(rules, text);
    let swallowed = swallow_costs(rules, text, &cuts, width);
    let start_at = |start: usize| if start == 0 { 0 } else { cuts[start - 1].next };
    let mut readings: Vec<Vec<Reading>> = vec![Vec::new(); cuts.len() + 1];
    let nothing = Field::new(0, 0, Writing::Plain);
    readings[0].push(Reading { cells: 0, cost: 0.0, from: (0, 0), field: nothing });
    let mut best: Option<(f32, Reading, usize)> = None;
    let mut lines_before = 0.0;
    for start in 0..cuts.len() {
        lines_before += if start > 0 && cuts[start - 1].ends_line { LATER_LINE } else { 0.0 };
        if readings[start].is_empty() {
            continue;
        }
        let ways = cell_ways(rules, text, start_at(start), start, &cuts, &quotes, &swallowed);
        for index in 0..readings[start].len() {
            let before = readings[start][index];
            for way in &ways {
                let reading = Reading {
                    cells: before.cells + 1,
                    cost: before.cost + way.cost,
                    from: (start, index),
                    field: way.field,
                };
                if cuts[way.cut].ends_line {
                    let total = reading.cost + raggedness(reading.cells, width) + lines_before;
                    if best.as_ref().is_none_or(|(cost, ..)| total < *cost) {
                        best = Some((total, reading, way.cut));
                    }
                } else {
                    keep(&mut readings[way.cut + 1], reading);
                }
            }
        }
    }
    let (_, last, cut) = best?;
    let mut fields = vec![last.field];
    let mut from = last.from;
    while from.0 != 0 {
        let reading = readings[from.0][from.1];
        fields.push(reading.field);
        from = reading.from;
    }
    fields.reverse();
    Some((Repaired { fields, next: cuts[cut].next }, last.cells))
}

fn keep(readings: &mut Vec<Reading>, reading: Reading) {
    match readings.iter().position(|kept| kept.cells == reading.cells) {
        Some(index) if reading.cost < readings[index].cost => readings[index] = reading,
        Some(_) => {}
        None if readings.len() < MAX_READINGS => readings.push(reading),
        None => {}
    }
}

fn raggedness(cells: usize, width: usize) -> f32 {
    match cells.abs_diff(width) {
        0 => 0.0,
        off => RAGGED + 0.5 * off.min(8) as f32,
    }
}

struct Way {
    cut: usize,
    cost: f32,
    field: Field,
}

/// Every way to read one cell that starts at `at`, before the cuts from index `start` on.
fn cell_ways(
    rules: &Rules,
    text: &[u8],
    at: usize,
    start: usize,
    cuts: &[Cut],
    quotes: &Quotes,
    swallowed: &[f32],
) -> Vec<Way> {
    let padded = rules.quote_place(text, at);
    let opening = quotes.opens_at(padded);
    let first = cuts[start];
    let mut inside = quotes.count_between(at, first.at);
    let mut cost = 0.0;
    if opening.is_some() {
        cost += LITERAL_OPENING_QUOTE;
        inside = inside.saturating_sub(1);
    }
    if inside > 0 {
        cost += LITERAL_QUOTE;
    }
    let mut ways = vec![Way { cut: start, cost, field: Field::new(at, first.at.max(at), Writing::Plain) }];
    let Some(run) = opening else { return ways };
    let mut lines = 0.0;
    let mut closings = 0;
    for cut in start..cuts.len().min(start + MAX_CUTS_IN_CELL) {
        if let Some(closing) = quotes.closing(text, run, padded, cuts[cut].at) {
            let cost = STRAY_QUOTE * closing.strays as f32 + lines;
            ways.push(Way { cut, cost, field: closing.field });
            closings += 1;
            if closings == MAX_CLOSINGS {
                break;
            }
        }
        lines += swallowed[cut];
    }
    ways
}

/// What it costs a quoted cell to run over each cut: nothing for a delimiter, much for a line end before a row.
fn swallow_costs(rules: &Rules, text: &[u8], cuts: &[Cut], width: usize) -> Vec<f32> {
    cuts.iter()
        .map(|cut| {
            if !cut.ends_line {
                return 0.0;
            }
            let end = rules.line_at(text, cut.next, Supply::Ended).map_or(text.len(), |line| line.0);
            let line = text.get(cut.next..end).unwrap_or_default();
            if width > 1 && !line.is_empty() && cells_in_line_strictly(rules, line) == Some(width) {
                SWALLOWED_ROW
            } else {
                LINE_BREAK_IN_CELL
            }
        })
        .collect()
}

fn cells_in_line_strictly(rules: &Rules, line: &[u8]) -> Option<usize> {
    let mut finder = Finder::new(line, rules.needles());
    let mut fields = Vec::new();
    match rules.scan(line, 0, &mut finder, Supply::Ended, &mut fields) {
        Scan::Complete { .. } => Some(fields.len()),
        Scan::Malformed | Scan::Incomplete => None,
    }
}
