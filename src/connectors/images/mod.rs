//! Images: header first, then their tags as rows and a small picture, made in the worker within limits.
//!
//! Invariants: the size is known before a pixel is decoded · nothing above 100 million pixels or 256 MiB is decoded ·
//! what gives away a place, a person or a device is flagged · SVG is text, it is never drawn.

mod bytes_at;
mod commands;
pub mod parse;
mod pixels;
mod tags;

use crate::kit::files::{FileConnector, FileFormat, no_settings};
use crate::model::ability::CostClass;
use crate::model::card::{Card, Family, FieldKind, Form, FormField};
use crate::model::connection::Connection;

/// Id of this connector and of its parser.
pub(crate) const ID: &str = "images";

const EXTENSIONS: &[&str] = &["png", "apng", "jpeg", "jpg", "jpe", "gif", "webp", "bmp", "tiff", "tif"];

static FIELDS: &[FormField] =
    &[FormField::required(Connection::PATH, "File", "the image", FieldKind::File { extensions: EXTENSIONS })];

static CARD: Card = Card {
    id: ID,
    name: "Images",
    family: Family::Files,
    summary: "images: size and colour, EXIF with what it gives away, a small picture",
    schemes: &["image"],
    extensions: EXTENSIONS,
    magic: &[b"\x89PNG\r\n\x1a\n", b"\xFF\xD8\xFF", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*"],
    form: Form { fields: FIELDS },
    docs: include_str!("docs.md"),
    facts: include_str!("facts.toml"),
};

static FORMAT: FileFormat = FileFormat {
    what: "image",
    look: "read the header and the tags of {file}",
    exact_count: CostClass::Constant,
    settings: no_settings,
};

/// The connector.
pub static IMAGES: FileConnector =
    FileConnector { card: &CARD, format: &FORMAT, commands: commands::COMMANDS };
