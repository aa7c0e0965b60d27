//! Estimates against SQLite's own counters: the interval holds the actual.

use std::fmt::Write as _;

use std::sync::Arc;

use async_trait::async_trait;
use headwater::connector::guard;
use headwater::job::{BatchSink, Flow, NoRecorder};
use headwater::model::Result;
use headwater::model::batch::Batch;
use headwater::model::filter::Filter;
use headwater::model::load::Dim;
use headwater::model::lost::Findings;
use headwater::model::node::NodePath;
use headwater::model::read::{
    Bound, Direction, OrderBy, ProfileLevel, ReadSpec, Sample, SampleMethod, SampleSize, Want,
};

use super::{Lab, context, node, permit_for, read_plan};

/// 50 000 events with a skewed key, a correlated one, a value that appears late, wide rows, gaps.
const DATA: &str = "
    CREATE TABLE events(id INTEGER PRIMARY KEY, user INTEGER, city TEXT, kind TEXT, at TEXT, amount REAL, note TEXT);
    WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 50000)
    INSERT INTO events SELECT i,
        1 + (i * 7919 % 100) * (i * 104729 % 100) * (i * 1299709 % 100) / 400,
        'city_' || ((1 + (i * 7919 % 100) * (i * 104729 % 100) / 40) % 30),
        CASE WHEN i % 10 < 4 THEN 'kind_1' WHEN i > 45000 THEN 'late' ELSE 'kind_' || (i * 31 % 500) END,
        datetime('2024-01-01', '+' || (i + i * 7919 % 60) || ' minutes'),
        (i * 7919 % 10000) / 100.0,
        CASE WHEN i % 3 = 0 THEN printf('%.*c', i * 13 % 160, 'n') END
    FROM c;
    CREATE INDEX events_user ON events(user);
    CREATE INDEX events_kind ON events(kind);
    CREATE INDEX events_at ON events(at);
    CREATE INDEX events_city_user ON events(city, user);
    CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT, country TEXT);
    INSERT INTO users SELECT DISTINCT user, 'user ' || user, 'country ' || (user % 7) FROM events;
    CREATE TABLE docs(id INTEGER PRIMARY KEY, title TEXT, body TEXT);
    INSERT INTO docs SELECT id, 'doc ' || id, printf('%.*c', id * 37 % 20000, 'd') FROM events WHERE id <= 400;
    CREATE TABLE gaps(id INTEGER PRIMARY KEY, v TEXT);
    INSERT INTO gaps SELECT id * 1000, city FROM events WHERE id <= 20000;
    DELETE FROM gaps WHERE id BETWEEN 4000000 AND 9000000;
    CREATE TABLE coded(code TEXT PRIMARY KEY, v INTEGER) WITHOUT ROWID;
    INSERT INTO coded SELECT printf('%08x', id * 2654435761 % 4294967296), user FROM events WHERE id <= 20000;
    CREATE VIEW busy AS SELECT user, count(*) AS n, max(at) AS last FROM events GROUP BY user;
    CREATE VIEW plain AS SELECT id, kind, amount FROM events;";

/// A lab with the data, built once for all tests.
async fn lab() -> Lab {
    static BYTES: tokio::sync::OnceCell<Vec<u8>> = tokio::sync::OnceCell::const_new();
    let bytes = BYTES.get_or_init(|| async { std::fs::read(Lab::new(DATA).await.path()).unwrap() }).await;
    let lab = Lab { folder: tempfile::tempdir().unwrap() };
    std::fs::write(lab.path(), bytes).unwrap();
    lab
}

fn rows(name: &str) -> ReadSpec {
    ReadSpec::preview(node(name))
}

fn all(name: &str) -> ReadSpec {
    ReadSpec { bound: Bound::default(), ..rows(name) }
}

fn only(name: &str, condition: &str, limit: Option<u64>) -> ReadSpec {
    ReadSpec {
        filter: Some(Filter::parse(condition).unwrap()),
        bound: Bound { rows: limit, ..Bound::default() },
        ..rows(name)
    }
}

fn ordered(name: &str, column: &str, direction: Direction, limit: u64) -> ReadSpec {
    ReadSpec {
        order: vec![OrderBy { column: column.to_owned(), direction }],
        bound: Bound::rows(limit),
        ..rows(name)
    }
}

fn sampled(name: &str, size: u64, method: SampleMethod) -> ReadSpec {
    ReadSpec { sample: Some(Sample { size: SampleSize::Rows(size), method }), ..all(name) }
}

fn query(text: &str, limit: Option<u64>) -> ReadSpec {
    ReadSpec {
        query: Some(text.to_owned()),
        bound: Bound { rows: limit, ..Bound::default() },
        ..ReadSpec::preview(NodePath::root())
    }
}

/// The reads a user does, of every kind.
fn reads() -> Vec<(String, ReadSpec)> {
    let mut list: Vec<(String, ReadSpec)> = Vec::new();
    for name in ["events", "users", "docs", "gaps", "coded", "busy", "plain"] {
        list.push((format!("preview {name}"), rows(name)));
        list.push((format!("1000 of {name}"), ReadSpec { bound: Bound::rows(1_000), ..rows(name) }));
        list.push((format!("all of {name}"), all(name)));
    }
    for (name, condition) in [
        ("events", "kind = 'kind_1'"),
        ("events", "kind = 'kind_7'"),
        ("events", "kind = 'late'"),
        ("events", "kind = 'nowhere'"),
        ("events", "user = 1"),
        ("events", "user = 700"),
        ("events", "user > 2000"),
        ("events", "city = 'city_1' AND user = 1"),
        ("events", "city = 'city_3'"),
        ("events", "city = 'city_3' AND kind = 'kind_1'"),
        ("events", "amount > 99"),
        ("events", "amount < 1 AND kind = 'kind_1'"),
        ("events", "note LIKE '%nnnnnnnnnn'"),
        ("events", "note IS NULL"),
        ("events", "at >= '2024-02-01' AND at < '2024-02-02'"),
        ("events", "at >= '2024-02-04'"),
        ("events", "id BETWEEN 1000 AND 1100"),
        ("events", "id = 4242"),
        ("docs", "title = 'doc 7'"),
        ("gaps", "id > 15000000"),
        ("gaps", "v = 'city_1'"),
        ("coded", "code > 'f'"),
        ("coded", "v = 1"),
        ("busy", "n > 100"),
    ] {
        list.push((format!("{name} where {condition}"), only(name, condition, None)));
        list.push((format!("200 {name} where {condition}"), only(name, condition, Some(200))));
    }
    for (column, direction) in [
        ("at", Direction::Descending),
        ("user", Direction::Ascending),
        ("amount", Direction::Descending),
        ("note", Direction::Ascending),
    ] {
        list.push((format!("200 events by {column}"), ordered("events", column, direction, 200)));
    }
    use SampleMethod::{Auto, Keyset, Random, Row};
    for (name, size, method) in [
        ("events", 500, Auto),
        ("events", 5_000, Auto),
        ("events", 300, Keyset),
        ("events", 500, Row),
        ("events", 500, Random),
        ("gaps", 500, Auto),
        ("coded", 500, Auto),
        ("docs", 100, Auto),
    ] {
        list.push((format!("{size} of {name} by {method:?}"), sampled(name, size, method)));
    }
    for (text, limit) in [
        ("SELECT count(*) FROM events", None),
        ("SELECT kind, count(*) FROM events GROUP BY kind", None),
        ("SELECT city, sum(amount) FROM events GROUP BY city ORDER BY 2 DESC", None),
        ("SELECT e.id, u.name FROM events e JOIN users u ON u.id = e.user WHERE e.kind = 'kind_7'", None),
        ("SELECT e.id, u.name FROM events AS e JOIN users AS u ON u.id = e.user", Some(500)),
        ("SELECT u.name, count(*) FROM users u JOIN events e ON e.user = u.id GROUP BY u.id", None),
        ("SELECT DISTINCT city FROM events", None),
        ("SELECT * FROM events WHERE user IN (SELECT id FROM users WHERE country = 'country 3')", Some(300)),
        ("SELECT max(id) FROM events", None),
        ("SELECT name, (SELECT count(*) FROM events WHERE user = users.id) FROM users", Some(100)),
        ("SELECT * FROM events ORDER BY random() LIMIT 10", None),
        ("SELECT body FROM docs ORDER BY id DESC", Some(50)),
    ] {
        list.push((text.to_owned(), query(text, limit)));
    }
    list
}

struct Score {
    reads: usize,
    touched: usize,
    rows: usize,
    bytes: usize,
    widths: Vec<f64>,
    report: String,
}

/// Takes rows and forgets them.
struct Discard;

#[async_trait]
impl BatchSink for Discard {
    async fn batch(&mut self, _batch: Batch) -> Result<Flow> {
        Ok(Flow::More)
    }

    fn findings(&mut self, _findings: Findings) {}
}

async fn score(lab: &Lab) -> Score {
    let source = lab.open().await;
    let mut score =
        Score { reads: 0, touched: 0, rows: 0, bytes: 0, widths: Vec::new(), report: String::new() };
    for (name, spec) in reads() {
        let (ctx, _) = context();
        let plan = source.plan(&ctx, spec).await.unwrap();
        let estimate = source.estimate(&ctx, &plan).await.unwrap();
        // Read through a source of its own: its cache is cold.
        let cold = lab.open().await;
        cold.plan(&context().0, plan.spec.clone()).await.unwrap();
        let permit = permit_for(plan, estimate.clone());
        let report = guard::run(&ctx.child(Arc::new(NoRecorder)), &*cold, permit, &mut Discard).await;
        report.end.unwrap();
        score.reads += 1;
        for dim in [Dim::BlocksTouched, Dim::RowsReturned, Dim::BytesServer] {
            let quantity = estimate.quantity(dim).unwrap();
            let actual = report.actual.value(dim).unwrap();
            let holds = quantity.lo <= actual && actual <= quantity.hi;
            if dim == Dim::BlocksTouched {
                score.widths.push(quantity.hi.max(1.0) / quantity.lo.max(1.0));
                score.touched += usize::from(holds);
            } else if dim == Dim::RowsReturned {
                score.rows += usize::from(holds);
            } else {
                score.bytes += usize::from(holds);
            }
            writeln!(
                score.report,
                "{} {dim:?} {:.0} in [{:.0}, {:.0}, {:.0}] {name} ({})",
                if holds { "  " } else { "NO" },
                actual,
                quantity.lo,
                quantity.mid,
                quantity.hi,
                quantity.source
            )
            .unwrap();
        }
    }
    score.widths.sort_by(f64::total_cmp);
    score
}

#[tokio::test]
async fn intervals_hold_the_actual_with_and_without_statistics() {
    for statistics in ["none", "analyzed", "stale"] {
        let lab = lab().await;
        match statistics {
            "analyzed" => lab.write("ANALYZE").await,
            // What ANALYZE saw was a tenth of what is there now.
            "stale" => {
                lab.write(
                    "ANALYZE; UPDATE sqlite_stat1 SET stat = replace(stat, '50000 ', '5000 '); DELETE FROM sqlite_stat4;",
                )
                .await;
            }
            _ => {}
        }
        let score = score(&lab).await;
        let median = score.widths[score.widths.len() / 2];
        let share = |count: usize| count as f64 / score.reads as f64;
        let summary = format!(
            "{statistics}: {} reads, pages held {:.3}, rows held {:.3}, bytes held {:.3}, median hi/lo {median:.2}",
            score.reads,
            share(score.touched),
            share(score.rows),
            share(score.bytes)
        );
        if std::env::var_os("HEADWATER_SCORES").is_some() {
            eprintln!("{summary}\n{}", score.report);
        }
        assert!(score.reads >= 60, "{summary}");
        assert!(share(score.touched) >= 0.9, "{summary}\n{}", score.report);
        assert!(share(score.rows) >= 0.9, "{summary}\n{}", score.report);
        assert!(share(score.bytes) >= 0.9, "{summary}\n{}", score.report);
        assert!(median <= 4.0, "{summary}\n{}", score.report);
    }
}

#[tokio::test]
async fn a_preview_of_a_large_table_reads_a_few_pages_and_sends_little() {
    let lab = lab().await;
    let source = lab.open().await;
    let (ctx, witness) = context();
    let plan = source.plan(&ctx, rows("events")).await.unwrap();
    let estimate = source.estimate(&ctx, &plan).await.unwrap();
    let before = ctx.meter().actual().value(Dim::BytesServer).unwrap();
    let bytes = estimate.quantity(Dim::BytesServer).unwrap();
    assert!(bytes.hi < 4096.0 * 250.0, "{bytes:?}");
    let (report, _) = read_plan(&*source, plan).await;
    let pages = (before + report.actual.value(Dim::BytesServer).unwrap()) / 4096.0;
    assert!(pages <= 12.0, "{pages} pages with everything that planning took");
    assert_eq!(witness.entries().last().map(String::as_str), Some("key_range"), "no probe for a preview");
}

#[tokio::test]
async fn estimating_never_walks_the_file_and_sends_at_most_one_probe() {
    let lab = lab().await;
    for (name, spec) in reads().into_iter().step_by(3) {
        let source = lab.open().await;
        let (ctx, witness) = context();
        let plan = source.plan(&ctx, spec).await.unwrap();
        let planning = witness.entries().len();
        source.estimate(&ctx, &plan).await.unwrap();
        let pages = ctx.meter().actual().value(Dim::BytesServer).unwrap_or(0.0) / 4096.0;
        assert!(pages < 420.0, "{name}: {pages} pages");
        let probes = witness.entries()[planning..].iter().filter(|entry| *entry == "probe").count();
        assert!(probes <= 1, "{name}: {probes} probes");
    }
}

#[tokio::test]
async fn a_catalogue_profile_reads_no_row() {
    let lab = lab().await;
    lab.write("ANALYZE").await;
    let source = lab.open().await;
    let (ctx, _) = context();
    let spec = ReadSpec { want: Want::Profile(ProfileLevel::Catalog), ..all("events") };
    let plan = source.plan(&ctx, spec).await.unwrap();
    assert!(plan.steps.iter().all(|step| step.entry.as_str() == "statistics"));
    let (report, sink) = read_plan(&*source, plan).await;
    report.end.unwrap();
    let known = sink.catalog.unwrap();
    assert_eq!(known.rows, Some(50_000));
    assert!(known.columns.iter().any(|column| column.distinct.is_some()));
    assert!(report.actual.value(Dim::BlocksTouched).unwrap_or(0.0) <= 40.0);
}

#[tokio::test]
async fn an_endless_recursion_has_no_upper_end() {
    let lab = lab().await;
    let source = lab.open().await;
    let (ctx, _) = context();
    let endless =
        "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c) SELECT i FROM c WHERE i < 0";
    let plan = source.plan(&ctx, query(endless, None)).await.unwrap();
    let estimate = source.estimate(&ctx, &plan).await.unwrap();
    assert!(estimate.not_estimable.contains(&Dim::RowsReturned));
}
