//! Dates, times and timestamps in the server's ISO style.
//!
//! The years 1 to 262142 are numbers; that is as far as they are shown and written as dates by whatever reads
//! them later. Infinity, years before Christ, later years and the hour 24 are beyond: their text is the value.

/// What a text says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// Days or microseconds since 1970-01-01, or microseconds since midnight.
    At(i64),
    /// A value of the type that no number stands for.
    Beyond,
}

/// Whether a timestamp is written with its distance from UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offset {
    Absent,
    Given,
}

const LAST_YEAR: i64 = 262_142;
const DAY: i64 = 86_400_000_000;
const SECOND: i64 = 1_000_000;

/// Two digits.
#[inline]
fn two(high: u8, low: u8) -> Option<i64> {
    let (high, low) = (high.wrapping_sub(b'0'), low.wrapping_sub(b'0'));
    (high <= 9 && low <= 9).then(|| i64::from(high) * 10 + i64::from(low))
}

fn is_infinite(text: &[u8]) -> bool {
    matches!(text, b"infinity" | b"-infinity")
}

/// A year of four digits or more, month and day; what follows them.
#[inline]
fn year_month_day(text: &[u8]) -> Option<(i64, i64, i64, &[u8])> {
    let (year, rest) = match text {
        [a, b, c, d, b'-', rest @ ..] => (two(*a, *b)? * 100 + two(*c, *d)?, rest),
        _ => {
            let dash = text.iter().position(|byte| *byte == b'-').filter(|dash| (5..=7).contains(dash))?;
            let (year, rest) = text.split_at_checked(dash)?;
            (i64::try_from(super::number::unsigned(year)?).ok()?, rest.get(1..)?)
        }
    };
    let [a, b, b'-', c, d, rest @ ..] = rest else { return None };
    let (month, day) = (two(*a, *b)?, two(*c, *d)?);
    (year > 0 && (1..=12).contains(&month) && day >= 1).then_some((year, month, day, rest))
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 in the proleptic Gregorian calendar (after Howard Hinnant's `days_from_civil`).
fn days_from(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Astronomical year: 1 BC is 0.
fn years(year: i64, before_christ: bool) -> i64 {
    if before_christ { 1 - year } else { year }
}

/// The text without ` BC`, and whether that was there.
#[inline]
fn era(text: &[u8]) -> (&[u8], bool) {
    text.strip_suffix(b" BC").map_or((text, false), |text| (text, true))
}

/// A `date`.
pub(super) fn date(text: &[u8]) -> Option<Moment> {
    if is_infinite(text) {
        return Some(Moment::Beyond);
    }
    let (text, before_christ) = era(text);
    let (year, month, day, []) = year_month_day(text)? else { return None };
    let year = years(year, before_christ);
    if day > days_in(year, month) {
        return None;
    }
    let known = (1..=LAST_YEAR).contains(&year);
    Some(if known { Moment::At(days_from(year, month, day)) } else { Moment::Beyond })
}

/// Microseconds of `HH:MM:SS[.ffffff]`, and what follows.
#[inline]
fn clock(text: &[u8]) -> Option<(i64, &[u8])> {
    let [a, b, b':', c, d, b':', e, f, rest @ ..] = text else { return None };
    let (hours, minutes, seconds) = (two(*a, *b)?, two(*c, *d)?, two(*e, *f)?);
    if minutes > 59 || seconds > 59 {
        return None;
    }
    let whole = (hours * 3600 + minutes * 60 + seconds) * SECOND;
    let [b'.', rest @ ..] = rest else { return Some((whole, rest)) };
    let (mut micros, mut unit, mut rest) = (0, SECOND, rest);
    while let [digit @ b'0'..=b'9', after @ ..] = rest {
        unit /= 10;
        micros += i64::from(digit - b'0') * unit;
        rest = after;
        if unit == 0 {
            return None;
        }
    }
    (unit < SECOND).then_some((whole + micros, rest))
}

/// A `time`.
pub(super) fn time(text: &[u8]) -> Option<Moment> {
    let (micros, []) = clock(text)? else { return None };
    time_of_micros(micros)
}

/// Microseconds of `+HH[:MM[:SS]]`.
fn offset(text: &[u8]) -> Option<i64> {
    let (sign, rest) = match text {
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let (hours, minutes, seconds) = match rest {
        [a, b] => (two(*a, *b)?, 0, 0),
        [a, b, b':', c, d] => (two(*a, *b)?, two(*c, *d)?, 0),
        [a, b, b':', c, d, b':', e, f] => (two(*a, *b)?, two(*c, *d)?, two(*e, *f)?),
        _ => return None,
    };
    (minutes <= 59 && seconds <= 59).then_some(sign * (hours * 3600 + minutes * 60 + seconds) * SECOND)
}

/// A `timestamp`, or a `timestamptz` with its offset.
pub(super) fn timestamp(text: &[u8], shape: Offset) -> Option<Moment> {
    if is_infinite(text) {
        return Some(Moment::Beyond);
    }
    let (text, before_christ) = era(text);
    let (year, month, day, rest) = year_month_day(text)?;
    let [b' ', rest @ ..] = rest else { return None };
    let (micros, rest) = clock(rest)?;
    let offset = match (shape, rest) {
        (Offset::Absent, []) => 0,
        (Offset::Given, [_, ..]) => offset(rest)?,
        _ => return None,
    };
    let year = years(year, before_christ);
    if day > days_in(year, month) || micros >= DAY {
        return None;
    }
    if !(1..=LAST_YEAR).contains(&year) {
        return Some(Moment::Beyond);
    }
    let at = days_from(year, month, day) * DAY + micros - offset;
    let known = days_from(1, 1, 1) * DAY..days_from(LAST_YEAR + 1, 1, 1) * DAY;
    Some(if known.contains(&at) { Moment::At(at) } else { Moment::Beyond })
}

/// Days from 1970-01-01 to 2000-01-01, where the binary forms begin to count.
const EPOCH: i64 = 10_957;

/// Year (1 BC is 0), month and day of a day since 1970-01-01 (after Howard Hinnant's `civil_from_days`).
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

/// The date as the server writes it, and what it writes behind the time of such a year.
fn date_text(days: i64) -> (String, &'static str) {
    let (year, month, day) = civil(days);
    let (year, era) = if year > 0 { (year, "") } else { (1 - year, " BC") };
    (format!("{year:04}-{month:02}-{day:02}"), era)
}

fn known_days() -> std::ops::Range<i64> {
    days_from(1, 1, 1)..days_from(LAST_YEAR + 1, 1, 1)
}

/// A binary `date`: days since 1970-01-01, or its text where no number stands for it.
pub(super) fn date_of_days(since_2000: i32) -> Result<i32, String> {
    match since_2000 {
        i32::MAX => Err("infinity".to_owned()),
        i32::MIN => Err("-infinity".to_owned()),
        days => {
            let days = i64::from(days) + EPOCH;
            let known = i32::try_from(days).ok().filter(|_| known_days().contains(&days));
            known.ok_or_else(|| {
                let (date, era) = date_text(days);
                date + era
            })
        }
    }
}

/// A binary `time`.
pub(super) fn time_of_micros(micros: i64) -> Option<Moment> {
    match micros {
        0..DAY => Some(Moment::At(micros)),
        DAY => Some(Moment::Beyond),
        _ => None,
    }
}

/// A binary `timestamp`: microseconds since 1970-01-01, or its text with this offset.
pub(super) fn timestamp_of_micros(since_2000: i64, offset: &str) -> Result<i64, String> {
    match since_2000 {
        i64::MAX => Err("infinity".to_owned()),
        i64::MIN => Err("-infinity".to_owned()),
        micros => {
            let (days, of_day) = (micros.div_euclid(DAY) + EPOCH, micros.rem_euclid(DAY));
            if known_days().contains(&days) {
                return Ok(days * DAY + of_day);
            }
            let (date, era) = date_text(days);
            let seconds = of_day / SECOND;
            let clock = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
            let fraction = match of_day % SECOND {
                0 => String::new(),
                micros => format!(".{micros:06}").trim_end_matches('0').to_owned(),
            };
            Err(format!("{date} {clock}{fraction}{offset}{era}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_in_the_gregorian_calendar_both_ways() {
        for (text, days) in [
            ("1970-01-01", 0),
            ("1969-12-31", -1),
            ("2000-02-29", 11_016),
            ("0001-01-01", -719_162),
            ("9999-12-31", 2_932_896),
            ("10000-01-01", 2_932_897),
            ("262142-12-31", 95_026_236),
        ] {
            assert_eq!(date(text.as_bytes()), Some(Moment::At(days)), "{text}");
        }
        for text in
            ["infinity", "-infinity", "0001-12-31 BC", "4714-11-24 BC", "0001-02-29 BC", "5874897-12-31"]
        {
            assert_eq!(date(text.as_bytes()), Some(Moment::Beyond), "{text}");
        }
        for text in [
            "",
            "0000-01-01",
            "1900-02-29",
            "2001-13-01",
            "2001-00-01",
            "2001-01-00",
            "2001-04-31",
            "01-01-2001",
            "2001/01/01",
            "2001-1-1",
            "02001-01-01",
            "2001-01-01 ",
            "0002-02-29 BC",
            "Infinity",
            "BC",
            " BC",
        ] {
            assert_eq!(date(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn times_keep_their_microseconds_and_the_hour_24_stays_text() {
        for (text, micros) in [
            ("00:00:00", 0),
            ("23:59:59.999999", 86_399_999_999),
            ("12:34:56.7", 45_296_700_000),
            ("00:00:00.000001", 1),
        ] {
            assert_eq!(time(text.as_bytes()), Some(Moment::At(micros)), "{text}");
        }
        assert_eq!(time(b"24:00:00"), Some(Moment::Beyond));
        for text in
            ["", "24:00:01", "25:00:00", "12:60:00", "12:00:60", "12:00", "12:00:00.", "12:00:00.1234567"]
        {
            assert_eq!(time(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn timestamps_are_instants_and_what_no_number_holds_stays_text() {
        use Offset::{Absent, Given};
        for (text, shape, micros) in [
            ("1970-01-01 00:00:00", Absent, 0),
            ("1969-12-31 23:59:59.999999", Absent, -1),
            ("2024-05-06 07:08:09.1+00", Given, 1_714_979_289_100_000),
            ("2024-05-06 12:38:09.1+05:30", Given, 1_714_979_289_100_000),
            ("2024-05-06 07:00:00.1-00:08:09", Given, 1_714_979_289_100_000),
            ("262142-12-31 23:59:59.999999+00", Given, 8_210_266_876_799_999_999),
        ] {
            assert_eq!(timestamp(text.as_bytes(), shape), Some(Moment::At(micros)), "{text}");
        }
        for (text, shape) in [
            ("infinity", Given),
            ("-infinity", Absent),
            ("4714-11-24 00:00:00+00 BC", Given),
            ("0001-01-01 00:00:00 BC", Absent),
            ("294276-12-31 23:59:59.999999", Absent),
            ("0001-01-01 00:30:00+01", Given),
        ] {
            assert_eq!(timestamp(text.as_bytes(), shape), Some(Moment::Beyond), "{text}");
        }
        for (text, shape) in [
            ("2024-05-06", Absent),
            ("2024-05-06T07:08:09", Absent),
            ("2024-05-06 07:08:09", Given),
            ("2024-05-06 07:08:09+00", Absent),
            ("2024-05-06 07:08:09+0", Given),
            ("2024-05-06 07:08:09+00:60", Given),
            ("2024-05-06 24:00:00", Absent),
            ("Mon May 06 07:08:09 2024", Absent),
        ] {
            assert_eq!(timestamp(text.as_bytes(), shape), None, "{text}");
        }
    }
}
