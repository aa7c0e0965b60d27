//! One order of cells for every place that sorts fetched rows: exact for numbers of any size, absent values
//! last in either direction. No number is compared through a float unless both are floats, or one is too
//! large or too small to be written without an exponent.

use std::cmp::Ordering;

use super::cell::Cell;
use super::read::Direction;
use super::schema::LogicalType;

/// What a value is ordered by. Numbers come before text, absent values last.
#[derive(Clone, Debug, PartialEq)]
pub struct SortKey(Key);

#[derive(Clone, Debug, PartialEq)]
enum Key {
    Whole(i128),
    Float(f64),
    Digits(String),
    Text(String),
    Absent,
}

impl SortKey {
    /// The key of a cell in a column of this type.
    pub fn of(cell: &Cell, logical: &LogicalType) -> Self {
        Self(match cell {
            Cell::Null | Cell::Missing => Key::Absent,
            Cell::Int(value) | Cell::Time(value) | Cell::Timestamp(value) => Key::Whole(i128::from(*value)),
            Cell::UInt(value) => Key::Whole(i128::from(*value)),
            Cell::Date(value) => Key::Whole(i128::from(*value)),
            Cell::Bool(value) => Key::Whole(i128::from(*value)),
            Cell::Float(value) => Key::float(*value),
            Cell::Float32(value) => Key::float(f64::from(*value)),
            Cell::Decimal(digits) if split_decimal(digits).is_some() || digits.parse::<f64>().is_ok() => {
                Key::Digits(digits.clone())
            }
            other => Key::Text(other.text(logical)),
        })
    }

    /// Compares in a direction.
    pub fn order(&self, other: &Self, direction: Direction) -> Ordering {
        let ordering = match (&self.0, &other.0) {
            (Key::Absent, Key::Absent) => return Ordering::Equal,
            (Key::Absent, _) => return Ordering::Greater,
            (_, Key::Absent) => return Ordering::Less,
            (Key::Text(a), Key::Text(b)) => a.cmp(b),
            (Key::Text(_), _) => Ordering::Greater,
            (_, Key::Text(_)) => Ordering::Less,
            (Key::Whole(a), Key::Whole(b)) => a.cmp(b),
            (Key::Float(a), Key::Float(b)) => a.total_cmp(b),
            (a, b) => compare_numbers(a, b),
        };
        match direction {
            Direction::Ascending => ordering,
            Direction::Descending => ordering.reverse(),
        }
    }
}

impl Key {
    /// Every not-a-number is the same one, above all numbers.
    fn float(value: f64) -> Self {
        Self::Float(if value.is_nan() { f64::NAN } else { value })
    }

    fn is_nan(&self) -> bool {
        match self {
            Self::Float(value) => value.is_nan(),
            Self::Digits(digits) => digits.trim().eq_ignore_ascii_case("nan"),
            _ => false,
        }
    }

    fn digits(&self) -> String {
        match self {
            Self::Whole(value) => value.to_string(),
            Self::Float(value) => value.to_string(),
            Self::Digits(digits) | Self::Text(digits) => digits.clone(),
            Self::Absent => String::new(),
        }
    }
}

/// Numbers of different kinds, by their digits.
fn compare_numbers(a: &Key, b: &Key) -> Ordering {
    if a.is_nan() || b.is_nan() {
        return a.is_nan().cmp(&b.is_nan());
    }
    let (a, b) = (a.digits(), b.digits());
    compare_digits(&a, &b).unwrap_or_else(|| a.cmp(&b))
}

/// Compares two decimal numbers digit by digit; exponents and special values fall back to floats.
pub(super) fn compare_digits(left: &str, right: &str) -> Option<Ordering> {
    match (split_decimal(left), split_decimal(right)) {
        (Some(a), Some(b)) => Some(match (a.0, b.0) {
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (negative, _) => {
                let ordering =
                    a.1.len().cmp(&b.1.len()).then_with(|| a.1.cmp(b.1)).then_with(|| a.2.cmp(b.2));
                if negative { ordering.reverse() } else { ordering }
            }
        }),
        _ => left.trim().parse::<f64>().ok()?.partial_cmp(&right.trim().parse::<f64>().ok()?),
    }
}

/// Sign (zero is positive), whole digits without leading zeros, fraction without trailing zeros.
fn split_decimal(text: &str) -> Option<(bool, &str, &str)> {
    let text = text.trim();
    let (negative, digits) =
        text.strip_prefix('-').map_or((false, text.strip_prefix('+').unwrap_or(text)), |rest| (true, rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    Some((negative && !(whole.is_empty() && fraction.is_empty()), whole, fraction))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(mut cells: Vec<Cell>, direction: Direction) -> Vec<String> {
        let logical = LogicalType::Text;
        cells.sort_by(|a, b| SortKey::of(a, &logical).order(&SortKey::of(b, &logical), direction));
        cells.iter().map(|cell| if cell.is_absent() { "-".to_owned() } else { cell.text(&logical) }).collect()
    }

    #[test]
    fn numbers_order_by_every_digit_text_follows_and_absent_values_come_last() {
        let decimal = |digits: &str| Cell::Decimal(digits.to_owned());
        let cells = vec![
            Cell::Null,
            Cell::Text("a".into()),
            decimal("9007199254740993.01"),
            decimal("9007199254740993.001"),
            Cell::Int(9_007_199_254_740_992),
            Cell::UInt(u64::MAX),
            Cell::Float(0.5),
            decimal("-1.10"),
            Cell::Float(f64::NAN),
            decimal("NaN"),
            Cell::Float(f64::NEG_INFINITY),
            Cell::Int(-2),
        ];
        let rising = [
            "-Infinity",
            "-2",
            "-1.10",
            "0.5",
            "9007199254740992",
            "9007199254740993.001",
            "9007199254740993.01",
            "18446744073709551615",
            "NaN",
            "NaN",
            "a",
            "-",
        ];
        assert_eq!(sorted(cells.clone(), Direction::Ascending), rising);
        let mut falling = rising.to_vec();
        falling[..11].reverse();
        assert_eq!(sorted(cells, Direction::Descending), falling);
    }
}
