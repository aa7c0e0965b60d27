//! Samples as statements. What is random stands in the statement, from the seed: the same seed over the same
//! table gives the same rows, while nothing is written to it.
//!
//! - *block*: `TABLESAMPLE SYSTEM`, whole blocks, as many as hold the rows asked for: a few blocks are read, and
//!   rows of one block resemble each other;
//! - *row*: `TABLESAMPLE BERNOULLI`, every row with the same chance: every block is read;
//! - *random*: exactly as many rows, by a hash of their places: every block is read and sorted.
//!
//! A small table has too few blocks for a fair draw of blocks: its rows are drawn by hash, which costs no more.

use super::catalog::{Kind, TableInfo};
use crate::model::read::{Sample, SampleMethod, SampleSize};

/// Up to how many blocks a table is small.
const SMALL_BLOCKS: u64 = 64;
/// Rows of a block where nobody ever counted: PostgreSQL's own guess for narrow rows is of that order.
const GUESSED_ROWS_A_BLOCK: f64 = 50.0;

/// A sample, ready to be written into a statement.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Drawn {
    /// The method in the end.
    pub(super) method_taken: SampleMethod,
    /// `TABLESAMPLE …` behind the table's name, or nothing.
    pub(super) tablesample: String,
    /// Conditions that draw.
    pub(super) conditions: Vec<String>,
    /// Order that draws.
    pub(super) order: Option<String>,
    /// At most this many rows.
    pub(super) rows: Option<u64>,
    /// How rows are chosen, in words.
    pub(super) method: String,
    /// What the reader must know.
    pub(super) remarks: Vec<String>,
}

/// Blocks of a table now, as far as known.
fn blocks(table: &TableInfo, block_bytes: u64) -> u64 {
    table.bytes.map_or(table.pages, |bytes| bytes.div_ceil(block_bytes.max(1))).max(1)
}

/// Rows of a table now: the counted density over the blocks of today, as the planner does it.
#[expect(clippy::cast_precision_loss, reason = "an estimate of a row count")]
fn rows_about(table: &TableInfo, block_bytes: u64) -> f64 {
    let density = match table.rows {
        Some(rows) if table.pages > 0 => rows as f64 / table.pages as f64,
        _ => GUESSED_ROWS_A_BLOCK,
    };
    (density * blocks(table, block_bytes) as f64).max(1.0)
}

/// Draws a sample of a table or view; none for [`SampleMethod::Head`], which draws nothing.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "shares and row counts; rounding is harmless"
)]
pub(super) fn draw(table: &TableInfo, asked: Sample, seed: u64, block_bytes: u64) -> Drawn {
    let about = rows_about(table, block_bytes);
    let rows = match asked.size {
        SampleSize::Rows(rows) => rows,
        SampleSize::Percent(percent) => (about * percent / 100.0).ceil() as u64,
    };
    let percent = match asked.size {
        SampleSize::Rows(rows) => (rows as f64 / about * 100.0).min(100.0),
        SampleSize::Percent(percent) => percent.clamp(0.0, 100.0),
    };
    let most = match asked.size {
        SampleSize::Rows(rows) => Some(rows),
        SampleSize::Percent(_) => None,
    };
    let can_sample = matches!(table.kind, Kind::Table | Kind::Materialised | Kind::Partitioned);
    let is_small = table.kind != Kind::Partitioned && blocks(table, block_bytes) <= SMALL_BLOCKS;
    let wanted = match asked.method {
        SampleMethod::Auto | SampleMethod::Keyset => SampleMethod::Block,
        given => given,
    };
    // The seed as PostgreSQL's hash takes it; every seed gives another draw.
    let seed = (seed & 0x7fff_ffff) as u32;
    let mut remarks = Vec::new();
    if asked.method == SampleMethod::Keyset {
        remarks
            .push("PostgreSQL draws blocks, which costs less than random keys: blocks are drawn".to_owned());
    }
    match wanted {
        SampleMethod::Block if can_sample && !is_small => Drawn {
            method_taken: SampleMethod::Block,
            tablesample: format!(" TABLESAMPLE SYSTEM ({percent}) REPEATABLE ({seed})"),
            conditions: Vec::new(),
            order: None,
            rows: most,
            method: format!(
                "whole blocks by chance, about {percent:.3} % of them (TABLESAMPLE SYSTEM, seed {seed})"
            ),
            remarks: with(
                remarks,
                "rows of one block resemble each other, so the sample says less than as many single rows would; its size varies",
            ),
        },
        SampleMethod::Row if can_sample => Drawn {
            method_taken: SampleMethod::Row,
            tablesample: format!(" TABLESAMPLE BERNOULLI ({percent}) REPEATABLE ({seed})"),
            conditions: Vec::new(),
            order: None,
            rows: most,
            method: format!("every row with a chance of {percent:.3} % (TABLESAMPLE BERNOULLI, seed {seed})"),
            remarks: with(remarks, "every block of the table is read"),
        },
        _ if table.kind.has_blocks() => Drawn {
            method_taken: SampleMethod::Random,
            tablesample: String::new(),
            conditions: Vec::new(),
            order: Some(format!("pg_catalog.hashtextextended(ctid::pg_catalog.text, {seed})")),
            rows: Some(rows),
            method: format!("random rows, by a hash of their places (seed {seed})"),
            remarks: match wanted {
                SampleMethod::Random => {
                    with(remarks, "every block of the table is read, and its rows are sorted")
                }
                _ => with(remarks, "a small table: all its blocks are looked at"),
            },
        },
        _ => Drawn {
            method_taken: SampleMethod::Random,
            tablesample: String::new(),
            conditions: Vec::new(),
            order: Some("pg_catalog.random()".to_owned()),
            rows: Some(rows),
            method: "random rows".to_owned(),
            remarks: with(remarks, "all its rows are made, then drawn from; the draw cannot be repeated"),
        },
    }
}

fn with(mut remarks: Vec<String>, more: &str) -> Vec<String> {
    remarks.push(more.to_owned());
    remarks
}
