//! How a server proves who it is, and how we do: TLS is checked unless somebody switched it off, and a wrong
//! password or certificate is told as such.

use headwater::connector::{Connector as _, Credentials, Source};
use headwater::connectors::postgres::Postgres;
use headwater::job::CallCtx;
use headwater::kit::tls;
use headwater::model::connection::Connection;
use headwater::model::node::{NodePath, PageRequest};
use headwater::model::{ErrorKind, Result};

use super::lab::{self, Certificates, Mongo, Redis, TlsFront, Version};

const ROLE: &str = "tls_reader";
const PASSWORD: &str = "a right one";

async fn schemas(connection: &Connection, password: &str) -> Result<usize> {
    let credentials = match password {
        "" => Credentials::none(),
        _ => Credentials::none().with(Connection::PASSWORD, password.into()),
    };
    let ctx = CallCtx::detached();
    let source: std::sync::Arc<dyn Source> = Postgres.connect(&ctx, connection, &credentials).await?;
    Ok(source.children(&ctx, &NodePath::root(), &PageRequest::first()).await?.nodes.len())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_hosts_and_passwords_are_checked() {
    let files = tokio::task::block_in_place(lab::certificates);
    let path = |path: &std::path::Path| path.display().to_string();
    let (authority, other) = (path(&files.authority), path(&files.other_authority));
    let (client, key) = (path(&files.client), path(&files.client_key));
    for version in Version::ALL {
        let server = tokio::task::block_in_place(|| {
            let server = lab::postgres(version);
            server.role(ROLE, PASSWORD).unwrap();
            server
        });
        let at = |host: &str, user: &str, rest: &[(&str, &str)]| {
            let connection = Connection::new("tls", "postgres")
                .value(Connection::HOST, host)
                .value(Connection::PORT, server.port.to_string())
                .value(Connection::DATABASE, "postgres")
                .value(Connection::USER, user);
            rest.iter().fold(connection, |connection, (key, value)| connection.value(*key, *value))
        };
        let trusted = ("sslrootcert", authority.as_str());
        let certified = [trusted, ("sslcert", client.as_str()), ("sslkey", key.as_str())];
        let denied = Some(ErrorKind::Denied);
        for (what, connection, password, expected) in [
            ("the private authority is named", at("localhost", ROLE, &[trusted]), PASSWORD, None),
            ("nobody named the authority", at("localhost", ROLE, &[]), PASSWORD, denied),
            (
                "another authority is named",
                at("localhost", ROLE, &[("sslrootcert", &other)]),
                PASSWORD,
                denied,
            ),
            ("TLS is off", at("127.0.0.1", ROLE, &[("sslmode", "disable")]), PASSWORD, None),
            ("the password is wrong", at("localhost", ROLE, &[trusted]), "a wrong one", denied),
            ("there is no password", at("localhost", ROLE, &[trusted]), "", denied),
            ("the client shows its certificate", at("localhost", Certificates::ROLE, &certified), "", None),
            ("the client has no certificate", at("localhost", Certificates::ROLE, &[trusted]), "", denied),
            (
                "anything goes",
                at("localhost", ROLE, &[("sslmode", "prefer")]),
                PASSWORD,
                Some(ErrorKind::Invalid),
            ),
        ] {
            let answer = schemas(&connection, password).await;
            let kind = answer.as_ref().err().map(|error| error.kind);
            assert_eq!(kind, expected, "{what}: {answer:?}");
            if let Err(error) = &answer {
                let said = error.to_string();
                assert!(error.hint.is_some() || error.kind == ErrorKind::Invalid, "{what}: {said}");
                assert!(!said.contains(PASSWORD) && !said.contains("a wrong one"), "{what}: {said}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgresql_that_shows_the_certificate_of_another_host_is_refused() {
    let authority = tokio::task::block_in_place(lab::certificates).authority.display().to_string();
    let shown = ["ssl_cert_file=../elsewhere.pem", "ssl_key_file=../elsewhere.key"];
    let server = tokio::task::block_in_place(|| lab::Postgres::private(Version::V15, &shown).unwrap());
    let at = |mode: &str| {
        Connection::new("tls", "postgres")
            .value(Connection::HOST, "localhost")
            .value(Connection::PORT, server.port.to_string())
            .value(Connection::DATABASE, "postgres")
            .value(Connection::USER, server.user)
            .value("sslrootcert", authority.clone())
            .value("sslmode", mode)
    };
    let told = schemas(&at("verify-full"), "").await.unwrap_err();
    assert!(
        told.kind == ErrorKind::Denied && told.hint.unwrap().contains("issued for"),
        "{}",
        told.attempted
    );
    schemas(&at("verify-ca"), "").await.expect("whoever says that the name does not matter");
}

/// Connects and lists what there is.
async fn children(connection: &Connection) -> Result<usize> {
    let ctx = CallCtx::detached();
    let connector = headwater::connectors::registry().by_id(&connection.connector).unwrap();
    let source = connector.connect(&ctx, connection, &Credentials::none()).await?;
    Ok(source.children(&ctx, &NodePath::root(), &PageRequest::first()).await?.nodes.len())
}

/// Redis itself; SecantusDB, wire-compatible with MongoDB; PocketBase behind a front that speaks TLS for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_mongodb_and_rest_trust_the_authority_that_is_named_and_no_other_host() {
    let (files, redis, mongo, plain) = tokio::task::block_in_place(|| {
        let files = lab::certificates();
        let (redis, mongo) = (Redis::with_tls(files).unwrap(), Mongo::with_tls(files).unwrap());
        (files, redis, mongo, (lab::redis().port, lab::mongo().port, lab::pocketbase().port))
    });
    let path = |path: &std::path::Path| path.display().to_string();
    let (authority, other) = (path(&files.authority), path(&files.other_authority));
    let rest = TlsFront::before(plain.2, &files.server, &files.server_key);
    let elsewhere = |port| TlsFront::before(port, &files.elsewhere, &files.elsewhere_key);
    let wrong = [plain.0, plain.1, plain.2].map(elsewhere);
    let at = |connector: &str, port: u16| match connector {
        "rest" => Connection::new("tls", connector)
            .value(Connection::URL, format!("https://localhost:{port}"))
            .value("resources", "api/health"),
        _ => Connection::new("tls", connector)
            .value(Connection::HOST, "localhost")
            .value(Connection::PORT, port.to_string())
            .value("tls", "on"),
    };
    for (connector, right, wrong) in [
        ("redis", redis.port, wrong[0].port),
        ("mongodb", mongo.port, wrong[1].port),
        ("rest", rest.port, wrong[2].port),
    ] {
        let trusting = |port, authority: &str| at(connector, port).value(tls::AUTHORITY, authority);
        let answer = children(&trusting(right, &authority)).await;
        assert!(answer.is_ok(), "{connector}: {answer:?}");
        for (what, connection, hint) in [
            ("nobody named the authority", at(connector, right), "signed by an authority"),
            ("another authority is named", trusting(right, &other), "signed by an authority"),
            ("the certificate is another host's", trusting(wrong, &authority), "issued for"),
        ] {
            let told = children(&connection).await.expect_err(what);
            let hinted = told.hint.as_deref().is_some_and(|said| said.contains(hint));
            assert!(told.kind == ErrorKind::Denied && hinted, "{connector}, {what}: {told:?}");
        }
        let told = children(&trusting(right, "/nowhere/authority.pem")).await.unwrap_err();
        assert!(told.kind == ErrorKind::Invalid && told.hint.is_some(), "{connector}: {told:?}");
    }
}
