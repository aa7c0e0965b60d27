//! Catalogue answers of a real server (15) and what types come of them.

use super::*;

/// Answers to [`TYPE_FACTS_TEXT`] as `psql -At` prints them: `|` between columns, nothing for null.
pub(in crate::connectors::postgres) const ANSWERS: &str = r#"23|integer|int4|b|N||,||-1|0|||||
25|text|text|b|S||,||-1|0|||||
1007|integer[]|_int4|b|A|23|,||-1|0|||||
16389|mood|mood|e|E||,||-1|0||{sad,"it's, ok","\"quoted\""}|||
16397|pair|pair|c|C||,||-1|0|||{a,"b c",d}|{23,25,1700}|{-1,-1,655366}
16399|nest[]|_nest|b|A|16400|,||-1|0|||||
16400|nest|nest|c|C||,||-1|0|||{p,l,m}|{16397,1007,16389}|{-1,-1,-1}
16405|grid3|grid3|d|A||,|1007|-1|2|||||
16407|public.price|price|d|N||,|1700|524294|0|||||
16409|floatmultirange|floatmultirange|m|R||,||-1|0|16411||||
16411|floatrange|floatrange|r|R||,||-1|0|701||||
16422|citext|citext|b|S||,||-1|0|||||
16500|hstore|hstore|b|U||,||-1|0|||||
16501|public.geometry|geometry|b|U||:||-1|0|||||
16502|geometry[]|_geometry|b|A|16501|,||-1|0|||||
16531|empty_c|empty_c|c|C||,||-1|0|||||"#;

pub(in crate::connectors::postgres) fn answers(text: &str) -> Vec<Vec<Option<String>>> {
    let field = |field: &str| (!field.is_empty()).then(|| field.to_owned());
    text.lines().map(|line| line.split('|').map(field).collect()).collect()
}

pub(in crate::connectors::postgres) fn types() -> Types {
    let mut types = Types::default();
    types.add(&answers(ANSWERS)).unwrap();
    types
}

#[test]
fn built_in_types_are_known_without_asking() {
    let types = Types::default();
    for (oid, typmod, name, logical) in [
        (16, -1, "boolean", "bool"),
        (20, -1, "bigint", "int64"),
        (21, -1, "smallint", "int16"),
        (26, -1, "oid", "uint32"),
        (5069, -1, "xid8", "uint64"),
        (700, -1, "real", "float32"),
        (1700, -1, "numeric", "decimal"),
        (1700, (15 << 16 | 2) + 4, "numeric(15,2)", "decimal(15,2)"),
        (1700, (3 << 16 | (-2 & 2047)) + 4, "numeric(3,-2)", "decimal(5,0)"),
        (1700, (3 << 16 | 5) + 4, "numeric(3,5)", "decimal(5,5)"),
        (1700, (1000 << 16 | 500) + 4, "numeric(1000,500)", "decimal"),
        (1231, (10 << 16 | 2) + 4, "numeric(10,2)[]", "list<decimal(10,2)>"),
        (1042, 14, "character(10)", "text"),
        (1042, -1, "bpchar", "text"),
        (1043, 14, "character varying(10)", "text"),
        (1015, 14, "character varying(10)[]", "list<text>"),
        (18, -1, "\"char\"", "text"),
        (1560, 3, "bit(3)", "bits"),
        (1562, -1, "bit varying", "bits"),
        (1083, 3, "time(3) without time zone", "time"),
        (1266, 2, "time(2) with time zone", "opaque(timetz)"),
        (1184, 0, "timestamp(0) with time zone", "timestamp with zone"),
        (1114, -1, "timestamp without time zone", "timestamp"),
        (1186, 1 << 18 | 65535, "interval year", "interval"),
        (1186, 0x1c08 << 16 | 3, "interval day to second(3)", "interval"),
        (1186, 0x7fff_ffff, "interval", "interval"),
        (790, -1, "money", "opaque(money)"),
        (3904, -1, "int4range", "range<int32>"),
        (4534, -1, "tstzmultirange", "list<range<timestamp with zone>>"),
        (6150, -1, "int4multirange[]", "list<list<range<int32>>>"),
        (1020, -1, "box[]", "list<opaque(box)>"),
        (2249, -1, "record", "opaque(record)"),
        (705, -1, "unknown", "text"),
        (99_999, -1, "type 99999", "opaque(type 99999)"),
    ] {
        let column = types.column(oid, typmod);
        assert_eq!((column.name.as_str(), column.logical.to_string().as_str()), (name, logical));
    }
    assert_eq!(types.missing([23, 0, 16_400, 1231, 16_389, 16_400]), [16_389, 16_400]);
}

#[test]
fn types_of_a_database_are_read_from_what_the_catalogue_says() {
    let types = types();
    let nest = "struct<p: struct<a: int32, b c: text, d: decimal(10,2)>, l: list<int32>, m: enum>";
    for (oid, name, logical) in [
        (16_389, "mood", "enum"),
        (16_400, "nest", nest),
        (16_399, "nest[]", &format!("list<{nest}>")),
        (16_405, "grid3", "list<list<int32>>"),
        (16_407, "public.price", "decimal(8,2)"),
        (16_409, "floatmultirange", "list<range<float64>>"),
        (16_422, "citext", "text"),
        (16_500, "hstore", "opaque(hstore)"),
        (16_501, "public.geometry", "geometry"),
        (16_531, "empty_c", "struct<>"),
    ] {
        let column = types.column(oid, -1);
        assert_eq!((column.name.as_str(), column.logical.to_string().as_str()), (name, logical));
    }
    let labels = ["sad", "it's, ok", "\"quoted\""].map(str::to_owned).to_vec();
    assert_eq!(types.column(16_389, -1).logical, LogicalType::Enum { labels });
    assert!(types.missing([16_389, 16_502]).is_empty());
    let Reading::Array(_, delimiter) = types.column(16_502, -1).reading else { panic!("no array") };
    assert_eq!(delimiter, b':');
    let grid = types.column(1007, -1).with_dimensions(2);
    assert_eq!(grid.logical.to_string(), "list<list<int32>>");
    assert_eq!(types.column(23, -1).with_dimensions(2).logical, types.column(23, -1).logical);
}

#[test]
fn a_made_up_catalogue_neither_loops_nor_breaks() {
    let mut types = Types::default();
    let loops = "20000|a|a|c|C||,||-1|0|||{x}|{20001}|{-1}\n20001|b|b|d|C||,|20000|-1|0|||||\n\
                 20002|c|c|r|R||,||-1|0|20002||||\n20003|d|d|b|A|20003|,||-1|0|||||";
    types.add(&answers(loops)).unwrap();
    for oid in 20_000..20_004 {
        assert!(types.column(oid, -1).logical.to_string().contains("opaque"));
    }
    for row in
        ["", "x|a|a|b|N||,||-1|0|||||", "1|a|a|c|C||,||-1|0|||{x}|{y}|{-1}", "1|a|a|e|C||,||-1|0||{x|||"]
    {
        assert!(types.add(&answers(&format!("{row}\n"))).is_err(), "{row}");
    }
}

#[test]
fn the_query_asks_for_all_types_at_once() {
    let query = facts_query(&[16_389, 16_400]);
    assert!(query.contains("t.oid IN (16389, 16400)") && !query.contains('{'));
}
