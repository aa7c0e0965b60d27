//! What the host makes of a guest's frames. The guest has parsed hostile bytes and may be theirs by now:
//! nothing it says is believed. Every batch is validated in full and copied out of its frame, every count
//! is bounded, and whatever breaks the rules is a `decode` error.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayData, make_array};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::reader::read_record_batch;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};

use super::frame::{Frame, Kind, refused};
use super::message::{ALIGNMENT, BatchHead, CREDITS, End, Hello, MAX_ROWS, StatePart, Told};
use crate::job::caught;
use crate::model::batch::Batch;
use crate::model::column_state::TableState;
use crate::model::lost::Findings;
use crate::model::schema::Schema;
use crate::model::{Error, ErrorKind, Result};

/// Most bytes of one table's column states.
const MAX_STATE_BYTES: usize = 256 << 20;
/// Most bytes of findings over a whole job.
const MAX_FINDINGS_BYTES: usize = 16 << 20;
/// Row numbers beyond this are a lie; below it they can be added to without care.
const MAX_ROW_NUMBER: u64 = 1 << 60;

/// A frame, understood.
#[derive(Debug)]
pub(super) enum Event {
    Batch(Batch),
    State(TableState),
    Told(Told),
    Findings(Findings),
    End(Result<serde_json::Value>),
    /// Nothing to pass on yet.
    Nothing,
}

/// What was heard so far that later frames build on.
#[derive(Debug)]
pub(super) struct Incoming {
    schema: Option<(Arc<Schema>, SchemaRef)>,
    state: Option<(TableState, usize)>,
    credits: u32,
    findings_bytes: usize,
}

impl Default for Incoming {
    fn default() -> Self {
        Self { schema: None, state: None, credits: CREDITS, findings_bytes: 0 }
    }
}

impl Incoming {
    /// Counts a credit that is about to be given.
    pub(super) fn credit(&mut self) {
        self.credits = self.credits.saturating_add(1);
    }

    /// Understands a frame. A panic inside (of a decoder that believes its input) is a `decode` error too.
    pub(super) fn take(&mut self, frame: Frame) -> Result<Event> {
        caught::catch(|| self.understand(frame), || refused("rows that break their decoder"))
    }

    fn understand(&mut self, frame: Frame) -> Result<Event> {
        let Frame { kind, payload } = frame;
        match kind {
            Kind::Schema => {
                let schema: Schema = parse(&payload)?;
                let arrow = schema.arrow();
                self.schema = Some((Arc::new(schema), arrow));
                Ok(Event::Nothing)
            }
            Kind::Batch => self.batch(payload).map(Event::Batch),
            Kind::State => self.state_part(&payload),
            Kind::Progress => parse(&payload).map(Event::Told),
            Kind::Findings => {
                // Rows and states are handed on one by one; findings gather.
                self.findings_bytes += payload.len();
                if self.findings_bytes > MAX_FINDINGS_BYTES {
                    return Err(refused("more findings than any file is worth"));
                }
                parse(&payload).map(Event::Findings)
            }
            Kind::End => Ok(Event::End(match parse(&payload)? {
                End::Ok(value) => Ok(value),
                End::Error(error) => Err(error),
            })),
            Kind::Job | Kind::Credit | Kind::Stop | Kind::Hello => {
                Err(refused(format!("a {kind:?} frame, which is not its to send")))
            }
        }
    }

    fn batch(&mut self, payload: Vec<u8>) -> Result<Batch> {
        if self.credits == 0 {
            return Err(refused("more batches than it was given room for"));
        }
        self.credits -= 1;
        let Some((schema, arrow)) = &self.schema else {
            return Err(refused("rows before their schema"));
        };
        let payload = Buffer::from_vec(payload);
        let (head, message, body) = split(&payload)?;
        if head.origin.first_row.is_some_and(|row| row > MAX_ROW_NUMBER) {
            return Err(refused("a row number beyond any file"));
        }
        let records = records(message, &body, Arc::clone(arrow))?;
        Batch::new(Arc::clone(schema), records, head.origin, head.exceptions)
            .map_err(|error| refused(error.attempted))
    }

    fn state_part(&mut self, payload: &[u8]) -> Result<Event> {
        let part: StatePart = parse(payload)?;
        let (mut state, bytes) = match (self.state.take(), part.schema) {
            (None, Some(schema)) => (TableState { schema, rows: part.rows, columns: Vec::new() }, 0),
            (Some(known), None) => known,
            _ => return Err(refused("parts of column states in the wrong order")),
        };
        let bytes = bytes + payload.len();
        state.columns.extend(part.columns);
        if bytes > MAX_STATE_BYTES || state.columns.len() > state.schema.fields.len() {
            return Err(refused("more column states than columns"));
        }
        if !part.last {
            self.state = Some((state, bytes));
            return Ok(Event::Nothing);
        }
        if state.columns.len() < state.schema.fields.len() {
            return Err(refused("fewer column states than columns"));
        }
        Ok(Event::State(state))
    }
}

/// Understands a guest's first frame.
///
/// # Errors
/// `unsupported` if it is another version of this program.
pub(super) fn hello(frame: &Frame) -> Result<Hello> {
    if frame.kind != Kind::Hello {
        return Err(refused("a first frame that is no greeting"));
    }
    let hello: Hello = parse(&frame.payload)?;
    let own = Hello::own(hello.confined);
    if (hello.protocol, &hello.build) == (own.protocol, &own.build) {
        return Ok(hello);
    }
    Err(Error::new(
        ErrorKind::Unsupported,
        "start",
        format!(
            "the worker is headwater {} (protocol {}), this is {} (protocol {})",
            hello.build, hello.protocol, own.build, own.protocol
        ),
    )
    .hint("the program was replaced while it ran: close it and start it again"))
}

fn parse<'a, T: serde::Deserialize<'a>>(payload: &'a [u8]) -> Result<T> {
    serde_json::from_slice(payload).map_err(|error| refused(format!("a message that is none: {error}")))
}

/// Head, IPC message and body of a batch's payload.
fn split(payload: &Buffer) -> Result<(BatchHead, &[u8], Buffer)> {
    let bytes = payload.as_slice();
    let short = || refused("rows cut short");
    let (length, rest) = bytes.split_first_chunk::<4>().ok_or_else(short)?;
    let head_bytes = u32::from_le_bytes(*length) as usize;
    let head: BatchHead = parse(rest.get(..head_bytes).ok_or_else(short)?)?;
    let message_at = (4 + head_bytes).next_multiple_of(ALIGNMENT);
    let message_end = message_at.checked_add(head.message_bytes).ok_or_else(short)?;
    let message = bytes.get(message_at..message_end).ok_or_else(short)?;
    let body_at = message_end.checked_next_multiple_of(ALIGNMENT).filter(|at| *at <= bytes.len());
    Ok((head, message, payload.slice(body_at.ok_or_else(short)?)))
}

fn records(message: &[u8], body: &Buffer, schema: SchemaRef) -> Result<RecordBatch> {
    let broken = |error: ArrowError| refused(format!("rows that do not hold together: {error}"));
    let message = arrow::ipc::root_as_message(message)
        .map_err(|error| refused(format!("rows that do not hold together: {error}")))?;
    let Some(batch) = message.header_as_record_batch() else {
        return Err(refused("something else in the place of rows"));
    };
    let rows = usize::try_from(batch.length()).ok().filter(|rows| *rows <= MAX_ROWS);
    let rows = rows.ok_or_else(|| refused("more rows than a batch can have"))?;
    // The reader of IPC slices first and asks later.
    let inside = |buffer: &arrow::ipc::Buffer| {
        let (Ok(from), Ok(length)) = (usize::try_from(buffer.offset()), usize::try_from(buffer.length()))
        else {
            return false;
        };
        from.checked_add(length).is_some_and(|to| to <= body.len())
    };
    let counted = |node: &arrow::ipc::FieldNode| (0..=node.length()).contains(&node.null_count());
    if !batch.buffers().into_iter().flatten().all(inside) || !batch.nodes().into_iter().flatten().all(counted)
    {
        return Err(refused("rows that lie outside their frame"));
    }
    let read = read_record_batch(body, batch, Arc::clone(&schema), &HashMap::new(), None, &message.version())
        .map_err(broken)?;
    let columns = read
        .columns()
        .iter()
        .map(|column| Ok(make_array(own(&column.to_data()).map_err(broken)?)))
        .collect::<Result<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(schema, columns, &options).map_err(broken)
}

/// The same values in buffers of their own (a slice would keep, and count, its whole frame), validated in
/// full. Columns that take no bytes are bounded by their length, since nothing else bounds them.
fn own(data: &ArrayData) -> Result<ArrayData, ArrowError> {
    let weightless = match data.data_type() {
        DataType::Null => true,
        DataType::Struct(fields) => fields.is_empty(),
        _ => false,
    };
    if weightless && data.len() > MAX_ROWS {
        return Err(ArrowError::InvalidArgumentError(format!("{} values in no bytes", data.len())));
    }
    let nulls = data.nulls().map(|nulls| {
        let copy = Buffer::from_slice_ref(nulls.validity());
        NullBuffer::new(BooleanBuffer::new(copy, nulls.offset(), nulls.len()))
    });
    let copied = ArrayData::builder(data.data_type().clone())
        .len(data.len())
        .offset(data.offset())
        .nulls(nulls)
        .buffers(data.buffers().iter().map(|buffer| Buffer::from_slice_ref(buffer.as_slice())).collect())
        .child_data(data.child_data().iter().map(own).collect::<Result<_, _>>()?)
        .align_buffers(true)
        .build()?;
    copied.validate_full()?;
    Ok(copied)
}

#[cfg(test)]
mod tests;
