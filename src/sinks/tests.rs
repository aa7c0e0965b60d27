//! Files read back and compared cell by cell, for every logical type.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use polars::prelude::{
    AnyValue, CsvReadOptions, DataFrame, DataType, IpcReader, ParquetReader, SerReader as _,
};

use super::*;
use crate::job::BatchSink as _;
use crate::model::ErrorKind;
use crate::model::batch::{Batch, BatchBuilder, Origin};
use crate::model::cell::Cell;
use crate::model::load::{LoadActual, LoadEstimate};
use crate::model::lost::{Findings, Lost};
use crate::model::read::Bound;
use crate::model::schema::{Field, LogicalType, Schema, StructField, TimeUnit, Zone};

fn provenance() -> Provenance {
    Provenance {
        source: "shop".into(),
        connector: "test".into(),
        node: "public/orders".into(),
        statements: vec![SentStatement {
            entry: "rows".into(),
            text: "select * from orders -- password=hunter2secret".into(),
        }],
        method: "all rows".into(),
        seed: 7,
        started_at: Timestamp::UNIX_EPOCH,
        ended_at: Timestamp::UNIX_EPOCH,
        bounds: Bound::rows(10),
        truncated: false,
        estimate: LoadEstimate::over(crate::model::connection::SizeClass::Small.capacity()),
        actual: LoadActual::default(),
    }
}

fn timestamp(unit: TimeUnit, zone: Zone) -> LogicalType {
    LogicalType::Timestamp { unit, zone }
}

fn exact(text: &str) -> Cell {
    Cell::Exact(text.to_owned())
}

/// Every logical type with values at its edges, and their texts in a typed file and in a sheet (`-` for
/// empty) where those differ from the text of the cell.
fn every_type() -> Vec<(LogicalType, Vec<Cell>)> {
    let ints = |values: &[i64]| values.iter().map(|value| Cell::Int(*value)).collect::<Vec<_>>();
    let decimals =
        |values: &[&str]| values.iter().map(|v| Cell::Decimal((*v).to_owned())).collect::<Vec<_>>();
    let exacts = |values: &[&str]| values.iter().map(|value| exact(value)).collect::<Vec<_>>();
    let field = |name: &str, logical| StructField { name: name.into(), logical };
    let wide = LogicalType::Decimal { precision: Some(60), scale: Some(3) };
    vec![
        (LogicalType::Null, vec![Cell::Null]),
        (LogicalType::Bool, vec![Cell::Bool(true), Cell::Bool(false)]),
        (LogicalType::Int { bits: 8, signed: true }, ints(&[-128, 127])),
        (LogicalType::Int { bits: 16, signed: true }, ints(&[-32_768, 32_767])),
        (LogicalType::Int { bits: 32, signed: true }, ints(&[i32::MIN.into(), i32::MAX.into()])),
        (LogicalType::INT64, ints(&[i64::MIN, -1, i64::MAX, 1 << 53, (1 << 53) + 1])),
        (LogicalType::Int { bits: 8, signed: false }, vec![Cell::UInt(255)]),
        (LogicalType::Int { bits: 16, signed: false }, vec![Cell::UInt(65_535)]),
        (LogicalType::Int { bits: 32, signed: false }, vec![Cell::UInt(u32::MAX.into())]),
        (LogicalType::Int { bits: 64, signed: false }, vec![Cell::UInt(u64::MAX), Cell::UInt(0)]),
        (LogicalType::Float { bits: 16 }, vec![Cell::Float32(0.5), Cell::Float32(65_504.0)]),
        (LogicalType::Float { bits: 32 }, vec![Cell::Float32(0.1), Cell::Float32(f32::MAX)]),
        (
            LogicalType::FLOAT64,
            [0.1 + 0.2, -0.0, f64::MAX, 5e-324, f64::NAN, f64::INFINITY, 1e16, 1e17]
                .map(Cell::Float)
                .to_vec(),
        ),
        (LogicalType::Decimal { precision: Some(10), scale: Some(2) }, decimals(&["-1.10", "99999999.99"])),
        (LogicalType::Decimal { precision: Some(38), scale: Some(0) }, decimals(&[&"9".repeat(38)])),
        (wide, decimals(&[&format!("{}.125", "9".repeat(57))])),
        (LogicalType::Decimal { precision: None, scale: None }, decimals(&["1e400", "1.10"])),
        (
            LogicalType::Text,
            ["", "a,b\"c\nd", "=1+1", "ä🦀", " x ", "NULL", "-5"]
                .map(|text| Cell::Text(text.into()))
                .to_vec(),
        ),
        (LogicalType::Bytes, vec![Cell::Bytes(vec![0, 255]), Cell::Bytes(vec![])]),
        (LogicalType::Date, [-719_162, 0, 2_932_896].map(Cell::Date).to_vec()),
        (LogicalType::Time { unit: TimeUnit::Second }, [0, 86_399].map(Cell::Time).to_vec()),
        (LogicalType::Time { unit: TimeUnit::Millisecond }, vec![Cell::Time(86_399_999)]),
        (LogicalType::Time { unit: TimeUnit::Microsecond }, vec![Cell::Time(86_399_999_999)]),
        (LogicalType::Time { unit: TimeUnit::Nanosecond }, vec![Cell::Time(86_399_999_999_999)]),
        (timestamp(TimeUnit::Second, Zone::None), [-1, 1_700_000_000].map(Cell::Timestamp).to_vec()),
        (timestamp(TimeUnit::Millisecond, Zone::None), vec![Cell::Timestamp(1_700_000_000_123)]),
        (timestamp(TimeUnit::Microsecond, Zone::Utc), [-1, i64::MIN].map(Cell::Timestamp).to_vec()),
        (timestamp(TimeUnit::Nanosecond, Zone::None), [i64::MAX, 1].map(Cell::Timestamp).to_vec()),
        (
            timestamp(TimeUnit::Microsecond, Zone::Named("Europe/Berlin".into())),
            vec![Cell::Timestamp(1_700_000_000_000_000)],
        ),
        (
            timestamp(TimeUnit::Microsecond, Zone::Named("Nowhere/Land".into())),
            vec![Cell::Timestamp(1_700_000_000_000_000)],
        ),
        (timestamp(TimeUnit::Microsecond, Zone::OffsetKept), exacts(&["2024-01-01T00:00:00+05:30"])),
        (LogicalType::Interval, exacts(&["P1M", "-P1D"])),
        (LogicalType::Uuid, exacts(&["00000000-0000-0000-0000-000000000001"])),
        (LogicalType::Json, vec![Cell::Json("{\"a\":1.00000000000000000001}".into())]),
        (
            LogicalType::List { item: Box::new(LogicalType::INT64) },
            vec![Cell::List(ints(&[1, i64::MAX])), Cell::List(vec![]), Cell::List(vec![Cell::Null])],
        ),
        (
            LogicalType::Struct {
                fields: vec![field("x", LogicalType::Bool), field("y", LogicalType::Text)],
            },
            vec![Cell::Struct(vec![("x".into(), Cell::Bool(true)), ("y".into(), Cell::Text("z".into()))])],
        ),
        (
            LogicalType::Struct {
                fields: vec![field("x", LogicalType::Bool), field("x", LogicalType::Text)],
            },
            vec![Cell::Struct(vec![("x".into(), Cell::Bool(true)), ("x".into(), Cell::Null)])],
        ),
        (
            LogicalType::Map { key: Box::new(LogicalType::Text), value: Box::new(LogicalType::INT64) },
            vec![Cell::Map(vec![(Cell::Text("k".into()), Cell::Int(1))]), Cell::Map(vec![])],
        ),
        (LogicalType::Enum { labels: vec!["a".into()] }, exacts(&["a"])),
        (LogicalType::Range { of: Box::new(LogicalType::INT64) }, exacts(&["[1,5)"])),
        (LogicalType::Inet, exacts(&["::1/128"])),
        (LogicalType::Bits, exacts(&["0101"])),
        (LogicalType::Geometry, exacts(&["POINT(1 2)"])),
        (LogicalType::ObjectId, exacts(&["507f1f77bcf86cd799439011"])),
        (LogicalType::Regex, exacts(&["/a/i"])),
        (LogicalType::Opaque { name: "money".into() }, exacts(&["$1.00"])),
    ]
}

/// One column a type, eight rows, nulls where the values are used up, and a column of row numbers.
fn every_column() -> (Arc<Schema>, Vec<Vec<Cell>>) {
    let columns = every_type();
    let mut fields = vec![Field::new("row", LogicalType::INT64)];
    fields.extend(
        columns.iter().enumerate().map(|(at, (logical, _))| Field::new(format!("c{at}"), logical.clone())),
    );
    let rows = (0..9)
        .map(|row: usize| {
            let mut cells = vec![Cell::Int(row as i64)];
            cells.extend(columns.iter().map(|(_, cells)| cells.get(row).cloned().unwrap_or(Cell::Null)));
            cells
        })
        .collect();
    (Arc::new(Schema::new(fields)), rows)
}

fn batch(schema: &Arc<Schema>, rows: &[Vec<Cell>]) -> Batch {
    let mut builder = BatchBuilder::new(Arc::clone(schema));
    for row in rows {
        builder.push_row(row.clone());
    }
    builder.take(Origin::default()).unwrap()
}

async fn export(path: &Path, schema: &Arc<Schema>, rows: &[Vec<Cell>], options: ExportOptions) -> Exported {
    let format = ExportFormat::of_path(path).unwrap();
    let mut exporter = Exporter::create(path, format, Arc::clone(schema), options).await.unwrap();
    for chunk in rows.chunks(4) {
        exporter.batch(batch(schema, chunk)).await.unwrap();
    }
    exporter.finish(provenance()).await.unwrap()
}

fn manifest(exported: &Exported) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(&exported.manifest).unwrap()).unwrap()
}

/// What a typed file must give back: the text of the cell, or of what the table declares it becomes.
fn typed_text(value: &AnyValue<'_>, logical: &LogicalType) -> String {
    match (value, logical) {
        (AnyValue::Null, _) => String::new(),
        (AnyValue::String(text), _) => (*text).to_owned(),
        (AnyValue::StringOwned(text), _) => text.to_string(),
        (AnyValue::Binary(bytes), _) => Cell::Bytes(bytes.to_vec()).text(logical),
        (AnyValue::Float32(value), _) => Cell::Float32(*value).text(logical),
        (AnyValue::Float64(value), _) => Cell::Float(*value).text(logical),
        (AnyValue::Date(days), _) => Cell::Date(*days).text(logical),
        (AnyValue::Time(nanos), LogicalType::Time { unit }) => {
            Cell::Time(nanos / (1_000_000_000 / unit.per_second())).text(logical)
        }
        (
            AnyValue::Datetime(value, unit, _) | AnyValue::DatetimeOwned(value, unit, _),
            LogicalType::Timestamp { unit: ours, .. },
        ) => {
            let theirs = match unit {
                polars::prelude::TimeUnit::Milliseconds => 1_000,
                polars::prelude::TimeUnit::Microseconds => 1_000_000,
                polars::prelude::TimeUnit::Nanoseconds => 1_000_000_000,
            };
            Cell::Timestamp(value / (theirs / ours.per_second())).text(logical)
        }
        (AnyValue::List(items), LogicalType::List { item }) => {
            let cells: Vec<String> = items.iter().map(|value| nested_text(&value, item)).collect();
            format!("[{}]", cells.join(","))
        }
        (AnyValue::List(items), LogicalType::Map { key, value }) => {
            let pair = |entry: AnyValue<'_>| {
                let fields = fields_of(&entry);
                format!("[{},{}]", nested_text(&fields[0].1, key), nested_text(&fields[1].1, value))
            };
            format!("[{}]", items.iter().map(pair).collect::<Vec<_>>().join(","))
        }
        (AnyValue::Struct(..) | AnyValue::StructOwned(_), LogicalType::Struct { fields }) => {
            let inner: Vec<String> = fields_of(value)
                .iter()
                .zip(fields)
                .map(|((name, value), field)| format!("\"{name}\":{}", nested_text(value, &field.logical)))
                .collect();
            format!("{{{}}}", inner.join(","))
        }
        (other, _) => other.to_string(),
    }
}

fn fields_of(value: &AnyValue<'_>) -> Vec<(String, AnyValue<'static>)> {
    let AnyValue::StructOwned(inner) = value.clone().into_static() else { panic!("{value:?} is no struct") };
    let (values, fields) = *inner;
    fields.iter().map(|field| field.name().to_string()).zip(values).collect()
}

fn nested_text(value: &AnyValue<'_>, logical: &LogicalType) -> String {
    match value {
        AnyValue::Null => "null".to_owned(),
        AnyValue::String(text) => format!("{text:?}"),
        AnyValue::StringOwned(text) => format!("{text:?}"),
        value => typed_text(value, logical),
    }
}

fn check_typed(frame: &DataFrame, schema: &Schema, rows: &[Vec<Cell>]) {
    assert_eq!((frame.height(), frame.width()), (rows.len(), schema.fields.len()));
    for (column, field) in schema.fields.iter().enumerate() {
        let name = frame.get_column_names()[column].to_string();
        let series = frame.column(&name).unwrap();
        for (row, cells) in rows.iter().enumerate() {
            let value = series.get(row).unwrap();
            let told = typed_text(&value, &field.logical);
            let expected = cells[column].text(&field.logical);
            assert_eq!(told, expected, "{name}: {} {:?}", field.logical, cells[column]);
            assert_eq!(matches!(value, AnyValue::Null), cells[column].is_absent(), "{name}, row {row}");
        }
    }
}

#[tokio::test]
async fn parquet_and_ipc_give_every_value_of_every_type_back() {
    let folder = tempfile::tempdir().unwrap();
    let (schema, rows) = every_column();
    let path = folder.path().join("all.parquet");
    let exported = export(&path, &schema, &rows, ExportOptions::default()).await;
    let frame = ParquetReader::new(std::fs::File::open(&path).unwrap()).finish().unwrap();
    check_typed(&frame, &schema, &rows);
    assert!(exported.findings.is_clean(), "{:?}", exported.findings);
    let path = folder.path().join("all.arrow");
    let exported = export(&path, &schema, &rows, ExportOptions::default()).await;
    let frame = IpcReader::new(std::fs::File::open(&path).unwrap()).finish().unwrap();
    check_typed(&frame, &schema, &rows);
    assert!(exported.findings.is_clean(), "{:?}", exported.findings);
    assert_eq!(exported.rows, rows.len() as u64);
    assert_eq!(exported.bytes, std::fs::metadata(&path).unwrap().len());
}

#[tokio::test]
async fn csv_gives_every_text_back() {
    let folder = tempfile::tempdir().unwrap();
    let (schema, rows) = every_column();
    let path = folder.path().join("all.csv");
    let options = ExportOptions { formulas: FormulaText::AsItIs, ..ExportOptions::default() };
    export(&path, &schema, &rows, options).await;
    let frame = CsvReadOptions::default()
        .with_infer_schema_length(Some(0))
        .with_has_header(true)
        .map_parse_options(|parse| parse.with_missing_is_null(true))
        .into_reader_with_file_handle(std::fs::File::open(&path).unwrap())
        .finish()
        .unwrap();
    assert_eq!((frame.height(), frame.width()), (rows.len(), schema.fields.len()));
    for (column, field) in schema.fields.iter().enumerate() {
        let name = frame.get_column_names()[column].to_string();
        for (row, cells) in rows.iter().enumerate() {
            let told = match frame.column(&name).unwrap().get(row).unwrap() {
                AnyValue::String(text) => Some(text.to_owned()),
                _ => None,
            };
            let cell = &cells[column];
            if let (Cell::Float(value), Some(told)) = (cell, &told) {
                let read: f64 = told.parse().unwrap();
                assert!(read.to_bits() == value.to_bits() || read.is_nan() && value.is_nan(), "{told}");
            } else if let (Cell::Float32(value), Some(told)) = (cell, &told) {
                assert_eq!(told.parse::<f32>().unwrap().to_bits(), value.to_bits());
            } else {
                assert_eq!(told, csv::text(cell, &field.logical), "{name}: {} {cell:?}", field.logical);
            }
        }
    }
}

#[tokio::test]
async fn json_lines_are_the_json_of_the_cells() {
    let folder = tempfile::tempdir().unwrap();
    let (schema, mut rows) = every_column();
    rows[0][1] = Cell::Missing;
    rows[1][2] = Cell::Text("odd".into());
    rows[2][3] = Cell::Invalid(vec![0xff]);
    let path = folder.path().join("all.jsonl");
    export(&path, &schema, &rows, ExportOptions::default()).await;
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), rows.len());
    for (line, cells) in text.lines().zip(&rows) {
        let object: BTreeMap<String, Box<serde_json::value::RawValue>> = serde_json::from_str(line).unwrap();
        for (field, cell) in schema.fields.iter().zip(cells) {
            let mut expected = String::new();
            cell.push_json(&field.logical, &mut expected);
            assert_eq!(object[&field.name].get(), expected, "{}", field.name);
        }
    }
}

/// The parts of a zip file by name.
fn unzip(path: &Path) -> BTreeMap<String, String> {
    let bytes = std::fs::read(path).unwrap();
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let half = |at: usize| usize::from(u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap()));
    let end = bytes.windows(4).rposition(|four| four == b"PK\x05\x06").unwrap();
    let mut parts = BTreeMap::new();
    let mut at = word(end + 16);
    while bytes[at..].starts_with(b"PK\x01\x02") {
        let (size, name, local) = (word(at + 20), half(at + 28), word(at + 42));
        let data = local + 30 + half(local + 26) + half(local + 28);
        let packed = &bytes[data..data + size];
        let mut text = String::new();
        if half(at + 10) == 0 {
            text = String::from_utf8(packed.to_vec()).unwrap();
        } else {
            flate2::read::DeflateDecoder::new(packed).read_to_string(&mut text).unwrap();
        }
        parts.insert(String::from_utf8(bytes[at + 46..at + 46 + name].to_vec()).unwrap(), text);
        at += 46 + name + half(at + 30) + half(at + 32);
    }
    parts
}

/// Cells of a sheet by place: their type and text.
fn sheet(xml: &str) -> BTreeMap<String, (String, String)> {
    let cell = regex::Regex::new(
        r#"(?s)<c r="([A-Z]+[0-9]+)"(?: s="[0-9]+")?(?: t="([a-zA-Z]+)")?>(?:<is><t[^>]*>(.*?)</t></is>|<v>(.*?)</v>)</c>"#,
    )
    .unwrap();
    let unescaped = |text: &str| {
        text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
    };
    cell.captures_iter(xml)
        .map(|found| {
            let part = |group| found.get(group).map_or("", |part: regex::Match<'_>| part.as_str());
            let value = unescaped(if found.get(3).is_some() { part(3) } else { part(4) });
            (part(1).to_owned(), (part(2).to_owned(), value))
        })
        .collect()
}

fn place(column: usize, row: usize) -> String {
    let letter = |index: usize| char::from(b'A' + u8::try_from(index).unwrap());
    let letters = match column {
        0..26 => letter(column).to_string(),
        _ => format!("{}{}", letter(column / 26 - 1), letter(column % 26)),
    };
    format!("{letters}{}", row + 1)
}

#[tokio::test]
async fn sheets_hold_every_value_typed_or_as_exact_text() {
    let folder = tempfile::tempdir().unwrap();
    let (schema, rows) = every_column();
    let path = folder.path().join("all.xlsx");
    let exported = export(&path, &schema, &rows, ExportOptions::default()).await;
    let cells = sheet(&unzip(&path)["xl/worksheets/sheet1.xml"]);
    for (column, field) in schema.fields.iter().enumerate() {
        assert_eq!(cells[&place(column, 0)].1, field.name);
        for (row, values) in rows.iter().enumerate() {
            let (cell, found) = (&values[column], cells.get(&place(column, row + 1)));
            let Some((kind, text)) = found else {
                assert!(
                    csv::text(cell, &field.logical).unwrap_or_default().is_empty(),
                    "{cell:?} is not there"
                );
                continue;
            };
            let number = || text.parse::<f64>().unwrap();
            match (kind.as_str(), cell) {
                ("b", Cell::Bool(value)) => assert_eq!(text == "1", *value),
                ("", Cell::Int(value)) => assert_eq!(number() as i64, *value),
                ("", Cell::UInt(value)) => assert_eq!(number() as u64, *value),
                ("", Cell::Float(value)) => assert_eq!(number().to_bits(), value.to_bits()),
                ("", Cell::Float32(value)) => assert_eq!(text.parse::<f32>().unwrap(), *value),
                ("", Cell::Decimal(digits)) => assert_eq!(number(), digits.parse::<f64>().unwrap()),
                ("", Cell::Date(days)) => assert_eq!(number() as i32, days + 25_569),
                ("", Cell::Time(_) | Cell::Timestamp(_)) => {
                    let millis = (number() * 86_400_000.0).round() as i64;
                    let at = chrono::DateTime::from_timestamp_millis(millis - 25_569 * 86_400_000).unwrap();
                    let told = at.format("%Y-%m-%dT%H:%M:%S%.f").to_string();
                    let expected = cell.text(&field.logical);
                    let tail = expected.trim_end_matches('0').trim_end_matches('.');
                    assert!(
                        told.trim_end_matches('0').trim_end_matches('.').ends_with(tail),
                        "{told}, {expected}"
                    );
                }
                ("inlineStr", cell) => {
                    let expected = csv::text(cell, &field.logical).unwrap();
                    let guarded = csv::is_words(cell) && crate::safety::formula::starts_a_formula(&expected);
                    assert_eq!(*text, if guarded { format!("'{expected}") } else { expected });
                }
                (kind, cell) => panic!("{cell:?} as {kind:?} {text:?}"),
            }
        }
    }
    assert!(exported.findings.is_clean(), "{:?}", exported.findings);
    assert_eq!(exported.guarded_cells, 3);
}

#[tokio::test]
async fn formula_text_is_guarded_and_counted_in_spreadsheet_formats_only() {
    let folder = tempfile::tempdir().unwrap();
    let fields = vec![Field::new("=evil", LogicalType::Text), Field::new("n", LogicalType::INT64)];
    let schema = Arc::new(Schema::new(fields));
    let rows = vec![
        vec![Cell::Text("=1".into()), Cell::Int(-1)],
        vec![Cell::Text("a".into()), Cell::Text("+2".into())],
    ];
    for (name, options, cells, state) in [
        ("a.csv", ExportOptions::default(), 3, "on"),
        ("b.csv", ExportOptions { formulas: FormulaText::AsItIs, ..Default::default() }, 0, "off"),
        ("c.xlsx", ExportOptions::default(), 3, "on"),
        ("d.jsonl", ExportOptions::default(), 0, "not_needed"),
        ("e.parquet", ExportOptions::default(), 0, "not_needed"),
    ] {
        let exported = export(&folder.path().join(name), &schema, &rows, options).await;
        assert_eq!(exported.guarded_cells, cells, "{name}");
        let guard = &manifest(&exported)["formula_guard"];
        assert_eq!((guard["state"].as_str(), guard["cells"].as_u64()), (Some(state), Some(cells)), "{name}");
    }
    let text = std::fs::read_to_string(folder.path().join("a.csv")).unwrap();
    assert_eq!(text, "'=evil,n\n'=1,-1\na,'+2\n");
}

#[tokio::test]
async fn cells_that_a_typed_column_cannot_hold_are_counted_as_lost_or_changed() {
    let folder = tempfile::tempdir().unwrap();
    let fields = vec![Field::new("n", LogicalType::INT64), Field::new("t", LogicalType::Text)];
    let schema = Arc::new(Schema::new(fields));
    let rows = vec![
        vec![Cell::Text("odd".into()), Cell::Int(5)],
        vec![Cell::Missing, Cell::Invalid(vec![0xff])],
        vec![Cell::Int(1), Cell::Missing],
    ];
    let exported = export(&folder.path().join("a.parquet"), &schema, &rows, ExportOptions::default()).await;
    let lost: Vec<(&str, u64)> =
        exported.findings.lost.iter().map(|lost| (lost.place.as_str(), lost.count)).collect();
    assert_eq!(lost, [("column n", 1), ("column t", 1)]);
    let told = manifest(&exported);
    assert_eq!(told["columns"][1]["cells_changed"][0][1], 1);
    assert_eq!(told["lost"].as_array().unwrap().len(), 2);
    let exported = export(&folder.path().join("a.csv"), &schema, &rows, ExportOptions::default()).await;
    assert!(exported.findings.is_clean());
    let text = std::fs::read_to_string(folder.path().join("a.csv")).unwrap();
    assert_eq!(text, "n,t\nodd,5\n,0xff\n1,\n");
}

#[tokio::test]
async fn the_manifest_tells_where_rows_come_from_without_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let fields = vec![Field::new("x", LogicalType::Interval), Field::new("x", LogicalType::INT64)];
    let schema = Arc::new(Schema::new(fields));
    let path = folder.path().join("out.parquet");
    let mut exporter =
        Exporter::create(&path, ExportFormat::Parquet, Arc::clone(&schema), ExportOptions::default())
            .await
            .unwrap();
    exporter.batch(batch(&schema, &[vec![exact("P1D"), Cell::Int(1)]])).await.unwrap();
    let mut before = Findings::default();
    before.lost(Lost { place: "row 3".into(), why: "cut".into(), count: 2 });
    exporter.findings(before);
    let exported = exporter.finish(provenance()).await.unwrap();
    let told = manifest(&exported);
    let text = told.to_string();
    assert!(!text.contains("hunter2secret"), "{text}");
    let names: Vec<_> =
        told["columns"].as_array().unwrap().iter().map(|c| c["written_as"].as_str().unwrap()).collect();
    assert_eq!(names, ["x", "x_2"]);
    assert_eq!(told["columns"][0]["change"], "exact text");
    assert_eq!(told["lost"][0]["count"], 2);
    assert_eq!((told["seed"].as_u64(), told["node"].as_str()), (Some(7), Some("public/orders")));
    assert_eq!(told["file"]["sha256"].as_str().unwrap().len(), 64);
    assert_eq!(told["tool"]["version"], env!("CARGO_PKG_VERSION"));
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn numbers() -> (Arc<Schema>, Vec<Vec<Cell>>) {
    let schema = Arc::new(Schema::new(vec![Field::new("n", LogicalType::INT64)]));
    (schema, (0..10).map(|n| vec![Cell::Int(n)]).collect())
}

#[tokio::test]
async fn an_export_given_up_leaves_nothing_that_looks_whole() {
    let (schema, rows) = numbers();
    for format in ExportFormat::ALL {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out").with_extension(format.word());
        for leftover in [Leftover::Remove, Leftover::Keep] {
            let mut exporter =
                Exporter::create(&path, format, Arc::clone(&schema), ExportOptions::default()).await.unwrap();
            exporter.batch(batch(&schema, &rows)).await.unwrap();
            assert!(files(folder.path()).iter().all(|name| name.ends_with(".partial")), "{format:?}");
            let kept = exporter.abandon(leftover).await.unwrap();
            assert_eq!(kept.is_some(), leftover == Leftover::Keep);
        }
        let name = format!("out.{}.partial", format.word());
        assert_eq!(files(folder.path()), [name], "{format:?}");
    }
}

#[tokio::test]
async fn files_that_are_there_are_kept_unless_replacing_is_allowed() {
    let (schema, rows) = numbers();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.csv");
    std::fs::write(&path, "old").unwrap();
    let refused = Exporter::check(&path, ExportOptions::default()).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Invalid);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
    let other = folder.path().join("other.csv");
    std::fs::write(folder.path().join("other.csv.manifest.json"), "{}").unwrap();
    assert!(Exporter::check(&other, ExportOptions::default()).await.is_err());
    std::fs::remove_file(folder.path().join("other.csv.manifest.json")).unwrap();
    assert_eq!(files(folder.path()), ["out.csv"]);
    let replace = ExportOptions { if_there: IfThere::Replace, ..ExportOptions::default() };
    // A partial file of an export that was killed is no hindrance then.
    std::fs::write(folder.path().join("out.csv.partial"), "half").unwrap();
    export(&path, &schema, &rows, replace).await;
    export(&path, &schema, &rows, replace).await;
    assert_eq!(files(folder.path()), ["out.csv", "out.csv.manifest.json"]);
    let folder_error = Exporter::check(folder.path(), replace).await.unwrap_err();
    assert_eq!(folder_error.kind, ErrorKind::Invalid);
    let absent = Exporter::check(&folder.path().join("no/out.csv"), replace).await.unwrap_err();
    assert_eq!(absent.kind, ErrorKind::NotFound);
}

#[tokio::test]
async fn a_file_without_rows_has_its_columns() {
    let (schema, _) = numbers();
    let folder = tempfile::tempdir().unwrap();
    for format in ExportFormat::ALL {
        let path = folder.path().join("empty").with_extension(format.word());
        let exported = export(&path, &schema, &[], ExportOptions::default()).await;
        assert_eq!(exported.rows, 0, "{format:?}");
    }
    let frame =
        ParquetReader::new(std::fs::File::open(folder.path().join("empty.parquet")).unwrap()).finish();
    assert_eq!(frame.unwrap().dtypes(), [DataType::Int64]);
    assert_eq!(std::fs::read_to_string(folder.path().join("empty.csv")).unwrap(), "n\n");
}

#[test]
fn a_full_sheet_is_followed_by_another() {
    let (schema, rows) = numbers();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.xlsx");
    let file = file::PartialFile::create(&path, IfThere::Refuse).unwrap();
    let mut tally = tally::Tally::default();
    let mut sheets =
        xlsx::Sheets::with_rows(file.clone(), &path, &schema, FormulaText::Guarded, &mut tally, 4).unwrap();
    exporter::RowWriter::write(&mut sheets, &batch(&schema, &rows), &mut tally).unwrap();
    exporter::RowWriter::finish(Box::new(sheets), &mut tally).unwrap();
    file.seal().unwrap();
    file.commit().unwrap();
    let parts = unzip(&path);
    let read = |number: usize| sheet(&parts[&format!("xl/worksheets/sheet{number}.xml")]);
    assert_eq!((1..=4).map(|number| read(number).len()).collect::<Vec<_>>(), [4, 4, 4, 2]);
    assert_eq!(read(2)["A1"].1, "n");
    assert_eq!(read(4)["A2"].1, "9");
}

#[tokio::test]
async fn texts_beyond_a_cell_are_cut_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let schema = Arc::new(Schema::new(vec![Field::new("t", LogicalType::Text)]));
    let rows = vec![vec![Cell::Text("🦀".repeat(20_000))], vec![Cell::Text("x".repeat(32_767))]];
    let exported = export(&folder.path().join("a.xlsx"), &schema, &rows, ExportOptions::default()).await;
    assert_eq!(exported.findings.lost[0].count, 1);
    let cells = sheet(&unzip(&exported.file)["xl/worksheets/sheet1.xml"]);
    assert_eq!(cells["A2"].1.chars().count(), 16_383);
    assert_eq!(cells["A3"].1.len(), 32_767);
}

#[tokio::test]
async fn a_csv_of_one_column_has_no_empty_lines() {
    let folder = tempfile::tempdir().unwrap();
    let schema = Arc::new(Schema::new(vec![Field::new("t", LogicalType::Text)]));
    let rows = vec![vec![Cell::Text("a".into())], vec![Cell::Null], vec![Cell::Text(String::new())]];
    let exported = export(&folder.path().join("a.csv"), &schema, &rows, ExportOptions::default()).await;
    assert_eq!(std::fs::read_to_string(&exported.file).unwrap(), "t\na\n\"\"\n\"\"\n");
    assert_eq!(exported.findings.lost[0].count, 1);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_is_a_budget_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.csv");
    // A file that is always full stands where the partial file would be made.
    let mut file = file::PartialFile::on_device(&path, Path::new("/dev/full")).unwrap();
    std::io::Write::write_all(&mut file, &vec![b'x'; 1 << 20]).unwrap_err();
    assert_eq!(file.failure().unwrap().kind, ErrorKind::Budget);
    assert_eq!(file.seal().err().unwrap().kind, ErrorKind::Budget);
}

#[test]
fn names_that_repeat_are_told_apart() {
    let check = |names: &[&str], expected: &[&str]| {
        let fields = names.iter().map(|name| Field::new(*name, LogicalType::Text)).collect();
        assert_eq!(types::unique_names(&Schema::new(fields)), expected);
    };
    check(&["a", "b"], &["a", "b"]);
    check(&["a", "a", "a"], &["a", "a_2", "a_3"]);
    check(&["a", "a", "a_2"], &["a", "a_3", "a_2"]);
    check(&["", ""], &["", "_2"]);
}

#[test]
fn formats_follow_the_extension() {
    for (name, expected) in [
        ("a.parquet", Some(ExportFormat::Parquet)),
        ("a.CSV", Some(ExportFormat::Csv)),
        ("a.b.ndjson", Some(ExportFormat::Jsonl)),
        ("a.arrow", Some(ExportFormat::Ipc)),
        ("a.xlsx", Some(ExportFormat::Xlsx)),
        ("a.xls", None),
        ("csv", None),
    ] {
        assert_eq!(ExportFormat::of_path(Path::new(name)), expected, "{name}");
    }
}
