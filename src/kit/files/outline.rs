//! What a look finds in a file: its tables, what its headers say, what contradicts itself. One value that crosses from
//! the worker to the host, and back with every read.

use serde::{Deserialize, Serialize};

use super::open::Packing;
use crate::model::load::Provenance;
use crate::model::lost::Findings;
use crate::model::node::{Detail, NodeKind};
use crate::model::schema::Schema;
use crate::model::stats::TableProfile;

/// Everything a look found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outline {
    /// Bytes of the file, as it is packed.
    pub file_bytes: u64,
    /// How the file is packed.
    pub packing: Packing,
    /// The tables in the file's order. None: the file holds nothing that has rows.
    pub tables: Vec<Table>,
    /// What the headers say of the whole file, as name and value (with its unit).
    pub facts: Vec<Detail>,
    /// Remarks a person must see.
    pub notes: Vec<String>,
    /// What can't be kept and what contradicts itself, as far as headers tell; given with every read.
    pub findings: Findings,
}

impl Outline {
    /// Nothing found yet in a file of this many bytes.
    pub fn new(file_bytes: u64, packing: Packing) -> Self {
        Self {
            file_bytes,
            packing,
            tables: Vec::new(),
            facts: Vec::new(),
            notes: Vec::new(),
            findings: Findings::default(),
        }
    }

    /// Adds what a header says: exact, since it stands there.
    pub fn fact(&mut self, label: impl Into<String>, value: impl Into<String>) {
        self.facts.push(Detail::new(label, value, Provenance::Exact));
    }
}

/// One table of a file: a sheet, an array, a repeated element, or the whole file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// Segments of its node below the source; empty = the file itself, by its name; a first segment that
    /// is empty stands for that name as well, so that a table can lie below the file's. Unique in its outline. A prefix
    /// that is no table itself is shown as a folder.
    pub path: Vec<String>,
    /// What it is.
    pub kind: NodeKind,
    /// Its columns. Names may repeat only if the format lets them.
    pub schema: Schema,
    /// How many rows it has, as far as known.
    pub rows: Option<RowCount>,
    /// What the headers say of it.
    pub facts: Vec<Detail>,
    /// Remarks a person must see.
    pub notes: Vec<String>,
    /// A short remark for the tree: "hidden".
    pub remark: Option<String>,
    /// What reading it costs.
    pub cost: Cost,
    /// How rows in its middle are reached.
    pub windows: Windows,
    /// What headers and footers already know of its columns.
    pub profile: Option<TableProfile>,
    /// The reader's own notes, given back with every read.
    pub state: serde_json::Value,
}

impl Table {
    /// A table at this path with these columns, everything else unknown.
    pub fn new(path: Vec<String>, kind: NodeKind, schema: Schema) -> Self {
        Self {
            path,
            kind,
            schema,
            rows: None,
            facts: Vec::new(),
            notes: Vec::new(),
            remark: None,
            cost: Cost::Whole,
            windows: Windows::None,
            profile: None,
            state: serde_json::Value::Null,
        }
    }
}

/// A number of rows with how it is known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RowCount {
    /// Least.
    pub lo: f64,
    /// Best guess.
    pub mid: f64,
    /// Most.
    pub hi: f64,
    /// How it is known.
    pub provenance: Provenance,
    /// The evidence in words.
    pub source: String,
}

impl RowCount {
    /// A count that a header states or a look made.
    pub fn exact(rows: u64, source: impl Into<String>) -> Self {
        let rows = rows as f64;
        Self { lo: rows, mid: rows, hi: rows, provenance: Provenance::Exact, source: source.into() }
    }

    /// From windows of the file.
    pub fn sampled(lo: f64, mid: f64, hi: f64, windows: u64) -> Self {
        let provenance =
            Provenance::Sampled { n: windows, design: "windows spread over the file".to_owned() };
        let source = "rows per byte of the windows × bytes of the file".to_owned();
        Self { lo, mid, hi, provenance, source }
    }

    /// The count, where there is no guess in it.
    pub fn known(&self) -> Option<u64> {
        (self.provenance == Provenance::Exact && self.lo == self.hi).then_some(self.mid as u64)
    }
}

/// What reading a table costs in bytes of the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cost {
    /// All of the file is read, however few rows are wanted.
    Whole,
    /// Rows lie one after the other.
    Sequence {
        /// Byte where the first row starts.
        start: u64,
        /// Byte where the last row ends.
        end: u64,
        /// Bytes of an ordinary row, in the file as it is packed.
        row_bytes: f64,
        /// Bytes read at a time.
        block_bytes: u64,
    },
    /// Columns lie apart, in groups of rows.
    Groups {
        /// The groups in the order of their rows.
        groups: Vec<Group>,
        /// Bytes read before any row: footer, dictionaries.
        lead_bytes: u64,
    },
}

/// A group of rows whose columns lie apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// Its rows.
    pub rows: u64,
    /// Bytes of each column of the schema in it.
    pub column_bytes: Vec<u64>,
}

/// How rows in the middle of a table are reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Windows {
    /// Not without reading all before them: no sample by block.
    None,
    /// By their number; the count must be exact ([`super::Stretch::RowWindows`] is asked).
    ByRow,
    /// By a byte near them ([`super::Stretch::ByteWindows`] is asked).
    ByByte,
}
