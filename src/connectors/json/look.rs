//! The first look: how the file is built, which tables it has, what their columns hold, about how many rows there are.

use std::collections::HashMap;
use std::io::Read as _;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::paths::Paths;
use super::scan::{Cut, Scanner, checked, no_json, unexpected};
use crate::kit::files::stretch::{self, Stretch};
use crate::kit::files::{Cost, FileInput, Outline, Packing, RowCount, Table, Windows, broken};
use crate::kit::json::{Kinds, Pairs};
use crate::model::load::Provenance;
use crate::model::node::NodeKind;
use crate::model::schema::{Field, Schema};
use crate::model::{Error, ErrorKind, Result};

const HEAD_BYTES: usize = 256 << 10;
/// A first value that is longer is looked at up to here.
const WIDEST_HEAD: usize = 4 << 20;
const WINDOW_BYTES: usize = 48 << 10;
const COUNT_WINDOW: u64 = 64 << 10;
const MOST_ROWS: u64 = 2000;
const MOST_COLUMNS: usize = 4096;
/// Levels of objects below a document that are looked through for arrays of rows.
const MOST_LEVELS: usize = 4;
const MOST_TABLES: usize = 200;
/// The column of rows that are no objects.
pub(super) const VALUE: &str = "value";

/// How the rows of a table lie in the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Shape {
    /// The whole file is one value that is one row.
    Document,
    /// Values one after the other.
    Sequence,
    /// Items of the array at this path of keys; the file itself is the array where the path is empty.
    Array(Vec<String>),
}

/// What is known of a table's columns while values are seen.
#[derive(Default)]
pub(super) struct Columns {
    names: Vec<String>,
    kinds: Vec<Kinds>,
    seen: Vec<u64>,
    place: HashMap<String, usize>,
    rows: u64,
    left_out: u64,
}

impl Columns {
    fn add(&mut self, value: &RawValue) {
        self.rows += 1;
        match Pairs::of(value) {
            Some(Pairs(pairs)) => {
                for (key, value) in pairs {
                    self.key(key, value.get());
                }
            }
            None => self.key(VALUE.to_owned(), value.get()),
        }
    }

    fn key(&mut self, key: String, raw: &str) {
        let place = match self.place.get(&key) {
            Some(place) => *place,
            None if self.names.len() < MOST_COLUMNS => {
                self.place.insert(key.clone(), self.names.len());
                self.names.push(key);
                self.kinds.push(Kinds::default());
                self.seen.push(0);
                self.names.len() - 1
            }
            None => {
                self.left_out += 1;
                return;
            }
        };
        if let (Some(kinds), Some(seen)) = (self.kinds.get_mut(place), self.seen.get_mut(place)) {
            kinds.add(Kinds::of(raw));
            *seen += 1;
        }
    }

    fn schema(&self) -> Schema {
        let fields = self.names.iter().zip(&self.kinds).zip(&self.seen).map(|((name, kinds), seen)| {
            let note = (*seen < self.rows).then(|| format!("in {seen} of {} rows looked at", self.rows));
            Field { note, ..Field::new(name, kinds.logical()).native(kinds.native()) }
        });
        Schema::new(fields.collect())
    }
}

/// The beginning of the file, unpacked.
struct Head {
    bytes: Vec<u8>,
    whole: bool,
}

fn head(file: &FileInput, most: usize) -> Result<Head> {
    let mut bytes = Vec::new();
    let read = file
        .stream(0, None, u64::MAX)
        .and_then(|stream| stream.take(most as u64 + 1).read_to_end(&mut bytes));
    match read {
        Ok(_) => {}
        // A damaged package shows what it has; reading it says that it ends early.
        Err(error) if bytes.is_empty() => return Err(broken(&error)),
        Err(_) => return Ok(Head { bytes, whole: false }),
    }
    let whole = bytes.len() <= most;
    bytes.truncate(most);
    Ok(Head { bytes, whole })
}

/// Looks at a file.
pub(super) fn look(file: &Arc<FileInput>) -> Result<Outline> {
    let mut head = head_with_a_value(file)?;
    if !head.whole && file.packing() == Packing::Plain && head.bytes.len() as u64 == file.len() {
        head.whole = true;
    }
    refuse_other_text(&head.bytes)?;
    let mut scanner = Scanner::new(head.bytes.as_slice(), 0, HEAD_BYTES);
    scanner.pass_mark()?;
    let (_, first) = scanner.blank()?;
    let start = scanner.place();
    let mut outline = Outline::new(file.len(), file.packing());
    outline.fact("packed with", file.packing().word());
    match first {
        None if head.whole => return Err(no_json(start, "the file holds no value")),
        Some(b'[') => array(file, &head, start, &mut outline)?,
        _ => values(file, &head, start, &mut outline)?,
    }
    Ok(outline)
}

/// As much of the beginning as holds a first value, within limits.
fn head_with_a_value(file: &FileInput) -> Result<Head> {
    let mut most = HEAD_BYTES;
    loop {
        let head = head(file, most)?;
        if head.whole || most >= WIDEST_HEAD {
            return Ok(head);
        }
        let mut scanner = Scanner::new(head.bytes.as_slice(), 0, HEAD_BYTES);
        scanner.pass_mark()?;
        let mut is_enough = false;
        if scanner.blank()?.1 == Some(b'[') {
            scanner.next()?;
            scanner.blank()?;
        }
        is_enough |= scanner.value().is_ok();
        if is_enough {
            return Ok(head);
        }
        most *= 4;
    }
}

fn refuse_other_text(head: &[u8]) -> Result<()> {
    let other = match head {
        [0xFF, 0xFE, ..] | [b'{' | b'[' | b'"', 0, ..] => Some("UTF-16, little end first"),
        [0xFE, 0xFF, ..] | [0, b'{' | b'[' | b'"', ..] => Some("UTF-16, big end first"),
        _ => None,
    };
    match other {
        None => Ok(()),
        Some(encoding) => Err(Error::new(
            ErrorKind::Unsupported,
            "connect",
            format!("this JSON is written in {encoding}; the standard asks for UTF-8"),
        )
        .hint("convert it to UTF-8 first")),
    }
}

/// A file that begins with an array: its items are the rows.
fn array(file: &FileInput, head: &Head, start: u64, outline: &mut Outline) -> Result<()> {
    let mut scanner = Scanner::new(head.bytes.get(start as usize..).unwrap_or_default(), start, HEAD_BYTES);
    let mut seen = Seen::default();
    let ended = items(&mut scanner, &mut seen, u64::MAX);
    match ended {
        Ok(true) => {
            let (_, rest) = scanner.blank()?;
            if let Some(byte) = rest {
                return Err(unexpected(scanner.place(), byte));
            }
        }
        Ok(false) => {}
        Err(error) if head.whole => return Err(error),
        // The window ends inside a value.
        Err(_) => {}
    }
    let whole = head.whole;
    outline.fact("shape", "an array; its items are the rows");
    let end = unpacked_len(file, head);
    let mut table = table(Vec::new(), &seen, Shape::Array(Vec::new()), (start, end))?;
    table.rows = rows_of(&seen, whole, start, end);
    table.facts = seen.paths.facts();
    outline.tables.push(table);
    Ok(())
}

/// Values seen in a window.
#[derive(Default)]
struct Seen {
    columns: Columns,
    paths: Paths,
    rows: u64,
    bytes: u64,
}

impl Seen {
    fn add(&mut self, cut: &Cut, place: u64, bytes: u64) -> Result<()> {
        self.rows += 1;
        self.bytes += bytes;
        if let Cut::Whole(value) = cut {
            let value = checked(value, place)?;
            if self.columns.rows < MOST_ROWS {
                self.columns.add(value);
                self.paths.add(value);
            }
        }
        Ok(())
    }
}

/// Sees the items of the array that begins here; whether its end was reached.
fn items<R: std::io::Read>(scanner: &mut Scanner<R>, seen: &mut Seen, most: u64) -> Result<bool> {
    let open = scanner.place();
    if scanner.next()? != Some(b'[') {
        return Err(no_json(open, "an array was expected"));
    }
    let mut is_first = true;
    loop {
        let (_, next) = scanner.blank()?;
        match next {
            None => return Err(no_json(open, "the file ends inside it")),
            Some(b']') => {
                if !is_first {
                    // Reached after a comma only if the comma had no item.
                    return Err(unexpected(scanner.place(), b']'));
                }
                scanner.next()?;
                return Ok(true);
            }
            Some(_) => {}
        }
        let place = scanner.place();
        let cut = scanner.value()?;
        seen.add(&cut, place, scanner.place() - place + 1)?;
        is_first = false;
        match scanner.blank()?.1 {
            Some(b',') => {
                scanner.next()?;
            }
            Some(b']') => {
                scanner.next()?;
                return Ok(true);
            }
            Some(byte) => return Err(unexpected(scanner.place(), byte)),
            None => return Err(no_json(open, "the file ends inside it")),
        }
        if seen.rows >= most {
            return Ok(false);
        }
    }
}

/// A file that begins with anything else: values one after the other, or one document.
fn values(file: &FileInput, head: &Head, start: u64, outline: &mut Outline) -> Result<()> {
    let mut scanner = Scanner::new(head.bytes.get(start as usize..).unwrap_or_default(), start, HEAD_BYTES);
    let first = scanner.value();
    let cut = match first {
        Ok(cut) => cut,
        Err(error) if head.whole => return Err(error),
        // The first value is longer than what is looked at: a document.
        Err(_) => return document(file, head, start, None, outline),
    };
    let end_of_first = scanner.place();
    let (has_line, next) = scanner.blank()?;
    let is_object = head.bytes.get(start as usize) == Some(&b'{');
    match next {
        None if head.whole => return document(file, head, start, Some(&cut), outline),
        None | Some(_) if has_line => {}
        Some(b'{') if is_object => {}
        Some(byte) => return Err(unexpected(scanner.place(), byte)),
        None => {}
    }
    let mut seen = Seen::default();
    seen.add(&cut, start, end_of_first - start)?;
    let broken_lines = sequence(&mut scanner, &mut seen, head.whole)?;
    let end = unpacked_len(file, head);
    let mut stretches =
        vec![Stretch { rows: seen.rows, bytes: scanner.place().min(head.bytes.len() as u64) - start }];
    if file.packing() == Packing::Plain && !head.whole {
        for place in [file.len() / 2, file.len().saturating_sub(WINDOW_BYTES as u64)] {
            if place > head.bytes.len() as u64 {
                stretches.extend(window(file, place, WINDOW_BYTES, Some(&mut seen))?);
            }
        }
    }
    outline.fact("shape", if has_line { "one value a line" } else { "values one after the other" });
    let mut table = table(Vec::new(), &seen, Shape::Sequence, (start, end))?;
    table.rows = if head.whole {
        Some(RowCount::exact(seen.rows, "all values counted in the first look"))
    } else if file.packing() == Packing::Plain {
        stretch::estimate(&stretches, end - start)
            .map(|found| RowCount::sampled(found.lo, found.mid, found.hi, found.windows))
    } else {
        rows_of(&seen, false, start, end)
    };
    if file.packing() == Packing::Plain && has_line {
        table.windows = Windows::ByByte;
    }
    if broken_lines > 0 {
        table
            .notes
            .push(format!("{broken_lines} of the lines looked at are no JSON; they are shown as they are"));
    }
    table.facts = seen.paths.facts();
    outline.tables.push(table);
    Ok(())
}

/// Sees values one after the other, up to the end of the window; how many lines were no JSON.
fn sequence<R: std::io::Read>(scanner: &mut Scanner<R>, seen: &mut Seen, whole: bool) -> Result<u64> {
    let mut broken_lines = 0;
    while scanner.blank()?.1.is_some() {
        let place = scanner.place();
        let cut = scanner.value();
        let added = match cut {
            Ok(cut) => {
                // The last word of a window may be cut.
                if !whole && scanner.peek()?.is_none() {
                    break;
                }
                seen.add(&cut, place, scanner.place() - place)
            }
            Err(error) => Err(error),
        };
        if added.is_err() {
            if !scanner.pass_line()? && !whole {
                break;
            }
            broken_lines += 1;
        }
    }
    Ok(broken_lines)
}

/// Values of a window out of the middle, from the first line end on.
pub(super) fn window_of(file: &FileInput, place: u64, len: usize) -> Result<Option<Stretch>> {
    window(file, place, len, None)
}

fn window(file: &FileInput, place: u64, len: usize, seen: Option<&mut Seen>) -> Result<Option<Stretch>> {
    let bytes = file.window(place, len).map_err(|error| broken(&error))?;
    let is_last = place + bytes.len() as u64 >= file.len();
    let Some(first) = bytes.iter().position(|byte| *byte == b'\n') else { return Ok(None) };
    let last = if is_last {
        Some(bytes.len())
    } else {
        bytes.iter().rposition(|byte| *byte == b'\n').map(|at| at + 1)
    };
    let Some(text) = last.and_then(|last| bytes.get(first + 1..last)) else { return Ok(None) };
    let mut own = Seen::default();
    let into = seen.unwrap_or(&mut own);
    let before = into.rows;
    let mut scanner = Scanner::new(text, place + first as u64 + 1, HEAD_BYTES);
    let broken_lines = sequence(&mut scanner, into, true)?;
    let rows = into.rows - before + broken_lines;
    Ok((rows > 0).then_some(Stretch { rows, bytes: text.len() as u64 }))
}

/// A better count of the rows of a sequence.
pub(super) fn count(file: &FileInput, table: &Table, most_bytes: u64) -> Result<Option<(RowCount, f64)>> {
    let Cost::Sequence { start, end, .. } = table.cost else { return Ok(None) };
    let bytes = end.saturating_sub(start);
    let windows = (most_bytes / COUNT_WINDOW).min(bytes / COUNT_WINDOW).max(1);
    let mut stretches = Vec::new();
    for number in 0..windows {
        let step = bytes.saturating_sub(COUNT_WINDOW) * number / (windows - 1).max(1);
        stretches.extend(window_of(file, start + step, COUNT_WINDOW as usize)?);
    }
    let rows: u64 = stretches.iter().map(|stretch| stretch.rows).sum();
    let seen: u64 = stretches.iter().map(|stretch| stretch.bytes).sum();
    Ok(stretch::estimate(&stretches, bytes).map(|found| {
        (RowCount::sampled(found.lo, found.mid, found.hi, found.windows), seen as f64 / rows.max(1) as f64)
    }))
}

/// One value that is the whole file: a row of its own, and a table for every array of objects in it.
fn document(
    file: &FileInput,
    head: &Head,
    start: u64,
    cut: Option<&Cut>,
    outline: &mut Outline,
) -> Result<()> {
    let mut seen = Seen::default();
    let mut tables = Vec::new();
    let end = unpacked_len(file, head);
    let is_object = head.bytes.get(start as usize) == Some(&b'{');
    if let Some(cut) = cut {
        seen.add(cut, start, end - start)?;
    }
    if is_object {
        let text = head.bytes.get(start as usize..).unwrap_or_default();
        let mut scanner = Scanner::new(text, start, HEAD_BYTES);
        let mut keys = Vec::new();
        let walked = walk(&mut scanner, &mut Vec::new(), &mut tables, &mut keys);
        if cut.is_none() {
            // Only its beginning was seen: the keys that were met are the columns.
            seen.columns.rows = 1;
            for (key, kind) in keys {
                seen.columns.key(key, kind);
            }
            outline.notes.push(
                "the document is longer than what was looked at: it may have more keys and tables".to_owned(),
            );
        } else {
            walked?;
        }
    }
    outline.fact("shape", "one document");
    let mut own = table(Vec::new(), &seen, Shape::Document, (start, end))?;
    own.rows = Some(RowCount::exact(1, "one document"));
    own.facts = seen.paths.facts();
    own.kind = NodeKind::File;
    outline.tables.push(own);
    for (path, seen, place, complete) in tables {
        let segments = std::iter::once(String::new()).chain(path.iter().cloned()).collect();
        let mut inner = table(segments, &seen, Shape::Array(path), (place, end))?;
        inner.kind = NodeKind::Table;
        inner.rows = if complete {
            Some(RowCount::exact(seen.rows, "all items counted in the first look"))
        } else {
            rows_of(&seen, false, place, end)
        };
        inner.facts = seen.paths.facts();
        outline.tables.push(inner);
    }
    Ok(())
}

type Found = (Vec<String>, Seen, u64, bool);

/// Walks through an object for arrays of objects.
fn walk<R: std::io::Read>(
    scanner: &mut Scanner<R>,
    path: &mut Vec<String>,
    tables: &mut Vec<Found>,
    keys: &mut Vec<(String, &'static str)>,
) -> Result<()> {
    scanner.next()?;
    if scanner.blank()?.1 == Some(b'}') {
        scanner.next()?;
        return Ok(());
    }
    loop {
        let key = scanner.key()?;
        let next = scanner.peek()?;
        if path.is_empty() {
            keys.push((key.clone(), like(next)));
        }
        match next {
            Some(b'{') if path.len() < MOST_LEVELS => {
                path.push(key);
                walk(scanner, path, tables, keys)?;
                path.pop();
            }
            Some(b'[') if tables.len() < MOST_TABLES => {
                let place = scanner.place();
                let mut seen = Seen::default();
                let ended = items(scanner, &mut seen, u64::MAX);
                let mut own = path.clone();
                own.push(key);
                let has_objects = seen.columns.names.iter().any(|name| name != VALUE);
                let is_known = tables.iter().any(|(known, ..)| *known == own);
                if has_objects && !is_known {
                    tables.push((own, seen, place, ended.is_ok()));
                }
                ended?;
            }
            _ => {
                scanner.value()?;
            }
        }
        match scanner.blank()?.1 {
            Some(b',') => {
                scanner.next()?;
                scanner.blank()?;
            }
            Some(b'}') => {
                scanner.next()?;
                return Ok(());
            }
            Some(byte) => return Err(unexpected(scanner.place(), byte)),
            None => return Err(no_json(scanner.place(), "the file ends inside an object")),
        }
    }
}

/// A value of the kind that begins with a byte.
fn like(byte: Option<u8>) -> &'static str {
    match byte {
        Some(b'"') => "\"\"",
        Some(b'{' | b'[') => "{}",
        Some(b't' | b'f') => "true",
        Some(b'n') => "null",
        _ => "0.5",
    }
}

fn unpacked_len(file: &FileInput, head: &Head) -> u64 {
    let hint = || file.unpacked_hint().ok().flatten();
    match file.packing() {
        Packing::Plain => file.len(),
        _ if head.whole => head.bytes.len() as u64,
        _ => hint().unwrap_or(file.len().saturating_mul(5)),
    }
}

/// Rows of what was only seen at its beginning.
fn rows_of(seen: &Seen, whole: bool, start: u64, end: u64) -> Option<RowCount> {
    if whole {
        return Some(RowCount::exact(seen.rows, "all items counted in the first look"));
    }
    if seen.rows == 0 {
        return None;
    }
    let mid = (end.saturating_sub(start)) as f64 * seen.rows as f64 / seen.bytes.max(1) as f64;
    Some(RowCount {
        lo: seen.rows as f64,
        mid: mid.max(seen.rows as f64),
        hi: mid.max(seen.rows as f64) * 5.0,
        provenance: Provenance::Guessed { rule: "rows_like_the_first".to_owned() },
        source: "bytes of the file ÷ bytes of its first rows".to_owned(),
    })
}

fn table(path: Vec<String>, seen: &Seen, shape: Shape, (start, end): (u64, u64)) -> Result<Table> {
    let mut table = Table::new(path, NodeKind::File, seen.columns.schema());
    let row_bytes = if seen.rows == 0 { 0.0 } else { seen.bytes as f64 / seen.rows as f64 };
    table.cost = match shape {
        Shape::Document => Cost::Whole,
        _ => Cost::Sequence { start, end, row_bytes, block_bytes: 64 << 10 },
    };
    if seen.columns.left_out > 0 {
        table.notes.push(format!("more than {MOST_COLUMNS} keys: values of the others are told as lost"));
    }
    table.state = serde_json::to_value(&shape)
        .map_err(|error| Error::unexpected("connect", format!("the shape of a table: {error}")))?;
    Ok(table)
}
