//! A column of every built-in type with values at its edges, on 15 and 18: what the grid shows and what the
//! files hold is what was stored.

mod files;

use std::path::Path;
use std::sync::Arc;

use headwater::connector::guard::Override;
use headwater::job::CallCtx;
use headwater::job::sink::Collected;
use headwater::model::cell::Cell;
use headwater::model::node::NodePath;
use headwater::model::read::{Bound, ReadEnd, ReadSpec};
use headwater::model::schema::Schema;
use headwater::ops::export::{Destination, FormulaText, IfThere};
use headwater::ops::target::Target;
use headwater::ops::{Opened, Workspace};
use headwater::sinks::ExportFormat;

use crate::servers::lab::{self, Postgres, Version};

/// How a column is declared, what it is read as, and values: how SQL writes them, and what they are.
struct Column {
    declared: &'static str,
    logical: &'static str,
    values: Vec<(&'static str, Cell)>,
}

fn column(declared: &'static str, logical: &'static str, values: Vec<(&'static str, Cell)>) -> Column {
    Column { declared, logical, values }
}

/// A column whose values are their own exact text.
fn exact_column(declared: &'static str, logical: &'static str, values: &[&'static str]) -> Column {
    let values = values.iter().map(|text| (*text, exact(text))).collect();
    Column { declared, logical, values }
}

fn exact(text: &str) -> Cell {
    Cell::Exact(text.to_owned())
}

fn decimal(digits: &str) -> Cell {
    Cell::Decimal(digits.to_owned())
}

fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

fn json(text: &str) -> Cell {
    Cell::Json(text.to_owned())
}

fn list(items: &[Cell]) -> Cell {
    Cell::List(items.to_vec())
}

const SETUP: &str = r#"CREATE SCHEMA every;
CREATE TYPE every.mood AS ENUM ('sad', 'it''s, "ok"');
CREATE TYPE every.pair AS (a int, "b c" text, d numeric(10,2));
CREATE TYPE every.nest AS (p every.pair, l int[], m every.mood);
CREATE DOMAIN every.price AS numeric(8,2) CHECK (value >= 0);
CREATE TYPE every.floatrange AS RANGE (subtype = float8);"#;

const THOUSAND: &str =
    "-1234567890123456789012345678901234567890.000000000000000000000000000000000000000000000000001";

/// Types that the binary form is read of as well.
fn plain_columns() -> Vec<Column> {
    let mut columns = numbers();
    columns.extend(words_and_times());
    columns
}

fn numbers() -> Vec<Column> {
    let (min, max) = ("-9223372036854775808", "9223372036854775807");
    vec![
        column("boolean", "bool", vec![("true", Cell::Bool(true)), ("false", Cell::Bool(false))]),
        column("smallint", "int16", vec![("-32768", Cell::Int(-32_768)), ("32767", Cell::Int(32_767))]),
        column("integer", "int32", vec![("-2147483648", Cell::Int(i32::MIN.into())), ("0", Cell::Int(0))]),
        column("bigint", "int64", vec![(min, Cell::Int(i64::MIN)), (max, Cell::Int(i64::MAX))]),
        column("oid", "uint32", vec![("4294967295", Cell::UInt(u32::MAX.into())), ("0", Cell::UInt(0))]),
        column("xid", "uint32", vec![("4294967295", Cell::UInt(u32::MAX.into()))]),
        column("xid8", "uint64", vec![("18446744073709551615", Cell::UInt(u64::MAX))]),
        column(
            "real",
            "float32",
            vec![
                ("0.1", Cell::Float32(0.1)),
                ("1e-45", Cell::Float32(1e-45)),
                ("-Infinity", Cell::Float32(f32::NEG_INFINITY)),
            ],
        ),
        column(
            "double precision",
            "float64",
            vec![
                ("0.30000000000000004", Cell::Float(0.1 + 0.2)),
                ("-0", Cell::Float(-0.0)),
                ("1.7976931348623157e308", Cell::Float(f64::MAX)),
                ("NaN", Cell::Float(f64::NAN)),
                ("Infinity", Cell::Float(f64::INFINITY)),
            ],
        ),
        column(
            "numeric",
            "decimal",
            vec![
                (THOUSAND, decimal(THOUSAND)),
                ("1.10", decimal("1.10")),
                ("NaN", exact("NaN")),
                ("-Infinity", exact("-Infinity")),
            ],
        ),
        column(
            "numeric(15,2)",
            "decimal(15,2)",
            vec![
                ("-9999999999999.99", decimal("-9999999999999.99")),
                ("0", decimal("0.00")),
                ("NaN", exact("NaN")),
            ],
        ),
        column(
            "numeric(50,20)",
            "decimal(50,20)",
            vec![(
                "123456789012345678901234567890.5",
                decimal("123456789012345678901234567890.50000000000000000000"),
            )],
        ),
        column("numeric(3,-2)", "decimal(5,0)", vec![("12345", decimal("12300"))]),
        column("numeric(3,5)", "decimal(5,5)", vec![("0.00123", decimal("0.00123"))]),
    ]
}

fn words_and_times() -> Vec<Column> {
    vec![
        column(
            "text",
            "text",
            vec![
                ("", text("")),
                ("a\tb\n\"c\",\\d\u{1}\u{202e}🦀", text("a\tb\n\"c\",\\d\u{1}\u{202e}🦀")),
                ("\\N", text("\\N")),
            ],
        ),
        column("character varying(10)", "text", vec![("ä", text("ä"))]),
        column("character(5)", "text", vec![("ab", text("ab   "))]),
        column("name", "text", vec![("n", text("n"))]),
        column(
            "bytea",
            "bytes",
            vec![("\\x", Cell::Bytes(vec![])), ("\\x00ff5c0a", Cell::Bytes(vec![0, 255, 92, 10]))],
        ),
        column(
            "date",
            "date",
            vec![
                ("2024-02-29", Cell::Date(19_782)),
                ("12345-06-07", Cell::Date(3_789_548)),
                ("4714-11-24 BC", exact("4714-11-24 BC")),
                ("5874897-12-31", exact("5874897-12-31")),
                ("infinity", exact("infinity")),
            ],
        ),
        column(
            "time without time zone",
            "time",
            vec![("23:59:59.999999", Cell::Time(86_399_999_999)), ("24:00", exact("24:00:00"))],
        ),
        column(
            "timestamp without time zone",
            "timestamp",
            vec![
                ("1969-12-31 23:59:59.999999", Cell::Timestamp(-1)),
                ("0044-03-15 12:00:00.5 BC", exact("0044-03-15 12:00:00.5 BC")),
                ("294276-12-31 23:59:59.999999", exact("294276-12-31 23:59:59.999999")),
                ("-infinity", exact("-infinity")),
            ],
        ),
        column(
            "timestamp with time zone",
            "timestamp with zone",
            vec![
                ("2024-05-06 12:38:09.1+05:30", Cell::Timestamp(1_714_979_289_100_000)),
                ("4714-11-24 00:00:00+00 BC", exact("4714-11-24 00:00:00+00 BC")),
                ("294276-12-31 23:59:59.999999+00", exact("294276-12-31 23:59:59.999999+00")),
                ("infinity", exact("infinity")),
            ],
        ),
        exact_column("uuid", "uuid", &["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"]),
        column(
            "json",
            "json",
            vec![(
                "{\"b\":1, \"a\":1.00000000000000000001,\"a\":2}",
                json("{\"b\":1, \"a\":1.00000000000000000001,\"a\":2}"),
            )],
        ),
        column(
            "jsonb",
            "json",
            vec![(
                "{\"b\":1,\"a\":1.00000000000000000001}",
                json("{\"a\": 1.00000000000000000001, \"b\": 1}"),
            )],
        ),
        exact_column("every.mood", "enum", &["sad", "it's, \"ok\""]),
        column("every.price", "decimal(8,2)", vec![("1.5", decimal("1.50"))]),
    ]
}

/// All others.
fn other_columns() -> Vec<Column> {
    let mut columns = kept_as_text();
    columns.extend(nested());
    columns
}

fn nested() -> Vec<Column> {
    let ints = |values: &[i64]| list(&values.iter().copied().map(Cell::Int).collect::<Vec<_>>());
    let pair =
        |a: Cell, b: Cell, d: Cell| Cell::Struct(vec![("a".into(), a), ("b c".into(), b), ("d".into(), d)]);
    let nest = Cell::Struct(vec![
        ("p".into(), pair(Cell::Int(1), text("x\"y\\"), decimal("0.50"))),
        ("l".into(), ints(&[1, 2])),
        ("m".into(), exact("it's, \"ok\"")),
    ]);
    let pair_type = "struct<a: int32, b c: text, d: decimal(10,2)>";
    let nest_type = "struct<p: struct<a: int32, b c: text, d: decimal(10,2)>, l: list<int32>, m: enum>";
    vec![
        column(
            "integer[]",
            "list<int32>",
            vec![
                ("{}", list(&[])),
                ("{1,NULL,-3}", list(&[Cell::Int(1), Cell::Null, Cell::Int(-3)])),
                ("[0:1]={7,8}", exact("[0:1]={7,8}")),
                ("{{1,2},{3,4}}", list(&[ints(&[1, 2]), ints(&[3, 4])])),
            ],
        ),
        column(
            "text[]",
            "list<text>",
            vec![(
                r#"{"a b","","NULL",NULL,"x\"y","b\\s","c,d","{z}"}"#,
                list(&[
                    text("a b"),
                    text(""),
                    text("NULL"),
                    Cell::Null,
                    text("x\"y"),
                    text("b\\s"),
                    text("c,d"),
                    text("{z}"),
                ]),
            )],
        ),
        column(
            "timestamp with time zone[]",
            "list<timestamp with zone>",
            vec![(
                "{2024-01-01 00:00+02,infinity}",
                list(&[Cell::Timestamp(1_704_060_000_000_000), exact("infinity")]),
            )],
        ),
        column(
            "box[]",
            "list<opaque(box)>",
            vec![("{(1,1),(0,0);(2,2),(1,1)}", list(&[exact("(1,1),(0,0)"), exact("(2,2),(1,1)")]))],
        ),
        column(
            "every.pair[]",
            "list<struct<a: int32, b c: text, d: decimal(10,2)>>",
            vec![(
                r#"{"(1,\"a \"\"b\"\", \\\\ (c)\",1.5)"}"#,
                list(&[pair(Cell::Int(1), text("a \"b\", \\ (c)"), decimal("1.50"))]),
            )],
        ),
        column(
            "every.pair",
            pair_type,
            vec![
                ("(1,\"\",)", pair(Cell::Int(1), text(""), Cell::Null)),
                ("(,,)", pair(Cell::Null, Cell::Null, Cell::Null)),
            ],
        ),
        column("every.nest", nest_type, vec![(r#"("(1,""x""""y\\\\"",0.5)","{1,2}","it's, ""ok""")"#, nest)]),
        exact_column("int4range", "range<int32>", &["[1,5)", "empty", "(,)"]),
        exact_column("numrange", "range<decimal>", &["(,1.5]"]),
        exact_column("tstzrange", "range<timestamp with zone>", &["[\"2024-01-01 00:00:00+00\",infinity)"]),
        exact_column("every.floatrange", "range<float64>", &["[0.1,1e+300)"]),
        column(
            "int4multirange",
            "list<range<int32>>",
            vec![("{[1,3),[5,8)}", list(&[exact("[1,3)"), exact("[5,8)")])), ("{}", list(&[]))],
        ),
    ]
}

fn kept_as_text() -> Vec<Column> {
    vec![
        exact_column("money", "opaque(money)", &["$1,234.56", "-$0.01"]),
        column("\"char\"", "text", vec![("x", text("x"))]),
        exact_column("time with time zone", "opaque(timetz)", &["12:34:56.5+05:30", "24:00:00-12"]),
        column(
            "interval",
            "interval",
            vec![
                ("1 year 2 mons 3 days 04:05:06.7", exact("P1Y2M3DT4H5M6.7S")),
                ("1 mon -1 us", exact("P1MT-0.000001S")),
                ("0", exact("PT0S")),
            ],
        ),
        exact_column("inet", "inet", &["10.0.0.1/8", "::1"]),
        exact_column("cidr", "inet", &["10.0.0.0/8", "2001:db8::/32"]),
        exact_column("macaddr", "opaque(macaddr)", &["08:00:2b:01:02:03"]),
        exact_column("macaddr8", "opaque(macaddr8)", &["08:00:2b:01:02:03:04:05"]),
        exact_column("bit(5)", "bits", &["10100"]),
        exact_column(
            "bit varying(70)",
            "bits",
            &["", "0101010101010101010101010101010101010101010101010101010101010101011"],
        ),
        exact_column("tsvector", "opaque(tsvector)", &["'a':1A 'b':2 'c d'"]),
        exact_column("tsquery", "opaque(tsquery)", &["'a' & 'b' | !'c'"]),
        exact_column("point", "opaque(point)", &["(1,-0.1)"]),
        exact_column("line", "opaque(line)", &["{1,2,3}"]),
        exact_column("lseg", "opaque(lseg)", &["[(1,2),(3,4)]"]),
        exact_column("box", "opaque(box)", &["(1,1),(0,0)"]),
        exact_column("path", "opaque(path)", &["[(1,2),(3,4)]", "((1,2),(3,4))"]),
        exact_column("polygon", "opaque(polygon)", &["((1,2),(3,4))"]),
        exact_column("circle", "opaque(circle)", &["<(1,2),0.1>"]),
        exact_column("xml", "opaque(xml)", &["<a>b</a>", "words only"]),
        exact_column("pg_lsn", "opaque(pg_lsn)", &["16/B374D848"]),
        exact_column("txid_snapshot", "opaque(txid_snapshot)", &["10:20:10,14,15"]),
        exact_column("pg_snapshot", "opaque(pg_snapshot)", &["10:20:10,14,15"]),
        exact_column("tid", "opaque(tid)", &["(0,1)"]),
        exact_column("regclass", "opaque(regclass)", &["pg_class", "every.kinds"]),
        exact_column("regtype", "opaque(regtype)", &["integer"]),
        exact_column("regprocedure", "opaque(regprocedure)", &["sum(integer)"]),
        exact_column("regconfig", "opaque(regconfig)", &["english"]),
        exact_column("jsonpath", "opaque(jsonpath)", &["$.\"a\"[*]?(@ > 1)"]),
        exact_column("int2vector", "opaque(int2vector)", &["1 2 3"]),
    ]
}

/// A table of these columns: rows of their values, nulls where a column has no more, and a row of nulls.
struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    fn new(columns: Vec<Column>) -> Self {
        let longest = columns.iter().map(|column| column.values.len()).max().unwrap_or(0);
        let cell =
            |column: &Column, row: usize| column.values.get(row).map_or(Cell::Null, |(_, cell)| cell.clone());
        let rows =
            (0..=longest).map(|row| columns.iter().map(|column| cell(column, row)).collect()).collect();
        Self { columns, rows }
    }

    fn statements(&self, name: &str) -> String {
        let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
        let declared: Vec<String> = self
            .columns
            .iter()
            .enumerate()
            .map(|(at, column)| format!("c{at} {}", column.declared))
            .collect();
        let mut statements = format!("CREATE TABLE every.{name} ({});\n", declared.join(", "));
        for row in 0..self.rows.len() {
            let values: Vec<String> = self
                .columns
                .iter()
                .map(|column| column.values.get(row).map_or("NULL".to_owned(), |(sql, _)| quoted(sql)))
                .collect();
            statements += &format!("INSERT INTO every.{name} VALUES ({});\n", values.join(", "));
        }
        statements
    }

    fn check(&self, schema: &Schema, rows: &[Vec<Cell>], how: &str) {
        assert_eq!(schema.fields.len(), self.columns.len(), "{how}");
        for (field, column) in schema.fields.iter().zip(&self.columns) {
            assert_eq!(field.native, column.declared, "{how}");
            assert_eq!(field.logical.to_string(), column.logical, "{how}: {}", column.declared);
        }
        assert_eq!(rows.len(), self.rows.len(), "{how}");
        for (found, expected) in rows.iter().zip(&self.rows) {
            for ((found, expected), column) in found.iter().zip(expected).zip(&self.columns) {
                // As text, so that not-a-number equals itself.
                assert_eq!(format!("{found:?}"), format!("{expected:?}"), "{how}: {}", column.declared);
            }
        }
    }
}

/// A database with both tables.
fn database(server: &Postgres, tables: &[(&str, &Table)]) -> String {
    // A table whose name is a value of another.
    let mut setup = format!("{SETUP}\nCREATE TABLE every.kinds ();\n");
    for (name, table) in tables {
        setup += &table.statements(name);
    }
    let name = server.database("types", &setup).unwrap();
    format!("{}?sslmode=disable", server.url(server.user, "", &name))
}

async fn open(folder: &Path, url: &str) -> Arc<Opened> {
    let workspace = Workspace::open(Some(folder.join("data"))).await.unwrap();
    let target = Target::resolve(&workspace, url).await.unwrap();
    Opened::open(&CallCtx::detached(), &workspace, &target).await.unwrap()
}

fn spec(name: &str, bound: Bound) -> ReadSpec {
    ReadSpec { bound, ..ReadSpec::preview(NodePath::of(["every", name])) }
}

fn given(name: &str) -> Override {
    Override { reason: "a test".to_owned(), node_name: Some(name.to_owned()) }
}

/// What a read gives, and the statements it sent.
async fn read(opened: &Opened, name: &str, bound: Bound) -> (Schema, Vec<Vec<Cell>>, String) {
    let ctx = CallCtx::detached();
    let prepared = opened.prepare(&ctx, spec(name, bound)).await.unwrap();
    let sent: Vec<String> = prepared.plan.steps.iter().map(|step| step.text.clone()).collect();
    let mut sink = Collected::default();
    let done = opened.read(&ctx, prepared, Some(&given(name)), &mut sink).await.unwrap();
    assert_eq!(done.report.end.unwrap(), ReadEnd::Complete);
    let schema = sink.batches.first().map(|batch| (*batch.schema).clone()).unwrap();
    let rows = sink.batches.iter().flat_map(|batch| {
        (0..batch.row_count())
            .map(|row| (0..batch.schema.fields.len()).map(|at| batch.cell(row, at)).collect())
    });
    (schema, rows.collect(), sent.join("\n"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_type_is_exact_in_a_preview_in_a_copy_of_either_format_and_in_every_file() {
    let (plain, others) = (Table::new(plain_columns()), Table::new(other_columns()));
    for version in Version::ALL {
        let folder = tempfile::tempdir().unwrap();
        let server = lab::postgres(version);
        let opened = open(folder.path(), &database(server, &[("plain", &plain), ("others", &others)])).await;
        for (name, table, format) in [("plain", &plain, "binary"), ("others", &others, "text")] {
            let (schema, rows, sent) = read(&opened, name, Bound::rows(100)).await;
            assert!(!sent.contains("TO STDOUT"), "{sent}");
            table.check(&schema, &rows, "preview");
            let (schema, rows, sent) = read(&opened, name, Bound::default()).await;
            assert!(sent.contains(&format!("TO STDOUT (FORMAT {format})")), "{sent}");
            table.check(&schema, &rows, format);
            for format in ExportFormat::ALL {
                let file = folder.path().join(format!("{name}.{}", format.word()));
                let to = Destination::new(file.clone(), None, FormulaText::AsItIs, IfThere::Refuse).unwrap();
                let ctx = CallCtx::detached();
                let prepared = opened.prepare(&ctx, spec(name, Bound::default())).await.unwrap();
                opened.export(&ctx, prepared, Some(&given(name)), to).await.unwrap();
                files::check(&file, format, &schema, &table.rows);
            }
        }
    }
}

/// Numbers and moments from all over their types, made by the server from a fixed seed.
const MANY: &str = "CREATE SCHEMA every;
SELECT setseed(0.5);
CREATE TABLE every.many AS SELECT i AS id,
    round((random() - 0.5)::numeric * (10 ^ (random() * 30))::numeric, (random() * 20)::int) AS any_number,
    ((random() - 0.5) * 10 ^ (random() * 15))::numeric(28,10) AS fixed,
    ((random() - 0.5) * 10 ^ (random() * 600 - 300))::float8 AS float,
    ((random() - 0.5) * 10 ^ (random() * 70 - 35))::float4 AS short_float,
    date '0001-01-01' + ((random() - 0.3) * 3000000)::int AS day,
    timestamp '0001-01-01' + (random() - 0.01) * interval '270000 years' AS moment,
    timestamptz '2000-01-01 00:00:00+00' + (random() - 0.5) * interval '100 years' AS instant,
    time '00:00' + random() * interval '24 hours' AS of_day,
    md5(random()::text)::uuid AS id_of_it,
    decode(md5(random()::text), 'hex') AS raw
FROM generate_series(1, 1900) AS i;";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_values_are_the_same_in_a_preview_as_text_and_in_a_binary_copy() {
    for version in Version::ALL {
        let folder = tempfile::tempdir().unwrap();
        let server = lab::postgres(version);
        let name = server.database("many", MANY).unwrap();
        let url = format!("{}?sslmode=disable", server.url(server.user, "", &name));
        let opened = open(folder.path(), &url).await;
        let (_, mut text, sent) = read(&opened, "many", Bound::rows(1901)).await;
        assert!(!sent.contains("TO STDOUT"), "{sent}");
        let (_, mut binary, sent) = read(&opened, "many", Bound::default()).await;
        assert!(sent.contains("(FORMAT binary)"), "{sent}");
        let by_id = |row: &Vec<Cell>| if let Cell::Int(id) = row[0] { id } else { i64::MAX };
        text.sort_by_key(by_id);
        binary.sort_by_key(by_id);
        assert_eq!((text.len(), binary.len()), (1900, 1900));
        for (text, binary) in text.iter().zip(&binary) {
            assert_eq!(format!("{text:?}"), format!("{binary:?}"));
            assert!(!text.iter().any(|cell| matches!(cell, Cell::Invalid(_))), "{text:?}");
        }
    }
}
