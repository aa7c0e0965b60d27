//! From the text of a value, as the server writes it, to the value; exact, or not at all.
//!
//! One decoder serves every way of reading: `COPY … TO STDOUT` and the simple query protocol both carry the
//! output form of a type, under the settings a read makes for itself (ISO dates, ISO 8601 intervals, UTC, hex
//! bytes, shortest exact floats, UTF-8).
//!
//! Invariants: nothing is rounded · what the column's Arrow type cannot hold, or a reader of files would
//! misread (infinity, BC, the hour 24, NaN among decimals), is the exact text as a cell
//! ([`Cell::Exact`]) · what is no value of the type is its raw bytes ([`Cell::Invalid`]): nothing
//! panics, and nothing is repaired · numbers, times and text reach their column without a cell of their own.

use crate::model::batch::Slot;
use crate::model::cell::Cell;
use crate::model::error::{Error, ErrorKind, Result};
use crate::model::filter::{Filter, Literal};

use super::types::{ColumnType, Reading};

mod binary;
mod bytes;
mod nested;
mod number;
mod time;

pub use self::binary::push_binary;
pub(super) use self::nested::texts_of_array;
use self::time::Moment;

/// Writes a value into its place.
pub fn push(slot: Slot<'_>, column: &ColumnType, text: Option<&[u8]>) {
    let Some(text) = text else { return slot.null() };
    match &column.reading {
        Reading::Int => match number::int(text) {
            Some(value) => slot.int(value),
            None => slot.cell(invalid(text)),
        },
        Reading::Float => match number::float(text) {
            Some(value) => slot.float(value),
            None => slot.cell(invalid(text)),
        },
        Reading::Numeric(Some(scale)) => match number::units(text, *scale) {
            Some(units) => slot.decimal(units, *scale),
            None => slot.cell(number::decimal(text)),
        },
        Reading::Text => match std::str::from_utf8(text) {
            Ok(text) => slot.text(text),
            Err(_) => slot.cell(invalid(text)),
        },
        Reading::Exact => match std::str::from_utf8(text) {
            Ok(text) => slot.exact(text),
            Err(_) => slot.cell(invalid(text)),
        },
        Reading::Json => match std::str::from_utf8(text) {
            Ok(text) => slot.json(text),
            Err(_) => slot.cell(invalid(text)),
        },
        Reading::Uuid if bytes::is_uuid(text) => match std::str::from_utf8(text) {
            Ok(text) => slot.exact(text),
            Err(_) => slot.cell(invalid(text)),
        },
        _ => slot.cell(value(column, text)),
    }
}

/// A value as a cell.
pub fn cell(column: &ColumnType, text: Option<&[u8]>) -> Cell {
    text.map_or(Cell::Null, |text| value(column, text))
}

fn value(column: &ColumnType, text: &[u8]) -> Cell {
    let read = match &column.reading {
        Reading::Bool => match text {
            b"t" => Some(Cell::Bool(true)),
            b"f" => Some(Cell::Bool(false)),
            _ => None,
        },
        Reading::Int => number::int(text).map(Cell::Int),
        Reading::Unsigned => number::unsigned(text).map(Cell::UInt),
        Reading::Float32 => number::float32(text).map(Cell::Float32),
        Reading::Float => number::float(text).map(Cell::Float),
        Reading::Numeric(_) => Some(number::decimal(text)),
        Reading::Text => utf8(text).map(Cell::Text),
        Reading::Bytes => bytes::bytea(text).map(Cell::Bytes),
        Reading::Date => time::date(text).and_then(|date| match date {
            Moment::At(days) => i32::try_from(days).ok().map(Cell::Date),
            Moment::Beyond => utf8(text).map(Cell::Exact),
        }),
        Reading::Time => moment(text, time::time(text), Cell::Time),
        Reading::Timestamp => moment(text, time::timestamp(text, time::Offset::Absent), Cell::Timestamp),
        Reading::TimestampUtc => moment(text, time::timestamp(text, time::Offset::Given), Cell::Timestamp),
        Reading::Json => utf8(text).map(Cell::Json),
        Reading::Uuid => bytes::is_uuid(text).then(|| utf8(text).map(Cell::Exact)).flatten(),
        Reading::Bits => bytes::is_bits(text).then(|| utf8(text).map(Cell::Exact)).flatten(),
        Reading::Range => nested::is_range(text).then(|| utf8(text).map(Cell::Exact)).flatten(),
        Reading::Exact => utf8(text).map(Cell::Exact),
        Reading::Array(item, delimiter) => nested::array(text, *delimiter, &mut |text| cell(item, text)),
        Reading::Multirange(range) => nested::multirange(text, range),
        Reading::Composite(fields) => nested::composite(text, fields),
    };
    read.unwrap_or_else(|| invalid(text))
}

fn moment(text: &[u8], moment: Option<Moment>, make: fn(i64) -> Cell) -> Option<Cell> {
    match moment? {
        Moment::At(value) => Some(make(value)),
        Moment::Beyond => utf8(text).map(Cell::Exact),
    }
}

fn utf8(text: &[u8]) -> Option<String> {
    std::str::from_utf8(text).ok().map(str::to_owned)
}

fn invalid(text: &[u8]) -> Cell {
    Cell::Invalid(text.to_vec())
}

/// Refuses a value with U+0000, which no PostgreSQL text can hold: the server would take the end of the
/// statement to be there.
///
/// # Errors
/// [`ErrorKind::Invalid`] naming the column.
pub fn refuse_nul(value: &str, column: &str) -> Result<()> {
    if !value.contains('\0') {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Invalid,
        "plan",
        "a value of the filter contains the character U+0000, which no text in PostgreSQL can hold",
    )
    .hint("compare with the text before that character, or with LIKE")
    .with("column", column.escape_debug().to_string()))
}

/// [`refuse_nul`] for every value and every name in a filter.
///
/// # Errors
/// As [`refuse_nul`].
pub fn refuse_nul_in(filter: &Filter) -> Result<()> {
    let literal = |value: &Literal, column: &str| match value {
        Literal::Number(text) | Literal::Text(text) => refuse_nul(text, column),
        Literal::Bool(_) => Ok(()),
    };
    match filter {
        Filter::And { parts } | Filter::Or { parts } => parts.iter().try_for_each(refuse_nul_in),
        Filter::Not { part } => refuse_nul_in(part),
        Filter::Compare { column, value, .. } => refuse_nul(column, column).and(literal(value, column)),
        Filter::Like { column, pattern } => refuse_nul(column, column).and(refuse_nul(pattern, column)),
        Filter::In { column, values } => {
            refuse_nul(column, column)?;
            values.iter().try_for_each(|value| literal(value, column))
        }
        Filter::IsNull { column } => refuse_nul(column, column),
    }
}

#[cfg(test)]
mod tests;
