//! What the worker does with an answer: unpack it, find its rows, find its columns, give the rows.
//!
//! Runs in the guest. The rows are the array at the record path, or the body itself, or the one array of
//! objects in it; columns are the keys of the rows, in the order in which they are met.

use std::collections::HashMap;
use std::io::Read as _;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::envelope::Envelope;

use crate::job::Flow;
use crate::kit::http::excerpt;
use crate::kit::json::{self, Kinds, Pairs};
use crate::kit::worker::{GuestJob, GuestOut, Parser};
use crate::model::batch::{BatchBuilder, Origin};
use crate::model::cell::Cell;
use crate::model::lost::{Findings, Lost};
use crate::model::node::NodePath;
use crate::model::schema::{Field, Schema};
use crate::model::{Error, ErrorKind, Result};
use crate::safety::budget::{BudgetReader, exhausted};

/// The operation of the parser: one page. Takes [`Page`], gives [`PageEnd`].
pub(super) const OP: &str = "page";

/// Columns a read has at most.
const MOST_COLUMNS: usize = 4_096;
const BATCH_ROWS: usize = 2_048;
const BATCH_BYTES: usize = 1 << 20;
/// The column of rows that are no objects.
const VALUE: &str = "value";
/// Keys of the body whose array is taken where several could be meant.
const USUAL: &[&str] = &["items", "data", "results", "records", "value", "rows", "entries", "content"];

/// How a body is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Packing {
    Plain,
    Gzip,
}

/// A column as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Column {
    /// The key.
    pub name: String,
    /// What it was seen to hold.
    pub kinds: Kinds,
}

/// Whether a page may bring columns of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Columns {
    /// The first page of a read: it adds to what is known.
    Open,
    /// A later page: the columns are settled.
    Settled,
}

/// Parameters of the operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Page {
    /// The node, for the origin of batches.
    pub node: NodePath,
    /// How the body is packed.
    pub packing: Packing,
    /// What the server calls it, for the error where it is something else.
    pub content_type: String,
    /// Bytes of the unpacked body at most.
    pub most_bytes: u64,
    /// Where the rows stand; none = found out.
    pub record: Option<Vec<String>>,
    /// Columns known already, in order.
    pub known: Vec<Column>,
    /// Whether the page may add to them.
    pub columns: Columns,
    /// Columns that the read names: there is nothing to read without them.
    pub needs: Vec<String>,
    /// Rows to leave out at the beginning.
    pub skip: u64,
    /// Rows to give at most.
    pub most_rows: u64,
    /// Number of the page's first row in the resource, where rows are counted.
    pub first_row: Option<u64>,
}

/// What a page had.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct PageEnd {
    /// Rows in the body.
    pub rows: u64,
    /// Rows given.
    pub given: u64,
    /// Bytes of the body, unpacked.
    pub bytes: u64,
    /// Something that tells one body from another.
    pub mark: u64,
    /// Where the rows stood.
    pub record: Vec<String>,
    /// All columns: the known ones, then those of the page.
    pub columns: Vec<Column>,
    /// What the body says beside its rows.
    pub envelope: Envelope,
}

/// The parser of this connector.
pub struct JsonPages;

impl Parser for JsonPages {
    fn id(&self) -> &'static str {
        super::ID
    }

    fn run(&self, job: GuestJob<'_>) -> Result<serde_json::Value> {
        if job.op != OP {
            return Err(Error::unexpected("read", format!("{} is no operation on an answer", job.op)));
        }
        let page: Page = serde_json::from_value(job.params)
            .map_err(|error| Error::unexpected("read", format!("parameters of the worker: {error}")))?;
        let Some(file) = job.files.into_iter().next() else {
            return Err(Error::unexpected("read", "an answer was to be parsed and none was given"));
        };
        let bytes = body_of(file, &page)?;
        let end = rows_of(&bytes, &page, job.out)?;
        serde_json::to_value(end)
            .map_err(|error| Error::unexpected("read", format!("answer of the worker: {error}")))
    }
}

/// The body, unpacked.
fn body_of(file: std::fs::File, page: &Page) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let unpacked = match page.packing {
        Packing::Plain => BudgetReader::new(file, page.most_bytes).read_to_end(&mut bytes),
        Packing::Gzip => BudgetReader::new(flate2::read::MultiGzDecoder::new(file), page.most_bytes)
            .read_to_end(&mut bytes),
    };
    match unpacked {
        Ok(_) => Ok(bytes),
        Err(error) if exhausted(&error).is_some() => Err(Error::new(
            ErrorKind::Budget,
            "read",
            format!("the answer unpacks to more than {} bytes", page.most_bytes),
        )
        .hint("ask for smaller pages")),
        Err(error) => {
            Err(Error::new(ErrorKind::Decode, "read", format!("the answer can't be unpacked: {error}")))
        }
    }
}

fn no_json(page: &Page, bytes: &[u8], why: &str) -> Error {
    let shown = excerpt(bytes, 80);
    let kind = if page.content_type.is_empty() { "an unnamed type" } else { &page.content_type };
    Error::new(
        ErrorKind::Decode,
        "read",
        format!(
            "the answer is no JSON ({why}); the server calls it {}, it begins: {shown}",
            excerpt(kind.as_bytes(), 80)
        ),
    )
    .hint("check the base URL and the path: a page for people or a login form may have answered")
}

fn rows_of(bytes: &[u8], page: &Page, out: &mut dyn GuestOut) -> Result<PageEnd> {
    let text = std::str::from_utf8(bytes).map_err(|error| no_json(page, bytes, &error.to_string()))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let body: &RawValue =
        serde_json::from_str(text).map_err(|error| no_json(page, bytes, &error.to_string()))?;
    out.check()?;
    let (record, rows) = find(body, page)?;
    let rows = rows
        .iter()
        .map(|row| Pairs::of(row).unwrap_or_else(|| Pairs(vec![(VALUE.to_owned(), *row)])))
        .collect::<Vec<_>>();
    let mut columns = page.known.clone();
    let mut findings = Findings::default();
    let settled = if page.columns == Columns::Settled { columns.len() } else { MOST_COLUMNS };
    learn(&mut columns, &rows);
    let missing = page.needs.iter().find(|name| !columns.iter().any(|column| column.name == **name));
    if let Some(name) = missing.filter(|_| !rows.is_empty()) {
        return Err(Error::new(ErrorKind::Invalid, "read", format!("there is no column {name:?}"))
            .hint("see the columns of the first page; names are case-sensitive"));
    }
    for column in columns.iter().skip(settled) {
        let why = match page.columns {
            Columns::Open => "values of keys beyond the columns that a read can have",
            Columns::Settled => {
                "values of keys that the first page of the read did not have: read again to have them as columns"
            }
        };
        let count = rows.iter().flat_map(|row| &row.0).filter(|(key, _)| *key == column.name).count();
        let place = format!("key {}", column.name);
        findings.lost(Lost { place, why: why.to_owned(), count: count as u64 });
    }
    let shown = columns.get(..settled.min(columns.len())).unwrap_or_default();
    let given = give(&rows, shown, page, out, &mut findings)?;
    out.findings(findings)?;
    let count = rows.len() as u64;
    Ok(PageEnd {
        rows: count,
        given,
        bytes: bytes.len() as u64,
        mark: mark_of(bytes),
        record,
        envelope: Envelope::of(body, count),
        columns: columns.into_iter().take(MOST_COLUMNS).collect(),
    })
}

/// FNV-1a: the same for the same body in every version.
fn mark_of(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |mark, byte| (mark ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}

fn learn(columns: &mut Vec<Column>, rows: &[Pairs<'_>]) {
    let mut places = columns
        .iter()
        .enumerate()
        .map(|(index, column)| (column.name.clone(), index))
        .collect::<HashMap<_, _>>();
    for (key, value) in rows.iter().flat_map(|row| &row.0) {
        let index = match places.get(key) {
            Some(index) => *index,
            None => {
                places.insert(key.clone(), columns.len());
                columns.push(Column { name: key.clone(), kinds: Kinds::default() });
                columns.len() - 1
            }
        };
        if let Some(column) = columns.get_mut(index) {
            column.kinds.add(Kinds::of(value.get()));
        }
    }
}

/// The columns as a schema.
pub(super) fn schema_of(columns: &[Column]) -> Schema {
    let field = |column: &Column| {
        Field::new(column.name.clone(), column.kinds.logical()).native(column.kinds.native())
    };
    Schema::new(columns.iter().map(field).collect())
}

fn give(
    rows: &[Pairs<'_>],
    columns: &[Column],
    page: &Page,
    out: &mut dyn GuestOut,
    findings: &mut Findings,
) -> Result<u64> {
    // The types are those known before the page where the columns are settled: what does not fit stays as it is.
    let settled = page.columns == Columns::Settled;
    let schema = Arc::new(schema_of(if settled { &page.known } else { columns }));
    if schema.fields.is_empty() {
        return Ok(rows.len() as u64);
    }
    let places =
        columns.iter().enumerate().map(|(at, column)| (column.name.as_str(), at)).collect::<HashMap<_, _>>();
    let mut builder = BatchBuilder::new(Arc::clone(&schema));
    let skip = usize::try_from(page.skip).unwrap_or(usize::MAX);
    let most = usize::try_from(page.most_rows).unwrap_or(usize::MAX);
    let (mut given, mut sent) = (0_u64, false);
    let mut first = page.first_row.map(|row| row.saturating_add(page.skip));
    let origin = |first_row| Origin { node: page.node.clone(), first_row };
    for row in rows.iter().skip(skip).take(most) {
        builder.push_row(cells(row, &schema, &places, findings));
        given += 1;
        if builder.row_count() >= BATCH_ROWS || builder.approximate_bytes() >= BATCH_BYTES {
            let count = builder.row_count() as u64;
            sent = true;
            if out.batch(builder.take(origin(first))?)? == Flow::Enough {
                return Ok(given);
            }
            first = first.map(|row| row + count);
        }
    }
    // A batch also without rows, so that the columns are known.
    if builder.row_count() > 0 || !sent {
        out.batch(builder.take(origin(first))?)?;
    }
    Ok(given)
}

fn cells(
    row: &Pairs<'_>,
    schema: &Schema,
    places: &HashMap<&str, usize>,
    findings: &mut Findings,
) -> Vec<Cell> {
    let mut cells = vec![Cell::Missing; schema.fields.len()];
    for (key, value) in &row.0 {
        let Some(at) = places.get(key.as_str()).copied() else { continue };
        let (Some(place), Some(field)) = (cells.get_mut(at), schema.fields.get(at)) else { continue };
        if *place == Cell::Missing {
            *place = json::cell(value.get(), &field.logical);
        } else {
            let values =
                row.0.iter().filter(|(other, _)| other == key).map(|(_, value)| *value).collect::<Vec<_>>();
            *place = json::pairs(key, &values);
        }
        if matches!(place, Cell::Invalid(_)) {
            let why = format!("values nested deeper than {} levels, kept as bytes", json::MOST_DEPTH);
            findings.lost(Lost { place: format!("column {}", key), why, count: 1 });
        }
    }
    cells
}

type Found<'a> = (Vec<String>, Vec<&'a RawValue>);

/// Where the rows are, and the rows.
fn find<'a>(body: &'a RawValue, page: &Page) -> Result<Found<'a>> {
    let broken = |error: serde_json::Error| {
        Error::new(ErrorKind::Decode, "read", format!("the answer's rows: {error}"))
    };
    if let Some(path) = &page.record {
        let mut at = body;
        for key in path {
            let inner = Pairs::of(at).and_then(|pairs| pairs.0.into_iter().find(|(name, _)| name == key));
            let Some((_, value)) = inner else {
                return Err(Error::new(
                    ErrorKind::Decode,
                    "read",
                    format!("the answer has nothing at {}", path.join(".")),
                )
                .hint("check the record path of the connection, or leave it empty to have it found"));
            };
            at = value;
        }
        return Ok((path.clone(), items(at).map_err(broken)?));
    }
    if !body.get().starts_with('{') {
        return Ok((Vec::new(), items(body).map_err(broken)?));
    }
    let mut found: Vec<(Vec<String>, &RawValue)> = Vec::new();
    for (key, value) in Pairs::of(body).map(|pairs| pairs.0).unwrap_or_default() {
        if value.get().starts_with('[') {
            found.push((vec![key], value));
        } else if let Some(inner) = Pairs::of(value) {
            let arrays = inner.0.into_iter().filter(|(_, value)| holds_objects(value));
            found.extend(arrays.map(|(name, value)| (vec![key.clone(), name], value)));
        }
    }
    choose(found, body).and_then(|(path, at)| Ok((path, items(at).map_err(broken)?)))
}

/// The one array that is meant; the body itself where there is none.
fn choose<'a>(
    found: Vec<(Vec<String>, &'a RawValue)>,
    body: &'a RawValue,
) -> Result<(Vec<String>, &'a RawValue)> {
    let of_objects = found.iter().filter(|(_, value)| holds_objects(value)).cloned().collect::<Vec<_>>();
    let usual = |(path, _): &&(Vec<String>, &RawValue)| {
        path.last().is_some_and(|name| USUAL.contains(&name.as_str()))
    };
    // A list of plain values is mostly part of the one record that the body is; an empty one may be a last page.
    let envelope = Envelope::of(body, 0);
    let is_list = envelope.total.is_some() || envelope.page.is_some() || envelope.offset.is_some();
    let others =
        found.iter().filter(|one| usual(one) || (is_list && is_empty(one.1))).cloned().collect::<Vec<_>>();
    for candidates in [&of_objects, &others] {
        match candidates.as_slice() {
            [] => {}
            [only] => return Ok(only.clone()),
            several => {
                if let Some(one) = several.iter().find(usual) {
                    return Ok(one.clone());
                }
                if !of_objects.is_empty() {
                    let names = several.iter().map(|(path, _)| path.join("."));
                    return Err(Error::new(
                        ErrorKind::Invalid,
                        "read",
                        format!("the answer has several lists: {}", names.collect::<Vec<_>>().join(", ")),
                    )
                    .hint("name one of them as the record path of the connection"));
                }
            }
        }
    }
    Ok((Vec::new(), body))
}

fn is_empty(value: &RawValue) -> bool {
    value.get().strip_prefix('[').is_some_and(|rest| rest.trim_start().starts_with(']'))
}

fn holds_objects(value: &RawValue) -> bool {
    value.get().strip_prefix('[').is_some_and(|rest| rest.trim_start().starts_with('{'))
}

/// The items of an array; anything else is one row, and nothing is none.
fn items(value: &RawValue) -> serde_json::Result<Vec<&RawValue>> {
    match value.get().as_bytes().first() {
        Some(b'[') => serde_json::from_str(value.get()),
        Some(b'n') => Ok(Vec::new()),
        _ => Ok(vec![value]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::worker::testkit::{Given, run_here};

    fn page(record: Option<&str>) -> Page {
        Page {
            node: NodePath::of(["x"]),
            packing: Packing::Plain,
            content_type: "application/json".to_owned(),
            most_bytes: 1 << 20,
            record: record.map(|path| path.split('.').map(str::to_owned).collect()),
            known: Vec::new(),
            columns: Columns::Open,
            needs: Vec::new(),
            skip: 0,
            most_rows: u64::MAX,
            first_row: Some(0),
        }
    }

    fn parsed(body: &str, page: &Page) -> (Result<PageEnd>, Given) {
        use std::io::{Seek as _, Write as _};
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(body.as_bytes()).unwrap();
        file.rewind().unwrap();
        let mut given = Given::default();
        let end = run_here(&JsonPages, OP, serde_json::to_value(page).unwrap(), vec![file], &mut given);
        (end.map(|end| serde_json::from_value(end).unwrap()), given)
    }

    #[test]
    fn the_rows_are_found_wherever_they_stand() {
        for (body, record, expected) in [
            ("[]", None, Some(("", 0))),
            ("\u{feff} [1, 2]", None, Some(("", 2))),
            ("null", None, Some(("", 0))),
            ("7", None, Some(("", 1))),
            (r#"{"items":[]}"#, None, Some(("items", 0))),
            (r#"{"flights":[],"total":0}"#, None, Some(("flights", 0))),
            (r#"{"flights":[{"a":1}],"tags":["x","y"]}"#, None, Some(("flights", 1))),
            (r#"{"data":["x","y"]}"#, None, Some(("data", 2))),
            (r#"{"data":{"orders":[{"a":1},{"a":2}]}}"#, None, Some(("data.orders", 2))),
            (r#"{"data":[{"a":1}],"included":[{"b":1}]}"#, None, Some(("data", 1))),
            // One record, not a list of its tags.
            (r#"{"id":1,"tags":["a","b"],"empty":[]}"#, None, Some(("", 1))),
            (r#"{"a":[{"x":1}],"b":[{"x":1}]}"#, None, None),
            (r#"{"a":{"b":[1,2,3]}}"#, Some("a.b"), Some(("a.b", 3))),
            (r#"{"a":{"b":{"x":1}}}"#, Some("a.b"), Some(("a.b", 1))),
            (r#"{"a":null}"#, Some("a"), Some(("a", 0))),
            (r#"{"a":1}"#, Some("b"), None),
        ] {
            let (end, _) = parsed(body, &page(record));
            let found = end.ok().map(|end| (end.record.join("."), end.rows));
            assert_eq!(found, expected.map(|(path, rows)| (path.to_owned(), rows)), "{body}");
        }
    }

    #[test]
    fn rows_are_left_out_and_cut_and_columns_needed() {
        let body = r#"[{"a":1},{"a":2},{"a":3},{"b":4}]"#;
        let (end, given) = parsed(body, &Page { skip: 1, most_rows: 2, ..page(None) });
        let end = end.unwrap();
        assert_eq!((end.rows, end.given, end.columns.len()), (4, 2, 2));
        let batch = &given.collected.batches[0];
        assert_eq!((batch.row_count(), batch.origin.first_row), (2, Some(1)));
        assert_eq!((batch.cell(0, 0), batch.cell(0, 1)), (Cell::Int(2), Cell::Missing));
        let needs = |name: &str| Page { needs: vec![name.to_owned()], ..page(None) };
        assert!(parsed(body, &needs("b")).0.is_ok());
        assert_eq!(parsed(body, &needs("c")).0.unwrap_err().kind, ErrorKind::Invalid);
        assert!(parsed("[]", &needs("c")).0.is_ok());
    }

    #[test]
    fn hostile_bodies_end_with_words() {
        let deep = format!("{}{}", "[".repeat(500_000), "]".repeat(500_000));
        let wide = (0..5_000).map(|key| format!("\"k{key}\":1")).collect::<Vec<_>>().join(",");
        let wide = format!("[{{{wide}}}]");
        for (body, lost) in [(deep.as_str(), 1), (wide.as_str(), 5_000 - MOST_COLUMNS as u64)] {
            let (end, given) = parsed(body, &page(None));
            assert_eq!(end.unwrap().rows, 1);
            assert_eq!(given.collected.findings.lost.iter().map(|lost| lost.count).sum::<u64>(), lost);
        }
        for body in ["", "{", "[1,]", "{\"a\":\u{0}}", "NaN", "[\"\u{1}\"]", "{'a':1}"] {
            assert_eq!(parsed(body, &page(None)).0.unwrap_err().kind, ErrorKind::Decode, "{body:?}");
        }
        let (end, _) = parsed(&format!("[\"{}\"]", "x".repeat(2 << 20)), &page(None));
        assert_eq!(end.unwrap_err().kind, ErrorKind::Budget);
    }
}
