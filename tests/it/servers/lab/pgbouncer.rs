//! pgbouncer in transaction mode, as found in front of busy servers, with its own defaults: unknown start-up
//! parameters are refused, and a transaction's end may bring the next one to another backend.

use super::postgres::{Postgres, psql};
use super::process::{self, Account, Folder, Server, command, on_a_free_port};

/// A running pooler. Roles and passwords are those of the server behind it.
pub struct PgBouncer {
    pub host: &'static str,
    pub port: u16,
    /// Most connections to the server for one role and database.
    pub pool_size: u32,
    _server: Server,
    _folder: Folder,
}

impl PgBouncer {
    /// Starts one in front of a server.
    pub fn before(server: &Postgres) -> Result<Self, String> {
        let program = process::program("/usr/sbin/pgbouncer", "pgbouncer")?;
        on_a_free_port(|port| Self::start(&program, server, port)).map_err(|why| format!("pgbouncer: {why}"))
    }

    fn start(program: &std::path::Path, behind: &Postgres, port: u16) -> Result<Self, String> {
        const POOL_SIZE: u32 = 4;
        let account = Account::unprivileged()?;
        let folder = Folder::new(account)?;
        let user = behind.user;
        let users = folder.write("users", &format!("\"{user}\" \"\"\n"), account)?;
        let rules = format!("host all {user} 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n");
        let rules = folder.write("rules", &rules, account)?;
        let settings = format!(
            "[databases]\n* = host={} port={} auth_user={user}\n[pgbouncer]\n\
             listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
             pool_mode = transaction\ndefault_pool_size = {POOL_SIZE}\nmax_client_conn = 100\n\
             auth_type = hba\nauth_hba_file = {}\nauth_file = {}\nauth_user = {user}\n\
             auth_query = SELECT usename, passwd FROM pg_shadow WHERE usename = $1\nadmin_users = {user}\n",
            behind.host,
            behind.port,
            rules.display(),
            users.display(),
        );
        let settings = folder.write("pgbouncer.ini", &settings, account)?;
        let mut server = command(program);
        server.arg(settings);
        let server = Server::start(server, "TERM", &folder.file("log"), account)?;
        let pooler = Self { host: "127.0.0.1", port, pool_size: POOL_SIZE, _server: server, _folder: folder };
        let url = pooler.url(user, "", "postgres");
        pooler._server.wait_until(|| psql(&url, "SELECT 1").is_ok())?;
        Ok(pooler)
    }

    /// A connection URL for a role of the server behind.
    pub fn url(&self, role: &str, password: &str, database: &str) -> String {
        let password = if password.is_empty() { String::new() } else { format!(":{password}") };
        format!("postgres://{role}{password}@{}:{}/{database}", self.host, self.port)
    }
}
