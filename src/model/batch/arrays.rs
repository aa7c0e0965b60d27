//! Finished columns: the values a [`Column`] took, as an Arrow array of its type.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Decimal128Array, Decimal256Array, ListArray, MapArray, NullArray, PrimitiveArray, StructArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, Time32MillisecondType, Time32SecondType, Time64MicrosecondType,
    Time64NanosecondType, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};

use super::column::{Column, Values};
use crate::model::error::{Error, Result};
use crate::model::schema::TimeUnit;

impl Column {
    /// The column as an Arrow array of its type.
    pub(super) fn finish(mut self) -> Result<ArrayRef> {
        let rows = self.len();
        let nulls = self.nulls.finish();
        let failed = |error: arrow::error::ArrowError| {
            Error::unexpected("decode", format!("a column can't be built: {error}"))
        };
        Ok(match self.values {
            Values::None => Arc::new(NullArray::new(rows)),
            Values::Bool(mut values) => Arc::new(values.finish()),
            Values::Whole(values) => whole_array(&self.arrow, values, nulls),
            Values::Unsigned(values) => unsigned_array(&self.arrow, values, nulls),
            Values::Float(values) => primitive::<Float64Type>(values, nulls, &self.arrow),
            Values::Float32(values) if self.arrow == DataType::Float16 => primitive::<Float16Type>(
                values.into_iter().map(<Float16Type as ArrowPrimitiveType>::Native::from_f32).collect(),
                nulls,
                &self.arrow,
            ),
            Values::Float32(values) => primitive::<Float32Type>(values, nulls, &self.arrow),
            Values::Decimal128(values) => match &self.arrow {
                DataType::Decimal128(precision, scale) => Arc::new(
                    Decimal128Array::new(ScalarBuffer::from(values), nulls)
                        .with_precision_and_scale(*precision, *scale)
                        .map_err(failed)?,
                ),
                other => return Err(Error::unexpected("decode", format!("{other} is no decimal"))),
            },
            Values::Decimal256(values) => match &self.arrow {
                DataType::Decimal256(precision, scale) => Arc::new(
                    Decimal256Array::new(ScalarBuffer::from(values), nulls)
                        .with_precision_and_scale(*precision, *scale)
                        .map_err(failed)?,
                ),
                other => return Err(Error::unexpected("decode", format!("{other} is no decimal"))),
            },
            Values::Text(mut values) => Arc::new(values.finish()),
            Values::Bytes(mut values) => Arc::new(values.finish()),
            Values::List { child, lengths } => {
                let DataType::List(field) = &self.arrow else {
                    return Err(Error::unexpected("decode", "a list column without a list type"));
                };
                let offsets = OffsetBuffer::from_lengths(lengths);
                Arc::new(
                    ListArray::try_new(Arc::clone(field), offsets, child.finish()?, nulls).map_err(failed)?,
                )
            }
            Values::Struct { children } => {
                let DataType::Struct(fields) = &self.arrow else {
                    return Err(Error::unexpected("decode", "a struct column without a struct type"));
                };
                let arrays = children.into_iter().map(Self::finish).collect::<Result<Vec<_>>>()?;
                Arc::new(
                    StructArray::try_new_with_length(fields.clone(), arrays, nulls, rows).map_err(failed)?,
                )
            }
            Values::Map { key, value, lengths } => {
                let DataType::Map(entries, _) = &self.arrow else {
                    return Err(Error::unexpected("decode", "a map column without a map type"));
                };
                let DataType::Struct(fields) = entries.data_type() else {
                    return Err(Error::unexpected("decode", "map entries without a struct type"));
                };
                let pairs = StructArray::try_new(fields.clone(), vec![key.finish()?, value.finish()?], None)
                    .map_err(failed)?;
                let offsets = OffsetBuffer::from_lengths(lengths);
                Arc::new(
                    MapArray::try_new(Arc::clone(entries), offsets, pairs, nulls, false).map_err(failed)?,
                )
            }
        })
    }
}

fn primitive<T: ArrowPrimitiveType>(
    values: Vec<T::Native>,
    nulls: Option<NullBuffer>,
    arrow: &DataType,
) -> ArrayRef {
    Arc::new(PrimitiveArray::<T>::new(ScalarBuffer::from(values), nulls).with_data_type(arrow.clone()))
}

#[expect(clippy::cast_possible_truncation, reason = "every value was checked to fit when pushed")]
fn whole_array(arrow: &DataType, values: Vec<i64>, nulls: Option<NullBuffer>) -> ArrayRef {
    let narrow32 = |values: Vec<i64>| values.into_iter().map(|value| value as i32).collect::<Vec<_>>();
    match arrow {
        DataType::Int8 => {
            primitive::<Int8Type>(values.into_iter().map(|value| value as i8).collect(), nulls, arrow)
        }
        DataType::Int16 => {
            primitive::<Int16Type>(values.into_iter().map(|value| value as i16).collect(), nulls, arrow)
        }
        DataType::Int32 => primitive::<Int32Type>(narrow32(values), nulls, arrow),
        DataType::Date32 => primitive::<Date32Type>(narrow32(values), nulls, arrow),
        DataType::Time32(unit) if *unit == arrow_unit(TimeUnit::Second) => {
            primitive::<Time32SecondType>(narrow32(values), nulls, arrow)
        }
        DataType::Time32(_) => primitive::<Time32MillisecondType>(narrow32(values), nulls, arrow),
        DataType::Time64(unit) if *unit == arrow_unit(TimeUnit::Microsecond) => {
            primitive::<Time64MicrosecondType>(values, nulls, arrow)
        }
        DataType::Time64(_) => primitive::<Time64NanosecondType>(values, nulls, arrow),
        DataType::Timestamp(unit, _) => match unit {
            arrow::datatypes::TimeUnit::Second => primitive::<TimestampSecondType>(values, nulls, arrow),
            arrow::datatypes::TimeUnit::Millisecond => {
                primitive::<TimestampMillisecondType>(values, nulls, arrow)
            }
            arrow::datatypes::TimeUnit::Microsecond => {
                primitive::<TimestampMicrosecondType>(values, nulls, arrow)
            }
            arrow::datatypes::TimeUnit::Nanosecond => {
                primitive::<TimestampNanosecondType>(values, nulls, arrow)
            }
        },
        _ => primitive::<Int64Type>(values, nulls, arrow),
    }
}

fn arrow_unit(unit: TimeUnit) -> arrow::datatypes::TimeUnit {
    match unit {
        TimeUnit::Second => arrow::datatypes::TimeUnit::Second,
        TimeUnit::Millisecond => arrow::datatypes::TimeUnit::Millisecond,
        TimeUnit::Microsecond => arrow::datatypes::TimeUnit::Microsecond,
        TimeUnit::Nanosecond => arrow::datatypes::TimeUnit::Nanosecond,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "every value was checked to fit when pushed")]
fn unsigned_array(arrow: &DataType, values: Vec<u64>, nulls: Option<NullBuffer>) -> ArrayRef {
    match arrow {
        DataType::UInt8 => {
            primitive::<UInt8Type>(values.into_iter().map(|value| value as u8).collect(), nulls, arrow)
        }
        DataType::UInt16 => {
            primitive::<UInt16Type>(values.into_iter().map(|value| value as u16).collect(), nulls, arrow)
        }
        DataType::UInt32 => {
            primitive::<UInt32Type>(values.into_iter().map(|value| value as u32).collect(), nulls, arrow)
        }
        _ => primitive::<UInt64Type>(values, nulls, arrow),
    }
}
