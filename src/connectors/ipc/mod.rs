//! Arrow IPC: the file format (also called Feather) and the stream format.
//!
//! The way of a file: its messages are walked by their headers first, every length checked against the file (`walk`);
//! rows are decoded message by message, validated in full (`parse`).
//!
//! Invariants: no declared length is believed before it lies inside the file · a file whose end is missing is read as far
//! as its messages go, and told so · the older Feather and ORC are refused by name.

pub mod parse;
mod walk;

use crate::kit::files::{self, FileConnector, FileFormat, FileParser, no_settings};
use crate::model::ability::CostClass;
use crate::model::card::{Card, Family, FieldKind, Form, FormField};
use crate::model::command::CommandEntry;
use crate::model::connection::Connection;

/// Id of this connector and of its parser.
pub(crate) const ID: &str = "ipc";
const EXTENSIONS: &[&str] = &["feather", "arrows", "arrow", "ipc", "orc"];
const LOOK: &str = "read the footer and the message headers of {file}";

static CARD: Card = Card {
    id: ID,
    name: "Arrow IPC",
    family: Family::Files,
    summary: "Arrow IPC files and streams, Feather version 2; older Feather and ORC are refused by name",
    schemes: &["arrow"],
    extensions: EXTENSIONS,
    magic: &[b"ARROW1", b"FEA1", b"ORC", &[0xFF, 0xFF, 0xFF, 0xFF]],
    form: Form {
        fields: &[FormField::required(
            Connection::PATH,
            "File",
            "the Arrow file",
            FieldKind::File { extensions: EXTENSIONS },
        )],
    },
    docs: include_str!("docs.md"),
    facts: include_str!("facts.toml"),
};

static FORMAT: FileFormat =
    FileFormat { what: "Arrow file", look: LOOK, exact_count: CostClass::Constant, settings: no_settings };

static COMMANDS: [CommandEntry; 9] = files::commands_with_folders(
    LOOK,
    "schema, record batches, dictionaries, compression, number of rows",
    "the header of each message: a few hundred bytes",
);

/// The connector.
pub static IPC: FileConnector = FileConnector { card: &CARD, format: &FORMAT, commands: &COMMANDS };

/// The parser, for the worker.
pub static PARSER: FileParser<parse::Ipc> = FileParser(parse::Ipc);
