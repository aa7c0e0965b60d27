//! The worker's side of an image: its tags as rows, and a small picture of it.

use super::ID;
use super::pixels::{self, CHECKED_PIXELS, Header};
use super::tags::{self, More, Tag};
use crate::job::Flow;
use crate::kit::files::{
    Ask, FileInput, FileParser, FileReader, Outline, Place, RowCount, RowsOut, Stretch, Table,
};
use crate::model::cell::Cell;
use crate::model::load::Provenance;
use crate::model::node::{Detail, NodeKind};
use crate::model::schema::{Field, LogicalType, Schema};
use crate::model::units::{bytes_text, count_text};
use crate::model::{Error, Result};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Tags that are counted in a look; more are only known after reading them.
const COUNTED: u64 = 20_000;

/// The reader of images.
pub struct Images;

/// The parser of this connector.
pub static PARSER: FileParser<Images> = FileParser(Images);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum View {
    Tags,
    Picture,
}

impl FileReader for Images {
    fn id(&self) -> &'static str {
        ID
    }

    fn look(&self, file: &Arc<FileInput>, _settings: &serde_json::Value) -> Result<Outline> {
        let header = pixels::header(file)?;
        let mut outline = Outline::new(file.len(), file.packing());
        let too_large = header.too_large();
        if too_large.is_none() && header.pixels() <= CHECKED_PIXELS {
            // A small image is decoded at once: a damaged one is said before anybody looks at it.
            pixels::thumbnail(file)?;
        }
        header_facts(&mut outline, &header);
        let mut tags = Table::new(Vec::new(), NodeKind::File, tag_schema());
        let (mut count, mut is_counted, mut private) = (0_u64, true, Vec::new());
        tags::all(file, &mut |tag| {
            count += 1;
            if let Some(what) = tag.privacy.filter(|what| !private.contains(what)) {
                private.push(what);
            }
            is_counted = count < COUNTED;
            Ok(if is_counted { More::Wanted } else { More::Enough })
        })?;
        if is_counted {
            tags.rows = Some(RowCount::exact(count, "the tags were counted"));
        }
        if !private.is_empty() {
            tags.notes.push(format!("privacy: the tags give away {}", private.join(", ")));
        }
        tags.state = serde_json::to_value(View::Tags).unwrap_or_default();
        let place = tags::exif_tags(file).into_iter().filter(|tag| tag.privacy == Some("place"));
        for tag in place.filter(|tag| tag.name.starts_with("GPSL")).take(4) {
            tags.facts.push(Detail::new(
                format!("privacy: {}", tag.name),
                tag.value,
                Provenance::Declared { who: "EXIF".to_owned() },
            ));
        }
        outline.tables.push(tags);
        match too_large {
            Some(why) => outline.notes.push(format!("no picture is made of it: {why}")),
            None => {
                let mut picture = Table::new(vec!["picture".to_owned()], NodeKind::Image, picture_schema());
                picture.rows = Some(RowCount::exact(1, "one picture"));
                picture.state = serde_json::to_value(View::Picture).unwrap_or_default();
                outline.tables.push(picture);
            }
        }
        Ok(outline)
    }

    fn rows(&self, file: &Arc<FileInput>, ask: &Ask, out: &mut RowsOut<'_>) -> Result<()> {
        let view: View = serde_json::from_value(ask.table.state.clone()).map_err(|error| {
            Error::unexpected("read", format!("the notes of the look are not readable: {error}"))
        })?;
        let Stretch::From { row, known } = ask.stretch else { return Err(out.no_such_stretch()) };
        let chosen = |cells: &[Cell]| {
            ask.columns
                .iter()
                .map(|column| cells.get(*column).cloned().unwrap_or(Cell::Missing))
                .collect::<Vec<_>>()
        };
        if view == View::Picture {
            if row > 0 {
                out.passed(u64::from(known.row == 0));
                return Ok(());
            }
            let small = pixels::thumbnail(file)?;
            let cells =
                [Cell::Int(small.width.into()), Cell::Int(small.height.into()), Cell::Bytes(small.rgba)];
            out.row(Place { row: 0, byte: None }, chosen(&cells))?;
            return Ok(());
        }
        let mut number = 0;
        tags::all(file, &mut |tag| {
            let at = Place { row: number, byte: None };
            number += 1;
            if at.row < row {
                out.passed(u64::from(at.row >= known.row));
                return Ok(More::Wanted);
            }
            let flow = out.row(at, chosen(&cells(tag)))?;
            Ok(if flow == Flow::Enough { More::Enough } else { More::Wanted })
        })?;
        Ok(())
    }
}

fn header_facts(outline: &mut Outline, header: &Header) {
    outline.fact("format", header.format);
    outline.fact(
        "size",
        format!("{} × {} pixels", count_text(header.width.into()), count_text(header.height.into())),
    );
    outline.fact("colour", header.color.clone());
    outline.fact("decoded", bytes_text(header.bytes as f64));
    if header.has_profile {
        outline.fact("colour profile", "yes");
    }
    if let Some(orientation) = header.orientation {
        outline.fact("orientation", format!("{orientation:?}"));
    }
}

fn tag_schema() -> Schema {
    let int = |name| Field::new(name, LogicalType::INT64);
    let text = |name| Field::new(name, LogicalType::Text);
    Schema::new(vec![text("group"), text("tag"), text("value"), int("place"), int("bytes"), text("privacy")])
}

fn picture_schema() -> Schema {
    Schema::new(vec![
        Field::new("width", LogicalType::INT64).native("pixels"),
        Field::new("height", LogicalType::INT64).native("pixels"),
        Field::new("rgba", LogicalType::Bytes).native("red, green, blue, opacity of each pixel"),
    ])
}

fn cells(tag: Tag) -> [Cell; 6] {
    let int =
        |value: Option<u64>| value.and_then(|value| i64::try_from(value).ok()).map_or(Cell::Null, Cell::Int);
    let text = |value: String| if value.is_empty() { Cell::Null } else { Cell::Text(value) };
    [
        Cell::Text(tag.group.to_owned()),
        Cell::Text(tag.name),
        text(tag.value),
        int(tag.place),
        int(tag.bytes),
        tag.privacy.map_or(Cell::Null, |what| Cell::Text(what.to_owned())),
    ]
}
