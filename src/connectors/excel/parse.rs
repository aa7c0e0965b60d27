//! The worker's side of a workbook: its sheets as tables, and their rows.

use super::ID;
use super::book::{Book, Corners, More, SheetRow, encrypted, has_cells, hidden_word};
use super::container::{self, Container, NoWorkbook};
use super::table::{Found, Frame, HeaderChoice, find, letters};
use super::value::Calendar;
use crate::job::Flow;
use crate::kit::files::open::Cursor;
use crate::kit::files::{
    Ask, Cost, FileInput, FileParser, FileReader, Outline, Place, RowCount, RowsOut, Stretch, Table, broken,
};
use crate::model::cell::Cell;
use crate::model::load::Provenance;
use crate::model::lost::Lost;
use crate::model::node::{Detail, NodeKind};
use crate::model::units::count_text;
use crate::model::{Error, ErrorKind, Result};
use calamine::Sheet;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Rows of a sheet that are looked at.
const LOOK_ROWS: usize = 1_000;
/// Cells of all sheets that are looked at: a workbook of hundreds of sheets is looked at more thinly.
const LOOK_CELLS: usize = 400_000;
const LEAST_ROWS: usize = 20;
/// Sheets beyond this are told, not listed.
const MOST_SHEETS: usize = 2_000;
/// A run of blank rows longer than this is left out, and said.
const MOST_BLANK_ROWS: u32 = 1_000;
/// Areas and names that are listed one by one.
const LISTED: usize = 8;

/// The reader of workbooks.
pub struct Workbooks;

/// The parser of this connector.
pub static PARSER: FileParser<Workbooks> = FileParser(Workbooks);

/// What a user fixed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Settings {
    /// `auto`, `none` or a row from 1.
    pub(super) header: Option<String>,
}

impl Settings {
    fn header(&self) -> HeaderChoice {
        match self.header.as_deref() {
            None => HeaderChoice::Auto,
            Some("none") => HeaderChoice::Absent,
            Some(row) => {
                row.parse::<u32>().map_or(HeaderChoice::Auto, |row| HeaderChoice::Row(row.saturating_sub(1)))
            }
        }
    }
}

impl FileReader for Workbooks {
    fn id(&self) -> &'static str {
        ID
    }

    fn look(&self, file: &Arc<FileInput>, settings: &serde_json::Value) -> Result<Outline> {
        let settings: Settings = serde_json::from_value(settings.clone()).unwrap_or_default();
        let (container, mut book) = open(file)?;
        let mut outline = Outline::new(file.len(), file.packing());
        facts(&mut outline, &container, &mut book);
        let sheets = book.sheets();
        if sheets.len() > MOST_SHEETS {
            let rest = (sheets.len() - MOST_SHEETS) as u64;
            let place = format!("after sheet {MOST_SHEETS}");
            outline.findings.lost(Lost { place, why: "sheets that are not listed".to_owned(), count: rest });
        }
        let mut look = Look { file, container: &container, settings: &settings, cells_left: LOOK_CELLS };
        for sheet in sheets.into_iter().take(MOST_SHEETS) {
            look.sheet(&mut book, &sheet, &mut outline);
        }
        if outline.tables.is_empty() {
            outline.notes.push("the workbook has no sheet with cells".to_owned());
        }
        Ok(outline)
    }

    fn rows(&self, file: &Arc<FileInput>, ask: &Ask, out: &mut RowsOut<'_>) -> Result<()> {
        let Stretch::From { row, known } = ask.stretch else { return Err(out.no_such_stretch()) };
        let frame: Frame = serde_json::from_value(ask.table.state.clone()).map_err(|error| {
            Error::unexpected("read", format!("the place of the table is not readable: {error}"))
        })?;
        let (_, mut book) = open(file)?;
        let calendar = book.calendar();
        if row == 0 {
            out.lost(before_place(&frame), "rows before the header, left out", frame.before);
        }
        let mut pass =
            Pass { frame: &frame, ask, calendar, known, from: row, next: 0, last: None, is_full: false };
        let read = book.rows(&frame.sheet, &mut |row| pass.row(row, out));
        read.map(|_| ())
    }
}

fn before_place(frame: &Frame) -> String {
    frame.header.map_or_else(String::new, |row| format!("above row {} of the sheet", u64::from(row) + 1))
}

fn open(file: &FileInput) -> Result<(Container, Book<Cursor<'_, crate::kit::files::Bytes>>)> {
    let container = container::open(&mut file.cursor()).map_err(|why| refused(&why))?;
    if let Some(part) = container.too_large() {
        return Err(Error::new(
            ErrorKind::Budget,
            "connect",
            format!(
                "{} of this workbook unpacks to {} bytes, more than the reader may keep in memory",
                part.name,
                count_text(part.unpacked)
            ),
        )
        .hint("export the sheet as CSV from the program it comes from"));
    }
    let book = Book::open(file.cursor(), &container)?;
    Ok((container, book))
}

fn refused(why: &NoWorkbook) -> Error {
    let decode = |text: &str| Error::new(ErrorKind::Decode, "connect", text);
    match why {
        NoWorkbook::OtherFormat => decode("this is no workbook: neither a ZIP nor a compound file")
            .hint("open it by the connector of its own kind"),
        NoWorkbook::OtherZip => {
            decode("this is a ZIP file without a workbook in it").hint("unpack it and open its files")
        }
        NoWorkbook::CutOff => {
            decode("the workbook's table of contents is not there: the file is cut off or damaged")
                .hint("fetch the file again; nothing of a workbook can be read without it")
        }
        NoWorkbook::Encrypted => encrypted(),
        NoWorkbook::Io(error) => broken(error),
    }
}

fn facts(
    outline: &mut Outline,
    container: &Container,
    book: &mut Book<Cursor<'_, crate::kit::files::Bytes>>,
) {
    outline.fact("written as", container.format.word());
    let dates = match book.calendar() {
        Calendar::From1900 => "days since 1900",
        Calendar::From1904 => "days since 1904",
    };
    outline.fact("dates", dates);
    for (label, value) in book.properties() {
        outline.facts.push(Detail::new(
            label,
            value,
            Provenance::Declared { who: "the workbook".to_owned() },
        ));
    }
    let names = book.defined_names();
    if !names.is_empty() {
        let some: Vec<String> =
            names.iter().take(LISTED).map(|(name, area)| format!("{name} = {area}")).collect();
        outline.fact(format!("defined names ({})", names.len()), some.join(", "));
    }
    let links = container.under("xl/externallinks/").filter(|part| !part.name.contains("_rels")).count();
    if links > 0 {
        outline.fact("links to other workbooks", links.to_string());
        outline.notes.push(format!(
            "formulas refer to {links} other workbook(s): the values stored here are shown, nothing is fetched"
        ));
    }
    if container.has_macros() {
        outline.notes.push("the workbook carries a program (macros); it is never run".to_owned());
    }
    if !container.format.streams() {
        outline
            .notes
            .push(format!("{} is read into memory as a whole before its first row", container.format.word()));
    }
}

/// A look at the sheets of a workbook.
struct Look<'l> {
    file: &'l FileInput,
    container: &'l Container,
    settings: &'l Settings,
    cells_left: usize,
}

impl Look<'_> {
    fn sheet(
        &mut self,
        book: &mut Book<Cursor<'_, crate::kit::files::Bytes>>,
        sheet: &Sheet,
        outline: &mut Outline,
    ) {
        if !has_cells(sheet) {
            outline.notes.push(format!("{:?} is a chart or a program, not a sheet of cells", sheet.name));
            return;
        }
        let mut rows: Vec<SheetRow> = Vec::new();
        let mut is_whole = true;
        let mut used = (0, 0.0);
        let mut cells_left = self.cells_left;
        let read = book.rows(&sheet.name, &mut |row| {
            cells_left = cells_left.saturating_sub(row.cells.len());
            rows.push(row);
            let is_enough = rows.len() >= LOOK_ROWS || (cells_left == 0 && rows.len() >= LEAST_ROWS);
            is_whole = !is_enough;
            used = (rows.len(), self.share_read());
            Ok(if is_enough { More::Enough } else { More::Wanted })
        });
        self.cells_left = cells_left;
        let corners = match read {
            Ok(corners) => corners,
            Err(error) => {
                let place = format!("sheet {:?}", sheet.name);
                let lost = Lost { place, why: format!("could not be read: {}", error.attempted), count: 1 };
                outline.findings.lost(lost);
                None
            }
        };
        let found = find(&sheet.name, &rows, self.settings.header(), corners.map(|corners| corners.1.1));
        let mut table = table(&found, sheet, outline);
        table.rows = row_count(&rows, &found.frame, is_whole, used.1, corners);
        table.cost = Cost::Whole;
        if let Some(((_, _), (last_row, last_column))) = corners {
            let size = format!("to {}{}", letters(last_column), u64::from(last_row) + 1);
            let who = Provenance::Declared { who: "the sheet, a hint".to_owned() };
            table.facts.push(Detail::new("declared size", size, who));
        }
        if is_whole {
            merged(&mut table, &book.merged(&sheet.name));
        }
        outline.tables.push(table);
    }

    /// Which share of the part at work has been read, as it is packed.
    fn share_read(&self) -> f64 {
        let place = self.file.last_place();
        let Some(part) = self.container.at(place.saturating_sub(1)) else { return 0.0 };
        (place - part.place.min(place)) as f64 / part.packed.max(1) as f64
    }
}

fn table(found: &Found, sheet: &Sheet, outline: &Outline) -> Table {
    let is_taken =
        |name: &str| outline.tables.iter().any(|table| table.path.iter().any(|known| known == name));
    let mut name = sheet.name.clone();
    while is_taken(&name) {
        name.push_str(" (again)");
    }
    let mut table = Table::new(vec![name], NodeKind::Sheet, found.schema.clone());
    table.remark = hidden_word(sheet).map(str::to_owned);
    if let Some(word) = hidden_word(sheet) {
        table.notes.push(format!("the sheet is {word}"));
    }
    let header =
        found.frame.header.map_or_else(|| "none".to_owned(), |row| format!("row {}", u64::from(row) + 1));
    table.facts.push(Detail::new(
        "header",
        header,
        Provenance::Sampled { n: 1, design: "first rows".to_owned() },
    ));
    if found.formulas > 0 {
        table.facts.push(Detail::new(
            "formulas",
            format!("{} among the rows looked at; their stored values are shown", count_text(found.formulas)),
            Provenance::Exact,
        ));
    }
    if found.faults > 0 {
        table.notes.push(format!(
            "{} error cell(s) such as #N/A among the rows looked at",
            count_text(found.faults)
        ));
    }
    table.state = serde_json::to_value(&found.frame).unwrap_or_default();
    table
}

fn merged(table: &mut Table, areas: &[Corners]) {
    if areas.is_empty() {
        return;
    }
    let text = |area: &Corners| {
        let corner = |(row, column): (u32, u32)| format!("{}{}", letters(column), u64::from(row) + 1);
        format!("{}:{}", corner(area.0), corner(area.1))
    };
    let some: Vec<String> = areas.iter().take(LISTED).map(text).collect();
    let more = if areas.len() > LISTED { ", …" } else { "" };
    table.facts.push(Detail::new("merged cells", format!("{}{more}", some.join(", ")), Provenance::Exact));
    table
        .notes
        .push(format!("{} merged area(s): only the upper left cell of each holds a value", areas.len()));
}

fn row_count(
    rows: &[SheetRow],
    frame: &Frame,
    is_whole: bool,
    share: f64,
    corners: Option<Corners>,
) -> Option<RowCount> {
    let in_order = rows.iter().zip(rows.iter().skip(1)).all(|(one, next)| one.number < next.number);
    if is_whole {
        let mut pass = Numbering::default();
        let counted: u64 = rows
            .iter()
            .filter(|row| row.number >= frame.first_row && !row.cells.is_empty())
            .map(|row| pass.next(frame, row.number).0 + 1)
            .sum();
        return in_order.then(|| RowCount::exact(counted, "the sheet was read to its end"));
    }
    let seen = rows.len() as f64;
    let declared = corners.map(|((_, _), (last, _))| f64::from(last) + 1.0 - f64::from(frame.first_row));
    let packed = (share > 0.0).then(|| seen / share);
    let is_likely =
        |declared: f64| packed.is_none_or(|packed| (packed / 4.0..packed * 4.0).contains(&declared));
    if let Some(declared) = declared.filter(|declared| *declared >= seen && is_likely(*declared)) {
        return Some(RowCount {
            lo: seen,
            mid: declared,
            hi: declared * 1.05,
            provenance: Provenance::Declared { who: "the sheet's own size, a hint".to_owned() },
            source: "the size that the sheet declares, in line with the bytes of its first rows".to_owned(),
        });
    }
    packed.map(|mid| RowCount {
        lo: (mid * 0.5).max(seen),
        mid,
        hi: mid * 2.0,
        provenance: Provenance::Sampled {
            n: rows.len() as u64,
            design: "first rows of the sheet".to_owned(),
        },
        source: "bytes of the first rows, as they are packed".to_owned(),
    })
}

/// Which blank rows stand between rows with cells.
#[derive(Debug, Default)]
struct Numbering {
    last: Option<u32>,
}

impl Numbering {
    /// Blank rows to give before a row, and those to leave out.
    fn next(&mut self, frame: &Frame, number: u32) -> (u64, u64) {
        let expected = self.last.map_or(frame.first_row, |last| last.saturating_add(1));
        self.last = Some(number);
        let blank = number.saturating_sub(expected);
        if blank > MOST_BLANK_ROWS { (0, blank.into()) } else { (blank.into(), 0) }
    }
}

/// A pass over the rows of a sheet.
struct Pass<'p> {
    frame: &'p Frame,
    ask: &'p Ask,
    calendar: Calendar,
    known: Place,
    from: u64,
    /// Number of the next row of the table.
    next: u64,
    last: Option<u32>,
    is_full: bool,
}

impl Pass<'_> {
    fn row(&mut self, row: SheetRow, out: &mut RowsOut<'_>) -> Result<More> {
        if row.number < self.frame.first_row {
            return Ok(More::Wanted);
        }
        let place = format!("row {} of the sheet", u64::from(row.number) + 1);
        out.lost(&place, "formulas without a stored value, shown as empty", row.unvalued);
        if row.cells.is_empty() {
            return Ok(More::Wanted);
        }
        if self.last.is_some_and(|last| row.number <= last) {
            out.lost(&place, "rows out of order in the file, given where they stand", 1);
        }
        let mut numbering = Numbering { last: self.last };
        let (blank, left_out) = numbering.next(self.frame, row.number);
        self.last = numbering.last;
        out.lost(&place, "blank rows before it, left out", left_out);
        for _ in 0..blank {
            self.give(&[], out)?;
        }
        let outside = row.cells.iter().filter(|(column, _)| self.slot(*column).is_none()).count();
        out.lost(&place, "cells outside the columns of the table, left out", outside as u64);
        self.give(&row.cells, out)?;
        Ok(if self.is_full { More::Enough } else { More::Wanted })
    }

    fn slot(&self, column: u32) -> Option<usize> {
        let at = column.checked_sub(self.frame.first_column)?;
        (at < self.frame.width).then_some(at as usize)
    }

    fn give(&mut self, cells: &[(u32, super::value::Value)], out: &mut RowsOut<'_>) -> Result<()> {
        if self.is_full {
            return Ok(());
        }
        let at = Place { row: self.next, byte: None };
        self.next += 1;
        if at.row < self.from {
            if at.row >= self.known.row {
                out.passed(1);
            }
            if at.row.is_multiple_of(4096) {
                out.tick()?;
            }
            return Ok(());
        }
        let mut row = vec![Cell::Null; self.ask.columns.len()];
        for (column, value) in cells {
            let Some(slot) = self.slot(*column) else { continue };
            for (place, _) in self.ask.columns.iter().enumerate().filter(|(_, asked)| **asked == slot) {
                let logical = &self.ask.table.schema.fields.get(slot).map(|field| &field.logical);
                if let (Some(cell), Some(logical)) = (row.get_mut(place), logical) {
                    *cell = value.clone().into_cell(logical, self.calendar);
                }
            }
        }
        self.is_full = out.row(at, row)? == Flow::Enough;
        Ok(())
    }
}
