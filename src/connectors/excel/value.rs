//! What a cell of a sheet holds, and what it becomes in a column of a type.
//!
//! A sheet has numbers, texts, truths and errors; a number is a date only by its format. Two calendars are in
//! use: days since 1900, with a 29 February 1900 that never was, and days since 1904.

use crate::model::cell::Cell;
use crate::model::schema::{LogicalType, TimeUnit, Zone};
use calamine::{Data, DataRef};

/// Day 0 of the 1900 calendar, in days since 1970-01-01 (1899-12-30, right from March 1900 on).
const EPOCH_1900: i64 = -25_569;
/// Day 0 of the 1904 calendar (1904-01-01).
const EPOCH_1904: i64 = -24_107;
const MILLIS_A_DAY: f64 = 86_400_000.0;
/// One day after 9999-12-31 in the 1900 calendar: what the format can hold ends here.
const END_OF_DAYS: f64 = 2_958_466.0;

/// Which day is day 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Calendar {
    /// Days since 1900, as Excel counts.
    From1900,
    /// Days since 1904, as Excel for the Macintosh counted.
    From1904,
}

/// The value of a cell.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// A number without a fraction that is stored so.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// A text.
    Text(String),
    /// A truth.
    Bool(bool),
    /// Days since the calendar's first, by a date format.
    Moment(f64),
    /// A length of time in days, by a format such as `[h]:mm`.
    Span(f64),
    /// A date or a moment as ISO text.
    IsoMoment(String),
    /// A length of time as ISO text.
    IsoSpan(String),
    /// An error, such as `#DIV/0!`.
    Fault(String),
}

impl Value {
    /// The value of a cell as it is read; none for an empty one.
    pub(super) fn of(data: DataRef<'_>) -> Option<Self> {
        Some(match data {
            DataRef::Empty => return None,
            DataRef::Int(value) => Self::Int(value),
            DataRef::Float(value) => Self::number(value),
            DataRef::String(text) => Self::Text(text),
            DataRef::SharedString(text) => Self::Text(text.to_owned()),
            DataRef::Bool(value) => Self::Bool(value),
            DataRef::DateTime(at) if at.is_duration() => Self::Span(at.as_f64()),
            DataRef::DateTime(at) => Self::Moment(at.as_f64()),
            DataRef::DateTimeIso(text) => Self::IsoMoment(text),
            DataRef::DurationIso(text) => Self::IsoSpan(text),
            DataRef::Error(error) => Self::Fault(error.to_string()),
        })
    }

    /// The same of a cell kept in memory.
    pub(super) fn of_owned(data: &Data) -> Option<Self> {
        Some(match data {
            Data::Empty => return None,
            Data::Int(value) => Self::Int(*value),
            Data::Float(value) => Self::number(*value),
            Data::String(text) => Self::Text(text.clone()),
            Data::Bool(value) => Self::Bool(*value),
            Data::DateTime(at) if at.is_duration() => Self::Span(at.as_f64()),
            Data::DateTime(at) => Self::Moment(at.as_f64()),
            Data::DateTimeIso(text) => Self::IsoMoment(text.clone()),
            Data::DurationIso(text) => Self::IsoSpan(text.clone()),
            Data::Error(error) => Self::Fault(error.to_string()),
        })
    }

    /// Every number of a sheet is a 64-bit float; one without a fraction is shown as a whole number.
    fn number(value: f64) -> Self {
        const EXACT: f64 = 9_007_199_254_740_992.0;
        if value.fract() == 0.0 && value.abs() <= EXACT && !(value == 0.0 && value.is_sign_negative()) {
            Self::Int(value as i64)
        } else {
            Self::Float(value)
        }
    }

    /// The text of a name in a header.
    pub(super) fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The cell in a column of a type; a value of another type comes as it is.
    pub(super) fn into_cell(self, logical: &LogicalType, calendar: Calendar) -> Cell {
        match self {
            Self::Int(value) if *logical == LogicalType::FLOAT64 => Cell::Float(value as f64),
            Self::Int(value) => Cell::Int(value),
            Self::Float(value) => Cell::Float(value),
            Self::Text(text) | Self::Fault(text) => Cell::Text(text),
            Self::Bool(value) => Cell::Bool(value),
            Self::Moment(serial) => moment(serial, logical, calendar),
            Self::Span(days) => Cell::Exact(span_text(days)),
            Self::IsoMoment(text) => iso_moment(text, logical),
            Self::IsoSpan(text) => Cell::Exact(text),
        }
    }
}

/// The type of a moment.
pub(super) fn moment_type() -> LogicalType {
    LogicalType::Timestamp { unit: TimeUnit::Millisecond, zone: Zone::None }
}

/// The type of a time of day.
pub(super) fn time_type() -> LogicalType {
    LogicalType::Time { unit: TimeUnit::Millisecond }
}

/// Days and milliseconds since 1970; none for a day that never was or that the format can't hold.
fn day_and_millis(serial: f64, calendar: Calendar) -> Option<(i64, i64)> {
    if !(0.0..END_OF_DAYS).contains(&serial) {
        return None;
    }
    let mut whole = serial.floor();
    let mut millis = ((serial - whole) * MILLIS_A_DAY).round() as i64;
    if millis >= 86_400_000 {
        whole += 1.0;
        millis -= 86_400_000;
    }
    let day = match (calendar, whole as i64) {
        (Calendar::From1904, day) => EPOCH_1904 + day,
        // Day 60 is the 29 February 1900 of Lotus 1-2-3; days before it are off by one.
        (Calendar::From1900, 60) => return None,
        (Calendar::From1900, day) if day < 60 => EPOCH_1900 + day + 1,
        (Calendar::From1900, day) => EPOCH_1900 + day,
    };
    Some((day, millis))
}

fn moment(serial: f64, logical: &LogicalType, calendar: Calendar) -> Cell {
    let Some((day, millis)) = day_and_millis(serial, calendar) else {
        let is_leap = calendar == Calendar::From1900 && serial.floor() == 60.0;
        return if is_leap { Cell::Exact("1900-02-29".to_owned()) } else { Cell::Float(serial) };
    };
    match logical {
        LogicalType::Time { .. } if (0.0..1.0).contains(&serial) => Cell::Time(millis),
        LogicalType::Date if millis == 0 => i32::try_from(day).map_or(Cell::Float(serial), Cell::Date),
        LogicalType::Timestamp { .. } => Cell::Timestamp(day * 86_400_000 + millis),
        _ => Cell::Text(Cell::Timestamp(day * 86_400_000 + millis).text(&moment_type())),
    }
}

fn iso_moment(text: String, logical: &LogicalType) -> Cell {
    let Some(millis) = iso_millis(&text) else { return Cell::Text(text) };
    match logical {
        LogicalType::Date if millis % 86_400_000 == 0 => {
            i32::try_from(millis / 86_400_000).map_or(Cell::Text(text), Cell::Date)
        }
        LogicalType::Timestamp { .. } => Cell::Timestamp(millis),
        _ => Cell::Text(text),
    }
}

/// Milliseconds since 1970 of `2021-01-01`, `2021-01-01T10:00:00` or the same with a fraction.
pub(super) fn iso_millis(text: &str) -> Option<i64> {
    let text = text.trim().trim_end_matches('Z');
    let at: jiff::civil::DateTime = match text.parse() {
        Ok(at) => at,
        Err(_) => text.parse::<jiff::civil::Date>().ok()?.at(0, 0, 0, 0),
    };
    let at = at.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    // What is finer than the type stays text.
    (at.timestamp().as_nanosecond() % 1_000_000 == 0).then(|| at.timestamp().as_millisecond())
}

/// ISO 8601 of a number of days: `PT26H30M`.
pub(super) fn span_text(days: f64) -> String {
    let millis = (days.abs() * MILLIS_A_DAY).round();
    if !millis.is_finite() || millis >= i64::MAX as f64 {
        return format!("P{days}D");
    }
    let millis = millis as i64;
    let (hours, minutes, rest) = (millis / 3_600_000, millis / 60_000 % 60, millis % 60_000);
    let mut text = if days < 0.0 && millis > 0 { "-PT".to_owned() } else { "PT".to_owned() };
    if hours > 0 {
        text.push_str(&format!("{hours}H"));
    }
    if minutes > 0 {
        text.push_str(&format!("{minutes}M"));
    }
    if rest > 0 || millis == 0 {
        let (seconds, fraction) = (rest / 1000, rest % 1000);
        text.push_str(&seconds.to_string());
        if fraction > 0 {
            text.push_str(format!(".{fraction:03}").trim_end_matches('0'));
        }
        text.push('S');
    }
    text
}

/// What the values of a column are, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Kinds {
    ints: u64,
    floats: u64,
    texts: u64,
    bools: u64,
    dates: u64,
    times: u64,
    moments: u64,
    spans: u64,
    /// Errors, which have no type.
    pub(super) faults: u64,
}

impl Kinds {
    /// Counts a value.
    pub(super) fn add(&mut self, value: &Value) {
        let place = match value {
            Value::Int(_) => &mut self.ints,
            Value::Float(_) => &mut self.floats,
            Value::Text(_) => &mut self.texts,
            Value::Bool(_) => &mut self.bools,
            Value::Moment(serial) if (0.0..1.0).contains(serial) => &mut self.times,
            Value::Moment(serial) if serial.fract() == 0.0 => &mut self.dates,
            Value::Moment(_) => &mut self.moments,
            Value::Span(_) | Value::IsoSpan(_) => &mut self.spans,
            Value::IsoMoment(text) => match iso_millis(text) {
                Some(millis) if millis % 86_400_000 == 0 => &mut self.dates,
                Some(_) => &mut self.moments,
                None => &mut self.texts,
            },
            Value::Fault(_) => &mut self.faults,
        };
        *place += 1;
    }

    /// The type that nine in ten values have, and how many do not.
    pub(super) fn decide(&self) -> (LogicalType, u64) {
        let all = self.ints
            + self.floats
            + self.texts
            + self.bools
            + self.dates
            + self.times
            + self.moments
            + self.spans;
        if all == 0 {
            return (if self.faults > 0 { LogicalType::Text } else { LogicalType::Null }, 0);
        }
        let candidates = [
            (LogicalType::INT64, self.ints),
            (LogicalType::FLOAT64, self.ints + self.floats),
            (LogicalType::Bool, self.bools),
            (LogicalType::Date, self.dates),
            (time_type(), self.times),
            (moment_type(), self.dates + self.moments + self.times),
            (LogicalType::Interval, self.spans),
            (LogicalType::Text, self.texts),
        ];
        let whole = candidates.iter().find(|(_, count)| *count == all);
        let most = candidates.iter().find(|(_, count)| *count * 10 >= all * 9);
        let (logical, count) = whole.or(most).cloned().unwrap_or((LogicalType::Text, self.texts));
        (logical, all - count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_count_from_1900_with_the_leap_day_that_never_was_or_from_1904() {
        let rows = [
            (1.0, Calendar::From1900, "1900-01-01"),
            (59.0, Calendar::From1900, "1900-02-28"),
            (60.0, Calendar::From1900, "1900-02-29"),
            (61.0, Calendar::From1900, "1900-03-01"),
            (44_197.0, Calendar::From1900, "2021-01-01"),
            (2_958_465.0, Calendar::From1900, "9999-12-31"),
            (0.0, Calendar::From1904, "1904-01-01"),
            (42_735.0, Calendar::From1904, "2021-01-01"),
        ];
        for (serial, calendar, text) in rows {
            let cell = Value::Moment(serial).into_cell(&LogicalType::Date, calendar);
            assert_eq!(cell.text(&LogicalType::Date), text, "{serial} {calendar:?}");
        }
        let cell = Value::Moment(44_197.75).into_cell(&moment_type(), Calendar::From1900);
        assert_eq!(cell.text(&moment_type()), "2021-01-01T18:00:00.000");
        let beyond = Value::Moment(3e6).into_cell(&LogicalType::Date, Calendar::From1900);
        assert_eq!(beyond, Cell::Float(3e6));
    }

    #[test]
    fn lengths_of_time_are_iso_text() {
        for (days, text) in [
            (0.0, "PT0S"),
            (1.5, "PT36H"),
            (10.6308 / 24.0, "PT10H37M50.88S"),
            (-0.25, "-PT6H"),
            (1e300, "P1"),
        ] {
            assert!(span_text(days).starts_with(text), "{days}: {}", span_text(days));
        }
    }

    #[test]
    fn a_column_has_the_type_of_nine_in_ten_of_its_values() {
        let ints = (0..9).map(Value::Int);
        let of = |values: &[Value]| {
            let mut kinds = Kinds::default();
            for value in values {
                kinds.add(value);
            }
            kinds.decide()
        };
        let mostly: Vec<Value> = ints.chain([Value::Text("n/k".to_owned())]).collect();
        assert_eq!(of(&mostly), (LogicalType::INT64, 1));
        assert_eq!(of(&[Value::Int(1), Value::Float(0.5)]), (LogicalType::FLOAT64, 0));
        assert_eq!(of(&[Value::Moment(44_197.0), Value::Moment(44_197.5)]), (moment_type(), 0));
        assert_eq!(of(&[Value::Int(1), Value::Text("a".to_owned())]), (LogicalType::Text, 1));
        assert_eq!(of(&[Value::Fault("#N/A".to_owned())]), (LogicalType::Text, 0));
        assert_eq!(of(&[]), (LogicalType::Null, 0));
    }
}
