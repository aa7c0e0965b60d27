//! Workbooks: xlsx, xlsb, xls and ods. Sheets are tables, hidden ones too.
//!
//! The container is looked at first (`container`); the field's reader gives cells (`book`), which become rows of a
//! table whose header and types are found out (`table`, `value`). All of it runs in the worker ([`parse`]).
//!
//! Invariants: no dense grid is made of xlsx and xlsb · a declared size is a hint · an error cell, a formula without a
//! value, a blank run or a cell beside the table is never dropped without being counted.

mod book;
mod commands;
mod container;
pub mod parse;
mod table;
mod value;

use self::parse::Settings;
use crate::kit::files::{FileConnector, FileFormat};
use crate::model::ability::CostClass;
use crate::model::card::{Card, Family, FieldKind, Form, FormField};
use crate::model::connection::Connection;
use crate::model::{Error, ErrorKind, Result};

/// Id of this connector and of its parser.
pub(crate) const ID: &str = "excel";

const EXTENSIONS: &[&str] =
    &["xlsx", "xlsm", "xltx", "xltm", "xlam", "xlsb", "xls", "xlt", "xla", "ods", "ots"];

static FIELDS: &[FormField] = &[
    FormField::required(
        Connection::PATH,
        "File",
        "the workbook: xlsx, xlsm, xlsb, xls or ods",
        FieldKind::File { extensions: EXTENSIONS },
    ),
    FormField::optional(
        "header",
        "Header",
        "the row of each sheet that names the columns: auto, none or a number",
        FieldKind::Text,
        Some("auto"),
    ),
];

static CARD: Card = Card {
    id: ID,
    name: "Excel",
    family: Family::Files,
    summary: "workbooks and their sheets: xlsx, xlsm, xlsb, xls, ods",
    schemes: &["excel"],
    extensions: EXTENSIONS,
    magic: &[],
    form: Form { fields: FIELDS },
    docs: include_str!("docs.md"),
    facts: include_str!("facts.toml"),
};

static FORMAT: FileFormat = FileFormat {
    what: "workbook",
    look: "read the table of contents and the first rows of each sheet of {file}",
    exact_count: CostClass::Scan,
    settings,
};

/// The connector.
pub static EXCEL: FileConnector =
    FileConnector { card: &CARD, format: &FORMAT, commands: commands::COMMANDS };

fn settings(connection: &Connection) -> Result<serde_json::Value> {
    let header = connection
        .values
        .get("header")
        .map(String::as_str)
        .filter(|text| !text.is_empty() && *text != "auto");
    let is_known = |text: &str| text == "none" || text.parse::<u32>().is_ok_and(|row| row > 0);
    if let Some(text) = header.filter(|text| !is_known(text)) {
        return Err(Error::new(ErrorKind::Invalid, "connect", format!("{text:?} is no header of a sheet"))
            .hint("give auto, none or the number of a row, from 1"));
    }
    serde_json::to_value(Settings { header: header.map(str::to_owned) })
        .map_err(|error| Error::unexpected("connect", format!("settings of a workbook: {error}")))
}
