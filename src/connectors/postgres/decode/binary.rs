//! Values of the binary `COPY`, for the types in [`Wire`]. What comes out is what the text of the same value
//! gives, down to the exact texts of what no number holds.

use super::time::{self, Moment};
use super::{invalid, number};
use crate::connectors::postgres::types::{ColumnType, Reading, Wire};
use crate::model::batch::Slot;
use crate::model::cell::Cell;

/// Writes a value of a binary stream into its place. A column whose type has no [`Wire`] gives its raw
/// bytes: [`format_for`](crate::connectors::postgres::copy::format_for) never chooses binary for it.
pub fn push_binary(slot: Slot<'_>, column: &ColumnType, field: Option<&[u8]>) {
    let Some(field) = field else { return slot.null() };
    match (column.wire, field) {
        (Some(Wire::Text), _) => super::push(slot, column, Some(field)),
        (Some(Wire::Jsonb), [1, text @ ..]) => super::push(slot, column, Some(text)),
        (Some(Wire::Int16), [a, b]) => slot.int(i16::from_be_bytes([*a, *b]).into()),
        (Some(Wire::Int32), _) if let Ok(bytes) = field.try_into() => slot.int(i32::from_be_bytes(bytes).into()),
        (Some(Wire::Int64), _) if let Ok(bytes) = field.try_into() => slot.int(i64::from_be_bytes(bytes)),
        (Some(Wire::Float), _) if let Ok(bytes) = field.try_into() => slot.float(f64::from_be_bytes(bytes)),
        (Some(Wire::Bytes), _) => slot.bytes(field),
        (Some(Wire::Numeric), _) => push_numeric(slot, column, field),
        (Some(Wire::Uuid), _) if let Ok(bytes) = field.try_into() => push_uuid(slot, bytes),
        (Some(wire), _) => slot.cell(cell(wire, field).unwrap_or_else(|| invalid(field))),
        (None, _) => slot.cell(invalid(field)),
    }
}

fn cell(wire: Wire, field: &[u8]) -> Option<Cell> {
    Some(match wire {
        Wire::Bool => match field {
            [0] => Cell::Bool(false),
            [1] => Cell::Bool(true),
            _ => return None,
        },
        Wire::Unsigned32 => Cell::UInt(u32::from_be_bytes(field.try_into().ok()?).into()),
        Wire::Unsigned64 => Cell::UInt(u64::from_be_bytes(field.try_into().ok()?)),
        Wire::Float32 => Cell::Float32(f32::from_be_bytes(field.try_into().ok()?)),
        Wire::Date => match time::date_of_days(i32::from_be_bytes(field.try_into().ok()?)) {
            Ok(days) => Cell::Date(days),
            Err(text) => Cell::Exact(text),
        },
        Wire::Time => match time::time_of_micros(i64::from_be_bytes(field.try_into().ok()?))? {
            Moment::At(micros) => Cell::Time(micros),
            Moment::Beyond => Cell::Exact("24:00:00".to_owned()),
        },
        Wire::Timestamp | Wire::TimestampUtc => {
            let offset = if wire == Wire::Timestamp { "" } else { "+00" };
            match time::timestamp_of_micros(i64::from_be_bytes(field.try_into().ok()?), offset) {
                Ok(micros) => Cell::Timestamp(micros),
                Err(text) => Cell::Exact(text),
            }
        }
        _ => return None,
    })
}

fn push_uuid(slot: Slot<'_>, bytes: [u8; 16]) {
    const HEX: [u8; 16] = *b"0123456789abcdef";
    let mut text = [b'-'; 36];
    let mut places = (0..36).filter(|place| !matches!(place, 8 | 13 | 18 | 23));
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            if let Some(place) = places.next() {
                text[place] = HEX[usize::from(digit)];
            }
        }
    }
    match std::str::from_utf8(&text) {
        Ok(text) => slot.exact(text),
        Err(_) => slot.cell(invalid(&bytes)),
    }
}

/// A numeric: digits of base 10000, the first of them counting 10000^`weight`.
struct Numeric<'f> {
    digits: &'f [[u8; 2]],
    weight: i16,
    sign: u16,
    scale: u16,
}

const NEGATIVE: u16 = 0x4000;

impl<'f> Numeric<'f> {
    fn of(field: &'f [u8]) -> Option<Self> {
        let (header, rest) = field.split_first_chunk::<8>()?;
        let [c0, c1, w0, w1, s0, s1, d0, d1] = *header;
        let (digits, []) = rest.as_chunks::<2>() else { return None };
        let even = digits.iter().all(|digit| u16::from_be_bytes(*digit) < 10_000);
        let numeric = Self {
            digits,
            weight: i16::from_be_bytes([w0, w1]),
            sign: u16::from_be_bytes([s0, s1]),
            scale: u16::from_be_bytes([d0, d1]),
        };
        let counted = digits.len() == usize::from(u16::from_be_bytes([c0, c1]));
        (even && counted && numeric.scale < 1 << 14).then_some(numeric)
    }

    fn digit(&self, index: i32) -> u16 {
        usize::try_from(index).ok().and_then(|index| self.digits.get(index)).map_or(0, |digit| u16::from_be_bytes(*digit))
    }

    /// Units of 10^-`scale`, if that is its own scale and they are not too many.
    fn units(&self, scale: u8) -> Option<i128> {
        if u16::from(scale) != self.scale || !matches!(self.sign, 0 | NEGATIVE) {
            return None;
        }
        let mut units = 0i128;
        for digit in self.digits {
            units = units.checked_mul(10_000)?.checked_add(u16::from_be_bytes(*digit).into())?;
        }
        let last = i32::try_from(self.digits.len()).ok()?;
        let exponent = 4 * (i32::from(self.weight) - last + 1) + i32::from(scale);
        let power = 10i128.checked_pow(exponent.unsigned_abs())?;
        let units = if exponent >= 0 {
            units.checked_mul(power)?
        } else if units % power == 0 {
            units / power
        } else {
            return None;
        };
        Some(if self.sign == NEGATIVE { -units } else { units })
    }

    /// Its text, as the server writes it.
    fn text(&self) -> Option<String> {
        let mut out = String::new();
        match self.sign {
            0 => {}
            NEGATIVE => out.push('-'),
            0xc000 => return Some("NaN".to_owned()),
            0xd000 => return Some("Infinity".to_owned()),
            0xf000 => return Some("-Infinity".to_owned()),
            _ => return None,
        }
        let weight = i32::from(self.weight);
        if weight < 0 {
            out.push('0');
        } else {
            out.push_str(&self.digit(0).to_string());
            (1..=weight).for_each(|index| out.push_str(&format!("{:04}", self.digit(index))));
        }
        if self.scale > 0 {
            out.push('.');
            let groups = i32::from(self.scale).div_ceil(4);
            let mut fraction = String::new();
            (1..=groups).for_each(|group| fraction.push_str(&format!("{:04}", self.digit(weight + group))));
            fraction.truncate(usize::from(self.scale));
            out.push_str(&fraction);
        }
        Some(out)
    }
}

fn push_numeric(slot: Slot<'_>, column: &ColumnType, field: &[u8]) {
    let Some(numeric) = Numeric::of(field) else { return slot.cell(invalid(field)) };
    if let Reading::Numeric(Some(scale)) = column.reading
        && let Some(units) = numeric.units(scale)
    {
        return slot.decimal(units, scale);
    }
    match numeric.text().map(|text| number::decimal(text.as_bytes())) {
        Some(cell @ (Cell::Decimal(_) | Cell::Exact(_))) => slot.cell(cell),
        _ => slot.cell(invalid(field)),
    }
}
