//! Decimals as text, compared as numbers, of any length.

use std::cmp::Ordering;

/// A decimal taken apart: `0.d1d2d3… × 10^exponent`, digits without zeros at either end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Number {
    negative: bool,
    exponent: i64,
    digits: Vec<u8>,
}

impl Number {
    /// Takes plain or scientific notation apart; none if the text is no decimal number.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (negative, rest) = match text.as_bytes().first()? {
            b'-' => (true, text.get(1..)?),
            b'+' => (false, text.get(1..)?),
            _ => (false, text),
        };
        let (mantissa, shift) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
            None => (rest, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        if whole.len() + fraction.len() == 0 {
            return None;
        }
        let mut digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
        if !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let leading = digits.iter().take_while(|&&digit| digit == b'0').count();
        if leading == digits.len() {
            return Some(Self { negative: false, exponent: 0, digits: Vec::new() });
        }
        let exponent = i64::try_from(whole.len()).ok()?.checked_sub(i64::try_from(leading).ok()?)?;
        let trailing = digits.iter().rev().take_while(|&&digit| digit == b'0').count();
        digits.truncate(digits.len() - trailing);
        digits.drain(..leading);
        Some(Self { negative, exponent: exponent.checked_add(shift)?, digits })
    }

    /// The same bytes for the same number, however it is spelled.
    pub(super) fn canonical(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(9 + self.digits.len());
        out.push(u8::from(self.negative));
        out.extend_from_slice(&self.exponent.to_le_bytes());
        out.extend_from_slice(&self.digits);
        out
    }

    fn magnitude(&self, other: &Self) -> Ordering {
        match (self.digits.is_empty(), other.digits.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => self.exponent.cmp(&other.exponent).then_with(|| self.digits.cmp(&other.digits)),
        }
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => self.magnitude(other),
            (true, true) => other.magnitude(self),
        }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_compare_as_numbers_whatever_their_spelling() {
        let nines = "9".repeat(1_000);
        let rising: &[&[&str]] = &[
            &[&format!("-{nines}")],
            &["-1e400"],
            &["-10", "-1.0e1", "-010.00"],
            &["-9.999"],
            &["-0.001", "-1e-3"],
            &["0", "-0", "0.00", "+0", "0e99", ".0"],
            &["1e-400"],
            &["0.0999999999999999999999"],
            &["0.1", ".1", "1e-1", "0.10"],
            &["0.1000000000000000000001"],
            &["1", "1.", "1.0", "01"],
            &["9"],
            &["10", "1e1", "1E+1"],
            &["99999999999999999999.5"],
            &["1e400"],
        ];
        for (a, left) in rising.iter().enumerate() {
            for (b, right) in rising.iter().enumerate() {
                for (x, y) in left.iter().flat_map(|x| right.iter().map(move |y| (x, y))) {
                    let (p, q) = (Number::parse(x).unwrap(), Number::parse(y).unwrap());
                    assert_eq!(p.cmp(&q), a.cmp(&b), "{x} against {y}");
                    assert_eq!(p.canonical() == q.canonical(), a == b, "{x} against {y}");
                }
            }
        }
    }

    #[test]
    fn texts_that_are_no_decimal_are_refused() {
        for text in [
            "",
            "-",
            "+",
            ".",
            "e5",
            "1e",
            "1e1.5",
            "NaN",
            "1,000",
            "0x10",
            "--1",
            "1 ",
            "é",
            "1e99999999999999999999",
        ] {
            assert_eq!(Number::parse(text), None, "{text:?}");
        }
    }
}
