//! Delimited files through the real worker: files that grow, shrink, vanish or are none, and what a user fixes
//! by hand.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use headwater::connector::{Connector as _, Credentials, Policy, Source, guard};
use headwater::connectors::csv::Csv;
use headwater::job::CallCtx;
use headwater::job::sink::Collected;
use headwater::kit::worker;
use headwater::model::cell::Cell;
use headwater::model::connection::{Connection, Tier};
use headwater::model::filter::Filter;
use headwater::model::load::Dim;
use headwater::model::node::NodePath;
use headwater::model::read::{
    Bound, Continuation, ReadEnd, ReadPlan, ReadSpec, Sample, SampleMethod, SampleSize,
};
use headwater::model::{Error, ErrorKind, Result};

/// A folder with one file in it.
struct Lab {
    folder: tempfile::TempDir,
    values: Vec<(&'static str, &'static str)>,
}

impl Lab {
    fn new(content: impl AsRef<[u8]>) -> Self {
        worker::set_program(env!("CARGO_BIN_EXE_headwater"));
        let lab = Self { folder: tempfile::tempdir().unwrap(), values: Vec::new() };
        std::fs::write(lab.path(), content).unwrap();
        lab
    }

    fn with(mut self, key: &'static str, value: &'static str) -> Self {
        self.values.push((key, value));
        self
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("data.csv")
    }

    fn append(&self, content: &str) {
        let mut file = std::fs::OpenOptions::new().append(true).open(self.path()).unwrap();
        file.write_all(content.as_bytes()).unwrap();
    }

    async fn connect(&self) -> Result<Arc<dyn Source>> {
        let path = self.path();
        let connection = Connection::new("data", "csv").value(Connection::PATH, path.to_str().unwrap());
        let connection =
            self.values.iter().fold(connection, |connection, (key, value)| connection.value(*key, *value));
        Csv.connect(&CallCtx::detached(), &connection, &Credentials::none()).await
    }
}

fn spec(rows: Option<u64>) -> ReadSpec {
    ReadSpec { bound: Bound { rows, ..Bound::default() }, ..ReadSpec::preview(NodePath::of(["data.csv"])) }
}

async fn plan(source: &dyn Source, spec: ReadSpec) -> ReadPlan {
    source.plan(&CallCtx::detached(), spec).await.unwrap()
}

struct Answer {
    end: Result<ReadEnd>,
    next: Option<Continuation>,
    got: Collected,
    bytes: f64,
}

impl Answer {
    fn first_cells(&self) -> Vec<Cell> {
        let cells = |batch: &headwater::model::batch::Batch| {
            let batch = batch.clone();
            (0..batch.row_count()).map(move |row| batch.cell(row, 0))
        };
        self.got.batches.iter().flat_map(cells).collect()
    }

    fn error(&self) -> &Error {
        self.end.as_ref().unwrap_err()
    }
}

async fn run(source: &dyn Source, plan: ReadPlan) -> Answer {
    let ctx = CallCtx::detached();
    let estimate = source.estimate(&ctx, &plan).await.unwrap();
    read(source, plan, estimate).await
}

async fn read(source: &dyn Source, plan: ReadPlan, estimate: headwater::model::load::LoadEstimate) -> Answer {
    let permit = Policy::new(Tier::Local, guard::SessionBudget::default()).approve(plan, estimate).unwrap();
    let ctx = CallCtx::detached();
    let mut got = Collected::default();
    let report = guard::run(&ctx, source, permit, &mut got).await;
    let bytes = report.actual.value(Dim::BytesServer).unwrap_or(0.0);
    Answer { end: report.end, next: report.continuation, got, bytes }
}

fn rows(from: i64, to: i64) -> String {
    (from..to).map(|row| format!("{row},name {row},2024-05-01\n")).collect()
}

fn ints(from: i64, to: i64) -> Vec<Cell> {
    (from..to).map(Cell::Int).collect()
}

#[tokio::test]
async fn a_growing_file_is_read_as_it_was_planned_and_then_as_it_is() {
    let lab = Lab::new("id,name,day\n".to_owned() + &rows(0, 1000));
    let source = lab.connect().await.unwrap();
    let planned = plan(&*source, spec(None)).await;
    let estimate = source.estimate(&CallCtx::detached(), &planned).await.unwrap();
    lab.append(&rows(1000, 1500));
    lab.append("1500,unfini");
    let answer = read(&*source, planned, estimate).await;
    assert_eq!(answer.end, Ok(ReadEnd::Complete));
    assert_eq!(answer.first_cells(), ints(0, 1000));
    let seen = &answer.got.findings.disagreements;
    assert!(seen.iter().any(|seen| seen.observed.contains("written to")), "{seen:?}");

    let answer = run(&*source, plan(&*source, spec(None)).await).await;
    assert_eq!(answer.first_cells(), ints(0, 1501));
    assert!(
        answer.got.findings.lost.iter().any(|lost| lost.why.contains("still growing")),
        "{:?}",
        answer.got.findings
    );

    // Pages of a growing file go on where they were.
    let first = run(&*source, plan(&*source, spec(Some(1400))).await).await;
    lab.append("shed,2024-05-01\n");
    let second = ReadSpec { continuation: first.next, ..spec(Some(1400)) };
    let second = run(&*source, plan(&*source, second).await).await;
    assert_eq!(second.first_cells(), ints(1400, 1501));
    assert_eq!(second.end, Ok(ReadEnd::Complete));
}

#[tokio::test]
async fn a_file_that_is_replaced_between_plan_and_read_is_not_read_as_the_old_one() {
    let lab = Lab::new("id,name,day\n".to_owned() + &rows(0, 1000));
    let source = lab.connect().await.unwrap();
    let planned = plan(&*source, spec(None)).await;
    let estimate = source.estimate(&CallCtx::detached(), &planned).await.unwrap();
    std::fs::write(lab.path(), "other;columns\n1;2\n3;4\n").unwrap();
    let answer = read(&*source, planned, estimate).await;
    assert_eq!(answer.error().kind, ErrorKind::Invalid);
    assert!(answer.error().hint.is_some() && answer.got.row_count() == 0);
    let again = plan(&*source, spec(None)).await;
    let names: Vec<String> =
        again.schema.as_ref().unwrap().fields.iter().map(|field| field.name.clone()).collect();
    assert_eq!(names, ["other", "columns"]);
    assert_eq!(run(&*source, again).await.first_cells(), [Cell::Int(1), Cell::Int(3)]);
}

#[tokio::test]
async fn a_file_that_vanishes_says_so() {
    let lab = Lab::new("id,name,day\n".to_owned() + &rows(0, 10));
    let source = lab.connect().await.unwrap();
    let planned = plan(&*source, spec(None)).await;
    let estimate = source.estimate(&CallCtx::detached(), &planned).await.unwrap();
    std::fs::remove_file(lab.path()).unwrap();
    assert_eq!(read(&*source, planned, estimate).await.error().kind, ErrorKind::NotFound);
    let error = source.describe(&CallCtx::detached(), &NodePath::of(["data.csv"])).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
    assert!(error.hint.is_some_and(|hint| hint.contains("any more")));
}

#[cfg(unix)]
#[tokio::test]
async fn a_pipe_is_refused_and_not_waited_for() {
    let lab = Lab::new("");
    std::fs::remove_file(lab.path()).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(lab.path()).status().unwrap().success());
    let connected = tokio::time::timeout(std::time::Duration::from_secs(30), lab.connect()).await.unwrap();
    assert_eq!(connected.err().map(|error| error.kind), Some(ErrorKind::Unsupported));
}

#[tokio::test]
async fn what_a_user_fixes_in_the_connection_holds() {
    let content = "skip me; please\na,b;c\n1,5;2\n3,5;missing\n";
    let lab = Lab::new(content).with("skip_lines", "1").with("delimiter", ",").with("header", "none");
    let source = lab.connect().await.unwrap();
    let planned = plan(&*source, spec(None)).await;
    assert_eq!(planned.schema.as_ref().unwrap().fields.len(), 2);
    assert_eq!(run(&*source, planned).await.first_cells().len(), 3);

    let lab = Lab::new(content).with("skip_lines", "1").with("delimiter", ";").with("nulls", "missing");
    let source = lab.connect().await.unwrap();
    let answer = run(&*source, plan(&*source, spec(None)).await).await;
    assert_eq!(answer.first_cells(), [Cell::Decimal("1.5".into()), Cell::Decimal("3.5".into())]);
    assert_eq!(answer.got.batches[0].cell(1, 1), Cell::Null);
}

#[tokio::test]
async fn a_preview_takes_the_same_bytes_of_a_small_and_of_a_large_file() {
    let mut taken = Vec::new();
    for rows_in_file in [40_000, 800_000] {
        let lab = Lab::new("id,name,day\n".to_owned() + &rows(0, rows_in_file));
        let ctx = CallCtx::detached();
        let connection = Connection::new("data", "csv").value(Connection::PATH, lab.path().to_str().unwrap());
        let source = Csv.connect(&ctx, &connection, &Credentials::none()).await.unwrap();
        let looked = ctx.meter().actual().value(Dim::BytesServer).unwrap();
        let answer = run(&*source, plan(&*source, spec(Some(100))).await).await;
        assert_eq!(answer.first_cells(), ints(0, 100));
        taken.push(looked + answer.bytes);
    }
    assert!(taken.iter().all(|bytes| *bytes <= 512e3), "{taken:?}");
    assert!((taken[0] - taken[1]).abs() < 8e3, "{taken:?}");
}

#[tokio::test]
async fn what_a_read_takes_lies_inside_what_was_estimated() {
    // Rows of 12 to 160 bytes, longer in some stretches than in others.
    let long = |row: i64| "x".repeat(((row * 7919) % 61 + (row / 700) % 5 * 20) as usize);
    let content = (0..20_000).map(|row| format!("{row},{},2024-05-01\n", long(row))).collect::<String>();
    let lab = Lab::new("id,name,day\n".to_owned() + &content);
    let source = lab.connect().await.unwrap();
    let sample = |method, rows| ReadSpec {
        sample: Some(Sample { size: SampleSize::Rows(rows), method }),
        ..spec(Some(rows))
    };
    let filtered = |text: &str, rows| ReadSpec { filter: Some(Filter::parse(text).unwrap()), ..spec(rows) };
    let reads = [
        spec(Some(1)),
        spec(Some(10)),
        spec(Some(200)),
        spec(Some(2_000)),
        spec(Some(15_000)),
        spec(None),
        sample(SampleMethod::Auto, 50),
        sample(SampleMethod::Auto, 300),
        sample(SampleMethod::Auto, 2_000),
        sample(SampleMethod::Block, 5_000),
        sample(SampleMethod::Head, 500),
        sample(SampleMethod::Row, 100),
        sample(SampleMethod::Random, 1_000),
        filtered("id >= 19990", None),
        filtered("id < 10", Some(5)),
        filtered("id = -1", Some(5)),
    ];
    let mut widths = Vec::new();
    for read in reads {
        let what = format!("{:?} {:?} {:?}", read.bound.rows, read.sample, read.filter);
        let planned = plan(&*source, read).await;
        let estimate = source.estimate(&CallCtx::detached(), &planned).await.unwrap();
        let bytes = estimate.quantity(Dim::BytesServer).unwrap().clone();
        let answer = self::read(&*source, planned, estimate).await;
        assert!((bytes.lo..=bytes.hi).contains(&answer.bytes), "{what}: {} of {bytes:?}", answer.bytes);
        widths.push(bytes.hi / bytes.lo.max(1.0));
    }
    widths.sort_by(f64::total_cmp);
    assert!(widths[widths.len() / 2] <= 4.0, "{widths:?}");
}
