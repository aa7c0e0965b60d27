//! What a profile finds: per column and for the table, with the basis of every number. Serialises to the
//! profile document of the headless face.

use serde::{Deserialize, Serialize};

use super::cell::Cell;
use super::lost::Findings;
use super::schema::LogicalType;

/// What a number rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Counted.
    Exact,
    /// From a sketch or from statistics, with an error.
    Estimate,
    /// From a sample.
    Sample,
}

/// A frequent value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TopValue {
    /// The value.
    pub value: Cell,
    /// How often it was counted.
    pub count: u64,
    /// By how much the count may be too high.
    pub error: u64,
}

/// One bar of a histogram.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// Lower end, as the position on the axis (numbers as they are, times as seconds since 1970).
    pub lo: f64,
    /// Upper end.
    pub hi: f64,
    /// Share of rows, 0–1.
    pub share: f64,
    /// Lower end as the user reads it.
    pub lo_text: String,
    /// Upper end as the user reads it.
    pub hi_text: String,
}

/// A quantile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quantile {
    /// Rank, 0–1.
    pub rank: f64,
    /// The value at that rank.
    pub value: Cell,
}

/// Lengths of text (characters) or bytes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lengths {
    /// Shortest.
    pub min: u64,
    /// Mean.
    pub mean: f64,
    /// Longest.
    pub max: u64,
}

/// What is found about one column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnProfile {
    /// Its name.
    pub name: String,
    /// Its type.
    pub logical: LogicalType,
    /// Rows looked at.
    pub rows: u64,
    /// Nulls among them.
    pub nulls: Option<u64>,
    /// Missing among them.
    pub missing: u64,
    /// Values that are not of the column's type (kept, counted apart).
    pub odd: u64,
    /// Distinct values.
    pub distinct: Option<f64>,
    /// What `distinct` rests on.
    pub distinct_basis: Basis,
    /// Smallest.
    pub min: Option<Cell>,
    /// Largest.
    pub max: Option<Cell>,
    /// Mean of numbers.
    pub mean: Option<f64>,
    /// Quantiles of numbers and times, by rank.
    pub quantiles: Vec<Quantile>,
    /// Histogram of numbers and times.
    pub histogram: Vec<Bin>,
    /// Frequent values, most frequent first.
    pub top: Vec<TopValue>,
    /// Lengths of text and bytes.
    pub lengths: Option<Lengths>,
    /// Relative error of sketched figures (one standard deviation of `distinct`).
    pub error_bound: Option<f64>,
    /// Where catalogue figures come from, with their age.
    pub source: Option<String>,
}

/// What is found about a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TableProfile {
    /// Rows of the table, as far as known.
    pub rows: Option<u64>,
    /// What `rows` rests on.
    pub rows_basis: Basis,
    /// Rows looked at.
    pub rows_seen: u64,
    /// How the rows were chosen, in words.
    pub method: String,
    /// The columns.
    pub columns: Vec<ColumnProfile>,
    /// What was lost on the way.
    pub findings: Findings,
}
