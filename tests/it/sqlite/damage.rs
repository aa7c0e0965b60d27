//! Files that are damaged, cut short, or lie: a typed error or the rows before the damage, never a panic, a
//! hang or rows that are not there.

use headwater::model::ErrorKind;
use headwater::model::cell::Cell;
use headwater::model::node::{NodePath, PageRequest};
use headwater::model::read::{Bound, ReadSpec};

use super::{Lab, context, node, open, read, rows_of};

const TABLE: &str = "
    CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b BLOB);
    WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 3000)
        INSERT INTO t SELECT i, 'text of row ' || i, zeroblob(i % 50) FROM c;
    CREATE INDEX t_a ON t(a);
    CREATE VIEW v AS SELECT a FROM t;";

/// Everything a user would do; gives the kinds of errors met.
async fn walk(path: &std::path::Path) -> Vec<ErrorKind> {
    let mut met = Vec::new();
    let source = match open(path).await {
        Ok(source) => source,
        Err(error) => return vec![error.kind],
    };
    let (ctx, _) = context();
    met.extend(source.children(&ctx, &NodePath::root(), &PageRequest::first()).await.err().map(|e| e.kind));
    for name in ["t", "v"] {
        met.extend(source.describe(&ctx, &node(name)).await.err().map(|e| e.kind));
        let spec = ReadSpec { bound: Bound::default(), ..ReadSpec::preview(node(name)) };
        let plan = match source.plan(&ctx, spec).await {
            Ok(plan) => plan,
            Err(error) => {
                met.push(error.kind);
                continue;
            }
        };
        let estimate = match source.estimate(&ctx, &plan).await {
            Ok(estimate) => estimate,
            Err(error) => {
                met.push(error.kind);
                continue;
            }
        };
        let policy = headwater::connector::Policy::new(
            Default::default(),
            headwater::connector::guard::SessionBudget::default(),
        );
        let given =
            headwater::connector::guard::Override { reason: "a test".into(), node_name: Some(name.into()) };
        let permit = policy.approve_anyway(plan, estimate, &given).unwrap();
        let mut sink = headwater::job::sink::Collected::default();
        let report = headwater::connector::guard::run(&ctx, &*source, permit, &mut sink).await;
        met.extend(report.end.err().map(|e| e.kind));
    }
    met
}

#[tokio::test]
async fn damaged_copies_end_in_typed_errors() {
    let lab = Lab::new(TABLE).await;
    let whole = std::fs::read(lab.path()).unwrap();
    assert!(walk(&lab.path()).await.is_empty());
    let mut copies: Vec<(String, Vec<u8>)> = Vec::new();
    for length in [1, 15, 16, 99, 100, 511, 512, 4095, 4096, 5000, 8192, whole.len() / 2, whole.len() - 1] {
        copies.push((format!("cut to {length}"), whole[..length].to_vec()));
    }
    // A small generator, so that the same bits are flipped on every run.
    let mut state = 7_u64;
    let mut next = |end: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % end
    };
    for round in 0..60 {
        let mut copy = whole.clone();
        for _ in 0..=round % 8 {
            let (at, bit) = (next(copy.len()), next(8));
            copy[at] ^= 1 << bit;
        }
        copies.push((format!("flipped {round}"), copy));
    }
    for round in 0..40 {
        let mut copy = whole.clone();
        let at = if round % 2 == 0 { next(4096) } else { next(100) };
        copy[at] = copy[at].wrapping_add(u8::try_from(next(255) + 1).unwrap());
        copies.push((format!("lies at {at}"), copy));
    }
    for (offset, bytes) in
        [(28, [255; 4]), (32, [255; 4]), (44, [0, 0, 0, 9]), (56, [0, 0, 0, 7]), (20, [200, 0, 0, 0])]
    {
        let mut copy = whole.clone();
        copy[offset..offset + 4].copy_from_slice(&bytes);
        copies.push((format!("header lies at {offset}"), copy));
    }
    let folder = tempfile::tempdir().unwrap();
    for (what, bytes) in copies {
        let path = folder.path().join("copy.db");
        std::fs::write(&path, bytes).unwrap();
        for kind in walk(&path).await {
            let is_typed = matches!(
                kind,
                ErrorKind::Decode
                    | ErrorKind::Invalid
                    | ErrorKind::NotFound
                    | ErrorKind::Unreachable
                    | ErrorKind::Unsupported
                    | ErrorKind::Budget
                    | ErrorKind::Denied
            );
            assert!(is_typed, "{what}: {kind:?}");
        }
    }
}

#[tokio::test]
async fn rows_before_the_damage_are_kept() {
    let lab = Lab::new(TABLE).await;
    let mut bytes = std::fs::read(lab.path()).unwrap();
    let source = lab.open().await;
    let (ctx, _) = context();
    let pages = source.describe(&ctx, &NodePath::root()).await.unwrap().node.bytes.unwrap().value / 4096;
    drop(source);
    // The table's leaves fill the first half of the file; one of them becomes zeros.
    let page = usize::try_from(pages / 4).unwrap();
    bytes[page * 4096..(page + 1) * 4096].fill(0);
    std::fs::write(lab.path(), bytes).unwrap();
    let source = lab.open().await;
    let spec = ReadSpec { bound: Bound::default(), ..ReadSpec::preview(node("t")) };
    let (report, sink) = read(&*source, spec).await;
    assert_eq!(report.end.unwrap_err().kind, ErrorKind::Decode);
    let rows = rows_of(&sink);
    assert!(rows.len() > 100, "{} rows", rows.len());
    assert!(rows.iter().zip(1..).all(|(row, id)| row[0] == Cell::Int(id)));
}

#[tokio::test]
async fn hostile_names_and_schemas_do_no_harm() {
    let lab = Lab::new(
        "CREATE TABLE ok(a); INSERT INTO ok VALUES (1);
         CREATE TABLE bad(first TEXT, good TEXT); INSERT INTO bad VALUES ('x', 'y');
         CREATE VIEW evil AS SELECT load_extension('x') AS a;
         CREATE VIEW missing AS SELECT * FROM not_there;
         CREATE VIEW endless AS WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c) SELECT i FROM c;
         PRAGMA writable_schema = 1;
         UPDATE sqlite_schema SET sql = CAST(replace(CAST(sql AS BLOB), CAST('first' AS BLOB), x'ff') || CAST('' AS BLOB) AS TEXT) WHERE name = 'bad';",
    )
    .await;
    let source = lab.open().await;
    let (ctx, _) = context();
    let page = source.children(&ctx, &NodePath::root(), &PageRequest::first()).await.unwrap();
    assert_eq!(page.nodes.len(), 5);
    for name in ["evil", "missing"] {
        let described = source.describe(&ctx, &node(name)).await;
        let planned = source.plan(&ctx, ReadSpec::preview(node(name))).await;
        let failed = match planned {
            Err(error) => error,
            Ok(plan) => match source.estimate(&ctx, &plan).await {
                Err(error) => error,
                Ok(_) => described.err().unwrap(),
            },
        };
        assert!(
            matches!(
                failed.kind,
                ErrorKind::Invalid | ErrorKind::Unsupported | ErrorKind::Refused | ErrorKind::NotFound
            ),
            "{name}: {failed}"
        );
    }
    let bound = Bound { rows: Some(50), seconds: Some(5.0), ..Bound::default() };
    let spec = ReadSpec { bound, ..ReadSpec::preview(node("endless")) };
    let (report, sink) = read(&*source, spec).await;
    report.end.unwrap();
    assert_eq!(sink.row_count(), 50);
    // A name that is not UTF-8 costs that column, not the reader.
    let spec = ReadSpec { columns: Some(vec!["good".into()]), ..ReadSpec::preview(node("bad")) };
    let (report, sink) = read(&*source, spec).await;
    report.end.unwrap();
    assert_eq!(rows_of(&sink), [[Cell::Text("y".into())]]);
    let (report, _) = read(&*source, ReadSpec::preview(node("ok"))).await;
    report.end.unwrap();
}

#[tokio::test]
async fn a_file_that_grows_shrinks_or_vanishes_while_we_look_is_an_error_or_the_new_rows() {
    let lab = Lab::new(TABLE).await;
    let source = lab.open().await;
    lab.write("INSERT INTO t VALUES (3001, 'more', NULL)").await;
    let spec = ReadSpec { bound: Bound::default(), ..ReadSpec::preview(node("t")) };
    let (report, sink) = read(&*source, spec.clone()).await;
    report.end.unwrap();
    assert_eq!(sink.row_count(), 3_001);
    let file = std::fs::OpenOptions::new().write(true).open(lab.path()).unwrap();
    file.set_len(40_960).unwrap();
    let kinds = walk(&lab.path()).await;
    assert!(!kinds.is_empty() && kinds.iter().all(|kind| *kind == ErrorKind::Decode), "{kinds:?}");
    std::fs::remove_file(lab.path()).unwrap();
    assert_eq!(open(&lab.path()).await.err().unwrap().kind, ErrorKind::NotFound);
}

#[tokio::test]
async fn what_is_no_database_is_said_by_kind() {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes, kind) in [
        ("empty.db", Some(vec![]), ErrorKind::Decode),
        ("text.db", Some(b"a,b\n1,2\n".to_vec()), ErrorKind::Decode),
        (
            "encrypted.db",
            Some((0..8192_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 11) as u8).collect()),
            ErrorKind::Decode,
        ),
        ("nowhere.db", None, ErrorKind::NotFound),
    ] {
        let path = folder.path().join(name);
        if let Some(bytes) = bytes {
            std::fs::write(&path, bytes).unwrap();
        }
        let error = open(&path).await.err().unwrap();
        assert_eq!(error.kind, kind, "{name}: {error}");
        assert!(error.context.iter().any(|(key, _)| key == "path"));
    }
    assert_eq!(open(folder.path()).await.err().unwrap().kind, ErrorKind::Invalid);
    assert_eq!(folder.path().read_dir().unwrap().count(), 3, "nothing is created");
}
