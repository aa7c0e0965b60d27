//! Plans, estimates and what a read did cost.

use super::super::bench::{Bench, Check, ensure, policy};
use super::super::log::Logged;
use crate::connector::guard::Override;
use crate::model::ErrorKind;
use crate::model::ability::CostClass;
use crate::model::command::CommandEntry;
use crate::model::filter::Filter;
use crate::model::load::{Coverage, Dim, LoadEstimate, Provenance, UpperEnd};
use crate::model::read::{
    Bound, Direction, OrderBy, ProfileLevel, ReadSpec, Sample, SampleMethod, SampleSize,
};
use crate::model::schema::Field;

/// The entry a statement names.
fn entry<'a>(bench: &'a Bench, logged: &Logged) -> Result<&'a CommandEntry, String> {
    let table = bench.subject.connector.commands();
    table
        .iter()
        .find(|entry| entry.id == logged.entry)
        .ok_or_else(|| format!("{} is no entry of the command table", logged.entry))
}

/// Fails if more than `allowed` of these statements cost more than a look-up, or any a scan.
fn only_look_ups(bench: &Bench, doing: &str, sent: &[Logged], allowed: usize) -> Check {
    let mut looks = 0;
    for logged in sent {
        match entry(bench, logged)?.cost {
            CostClass::Free | CostClass::Constant => {}
            CostClass::Returned if looks < allowed => looks += 1,
            cost => return Err(format!("{doing} sends {} ({cost:?}): {}", logged.entry, logged.text)),
        }
    }
    Ok(())
}

async fn first_field(bench: &Bench) -> Result<Field, String> {
    let live = bench.connect().await?;
    let fields = live.columns(&bench.subject.readable).await?;
    fields.into_iter().next().ok_or_else(|| "the readable node has no columns".to_owned())
}

/// Specs of every kind.
async fn specs(bench: &Bench) -> Result<Vec<ReadSpec>, String> {
    let node = &bench.subject.readable;
    let column = first_field(bench).await?.name;
    let preview = ReadSpec::preview(node.clone());
    let quoted = column.replace('"', "\"\"");
    let filter = Filter::parse(&format!("\"{quoted}\" IS NOT NULL")).map_err(|error| error.to_string())?;
    let order = OrderBy { column: column.clone(), direction: Direction::Descending };
    let sample = Sample { size: SampleSize::Rows(5), method: SampleMethod::Auto };
    Ok(vec![
        preview.clone(),
        ReadSpec { bound: Bound::default(), ..preview.clone() },
        ReadSpec { columns: Some(vec![column]), ..preview.clone() },
        ReadSpec { filter: Some(filter), ..preview.clone() },
        ReadSpec { order: vec![order], ..preview.clone() },
        ReadSpec { sample: Some(sample), ..preview },
        ReadSpec::profile(node.clone(), ProfileLevel::Head),
        ReadSpec::profile(node.clone(), ProfileLevel::Scan),
    ])
}

pub(super) async fn planning_only(bench: &Bench) -> Check {
    let live = bench.connect().await?;
    for spec in specs(bench).await? {
        let (before, ctx) = (live.log.count(), live.ctx());
        let plan = live.source.plan(&ctx, spec.clone()).await;
        let sent = live.log.since(before);
        only_look_ups(bench, "planning", &sent, 0)?;
        match plan {
            Ok(plan) => {
                let step = sent
                    .iter()
                    .find(|logged| plan.steps.iter().any(|step| step.covers(&logged.entry, &logged.text)));
                ensure!(step.is_none(), "planning sends a step of the plan: {step:?}");
            }
            Err(error) => ensure!(error.kind == ErrorKind::Unsupported, "planning {spec:?}: {error}"),
        }
        let rows = ctx.meter().actual().value(Dim::RowsReturned).unwrap_or(0.0);
        ensure!(rows == 0.0, "planning reads {rows} rows");
    }
    Ok(())
}

pub(super) async fn steps(bench: &Bench) -> Check {
    let live = bench.connect().await?;
    for spec in specs(bench).await? {
        let plan = match live.source.plan(&live.ctx(), spec.clone()).await {
            Ok(plan) => plan,
            Err(error) if error.kind == ErrorKind::Unsupported => continue,
            Err(error) => return Err(format!("planning {spec:?}: {error}")),
        };
        ensure!(!plan.steps.is_empty(), "the plan of {spec:?} has no steps");
        ensure!(!plan.method.trim().is_empty(), "the plan of {spec:?} does not say how rows are chosen");
        for step in &plan.steps {
            let logged = Logged { entry: step.entry.clone(), text: step.text.clone(), end: None };
            ensure!(
                entry(bench, &logged)?.matches(&step.text),
                "step {} does not match its entry: {}",
                step.entry,
                step.text
            );
        }
        if let Some(sample) = plan.spec.sample {
            ensure!(sample.method != SampleMethod::Auto, "the plan does not say which sample it takes");
        }
        let wider = plan.bounds != plan.bounds.tightest(spec.bound);
        ensure!(!wider, "the plan's bounds {:?} are wider than asked: {:?}", plan.bounds, spec.bound);
    }
    Ok(())
}

pub(super) async fn unknown_columns(bench: &Bench) -> Check {
    let live = bench.connect().await?;
    // A source without a catalogue can refuse a name once it has seen rows.
    live.columns(&bench.subject.readable).await?;
    let preview = ReadSpec::preview(bench.subject.readable.clone());
    let name = "no such column".to_owned();
    let filter = Filter::parse("\"no such column\" = 1").map_err(|error| error.to_string())?;
    let order = OrderBy { column: name.clone(), direction: Direction::Ascending };
    for (what, spec) in [
        ("a column", ReadSpec { columns: Some(vec![name]), ..preview.clone() }),
        ("a filter", ReadSpec { filter: Some(filter), ..preview.clone() }),
        ("an order", ReadSpec { order: vec![order], ..preview }),
    ] {
        match live.source.plan(&live.ctx(), spec).await {
            Ok(_) => return Err(format!("{what} that is not there is planned")),
            Err(error) => ensure!(error.kind == ErrorKind::Invalid, "{what} that is not there: {error}"),
        }
    }
    Ok(())
}

/// Fails unless the numbers of an estimate make sense.
fn sound(estimate: &LoadEstimate) -> Check {
    for quantity in &estimate.quantities {
        let (lo, mid, hi) = (quantity.lo, quantity.mid, quantity.hi);
        ensure!(
            lo >= 0.0 && lo <= mid && mid <= hi && hi.is_finite(),
            "{:?} lies in {lo} ≤ {mid} ≤ {hi}",
            quantity.dim
        );
        ensure!(!quantity.source.trim().is_empty(), "{:?} rests on nothing", quantity.dim);
    }
    let mut dims = estimate.quantities.iter().map(|quantity| quantity.dim).collect::<Vec<_>>();
    dims.extend(&estimate.not_estimable);
    dims.sort_unstable();
    ensure!(dims.windows(2).all(|pair| pair[0] != pair[1]), "a dimension is estimated twice: {dims:?}");
    for needed in [Dim::RowsReturned, Dim::BytesServer] {
        let wire = needed == Dim::BytesServer && dims.contains(&Dim::BytesWire);
        ensure!(wire || dims.contains(&needed), "{needed:?} is neither estimated nor said not to be");
    }
    Ok(())
}

pub(super) async fn estimated(bench: &Bench) -> Check {
    let live = bench.connect().await?;
    for spec in specs(bench).await? {
        let ctx = live.ctx();
        let Ok(plan) = live.source.plan(&ctx, spec.clone()).await else { continue };
        let before = live.log.count();
        let estimate = live.source.estimate(&ctx, &plan).await;
        let mut estimate = estimate.map_err(|error| format!("estimating {spec:?}: {error}"))?;
        only_look_ups(bench, "estimating", &live.log.since(before), 1)?;
        sound(&estimate).map_err(|why| format!("the estimate of {spec:?}: {why}"))?;
        if let Some(rows) = plan.bounds.rows {
            let hi = estimate.quantity(Dim::RowsReturned).map_or(0.0, |quantity| quantity.hi);
            ensure!(hi <= rows as f64, "up to {hi} rows are estimated for a bound of {rows}");
        }
        policy().weigh(&plan, &mut estimate);
        let said = !estimate.reasons.is_empty();
        ensure!(said, "the verdict {} has no reason", estimate.verdict.word());
    }
    Ok(())
}

pub(super) async fn actuals(bench: &Bench) -> Check {
    let live = bench.connect().await?;
    let preview = ReadSpec::preview(bench.subject.readable.clone());
    for spec in [ReadSpec { bound: Bound::rows(10), ..preview.clone() }, preview, bench.all()] {
        let answer = live.read(spec).await.map_err(|error| error.to_string())?;
        answer.end()?;
        let actual = &answer.report.actual;
        let counted = [Dim::BytesServer, Dim::BytesWire, Dim::BlocksTouched].map(|dim| actual.value(dim));
        let bytes = counted[0].or(counted[1]);
        // All from a cache is no bytes at all, but still blocks touched.
        let something = counted.into_iter().flatten().any(|value| value > 0.0);
        ensure!(bytes.is_some() && something, "no bytes are counted: {:?}", actual.values);
        for measured in &actual.values {
            ensure!(measured.value.is_finite() && measured.value >= 0.0, "{measured:?} makes no sense");
            ensure!(!measured.how_measured.is_empty(), "{:?} is measured by nothing", measured.dim);
            let Some(quantity) = answer.estimate.quantity(measured.dim) else { continue };
            ensure!(
                quantity.upper == UpperEnd::Soft || measured.value <= quantity.hi,
                "{:?} was {} beyond its hard upper end {}",
                measured.dim,
                measured.value,
                quantity.hi
            );
            let exact = matches!(quantity.provenance, Provenance::Exact) && quantity.lo == quantity.hi;
            ensure!(
                !exact
                    || measured.coverage == Coverage::LowerBound
                    || (measured.value - quantity.lo).abs() < 0.5,
                "{:?} was estimated as exactly {} and was {}",
                measured.dim,
                quantity.lo,
                measured.value
            );
        }
    }
    Ok(())
}

pub(super) async fn gated(bench: &Bench) -> Check {
    let live = bench.connect().await?;
    let language = live.source.query_text().map(|query| query.language().to_owned());
    let Some(queries) = &bench.subject.queries else {
        ensure!(language.is_none(), "it has a query language and the subject names no query");
        let spec = ReadSpec { query: Some("SELECT 1".to_owned()), ..bench.all() };
        let refused = live.source.plan(&live.ctx(), spec).await.err().map(|error| error.kind);
        ensure!(
            refused == Some(ErrorKind::Unsupported),
            "without a query language a query gives {refused:?}"
        );
        return Ok(());
    };
    ensure!(language.is_some(), "the subject names queries and the source has no language");
    let query = |text: &str| ReadSpec { query: Some(text.to_owned()), ..bench.all() };
    let answer = live.read(query(&queries.read)).await.map_err(|error| error.to_string())?;
    answer.end()?;
    ensure!(answer.plan.gate.is_some(), "a query is planned without a gate");
    ensure!(
        answer.report.rows == queries.rows,
        "the query gives {} rows, not {}",
        answer.report.rows,
        queries.rows
    );
    for text in &queries.writes {
        let before = live.log.count();
        match live.source.plan(&live.ctx(), query(text)).await {
            Err(error) => ensure!(error.kind == ErrorKind::Refused, "planning {text:?}: {error}"),
            Ok(plan) => {
                ensure!(
                    plan.gate.as_ref().is_some_and(|gate| !gate.is_read()),
                    "the gate lets {text:?} pass"
                );
                let estimate = live.source.estimate(&live.ctx(), &plan).await;
                let estimate =
                    estimate.unwrap_or_else(|_| LoadEstimate::over(bench.subject.connection.capacity()));
                let given = Override { reason: "please".to_owned(), node_name: Some("query".to_owned()) };
                ensure!(
                    policy().approve_anyway(plan, estimate, &given).is_err(),
                    "{text:?} may run for a reason"
                );
            }
        }
        let sent = live.log.since(before);
        ensure!(!sent.iter().any(|logged| logged.text.contains(text)), "{text:?} was sent: {sent:?}");
    }
    Ok(())
}
