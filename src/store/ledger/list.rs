//! Reading the ledger: newest first, page by page.

use serde::Serialize;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::{Ledger, ReadId, STAGE, StatementId, failed};
use crate::model::load::{LoadActual, LoadEstimate, Verdict};
use crate::model::read::Approval;
use crate::model::{Error, ErrorKind, Result};

/// How a read or statement ended, as far as is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Still at work.
    Started,
    /// Its session is gone and never told the end: what it did is a lower bound.
    EndedWithoutWord,
    /// Done.
    Done,
    /// Stopped at a bound.
    Bounded,
    /// Failed.
    Failed,
    /// Stopped on request.
    Cancelled,
    /// Never sent.
    Refused,
}

impl Outcome {
    /// All outcomes.
    pub const ALL: [Self; 7] = [
        Self::Started,
        Self::EndedWithoutWord,
        Self::Done,
        Self::Bounded,
        Self::Failed,
        Self::Cancelled,
        Self::Refused,
    ];

    /// The word in JSON and in the window.
    pub fn word(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::EndedWithoutWord => "ended without a word",
            Self::Done => "done",
            Self::Bounded => "bounded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Refused => "refused",
        }
    }

    /// The word in the file: an open row says `started` whether or not its session lives.
    fn stored(self) -> &'static str {
        if self == Self::EndedWithoutWord { "started" } else { self.word() }
    }
}

/// Which rows to list; none = all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of the connection of this name or id.
    pub connection: Option<String>,
    /// Of this session.
    pub session: Option<uuid::Uuid>,
    /// With this outcome.
    pub outcome: Option<Outcome>,
    /// Holding this text in the node, a statement or the entry; case is ignored for ASCII.
    pub text: Option<String>,
    /// Statements of this read only.
    pub read: Option<ReadId>,
}

/// Which page of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Only rows older than this id; none = from the newest.
    pub before: Option<i64>,
    /// At most this many.
    pub size: u32,
}

impl Page {
    /// The newest rows.
    pub fn newest(size: u32) -> Self {
        Self { before: None, size }
    }
}

/// A read in the ledger.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReadRow {
    /// Its id.
    pub id: ReadId,
    /// Its session.
    pub session: String,
    /// When it was written down, RFC 3339 in UTC.
    pub started_at: String,
    /// When it ended.
    pub ended_at: Option<String>,
    /// Id of the connection.
    pub connection_id: String,
    /// The connection's name at that time.
    pub connection: String,
    /// Id of the connector.
    pub connector: String,
    /// The node as `ls` prints it.
    pub node: String,
    /// `rows` or `profile LEVEL`.
    pub want: String,
    /// The plan's texts, redacted.
    pub statements: Vec<String>,
    /// The verdict.
    pub verdict: Verdict,
    /// The estimate.
    pub estimate: LoadEstimate,
    /// Why it might run; none = it was refused.
    pub approval: Option<Approval>,
    /// How it ended.
    pub outcome: Outcome,
    /// Rows given on.
    pub rows: Option<u64>,
    /// What it did cost; none while it is open.
    pub actual: Option<LoadActual>,
    /// Why it failed or was refused.
    pub error: Option<String>,
}

/// A statement in the ledger.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StatementRow {
    /// Its id.
    pub id: StatementId,
    /// The read it was part of.
    pub read: Option<ReadId>,
    /// Its session.
    pub session: String,
    /// When it was written down, RFC 3339 in UTC.
    pub started_at: String,
    /// When it ended.
    pub ended_at: Option<String>,
    /// Id of the connection.
    pub connection_id: String,
    /// The connection's name at that time.
    pub connection: String,
    /// Id of the connector.
    pub connector: String,
    /// The entry of the command table.
    pub entry: String,
    /// The text, redacted.
    pub text: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Rows it returned.
    pub rows: Option<u64>,
    /// Seconds it took.
    pub seconds: Option<f64>,
    /// Why it failed.
    pub error: Option<String>,
}

/// What a session did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Totals {
    /// Reads that ran or run.
    pub reads: u64,
    /// Reads that were refused.
    pub refused: u64,
    /// Reads without an end: everything below is then a lower bound.
    pub open: u64,
    /// Rows given on.
    pub rows: u64,
    /// Bytes: of each read the larger of what the source read and what came.
    pub bytes: f64,
    /// Seconds of reading.
    pub seconds: f64,
    /// Statements sent.
    pub statements: u64,
}

impl Ledger {
    /// Reads, newest first. `filter.read` does not apply.
    ///
    /// # Errors
    /// If the ledger can't be read.
    pub async fn reads(&self, filter: &Filter, page: Page) -> Result<Vec<ReadRow>> {
        let alive = self.0.alive.all()?;
        let rows = sqlx::query(
            "SELECT * FROM reads WHERE (?1 IS NULL OR id < ?1) \
             AND (?2 IS NULL OR connection = ?2 OR connection_id = ?2) AND (?3 IS NULL OR session = ?3) \
             AND (?4 IS NULL OR outcome = ?4) \
             AND (?5 IS NULL OR (session IN (SELECT value FROM json_each(?6))) = ?5) \
             AND (?7 IS NULL OR instr(lower(node || ' ' || statements), lower(?7)) > 0) \
             ORDER BY id DESC LIMIT ?8",
        );
        let rows = bind(rows, filter, page, &alive)?
            .fetch_all(self.pool())
            .await
            .map_err(|error| failed("reading the ledger", &error))?;
        rows.iter().map(|row| read_row(row, &alive)).collect()
    }

    /// Statements, newest first.
    ///
    /// # Errors
    /// If the ledger can't be read.
    pub async fn statements(&self, filter: &Filter, page: Page) -> Result<Vec<StatementRow>> {
        let alive = self.0.alive.all()?;
        let rows = sqlx::query(
            "SELECT * FROM statements WHERE (?1 IS NULL OR id < ?1) \
             AND (?2 IS NULL OR connection = ?2 OR connection_id = ?2) AND (?3 IS NULL OR session = ?3) \
             AND (?4 IS NULL OR outcome = ?4) \
             AND (?5 IS NULL OR (session IN (SELECT value FROM json_each(?6))) = ?5) \
             AND (?7 IS NULL OR instr(lower(entry || ' ' || text), lower(?7)) > 0) \
             AND (?9 IS NULL OR read_id = ?9) \
             ORDER BY id DESC LIMIT ?8",
        );
        let rows = bind(rows, filter, page, &alive)?
            .bind(filter.read.map(|read| read.0))
            .fetch_all(self.pool())
            .await
            .map_err(|error| failed("reading the ledger", &error))?;
        rows.iter().map(|row| statement_row(row, &alive)).collect()
    }

    /// What a session did so far.
    ///
    /// # Errors
    /// If the ledger can't be read.
    pub async fn totals(&self, session: uuid::Uuid) -> Result<Totals> {
        let row = sqlx::query(
            "SELECT count(*) FILTER (WHERE outcome <> 'refused') AS reads, \
             count(*) FILTER (WHERE outcome = 'refused') AS refused, \
             count(*) FILTER (WHERE outcome = 'started') AS open, \
             coalesce(sum(rows), 0) AS rows, total(bytes) AS bytes, total(seconds) AS seconds, \
             (SELECT count(*) FROM statements WHERE session = ?1) AS statements \
             FROM reads WHERE session = ?1",
        )
        .bind(session.to_string())
        .fetch_one(self.pool())
        .await
        .map_err(|error| failed("adding up the session in the ledger", &error))?;
        Ok(Totals {
            reads: whole(&row, "reads")?,
            refused: whole(&row, "refused")?,
            open: whole(&row, "open")?,
            rows: whole(&row, "rows")?,
            bytes: get(&row, "bytes")?,
            seconds: get(&row, "seconds")?,
            statements: whole(&row, "statements")?,
        })
    }
}

type Query<'q> = sqlx::query::Query<'q, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>;

/// Binds what both lists ask, ?1 to ?8.
fn bind<'q>(query: Query<'q>, filter: &Filter, page: Page, alive: &[String]) -> Result<Query<'q>> {
    let lives = match filter.outcome {
        Some(Outcome::Started) => Some(1_i64),
        Some(Outcome::EndedWithoutWord) => Some(0),
        _ => None,
    };
    let alive = serde_json::to_string(alive)
        .map_err(|error| Error::unexpected(STAGE, format!("the sessions are no JSON: {error}")))?;
    Ok(query
        .bind(page.before)
        .bind(filter.connection.clone())
        .bind(filter.session.map(|session| session.to_string()))
        .bind(filter.outcome.map(Outcome::stored))
        .bind(lives)
        .bind(alive)
        .bind(filter.text.clone())
        .bind(i64::from(page.size)))
}

fn read_row(row: &SqliteRow, alive: &[String]) -> Result<ReadRow> {
    let session: String = get(row, "session")?;
    let verdict: String = get(row, "verdict")?;
    Ok(ReadRow {
        id: ReadId(get(row, "id")?),
        outcome: outcome(&get::<String>(row, "outcome")?, &session, alive)?,
        session,
        started_at: get(row, "started_at")?,
        ended_at: get(row, "ended_at")?,
        connection_id: get(row, "connection_id")?,
        connection: get(row, "connection")?,
        connector: get(row, "connector")?,
        node: get(row, "node")?,
        want: get(row, "want")?,
        statements: from_json(&get::<String>(row, "statements")?)?,
        verdict: Verdict::from_word(&verdict).ok_or_else(|| unknown("verdict", &verdict))?,
        estimate: from_json(&get::<String>(row, "estimate")?)?,
        approval: get::<Option<String>>(row, "approval")?.as_deref().map(from_json).transpose()?,
        rows: get::<Option<i64>>(row, "rows")?.and_then(|rows| u64::try_from(rows).ok()),
        actual: get::<Option<String>>(row, "actual")?.as_deref().map(from_json).transpose()?,
        error: get(row, "error")?,
    })
}

fn statement_row(row: &SqliteRow, alive: &[String]) -> Result<StatementRow> {
    let session: String = get(row, "session")?;
    Ok(StatementRow {
        id: StatementId(get(row, "id")?),
        read: get::<Option<i64>>(row, "read_id")?.map(ReadId),
        outcome: outcome(&get::<String>(row, "outcome")?, &session, alive)?,
        session,
        started_at: get(row, "started_at")?,
        ended_at: get(row, "ended_at")?,
        connection_id: get(row, "connection_id")?,
        connection: get(row, "connection")?,
        connector: get(row, "connector")?,
        entry: get(row, "entry")?,
        text: get(row, "text")?,
        rows: get::<Option<i64>>(row, "rows")?.and_then(|rows| u64::try_from(rows).ok()),
        seconds: get(row, "seconds")?,
        error: get(row, "error")?,
    })
}

fn outcome(stored: &str, session: &str, alive: &[String]) -> Result<Outcome> {
    let outcome = Outcome::ALL
        .into_iter()
        .find(|outcome| outcome.stored() == stored)
        .ok_or_else(|| unknown("outcome", stored))?;
    let gone = outcome == Outcome::Started && !alive.iter().any(|id| id == session);
    Ok(if gone { Outcome::EndedWithoutWord } else { outcome })
}

fn get<'r, T>(row: &'r SqliteRow, column: &str) -> Result<T>
where
    T: sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>,
{
    row.try_get(column).map_err(|error| failed("reading a row of the ledger", &error))
}

fn whole(row: &SqliteRow, column: &str) -> Result<u64> {
    get::<i64>(row, column).map(|value| u64::try_from(value).unwrap_or(0))
}

fn from_json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| {
        Error::new(ErrorKind::Decode, STAGE, format!("an entry of the ledger can't be understood: {error}"))
    })
}

fn unknown(what: &str, word: &str) -> Error {
    Error::new(ErrorKind::Decode, STAGE, format!("the ledger holds an unknown {what}: {word:?}"))
}
