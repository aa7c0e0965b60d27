//! How values of a logical type are counted: by a 64-bit key that keeps their order, or by their text.

use super::decimal::Number;
use super::hash::hash_bytes;
use crate::model::cell::{Cell, float_text};
use crate::model::schema::{LogicalType, Zone};

/// The way of counting a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Only nulls.
    Nothing,
    Bool,
    /// Whole numbers, dates, times and timestamps in the column's unit.
    Signed,
    Unsigned,
    Float,
    Float32,
    Decimal,
    /// Timestamps carried as text with their offset.
    Instant,
    Text,
    Bytes,
    /// Lists, structs and maps, by their JSON text.
    Nested,
}

impl Kind {
    pub(super) fn of(logical: &LogicalType) -> Self {
        match logical {
            LogicalType::Null => Self::Nothing,
            LogicalType::Bool => Self::Bool,
            LogicalType::Int { signed: false, .. } => Self::Unsigned,
            LogicalType::Int { .. } | LogicalType::Date | LogicalType::Time { .. } => Self::Signed,
            LogicalType::Timestamp { zone: Zone::OffsetKept, .. } => Self::Instant,
            LogicalType::Timestamp { .. } => Self::Signed,
            LogicalType::Float { bits: 64 } => Self::Float,
            LogicalType::Float { .. } => Self::Float32,
            LogicalType::Decimal { .. } => Self::Decimal,
            LogicalType::Bytes => Self::Bytes,
            LogicalType::List { .. } | LogicalType::Struct { .. } | LogicalType::Map { .. } => Self::Nested,
            // Text, and what travels as exact text.
            _ => Self::Text,
        }
    }

    /// Whether a value is its own 64-bit key.
    pub(super) fn is_keyed(self) -> bool {
        matches!(self, Self::Bool | Self::Signed | Self::Unsigned | Self::Float | Self::Float32)
    }

    /// Whether values lie on an axis: quantiles and histograms make sense.
    pub(super) fn has_axis(self) -> bool {
        matches!(
            self,
            Self::Signed | Self::Unsigned | Self::Float | Self::Float32 | Self::Decimal | Self::Instant
        )
    }
}

/// Whether the bytes of a text column's values have an order worth telling.
pub(super) fn orders_by_bytes(logical: &LogicalType) -> bool {
    matches!(
        logical,
        LogicalType::Text
            | LogicalType::Bytes
            | LogicalType::Uuid
            | LogicalType::ObjectId
            | LogicalType::Enum { .. }
    )
}

/// A float as a key of the same order; all NaNs are one key above infinity, -0 is 0.
pub(super) fn float_key(value: f64) -> i64 {
    let value = if value.is_nan() {
        f64::NAN.copysign(1.0)
    } else if value == 0.0 {
        0.0
    } else {
        value
    };
    flip(value.to_bits().cast_signed())
}

/// The float of a key.
pub(super) fn key_float(key: i64) -> f64 {
    f64::from_bits(flip(key).cast_unsigned())
}

fn flip(bits: i64) -> i64 {
    bits ^ ((bits >> 63).cast_unsigned() >> 1).cast_signed()
}

/// An unsigned number as a key of the same order.
pub(super) fn unsigned_key(value: u64) -> i64 {
    (value ^ (1 << 63)).cast_signed()
}

/// The unsigned number of a key.
pub(super) fn key_unsigned(key: i64) -> u64 {
    key.cast_unsigned() ^ (1 << 63)
}

/// The value of a key; only for keyed kinds.
pub(super) fn cell_of_key(kind: Kind, logical: &LogicalType, key: i64) -> Cell {
    match kind {
        Kind::Bool => Cell::Bool(key != 0),
        Kind::Unsigned => Cell::UInt(key_unsigned(key)),
        Kind::Float => Cell::Float(key_float(key)),
        Kind::Float32 => Cell::Float32(key_float(key) as f32),
        _ => match logical {
            LogicalType::Date => i32::try_from(key).map_or(Cell::Int(key), Cell::Date),
            LogicalType::Time { .. } => Cell::Time(key),
            LogicalType::Timestamp { .. } => Cell::Timestamp(key),
            _ => Cell::Int(key),
        },
    }
}

/// The key of a value; none if it is no value of a keyed kind and type.
pub(super) fn key_of_cell(kind: Kind, logical: &LogicalType, cell: &Cell) -> Option<i64> {
    match (kind, cell) {
        (Kind::Bool, Cell::Bool(value)) => Some((*value).into()),
        (Kind::Signed, Cell::Int(value)) => matches!(logical, LogicalType::Int { .. }).then_some(*value),
        (Kind::Signed, Cell::Date(days)) => matches!(logical, LogicalType::Date).then_some(i64::from(*days)),
        (Kind::Signed, Cell::Time(value)) => matches!(logical, LogicalType::Time { .. }).then_some(*value),
        (Kind::Signed, Cell::Timestamp(value)) => {
            matches!(logical, LogicalType::Timestamp { .. }).then_some(*value)
        }
        (Kind::Unsigned, Cell::UInt(value)) => Some(unsigned_key(*value)),
        (Kind::Unsigned, Cell::Int(value)) => u64::try_from(*value).ok().map(unsigned_key),
        (Kind::Float, Cell::Float(value)) => Some(float_key(*value)),
        (Kind::Float | Kind::Float32, Cell::Float32(value)) => Some(float_key((*value).into())),
        _ => None,
    }
}

/// The value of a text or of bytes.
pub(super) fn cell_of_text(kind: Kind, logical: &LogicalType, bytes: &[u8]) -> Cell {
    if kind == Kind::Bytes {
        return Cell::Bytes(bytes.to_vec());
    }
    let text = String::from_utf8_lossy(bytes).into_owned();
    match (kind, logical) {
        (Kind::Decimal, _) => Cell::Decimal(text),
        (Kind::Nested, _) | (_, LogicalType::Json) => Cell::Json(text),
        (_, LogicalType::Text) => Cell::Text(text),
        _ => Cell::Exact(text),
    }
}

/// The bytes of a value counted by its text; none if it is no value of the kind and type.
pub(super) fn text_of_cell<'a>(kind: Kind, logical: &LogicalType, cell: &'a Cell) -> Option<&'a [u8]> {
    match (kind, cell) {
        (Kind::Bytes, Cell::Bytes(bytes)) => Some(bytes),
        (Kind::Decimal, Cell::Decimal(text) | Cell::Exact(text))
        | (Kind::Instant, Cell::Exact(text))
        | (Kind::Nested, Cell::Json(text)) => Some(text.as_bytes()),
        (Kind::Text, Cell::Text(text)) => matches!(logical, LogicalType::Text).then_some(text.as_bytes()),
        (Kind::Text, Cell::Json(text)) => matches!(logical, LogicalType::Json).then_some(text.as_bytes()),
        (Kind::Text, Cell::Exact(text)) => {
            (!matches!(logical, LogicalType::Text | LogicalType::Json)).then_some(text.as_bytes())
        }
        _ => None,
    }
}

/// Nanoseconds since 1970 of a timestamp with its offset.
pub(super) fn instant_nanos(text: &str) -> Option<i128> {
    text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_nanosecond)
}

/// The position of a value on its axis, as a key of the same order; none if it has no place there.
pub(super) fn position(kind: Kind, key: i64, text: &[u8]) -> Option<i64> {
    match kind {
        Kind::Signed | Kind::Unsigned => Some(key),
        Kind::Float | Kind::Float32 => (key <= float_key(f64::INFINITY)).then_some(key),
        Kind::Decimal => std::str::from_utf8(text).ok()?.parse().ok().map(float_key),
        Kind::Instant => {
            let nanos = instant_nanos(std::str::from_utf8(text).ok()?)?;
            i64::try_from(nanos.div_euclid(1_000)).ok()
        }
        _ => None,
    }
}

/// The place of a position on the axis: numbers as they are, times as seconds since 1970 or midnight.
pub(super) fn axis(kind: Kind, logical: &LogicalType, position: i64) -> f64 {
    match (kind, logical) {
        (Kind::Unsigned, _) => key_unsigned(position) as f64,
        (Kind::Float | Kind::Float32 | Kind::Decimal, _) => key_float(position),
        (Kind::Instant, _) => position as f64 / 1e6,
        (_, LogicalType::Date) => position as f64 * 86_400.0,
        (_, LogicalType::Time { unit } | LogicalType::Timestamp { unit, .. }) => {
            position as f64 / unit.per_second() as f64
        }
        _ => position as f64,
    }
}

/// The value at a position, as near as a position tells it.
pub(super) fn cell_at(kind: Kind, logical: &LogicalType, position: i64) -> Cell {
    match kind {
        Kind::Decimal => Cell::Decimal(decimal_text(key_float(position), logical)),
        Kind::Instant => Cell::Exact(instant_text(position)),
        _ => cell_of_key(kind, logical, position),
    }
}

/// The text of a place on the axis, rounded to what the column's type can say.
pub(super) fn axis_text(kind: Kind, logical: &LogicalType, place: f64) -> String {
    let whole = |value: f64| value.round() as i64;
    match (kind, logical) {
        (Kind::Unsigned, _) => format!("{}", place.round() as u64),
        (Kind::Float | Kind::Float32, _) => short_float(place),
        (Kind::Decimal, _) => decimal_text(place, logical),
        (Kind::Instant, _) => instant_text(whole(place * 1e6)),
        (_, LogicalType::Date) => cell_of_key(kind, logical, whole(place / 86_400.0)).text(logical),
        (_, LogicalType::Time { unit } | LogicalType::Timestamp { unit, .. }) => {
            cell_of_key(kind, logical, whole(place * unit.per_second() as f64)).text(logical)
        }
        _ => whole(place).to_string(),
    }
}

/// Six significant digits: the end of a bin is a drawn line, not a value.
fn short_float(value: f64) -> String {
    format!("{value:.5e}").parse().map_or_else(|_| float_text(value), float_text)
}

fn decimal_text(value: f64, logical: &LogicalType) -> String {
    match logical {
        LogicalType::Decimal { scale: Some(scale @ 0..), .. } => {
            format!("{value:.scale$}", scale = usize::from(scale.cast_unsigned()))
        }
        _ => value.to_string(),
    }
}

fn instant_text(micros: i64) -> String {
    jiff::Timestamp::from_microsecond(micros).map_or_else(|_| format!("{micros} µs"), |at| at.to_string())
}

/// What a text is counted under: equal decimals are one value, whatever their spelling.
pub(super) fn text_key(number: Option<&Number>, text: &[u8]) -> i64 {
    match number {
        Some(number) => hash_bytes(&number.canonical()).cast_signed(),
        None => hash_bytes(text).cast_signed(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_the_order_and_give_the_value_back() {
        let rising = [
            f64::NEG_INFINITY,
            f64::MIN,
            -1.5,
            -f64::MIN_POSITIVE,
            -5e-324,
            0.0,
            5e-324,
            1.0,
            f64::MAX,
            f64::INFINITY,
            f64::NAN,
        ];
        for pair in rising.windows(2) {
            assert!(float_key(pair[0]) < float_key(pair[1]), "{pair:?}");
        }
        for value in rising {
            assert_eq!(key_float(float_key(value)).to_bits(), value.to_bits());
        }
        assert_eq!(float_key(-0.0), float_key(0.0));
        assert_eq!(float_key(-f64::NAN), float_key(f64::NAN));
        for pair in [0, 1, u64::MAX / 2, u64::MAX / 2 + 1, u64::MAX].windows(2) {
            assert!(unsigned_key(pair[0]) < unsigned_key(pair[1]));
            assert_eq!(key_unsigned(unsigned_key(pair[1])), pair[1]);
        }
    }
}
