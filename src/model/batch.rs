//! Rows on their way: an Arrow record batch with our schema, its origin, and the cells that Arrow's
//! column type could not hold. One builder makes batches from cells; one reader gives cells back, so
//! what goes in comes out, whatever the type.

use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use serde::{Deserialize, Serialize};

use super::cell::Cell;
use super::error::{Error, Result};
use super::node::NodePath;
use super::schema::Schema;

mod arrays;
mod build;
mod column;
mod read;

pub use build::{BatchBuilder, Slot};
pub use read::cell_of;

/// Where rows come from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The node that was read.
    pub node: NodePath,
    /// Row number of the first row inside the node, where the source has an order of its own.
    pub first_row: Option<u64>,
}

/// A cell that its column's Arrow type could not hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exception {
    /// Row inside the batch.
    pub row: usize,
    /// Column inside the batch.
    pub column: usize,
    /// The value; the Arrow cell is null.
    pub cell: Cell,
}

/// Rows with their schema, origin and exceptions (sorted by row, then column).
#[derive(Clone, Debug)]
pub struct Batch {
    /// Logical columns; as many as `records` has.
    pub schema: Arc<Schema>,
    /// The values.
    pub records: RecordBatch,
    /// Where they come from.
    pub origin: Origin,
    exceptions: Vec<Exception>,
}

impl Batch {
    /// Puts a batch together. Fails if the columns do not carry the schema's types.
    pub fn new(
        schema: Arc<Schema>,
        records: RecordBatch,
        origin: Origin,
        mut exceptions: Vec<Exception>,
    ) -> Result<Self> {
        let expected = schema.arrow();
        let carried = records.schema();
        let fits = expected.fields().len() == carried.fields().len()
            && expected.fields().iter().zip(carried.fields()).all(|(a, b)| a.data_type() == b.data_type());
        if !fits {
            return Err(Error::unexpected(
                "decode",
                "columns of a batch do not carry the types of its schema",
            ));
        }
        let (rows, columns) = (records.num_rows(), records.num_columns());
        if exceptions.iter().any(|exception| exception.row >= rows || exception.column >= columns) {
            return Err(Error::unexpected("decode", "an exception lies outside its batch"));
        }
        exceptions.sort_by_key(|exception| (exception.row, exception.column));
        Ok(Self { schema, records, origin, exceptions })
    }

    /// Rows in this batch.
    pub fn row_count(&self) -> usize {
        self.records.num_rows()
    }

    /// The cells that Arrow could not hold, sorted.
    pub fn exceptions(&self) -> &[Exception] {
        &self.exceptions
    }

    /// The exception at a place, if there is one.
    pub fn exception(&self, row: usize, column: usize) -> Option<&Cell> {
        self.exceptions
            .binary_search_by_key(&(row, column), |exception| (exception.row, exception.column))
            .ok()
            .map(|index| &self.exceptions[index].cell)
    }

    /// The exact value at a place; `Missing` outside the batch.
    pub fn cell(&self, row: usize, column: usize) -> Cell {
        if row >= self.row_count() || column >= self.records.num_columns() {
            return Cell::Missing;
        }
        match self.exception(row, column) {
            Some(cell) => cell.clone(),
            None => cell_of(self.records.column(column), row, &self.schema.fields[column].logical),
        }
    }

    /// The first `rows` rows.
    #[must_use]
    pub fn head(&self, rows: usize) -> Self {
        self.slice(0, rows)
    }

    /// `rows` rows from row `first` on (fewer where the batch ends). Shares the values.
    #[must_use]
    pub fn slice(&self, first: usize, rows: usize) -> Self {
        let first = first.min(self.row_count());
        let rows = rows.min(self.row_count() - first);
        let exceptions = self
            .exceptions
            .iter()
            .filter(|exception| (first..first + rows).contains(&exception.row))
            .map(|exception| Exception { row: exception.row - first, ..exception.clone() })
            .collect();
        let origin =
            Origin { first_row: self.origin.first_row.map(|row| row + first as u64), ..self.origin.clone() };
        Self {
            schema: Arc::clone(&self.schema),
            records: self.records.slice(first, rows),
            origin,
            exceptions,
        }
    }

    /// Bytes this batch holds in memory; shared buffers count fully.
    pub fn memory_bytes(&self) -> usize {
        self.records.get_array_memory_size() + self.exceptions.len() * std::mem::size_of::<Exception>()
    }
}
