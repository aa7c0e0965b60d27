//! Walks over the messages of an Arrow file by their headers, passing over what they carry.

use std::sync::Arc;

use arrow::datatypes::{Schema as ArrowSchema, SchemaRef};
use arrow::ipc::convert::try_fb_to_schema;
use arrow::ipc::{Block, Endianness, MetadataVersion, root_as_message};

use crate::kit::files::{FileInput, broken};
use crate::model::lost::{Findings, Lost};
use crate::model::{Error, ErrorKind, Result};

const CONTINUATION: [u8; 4] = [0xFF; 4];
const MAGIC: &[u8] = b"ARROW1";
/// Magic and padding at the start of a file.
const FILE_START: u64 = 8;
/// A header beyond this is damage.
const MOST_HEADER_BYTES: u64 = 64 << 20;
/// Messages that are walked over.
const MOST_MESSAGES: usize = 200_000;
/// No batch has as many rows.
const MOST_BATCH_ROWS: i64 = 1 << 40;

/// A message by its header.
pub(super) struct Message {
    /// Where it is, for the decoder.
    pub(super) block: Block,
    /// Bytes of it, header and body.
    pub(super) bytes: u64,
    pub(super) place: u64,
    pub(super) carries: Carries,
}

/// What a message carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carries {
    /// Values of a dictionary.
    Dictionary,
    /// So many rows.
    Rows(u64),
}

/// A file by its messages.
pub(super) struct Walk {
    pub(super) is_file: bool,
    pub(super) schema: SchemaRef,
    pub(super) version: MetadataVersion,
    pub(super) messages: Vec<Message>,
    pub(super) compression: Option<String>,
    pub(super) findings: Findings,
}

fn damaged(what: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Decode, "connect", what.to_string())
        .hint("the file may be cut off, damaged or still being written")
}

fn refused(what: &str, hint: &str) -> Error {
    Error::new(ErrorKind::Unsupported, "connect", what.to_owned()).hint(hint)
}

/// Walks over a file.
pub(super) fn walk(file: &FileInput) -> Result<Walk> {
    let head = file.window(0, 8).map_err(|error| broken(&error))?;
    let is_file = head.starts_with(MAGIC);
    if head.starts_with(b"FEA1") {
        return Err(refused(
            "this is a Feather file of version 1, which headwater does not read",
            "write it anew as Feather version 2 (Arrow IPC) or Parquet",
        ));
    }
    if head.starts_with(b"ORC") {
        return Err(refused(
            "this is an ORC file, which headwater does not read",
            "convert it to Parquet, or ask its owner for that",
        ));
    }
    let mut place = if is_file { first_message(file)? } else { 0 };
    let mut first = None;
    let mut walk = Vec::new();
    let mut compression = None;
    let mut findings = Findings::default();
    let mut ended = false;
    let mut version = MetadataVersion::V5;
    while walk.len() < MOST_MESSAGES {
        let header = match header(file, place) {
            Ok(Some(header)) => header,
            Ok(None) => {
                ended = true;
                break;
            }
            Err(error) if first.is_none() => return Err(error),
            Err(error) => {
                findings.lost(Lost {
                    place: format!("byte {place}"),
                    why: format!("the messages from here on can't be read: {}", error.attempted),
                    count: 1,
                });
                break;
            }
        };
        let message = root_as_message(&header.bytes)
            .map_err(|error| damaged(format!("the message at byte {place} is none: {error}")));
        let message = match message {
            Ok(message) => message,
            Err(error) if first.is_none() => return Err(error),
            Err(error) => {
                findings.lost(Lost { place: format!("byte {place}"), why: error.attempted, count: 1 });
                break;
            }
        };
        let body = u64::try_from(message.bodyLength()).unwrap_or(u64::MAX);
        let end = header.end.saturating_add(body);
        if end > file.len() {
            let why = format!("a message at byte {place} reaches beyond the end of the file");
            if first.is_none() {
                return Err(damaged(why));
            }
            findings.lost(Lost { place: format!("byte {place}"), why, count: 1 });
            break;
        }
        if let Some(schema) = message.header_as_schema() {
            if first.is_some() {
                break;
            }
            if schema.endianness() != Endianness::Little {
                return Err(refused(
                    "this Arrow file is written big end first, which headwater does not read",
                    "write it anew on an ordinary machine",
                ));
            }
            let schema = try_fb_to_schema(schema)
                .map_err(|error| damaged(format!("the schema can't be decoded: {error}")))?;
            version = message.version();
            first = Some(Arc::new(schema));
        } else {
            let carries = carries_of(&message, &mut compression)?;
            if let Some(carries) = carries {
                walk.push(message_of(place, &header, body, carries)?);
            }
        }
        place = end;
    }
    let Some(schema) = first else { return Err(damaged("the file has no schema")) };
    if is_file {
        check_footer(file, &walk, &schema, &mut findings);
    } else if !ended && findings.lost.is_empty() && walk.len() < MOST_MESSAGES {
        findings.lost(Lost {
            place: "the end".to_owned(),
            why: "the stream has no end mark: it may be cut off".to_owned(),
            count: 1,
        });
    }
    Ok(Walk { is_file, schema, version, messages: walk, compression, findings })
}

/// What a message carries; none where it is neither rows nor a dictionary.
fn carries_of(
    message: &arrow::ipc::Message<'_>,
    compression: &mut Option<String>,
) -> Result<Option<Carries>> {
    let Some(batch) = message.header_as_record_batch() else {
        return Ok(message.header_as_dictionary_batch().map(|_| Carries::Dictionary));
    };
    if let Some(codec) = batch.compression() {
        *compression = Some(format!("{:?}", codec.codec()));
    }
    if !(0..MOST_BATCH_ROWS).contains(&batch.length()) {
        return Err(damaged(format!("a message states {} rows", batch.length())));
    }
    Ok(Some(Carries::Rows(u64::try_from(batch.length()).unwrap_or(0))))
}

/// Where the first message of a file starts: writers fill up to where they align.
fn first_message(file: &FileInput) -> Result<u64> {
    const MOST_PADDING: usize = 512;
    const STEP: usize = 8;
    let start = file.window(FILE_START, MOST_PADDING).map_err(|error| broken(&error))?;
    let zeros = start.chunks(STEP).take_while(|some| some.iter().all(|byte| *byte == 0)).count();
    Ok(FILE_START + (zeros * STEP) as u64)
}

fn message_of(place: u64, header: &Header, body: u64, carries: Carries) -> Result<Message> {
    let numbers = (i64::try_from(place), i32::try_from(header.end - place), i64::try_from(body));
    let (Ok(offset), Ok(meta), Ok(length)) = numbers else {
        return Err(damaged("a message beyond any file"));
    };
    Ok(Message { block: Block::new(offset, meta, length), bytes: header.end - place + body, place, carries })
}

struct Header {
    bytes: Vec<u8>,
    /// Where the body starts.
    end: u64,
}

/// The header of the message at a place; none at the end mark or the end of the file.
fn header(file: &FileInput, place: u64) -> Result<Option<Header>> {
    let head = file.window(place, 8).map_err(|error| broken(&error))?;
    let Some((first, rest)) = head.split_first_chunk::<4>() else { return Ok(None) };
    // Before version 0.15 there was no continuation mark.
    let (length, start) = match (*first == CONTINUATION, rest.first_chunk::<4>()) {
        (true, Some(length)) => (u32::from_le_bytes(*length), place + 8),
        (true, None) => return Ok(None),
        (false, _) => (u32::from_le_bytes(*first), place + 4),
    };
    let length = u64::from(length);
    if length == 0 {
        return Ok(None);
    }
    if length > MOST_HEADER_BYTES || start + length > file.len() {
        return Err(damaged(format!(
            "a message header of {length} bytes at byte {place}, in a file of {}",
            file.len()
        )));
    }
    let bytes =
        file.window(start, usize::try_from(length).unwrap_or(usize::MAX)).map_err(|error| broken(&error))?;
    Ok(Some(Header { bytes, end: start + length }))
}

/// Compares the footer with the messages that were walked over.
fn check_footer(file: &FileInput, messages: &[Message], schema: &ArrowSchema, findings: &mut Findings) {
    let mut lost = |why: &str| {
        findings.lost(Lost { place: "the end".to_owned(), why: why.to_owned(), count: 1 });
    };
    let len = file.len();
    let tail = file.window(len.saturating_sub(10), 10).unwrap_or_default();
    let Some((length, magic)) = tail.split_first_chunk::<4>() else {
        return lost("the file has no footer: it may be cut off");
    };
    if magic != MAGIC {
        return lost("the file has no footer: it may be cut off");
    }
    let length = u64::from(u32::from_le_bytes(*length));
    if length > MOST_HEADER_BYTES || length + 10 > len {
        return lost("the footer states a length beyond the file");
    }
    let bytes = file.window(len - 10 - length, usize::try_from(length).unwrap_or(0)).unwrap_or_default();
    let Ok(footer) = arrow::ipc::root_as_footer(&bytes) else {
        return lost("the footer can't be decoded");
    };
    let stated = footer.recordBatches().map_or(0, |blocks| blocks.len());
    let found = messages.iter().filter(|message| message.carries != Carries::Dictionary).count();
    let columns = footer.schema().and_then(|schema| schema.fields()).map_or(0, |fields| fields.len());
    for (about, declared, observed) in
        [("record batches", stated, found), ("columns", columns, schema.fields().len())]
    {
        if declared != observed {
            findings.disagreements.push(crate::model::lost::Disagreement {
                about: about.to_owned(),
                declared: format!("the footer states {declared}"),
                observed: format!("{observed} are in the file"),
            });
        }
    }
}
