//! What is sent, when it stops, and what is left behind.

use async_trait::async_trait;

use super::super::bench::{Bench, Check, ensure, same_rows};
use super::super::log::StatementLog;
use crate::connector::guard;
use crate::job::sink::Collected;
use crate::job::{BatchSink, CallCtx, CancelReport, Flow};
use crate::model::ability::CancelReach;
use crate::model::batch::Batch;
use crate::model::lost::Findings;
use crate::model::node::PageRequest;
use crate::model::read::{Bound, ReadSpec};
use crate::model::{ErrorKind, Result as ModelResult};

pub(super) async fn only_steps(bench: &Bench) -> Check {
    let live = bench.connect().await?;
    let preview = ReadSpec::preview(bench.subject.readable.clone());
    for spec in [preview, bench.all()] {
        let answer = live.read(spec).await.map_err(|error| error.to_string())?;
        answer.end()?;
        ensure!(!answer.sent.is_empty(), "rows came and nothing was written down as sent");
        for logged in &answer.sent {
            let planned = answer.plan.steps.iter().any(|step| step.covers(&logged.entry, &logged.text));
            ensure!(planned, "{} was sent and is no step of the plan: {}", logged.entry, logged.text);
            ensure!(logged.end.is_some(), "the end of {} was never told", logged.entry);
        }
    }
    Ok(())
}

/// Keeps rows and has the call cancelled by somebody else when the first come.
struct CancelsAtFirst {
    ctx: CallCtx,
    report: Option<tokio::task::JoinHandle<CancelReport>>,
    got: Collected,
}

#[async_trait]
impl BatchSink for CancelsAtFirst {
    async fn batch(&mut self, batch: Batch) -> ModelResult<Flow> {
        if self.report.is_none() {
            let ctx = self.ctx.clone();
            self.report = Some(tokio::spawn(async move { ctx.cancel().await }));
            self.ctx.cancelled().await;
        }
        self.got.batch(batch).await
    }

    fn findings(&mut self, findings: Findings) {
        self.got.findings(findings);
    }
}

pub(super) async fn cancelled(bench: &Bench) -> Check {
    let live = bench.connect().await?;
    let node = bench.subject.big.as_ref().unwrap_or(&bench.subject.readable);
    let spec = ReadSpec { bound: Bound::default(), ..ReadSpec::preview(node.clone()) };

    // Before it begins: nothing is sent and nothing comes.
    let (permit, ..) = live.permit(spec.clone()).await.map_err(|error| error.to_string())?;
    let (ctx, before) = (live.ctx(), live.log.count());
    ctx.cancel().await;
    let mut got = Collected::default();
    let report = guard::run(&ctx, &*live.source, permit, &mut got).await;
    let kind = report.end.as_ref().err().map(|error| error.kind);
    ensure!(kind == Some(ErrorKind::Cancelled), "a read cancelled before it began ends {:?}", report.end);
    ensure!(
        got.row_count() == 0 && live.log.count() == before,
        "a read cancelled before it began sends or reads"
    );
    if bench.subject.big.is_none() {
        return Ok(());
    }

    // In the middle.
    let (permit, ..) = live.permit(spec).await.map_err(|error| error.to_string())?;
    let before = live.log.count();
    let ctx = live.ctx();
    let mut sink = CancelsAtFirst { ctx: ctx.clone(), report: None, got: Collected::default() };
    let report = guard::run(&ctx, &*live.source, permit, &mut sink).await;
    let kind = report.end.as_ref().err().map(|error| error.kind);
    ensure!(kind == Some(ErrorKind::Cancelled), "a read cancelled at its first rows ends {:?}", report.end);
    let kept = sink.got.row_count() as u64;
    ensure!(kept > 0 && kept == report.rows, "{kept} rows are kept of {} told", report.rows);
    let Some(reached) = sink.report else { return Err("no rows came before the end".to_owned()) };
    let reached = reached.await.map_err(|error| error.to_string())?;
    let expected = match live.source.abilities().cancel {
        CancelReach::Confirmed => CancelReport::StoppedOnServer,
        CancelReach::Asked => CancelReport::AskedUnconfirmed,
        CancelReach::LocalOnly => CancelReport::OnlyWeStopped,
    };
    ensure!(reached >= expected, "the abilities say {expected:?}, the cancel says {reached:?}");
    let open = live.log.since(before).into_iter().find(|logged| logged.end.is_none());
    ensure!(open.is_none(), "a statement is left open after a cancel: {open:?}");

    // The source still works, and what was kept is the beginning of what is there.
    let spec = ReadSpec { bound: Bound::rows(kept.min(100)), ..ReadSpec::preview(node.clone()) };
    let again = live.read(spec).await.map_err(|error| format!("after a cancel: {error}"))?;
    again.end()?;
    let first = again.rows();
    let rows = sink.got.batches.iter().flat_map(|batch| {
        (0..batch.row_count()).map(|row| {
            (0..batch.schema.fields.len()).map(|column| batch.cell(row, column)).collect::<Vec<_>>()
        })
    });
    same_rows(&rows.take(first.len()).collect::<Vec<_>>(), &first).map_err(|why| format!("rows kept: {why}"))
}

pub(super) async fn refused_by_the_recorder(bench: &Bench) -> Check {
    let subject = &bench.subject;
    let refusing = StatementLog::default();
    refusing.refuse();
    let ctx = super::super::bench::context(&refusing);
    match subject.connector.connect(&ctx, &subject.connection, &(subject.credentials)()).await {
        Ok(_) => {
            ensure!(refusing.refused() == 0, "it connects by what could not be written down");
        }
        Err(error) => {
            ensure!(error.attempted.contains(StatementLog::REFUSAL), "connecting hides why: {error}");
        }
    }

    let live = bench.connect().await?;
    let (permit, plan, _) = live.permit(bench.all()).await.map_err(|error| error.to_string())?;
    live.log.refuse();
    let mut got = Collected::default();
    let report = guard::run(&live.ctx(), &*live.source, permit, &mut got).await;
    let why = report.end.as_ref().err().map(ToString::to_string).unwrap_or_default();
    ensure!(why.contains(StatementLog::REFUSAL), "a read that can't be written down ends {:?}", report.end);
    ensure!(got.row_count() == 0, "{} rows came of what could not be written down", got.row_count());
    let ctx = live.ctx();
    let calls = [
        (
            "browsing",
            live.source
                .children(&ctx, &crate::model::node::NodePath::root(), &PageRequest::first())
                .await
                .err(),
        ),
        ("describing", live.source.describe(&ctx, &subject.readable).await.err()),
        ("planning", live.source.plan(&ctx, bench.all()).await.err()),
        ("estimating", live.source.estimate(&ctx, &plan).await.err()),
    ];
    // What is known already needs no sending; a call that fails must say that it could not be written down.
    for (doing, error) in calls {
        let hides = error.as_ref().is_some_and(|error| !error.attempted.contains(StatementLog::REFUSAL));
        ensure!(!hides, "{doing} hides why: {error:?}");
    }
    Ok(())
}

pub(super) async fn in_the_table(bench: &Bench) -> Check {
    let table = bench.subject.connector.commands();
    let sent = bench.everything_sent();
    ensure!(!sent.is_empty(), "nothing was ever written down");
    for logged in &sent {
        let Some(entry) = table.iter().find(|entry| entry.id == logged.entry) else {
            return Err(format!("{} is no entry: {}", logged.entry, logged.text));
        };
        ensure!(entry.matches(&logged.text), "{} does not match its entry: {}", logged.entry, logged.text);
    }
    Ok(())
}
