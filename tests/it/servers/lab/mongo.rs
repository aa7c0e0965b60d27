//! SecantusDB: wire-compatible with MongoDB, not MongoDB itself; tests that use it say so. It calls itself a
//! replica set of one, so that change streams work.

use std::net::TcpStream;
use std::sync::atomic::{AtomicU32, Ordering};

use super::certificates::Certificates;
use super::process::{self, Folder, Server, command, on_a_free_port};

/// A running server, without authentication.
pub struct Mongo {
    pub host: &'static str,
    pub port: u16,
    made: AtomicU32,
    _server: Server,
    _folder: Folder,
}

impl Mongo {
    pub fn start() -> Result<Self, String> {
        Self::started(None)
    }

    /// One that speaks TLS alone.
    pub fn with_tls(certificates: &Certificates) -> Result<Self, String> {
        Self::started(Some(certificates))
    }

    fn started(certificates: Option<&Certificates>) -> Result<Self, String> {
        let program = process::lab_program("py/bin/secantusd-py", "secantusdb")?;
        on_a_free_port(|port| {
            let folder = Folder::new(None)?;
            let mut server = command(&program);
            server.args(["--host", "127.0.0.1", "--port", &port.to_string(), "--cache-size", "64M"]);
            server.arg("--storage-path").arg(folder.file("data")).env("HOME", folder.path());
            if let Some(certificates) = certificates {
                server.arg("--tls-cert-file").arg(folder.write("tls.pem", &certificates.server, None)?);
                server.arg("--tls-key-file").arg(folder.write("tls.key", &certificates.server_key, None)?);
            }
            // Politely asked, it takes seconds to end.
            let server = Server::start(server, "KILL", &folder.file("log"), None)?;
            server.wait_until(|| TcpStream::connect(("127.0.0.1", port)).is_ok())?;
            Ok(Self { host: "127.0.0.1", port, made: AtomicU32::new(0), _server: server, _folder: folder })
        })
        .map_err(|why| format!("SecantusDB: {why}"))
    }

    /// A connection string, straight to this one server.
    pub fn url(&self) -> String {
        format!("mongodb://{}:{}/?directConnection=true", self.host, self.port)
    }

    /// A database name that no other test has.
    pub fn fresh_database(&self, name: &str) -> String {
        format!("{name}_{}", self.made.fetch_add(1, Ordering::Relaxed))
    }
}
