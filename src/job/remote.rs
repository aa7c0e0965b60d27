//! A value that lives elsewhere: not asked / pending with the previous value / ready / failed with the
//! previous value. Asking every frame is cheap; an old value stays on screen while it is refreshed;
//! dropping it cancels what is pending.

use tokio::sync::oneshot;

use super::jobs::{JobId, Ticket};
use crate::model::{Error, Result};

/// A remote value.
#[derive(Default)]
pub enum Remote<T> {
    /// Nobody asked yet.
    #[default]
    NotAsked,
    /// On its way.
    Pending {
        /// What was known before.
        previous: Option<T>,
        /// The job that fetches it.
        ticket: Ticket<T>,
    },
    /// Here.
    Ready(T),
    /// It failed.
    Failed {
        /// What was known before.
        previous: Option<T>,
        /// Why.
        error: Error,
    },
}

impl<T> Remote<T> {
    /// Takes news in; returns whether something changed.
    pub fn poll(&mut self) -> Change {
        let Self::Pending { previous, ticket } = self else { return Change::Same };
        let result = match ticket.receiver.try_recv() {
            Ok(result) => result,
            Err(oneshot::error::TryRecvError::Empty) => return Change::Same,
            Err(oneshot::error::TryRecvError::Closed) => Err(Error::cancelled("job")),
        };
        *self = match result {
            Ok(value) => Self::Ready(value),
            Err(error) => Self::Failed { previous: previous.take(), error },
        };
        Change::News
    }

    /// Asks (again): the present value becomes the previous one; what was pending is cancelled.
    pub fn ask(&mut self, ticket: Ticket<T>) {
        let previous = std::mem::take(self).into_value();
        *self = Self::Pending { previous, ticket };
    }

    /// The newest value known, even while it is refreshed or after a failure.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::NotAsked => None,
            Self::Pending { previous, .. } | Self::Failed { previous, .. } => previous.as_ref(),
            Self::Ready(value) => Some(value),
        }
    }

    /// The newest value known, taken out.
    pub fn into_value(self) -> Option<T> {
        match self {
            Self::NotAsked => None,
            Self::Pending { previous, .. } | Self::Failed { previous, .. } => previous,
            Self::Ready(value) => Some(value),
        }
    }

    /// The job that fetches it, while pending.
    pub fn job(&self) -> Option<JobId> {
        if let Self::Pending { ticket, .. } = self { Some(ticket.id) } else { None }
    }

    /// Why the last try failed.
    pub fn error(&self) -> Option<&Error> {
        if let Self::Failed { error, .. } = self { Some(error) } else { None }
    }
}

impl<T> From<Result<T>> for Remote<T> {
    fn from(result: Result<T>) -> Self {
        match result {
            Ok(value) => Self::Ready(value),
            Err(error) => Self::Failed { previous: None, error },
        }
    }
}

/// Whether [`Remote::poll`] brought something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing new.
    Same,
    /// Ready or failed just now.
    News,
}
