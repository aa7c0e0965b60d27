//! The one tokio runtime. `block_on` exists here and nowhere else.

use crate::model::{Error, Result};

/// Owner of the runtime.
pub struct Runtime(tokio::runtime::Runtime);

impl Runtime {
    /// Starts the runtime: two worker threads are enough for polite reading.
    ///
    /// # Errors
    /// If the system gives us no threads.
    pub fn start() -> Result<Self> {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("headwater-io")
            .enable_all()
            .build()
            .map(Self)
            .map_err(|error| Error::io("start", "starting the io threads", &error))
    }

    /// Runs a future to its end on this thread.
    pub fn run<F: std::future::Future>(&self, future: F) -> F::Output {
        self.0.block_on(future)
    }

    /// Handle for spawning.
    pub fn handle(&self) -> &tokio::runtime::Handle {
        self.0.handle()
    }
}
