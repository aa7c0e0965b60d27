//! Opening the window: options, the look from the settings, and honest reasons where no window can open. A
//! missing display or library is an error with the package to install, never a panic.

use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::app::App;
use super::theme::{self, Look};
use crate::job::Runtime;
use crate::model::{Error, ErrorKind, Result};
use crate::ops::Workspace;
use crate::store::settings::{self, Settings, SettingsFile};

/// How the window is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renderer {
    /// OpenGL.
    Glow,
    /// Vulkan, Metal or DX12.
    Wgpu,
}

/// Which display server is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// X11.
    X11,
    /// Wayland.
    Wayland,
}

/// How long the window lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// Until the user closes it.
    UntilClosed,
    /// One frame: to measure the start.
    OneFrame,
}

/// What to open, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// Opened at once.
    pub target: Option<String>,
    /// Where data lies; none = the system's place.
    pub data_dir: Option<PathBuf>,
    /// How it is drawn.
    pub renderer: Option<Renderer>,
    /// Which display server.
    pub backend: Option<Backend>,
    /// How long it lives.
    pub life: Life,
}

/// Opens the window and returns when it is closed.
///
/// # Errors
/// `unsupported` or `unreachable` where no window can open, with what is missing.
pub fn run(options: Options) -> Result<()> {
    if options.renderer == Some(Renderer::Wgpu) {
        return Err(Error::new(ErrorKind::Unsupported, "start", "this build draws with OpenGL only")
            .hint("leave --renderer out, or say --renderer glow"));
    }
    #[cfg(target_os = "linux")]
    display_is_there(options.backend)?;
    let runtime = Arc::new(Runtime::start()?);
    let workspace = runtime.run(Workspace::open(options.data_dir.clone()))?;
    let (settings, broken) = runtime.run(SettingsFile::at(workspace.folders().settings()).load());
    open(options, runtime, workspace, settings, broken)
}

fn open(
    options: Options,
    runtime: Arc<Runtime>,
    workspace: Workspace,
    settings: Settings,
    broken: Option<Error>,
) -> Result<()> {
    let native = native_options(options.backend);
    let (life, target) = (options.life, options.target);
    let opened = Arc::new(AtomicBool::new(false));
    let now_open = Arc::clone(&opened);
    let create: eframe::AppCreator<'_> = Box::new(move |cc| {
        now_open.store(true, Ordering::Relaxed);
        theme::apply(&cc.egui_ctx, look_of(&settings))?;
        let app = App::new(&cc.egui_ctx, runtime, workspace, settings, target);
        if let Some(error) = broken {
            app.warn(&error);
        }
        Ok(match life {
            Life::UntilClosed => Box::new(app) as Box<dyn eframe::App>,
            Life::OneFrame => Box::new(OneFrame { app, frames: 0 }),
        })
    });
    quiet_until(&opened);
    let result =
        std::panic::catch_unwind(AssertUnwindSafe(|| eframe::run_native("headwater", native, create)));
    let was_open = opened.swap(true, Ordering::Relaxed);
    match result {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(no_window(&error.to_string())),
        Err(panic) => {
            let said = panic
                .downcast_ref::<String>()
                .cloned()
                .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
                .unwrap_or_else(|| "it gave no reason".to_owned());
            if was_open {
                return Err(Error::unexpected("window", format!("the window broke down: {said}")));
            }
            Err(no_window(&said))
        }
    }
}

/// Window libraries panic where a shared library is missing; that becomes an error with its package, told
/// once. Once the window is open a panic speaks through the hook that was there before.
fn quiet_until(opened: &Arc<AtomicBool>) {
    let hook = std::panic::take_hook();
    let opened = Arc::clone(opened);
    std::panic::set_hook(Box::new(move |panic| {
        if opened.load(Ordering::Relaxed) {
            hook(panic);
        }
    }));
}

/// Shows one frame, then closes.
struct OneFrame {
    app: App,
    frames: u32,
}

impl eframe::App for OneFrame {
    fn logic(&mut self, ctx: &egui::Context, _frame: &mut eframe::Frame) {
        self.app.logic(ctx);
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        self.app.draw(ui);
        self.frames += 1;
        if self.frames > 1 {
            ui.ctx().send_viewport_cmd(egui::ViewportCommand::Close);
        } else {
            ui.ctx().request_repaint();
        }
    }
}

fn native_options(backend: Option<Backend>) -> eframe::NativeOptions {
    let mut viewport = egui::ViewportBuilder::default()
        .with_title("Headwater")
        .with_app_id("headwater")
        .with_inner_size([1280.0, 800.0])
        .with_min_inner_size([800.0, 520.0])
        .with_drag_and_drop(true);
    if let Ok(icon) = eframe::icon_data::from_png_bytes(include_bytes!("../../assets/icon-256.png")) {
        viewport = viewport.with_icon(icon);
    }
    let event_loop_builder: Option<eframe::EventLoopBuilderHook> = backend.map(|backend| {
        let hook: eframe::EventLoopBuilderHook = Box::new(move |builder| choose_backend(builder, backend));
        hook
    });
    eframe::NativeOptions {
        viewport,
        renderer: eframe::Renderer::Glow,
        event_loop_builder,
        ..eframe::NativeOptions::default()
    }
}

#[cfg(target_os = "linux")]
fn choose_backend(builder: &mut eframe::EventLoopBuilder<eframe::UserEvent>, backend: Backend) {
    use winit::platform::wayland::EventLoopBuilderExtWayland as _;
    use winit::platform::x11::EventLoopBuilderExtX11 as _;
    match backend {
        Backend::X11 => builder.with_x11(),
        Backend::Wayland => builder.with_wayland(),
    };
}

#[cfg(not(target_os = "linux"))]
fn choose_backend(_builder: &mut eframe::EventLoopBuilder<eframe::UserEvent>, _backend: Backend) {}

/// Whether a display and the libraries to draw on it are there, before anything is loaded.
#[cfg(target_os = "linux")]
fn display_is_there(backend: Option<Backend>) -> Result<()> {
    let named = |variable: &str| std::env::var_os(variable).is_some_and(|value| !value.is_empty());
    let wayland = (named("WAYLAND_DISPLAY") || named("WAYLAND_SOCKET")) && backend != Some(Backend::X11);
    let x11 = named("DISPLAY") && backend != Some(Backend::Wayland);
    if !wayland && !x11 {
        return Err(Error::new(
            ErrorKind::Unreachable,
            "start",
            "no display is named (DISPLAY and WAYLAND_DISPLAY are empty)",
        )
        .hint("run it in a desktop session, or over ssh with X forwarding (ssh -X)"));
    }
    let needed: &[(&str, &str)] = if wayland {
        &[
            ("libwayland-client.so.0", "libwayland-client0"),
            ("libEGL.so.1", "libegl1"),
            ("libxkbcommon.so.0", "libxkbcommon0"),
        ]
    } else {
        &[
            ("libX11.so.6", "libx11-6"),
            ("libX11-xcb.so.1", "libx11-xcb1"),
            ("libXcursor.so.1", "libxcursor1"),
            ("libXi.so.6", "libxi6"),
            ("libxkbcommon.so.0", "libxkbcommon0"),
            ("libxkbcommon-x11.so.0", "libxkbcommon-x11-0"),
            ("libGL.so.1", "libgl1"),
        ]
    };
    libraries_are_there(needed, library_is_there)
}

/// An error that names the libraries that are missing and the packages that bring them.
#[cfg(target_os = "linux")]
fn libraries_are_there(needed: &[(&str, &str)], is_there: impl Fn(&str) -> bool) -> Result<()> {
    let missing = needed.iter().filter(|(library, _)| !is_there(library));
    let (libraries, packages): (Vec<&str>, Vec<&str>) = missing.copied().unzip();
    if libraries.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Unsupported,
        "start",
        format!("shared libraries are missing: {}", libraries.join(", ")),
    )
    .hint(format!("install them: apt install {}", packages.join(" "))))
}

/// Whether the dynamic linker finds a library: in its cache, its usual folders or `LD_LIBRARY_PATH`.
#[cfg(target_os = "linux")]
fn library_is_there(library: &str) -> bool {
    let listed = std::fs::read("/etc/ld.so.cache").is_ok_and(|cache| {
        let name = library.as_bytes();
        cache.windows(name.len() + 1).any(|window| window.split_last() == Some((&0, name)))
    });
    let paths = std::env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
    let beside = |folder: &Path| folder.join(library).exists();
    listed
        || std::env::split_paths(&paths).any(|folder| beside(&folder))
        || ["/lib", "/usr/lib", "/lib64", "/usr/lib64", "/usr/local/lib"]
            .into_iter()
            .any(|folder| beside(Path::new(folder)))
}

/// Why no window opened, with the package that is usually missing.
fn no_window(said: &str) -> Error {
    const DEAD_X11: &str = "check that the display named in DISPLAY answers, or run it in a desktop session";
    const DEAD_WAYLAND: &str =
        "check that the compositor named in WAYLAND_DISPLAY answers, or say --backend x11";
    const HINTS: [(&str, &str); 8] = [
        ("xkbcommon-x11", "apt install libxkbcommon-x11-0"),
        ("xkbcommon", "apt install libxkbcommon0"),
        ("X server", DEAD_X11),
        ("ayland", DEAD_WAYLAND),
        (
            "X11",
            "apt install libx11-6 libx11-xcb1 libxcursor1 libxi6, or check that the display in DISPLAY answers",
        ),
        ("EGL", "apt install libegl1 libgl1-mesa-dri"),
        ("GL", "apt install libgl1 libgl1-mesa-dri"),
        ("isplay", "check that the display named in DISPLAY or WAYLAND_DISPLAY answers"),
    ];
    let hint = HINTS
        .iter()
        .find(|(part, _)| said.contains(part))
        .map_or("run it in a desktop session", |(_, hint)| hint);
    Error::new(ErrorKind::Unreachable, "start", format!("the window did not open: {}", plain_words(said)))
        .hint(hint)
}

/// What a window library said, without the names of its own types and the places in its source.
fn plain_words(said: &str) -> String {
    let said = said.strip_prefix("winit EventLoopError: ").unwrap_or(said);
    // "os error at PATH.rs:LINE: REASON"
    let reason = said.strip_prefix("os error at ").and_then(|rest| {
        let (_, from_line) = rest.split_once(".rs:")?;
        from_line.split_once(": ").map(|(_, reason)| reason)
    });
    let mut letters = reason.unwrap_or(said).trim().trim_end_matches('.').chars();
    let Some(first) = letters.next() else { return "it gave no reason".to_owned() };
    let rest = letters.as_str();
    // A word in capitals, such as EGL, stays as it is.
    if rest.starts_with(char::is_uppercase) {
        return format!("{first}{rest}");
    }
    first.to_lowercase().chain(rest.chars()).collect()
}

/// A std waker that asks the window for a frame; coalesced by egui itself.
pub(super) fn waker(ctx: &egui::Context) -> std::task::Waker {
    struct Repaint(egui::Context);
    impl std::task::Wake for Repaint {
        fn wake(self: Arc<Self>) {
            self.0.request_repaint();
        }
    }
    Arc::new(Repaint(ctx.clone())).into()
}

/// The look kept in the settings.
pub(super) fn look_of(settings: &Settings) -> Look {
    Look {
        theme: match settings.theme {
            settings::Theme::System => theme::ThemeChoice::System,
            settings::Theme::Dark => theme::ThemeChoice::Dark,
            settings::Theme::Light => theme::ThemeChoice::Light,
            settings::Theme::HighContrast => theme::ThemeChoice::HighContrast,
        },
        density: match settings.density {
            settings::Density::Compact => theme::Density::Compact,
            settings::Density::Normal => theme::Density::Normal,
            settings::Density::Roomy => theme::Density::Roomy,
        },
        motion: match settings.motion {
            settings::Motion::Full => theme::Motion::Full,
            settings::Motion::Reduced => theme::Motion::Reduced,
        },
        zoom_percent: (settings.zoom() * 100.0).round() as u16,
    }
}

/// Writes a look into the settings.
pub(super) fn keep_look(settings: &mut Settings, look: Look) {
    settings.theme = match look.theme {
        theme::ThemeChoice::System => settings::Theme::System,
        theme::ThemeChoice::Dark => settings::Theme::Dark,
        theme::ThemeChoice::Light => settings::Theme::Light,
        theme::ThemeChoice::HighContrast => settings::Theme::HighContrast,
    };
    settings.density = match look.density {
        theme::Density::Compact => settings::Density::Compact,
        theme::Density::Normal => settings::Density::Normal,
        theme::Density::Roomy => settings::Density::Roomy,
    };
    settings.motion = match look.motion {
        theme::Motion::Full => settings::Motion::Full,
        theme::Motion::Reduced => settings::Motion::Reduced,
    };
    settings.set_zoom(f32::from(look.zoom_percent) / 100.0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_window_library_says_becomes_a_plain_sentence_with_a_way_out() {
        for (said, told, hint) in [
            (
                "winit EventLoopError: os error at /home/x/.cargo/registry/src/winit-0.30/src/linux/mod.rs:788: Failed to open connection to X server",
                "failed to open connection to X server",
                "DISPLAY",
            ),
            (
                "winit EventLoopError: os error at /x/wayland/event_loop/mod.rs:89: Could not find wayland compositor",
                "could not find wayland compositor",
                "WAYLAND_DISPLAY",
            ),
            (
                "Library libxkbcommon-x11.so could not be loaded.",
                "library libxkbcommon-x11.so could not be loaded",
                "libxkbcommon-x11-0",
            ),
            ("EGL gave no config", "EGL gave no config", "libegl1"),
            ("", "it gave no reason", "desktop session"),
        ] {
            let error = no_window(said);
            assert_eq!(error.attempted, format!("the window did not open: {told}"));
            assert!(error.hint.as_deref().is_some_and(|words| words.contains(hint)), "{error}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn missing_libraries_are_named_with_their_packages() {
        let needed = [("libX11.so.6", "libx11-6"), ("libGL.so.1", "libgl1")];
        assert_eq!(libraries_are_there(&needed, |_| true), Ok(()));
        let error = libraries_are_there(&needed, |library| library != "libGL.so.1").unwrap_err();
        assert_eq!(error.attempted, "shared libraries are missing: libGL.so.1");
        assert_eq!(error.hint.as_deref(), Some("install them: apt install libgl1"));
        let error = libraries_are_there(&needed, |_| false).unwrap_err();
        assert_eq!(error.hint.as_deref(), Some("install them: apt install libx11-6 libgl1"));
    }
}
