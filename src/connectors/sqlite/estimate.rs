//! What a read will cost: query plan × statistics × page counts.

use super::source::SqliteSource;
use crate::job::CallCtx;
use crate::model::Result;
use crate::model::load::{Dim, LoadEstimate, Provenance, Quantity};
use crate::model::read::ReadPlan;

/// The load of a planned read.
pub(super) async fn estimate(source: &SqliteSource, ctx: &CallCtx, plan: &ReadPlan) -> Result<LoadEstimate> {
    let mut estimate = LoadEstimate::over(source.capacity.clone());
    if plan.gate.as_ref().is_some_and(|gate| !gate.is_read()) {
        return Ok(estimate);
    }
    let mut taken = source.link.take(ctx, "estimate").await?;
    let facts = source.catalog.facts(ctx, "estimate", &source.link, &mut taken).await?;
    let file = (facts.pages.saturating_sub(facts.free_pages) * facts.page_bytes) as f64;
    let provenance = Provenance::Guessed { rule: "whole_file".to_owned() };
    estimate.set(Quantity::between(
        Dim::BytesServer,
        0.0,
        file,
        file,
        provenance,
        "pages in use × page size",
    ));
    Ok(estimate)
}
