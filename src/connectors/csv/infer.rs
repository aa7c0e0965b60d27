//! What type each column has, from the cells of a few windows.
//!
//! A type is locked when at least nine in ten sampled cells have it; of few cells, all must. What one column
//! leaves open (day or month first, what a comma in a number means, which word stands for nothing) the other
//! columns of the file may settle.

use super::number::{DecimalMark, NumberShape};
use super::temporal::{DateOrder, OrderHint, TemporalShape, ZoneShape};
use super::typing::{ColumnType, FileTypes, NULL_SPELLINGS, Shape, TypeKind, kind_name, shape};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A remark about one column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnNote {
    /// The column, from 0.
    pub column: usize,
    /// What a reader must know.
    pub text: String,
}

/// What the sampled cells of one column look like.
#[derive(Debug, Clone, Default)]
pub struct ColumnSample {
    empty: u64,
    bools: u64,
    ints: u64,
    big_ints: u64,
    decimals: [MarkCount; 2],
    floats: u64,
    bare_exponents: u64,
    int_digits: u16,
    dates: OrderCount,
    times: u64,
    stamps: OrderCount,
    zones: [u64; 3],
    fraction: u8,
    uuids: u64,
    jsons: u64,
    texts: u64,
    null_words: BTreeMap<usize, u64>,
}

#[derive(Debug, Clone, Copy, Default)]
struct MarkCount {
    count: u64,
    whole: u16,
    scale: u16,
    // Cells such as 1,234 that may also be a thousand and more.
    like_thousands: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct OrderCount {
    year_first: u64,
    day_first: u64,
    month_first: u64,
    either: u64,
    with_points: u64,
}

impl OrderCount {
    fn add(&mut self, hint: OrderHint) {
        let slot = match hint {
            OrderHint::Only(DateOrder::YearFirst) => &mut self.year_first,
            OrderHint::Only(DateOrder::DayFirst) => &mut self.day_first,
            OrderHint::Only(DateOrder::MonthFirst) => &mut self.month_first,
            OrderHint::Either => &mut self.either,
            OrderHint::EitherWithPoints => &mut self.with_points,
        };
        *slot += 1;
    }

    /// The order of most cells, and how many fit it. `elsewhere` is what other columns of the file do.
    fn best(&self, elsewhere: Option<DateOrder>) -> Option<(DateOrder, u64)> {
        let open = self.either + self.with_points;
        let mut ways = vec![
            (DateOrder::YearFirst, self.year_first),
            (DateOrder::DayFirst, self.day_first),
            (DateOrder::MonthFirst, self.month_first),
        ];
        let certain = |order: DateOrder| match order {
            DateOrder::YearFirst => 0,
            DateOrder::DayFirst if self.day_first + self.with_points > 0 => open,
            DateOrder::MonthFirst if self.month_first > 0 && self.with_points == 0 => open,
            other if Some(other) == elsewhere => open,
            DateOrder::DayFirst | DateOrder::MonthFirst => 0,
        };
        for (order, count) in &mut ways {
            *count += certain(*order);
        }
        ways.into_iter().filter(|(_, count)| *count > 0).max_by_key(|(_, count)| *count)
    }
}

/// What the whole file suggests where one column does not say.
#[derive(Debug, Clone, Default)]
struct Habits {
    order: Option<DateOrder>,
    decimal_comma: bool,
    null_words: Vec<usize>,
}

impl ColumnSample {
    /// Looks at one more cell.
    pub fn add(&mut self, cell: &[u8]) {
        match shape(cell) {
            Shape::Empty => self.empty += 1,
            Shape::NullWord(word) => *self.null_words.entry(word).or_default() += 1,
            Shape::Bool => self.bools += 1,
            Shape::Number(number) => self.add_number(number, cell.trim_ascii().len()),
            Shape::Temporal(TemporalShape::Date(order)) => self.dates.add(order),
            Shape::Temporal(TemporalShape::Time(fraction)) => {
                self.times += 1;
                self.fraction = self.fraction.max(fraction);
            }
            Shape::Temporal(TemporalShape::Timestamp { order, fraction, zone }) => {
                self.stamps.add(order);
                self.zones[zone as usize] += 1;
                self.fraction = self.fraction.max(fraction);
            }
            Shape::Uuid => self.uuids += 1,
            Shape::Json => self.jsons += 1,
            Shape::Text => self.texts += 1,
        }
    }

    fn add_number(&mut self, number: NumberShape, len: usize) {
        match number {
            NumberShape::Int => {
                self.ints += 1;
                self.int_digits = self.int_digits.max(len.min(19) as u16);
            }
            NumberShape::BigInt(digits) => {
                self.big_ints += 1;
                self.int_digits = self.int_digits.max(digits);
            }
            NumberShape::Decimal { whole, scale, mark } => {
                let count = &mut self.decimals[mark as usize];
                count.count += 1;
                count.whole = count.whole.max(whole);
                count.scale = count.scale.max(scale);
                count.like_thousands += u64::from(scale == 3 && (1..=3).contains(&whole));
            }
            NumberShape::Float => self.floats += 1,
            NumberShape::BareExponent => self.bare_exponents += 1,
        }
    }

    /// Cells with a value.
    fn values(&self) -> u64 {
        let dates = self.dates.year_first + self.dates.day_first + self.dates.month_first;
        let stamps: u64 = self.zones.iter().sum();
        let numbers =
            self.ints + self.big_ints + self.decimals[0].count + self.decimals[1].count + self.floats;
        numbers
            + self.bare_exponents
            + self.bools
            + dates
            + self.dates.either
            + self.dates.with_points
            + stamps
            + self.times
            + self.uuids
            + self.jsons
            + self.texts
    }

    /// How many sampled cells are empty or say that they are.
    pub fn nulls(&self) -> u64 {
        self.empty + self.null_words.values().sum::<u64>()
    }

    /// The kind that fits best and how many of the values have it.
    fn best(&self, habits: &Habits) -> (TypeKind, u64) {
        let mut kinds = vec![
            (TypeKind::Bool, self.bools),
            (TypeKind::Int64, self.ints),
            (TypeKind::Time(self.fraction), self.times),
            (TypeKind::Uuid, self.uuids),
            (TypeKind::Json, self.jsons),
        ];
        kinds.extend(self.decimal_kind(DecimalMark::Point, habits));
        kinds.extend(self.decimal_kind(DecimalMark::Comma, habits));
        let bare = self.bare_exponents;
        if self.floats > 0 || (bare > 0 && self.decimals[0].count > 0) {
            kinds.push((TypeKind::Float64, self.floats + bare + self.ints + self.decimals[0].count));
        }
        if let Some((order, count)) = self.dates.best(habits.order) {
            kinds.push((TypeKind::Date(order), count));
        }
        if let Some((order, count)) = self.stamps.best(habits.order) {
            let zone = self.zone();
            let fitting = match zone {
                ZoneShape::Absent => self.zones[0],
                ZoneShape::Utc => self.zones[1],
                ZoneShape::Offset => self.zones[1] + self.zones[2],
            };
            kinds.push((TypeKind::Timestamp { order, fraction: self.fraction, zone }, count.min(fitting)));
        }
        let mut best = (TypeKind::Text, 0);
        for (kind, count) in kinds {
            if count > best.1 {
                best = (kind, count);
            }
        }
        best
    }

    fn zone(&self) -> ZoneShape {
        let [absent, utc, offset] = self.zones;
        if absent >= utc + offset {
            ZoneShape::Absent
        } else if offset == 0 {
            ZoneShape::Utc
        } else {
            ZoneShape::Offset
        }
    }

    fn decimal_kind(&self, mark: DecimalMark, habits: &Habits) -> Option<(TypeKind, u64)> {
        let decimals = self.decimals[mark as usize];
        if decimals.count == 0 && self.big_ints == 0 {
            return None;
        }
        let maybe_thousands = mark == DecimalMark::Comma && decimals.like_thousands == decimals.count;
        if maybe_thousands && !habits.decimal_comma {
            return None;
        }
        let count = decimals.count + self.ints + self.big_ints;
        // One digit more than sampled, so that a slightly larger number later is still no exception.
        let whole = decimals.whole.max(self.int_digits).max(1);
        let precision = whole.saturating_add(decimals.scale);
        let precision = if precision < 18 { 18 } else { precision.max(38) };
        Some((TypeKind::Decimal { precision, scale: decimals.scale, mark }, count))
    }

    /// The type of the column by itself, without what the rest of the file suggests.
    pub fn kind(&self) -> TypeKind {
        self.decide(&Habits::default()).0
    }

    fn decide(&self, habits: &Habits) -> (TypeKind, u64) {
        const FEW: u64 = 10;
        let values = self.values();
        if values == 0 {
            return (TypeKind::Null, 0);
        }
        let (kind, count) = self.best(habits);
        let others = values - count.min(values);
        // Few cells must all agree; of many, one in ten may be an exception.
        let enough = if values < FEW { others == 0 } else { others * 10 <= values };
        if kind != TypeKind::Text && enough { (kind, others) } else { (TypeKind::Text, 0) }
    }
}

/// The types of all columns, and a note on each that is not plain.
pub fn decide(samples: &[ColumnSample], chosen_nulls: Option<&[String]>) -> (FileTypes, Vec<ColumnNote>) {
    let habits = habits(samples);
    let mut notes = Vec::new();
    let mut columns = Vec::with_capacity(samples.len());
    for (column, sample) in samples.iter().enumerate() {
        let (kind, others) = sample.decide(&habits);
        let values = sample.values();
        let mut note = |text| notes.push(ColumnNote { column, text });
        if others > 0 {
            note(format!("{others} of {values} sampled values are not {}", kind_name(kind)));
        }
        let unclear = sample.dates.either + sample.stamps.either;
        if kind == TypeKind::Text && unclear > 0 && unclear == values {
            note("kept as text: day and month cannot be told apart".to_owned());
        }
        if kind == TypeKind::Null {
            note("no value in the sample".to_owned());
        }
        let nulls = if chosen_nulls.is_some() { u32::MAX } else { null_words(kind, sample, &habits) };
        columns.push(ColumnType { kind, nulls });
    }
    let words = chosen_nulls.map_or_else(|| NULL_SPELLINGS.map(str::to_owned).to_vec(), <[String]>::to_vec);
    (FileTypes { words, columns }, notes)
}

/// Which of [`NULL_SPELLINGS`] mean "no value" in a column of this kind.
fn null_words(kind: TypeKind, sample: &ColumnSample, habits: &Habits) -> u32 {
    let counts = |word: usize, text: &str| match kind {
        TypeKind::Null => sample.null_words.contains_key(&word),
        // In text a word may be a word: only what the file proves elsewhere, and the mark no word has.
        TypeKind::Text => text == "\\N" || habits.null_words.contains(&word),
        _ => true,
    };
    let words = NULL_SPELLINGS.iter().enumerate().filter(|(word, text)| counts(*word, text));
    words.fold(0, |nulls, (word, _)| nulls | 1 << word)
}

fn habits(samples: &[ColumnSample]) -> Habits {
    let mut habits = Habits::default();
    for sample in samples {
        for orders in [sample.dates, sample.stamps] {
            match (orders.day_first + orders.with_points > 0, orders.month_first > 0) {
                (true, false) => habits.order = Some(DateOrder::DayFirst),
                (false, true) => habits.order = habits.order.or(Some(DateOrder::MonthFirst)),
                _ => {}
            }
        }
        let comma = sample.decimals[DecimalMark::Comma as usize];
        habits.decimal_comma |= comma.count > comma.like_thousands;
    }
    for sample in samples {
        let (kind, _) = sample.decide(&habits);
        if matches!(kind, TypeKind::Text | TypeKind::Null) {
            continue;
        }
        // A dash or a nothing is too common in text to be carried over.
        let words = sample.null_words.keys().filter(|word| NULL_SPELLINGS[**word] != "-");
        habits.null_words.extend(words.copied());
    }
    habits.null_words.sort_unstable();
    habits.null_words.dedup();
    habits
}

#[cfg(test)]
#[path = "typing/tests.rs"]
mod tests;
