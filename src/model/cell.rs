//! One value with nothing rounded: what the grid shows, the clipboard gets and JSON carries.
//! A cell is a value, null, *missing* (a document without that key) or *invalid* (raw bytes kept).
//! Text forms are ISO 8601 for time, plain digits for decimals; the JSON forms are a contract.

use base64::Engine as _;
use serde::{Deserialize, Serialize};

use super::schema::{LogicalType, TimeUnit, Zone};

/// A value of a column; dates, times and timestamps count in the unit of the column's type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is", content = "value")]
pub enum Cell {
    /// No value.
    Null,
    /// The record has no such key (or the row was too short).
    Missing,
    /// Bytes that are no value of the column's encoding, kept.
    Invalid(#[serde(with = "super::wire::bytes")] Vec<u8>),
    /// True or false.
    Bool(bool),
    /// Signed whole number.
    Int(i64),
    /// Unsigned whole number.
    UInt(u64),
    /// 64-bit float.
    Float(#[serde(with = "super::wire::float")] f64),
    /// 32-bit float (prints with its own digits, not those of its 64-bit neighbour).
    Float32(#[serde(with = "super::wire::float32")] f32),
    /// Exact decimal digits.
    Decimal(String),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(#[serde(with = "super::wire::bytes")] Vec<u8>),
    /// Days since 1970-01-01.
    Date(i32),
    /// Time of day in the column's unit.
    Time(i64),
    /// Since 1970-01-01T00:00:00 in the column's unit.
    Timestamp(i64),
    /// Exact text of a value of the column's type that no other variant holds.
    Exact(String),
    /// JSON text as it came.
    Json(String),
    /// List.
    List(Vec<Cell>),
    /// Named fields in order; names may repeat.
    Struct(Vec<(String, Cell)>),
    /// Keys to values in order.
    Map(Vec<(Cell, Cell)>),
}

impl Cell {
    /// Whether there is no value: null or missing.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Null | Self::Missing)
    }

    /// The value as text with nothing rounded; empty for null and missing, hex for bytes.
    pub fn text(&self, logical: &LogicalType) -> String {
        match self {
            Self::Null | Self::Missing => String::new(),
            Self::Invalid(bytes) | Self::Bytes(bytes) => hex(bytes),
            Self::Bool(value) => value.to_string(),
            Self::Int(value) => value.to_string(),
            Self::UInt(value) => value.to_string(),
            Self::Float(value) => float_text(*value),
            Self::Float32(value) => float32_text(*value),
            Self::Decimal(text) | Self::Text(text) | Self::Exact(text) | Self::Json(text) => text.clone(),
            Self::Date(days) => date_text(*days),
            Self::Time(value) => time_text(*value, unit_of(logical)),
            Self::Timestamp(value) => timestamp_text(*value, logical),
            Self::List(_) | Self::Struct(_) | Self::Map(_) => {
                let mut out = String::new();
                self.push_json(logical, &mut out);
                out
            }
        }
    }

    /// Appends the JSON form (the contract of the headless face) to `out`.
    pub fn push_json(&self, logical: &LogicalType, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Missing => out.push_str(r#"{"$missing":true}"#),
            Self::Invalid(bytes) => push_tagged(out, "$invalid", &base64_text(bytes)),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Int(value) => out.push_str(&value.to_string()),
            Self::UInt(value) => out.push_str(&value.to_string()),
            Self::Float(value) => push_float(out, value.is_finite(), &float_text(*value)),
            Self::Float32(value) => push_float(out, value.is_finite(), &float32_text(*value)),
            Self::Bytes(bytes) => push_tagged(out, "$bytes", &base64_text(bytes)),
            Self::Json(text) if is_json(text) => out.push_str(text),
            Self::Decimal(text) | Self::Text(text) | Self::Json(text) => push_json_string(out, text),
            Self::Exact(text) => push_exact(out, text, logical),
            Self::Date(_) | Self::Time(_) | Self::Timestamp(_) => push_json_string(out, &self.text(logical)),
            Self::List(items) => {
                // A list deeper than its type: the items in it are of that type.
                let item = if let LogicalType::List { item } = logical { item } else { logical };
                push_joined(out, '[', ']', items, |out, cell| cell.push_json(item, out));
            }
            Self::Struct(fields) => {
                push_joined(out, '{', '}', fields, |out, (name, cell)| {
                    push_json_string(out, name);
                    out.push(':');
                    cell.push_json(struct_field(logical, name), out);
                });
            }
            Self::Map(entries) => {
                let (key, value) = if let LogicalType::Map { key, value } = logical {
                    (&**key, &**value)
                } else {
                    (&LogicalType::Text, &LogicalType::Text)
                };
                push_joined(out, '[', ']', entries, |out, (k, v)| {
                    out.push('[');
                    k.push_json(key, out);
                    out.push(',');
                    v.push_json(value, out);
                    out.push(']');
                });
            }
        }
    }
}

fn struct_field<'a>(logical: &'a LogicalType, name: &str) -> &'a LogicalType {
    if let LogicalType::Struct { fields } = logical {
        fields.iter().find(|field| field.name == name).map_or(&LogicalType::Text, |field| &field.logical)
    } else {
        &LogicalType::Text
    }
}

fn push_joined<T>(
    out: &mut String,
    open: char,
    close: char,
    items: &[T],
    mut push: impl FnMut(&mut String, &T),
) {
    out.push(open);
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        push(out, item);
    }
    out.push(close);
}

fn push_exact(out: &mut String, text: &str, logical: &LogicalType) {
    match logical {
        LogicalType::Timestamp { .. } | LogicalType::Date | LogicalType::Time { .. }
            if text.contains("infinity") =>
        {
            push_tagged(out, "$time", text);
        }
        LogicalType::Range { .. } => push_tagged(out, "$range", text),
        LogicalType::ObjectId => push_tagged(out, "$oid", text),
        LogicalType::Regex => push_tagged(out, "$regex", text),
        LogicalType::Float { .. } => push_tagged(out, "$float", text),
        _ => push_json_string(out, text),
    }
}

fn push_tagged(out: &mut String, tag: &str, text: &str) {
    out.push('{');
    push_json_string(out, tag);
    out.push(':');
    push_json_string(out, text);
    out.push('}');
}

fn push_float(out: &mut String, finite: bool, text: &str) {
    if finite { out.push_str(text) } else { push_tagged(out, "$float", text) }
}

/// Appends `text` as a JSON string, quoted and escaped.
pub fn push_json_string(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if (control as u32) < 0x20 => {
                out.push_str(&format!("\\u{:04x}", control as u32));
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<&serde_json::value::RawValue>(text).is_ok()
}

fn base64_text(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// Lower-case hex with a leading `0x`.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let mut out = String::with_capacity(2 + bytes.len() * 2);
    out.push_str("0x");
    for byte in bytes {
        out.push(DIGITS[usize::from(byte >> 4)]);
        out.push(DIGITS[usize::from(byte & 15)]);
    }
    out
}

/// Shortest digits that read back as the same float; always with a point or an exponent.
pub fn float_text(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()
    } else {
        with_point(if value != 0.0 && (value.abs() >= 1e17 || value.abs() < 1e-5) {
            format!("{value:e}")
        } else {
            value.to_string()
        })
    }
}

fn float32_text(value: f32) -> String {
    if value.is_finite() {
        with_point(if value != 0.0 && (value.abs() >= 1e9 || value.abs() < 1e-5) {
            format!("{value:e}")
        } else {
            value.to_string()
        })
    } else {
        float_text(f64::from(value))
    }
}

fn with_point(digits: String) -> String {
    if digits.contains(['.', 'e']) { digits } else { digits + ".0" }
}

fn unit_of(logical: &LogicalType) -> TimeUnit {
    match logical {
        LogicalType::Time { unit } | LogicalType::Timestamp { unit, .. } => *unit,
        _ => TimeUnit::Microsecond,
    }
}

/// ISO 8601 date of a day count since 1970-01-01.
pub fn date_text(days: i32) -> String {
    chrono::DateTime::from_timestamp(i64::from(days) * 86_400, 0)
        .map_or_else(|| format!("{days} days since 1970-01-01"), |at| at.format("%Y-%m-%d").to_string())
}

fn fraction_text(nanos: u32, unit: TimeUnit) -> String {
    match unit {
        TimeUnit::Second => String::new(),
        TimeUnit::Millisecond => format!(".{:03}", nanos / 1_000_000),
        TimeUnit::Microsecond => format!(".{:06}", nanos / 1_000),
        TimeUnit::Nanosecond => format!(".{nanos:09}"),
    }
}

fn split_units(value: i64, unit: TimeUnit) -> (i64, u32) {
    let per_second = unit.per_second();
    let nanos = value.rem_euclid(per_second) * (1_000_000_000 / per_second);
    (value.div_euclid(per_second), u32::try_from(nanos).unwrap_or(0))
}

fn time_text(value: i64, unit: TimeUnit) -> String {
    let (seconds, nanos) = split_units(value, unit);
    format!(
        "{:02}:{:02}:{:02}{}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60,
        fraction_text(nanos, unit)
    )
}

fn timestamp_text(value: i64, logical: &LogicalType) -> String {
    let unit = unit_of(logical);
    let (seconds, nanos) = split_units(value, unit);
    let Some(at) = chrono::DateTime::from_timestamp(seconds, nanos) else {
        return format!("{value} {unit:?}s since 1970-01-01").to_lowercase();
    };
    let fraction = fraction_text(nanos, unit);
    match logical {
        LogicalType::Timestamp { zone: Zone::Utc, .. } => {
            format!("{}{fraction}Z", at.format("%Y-%m-%dT%H:%M:%S"))
        }
        LogicalType::Timestamp { zone: Zone::Named(name), .. } => zoned_text(seconds, &fraction, name)
            .unwrap_or_else(|| format!("{}{fraction}Z", at.format("%Y-%m-%dT%H:%M:%S"))),
        _ => format!("{}{fraction}", at.format("%Y-%m-%dT%H:%M:%S")),
    }
}

/// The instant in its named zone, with the offset that held there then.
fn zoned_text(seconds: i64, fraction: &str, zone: &str) -> Option<String> {
    let zoned = jiff::Timestamp::from_second(seconds).ok()?.in_tz(zone).ok()?;
    Some(format!("{}{fraction}{}", zoned.strftime("%Y-%m-%dT%H:%M:%S"), zoned.strftime("%:z")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(cell: &Cell, logical: &LogicalType) -> String {
        let mut out = String::new();
        cell.push_json(logical, &mut out);
        out
    }

    #[test]
    fn values_keep_every_digit_in_json() {
        let micros = |zone| LogicalType::Timestamp { unit: TimeUnit::Microsecond, zone };
        let rows: Vec<(Cell, LogicalType, &str)> = vec![
            (Cell::Int(i64::MIN), LogicalType::INT64, "-9223372036854775808"),
            (Cell::UInt(u64::MAX), LogicalType::Int { bits: 64, signed: false }, "18446744073709551615"),
            (Cell::Float(0.1), LogicalType::FLOAT64, "0.1"),
            (Cell::Float(1e300), LogicalType::FLOAT64, "1e300"),
            (Cell::Float(f64::NAN), LogicalType::FLOAT64, r#"{"$float":"NaN"}"#),
            (Cell::Float32(0.1), LogicalType::Float { bits: 32 }, "0.1"),
            (
                Cell::Decimal("1.10".into()),
                LogicalType::Decimal { precision: None, scale: None },
                r#""1.10""#,
            ),
            (Cell::Bytes(vec![0, 255]), LogicalType::Bytes, r#"{"$bytes":"AP8="}"#),
            (Cell::Timestamp(-1), micros(Zone::Utc), r#""1969-12-31T23:59:59.999999Z""#),
            (Cell::Timestamp(0), micros(Zone::None), r#""1970-01-01T00:00:00.000000""#),
            (Cell::Exact("infinity".into()), micros(Zone::Utc), r#"{"$time":"infinity"}"#),
            (
                Cell::Exact("[1,5)".into()),
                LogicalType::Range { of: Box::new(LogicalType::INT64) },
                r#"{"$range":"[1,5)"}"#,
            ),
            (
                Cell::Json("{\"a\":1.00000000000000000001}".into()),
                LogicalType::Json,
                "{\"a\":1.00000000000000000001}",
            ),
            (Cell::Json("{broken".into()), LogicalType::Json, r#""{broken""#),
            (Cell::Missing, LogicalType::Text, r#"{"$missing":true}"#),
            (Cell::Invalid(vec![0xff]), LogicalType::Text, r#"{"$invalid":"/w=="}"#),
            (Cell::Text("a\"\u{1}\n".into()), LogicalType::Text, r#""a\"\u0001\n""#),
            (Cell::Date(-719_162), LogicalType::Date, r#""0001-01-01""#),
        ];
        for (cell, logical, expected) in rows {
            assert_eq!(json(&cell, &logical), expected);
        }
    }

    #[test]
    fn floats_print_digits_that_read_back_the_same() {
        for value in [0.0, -0.0, 1.0, 0.1 + 0.2, 1e16, 1e17, 1e-7, f64::MAX, f64::MIN_POSITIVE, 5e-324] {
            assert_eq!(float_text(value).parse::<f64>().map(f64::to_bits), Ok(value.to_bits()));
        }
    }
}
