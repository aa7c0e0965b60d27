//! Exported files read back, by readers that are not ours, and compared with the cells.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use headwater::model::cell::Cell;
use headwater::model::schema::{LogicalType, Schema};
use headwater::sinks::ExportFormat;
use polars::prelude::{AnyValue, CsvReadOptions, DataFrame, IpcReader, ParquetReader, SerReader as _};

/// Compares a file with the rows it was made of.
pub fn check(file: &Path, format: ExportFormat, schema: &Schema, rows: &[Vec<Cell>]) {
    let open = || File::open(file).unwrap();
    match format {
        ExportFormat::Parquet => check_typed(&ParquetReader::new(open()).finish().unwrap(), schema, rows),
        ExportFormat::Ipc => check_typed(&IpcReader::new(open()).finish().unwrap(), schema, rows),
        ExportFormat::Csv => check_texts(file, schema, rows),
        ExportFormat::Jsonl => check_lines(file, schema, rows),
        ExportFormat::Xlsx => check_sheet(file, schema, rows),
    }
}

/// What a typed column holds of a cell: what its type does not hold is null there, and counted.
fn kept(cell: &Cell, logical: &LogicalType) -> String {
    let text_column = logical.arrow() == arrow::datatypes::DataType::Utf8;
    match (cell, logical) {
        (Cell::Exact(_), _) if !text_column => String::new(),
        (Cell::List(items), LogicalType::List { item }) if !items.iter().all(|cell| holds(cell, item)) => {
            String::new()
        }
        _ => cell.text(logical),
    }
}

fn holds(cell: &Cell, logical: &LogicalType) -> bool {
    match cell {
        Cell::List(_) => matches!(logical, LogicalType::List { .. }),
        Cell::Exact(_) => logical.arrow() == arrow::datatypes::DataType::Utf8,
        _ => true,
    }
}

fn typed_text(value: &AnyValue<'_>, logical: &LogicalType) -> String {
    match (value, logical) {
        (AnyValue::Null, _) => String::new(),
        (AnyValue::String(text), _) => (*text).to_owned(),
        (AnyValue::StringOwned(text), _) => text.to_string(),
        (AnyValue::Binary(bytes), _) => Cell::Bytes(bytes.to_vec()).text(logical),
        (AnyValue::Float32(value), _) => Cell::Float32(*value).text(logical),
        (AnyValue::Float64(value), _) => Cell::Float(*value).text(logical),
        (AnyValue::Date(days), _) => Cell::Date(*days).text(logical),
        (AnyValue::Time(nanos), _) => Cell::Time(nanos / 1_000).text(logical),
        (AnyValue::Datetime(micros, ..) | AnyValue::DatetimeOwned(micros, ..), _) => {
            Cell::Timestamp(*micros).text(logical)
        }
        (AnyValue::List(items), LogicalType::List { item }) => {
            let items: Vec<String> = items.iter().map(|value| nested_text(&value, item)).collect();
            format!("[{}]", items.join(","))
        }
        (AnyValue::Struct(..) | AnyValue::StructOwned(_), LogicalType::Struct { fields }) => {
            let AnyValue::StructOwned(inner) = value.clone().into_static() else { panic!("{value:?}") };
            let values =
                inner.0.iter().zip(fields).map(|(value, field)| {
                    format!("\"{}\":{}", field.name, nested_text(value, &field.logical))
                });
            format!("{{{}}}", values.collect::<Vec<_>>().join(","))
        }
        (other, _) => other.to_string(),
    }
}

fn nested_text(value: &AnyValue<'_>, logical: &LogicalType) -> String {
    let text = match (value, logical) {
        (AnyValue::Null, _) => return "null".to_owned(),
        (AnyValue::List(_) | AnyValue::Struct(..) | AnyValue::StructOwned(_), _) => {
            return typed_text(value, logical);
        }
        _ => typed_text(value, logical),
    };
    let cell = match logical {
        LogicalType::Range { .. } => Cell::Exact(text),
        LogicalType::Int { .. } => return text,
        _ => Cell::Text(text),
    };
    let mut out = String::new();
    cell.push_json(logical, &mut out);
    out
}

fn check_typed(frame: &DataFrame, schema: &Schema, rows: &[Vec<Cell>]) {
    assert_eq!((frame.height(), frame.width()), (rows.len(), schema.fields.len()));
    for (at, field) in schema.fields.iter().enumerate() {
        let column = frame.column(&field.name).unwrap();
        for (row, cells) in rows.iter().enumerate() {
            let told = typed_text(&column.get(row).unwrap(), &field.logical);
            assert_eq!(told, kept(&cells[at], &field.logical), "{}: {:?}", field.native, cells[at]);
        }
    }
}

/// A cell in a file of text; none for null.
fn plain(cell: &Cell, logical: &LogicalType) -> Option<String> {
    use base64::Engine as _;
    match cell {
        Cell::Null => None,
        Cell::Bytes(bytes) => Some(base64::engine::general_purpose::STANDARD.encode(bytes)),
        Cell::Float(value) if value.is_infinite() => Some(value.to_string()),
        Cell::Float32(value) if value.is_infinite() => Some(value.to_string()),
        cell => Some(cell.text(logical)),
    }
}

fn check_texts(file: &Path, schema: &Schema, rows: &[Vec<Cell>]) {
    let frame = CsvReadOptions::default()
        .with_infer_schema_length(Some(0))
        .with_has_header(true)
        .map_parse_options(|parse| parse.with_missing_is_null(true))
        .into_reader_with_file_handle(File::open(file).unwrap())
        .finish()
        .unwrap();
    assert_eq!((frame.height(), frame.width()), (rows.len(), schema.fields.len()));
    for (at, field) in schema.fields.iter().enumerate() {
        let column = frame.column(&field.name).unwrap();
        for (row, cells) in rows.iter().enumerate() {
            let told = match column.get(row).unwrap() {
                AnyValue::String(text) => Some(text.to_owned()),
                _ => None,
            };
            match (&cells[at], &told) {
                (Cell::Float(value), Some(told)) if value.is_finite() => {
                    assert_eq!(told.parse::<f64>().unwrap().to_bits(), value.to_bits());
                }
                (Cell::Float32(value), Some(told)) if value.is_finite() => {
                    assert_eq!(told.parse::<f32>().unwrap().to_bits(), value.to_bits());
                }
                (cell, told) => assert_eq!(*told, plain(cell, &field.logical), "{}: {cell:?}", field.native),
            }
        }
    }
}

fn check_lines(file: &Path, schema: &Schema, rows: &[Vec<Cell>]) {
    let text = std::fs::read_to_string(file).unwrap();
    assert_eq!(text.lines().count(), rows.len());
    for (line, cells) in text.lines().zip(rows) {
        let object: BTreeMap<String, Box<serde_json::value::RawValue>> = serde_json::from_str(line).unwrap();
        for (field, cell) in schema.fields.iter().zip(cells) {
            let mut expected = String::new();
            cell.push_json(&field.logical, &mut expected);
            assert_eq!(object[&field.name].get(), expected, "{}", field.native);
        }
    }
}

/// The part of a zip file of this name.
fn unzipped(file: &Path, wanted: &str) -> String {
    let bytes = std::fs::read(file).unwrap();
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let half = |at: usize| usize::from(u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap()));
    let end = bytes.windows(4).rposition(|four| four == b"PK\x05\x06").unwrap();
    let mut at = word(end + 16);
    while bytes[at..].starts_with(b"PK\x01\x02") {
        let (size, name, local) = (word(at + 20), half(at + 28), word(at + 42));
        if &bytes[at + 46..at + 46 + name] == wanted.as_bytes() {
            let data = local + 30 + half(local + 26) + half(local + 28);
            let packed = &bytes[data..data + size];
            let mut text = String::new();
            flate2::read::DeflateDecoder::new(packed).read_to_string(&mut text).unwrap();
            return text;
        }
        at += 46 + name + half(at + 30) + half(at + 32);
    }
    panic!("{wanted} is not in {}", file.display());
}

/// Texts and numbers of a sheet by place. What is text there must be the whole value; numbers, dates and truth
/// values are compared by the sinks' own tests.
fn check_sheet(file: &Path, schema: &Schema, rows: &[Vec<Cell>]) {
    let xml = unzipped(file, "xl/worksheets/sheet1.xml");
    let cell = regex::Regex::new(
        r#"(?s)<c r="([A-Z]+[0-9]+)"(?: s="[0-9]+")?(?: t="([a-zA-Z]+)")?>(?:<is><t[^>]*>(.*?)</t></is>|<v>(.*?)</v>)</c>"#,
    )
    .unwrap();
    let part =
        |found: &regex::Captures<'_>, group| found.get(group).map_or("", |part| part.as_str()).to_owned();
    let found: BTreeMap<String, (String, String)> =
        cell.captures_iter(&xml).map(|found| (part(&found, 1), (part(&found, 3), part(&found, 4)))).collect();
    for (at, field) in schema.fields.iter().enumerate() {
        let letter = |index: usize| char::from(b'A' + u8::try_from(index).unwrap());
        let letters = if at < 26 {
            letter(at).to_string()
        } else {
            format!("{}{}", letter(at / 26 - 1), letter(at % 26))
        };
        for (row, cells) in rows.iter().enumerate() {
            let expected = plain(&cells[at], &field.logical).unwrap_or_default();
            match found.get(&format!("{letters}{}", row + 2)) {
                Some((text, _)) if !text.is_empty() => {
                    let text = text
                        .replace("&lt;", "<")
                        .replace("&gt;", ">")
                        .replace("&quot;", "\"")
                        .replace("&amp;", "&");
                    assert_eq!(unescaped(&text), expected, "{}: {:?}", field.native, cells[at]);
                }
                Some(_) => assert!(!matches!(cells[at], Cell::Text(_) | Cell::Exact(_)), "{:?}", cells[at]),
                None => assert_eq!(expected, "", "{}: {:?}", field.native, cells[at]),
            }
        }
    }
}

/// Characters that XML has no place for, as Excel writes them: `_x0001_`.
fn unescaped(text: &str) -> String {
    let escape = regex::Regex::new("_x([0-9A-F]{4})_").unwrap();
    let character = |found: &regex::Captures<'_>| {
        u32::from_str_radix(&found[1], 16).ok().and_then(char::from_u32).map_or(String::new(), String::from)
    };
    escape.replace_all(text, character).into_owned()
}
