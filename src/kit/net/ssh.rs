//! A tunnel through the user's own `ssh`: its configuration, aliases, jump hosts, agent, keys and known hosts are what
//! they are at the terminal, and so is what it refuses. It forwards one local socket in a folder of ours.
//!
//! Invariants: nothing is asked at a terminal (`BatchMode`), no unknown host is trusted (`StrictHostKeyChecking`) · the
//! host follows `--`, so that it is never an option · the process ends with its tunnel · no secret is in its arguments
//! or environment.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::process::{Child, Command};

use super::{Endpoint, Stream, unreachable};
use crate::model::error::Retry;
use crate::model::{Error, ErrorKind, Result};

/// How long the whole way through all jump hosts may take.
const STANDS_WITHIN: Duration = Duration::from_secs(30);
/// The environment variable that names another `ssh`.
pub const PROGRAM_VARIABLE: &str = "HEADWATER_SSH";
/// How long an ssh that ended is still listened to.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// Lines kept of what it says.
const KEPT_LINES: usize = 40;

/// A standing tunnel.
pub(super) struct Tunnel {
    child: Child,
    socket: PathBuf,
    said: Arc<Mutex<Vec<String>>>,
    /// Takes down what it says, until it says no more.
    listening: Option<tokio::task::JoinHandle<()>>,
}

impl Tunnel {
    /// Starts one and waits until it stands.
    pub async fn open(
        stage: &str,
        host: &str,
        port: Option<u16>,
        to: &Endpoint,
        folder: &Path,
    ) -> Result<Self> {
        let socket = folder.join("ssh");
        let mut command = Command::new(std::env::var_os(PROGRAM_VARIABLE).unwrap_or_else(|| "ssh".into()));
        command.args(["-N", "-T", "-n", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes"]);
        command.args([
            "-o",
            "ExitOnForwardFailure=yes",
            "-o",
            "StreamLocalBindMask=0177",
            "-o",
            "ControlMaster=no",
        ]);
        command.args(["-o", "ControlPath=none", "-o", "ConnectTimeout=10", "-o", "ServerAliveInterval=15"]);
        command.args([
            "-o",
            "ServerAliveCountMax=3",
            "-o",
            "ClearAllForwardings=no",
            "-o",
            "PermitLocalCommand=no",
        ]);
        if let Some(port) = port {
            command.arg("-p").arg(port.to_string());
        }
        command.arg("-L").arg(format!("{}:{to}", socket.display())).arg("--").arg(host);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().map_err(|error| {
            Error::io(stage, "SSH: starting ssh", &error)
                .hint("install the OpenSSH client, or choose another way in")
        })?;
        let said = Arc::<Mutex<Vec<String>>>::default();
        let listening = child.stderr.take().map(|stderr| {
            let said = Arc::clone(&said);
            tokio::spawn(async move {
                let mut lines = BufReader::new(stderr).lines();
                while let Ok(Some(line)) = lines.next_line().await {
                    let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
                    if said.len() < KEPT_LINES {
                        said.push(line);
                    }
                }
            })
        });
        let mut tunnel = Self { child, socket, said, listening };
        match tokio::time::timeout(STANDS_WITHIN, tunnel.stands()).await {
            Ok(Ok(())) => Ok(tunnel),
            Ok(Err(())) => Err(tunnel.broken(stage, host)),
            Err(late) => {
                let why = format!("SSH: {host} was not reached within {} s: {late}", STANDS_WITHIN.as_secs());
                Err(Error::new(ErrorKind::Timeout, stage, why)
                    .hint(format!("try it at the terminal: ssh {host}"))
                    .retry(Retry::Later))
            }
        }
    }

    /// Waits for the socket, which is made once the server let us in.
    async fn stands(&mut self) -> std::result::Result<(), ()> {
        let mut wait = Duration::from_millis(5);
        loop {
            if self.socket.exists() {
                return Ok(());
            }
            tokio::select! {
                _ended = self.child.wait() => {
                    // Its last words may still be on their way; a child of its own may hold the wire open.
                    if let Some(listening) = self.listening.take() {
                        drop(tokio::time::timeout(LAST_WORDS, listening).await);
                    }
                    return Err(());
                }
                () = tokio::time::sleep(wait) => wait = (wait * 2).min(Duration::from_millis(100)),
            }
        }
    }

    /// A stream through it.
    pub async fn stream(&self, stage: &str) -> Result<Stream> {
        match UnixStream::connect(&self.socket).await {
            Ok(stream) => Ok(Box::pin(stream)),
            Err(error) => {
                Err(unreachable(stage, format!("SSH: the tunnel is gone: {error}: {}", self.words()))
                    .hint("it is opened again on the next try"))
            }
        }
    }

    /// Whether it still stands.
    pub fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// What ssh said, without what is only chatter.
    pub fn words(&self) -> String {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.iter().filter(|line| !line.trim().is_empty()).cloned().collect::<Vec<_>>().join("; ")
    }

    fn broken(&self, stage: &str, host: &str) -> Error {
        let words = self.words();
        let has = |part: &str| words.contains(part);
        let told = |kind, hint: &str| {
            Error::new(kind, stage, format!("SSH: {host} did not let us through: {words}"))
                .hint(hint)
                .retry(Retry::AfterChange)
        };
        if has("REMOTE HOST IDENTIFICATION HAS CHANGED") || has("Host key verification failed") {
            let hint = "the host's key is not the one in known_hosts: ask its owner for the fingerprint, then connect once at the terminal";
            return told(ErrorKind::Denied, hint);
        }
        if has("Permission denied") || has("Too many authentication failures") {
            let hint = "your keys did not open it: add the right one to the agent (ssh-add), since nothing is asked here";
            return told(ErrorKind::Denied, hint);
        }
        if has("Could not resolve hostname") {
            return told(ErrorKind::Unreachable, "check the name against your SSH configuration");
        }
        told(ErrorKind::Unreachable, &format!("try it at the terminal: ssh {host}"))
    }
}
