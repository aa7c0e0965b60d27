//! Servers as child processes that never outlive the test process.
//!
//! - Each server runs under a small shell that reads a pipe from the test process. However that process ends,
//!   even by kill -9, the pipe closes, and the shell ends the server and takes its exit. (A parent-death signal
//!   would fire when the *thread* that started the server ends.)
//! - A private folder has a keeper of the same kind, which removes it.
//! - Everything listens on 127.0.0.1, on a port that was free a moment ago.
//! - Programs that refuse root run as the user `postgres`.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, geteuid, kill_process};

/// How long a server may take until it answers, on a busy machine.
const STARTS_WITHIN: Duration = Duration::from_secs(90);

/// Arguments: signal, log file, command and its arguments. Says the server's pid, then waits for the end of stdin.
const SUPERVISOR: &str = r#"
signal=$1 log=$2
shift 2
"$@" </dev/null >>"$log" 2>&1 &
server=$!
echo "$server"
exec >/dev/null 2>&1
cat
kill -s "$signal" "$server"
(sleep 5; kill -s KILL "$server") &
patience=$!
wait "$server"
kill "$patience"
"#;

/// Argument: a folder. A server may still be writing into it, hence the tries.
const KEEPER: &str = r#"
cat
tries=0
while [ -e "$1" ] && [ "$tries" -lt 100 ]; do
    rm -rf "$1"
    tries=$((tries + 1))
    sleep 0.1
done
"#;

/// A user to run as.
#[derive(Clone, Copy)]
pub struct Account {
    user: u32,
    group: u32,
}

impl Account {
    /// Whom a server that refuses root runs as: `postgres` when these tests run as root, else whoever runs them.
    pub fn unprivileged() -> Result<Option<Self>, String> {
        if !geteuid().is_root() {
            return Ok(None);
        }
        let users = std::fs::read_to_string("/etc/passwd").map_err(|error| error.to_string())?;
        users
            .lines()
            .filter_map(|line| line.strip_prefix("postgres:"))
            .find_map(|rest| {
                let mut parts = rest.split(':').skip(1);
                let (user, group) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
                Some(Some(Self { user, group }))
            })
            .ok_or_else(|| missing("the user postgres", "postgresql-15"))
    }

    /// A command that runs as this user.
    pub fn apply(account: Option<Self>, command: &mut Command) {
        if let Some(Self { user, group }) = account {
            command.uid(user).gid(group);
        }
    }
}

/// The sentence for something that is not installed.
pub fn missing(what: &str, package: &str) -> String {
    format!("{what} is not installed: it comes with the package {package}, which tests/run installs")
}

/// A program that a package brings.
pub fn program(path: impl Into<PathBuf>, package: &str) -> Result<PathBuf, String> {
    let path = path.into();
    if path.exists() { Ok(path) } else { Err(missing(&path.display().to_string(), package)) }
}

/// Something in the folder that `tests/run` fills from package registries.
pub fn lab_program(inside: &str, package: &str) -> Result<PathBuf, String> {
    let lab = std::env::var_os("HEADWATER_LAB").map(PathBuf::from);
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache/headwater/lab"));
    let lab = lab.or(home).ok_or("neither HEADWATER_LAB nor HOME is set")?;
    program(lab.join(inside), package)
}

/// A command of the lab: none of the user's settings for database clients reach it.
pub fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C.UTF-8").env("TZ", "UTC");
    command
}

/// Runs a command to its end: what it printed, without the last line end, or what it complained about.
pub fn run(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim_end_matches('\n').to_owned());
    }
    Err(format!("{command:?}: {}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim_end()))
}

/// A private folder that goes with the test process.
pub struct Folder {
    path: PathBuf,
    keeper: Child,
}

impl Folder {
    /// Makes a folder that belongs to a user.
    pub fn new(account: Option<Account>) -> Result<Self, String> {
        let made = tempfile::Builder::new().prefix("headwater-lab-").tempdir();
        let path = made.map_err(|error| error.to_string())?.keep();
        if let Some(Account { user, group }) = account {
            std::os::unix::fs::chown(&path, Some(user), Some(group)).map_err(|error| error.to_string())?;
        }
        let mut keeper = Command::new("/bin/sh");
        keeper.args(["-c", KEEPER, "keeper"]).arg(&path);
        let keeper =
            detached(&mut keeper).stdout(Stdio::null()).spawn().map_err(|error| error.to_string())?;
        Ok(Self { path, keeper })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes a file that only its owner may read, and gives it to a user.
    pub fn write(&self, name: &str, content: &str, account: Option<Account>) -> Result<PathBuf, String> {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.file(name);
        let done = std::fs::write(&path, content)
            .and_then(|()| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)))
            .and_then(|()| match account {
                Some(Account { user, group }) => std::os::unix::fs::chown(&path, Some(user), Some(group)),
                None => Ok(()),
            });
        done.map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        drop(self.keeper.wait());
    }
}

/// A process of its own group (Ctrl+C at a terminal is for the tests), with a pipe for stdin.
fn detached(command: &mut Command) -> &mut Command {
    command.current_dir("/").process_group(0).stdin(Stdio::piped()).stderr(Stdio::null())
}

/// A server under its supervisor.
pub struct Server {
    supervisor: Child,
    pid: Pid,
    log: PathBuf,
}

impl Server {
    /// Starts a command whose output goes to a log file; `signal` is what ends it at once and cleanly.
    pub fn start(
        server: Command,
        signal: &str,
        log: &Path,
        account: Option<Account>,
    ) -> Result<Self, String> {
        let told = format!("{server:?}");
        let mut arguments: Vec<OsString> = ["-c", SUPERVISOR, "supervisor", signal].map(Into::into).into();
        arguments.push(log.into());
        arguments.push(server.get_program().into());
        arguments.extend(server.get_args().map(OsStr::to_owned));
        let mut shell = command(Path::new("/bin/sh"));
        shell.args(arguments).envs(server.get_envs().filter_map(|(name, value)| Some((name, value?))));
        Account::apply(account, &mut shell);
        let mut supervisor = detached(&mut shell)
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{told}: {error}"))?;
        let mut line = String::new();
        let said = supervisor.stdout.take().ok_or("the supervisor has no output")?;
        BufReader::new(said).read_line(&mut line).map_err(|error| error.to_string())?;
        let pid = line.trim().parse().ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| format!("{told}: no pid: {line:?}"))?;
        Ok(Self { supervisor, pid, log: log.to_owned() })
    }

    /// Whether the server itself runs; a supervisor keeps a dead one's pid from being given to another.
    pub fn is_alive(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid.as_raw_nonzero()));
        stat.is_ok_and(|stat| stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z')))
    }

    /// The server's own process.
    pub fn pid(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// Waits until a server answers.
    pub fn wait_until(&self, mut answers: impl FnMut() -> bool) -> Result<(), String> {
        let until = Instant::now() + STARTS_WITHIN;
        while !answers() {
            if !self.is_alive() {
                return Err(format!("it ended: {}", self.last_words()));
            }
            if Instant::now() > until {
                return Err(format!("no answer in {STARTS_WITHIN:?}: {}", self.last_words()));
            }
            pause();
        }
        Ok(())
    }

    /// The end of its log.
    fn last_words(&self) -> String {
        let log = std::fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&log[log.len().saturating_sub(2_000)..]).into_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.supervisor.stdin.take());
        drop(self.supervisor.wait());
    }
}

/// Kill -9 of a process of the lab.
pub fn kill_hard(pid: &str) -> Result<(), String> {
    let pid = pid.parse().ok().and_then(Pid::from_raw).ok_or_else(|| format!("{pid:?} is no process"))?;
    kill_process(pid, Signal::KILL).map_err(|error| error.to_string())
}

/// A breath between two looks at a condition that has a deadline.
pub fn pause() {
    std::thread::park_timeout(Duration::from_millis(20));
}

/// Starts something on a port that was free a moment ago; another process may have been faster, hence the tries.
pub fn on_a_free_port<T>(start: impl Fn(u16) -> Result<T, String>) -> Result<T, String> {
    let mut last = String::new();
    for _ in 0..3 {
        let socket = TcpListener::bind(("127.0.0.1", 0)).map_err(|error| error.to_string())?;
        let port = socket.local_addr().map_err(|error| error.to_string())?.port();
        drop(socket);
        match start(port) {
            Ok(started) => return Ok(started),
            Err(why) => last = why,
        }
    }
    Err(last)
}
