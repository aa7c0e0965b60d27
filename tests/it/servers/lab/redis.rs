//! Redis 7, real, as Debian packages it: in memory only, no password, [`Redis::DATABASES`] databases.

use std::sync::atomic::{AtomicU32, Ordering};

use super::process::{self, Folder, Server, command, on_a_free_port, run};

/// A running server.
pub struct Redis {
    pub host: &'static str,
    pub port: u16,
    taken: AtomicU32,
    _server: Server,
    _folder: Folder,
}

impl Redis {
    /// How many numbered databases it has.
    pub const DATABASES: u32 = 256;

    pub fn start() -> Result<Self, String> {
        let program = process::program("/usr/bin/redis-server", "redis-server")?;
        on_a_free_port(|port| {
            let folder = Folder::new(None)?;
            let mut server = command(&program);
            server.args([
                "--port",
                &port.to_string(),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
            ]);
            server.args(["--databases", &Self::DATABASES.to_string(), "--dir"]).arg(folder.path());
            let server = Server::start(server, "TERM", &folder.file("log"), None)?;
            let redis =
                Self { host: "127.0.0.1", port, taken: AtomicU32::new(0), _server: server, _folder: folder };
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
        cli.args(["-h", self.host, "-p", &self.port.to_string(), "-n", &database.to_string(), "-e"]);
        run(cli.stdin(input)).map(drop)
    }
}
