//! What stands between a client and a server: sshd with a jump host, a SOCKS5 proxy, an HTTP proxy. All real, all on
//! 127.0.0.1, in private folders.

use std::path::{Path, PathBuf};

use super::process::{self, Folder, Server, command, on_a_free_port, run};

/// Two sshd and the configuration of a user: `jump` is one, `inner` is reached through it.
pub struct Ssh {
    folder: Folder,
    servers: Vec<(Server, u16)>,
}

/// One that waits for a TCP port.
fn listens(port: u16) -> bool {
    std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
}

impl Ssh {
    /// `kind` of the user's key: `ed25519` or `rsa`.
    pub fn start(kind: &str) -> Result<Self, String> {
        let sshd = process::program("/usr/sbin/sshd", "openssh-server")?;
        let folder = Folder::new(None)?;
        // sshd wants the folder that its package makes at boot.
        drop(std::fs::create_dir_all("/run/sshd"));
        let keygen = |name: &str, kind: &str| {
            let mut keygen = command(Path::new("/usr/bin/ssh-keygen"));
            run(keygen.args(["-q", "-t", kind, "-N", "", "-f"]).arg(folder.file(name)))
        };
        keygen("host", "ed25519")?;
        keygen("user", kind)?;
        keygen("stranger", "ed25519")?;
        let public = std::fs::read_to_string(folder.file("user.pub")).map_err(|error| error.to_string())?;
        folder.write("authorized", &public, None)?;
        let mut servers = Vec::new();
        for name in ["jump", "inner"] {
            servers.push(on_a_free_port(|port| {
                let place = |name: &str| folder.file(name).display().to_string();
                let text = format!(
                    "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nStrictModes no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nUsePAM no\nAllowTcpForwarding yes\nLogLevel VERBOSE\n",
                    place("host"), place("authorized"),
                );
                let file = folder.write(&format!("{name}.conf"), &text, None)?;
                let mut server = command(&sshd);
                server.args(["-D", "-e", "-f"]).arg(file);
                let server = Server::start(server, "TERM", &folder.file(&format!("{name}.log")), None)?;
                server.wait_until(|| listens(port))?;
                Ok((server, port))
            })?);
        }
        let ssh = Self { folder, servers };
        ssh.know(true)?;
        ssh.configure("user")?;
        Ok(ssh)
    }

    /// Whether the hosts stand in the user's `known_hosts`, or another key does.
    pub fn know(&self, right: bool) -> Result<(), String> {
        let name = if right { "host.pub" } else { "stranger.pub" };
        let key = std::fs::read_to_string(self.folder.file(name)).map_err(|error| error.to_string())?;
        let line = |(_, port): &(Server, u16)| format!("[127.0.0.1]:{port} {key}");
        let known = self.servers.iter().map(line).collect::<String>();
        self.folder.write("known", &known, None).map(drop)
    }

    /// The user's configuration, with one of the keys.
    pub fn configure(&self, key: &str) -> Result<(), String> {
        let place = |name: &str| self.folder.file(name).display().to_string();
        let user = std::env::var("USER").unwrap_or_else(|_unset| "root".to_owned());
        let host = |alias: &str, port: u16, more: &str| {
            format!(
                "Host {alias}\n  HostName 127.0.0.1\n  Port {port}\n  User {user}\n  IdentityFile {}\n  IdentitiesOnly yes\n  UserKnownHostsFile {}\n  GlobalKnownHostsFile /dev/null\n{more}",
                place(key),
                place("known")
            )
        };
        let text =
            host("jump", self.servers[0].1, "") + &host("inner", self.servers[1].1, "  ProxyJump jump\n");
        // A jump host is reached by an ssh of its own, which must read the same file.
        let file = self.folder.write("config", &text, None)?;
        let script = format!("#!/bin/sh\nexec /usr/bin/ssh -F {} \"$@\"\n", file.display());
        let program = self.folder.write("ssh", &script, None)?;
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(program, std::fs::Permissions::from_mode(0o700))
            .map_err(|error| error.to_string())
    }

    /// An `ssh` with this user's configuration.
    pub fn program(&self) -> PathBuf {
        self.folder.file("ssh")
    }

    /// What a server wrote down.
    pub fn log(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.file(&format!("{name}.log"))).unwrap_or_default()
    }
}

/// A proxy.
pub struct Middle {
    pub port: u16,
    server: Server,
    folder: Folder,
}

impl Middle {
    /// microsocks, with a login where one is given.
    pub fn socks5(login: Option<(&str, &str)>) -> Result<Self, String> {
        let program = process::program("/usr/bin/microsocks", "microsocks")?;
        let folder = Folder::new(None)?;
        let (port, server) = on_a_free_port(|port| {
            let mut proxy = command(&program);
            proxy.args(["-i", "127.0.0.1", "-p", &port.to_string()]);
            if let Some((user, password)) = login {
                proxy.args(["-u", user, "-P", password]);
            }
            let server = Server::start(proxy, "TERM", &folder.file("log"), None)?;
            server.wait_until(|| listens(port))?;
            Ok((port, server))
        })?;
        Ok(Self { port, server, folder })
    }

    /// tinyproxy, with a login where one is given; it lets CONNECT through to any port.
    pub fn http(login: Option<(&str, &str)>) -> Result<Self, String> {
        let program = process::program("/usr/bin/tinyproxy", "tinyproxy")?;
        let folder = Folder::new(None)?;
        let (port, server) = on_a_free_port(|port| {
            let login =
                login.map(|(user, password)| format!("BasicAuth {user} {password}\n")).unwrap_or_default();
            let text = format!(
                "Port {port}\nListen 127.0.0.1\nTimeout 60\nMaxClients 20\nAllow 127.0.0.1\nLogFile \"{}\"\nLogLevel Connect\n{login}",
                folder.file("told").display()
            );
            let file = folder.write("tinyproxy.conf", &text, None)?;
            let mut proxy = command(&program);
            proxy.arg("-d").arg("-c").arg(file);
            let server = Server::start(proxy, "TERM", &folder.file("log"), None)?;
            server.wait_until(|| listens(port))?;
            Ok((port, server))
        })?;
        Ok(Self { port, server, folder })
    }

    /// What it wrote down.
    pub fn log(&self) -> String {
        let read = |name: &str| std::fs::read_to_string(self.folder.file(name)).unwrap_or_default();
        assert!(self.server.is_alive());
        read("log") + &read("told")
    }
}
