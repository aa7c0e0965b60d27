//! Tables in memory with a column of every logical type, and one long plain one.

use crate::model::cell::Cell;
use crate::model::schema::{Field, LogicalType, Schema, StructField, TimeUnit, Zone};

fn exact(text: &str) -> Cell {
    Cell::Exact(text.to_owned())
}

fn decimal(text: &str) -> Cell {
    Cell::Decimal(text.to_owned())
}

fn timestamp(unit: TimeUnit, zone: Zone) -> LogicalType {
    LogicalType::Timestamp { unit, zone }
}

fn person() -> LogicalType {
    let field = |name: &str, logical| StructField { name: name.to_owned(), logical };
    LogicalType::Struct {
        fields: vec![
            field("name", LogicalType::Text),
            field(
                "scores",
                LogicalType::List { item: Box::new(LogicalType::Int { bits: 16, signed: true }) },
            ),
        ],
    }
}

fn person_cell(name: Cell, scores: Vec<Cell>) -> Cell {
    Cell::Struct(vec![("name".to_owned(), name), ("scores".to_owned(), Cell::List(scores))])
}

/// A table with a column of every logical type: per column its name, type and three values that must come
/// back as they are. Row 3 is null everywhere, row 4 missing everywhere, row 5 invalid everywhere.
pub fn every_type() -> (Schema, Vec<Vec<Cell>>) {
    let columns = numbers().into_iter().chain(times()).chain(texts()).chain(nested()).collect::<Vec<_>>();
    let fields = columns.iter().map(|(name, logical, _)| Field::new(*name, logical.clone())).collect();
    let mut rows = (0..3)
        .map(|row| columns.iter().map(|(_, _, values)| values[row].clone()).collect())
        .collect::<Vec<Vec<Cell>>>();
    for cell in [Cell::Null, Cell::Missing, Cell::Invalid(vec![0xff, 0x00, 0xfe])] {
        rows.push(vec![cell; columns.len()]);
    }
    (Schema::new(fields), rows)
}

type Column = (&'static str, LogicalType, [Cell; 3]);

fn numbers() -> Vec<Column> {
    let int = |bits, signed| LogicalType::Int { bits, signed };
    let with = |precision, scale| LogicalType::Decimal { precision, scale };
    vec![
        ("null", LogicalType::Null, [Cell::Null, Cell::Null, Cell::Null]),
        ("bool", LogicalType::Bool, [Cell::Bool(true), Cell::Bool(false), Cell::Text("maybe".into())]),
        ("int8", int(8, true), [Cell::Int(-128), Cell::Int(127), Cell::Int(300)]),
        ("int16", int(16, true), [Cell::Int(-32_768), Cell::Int(32_767), Cell::Float(0.5)]),
        ("int32", int(32, true), [Cell::Int(i32::MIN.into()), Cell::Int(i32::MAX.into()), Cell::Null]),
        ("int64", int(64, true), [Cell::Int(i64::MIN), Cell::Int(i64::MAX), decimal("9223372036854775808")]),
        ("uint8", int(8, false), [Cell::UInt(0), Cell::UInt(255), Cell::Int(-1)]),
        ("uint64", int(64, false), [Cell::UInt(0), Cell::UInt(u64::MAX), Cell::UInt(1 << 63)]),
        (
            "float16",
            LogicalType::Float { bits: 16 },
            [Cell::Float32(1.5), Cell::Float32(65_504.0), Cell::Float32(f32::INFINITY)],
        ),
        (
            "float32",
            LogicalType::Float { bits: 32 },
            [Cell::Float32(0.1), Cell::Float32(f32::MIN_POSITIVE), Cell::Float32(f32::NEG_INFINITY)],
        ),
        ("float64", LogicalType::FLOAT64, [Cell::Float(0.1), Cell::Float(-0.0), Cell::Float(f64::NAN)]),
        ("decimal", with(Some(10), Some(2)), [decimal("-12345678.90"), decimal("0.00"), decimal("1.234")]),
        (
            "decimal76",
            with(Some(76), Some(40)),
            [
                decimal(&format!("{}.{}", "9".repeat(36), "9".repeat(40))),
                decimal(&format!("-0.{}1", "0".repeat(39))),
                Cell::Null,
            ],
        ),
        ("numeric", with(None, None), [decimal(&"7".repeat(1_000)), decimal("-0.10"), exact("NaN")]),
    ]
}

fn times() -> Vec<Column> {
    let far = exact("294276-12-31T23:59:59.999999");
    vec![
        ("date", LogicalType::Date, [Cell::Date(-719_162), Cell::Date(20_000), exact("4713-01-01 BC")]),
        (
            "time",
            LogicalType::Time { unit: TimeUnit::Microsecond },
            [Cell::Time(0), Cell::Time(86_399_999_999), exact("24:00:00")],
        ),
        (
            "time_seconds",
            LogicalType::Time { unit: TimeUnit::Second },
            [Cell::Time(0), Cell::Time(86_399), Cell::Null],
        ),
        (
            "wall_clock",
            timestamp(TimeUnit::Microsecond, Zone::None),
            [Cell::Timestamp(-1), Cell::Timestamp(0), far],
        ),
        (
            "instant",
            timestamp(TimeUnit::Nanosecond, Zone::Utc),
            [Cell::Timestamp(1), exact("infinity"), exact("-infinity")],
        ),
        (
            "with_offset",
            timestamp(TimeUnit::Second, Zone::OffsetKept),
            [exact("2024-02-29T12:00:00+05:45"), exact("1900-01-01T00:00:00-00:25"), exact("infinity")],
        ),
        (
            "in_zone",
            timestamp(TimeUnit::Millisecond, Zone::Named("Europe/Zurich".to_owned())),
            [Cell::Timestamp(1_700_000_000_000), Cell::Timestamp(-1), Cell::Null],
        ),
        ("interval", LogicalType::Interval, [exact("P1Y2M3DT4H5M6.789S"), exact("-P1M"), exact("PT0S")]),
    ]
}

fn texts() -> Vec<Column> {
    let text = |text: &str| Cell::Text(text.to_owned());
    let json = |text: &str| Cell::Json(text.to_owned());
    vec![
        ("text", LogicalType::Text, [text(""), text("a\0b\u{202e}\r\n\"👩‍👩‍👧"), text(&"long ".repeat(10_000))]),
        ("bytes", LogicalType::Bytes, [Cell::Bytes(vec![]), Cell::Bytes((0..=255).collect()), text("text")]),
        (
            "uuid",
            LogicalType::Uuid,
            [exact("00000000-0000-0000-0000-000000000000"), exact("not one"), Cell::Null],
        ),
        (
            "json",
            LogicalType::Json,
            [json("{\"a\":1.00000000000000000001, \"a\":2}"), json("null"), json("{broken")],
        ),
        (
            "enum",
            LogicalType::Enum { labels: vec!["new".into(), "paid".into()] },
            [exact("new"), exact("paid"), exact("unlisted")],
        ),
        (
            "range",
            LogicalType::Range { of: Box::new(LogicalType::INT64) },
            [exact("[1,5)"), exact("empty"), exact("(,)")],
        ),
        ("inet", LogicalType::Inet, [exact("::1"), exact("10.0.0.0/8"), Cell::Null]),
        ("bits", LogicalType::Bits, [exact("101"), exact(""), Cell::Null]),
        (
            "geometry",
            LogicalType::Geometry,
            [exact("POINT (1 2)"), exact("POINT EMPTY"), Cell::Bytes(vec![1, 1])],
        ),
        ("object_id", LogicalType::ObjectId, [exact("507f1f77bcf86cd799439011"), Cell::Null, Cell::Null]),
        ("regex", LogicalType::Regex, [exact("/a.*b/i"), exact("//"), Cell::Null]),
        (
            "opaque",
            LogicalType::Opaque { name: "tsvector".into() },
            [exact("'a':1 'b':2"), exact(""), Cell::Null],
        ),
    ]
}

fn nested() -> Vec<Column> {
    let text = |text: &str| Cell::Text(text.to_owned());
    vec![
        (
            "list",
            LogicalType::List { item: Box::new(LogicalType::Decimal { precision: Some(5), scale: Some(1) }) },
            [
                Cell::List(vec![decimal("1.5"), Cell::Null]),
                Cell::List(vec![]),
                Cell::List(vec![decimal("1.5"), Cell::Missing]),
            ],
        ),
        (
            "struct",
            person(),
            [
                person_cell(text("Ada"), vec![Cell::Int(1), Cell::Int(-1)]),
                person_cell(Cell::Null, vec![]),
                person_cell(Cell::Missing, vec![Cell::Int(70_000)]),
            ],
        ),
        (
            "map",
            LogicalType::Map { key: Box::new(LogicalType::Text), value: Box::new(person()) },
            [
                Cell::Map(vec![(text("k"), person_cell(text("Bob"), vec![Cell::Null]))]),
                Cell::Map(vec![]),
                Cell::Map(vec![(text("k"), Cell::Null), (text("k"), Cell::Null)]),
            ],
        ),
    ]
}

/// A long plain table: `id` from 1 on, an amount, a text with a null now and then.
pub fn invoices(rows: u64) -> (Schema, Vec<Vec<Cell>>) {
    let amount = LogicalType::Decimal { precision: Some(12), scale: Some(2) };
    let schema = Schema::new(vec![
        Field::new("id", LogicalType::INT64),
        Field::new("amount", amount),
        Field::new("customer", LogicalType::Text),
    ]);
    let row = |id: u64| {
        let customer =
            if id.is_multiple_of(7) { Cell::Null } else { Cell::Text(format!("customer {}", id % 50)) };
        vec![Cell::Int(id.cast_signed()), decimal(&format!("{}.{:02}", id * 37 % 1_000, id % 100)), customer]
    };
    (schema, (1..=rows).map(row).collect())
}
