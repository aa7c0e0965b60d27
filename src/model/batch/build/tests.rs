//! What goes through slots comes out as what goes through cells.

use super::*;
use crate::model::schema::{Field, LogicalType, TimeUnit, Zone};

/// Writes one value as a slot.
type Write = fn(Slot<'_>);

fn schema(logical: LogicalType) -> Arc<Schema> {
    Arc::new(Schema::new(vec![Field::new("a", logical)]))
}

fn batch(logical: &LogicalType, fill: impl FnOnce(&mut BatchBuilder)) -> Batch {
    let mut builder = BatchBuilder::new(schema(logical.clone()));
    fill(&mut builder);
    builder.take(Origin::default()).unwrap()
}

#[test]
fn a_slot_gives_what_its_cell_gives_whether_the_column_holds_it_or_not() {
    let decimal = |precision, scale| LogicalType::Decimal { precision: Some(precision), scale: Some(scale) };
    let types = [
        LogicalType::Int { bits: 16, signed: true },
        LogicalType::INT64,
        LogicalType::Int { bits: 32, signed: false },
        LogicalType::FLOAT64,
        decimal(15, 2),
        decimal(3, 0),
        decimal(60, 3),
        LogicalType::Decimal { precision: None, scale: None },
        LogicalType::Text,
        LogicalType::Json,
        LogicalType::Uuid,
        LogicalType::Bytes,
        LogicalType::Timestamp { unit: TimeUnit::Microsecond, zone: Zone::Utc },
        LogicalType::Null,
    ];
    let values: [(Cell, Write); 13] = [
        (Cell::Null, |slot| slot.null()),
        (Cell::Int(7), |slot| slot.int(7)),
        (Cell::Int(-40_000), |slot| slot.int(-40_000)),
        (Cell::Float(-0.5), |slot| slot.float(-0.5)),
        (Cell::Decimal("-1.05".into()), |slot| slot.decimal(-105, 2)),
        (Cell::Decimal("1000".into()), |slot| slot.decimal(1000, 0)),
        (Cell::Decimal("0.001".into()), |slot| slot.decimal(1, 3)),
        (Cell::Decimal("9".repeat(38)), |slot| slot.decimal("9".repeat(38).parse().unwrap(), 0)),
        (Cell::Text("é\n".into()), |slot| slot.text("é\n")),
        (Cell::Exact("infinity".into()), |slot| slot.exact("infinity")),
        (Cell::Json("{}".into()), |slot| slot.json("{}")),
        (Cell::Bytes(vec![0, 255]), |slot| slot.bytes(&[0, 255])),
        (Cell::Bool(true), |slot| slot.cell(Cell::Bool(true))),
    ];
    for logical in &types {
        for (cell, write) in &values {
            let by_cell = batch(logical, |builder| builder.push_row([cell.clone()]));
            let by_slot = batch(logical, |builder| {
                write(builder.slot(0).unwrap());
                builder.end_row();
            });
            assert_eq!(by_slot.records, by_cell.records, "{cell:?} in {logical}");
            assert_eq!(by_slot.exceptions(), by_cell.exceptions(), "{cell:?} in {logical}");
            let unchanged = by_slot.cell(0, 0) == *cell || matches!(by_slot.cell(0, 0), Cell::UInt(7));
            assert!(unchanged, "{cell:?} in {logical}");
        }
    }
}

#[test]
fn a_row_ends_with_missing_where_no_slot_was_filled_and_none_is_filled_twice() {
    let fields = vec![Field::new("a", LogicalType::INT64), Field::new("b", LogicalType::Text)];
    let mut builder = BatchBuilder::new(Arc::new(Schema::new(fields)));
    builder.slot(1).unwrap().text("x");
    assert!(builder.slot(1).is_none());
    assert!(builder.slot(2).is_none());
    builder.end_row();
    builder.push_row([Cell::Int(1), Cell::Null]);
    let batch = builder.take(Origin::default()).unwrap();
    let cells: Vec<Cell> = (0..2).flat_map(|row| [batch.cell(row, 0), batch.cell(row, 1)]).collect();
    assert_eq!(cells, [Cell::Missing, Cell::Text("x".into()), Cell::Int(1), Cell::Null]);
}

#[test]
fn lists_take_only_what_their_items_hold() {
    let decimal = LogicalType::Decimal { precision: Some(5), scale: Some(2) };
    let rows = [
        (LogicalType::INT64, vec![Cell::Int(1), Cell::Null], true),
        (LogicalType::INT64, vec![Cell::Text("1".into())], false),
        (decimal.clone(), vec![Cell::Decimal("1.00".into())], true),
        (decimal, vec![Cell::Decimal("1000.00".into())], false),
        (LogicalType::Uuid, vec![Cell::Exact("u".into())], true),
        (LogicalType::Uuid, vec![Cell::Text("u".into())], false),
        (LogicalType::Bool, vec![Cell::Missing], false),
    ];
    for (item, cells, holds) in rows {
        let logical = LogicalType::List { item: Box::new(item) };
        let list = Cell::List(cells);
        let batch = batch(&logical, |builder| builder.push_row([list.clone()]));
        assert_eq!(batch.cell(0, 0), list);
        assert_eq!(batch.exceptions().is_empty(), holds, "{list:?} in {logical}");
    }
}
