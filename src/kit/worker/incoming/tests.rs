use std::sync::Arc;

use super::*;
use crate::kit::worker::message::{batch_payload, json, state_payloads};
use crate::model::batch::{BatchBuilder, Origin};
use crate::model::cell::Cell;
use crate::model::column_state::{ColumnState, Sum};
use crate::model::dice::Dice;
use crate::model::schema::{Field, LogicalType, StructField, TimeUnit, Zone};

fn roll(dice: &mut Dice, sides: usize) -> usize {
    dice.below(sides as u64) as usize
}

fn wide_schema() -> Arc<Schema> {
    let micros = |zone| LogicalType::Timestamp { unit: TimeUnit::Microsecond, zone };
    let types = vec![
        LogicalType::Null,
        LogicalType::Bool,
        LogicalType::INT64,
        LogicalType::Int { bits: 8, signed: false },
        LogicalType::FLOAT64,
        LogicalType::Decimal { precision: Some(50), scale: Some(2) },
        LogicalType::Text,
        LogicalType::Bytes,
        LogicalType::Date,
        micros(Zone::Named("Europe/Berlin".to_owned())),
        LogicalType::List { item: Box::new(LogicalType::Text) },
        LogicalType::Struct {
            fields: vec![StructField { name: "a".to_owned(), logical: LogicalType::Bool }],
        },
        LogicalType::Map { key: Box::new(LogicalType::Text), value: Box::new(LogicalType::INT64) },
        LogicalType::Json,
    ];
    let fields =
        types.into_iter().enumerate().map(|(index, logical)| Field::new(format!("c{index}"), logical));
    Arc::new(Schema::new(fields.collect()))
}

fn row(index: i64) -> Vec<Cell> {
    vec![
        Cell::Null,
        Cell::Bool(index % 2 == 0),
        if index % 3 == 0 { Cell::Float(f64::NAN) } else { Cell::Int(index) },
        Cell::UInt(200),
        Cell::Float(0.1 + 0.2),
        Cell::Decimal("1234567890123456789012345678901234567890.12".to_owned()),
        if index == 1 { Cell::Missing } else { Cell::Text("é✓".to_owned()) },
        Cell::Invalid(vec![0xff]),
        Cell::Date(-719_162),
        Cell::Timestamp(index),
        Cell::List(vec![Cell::Text("x".to_owned()), Cell::Null]),
        Cell::Struct(vec![("a".to_owned(), Cell::Bool(true))]),
        Cell::Map(vec![(Cell::Text("k".to_owned()), Cell::Int(1))]),
        Cell::Json("{\"a\": 1.0}".to_owned()),
    ]
}

fn batch(rows: i64) -> Batch {
    let mut builder = BatchBuilder::new(wide_schema());
    for index in 0..rows {
        builder.push_row(row(index));
    }
    builder.take(Origin { first_row: Some(7), ..Origin::default() }).unwrap()
}

fn frame(kind: Kind, payload: impl Into<Vec<u8>>) -> Frame {
    Frame { kind, payload: payload.into() }
}

fn knowing(schema: &Schema) -> Incoming {
    let mut incoming = Incoming::default();
    assert!(matches!(incoming.take(frame(Kind::Schema, json(schema).unwrap())), Ok(Event::Nothing)));
    incoming
}

#[test]
fn rows_cross_exactly_whatever_their_type() {
    for sent in [batch(0), batch(1), batch(200), batch(200).slice(13, 9), batch(50).head(0)] {
        let Ok(Event::Batch(got)) =
            knowing(&sent.schema).take(frame(Kind::Batch, batch_payload(&sent).unwrap()))
        else {
            panic!("refused");
        };
        assert_eq!((got.row_count(), &got.origin), (sent.row_count(), &sent.origin));
        for row in 0..sent.row_count() {
            for column in 0..sent.schema.fields.len() {
                // Debug, since NaN is no equal of itself.
                assert_eq!(format!("{:?}", got.cell(row, column)), format!("{:?}", sent.cell(row, column)));
            }
        }
    }
}

#[test]
fn rows_without_columns_or_bytes_cross() {
    for fields in [vec![], vec![Field::new("nothing", LogicalType::Null)]] {
        let mut builder = BatchBuilder::new(Arc::new(Schema::new(fields)));
        (0..5).for_each(|_| builder.push_row([]));
        let sent = builder.take(Origin::default()).unwrap();
        let event = knowing(&sent.schema).take(frame(Kind::Batch, batch_payload(&sent).unwrap()));
        assert!(matches!(event, Ok(Event::Batch(got)) if got.row_count() == 5));
    }
}

#[test]
fn a_batch_is_counted_without_its_frame() {
    let sent = batch(1000);
    let payload = batch_payload(&sent).unwrap();
    let frame_bytes = payload.len();
    let Ok(Event::Batch(got)) = knowing(&sent.schema).take(frame(Kind::Batch, payload)) else {
        panic!("refused");
    };
    assert!(got.memory_bytes() < 2 * frame_bytes, "{} of {frame_bytes}", got.memory_bytes());
}

#[test]
fn what_breaks_the_rules_is_a_decode_error() {
    let good = batch(3);
    let payload = || batch_payload(&good).unwrap();
    let first_row = |row| {
        let mut lying = good.clone();
        lying.origin.first_row = Some(row);
        batch_payload(&lying).unwrap()
    };
    let text = |text: &str| text.as_bytes().to_vec();
    let other = Schema::new(vec![Field::new("n", LogicalType::INT64)]);
    let rows: Vec<(&str, Incoming, Frame)> = vec![
        ("no schema", Incoming::default(), frame(Kind::Batch, payload())),
        ("other schema", knowing(&other), frame(Kind::Batch, payload())),
        ("row number", knowing(&good.schema), frame(Kind::Batch, first_row(u64::MAX))),
        ("no room", Incoming { credits: 0, ..knowing(&good.schema) }, frame(Kind::Batch, payload())),
        ("empty", knowing(&good.schema), frame(Kind::Batch, vec![])),
        ("long head", knowing(&good.schema), frame(Kind::Batch, vec![255, 255, 255, 255, 1])),
        ("host's frame", Incoming::default(), frame(Kind::Job, payload())),
        ("second hello", Incoming::default(), frame(Kind::Hello, text("{}"))),
        ("no json", Incoming::default(), frame(Kind::End, text("{\"ok\":"))),
        ("deep json", Incoming::default(), frame(Kind::End, "[".repeat(10_000))),
        (
            "state first",
            Incoming::default(),
            frame(Kind::State, text(r#"{"schema":null,"rows":1,"columns":[],"last":true}"#)),
        ),
        (
            "too few states",
            Incoming::default(),
            frame(
                Kind::State,
                text(
                    r#"{"schema":{"fields":[{"name":"a","logical":{"type":"text"},"native":"","nullability":"unknown"}]},"rows":1,"columns":[],"last":true}"#,
                ),
            ),
        ),
    ];
    for (what, mut incoming, frame) in rows {
        let error = incoming.take(frame).expect_err(what);
        assert_eq!(error.kind, ErrorKind::Decode, "{what}: {error}");
    }
}

#[test]
fn an_exception_outside_its_batch_is_refused() {
    let mut sent = batch(9);
    let whole = batch_payload(&sent).unwrap();
    // The head of nine rows before the values of two.
    sent = sent.head(2);
    let (head, _, _) = split(&Buffer::from_vec(whole)).map(|(head, m, b)| (head, m.len(), b.len())).unwrap();
    let payload = batch_payload(&sent).unwrap();
    let buffer = Buffer::from_vec(payload);
    let (own, message, body) = split(&buffer).unwrap();
    let mut forged = Vec::new();
    let json = json(&BatchHead { message_bytes: own.message_bytes, ..head }).unwrap();
    forged.extend((json.len() as u32).to_le_bytes());
    forged.extend(json);
    forged.resize(forged.len().next_multiple_of(ALIGNMENT), 0);
    forged.extend(message);
    forged.resize(forged.len().next_multiple_of(ALIGNMENT), 0);
    forged.extend(body.as_slice());
    let error = knowing(&sent.schema).take(frame(Kind::Batch, forged)).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Decode, "{error}");
}

#[test]
fn damaged_rows_are_refused_or_whole_and_never_panic() {
    let good = batch(20);
    let payload = batch_payload(&good).unwrap();
    let mut dice = Dice::new(1);
    for _ in 0..3000 {
        let mut damaged = payload.clone();
        for _ in 0..=roll(&mut dice, 4) {
            let at = roll(&mut dice, damaged.len());
            damaged[at] = match roll(&mut dice, 3) {
                0 => 0xff,
                1 => 0,
                _ => roll(&mut dice, 256) as u8,
            };
        }
        if roll(&mut dice, 8) == 0 {
            damaged.truncate(roll(&mut dice, payload.len()));
        }
        // `understand`, not `take`: here a panic is a failure, not an answer.
        match knowing(&good.schema).understand(frame(Kind::Batch, damaged)) {
            Ok(Event::Batch(batch)) => {
                for row in 0..batch.row_count() {
                    for column in 0..batch.schema.fields.len() {
                        let cell = batch.cell(row, column);
                        std::hint::black_box(cell.text(&batch.schema.fields[column].logical));
                    }
                }
            }
            Ok(other) => panic!("{other:?}"),
            Err(error) => assert_eq!(error.kind, ErrorKind::Decode),
        }
    }
}

#[test]
fn random_frames_are_refused_and_never_panic() {
    let mut dice = Dice::new(42);
    let kinds =
        [Kind::Schema, Kind::Batch, Kind::State, Kind::Progress, Kind::Findings, Kind::End, Kind::Hello];
    for round in 0..5000 {
        let kind = kinds[round % kinds.len()];
        let payload: Vec<u8> = (0..roll(&mut dice, 200)).map(|_| roll(&mut dice, 256) as u8).collect();
        let mut incoming = knowing(&wide_schema());
        let refusal = incoming.understand(frame(kind, payload)).unwrap_err();
        assert_eq!(refusal.kind, ErrorKind::Decode);
    }
}

#[test]
fn column_states_cross_in_parts() {
    let columns = 1000;
    let fields = (0..columns).map(|index| Field::new(format!("c{index}"), LogicalType::FLOAT64)).collect();
    let column = ColumnState {
        distinct_sketch: vec![1; 10_000],
        sum: Sum { float: f64::INFINITY, compensation: 0.1, ..Sum::default() },
        ..Default::default()
    };
    let sent = TableState { schema: Schema::new(fields), rows: 3, columns: vec![column; columns] };
    let payloads = state_payloads(&sent).unwrap();
    assert!(payloads.len() > 2);
    let mut incoming = Incoming::default();
    let mut got = None;
    for payload in payloads {
        assert!(got.is_none());
        if let Event::State(state) = incoming.take(frame(Kind::State, payload)).unwrap() {
            got = Some(state);
        }
    }
    assert_eq!(got.unwrap(), sent);
}

#[test]
fn another_version_of_the_program_is_told_apart() {
    let hello_frame = |protocol, build: &str| {
        let text = format!(r#"{{"protocol":{protocol},"build":"{build}","confined":"fully"}}"#);
        frame(Kind::Hello, text)
    };
    let own = Hello::own(crate::kit::worker::message::Confined::Fully);
    assert!(hello(&hello_frame(own.protocol, &own.build)).is_ok());
    for (protocol, build) in [(own.protocol + 1, own.build.as_str()), (own.protocol, "0.0.0")] {
        assert_eq!(hello(&hello_frame(protocol, build)).unwrap_err().kind, ErrorKind::Unsupported);
    }
    assert_eq!(hello(&frame(Kind::End, "{}")).unwrap_err().kind, ErrorKind::Decode);
}
