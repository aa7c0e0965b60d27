//! Optional sides of a source, one accessor each on [`super::Source`]. A facet returns metadata or a
//! plan, never rows. The set is closed at nine; those not yet here (LogPositions, ChangeFeed, KeyDetail,
//! Operations, Inbox, Activity, Lineage) come with the first connector that has them.

use async_trait::async_trait;

use crate::job::CallCtx;
use crate::model::Result;
use crate::model::gate::GateVerdict;
use crate::model::node::{Key, NodePath};

/// Free queries.
pub trait QueryText: Send + Sync {
    /// The language, as a person names it.
    fn language(&self) -> &str;

    /// Whether a text is one statement that only reads. Sends nothing.
    fn gate(&self, text: &str) -> GateVerdict;
}

/// Declared relations.
#[async_trait]
pub trait Relations: Send + Sync {
    /// Foreign keys that point out of a node.
    async fn outgoing(&self, ctx: &CallCtx, at: &NodePath) -> Result<Vec<Key>>;
}
