//! XML documents: the elements that repeat are rows.
//!
//! A document is a stream of pieces (`pieces`); a look at the first of them tells which elements repeat; each of those
//! is a row whose attributes, texts and children are columns (`tree`). All of it runs in the worker ([`parse`]).
//!
//! Invariants: a DTD is shown and never followed, nothing it names is fetched · no entity is expanded but the five ·
//! depth, piece and row are capped · everything of a row is in its columns or in the last of them.

mod commands;
pub mod parse;
mod pieces;
mod tree;

use self::parse::Settings;
use crate::kit::files::{FileConnector, FileFormat};
use crate::model::ability::CostClass;
use crate::model::card::{Card, Family, FieldKind, Form, FormField};
use crate::model::connection::Connection;
use crate::model::{Error, ErrorKind, Result};

/// Id of this connector and of its parser.
pub(crate) const ID: &str = "xml";

const EXTENSIONS: &[&str] = &[
    "xml.gz", "xml.zst", "xml.bz2", "xml.xz", "xml", "rss", "atom", "gpx", "kml", "xsd", "xsl", "rdf",
    "wsdl", "gml", "xhtml", "plist",
];

static FIELDS: &[FormField] = &[
    FormField::required(
        Connection::PATH,
        "File",
        "the document; plain or packed",
        FieldKind::File { extensions: EXTENSIONS },
    ),
    FormField::optional(
        "rows",
        "A row is",
        "path of the element that is a row, such as catalog/book; found out if empty",
        FieldKind::Text,
        None,
    ),
];

static CARD: Card = Card {
    id: ID,
    name: "XML",
    family: Family::Files,
    summary: "XML documents: repeated elements as rows, attributes and texts told apart",
    schemes: &["xml"],
    extensions: EXTENSIONS,
    magic: &[b"<?xml"],
    form: Form { fields: FIELDS },
    docs: include_str!("docs.md"),
    facts: include_str!("facts.toml"),
};

static FORMAT: FileFormat = FileFormat {
    what: "document",
    look: "read the first elements of {file}",
    exact_count: CostClass::Scan,
    settings,
};

/// The connector.
pub static XML: FileConnector = FileConnector { card: &CARD, format: &FORMAT, commands: commands::COMMANDS };

fn settings(connection: &Connection) -> Result<serde_json::Value> {
    let rows = connection.values.get("rows").filter(|text| !text.trim().is_empty());
    if let Some(text) = rows.filter(|text| text.contains(['<', '>', '[', ' ', '"'])) {
        return Err(Error::new(ErrorKind::Invalid, "connect", format!("{text:?} is no path of elements"))
            .hint("give names from the root with slashes between them, such as catalog/book"));
    }
    serde_json::to_value(Settings { rows: rows.cloned() })
        .map_err(|error| Error::unexpected("connect", format!("settings of a document: {error}")))
}
