//! Estimates against the server's own counters, through the waist: the interval holds the actual. Statistics are
//! fresh, old (made when 15 % of the rows were there), missing, or hidden from the role.

use std::fmt::Write as _;
use std::sync::Arc;

use async_trait::async_trait;
use headwater::connector::{Connector as _, Credentials, Permit, Policy, Source, guard};
use headwater::connectors::postgres::Postgres;
use headwater::job::{BatchSink, CallCtx, Flow, NoRecorder};
use headwater::model::Result;
use headwater::model::batch::Batch;
use headwater::model::connection::{Connection, Tier};
use headwater::model::filter::Filter;
use headwater::model::load::{Dim, LoadEstimate};
use headwater::model::lost::Findings;
use headwater::model::node::NodePath;
use headwater::model::read::{
    Bound, Direction, OrderBy, ReadPlan, ReadSpec, Sample, SampleMethod, SampleSize,
};

use crate::servers::lab::{self, Version};

const READS: &str = include_str!("estimates.txt");
const SETUP: &str = include_str!("estimates.sql");
const TABLES: [&str; 9] = ["users", "events", "docs", "uorders", "orders", "lines", "part", "tiny", "bloat"];

/// Takes rows and forgets them.
struct Discard;

#[async_trait]
impl BatchSink for Discard {
    async fn batch(&mut self, _batch: Batch) -> Result<Flow> {
        Ok(Flow::More)
    }

    fn findings(&mut self, _findings: Findings) {}
}

fn context() -> CallCtx {
    CallCtx::new(Arc::new(NoRecorder), std::task::Waker::noop().clone())
}

async fn open(version: Version, database: &str) -> Arc<dyn Source> {
    let server = lab::postgres(version);
    let connection = Connection::new("estimates", "postgres")
        .value(Connection::HOST, server.host)
        .value(Connection::PORT, server.port.to_string())
        .value(Connection::DATABASE, database)
        .value(Connection::USER, server.user)
        .value("sslmode", "disable");
    Postgres.connect(&context(), &connection, &Credentials::none()).await.unwrap()
}

fn permit_for(plan: ReadPlan, estimate: LoadEstimate) -> Permit {
    let node = if plan.spec.query.is_some() { "query" } else { plan.spec.node.name() };
    let given = guard::Override { reason: "a test".to_owned(), node_name: Some(node.to_owned()) };
    Policy::new(Tier::Local, guard::SessionBudget::default()).approve_anyway(plan, estimate, &given).unwrap()
}

/// Queries of the list, and reads that the connector words itself.
fn reads() -> Vec<(String, ReadSpec)> {
    let texts = READS.lines().filter(|line| !line.starts_with('#'));
    let mut list: Vec<(String, ReadSpec)> = texts
        .map(|text| {
            let spec = ReadSpec {
                query: Some(text.to_owned()),
                bound: Bound::default(),
                ..ReadSpec::preview(NodePath::root())
            };
            (text.to_owned(), spec)
        })
        .collect();
    for name in TABLES {
        let node = NodePath::of(["app", name]);
        list.push((format!("preview of {name}"), ReadSpec::preview(node.clone())));
        list.push((
            format!("all of {name}"),
            ReadSpec { bound: Bound::default(), ..ReadSpec::preview(node.clone()) },
        ));
        for method in [SampleMethod::Auto, SampleMethod::Block, SampleMethod::Row] {
            let sample = Some(Sample { size: SampleSize::Rows(500), method });
            list.push((
                format!("sample of {name} by {method:?}"),
                ReadSpec { sample, bound: Bound::default(), ..ReadSpec::preview(node.clone()) },
            ));
        }
    }
    let events = || ReadSpec::preview(NodePath::of(["app", "events"]));
    let filter = |text: &str| Some(Filter::parse(text).unwrap());
    let order = |column: &str, direction| vec![OrderBy { column: column.to_owned(), direction }];
    list.push(("filtered".to_owned(), ReadSpec { filter: filter("user_id = 7"), ..events() }));
    list.push(("filtered late".to_owned(), ReadSpec { filter: filter("status = 'late'"), ..events() }));
    list.push(("ordered".to_owned(), ReadSpec { order: order("ts", Direction::Descending), ..events() }));
    list.push((
        "ordered without an index".to_owned(),
        ReadSpec { order: order("amount", Direction::Ascending), ..events() },
    ));
    list
}

#[derive(Default)]
struct Score {
    reads: usize,
    blocks: usize,
    above: usize,
    rows: usize,
    widths: Vec<f64>,
    report: String,
}

impl Score {
    fn take(&mut self, name: &str, estimate: &LoadEstimate, actual: &headwater::model::load::LoadActual) {
        self.reads += 1;
        for dim in [Dim::BlocksTouched, Dim::RowsReturned] {
            let (Some(quantity), Some(actual)) = (estimate.quantity(dim), actual.value(dim)) else {
                // What is not estimated does not count as held.
                writeln!(self.report, "-- {dim:?} not estimated: {name}").unwrap();
                continue;
            };
            let holds = quantity.lo <= actual && actual <= quantity.hi;
            if dim == Dim::BlocksTouched {
                self.blocks += usize::from(holds);
                self.above += usize::from(actual > quantity.hi);
                self.widths.push(quantity.hi.max(1.0) / quantity.lo.max(1.0));
            } else {
                self.rows += usize::from(holds);
            }
            writeln!(
                self.report,
                "{} {dim:?} {actual:.0} in [{:.0}, {:.0}, {:.0}] {name} ({})",
                if holds { "  " } else { "NO" },
                quantity.lo,
                quantity.mid,
                quantity.hi,
                quantity.provenance.phrase()
            )
            .unwrap();
        }
    }

    fn summary(&mut self, title: &str) -> String {
        self.widths.sort_by(f64::total_cmp);
        let share = |count: usize| count as f64 / self.reads as f64;
        format!(
            "{title}: {} reads, blocks held {:.3} ({} above), rows held {:.3}, median hi/lo {:.2}",
            self.reads,
            share(self.blocks),
            self.above,
            share(self.rows),
            self.median()
        )
    }

    fn median(&self) -> f64 {
        self.widths.get(self.widths.len() / 2).copied().unwrap_or(f64::INFINITY)
    }

    fn held(&self) -> f64 {
        self.blocks as f64 / self.reads as f64
    }
}

async fn score(version: Version, database: &str) -> Score {
    let source = open(version, database).await;
    let mut score = Score::default();
    for (name, spec) in reads() {
        let ctx = context();
        let plan = source.plan(&ctx, spec).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        let estimate = source.estimate(&ctx, &plan).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        let permit = permit_for(plan, estimate.clone());
        let report = guard::run(&context(), &*source, permit, &mut Discard).await;
        report.end.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        score.take(&name, &estimate, &report.actual);
    }
    score
}

/// The schema with its statistics in one of four states.
fn prepared(version: Version, statistics: &str) -> String {
    let server = lab::postgres(version);
    let database = server.database("estimates", SETUP).unwrap();
    let tables = TABLES.map(|name| format!("app.{name}")).join(", ");
    let run = |sql: &str| server.psql(&database, sql).map(drop).unwrap();
    match statistics {
        "fresh" => run(&format!("VACUUM ANALYZE {tables}; DELETE FROM app.bloat WHERE false;")),
        "old" => {
            for name in ["users", "events", "docs", "uorders", "orders", "lines", "part"] {
                run(&format!(
                    "SET search_path = app;
                     CREATE TEMP TABLE kept AS SELECT row_number() OVER () AS place, t.* FROM {name} AS t;
                     TRUNCATE {name} CASCADE;
                     ALTER TABLE kept RENAME COLUMN place TO place_of_row;
                     DO $$ DECLARE columns text; cut int; BEGIN
                         SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) INTO columns FROM pg_attribute
                             WHERE attrelid = 'app.{name}'::regclass AND attnum > 0 AND NOT attisdropped;
                         SELECT (count(*) * 0.15)::int INTO cut FROM kept;
                         EXECUTE format('INSERT INTO app.{name} (%s) SELECT %s FROM kept WHERE place_of_row <= %s
                             ORDER BY place_of_row', columns, columns, cut);
                         EXECUTE 'ANALYZE app.{name}';
                         EXECUTE format('INSERT INTO app.{name} (%s) SELECT %s FROM kept WHERE place_of_row > %s
                             ORDER BY place_of_row', columns, columns, cut);
                     END $$;"
                ));
            }
        }
        _ => {}
    }
    database
}

async fn prepare(version: Version, statistics: &'static str) -> String {
    tokio::task::spawn_blocking(move || prepared(version, statistics)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn intervals_hold_the_actual_and_are_narrow_with_fresh_statistics() {
    for version in Version::ALL {
        let database = prepare(version, "fresh").await;
        let mut score = score(version, &database).await;
        let summary = score.summary(&format!("PostgreSQL {}, fresh", version.number()));
        assert!(
            score.reads >= 200 && score.held() >= 0.85 && score.median() <= 4.0,
            "{summary}\n{}",
            score.report
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn intervals_hold_the_actual_with_old_and_without_statistics() {
    for statistics in ["old", "none"] {
        let database = prepare(Version::V15, statistics).await;
        let mut score = score(Version::V15, &database).await;
        let summary = score.summary(statistics);
        assert!(score.held() >= 0.85, "{summary}\n{}", score.report);
    }
}
