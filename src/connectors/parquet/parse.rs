//! Rows of a Parquet file, in the worker: group by group, only the pages of the columns asked for.

use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, PrimitiveArray};
use arrow::datatypes::{TimestampMicrosecondType, TimestampNanosecondType};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::file::metadata::{ColumnChunkMask, PageIndexPolicy, ParquetMetaDataReader};
use parquet::variant::{VariantArray, unshred_variant, variant_to_json};

use super::footer::{self, Chunks, Footer, failed};
use super::look;
use super::types::{self, Columns};
use crate::job::Flow;
use crate::kit::files::arrays::carried;
use crate::kit::files::{Ask, FileInput, FileReader, Outline, Place, RowsOut, Stretch};
use crate::model::batch::Exception;
use crate::model::cell::Cell;
use crate::model::schema::{LogicalType, TimeUnit, Zone};
use crate::model::{Error, ErrorKind, Result};

/// Rows decoded at a time, of ordinary width and of very wide rows.
const BATCH_ROWS: u64 = 2048;
const BATCH_BYTES: u64 = 8 << 20;

/// The reader of this format.
pub struct Parquet;

impl FileReader for Parquet {
    fn id(&self) -> &'static str {
        super::ID
    }

    fn look(&self, file: &Arc<FileInput>, _settings: &serde_json::Value) -> Result<Outline> {
        let footer = footer::read(file)?;
        let columns = types::columns(&footer)?;
        Ok(look::outline(file, &footer, &columns))
    }

    fn rows(&self, file: &Arc<FileInput>, ask: &Ask, out: &mut RowsOut<'_>) -> Result<()> {
        let footer = footer::read(file)?;
        if look::elsewhere(&footer) {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "read",
                "the columns of this file lie in other files, which it only describes",
            )
            .hint("open those files, or the folder they are in"));
        }
        let columns = types::columns(&footer)?;
        if columns.schema.fields.len() != ask.table.schema.fields.len() {
            return Err(Error::new(
                ErrorKind::Invalid,
                "read",
                "the file has other columns than when it was looked at",
            )
            .hint("plan the read again"));
        }
        let groups = Groups { file, footer: &footer, columns: &columns, ask };
        match &ask.stretch {
            Stretch::From { row, .. } => groups.from(*row, None, out).map(drop),
            Stretch::RowWindows(windows) => {
                for (first, rows) in windows {
                    if groups.from(*first, Some(*rows), out)? == Flow::Enough {
                        break;
                    }
                }
                Ok(())
            }
            Stretch::ByteWindows { .. } => Err(out.no_such_stretch()),
        }
    }
}

/// The groups of rows of a file.
struct Groups<'a> {
    file: &'a Arc<FileInput>,
    footer: &'a Footer,
    columns: &'a Columns,
    ask: &'a Ask,
}

impl Groups<'_> {
    /// Gives the rows from one on; `most` of them if not all.
    fn from(&self, first: u64, most: Option<u64>, out: &mut RowsOut<'_>) -> Result<Flow> {
        let mut start = 0_u64;
        let mut left = most.unwrap_or(u64::MAX);
        let whole = most.is_none() && first == 0;
        for (number, group) in self.footer.metadata.row_groups().iter().enumerate() {
            let stated = u64::try_from(group.num_rows()).unwrap_or(0);
            let end = start.saturating_add(stated);
            // A group that states no rows is decoded all the same where all are wanted: it may have some.
            if end <= first && !(stated == 0 && whole) {
                if whole || most.is_none() {
                    out.passed(stated);
                }
                start = end;
                continue;
            }
            let skipped = first.saturating_sub(start);
            if most.is_none() {
                out.passed(skipped);
            }
            let wanted = left.min(out.room());
            let (given, flow) = self.group(number, (start + skipped, skipped), (stated, wanted), out)?;
            if flow == Flow::Enough {
                return Ok(flow);
            }
            let expected = stated - skipped;
            if given < wanted && given != expected {
                out.disagrees(
                    format!("row group {}", number + 1),
                    format!("{stated} rows stated"),
                    format!("{} rows decoded", given + skipped),
                );
            }
            left -= given.min(left);
            if left == 0 {
                return Ok(Flow::More);
            }
            start = end;
        }
        Ok(Flow::More)
    }

    /// Gives rows of one group.
    fn group(
        &self,
        number: usize,
        (first_row, skipped): (u64, u64),
        (stated, wanted): (u64, u64),
        out: &mut RowsOut<'_>,
    ) -> Result<(u64, Flow)> {
        let mut roots: Vec<usize> = self.ask.columns.clone();
        roots.sort_unstable();
        roots.dedup();
        let asked = Asked {
            number,
            skipped,
            wanted,
            stated,
            batch: self.batch_rows(number, &roots).min(wanted.max(1)),
        };
        let times: Vec<usize> =
            roots.iter().copied().filter(|root| self.columns.wide_times.get(*root) == Some(&true)).collect();
        let rows = self.open(&self.columns.reader, &roots, asked)?;
        let mut wide = match times.is_empty() {
            true => None,
            false => Some(self.open(&self.columns.wide, &times, asked)?),
        };
        let mut given = 0;
        for batch in rows {
            let batch = batch.map_err(|error| damaged(&error, number))?;
            let wide_batch = match &mut wide {
                Some(wide) => wide.next().transpose().map_err(|error| damaged(&error, number))?,
                None => None,
            };
            let mut odd = Vec::new();
            let mut arrays = Vec::with_capacity(self.ask.columns.len());
            for (place, column) in self.ask.columns.iter().enumerate() {
                let Some(array) = roots.binary_search(column).ok().and_then(|at| batch.columns().get(at))
                else {
                    return Err(Error::unexpected("read", "a column was decoded that nobody asked for"));
                };
                let checked = times.binary_search(column).ok().zip(wide_batch.as_ref());
                let (array, cells) = match checked {
                    Some((at, wide)) => checked_times(array, wide.columns().get(at))?,
                    None => self.carry(*column, array)?,
                };
                odd.extend(cells.into_iter().map(|(row, cell)| Exception { row, column: place, cell }));
                arrays.push(array);
            }
            let count = batch.num_rows();
            let options = RecordBatchOptions::new().with_row_count(Some(count));
            let records = RecordBatch::try_new_with_options(out.columns().arrow(), arrays, &options)
                .map_err(|error| damaged(&error, number))?;
            let flow = out.batch(Place { row: first_row + given, byte: None }, records, odd)?;
            given += count as u64;
            if flow == Flow::Enough {
                return Ok((given, flow));
            }
        }
        Ok((given, Flow::More))
    }

    /// Rows decoded at a time: fewer where rows are wide.
    fn batch_rows(&self, number: usize, roots: &[usize]) -> u64 {
        let Some(group) = self.footer.metadata.row_groups().get(number) else { return 1 };
        let descriptor = self.footer.metadata.file_metadata().schema_descr();
        let bytes: i64 = group
            .columns()
            .iter()
            .enumerate()
            .take(descriptor.num_columns())
            .filter(|(leaf, _)| roots.binary_search(&descriptor.get_column_root_idx(*leaf)).is_ok())
            .fold(0_i64, |sum, (_, chunk)| sum.saturating_add(chunk.uncompressed_size()));
        let rows = u64::try_from(group.num_rows()).unwrap_or(0).max(1);
        let row_bytes = u64::try_from(bytes).unwrap_or(0) / rows;
        (BATCH_BYTES / row_bytes.max(1)).clamp(1, BATCH_ROWS)
    }

    /// A decoder over some columns of a group.
    fn open(
        &self,
        reader: &ArrowReaderMetadata,
        roots: &[usize],
        asked: Asked,
    ) -> Result<ParquetRecordBatchReader> {
        let reader =
            if asked.skipped > 0 { self.with_offsets(reader, roots, asked.number) } else { reader.clone() };
        let descriptor = self.footer.metadata.file_metadata().schema_descr();
        let mask = ProjectionMask::roots(descriptor, roots.iter().copied());
        let size = |rows: u64| usize::try_from(rows).unwrap_or(usize::MAX);
        let mut builder =
            ParquetRecordBatchReaderBuilder::new_with_metadata(Chunks(Arc::clone(self.file)), reader)
                .with_row_groups(vec![asked.number])
                .with_projection(mask)
                .with_batch_size(size(asked.batch));
        if asked.skipped > 0 {
            builder = builder.with_offset(size(asked.skipped));
        }
        // Without need no limit: what a group really holds is only known by decoding it to its end.
        if asked.wanted < asked.stated.saturating_sub(asked.skipped) {
            builder = builder.with_limit(size(asked.wanted));
        }
        builder.build().map_err(|error| failed(&error))
    }

    /// The same with the places of the group's pages, so that those before the rows wanted are not read. Without an
    /// index in the file, or with a damaged one, as it was: pages are then passed one by one.
    fn with_offsets(
        &self,
        reader: &ArrowReaderMetadata,
        roots: &[usize],
        number: usize,
    ) -> ArrowReaderMetadata {
        let descriptor = self.footer.metadata.file_metadata().schema_descr();
        let leaves = (0..descriptor.num_columns())
            .filter(|leaf| roots.binary_search(&descriptor.get_column_root_idx(*leaf)).is_ok());
        let mask = ColumnChunkMask::row_groups_and_columns([number], leaves);
        let mut indexed = ParquetMetaDataReader::new_with_metadata(footer_of(self.footer))
            .with_column_index_policy(PageIndexPolicy::Skip)
            .with_offset_index_policy(PageIndexPolicy::Optional)
            .with_offset_index_mask(mask);
        let chunks = Chunks(Arc::clone(self.file));
        let metadata = match indexed.read_page_indexes(&chunks).and_then(|()| indexed.finish()) {
            Ok(metadata) => Arc::new(metadata),
            Err(_damaged_index) => return reader.clone(),
        };
        let options = parquet::arrow::arrow_reader::ArrowReaderOptions::new()
            .with_skip_arrow_metadata(true)
            .with_schema(Arc::clone(reader.schema()));
        ArrowReaderMetadata::try_new(metadata, options).unwrap_or_else(|_same_schema| reader.clone())
    }

    fn carry(&self, column: usize, array: &ArrayRef) -> Result<crate::kit::files::arrays::Carried> {
        let Some(field) = self.ask.table.schema.fields.get(column) else {
            return Err(Error::unexpected("read", "a column was asked for that the file does not have"));
        };
        if self.columns.variants.get(column) == Some(&true) {
            return Ok((variants(array)?, Vec::new()));
        }
        carried(array, &field.logical)
    }
}

fn footer_of(footer: &Footer) -> parquet::file::metadata::ParquetMetaData {
    parquet::file::metadata::ParquetMetaData::clone(&footer.metadata)
}

/// Which rows of which group.
#[derive(Clone, Copy)]
struct Asked {
    number: usize,
    skipped: u64,
    wanted: u64,
    stated: u64,
    batch: u64,
}

fn damaged(error: &arrow::error::ArrowError, group: usize) -> Error {
    Error::new(ErrorKind::Decode, "read", format!("decoding row group {}: {error}", group + 1))
        .hint("the file may be damaged, or use a newer feature of the format")
}

/// Variants in their JSON form.
fn variants(array: &ArrayRef) -> Result<ArrayRef> {
    let broken = |error: &arrow::error::ArrowError| {
        Error::new(ErrorKind::Decode, "read", format!("decoding variants: {error}"))
            .hint("the file may be damaged")
    };
    let whole = VariantArray::try_new(array)
        .and_then(|array| unshred_variant(&array))
        .map_err(|error| broken(&error))?;
    let whole: ArrayRef = Arc::new(whole.into_inner());
    Ok(Arc::new(variant_to_json(&whole).map_err(|error| broken(&error))?))
}

/// 96-bit timestamps in nanoseconds, checked against microseconds: those that nanoseconds can't hold are told exactly.
fn checked_times(nanos: &ArrayRef, micros: Option<&ArrayRef>) -> Result<crate::kit::files::arrays::Carried> {
    let nanos = nanos.as_primitive_opt::<TimestampNanosecondType>();
    let micros = micros.and_then(|array| array.as_primitive_opt::<TimestampMicrosecondType>());
    let (Some(nanos), Some(micros)) = (nanos, micros) else {
        return Err(Error::unexpected("read", "timestamps were decoded as something else"));
    };
    let logical = LogicalType::Timestamp { unit: TimeUnit::Microsecond, zone: Zone::None };
    let mut odd = Vec::new();
    let fits = |row: usize| {
        let value = micros.value(row);
        value.checked_mul(1_000).is_some_and(|value| value == nanos.value(row).div_euclid(1_000) * 1_000)
    };
    let rows = nanos.len().min(micros.len());
    let kept = (0..rows).map(|row| {
        if micros.is_null(row) {
            return None;
        }
        if fits(row) {
            return Some(nanos.value(row));
        }
        odd.push((row, Cell::Exact(Cell::Timestamp(micros.value(row)).text(&logical))));
        None
    });
    let kept: PrimitiveArray<TimestampNanosecondType> = kept.collect();
    Ok((Arc::new(kept), odd))
}
