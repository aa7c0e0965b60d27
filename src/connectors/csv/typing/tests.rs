use super::super::typing::{ColumnReader, Value};
use super::*;
use std::rc::Rc;

fn sample(cells: &[&str]) -> ColumnSample {
    let mut sample = ColumnSample::default();
    for cell in cells {
        sample.add(cell.as_bytes());
    }
    sample
}

fn decide_one(cells: &[&str]) -> ColumnType {
    decide(&[sample(cells)], None).0.columns[0]
}

const STAMP: TypeKind =
    TypeKind::Timestamp { order: DateOrder::YearFirst, fraction: 0, zone: ZoneShape::Absent };

#[test]
fn a_column_has_the_narrowest_type_that_fits() {
    let dec = |scale, mark| TypeKind::Decimal { precision: 18, scale, mark };
    let rows: &[(&[&str], TypeKind)] = &[
        (&[], TypeKind::Null),
        (&["", "NA"], TypeKind::Null),
        (&["true", "FALSE"], TypeKind::Bool),
        (&["1", "-2", "NULL"], TypeKind::Int64),
        (&[" 1", "2 "], TypeKind::Int64),
        (&["1", "2.5"], dec(1, DecimalMark::Point)),
        (&["10500,60", "3", "NA"], dec(2, DecimalMark::Comma)),
        (&["1,234", "5,678"], TypeKind::Text),
        (&["99999999999999999999"], TypeKind::Decimal { precision: 38, scale: 0, mark: DecimalMark::Point }),
        (&["1.5", "1e10"], TypeKind::Float64),
        (&["12E12", "13E5"], TypeKind::Text),
        (&["007", "008"], TypeKind::Text),
        (&["2018-01-28"], TypeKind::Date(DateOrder::YearFirst)),
        (&["28/01/2018", "05/04/2018"], TypeKind::Date(DateOrder::DayFirst)),
        (&["01/28/2018", "05/04/2018"], TypeKind::Date(DateOrder::MonthFirst)),
        (&["05/04/2018"], TypeKind::Text),
        (&["05.04.2018"], TypeKind::Date(DateOrder::DayFirst)),
        (&["00:15", "23:59"], TypeKind::Time(0)),
        (&["2013-02-01 09:56", "\\N"], STAMP),
        (
            &["2013-02-01T09:56:00Z", "2013-02-01T09:56:00+00:00"],
            TypeKind::Timestamp { order: DateOrder::YearFirst, fraction: 0, zone: ZoneShape::Utc },
        ),
        (
            &["2013-02-01T09:56:00.125Z", "2013-02-01T09:56:00+02:00"],
            TypeKind::Timestamp { order: DateOrder::YearFirst, fraction: 3, zone: ZoneShape::Offset },
        ),
        (&["2f1e8a3c-9b6d-4f70-8123-456789abcdef"], TypeKind::Uuid),
        (&["{\"a\":1}", "[1,2]"], TypeKind::Json),
        (&["{broken", "[1,2]"], TypeKind::Text),
        (&["abc", "1"], TypeKind::Text),
        (&["yes", "no"], TypeKind::Text),
    ];
    for (cells, expected) in rows {
        assert_eq!(decide_one(cells).kind, *expected, "{cells:?}");
    }
}

#[test]
fn one_cell_in_ten_may_be_an_exception() {
    let mut cells = vec!["1"; 18];
    cells.extend(["UA1117", "x"]);
    assert_eq!(decide_one(&cells).kind, TypeKind::Int64);
    cells.push("y");
    assert_eq!(decide_one(&cells).kind, TypeKind::Text);
}

#[test]
fn cells_read_as_their_column_says_or_stay_as_they_are() {
    let read = |kind, cell: &'static str| {
        let words: Rc<[&[u8]]> = NULL_SPELLINGS.iter().map(|word| word.as_bytes()).collect();
        ColumnReader { kind, words }.read(cell.as_bytes())
    };
    assert_eq!(read(TypeKind::Int64, "17"), Value::Int(17));
    assert_eq!(read(TypeKind::Int64, " 17 "), Value::Int(17));
    assert_eq!(read(TypeKind::Int64, "UA17"), Value::Exception(b"UA17"));
    assert_eq!(read(TypeKind::Int64, "017"), Value::Exception(b"017"));
    assert_eq!(read(TypeKind::Int64, "NA"), Value::Null(b"NA"));
    assert_eq!(read(TypeKind::Int64, ""), Value::Null(b""));
    assert_eq!(read(TypeKind::Int64, "  "), Value::Null(b"  "));
    assert_eq!(read(TypeKind::Bool, "TRUE"), Value::Bool(true));
    let money = TypeKind::Decimal { precision: 18, scale: 2, mark: DecimalMark::Comma };
    assert_eq!(read(money, "10500,60"), Value::Decimal(1_050_060));
    assert_eq!(read(money, "1,005"), Value::Exception(b"1,005"));
    let big = TypeKind::Decimal { precision: 60, scale: 0, mark: DecimalMark::Point };
    assert_eq!(
        read(big, "123456789012345678901234567890123456789012"),
        Value::BigDecimal(b"123456789012345678901234567890123456789012")
    );
    assert_eq!(read(TypeKind::Date(DateOrder::DayFirst), "02/01/1970"), Value::Date(1));
    assert_eq!(read(TypeKind::Date(DateOrder::DayFirst), "1970-01-02"), Value::Exception(b"1970-01-02"));
    assert_eq!(read(STAMP, "2013-02-01T09:56:00Z"), Value::Exception(b"2013-02-01T09:56:00Z"));
    assert!(
        matches!(read(STAMP, "2013-02-01 09:56"), Value::Moment(moment) if moment.seconds == 1_359_712_560)
    );
    assert_eq!(read(TypeKind::Json, "{\"a\":1}"), Value::Text(b"{\"a\":1}"));
    assert_eq!(read(TypeKind::Json, "{a}"), Value::Exception(b"{a}"));
    assert!(matches!(read(TypeKind::Uuid, "2f1e8a3c-9b6d-4f70-8123-456789abcdef"), Value::Uuid(_)));
    assert_eq!(ColumnReader { kind: TypeKind::Text, words: Rc::new([]) }.read(b" NA "), Value::Text(b" NA "));
    assert_eq!(read(TypeKind::Text, "NA"), Value::Null(b"NA"));
}

#[test]
fn the_file_as_a_whole_settles_what_one_column_leaves_open() {
    let samples = [
        sample(&["28/01/2018"]),
        sample(&["05/04/2018"]),
        sample(&["1", "NA"]),
        sample(&["N171", "NA", "null", "-"]),
    ];
    let (types, notes) = decide(&samples, None);
    assert_eq!(types.columns[1].kind, TypeKind::Date(DateOrder::DayFirst));
    assert_eq!(&*types.readers()[3].words, [&b"NA"[..], b"\\N"]);
    assert!(notes.is_empty(), "{notes:?}");
    let (types, _) = decide(&samples, Some(&["?".to_owned()]));
    assert_eq!(&*types.readers()[2].words, [b"?"]);
}

#[test]
fn notes_say_what_does_not_fit() {
    let mut cells = vec!["1"; 19];
    cells.push("UA1117");
    let (_, notes) = decide(&[sample(&cells), sample(&["05/04/2018"]), sample(&[""])], None);
    let texts: Vec<(usize, &str)> = notes.iter().map(|note| (note.column, note.text.as_str())).collect();
    assert_eq!(
        texts,
        [
            (0, "1 of 20 sampled values are not int64"),
            (1, "kept as text: day and month cannot be told apart"),
            (2, "no value in the sample"),
        ]
    );
}
