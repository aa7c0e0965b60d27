//! Connections to one file: opened read-only and hardened, a few kept, one statement at a time on each.
//!
//! Every statement is written down through [`CallCtx::statement`] before it is sent. A progress handler
//! on SQLite's own thread stops it at its limits and on cancel, so that "stopped" is true of the work, not
//! only of our waiting. A connection whose statement did not end cleanly is thrown away.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::{FutureExt as _, TryStreamExt as _};
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, ConnectOptions as _};

use super::commands;
use super::counters::{self, Compiled, PageCounter, Pages, Steps};
use super::decode;
use super::errors;
use super::open::{self, LogChoice, OpenMode, Opening, Stamp};
use crate::job::{CallCtx, CancelReport, Flow};
use crate::model::cell::Cell;
use crate::model::command::EntryId;
use crate::model::{Error, Result};

/// Connections open at once to one file.
const MOST_CONNECTIONS: usize = 3;
/// How long SQLite waits for a lock. Short: who waits in line behind a writer holds up the next one.
const BUSY: Duration = Duration::from_millis(250);
/// Steps of the virtual machine between two looks at the limits.
const STEPS_A_LOOK: i32 = 250;

/// One statement, ready to be sent.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    /// Its entry of the command table.
    pub(super) entry: EntryId,
    /// The exact text.
    pub(super) text: String,
    /// Values of its parameters.
    pub(super) binds: Vec<Cell>,
}

impl Ask {
    /// A statement without values.
    pub(super) fn new(entry: EntryId, text: impl Into<String>) -> Self {
        Self { entry, text: text.into(), binds: Vec::new() }
    }

    /// With one value more.
    pub(super) fn bind(mut self, value: Cell) -> Self {
        self.binds.push(value);
        self
    }

    /// With one text more.
    pub(super) fn text(self, value: &str) -> Self {
        self.bind(Cell::Text(value.to_owned()))
    }
}

/// What the progress handler enforces inside SQLite.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Limits {
    /// Seconds.
    pub(super) seconds: Option<f64>,
    /// Bytes of pages read from the file.
    pub(super) bytes: Option<u64>,
    /// Page accesses, cached or not.
    pub(super) pages: Option<u64>,
}

/// Why the progress handler stopped a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stopped {
    /// We asked it to: cancelled, or enough rows.
    OnRequest,
    /// A limit was reached.
    AtLimit,
}

/// What one statement did.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ran {
    /// Rows it gave.
    pub(super) rows: u64,
    /// Pages it accessed.
    pub(super) pages: Pages,
    /// Steps it took.
    pub(super) steps: Steps,
    /// Whether a limit stopped it.
    pub(super) stopped: Option<Stopped>,
}

/// Takes the rows of a statement, one after the other.
pub(super) trait RowTaker: Send {
    /// Takes a row.
    fn row(&mut self, row: &SqliteRow) -> Result<()>;

    /// Called after each row: passes on what is ready.
    fn ready(&mut self) -> impl Future<Output = Result<Flow>> + Send;
}

struct Collect(Vec<Vec<Cell>>);

impl RowTaker for Collect {
    fn row(&mut self, row: &SqliteRow) -> Result<()> {
        self.0.push(decode::cells(row));
        Ok(())
    }

    async fn ready(&mut self) -> Result<Flow> {
        Ok(Flow::More)
    }
}

/// One open connection.
struct Connected {
    raw: SqliteConnection,
    page_bytes: u64,
    mode: OpenMode,
}

/// Access to one file.
pub(super) struct Link {
    choice: LogChoice,
    state: Mutex<State>,
    slots: tokio::sync::Semaphore,
}

struct State {
    opening: Opening,
    stamp: Option<Stamp>,
    generation: u64,
    idle: Vec<Connected>,
}

/// A connection taken for one use; given back when its statement ended cleanly.
pub(super) struct Taken<'a> {
    link: &'a Link,
    connected: Option<Connected>,
    generation: u64,
    page_bytes: u64,
    _slot: tokio::sync::SemaphorePermit<'a>,
}

impl Link {
    /// Access to a file that was looked at.
    pub(super) fn new(opening: Opening, choice: LogChoice) -> Self {
        let stamp = Stamp::of(&opening.path);
        Self {
            choice,
            state: Mutex::new(State { opening, stamp, generation: 0, idle: Vec::new() }),
            slots: tokio::sync::Semaphore::new(MOST_CONNECTIONS),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How the file is open now.
    pub(super) fn opening(&self) -> Opening {
        self.lock().opening.clone()
    }

    /// The file's stamp now; none if it is gone.
    pub(super) fn stamp(&self) -> Option<Stamp> {
        Stamp::of(&self.opening().path)
    }

    /// Whether the file was written to since it was opened.
    pub(super) fn was_written(&self) -> bool {
        let state = self.lock();
        Stamp::of(&state.opening.path) != state.stamp
    }

    /// An open connection, new or kept.
    pub(super) async fn take(&self, ctx: &CallCtx, stage: &str) -> Result<Taken<'_>> {
        let slot = tokio::select! {
            slot = self.slots.acquire() => slot,
            () = ctx.cancelled() => return Err(Error::cancelled(stage)),
        };
        let slot = slot.map_err(|closed| Error::unexpected(stage, closed))?;
        let (opening, generation, kept) = {
            let mut state = self.lock();
            self.follow(&mut state)?;
            (state.opening.clone(), state.generation, state.idle.pop())
        };
        let connected = match kept {
            Some(connected) => connected,
            None => connect(ctx, stage, &opening).await?,
        };
        Ok(Taken {
            link: self,
            page_bytes: connected.page_bytes,
            connected: Some(connected),
            generation,
            _slot: slot,
        })
    }

    /// An immutable connection sees no change of the file: open anew after one, as the file is now.
    fn follow(&self, state: &mut State) -> Result<()> {
        if state.opening.mode != OpenMode::Immutable {
            return Ok(());
        }
        let now = Stamp::of(&state.opening.path);
        if now != state.stamp {
            state.opening = open::look(&state.opening.path, self.choice)?;
            state.opening.notes.push("the file was written to while you look; it was opened anew".to_owned());
            state.stamp = now;
            state.generation += 1;
            state.idle.clear();
        }
        Ok(())
    }
}

async fn connect(ctx: &CallCtx, stage: &str, opening: &Opening) -> Result<Connected> {
    let options = SqliteConnectOptions::new()
        .filename(open::uri(opening)?)
        .read_only(true)
        .busy_timeout(BUSY)
        .statement_cache_capacity(4)
        .row_buffer_size(16)
        .thread_name(|id| format!("headwater-sqlite-{id}"))
        .pragma("query_only", "1")
        .pragma("trusted_schema", "0")
        .pragma("cell_size_check", "1")
        .pragma("cache_size", "-8192")
        .disable_statement_logging();
    let path = opening.path.display().to_string();
    let statement = ctx.statement(&commands::OPEN, commands::OPEN_TEXT).await?;
    let opened = async {
        let mut raw = options.connect().await?;
        counters::harden(&mut raw.lock_handle().await?);
        Ok::<_, sqlx::Error>(raw)
    };
    match opened.await {
        Ok(raw) => {
            statement.done(0).await?;
            Ok(Connected { raw, page_bytes: opening.page_bytes, mode: opening.mode })
        }
        Err(error) => Err(statement.failed(errors::of(stage, &error).with("path", path)).await),
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        if let Some(connected) = self.connected.take() {
            let mut state = self.link.lock();
            if state.generation == self.generation {
                state.idle.push(connected);
            }
        }
    }
}

/// Stops a running statement from outside, and knows why it was stopped.
#[derive(Default)]
struct Brake {
    pull: AtomicBool,
    why: AtomicU8,
}

impl Brake {
    fn pull(&self) {
        self.pull.store(true, Ordering::Release);
    }

    /// What the progress handler answers: whether to go on.
    fn look(&self, limits: &Limits, since: Instant, pages: Pages, page_bytes: u64) -> bool {
        let over = limits.seconds.is_some_and(|limit| since.elapsed().as_secs_f64() > limit)
            || limits.bytes.is_some_and(|limit| pages.misses * page_bytes > limit)
            || limits.pages.is_some_and(|limit| pages.touched() > limit);
        let why = if self.pull.load(Ordering::Acquire) {
            1
        } else if over {
            2
        } else {
            return true;
        };
        self.why.store(why, Ordering::Release);
        false
    }

    fn stopped(&self) -> Option<Stopped> {
        match self.why.load(Ordering::Acquire) {
            1 => Some(Stopped::OnRequest),
            2 => Some(Stopped::AtLimit),
            _ => None,
        }
    }
}

/// Pulls the brake when the waiting future is dropped, so that the thread does not work on for nobody.
struct PullOnDrop(Arc<Brake>);

impl Drop for PullOnDrop {
    fn drop(&mut self) {
        self.0.pull();
    }
}

fn arguments(binds: &[Cell]) -> Result<SqliteArguments> {
    use sqlx::Arguments as _;
    let mut arguments = SqliteArguments::default();
    for bind in binds {
        let added = match bind {
            Cell::Int(value) => arguments.add(*value),
            Cell::Float(value) => arguments.add(*value),
            Cell::Text(value) => arguments.add(value.clone()),
            Cell::Bytes(value) => arguments.add(value.clone()),
            Cell::Bool(value) => arguments.add(i64::from(*value)),
            Cell::Null => arguments.add(None::<i64>),
            other => return Err(Error::unexpected("send", format!("{other:?} is no value SQLite takes"))),
        };
        added.map_err(|error| Error::unexpected("send", error))?;
    }
    Ok(arguments)
}

impl Taken<'_> {
    /// Compiles a statement and looks at it; runs nothing.
    pub(super) async fn compile(&mut self, stage: &str, text: &str) -> Result<Compiled> {
        let Some(connected) = &mut self.connected else { return Err(gone(stage)) };
        let mut handle = connected.raw.lock_handle().await.map_err(|error| errors::of(stage, &error))?;
        counters::compile(&mut handle, text).map_err(|error| errors::of_compile(stage, &error))
    }

    /// Bytes of one page.
    pub(super) fn page_bytes(&self) -> u64 {
        self.page_bytes
    }

    /// Drops cached pages: what is read next is read from the file.
    pub(super) async fn drop_cache(&mut self, stage: &str) -> Result<()> {
        let Some(connected) = &mut self.connected else { return Err(gone(stage)) };
        let mut handle = connected.raw.lock_handle().await.map_err(|error| errors::of(stage, &error))?;
        counters::drop_cache(&mut handle);
        Ok(())
    }

    /// All rows of a small statement: a look into the catalogue.
    pub(super) async fn rows(&mut self, ctx: &CallCtx, stage: &str, ask: Ask) -> Result<Vec<Vec<Cell>>> {
        Ok(self.measured(ctx, stage, ask).await?.0)
    }

    /// All rows of a small statement, with what it did.
    pub(super) async fn measured(
        &mut self,
        ctx: &CallCtx,
        stage: &str,
        ask: Ask,
    ) -> Result<(Vec<Vec<Cell>>, Ran)> {
        let mut collect = Collect(Vec::new());
        let ran = self.run(ctx, stage, ask, Limits::default(), &mut collect).await?;
        Ok((collect.0, ran))
    }

    /// Sends a statement and gives its rows to `taker` until it has enough, a limit is reached or the call
    /// is cancelled. Counters are given even where the statement failed: they are in the call's meter.
    pub(super) async fn run<T: RowTaker>(
        &mut self,
        ctx: &CallCtx,
        stage: &str,
        ask: Ask,
        limits: Limits,
        taker: &mut T,
    ) -> Result<Ran> {
        let Some(mut connected) = self.connected.take() else { return Err(gone(stage)) };
        let brake = Arc::new(Brake::default());
        let pull_on_drop = PullOnDrop(Arc::clone(&brake));
        let (done, done_seen) = tokio::sync::watch::channel(false);
        let hook = ctx.on_cancel({
            let brake = Arc::clone(&brake);
            move || {
                brake.pull();
                let mut done_seen = done_seen;
                async move {
                    match done_seen.wait_for(|done| *done).await {
                        Ok(_) => CancelReport::StoppedOnServer,
                        Err(_) => CancelReport::AskedUnconfirmed,
                    }
                }
                .boxed()
            }
        });
        let before = brake_in(&mut connected, stage, &brake, limits).await?;
        let statement = ctx.statement(&ask.entry, &ask.text).await?;
        let mut rows = 0;
        let taken = feed(ctx, stage, &mut connected, ask, taker, &mut rows).await;
        // Whatever stopped us, the statement is to stop: the next line waits until its thread is free.
        brake.pull();
        let after = counters_now(&mut connected, stage).await;
        done.send_replace(true);
        drop((hook, pull_on_drop));
        let (pages, steps) = match after {
            Ok((pages, steps)) => (pages.since(before), steps),
            Err(error) => return Err(statement.failed(taken.err().unwrap_or(error)).await),
        };
        let mut ran = Ran { rows, pages, steps, stopped: None };
        match taken {
            Ok(Fed::All) => {}
            Ok(Fed::Enough) => ran.stopped = Some(Stopped::OnRequest),
            Err(error) => match (error.kind, brake.stopped()) {
                (crate::model::ErrorKind::Cancelled, Some(Stopped::AtLimit)) => {
                    ran.stopped = Some(Stopped::AtLimit);
                }
                _ => {
                    meter(ctx, &ran, connected.page_bytes, connected.mode);
                    self.connected = Some(connected);
                    let error = if ctx.is_cancelled() { Error::cancelled(stage) } else { error };
                    return Err(statement.failed(error).await);
                }
            },
        }
        meter(ctx, &ran, connected.page_bytes, connected.mode);
        self.connected = Some(connected);
        statement.done(rows).await?;
        Ok(ran)
    }
}

fn gone(stage: &str) -> Error {
    Error::unexpected(stage, "the connection was lost in an earlier statement")
}

/// How a statement ended for the taker.
enum Fed {
    All,
    Enough,
}

async fn feed<T: RowTaker>(
    ctx: &CallCtx,
    stage: &str,
    connected: &mut Connected,
    ask: Ask,
    taker: &mut T,
    rows: &mut u64,
) -> Result<Fed> {
    let query = sqlx::query_with(AssertSqlSafe(ask.text), arguments(&ask.binds)?).persistent(false);
    let mut stream = query.fetch(&mut connected.raw);
    loop {
        let next = tokio::select! {
            next = stream.try_next() => next,
            () = ctx.cancelled() => return Err(Error::cancelled(stage)),
        };
        match next.map_err(|error| errors::of(stage, &error))? {
            None => return Ok(Fed::All),
            Some(row) => {
                *rows += 1;
                taker.row(&row)?;
                if taker.ready().await? == Flow::Enough {
                    return Ok(Fed::Enough);
                }
            }
        }
    }
}

/// Puts the brake into the progress handler; gives the page counters before the statement.
async fn brake_in(
    connected: &mut Connected,
    stage: &str,
    brake: &Arc<Brake>,
    limits: Limits,
) -> Result<Pages> {
    let page_bytes = connected.page_bytes;
    let mut handle = connected.raw.lock_handle().await.map_err(|error| errors::of(stage, &error))?;
    counters::take_steps(&mut handle);
    let before = counters::pages(&mut handle);
    let counter = PageCounter::for_progress_handler(&mut handle);
    let (brake, since) = (Arc::clone(brake), Instant::now());
    handle.set_progress_handler(STEPS_A_LOOK, move || {
        brake.look(&limits, since, counter.pages().since(before), page_bytes)
    });
    Ok(before)
}

async fn counters_now(connected: &mut Connected, stage: &str) -> Result<(Pages, Steps)> {
    let mut handle = connected.raw.lock_handle().await.map_err(|error| errors::of(stage, &error))?;
    handle.remove_progress_handler();
    Ok((counters::pages(&mut handle), counters::take_steps(&mut handle)))
}

/// Seconds one step of SQLite's virtual machine is taken to last. An assumption, said wherever it is used.
pub(super) const SECONDS_A_STEP: f64 = 60e-9;

/// Bytes of pages a connection keeps.
pub(super) const CACHE_BYTES: f64 = 8_388_608.0;

/// Bytes at the start of the file that tell whether it changed.
const CHANGE_COUNTER_BYTES: u64 = 16;

/// Writes SQLite's own counters into the call's meter.
fn meter(ctx: &CallCtx, ran: &Ran, page_bytes: u64, mode: OpenMode) {
    use crate::model::load::Dim;
    let meter = ctx.meter();
    meter.add(
        Dim::BlocksTouched,
        ran.pages.touched() as f64,
        "SQLite: SQLITE_DBSTATUS_CACHE_HIT + SQLITE_DBSTATUS_CACHE_MISS",
    );
    // Under a rollback journal each statement reads the change counter again, whatever the cache holds.
    let counter = if mode == OpenMode::Rollback { CHANGE_COUNTER_BYTES } else { 0 };
    meter.add(
        Dim::BytesServer,
        (ran.pages.misses * page_bytes + counter) as f64,
        "SQLite: SQLITE_DBSTATUS_CACHE_MISS × page size, and the change counter",
    );
    meter.add(
        Dim::Cpu,
        ran.steps.vm as f64 * SECONDS_A_STEP,
        "SQLite: SQLITE_STMTSTATUS_VM_STEP, 60 ns each assumed",
    );
    meter.add(Dim::RoundTrips, 1.0, "statements sent");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_brake_holds_at_each_limit_and_on_request() {
        let pages = Pages { hits: 7, misses: 3 };
        for (limits, stopped) in [
            (Limits::default(), None),
            (Limits { pages: Some(10), ..Limits::default() }, None),
            (Limits { pages: Some(9), ..Limits::default() }, Some(Stopped::AtLimit)),
            (Limits { bytes: Some(3 * 4096), ..Limits::default() }, None),
            (Limits { bytes: Some(3 * 4096 - 1), ..Limits::default() }, Some(Stopped::AtLimit)),
            (Limits { seconds: Some(3600.0), ..Limits::default() }, None),
            (Limits { seconds: Some(-1.0), ..Limits::default() }, Some(Stopped::AtLimit)),
        ] {
            let brake = Brake::default();
            assert_eq!(brake.look(&limits, Instant::now(), pages, 4096), stopped.is_none());
            assert_eq!(brake.stopped(), stopped);
            brake.pull();
            assert!(!brake.look(&limits, Instant::now(), pages, 4096));
            assert_eq!(brake.stopped(), Some(Stopped::OnRequest));
        }
    }
}
