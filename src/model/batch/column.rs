//! One growing column of a batch: which cells it holds, and the values it took.

use arrow::array::{BinaryBuilder, BooleanBuilder, NullBufferBuilder, StringBuilder};
use arrow::datatypes::{
    DataType, Decimal128Type, Decimal256Type, DecimalType as _, MAX_DECIMAL128_FOR_EACH_PRECISION, i256,
};

use crate::model::cell::Cell;
use crate::model::schema::LogicalType;

/// Values of a column, validity beside them; whole numbers are held in 64 bits until the end.
pub(super) struct Column {
    pub(super) arrow: DataType,
    pub(super) values: Values,
    pub(super) nulls: NullBufferBuilder,
    logical: LogicalType,
    text: TextKind,
}

/// Which cells a column of UTF-8 takes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TextKind {
    /// None: it is no such column.
    None,
    Text,
    Json,
    Decimal,
    Exact,
}

impl TextKind {
    fn of(logical: &LogicalType, arrow: &DataType) -> Self {
        match logical {
            _ if *arrow != DataType::Utf8 => Self::None,
            LogicalType::Text => Self::Text,
            LogicalType::Json => Self::Json,
            LogicalType::Decimal { .. } => Self::Decimal,
            _ => Self::Exact,
        }
    }
}

pub(super) enum Values {
    None,
    Bool(BooleanBuilder),
    Whole(Vec<i64>),
    Unsigned(Vec<u64>),
    Float(Vec<f64>),
    Float32(Vec<f32>),
    Decimal128(Vec<i128>),
    Decimal256(Vec<i256>),
    Text(StringBuilder),
    Bytes(BinaryBuilder),
    List { child: Box<Column>, lengths: Vec<usize> },
    Struct { children: Vec<Column> },
    Map { key: Box<Column>, value: Box<Column>, lengths: Vec<usize> },
}

impl Column {
    pub(super) fn new(logical: &LogicalType) -> Self {
        let arrow = logical.arrow();
        let values = match (&arrow, logical) {
            (DataType::Null, _) => Values::None,
            (DataType::Boolean, _) => Values::Bool(BooleanBuilder::new()),
            (DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64, _) => {
                Values::Unsigned(Vec::new())
            }
            (DataType::Float64, _) => Values::Float(Vec::new()),
            (DataType::Float16 | DataType::Float32, _) => Values::Float32(Vec::new()),
            (DataType::Decimal128(..), _) => Values::Decimal128(Vec::new()),
            (DataType::Decimal256(..), _) => Values::Decimal256(Vec::new()),
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
        let text = TextKind::of(logical, &arrow);
        Self { arrow, values, nulls: NullBufferBuilder::new(0), logical: logical.clone(), text }
    }

    /// Values taken, nulls counted.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.nulls.len()
    }

    /// Adds a cell; gives it back if the column cannot hold it (null stands in its place).
    pub(super) fn push(&mut self, cell: Cell) -> Option<Cell> {
        match cell {
            Cell::Null => {
                self.push_null();
                None
            }
            cell => match self.try_push(cell) {
                Ok(()) => {
                    self.nulls.append_non_null();
                    None
                }
                Err(cell) => {
                    self.push_null();
                    Some(cell)
                }
            },
        }
    }

    pub(super) fn push_null(&mut self) {
        self.nulls.append_null();
        match &mut self.values {
            Values::None => {}
            Values::Bool(values) => values.append_null(),
            Values::Whole(values) => values.push(0),
            Values::Unsigned(values) => values.push(0),
            Values::Float(values) => values.push(0.0),
            Values::Float32(values) => values.push(0.0),
            Values::Decimal128(values) => values.push(0),
            Values::Decimal256(values) => values.push(i256::ZERO),
            Values::Text(values) => values.append_null(),
            Values::Bytes(values) => values.append_null(),
            Values::List { lengths, .. } | Values::Map { lengths, .. } => lengths.push(0),
            Values::Struct { children } => children.iter_mut().for_each(Self::push_null),
        }
    }

    fn try_push(&mut self, cell: Cell) -> std::result::Result<(), Cell> {
        if !self.has_room_for(&cell) {
            return Err(cell);
        }
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
            (Values::Decimal128(values), Cell::Decimal(text)) => match decimal128_of(&text, &self.arrow) {
                Some(value) => values.push(value),
                None => return Err(Cell::Decimal(text)),
            },
            (Values::Decimal256(values), Cell::Decimal(text)) => match decimal256_of(&text, &self.arrow) {
                Some(value) => values.push(value),
                None => return Err(Cell::Decimal(text)),
            },
            (Values::Text(values), Cell::Text(text)) if self.text == TextKind::Text => {
                values.append_value(text);
            }
            (Values::Text(values), Cell::Json(text)) if self.text == TextKind::Json => {
                values.append_value(text);
            }
            (Values::Text(values), Cell::Decimal(text)) if self.text == TextKind::Decimal => {
                values.append_value(text);
            }
            (Values::Text(values), Cell::Exact(text)) if self.text == TextKind::Exact => {
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

    /// Whether the bytes of a text or bytes column stay within what its offsets count.
    fn has_room_for(&self, cell: &Cell) -> bool {
        match (&self.values, cell) {
            (
                Values::Text(values),
                Cell::Text(text) | Cell::Json(text) | Cell::Decimal(text) | Cell::Exact(text),
            ) => has_room(values.values_slice().len(), text.len()),
            (Values::Bytes(values), Cell::Bytes(bytes)) => has_room(values.values_slice().len(), bytes.len()),
            _ => true,
        }
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

    /// Takes a whole number if the column is of those and wide enough.
    #[inline]
    pub(super) fn push_int(&mut self, value: i64) -> bool {
        let Values::Whole(values) = &mut self.values else { return false };
        let fits = fits_whole(&self.arrow, value);
        if fits {
            values.push(value);
            self.nulls.append_non_null();
        }
        fits
    }

    /// Takes a float if the column is of 64-bit ones.
    #[inline]
    pub(super) fn push_float(&mut self, value: f64) -> bool {
        let Values::Float(values) = &mut self.values else { return false };
        values.push(value);
        self.nulls.append_non_null();
        true
    }

    /// Takes a decimal of the column's scale if the column is of 128-bit ones and wide enough.
    #[inline]
    pub(super) fn push_decimal(&mut self, units: i128, scale: u8) -> bool {
        let (Values::Decimal128(values), DataType::Decimal128(precision, own)) =
            (&mut self.values, &self.arrow)
        else {
            return false;
        };
        let most = MAX_DECIMAL128_FOR_EACH_PRECISION.get(usize::from(*precision)).copied().unwrap_or(0);
        let fits = i16::from(scale) == i16::from(*own) && units.unsigned_abs() <= most.unsigned_abs();
        if fits {
            values.push(units);
            self.nulls.append_non_null();
        }
        fits
    }

    /// Takes bytes if the column is of those.
    #[inline]
    pub(super) fn push_bytes(&mut self, bytes: &[u8]) -> bool {
        let Values::Bytes(values) = &mut self.values else { return false };
        let fits = has_room(values.values_slice().len(), bytes.len());
        if fits {
            values.append_value(bytes);
            self.nulls.append_non_null();
        }
        fits
    }

    /// Takes text if the column is of text.
    #[inline]
    pub(super) fn push_text(&mut self, text: &str) -> bool {
        self.push_utf8(text, TextKind::Text)
    }

    /// Takes the exact text of a value if the column carries those.
    #[inline]
    pub(super) fn push_exact(&mut self, text: &str) -> bool {
        self.push_utf8(text, TextKind::Exact)
    }

    /// Takes JSON text if the column is of that.
    #[inline]
    pub(super) fn push_json(&mut self, text: &str) -> bool {
        self.push_utf8(text, TextKind::Json)
    }

    #[inline]
    fn push_utf8(&mut self, text: &str, kind: TextKind) -> bool {
        let Values::Text(values) = &mut self.values else { return false };
        let fits = self.text == kind && has_room(values.values_slice().len(), text.len());
        if fits {
            values.append_value(text);
            self.nulls.append_non_null();
        }
        fits
    }
}

/// Whether so many more bytes can be counted by 32-bit offsets.
fn has_room(taken: usize, more: usize) -> bool {
    taken.saturating_add(more) <= i32::MAX as usize
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
        (cell, logical) => fits_alone(cell, logical, &logical.arrow()),
    }
}

/// Whether a column holds a cell that has no cells inside.
fn fits_alone(cell: &Cell, logical: &LogicalType, arrow: &DataType) -> bool {
    match (cell, arrow) {
        (Cell::Bool(_), DataType::Boolean)
        | (Cell::Date(_), DataType::Date32)
        | (Cell::Time(_), DataType::Time32(_) | DataType::Time64(_))
        | (Cell::Timestamp(_), DataType::Timestamp(..))
        | (Cell::Float(_), DataType::Float64)
        | (Cell::Float32(_), DataType::Float16 | DataType::Float32)
        | (Cell::Bytes(_), DataType::Binary) => true,
        (Cell::Int(value), DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64) => {
            fits_whole(arrow, *value)
        }
        (Cell::Int(value), DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64) => {
            *value >= 0 && fits_unsigned(arrow, value.cast_unsigned())
        }
        (Cell::UInt(value), DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64) => {
            fits_unsigned(arrow, *value)
        }
        (Cell::Decimal(text), DataType::Decimal128(..)) => decimal128_of(text, arrow).is_some(),
        (Cell::Decimal(text), DataType::Decimal256(..)) => decimal256_of(text, arrow).is_some(),
        (Cell::Text(_), _) => TextKind::of(logical, arrow) == TextKind::Text,
        (Cell::Json(_), _) => TextKind::of(logical, arrow) == TextKind::Json,
        (Cell::Decimal(_), _) => TextKind::of(logical, arrow) == TextKind::Decimal,
        (Cell::Exact(_), _) => TextKind::of(logical, arrow) == TextKind::Exact,
        _ => false,
    }
}

/// Sign and digits of a decimal with exactly `scale` digits behind the point.
fn digits_of(text: &str, scale: i8) -> Option<(&str, &str, &str)> {
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let exact = fraction.len() == usize::try_from(scale).ok()?;
    (exact && !whole.is_empty() && all_digits(whole) && all_digits(fraction))
        .then_some((sign, whole, fraction))
}

/// Exact digits to the column's scale; none if digits would be lost or the precision exceeded.
fn decimal128_of(text: &str, arrow: &DataType) -> Option<i128> {
    let DataType::Decimal128(precision, scale) = arrow else { return None };
    let (sign, whole, fraction) = digits_of(text, *scale)?;
    let units = whole
        .bytes()
        .chain(fraction.bytes())
        .try_fold(0i128, |units, digit| units.checked_mul(10)?.checked_add(i128::from(digit - b'0')))?;
    let units = if sign.is_empty() { units } else { -units };
    Decimal128Type::is_valid_decimal_precision(units, *precision).then_some(units)
}

/// As [`decimal128_of`], for more than 38 digits.
fn decimal256_of(text: &str, arrow: &DataType) -> Option<i256> {
    let DataType::Decimal256(precision, scale) = arrow else { return None };
    let (sign, whole, fraction) = digits_of(text, *scale)?;
    let units = i256::from_string(&format!("{sign}{whole}{fraction}"))?;
    Decimal256Type::is_valid_decimal_precision(units, *precision).then_some(units)
}
