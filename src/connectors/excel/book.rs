//! A workbook as rows of values, whatever it is written in: xlsx and xlsb give their cells one by one, xls and ods
//! are in memory as a whole first, as the reader of those formats has them.
//!
//! The reader is known to abort on small hostile files (two cells far apart make it ask for a dense grid): it runs in
//! the worker only, and where cells come one by one no grid is ever made.

use super::container::{Container, Format};
use super::value::{Calendar, Value};
use crate::model::{Error, ErrorKind, Result};
use calamine::{Ods, Reader, Sheet, SheetType, SheetVisible, Xls, Xlsb, Xlsx};
use std::fmt::Display;
use std::io::{Read, Seek};

/// A row of a sheet: its number in the sheet from 0 and its cells by column.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct SheetRow {
    pub(super) number: u32,
    pub(super) cells: Vec<(u32, Value)>,
    /// Formulas among its cells.
    pub(super) formulas: u64,
    /// Formulas whose value the file does not hold.
    pub(super) unvalued: u64,
}

/// Whether more rows are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum More {
    Wanted,
    Enough,
}

/// What a sheet says of its size: first and last row and column.
pub(super) type Corners = ((u32, u32), (u32, u32));

/// An opened workbook.
pub(super) enum Book<R: Read + Seek> {
    Xlsx(Xlsx<R>),
    Xlsb(Xlsb<R>),
    Xls(Xls<R>),
    Ods(Ods<R>),
}

impl<R: Read + Seek> Book<R> {
    /// Opens the workbook in a container.
    pub(super) fn open(file: R, container: &Container) -> Result<Self> {
        match container.format {
            Format::Xlsx => {
                Xlsx::new(file).map(Self::Xlsx).map_err(|error| broken("opening the workbook", error))
            }
            Format::Xlsb => {
                Xlsb::new(file).map(Self::Xlsb).map_err(|error| broken("opening the workbook", error))
            }
            Format::Xls => {
                Xls::new(file).map(Self::Xls).map_err(|error| broken("opening the workbook", error))
            }
            Format::Ods => {
                Ods::new(file).map(Self::Ods).map_err(|error| broken("opening the workbook", error))
            }
        }
    }

    /// Its sheets in order, hidden ones too.
    pub(super) fn sheets(&self) -> Vec<Sheet> {
        match self {
            Self::Xlsx(book) => book.sheets_metadata().to_vec(),
            Self::Xlsb(book) => book.sheets_metadata().to_vec(),
            Self::Xls(book) => book.sheets_metadata().to_vec(),
            Self::Ods(book) => book.sheets_metadata().to_vec(),
        }
    }

    /// Names that it defines, with what they stand for.
    pub(super) fn defined_names(&self) -> Vec<(String, String)> {
        match self {
            Self::Xlsx(book) => book.defined_names().to_vec(),
            Self::Xlsb(book) => book.defined_names().to_vec(),
            Self::Xls(book) => book.defined_names().to_vec(),
            Self::Ods(book) => book.defined_names().to_vec(),
        }
    }

    /// Which day its dates count from.
    pub(super) fn calendar(&self) -> Calendar {
        let is_1904 = match self {
            Self::Xlsx(book) => book.has_1904_epoch(),
            Self::Xlsb(book) => book.has_1904_epoch(),
            Self::Xls(book) => book.has_1904_epoch(),
            // OpenDocument writes dates out.
            Self::Ods(_) => false,
        };
        if is_1904 { Calendar::From1904 } else { Calendar::From1900 }
    }

    /// Who wrote it and when, as far as it says.
    pub(super) fn properties(&mut self) -> Vec<(&'static str, String)> {
        let found = match self {
            Self::Xlsx(book) => book.workbook_properties().ok(),
            Self::Xlsb(book) => book.workbook_properties().ok(),
            Self::Xls(book) => book.workbook_properties().ok(),
            Self::Ods(book) => book.workbook_properties().ok(),
        };
        let Some(found) = found else { return Vec::new() };
        let all = [
            ("title", found.title),
            ("author", found.creator),
            ("last written by", found.last_modified_by),
            ("created", found.created),
            ("last written", found.modified),
            ("written with", found.application),
        ];
        all.into_iter()
            .filter_map(|(label, value)| Some((label, value.filter(|text| !text.is_empty())?)))
            .collect()
    }

    /// Areas of cells shown as one; the cell at their upper left holds the value. None where the format's reader does
    /// not tell.
    pub(super) fn merged(&mut self, sheet: &str) -> Vec<Corners> {
        let found = match self {
            Self::Xlsx(book) => book.merge_cells_by_sheet_name(sheet).ok(),
            Self::Xls(book) => book.merge_cells_by_sheet_name(sheet).ok(),
            Self::Xlsb(_) | Self::Ods(_) => None,
        };
        found.unwrap_or_default().into_iter().map(|area| (area.start, area.end)).collect()
    }

    /// Gives the rows of a sheet that have cells, in the file's order, until enough. What the sheet says of its size
    /// comes back.
    pub(super) fn rows(
        &mut self,
        sheet: &str,
        give: &mut dyn FnMut(SheetRow) -> Result<More>,
    ) -> Result<Option<Corners>> {
        let failed = |error: &dyn Display| broken(&format!("reading sheet {sheet:?}"), error);
        match self {
            Self::Xlsx(book) => {
                let mut cells = book.worksheet_cells_reader(sheet).map_err(|error| failed(&error))?;
                let corners = (cells.dimensions().start, cells.dimensions().end);
                let mut rows = Gathered::new(give);
                while let Some(cell) =
                    cells.next_cell_with_formula_metadata().map_err(|error| rows.cut(failed(&error)))?
                {
                    let formula = cell.formula.is_some();
                    if rows.add(cell.pos, Value::of(cell.value), formula)? == More::Enough {
                        return Ok(Some(corners));
                    }
                }
                rows.end()?;
                Ok(Some(corners).filter(|corners| corners.1 != (0, 0)))
            }
            Self::Xlsb(book) => {
                let mut cells = book.worksheet_cells_reader(sheet).map_err(|error| failed(&error))?;
                let corners = (cells.dimensions().start, cells.dimensions().end);
                let mut rows = Gathered::new(give);
                while let Some(cell) = cells.next_cell().map_err(|error| rows.cut(failed(&error)))? {
                    let value = Value::of(cell.get_value().clone());
                    if rows.add(cell.get_position(), value, false)? == More::Enough {
                        return Ok(Some(corners));
                    }
                }
                rows.end()?;
                Ok(Some(corners).filter(|corners| corners.1 != (0, 0)))
            }
            Self::Xls(book) => {
                let range = book.worksheet_range(sheet).map_err(|error| failed(&error))?;
                let formulas = book.worksheet_formula(sheet).map_err(|error| failed(&error))?;
                in_memory(&range, &formulas, give)
            }
            Self::Ods(book) => {
                let range = book.worksheet_range(sheet).map_err(|error| failed(&error))?;
                let formulas = book.worksheet_formula(sheet).map_err(|error| failed(&error))?;
                in_memory(&range, &formulas, give)
            }
        }
    }
}

/// Cells on their way to rows.
struct Gathered<'g> {
    give: &'g mut dyn FnMut(SheetRow) -> Result<More>,
    row: SheetRow,
    is_open: bool,
}

impl<'g> Gathered<'g> {
    fn new(give: &'g mut dyn FnMut(SheetRow) -> Result<More>) -> Self {
        Self { give, row: SheetRow::default(), is_open: false }
    }

    fn add(&mut self, (row, column): (u32, u32), value: Option<Value>, formula: bool) -> Result<More> {
        if value.is_none() && !formula {
            return Ok(More::Wanted);
        }
        if self.is_open && self.row.number != row && self.flush()? == More::Enough {
            return Ok(More::Enough);
        }
        self.is_open = true;
        self.row.number = row;
        self.row.formulas += u64::from(formula);
        match value {
            Some(value) => self.row.cells.push((column, value)),
            None => self.row.unvalued += 1,
        }
        Ok(More::Wanted)
    }

    fn flush(&mut self) -> Result<More> {
        self.is_open = false;
        (self.give)(std::mem::take(&mut self.row))
    }

    fn end(&mut self) -> Result<()> {
        if self.is_open {
            self.flush()?;
        }
        Ok(())
    }

    /// The row that was begun is given before an error ends the sheet.
    fn cut(&mut self, error: Error) -> Error {
        match self.end() {
            Ok(()) => error,
            Err(other) => other,
        }
    }
}

fn in_memory(
    range: &calamine::Range<calamine::Data>,
    formulas: &calamine::Range<String>,
    give: &mut dyn FnMut(SheetRow) -> Result<More>,
) -> Result<Option<Corners>> {
    let (Some(start), Some(end)) = (range.start(), range.end()) else { return Ok(None) };
    for (row, number) in range.rows().zip(start.0..) {
        let cells = row.iter().zip(start.1..);
        let cells: Vec<(u32, Value)> =
            cells.filter_map(|(value, column)| Some((column, Value::of_owned(value)?))).collect();
        let is_formula =
            |column: &u32| formulas.get_value((number, *column)).is_some_and(|text| !text.is_empty());
        let formulas = (start.1..=end.1).filter(is_formula).count() as u64;
        if cells.is_empty() {
            continue;
        }
        if give(SheetRow { number, cells, formulas, unvalued: 0 })? == More::Enough {
            break;
        }
    }
    Ok(Some((start, end)))
}

/// Whether a sheet has cells.
pub(super) fn has_cells(sheet: &Sheet) -> bool {
    matches!(sheet.typ, SheetType::WorkSheet | SheetType::MacroSheet | SheetType::DialogSheet)
}

/// What a sheet that is not shown is.
pub(super) fn hidden_word(sheet: &Sheet) -> Option<&'static str> {
    match sheet.visible {
        SheetVisible::Visible => None,
        SheetVisible::Hidden => Some("hidden"),
        SheetVisible::VeryHidden => Some("hidden from the menu"),
    }
}

fn broken(what: &str, error: impl Display) -> Error {
    let text = error.to_string();
    if text.to_lowercase().contains("password") {
        return encrypted();
    }
    Error::new(ErrorKind::Decode, "read", format!("{what}: {text}")).hint(
        "the workbook may be cut off or damaged; if a spreadsheet program opens it, save it anew from there",
    )
}

/// The refusal of a workbook behind a password.
pub(super) fn encrypted() -> Error {
    Error::new(ErrorKind::Unsupported, "connect", "the workbook is encrypted with a password")
        .hint("save it without a password in the program it comes from")
}
