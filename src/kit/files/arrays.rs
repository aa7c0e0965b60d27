//! Arrow columns of a foreign file as the columns of a batch: each Arrow type as the logical type that holds it, and
//! the array in the one form that the logical type has. What that form can't hold is a cell beside it.
//!
//! Invariant: no value is rounded, wrapped or dropped: a cast that can't keep a value fails instead.

use std::fmt::Write as _;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray as _, FixedSizeBinaryArray, ListArray, MapArray, StringArray, StructArray,
    UnionArray,
};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{
    DataType, DurationMicrosecondType, DurationMillisecondType, DurationNanosecondType, DurationSecondType,
    Field as ArrowField, IntervalDayTimeType, IntervalMonthDayNanoType, IntervalUnit, IntervalYearMonthType,
    TimeUnit as ArrowUnit,
};
use arrow::error::ArrowError;

use crate::model::batch::{BatchBuilder, Origin, cell_of};
use crate::model::cell::Cell;
use crate::model::schema::{Field, LogicalType, Schema, StructField, TimeUnit, Zone};
use crate::model::{Error, ErrorKind, Result};

/// Nesting of types beyond this is refused.
const MOST_DEPTH: usize = 64;

/// The logical type that holds an Arrow type.
///
/// # Errors
/// `unsupported` for types nested beyond 64 levels.
pub fn logical_of(arrow: &DataType) -> Result<LogicalType> {
    logical_at(arrow, 0)
}

fn logical_at(arrow: &DataType, depth: usize) -> Result<LogicalType> {
    if depth > MOST_DEPTH {
        return Err(Error::new(
            ErrorKind::Unsupported,
            "read",
            format!("types nested more than {MOST_DEPTH} levels deep"),
        )
        .hint("the file is built to break its readers, or was written by accident"));
    }
    let int = |bits, signed| LogicalType::Int { bits, signed };
    Ok(match arrow {
        DataType::Null => LogicalType::Null,
        DataType::Boolean => LogicalType::Bool,
        DataType::Int8 => int(8, true),
        DataType::Int16 => int(16, true),
        DataType::Int32 => int(32, true),
        DataType::Int64 => int(64, true),
        DataType::UInt8 => int(8, false),
        DataType::UInt16 => int(16, false),
        DataType::UInt32 => int(32, false),
        DataType::UInt64 => int(64, false),
        DataType::Float16 => LogicalType::Float { bits: 16 },
        DataType::Float32 => LogicalType::Float { bits: 32 },
        DataType::Float64 => LogicalType::FLOAT64,
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => {
            LogicalType::Decimal { precision: Some((*precision).into()), scale: Some((*scale).into()) }
        }
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => LogicalType::Text,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            LogicalType::Bytes
        }
        DataType::Date32 => LogicalType::Date,
        DataType::Date64 => LogicalType::Timestamp { unit: TimeUnit::Millisecond, zone: Zone::None },
        DataType::Time32(unit) | DataType::Time64(unit) => LogicalType::Time { unit: unit_of(*unit) },
        DataType::Timestamp(unit, zone) => {
            LogicalType::Timestamp { unit: unit_of(*unit), zone: zone_of(zone.as_deref()) }
        }
        DataType::Duration(_) | DataType::Interval(_) => LogicalType::Interval,
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::FixedSizeList(item, _)
        | DataType::ListView(item)
        | DataType::LargeListView(item) => {
            LogicalType::List { item: Box::new(logical_at(item.data_type(), depth + 1)?) }
        }
        DataType::Struct(fields) => LogicalType::Struct {
            fields: fields
                .iter()
                .map(|field| {
                    Ok(StructField {
                        name: field.name().clone(),
                        logical: logical_at(field.data_type(), depth + 1)?,
                    })
                })
                .collect::<Result<_>>()?,
        },
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(pair) if pair.len() == 2 => LogicalType::Map {
                key: Box::new(logical_at(pair[0].data_type(), depth + 1)?),
                value: Box::new(logical_at(pair[1].data_type(), depth + 1)?),
            },
            _ => LogicalType::Json,
        },
        DataType::Dictionary(_, value) => logical_at(value, depth + 1)?,
        DataType::RunEndEncoded(_, values) => logical_at(values.data_type(), depth + 1)?,
        DataType::Union(..) => LogicalType::Json,
    })
}

fn unit_of(unit: ArrowUnit) -> TimeUnit {
    match unit {
        ArrowUnit::Second => TimeUnit::Second,
        ArrowUnit::Millisecond => TimeUnit::Millisecond,
        ArrowUnit::Microsecond => TimeUnit::Microsecond,
        ArrowUnit::Nanosecond => TimeUnit::Nanosecond,
    }
}

fn zone_of(zone: Option<&str>) -> Zone {
    match zone {
        None => Zone::None,
        // An offset is no zone of the calendar: the instant is the same in UTC.
        Some(zone) if zone.starts_with(['+', '-']) || zone.is_empty() || zone.eq_ignore_ascii_case("utc") => {
            Zone::Utc
        }
        Some("Z" | "z" | "Etc/UTC") => Zone::Utc,
        Some(zone) => Zone::Named(zone.to_owned()),
    }
}

/// A column as its logical type carries it, and the cells that it can't hold, by row.
pub type Carried = (ArrayRef, Vec<(usize, Cell)>);

/// Brings an array into the one form that a logical type has.
///
/// # Errors
/// `decode` where a value can't be kept or the array does not hold together.
pub fn carried(array: &ArrayRef, logical: &LogicalType) -> Result<Carried> {
    let target = logical.arrow();
    if *array.data_type() == target {
        return Ok((Arc::clone(array), Vec::new()));
    }
    match (array.data_type(), logical) {
        (DataType::Dictionary(_, value), _) => carried(&cast(array, value)?, logical),
        (DataType::RunEndEncoded(_, values), _) => carried(&cast(array, values.data_type())?, logical),
        (DataType::Union(..), _) => Ok((Arc::new(union_text(array, logical)?), Vec::new())),
        (_, LogicalType::Decimal { .. }) => decimals(array, logical, &target),
        (_, LogicalType::Uuid) => Ok((Arc::new(uuids(array)), Vec::new())),
        (_, LogicalType::Interval) => Ok((Arc::new(intervals(array)?), Vec::new())),
        (_, LogicalType::List { item }) => Ok((lists(array, item)?, Vec::new())),
        (_, LogicalType::Struct { fields }) => Ok((structs(array, fields)?, Vec::new())),
        (_, LogicalType::Map { key, value }) => Ok((maps(array, key, value)?, Vec::new())),
        (
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_),
            _,
        ) if target == DataType::Utf8 => texts(array),
        _ => Ok((cast(array, &target)?, Vec::new())),
    }
}

/// A column inside another: what it can't hold has no place beside it.
fn nested(array: &ArrayRef, logical: &LogicalType) -> Result<ArrayRef> {
    let (array, odd) = carried(array, logical)?;
    match odd.first() {
        None => Ok(array),
        Some(_) => Err(broken("a value inside a nested column is not of its type")),
    }
}

fn cast(array: &ArrayRef, target: &DataType) -> Result<ArrayRef> {
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(array, target, &strict).map_err(|error| failed(&error))
}

fn failed(error: &ArrowError) -> Error {
    broken(format!("columns of the file do not hold together: {error}"))
}

fn broken(what: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Decode, "read", what.to_string()).hint("the file may be damaged")
}

/// Decimals: as they are where the digits fit, else digit by digit.
fn decimals(array: &ArrayRef, logical: &LogicalType, target: &DataType) -> Result<Carried> {
    if *target != DataType::Utf8
        && let Ok(fitting) = cast(array, target)
    {
        return Ok((fitting, Vec::new()));
    }
    let text = cast(array, &DataType::Utf8)?;
    let text = text.as_string::<i32>();
    let schema = Arc::new(Schema::new(vec![Field::new("", logical.clone())]));
    let mut builder = BatchBuilder::new(schema);
    for row in 0..text.len() {
        let cell = if text.is_null(row) { Cell::Null } else { Cell::Decimal(text.value(row).to_owned()) };
        builder.push_row([cell]);
    }
    let batch = builder.take(Origin::default())?;
    let odd = batch.exceptions().iter().map(|odd| (odd.row, odd.cell.clone())).collect();
    Ok((Arc::clone(batch.records.column(0)), odd))
}

fn uuids(array: &ArrayRef) -> StringArray {
    let bytes = array.as_any().downcast_ref::<FixedSizeBinaryArray>();
    let text = |row: usize| {
        let bytes = bytes.filter(|bytes| bytes.is_valid(row))?.value(row);
        Some(
            uuid::Uuid::from_slice(bytes)
                .map_or_else(|_no_uuid| crate::model::cell::hex(bytes), |id| id.to_string()),
        )
    };
    (0..array.len()).map(text).collect()
}

/// Bytes that should be text.
fn texts(array: &ArrayRef) -> Result<Carried> {
    let bytes = cast(array, &DataType::Binary)?;
    let bytes = bytes.as_binary::<i32>();
    let mut odd = Vec::new();
    let mut text = arrow::array::StringBuilder::new();
    for row in 0..bytes.len() {
        if bytes.is_null(row) {
            text.append_null();
            continue;
        }
        match std::str::from_utf8(bytes.value(row)) {
            Ok(value) => text.append_value(value),
            Err(_no_text) => {
                text.append_null();
                odd.push((row, Cell::Invalid(bytes.value(row).to_vec())));
            }
        }
    }
    Ok((Arc::new(text.finish()), odd))
}

/// Durations and intervals in ISO 8601.
fn intervals(array: &ArrayRef) -> Result<StringArray> {
    let text = |row: usize| -> Option<String> {
        if array.is_null(row) {
            return None;
        }
        Some(match array.data_type() {
            DataType::Duration(ArrowUnit::Second) => interval_text(
                0,
                0,
                i128::from(array.as_primitive::<DurationSecondType>().value(row)) * 1_000_000_000,
            ),
            DataType::Duration(ArrowUnit::Millisecond) => interval_text(
                0,
                0,
                i128::from(array.as_primitive::<DurationMillisecondType>().value(row)) * 1_000_000,
            ),
            DataType::Duration(ArrowUnit::Microsecond) => interval_text(
                0,
                0,
                i128::from(array.as_primitive::<DurationMicrosecondType>().value(row)) * 1_000,
            ),
            DataType::Duration(ArrowUnit::Nanosecond) => {
                interval_text(0, 0, array.as_primitive::<DurationNanosecondType>().value(row).into())
            }
            DataType::Interval(IntervalUnit::YearMonth) => {
                interval_text(array.as_primitive::<IntervalYearMonthType>().value(row).into(), 0, 0)
            }
            DataType::Interval(IntervalUnit::DayTime) => {
                let value = array.as_primitive::<IntervalDayTimeType>().value(row);
                interval_text(0, value.days.into(), i128::from(value.milliseconds) * 1_000_000)
            }
            DataType::Interval(IntervalUnit::MonthDayNano) => {
                let value = array.as_primitive::<IntervalMonthDayNanoType>().value(row);
                interval_text(value.months.into(), value.days.into(), value.nanoseconds.into())
            }
            _ => return None,
        })
    };
    match array.data_type() {
        DataType::Duration(_) | DataType::Interval(_) => Ok((0..array.len()).map(text).collect()),
        other => Err(broken(format!("{other} is no interval"))),
    }
}

/// An interval in ISO 8601: months, days and nanoseconds, each with its own sign.
pub fn interval_text(months: i64, days: i64, nanos: i128) -> String {
    let mut out = "P".to_owned();
    let mut put = |value: i64, unit: char| {
        if value != 0 {
            // Writing to a string can't fail.
            let _written = write!(out, "{value}{unit}");
        }
    };
    put(months / 12, 'Y');
    put(months % 12, 'M');
    put(days, 'D');
    if nanos != 0 || out.len() == 1 {
        let (seconds, rest) = (nanos / 1_000_000_000, (nanos % 1_000_000_000).unsigned_abs());
        let sign = if nanos < 0 && seconds == 0 { "-" } else { "" };
        let _written = write!(out, "T{sign}{seconds}");
        if rest != 0 {
            let digits = format!("{rest:09}");
            let _written = write!(out, ".{}", digits.trim_end_matches('0'));
        }
        out.push('S');
    }
    out
}

fn lists(array: &ArrayRef, item: &LogicalType) -> Result<ArrayRef> {
    let plain = match array.data_type() {
        DataType::List(_) => Arc::clone(array),
        DataType::LargeList(field)
        | DataType::FixedSizeList(field, _)
        | DataType::ListView(field)
        | DataType::LargeListView(field) => cast(array, &DataType::List(Arc::clone(field)))?,
        other => return Err(broken(format!("{other} is no list"))),
    };
    let list = plain.as_list_opt::<i32>().ok_or_else(|| broken("a list that is none"))?;
    let values = nested(list.values(), item)?;
    let field = Arc::new(ArrowField::new("item", item.arrow(), true));
    let made = ListArray::try_new(field, list.offsets().clone(), values, list.nulls().cloned());
    Ok(Arc::new(made.map_err(|error| failed(&error))?))
}

fn structs(array: &ArrayRef, fields: &[StructField]) -> Result<ArrayRef> {
    let found = array.as_struct_opt().ok_or_else(|| broken("a struct that is none"))?;
    let columns = found
        .columns()
        .iter()
        .zip(fields)
        .map(|(column, field)| nested(column, &field.logical))
        .collect::<Result<Vec<_>>>()?;
    let logical = LogicalType::Struct { fields: fields.to_vec() };
    let DataType::Struct(arrow) = logical.arrow() else { return Err(broken("a struct that is none")) };
    let made = if fields.is_empty() {
        Ok(StructArray::new_empty_fields(found.len(), found.nulls().cloned()))
    } else {
        StructArray::try_new(arrow, columns, found.nulls().cloned())
    };
    Ok(Arc::new(made.map_err(|error| failed(&error))?))
}

fn maps(array: &ArrayRef, key: &LogicalType, value: &LogicalType) -> Result<ArrayRef> {
    let map = array.as_map_opt().ok_or_else(|| broken("a map that is none"))?;
    let (keys, values) = (nested(map.keys(), key)?, nested(map.values(), value)?);
    let logical = LogicalType::Map { key: Box::new(key.clone()), value: Box::new(value.clone()) };
    let DataType::Map(entries, _) = logical.arrow() else { return Err(broken("a map that is none")) };
    let DataType::Struct(pair) = entries.data_type() else { return Err(broken("a map without pairs")) };
    let pairs =
        StructArray::try_new(pair.clone(), vec![keys, values], None).map_err(|error| failed(&error))?;
    let made =
        MapArray::try_new(Arc::clone(&entries), map.offsets().clone(), pairs, map.nulls().cloned(), false);
    Ok(Arc::new(made.map_err(|error| failed(&error))?))
}

/// Each value of a union in the JSON form of its own type.
fn union_text(array: &ArrayRef, logical: &LogicalType) -> Result<StringArray> {
    let union = array.as_any().downcast_ref::<UnionArray>();
    let union = union.filter(|_| matches!(logical, LogicalType::Json));
    let union = union.ok_or_else(|| broken("a union that is none"))?;
    let mut text = Vec::with_capacity(union.len());
    for row in 0..union.len() {
        let value = union.value(row);
        let own = logical_of(value.data_type())?;
        let (value, odd) = carried(&value, &own)?;
        let cell = odd.first().map_or_else(|| cell_of(&value, 0, &own), |(_, cell)| cell.clone());
        let mut json = String::new();
        cell.push_json(&own, &mut json);
        text.push((!cell.is_absent()).then_some(json));
    }
    Ok(text.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_keep_months_days_and_nanoseconds_apart() {
        for (months, days, nanos, text) in [
            (0, 0, 0, "PT0S"),
            (14, -3, 1_500_000_000, "P1Y2M-3DT1.5S"),
            (0, 0, -1, "PT-0.000000001S"),
            (-1, 0, 0, "P-1M"),
            (0, 0, -2_000_000_000, "PT-2S"),
        ] {
            assert_eq!(interval_text(months, days, nanos), text);
        }
    }
}
