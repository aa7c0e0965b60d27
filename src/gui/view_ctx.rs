//! What panes may see and how they ask: a read-only context and a queue of commands, applied between frames
//! by `apply`. A pane never changes the window itself.

use std::sync::{Arc, Mutex, PoisonError};

use super::command::UiCommand;
use super::theme::Look;
use super::widgets::ToastKind;
use crate::job::{CallCtx, JobId, Jobs, NoRecorder, jobs::Ticket};
use crate::model::Result;
use crate::model::node::NodePath;
use crate::ops::{Opened, Workspace};
use crate::store::settings::Settings;

/// Names an opened source in this window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceId(pub u64);

/// What a pane asks of the window.
#[derive(Clone, Debug)]
pub enum Command {
    /// A command of the table.
    Ui(UiCommand),
    /// Open what a user typed, dropped or picked.
    OpenTarget(String),
    /// Show a node of an opened source in a tab.
    OpenNode {
        /// The source.
        source: SourceId,
        /// The node.
        node: NodePath,
    },
    /// Open a free query on a source.
    OpenQuery(SourceId),
    /// Show what a source, or a part of it, tells of itself.
    Describe {
        /// The source.
        source: SourceId,
        /// The part; the root is the source itself.
        node: NodePath,
    },
    /// Disconnect a source and close its tabs.
    CloseSource(SourceId),
    /// Show or hide the children of a node.
    ToggleNode {
        /// The source.
        source: SourceId,
        /// The node.
        node: NodePath,
    },
    /// Fetch the next page of a node's children.
    MoreChildren {
        /// The source.
        source: SourceId,
        /// The node.
        node: NodePath,
    },
    /// Ask a source again: connect anew, or list anew.
    Retry(SourceId),
    /// Stop a job, here and at the source.
    CancelJob(JobId),
    /// Tell the user something in passing.
    Toast(ToastKind, String),
    /// A step of the first-run checklist is done.
    Tick(&'static str),
    /// Change how the window looks.
    Look(Look),
    /// Open the form of a saved connection, found by its id.
    EditConnection(uuid::Uuid),
    /// Remove a saved connection, found by its id.
    RemoveConnection(uuid::Uuid),
    /// The saved connections are others now.
    ConnectionsChanged,
    /// Save a connection to an opened source under a name.
    SaveConnection {
        /// The source.
        source: SourceId,
        /// The name.
        name: String,
    },
}

/// The queue of commands. Bounded only by what a frame's clicks can ask.
#[derive(Clone, Default)]
pub struct Commands(Arc<Mutex<Vec<Command>>>);

impl Commands {
    /// Asks.
    pub fn send(&self, command: Command) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(command);
    }

    /// Whether nothing is waiting.
    pub fn is_empty(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Takes what was asked.
    pub fn take(&self) -> Vec<Command> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What panes may see.
pub struct ViewCtx<'a> {
    /// Connectors, ledger, saved connections.
    pub workspace: &'a Workspace,
    /// The jobs.
    pub jobs: &'a Jobs,
    /// The settings.
    pub settings: &'a Settings,
    /// Wakes the window.
    pub wake: &'a std::task::Waker,
    /// Where to ask.
    pub commands: &'a Commands,
}

impl ViewCtx<'_> {
    /// Asks the window for something; done before the next frame.
    pub fn send(&self, command: Command) {
        self.commands.send(command);
    }

    /// Starts work on an opened source in the background. Put the ticket into a `Remote`; dropping it cancels.
    pub fn spawn<T, F>(&self, title: impl Into<String>, work: impl FnOnce(CallCtx) -> F) -> Ticket<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        // Statements are recorded by `ops`, read by read; the job itself sends nothing.
        self.jobs.spawn(title, Arc::new(NoRecorder), work)
    }
}

/// An opened source as tabs use it.
#[derive(Clone)]
pub struct OpenSource {
    /// Its id in this window.
    pub id: SourceId,
    /// The live source.
    pub opened: Arc<Opened>,
}
