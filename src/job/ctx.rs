//! The context of a call: first argument of everything that reaches an upstream. It carries the cancel
//! token, progress, the meter, the recorder of statements, and the hooks that stop the work *there*.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use super::meter::LoadMeter;
use super::recorder::{NoRecorder, Recorder, StatementEnd};
use crate::model::command::EntryId;
use crate::model::{Error, Result};

/// What cancelling reached; worst first when several hooks report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CancelReport {
    /// We stopped listening; the source may still work.
    OnlyWeStopped,
    /// The source was asked and did not confirm in time.
    AskedUnconfirmed,
    /// The source confirmed that the work stopped.
    StoppedOnServer,
}

impl CancelReport {
    /// What the user is told.
    pub fn phrase(self) -> &'static str {
        match self {
            Self::OnlyWeStopped => "only we stopped listening",
            Self::AskedUnconfirmed => "asked to stop, unconfirmed",
            Self::StoppedOnServer => "stopped on the server",
        }
    }
}

/// How far a call has come.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// What is going on, in words.
    pub doing: String,
    /// Done so far, in `unit`.
    pub done: u64,
    /// All there is, if known.
    pub total: Option<u64>,
    /// Unit of `done` and `total`: rows, bytes, requests.
    pub unit: &'static str,
}

type Hook = Box<dyn FnOnce() -> BoxFuture<'static, CancelReport> + Send>;

/// Hooks of a call and all its children: cancelling the call runs them all.
#[derive(Default)]
struct Hooks {
    list: Mutex<Vec<(u64, Hook)>>,
    next: std::sync::atomic::AtomicU64,
}

impl Hooks {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(u64, Hook)>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Shared {
    token: CancellationToken,
    meter: LoadMeter,
    recorder: Arc<dyn Recorder>,
    progress: tokio::sync::watch::Sender<Progress>,
    hooks: Arc<Hooks>,
    wake: std::task::Waker,
}

/// The context of a call. Clones share everything.
#[derive(Clone)]
pub struct CallCtx(Arc<Shared>);

impl CallCtx {
    /// How long a cancel hook may take to reach the other side.
    pub const CANCEL_DEADLINE: Duration = Duration::from_secs(5);

    /// A context whose statements go to `recorder` and whose progress wakes `wake`.
    pub fn new(recorder: Arc<dyn Recorder>, wake: std::task::Waker) -> Self {
        Self(Arc::new(Shared {
            token: CancellationToken::new(),
            meter: LoadMeter::default(),
            recorder,
            progress: tokio::sync::watch::Sender::new(Progress::default()),
            hooks: Arc::default(),
            wake,
        }))
    }

    /// A context that records nothing and wakes nobody: for work that reaches no upstream.
    pub fn detached() -> Self {
        Self::new(Arc::new(NoRecorder), std::task::Waker::noop().clone())
    }

    /// A context of its own meter and recorder that is cancelled with this one and shows its progress.
    #[must_use]
    pub fn child(&self, recorder: Arc<dyn Recorder>) -> Self {
        Self(Arc::new(Shared {
            token: self.0.token.child_token(),
            meter: LoadMeter::default(),
            recorder,
            progress: self.0.progress.clone(),
            hooks: Arc::clone(&self.0.hooks),
            wake: self.0.wake.clone(),
        }))
    }

    /// Fails with `Cancelled` once the call was cancelled.
    pub fn check(&self, stage: &str) -> Result<()> {
        if self.is_cancelled() { Err(Error::cancelled(stage)) } else { Ok(()) }
    }

    /// Whether the call was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.0.token.is_cancelled()
    }

    /// Waits until the call is cancelled.
    pub async fn cancelled(&self) {
        self.0.token.cancelled().await;
    }

    /// The token itself, for code that takes one.
    pub fn token(&self) -> &CancellationToken {
        &self.0.token
    }

    /// Counts what the call costs.
    pub fn meter(&self) -> &LoadMeter {
        &self.0.meter
    }

    /// Tells how far the call has come. Receivers see the latest only.
    pub fn progress(&self, progress: Progress) {
        self.0.progress.send_replace(progress);
        self.0.wake.wake_by_ref();
    }

    /// Watches the progress.
    pub fn watch_progress(&self) -> tokio::sync::watch::Receiver<Progress> {
        self.0.progress.subscribe()
    }

    /// Wakes whoever waits for this call's news.
    pub fn wake(&self) {
        self.0.wake.wake_by_ref();
    }

    /// Registers what stops the work at the source; register **before** sending. Dropping the guard
    /// takes it back.
    pub fn on_cancel(
        &self,
        hook: impl FnOnce() -> BoxFuture<'static, CancelReport> + Send + 'static,
    ) -> HookGuard {
        let id = self.0.hooks.next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.0.hooks.lock().push((id, Box::new(hook)));
        HookGuard { hooks: Arc::downgrade(&self.0.hooks), id }
    }

    /// Cancels the call: stops waiting at once, runs the hooks with a deadline, tells what was reached.
    pub async fn cancel(&self) -> CancelReport {
        let hooks = std::mem::take(&mut *self.0.hooks.lock());
        self.0.token.cancel();
        let mut worst = None;
        for (_, hook) in hooks {
            let report = tokio::time::timeout(Self::CANCEL_DEADLINE, hook())
                .await
                .unwrap_or(CancelReport::AskedUnconfirmed);
            worst = Some(worst.map_or(report, |known: CancelReport| known.min(report)));
        }
        self.0.wake.wake_by_ref();
        worst.unwrap_or(CancelReport::OnlyWeStopped)
    }

    /// Writes a statement down before it is sent. End it with [`Statement::done`] or
    /// [`Statement::failed`]; a statement dropped unended stays open in the ledger, a lower bound.
    pub async fn statement(&self, entry: &EntryId, text: &str) -> Result<Statement> {
        self.check("send")?;
        self.clean_up_statement(entry, text).await
    }

    /// Writes down a statement that stops or cleans up: it may be sent although the call was cancelled.
    pub async fn clean_up_statement(&self, entry: &EntryId, text: &str) -> Result<Statement> {
        let id = self.0.recorder.started(entry, text).await?;
        Ok(Statement { recorder: Arc::clone(&self.0.recorder), id, since: Instant::now() })
    }
}

/// A hook registered with [`CallCtx::on_cancel`].
pub struct HookGuard {
    hooks: std::sync::Weak<Hooks>,
    id: u64,
}

impl Drop for HookGuard {
    fn drop(&mut self) {
        if let Some(hooks) = self.hooks.upgrade() {
            hooks.lock().retain(|(id, _)| *id != self.id);
        }
    }
}

/// A statement that was written down and may now be sent.
pub struct Statement {
    recorder: Arc<dyn Recorder>,
    id: u64,
    since: Instant,
}

impl Statement {
    /// It worked and returned this many rows.
    pub async fn done(self, rows: u64) -> Result<()> {
        let seconds = self.since.elapsed().as_secs_f64();
        self.recorder.ended(self.id, StatementEnd::Done { rows, seconds }).await
    }

    /// It failed or was stopped; gives the error back so that it can be returned.
    pub async fn failed(self, error: Error) -> Error {
        let end = match error.kind {
            crate::model::ErrorKind::Cancelled => StatementEnd::Cancelled,
            _ => StatementEnd::Failed { why: error.to_string() },
        };
        match self.recorder.ended(self.id, end).await {
            Ok(()) => error,
            Err(ledger) => error.with("ledger", ledger.attempted),
        }
    }
}
