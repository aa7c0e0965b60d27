//! Walks third-party delimited files where the variable `HEADWATER_CORPUS` names their folder, and the own
//! minimal files of every class always.

use super::decode::CellText;
use super::dialect::Overrides;
use super::sniff::{Windows, sniff};
use super::split::{SplitOptions, Splitter};
use std::path::Path;

struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

fn read(file: &[u8]) -> Table {
    let found =
        sniff(Windows { head: file, whole: true, middle: b"", tail: (0, b"") }, &Overrides::default());
    let end = found.data_end.map_or(file.len(), |end| end as usize);
    let mut input = found.encoding.reader(&file[found.data_start as usize..end]);
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
    Table { columns: found.names, rows }
}

#[test]
fn the_corpus_ends_as_its_manifest_says() {
    let Some(folder) = std::env::var_os("HEADWATER_CORPUS") else { return };
    let folder = Path::new(&folder);
    let manifest = std::fs::read_to_string(folder.join("manifest.jsonl")).unwrap();
    let mut walked = 0;
    for line in manifest.lines() {
        let item: serde_json::Value = serde_json::from_str(line).unwrap();
        if item["kind"] != "csv" {
            continue;
        }
        walked += 1;
        let path = item["path"].as_str().unwrap();
        let table = read(&std::fs::read(folder.join(path)).unwrap());
        let expect = &item["expect"];
        let shown = format!("{path}: {:?} {:?}", table.columns, table.rows);
        if let Some(rows) = expect["rows"].as_u64() {
            assert_eq!(table.rows.len() as u64, rows, "{shown}");
        }
        if let Some(columns) = expect["cols"].as_u64() {
            assert_eq!(table.columns.len() as u64, columns, "{shown}");
        }
        if let Some(records) = expect["records"].as_u64() {
            // The suite counts the header as a record, unless the file's name says that it has one.
            let counts = [table.rows.len() as u64, table.rows.len() as u64 + 1];
            assert!(counts.contains(&records), "{shown}");
        }
    }
    assert!(walked > 0, "the corpus has no delimited files");
}

#[test]
fn own_files_of_every_class_read_as_written() {
    // File, columns, rows, and one cell as (row, column, text).
    type Expected = (&'static str, &'static str, usize, (usize, usize, &'static str));
    let expected: &[Expected] = &[
        ("plain.csv", "id|name|day", 3, (2, 1, "Carla")),
        ("semicolon_latin1.csv", "id|straße|preis", 2, (1, 1, "Königsallee 5")),
        ("tab_no_header.tsv", "column_1|column_2|column_3", 3, (0, 2, "2024-05-01")),
        ("pipe_quotes.txt", "id|remark", 2, (0, 1, "a|b \"c\"")),
        ("utf16le_mark.csv", "id|città", 2, (0, 1, "Łódź")),
        ("utf16be_no_mark.csv", "id|name", 2, (1, 1, "Bert")),
        ("comments_footer.csv", "id|qty|day", 2, (1, 1, "4")),
        ("quoted_newlines_mixed_ends.csv", "id|note|n", 3, (0, 1, "two\nlines, one cell")),
        ("stray_quotes.csv", "id|note|n", 4, (1, 1, "\"never closed")),
        ("ragged.csv", "id|name|n", 4, (3, 2, "9")),
        ("backslash_escape.csv", "id|note", 2, (0, 1, "say \"hi\", he said")),
        ("single_quotes.csv", "id|note|n", 2, (0, 1, "it's, well")),
        ("one_column.csv", "word", 4, (2, 0, "")),
        ("spaces.txt", "x|y|z", 3, (2, 0, "14")),
        ("cr_only.csv", "id|name", 2, (1, 1, "Bert")),
        ("two_line_header.csv", "time s|speed km/h|dist km", 3, (0, 1, "80")),
        ("header_in_comment.tsv", "chrom|pos|ref", 2, (1, 2, "G")),
        ("excel_sep.csv", "id|x", 2, (0, 1, "2,5")),
    ];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/csv");
    for (name, columns, rows, (row, column, text)) in expected {
        let table = read(&std::fs::read(folder.join(name)).unwrap());
        let shown = format!("{name}: {:?} {:?}", table.columns, table.rows);
        assert_eq!(table.columns.join("|"), *columns, "{shown}");
        assert_eq!(table.rows.len(), *rows, "{shown}");
        assert_eq!(table.rows[*row][*column], *text, "{shown}");
    }
}
