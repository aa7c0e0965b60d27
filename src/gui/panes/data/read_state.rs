//! The read whose rows are shown: first page, pages after it, pages read again. One of them at a time; rows
//! that came stay whatever happens to the read.

use std::ops::Range;

use async_trait::async_trait;

use crate::connector::guard::Override;
use crate::gui::view_ctx::{Command, OpenSource, ViewCtx};
use crate::job::buffer::{Held, Snapshot};
use crate::job::remote::Change;
use crate::job::{BatchSink, Flow, JobId, JobState, Remote, ResultBuffer};
use crate::model::batch::Batch;
use crate::model::load::{Dim, Verdict};
use crate::model::lost::Findings;
use crate::model::read::{Continuation, ReadEnd, ReadSpec};
use crate::model::units::{bytes_text, count_text};
use crate::model::{Error, ErrorKind, Result};
use crate::ops::preview::PageOf;
use crate::ops::read::{Done, Prepared};
use crate::safety::display::name as visible;

/// A read without a row limit stops when its rows take this much memory.
const UNPAGED_CAP_BYTES: usize = 512 << 20;

/// The read whose rows are shown.
pub struct Shown {
    /// What was asked, as paths of the target, from the start.
    pub spec: ReadSpec,
    /// The read as it was approved.
    pub prepared: Prepared,
    /// Rows.
    pub snapshot: Snapshot,
    given: Option<Override>,
    buffer: ResultBuffer,
    page: Remote<Done>,
    /// The newest whole page that was read at the end.
    last: Option<Done>,
    fetching: Fetching,
    job: Option<JobId>,
    continuation: Option<Continuation>,
    failed: Option<Error>,
    ticked: Ticked,
}

/// What is being fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fetching {
    /// Rows at the end.
    AtEnd,
    /// Rows that were pushed out.
    Again,
}

/// Whether the checklist heard of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ticked {
    No,
    Yes,
}

/// Whether pages may follow without being asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paging {
    /// When the end comes near.
    Automatic,
    /// Only on request.
    OnRequest,
}

impl Shown {
    /// Starts the read.
    pub fn start(
        ctx: &ViewCtx<'_>,
        source: &OpenSource,
        prepared: Prepared,
        given: Option<Override>,
    ) -> Self {
        let buffer = ResultBuffer::new(ResultBuffer::DEFAULT_CAP_BYTES, ctx.wake.clone());
        let spec = ReadSpec { node: prepared.node.clone(), continuation: None, ..prepared.plan.spec.clone() };
        let (opened, into) = (source.opened.clone(), buffer.clone());
        let (ready, overrule) = (prepared.clone(), given.clone());
        let title = if spec.query.is_some() {
            "run a query".to_owned()
        } else {
            format!("read {}", visible(prepared.node.name()))
        };
        let ticket = ctx.spawn(title, |call| async move {
            if ready.plan.spec.bound.rows.is_some() {
                return Box::pin(opened.first_page(&call, ready, overrule.as_ref(), &into)).await;
            }
            into.begin_page(None);
            let mut sink = Capped { inner: into, bytes: 0 };
            Box::pin(opened.read(&call, ready, overrule.as_ref(), &mut sink)).await
        });
        let job = Some(ticket.id());
        let mut page = Remote::NotAsked;
        page.ask(ticket);
        Self {
            spec,
            prepared,
            snapshot: buffer.snapshot(),
            given,
            buffer,
            page,
            last: None,
            fetching: Fetching::AtEnd,
            job,
            continuation: None,
            failed: None,
            ticked: Ticked::No,
        }
    }

    /// Takes news in.
    pub fn logic(&mut self, ctx: &ViewCtx<'_>) {
        self.snapshot = self.buffer.snapshot();
        if self.snapshot.rows > 0 && self.ticked == Ticked::No {
            self.ticked = Ticked::Yes;
            ctx.send(Command::Tick("preview"));
        }
        if self.page.poll() == Change::Same {
            return;
        }
        match std::mem::take(&mut self.page) {
            Remote::Ready(done) => {
                self.failed = done.error().cloned();
                if self.fetching == Fetching::AtEnd {
                    self.continuation.clone_from(&done.report.continuation);
                    self.last = Some(done);
                }
            }
            Remote::Failed { error, .. } => self.failed = Some(error),
            Remote::NotAsked | Remote::Pending { .. } => {}
        }
        self.snapshot = self.buffer.snapshot();
    }

    /// The job at work, if one is.
    pub fn running(&self) -> Option<JobId> {
        self.page.job()
    }

    /// Whether all rows there are came.
    pub fn is_whole(&self) -> bool {
        self.running().is_none()
            && self.last.as_ref().is_some_and(|done| matches!(done.report.end, Ok(ReadEnd::Complete)))
    }

    /// Whether a further page can be asked for.
    pub fn has_next(&self) -> bool {
        self.running().is_none() && self.continuation.is_some()
    }

    /// Fetches what the grid will want: pushed-out rows again, or the next page.
    pub fn want(&mut self, ctx: &ViewCtx<'_>, source: &OpenSource, rows: &Range<u64>, paging: Paging) {
        if self.running().is_some() || self.failed.is_some() {
            return;
        }
        let out = [rows.start, rows.end.saturating_sub(1)].into_iter().find_map(|row| {
            match self.snapshot.locate(row) {
                Held::PushedOut { page } => Some(page),
                Held::Here(_) | Held::Absent => None,
            }
        });
        if let Some(page) = out {
            let start = self.snapshot.page_starts.get(page).cloned().flatten();
            self.fetch(ctx, source, PageOf::Again { page, start });
            return;
        }
        let light = self.prepared.estimate.verdict <= Verdict::Light && self.given.is_none();
        if paging == Paging::Automatic && light && self.has_next() && rows.end >= self.snapshot.rows {
            self.next_page(ctx, source);
        }
    }

    /// Fetches the next page.
    pub fn next_page(&mut self, ctx: &ViewCtx<'_>, source: &OpenSource) {
        if self.has_next() {
            let start = self.continuation.clone();
            self.fetch(ctx, source, PageOf::Next(start));
        }
    }

    fn fetch(&mut self, ctx: &ViewCtx<'_>, source: &OpenSource, which: PageOf) {
        self.failed = None;
        self.fetching = match which {
            PageOf::Next(_) => Fetching::AtEnd,
            PageOf::Again { .. } => Fetching::Again,
        };
        let (opened, spec) = (source.opened.clone(), self.spec.clone());
        let (given, buffer) = (self.given.clone(), self.buffer.clone());
        let title = format!("read more of {}", visible(self.prepared.node.name()));
        let ticket = ctx.spawn(title, |call| async move {
            Box::pin(opened.page(&call, &spec, which, given.as_ref(), &buffer)).await
        });
        self.job = Some(ticket.id());
        self.page.ask(ticket);
    }

    /// Why the newest page ended early; a stop on request is no failure.
    pub fn failure(&self) -> Option<&Error> {
        self.failed.as_ref().filter(|error| error.kind != ErrorKind::Cancelled)
    }

    /// Takes the failure off the screen.
    pub fn dismiss(&mut self) {
        self.failed = None;
    }

    /// "stopped: asked to stop, unconfirmed", if it was stopped on request.
    pub fn stopped(&self, ctx: &ViewCtx<'_>) -> Option<String> {
        let stopped = self.failed.as_ref().is_some_and(|error| error.kind == ErrorKind::Cancelled);
        if !stopped {
            return None;
        }
        let phrase = match ctx.jobs.get(self.job?).map(|job| job.state) {
            Some(JobState::Stopped(report)) => report.phrase(),
            _ => "stopping",
        };
        Some(format!("stopped: {phrase}"))
    }

    /// Whether nothing came yet and nothing went wrong.
    pub fn is_waiting(&self) -> bool {
        self.snapshot.rows == 0 && self.running().is_some()
    }

    /// "200 rows · 12.0 KiB".
    pub fn size_text(&self) -> String {
        let bytes = self.last.as_ref().and_then(|done| {
            let actual = &done.report.actual;
            actual.value(Dim::BytesServer).or_else(|| actual.value(Dim::BytesWire))
        });
        let rows = format!("{} rows", count_text(self.snapshot.rows));
        match bytes {
            Some(bytes) => format!("{rows} · {}", bytes_text(bytes)),
            None => rows,
        }
    }
}

/// Stops a read without a row limit before its rows fill the memory.
struct Capped {
    inner: ResultBuffer,
    bytes: usize,
}

#[async_trait]
impl BatchSink for Capped {
    async fn batch(&mut self, batch: Batch) -> Result<Flow> {
        self.bytes += batch.memory_bytes();
        let flow = self.inner.batch(batch).await?;
        Ok(if self.bytes >= UNPAGED_CAP_BYTES { Flow::Enough } else { flow })
    }

    fn findings(&mut self, findings: Findings) {
        self.inner.findings(findings);
    }
}
