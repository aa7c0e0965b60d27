//! The one tokio runtime. `block_on` exists here and nowhere else.

use crate::model::{Error, Result};

/// Owner of the runtime.
pub struct Runtime {
    handle: tokio::runtime::Handle,
    /// Taken when it ends.
    owned: Option<tokio::runtime::Runtime>,
}

/// How long work on files may take to end when the program does. A keychain that hangs is left behind.
const ENDING: std::time::Duration = std::time::Duration::from_secs(5);

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
            .map(|runtime| Self { handle: runtime.handle().clone(), owned: Some(runtime) })
            .map_err(|error| Error::io("start", "starting the io threads", &error))
    }

    /// Runs a future to its end on this thread.
    pub fn run<F: std::future::Future>(&self, future: F) -> F::Output {
        self.handle.block_on(future)
    }

    /// Handle for spawning.
    pub fn handle(&self) -> &tokio::runtime::Handle {
        &self.handle
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        if let Some(runtime) = self.owned.take() {
            runtime.shutdown_timeout(ENDING);
        }
    }
}
