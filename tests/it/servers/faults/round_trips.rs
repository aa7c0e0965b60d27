//! What a far server costs: round trips, counted on the wire behind 100 ms of latency; and what the wire saw is
//! what was written down, each statement an entry of the command table.

use std::time::Duration;

use headwater::connector::guard;
use headwater::job::sink::Collected;
use headwater::model::connection::Connection;
use headwater::model::node::NodePath;

use super::super::lab::{self, Version};
use super::super::proxy::{Faults, Proxy, statements};
use super::{Client, big, connection, connector, everything, in_time};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_far_server_shows_its_tree_in_five_round_trips_and_a_preview_in_three() {
    for version in Version::ALL {
        let server = lab::postgres(version);
        server.role("far", "far-password").unwrap();
        let setup = "CREATE TABLE orders (id int PRIMARY KEY, word text);
            INSERT INTO orders SELECT i, 'word ' || i FROM generate_series(1, 5000) AS i;
            GRANT SELECT ON orders TO far; ANALYZE;";
        let database = server.database("far", setup).unwrap();
        let proxy = Proxy::before(server.port, Faults::latency(Duration::from_millis(100)));
        let client =
            Client::connect(&connection(proxy.port, "far", &database), "far-password").await.unwrap();
        let schemas = client.children(&NodePath::root()).await.unwrap();
        assert!(schemas.contains(&"public".to_owned()), "{schemas:?}");
        let tree = proxy.round_trips();
        assert!(tree <= 4, "connecting and the first tree took {tree} round trips");

        let orders = NodePath::of(["public", "orders"]);
        client.children(&NodePath::of(["public"])).await.unwrap();
        let before = proxy.round_trips();
        client.preview(&orders).await.unwrap();
        let preview = proxy.round_trips() - before;
        assert!(preview <= 3, "estimate and preview took {preview} round trips");
    }
}

/// One asks whether there is TLS, one is its handshake, three are the proof of the password (the login names itself,
/// is challenged, and proves): before the first statement the protocol itself takes five. A sixth brings who
/// answers and the schemas. Up to 17 the server accepts one curve, not the one the client guesses first: one more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_tls_and_a_password_the_first_tree_takes_one_round_trip_more_than_the_login_itself() {
    let authority = lab::certificates().authority.display().to_string();
    for version in Version::ALL {
        let server = lab::postgres(version);
        server.role("far_tls", "far-password").unwrap();
        let database = server.database("far_tls", "").unwrap();
        let proxy = Proxy::before(server.port, Faults::latency(Duration::from_millis(100)));
        let encrypted = connection(proxy.port, "far_tls", &database)
            .value(Connection::HOST, "localhost")
            .value("sslmode", "verify-full")
            .value("sslrootcert", authority.clone());
        let client = Client::connect(&encrypted, "far-password").await.unwrap();
        client.children(&NodePath::root()).await.unwrap();
        let wanted = if version.number() >= 18 { 6 } else { 7 };
        assert_eq!(proxy.round_trips(), wanted, "{version:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_wire_carries_what_was_written_down_and_nothing_else() {
    for version in Version::ALL {
        let server = lab::postgres(version);
        let database = server.database("wired", super::BIG).unwrap();
        let proxy = Proxy::before(server.port, Faults::none());
        let client = Client::connect(&connection(proxy.port, server.user, &database), "").await.unwrap();
        client.children(&NodePath::root()).await.unwrap();
        client.children(&NodePath::of(["public"])).await.unwrap();
        client.source.describe(&client.ctx(), &big()).await.unwrap();
        client.preview(&big()).await.unwrap();
        // Cancelled from another task at its first rows.
        let permit = client.permit(everything(&big())).await.unwrap();
        let ctx = client.ctx();
        let cancels = ctx.clone();
        let mut sink = super::Meddler {
            got: Collected::default(),
            at_first: Some(Box::new(move || drop(tokio::spawn(async move { cancels.cancel().await })))),
        };
        let cancelled =
            in_time("a cancelled read", guard::run(&ctx, &*client.source, permit, &mut sink)).await;
        assert!(cancelled.is_truncated(), "{:?}", cancelled.end);

        let written: Vec<String> = client.log.all().into_iter().map(|logged| logged.text).collect();
        let on_the_wire: Vec<String> =
            proxy.witnesses().iter().flat_map(|witness| statements(&witness.up)).collect();
        assert!(on_the_wire.len() >= 6, "{on_the_wire:?}");
        for sent in &on_the_wire {
            assert!(written.contains(sent), "sent and not written down: {sent}");
            assert!(connector().commands().iter().any(|entry| entry.matches(sent)), "in no table: {sent}");
        }
    }
}
