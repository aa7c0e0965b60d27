//! Rows of a JSON file, in the worker: from the last known place before them, value by value.

use std::collections::HashMap;
use std::io::Read;
use std::sync::Arc;

use serde_json::value::RawValue;

use super::look::{self, Shape, VALUE};
use super::scan::{Cut, MOST_VALUE_BYTES, Scanner, checked, no_json, unexpected};
use crate::job::Flow;
use crate::kit::dice::Dice;
use crate::kit::files::{
    Ask, Cost, FileInput, FileReader, Outline, Packing, Place, RowCount, RowsOut, Stretch, Table, broken,
};
use crate::kit::json::{self, MOST_DEPTH, Pairs};
use crate::model::cell::Cell;
use crate::model::schema::LogicalType;
use crate::model::units::bytes_text;
use crate::model::{Error, ErrorKind, Result};

/// Bytes read at a time by a look at a few rows, and by a pass.
const LOOK_BLOCK: usize = 64 << 10;
const PASS_BLOCK: usize = 1 << 20;
/// Bytes that a packed file may give out in a look beyond the place where it starts.
const PACKED_LOOK_BYTES: u64 = 64 << 20;
/// A line of a window is looked for within this.
const SYNC_BYTES: usize = 1 << 20;

/// The reader of this format.
pub struct Json;

impl FileReader for Json {
    fn id(&self) -> &'static str {
        super::ID
    }

    fn look(&self, file: &Arc<FileInput>, _settings: &serde_json::Value) -> Result<Outline> {
        look::look(file)
    }

    fn rows(&self, file: &Arc<FileInput>, ask: &Ask, out: &mut RowsOut<'_>) -> Result<()> {
        let shape: Shape = serde_json::from_value(ask.table.state.clone())
            .map_err(|error| Error::unexpected("read", format!("the shape of a table: {error}")))?;
        let mut rows = Rows { maker: Maker::new(ask), out };
        match &ask.stretch {
            Stretch::From { row, known } => rows.from(file, ask, &shape, (*row, *known)),
            Stretch::ByteWindows { count, rows: each, seed } if shape == Shape::Sequence => {
                rows.windows(file, ask, (*count, *each, *seed))
            }
            _ => Err(rows.out.no_such_stretch()),
        }
    }

    fn count(
        &self,
        file: &Arc<FileInput>,
        table: &Table,
        _settings: &serde_json::Value,
        most_bytes: u64,
    ) -> Result<Option<(RowCount, f64)>> {
        if file.packing() != Packing::Plain {
            return Ok(None);
        }
        look::count(file, table, most_bytes)
    }
}

/// Makes cells of values.
struct Maker<'a> {
    place: HashMap<&'a str, Vec<usize>>,
    types: Vec<&'a LogicalType>,
    known: HashMap<&'a str, ()>,
}

impl<'a> Maker<'a> {
    fn new(ask: &'a Ask) -> Self {
        let fields: Vec<_> =
            ask.columns.iter().filter_map(|column| ask.table.schema.fields.get(*column)).collect();
        let mut place: HashMap<&str, Vec<usize>> = HashMap::new();
        for (at, field) in fields.iter().enumerate() {
            place.entry(field.name.as_str()).or_default().push(at);
        }
        Self {
            place,
            types: fields.iter().map(|field| &field.logical).collect(),
            known: ask.table.schema.fields.iter().map(|field| (field.name.as_str(), ())).collect(),
        }
    }

    /// The cells of a row, and how many of its keys are no columns.
    fn cells(&self, value: &RawValue) -> (Vec<Cell>, u64) {
        let mut cells = vec![Cell::Missing; self.types.len()];
        let mut unknown = 0;
        let Some(Pairs(pairs)) = Pairs::of(value) else {
            unknown += self.put(&mut cells, VALUE, &[value]);
            return (cells, unknown);
        };
        for (index, (key, value)) in pairs.iter().enumerate() {
            let is_doubled = pairs.iter().enumerate().any(|(other, (name, _))| other != index && name == key);
            if !is_doubled {
                unknown += self.put(&mut cells, key, &[value]);
            } else if pairs.iter().position(|(name, _)| name == key) == Some(index) {
                let all: Vec<&RawValue> =
                    pairs.iter().filter(|(name, _)| name == key).map(|(_, value)| *value).collect();
                unknown += self.put(&mut cells, key, &all);
            }
        }
        (cells, unknown)
    }

    /// Puts the values of a key; 1 where it is no column.
    fn put(&self, cells: &mut [Cell], key: &str, values: &[&RawValue]) -> u64 {
        let Some(places) = self.place.get(key) else {
            return u64::from(!self.known.contains_key(key));
        };
        for place in places {
            let (Some(cell), Some(logical)) = (cells.get_mut(*place), self.types.get(*place)) else {
                continue;
            };
            *cell = match values {
                [one] => json::cell(one.get(), logical),
                several => json::pairs(key, several),
            };
        }
        0
    }
}

/// Rows on their way.
struct Rows<'a, 'o, 'r> {
    maker: Maker<'a>,
    out: &'o mut RowsOut<'r>,
}

impl Rows<'_, '_, '_> {
    fn from(&mut self, file: &FileInput, ask: &Ask, shape: &Shape, (row, known): (u64, Place)) -> Result<()> {
        let is_look = !ask.is_pass() && ask.most_rows.is_some_and(|rows| rows <= 10_000);
        let block = if is_look { LOOK_BLOCK } else { PASS_BLOCK };
        let start = known.byte.unwrap_or(0);
        let most = match file.packing() {
            Packing::Plain => u64::MAX,
            _ if is_look => start.saturating_add(wanted_bytes(ask, row)).saturating_add(PACKED_LOOK_BYTES),
            _ => u64::MAX,
        };
        let stream = file.stream(start, None, most).map_err(|error| broken(&error))?;
        let mut scanner = Scanner::new(stream, start, block);
        if known.byte.is_none() {
            scanner.pass_mark()?;
        }
        let mut at = known.row;
        match shape {
            Shape::Document => {
                scanner.blank()?;
                let (place, cut) = (scanner.place(), scanner.value()?);
                if row == 0 {
                    self.give(Place { row: 0, byte: Some(place) }, &cut, place)?;
                }
                Ok(())
            }
            Shape::Sequence => self.sequence(&mut scanner, row, &mut at),
            Shape::Array(path) => {
                if known.byte.is_none() {
                    enter(&mut scanner, path)?;
                }
                self.items(&mut scanner, row, &mut at, path.is_empty())
            }
        }
    }

    /// Values one after the other. A line that is no JSON is a row of its own, told as lost.
    fn sequence<R: Read>(&mut self, scanner: &mut Scanner<R>, row: u64, at: &mut u64) -> Result<()> {
        while scanner.blank()?.1.is_some() {
            let place = scanner.place();
            let flow = match scanner.value().and_then(|cut| check(cut, place)) {
                Ok(cut) => self.pass(&cut, place, row, at)?,
                Err(error) if error.kind == ErrorKind::Decode => {
                    if scanner.place() == place && scanner.peek()?.is_none() {
                        return Err(error);
                    }
                    scanner.pass_line()?;
                    if *at >= row {
                        self.out.lost(format!("row {}", *at + 1), "lines that are no JSON, left out", 1);
                    }
                    Flow::More
                }
                Err(error) => return Err(error),
            };
            if flow == Flow::Enough {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Items of an array, from the next one on.
    fn items<R: Read>(
        &mut self,
        scanner: &mut Scanner<R>,
        row: u64,
        at: &mut u64,
        is_file: bool,
    ) -> Result<()> {
        if scanner.blank()?.1 == Some(b']') && *at == 0 {
            scanner.next()?;
            return Ok(());
        }
        loop {
            scanner.blank()?;
            let place = scanner.place();
            let cut = check(scanner.value()?, place)?;
            if self.pass(&cut, place, row, at)? == Flow::Enough {
                return Ok(());
            }
            match scanner.blank()?.1 {
                Some(b',') => {
                    scanner.next()?;
                }
                Some(b']') => {
                    scanner.next()?;
                    if is_file && let (_, Some(_)) = scanner.blank()? {
                        let rest = format!("byte {}", scanner.place());
                        self.out.lost(rest, "what follows the array is left out", 1);
                    }
                    return Ok(());
                }
                Some(byte) => return Err(unexpected(scanner.place(), byte)),
                None => return Err(no_json(place, "the file ends inside the array")),
            }
        }
    }

    /// Passes over a row, or gives it.
    fn pass(&mut self, cut: &Cut, place: u64, row: u64, at: &mut u64) -> Result<Flow> {
        let here = *at;
        *at += 1;
        if here < row {
            self.out.passed(1);
            if here.is_multiple_of(1024) {
                self.out.tick()?;
            }
            return Ok(Flow::More);
        }
        self.give(Place { row: here, byte: Some(place) }, cut, place)
    }

    fn give(&mut self, at: Place, cut: &Cut, place: u64) -> Result<Flow> {
        let Cut::Whole(bytes) = cut else {
            let why = format!("values longer than {}, left out", bytes_text(MOST_VALUE_BYTES as f64));
            self.out.lost(format!("row {}", at.row + 1), why, 1);
            self.out.passed(1);
            return Ok(Flow::More);
        };
        let value = checked(bytes, place)?;
        let (cells, unknown) = self.maker.cells(value);
        let deep = cells.iter().any(|cell| matches!(cell, Cell::Invalid(_)));
        let flow = self.out.row(at, cells)?;
        if flow == Flow::More {
            let here = || format!("row {}", at.row + 1);
            self.out.lost(
                here(),
                "values of keys that the first look did not meet, so that they are no columns",
                unknown,
            );
            if deep {
                self.out.lost(
                    here(),
                    format!("values nested deeper than {MOST_DEPTH} levels, kept as bytes"),
                    1,
                );
            }
        }
        Ok(flow)
    }

    /// Rows at places spread over a file by chance.
    fn windows(&mut self, file: &FileInput, ask: &Ask, (count, each, seed): (u64, u64, u64)) -> Result<()> {
        let Cost::Sequence { start, end, .. } = ask.table.cost else {
            return Err(self.out.no_such_stretch());
        };
        let part = end.saturating_sub(start) / count.max(1);
        let needed = (wanted_bytes(ask, 0) / count.max(1)).min(part);
        let mut dice = Dice::new(seed);
        let mut given = 0_u64;
        for number in 0..count {
            let place = start + part * number + dice.below(part.saturating_sub(needed) + 1);
            let stop = start + part * (number + 1);
            let stream = file.stream(place, None, u64::MAX).map_err(|error| broken(&error))?;
            let mut scanner = Scanner::new(stream, place, 16 << 10);
            if place > start {
                let mut looked = 0;
                while looked < SYNC_BYTES && !matches!(scanner.next()?, Some(b'\n') | None) {
                    looked += 1;
                }
            }
            for _ in 0..each {
                if scanner.blank()?.1.is_none() || scanner.place() >= stop {
                    break;
                }
                let place = scanner.place();
                match scanner.value().and_then(|cut| check(cut, place)) {
                    Ok(cut) => {
                        given += 1;
                        if self.give(Place { row: given, byte: None }, &cut, place)? == Flow::Enough {
                            return Ok(());
                        }
                    }
                    Err(_no_json) => {
                        self.out.lost(format!("byte {place}"), "lines that are no JSON, left out", 1);
                        scanner.pass_line()?;
                    }
                }
            }
            self.out.tick()?;
        }
        Ok(())
    }
}

/// A cut value that is JSON.
fn check(cut: Cut, place: u64) -> Result<Cut> {
    if let Cut::Whole(bytes) = &cut {
        checked(bytes, place)?;
    }
    Ok(cut)
}

/// About how many bytes the rows wanted take.
fn wanted_bytes(ask: &Ask, skipped: u64) -> u64 {
    let rows = ask.most_rows.unwrap_or(0).saturating_add(skipped) as f64;
    match ask.table.cost {
        Cost::Sequence { row_bytes, .. } => (2.0 * rows * row_bytes) as u64,
        _ => 0,
    }
}

/// Goes to the first item of the array at a path of keys.
fn enter<R: Read>(scanner: &mut Scanner<R>, path: &[String]) -> Result<()> {
    for wanted in path {
        scanner.blank()?;
        let open = scanner.place();
        match scanner.next()? {
            Some(b'{') => {}
            _ => return Err(no_json(open, "an object was expected")),
        }
        scanner.blank()?;
        while scanner.key()? != *wanted {
            scanner.value()?;
            match scanner.blank()?.1 {
                Some(b',') => {
                    scanner.next()?;
                    scanner.blank()?;
                }
                _ => return Err(no_json(open, &format!("its key {wanted:?} is not there any more"))),
            }
        }
    }
    scanner.blank()?;
    let open = scanner.place();
    match scanner.next()? {
        Some(b'[') => Ok(()),
        _ => Err(no_json(open, "an array was expected")),
    }
}
