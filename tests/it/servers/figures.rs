//! What reading PostgreSQL costs it, in counts: blocks, scans, statements, backends. The same on a table ten times
//! as large is made by hand: `tests/bench`.

use std::process::Command;
use std::sync::Arc;

use headwater::connector::guard::Override;
use headwater::job::CallCtx;
use headwater::job::sink::Collected;
use headwater::model::connection::Connection;
use headwater::model::load::Dim;
use headwater::model::node::{NodePath, PageRequest};
use headwater::model::read::{Bound, ProfileLevel, ReadSpec, Sample, SampleMethod, SampleSize};
use headwater::ops::{Opened, Target, Workspace};

use super::lab::{self, Postgres, Version, pause};

const ROWS: u64 = 600_000;

const LINEITEM: &str = "
CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
CREATE TABLE lineitem (l_orderkey bigint, l_partkey int, l_suppkey int, l_linenumber int, l_quantity numeric(15,2),
    l_extendedprice numeric(15,2), l_discount numeric(15,2), l_tax numeric(15,2), l_returnflag char(1),
    l_linestatus char(1), l_shipdate date, l_commitdate date, l_receiptdate date, l_shipinstruct char(25),
    l_shipmode char(10), l_comment varchar(44), PRIMARY KEY (l_orderkey, l_linenumber));
INSERT INTO lineitem SELECT g / 4 + 1, g * 7919::bigint % 200000, g * 31 % 10000, g % 4 + 1, 1 + g % 50,
    g * 97 % 100000 / 100.0 + 900, g % 11 / 100.0, g % 9 / 100.0, substr('ANR', 1 + g % 3, 1), substr('OF', 1 + g % 2, 1),
    date '1992-01-01' + g % 2500, date '1992-01-31' + g % 2500, date '1992-02-15' + g % 2500, 'DELIVER IN PERSON',
    'TRUCK', 'carefully final deposits ' || g FROM generate_series(1, 600000) AS g;
VACUUM (ANALYZE, FREEZE) lineitem;
";

/// A database open as a user opens it.
struct Desk<'s> {
    opened: Arc<Opened>,
    server: &'s Postgres,
    database: String,
    _folder: tempfile::TempDir,
}

impl<'s> Desk<'s> {
    async fn at(server: &'s Postgres, name: &str, setup: &str) -> Self {
        Self::on(server, tokio::task::block_in_place(|| server.database(name, setup).unwrap())).await
    }

    /// At a database that is there.
    async fn on(server: &'s Postgres, database: String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::open(Some(folder.path().to_owned())).await.unwrap();
        let connection = Connection::new("figures", "postgres")
            .value(Connection::HOST, server.host)
            .value(Connection::PORT, server.port.to_string())
            .value(Connection::USER, server.user)
            .value(Connection::DATABASE, database.clone())
            .value("sslmode", "disable");
        let target = Target::single("figures", connection);
        let opened = Opened::open(&CallCtx::detached(), &workspace, &target).await.unwrap();
        Self { opened, server, database, _folder: folder }
    }

    /// Reads, with a reason where one is wanted, and gives what came and what it did cost.
    async fn read(&self, spec: ReadSpec) -> (Collected, impl Fn(Dim) -> f64) {
        let ctx = CallCtx::detached();
        let prepared = self.opened.prepare(&ctx, spec).await.unwrap();
        let given =
            Override { reason: "a figure".to_owned(), node_name: Some(prepared.node.name().to_owned()) };
        let mut got = Collected::default();
        let done = self.opened.read(&ctx, prepared, Some(&given), &mut got).await.unwrap();
        assert!(done.error().is_none(), "{:?}", done.error());
        let actual = done.report.actual;
        (got, move |dim| actual.value(dim).unwrap_or_default())
    }

    fn ask(&self, sql: &str) -> f64 {
        self.server.psql(&self.database, sql).unwrap().parse().unwrap()
    }
}

fn lineitem() -> NodePath {
    NodePath::of(["public", "lineitem"])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_table_costs_what_its_answer_needs() {
    for version in Version::ALL {
        let desk = Desk::at(lab::postgres(version), "figures", LINEITEM).await;
        let pages = desk.ask("SELECT relpages FROM pg_class WHERE relname = 'lineitem'");
        assert!(pages > 10_000.0, "{pages} pages are no large table");

        let (rows, cost) = desk.read(ReadSpec::preview(lineitem())).await;
        assert_eq!(rows.row_count(), 200);
        let blocks = cost(Dim::BlocksTouched);
        assert!((1.0..=10.0).contains(&blocks), "a preview of 200 rows touched {blocks} blocks");

        let sample = |method| Some(Sample { size: SampleSize::Rows(10_000), method });
        let drawn = ReadSpec { sample: sample(SampleMethod::Auto), ..ReadSpec::preview(lineitem()) };
        let (rows, cost) = desk.read(ReadSpec { bound: Bound::rows(10_000), ..drawn.clone() }).await;
        assert!((7_000..=10_000).contains(&rows.row_count()), "{} rows", rows.row_count());
        let per_block = ROWS as f64 / pages;
        let blocks = cost(Dim::BlocksTouched);
        // As many blocks as hold the rows, and what a draw by chance is off by: on 6 million rows that is less
        // than a five-hundredth of the table.
        assert!(blocks <= 10_000.0 / per_block * 1.3, "a sample of 10 000 rows touched {blocks} blocks");
        let random = ReadSpec { sample: sample(SampleMethod::Random), ..drawn };
        let (_, cost) = desk.read(ReadSpec { bound: Bound::rows(10_000), ..random }).await;
        assert!(cost(Dim::BlocksTouched) >= pages, "ORDER BY random() looks at every block");

        let (got, cost) = desk.read(ReadSpec::profile(lineitem(), ProfileLevel::Catalog)).await;
        assert_eq!(got.catalog.unwrap().rows, Some(ROWS));
        let hits = desk.ask(
            "SELECT coalesce(sum(shared_blks_hit + shared_blks_read), 0) FROM pg_stat_statements
             WHERE query LIKE '%FROM pg_catalog.pg_stats AS s%' AND query NOT LIKE '%pg_stat_statements%'
             AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())",
        );
        assert!(hits > 0.0 && hits <= 100.0, "the catalogue's profile hit {hits} buffers");
        assert_eq!(cost(Dim::BlocksTouched), 0.0, "the catalogue's profile reads no row");

        let (_, cost) = desk.read(ReadSpec::profile(lineitem(), ProfileLevel::Scan)).await;
        assert_eq!(cost(Dim::RowsReturned) as u64, ROWS);
        let blocks = cost(Dim::BlocksTouched);
        assert!(blocks <= pages * 1.01 + 10.0, "a full profile touched {blocks} blocks of {pages}");
        let scans =
            "FROM pg_stat_statements WHERE query LIKE '%COPY (SELECT%' AND query !~ 'TABLESAMPLE|hashtext'
            AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())";
        assert_eq!(desk.ask(&format!("SELECT sum(calls) {scans}")), 1.0, "one scan");
        assert_eq!(desk.ask(&format!("SELECT sum(temp_blks_written) {scans}")), 0.0, "no temporary blocks");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_left_at_the_server_when_headwater_is_killed_in_the_middle_of_a_read() {
    for version in Version::ALL {
        let server = lab::postgres(version);
        let setup = "CREATE VIEW endless AS SELECT i AS id, pg_sleep(0.01)::text AS name FROM generate_series(1, 1000000) AS i";
        let database = tokio::task::block_in_place(|| server.database("killed", setup).unwrap());
        let folder = tempfile::tempdir().unwrap();
        let mut reading = Command::new(env!("CARGO_BIN_EXE_headwater"))
            .args(["export", &format!("{}?sslmode=disable", server.url(server.user, "", &database))])
            .args([
                "public/endless",
                "--limit",
                "all",
                "--approve",
                "a test",
                "--approve-node",
                "endless",
                "--to",
            ])
            .arg(folder.path().join("rows.csv"))
            .arg("--data-dir")
            .arg(folder.path())
            .env("HEADWATER_NO_KEYCHAIN", "1")
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let ours = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'headwater' AND datname = '{database}'"
        );
        let at_work = format!("{ours} AND state = 'active' AND query LIKE '%COPY%'");
        let count = |sql: &str| server.psql("postgres", sql).unwrap().parse::<u64>().unwrap();
        while count(&at_work) == 0 {
            assert!(reading.try_wait().unwrap().is_none(), "it ended before it read");
            pause();
        }
        reading.kill().unwrap();
        reading.wait().unwrap();
        let until = std::time::Instant::now() + std::time::Duration::from_secs(60);
        while count(&ours) > 0 {
            assert!(std::time::Instant::now() < until, "a backend is left 60 s after the kill");
            pause();
        }
    }
}

/// Tables that a catalogue of an old application holds.
const CROWD: u64 = 50_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_catalogue_of_fifty_thousand_tables_is_browsed_page_by_page() {
    let (server, database) = tokio::task::block_in_place(lab::crowd);
    let desk = Desk::on(server, database.to_owned()).await;
    let ctx = CallCtx::detached();
    let crowd = NodePath::of(["crowd"]);
    desk.ask("SELECT length(pg_stat_statements_reset()::text) * 0");
    let page = PageRequest { token: None, size: 200 };
    let first = desk.opened.children(&ctx, &crowd, &page).await.unwrap();
    let (mut seen, mut next) = (first.nodes.len() as u64, first.next);
    let touched = "SELECT sum(shared_blks_hit + shared_blks_read) FROM pg_stat_statements
        WHERE query LIKE '%NOT c.relispartition%' AND query NOT LIKE '%pg_stat_statements%'
        AND userid = (SELECT oid FROM pg_roles WHERE rolname = CURRENT_USER)";
    let blocks = desk.ask(touched);
    assert!(blocks <= 2_000.0, "one page of 200 tables touched {blocks} buffers");
    for _ in 0..3 {
        let page = PageRequest { token: next, size: 200 };
        let further = desk.opened.children(&ctx, &crowd, &page).await.unwrap();
        (seen, next) = (seen + further.nodes.len() as u64, further.next);
    }
    assert_eq!(seen, 800);
    assert!(next.is_some() && CROWD > seen);
    let t77 = NodePath::of(["crowd", "t77"]);
    let described = desk.opened.describe(&ctx, &t77).await.unwrap();
    assert_eq!(described.schema.fields.len(), 1);
    let (rows, cost) = desk.read(ReadSpec::preview(t77)).await;
    assert_eq!(rows.row_count(), 200);
    assert!(cost(Dim::BlocksTouched) <= 10.0);
}
