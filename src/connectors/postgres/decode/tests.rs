//! Texts of a real server (15, under the settings of a read) and the values they are.

use std::sync::Arc;

use super::*;
use crate::connectors::postgres::types::{Types, tests as catalogue};
use crate::kit::dice::Dice;
use crate::model::batch::{BatchBuilder, Origin};
use crate::model::schema::{Field, Schema};

/// The value of a text by both ways: as a cell, and through a column.
fn check(types: &Types, oid: u32, typmod: i32, text: &[u8], expected: &Cell) {
    let column = types.column(oid, typmod);
    check_column(&column, text, expected);
}

fn check_column(column: &ColumnType, text: &[u8], expected: &Cell) {
    let shown = text.escape_ascii();
    assert_eq!(same(&cell(column, Some(text))), same(expected), "{shown} as {}", column.name);
    let mut builder = BatchBuilder::new(Arc::new(Schema::new(vec![Field::new("a", column.logical.clone())])));
    push(builder.slot(0).unwrap(), column, Some(text));
    builder.end_row();
    push(builder.slot(0).unwrap(), column, None);
    builder.end_row();
    let batch = builder.take(Origin::default()).unwrap();
    assert_eq!(same(&batch.cell(0, 0)), same(expected), "{shown} in a column of {}", column.name);
    assert_eq!(batch.cell(1, 0), Cell::Null);
}

/// Not-a-number equals itself here.
fn same(cell: &Cell) -> String {
    format!("{cell:?}")
}

fn exact(text: &str) -> Cell {
    Cell::Exact(text.to_owned())
}

fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

fn decimal(text: &str) -> Cell {
    Cell::Decimal(text.to_owned())
}

fn json(text: &str) -> Cell {
    Cell::Json(text.to_owned())
}

#[test]
fn numbers_are_exact() {
    let types = Types::default();
    let numeric = |precision: i32, scale: i32| (precision << 16 | (scale & 2047)) + 4;
    let thousand = format!("-{}.{}", "9".repeat(600), "1".repeat(400));
    let wide = "9".repeat(60);
    for (oid, typmod, written, expected) in [
        (16, -1, "t", Cell::Bool(true)),
        (16, -1, "f", Cell::Bool(false)),
        (21, -1, "-32768", Cell::Int(-32_768)),
        (23, -1, "2147483647", Cell::Int(2_147_483_647)),
        (20, -1, "-9223372036854775808", Cell::Int(i64::MIN)),
        (26, -1, "4294967295", Cell::UInt(4_294_967_295)),
        (28, -1, "123", Cell::UInt(123)),
        (5069, -1, "18446744073709551615", Cell::UInt(u64::MAX)),
        (701, -1, "1e-05", Cell::Float(1e-5)),
        (701, -1, "1e+300", Cell::Float(1e300)),
        (701, -1, "-0", Cell::Float(-0.0)),
        (701, -1, "NaN", Cell::Float(f64::NAN)),
        (700, -1, "0.1", Cell::Float32(0.1)),
        (700, -1, "1.2345679e+08", Cell::Float32(123_456_789.0)),
        (700, -1, "-Infinity", Cell::Float32(f32::NEG_INFINITY)),
        (1700, numeric(15, 2), "-1234567890123.45", decimal("-1234567890123.45")),
        (1700, numeric(15, 2), "0.00", decimal("0.00")),
        (
            1700,
            numeric(38, 10),
            "9999999999999999999999999999.0123456789",
            decimal("9999999999999999999999999999.0123456789"),
        ),
        (1700, numeric(60, 0), &wide, decimal(&wide)),
        (1700, numeric(3, -2), "12300", decimal("12300")),
        (1700, numeric(3, 5), "0.00123", decimal("0.00123")),
        (1700, numeric(5, 2), "NaN", exact("NaN")),
        (1700, -1, &thousand, decimal(&thousand)),
        (1700, -1, "1.10", decimal("1.10")),
        (1700, -1, "-Infinity", exact("-Infinity")),
        (790, -1, "-$1,234,567.89", exact("-$1,234,567.89")),
    ] {
        check(&types, oid, typmod, written.as_bytes(), &expected);
    }
}

#[test]
fn text_bytes_and_json_come_as_they_are() {
    let types = Types::default();
    for (oid, written, expected) in [
        (
            25,
            "line\nb\ttab\\back\r\u{8}\u{c}\u{b}\u{1}é😀",
            text("line\nb\ttab\\back\r\u{8}\u{c}\u{b}\u{1}é😀"),
        ),
        (25, "", text("")),
        (1043, "ä", text("ä")),
        (1042, "ab   ", text("ab   ")),
        (19, "n", text("n")),
        (18, "", text("")),
        (705, "?", text("?")),
        (17, "\\x00ff", Cell::Bytes(vec![0, 255])),
        (17, "a\\000", Cell::Bytes(vec![b'a', 0])),
        (
            114,
            r#"{"b":1, "a":1.00000000000000000001,"a":2}"#,
            json(r#"{"b":1, "a":1.00000000000000000001,"a":2}"#),
        ),
        (3802, r#"{"a": 2, "b": 1}"#, json(r#"{"a": 2, "b": 1}"#)),
        (2950, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", exact("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")),
        (1560, "10100", exact("10100")),
        (1562, "", exact("")),
    ] {
        check(&types, oid, -1, written.as_bytes(), &expected);
    }
}

#[test]
fn times_are_numbers_and_what_no_number_holds_is_text() {
    let types = Types::default();
    for (oid, written, expected) in [
        (1082, "2024-02-29", Cell::Date(19_782)),
        (1082, "12345-06-07", Cell::Date(3_789_548)),
        (1082, "4713-01-01 BC", exact("4713-01-01 BC")),
        (1082, "5874897-12-31", exact("5874897-12-31")),
        (1082, "infinity", exact("infinity")),
        (1083, "12:34:56.5", Cell::Time(45_296_500_000)),
        (1083, "24:00:00", exact("24:00:00")),
        (1266, "12:34:56.5+05:30", exact("12:34:56.5+05:30")),
        (1266, "24:00:00+00", exact("24:00:00+00")),
        (1114, "2000-01-01 00:00:00.000001", Cell::Timestamp(946_684_800_000_001)),
        (1114, "294276-12-31 23:59:59.999999", exact("294276-12-31 23:59:59.999999")),
        (1114, "4713-01-01 00:00:00 BC", exact("4713-01-01 00:00:00 BC")),
        (1114, "-infinity", exact("-infinity")),
        (1184, "2000-01-01 00:00:00+00", Cell::Timestamp(946_684_800_000_000)),
        (1184, "12345-06-07 08:09:10.5+00", Cell::Timestamp(327_416_976_550_500_000)),
        (1184, "4713-01-01 00:00:00+00 BC", exact("4713-01-01 00:00:00+00 BC")),
        (1184, "294276-12-31 23:59:59.999999+00", exact("294276-12-31 23:59:59.999999+00")),
        (1186, "P1Y2M3DT4H5M6.7S", exact("P1Y2M3DT4H5M6.7S")),
        (1186, "P1MT-0.000001S", exact("P1MT-0.000001S")),
        (1186, "infinity", exact("infinity")),
    ] {
        check(&types, oid, -1, written.as_bytes(), &expected);
    }
}

#[test]
fn types_without_a_value_of_ours_are_their_exact_text() {
    let types = catalogue::types();
    for (oid, written) in [
        (869, "10.0.0.0/8"),
        (869, "::1"),
        (650, "10.0.0.0/8"),
        (829, "08:00:2b:01:02:03"),
        (774, "08:00:2b:01:02:03:04:05"),
        (3614, "'a':1A 'b':2 'c d'"),
        (3615, "'a' & 'b' | !'c'"),
        (600, "(1,2)"),
        (628, "{1,2,3}"),
        (601, "[(1,2),(3,4)]"),
        (603, "(1,1),(0,0)"),
        (602, "((1,2),(3,4))"),
        (604, "((1,2),(3,4))"),
        (718, "<(1,2),0.1>"),
        (142, "<a>b</a>"),
        (3220, "16/B374D848"),
        (2970, "10:20:10,14,15"),
        (5038, "10:20:10,14,15"),
        (2205, "pg_class"),
        (2202, "sum(integer)"),
        (2206, "integer"),
        (3734, "english"),
        (27, "(0,1)"),
        (4072, "$.\"a\"[*]?(@ > 1)"),
        (1033, "app=arwdDxt/app"),
        (22, "1 2 3"),
        (2249, "(1,a)"),
        (2278, ""),
        (3904, "[1,5)"),
        (3904, "empty"),
        (3906, "(,1.5]"),
        (3910, "[\"2024-01-01 00:00:00+00\",infinity)"),
        (3912, "(,)"),
        (16_411, "[0.1,1e+300)"),
        (16_389, "it's, ok"),
        (16_500, "\"a\"=>\"1\", \"b\"=>NULL, \"c d\"=>\"x\\\"y\""),
        (16_501, "0101000020E6100000000000000000F03F0000000000000040"),
        (99_999, "whatever"),
    ] {
        check(&types, oid, -1, written.as_bytes(), &exact(written));
    }
    check(&types, 16_422, -1, b"CiTe", &text("CiTe"));
    check(&types, 16_407, -1, b"1.50", &decimal("1.50"));
}

#[test]
fn arrays_are_lists_of_their_elements() {
    let types = catalogue::types();
    let ints = |values: &[i64]| Cell::List(values.iter().copied().map(Cell::Int).collect());
    let words = r#"{"a b","","NULL","null",NULL,"x\"y","b\\s","c,d","{z}"," lead"}"#;
    let pair = Cell::Struct(vec![
        ("a".into(), Cell::Int(1)),
        ("b c".into(), text("a \"b\", \\ (c)")),
        ("d".into(), decimal("1.50")),
    ]);
    let mut pairs = catalogue::types();
    pairs.add(&catalogue::answers("16398|pair[]|_pair|b|A|16397|,||-1|0|||||")).unwrap();
    check(&pairs, 16_398, -1, br#"{"(1,\"a \"\"b\"\", \\\\ (c)\",1.50)"}"#, &Cell::List(vec![pair]));
    let rows: Vec<(u32, &str, Cell)> = vec![
        (1007, "{}", Cell::List(vec![])),
        (1007, "{1,NULL,3}", Cell::List(vec![Cell::Int(1), Cell::Null, Cell::Int(3)])),
        (1007, "{{1,2},{3,4}}", Cell::List(vec![ints(&[1, 2]), ints(&[3, 4])])),
        (1007, "[0:1]={7,8}", exact("[0:1]={7,8}")),
        (1007, "[1:1][-2:-1]={{7,8}}", exact("[1:1][-2:-1]={{7,8}}")),
        (
            1009,
            words,
            Cell::List(vec![
                text("a b"),
                text(""),
                text("NULL"),
                text("null"),
                Cell::Null,
                text("x\"y"),
                text("b\\s"),
                text("c,d"),
                text("{z}"),
                text(" lead"),
            ]),
        ),
        (
            1185,
            r#"{"2023-12-31 22:00:00+00",infinity}"#,
            Cell::List(vec![Cell::Timestamp(1_704_060_000_000_000), exact("infinity")]),
        ),
        (1020, "{(1,1),(0,0);(2,2),(1,1)}", Cell::List(vec![exact("(1,1),(0,0)"), exact("(2,2),(1,1)")])),
        (1001, r#"{"\\xdead","\\x"}"#, Cell::List(vec![Cell::Bytes(vec![0xde, 0xad]), Cell::Bytes(vec![])])),
        (1231, "{1.5,NaN}", Cell::List(vec![decimal("1.5"), exact("NaN")])),
        (1000, "{t,f}", Cell::List(vec![Cell::Bool(true), Cell::Bool(false)])),
        (3905, r#"{"[1,3)"}"#, Cell::List(vec![exact("[1,3)")])),
        (4451, "{[1,3),[5,8)}", Cell::List(vec![exact("[1,3)"), exact("[5,8)")])),
        (4532, "{}", Cell::List(vec![])),
        (
            4534,
            r#"{["2024-01-01 00:00:00+00","2024-02-01 00:00:00+00")}"#,
            Cell::List(vec![exact(r#"["2024-01-01 00:00:00+00","2024-02-01 00:00:00+00")"#)]),
        ),
    ];
    for (oid, written, expected) in rows {
        check(&types, oid, -1, written.as_bytes(), &expected);
    }
    let grid = types.column(1007, -1).with_dimensions(2);
    check_column(&grid, b"{{1,2},{3,4}}", &Cell::List(vec![ints(&[1, 2]), ints(&[3, 4])]));
    check_column(&grid, b"{1,2}", &ints(&[1, 2]));
}

#[test]
fn arrays_deeper_than_their_type_still_print_their_items_by_it() {
    let column = Types::default().column(1185, -1);
    let nested = cell(&column, Some(br#"{{"2024-01-01 00:00:00+00"},{infinity}}"#));
    let expected = r#"[["2024-01-01T00:00:00.000000Z"],[{"$time":"infinity"}]]"#;
    assert_eq!(nested.text(&column.logical), expected);
}

#[test]
fn composites_are_structs_of_their_fields() {
    let types = catalogue::types();
    let pair =
        |a: Cell, b: Cell, d: Cell| Cell::Struct(vec![("a".into(), a), ("b c".into(), b), ("d".into(), d)]);
    let nest = Cell::Struct(vec![
        ("p".into(), pair(Cell::Int(1), text("x\"y\\"), decimal("0.50"))),
        ("l".into(), Cell::List(vec![Cell::Int(1), Cell::Int(2)])),
        ("m".into(), exact("\"quoted\"")),
    ]);
    let rows: Vec<(u32, &str, Cell)> = vec![
        (16_397, r#"(1,"",)"#, pair(Cell::Int(1), text(""), Cell::Null)),
        (16_397, "(,,)", pair(Cell::Null, Cell::Null, Cell::Null)),
        (16_397, r#"(1,"a,b""c\\d(e) f",2.00)"#, pair(Cell::Int(1), text("a,b\"c\\d(e) f"), decimal("2.00"))),
        (16_400, r#"("(1,""x""""y\\\\"",0.50)","{1,2}","""quoted""")"#, nest),
        (16_531, "()", Cell::Struct(vec![])),
        (16_397, "(1,2)", exact("(1,2)")),
    ];
    for (oid, written, expected) in rows {
        check(&types, oid, -1, written.as_bytes(), &expected);
    }
}

#[test]
fn what_is_no_value_of_its_type_keeps_its_bytes() {
    let types = catalogue::types();
    let rows: Vec<(u32, &[u8])> = vec![
        (16, b"true"),
        (16, b""),
        (23, b"1.0"),
        (23, b"9223372036854775808"),
        (701, b"1,5"),
        (1700, b"1e5"),
        (25, b"\xff"),
        (114, b"\xc3"),
        (17, b"\\x0"),
        (1082, b"2001-02-29"),
        (1184, b"2001-02-28 00:00:00"),
        (1083, b"7"),
        (2950, b"not a uuid"),
        (1560, b"102"),
        (2205, b"\xff"),
        (3904, b"[1,5"),
        (3904, b"[1)"),
        (3904, b"[1,2)x"),
        (3904, b""),
        (4451, b"{[1,2)"),
        (4451, b"{[1,2)[3,4)}"),
        (4451, b"{,}"),
        (1007, b""),
        (1007, b"{"),
        (1007, b"{1,}"),
        (1007, b"{,1}"),
        (1007, b"{1}}"),
        (1007, b"{1}x"),
        (1007, b"{{1},2}"),
        (1007, b"{1,{2}}"),
        (1007, b"{{},{}}"),
        (1007, b"{{{{{{{1}}}}}}}"),
        (1007, b"{\"1}"),
        (1007, b"{\"1\\"),
        (1007, b"{1\"2\"}"),
        (1007, b"[0:1={1}"),
        (1007, b"[0]={1}"),
        (1007, b"[a:b]={1}"),
        (1007, b"[0:1]="),
        (16_397, b""),
        (16_397, b"("),
        (16_397, b"(1,2,3"),
        (16_397, b"(1,\"2,3)"),
        (16_397, b"(1,2,3)x"),
        (16_397, b"(1,2,3\\"),
    ];
    for (oid, written) in rows {
        check(&types, oid, -1, written, &Cell::Invalid(written.to_vec()));
    }
    let list = Cell::List(vec![Cell::Int(1), Cell::Invalid(b"x".to_vec())]);
    check(&types, 1007, -1, b"{1,x}", &list);
}

/// The text of a list of texts as `array_out` writes it, every item quoted.
fn written_list(items: &Cell) -> Vec<u8> {
    match items {
        Cell::List(items) => {
            let inner: Vec<Vec<u8>> = items.iter().map(written_list).collect();
            [b"{".as_slice(), &inner.join(&b","[..]), b"}"].concat()
        }
        Cell::Text(text) => {
            let mut out = vec![b'"'];
            for byte in text.bytes() {
                if matches!(byte, b'"' | b'\\') {
                    out.push(b'\\');
                }
                out.push(byte);
            }
            out.push(b'"');
            out
        }
        _ => b"NULL".to_vec(),
    }
}

/// The text of a row as `record_out` writes it, every field quoted.
fn written_row(fields: &[Option<Vec<u8>>]) -> Vec<u8> {
    let quoted = |field: &Option<Vec<u8>>| {
        let Some(field) = field else { return Vec::new() };
        let mut out = vec![b'"'];
        for byte in field {
            if matches!(byte, b'"' | b'\\') {
                out.push(*byte);
            }
            out.push(*byte);
        }
        out.push(b'"');
        out
    };
    let fields: Vec<Vec<u8>> = fields.iter().map(quoted).collect();
    [b"(".as_slice(), &fields.join(&b","[..]), b")"].concat()
}

fn random_text(dice: &mut Dice) -> String {
    (0..dice.below(8))
        .map(|_| ['"', '\\', ',', '{', '}', '(', ')', ' ', 'a', 'é', ';', '\n'][dice.below(12) as usize])
        .collect()
}

#[test]
fn random_arrays_and_rows_come_back_from_their_text() {
    let mut dice = Dice::new(7);
    let mut types = Types::default();
    let row = "20000|row|row|c|C||,||-1|0|||{a,b,c}|{25,1009,1009}|{-1,-1,-1}";
    types.add(&catalogue::answers(row)).unwrap();
    let row = types.column(20_000, -1);
    let leaf = |dice: &mut Dice| {
        if dice.below(5) == 0 { Cell::Null } else { Cell::Text(random_text(dice)) }
    };
    for _ in 0..500 {
        let (wide, deep) = (1 + dice.below(4), dice.below(3));
        let list = |dice: &mut Dice| {
            let flat = |dice: &mut Dice| Cell::List((0..wide).map(|_| leaf(dice)).collect());
            if deep == 0 { flat(dice) } else { Cell::List((0..deep).map(|_| flat(dice)).collect()) }
        };
        let (first, second) = (list(&mut dice), list(&mut dice));
        check(&types, 1009, -1, &written_list(&first), &first);
        let word = leaf(&mut dice);
        let raw = match &word {
            Cell::Text(text) => Some(text.as_bytes().to_vec()),
            _ => None,
        };
        let written = written_row(&[raw, Some(written_list(&first)), Some(written_list(&second))]);
        let value = Cell::Struct(vec![("a".into(), word), ("b".into(), first), ("c".into(), second)]);
        check_column(&row, &written, &value);
    }
}

#[test]
fn random_ranges_are_told_from_broken_ones_and_found_in_their_multirange() {
    let mut dice = Dice::new(11);
    let types = Types::default();
    for _ in 0..500 {
        let bound = |dice: &mut Dice| match dice.below(3) {
            0 => String::new(),
            1 => dice.below(100).to_string(),
            _ => format!("\"{}\"", random_text(dice).replace('\\', "\\\\").replace('"', "\"\"")),
        };
        let ranges: Vec<String> = (0..dice.below(4))
            .map(|_| {
                let open = ["[", "("][dice.below(2) as usize];
                let close = ["]", ")"][dice.below(2) as usize];
                let (low, high) = (bound(&mut dice), bound(&mut dice));
                format!("{open}{low},{high}{close}")
            })
            .collect();
        for range in &ranges {
            check(&types, 3906, -1, range.as_bytes(), &exact(range));
            let cut: Vec<u8> = range.bytes().take(range.len() - 1).collect();
            check(&types, 3906, -1, &cut, &Cell::Invalid(cut.clone()));
        }
        let all = Cell::List(ranges.iter().map(|range| exact(range)).collect());
        check(&types, 4532, -1, format!("{{{}}}", ranges.join(",")).as_bytes(), &all);
    }
}

#[test]
fn noise_never_panics_and_never_changes() {
    let mut dice = Dice::new(3);
    let types = catalogue::types();
    let oids = [
        16, 17, 20, 26, 700, 701, 1700, 1082, 1083, 1114, 1184, 2950, 1560, 3904, 4451, 1007, 1009, 16_397,
        16_400,
    ];
    for _ in 0..20_000 {
        let length = dice.below(14);
        let noise: Vec<u8> =
            (0..length).map(|_| b"{}[]()\",\\:=-+. 019NULBCtfxe\xff"[dice.below(28) as usize]).collect();
        for oid in oids {
            let column = types.column(oid, -1);
            if let Cell::Decimal(kept) | Cell::Exact(kept) | Cell::Text(kept) = cell(&column, Some(&noise)) {
                assert_eq!(kept.as_bytes(), noise);
            }
        }
    }
}

#[test]
fn a_filter_with_a_zero_character_is_refused_by_the_name_of_its_column() {
    for (filter, column) in [
        ("name = 'a\0b'", Some("name")),
        ("id = 1 and (not city like '%\0')", Some("city")),
        ("id in (1, 2) or name in ('a', '\0')", Some("name")),
        ("name = 'a' and id between 1 and 2 and city is null", None),
    ] {
        let refused = refuse_nul_in(&Filter::parse(filter).unwrap());
        match column {
            None => assert!(refused.is_ok()),
            Some(column) => {
                let error = refused.unwrap_err();
                assert_eq!(error.kind, ErrorKind::Invalid);
                assert_eq!(error.context, [("column".to_owned(), column.to_owned())]);
            }
        }
    }
    assert!(refuse_nul("a\0", "c").is_err() && refuse_nul("a", "c").is_ok());
}
