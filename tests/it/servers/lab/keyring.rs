//! A session of its own: a private D-Bus and, on it, the Secret Service of GNOME. Nothing of the user's is touched.

use std::path::PathBuf;

use super::process::{self, Folder, Server, command};

/// A private D-Bus with nothing on it that starts by itself.
pub struct Bus {
    folder: Folder,
    _server: Server,
}

const CONFIGURATION: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path=PLACE</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>
"#;

impl Bus {
    pub fn start() -> Result<Self, String> {
        let program = process::program("/usr/bin/dbus-daemon", "dbus")?;
        let folder = Folder::new(None)?;
        let place = folder.file("bus");
        let configuration = CONFIGURATION.replace("PLACE", &place.display().to_string());
        let configuration = folder.write("bus.conf", &configuration, None)?;
        let mut bus = command(&program);
        bus.arg(format!("--config-file={}", configuration.display())).args([
            "--nofork",
            "--nopidfile",
            "--nosyslog",
        ]);
        let server = Server::start(bus, "TERM", &folder.file("bus.log"), None)?;
        server.wait_until(|| place.exists())?;
        Ok(Self { folder, _server: server })
    }

    /// Variables of a program in this session.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let inside = |name: &str| {
            let path: PathBuf = self.folder.file(name);
            std::fs::create_dir_all(&path).unwrap();
            path.display().to_string()
        };
        vec![
            ("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", self.folder.file("bus").display())),
            ("HOME", inside("home")),
            ("XDG_RUNTIME_DIR", inside("run")),
            ("XDG_DATA_HOME", inside("data")),
            ("XDG_CONFIG_HOME", inside("config")),
        ]
    }
}

/// Whether a keyring is opened when it starts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Door {
    Unlocked,
    Locked,
}

/// A Secret Service on a bus.
pub struct Keyring {
    server: Server,
}

impl Keyring {
    pub fn on(bus: &Bus, door: Door) -> Result<Self, String> {
        process::program("/usr/bin/gnome-keyring-daemon", "gnome-keyring")?;
        let passphrase = bus.folder.write("keyring-passphrase", "opens the keyring", None)?;
        let arguments = "--foreground --components=secrets";
        let line = match door {
            Door::Unlocked => {
                format!("exec gnome-keyring-daemon {arguments} --unlock < {}", passphrase.display())
            }
            Door::Locked => format!("exec gnome-keyring-daemon {arguments}"),
        };
        let mut daemon = command(std::path::Path::new("/bin/sh"));
        daemon.args(["-c", &line]).envs(bus.environment());
        let server = Server::start(daemon, "TERM", &bus.folder.file("keyring.log"), None)?;
        server.wait_until(|| {
            let mut ask = command(std::path::Path::new("/usr/bin/dbus-send"));
            ask.envs(bus.environment()).args([
                "--session",
                "--print-reply",
                "--dest=org.freedesktop.DBus",
                "/",
                "org.freedesktop.DBus.GetNameOwner",
                "string:org.freedesktop.secrets",
            ]);
            process::run(&mut ask).is_ok()
        })?;
        Ok(Self { server })
    }

    /// Stops answering, as a prompt that nobody sees does.
    pub fn freeze(&self) {
        self.signal(rustix::process::Signal::STOP);
    }

    /// Is killed without a word.
    pub fn kill(&self) {
        self.signal(rustix::process::Signal::KILL);
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(self.server.pid()).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }
}

impl Drop for Keyring {
    fn drop(&mut self) {
        // A frozen one hears nothing else.
        let pid = rustix::process::Pid::from_raw(self.server.pid()).unwrap();
        let _gone = rustix::process::kill_process(pid, rustix::process::Signal::CONT);
    }
}
