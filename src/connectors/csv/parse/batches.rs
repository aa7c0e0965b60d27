//! Rows of blocks into batches.

use super::super::block::Block;
use super::super::cells::CellMaker;
use super::super::dialect::{Losses, Why};
use super::super::layout::Layout;
use super::What;
use crate::model::Result;
use crate::model::batch::{Batch, BatchBuilder, Origin};
use crate::model::cell::Cell;
use crate::model::filter::Filter;
use crate::model::schema::Schema;
use std::collections::BTreeMap;
use std::sync::Arc;

const BATCH_ROWS: usize = 2048;
const BATCH_BYTES: usize = 1 << 20;

/// Makes batches of the rows that are wanted.
pub(super) struct Batches<'w> {
    pub(super) maker: CellMaker<'w>,
    layout: &'w Layout,
    what: &'w What,
    columns: Vec<usize>,
    names: BTreeMap<&'w str, usize>,
    builder: BatchBuilder,
    first_row: Option<u64>,
    pub(super) given: u64,
    pub(super) losses: Losses,
}

impl<'w> Batches<'w> {
    pub(super) fn new(what: &'w What) -> Self {
        let layout = &what.layout;
        let all = layout.schema();
        let columns = what.columns.clone().unwrap_or_else(|| (0..all.fields.len()).collect());
        let fields = columns.iter().filter_map(|column| all.fields.get(*column).cloned()).collect();
        let filtered = what.filter.as_ref().map(Filter::columns).unwrap_or_default();
        let place = |name: &&'w str| layout.written.names.iter().position(|known| known == name);
        Self {
            maker: CellMaker::new(layout),
            layout,
            what,
            columns,
            names: filtered.iter().filter_map(|name| Some((*name, place(name)?))).collect(),
            builder: BatchBuilder::new(Arc::new(Schema::new(fields))),
            first_row: None,
            given: 0,
            losses: Losses::default(),
        }
    }

    /// Rows that may still be given.
    pub(super) fn room(&self) -> u64 {
        self.what.most_rows.map_or(u64::MAX, |most| most.saturating_sub(self.given))
    }

    /// Whether the filter, if there is one, holds for a row.
    pub(super) fn is_wanted(&self, block: &Block, row: usize) -> bool {
        let cell = |name: &str| match self.names.get(name) {
            Some(column) => self.maker.cell(block, row, *column),
            None => Cell::Missing,
        };
        self.what.filter.as_ref().is_none_or(|filter| filter.evaluate(&cell) == Some(true))
    }

    /// The cells of a row that are asked for; what they lack is noted.
    pub(super) fn cells(&mut self, block: &Block, row: usize) -> Vec<Cell> {
        let number = block.first_row() + row as u64;
        // A row that is too long for the file's own width was counted when it was cut.
        if block.width(row) <= self.layout.written.width && self.maker.overflows(block, row) {
            self.losses.add(Why::LongRow, number);
        }
        let cells: Vec<Cell> =
            self.columns.iter().map(|column| self.maker.cell(block, row, *column)).collect();
        let invalid = cells.iter().filter(|cell| matches!(cell, Cell::Invalid(_))).count();
        self.losses.add_many(Why::InvalidBytes, number, invalid as u64);
        cells
    }

    /// Takes a row of a block if it is wanted.
    pub(super) fn take(&mut self, block: &Block, row: usize) {
        if self.is_wanted(block, row) {
            let cells = self.cells(block, row);
            self.take_cells(cells, Some(block.first_row() + row as u64));
        }
    }

    /// Takes the cells of a row; its number is told where rows follow each other.
    pub(super) fn take_cells(&mut self, cells: Vec<Cell>, number: Option<u64>) {
        if self.builder.row_count() == 0 {
            self.first_row = number.filter(|_| self.what.filter.is_none());
        }
        self.builder.push_row(cells);
        self.given += 1;
    }

    /// Whether a batch is due.
    pub(super) fn is_full(&self) -> bool {
        self.builder.row_count() >= BATCH_ROWS || self.builder.approximate_bytes() >= BATCH_BYTES
    }

    /// The rows taken since the last batch; a first batch also without rows, so that the columns are known.
    pub(super) fn batch(&mut self) -> Result<Option<Batch>> {
        if self.builder.row_count() == 0 && self.given > 0 {
            return Ok(None);
        }
        let origin = Origin { node: self.what.node.clone(), first_row: self.first_row };
        self.builder.take(origin).map(Some)
    }
}
