//! Where there are no Unix sockets: the same names, and an error that says so.

use std::path::PathBuf;

use super::HostJob;
use crate::job::{BatchSink, CallCtx};
use crate::model::{Error, ErrorKind, Result};

/// Sets nothing: no worker is started here.
pub fn set_program(_program: impl Into<PathBuf>) {}

/// Fails: foreign bytes are parsed in a worker or not at all.
///
/// # Errors
/// Always `unsupported`.
#[expect(clippy::unused_async, reason = "the same shape as where workers run")]
pub async fn run(_ctx: &CallCtx, _job: HostJob, _sink: &mut dyn BatchSink) -> Result<serde_json::Value> {
    Err(unsupported())
}

fn unsupported() -> Error {
    Error::new(
        ErrorKind::Unsupported,
        "start",
        "files are read in a worker, which needs Linux, macOS or a BSD",
    )
    .hint("databases can be read here; for files use headwater on Linux or macOS, or in WSL")
}

/// The other side, which does not start either.
pub mod guest {
    use std::process::ExitCode;

    use crate::kit::worker::Parser;

    /// Ends at once.
    pub fn run(_parsers: &[&'static dyn Parser]) -> ExitCode {
        ExitCode::FAILURE
    }
}
