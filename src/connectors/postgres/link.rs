//! Connections to one database: one for everything, a second for look-ups while the first is reading, a third
//! for the moment of a cancel. One message at a time on each.
//!
//! Invariants: a message is written down before it is sent · a message opens its transaction read-only and
//! ends it, so that no session of a pooler keeps anything of ours · no statement is prepared · a connection
//! that did not come back clean is closed, never used again.

mod stream;

use std::borrow::Cow;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::{FutureExt as _, StreamExt as _};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Column as _, ConnectOptions as _, Either, Executor as _, Row as _, ValueRef as _};
pub(super) use stream::PieceTaker;
use tokio::sync::MutexGuard;

use super::catalog;
use super::commands as sent;
use super::errors;
use crate::job::{CallCtx, CancelReport, Flow};
use crate::kit::net::WayIn;
use crate::model::command::EntryId;
use crate::model::error::Retry;
use crate::model::load::Dim;
use crate::model::node::PageRequest;
use crate::model::{Error, ErrorKind, Result};

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How long the server may work on a look-up.
pub(super) const LOOK_UP: Duration = Duration::from_secs(5);
/// How much longer than the server's own limit we wait for its answer.
const GRACE: Duration = Duration::from_secs(3);
/// How long a cancel waits for the server to confirm.
const CONFIRM: Duration = Duration::from_secs(4);
/// For how long what was told while connecting is no old news.
const JUST_NOW: Duration = Duration::from_secs(10);
/// How long a stopped read waits for its end and its counters: who stopped it waits for something else.
const SETTLE: Duration = Duration::from_secs(2);

/// One answer of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    /// Names and type numbers of its columns; empty if no row came.
    pub(super) columns: Vec<(String, u32)>,
    /// Its rows, as the server writes values.
    pub(super) rows: Vec<Vec<Option<String>>>,
}

/// Which schemas names without one are looked up in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Names {
    /// Ours: the system catalogue alone, whatever the role's settings say.
    Catalog,
    /// The role's own, for a query of the user's.
    Role,
}

/// What the server says of itself and of us.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct About {
    /// Its own words.
    pub(super) version: String,
    /// As a number: 150018.
    pub(super) version_number: u32,
    /// The database.
    pub(super) database: String,
    /// The login.
    pub(super) user: String,
    /// Whether it is a replica.
    pub(super) is_replica: bool,
    /// Bytes of a block.
    pub(super) block_bytes: u64,
    /// Bytes of its cache, in its own words.
    pub(super) cache: String,
    /// Encoding of the database.
    pub(super) encoding: String,
    /// Whether this login could change things, were the transaction not read-only.
    pub(super) may_write: bool,
    /// Whether `\` in a text is a plain character, as the gate reads it. A message is cut apart before any of it
    /// runs, so that the setting can't be made in the message itself.
    pub(super) is_standard: bool,
}

/// How to reach the database; cheap to share.
#[derive(Clone)]
pub(super) struct Dial {
    options: Arc<PgConnectOptions>,
    /// For messages: host and port.
    shown: Arc<str>,
    tag: Arc<str>,
    /// The way to the server, where it is not reached directly.
    way: Option<Arc<WayIn>>,
}

/// The connections.
pub(super) struct Link {
    dial: Dial,
    first: tokio::sync::Mutex<Option<PgConnection>>,
    second: tokio::sync::Mutex<Option<PgConnection>>,
    about: Mutex<About>,
    /// The first page of schemas, until it is asked for: it came with the first answer.
    schemas: Mutex<Option<(Instant, Answer)>>,
}

/// Takes the rows of a message, one after the other.
pub(super) trait RowTaker: Send {
    /// Takes a row of the answer of this number.
    fn row(&mut self, answer: usize, row: &PgRow) -> Result<()>;

    /// Called after each row: passes on what is ready.
    fn ready(&mut self) -> impl Future<Output = Result<Flow>> + Send;
}

/// The value of a column as the server writes it.
pub(super) fn raw(row: &PgRow, column: usize) -> Option<&[u8]> {
    row.try_get_raw(column).ok().filter(|value| !value.is_null()).and_then(|value| value.as_bytes().ok())
}

#[derive(Default)]
struct Collect(Vec<Answer>);

impl Collect {
    fn answer(&mut self, number: usize) -> &mut Answer {
        if self.0.len() <= number {
            self.0.resize_with(number + 1, Answer::default);
        }
        &mut self.0[number]
    }
}

impl RowTaker for Collect {
    fn row(&mut self, number: usize, row: &PgRow) -> Result<()> {
        let answer = self.answer(number);
        if answer.columns.is_empty() {
            answer.columns = columns_of(row);
        }
        let cells = (0..row.len())
            .map(|column| raw(row, column).map(|text| String::from_utf8_lossy(text).into_owned()));
        let cells = cells.collect();
        answer.rows.push(cells);
        Ok(())
    }

    async fn ready(&mut self) -> Result<Flow> {
        Ok(Flow::More)
    }
}

/// Names and type numbers of a row's columns.
pub(super) fn columns_of(row: &PgRow) -> Vec<(String, u32)> {
    let named = |column: &sqlx::postgres::PgColumn| {
        (column.name().to_owned(), column.type_info().oid().map_or(0, |oid| oid.0))
    };
    row.columns().iter().map(named).collect()
}

impl Dial {
    /// A way to a database. `shown` names it in errors.
    pub(super) fn new(options: PgConnectOptions, shown: &str) -> Self {
        let options = options
            .application_name("headwater")
            .statement_cache_capacity(0)
            .extra_float_digits(None)
            .disable_statement_logging();
        let tag = uuid::Uuid::new_v4().simple().to_string();
        let tag = tag.get(..12).unwrap_or("headwater");
        Self { options: Arc::new(options), shown: shown.into(), tag: tag.into(), way: None }
    }

    /// The same through a way in, which stays open as long as this is used.
    pub(super) fn through(self, way: Option<WayIn>) -> Self {
        Self { way: way.map(Arc::new), ..self }
    }

    async fn dial(&self, stage: &str) -> Result<PgConnection> {
        let connecting = self.options.connect();
        match tokio::time::timeout(CONNECT, connecting).await {
            Ok(connected) => connected.map_err(|error| {
                let error = errors::of(stage, &error).with("server", self.shown.to_string());
                self.way.as_ref().map_or(error.clone(), |way| way.explain(error))
            }),
            Err(late) => Err(Error::new(
                ErrorKind::Timeout,
                stage,
                format!("nothing answered within {} s: {late}", CONNECT.as_secs()),
            )
            .hint("check host, port and network; a firewall may drop the packets")
            .retry(Retry::Later)
            .with("server", self.shown.to_string())),
        }
    }

    /// What every message begins with.
    fn begin(&self, version: u32, limit: Duration, names: Names) -> String {
        let path = match names {
            Names::Catalog => "; SET LOCAL search_path = pg_catalog",
            Names::Role => "",
        };
        // From 14 on the server notices by itself that nobody listens any more.
        let watch =
            if version >= 140_000 { "; SET LOCAL client_connection_check_interval = 2000" } else { "" };
        format!(
            "/* headwater {} */ BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED READ ONLY; SET LOCAL statement_timeout = {}; SET LOCAL lock_timeout = 500; SET LOCAL idle_in_transaction_session_timeout = 30000; SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL synchronize_seqscans = off; SET LOCAL DateStyle = 'ISO, YMD'; SET LOCAL IntervalStyle = 'iso_8601'; SET LOCAL TimeZone = 'UTC'; SET LOCAL bytea_output = 'hex'; SET LOCAL extra_float_digits = 3; SET LOCAL xmloption = 'content'{watch}{path}; ",
            self.tag,
            limit.as_millis(),
        )
    }

    fn tag_pattern(&self) -> String {
        format!("'/* headwater {} */%'", self.tag)
    }

    /// How many of our statements run on the server, asked on a connection of its own.
    async fn running(&self, ctx: &CallCtx, on: &mut PgConnection) -> Result<u64> {
        let text = template_text(&sent::ALIVE, &self.tag_pattern());
        let rows = on_the_side(ctx, on, &sent::ALIVE, &text).await?;
        Ok(rows.first().and_then(|row| row.first()?.as_deref()?.parse().ok()).unwrap_or(0))
    }

    /// Stops our statement and waits until the server says that it stopped.
    async fn stop(&self, ctx: &CallCtx) -> CancelReport {
        let Ok(mut side) = self.dial("cancel").await else { return CancelReport::OnlyWeStopped };
        let text = template_text(&sent::CANCEL, &self.tag_pattern());
        if on_the_side(ctx, &mut side, &sent::CANCEL, &text).await.is_err() {
            return CancelReport::OnlyWeStopped;
        }
        let confirmed = tokio::time::timeout(CONFIRM, async {
            let mut wait = Duration::from_millis(5);
            while self.running(ctx, &mut side).await? > 0 {
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(Duration::from_millis(200));
            }
            Ok::<_, Error>(())
        });
        let report = match confirmed.await {
            Ok(Ok(())) => CancelReport::StoppedOnServer,
            _ => CancelReport::AskedUnconfirmed,
        };
        // The report stands whether or not the farewell arrives.
        let _farewell = sqlx::Connection::close(side).await;
        report
    }
}

/// The text of an entry whose one placeholder is the tag.
fn template_text(entry: &EntryId, tag: &str) -> String {
    let template = sent::COMMANDS.iter().find(|known| known.id == *entry).map_or("", |known| known.template);
    template.replace("{tag}", tag)
}

/// Sends a message that stops or watches; it may be sent although the call was cancelled.
async fn on_the_side(
    ctx: &CallCtx,
    on: &mut PgConnection,
    entry: &EntryId,
    text: &str,
) -> Result<Vec<Vec<Option<String>>>> {
    let statement = ctx.clean_up_statement(entry, text).await?;
    let mut collect = Collect::default();
    match tokio::time::timeout(LOOK_UP, exchange(on, text, &mut collect)).await {
        Ok(Ok(_)) => {
            let rows = collect.0.into_iter().next().unwrap_or_default().rows;
            statement.done(rows.len() as u64).await?;
            Ok(rows)
        }
        Ok(Err(Failed::Driver(error))) => Err(statement.failed(errors::of("cancel", &error)).await),
        Ok(Err(Failed::Ours(error))) => Err(statement.failed(error).await),
        Err(late) => Err(statement.failed(too_late("cancel", LOOK_UP, &late)).await),
    }
}

fn too_late(stage: &str, waited: Duration, late: &tokio::time::error::Elapsed) -> Error {
    Error::new(
        ErrorKind::Timeout,
        stage,
        format!("the server did not answer within {:.0} s: {late}", waited.as_secs_f64()),
    )
    .hint("check the network; the connection was closed, and the server stops by its own limit")
    .retry(Retry::Later)
}

/// Why an exchange ended early.
pub(super) enum Failed {
    /// The server or the wire.
    Driver(sqlx::Error),
    /// Whoever takes the rows.
    Ours(Error),
}

/// Sends one message and passes its rows on. Gives whether all was taken (else the connection is cut).
async fn exchange(
    on: &mut PgConnection,
    text: &str,
    taker: &mut impl RowTaker,
) -> std::result::Result<Flow, Failed> {
    // The driver believes the lengths it is told: an answer that was corrupted on its way makes it panic.
    match AssertUnwindSafe(believe(on, text, taker)).catch_unwind().await {
        Ok(exchanged) => exchanged,
        Err(_panic) => {
            let why = "the answer is not in the server's protocol; it was changed on its way".to_owned();
            Err(Failed::Driver(sqlx::Error::Protocol(why)))
        }
    }
}

async fn believe(
    on: &mut PgConnection,
    text: &str,
    taker: &mut impl RowTaker,
) -> std::result::Result<Flow, Failed> {
    let mut answers = on.fetch_many(sqlx::raw_sql(AssertSqlSafe(text.to_owned())));
    let mut number = 0;
    while let Some(next) = answers.next().await {
        match next.map_err(Failed::Driver)? {
            Either::Left(_) => number += 1,
            Either::Right(row) => {
                taker.row(number, &row).map_err(Failed::Ours)?;
                if taker.ready().await.map_err(Failed::Ours)? == Flow::Enough {
                    return Ok(Flow::Enough);
                }
            }
        }
    }
    Ok(Flow::More)
}

/// Leaves out the answers of what opens the transaction.
struct Behind<'a, T> {
    opening: usize,
    taker: &'a mut T,
}

impl<T: RowTaker> RowTaker for Behind<'_, T> {
    fn row(&mut self, answer: usize, row: &PgRow) -> Result<()> {
        match answer.checked_sub(self.opening) {
            Some(answer) => self.taker.row(answer, row),
            None => Ok(()),
        }
    }

    async fn ready(&mut self) -> Result<Flow> {
        self.taker.ready().await
    }
}

/// A connection held for the time of a call. What is not given back is closed.
pub(super) struct Held<'a> {
    link: &'a Link,
    slot: MutexGuard<'a, Option<PgConnection>>,
    connection: Option<PgConnection>,
    /// Whether it lay idle before: then it may be dead, and a look-up may be asked once more.
    was_idle: bool,
    /// The connection of a read that was stopped behind its savepoint: its transaction still knows what it did
    /// cost. Used for that, then closed.
    stopped: Option<PgConnection>,
}

impl Link {
    /// Connects and asks who answers.
    pub(super) async fn connect(ctx: &CallCtx, dial: Dial) -> Result<Self> {
        let link = Self {
            dial,
            first: tokio::sync::Mutex::default(),
            second: tokio::sync::Mutex::default(),
            about: Mutex::default(),
            schemas: Mutex::default(),
        };
        let schemas = catalog::schemas_question(&PageRequest::first())?;
        let body = format!("{}; {schemas}", sent::SESSION_TEXT);
        let mut answers = link.ask(ctx, "connect", &sent::SESSION, &body).await?.into_iter();
        let about = about_of(answers.next().as_ref())?;
        *link.about.lock().unwrap_or_else(PoisonError::into_inner) = about;
        let told = answers.next().map(|schemas| (Instant::now(), schemas));
        *link.schemas.lock().unwrap_or_else(PoisonError::into_inner) = told;
        Ok(link)
    }

    /// The first page of schemas as told while connecting; once, and only if that was just now.
    pub(super) fn take_first_schemas(&self) -> Option<Answer> {
        let told = self.schemas.lock().unwrap_or_else(PoisonError::into_inner).take();
        told.filter(|(since, _)| since.elapsed() < JUST_NOW).map(|(_, schemas)| schemas)
    }

    /// What the server said of itself.
    pub(super) fn about(&self) -> About {
        self.about.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The text of a message: the transaction around what is asked.
    pub(super) fn message(&self, body: &str, limit: Duration, names: Names) -> String {
        format!("{}{body}; COMMIT", self.opening(limit, names))
    }

    /// What opens a transaction.
    pub(super) fn opening(&self, limit: Duration, names: Names) -> String {
        self.dial.begin(self.about().version_number, limit, names)
    }

    /// The mark by which the server's list of activity shows what is ours.
    pub(super) fn marked(&self, text: &str) -> String {
        format!("/* headwater {} */ {text}", self.dial.tag)
    }

    /// Holds a connection for a read.
    pub(super) async fn hold(&self, ctx: &CallCtx, stage: &str) -> Result<Held<'_>> {
        let slot = tokio::select! {
            slot = self.first.lock() => slot,
            () = ctx.cancelled() => return Err(Error::cancelled(stage)),
        };
        self.held(ctx, stage, slot).await
    }

    async fn held<'a>(
        &'a self,
        ctx: &CallCtx,
        stage: &str,
        mut slot: MutexGuard<'a, Option<PgConnection>>,
    ) -> Result<Held<'a>> {
        ctx.check(stage)?;
        let idle = slot.take();
        let was_idle = idle.is_some();
        let connection = match idle {
            Some(connection) => connection,
            None => tokio::select! {
                connected = self.dial.dial(stage) => connected?,
                () = ctx.cancelled() => return Err(Error::cancelled(stage)),
            },
        };
        // What was told while connecting is for the tree that is asked for first, and for nothing later.
        drop(self.schemas.lock().unwrap_or_else(PoisonError::into_inner).take());
        Ok(Held { link: self, slot, connection: Some(connection), was_idle, stopped: None })
    }

    /// Asks the catalogue: one message, one round trip. A dead idle connection is replaced once, since asking
    /// twice changes nothing.
    pub(super) async fn ask(
        &self,
        ctx: &CallCtx,
        stage: &str,
        entry: &EntryId,
        body: &str,
    ) -> Result<Vec<Answer>> {
        self.ask_as(ctx, stage, entry, body, Names::Catalog).await
    }

    /// Sends a look-up that a plan holds, as it is.
    pub(super) async fn send_look_up(
        &self,
        ctx: &CallCtx,
        stage: &str,
        entry: &EntryId,
        text: &str,
    ) -> Result<Vec<Answer>> {
        let mut held = self.hold(ctx, stage).await?;
        let mut collect = Collect::default();
        let ended = held.send(ctx, stage, entry, text, LOOK_UP, &mut collect).await;
        held.give_back();
        ended.map(|_| collect.0)
    }

    /// The same with the role's own search path, for what a query of the user's means.
    pub(super) async fn ask_as(
        &self,
        ctx: &CallCtx,
        stage: &str,
        entry: &EntryId,
        body: &str,
        names: Names,
    ) -> Result<Vec<Answer>> {
        for is_last in [false, true] {
            let slot = match self.first.try_lock() {
                Ok(slot) => slot,
                Err(_busy) => tokio::select! {
                    slot = self.second.lock() => slot,
                    () = ctx.cancelled() => return Err(Error::cancelled(stage)),
                },
            };
            let mut held = self.held(ctx, stage, slot).await?;
            let may_be_dead = held.was_idle;
            let text = self.message(body, LOOK_UP, names);
            let mut collect = Collect::default();
            match held.send(ctx, stage, entry, &text, LOOK_UP, &mut collect).await {
                Ok(_) => {
                    held.give_back();
                    return Ok(collect.0);
                }
                Err(error) => {
                    let lost = held.connection.is_none() && error.kind == ErrorKind::Unreachable;
                    held.give_back();
                    if is_last || !may_be_dead || !lost {
                        return Err(error);
                    }
                }
            }
        }
        Err(Error::unexpected(stage, "a look-up that was neither answered nor refused"))
    }
}

impl Held<'_> {
    /// Sends one message with its transaction and passes the rows of its own answers on. Afterwards the
    /// connection is clean, or closed. Gives [`Flow::Enough`] if the taker wanted no more.
    pub(super) async fn send(
        &mut self,
        ctx: &CallCtx,
        stage: &str,
        entry: &EntryId,
        text: &str,
        limit: Duration,
        taker: &mut impl RowTaker,
    ) -> Result<Flow> {
        let statement = ctx.statement(entry, text).await?;
        let Some(mut connection) = self.connection.take() else {
            return Err(statement.failed(Error::unexpected(stage, "the connection is closed")).await);
        };
        let mut taker = Behind { opening: opening_of(text), taker };
        let hook = self.canceller(ctx);
        let deadline = limit + GRACE;
        let ended = tokio::select! {
            biased;
            () = ctx.cancelled() => None,
            ended = tokio::time::timeout(deadline, exchange(&mut connection, text, &mut taker)) => Some(ended),
        };
        drop(hook);
        ctx.meter().add(Dim::RoundTrips, 1.0, "messages sent to the server and answered");
        match ended {
            None => {
                self.keep_stopped(connection, text);
                Err(statement.failed(Error::cancelled(stage)).await)
            }
            Some(Ok(Ok(Flow::More))) => {
                self.connection = Some(connection);
                statement.done(0).await?;
                Ok(Flow::More)
            }
            Some(Ok(Ok(Flow::Enough))) => {
                // Rows are still on their way: the statement is stopped there and the connection closed.
                self.stop(ctx).await;
                self.keep_stopped(connection, text);
                statement.done(0).await?;
                Ok(Flow::Enough)
            }
            Some(Ok(Err(Failed::Ours(error)))) => {
                self.stop(ctx).await;
                self.keep_stopped(connection, text);
                Err(statement.failed(error).await)
            }
            Some(Ok(Err(Failed::Driver(error)))) => {
                let told = statement.failed(self.told(stage, &error)).await;
                if errors::is_from_server(&error) {
                    match told.kind {
                        // Its own limit, or somebody else's cancel.
                        ErrorKind::Timeout | ErrorKind::Cancelled if has_savepoint(text) => {
                            self.keep_stopped(connection, text);
                        }
                        _ => self.roll_back(ctx, connection).await?,
                    }
                }
                Err(told)
            }
            Some(Err(late)) => {
                self.stop(ctx).await;
                Err(statement.failed(too_late(stage, deadline, &late)).await)
            }
        }
    }

    /// Gives a read up whose rows make no sense: it is over, and costs what it did cost.
    pub(super) fn give_up(&mut self) {
        self.stopped = self.connection.take();
    }

    fn keep_stopped(&mut self, connection: PgConnection, text: &str) {
        if has_savepoint(text) {
            self.stopped = Some(connection);
        }
    }

    /// Asks the transaction of a read that was stopped, however it was, what it did cost. Gives nothing where no
    /// savepoint was reached or nobody answers in time: a read that was stopped is over either way.
    pub(super) async fn settle(&mut self, ctx: &CallCtx, text: &str) -> Result<Option<Vec<Option<String>>>> {
        let Some(mut connection) = self.stopped.take() else { return Ok(None) };
        let statement = ctx.clean_up_statement(&sent::STOPPED, text).await?;
        let asked = tokio::time::timeout(SETTLE, async {
            // What is left of the stopped message ends in its error before ours is sent.
            for is_last in [false, true] {
                let mut collect = Collect::default();
                match exchange(&mut connection, text, &mut collect).await {
                    Ok(_) => return Ok(collect.0),
                    Err(Failed::Driver(error)) if !is_last && errors::is_from_server(&error) => {}
                    Err(Failed::Driver(error)) => return Err(errors::of("read", &error)),
                    Err(Failed::Ours(error)) => return Err(error),
                }
            }
            Ok(Vec::new())
        });
        match asked.await {
            Ok(Ok(answers)) => {
                let counted = answers.into_iter().find_map(|answer| answer.rows.into_iter().next());
                statement.done(u64::from(counted.is_some())).await?;
                // The server is told; whether the farewell arrives does not matter.
                let _farewell = tokio::time::timeout(GRACE, sqlx::Connection::close(connection)).await;
                Ok(counted)
            }
            Ok(Err(error)) => {
                statement.failed(error).await;
                Ok(None)
            }
            Err(late) => {
                statement.failed(too_late("read", SETTLE, &late)).await;
                Ok(None)
            }
        }
    }

    fn told(&self, stage: &str, error: &sqlx::Error) -> Error {
        let told = errors::of(stage, error);
        match told.kind {
            ErrorKind::Unreachable | ErrorKind::Decode => {
                told.with("server", self.link.dial.shown.to_string())
            }
            _ => told,
        }
    }

    /// The rest of a message is skipped by the server after an error; its transaction must be ended.
    async fn roll_back(&mut self, ctx: &CallCtx, mut connection: PgConnection) -> Result<()> {
        let statement = ctx.clean_up_statement(&sent::ROLLBACK, sent::ROLLBACK_TEXT).await?;
        let mut nothing = Collect::default();
        let rolled = exchange(&mut connection, sent::ROLLBACK_TEXT, &mut nothing);
        match tokio::time::timeout(GRACE, rolled).await {
            Ok(Ok(_)) => {
                self.connection = Some(connection);
                statement.done(0).await
            }
            // The connection is closed instead, which ends the transaction as well.
            Ok(Err(_)) | Err(_) => {
                let error = Error::new(ErrorKind::Unreachable, "read", "the rollback was not answered");
                statement.failed(error).await;
                Ok(())
            }
        }
    }

    fn canceller(&self, ctx: &CallCtx) -> crate::job::HookGuard {
        let (dial, call) = (self.link.dial.clone(), ctx.clone());
        ctx.on_cancel(move || async move { dial.stop(&call).await }.boxed())
    }

    async fn stop(&self, ctx: &CallCtx) {
        // What it reached is told by the statement's own end.
        let _reached = self.link.dial.stop(ctx).await;
    }

    /// Keeps the connection for the next call, if it is clean.
    pub(super) fn give_back(mut self) {
        *self.slot = self.connection.take();
    }
}

/// Whether a message can be taken back to before its read.
fn has_savepoint(text: &str) -> bool {
    text.contains(sent::SAVEPOINT_TEXT)
}

/// How many statements of a message open its transaction: those have no answer of interest.
fn opening_of(text: &str) -> usize {
    let Some((_, rest)) = text.split_once("BEGIN TRANSACTION") else { return 0 };
    1 + rest.split("; ").skip(1).take_while(|statement| statement.starts_with("SET LOCAL ")).count()
}

fn about_of(answer: Option<&Answer>) -> Result<About> {
    let row = answer.and_then(|answer| answer.rows.first());
    let text = |column: usize| row.and_then(|row| row.get(column)?.as_deref()).map(Cow::Borrowed);
    let Some(version) = text(0) else {
        return Err(Error::new(ErrorKind::Decode, "connect", "the server does not say who it is")
            .hint("is this PostgreSQL? products that only speak its protocol may lack its catalogue"));
    };
    let is = |column: usize| text(column).as_deref() == Some("t");
    let owned = |column: usize| text(column).unwrap_or_default().into_owned();
    Ok(About {
        version: version.into_owned(),
        version_number: text(1).and_then(|number| number.parse().ok()).unwrap_or(0),
        database: owned(2),
        user: owned(3),
        is_replica: is(4),
        block_bytes: text(5).and_then(|bytes| bytes.parse().ok()).unwrap_or(8_192),
        cache: owned(6),
        encoding: owned(7),
        may_write: is(8) || is(9),
        is_standard: text(10).as_deref() != Some("off"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_opens_a_message_is_told_from_what_is_asked() {
        let dial = Dial::new(PgConnectOptions::new_without_pgpass(), "here");
        for (version, names) in [(0, Names::Catalog), (150_000, Names::Role), (180_000, Names::Catalog)] {
            let text = dial.begin(version, LOOK_UP, names);
            assert_eq!(opening_of(&text), text.matches("; ").count(), "{text}");
            assert_eq!(opening_of(&format!("{text}SELECT 'a; SET LOCAL b'; COMMIT")), opening_of(&text));
        }
        assert_eq!(opening_of("ROLLBACK"), 0);
    }
}
