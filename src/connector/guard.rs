//! The guard: nothing reads a row without a [`Permit`], and only a [`Policy`] makes one. The policy weighs
//! an estimate against the connection's budget and tier; an override needs a reason and lands in the
//! ledger. [`run()`] is the one way a permit is spent: it holds the bounds in the sink, finishes in the
//! fetched rows what the source does not do itself, and charges the session.

use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

use crate::model::connection::Tier;
use crate::model::load::{self, Dim, LoadActual, LoadEstimate, Verdict};
use crate::model::read::{Approval, Bound, ReadPlan};
use crate::model::units::{bytes_text, count_text, seconds_text};
use crate::model::{Error, ErrorKind};

mod run;
mod sort;

pub use run::{ReadReport, run};

/// What one session may still take from a connection. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct SessionBudget(Arc<Mutex<Account>>);

#[derive(Debug, Default)]
struct Account {
    limit: Bound,
    spent: Spent,
}

/// What a session took so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spent {
    /// Rows.
    pub rows: u64,
    /// Bytes: the larger of what the source read and what came to us.
    pub bytes: u64,
    /// Seconds.
    pub seconds: f64,
    /// Statements or requests.
    pub requests: u64,
}

impl SessionBudget {
    /// A budget of these limits.
    pub fn new(limit: Bound) -> Self {
        Self(Arc::new(Mutex::new(Account { limit, spent: Spent::default() })))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Account> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The limits.
    pub fn limit(&self) -> Bound {
        self.lock().limit
    }

    /// What was taken.
    pub fn spent(&self) -> Spent {
        self.lock().spent
    }

    /// What is left.
    pub fn remaining(&self) -> Bound {
        let account = self.lock();
        let (limit, spent) = (account.limit, account.spent);
        Bound {
            rows: limit.rows.map(|rows| rows.saturating_sub(spent.rows)),
            bytes: limit.bytes.map(|bytes| bytes.saturating_sub(spent.bytes)),
            seconds: limit.seconds.map(|seconds| (seconds - spent.seconds).max(0.0)),
            requests: limit.requests.map(|requests| requests.saturating_sub(spent.requests)),
        }
    }

    /// Takes what a read did cost.
    pub fn charge(&self, actual: &LoadActual) {
        let value = |dim| actual.value(dim).unwrap_or(0.0).max(0.0);
        let mut account = self.lock();
        account.spent.rows += value(Dim::RowsReturned) as u64;
        account.spent.bytes += value(Dim::BytesServer).max(value(Dim::BytesWire)) as u64;
        account.spent.seconds += value(Dim::Duration);
        account.spent.requests += value(Dim::RoundTrips) as u64;
    }
}

/// The right to run one plan within bounds. Consumed by reading.
#[derive(Debug)]
pub struct Permit {
    plan: ReadPlan,
    bounds: Bound,
    approval: Approval,
    budget: SessionBudget,
}

impl Permit {
    /// What a probe may take at most: no reading of a user's, so it must stay unnoticeable.
    pub const PROBE: Bound =
        Bound { rows: Some(1_000), bytes: Some(2 << 20), seconds: Some(0.05), requests: Some(1) };

    /// The right to a probe: one hard-capped look that an estimate needs.
    pub fn for_probe(plan: ReadPlan) -> Self {
        let bounds = plan.bounds.tightest(Self::PROBE);
        Self { plan, bounds, approval: Approval::Probe, budget: SessionBudget::default() }
    }

    /// The plan.
    pub fn plan(&self) -> &ReadPlan {
        &self.plan
    }

    /// The bounds that hold: the plan's, tightened by what the session may still take.
    pub fn bounds(&self) -> Bound {
        self.bounds
    }

    /// Why it may run.
    pub fn approval(&self) -> &Approval {
        &self.approval
    }
}

/// A reason given for a read that the policy stopped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Override {
    /// The reason, as typed; must not be empty.
    pub reason: String,
    /// The object's name, as typed; needed for a dangerous read.
    pub node_name: Option<String>,
}

/// What would let a stopped read run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "need")]
pub enum Need {
    /// A reason.
    Reason,
    /// The object's name typed, and a reason.
    NodeName {
        /// The name to type.
        name: String,
    },
    /// Nothing: it is no read, and no reason makes it one.
    Nothing,
}

/// A read that was stopped before anything was sent. Holds the plan and its estimate, so that an override
/// or a cheaper way can go on from here.
#[derive(Debug)]
pub struct Refusal {
    /// The plan.
    pub plan: ReadPlan,
    /// Its estimate, weighed.
    pub estimate: LoadEstimate,
    /// What would let it run.
    pub need: Need,
}

impl Refusal {
    /// The refusal as an error: why, and what to do next.
    pub fn error(&self) -> Error {
        let why = match (&self.need, &self.plan.gate) {
            (Need::Nothing, Some(gate)) => format!("the gate says {}: {}", gate.word(), gate.why()),
            _ => format!(
                "the read would be {}: {}",
                self.estimate.verdict.word(),
                self.estimate.reasons.join("; ")
            ),
        };
        let hint = match &self.need {
            Need::Reason => {
                "take a sample or a smaller limit, or give a reason with --approve \"reason\"".to_owned()
            }
            Need::NodeName { name } => {
                format!(
                    "take a sample or a smaller limit, or type the name: --approve-node {name} --approve \"reason\""
                )
            }
            Need::Nothing => "only single statements that read are sent; rewrite it as one SELECT".to_owned(),
        };
        Error::new(ErrorKind::Refused, "approve", why)
            .hint(hint)
            .retry(crate::model::error::Retry::AfterChange)
    }
}

/// Decides which reads may run on one connection.
#[derive(Clone, Debug)]
pub struct Policy {
    tier: Tier,
    budget: SessionBudget,
}

impl Policy {
    /// The policy of a tier over a session's budget.
    pub fn new(tier: Tier, budget: SessionBudget) -> Self {
        Self { tier, budget }
    }

    /// What the session may take.
    pub fn budget(&self) -> &SessionBudget {
        &self.budget
    }

    /// Judges an estimate: sets its verdict and reasons, the session's budget included.
    pub fn weigh(&self, plan: &ReadPlan, estimate: &mut LoadEstimate) {
        let over = self.over_budget(plan, estimate);
        load::judge(estimate, over);
    }

    /// The budget that the read would exceed, in words.
    fn over_budget(&self, plan: &ReadPlan, estimate: &LoadEstimate) -> Option<String> {
        let left = self.budget.remaining();
        let hi = |dim| estimate.quantity(dim).map(|quantity| quantity.hi);
        let larger = |a: Option<f64>, b: Option<f64>| a.into_iter().chain(b).reduce(f64::max);
        let rows_kept =
            hi(Dim::RowsReturned).map(|rows| plan.bounds.rows.map_or(rows, |bound| rows.min(bound as f64)));
        let checks: [Check; 4] = [
            (rows_kept, left.rows.map(|rows| rows as f64), |rows| {
                format!("{} rows", count_text(rows as u64))
            }),
            (
                larger(hi(Dim::BytesServer), hi(Dim::BytesWire)),
                left.bytes.map(|bytes| bytes as f64),
                bytes_text,
            ),
            (hi(Dim::Duration), left.seconds, seconds_text),
            (hi(Dim::RoundTrips), left.requests.map(|requests| requests as f64), |requests| {
                format!("{requests:.0} requests")
            }),
        ];
        checks.into_iter().find_map(|(wanted, left, text)| match (wanted, left) {
            (Some(wanted), Some(left)) if wanted > left => {
                Some(format!("up to {} where the session's budget has {} left", text(wanted), text(left)))
            }
            _ => None,
        })
    }

    /// What a weighed estimate needs here; none = it may run.
    pub fn need(&self, plan: &ReadPlan, estimate: &LoadEstimate) -> Option<Need> {
        if plan.gate.as_ref().is_some_and(|gate| !gate.is_read()) {
            return Some(Need::Nothing);
        }
        match estimate.verdict {
            Verdict::Negligible | Verdict::Light | Verdict::Noticeable => None,
            Verdict::Unknown if self.tier < Tier::Prod => None,
            Verdict::Unknown | Verdict::Heavy => Some(Need::Reason),
            Verdict::Dangerous => Some(Need::NodeName { name: object_name(plan) }),
        }
    }

    /// Permits a read that is cheap enough.
    ///
    /// # Errors
    /// The [`Refusal`], with what would let it run. Nothing was sent.
    pub fn approve(&self, plan: ReadPlan, mut estimate: LoadEstimate) -> Result<Permit, Box<Refusal>> {
        self.weigh(&plan, &mut estimate);
        match self.need(&plan, &estimate) {
            None => {
                let bounds = plan.bounds.tightest(self.budget.remaining());
                Ok(Permit { plan, bounds, approval: Approval::Policy, budget: self.budget.clone() })
            }
            Some(need) => Err(Box::new(Refusal { plan, estimate, need })),
        }
    }

    /// Permits a read on the strength of a reason (and of the object's name, where dangerous).
    ///
    /// # Errors
    /// The [`Refusal`] again, if the override does not give what is needed.
    pub fn approve_anyway(
        &self,
        plan: ReadPlan,
        mut estimate: LoadEstimate,
        given: &Override,
    ) -> Result<Permit, Box<Refusal>> {
        self.weigh(&plan, &mut estimate);
        let need = self.need(&plan, &estimate);
        let reasoned = !given.reason.trim().is_empty();
        let met = match &need {
            None => true,
            Some(Need::Reason) => reasoned,
            Some(Need::NodeName { name }) => reasoned && given.node_name.as_deref() == Some(name.as_str()),
            Some(Need::Nothing) => false,
        };
        match need {
            Some(need) if !met => Err(Box::new(Refusal { plan, estimate, need })),
            _ => {
                let approval = match need {
                    None => Approval::Policy,
                    Some(_) => Approval::Override { reason: given.reason.trim().to_owned() },
                };
                let bounds = plan.bounds;
                Ok(Permit { plan, bounds, approval, budget: self.budget.clone() })
            }
        }
    }
}

/// What a read wants, what is left, and how either reads.
type Check = (Option<f64>, Option<f64>, fn(f64) -> String);

/// The name that must be typed for a dangerous read: the node's, or `query` for a free query.
fn object_name(plan: &ReadPlan) -> String {
    if plan.spec.query.is_some() || plan.spec.node.is_root() {
        "query".to_owned()
    } else {
        plan.spec.node.name().to_owned()
    }
}
