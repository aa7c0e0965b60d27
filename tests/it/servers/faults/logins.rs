//! A server that lets nobody in, or nobody any more.

use headwater::model::ErrorKind;
use headwater::model::node::NodePath;

use super::super::lab::{self, Postgres, Version};
use super::super::proxy::{Faults, Proxy};
use super::{BIG, Client, assert_told, big, connection, everything, wait_until_deserted};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_a_free_connection_is_asked_once() {
    let settings = ["max_connections=4", "superuser_reserved_connections=3", "max_wal_senders=0"];
    let server = Postgres::private(Version::V15, &settings).unwrap();
    server.role("crowd", "crowd-password").unwrap();
    let setup = format!("{BIG} GRANT SELECT ON big, small TO crowd;");
    let database = server.database("crowded", &setup).unwrap();
    let proxy = Proxy::before(server.port, Faults::none());
    let login = connection(proxy.port, "crowd", &database);
    let client = Client::connect(&login, "crowd-password").await.unwrap();
    let before = proxy.witnesses().len();
    let second = Client::connect(&login, "crowd-password").await;
    assert_told(second.map(drop), &[ErrorKind::RateLimited], "connecting to a full server");
    assert_eq!(proxy.witnesses().len(), before + 1, "asked once");

    // With no connection to spare for a cancel, the read still ends, and its backend with it.
    // The owner's own keeps it so when the read's connection closes before the cancel asks for one.
    let owner = Client::connect(&connection(server.port, server.user, "postgres"), "").await.unwrap();
    let permit = client.permit(everything(&big())).await.unwrap();
    let ctx = client.ctx();
    let mut got = headwater::job::sink::Collected::default();
    let (reported, report) = {
        let read = headwater::connector::guard::run(&ctx, &*client.source, permit, &mut got);
        let cancel = async {
            while server.psql(&database, "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%big%' AND state = 'active' AND pid <> pg_backend_pid()").unwrap().is_empty() {
                tokio::task::yield_now().await;
            }
            ctx.cancel().await
        };
        super::in_time("a cancelled read", futures::future::join(cancel, read)).await
    };
    assert_eq!(report.end.as_ref().unwrap_err().kind, ErrorKind::Cancelled, "{:?}", report.end);
    assert!(reported < headwater::job::CancelReport::StoppedOnServer, "nobody confirmed it: {reported:?}");
    drop((client, owner));
    wait_until_deserted(&server, &database);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_changed_on_the_way_is_told_and_not_tried_again_and_again() {
    let server = lab::postgres(Version::V18);
    server.role("changed", "first-password").unwrap();
    let database =
        server.database("changed", &format!("{BIG} GRANT SELECT ON big, small TO changed;")).unwrap();
    let proxy = Proxy::before(server.port, Faults::none());
    let login = connection(proxy.port, "changed", &database);
    let client = Client::connect(&login, "first-password").await.unwrap();
    server.role("changed", "second-password").unwrap();
    client.preview(&big()).await.expect("a live connection goes on");
    let before = proxy.witnesses().len();
    server.end_backends(&database).unwrap();
    let told =
        assert_told(client.children(&NodePath::root()).await, &[ErrorKind::Denied], "the old password");
    assert!(!format!("{told:?}").contains("first-password"), "{told:?}");
    assert!(proxy.witnesses().len() <= before + 1, "an account may be locked by trying again");
    let again = Client::connect(&login, "first-password").await;
    assert_told(again.map(drop), &[ErrorKind::Denied], "the old password again");
    Client::connect(&login, "second-password").await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_connection_that_was_ended_is_replaced_without_a_word() {
    let server = lab::postgres(Version::V15);
    let database = server.database("idle", BIG).unwrap();
    let client = Client::connect(&connection(server.port, server.user, &database), "").await.unwrap();
    for _ in 0..3 {
        server.end_backends(&database).unwrap();
        assert_eq!(client.children(&NodePath::of(["public"])).await.unwrap(), ["big", "small"]);
    }
    drop(client);
    wait_until_deserted(server, &database);
}
