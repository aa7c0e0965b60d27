//! Jobs of the worker on files: what goes there and comes back, and how a job is written down. For both sides.

use async_trait::async_trait;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::job::{BatchSink, CallCtx, Flow};
use crate::kit::worker::{self, HostJob};
use crate::model::batch::Batch;
use crate::model::column_state::TableState;
use crate::model::command::EntryId;
use crate::model::lost::Findings;
use crate::model::{Error, ErrorKind, Result};

/// Parameters as they are sent to the worker.
///
/// # Errors
/// `unexpected` for what JSON can't say.
pub fn params(value: &impl Serialize) -> Result<serde_json::Value> {
    serde_json::to_value(value)
        .map_err(|error| Error::unexpected("read", format!("parameters for the worker: {error}")))
}

/// Parameters as the worker received them.
///
/// # Errors
/// `unexpected` for others than the operation has.
pub fn received<T: DeserializeOwned>(value: serde_json::Value) -> Result<T> {
    serde_json::from_value(value)
        .map_err(|error| Error::unexpected("read", format!("parameters of the worker: {error}")))
}

/// What the worker answers at the end of an operation.
///
/// # Errors
/// `unexpected` for what JSON can't say.
pub fn answer(value: impl Serialize) -> Result<serde_json::Value> {
    serde_json::to_value(value)
        .map_err(|error| Error::unexpected("read", format!("answer of the worker: {error}")))
}

/// Runs a job of the worker, written down before and after. `None` if the sink had enough before the end.
///
/// # Errors
/// Those of the job; `decode` for an answer that is none.
pub async fn run<T: DeserializeOwned>(
    ctx: &CallCtx,
    entry: &EntryId,
    text: &str,
    job: HostJob,
    sink: &mut dyn BatchSink,
) -> Result<Option<T>> {
    let statement = ctx.statement(entry, text).await?;
    let mut counting = Counting { inner: sink, rows: 0 };
    let answer = worker::run(ctx, job, &mut counting).await;
    let rows = counting.rows;
    match answer {
        Err(error) => Err(statement.failed(error).await),
        Ok(value) => match serde_json::from_value::<Option<T>>(value) {
            Ok(end) => {
                statement.done(rows).await?;
                Ok(end)
            }
            Err(error) => {
                let error = Error::new(
                    ErrorKind::Decode,
                    "read",
                    format!("the worker's answer makes no sense: {error}"),
                );
                Err(statement.failed(error).await)
            }
        },
    }
}

/// Counts rows on their way.
pub(super) struct Counting<'a> {
    pub(super) inner: &'a mut dyn BatchSink,
    pub(super) rows: u64,
}

#[async_trait]
impl BatchSink for Counting<'_> {
    async fn batch(&mut self, batch: Batch) -> Result<Flow> {
        self.rows += batch.row_count() as u64;
        self.inner.batch(batch).await
    }

    async fn state(&mut self, state: TableState) -> Result<()> {
        self.rows += state.rows;
        self.inner.state(state).await
    }

    fn findings(&mut self, findings: Findings) {
        self.inner.findings(findings);
    }
}
