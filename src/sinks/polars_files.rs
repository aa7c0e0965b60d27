//! Parquet and Arrow IPC: typed columns through Polars, in row groups of bounded size.

use std::sync::Arc;

use arrow::array::{Array as _, AsArray as _, StringBuilder};
use arrow::compute::concat_batches;
use arrow::datatypes::DataType;
use arrow::record_batch::RecordBatch;
use polars::prelude::{CompatLevel, DataFrame, ParquetWriter, SchemaExt as _};
use polars_arrow::io::ipc::write::{FileWriter, WriteOptions};

use super::columns::Target;
use super::exporter::RowWriter;
use super::file::PartialFile;
use super::frames::{frame, polars_failed, records};
use super::tally::Tally;
use super::types::unique_names;
use crate::model::batch::Batch;
use crate::model::cell::Cell;
use crate::model::schema::Schema as Columns;
use crate::model::{Error, Result};

/// A row group is written when it has this many rows or bytes.
const GROUP_ROWS: usize = 131_072;
const GROUP_BYTES: usize = 32 << 20;

/// Where row groups go.
enum Groups {
    Parquet(Box<polars::io::parquet::write::BatchedWriter<PartialFile>>),
    Ipc(Box<FileWriter<PartialFile>>),
}

/// Collects rows into row groups.
pub(super) struct PolarsFile {
    names: Vec<String>,
    targets: Vec<Target>,
    pending: Vec<RecordBatch>,
    pending_rows: usize,
    pending_bytes: usize,
    groups: Groups,
}

/// The largest offset type readers of every age know; not the newer views.
fn compatible() -> CompatLevel {
    CompatLevel::oldest()
}

impl PolarsFile {
    /// A Parquet file with these columns.
    pub(super) fn parquet(file: PartialFile, schema: &Columns) -> Result<Self> {
        let (names, targets, empty) = prepare(schema)?;
        let writer = ParquetWriter::new(file).batched(empty.schema()).map_err(polars_failed)?;
        Ok(Self::over(names, targets, Groups::Parquet(Box::new(writer))))
    }

    /// An Arrow IPC file with these columns.
    pub(super) fn ipc(file: PartialFile, schema: &Columns) -> Result<Self> {
        let (names, targets, empty) = prepare(schema)?;
        let schema = Arc::new(empty.schema().to_arrow(compatible()));
        let options = WriteOptions { compression: None };
        let writer = FileWriter::try_new(file, schema, None, options).map_err(polars_failed)?;
        Ok(Self::over(names, targets, Groups::Ipc(Box::new(writer))))
    }

    fn over(names: Vec<String>, targets: Vec<Target>, groups: Groups) -> Self {
        Self { names, targets, pending: Vec::new(), pending_rows: 0, pending_bytes: 0, groups }
    }

    fn flush(&mut self) -> Result<()> {
        let Some(first) = self.pending.first() else { return Ok(()) };
        let all = concat_batches(&first.schema(), &self.pending)
            .map_err(|error| Error::unexpected("export", format!("batches do not fit together: {error}")))?;
        self.pending.clear();
        (self.pending_rows, self.pending_bytes) = (0, 0);
        let frame = frame(&all)?;
        drop(all);
        match &mut self.groups {
            Groups::Parquet(writer) => writer.write_batch(&frame).map_err(polars_failed),
            Groups::Ipc(writer) => {
                for chunk in frame.iter_chunks(compatible(), true) {
                    writer.write(&chunk, None).map_err(polars_failed)?;
                }
                Ok(())
            }
        }
    }
}

fn prepare(schema: &Columns) -> Result<(Vec<String>, Vec<Target>, DataFrame)> {
    let names = unique_names(schema);
    let targets: Vec<Target> = schema.fields.iter().map(|field| Target::of(&field.logical)).collect();
    let columns = schema
        .fields
        .iter()
        .zip(&targets)
        .map(|(field, target)| {
            target.apply(&arrow::array::new_empty_array(&field.logical.arrow()), &field.logical)
        })
        .collect::<Result<Vec<_>>>()?;
    let empty = frame(&records(&names, columns)?)?;
    Ok((names, targets, empty))
}

impl RowWriter for PolarsFile {
    fn write(&mut self, batch: &Batch, tally: &mut Tally) -> Result<()> {
        let columns = batch
            .schema
            .fields
            .iter()
            .zip(&self.targets)
            .enumerate()
            .map(|(index, (field, target))| {
                let array = with_exceptions(batch, index, tally);
                let converted = target.apply(&array, &field.logical)?;
                if *target != Target::Bools {
                    let gone = converted.null_count().saturating_sub(array.null_count());
                    tally.lost(index, "beyond what the file's type holds, written as null", gone as u64);
                }
                Ok(converted)
            })
            .collect::<Result<Vec<_>>>()?;
        let made = records(&self.names, columns)?;
        self.pending_rows += made.num_rows();
        self.pending_bytes += made.get_array_memory_size();
        self.pending.push(made);
        if self.pending_rows >= GROUP_ROWS || self.pending_bytes >= GROUP_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>, _tally: &mut Tally) -> Result<()> {
        self.flush()?;
        match self.groups {
            Groups::Parquet(writer) => writer.finish().map(|_bytes| ()).map_err(polars_failed),
            Groups::Ipc(mut writer) => writer.finish().map_err(polars_failed),
        }
    }
}

/// The Arrow column with what its exceptions leave in a typed file: a text column takes their text, others
/// have null in their place, and that is counted.
fn with_exceptions(batch: &Batch, index: usize, tally: &mut Tally) -> arrow::array::ArrayRef {
    let array = batch.records.column(index);
    let logical = &batch.schema.fields[index].logical;
    let mut texts = Vec::new();
    for exception in batch.exceptions().iter().filter(|exception| exception.column == index) {
        match &exception.cell {
            Cell::Missing => tally.changed(index, "absent key, written as null", 1),
            Cell::Invalid(_) => tally.lost(index, "bytes that are no value, written as null", 1),
            cell if array.data_type() == &DataType::Utf8 => {
                tally.changed(index, "value of another type, written as text", 1);
                texts.push((exception.row, cell.text(logical)));
            }
            _ => tally.lost(index, "value that the column's type does not hold, written as null", 1),
        }
    }
    if texts.is_empty() {
        return Arc::clone(array);
    }
    let values = array.as_string::<i32>();
    let mut texts = texts.into_iter().peekable();
    let mut builder = StringBuilder::with_capacity(values.len(), values.value_data().len());
    for row in 0..values.len() {
        match texts.next_if(|(at, _)| *at == row) {
            Some((_, text)) => builder.append_value(text),
            None if values.is_null(row) => builder.append_null(),
            None => builder.append_value(values.value(row)),
        }
    }
    Arc::new(builder.finish())
}
