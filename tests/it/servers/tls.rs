//! How a server proves who it is, and how we do: TLS is checked unless somebody switched it off, and a wrong
//! password or certificate is told as such.

use headwater::connector::{Credentials, Source};
use headwater::connectors::postgres::Postgres;
use headwater::job::CallCtx;
use headwater::model::connection::Connection;
use headwater::model::node::{NodePath, PageRequest};
use headwater::model::{ErrorKind, Result};

use headwater::connector::Connector as _;

use super::lab::{self, Certificates, Version};

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
