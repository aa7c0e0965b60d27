//! Parses the command line and hands over to a face: the headless one, or the window.

use std::process::ExitCode;

use headwater::cli::{self, Asked};

fn main() -> ExitCode {
    // With several crypto providers compiled in, rustls must be told which one; failing means one is set.
    drop(rustls::crypto::ring::default_provider().install_default());
    cli::voice::start();
    // What a crash would leave behind holds passwords.
    headwater::safety::no_core_dump();
    // A panic has told its reason through the hook; its exit code is that of a bug.
    std::panic::catch_unwind(run).unwrap_or(ExitCode::from(1))
}

fn run() -> ExitCode {
    match cli::run() {
        Asked::Exit(code) => code,
        Asked::Window(asked) => window(asked),
    }
}

#[cfg(feature = "gui")]
fn window(asked: cli::WindowAsked) -> ExitCode {
    use headwater::gui::{self, Backend, Renderer};
    let options = gui::Options {
        target: asked.target.clone(),
        data_dir: asked.data_dir.clone(),
        renderer: asked.window.renderer.map(|renderer| match renderer {
            cli::args::Renderer::Glow => Renderer::Glow,
            cli::args::Renderer::Wgpu => Renderer::Wgpu,
        }),
        backend: asked.window.backend.map(|backend| match backend {
            cli::args::Backend::X11 => Backend::X11,
            cli::args::Backend::Wayland => Backend::Wayland,
        }),
        life: if asked.window.first_frame_exit { gui::Life::OneFrame } else { gui::Life::UntilClosed },
    };
    match gui::run(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => cli::without_window(asked, &error),
    }
}

#[cfg(not(feature = "gui"))]
fn window(asked: cli::WindowAsked) -> ExitCode {
    use headwater::model::{Error, ErrorKind};
    cli::without_window(asked, &Error::new(ErrorKind::Unsupported, "start", "this build has no window"))
}
