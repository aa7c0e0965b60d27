//! The worker's side of any file: its bytes as rows of a hex view, and the texts in it.

use super::ID;
use super::kinds::{entropy, kind};
use crate::job::Flow;
use crate::kit::files::{
    Ask, Cost, FileInput, FileParser, FileReader, Outline, Place, RowCount, RowsOut, Stretch, Table, Windows,
    broken,
};
use crate::model::cell::Cell;
use crate::model::load::Provenance;
use crate::model::node::{Detail, NodeKind};
use crate::model::schema::{Field, LogicalType, Schema};
use crate::model::units::count_text;
use crate::model::{Error, Result};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Bytes of one row of the hex view.
const ROW_BYTES: u64 = 16;
const BLOCK_BYTES: usize = 64 << 10;
/// The shortest text told, in characters; and the longest kept.
const SHORTEST: usize = 6;
const LONGEST: usize = 4_096;

/// The reader of any file.
pub struct AnyFile;

/// The parser of this connector.
pub static PARSER: FileParser<AnyFile> = FileParser(AnyFile);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum View {
    Bytes,
    Strings,
}

impl FileReader for AnyFile {
    fn id(&self) -> &'static str {
        ID
    }

    fn look(&self, file: &Arc<FileInput>, _settings: &serde_json::Value) -> Result<Outline> {
        let head = file.window(0, BLOCK_BYTES).map_err(|error| broken(&error))?;
        let mut outline = Outline::new(file.len(), file.packing());
        let looked = || Provenance::Sampled { n: 1, design: "first bytes".to_owned() };
        let mut facts = Vec::new();
        match kind(&head) {
            Some((what, next)) => {
                facts.push(Detail::new("first bytes say", what, looked()));
                if !next.is_empty() {
                    facts.push(Detail::new("to read it", next, looked()));
                }
            }
            None => facts.push(Detail::new("first bytes say", "nothing known", looked())),
        }
        facts.push(Detail::new("entropy", format!("{:.2} bits a byte", entropy(&head)), looked()));
        let zeros = head.iter().filter(|byte| **byte == 0).count();
        let printable =
            head.iter().filter(|byte| matches!(byte, b' '..=b'~' | b'\n' | b'\r' | b'\t')).count();
        let share = |count: usize| format!("{:.0} %", count as f64 / head.len().max(1) as f64 * 100.0);
        facts.push(Detail::new("printable", share(printable), looked()));
        facts.push(Detail::new("zero bytes", share(zeros), looked()));

        let mut bytes = Table::new(Vec::new(), NodeKind::File, bytes_schema());
        bytes.rows = Some(RowCount::exact(file.len().div_ceil(ROW_BYTES), "16 bytes a row"));
        let end = file.len();
        bytes.cost =
            Cost::Sequence { start: 0, end, row_bytes: ROW_BYTES as f64, block_bytes: BLOCK_BYTES as u64 };
        bytes.windows = Windows::ByRow;
        bytes.facts.clone_from(&facts);
        if file.is_empty() {
            bytes.notes.push("the file is empty".to_owned());
        }
        bytes.state = serde_json::to_value(View::Bytes).unwrap_or_default();
        let mut strings = Table::new(vec!["strings".to_owned()], NodeKind::View, strings_schema());
        strings.remark = Some("texts of 6 characters and more".to_owned());
        strings.facts = facts;
        strings.state = serde_json::to_value(View::Strings).unwrap_or_default();
        outline.tables.extend([bytes, strings]);
        Ok(outline)
    }

    fn rows(&self, file: &Arc<FileInput>, ask: &Ask, out: &mut RowsOut<'_>) -> Result<()> {
        let view: View = serde_json::from_value(ask.table.state.clone()).map_err(|error| {
            Error::unexpected("read", format!("the notes of the look are not readable: {error}"))
        })?;
        match (view, &ask.stretch) {
            (View::Bytes, Stretch::From { row, known }) => {
                out.passed(row.saturating_sub(known.row));
                hex(file, ask, *row, u64::MAX, out).map(|_| ())
            }
            (View::Bytes, Stretch::RowWindows(windows)) => {
                for (row, rows) in windows {
                    if hex(file, ask, *row, *rows, out)? == Flow::Enough {
                        break;
                    }
                }
                Ok(())
            }
            (View::Strings, Stretch::From { row, known }) => strings(file, ask, *row, *known, out),
            _ => Err(out.no_such_stretch()),
        }
    }
}

fn bytes_schema() -> Schema {
    Schema::new(vec![
        Field::new("place", LogicalType::INT64).native("byte of the file"),
        Field::new("hex", LogicalType::Text).native("16 bytes"),
        Field::new("text", LogicalType::Text).native("the same as ASCII"),
    ])
}

fn strings_schema() -> Schema {
    Schema::new(vec![
        Field::new("place", LogicalType::INT64).native("byte of the file"),
        Field::new("encoding", LogicalType::Text),
        Field::new("characters", LogicalType::INT64),
        Field::new("text", LogicalType::Text),
    ])
}

fn give(ask: &Ask, at: Place, cells: &[Cell], out: &mut RowsOut<'_>) -> Result<Flow> {
    let chosen = ask.columns.iter().map(|column| cells.get(*column).cloned().unwrap_or(Cell::Missing));
    out.row(at, chosen.collect())
}

fn place_cell(place: u64) -> Cell {
    i64::try_from(place).map_or(Cell::Null, Cell::Int)
}

fn hex(file: &FileInput, ask: &Ask, row: u64, rows: u64, out: &mut RowsOut<'_>) -> Result<Flow> {
    let mut number = row;
    let last = row.saturating_add(rows);
    while number < last {
        let start = number.saturating_mul(ROW_BYTES);
        let want = (last - number).min(out.room()).min(BLOCK_BYTES as u64 / ROW_BYTES) * ROW_BYTES;
        let block = file.window(start, want.max(ROW_BYTES) as usize).map_err(|error| broken(&error))?;
        if block.is_empty() {
            break;
        }
        for chunk in block.chunks(ROW_BYTES as usize) {
            let hex: Vec<String> = chunk.iter().map(|byte| format!("{byte:02x}")).collect();
            let text =
                chunk.iter().map(|byte| if matches!(byte, b' '..=b'~') { char::from(*byte) } else { '·' });
            let place = number * ROW_BYTES;
            let cells = [place_cell(place), Cell::Text(hex.join(" ")), Cell::Text(text.collect())];
            if give(ask, Place { row: number, byte: Some(place) }, &cells, out)? == Flow::Enough {
                return Ok(Flow::Enough);
            }
            number += 1;
        }
    }
    Ok(Flow::More)
}

/// A text being gathered: printable ASCII, or the same with a zero byte behind each.
#[derive(Default)]
struct Run {
    start: u64,
    text: String,
    chars: usize,
}

impl Run {
    fn push(&mut self, place: u64, byte: u8) {
        if self.chars == 0 {
            self.start = place;
        }
        self.chars += 1;
        if self.text.len() < LONGEST {
            self.text.push(char::from(byte));
        }
    }

    fn take(&mut self, encoding: &'static str) -> Option<(u64, &'static str, usize, String)> {
        let done = std::mem::take(self);
        (done.chars >= SHORTEST).then_some((done.start, encoding, done.chars, done.text))
    }
}

fn strings(file: &FileInput, ask: &Ask, row: u64, known: Place, out: &mut RowsOut<'_>) -> Result<()> {
    let mut number = 0;
    let (mut narrow, mut wide) = (Run::default(), Run::default());
    let mut before: Option<u8> = None;
    let mut place = 0;
    let is_text = |byte: u8| matches!(byte, b' '..=b'~' | b'\t');
    loop {
        let block = file.window(place, BLOCK_BYTES).map_err(|error| broken(&error))?;
        let is_end = block.is_empty();
        // One byte that is no text ends what is open.
        let bytes: &[u8] = if is_end { &[1, 1] } else { &block };
        for byte in bytes {
            let mut found = [None, None];
            if is_text(*byte) {
                narrow.push(place, *byte);
            } else {
                found[0] = narrow.take("ascii");
            }
            match before {
                Some(char) if *byte == 0 && is_text(char) => {
                    wide.push(place.saturating_sub(1), char);
                    before = None;
                }
                Some(_) => {
                    found[1] = wide.take("utf-16le");
                    before = Some(*byte);
                }
                None => before = Some(*byte),
            }
            for (start, encoding, chars, text) in found.into_iter().flatten() {
                let at = Place { row: number, byte: None };
                number += 1;
                if at.row < row {
                    out.passed(u64::from(at.row >= known.row));
                    continue;
                }
                if chars > text.chars().count() {
                    let beyond = (chars - text.chars().count()) as u64;
                    out.lost(
                        format!("text at byte {start}"),
                        "characters beyond the longest text kept (4,096)",
                        beyond,
                    );
                }
                let chars = i64::try_from(chars).map_or(Cell::Null, Cell::Int);
                let cells = [place_cell(start), Cell::Text(encoding.to_owned()), chars, Cell::Text(text)];
                if give(ask, at, &cells, out)? == Flow::Enough {
                    return Ok(());
                }
            }
            place += 1;
        }
        if is_end {
            return Ok(());
        }
        out.tick()?;
        if out.is_spent() {
            out.lost(
                format!("after byte {}", count_text(place)),
                "bytes beyond the budget, not searched",
                file.len() - place,
            );
            return Ok(());
        }
    }
}
