//! What is there: nodes of a source, found lazily and paged. A path is what `ls` prints and what every
//! other verb takes; a segment's own `/` and `%` are percent-escaped, so any upstream name survives.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::load::Provenance;
use super::schema::Schema;

/// Path of a node inside its source; empty = the source itself. Segments hold upstream names unescaped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodePath(Vec<String>);

impl NodePath {
    /// The source itself.
    pub fn root() -> Self {
        Self::default()
    }

    /// Path of these segments.
    pub fn of<S: Into<String>>(segments: impl IntoIterator<Item = S>) -> Self {
        Self(segments.into_iter().map(Into::into).collect())
    }

    /// Reads the printed form: `/` separates, `%2F` and `%25` stand for themselves.
    pub fn parse(text: &str) -> Self {
        Self(
            text.split('/')
                .filter(|segment| !segment.is_empty())
                .map(|segment| segment.replace("%2F", "/").replace("%2f", "/").replace("%25", "%"))
                .collect(),
        )
    }

    /// The segments, outermost first.
    pub fn segments(&self) -> &[String] {
        &self.0
    }

    /// Whether this is the source itself.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The last segment, or the empty string at the root.
    pub fn name(&self) -> &str {
        self.0.last().map_or("", String::as_str)
    }

    /// This path with one more segment.
    #[must_use]
    pub fn child(&self, name: impl Into<String>) -> Self {
        let mut segments = self.0.clone();
        segments.push(name.into());
        Self(segments)
    }

    /// The path without its last segment.
    #[must_use]
    pub fn parent(&self) -> Self {
        let mut segments = self.0.clone();
        segments.pop();
        Self(segments)
    }
}

impl fmt::Display for NodePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, segment) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("/")?;
            }
            f.write_str(&segment.replace('%', "%25").replace('/', "%2F"))?;
        }
        Ok(())
    }
}

impl Serialize for NodePath {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for NodePath {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::parse(&String::deserialize(deserializer)?))
    }
}

/// What a node is, in the field's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeKind {
    /// A database or catalog.
    Database,
    /// A schema or namespace.
    Schema,
    /// A table.
    Table,
    /// A view.
    View,
    /// A folder of files.
    Folder,
    /// A file that is read as one table.
    File,
    /// A sheet of a workbook.
    Sheet,
    /// A picture.
    Image,
    /// A collection of documents.
    Collection,
    /// A prefix of a key space, or a key.
    Key,
    /// An operation of an API.
    Operation,
    /// A topic, queue or stream.
    Topic,
}

impl NodeKind {
    /// The word used in JSON and in the window.
    pub fn word(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Schema => "schema",
            Self::Table => "table",
            Self::View => "view",
            Self::Folder => "folder",
            Self::File => "file",
            Self::Sheet => "sheet",
            Self::Image => "image",
            Self::Collection => "collection",
            Self::Key => "key",
            Self::Operation => "operation",
            Self::Topic => "topic",
        }
    }
}

/// A number with how it is known and how old the knowledge is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Known<T> {
    /// The value.
    pub value: T,
    /// How it is known.
    pub provenance: Provenance,
    /// When the evidence was made, if the source says.
    pub as_of: Option<Timestamp>,
}

impl<T> Known<T> {
    /// Known exactly, now.
    pub fn exact(value: T) -> Self {
        Self { value, provenance: Provenance::Exact, as_of: Some(Timestamp::now()) }
    }

    /// Known in this way, age unknown.
    pub fn by(value: T, provenance: Provenance) -> Self {
        Self { value, provenance, as_of: None }
    }
}

/// One thing in a source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// Where it is; what other verbs take.
    pub path: NodePath,
    /// The upstream's own name, raw: show only through `safety::display`.
    pub name: String,
    /// What it is.
    pub kind: NodeKind,
    /// Whether rows can be previewed.
    pub readable: bool,
    /// Whether it has children.
    pub expandable: bool,
    /// Rows, if known without reading.
    pub rows: Option<Known<u64>>,
    /// Bytes, if known without reading.
    pub bytes: Option<Known<u64>>,
    /// A remark of the connector, such as "shadow table of an index".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Which page of children to fetch. At most `size` nodes are returned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageRequest {
    /// Token of a former page's `next`, or none for the first.
    pub token: Option<String>,
    /// At most this many nodes.
    pub size: usize,
}

impl PageRequest {
    /// The page size of the window and of the CLI.
    pub const DEFAULT_SIZE: usize = 500;

    /// The first page of the default size.
    pub fn first() -> Self {
        Self { token: None, size: Self::DEFAULT_SIZE }
    }
}

/// One page of children.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NodePage {
    /// The nodes, in the source's order.
    pub nodes: Vec<Node>,
    /// Token of the next page, if there is one.
    pub next: Option<String>,
}

/// A key of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// Primary, unique or foreign.
    pub kind: KeyKind,
    /// The upstream's name of it, if any.
    pub name: Option<String>,
    /// Columns in key order.
    pub columns: Vec<String>,
    /// What a foreign key points at.
    pub references: Option<KeyTarget>,
    /// Whether the source enforces it, or only declares it.
    pub enforcement: Enforcement,
}

/// Kind of a [`Key`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyKind {
    /// Identifies a row.
    Primary,
    /// No two rows share it.
    Unique,
    /// Points at another table.
    Foreign,
}

/// Whether a declared rule holds by force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Enforcement {
    /// The source refuses rows that break it.
    Enforced,
    /// Declared only: rows may break it.
    Declared,
}

/// Target of a foreign key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyTarget {
    /// The node pointed at.
    pub node: NodePath,
    /// Its columns, in key order.
    pub columns: Vec<String>,
}

/// An index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    /// The upstream's name.
    pub name: String,
    /// Columns or expressions in index order.
    pub columns: Vec<String>,
    /// Whether it allows one row per key only.
    pub unique: bool,
    /// The condition of a partial index.
    pub condition: Option<String>,
    /// Its statistics in words, with their age if known.
    pub statistics: Option<String>,
}

/// A detail a describe pane lists: label, value, how it is known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Detail {
    /// What it is about.
    pub label: String,
    /// The value in words.
    pub value: String,
    /// How it is known.
    pub provenance: Provenance,
}

impl Detail {
    /// A detail known in this way.
    pub fn new(label: impl Into<String>, value: impl Into<String>, provenance: Provenance) -> Self {
        Self { label: label.into(), value: value.into(), provenance }
    }
}

/// Everything a source tells of a node without reading its rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Description {
    /// The node itself.
    pub node: Node,
    /// Its columns.
    pub schema: Schema,
    /// Its keys.
    pub keys: Vec<Key>,
    /// Its indexes.
    pub indexes: Vec<Index>,
    /// Sizes, settings, dialect, … as labelled details.
    pub details: Vec<Detail>,
    /// Its definition in the source's language.
    pub ddl: Option<String>,
    /// Remarks the user must see, such as "written to while we look".
    pub notes: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_upstream_name_survives_printing_and_parsing() {
        for segments in
            [vec!["public", "orders"], vec!["a/b", "100%"], vec!["%2F"], vec!["ü ", "\u{202e}x"], vec![]]
        {
            let path = NodePath::of(segments);
            assert_eq!(NodePath::parse(&path.to_string()), path);
        }
    }
}
