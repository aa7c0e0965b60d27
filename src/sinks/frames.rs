//! Arrow record batches to Polars frames, by the bytes both agree on: an Arrow IPC stream.

use std::io::Cursor;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{Field, Schema};
use arrow::ipc::writer::StreamWriter;
use arrow::record_batch::RecordBatch;
use polars::prelude::{DataFrame, IpcStreamReader, PolarsError, SerReader as _};

use super::file::failed;
use crate::model::{Error, Result};

/// A batch of named columns of the same length.
pub(super) fn records(names: &[String], columns: Vec<ArrayRef>) -> Result<RecordBatch> {
    let fields: Vec<Field> = names
        .iter()
        .zip(&columns)
        .map(|(name, column)| Field::new(name, column.data_type().clone(), true))
        .collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
        .map_err(|error| Error::unexpected("export", format!("columns do not make a table: {error}")))
}

/// The frame of a batch.
pub(super) fn frame(records: &RecordBatch) -> Result<DataFrame> {
    let unfit = |error: arrow::error::ArrowError| {
        Error::unexpected("export", format!("a table can't be handed to the writer: {error}"))
    };
    let mut bytes = Vec::with_capacity(records.get_array_memory_size() + 4_096);
    let mut stream = StreamWriter::try_new(&mut bytes, &records.schema()).map_err(unfit)?;
    stream.write(records).map_err(unfit)?;
    stream.finish().map_err(unfit)?;
    drop(stream);
    IpcStreamReader::new(Cursor::new(bytes)).finish().map_err(polars_failed)
}

/// An error of Polars.
pub(super) fn polars_failed(error: PolarsError) -> Error {
    match &error {
        PolarsError::IO { error, .. } => failed("writing the file", std::path::Path::new(""), error),
        other => Error::unexpected("export", format!("the writer refused the rows: {other}")),
    }
}
