//! A read that breaks in the middle.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use headwater::connector::guard;
use headwater::job::sink::Collected;
use headwater::model::ErrorKind;
use headwater::model::load::Dim;
use headwater::model::node::NodePath;
use headwater::model::read::{Bound, ReadSpec};

use super::super::lab::{self, Postgres, Version};
use super::super::proxy::{Breach, Fault, Faults, Proxy, Way};
use super::{
    BIG, Client, LOST, Meddler, assert_told, big, connection, everything, in_time, wait_until_deserted,
};

/// A database with the big table on the shared server, made once.
fn shared() -> (&'static Postgres, &'static str) {
    static DATABASE: OnceLock<String> = OnceLock::new();
    let server = lab::postgres(Version::V15);
    (server, DATABASE.get_or_init(|| server.database("faulty", BIG).unwrap()))
}

/// The fault happens on all live connections, in both ways, from now on.
fn now(fault: Fault) -> Faults {
    let way = Way { breach: Some(Breach { at: 0, fault }), ..Way::default() };
    Faults { up: way, down: way }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_killed_in_the_middle_of_a_read_leaves_the_rows_that_came() {
    for version in Version::ALL {
        let mut server = Postgres::private(version, &[]).unwrap();
        let database = server.database("killed", BIG).unwrap();
        let client = Client::connect(&connection(server.port, server.user, &database), "").await.unwrap();
        let permit = client.permit(everything(&big())).await.unwrap();
        let killer = Arc::new(Mutex::new(Some(server.killer())));
        let read = client.read(permit, move || killer.lock().unwrap().take().unwrap()().unwrap()).await;
        read.assert_broken(&[ErrorKind::Unreachable]);
        assert!(read.took < Duration::from_secs(30), "{:?}", read.took);
        let gone = client.children(&NodePath::root()).await;
        assert_told(gone, &[ErrorKind::Unreachable], "browsing a dead server");

        // The same source goes on once its server is back.
        server.restart().unwrap();
        assert_eq!(client.children(&NodePath::of(["public"])).await.unwrap(), ["big", "small"]);
        client.preview(&big()).await.unwrap();
        drop(client);
        wait_until_deserted(&server, &database);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backend_killed_in_the_middle_of_a_read_leaves_the_rows_that_came() {
    let server = Arc::new(Postgres::private(Version::V15, &[]).unwrap());
    let database = server.database("crashed", BIG).unwrap();
    let client = Client::connect(&connection(server.port, server.user, &database), "").await.unwrap();
    let permit = client.permit(everything(&big())).await.unwrap();
    let (by, of) = (Arc::clone(&server), database.clone());
    let read = client.read(permit, move || by.kill_backends(&of).unwrap()).await;
    read.assert_broken(&[ErrorKind::Unreachable]);
    drop(client);
    wait_until_deserted(&server, &database);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_cut_or_reset_in_the_middle_of_a_read_leaves_the_rows_that_came() {
    let (server, database) = shared();
    for fault in [Fault::Cut, Fault::Reset] {
        let proxy = Arc::new(Proxy::before(server.port, Faults::none()));
        let client = Client::connect(&connection(proxy.port, server.user, database), "").await.unwrap();
        let permit = client.permit(everything(&big())).await.unwrap();
        let by = Arc::clone(&proxy);
        let read = client.read(permit, move || by.set(now(fault))).await;
        read.assert_broken(&LOST);
        // When the network is back, so is the source.
        proxy.set(Faults::none());
        client.preview(&big()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_network_is_noticed_in_the_middle_of_a_read() {
    let (server, database) = shared();
    let proxy = Arc::new(Proxy::before(server.port, Faults::none()));
    let client = Client::connect(&connection(proxy.port, server.user, database), "").await.unwrap();
    let permit = client.permit(everything(&big())).await.unwrap();
    let by = Arc::clone(&proxy);
    let read = client.read(permit, move || by.set(now(Fault::Hole))).await;
    read.assert_broken(&LOST);
    assert!(read.took < Duration::from_secs(45), "{:?}", read.took);
    assert_told(client.children(&NodePath::root()).await, &LOST, "browsing through a hole");
    proxy.set(Faults::none());
    client.preview(&big()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_network_is_noticed_from_the_first_byte() {
    let (server, database) = shared();
    let proxy = Proxy::before(server.port, now(Fault::Hole));
    let connected = Client::connect(&connection(proxy.port, server.user, database), "").await;
    assert_told(connected.map(drop), &[ErrorKind::Timeout], "connecting through a hole");
    assert_eq!(proxy.witnesses().len(), 1, "asked once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dripping_read_ends_at_its_own_limit_with_the_rows_that_came() {
    let (server, database) = shared();
    let proxy = Arc::new(Proxy::before(server.port, Faults::none()));
    let client = Client::connect(&connection(proxy.port, server.user, database), "").await.unwrap();
    let spec = ReadSpec { bound: Bound { seconds: Some(6.0), ..Bound::default() }, ..everything(&big()) };
    let permit = client.permit(spec).await.unwrap();
    let by = Arc::clone(&proxy);
    let drip = Way { rate: Some(4_000), slice: Some(3), ..Way::default() };
    let read = client.read(permit, move || by.set(Faults { down: drip, ..Faults::none() })).await;
    assert!(read.rows > 0 && read.report.is_truncated(), "{:?}", read.report);
    assert!(read.took < Duration::from_secs(30), "{:?}: a limit of 6 s", read.took);
    // A look-up has a limit of its own.
    proxy.set(Faults::drip(20));
    assert_told(client.children(&NodePath::root()).await, &LOST, "browsing in drips");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_comes_back_with_other_data_is_not_mistaken_for_itself() {
    let mut server = Postgres::private(Version::V15, &[]).unwrap();
    let database = server.database("moved", BIG).unwrap();
    let client = Client::connect(&connection(server.port, server.user, &database), "").await.unwrap();
    let small = NodePath::of(["public", "small"]);
    client.preview(&small).await.unwrap();
    server.restart_elsewhere().unwrap();
    let there = client.children(&NodePath::root()).await;
    assert_told(there.map(drop), &[ErrorKind::NotFound], "browsing a database that is gone");
    // A database of that name, with other tables.
    server.psql("postgres", &format!("CREATE DATABASE {database}")).unwrap();
    assert_told(client.preview(&small).await, &[ErrorKind::NotFound], "reading a table that is gone");
    assert_eq!(client.children(&NodePath::of(["public"])).await.unwrap(), Vec::<String>::new());
}

/// Blocks of the big table that the server counted, whoever read them.
fn blocks_counted(server: &Postgres, database: &str) -> f64 {
    let sql = "SELECT heap_blks_read + heap_blks_hit FROM pg_statio_user_tables WHERE relname = 'big'";
    server.psql(database, sql).unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_that_was_stopped_tells_what_the_server_counted_until_then() {
    const SLOW: &str = "CREATE VIEW slow AS SELECT i, filler || pg_sleep(0.0005)::text AS word FROM big;";
    let slow = || NodePath::of(["public", "slow"]);
    let within =
        |seconds, spec| ReadSpec { bound: Bound { seconds: Some(seconds), ..Bound::default() }, ..spec };
    let small = |node| ReadSpec { bound: Bound::rows(2_000), ..ReadSpec::preview(node) };
    for version in Version::ALL {
        let server = lab::postgres(version);
        let database = server.database("stopped", &format!("{BIG}{SLOW}")).unwrap();
        for (how, spec, cancels, kind) in [
            ("a stream, by the user", everything(&big()), true, ErrorKind::Cancelled),
            ("a slow stream, by the user", everything(&slow()), true, ErrorKind::Cancelled),
            ("a message, by the user", small(slow()), true, ErrorKind::Cancelled),
            ("a slow stream, by its limit", within(0.5, everything(&slow())), false, ErrorKind::Timeout),
            (
                "a message, by its limit",
                ReadSpec { bound: Bound { seconds: Some(0.5), ..Bound::rows(2_000) }, ..small(slow()) },
                false,
                ErrorKind::Timeout,
            ),
        ] {
            wait_until_deserted(server, &database);
            let before = blocks_counted(server, &database);
            let client = Client::connect(&connection(server.port, server.user, &database), "").await.unwrap();
            let permit = client.permit(spec).await.unwrap();
            let ctx = client.ctx();
            let (cancelling, stopping) = (ctx.clone(), Arc::new(Mutex::new(None)));
            let stop = Arc::clone(&stopping);
            let cancel = move || {
                let cancel = tokio::spawn(async move { cancelling.cancel().await });
                *stop.lock().unwrap() = Some(cancel);
            };
            let at_first = if cancels { Some(Box::new(cancel) as Box<dyn FnOnce() + Send>) } else { None };
            let mut sink = Meddler { got: Collected::default(), at_first };
            let report = in_time(how, guard::run(&ctx, &*client.source, permit, &mut sink)).await;
            let stopped = stopping.lock().unwrap().take();
            if let Some(stopped) = stopped {
                in_time("a cancel", stopped).await.unwrap();
            }
            let open: Vec<_> = client.log.all().into_iter().filter(|sent| sent.end.is_none()).collect();
            drop(client);
            wait_until_deserted(server, &database);
            let counted = blocks_counted(server, &database) - before;
            let told = report.actual.value(Dim::BlocksTouched);
            let end = report.end.as_ref().map_err(|error| error.kind);
            assert_eq!(end.err(), Some(kind), "{how} on {version:?}: {report:?}");
            assert!(report.rows > 0 && counted > 0.0, "{how} on {version:?}: {report:?}, {counted} blocks");
            assert_eq!(told, Some(counted), "{how} on {version:?}: {:?}", report.actual);
            assert!(open.is_empty(), "{how}: ends never told: {open:?}");
        }
    }
}
