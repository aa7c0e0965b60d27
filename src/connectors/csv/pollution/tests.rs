//! A clean table, spoilt in one place at a time, for every row and column: the number of rows must survive
//! everything, and the cells of all other rows must not change.

use super::decode::CellText;
use super::dialect::Overrides;
use super::sniff::{Sniffed, Windows, sniff};
use super::split::{SplitOptions, Splitter};

const ROWS: usize = 14;
const COLUMNS: usize = 9;

/// The cells of the clean table, the header first; column 8 is empty, columns 6 and 7 are always quoted.
fn cells() -> Vec<Vec<String>> {
    let names = ["DATE", "TIME", "Qty", "ID", "Price", "Kind", "Text", "Link", "Remarks"];
    let mut rows = vec![names.map(str::to_owned).to_vec()];
    for row in 0..ROWS {
        let kind = match row % 4 {
            0 => "Women's shirt".to_owned(),
            1 => "Pillow, round".to_owned(),
            2 => format!("Table, {}\" wide", 20 + row),
            _ => format!("Bike {}\"", 20 + row),
        };
        let text = match row % 3 {
            0 => "Light, warm and dry; it's made to last.".to_owned(),
            1 => "A lamp for reading: bright, small and cheap".to_owned(),
            _ => "The 9\" version, in blue.".to_owned(),
        };
        rows.push(vec![
            format!("{:02}/01/2018", row + 12),
            format!("{:02}:15", row % 24),
            format!("{}", row % 4),
            format!("MG-{}", 8000 + row),
            format!("${}.{:02}", 20 + row, row * 7 % 100),
            kind,
            text,
            format!("https://www.example.com/p/MG_{row}.html"),
            String::new(),
        ]);
    }
    rows
}

/// How a table is written down.
#[derive(Clone)]
struct Style {
    delimiter: String,
    quote: char,
    escape: Option<String>,
    line_end: String,
}

impl Default for Style {
    fn default() -> Self {
        Self { delimiter: ",".into(), quote: '"', escape: Some("\"".into()), line_end: "\n".into() }
    }
}

fn cell_text(cell: &str, column: usize, style: &Style) -> String {
    let quote = style.quote.to_string();
    let needs = column == 6 || column == 7 || cell.contains(&style.delimiter) || cell.contains(style.quote);
    if !needs || cell.is_empty() {
        return cell.to_owned();
    }
    let inner = match &style.escape {
        Some(escape) => cell.replace(style.quote, &format!("{escape}{quote}")),
        None => cell.to_owned(),
    };
    format!("{quote}{inner}{quote}")
}

fn write(rows: &[Vec<String>], style: &Style) -> String {
    let line = |row: &Vec<String>| {
        let cells: Vec<String> =
            row.iter().enumerate().map(|(column, cell)| cell_text(cell, column, style)).collect();
        cells.join(&style.delimiter) + &style.line_end
    };
    rows.iter().map(line).collect()
}

fn read(file: &str) -> (Sniffed, Vec<Vec<String>>) {
    let windows = Windows { head: file.as_bytes(), whole: true, middle: b"", tail: (0, b"") };
    let found = sniff(windows, &Overrides::default());
    let end = found.data_end.unwrap_or(file.len() as u64) as usize;
    let mut input = &file.as_bytes()[found.data_start as usize..end];
    let mut splitter = Splitter::new(SplitOptions::new(found.dialect, found.width), 0, 0);
    let mut rows = Vec::new();
    while let Some(block) = splitter.next_block(&mut input, usize::MAX) {
        for row in 0..block.rows() {
            let cell = |column| match found.encoding.cell(block.cell(row, column).unwrap().value()) {
                CellText::Valid(text) => text.into_owned(),
                CellText::Invalid(bytes) => format!("{bytes:?}"),
            };
            rows.push((0..block.width(row)).map(cell).collect());
        }
    }
    (found, rows)
}

/// Compares with the clean rows; `spoilt` may differ, and must hold `must` where given.
#[track_caller]
fn check(
    what: &str,
    file: &str,
    expected: &[Vec<String>],
    spoilt: Option<usize>,
    must: Option<&Vec<String>>,
) {
    let (found, rows) = read(file);
    let context = || format!("{what}\n{:#?}\n{file}", found.evidence);
    assert_eq!(rows.len(), expected.len(), "rows of {}", context());
    // A header that is one name short above an always empty column looks like a trailing delimiter.
    assert!(found.names.len() + 1 >= COLUMNS, "columns of {}", context());
    for (index, (row, expected)) in rows.iter().zip(expected).enumerate() {
        if Some(index) == spoilt {
            if let Some(must) = must {
                assert_eq!(row, must, "spoilt row {index} of {}", context());
            }
            continue;
        }
        assert_eq!(row, expected, "row {index} of {}", context());
    }
}

/// Where the cells of each line start and end, in the clean file.
fn places(rows: &[Vec<String>], style: &Style) -> Vec<Vec<(usize, usize)>> {
    let mut at = 0;
    let mut places = Vec::new();
    for row in rows {
        let mut line = Vec::new();
        for (column, cell) in row.iter().enumerate() {
            let len = cell_text(cell, column, style).len();
            line.push((at, at + len));
            at += len + style.delimiter.len();
        }
        at = at - style.delimiter.len() + style.line_end.len();
        places.push(line);
    }
    places
}

/// Puts something in the place of a stretch of a file.
fn spoil(file: &str, from: usize, to: usize, with: &str) -> String {
    let (before, after) = (file.get(..from).unwrap(), file.get(to..).unwrap());
    format!("{before}{with}{after}")
}

#[test]
fn one_delimiter_too_few_costs_no_row() {
    let (rows, style) = (cells(), Style::default());
    let file = write(&rows, &style);
    for (line, places) in places(&rows, &style).iter().enumerate() {
        for (column, (start, _)) in places.iter().enumerate().skip(1) {
            let spoilt = spoil(&file, start - 1, *start, "");
            check(&format!("line {line} column {column}"), &spoilt, &rows[1..], line.checked_sub(1), None);
        }
    }
}

#[test]
fn one_delimiter_too_many_costs_no_row() {
    let (rows, style) = (cells(), Style::default());
    let file = write(&rows, &style);
    for (line, places) in places(&rows, &style).iter().enumerate() {
        for (column, (start, _)) in places.iter().enumerate() {
            let spoilt = spoil(&file, *start, *start, ",");
            let mut must = rows[line].clone();
            must.insert(column, String::new());
            check(
                &format!("line {line} column {column}"),
                &spoilt,
                &rows[1..],
                line.checked_sub(1),
                Some(&must),
            );
        }
    }
}

#[test]
fn one_stray_quote_costs_neither_row_nor_cell() {
    let (rows, style) = (cells(), Style::default());
    let file = write(&rows, &style);
    for (line, places) in places(&rows, &style).iter().enumerate() {
        for (column, (start, end)) in places.iter().enumerate() {
            let spoilt = spoil(&file, *start, *start, "\"");
            let mut must = rows[line].clone();
            must[column].insert(0, '"');
            let what = format!("quote before line {line} column {column}");
            check(&what, &spoilt, &rows[1..], line.checked_sub(1), Some(&must));
            if start < end {
                let spoilt = spoil(&file, *end, *end, "\"");
                check(
                    &format!("quote after line {line} column {column}"),
                    &spoilt,
                    &rows[1..],
                    line.checked_sub(1),
                    None,
                );
            }
        }
    }
}

#[test]
fn one_line_in_another_dialect_costs_no_row() {
    let (rows, style) = (cells(), Style::default());
    for delimiter in [" ", ";", "\t"] {
        for line in 0..rows.len() {
            let other = Style { delimiter: delimiter.into(), ..style.clone() };
            let before = write(&rows[..line], &style);
            let spoilt = before + &write(&rows[line..=line], &other) + &write(&rows[line + 1..], &style);
            check(&format!("line {line} with {delimiter:?}"), &spoilt, &rows[1..], line.checked_sub(1), None);
        }
    }
}

#[test]
fn whole_files_in_other_dialects_read_the_same() {
    let rows = cells();
    let style = Style::default();
    let styles = [
        ("semicolon", Style { delimiter: ";".into(), ..style.clone() }),
        ("tab", Style { delimiter: "\t".into(), ..style.clone() }),
        ("pipe", Style { delimiter: "|".into(), ..style.clone() }),
        ("comma and space", Style { delimiter: ", ".into(), ..style.clone() }),
        ("apostrophe", Style { quote: '\'', escape: Some("'".into()), ..style.clone() }),
        ("backslash", Style { escape: Some("\\".into()), ..style.clone() }),
        ("no escape", Style { escape: None, ..style.clone() }),
        ("crlf", Style { line_end: "\r\n".into(), ..style.clone() }),
        ("cr", Style { line_end: "\r".into(), ..style.clone() }),
    ];
    for (what, style) in styles {
        check(what, &write(&rows, &style), &rows[1..], None, None);
    }
    // Cells with blanks that are not quoted cannot be told apart from others: the rows can.
    let (_, read) = read(&write(&rows, &Style { delimiter: " ".into(), ..Style::default() }));
    assert_eq!(read.len(), ROWS);
}

#[test]
fn beginnings_and_ends_of_all_kinds_leave_the_table_whole() {
    let (rows, style) = (cells(), Style::default());
    let file = write(&rows, &style);
    let header = write(&rows[..1], &style);
    let body = write(&rows[1..], &style);
    let same = [
        ("no line end at the end", file.trim_end().to_owned()),
        ("two line ends at the end", format!("{file}\n")),
        ("preamble", format!("REPORT,,,,,,,,\n,,,,,,,,\n{file}")),
        ("preamble without delimiters", format!("Report of January\n\n{file}")),
        ("comment", format!("# Report of January, all shops\n{file}")),
        ("footer", format!("{file}\nSource: all shops\n")),
        ("no header", body.clone()),
        ("header in two lines", format!("{header}{file}")),
    ];
    for (what, file) in same {
        check(what, &file, &rows[1..], None, None);
    }
    check("header only", &header, &[], None, None);
    check("one row", &write(&rows[..2], &style), &rows[1..2], None, None);
    assert_eq!(read("").1.len(), 0);
}

#[test]
fn a_second_table_below_loses_nothing() {
    let (rows, style) = (cells(), Style::default());
    let file = write(&rows, &style);
    for columns in [COLUMNS - 2, COLUMNS, COLUMNS + 1] {
        let mut second = rows.clone();
        for row in &mut second {
            row.resize(columns, "more".to_owned());
        }
        let (_, read) = read(&(file.clone() + &write(&second, &style)));
        assert_eq!(read.len(), 2 * ROWS + 1, "second table of {columns} columns");
    }
}
