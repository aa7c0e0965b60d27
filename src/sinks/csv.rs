//! CSV through Polars. Whole numbers, truth values, floats and plain text go as they are; everything else is
//! put into exact text first, as are columns of a batch that hold exceptions or formula text.

use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, StringBuilder};
use arrow::datatypes::DataType;
use base64::Engine as _;
use polars::prelude::{CsvWriter, SerWriter as _};

use super::FormulaText;
use super::exporter::RowWriter;
use super::file::PartialFile;
use super::frames::{frame, polars_failed, records};
use super::tally::Tally;
use super::types::unique_names;
use crate::model::Result;
use crate::model::batch::Batch;
use crate::model::cell::{Cell, float_text};
use crate::model::schema::{LogicalType, Schema};
use crate::safety::formula::starts_a_formula;

pub(super) struct CsvFile {
    names: Vec<String>,
    formulas: FormulaText,
    writer: polars::io::csv::write::BatchedWriter<PartialFile>,
    /// In a file of one column, a null would be an empty line, which readers skip.
    lone: bool,
    lone_nulls: u64,
    lone_empties: u64,
}

impl CsvFile {
    pub(super) fn new(
        file: PartialFile,
        schema: &Schema,
        formulas: FormulaText,
        tally: &mut Tally,
    ) -> Result<Self> {
        let mut names = unique_names(schema);
        if formulas == FormulaText::Guarded {
            // A column's name comes from upstream as well.
            names = names.iter().map(|name| tally.guard.guard(name).into_owned()).collect();
        }
        let lone = names.len() == 1;
        let empty = frame(&records(&names, empty_texts(names.len()))?)?;
        let writer = CsvWriter::new(file)
            .with_null_value(if lone { "\"\"" } else { "" }.into())
            .batched(empty.schema())
            .map_err(polars_failed)?;
        Ok(Self { names, formulas, writer, lone, lone_nulls: 0, lone_empties: 0 })
    }

    fn column(&self, batch: &Batch, index: usize, tally: &mut Tally) -> ArrayRef {
        let array = batch.records.column(index);
        let logical = &batch.schema.fields[index].logical;
        let exact = !batch.exceptions().iter().any(|exception| exception.column == index);
        if exact && is_plain(array, logical, self.formulas) {
            return Arc::clone(array);
        }
        let mut builder = StringBuilder::new();
        for row in 0..batch.row_count() {
            let cell = batch.cell(row, index);
            match text(&cell, logical) {
                None => {
                    if cell == Cell::Missing {
                        tally.changed(index, "absent key, written as null", 1);
                    }
                    builder.append_null();
                }
                Some(text) if self.formulas == FormulaText::Guarded && is_words(&cell) => {
                    builder.append_value(tally.guard.guard(&text));
                }
                Some(text) => builder.append_value(text),
            }
            if matches!(cell, Cell::Invalid(_)) {
                tally.changed(index, "undecodable bytes, written in hex", 1);
            }
        }
        Arc::new(builder.finish())
    }
}

fn empty_texts(count: usize) -> Vec<ArrayRef> {
    (0..count).map(|_| arrow::array::new_empty_array(&DataType::Utf8)).collect()
}

/// Whether Polars writes exactly our text of every value of this column.
fn is_plain(array: &ArrayRef, logical: &LogicalType, formulas: FormulaText) -> bool {
    match array.data_type() {
        DataType::Boolean
        | DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32
        | DataType::UInt64
        | DataType::Float32
        | DataType::Float64 => true,
        DataType::Utf8 if matches!(logical, LogicalType::Decimal { .. }) => true,
        DataType::Utf8 => {
            formulas == FormulaText::AsItIs
                || !array.as_string::<i32>().iter().flatten().any(starts_a_formula)
        }
        _ => false,
    }
}

/// Whether a spreadsheet could take the cell for a formula; numbers and times are left alone.
pub(super) fn is_words(cell: &Cell) -> bool {
    matches!(
        cell,
        Cell::Text(_) | Cell::Exact(_) | Cell::Json(_) | Cell::List(_) | Cell::Struct(_) | Cell::Map(_)
    )
}

/// A cell as text in CSV and XLSX; none for null and absent keys.
pub(super) fn text(cell: &Cell, logical: &LogicalType) -> Option<String> {
    match cell {
        Cell::Null | Cell::Missing => None,
        Cell::Bytes(bytes) => Some(base64::engine::general_purpose::STANDARD.encode(bytes)),
        Cell::Float(value) if value.is_infinite() => Some(value.to_string()),
        Cell::Float32(value) if value.is_infinite() => Some(value.to_string()),
        Cell::Float(value) => Some(float_text(*value)),
        other => Some(other.text(logical)),
    }
}

impl RowWriter for CsvFile {
    fn write(&mut self, batch: &Batch, tally: &mut Tally) -> Result<()> {
        let columns: Vec<ArrayRef> =
            (0..self.names.len()).map(|index| self.column(batch, index, tally)).collect();
        if let (true, Some(column)) = (self.lone, columns.first()) {
            self.lone_nulls += column.logical_null_count() as u64;
            if let Some(texts) = column.as_string_opt::<i32>() {
                self.lone_empties += texts.iter().flatten().filter(|text| text.is_empty()).count() as u64;
            }
        }
        let frame = frame(&records(&self.names, columns)?)?;
        self.writer.write_batch(&frame).map_err(polars_failed)
    }

    fn finish(mut self: Box<Self>, tally: &mut Tally) -> Result<()> {
        if self.lone_nulls > 0 && self.lone_empties > 0 {
            let why = "null, which a CSV of one column can't tell from empty text";
            tally.lost(0, why, self.lone_nulls);
        }
        self.writer.finish().map_err(polars_failed)
    }
}
