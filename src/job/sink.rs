//! Where a source puts what it reads. Sinks are told to stop by [`Flow::Enough`]; back-pressure is the
//! `await` itself.

use async_trait::async_trait;

use crate::model::batch::Batch;
use crate::model::column_state::TableState;
use crate::model::lost::Findings;
use crate::model::stats::TableProfile;
use crate::model::{Error, ErrorKind, Result};

/// Whether the sink wants more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    More,
    /// Stop: enough.
    Enough,
}

/// Takes rows, column states and findings.
#[async_trait]
pub trait BatchSink: Send {
    /// Takes rows. An error ends the read; rows taken before stay.
    async fn batch(&mut self, batch: Batch) -> Result<Flow>;

    /// Takes the column states of a native profile.
    async fn state(&mut self, _state: TableState) -> Result<()> {
        Err(Error::new(ErrorKind::Unsupported, "read", "this sink takes rows, not column states"))
    }

    /// Takes a profile that the source's catalogue already knew.
    async fn catalog(&mut self, _profile: TableProfile) -> Result<()> {
        Err(Error::new(ErrorKind::Unsupported, "read", "this sink takes rows, not a catalogue profile"))
    }

    /// Takes what was lost or disagrees.
    fn findings(&mut self, findings: Findings);
}

/// A sink that keeps everything: for small reads and tests.
#[derive(Debug, Default)]
pub struct Collected {
    /// The rows.
    pub batches: Vec<Batch>,
    /// The column states, if a profile was read.
    pub state: Option<TableState>,
    /// The catalogue's profile, if one was read.
    pub catalog: Option<TableProfile>,
    /// What was lost.
    pub findings: Findings,
}

impl Collected {
    /// Rows in all batches.
    pub fn row_count(&self) -> usize {
        self.batches.iter().map(Batch::row_count).sum()
    }
}

#[async_trait]
impl BatchSink for Collected {
    async fn batch(&mut self, batch: Batch) -> Result<Flow> {
        self.batches.push(batch);
        Ok(Flow::More)
    }

    async fn state(&mut self, state: TableState) -> Result<()> {
        self.state = Some(state);
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
