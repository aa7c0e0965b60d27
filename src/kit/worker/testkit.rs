//! For parsers' own tests: runs one in this process, without limits, and keeps what it gives out.

use std::fs::File;

use super::{GuestJob, GuestOut, Parser};
use crate::job::Flow;
use crate::job::sink::Collected;
use crate::model::Result;
use crate::model::batch::Batch;
use crate::model::column_state::TableState;
use crate::model::lost::Findings;

/// What a parser gave out.
#[derive(Debug, Default)]
pub struct Given {
    /// Rows, states and findings.
    pub collected: Collected,
    /// Bytes it said it read.
    pub bytes_read: u64,
    /// Its last progress: done, total, unit.
    pub progress: Option<(u64, Option<u64>, &'static str)>,
    /// It is told that this many rows are enough.
    pub enough_rows: Option<usize>,
}

impl GuestOut for Given {
    fn batch(&mut self, batch: Batch) -> Result<Flow> {
        if self.enough() {
            return Ok(Flow::Enough);
        }
        self.collected.batches.push(batch);
        Ok(if self.enough() { Flow::Enough } else { Flow::More })
    }

    fn state(&mut self, state: TableState) -> Result<()> {
        self.collected.state = Some(state);
        Ok(())
    }

    fn findings(&mut self, findings: Findings) -> Result<()> {
        self.collected.findings.merge(findings);
        Ok(())
    }

    fn progress(&mut self, done: u64, total: Option<u64>, unit: &'static str) -> Result<()> {
        self.progress = Some((done, total, unit));
        Ok(())
    }

    fn bytes_read(&mut self, bytes: u64) {
        self.bytes_read += bytes;
    }

    fn check(&mut self) -> Result<()> {
        Ok(())
    }
}

impl Given {
    fn enough(&self) -> bool {
        self.enough_rows.is_some_and(|rows| self.collected.row_count() >= rows)
    }
}

/// Runs one operation of `parser` here; what it gave out stays in `given`.
pub fn run_here(
    parser: &dyn Parser,
    op: &str,
    params: serde_json::Value,
    files: Vec<File>,
    given: &mut Given,
) -> Result<serde_json::Value> {
    parser.run(GuestJob { op: op.to_owned(), params, files, out: given })
}
