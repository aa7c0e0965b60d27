//! The way of one read: prepare (plan, estimate, weigh), then read under a permit with the ledger before
//! and after. Everything that reads rows goes through here.

use std::time::Instant;

use super::record::ReadEntry;
use super::{Mount, Opened};
use crate::connector::guard::{self, Need, Override, ReadReport};
use crate::job::{BatchSink, CallCtx};
use crate::model::load::{Dim, LoadEstimate, Verdict};
use crate::model::node::NodePath;
use crate::model::read::{ReadPlan, ReadSpec, Step};
use crate::model::{Error, Result};

/// A read ready to be approved.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The node, as a path of the target.
    pub node: NodePath,
    /// The plan; its spec names the node inside its source.
    pub plan: ReadPlan,
    /// What it would cost, weighed.
    pub estimate: LoadEstimate,
    /// What would let it run; none = it may run as it is.
    pub need: Option<Need>,
}

impl Prepared {
    /// Whether a person should see the load sheet before it runs: anything above light.
    pub fn wants_sheet(&self) -> bool {
        self.need.is_some() || self.estimate.verdict > Verdict::Light
    }
}

/// What a finished read brought, beside its rows.
#[derive(Clone, Debug)]
pub struct Done {
    /// How it went.
    pub report: ReadReport,
    /// The plan that ran.
    pub plan: ReadPlan,
    /// The estimate it ran under.
    pub estimate: LoadEstimate,
}

impl Done {
    /// The error that ended it, if one did.
    pub fn error(&self) -> Option<&Error> {
        self.report.end.as_ref().err()
    }
}

impl Opened {
    /// Plans a read. Sends nothing but planning.
    pub async fn plan(&self, ctx: &CallCtx, spec: ReadSpec) -> Result<(NodePath, ReadPlan)> {
        let node =
            if spec.query.is_some() { spec.node.clone() } else { self.readable(ctx, &spec.node).await? };
        let (mount, inner) = self.locate(&node)?;
        let call = ctx.child(self.recorder(mount));
        let plan = mount.source().plan(&call, ReadSpec { node: inner, ..spec }).await?;
        Ok((node, plan))
    }

    /// Plans, estimates and weighs a read.
    pub async fn prepare(&self, ctx: &CallCtx, spec: ReadSpec) -> Result<Prepared> {
        let (node, mut plan) = self.plan(ctx, spec.clone()).await?;
        let (mount, _) = self.locate(&node)?;
        let call = ctx.child(self.recorder(mount));
        let since = Instant::now();
        let mut estimate = if plan.gate.as_ref().is_some_and(|gate| !gate.is_read()) {
            // What is no read is not even explained.
            LoadEstimate::over(mount.connection().capacity())
        } else {
            mount.source().estimate(&call, &plan).await?
        };
        call.meter().add(Dim::Duration, since.elapsed().as_secs_f64(), "headwater's clock");
        estimate.cost_of_estimating.merge(&call.meter().actual());
        let has_asked = call.meter().actual().value(Dim::RoundTrips).is_some_and(|requests| requests > 0.0);
        if has_asked && plan.steps.iter().any(Step::is_open) {
            // Estimating may have taught what the plan left open: what is shown is what will be sent.
            plan = self.plan(ctx, spec).await?.1;
        }
        self.policy.weigh(&plan, &mut estimate);
        let need = self.policy.need(&plan, &estimate);
        Ok(Prepared { node, plan, estimate, need })
    }

    /// Reads what was prepared, if the policy permits it or `given` overrules it.
    ///
    /// # Errors
    /// `refused` (nothing was sent), or the ledger can't be written (nothing was sent). A read that fails
    /// on the way, or whose end the ledger can't take, is no error here: [`Done::error`] tells, and the rows
    /// that came stay in the sink.
    pub async fn read(
        &self,
        ctx: &CallCtx,
        prepared: Prepared,
        given: Option<&Override>,
        sink: &mut dyn BatchSink,
    ) -> Result<Done> {
        let Prepared { node, plan, estimate, .. } = prepared;
        let (mount, _) = self.locate(&node)?;
        let entry = self.entry(mount, &node, &plan, &estimate);
        let approved = match given {
            Some(given) => self.policy.approve_anyway(plan, estimate.clone(), given),
            None => self.policy.approve(plan, estimate.clone()),
        };
        let permit = match approved {
            Ok(permit) => permit,
            Err(refusal) => {
                self.workspace().ledger_refused(&entry, &refusal).await?;
                return Err(refusal.error());
            }
        };
        let plan = permit.plan().clone();
        let id = self.workspace().ledger_started(&entry, permit.approval()).await?;
        let call = ctx.child(self.workspace().recorder(mount.connection(), Some(id)));
        let mut report = guard::run(&call, mount.source(), permit, sink).await;
        if let Err(error) = self.workspace().ledger_ended(id, &report).await {
            // The entry stays open, a lower bound; what came is not thrown away for it.
            report.end = report.end.and(Err(error));
        }
        Ok(Done { report, plan, estimate })
    }

    fn entry(&self, mount: &Mount, node: &NodePath, plan: &ReadPlan, estimate: &LoadEstimate) -> ReadEntry {
        ReadEntry::new(mount.connection(), node, plan, estimate)
    }
}
