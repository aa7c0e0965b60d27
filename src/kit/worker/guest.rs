//! The guest: the other process. Its main thread listens to the host (credits, stop, end of file), one more
//! thread runs the parser and is the only one that writes. It ends with its job or with its host.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{IoSliceMut, Read as _, Write as _};
use std::net::Shutdown;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

use super::frame::{HEADER_BYTES, Kind, header, parse_header, read_payload};
use super::message::{self, Confined, End, Hello, Job, Stop, Told};
use super::{GuestJob, GuestOut, Limits, MAX_FILES, Parser, confine};
use crate::job::Flow;
use crate::model::batch::Batch;
use crate::model::column_state::TableState;
use crate::model::lost::Findings;
use crate::model::schema::Schema;
use crate::model::{Error, ErrorKind, Result};

/// Progress is told at most this often.
const TELL_EVERY: Duration = Duration::from_millis(100);
/// Stack of the parser's thread.
const STACK_BYTES: usize = 16 << 20;
/// Longest message of a panic that is passed on.
const MAX_PANIC_CHARS: usize = 500;

/// The verb `worker`: serves one job of the host at the other end of standard input, under limits.
pub fn run(parsers: &[&'static dyn Parser]) -> ExitCode {
    keep_last_words();
    let served = start().and_then(|(stream, confined)| serve(&stream, parsers, confined, confine::apply));
    let Err(error) = served else { return ExitCode::SUCCESS };
    // The host reads this where no frame can tell it any more; if nobody reads, nobody is to be told.
    drop(writeln!(std::io::stderr(), "{error}"));
    ExitCode::FAILURE
}

fn start() -> Result<(UnixStream, Confined)> {
    let stdin = std::io::stdin();
    let is_socket = rustix::fs::fstat(stdin.as_fd())
        .is_ok_and(|stat| rustix::fs::FileType::from_raw_mode(stat.st_mode) == rustix::fs::FileType::Socket);
    if !is_socket {
        return Err(Error::new(ErrorKind::Invalid, "start", "a worker is started by headwater itself")
            .hint("use `headwater --help` for what you can start"));
    }
    let socket: OwnedFd = stdin
        .as_fd()
        .try_clone_to_owned()
        .map_err(|error| Error::io("start", "taking the worker's socket", &error))?;
    Ok((UnixStream::from(socket), confine::enter()?))
}

/// Serves one job; `limit` sets its limits.
pub(super) fn serve(
    stream: &UnixStream,
    parsers: &[&'static dyn Parser],
    confined: Confined,
    limit: impl FnOnce(&Limits) -> Result<()>,
) -> Result<()> {
    let writer = clone(stream)?;
    send(&writer, Kind::Hello, &message::json(&Hello::own(confined))?)?;
    let Some((job, files)) = receive_job(stream)? else { return Ok(()) };
    let control = Arc::new(Control::new(job.credits));
    let out = Out::new(writer, Arc::clone(&control));
    if let Err(error) = limit(&job.limits) {
        return out.end(Err(error));
    }
    let Some(parser) = parsers.iter().copied().find(|parser| parser.id() == job.parser) else {
        let error = Error::unexpected("read", format!("the worker knows no parser {:?}", job.parser));
        return out.end(Err(error));
    };
    let listener = clone(stream)?;
    let parser_control = Arc::clone(&control);
    let thread = std::thread::Builder::new()
        .name("parse".to_owned())
        .stack_size(STACK_BYTES)
        .spawn(move || {
            let ended = work(parser, job, files, out);
            parser_control.hear(|heard| heard.done = true);
            // Wakes the listening thread, which then ends the process.
            drop(listener.shutdown(Shutdown::Read));
            ended
        })
        .map_err(|error| Error::io("read", "starting the parser's thread", &error))?;
    listen(stream, &control);
    // Without a host nobody waits for the parser: the process ends under it.
    if control.lock().done { thread.join().unwrap_or(Ok(())) } else { Ok(()) }
}

fn clone(stream: &UnixStream) -> Result<UnixStream> {
    stream.try_clone().map_err(|error| Error::io("start", "cloning the worker's socket", &error))
}

fn work(parser: &dyn Parser, job: Job, files: Vec<File>, mut out: Out) -> Result<()> {
    let op = job.op.clone();
    let guest_job = GuestJob { op: job.op, params: job.params, files, out: &mut out };
    let result = std::panic::catch_unwind(AssertUnwindSafe(|| parser.run(guest_job)));
    let result = result.unwrap_or_else(|_payload| {
        let words = LAST_WORDS.lock().unwrap_or_else(PoisonError::into_inner).take();
        Err(crashed(&op, &words.unwrap_or_else(|| "panic".to_owned())))
    });
    out.end(result)
}

/// The error for a reader that broke down; the same whether it panicked or took its process along.
pub(super) fn crashed(op: &str, how: &str) -> Error {
    Error::new(ErrorKind::Decode, "read", format!("the reader crashed on this file during `{op}`: {how}"))
        .hint("only this read is lost; if other programs open the file, please report it")
}

/// What the last panic said; a hook fills it, so that the process keeps quiet.
static LAST_WORDS: Mutex<Option<String>> = Mutex::new(None);

fn keep_last_words() {
    std::panic::set_hook(Box::new(|panic| {
        let what = panic.payload_as_str().unwrap_or("panic");
        let place = panic.location().map(|at| format!(" ({}:{})", at.file(), at.line())).unwrap_or_default();
        let text = what.chars().take(MAX_PANIC_CHARS).collect::<String>() + &place;
        *LAST_WORDS.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
    }));
}

/// What the host last said.
struct Control {
    state: Mutex<Heard>,
    changed: Condvar,
}

struct Heard {
    credits: u32,
    stop: Option<Stop>,
    /// The parser has ended.
    done: bool,
}

impl Control {
    fn new(credits: u32) -> Self {
        Self { state: Mutex::new(Heard { credits, stop: None, done: false }), changed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Heard> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hear(&self, change: impl FnOnce(&mut Heard)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    /// Waits for room for one batch.
    fn take_credit(&self) -> Result<Flow> {
        let mut heard = self.lock();
        loop {
            match heard.stop {
                Some(Stop::Cancel) => return Err(Error::cancelled("read")),
                Some(Stop::Enough) => return Ok(Flow::Enough),
                None if heard.credits > 0 => {
                    heard.credits -= 1;
                    return Ok(Flow::More);
                }
                None => heard = self.changed.wait(heard).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}

/// Listens until the host closes, or the parser's thread shuts this side down.
fn listen(mut stream: &UnixStream, control: &Control) {
    loop {
        let mut header = [0; HEADER_BYTES];
        let frame = stream.read_exact(&mut header).map_err(|error| error.to_string()).and_then(|()| {
            let (kind, length) = parse_header(header).map_err(|error| error.to_string())?;
            let payload = read_payload(&mut stream, length).map_err(|error| error.to_string())?;
            Ok((kind, payload))
        });
        match frame {
            Ok((Kind::Credit, payload)) => {
                let more = payload.first_chunk().map_or(1, |bytes| u32::from_le_bytes(*bytes));
                control.hear(|heard| heard.credits = heard.credits.saturating_add(more));
            }
            Ok((Kind::Stop, payload)) => control.hear(|heard| {
                if heard.stop != Some(Stop::Cancel) {
                    heard.stop = Some(Stop::of(&payload));
                }
            }),
            // The host is gone, the parser is done, or the host speaks another language.
            Ok(_) | Err(_) => return control.hear(|heard| heard.stop = Some(Stop::Cancel)),
        }
    }
}

/// Reads the job and its descriptors; none if the host closed instead.
fn receive_job(mut stream: &UnixStream) -> Result<Option<(Job, Vec<File>)>> {
    let failed = |error: std::io::Error| Error::io("start", "waiting for the worker's job", &error);
    let mut files = Vec::new();
    let mut head = [0; HEADER_BYTES];
    let mut filled = 0;
    while filled < HEADER_BYTES {
        let received = receive_some(stream, &mut head[filled..], &mut files).map_err(failed)?;
        if received == 0 {
            return Ok(None);
        }
        filled += received;
    }
    let (kind, length) = parse_header(head)?;
    let payload = read_payload(&mut stream, length).map_err(failed)?;
    let job: Job = serde_json::from_slice(&payload)
        .map_err(|error| Error::unexpected("start", format!("the worker's job is not readable: {error}")))?;
    if kind != Kind::Job || job.files != files.len() {
        return Err(Error::unexpected("start", "the worker's job came without its files"));
    }
    Ok(Some((job, files)))
}

fn receive_some(stream: &UnixStream, into: &mut [u8], files: &mut Vec<File>) -> std::io::Result<usize> {
    let mut space = vec![std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FILES))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    #[cfg(target_vendor = "apple")]
    let flags = RecvFlags::empty();
    #[cfg(not(target_vendor = "apple"))]
    let flags = RecvFlags::CMSG_CLOEXEC;
    let received = loop {
        match recvmsg(stream, &mut [IoSliceMut::new(into)], &mut control, flags) {
            Err(rustix::io::Errno::INTR) => {}
            other => break other?,
        }
    };
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(descriptors) = message {
            files.extend(descriptors.map(File::from));
        }
    }
    Ok(received.bytes)
}

fn send(mut stream: &UnixStream, kind: Kind, payload: &[u8]) -> Result<()> {
    let head = header(kind, payload.len())?;
    // A host that is gone wants no more.
    stream
        .write_all(&head)
        .and_then(|()| stream.write_all(payload))
        .map_err(|_gone: std::io::Error| Error::cancelled("read"))
}

/// What the parser writes through.
struct Out {
    stream: UnixStream,
    control: Arc<Control>,
    schema: Option<Arc<Schema>>,
    told: Told,
    untold: bool,
    told_at: Option<Instant>,
}

impl Out {
    fn new(stream: UnixStream, control: Arc<Control>) -> Self {
        Self { stream, control, schema: None, told: Told::default(), untold: false, told_at: None }
    }

    fn tell_if_due(&mut self) -> Result<()> {
        if self.told_at.is_none_or(|at| at.elapsed() >= TELL_EVERY) { self.tell() } else { Ok(()) }
    }

    fn tell(&mut self) -> Result<()> {
        if std::mem::take(&mut self.untold) {
            send(&self.stream, Kind::Progress, &message::json(&self.told)?)?;
            self.told.bytes = 0;
            self.told_at = Some(Instant::now());
        }
        Ok(())
    }

    fn end(mut self, result: Result<serde_json::Value>) -> Result<()> {
        self.tell()?;
        let end = match result {
            Ok(value) => End::Ok(value),
            Err(error) => End::Error(error),
        };
        let payload = message::json(&end)?;
        if payload.len() > Kind::End.limit() {
            let error = Error::new(
                ErrorKind::Budget,
                "read",
                "the reader's answer is larger than the worker passes on",
            );
            return send(&self.stream, Kind::End, &message::json(&End::Error(error))?);
        }
        send(&self.stream, Kind::End, &payload)
    }
}

impl GuestOut for Out {
    fn batch(&mut self, batch: Batch) -> Result<Flow> {
        self.check()?;
        self.tell()?;
        let mut pieces = VecDeque::from(message::pieces(&batch));
        while let Some(piece) = pieces.pop_front() {
            let payload = message::batch_payload(&piece)?;
            let rows = piece.row_count();
            if payload.len() > Kind::Batch.limit() && rows > 1 {
                pieces.push_front(piece.slice(rows / 2, rows));
                pieces.push_front(piece.head(rows / 2));
                continue;
            }
            if self.control.take_credit()? == Flow::Enough {
                return Ok(Flow::Enough);
            }
            if !message::same_schema(self.schema.as_ref(), &piece.schema) {
                send(&self.stream, Kind::Schema, &message::json(&*piece.schema)?)?;
                self.schema = Some(Arc::clone(&piece.schema));
            }
            send(&self.stream, Kind::Batch, &payload)?;
        }
        match self.control.lock().stop {
            Some(Stop::Enough) => Ok(Flow::Enough),
            Some(Stop::Cancel) => Err(Error::cancelled("read")),
            None => Ok(Flow::More),
        }
    }

    fn state(&mut self, state: TableState) -> Result<()> {
        self.check()?;
        for payload in message::state_payloads(&state)? {
            send(&self.stream, Kind::State, &payload)?;
        }
        Ok(())
    }

    fn findings(&mut self, findings: Findings) -> Result<()> {
        if findings.is_clean() {
            return Ok(());
        }
        self.check()?;
        send(&self.stream, Kind::Findings, &message::json(&findings)?)
    }

    fn progress(&mut self, done: u64, total: Option<u64>, unit: &'static str) -> Result<()> {
        self.check()?;
        if self.told.unit != unit {
            unit.clone_into(&mut self.told.unit);
        }
        self.told.done = done;
        self.told.total = total;
        self.untold = true;
        self.tell_if_due()
    }

    fn bytes_read(&mut self, bytes: u64) {
        self.told.bytes = self.told.bytes.saturating_add(bytes);
        self.untold = true;
        // A host that is gone is noticed by the next call that can fail.
        drop(self.tell_if_due());
    }

    fn check(&mut self) -> Result<()> {
        if self.control.lock().stop == Some(Stop::Cancel) { Err(Error::cancelled("read")) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests;
