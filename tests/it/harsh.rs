//! Harsh conditions, through the real program: passwords where none belong, displays that do not answer, folders
//! that cannot be written, disks that are full, files that are not what they seem, and sudden death.
//!
//! One table a subject. Everything runs as any user, so a full disk is a limit on the size of files and a
//! read-only folder is one below a regular file.

#[cfg(unix)]
mod disk;
mod files;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// A folder with a data folder in it, and the program.
struct Place {
    folder: tempfile::TempDir,
    data: PathBuf,
}

/// What the program said and how it ended.
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Said {
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// The document on stdout.
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    /// The error document: the last line of stderr.
    fn error(&self) -> Value {
        let line = self.err.lines().last().unwrap_or_default();
        let document: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {self}"));
        document["error"].clone()
    }

    fn holds(&self, text: &str) -> bool {
        self.out.contains(text) || self.err.contains(text)
    }
}

impl std::fmt::Display for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "exit {:?}\n--- stdout\n{}\n--- stderr\n{}", self.code, self.out, self.err)
    }
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        Self { folder, data }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        std::fs::write(self.at(name), content).unwrap();
        self.at(name)
    }

    /// The program with its data in this place, away from any display.
    fn program(&self) -> Command {
        self.around(Command::new(env!("CARGO_BIN_EXE_headwater")))
    }

    fn around(&self, mut command: Command) -> Command {
        command
            .env("HEADWATER_DATA_DIR", &self.data)
            .env_remove("DISPLAY")
            .env_remove("WAYLAND_DISPLAY")
            .env_remove("WAYLAND_SOCKET")
            .env_remove("RUST_LOG")
            .stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Said {
        Said::of(&self.program().args(arguments).output().unwrap())
    }

    /// Everything that lies in the data folder, as bytes.
    fn kept(&self) -> Vec<u8> {
        let mut all = Vec::new();
        for entry in std::fs::read_dir(&self.data).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_file() {
                all.extend(std::fs::read(path).unwrap());
            }
        }
        all
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_password_on_the_command_line_is_neither_said_nor_kept() {
    const SECRET: &str = "hunter2-in-the-clear";
    let place = Place::new();
    let urls = ["postgres", "sqlite", "rest+https", "nonsense"]
        .map(|scheme| format!("{scheme}://reader:{SECRET}@db.example:5432/shop.db"));
    for url in &urls {
        for arguments in [
            &["connections", "add", "shop", url.as_str()][..],
            &["connections", "show", url.as_str()],
            &["check", url.as_str()],
            &["check", url.as_str(), "--json"],
            &["preview", url.as_str(), "orders", "--json"],
            &["preview", "x", "y", url.as_str()],
            &["preview", "x", "y", "--where", url.as_str(), "--limit", url.as_str()],
            &["gui", url.as_str()],
        ] {
            let run = place.program().args(arguments).env("RUST_LOG", "trace").output().unwrap();
            let said = Said::of(&run);
            assert!(!said.holds(SECRET), "{arguments:?}: {said}");
            // What has a connector is saved, without its password.
            let is_saved = said.code == Some(0) && arguments[1] == "add";
            assert!(is_saved || matches!(said.code, Some(2..=4)), "{arguments:?}: {said}");
            let kept = place.kept();
            assert!(!kept.windows(SECRET.len()).any(|bytes| bytes == SECRET.as_bytes()), "{arguments:?}");
        }
    }
    // Statements are logged by the database library; those of a ledger are among them.
    let file = place.file("shop.csv", "id\n1\n");
    let logged = place.program().args(["preview", text(&file)]).env("RUST_LOG", "trace").output().unwrap();
    assert!(Said::of(&logged).err.contains("DEBUG"), "{}", Said::of(&logged));
}

#[cfg(all(target_os = "linux", feature = "gui"))]
#[test]
fn a_display_that_does_not_answer_is_a_plain_sentence_and_exit_4() {
    let place = Place::new();
    for (variable, value) in [("DISPLAY", ":4242"), ("WAYLAND_DISPLAY", "nobody-listens"), ("DISPLAY", "")] {
        let gui = Said::of(&place.program().arg("gui").env(variable, value).output().unwrap());
        assert_eq!(gui.code, Some(4), "{variable}={value}: {gui}");
        assert!(gui.err.contains("try: ") && !gui.holds(".rs") && !gui.holds("panic"), "{variable}: {gui}");
        assert_eq!(gui.out, "", "{variable}={value}");
    }
    let tour = Said::of(&place.program().env("DISPLAY", ":4242").output().unwrap());
    assert_eq!(tour.code, Some(0), "{tour}");
    assert!(tour.err.starts_with("no window can open here: ") && !tour.holds(".rs"), "{tour}");
    assert!(tour.out.lines().count() <= 60, "{tour}");
}

/// Where a ledger cannot be kept: a data folder that cannot be written, made, or filled.
#[cfg(unix)]
const NO_LEDGER: [&str; 3] = ["below a file", "no ledger file", "full disk"];

#[cfg(unix)]
#[test]
fn a_ledger_that_can_only_be_in_memory_is_said_with_the_reason() {
    for way in NO_LEDGER {
        let mut place = Place::new();
        let csv = place.file("shop.csv", "id,name\n1,a\n2,b\n");
        match way {
            "below a file" => place.data = place.file("file", "").join("data"),
            "no ledger file" => std::fs::create_dir_all(place.data.join("ledger.sqlite")).unwrap(),
            _ => {}
        }
        let out = place.at("out.csv");
        for arguments in [
            &["preview", text(&csv)][..],
            &["profile", text(&csv)],
            &["export", text(&csv), "--to", text(&out), "--overwrite"],
            &["check", text(&csv)],
            &["ledger"],
        ] {
            for json in [false, true] {
                let mut command = match way {
                    // Room for the output, none for a database.
                    "full disk" => limited(&place, 16),
                    _ => place.program(),
                };
                command.args(arguments);
                if json {
                    command.arg("--json");
                }
                let said = Said::of(&command.output().unwrap());
                assert_eq!(said.code, Some(0), "{way} {arguments:?}: {said}");
                let told = said.err.lines().next().unwrap_or_default();
                let why = told.strip_prefix("the ledger of this run is in memory only: ");
                assert!(why.is_some_and(|why| why.len() > 10), "{way} {arguments:?}: {said}");
                assert!(said.err.contains("try: "), "{way} {arguments:?}: {said}");
                if json {
                    let ledger = &said.json()["ledger"];
                    assert_eq!(ledger["kept"], "memory", "{way} {arguments:?}: {said}");
                    assert_eq!(ledger["why"].as_str(), why, "{way} {arguments:?}: {said}");
                }
            }
        }
    }
    // Once there is room again the ledger is on disk, whatever the full disk left of it.
    let place = Place::new();
    let csv = place.file("shop.csv", "id\n1\n");
    assert!(limited(&place, 16).args(["preview", text(&csv)]).output().unwrap().status.success());
    let said = place.run(&["preview", text(&csv), "--json"]);
    assert_eq!(said.json()["ledger"]["kept"], "disk", "{said}");
    assert_eq!(said.err.lines().filter(|line| line.contains("in memory")).count(), 0, "{said}");
}

/// A ledger that is there, with one read in it.
#[cfg(unix)]
fn with_ledger(csv: &str) -> Place {
    let place = Place::new();
    let csv = place.file("shop.csv", csv);
    assert_eq!(place.run(&["preview", text(&csv)]).code, Some(0));
    place
}

#[cfg(unix)]
#[test]
fn rows_that_came_are_shown_when_the_ledger_fills_up_in_the_middle_of_the_read() {
    const CSV: &str = "id,name\n1,ada\n2,grace\n";
    let known = with_ledger(CSV);
    let (mut before, mut middle, mut after) = (0, 0, 0);
    // Somewhere between no room at all and enough of it the ledger takes the start of the read and not its end.
    for blocks in (0..400).step_by(16) {
        let place = Place::new();
        let csv = place.file("shop.csv", CSV);
        std::fs::create_dir_all(&place.data).unwrap();
        std::fs::copy(known.data.join("ledger.sqlite"), place.data.join("ledger.sqlite")).unwrap();
        let said =
            Said::of(&limited(&place, blocks).args(["preview", text(&csv), "--json"]).output().unwrap());
        match (said.code, said.out.is_empty()) {
            (Some(0), false) => after += 1,
            (Some(4), true) => before += 1,
            // The statement of the read found no room either: nothing was sent.
            (Some(4), false) if said.json()["rows_returned"] == 0 => before += 1,
            (Some(4), false) => {
                middle += 1;
                let rows = said.json()["rows"].as_array().map(Vec::len);
                assert_eq!((rows, said.json()["rows_returned"].as_u64()), (Some(2), Some(2)), "{said}");
            }
            _ => panic!("{blocks} blocks: {said}"),
        }
        if said.code == Some(4) {
            assert!(said.error()["attempted"].as_str().is_some_and(|what| what.contains("ledger")), "{said}");
        }
    }
    assert!(middle > 0 && after > 0, "before {before}, in the middle {middle}, after {after}");
}

/// The program on a disk that is full after `blocks` of 512 bytes a file; a write beyond that fails, as the
/// shell has the signal ignored that would end the program instead.
#[cfg(unix)]
fn limited(place: &Place, blocks: u32) -> Command {
    let mut command = Command::new("/bin/sh");
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_headwater")]);
    place.around(command)
}
