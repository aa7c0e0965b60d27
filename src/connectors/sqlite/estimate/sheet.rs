//! The load sheet: intervals of every dimension, side effects, caps and assumptions.

use super::Work;
use super::scale::Span3;
use crate::connectors::sqlite::catalog::FileFacts;
use crate::connectors::sqlite::link::{CACHE_BYTES, SECONDS_A_STEP};
use crate::connectors::sqlite::open::OpenMode;
use crate::model::load::{
    Cap, Capacity, Dim, Effect, EnforcedBy, Intrusiveness, LoadEstimate, Provenance, Quantity,
};
use crate::model::read::ReadPlan;

/// The sheet of a statement that is not sent.
pub(super) fn refused(capacity: Capacity) -> LoadEstimate {
    let mut estimate = LoadEstimate::over(capacity);
    // What is not understood as a read has no known load, least of all none.
    estimate.not_estimable.push(Dim::RowsReturned);
    estimate.assumptions.push("nothing is sent: the gate did not let the query through".to_owned());
    estimate
}

/// The sheet of some work.
pub(super) fn fill(
    capacity: Capacity,
    work: &Work,
    plan: &ReadPlan,
    facts: &FileFacts,
    mode: OpenMode,
) -> LoadEstimate {
    let mut estimate = LoadEstimate::over(capacity);
    let page = facts.page_bytes as f64;
    let mut add = |dim: Dim, span: Span3| {
        let between =
            Quantity::between(dim, span.lo, span.mid, span.hi, work.provenance.clone(), work.source.clone());
        estimate.set(between);
    };
    let rows = match plan.bounds.rows {
        Some(limit) => work.rows.at_most(limit as f64),
        None => work.rows,
    };
    add(Dim::RowsReturned, rows);
    add(Dim::RowsExamined, work.examined);
    add(Dim::BlocksTouched, work.touched);
    add(Dim::BlocksDistinct, work.distinct);
    // What the page cache holds is not read from the file again; what does not fit may be.
    let is_cached = work.distinct.hi * page <= CACHE_BYTES;
    let most_pages = if is_cached { work.distinct.hi } else { work.touched.hi };
    let bytes = Span3 { lo: 0.0, mid: work.distinct.mid * page, hi: most_pages * page + 16.0 };
    add(Dim::BytesServer, bytes);
    add(Dim::CacheDisplaced, Span3 { lo: 0.0, ..work.distinct.times(page) });
    if work.sorts {
        add(
            Dim::TempBytes,
            Span3 { lo: 0.0, mid: work.distinct.mid * page * 0.5, hi: work.distinct.hi * page * 2.0 },
        );
    }
    let cpu = work.steps.times(SECONDS_A_STEP);
    let guessed = Provenance::Guessed { rule: "60_ns_a_step".to_owned() };
    let source = "steps of SQLite's virtual machine, 60 ns each".to_owned();
    estimate.set(Quantity::between(
        Dim::Cpu,
        cpu.lo / 4.0,
        cpu.mid,
        cpu.hi * 4.0,
        guessed.clone(),
        source.clone(),
    ));
    let disk = estimate.capacity.disk_bytes_per_sec.max(1.0);
    estimate.set(Quantity::between(
        Dim::Duration,
        cpu.lo / 4.0,
        cpu.mid + bytes.mid / disk,
        cpu.hi * 4.0 + bytes.hi / disk + 0.05,
        guessed,
        format!("{source}, and bytes over the declared storage rate"),
    ));
    estimate.set(Quantity::exact(Dim::RoundTrips, plan.steps.len() as f64, "statements of the plan"));
    if !work.is_bounded {
        estimate.not_estimable.extend([Dim::RowsReturned, Dim::RowsExamined, Dim::BlocksTouched]);
        estimate.quantities.retain(|quantity| {
            !matches!(quantity.dim, Dim::RowsReturned | Dim::RowsExamined | Dim::BlocksTouched)
        });
    }
    estimate.effects = effects(mode);
    estimate.caps = caps(plan);
    estimate.assumptions = assumptions(work, facts);
    estimate
}

fn effects(mode: OpenMode) -> Vec<Effect> {
    let mut effects = vec![Effect {
        intrusiveness: Intrusiveness::I1,
        what: "pages of the file pass through the system's file cache".to_owned(),
        who_notices: "other programs on this machine, if memory is short".to_owned(),
        reversible: "yes, by itself".to_owned(),
        cleanup: "none needed".to_owned(),
    }];
    let held = match mode {
        OpenMode::Rollback => Some((
            "a shared lock on the file while the statement runs",
            "a writer: it waits, or gets SQLITE_BUSY, when it commits",
            "the lock ends with the statement",
        )),
        OpenMode::Wal | OpenMode::WalCreating => Some((
            "a place in the write-ahead log while the statement runs",
            "a checkpoint: it cannot pass that place, and the log grows until the statement ends",
            "it ends with the statement",
        )),
        OpenMode::Immutable => None,
    };
    if let Some((what, who_notices, reversible)) = held {
        effects.push(Effect {
            intrusiveness: Intrusiveness::I2,
            what: what.to_owned(),
            who_notices: who_notices.to_owned(),
            reversible: reversible.to_owned(),
            cleanup: "the statement is stopped inside SQLite at its bounds and on cancel".to_owned(),
        });
    }
    if mode == OpenMode::WalCreating {
        effects.push(Effect {
            intrusiveness: Intrusiveness::I3,
            what: "SQLite creates a -shm file beside the database".to_owned(),
            who_notices: "whoever lists the folder".to_owned(),
            reversible: "the next program that opens the database for writing takes it over".to_owned(),
            cleanup: "none: it may be in use by others".to_owned(),
        });
    }
    effects
}

fn caps(plan: &ReadPlan) -> Vec<Cap> {
    let has_query = plan.spec.query.is_some();
    let cap = |dim, limit: Option<f64>, enforced_by| limit.map(|limit| Cap { dim, limit, enforced_by });
    let rows = if has_query { EnforcedBy::Client } else { EnforcedBy::Both };
    [
        cap(Dim::RowsReturned, plan.bounds.rows.map(|rows| rows as f64), rows),
        // The progress handler stops the work inside SQLite, not only our listening.
        cap(Dim::BytesServer, plan.bounds.bytes.map(|bytes| bytes as f64), EnforcedBy::Both),
        cap(Dim::Duration, plan.bounds.seconds, EnforcedBy::Both),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn assumptions(work: &Work, facts: &FileFacts) -> Vec<String> {
    let mut said = vec![
        "the file is read in place: bytes to us do not apply".to_owned(),
        format!("a page is {} bytes; pages SQLite holds in its cache are not read again", facts.page_bytes),
        "a step of SQLite's virtual machine lasts 60 ns".to_owned(),
    ];
    if facts.has_statistics {
        said.push("statistics of ANALYZE carry no date: they may be old".to_owned());
    }
    if !work.is_bounded {
        said.push("a recursion or an unknown plan has no upper end; only the bounds stop it".to_owned());
    }
    said
}
