//! The container around the rows: header, blocks, marks. Walked without unpacking anything.

use std::str::FromStr as _;

use apache_avro::{Codec, Schema};

use crate::kit::files::{FileInput, broken};
use crate::model::{Error, ErrorKind, Result};

const MAGIC: &[u8] = b"Obj\x01";
/// A header beyond this is damage.
const MOST_HEADER_BYTES: usize = 16 << 20;
const FIRST_HEADER_BYTES: usize = 16 << 10;
/// Two numbers of ten bytes at most.
const HEAD_BYTES: usize = 20;
const MARK_BYTES: u64 = 16;
/// A block is unpacked in memory.
const MOST_BLOCK_BYTES: u64 = 256 << 20;

/// The header of a file.
pub(super) struct Header {
    pub(super) schema: Schema,
    /// The schema as it is written.
    pub(super) schema_text: String,
    pub(super) codec: Codec,
    pub(super) codec_name: String,
    /// What else the writer wrote down.
    pub(super) metadata: Vec<(String, Vec<u8>)>,
    mark: [u8; 16],
    /// Where the first block starts.
    pub(super) end: u64,
}

/// The head of a block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    /// Its rows, as stated.
    pub(super) rows: u64,
    /// Where its packed rows start.
    body: u64,
    /// Their bytes.
    bytes: u64,
    /// Where the next block starts.
    pub(super) end: u64,
}

fn damaged(what: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Decode, "read", what.to_string())
        .hint("the file may be cut off, damaged or still being written")
}

/// Reads a header.
pub(super) fn header(file: &FileInput) -> Result<Header> {
    let mut most = FIRST_HEADER_BYTES;
    loop {
        let bytes = file.window(0, most).map_err(|error| broken(&error))?;
        let is_all = bytes.len() < most || most >= MOST_HEADER_BYTES;
        let Some(rest) = bytes.strip_prefix(MAGIC) else {
            return Err(damaged("the file does not begin as an Avro file does"));
        };
        let mut numbers = Numbers { bytes: rest };
        match parts(&mut numbers) {
            Some((metadata, mark)) => {
                let end = (bytes.len() - numbers.bytes.len()) as u64;
                return named(metadata, mark, end);
            }
            None if is_all => return Err(damaged("the header can't be decoded")),
            None => most *= 8,
        }
    }
}

type Parts = (Vec<(String, Vec<u8>)>, [u8; 16]);

/// Metadata and mark; none where the bytes end too early or make no sense.
fn parts(numbers: &mut Numbers<'_>) -> Option<Parts> {
    let mut metadata = Vec::new();
    loop {
        let mut count = numbers.long()?;
        if count == 0 {
            break;
        }
        if count < 0 {
            // The size of the part follows.
            numbers.long()?;
            count = count.checked_neg()?;
        }
        for _ in 0..count {
            let key = String::from_utf8_lossy(numbers.bytes_of()?).into_owned();
            metadata.push((key, numbers.bytes_of()?.to_vec()));
        }
    }
    let (mark, rest) = numbers.bytes.split_first_chunk::<16>()?;
    numbers.bytes = rest;
    Some((metadata, *mark))
}

fn named(mut metadata: Vec<(String, Vec<u8>)>, mark: [u8; 16], end: u64) -> Result<Header> {
    let mut take = |key: &str| {
        let at = metadata.iter().position(|(known, _)| known == key)?;
        Some(String::from_utf8_lossy(&metadata.remove(at).1).into_owned())
    };
    let schema_text = take("avro.schema").ok_or_else(|| damaged("the header has no schema"))?;
    let codec_name = take("avro.codec").unwrap_or_else(|| "null".to_owned());
    let schema = Schema::parse_str(&schema_text)
        .map_err(|error| damaged(format!("the writer's schema can't be understood: {error}")))?;
    let codec = Codec::from_str(&codec_name).map_err(|error| {
        Error::new(
            ErrorKind::Unsupported,
            "connect",
            format!("the rows are packed with {codec_name:?}, which headwater does not know: {error}"),
        )
        .hint("it reads null, deflate, snappy, zstandard, bzip2 and xz")
    })?;
    Ok(Header { schema, schema_text, codec, codec_name, metadata, mark, end })
}

impl Header {
    /// The head of the block at a place; none at the end of the file.
    pub(super) fn block(&self, file: &FileInput, place: u64) -> Result<Option<Block>> {
        let head = file.window(place, HEAD_BYTES).map_err(|error| broken(&error))?;
        if head.is_empty() {
            return Ok(None);
        }
        let mut numbers = Numbers { bytes: &head };
        let (Some(rows), Some(bytes)) = (numbers.long(), numbers.long()) else {
            return Err(damaged(format!("the block at byte {place} has no head")));
        };
        let body = place + (head.len() - numbers.bytes.len()) as u64;
        let (Ok(rows), Ok(bytes)) = (u64::try_from(rows), u64::try_from(bytes)) else {
            return Err(damaged(format!("the block at byte {place} states {rows} rows in {bytes} bytes")));
        };
        let end = body.saturating_add(bytes).saturating_add(MARK_BYTES);
        if end > file.len() {
            return Err(damaged(format!("the block at byte {place} reaches beyond the end of the file")));
        }
        // A row that takes no bytes at all is possible, but not by the billion.
        if rows > bytes.saturating_mul(4096).max(1 << 20) {
            return Err(damaged(format!("the block at byte {place} states {rows} rows in {bytes} bytes")));
        }
        Ok(Some(Block { rows, body, bytes, end }))
    }

    /// Whether the mark after a block is the file's.
    pub(super) fn is_marked(&self, file: &FileInput, block: &Block) -> Result<bool> {
        let mark = file.window(block.end - MARK_BYTES, 16).map_err(|error| broken(&error))?;
        Ok(mark == self.mark)
    }

    /// The rows of a block, unpacked.
    pub(super) fn unpacked(&self, file: &FileInput, block: &Block) -> Result<Vec<u8>> {
        if block.bytes > MOST_BLOCK_BYTES {
            return Err(Error::new(
                ErrorKind::Budget,
                "read",
                "a block of more than 256 MiB does not fit into memory",
            )
            .hint("write the file anew with smaller blocks"));
        }
        let mut bytes = file
            .window(block.body, usize::try_from(block.bytes).unwrap_or(usize::MAX))
            .map_err(|error| broken(&error))?;
        self.codec
            .decompress(&mut bytes)
            .map_err(|error| damaged(format!("unpacking the block at byte {}: {error}", block.body)))?;
        Ok(bytes)
    }

    /// Where the next mark after a place ends, within some megabytes.
    pub(super) fn next_mark(&self, file: &FileInput, mut place: u64) -> Result<Option<u64>> {
        const STEP: usize = 1 << 20;
        const MOST_STEPS: usize = 16;
        for _ in 0..MOST_STEPS {
            let bytes = file.window(place, STEP + 16).map_err(|error| broken(&error))?;
            if let Some(at) = bytes.windows(16).position(|window| window == self.mark) {
                return Ok(Some(place + at as u64 + MARK_BYTES));
            }
            if bytes.len() < STEP {
                return Ok(None);
            }
            place += STEP as u64;
        }
        Ok(None)
    }
}

/// Numbers of the container, one after the other.
struct Numbers<'a> {
    bytes: &'a [u8],
}

impl<'a> Numbers<'a> {
    fn long(&mut self) -> Option<i64> {
        let mut value = 0_u64;
        for shift in (0..70).step_by(7) {
            let (byte, rest) = self.bytes.split_first()?;
            self.bytes = rest;
            value |= u64::from(byte & 0x7F).checked_shl(shift).unwrap_or(0);
            if byte & 0x80 == 0 {
                return Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed());
            }
        }
        None
    }

    fn bytes_of(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.long()?).ok()?;
        let (bytes, rest) = self.bytes.split_at_checked(length)?;
        self.bytes = rest;
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_they_are_written_and_an_endless_one_is_none() {
        for (bytes, value) in [
            (vec![0], Some(0)),
            (vec![1], Some(-1)),
            (vec![0x80, 0x01], Some(64)),
            (vec![0xFF; 12], None),
            (vec![0x80], None),
        ] {
            assert_eq!(Numbers { bytes: &bytes }.long(), value, "{bytes:?}");
        }
        assert_eq!(Numbers { bytes: &[6, 1, 2] }.bytes_of(), None);
        assert_eq!(Numbers { bytes: &[4, 1, 2] }.bytes_of(), Some([1, 2].as_slice()));
    }
}
