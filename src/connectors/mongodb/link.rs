//! The way to one server: commands are sent as our own documents, written down before they are sent, so that
//! cursors are ours to end. What is sent is read back from what was written down: the two cannot differ.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use mongodb::bson::{Bson, Document, doc};
use mongodb::options::{ReadPreference, SelectionCriteria};
use mongodb::{Client, ClientSession};

use super::commands as sent;
use crate::job::{CallCtx, CancelReport};
use crate::kit::net::WayIn;
use crate::kit::tls;
use crate::model::command::EntryId;
use crate::model::error::Retry;
use crate::model::load::Dim;
use crate::model::{Error, ErrorKind, Result};

/// The way to one server. Clones share it.
#[derive(Clone)]
pub(super) struct Link {
    pub(super) client: Client,
    /// The way to the server, where it is not reached directly; open as long as this is used.
    pub(super) way: Option<Arc<WayIn>>,
}

/// A collection by its database and name.
#[derive(Clone, Debug)]
pub(super) struct Space {
    pub(super) db: String,
    pub(super) collection: String,
}

/// A command as it is shown and written down: its name, and itself as Extended JSON.
pub(super) fn text_of(db: &str, command: Document) -> String {
    let name = command.keys().next().cloned().unwrap_or_default();
    let mut command = command;
    command.insert("$db", db);
    format!("{name} {}", Bson::Document(command).into_relaxed_extjson())
}

/// The command that a text was made of.
fn command_of(stage: &str, text: &str) -> Result<(String, Document)> {
    let json = text.split_once(' ').map_or("", |(_, json)| json);
    let parsed =
        serde_json::from_str::<serde_json::Value>(json).map_err(|error| Error::unexpected(stage, error))?;
    match Bson::try_from(parsed).map_err(|error| Error::unexpected(stage, error))? {
        Bson::Document(mut command) => match command.remove("$db") {
            Some(Bson::String(db)) => {
                // Extended JSON does not tell short whole numbers from long ones; cursors are long.
                let long = |value: &mut Bson| {
                    if let Bson::Int32(short) = *value {
                        *value = Bson::Int64(short.into());
                    }
                };
                command.get_mut("getMore").into_iter().for_each(long);
                if let Some(Bson::Array(ids)) = command.get_mut("cursors") {
                    ids.iter_mut().for_each(long);
                }
                Ok((db, command))
            }
            _ => Err(Error::unexpected(stage, "a command without a database")),
        },
        _ => Err(Error::unexpected(stage, "a command that is no document")),
    }
}

impl Link {
    /// Sends a command and waits for its reply or for a cancel.
    pub(super) async fn run(
        &self,
        ctx: &CallCtx,
        stage: &str,
        entry: &EntryId,
        text: &str,
        session: Option<&mut ClientSession>,
    ) -> Result<Document> {
        let (db, command) = command_of(stage, text)?;
        let statement = ctx.statement(entry, text).await?;
        ctx.meter().add(Dim::RoundTrips, 1.0, "headwater: commands");
        let answer = tokio::select! {
            biased;
            () = ctx.cancelled() => Err(Error::cancelled(stage)),
            answer = self.send(&db, command, session) => answer.map_err(|error| {
                let error = error_of(stage, &error);
                self.way.as_ref().map_or(error.clone(), |way| way.explain(error))
            }),
        };
        match answer {
            Ok(reply) => {
                statement.done(batch_of(&reply).map_or(0, |batch| batch.len() as u64)).await?;
                Ok(reply)
            }
            Err(error) => Err(statement.failed(error).await),
        }
    }

    /// A command that is not part of a read.
    pub(super) async fn ask(
        &self,
        ctx: &CallCtx,
        stage: &str,
        entry: &EntryId,
        db: &str,
        command: Document,
    ) -> Result<Document> {
        self.run(ctx, stage, entry, &text_of(db, command), None).await
    }

    async fn send(
        &self,
        db: &str,
        command: Document,
        session: Option<&mut ClientSession>,
    ) -> mongodb::error::Result<Document> {
        let database = self.client.database(db);
        let preference = ReadPreference::SecondaryPreferred { options: None };
        let call =
            database.run_command(command).selection_criteria(SelectionCriteria::ReadPreference(preference));
        match session {
            Some(session) => Box::pin(call.session(session).into_future()).await,
            None => Box::pin(call.into_future()).await,
        }
    }

    /// All of a list that comes by a cursor, such as the collections of a database.
    pub(super) async fn listed(
        &self,
        ctx: &CallCtx,
        stage: &str,
        entry: &EntryId,
        db: &str,
        command: Document,
    ) -> Result<Vec<Document>> {
        let mut session = self.session(stage).await?;
        let mut reply = self.run(ctx, stage, entry, &text_of(db, command), Some(&mut session)).await?;
        let mut all = Vec::new();
        loop {
            let id = take_batch(stage, reply, &mut all)?;
            if id == 0 {
                return Ok(all);
            }
            let space = Space { db: db.to_owned(), collection: format!("$cmd.{entry}") };
            let more =
                text_of(db, doc! { "getMore": id, "collection": space.collection, "batchSize": 1_000 });
            reply = self.run(ctx, stage, &sent::MORE, &more, Some(&mut session)).await?;
        }
    }

    /// A session: the batches of a cursor are asked for in the one that opened it.
    pub(super) async fn session(&self, stage: &str) -> Result<ClientSession> {
        Box::pin(self.client.start_session().into_future()).await.map_err(|error| error_of(stage, &error))
    }

    /// Ends a cursor, also after a cancel, and says whether the server confirmed.
    pub(super) async fn kill(&self, ctx: &CallCtx, space: &Space, cursor: &AtomicI64) -> CancelReport {
        let id = cursor.swap(0, Ordering::Relaxed);
        if id == 0 {
            return CancelReport::OnlyWeStopped;
        }
        let command = doc! { "killCursors": &space.collection, "cursors": [id] };
        let text = text_of(&space.db, command.clone());
        let Ok(statement) = ctx.clean_up_statement(&sent::KILL, &text).await else {
            return CancelReport::OnlyWeStopped;
        };
        let reply = self.send(&space.db, command, None).await;
        let killed = reply.as_ref().is_ok_and(|reply| {
            let of = |key| reply.get_array(key).is_ok_and(|ids| ids.contains(&Bson::Int64(id)));
            of("cursorsKilled") || of("cursorsNotFound")
        });
        let told = match reply {
            Ok(_) => statement.done(0).await.is_ok(),
            Err(error) => {
                let failed = statement.failed(error_of("cancel", &error)).await;
                failed.kind == ErrorKind::Unexpected
            }
        };
        if killed && told { CancelReport::StoppedOnServer } else { CancelReport::AskedUnconfirmed }
    }
}

fn batch_of(reply: &Document) -> Option<&Vec<Bson>> {
    let cursor = reply.get_document("cursor").ok()?;
    cursor.get_array("firstBatch").or_else(|_no| cursor.get_array("nextBatch")).ok()
}

/// Adds the documents of a reply to `all`, and gives the cursor's id; 0 = there is no more.
pub(super) fn take_batch(stage: &str, mut reply: Document, all: &mut Vec<Document>) -> Result<i64> {
    let broken = || Error::new(ErrorKind::Decode, stage, "the server's reply has no batch of documents");
    let Some(Bson::Document(mut cursor)) = reply.remove("cursor") else { return Err(broken()) };
    let batch = cursor.remove("firstBatch").or_else(|| cursor.remove("nextBatch"));
    let Some(Bson::Array(batch)) = batch else { return Err(broken()) };
    for document in batch {
        let Bson::Document(document) = document else { return Err(broken()) };
        all.push(document);
    }
    cursor
        .get_i64("id")
        .map_err(|error| Error::new(ErrorKind::Decode, stage, format!("no cursor id: {error}")))
}

/// A whole number, however it is stored.
pub(super) fn number(document: &Document, key: &str) -> Option<f64> {
    match document.get(key)? {
        Bson::Int32(value) => Some(f64::from(*value)),
        Bson::Int64(value) => Some(*value as f64),
        Bson::Double(value) => Some(*value),
        _ => None,
    }
}

/// What the server or its driver says, as an error of ours.
pub(super) fn error_of(stage: &str, error: &mongodb::error::Error) -> Error {
    use mongodb::error::ErrorKind as Kind;
    if let Some(said) = tls::failure(error) {
        return tls::refused(stage, &said);
    }
    let (kind, said, hint) = match &*error.kind {
        Kind::Authentication { message, .. } => {
            (ErrorKind::Denied, message.clone(), "check user, password and the login's database")
        }
        Kind::Command(said) => {
            let words = format!("the server says: {} ({})", said.message, said.code_name);
            let (kind, hint) = match said.code {
                13 | 18 | 8_000 => (ErrorKind::Denied, "ask for the role read on this database"),
                26 => (ErrorKind::NotFound, "list what is there"),
                43 | 237 => (ErrorKind::Timeout, "the server ended the cursor: go on from the last document"),
                50 => (ErrorKind::Timeout, "ask for less, or by an index"),
                59 | 115 => (ErrorKind::Unsupported, "this server lacks the command"),
                11_600 | 11_602 | 91 | 189 => (ErrorKind::Unreachable, "the server is going down: try again"),
                _ => (ErrorKind::Invalid, "see the server's words"),
            };
            (kind, words, hint)
        }
        Kind::Io(_)
        | Kind::ServerSelection { .. }
        | Kind::ConnectionPoolCleared { .. }
        | Kind::DnsResolve { .. } => (
            ErrorKind::Unreachable,
            format!("nothing answers: {error}"),
            "check host and port, and whether it speaks TLS",
        ),
        Kind::InvalidResponse { .. } | Kind::BsonDeserialization(_) => (
            ErrorKind::Decode,
            format!("the answer can't be understood: {error}"),
            "check that it is a MongoDB",
        ),
        Kind::IncompatibleServer { .. } | Kind::SessionsNotSupported => {
            (ErrorKind::Unsupported, error.to_string(), "MongoDB 4.2 and later are read")
        }
        Kind::InvalidArgument { .. } | Kind::InvalidTlsConfig { .. } => {
            (ErrorKind::Invalid, error.to_string(), "check the connection")
        }
        _ => (ErrorKind::Unexpected, error.to_string(), "this is a bug in headwater; please report it"),
    };
    let made = Error::new(kind, stage, said).hint(hint);
    if kind == ErrorKind::Unreachable { made.retry(Retry::Later) } else { made }
}
