//! A read: planned as the exact `find` or `aggregate`, read batch by batch through a cursor of our own that is
//! ended when the read is, bounded between batches. Pages go on behind the last `_id`, whatever its type.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use futures::FutureExt as _;
use mongodb::bson::{Bson, Document, doc};

use super::commands as sent;
use super::decode::Columns;
use super::filter::{behind, plain, query_of};
use super::link::{Space, take_batch, text_of};
use super::source::MongoSource;
use crate::connector::Permit;
use crate::job::{BatchSink, CallCtx, Flow, Progress};
use crate::model::ability::{Pushdown, Support};
use crate::model::batch::{BatchBuilder, Origin};
use crate::model::load::Dim;
use crate::model::lost::{Findings, Lost};
use crate::model::read::{
    Bound, Continuation, Direction, ProfileLevel, ReadEnd, ReadOutcome, ReadPlan, ReadSpec, Sample,
    SampleMethod, SampleSize, Step, StepKind, Want,
};
use crate::model::{Error, ErrorKind, Result};

/// Documents of the first batch; most documents of a further one.
pub(super) const BATCH: (u64, u64) = (200, 1_000);
/// Rows of a profile of the first rows, and of a sampled one, unless the spec says otherwise.
const PROFILE_ROWS: (u64, u64) = (1_000, 10_000);
/// Milliseconds of work at the server: of a bounded read, and of one of everything.
const MOST_MS: (i64, i64) = (60_000, 3_600_000);

/// What the source does itself, at best.
pub(super) const PUSHDOWN: Pushdown = Pushdown {
    projection: Support::Exact,
    filter: Support::Inexact,
    order: Support::Inexact,
    limit: Support::Exact,
    sample: Support::Exact,
};

fn refused(kind: ErrorKind, why: impl Into<String>, hint: impl Into<String>) -> Error {
    Error::new(kind, "plan", why).hint(hint)
}

/// The spec with the choices made that a profile or a sample leaves open.
fn resolved(mut spec: ReadSpec) -> Result<ReadSpec> {
    let rows = |rows| Sample { size: SampleSize::Rows(rows), method: SampleMethod::Auto };
    if spec.query.is_some() {
        let hint = "read a collection with --columns, --where and --order";
        return Err(refused(ErrorKind::Unsupported, "free queries are not sent yet", hint));
    }
    match spec.want {
        Want::Profile(ProfileLevel::Catalog) => {
            let why = "the server keeps no statistics of fields";
            return Err(refused(ErrorKind::Unsupported, why, "take the head or a sample"));
        }
        Want::Profile(ProfileLevel::Head) if spec.bound.rows.is_none() => {
            spec.bound = spec.bound.tightest(Bound::rows(PROFILE_ROWS.0));
        }
        Want::Profile(ProfileLevel::Sample) if spec.sample.is_none() => {
            spec.sample = Some(rows(spec.bound.rows.unwrap_or(PROFILE_ROWS.1)));
        }
        _ => {}
    }
    if let Some(Sample { size, method }) = spec.sample {
        let SampleSize::Rows(rows) = size else {
            let hint = "give a number of rows";
            return Err(refused(ErrorKind::Unsupported, "samples are taken by number, not by share", hint));
        };
        let method = match method {
            SampleMethod::Auto | SampleMethod::Random => SampleMethod::Random,
            SampleMethod::Head => SampleMethod::Head,
            SampleMethod::Block | SampleMethod::Row | SampleMethod::Keyset => {
                let why = format!("there is no sample by {} here", method.word());
                return Err(refused(ErrorKind::Unsupported, why, "take random or head"));
            }
        };
        spec.sample = Some(Sample { size, method });
        spec.bound = spec.bound.tightest(Bound::rows(rows));
    }
    Ok(spec)
}

/// What a spec comes to at the server.
struct Asked {
    query: Option<Document>,
    sort: Document,
    projection: Document,
    pushdown: Pushdown,
    remarks: Vec<String>,
}

/// The names in a spec, held against what is known of the fields.
fn named<'a>(
    spec: &'a ReadSpec,
    columns: Option<&Columns>,
    remarks: &mut Vec<String>,
) -> Result<Vec<&'a str>> {
    let mut names = spec.filter.iter().flat_map(|filter| filter.columns()).collect::<Vec<_>>();
    names.extend(spec.order.iter().map(|order| order.column.as_str()));
    names.extend(spec.columns.iter().flatten().map(String::as_str));
    for name in &names {
        match columns {
            Some(columns) if columns.schema.index_of(name).is_some() => {}
            Some(columns) if columns.is_whole => {
                let fields =
                    columns.schema.fields.iter().map(|field| field.name.as_str()).collect::<Vec<_>>();
                let hint = format!("there are: {}", fields.join(", "));
                return Err(refused(ErrorKind::Invalid, format!("no document has a field {name:?}"), hint));
            }
            _ => remarks.push(format!("no document looked at so far has a field {name:?}")),
        }
    }
    Ok(names)
}

fn asked(spec: &ReadSpec, columns: Option<&Columns>) -> Result<Asked> {
    let mut remarks = Vec::new();
    let names = named(spec, columns, &mut remarks)?;
    let mut pushdown = Pushdown { sample: PUSHDOWN.sample, ..PUSHDOWN };
    let query = spec.filter.as_ref().and_then(|filter| query_of(filter, columns?));
    if spec.filter.is_some() {
        pushdown.filter = if query.is_some() { Support::Inexact } else { Support::None };
        remarks.push(match &query {
            Some(_) => "narrowed by the source, which compares values of one type only".to_owned(),
            None => "the source can't narrow by this filter as it is meant here".to_owned(),
        });
    }
    let is_plain = |name: &&str| columns.is_some_and(|columns| plain(name, columns).is_some());
    let mut sort = Document::new();
    if spec.order.iter().all(|order| is_plain(&order.column.as_str())) {
        for order in &spec.order {
            sort.insert(&order.column, if order.direction == Direction::Ascending { 1 } else { -1 });
        }
    } else {
        pushdown.order = Support::None;
    }
    if !sort.is_empty() {
        remarks
            .push("the source sorts absent values first, here they come last of what was fetched".to_owned());
    }
    if !sort.contains_key("_id") {
        sort.insert("_id", 1);
    }
    let mut projection = Document::new();
    if spec.columns.is_some() && names.iter().all(is_plain) {
        projection.extend(names.iter().map(|name| ((*name).to_owned(), Bson::Int32(1))));
        if spec.filter.is_some() || !spec.order.is_empty() {
            pushdown.projection = Support::Inexact;
        }
    } else if spec.columns.is_some() {
        pushdown.projection = Support::None;
    }
    Ok(Asked { query, sort, projection, pushdown, remarks })
}

/// The columns that batches have: all and what else is named, or only what is asked for and needed here.
fn read_columns(spec: &ReadSpec, pushdown: Pushdown, columns: &Columns) -> Columns {
    let mut names = spec.columns.iter().flatten().map(String::as_str).collect::<Vec<_>>();
    if pushdown.projection != Support::Exact || spec.columns.is_none() {
        let filtered = spec.filter.iter().flat_map(|filter| filter.columns());
        for name in filtered.chain(spec.order.iter().map(|order| order.column.as_str())) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    match (&spec.columns, pushdown.projection) {
        (None, _) | (_, Support::None) => columns.with(&names),
        (Some(_), Support::Exact | Support::Inexact) => columns.chosen(&names),
    }
}

/// How a read will be done.
pub(super) async fn plan(source: &MongoSource, ctx: &CallCtx, spec: ReadSpec) -> Result<ReadPlan> {
    let spec = resolved(spec)?;
    let space = source.space(ctx, "plan", &spec.node).await?;
    let look = source.look(ctx, "plan", &space).await?;
    let columns = look.as_ref();
    let Asked { query, sort, projection, pushdown, mut remarks } = asked(&spec, columns)?;
    let mut filter = query.unwrap_or_default();
    let mut skip = 0;
    match &spec.continuation {
        None => {}
        Some(Continuation::Row(row)) => skip = row.cast_signed(),
        Some(Continuation::Token(token)) => {
            let id = serde_json::from_str::<serde_json::Value>(token)
                .ok()
                .and_then(|json| Bson::try_from(json).ok());
            let Some(Bson::Array(ids)) = id else { return Err(not_of_this_node()) };
            let Some(id) = ids.into_iter().next() else { return Err(not_of_this_node()) };
            let behind = behind(id);
            filter = if filter.is_empty() {
                behind
            } else {
                doc! { "$and": [filter, behind] }
            };
        }
        Some(_) => return Err(not_of_this_node()),
    }
    let limit = spec.bound.rows.map(u64::cast_signed);
    let most_ms = match (spec.bound.seconds, limit) {
        (Some(seconds), _) => ((seconds * 1e3) as i64).max(1),
        (None, Some(_)) => MOST_MS.0,
        (None, None) => MOST_MS.1,
    };
    let batch = limit.unwrap_or(i64::MAX).min(BATCH.0.cast_signed()).max(1);
    let is_random = spec.sample.is_some_and(|sample| sample.method == SampleMethod::Random);
    let mut command = if is_random {
        let mut stages = if filter.is_empty() { Vec::new() } else { vec![doc! { "$match": filter }] };
        stages.push(doc! { "$sample": { "size": limit.unwrap_or(1) } });
        if !projection.is_empty() {
            stages.push(doc! { "$project": projection });
        }
        doc! { "aggregate": &space.collection, "pipeline": stages, "cursor": { "batchSize": batch } }
    } else {
        let mut find = doc! { "find": &space.collection, "filter": filter, "sort": sort };
        if !projection.is_empty() {
            find.insert("projection", projection);
        }
        if skip > 0 {
            find.insert("skip", skip);
        }
        if let Some(limit) = limit {
            find.insert("limit", limit.max(1));
        }
        find.insert("batchSize", batch);
        find
    };
    command.insert("maxTimeMS", most_ms);
    let more = doc! { "getMore": 0_i64, "collection": &space.collection, "batchSize": 1_000 };
    let kill = doc! { "killCursors": &space.collection, "cursors": [0_i64] };
    let page = |text: String| text.replacen(":0,", ":{cursor},", 1).replacen("[0]", "[{cursor}]", 1);
    let step = |entry, text, kind| Step { entry, text, binds: Vec::new(), kind };
    let entry = if is_random { sent::SAMPLE } else { sent::FIND };
    let more = page(text_of(&space.db, more)).replace(":1000,", ":{documents},");
    let steps = vec![
        step(entry, text_of(&space.db, command), StepKind::Request),
        step(sent::MORE, more, StepKind::Pages),
        step(sent::KILL, page(text_of(&space.db, kill)), StepKind::Pages),
    ];
    let order = if spec.order.is_empty() { "_id order" } else { "the order asked for" };
    let method = match (is_random, spec.bound.rows) {
        (true, rows) => format!("{} documents at random by $sample", rows.unwrap_or(1)),
        (false, Some(rows)) => format!("first {rows} documents in {order}"),
        (false, None) => format!("all documents in {order}"),
    };
    if spec.sample.is_some() && !is_random {
        remarks.push("the first documents are not representative: mostly the oldest".to_owned());
    }
    remarks.push("documents are read as they are when their batch is made, not as of one moment".to_owned());
    let schema = columns.map(|columns| (*read_columns(&spec, pushdown, columns).schema).clone());
    Ok(ReadPlan { bounds: spec.bound, steps, pushdown, schema, gate: None, method, remarks, spec })
}

fn not_of_this_node() -> Error {
    let why = "the place to go on from is not one of this collection";
    refused(ErrorKind::Invalid, why, "read it from its beginning")
}

/// What a read has given so far.
struct Given {
    rows: u64,
    bytes: u64,
    lost: u64,
    last_id: Option<Bson>,
}

/// Runs a permitted plan.
pub(super) async fn run(
    source: &MongoSource,
    ctx: &CallCtx,
    permit: &Permit,
    sink: &mut dyn BatchSink,
) -> Result<ReadOutcome> {
    ctx.check("read")?;
    let plan = permit.plan();
    let space = Arc::new(MongoSource::named("read", &plan.spec.node)?);
    let cursor = Arc::new(AtomicI64::new(0));
    let _hook = {
        let (link, ctx_then) = (source.link.clone(), ctx.clone());
        let (space, cursor) = (Arc::clone(&space), Arc::clone(&cursor));
        ctx.on_cancel(move || async move { link.kill(&ctx_then, &space, &cursor).await }.boxed())
    };
    let mut given = Given { rows: 0, bytes: 0, lost: 0, last_id: None };
    let end = batches(source, ctx, permit, &space, &cursor, &mut given, sink).await;
    if !ctx.is_cancelled() {
        // An open cursor would stay for ten minutes.
        source.link.kill(ctx, &space, &cursor).await;
    }
    if given.lost > 0 {
        let mut findings = Findings::default();
        findings.lost(Lost {
            place: plan.spec.node.to_string(),
            why: "fields that no document had when the columns were looked at; open the source again to see them"
                .to_owned(),
            count: given.lost,
        });
        sink.findings(findings);
    }
    let end = end?;
    let goes_on = end != ReadEnd::Complete && plan.spec.sample.is_none();
    let before = if let Some(Continuation::Row(row)) = plan.spec.continuation { row } else { 0 };
    let is_keyed = plan.spec.order.is_empty() && before == 0;
    let continuation = goes_on.then(|| match given.last_id {
        Some(id) if is_keyed => {
            Some(Continuation::Token(Bson::Array(vec![id]).into_canonical_extjson().to_string()))
        }
        _ if given.rows == 0 => plan.spec.continuation.clone(),
        _ => Some(Continuation::Row(before + given.rows)),
    });
    Ok(ReadOutcome { end, continuation: continuation.flatten(), actual: ctx.meter().actual() })
}

/// Batch after batch, until there is no more, a bound is reached, or the sink has enough.
async fn batches(
    source: &MongoSource,
    ctx: &CallCtx,
    permit: &Permit,
    space: &Space,
    cursor: &AtomicI64,
    given: &mut Given,
    sink: &mut dyn BatchSink,
) -> Result<ReadEnd> {
    let (plan, bounds, since) = (permit.plan(), permit.bounds(), Instant::now());
    let Some(first) = plan.steps.first() else {
        return Err(Error::unexpected("read", "a plan without a command"));
    };
    let mut session = source.link.session("read").await?;
    let mut reply = source.link.run(ctx, "read", &first.entry, &first.text, Some(&mut session)).await?;
    let mut shape: Option<Columns> = None;
    loop {
        let mut documents = Vec::new();
        let id = take_batch("read", reply, &mut documents)?;
        cursor.store(id, Ordering::Relaxed);
        if shape.is_none() {
            let known = source.known_columns(space);
            let columns = known.unwrap_or_else(|| source.learn(space, Columns::of(&documents, false)));
            shape = Some(read_columns(&plan.spec, plan.pushdown, &columns));
        }
        let Some(columns) = &shape else { return Err(Error::unexpected("read", "no columns")) };
        let mut builder = BatchBuilder::new(Arc::clone(&columns.schema));
        let bytes = documents.iter().map(size_of).sum::<u64>();
        let first_row = match plan.spec.continuation {
            None if plan.spec.sample.is_none() => Some(given.rows),
            _ => None,
        };
        for document in documents {
            given.last_id = document.get("_id").cloned();
            let (row, lost) = columns.row(document);
            given.lost += if plan.spec.columns.is_some() { 0 } else { lost };
            given.rows += 1;
            builder.push_row(row);
        }
        given.bytes += bytes;
        ctx.meter().add(Dim::BytesWire, bytes as f64, "headwater: lengths of the documents");
        let doing = "reading documents".to_owned();
        ctx.progress(Progress { doing, done: given.rows, total: bounds.rows, unit: "rows" });
        let flow = if builder.row_count() > 0 || id == 0 {
            sink.batch(builder.take(Origin { node: plan.spec.node.clone(), first_row })?).await?
        } else {
            Flow::More
        };
        ctx.check("read")?;
        let is_full = bounds.rows.is_some_and(|most| given.rows >= most);
        if is_full && plan.spec.sample.is_none() {
            return Ok(ReadEnd::Bounded);
        } else if id == 0 {
            return Ok(ReadEnd::Complete);
        } else if flow == Flow::Enough {
            return Ok(ReadEnd::Enough);
        }
        let requests = ctx.meter().actual().value(Dim::RoundTrips).unwrap_or(0.0);
        if bounds.requests.is_some_and(|most| requests + 1.0 > most as f64)
            || bounds.bytes.is_some_and(|most| given.bytes >= most)
            || bounds.seconds.is_some_and(|most| since.elapsed().as_secs_f64() >= most)
        {
            return Ok(ReadEnd::Bounded);
        }
        // About a mebibyte a batch, however long the documents are.
        let room = (1 << 20) / (given.bytes / given.rows.max(1)).max(1);
        let documents = room.clamp(1, BATCH.1).cast_signed();
        let more = doc! { "getMore": id, "collection": &space.collection, "batchSize": documents };
        reply =
            source.link.run(ctx, "read", &sent::MORE, &text_of(&space.db, more), Some(&mut session)).await?;
    }
}

/// Bytes of a document as they came.
fn size_of(document: &Document) -> u64 {
    mongodb::bson::to_vec(document).map_or(0, |bytes| bytes.len() as u64)
}
