//! Each server of the lab starts, answers a client, and is what the tests call it.

use std::process::Command;

use super::lab::{self, Certificates, Postgres, Version, psql};

#[test]
fn postgres_answers_as_the_release_it_is() {
    for version in Version::ALL {
        let server = lab::postgres(version);
        let answer = server.psql("postgres", "SHOW server_version_num").unwrap();
        let number: u32 = answer.parse().unwrap();
        assert_eq!(number / 10_000, version.number(), "{answer}");
        let name =
            server.database("smoke", "CREATE TABLE t (i int); INSERT INTO t VALUES (1), (2);").unwrap();
        assert_eq!(server.psql(&name, "SELECT sum(i) FROM t").unwrap(), "3");
        assert_ne!(server.database("smoke", "").unwrap(), name, "each database is fresh");
        let refused = server.psql(&name, "SELECT 1/0; SELECT 2").unwrap_err();
        assert!(refused.contains("division by zero"), "{refused}");
    }
}

#[test]
fn postgres_asks_roles_for_their_password_and_the_certified_for_their_certificate() {
    for version in Version::ALL {
        let server = lab::postgres(version);
        server.role("smoke_reader", "old").unwrap();
        server.role("smoke_reader", "right one").unwrap();
        let answer = psql(&server.url("smoke_reader", "right%20one", "postgres"), "SELECT current_user");
        assert_eq!(answer.unwrap(), "smoke_reader");
        let refused = psql(&server.url("smoke_reader", "old", "postgres"), "SELECT 1").unwrap_err();
        assert!(refused.contains("password authentication failed"), "{refused}");

        let files = lab::certificates();
        let (authority, client, key) =
            (files.authority.display(), files.client.display(), files.client_key.display());
        let certified = |authority: &dyn std::fmt::Display, rest: &str| {
            let (port, role) = (server.port, Certificates::ROLE);
            let to = format!("host=localhost hostaddr=127.0.0.1 port={port} user={role} dbname=postgres");
            psql(
                &format!("{to} sslrootcert={authority} {rest}"),
                "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
            )
        };
        let with = format!("sslmode=verify-full sslcert={client} sslkey={key}");
        assert_eq!(certified(&authority, &with).unwrap(), "t");
        for (rest, complaint) in
            [("sslmode=verify-full sslcert=none", "certificate"), ("sslmode=disable", "rejects connection")]
        {
            let refused = certified(&authority, rest).unwrap_err();
            assert!(refused.contains(complaint), "{rest}: {refused}");
        }
        let refused = certified(&files.other_authority.display(), &with).unwrap_err();
        assert!(refused.contains("certificate verify failed"), "{refused}");
    }
}

#[test]
fn a_private_postgres_is_killed_restarted_and_exchanged() {
    let mut server = Postgres::private(Version::V15, &["max_connections=7"]).unwrap();
    assert_eq!(server.psql("postgres", "SHOW max_connections").unwrap(), "7");
    let name = server.database("kept", "CREATE TABLE t AS SELECT 1 AS i;").unwrap();
    server.killer()().unwrap();
    server.restart().unwrap();
    assert_eq!(server.psql(&name, "SELECT i FROM t").unwrap(), "1");
    server.restart_elsewhere().unwrap();
    let gone = server.psql(&name, "SELECT 1").unwrap_err();
    assert!(gone.contains("does not exist"), "{gone}");
    assert_eq!(server.backends("postgres").unwrap(), "", "nobody but who asks");
}

#[test]
fn the_standby_follows_and_takes_no_writes() {
    let primary = lab::postgres(Version::V15);
    let name = primary.database("followed", "CREATE TABLE t AS SELECT 42 AS i;").unwrap();
    let standby = lab::standby();
    standby.catch_up(primary).unwrap();
    assert_eq!(standby.psql(&name, "SELECT i, pg_is_in_recovery() FROM t").unwrap(), "42|t");
    let refused = standby.psql(&name, "CREATE TABLE u ()").unwrap_err();
    assert!(refused.contains("read-only transaction"), "{refused}");
}

#[test]
fn pgbouncer_pools_by_transaction_and_passes_passwords_through() {
    let (server, pooler) = (lab::postgres(Version::V15), lab::pgbouncer());
    server.role("smoke_pooled", "secret").unwrap();
    let name = server.database("pooled", "").unwrap();
    let answer =
        psql(&pooler.url("smoke_pooled", "secret", &name), "SELECT current_user, current_database()");
    assert_eq!(answer.unwrap(), format!("smoke_pooled|{name}"));
    let refused = psql(&pooler.url("smoke_pooled", "wrong", &name), "SELECT 1").unwrap_err();
    assert!(refused.contains("password authentication failed") || refused.contains("SASL"), "{refused}");
    let mode = psql(&pooler.url(server.user, "", "pgbouncer"), "SHOW CONFIG").unwrap();
    for setting in ["pool_mode|transaction".to_owned(), format!("default_pool_size|{}", pooler.pool_size)] {
        assert!(mode.lines().any(|line| line.starts_with(&setting)), "{setting}: {mode}");
    }
}

#[test]
fn redis_answers_in_a_database_of_ones_own() {
    let redis = lab::redis();
    let (one, other) = (redis.fresh_database(), redis.fresh_database());
    redis.script(one, "SET a 1\nRPUSH list x y z\n").unwrap();
    assert_eq!(redis.cli(one, &["LRANGE", "list", "0", "-1"]).unwrap(), "x\ny\nz");
    assert_eq!(redis.cli(other, &["DBSIZE"]).unwrap(), "0");
    assert!(redis.cli(one, &["INFO", "server"]).unwrap().contains("redis_version:7."));
    assert!(redis.cli(one, &["LRANGE", "a", "0", "-1"]).unwrap_err().contains("WRONGTYPE"));
}

#[tokio::test]
async fn secantusdb_speaks_the_protocol_of_mongodb() {
    use mongodb::bson::doc;
    let mongo = lab::mongo();
    let client = mongodb::Client::with_uri_str(mongo.url()).await.unwrap();
    let database = client.database(&mongo.fresh_database("smoke"));
    database.collection("c").insert_many([doc! { "i": 1 }, doc! { "i": 2 }]).await.unwrap();
    let count = database.run_command(doc! { "count": "c" }).await.unwrap();
    assert_eq!(count.get_i32("n").unwrap(), 2);
    let hello = database.run_command(doc! { "hello": 1 }).await.unwrap();
    assert_eq!(hello.get_str("setName").unwrap(), "secantus");
}

#[test]
fn pocketbase_takes_records_and_gives_pages() {
    let it = lab::pocketbase();
    let collection = r#"{"name": "smoke", "type": "base", "fields": [{"name": "title", "type": "text"}]}"#;
    it.send("POST", "/api/collections", collection).unwrap();
    for title in ["a", "b", "c"] {
        let record = format!(r#"{{"title": "{title}"}}"#);
        it.send("POST", "/api/collections/smoke/records", &record).unwrap();
    }
    let page = it.send("GET", "/api/collections/smoke/records?perPage=2&sort=-title", "").unwrap();
    assert_eq!((&page["totalItems"], &page["items"][0]["title"]), (&3.into(), &"c".into()));
    let refused = it.send("GET", "/api/collections/absent/records", "").unwrap_err();
    assert!(refused.contains("404"), "{refused}");
}

/// The supervisors see the end of the test process however it comes.
#[test]
fn no_server_outlives_the_process_that_started_it() {
    // This very test binary, in which one server starts and then waits to be killed.
    if std::env::var_os("HEADWATER_LAB_WAITS").is_some() {
        let redis = lab::redis();
        eprintln!("port={}", redis.port);
        loop {
            lab::pause();
        }
    }
    let mut child = Command::new(std::env::current_exe().unwrap());
    let name = "servers::smoke::no_server_outlives_the_process_that_started_it";
    child.args(["--exact", name, "--nocapture"]).env("HEADWATER_LAB_WAITS", "1");
    let mut child =
        child.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let said = std::io::BufReader::new(child.stderr.take().unwrap());
    let mut lines = std::io::BufRead::lines(said).map(Result::unwrap);
    let port: u16 = lines
        .find_map(|line| line.split_once("port=").and_then(|(_, port)| port.trim().parse().ok()))
        .unwrap();
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
    child.kill().unwrap();
    child.wait().unwrap();
    let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
        assert!(std::time::Instant::now() < until, "the server on port {port} is still there");
        lab::pause();
    }
}
