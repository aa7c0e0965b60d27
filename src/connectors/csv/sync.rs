//! Finds the start of a row in a window out of the middle of a file, and from several such windows how many
//! rows the file has.
//!
//! A line end in the middle may stand inside quotes. So each of the first line ends is tried as the end of a
//! row, and the one after which the rows are even is taken; where none is, the window says nothing.

use super::dialect::{Dialect, Losses, Why};
use super::record::{Rules, Supply};
use super::split::{SplitOptions, Splitter};
pub use crate::kit::files::stretch::{RowsEstimate, Stretch, estimate};

/// How many line ends are tried.
const TRIES: usize = 12;
/// How many rows after each are looked at.
const ROWS_LOOKED_AT: usize = 24;

/// The place in a window of cut text where a row most likely starts.
pub fn first_row(window: &[u8], dialect: Dialect, width: usize) -> Option<usize> {
    let rules = Rules::new(dialect);
    let mut best: Option<(usize, f32)> = None;
    let mut at = 0;
    for _ in 0..TRIES {
        let Some((_, next)) = rules.line_at(window, at, Supply::More) else { break };
        at = next;
        let evenness = evenness(window.get(next..)?, dialect, width);
        if best.is_none_or(|(_, known)| evenness > known + 0.01) {
            best = Some((next, evenness));
        }
        if evenness >= 0.999 {
            break;
        }
    }
    best.filter(|(_, evenness)| *evenness > 0.0).map(|(place, _)| place)
}

/// The share of the next rows that have the usual width and no broken quote.
fn evenness(text: &[u8], dialect: Dialect, width: usize) -> f32 {
    let mut splitter = Splitter::new(SplitOptions::new(dialect, width), 0, 0);
    let mut input = text;
    let Some(block) = splitter.next_block(&mut input, ROWS_LOOKED_AT) else { return 0.0 };
    // The last row may be cut by the window.
    let rows = block.rows().saturating_sub(1).max(1);
    let even = (0..rows).filter(|row| block.width(*row) == width).count();
    let broken = splitter.losses().count(Why::StrayQuote) as usize;
    (even.saturating_sub(2 * broken)) as f32 / rows as f32
}

/// Counts the whole rows of a window, and what they lost.
pub fn count(window: &[u8], dialect: Dialect, width: usize, from: usize) -> (Stretch, Losses) {
    let mut splitter = Splitter::new(SplitOptions::new(dialect, width), 0, 0);
    let mut input = window.get(from..).unwrap_or_default();
    let mut stretch = Stretch { rows: 0, bytes: 0 };
    let mut last = None;
    while let Some(block) = splitter.next_block(&mut input, usize::MAX) {
        for row in 0..block.rows() {
            stretch.rows += 1;
            last = Some((block.row_offset(row), block.row_offset(row) + block.raw_row(row).len() as u64));
        }
    }
    // The last row may be cut by the window: it ends the stretch and does not count.
    if let Some((start, _)) = last {
        stretch.rows -= 1;
        stretch.bytes = start;
    }
    (stretch, splitter.take_losses())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: usize) -> Vec<u8> {
        let mut text = Vec::new();
        for row in 0..rows {
            let note = match row % 5 {
                0 => format!("\"a note, with\nline {row},x,y\nand \"\"more\"\"\""),
                _ => format!("plain {row}"),
            };
            text.extend(format!("{row},{note},{},{}\n", row * 7919 % 1000, row * row).bytes());
        }
        text
    }

    #[test]
    fn a_row_start_is_found_from_anywhere() {
        let text = table(400);
        let mut starts = Vec::new();
        let mut splitter = Splitter::new(SplitOptions::new(Dialect::default(), 4), 0, 0);
        let mut input = &text[..];
        while let Some(block) = splitter.next_block(&mut input, usize::MAX) {
            starts.extend((0..block.rows()).map(|row| block.row_offset(row) as usize));
        }
        for from in (0..text.len() - 2000).step_by(41) {
            let window = &text[from..from + 2000];
            let found = first_row(window, Dialect::default(), 4).unwrap();
            assert!(
                starts.contains(&(from + found)),
                "from {from}: {:?}",
                String::from_utf8_lossy(&window[..80])
            );
        }
    }

    #[test]
    fn spread_windows_tell_the_number_of_rows() {
        let text = table(20_000);
        let windows = 24;
        let len = 8 << 10;
        let mut stretches = Vec::new();
        for window in 0..windows {
            let place = (text.len() - len) * window / (windows - 1);
            let window = &text[place..place + len];
            let from = first_row(window, Dialect::default(), 4).unwrap();
            stretches.push(count(window, Dialect::default(), 4, from).0);
        }
        let estimate = estimate(&stretches, text.len() as u64).unwrap();
        assert!((estimate.mid / 20_000.0 - 1.0).abs() < 0.02, "{estimate:?}");
        assert!(estimate.lo <= 20_000.0 && 20_000.0 <= estimate.hi, "{estimate:?}");
    }

    #[test]
    fn nothing_seen_is_no_estimate() {
        assert_eq!(estimate(&[], 100), None);
        assert_eq!(estimate(&[Stretch { rows: 0, bytes: 10 }], 100), None);
        assert_eq!(first_row(b"no line end at all", Dialect::default(), 2), None);
    }
}
