//! How a worker ended, in words that say whose fault it was: a limit, a crash, or somebody else.

use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;

use rustix::process::Signal;

use super::Limits;
use super::guest::crashed;
use crate::model::error::Retry;
use crate::model::units::bytes_text;
use crate::model::{Error, ErrorKind};

/// How a worker's process ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exit {
    /// What the system says; none if it did not end even when killed.
    pub(super) status: Option<ExitStatus>,
    /// CPU it used, in seconds, where the system tells.
    pub(super) cpu_seconds: Option<f64>,
}

/// Why a worker ended without a word of its own; `said` is the end of its standard error.
pub(super) fn explain(exit: Exit, said: &str, op: &str, limits: &Limits) -> Error {
    let signal = exit.status.and_then(|status| status.signal());
    let is = |known: Signal| signal == Some(known.as_raw());
    let used_its_cpu = exit.cpu_seconds.is_some_and(|used| used >= f64::from(limits.cpu_seconds));
    if said.contains("memory allocation of") {
        return over_budget(
            op,
            format!("it wanted more than {} of memory", bytes_text(limits.memory_bytes as f64)),
        )
        .hint("the file is far larger inside than outside, or made to be; read fewer columns or rows of it");
    }
    if is(Signal::XCPU) || (is(Signal::KILL) && used_its_cpu) {
        return over_budget(op, format!("it computed for more than {} s", limits.cpu_seconds))
            .hint("read fewer rows of the file, or allow the read more time");
    }
    if is(Signal::KILL) {
        return over_budget(op, "the system stopped it, most likely for want of memory".to_owned())
            .hint("close other programs and try again")
            .retry(Retry::Later);
    }
    let how = match (signal, exit.status.and_then(|status| status.code())) {
        _ if said.contains("has overflowed its stack") => "it ran out of stack".to_owned(),
        (Some(signal), _) => signal_text(signal),
        (None, Some(code)) => format!("it ended with status {code}"),
        (None, None) => "it vanished".to_owned(),
    };
    let error = crashed(op, &how);
    if said.trim().is_empty() { error } else { error.with("said", said.trim()) }
}

/// Why a worker ended before it said who it is.
pub(super) fn stillborn(exit: Exit, said: &str) -> Error {
    let how = exit.status.map_or_else(|| "it vanished".to_owned(), |status| status.to_string());
    let error = Error::unexpected("start", format!("a worker of this program does not start: {how}"));
    if said.trim().is_empty() { error } else { error.with("said", said.trim()) }
}

fn over_budget(op: &str, why: String) -> Error {
    Error::new(ErrorKind::Budget, "read", format!("the reader was stopped during `{op}`: {why}"))
}

fn signal_text(signal: i32) -> String {
    let named = [
        (Signal::ABORT, "it aborted"),
        (Signal::SEGV, "it touched memory that is not its own (SIGSEGV)"),
        (Signal::BUS, "its file shrank under it, or it touched memory that is not there (SIGBUS)"),
        (Signal::ILL, "it ran into an illegal instruction (SIGILL)"),
        (Signal::FPE, "it divided by zero (SIGFPE)"),
        (Signal::SYS, "it made a call that is not allowed to it (SIGSYS)"),
        (Signal::XFSZ, "it tried to write a file (SIGXFSZ)"),
    ];
    named
        .iter()
        .find(|(known, _)| known.as_raw() == signal)
        .map_or_else(|| format!("it was ended by signal {signal}"), |(_, text)| (*text).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_end_is_said_for_what_it_is() {
        let limits = Limits { memory_bytes: 1 << 30, cpu_seconds: 5 };
        let rows: [(i32, Option<f64>, &str, ErrorKind, &str); 9] = [
            (
                6,
                None,
                "memory allocation of 99 bytes failed",
                ErrorKind::Budget,
                "more than 1.0 GiB of memory",
            ),
            (24, Some(5.0), "", ErrorKind::Budget, "more than 5 s"),
            (9, Some(7.0), "", ErrorKind::Budget, "more than 5 s"),
            (9, Some(0.1), "", ErrorKind::Budget, "want of memory"),
            (6, None, "thread 'parse' has overflowed its stack", ErrorKind::Decode, "out of stack"),
            (6, None, "", ErrorKind::Decode, "aborted"),
            (11, None, "", ErrorKind::Decode, "SIGSEGV"),
            (31, None, "", ErrorKind::Decode, "SIGSYS"),
            (3 << 8, None, "", ErrorKind::Decode, "status 3"),
        ];
        for (raw, cpu_seconds, said, kind, words) in rows {
            let exit = Exit { status: Some(ExitStatus::from_raw(raw)), cpu_seconds };
            let error = explain(exit, said, "sniff", &limits);
            assert_eq!(error.kind, kind, "{error}");
            assert!(error.attempted.contains(words) && error.attempted.contains("`sniff`"), "{error}");
        }
        let gone = explain(Exit { status: None, cpu_seconds: None }, "", "sniff", &limits);
        assert!(gone.attempted.contains("vanished"), "{gone}");
    }
}
