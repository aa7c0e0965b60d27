//! The host's side of a job: it hands over the descriptors, takes the frames, and sees to it that the
//! process is gone before it answers. Two things run side by side in one future: the conversation, which
//! may wait for the sink, and the watch over the process, which waits for nobody.

use std::fs::File;
use std::io::IoSlice;
use std::os::fd::AsFd as _;
use std::pin::pin;
use std::process::ChildStderr;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader, Interest};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::exit::{Exit, explain, stillborn};
use super::frame::{Frame, HEADER_BYTES, Kind, first_step, header, parse_header};
use super::incoming::{self, Event, Incoming};
use super::message::{self, CREDITS, Job, Stop, Told};
use super::pool::{self, Process};
use super::{HostJob, Limits, MAX_FILES};
use crate::job::{BatchSink, CallCtx, CancelReport, Flow, Progress};
use crate::model::load::Dim;
use crate::model::{Error, ErrorKind, Result};

/// A worker has this long to say who it is: on a busy machine a debug build takes seconds to load.
const HELLO_DEADLINE: Duration = Duration::from_secs(30);
/// From the word "cancel" to the kill.
const CANCEL_GRACE: Duration = Duration::from_millis(200);
/// From the last frame, or the word "enough", to the kill.
const END_GRACE: Duration = Duration::from_secs(2);
/// A killed process has this long to be gone.
const KILL_DEADLINE: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(3);
/// How much of a worker's standard error is kept.
const SAID_BYTES: usize = 4096;

/// What the conversation wants of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Want {
    /// Work on.
    Work,
    /// Told that it is enough; may still end by itself.
    Enough,
    /// The conversation is over.
    Ended,
    /// It broke the rules, or its rows are of no use.
    Gone,
}

/// How the conversation ended.
enum Talk {
    /// With the guest's own end.
    End(Result<serde_json::Value>),
    /// In the middle.
    Silence,
    /// Before it began.
    NoHello,
    /// With an error of ours: a lie of the guest, or the sink's.
    Broken(Error),
}

/// Runs a job in a worker: rows, states and findings go to `sink`, progress and bytes to `ctx`; gives the
/// parser's end value, or null where the sink had enough before the parser could give one.
///
/// The files' offsets are shared with the guest; a file is read by one job at a time.
///
/// # Errors
/// The parser's own error; `decode` if the worker crashed ("the reader crashed on this file") or answered
/// against the rules; `budget` if it ran out of memory or CPU; `cancelled`; the sink's own error.
pub async fn run(ctx: &CallCtx, job: HostJob, sink: &mut dyn BatchSink) -> Result<serde_json::Value> {
    ctx.check("read")?;
    let (gone, seen_gone) = watch::channel(false);
    // Registered before anything is sent. The process is ours, so that its end is certain knowledge.
    let _hook = ctx.on_cancel(move || confirm_gone(seen_gone).boxed());
    let mut process = pool::take().await?;
    let result = converse(ctx, job, sink, &mut process, &gone).await;
    pool::warm();
    result
}

async fn confirm_gone(mut gone: watch::Receiver<bool>) -> CancelReport {
    match gone.wait_for(|gone| *gone).await {
        Ok(_) => CancelReport::StoppedOnServer,
        Err(_) => CancelReport::AskedUnconfirmed,
    }
}

async fn converse(
    ctx: &CallCtx,
    job: HostJob,
    sink: &mut dyn BatchSink,
    process: &mut Process,
    gone: &watch::Sender<bool>,
) -> Result<serde_json::Value> {
    let failed = |error| Error::io("start", "talking to the worker", &error);
    let Some(socket) = process.socket.take() else {
        return Err(Error::unexpected("start", "a worker was given out twice"));
    };
    socket.set_nonblocking(true).map_err(failed)?;
    let (reader, writer) = UnixStream::from_std(socket).map_err(failed)?.into_split();
    let writer = Arc::new(Mutex::new(writer));
    let (op, limits) = (job.op.clone(), job.limits);
    let (want, wanted) = watch::channel(Want::Work);
    let talk = async {
        let mut talk =
            Conversation { ctx, sink, writer: &writer, want: &want, incoming: Incoming::default() };
        let ended = talk.hold(BufReader::new(reader), job).await.unwrap_or_else(Talk::Broken);
        let last = if matches!(ended, Talk::Broken(_)) { Want::Gone } else { Want::Ended };
        want.send_modify(|want| *want = last);
        ended
    };
    let stderr = process.child().and_then(|child| child.stderr.take());
    let watch = async {
        let mut said = Vec::new();
        let exit = {
            let mut watched = pin!(watch_over(ctx, process, wanted, &writer));
            let mut listened = pin!(listen(stderr, &mut said));
            let mut open = true;
            loop {
                tokio::select! {
                    exit = &mut watched => {
                        // Said at once: the sink may still be busy. A process that did not even heed a
                        // kill is not gone; then the sender is dropped unsaid.
                        gone.send_replace(exit.status.is_some());
                        if open {
                            // What it said last may still be on its way.
                            let _late = timeout(CANCEL_GRACE, &mut listened).await;
                        }
                        break exit;
                    }
                    () = &mut listened, if open => open = false,
                }
            }
        };
        (exit, String::from_utf8_lossy(&said).into_owned())
    };
    let (talk, (exit, said)) = tokio::join!(talk, watch);
    if let Some(seconds) = exit.cpu_seconds {
        ctx.meter().add(Dim::Cpu, seconds, "CPU of the worker, as the system counts it");
    }
    judge(ctx, talk, exit, &said, &op, &limits)
}

fn judge(
    ctx: &CallCtx,
    talk: Talk,
    exit: Exit,
    said: &str,
    op: &str,
    limits: &Limits,
) -> Result<serde_json::Value> {
    match talk {
        Talk::Broken(error) => Err(error),
        // Rows that came after the cancel were left aside: never a whole read.
        _ if ctx.is_cancelled() => Err(Error::cancelled("read")),
        Talk::End(result) => result,
        Talk::NoHello => Err(stillborn(exit, said)),
        Talk::Silence => Err(explain(exit, said, op, limits)),
    }
}

struct Conversation<'a> {
    ctx: &'a CallCtx,
    sink: &'a mut dyn BatchSink,
    writer: &'a Mutex<OwnedWriteHalf>,
    want: &'a watch::Sender<Want>,
    incoming: Incoming,
}

impl Conversation<'_> {
    async fn hold(&mut self, mut reader: BufReader<OwnedReadHalf>, job: HostJob) -> Result<Talk> {
        let greeting = timeout(HELLO_DEADLINE, receive(&mut reader)).await;
        let Ok(greeting) = greeting else {
            return Err(Error::new(ErrorKind::Timeout, "start", "the worker did not answer in 30 s")
                .hint("the machine may be overloaded; try again"));
        };
        let Some(frame) = greeting? else { return Ok(Talk::NoHello) };
        let hello = incoming::hello(&frame)?;
        tracing::debug!(confined = ?hello.confined, parser = job.parser, op = job.op, "worker at hand");
        send_job(&mut *self.writer.lock().await, job).await?;
        while let Some(frame) = receive(&mut reader).await? {
            if let Some(end) = self.heed(frame).await? {
                return Ok(Talk::End(end));
            }
        }
        let enough = *self.want.borrow() == Want::Enough;
        Ok(if enough { Talk::End(Ok(serde_json::Value::Null)) } else { Talk::Silence })
    }

    /// Does what a frame asks; gives the end if it was that.
    async fn heed(&mut self, frame: Frame) -> Result<Option<Result<serde_json::Value>>> {
        let enough = *self.want.borrow() == Want::Enough;
        if frame.kind == Kind::Batch && (enough || self.ctx.is_cancelled()) {
            return Ok(None);
        }
        match self.understand(frame).await? {
            Event::Batch(batch) => match self.sink.batch(batch).await? {
                Flow::More => self.give_credit().await,
                Flow::Enough => {
                    self.want.send_replace(Want::Enough);
                }
            },
            Event::State(state) => self.sink.state(state).await?,
            Event::Findings(findings) => self.sink.findings(findings),
            Event::Told(told) => self.tell(&told),
            Event::End(Err(error)) if enough && error.kind == ErrorKind::Cancelled => {
                return Ok(Some(Ok(serde_json::Value::Null)));
            }
            Event::End(end) => return Ok(Some(end)),
            Event::Nothing => {}
        }
        Ok(None)
    }

    /// Decoding and validating is work: it must not hold up others on this thread.
    async fn understand(&mut self, frame: Frame) -> Result<Event> {
        let mut incoming = std::mem::take(&mut self.incoming);
        let (incoming, event) = tokio::task::spawn_blocking(move || {
            let event = incoming.take(frame);
            (incoming, event)
        })
        .await
        .map_err(|error| Error::unexpected("read", format!("decoding rows broke down: {error}")))?;
        self.incoming = incoming;
        event
    }

    async fn give_credit(&mut self) {
        self.incoming.credit();
        let sent = send(&mut *self.writer.lock().await, Kind::Credit, &1_u32.to_le_bytes()).await;
        // A worker that has ended needs no credit; what it still sent is read to its end.
        drop(sent);
    }

    fn tell(&self, told: &Told) {
        const UNITS: [&str; 6] = ["rows", "bytes", "requests", "cells", "columns", "pages"];
        let doing = self.ctx.watch_progress().borrow().doing.clone();
        let unit = UNITS.iter().copied().find(|unit| *unit == told.unit).unwrap_or("steps");
        self.ctx.progress(Progress { doing, done: told.done, total: told.total, unit });
        if told.bytes > 0 {
            self.ctx.meter().add(Dim::BytesServer, told.bytes as f64, "file bytes read by the worker");
        }
    }
}

/// Receives a frame; none when the guest closed, wherever in a frame that was.
async fn receive(reader: &mut BufReader<OwnedReadHalf>) -> Result<Option<Frame>> {
    let mut head = [0; HEADER_BYTES];
    // A process that ended may leave the connection reset: the same as closed.
    if reader.read_exact(&mut head).await.is_err() {
        return Ok(None);
    }
    let (kind, length) = parse_header(head)?;
    let mut payload = Vec::with_capacity(first_step(length));
    let received = reader.take(length as u64).read_to_end(&mut payload).await;
    Ok((received.is_ok() && payload.len() == length).then_some(Frame { kind, payload }))
}

async fn send(writer: &mut OwnedWriteHalf, kind: Kind, payload: &[u8]) -> Result<()> {
    let failed = |error| Error::io("read", "telling the worker", &error);
    writer.write_all(&header(kind, payload.len())?).await.map_err(failed)?;
    writer.write_all(payload).await.map_err(failed)
}

/// Sends the job; the descriptors travel with its header.
async fn send_job(writer: &mut OwnedWriteHalf, job: HostJob) -> Result<()> {
    let HostJob { parser, op, params, files, limits } = job;
    if files.len() > MAX_FILES {
        return Err(Error::unexpected(
            "start",
            format!("a job of {} files, at most {MAX_FILES}", files.len()),
        ));
    }
    let job = Job { parser: parser.to_owned(), op, params, files: files.len(), limits, credits: CREDITS };
    let payload = message::json(&job)?;
    let head = header(Kind::Job, payload.len())?;
    let stream: &UnixStream = writer.as_ref();
    let sent = stream.async_io(Interest::WRITABLE, || send_files(stream, &head, &files)).await;
    // A worker that ended meanwhile is understood by how it ended.
    let Ok(sent) = sent else { return Ok(()) };
    let rest = [head.get(sent..).unwrap_or_default(), &payload].concat();
    drop(writer.write_all(&rest).await);
    Ok(())
}

fn send_files(stream: &UnixStream, head: &[u8], files: &[File]) -> std::io::Result<usize> {
    let descriptors: Vec<_> = files.iter().map(File::as_fd).collect();
    let mut space = vec![std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FILES))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(&descriptors)) {
        return Err(std::io::Error::other("the descriptors do not fit into a message"));
    }
    Ok(sendmsg(stream.as_fd(), &[IoSlice::new(head)], &mut control, SendFlags::empty())?)
}

/// Watches over the process until it is gone: ends it when it must, and tells how it ended.
async fn watch_over(
    ctx: &CallCtx,
    process: &mut Process,
    mut wanted: watch::Receiver<Want>,
    writer: &Mutex<OwnedWriteHalf>,
) -> Exit {
    let mut told = false;
    loop {
        let want = *wanted.borrow_and_update();
        let (stop, grace) = match want {
            _ if ctx.is_cancelled() => (Some(Stop::Cancel), CANCEL_GRACE),
            Want::Gone => (None, Duration::ZERO),
            Want::Ended => (None, END_GRACE),
            Want::Enough => (Some(Stop::Enough), END_GRACE),
            Want::Work => {
                tokio::select! {
                    () = ctx.cancelled() => {}
                    changed = wanted.changed() => if changed.is_err() { return end(process, Duration::ZERO).await },
                }
                continue;
            }
        };
        let deadline = Instant::now() + grace;
        if let (Some(stop), false) = (stop, told) {
            let sending = async { send(&mut *writer.lock().await, Kind::Stop, &stop.payload()).await };
            // Whether or not it heard, it ends by the deadline.
            let _heard = timeout_at(deadline, sending).await;
            told = stop == Stop::Cancel;
        }
        if want != Want::Enough || ctx.is_cancelled() {
            return end(process, deadline.saturating_duration_since(Instant::now())).await;
        }
        // It may end by itself, be cancelled after all, or take too long.
        tokio::select! {
            () = ctx.cancelled() => {}
            changed = wanted.changed() => if changed.is_err() { return end(process, Duration::ZERO).await },
            () = tokio::time::sleep_until(deadline) => return end(process, Duration::ZERO).await,
        }
    }
}

/// Waits until the process is gone; kills it after `grace`.
async fn end(process: &mut Process, grace: Duration) -> Exit {
    let mut cpu_seconds = None;
    let mut deadline = Instant::now() + grace;
    let mut killed = false;
    let Some(child) = process.child() else { return Exit { status: None, cpu_seconds } };
    loop {
        cpu_seconds = cpu_of(child.id()).or(cpu_seconds);
        if let Ok(Some(status)) = child.try_wait() {
            return Exit { status: Some(status), cpu_seconds };
        }
        if Instant::now() >= deadline {
            if killed {
                return Exit { status: None, cpu_seconds };
            }
            // Fails only for a process that is gone: the next round sees that.
            drop(child.kill());
            killed = true;
            deadline = Instant::now() + KILL_DEADLINE;
        }
        sleep(POLL).await;
    }
}

/// CPU seconds of a process, dead ones that are not waited for yet included.
#[cfg(target_os = "linux")]
fn cpu_of(pid: u32) -> Option<f64> {
    /// What `/proc` counts in, on every Linux of today.
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is a name in brackets and may hold anything.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_SECOND)
}

#[cfg(not(target_os = "linux"))]
fn cpu_of(_pid: u32) -> Option<f64> {
    None
}

/// Keeps the end of what a worker writes to its standard error.
async fn listen(stderr: Option<ChildStderr>, said: &mut Vec<u8>) {
    let Some(mut stderr) = stderr.and_then(|stderr| tokio::process::ChildStderr::from_std(stderr).ok())
    else {
        return;
    };
    let mut chunk = vec![0; SAID_BYTES];
    while let Ok(read @ 1..) = stderr.read(&mut chunk).await {
        said.extend(chunk.get(..read).unwrap_or_default());
        said.drain(..said.len().saturating_sub(SAID_BYTES));
    }
}
