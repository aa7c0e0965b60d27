//! Numbers as text writes them, read exactly: a number that a type cannot hold stays what the file says.

use serde::{Deserialize, Serialize};

/// What stands between the whole and the fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DecimalMark {
    /// `1.5`
    Point,
    /// `1,5`
    Comma,
}

/// How a number is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberShape {
    /// A whole number that fits 64 bits.
    Int,
    /// A whole number that does not; so many digits.
    BigInt(u16),
    /// A number with a fraction and no exponent.
    Decimal {
        /// Digits before the mark, without leading zeros.
        whole: u16,
        /// Digits after it.
        scale: u16,
        /// The mark.
        mark: DecimalMark,
    },
    /// A number with an exponent, or infinity, or not a number.
    Float,
    /// `12E5`: a number to a computer, often an identifier to people.
    BareExponent,
}

/// The shape of a number; `None` if it is not one or would not read back the same, such as `007`.
pub fn shape(text: &[u8]) -> Option<NumberShape> {
    let (sign, digits) = match text.split_first()? {
        (sign @ (b'-' | b'+'), rest) => (Some(*sign), rest),
        _ => (None, text),
    };
    let whole_len = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (whole, rest) = digits.split_at(whole_len);
    if whole.len() > 1 && whole[0] == b'0' {
        return None;
    }
    let significant = if whole == b"0" { 0 } else { whole.len() };
    match rest.first() {
        None => whole_shape(sign, whole),
        Some(mark @ (b'.' | b',')) => {
            let fraction = &rest[1..];
            let scale = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if whole.is_empty() && scale == 0 {
                return None;
            }
            match &fraction[scale..] {
                [] if scale == 0 => (*mark == b'.').then_some(NumberShape::Float),
                [] => Some(NumberShape::Decimal {
                    whole: significant.min(usize::from(u16::MAX)) as u16,
                    scale: scale.min(usize::from(u16::MAX)) as u16,
                    mark: if *mark == b'.' { DecimalMark::Point } else { DecimalMark::Comma },
                }),
                exponent if *mark == b'.' => is_exponent(exponent).then_some(NumberShape::Float),
                _ => None,
            }
        }
        Some(b'e' | b'E') if !whole.is_empty() && is_exponent(rest) => {
            let signed = matches!(rest.get(1), Some(b'-' | b'+'));
            Some(if signed || sign.is_some() { NumberShape::Float } else { NumberShape::BareExponent })
        }
        Some(_) if whole.is_empty() && is_special(digits) => Some(NumberShape::Float),
        Some(_) => None,
    }
}

fn whole_shape(sign: Option<u8>, whole: &[u8]) -> Option<NumberShape> {
    const DIGITS_THAT_FIT: usize = 18;
    match (sign, whole.len()) {
        (_, 0) => None,
        // A telephone number, and a zero whose sign would be lost.
        (Some(b'+'), 7..) => None,
        (Some(b'-'), 1) if whole == b"0" => None,
        (_, 1..=DIGITS_THAT_FIT) => Some(NumberShape::Int),
        (sign, len) => Some(match int(sign, whole) {
            Some(_) => NumberShape::Int,
            None => NumberShape::BigInt(len.min(usize::from(u16::MAX)) as u16),
        }),
    }
}

fn is_exponent(text: &[u8]) -> bool {
    let ([b'e' | b'E', b'-' | b'+', digits @ ..] | [b'e' | b'E', digits @ ..]) = text else { return false };
    !digits.is_empty() && digits.len() <= 4 && digits.iter().all(u8::is_ascii_digit)
}

fn is_special(text: &[u8]) -> bool {
    [&b"nan"[..], b"inf", b"infinity"].iter().any(|word| text.eq_ignore_ascii_case(word))
}

fn int(sign: Option<u8>, digits: &[u8]) -> Option<i64> {
    let mut value = 0i64;
    let step = |value: i64, digit: i64| {
        let value = value.checked_mul(10)?;
        if sign == Some(b'-') { value.checked_sub(digit) } else { value.checked_add(digit) }
    };
    for byte in digits {
        if !byte.is_ascii_digit() {
            return None;
        }
        value = step(value, i64::from(byte - b'0'))?;
    }
    Some(value)
}

/// A whole number of 64 bits; `None` for anything that [`shape`] does not call [`NumberShape::Int`].
#[inline]
pub fn read_int(text: &[u8]) -> Option<i64> {
    // The ordinary case without a look at every rule: up to 18 digits, none of them a leading zero.
    let (sign, digits) = match text.split_first()? {
        (b'-', rest) => (Some(b'-'), rest),
        (b'1'..=b'9', _) => (None, text),
        _ => return (shape(text)? == NumberShape::Int).then(|| signed_int(text))?,
    };
    if digits.len() <= 18 && matches!(digits.first(), Some(b'1'..=b'9')) {
        let mut value = 0i64;
        for byte in digits {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                return None;
            }
            value = value * 10 + i64::from(digit);
        }
        return Some(if sign.is_some() { -value } else { value });
    }
    (shape(text)? == NumberShape::Int).then(|| signed_int(text))?
}

fn signed_int(text: &[u8]) -> Option<i64> {
    match text.split_first()? {
        (sign @ (b'-' | b'+'), digits) => int(Some(*sign), digits),
        _ => int(None, text),
    }
}

/// A decimal as a whole number of units of 10^-`scale`; `None` if it is not one, has more digits after the mark
/// than `scale`, or does not fit 128 bits.
pub fn read_decimal(text: &[u8], mark: DecimalMark, scale: u16) -> Option<i128> {
    let mark = match mark {
        DecimalMark::Point => b'.',
        DecimalMark::Comma => b',',
    };
    let (negative, digits) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        (b'+', rest) => (false, rest),
        _ => (false, text),
    };
    if digits.len() + usize::from(scale) <= 18
        && let Some(value) = short_decimal(digits, mark, scale)
    {
        return Some(i128::from(if negative { -value } else { value }));
    }
    let mut value = 0i128;
    let mut after = None;
    let mut seen = 0;
    for byte in digits {
        if *byte == mark && after.is_none() {
            after = Some(0u16);
            continue;
        }
        if !byte.is_ascii_digit() {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(i128::from(byte - b'0'))?;
        seen += 1;
        if let Some(after) = &mut after {
            *after += 1;
            if *after > scale {
                return None;
            }
        }
    }
    if seen == 0 || (digits.len() > 1 && digits[0] == b'0' && digits[1].is_ascii_digit()) {
        return None;
    }
    for _ in after.unwrap_or(0)..scale {
        value = value.checked_mul(10)?;
    }
    Some(if negative { -value } else { value })
}

/// The ordinary case of a decimal: few digits, no leading zero but before the mark.
#[inline]
fn short_decimal(digits: &[u8], mark: u8, scale: u16) -> Option<i64> {
    let mut value = 0i64;
    let mut whole = 0;
    let mut bytes = digits.iter();
    let mut fraction = 0;
    for byte in bytes.by_ref() {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            if *byte != mark {
                return None;
            }
            break;
        }
        value = value * 10 + i64::from(digit);
        whole += 1;
    }
    for byte in bytes {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + i64::from(digit);
        fraction += 1;
    }
    if whole == 0 || fraction > scale || (whole > 1 && digits[0] == b'0') {
        return None;
    }
    for _ in fraction..scale {
        value *= 10;
    }
    Some(value)
}

/// A binary fraction, if writing it back gives a number of the same value: a longer one stays text.
pub fn read_float(text: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(text).ok()?;
    match shape(text.as_bytes())? {
        NumberShape::Decimal { mark: DecimalMark::Comma, .. } | NumberShape::BigInt(_) => None,
        _ => {
            let digits = text.bytes().take_while(|byte| !matches!(byte, b'e' | b'E'));
            let significant = digits.filter(u8::is_ascii_digit).skip_while(|digit| *digit == b'0').count();
            // Seventeen digits are what a program writes to keep every bit; more cannot come from one.
            if significant > 17 { None } else { text.parse().ok() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(whole: u16, scale: u16, mark: DecimalMark) -> Option<NumberShape> {
        Some(NumberShape::Decimal { whole, scale, mark })
    }

    #[test]
    fn numbers_are_told_from_what_only_looks_like_one() {
        let rows: &[(&str, Option<NumberShape>)] = &[
            ("0", Some(NumberShape::Int)),
            ("-5", Some(NumberShape::Int)),
            ("+5", Some(NumberShape::Int)),
            ("9223372036854775807", Some(NumberShape::Int)),
            ("-9223372036854775808", Some(NumberShape::Int)),
            ("9223372036854775808", Some(NumberShape::BigInt(19))),
            ("007", None),
            ("08123", None),
            ("-0", None),
            ("+491701234567", None),
            ("", None),
            ("-", None),
            (".", None),
            ("1.5", decimal(1, 1, DecimalMark::Point)),
            ("-0.50", decimal(0, 2, DecimalMark::Point)),
            (".5", decimal(0, 1, DecimalMark::Point)),
            ("10500,60", decimal(5, 2, DecimalMark::Comma)),
            ("5.", Some(NumberShape::Float)),
            ("5,", None),
            ("1.5e10", Some(NumberShape::Float)),
            ("1E-3", Some(NumberShape::Float)),
            ("12E12", Some(NumberShape::BareExponent)),
            ("1e", None),
            ("1e99999", None),
            ("NaN", Some(NumberShape::Float)),
            ("-inf", Some(NumberShape::Float)),
            ("infinity", Some(NumberShape::Float)),
            ("1,234,567", None),
            ("1.2.3", None),
            ("0x10", None),
            ("1 000", None),
            ("١٢", None),
        ];
        for (text, expected) in rows {
            assert_eq!(shape(text.as_bytes()), *expected, "{text:?}");
        }
    }

    #[test]
    fn whole_numbers_read_exactly_or_not_at_all() {
        let rows: &[(&str, Option<i64>)] = &[
            ("0", Some(0)),
            ("42", Some(42)),
            ("-42", Some(-42)),
            ("+7", Some(7)),
            ("9223372036854775807", Some(i64::MAX)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("9007199254740993", Some(9_007_199_254_740_993)),
            ("007", None),
            ("1.0", None),
            ("12a", None),
            ("", None),
            ("-", None),
        ];
        for (text, expected) in rows {
            assert_eq!(read_int(text.as_bytes()), *expected, "{text:?}");
        }
    }

    #[test]
    fn decimals_read_exactly_or_not_at_all() {
        use DecimalMark::{Comma, Point};
        let rows: &[(&str, DecimalMark, u16, Option<i128>)] = &[
            ("1.5", Point, 2, Some(150)),
            ("-1.50", Point, 2, Some(-150)),
            ("10500,60", Comma, 2, Some(1_050_060)),
            ("7", Point, 3, Some(7000)),
            (".5", Point, 1, Some(5)),
            ("1.555", Point, 2, None),
            ("1,5", Point, 2, None),
            ("00.5", Point, 2, None),
            ("99999999999999999999999999999999999999", Point, 0, Some(10i128.pow(38) - 1)),
            ("9999999999999999999999999999999999999999", Point, 0, None),
            ("abc", Point, 0, None),
            ("", Point, 0, None),
        ];
        for (text, mark, scale, expected) in rows {
            assert_eq!(read_decimal(text.as_bytes(), *mark, *scale), *expected, "{text:?}");
        }
    }

    #[test]
    fn floats_read_only_what_they_can_hold() {
        assert_eq!(read_float(b"1.5e3"), Some(1500.0));
        assert_eq!(read_float(b"0.30000000000000004"), Some(0.1 + 0.2));
        assert_eq!(read_float(b"0.1234567890123456789"), None);
        assert!(read_float(b"NaN").is_some_and(f64::is_nan));
        assert_eq!(read_float(b"-Infinity"), Some(f64::NEG_INFINITY));
        assert_eq!(read_float(b"1,5"), None);
        assert_eq!(read_float(b"12345678901234567890"), None);
    }
}
