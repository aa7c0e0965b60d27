//! Arrow columns into columns that Polars writes, without losing a value where its type is wide enough.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray as _, BooleanArray, ListArray, MapArray, StringArray, StructArray,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Fields, TimeUnit as ArrowUnit};

use crate::model::batch::cell_of;
use crate::model::schema::{LogicalType, StructField, TimeUnit, Zone};
use crate::model::{Error, Result};

/// What a column becomes in a typed file.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Target {
    Same,
    Bools,
    Float32,
    Nanos,
    Millis { zone: Option<String> },
    Utc { unit: TimeUnit },
    Text,
    Json,
    List(Box<Target>),
    Struct(Vec<Target>),
    Pairs(Box<Target>, Box<Target>),
}

fn polars_knows(zone: &str) -> bool {
    polars::prelude::TimeZone::validate_time_zone(zone).is_ok()
}

impl Target {
    pub(super) fn of(logical: &LogicalType) -> Self {
        match logical {
            LogicalType::Null => Self::Bools,
            LogicalType::Float { bits: 16 } => Self::Float32,
            LogicalType::Decimal { .. } => match logical.arrow() {
                DataType::Utf8 => Self::Same,
                DataType::Decimal128(_, 0..) => Self::Same,
                _ => Self::Text,
            },
            LogicalType::Time { unit: TimeUnit::Nanosecond } => Self::Same,
            LogicalType::Time { .. } => Self::Nanos,
            LogicalType::Timestamp { zone: Zone::OffsetKept, .. } => Self::Same,
            LogicalType::Timestamp { unit, zone } => {
                let named = match zone {
                    Zone::Named(name) => Some(name.as_str()),
                    Zone::Utc => Some("UTC"),
                    _ => None,
                };
                let zone = named.map(|name| if polars_knows(name) { name } else { "UTC" }.to_owned());
                match unit {
                    TimeUnit::Second => Self::Millis { zone },
                    _ if zone.as_deref() != named => Self::Utc { unit: *unit },
                    _ => Self::Same,
                }
            }
            LogicalType::List { item } => Self::List(Box::new(Self::of(item))),
            LogicalType::Struct { fields } if fields.is_empty() || repeats(fields) => Self::Json,
            LogicalType::Struct { fields } => {
                Self::Struct(fields.iter().map(|field| Self::of(&field.logical)).collect())
            }
            LogicalType::Map { key, value } => {
                Self::Pairs(Box::new(Self::of(key)), Box::new(Self::of(value)))
            }
            _ => Self::Same,
        }
    }

    /// Whether any value inside gets another type.
    pub(super) fn changes(&self) -> bool {
        match self {
            Self::Same => false,
            Self::List(item) => item.changes(),
            Self::Struct(fields) => fields.iter().any(Self::changes),
            _ => true,
        }
    }

    /// The type in the file, in words.
    pub(super) fn word(&self, logical: &LogicalType) -> String {
        match (self, logical) {
            (Self::Same, _) if logical.arrow() == DataType::Utf8 => "text".to_owned(),
            (Self::Bools, _) => "bool".to_owned(),
            (Self::Float32, _) => "float32".to_owned(),
            (Self::Nanos, _) => "time (ns)".to_owned(),
            (Self::Millis { zone }, _) => zone_word("timestamp (ms)", zone.as_deref()),
            (Self::Utc { .. }, _) => "timestamp[UTC]".to_owned(),
            (Self::Text | Self::Json, _) => "text".to_owned(),
            (Self::List(item), LogicalType::List { item: logical }) => {
                format!("list<{}>", item.word(logical))
            }
            (Self::Struct(targets), LogicalType::Struct { fields }) => {
                let inner: Vec<String> = targets
                    .iter()
                    .zip(fields)
                    .map(|(target, field)| format!("{}: {}", field.name, target.word(&field.logical)))
                    .collect();
                format!("struct<{}>", inner.join(", "))
            }
            (Self::Pairs(k, v), LogicalType::Map { key, value }) => {
                format!("list<struct<key: {}, value: {}>>", k.word(key), v.word(value))
            }
            _ => logical.to_string(),
        }
    }

    /// The column in its new type. Values that do not fit become null.
    pub(super) fn apply(&self, array: &ArrayRef, logical: &LogicalType) -> Result<ArrayRef> {
        match (self, logical) {
            (Self::Same, _) => Ok(Arc::clone(array)),
            (Self::Bools, _) => Ok(Arc::new(BooleanArray::from(vec![None; array.len()]))),
            (Self::Float32, _) => to(array, &DataType::Float32),
            (Self::Nanos, _) => to(array, &DataType::Time64(ArrowUnit::Nanosecond)),
            (Self::Millis { zone }, _) => {
                let zone = zone.as_deref().map(Arc::from);
                to(array, &DataType::Timestamp(ArrowUnit::Millisecond, zone))
            }
            (Self::Utc { unit }, _) => to(array, &DataType::Timestamp(arrow_unit(*unit), Some("UTC".into()))),
            (Self::Text, _) => Ok(texts(array, logical, TextForm::Plain)),
            (Self::Json, _) => Ok(texts(array, logical, TextForm::Json)),
            (Self::List(target), LogicalType::List { item }) => {
                let list = array.as_list_opt::<i32>().ok_or_else(|| odd(logical))?;
                let values = target.apply(list.values(), item)?;
                let field = Arc::new(Field::new("item", values.data_type().clone(), true));
                made(ListArray::try_new(field, list.offsets().clone(), values, list.nulls().cloned()))
            }
            (Self::Struct(targets), LogicalType::Struct { fields }) => {
                let columns = array.as_struct_opt().ok_or_else(|| odd(logical))?;
                let inner = targets
                    .iter()
                    .zip(fields)
                    .zip(columns.columns())
                    .map(|((target, field), column)| target.apply(column, &field.logical))
                    .collect::<Result<Vec<_>>>()?;
                let names = fields.iter().map(|field| field.name.as_str());
                made(struct_of(names, inner, columns.nulls().cloned()))
            }
            (Self::Pairs(k, v), LogicalType::Map { key, value }) => {
                let map: &MapArray = array.as_map_opt().ok_or_else(|| odd(logical))?;
                let inner = vec![k.apply(map.keys(), key)?, v.apply(map.values(), value)?];
                let pairs = struct_of(["key", "value"].into_iter(), inner, None).map_err(unfit)?;
                let field = Arc::new(Field::new("item", pairs.data_type().clone(), true));
                let nulls = map.nulls().cloned();
                made(ListArray::try_new(field, map.offsets().clone(), Arc::new(pairs), nulls))
            }
            _ => Err(odd(logical)),
        }
    }
}

fn zone_word(word: &str, zone: Option<&str>) -> String {
    zone.map_or_else(|| word.to_owned(), |zone| format!("{word}[{zone}]"))
}

fn arrow_unit(unit: TimeUnit) -> ArrowUnit {
    match unit {
        TimeUnit::Second => ArrowUnit::Second,
        TimeUnit::Millisecond => ArrowUnit::Millisecond,
        TimeUnit::Microsecond => ArrowUnit::Microsecond,
        TimeUnit::Nanosecond => ArrowUnit::Nanosecond,
    }
}

fn repeats(fields: &[StructField]) -> bool {
    fields
        .iter()
        .enumerate()
        .any(|(index, field)| fields[..index].iter().any(|known| known.name == field.name))
}

fn struct_of<'a>(
    names: impl Iterator<Item = &'a str>,
    columns: Vec<ArrayRef>,
    nulls: Option<arrow::buffer::NullBuffer>,
) -> std::result::Result<StructArray, arrow::error::ArrowError> {
    let fields: Fields = names
        .zip(&columns)
        .map(|(name, column)| Field::new(name, column.data_type().clone(), true))
        .collect();
    StructArray::try_new(fields, columns, nulls)
}

fn to(array: &ArrayRef, target: &DataType) -> Result<ArrayRef> {
    cast(array, target).map_err(unfit)
}

fn made<A: Array + 'static>(array: std::result::Result<A, arrow::error::ArrowError>) -> Result<ArrayRef> {
    array.map(|array| Arc::new(array) as ArrayRef).map_err(unfit)
}

fn unfit(error: arrow::error::ArrowError) -> Error {
    Error::unexpected("export", format!("a column can't be converted: {error}"))
}

fn odd(logical: &LogicalType) -> Error {
    Error::unexpected("export", format!("a column does not carry its type {logical}"))
}

#[derive(Clone, Copy, PartialEq)]
enum TextForm {
    Plain,
    Json,
}

fn texts(array: &ArrayRef, logical: &LogicalType, form: TextForm) -> ArrayRef {
    let text = |row| {
        let cell = cell_of(array, row, logical);
        if cell.is_absent() {
            return None;
        }
        Some(match form {
            TextForm::Plain => cell.text(logical),
            TextForm::Json => {
                let mut out = String::new();
                cell.push_json(logical, &mut out);
                out
            }
        })
    };
    Arc::new((0..array.len()).map(text).collect::<StringArray>())
}
