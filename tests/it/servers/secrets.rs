//! Where secrets are kept, tried on a real Secret Service under a private D-Bus: present, locked, frozen, killed in
//! the middle of a call, absent; and with no D-Bus at all. The program is the real one, started anew for each step.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use super::lab::{self, Bus, Door, Keyring, Version};

const PASSWORD: &str = "keychain-canary-7c1e";

/// A run of the program over a data folder in some surroundings.
struct Run<'a> {
    data: &'a Path,
    environment: Vec<(&'static str, String)>,
}

impl Run<'_> {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_headwater"));
        command.env_clear().env("PATH", "/usr/bin:/bin").env("HEADWATER_KEYCHAIN_SECONDS", "3");
        command.env("HEADWATER_DATA_DIR", self.data).envs(self.environment.clone());
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs to the end: exit code and everything said.
    fn go(&self, arguments: &[&str], input: &str) -> (i32, String) {
        let mut child = self.command(arguments).spawn().unwrap();
        // One that reads nothing closes the pipe.
        drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
        said(&child.wait_with_output().unwrap())
    }

    fn add(&self, url: &str) -> (i32, String) {
        self.go(&["connections", "add", "shop", url, "--password-stdin"], &format!("{PASSWORD}\n"))
    }

    fn ls(&self) -> (i32, String) {
        self.go(&["ls", "shop"], "")
    }
}

fn said(output: &Output) -> (i32, String) {
    let all = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&all).into_owned())
}

/// A database whose login has the password, by URL.
fn upstream(name: &str) -> String {
    let server = lab::postgres(Version::V15);
    let role = format!("kept_{name}");
    server.role(&role, PASSWORD).unwrap();
    let database = server.database(&role, "CREATE TABLE kept (id int);").unwrap();
    format!("postgres://{role}@127.0.0.1:{}/{database}?sslmode=disable", server.port)
}

fn files_hold(folder: &Path, needle: &str) -> bool {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).any(|path| match path.metadata() {
        Ok(found) if found.is_dir() => files_hold(&path, needle),
        Ok(found) if found.is_file() => std::fs::read(&path)
            .is_ok_and(|bytes| bytes.windows(needle.len()).any(|part| part == needle.as_bytes())),
        _ => false,
    })
}

#[test]
fn a_password_lives_in_the_keychain_from_run_to_run_and_goes_with_its_connection() {
    let bus = Bus::start().unwrap();
    let keyring = Keyring::on(&bus, Door::Unlocked).unwrap();
    let data = tempfile::tempdir().unwrap();
    let run = Run { data: data.path(), environment: bus.environment() };
    let (code, told) = run.go(&["connections", "vault", "status"], "");
    assert!(code == 0 && told.contains("keychain of this system"), "{told}");
    let (code, told) = run.add(&upstream("present"));
    assert!(code == 0 && told.contains("kept in the keychain of this system"), "{told}");
    let (code, told) = run.ls();
    assert!(code == 0 && told.contains("public"), "{told}");
    assert!(!files_hold(data.path(), PASSWORD), "on disk");

    // Another run of the service: locked, until somebody opens it.
    drop(keyring);
    let keyring = Keyring::on(&bus, Door::Locked).unwrap();
    let (code, told) = run.ls();
    assert!(code == 4 && told.contains("keychain") && told.contains("denied"), "{code} {told}");
    let (code, told) = run.go(&["ls", "shop", "--password-stdin"], &format!("{PASSWORD}\n"));
    assert!(code == 0, "a password given for the run opens it: {told}");
    drop(keyring);
    let _keyring = Keyring::on(&bus, Door::Unlocked).unwrap();
    let (code, told) = run.ls();
    assert!(code == 0, "what failed deleted nothing: {told}");

    // Led elsewhere, the password stays here.
    let trap = lab::postgres(Version::V18);
    let file = data.path().join("connections.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let here = lab::postgres(Version::V15).port.to_string();
    std::fs::write(&file, text.replace(&here, &trap.port.to_string())).unwrap();
    let (code, told) = run.ls();
    assert!(code == 3 && told.contains("is not sent to"), "{code} {told}");
    std::fs::write(&file, text).unwrap();

    let (code, told) = run.go(&["connections", "remove", "shop"], "");
    assert_eq!(code, 0, "{told}");
    let mut look = Command::new("/usr/bin/dbus-send");
    look.envs(bus.environment()).args([
        "--session",
        "--print-reply",
        "--dest=org.freedesktop.secrets",
        "/org/freedesktop/secrets",
        "org.freedesktop.Secret.Service.SearchItems",
        "dict:string:string:service,headwater",
    ]);
    let left = said(&look.output().unwrap()).1;
    assert!(left.contains("array") && !left.contains("object path"), "{left}");
}

#[test]
fn a_keychain_that_hangs_or_dies_is_given_up_and_said() {
    let bus = Bus::start().unwrap();
    let keyring = Keyring::on(&bus, Door::Unlocked).unwrap();
    let data = tempfile::tempdir().unwrap();
    let run = Run { data: data.path(), environment: bus.environment() };
    let (code, told) = run.add(&upstream("frozen"));
    assert!(code == 0 && told.contains("kept in the keychain"), "{told}");
    keyring.freeze();
    let began = Instant::now();
    let (code, told) = run.ls();
    assert!(code == 4 && told.contains("did not answer within 3 s"), "{code} {told}");
    assert!(began.elapsed() < Duration::from_secs(60), "it ends");

    // Killed while a call waits for it.
    let child = run.command(&["ls", "shop"]).spawn().unwrap();
    let waits = format!("/proc/{}/task", child.id());
    let until = Instant::now() + Duration::from_secs(2);
    while Instant::now() < until && std::fs::read_dir(&waits).map_or(0, Iterator::count) < 4 {
        lab::pause();
    }
    keyring.kill();
    let (code, told) = said(&child.wait_with_output().unwrap());
    assert!(code == 4 && told.contains("keychain"), "{code} {told}");

    // With its service gone: for this run only, said, and nothing on disk.
    let (code, told) = run.go(&["connections", "vault", "status"], "");
    assert!(code == 0 && told.contains("for this run only") && told.contains("no keychain"), "{told}");
    let (code, told) = run.ls();
    assert!(code == 4 && told.contains("keychain"), "{told}");
    assert!(!files_hold(data.path(), PASSWORD), "on disk");
}

#[test]
fn without_a_keychain_a_password_is_for_one_run_or_behind_a_passphrase() {
    let bus = Bus::start().unwrap();
    let runs = tempfile::tempdir().unwrap();
    let no_bus = vec![
        ("HOME", runs.path().display().to_string()),
        ("XDG_RUNTIME_DIR", runs.path().display().to_string()),
    ];
    let off = vec![("HEADWATER_NO_KEYCHAIN", "1".to_owned())];
    for (surroundings, environment) in
        [("a bus without the service", bus.environment()), ("no bus", no_bus), ("switched off", off)]
    {
        let data = tempfile::tempdir().unwrap();
        let run = Run { data: data.path(), environment };
        let url = upstream("absent");
        let (code, told) = run.add(&url);
        assert!(code == 0 && told.contains("for this run only"), "{surroundings}: {told}");
        let (code, told) = run.ls();
        assert!(code == 4 && told.contains("not known here"), "{surroundings}: {told}");

        let passphrase = "four words of mine\n";
        let (code, told) = run.go(&["connections", "vault", "make", "--passphrase-stdin"], passphrase);
        assert_eq!(code, 0, "{surroundings}: {told}");
        run.go(&["connections", "remove", "shop"], "");
        let both = format!("{passphrase}{PASSWORD}\n");
        let add = ["connections", "add", "shop", &url, "--password-stdin", "--passphrase-stdin"];
        let (code, told) = run.go(&add, &both);
        assert!(code == 0 && told.contains("vault"), "{surroundings}: {told}");
        let (code, told) = run.ls();
        assert!(code == 4 && told.contains("locked"), "{surroundings}: {told}");
        let (code, told) = run.go(&["ls", "shop", "--passphrase-stdin"], passphrase);
        assert!(code == 0 && told.contains("public"), "{surroundings}: {told}");
        let (code, told) = run.go(&["ls", "shop", "--passphrase-stdin"], "four words of yours\n");
        assert!(code == 4 && told.contains("does not open"), "{surroundings}: {told}");
        assert!(!files_hold(data.path(), PASSWORD), "{surroundings}: on disk");
    }
}
