//! What was asked of whom: every read with its estimate beside its actual, every statement, refusals too.
//! One SQLite file in WAL mode serves the window and the headless face at once.
//!
//! - A row is written as started **before** anything is sent and completed at the end. Whoever sends must
//!   not send when the row could not be written.
//! - A crash leaves its rows open: they count as a lower bound and are listed as
//!   [`Outcome::EndedWithoutWord`] once their session is gone.
//! - Append-only: an end is written once, no row is changed afterwards or removed (triggers hold it).
//! - Every text passes the redactor given at opening before it is written; the ledger can't be opened
//!   without one.
//! - A ledger that could not be opened on disk may live in memory, as a state that the faces show: see
//!   [`Home`].
//!
//! After the power fails, the last rows may be missing; after a kill none are.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

use crate::model::error::Retry;
use crate::model::{Error, ErrorKind, Result};

mod csv;
mod list;
mod sessions;
mod write;

pub use list::{Filter, Outcome, Page, ReadRow, StatementRow, Totals};
pub use write::{NewRead, NewStatement, ReadEnding, ReadId, StatementEnding, StatementId};

use sessions::Alive;

/// Stage of every error here.
const STAGE: &str = "ledger";

/// Takes secrets out of a text; the application gives `safety::redact::redact`.
pub type Redactor = for<'a> fn(&'a str) -> Cow<'a, str>;

/// How long a write waits for another process's.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Every version's step from the one before it; each ends by setting `user_version`.
const MIGRATIONS: [&str; 1] = [include_str!("schema.sql")];

/// Where a ledger is kept. The faces say it when it is not on disk.
#[derive(Clone, Debug, PartialEq)]
pub enum Home {
    /// In this file.
    Disk(PathBuf),
    /// In memory until the end of this run, because the file could not be used.
    Memory {
        /// Why, with what to do.
        why: Error,
    },
}

/// The ledger of this run. Clones share it.
#[derive(Clone)]
pub struct Ledger(Arc<Inner>);

struct Inner {
    pool: SqlitePool,
    home: Home,
    session: uuid::Uuid,
    redact: Redactor,
    alive: Alive,
}

impl Ledger {
    /// Opens the ledger of a file, made if absent, and starts a session in it.
    ///
    /// # Errors
    /// `denied` (read-only), `budget` (disk full), `decode` (no ledger, or a corrupt one; it is left as it
    /// is), `unsupported` (made by a later version), `timeout` (locked for too long).
    pub async fn open(path: &Path, redact: Redactor) -> Result<Self> {
        let home = Home::Disk(path.to_owned());
        let opened = async {
            // One process at a time makes, migrates and sweeps.
            let lock = super::atomic::lock(&path.with_extension("lock")).await?;
            let pool = connect(path).await?;
            let alive = Alive::announce(path)?;
            let ledger = Self::begin(pool, home, alive, redact).await?;
            drop(lock);
            Ok(ledger)
        };
        opened.await.map_err(|error: Error| error.with("ledger", path.display().to_string()))
    }

    /// A ledger in memory, for the reason given. It is gone at the end of this run.
    ///
    /// # Errors
    /// Only if SQLite itself fails.
    pub async fn in_memory(why: Error, redact: Redactor) -> Result<Self> {
        let options = SqliteConnectOptions::new().in_memory(true).foreign_keys(true);
        // The one connection is the database: it must never be given up.
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .min_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options)
            .await
            .map_err(|error| failed("opening a ledger in memory", &error))?;
        migrate(&pool).await?;
        Self::begin(pool, Home::Memory { why }, Alive::nowhere(), redact).await
    }

    /// Opens the ledger of a file; if that fails, one in memory whose [`Home`] says why.
    ///
    /// # Errors
    /// Only if SQLite itself fails.
    pub async fn open_or_memory(path: &Path, redact: Redactor) -> Result<Self> {
        match Self::open(path, redact).await {
            Ok(ledger) => Ok(ledger),
            Err(why) => Self::in_memory(why, redact).await,
        }
    }

    /// Where it is kept.
    pub fn home(&self) -> &Home {
        &self.0.home
    }

    /// Id of this run in the ledger.
    pub fn session(&self) -> uuid::Uuid {
        self.0.session
    }

    /// Ends the session and gives the file free.
    pub async fn close(self) {
        self.0.pool.close().await;
    }

    async fn begin(pool: SqlitePool, home: Home, alive: Alive, redact: Redactor) -> Result<Self> {
        let session = alive.session();
        sqlx::query("INSERT INTO sessions (id, started_at, version, process) VALUES (?1, ?2, ?3, ?4)")
            .bind(session.to_string())
            .bind(now())
            .bind(env!("CARGO_PKG_VERSION"))
            .bind(i64::from(std::process::id()))
            .execute(&pool)
            .await
            .map_err(|error| failed("starting a session in the ledger", &error))?;
        Ok(Self(Arc::new(Inner { pool, home, session, redact, alive })))
    }

    fn pool(&self) -> &SqlitePool {
        &self.0.pool
    }

    fn redact(&self, text: &str) -> String {
        (self.0.redact)(text).into_owned()
    }
}

async fn connect(path: &Path) -> Result<SqlitePool> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT);
    let pool = SqlitePoolOptions::new()
        .max_connections(2)
        .acquire_timeout(BUSY_TIMEOUT * 2)
        .connect_with(options)
        .await
        .map_err(|error| failed("opening the ledger", &error))?;
    match migrate(&pool).await {
        Ok(()) => Ok(pool),
        Err(error) => {
            pool.close().await;
            Err(error)
        }
    }
}

/// Brings the file to this version's schema, step by step, each whole or not at all.
async fn migrate(pool: &SqlitePool) -> Result<()> {
    let version: i64 = sqlx::query_scalar("SELECT user_version FROM pragma_user_version()")
        .fetch_one(pool)
        .await
        .map_err(|error| failed("reading the version of the ledger", &error))?;
    let known = usize::try_from(version).unwrap_or(usize::MAX);
    if known > MIGRATIONS.len() {
        return Err(Error::new(
            ErrorKind::Unsupported,
            STAGE,
            format!("the ledger has version {version}, this headwater knows up to {}", MIGRATIONS.len()),
        )
        .hint("use the later headwater that wrote it, or another folder with --data-dir")
        .retry(Retry::AfterChange));
    }
    for step in MIGRATIONS.iter().skip(known) {
        let run = async {
            let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
            sqlx::raw_sql(*step).execute(&mut *transaction).await?;
            transaction.commit().await
        };
        run.await.map_err(|error| failed("bringing the ledger to this version", &error))?;
    }
    Ok(())
}

/// Now, with as many digits always, so that text sorts as time.
fn now() -> String {
    format!("{:.6}", jiff::Timestamp::now())
}

/// An error of SQLite as one of ours.
fn failed(attempted: &str, error: &sqlx::Error) -> Error {
    let (code, said) = match error {
        sqlx::Error::Database(database) => (
            database.code().and_then(|code| code.parse::<u32>().ok()).map(|code| code & 0xff),
            database.message().to_owned(),
        ),
        sqlx::Error::PoolTimedOut => (Some(5), "no connection became free".to_owned()),
        other => (None, other.to_string()),
    };
    // Primary result codes of SQLite.
    let (kind, hint, retry) = match code {
        Some(3 | 8 | 14 | 23) => (
            ErrorKind::Denied,
            "make the folder of the ledger writable, or choose another with --data-dir",
            Retry::AfterChange,
        ),
        Some(5 | 6) => {
            (ErrorKind::Timeout, "another program holds the ledger; close it and try again", Retry::Later)
        }
        Some(10) => (
            ErrorKind::Unreachable,
            "the disk of the ledger does not answer or takes no more; look after it, or choose another folder with --data-dir",
            Retry::Later,
        ),
        Some(13) => {
            (ErrorKind::Budget, "the disk of the ledger is full; free some space", Retry::AfterChange)
        }
        Some(11 | 26) => (
            ErrorKind::Decode,
            "the file is no whole ledger; it is left as it is: move it away, or choose another folder with --data-dir",
            Retry::AfterChange,
        ),
        _ => (ErrorKind::Unexpected, "this is a bug in headwater; please report it", Retry::Never),
    };
    Error::new(kind, STAGE, format!("{attempted}: {said}")).hint(hint).retry(retry)
}

#[cfg(test)]
mod tests;
