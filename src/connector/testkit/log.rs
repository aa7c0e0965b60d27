//! A recorder that remembers, and can refuse.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use crate::job::{Recorder, StatementEnd};
use crate::model::command::EntryId;
use crate::model::error::Retry;
use crate::model::{Error, ErrorKind, Result};

/// A statement that was written down.
#[derive(Clone, Debug, PartialEq)]
pub struct Logged {
    /// The entry named.
    pub entry: EntryId,
    /// The text.
    pub text: String,
    /// Its end; none = it was never told.
    pub end: Option<StatementEnd>,
}

#[derive(Debug, Default)]
struct State {
    logged: Vec<Logged>,
    refuses: bool,
    refused: usize,
}

/// Remembers every statement. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct StatementLog(Arc<Mutex<State>>);

impl StatementLog {
    /// What a refusing log answers.
    pub const REFUSAL: &str = "the test's recorder refuses to write";

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on every start is refused, as by a full disk.
    pub fn refuse(&self) {
        self.lock().refuses = true;
    }

    /// How many starts were refused.
    pub fn refused(&self) -> usize {
        self.lock().refused
    }

    /// Everything written down so far, in order.
    pub fn all(&self) -> Vec<Logged> {
        self.lock().logged.clone()
    }

    /// How many statements were written down so far.
    pub fn count(&self) -> usize {
        self.lock().logged.len()
    }

    /// What was written down after the first `count` statements.
    pub fn since(&self, count: usize) -> Vec<Logged> {
        self.lock().logged.iter().skip(count).cloned().collect()
    }
}

#[async_trait]
impl Recorder for StatementLog {
    async fn started(&self, entry: &EntryId, text: &str) -> Result<u64> {
        let mut state = self.lock();
        if state.refuses {
            state.refused += 1;
            return Err(Error::new(ErrorKind::Budget, "ledger", Self::REFUSAL).retry(Retry::AfterChange));
        }
        state.logged.push(Logged { entry: entry.clone(), text: text.to_owned(), end: None });
        Ok(state.logged.len() as u64 - 1)
    }

    async fn ended(&self, id: u64, end: StatementEnd) -> Result<()> {
        let mut state = self.lock();
        let logged = usize::try_from(id).ok().and_then(|id| state.logged.get_mut(id));
        match logged {
            Some(logged) if logged.end.is_none() => {
                logged.end = Some(end);
                Ok(())
            }
            _ => Err(Error::unexpected("ledger", format!("statement {id} is not open"))),
        }
    }
}
