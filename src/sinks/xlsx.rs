//! XLSX in constant memory: rows go to a temporary file beside the target as they come. A sheet that is full
//! is followed by another one with the same header.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rust_xlsxwriter::{Format, Workbook, XlsxError};

use super::FormulaText;
use super::csv::{is_words, text};
use super::exporter::RowWriter;
use super::file::{PartialFile, failed};
use super::tally::Tally;
use super::types::unique_names;
use crate::job::caught;
use crate::model::batch::Batch;
use crate::model::cell::Cell;
use crate::model::error::Retry;
use crate::model::schema::{LogicalType, Schema, TimeUnit, Zone};
use crate::model::{Error, ErrorKind, Result};

const MOST_ROWS: u32 = 1_048_576;
const MOST_COLUMNS: usize = 16_384;
const MOST_CELL_UNITS: usize = 32_767;
/// Whole numbers up to here are what they are in a 64-bit float.
const EXACT_WHOLE: u64 = 1 << 53;
const EXACT_DIGITS: usize = 15;
const MILLIS_A_DAY: i64 = 86_400_000;
/// Days from Excel's day 0 to 1970-01-01, and the first day on which both calendars agree.
const EPOCH_DAY: i64 = 25_569;
const FIRST_SOUND_DAY: i64 = 61;
const LAST_DAY: i64 = 2_958_465;
/// Space that must be free before a batch is written: the library stops the program on a full disk.
const SPARE_BYTES: u64 = 16 << 20;

pub(super) struct Sheets {
    workbook: Workbook,
    file: PartialFile,
    folder: PathBuf,
    names: Vec<String>,
    formulas: FormulaText,
    row: u32,
    last_row: u32,
    formats: Formats,
}

struct Formats {
    date: Format,
    time: Format,
    moment: Format,
}

/// What a cell becomes.
enum Written {
    Nothing,
    Bool(bool),
    Number(f64),
    Date(f64),
    Time(f64),
    Moment(f64),
    Text(String),
}

impl Sheets {
    pub(super) fn new(
        file: PartialFile,
        target: &Path,
        schema: &Schema,
        formulas: FormulaText,
        tally: &mut Tally,
    ) -> Result<Self> {
        Self::with_rows(file, target, schema, formulas, tally, MOST_ROWS)
    }

    /// As [`Self::new`] with sheets of at most `last_row` rows, header included.
    pub(super) fn with_rows(
        file: PartialFile,
        target: &Path,
        schema: &Schema,
        formulas: FormulaText,
        tally: &mut Tally,
        last_row: u32,
    ) -> Result<Self> {
        let mut names = unique_names(schema);
        if names.len() > MOST_COLUMNS {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "export",
                format!("a sheet holds {MOST_COLUMNS} columns, the rows have {}", names.len()),
            )
            .hint("choose columns, or another format"));
        }
        for name in &mut names {
            if formulas == FormulaText::Guarded {
                *name = tally.guard.guard(name).into_owned();
            }
            if cut(name) {
                tally.changed(0, "a column's name beyond 32,767 characters, cut", 1);
            }
        }
        let folder = match target.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
            _ => PathBuf::from("."),
        };
        let mut workbook = Workbook::new();
        workbook.set_tempdir(&folder).map_err(xlsx_failed)?;
        let format = |pattern: &str| Format::new().set_num_format(pattern);
        let formats = Formats {
            date: format("yyyy-mm-dd"),
            time: format("hh:mm:ss.000"),
            moment: format("yyyy-mm-dd hh:mm:ss.000"),
        };
        let mut made = Self { workbook, file, folder, names, formulas, row: 0, last_row, formats };
        made.next_sheet()?;
        Ok(made)
    }

    fn next_sheet(&mut self) -> Result<()> {
        let sheet = self.workbook.add_worksheet_with_constant_memory().map_err(xlsx_failed)?;
        for (column, name) in (0_u16..).zip(&self.names) {
            sheet.write_string(0, column, name).map_err(xlsx_failed)?;
        }
        self.row = 1;
        Ok(())
    }

    fn write_row(&mut self, batch: &Batch, row: usize, tally: &mut Tally) -> Result<()> {
        if self.row >= self.last_row {
            self.next_sheet()?;
        }
        let last = self.workbook.worksheets().len() - 1;
        let sheet = self.workbook.worksheet_from_index(last).map_err(xlsx_failed)?;
        for (column, (index, field)) in (0_u16..).zip(batch.schema.fields.iter().enumerate()) {
            let cell = batch.cell(row, index);
            let written = match written(&cell, &field.logical, index, tally) {
                Written::Nothing => continue,
                Written::Bool(value) => sheet.write_boolean(self.row, column, value),
                Written::Number(value) => sheet.write_number(self.row, column, value),
                Written::Date(value) => {
                    sheet.write_number_with_format(self.row, column, value, &self.formats.date)
                }
                Written::Time(value) => {
                    sheet.write_number_with_format(self.row, column, value, &self.formats.time)
                }
                Written::Moment(value) => {
                    sheet.write_number_with_format(self.row, column, value, &self.formats.moment)
                }
                Written::Text(mut text) => {
                    if self.formulas == FormulaText::Guarded && is_words(&cell) {
                        text = tally.guard.guard(&text).into_owned();
                    }
                    if cut(&mut text) {
                        tally.lost(index, "the rest of a text beyond 32,767 characters", 1);
                    }
                    if text.is_empty() {
                        tally.changed(index, "empty text, written as an empty cell", 1);
                    }
                    sheet.write_string(self.row, column, text)
                }
            };
            written.map(|_sheet| ()).map_err(xlsx_failed)?;
        }
        self.row += 1;
        Ok(())
    }
}

impl RowWriter for Sheets {
    fn write(&mut self, batch: &Batch, tally: &mut Tally) -> Result<()> {
        let wanted = batch.memory_bytes() as u64 * 4 + SPARE_BYTES;
        if free_bytes(&self.folder).is_some_and(|free| free < wanted) {
            return Err(disk_full(&self.folder));
        }
        let folder = self.folder.clone();
        guarded(&folder, || (0..batch.row_count()).try_for_each(|row| self.write_row(batch, row, tally)))
    }

    fn finish(mut self: Box<Self>, _tally: &mut Tally) -> Result<()> {
        let folder = self.folder.clone();
        let out = Quiet(self.file.clone());
        guarded(&folder, || self.workbook.save_to_writer(out).map_err(xlsx_failed))?;
        self.file.failure().map_or(Ok(()), Err)
    }
}

/// The library panics where a write fails; a full disk is no reason to.
fn guarded(folder: &Path, work: impl FnOnce() -> Result<()>) -> Result<()> {
    caught::catch(work, || disk_full(folder))
}

fn disk_full(folder: &Path) -> Error {
    Error::new(ErrorKind::Budget, "export", "the disk is too full for the sheet and its temporary file")
        .hint("free some space, choose another disk, or export to parquet or csv; nothing was kept")
        .retry(Retry::AfterChange)
        .with("path", folder.display().to_string())
}

/// Takes everything; whether it could be written is asked of the file afterwards.
struct Quiet(PartialFile);

impl Write for Quiet {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.failure().is_none() {
            drop(self.0.write_all(bytes));
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(unix)]
fn free_bytes(folder: &Path) -> Option<u64> {
    let space = rustix::fs::statvfs(folder).ok()?;
    Some(space.f_bavail.saturating_mul(space.f_frsize))
}

#[cfg(not(unix))]
fn free_bytes(_folder: &Path) -> Option<u64> {
    None
}

fn xlsx_failed(error: XlsxError) -> Error {
    let nowhere = Path::new("");
    match error {
        XlsxError::TempFileError(folder, error) => failed("writing a temporary file", &folder, &error),
        XlsxError::IoError(error) => failed("writing the file", nowhere, &error),
        other => Error::unexpected("export", format!("the sheet can't be written: {other}")),
    }
}

/// Cuts a text to what a cell holds; says whether it did.
fn cut(text: &mut String) -> bool {
    let mut units = 0;
    let end = text.char_indices().find_map(|(at, character)| {
        units += character.len_utf16();
        (units > MOST_CELL_UNITS).then_some(at)
    });
    if let Some(end) = end {
        text.truncate(end);
    }
    end.is_some()
}

fn written(cell: &Cell, logical: &LogicalType, index: usize, tally: &mut Tally) -> Written {
    let as_text = |tally: &mut Tally, why| {
        if !why_is_declared(logical) {
            tally.changed(index, why, 1);
        }
        text(cell, logical).map_or(Written::Nothing, Written::Text)
    };
    match cell {
        Cell::Null => Written::Nothing,
        Cell::Missing => {
            tally.changed(index, "absent key, written as an empty cell", 1);
            Written::Nothing
        }
        Cell::Bool(value) => Written::Bool(*value),
        Cell::Int(value) if value.unsigned_abs() <= EXACT_WHOLE => Written::Number(*value as f64),
        Cell::UInt(value) if *value <= EXACT_WHOLE => Written::Number(*value as f64),
        Cell::Int(_) | Cell::UInt(_) => as_text(tally, "whole number beyond 2^53, written as text"),
        Cell::Float(value) if value.is_finite() => Written::Number(*value),
        Cell::Float32(value) if value.is_finite() => {
            // The digits of the 32-bit float, not those of its 64-bit neighbour.
            Written::Number(value.to_string().parse().unwrap_or_else(|_| f64::from(*value)))
        }
        Cell::Float(_) | Cell::Float32(_) => as_text(tally, "not a finite number, written as text"),
        Cell::Decimal(digits) => match exact_number(digits) {
            Some(number) => Written::Number(number),
            None => as_text(tally, "decimal of more than 15 digits, written as text"),
        },
        Cell::Date(days) => match sound_day(i64::from(*days)) {
            Some(day) => Written::Date(day as f64),
            None => as_text(tally, "date outside 1900-03-01 to 9999-12-31, written as text"),
        },
        Cell::Time(value) => match millis(*value, logical) {
            Some(millis) => Written::Time(millis as f64 / MILLIS_A_DAY as f64),
            None => as_text(tally, "time finer than milliseconds, written as text"),
        },
        Cell::Timestamp(value) => match moment(*value, logical) {
            Some(moment) => Written::Moment(moment),
            None => as_text(tally, "time finer than milliseconds or before 1900-03-01, written as text"),
        },
        Cell::Invalid(_) => as_text(tally, "undecodable bytes, written in hex"),
        _ => text(cell, logical).map_or(Written::Nothing, Written::Text),
    }
}

/// Columns that are text as a whole say so once, at the column.
fn why_is_declared(logical: &LogicalType) -> bool {
    matches!(logical, LogicalType::Timestamp { zone: Zone::Utc | Zone::Named(_) | Zone::OffsetKept, .. })
}

fn exact_number(digits: &str) -> Option<f64> {
    let significant = digits.bytes().filter(u8::is_ascii_digit).skip_while(|digit| *digit == b'0').count();
    if significant > EXACT_DIGITS || digits.contains(['e', 'E']) {
        return None;
    }
    digits.parse().ok()
}

/// Excel's day of a day count since 1970, where both calendars agree.
fn sound_day(days: i64) -> Option<i64> {
    days.checked_add(EPOCH_DAY).filter(|day| (FIRST_SOUND_DAY..=LAST_DAY).contains(day))
}

fn millis(value: i64, logical: &LogicalType) -> Option<i64> {
    let (LogicalType::Time { unit } | LogicalType::Timestamp { unit, .. }) = logical else { return None };
    match unit {
        TimeUnit::Second => value.checked_mul(1_000),
        TimeUnit::Millisecond => Some(value),
        TimeUnit::Microsecond => (value % 1_000 == 0).then_some(value / 1_000),
        TimeUnit::Nanosecond => (value % 1_000_000 == 0).then_some(value / 1_000_000),
    }
}

fn moment(value: i64, logical: &LogicalType) -> Option<f64> {
    if !matches!(logical, LogicalType::Timestamp { zone: Zone::None, .. }) {
        return None;
    }
    let millis = millis(value, logical)?;
    let day = sound_day(millis.div_euclid(MILLIS_A_DAY))?;
    Some(day as f64 + millis.rem_euclid(MILLIS_A_DAY) as f64 / MILLIS_A_DAY as f64)
}
