//! Mergeable states of a profile, as they cross from the worker and lie on disk. Their arithmetic is in
//! `profiler`; here they are data: counters, exact counts by value while there are few, else serialised
//! sketches.

use serde::{Deserialize, Serialize};

use super::cell::Cell;
use super::schema::Schema;
use super::wire;

/// A sum that keeps what floating point would drop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sum {
    /// Sum of whole numbers, exact.
    #[serde(with = "wire::whole")]
    pub whole: i128,
    /// Sum of finite floats and decimals.
    #[serde(with = "wire::float")]
    pub float: f64,
    /// What `float` rounded away (Neumaier).
    #[serde(with = "wire::float")]
    pub compensation: f64,
    /// Values summed.
    pub count: u64,
}

impl Sum {
    /// Adds a finite float, keeping what rounding drops.
    pub fn add(&mut self, value: f64) {
        let total = self.float + value;
        self.compensation += if self.float.abs() >= value.abs() {
            (self.float - total) + value
        } else {
            (value - total) + self.float
        };
        self.float = total;
    }

    /// Adds another sum.
    pub fn merge(&mut self, other: Self) {
        self.whole = self.whole.saturating_add(other.whole);
        self.add(other.float);
        self.compensation += other.compensation;
        self.count += other.count;
    }

    /// The sum as a float.
    pub fn total(&self) -> f64 {
        let float = self.float + self.compensation;
        if float.is_nan() { self.float } else { float + self.whole as f64 }
    }
}

/// Lengths of text (characters), bytes, or lists (items).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LengthState {
    /// Shortest.
    pub min: u64,
    /// All together.
    pub sum: u64,
    /// Longest.
    pub max: u64,
}

/// A value counted by its text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FrequentText {
    /// What the frequency sketch counts it under.
    pub key: i64,
    /// The value, or its beginning.
    pub value: Cell,
    /// Whether it is only the beginning.
    pub cut: bool,
}

/// State of one column.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ColumnState {
    /// Rows seen.
    pub rows: u64,
    /// Nulls among them.
    pub nulls: u64,
    /// Missing among them.
    pub missing: u64,
    /// Cells that are no value of the column's type.
    pub odd: u64,
    /// Values of the type that arithmetic leaves out: NaN, infinities, times beyond the calendar.
    pub special: u64,
    /// Empty texts and bytes.
    pub empty: u64,
    /// Smallest and largest value, of types that have an order.
    pub range: Option<(Cell, Cell)>,
    /// Sum of finite numbers.
    pub sum: Sum,
    /// Lengths of text, bytes and lists.
    pub lengths: Option<LengthState>,
    /// Exact counts by value, while there are few; then none, and the sketches run.
    pub exact: Option<Vec<(Cell, u64)>>,
    /// Counts of values outside the type's arithmetic, by their exact text; few are kept.
    pub extras: Vec<(String, u64)>,
    /// HyperLogLog of the values.
    #[serde(with = "wire::bytes")]
    pub distinct_sketch: Vec<u8>,
    /// Quantile sketch of positions.
    #[serde(with = "wire::bytes")]
    pub quantile_sketch: Vec<u8>,
    /// Frequent items.
    #[serde(with = "wire::bytes")]
    pub frequent_sketch: Vec<u8>,
    /// Texts of frequent items, where the sketch counts hashes.
    pub frequent_texts: Vec<FrequentText>,
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
