//! One accumulator a column, fed from batches.

use std::sync::Arc;

use super::accumulator::ColumnAccumulator;
use super::arrays::push_column;
use super::limits::Limits;
use crate::model::batch::Batch;
use crate::model::column_state::TableState;
use crate::model::schema::Schema;
use crate::model::{Error, ErrorKind, Result};

/// Profiles the rows of batches as they come.
#[derive(Clone, Debug)]
pub struct TableProfiler {
    schema: Arc<Schema>,
    columns: Vec<ColumnAccumulator>,
    rows: u64,
}

impl TableProfiler {
    /// A profiler of tables with this schema.
    pub fn new(schema: Arc<Schema>) -> Self {
        let limits = Limits::for_columns(schema.fields.len());
        let columns =
            schema.fields.iter().map(|field| ColumnAccumulator::new(&field.logical, limits)).collect();
        Self { schema, columns, rows: 0 }
    }

    /// Takes the rows of a batch. Fails if the batch has other columns.
    pub fn push(&mut self, batch: &Batch) -> Result<()> {
        let same = batch.schema.fields.len() == self.columns.len()
            && batch.schema.fields.iter().zip(&self.schema.fields).all(|(a, b)| a.logical == b.logical);
        if !same {
            return Err(Error::unexpected("profile", "a batch does not carry the profiled columns"));
        }
        for (index, column) in self.columns.iter_mut().enumerate() {
            push_column(column, batch, index);
        }
        self.rows += batch.row_count() as u64;
        Ok(())
    }

    /// Rows taken.
    pub fn row_count(&self) -> u64 {
        self.rows
    }

    /// Bytes of memory held, nearly.
    pub fn memory_bytes(&self) -> usize {
        self.columns.iter().map(ColumnAccumulator::memory_bytes).sum()
    }

    /// The state so far, to merge, to send or to finish.
    pub fn state(&self) -> TableState {
        TableState {
            schema: (*self.schema).clone(),
            rows: self.rows,
            columns: self.columns.iter().map(ColumnAccumulator::state).collect(),
        }
    }
}

/// The state of both together. Fails if they are of different columns, or if one can't be right.
pub fn merge(left: &TableState, right: &TableState) -> Result<TableState> {
    let types = |state: &TableState| -> Vec<_> {
        state.schema.fields.iter().map(|field| (field.name.clone(), field.logical.clone())).collect()
    };
    if types(left) != types(right) || left.columns.len() != right.columns.len() {
        return Err(Error::new(
            ErrorKind::Invalid,
            "profile",
            "profiles of different columns can't be added up",
        ));
    }
    let limits = Limits::for_columns(left.columns.len());
    let columns = left.schema.fields.iter().zip(left.columns.iter().zip(&right.columns)).map(
        |(field, (left, right))| {
            let mut merged = ColumnAccumulator::from_state(&field.logical, left, limits)?;
            merged.merge(&ColumnAccumulator::from_state(&field.logical, right, limits)?)?;
            Ok(merged.state())
        },
    );
    Ok(TableState {
        schema: left.schema.clone(),
        rows: left.rows.saturating_add(right.rows),
        columns: columns.collect::<Result<_>>()?,
    })
}
