//! Values of the binary `COPY`, for the types in [`Wire`]. What comes out is what the text of the same value
//! gives, down to the exact texts of what no number holds.

use super::time::{self, Moment};
use super::{invalid, number};
use crate::connectors::postgres::types::{ColumnType, Reading, Wire};
use crate::model::batch::Slot;
use crate::model::cell::Cell;

/// Writes a value of a binary stream into its place. A column whose type has no `Wire` gives its raw
/// bytes: [`format_for`](crate::connectors::postgres::copy::format_for) never chooses binary for it.
pub fn push_binary(slot: Slot<'_>, column: &ColumnType, field: Option<&[u8]>) {
    let Some(field) = field else { return slot.null() };
    match (column.wire, field) {
        (Some(Wire::Text), _) => super::push(slot, column, Some(field)),
        (Some(Wire::Jsonb), [1, text @ ..]) => super::push(slot, column, Some(text)),
        (Some(Wire::Int16), [a, b]) => slot.int(i16::from_be_bytes([*a, *b]).into()),
        (Some(Wire::Int32), [a, b, c, d]) => slot.int(i32::from_be_bytes([*a, *b, *c, *d]).into()),
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
        usize::try_from(index)
            .ok()
            .and_then(|index| self.digits.get(index))
            .map_or(0, |digit| u16::from_be_bytes(*digit))
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
            let groups = (i32::from(self.scale) + 3) / 4;
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::connectors::postgres::types::Types;
    use crate::kit::dice::Dice;
    use crate::model::batch::{BatchBuilder, Origin};
    use crate::model::schema::{Field, Schema};

    fn through(column: &ColumnType, fill: impl FnOnce(Slot<'_>)) -> Cell {
        let schema = Schema::new(vec![Field::new("a", column.logical.clone())]);
        let mut builder = BatchBuilder::new(Arc::new(schema));
        fill(builder.slot(0).unwrap());
        builder.end_row();
        builder.take(Origin::default()).unwrap().cell(0, 0)
    }

    fn bytes(hex: &str) -> Vec<u8> {
        super::super::bytes::bytea(format!("\\x{hex}").as_bytes()).unwrap()
    }

    /// The binary form of a real server (15) beside its text.
    #[test]
    fn binary_gives_what_text_gives() {
        let types = Types::default();
        for (oid, text, hex) in [
            (16, "t", "01"),
            (16, "f", "00"),
            (20, "-9223372036854775808", "8000000000000000"),
            (21, "-2", "fffe"),
            (23, "7", "00000007"),
            (26, "4294967295", "ffffffff"),
            (28, "123", "0000007b"),
            (5069, "18446744073709551615", "ffffffffffffffff"),
            (700, "0.1", "3dcccccd"),
            (701, "-0", "8000000000000000"),
            (701, "0.30000000000000004", "3fd3333333333334"),
            (701, "-Infinity", "fff0000000000000"),
            (25, "é", "c3a9"),
            (1043, "", ""),
            (114, "{ }", "7b207d"),
            (3802, "{\"a\": 1}", "017b2261223a20317d"),
            (17, "\\x00ff", "00ff"),
            (2950, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "a0eebc999c0b4ef8bb6d6bb9bd380a11"),
            (1082, "2024-02-29", "00002279"),
            (1082, "0001-01-01", "fff4dbf9"),
            (1082, "0001-12-31 BC", "fff4dbf8"),
            (1082, "4714-11-24 BC", "ffda97a7"),
            (1082, "262142-12-31", "05a9d16f"),
            (1082, "262143-01-01", "05a9d170"),
            (1082, "5874897-12-31", "7fda970c"),
            (1082, "infinity", "7fffffff"),
            (1082, "-infinity", "80000000"),
            (1083, "00:00:00", "0000000000000000"),
            (1083, "23:59:59.999999", "000000141dd75fff"),
            (1083, "24:00:00", "000000141dd76000"),
            (1114, "2000-01-01 00:00:00", "0000000000000000"),
            (1114, "1969-12-31 23:59:59.999999", "fffca2fec4c81fff"),
            (1114, "4714-11-24 00:00:00 BC", "fd0f7cc1411fa000"),
            (1114, "0001-12-31 23:59:59.99 BC", "ff1fe2ffc59c38f0"),
            (1114, "294276-12-31 23:59:59.999999", "7fffff5bb3b29fff"),
            (1114, "infinity", "7fffffffffffffff"),
            (1114, "-infinity", "8000000000000000"),
            (1184, "2024-05-06 07:08:09.1+00", "0002bac2801b0ee0"),
            (1184, "4714-11-24 00:00:00+00 BC", "fd0f7cc1411fa000"),
            (1184, "262143-01-01 00:00:00+00", "71ed5d38439a0000"),
            (1700, "0", "0000000000000000"),
            (1700, "0.00", "0000000000000002"),
            (1700, "-1", "00010000400000000001"),
            (1700, "10000", "00010001000000000001"),
            (1700, "100000000", "00010002000000000001"),
            (1700, "9999.9999", "0002000000000004270f270f"),
            (1700, "0.0001", "0001ffff000000040001"),
            (1700, "0.00000001", "0001fffe000000080001"),
            (1700, "-0.05", "0001ffff4000000201f4"),
            (1700, "1234567890123.45", "0005000300000002000109291a85007b1194"),
            (1700, "100000000000000000000", "00010005000000000001"),
            (
                1700,
                "123456789012345678901234567890.123456789",
                "000b000700000009000c0d801ed204d2162e23340d801ed204d2162e2328",
            ),
            (1700, "NaN", "00000000c0000000"),
            (1700, "Infinity", "00000000d0000020"),
            (1700, "-Infinity", "00000000f0000020"),
            (1700, "0.1", "0001ffff0000000103e8"),
            (1700, "1000000.5", "0003000100000001006400001388"),
        ] {
            let scale = text.split_once('.').map_or(0, |(_, fraction)| fraction.len() as i32);
            let typmods =
                if oid == 1700 { vec![-1, (38 << 16 | scale) + 4, (3 << 16) + 4] } else { vec![-1] };
            for typmod in typmods {
                let column = types.column(oid, typmod);
                let by_text =
                    through(&column, |slot| super::super::push(slot, &column, Some(text.as_bytes())));
                let by_binary = through(&column, |slot| push_binary(slot, &column, Some(&bytes(hex))));
                assert_eq!(by_binary, by_text, "{text} as {}", column.name);
                assert!(!matches!(by_text, Cell::Invalid(_)), "{text}");
                assert_eq!(through(&column, |slot| push_binary(slot, &column, None)), Cell::Null);
            }
        }
    }

    #[test]
    fn random_numbers_and_times_are_the_same_in_binary_and_text() {
        let mut dice = Dice::new(5);
        let types = Types::default();
        for _ in 0..2_000 {
            let micros = (dice.draw() >> dice.below(40)).cast_signed() / 2;
            let column = types.column(1114, -1);
            let by_binary = through(&column, |slot| push_binary(slot, &column, Some(&micros.to_be_bytes())));
            let text = by_binary.text(&column.logical).replace('T', " ");
            let text =
                if let Some((year, rest)) = text.strip_prefix('+').and_then(|text| text.split_once('-')) {
                    format!("{year}-{rest}")
                } else {
                    text
                };
            assert_eq!(
                through(&column, |slot| super::super::push(slot, &column, Some(text.as_bytes()))),
                by_binary
            );
        }
    }

    #[test]
    fn bytes_of_another_length_or_meaning_are_kept() {
        let types = Types::default();
        for (oid, hex) in [
            (16, "02"),
            (16, ""),
            (20, "00"),
            (21, "000000"),
            (701, "00"),
            (1082, "0000000000"),
            (1083, "ffffffffffffffff"),
            (1083, "000000141dd76001"),
            (2950, "00"),
            (3802, "027b7d"),
            (3802, ""),
            (25, "ff"),
            (1700, "00"),
            (1700, "00010000000000002710"),
            (1700, "00020000000000000001"),
            (1700, "00010000123400000001"),
            (1700, "00010000000040000001"),
            (869, "01"),
        ] {
            let column = types.column(oid, -1);
            let kept = through(&column, |slot| push_binary(slot, &column, Some(&bytes(hex))));
            assert_eq!(kept, Cell::Invalid(bytes(hex)), "{hex} as {}", column.name);
        }
    }
}
