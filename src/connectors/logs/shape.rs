//! How the lines of a file are written: as access log, syslog, logfmt, or as lines with a time, a level and the rest.
//!
//! A shape is chosen when nine in ten of the lines looked at have it. A line that does not have it keeps all its text in
//! the last column, so nothing is lost.

use super::stamp::{self, Stamp, StampKind, ZoneShape};
use crate::model::cell::Cell;
use crate::model::schema::{Field, LogicalType, Schema, TimeUnit, Zone};
use serde::{Deserialize, Serialize};

/// Keys of logfmt that become columns.
const MOST_KEYS: usize = 64;

/// How the lines of a file are written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Shape {
    /// The access log of a web server, in the common or the combined form.
    Access,
    /// Syslog after RFC 5424.
    Syslog5424,
    /// Syslog as it was before, after RFC 3164.
    Syslog3164,
    /// `key=value` pairs, with the keys seen.
    Logfmt(Vec<String>),
    /// Lines with a time, a level, both or neither.
    Lines {
        /// Whether lines have a level.
        level: bool,
    },
}

/// The time of a file's lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Timing {
    /// How it is written.
    pub(super) kind: StampKind,
    /// Whether it is an instant, a wall clock or text (no year).
    pub(super) form: TimeForm,
}

/// What a time is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum TimeForm {
    /// An instant: every timestamp says its zone.
    Instant,
    /// A wall clock of an unknown place.
    WallClock,
    /// Text: it has no year.
    Text,
}

/// What a look at lines found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Written {
    pub(super) shape: Shape,
    pub(super) timing: Option<Timing>,
    /// Offsets seen, in minutes, or none for universal time.
    pub(super) zones: Vec<String>,
    /// Whether lines are JSON objects.
    pub(super) is_json: bool,
}

/// Finds out how lines are written.
pub(super) fn find(lines: &[&str]) -> Written {
    let filled: Vec<&str> = lines.iter().copied().filter(|line| !line.trim().is_empty()).collect();
    let most = |is: &dyn Fn(&str) -> bool| {
        !filled.is_empty() && filled.iter().filter(|line| is(line)).count() * 10 >= filled.len() * 9
    };
    let (timing, zones) = timing(&filled);
    let is_json = most(&|line| line.trim_start().starts_with('{') && line.trim_end().ends_with('}'));
    let shape = if most(&|line| access(line).is_some()) {
        Shape::Access
    } else if most(&|line| syslog_5424(line).is_some()) {
        Shape::Syslog5424
    } else if most(&|line| syslog_3164(line).is_some()) {
        Shape::Syslog3164
    } else if !is_json && most(&|line| pairs(line).len() >= 2 && is_mostly_pairs(line)) {
        Shape::Logfmt(keys(&filled))
    } else {
        let levels = filled.iter().filter(|line| level(line).is_some()).count();
        Shape::Lines { level: levels * 2 >= filled.len().max(1) }
    };
    Written { shape, timing, zones, is_json }
}

/// The way of writing a time that half of the lines have: entries may go on over several lines.
fn timing(lines: &[&str]) -> (Option<Timing>, Vec<String>) {
    let stamps: Vec<Stamp> = lines.iter().filter_map(|line| stamp::find(line.as_bytes(), None)).collect();
    let mut counts: Vec<(StampKind, usize)> = Vec::new();
    for stamp in &stamps {
        match counts.iter_mut().find(|(kind, _)| *kind == stamp.kind) {
            Some((_, count)) => *count += 1,
            None => counts.push((stamp.kind, 1)),
        }
    }
    let Some((kind, count)) = counts.into_iter().max_by_key(|(_, count)| *count) else {
        return (None, Vec::new());
    };
    if count * 10 < lines.len() * 3 {
        return (None, Vec::new());
    }
    let same: Vec<&Stamp> = stamps.iter().filter(|stamp| stamp.kind == kind).collect();
    let mut zones: Vec<ZoneShape> = same.iter().map(|stamp| stamp.zone).collect();
    zones.sort_unstable();
    zones.dedup();
    let form = if kind == StampKind::Syslog {
        TimeForm::Text
    } else if zones.contains(&ZoneShape::Absent) {
        TimeForm::WallClock
    } else {
        TimeForm::Instant
    };
    let words = zones.iter().map(|zone| match zone {
        ZoneShape::Absent => "none".to_owned(),
        ZoneShape::Utc => "UTC".to_owned(),
        ZoneShape::Offset(minutes) => {
            let sign = if *minutes < 0 { '-' } else { '+' };
            format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
        }
    });
    (Some(Timing { kind, form }), words.collect())
}

impl Timing {
    fn logical(self) -> LogicalType {
        let unit = TimeUnit::Microsecond;
        match self.form {
            TimeForm::Instant => LogicalType::Timestamp { unit, zone: Zone::Utc },
            TimeForm::WallClock => LogicalType::Timestamp { unit, zone: Zone::None },
            TimeForm::Text => LogicalType::Text,
        }
    }

    /// The time of a line: its cell, and microseconds where it is a moment.
    pub(super) fn of(self, line: &str) -> Option<(Cell, Option<i64>, Stamp)> {
        let stamp = stamp::find(line.as_bytes(), Some(self.kind))?;
        let text = || line.get(stamp.start..stamp.end).unwrap_or_default().to_owned();
        let is_like_the_others = (stamp.zone == ZoneShape::Absent) == (self.form == TimeForm::WallClock);
        let cell = match (self.form, stamp.instant()) {
            (TimeForm::Instant | TimeForm::WallClock, Some(micros)) if is_like_the_others => {
                Cell::Timestamp(micros)
            }
            (TimeForm::Instant | TimeForm::WallClock, Some(_)) => {
                let written = text();
                return Some((Cell::Text(written), None, stamp));
            }
            _ => Cell::Text(text()),
        };
        let micros = if let Cell::Timestamp(micros) = cell { Some(micros) } else { None };
        Some((cell, micros, stamp))
    }
}

impl Written {
    /// The columns of a line.
    pub(super) fn schema(&self) -> Schema {
        let text = |name: &str| Field::new(name, LogicalType::Text);
        let int = |name: &str| Field::new(name, LogicalType::INT64);
        let time =
            self.timing.map(|timing| Field::new("time", timing.logical()).native(timing.kind.pattern()));
        let fields: Vec<Field> = match &self.shape {
            Shape::Access => [text("host"), text("identity"), text("user")]
                .into_iter()
                .chain(time)
                .chain([
                    text("method"),
                    text("target"),
                    text("protocol"),
                    int("status"),
                    int("bytes"),
                    text("referer"),
                    text("agent"),
                    text("more"),
                ])
                .collect(),
            Shape::Syslog5424 => [text("facility"), text("severity")]
                .into_iter()
                .chain(time)
                .chain(["host", "app", "process", "message_id", "data", "message"].map(text))
                .collect(),
            Shape::Syslog3164 => [text("facility"), text("severity")]
                .into_iter()
                .chain(time)
                .chain(["host", "app", "process", "message"].map(text))
                .collect(),
            Shape::Logfmt(keys) => {
                // A key called like the column of moments keeps its text beside it.
                let name = |key: &String| match (key.as_str(), self.timing) {
                    ("time", Some(_)) => "time (as written)".to_owned(),
                    _ => key.clone(),
                };
                let keyed = keys.iter().map(|key| text(&name(key)));
                time.into_iter().chain(keyed).chain([text("(more)")]).collect()
            }
            Shape::Lines { level } => {
                let level = level.then(|| text("level"));
                time.into_iter().chain(level).chain([text("line")]).collect()
            }
        };
        Schema::new(fields)
    }

    /// The cells of a line, and its time in microseconds.
    pub(super) fn cells(&self, line: &str) -> (Vec<Cell>, Option<i64>) {
        let timed = self.timing.and_then(|timing| timing.of(line));
        let micros = timed.as_ref().and_then(|(_, micros, _)| *micros);
        let time = self.timing.map(|_| timed.map_or(Cell::Null, |(cell, _, _)| cell));
        let some = |text: &str| {
            if text.is_empty() || text == "-" { Cell::Null } else { Cell::Text(text.to_owned()) }
        };
        let number = |text: &str| text.parse().map_or_else(|_| some(text), Cell::Int);
        let cells = match &self.shape {
            Shape::Access => match access(line) {
                Some(found) => [some(found.host), some(found.identity), some(found.user)]
                    .into_iter()
                    .chain(time)
                    .chain([
                        some(found.method),
                        some(found.target),
                        some(found.protocol),
                        number(found.status),
                        number(found.bytes),
                        some(found.referer),
                        some(found.agent),
                        some(found.rest),
                    ])
                    .collect(),
                None => only_last(self.schema().fields.len(), line),
            },
            Shape::Syslog5424 => match syslog_5424(line) {
                Some(found) => [Cell::Text(facility(found.priority)), Cell::Text(severity(found.priority))]
                    .into_iter()
                    .chain(time)
                    .chain(
                        [found.host, found.app, found.process, found.id, found.data, found.message].map(some),
                    )
                    .collect(),
                None => only_last(self.schema().fields.len(), line),
            },
            Shape::Syslog3164 => match syslog_3164(line) {
                Some(found) => {
                    let of = |word: fn(u16) -> String| {
                        found.priority.map_or(Cell::Null, |value| Cell::Text(word(value)))
                    };
                    [of(facility), of(severity)]
                        .into_iter()
                        .chain(time)
                        .chain([found.host, found.app, found.process, found.message].map(some))
                        .collect()
                }
                None => only_last(self.schema().fields.len(), line),
            },
            Shape::Logfmt(keys) => time.into_iter().chain(logfmt_cells(keys, line)).collect(),
            Shape::Lines { level: has_level } => {
                let level =
                    has_level.then(|| level(line).map_or(Cell::Null, |word| Cell::Text(word.to_owned())));
                time.into_iter().chain(level).chain([Cell::Text(line.to_owned())]).collect()
            }
        };
        (cells, micros)
    }

    /// The part of a line that its template is made of: without the time.
    pub(super) fn message<'l>(&self, line: &'l str) -> &'l str {
        let stamp = self.timing.and_then(|timing| stamp::find(line.as_bytes(), Some(timing.kind)));
        let rest = stamp.and_then(|stamp| line.get(stamp.end..)).unwrap_or(line);
        rest.trim_start_matches([']', ')', ',', ':', ' ', '\t'])
    }
}

/// A line of another shape: all of it in the last column.
fn only_last(width: usize, line: &str) -> Vec<Cell> {
    let mut cells = vec![Cell::Null; width.saturating_sub(1)];
    cells.push(Cell::Text(line.to_owned()));
    cells
}

/// A line of an access log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Access<'l> {
    host: &'l str,
    identity: &'l str,
    user: &'l str,
    method: &'l str,
    target: &'l str,
    protocol: &'l str,
    status: &'l str,
    bytes: &'l str,
    referer: &'l str,
    agent: &'l str,
    rest: &'l str,
}

fn access(line: &str) -> Option<Access<'_>> {
    let (host, rest) = line.split_once(' ')?;
    let (identity, rest) = rest.split_once(' ')?;
    let (user, rest) = rest.split_once(" [")?;
    let (time, rest) = rest.split_once("] ")?;
    stamp::find(time.as_bytes(), Some(StampKind::Access))?;
    let (request, rest) = quoted(rest)?;
    let (status, rest) = rest.trim_start().split_once(' ')?;
    if status.len() != 3 || !status.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (bytes, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    let (referer, rest) = quoted(rest).unwrap_or(("", rest));
    let (agent, rest) = quoted(rest).unwrap_or(("", rest));
    // A request that is no request (a probe, binary bytes) stays whole.
    let mut words = request.splitn(3, ' ');
    let (method, target, protocol) = match (words.next(), words.next(), words.next()) {
        (Some(method), Some(target), protocol) => (method, target, protocol.unwrap_or("")),
        _ => ("", request, ""),
    };
    let rest = rest.trim();
    Some(Access { host, identity, user, method, target, protocol, status, bytes, referer, agent, rest })
}

/// A text in quotes at the start, and what follows. A backslash keeps the next character.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let inner = text.trim_start().strip_prefix('"')?;
    let mut is_kept = false;
    for (at, char) in inner.char_indices() {
        match char {
            _ if is_kept => is_kept = false,
            '\\' => is_kept = true,
            '"' => return Some((inner.get(..at)?, inner.get(at + 1..)?)),
            _ => {}
        }
    }
    None
}

/// A line of syslog after RFC 5424.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Syslog<'l> {
    priority: u16,
    host: &'l str,
    app: &'l str,
    process: &'l str,
    id: &'l str,
    data: &'l str,
    message: &'l str,
}

fn priority(line: &str) -> Option<(u16, &str)> {
    let (number, rest) = line.strip_prefix('<')?.split_once('>')?;
    let number = number.parse().ok().filter(|number| *number <= 191)?;
    Some((number, rest))
}

fn syslog_5424(line: &str) -> Option<Syslog<'_>> {
    let (priority, rest) = priority(line)?;
    let mut words = rest.splitn(7, ' ');
    let mut next = || words.next();
    let version = next()?;
    if version.is_empty() || !version.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let time = next()?;
    if time != "-" {
        stamp::find(time.as_bytes(), Some(StampKind::Iso))?;
    }
    let (host, app, process, id, rest) = (next()?, next()?, next()?, next()?, next()?);
    let (data, message) = structured(rest);
    Some(Syslog { priority, host, app, process, id, data, message: message.trim_start_matches('\u{feff}') })
}

/// The structured data at the start of a text, and what follows.
fn structured(text: &str) -> (&str, &str) {
    if let Some(message) = text.strip_prefix('-') {
        return ("-", message.trim_start_matches(' '));
    }
    let (mut is_quoted, mut is_kept, mut depth) = (false, false, 0_i32);
    for (at, char) in text.char_indices() {
        match char {
            _ if is_kept => is_kept = false,
            '\\' => is_kept = true,
            '"' => is_quoted = !is_quoted,
            '[' if !is_quoted => depth += 1,
            ']' if !is_quoted => depth -= 1,
            ' ' if depth == 0 => {
                return (text.get(..at).unwrap_or_default(), text.get(at + 1..).unwrap_or_default());
            }
            _ => {}
        }
    }
    (text, "")
}

/// A line of syslog after RFC 3164, as it is sent or as it is kept in a file (without a priority).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct OldSyslog<'l> {
    priority: Option<u16>,
    host: &'l str,
    app: &'l str,
    process: &'l str,
    message: &'l str,
}

fn syslog_3164(line: &str) -> Option<OldSyslog<'_>> {
    let (priority, rest) = match priority(line) {
        Some((priority, rest)) => (Some(priority), rest),
        None => (None, line),
    };
    let stamp = stamp::find(rest.as_bytes(), None).filter(|stamp| stamp.start == 0)?;
    if !matches!(stamp.kind, StampKind::Syslog | StampKind::Iso) {
        return None;
    }
    let rest = rest.get(stamp.end..)?.strip_prefix(' ')?;
    let (host, rest) = rest.split_once(' ')?;
    let (tag, message) = rest.split_once(": ").or_else(|| Some((rest.strip_suffix(':')?, "")))?;
    let (app, process) = match tag.strip_suffix(']').and_then(|tag| tag.split_once('[')) {
        Some((app, process)) => (app, process),
        None => (tag, ""),
    };
    let is_name = |text: &str| !text.is_empty() && !text.contains([' ', '"', '=']);
    (is_name(host) && is_name(app)).then_some(OldSyslog { priority, host, app, process, message })
}

fn facility(priority: u16) -> String {
    const NAMES: [&str; 24] = [
        "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
        "ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5",
        "local6", "local7",
    ];
    NAMES.get(usize::from(priority / 8)).copied().unwrap_or("unknown").to_owned()
}

fn severity(priority: u16) -> String {
    const NAMES: [&str; 8] =
        ["emergency", "alert", "critical", "error", "warning", "notice", "info", "debug"];
    NAMES.get(usize::from(priority % 8)).copied().unwrap_or("unknown").to_owned()
}

/// The pairs of a logfmt line: key and value as written, quotes taken off.
fn pairs(line: &str) -> Vec<(&str, String)> {
    walk(line).into_iter().filter_map(|(key, value)| Some((key?, value))).collect()
}

/// Everything in a logfmt line: pairs, and words without a key.
fn walk(line: &str) -> Vec<(Option<&str>, String)> {
    let mut found = Vec::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() {
        let end = rest.find([' ', '=', '\t']).unwrap_or(rest.len());
        let (word, tail) = rest.split_at(end);
        let is_key = |word: &str| {
            word.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
                && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-@/:".contains(&byte))
        };
        match tail.strip_prefix('=') {
            Some(value) if is_key(word) => {
                let (text, after) = match quoted(value).filter(|_| value.starts_with('"')) {
                    Some((text, after)) => (unescaped(text), after),
                    None => {
                        let end = value.find([' ', '\t']).unwrap_or(value.len());
                        let (text, after) = value.split_at(end);
                        (text.to_owned(), after)
                    }
                };
                found.push((Some(word), text));
                rest = after.trim_start();
            }
            _ => {
                let end = rest.find([' ', '\t']).unwrap_or(rest.len());
                let (text, after) = rest.split_at(end);
                found.push((None, text.to_owned()));
                rest = after.trim_start();
            }
        }
    }
    found
}

fn unescaped(text: &str) -> String {
    if !text.contains('\\') {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        match (char, char == '\\') {
            (_, true) => match chars.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some(other) => out.push(other),
                None => out.push('\\'),
            },
            (other, false) => out.push(other),
        }
    }
    out
}

fn is_mostly_pairs(line: &str) -> bool {
    let all = walk(line);
    let with_key = all.iter().filter(|(key, _)| key.is_some()).count();
    with_key * 10 >= all.len() * 7
}

fn keys(lines: &[&str]) -> Vec<String> {
    let mut keys: Vec<String> = Vec::new();
    for (key, _) in lines.iter().flat_map(|line| pairs(line)) {
        if keys.len() < MOST_KEYS && !keys.iter().any(|known| known == key) {
            keys.push(key.to_owned());
        }
    }
    keys
}

fn logfmt_cells(keys: &[String], line: &str) -> Vec<Cell> {
    let mut cells = vec![Cell::Missing; keys.len() + 1];
    let mut rest: Vec<String> = Vec::new();
    for (key, value) in walk(line) {
        let at = key.and_then(|key| keys.iter().position(|known| known == key));
        match (at.and_then(|at| cells.get_mut(at)), key) {
            (Some(cell), _) if *cell == Cell::Missing => *cell = Cell::Text(value),
            (_, Some(key)) => rest.push(format!("{key}={value}")),
            (_, None) => rest.push(value),
        }
    }
    if let Some(last) = cells.last_mut() {
        *last = if rest.is_empty() { Cell::Null } else { Cell::Text(rest.join(" ")) };
    }
    cells
}

/// How bad a line says it is, near its start.
pub(super) fn level(line: &str) -> Option<&str> {
    const WORDS: [&str; 20] = [
        "TRACE",
        "DEBUG",
        "INFO",
        "INFORMATION",
        "NOTICE",
        "WARN",
        "WARNING",
        "ERROR",
        "ERR",
        "CRIT",
        "CRITICAL",
        "ALERT",
        "EMERG",
        "FATAL",
        "SEVERE",
        "PANIC",
        "FINE",
        "FINER",
        "FINEST",
        "VERBOSE",
    ];
    const NEAR_WORDS: usize = 12;
    line.split(|char: char| !char.is_ascii_alphabetic())
        .filter(|word| !word.is_empty())
        .take(NEAR_WORDS)
        .find(|word| WORDS.iter().any(|known| known.eq_ignore_ascii_case(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(lines: &[&str]) -> (Written, Vec<String>) {
        let written = find(lines);
        let fields = written.schema().fields;
        let rows = lines.iter().map(|line| {
            let (cells, _) = written.cells(line);
            assert_eq!(cells.len(), fields.len(), "{line}");
            let cells = cells.iter().zip(&fields).map(|(cell, field)| cell.text(&field.logical));
            cells.collect::<Vec<_>>().join("|")
        });
        let rows = rows.collect();
        (written, rows)
    }

    #[test]
    fn access_logs_become_their_fields() {
        let lines = [
            r#"127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /a.gif HTTP/1.0" 200 2326"#,
            r#"::1 - - [10/Oct/2000:13:55:37 -0700] "POST /x?q=\"1\" HTTP/1.1" 404 - "http://e/" "Mozilla/5.0 (X)""#,
        ];
        let (written, rows) = shown(&lines);
        assert_eq!((written.shape, written.zones), (Shape::Access, vec!["-07:00".to_owned()]));
        assert_eq!(rows[0], "127.0.0.1||frank|2000-10-10T20:55:36.000000Z|GET|/a.gif|HTTP/1.0|200|2326|||");
        assert_eq!(
            rows[1],
            r#"::1|||2000-10-10T20:55:37.000000Z|POST|/x?q=\"1\"|HTTP/1.1|404||http://e/|Mozilla/5.0 (X)|"#
        );
    }

    #[test]
    fn both_forms_of_syslog_become_their_fields() {
        let new = [
            r#"<165>1 2003-10-11T22:14:15.003Z host.example.com evntslog - ID47 [ex@1 iut="3" n="a] b"] An event"#,
            "<34>1 2003-10-11T22:14:16Z host su 77 - - 'su root' failed",
        ];
        let (written, rows) = shown(&new);
        assert_eq!(written.shape, Shape::Syslog5424);
        assert_eq!(
            rows[0],
            r#"local4|notice|2003-10-11T22:14:15.003000Z|host.example.com|evntslog||ID47|[ex@1 iut="3" n="a] b"]|An event"#
        );
        assert_eq!(rows[1], "auth|critical|2003-10-11T22:14:16.000000Z|host|su|77|||'su root' failed");
        let old = ["<34>Oct 11 22:14:15 mymachine su[12]: failed", "Oct  1 22:14:15 mymachine kernel: up"];
        let (written, rows) = shown(&old);
        assert_eq!(written.shape, Shape::Syslog3164);
        assert_eq!(rows[0], "auth|critical|Oct 11 22:14:15|mymachine|su|12|failed");
        assert_eq!(rows[1], "||Oct  1 22:14:15|mymachine|kernel||up");
    }

    #[test]
    fn pairs_become_columns_and_nothing_is_left_behind() {
        let lines = [
            r#"time=2024-05-01T12:00:00Z level=info msg="a \"b\" c" user=anna"#,
            r#"time=2024-05-01T12:00:01Z level=warn msg=short took=12ms stray"#,
        ];
        let (written, rows) = shown(&lines);
        let keys = ["time", "level", "msg", "user", "took"].map(str::to_owned).to_vec();
        assert_eq!(written.shape, Shape::Logfmt(keys));
        assert_eq!(rows[0], r#"2024-05-01T12:00:00.000000Z|2024-05-01T12:00:00Z|info|a "b" c|anna||"#);
        assert_eq!(rows[1], "2024-05-01T12:00:01.000000Z|2024-05-01T12:00:01Z|warn|short||12ms|stray");
    }

    #[test]
    fn other_lines_keep_all_of_their_text() {
        let lines = [
            "2024-05-01 12:00:00,123 ERROR [main] it broke",
            "java.lang.IllegalStateException: no",
            "    at x.y(Z.java:1)",
            "2024-05-01 12:00:01,000 INFO [main] on",
            "2024-05-01 12:00:02,000 INFO [main] off",
        ];
        let (written, rows) = shown(&lines);
        assert_eq!(written.shape, Shape::Lines { level: true });
        assert_eq!(rows[0], "2024-05-01T12:00:00.123000|ERROR|2024-05-01 12:00:00,123 ERROR [main] it broke");
        assert_eq!(rows[2], "||    at x.y(Z.java:1)");
        assert_eq!(written.message(lines[0]), "ERROR [main] it broke");
        let (written, rows) = shown(&["just", "a text", ""]);
        assert_eq!((written.timing, rows[1].as_str()), (None, "a text"));
        assert!(find(&[r#"{"a":1}"#, r#"{"a":2}"#]).is_json);
        assert!(!find(&[]).is_json);
    }
}
