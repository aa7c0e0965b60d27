//! Any other file: what its first bytes say it is, its bytes in hex, the texts in it.
//!
//! Invariants: nothing is unpacked, run or believed · bytes are shown as they lie in the file.

mod commands;
mod kinds;
pub mod parse;

use crate::kit::files::{FileConnector, FileFormat, no_settings};
use crate::model::ability::CostClass;
use crate::model::card::{Card, Family, FieldKind, Form, FormField};
use crate::model::connection::Connection;

/// Id of this connector and of its parser.
pub(crate) const ID: &str = "anyfile";

const EXTENSIONS: &[&str] = &[
    "bin", "zip", "tar", "7z", "rar", "pdf", "doc", "docx", "ppt", "pptx", "exe", "dll", "so", "jar",
    "class", "wasm", "iso", "img", "pcap", "pcapng", "hdf5", "h5", "nc", "npy", "npz", "pkl", "mdb", "accdb",
    "duckdb", "sas7bdat", "sav", "dta", "mp3", "mp4", "heic", "avif", "pem", "der", "p12", "gpg",
];

static FIELDS: &[FormField] =
    &[FormField::required(Connection::PATH, "File", "any file", FieldKind::File { extensions: EXTENSIONS })];

static CARD: Card = Card {
    id: ID,
    name: "Any file",
    family: Family::Files,
    summary: "any other file: what its first bytes say, its bytes in hex, the texts in it",
    schemes: &["anyfile"],
    extensions: EXTENSIONS,
    magic: &[],
    form: Form { fields: FIELDS },
    docs: include_str!("docs.md"),
    facts: include_str!("facts.toml"),
};

static FORMAT: FileFormat = FileFormat {
    what: "file",
    look: "read the first bytes of {file}",
    exact_count: CostClass::Constant,
    settings: no_settings,
};

/// The connector.
pub static ANY_FILE: FileConnector =
    FileConnector { card: &CARD, format: &FORMAT, commands: commands::COMMANDS };
