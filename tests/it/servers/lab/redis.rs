//! Redis 7, real, as Debian packages it: in memory only, no password, [`Redis::DATABASES`] databases.

use std::sync::atomic::{AtomicU32, Ordering};

use super::certificates::Certificates;
use super::process::{self, Folder, Server, command, on_a_free_port, run};

/// A running server.
pub struct Redis {
    pub host: &'static str,
    pub port: u16,
    /// What redis-cli needs to speak to it.
    cli: Vec<String>,
    taken: AtomicU32,
    _server: Server,
    _folder: Folder,
}

impl Redis {
    /// How many numbered databases it has.
    pub const DATABASES: u32 = 256;

    pub fn start() -> Result<Self, String> {
        Self::started(None)
    }

    /// One that speaks nothing but TLS, and asks no client for a certificate.
    pub fn with_tls(certificates: &Certificates) -> Result<Self, String> {
        Self::started(Some(certificates))
    }

    fn started(certificates: Option<&Certificates>) -> Result<Self, String> {
        let program = process::program("/usr/bin/redis-server", "redis-server")?;
        on_a_free_port(|port| {
            let folder = Folder::new(None)?;
            let mut server = command(&program);
            let mut cli = Vec::new();
            match certificates {
                None => {
                    server.args(["--port", &port.to_string()]);
                }
                Some(certificates) => {
                    let authority = certificates.authority.display().to_string();
                    server.args(["--port", "0", "--tls-port", &port.to_string(), "--tls-auth-clients", "no"]);
                    server.arg("--tls-cert-file").arg(folder.write("tls.pem", &certificates.server, None)?);
                    server.arg("--tls-key-file").arg(folder.write(
                        "tls.key",
                        &certificates.server_key,
                        None,
                    )?);
                    server.args(["--tls-ca-cert-file", &authority]);
                    cli = vec!["--tls".to_owned(), "--cacert".to_owned(), authority];
                }
            }
            server.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
            server.args(["--databases", &Self::DATABASES.to_string(), "--dir"]).arg(folder.path());
            let server = Server::start(server, "TERM", &folder.file("log"), None)?;
            let redis = Self {
                host: "127.0.0.1",
                port,
                cli,
                taken: AtomicU32::new(0),
                _server: server,
                _folder: folder,
            };
            redis._server.wait_until(|| redis.cli(0, &["PING"]).is_ok_and(|answer| answer == "PONG"))?;
            Ok(redis)
        })
        .map_err(|why| format!("Redis: {why}"))
    }

    /// A database that no other test has: empty.
    pub fn fresh_database(&self) -> u32 {
        let database = self.taken.fetch_add(1, Ordering::Relaxed);
        assert!(database < Self::DATABASES, "all {} databases are taken", Self::DATABASES);
        database
    }

    /// Runs one command through redis-cli in a database: its answer, one element a line.
    pub fn cli(&self, database: u32, arguments: &[&str]) -> Result<String, String> {
        let mut cli = command(&process::program("/usr/bin/redis-cli", "redis-tools")?);
        cli.args(&self.cli);
        cli.args(["-h", self.host, "-p", &self.port.to_string(), "-n", &database.to_string(), "-e", "--raw"]);
        run(cli.args(arguments))
    }

    /// Runs many commands, one a line as redis-cli reads them; the first that fails is said.
    pub fn script(&self, database: u32, lines: &str) -> Result<(), String> {
        use std::io::{Seek as _, Write as _};
        let mut input = tempfile::tempfile().map_err(|error| error.to_string())?;
        input.write_all(lines.as_bytes()).map_err(|error| error.to_string())?;
        input.rewind().map_err(|error| error.to_string())?;
        let mut cli = command(&process::program("/usr/bin/redis-cli", "redis-tools")?);
        cli.args(&self.cli);
        cli.args(["-h", self.host, "-p", &self.port.to_string(), "-n", &database.to_string(), "-e"]);
        run(cli.stdin(input)).map(drop)
    }
}
