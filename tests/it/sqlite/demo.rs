//! The demo's database: its planted troubles come through as they are, and its small declared machine decides.

use std::path::PathBuf;

use headwater::connector::{Connector as _, Credentials, Policy, guard};
use headwater::connectors::sqlite::Sqlite;
use headwater::model::cell::Cell;
use headwater::model::connection::{DeclaredCapacity, Tier};
use headwater::model::load::Verdict;
use headwater::model::read::{Bound, ReadSpec, Sample, SampleMethod, SampleSize};

use super::{connection, context, node, open, read, rows_of};

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("assets/demo/flights.db")
}

#[tokio::test]
async fn planted_troubles_come_through_as_they_are() {
    let source = open(&path()).await.unwrap();
    let spec = ReadSpec {
        columns: Some(["source_event_id", "dep_delay", "revenue_usd"].map(str::to_owned).to_vec()),
        bound: Bound::default(),
        ..ReadSpec::preview(node("flights"))
    };
    let (report, sink) = read(&*source, spec).await;
    report.end.unwrap();
    let rows = rows_of(&sink);
    assert_eq!(rows.len(), 7_686);
    let above = rows.iter().filter(|row| matches!(row[0], Cell::Int(id) if id > 1 << 53)).count();
    assert_eq!(above, 7_686, "no id passes through a float");
    let count = |is: fn(&Cell) -> bool| rows.iter().filter(|row| is(&row[1])).count();
    assert_eq!(count(|cell| matches!(cell, Cell::Int(_))), 4_871);
    assert_eq!(count(|cell| matches!(cell, Cell::Text(_))), 2_311);
    assert_eq!(count(|cell| *cell == Cell::Null), 504);
    let money = rows.iter().filter(|row| matches!(&row[2], Cell::Text(text) if text.contains('.'))).count();
    assert_eq!(money, 7_182);

    let (report, sink) =
        read(&*source, ReadSpec { bound: Bound::default(), ..ReadSpec::preview(node("gate_messages")) })
            .await;
    report.end.unwrap();
    let schema = &sink.batches[0].schema;
    let body = schema.index_of("body").unwrap();
    let bytes = rows_of(&sink)
        .iter()
        .map(|row| match &row[body] {
            Cell::Bytes(bytes) => bytes.len(),
            other => panic!("{other:?}"),
        })
        .sum::<usize>();
    assert_eq!(bytes, 25_206);
}

#[tokio::test]
async fn on_a_small_declared_machine_the_preview_is_light_the_sample_noticeable_and_the_scan_refused() {
    let mut small = connection(&path());
    small.capacity = Some(DeclaredCapacity {
        disk_bytes_per_sec: 98_304.0,
        link_bytes_per_sec: 262_144.0,
        cores: 1.0,
        cache_bytes: 8_388_608.0,
        requests_per_sec: 100.0,
        note: "a busy legacy box".to_owned(),
    });
    let budget = Bound { rows: Some(5_000), bytes: Some(655_360), seconds: Some(20.0), requests: Some(200) };
    let policy = Policy::new(Tier::Local, guard::SessionBudget::new(budget));
    let sample = Sample { size: SampleSize::Rows(2_000), method: SampleMethod::Auto };
    for (spec, verdict) in [
        (ReadSpec::preview(node("flights")), Verdict::Light),
        (
            ReadSpec { sample: Some(sample), bound: Bound::default(), ..ReadSpec::preview(node("flights")) },
            Verdict::Noticeable,
        ),
        (ReadSpec { bound: Bound::default(), ..ReadSpec::preview(node("flights")) }, Verdict::Dangerous),
    ] {
        let (ctx, _) = context();
        let source = Sqlite.connect(&ctx, &small, &Credentials::none()).await.unwrap();
        let plan = source.plan(&ctx, spec).await.unwrap();
        let mut estimate = source.estimate(&ctx, &plan).await.unwrap();
        policy.weigh(&plan, &mut estimate);
        assert_eq!(estimate.verdict, verdict, "{:?}", estimate.reasons);
    }
}
