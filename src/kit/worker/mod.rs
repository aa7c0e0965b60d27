//! The worker: foreign bytes are parsed in another process of the same binary, under limits, without
//! paths and without a network. A crash, an abort or a runaway costs that one file and is said.
//!
//! The host ([`run`]) opens files and passes descriptors; the guest ([`guest`]) takes an injected table of
//! parsers, so this module names no connector. Frames go over a socketpair with credits; batches come back
//! as Arrow IPC and are validated in full.

use std::fs::File;

use crate::job::{BatchSink, CallCtx};
use crate::model::batch::Batch;
use crate::model::column_state::TableState;
use crate::model::lost::Findings;
use crate::model::{Error, ErrorKind, Result};

/// A parser that runs in the guest. `Err` ends the job with that error; what was given out before stays.
pub trait Parser: Send + Sync {
    /// Its id; the host names it in the job.
    fn id(&self) -> &'static str;

    /// Does one operation. Synchronous: the guest has one job and one thread for it.
    fn run(&self, job: GuestJob<'_>) -> Result<serde_json::Value>;
}

/// One operation as the guest sees it.
pub struct GuestJob<'a> {
    /// Which operation of the parser.
    pub op: String,
    /// Its parameters.
    pub params: serde_json::Value,
    /// The files, opened by the host, in the order it gave them.
    pub files: Vec<File>,
    /// Where results go.
    pub out: &'a mut dyn GuestOut,
}

/// What a guest gives out while it works. Every call fails with `cancelled` once the host wants no more.
pub trait GuestOut {
    /// Gives rows; waits for a credit.
    fn batch(&mut self, batch: Batch) -> Result<crate::job::Flow>;
    /// Gives column states.
    fn state(&mut self, state: TableState) -> Result<()>;
    /// Tells of losses.
    fn findings(&mut self, findings: Findings) -> Result<()>;
    /// Tells how far it is; cheap to call often.
    fn progress(&mut self, done: u64, total: Option<u64>, unit: &'static str) -> Result<()>;
    /// Counts bytes read from the files, for the meter.
    fn bytes_read(&mut self, bytes: u64);
    /// Fails with `cancelled` once the host wants no more.
    fn check(&mut self) -> Result<()>;
}

/// One operation as the host asks it.
pub struct HostJob {
    /// Id of the parser.
    pub parser: &'static str,
    /// Which operation.
    pub op: String,
    /// Its parameters.
    pub params: serde_json::Value,
    /// Files opened by the host; their descriptors are passed.
    pub files: Vec<File>,
}

/// Runs a job in a worker: rows, states and findings go to `sink`, progress and bytes to `ctx`; gives the
/// parser's end value.
///
/// # Errors
/// The parser's own error; `decode` with the stage if the worker crashed ("the reader crashed on this
/// file"); `budget` if it ran out of memory; `cancelled`.
#[expect(clippy::unused_async, reason = "TODO(lead): replaced when the worker lands")]
pub async fn run(_ctx: &CallCtx, _job: HostJob, _sink: &mut dyn BatchSink) -> Result<serde_json::Value> {
    Err(Error::new(ErrorKind::Unsupported, "read", "the worker is not here yet"))
}
