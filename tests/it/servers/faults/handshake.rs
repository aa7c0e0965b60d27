//! A connection that breaks at any byte of its beginning.

use futures::StreamExt as _;
use headwater::model::Result;
use headwater::model::connection::Connection;
use headwater::model::node::NodePath;

use super::super::lab::{self, Version};
use super::super::proxy::{Fault, Faults, Proxy};
use super::{Client, LOST, connection, wait_until_deserted};

/// How much of a connection's beginning is tried, byte by byte.
const BEGINNING: u64 = 4_096;
/// Connections under way at a time.
const AT_A_TIME: usize = 8;

/// What is done over a connection first: what it shows, if all goes well.
async fn first_look(connection: &Connection, password: &str) -> Result<(Client, String)> {
    let client = Client::connect(connection, password).await?;
    let schemas = client.children(&NodePath::root()).await?;
    Ok((client, format!("{schemas:?}")))
}

/// What is done over a connection.
async fn session(connection: &Connection, password: &str) -> Result<String> {
    let (client, schemas) = first_look(connection, password).await?;
    let tables = client.children(&NodePath::of(["public"])).await?;
    let preview = client.preview(&NodePath::of(["public", "small"])).await?;
    Ok(format!("{schemas} {tables:?} {preview}"))
}

/// What a session comes to with one fault: as without it, or an error that says what happened.
async fn check(
    server: u16,
    faults: Faults,
    through: impl Fn(u16) -> Connection,
    password: &str,
    whole: &str,
) {
    let proxy = Proxy::before(server, faults);
    match session(&through(proxy.port), password).await {
        Ok(shown) => assert_eq!(shown, whole, "{faults:?}"),
        Err(error) => assert!(LOST.contains(&error.kind), "{faults:?}: {error:?}"),
    }
    // One for work, one for look-ups beside it, one to stop what was under way, each replaced once at most.
    let connections = proxy.witnesses().len();
    assert!(connections <= 6, "{faults:?}: {connections} connections");
}

/// Tries cuts of a session: of what the server sends until the first look is over each `step`-th byte, and one
/// in sixteen of those after it and of those that the client sends.
async fn cuts(through: impl Fn(u16) -> Connection + Clone, password: &'static str, server: u16, step: usize) {
    let witness = Proxy::before(server, Faults::none());
    first_look(&through(witness.port), password).await.unwrap();
    let first = witness.witnesses()[0].down.len() as u64;
    let whole = session(&through(witness.port), password).await.unwrap();
    let seen = &witness.witnesses()[1];
    let (down, up) = (BEGINNING.min(seen.down.len() as u64), BEGINNING.min(seen.up.len() as u64));
    let cut_down = (0..first.min(down)).step_by(step).chain((first..down).step_by(step * 16));
    let cut_down = cut_down.map(|at| Faults::down_at(at, Fault::Cut));
    let cut_up = (0..up).step_by(step * 16).map(|at| Faults::up_at(at, Fault::Cut));
    futures::stream::iter(cut_down.chain(cut_up))
        .map(|faults| check(server, faults, through.clone(), password, &whole))
        .buffer_unordered(AT_A_TIME)
        .collect::<()>()
        .await;
}

const SMALL: &str = "CREATE TABLE small AS SELECT i, 'row ' || i AS word FROM generate_series(1, 300) AS i;
    GRANT SELECT ON small TO public; ANALYZE;";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_cut_at_any_byte_of_its_beginning_fails_in_time_and_leaves_nothing() {
    let server = lab::postgres(Version::V15);
    let database = server.database("cut", SMALL).unwrap();
    let named = database.clone();
    cuts(move |port| connection(port, server.user, &named), "", server.port, 1).await;
    wait_until_deserted(server, &database);
}

/// The same with a password, whose proof takes long to compute in a test build, and with TLS.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_cut_anywhere_fails_in_time_and_leaves_nothing() {
    let server = lab::postgres(Version::V18);
    server.role("cut_reader", "cut-password").unwrap();
    let database = server.database("cut", SMALL).unwrap();
    let named = database.clone();
    let of = named.clone();
    cuts(move |port| connection(port, "cut_reader", &of), "cut-password", server.port, 29).await;
    let authority = lab::certificates().authority.display().to_string();
    let encrypted = move |port| {
        connection(port, server.user, &named)
            .value(Connection::HOST, "localhost")
            .value("sslmode", "verify-full")
            .value("sslrootcert", authority.clone())
    };
    cuts(encrypted, "", server.port, 29).await;
    wait_until_deserted(server, &database);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_of_any_mixture_end_in_time_and_leave_nothing() {
    let server = lab::postgres(Version::V18);
    let setup =
        "CREATE TABLE small AS SELECT i, 'row ' || i AS word FROM generate_series(1, 300) AS i; ANALYZE;";
    let database = server.database("mixed", setup).unwrap();
    let through = |port| connection(port, server.user, &database);
    futures::stream::iter(0..120)
        .map(|seed| async move {
            let proxy = Proxy::before(server.port, Faults::by_seed(seed, BEGINNING));
            // A spoilt byte may well pass for another; what matters is that it ends, by itself, without a panic.
            drop(session(&through(proxy.port), "").await);
        })
        .buffer_unordered(32)
        .collect::<()>()
        .await;
    wait_until_deserted(server, &database);
}
