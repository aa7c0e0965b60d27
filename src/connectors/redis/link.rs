//! The connections to one server: one for each database that is looked at. Every command is written down
//! before it is sent, and a round trip that fails drops its connection; the next call makes a new one.

use std::collections::BTreeMap;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, ConnectionInfo, RedisError, TlsCertificates, Value};
use tokio::sync::Mutex;

use super::commands as sent;
use super::decode::{name_of, wire_bytes};
use crate::job::CallCtx;
use crate::kit::net::WayIn;
use crate::kit::tls;
use crate::model::command::EntryId;
use crate::model::error::Retry;
use crate::model::load::Dim;
use crate::model::{Error, ErrorKind, Result};

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(10);
/// How long one round trip may take: far more than any page needs.
const ROUND_TRIP: Duration = Duration::from_secs(30);
/// Commands of a kind that are written down in full; of the rest of a page their number.
const WRITTEN_DOWN: usize = 20;

/// Commands of one kind that travel together.
pub(super) struct Ask {
    entry: EntryId,
    commands: Vec<Vec<Vec<u8>>>,
}

impl Ask {
    /// One command: words, then arguments.
    pub(super) fn one(entry: EntryId, words: &str, arguments: &[&[u8]]) -> Self {
        Self { entry, commands: vec![command(words, arguments)] }
    }

    /// The same words for each key.
    pub(super) fn each<'a>(entry: EntryId, words: &str, keys: impl Iterator<Item = &'a [u8]>) -> Self {
        Self { entry, commands: keys.map(|key| command(words, &[key])).collect() }
    }

    /// As it is shown and written down.
    pub(super) fn text(&self) -> String {
        let line =
            |command: &Vec<Vec<u8>>| command.iter().map(|word| name_of(word)).collect::<Vec<_>>().join(" ");
        let mut lines = self.commands.iter().take(WRITTEN_DOWN).map(line).collect::<Vec<_>>();
        if let Some(rest @ 1..) = self.commands.len().checked_sub(WRITTEN_DOWN) {
            lines.push(format!("… and the same for {rest} more keys of the page"));
        }
        lines.join("\n")
    }
}

fn command(words: &str, arguments: &[&[u8]]) -> Vec<Vec<u8>> {
    words
        .split(' ')
        .map(|word| word.as_bytes().to_vec())
        .chain(arguments.iter().map(|a| a.to_vec()))
        .collect()
}

/// The connections to one server.
pub(super) struct Link {
    info: ConnectionInfo,
    /// The private authority that signs the server's certificate, in PEM.
    authority: Option<Vec<u8>>,
    open: Mutex<BTreeMap<i64, MultiplexedConnection>>,
    /// The way to the server, where it is not reached directly.
    way: Option<WayIn>,
}

impl Link {
    /// No connection yet.
    pub(super) fn new(info: ConnectionInfo, authority: Option<Vec<u8>>, way: Option<WayIn>) -> Self {
        Self { info, authority, open: Mutex::default(), way }
    }

    /// The connection to a database, made if need be.
    async fn connection(&self, ctx: &CallCtx, stage: &str, db: i64) -> Result<MultiplexedConnection> {
        let mut open = self.open.lock().await;
        if let Some(known) = open.get(&db) {
            return Ok(known.clone());
        }
        let login = if self.info.redis_settings().password().is_some() { "AUTH …; " } else { "" };
        let select = if db == 0 { String::new() } else { format!("; SELECT {db}") };
        let statement =
            ctx.statement(&sent::OPEN, &format!("{login}CLIENT SETNAME headwater{select}")).await?;
        match within(ctx, stage, self.make(db)).await {
            Ok(made) => {
                statement.done(0).await?;
                ctx.meter().add(Dim::RoundTrips, 1.0, "headwater: round trips");
                open.insert(db, made.clone());
                Ok(made)
            }
            Err(error) => {
                let error = self.way.as_ref().map_or(error.clone(), |way| way.explain(error));
                Err(statement.failed(error).await)
            }
        }
    }

    async fn make(&self, db: i64) -> Result<MultiplexedConnection, RedisError> {
        let settings = self.info.redis_settings().clone().set_db(db);
        let info = self.info.clone().set_redis_settings(settings);
        let client = match self.authority.clone() {
            None => Client::open(info)?,
            root_cert => Client::build_with_tls(info, TlsCertificates { client_tls: None, root_cert })?,
        };
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(ROUND_TRIP));
        let mut made = client.get_multiplexed_async_connection_with_config(&config).await?;
        // A login that may not name its connection goes without a name; one that does not answer is no Redis.
        match redis::cmd("CLIENT").arg("SETNAME").arg("headwater").exec_async(&mut made).await {
            Err(error) if error.code() != Some("NOPERM") => Err(error),
            _ => Ok(made),
        }
    }

    /// One round trip: the replies of each ask, in order. A reply may be an error of its own.
    pub(super) async fn ask(
        &self,
        ctx: &CallCtx,
        stage: &str,
        db: i64,
        asks: Vec<Ask>,
    ) -> Result<Vec<Vec<Value>>> {
        let mut connection = self.connection(ctx, stage, db).await?;
        let mut pipeline = redis::pipe();
        let mut statements = Vec::with_capacity(asks.len());
        for ask in &asks {
            statements.push(ctx.statement(&ask.entry, &ask.text()).await?);
            for words in &ask.commands {
                let mut command = redis::Cmd::new();
                for word in words {
                    command.arg(word.as_slice());
                }
                pipeline.add_command(command);
            }
        }
        let total = asks.iter().map(|ask| ask.commands.len()).sum();
        let answer = within(ctx, stage, connection.send_packed_commands(&pipeline, 0, total)).await;
        ctx.meter().add(Dim::RoundTrips, 1.0, "headwater: round trips");
        match answer {
            Ok(replies) => {
                let bytes = replies.iter().map(wire_bytes).sum::<u64>();
                ctx.meter().add(Dim::BytesWire, bytes as f64, "headwater: lengths of the replies");
                let mut replies = replies.into_iter();
                let mut split = Vec::with_capacity(asks.len());
                for (ask, statement) in asks.iter().zip(statements) {
                    statement.done(ask.commands.len() as u64).await?;
                    split.push(replies.by_ref().take(ask.commands.len()).collect());
                }
                Ok(split)
            }
            Err(error) => {
                if error.kind == ErrorKind::Unreachable {
                    self.open.lock().await.remove(&db);
                }
                let mut told = error;
                for statement in statements {
                    told = statement.failed(told).await;
                }
                Err(told)
            }
        }
    }

    /// One command, whose reply must not be an error.
    pub(super) async fn one(&self, ctx: &CallCtx, stage: &str, db: i64, ask: Ask) -> Result<Value> {
        let mut replies = self.ask(ctx, stage, db, vec![ask]).await?;
        checked(stage, replies.pop().and_then(|mut replies| replies.pop()).unwrap_or_default())
    }
}

/// A reply that is no error.
pub(super) fn checked(stage: &str, value: Value) -> Result<Value> {
    match value {
        Value::ServerError(error) => Err(error_of(stage, &error.into())),
        value => Ok(value),
    }
}

/// An answer, unless the call is cancelled first.
async fn within<T>(
    ctx: &CallCtx,
    stage: &str,
    answer: impl Future<Output = Result<T, RedisError>>,
) -> Result<T> {
    tokio::select! {
        biased;
        () = ctx.cancelled() => Err(Error::cancelled(stage)),
        answer = answer => answer.map_err(|error| error_of(stage, &error)),
    }
}

/// What Redis or its client says, as an error of ours.
pub(super) fn error_of(stage: &str, error: &RedisError) -> Error {
    if let Some(said) = tls::failure(error) {
        return tls::refused(stage, &said);
    }
    let said = format!("redis says: {error}");
    match (error.kind(), error.code()) {
        (redis::ErrorKind::AuthenticationFailed, _) | (_, Some("NOAUTH" | "WRONGPASS")) => {
            Error::new(ErrorKind::Denied, stage, said).hint("check user and password of the connection")
        }
        (_, Some("NOPERM")) => {
            Error::new(ErrorKind::Denied, stage, said).hint("ask for the right that the message names")
        }
        (_, Some("WRONGTYPE")) => Error::new(ErrorKind::NotFound, stage, said)
            .hint("the key has another type by now: look at it again"),
        (_, Some("LOADING" | "BUSY" | "MASTERDOWN" | "CLUSTERDOWN" | "TRYAGAIN")) => {
            Error::new(ErrorKind::Unreachable, stage, said).hint("try again in a while").retry(Retry::Later)
        }
        (_, Some("MOVED" | "ASK")) => Error::new(ErrorKind::Unsupported, stage, said)
            .hint("clusters are not supported yet; connect to the node that holds the key"),
        (redis::ErrorKind::Parse | redis::ErrorKind::UnexpectedReturnType, _) => {
            Error::new(ErrorKind::Decode, stage, format!("the answer is not that of a Redis: {error}"))
                .hint("check host and port, and whether it speaks TLS")
        }
        (_, Some(_)) => Error::new(ErrorKind::Invalid, stage, said),
        _ if error.is_timeout() => {
            Error::new(ErrorKind::Timeout, stage, format!("no answer in time: {error}")).retry(Retry::Later)
        }
        (redis::ErrorKind::InvalidClientConfig, _) => Error::new(ErrorKind::Invalid, stage, said),
        _ => Error::new(ErrorKind::Unreachable, stage, format!("nothing answers: {error}"))
            .hint("check host and port, and whether it speaks TLS")
            .retry(Retry::Later),
    }
}
