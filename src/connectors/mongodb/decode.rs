//! From BSON to cells. A collection declares no columns: they are the top-level fields of the first documents,
//! each of the type most of its values have; a value of another type stays what it is, an absent field is
//! *missing* and not null, and a field that was never seen lands in the last column. Nothing is rounded.

use std::collections::BTreeSet;
use std::sync::Arc;

use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Bson, Document};

use crate::model::cell::Cell;
use crate::model::schema::{Field, LogicalType, Nullability, Schema, TimeUnit, Zone};

/// The column of fields that the first documents did not have.
const REST: &str = "(other fields)";

/// Names of BSON types in the order in which values of different types are sorted; equals share a line.
pub(super) const ORDER: &[&[&str]] = &[
    &["minKey"],
    &["null", "undefined"],
    &["int", "long", "double", "decimal"],
    &["string", "symbol"],
    &["object"],
    &["array"],
    &["binData"],
    &["objectId"],
    &["bool"],
    &["date"],
    &["timestamp"],
    &["regex"],
    &["maxKey"],
];

/// The name of a value's type, as `$type` takes it.
pub(super) fn type_of(value: &Bson) -> &'static str {
    match value {
        Bson::Double(_) => "double",
        Bson::String(_) => "string",
        Bson::Array(_) => "array",
        Bson::Document(_) => "object",
        Bson::Boolean(_) => "bool",
        Bson::Null => "null",
        Bson::RegularExpression(_) => "regex",
        Bson::JavaScriptCode(_) => "javascript",
        Bson::JavaScriptCodeWithScope(_) => "javascriptWithScope",
        Bson::Int32(_) => "int",
        Bson::Int64(_) => "long",
        Bson::Timestamp(_) => "timestamp",
        Bson::Binary(_) => "binData",
        Bson::ObjectId(_) => "objectId",
        Bson::DateTime(_) => "date",
        Bson::Symbol(_) => "symbol",
        Bson::Decimal128(_) => "decimal",
        Bson::Undefined => "undefined",
        Bson::MaxKey => "maxKey",
        Bson::MinKey => "minKey",
        Bson::DbPointer(_) => "dbPointer",
    }
}

/// A value as a cell, and the type of a column that holds it. What has no type of its own is canonical
/// Extended JSON.
pub(super) fn cell_of(value: Bson) -> (LogicalType, Cell) {
    match value {
        Bson::Null => (LogicalType::Null, Cell::Null),
        Bson::Boolean(value) => (LogicalType::Bool, Cell::Bool(value)),
        Bson::Int32(value) => (LogicalType::Int { bits: 32, signed: true }, Cell::Int(value.into())),
        Bson::Int64(value) => (LogicalType::INT64, Cell::Int(value)),
        Bson::Double(value) => (LogicalType::FLOAT64, Cell::Float(value)),
        Bson::String(text) => (LogicalType::Text, Cell::Text(text)),
        Bson::Decimal128(value) => {
            let text = value.to_string();
            let is_plain = text.chars().all(|c| c.is_ascii_digit() || c == '-' || c == '.');
            let cell = if is_plain { Cell::Decimal(text) } else { Cell::Exact(text) };
            (LogicalType::Decimal { precision: None, scale: None }, cell)
        }
        Bson::ObjectId(id) => (LogicalType::ObjectId, Cell::Exact(id.to_hex())),
        Bson::DateTime(at) => {
            let logical = LogicalType::Timestamp { unit: TimeUnit::Millisecond, zone: Zone::Utc };
            (logical, Cell::Timestamp(at.timestamp_millis()))
        }
        Bson::Binary(binary) if binary.subtype == BinarySubtype::Generic => {
            (LogicalType::Bytes, Cell::Bytes(binary.bytes))
        }
        Bson::Binary(binary) if binary.subtype == BinarySubtype::Uuid && binary.bytes.len() == 16 => {
            let id = uuid::Uuid::from_slice(&binary.bytes).unwrap_or_default();
            (LogicalType::Uuid, Cell::Exact(id.to_string()))
        }
        Bson::RegularExpression(regex) => {
            (LogicalType::Regex, Cell::Exact(format!("/{}/{}", regex.pattern, regex.options)))
        }
        other => (LogicalType::Json, Cell::Json(other.into_canonical_extjson().to_string())),
    }
}

/// The columns of a collection.
#[derive(Clone, Debug)]
pub(super) struct Columns {
    /// What they are.
    pub(super) schema: Arc<Schema>,
    /// The types of values seen in each, without null.
    seen: Vec<BTreeSet<&'static str>>,
    /// Whether the last one takes fields that are no columns.
    has_rest: bool,
    /// Whether these are all fields of all documents, as of when they were looked at.
    pub(super) is_whole: bool,
}

/// What is seen of one field.
#[derive(Default)]
struct Sight {
    types: BTreeSet<&'static str>,
    logical: Vec<(LogicalType, u64)>,
    nulls: u64,
    present: u64,
}

impl Columns {
    /// The fields of these documents in order of appearance; `is_whole` = there are no other documents.
    pub(super) fn of(documents: &[Document], is_whole: bool) -> Self {
        let (mut names, mut sights) = (Vec::<&str>::new(), Vec::<Sight>::new());
        for (name, value) in documents.iter().flatten() {
            let index = names.iter().position(|known| known == name).unwrap_or_else(|| {
                names.push(name);
                sights.push(Sight::default());
                names.len() - 1
            });
            let Some(sight) = sights.get_mut(index) else { continue };
            sight.present += 1;
            match cell_of(value.clone()).0 {
                LogicalType::Null => sight.nulls += 1,
                logical => {
                    sight.types.insert(type_of(value));
                    match sight.logical.iter_mut().find(|(known, _)| *known == logical) {
                        Some((_, count)) => *count += 1,
                        None => sight.logical.push((logical, 1)),
                    }
                }
            }
        }
        let looked = documents.len() as u64;
        let mut fields =
            names.iter().zip(&sights).map(|(name, sight)| field(name, sight, looked)).collect::<Vec<_>>();
        if !is_whole {
            let note = format!("what the first {looked} documents do not have, as canonical Extended JSON");
            fields.push(Field { note: Some(note), ..Field::new(REST, LogicalType::Json).native("object") });
        }
        let seen = sights.into_iter().map(|sight| sight.types).collect();
        Self { schema: Arc::new(Schema::new(fields)), seen, has_rest: !is_whole, is_whole }
    }

    /// The types of a field's values seen so far.
    pub(super) fn types_of(&self, name: &str) -> Option<&BTreeSet<&'static str>> {
        self.seen.get(self.schema.index_of(name)?)
    }

    /// Whether this may name a field: one that was seen, or any where not all documents were.
    pub(super) fn may_be_field(&self, name: &str) -> bool {
        self.types_of(name).is_some() || (!self.is_whole && name != REST)
    }

    /// Only these columns; one that was never seen is JSON.
    pub(super) fn chosen(&self, names: &[&str]) -> Self {
        let field = |name: &&str| match self.schema.index_of(name).and_then(|at| self.schema.fields.get(at)) {
            Some(field) => field.clone(),
            None => unseen(name),
        };
        Self {
            schema: Arc::new(Schema::new(names.iter().map(field).collect())),
            seen: names.iter().map(|name| self.types_of(name).cloned().unwrap_or_default()).collect(),
            has_rest: false,
            is_whole: self.is_whole,
        }
    }

    /// All columns, and those of these names that were never seen.
    pub(super) fn with(&self, names: &[&str]) -> Self {
        let mut made = self.clone();
        for name in names.iter().filter(|name| self.schema.index_of(name).is_none()) {
            let schema = Arc::make_mut(&mut made.schema);
            schema.fields.insert(made.seen.len(), unseen(name));
            made.seen.push(BTreeSet::new());
        }
        made
    }

    /// The row of a document, and how many of its fields found no column.
    pub(super) fn row(&self, mut document: Document) -> (Vec<Cell>, u64) {
        let fields = self.schema.fields.len() - usize::from(self.has_rest);
        let cell = |field: &Field| match document.remove(&field.name) {
            None => Cell::Missing,
            Some(value) if field.logical == LogicalType::Json => match value {
                Bson::Null => Cell::Null,
                value => Cell::Json(value.into_canonical_extjson().to_string()),
            },
            Some(value) => cell_of(value).1,
        };
        let mut cells = self.schema.fields.iter().take(fields).map(cell).collect::<Vec<_>>();
        let surplus = document.len() as u64;
        if !self.has_rest {
            return (cells, surplus);
        }
        cells.push(match surplus {
            0 => Cell::Null,
            _ => Cell::Json(Bson::Document(document).into_canonical_extjson().to_string()),
        });
        (cells, 0)
    }
}

fn unseen(name: &str) -> Field {
    let note = Some("no document looked at has it".to_owned());
    Field { note, ..Field::new(name, LogicalType::Json).native("unknown") }
}

fn field(name: &str, sight: &Sight, looked: u64) -> Field {
    let most = sight.logical.iter().max_by_key(|(_, count)| *count);
    let native = sight.types.iter().copied().collect::<Vec<_>>().join(", ");
    let mut remarks = Vec::new();
    if sight.logical.len() > 1 {
        remarks.push("values of several types, each kept as it is".to_owned());
    }
    if sight.nulls > 0 {
        remarks.push(format!("null in {} of {looked}", sight.nulls));
    }
    if sight.present < looked {
        remarks.push(format!("missing in {} of {looked}", looked - sight.present));
    }
    Field {
        name: name.to_owned(),
        logical: most.map_or(LogicalType::Json, |(logical, _)| logical.clone()),
        native: if native.is_empty() { "null".to_owned() } else { native },
        nullability: Nullability::Unknown,
        note: (!remarks.is_empty()).then(|| remarks.join("; ")),
    }
}

#[cfg(test)]
mod tests {
    use mongodb::bson::{doc, oid::ObjectId};

    use super::*;

    #[test]
    fn columns_are_the_fields_seen_and_the_rest_is_kept() {
        let first = [
            doc! { "_id": 1, "a": "x" },
            doc! { "_id": 2_i64, "b": Bson::Null },
            doc! { "_id": 3, "a": 1.5 },
        ];
        let columns = Columns::of(&first, false);
        let names = columns.schema.fields.iter().map(|field| field.name.as_str()).collect::<Vec<_>>();
        assert_eq!(names, ["_id", "a", "b", REST]);
        let later = doc! { "_id": 4, "b": Bson::Null, "c": { "$big": 9_007_199_254_740_993_i64 } };
        let (row, lost) = columns.row(later.clone());
        assert_eq!(lost, 0);
        let rest = r#"{"c":{"$big":{"$numberLong":"9007199254740993"}}}"#;
        assert_eq!(row, [Cell::Int(4), Cell::Missing, Cell::Null, Cell::Json(rest.to_owned())]);
        // Where these were all documents there is no such column, and what is new is counted.
        assert_eq!(Columns::of(&first, true).row(later).1, 1);
    }

    #[test]
    fn every_type_is_exact() {
        let decimal = |text: &str| Bson::Decimal128(text.parse().unwrap());
        let id = ObjectId::from_bytes([7; 12]);
        for (value, cell) in [
            (decimal("-0.10"), Cell::Decimal("-0.10".to_owned())),
            (decimal("1E+3"), Cell::Exact("1E+3".to_owned())),
            (decimal("NaN"), Cell::Exact("NaN".to_owned())),
            (Bson::Int64(i64::MIN), Cell::Int(i64::MIN)),
            (Bson::ObjectId(id), Cell::Exact("07".repeat(12))),
            (Bson::DateTime(mongodb::bson::DateTime::MAX), Cell::Timestamp(i64::MAX)),
            (Bson::MinKey, Cell::Json(r#"{"$minKey":1}"#.to_owned())),
            (
                Bson::Array(vec![Bson::Int32(1), Bson::Double(1.0)]),
                Cell::Json(r#"[{"$numberInt":"1"},{"$numberDouble":"1.0"}]"#.to_owned()),
            ),
        ] {
            assert_eq!(cell_of(value).1, cell);
        }
    }
}
