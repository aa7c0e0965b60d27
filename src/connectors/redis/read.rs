//! A read, page by page: planned as templates whose cursors only the page before tells, bounded in rows,
//! requests, bytes and seconds between pages, its pages sized so that none holds the one thread for long.

use std::sync::Arc;
use std::time::Instant;

use super::commands::entry_of;
use super::decode::{Place, Shape, name_of};
use super::source::{PAGE, RedisSource, fact};
use crate::connector::Permit;
use crate::job::{BatchSink, CallCtx, Flow, Progress};
use crate::model::ability::{Pushdown, Support};
use crate::model::batch::{BatchBuilder, Origin};
use crate::model::load::Dim;
use crate::model::read::{
    Bound, Continuation, ProfileLevel, ReadEnd, ReadOutcome, ReadPlan, ReadSpec, Sample, SampleMethod,
    SampleSize, Step, StepKind, Want,
};
use crate::model::schema::Schema;
use crate::model::{Error, ErrorKind, Result};

/// Elements of the first page; further pages are sized by what came.
pub(super) const FIRST_PAGE: u64 = 200;
/// Bytes that a page should have at most.
pub(super) const PAGE_BYTES: f64 = (1 << 20) as f64;
/// Rows of a profile of the first rows, and of a sampled one, unless the spec says otherwise.
const PROFILE_ROWS: (u64, u64) = (1_000, 10_000);

/// What the source does itself: columns of a database (an element comes whole), and stopping.
pub(super) const PUSHDOWN: Pushdown = Pushdown {
    projection: Support::Inexact,
    filter: Support::None,
    order: Support::None,
    limit: Support::Exact,
    sample: Support::None,
};

fn refused(kind: ErrorKind, why: impl Into<String>, hint: impl Into<String>) -> Error {
    Error::new(kind, "plan", why).hint(hint)
}

/// The spec with the choices made that a profile or a sample leaves open.
fn resolved(mut spec: ReadSpec) -> Result<ReadSpec> {
    if spec.query.is_some() {
        return Err(refused(
            ErrorKind::Unsupported,
            "redis has no query language here",
            "read a node instead",
        ));
    }
    let rows = match spec.want {
        Want::Profile(ProfileLevel::Catalog) => {
            return Err(refused(
                ErrorKind::Unsupported,
                "redis keeps no statistics of its keys or values",
                "take the head or a sample",
            ));
        }
        Want::Profile(ProfileLevel::Head) => Some(PROFILE_ROWS.0),
        Want::Profile(ProfileLevel::Sample) if spec.sample.is_none() => Some(PROFILE_ROWS.1),
        _ => None,
    };
    if let (Some(rows), None) = (rows, spec.bound.rows) {
        spec.bound = spec.bound.tightest(Bound::rows(rows));
    }
    if let Some(Sample { size, method }) = spec.sample {
        let (SampleMethod::Auto | SampleMethod::Head, SampleSize::Rows(rows)) = (method, size) else {
            return Err(refused(
                ErrorKind::Unsupported,
                "of redis only the first so many elements are taken as a sample",
                "give a number of rows; keys, fields and members come in hash order, whatever their names",
            ));
        };
        spec.sample = Some(Sample { size, method: SampleMethod::Head });
        spec.bound = spec.bound.tightest(Bound::rows(rows));
    }
    Ok(spec)
}

/// The columns a read gives, and whether it gives only the chosen ones.
fn columns_of(shape: Shape, spec: &ReadSpec) -> Result<(Schema, Support)> {
    let all = shape.schema();
    let filtered = spec.filter.iter().flat_map(|filter| filter.columns());
    let named = spec.columns.iter().flatten().map(String::as_str).chain(filtered);
    for name in named.chain(spec.order.iter().map(|order| order.column.as_str())) {
        if all.index_of(name).is_none() {
            let known = all.fields.iter().map(|field| field.name.as_str()).collect::<Vec<_>>().join(", ");
            return Err(refused(
                ErrorKind::Invalid,
                format!("there is no column {name:?}"),
                format!("there are: {known}"),
            ));
        }
    }
    match &spec.columns {
        // An element comes whole.
        Some(_) if shape != Shape::Keys => Ok((all, Support::None)),
        // What is filtered or ordered by here must come too.
        Some(columns) if spec.filter.is_none() && spec.order.is_empty() => {
            let field = |name: &String| all.index_of(name).and_then(|index| all.fields.get(index)).cloned();
            Ok((Schema::new(columns.iter().filter_map(field).collect()), Support::Exact))
        }
        Some(_) => Ok((all, Support::None)),
        None => Ok((all, Support::Exact)),
    }
}

/// How a read will be done.
pub(super) async fn plan(source: &RedisSource, ctx: &CallCtx, spec: ReadSpec) -> Result<ReadPlan> {
    let spec = resolved(spec)?;
    let target = source.target(ctx, "plan", &spec.node).await?;
    let shape = target.shape;
    if Place::of(shape, spec.continuation.as_ref()).is_none() {
        return Err(refused(
            ErrorKind::Invalid,
            "the place to go on from is not one of this node",
            "read it from its beginning",
        ));
    }
    let (schema, projection) = columns_of(shape, &spec)?;
    let (command, key) = (shape.commands().0, name_of(&target.key));
    let text = match shape {
        Shape::Keys => "SCAN {cursor} COUNT {count}".to_owned(),
        Shape::List | Shape::Text => format!("{command} {key} {{first}} {{last}}"),
        Shape::Stream => format!("{command} {key} {{first}} + COUNT {{count}}"),
        Shape::Hash | Shape::Set | Shape::Sorted => format!("{command} {key} {{cursor}} COUNT {{count}}"),
    };
    let step = |(entry, text)| Step { entry, text, binds: Vec::new(), kind: StepKind::Pages };
    let facts = schema.fields.iter().filter(|_| shape == Shape::Keys).filter_map(|field| fact(&field.name));
    let facts = facts.map(|(entry, words)| (entry, format!("{words} {{key of the page}}")));
    let steps = std::iter::once((entry_of(command), text)).chain(facts).map(step).collect();
    let order = match shape {
        Shape::List | Shape::Stream | Shape::Text => "from the first on",
        Shape::Keys | Shape::Hash | Shape::Set | Shape::Sorted => "in hash order",
    };
    let what = if shape == Shape::Keys { "keys" } else { "elements" };
    let method = match spec.bound.rows {
        Some(rows) => format!("first {rows} {what} {order}"),
        None => format!("all {what} {order}"),
    };
    let mut remarks = Vec::new();
    if matches!(shape, Shape::Keys | Shape::Hash | Shape::Set | Shape::Sorted) {
        remarks.push("what is written meanwhile may be missed, and may come twice".to_owned());
    }
    if spec.sample.is_some() {
        remarks.push(match order {
            "in hash order" => "the first in hash order: chosen by neither name nor age".to_owned(),
            _ => "the first elements are not representative".to_owned(),
        });
    }
    Ok(ReadPlan {
        bounds: spec.bound,
        steps,
        pushdown: Pushdown { projection, ..PUSHDOWN },
        schema: Some(schema),
        gate: None,
        method,
        remarks,
        spec,
    })
}

/// Runs a permitted plan.
pub(super) async fn run(
    source: &RedisSource,
    ctx: &CallCtx,
    permit: &Permit,
    sink: &mut dyn BatchSink,
) -> Result<ReadOutcome> {
    ctx.check("read")?;
    let (plan, bounds, since) = (permit.plan(), permit.bounds(), Instant::now());
    // The type was asked for when the read was planned; its page command tells it again.
    let target = source.planned(plan)?;
    let shape = target.shape;
    let schema = Arc::new(plan.schema.clone().unwrap_or_else(|| shape.schema()));
    let mut builder = BatchBuilder::new(Arc::clone(&schema));
    let mut place = Place::of(shape, plan.spec.continuation.as_ref());
    let start = match plan.spec.continuation {
        Some(Continuation::Row(row)) => Some(row),
        Some(_) => None,
        None => Some(0),
    };
    // A page of keys is two round trips: the keys, then what is asked of them.
    let trips = if plan.steps.len() > 1 { 2.0 } else { 1.0 };
    let value = |dim| ctx.meter().actual().value(dim).unwrap_or(0.0);
    let (mut given, mut size, mut end, mut is_first) = (0_u64, FIRST_PAGE, ReadEnd::Complete, true);
    while let Some(from) = place.take() {
        let room = bounds.rows.map_or(size, |rows| rows.saturating_sub(given).min(size));
        let spent = bounds.requests.is_some_and(|most| value(Dim::RoundTrips) + trips > most as f64)
            || bounds.bytes.is_some_and(|most| value(Dim::BytesWire) >= most as f64)
            || bounds.seconds.is_some_and(|most| since.elapsed().as_secs_f64() >= most);
        if room == 0 || spent {
            (place, end) = (Some(from), ReadEnd::Bounded);
            break;
        }
        let bytes = value(Dim::BytesWire);
        let (rows, next) = source.page(ctx, &target, &schema, &from, room).await?;
        place = next;
        let came = rows.len() as u64;
        if came > 0 {
            let each = ((value(Dim::BytesWire) - bytes) / came as f64).max(1.0);
            size = ((PAGE_BYTES / each) as u64).clamp(1, PAGE);
        }
        if came == 0 && !(is_first && place.is_none()) {
            continue;
        }
        is_first = false;
        for row in rows {
            builder.push_row(row);
        }
        let first_row = start.map(|row| row + given);
        given += came;
        ctx.progress(Progress {
            doing: "reading rows".to_owned(),
            done: given,
            total: bounds.rows,
            unit: "rows",
        });
        let flow = sink.batch(builder.take(Origin { node: plan.spec.node.clone(), first_row })?).await?;
        ctx.check("read")?;
        if flow == Flow::Enough && place.is_some() {
            end = if bounds.rows.is_some_and(|rows| given >= rows) {
                ReadEnd::Bounded
            } else {
                ReadEnd::Enough
            };
            break;
        }
    }
    let continuation = place.map(|place| place.continuation(shape));
    Ok(ReadOutcome { end, continuation, actual: ctx.meter().actual() })
}
