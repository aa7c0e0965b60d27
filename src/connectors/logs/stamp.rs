//! Timestamps in lines: how they are written, and what moment they are.
//!
//! One way of writing is chosen for a file, by the lines that were looked at; a line without it has no time. Nothing is
//! made up: a timestamp without a year is no moment, one without a zone is a wall clock.

use serde::{Deserialize, Serialize};

/// How a file writes its timestamps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum StampKind {
    /// `2024-05-01T12:34:56.789+02:00`, with a blank for the `T`, a comma for the point, with or without a zone.
    Iso,
    /// `2024/05/01 12:34:56`.
    Slashes,
    /// `01/May/2024:12:34:56 +0000`.
    Access,
    /// `01-May-2024 12:34:56.789`.
    DayMonthName,
    /// `Wed May  1 12:34:56 2024`.
    Asc,
    /// `Wed, 01 May 2024 12:34:56 GMT`.
    Mail,
    /// `20240501 12:34:56` or `20240501T123456`.
    Packed,
    /// Seconds since 1970, with a fraction or without.
    EpochSeconds,
    /// Milliseconds since 1970.
    EpochMillis,
    /// `May  1 12:34:56`, without a year.
    Syslog,
}

/// What a timestamp says of its zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ZoneShape {
    /// Nothing.
    Absent,
    /// Universal time.
    Utc,
    /// An offset, in minutes.
    Offset(i16),
}

/// A timestamp found in a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    /// How it is written.
    pub(super) kind: StampKind,
    /// Microseconds since 1970, of the wall clock where there is no zone; none without a year.
    pub(super) micros: Option<i64>,
    /// What it says of its zone.
    pub(super) zone: ZoneShape,
    /// Where it starts and ends in the line.
    pub(super) start: usize,
    pub(super) end: usize,
}

impl StampKind {
    const ALL: [Self; 10] = [
        Self::Iso,
        Self::Slashes,
        Self::Access,
        Self::DayMonthName,
        Self::Asc,
        Self::Mail,
        Self::Packed,
        Self::EpochMillis,
        Self::EpochSeconds,
        Self::Syslog,
    ];

    /// The pattern in words.
    pub(super) fn pattern(self) -> &'static str {
        match self {
            Self::Iso => "2024-05-01 12:34:56",
            Self::Slashes => "2024/05/01 12:34:56",
            Self::Access => "01/May/2024:12:34:56",
            Self::DayMonthName => "01-May-2024 12:34:56",
            Self::Asc => "Wed May  1 12:34:56 2024",
            Self::Mail => "Wed, 01 May 2024 12:34:56",
            Self::Packed => "20240501 12:34:56",
            Self::EpochSeconds => "seconds since 1970",
            Self::EpochMillis => "milliseconds since 1970",
            Self::Syslog => "May  1 12:34:56, without a year",
        }
    }
}

/// A timestamp is looked for in so many bytes of a line.
const NEAR: usize = 96;

/// The first timestamp near the start of a line, of this kind or of any.
pub(super) fn find(line: &[u8], kind: Option<StampKind>) -> Option<Stamp> {
    let near = line.get(..line.len().min(NEAR)).unwrap_or_default();
    let mut before = b' ';
    for (start, byte) in near.iter().copied().enumerate() {
        let is_start = !before.is_ascii_alphanumeric() && byte.is_ascii_alphanumeric();
        before = byte;
        if !is_start {
            continue;
        }
        let text = line.get(start..line.len().min(start + NEAR)).unwrap_or_default();
        let found = match kind {
            Some(kind) => read(text, kind, start == 0),
            None => StampKind::ALL.into_iter().find_map(|kind| read(text, kind, start == 0)),
        };
        if let Some(stamp) = found {
            return Some(Stamp { start, end: start + stamp.end, ..stamp });
        }
    }
    None
}

fn read(text: &[u8], kind: StampKind, at_start: bool) -> Option<Stamp> {
    let mut cursor = Cursor { text, at: 0 };
    let mut zone = ZoneShape::Absent;
    let micros = match kind {
        StampKind::Iso => {
            let (year, month, day) =
                (cursor.digits(4)?, cursor.after(b"-")?.digits(2)?, cursor.after(b"-")?.digits(2)?);
            let date = days(year, month, day)?;
            cursor.after(b"T t_")?;
            let time = cursor.clock()?;
            zone = cursor.zone();
            Some(date * DAY + time)
        }
        StampKind::Slashes => {
            let (year, month, day) =
                (cursor.digits(4)?, cursor.after(b"/")?.digits(2)?, cursor.after(b"/")?.digits(2)?);
            let date = days(year, month, day)?;
            cursor.after(b" T")?;
            Some(date * DAY + cursor.clock()?)
        }
        StampKind::Access => {
            let (day, month, year) =
                (cursor.digits(2)?, cursor.after(b"/")?.month()?, cursor.after(b"/")?.digits(4)?);
            cursor.after(b":")?;
            let time = cursor.clock()?;
            zone = cursor.zone();
            Some(days(year, month, day)? * DAY + time)
        }
        StampKind::DayMonthName => {
            let (day, month, year) =
                (cursor.digits(2)?, cursor.after(b"- ")?.month()?, cursor.after(b"- ")?.digits(4)?);
            cursor.after(b" ")?;
            let time = cursor.clock()?;
            zone = cursor.zone();
            Some(days(year, month, day)? * DAY + time)
        }
        StampKind::Asc => {
            cursor.weekday()?;
            cursor.after(b" ")?;
            let month = cursor.month()?;
            let day = cursor.after(b" ")?.day()?;
            let time = cursor.after(b" ")?.clock()?;
            let year = cursor.after(b" ")?.digits(4)?;
            Some(days(year, month, day)? * DAY + time)
        }
        StampKind::Mail => {
            cursor.weekday()?;
            cursor.after(b",")?;
            let day = cursor.after(b" ")?.day()?;
            let month = cursor.after(b" ")?.month()?;
            let year = cursor.after(b" ")?.digits(4)?;
            let time = cursor.after(b" ")?.clock()?;
            zone = cursor.zone();
            Some(days(year, month, day)? * DAY + time)
        }
        StampKind::Packed => {
            let (year, month, day) = (cursor.digits(4)?, cursor.digits(2)?, cursor.digits(2)?);
            let date = days(year, month, day).filter(|_| (1970..2200).contains(&year))?;
            cursor.after(b" T_-")?;
            let time = cursor.clock()?;
            zone = cursor.zone();
            Some(date * DAY + time)
        }
        StampKind::EpochMillis => {
            let value = cursor.whole(13, at_start)?;
            zone = ZoneShape::Utc;
            Some(value * 1000)
        }
        StampKind::EpochSeconds => {
            let value = cursor.whole(10, at_start)?;
            let fraction = cursor.fraction();
            zone = ZoneShape::Utc;
            Some(value * 1_000_000 + fraction)
        }
        StampKind::Syslog => {
            cursor.month()?;
            cursor.after(b" ")?.day()?;
            cursor.after(b" ")?.clock()?;
            None
        }
    };
    // A longer word or number is none of this.
    let is_whole = !text.get(cursor.at).is_some_and(u8::is_ascii_alphanumeric);
    is_whole.then_some(Stamp { kind, micros, zone, start: 0, end: cursor.at })
}

const DAY: i64 = 86_400_000_000;

/// Days from 1970-01-01 to a date of the calendar.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let date =
        jiff::civil::Date::new(year.try_into().ok()?, month.try_into().ok()?, day.try_into().ok()?).ok()?;
    let epoch = jiff::civil::date(1970, 1, 1);
    Some(i64::from(epoch.until(date).ok()?.get_days()))
}

struct Cursor<'t> {
    text: &'t [u8],
    at: usize,
}

impl Cursor<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// Passes one byte of a set.
    fn after(&mut self, set: &[u8]) -> Option<&mut Self> {
        self.peek().filter(|byte| set.contains(byte))?;
        self.at += 1;
        Some(self)
    }

    fn digits(&mut self, count: usize) -> Option<i64> {
        let text = self.text.get(self.at..self.at + count)?;
        let mut value = 0;
        for byte in text {
            value = value * 10 + i64::from(byte.checked_sub(b'0').filter(|digit| *digit < 10)?);
        }
        self.at += count;
        Some(value)
    }

    /// A day of one or two digits, padded with a blank or a zero.
    fn day(&mut self) -> Option<i64> {
        if self.peek() == Some(b' ') {
            self.at += 1;
        }
        if self.text.get(self.at + 1).is_some_and(u8::is_ascii_digit) {
            self.digits(2)
        } else {
            self.digits(1)
        }
    }

    /// A number since 1970 of so many digits: between 2001 and 2286. Elsewhere than at the start of a line it has to
    /// stand alone.
    fn whole(&mut self, count: usize, at_start: bool) -> Option<i64> {
        let value = self.digits(count)?;
        let is_open = self.peek().is_none_or(|byte| {
            !byte.is_ascii_digit() && (at_start || matches!(byte, b'.' | b']' | b' ' | b')'))
        });
        (is_open && self.text.first() != Some(&b'0')).then_some(value)
    }

    /// Microseconds of `12:34:56.789`, `12:34:56,789` or `123456`.
    fn clock(&mut self) -> Option<i64> {
        let hour = self.digits(2)?;
        // With a colon or without.
        self.after(b":");
        let minute = self.digits(2)?;
        let second = match self.peek() {
            Some(b':') => {
                self.at += 1;
                self.digits(2)?
            }
            Some(byte) if byte.is_ascii_digit() => self.digits(2)?,
            _ => 0,
        };
        if hour > 24 || minute > 59 || second > 60 {
            return None;
        }
        let fraction = self.fraction();
        Some((hour * 3600 + minute * 60 + second) * 1_000_000 + fraction)
    }

    /// Microseconds of a fraction of a second; finer digits are passed over.
    fn fraction(&mut self) -> i64 {
        let next = self.text.get(self.at + 1).copied();
        if !matches!(self.peek(), Some(b'.' | b',')) || !next.is_some_and(|byte| byte.is_ascii_digit()) {
            return 0;
        }
        self.at += 1;
        let (mut value, mut unit) = (0, 100_000);
        while let Some(digit) =
            self.peek().and_then(|byte| byte.checked_sub(b'0')).filter(|digit| *digit < 10)
        {
            value += i64::from(digit) * unit;
            unit /= 10;
            self.at += 1;
        }
        value
    }

    fn month(&mut self) -> Option<i64> {
        const NAMES: [&[u8; 3]; 12] =
            [b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"];
        let name = self.text.get(self.at..self.at + 3)?.to_ascii_lowercase();
        let month = NAMES.iter().position(|known| known[..] == name[..])?;
        self.at += 3;
        Some(month as i64 + 1)
    }

    fn weekday(&mut self) -> Option<()> {
        const NAMES: [&[u8; 3]; 7] = [b"mon", b"tue", b"wed", b"thu", b"fri", b"sat", b"sun"];
        let name = self.text.get(self.at..self.at + 3)?.to_ascii_lowercase();
        NAMES.iter().any(|known| known[..] == name[..]).then(|| self.at += 3)
    }

    /// `Z`, `UTC`, `GMT`, `+02:00`, `+0200`, `+02`; with a blank before it or without.
    fn zone(&mut self) -> ZoneShape {
        let start = self.at;
        if self.peek() == Some(b' ') {
            self.at += 1;
        }
        let rest = self.text.get(self.at..).unwrap_or_default();
        for name in [&b"UTC"[..], b"GMT", b"Z"] {
            let is_end = !rest.get(name.len()).is_some_and(u8::is_ascii_alphanumeric);
            if rest.starts_with(name) && is_end {
                self.at += name.len();
                return ZoneShape::Utc;
            }
        }
        if let Some(sign) = self.peek().filter(|byte| matches!(byte, b'+' | b'-')) {
            self.at += 1;
            if let Some(hours) = self.digits(2).filter(|hours| *hours <= 14) {
                let colon = usize::from(self.peek() == Some(b':'));
                self.at += colon;
                let minutes = match self.digits(2) {
                    Some(minutes) => minutes,
                    None => {
                        self.at -= colon;
                        0
                    }
                };
                let offset = (hours * 60 + minutes) as i16;
                let is_end = !self.peek().is_some_and(|byte| byte.is_ascii_alphanumeric());
                if is_end && minutes < 60 {
                    return ZoneShape::Offset(if sign == b'-' { -offset } else { offset });
                }
            }
        }
        self.at = start;
        ZoneShape::Absent
    }
}

impl Stamp {
    /// Microseconds since 1970 of the instant where the zone is known, else of the wall clock.
    pub(super) fn instant(&self) -> Option<i64> {
        let micros = self.micros?;
        match self.zone {
            ZoneShape::Absent | ZoneShape::Utc => Some(micros),
            ZoneShape::Offset(minutes) => micros.checked_sub(i64::from(minutes) * 60_000_000),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::cell::Cell;
    use crate::model::schema::{LogicalType, TimeUnit, Zone};

    #[test]
    fn timestamps_of_every_way_of_writing_are_found() {
        let rows = [
            ("2024-05-01T12:34:56Z start", "2024-05-01T12:34:56.000000", ZoneShape::Utc, " start"),
            ("2024-05-01 12:34:56,789 INFO x", "2024-05-01T12:34:56.789000", ZoneShape::Absent, " INFO x"),
            (
                "[2024-05-01T12:34:56.123456789+02:00] x",
                "2024-05-01T10:34:56.123456",
                ZoneShape::Offset(120),
                "] x",
            ),
            (
                "2024/05/01 12:34:56 [error] 7#7",
                "2024-05-01T12:34:56.000000",
                ZoneShape::Absent,
                " [error] 7#7",
            ),
            (
                "::1 - - [01/May/2024:12:34:56 -0330] \"GET",
                "2024-05-01T16:04:56.000000",
                ZoneShape::Offset(-210),
                "] \"GET",
            ),
            ("01-May-2024 12:34:56.5 INFO", "2024-05-01T12:34:56.500000", ZoneShape::Absent, " INFO"),
            (
                "[Wed May  1 12:34:56 2024] [core]",
                "2024-05-01T12:34:56.000000",
                ZoneShape::Absent,
                "] [core]",
            ),
            ("Wed, 01 May 2024 12:34:56 GMT ok", "2024-05-01T12:34:56.000000", ZoneShape::Utc, " ok"),
            ("20240501T123456 x", "2024-05-01T12:34:56.000000", ZoneShape::Absent, " x"),
            ("1714566896.25 x", "2024-05-01T12:34:56.250000", ZoneShape::Utc, " x"),
            ("1714566896250 x", "2024-05-01T12:34:56.250000", ZoneShape::Utc, " x"),
            ("host app: 2024-05-01 12:34 x", "2024-05-01T12:34:00.000000", ZoneShape::Absent, " x"),
        ];
        for (line, moment, zone, rest) in rows {
            let stamp = find(line.as_bytes(), None).unwrap_or_else(|| panic!("{line}"));
            let logical = LogicalType::Timestamp { unit: TimeUnit::Microsecond, zone: Zone::None };
            let text = Cell::Timestamp(stamp.instant().unwrap()).text(&logical);
            assert_eq!(
                (text.as_str(), stamp.zone, line.get(stamp.end..).unwrap()),
                (moment, zone, rest),
                "{line}"
            );
            assert_eq!(find(line.as_bytes(), Some(stamp.kind)), Some(stamp), "{line}");
        }
    }

    #[test]
    fn a_timestamp_without_a_year_is_no_moment() {
        let stamp = find(b"<34>Oct 11 22:14:15 host su: x", None).unwrap();
        assert_eq!((stamp.kind, stamp.micros, stamp.start, stamp.end), (StampKind::Syslog, None, 4, 19));
    }

    #[test]
    fn what_is_no_timestamp_is_not_taken_for_one() {
        for line in [
            "2024-13-01 12:34:56",
            "2024-05-01",
            "order 1714566896123456",
            "v20240501",
            "12:34:56",
            "mayor 12",
            "",
            "id=17145668961",
            "2024-05-01T99:00:00",
            "\u{fe}\u{ff}",
            "99999999999999999999999999",
            "May the 4th",
        ] {
            assert_eq!(find(line.as_bytes(), None), None, "{line}");
        }
    }
}
