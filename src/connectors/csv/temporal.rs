//! Dates and times as text writes them. A day and a month that cannot be told apart are left as text: a wrong
//! date is worse than none.

use serde::{Deserialize, Serialize};

/// The order of a date's parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DateOrder {
    /// `2018-01-28`
    YearFirst,
    /// `28/01/2018`
    DayFirst,
    /// `01/28/2018`
    MonthFirst,
}

/// What a date's own digits say about its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderHint {
    /// Certain.
    Only(DateOrder),
    /// Day and month are both at most 12, after slashes or dashes.
    Either,
    /// The same, but written with points, which only day-first countries do.
    EitherWithPoints,
}

/// What a time of day is followed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ZoneShape {
    /// Nothing.
    Absent,
    /// `Z`, `UTC` or an offset of zero.
    Utc,
    /// Another offset.
    Offset,
}

/// How a date or time is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TemporalShape {
    /// A date alone.
    Date(OrderHint),
    /// A time of day alone, with so many digits of a second's fraction.
    Time(u8),
    /// Both.
    Timestamp {
        /// Of its date.
        order: OrderHint,
        /// Digits of a second's fraction.
        fraction: u8,
        /// What follows.
        zone: ZoneShape,
    },
}

/// A time of day read from text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Clock {
    nanos: i64,
    fraction: u8,
}

/// A moment read from text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Seconds since 1970-01-01, in UTC if a zone is given, else as the clock showed.
    pub seconds: i64,
    /// Beyond the second.
    pub nanos: u32,
    /// Minutes east of UTC, if the text says.
    pub offset_minutes: Option<i16>,
}

/// The shape of a date, time or both.
pub fn shape(text: &[u8]) -> Option<TemporalShape> {
    if !matches!(text.len(), 5..=40) || !text[0].is_ascii_digit() {
        return None;
    }
    if text[2] == b':' {
        let (clock, rest) = read_clock(text, Hours::TwoDigits)?;
        return rest.is_empty().then_some(TemporalShape::Time(clock.fraction));
    }
    let (parts, rest) = date_parts(text)?;
    let order = parts.hint()?;
    if rest.is_empty() {
        return Some(TemporalShape::Date(order));
    }
    let (clock, rest) = read_clock(after_date(rest)?, Hours::Any)?;
    let (zone, _) = read_zone(rest)?;
    Some(TemporalShape::Timestamp { order, fraction: clock.fraction, zone })
}

/// Days since 1970-01-01.
pub fn read_date(text: &[u8], order: DateOrder) -> Option<i32> {
    if let ([y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2], DateOrder::YearFirst) = (text, order) {
        let pair = |high: &u8, low: &u8| {
            let (high, low) = (high.wrapping_sub(b'0'), low.wrapping_sub(b'0'));
            (high <= 9 && low <= 9).then(|| u32::from(high) * 10 + u32::from(low))
        };
        return days(pair(y1, y2)? * 100 + pair(y3, y4)?, pair(m1, m2)?, pair(d1, d2)?);
    }
    let (parts, rest) = date_parts(text)?;
    if rest.is_empty() { parts.days(order) } else { None }
}

/// Nanoseconds since midnight.
pub fn read_time(text: &[u8]) -> Option<i64> {
    if text.get(2) != Some(&b':') {
        return None;
    }
    let (clock, rest) = read_clock(text, Hours::TwoDigits)?;
    rest.is_empty().then_some(clock.nanos)
}

/// A date with a time of day.
pub fn read_moment(text: &[u8], order: DateOrder) -> Option<Moment> {
    let (parts, rest) = date_parts(text)?;
    let days = parts.days(order)?;
    let (clock, rest) = read_clock(after_date(rest)?, Hours::Any)?;
    let (_, offset_minutes) = read_zone(rest)?;
    let local = i64::from(days) * 86_400 + clock.nanos / 1_000_000_000;
    let seconds = local - i64::from(offset_minutes.unwrap_or(0)) * 60;
    Some(Moment { seconds, nanos: (clock.nanos % 1_000_000_000) as u32, offset_minutes })
}

fn after_date(rest: &[u8]) -> Option<&[u8]> {
    match rest {
        [b'T' | b't' | b' ', rest @ ..] => Some(rest),
        _ => None,
    }
}

/// Three numbers of a date and what parts them.
#[derive(Debug, Clone, Copy)]
struct Parts {
    numbers: [u32; 3],
    year_first: bool,
    separator: u8,
}

fn date_parts(text: &[u8]) -> Option<(Parts, &[u8])> {
    let (first, first_len, rest) = number(text)?;
    let (separator, rest) = rest.split_first()?;
    if !matches!(separator, b'-' | b'/' | b'.') {
        return None;
    }
    let (second, second_len, rest) = number(rest)?;
    let rest = rest.strip_prefix(&[*separator])?;
    let (third, third_len, rest) = number(rest)?;
    let year_first = match (first_len, second_len, third_len) {
        (4, 1..=2, 1..=2) => true,
        (1..=2, 1..=2, 4) => false,
        _ => return None,
    };
    Some((Parts { numbers: [first, second, third], year_first, separator: *separator }, rest))
}

impl Parts {
    fn hint(&self) -> Option<OrderHint> {
        if self.year_first {
            return self.days(DateOrder::YearFirst).map(|_| OrderHint::Only(DateOrder::YearFirst));
        }
        let day_first = self.days(DateOrder::DayFirst).is_some();
        let month_first = self.days(DateOrder::MonthFirst).is_some();
        match (day_first, month_first) {
            (true, false) => Some(OrderHint::Only(DateOrder::DayFirst)),
            (false, true) => Some(OrderHint::Only(DateOrder::MonthFirst)),
            (true, true) if self.separator == b'.' => Some(OrderHint::EitherWithPoints),
            (true, true) => Some(OrderHint::Either),
            (false, false) => None,
        }
    }

    fn days(&self, order: DateOrder) -> Option<i32> {
        let [first, second, third] = self.numbers;
        match (order, self.year_first) {
            (DateOrder::YearFirst, true) => days(first, second, third),
            (DateOrder::DayFirst, false) => days(third, second, first),
            (DateOrder::MonthFirst, false) => days(third, first, second),
            _ => None,
        }
    }
}

/// Up to nine digits: their value, how many, and what follows.
fn number(text: &[u8]) -> Option<(u32, usize, &[u8])> {
    let len = text.iter().take(10).take_while(|byte| byte.is_ascii_digit()).count();
    if !(1..=9).contains(&len) {
        return None;
    }
    let (digits, rest) = text.split_at(len);
    Some((digits.iter().fold(0, |value, digit| value * 10 + u32::from(digit - b'0')), len, rest))
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar.
fn days(year: u32, month: u32, day: u32) -> Option<i32> {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let length = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    };
    if day == 0 || day > length || year == 0 {
        return None;
    }
    // Count years from March, so that a leap day is the last day of a year.
    let shifted_year = i64::from(year) - i64::from(month <= 2);
    let era = shifted_year.div_euclid(400);
    let year_of_era = shifted_year.rem_euclid(400);
    let month_from_march = i64::from((month + 9) % 12);
    let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    i32::try_from(era * 146_097 + day_of_era - 719_468).ok()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Hours {
    TwoDigits,
    Any,
}

/// `HH:MM`, `HH:MM:SS`, with a fraction, with AM or PM; what follows.
fn read_clock(text: &[u8], hours: Hours) -> Option<(Clock, &[u8])> {
    let (hour, hour_len, rest) = number(text)?;
    let rest = rest.strip_prefix(b":")?;
    let (minute, minute_len, mut rest) = number(rest)?;
    if minute_len != 2 || hour_len > 2 || (hours == Hours::TwoDigits && hour_len != 2) {
        return None;
    }
    let mut second = 0;
    let mut nanos = 0;
    let mut fraction = 0;
    if let Some(tail) = rest.strip_prefix(b":") {
        let (value, len, tail) = number(tail)?;
        if len != 2 {
            return None;
        }
        second = value;
        rest = tail;
        if let [b'.' | b',', tail @ ..] = rest {
            let (value, len, tail) = number(tail)?;
            nanos = i64::from(value) * 10i64.pow(9 - len as u32);
            fraction = len as u8;
            rest = tail;
        }
    }
    let (hour, rest) = half_day(hour, rest)?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let nanos = i64::from(hour * 3600 + minute * 60 + second) * 1_000_000_000 + nanos;
    Some((Clock { nanos, fraction }, rest))
}

fn half_day(hour: u32, rest: &[u8]) -> Option<(u32, &[u8])> {
    let tail = rest.strip_prefix(b" ").unwrap_or(rest);
    match tail {
        [half @ (b'A' | b'a' | b'P' | b'p'), b'M' | b'm'] => {
            if !(1..=12).contains(&hour) {
                return None;
            }
            let afternoon = half.eq_ignore_ascii_case(&b'p');
            Some((hour % 12 + if afternoon { 12 } else { 0 }, &[]))
        }
        _ => Some((hour, rest)),
    }
}

fn read_zone(text: &[u8]) -> Option<(ZoneShape, Option<i16>)> {
    let text = text.strip_prefix(b" ").unwrap_or(text);
    let (sign, rest) = match text {
        [] => return Some((ZoneShape::Absent, None)),
        b"Z" | b"z" | b"UTC" | b"GMT" => return Some((ZoneShape::Utc, Some(0))),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let (value, len, rest) = number(rest)?;
    let (hour, minute) = match (len, rest) {
        (2, []) => (value, 0),
        (4, []) => (value / 100, value % 100),
        (2, [b':', rest @ ..]) => match number(rest)? {
            (minute, 2, []) => (value, minute),
            _ => return None,
        },
        _ => return None,
    };
    if hour > 18 || minute > 59 {
        return None;
    }
    let minutes = sign * (hour * 60 + minute) as i16;
    Some((if minutes == 0 { ZoneShape::Utc } else { ZoneShape::Offset }, Some(minutes)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use DateOrder::{DayFirst, MonthFirst, YearFirst};

    #[test]
    fn dates_and_times_are_told_from_what_only_looks_like_one() {
        let date = |order| Some(TemporalShape::Date(order));
        let stamp = |order, fraction, zone| Some(TemporalShape::Timestamp { order, fraction, zone });
        let only = OrderHint::Only;
        let rows = [
            ("2018-01-28", date(only(YearFirst))),
            ("2018/1/5", date(only(YearFirst))),
            ("28/01/2018", date(only(DayFirst))),
            ("01/28/2018", date(only(MonthFirst))),
            ("05/04/2018", date(OrderHint::Either)),
            ("05.04.2018", date(OrderHint::EitherWithPoints)),
            ("2018-02-30", None),
            ("2018-13-01", None),
            ("31/02/2018", None),
            ("1.2.3", None),
            ("192.168.1.1", None),
            ("28/01/18", None),
            ("2018-01", None),
            ("20180128", None),
            ("00:15", Some(TemporalShape::Time(0))),
            ("23:59:59.123", Some(TemporalShape::Time(3))),
            ("24:00", None),
            ("9:05", None),
            ("2013-02-01 09:56", stamp(only(YearFirst), 0, ZoneShape::Absent)),
            ("2013-02-01T09:56:01Z", stamp(only(YearFirst), 0, ZoneShape::Utc)),
            ("2013-02-01T09:56:01.123456+02:00", stamp(only(YearFirst), 6, ZoneShape::Offset)),
            ("2013-02-01 09:56:01 -0530", stamp(only(YearFirst), 0, ZoneShape::Offset)),
            ("2013-02-01 09:56:01 UTC", stamp(only(YearFirst), 0, ZoneShape::Utc)),
            ("1/28/2018 3:15:00 PM", stamp(only(MonthFirst), 0, ZoneShape::Absent)),
            ("1/28/2018 13:15:00 PM", None),
            ("2013-02-01 09:56 nonsense", None),
            ("2013-02-01x09:56", None),
        ];
        for (text, expected) in rows {
            assert_eq!(shape(text.as_bytes()), expected, "{text:?}");
        }
    }

    #[test]
    fn days_count_from_1970() {
        let rows = [
            ("1970-01-01", YearFirst, Some(0)),
            ("1969-12-31", YearFirst, Some(-1)),
            ("2000-02-29", YearFirst, Some(11_016)),
            ("1900-02-29", YearFirst, None),
            ("29/02/2000", DayFirst, Some(11_016)),
            ("02/29/2000", MonthFirst, Some(11_016)),
            ("9999-12-31", YearFirst, Some(2_932_896)),
            ("0001-01-01", YearFirst, Some(-719_162)),
            ("0000-01-01", YearFirst, None),
        ];
        for (text, order, expected) in rows {
            assert_eq!(read_date(text.as_bytes(), order), expected, "{text:?}");
        }
    }

    #[test]
    fn moments_keep_their_offset_and_count_in_utc() {
        let moment = |text: &str| read_moment(text.as_bytes(), YearFirst).unwrap();
        let plain = moment("2013-02-01 09:56");
        assert_eq!((plain.seconds, plain.nanos, plain.offset_minutes), (1_359_712_560, 0, None));
        let zoned = moment("2013-02-01T11:56:00.5+02:00");
        assert_eq!(
            (zoned.seconds, zoned.nanos, zoned.offset_minutes),
            (1_359_712_560, 500_000_000, Some(120))
        );
        let early = moment("1969-12-31T23:59:59.999999999Z");
        assert_eq!((early.seconds, early.nanos), (-1, 999_999_999));
        assert_eq!(read_time(b"00:00:01.25"), Some(1_250_000_000));
        assert_eq!(read_moment(b"1/28/2018 12:15 AM", MonthFirst).unwrap().seconds % 86_400, 900);
    }
}
