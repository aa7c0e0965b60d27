//! The footer: read from the end of the file in two reads at most, refused by name where it is encrypted.

use std::io::{BufReader, Read};
use std::sync::Arc;

use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use parquet::file::reader::{ChunkReader, Length};

use crate::kit::files::{FileInput, broken};
use crate::model::{Error, ErrorKind, Result};

/// Length of the footer and magic.
const TAIL_BYTES: u64 = 8;
/// A footer is held in memory several times over while it is decoded.
const MOST_FOOTER_BYTES: u64 = 128 << 20;
/// Bytes that a page's header is read by: most are shorter than a hundred.
const HEADER_BYTES: usize = 1 << 10;

/// A footer as it was read.
pub(super) struct Footer {
    pub(super) metadata: Arc<ParquetMetaData>,
    /// Bytes of it, without length and magic.
    pub(super) bytes: u64,
}

/// Reads the footer.
pub(super) fn read(file: &FileInput) -> Result<Footer> {
    let len = file.len();
    if len < TAIL_BYTES + 4 {
        return Err(damaged(format!("a Parquet file has at least 12 bytes, this one has {len}")));
    }
    let tail = file.window(len - TAIL_BYTES, 8).map_err(|error| broken(&error))?;
    let Some((length, magic)) = tail.split_first_chunk::<4>() else {
        return Err(damaged("the file ended while its last bytes were read"));
    };
    let length = u64::from(u32::from_le_bytes(*length));
    match magic {
        b"PAR1" => {}
        b"PARE" => return Err(encrypted("its footer is encrypted")),
        _ => return Err(damaged("the file does not end as a Parquet file does: it may be cut off")),
    }
    if length > len - TAIL_BYTES || length > MOST_FOOTER_BYTES {
        return Err(damaged(format!("the footer says that it has {length} bytes, in a file of {len}")));
    }
    let start = len - TAIL_BYTES - length;
    let bytes =
        file.window(start, usize::try_from(length).unwrap_or(usize::MAX)).map_err(|error| broken(&error))?;
    if has_field(&bytes, ENCRYPTION_ALGORITHM) == Some(true) {
        return Err(encrypted("its columns are encrypted"));
    }
    let metadata = ParquetMetaDataReader::decode_metadata(&bytes)
        .map_err(|error| damaged(format!("the footer can't be decoded: {error}")))?;
    Ok(Footer { metadata: Arc::new(metadata), bytes: length })
}

fn damaged(what: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Decode, "connect", what.to_string())
        .hint("the file may be cut off, damaged or still being written")
}

fn encrypted(how: &str) -> Error {
    Error::new(ErrorKind::Unsupported, "connect", format!("this Parquet file is encrypted: {how}"))
        .hint("headwater reads no encrypted Parquet; ask its owner for a decrypted copy")
}

/// An error of the decoder, as one of ours.
pub(super) fn failed(error: &ParquetError) -> Error {
    let kind = match error {
        ParquetError::NYI(_) => ErrorKind::Unsupported,
        _ => ErrorKind::Decode,
    };
    Error::new(kind, "read", format!("decoding columns: {error}"))
        .hint("the file may be damaged, or use a newer feature of the format")
}

/// The file as the decoder reads it; every byte is counted by the input.
#[derive(Clone)]
pub(super) struct Chunks(pub(super) Arc<FileInput>);

impl Length for Chunks {
    fn len(&self) -> u64 {
        self.0.len()
    }
}

impl ChunkReader for Chunks {
    type T = BufReader<From>;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        let from = From { file: Arc::clone(&self.0), place: start };
        Ok(BufReader::with_capacity(HEADER_BYTES, from))
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<bytes::Bytes> {
        let bytes = self.0.window(start, length)?;
        if bytes.len() < length {
            return Err(ParquetError::EOF(format!(
                "{length} bytes at {start} reach beyond the end of the file"
            )));
        }
        Ok(bytes.into())
    }
}

/// The bytes from a place on.
pub(super) struct From {
    file: Arc<FileInput>,
    place: u64,
}

impl Read for From {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let bytes = self.file.window(self.place, buf.len())?;
        let Some(into) = buf.get_mut(..bytes.len()) else { return Ok(0) };
        into.copy_from_slice(&bytes);
        self.place += bytes.len() as u64;
        Ok(bytes.len())
    }
}

/// Field of the footer that is there in encrypted files only; the decoder is built without it and skips it.
const ENCRYPTION_ALGORITHM: i64 = 8;
const MOST_DEPTH: usize = 32;

/// Whether the outermost struct of a Thrift compact message has a field; none where it can't be followed.
fn has_field(bytes: &[u8], wanted: i64) -> Option<bool> {
    let mut thrift = Thrift { bytes };
    let mut id = 0;
    while let Some((next, kind)) = thrift.field(id)? {
        if next == wanted {
            return Some(true);
        }
        id = next;
        thrift.skip(kind, 0)?;
    }
    Some(false)
}

/// Walks over a Thrift compact message without keeping anything.
struct Thrift<'a> {
    bytes: &'a [u8],
}

impl Thrift<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(*first)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7F).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn pass(&mut self, count: u64) -> Option<()> {
        self.bytes = self.bytes.get(usize::try_from(count).ok()?..)?;
        Some(())
    }

    /// Number and kind of the next field; inner none at the end of the struct.
    fn field(&mut self, last: i64) -> Option<Option<(i64, u8)>> {
        let head = self.byte()?;
        if head == 0 {
            return Some(None);
        }
        let id = match i64::from(head >> 4) {
            0 => {
                let zigzag = self.varint()?;
                (zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed()
            }
            delta => last + delta,
        };
        Some(Some((id, head & 0x0F)))
    }

    fn skip(&mut self, kind: u8, depth: usize) -> Option<()> {
        if depth > MOST_DEPTH {
            return None;
        }
        match kind {
            // True and false lie in the field's head.
            1 | 2 => Some(()),
            3 => self.pass(1),
            4..=6 => self.varint().map(drop),
            7 => self.pass(8),
            8 => {
                let length = self.varint()?;
                self.pass(length)
            }
            9 | 10 => {
                let head = self.byte()?;
                let count = match head >> 4 {
                    15 => self.varint()?,
                    count => u64::from(count),
                };
                for _ in 0..count {
                    match head & 0x0F {
                        1 | 2 => self.pass(1)?,
                        item => self.skip(item, depth + 1)?,
                    }
                }
                Some(())
            }
            12 => {
                let mut id = 0;
                while let Some((next, kind)) = self.field(id)? {
                    id = next;
                    self.skip(kind, depth + 1)?;
                }
                Some(())
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_past_every_kind_of_other_and_damage_is_no_answer() {
        // i32 version, list of structs, i64 rows, then field 8 as a struct.
        let message = [0x15, 0x02, 0x19, 0x1C, 0x18, 0x01, b'a', 0x00, 0x16, 0x0C, 0x5C, 0x00, 0x00];
        assert_eq!(has_field(&message, 8), Some(true));
        assert_eq!(has_field(&message, 9), Some(false));
        for cut in 0..message.len() {
            assert_ne!(has_field(&message[..cut], 9), Some(true));
        }
        assert_eq!(has_field(&[0x1C; 100], 99), None);
        assert_eq!(has_field(&[0x19, 0xFC, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F], 99), None);
    }
}
