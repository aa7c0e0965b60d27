//! From Arrow back to a cell, by the column's logical type.

use arrow::array::{
    Array, ArrayRef, AsArray as _, BinaryArray, BooleanArray, Decimal128Array, Decimal256Array,
    PrimitiveArray, StringArray,
};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, Time32MillisecondType, Time32SecondType, Time64MicrosecondType,
    Time64NanosecondType, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};

use crate::model::cell::Cell;
use crate::model::schema::LogicalType;

fn primitive<T: ArrowPrimitiveType>(array: &dyn Array, row: usize) -> Option<T::Native> {
    array.as_any().downcast_ref::<PrimitiveArray<T>>().map(|values| values.value(row))
}

/// The value of `array` at `row`; an array that does not carry `logical` gives `Missing`.
pub fn cell_of(array: &ArrayRef, row: usize, logical: &LogicalType) -> Cell {
    if array.is_null(row) || matches!(logical, LogicalType::Null) {
        return Cell::Null;
    }
    value_of(array, row, logical).unwrap_or(Cell::Missing)
}

fn value_of(array: &ArrayRef, row: usize, logical: &LogicalType) -> Option<Cell> {
    let any = array.as_any();
    Some(match array.data_type() {
        DataType::Boolean => Cell::Bool(any.downcast_ref::<BooleanArray>()?.value(row)),
        DataType::Int8 => Cell::Int(primitive::<Int8Type>(array, row)?.into()),
        DataType::Int16 => Cell::Int(primitive::<Int16Type>(array, row)?.into()),
        DataType::Int32 => Cell::Int(primitive::<Int32Type>(array, row)?.into()),
        DataType::Int64 => Cell::Int(primitive::<Int64Type>(array, row)?),
        DataType::UInt8 => Cell::UInt(primitive::<UInt8Type>(array, row)?.into()),
        DataType::UInt16 => Cell::UInt(primitive::<UInt16Type>(array, row)?.into()),
        DataType::UInt32 => Cell::UInt(primitive::<UInt32Type>(array, row)?.into()),
        DataType::UInt64 => Cell::UInt(primitive::<UInt64Type>(array, row)?),
        DataType::Float16 => Cell::Float32(primitive::<Float16Type>(array, row)?.to_f32()),
        DataType::Float32 => Cell::Float32(primitive::<Float32Type>(array, row)?),
        DataType::Float64 => Cell::Float(primitive::<Float64Type>(array, row)?),
        DataType::Decimal128(..) => {
            Cell::Decimal(any.downcast_ref::<Decimal128Array>()?.value_as_string(row))
        }
        DataType::Decimal256(..) => {
            Cell::Decimal(any.downcast_ref::<Decimal256Array>()?.value_as_string(row))
        }
        DataType::Date32 => Cell::Date(primitive::<Date32Type>(array, row)?),
        DataType::Time32(TimeUnit::Second) => Cell::Time(primitive::<Time32SecondType>(array, row)?.into()),
        DataType::Time32(_) => Cell::Time(primitive::<Time32MillisecondType>(array, row)?.into()),
        DataType::Time64(TimeUnit::Microsecond) => {
            Cell::Time(primitive::<Time64MicrosecondType>(array, row)?)
        }
        DataType::Time64(_) => Cell::Time(primitive::<Time64NanosecondType>(array, row)?),
        DataType::Timestamp(unit, _) => Cell::Timestamp(match unit {
            TimeUnit::Second => primitive::<TimestampSecondType>(array, row)?,
            TimeUnit::Millisecond => primitive::<TimestampMillisecondType>(array, row)?,
            TimeUnit::Microsecond => primitive::<TimestampMicrosecondType>(array, row)?,
            TimeUnit::Nanosecond => primitive::<TimestampNanosecondType>(array, row)?,
        }),
        DataType::Binary => Cell::Bytes(any.downcast_ref::<BinaryArray>()?.value(row).to_vec()),
        DataType::Utf8 => text_cell(any.downcast_ref::<StringArray>()?.value(row), logical),
        _ => nested_of(array, row, logical)?,
    })
}

fn text_cell(text: &str, logical: &LogicalType) -> Cell {
    match logical {
        LogicalType::Text => Cell::Text(text.to_owned()),
        LogicalType::Decimal { .. } => Cell::Decimal(text.to_owned()),
        LogicalType::Json => Cell::Json(text.to_owned()),
        _ => Cell::Exact(text.to_owned()),
    }
}

fn nested_of(array: &ArrayRef, row: usize, logical: &LogicalType) -> Option<Cell> {
    Some(match logical {
        LogicalType::List { item } => {
            let values = array.as_list_opt::<i32>()?.value(row);
            Cell::List((0..values.len()).map(|index| cell_of(&values, index, item)).collect())
        }
        LogicalType::Struct { fields } => {
            let columns = array.as_struct_opt()?;
            if columns.num_columns() != fields.len() {
                return None;
            }
            let cells = fields.iter().enumerate().map(|(index, field)| {
                (field.name.clone(), cell_of(columns.column(index), row, &field.logical))
            });
            Cell::Struct(cells.collect())
        }
        LogicalType::Map { key, value } => {
            let entries = array.as_map_opt()?.value(row);
            let (keys, values) = (entries.column(0), entries.column(1));
            Cell::Map(
                (0..entries.len())
                    .map(|index| (cell_of(keys, index, key), cell_of(values, index, value)))
                    .collect(),
            )
        }
        _ => return None,
    })
}
