//! Arrow columns into accumulators, without a cell per value for the common types.

use arrow::array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Decimal128Array, Decimal256Array, PrimitiveArray, StringArray,
};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, Time32MillisecondType, Time32SecondType, Time64MicrosecondType,
    Time64NanosecondType, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};

use super::accumulator::ColumnAccumulator;
use crate::model::batch::{Batch, cell_of};

/// Pushes every cell of a batch's column: exceptions first, then what Arrow holds.
pub(super) fn push_column(column: &mut ColumnAccumulator, batch: &Batch, index: usize) {
    let array = batch.records.column(index);
    let mut exceptions = 0;
    for exception in batch.exceptions().iter().filter(|exception| exception.column == index) {
        // An exception stands where Arrow has null; anything else is counted by its Arrow value.
        if array.is_null(exception.row) || array.data_type() == &DataType::Null {
            column.push_cell(&exception.cell);
            exceptions += 1;
        }
    }
    let nulls = match array.data_type() {
        DataType::Null => array.len(),
        _ => array.null_count(),
    };
    column.push_nulls((nulls - exceptions.min(nulls)) as u64);
    if nulls < array.len() {
        push_values(column, array);
    }
}

#[inline]
fn each<T: ArrowPrimitiveType>(array: &ArrayRef, mut push: impl FnMut(T::Native)) -> Option<()> {
    let values = array.as_any().downcast_ref::<PrimitiveArray<T>>()?;
    if values.null_count() == 0 {
        values.values().iter().for_each(|value| push(*value));
    } else {
        values.iter().flatten().for_each(push);
    }
    Some(())
}

fn push_values(column: &mut ColumnAccumulator, array: &ArrayRef) {
    let whole = |column: &mut ColumnAccumulator| match array.data_type() {
        DataType::Int8 => each::<Int8Type>(array, |value| column.push_i64(value.into())),
        DataType::Int16 => each::<Int16Type>(array, |value| column.push_i64(value.into())),
        DataType::Int32 => each::<Int32Type>(array, |value| column.push_i64(value.into())),
        DataType::Int64 => each::<Int64Type>(array, |value| column.push_i64(value)),
        DataType::UInt8 => each::<UInt8Type>(array, |value| column.push_u64(value.into())),
        DataType::UInt16 => each::<UInt16Type>(array, |value| column.push_u64(value.into())),
        DataType::UInt32 => each::<UInt32Type>(array, |value| column.push_u64(value.into())),
        DataType::UInt64 => each::<UInt64Type>(array, |value| column.push_u64(value)),
        DataType::Float16 => each::<Float16Type>(array, |value| column.push_f64(value.to_f64())),
        DataType::Float32 => each::<Float32Type>(array, |value| column.push_f64(value.into())),
        DataType::Float64 => each::<Float64Type>(array, |value| column.push_f64(value)),
        _ => None,
    };
    let pushed = whole(column).or_else(|| push_times(column, array)).or_else(|| push_texts(column, array));
    if pushed.is_none() {
        let logical = column.logical.clone();
        for row in (0..array.len()).filter(|&row| !array.is_null(row)) {
            column.push_cell(&cell_of(array, row, &logical));
        }
    }
}

fn push_times(column: &mut ColumnAccumulator, array: &ArrayRef) -> Option<()> {
    match array.data_type() {
        DataType::Date32 => each::<Date32Type>(array, |value| column.push_i64(value.into())),
        DataType::Time32(TimeUnit::Second) => {
            each::<Time32SecondType>(array, |value| column.push_i64(value.into()))
        }
        DataType::Time32(_) => each::<Time32MillisecondType>(array, |value| column.push_i64(value.into())),
        DataType::Time64(TimeUnit::Microsecond) => {
            each::<Time64MicrosecondType>(array, |value| column.push_i64(value))
        }
        DataType::Time64(_) => each::<Time64NanosecondType>(array, |value| column.push_i64(value)),
        DataType::Timestamp(unit, _) => match unit {
            TimeUnit::Second => each::<TimestampSecondType>(array, |value| column.push_i64(value)),
            TimeUnit::Millisecond => each::<TimestampMillisecondType>(array, |value| column.push_i64(value)),
            TimeUnit::Microsecond => each::<TimestampMicrosecondType>(array, |value| column.push_i64(value)),
            TimeUnit::Nanosecond => each::<TimestampNanosecondType>(array, |value| column.push_i64(value)),
        },
        _ => None,
    }
}

fn push_texts(column: &mut ColumnAccumulator, array: &ArrayRef) -> Option<()> {
    let any = array.as_any();
    match array.data_type() {
        DataType::Boolean => {
            any.downcast_ref::<BooleanArray>()?.iter().flatten().for_each(|value| column.push_bool(value));
        }
        DataType::Utf8 => {
            any.downcast_ref::<StringArray>()?.iter().flatten().for_each(|text| column.push_str(text));
        }
        DataType::Binary => {
            any.downcast_ref::<BinaryArray>()?.iter().flatten().for_each(|bytes| column.push_bytes(bytes));
        }
        DataType::Decimal128(..) => {
            let values = any.downcast_ref::<Decimal128Array>()?;
            for row in (0..values.len()).filter(|&row| !values.is_null(row)) {
                column.push_decimal(&values.value_as_string(row));
            }
        }
        DataType::Decimal256(..) => {
            let values = any.downcast_ref::<Decimal256Array>()?;
            for row in (0..values.len()).filter(|&row| !values.is_null(row)) {
                column.push_decimal(&values.value_as_string(row));
            }
        }
        _ => return None,
    }
    Some(())
}
