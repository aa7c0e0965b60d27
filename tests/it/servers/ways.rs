//! The ways to a server, each against the real thing: sshd with a jump host, microsocks, tinyproxy, pinned and private
//! certificates. The program is the real one, so that what a person reads is what is tested.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::lab::{self, Middle, Ssh, Version};
use super::proxy::{Faults, Proxy};

const PASSWORD: &str = "way-canary-41d0";

struct Run<'a> {
    data: &'a Path,
    ssh: Option<std::path::PathBuf>,
}

impl Run<'_> {
    fn go(&self, arguments: &[&str], input: &str) -> (i32, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_headwater"));
        command.env_clear().env("PATH", "/usr/bin:/bin").env("HEADWATER_NO_KEYCHAIN", "1");
        command.env("HEADWATER_DATA_DIR", self.data).env("HOME", self.data).env("RUST_LOG", "trace");
        command.env("TMPDIR", self.data);
        if let Some(ssh) = &self.ssh {
            command.env("HEADWATER_SSH", ssh);
        }
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
        let output = child.wait_with_output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert!(!out.contains(PASSWORD) && !err.contains(PASSWORD), "a password is told: {out}\n{err}");
        (output.status.code().unwrap_or(-1), out, err)
    }

    /// The hops of a check, by name: verdict and what was found; and its exit code.
    fn check(&self, target: &str) -> (i32, Vec<(String, String, String)>) {
        // What takes no login is asked without one.
        let (login, typed): (&[&str], _) = match target.contains("@") {
            true => (&["--password-stdin"], format!("{PASSWORD}\n")),
            false => (&[], String::new()),
        };
        let (code, out, err) = self.go(&[&["check", target, "--json"], login].concat(), &typed);
        let document: Value =
            serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}\n{err}"));
        let text = |hop: &Value, key: &str| hop[key].as_str().unwrap_or_default().to_owned();
        let hops = document["hops"].as_array().unwrap().iter();
        (code, hops.map(|hop| (text(hop, "name"), text(hop, "verdict"), text(hop, "found"))).collect())
    }
}

fn verdict<'a>(hops: &'a [(String, String, String)], name: &str) -> (&'a str, &'a str) {
    let hop = hops.iter().find(|hop| hop.0 == name);
    hop.map_or(("missing", "missing"), |hop| (hop.1.as_str(), hop.2.as_str()))
}

/// A login that may only read, on a database with one table.
fn upstream(name: &str, version: Version, options: &str) -> String {
    let server = lab::postgres(version);
    let role = format!("way_{name}");
    server.role(&role, PASSWORD).unwrap();
    let setup =
        format!("CREATE TABLE kept (id int); INSERT INTO kept VALUES (7); GRANT SELECT ON kept TO {role};");
    let database = server.database(&role, &setup).unwrap();
    format!("postgres://{role}@127.0.0.1:{}/{database}?{options}", server.port)
}

#[test]
fn a_check_says_hop_by_hop_what_stands_and_what_the_login_may_do_at_worst_in_five_round_trips() {
    let data = tempfile::tempdir().unwrap();
    let run = Run { data: data.path(), ssh: None };
    let url = upstream("direct", Version::V15, "sslmode=disable");
    let port = lab::postgres(Version::V15).port;
    let proxy = Proxy::before(port, Faults::none());
    let (code, hops) = run.check(&url.replace(&format!(":{port}/"), &format!(":{}/", proxy.port)));
    assert_eq!(code, 0, "{hops:?}");
    assert!(proxy.round_trips() <= 5, "{} round trips", proxy.round_trips());
    for (name, stands, found) in [
        ("name", "ok", "127.0.0.1"),
        ("route", "ok", "loopback"),
        ("TCP", "ok", "takes connections"),
        ("TLS", "ok", "not spoken"),
        ("authentication", "ok", "read-only"),
        ("server", "ok", "PostgreSQL 15"),
        ("role", "ok", "way_direct"),
        ("grants", "warning", "create temporary tables"),
        ("read-only", "ok", "transaction_read_only = on"),
        ("position", "ok", "primary"),
        ("clock", "ok", "ours"),
    ] {
        let hop = verdict(&hops, name);
        assert!(hop.0 == stands && hop.1.contains(found), "{name}: {hop:?} in {hops:?}");
    }
    let standby = lab::standby();
    let own = lab::postgres(Version::V15);
    let (_, hops) =
        run.check(&format!("postgres://{}@127.0.0.1:{}/postgres?sslmode=disable", own.user, standby.port));
    assert!(verdict(&hops, "position").1.contains("a replica"), "{hops:?}");
    assert!(verdict(&hops, "grants").1.contains("superuser"), "{hops:?}");
    // Each failure names its hop, and nothing behind it is tried.
    for (target, name, part) in [
        ("postgres://a@no-such-name.invalid/b".to_owned(), "name", "no-such-name.invalid"),
        ("postgres://a@127.0.0.1:1/b".to_owned(), "TCP", "refused"),
        (url.replace("way_direct@", "nobody_here@"), "authentication", "nobody_here"),
        (url.replace("sslmode=disable", "sslmode=verify-full"), "TLS", "not trusted"),
    ] {
        let (code, hops) = run.check(&target);
        let last = hops.last().unwrap();
        assert!(
            code == 4 && last.0 == name && last.1 == "failed" && last.2.contains(part),
            "{target}: {hops:?}"
        );
    }
    let redis = lab::redis();
    let (code, hops) = run.check(&format!("redis://127.0.0.1:{}", redis.port));
    assert!(code == 0 && verdict(&hops, "server").1.contains("Redis 7"), "{hops:?}");
    assert!(
        verdict(&hops, "clock").0 == "ok" && verdict(&hops, "position").1.contains("primary"),
        "{hops:?}"
    );
    let (code, hops) = run.check(&format!("mongodb://127.0.0.1:{}", lab::mongo().port));
    assert!(code == 0 && verdict(&hops, "server").0 == "ok", "{hops:?}");
}

#[test]
fn ssh_goes_the_way_of_the_users_own_configuration_and_refuses_what_that_refuses() {
    let data = tempfile::tempdir().unwrap();
    for kind in ["ed25519", "rsa"] {
        let ssh = Ssh::start(kind).unwrap();
        let run = Run { data: data.path(), ssh: Some(ssh.program()) };
        let url = upstream("ssh", Version::V18, "sslmode=disable");
        for host in ["jump", "inner"] {
            let through = format!("{url}&via=ssh://{host}");
            let (code, hops) = run.check(&through);
            assert!(code == 0 && verdict(&hops, "SSH").0 == "ok", "{host}: {hops:?}");
            assert!(verdict(&hops, "server").1.contains("PostgreSQL 18"), "{hops:?}");
            let (code, out, err) = run.go(
                &["preview", &through, "public/kept", "--json", "--password-stdin"],
                &format!("{PASSWORD}\n"),
            );
            assert!(code == 0 && out.contains("[7]]"), "{host}: {out} {err}");
        }
        assert!(
            ssh.log("jump").contains("Accepted publickey") && ssh.log("inner").contains("Accepted publickey")
        );
        let redis = format!("redis://127.0.0.1:{}?via=ssh://inner", lab::redis().port);
        assert_eq!(run.check(&redis).0, 0);
        let mongo = format!("mongodb://127.0.0.1:{}/admin?via=ssh://jump", lab::mongo().port);
        let (code, hops) = run.check(&mongo);
        assert_eq!(code, 0, "{hops:?}");

        // A server that the last host can't reach, a host that is another, a key that is not let in.
        let (code, hops) = run.check("postgres://a@127.0.0.1:1/b?sslmode=disable&via=ssh://jump");
        assert!(code == 4 && hops.last().unwrap().2.contains("can't reach"), "{hops:?}");
        ssh.know(false).unwrap();
        let (code, hops) = run.check(&format!("{url}&via=ssh://jump"));
        assert!(
            code == 4
                && hops.last().unwrap().0 == "SSH"
                && hops.last().unwrap().2.contains("Host key verification failed"),
            "{hops:?}"
        );
        ssh.know(true).unwrap();
        ssh.configure("stranger").unwrap();
        let (code, hops) = run.check(&format!("{url}&via=ssh://jump"));
        assert!(code == 4 && hops.last().unwrap().2.contains("Permission denied"), "{hops:?}");
    }
    let left = std::fs::read_dir(data.path()).unwrap().flatten();
    let left = left.filter(|entry| entry.file_name().to_string_lossy().starts_with("hw-")).count();
    assert_eq!(left, 0, "a way leaves its folder behind");
}

#[test]
fn proxies_are_gone_through_with_their_login_and_never_around() {
    let data = tempfile::tempdir().unwrap();
    let run = Run { data: data.path(), ssh: None };
    let plain = upstream("proxy", Version::V15, "sslmode=disable");
    let api = format!("rest+http://127.0.0.1:{}/api/health", lab::pocketbase().port);
    for (scheme, open, closed) in [
        ("socks5", Middle::socks5(None).unwrap(), Middle::socks5(Some(("me", "proxy-secret-9"))).unwrap()),
        ("http", Middle::http(None).unwrap(), Middle::http(Some(("me", "proxy-secret-9"))).unwrap()),
    ] {
        let through = |target: &str, middle: &Middle, user: &str| {
            let join = if target.contains('?') { '&' } else { '?' };
            format!("{target}{join}via={scheme}://{user}127.0.0.1:{}", middle.port)
        };
        let (code, hops) = run.check(&through(&plain, &open, ""));
        assert!(code == 0 && verdict(&hops, "server").1.contains("PostgreSQL"), "{scheme}: {hops:?}");
        assert!(!open.log().is_empty() || scheme == "socks5", "{scheme} was gone around");
        // Not let in without the login; let in with it, which is kept apart like any secret.
        let (code, hops) = run.check(&through(&plain, &closed, ""));
        assert!(code == 4 && hops.last().unwrap().0.contains("proxy"), "{scheme}: {hops:?}");
        // The name of a server is looked up by the proxy.
        let named = plain.replace("127.0.0.1", "localhost");
        assert_eq!(run.check(&through(&named, &open, "")).0, 0);
        let gone = Middle::socks5(None).unwrap().port;
        let (code, hops) = run.check(&format!("{plain}&via={scheme}://127.0.0.1:{gone}"));
        assert!(code == 4 && hops.last().unwrap().0 == "TCP", "{scheme}: {hops:?}");
        let (code, hops) = run.check(&through("postgres://a@127.0.0.1:1/b?sslmode=disable", &open, ""));
        assert!(code == 4 && hops.last().unwrap().2.contains("proxy"), "{scheme}: {hops:?}");
    }
    drop(api);
}

#[test]
fn a_certificate_is_checked_by_its_authority_or_its_pin_and_named_by_the_real_host() {
    let data = tempfile::tempdir().unwrap();
    let run = Run { data: data.path(), ssh: None };
    let authority = lab::certificates().authority.display().to_string();
    let url = upstream("tls", Version::V15, &format!("sslrootcert={authority}"));
    let url = url.replace("127.0.0.1", "localhost");
    let (code, hops) = run.check(&url);
    let (stands, found) = verdict(&hops, "TLS");
    assert!(code == 0 && ["ok", "warning"].contains(&stands) && found.contains("TLSv1.3"), "{hops:?}");
    let print = found.split("SHA-256 ").nth(1).unwrap().to_owned();
    assert_eq!(print.replace(':', "").len(), 64, "{found}");
    // Through a proxy the real host is still the one that is checked.
    let proxy = Middle::socks5(None).unwrap();
    let through = format!("{url}&via=socks5://127.0.0.1:{}", proxy.port);
    let (code, hops) = run.check(&through);
    assert_eq!(code, 0, "{hops:?}");
    // Pinned: no authority is asked, and another certificate is refused.
    let bare = upstream("tls", Version::V15, "sslmode=verify-full").replace("127.0.0.1", "localhost");
    let (code, hops) = run.check(&bare);
    assert!(code == 4 && hops.last().unwrap().0 == "TLS", "{hops:?}");
    let (code, hops) = run.check(&format!("{bare}&pin={}", print.replace(':', "")));
    assert!(code == 0 && verdict(&hops, "TLS").1.contains("pinned"), "{hops:?}");
    let (code, out, err) = run.go(
        &[
            "preview",
            &format!("{bare}&pin={}", print.replace(':', "")),
            "public/kept",
            "--json",
            "--password-stdin",
        ],
        &format!("{PASSWORD}\n"),
    );
    assert!(code == 0 && out.contains("[7]]"), "{out} {err}");
    let (code, hops) = run.check(&format!("{bare}&pin={}", "00".repeat(32)));
    assert!(code == 4 && hops.last().unwrap().2.contains("another than the pinned"), "{hops:?}");
}
