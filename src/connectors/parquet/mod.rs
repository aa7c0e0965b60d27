//! Parquet: columns apart in groups of rows, everything about them in the footer.
//!
//! The way of a file: the footer is read and checked against itself (`footer`, `look`); types are those of the
//! Parquet schema, not of hints that a writer left (`types`); statistics are the catalogue level (`statistics`); rows
//! are decoded group by group, only the pages of the columns asked for (`parse`).
//!
//! Invariants: what the footer states and what is decoded are compared, and a disagreement is told · an encrypted file is
//! refused by name · a timestamp of the old 96-bit kind never wraps.

mod footer;
mod look;
pub mod parse;
mod statistics;
mod types;

use crate::kit::files::{self, FileConnector, FileFormat, FileParser, no_settings};
use crate::model::ability::CostClass;
use crate::model::card::{Card, Family, FieldKind, Form, FormField};
use crate::model::command::CommandEntry;
use crate::model::connection::Connection;

/// Id of this connector and of its parser.
pub(crate) const ID: &str = "parquet";
const EXTENSIONS: &[&str] = &["parquet", "parq", "pqt"];
const LOOK: &str = "read the footer of {file}";

static CARD: Card = Card {
    id: ID,
    name: "Parquet",
    family: Family::Files,
    summary: "Apache Parquet files: schema, statistics and row groups from the footer, rows by column",
    schemes: &["parquet"],
    extensions: EXTENSIONS,
    magic: &[b"PAR1", b"PARE"],
    form: Form {
        fields: &[FormField::required(
            Connection::PATH,
            "File",
            "the Parquet file",
            FieldKind::File { extensions: EXTENSIONS },
        )],
    },
    docs: include_str!("docs.md"),
    facts: include_str!("facts.toml"),
};

static FORMAT: FileFormat =
    FileFormat { what: "Parquet file", look: LOOK, exact_count: CostClass::Free, settings: no_settings };

static COMMANDS: [CommandEntry; 9] = files::commands_with_folders(
    LOOK,
    "schema, row groups, statistics, and about how many bytes each column takes",
    "constant: the footer, and eight bytes that tell its length",
);

/// The connector.
pub static PARQUET: FileConnector = FileConnector { card: &CARD, format: &FORMAT, commands: &COMMANDS };

/// The parser, for the worker.
pub static PARSER: FileParser<parse::Parquet> = FileParser(parse::Parquet);
