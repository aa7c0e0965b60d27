//! What type a column has, from the cells of a few windows, and what a cell then is.
//!
//! A type is locked when at least nine in ten sampled cells have it. Every later cell that does not is an
//! *exception*: shown as the file says, counted, never a failed read. Text is the type that always fits, and
//! identifiers stay text: a leading zero, a long number with a plus sign or `12E5` is never "improved".

use super::number::{self, DecimalMark, NumberShape};
use super::temporal::{self, DateOrder, Moment, OrderHint, TemporalShape, ZoneShape};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Spellings that mean "no value" where the other cells of a column are not text.
pub const NULL_SPELLINGS: [&str; 14] =
    ["NULL", "null", "Null", "NA", "N/A", "n/a", "#N/A", "\\N", "-", "nil", "None", "none", "<NA>", "(null)"];

/// The kind of value that a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TypeKind {
    /// No sampled cell has a value.
    Null,
    /// `true` and `false`.
    Bool,
    /// Whole numbers of 64 bits.
    Int64,
    /// Exact decimals; also whole numbers beyond 64 bits.
    Decimal {
        /// Digits in all.
        precision: u16,
        /// Digits after the mark.
        scale: u16,
        /// What the file writes between whole and fraction.
        mark: DecimalMark,
    },
    /// Binary fractions.
    Float64,
    /// Dates.
    Date(DateOrder),
    /// Times of day, with so many digits of a second's fraction.
    Time(u8),
    /// Moments.
    Timestamp {
        /// Of the date.
        order: DateOrder,
        /// Digits of a second's fraction.
        fraction: u8,
        /// Whether the text says the zone.
        zone: ZoneShape,
    },
    /// Universally unique identifiers.
    Uuid,
    /// JSON objects and arrays.
    Json,
    /// Anything.
    Text,
}

/// A column's type and what counts as "no value" in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnType {
    /// The kind of value.
    pub kind: TypeKind,
    /// Spellings that mean "no value", beside the empty cell.
    pub nulls: Vec<String>,
}

/// A cell as its column's type reads it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// No value, by this spelling.
    Null(&'a [u8]),
    /// A truth.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// So many units of the column's scale.
    Decimal(i128),
    /// A decimal of more than 38 digits, as written.
    BigDecimal(&'a [u8]),
    /// A binary fraction.
    Float(f64),
    /// Days since 1970-01-01.
    Date(i32),
    /// Nanoseconds since midnight.
    Time(i64),
    /// A moment.
    Moment(Moment),
    /// An identifier.
    Uuid([u8; 16]),
    /// Text or JSON, still in the file's encoding.
    Text(&'a [u8]),
    /// Not of the column's type: the cell as it stands.
    Exception(&'a [u8]),
}

/// What one cell looks like by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Nothing.
    Empty,
    /// An index into [`NULL_SPELLINGS`].
    NullWord(usize),
    /// `true` or `false`.
    Bool,
    /// A number.
    Number(NumberShape),
    /// A date or time.
    Temporal(TemporalShape),
    /// An identifier.
    Uuid,
    /// An object or array.
    Json,
    /// Anything else.
    Text,
}

/// What a cell looks like; blanks around it do not count.
pub fn shape(cell: &[u8]) -> Shape {
    let text = cell.trim_ascii();
    let Some(first) = text.first() else { return Shape::Empty };
    match first {
        b'0'..=b'9' | b'-' | b'+' | b'.' => {
            if let Some(number) = number::shape(text) {
                return Shape::Number(number);
            }
            if let Some(temporal) = temporal::shape(text) {
                return Shape::Temporal(temporal);
            }
        }
        b't' | b'T' | b'f' | b'F' if read_bool(text).is_some() => return Shape::Bool,
        b'{' | b'[' => {
            return if is_json(text) { Shape::Json } else { Shape::Text };
        }
        b'n' | b'N' | b'i' | b'I' => {
            if let Some(number) = number::shape(text) {
                return Shape::Number(number);
            }
        }
        _ => {}
    }
    if read_uuid(text).is_some() {
        return Shape::Uuid;
    }
    match NULL_SPELLINGS.iter().position(|word| word.as_bytes() == text) {
        Some(index) => Shape::NullWord(index),
        None => Shape::Text,
    }
}

fn read_bool(text: &[u8]) -> Option<bool> {
    match text {
        b"true" | b"True" | b"TRUE" => Some(true),
        b"false" | b"False" | b"FALSE" => Some(false),
        _ => None,
    }
}

fn is_json(text: &[u8]) -> bool {
    const LONGEST: usize = 1 << 20;
    let closes = matches!((text.first(), text.last()), (Some(b'{'), Some(b'}')) | (Some(b'['), Some(b']')));
    closes && text.len() <= LONGEST && serde_json::from_slice::<serde::de::IgnoredAny>(text).is_ok()
}

fn read_uuid(text: &[u8]) -> Option<[u8; 16]> {
    if text.len() != 36 {
        return None;
    }
    let mut value = [0u8; 16];
    let mut digits = 0;
    for (index, byte) in text.iter().enumerate() {
        if matches!(index, 8 | 13 | 18 | 23) {
            if *byte != b'-' {
                return None;
            }
            continue;
        }
        let digit = (*byte as char).to_digit(16)? as u8;
        value[digits / 2] = value[digits / 2] << 4 | digit;
        digits += 1;
    }
    Some(value)
}

impl ColumnType {
    /// A type that takes everything as text.
    pub fn text() -> Self {
        Self { kind: TypeKind::Text, nulls: Vec::new() }
    }

    fn is_null_word(&self, text: &[u8]) -> bool {
        text.len() <= 16 && self.nulls.iter().any(|word| word.as_bytes() == text)
    }

    /// What a cell is in this column.
    #[inline]
    pub fn read<'a>(&self, cell: &'a [u8]) -> Value<'a> {
        if cell.is_empty() {
            return Value::Null(cell);
        }
        let text = if self.kind == TypeKind::Text { cell } else { cell.trim_ascii() };
        match self.read_value(text) {
            Some(value) => {
                if matches!(value, Value::Text(_)) && self.is_null_word(text) {
                    return Value::Null(cell);
                }
                value
            }
            None if text.is_empty() || self.is_null_word(text) => Value::Null(cell),
            None => Value::Exception(cell),
        }
    }

    fn read_value<'a>(&self, text: &'a [u8]) -> Option<Value<'a>> {
        match self.kind {
            TypeKind::Text => Some(Value::Text(text)),
            TypeKind::Int64 => number::read_int(text).map(Value::Int),
            TypeKind::Decimal { precision, scale, mark } => read_decimal(text, precision, scale, mark),
            TypeKind::Float64 => number::read_float(text).map(Value::Float),
            TypeKind::Date(order) => temporal::read_date(text, order).map(Value::Date),
            TypeKind::Timestamp { order, zone, fraction } => {
                let moment = temporal::read_moment(text, order)?;
                let zone_fits = moment.offset_minutes.is_some() == (zone != ZoneShape::Absent);
                let utc_fits = zone != ZoneShape::Utc || moment.offset_minutes == Some(0);
                let unit = if fraction > 6 { 1 } else { 1000 };
                (zone_fits && utc_fits && moment.nanos.is_multiple_of(unit)).then_some(Value::Moment(moment))
            }
            TypeKind::Time(_) => temporal::read_time(text).map(Value::Time),
            TypeKind::Bool => read_bool(text).map(Value::Bool),
            TypeKind::Uuid => read_uuid(text).map(Value::Uuid),
            TypeKind::Json => is_json(text).then_some(Value::Text(text)),
            TypeKind::Null => None,
        }
    }
}

fn read_decimal(text: &[u8], precision: u16, scale: u16, mark: DecimalMark) -> Option<Value<'_>> {
    const DIGITS_OF_128_BITS: u16 = 38;
    if precision <= DIGITS_OF_128_BITS {
        let value = number::read_decimal(text, mark, scale)?;
        let most = 10u128.checked_pow(u32::from(precision)).unwrap_or(u128::MAX);
        return (value.unsigned_abs() < most).then_some(Value::Decimal(value));
    }
    let fits = match number::shape(text)? {
        NumberShape::Int | NumberShape::BigInt(_) => true,
        NumberShape::Decimal { mark: found, .. } => found == mark,
        NumberShape::Float | NumberShape::BareExponent => false,
    };
    fits.then_some(Value::BigDecimal(text))
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

/// The types of all columns and a line for each that is not plain.
pub fn decide(
    samples: &[ColumnSample],
    names: &[String],
    chosen_nulls: Option<&[String]>,
) -> (Vec<ColumnType>, Vec<String>) {
    let habits = habits(samples);
    let mut notes = Vec::new();
    let mut types = Vec::with_capacity(samples.len());
    for (index, sample) in samples.iter().enumerate() {
        let (kind, others) = sample.decide(&habits);
        let name = names.get(index).map_or("", String::as_str);
        if others > 0 {
            let values = sample.values();
            notes.push(format!(
                "column {name}: {others} of {values} sampled values are not {}",
                kind_name(kind)
            ));
        }
        let unclear = sample.dates.either + sample.stamps.either;
        if kind == TypeKind::Text && unclear > 0 && unclear == sample.values() {
            notes.push(format!("column {name}: kept as text, day and month cannot be told apart"));
        }
        types.push(ColumnType { kind, nulls: null_words(kind, sample, &habits, chosen_nulls) });
    }
    (types, notes)
}

fn null_words(
    kind: TypeKind,
    sample: &ColumnSample,
    habits: &Habits,
    chosen: Option<&[String]>,
) -> Vec<String> {
    if let Some(chosen) = chosen {
        return chosen.to_vec();
    }
    let words = NULL_SPELLINGS.iter().enumerate();
    let kept: Vec<String> = match kind {
        TypeKind::Null => words.filter(|(word, _)| sample.null_words.contains_key(word)).map(owned).collect(),
        // In text a word may be a word: only what the file proves elsewhere, and the mark no word has.
        TypeKind::Text => words
            .filter(|(word, text)| **text == "\\N" || habits.null_words.contains(word))
            .map(owned)
            .collect(),
        _ => words.map(owned).collect(),
    };
    kept
}

fn owned((_, word): (usize, &&str)) -> String {
    (*word).to_owned()
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

/// A kind in the user's words.
pub fn kind_name(kind: TypeKind) -> String {
    match kind {
        TypeKind::Null => "null".to_owned(),
        TypeKind::Bool => "bool".to_owned(),
        TypeKind::Int64 => "int64".to_owned(),
        TypeKind::Decimal { scale, mark: DecimalMark::Point, .. } => format!("decimal with {scale} places"),
        TypeKind::Decimal { scale, mark: DecimalMark::Comma, .. } => {
            format!("decimal with {scale} places after a comma")
        }
        TypeKind::Float64 => "float64".to_owned(),
        TypeKind::Date(_) => "date".to_owned(),
        TypeKind::Time(_) => "time".to_owned(),
        TypeKind::Timestamp { zone: ZoneShape::Absent, .. } => "timestamp".to_owned(),
        TypeKind::Timestamp { .. } => "timestamp with zone".to_owned(),
        TypeKind::Uuid => "uuid".to_owned(),
        TypeKind::Json => "json".to_owned(),
        TypeKind::Text => "text".to_owned(),
    }
}

#[cfg(test)]
mod tests;
