//! Samples as statements. Everything random is drawn here, from the seed, and stands in the statement or its
//! values: the same seed over the same file gives the same rows.
//!
//! - *block*: runs of rows at random row numbers, one in each of equal stretches, so that runs never overlap;
//! - *keyset*: single rows at random row numbers;
//! - *row* and *random*: by a hash of the row number (or of the row's place where there is none): every row
//!   has the same chance, and every row is looked at.
//!
//! Row numbers with gaps favour rows behind gaps in *block* and *keyset*; that is said.

use super::catalog::{Paging, TableInfo};
use super::filter::quote;
use crate::model::cell::Cell;
use crate::model::command::EntryId;
use crate::model::dice::Dice;
use crate::model::read::{Sample, SampleMethod, SampleSize};

/// The prime that hashes are taken by: squares of its residues stay inside 64 bits.
const PRIME: u64 = 2_147_483_647;

/// First and last row number of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct KeyRange {
    /// Smallest.
    pub(super) first: i64,
    /// Largest.
    pub(super) last: i64,
}

impl KeyRange {
    /// How many row numbers lie in it; at least as many as rows.
    pub(super) fn span(self) -> u64 {
        u64::try_from(i128::from(self.last) - i128::from(self.first) + 1).unwrap_or(u64::MAX)
    }
}

/// A sample, ready to be written into a statement.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Drawn {
    /// The entry of the command table.
    pub(super) entry: EntryId,
    /// What stands between FROM and WHERE, alias included.
    pub(super) from: String,
    /// Conditions that draw.
    pub(super) conditions: Vec<String>,
    /// Order that draws.
    pub(super) order: Option<String>,
    /// Values of its parameters, the first ones.
    pub(super) binds: Vec<Cell>,
    /// At most this many rows.
    pub(super) rows: Option<u64>,
    /// How rows are chosen, in words.
    pub(super) method: String,
    /// What the reader must know.
    pub(super) remarks: Vec<String>,
}

/// The method that `Auto` stands for at a table.
pub(super) fn resolve(method: SampleMethod, table: &TableInfo) -> SampleMethod {
    let has_numbers = matches!(table.paging, Paging::RowNumber(_));
    match method {
        SampleMethod::Auto if has_numbers => SampleMethod::Block,
        SampleMethod::Block | SampleMethod::Keyset if has_numbers => method,
        SampleMethod::Auto | SampleMethod::Block | SampleMethod::Keyset => SampleMethod::Row,
        given => given,
    }
}

/// Rows of a sample where the table's rows are known or estimated.
pub(super) fn rows_of(size: SampleSize, table_rows: Option<u64>) -> Option<u64> {
    match size {
        SampleSize::Rows(rows) => Some(rows),
        SampleSize::Percent(percent) =>
        {
            #[expect(
                clippy::cast_precision_loss,
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a share of a row count; rounding is harmless"
            )]
            table_rows.map(|rows| (rows as f64 * percent.clamp(0.0, 100.0) / 100.0).ceil() as u64)
        }
    }
}

/// Draws a block or keyset sample of `rows` rows over these row numbers.
pub(super) fn draw_by_number(
    table: &TableInfo,
    number: &str,
    method: SampleMethod,
    rows: u64,
    range: KeyRange,
    seed: u64,
) -> Drawn {
    let name = quote(&table.name);
    let mut dice = Dice::new(seed);
    let gaps = "rows behind gaps in the row numbers are chosen more often than others".to_owned();
    if method == SampleMethod::Keyset {
        let count = rows.min(range.span()).min(10_000);
        let places = strata(range, count, &mut dice).into_iter().map(|(start, _)| start).collect::<Vec<_>>();
        let list = places.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        return Drawn {
            entry: super::commands::SAMPLE_KEYS,
            from: format!("{name} AS picked"),
            conditions: vec![format!(
                "picked.{number} IN (SELECT (SELECT run.{number} FROM {name} AS run WHERE run.{number} >= place.value ORDER BY run.{number} LIMIT 1) FROM json_each(?1) AS place)"
            )],
            order: None,
            binds: vec![Cell::Text(format!("[{list}]"))],
            rows: Some(rows),
            method: format!("{count} single rows at random row numbers, seed {seed}"),
            remarks: vec![gaps],
        };
    }
    let run = (rows / 20).clamp(20, 200);
    let count = rows.div_ceil(run).min(range.span().div_ceil(run)).clamp(1, 2_000);
    let list = strata(range, count, &mut dice)
        .iter()
        .map(|(start, end)| format!("[{start},{end}]"))
        .collect::<Vec<_>>()
        .join(",");
    Drawn {
        entry: super::commands::SAMPLE_RUNS,
        from: format!(
            "(SELECT picked.* FROM json_each(?1) AS place CROSS JOIN {name} AS picked WHERE picked.{number} IN (SELECT run.{number} FROM {name} AS run WHERE run.{number} >= place.value ->> 0 AND run.{number} < place.value ->> 1 ORDER BY run.{number} LIMIT {run}))"
        ),
        conditions: Vec::new(),
        order: None,
        binds: vec![Cell::Text(format!("[{list}]"))],
        rows: Some(rows),
        method: format!("{count} runs of up to {run} rows at random row numbers, seed {seed}"),
        remarks: vec![
            gaps,
            "rows of one run lie beside each other in the table and may resemble each other".to_owned(),
        ],
    }
}

/// One random start in each of `count` equal stretches of the range, with the start of the next as its end.
fn strata(range: KeyRange, count: u64, dice: &mut Dice) -> Vec<(i64, i64)> {
    let (span, count) = (u128::from(range.span()), u128::from(count.max(1)));
    let at = |offset: u128| {
        i64::try_from(i128::from(range.first) + i128::try_from(offset).unwrap_or(0)).unwrap_or(range.last)
    };
    let starts = (0..count)
        .map(|index| {
            let (from, to) = (span * index / count, span * (index + 1) / count);
            at(from + u128::from(dice.below(u64::try_from(to - from).unwrap_or(u64::MAX))))
        })
        .collect::<Vec<_>>();
    starts
        .iter()
        .enumerate()
        .map(|(index, start)| (*start, starts.get(index + 1).copied().unwrap_or(i64::MAX)))
        .collect()
}

/// Draws by a hash of each row's number or place: every row with the same chance.
pub(super) fn draw_by_hash(table: &TableInfo, sample: Sample, seed: u64) -> Drawn {
    const PLACE: &str = "\"place of the row\"";
    let name = quote(&table.name);
    let (from, place) = match &table.paging {
        Paging::RowNumber(number) => (format!("{name} AS picked"), format!("picked.{number}")),
        _ => (format!("(SELECT *, row_number() OVER () AS {PLACE} FROM {name}) AS picked"), PLACE.to_owned()),
    };
    let mut dice = Dice::new(seed);
    let (first, second) = (dice.draw() % PRIME, dice.draw() % PRIME);
    let x = format!("((abs({place} % {PRIME}) + {first}) % {PRIME})");
    let hash = format!("({x} * {x} % {PRIME} * 48271 + {second}) % {PRIME}");
    let is_ordered = sample.method == SampleMethod::Random;
    let (conditions, order, rows, size) = match sample.size {
        SampleSize::Percent(percent) => {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                clippy::cast_precision_loss,
                reason = "a share of a prime below 2^31"
            )]
            let below = (percent.clamp(0.0, 100.0) / 100.0 * PRIME as f64) as u64;
            let order = is_ordered.then(|| hash.clone());
            (vec![format!("{hash} < {below}")], order, None, format!("about {percent} % of the rows"))
        }
        SampleSize::Rows(rows) => (Vec::new(), Some(hash), Some(rows), format!("{rows} rows")),
    };
    let mut remarks = vec!["every row is looked at to draw the sample".to_owned()];
    if !matches!(table.paging, Paging::RowNumber(_)) {
        remarks
            .push("drawn by the order SQLite gives the rows in: the same only while that stays".to_owned());
    }
    Drawn {
        entry: super::commands::SAMPLE_SCAN,
        from,
        conditions,
        order,
        binds: Vec::new(),
        rows,
        method: format!("{size}, each row with the same chance, seed {seed}"),
        remarks,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_never_overlap_and_the_seed_decides_them() {
        for (first, last, count) in
            [(1, 1_000_000, 50), (-5, 5, 11), (i64::MIN, i64::MAX, 100), (7, 7, 1), (1, 100, 100)]
        {
            let range = KeyRange { first, last };
            let drawn = strata(range, count, &mut Dice::new(9));
            assert_eq!(drawn, strata(range, count, &mut Dice::new(9)));
            assert_eq!(drawn.len() as u64, count);
            assert!(drawn.iter().all(|(start, _)| (first..=last).contains(start)));
            assert!(drawn.windows(2).all(|pair| pair[0].0 <= pair[1].0 && pair[0].1 == pair[1].0));
            if count > 10 && range.span() > 1000 {
                assert_ne!(drawn, strata(range, count, &mut Dice::new(10)));
            }
        }
    }
}
