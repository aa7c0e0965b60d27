//! Writing: a start before anything is sent, one end.

use serde::{Deserialize, Serialize};

use super::{Ledger, STAGE, failed, now};
use crate::model::command::EntryId;
use crate::model::connection::Connection;
use crate::model::load::{Dim, LoadActual, LoadEstimate};
use crate::model::node::NodePath;
use crate::model::read::{Approval, ReadEnd, Want};
use crate::model::{Error, ErrorKind, Result};

/// Names a read in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ReadId(pub i64);

/// Names a statement in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StatementId(pub i64);

/// A read before anything of it is sent.
#[derive(Clone, Copy, Debug)]
pub struct NewRead<'a> {
    /// Where it goes.
    pub connection: &'a Connection,
    /// The node.
    pub node: &'a NodePath,
    /// Rows or a profile.
    pub want: Want,
    /// The plan's texts, in order.
    pub statements: &'a [String],
    /// The estimate, weighed.
    pub estimate: &'a LoadEstimate,
}

/// How a read ended.
#[derive(Clone, Debug)]
pub struct ReadEnding {
    /// Its end, or the error that ended it.
    pub end: Result<ReadEnd>,
    /// Rows given on.
    pub rows: u64,
    /// What it did cost.
    pub actual: LoadActual,
}

/// A statement before it is sent.
#[derive(Clone, Copy, Debug)]
pub struct NewStatement<'a> {
    /// The read it is part of; none for browsing, planning and estimating.
    pub read: Option<ReadId>,
    /// Where it goes.
    pub connection: &'a Connection,
    /// The entry of the command table.
    pub entry: &'a EntryId,
    /// The text as it will be sent.
    pub text: &'a str,
}

/// How a statement ended.
#[derive(Clone, Debug, PartialEq)]
pub enum StatementEnding {
    /// It worked.
    Done {
        /// Rows it returned.
        rows: u64,
        /// Seconds it took.
        seconds: f64,
    },
    /// It failed.
    Failed {
        /// Why.
        why: String,
    },
    /// It was stopped on request.
    Cancelled,
}

impl Ledger {
    /// Writes a read down as started. Nothing of it may be sent if this fails.
    ///
    /// # Errors
    /// If the ledger can't be written.
    pub async fn start_read(&self, read: NewRead<'_>, approval: Approval) -> Result<ReadId> {
        let approval = match approval {
            Approval::Override { reason } => Approval::Override { reason: self.redact(&reason) },
            other => other,
        };
        self.insert_read(read, Some(to_json(&approval)?), None).await
    }

    /// Writes down that a read was refused, and why. Nothing of it was sent.
    ///
    /// # Errors
    /// If the ledger can't be written.
    pub async fn refuse_read(&self, read: NewRead<'_>, why: &str) -> Result<ReadId> {
        self.insert_read(read, None, Some(self.redact(why))).await
    }

    async fn insert_read(
        &self,
        read: NewRead<'_>,
        approval: Option<String>,
        refusal: Option<String>,
    ) -> Result<ReadId> {
        let statements = read.statements.iter().map(|text| self.redact(text)).collect::<Vec<_>>();
        let at = now();
        let ended = refusal.is_some().then(|| at.clone());
        let outcome = if refusal.is_some() { "refused" } else { "started" };
        // No RETURNING: a row that came back before the commit would hide that the commit failed.
        let written = sqlx::query(
            "INSERT INTO reads (session, started_at, connection_id, connection, connector, node, want, \
             statements, verdict, estimate, approval, outcome, ended_at, error) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        )
        .bind(self.session().to_string())
        .bind(at)
        .bind(read.connection.id.to_string())
        .bind(self.redact(&read.connection.name))
        .bind(&read.connection.connector)
        .bind(self.redact(&read.node.to_string()))
        .bind(want_word(read.want))
        .bind(to_json(&statements)?)
        .bind(read.estimate.verdict.word())
        .bind(self.redacted_json(read.estimate)?)
        .bind(approval)
        .bind(outcome)
        .bind(ended)
        .bind(refusal)
        .execute(self.pool())
        .await
        .map_err(|error| failed("writing the read into the ledger", &error))?;
        Ok(ReadId(written.last_insert_rowid()))
    }

    /// Writes down how a read ended.
    ///
    /// # Errors
    /// If the ledger can't be written, or the read is not open.
    pub async fn end_read(&self, id: ReadId, ending: &ReadEnding) -> Result<()> {
        let (outcome, error) = match &ending.end {
            Ok(ReadEnd::Complete | ReadEnd::Enough) => ("done", None),
            Ok(ReadEnd::Bounded) => ("bounded", None),
            Err(error) if error.kind == ErrorKind::Cancelled => ("cancelled", Some(error)),
            Err(error) => ("failed", Some(error)),
        };
        let bytes = [Dim::BytesServer, Dim::BytesWire]
            .iter()
            .filter_map(|dim| ending.actual.value(*dim))
            .reduce(f64::max);
        let done = sqlx::query(
            "UPDATE reads SET outcome = ?2, ended_at = ?3, rows = ?4, actual = ?5, bytes = ?6, \
             seconds = ?7, error = ?8 WHERE id = ?1 AND session = ?9 AND outcome = 'started'",
        )
        .bind(id.0)
        .bind(outcome)
        .bind(now())
        .bind(i64::try_from(ending.rows).unwrap_or(i64::MAX))
        .bind(self.redacted_json(&ending.actual)?)
        .bind(bytes)
        .bind(ending.actual.value(Dim::Duration))
        .bind(error.map(|error| self.redact(&error.to_string())))
        .bind(self.session().to_string())
        .execute(self.pool())
        .await
        .map_err(|error| failed("writing the end of the read into the ledger", &error))?;
        only_one(done.rows_affected(), "read", id.0)
    }

    /// Writes a statement down as started. It must not be sent if this fails.
    ///
    /// # Errors
    /// If the ledger can't be written.
    pub async fn start_statement(&self, statement: NewStatement<'_>) -> Result<StatementId> {
        let written = sqlx::query(
            "INSERT INTO statements (session, read_id, started_at, connection_id, connection, connector, \
             entry, text, outcome) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'started')",
        )
        .bind(self.session().to_string())
        .bind(statement.read.map(|read| read.0))
        .bind(now())
        .bind(statement.connection.id.to_string())
        .bind(self.redact(&statement.connection.name))
        .bind(&statement.connection.connector)
        .bind(statement.entry.as_str())
        .bind(self.redact(statement.text))
        .execute(self.pool())
        .await
        .map_err(|error| failed("writing the statement into the ledger", &error))?;
        Ok(StatementId(written.last_insert_rowid()))
    }

    /// Writes down how a statement ended.
    ///
    /// # Errors
    /// If the ledger can't be written, or the statement is not open.
    pub async fn end_statement(&self, id: StatementId, ending: &StatementEnding) -> Result<()> {
        let (outcome, rows, seconds, error) = match ending {
            StatementEnding::Done { rows, seconds } => {
                ("done", Some(i64::try_from(*rows).unwrap_or(i64::MAX)), Some(*seconds), None)
            }
            StatementEnding::Failed { why } => ("failed", None, None, Some(self.redact(why))),
            StatementEnding::Cancelled => ("cancelled", None, None, None),
        };
        let done = sqlx::query(
            "UPDATE statements SET outcome = ?2, ended_at = ?3, rows = ?4, seconds = ?5, error = ?6 \
             WHERE id = ?1 AND session = ?7 AND outcome = 'started'",
        )
        .bind(id.0)
        .bind(outcome)
        .bind(now())
        .bind(rows)
        .bind(seconds)
        .bind(error)
        .bind(self.session().to_string())
        .execute(self.pool())
        .await
        .map_err(|error| failed("writing the end of the statement into the ledger", &error))?;
        only_one(done.rows_affected(), "statement", id.0)
    }

    /// JSON of a value with every text in it redacted.
    fn redacted_json(&self, value: &impl Serialize) -> Result<String> {
        let mut json = serde_json::to_value(value)
            .map_err(|error| Error::unexpected(STAGE, format!("a ledger entry is no JSON: {error}")))?;
        self.redact_texts(&mut json);
        to_json(&json)
    }

    fn redact_texts(&self, json: &mut serde_json::Value) {
        match json {
            serde_json::Value::String(text) => *text = self.redact(text),
            serde_json::Value::Array(items) => items.iter_mut().for_each(|item| self.redact_texts(item)),
            serde_json::Value::Object(fields) => {
                fields.values_mut().for_each(|value| self.redact_texts(value));
            }
            serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) => {}
        }
    }
}

fn to_json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|error| Error::unexpected(STAGE, format!("a ledger entry is no JSON: {error}")))
}

fn want_word(want: Want) -> String {
    match want {
        Want::Rows => "rows".to_owned(),
        Want::Profile(level) => format!("profile {}", level.word()),
    }
}

fn only_one(changed: u64, what: &str, id: i64) -> Result<()> {
    if changed == 1 {
        Ok(())
    } else {
        Err(Error::unexpected(STAGE, format!("{what} {id} is not open in this session of the ledger")))
    }
}
