//! Journals and write-ahead logs: what lies beside a file, what we leave there (nothing), and writers at work.

use headwater::connector::{Connector as _, Credentials};
use headwater::connectors::sqlite::Sqlite;
use headwater::job::sink::Collected;
use headwater::model::ErrorKind;
use headwater::model::cell::Cell;
use headwater::model::node::NodePath;
use headwater::model::read::ReadSpec;
use sqlx::{Connection as _, Executor as _};

use super::{Lab, connection, context, node, open, read, read_plan, rows_of};

const WAL: &str = "PRAGMA journal_mode = WAL; CREATE TABLE t(a INTEGER); INSERT INTO t VALUES (1);";

async fn notes(lab: &Lab) -> String {
    let source = lab.open().await;
    let (ctx, _) = context();
    source.describe(&ctx, &NodePath::root()).await.unwrap().notes.join("\n")
}

async fn values(source: &dyn headwater::connector::Source) -> Vec<i64> {
    let (report, sink) = read(source, ReadSpec::preview(node("t"))).await;
    report.end.unwrap();
    rows_of(&sink)
        .into_iter()
        .map(|row| match row[0] {
            Cell::Int(value) => value,
            ref other => panic!("{other:?}"),
        })
        .collect()
}

#[tokio::test]
async fn a_log_mode_file_that_nobody_uses_is_read_without_creating_anything() {
    let lab = Lab::new(WAL).await;
    assert_eq!(lab.files(), ["data.db"]);
    let source = lab.open().await;
    assert_eq!(values(&*source).await, [1]);
    assert_eq!(lab.files(), ["data.db"]);
    assert!(notes(&lab).await.contains("immutable"));

    // A writer comes: what it commits is seen by the next read, and it is said.
    let mut writer = lab.writer().await;
    writer.execute("INSERT INTO t VALUES (2)").await.unwrap();
    assert_eq!(values(&*source).await, [1, 2]);
    let (ctx, _) = context();
    let said = source.describe(&ctx, &NodePath::root()).await.unwrap().notes.join("\n");
    assert!(said.contains("written to while you look"), "{said}");
    writer.close().await.unwrap();
    assert_eq!(values(&*source).await, [1, 2]);
}

#[tokio::test]
async fn a_log_in_use_is_read_with_its_content_and_the_writer_works_on() {
    let lab = Lab::new(WAL).await;
    let mut writer = lab.writer().await;
    writer.execute("INSERT INTO t VALUES (2)").await.unwrap();
    let beside = lab.files();
    assert_eq!(beside, ["data.db", "data.db-shm", "data.db-wal"]);
    let source = lab.open().await;
    assert_eq!(values(&*source).await, [1, 2]);
    writer.execute("INSERT INTO t VALUES (3)").await.unwrap();
    assert_eq!(values(&*source).await, [1, 2, 3]);
    assert_eq!(lab.files(), beside);
    drop(source);
    writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").await.unwrap();
    writer.close().await.unwrap();
}

/// A database as a crash or a careless copy leaves it: the log without its index.
async fn orphaned_log() -> Lab {
    let lab = Lab::new(WAL).await;
    let mut writer = lab.writer().await;
    writer.execute("INSERT INTO t VALUES (2)").await.unwrap();
    let copy = Lab { folder: tempfile::tempdir().unwrap() };
    for name in ["data.db", "data.db-wal"] {
        std::fs::copy(lab.folder.path().join(name), copy.folder.path().join(name)).unwrap();
    }
    writer.close().await.unwrap();
    copy
}

#[tokio::test]
async fn a_log_without_its_index_is_left_alone_and_said_or_read_on_demand() {
    let lab = orphaned_log().await;
    let source = lab.open().await;
    assert_eq!(values(&*source).await, [1]);
    let said = notes(&lab).await;
    assert!(said.contains("may miss what the log holds") && said.contains("wal = create"), "{said}");
    assert_eq!(lab.files(), ["data.db", "data.db-wal"]);

    let (ctx, _) = context();
    let chosen = connection(&lab.path()).value("wal", "create");
    let source = Sqlite.connect(&ctx, &chosen, &Credentials::none()).await.unwrap();
    assert_eq!(values(&*source).await, [1, 2]);
    let wrong = connection(&lab.path()).value("wal", "perhaps");
    let error = Sqlite.connect(&ctx, &wrong, &Credentials::none()).await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::Invalid);
}

#[tokio::test]
async fn a_hot_journal_is_refused_with_the_reason_and_left_alone() {
    let lab = Lab::new("CREATE TABLE t(a, b); CREATE TABLE u(a);").await;
    let mut writer = lab.writer().await;
    writer.execute("PRAGMA cache_size = 5").await.unwrap();
    writer.execute("BEGIN IMMEDIATE").await.unwrap();
    // Enough to spill the cache: the journal is synced, as it is when a writer dies in the middle.
    writer
        .execute("WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 2000) INSERT INTO t SELECT i, randomblob(200) FROM c")
        .await
        .unwrap();
    let copy = Lab { folder: tempfile::tempdir().unwrap() };
    for name in ["data.db", "data.db-journal"] {
        std::fs::copy(lab.folder.path().join(name), copy.folder.path().join(name)).unwrap();
    }
    writer.execute("ROLLBACK").await.unwrap();
    let before = std::fs::read(copy.path()).unwrap();
    let error = open(&copy.path()).await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::Refused, "{error}");
    assert!(error.attempted.contains("hot journal"), "{error}");
    assert_eq!(std::fs::read(copy.path()).unwrap(), before);
    assert_eq!(copy.files(), ["data.db", "data.db-journal"]);
}

#[tokio::test]
async fn a_locked_database_is_said_to_be_locked_and_works_again_afterwards() {
    let lab = Lab::new("CREATE TABLE t(a INTEGER); INSERT INTO t VALUES (1);").await;
    let mut writer = lab.writer().await;
    writer.execute("BEGIN EXCLUSIVE").await.unwrap();
    let error = open(&lab.path()).await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::Unreachable, "{error}");
    assert!(error.attempted.contains("locked by a writer") && error.hint.is_some());
    writer.execute("COMMIT").await.unwrap();

    let source = lab.open().await;
    let (ctx, _) = context();
    let plan = source.plan(&ctx, ReadSpec::preview(node("t"))).await.unwrap();
    writer.execute("BEGIN EXCLUSIVE").await.unwrap();
    let given = headwater::connector::guard::Override::default();
    let estimate = headwater::model::load::LoadEstimate::over(connection(&lab.path()).capacity());
    let policy = headwater::connector::Policy::new(
        Default::default(),
        headwater::connector::guard::SessionBudget::default(),
    );
    let permit = policy.approve_anyway(plan, estimate, &given).unwrap();
    let report = headwater::connector::guard::run(&ctx, &*source, permit, &mut Collected::default()).await;
    assert_eq!(report.end.unwrap_err().kind, ErrorKind::Unreachable);
    writer.execute("INSERT INTO t VALUES (2); COMMIT").await.unwrap();
    assert_eq!(values(&*source).await, [1, 2]);
    writer.close().await.unwrap();
}

#[tokio::test]
async fn a_write_between_two_looks_is_noticed() {
    let lab = Lab::new("CREATE TABLE t(a INTEGER); INSERT INTO t VALUES (1);").await;
    let source = lab.open().await;
    let (ctx, _) = context();
    let plan = source.plan(&ctx, ReadSpec::preview(node("t"))).await.unwrap();
    lab.write("ALTER TABLE t RENAME COLUMN a TO z; INSERT INTO t VALUES (2)").await;
    let (report, _) = read_plan(&*source, plan).await;
    let error = report.end.unwrap_err();
    assert!(
        matches!(error.kind, ErrorKind::NotFound | ErrorKind::Invalid),
        "a name is never read as a text: {error}"
    );
    assert_eq!(values(&*source).await, [1, 2]);
    let said = source.describe(&ctx, &node("t")).await.unwrap();
    assert!(said.notes.join("").contains("written to while you look"));
    assert_eq!(said.schema.fields[0].name, "z");
}

#[tokio::test]
async fn a_reader_never_makes_the_file_differ() {
    let lab = Lab::new("CREATE TABLE t(a INTEGER); INSERT INTO t VALUES (1);").await;
    let before = std::fs::read(lab.path()).unwrap();
    let source = lab.open().await;
    let (ctx, witness) = context();
    source.describe(&ctx, &node("t")).await.unwrap();
    values(&*source).await;
    drop(source);
    assert_eq!(std::fs::read(lab.path()).unwrap(), before);
    assert_eq!(lab.files(), ["data.db"]);
    assert!(witness.entries().contains(&"columns".to_owned()));
}
