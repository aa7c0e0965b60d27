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

/// Rows of the sample that is offered.
const SAMPLE_ROWS: u64 = 2_000;

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
        Ok(found)
    }
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
    let sample = Some(Sample { size: SampleSize::Rows(SAMPLE_ROWS), method: SampleMethod::Auto });
    let sampled = ReadSpec { order: Vec::new(), sample, bound: Bound::rows(SAMPLE_ROWS), ..spec.clone() };
    let head = ReadSpec {
        sample: None,
        order: Vec::new(),
        bound: Bound::rows(ReadSpec::PREVIEW_ROWS),
        ..spec.clone()
    };
    let sample_title = format!("A sample of {} rows", count_text(SAMPLE_ROWS));
    match asked.want {
        Want::Rows => {
            let mut ways =
                vec![(sample_title, sampled), (format!("The first {} rows", ReadSpec::PREVIEW_ROWS), head)];
            if asked.sample.is_some() {
                ways.remove(0);
            }
            ways
        }
        Want::Profile(_) => vec![
            (sample_title, ReadSpec { want: Want::Profile(ProfileLevel::Sample), ..sampled }),
            (
                "What the catalogue already knows".to_owned(),
                ReadSpec {
                    sample: None,
                    bound: Bound::default(),
                    want: Want::Profile(ProfileLevel::Catalog),
                    ..spec
                },
            ),
        ],
    }
}
