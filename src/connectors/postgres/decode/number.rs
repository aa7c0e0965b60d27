//! Numbers as the server writes them. Only its own spelling is read (no plus sign, no leading zeros, no
//! spaces): another one would come out changed.

use crate::model::cell::Cell;

/// The value of at most 19 decimal digits.
#[inline]
fn digits(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 19 {
        return None;
    }
    let mut value = 0u64;
    for byte in text {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + u64::from(digit);
    }
    Some(value)
}

/// Whether digits are written without superfluous zeros in front.
#[inline]
fn is_plain(digits: &[u8]) -> bool {
    !matches!(digits, [] | [b'0', _, ..])
}

/// A whole number of 64 bits.
#[inline]
pub(super) fn int(text: &[u8]) -> Option<i64> {
    match text {
        [b'-', rest @ ..] if rest.first() != Some(&b'0') => 0i64.checked_sub_unsigned(digits(rest)?),
        _ if is_plain(text) => i64::try_from(digits(text)?).ok(),
        _ => None,
    }
}

/// A whole number without a sign (20 digits at most).
pub(super) fn unsigned(text: &[u8]) -> Option<u64> {
    if !is_plain(text) {
        return None;
    }
    match text.split_last() {
        Some((last, rest)) if text.len() == 20 && last.is_ascii_digit() => {
            digits(rest)?.checked_mul(10)?.checked_add(u64::from(last - b'0'))
        }
        _ => digits(text),
    }
}

/// What a float's text may consist of: Rust would also read `inf`, `nan` and a plus sign in front.
fn float_text(text: &[u8]) -> Option<&str> {
    let spelled = matches!(text, b"NaN" | b"Infinity" | b"-Infinity");
    let starts = matches!(text, [b'0'..=b'9', ..] | [b'-', b'0'..=b'9', ..]);
    (spelled || starts).then(|| std::str::from_utf8(text).ok()).flatten()
}

/// A 64-bit float.
pub(super) fn float(text: &[u8]) -> Option<f64> {
    float_text(text)?.parse().ok()
}

/// A 32-bit float.
pub(super) fn float32(text: &[u8]) -> Option<f32> {
    float_text(text)?.parse().ok()
}

/// Units of 10^-`scale` of a decimal written with exactly `scale` digits behind the point and at most 38 in
/// all; none for every other text.
#[inline]
pub(super) fn units(text: &[u8], scale: u8) -> Option<i128> {
    let (negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    let scale = usize::from(scale);
    let (whole, fraction) = if scale == 0 {
        (text, &[][..])
    } else {
        let (whole, tail) = text.split_at_checked(text.len().checked_sub(scale + 1)?)?;
        (whole, tail.strip_prefix(b".")?)
    };
    if !is_plain(whole) {
        return None;
    }
    let units = if whole.len() + fraction.len() <= 18 {
        let behind = if fraction.is_empty() { 0 } else { digits(fraction)? };
        i128::from(digits(whole)? * 10u64.pow(u32::try_from(fraction.len()).ok()?) + behind)
    } else {
        long_units(whole, fraction)?
    };
    // The server writes no negative zero.
    if negative && units == 0 { None } else { Some(if negative { -units } else { units }) }
}

fn long_units(whole: &[u8], fraction: &[u8]) -> Option<i128> {
    if whole.len() + fraction.len() > 38 {
        return None;
    }
    whole.iter().chain(fraction).try_fold(0i128, |units, byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit <= 9).then(|| units * 10 + i128::from(digit))
    })
}

/// Whether a text is a decimal in the server's own spelling.
fn is_decimal(text: &[u8]) -> bool {
    let unsigned = text.strip_prefix(b"-").unwrap_or(text);
    let point = unsigned.iter().position(|byte| *byte == b'.');
    let (whole, fraction) = match point.and_then(|point| unsigned.split_at_checked(point)) {
        Some((whole, fraction)) => (whole, fraction.get(1..)),
        None => (unsigned, None),
    };
    let zero = unsigned.iter().all(|byte| matches!(byte, b'0' | b'.'));
    is_plain(whole)
        && whole.iter().all(u8::is_ascii_digit)
        && fraction.is_none_or(|digits| !digits.is_empty() && digits.iter().all(u8::is_ascii_digit))
        && !(zero && unsigned.len() < text.len())
}

/// A decimal of any length; NaN and the infinities are exact texts.
pub(super) fn decimal(text: &[u8]) -> Cell {
    match std::str::from_utf8(text) {
        Ok(digits) if is_decimal(text) => Cell::Decimal(digits.to_owned()),
        Ok(word @ ("NaN" | "Infinity" | "-Infinity")) => Cell::Exact(word.to_owned()),
        _ => Cell::Invalid(text.to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_read_to_their_limits_and_only_as_the_server_writes_them() {
        for value in [0, 1, -1, 9, 10, i64::MAX, i64::MIN, i64::from(i32::MIN), 1_000_000_000_000_000_000] {
            assert_eq!(int(value.to_string().as_bytes()), Some(value));
        }
        for text in ["", "-", "+1", "01", "-0", "-01", " 1", "1 ", "9223372036854775808", "1e3", "½"] {
            assert_eq!(int(text.as_bytes()), None, "{text}");
        }
        for value in [0, 7, u64::from(u32::MAX), u64::MAX, 10_000_000_000_000_000_000] {
            assert_eq!(unsigned(value.to_string().as_bytes()), Some(value));
        }
        for text in ["", "-1", "00", "18446744073709551616", "1844674407370955161x", "99999999999999999999"] {
            assert_eq!(unsigned(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn decimals_of_a_fixed_scale_become_units() {
        let rows = [
            ("0.00", 2, Some(0)),
            ("-0.01", 2, Some(-1)),
            ("1234567890123.45", 2, Some(123_456_789_012_345)),
            ("9999999999999999.99", 2, Some(999_999_999_999_999_999)),
            ("99999999999999999.99", 2, Some(9_999_999_999_999_999_999)),
            ("42", 0, Some(42)),
            ("-99999999999999999999999999999999999999", 0, Some(-(10i128.pow(38) - 1))),
            ("0.00000000000000000001", 20, Some(1)),
            ("1.0", 2, None),
            ("1.000", 2, None),
            ("10", 2, None),
            (".10", 2, None),
            ("01.10", 2, None),
            ("-0.00", 2, None),
            ("1.-1", 2, None),
            ("1,10", 2, None),
            ("NaN", 2, None),
            ("", 0, None),
            ("-", 0, None),
            ("100000000000000000000000000000000000000", 0, None),
        ];
        for (text, scale, expected) in rows {
            assert_eq!(units(text.as_bytes(), scale), expected, "{text}");
        }
    }

    #[test]
    fn decimals_of_any_length_keep_their_digits() {
        let long = format!("-{}.{}", "7".repeat(500), "01".repeat(250));
        for text in ["0", "0.0", "10.50", "-3", &long] {
            assert_eq!(decimal(text.as_bytes()), Cell::Decimal(text.to_owned()));
        }
        for text in ["NaN", "Infinity", "-Infinity"] {
            assert_eq!(decimal(text.as_bytes()), Cell::Exact(text.to_owned()));
        }
        for text in ["", "-", ".", "1.", ".5", "007", "-0", "-0.0", "1e5", "+1", "1.2.3", "nan", "--1"] {
            assert_eq!(decimal(text.as_bytes()), Cell::Invalid(text.as_bytes().to_vec()), "{text}");
        }
    }

    #[test]
    fn floats_are_read_bit_by_bit() {
        for (text, value) in [
            ("0", 0.0),
            ("-0", -0.0),
            ("0.30000000000000004", 0.1 + 0.2),
            ("1.7976931348623157e+308", f64::MAX),
            ("5e-324", 5e-324),
            ("-Infinity", f64::NEG_INFINITY),
        ] {
            assert_eq!(float(text.as_bytes()).map(f64::to_bits), Some(value.to_bits()), "{text}");
        }
        assert!(float(b"NaN").is_some_and(f64::is_nan));
        assert_eq!(float32(b"3.4028235e+38"), Some(f32::MAX));
        assert_eq!(float32(b"1e-45"), Some(f32::from_bits(1)));
        for text in ["", "inf", "nan", "+1", "1x", "infinity", ".5", "-"] {
            assert_eq!(float(text.as_bytes()), None, "{text}");
        }
    }
}
