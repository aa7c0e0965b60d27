//! SQLite files, real ones: built here, the demo's, damaged ones, and ones that somebody writes to meanwhile.

mod browse;
mod damage;
mod demo;
mod load;
mod logs;
mod reads;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use headwater::connector::{Connector as _, Credentials, Permit, Policy, Source, guard};
use headwater::connectors::sqlite::Sqlite;
use headwater::job::sink::Collected;
use headwater::job::{CallCtx, Recorder, StatementEnd};
use headwater::model::Result;
use headwater::model::cell::Cell;
use headwater::model::command::EntryId;
use headwater::model::connection::{Connection, Tier};
use headwater::model::node::NodePath;
use headwater::model::read::{Continuation, ReadPlan, ReadSpec};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _};

/// Everything that was sent, in order; fails a test when a statement is not in the command table.
#[derive(Default)]
struct Witness {
    sent: Mutex<Vec<(EntryId, String)>>,
    ends: Mutex<Vec<StatementEnd>>,
}

#[async_trait]
impl Recorder for Witness {
    async fn started(&self, entry: &EntryId, text: &str) -> Result<u64> {
        let table = Sqlite.commands();
        let known = table.iter().find(|known| known.id == *entry).expect("the entry is in the command table");
        assert!(known.matches(text), "{entry} does not match what was sent:\n{text}\n{}", known.template);
        self.sent.lock().unwrap().push((entry.clone(), text.to_owned()));
        Ok(0)
    }

    async fn ended(&self, _id: u64, end: StatementEnd) -> Result<()> {
        self.ends.lock().unwrap().push(end);
        Ok(())
    }
}

impl Witness {
    fn sent(&self) -> Vec<String> {
        self.sent.lock().unwrap().iter().map(|(_, text)| text.clone()).collect()
    }

    fn entries(&self) -> Vec<String> {
        self.sent.lock().unwrap().iter().map(|(entry, _)| entry.to_string()).collect()
    }
}

/// A context with its witness.
fn context() -> (CallCtx, Arc<Witness>) {
    let witness = Arc::new(Witness::default());
    (CallCtx::new(Arc::clone(&witness) as Arc<dyn Recorder>, std::task::Waker::noop().clone()), witness)
}

/// A folder with one database in it, made by these statements.
struct Lab {
    folder: tempfile::TempDir,
}

impl Lab {
    async fn new(statements: &str) -> Self {
        let lab = Self { folder: tempfile::tempdir().unwrap() };
        let mut writer = lab.writer().await;
        writer.execute(AssertSqlSafe(statements.to_owned())).await.unwrap();
        writer.close().await.unwrap();
        lab
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("data.db")
    }

    async fn writer(&self) -> SqliteConnection {
        SqliteConnectOptions::new()
            .filename(self.path())
            .create_if_missing(true)
            .foreign_keys(false)
            .connect()
            .await
            .unwrap()
    }

    async fn write(&self, statements: &str) {
        let mut writer = self.writer().await;
        writer.execute(AssertSqlSafe(statements.to_owned())).await.unwrap();
        writer.close().await.unwrap();
    }

    /// Names of all files beside the database, itself included.
    fn files(&self) -> Vec<String> {
        let mut names = std::fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect::<Vec<_>>();
        names.sort();
        names
    }

    async fn open(&self) -> Arc<dyn Source> {
        open(&self.path()).await.unwrap()
    }
}

async fn open(path: &Path) -> Result<Arc<dyn Source>> {
    let (ctx, _) = context();
    Sqlite.connect(&ctx, &connection(path), &Credentials::none()).await
}

fn connection(path: &Path) -> Connection {
    Connection::new("lab", "sqlite").value(Connection::PATH, path.to_str().unwrap())
}

fn node(name: &str) -> NodePath {
    NodePath::of([name])
}

/// A permit for anything.
async fn permit(source: &dyn Source, plan: ReadPlan) -> Permit {
    let (ctx, _) = context();
    let estimate = source.estimate(&ctx, &plan).await.unwrap();
    permit_for(plan, estimate)
}

/// A permit for anything, on the strength of an estimate made before.
fn permit_for(plan: ReadPlan, estimate: headwater::model::load::LoadEstimate) -> Permit {
    let given = guard::Override {
        reason: "a test".to_owned(),
        node_name: Some(if plan.spec.query.is_some() {
            "query".to_owned()
        } else {
            plan.spec.node.name().to_owned()
        }),
    };
    Policy::new(Tier::Local, guard::SessionBudget::default()).approve_anyway(plan, estimate, &given).unwrap()
}

/// Rows of a spec, through the one way a permit is spent.
async fn read(source: &dyn Source, spec: ReadSpec) -> (guard::ReadReport, Collected) {
    let (ctx, _) = context();
    let plan = source.plan(&ctx, spec).await.unwrap();
    read_plan(source, plan).await
}

async fn read_plan(source: &dyn Source, plan: ReadPlan) -> (guard::ReadReport, Collected) {
    let (ctx, _) = context();
    let permit = permit(source, plan).await;
    let mut sink = Collected::default();
    let report = guard::run(&ctx, source, permit, &mut sink).await;
    (report, sink)
}

/// All cells of what was collected, row by row.
fn rows_of(sink: &Collected) -> Vec<Vec<Cell>> {
    sink.batches
        .iter()
        .flat_map(|batch| {
            (0..batch.row_count())
                .map(|row| (0..batch.schema.fields.len()).map(|column| batch.cell(row, column)).collect())
        })
        .collect()
}

/// Reads page by page until the end; the pages' rows in order.
async fn read_all_pages(source: &dyn Source, spec: ReadSpec) -> Vec<Vec<Cell>> {
    let mut rows = Vec::new();
    let mut at: Option<Continuation> = None;
    for _ in 0..10_000 {
        let (report, sink) = read(source, ReadSpec { continuation: at, ..spec.clone() }).await;
        report.end.unwrap();
        rows.extend(rows_of(&sink));
        match report.continuation {
            Some(next) => at = Some(next),
            None => return rows,
        }
    }
    panic!("pages never end");
}

fn text(value: &str) -> Cell {
    Cell::Text(value.to_owned())
}
