//! Counts what a call costs while it runs; shared by everything that takes part in it.

use std::sync::{Arc, Mutex, PoisonError};

use crate::model::load::{Coverage, Dim, LoadActual};

/// A shared, growing [`LoadActual`].
#[derive(Clone, Debug, Default)]
pub struct LoadMeter(Arc<Mutex<LoadActual>>);

impl LoadMeter {
    /// Adds a measured amount; `how` names the counter: a server's by name, our socket, our clock.
    pub fn add(&self, dim: Dim, value: f64, how: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).add(dim, value, how, Coverage::Full);
    }

    /// Adds an amount that is at least this much.
    pub fn add_at_least(&self, dim: Dim, value: f64, how: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).add(dim, value, how, Coverage::LowerBound);
    }

    /// What was counted so far.
    pub fn actual(&self) -> LoadActual {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
