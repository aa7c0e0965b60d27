//! JSON in files: one document, an array of rows, or values one after the other (JSON lines, concatenated objects).
//!
//! The way of a file: `scan` cuts a stream of bytes into values without building them, in memory bounded by the longest
//! value allowed; `look` finds the file's shape, its columns and its paths from windows; `parse` gives rows from any
//! known place on.
//!
//! Invariants: no number passes through a float unless that float gives back the same number · a key that comes twice
//! keeps both values · nesting costs no stack · a damaged line costs that line.

mod look;
pub mod parse;
mod paths;
mod scan;

use crate::kit::files::{self, FileConnector, FileFormat, FileParser, no_settings};
use crate::model::ability::CostClass;
use crate::model::card::{Card, Family, FieldKind, Form, FormField};
use crate::model::command::CommandEntry;
use crate::model::connection::Connection;

/// Id of this connector and of its parser.
pub(crate) const ID: &str = "json";
const EXTENSIONS: &[&str] = &[
    "ndjson.zst",
    "jsonl.zst",
    "json.zst",
    "ndjson.bz2",
    "jsonl.bz2",
    "json.bz2",
    "ndjson.gz",
    "jsonl.gz",
    "json.gz",
    "ndjson.xz",
    "jsonl.xz",
    "json.xz",
    "geojson",
    "ndjson",
    "jsonl",
    "json",
];
const LOOK: &str = "read the first, the middle and the last window of {file}";

static CARD: Card = Card {
    id: ID,
    name: "JSON",
    family: Family::Files,
    summary: "JSON documents, arrays of rows and JSON lines: plain, gzip, zstd, bzip2 or xz",
    schemes: &["json"],
    extensions: EXTENSIONS,
    magic: &[],
    form: Form {
        fields: &[FormField::required(
            Connection::PATH,
            "File",
            "the JSON file; plain or packed",
            FieldKind::File { extensions: EXTENSIONS },
        )],
    },
    docs: include_str!("docs.md"),
    facts: include_str!("facts.toml"),
};

static FORMAT: FileFormat =
    FileFormat { what: "JSON file", look: LOOK, exact_count: CostClass::Scan, settings: no_settings };

static COMMANDS: [CommandEntry; 9] = files::commands_with_folders(
    LOOK,
    "how the file is built, its columns and paths, about how many rows it has",
    "constant: 352 KiB, or the first value where that is longer (4 MiB at most)",
);

/// The connector.
pub static JSON: FileConnector = FileConnector { card: &CARD, format: &FORMAT, commands: &COMMANDS };

/// The parser, for the worker.
pub static PARSER: FileParser<parse::Json> = FileParser(parse::Json);
