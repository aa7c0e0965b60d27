//! Elements as rows: one element as a small tree, and the paths in it that become columns.
//!
//! A row's attributes are `@name`, its own characters `#text`, a child `child`, and deeper `child/@name`, `child/grand`.
//! A leaf that repeats within a row is a list; an element with a structure that repeats is JSON, so that what belongs
//! together stays together.

use super::pieces::{Piece, Pieces};
use crate::model::cell::Cell;
use crate::model::schema::{Field, LogicalType, Schema};
use crate::model::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

/// The largest element that is taken as one row.
const LARGEST_ROW: usize = 32 << 20;
/// Columns of a table.
const MOST_COLUMNS: usize = 2_000;

/// An element with everything in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) attributes: Vec<(String, String)>,
    pub(super) text: String,
    pub(super) children: Vec<Element>,
}

impl Element {
    /// Reads the element that has just begun, to its end.
    pub(super) fn read<R: Read>(
        pieces: &mut Pieces<R>,
        name: String,
        attributes: Vec<(String, String)>,
    ) -> Result<Self> {
        let mut bytes = 0;
        let mut open = vec![Self { name, attributes, ..Self::default() }];
        loop {
            match pieces.next()? {
                Piece::Start(name, attributes) => {
                    bytes += 64 + name.len();
                    bytes +=
                        attributes.iter().map(|(name, value)| name.len() + value.len() + 48).sum::<usize>();
                    open.push(Self { name, attributes, ..Self::default() });
                }
                Piece::Text(text) => {
                    bytes += text.len();
                    if let Some(last) = open.last_mut() {
                        last.text.push_str(&text);
                    }
                }
                Piece::End => {
                    let Some(mut done) = open.pop() else { break };
                    if !done.children.is_empty() && done.text.trim().is_empty() {
                        done.text.clear();
                    }
                    match open.last_mut() {
                        Some(parent) => parent.children.push(done),
                        None => return Ok(done),
                    }
                }
                Piece::Eof => break,
            }
            if bytes > LARGEST_ROW {
                return Err(Error::new(ErrorKind::Decode, "read", "one row's element is larger than 32 MiB")
                    .hint("choose a path deeper in the document"));
            }
        }
        Err(Error::new(ErrorKind::Decode, "read", "the document ends inside a row"))
    }

    fn is_leaf(&self) -> bool {
        self.children.is_empty() && self.attributes.is_empty()
    }

    fn groups(&self) -> Vec<(&str, Vec<&Self>)> {
        let mut groups: Vec<(&str, Vec<&Self>)> = Vec::new();
        let mut places: BTreeMap<&str, usize> = BTreeMap::new();
        for child in &self.children {
            let at = *places.entry(&child.name).or_insert_with(|| {
                groups.push((&child.name, Vec::new()));
                groups.len() - 1
            });
            if let Some((_, group)) = groups.get_mut(at) {
                group.push(child);
            }
        }
        groups
    }

    fn json(&self) -> serde_json::Value {
        if self.is_leaf() {
            return serde_json::Value::String(self.text.clone());
        }
        let mut object = serde_json::Map::new();
        for (name, value) in &self.attributes {
            add(&mut object, format!("@{name}"), serde_json::Value::String(value.clone()));
        }
        if !self.text.is_empty() {
            add(&mut object, "#text".to_owned(), serde_json::Value::String(self.text.clone()));
        }
        for child in &self.children {
            add(&mut object, child.name.clone(), child.json());
        }
        serde_json::Value::Object(object)
    }
}

/// Adds to an object; a name that is there already becomes a list.
fn add(object: &mut serde_json::Map<String, serde_json::Value>, name: String, value: serde_json::Value) {
    match object.get_mut(&name) {
        None => drop(object.insert(name, value)),
        Some(serde_json::Value::Array(list)) => list.push(value),
        Some(one) => *one = serde_json::Value::Array(vec![one.take(), value]),
    }
}

/// What a path of a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Column {
    /// Characters, at most once a row.
    One,
    /// Characters, several a row.
    Many,
    /// Elements with a structure, several a row.
    Nested,
}

/// The columns of rows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Columns {
    /// Paths in the order met, with what each is.
    pub(super) paths: Vec<(String, Column)>,
    /// Paths beyond the most columns, which go into the last one.
    pub(super) beyond: u64,
}

/// The column of everything that has no column of its own.
const REST: &str = "(rest)";

impl Columns {
    /// The columns of sampled rows.
    pub(super) fn of(rows: &[Element]) -> Self {
        let mut nested = BTreeSet::new();
        for row in rows {
            find_nested(row, "", &mut nested);
        }
        let mut columns = Self::default();
        let mut places = BTreeMap::new();
        for row in rows {
            let mut seen: BTreeMap<String, u64> = BTreeMap::new();
            walk(row, "", &mut |path: &str| nested.contains(path), &mut |path, found| {
                let count = seen.entry(path.to_owned()).or_default();
                *count += 1;
                let kind = match found {
                    Found::Nested(_) => Column::Nested,
                    Found::Text(_) if *count > 1 => Column::Many,
                    Found::Text(_) => Column::One,
                };
                let at = *places.entry(path.to_owned()).or_insert(columns.paths.len());
                match columns.paths.get_mut(at) {
                    Some((_, known)) if *known == Column::One => *known = kind,
                    Some(_) => {}
                    None if at < MOST_COLUMNS => columns.paths.push((path.to_owned(), kind)),
                    None => columns.beyond += 1,
                }
            });
        }
        columns
    }

    /// The columns as a schema; the last one takes what later rows have beside them.
    pub(super) fn schema(&self) -> Schema {
        let field = |(path, column): &(String, Column)| {
            let logical = match column {
                Column::One => LogicalType::Text,
                Column::Many => LogicalType::List { item: Box::new(LogicalType::Text) },
                Column::Nested => LogicalType::Json,
            };
            let is_attribute = path.rsplit('/').next().is_some_and(|last| last.starts_with('@'));
            Field::new(path.clone(), logical).native(if is_attribute { "attribute" } else { "element" })
        };
        let rest = Field::new(REST, LogicalType::Json).native("whatever else a row has");
        Schema::new(self.paths.iter().map(field).chain([rest]).collect())
    }

    /// The cells of a row.
    pub(super) fn cells(&self, places: &BTreeMap<&str, usize>, row: &Element) -> Vec<Cell> {
        let mut cells = vec![Cell::Missing; self.paths.len()];
        let mut rest = serde_json::Map::new();
        let kind =
            |path: &str| places.get(path).and_then(|at| self.paths.get(*at)).map(|(_, column)| *column);
        walk(row, "", &mut |path: &str| kind(path) == Some(Column::Nested), &mut |path, found| {
            let place = places.get(path).and_then(|at| cells.get_mut(*at));
            match (place, found, kind(path)) {
                (Some(cell), Found::Nested(elements), _) => {
                    let list = elements.iter().map(|element| element.json()).collect();
                    *cell = Cell::Json(serde_json::Value::Array(list).to_string());
                }
                (Some(cell), Found::Text(text), Some(Column::Many)) => match cell {
                    Cell::List(items) => items.push(Cell::Text(text.to_owned())),
                    _ => *cell = Cell::List(vec![Cell::Text(text.to_owned())]),
                },
                // A second value where one was expected: a list, shown as it is.
                (Some(cell), Found::Text(text), _) => match cell {
                    Cell::Missing => *cell = Cell::Text(text.to_owned()),
                    Cell::List(items) => items.push(Cell::Text(text.to_owned())),
                    one => {
                        let first = std::mem::replace(one, Cell::Null);
                        *one = Cell::List(vec![first, Cell::Text(text.to_owned())]);
                    }
                },
                (None, Found::Text(text), _) => {
                    add(&mut rest, path.to_owned(), serde_json::Value::String(text.to_owned()));
                }
                (None, Found::Nested(elements), _) => {
                    for element in elements {
                        add(&mut rest, path.to_owned(), element.json());
                    }
                }
            }
        });
        cells.push(if rest.is_empty() {
            Cell::Null
        } else {
            Cell::Json(serde_json::Value::Object(rest).to_string())
        });
        cells
    }

    /// Where each path stands.
    pub(super) fn places(&self) -> BTreeMap<&str, usize> {
        self.paths.iter().enumerate().map(|(at, (path, _))| (path.as_str(), at)).collect()
    }
}

enum Found<'e> {
    Text(&'e str),
    Nested(&'e [&'e Element]),
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") }
}

/// Finds the paths where elements with a structure repeat.
fn find_nested(element: &Element, path: &str, nested: &mut BTreeSet<String>) {
    for (name, group) in element.groups() {
        let path = below(path, name);
        if group.len() > 1 && group.iter().any(|child| !child.is_leaf()) {
            nested.insert(path);
        } else {
            for child in group {
                find_nested(child, &path, nested);
            }
        }
    }
}

/// Tells of every path of a row with what stands there.
fn walk(
    element: &Element,
    path: &str,
    is_nested: &mut dyn FnMut(&str) -> bool,
    tell: &mut dyn FnMut(&str, Found<'_>),
) {
    for (name, value) in &element.attributes {
        tell(&below(path, &format!("@{name}")), Found::Text(value));
    }
    let is_bare = element.children.is_empty();
    if path.is_empty() {
        if !element.text.trim().is_empty() || (is_bare && element.attributes.is_empty()) {
            tell("#text", Found::Text(&element.text));
        }
    } else if is_bare || !element.text.is_empty() {
        tell(path, Found::Text(&element.text));
    }
    for (name, group) in element.groups() {
        let path = below(path, name);
        if is_nested(&path) {
            tell(&path, Found::Nested(&group));
            continue;
        }
        for child in group {
            walk(child, &path, is_nested, tell);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(document: &str) -> Vec<Element> {
        let mut pieces = Pieces::new(document.as_bytes(), encoding_rs::UTF_8);
        let mut rows = Vec::new();
        pieces.next().unwrap();
        while let Ok(piece) = pieces.next() {
            match piece {
                Piece::Start(name, attributes) => {
                    rows.push(Element::read(&mut pieces, name, attributes).unwrap());
                }
                Piece::Eof => break,
                Piece::Text(_) | Piece::End => {}
            }
        }
        rows
    }

    fn shown(columns: &Columns, row: &Element) -> String {
        let schema = columns.schema();
        let cells = columns.cells(&columns.places(), row);
        let text = |(cell, field): (&Cell, &Field)| match cell {
            Cell::Missing => "?".to_owned(),
            cell => cell.text(&field.logical),
        };
        cells.iter().zip(&schema.fields).map(text).collect::<Vec<_>>().join("|")
    }

    #[test]
    fn paths_become_columns_and_nothing_is_left_behind() {
        let document = r#"<all>
            <o id="1"><name lang="de">Anna</name><tag>a</tag><tag>b</tag><line q="1"><sku>x</sku></line><line q="2"><sku>y</sku></line></o>
            <o id="2"><name>Bert</name><tag>c</tag><empty/><to><city>Bern</city></to></o>
        </all>"#;
        let found = rows(document);
        let columns = Columns::of(&found);
        let names: Vec<String> = columns
            .schema()
            .fields
            .into_iter()
            .map(|field| format!("{} {}", field.name, field.logical))
            .collect();
        assert_eq!(
            names,
            [
                "@id text",
                "name/@lang text",
                "name text",
                "tag list<text>",
                "line json",
                "empty text",
                "to/city text",
                "(rest) json"
            ]
        );
        assert_eq!(
            shown(&columns, &found[0]),
            r#"1|de|Anna|["a","b"]|[{"@q":"1","sku":"x"},{"@q":"2","sku":"y"}]|?|?|"#
        );
        assert_eq!(shown(&columns, &found[1]), r#"2|?|Bert|["c"]|?||Bern|"#);
        // What the look did not see goes into the last column; a second value of one is a list.
        let later = rows(r#"<all><o id="3"><name>C</name><name>D</name><new x="1">z</new></o></all>"#);
        assert_eq!(shown(&columns, &later[0]), r#"3|?|["C","D"]|?|?|?|?|{"new/@x":"1","new":"z"}"#);
    }

    #[test]
    fn leaves_and_mixed_texts_are_rows_too() {
        let found = rows("<all><w>one</w><w/><w>a <b>bold</b> word</w></all>");
        let columns = Columns::of(&found);
        assert_eq!(shown(&columns, &found[0]), "one|?|");
        assert_eq!(shown(&columns, &found[1]), "|?|");
        assert_eq!(shown(&columns, &found[2]), "a  word|bold|");
    }
}
