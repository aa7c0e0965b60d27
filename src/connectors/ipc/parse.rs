//! Rows of an Arrow file, in the worker: message by message, validated in full.

use std::sync::Arc;

use arrow::buffer::Buffer;
use arrow::ipc::reader::FileDecoder;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};

use super::walk::{Carries, Message, Walk, walk};
use crate::job::Flow;
use crate::kit::files::arrays::{carried, logical_of};
use crate::kit::files::{
    Ask, Cost, FileInput, FileReader, Outline, Place, RowCount, RowsOut, Stretch, Table, Windows, broken,
};
use crate::model::batch::Exception;
use crate::model::load::Provenance;
use crate::model::node::{Detail, NodeKind};
use crate::model::schema::{Field, Nullability, Schema};
use crate::model::units::{bytes_text, count_text};
use crate::model::{Error, ErrorKind, Result};

/// A message beyond this is not read: it would not fit beside its decoded form.
const MOST_MESSAGE_BYTES: u64 = 384 << 20;
const MOST_VALUE_CHARS: usize = 300;

/// The reader of this format.
pub struct Ipc;

impl FileReader for Ipc {
    fn id(&self) -> &'static str {
        super::ID
    }

    fn look(&self, file: &Arc<FileInput>, _settings: &serde_json::Value) -> Result<Outline> {
        let walk = walk(file)?;
        outline(file, walk)
    }

    fn rows(&self, file: &Arc<FileInput>, ask: &Ask, out: &mut RowsOut<'_>) -> Result<()> {
        let walk = walk(file)?;
        match &ask.stretch {
            Stretch::From { row, .. } => from(file, &walk, ask, (*row, None), out).map(drop),
            Stretch::RowWindows(windows) => {
                for (first, rows) in windows {
                    if from(file, &walk, ask, (*first, Some(*rows)), out)? == Flow::Enough {
                        break;
                    }
                }
                Ok(())
            }
            Stretch::ByteWindows { .. } => Err(out.no_such_stretch()),
        }
    }
}

fn outline(file: &FileInput, walk: Walk) -> Result<Outline> {
    let mut outline = Outline::new(file.len(), file.packing());
    let fields = walk
        .schema
        .fields()
        .iter()
        .map(|field| {
            let nullability = if field.is_nullable() { Nullability::Nullable } else { Nullability::Required };
            let logical = logical_of(field.data_type())?;
            Ok(Field {
                nullability,
                ..Field::new(field.name(), logical).native(field.data_type().to_string())
            })
        })
        .collect::<Result<Vec<_>>>()?;
    let rows: u64 = walk.messages.iter().map(rows_of).sum();
    let bodies: u64 = walk.messages.iter().map(|message| message.bytes).sum();
    let batches = walk.messages.iter().filter(|message| message.carries != Carries::Dictionary).count();
    outline.fact("format", if walk.is_file { "IPC file (Feather version 2)" } else { "IPC stream" });
    outline.fact("metadata version", format!("{:?}", walk.version));
    outline.fact("record batches", count_text(batches as u64));
    outline.fact("dictionaries", count_text((walk.messages.len() - batches) as u64));
    outline.fact("compression", walk.compression.as_deref().unwrap_or("none").to_lowercase());
    outline.fact("data", bytes_text(bodies as f64));
    for (key, value) in walk.schema.metadata().iter().take(100) {
        let shown: String = value.chars().take(MOST_VALUE_CHARS).collect();
        let who = Provenance::Declared { who: "the writer".to_owned() };
        outline.facts.push(Detail::new(format!("metadata {key}"), shown, who));
    }
    let mut table = Table::new(Vec::new(), NodeKind::File, Schema::new(fields));
    table.rows = Some(RowCount::exact(rows, "the header of each record batch"));
    table.windows = Windows::ByRow;
    let start = walk.messages.first().map_or(0, |message| message.place);
    let largest = walk.messages.iter().map(|message| message.bytes).max().unwrap_or(1);
    let row_bytes = bodies as f64 / rows.max(1) as f64;
    table.cost = Cost::Sequence { start, end: start + bodies, row_bytes, block_bytes: largest.max(4096) };
    outline.findings = walk.findings;
    outline.tables.push(table);
    Ok(outline)
}

fn rows_of(message: &Message) -> u64 {
    match message.carries {
        Carries::Rows(rows) => rows,
        Carries::Dictionary => 0,
    }
}

fn failed(error: &arrow::error::ArrowError, place: u64) -> Error {
    Error::new(ErrorKind::Decode, "read", format!("decoding the message at byte {place}: {error}"))
        .hint("the file may be damaged, or use a newer feature of the format")
}

fn read(file: &FileInput, message: &Message) -> Result<Buffer> {
    if message.bytes > MOST_MESSAGE_BYTES {
        return Err(Error::new(
            ErrorKind::Budget,
            "read",
            format!(
                "a message of {} does not fit into the reader's memory",
                bytes_text(message.bytes as f64)
            ),
        )
        .hint("write the file anew with smaller record batches"));
    }
    let bytes = file
        .window(message.place, usize::try_from(message.bytes).unwrap_or(usize::MAX))
        .map_err(|error| broken(&error))?;
    // The decoder asks for aligned values.
    Ok(Buffer::from_slice_ref(bytes.as_slice()))
}

/// Gives the rows from one on; so many of them if not all.
fn from(
    file: &FileInput,
    walk: &Walk,
    ask: &Ask,
    (first, most): (u64, Option<u64>),
    out: &mut RowsOut<'_>,
) -> Result<Flow> {
    let mut roots = ask.columns.clone();
    roots.sort_unstable();
    roots.dedup();
    let mut decoder = FileDecoder::new(Arc::clone(&walk.schema), walk.version)
        .with_projection(roots.clone())
        .with_require_alignment(false);
    let mut start = 0;
    let mut left = most.unwrap_or(u64::MAX);
    for message in &walk.messages {
        let rows = match message.carries {
            Carries::Dictionary => {
                let buffer = read(file, message)?;
                decoder
                    .read_dictionary(&message.block, &buffer)
                    .map_err(|error| failed(&error, message.place))?;
                continue;
            }
            Carries::Rows(rows) => rows,
        };
        let end = start + rows;
        if end <= first {
            if most.is_none() {
                out.passed(rows);
            }
            start = end;
            continue;
        }
        let skipped = first.saturating_sub(start);
        if most.is_none() {
            out.passed(skipped);
        }
        let buffer = read(file, message)?;
        let batch = decoder
            .read_record_batch(&message.block, &buffer)
            .map_err(|error| failed(&error, message.place))?
            .ok_or_else(|| {
                failed(&arrow::error::ArrowError::IpcError("no rows in it".to_owned()), message.place)
            })?;
        let wanted = left.min((batch.num_rows() as u64).saturating_sub(skipped));
        let batch = batch.slice(usize::try_from(skipped).unwrap_or(0), usize::try_from(wanted).unwrap_or(0));
        let flow = give(&batch, ask, &roots, start + skipped, out)?;
        if flow == Flow::Enough {
            return Ok(flow);
        }
        left -= wanted;
        if left == 0 {
            break;
        }
        start = end;
    }
    Ok(Flow::More)
}

fn give(batch: &RecordBatch, ask: &Ask, roots: &[usize], row: u64, out: &mut RowsOut<'_>) -> Result<Flow> {
    let mut arrays = Vec::with_capacity(ask.columns.len());
    let mut odd = Vec::new();
    for (place, column) in ask.columns.iter().enumerate() {
        let array = roots.binary_search(column).ok().and_then(|at| batch.columns().get(at));
        let field = ask.table.schema.fields.get(*column);
        let (Some(array), Some(field)) = (array, field) else {
            return Err(Error::unexpected("read", "a column was decoded that nobody asked for"));
        };
        let (array, cells) = carried(array, &field.logical)?;
        odd.extend(cells.into_iter().map(|(row, cell)| Exception { row, column: place, cell }));
        arrays.push(array);
    }
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    let records = RecordBatch::try_new_with_options(out.columns().arrow(), arrays, &options)
        .map_err(|error| failed(&error, 0))?;
    out.batch(Place { row, byte: None }, records, odd)
}
