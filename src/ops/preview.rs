//! Rows for a person: a first page, the next one, and one that was pushed out read again. Every page is a
//! small read of its own under the session's budget.

use super::Opened;
use super::read::{Done, Prepared};
use crate::connector::guard::Override;
use crate::job::sink::Collected;
use crate::job::{CallCtx, ResultBuffer};
use crate::model::Result;
use crate::model::read::{Continuation, ReadSpec};

/// Rows read at once, with everything known about the read.
#[derive(Debug)]
pub struct Rows {
    /// The rows and what was lost.
    pub collected: Collected,
    /// How the read went.
    pub done: Done,
}

/// Which page of a reading.
#[derive(Clone, Debug, PartialEq)]
pub enum PageOf {
    /// The first, or the one after the rows that are there.
    Next(Option<Continuation>),
    /// This page of the buffer again: it was pushed out.
    Again {
        /// Its index in the buffer.
        page: usize,
        /// Where it starts.
        start: Option<Continuation>,
    },
}

impl Opened {
    /// Reads rows at once, for the headless face.
    pub async fn rows(&self, ctx: &CallCtx, prepared: Prepared, given: Option<&Override>) -> Result<Rows> {
        let mut collected = Collected::default();
        let done = self.read(ctx, prepared, given, &mut collected).await?;
        Ok(Rows { collected, done })
    }

    /// Reads the prepared first page into a buffer.
    pub async fn first_page(
        &self,
        ctx: &CallCtx,
        prepared: Prepared,
        given: Option<&Override>,
        buffer: &ResultBuffer,
    ) -> Result<Done> {
        buffer.begin_page(None);
        self.read(ctx, prepared, given, &mut buffer.clone()).await
    }

    /// Reads one more page of `spec` into a buffer. `given` is what the first page was approved with.
    pub async fn page(
        &self,
        ctx: &CallCtx,
        spec: &ReadSpec,
        which: PageOf,
        given: Option<&Override>,
        buffer: &ResultBuffer,
    ) -> Result<Done> {
        let start = match &which {
            PageOf::Next(start) | PageOf::Again { start, .. } => start.clone(),
        };
        let prepared = self.prepare(ctx, ReadSpec { continuation: start.clone(), ..spec.clone() }).await?;
        match which {
            PageOf::Next(_) => buffer.begin_page(start),
            PageOf::Again { page, .. } => buffer.begin_refill(page),
        }
        self.read(ctx, prepared, given, &mut buffer.clone()).await
    }
}
