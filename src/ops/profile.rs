//! Column profiles at four levels: what the catalogue knows, the first rows, a sample, one pass. Sources
//! that profile natively give column states; for all others rows go to the profiler. Both take a permit.

use std::sync::Arc;

use async_trait::async_trait;

use super::Opened;
use super::read::{Done, Prepared};
use crate::connector::guard::Override;
use crate::job::{BatchSink, CallCtx, Flow};
use crate::model::batch::Batch;
use crate::model::column_state::TableState;
use crate::model::lost::Findings;
use crate::model::node::NodePath;
use crate::model::read::{Bound, ProfileLevel, ReadEnd, ReadSpec, Sample, SampleMethod, SampleSize, Want};
use crate::model::stats::{Basis, TableProfile};
use crate::model::{Error, Result};
use crate::profiler::{self, Coverage, TableProfiler};

/// A profile and how it was read.
#[derive(Debug)]
pub struct Profiled {
    /// What was found; of the rows that came, if the read ended early.
    pub profile: TableProfile,
    /// How the read went.
    pub done: Done,
}

impl Opened {
    /// Rows looked at by a head profile.
    pub const HEAD_ROWS: u64 = 1_000;
    /// Rows of a sample profile, if the budget allows twice as many.
    pub const SAMPLE_ROWS: u64 = 10_000;

    /// The read behind a profile of this level: bounds and sample where the user gave none.
    pub fn profile_spec(&self, node: NodePath, level: ProfileLevel) -> ReadSpec {
        self.bounded_for(ReadSpec::profile(node, level), level)
    }

    /// A read of the user's with the level's bounds where none were given.
    pub fn bounded_for(&self, spec: ReadSpec, level: ProfileLevel) -> ReadSpec {
        let mut spec = ReadSpec { want: Want::Profile(level), ..spec };
        match level {
            ProfileLevel::Catalog | ProfileLevel::Scan => {}
            ProfileLevel::Head => spec.bound = spec.bound.tightest(Bound::rows(Self::HEAD_ROWS)),
            ProfileLevel::Sample if spec.sample.is_none() => {
                let left = self.policy.budget().remaining().rows.map_or(u64::MAX, |rows| rows / 2);
                let rows = Self::SAMPLE_ROWS.min(left).max(1);
                spec.sample = Some(Sample { size: SampleSize::Rows(rows), method: SampleMethod::Auto });
            }
            ProfileLevel::Sample => {}
        }
        spec
    }

    /// Rows of the node as its catalogue knows them, where a profile looks at some of them only.
    async fn known_rows(&self, ctx: &CallCtx, prepared: &Prepared) -> Option<u64> {
        let spec = &prepared.plan.spec;
        if spec.query.is_some() || spec.filter.is_some() {
            return None;
        }
        // A catalogue that can't be asked only leaves the number open.
        self.describe(ctx, &prepared.node).await.ok()?.node.rows.map(|rows| rows.value)
    }

    /// Reads a profile.
    ///
    /// # Errors
    /// As [`Opened::read`]; and the read's own error if no row came before it.
    pub async fn profile(
        &self,
        ctx: &CallCtx,
        prepared: Prepared,
        given: Option<&Override>,
    ) -> Result<Profiled> {
        if prepared.plan.spec.want == Want::Rows {
            return Err(Error::unexpected("profile", "a read of rows was prepared, not a profile"));
        }
        let known = self.known_rows(ctx, &prepared).await;
        let mut sink = ProfileSink::default();
        let done = self.read(ctx, prepared, given, &mut sink).await?;
        if let Some(catalog) = sink.catalog.take() {
            return Ok(Profiled { profile: catalog, done });
        }
        let (state, findings) = sink.end();
        if let (Err(error), true) = (&done.report.end, state.rows == 0) {
            return Err(error.clone());
        }
        let profile = profiler::finish(&state, &coverage(&done, state.rows, known), findings)?;
        Ok(Profiled { profile, done })
    }
}

/// Which rows were seen, out of which: a whole pass counts exactly, everything else is a sample of what the
/// estimate knew.
fn coverage(done: &Done, rows_seen: u64, known: Option<u64>) -> Coverage {
    let whole = matches!(done.report.end, Ok(ReadEnd::Complete)) && done.plan.spec.sample.is_none();
    let method = done.plan.method.clone();
    if whole {
        return Coverage { rows: Some(rows_seen), rows_basis: Basis::Exact, seen: Basis::Exact, method };
    }
    Coverage { rows: known, rows_basis: Basis::Estimate, seen: Basis::Sample, method }
}

/// Feeds rows to a profiler, or merges states of a native one.
#[derive(Default)]
struct ProfileSink {
    profiler: Option<TableProfiler>,
    state: Option<TableState>,
    catalog: Option<TableProfile>,
    findings: Findings,
}

impl ProfileSink {
    fn end(self) -> (TableState, Findings) {
        let state = match (self.state, self.profiler) {
            (Some(state), _) => state,
            (None, Some(profiler)) => profiler.state(),
            (None, None) => TableState::default(),
        };
        (state, self.findings)
    }
}

#[async_trait]
impl BatchSink for ProfileSink {
    async fn batch(&mut self, batch: Batch) -> Result<Flow> {
        let profiler = self.profiler.get_or_insert_with(|| TableProfiler::new(Arc::clone(&batch.schema)));
        profiler.push(&batch)?;
        Ok(Flow::More)
    }

    async fn state(&mut self, state: TableState) -> Result<()> {
        self.state = Some(match self.state.take() {
            None => state,
            Some(known) => profiler::merge(&known, &state)?,
        });
        Ok(())
    }

    async fn catalog(&mut self, profile: TableProfile) -> Result<()> {
        self.catalog = Some(profile);
        Ok(())
    }

    fn findings(&mut self, findings: Findings) {
        self.findings.merge(findings);
    }
}
