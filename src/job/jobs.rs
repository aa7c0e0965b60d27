//! The jobs of a window: spawn, watch, cancel. Ways out of a job: its progress (latest only), its rows
//! (a [`super::ResultBuffer`] of its own), and exactly one end, as the ticket's result and as an event.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use super::ctx::{CallCtx, CancelReport, Progress};
use super::recorder::Recorder;
use crate::model::{Error, ErrorKind, Result};

/// Names a job in this run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobId(pub u64);

/// Where a job is.
#[derive(Clone, Debug, PartialEq)]
pub enum JobState {
    /// At work.
    Running,
    /// Asked to stop.
    Stopping,
    /// Done.
    Finished,
    /// Stopped on request; what was reached.
    Stopped(CancelReport),
    /// Failed.
    Failed(Error),
}

/// A job as the window lists it.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// What it does, in words.
    pub title: String,
    /// Where it is.
    pub state: JobState,
    /// How far it has come.
    pub progress: Progress,
    /// How long it took or takes.
    pub elapsed: Duration,
}

/// The end of a job.
#[derive(Clone, Debug)]
pub struct JobEvent {
    /// The job.
    pub job: Job,
}

/// The claim on a job's result. Dropping it cancels the job.
pub struct Ticket<T> {
    pub(super) id: JobId,
    pub(super) receiver: oneshot::Receiver<Result<T>>,
    _cancel: CancelOnDrop,
}

impl<T> Ticket<T> {
    /// The job's id.
    pub fn id(&self) -> JobId {
        self.id
    }
}

enum CancelOnDrop {
    /// A listed job.
    Listed { shared: Arc<Shared>, handle: tokio::runtime::Handle, id: JobId },
    /// Work that is not listed: nothing of it runs at a source.
    Quiet(CallCtx),
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        match self {
            Self::Listed { shared, handle, id } => start_cancel(shared, handle, *id),
            Self::Quiet(ctx) => ctx.token().cancel(),
        }
    }
}

struct Entry {
    title: String,
    state: JobState,
    ctx: CallCtx,
    since: Instant,
    took: Option<Duration>,
}

#[derive(Default)]
struct Table {
    entries: BTreeMap<JobId, Entry>,
    next: u64,
}

struct Shared {
    table: Mutex<Table>,
    events: mpsc::Sender<JobEvent>,
    wake: std::task::Waker,
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The jobs of a window.
#[derive(Clone)]
pub struct Jobs {
    shared: Arc<Shared>,
    handle: tokio::runtime::Handle,
}

impl Jobs {
    /// Ended jobs kept in the list.
    const KEPT: usize = 200;

    /// Jobs on a runtime whose news wake `wake`; the receiver gets every end.
    pub fn new(handle: tokio::runtime::Handle, wake: std::task::Waker) -> (Self, mpsc::Receiver<JobEvent>) {
        let (events, receiver) = mpsc::channel(1024);
        (Self { shared: Arc::new(Shared { table: Mutex::default(), events, wake }), handle }, receiver)
    }

    /// Starts a job. `work` gets the context first; its statements go to `recorder`.
    pub fn spawn<T, F>(
        &self,
        title: impl Into<String>,
        recorder: Arc<dyn Recorder>,
        work: impl FnOnce(CallCtx) -> F,
    ) -> Ticket<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let ctx = CallCtx::new(recorder, self.shared.wake.clone());
        let id = self.enter(title.into(), ctx.clone());
        let (sender, receiver) = oneshot::channel();
        let future = work(ctx.clone());
        let shared = Arc::clone(&self.shared);
        self.handle.spawn(async move {
            let result = match tokio::spawn(stop_when_cancelled(ctx.clone(), future)).await {
                Ok(result) => result,
                Err(panic) => Err(Error::unexpected("job", format!("the job broke down: {panic}"))),
            };
            finish(&shared, id, result.as_ref().err().cloned()).await;
            // The claim may be gone: then nobody wants the result.
            drop(sender.send(result));
            shared.wake.wake_by_ref();
        });
        Ticket {
            id,
            receiver,
            _cancel: CancelOnDrop::Listed {
                shared: Arc::clone(&self.shared),
                handle: self.handle.clone(),
                id,
            },
        }
    }

    /// Starts work of the window's own that is no job in the list and reaches no source: reading the ledger,
    /// saving settings.
    pub fn spawn_quietly<T, F>(&self, work: impl FnOnce(CallCtx) -> F) -> Ticket<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let ctx = CallCtx::new(Arc::new(super::recorder::NoRecorder), self.shared.wake.clone());
        let (sender, receiver) = oneshot::channel();
        let (future, wake) = (work(ctx.clone()), self.shared.wake.clone());
        let stop = ctx.clone();
        self.handle.spawn(async move {
            let result = tokio::select! {
                result = future => result,
                () = stop.cancelled() => Err(Error::cancelled("job")),
            };
            // The claim may be gone: then nobody wants the result.
            drop(sender.send(result));
            wake.wake_by_ref();
        });
        Ticket { id: JobId(0), receiver, _cancel: CancelOnDrop::Quiet(ctx) }
    }

    fn enter(&self, title: String, ctx: CallCtx) -> JobId {
        let mut table = self.shared.lock();
        table.next += 1;
        let id = JobId(table.next);
        table
            .entries
            .insert(id, Entry { title, state: JobState::Running, ctx, since: Instant::now(), took: None });
        while table.entries.len() > Self::KEPT {
            let Some(ended) = table.entries.iter().find(|(_, entry)| entry.took.is_some()).map(|(id, _)| *id)
            else {
                break;
            };
            table.entries.remove(&ended);
        }
        id
    }

    /// Asks a job to stop, here and at the source.
    pub fn cancel(&self, id: JobId) {
        start_cancel(&self.shared, &self.handle, id);
    }

    /// All jobs, newest first.
    pub fn list(&self) -> Vec<Job> {
        self.shared.lock().entries.iter().rev().map(|(id, entry)| view(*id, entry)).collect()
    }

    /// One job.
    pub fn get(&self, id: JobId) -> Option<Job> {
        self.shared.lock().entries.get(&id).map(|entry| view(id, entry))
    }

    /// Jobs at work.
    pub fn running(&self) -> usize {
        self.shared.lock().entries.values().filter(|entry| entry.took.is_none()).count()
    }
}

fn view(id: JobId, entry: &Entry) -> Job {
    Job {
        id,
        title: entry.title.clone(),
        state: entry.state.clone(),
        progress: entry.ctx.watch_progress().borrow().clone(),
        elapsed: entry.took.unwrap_or_else(|| entry.since.elapsed()),
    }
}

/// A job that does not look at its token still ends soon after a cancel: it is dropped after a grace.
async fn stop_when_cancelled<T>(ctx: CallCtx, future: impl Future<Output = Result<T>>) -> Result<T> {
    const GRACE: Duration = Duration::from_secs(10);
    tokio::select! {
        result = future => result,
        () = async { ctx.cancelled().await; tokio::time::sleep(GRACE).await } => Err(Error::cancelled("job")),
    }
}

fn start_cancel(shared: &Arc<Shared>, handle: &tokio::runtime::Handle, id: JobId) {
    let ctx = {
        let mut table = shared.lock();
        let Some(entry) = table.entries.get_mut(&id).filter(|entry| entry.state == JobState::Running) else {
            return;
        };
        entry.state = JobState::Stopping;
        entry.ctx.clone()
    };
    let shared = Arc::clone(shared);
    handle.spawn(async move {
        let report = ctx.cancel().await;
        let mut table = shared.lock();
        if let Some(entry) = table.entries.get_mut(&id) {
            entry.state = JobState::Stopped(report);
        }
        drop(table);
        shared.wake.wake_by_ref();
    });
}

async fn finish(shared: &Arc<Shared>, id: JobId, failure: Option<Error>) {
    let job = {
        let mut table = shared.lock();
        let Some(entry) = table.entries.get_mut(&id) else { return };
        entry.took = Some(entry.since.elapsed());
        let stopping = matches!(entry.state, JobState::Stopping | JobState::Stopped(_));
        match failure {
            // The cancel hooks report what they reached; they may still be at it.
            _ if stopping => {}
            None => entry.state = JobState::Finished,
            Some(error) if error.kind == ErrorKind::Cancelled => {
                entry.state = JobState::Stopped(CancelReport::OnlyWeStopped);
            }
            Some(error) => entry.state = JobState::Failed(error),
        }
        view(id, entry)
    };
    // A window that closed takes no events.
    drop(shared.events.send(JobEvent { job }).await);
}
