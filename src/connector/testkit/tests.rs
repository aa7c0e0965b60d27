//! The suite passes a good source, and each fault fails a check.

use std::time::Duration;

use super::checks::CHECKS;
use super::*;
use crate::connector::Credentials;
use crate::model::ErrorKind;
use crate::model::ability::{Pushdown, Support};
use crate::model::connection::Connection;
use crate::model::node::NodePath;

fn good() -> Fake {
    let (typed, invoice) =
        (NodePath::of(["types", "every 100% / type"]), |name: &str| NodePath::of(["shop", name]));
    Fake::default()
        .table(typed, every_type())
        .table(invoice("invoices"), invoices(61))
        .table(invoice("many"), invoices(20_000))
        .table(invoice("few"), invoices(1))
}

fn subject(fake: &Fake) -> Subject {
    let (schema, rows) = every_type();
    let columns = schema.fields.into_iter().map(|field| (field.name, field.logical)).collect();
    let watched = fake.clone();
    let connection = |name: &str| Connection::new(name, "fake");
    Subject {
        connector: fake.connector(),
        connection: connection("good").value("host", "here"),
        credentials: Credentials::none,
        readable: NodePath::of(["shop", "invoices"]),
        rows: 61,
        big: Some(NodePath::of(["shop", "many"])),
        absent: NodePath::of(["shop", "invoices "]),
        known: vec![Known { node: NodePath::of(["types", "every 100% / type"]), columns, rows }],
        failing: vec![
            (connection("gone").value("host", Fake::UNREACHABLE), ErrorKind::Unreachable),
            (connection("empty"), ErrorKind::Invalid),
        ],
        queries: None,
        fingerprint: Box::new(move || Ok(watched.fingerprint())),
        deadline: Duration::from_secs(20),
    }
}

/// The sentences that do not hold.
async fn failures(subject: Subject) -> Vec<(&'static str, String)> {
    let answers = conform(subject).await;
    assert_eq!(answers.len(), CHECKS.len());
    answers.into_iter().filter_map(|(sentence, answer)| answer.err().map(|why| (sentence, why))).collect()
}

#[tokio::test]
async fn a_good_source_conforms_whatever_it_does_itself() {
    let nothing = Pushdown {
        projection: Support::None,
        filter: Support::None,
        order: Support::None,
        limit: Support::None,
        sample: Support::None,
    };
    for fake in [good(), good().pushdown(nothing).batch_rows(7), good().batch_rows(1_000)] {
        assert_eq!(failures(subject(&fake)).await, [], "{:?}", fake.pushdown);
    }
}

#[tokio::test]
async fn each_fault_fails_the_check_that_is_there_for_it() {
    use Fault::*;
    let rows = [
        (ListsANodeTwice, "children come page by page"),
        (ForgetsTheLastNode, "children come page by page"),
        (ListsMoreThanAPage, "children come page by page"),
        (ListsAbsentNodes, "what is not there is not_found"),
        (DescribesAbsentNodes, "what is not there is not_found"),
        (PlansAbsentNodes, "what is not there is not_found"),
        (CallsEveryErrorUnexpected, "what is not there is not_found"),
        (CallsEveryErrorUnexpected, "a failing connection says"),
        (ForgetsColumnsInDescribe, "a node is described"),
        (ReadsWhilePlanning, "planning sends nothing"),
        (ForgetsTheBoundInThePlan, "a plan shows each step"),
        (AcceptsUnknownColumns, "an unknown column"),
        (EstimatesNothing, "an estimate comes before"),
        (ScansToEstimate, "an estimate comes before"),
        (EstimatesTooLittle, "what a read did cost"),
        (MetersNothing, "what a read did cost"),
        (MetersNothing, "a byte bound ends"),
        (IgnoresTheRowBound, "rows bounds hold"),
        (SaysCompleteAtABound, "rows bounds hold"),
        (RepeatsARowOnTheNextPage, "pages by continuation"),
        (SkipsARowOnTheNextPage, "pages by continuation"),
        (RoundsDecimals, "every value comes back"),
        (MixesUpTypes, "every value comes back"),
        (FiltersWrongly, "columns, filter and order"),
        (RefusesProfilesWithoutAWord, "each level of a profile"),
        (PlansWhatItDoesNotSend, "a read sends its plan's steps"),
        (LeavesStatementsOpen, "a read sends its plan's steps"),
        (IgnoresCancel, "a cancelled read keeps"),
        (ForgetsTheCancelHook, "a cancelled read keeps"),
        (HoldsAllRowsBack, "a cancelled read keeps"),
        (IgnoresTheRecorder, "nothing is sent when"),
        (SendsUnlistedStatements, "every statement sent"),
        (WritesUpstream, "every value comes back"),
        (HangsOnDescribe, "a node is described"),
    ];
    for (fault, sentence) in rows {
        let mut subject = subject(&good().fault(fault));
        if fault == HangsOnDescribe {
            subject.deadline = Duration::from_millis(500);
        }
        let failures = failures(subject).await;
        let found = failures.iter().any(|(failed, _)| failed.starts_with(sentence));
        assert!(found, "{fault:?} does not fail {sentence:?}, but {failures:#?}");
    }
}

#[tokio::test]
async fn a_subject_that_names_too_little_fails() {
    let mut bare = subject(&good());
    bare.known.clear();
    bare.failing.clear();
    let failed = failures(bare).await;
    let sentences = failed.iter().map(|(sentence, _)| *sentence).collect::<Vec<_>>();
    assert_eq!(sentences, ["a failing connection says how it fails", "every value comes back exactly"]);
}

#[tokio::test]
async fn a_fake_can_be_slow_hang_and_fail() {
    use crate::connector::guard;
    use crate::job::CallCtx;
    use crate::job::sink::Collected;
    use crate::model::Error;
    use crate::model::read::ReadSpec;

    let many = || ReadSpec { bound: Default::default(), ..ReadSpec::preview(NodePath::of(["shop", "many"])) };
    let permit = async |source: &dyn crate::connector::Source, ctx: &CallCtx| {
        let plan = source.plan(ctx, many()).await.unwrap();
        let estimate = source.estimate(ctx, &plan).await.unwrap();
        bench::policy().approve_anyway(plan, estimate, &reason()).unwrap()
    };
    fn reason() -> guard::Override {
        guard::Override { reason: "test".into(), node_name: Some("many".into()) }
    }

    let fails = good().fails_after(500, Error::new(ErrorKind::Unreachable, "read", "the line went dead"));
    let (source, ctx) = (fails.source(), CallCtx::detached());
    let mut got = Collected::default();
    let report = guard::run(&ctx, &*source, permit(&*source, &ctx).await, &mut got).await;
    assert_eq!(report.end.unwrap_err().kind, ErrorKind::Unreachable);
    assert_eq!((report.rows, got.row_count()), (500, 500));

    let hangs = good().pace(Pace::HangsAfter(300));
    let (source, ctx) = (hangs.source(), CallCtx::detached());
    let permit = permit(&*source, &ctx).await;
    let mut got = Collected::default();
    let run = guard::run(&ctx, &*source, permit, &mut got);
    let cancel = async {
        // The read hangs: nothing but this cancel ends it.
        while ctx.meter().actual().value(crate::model::load::Dim::BytesServer).is_none() {
            tokio::task::yield_now().await;
        }
        ctx.cancel().await
    };
    let (report, reached) = tokio::join!(run, cancel);
    assert_eq!(report.end.unwrap_err().kind, ErrorKind::Cancelled);
    assert_eq!(reached, crate::job::CancelReport::StoppedOnServer);
    assert_eq!((got.row_count(), hangs.cancels()), (300, 1));
    assert!(hangs.sent().iter().any(|text| text.starts_with("SCAN")));
}
