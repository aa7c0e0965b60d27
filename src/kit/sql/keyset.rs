//! Pages that follow a key: the order, and the condition for rows behind the last one. Nulls stand last in
//! either direction, as everywhere in headwater.

use crate::model::cell::Cell;

/// One column of the order that pages follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderKey {
    /// The expression: a quoted name, with its collation where that matters.
    pub expression: String,
    /// The name alone, as it is read.
    pub read_as: String,
    /// Whether the order runs downwards in it.
    pub descending: bool,
    /// Whether it may be null.
    pub nullable: bool,
}

/// How a dialect writes values and sameness.
pub trait Writer {
    /// The text that stands for a value of the key at this place.
    fn value(&mut self, place: usize, value: &Cell) -> String;

    /// A condition that also holds between two nulls.
    fn same(&mut self, expression: &str, value: String) -> String;

    /// What is never true.
    fn never(&self) -> &'static str;
}

/// The condition for rows behind these key values, in key order with nulls last.
pub fn after(keys: &[OrderKey], values: &[Cell], writer: &mut impl Writer) -> String {
    behind(keys, values, 0, writer)
}

fn behind(keys: &[OrderKey], values: &[Cell], place: usize, writer: &mut impl Writer) -> String {
    let is_plain = |key: &OrderKey| !key.nullable && !key.descending;
    if let ([key], [value]) = (keys, values)
        && !key.nullable
    {
        let sign = if key.descending { "<" } else { ">" };
        return format!("{} {sign} {}", key.expression, writer.value(place, value));
    }
    if keys.iter().all(is_plain) {
        let columns = keys.iter().map(|key| key.expression.as_str()).collect::<Vec<_>>().join(", ");
        let values = values.iter().enumerate().map(|(at, value)| writer.value(place + at, value));
        return format!("({columns}) > ({})", values.collect::<Vec<_>>().join(", "));
    }
    let (Some((key, keys)), Some((value, values))) = (keys.split_first(), values.split_first()) else {
        return writer.never().to_owned();
    };
    let mut ways = Vec::new();
    if *value != Cell::Null {
        let sign = if key.descending { "<" } else { ">" };
        ways.push(format!("{} {sign} {}", key.expression, writer.value(place, value)));
        if key.nullable {
            ways.push(format!("{} IS NULL", key.expression));
        }
    }
    if !keys.is_empty() {
        let value = writer.value(place, value);
        let same = writer.same(&key.expression, value);
        ways.push(format!("({same} AND {})", behind(keys, values, place + 1, writer)));
    }
    if ways.is_empty() { writer.never().to_owned() } else { format!("({})", ways.join(" OR ")) }
}

/// `ORDER BY` over these keys.
pub fn order_by(keys: &[OrderKey], nulls: DescendingNulls) -> String {
    let list = keys.iter().map(|key| {
        let direction = if key.descending { " DESC" } else { "" };
        let said = match (key.nullable, key.descending) {
            (true, false) if nulls == DescendingNulls::Last => " NULLS LAST",
            (true, true) if nulls == DescendingNulls::First => " NULLS LAST",
            _ => "",
        };
        format!("{}{direction}{said}", key.expression)
    });
    format!(" ORDER BY {}", list.collect::<Vec<_>>().join(", "))
}

/// Where a dialect puts nulls of a descending order unless told; ascending it is the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DescendingNulls {
    /// In front: null counts as the largest value.
    First,
    /// At the end: null counts as the smallest value.
    Last,
}
