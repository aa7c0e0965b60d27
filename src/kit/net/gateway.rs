//! The local socket that a connector speaks through where its server is not reached directly. Each connection to it
//! goes its own way to the server; a tunnel is shared and opened again when it broke.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use secrecy::SecretString;

use super::{Endpoint, Stream, Way, dial, tls};
use crate::model::tls::Wish;
use crate::model::{Error, ErrorKind, Result};

/// Where a way leads and what is spoken on it.
struct Plan {
    way: Way,
    to: Endpoint,
    password: Option<SecretString>,
    tls: Option<Wish>,
    folder: PathBuf,
    #[cfg(unix)]
    tunnel: tokio::sync::Mutex<Option<super::ssh::Tunnel>>,
    /// Why the last connection did not come about.
    failure: Mutex<Option<Error>>,
    shown: Mutex<Option<tls::Shown>>,
}

/// A way in that stands: the socket to speak through. Dropping it closes the way.
pub struct WayIn {
    plan: Arc<Plan>,
    socket: PathBuf,
    task: tokio::task::AbortHandle,
}

/// How much later than a stream's end its tunnel may speak of it.
const LATER_WORDS: std::time::Duration = std::time::Duration::from_millis(300);
/// Bytes of a random folder's name.
const NAME_DIGITS: usize = 16;

impl WayIn {
    /// Opens a way to a server. `socket` is the file name that the connector's client looks for.
    ///
    /// # Errors
    /// Those of making a private folder; `unsupported` where the system has no Unix sockets; with an SSH host those of
    /// reaching it.
    #[cfg(unix)]
    pub async fn open(
        stage: &str,
        way: Way,
        to: Endpoint,
        password: Option<SecretString>,
        tls: Option<Wish>,
        socket: &str,
    ) -> Result<Self> {
        let folder = private_folder()
            .map_err(|error| Error::io(stage, "making a private folder for the way in", &error))?;
        let socket = folder.join(socket);
        let plan = Arc::new(Plan {
            way,
            to,
            password,
            tls,
            folder,
            tunnel: tokio::sync::Mutex::default(),
            failure: Mutex::default(),
            shown: Mutex::default(),
        });
        // What fails before anything is asked is told at once.
        if let Way::Ssh { .. } = plan.way {
            plan.tunnel(stage).await?;
        }
        let listener = tokio::net::UnixListener::bind(&socket)
            .map_err(|error| Error::io(stage, "opening the local end of the way in", &error))?;
        let carried = Arc::clone(&plan);
        let task = tokio::spawn(async move {
            let mut running = tokio::task::JoinSet::new();
            while let Ok((local, _)) = listener.accept().await {
                running.spawn(carry(Arc::clone(&carried), Box::pin(local)));
                while running.try_join_next().is_some() {}
            }
        });
        Ok(Self { plan, socket, task: task.abort_handle() })
    }

    /// The same, where the system has no Unix sockets.
    ///
    /// # Errors
    /// `unsupported`, always.
    #[cfg(not(unix))]
    pub async fn open(
        stage: &str,
        _: Way,
        _: Endpoint,
        _: Option<SecretString>,
        _: Option<Wish>,
        _: &str,
    ) -> Result<Self> {
        Err(Error::new(
            ErrorKind::Unsupported,
            stage,
            "ways in other than directly need Unix sockets, which this system lacks",
        ))
    }

    /// The socket to speak through.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// The folder of the socket.
    pub fn folder(&self) -> &Path {
        &self.plan.folder
    }

    /// What the last handshake of TLS on the way showed.
    pub fn shown(&self) -> Option<tls::Shown> {
        self.plan.shown.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// An error of a client that spoke through the socket, told as what went wrong on the way, if something did.
    pub fn explain(&self, error: Error) -> Error {
        let failure = self.plan.failure.lock().unwrap_or_else(PoisonError::into_inner).take();
        match failure {
            Some(failure)
                if matches!(error.kind, ErrorKind::Unreachable | ErrorKind::Timeout | ErrorKind::Decode) =>
            {
                failure
            }
            _ => error,
        }
    }

    /// One stream to the server, by the same way.
    ///
    /// # Errors
    /// Those of each hop.
    pub async fn stream(&self, stage: &str) -> Result<Stream> {
        self.plan.stream(stage).await
    }
}

impl Drop for WayIn {
    fn drop(&mut self) {
        self.task.abort();
        // Only what is ours lies in it.
        drop(std::fs::remove_dir_all(&self.plan.folder));
    }
}

impl Drop for Plan {
    /// Also where a way never came to stand.
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

impl Plan {
    async fn stream(&self, stage: &str) -> Result<Stream> {
        let stream: Stream = match &self.way {
            Way::Direct => Box::pin(dial::tcp(stage, &self.to).await?.stream),
            Way::Socks5(proxy) => dial::socks5(stage, proxy, &self.to, self.password.as_ref()).await?,
            Way::Http(proxy) => dial::http(stage, proxy, &self.to, self.password.as_ref()).await?,
            Way::Ssh { .. } => self.tunnel(stage).await?,
        };
        let Some(wish) = &self.tls else { return Ok(stream) };
        let (stream, shown) = tls::handshake(stage, stream, wish).await?;
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = Some(shown);
        Ok(stream)
    }

    #[cfg(unix)]
    async fn tunnel(&self, stage: &str) -> Result<Stream> {
        let Way::Ssh { host, port } = &self.way else {
            return Err(Error::unexpected(stage, "a tunnel on a way without SSH"));
        };
        let mut standing = self.tunnel.lock().await;
        if standing.as_mut().is_none_or(|tunnel| !tunnel.is_alive()) {
            *standing = None;
            drop(std::fs::remove_file(self.folder.join("ssh")));
            *standing = Some(super::ssh::Tunnel::open(stage, host, *port, &self.to, &self.folder).await?);
        }
        match standing.as_ref() {
            Some(tunnel) => tunnel.stream(stage).await,
            None => Err(Error::unexpected(stage, "a tunnel that stands and does not")),
        }
    }

    #[cfg(not(unix))]
    async fn tunnel(&self, stage: &str) -> Result<Stream> {
        Err(Error::new(ErrorKind::Unsupported, stage, "SSH needs Unix sockets, which this system lacks"))
    }

    /// What the tunnel said of a stream that ended before a byte came.
    #[cfg(unix)]
    async fn refused(&self) -> Option<Error> {
        if !matches!(self.way, Way::Ssh { .. }) {
            return None;
        }
        // What it says of the stream comes by another wire, and may be later than the end of the stream.
        tokio::time::sleep(LATER_WORDS).await;
        let standing = self.tunnel.lock().await;
        let words =
            standing.as_ref().map(super::ssh::Tunnel::words).filter(|words| words.contains("open failed"))?;
        Some(
            super::unreachable(
                "connect",
                format!("SSH: the last host of the way can't reach {}: {words}", self.to),
            )
            .hint("check the server's name and port as that host sees them"),
        )
    }

    #[cfg(not(unix))]
    async fn refused(&self) -> Option<Error> {
        None
    }
}

/// Carries one connection until either end closes.
async fn carry(plan: Arc<Plan>, mut local: Stream) {
    let failure = match plan.stream("connect").await {
        Ok(mut remote) => match tokio::io::copy_bidirectional(&mut local, &mut remote).await {
            Ok((_, 0)) | Err(_) => plan.refused().await,
            Ok(_) => None,
        },
        Err(error) => Some(error),
    };
    if failure.is_some() {
        *plan.failure.lock().unwrap_or_else(PoisonError::into_inner) = failure;
    }
}

/// A new folder that only this user can enter.
#[cfg(unix)]
fn private_folder() -> std::io::Result<PathBuf> {
    let name = uuid::Uuid::new_v4().simple().to_string();
    let name = name.get(..NAME_DIGITS).unwrap_or(&name);
    let folder = std::env::temp_dir().join(format!("hw-{name}"));
    let mut maker = std::fs::DirBuilder::new();
    std::os::unix::fs::DirBuilderExt::mode(&mut maker, 0o700);
    maker.create(&folder)?;
    Ok(folder)
}
