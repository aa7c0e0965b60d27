//! Long reads: `COPY … TO STDOUT`, piece by piece, for as long as the server works on it.
//!
//! Invariants: who wants no more stops the statement on the server · a stopped stream is read to its end, so that
//! its transaction can be asked what it did cost; then the connection is closed.

use std::time::Duration;

use futures::{Stream, StreamExt as _};
use sqlx::postgres::PgConnection;

use super::{Failed, Held, SETTLE, errors, sent};
use crate::job::{CallCtx, Flow};
use crate::model::error::Retry;
use crate::model::load::Dim;
use crate::model::{Error, ErrorKind, Result};

/// How long nothing may come of a long read before we look whether the server still works on it.
const QUIET: Duration = Duration::from_secs(10);

/// Takes the pieces of a COPY stream.
pub(in crate::connectors::postgres) trait PieceTaker: Send {
    /// Takes a piece; it may end anywhere.
    fn piece(&mut self, piece: &[u8]) -> Result<()>;

    /// Called after each piece: passes on what is ready.
    fn ready(&mut self) -> impl Future<Output = Result<Flow>> + Send;

    /// Rows so far.
    fn rows(&self) -> u64;
}

/// How a stream ended.
struct Ended {
    how: std::result::Result<Flow, Failed>,
    /// Whether nothing of it is on its way any more, and its transaction open.
    is_drained: bool,
}

impl Ended {
    fn of(how: std::result::Result<Flow, Failed>, is_drained: bool) -> Self {
        Self { how, is_drained }
    }
}

/// Reads what is still on its way of a stream that the server was asked to stop, and forgets it.
async fn drain<P>(pieces: &mut (impl Stream<Item = sqlx::Result<P>> + Unpin)) -> bool {
    let draining = async {
        loop {
            match pieces.next().await {
                Some(Ok(_forgotten)) => {}
                Some(Err(error)) => return errors::is_from_server(&error),
                None => return true,
            }
        }
    };
    tokio::time::timeout(SETTLE, draining).await.unwrap_or(false)
}

impl Held<'_> {
    /// Sends `COPY … TO STDOUT` and passes what comes on, piece by piece. The transaction stays open, unless
    /// it failed. Gives [`Flow::Enough`] if the taker wanted no more; only [`Held::settle`] is of use then.
    pub(in crate::connectors::postgres) async fn copy(
        &mut self,
        ctx: &CallCtx,
        stage: &str,
        text: &str,
        taker: &mut impl PieceTaker,
    ) -> Result<Flow> {
        let statement = ctx.statement(&sent::COPY, text).await?;
        let Some(mut connection) = self.connection.take() else {
            return Err(statement.failed(Error::unexpected(stage, "the connection is closed")).await);
        };
        let hook = self.canceller(ctx);
        let Ended { how, is_drained } = self.copied(ctx, &mut connection, text, taker).await;
        drop(hook);
        ctx.meter().add(Dim::RoundTrips, 1.0, "messages sent to the server and answered");
        match (&how, is_drained) {
            (Ok(Flow::More), _) => self.connection = Some(connection),
            (_, true) => self.stopped = Some(connection),
            (_, false) => drop(connection),
        }
        match how {
            Ok(flow) => {
                statement.done(taker.rows()).await?;
                Ok(flow)
            }
            Err(Failed::Driver(error)) => Err(statement.failed(self.told(stage, &error)).await),
            Err(Failed::Ours(error)) => Err(statement.failed(error).await),
        }
    }

    async fn copied(
        &self,
        ctx: &CallCtx,
        connection: &mut PgConnection,
        text: &str,
        taker: &mut impl PieceTaker,
    ) -> Ended {
        let mut opening = Box::pin(connection.copy_out_raw(text));
        let mut pieces = match self.patiently(ctx, &mut opening).await {
            Ok(Ok(pieces)) => pieces,
            Ok(Err(error)) => return Ended::of(Err(Failed::Driver(error)), false),
            Err(stopped) => {
                self.stop_unless_cancelled(ctx, &stopped).await;
                let is_drained = match tokio::time::timeout(SETTLE, opening).await {
                    Ok(Ok(mut pieces)) => drain(&mut pieces).await,
                    Ok(Err(_)) | Err(_) => false,
                };
                return Ended::of(Err(Failed::Ours(stopped)), is_drained);
            }
        };
        let stopped = loop {
            let next = match self.patiently(ctx, pieces.next()).await {
                Ok(None) => return Ended::of(Ok(Flow::More), false),
                Ok(Some(Err(error))) => {
                    let is_open = errors::is_from_server(&error);
                    return Ended::of(Err(Failed::Driver(error)), is_open);
                }
                Ok(Some(Ok(piece))) => taker.piece(&piece),
                Err(stopped) => Err(stopped),
            };
            let flow = match next {
                Ok(()) => taker.ready().await,
                Err(error) => Err(error),
            };
            match flow {
                Ok(Flow::More) => {}
                Ok(Flow::Enough) => {
                    self.stop(ctx).await;
                    break Ok(Flow::Enough);
                }
                Err(error) => {
                    self.stop_unless_cancelled(ctx, &error).await;
                    break Err(Failed::Ours(error));
                }
            }
        };
        Ended::of(stopped, drain(&mut pieces).await)
    }

    /// Whoever cancels has the server stop it as well.
    async fn stop_unless_cancelled(&self, ctx: &CallCtx, error: &Error) {
        if error.kind != ErrorKind::Cancelled {
            self.stop(ctx).await;
        }
    }

    /// Waits for something of the server as long as it works on it.
    async fn patiently<T>(&self, ctx: &CallCtx, coming: impl Future<Output = T>) -> Result<T> {
        tokio::pin!(coming);
        loop {
            tokio::select! {
                biased;
                () = ctx.cancelled() => return Err(Error::cancelled("read")),
                waited = tokio::time::timeout(QUIET, &mut coming) => match waited {
                    Ok(come) => return Ok(come),
                    Err(_quiet) => self.must_be_running(ctx).await?,
                },
            }
        }
    }

    /// Nothing came for a while: that is well if the server still works on it, and an error if it does not.
    async fn must_be_running(&self, ctx: &CallCtx) -> Result<()> {
        let mut side = self.link.dial.dial("read").await?;
        let running = self.link.dial.running(ctx, &mut side).await?;
        let _farewell = sqlx::Connection::close(side).await;
        if running > 0 {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Unreachable,
            "read",
            format!(
                "nothing came for {} s, and the server does not work on the read any more",
                QUIET.as_secs()
            ),
        )
        .hint("the way to the server may have lost the connection; rows that came are kept, read again")
        .retry(Retry::Later))
    }
}
