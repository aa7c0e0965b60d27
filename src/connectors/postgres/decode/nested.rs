//! Values made of values: arrays, composites, ranges and multiranges, each with quoting rules of its own.

use std::borrow::Cow;

use crate::connectors::postgres::types::{ColumnType, MOST_DIMENSIONS};
use crate::model::cell::Cell;

/// Reads an item or field.
type ReadItem<'r> = &'r mut dyn FnMut(Option<&[u8]>) -> Cell;

/// An array as lists in lists, one for each dimension. One whose subscripts do not start at 1
/// (`[0:1]={…}`) is its exact text: a list has no place for them.
pub(super) fn array(text: &[u8], delimiter: u8, read: ReadItem<'_>) -> Option<Cell> {
    let (body, bounded) = match text {
        [b'[', ..] => (after_bounds(text)?, true),
        _ => (text, false),
    };
    let mut reader = ArrayReader { text: body, at: 0, delimiter, read, leaves_at: None };
    let list = reader.list(1)?;
    if reader.at != body.len() {
        return None;
    }
    if bounded { Some(Cell::Exact(std::str::from_utf8(text).ok()?.to_owned())) } else { Some(list) }
}

/// What follows `[low:high]…=`.
fn after_bounds(text: &[u8]) -> Option<&[u8]> {
    let end = text.iter().position(|byte| *byte == b'=')?;
    let (bounds, rest) = text.split_at_checked(end)?;
    let inner = bounds.strip_prefix(b"[")?.strip_suffix(b"]")?;
    let is_bound = |bound: &[u8]| super::number::int(bound).is_some();
    let mut pairs = inner.split(|byte| *byte == b'[').map(|pair| pair.strip_suffix(b"]").unwrap_or(pair));
    let valid = pairs.all(|pair| {
        let mut parts = pair.split(|byte| *byte == b':');
        parts.next().is_some_and(is_bound) && parts.next().is_some_and(is_bound) && parts.next().is_none()
    });
    if valid { rest.get(1..) } else { None }
}

struct ArrayReader<'t, 'r> {
    text: &'t [u8],
    at: usize,
    delimiter: u8,
    read: ReadItem<'r>,
    /// The depth at which items stand: the same everywhere, as arrays are even.
    leaves_at: Option<u32>,
}

impl ArrayReader<'_, '_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// The list that opens here.
    fn list(&mut self, depth: u32) -> Option<Cell> {
        if self.peek()? != b'{' || depth > MOST_DIMENSIONS {
            return None;
        }
        self.at += 1;
        let mut items = Vec::new();
        if self.peek()? == b'}' {
            self.at += 1;
            // Only a whole array is empty.
            return (depth == 1).then_some(Cell::List(items));
        }
        loop {
            items.push(if self.peek()? == b'{' { self.list(depth + 1)? } else { self.leaf(depth)? });
            let next = self.peek()?;
            self.at += 1;
            if next == b'}' {
                return Some(Cell::List(items));
            }
            if next != self.delimiter {
                return None;
            }
        }
    }

    fn leaf(&mut self, depth: u32) -> Option<Cell> {
        if *self.leaves_at.get_or_insert(depth) != depth {
            return None;
        }
        let rest = self.text.get(self.at..)?;
        if rest.first() == Some(&b'"') {
            let (value, length) = quoted(rest)?;
            self.at += length;
            return Some((self.read)(Some(&value)));
        }
        let length = rest.iter().position(|byte| *byte == self.delimiter || *byte == b'}')?;
        let (value, _) = rest.split_at_checked(length)?;
        self.at += length;
        match value {
            [] => None,
            _ if value.iter().any(|byte| matches!(byte, b'"' | b'{' | b'\\')) => None,
            b"NULL" => Some((self.read)(None)),
            _ => Some((self.read)(Some(value))),
        }
    }
}

/// The value between the quotes that open `text`, and how many bytes it takes with them.
fn quoted(text: &[u8]) -> Option<(Cow<'_, [u8]>, usize)> {
    let inner = text.get(1..)?;
    let stop = inner.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
    let (plain, _) = inner.split_at_checked(stop)?;
    if inner.get(stop) == Some(&b'"') {
        return Some((Cow::Borrowed(plain), stop + 2));
    }
    let (mut value, mut at) = (plain.to_vec(), stop);
    loop {
        match inner.get(at..)? {
            [b'"', ..] => return Some((Cow::Owned(value), at + 2)),
            [b'\\', byte, ..] => {
                value.push(*byte);
                at += 2;
            }
            [b'\\'] | [] => return None,
            [byte, ..] => {
                value.push(*byte);
                at += 1;
            }
        }
    }
}

/// The items of an array of texts of one dimension without nulls, as catalogue queries give them.
pub(in crate::connectors::postgres) fn texts_of_array(text: &[u8]) -> Option<Vec<String>> {
    let mut read = |item: Option<&[u8]>| match item.map(std::str::from_utf8) {
        Some(Ok(text)) => Cell::Text(text.to_owned()),
        _ => Cell::Null,
    };
    let Cell::List(items) = array(text, b',', &mut read)? else { return None };
    let texts = items.into_iter().map(|item| if let Cell::Text(text) = item { Some(text) } else { None });
    texts.collect()
}

/// A row of named fields. One with another number of fields than its type had when it was looked up is its
/// exact text.
pub(super) fn composite(text: &[u8], fields: &[(String, ColumnType)]) -> Option<Cell> {
    let values = row_fields(text)?;
    let empty = fields.is_empty() && matches!(values.as_slice(), [None]);
    if values.len() != fields.len() && !empty {
        return Some(Cell::Exact(std::str::from_utf8(text).ok()?.to_owned()));
    }
    let cells = fields
        .iter()
        .zip(values)
        .map(|((name, column), value)| (name.clone(), super::cell(column, value.as_deref())));
    Some(Cell::Struct(cells.collect()))
}

/// The texts between the parentheses of a row: nothing at all is null, `""` is empty; quotes double
/// inside quotes, a backslash takes the next byte as it is.
fn row_fields(text: &[u8]) -> Option<Vec<Option<Vec<u8>>>> {
    let mut rest = text.strip_prefix(b"(")?;
    let mut fields = Vec::new();
    loop {
        let (field, after) = row_field(rest)?;
        fields.push(field);
        rest = match after {
            [b')'] => return Some(fields),
            [b',', rest @ ..] => rest,
            _ => return None,
        };
    }
}

/// The first field of what is left of a row, and what follows it.
fn row_field(text: &[u8]) -> Option<(Option<Vec<u8>>, &[u8])> {
    if matches!(text, [b',' | b')', ..]) {
        return Some((None, text));
    }
    let (mut value, mut rest, mut inside) = (Vec::new(), text, false);
    loop {
        rest = match rest {
            [] => return None,
            [b',' | b')', ..] if !inside => return Some((Some(value), rest)),
            [b'\\', byte, rest @ ..] => {
                value.push(*byte);
                rest
            }
            [b'\\'] => return None,
            [b'"', b'"', rest @ ..] if inside => {
                value.push(b'"');
                rest
            }
            [b'"', rest @ ..] => {
                inside = !inside;
                rest
            }
            [byte, rest @ ..] => {
                value.push(*byte);
                rest
            }
        };
    }
}

/// How many bytes the range that opens `text` takes; none if none opens there.
fn range_length(text: &[u8]) -> Option<usize> {
    if text.starts_with(b"empty") {
        return Some(5);
    }
    let (first, mut rest) = text.split_first()?;
    if !matches!(first, b'[' | b'(') {
        return None;
    }
    let (mut inside, mut commas) = (false, 0);
    loop {
        rest = match rest {
            [] | [b'\\'] => return None,
            [b'\\', _, rest @ ..] => rest,
            [b'"', rest @ ..] => {
                // A doubled quote leaves and enters again.
                inside = !inside;
                rest
            }
            [b']' | b')', rest @ ..] if !inside => {
                return (commas == 1).then_some(text.len() - rest.len());
            }
            [b'[' | b'(', ..] if !inside => return None,
            [byte, rest @ ..] => {
                commas += usize::from(*byte == b',' && !inside);
                rest
            }
        };
    }
}

/// Whether a text is a range.
pub(super) fn is_range(text: &[u8]) -> bool {
    range_length(text) == Some(text.len())
}

/// A multirange as the list of its ranges.
pub(super) fn multirange(text: &[u8], range: &ColumnType) -> Option<Cell> {
    let mut rest = text.strip_prefix(b"{")?;
    let mut ranges = Vec::new();
    if rest == b"}" {
        return Some(Cell::List(ranges));
    }
    loop {
        let (one, after) = rest.split_at_checked(range_length(rest)?)?;
        ranges.push(super::cell(range, Some(one)));
        rest = match after {
            [b'}'] => return Some(Cell::List(ranges)),
            [b',', rest @ ..] => rest,
            _ => return None,
        };
    }
}
