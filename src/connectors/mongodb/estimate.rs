//! What a read will cost: documents and bytes by the catalogue, the planner's plan (never run), and for a filter
//! one count that stops after 10,000 documents or 50 ms. Microseconds of a document are a rule of thumb: no
//! server tells them beforehand.

use mongodb::bson::{Bson, Document, doc};

use super::commands as sent;
use super::link::{number, text_of};
use super::read::BATCH;
use super::source::{LOOK_MS, MongoSource, Sizes};
use crate::job::CallCtx;
use crate::model::load::{Cap, Dim, Effect, EnforcedBy, Intrusiveness, LoadEstimate, Provenance, Quantity};
use crate::model::read::{Continuation, ReadPlan};
use crate::model::units::count_text;
use crate::model::{Error, ErrorKind, Result};

/// Documents up to which matches are counted.
const COUNT: f64 = 10_000.0;
/// Bytes of a document where the catalogue does not say: least, likely, most.
const DOCUMENT_BYTES: [f64; 3] = [20.0, 500.0, 16_000.0];
/// Microseconds of looking at a document and packing it: least, likely, most.
const USEC: [f64; 3] = [1.0, 5.0, 25.0];

/// What the planner would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Stages {
    /// Every document is looked at.
    scans: bool,
    /// All matches are sorted before the first comes.
    sorts: bool,
}

impl Stages {
    /// Reads a winning plan: stages nest by `inputStage`, `inputStages` and, in newer servers, `queryPlan`.
    fn read(&mut self, stage: &Document) {
        match stage.get_str("stage") {
            Ok("COLLSCAN") => self.scans = true,
            Ok("SORT") => self.sorts = true,
            _ => {}
        }
        for key in ["inputStage", "queryPlan", "outerStage", "innerStage"] {
            stage.get_document(key).into_iter().for_each(|inner| self.read(inner));
        }
        let inner = stage.get_array("inputStages").map(Vec::as_slice).unwrap_or_default();
        inner.iter().filter_map(Bson::as_document).for_each(|inner| self.read(inner));
    }

    fn word(self) -> &'static str {
        match self {
            Self { scans: true, sorts: true } => "full_scan, sorted",
            Self { scans: true, sorts: false } => "full_scan",
            Self { scans: false, sorts: true } => "index, sorted",
            Self { scans: false, sorts: false } => "index",
        }
    }
}

/// The command of a plan, without the database.
fn planned(plan: &ReadPlan) -> Result<Document> {
    let json = plan.steps.first().and_then(|step| step.text.split_once(' ')).map_or("", |(_, json)| json);
    let parsed =
        serde_json::from_str::<serde_json::Value>(json).ok().and_then(|json| Bson::try_from(json).ok());
    match parsed {
        Some(Bson::Document(mut command)) => {
            command.remove("$db");
            Ok(command)
        }
        _ => Err(Error::unexpected("estimate", "a plan without a command")),
    }
}

/// The load of a planned read, unjudged.
pub(super) async fn estimate(source: &MongoSource, ctx: &CallCtx, plan: &ReadPlan) -> Result<LoadEstimate> {
    let stage = "estimate";
    let space = MongoSource::named(stage, &plan.spec.node)?;
    let sizes = source.sizes(ctx, stage, &space).await?;
    let command = planned(plan)?;
    let mut made = LoadEstimate::over(source.capacity.clone());
    made.effects = effects();
    let filter = match command.get_array("pipeline") {
        Ok(stages) => {
            stages.iter().filter_map(Bson::as_document).find_map(|stage| stage.get_document("$match").ok())
        }
        Err(_) => command.get_document("filter").ok(),
    };
    let filter = filter.filter(|filter| !filter.is_empty()).cloned();
    let is_find = command.contains_key("find");
    let mut stages = Stages { scans: !is_find, sorts: !is_find };
    if is_find {
        let mut find = command.clone();
        // How long it may take is said of the explain itself.
        find.remove("maxTimeMS");
        let explain = doc! { "explain": find, "verbosity": "queryPlanner", "maxTimeMS": 1_000 };
        match source.link.run(ctx, stage, &sent::EXPLAIN, &text_of(&space.db, explain), None).await {
            Ok(told) => {
                let winner =
                    told.get_document("queryPlanner").and_then(|told| told.get_document("winningPlan"));
                if let Ok(winner) = winner {
                    stages.read(winner);
                }
            }
            // Whoever may not explain is told the worst.
            Err(error) if error.kind == ErrorKind::Denied => stages = Stages { scans: true, sorts: true },
            Err(error) => return Err(error),
        }
    }
    let Some(count) = sizes.count else {
        made.not_estimable.extend([Dim::RowsReturned, Dim::BytesServer]);
        made.assumptions.push("a view, or a collection whose size the login may not know".to_owned());
        return Ok(capped(made, plan));
    };
    let is_keyset = matches!(plan.spec.continuation, Some(Continuation::Token(_)));
    let matches = match &filter {
        // Behind a key nobody counts: what is left is at most everything.
        Some(_) if is_keyset => [0.0, count, count],
        Some(filter) => source.matches(ctx, &space.db, &space.collection, filter, count).await?,
        None => [count; 3],
    };
    fill(&mut made, plan, &sizes, count, matches, stages, is_find);
    Ok(capped(made, plan))
}

fn fill(
    made: &mut LoadEstimate,
    plan: &ReadPlan,
    sizes: &Sizes,
    count: f64,
    matches: [f64; 3],
    stages: Stages,
    is_find: bool,
) {
    let limit = plan.bounds.rows.map_or(f64::INFINITY, |rows| rows as f64);
    let [lo, mid, hi] = matches.map(|rows| rows.min(limit));
    let catalogued = || Provenance::Catalogued { age_secs: Some(0) };
    let planned = || Provenance::Planned { class: stages.word().to_owned() };
    let source = format!("$collStats: {} documents", count_text(count as u64));
    made.set(Quantity::between(Dim::RowsReturned, lo, mid, hi, catalogued(), source.clone()));

    // A random cursor looks at what it gives, unless the sample is a large part of the collection.
    let is_cheap_sample = !is_find && plan.spec.filter.is_none() && count > 100.0 && limit < count / 20.0;
    let examined = if is_cheap_sample {
        [lo, mid, hi]
    } else if stages.sorts {
        if stages.scans { [count; 3] } else { [matches[0], matches[1], count] }
    } else if matches[2] < count {
        // Where matches are rare, a scan goes on until enough are found.
        let scanned = (count * mid / matches[1].max(1.0)).min(count);
        if stages.scans {
            [lo, scanned, count]
        } else {
            [lo, mid, if matches[0] < matches[2] { count } else { hi }]
        }
    } else {
        [lo, mid, hi]
    };
    let plan_source = format!("{source}, plan: {}", stages.word());
    made.set(Quantity::between(
        Dim::RowsExamined,
        examined[0],
        examined[1],
        examined[2],
        planned(),
        plan_source.clone(),
    ));
    let each = sizes.average.map_or(DOCUMENT_BYTES, |average| [average / 4.0, average, average * 4.0]);
    let bytes = |rows: [f64; 3]| [0, 1, 2].map(|end| rows[end] * each[end] + [0.0, 100.0, 400.0][end]);
    let [lo_bytes, mid_bytes, hi_bytes] = bytes(examined);
    made.set(Quantity::between(
        Dim::BytesServer,
        lo_bytes,
        mid_bytes,
        hi_bytes,
        planned(),
        plan_source.clone(),
    ));
    let wire = bytes([lo, mid, hi]);
    let wire_source = match sizes.average {
        Some(average) => format!("{source}, {average:.0} bytes each"),
        None => format!("{source}, about {} bytes each by guess", DOCUMENT_BYTES[1]),
    };
    let by = if sizes.average.is_some() { catalogued() } else { guessed("bytes of a document") };
    made.set(Quantity::between(Dim::BytesWire, wire[0], wire[1], wire[2], by, wire_source));
    let batches = |rows: f64, bytes: f64| {
        let further = (rows - BATCH.0 as f64).max(0.0) / BATCH.1 as f64;
        1.0 + further.max(bytes / f64::from(1 << 20) - 1.0).max(0.0).ceil()
    };
    made.set(Quantity::between(
        Dim::RoundTrips,
        batches(lo, wire[0]),
        batches(mid, wire[1]),
        batches(hi, wire[2]) + 2.0,
        catalogued(),
        format!("batches of {} to {} documents", BATCH.0, BATCH.1),
    ));
    let usec = [0, 1, 2].map(|end| examined[end] * USEC[end] / 1e6);
    made.set(Quantity::between(
        Dim::Cpu,
        usec[0],
        usec[1],
        usec[2],
        guessed("microseconds of a document"),
        plan_source,
    ));
    if stages.sorts && is_find {
        made.assumptions.push("all matching documents are sorted before the first comes".to_owned());
    }
}

fn capped(mut made: LoadEstimate, plan: &ReadPlan) -> LoadEstimate {
    let caps = [
        (Dim::RowsReturned, plan.bounds.rows.map(|rows| rows as f64), EnforcedBy::Both),
        (Dim::RoundTrips, plan.bounds.requests.map(|requests| requests as f64), EnforcedBy::Client),
        (Dim::BytesWire, plan.bounds.bytes.map(|bytes| bytes as f64), EnforcedBy::Client),
        (Dim::Duration, plan.bounds.seconds, EnforcedBy::Both),
    ];
    for (dim, limit, enforced_by) in caps {
        made.caps.extend(limit.map(|limit| Cap { dim, limit, enforced_by }));
    }
    made
}

fn guessed(rule: &str) -> Provenance {
    Provenance::Guessed { rule: rule.to_owned() }
}

fn effects() -> Vec<Effect> {
    vec![Effect {
        intrusiveness: Intrusiveness::I3,
        what: "a cursor and a session at the server while batches are read".to_owned(),
        who_notices: "whoever looks at open cursors and sessions".to_owned(),
        reversible: "yes".to_owned(),
        cleanup: "the cursor is ended by killCursors, also on cancel; if headwater dies the server ends it after 10 minutes, the session after 30"
            .to_owned(),
    }]
}

impl MongoSource {
    /// How many documents match, by a count that stops early.
    async fn matches(
        &self,
        ctx: &CallCtx,
        db: &str,
        collection: &str,
        filter: &Document,
        count: f64,
    ) -> Result<[f64; 3]> {
        let command = doc! {
            "count": collection, "query": filter.clone(), "limit": COUNT as i64 + 1, "maxTimeMS": LOOK_MS,
        };
        match self.link.ask(ctx, "estimate", &sent::COUNT, db, command).await {
            Ok(told) => match number(&told, "n") {
                Some(found) if found <= COUNT => Ok([found; 3]),
                found => Ok([found.unwrap_or(0.0), (count / 2.0).max(found.unwrap_or(0.0)), count]),
            },
            Err(error) if error.kind == ErrorKind::Timeout => Ok([0.0, count / 10.0, count]),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_read_for_scans_and_sorts_however_deep() {
        let scan = doc! { "stage": "COLLSCAN" };
        let seek = doc! { "stage": "FETCH", "inputStage": { "stage": "IXSCAN", "indexName": "_id_" } };
        for (plan, word) in [
            (seek.clone(), "index"),
            (doc! { "stage": "LIMIT", "inputStage": scan.clone() }, "full_scan"),
            (doc! { "queryPlan": { "stage": "SORT", "inputStage": scan } }, "full_scan, sorted"),
            (
                doc! { "stage": "SORT", "inputStage": { "stage": "OR", "inputStages": [seek] } },
                "index, sorted",
            ),
        ] {
            let mut stages = Stages::default();
            stages.read(&plan);
            assert_eq!(stages.word(), word, "{plan}");
        }
    }
}
