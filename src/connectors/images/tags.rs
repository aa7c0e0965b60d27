//! What an image says of itself: its header, the parts of its container, its EXIF fields. No pixel is decoded for it.

use super::bytes_at::Bytes;
use crate::kit::files::FileInput;
use crate::model::Result;
use std::io::BufReader;

/// The longest text of a tag that is kept.
const LONGEST: usize = 4_096;
/// EXIF is looked for in files up to this size: its reader takes the whole of some containers into memory.
const MOST_EXIF_BYTES: u64 = 64 << 20;

/// One thing an image says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tag {
    /// Where it stands: a part of the container, or EXIF.
    pub(super) group: &'static str,
    pub(super) name: String,
    pub(super) value: String,
    /// Byte of the file, and bytes it takes.
    pub(super) place: Option<u64>,
    pub(super) bytes: Option<u64>,
    /// Whom or what it gives away.
    pub(super) privacy: Option<&'static str>,
}

/// Whether more tags are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum More {
    Wanted,
    Enough,
}

/// Tells every tag of an image, in the file's order.
pub(super) fn all(file: &FileInput, give: &mut dyn FnMut(Tag) -> Result<More>) -> Result<More> {
    let head = Bytes(file).at(0, 12)?;
    let told = match head.as_slice() {
        [0x89, b'P', b'N', b'G', ..] => png(file, give)?,
        [0xFF, 0xD8, ..] => jpeg(file, give)?,
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P'] => riff(file, give)?,
        _ => More::Wanted,
    };
    if told == More::Enough || file.len() > MOST_EXIF_BYTES {
        return Ok(told);
    }
    for tag in exif_tags(file) {
        if give(tag)? == More::Enough {
            return Ok(More::Enough);
        }
    }
    Ok(More::Wanted)
}

/// The EXIF fields of any container; none where there are none or they can't be read.
pub(super) fn exif_tags(file: &FileInput) -> Vec<Tag> {
    let mut reader = exif::Reader::new();
    reader.continue_on_error(true);
    let read = reader.read_from_container(&mut BufReader::new(file.cursor()));
    let read = read.or_else(|error| error.distill_partial_result(|_| {}));
    let Ok(found) = read else { return Vec::new() };
    let tag = |field: &exif::Field| {
        let name = field.tag.to_string();
        let value: String =
            field.display_value().with_unit(&found).to_string().chars().take(LONGEST).collect();
        Tag { group: "EXIF", privacy: privacy(&name), name, value, place: None, bytes: None }
    };
    found.fields().map(tag).collect()
}

/// Whom or what an EXIF field gives away.
fn privacy(name: &str) -> Option<&'static str> {
    if name.starts_with("GPS") {
        return Some("place");
    }
    let is_one_of = |names: &[&str]| names.contains(&name);
    if is_one_of(&["CameraOwnerName", "Artist", "Copyright", "XPAuthor", "HostComputer", "OwnerName"]) {
        Some("person")
    } else if is_one_of(&[
        "BodySerialNumber",
        "LensSerialNumber",
        "CameraSerialNumber",
        "ImageUniqueID",
        "MakerNote",
    ]) {
        Some("device")
    } else {
        None
    }
}

fn png(file: &FileInput, give: &mut dyn FnMut(Tag) -> Result<More>) -> Result<More> {
    let bytes = Bytes(file);
    let mut place = 8;
    loop {
        let head = bytes.at(place, 8)?;
        let Some((length, kind)) = head.split_first_chunk::<4>() else { return Ok(More::Wanted) };
        if kind.len() < 4 {
            return Ok(More::Wanted);
        }
        let length = u64::from(u32::from_be_bytes(*length));
        let name = String::from_utf8_lossy(kind).into_owned();
        let body = bytes.at(place + 8, length.min(LONGEST as u64) as usize)?;
        let value = match name.as_str() {
            "tEXt" => text(&body).replacen('\0', ": ", 1),
            "iTXt" | "zTXt" => {
                text(body.split(|byte| *byte == 0).next().unwrap_or_default()) + ": (packed or international)"
            }
            "tIME" => png_time(&body),
            "pHYs" => png_density(&body),
            "gAMA" => body.first_chunk().map_or_else(String::new, |value| {
                format!("{}", f64::from(u32::from_be_bytes(*value)) / 100_000.0)
            }),
            _ => String::new(),
        };
        let tag = Tag { group: "chunk", name, value, place: Some(place), bytes: Some(length), privacy: None };
        if give(tag)? == More::Enough {
            return Ok(More::Enough);
        }
        if kind == b"IEND" {
            return Ok(More::Wanted);
        }
        place += 12 + length;
    }
}

fn text(bytes: &[u8]) -> String {
    // PNG's plain texts are Latin-1.
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

fn png_time(body: &[u8]) -> String {
    let [y1, y2, month, day, hour, minute, second, ..] = body else { return String::new() };
    let year = u16::from_be_bytes([*y1, *y2]);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

fn png_density(body: &[u8]) -> String {
    let [a, b, c, d, e, f, g, h, unit, ..] = body else { return String::new() };
    let (x, y) = (u32::from_be_bytes([*a, *b, *c, *d]), u32::from_be_bytes([*e, *f, *g, *h]));
    format!("{x} × {y} {}", if *unit == 1 { "a metre" } else { "(ratio)" })
}

fn jpeg(file: &FileInput, give: &mut dyn FnMut(Tag) -> Result<More>) -> Result<More> {
    let bytes = Bytes(file);
    let mut place = 2;
    loop {
        let head = bytes.at(place, 4)?;
        let [0xFF, marker, high, low] = head.as_slice() else { return Ok(More::Wanted) };
        if matches!(marker, 0xFF) {
            place += 1;
            continue;
        }
        let length = u64::from(u16::from_be_bytes([*high, *low]));
        let body = bytes.at(place + 4, length.saturating_sub(2).min(LONGEST as u64) as usize)?;
        let name = match marker {
            0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => format!("SOF{}", marker - 0xC0),
            0xC4 => "DHT".to_owned(),
            0xDA => "SOS".to_owned(),
            0xDB => "DQT".to_owned(),
            0xDD => "DRI".to_owned(),
            0xE0..=0xEF => format!("APP{}", marker - 0xE0),
            0xFE => "COM".to_owned(),
            other => format!("0x{other:02X}"),
        };
        let value = match marker {
            0xE0..=0xEF => {
                text(body.split(|byte| *byte == 0).next().unwrap_or_default().get(..).unwrap_or_default())
            }
            0xFE => text(&body),
            _ => String::new(),
        };
        let value = value.chars().take(256).collect();
        let tag =
            Tag { group: "segment", name, value, place: Some(place), bytes: Some(length), privacy: None };
        if give(tag)? == More::Enough {
            return Ok(More::Enough);
        }
        // Behind the start of a scan lie its bytes, not segments.
        if *marker == 0xDA || length < 2 {
            return Ok(More::Wanted);
        }
        place += 2 + length;
    }
}

fn riff(file: &FileInput, give: &mut dyn FnMut(Tag) -> Result<More>) -> Result<More> {
    let bytes = Bytes(file);
    let mut place = 12;
    loop {
        let head = bytes.at(place, 8)?;
        let Some((kind, rest)) = head.split_first_chunk::<4>() else { return Ok(More::Wanted) };
        let Some(length) = rest.first_chunk::<4>() else { return Ok(More::Wanted) };
        let length = u64::from(u32::from_le_bytes(*length));
        let name = String::from_utf8_lossy(kind).into_owned();
        let tag = Tag { group: "chunk", name, place: Some(place), bytes: Some(length), ..Tag::default() };
        if give(tag)? == More::Enough {
            return Ok(More::Enough);
        }
        place += 8 + length + length % 2;
    }
}
