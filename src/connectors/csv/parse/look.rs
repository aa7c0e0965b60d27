//! The first look at a file: three windows tell how it is written, what its columns hold and how many rows it
//! may have. At most a few hundred kilobytes, whatever its size.

use super::super::decode::TextEncoding;
use super::super::dialect::Overrides;
use super::super::encoding::binary_kind;
use super::super::infer::{ColumnSample, decide};
use super::super::layout::{KnownRows, Layout};
use super::super::open::{Access, Input, Packing};
use super::super::sniff::{Sniffed, Windows, sniff};
use super::super::split::{SplitOptions, Splitter};
use super::super::sync::{self, Stretch};
use super::broken;
use crate::kit::scan;
use crate::model::{Error, ErrorKind, Result};
use std::fs::File;
use std::io::Read;

const HEAD_BYTES: usize = 128 << 10;
const WINDOW_BYTES: usize = 48 << 10;
/// A head without three line ends is widened up to this.
const WIDEST_HEAD: usize = 32 << 20;
const HEAD_ROWS: usize = 2000;
const WINDOW_ROWS: usize = 600;

/// The windows of a file, and whether the first is all of it.
struct Seen {
    head: Vec<u8>,
    whole: bool,
    middle: Vec<u8>,
    tail: (u64, Vec<u8>),
}

pub(super) fn look(input: &Input<File>, overrides: &Overrides) -> Result<Layout> {
    if let Some(label) = &overrides.encoding
        && TextEncoding::for_label(label).is_none()
    {
        return Err(Error::new(ErrorKind::Invalid, "connect", format!("{label:?} is no known encoding"))
            .hint("use a name such as utf-8, utf-16le, windows-1252 or shift_jis"));
    }
    input.advise(Access::Scattered);
    let seen = match input.packing() {
        Packing::Plain => plain_windows(input),
        _ => packed_head(input),
    }
    .map_err(|error| broken(&error))?;
    if let Some(kind) = binary_kind(&seen.head) {
        return Err(Error::new(ErrorKind::Decode, "connect", format!("this is {kind}, not delimited text"))
            .hint("open it with the connector of its own kind"));
    }
    let windows = Windows {
        head: &seen.head,
        whole: seen.whole,
        middle: &seen.middle,
        tail: (seen.tail.0, &seen.tail.1),
    };
    let mut layout = layout(input, &seen, sniff(windows, overrides), overrides);
    layout.unpacked_hint = input.unpacked_hint().map_err(|error| broken(&error))?;
    Ok(layout)
}

fn plain_windows(input: &Input<File>) -> std::io::Result<Seen> {
    let len = input.len();
    let mut head = input.window(0, HEAD_BYTES)?;
    // A table of very many columns has longer lines than a window.
    while line_ends(&head) < 3 && (head.len() as u64) < len && head.len() < WIDEST_HEAD {
        let more = input.window(head.len() as u64, head.len())?;
        head.extend(more);
    }
    let rest = len.saturating_sub(head.len() as u64);
    let window = WINDOW_BYTES as u64;
    if rest == 0 {
        return Ok(Seen { head, whole: true, middle: Vec::new(), tail: (len, Vec::new()) });
    }
    // Windows start at even places, so that those of UTF-16 hold whole units.
    let tail_start = (len - rest.min(window)) & !1;
    let middle_start = (head.len() as u64 + rest / 2) & !1;
    let middle = if rest > 2 * window { input.window(middle_start, WINDOW_BYTES)? } else { Vec::new() };
    let tail = input.window(tail_start, WINDOW_BYTES + 1)?;
    Ok(Seen { head, whole: false, middle, tail: (tail_start, tail) })
}

fn packed_head(input: &Input<File>) -> std::io::Result<Seen> {
    let mut stream = input.stream(0, None, u64::MAX)?;
    let mut head = Vec::new();
    let mut wanted = 2 * HEAD_BYTES;
    loop {
        let missing = (wanted - head.len()) as u64;
        let before = head.len();
        let read = stream.by_ref().take(missing).read_to_end(&mut head);
        match read {
            Ok(_) => {}
            // A damaged file shows what it has; reading it says that it ends early.
            Err(error) if head.is_empty() => return Err(error),
            Err(_) => return Ok(Seen { head, whole: false, middle: Vec::new(), tail: (0, Vec::new()) }),
        }
        let whole = (head.len() - before) < missing as usize;
        if whole || line_ends(&head) >= 3 || head.len() >= WIDEST_HEAD {
            return Ok(Seen { head, whole, middle: Vec::new(), tail: (0, Vec::new()) });
        }
        wanted *= 2;
    }
}

fn line_ends(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).take(3).count()
}

fn layout(input: &Input<File>, seen: &Seen, found: Sniffed, overrides: &Overrides) -> Layout {
    let mut samples = vec![ColumnSample::default(); found.names.len()];
    let mut stretches = Vec::new();
    let mut zero_bytes = 0;
    let head = head_text(seen, &found);
    let rows = sample_rows(&head, &found, 0, HEAD_ROWS, &mut samples);
    stretches.extend(sync_stretch(&head, &found, Some(0)));
    zero_bytes += scan::count(&head, 0);
    for window in [&seen.middle, &seen.tail.1] {
        let text = found.encoding.text_of(window);
        if let Some(from) = sync::first_row(&text, found.dialect, found.width) {
            sample_rows(&text, &found, from, WINDOW_ROWS, &mut samples);
        }
        stretches.extend(sync_stretch(&text, &found, None));
        zero_bytes += scan::count(&text, 0);
    }
    let (types, notes) = decide(&samples, overrides.null_spellings.as_deref());
    let mut layout = Layout {
        packing: input.packing(),
        file_bytes: input.len(),
        written: found,
        types,
        zero_bytes,
        notes,
        rows: KnownRows::Unknown,
        unpacked_hint: None,
        row_bytes: row_bytes(&stretches),
    };
    layout.rows = if seen.whole {
        KnownRows::Exact(rows)
    } else if layout.packing == Packing::Plain {
        sync::estimate(&stretches, layout.data_bytes()).map_or(KnownRows::Unknown, KnownRows::Estimated)
    } else {
        KnownRows::Unknown
    };
    layout
}

/// The data rows that the head holds, as cut text.
fn head_text(seen: &Seen, found: &Sniffed) -> Vec<u8> {
    let end = found.data_end.filter(|_| seen.whole).map_or(seen.head.len(), |end| end as usize);
    let data = seen.head.get(found.data_start as usize..end).unwrap_or_default();
    let mut text = found.encoding.text_of(data).into_owned();
    if !seen.whole {
        let last = text.iter().rposition(|byte| matches!(byte, b'\n' | b'\r')).map_or(0, |at| at + 1);
        text.truncate(last);
    }
    text
}

/// Looks at the cells of some rows; all rows there are.
fn sample_rows(text: &[u8], found: &Sniffed, from: usize, most: usize, samples: &mut [ColumnSample]) -> u64 {
    let mut splitter = Splitter::new(SplitOptions::new(found.dialect, found.width), 0, 0);
    let mut input = text.get(from..).unwrap_or_default();
    let mut rows = 0;
    // The last row of a window out of the middle may be cut.
    let is_window = from > 0;
    while let Some(block) = splitter.next_block(&mut input, usize::MAX) {
        let whole = block.rows() - usize::from(is_window && block.rows() > 0);
        for row in (0..whole).filter(|row| rows as usize + row < most && block.width(*row) == found.width) {
            for (column, sample) in samples.iter_mut().enumerate() {
                if let Some(cell) = block.cell(row, column) {
                    sample.add(&cell.value());
                }
            }
        }
        rows += block.rows() as u64;
    }
    rows
}

fn sync_stretch(text: &[u8], found: &Sniffed, from: Option<usize>) -> Option<Stretch> {
    let from = from.or_else(|| sync::first_row(text, found.dialect, found.width))?;
    let (stretch, _) = sync::count(text, found.dialect, found.width, from);
    let bytes = found.encoding.file_len(text.get(from..from + stretch.bytes as usize)?);
    (stretch.rows > 0).then_some(Stretch { bytes, ..stretch })
}

pub(super) fn row_bytes(stretches: &[Stretch]) -> f64 {
    let rows: u64 = stretches.iter().map(|stretch| stretch.rows).sum();
    let bytes: u64 = stretches.iter().map(|stretch| stretch.bytes).sum();
    if rows == 0 { 0.0 } else { bytes as f64 / rows as f64 }
}
