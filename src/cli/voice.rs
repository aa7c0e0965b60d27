//! What the program says beside its results: log lines and the words of a panic.
//!
//! Invariant: both go to stderr only, and through redaction on their way. Whoever adds another way out for
//! them adds a way out for passwords.

use std::panic::PanicHookInfo;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use super::print;
use crate::job::caught;
use crate::safety::display::{Place, visible};
use crate::safety::redact::{RedactingWriter, redact};

/// Longest message of a panic that is printed, in characters.
const LONGEST_PANIC: usize = 4_000;

/// Installs the panic hook and the log. `RUST_LOG` says what is logged; without it only errors are.
pub fn start() {
    std::panic::set_hook(Box::new(|panic| {
        if !caught::is_open() {
            print::note(&words(panic));
        }
    }));
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::ERROR.into()).from_env_lossy();
    // A log that someone else has installed before stays: a library has no say over its host.
    drop(
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_ansi(false)
            .with_writer(|| RedactingWriter(std::io::stderr()))
            .try_init(),
    );
}

/// What a panic says: its message without secrets, its place, and what to do.
fn words(panic: &PanicHookInfo<'_>) -> String {
    let message = panic.payload_as_str().unwrap_or("no message");
    let place = panic.location().map_or_else(String::new, |at| format!(" ({}:{})", at.file(), at.line()));
    let trace = std::backtrace::Backtrace::capture();
    let trace = match trace.status() {
        std::backtrace::BacktraceStatus::Captured => format!("\n{trace}"),
        _ => String::new(),
    };
    let redacted = redact(message);
    let message = visible(&redacted, Place::Block, LONGEST_PANIC).text;
    format!(
        "error (unexpected): headwater broke down: {message}{place}\n  try: this is a bug in headwater; please report it{trace}"
    )
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    const CHILD: &str = "HEADWATER_TEST_VOICE";
    const SECRET: &str = "hunter2-in-the-clear";

    /// Not a test of its own: the process that speaks.
    #[test]
    fn a_child_speaks() {
        let Ok(way) = std::env::var(CHILD) else { return };
        super::start();
        let url = format!("postgres://reader:{SECRET}@db.example/shop");
        match way.as_str() {
            "log" => tracing::trace!(%url, "connecting"),
            "log of another crate's kind" => tracing::error!("connecting failed: password={SECRET}"),
            "panic" => panic!("no row of {url}"),
            _ => {
                let thread = std::thread::Builder::new().name("another".to_owned());
                let thread = thread.spawn(move || panic!("api_key: \"{SECRET}\" of {url}")).unwrap();
                assert!(thread.join().is_err());
            }
        }
    }

    #[test]
    fn log_lines_and_panics_come_out_without_their_secrets() {
        for (way, said) in [
            ("log", "connecting"),
            ("log of another crate's kind", "connecting failed"),
            ("panic", "headwater broke down: no row of postgres://***@db.example/shop"),
            ("panic elsewhere", "headwater broke down: api_key"),
        ] {
            let out = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "cli::voice::tests::a_child_speaks", "--nocapture"])
                .env(CHILD, way)
                .env("RUST_LOG", "trace")
                .output()
                .unwrap();
            let stderr = String::from_utf8_lossy(&out.stderr);
            assert!(stderr.contains(said), "{way}: {stderr}");
            let all = format!("{stderr}{}", String::from_utf8_lossy(&out.stdout));
            assert!(!all.contains(SECRET), "{way}: {all}");
        }
    }
}
