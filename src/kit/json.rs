//! Exact values out of JSON text: what a key was seen to hold, which type carries that, and the cells.
//!
//! No number passes through a float unless that float gives back the same number; nested values stay the text
//! they came as.

use std::cmp::Ordering;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::model::cell::{Cell, push_json_string};
use crate::model::schema::LogicalType;

/// Levels of nesting that a value may have and still be a value.
pub const MOST_DEPTH: usize = 128;
/// Whole numbers up to here are floats without loss.
const MOST_EXACT: u64 = 1 << 53;
/// Digits that a number with an exponent is written out to.
const MOST_DIGITS: i64 = 1_000;

/// What a key was seen to hold, as a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kinds(u16);

impl Kinds {
    const NULL: Self = Self(1);
    const BOOL: Self = Self(1 << 1);
    /// A whole number that a float would round.
    const WIDE: Self = Self(1 << 2);
    /// A whole number of 64 bits with sign.
    const INT: Self = Self(1 << 3);
    /// A whole number that only 64 bits without sign hold.
    const UNSIGNED: Self = Self(1 << 4);
    /// A whole number beyond 64 bits.
    const BIG: Self = Self(1 << 5);
    const NEGATIVE: Self = Self(1 << 6);
    const FLOAT: Self = Self(1 << 7);
    /// A number that no float gives back.
    const DECIMAL: Self = Self(1 << 8);
    const TEXT: Self = Self(1 << 9);
    const NESTED: Self = Self(1 << 10);

    const NUMBER: Self = Self(Self::INT.0 | Self::UNSIGNED.0 | Self::BIG.0 | Self::FLOAT.0 | Self::DECIMAL.0);

    /// Adds what another value was.
    pub fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }

    fn has(self, any: u16) -> bool {
        self.0 & any != 0
    }

    /// What a value is.
    pub fn of(raw: &str) -> Self {
        match raw.as_bytes().first() {
            Some(b'n') => Self::NULL,
            Some(b't' | b'f') => Self::BOOL,
            Some(b'"') => Self::TEXT,
            Some(b'{' | b'[') => Self::NESTED,
            _ => Self::of_number(raw),
        }
    }

    fn of_number(raw: &str) -> Self {
        let mut kinds = match Number::of(raw) {
            Number::Int(value) if value.unsigned_abs() <= MOST_EXACT => Self::INT,
            Number::Int(_) => Self(Self::INT.0 | Self::WIDE.0),
            Number::Unsigned(_) => Self::UNSIGNED,
            Number::Big => Self::BIG,
            Number::Float(_) => Self::FLOAT,
            Number::Decimal => Self::DECIMAL,
        };
        if raw.starts_with('-') {
            kinds.add(Self::NEGATIVE);
        }
        kinds
    }

    /// The type of a column that holds all of this.
    pub fn logical(self) -> LogicalType {
        let number = Self::NUMBER.0;
        let families = [Self::BOOL.0, number, Self::TEXT.0, Self::NESTED.0];
        let families = families.iter().filter(|family| self.has(**family)).count();
        let decimal = LogicalType::Decimal { precision: None, scale: None };
        match families {
            0 => LogicalType::Null,
            1 if self.has(Self::BOOL.0) => LogicalType::Bool,
            1 if self.has(Self::TEXT.0) => LogicalType::Text,
            1 if self.has(number) => {
                let whole = !self.has(Self::FLOAT.0 | Self::DECIMAL.0);
                if whole && !self.has(Self::BIG.0 | Self::UNSIGNED.0) {
                    LogicalType::INT64
                } else if whole && !self.has(Self::BIG.0 | Self::NEGATIVE.0) {
                    LogicalType::Int { bits: 64, signed: false }
                } else if self.has(Self::DECIMAL.0 | Self::BIG.0 | Self::UNSIGNED.0 | Self::WIDE.0) {
                    decimal
                } else {
                    LogicalType::FLOAT64
                }
            }
            _ => LogicalType::Json,
        }
    }

    /// The kinds as JSON names them.
    pub fn native(self) -> String {
        let words = [
            (Self::BOOL.0, "boolean"),
            (Self::NUMBER.0, "number"),
            (Self::TEXT.0, "string"),
            (Self::NESTED.0, "object or array"),
            (Self::NULL.0, "null"),
        ];
        let words = words.iter().filter(|(kind, _)| self.has(*kind)).map(|(_, word)| *word);
        words.collect::<Vec<_>>().join(", ")
    }
}

/// A number as it can be held.
enum Number {
    Int(i64),
    Unsigned(u64),
    Big,
    Float(f64),
    Decimal,
}

impl Number {
    fn of(raw: &str) -> Self {
        let whole = !raw.contains(['.', 'e', 'E']);
        if whole && raw != "-0" {
            return match (raw.parse(), raw.parse()) {
                (Ok(value), _) => Self::Int(value),
                (_, Ok(value)) => Self::Unsigned(value),
                _ => Self::Big,
            };
        }
        match raw.parse::<f64>() {
            Ok(value) if value.is_finite() && Digits::of(raw) == Digits::of(&format!("{value:e}")) => {
                Self::Float(value)
            }
            _ => Self::Decimal,
        }
    }
}

/// A number as sign, digits without zeros around them, and power of ten: equal for equal numbers.
#[derive(Debug, PartialEq, Eq)]
struct Digits {
    negative: bool,
    digits: String,
    exponent: i64,
}

impl Digits {
    fn of(text: &str) -> Option<Self> {
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let exponent = exponent.parse::<i64>().ok()?;
        let (negative, mantissa) = mantissa.strip_prefix('-').map_or((false, mantissa), |rest| (true, rest));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        let kept = all.trim_end_matches('0');
        let dropped = i64::try_from(all.len() - kept.len()).ok()?;
        let digits = kept.trim_start_matches('0').to_owned();
        let exponent = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?.checked_add(dropped)?;
        let exponent = if digits.is_empty() { 0 } else { exponent };
        Some(Self { negative, digits, exponent })
    }

    /// Written out without a power; none where that takes too many digits.
    fn plain(&self) -> Option<String> {
        let count = i64::try_from(self.digits.len()).ok()?;
        let point = count.checked_add(self.exponent)?;
        if self.exponent > MOST_DIGITS || point < -MOST_DIGITS {
            return None;
        }
        let sign = if self.negative { "-" } else { "" };
        let zeros = |count: i64| "0".repeat(usize::try_from(count).unwrap_or(0));
        Some(match (self.exponent.cmp(&0), point.cmp(&0)) {
            (Ordering::Less, Ordering::Greater) => {
                let (whole, fraction) = self.digits.split_at(usize::try_from(point).ok()?);
                format!("{sign}{whole}.{fraction}")
            }
            (Ordering::Less, _) => format!("{sign}0.{}{}", zeros(-point), self.digits),
            _ => format!(
                "{sign}{}{}",
                if self.digits.is_empty() { "0" } else { &self.digits },
                zeros(self.exponent)
            ),
        })
    }
}

/// The cell of a value in a column of this type; what is nested too deeply stays bytes.
pub fn cell(raw: &str, logical: &LogicalType) -> Cell {
    let nested = raw.starts_with(['{', '[']);
    if nested && depth(raw) > MOST_DEPTH {
        return Cell::Invalid(raw.as_bytes().to_vec());
    }
    match raw.as_bytes().first() {
        Some(b'n') => Cell::Null,
        _ if nested || matches!(logical, LogicalType::Json) => Cell::Json(raw.to_owned()),
        Some(b't') => Cell::Bool(true),
        Some(b'f') => Cell::Bool(false),
        // Half a character (a lone surrogate) is no text: it stays as it was written.
        Some(b'"') => serde_json::from_str(raw).map_or_else(|_half| Cell::Json(raw.to_owned()), Cell::Text),
        _ => number(raw, logical),
    }
}

fn number(raw: &str, logical: &LogicalType) -> Cell {
    let exact = || match Digits::of(raw).and_then(|digits| digits.plain()) {
        Some(_) if !raw.contains(['e', 'E']) => Cell::Decimal(raw.to_owned()),
        Some(plain) => Cell::Decimal(plain),
        None => Cell::Json(raw.to_owned()),
    };
    match (Number::of(raw), logical) {
        (_, LogicalType::Decimal { .. }) => exact(),
        #[expect(clippy::cast_precision_loss, reason = "a float holds whole numbers up to here")]
        (Number::Int(value), LogicalType::Float { .. }) if value.unsigned_abs() <= MOST_EXACT => {
            Cell::Float(value as f64)
        }
        (Number::Int(value), LogicalType::Int { signed: false, .. }) => {
            u64::try_from(value).map_or(Cell::Int(value), Cell::UInt)
        }
        (Number::Int(value), _) => Cell::Int(value),
        (Number::Unsigned(value), _) => Cell::UInt(value),
        (Number::Float(value), _) => Cell::Float(value),
        (Number::Big | Number::Decimal, _) => exact(),
    }
}

/// A key that a record has more than once, with all its values.
pub fn pairs(key: &str, values: &[&RawValue]) -> Cell {
    let mut text = r#"{"$pairs":["#.to_owned();
    for (index, value) in values.iter().enumerate() {
        text.push_str(if index > 0 { ",[" } else { "[" });
        push_json_string(&mut text, key);
        text.push(',');
        text.push_str(value.get());
        text.push(']');
    }
    text.push_str("]}");
    Cell::Json(text)
}

/// Keys and values of an object in their order, repeated ones included.
pub struct Pairs<'a>(pub Vec<(String, &'a RawValue)>);

impl<'a> Pairs<'a> {
    /// The pairs of a value, if it is an object.
    pub fn of(value: &'a RawValue) -> Option<Self> {
        if value.get().starts_with('{') { serde_json::from_str(value.get()).ok() } else { None }
    }
}

impl<'de> Deserialize<'de> for Pairs<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Pairs<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry::<String, &'de RawValue>()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Each)
    }
}

/// Levels of nesting in a text that is JSON.
pub fn depth(raw: &str) -> usize {
    let (mut level, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in raw.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                level += 1;
                deepest = deepest.max(level);
            }
            b'}' | b']' if !in_string => level = level.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(values: &[&str]) -> LogicalType {
        let mut kinds = Kinds::default();
        for raw in values {
            kinds.add(Kinds::of(raw));
        }
        kinds.logical()
    }

    #[test]
    fn a_column_has_the_narrowest_type_that_loses_nothing() {
        let decimal = LogicalType::Decimal { precision: None, scale: None };
        let unsigned = LogicalType::Int { bits: 64, signed: false };
        for (values, logical) in [
            (vec!["null"], LogicalType::Null),
            (vec!["true", "null"], LogicalType::Bool),
            (vec!["1", "-9223372036854775808"], LogicalType::INT64),
            (vec!["1", "18446744073709551615"], unsigned),
            (vec!["-1", "18446744073709551615"], decimal.clone()),
            (vec!["18446744073709551616"], decimal.clone()),
            (vec!["1", "0.5", "-2e3"], LogicalType::FLOAT64),
            (vec!["0.5", "9007199254740993"], decimal.clone()),
            (vec!["0.1234567890123456789"], decimal.clone()),
            (vec!["1e400"], decimal),
            (vec!["\"a\"", "null"], LogicalType::Text),
            (vec!["{}", "[]"], LogicalType::Json),
            (vec!["1", "\"1\""], LogicalType::Json),
        ] {
            assert_eq!(column(&values), logical, "{values:?}");
        }
    }

    #[test]
    fn numbers_come_back_with_every_digit() {
        let decimal = LogicalType::Decimal { precision: None, scale: None };
        for (raw, logical, expected) in [
            ("9007199254740993", LogicalType::INT64, Cell::Int(9_007_199_254_740_993)),
            ("18446744073709551615", LogicalType::INT64, Cell::UInt(u64::MAX)),
            ("3", LogicalType::FLOAT64, Cell::Float(3.0)),
            ("1.10", LogicalType::FLOAT64, Cell::Float(1.1)),
            ("-0", LogicalType::FLOAT64, Cell::Float(-0.0)),
            ("1.10", decimal.clone(), Cell::Decimal("1.10".to_owned())),
            (
                "123456789012345678901234567890",
                LogicalType::INT64,
                Cell::Decimal("123456789012345678901234567890".to_owned()),
            ),
            (
                "0.1234567890123456789",
                LogicalType::FLOAT64,
                Cell::Decimal("0.1234567890123456789".to_owned()),
            ),
            ("-1.25e-2", decimal.clone(), Cell::Decimal("-0.0125".to_owned())),
            ("1.25e1", decimal.clone(), Cell::Decimal("12.5".to_owned())),
            ("1e20", decimal.clone(), Cell::Decimal("100000000000000000000".to_owned())),
            ("0e5", decimal.clone(), Cell::Decimal("0".to_owned())),
            ("1e999999999", decimal.clone(), Cell::Json("1e999999999".to_owned())),
            ("1e99999999999999999999", decimal, Cell::Json("1e99999999999999999999".to_owned())),
        ] {
            assert_eq!(cell(raw, &logical), expected, "{raw}");
        }
    }

    #[test]
    fn texts_nested_values_and_what_is_neither_stay_what_they_are() {
        let deep = format!("{}{}", "[".repeat(129), "]".repeat(129));
        for (raw, logical, expected) in [
            (r#""ü\n\u0000""#, LogicalType::Text, Cell::Text("ü\n\0".to_owned())),
            (r#""\ud800""#, LogicalType::Text, Cell::Json(r#""\ud800""#.to_owned())),
            (r#"{"a": 1, "a" : 2.50}"#, LogicalType::Json, Cell::Json(r#"{"a": 1, "a" : 2.50}"#.to_owned())),
            ("\"x\"", LogicalType::Json, Cell::Json("\"x\"".to_owned())),
            ("null", LogicalType::Json, Cell::Null),
            ("true", LogicalType::INT64, Cell::Bool(true)),
            (deep.as_str(), LogicalType::Json, Cell::Invalid(deep.clone().into_bytes())),
        ] {
            assert_eq!(cell(raw, &logical), expected, "{raw}");
        }
        assert_eq!(depth(r#"{"a":"]}[[","b":[{"\"[":1}]}"#), 3);
    }
}
