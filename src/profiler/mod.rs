//! One pass over rows → mergeable column states → profiles.
//!
//! A [`ColumnAccumulator`] takes one column's values as they come. While a column has few different values
//! they are counted exactly in a dictionary; when it overflows, its counts move into sketches (HyperLogLog,
//! KLL, frequent items) and the figures become estimates that carry their errors. States
//! ([`crate::model::column_state`]) merge: threads, files, partitions and resumed runs add up.
//!
//! Invariants: counts, minimum, maximum and sums of whole numbers are exact at any size · the same input in
//! the same order gives the same profile · merging two halves finds the same distinct count as one pass ·
//! memory is bounded by [`Limits`] whatever the values are · no input panics.

mod accumulator;
mod arrays;
mod decimal;
mod dictionary;
mod finish;
mod hash;
mod histogram;
mod kind;
mod kll;
mod limits;
mod sketches;
mod state;
mod table;

pub use accumulator::ColumnAccumulator;
pub use finish::{Coverage, finish};
pub use limits::Limits;
pub use table::{TableProfiler, merge};

/// Ranks of the quantiles of a profile.
pub const RANKS: [f64; 7] = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99];

/// Frequent values listed.
pub const TOP_VALUES: usize = 10;

#[cfg(test)]
mod tests;
