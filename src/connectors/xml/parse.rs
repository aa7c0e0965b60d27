//! The worker's side of a document: which elements repeat, and those elements as rows.

use super::ID;
use super::pieces::{Met, Piece, Pieces, encoding_of, multiplies};
use super::tree::{Columns, Element};
use crate::job::Flow;
use crate::kit::files::{
    Ask, Cost, FileInput, FileParser, FileReader, Outline, Packing, Place, RowCount, RowsOut, Stretch, Table,
    broken,
};
use crate::model::load::Provenance;
use crate::model::lost::Lost;
use crate::model::node::{Detail, NodeKind};
use crate::model::units::count_text;
use crate::model::{Error, ErrorKind, Result};
use encoding_rs::Encoding;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;

/// Bytes of a document that are looked at.
const LOOK_BYTES: u64 = 1 << 20;
/// Rows of a table that are looked at.
const LOOK_ROWS: usize = 500;
const MOST_TABLES: usize = 64;
/// Paths that are told apart in a look.
const MOST_PATHS: usize = 20_000;
const SHOWN_DTD: usize = 400;

/// The reader of documents.
pub struct Documents;

/// The parser of this connector.
pub static PARSER: FileParser<Documents> = FileParser(Documents);

/// What a user fixed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Settings {
    /// The path of the element that is a row, with slashes.
    pub(super) rows: Option<String>,
}

/// What `rows` needs of what `look` found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct State {
    /// Names from the root to the element that is a row.
    path: Vec<String>,
    columns: Columns,
    encoding: String,
}

impl FileReader for Documents {
    fn id(&self) -> &'static str {
        ID
    }

    fn look(&self, file: &Arc<FileInput>, settings: &serde_json::Value) -> Result<Outline> {
        let settings: Settings = serde_json::from_value(settings.clone()).unwrap_or_default();
        let (head, is_whole) = head(file).map_err(|error| broken(&error))?;
        let (encoding, why) = encoding_of(&head);
        let mut outline = Outline::new(file.len(), file.packing());
        outline.fact("encoding", format!("{} ({why})", encoding.name()));
        let shape = Shape::of(&head, encoding, is_whole)?;
        tell(&mut outline, &shape.met);
        let paths = match &settings.rows {
            Some(path) => vec![path.split('/').filter(|name| !name.is_empty()).map(str::to_owned).collect()],
            None => shape.row_paths(),
        };
        let is_only = paths.len() == 1;
        let reach = if is_whole { Reach::Whole } else { Reach::Beginning };
        for path in paths.into_iter().take(MOST_TABLES) {
            let node = if is_only { Vec::new() } else { path.clone() };
            outline.tables.push(table(file, &head, encoding, reach, path, node));
        }
        if let Some(error) = shape.damage {
            let lost = Lost { place: "in what was looked at".to_owned(), why: error.attempted, count: 1 };
            outline.findings.lost(lost);
        }
        Ok(outline)
    }

    fn rows(&self, file: &Arc<FileInput>, ask: &Ask, out: &mut RowsOut<'_>) -> Result<()> {
        let Stretch::From { row, known } = ask.stretch else { return Err(out.no_such_stretch()) };
        let state: State = serde_json::from_value(ask.table.state.clone()).map_err(|error| {
            Error::unexpected("read", format!("the notes of the look are not readable: {error}"))
        })?;
        let encoding = Encoding::for_label(state.encoding.as_bytes()).unwrap_or(encoding_rs::UTF_8);
        let stream = file.stream(0, None, u64::MAX).map_err(|error| broken(&error))?;
        let mut walk = Walk { pieces: Pieces::new(stream, encoding), path: &state.path, open: Vec::new() };
        let places = state.columns.places();
        let mut number = 0;
        let read = loop {
            let element = match walk.next_row() {
                Ok(Some(element)) => element,
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            };
            let at = Place { row: number, byte: None };
            number += 1;
            if at.row < row {
                if at.row >= known.row {
                    out.passed(1);
                }
                if at.row.is_multiple_of(1024) {
                    out.tick()?;
                }
                continue;
            }
            let cells = state.columns.cells(&places, &element);
            let chosen = ask
                .columns
                .iter()
                .map(|column| cells.get(*column).cloned().unwrap_or(crate::model::cell::Cell::Missing));
            if out.row(at, chosen.collect())? == Flow::Enough {
                break Ok(());
            }
        };
        let replaced = walk.pieces.replaced();
        let met = walk.pieces.met;
        out.lost("the document", "comments, left out", met.comments);
        out.lost("the document", "instructions to programs, left out", met.instructions);
        out.lost("the document", "places that the encoding does not allow, shown as U+FFFD", replaced);
        let is_trap = met.dtd.as_deref().is_some_and(multiplies);
        for (name, count) in met.entities {
            let why = if is_trap {
                "entities refused: the DTD's entities multiply each other (billion laughs); shown as written"
            } else {
                "entities that are not expanded, shown as written"
            };
            out.lost(format!("&{name};"), why, count);
        }
        read
    }
}

/// The first bytes of a document, unpacked, and whether they are all of it.
fn head(file: &FileInput) -> std::io::Result<(Vec<u8>, bool)> {
    let mut head = Vec::new();
    let stream = file.stream(0, None, u64::MAX)?;
    let read = stream.take(LOOK_BYTES + 1).read_to_end(&mut head);
    if let Err(error) = read
        && head.is_empty()
    {
        return Err(error);
    }
    let is_whole = head.len() as u64 <= LOOK_BYTES;
    Ok((head, is_whole))
}

/// How much of a document was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    Whole,
    Beginning,
}

/// Which elements there are and how they repeat.
struct Shape {
    met: Met,
    /// By path: how often, and how many beside each other at most.
    paths: BTreeMap<Vec<String>, (u64, u64)>,
    /// What ended the walk before the end.
    damage: Option<Error>,
}

impl Shape {
    fn of(head: &[u8], encoding: &'static Encoding, is_whole: bool) -> Result<Self> {
        let mut pieces = Pieces::new(head, encoding);
        let mut paths: BTreeMap<Vec<String>, (u64, u64)> = BTreeMap::new();
        let mut open: Vec<String> = Vec::new();
        let mut siblings: Vec<BTreeMap<String, u64>> = vec![BTreeMap::new()];
        let end = loop {
            match pieces.next() {
                Ok(Piece::Start(name, _)) => {
                    let beside = siblings.last_mut().map_or(1, |counts| {
                        let count = counts.entry(name.clone()).or_default();
                        *count += 1;
                        *count
                    });
                    open.push(name);
                    siblings.push(BTreeMap::new());
                    if paths.len() < MOST_PATHS || paths.contains_key(&open) {
                        let found = paths.entry(open.clone()).or_default();
                        found.0 += 1;
                        found.1 = found.1.max(beside);
                    }
                }
                Ok(Piece::End) => {
                    open.pop();
                    siblings.pop();
                }
                Ok(Piece::Text(_)) => {}
                Ok(Piece::Eof) => break None,
                Err(error) => break Some(error),
            }
        };
        if paths.is_empty() {
            let error =
                end.unwrap_or_else(|| Error::new(ErrorKind::Decode, "read", "there is no element in it"));
            return Err(Error {
                attempted: format!("this is no XML document: {}", error.attempted),
                ..error
            });
        }
        // A window that is cut ends inside an element.
        let damage = end.filter(|error| {
            is_whole || error.attempted.contains("deeper") || error.attempted.contains("MiB")
        });
        Ok(Self { met: pieces.met, paths, damage })
    }

    /// The outermost elements that repeat; the root where none does.
    fn row_paths(&self) -> Vec<Vec<String>> {
        let mut found: Vec<Vec<String>> = Vec::new();
        for (path, (_, beside)) in &self.paths {
            let is_inside = found.iter().any(|outer| path.len() > outer.len() && path.starts_with(outer));
            if *beside > 1 && path.len() > 1 && !is_inside {
                found.push(path.clone());
            }
        }
        // The most frequent first.
        found.sort_by_key(|path| std::cmp::Reverse(self.paths.get(path).map_or(0, |(count, _)| *count)));
        if found.is_empty() {
            found.extend(self.paths.keys().find(|path| path.len() == 1).cloned());
        }
        found
    }
}

fn tell(outline: &mut Outline, met: &Met) {
    for (prefix, name) in &met.namespaces {
        let label = if prefix.is_empty() { "namespace".to_owned() } else { format!("namespace {prefix}") };
        outline.fact(label, name.clone());
    }
    let Some(dtd) = &met.dtd else { return };
    let text: String = dtd.trim().chars().take(SHOWN_DTD).collect();
    let more = if dtd.trim().chars().count() > SHOWN_DTD { "…" } else { "" };
    outline.fact("DTD", format!("{text}{more}"));
    outline.notes.push("the document has a DTD; it is shown and never followed".to_owned());
    if multiplies(dtd) {
        outline.notes.push(
            "its DTD defines entities that multiply each other (billion laughs): refused, none is expanded"
                .to_owned(),
        );
    }
}

fn table(
    file: &FileInput,
    head: &[u8],
    encoding: &'static Encoding,
    reach: Reach,
    path: Vec<String>,
    node: Vec<String>,
) -> Table {
    let mut walk = Walk { pieces: Pieces::new(head, encoding), path: &path, open: Vec::new() };
    let (mut rows, mut count) = (Vec::new(), 0_u64);
    let failed = loop {
        match walk.next_row() {
            Ok(Some(element)) => {
                count += 1;
                if rows.len() < LOOK_ROWS {
                    rows.push(element);
                }
            }
            Ok(None) => break false,
            Err(_) => break true,
        }
    };
    let columns = Columns::of(&rows);
    let kind = if node.is_empty() { NodeKind::File } else { NodeKind::Table };
    let mut table = Table::new(node, kind, columns.schema());
    let looked = || Provenance::Sampled { n: rows.len() as u64, design: "first elements".to_owned() };
    table.facts.push(Detail::new("a row is", path.join("/"), looked()));
    let lists: Vec<String> = columns
        .paths
        .iter()
        .filter(|(_, column)| *column != super::tree::Column::One)
        .map(|(path, _)| path.clone())
        .collect();
    if !lists.is_empty() {
        let lost = "order among siblings of different names, comments and blanks between elements".to_owned();
        table.facts.push(Detail::new("several a row", lists.join(", "), looked()));
        table.facts.push(Detail::new("not kept by the columns", lost, Provenance::Exact));
    }
    if columns.beyond > 0 {
        table.notes.push(format!(
            "{} values lie on paths beyond the 2,000 columns: in (rest)",
            count_text(columns.beyond)
        ));
    }
    let row_bytes = head.len() as f64 / count.max(1) as f64;
    if reach == Reach::Whole && !failed {
        table.rows = Some(RowCount::exact(count, "the document was read to its end"));
    } else if file.packing() == Packing::Plain && count > 0 {
        let mid = file.len() as f64 / row_bytes;
        table.rows = Some(RowCount {
            lo: (mid * 0.2).max(count as f64),
            mid,
            hi: mid * 2.0,
            provenance: Provenance::Sampled { n: count, design: "first elements of the document".to_owned() },
            source: "elements in the first bytes × bytes of the file".to_owned(),
        });
    }
    if file.packing() == Packing::Plain && count > 0 {
        table.cost = Cost::Sequence { start: 0, end: file.len(), row_bytes, block_bytes: 64 << 10 };
    }
    let state = State { path, columns, encoding: encoding.name().to_owned() };
    table.state = serde_json::to_value(state).unwrap_or_default();
    table
}

/// A walk from row to row.
struct Walk<'w, R> {
    pieces: Pieces<R>,
    path: &'w [String],
    /// Names of the open elements above rows.
    open: Vec<String>,
}

impl<R: Read> Walk<'_, R> {
    fn next_row(&mut self) -> Result<Option<Element>> {
        loop {
            match self.pieces.next()? {
                Piece::Start(name, attributes) => {
                    let is_row = self.open.len() + 1 == self.path.len()
                        && self.path.last() == Some(&name)
                        && self.path.starts_with(&self.open);
                    if is_row {
                        return Element::read(&mut self.pieces, name, attributes).map(Some);
                    }
                    self.open.push(name);
                }
                Piece::End => drop(self.open.pop()),
                Piece::Text(_) => {}
                Piece::Eof => return Ok(None),
            }
        }
    }
}
