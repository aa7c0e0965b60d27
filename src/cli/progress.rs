//! Progress on stderr while a verb works: one line, at most four times a second, only on a terminal.

use std::io::{IsTerminal as _, Write as _};

use crate::job::CallCtx;

/// Shows a call's progress until dropped.
pub struct Shown(Option<tokio::task::JoinHandle<()>>);

/// Starts showing the progress of a call.
pub fn show(ctx: &CallCtx) -> Shown {
    if !std::io::stderr().is_terminal() {
        return Shown(None);
    }
    let mut watch = ctx.watch_progress();
    Shown(Some(tokio::spawn(async move {
        while watch.changed().await.is_ok() {
            let progress = watch.borrow_and_update().clone();
            let of = progress.total.map_or_else(String::new, |total| format!(" of {total}"));
            let line = format!("{} {}{of} {}", progress.doing, progress.done, progress.unit);
            drop(write!(std::io::stderr(), "\r\x1b[2K{}", line.chars().take(100).collect::<String>()));
            tokio::time::sleep(std::time::Duration::from_millis(250)).await;
        }
    })))
}

impl Drop for Shown {
    fn drop(&mut self) {
        if let Some(task) = self.0.take() {
            task.abort();
            drop(write!(std::io::stderr(), "\r\x1b[2K"));
        }
    }
}
