//! The frames between host and guest: a length, a kind, a payload. A declared length is never trusted for
//! an allocation; a frame beyond its kind's limit ends the conversation.

use std::io::Read;

use crate::model::{Error, ErrorKind, Result};

/// Length (u32, little endian) and kind.
pub(super) const HEADER_BYTES: usize = 5;
/// Largest payload of any frame.
pub(super) const MAX_PAYLOAD_BYTES: usize = 64 << 20;
/// Largest payload of a frame that only tells something.
const MAX_TOLD_BYTES: usize = 1 << 20;
/// A payload is read in steps of at most this, so that a lying length costs nothing.
const STEP_BYTES: usize = 1 << 20;

/// What a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Host: what to do; its header carries the descriptors.
    Job,
    /// Host: room for this many more batches.
    Credit,
    /// Host: no more rows wanted, or stop at once.
    Stop,
    /// Guest: who it is; always its first frame.
    Hello,
    /// Guest: columns of the batches that follow.
    Schema,
    /// Guest: rows.
    Batch,
    /// Guest: a part of a table's column states.
    State,
    /// Guest: how far it is and what it read since.
    Progress,
    /// Guest: what was lost.
    Findings,
    /// Guest: the end, with a value or an error; always its last frame.
    End,
}

impl Kind {
    const ALL: [(u8, Self); 10] = [
        (1, Self::Job),
        (2, Self::Credit),
        (3, Self::Stop),
        (16, Self::Hello),
        (17, Self::Schema),
        (18, Self::Batch),
        (19, Self::State),
        (20, Self::Progress),
        (21, Self::Findings),
        (22, Self::End),
    ];

    fn code(self) -> u8 {
        Self::ALL.iter().find(|(_, kind)| *kind == self).map_or(0, |(code, _)| *code)
    }

    fn of(code: u8) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == code).map(|(_, kind)| *kind)
    }

    /// Largest payload of this kind.
    pub(super) fn limit(self) -> usize {
        match self {
            Self::Credit | Self::Stop => 16,
            Self::Hello | Self::Progress | Self::Findings => MAX_TOLD_BYTES,
            Self::Job | Self::Schema | Self::Batch | Self::State | Self::End => MAX_PAYLOAD_BYTES,
        }
    }
}

/// A frame that came in whole.
#[derive(Debug)]
pub(super) struct Frame {
    /// What it carries.
    pub(super) kind: Kind,
    /// Its payload.
    pub(super) payload: Vec<u8>,
}

/// The header of a frame of `length` payload bytes.
///
/// # Errors
/// `budget` if the kind does not carry that much.
pub(super) fn header(kind: Kind, length: usize) -> Result<[u8; HEADER_BYTES]> {
    let small = u32::try_from(length).ok().filter(|_| length <= kind.limit());
    let Some(small) = small else {
        let limit = kind.limit();
        return Err(Error::new(
            ErrorKind::Budget,
            "read",
            format!("a single {kind:?} frame of {length} bytes is more than the worker passes on ({limit})"),
        ));
    };
    let [a, b, c, d] = small.to_le_bytes();
    Ok([a, b, c, d, kind.code()])
}

/// Kind and payload length that a header declares.
///
/// # Errors
/// `decode` for an unknown kind or a length beyond the kind's limit.
pub(super) fn parse_header(header: [u8; HEADER_BYTES]) -> Result<(Kind, usize)> {
    let [a, b, c, d, code] = header;
    let length = u32::from_le_bytes([a, b, c, d]) as usize;
    let Some(kind) = Kind::of(code) else {
        return Err(refused(format!("a frame of unknown kind {code}")));
    };
    if length > kind.limit() {
        return Err(refused(format!("a {kind:?} frame of {length} bytes, at most {} allowed", kind.limit())));
    }
    Ok((kind, length))
}

/// The error for a frame that must not be.
pub(super) fn refused(what: impl std::fmt::Display) -> Error {
    Error::new(
        ErrorKind::Decode,
        "read",
        format!("the reader of this file answered against the rules: {what}"),
    )
    .hint("the file may be made to attack its reader; what came before this stays")
}

/// How much room to reserve for `length` declared bytes.
pub(super) fn first_step(length: usize) -> usize {
    length.min(STEP_BYTES)
}

/// Reads a payload of `length` bytes, growing as bytes arrive.
pub(super) fn read_payload(from: &mut impl Read, length: usize) -> std::io::Result<Vec<u8>> {
    let mut payload = Vec::with_capacity(first_step(length));
    from.take(length as u64).read_to_end(&mut payload)?;
    if payload.len() == length { Ok(payload) } else { Err(std::io::ErrorKind::UnexpectedEof.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_read_back() {
        for (_, kind) in Kind::ALL {
            for length in [0, 1, 16, kind.limit()] {
                let length = length.min(kind.limit());
                assert_eq!(parse_header(header(kind, length).unwrap()).unwrap(), (kind, length));
            }
            assert_eq!(header(kind, kind.limit() + 1).unwrap_err().kind, ErrorKind::Budget);
        }
    }

    #[test]
    fn lying_headers_are_refused() {
        let rows = [[0, 0, 0, 0, 0], [0, 0, 0, 0, 4], [255, 255, 255, 255, 18], [17, 0, 0, 0, 2]];
        for header in rows {
            assert_eq!(parse_header(header).unwrap_err().kind, ErrorKind::Decode, "{header:?}");
        }
    }

    #[test]
    fn a_declared_length_is_not_allocated() {
        let error = read_payload(&mut &b"short"[..], MAX_PAYLOAD_BYTES).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
    }
}
