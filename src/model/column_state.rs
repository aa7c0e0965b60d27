//! Mergeable states of a profile, as they cross from the worker and lie on disk. Their arithmetic is in
//! `profiler`; here they are data: counters and serialised sketches.

use serde::{Deserialize, Serialize};

use super::cell::Cell;
use super::schema::Schema;

/// State of one column.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ColumnState {
    /// Rows seen.
    pub rows: u64,
    /// Nulls among them.
    pub nulls: u64,
    /// Missing among them.
    pub missing: u64,
    /// Values not of the column's type.
    pub odd: u64,
    /// Smallest and largest value.
    pub range: Option<(Cell, Cell)>,
    /// Sum of numbers and its compensation (Neumaier).
    #[serde(with = "super::exact::float_pair")]
    pub sum: (f64, f64),
    /// Numbers summed.
    pub summed: u64,
    /// Lengths: least, sum, most.
    pub lengths: Option<(u64, u64, u64)>,
    /// Exact counts by value, while there are few; then empty and the sketches run.
    pub exact: Option<Vec<(Cell, u64)>>,
    /// HyperLogLog of the values' hashes.
    #[serde(with = "super::exact::bytes")]
    pub distinct_sketch: Vec<u8>,
    /// KLL of numeric positions.
    #[serde(with = "super::exact::bytes")]
    pub quantile_sketch: Vec<u8>,
    /// Frequent items.
    #[serde(with = "super::exact::bytes")]
    pub frequent_sketch: Vec<u8>,
}

/// State of a table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TableState {
    /// The columns' names and types.
    pub schema: Schema,
    /// Rows seen.
    pub rows: u64,
    /// One state a column.
    pub columns: Vec<ColumnState>,
}
