//! What the grid reads: a trait of its own, so that buffers, catalogues and tests can all stand behind it.

use crate::model::read::Direction;
use std::borrow::Cow;
use std::ops::Range;

/// The rows and columns behind a grid.
///
/// *requires* `cell` returns at once: rows that are not here yet are [`GridCell::Pending`].
/// *behaviour* the grid calls `want` once a frame with the rows it shows and a page on either side.
pub trait GridModel {
    /// Name of the data set, for screen readers.
    fn name(&self) -> &str;
    /// Columns in source order; the grid keeps the shown order itself.
    fn columns(&self) -> &[GridColumn];
    /// How many rows can be scrolled over.
    fn row_count(&self) -> RowCount;
    /// One cell; `row` counts from 0, `column` indexes `columns()`.
    fn cell(&self, row: u64, column: usize) -> GridCell<'_>;
    /// Whether the user looks for something that this cell holds.
    fn mark(&self, _row: u64, _column: usize) -> Mark {
        Mark::None
    }
    /// Rows that are shown or soon will be; stale wishes may be dropped.
    fn want(&mut self, rows: Range<u64>);
}

/// How a cell stands out while the user looks for something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// It does not.
    None,
    /// It holds what is looked for.
    Hit,
    /// The same, and the user stands at it.
    FrontHit,
}

/// A number of rows and how well it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowCount {
    /// All rows, counted.
    Exact(u64),
    /// These rows are here, more may come.
    AtLeast(u64),
    /// An estimate; rows beyond the true end stay pending.
    About(u64),
}

impl RowCount {
    /// Rows the scrollbar spans.
    pub fn scrollable(self) -> u64 {
        match self {
            Self::Exact(rows) | Self::AtLeast(rows) | Self::About(rows) => rows,
        }
    }

    /// "1204331 rows", "at least 5000 rows", "about 1200000 rows".
    pub fn spoken(self) -> String {
        let (how, rows) = match self {
            Self::Exact(rows) => ("", rows),
            Self::AtLeast(rows) => ("at least ", rows),
            Self::About(rows) => ("about ", rows),
        };
        let noun = if rows == 1 { "row" } else { "rows" };
        format!("{how}{rows} {noun}")
    }
}

/// What a key column is a key of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyMark {
    /// Part of the primary key.
    Primary,
    /// Points at another table.
    Foreign,
}

/// Who sorts or filters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Only the rows that are already here.
    FetchedRows,
    /// The source, through the load sheet.
    AskSource,
}

/// The distribution strip under a header.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnBins {
    /// Heights in any unit.
    pub bins: Vec<f32>,
    /// Share of nulls, 0 to 1.
    pub null_share: f32,
    /// The same in words, e.g. "0.2 % null, 5 values".
    pub sentence: String,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GridColumn {
    /// Name as the source has it.
    pub name: String,
    /// Type as the source calls it.
    pub type_name: String,
    /// Key, if it is one.
    pub key: Option<KeyMark>,
    /// Sorted by this column.
    pub sort: Option<(Direction, Scope)>,
    /// Distribution, once profiled.
    pub bins: Option<ColumnBins>,
}

/// One cell, ready to be shown; text may be as long as it likes, the grid cuts it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GridCell<'a> {
    /// Not here yet.
    Pending,
    /// The source says null.
    Null,
    /// The document has no such member.
    Missing,
    /// Exact digits, right-aligned.
    Number(Cow<'a, str>),
    /// Prose.
    Text(Cow<'a, str>),
    /// Identifiers, times, JSON: monospaced, left-aligned.
    Code(Cow<'a, str>),
    /// `true`, `false`, an enum's member.
    Word(Cow<'a, str>),
    /// Binary.
    Bytes(Cow<'a, [u8]>),
    /// Text that is not valid in its encoding, shown as hex.
    Invalid(Cow<'a, [u8]>),
}
