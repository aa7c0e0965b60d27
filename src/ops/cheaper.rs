//! Cheaper ways to much the same answer, each with a verdict of its own, for the load sheet and for what a
//! refusal suggests.

use super::Opened;
use super::read::Prepared;
use crate::job::CallCtx;
use crate::model::read::{Bound, ProfileLevel, ReadSpec, Sample, SampleMethod, SampleSize, Want};
use crate::model::units::count_text;
use crate::model::{ErrorKind, Result};

/// A cheaper way.
#[derive(Clone, Debug)]
pub struct Cheaper {
    /// What it is, in words.
    pub title: String,
    /// The read, prepared.
    pub prepared: Prepared,
}

/// Rows of the samples that are offered.
const SAMPLE_ROWS: [u64; 2] = [2_000, 500];

impl Opened {
    /// Cheaper ways than `prepared`, cheapest verdict first. Costs one plan and one estimate each.
    pub async fn cheaper(&self, ctx: &CallCtx, prepared: &Prepared) -> Result<Vec<Cheaper>> {
        let mut found = Vec::new();
        for (title, spec) in candidates(prepared) {
            match self.prepare(ctx, spec).await {
                Ok(way) if way.need.is_none() && way.estimate.verdict < prepared.estimate.verdict => {
                    found.push(Cheaper { title, prepared: way });
                }
                // A way the source does not have is no cheaper way.
                Ok(_) => {}
                Err(error) if matches!(error.kind, ErrorKind::Unsupported | ErrorKind::Invalid) => {}
                Err(error) => return Err(error),
            }
        }
        found.sort_by_key(|way| way.prepared.estimate.verdict);
        drop_weaker_samples(&mut found);
        Ok(found)
    }
}

/// A smaller sample is only worth showing where it is cheaper than the larger one.
fn drop_weaker_samples(found: &mut Vec<Cheaper>) {
    let rows = |way: &Cheaper| way.prepared.plan.spec.sample.and(way.prepared.plan.bounds.rows);
    let known =
        found.iter().filter_map(|way| Some((rows(way)?, way.prepared.estimate.verdict))).collect::<Vec<_>>();
    found.retain(|way| {
        rows(way).is_none_or(|rows| {
            !known.iter().any(|(more, verdict)| *more > rows && *verdict <= way.prepared.estimate.verdict)
        })
    });
}

fn candidates(prepared: &Prepared) -> Vec<(String, ReadSpec)> {
    let asked = &prepared.plan.spec;
    let spec = ReadSpec { node: prepared.node.clone(), continuation: None, ..asked.clone() };
    if asked.query.is_some() {
        return vec![(
            format!("The first {} rows of the query", ReadSpec::PREVIEW_ROWS),
            ReadSpec { bound: Bound::rows(ReadSpec::PREVIEW_ROWS), ..spec },
        )];
    }
    let sampled = SAMPLE_ROWS.map(|rows| {
        let sample = Some(Sample { size: SampleSize::Rows(rows), method: SampleMethod::Auto });
        let sampled = ReadSpec { order: Vec::new(), sample, bound: Bound::rows(rows), ..spec.clone() };
        (format!("A sample of {} rows", count_text(rows)), sampled)
    });
    let head = ReadSpec {
        sample: None,
        order: Vec::new(),
        bound: Bound::rows(ReadSpec::PREVIEW_ROWS),
        ..spec.clone()
    };
    match asked.want {
        Want::Rows => {
            let mut ways = if asked.sample.is_some() { Vec::new() } else { Vec::from(sampled) };
            ways.push((format!("The first {} rows", ReadSpec::PREVIEW_ROWS), head));
            ways
        }
        Want::Profile(_) => {
            let mut ways = Vec::from(sampled.map(|(title, sampled)| {
                (title, ReadSpec { want: Want::Profile(ProfileLevel::Sample), ..sampled })
            }));
            ways.push((
                "What the catalogue already knows".to_owned(),
                ReadSpec {
                    sample: None,
                    bound: Bound::default(),
                    want: Want::Profile(ProfileLevel::Catalog),
                    ..spec
                },
            ));
            ways
        }
    }
}
