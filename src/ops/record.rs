//! From calls to the ledger: statements through the call context's recorder, reads with their estimate.

use async_trait::async_trait;

use crate::job::{Recorder, StatementEnd};
use crate::model::Result;
use crate::model::command::EntryId;
use crate::model::connection::Connection;
use crate::model::load::LoadEstimate;
use crate::model::node::NodePath;
use crate::model::read::{ReadPlan, Want};
use crate::store::ledger::{Ledger, NewRead, NewStatement, ReadId, StatementEnding, StatementId};

/// Writes statements of one connection into the ledger.
pub struct LedgerRecorder {
    ledger: Ledger,
    connection: Connection,
    read: Option<ReadId>,
}

impl LedgerRecorder {
    /// A recorder for a connection, as part of a read where one is named.
    pub fn new(ledger: Ledger, connection: Connection, read: Option<ReadId>) -> Self {
        Self { ledger, connection, read }
    }
}

#[async_trait]
impl Recorder for LedgerRecorder {
    async fn started(&self, entry: &EntryId, text: &str) -> Result<u64> {
        let statement = NewStatement { read: self.read, connection: &self.connection, entry, text };
        let id = self.ledger.start_statement(statement).await?;
        Ok(id.0.cast_unsigned())
    }

    async fn ended(&self, id: u64, end: StatementEnd) -> Result<()> {
        let ending = match end {
            StatementEnd::Done { rows, seconds } => StatementEnding::Done { rows, seconds },
            StatementEnd::Failed { why } => StatementEnding::Failed { why },
            StatementEnd::Cancelled => StatementEnding::Cancelled,
        };
        self.ledger.end_statement(StatementId(id.cast_signed()), &ending).await
    }
}

/// What the ledger keeps of a read before it starts.
#[derive(Clone, Debug)]
pub struct ReadEntry {
    connection: Connection,
    node: NodePath,
    want: Want,
    statements: Vec<String>,
    estimate: LoadEstimate,
}

impl ReadEntry {
    /// The entry of a plan.
    pub fn new(connection: &Connection, node: &NodePath, plan: &ReadPlan, estimate: &LoadEstimate) -> Self {
        Self {
            connection: connection.clone(),
            node: node.clone(),
            want: plan.spec.want,
            statements: plan.steps.iter().map(|step| step.text.clone()).collect(),
            estimate: estimate.clone(),
        }
    }

    pub(super) fn as_new(&self) -> NewRead<'_> {
        NewRead {
            connection: &self.connection,
            node: &self.node,
            want: self.want,
            statements: &self.statements,
            estimate: &self.estimate,
        }
    }
}
