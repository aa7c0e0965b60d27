//! Avro's schemas as types and its values as cells.

use std::collections::BTreeMap;

use apache_avro::Schema;
use apache_avro::types::Value;

use crate::kit::files::arrays::interval_text;
use crate::model::cell::Cell;
use crate::model::schema::{Field, LogicalType, Nullability, StructField, TimeUnit, Zone};

const MOST_DEPTH: usize = 64;
/// The column of rows that are no records.
const VALUE: &str = "value";

/// The columns of a writer's schema.
pub(super) fn columns(schema: &Schema) -> Vec<Field> {
    let mut names = BTreeMap::new();
    collect(schema, &mut names, 0);
    match schema {
        Schema::Record(record) => record
            .fields
            .iter()
            .map(|field| column(&field.name, field.doc.as_deref(), &field.schema, &names))
            .collect(),
        other => vec![column(VALUE, None, other, &names)],
    }
}

fn column(name: &str, doc: Option<&str>, schema: &Schema, names: &Names<'_>) -> Field {
    let is_nullable = matches!(schema, Schema::Null)
        || matches!(schema, Schema::Union(union) if union.variants().iter().any(|one| matches!(one, Schema::Null)));
    let nullability = if is_nullable { Nullability::Nullable } else { Nullability::Required };
    Field {
        nullability,
        note: doc.filter(|doc| !doc.is_empty()).map(|doc| doc.chars().take(200).collect()),
        ..Field::new(name, logical(schema, names, &mut Vec::new())).native(native(schema, 0))
    }
}

type Names<'s> = BTreeMap<String, &'s Schema>;

/// Named schemas by their names, so that references can be followed.
fn collect<'s>(schema: &'s Schema, names: &mut Names<'s>, depth: usize) {
    if depth > MOST_DEPTH {
        return;
    }
    match schema {
        Schema::Record(record) => {
            names.insert(record.name.fullname(None), schema);
            record.fields.iter().for_each(|field| collect(&field.schema, names, depth + 1));
        }
        Schema::Enum(found) => {
            names.insert(found.name.fullname(None), schema);
        }
        Schema::Fixed(found) => {
            names.insert(found.name.fullname(None), schema);
        }
        Schema::Array(array) => collect(&array.items, names, depth + 1),
        Schema::Map(map) => collect(&map.types, names, depth + 1),
        Schema::Union(union) => union.variants().iter().for_each(|one| collect(one, names, depth + 1)),
        _ => {}
    }
}

/// The type that holds a schema's values. A type that contains itself, and a union of several types, is JSON.
fn logical(schema: &Schema, names: &Names<'_>, open: &mut Vec<String>) -> LogicalType {
    let timestamp = |unit, zone| LogicalType::Timestamp { unit, zone };
    if open.len() > MOST_DEPTH {
        return LogicalType::Json;
    }
    match schema {
        Schema::Null => LogicalType::Null,
        Schema::Boolean => LogicalType::Bool,
        Schema::Int => LogicalType::Int { bits: 32, signed: true },
        Schema::Long => LogicalType::INT64,
        Schema::Float => LogicalType::Float { bits: 32 },
        Schema::Double => LogicalType::FLOAT64,
        Schema::Bytes | Schema::Fixed(_) => LogicalType::Bytes,
        Schema::String => LogicalType::Text,
        Schema::Enum(found) => LogicalType::Enum { labels: found.symbols.clone() },
        Schema::Decimal(found) => LogicalType::Decimal {
            precision: u16::try_from(found.precision).ok(),
            scale: i16::try_from(found.scale).ok(),
        },
        Schema::BigDecimal => LogicalType::Decimal { precision: None, scale: None },
        Schema::Uuid(_) => LogicalType::Uuid,
        Schema::Date => LogicalType::Date,
        Schema::TimeMillis => LogicalType::Time { unit: TimeUnit::Millisecond },
        Schema::TimeMicros => LogicalType::Time { unit: TimeUnit::Microsecond },
        Schema::TimestampMillis => timestamp(TimeUnit::Millisecond, Zone::Utc),
        Schema::TimestampMicros => timestamp(TimeUnit::Microsecond, Zone::Utc),
        Schema::TimestampNanos => timestamp(TimeUnit::Nanosecond, Zone::Utc),
        Schema::LocalTimestampMillis => timestamp(TimeUnit::Millisecond, Zone::None),
        Schema::LocalTimestampMicros => timestamp(TimeUnit::Microsecond, Zone::None),
        Schema::LocalTimestampNanos => timestamp(TimeUnit::Nanosecond, Zone::None),
        Schema::Duration(_) => LogicalType::Interval,
        Schema::Array(array) => nested(open, "[]", |open| LogicalType::List {
            item: Box::new(logical(&array.items, names, open)),
        }),
        Schema::Map(map) => nested(open, "{}", |open| LogicalType::Map {
            key: Box::new(LogicalType::Text),
            value: Box::new(logical(&map.types, names, open)),
        }),
        Schema::Record(record) => {
            let name = record.name.fullname(None);
            if open.contains(&name) {
                return LogicalType::Json;
            }
            nested(open, &name, |open| LogicalType::Struct {
                fields: record
                    .fields
                    .iter()
                    .map(|field| StructField {
                        name: field.name.clone(),
                        logical: logical(&field.schema, names, open),
                    })
                    .collect(),
            })
        }
        Schema::Union(union) => {
            let mut some = union.variants().iter().filter(|one| !matches!(one, Schema::Null));
            match (some.next(), some.next()) {
                (Some(one), None) => logical(one, names, open),
                (None, _) => LogicalType::Null,
                (Some(_), Some(_)) => LogicalType::Json,
            }
        }
        Schema::Ref { name } => {
            let name = name.fullname(None);
            match names.get(&name) {
                Some(known) if !open.contains(&name) => logical(known, names, open),
                _ => LogicalType::Json,
            }
        }
    }
}

fn nested(
    open: &mut Vec<String>,
    name: &str,
    inner: impl FnOnce(&mut Vec<String>) -> LogicalType,
) -> LogicalType {
    open.push(name.to_owned());
    let made = inner(open);
    open.pop();
    made
}

/// The type as the writer declares it.
fn native(schema: &Schema, depth: usize) -> String {
    match schema {
        _ if depth > 3 => "…".to_owned(),
        Schema::Union(union) => {
            let words: Vec<String> = union.variants().iter().map(|one| native(one, depth + 1)).collect();
            format!("union of {}", words.join(", "))
        }
        Schema::Array(array) => format!("array of {}", native(&array.items, depth + 1)),
        Schema::Map(map) => format!("map of {}", native(&map.types, depth + 1)),
        Schema::Record(record) => format!("record {}", record.name.fullname(None)),
        Schema::Enum(found) => format!("enum {}", found.name.fullname(None)),
        Schema::Fixed(found) => format!("fixed({})", found.size),
        Schema::Decimal(found) => format!("decimal({},{})", found.precision, found.scale),
        Schema::Ref { name } => name.fullname(None),
        other => format!("{:?}", apache_avro::schema::SchemaKind::from(other)).to_lowercase(),
    }
}

/// The cells of a row.
pub(super) fn row(value: Value, columns: &[Field]) -> Vec<Cell> {
    match value {
        Value::Record(fields) => fields
            .into_iter()
            .zip(columns)
            .map(|((_, value), column)| cell(value, &column.logical, 0))
            .collect(),
        other => columns.iter().take(1).map(|column| cell(other.clone(), &column.logical, 0)).collect(),
    }
}

/// The cell of a value in a column of this type.
fn cell(value: Value, logical: &LogicalType, depth: usize) -> Cell {
    if let LogicalType::Json = logical {
        return json(value);
    }
    if depth > 2 * MOST_DEPTH {
        return json(value);
    }
    match (value, logical) {
        (Value::Union(_, inner), _) => cell(*inner, logical, depth + 1),
        (Value::Array(items), LogicalType::List { item }) => {
            Cell::List(items.into_iter().map(|value| cell(value, item, depth + 1)).collect())
        }
        (Value::Map(entries), LogicalType::Map { value: inner, .. }) => {
            // The file's own order is not kept by its reader: an order that is always the same takes its place.
            let sorted: BTreeMap<String, Value> = entries.into_iter().collect();
            let pair = |(key, value)| (Cell::Text(key), cell(value, inner, depth + 1));
            Cell::Map(sorted.into_iter().map(pair).collect())
        }
        (Value::Record(fields), LogicalType::Struct { fields: types }) => Cell::Struct(
            fields
                .into_iter()
                .zip(types)
                .map(|((name, value), field)| (name, cell(value, &field.logical, depth + 1)))
                .collect(),
        ),
        (Value::Decimal(decimal), LogicalType::Decimal { scale, .. }) => {
            match Vec::<u8>::try_from(&decimal) {
                Ok(bytes) => {
                    Cell::Decimal(decimal_text(&bytes, usize::try_from(scale.unwrap_or(0)).unwrap_or(0)))
                }
                Err(_no_bytes) => Cell::Null,
            }
        }
        (value, _) => scalar(value),
    }
}

fn scalar(value: Value) -> Cell {
    match value {
        Value::Null => Cell::Null,
        Value::Boolean(value) => Cell::Bool(value),
        Value::Int(value) => Cell::Int(value.into()),
        Value::Long(value) => Cell::Int(value),
        Value::Float(value) => Cell::Float32(value),
        Value::Double(value) => Cell::Float(value),
        Value::Bytes(bytes) | Value::Fixed(_, bytes) => Cell::Bytes(bytes),
        Value::String(text) => Cell::Text(text),
        Value::Enum(_, symbol) => Cell::Exact(symbol),
        Value::Date(days) => Cell::Date(days),
        Value::TimeMillis(value) => Cell::Time(value.into()),
        Value::TimeMicros(value) => Cell::Time(value),
        Value::TimestampMillis(value)
        | Value::TimestampMicros(value)
        | Value::TimestampNanos(value)
        | Value::LocalTimestampMillis(value)
        | Value::LocalTimestampMicros(value)
        | Value::LocalTimestampNanos(value) => Cell::Timestamp(value),
        Value::Duration(duration) => Cell::Exact(interval_text(
            u32::from(duration.months()).into(),
            u32::from(duration.days()).into(),
            i128::from(u32::from(duration.millis())) * 1_000_000,
        )),
        Value::Uuid(id) => Cell::Exact(id.to_string()),
        Value::BigDecimal(decimal) => Cell::Decimal(decimal.to_plain_string()),
        Value::Decimal(decimal) => Vec::<u8>::try_from(&decimal).map_or(Cell::Null, Cell::Bytes),
        Value::Union(_, inner) => scalar(*inner),
        nested @ (Value::Array(_) | Value::Map(_) | Value::Record(_)) => json(nested),
    }
}

/// A value of any type in its JSON form.
fn json(value: Value) -> Cell {
    if let Value::Union(_, inner) = value {
        return json(*inner);
    }
    if matches!(value, Value::Null) {
        return Cell::Null;
    }
    let mut text = String::new();
    push(value, &mut text, 0);
    Cell::Json(text)
}

fn push(value: Value, out: &mut String, depth: usize) {
    if depth > 2 * MOST_DEPTH {
        return out.push_str("\"…\"");
    }
    match value {
        Value::Union(_, inner) => push(*inner, out, depth + 1),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                push(item, out, depth + 1);
            }
            out.push(']');
        }
        Value::Map(entries) => object(entries.into_iter().collect::<BTreeMap<_, _>>(), out, depth),
        Value::Record(fields) => object(fields, out, depth),
        other => {
            let logical = own_type(&other);
            scalar(other).push_json(&logical, out);
        }
    }
}

fn object(fields: impl IntoIterator<Item = (String, Value)>, out: &mut String, depth: usize) {
    out.push('{');
    for (index, (key, value)) in fields.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        crate::model::cell::push_json_string(out, &key);
        out.push(':');
        push(value, out, depth + 1);
    }
    out.push('}');
}

fn own_type(value: &Value) -> LogicalType {
    let timestamp = |unit, zone| LogicalType::Timestamp { unit, zone };
    match value {
        Value::TimeMillis(_) => LogicalType::Time { unit: TimeUnit::Millisecond },
        Value::TimeMicros(_) => LogicalType::Time { unit: TimeUnit::Microsecond },
        Value::TimestampMillis(_) => timestamp(TimeUnit::Millisecond, Zone::Utc),
        Value::TimestampMicros(_) => timestamp(TimeUnit::Microsecond, Zone::Utc),
        Value::TimestampNanos(_) => timestamp(TimeUnit::Nanosecond, Zone::Utc),
        Value::LocalTimestampMillis(_) => timestamp(TimeUnit::Millisecond, Zone::None),
        Value::LocalTimestampMicros(_) => timestamp(TimeUnit::Microsecond, Zone::None),
        Value::LocalTimestampNanos(_) => timestamp(TimeUnit::Nanosecond, Zone::None),
        _ => LogicalType::Text,
    }
}

/// The digits of a whole number in two's complement, biggest end first, with so many of them behind the point.
fn decimal_text(bytes: &[u8], scale: usize) -> String {
    let negative = bytes.first().is_some_and(|first| first & 0x80 != 0);
    let mut magnitude: Vec<u8> = bytes.to_vec();
    if negative {
        let mut carry = true;
        for byte in magnitude.iter_mut().rev() {
            (*byte, carry) = (!*byte).overflowing_add(u8::from(carry));
        }
    }
    let mut digits = Vec::new();
    while magnitude.iter().any(|byte| *byte != 0) {
        let mut rest = 0_u32;
        for byte in &mut magnitude {
            let value = rest << 8 | u32::from(*byte);
            *byte = u8::try_from(value / 10).unwrap_or(0);
            rest = value % 10;
        }
        digits.push(char::from_digit(rest, 10).unwrap_or('0'));
    }
    while digits.len() <= scale {
        digits.push('0');
    }
    let mut text = String::new();
    if negative {
        text.push('-');
    }
    for (index, digit) in digits.iter().enumerate().rev() {
        text.push(*digit);
        if index == scale && scale > 0 {
            text.push('.');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_of_any_length_keep_every_digit() {
        for (bytes, scale, text) in [
            (vec![], 0, "0"),
            (vec![0], 2, "0.00"),
            (vec![0x7B], 2, "1.23"),
            (vec![0xFF], 2, "-0.01"),
            (vec![0x80, 0x00], 0, "-32768"),
            (vec![0x01, 0, 0, 0, 0, 0, 0, 0, 0], 1, "1844674407370955161.6"),
        ] {
            assert_eq!(decimal_text(&bytes, scale), text, "{bytes:?}");
        }
    }
}
