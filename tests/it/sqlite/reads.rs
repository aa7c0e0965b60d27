//! Rows: exact values, pages that meet, conditions, orders, samples, queries, cancelling.

use headwater::connector::guard;
use headwater::job::CancelReport;
use headwater::job::sink::Collected;
use headwater::model::ErrorKind;
use headwater::model::ability::Support;
use headwater::model::cell::Cell;
use headwater::model::filter::Filter;
use headwater::model::read::{
    Bound, Direction, OrderBy, ReadEnd, ReadSpec, Sample, SampleMethod, SampleSize,
};

use super::{Lab, context, node, permit, read, read_all_pages, rows_of, text};

const VALUES: &str = "
    CREATE TABLE v(i INTEGER, r REAL, t TEXT, b BLOB, d DECIMAL(10,2), day DATE, x);
    INSERT INTO v VALUES
        (9223372036854775807, 9e999, 'plain', x'00ff', 10, '2024-02-30', 1),
        (-9223372036854775808, -9e999, 'a' || char(0) || 'b', x'', 10.5, 20240230, 'one'),
        ('not a number', 1, CAST(x'fffe41' AS TEXT), 'text in a blob', 9007199254740993, NULL, x'01'),
        (NULL, NULL, NULL, NULL, 'n/a', NULL, NULL),
        (1.5, 0.1, '', NULL, -0.0, 1.25, 2.5);";

#[tokio::test]
async fn values_are_what_is_stored_whatever_was_declared() {
    let lab = Lab::new(VALUES).await;
    let source = lab.open().await;
    let (report, sink) = read(&*source, ReadSpec::preview(node("v"))).await;
    assert_eq!(report.end.unwrap(), ReadEnd::Complete);
    let expected = [
        vec![
            Cell::Int(i64::MAX),
            Cell::Float(f64::INFINITY),
            text("plain"),
            Cell::Bytes(vec![0, 255]),
            Cell::Float(10.0),
            text("2024-02-30"),
            Cell::Int(1),
        ],
        vec![
            Cell::Int(i64::MIN),
            Cell::Float(f64::NEG_INFINITY),
            text("a\0b"),
            Cell::Bytes(vec![]),
            Cell::Float(10.5),
            Cell::Int(20_240_230),
            text("one"),
        ],
        vec![
            text("not a number"),
            Cell::Float(1.0),
            Cell::Invalid(vec![0xff, 0xfe, 0x41]),
            text("text in a blob"),
            Cell::Int(9_007_199_254_740_993),
            Cell::Null,
            Cell::Bytes(vec![1]),
        ],
        vec![Cell::Null, Cell::Null, Cell::Null, Cell::Null, text("n/a"), Cell::Null, Cell::Null],
        vec![
            Cell::Float(1.5),
            Cell::Float(0.1),
            text(""),
            Cell::Null,
            Cell::Float(0.0),
            Cell::Float(1.25),
            Cell::Float(2.5),
        ],
    ];
    assert_eq!(rows_of(&sink), expected);
}

#[tokio::test]
async fn text_of_utf16_databases_is_read_as_it_is() {
    for encoding in ["UTF-16le", "UTF-16be"] {
        let lab = Lab::new(&format!(
            "PRAGMA encoding = '{encoding}'; CREATE TABLE t(\"ö\" TEXT); INSERT INTO t VALUES ('grün 🛫'), ('');"
        ))
        .await;
        let source = lab.open().await;
        let (_, sink) = read(&*source, ReadSpec::preview(node("t"))).await;
        assert_eq!(rows_of(&sink), [[text("grün 🛫")], [text("")]], "{encoding}");
    }
}

/// Tables of every kind of key, and a view.
const PAGED: &str = "
    CREATE TABLE by_number(a TEXT, n INTEGER);
    WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 97)
        INSERT INTO by_number(rowid, a, n) SELECT i * 7 - 300, 'r' || i, CASE i % 5 WHEN 0 THEN NULL WHEN 1 THEN 'x' ELSE i % 7 END FROM c;
    CREATE TABLE alias(id INTEGER PRIMARY KEY, a TEXT); INSERT INTO alias(a) SELECT a FROM by_number;
    CREATE TABLE hidden(rowid TEXT, _rowid_ TEXT); INSERT INTO hidden SELECT a, a FROM by_number;
    CREATE TABLE all_hidden(rowid TEXT, _rowid_ TEXT, oid TEXT); INSERT INTO all_hidden SELECT a, a, a FROM by_number;
    CREATE TABLE by_text(k TEXT PRIMARY KEY, v) WITHOUT ROWID; INSERT INTO by_text SELECT a, n FROM by_number;
    CREATE TABLE by_nocase(k TEXT COLLATE NOCASE, p, v, PRIMARY KEY(k, p)) WITHOUT ROWID;
    INSERT INTO by_nocase SELECT CASE n % 2 WHEN 0 THEN upper(a) ELSE a END, rowid, n FROM by_number;
    CREATE TABLE by_blob(k BLOB, d INT, PRIMARY KEY(k, d DESC)) WITHOUT ROWID;
    INSERT INTO by_blob SELECT CAST(x'ff' || substr(a, 1, 2) AS BLOB), rowid FROM by_number;
    CREATE TABLE by_bad_text(k TEXT PRIMARY KEY) WITHOUT ROWID;
    INSERT INTO by_bad_text SELECT CAST(CAST(x'ff' AS TEXT) || a AS TEXT) FROM by_number;
    CREATE VIEW seen AS SELECT a, n FROM by_number WHERE n IS NOT NULL;
    CREATE TABLE bare(a);";

#[tokio::test]
async fn pages_meet_without_a_gap_or_a_double_whatever_the_key() {
    let lab = Lab::new(PAGED).await;
    let source = lab.open().await;
    let (order_asc, order_desc) = (
        vec![OrderBy { column: "n".into(), direction: Direction::Ascending }],
        vec![OrderBy { column: "n".into(), direction: Direction::Descending }],
    );
    for (name, order) in [
        ("by_number", vec![]),
        ("by_number", order_asc.clone()),
        ("by_number", order_desc.clone()),
        ("alias", vec![]),
        ("hidden", vec![]),
        ("all_hidden", vec![]),
        ("by_text", vec![]),
        ("by_text", vec![OrderBy { column: "v".into(), direction: Direction::Descending }]),
        ("by_nocase", vec![]),
        ("by_nocase", vec![OrderBy { column: "v".into(), direction: Direction::Ascending }]),
        ("by_blob", vec![]),
        ("by_bad_text", vec![]),
        ("seen", vec![]),
        ("seen", order_desc.clone()),
        ("bare", vec![]),
    ] {
        let whole = ReadSpec { order, bound: Bound::default(), ..ReadSpec::preview(node(name)) };
        let (report, sink) = read(&*source, whole.clone()).await;
        assert_eq!(report.end.unwrap(), ReadEnd::Complete);
        let at_once = rows_of(&sink);
        assert_eq!(
            at_once.len(),
            if name == "bare" {
                0
            } else if name == "seen" {
                78
            } else {
                97
            },
            "{name}"
        );
        assert_eq!(sink.batches.len(), 1, "even an empty table gives its columns");
        for page in [1, 10, 97, 500] {
            let spec = ReadSpec { bound: Bound::rows(page), ..whole.clone() };
            assert_eq!(read_all_pages(&*source, spec).await, at_once, "{name} {:?} by {page}", whole.order);
        }
        if whole.order == order_asc {
            assert!(
                at_once.last().unwrap()[1] == Cell::Null && at_once[0][1] != Cell::Null,
                "nulls come last"
            );
        }
    }
}

#[tokio::test]
async fn columns_and_conditions_give_the_same_rows_wherever_they_are_done() {
    let lab = Lab::new(PAGED).await;
    let source = lab.open().await;
    let all = ReadSpec { bound: Bound::default(), ..ReadSpec::preview(node("by_number")) };
    let (_, sink) = read(&*source, all.clone()).await;
    let (rows, schema) = (rows_of(&sink), sink.batches[0].schema.clone());
    for condition in [
        "n = 3",
        "n > 3",
        "n <> 3",
        "n >= 3 AND a LIKE 'R1%'",
        "a = 'r5' OR n = 2",
        "a IN ('r1', 'r2', 'R3')",
        "NOT a = 'r1'",
        "n IS NULL",
        "n IS NOT NULL AND NOT n = 2",
        "n = 'x'",
        "a > 'r5' AND a < 'r6'",
        "a LIKE '%7'",
        "a = 5",
        "n = 1000",
    ] {
        let filter = Filter::parse(condition).unwrap();
        let expected = rows
            .iter()
            .filter(|row| {
                let cell = |name: &str| schema.index_of(name).map_or(Cell::Missing, |at| row[at].clone());
                filter.evaluate(&cell) == Some(true)
            })
            .map(|row| vec![row[0].clone()])
            .collect::<Vec<_>>();
        let spec = ReadSpec { filter: Some(filter), columns: Some(vec!["a".into()]), ..all.clone() };
        let (report, sink) = read(&*source, spec).await;
        report.end.unwrap();
        assert_eq!(rows_of(&sink), expected, "{condition}");
        assert_eq!(sink.batches[0].schema.fields.len(), 1, "{condition}");
    }
}

#[tokio::test]
async fn the_plan_says_what_sqlite_does_itself() {
    let lab = Lab::new(PAGED).await;
    let source = lab.open().await;
    let (ctx, _) = context();
    for (condition, support, statement) in [
        (
            "n = 3",
            Support::Exact,
            "SELECT \"a\", rowid FROM \"by_number\" WHERE \"n\" = ?1 ORDER BY rowid LIMIT 200",
        ),
        (
            "n > 3",
            Support::Inexact,
            "SELECT \"a\", \"n\", rowid FROM \"by_number\" WHERE \"n\" > ?1 ORDER BY rowid LIMIT 200",
        ),
        ("a > 3", Support::None, "SELECT \"a\", rowid FROM \"by_number\" ORDER BY rowid LIMIT 200"),
    ] {
        let spec = ReadSpec {
            filter: Some(Filter::parse(condition).unwrap()),
            columns: Some(vec!["a".into()]),
            ..ReadSpec::preview(node("by_number"))
        };
        let plan = source.plan(&ctx, spec).await.unwrap();
        assert_eq!(plan.pushdown.filter, support, "{condition}");
        assert_eq!(plan.steps[0].text, statement);
        assert_eq!(plan.schema.unwrap().fields.len(), 1);
    }
    for (columns, condition, order) in
        [(Some("z"), None, None), (None, Some("z = 1"), None), (None, None, Some("z"))]
    {
        let spec = ReadSpec {
            columns: columns.map(|name| vec![name.to_owned()]),
            filter: condition.map(|text| Filter::parse(text).unwrap()),
            order: order
                .map(|name| OrderBy { column: name.to_owned(), direction: Direction::Ascending })
                .into_iter()
                .collect(),
            ..ReadSpec::preview(node("by_number"))
        };
        assert_eq!(source.plan(&ctx, spec).await.unwrap_err().kind, ErrorKind::Invalid);
    }
}

fn sampled(name: &str, size: SampleSize, method: SampleMethod, seed: u64) -> ReadSpec {
    ReadSpec {
        sample: Some(Sample { size, method }),
        bound: Bound::default(),
        seed,
        ..ReadSpec::preview(node(name))
    }
}

#[tokio::test]
async fn samples_are_of_the_asked_size_without_doubles_and_the_seed_repeats_them() {
    let lab = Lab::new(
        "CREATE TABLE big(id INTEGER PRIMARY KEY, key TEXT, value REAL);
         WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 20000)
             INSERT INTO big SELECT i * 3, 'k' || i, i / 2.0 FROM c;
         CREATE TABLE keyed(k TEXT PRIMARY KEY) WITHOUT ROWID; INSERT INTO keyed SELECT key FROM big LIMIT 3000;
         CREATE VIEW half AS SELECT key, value FROM big WHERE id % 2 = 0;",
    )
    .await;
    let source = lab.open().await;
    use SampleMethod::{Auto, Block, Head, Keyset, Random, Row};
    for (name, methods) in [
        ("big", &[Auto, Block, Head, Keyset, Row, Random][..]),
        ("keyed", &[Auto, Row, Random, Block]),
        ("half", &[Auto, Random]),
    ] {
        for method in methods {
            let size = SampleSize::Rows(500);
            let (report, sink) = read(&*source, sampled(name, size, *method, 1)).await;
            report.end.unwrap();
            let rows = rows_of(&sink);
            let keys =
                rows.iter().map(|row| format!("{:?}", row[0])).collect::<std::collections::BTreeSet<_>>();
            assert_eq!(keys.len(), rows.len(), "{name} {method:?}: no row twice");
            let least = if *method == Keyset {
                480
            } else if *method == Auto || *method == Block {
                450
            } else {
                500
            };
            assert!((least..=500).contains(&rows.len()), "{name} {method:?}: {} rows", rows.len());
            let (_, again) = read(&*source, sampled(name, size, *method, 1)).await;
            assert_eq!(rows_of(&again), rows, "{name} {method:?}: the seed repeats the sample");
            let (_, other) = read(&*source, sampled(name, size, *method, 2)).await;
            assert_eq!(rows_of(&other) == rows, *method == Head, "{name} {method:?}");
        }
    }
    let (_, sink) = read(&*source, sampled("big", SampleSize::Percent(5.0), Row, 3)).await;
    assert!((800..1200).contains(&sink.row_count()), "{} of about 1000", sink.row_count());
    let (_, sink) = read(&*source, sampled("big", SampleSize::Percent(5.0), Auto, 3)).await;
    assert!((800..=1000).contains(&sink.row_count()), "{} of about 1000", sink.row_count());
    let (_, sink) = read(&*source, sampled("keyed", SampleSize::Rows(9000), Auto, 3)).await;
    assert_eq!(sink.row_count(), 3000);
}

#[tokio::test]
async fn queries_run_as_written_and_stop_at_the_bound() {
    let lab = Lab::new(PAGED).await;
    let source = lab.open().await;
    let query = |text: &str, rows: Option<u64>| ReadSpec {
        query: Some(text.to_owned()),
        bound: Bound { rows, ..Bound::default() },
        ..ReadSpec::preview(headwater::model::node::NodePath::root())
    };
    let (report, sink) =
        read(&*source, query("SELECT count(*) AS n, avg(id) AS mean, a FROM alias", Some(10))).await;
    assert_eq!(report.end.unwrap(), ReadEnd::Complete);
    assert_eq!(rows_of(&sink)[0][..2], [Cell::Int(97), Cell::Float(49.0)]);
    let (report, sink) = read(&*source, query("SELECT a FROM by_number -- all of it", Some(10))).await;
    assert_eq!((report.end.unwrap(), sink.row_count()), (ReadEnd::Bounded, 10));
    assert!(report.continuation.is_none(), "a query has no key to go on by");
    // A recursion without an end is stopped by its bound.
    let endless = "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c) SELECT i FROM c";
    let (report, sink) = read(&*source, query(endless, Some(2_500))).await;
    assert_eq!((report.end.unwrap(), sink.row_count()), (ReadEnd::Bounded, 2_500));
    let spec = ReadSpec { bound: Bound { seconds: Some(0.05), ..Bound::default() }, ..query(endless, None) };
    let (report, _) = read(&*source, spec).await;
    assert_eq!(report.end.unwrap(), ReadEnd::Bounded, "time bounds hold inside SQLite");
    let silent =
        "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c) SELECT i FROM c WHERE i < 0";
    let spec = ReadSpec { bound: Bound { seconds: Some(0.05), ..Bound::default() }, ..query(silent, None) };
    let (report, sink) = read(&*source, spec).await;
    assert_eq!((report.end.unwrap(), sink.row_count()), (ReadEnd::Bounded, 0));
}

#[tokio::test]
async fn what_is_no_read_is_refused_before_anything_is_sent() {
    let lab = Lab::new(PAGED).await;
    let source = lab.open().await;
    for text in [
        "DELETE FROM alias",
        "SELECT 1; SELECT 2",
        "ATTACH 'x.db' AS x",
        "PRAGMA writable_schema = 1",
        "SELECT load_extension('x')",
        "SELECT no_such_function(1)",
        "",
    ] {
        let (ctx, witness) = context();
        let spec = ReadSpec { query: Some(text.to_owned()), ..ReadSpec::preview(node("alias")) };
        let plan = source.plan(&ctx, spec).await.unwrap();
        assert!(!plan.gate.as_ref().unwrap().is_read(), "{text}");
        let estimate = source.estimate(&ctx, &plan).await.unwrap();
        let policy = headwater::connector::Policy::new(Default::default(), guard::SessionBudget::default());
        let given = guard::Override { reason: "please".into(), node_name: Some("query".into()) };
        assert!(policy.approve_anyway(plan, estimate, &given).is_err(), "{text}");
        assert_eq!(witness.sent(), Vec::<String>::new(), "{text}");
    }
    let (ctx, _) = context();
    for (text, kind) in
        [("SELECT nope FROM alias", ErrorKind::Invalid), ("SELECT a FROM nowhere", ErrorKind::Invalid)]
    {
        let spec = ReadSpec { query: Some(text.to_owned()), ..ReadSpec::preview(node("alias")) };
        assert_eq!(source.plan(&ctx, spec).await.unwrap_err().kind, kind, "{text}");
    }
}

#[tokio::test]
async fn cancelling_stops_sqlite_itself_and_keeps_the_rows_that_came() {
    let lab = Lab::new(PAGED).await;
    let source = lab.open().await;
    for text in [
        "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c) SELECT i FROM c",
        "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c) SELECT i FROM c WHERE i < 3000 OR i < 0",
    ] {
        let (ctx, _) = context();
        let spec = ReadSpec {
            query: Some(text.to_owned()),
            bound: Bound::default(),
            ..ReadSpec::preview(headwater::model::node::NodePath::root())
        };
        let plan = source.plan(&ctx, spec).await.unwrap();
        let permit = permit(&*source, plan).await;
        let mut watch = ctx.watch_progress();
        let (task_ctx, task_source) = (ctx.clone(), std::sync::Arc::clone(&source));
        let task = tokio::spawn(async move {
            let mut sink = Collected::default();
            let report = guard::run(&task_ctx, &*task_source, permit, &mut sink).await;
            (report, sink)
        });
        watch.wait_for(|progress| progress.done >= 1_000).await.unwrap();
        assert_eq!(ctx.cancel().await, CancelReport::StoppedOnServer);
        let (report, sink) = task.await.unwrap();
        assert_eq!(report.end.unwrap_err().kind, ErrorKind::Cancelled);
        assert!(sink.row_count() >= 1_000);
        // The source goes on working.
        let (report, _) = read(&*source, ReadSpec::preview(node("alias"))).await;
        report.end.unwrap();
    }
}

#[tokio::test]
async fn rows_larger_than_a_batch_come_in_batches_and_big_values_whole() {
    let lab = Lab::new(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, body TEXT, data BLOB);
         WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 2500)
             INSERT INTO t(body) SELECT 'x' FROM c;
         INSERT INTO t VALUES (3000, printf('%.*c', 3000000, 'y'), zeroblob(2000000));",
    )
    .await;
    let source = lab.open().await;
    let (_, sink) =
        read(&*source, ReadSpec { bound: Bound::default(), ..ReadSpec::preview(node("t")) }).await;
    assert_eq!(sink.row_count(), 2_501);
    assert!(sink.batches.iter().all(|batch| batch.row_count() <= 1_000));
    let last = rows_of(&sink).pop().unwrap();
    assert_eq!(
        (last[1].clone(), last[2].clone()),
        (text(&"y".repeat(3_000_000)), Cell::Bytes(vec![0; 2_000_000]))
    );
}

#[tokio::test]
async fn what_was_counted_is_in_the_meter_by_sqlites_own_counters() {
    use headwater::model::load::Dim;
    let lab = Lab::new(PAGED).await;
    let source = lab.open().await;
    let (report, _) = read(&*source, ReadSpec::preview(node("by_text"))).await;
    for dim in
        [Dim::BlocksTouched, Dim::BytesServer, Dim::Cpu, Dim::RoundTrips, Dim::RowsReturned, Dim::Duration]
    {
        assert!(report.actual.value(dim).is_some(), "{dim:?}");
    }
    assert!(report.actual.value(Dim::BlocksTouched).unwrap() >= 1.0);
    assert_eq!(report.actual.value(Dim::RowsReturned), Some(97.0));
    assert_eq!(report.actual.value(Dim::RoundTrips), Some(1.0));
}
