//! The header of an image, and a small picture of it: decoded in the worker only, within limits of pixels and bytes.

use crate::kit::files::{FileInput, broken};
use crate::model::units::count_text;
use crate::model::{Error, ErrorKind, Result};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageReader, Limits};
use std::io::BufReader;

/// Pixels of an image that is decoded.
const MOST_PIXELS: u64 = 100_000_000;
/// Bytes that decoding may take.
const MOST_BYTES: u64 = 256 << 20;
/// Pixels of an image that is decoded to be looked at, not only when asked for.
pub(super) const CHECKED_PIXELS: u64 = 4_000_000;
/// Longest side of the small picture.
const SIDE: u32 = 256;

/// What the header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) format: &'static str,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) color: String,
    pub(super) bytes: u64,
    pub(super) has_profile: bool,
    pub(super) orientation: Option<Orientation>,
}

impl Header {
    /// Pixels in all.
    pub(super) fn pixels(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    /// Why the image is not decoded, if it is too large.
    pub(super) fn too_large(&self) -> Option<String> {
        if self.pixels() > MOST_PIXELS {
            return Some(format!(
                "{} pixels, more than the {} that are decoded",
                count_text(self.pixels()),
                count_text(MOST_PIXELS)
            ));
        }
        (self.bytes > MOST_BYTES)
            .then(|| format!("{} bytes decoded, more than 256 MiB", count_text(self.bytes)))
    }
}

/// A small picture: red, green, blue and opacity of each pixel, row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Thumbnail {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) rgba: Vec<u8>,
}

/// Reads the header.
pub(super) fn header(file: &FileInput) -> Result<Header> {
    let reader = reader(file)?;
    let format =
        reader.format().map_or("image", |format| format.extensions_str().first().copied().unwrap_or("image"));
    let mut decoder = reader.into_decoder().map_err(|error| refused(&error))?;
    let (width, height) = decoder.dimensions();
    Ok(Header {
        format,
        width,
        height,
        color: format!("{:?}", decoder.original_color_type()),
        bytes: decoder.total_bytes(),
        has_profile: decoder.icc_profile().is_ok_and(|profile| profile.is_some()),
        orientation: decoder
            .orientation()
            .ok()
            .filter(|orientation| *orientation != Orientation::NoTransforms),
    })
}

/// Decodes an image into a small picture.
pub(super) fn thumbnail(file: &FileInput) -> Result<Thumbnail> {
    let mut decoder = reader(file)?.into_decoder().map_err(|error| refused(&error))?;
    let orientation = decoder.orientation().ok();
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|error| refused(&error))?;
    if let Some(orientation) = orientation {
        picture.apply_orientation(orientation);
    }
    let is_small = picture.width() <= SIDE && picture.height() <= SIDE;
    let small = if is_small { picture } else { picture.thumbnail(SIDE, SIDE) };
    let small = small.into_rgba8();
    Ok(Thumbnail { width: small.width(), height: small.height(), rgba: small.into_raw() })
}

fn reader(
    file: &FileInput,
) -> Result<ImageReader<BufReader<crate::kit::files::open::Cursor<'_, crate::kit::files::Bytes>>>> {
    let mut reader = ImageReader::new(BufReader::new(file.cursor()))
        .with_guessed_format()
        .map_err(|error| broken(&error))?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(MOST_BYTES);
    reader.limits(limits);
    Ok(reader)
}

fn refused(error: &image::ImageError) -> Error {
    let kind = match error {
        image::ImageError::Limits(_) => ErrorKind::Budget,
        image::ImageError::Unsupported(_) => ErrorKind::Unsupported,
        _ => ErrorKind::Decode,
    };
    Error::new(kind, "read", format!("the image can't be decoded: {error}"))
        .hint("the file may be cut off or damaged; its tags and bytes can still be looked at")
}
