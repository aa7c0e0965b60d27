//! Types of values as a data engineer names them, wider than Arrow's. The Arrow type that carries a
//! logical type in a batch is fixed here, in [`LogicalType::arrow`]; whatever Arrow cannot hold is an
//! exact text cell (see `batch`), with its logical type kept.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field as ArrowField, Fields, TimeUnit as ArrowUnit};
use serde::{Deserialize, Serialize};

/// Unit of a time or timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeUnit {
    /// Seconds.
    Second,
    /// Milliseconds.
    Millisecond,
    /// Microseconds.
    Microsecond,
    /// Nanoseconds.
    Nanosecond,
}

impl TimeUnit {
    /// Units per second.
    pub fn per_second(self) -> i64 {
        match self {
            Self::Second => 1,
            Self::Millisecond => 1_000,
            Self::Microsecond => 1_000_000,
            Self::Nanosecond => 1_000_000_000,
        }
    }

    fn arrow(self) -> ArrowUnit {
        match self {
            Self::Second => ArrowUnit::Second,
            Self::Millisecond => ArrowUnit::Millisecond,
            Self::Microsecond => ArrowUnit::Microsecond,
            Self::Nanosecond => ArrowUnit::Nanosecond,
        }
    }
}

/// What a timestamp says about its zone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Zone {
    /// Wall clock of an unknown place.
    None,
    /// An instant.
    Utc,
    /// An instant whose offset of writing is kept per value (carried as exact text).
    OffsetKept,
    /// An instant shown in this IANA zone.
    Named(String),
}

/// A named field of a struct.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct StructField {
    /// Its name.
    pub name: String,
    /// Its type.
    pub logical: LogicalType,
}

/// The type of a column or value.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum LogicalType {
    /// Only nulls.
    Null,
    /// True or false.
    Bool,
    /// Whole number of 8, 16, 32 or 64 bits.
    Int {
        /// Width in bits.
        bits: u8,
        /// Whether it has a sign.
        signed: bool,
    },
    /// Binary floating point of 16, 32 or 64 bits.
    Float {
        /// Width in bits.
        bits: u8,
    },
    /// Decimal; without precision, or beyond 76 digits, carried as exact text.
    Decimal {
        /// Digits in all.
        precision: Option<u16>,
        /// Digits behind the point.
        scale: Option<i16>,
    },
    /// Text.
    Text,
    /// Bytes.
    Bytes,
    /// Calendar date.
    Date,
    /// Time of day.
    Time {
        /// Its unit.
        unit: TimeUnit,
    },
    /// Point in time.
    Timestamp {
        /// Its unit.
        unit: TimeUnit,
        /// What it says about its zone.
        zone: Zone,
    },
    /// Months, days and nanoseconds, kept apart.
    Interval,
    /// 128-bit identifier.
    Uuid,
    /// JSON text, kept byte for byte.
    Json,
    /// List of one type.
    List {
        /// Type of the items.
        item: Box<LogicalType>,
    },
    /// Named fields.
    Struct {
        /// Its fields in order.
        fields: Vec<StructField>,
    },
    /// Keys to values.
    Map {
        /// Type of the keys.
        key: Box<LogicalType>,
        /// Type of the values.
        value: Box<LogicalType>,
    },
    /// One of listed labels.
    Enum {
        /// The labels, if known.
        labels: Vec<String>,
    },
    /// Range over a type, in its text form.
    Range {
        /// Type of the bounds.
        of: Box<LogicalType>,
    },
    /// Network address.
    Inet,
    /// Bit string, text of 0 and 1.
    Bits,
    /// Geometry as well-known text or binary.
    Geometry,
    /// MongoDB's 12-byte id, in hex.
    ObjectId,
    /// Pattern with options.
    Regex,
    /// A type only its upstream knows, in its text form.
    Opaque {
        /// The upstream's name of it.
        name: String,
    },
}

impl LogicalType {
    /// 64-bit signed integer.
    pub const INT64: Self = Self::Int { bits: 64, signed: true };
    /// 64-bit float.
    pub const FLOAT64: Self = Self::Float { bits: 64 };

    /// The Arrow type that carries this type in a batch. Types that Arrow lacks travel as UTF-8 text.
    pub fn arrow(&self) -> DataType {
        match self {
            Self::Null => DataType::Null,
            Self::Bool => DataType::Boolean,
            Self::Int { bits, signed } => int_arrow(*bits, *signed),
            Self::Float { bits: 16 } => DataType::Float16,
            Self::Float { bits: 32 } => DataType::Float32,
            Self::Float { .. } => DataType::Float64,
            Self::Decimal { precision, scale } => decimal_arrow(*precision, *scale),
            Self::Bytes => DataType::Binary,
            Self::Date => DataType::Date32,
            Self::Time { unit } => match unit {
                TimeUnit::Second | TimeUnit::Millisecond => DataType::Time32(unit.arrow()),
                TimeUnit::Microsecond | TimeUnit::Nanosecond => DataType::Time64(unit.arrow()),
            },
            Self::Timestamp { unit, zone } => match zone {
                Zone::None => DataType::Timestamp(unit.arrow(), None),
                Zone::Utc => DataType::Timestamp(unit.arrow(), Some("UTC".into())),
                Zone::Named(name) => DataType::Timestamp(unit.arrow(), Some(name.as_str().into())),
                Zone::OffsetKept => DataType::Utf8,
            },
            Self::List { item } => DataType::List(Arc::new(ArrowField::new("item", item.arrow(), true))),
            Self::Struct { fields } => DataType::Struct(
                fields
                    .iter()
                    .map(|field| ArrowField::new(&field.name, field.logical.arrow(), true))
                    .collect::<Fields>(),
            ),
            Self::Map { key, value } => {
                let entries = Fields::from(vec![
                    ArrowField::new("keys", key.arrow(), false),
                    ArrowField::new("values", value.arrow(), true),
                ]);
                DataType::Map(Arc::new(ArrowField::new("entries", DataType::Struct(entries), false)), false)
            }
            Self::Text
            | Self::Interval
            | Self::Uuid
            | Self::Json
            | Self::Enum { .. }
            | Self::Range { .. }
            | Self::Inet
            | Self::Bits
            | Self::Geometry
            | Self::ObjectId
            | Self::Regex
            | Self::Opaque { .. } => DataType::Utf8,
        }
    }

    /// Whether values travel as exact text because there is no other form for all of them: text itself is plain.
    pub fn is_exact_text(&self) -> bool {
        matches!(
            self,
            Self::Interval
                | Self::Uuid
                | Self::Json
                | Self::Enum { .. }
                | Self::Range { .. }
                | Self::Inet
                | Self::Bits
                | Self::Geometry
                | Self::ObjectId
                | Self::Regex
                | Self::Opaque { .. }
        )
    }

    /// Whether values are numbers (right-aligned, summed, binned).
    pub fn is_numeric(&self) -> bool {
        matches!(self, Self::Int { .. } | Self::Float { .. } | Self::Decimal { .. })
    }

    /// Whether values are points in time.
    pub fn is_temporal(&self) -> bool {
        matches!(self, Self::Date | Self::Time { .. } | Self::Timestamp { .. })
    }
}

fn int_arrow(bits: u8, signed: bool) -> DataType {
    match (bits, signed) {
        (8, true) => DataType::Int8,
        (16, true) => DataType::Int16,
        (32, true) => DataType::Int32,
        (8, false) => DataType::UInt8,
        (16, false) => DataType::UInt16,
        (32, false) => DataType::UInt32,
        (_, false) => DataType::UInt64,
        (_, true) => DataType::Int64,
    }
}

fn decimal_arrow(precision: Option<u16>, scale: Option<i16>) -> DataType {
    let (Some(precision), Some(scale)) = (precision, scale) else { return DataType::Utf8 };
    match (u8::try_from(precision), i8::try_from(scale)) {
        (Ok(precision @ 1..=38), Ok(scale)) if scale <= precision.cast_signed() => {
            DataType::Decimal128(precision, scale)
        }
        (Ok(precision @ 39..=76), Ok(scale)) if scale <= precision.cast_signed() => {
            DataType::Decimal256(precision, scale)
        }
        _ => DataType::Utf8,
    }
}

impl fmt::Display for LogicalType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool => f.write_str("bool"),
            Self::Int { bits, signed: true } => write!(f, "int{bits}"),
            Self::Int { bits, signed: false } => write!(f, "uint{bits}"),
            Self::Float { bits } => write!(f, "float{bits}"),
            Self::Decimal { precision: Some(precision), scale: Some(scale) } => {
                write!(f, "decimal({precision},{scale})")
            }
            Self::Decimal { .. } => f.write_str("decimal"),
            Self::Text => f.write_str("text"),
            Self::Bytes => f.write_str("bytes"),
            Self::Date => f.write_str("date"),
            Self::Time { .. } => f.write_str("time"),
            Self::Timestamp { zone: Zone::None, .. } => f.write_str("timestamp"),
            Self::Timestamp { zone: Zone::Named(name), .. } => write!(f, "timestamp[{name}]"),
            Self::Timestamp { .. } => f.write_str("timestamp with zone"),
            Self::Interval => f.write_str("interval"),
            Self::Uuid => f.write_str("uuid"),
            Self::Json => f.write_str("json"),
            Self::List { item } => write!(f, "list<{item}>"),
            Self::Struct { fields } => {
                f.write_str("struct<")?;
                for (index, field) in fields.iter().enumerate() {
                    write!(f, "{}{}: {}", if index > 0 { ", " } else { "" }, field.name, field.logical)?;
                }
                f.write_str(">")
            }
            Self::Map { key, value } => write!(f, "map<{key}, {value}>"),
            Self::Enum { .. } => f.write_str("enum"),
            Self::Range { of } => write!(f, "range<{of}>"),
            Self::Inet => f.write_str("inet"),
            Self::Bits => f.write_str("bits"),
            Self::Geometry => f.write_str("geometry"),
            Self::ObjectId => f.write_str("objectid"),
            Self::Regex => f.write_str("regex"),
            Self::Opaque { name } => write!(f, "opaque({name})"),
        }
    }
}

/// Whether a column may hold null.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Nullability {
    /// The source allows null.
    Nullable,
    /// The source forbids null.
    Required,
    /// The source does not say.
    Unknown,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// The upstream's name, raw.
    pub name: String,
    /// The type its values are read as.
    pub logical: LogicalType,
    /// The type as the source declares it.
    pub native: String,
    /// Whether it may hold null.
    pub nullability: Nullability,
    /// Remark of the connector: comment, "loosely typed: 12 text values among integers", ….
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Field {
    /// A nullable column whose native type is spelled as its logical one.
    pub fn new(name: impl Into<String>, logical: LogicalType) -> Self {
        let native = logical.to_string();
        Self { name: name.into(), logical, native, nullability: Nullability::Unknown, note: None }
    }

    /// With the type as the source declares it.
    #[must_use]
    pub fn native(mut self, native: impl Into<String>) -> Self {
        self.native = native.into();
        self
    }
}

/// Columns in order. Names may repeat: columns are addressed by index.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schema {
    /// The columns.
    pub fields: Vec<Field>,
}

impl Schema {
    /// Schema of these columns.
    pub fn new(fields: Vec<Field>) -> Self {
        Self { fields }
    }

    /// Index of the first column of this name.
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name == name)
    }

    /// The Arrow schema that carries these columns.
    pub fn arrow(&self) -> arrow::datatypes::SchemaRef {
        Arc::new(arrow::datatypes::Schema::new(
            self.fields
                .iter()
                .map(|field| ArrowField::new(&field.name, field.logical.arrow(), true))
                .collect::<Vec<_>>(),
        ))
    }
}
