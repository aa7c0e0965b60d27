//! What the payloads say, both ways. Rows travel as an Arrow IPC record batch without its schema: the host
//! derives the Arrow types from our own schema, so a guest cannot declare others.

use std::sync::Arc;

use arrow::ipc::writer::{DictionaryTracker, IpcDataGenerator, IpcWriteContext, IpcWriteOptions};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Limits;
use crate::model::batch::{Batch, Exception, Origin};
use crate::model::column_state::{ColumnState, TableState};
use crate::model::schema::Schema;
use crate::model::{Error, ErrorKind, Result};

/// Version of these messages; host and guest are the same program, unless it was replaced while it ran.
pub(super) const PROTOCOL: u32 = 1;
/// Batches that may be on their way at once.
pub(super) const CREDITS: u32 = 4;
/// A batch is cut into pieces of about this size.
const PIECE_BYTES: usize = 16 << 20;
/// A batch has at most this many rows, and so has each column inside its columns that takes no bytes.
pub(super) const MAX_ROWS: usize = 1 << 20;
/// Column states are passed in parts of about this size.
const STATE_PART_BYTES: usize = 4 << 20;
/// Rows start at a multiple of this, so that the host need not copy to align them.
pub(super) const ALIGNMENT: usize = 64;

/// The guest's first words.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Hello {
    pub(super) protocol: u32,
    pub(super) build: String,
    pub(super) confined: Confined,
}

impl Hello {
    /// The program's own.
    pub(super) fn own(confined: Confined) -> Self {
        Self { protocol: PROTOCOL, build: env!("CARGO_PKG_VERSION").to_owned(), confined }
    }
}

/// How far the system let the guest lock itself in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Confined {
    /// No paths, no network, no signals.
    Fully,
    /// As much of that as this kernel knows.
    Partly,
    /// Limits only.
    #[default]
    LimitsOnly,
}

/// What to do.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Job {
    pub(super) parser: String,
    pub(super) op: String,
    pub(super) params: serde_json::Value,
    pub(super) files: usize,
    pub(super) limits: Limits,
    pub(super) credits: u32,
}

/// Why to stop; the payload's one byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// No more rows wanted; findings and the end value are welcome.
    Enough,
    /// The user stopped it.
    Cancel,
}

impl Stop {
    pub(super) fn payload(self) -> [u8; 1] {
        [match self {
            Self::Enough => 0,
            Self::Cancel => 1,
        }]
    }

    pub(super) fn of(payload: &[u8]) -> Self {
        if payload == [0] { Self::Enough } else { Self::Cancel }
    }
}

/// How far the guest is.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Told {
    pub(super) done: u64,
    pub(super) total: Option<u64>,
    pub(super) unit: String,
    /// Bytes read from the files since the last telling.
    pub(super) bytes: u64,
}

/// The end.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum End {
    Ok(serde_json::Value),
    Error(Error),
}

/// What stands before the rows of a batch.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct BatchHead {
    pub(super) origin: Origin,
    pub(super) exceptions: Vec<Exception>,
    /// Length of the IPC message that follows; the rows' bytes follow that.
    pub(super) message_bytes: usize,
}

/// A part of a table's state as the host reads it.
#[derive(Debug, Deserialize)]
pub(super) struct StatePart {
    pub(super) schema: Option<Schema>,
    pub(super) rows: u64,
    pub(super) columns: Vec<ColumnState>,
    pub(super) last: bool,
}

#[derive(Serialize)]
struct StatePartOut<'a> {
    schema: Option<&'a Schema>,
    rows: u64,
    columns: Vec<Box<RawValue>>,
    last: bool,
}

/// JSON of our own types.
pub(super) fn json<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(|error| {
        Error::unexpected("read", format!("a message of the worker does not serialise: {error}"))
    })
}

/// Cuts `batch` into pieces that are worth a frame each.
pub(super) fn pieces(batch: &Batch) -> Vec<Batch> {
    let rows = batch.row_count();
    let whole = batch.memory_bytes().div_ceil(PIECE_BYTES).max(1);
    let rows_a_piece = rows.div_ceil(whole).clamp(1, MAX_ROWS);
    if rows <= rows_a_piece {
        return vec![batch.clone()];
    }
    (0..rows).step_by(rows_a_piece).map(|first| batch.slice(first, rows_a_piece)).collect()
}

/// The payload of a batch frame.
pub(super) fn batch_payload(batch: &Batch) -> Result<Vec<u8>> {
    let failed = |error| Error::unexpected("read", format!("rows do not serialise: {error}"));
    let (_, encoded) = IpcDataGenerator::default()
        .encode(
            &batch.records,
            &mut DictionaryTracker::new(false),
            &IpcWriteOptions::default(),
            &mut IpcWriteContext::default(),
        )
        .map_err(failed)?;
    let head = json(&BatchHead {
        origin: batch.origin.clone(),
        exceptions: batch.exceptions().to_vec(),
        message_bytes: encoded.ipc_message.len(),
    })?;
    let Ok(head_bytes) = u32::try_from(head.len()) else {
        return Err(Error::new(ErrorKind::Budget, "read", "the odd cells of a batch take more than 4 GiB"));
    };
    let mut payload =
        Vec::with_capacity(head.len() + encoded.ipc_message.len() + encoded.arrow_data.len() + 3 * ALIGNMENT);
    payload.extend(head_bytes.to_le_bytes());
    payload.extend(head);
    pad(&mut payload);
    payload.extend(encoded.ipc_message);
    pad(&mut payload);
    payload.extend(encoded.arrow_data);
    Ok(payload)
}

fn pad(payload: &mut Vec<u8>) {
    payload.resize(payload.len().next_multiple_of(ALIGNMENT), 0);
}

/// The payloads of a table's state, in order.
pub(super) fn state_payloads(state: &TableState) -> Result<Vec<Vec<u8>>> {
    let mut payloads = Vec::new();
    let mut columns = Vec::new();
    let mut bytes = 0;
    for column in &state.columns {
        let raw = serde_json::value::to_raw_value(column).map_err(|error| {
            Error::unexpected("read", format!("a column's state does not serialise: {error}"))
        })?;
        bytes += raw.get().len();
        columns.push(raw);
        if bytes >= STATE_PART_BYTES {
            let schema = payloads.is_empty().then_some(&state.schema);
            let part =
                StatePartOut { schema, rows: state.rows, columns: std::mem::take(&mut columns), last: false };
            payloads.push(json(&part)?);
            bytes = 0;
        }
    }
    let schema = payloads.is_empty().then_some(&state.schema);
    payloads.push(json(&StatePartOut { schema, rows: state.rows, columns, last: true })?);
    Ok(payloads)
}

/// Whether both are the same columns, without comparing each name where they are the same value.
pub(super) fn same_schema(known: Option<&Arc<Schema>>, next: &Arc<Schema>) -> bool {
    known.is_some_and(|known| Arc::ptr_eq(known, next) || known == next)
}
