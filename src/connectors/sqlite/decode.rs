//! Declared types → [`LogicalType`], and stored values → cells, exactly as they are stored.
//!
//! SQLite types values, not columns: a declared type is only a wish (an *affinity*). The column's logical
//! type is what that wish mostly leads to; a value stored as something else stays what it is and travels as
//! an exception of its batch. Rules, after <https://www.sqlite.org/datatype3.html>:
//! `INT` → integer · `CHAR`, `CLOB`, `TEXT` → text · `BLOB` → bytes · `REAL`, `FLOA`, `DOUB` → float ·
//! else numeric, which by the declared name holds 0/1 (`BOOL`), numbers (`DEC`, `NUM`, `MONEY`) or, as for
//! `DATE` or `DATETIME`, whatever was given, mostly text.

use sqlx::sqlite::{Sqlite, SqliteRow};
use sqlx::{Decode, Row as _, TypeInfo as _, ValueRef as _};

use crate::model::cell::Cell;
use crate::model::schema::LogicalType;

/// The affinity of a column: what SQLite tries to make of values stored there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Affinity {
    /// Numbers become integers where nothing is lost.
    Integer,
    /// Numbers become floats.
    Real,
    /// Texts that look like numbers become numbers.
    Numeric,
    /// Numbers become text.
    Text,
    /// Everything stays what it is.
    Blob,
}

/// The affinity of a declared type, by SQLite's rules in SQLite's order.
pub(super) fn affinity(declared: &str) -> Affinity {
    let upper = declared.to_ascii_uppercase();
    let has = |part: &str| upper.contains(part);
    if has("INT") {
        Affinity::Integer
    } else if has("CHAR") || has("CLOB") || has("TEXT") {
        Affinity::Text
    } else if has("BLOB") || upper.trim().is_empty() || upper.trim() == "ANY" {
        Affinity::Blob
    } else if has("REAL") || has("FLOA") || has("DOUB") {
        Affinity::Real
    } else {
        Affinity::Numeric
    }
}

/// The type the values of a column are read as.
pub(super) fn logical_of(declared: &str) -> LogicalType {
    let upper = declared.to_ascii_uppercase();
    match affinity(declared) {
        Affinity::Integer => LogicalType::INT64,
        Affinity::Real => LogicalType::FLOAT64,
        Affinity::Blob if upper.contains("BLOB") => LogicalType::Bytes,
        Affinity::Text | Affinity::Blob => LogicalType::Text,
        Affinity::Numeric => {
            if upper.contains("BOOL") {
                LogicalType::INT64
            } else if ["DEC", "NUM", "MONEY", "CURRENCY"].iter().any(|part| upper.contains(part)) {
                LogicalType::FLOAT64
            } else {
                LogicalType::Text
            }
        }
    }
}

/// What to know about a declared type, if it promises what SQLite does not keep.
pub(super) fn note_of(declared: &str) -> Option<String> {
    let upper = declared.to_ascii_uppercase();
    let said = match (affinity(declared), logical_of(declared)) {
        (Affinity::Numeric, LogicalType::Text) => {
            "SQLite has no such type: values are kept as they were given, text or number"
        }
        (Affinity::Numeric, LogicalType::Float { .. }) => {
            "SQLite has no decimals: numbers are 64-bit integers or floats"
        }
        (Affinity::Numeric, _) => "SQLite has no booleans: 0 and 1, or whatever was given",
        (Affinity::Integer, _) if upper.contains("POINT") => {
            "the declared type contains INT, so SQLite takes it for an integer"
        }
        (Affinity::Blob, LogicalType::Text) => "no declared type: every value has its own",
        _ => return None,
    };
    Some(said.to_owned())
}

/// Whole numbers up to this size are floats without loss.
const EXACT_IN_FLOAT: u64 = 1 << 53;

/// A stored value as a cell of a column of this type. Numbers of a float column that SQLite stored as
/// integers to save space are floats again where that is exact; nothing else is changed.
pub(super) fn fit(cell: Cell, logical: &LogicalType) -> Cell {
    match (cell, logical) {
        (Cell::Int(value), LogicalType::Float { bits: 64 }) if value.unsigned_abs() <= EXACT_IN_FLOAT => {
            #[expect(clippy::cast_precision_loss, reason = "at most 2^53, which a float holds exactly")]
            let float = value as f64;
            Cell::Float(float)
        }
        (cell, _) => cell,
    }
}

/// The stored value at a place, exactly; text that is not UTF-8 keeps its bytes.
pub(super) fn cell(row: &SqliteRow, column: usize) -> Cell {
    let Ok(value) = row.try_get_raw(column) else { return Cell::Missing };
    if value.is_null() {
        return Cell::Null;
    }
    let kind = value.type_info().name().to_owned();
    let decoded = match kind.as_str() {
        "INTEGER" => <i64 as Decode<'_, Sqlite>>::decode(value).map(Cell::Int),
        "REAL" => <f64 as Decode<'_, Sqlite>>::decode(value).map(Cell::Float),
        "TEXT" => <&[u8] as Decode<'_, Sqlite>>::decode(value).map(text),
        _ => <&[u8] as Decode<'_, Sqlite>>::decode(value).map(|bytes| Cell::Bytes(bytes.to_vec())),
    };
    decoded.unwrap_or(Cell::Missing)
}

fn text(bytes: &[u8]) -> Cell {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cell::Text(text.to_owned()),
        Err(_) => Cell::Invalid(bytes.to_vec()),
    }
}

/// Whole pages that the values of a row fill beyond its own page: SQLite reads them past its page cache, so
/// that its counters do not see them.
pub(super) fn long_pages(row: &SqliteRow, page_bytes: u64) -> u64 {
    let length = |column: usize| {
        let Ok(value) = row.try_get_raw(column) else { return 0 };
        if value.is_null() || !matches!(value.type_info().name(), "TEXT" | "BLOB") {
            return 0;
        }
        <&[u8] as Decode<'_, Sqlite>>::decode(value).map_or(0, |bytes| bytes.len() as u64)
    };
    if page_bytes == u64::MAX { 0 } else { (0..row.len()).map(length).sum::<u64>() / page_bytes }
}

/// All stored values of a row.
pub(super) fn cells(row: &SqliteRow) -> Vec<Cell> {
    (0..row.len()).map(|column| cell(row, column)).collect()
}

/// Text of a catalogue column; what is not UTF-8 is shown with replacement characters.
pub(super) fn text_of(cell: Option<&Cell>) -> Option<String> {
    match cell? {
        Cell::Text(text) => Some(text.clone()),
        Cell::Invalid(bytes) | Cell::Bytes(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        Cell::Int(value) => Some(value.to_string()),
        Cell::Float(value) => Some(value.to_string()),
        _ => None,
    }
}

/// Number of a catalogue column.
pub(super) fn int_of(cell: Option<&Cell>) -> Option<i64> {
    match cell? {
        Cell::Int(value) => Some(*value),
        Cell::Text(text) => text.split_whitespace().next()?.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declared_types_follow_sqlites_rules_in_their_order() {
        use Affinity::{Blob, Integer, Numeric, Real, Text};
        for (declared, expected, logical) in [
            ("INTEGER", Integer, LogicalType::INT64),
            ("UNSIGNED BIG INT", Integer, LogicalType::INT64),
            ("FLOATING POINT", Integer, LogicalType::INT64),
            ("CHARINT", Integer, LogicalType::INT64),
            ("VARCHAR(255)", Text, LogicalType::Text),
            ("NATIVE CHARACTER(70)", Text, LogicalType::Text),
            ("CLOB", Text, LogicalType::Text),
            ("BLOB", Blob, LogicalType::Bytes),
            ("", Blob, LogicalType::Text),
            ("ANY", Blob, LogicalType::Text),
            ("DOUBLE PRECISION", Real, LogicalType::FLOAT64),
            ("FLOAT", Real, LogicalType::FLOAT64),
            ("NUMERIC", Numeric, LogicalType::FLOAT64),
            ("DECIMAL(10,5)", Numeric, LogicalType::FLOAT64),
            ("BOOLEAN", Numeric, LogicalType::INT64),
            ("DATE", Numeric, LogicalType::Text),
            ("DATETIME", Numeric, LogicalType::Text),
            ("STRING", Numeric, LogicalType::Text),
            ("JSON", Numeric, LogicalType::Text),
        ] {
            assert_eq!(affinity(declared), expected, "{declared}");
            assert_eq!(logical_of(declared), logical, "{declared}");
        }
    }

    #[test]
    fn only_exact_integers_become_floats() {
        for (cell, expected) in [
            (Cell::Int(10), Cell::Float(10.0)),
            (Cell::Int(-(1 << 53)), Cell::Float(-9_007_199_254_740_992.0)),
            (Cell::Int((1 << 53) + 1), Cell::Int((1 << 53) + 1)),
            (Cell::Int(i64::MIN), Cell::Int(i64::MIN)),
            (Cell::Text("x".into()), Cell::Text("x".into())),
            (Cell::Null, Cell::Null),
        ] {
            assert_eq!(fit(cell, &LogicalType::FLOAT64), expected);
        }
        assert_eq!(fit(Cell::Int(1), &LogicalType::INT64), Cell::Int(1));
    }
}
