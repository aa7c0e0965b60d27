//! The table of types: what each logical type becomes in each format, with every change in words. Nothing
//! else decides this.

use std::collections::BTreeSet;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::columns::Target;
use crate::model::schema::{LogicalType, Schema, TimeUnit, Zone};

/// Formats of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExportFormat {
    /// Parquet, zstd.
    Parquet,
    /// Comma-separated, UTF-8.
    Csv,
    /// One JSON object a line.
    Jsonl,
    /// Excel.
    Xlsx,
    /// Arrow IPC file.
    Ipc,
}

impl ExportFormat {
    /// All formats.
    pub const ALL: [Self; 5] = [Self::Parquet, Self::Csv, Self::Jsonl, Self::Xlsx, Self::Ipc];

    /// The word of the command line; also the usual extension (`ipc` is also written `arrow`).
    pub fn word(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
            Self::Xlsx => "xlsx",
            Self::Ipc => "ipc",
        }
    }

    /// The format of a word, if it is one.
    pub fn of_word(word: &str) -> Option<Self> {
        match word.to_ascii_lowercase().as_str() {
            "parquet" | "pq" => Some(Self::Parquet),
            "csv" => Some(Self::Csv),
            "jsonl" | "ndjson" => Some(Self::Jsonl),
            "xlsx" => Some(Self::Xlsx),
            "ipc" | "arrow" | "feather" => Some(Self::Ipc),
            _ => None,
        }
    }

    /// The format a file's extension asks for.
    pub fn of_path(path: &Path) -> Option<Self> {
        Self::of_word(path.extension()?.to_str()?)
    }

    /// Whether spreadsheets open it and may run text in it.
    pub fn opens_in_spreadsheets(self) -> bool {
        matches!(self, Self::Csv | Self::Xlsx)
    }

    /// How the format says what its types do not, for the manifest.
    pub fn conventions(self) -> &'static [&'static str] {
        match self {
            Self::Parquet => &["absent keys are null", "zstd compression"],
            Self::Ipc => &["absent keys are null", "large offsets, no compression"],
            Self::Csv => &[
                "UTF-8, comma, double quote doubled inside quotes, line feed",
                "null and absent keys are nothing between commas, empty text is \"\" (in a file of one column both are \"\")",
                "floats in their shortest exact digits, not-a-number is NaN, infinities are inf and -inf",
                "dates and times ISO 8601, with their offset where the source has one",
                "bytes in base64, nested values as JSON text",
            ],
            Self::Jsonl => &[
                "one object a row; whole numbers as JSON integers, decimals as strings, times ISO 8601",
                "bytes {\"$bytes\":base64}, NaN and infinities {\"$float\":…}, absent keys {\"$missing\":true}, undecodable bytes {\"$invalid\":base64}",
            ],
            Self::Xlsx => &[
                "null, absent keys and empty text are empty cells",
                "whole numbers beyond 2^53, decimals of more than 15 digits, times with a zone or finer than milliseconds, and dates before 1900-03-01 are text",
                "bytes in base64, nested values as JSON text; rows beyond 1,048,576 go on in the next sheet",
            ],
        }
    }
}

/// What became of a column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnMapping {
    /// The source's name of it.
    pub name: String,
    /// Its name in the file.
    pub written_as: String,
    /// The type as the source declares it.
    pub native: String,
    /// The type it was read as.
    pub logical: String,
    /// The type in the file.
    pub written: String,
    /// What changes by that, for every value; none = nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<String>,
    /// Changes of single cells, with their number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cells_changed: Vec<(String, u64)>,
}

/// The mapping of every column of a schema.
pub(super) fn mapping(format: ExportFormat, schema: &Schema) -> Vec<ColumnMapping> {
    let names = unique_names(schema);
    schema
        .fields
        .iter()
        .zip(names)
        .map(|(field, written_as)| {
            let (written, change) = written(format, &field.logical);
            ColumnMapping {
                name: field.name.clone(),
                written_as,
                native: field.native.clone(),
                logical: field.logical.to_string(),
                written,
                change,
                cells_changed: Vec::new(),
            }
        })
        .collect()
}

/// Names that differ from each other: a second `x` becomes `x_2`.
pub(super) fn unique_names(schema: &Schema) -> Vec<String> {
    let all: BTreeSet<&str> = schema.fields.iter().map(|field| field.name.as_str()).collect();
    let mut taken = BTreeSet::new();
    let mut next = std::collections::BTreeMap::<&str, usize>::new();
    schema
        .fields
        .iter()
        .map(|field| {
            let mut name = field.name.clone();
            while taken.contains(&name) || (name != field.name && all.contains(name.as_str())) {
                let number = next.entry(&field.name).or_insert(1);
                *number += 1;
                name = format!("{}_{number}", field.name);
            }
            taken.insert(name.clone());
            name
        })
        .collect()
}

fn written(format: ExportFormat, logical: &LogicalType) -> (String, Option<String>) {
    match format {
        ExportFormat::Parquet | ExportFormat::Ipc => typed(logical),
        ExportFormat::Csv => ("text".to_owned(), csv_change(logical).map(str::to_owned)),
        ExportFormat::Jsonl => (json_word(logical).to_owned(), None),
        ExportFormat::Xlsx => {
            let (word, change) = sheet(logical);
            (word.to_owned(), change.map(str::to_owned))
        }
    }
}

fn typed(logical: &LogicalType) -> (String, Option<String>) {
    let target = Target::of(logical);
    let change = match (&target, logical) {
        (Target::Same, _) => None,
        (Target::Bools, _) => Some("a column of nulls has no type of its own: boolean, all null"),
        (Target::Float32, _) => Some("widened, every value kept"),
        (Target::Nanos, _) => Some("counted in nanoseconds, every value kept"),
        (Target::Millis { .. }, _) => {
            Some("counted in milliseconds; seconds beyond what those hold are lost")
        }
        (Target::Utc { .. }, _) => Some("the same instants in UTC: the file's writer does not know the zone"),
        (Target::Text, LogicalType::Decimal { .. }) => Some("exact digits as text: beyond 38 digits"),
        (Target::Text, _) => Some("exact text"),
        (Target::Json, _) => Some("JSON text: field names repeat, or nothing is inside"),
        (Target::Pairs(..), _) => Some("a list of key and value"),
        (Target::List(_) | Target::Struct(_), _) if target.changes() => {
            Some("values inside change their type")
        }
        (Target::List(_) | Target::Struct(_), _) => None,
    };
    let change = change.or_else(|| text_change(logical));
    (target.word(logical), change.map(str::to_owned))
}

/// Types that travel as text already.
fn text_change(logical: &LogicalType) -> Option<&'static str> {
    match logical {
        LogicalType::Decimal { .. } if logical.arrow() == arrow::datatypes::DataType::Utf8 => {
            Some("exact digits as text: no fixed precision")
        }
        LogicalType::Timestamp { zone: Zone::OffsetKept, .. } => {
            Some("ISO 8601 text, so that offsets are kept")
        }
        other => other.is_exact_text().then_some("exact text"),
    }
}

fn csv_change(logical: &LogicalType) -> Option<&'static str> {
    match logical {
        LogicalType::Bytes => Some("base64"),
        LogicalType::List { .. } | LogicalType::Struct { .. } | LogicalType::Map { .. } => Some("JSON text"),
        _ => None,
    }
}

fn json_word(logical: &LogicalType) -> &'static str {
    match logical {
        LogicalType::Null => "null",
        LogicalType::Bool => "boolean",
        LogicalType::Int { .. } | LogicalType::Float { .. } => "number",
        LogicalType::Bytes | LogicalType::Range { .. } | LogicalType::ObjectId | LogicalType::Regex => {
            "tagged object"
        }
        LogicalType::Json => "the JSON itself, or a string where it is broken",
        LogicalType::List { .. } => "array",
        LogicalType::Struct { .. } => "object",
        LogicalType::Map { .. } => "array of pairs",
        _ => "string",
    }
}

fn sheet(logical: &LogicalType) -> (&'static str, Option<&'static str>) {
    match logical {
        LogicalType::Null => ("empty", None),
        LogicalType::Bool => ("boolean", None),
        LogicalType::Int { .. } => ("number", None),
        LogicalType::Float { .. } => ("number", None),
        LogicalType::Decimal { .. } => {
            ("number", Some("Excel keeps 15 digits: longer decimals are text; trailing zeros are not shown"))
        }
        LogicalType::Date => ("date", None),
        LogicalType::Time { unit: TimeUnit::Second | TimeUnit::Millisecond } => ("time", None),
        LogicalType::Timestamp { zone: Zone::None, .. } => ("date and time", None),
        LogicalType::Timestamp { .. } => ("text", Some("ISO 8601 text: Excel has no time zones")),
        LogicalType::Bytes => ("text", Some("base64")),
        LogicalType::List { .. } | LogicalType::Struct { .. } | LogicalType::Map { .. } => {
            ("text", Some("JSON text"))
        }
        LogicalType::Text => ("text", None),
        _ => ("text", Some("exact text")),
    }
}
