//! Profiles against plain counting, over values of every type.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::model::batch::{Batch, BatchBuilder, Origin};
use crate::model::cell::Cell;
use crate::model::column_state::{ColumnState, TableState};
use crate::model::lost::Findings;
use crate::model::schema::{Field, LogicalType, Schema, StructField, TimeUnit, Zone};
use crate::model::stats::{Basis, ColumnProfile, TableProfile};

/// Numbers that look random and are the same every time.
struct Seeded(u64);

impl Seeded {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        hash::spread(self.0.cast_signed())
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

fn schema(logical: &LogicalType) -> Arc<Schema> {
    Arc::new(Schema::new(vec![Field::new("c", logical.clone())]))
}

fn batch(logical: &LogicalType, cells: &[Cell]) -> Batch {
    let mut builder = BatchBuilder::new(schema(logical));
    for cell in cells {
        builder.push_row([cell.clone()]);
    }
    builder.take(Origin::default()).unwrap()
}

fn all_rows() -> Coverage {
    Coverage { rows: None, rows_basis: Basis::Exact, seen: Basis::Exact, method: "all rows".into() }
}

fn finished(state: &TableState) -> TableProfile {
    finish(state, &all_rows(), Findings::default()).unwrap()
}

/// The state as another process gets it.
fn across(state: &TableState) -> TableState {
    let there: TableState = serde_json::from_str(&serde_json::to_string(state).unwrap()).unwrap();
    // As text: NaN is not equal to itself.
    assert_eq!(format!("{there:?}"), format!("{state:?}"));
    there
}

/// One column profiled from batches of 1,000 rows, over the wire.
fn state(logical: &LogicalType, cells: &[Cell]) -> TableState {
    let mut profiler = TableProfiler::new(schema(logical));
    for chunk in cells.chunks(1_000) {
        profiler.push(&batch(logical, chunk)).unwrap();
    }
    assert!(profiler.memory_bytes() < 256 << 10, "{logical}: {} bytes", profiler.memory_bytes());
    across(&profiler.state())
}

fn profile(logical: &LogicalType, cells: &[Cell]) -> ColumnProfile {
    finished(&state(logical, cells)).columns.remove(0)
}

/// The same through the raw entry, cell by cell.
fn profile_by_cells(logical: &LogicalType, cells: &[Cell]) -> ColumnProfile {
    let mut column = ColumnAccumulator::new(logical, Limits::default());
    for cell in cells {
        column.push_cell(cell);
    }
    let state = TableState {
        schema: (*schema(logical)).clone(),
        rows: column.row_count(),
        columns: vec![column.state()],
    };
    finished(&state).columns.remove(0)
}

fn text(value: &Option<Cell>, logical: &LogicalType) -> String {
    value.as_ref().map_or_else(|| "-".to_owned(), |cell| cell.text(logical))
}

fn ints(values: impl IntoIterator<Item = i64>) -> Vec<Cell> {
    values.into_iter().map(Cell::Int).collect()
}

const MICROS: LogicalType = LogicalType::Timestamp { unit: TimeUnit::Microsecond, zone: Zone::Utc };
const OFFSETS: LogicalType = LogicalType::Timestamp { unit: TimeUnit::Microsecond, zone: Zone::OffsetKept };
const DECIMAL: LogicalType = LogicalType::Decimal { precision: None, scale: None };

/// Cells of every type with what a profile must say: distinct, min, max, mean.
fn every_type() -> Vec<(LogicalType, Vec<Cell>, &'static str)> {
    let exact = |text: &str| Cell::Exact(text.to_owned());
    let decimal = |text: &str| Cell::Decimal(text.to_owned());
    let words = |words: &[&str]| words.iter().map(|word| Cell::Text((*word).to_owned())).collect::<Vec<_>>();
    vec![
        (LogicalType::Null, vec![Cell::Null; 3], "0 - - -"),
        (LogicalType::Bool, vec![Cell::Bool(true), Cell::Bool(false), Cell::Bool(true)], "2 false true -"),
        (
            LogicalType::INT64,
            ints([i64::MAX, i64::MIN, 0, i64::MAX]),
            "3 -9223372036854775808 9223372036854775807 2305843009213694000",
        ),
        (LogicalType::Int { bits: 8, signed: true }, ints([-128, 127]), "2 -128 127 -0.5"),
        (
            LogicalType::Int { bits: 64, signed: false },
            vec![Cell::UInt(u64::MAX), Cell::UInt(0), Cell::UInt(u64::MAX)],
            "2 0 18446744073709551615 12297829382473034000",
        ),
        (
            LogicalType::FLOAT64,
            vec![
                Cell::Float(f64::NAN),
                Cell::Float(-0.0),
                Cell::Float(0.0),
                Cell::Float(f64::INFINITY),
                Cell::Float(3.0),
            ],
            "4 0.0 Infinity 1",
        ),
        (LogicalType::FLOAT64, vec![Cell::Float(1e308), Cell::Float(1e308)], "1 1e308 1e308 -"),
        (LogicalType::FLOAT64, [1e100, 1.0, -1e100, 1.0].map(Cell::Float).to_vec(), "3 -1e100 1e100 0.5"),
        (LogicalType::Float { bits: 32 }, vec![Cell::Float32(0.1), Cell::Float32(-0.1)], "2 -0.1 0.1 0"),
        (
            LogicalType::Decimal { precision: Some(10), scale: Some(2) },
            ["-1.10", "9.00", "10.00"].map(decimal).to_vec(),
            "3 -1.10 10.00 5.966666666666666",
        ),
        (
            DECIMAL,
            ["1.10", "1.1", "99999999999999999999999999.5", "1e-400", "-5"].map(decimal).to_vec(),
            "4 -5 99999999999999999999999999.5 20000000000000000000000000",
        ),
        (LogicalType::Text, words(&["b", "", "a", "ä", "b"]), "4  ä -"),
        (LogicalType::Bytes, vec![Cell::Bytes(vec![255]), Cell::Bytes(vec![0, 1])], "2 0x0001 0xff -"),
        (LogicalType::Date, vec![Cell::Date(0), Cell::Date(-719_162)], "2 0001-01-01 1970-01-01 -"),
        (
            LogicalType::Time { unit: TimeUnit::Second },
            vec![Cell::Time(1), Cell::Time(86_399)],
            "2 00:00:01 23:59:59 -",
        ),
        (
            MICROS,
            vec![Cell::Timestamp(-1), exact("infinity"), Cell::Timestamp(1), exact("infinity")],
            "3 1969-12-31T23:59:59.999999Z 1970-01-01T00:00:00.000001Z -",
        ),
        (
            OFFSETS,
            [
                "2024-01-01T00:30:00+02:00",
                "2024-01-01T00:00:00+00:00",
                "2023-12-31T23:59:00-05:00",
                "infinity",
            ]
            .map(exact)
            .to_vec(),
            "4 2024-01-01T00:30:00+02:00 2023-12-31T23:59:00-05:00 -",
        ),
        (LogicalType::Uuid, vec![exact("b"), exact("a")], "2 a b -"),
        (LogicalType::Interval, vec![exact("P1D"), exact("P1M")], "2 - - -"),
        (LogicalType::Json, vec![Cell::Json("{}".into()), Cell::Json("[1]".into())], "2 - - -"),
        (
            LogicalType::List { item: Box::new(LogicalType::INT64) },
            vec![Cell::List(ints([1, 2])), Cell::List(ints([])), Cell::List(ints([1, 2]))],
            "2 - - -",
        ),
        (
            LogicalType::Struct {
                fields: vec![StructField { name: "x".into(), logical: LogicalType::Bool }],
            },
            vec![
                Cell::Struct(vec![("x".into(), Cell::Null)]),
                Cell::Struct(vec![("x".into(), Cell::Bool(true))]),
            ],
            "2 - - -",
        ),
    ]
}

#[test]
fn few_values_of_every_type_are_counted_exactly() {
    for (logical, mut cells, expected) in every_type() {
        let count = cells.len() as u64;
        cells.push(Cell::Null);
        cells.push(Cell::Missing);
        if logical != LogicalType::Null {
            cells.push(Cell::Invalid(vec![0xff]));
        }
        let found = profile(&logical, &cells);
        let mean = found.mean.map_or_else(|| "-".to_owned(), |mean| mean.to_string());
        let told = format!(
            "{} {} {} {mean}",
            found.distinct.unwrap(),
            text(&found.min, &logical),
            text(&found.max, &logical)
        );
        assert_eq!(told, expected, "{logical}");
        assert_eq!(found.distinct_basis, Basis::Exact);
        assert_eq!((found.error_bound, found.rank_error), (None, None));
        assert_eq!(found.missing, 1);
        let odd = u64::from(logical != LogicalType::Null);
        assert_eq!((found.rows, found.odd), (count + 2 + odd, odd), "{logical}");
        let absent = if logical == LogicalType::Null { 4 } else { 1 };
        assert_eq!(found.nulls, Some(absent), "{logical}");
        let counted: u64 = found.top.iter().map(|value| value.count).sum();
        assert_eq!(counted, found.rows - absent - 1 - odd, "{logical}: {:?}", found.top);
        assert!(found.top.iter().all(|value| value.error == 0 && !value.cut));
        let by_cells = profile_by_cells(&logical, &cells);
        assert_eq!(format!("{by_cells:?}"), format!("{found:?}"), "{logical}, cell by cell");
    }
}

#[test]
fn nothing_at_all_has_a_profile() {
    for (logical, _, _) in every_type() {
        for cells in [vec![], vec![Cell::Null; 5_000]] {
            let found = profile(&logical, &cells);
            assert_eq!(found.nulls, Some(cells.len() as u64));
            assert_eq!((found.distinct, found.min, found.mean), (Some(0.0), None, None), "{logical}");
            assert!(found.top.is_empty() && found.histogram.is_empty() && found.quantiles.is_empty());
        }
    }
}

#[test]
fn cells_of_another_type_are_odd_and_change_no_figure() {
    let strangers = [
        Cell::Text("x".into()),
        Cell::Bool(true),
        Cell::Bytes(vec![1]),
        Cell::Invalid(vec![1]),
        Cell::Date(1),
        Cell::List(vec![]),
        Cell::Float(0.5),
    ];
    let mut cells = ints([1, 2]);
    cells.extend(strangers);
    let found = profile(&LogicalType::INT64, &cells);
    assert_eq!((found.odd, found.rows, found.distinct, found.mean), (7, 9, Some(2.0), Some(1.5)));
    let mut column = ColumnAccumulator::new(&LogicalType::Text, Limits::default());
    column.push_i64(1);
    column.push_f64(1.0);
    column.push_bool(true);
    column.push_u64(1);
    column.push_decimal("1");
    column.push_bytes(b"1");
    column.push_odd();
    assert_eq!((column.state().odd, column.row_count()), (7, 7));
}

/// Counts and their ranks by sorting.
fn check_against_sorting(logical: &LogicalType, make: impl Fn(u64) -> Cell, distinct: u64) {
    let mut seeded = Seeded(7);
    let rows = 60_000_u32;
    // A third of the rows is one value, so that there is a heavy hitter.
    let picks: Vec<u64> =
        (0..rows).map(|_| if seeded.below(3) == 0 { 5 } else { seeded.below(distinct) }).collect();
    let cells: Vec<Cell> = picks.iter().map(|pick| make(*pick)).collect();
    let found = profile(logical, &cells);
    let mut counts = BTreeMap::new();
    for pick in &picks {
        *counts.entry(*pick).or_insert(0_u64) += 1;
    }
    let really = counts.len() as f64;
    let (low, high) = (counts.keys().next().unwrap(), counts.keys().next_back().unwrap());
    if matches!(kind::Kind::of(logical), kind::Kind::Text) {
        assert!(found.min.is_some());
    } else {
        assert_eq!((&found.min, &found.max), (&Some(make(*low)), &Some(make(*high))), "{logical}");
    }
    match found.error_bound {
        None => assert_eq!(found.distinct, Some(really), "{logical}"),
        Some(error) => {
            let off = (found.distinct.unwrap() - really).abs() / really;
            assert!(off <= 4.0 * error, "{logical}: {really} but {:?}", found.distinct);
        }
    }
    let first = &found.top[0];
    assert_eq!(first.value, make(5), "{logical}");
    assert!(first.count >= counts[&5] && first.count - first.error <= counts[&5], "{logical}");
    let mut sorted = picks;
    sorted.sort_unstable();
    for quantile in &found.quantiles {
        let value = (0..distinct).find(|pick| make(*pick) == quantile.value).expect("a value of the column");
        let from = sorted.partition_point(|pick| *pick < value) as f64 / f64::from(rows);
        let to = sorted.partition_point(|pick| *pick <= value) as f64 / f64::from(rows);
        let slack = found.rank_error.unwrap_or(0.0) + 1e-9;
        assert!(from - slack <= quantile.rank && quantile.rank <= to + slack, "{logical}: {quantile:?}");
    }
    assert_eq!(found.quantiles.len(), if kind::Kind::of(logical).has_axis() { RANKS.len() } else { 0 });
    if !found.quantiles.is_empty() {
        let shares: f64 = found.histogram.iter().map(|bin| bin.share).sum();
        assert!((shares - 1.0).abs() < 1e-9, "{logical}: {shares}");
        assert!(found.histogram.len() <= 20);
    }
}

#[test]
fn figures_keep_their_bounds_below_and_above_the_dictionary() {
    let plain = LogicalType::Decimal { precision: Some(12), scale: Some(2) };
    for distinct in [10, 4_000, 30_000] {
        check_against_sorting(
            &LogicalType::INT64,
            |pick| Cell::Int(pick.cast_signed() * 3 - 1_000),
            distinct,
        );
        check_against_sorting(&LogicalType::FLOAT64, |pick| Cell::Float(pick as f64 / 7.0 - 100.0), distinct);
        check_against_sorting(&MICROS, |pick| Cell::Timestamp(pick.cast_signed() * 86_400_000_001), distinct);
        check_against_sorting(
            &plain,
            |pick| Cell::Decimal(format!("{}.{:02}", pick / 100, pick % 100)),
            distinct,
        );
        check_against_sorting(
            &LogicalType::Text,
            |pick| Cell::Text(format!("value number {pick}")),
            distinct,
        );
    }
}

#[test]
fn two_halves_merged_tell_the_same_as_one_pass() {
    let mut seeded = Seeded(3);
    for (rows, distinct) in [(0, 1), (10, 5), (3_000, 900), (9_000, 5_000), (40_000, 30_000)] {
        let cells: Vec<Cell> = (0..rows)
            .map(|_| match seeded.below(20) {
                0 => Cell::Null,
                1 => Cell::Text("odd".into()),
                _ => Cell::Int(seeded.below(distinct).cast_signed()),
            })
            .collect();
        let texts: Vec<Cell> = cells.iter().map(|cell| Cell::Text(cell.text(&LogicalType::INT64))).collect();
        for (logical, cells) in [(LogicalType::INT64, &cells), (LogicalType::Text, &texts)] {
            let cut = seeded.below(rows + 1) as usize;
            let (left, right) = cells.split_at(cut);
            let one = finished(&state(&logical, cells)).columns.remove(0);
            let merged = merge(&state(&logical, left), &state(&logical, right)).unwrap();
            let two = finished(&across(&merged)).columns.remove(0);
            let exact = |p: &ColumnProfile| {
                (p.rows, p.nulls, p.odd, p.distinct, p.min.clone(), p.max.clone(), p.mean, p.lengths)
            };
            assert_eq!(exact(&one), exact(&two), "{rows} rows, {distinct} values");
            if one.error_bound.is_none() {
                assert_eq!(one, two, "{rows} rows, {distinct} values");
            }
        }
    }
}

#[test]
fn the_same_rows_give_the_same_profile() {
    let mut seeded = Seeded(11);
    let cells: Vec<Cell> = (0..30_000).map(|_| Cell::Float(seeded.next() as f64)).collect();
    let again =
        std::thread::scope(|scope| scope.spawn(|| profile(&LogicalType::FLOAT64, &cells)).join().unwrap());
    assert_eq!(profile(&LogicalType::FLOAT64, &cells), again);
}

#[test]
fn huge_texts_are_bounded_in_memory_and_in_the_profile() {
    let huge = |index: u64| Cell::Text(format!("{}{index}", "ä".repeat(50_000)));
    let cells: Vec<Cell> = (0..40).map(|row| huge(row % 4)).collect();
    let mut column = ColumnAccumulator::new(&LogicalType::Text, Limits::default());
    for cell in &cells {
        column.push_cell(cell);
    }
    assert!(column.memory_bytes() < 600_000, "{}", column.memory_bytes());
    let found = profile_by_cells(&LogicalType::Text, &cells);
    assert_eq!(found.distinct, Some(4.0));
    assert_eq!(found.lengths.unwrap().max, 50_001);
    assert!(found.top.iter().all(|value| value.cut && value.count >= 10));
    assert_eq!(text(&found.min, &LogicalType::Text).chars().count(), 500);
    assert_eq!(found.notes.len(), 1);
}

#[test]
fn a_sample_tells_bounds_for_the_whole_table() {
    let cells = ints((0..1_000).map(|row| if row < 500 { 0 } else { row }));
    let coverage = Coverage {
        rows: Some(100_000),
        rows_basis: Basis::Estimate,
        seen: Basis::Sample,
        method: "1,000 rows in blocks".into(),
    };
    let found = finish(&state(&LogicalType::INT64, &cells), &coverage, Findings::default()).unwrap();
    let column = &found.columns[0];
    assert_eq!(column.distinct_basis, Basis::Sample);
    assert_eq!(column.distinct, Some(5_001.0));
    assert_eq!(column.distinct_range, Some((501.0, 50_001.0)));
    assert_eq!((found.rows, found.rows_seen), (Some(100_000), 1_000));
    let keys = finish(&state(&LogicalType::INT64, &ints(0..1_000)), &coverage, Findings::default()).unwrap();
    assert_eq!(keys.columns[0].distinct, Some(100_000.0));
    assert_eq!(keys.columns[0].distinct_range, Some((1_000.0, 100_000.0)));
}

#[test]
fn very_wide_tables_take_less_a_column() {
    for (columns, most_bytes) in [(1, 200_000), (5_000, 40_000), (100_000, 8_000)] {
        let mut column = ColumnAccumulator::new(&LogicalType::Text, Limits::for_columns(columns));
        (0..20_000).for_each(|row| column.push_str(&format!("value number {row}")));
        assert!(column.memory_bytes() < most_bytes, "{columns}: {}", column.memory_bytes());
    }
}

#[test]
fn states_that_cannot_be_right_are_refused() {
    let good = state(&LogicalType::INT64, &ints(0..9_000)).columns.remove(0);
    let few = state(&LogicalType::INT64, &ints(0..9)).columns.remove(0);
    let broken: Vec<(&str, ColumnState)> = vec![
        ("more nulls than rows", ColumnState { nulls: 9_001, ..good.clone() }),
        ("overflowing counts", ColumnState { rows: u64::MAX, ..good.clone() }),
        (
            "cells of another type",
            ColumnState { exact: Some(vec![(Cell::Text("x".into()), 1)]), ..few.clone() },
        ),
        ("counted twice", ColumnState { exact: Some(vec![(Cell::Int(1), 10)]), ..few.clone() }),
        (
            "range of another type",
            ColumnState { range: Some((Cell::Bool(true), Cell::Int(1))), ..few.clone() },
        ),
        ("no sketches", ColumnState { distinct_sketch: vec![], ..good.clone() }),
        ("sketch of more", ColumnState { rows: 8_000, sum: few.sum, ..good.clone() }),
    ];
    for (why, state) in broken {
        assert!(
            ColumnAccumulator::from_state(&LogicalType::INT64, &state, Limits::default()).is_err(),
            "{why}"
        );
    }
    // Whatever a byte is changed to: an error or a profile, never a panic.
    let mut seeded = Seeded(5);
    for _ in 0..400 {
        let mut state = good.clone();
        let sketch = match seeded.below(3) {
            0 => &mut state.distinct_sketch,
            1 => &mut state.quantile_sketch,
            _ => &mut state.frequent_sketch,
        };
        let end = if seeded.below(2) == 0 { 48 } else { sketch.len() as u64 };
        let at = seeded.below(end) as usize;
        sketch[at] = seeded.next() as u8;
        let table =
            TableState { schema: (*schema(&LogicalType::INT64)).clone(), rows: 9_000, columns: vec![state] };
        if finish(&table, &all_rows(), Findings::default()).is_ok() {
            drop(merge(&table, &table));
        }
    }
}

#[test]
fn batches_of_other_columns_are_refused() {
    let mut profiler = TableProfiler::new(schema(&LogicalType::Text));
    assert!(profiler.push(&batch(&LogicalType::INT64, &ints([1]))).is_err());
    let (a, b) = (state(&LogicalType::INT64, &[]), state(&LogicalType::Text, &[]));
    assert!(merge(&a, &b).is_err());
}
