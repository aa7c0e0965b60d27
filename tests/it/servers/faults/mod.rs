//! PostgreSQL when the network or the server fails: every end is a typed error within its deadline, rows that
//! came are kept and marked, nothing that was answered in part is asked again, and nothing of ours stays behind.

mod handshake;
mod logins;
mod reads;
mod round_trips;

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use headwater::connector::guard::{self, Need, Override, ReadReport, SessionBudget};
use headwater::connector::testkit::{Logged, StatementLog};
use headwater::connector::{Connector, Credentials, Permit, Policy, Source};
use headwater::job::sink::Collected;
use headwater::job::{BatchSink, CallCtx, Flow};
use headwater::model::batch::Batch;
use headwater::model::connection::{Connection, Tier};
use headwater::model::lost::Findings;
use headwater::model::node::{NodePath, PageRequest};
use headwater::model::read::{Bound, ReadSpec};
use headwater::model::{Error, ErrorKind, Result};

use super::lab::{Postgres, pause};

/// Longer than any deadline of the connector: what takes longer hangs.
const HANGS_AFTER: Duration = Duration::from_secs(60);

/// Kinds of error by which a lost or broken connection is told.
const LOST: [ErrorKind; 3] = [ErrorKind::Unreachable, ErrorKind::Decode, ErrorKind::Timeout];

/// A login without TLS to a database behind a port.
fn connection(port: u16, user: &str, database: &str) -> Connection {
    Connection::new("faulty", "postgres")
        .value(Connection::HOST, "127.0.0.1")
        .value(Connection::PORT, port.to_string())
        .value(Connection::USER, user)
        .value(Connection::DATABASE, database)
        .value("sslmode", "disable")
}

fn connector() -> &'static dyn Connector {
    headwater::connectors::registry().by_id("postgres").unwrap()
}

/// A live source with what it wrote down.
struct Client {
    source: Arc<dyn Source>,
    log: StatementLog,
}

impl Client {
    async fn connect(connection: &Connection, password: &str) -> Result<Self> {
        let credentials = match password {
            "" => Credentials::none(),
            _ => Credentials::none().with(Connection::PASSWORD, secrecy::SecretString::from(password)),
        };
        let log = StatementLog::default();
        let ctx = CallCtx::new(Arc::new(log.clone()), std::task::Waker::noop().clone());
        let source = in_time("connecting", connector().connect(&ctx, connection, &credentials)).await?;
        Ok(Self { source, log })
    }

    fn ctx(&self) -> CallCtx {
        CallCtx::new(Arc::new(self.log.clone()), std::task::Waker::noop().clone())
    }

    /// Names of the first page of children.
    async fn children(&self, at: &NodePath) -> Result<Vec<String>> {
        let ctx = self.ctx();
        let page = in_time("browsing", self.source.children(&ctx, at, &PageRequest::first())).await?;
        Ok(page.nodes.into_iter().map(|node| node.name).collect())
    }

    /// Plans, estimates, and approves whatever the verdict.
    async fn permit(&self, spec: ReadSpec) -> Result<Permit> {
        let ctx = self.ctx();
        let plan = in_time("planning", self.source.plan(&ctx, spec)).await?;
        let estimate = in_time("estimating", self.source.estimate(&ctx, &plan)).await?;
        let policy = Policy::new(Tier::Local, SessionBudget::default());
        policy.approve(plan, estimate).or_else(|refusal| {
            let node_name = match &refusal.need {
                Need::NodeName { name } => Some(name.clone()),
                Need::Reason | Need::Nothing => None,
            };
            let given = Override { reason: "a test of faults".to_owned(), node_name };
            let again = policy.approve_anyway(refusal.plan, refusal.estimate, &given);
            again.map_err(|refusal| refusal.error())
        })
    }

    /// Reads into a sink that does something at the first rows.
    async fn read(&self, permit: Permit, at_first: impl FnOnce() + Send + 'static) -> Read {
        let mut sink = Meddler { got: Collected::default(), at_first: Some(Box::new(at_first)) };
        let before = self.log.count();
        let began = Instant::now();
        let ctx = self.ctx();
        let report = in_time("reading", guard::run(&ctx, &*self.source, permit, &mut sink)).await;
        Read {
            report,
            rows: sink.got.row_count() as u64,
            took: began.elapsed(),
            sent: self.log.since(before),
        }
    }

    /// The rows of a preview, as they are shown.
    async fn preview(&self, node: &NodePath) -> Result<String> {
        let permit = self.permit(ReadSpec::preview(node.clone())).await?;
        let mut got = Collected::default();
        let ctx = self.ctx();
        let report = in_time("a preview", guard::run(&ctx, &*self.source, permit, &mut got)).await;
        report.end?;
        Ok(format!("{:?}", got.batches.iter().map(|batch| batch.cell(0, 0)).collect::<Vec<_>>())
            + &report.rows.to_string())
    }
}

/// A read that was meddled with.
struct Read {
    report: ReadReport,
    rows: u64,
    took: Duration,
    sent: Vec<Logged>,
}

impl Read {
    /// It ended in an error of one of these kinds, with its rows kept, marked, and nothing asked twice.
    fn assert_broken(&self, kinds: &[ErrorKind]) {
        let error = self.report.end.as_ref().expect_err("the read can't be complete");
        assert!(kinds.contains(&error.kind), "{error:?}");
        assert!(!error.attempted.is_empty() && error.hint.is_some(), "it says what to do next: {error:?}");
        assert!(
            self.rows > 0 && self.rows == self.report.rows,
            "rows kept: {} of {}",
            self.rows,
            self.report.rows
        );
        assert!(self.report.is_truncated());
        let reads: Vec<_> = self.sent.iter().filter(|sent| sent.text.contains("big")).collect();
        for sent in &reads {
            let times = reads.iter().filter(|other| other.text == sent.text).count();
            assert_eq!(times, 1, "asked again after rows came: {}", sent.text);
        }
        let open: Vec<_> = self.sent.iter().filter(|sent| sent.end.is_none()).collect();
        assert!(open.is_empty(), "ends never told: {open:?}");
    }
}

/// Keeps rows, and does something when the first come.
struct Meddler {
    got: Collected,
    at_first: Option<Box<dyn FnOnce() + Send>>,
}

#[async_trait]
impl BatchSink for Meddler {
    async fn batch(&mut self, batch: Batch) -> Result<Flow> {
        if let Some(act) = self.at_first.take() {
            act();
        }
        self.got.batch(batch).await
    }

    fn findings(&mut self, findings: Findings) {
        self.got.findings(findings);
    }
}

/// What must end by itself.
async fn in_time<T>(doing: &str, work: impl Future<Output = T>) -> T {
    match tokio::time::timeout(HANGS_AFTER, work).await {
        Ok(done) => done,
        Err(late) => panic!("{doing} hangs: {late}"),
    }
}

/// A spec of every row.
fn everything(node: &NodePath) -> ReadSpec {
    ReadSpec { bound: Bound::default(), ..ReadSpec::preview(node.clone()) }
}

/// The table `public.big`, larger than all buffers between a server and a client.
fn big() -> NodePath {
    NodePath::of(["public", "big"])
}

/// What makes it.
const BIG: &str =
    "CREATE TABLE big AS SELECT i, repeat('filler ', 40) AS filler FROM generate_series(1, 300000) AS i;
    CREATE TABLE small AS SELECT i, 'row ' || i AS word FROM generate_series(1, 300) AS i;
    ANALYZE;";

/// Waits until a server has no backend left that works for a client in a database.
fn wait_until_deserted(server: &Postgres, database: &str) {
    let until = Instant::now() + HANGS_AFTER;
    loop {
        // A server that restarts after a crash does not answer yet.
        let left = server.backends(database);
        if left.as_ref().is_ok_and(String::is_empty) {
            return;
        }
        assert!(Instant::now() < until, "backends left behind: {left:?}");
        pause();
    }
}

/// Fails unless it is an error of one of these kinds that says what to do next.
fn assert_told<T>(outcome: Result<T, Error>, kinds: &[ErrorKind], what: &str) -> Error {
    let Err(error) = outcome else { panic!("{what}: it can't work") };
    assert!(kinds.contains(&error.kind), "{what}: {error:?}");
    assert!(
        !error.attempted.is_empty() && error.hint.is_some(),
        "{what}: it says what to do next: {error:?}"
    );
    error
}
