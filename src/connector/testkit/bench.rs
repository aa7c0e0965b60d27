//! What a connector is tested with, and how a check reaches it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::checks::CHECKS;
use super::log::{Logged, StatementLog};
use crate::connector::guard::{self, Need, Override, Permit, ReadReport, SessionBudget};
use crate::connector::{Connector, Credentials, Policy, Source};
use crate::job::CallCtx;
use crate::job::sink::Collected;
use crate::model::cell::Cell;
use crate::model::connection::{Connection, Tier};
use crate::model::load::LoadEstimate;
use crate::model::node::NodePath;
use crate::model::read::{Bound, ReadPlan, ReadSpec};
use crate::model::schema::{Field, LogicalType};
use crate::model::{Error, ErrorKind};

/// What a check says: nothing, or why it does not hold.
pub(super) type Check = Result<(), String>;

/// Fails a check with a sentence unless the condition holds.
macro_rules! ensure {
    ($holds:expr, $($why:tt)+) => {{
        let holds: bool = $holds;
        if !holds {
            return Err(format!($($why)+));
        }
    }};
}
pub(super) use ensure;

/// A node whose content is known in full.
pub struct Known {
    /// Where it is.
    pub node: NodePath,
    /// Names and types of its columns.
    pub columns: Vec<(String, LogicalType)>,
    /// Its rows in the source's own order.
    pub rows: Vec<Vec<Cell>>,
}

/// Texts in the source's query language.
pub struct Queries {
    /// A read.
    pub read: String,
    /// Rows it returns.
    pub rows: u64,
    /// What would change the upstream.
    pub writes: Vec<String>,
}

/// A connector with an upstream of known content.
pub struct Subject {
    /// The connector.
    pub connector: &'static dyn Connector,
    /// A connection that works.
    pub connection: Connection,
    /// Its secrets.
    pub credentials: fn() -> Credentials,
    /// A node of 20 rows and more: few enough to be read whole some fifty times.
    pub readable: NodePath,
    /// Rows of `readable`.
    pub rows: u64,
    /// A node that takes many batches to read, for cancelling.
    pub big: Option<NodePath>,
    /// A node that is not there.
    pub absent: NodePath,
    /// Nodes known in full, together with a column of every logical type the source has.
    pub known: Vec<Known>,
    /// Connections that fail, and how.
    pub failing: Vec<(Connection, ErrorKind)>,
    /// Queries, if the source has a language.
    pub queries: Option<Queries>,
    /// Anything a writer would change: a hash of the content, times, the list of the folder.
    pub fingerprint: Box<dyn Fn() -> Result<String, String> + Send + Sync>,
    /// How long one check may take.
    pub deadline: Duration,
}

impl Subject {
    /// How long one check may take unless the subject says otherwise.
    pub const DEADLINE: Duration = Duration::from_secs(60);
}

/// How much of a tree is walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breadth {
    /// All of it.
    Whole,
    /// Of each node's children the first so many, in the source's order: where there are too many, or they are
    /// too far away, to be walked whole again and again. Whatever else is checked stays the same.
    First(usize),
}

/// Runs every check over a subject; one answer each, in a fixed order.
pub async fn conform(subject: Subject) -> Vec<(&'static str, Result<(), String>)> {
    conform_within(subject, Breadth::Whole).await
}

/// The same over a tree that is not walked whole.
pub async fn conform_within(subject: Subject, breadth: Breadth) -> Vec<(&'static str, Result<(), String>)> {
    let bench = Bench { logs: Mutex::default(), subject, breadth };
    let mut answers = Vec::new();
    for (sentence, check) in CHECKS {
        answers.push((*sentence, bench.run(*check).await));
    }
    answers
}

/// A subject at work.
pub(super) struct Bench {
    pub(super) subject: Subject,
    pub(super) breadth: Breadth,
    logs: Mutex<Vec<StatementLog>>,
}

impl Bench {
    /// Runs one check by the clock, and holds the upstream beside what it was before.
    async fn run(&self, check: super::checks::CheckFn) -> Check {
        let before = (self.subject.fingerprint)()?;
        let answer = tokio::time::timeout(self.subject.deadline, check(self)).await;
        let after = (self.subject.fingerprint)()?;
        answer.map_err(|late| format!("it hangs, no end within {:?}: {late}", self.subject.deadline))??;
        ensure!(before == after, "the upstream was changed:\nbefore: {before}\nafter:  {after}");
        Ok(())
    }

    /// A log whose statements are held against the command table in the end.
    pub(super) fn log(&self) -> StatementLog {
        let log = StatementLog::default();
        self.logs.lock().unwrap_or_else(PoisonError::into_inner).push(log.clone());
        log
    }

    /// Every statement of every check so far.
    pub(super) fn everything_sent(&self) -> Vec<Logged> {
        self.logs.lock().unwrap_or_else(PoisonError::into_inner).iter().flat_map(StatementLog::all).collect()
    }

    /// Connects with a log of its own.
    pub(super) async fn connect(&self) -> Result<Live, String> {
        let log = self.log();
        let ctx = context(&log);
        let source = self
            .subject
            .connector
            .connect(&ctx, &self.subject.connection, &(self.subject.credentials)())
            .await
            .map_err(|error| format!("connecting: {error}"))?;
        Ok(Live { source, log })
    }

    /// A spec of all rows of a node, with some room so that the end is seen.
    pub(super) fn all_of(&self, node: &NodePath, rows: u64) -> ReadSpec {
        ReadSpec { bound: Bound::rows(rows + 10), ..ReadSpec::preview(node.clone()) }
    }

    /// A spec of all rows of `readable`.
    pub(super) fn all(&self) -> ReadSpec {
        self.all_of(&self.subject.readable, self.subject.rows)
    }
}

/// A call of its own over a log.
pub(super) fn context(log: &StatementLog) -> CallCtx {
    CallCtx::new(Arc::new(log.clone()), std::task::Waker::noop().clone())
}

/// A connected source with what it sent.
pub(super) struct Live {
    pub(super) source: Arc<dyn Source>,
    pub(super) log: StatementLog,
}

/// A read and what came.
pub(super) struct Answer {
    pub(super) plan: ReadPlan,
    pub(super) estimate: LoadEstimate,
    pub(super) report: ReadReport,
    pub(super) got: Collected,
    /// What was sent by the read itself.
    pub(super) sent: Vec<Logged>,
}

impl Answer {
    /// All cells, row by row.
    pub(super) fn rows(&self) -> Vec<Vec<Cell>> {
        self.got
            .batches
            .iter()
            .flat_map(|batch| {
                (0..batch.row_count())
                    .map(|row| (0..batch.schema.fields.len()).map(|column| batch.cell(row, column)).collect())
            })
            .collect()
    }

    /// The end, if the read did not fail.
    pub(super) fn end(&self) -> Result<crate::model::read::ReadEnd, String> {
        self.report.end.clone().map_err(|error| format!("the read failed: {error}"))
    }
}

impl Live {
    /// A call of its own.
    pub(super) fn ctx(&self) -> CallCtx {
        context(&self.log)
    }

    /// Plans, estimates and permits.
    pub(super) async fn permit(&self, spec: ReadSpec) -> Result<(Permit, ReadPlan, LoadEstimate), Error> {
        let ctx = self.ctx();
        let plan = self.source.plan(&ctx, spec).await?;
        let mut estimate = self.source.estimate(&ctx, &plan).await?;
        let policy = policy();
        policy.weigh(&plan, &mut estimate);
        let permit = match policy.approve(plan.clone(), estimate.clone()) {
            Ok(permit) => permit,
            Err(refusal) => {
                let node_name = match &refusal.need {
                    Need::NodeName { name } => Some(name.clone()),
                    Need::Reason | Need::Nothing => None,
                };
                let given = Override { reason: "conformance".to_owned(), node_name };
                policy
                    .approve_anyway(refusal.plan, refusal.estimate, &given)
                    .map_err(|refusal| refusal.error())?
            }
        };
        Ok((permit, plan, estimate))
    }

    /// The columns of a node as described; where the source knows none before it has read a page, after one.
    pub(super) async fn columns(&self, node: &NodePath) -> Result<Vec<Field>, String> {
        let told = self.source.describe(&self.ctx(), node).await.map_err(|error| error.to_string())?;
        if !told.schema.fields.is_empty() {
            return Ok(told.schema.fields);
        }
        ensure!(!told.notes.is_empty(), "{node} is described without columns and without a word why");
        let answer = self.read(ReadSpec::preview(node.clone())).await.map_err(|error| error.to_string())?;
        answer.end()?;
        let told = self.source.describe(&self.ctx(), node).await.map_err(|error| error.to_string())?;
        Ok(told.schema.fields)
    }

    /// Goes the whole way of a read.
    pub(super) async fn read(&self, spec: ReadSpec) -> Result<Answer, Error> {
        let (permit, plan, estimate) = self.permit(spec).await?;
        let before = self.log.count();
        let mut got = Collected::default();
        let report = guard::run(&self.ctx(), &*self.source, permit, &mut got).await;
        Ok(Answer { plan, estimate, report, got, sent: self.log.since(before) })
    }
}

/// The policy of an unlimited session on this machine.
pub(super) fn policy() -> Policy {
    Policy::new(Tier::Local, SessionBudget::default())
}

/// Whether two cells are the same to the last bit.
pub(super) fn alike(a: &Cell, b: &Cell) -> bool {
    match (a, b) {
        (Cell::Float(a), Cell::Float(b)) => a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()),
        (Cell::Float32(a), Cell::Float32(b)) => a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()),
        (Cell::List(a), Cell::List(b)) => all_alike(a, b),
        (Cell::Struct(a), Cell::Struct(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|((name, a), (other, b))| name == other && alike(a, b))
        }
        (Cell::Map(a), Cell::Map(b)) => {
            a.len() == b.len()
                && a.iter().zip(b).all(|((key, a), (other, b))| alike(key, other) && alike(a, b))
        }
        (a, b) => a == b,
    }
}

fn all_alike(a: &[Cell], b: &[Cell]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b))
}

/// Fails with the first place where rows differ.
pub(super) fn same_rows(got: &[Vec<Cell>], expected: &[Vec<Cell>]) -> Check {
    for (row, (got, expected)) in got.iter().zip(expected).enumerate() {
        for (column, (got, expected)) in got.iter().zip(expected).enumerate() {
            ensure!(
                alike(got, expected),
                "row {row}, column {column}: got {}, expected {}",
                short(got),
                short(expected)
            );
        }
        ensure!(
            got.len() == expected.len(),
            "row {row} has {} cells, expected {}",
            got.len(),
            expected.len()
        );
    }
    ensure!(got.len() == expected.len(), "{} rows came, expected {}", got.len(), expected.len());
    Ok(())
}

fn short(cell: &Cell) -> String {
    let text = format!("{cell:?}");
    match text.char_indices().nth(200) {
        Some((end, _)) => format!("{}… ({} bytes)", text.get(..end).unwrap_or_default(), text.len()),
        None => text,
    }
}
