//! Live state of one column: takes values one by one, whoever brings them.

use std::collections::BTreeMap;

use super::decimal::Number;
use super::dictionary::{Added, Dictionary};
use super::kind::{self, Kind};
use super::limits::{Limits, MAX_EXTRAS};
use super::sketches::Sketches;
use crate::model::Result;
use crate::model::cell::Cell;
use crate::model::column_state::{LengthState, Sum};
use crate::model::schema::LogicalType;

/// The values counted, exactly while they fit.
#[derive(Clone, Debug)]
pub(super) enum Values {
    Exact(Dictionary),
    Sketched(Box<Sketches>),
}

/// Smallest and largest value, in the form that compares fastest.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Range {
    Keys(i64, i64),
    Bytes(Vec<u8>, Vec<u8>),
    Numbers(Box<(NumberEnd, NumberEnd)>),
    Instants((i128, String), (i128, String)),
}

/// A decimal at an end of the range; its float settles most comparisons.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct NumberEnd {
    near: f64,
    number: Number,
    pub(super) text: String,
}

/// Takes one column's values and knows what a profile tells of them.
///
/// Push each cell once, by the method of its type. A value pushed by the method of another type counts as
/// odd: not of the column's type.
#[derive(Clone, Debug)]
pub struct ColumnAccumulator {
    pub(super) kind: Kind,
    pub(super) logical: LogicalType,
    pub(super) limits: Limits,
    pub(super) rows: u64,
    pub(super) nulls: u64,
    pub(super) missing: u64,
    pub(super) odd: u64,
    pub(super) special: u64,
    pub(super) empty: u64,
    pub(super) range: Option<Range>,
    pub(super) sum: Sum,
    pub(super) lengths: Option<LengthState>,
    pub(super) extras: BTreeMap<String, u64>,
    pub(super) values: Values,
    ordered: bool,
    scratch: String,
}

impl ColumnAccumulator {
    /// An empty state for a column of this type.
    pub fn new(logical: &LogicalType, limits: Limits) -> Self {
        let kind = Kind::of(logical);
        Self {
            kind,
            logical: logical.clone(),
            limits,
            rows: 0,
            nulls: 0,
            missing: 0,
            odd: 0,
            special: 0,
            empty: 0,
            range: None,
            sum: Sum::default(),
            lengths: None,
            extras: BTreeMap::new(),
            values: Values::Exact(Dictionary::default()),
            ordered: kind::orders_by_bytes(logical),
            scratch: String::new(),
        }
    }

    /// Cells pushed.
    pub fn row_count(&self) -> u64 {
        self.rows
    }

    /// Bytes of memory held, nearly.
    pub fn memory_bytes(&self) -> usize {
        let values = match &self.values {
            Values::Exact(dictionary) => dictionary.memory_bytes(),
            Values::Sketched(sketches) => sketches.memory_bytes(),
        };
        let range = match &self.range {
            Some(Range::Bytes(min, max)) => min.capacity() + max.capacity(),
            Some(Range::Numbers(ends)) => (ends.0.text.len() + ends.1.text.len()) * 2,
            _ => 0,
        };
        size_of::<Self>() + values + range + self.scratch.capacity()
    }

    /// Nulls, many at once.
    pub fn push_nulls(&mut self, count: u64) {
        self.rows += count;
        self.nulls += count;
    }

    /// A null.
    pub fn push_null(&mut self) {
        self.push_nulls(1);
    }

    /// A record without this column.
    pub fn push_missing(&mut self) {
        self.rows += 1;
        self.missing += 1;
    }

    /// A cell that is no value of the column's type.
    pub fn push_odd(&mut self) {
        self.rows += 1;
        self.odd += 1;
    }

    /// True or false.
    pub fn push_bool(&mut self, value: bool) {
        match self.kind {
            Kind::Bool => self.push_key(value.into()),
            _ => self.push_odd(),
        }
    }

    /// A whole number; a date, time or timestamp in the column's unit.
    #[inline]
    pub fn push_i64(&mut self, value: i64) {
        match self.kind {
            Kind::Signed => {
                self.push_key(value);
                if matches!(self.logical, LogicalType::Int { .. }) {
                    self.sum_whole(value.into());
                }
            }
            Kind::Unsigned | Kind::Float | Kind::Decimal => self.push_i64_as_other(value),
            _ => self.push_odd(),
        }
    }

    /// A whole number in a column of another number type, where nothing is lost by it.
    fn push_i64_as_other(&mut self, value: i64) {
        match (self.kind, u64::try_from(value)) {
            (Kind::Unsigned, Ok(value)) => self.push_u64(value),
            (Kind::Float, _) if value.unsigned_abs() <= 1 << 53 => self.push_f64(value as f64),
            (Kind::Decimal, _) => self.push_decimal(&value.to_string()),
            _ => self.push_odd(),
        }
    }

    /// An unsigned whole number.
    #[inline]
    pub fn push_u64(&mut self, value: u64) {
        match (self.kind, i64::try_from(value)) {
            (Kind::Unsigned, _) => {
                self.push_key(kind::unsigned_key(value));
                self.sum_whole(value.into());
            }
            (Kind::Signed | Kind::Float | Kind::Decimal, Ok(value)) => self.push_i64(value),
            (Kind::Decimal, Err(_)) => self.push_decimal(&value.to_string()),
            _ => self.push_odd(),
        }
    }

    /// A float (of any width).
    #[inline]
    pub fn push_f64(&mut self, value: f64) {
        if !matches!(self.kind, Kind::Float | Kind::Float32) {
            return self.push_odd();
        }
        if value.is_nan() {
            // Counted among the values, outside their order.
            self.rows += 1;
            self.special += 1;
            return self.count(kind::float_key(value), None, None);
        }
        self.push_key(kind::float_key(value));
        if value.is_finite() {
            self.sum_float(value);
        } else {
            self.special += 1;
        }
    }

    /// A decimal as text.
    pub fn push_decimal(&mut self, text: &str) {
        if self.kind != Kind::Decimal {
            return self.push_odd();
        }
        let Some(number) = Number::parse(text) else {
            return match text.to_ascii_lowercase().trim_start_matches(['+', '-']) {
                "nan" | "infinity" | "inf" => self.push_special(text),
                _ => self.push_odd(),
            };
        };
        self.rows += 1;
        let near: f64 = text.parse().unwrap_or(f64::NAN);
        if near.is_finite() {
            self.sum_float(near);
        }
        let key = kind::text_key(Some(&number), text.as_bytes());
        self.stretch_numbers(near, number, text);
        let position = (!near.is_nan()).then(|| kind::float_key(near));
        self.count(key, Some(text.as_bytes()), position);
    }

    /// A text, or the exact text of a value that travels as text.
    #[inline]
    pub fn push_str(&mut self, text: &str) {
        match self.kind {
            Kind::Text | Kind::Nested => {
                self.rows += 1;
                if self.kind == Kind::Text {
                    self.measure(text.chars().count() as u64);
                }
                self.stretch_bytes(text.as_bytes());
                self.count(kind::text_key(None, text.as_bytes()), Some(text.as_bytes()), None);
            }
            Kind::Decimal => self.push_decimal(text),
            Kind::Instant => self.push_instant(text),
            _ => self.push_odd(),
        }
    }

    /// Bytes.
    pub fn push_bytes(&mut self, bytes: &[u8]) {
        if self.kind != Kind::Bytes {
            return self.push_odd();
        }
        self.rows += 1;
        self.measure(bytes.len() as u64);
        self.stretch_bytes(bytes);
        self.count(kind::text_key(None, bytes), Some(bytes), None);
    }

    /// A value of the column's type that its arithmetic leaves out, such as `infinity` of a timestamp.
    pub fn push_special(&mut self, text: &str) {
        self.rows += 1;
        self.special += 1;
        self.count_extra(text, 1);
    }

    /// Any cell.
    pub fn push_cell(&mut self, cell: &Cell) {
        match cell {
            Cell::Null => self.push_null(),
            Cell::Missing => self.push_missing(),
            Cell::Bool(value) => self.push_bool(*value),
            Cell::Float(value) => self.push_f64(*value),
            Cell::Float32(value) => self.push_f64((*value).into()),
            Cell::UInt(value) => self.push_u64(*value),
            Cell::Decimal(text) => self.push_decimal(text),
            Cell::Exact(text) if self.kind.is_keyed() => self.push_special(text),
            Cell::List(_) | Cell::Struct(_) | Cell::Map(_) => self.push_nested(cell),
            Cell::Int(_) | Cell::Date(_) | Cell::Time(_) | Cell::Timestamp(_) => {
                match kind::key_of_cell(self.kind, &self.logical, cell) {
                    Some(key) if self.kind == Kind::Signed => self.push_i64(key),
                    _ => match cell {
                        Cell::Int(value) => self.push_i64_as_other(*value),
                        _ => self.push_odd(),
                    },
                }
            }
            Cell::Invalid(_) | Cell::Text(_) | Cell::Bytes(_) | Cell::Exact(_) | Cell::Json(_) => {
                match (kind::text_of_cell(self.kind, &self.logical, cell), cell) {
                    (Some(_), Cell::Bytes(bytes)) => self.push_bytes(bytes),
                    (Some(_), Cell::Text(text) | Cell::Exact(text) | Cell::Json(text)) => self.push_str(text),
                    _ => self.push_odd(),
                }
            }
        }
    }

    /// Nested values are told apart by their JSON; lists and maps are measured in items.
    fn push_nested(&mut self, cell: &Cell) {
        let items = match (&self.logical, cell) {
            (LogicalType::List { .. }, Cell::List(items)) => Some(items.len()),
            (LogicalType::Map { .. }, Cell::Map(entries)) => Some(entries.len()),
            (LogicalType::Struct { .. }, Cell::Struct(_)) => None,
            _ => return self.push_odd(),
        };
        self.rows += 1;
        if let Some(items) = items {
            self.measure(items as u64);
        }
        let mut text = std::mem::take(&mut self.scratch);
        text.clear();
        cell.push_json(&self.logical, &mut text);
        self.count(kind::text_key(None, text.as_bytes()), Some(text.as_bytes()), None);
        self.scratch = text;
    }

    fn push_instant(&mut self, text: &str) {
        let Some(nanos) = kind::instant_nanos(text) else { return self.push_special(text) };
        self.rows += 1;
        match &mut self.range {
            Some(Range::Instants(min, max)) => {
                if nanos < min.0 {
                    *min = (nanos, text.to_owned());
                }
                if nanos > max.0 {
                    *max = (nanos, text.to_owned());
                }
            }
            _ => self.range = Some(Range::Instants((nanos, text.to_owned()), (nanos, text.to_owned()))),
        }
        let position = i64::try_from(nanos.div_euclid(1_000)).ok();
        self.count(kind::text_key(None, text.as_bytes()), Some(text.as_bytes()), position);
    }

    #[inline]
    fn push_key(&mut self, key: i64) {
        self.rows += 1;
        match &mut self.range {
            Some(Range::Keys(min, max)) => {
                *min = key.min(*min);
                *max = key.max(*max);
            }
            _ => self.range = Some(Range::Keys(key, key)),
        }
        let position = (self.kind != Kind::Bool).then_some(key);
        self.count(key, None, position);
    }

    /// Counts a value that is already among the rows.
    #[inline]
    fn count(&mut self, key: i64, text: Option<&[u8]>, position: Option<i64>) {
        match &mut self.values {
            Values::Exact(dictionary) => {
                if dictionary.add(key, text.unwrap_or(&[]), 1, &self.limits) == Added::Full {
                    self.drain();
                    if let Values::Sketched(sketches) = &mut self.values {
                        sketches.add(key, text, position);
                    }
                }
            }
            Values::Sketched(sketches) => sketches.add(key, text, position),
        }
    }

    /// Moves the exact counts into sketches.
    #[cold]
    pub(super) fn drain(&mut self) {
        let Values::Exact(dictionary) = &self.values else { return };
        // The limits are ours and valid; without sketches the dictionary stays, full.
        let Ok(mut sketches) = Sketches::new(&self.limits) else { return };
        let keyed = self.kind.is_keyed();
        let mut entries: Vec<_> = dictionary.iter().collect();
        // The most frequent first: they are in before anything has to leave.
        entries.sort_by_key(|&(key, _, count)| (std::cmp::Reverse(count), key));
        for (key, text, count) in entries {
            let position = kind::position(self.kind, key, text);
            sketches.add_many(key, (!keyed).then_some(text), position, count);
        }
        self.values = Values::Sketched(Box::new(sketches));
    }

    pub(super) fn count_extra(&mut self, text: &str, count: u64) {
        if let Some(known) = self.extras.get_mut(text) {
            *known += count;
        } else if self.extras.len() < MAX_EXTRAS && text.len() <= super::limits::LONGEST_KEPT_TEXT {
            self.extras.insert(text.to_owned(), count);
        }
    }

    fn measure(&mut self, length: u64) {
        self.empty += u64::from(length == 0);
        match &mut self.lengths {
            Some(known) => {
                known.min = known.min.min(length);
                known.sum += length;
                known.max = known.max.max(length);
            }
            None => self.lengths = Some(LengthState { min: length, sum: length, max: length }),
        }
    }

    fn stretch_bytes(&mut self, bytes: &[u8]) {
        if !self.ordered {
            return;
        }
        match &mut self.range {
            Some(Range::Bytes(min, max)) => {
                if bytes < min.as_slice() {
                    bytes.clone_into(min);
                } else if bytes > max.as_slice() {
                    bytes.clone_into(max);
                }
            }
            _ => self.range = Some(Range::Bytes(bytes.to_vec(), bytes.to_vec())),
        }
    }

    pub(super) fn stretch_numbers(&mut self, near: f64, number: Number, text: &str) {
        match &mut self.range {
            Some(Range::Numbers(ends)) => {
                // Rounding keeps order: strictly inside by the floats is strictly inside.
                if near > ends.0.near && near < ends.1.near {
                    return;
                }
                if number < ends.0.number {
                    ends.0 = NumberEnd { near, number, text: text.to_owned() };
                } else if number > ends.1.number {
                    ends.1 = NumberEnd { near, number, text: text.to_owned() };
                }
            }
            _ => {
                let end = NumberEnd { near, number, text: text.to_owned() };
                self.range = Some(Range::Numbers(Box::new((end.clone(), end))));
            }
        }
    }

    #[inline]
    fn sum_whole(&mut self, value: i128) {
        self.sum.whole = self.sum.whole.saturating_add(value);
        self.sum.count += 1;
    }

    #[inline]
    fn sum_float(&mut self, value: f64) {
        self.sum.add(value);
        self.sum.count += 1;
    }

    /// Adds everything of `other`, a state of the same column.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        self.rows += other.rows;
        self.nulls += other.nulls;
        self.missing += other.missing;
        self.odd += other.odd;
        self.special += other.special;
        self.empty += other.empty;
        self.sum.merge(other.sum);
        if let Some(theirs) = other.lengths {
            self.lengths = Some(self.lengths.map_or(theirs, |mine| LengthState {
                min: mine.min.min(theirs.min),
                sum: mine.sum + theirs.sum,
                max: mine.max.max(theirs.max),
            }));
        }
        for (text, count) in &other.extras {
            self.count_extra(text, *count);
        }
        self.merge_range(other.range.as_ref());
        self.merge_values(&other.values)
    }

    fn merge_range(&mut self, range: Option<&Range>) {
        match (range, &mut self.range) {
            (None, _) => {}
            (Some(theirs), None) => self.range = Some(theirs.clone()),
            (Some(Range::Keys(low, high)), Some(Range::Keys(min, max))) => {
                *min = (*low).min(*min);
                *max = (*high).max(*max);
            }
            (Some(Range::Bytes(low, high)), Some(Range::Bytes(..))) => {
                self.stretch_bytes(low);
                self.stretch_bytes(high);
            }
            (Some(Range::Numbers(ends)), Some(Range::Numbers(_))) => {
                for end in [&ends.0, &ends.1] {
                    self.stretch_numbers(end.near, end.number.clone(), &end.text);
                }
            }
            (Some(Range::Instants(low, high)), Some(Range::Instants(min, max))) => {
                if low.0 < min.0 {
                    min.clone_from(low);
                }
                if high.0 > max.0 {
                    max.clone_from(high);
                }
            }
            (Some(_), Some(_)) => {}
        }
    }

    fn merge_values(&mut self, other: &Values) -> Result<()> {
        match other {
            Values::Exact(dictionary) => {
                let keyed = self.kind.is_keyed();
                for (key, text, count) in dictionary.iter() {
                    self.count_many(key, (!keyed).then_some(text), count);
                }
                Ok(())
            }
            Values::Sketched(theirs) => {
                self.drain();
                match &mut self.values {
                    Values::Sketched(mine) => mine.merge(theirs),
                    Values::Exact(_) => Ok(()),
                }
            }
        }
    }

    /// Counts a value many times, without touching rows or range.
    pub(super) fn count_many(&mut self, key: i64, text: Option<&[u8]>, count: u64) {
        if let Values::Exact(dictionary) = &mut self.values {
            if dictionary.add(key, text.unwrap_or(&[]), count, &self.limits) == Added::Counted {
                return;
            }
            self.drain();
        }
        let position = kind::position(self.kind, key, text.unwrap_or(&[]));
        if let Values::Sketched(sketches) = &mut self.values {
            sketches.add_many(key, text, position, count);
        }
    }
}
