//! What an export changes or cannot keep, counted by column and reason.

use std::collections::BTreeMap;

use super::types::ColumnMapping;
use crate::model::lost::{Findings, Lost};
use crate::safety::formula::FormulaGuard;

/// Counters of one export.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) rows: u64,
    pub(super) guard: FormulaGuard,
    lost: BTreeMap<(usize, &'static str), u64>,
    changed: BTreeMap<(usize, &'static str), u64>,
}

impl Tally {
    /// Cells of a column that the file does not have.
    pub(super) fn lost(&mut self, column: usize, why: &'static str, cells: u64) {
        if cells > 0 {
            *self.lost.entry((column, why)).or_insert(0) += cells;
        }
    }

    /// Cells of a column that the file has in another form.
    pub(super) fn changed(&mut self, column: usize, how: &'static str, cells: u64) {
        if cells > 0 {
            *self.changed.entry((column, how)).or_insert(0) += cells;
        }
    }

    /// The losses, and the changes noted at their columns.
    pub(super) fn end(self, columns: &mut [ColumnMapping]) -> Findings {
        for ((column, how), cells) in self.changed {
            if let Some(mapping) = columns.get_mut(column) {
                mapping.cells_changed.push((how.to_owned(), cells));
            }
        }
        let mut findings = Findings::default();
        for ((column, why), count) in self.lost {
            let name = columns.get(column).map_or("?", |mapping| mapping.name.as_str());
            findings.lost(Lost { place: format!("column {name}"), why: why.to_owned(), count });
        }
        findings
    }
}
