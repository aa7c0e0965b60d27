//! Parses the command line and hands over to a face: the headless one, or the window.

use std::process::ExitCode;

use headwater::cli::{self, Asked};

fn main() -> ExitCode {
    // With several crypto providers compiled in, rustls must be told which one; failing means one is set.
    drop(rustls::crypto::ring::default_provider().install_default());
    match cli::run() {
        Asked::Exit(code) => code,
        Asked::Window(asked) => window(asked),
    }
}

fn window(asked: cli::WindowAsked) -> ExitCode {
    use headwater::model::{Error, ErrorKind};
    cli::without_window(asked, &Error::new(ErrorKind::Unsupported, "start", "this build has no window"))
}
