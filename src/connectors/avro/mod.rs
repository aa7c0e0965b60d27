//! Avro object container files: a schema, then blocks of rows, each packed.
//!
//! The way of a file: the header gives schema, codec and mark (`container`); blocks are walked by their heads, so that rows
//! are counted without unpacking them; rows are decoded block by block with the writer's own schema (`parse`).
//!
//! Invariants: no declared length is believed before it lies inside the file · the mark after each block is checked · a
//! damaged block costs the rows from there to the next mark, and is told.

mod container;
pub mod parse;
mod values;

use crate::kit::files::{self, FileConnector, FileFormat, FileParser, no_settings};
use crate::model::ability::CostClass;
use crate::model::card::{Card, Family, FieldKind, Form, FormField};
use crate::model::command::CommandEntry;
use crate::model::connection::Connection;

/// Id of this connector and of its parser.
pub(crate) const ID: &str = "avro";
const EXTENSIONS: &[&str] = &["avro"];
const LOOK: &str = "read the header and the block heads of {file}";

static CARD: Card = Card {
    id: ID,
    name: "Avro",
    family: Family::Files,
    summary: "Avro object container files: the writer's schema, codec and blocks, rows with every logical type",
    schemes: &["avro"],
    extensions: EXTENSIONS,
    magic: &[b"Obj\x01"],
    form: Form {
        fields: &[FormField::required(
            Connection::PATH,
            "File",
            "the Avro file",
            FieldKind::File { extensions: EXTENSIONS },
        )],
    },
    docs: include_str!("docs.md"),
    facts: include_str!("facts.toml"),
};

static FORMAT: FileFormat =
    FileFormat { what: "Avro file", look: LOOK, exact_count: CostClass::Constant, settings: no_settings };

static COMMANDS: [CommandEntry; 9] = files::commands_with_folders(
    LOOK,
    "schema, codec, blocks, number of rows",
    "the header, and the head of each block: some twenty bytes each, of 20 000 blocks at most",
);

/// The connector.
pub static AVRO: FileConnector = FileConnector { card: &CARD, format: &FORMAT, commands: &COMMANDS };

/// The parser, for the worker.
pub static PARSER: FileParser<parse::Avro> = FileParser(parse::Avro);
