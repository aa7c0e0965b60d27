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
    /// Whether `value` is only the beginning of a long text.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
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

/// Lengths of text (characters), bytes, or lists (items).
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
    /// Values of the type that arithmetic leaves out: NaN, infinities, times beyond the calendar.
    #[serde(default)]
    pub special: u64,
    /// Empty texts and bytes.
    #[serde(default)]
    pub empty: u64,
    /// Distinct values; of a sample whose table size is known, the estimate for the table.
    pub distinct: Option<f64>,
    /// What `distinct` rests on.
    pub distinct_basis: Basis,
    /// Bounds of `distinct` for the whole table, when only a sample was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distinct_range: Option<(f64, f64)>,
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
    /// Error of the ranks of sketched quantiles (0.01 = one percentile), 99 % confidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rank_error: Option<f64>,
    /// Remarks a reader needs to take the figures rightly.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Where catalogue figures come from, with their age.
    pub source: Option<String>,
}

impl ColumnProfile {
    /// A profile that knows nothing yet.
    pub fn unknown(name: impl Into<String>, logical: LogicalType) -> Self {
        Self {
            name: name.into(),
            logical,
            rows: 0,
            nulls: None,
            missing: 0,
            odd: 0,
            special: 0,
            empty: 0,
            distinct: None,
            distinct_basis: Basis::Estimate,
            distinct_range: None,
            min: None,
            max: None,
            mean: None,
            quantiles: Vec::new(),
            histogram: Vec::new(),
            top: Vec::new(),
            lengths: None,
            error_bound: None,
            rank_error: None,
            notes: Vec::new(),
            source: None,
        }
    }
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
