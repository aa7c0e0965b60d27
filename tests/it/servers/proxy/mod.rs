//! A network between a client and a server that misbehaves as told: late, slow, in crumbs, cut, silent, reset,
//! or with a wrong byte, at a place that is counted, so that a failure is found again. It also witnesses what
//! passed: every byte, and how often the client had to wait for an answer.
//!
//! A proxy runs on a thread of its own until it is dropped, so that tests with and without a runtime share it.

mod faults;
mod frames;
mod pump;
mod tests;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

pub use faults::{Breach, Fault, Faults, Way};
pub use frames::statements;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Most bytes kept of each way of a connection; more are only counted.
const KEPT: usize = 4 << 20;

/// What passed through one connection.
#[derive(Clone, Debug, Default)]
pub struct Witness {
    /// What the client sent.
    pub up: Vec<u8>,
    /// What the server sent.
    pub down: Vec<u8>,
    /// Bytes of both ways, kept or not.
    pub bytes: u64,
    /// How often the client said something and then heard an answer. The handshake of TCP itself comes on top.
    pub round_trips: u32,
    /// Whether the client spoke last.
    client_spoke: bool,
    /// Whether both ways are closed.
    pub closed: bool,
}

impl Witness {
    fn note(&mut self, upwards: bool, bytes: &[u8]) {
        if self.client_spoke && !upwards {
            self.round_trips += 1;
        }
        self.client_spoke = upwards;
        self.bytes += bytes.len() as u64;
        let kept = if upwards { &mut self.up } else { &mut self.down };
        let room = KEPT.saturating_sub(kept.len()).min(bytes.len());
        kept.extend_from_slice(&bytes[..room]);
    }
}

#[derive(Default)]
struct Witnesses(Mutex<Vec<Witness>>);

impl Witnesses {
    fn with<T>(&self, act: impl FnOnce(&mut Vec<Witness>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A running proxy; ends with its connections when dropped.
pub struct Proxy {
    /// Where clients connect, on 127.0.0.1.
    pub port: u16,
    faults: watch::Sender<Faults>,
    witnesses: Arc<Witnesses>,
    end: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Starts one before a server on this machine.
    pub fn before(port: u16, faults: Faults) -> Self {
        let target = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (faults, told) = watch::channel(faults);
        let (witnesses, end) = (Arc::<Witnesses>::default(), CancellationToken::new());
        let (seen, ended) = (Arc::clone(&witnesses), end.clone());
        let body = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = TcpListener::from_std(listener).unwrap();
                tokio::select! {
                    () = accept(&listener, target, &told, &seen) => {}
                    () = ended.cancelled() => {}
                }
            });
        };
        let thread = std::thread::Builder::new().name("proxy".to_owned()).spawn(body).unwrap();
        Self { port, faults, witnesses, end, thread: Some(thread) }
    }

    /// Other faults from now on, for live connections as well. Places are counted from each connection's start;
    /// one that lies behind a connection already is now.
    pub fn set(&self, faults: Faults) {
        self.faults.send_replace(faults);
    }

    /// What passed so far, one entry a connection, in the order they came.
    pub fn witnesses(&self) -> Vec<Witness> {
        self.witnesses.with(|all| all.clone())
    }

    /// Round trips of all connections so far.
    pub fn round_trips(&self) -> u32 {
        self.witnesses.with(|all| all.iter().map(|one| one.round_trips).sum())
    }

    /// Bytes of all connections so far.
    pub fn bytes(&self) -> u64 {
        self.witnesses.with(|all| all.iter().map(|one| one.bytes).sum())
    }

    /// How many connections are open.
    pub fn open(&self) -> usize {
        self.witnesses.with(|all| all.iter().filter(|one| !one.closed).count())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.end.cancel();
        drop(self.thread.take().map(JoinHandle::join));
    }
}

/// Takes clients for ever. A server that does not answer looks to the client like one that hangs up.
async fn accept(
    listener: &TcpListener,
    target: SocketAddr,
    faults: &watch::Receiver<Faults>,
    witnesses: &Arc<Witnesses>,
) {
    let mut tasks = tokio::task::JoinSet::new();
    loop {
        let Ok((client, _)) = listener.accept().await else { continue };
        let Ok(server) = TcpStream::connect(target).await else { continue };
        drop((client.set_nodelay(true), server.set_nodelay(true)));
        let number = witnesses.with(|all| {
            all.push(Witness::default());
            all.len() - 1
        });
        tasks.spawn(pump::carry(client, server, faults.clone(), Arc::clone(witnesses), number));
        while tasks.try_join_next().is_some() {}
    }
}
