//! Text and logs: lines with their time, level and fields, and the templates they follow.
//!
//! A look at the first and last lines finds out how they are written (`shape`, `stamp`); every read cuts lines
//! (`lines`) and takes them apart. A second table gives the templates of all lines (`template`). Exports of the
//! systemd journal have entries instead of lines (`journal`). All of it runs in the worker ([`parse`]).
//!
//! Invariants: all of a line's text is in its row · a timestamp is never completed: no year, no moment · memory is bounded
//! by the longest line kept and the number of templates.

mod commands;
mod journal;
mod lines;
pub mod parse;
mod shape;
mod stamp;
mod template;

use self::parse::Settings;
use crate::kit::files::{FileConnector, FileFormat};
use crate::kit::text::decode::TextEncoding;
use crate::model::ability::CostClass;
use crate::model::card::{Card, Family, FieldKind, Form, FormField};
use crate::model::connection::Connection;
use crate::model::{Error, ErrorKind, Result};

/// Id of this connector and of its parser.
pub(crate) const ID: &str = "logs";

const EXTENSIONS: &[&str] = &[
    "log.gz",
    "log.zst",
    "log.bz2",
    "log.xz",
    "log.1.gz",
    "log.2.gz",
    "log.3.gz",
    "log.4.gz",
    "log.5.gz",
    "log.1",
    "log.2",
    "log.3",
    "log.4",
    "log.5",
    "logfmt",
    "journal",
    "export",
    "syslog",
    "log",
    "out",
    "err",
    "text",
    "md",
    "rst",
    "ini",
    "cfg",
    "conf",
    "properties",
    "yaml",
    "yml",
    "toml",
    "sql",
    "svg",
    "html",
    "htm",
];

static FIELDS: &[FormField] = &[
    FormField::required(
        Connection::PATH,
        "File",
        "the text or log; plain or packed",
        FieldKind::File { extensions: EXTENSIONS },
    ),
    FormField::optional(
        "encoding",
        "Encoding",
        "such as utf-8, windows-1252, utf-16le, shift_jis",
        FieldKind::Text,
        Some("auto"),
    ),
];

static CARD: Card = Card {
    id: ID,
    name: "Text and logs",
    family: Family::Files,
    summary: "lines of text: access logs, syslog, logfmt, journal exports, anything else line by line",
    schemes: &["logs"],
    extensions: EXTENSIONS,
    magic: &[b"LPKSHHRH", b"__CURSOR="],
    form: Form { fields: FIELDS },
    docs: include_str!("docs.md"),
    facts: include_str!("facts.toml"),
};

static FORMAT: FileFormat = FileFormat {
    what: "text",
    look: "read the first and the last lines of {file}",
    exact_count: CostClass::Scan,
    settings,
};

/// The connector.
pub static LOGS: FileConnector = FileConnector { card: &CARD, format: &FORMAT, commands: commands::COMMANDS };

fn settings(connection: &Connection) -> Result<serde_json::Value> {
    let label = connection
        .values
        .get("encoding")
        .map(String::as_str)
        .filter(|text| !text.is_empty() && *text != "auto");
    if let Some(text) = label.filter(|text| TextEncoding::for_label(text).is_none()) {
        return Err(Error::new(ErrorKind::Invalid, "connect", format!("{text:?} is no known encoding"))
            .hint("use a name such as utf-8, utf-16le, windows-1252 or shift_jis"));
    }
    serde_json::to_value(Settings { encoding: label.map(str::to_owned) })
        .map_err(|error| Error::unexpected("connect", format!("settings of a text: {error}")))
}
