use std::process::{Command, Stdio};

use super::*;
use crate::model::command::EntryId;
use crate::model::connection::{Connection, SizeClass};
use crate::model::load::{Coverage, Dim, LoadActual, LoadEstimate, Quantity, Verdict};
use crate::model::node::NodePath;
use crate::model::read::{Approval, ProfileLevel, ReadEnd, Want};

/// Ledger that tells the re-executed test binary to write into it.
const CHILD: &str = "HEADWATER_TEST_WRITES_INTO";

/// Takes the word `hunter2` out, as a redactor would.
fn withhold(text: &str) -> Cow<'_, str> {
    Cow::Owned(text.replace("hunter2", "***"))
}

struct Place {
    _folder: tempfile::TempDir,
    path: PathBuf,
    connection: Connection,
    node: NodePath,
    estimate: LoadEstimate,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.sqlite");
        let mut estimate = LoadEstimate::over(SizeClass::Small.capacity());
        estimate.set(Quantity::exact(Dim::RowsReturned, 200.0, "limit, password hunter2"));
        estimate.verdict = Verdict::Light;
        Self {
            _folder: folder,
            path,
            connection: Connection::new("orders", "sqlite"),
            node: NodePath::of(["main", "orders"]),
            estimate,
        }
    }

    async fn open(&self) -> Ledger {
        Ledger::open(&self.path, withhold).await.unwrap()
    }

    fn read<'a>(&'a self, statements: &'a [String]) -> NewRead<'a> {
        NewRead {
            connection: &self.connection,
            node: &self.node,
            want: Want::Rows,
            statements,
            estimate: &self.estimate,
        }
    }

    fn statement<'a>(&'a self, entry: &'a EntryId, text: &'a str) -> NewStatement<'a> {
        NewStatement { read: None, connection: &self.connection, entry, text }
    }
}

fn ending(end: Result<ReadEnd>, rows: u64) -> ReadEnding {
    let mut actual = LoadActual::default();
    actual.add(Dim::RowsReturned, rows as f64, "counted", Coverage::Full);
    actual.add(Dim::BytesServer, 4096.0, "pages", Coverage::Full);
    actual.add(Dim::BytesWire, 100.0, "socket", Coverage::Full);
    actual.add(Dim::Duration, 0.25, "clock", Coverage::Full);
    ReadEnding { end, rows, actual }
}

async fn newest(ledger: &Ledger) -> Vec<ReadRow> {
    ledger.reads(&Filter::default(), Page::newest(100)).await.unwrap()
}

#[tokio::test]
async fn a_read_is_written_before_it_is_sent_and_completed_at_its_end() {
    let place = Place::new();
    let ledger = place.open().await;
    let statements = ["SELECT * FROM orders".to_owned(), "SELECT 'hunter2'".to_owned()];
    let reason = Approval::Override { reason: "asked with hunter2".into() };
    let id = ledger.start_read(place.read(&statements), reason).await.unwrap();

    let open = newest(&ledger).await.remove(0);
    assert_eq!((open.id, open.outcome, open.actual, open.ended_at), (id, Outcome::Started, None, None));
    assert_eq!(open.statements, ["SELECT * FROM orders", "SELECT '***'"]);
    assert_eq!(open.approval, Some(Approval::Override { reason: "asked with ***".into() }));
    assert_eq!((open.node.as_str(), open.connection.as_str()), ("main/orders", "orders"));
    assert_eq!((open.verdict, open.want.as_str()), (Verdict::Light, "rows"));

    let end = ending(Ok(ReadEnd::Bounded), 200);
    ledger.end_read(id, &end).await.unwrap();
    let done = newest(&ledger).await.remove(0);
    assert_eq!((done.outcome, done.rows, done.actual), (Outcome::Bounded, Some(200), Some(end.actual)));
    let mut expected = place.estimate.clone();
    expected.quantities[0].source = "limit, password ***".into();
    assert_eq!(done.estimate, expected);
    assert!(done.ended_at.unwrap() >= done.started_at);
    for file in std::fs::read_dir(place.path.parent().unwrap()).unwrap() {
        let file = file.unwrap().path();
        if file.is_file() {
            let bytes = std::fs::read(&file).unwrap();
            assert!(!bytes.windows(7).any(|bytes| bytes == b"hunter2"), "{}", file.display());
        }
    }
}

#[tokio::test]
async fn each_end_has_its_outcome_and_a_refusal_is_no_read() {
    let place = Place::new();
    let ledger = place.open().await;
    let failed = Error::new(ErrorKind::Unreachable, "read", "the line to hunter2 went dead");
    let rows = [
        (Ok(ReadEnd::Complete), Outcome::Done),
        (Ok(ReadEnd::Enough), Outcome::Done),
        (Ok(ReadEnd::Bounded), Outcome::Bounded),
        (Err(Error::cancelled("read")), Outcome::Cancelled),
        (Err(failed), Outcome::Failed),
    ];
    let profile = NewRead { want: Want::Profile(ProfileLevel::Head), ..place.read(&[]) };
    for (end, outcome) in rows {
        let id = ledger.start_read(profile, Approval::Policy).await.unwrap();
        ledger.end_read(id, &ending(end, 3)).await.unwrap();
        let row = newest(&ledger).await.remove(0);
        assert_eq!((row.outcome, row.want.as_str()), (outcome, "profile head"));
        assert_eq!(row.error.is_some(), matches!(outcome, Outcome::Cancelled | Outcome::Failed));
        assert!(row.error.is_none_or(|error| !error.contains("hunter2")));
    }
    ledger.refuse_read(place.read(&[]), "too heavy").await.unwrap();
    let refused = newest(&ledger).await.remove(0);
    assert_eq!((refused.outcome, refused.approval), (Outcome::Refused, None));
    assert_eq!(refused.error.as_deref(), Some("too heavy"));
    ledger.start_read(place.read(&[]), Approval::Probe).await.unwrap();

    let totals = ledger.totals(ledger.session()).await.unwrap();
    let expected =
        Totals { reads: 6, refused: 1, open: 1, rows: 15, bytes: 5.0 * 4096.0, seconds: 1.25, statements: 0 };
    assert_eq!(totals, expected);
    assert_eq!(ledger.totals(uuid::Uuid::new_v4()).await.unwrap(), Totals::default());
}

#[tokio::test]
async fn statements_are_kept_with_their_read_and_end_once() {
    let place = Place::new();
    let ledger = place.open().await;
    let read = ledger.start_read(place.read(&[]), Approval::Policy).await.unwrap();
    let entry = EntryId::of("preview");
    let within = NewStatement { read: Some(read), ..place.statement(&entry, "SELECT 'hunter2'") };
    let endings = [
        (StatementEnding::Done { rows: 7, seconds: 0.5 }, Outcome::Done),
        (StatementEnding::Failed { why: "no hunter2".into() }, Outcome::Failed),
        (StatementEnding::Cancelled, Outcome::Cancelled),
    ];
    for (ending, outcome) in endings {
        let id = ledger.start_statement(within).await.unwrap();
        ledger.end_statement(id, &ending).await.unwrap();
        let again = ledger.end_statement(id, &StatementEnding::Cancelled).await.unwrap_err();
        assert_eq!(again.kind, ErrorKind::Unexpected);
        let row = ledger.statements(&Filter::default(), Page::newest(1)).await.unwrap().remove(0);
        assert_eq!((row.id, row.read, row.outcome), (id, Some(read), outcome));
        assert_eq!((row.entry.as_str(), row.text.as_str()), ("preview", "SELECT '***'"));
        assert!(row.error.is_none_or(|error| error == "no ***"));
    }
    ledger.start_statement(place.statement(&entry, "PRAGMA x")).await.unwrap();
    let of_read = Filter { read: Some(read), ..Filter::default() };
    assert_eq!(ledger.statements(&of_read, Page::newest(10)).await.unwrap().len(), 3);
    let found = Filter { text: Some("pragma".into()), ..Filter::default() };
    assert_eq!(ledger.statements(&found, Page::newest(10)).await.unwrap().len(), 1);
    ledger.end_read(read, &ending(Ok(ReadEnd::Complete), 0)).await.unwrap();
    assert!(ledger.end_read(read, &ending(Ok(ReadEnd::Complete), 0)).await.is_err());
}

#[tokio::test]
async fn what_was_written_can_be_neither_changed_nor_removed() {
    let place = Place::new();
    let ledger = place.open().await;
    ledger.refuse_read(place.read(&[]), "no").await.unwrap();
    let entry = EntryId::of("x");
    let id = ledger.start_statement(place.statement(&entry, "x")).await.unwrap();
    ledger.end_statement(id, &StatementEnding::Cancelled).await.unwrap();
    for sql in [
        "UPDATE reads SET outcome = 'done'",
        "DELETE FROM reads",
        "UPDATE statements SET text = ''",
        "DELETE FROM statements",
    ] {
        let error = sqlx::query(sql).execute(ledger.pool()).await.unwrap_err();
        assert!(error.to_string().contains("append-only"), "{sql}: {error}");
    }
}

#[tokio::test]
async fn the_list_pages_newest_first_and_filters() {
    let place = Place::new();
    let ledger = place.open().await;
    let other = Connection::new("stock", "csv");
    for number in 0..25 {
        let node = NodePath::of([format!("table {number}")]);
        let connection = if number % 5 == 0 { &other } else { &place.connection };
        let read = NewRead { connection, node: &node, ..place.read(&[]) };
        ledger.refuse_read(read, "no").await.unwrap();
    }
    let mut seen = Vec::new();
    let mut page = Page::newest(10);
    loop {
        let rows = ledger.reads(&Filter::default(), page).await.unwrap();
        let Some(last) = rows.last() else { break };
        page.before = Some(last.id.0);
        seen.extend(rows.iter().map(|row| row.id));
    }
    assert_eq!(seen.len(), 25);
    assert!(seen.is_sorted_by(|a, b| a > b));

    let session = Some(ledger.session());
    for (filter, count) in [
        (Filter { connection: Some("stock".into()), ..Filter::default() }, 5),
        (Filter { connection: Some(other.id.to_string()), ..Filter::default() }, 5),
        (Filter { text: Some("TABLE 2".into()), ..Filter::default() }, 6),
        (Filter { outcome: Some(Outcome::Refused), session, ..Filter::default() }, 25),
        (Filter { outcome: Some(Outcome::Done), ..Filter::default() }, 0),
        (Filter { session: Some(uuid::Uuid::new_v4()), ..Filter::default() }, 0),
    ] {
        let rows = ledger.reads(&filter, Page::newest(100)).await.unwrap();
        assert_eq!(rows.len(), count, "{filter:?}");
    }
}

#[tokio::test]
async fn open_rows_of_a_session_that_is_gone_ended_without_a_word() {
    let place = Place::new();
    let (gone, alive) = (place.open().await, place.open().await);
    for ledger in [&gone, &alive] {
        ledger.start_read(place.read(&[]), Approval::Policy).await.unwrap();
    }
    let outcomes = |rows: Vec<ReadRow>| rows.into_iter().map(|row| row.outcome).collect::<Vec<_>>();
    assert_eq!(outcomes(newest(&alive).await), [Outcome::Started; 2]);
    drop(gone);
    assert_eq!(outcomes(newest(&alive).await), [Outcome::Started, Outcome::EndedWithoutWord]);
    let only = |outcome| Filter { outcome: Some(outcome), ..Filter::default() };
    for outcome in [Outcome::Started, Outcome::EndedWithoutWord] {
        let rows = alive.reads(&only(outcome), Page::newest(9)).await.unwrap();
        assert_eq!(outcomes(rows), [outcome]);
    }
}

#[tokio::test]
async fn a_file_that_is_no_ledger_of_ours_is_left_as_it_is_and_the_memory_says_why() {
    let place = Place::new();
    let folder = place.path.parent().unwrap();
    let text = folder.join("text.sqlite");
    std::fs::write(&text, "no database ".repeat(1000)).unwrap();
    let later = folder.join("later.sqlite");
    let ledger = Ledger::open(&later, withhold).await.unwrap();
    sqlx::query("PRAGMA user_version = 99").execute(ledger.pool()).await.unwrap();
    ledger.close().await;
    let file = folder.join("file");
    std::fs::write(&file, "").unwrap();
    let a_folder = folder.join("folder.sqlite");
    std::fs::create_dir(&a_folder).unwrap();
    for (path, kind) in [
        (text.clone(), ErrorKind::Decode),
        (later, ErrorKind::Unsupported),
        (a_folder, ErrorKind::Denied),
        (file.join("ledger.sqlite"), ErrorKind::Invalid),
        (folder.join("absent").join("ledger.sqlite"), ErrorKind::NotFound),
    ] {
        let error = Ledger::open(&path, withhold).await.err().unwrap();
        assert_eq!(error.kind, kind, "{error}");
        let ledger = Ledger::open_or_memory(&path, withhold).await.unwrap();
        assert!(matches!(ledger.home(), Home::Memory { why } if why.kind == kind), "{:?}", ledger.home());
        ledger.start_read(place.read(&[]), Approval::Policy).await.unwrap();
        assert_eq!(newest(&ledger).await.remove(0).outcome, Outcome::Started);
    }
    assert!(std::fs::read_to_string(&text).unwrap().starts_with("no database"));
    assert_eq!(place.open().await.home(), &Home::Disk(place.path.clone()));
}

#[tokio::test]
async fn a_full_or_read_only_disk_is_said_when_a_row_can_not_be_written() {
    let place = Place::new();
    let full = place.open().await;
    let long = ["x".repeat(1 << 20)];
    for sql in ["PRAGMA query_only = 1", "PRAGMA max_page_count = 40"] {
        // On every connection of the pool.
        let mut connections = Vec::new();
        while connections.len() < 2 {
            let mut connection = full.pool().acquire().await.unwrap();
            sqlx::query("PRAGMA query_only = 0").execute(&mut *connection).await.unwrap();
            sqlx::query(sql).execute(&mut *connection).await.unwrap();
            connections.push(connection);
        }
        drop(connections);
        let error = full.start_read(place.read(&long), Approval::Policy).await.unwrap_err();
        let expected = if sql.contains("query_only") { ErrorKind::Denied } else { ErrorKind::Budget };
        assert_eq!(error.kind, expected, "{error}");
        assert!(error.hint.is_some());
    }
    assert!(newest(&full).await.is_empty());
}

/// Not a test of its own: the other process.
#[tokio::test]
async fn a_child_writes_reads_into_the_ledger() {
    let Some(path) = std::env::var_os(CHILD) else { return };
    let place = Place::new();
    let ledger = Ledger::open(Path::new(&path), withhold).await.unwrap();
    for _ in 0..100 {
        let id = ledger.start_read(place.read(&[]), Approval::Policy).await.unwrap();
        ledger.end_read(id, &ending(Ok(ReadEnd::Complete), 1)).await.unwrap();
    }
    ledger.start_read(place.read(&[]), Approval::Policy).await.unwrap();
    // Ends as a kill does: without a word.
    std::process::abort();
}

#[tokio::test]
async fn processes_that_write_at_once_lose_nothing_and_the_dead_are_told_from_the_living() {
    let place = Place::new();
    let program = std::env::current_exe().unwrap();
    let start = || {
        Command::new(&program)
            .args(["--exact", "store::ledger::tests::a_child_writes_reads_into_the_ledger", "--nocapture"])
            .env(CHILD, &place.path)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    };
    let mut children = [start(), start(), start()];
    let ledger = place.open().await;
    for _ in 0..100 {
        let id = ledger.start_read(place.read(&[]), Approval::Policy).await.unwrap();
        ledger.end_read(id, &ending(Ok(ReadEnd::Complete), 1)).await.unwrap();
    }
    ledger.start_read(place.read(&[]), Approval::Policy).await.unwrap();
    for child in &mut children {
        child.wait().unwrap();
    }
    let count = async |outcome| {
        let filter = Filter { outcome: Some(outcome), ..Filter::default() };
        ledger.reads(&filter, Page::newest(1000)).await.unwrap().len()
    };
    assert_eq!(count(Outcome::Done).await, 400);
    assert_eq!(count(Outcome::EndedWithoutWord).await, 3);
    assert_eq!(count(Outcome::Started).await, 1);

    // The next session sweeps away what the dead ones left.
    let _next = place.open().await;
    let left = std::fs::read_dir(place.path.with_extension("sessions")).unwrap().count();
    assert_eq!(left, 2);
}

#[tokio::test]
async fn the_csv_holds_every_row_and_guards_its_texts() {
    let place = Place::new();
    let ledger = place.open().await;
    let node = NodePath::of(["=cmd(), \"x\""]);
    let statements = ["SELECT 1\nFROM t".to_owned()];
    for _ in 0..600 {
        let read = NewRead { node: &node, ..place.read(&statements) };
        ledger.refuse_read(read, "too heavy").await.unwrap();
    }
    let mut text = String::new();
    let guard = |text: &str| if text.starts_with('=') { format!("'{text}") } else { text.to_owned() };
    ledger
        .csv(&Filter::default(), guard, |piece| {
            text.push_str(piece);
            Ok(())
        })
        .await
        .unwrap();
    assert_eq!(text.matches("\r\n").count(), 601);
    assert_eq!(text.matches("\"'=cmd(), \"\"x\"\"\"").count(), 600);
    assert!(
        text.starts_with("id,started_at,")
            && text.contains(",200,200,,")
            && text.contains("\"SELECT 1\nFROM t\"")
    );
}
