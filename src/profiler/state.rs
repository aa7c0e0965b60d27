//! A column's live state to its wire form and back. What comes back was written by another process: every
//! figure in it is checked before it is counted on.

use super::accumulator::{ColumnAccumulator, Range, Values};
use super::decimal::Number;
use super::kind::{self, Kind};
use super::limits::Limits;
use super::sketches::Sketches;
use crate::model::cell::Cell;
use crate::model::column_state::{ColumnState, FrequentText};
use crate::model::schema::LogicalType;
use crate::model::{Error, ErrorKind, Result};

/// More rows than any stream has: sums of counts below it cannot overflow.
const MOST_ROWS: u64 = 1 << 56;

fn refused(why: &str) -> Error {
    Error::new(ErrorKind::Decode, "profile", format!("a column state can't be right: {why}"))
}

impl ColumnAccumulator {
    /// The wire form of this state.
    pub fn state(&self) -> ColumnState {
        let mut state = ColumnState {
            rows: self.rows,
            nulls: self.nulls,
            missing: self.missing,
            odd: self.odd,
            special: self.special,
            empty: self.empty,
            range: self.range_cells(),
            sum: self.sum,
            lengths: self.lengths,
            extras: self.extras.iter().map(|(text, count)| (text.clone(), *count)).collect(),
            ..ColumnState::default()
        };
        match &self.values {
            Values::Exact(dictionary) => {
                state.exact = Some(
                    dictionary.iter().map(|(key, text, count)| (self.value_cell(key, text), count)).collect(),
                );
            }
            Values::Sketched(sketches) => {
                let (distinct, quantiles, frequent) = sketches.to_bytes();
                state.distinct_sketch = distinct;
                state.quantile_sketch = quantiles;
                state.frequent_sketch = frequent;
                state.frequent_texts = sketches
                    .texts()
                    .map(|(key, text)| FrequentText {
                        key,
                        value: kind::cell_of_text(self.kind, &self.logical, &text.bytes),
                        cut: text.cut,
                    })
                    .collect();
            }
        }
        state
    }

    /// The live state of a wire form. Fails if it can't be the state of a column of this type.
    pub fn from_state(logical: &LogicalType, state: &ColumnState, limits: Limits) -> Result<Self> {
        let mut made = Self::new(logical, limits);
        let apart = [state.nulls, state.missing, state.odd];
        let values = apart.iter().try_fold(state.rows, |left, part| left.checked_sub(*part));
        let Some(values) = values.filter(|_| state.rows <= MOST_ROWS) else {
            return Err(refused("its counts exceed its rows"));
        };
        if state.special > values || state.empty > values || state.sum.count > values {
            return Err(refused("its counts exceed its values"));
        }
        made.rows = state.rows;
        made.nulls = state.nulls;
        made.missing = state.missing;
        made.odd = state.odd;
        made.special = state.special;
        made.empty = state.empty;
        made.sum = state.sum;
        made.lengths = state.lengths;
        made.range = made.range_of(state.range.as_ref())?;
        let mut extras = values;
        for (text, count) in &state.extras {
            extras = extras.checked_sub(*count).ok_or_else(|| refused("its extras exceed its values"))?;
            made.count_extra(text, *count);
        }
        match &state.exact {
            Some(exact) => made.count_exact(exact, values)?,
            None if values == 0 && state.distinct_sketch.is_empty() => {}
            None => made.values = Values::Sketched(Box::new(made.sketches_of(state, values)?)),
        }
        Ok(made)
    }

    fn count_exact(&mut self, exact: &[(Cell, u64)], mut left: u64) -> Result<()> {
        for (cell, count) in exact {
            left =
                left.checked_sub(*count).ok_or_else(|| refused("its values are counted more than once"))?;
            if self.kind.is_keyed() {
                let key = kind::key_of_cell(self.kind, &self.logical, cell);
                self.count_many(key.ok_or_else(|| refused("a value is not of its type"))?, None, *count);
            } else {
                let text = kind::text_of_cell(self.kind, &self.logical, cell)
                    .ok_or_else(|| refused("a value is not of its type"))?;
                let number = self.number_of(text);
                self.count_many(kind::text_key(number.as_ref(), text), Some(text), *count);
            }
        }
        Ok(())
    }

    fn sketches_of(&self, state: &ColumnState, values: u64) -> Result<Sketches> {
        let texts = state.frequent_texts.iter().filter_map(|text| {
            let bytes = kind::text_of_cell(self.kind, &self.logical, &text.value)?;
            Some((text.key, bytes.to_vec(), text.cut))
        });
        let sketches = Sketches::from_bytes(
            (&state.distinct_sketch, &state.quantile_sketch, &state.frequent_sketch),
            texts,
            &self.limits,
        )?;
        if sketches.heaviest() > values {
            return Err(refused("its sketches weigh more than its values"));
        }
        Ok(sketches)
    }

    fn number_of(&self, text: &[u8]) -> Option<Number> {
        if self.kind != Kind::Decimal {
            return None;
        }
        std::str::from_utf8(text).ok().and_then(Number::parse)
    }

    /// The value an exact entry stands for.
    pub(super) fn value_cell(&self, key: i64, text: &[u8]) -> Cell {
        if self.kind.is_keyed() {
            kind::cell_of_key(self.kind, &self.logical, key)
        } else {
            kind::cell_of_text(self.kind, &self.logical, text)
        }
    }

    /// Smallest and largest value.
    pub(super) fn range_cells(&self) -> Option<(Cell, Cell)> {
        Some(match self.range.as_ref()? {
            Range::Keys(min, max) => {
                let cell = |key| kind::cell_of_key(self.kind, &self.logical, key);
                (cell(*min), cell(*max))
            }
            Range::Bytes(min, max) => {
                let cell = |bytes| kind::cell_of_text(self.kind, &self.logical, bytes);
                (cell(min), cell(max))
            }
            Range::Numbers(ends) => (Cell::Decimal(ends.0.text.clone()), Cell::Decimal(ends.1.text.clone())),
            Range::Instants(min, max) => (Cell::Exact(min.1.clone()), Cell::Exact(max.1.clone())),
        })
    }

    fn range_of(&self, range: Option<&(Cell, Cell)>) -> Result<Option<Range>> {
        let Some((min, max)) = range else { return Ok(None) };
        let wrong = || refused("its range is not of its type");
        let ends = [min, max];
        let text = |cell| {
            let bytes = kind::text_of_cell(self.kind, &self.logical, cell)?;
            Some(bytes.to_vec())
        };
        Ok(Some(match self.kind {
            kind if kind.is_keyed() => {
                let [min, max] = ends.map(|cell| kind::key_of_cell(kind, &self.logical, cell));
                Range::Keys(min.ok_or_else(wrong)?, max.ok_or_else(wrong)?)
            }
            Kind::Decimal => {
                let mut scratch = Self::new(&self.logical, self.limits);
                for bytes in ends.map(text) {
                    let bytes = bytes.ok_or_else(wrong)?;
                    let number = self.number_of(&bytes).ok_or_else(wrong)?;
                    let text = String::from_utf8_lossy(&bytes);
                    scratch.stretch_numbers(text.parse().unwrap_or(f64::NAN), number, &text);
                }
                return Ok(scratch.range);
            }
            Kind::Instant => {
                let [min, max] = ends.map(|cell| {
                    let text = String::from_utf8(text(cell)?).ok()?;
                    Some((kind::instant_nanos(&text)?, text))
                });
                Range::Instants(min.ok_or_else(wrong)?, max.ok_or_else(wrong)?)
            }
            _ => {
                let [min, max] = ends.map(text);
                Range::Bytes(min.ok_or_else(wrong)?, max.ok_or_else(wrong)?)
            }
        }))
    }
}
