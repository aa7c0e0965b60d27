//! Where a call writes down every statement **before** it is sent. The ledger is the real one; tests use
//! their own to prove that nothing outside the command table was sent.

use async_trait::async_trait;

use crate::model::Result;
use crate::model::command::EntryId;

/// How a statement ended.
#[derive(Clone, Debug, PartialEq)]
pub enum StatementEnd {
    /// It worked.
    Done {
        /// Rows (or records) it returned.
        rows: u64,
        /// Seconds it took, by our clock.
        seconds: f64,
    },
    /// The other side or we failed.
    Failed {
        /// Why; the recorder redacts it before it lands anywhere.
        why: String,
    },
    /// It was stopped on request.
    Cancelled,
}

/// Writes statements down.
#[async_trait]
pub trait Recorder: Send + Sync {
    /// Called before sending; the statement must not be sent if this fails.
    async fn started(&self, entry: &EntryId, text: &str) -> Result<u64>;
    /// Called at the end.
    async fn ended(&self, id: u64, end: StatementEnd) -> Result<()>;
}

/// Records nothing: for calls that send nothing upstream.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoRecorder;

#[async_trait]
impl Recorder for NoRecorder {
    async fn started(&self, _entry: &EntryId, _text: &str) -> Result<u64> {
        Ok(0)
    }

    async fn ended(&self, _id: u64, _end: StatementEnd) -> Result<()> {
        Ok(())
    }
}
