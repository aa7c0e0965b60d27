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
use crate::model::load::Dim;
use crate::model::lost::Findings;
use crate::model::node::NodePath;
use crate::model::read::{Bound, ProfileLevel, ReadEnd, ReadSpec, Sample, SampleMethod, SampleSize, Want};
use crate::model::stats::{Basis, TableProfile};
use crate::model::{Error, ErrorKind, Result};
use crate::profiler::{self, TableProfiler};

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
        let level = match prepared.plan.spec.want {
            Want::Profile(level) => level,
            Want::Rows => {
                return Err(Error::unexpected("profile", "a read of rows was prepared, not a profile"));
            }
        };
        let mut sink = ProfileSink::default();
        let done = self.read(ctx, prepared, given, &mut sink).await?;
        let (state, findings) = sink.end()?;
        if let (Err(error), true) = (&done.report.end, state.rows == 0) {
            return Err(error.clone());
        }
        let mut profile = profiler::finish(&state, basis(level, &done), &done.plan.method);
        profile.findings = findings;
        set_rows(&mut profile, level, &done);
        Ok(Profiled { profile, done })
    }
}

/// What the figures rest on: a whole pass counts exactly, everything else is a sample.
fn basis(level: ProfileLevel, done: &Done) -> Basis {
    match (level, &done.report.end) {
        (ProfileLevel::Catalog, _) => Basis::Estimate,
        (_, Ok(ReadEnd::Complete)) if done.plan.spec.sample.is_none() => Basis::Exact,
        _ => Basis::Sample,
    }
}

/// Rows of the table: counted by a whole pass, else as the estimate knew them.
fn set_rows(profile: &mut TableProfile, level: ProfileLevel, done: &Done) {
    if basis(level, done) == Basis::Exact && level != ProfileLevel::Catalog {
        profile.rows = Some(profile.rows_seen);
        profile.rows_basis = Basis::Exact;
    } else if profile.rows.is_none() {
        let known =
            done.estimate.quantity(Dim::RowsExamined).or_else(|| done.estimate.quantity(Dim::RowsReturned));
        let whole = known.filter(|_| level == ProfileLevel::Catalog);
        profile.rows = whole.map(|quantity| quantity.mid.round() as u64);
        profile.rows_basis = Basis::Estimate;
    }
}

/// Feeds rows to a profiler, or merges states of a native one.
#[derive(Default)]
struct ProfileSink {
    profiler: Option<TableProfiler>,
    state: Option<TableState>,
    findings: Findings,
}

impl ProfileSink {
    fn end(self) -> Result<(TableState, Findings)> {
        let state = match (self.state, self.profiler) {
            (Some(state), _) => state,
            (None, Some(profiler)) => profiler.state(),
            (None, None) => TableState::default(),
        };
        Ok((state, self.findings))
    }
}

#[async_trait]
impl BatchSink for ProfileSink {
    async fn batch(&mut self, batch: Batch) -> Result<Flow> {
        let profiler = self.profiler.get_or_insert_with(|| TableProfiler::new(Arc::clone(&batch.schema)));
        profiler.push(&batch);
        Ok(Flow::More)
    }

    async fn state(&mut self, state: TableState) -> Result<()> {
        self.state = Some(match self.state.take() {
            None => state,
            Some(known) => profiler::merge(&known, &state).map_err(|error| {
                Error::new(
                    ErrorKind::Decode,
                    "profile",
                    format!("column states don't fit each other: {error}"),
                )
            })?,
        });
        Ok(())
    }

    fn findings(&mut self, findings: Findings) {
        self.findings.merge(findings);
    }
}
