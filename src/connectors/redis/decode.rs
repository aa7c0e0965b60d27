//! Between Redis's bytes and cells. Keys and values are bytes that are usually text: a value that is UTF-8 is
//! a text cell, any other a bytes cell of the same column, so nothing is changed and nothing unreadable.

use redis::Value;

use crate::model::cell::{Cell, hex};
use crate::model::read::Continuation;
use crate::model::schema::{Field, LogicalType, Nullability, Schema};

/// The name of the key that is the empty string: a path has no empty segments.
const EMPTY: &str = "\\(empty)";

/// The path segment of a key: text stays, a backslash is doubled, a byte that is no UTF-8 becomes `\xhh`.
pub(super) fn name_of(key: &[u8]) -> String {
    if key.is_empty() {
        return EMPTY.to_owned();
    }
    let mut name = String::with_capacity(key.len());
    for chunk in key.utf8_chunks() {
        name.push_str(&chunk.valid().replace('\\', "\\\\"));
        chunk.invalid().iter().for_each(|byte| name.push_str(&hex(&[*byte]).replacen("0x", "\\x", 1)));
    }
    name
}

/// The key of a path segment.
pub(super) fn key_of(name: &str) -> Vec<u8> {
    if name == EMPTY {
        return Vec::new();
    }
    let mut key = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some((text, escaped)) = rest.split_once('\\') {
        key.extend_from_slice(text.as_bytes());
        let byte = escaped.strip_prefix('x').and_then(|hex| hex.get(..2));
        match byte.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                key.push(byte);
                rest = escaped.get(3..).unwrap_or_default();
            }
            None => {
                key.push(b'\\');
                rest = escaped.strip_prefix('\\').unwrap_or(escaped);
            }
        }
    }
    key.extend_from_slice(rest.as_bytes());
    key
}

/// What rows a node gives: the entries of a database, or the elements of a key of some type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Keys,
    Hash,
    Set,
    Sorted,
    List,
    Stream,
    Text,
}

impl Shape {
    /// All of them.
    pub(super) const ALL: [Self; 7] =
        [Self::Keys, Self::Hash, Self::Set, Self::Sorted, Self::List, Self::Stream, Self::Text];

    /// The shape of a type as `TYPE` names it; none = a module's own type.
    pub(super) fn of_type(word: &str) -> Option<Self> {
        Some(match word {
            "hash" => Self::Hash,
            "set" => Self::Set,
            "zset" => Self::Sorted,
            "list" => Self::List,
            "stream" => Self::Stream,
            "string" => Self::Text,
            _ => return None,
        })
    }

    /// The command of a page, and that of the length.
    pub(super) fn commands(self) -> (&'static str, &'static str) {
        match self {
            Self::Keys => ("SCAN", "DBSIZE"),
            Self::Hash => ("HSCAN", "HLEN"),
            Self::Set => ("SSCAN", "SCARD"),
            Self::Sorted => ("ZSCAN", "ZCARD"),
            Self::List => ("LRANGE", "LLEN"),
            Self::Stream => ("XRANGE", "XLEN"),
            Self::Text => ("GETRANGE", "STRLEN"),
        }
    }

    /// The columns.
    pub(super) fn schema(self) -> Schema {
        let text = LogicalType::Text;
        let enumerated = |native: &str| (LogicalType::Enum { labels: Vec::new() }, native.to_owned());
        let bytes = |logical| (logical, "bytes".to_owned());
        let plain = |logical: LogicalType| (logical.clone(), logical.to_string());
        let map = LogicalType::Map { key: Box::new(text.clone()), value: Box::new(text.clone()) };
        let columns = match self {
            Self::Keys => vec![
                ("key", bytes(text)),
                ("type", enumerated("TYPE")),
                ("ttl_ms", plain(LogicalType::INT64)),
                ("encoding", enumerated("OBJECT ENCODING")),
                ("memory_bytes", plain(LogicalType::INT64)),
            ],
            Self::Hash => vec![("field", bytes(text.clone())), ("value", bytes(text))],
            Self::Set => vec![("member", bytes(text))],
            Self::Sorted => vec![("member", bytes(text)), ("score", plain(LogicalType::FLOAT64))],
            Self::List => vec![("index", plain(LogicalType::INT64)), ("value", bytes(text))],
            Self::Stream => vec![("id", plain(text)), ("fields", bytes(map))],
            Self::Text => vec![("offset", plain(LogicalType::INT64)), ("value", bytes(text))],
        };
        let field = |(name, (logical, native)): (&str, (LogicalType, String))| Field {
            nullability: if name == "ttl_ms" || name == "encoding" || name == "memory_bytes" {
                Nullability::Nullable
            } else {
                Nullability::Required
            },
            ..Field::new(name, logical).native(native)
        };
        Schema::new(columns.into_iter().map(field).collect())
    }
}

/// Where a page begins.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Place {
    /// At a cursor of a SCAN command, past this many of the elements it gives.
    Cursor(u64, u64),
    /// At a position: of a list's element, of a string's byte.
    At(u64),
    /// Behind an entry of a stream; empty = at the first.
    Behind(String),
}

impl Place {
    /// Where a shape begins, or goes on; none = the token is of another kind of node.
    pub(super) fn of(shape: Shape, continuation: Option<&Continuation>) -> Option<Self> {
        Some(match (shape, continuation) {
            (Shape::List | Shape::Text, None) => Self::At(0),
            (Shape::List, Some(Continuation::Row(at))) | (Shape::Text, Some(Continuation::Byte(at))) => {
                Self::At(*at)
            }
            (Shape::Stream, None) => Self::Behind(String::new()),
            (Shape::Stream, Some(Continuation::Token(id))) => Self::Behind(id.clone()),
            (Shape::List | Shape::Text | Shape::Stream, _) => return None,
            (_, None) => Self::Cursor(0, 0),
            (_, Some(Continuation::Token(token))) => Self::of_token(token)?,
            _ => return None,
        })
    }

    /// A cursor read back from [`Place::token`].
    pub(super) fn of_token(token: &str) -> Option<Self> {
        let (cursor, skip) = token.split_once('.')?;
        Some(Self::Cursor(cursor.parse().ok()?, skip.parse().ok()?))
    }

    /// The text that [`Place::of_token`] reads.
    pub(super) fn token(&self) -> String {
        match self {
            Self::Cursor(cursor, skip) => format!("{cursor}.{skip}"),
            Self::At(at) => at.to_string(),
            Self::Behind(id) => id.clone(),
        }
    }

    /// What the next page is asked with.
    pub(super) fn continuation(&self, shape: Shape) -> Continuation {
        match (self, shape) {
            (Self::At(at), Shape::List) => Continuation::Row(*at),
            (Self::At(at), _) => Continuation::Byte(*at),
            (place, _) => Continuation::Token(place.token()),
        }
    }
}

/// The bytes of a reply.
pub(super) fn bytes_of(value: &Value) -> &[u8] {
    match value {
        Value::BulkString(bytes) => bytes,
        Value::SimpleString(text) => text.as_bytes(),
        Value::Okay => b"OK",
        _ => &[],
    }
}

/// The text of a reply, for words and numbers that Redis itself wrote.
pub(super) fn text_of(value: &Value) -> String {
    match value {
        Value::Int(number) => number.to_string(),
        other => String::from_utf8_lossy(bytes_of(other)).into_owned(),
    }
}

/// The items of a reply.
pub(super) fn items_of(value: &Value) -> &[Value] {
    match value {
        Value::Array(items) | Value::Set(items) => items,
        _ => &[],
    }
}

/// A value as a cell: text if it is UTF-8, else its bytes.
pub(super) fn cell_of(bytes: &[u8]) -> Cell {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cell::Text(text.to_owned()),
        Err(_) => Cell::Bytes(bytes.to_vec()),
    }
}

/// A score: Redis writes as many digits as read back the same.
fn score_of(value: &Value) -> Cell {
    let text = text_of(value);
    text.parse().map_or(Cell::Exact(text), Cell::Float)
}

/// Rows of a page of elements of a SCAN command: one for each element, or for each pair.
pub(super) fn scanned(shape: Shape, items: &[Value]) -> Vec<Vec<Cell>> {
    let cell = |value: &Value| cell_of(bytes_of(value));
    match shape {
        Shape::Hash => items.chunks_exact(2).map(|pair| pair.iter().map(cell).collect()).collect(),
        Shape::Sorted => items.chunks_exact(2).map(|pair| vec![cell(&pair[0]), score_of(&pair[1])]).collect(),
        _ => items.iter().map(|item| vec![cell(item)]).collect(),
    }
}

/// The row of a stream's entry, with its id.
pub(super) fn entry_of(entry: &Value) -> Option<(String, Vec<Cell>)> {
    let [id, fields] = items_of(entry) else { return None };
    let cell = |value: &Value| cell_of(bytes_of(value));
    let pairs = items_of(fields).chunks_exact(2).map(|pair| (cell(&pair[0]), cell(&pair[1])));
    let id = text_of(id);
    Some((id.clone(), vec![Cell::Text(id), Cell::Map(pairs.collect())]))
}

/// How much of a cut text can be shown without splitting a character; all of it where it is no text.
pub(super) fn whole_characters(bytes: &[u8]) -> usize {
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() && error.valid_up_to() > 0 => error.valid_up_to(),
        _ => bytes.len(),
    }
}

/// About how many bytes a reply took on the wire.
pub(super) fn wire_bytes(value: &Value) -> u64 {
    match value {
        Value::Array(items) | Value::Set(items) => 5 + items.iter().map(wire_bytes).sum::<u64>(),
        Value::Int(_) | Value::Nil => 5,
        other => bytes_of(other).len() as u64 + 6,
    }
}

/// What a reply of `INFO` says under a name.
pub(super) fn info<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

/// A number among the `name=number` pairs of a line of `INFO`.
pub(super) fn number_in(line: &str, name: &str) -> Option<f64> {
    line.split(',')
        .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
        .and_then(|text| text.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_key_survives_as_a_path_segment() {
        for key in [
            &b"user:1"[..],
            b"",
            b"\xff\x00\x80a",
            br"back\slash",
            br"\xff",
            br"\(empty)",
            "caf\u{e9} 100%/x".as_bytes(),
            b"\xe2\x82",
        ] {
            assert_eq!(key_of(&name_of(key)), key, "{}", name_of(key));
        }
    }

    #[test]
    fn a_text_is_cut_between_characters_and_bytes_anywhere() {
        for (bytes, kept) in [(&b"abc"[..], 3), (b"ab\xe2\x82", 2), (b"\xff\xfe", 2), (b"\xe2", 1), (b"", 0)]
        {
            assert_eq!(whole_characters(bytes), kept);
        }
    }
}
