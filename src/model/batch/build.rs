//! From cells to Arrow columns. A cell that the column's Arrow type cannot hold becomes null there and
//! an exception beside it; nothing is coerced. A source that decodes text by the million writes through
//! [`Slot`]s, without a cell of its own for every value; the outcome is the same.

use std::sync::Arc;

use arrow::record_batch::{RecordBatch, RecordBatchOptions};

use super::column::Column;
use super::{Batch, Exception, Origin};
use crate::model::cell::Cell;
use crate::model::error::{Error, Result};
use crate::model::schema::Schema;

/// Builds batches row by row or cell by cell.
pub struct BatchBuilder {
    schema: Arc<Schema>,
    columns: Vec<Column>,
    exceptions: Vec<Exception>,
    rows: usize,
    approximate_bytes: usize,
}

impl BatchBuilder {
    /// A builder for batches of `schema`.
    pub fn new(schema: Arc<Schema>) -> Self {
        let columns = schema.fields.iter().map(|field| Column::new(&field.logical)).collect();
        Self { schema, columns, exceptions: Vec::new(), rows: 0, approximate_bytes: 0 }
    }

    /// Rows pushed since the last batch.
    pub fn row_count(&self) -> usize {
        self.rows
    }

    /// About how many bytes the rows pushed so far hold.
    pub fn approximate_bytes(&self) -> usize {
        self.approximate_bytes
    }

    /// Adds a row; absent cells at the end are missing, surplus ones are ignored (count them before).
    pub fn push_row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        let mut cells = cells.into_iter();
        for (index, column) in self.columns.iter_mut().enumerate() {
            let cell = cells.next().unwrap_or(Cell::Missing);
            self.approximate_bytes += approximate_bytes(&cell);
            if let Some(cell) = column.push(cell) {
                self.exceptions.push(Exception { row: self.rows, column: index, cell });
            }
        }
        self.rows += 1;
    }

    /// The place of a column in the row at hand, to be filled without a cell; none where there is no such
    /// column or it is filled already. [`end_row`](Self::end_row) ends the row.
    #[inline]
    pub fn slot(&mut self, column: usize) -> Option<Slot<'_>> {
        let place = self.columns.get_mut(column).filter(|place| place.len() == self.rows)?;
        Some(Slot {
            place,
            exceptions: &mut self.exceptions,
            approximate_bytes: &mut self.approximate_bytes,
            row: self.rows,
            column,
        })
    }

    /// Ends the row whose slots were filled; slots that were not are missing.
    #[inline]
    pub fn end_row(&mut self) {
        for (index, column) in self.columns.iter_mut().enumerate() {
            if column.len() == self.rows {
                column.push_null();
                self.exceptions.push(Exception { row: self.rows, column: index, cell: Cell::Missing });
            }
        }
        self.rows += 1;
    }

    /// Takes what was pushed as a batch and starts anew.
    pub fn take(&mut self, origin: Origin) -> Result<Batch> {
        let rows = std::mem::take(&mut self.rows);
        self.approximate_bytes = 0;
        let fresh = self.schema.fields.iter().map(|field| Column::new(&field.logical)).collect();
        let columns = std::mem::replace(&mut self.columns, fresh);
        let arrays = columns.into_iter().map(Column::finish).collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let records = RecordBatch::try_new_with_options(self.schema.arrow(), arrays, &options)
            .map_err(|error| Error::unexpected("decode", format!("columns do not make a batch: {error}")))?;
        Batch::new(Arc::clone(&self.schema), records, origin, std::mem::take(&mut self.exceptions))
    }
}

fn approximate_bytes(cell: &Cell) -> usize {
    match cell {
        Cell::Text(text) | Cell::Exact(text) | Cell::Json(text) | Cell::Decimal(text) => text.len() + 4,
        Cell::Bytes(bytes) | Cell::Invalid(bytes) => bytes.len() + 4,
        Cell::List(items) => items.iter().map(approximate_bytes).sum::<usize>() + 4,
        Cell::Struct(fields) => fields.iter().map(|(_, cell)| approximate_bytes(cell)).sum(),
        Cell::Map(entries) => {
            entries.iter().map(|(key, value)| approximate_bytes(key) + approximate_bytes(value)).sum()
        }
        _ => 8,
    }
}

/// One place of the row at hand. Every method does what pushing the cell of its name would do.
pub struct Slot<'b> {
    place: &'b mut Column,
    exceptions: &'b mut Vec<Exception>,
    approximate_bytes: &'b mut usize,
    row: usize,
    column: usize,
}

impl Slot<'_> {
    /// Any cell.
    pub fn cell(self, cell: Cell) {
        *self.approximate_bytes += approximate_bytes(&cell);
        if let Some(cell) = self.place.push(cell) {
            self.exceptions.push(Exception { row: self.row, column: self.column, cell });
        }
    }

    /// No value.
    #[inline]
    pub fn null(self) {
        *self.approximate_bytes += 8;
        self.place.push_null();
    }

    /// A whole number.
    #[inline]
    pub fn int(self, value: i64) {
        if self.place.push_int(value) {
            *self.approximate_bytes += 8;
        } else {
            self.cell(Cell::Int(value));
        }
    }

    /// A 64-bit float.
    #[inline]
    pub fn float(self, value: f64) {
        if self.place.push_float(value) {
            *self.approximate_bytes += 8;
        } else {
            self.cell(Cell::Float(value));
        }
    }

    /// So many units of 10^-`scale`.
    #[inline]
    pub fn decimal(self, units: i128, scale: u8) {
        if self.place.push_decimal(units, scale) {
            *self.approximate_bytes += 16;
        } else {
            self.cell(Cell::Decimal(decimal_text(units, scale)));
        }
    }

    /// Text.
    #[inline]
    pub fn text(self, text: &str) {
        if self.place.push_text(text) {
            *self.approximate_bytes += text.len() + 4;
        } else {
            self.cell(Cell::Text(text.to_owned()));
        }
    }

    /// Bytes.
    #[inline]
    pub fn bytes(self, bytes: &[u8]) {
        if self.place.push_bytes(bytes) {
            *self.approximate_bytes += bytes.len() + 4;
        } else {
            self.cell(Cell::Bytes(bytes.to_vec()));
        }
    }

    /// Exact text of a value of the column's type.
    #[inline]
    pub fn exact(self, text: &str) {
        if self.place.push_exact(text) {
            *self.approximate_bytes += text.len() + 4;
        } else {
            self.cell(Cell::Exact(text.to_owned()));
        }
    }

    /// JSON text as it came.
    #[inline]
    pub fn json(self, text: &str) {
        if self.place.push_json(text) {
            *self.approximate_bytes += text.len() + 4;
        } else {
            self.cell(Cell::Json(text.to_owned()));
        }
    }
}

/// The digits of so many units of 10^-`scale`.
fn decimal_text(units: i128, scale: u8) -> String {
    let sign = if units < 0 { "-" } else { "" };
    let scale = usize::from(scale);
    let digits = format!("{:0>width$}", units.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    format!("{sign}{whole}{}{fraction}", if scale > 0 { "." } else { "" })
}

#[cfg(test)]
mod tests;
