//! The worker's side of text: a look at its first and last lines, then its lines, entries or templates as rows.

use super::ID;
use super::journal::{self, Entries};
use super::lines::{Line, Lines, text_of};
use super::shape::{self, Shape, TimeForm, Written};
use super::template::Miner;
use crate::job::Flow;
use crate::kit::files::{
    Ask, Cost, FileInput, FileParser, FileReader, Outline, Packing, Place, RowCount, RowsOut, Stretch, Table,
    Windows, broken,
};
use crate::kit::text::decode::TextEncoding;
use crate::kit::text::encoding::{self, binary_kind};
use crate::model::cell::Cell;
use crate::model::dice::Dice;
use crate::model::load::Provenance;
use crate::model::node::{Detail, NodeKind};
use crate::model::schema::{Field, LogicalType, Schema, TimeUnit, Zone};
use crate::model::units::{count_text, seconds_text};
use crate::model::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use std::io::{BufReader, Read};
use std::sync::Arc;

const HEAD_BYTES: usize = 128 << 10;
const TAIL_BYTES: usize = 48 << 10;
const WINDOW_BYTES: u64 = 64 << 10;
/// Fields of a journal that become columns.
const MOST_FIELDS: usize = 96;
/// A packed file gives at most this many bytes to a look or for one line too many.
const MOST_UNPACKED: u64 = 1 << 40;

/// The reader of lines and logs.
pub struct TextLines;

/// The parser of this connector.
pub static PARSER: FileParser<TextLines> = FileParser(TextLines);

/// What a user fixed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Settings {
    /// A label of an encoding.
    pub(super) encoding: Option<String>,
}

/// What `rows` needs of what `look` found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    /// Lines, written so.
    Lines { encoding: TextEncoding, start: u64, written: Written },
    /// The templates of such lines.
    Templates { encoding: TextEncoding, start: u64, written: Written },
    /// Entries of a journal, with these fields.
    Journal { fields: Vec<String> },
}

impl FileReader for TextLines {
    fn id(&self) -> &'static str {
        ID
    }

    fn look(&self, file: &Arc<FileInput>, settings: &serde_json::Value) -> Result<Outline> {
        let settings: Settings = serde_json::from_value(settings.clone()).unwrap_or_default();
        let seen = Seen::of(file).map_err(|error| broken(&error))?;
        if journal::is_binary(&seen.head) {
            return Err(Error::new(ErrorKind::Unsupported, "connect", "this is a binary journal of systemd")
                .hint(
                    "write it out with `journalctl --file FILE --output export` and open what that gives",
                ));
        }
        if journal::is_export(&seen.head) {
            return Ok(journal_outline(file, &seen));
        }
        if let Some(kind) = binary_kind(&seen.head) {
            return Err(Error::new(ErrorKind::Decode, "connect", format!("this is {kind}, not text"))
                .hint("open it by the connector of its own kind"));
        }
        Ok(lines_outline(file, &seen, &settings))
    }

    fn rows(&self, file: &Arc<FileInput>, ask: &Ask, out: &mut RowsOut<'_>) -> Result<()> {
        let state: State = serde_json::from_value(ask.table.state.clone()).map_err(|error| {
            Error::unexpected("read", format!("the notes of the look are not readable: {error}"))
        })?;
        match &state {
            State::Journal { fields } => entries(file, ask, fields, out),
            State::Templates { encoding, start, written } => {
                templates(file, ask, *encoding, *start, written, out)
            }
            State::Lines { encoding, start, written } => {
                let reading = Reading { file, ask, encoding: *encoding, start: *start, written };
                match ask.stretch {
                    Stretch::From { row, known } => reading.from(row, known, out),
                    Stretch::ByteWindows { count, rows, seed } => reading.windows(count, rows, seed, out),
                    Stretch::RowWindows(_) => Err(out.no_such_stretch()),
                }
            }
        }
    }

    fn count(
        &self,
        file: &Arc<FileInput>,
        table: &Table,
        _settings: &serde_json::Value,
        most_bytes: u64,
    ) -> Result<Option<(RowCount, f64)>> {
        let Ok(State::Lines { start, .. }) = serde_json::from_value(table.state.clone()) else {
            return Ok(None);
        };
        let is_known = table.rows.as_ref().is_some_and(|rows| rows.known().is_some());
        if is_known || file.packing() != Packing::Plain {
            return Ok(None);
        }
        let bytes = file.len().saturating_sub(start);
        let windows = (most_bytes / WINDOW_BYTES).min(48).min(bytes.div_ceil(WINDOW_BYTES)).max(1);
        let mut rates = Vec::new();
        for window in 0..windows {
            let step = bytes.saturating_sub(WINDOW_BYTES) * window / (windows - 1).max(1);
            let seen = file.window(start + step, WINDOW_BYTES as usize).map_err(|error| broken(&error))?;
            if !seen.is_empty() {
                rates.push(crate::kit::scan::count(&seen, b'\n') as f64 / seen.len() as f64);
            }
        }
        Ok(spread(&rates, bytes as f64))
    }
}

/// Rows of so many bytes from rates per byte in windows.
fn spread(rates: &[f64], bytes: f64) -> Option<(RowCount, f64)> {
    let count = rates.len() as f64;
    let mean = rates.iter().sum::<f64>() / count.max(1.0);
    if mean <= 0.0 {
        return None;
    }
    let variance = rates.iter().map(|rate| (rate - mean).powi(2)).sum::<f64>() / (count - 1.0).max(1.0);
    let error = if rates.len() > 2 { 2.0 * (variance / count).sqrt() } else { mean / 2.0 };
    let rows = RowCount::sampled(
        ((mean - error).max(mean / 10.0) * bytes).floor(),
        mean * bytes,
        ((mean + error) * bytes).ceil(),
        rates.len() as u64,
    );
    Some((rows, 1.0 / mean))
}

/// The windows of a look.
struct Seen {
    head: Vec<u8>,
    is_whole: bool,
    tail: Vec<u8>,
}

impl Seen {
    fn of(file: &FileInput) -> std::io::Result<Self> {
        if file.packing() != Packing::Plain {
            let mut head = Vec::new();
            let mut stream = file.stream(0, None, MOST_UNPACKED)?;
            let read = stream.by_ref().take(HEAD_BYTES as u64 + 1).read_to_end(&mut head);
            if let Err(error) = read
                && head.is_empty()
            {
                return Err(error);
            }
            let is_whole = head.len() <= HEAD_BYTES;
            return Ok(Self { head, is_whole, tail: Vec::new() });
        }
        let head = file.window(0, HEAD_BYTES)?;
        let rest = file.len().saturating_sub(head.len() as u64);
        let tail_bytes = rest.min(TAIL_BYTES as u64) & !1;
        let tail = file.window(file.len() - tail_bytes, tail_bytes as usize)?;
        Ok(Self { is_whole: rest == 0, head, tail })
    }
}

/// A window without the line that was cut at its end.
fn without_cut_end(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    text.get(..end).unwrap_or_default()
}

/// A window without the line that was cut at its beginning.
fn without_cut_start(text: &[u8]) -> &[u8] {
    let start = text.iter().position(|byte| *byte == b'\n').map_or(text.len(), |at| at + 1);
    text.get(start..).unwrap_or_default()
}

fn lines_of(encoding: TextEncoding, text: &[u8]) -> Vec<String> {
    let mut lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
    if lines.last().is_some_and(|last| last.is_empty()) {
        lines.pop();
    }
    let line = |bytes: &[u8]| {
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        text_of(encoding, bytes)
            .map_or_else(|| String::from_utf8_lossy(bytes).into_owned(), std::borrow::Cow::into_owned)
    };
    lines.into_iter().map(line).collect()
}

fn lines_outline(file: &FileInput, seen: &Seen, settings: &Settings) -> Outline {
    let mut outline = Outline::new(file.len(), file.packing());
    let label = settings.encoding.as_deref().and_then(TextEncoding::for_label);
    let found = encoding::detect(&[&seen.head, &seen.tail], label);
    let start = found.mark_bytes as u64;
    let body = seen.head.get(found.mark_bytes..).unwrap_or_default();
    let head_text = found.encoding.text_of(body);
    let head =
        lines_of(found.encoding, if seen.is_whole { &head_text[..] } else { without_cut_end(&head_text) });
    let tail_text = found.encoding.text_of(&seen.tail);
    let tail = lines_of(found.encoding, without_cut_start(&tail_text));
    let every: Vec<&str> = head.iter().chain(&tail).map(String::as_str).collect();
    let written = shape::find(&every);

    let evidence = found.evidence.split_once(": ").map_or(found.evidence.as_str(), |(_, why)| why);
    let looked = || Provenance::Sampled { n: 2, design: "first and last window".to_owned() };
    let mut facts = vec![
        Detail::new("encoding", format!("{} ({evidence})", found.encoding.name()), looked()),
        Detail::new("written as", shape_word(&written.shape), looked()),
    ];
    facts.extend(time_facts(&written, &head, &tail, seen.is_whole));
    facts.extend(template_facts(&written, &every));

    let mut lines = Table::new(Vec::new(), NodeKind::File, written.schema());
    let bytes = file.len().saturating_sub(start);
    let row_bytes = head_text.len().max(1) as f64 / head.len().max(1) as f64;
    lines.rows = if seen.is_whole {
        Some(RowCount::exact(head.len() as u64, "the file was read to its end"))
    } else if file.packing() == Packing::Plain {
        let rate =
            |text: &[u8], bytes: usize| crate::kit::scan::count(text, b'\n') as f64 / bytes.max(1) as f64;
        spread(&[rate(&head_text, body.len()), rate(&tail_text, seen.tail.len().max(1))], bytes as f64)
            .map(|(rows, _)| rows)
    } else {
        None
    };
    if file.packing() == Packing::Plain {
        lines.cost = Cost::Sequence { start, end: file.len(), row_bytes, block_bytes: WINDOW_BYTES };
        // A stretch out of the middle of UTF-16 or Shift_JIS can't be told apart without its beginning.
        lines.windows = if found.encoding.is_transcoded() { Windows::None } else { Windows::ByByte };
    }
    lines.facts = facts;
    if file.is_empty() {
        lines.notes.push("the file is empty".to_owned());
    }
    if written.is_json {
        lines.notes.push("every line is a JSON object: opened as NDJSON its fields are columns".to_owned());
    }
    if matches!(written.timing, Some(timing) if timing.form == TimeForm::Text) {
        lines.notes.push("timestamps have no year and no zone, so they are no moments".to_owned());
    }
    lines.state =
        serde_json::to_value(State::Lines { encoding: found.encoding, start, written: written.clone() })
            .unwrap_or_default();
    outline.tables.push(lines);

    let mut templates =
        Table::new(vec!["line templates".to_owned()], NodeKind::View, template_schema(&written));
    templates
        .notes
        .push("made by reading all lines: lines of one shape, with <*> where they differ".to_owned());
    templates.remark = Some("made by reading all lines".to_owned());
    templates.state = serde_json::to_value(State::Templates { encoding: found.encoding, start, written })
        .unwrap_or_default();
    outline.tables.push(templates);
    outline
}

fn shape_word(shape: &Shape) -> &'static str {
    match shape {
        Shape::Access => "access log of a web server",
        Shape::Syslog5424 => "syslog (RFC 5424)",
        Shape::Syslog3164 => "syslog (RFC 3164)",
        Shape::Logfmt(_) => "key=value pairs (logfmt)",
        Shape::Lines { .. } => "lines",
    }
}

/// When the file starts and ends, where it stands still and where its clock goes back, as far as the windows tell.
fn time_facts(written: &Written, head: &[String], tail: &[String], is_whole: bool) -> Vec<Detail> {
    let Some(timing) = written.timing else { return Vec::new() };
    let looked = || Provenance::Sampled { n: 2, design: "first and last window".to_owned() };
    let mut facts = vec![
        Detail::new("timestamps", timing.kind.pattern(), looked()),
        Detail::new("zone", written.zones.join(", "), looked()),
    ];
    let moment = |line: &String| timing.of(line).and_then(|(_, micros, _)| micros);
    let times: Vec<i64> = head.iter().filter_map(moment).collect();
    let late: Vec<i64> = tail.iter().filter_map(moment).collect();
    let zone = if timing.form == TimeForm::Instant { Zone::Utc } else { Zone::None };
    let logical = LogicalType::Timestamp { unit: TimeUnit::Microsecond, zone };
    let text = |micros: i64| Cell::Timestamp(micros).text(&logical);
    if let Some(first) = times.first() {
        facts.push(Detail::new("first entry", text(*first), Provenance::Exact));
    }
    if let Some(last) = if is_whole { times.last() } else { late.last() } {
        facts.push(Detail::new("last entry", text(*last), Provenance::Exact));
    }
    let mut steps: Vec<(i64, i64)> =
        times.windows(2).filter_map(|pair| Some((*pair.first()?, *pair.get(1)?))).collect();
    steps.extend(late.windows(2).filter_map(|pair| Some((*pair.first()?, *pair.get(1)?))));
    if let Some((from, to)) =
        steps.iter().max_by_key(|(from, to)| to.saturating_sub(*from)).filter(|(from, to)| to > from)
    {
        let gap = seconds_text(to.saturating_sub(*from) as f64 / 1e6);
        facts.push(Detail::new("longest silence seen", format!("{gap} after {}", text(*from)), looked()));
    }
    let back: Vec<&(i64, i64)> = steps.iter().filter(|(from, to)| to < from).collect();
    if let Some((from, to)) = back.first() {
        let many = format!(
            "{} time(s) in what was looked at, first from {} to {}",
            back.len(),
            text(*from),
            text(*to)
        );
        facts.push(Detail::new("clock goes back", many, looked()));
    }
    facts
}

fn template_facts(written: &Written, lines: &[&str]) -> Vec<Detail> {
    const SHOWN: usize = 3;
    let mut miner = Miner::default();
    for (number, line) in (0..).zip(lines) {
        miner.add(written.message(line), number, None);
    }
    let found = miner.sorted();
    let looked = || Provenance::Sampled { n: 2, design: "first and last window".to_owned() };
    let mut facts =
        vec![Detail::new("line templates", format!("{} seen", count_text(found.len() as u64)), looked())];
    for template in found.iter().take(SHOWN).filter(|template| template.lines > 1) {
        let share = template.lines as f64 / lines.len().max(1) as f64 * 100.0;
        facts.push(Detail::new(format!("template of {share:.0} % of the lines"), template.text(), looked()));
    }
    facts
}

fn template_schema(written: &Written) -> Schema {
    let mut fields = vec![
        Field::new("template", LogicalType::Text),
        Field::new("lines", LogicalType::INT64),
        Field::new("first line", LogicalType::INT64),
        Field::new("last line", LogicalType::INT64),
    ];
    if let Some(time) =
        written.schema().fields.into_iter().find(|field| field.name == "time" && field.logical.is_temporal())
    {
        fields.push(Field { name: "first time".to_owned(), ..time.clone() });
        fields.push(Field { name: "last time".to_owned(), ..time });
    }
    fields.push(Field::new("example", LogicalType::Text));
    Schema::new(fields)
}

/// Lines on their way to rows.
struct Reading<'r> {
    file: &'r FileInput,
    ask: &'r Ask,
    encoding: TextEncoding,
    start: u64,
    written: &'r Written,
}

impl Reading<'_> {
    fn from(&self, row: u64, known: Place, out: &mut RowsOut<'_>) -> Result<()> {
        let (mut number, place) = match known.byte {
            Some(byte) => (known.row, byte),
            None => (0, self.start),
        };
        let stream = self.file.stream(place, None, u64::MAX).map_err(|error| broken(&error))?;
        let mut lines = Lines::new(stream, self.encoding, place);
        let mut before: Option<i64> = None;
        let mut clock = Clock::default();
        while let Some(line) = lines.next().map_err(|error| broken(&error))? {
            let at = Place { row: number, byte: Some(line.place) };
            number += 1;
            if at.row < row {
                if at.row >= known.row {
                    out.passed(1);
                }
                if at.row.is_multiple_of(4096) {
                    out.tick()?;
                }
                continue;
            }
            let (cells, micros) = self.cells(&line, at.row, out);
            clock.step(before, micros, at.row);
            before = micros.or(before);
            if out.row(at, cells)? == Flow::Enough {
                clock.tell(out);
                return Ok(());
            }
            self.tell(&line, at.row, out);
        }
        clock.tell(out);
        Ok(())
    }

    fn windows(&self, count: u64, rows: u64, seed: u64, out: &mut RowsOut<'_>) -> Result<()> {
        let bytes = self.file.len().saturating_sub(self.start);
        let mut dice = Dice::new(seed);
        let mut places: Vec<u64> = (0..count).map(|_| self.start + dice.below(bytes.max(1))).collect();
        places.sort_unstable();
        let mut done = self.start;
        for place in places {
            let stream = self.file.stream(place, None, u64::MAX).map_err(|error| broken(&error))?;
            let mut lines = Lines::new(stream, self.encoding, place);
            // The line that the place lies in belongs to the window before.
            if place > self.start {
                lines.next().map_err(|error| broken(&error))?;
            }
            for _ in 0..rows {
                let Some(line) = lines.next().map_err(|error| broken(&error))? else { break };
                if line.place < done {
                    continue;
                }
                done = line.place + 1;
                let (cells, _) = self.cells(&line, 0, out);
                if out.row(Place { row: 0, byte: None }, cells)? == Flow::Enough {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn cells(&self, line: &Line, number: u64, out: &mut RowsOut<'_>) -> (Vec<Cell>, Option<i64>) {
        let (mut cells, micros) = match text_of(self.encoding, &line.bytes) {
            Some(text) => self.written.cells(&text),
            None => {
                out.lost(
                    format!("line {}", number + 1),
                    "lines with bytes that the encoding does not allow, kept as bytes",
                    1,
                );
                let mut cells = vec![Cell::Null; self.ask.table.schema.fields.len().saturating_sub(1)];
                cells.push(Cell::Invalid(line.bytes.clone()));
                (cells, None)
            }
        };
        let chosen = self.ask.columns.iter().map(|column| {
            cells.get_mut(*column).map_or(Cell::Missing, |cell| std::mem::replace(cell, Cell::Null))
        });
        let is_plain = self.ask.columns.windows(2).all(|pair| pair.first() < pair.get(1));
        let chosen = if is_plain {
            chosen.collect()
        } else {
            // A column asked for twice is given twice.
            let again = text_of(self.encoding, &line.bytes)
                .map(|text| self.written.cells(&text).0)
                .unwrap_or_default();
            self.ask.columns.iter().map(|column| again.get(*column).cloned().unwrap_or(Cell::Null)).collect()
        };
        (chosen, micros)
    }

    fn tell(&self, line: &Line, number: u64, out: &mut RowsOut<'_>) {
        if line.beyond > 0 {
            out.lost(
                format!("line {}", number + 1),
                "bytes beyond the longest line kept (1 MiB)",
                line.beyond,
            );
        }
    }
}

/// Whether time goes on from line to line.
#[derive(Debug, Default)]
struct Clock {
    back: u64,
    first: Option<u64>,
}

impl Clock {
    fn step(&mut self, before: Option<i64>, now: Option<i64>, line: u64) {
        if let (Some(before), Some(now)) = (before, now)
            && now < before
        {
            self.back += 1;
            self.first.get_or_insert(line);
        }
    }

    fn tell(&self, out: &mut RowsOut<'_>) {
        if let Some(first) = self.first {
            out.disagrees(
                "order of the lines",
                "a log is written in the order of time",
                format!(
                    "{} line(s) are earlier than the one before, first line {}",
                    count_text(self.back),
                    first + 1
                ),
            );
        }
    }
}

fn templates(
    file: &FileInput,
    ask: &Ask,
    encoding: TextEncoding,
    start: u64,
    written: &Written,
    out: &mut RowsOut<'_>,
) -> Result<()> {
    let Stretch::From { row, .. } = ask.stretch else { return Err(out.no_such_stretch()) };
    let stream = file.stream(start, None, u64::MAX).map_err(|error| broken(&error))?;
    let mut lines = Lines::new(stream, encoding, start);
    let mut miner = Miner::default();
    let mut number = 0;
    while let Some(line) = lines.next().map_err(|error| broken(&error))? {
        let text = String::from_utf8_lossy(&line.bytes);
        let micros = written.timing.and_then(|timing| timing.of(&text)).and_then(|(_, micros, _)| micros);
        miner.add(written.message(&text), number, micros);
        number += 1;
        if number.is_multiple_of(1024) {
            out.tick()?;
            if out.is_spent() {
                out.lost(
                    format!("after line {number}"),
                    "lines beyond the budget, not counted in the templates",
                    1,
                );
                break;
            }
        }
    }
    out.lost("templates", "lines of shapes beyond the 2,000 kept", miner.others);
    let has_time = ask.table.schema.fields.iter().any(|field| field.name == "first time");
    for (at, template) in (0_u64..).zip(miner.sorted()) {
        let int = |value: u64| i64::try_from(value).map_or(Cell::Null, Cell::Int);
        let time = |micros: Option<i64>| micros.map_or(Cell::Null, Cell::Timestamp);
        let mut cells = vec![
            Cell::Text(template.text()),
            int(template.lines),
            int(template.first + 1),
            int(template.last + 1),
        ];
        if has_time {
            cells.extend([time(template.since), time(template.until)]);
        }
        cells.push(Cell::Text(template.example.clone()));
        if at < row {
            out.passed(1);
            continue;
        }
        let chosen =
            ask.columns.iter().map(|column| cells.get(*column).cloned().unwrap_or(Cell::Missing)).collect();
        if out.row(Place { row: at, byte: None }, chosen)? == Flow::Enough {
            break;
        }
    }
    Ok(())
}

fn journal_outline(file: &FileInput, seen: &Seen) -> Outline {
    let mut outline = Outline::new(file.len(), file.packing());
    let mut entries = Entries::new(seen.head.as_slice(), 0);
    let mut fields: Vec<String> = Vec::new();
    let (mut rows, mut end) = (0, 0);
    // The last entry of a window may be cut.
    while let Ok(Some(entry)) = entries.next() {
        rows += 1;
        end = entry.place;
        for (name, _) in &entry.fields {
            if fields.len() < MOST_FIELDS && !fields.contains(name) {
                fields.push(name.clone());
            }
        }
    }
    fields.sort_by_key(|name| (!is_leading(name), name.clone()));
    let mut table = Table::new(Vec::new(), NodeKind::File, journal_schema(&fields));
    table.facts.push(Detail::new("written as", "export of the systemd journal", Provenance::Exact));
    if seen.is_whole {
        table.rows = Some(RowCount::exact(rows, "the file was read to its end"));
    } else if rows > 1 {
        let row_bytes = end as f64 / (rows - 1) as f64;
        if file.packing() == Packing::Plain {
            table.rows = spread(&[1.0 / row_bytes.max(1.0)], file.len() as f64).map(|(rows, _)| rows);
            table.cost = Cost::Sequence { start: 0, end: file.len(), row_bytes, block_bytes: WINDOW_BYTES };
        }
    }
    table.state = serde_json::to_value(State::Journal { fields }).unwrap_or_default();
    outline.tables.push(table);
    outline
}

/// Fields that say when, who and what.
fn is_leading(name: &str) -> bool {
    ["__REALTIME_TIMESTAMP", "PRIORITY", "_HOSTNAME", "SYSLOG_IDENTIFIER", "_SYSTEMD_UNIT", "_PID", "MESSAGE"]
        .contains(&name)
}

fn journal_schema(fields: &[String]) -> Schema {
    let field = |name: &String| match name.as_str() {
        "__REALTIME_TIMESTAMP" => {
            Field::new(name.clone(), LogicalType::Timestamp { unit: TimeUnit::Microsecond, zone: Zone::Utc })
                .native("microseconds since 1970")
        }
        _ => Field::new(name.clone(), LogicalType::Text),
    };
    let rest = Field::new("(other fields)", LogicalType::Json);
    Schema::new(fields.iter().map(field).chain([rest]).collect())
}

fn entries(file: &FileInput, ask: &Ask, fields: &[String], out: &mut RowsOut<'_>) -> Result<()> {
    let Stretch::From { row, known } = ask.stretch else { return Err(out.no_such_stretch()) };
    let (mut number, place) = known.byte.map_or((0, 0), |byte| (known.row, byte));
    let stream = file.stream(place, None, u64::MAX).map_err(|error| broken(&error))?;
    let mut entries = Entries::new(BufReader::with_capacity(64 << 10, stream), place);
    while let Some(entry) = entries.next().map_err(|error| broken(&error))? {
        let at = Place { row: number, byte: Some(entry.place) };
        number += 1;
        if at.row < row {
            if at.row >= known.row {
                out.passed(1);
            }
            continue;
        }
        out.lost(
            format!("entry {}", at.row + 1),
            "lines that are no field, or values beyond 1 MiB",
            entry.strange,
        );
        let cells = journal_cells(fields, entry.fields);
        let chosen =
            ask.columns.iter().map(|column| cells.get(*column).cloned().unwrap_or(Cell::Missing)).collect();
        if out.row(at, chosen)? == Flow::Enough {
            return Ok(());
        }
    }
    Ok(())
}

fn journal_cells(fields: &[String], entry: Vec<(String, Vec<u8>)>) -> Vec<Cell> {
    let mut cells = vec![Cell::Missing; fields.len()];
    let mut rest: Vec<(String, serde_json::Value)> = Vec::new();
    for (name, value) in entry {
        let cell = match String::from_utf8(value) {
            Ok(text) if name == "__REALTIME_TIMESTAMP" => {
                text.parse().map_or(Cell::Text(text), Cell::Timestamp)
            }
            Ok(text) => Cell::Text(text),
            Err(error) => Cell::Invalid(error.into_bytes()),
        };
        let at = fields.iter().position(|known| *known == name).and_then(|at| cells.get_mut(at));
        match at {
            Some(place) if *place == Cell::Missing => *place = cell,
            _ => rest.push((name, serde_json::Value::String(cell.text(&LogicalType::Text)))),
        }
    }
    cells.push(match rest.is_empty() {
        true => Cell::Null,
        false => {
            let pair = |(name, value): &(String, serde_json::Value)| {
                format!("{}:{value}", serde_json::Value::from(name.as_str()))
            };
            Cell::Json(format!("{{{}}}", rest.iter().map(pair).collect::<Vec<_>>().join(",")))
        }
    });
    cells
}
