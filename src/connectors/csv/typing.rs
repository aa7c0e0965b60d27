//! The types that columns can have, and what a cell is in a column of a type.
//!
//! A cell that is not of its column's type is an *exception*: shown as the file says, counted, never a failed
//! read. Text is the type that always fits, and identifiers stay text: a leading zero, a long number with a
//! plus sign or `12E5` is never "improved".

use super::number::{self, DecimalMark, NumberShape};
use super::temporal::{self, DateOrder, Moment, TemporalShape, ZoneShape};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::rc::Rc;

/// Spellings that mean "no value" where the other cells of a column are not text.
pub const NULL_SPELLINGS: [&str; 14] =
    ["NULL", "null", "Null", "NA", "N/A", "n/a", "#N/A", "\\N", "-", "nil", "None", "none", "<NA>", "(null)"];

/// The kind of value that a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TypeKind {
    /// No sampled cell has a value.
    Null,
    /// `true` and `false`.
    Bool,
    /// Whole numbers of 64 bits.
    Int64,
    /// Exact decimals; also whole numbers beyond 64 bits.
    Decimal {
        /// Digits in all.
        precision: u16,
        /// Digits after the mark.
        scale: u16,
        /// What the file writes between whole and fraction.
        mark: DecimalMark,
    },
    /// Binary fractions.
    Float64,
    /// Dates.
    Date(DateOrder),
    /// Times of day, with so many digits of a second's fraction.
    Time(u8),
    /// Moments.
    Timestamp {
        /// Of the date.
        order: DateOrder,
        /// Digits of a second's fraction.
        fraction: u8,
        /// Whether the text says the zone.
        zone: ZoneShape,
    },
    /// Universally unique identifiers.
    Uuid,
    /// JSON objects and arrays.
    Json,
    /// Anything.
    Text,
}

/// A column's type and what counts as "no value" in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnType {
    /// The kind of value.
    pub kind: TypeKind,
    /// Which of [`FileTypes::words`] mean "no value", one bit each, beside the empty cell.
    pub nulls: u32,
}

/// The types of all columns of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileTypes {
    /// Spellings that may mean "no value", at most 32.
    pub words: Vec<String>,
    /// One type a column.
    pub columns: Vec<ColumnType>,
}

impl FileTypes {
    /// A reader for the cells of each column.
    pub fn readers(&self) -> Vec<ColumnReader<'_>> {
        // A table of 100,000 columns has a handful of different sets.
        let mut sets: BTreeMap<u32, Rc<[&[u8]]>> = BTreeMap::new();
        let reader = |column: &ColumnType| {
            let words = sets.entry(column.nulls).or_insert_with(|| self.words_of(column.nulls));
            ColumnReader { kind: column.kind, words: Rc::clone(words) }
        };
        self.columns.iter().map(reader).collect()
    }

    fn words_of(&self, nulls: u32) -> Rc<[&[u8]]> {
        let chosen = self.words.iter().take(32).enumerate().filter(|(bit, _)| nulls & (1 << bit) != 0);
        chosen.map(|(_, word)| word.as_bytes()).collect()
    }
}

/// Reads the cells of one column.
#[derive(Debug, Clone)]
pub struct ColumnReader<'w> {
    /// The kind of value.
    pub kind: TypeKind,
    pub(super) words: Rc<[&'w [u8]]>,
}

/// A cell as its column's type reads it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// No value, by this spelling.
    Null(&'a [u8]),
    /// A truth.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// So many units of the column's scale.
    Decimal(i128),
    /// A decimal of more than 38 digits, as written.
    BigDecimal(&'a [u8]),
    /// A binary fraction.
    Float(f64),
    /// Days since 1970-01-01.
    Date(i32),
    /// Nanoseconds since midnight.
    Time(i64),
    /// A moment.
    Moment(Moment),
    /// An identifier.
    Uuid([u8; 16]),
    /// Text or JSON, still in the file's encoding.
    Text(&'a [u8]),
    /// Not of the column's type: the cell as it stands.
    Exception(&'a [u8]),
}

/// What one cell looks like by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Nothing.
    Empty,
    /// An index into [`NULL_SPELLINGS`].
    NullWord(usize),
    /// `true` or `false`.
    Bool,
    /// A number.
    Number(NumberShape),
    /// A date or time.
    Temporal(TemporalShape),
    /// An identifier.
    Uuid,
    /// An object or array.
    Json,
    /// Anything else.
    Text,
}

/// What a cell looks like; blanks around it do not count.
pub fn shape(cell: &[u8]) -> Shape {
    let text = cell.trim_ascii();
    let Some(first) = text.first() else { return Shape::Empty };
    match first {
        b'0'..=b'9' | b'-' | b'+' | b'.' => {
            if let Some(number) = number::shape(text) {
                return Shape::Number(number);
            }
            if let Some(temporal) = temporal::shape(text) {
                return Shape::Temporal(temporal);
            }
        }
        b't' | b'T' | b'f' | b'F' if read_bool(text).is_some() => return Shape::Bool,
        b'{' | b'[' => {
            return if is_json(text) { Shape::Json } else { Shape::Text };
        }
        b'n' | b'N' | b'i' | b'I' => {
            if let Some(number) = number::shape(text) {
                return Shape::Number(number);
            }
        }
        _ => {}
    }
    if read_uuid(text).is_some() {
        return Shape::Uuid;
    }
    match NULL_SPELLINGS.iter().position(|word| word.as_bytes() == text) {
        Some(index) => Shape::NullWord(index),
        None => Shape::Text,
    }
}

fn read_bool(text: &[u8]) -> Option<bool> {
    match text {
        b"true" | b"True" | b"TRUE" => Some(true),
        b"false" | b"False" | b"FALSE" => Some(false),
        _ => None,
    }
}

fn is_json(text: &[u8]) -> bool {
    const LONGEST: usize = 1 << 20;
    let closes = matches!((text.first(), text.last()), (Some(b'{'), Some(b'}')) | (Some(b'['), Some(b']')));
    closes && text.len() <= LONGEST && serde_json::from_slice::<serde::de::IgnoredAny>(text).is_ok()
}

fn read_uuid(text: &[u8]) -> Option<[u8; 16]> {
    if text.len() != 36 {
        return None;
    }
    let mut value = [0u8; 16];
    let mut digits = 0;
    for (index, byte) in text.iter().enumerate() {
        if matches!(index, 8 | 13 | 18 | 23) {
            if *byte != b'-' {
                return None;
            }
            continue;
        }
        let digit = (*byte as char).to_digit(16)? as u8;
        value[digits / 2] = value[digits / 2] << 4 | digit;
        digits += 1;
    }
    Some(value)
}

impl ColumnReader<'_> {
    fn is_null_word(&self, text: &[u8]) -> bool {
        self.words.contains(&text)
    }

    /// What a cell is in this column.
    #[inline]
    pub fn read<'a>(&self, cell: &'a [u8]) -> Value<'a> {
        if cell.is_empty() {
            return Value::Null(cell);
        }
        let text = if self.kind == TypeKind::Text { cell } else { cell.trim_ascii() };
        match self.read_value(text) {
            Some(value) => {
                if matches!(value, Value::Text(_)) && self.is_null_word(text) {
                    return Value::Null(cell);
                }
                value
            }
            None if text.is_empty() || self.is_null_word(text) => Value::Null(cell),
            None => Value::Exception(cell),
        }
    }

    fn read_value<'a>(&self, text: &'a [u8]) -> Option<Value<'a>> {
        match self.kind {
            TypeKind::Text => Some(Value::Text(text)),
            TypeKind::Int64 => number::read_int(text).map(Value::Int),
            TypeKind::Decimal { precision, scale, mark } => read_decimal(text, precision, scale, mark),
            TypeKind::Float64 => number::read_float(text).map(Value::Float),
            TypeKind::Date(order) => temporal::read_date(text, order).map(Value::Date),
            TypeKind::Timestamp { order, zone, fraction } => {
                let moment = temporal::read_moment(text, order)?;
                let zone_fits = moment.offset_minutes.is_some() == (zone != ZoneShape::Absent);
                let utc_fits = zone != ZoneShape::Utc || moment.offset_minutes == Some(0);
                let unit = if fraction > 6 { 1 } else { 1000 };
                (zone_fits && utc_fits && moment.nanos.is_multiple_of(unit)).then_some(Value::Moment(moment))
            }
            TypeKind::Time(_) => temporal::read_time(text).map(Value::Time),
            TypeKind::Bool => read_bool(text).map(Value::Bool),
            TypeKind::Uuid => read_uuid(text).map(Value::Uuid),
            TypeKind::Json => is_json(text).then_some(Value::Text(text)),
            TypeKind::Null => None,
        }
    }
}

fn read_decimal(text: &[u8], precision: u16, scale: u16, mark: DecimalMark) -> Option<Value<'_>> {
    const DIGITS_OF_128_BITS: u16 = 38;
    if precision <= DIGITS_OF_128_BITS {
        let value = number::read_decimal(text, mark, scale)?;
        let most = 10u128.checked_pow(u32::from(precision)).unwrap_or(u128::MAX);
        return (value.unsigned_abs() < most).then_some(Value::Decimal(value));
    }
    let fits = match number::shape(text)? {
        NumberShape::Int | NumberShape::BigInt(_) => true,
        NumberShape::Decimal { mark: found, .. } => found == mark,
        NumberShape::Float | NumberShape::BareExponent => false,
    };
    fits.then_some(Value::BigDecimal(text))
}

/// A kind in the user's words.
pub fn kind_name(kind: TypeKind) -> String {
    match kind {
        TypeKind::Null => "null".to_owned(),
        TypeKind::Bool => "bool".to_owned(),
        TypeKind::Int64 => "int64".to_owned(),
        TypeKind::Decimal { scale, mark: DecimalMark::Point, .. } => format!("decimal with {scale} places"),
        TypeKind::Decimal { scale, mark: DecimalMark::Comma, .. } => {
            format!("decimal with {scale} places after a comma")
        }
        TypeKind::Float64 => "float64".to_owned(),
        TypeKind::Date(_) => "date".to_owned(),
        TypeKind::Time(_) => "time".to_owned(),
        TypeKind::Timestamp { zone: ZoneShape::Absent, .. } => "timestamp".to_owned(),
        TypeKind::Timestamp { .. } => "timestamp with zone".to_owned(),
        TypeKind::Uuid => "uuid".to_owned(),
        TypeKind::Json => "json".to_owned(),
        TypeKind::Text => "text".to_owned(),
    }
}
