//! Where workers come from: one thread that starts them, keeps one spare warm after the first job, and
//! buries the dead. It lives as long as the program, because a worker is tied to the life of the thread
//! that started it.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

use tokio::sync::{mpsc, oneshot};

use crate::model::{Error, Result};

/// Tells a process that it is a worker, so that no worker ever starts workers.
const MARK: &str = "HEADWATER_WORKER";

static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
static POOL: Mutex<Option<mpsc::Sender<Request>>> = Mutex::new(None);

/// Sets the program that is started as a worker; the first call wins. Without it, it is this program.
pub fn set_program(program: impl Into<PathBuf>) {
    PROGRAM.get_or_init(|| program.into());
}

/// A worker's process and the ends of its wires. Dropped, the process is killed.
pub(super) struct Process {
    child: Option<Child>,
    /// The frames.
    pub(super) socket: Option<UnixStream>,
}

impl Process {
    /// The child itself.
    pub(super) fn child(&mut self) -> Option<&mut Child> {
        self.child.as_mut()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        if matches!(child.try_wait(), Ok(Some(_))) {
            return;
        }
        // Fails only for a process that is gone already.
        drop(child.kill());
        if let Some(pool) = &*POOL.lock().unwrap_or_else(PoisonError::into_inner) {
            // A full queue only means that the system buries it when this program ends.
            drop(pool.try_send(Request::Bury(child)));
        }
    }
}

enum Request {
    Take(oneshot::Sender<Result<Process>>),
    Warm,
    Bury(Child),
}

/// Takes the spare worker, or starts one.
pub(super) async fn take() -> Result<Process> {
    let (sender, receiver) = oneshot::channel();
    let gone = || Error::unexpected("start", "the thread that starts workers has ended");
    pool()?.send(Request::Take(sender)).await.map_err(|_ended| gone())?;
    receiver.await.map_err(|_ended| gone())?
}

/// Sees to it that the next job finds a worker ready.
pub(super) fn warm() {
    if let Ok(pool) = pool() {
        // Only a convenience: without it the next job starts its own.
        drop(pool.try_send(Request::Warm));
    }
}

fn pool() -> Result<mpsc::Sender<Request>> {
    let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = &*pool {
        return Ok(known.clone());
    }
    let (sender, receiver) = mpsc::channel(64);
    std::thread::Builder::new()
        .name("headwater-workers".to_owned())
        .spawn(move || tend(receiver))
        .map_err(|error| Error::io("start", "starting the thread that starts workers", &error))?;
    Ok(pool.insert(sender).clone())
}

fn tend(mut requests: mpsc::Receiver<Request>) {
    let mut spare: Option<Process> = None;
    let mut dying: Vec<Child> = Vec::new();
    while let Some(request) = requests.blocking_recv() {
        dying.retain_mut(|child| !matches!(child.try_wait(), Ok(Some(_))));
        match request {
            Request::Take(taker) => {
                let ready = spare.take().and_then(alive);
                // A taker that is gone drops the process, which ends it.
                drop(taker.send(ready.map_or_else(start, Ok)));
            }
            Request::Warm => {
                if spare.is_none() {
                    spare = start().inspect_err(|error| tracing::debug!(%error, "no spare worker")).ok();
                }
            }
            Request::Bury(child) => dying.push(child),
        }
    }
}

fn alive(mut process: Process) -> Option<Process> {
    let alive = process.child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)));
    alive.then_some(process)
}

fn start() -> Result<Process> {
    if std::env::var_os(MARK).is_some() {
        return Err(Error::unexpected("start", "a worker does not start workers"));
    }
    let program = program()?;
    let failed = |error| {
        Error::io("start", "starting a worker", &error).with("program", program.display().to_string())
    };
    let (ours, theirs) = UnixStream::pair().map_err(failed)?;
    let child = Command::new(&program)
        .arg("worker")
        .env_clear()
        .env(MARK, "1")
        .current_dir("/")
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        // Ctrl-C in a terminal is for us; we tell the worker.
        .process_group(0)
        .spawn()
        .map_err(failed)?;
    Ok(Process { child: Some(child), socket: Some(ours) })
}

fn program() -> Result<PathBuf> {
    if let Some(program) = PROGRAM.get() {
        return Ok(program.clone());
    }
    let own = std::env::current_exe().map_err(|error| Error::io("start", "finding this program", &error))?;
    // An update may have replaced the file; the running image is still there.
    if cfg!(target_os = "linux") && !own.exists() { Ok("/proc/self/exe".into()) } else { Ok(own) }
}
