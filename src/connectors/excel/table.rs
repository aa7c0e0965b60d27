//! How the rows of a sheet make a table: where its header stands, which columns it has, of what types.
//!
//! A sheet has no declared table. The header is the first row that is about as wide as the table and holds only texts;
//! what stands before it is told as left out. A person can fix the header in the connection.

use super::book::SheetRow;
use super::value::{Kinds, Value};
use crate::model::schema::{Field, LogicalType, Schema};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A header is looked for among so many rows.
const HEADER_ROWS: usize = 30;

/// Which row names the columns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum HeaderChoice {
    /// Found out.
    #[default]
    Auto,
    /// None does.
    Absent,
    /// This row of the sheet, from 0.
    Row(u32),
}

/// Where the table of a sheet lies; what `rows` needs of what `look` found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Frame {
    /// The sheet's name.
    pub(super) sheet: String,
    /// The row that names the columns.
    pub(super) header: Option<u32>,
    /// The first row of data.
    pub(super) first_row: u32,
    /// The first column, from 0.
    pub(super) first_column: u32,
    /// How many columns.
    pub(super) width: u32,
    /// Rows with cells before the header.
    pub(super) before: u64,
}

/// What was found of a sheet.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Found {
    pub(super) frame: Frame,
    pub(super) schema: Schema,
    /// Errors among the sampled cells.
    pub(super) faults: u64,
    /// Formulas among them, and those without a value.
    pub(super) formulas: u64,
    pub(super) unvalued: u64,
}

/// Makes a table of sampled rows. `hint` is the last column that the sheet declares.
pub(super) fn find(sheet: &str, rows: &[SheetRow], choice: HeaderChoice, hint: Option<u32>) -> Found {
    let mut found =
        Found { frame: Frame { sheet: sheet.to_owned(), ..Frame::default() }, ..Found::default() };
    found.formulas = rows.iter().map(|row| row.formulas).sum();
    found.unvalued = rows.iter().map(|row| row.unvalued).sum();
    let columns = || rows.iter().flat_map(|row| row.cells.iter().map(|(column, _)| *column));
    let (Some(first), Some(last)) = (columns().min(), columns().max()) else { return found };
    let seen = last - first + 1;
    let declared = hint.map_or(seen, |last| last.saturating_sub(first).saturating_add(1));
    // A declared size is a hint: one that is out of all proportion is not followed.
    found.frame.width = if declared > seen && declared <= seen * 2 + 16 { declared } else { seen };
    found.frame.first_column = first;
    let header = header(rows, choice);
    let data: &[SheetRow] = match header {
        Some(at) => rows.get(at + 1..).unwrap_or_default(),
        None => rows,
    };
    let header_row = header.and_then(|at| rows.get(at));
    found.frame.header = header_row.map(|row| row.number);
    found.frame.before = header.unwrap_or(0) as u64;
    found.frame.first_row = match (choice, header_row, rows.first()) {
        (_, Some(row), _) => row.number + 1,
        (HeaderChoice::Row(row), None, _) => row + 1,
        (_, None, Some(row)) => row.number,
        (_, None, None) => 0,
    };
    let mut kinds = vec![Kinds::default(); found.frame.width as usize];
    for (column, value) in data.iter().flat_map(|row| &row.cells) {
        if let Some(kind) = kinds.get_mut((*column - first) as usize) {
            kind.add(value);
        }
    }
    found.faults = kinds.iter().map(|kind| kind.faults).sum();
    found.schema = Schema::new(fields(header_row, first, &kinds));
    found
}

/// The position of the header among the rows.
fn header(rows: &[SheetRow], choice: HeaderChoice) -> Option<usize> {
    match choice {
        HeaderChoice::Absent => return None,
        HeaderChoice::Row(number) => return rows.iter().position(|row| row.number == number),
        HeaderChoice::Auto => {}
    }
    let mut widths: Vec<usize> = rows.iter().map(|row| row.cells.len()).collect();
    widths.sort_unstable();
    let usual = widths.get(widths.len() / 2).copied().unwrap_or(0);
    let is_wide = |row: &SheetRow| row.cells.len() * 10 >= usual * 6;
    let at = rows.iter().take(HEADER_ROWS).position(is_wide)?;
    let row = rows.get(at)?;
    let texts: Option<Vec<&str>> = row.cells.iter().map(|(_, value)| value.as_text()).collect();
    let texts = texts?;
    let names: BTreeSet<&str> = texts.iter().copied().collect();
    // A single column of texts has a header only if other values follow.
    let rest = || rows.iter().skip(at + 1).flat_map(|row| &row.cells);
    let others_follow = rest().any(|(_, value)| value.as_text().is_none());
    let is_table = texts.len() > 1 || others_follow;
    (names.len() == texts.len() && is_table && rows.len() > at + 1
        || names.len() == texts.len() && rows.len() == 1 && texts.len() > 1)
        .then_some(at)
}

fn fields(header: Option<&SheetRow>, first: u32, kinds: &[Kinds]) -> Vec<Field> {
    let mut taken = BTreeSet::new();
    let mut fields = Vec::with_capacity(kinds.len());
    for (column, kind) in (first..).zip(kinds) {
        let written = header.and_then(|row| row.cells.iter().find(|(at, _)| *at == column));
        let written = written.map(|(_, value)| name_text(value)).filter(|name| !name.is_empty());
        let name = unique(written.unwrap_or_else(|| letters(column)), &mut taken);
        let (logical, others) = kind.decide();
        let mut field = Field::new(name, logical).native(native(*kind));
        if others > 0 {
            field.note =
                Some(format!("{others} of the cells looked at are of another type, shown as they are"));
        }
        fields.push(field);
    }
    fields
}

fn name_text(value: &Value) -> String {
    match value {
        Value::Text(text) => text.trim().to_owned(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Bool(value) => value.to_string(),
        Value::IsoMoment(text) | Value::IsoSpan(text) | Value::Fault(text) => text.clone(),
        Value::Moment(_) | Value::Span(_) => String::new(),
    }
}

fn unique(name: String, taken: &mut BTreeSet<String>) -> String {
    let mut chosen = name.clone();
    let mut number = 2;
    while !taken.insert(chosen.clone()) {
        chosen = format!("{name}_{number}");
        number += 1;
    }
    chosen
}

fn native(kinds: Kinds) -> &'static str {
    match kinds.decide().0 {
        LogicalType::Null => "empty",
        LogicalType::Int { .. } | LogicalType::Float { .. } => "number",
        LogicalType::Bool => "truth",
        LogicalType::Date => "number shown as a date",
        LogicalType::Time { .. } => "number shown as a time",
        LogicalType::Timestamp { .. } => "number shown as a date and time",
        LogicalType::Interval => "number shown as a length of time",
        _ => "text",
    }
}

/// The name that a spreadsheet gives to a column: A … Z, AA … XFD.
pub(super) fn letters(column: u32) -> String {
    let mut name = Vec::new();
    let mut rest = column + 1;
    while rest > 0 {
        rest -= 1;
        name.push(char::from(b'A' + (rest % 26) as u8));
        rest /= 26;
    }
    name.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(number: u32, texts: &[&str]) -> SheetRow {
        let cell = |(column, text): (u32, &&str)| match *text {
            "" => None,
            text => Some((column, text.parse().map_or_else(|_| Value::Text(text.to_owned()), Value::Int))),
        };
        SheetRow { number, cells: (0..).zip(texts).filter_map(cell).collect(), ..SheetRow::default() }
    }

    #[test]
    fn the_header_is_the_first_wide_row_of_texts() {
        // Rows, choice, names, first row of data, rows left out before.
        type Expected<'a> = (&'a [SheetRow], HeaderChoice, &'a str, u32, u64);
        let plain = [row(0, &["id", "name"]), row(1, &["1", "a"]), row(2, &["2", "b"])];
        let titled = [
            row(0, &["Report", "", ""]),
            row(3, &["id", "name", "n"]),
            row(4, &["1", "a", "3"]),
            row(5, &["2", "a", "3"]),
        ];
        let bare = [row(4, &["1", "a"]), row(5, &["2", "b"])];
        let words = [row(0, &["x"]), row(1, &["y"])];
        let twice = [row(0, &["", "v", "v", ""]), row(1, &["1", "2", "3", "4"])];
        let rows: [Expected<'_>; 7] = [
            (&plain, HeaderChoice::Auto, "id|name", 1, 0),
            (&plain, HeaderChoice::Absent, "A|B", 0, 0),
            (&plain, HeaderChoice::Row(1), "1|a", 2, 1),
            (&titled, HeaderChoice::Auto, "id|name|n", 4, 1),
            (&bare, HeaderChoice::Auto, "A|B", 4, 0),
            (&words, HeaderChoice::Auto, "A", 0, 0),
            (&twice, HeaderChoice::Row(0), "A|v|v_2|D", 1, 0),
        ];
        for (rows, choice, names, first, before) in rows {
            let found = find("s", rows, choice, None);
            let seen: Vec<&str> = found.schema.fields.iter().map(|field| field.name.as_str()).collect();
            assert_eq!(seen.join("|"), names);
            assert_eq!((found.frame.first_row, found.frame.before), (first, before), "{names}");
        }
    }

    #[test]
    fn a_declared_width_out_of_proportion_is_not_followed() {
        let rows = [row(0, &["id", "name"]), row(1, &["1", "a"])];
        let width = |hint| find("s", &rows, HeaderChoice::Auto, hint).frame.width;
        assert_eq!((width(None), width(Some(3)), width(Some(16_383)), width(Some(0))), (2, 4, 2, 2));
    }

    #[test]
    fn columns_are_called_as_a_spreadsheet_calls_them() {
        for (column, name) in [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA"), (16_383, "XFD")] {
            assert_eq!(letters(column), name);
        }
    }
}
