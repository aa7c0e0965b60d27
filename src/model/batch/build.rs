//! From cells to Arrow columns. A cell that the column's Arrow type cannot hold becomes null there and
//! an exception beside it; nothing is coerced.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryBuilder, BooleanBuilder, Decimal128Array, Decimal256Array, ListArray, MapArray,
    NullArray, PrimitiveArray, StringBuilder, StructArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Decimal128Type, Decimal256Type, DecimalType, Float16Type,
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, Time32MillisecondType,
    Time32SecondType, Time64MicrosecondType, Time64NanosecondType, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type, i256,
};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};

use super::{Batch, Exception, Origin};
use crate::model::cell::Cell;
use crate::model::error::{Error, Result};
use crate::model::schema::{LogicalType, Schema, TimeUnit};

/// Builds batches row by row or cell by cell.
pub struct BatchBuilder {
    schema: Arc<Schema>,
    columns: Vec<Column>,
    exceptions: Vec<Exception>,
    rows: usize,
    approximate_bytes: usize,
}

impl BatchBuilder {
    /// A builder for batches of `schema`.
    pub fn new(schema: Arc<Schema>) -> Self {
        let columns = schema.fields.iter().map(|field| Column::new(&field.logical)).collect();
        Self { schema, columns, exceptions: Vec::new(), rows: 0, approximate_bytes: 0 }
    }

    /// Rows pushed since the last batch.
    pub fn row_count(&self) -> usize {
        self.rows
    }

    /// About how many bytes the rows pushed so far hold.
    pub fn approximate_bytes(&self) -> usize {
        self.approximate_bytes
    }

    /// Adds a row; absent cells at the end are missing, surplus ones are ignored (count them before).
    pub fn push_row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        let mut cells = cells.into_iter();
        for (index, column) in self.columns.iter_mut().enumerate() {
            let cell = cells.next().unwrap_or(Cell::Missing);
            self.approximate_bytes += approximate_bytes(&cell);
            if let Some(cell) = column.push(cell) {
                self.exceptions.push(Exception { row: self.rows, column: index, cell });
            }
        }
        self.rows += 1;
    }

    /// Takes what was pushed as a batch and starts anew.
    pub fn take(&mut self, origin: Origin) -> Result<Batch> {
        let rows = std::mem::take(&mut self.rows);
        self.approximate_bytes = 0;
        let fresh = self.schema.fields.iter().map(|field| Column::new(&field.logical)).collect();
        let columns = std::mem::replace(&mut self.columns, fresh);
        let arrays = columns.into_iter().map(Column::finish).collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let records = RecordBatch::try_new_with_options(self.schema.arrow(), arrays, &options)
            .map_err(|error| Error::unexpected("decode", format!("columns do not make a batch: {error}")))?;
        Batch::new(Arc::clone(&self.schema), records, origin, std::mem::take(&mut self.exceptions))
    }
}

fn approximate_bytes(cell: &Cell) -> usize {
    match cell {
        Cell::Text(text) | Cell::Exact(text) | Cell::Json(text) | Cell::Decimal(text) => text.len() + 4,
        Cell::Bytes(bytes) | Cell::Invalid(bytes) => bytes.len() + 4,
        Cell::List(items) => items.iter().map(approximate_bytes).sum::<usize>() + 4,
        Cell::Struct(fields) => fields.iter().map(|(_, cell)| approximate_bytes(cell)).sum(),
        Cell::Map(entries) => {
            entries.iter().map(|(key, value)| approximate_bytes(key) + approximate_bytes(value)).sum()
        }
        _ => 8,
    }
}

/// Values of a primitive column, whole numbers of at most 64 bits and their unit.
struct Column {
    logical: LogicalType,
    arrow: DataType,
    values: Values,
    validity: Vec<bool>,
}

enum Values {
    None,
    Bool(BooleanBuilder),
    Whole(Vec<i64>),
    Unsigned(Vec<u64>),
    Float(Vec<f64>),
    Float32(Vec<f32>),
    Decimal(Vec<i256>),
    Text(StringBuilder),
    Bytes(BinaryBuilder),
    List { child: Box<Column>, lengths: Vec<usize> },
    Struct { children: Vec<Column> },
    Map { key: Box<Column>, value: Box<Column>, lengths: Vec<usize> },
}

impl Column {
    fn new(logical: &LogicalType) -> Self {
        let arrow = logical.arrow();
        let values = match (&arrow, logical) {
            (DataType::Null, _) => Values::None,
            (DataType::Boolean, _) => Values::Bool(BooleanBuilder::new()),
            (DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64, _) => {
                Values::Unsigned(Vec::new())
            }
            (DataType::Float64, _) => Values::Float(Vec::new()),
            (DataType::Float16 | DataType::Float32, _) => Values::Float32(Vec::new()),
            (DataType::Decimal128(..) | DataType::Decimal256(..), _) => Values::Decimal(Vec::new()),
            (DataType::Utf8, _) => Values::Text(StringBuilder::new()),
            (DataType::Binary, _) => Values::Bytes(BinaryBuilder::new()),
            (_, LogicalType::List { item }) => {
                Values::List { child: Box::new(Self::new(item)), lengths: Vec::new() }
            }
            (_, LogicalType::Struct { fields }) => {
                Values::Struct { children: fields.iter().map(|field| Self::new(&field.logical)).collect() }
            }
            (_, LogicalType::Map { key, value }) => Values::Map {
                key: Box::new(Self::new(key)),
                value: Box::new(Self::new(value)),
                lengths: Vec::new(),
            },
            _ => Values::Whole(Vec::new()),
        };
        Self { logical: logical.clone(), arrow, values, validity: Vec::new() }
    }

    /// Adds a cell; gives it back if the column cannot hold it (null stands in its place).
    fn push(&mut self, cell: Cell) -> Option<Cell> {
        match cell {
            Cell::Null => {
                self.push_null();
                None
            }
            cell => match self.try_push(cell) {
                Ok(()) => {
                    self.validity.push(true);
                    None
                }
                Err(cell) => {
                    self.push_null();
                    Some(cell)
                }
            },
        }
    }

    fn push_null(&mut self) {
        self.validity.push(false);
        match &mut self.values {
            Values::None => {}
            Values::Bool(values) => values.append_null(),
            Values::Whole(values) => values.push(0),
            Values::Unsigned(values) => values.push(0),
            Values::Float(values) => values.push(0.0),
            Values::Float32(values) => values.push(0.0),
            Values::Decimal(values) => values.push(i256::ZERO),
            Values::Text(values) => values.append_null(),
            Values::Bytes(values) => values.append_null(),
            Values::List { lengths, .. } | Values::Map { lengths, .. } => lengths.push(0),
            Values::Struct { children } => children.iter_mut().for_each(Self::push_null),
        }
    }

    fn try_push(&mut self, cell: Cell) -> std::result::Result<(), Cell> {
        match (&mut self.values, cell) {
            (Values::Bool(values), Cell::Bool(value)) => values.append_value(value),
            (Values::Whole(values), Cell::Int(value)) if fits_whole(&self.arrow, value) => values.push(value),
            (Values::Whole(values), Cell::Date(value)) if self.arrow == DataType::Date32 => {
                values.push(value.into());
            }
            (Values::Whole(values), Cell::Time(value))
                if matches!(self.arrow, DataType::Time32(_) | DataType::Time64(_)) =>
            {
                values.push(value);
            }
            (Values::Whole(values), Cell::Timestamp(value))
                if matches!(self.arrow, DataType::Timestamp(..)) =>
            {
                values.push(value);
            }
            (Values::Unsigned(values), Cell::UInt(value)) if fits_unsigned(&self.arrow, value) => {
                values.push(value);
            }
            (Values::Unsigned(values), Cell::Int(value))
                if value >= 0 && fits_unsigned(&self.arrow, value.cast_unsigned()) =>
            {
                values.push(value.cast_unsigned());
            }
            (Values::Float(values), Cell::Float(value)) => values.push(value),
            (Values::Float32(values), Cell::Float32(value)) => values.push(value),
            (Values::Decimal(values), Cell::Decimal(text)) => match decimal_of(&text, &self.arrow) {
                Some(value) => values.push(value),
                None => return Err(Cell::Decimal(text)),
            },
            (Values::Text(values), Cell::Text(text)) if self.logical == LogicalType::Text => {
                values.append_value(text);
            }
            (Values::Text(values), Cell::Json(text)) if self.logical == LogicalType::Json => {
                values.append_value(text);
            }
            (Values::Text(values), Cell::Decimal(text))
                if matches!(self.logical, LogicalType::Decimal { .. }) =>
            {
                values.append_value(text);
            }
            (Values::Text(values), Cell::Exact(text)) if carries_exact(&self.logical) => {
                values.append_value(text);
            }
            (Values::Bytes(values), Cell::Bytes(bytes)) => values.append_value(bytes),
            (_, cell @ (Cell::List(_) | Cell::Struct(_) | Cell::Map(_))) => {
                return self.try_push_nested(cell);
            }
            (_, cell) => return Err(cell),
        }
        Ok(())
    }

    /// Nested cells are taken whole or not at all: a child that does not fit sends the parent to the exceptions.
    fn try_push_nested(&mut self, cell: Cell) -> std::result::Result<(), Cell> {
        if !fits(&cell, &self.logical) {
            return Err(cell);
        }
        match (&mut self.values, cell) {
            (Values::List { child, lengths }, Cell::List(items)) => {
                lengths.push(items.len());
                for item in items {
                    child.push(item);
                }
            }
            (Values::Struct { children }, Cell::Struct(fields)) => {
                for (child, (_, cell)) in children.iter_mut().zip(fields) {
                    child.push(cell);
                }
            }
            (Values::Map { key, value, lengths }, Cell::Map(entries)) => {
                lengths.push(entries.len());
                for (k, v) in entries {
                    key.push(k);
                    value.push(v);
                }
            }
            (_, cell) => return Err(cell),
        }
        Ok(())
    }

    fn finish(self) -> Result<ArrayRef> {
        let rows = self.validity.len();
        let nulls = NullBuffer::from(self.validity);
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
            Values::Decimal(values) => decimal_array(values, nulls, &self.arrow).map_err(failed)?,
            Values::Text(mut values) => Arc::new(values.finish()),
            Values::Bytes(mut values) => Arc::new(values.finish()),
            Values::List { child, lengths } => {
                let DataType::List(field) = &self.arrow else {
                    return Err(Error::unexpected("decode", "a list column without a list type"));
                };
                let offsets = OffsetBuffer::from_lengths(lengths);
                Arc::new(
                    ListArray::try_new(Arc::clone(field), offsets, child.finish()?, Some(nulls))
                        .map_err(failed)?,
                )
            }
            Values::Struct { children } => {
                let DataType::Struct(fields) = &self.arrow else {
                    return Err(Error::unexpected("decode", "a struct column without a struct type"));
                };
                let arrays = children.into_iter().map(Self::finish).collect::<Result<Vec<_>>>()?;
                Arc::new(
                    StructArray::try_new_with_length(fields.clone(), arrays, Some(nulls), rows)
                        .map_err(failed)?,
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
                    MapArray::try_new(Arc::clone(entries), offsets, pairs, Some(nulls), false)
                        .map_err(failed)?,
                )
            }
        })
    }
}

/// Whether a text column of this type carries exact text.
fn carries_exact(logical: &LogicalType) -> bool {
    logical.arrow() == DataType::Utf8
        && !matches!(logical, LogicalType::Text | LogicalType::Json | LogicalType::Decimal { .. })
}

fn fits_whole(arrow: &DataType, value: i64) -> bool {
    match arrow {
        DataType::Int8 => i8::try_from(value).is_ok(),
        DataType::Int16 => i16::try_from(value).is_ok(),
        DataType::Int32 => i32::try_from(value).is_ok(),
        DataType::Int64 => true,
        _ => false,
    }
}

fn fits_unsigned(arrow: &DataType, value: u64) -> bool {
    match arrow {
        DataType::UInt8 => u8::try_from(value).is_ok(),
        DataType::UInt16 => u16::try_from(value).is_ok(),
        DataType::UInt32 => u32::try_from(value).is_ok(),
        _ => true,
    }
}

/// Whether a column of this type holds the cell, children included.
fn fits(cell: &Cell, logical: &LogicalType) -> bool {
    match (cell, logical) {
        (Cell::Null, _) => true,
        (Cell::List(items), LogicalType::List { item }) => items.iter().all(|cell| fits(cell, item)),
        (Cell::Struct(cells), LogicalType::Struct { fields }) => {
            cells.len() == fields.len()
                && cells
                    .iter()
                    .zip(fields)
                    .all(|((name, cell), field)| *name == field.name && fits(cell, &field.logical))
        }
        (Cell::Map(entries), LogicalType::Map { key, value }) => {
            entries.iter().all(|(k, v)| !k.is_absent() && fits(k, key) && fits(v, value))
        }
        (Cell::List(_) | Cell::Struct(_) | Cell::Map(_), _) => false,
        (cell, logical) => Column::new(logical).try_push(cell.clone()).is_ok(),
    }
}

fn primitive<T: ArrowPrimitiveType>(values: Vec<T::Native>, nulls: NullBuffer, arrow: &DataType) -> ArrayRef {
    Arc::new(PrimitiveArray::<T>::new(ScalarBuffer::from(values), Some(nulls)).with_data_type(arrow.clone()))
}

#[expect(clippy::cast_possible_truncation, reason = "every value was checked to fit when pushed")]
fn whole_array(arrow: &DataType, values: Vec<i64>, nulls: NullBuffer) -> ArrayRef {
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
fn unsigned_array(arrow: &DataType, values: Vec<u64>, nulls: NullBuffer) -> ArrayRef {
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

fn decimal_array(
    values: Vec<i256>,
    nulls: NullBuffer,
    arrow: &DataType,
) -> std::result::Result<ArrayRef, arrow::error::ArrowError> {
    Ok(match arrow {
        DataType::Decimal128(precision, scale) => {
            let narrow = values.into_iter().map(|value| value.to_i128().unwrap_or(0)).collect::<Vec<_>>();
            Arc::new(
                Decimal128Array::new(ScalarBuffer::from(narrow), Some(nulls))
                    .with_precision_and_scale(*precision, *scale)?,
            )
        }
        DataType::Decimal256(precision, scale) => Arc::new(
            Decimal256Array::new(ScalarBuffer::from(values), Some(nulls))
                .with_precision_and_scale(*precision, *scale)?,
        ),
        other => return Err(arrow::error::ArrowError::SchemaError(format!("{other} is no decimal"))),
    })
}

/// Exact digits to the column's scale; none if digits would be lost or the precision exceeded.
fn decimal_of(text: &str, arrow: &DataType) -> Option<i256> {
    let (precision, scale) = match arrow {
        DataType::Decimal128(precision, scale) | DataType::Decimal256(precision, scale) => {
            (*precision, usize::try_from(*scale).ok()?)
        }
        _ => return None,
    };
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) || fraction.len() != scale {
        return None;
    }
    let value = i256::from_string(&format!("{sign}{whole}{fraction}"))?;
    let valid = match arrow {
        DataType::Decimal128(..) => {
            Decimal128Type::validate_decimal_precision(value.to_i128()?, precision, 0)
        }
        _ => Decimal256Type::validate_decimal_precision(value, precision, 0),
    };
    valid.ok().map(|()| value)
}
