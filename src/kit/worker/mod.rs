//! The worker: foreign bytes are parsed in another process of the same binary, under limits, without
//! paths and without a network. A crash, an abort or a runaway costs that one file and is said.
//!
//! The host ([`run`]) opens files and passes descriptors; the guest ([`guest::run`]) takes an injected
//! table of parsers, so this module names no connector. Frames go over a socketpair with credits; batches
//! come back as Arrow IPC and are validated in full.
//!
//! Invariants: one job a process · the host never blocks on a guest and never believes it · when [`run`]
//! returns the process is gone · a guest whose host is gone ends by itself · nothing of the host's
//! environment, folders or descriptors reaches a guest but the files of its job.
//!
//! Where there are no Unix sockets [`run`] says `unsupported`. The way there: the frames over a pipe pair
//! (standard output and standard error of the guest), the one file of the job as its standard input,
//! started per job.

use std::fs::File;

use serde::{Deserialize, Serialize};

use crate::model::Result;
use crate::model::batch::Batch;
use crate::model::column_state::TableState;
use crate::model::lost::Findings;

#[cfg(unix)]
mod confine;
#[cfg(not(unix))]
mod elsewhere;
#[cfg(unix)]
mod exit;
#[cfg(unix)]
mod frame;
#[cfg(unix)]
pub mod guest;
#[cfg(unix)]
mod host;
#[cfg(unix)]
mod incoming;
#[cfg(unix)]
mod message;
#[cfg(unix)]
mod pool;
#[cfg(any(test, feature = "testkit"))]
pub mod probe;
#[cfg(any(test, feature = "testkit"))]
pub mod testkit;

#[cfg(not(unix))]
pub use elsewhere::{guest, run, set_program};
#[cfg(unix)]
pub use host::run;
#[cfg(unix)]
pub use pool::set_program;

/// Files of one job, at most.
pub const MAX_FILES: usize = 32;

/// A parser that runs in the guest. `Err` ends the job with that error; what was given out before stays.
pub trait Parser: Send + Sync {
    /// Its id; the host names it in the job.
    fn id(&self) -> &'static str;

    /// Does one operation. Synchronous: the guest has one job and one thread for it (16 MiB of stack).
    /// It has the files of the job and nothing else: no path opens, no connection goes out.
    fn run(&self, job: GuestJob<'_>) -> Result<serde_json::Value>;
}

/// One operation as the guest sees it.
pub struct GuestJob<'a> {
    /// Which operation of the parser.
    pub op: String,
    /// Its parameters.
    pub params: serde_json::Value,
    /// The files, opened by the host, in the order it gave them. Seek first: the offset is the host's.
    pub files: Vec<File>,
    /// Where results go.
    pub out: &'a mut dyn GuestOut,
}

/// What a guest gives out while it works. Every call fails with `cancelled` once the user stopped the job.
pub trait GuestOut {
    /// Gives rows; waits for a credit. [`Flow::Enough`](crate::job::Flow): the sink wants no more rows; give
    /// findings and the end value within two seconds. Rows given after that are left aside.
    fn batch(&mut self, batch: Batch) -> Result<crate::job::Flow>;
    /// Gives column states.
    fn state(&mut self, state: TableState) -> Result<()>;
    /// Tells of losses.
    fn findings(&mut self, findings: Findings) -> Result<()>;
    /// Tells how far it is; cheap to call often. Units known to the host: rows, bytes, requests, cells,
    /// columns, pages.
    fn progress(&mut self, done: u64, total: Option<u64>, unit: &'static str) -> Result<()>;
    /// Counts bytes read from the files, for the meter; cheap to call often.
    fn bytes_read(&mut self, bytes: u64);
    /// Fails with `cancelled` once the user stopped the job; call it in every long loop.
    fn check(&mut self) -> Result<()>;
}

/// What a job may use up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Memory the guest may ask the system for, in bytes.
    pub memory_bytes: u64,
    /// CPU it may use, in seconds.
    pub cpu_seconds: u32,
}

impl Default for Limits {
    /// 1 GiB; ten minutes of computing, enough for a full pass over a large file.
    fn default() -> Self {
        Self { memory_bytes: 1 << 30, cpu_seconds: 600 }
    }
}

/// One operation as the host asks it.
#[derive(Debug)]
pub struct HostJob {
    /// Id of the parser.
    pub parser: &'static str,
    /// Which operation.
    pub op: String,
    /// Its parameters.
    pub params: serde_json::Value,
    /// Files opened by the host; their descriptors are passed.
    pub files: Vec<File>,
    /// What it may use up.
    pub limits: Limits,
}

impl HostJob {
    /// A job under the default limits.
    pub fn new(
        parser: &'static str,
        op: impl Into<String>,
        params: serde_json::Value,
        files: Vec<File>,
    ) -> Self {
        Self { parser, op: op.into(), params, files, limits: Limits::default() }
    }
}
