//! What a user can do, written once for all sources: open, browse, describe, plan, estimate, preview,
//! profile, export, look into the ledger. Both faces call these and add nothing but drawing.
//!
//! A target may hold several sources (the demo holds a database and a feed): each is a [`Mount`] under a
//! name of its own, and paths outside a mount begin with that name. One budget serves the whole target.

use std::sync::Arc;

use crate::connector::{Connector, Policy, Registry, Source};
use crate::job::{CallCtx, Recorder};
use crate::model::ability::Abilities;
use crate::model::connection::{Connection, Tier};
use crate::model::node::{NodePath, PageRequest};
use crate::model::{Error, ErrorKind, Result};

mod address;
pub mod browse;
pub mod cheaper;
pub mod check;
pub mod demo;
pub mod draft;
pub mod export;
pub mod preview;
pub mod profile;
pub mod read;
pub mod record;
pub mod share;
pub mod target;
pub mod workspace;

pub use target::Target;
pub use workspace::Workspace;

/// One source inside an opened target.
pub struct Mount {
    /// First segment of its paths; none if it is the only source and its paths are the target's.
    name: Option<String>,
    connector: &'static dyn Connector,
    connection: Connection,
    source: Arc<dyn Source>,
}

impl Mount {
    /// The connector behind it.
    pub fn connector(&self) -> &'static dyn Connector {
        self.connector
    }

    /// The live source.
    pub fn source(&self) -> &dyn Source {
        &*self.source
    }

    /// The connection it was made from.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The source itself, as a path of the target.
    pub fn path(&self) -> NodePath {
        self.outer(&NodePath::root())
    }

    /// A path of the source as a path of the target.
    fn outer(&self, inner: &NodePath) -> NodePath {
        NodePath::of(self.name.iter().chain(inner.segments()).cloned())
    }
}

/// A target with its live sources. Cheap to share; dropping the last one disconnects.
pub struct Opened {
    /// The user's name of it.
    pub name: String,
    /// Environment.
    pub tier: Tier,
    /// Decides which reads may run; holds the session's budget.
    pub policy: Policy,
    mounts: Vec<Mount>,
    workspace: Workspace,
}

impl Opened {
    /// Opens a target: connects every source of it, read-only.
    pub async fn open(ctx: &CallCtx, workspace: &Workspace, target: &Target) -> Result<Arc<Self>> {
        let first =
            target.parts.first().ok_or_else(|| Error::unexpected("connect", "a target without a source"))?;
        let (tier, budget) = (first.connection.tier, first.connection.session_budget());
        let mut mounts = Vec::with_capacity(target.parts.len());
        for part in &target.parts {
            let connector = workspace.registry().by_id(&part.connection.connector)?;
            let recorder = workspace.recorder(&part.connection, None);
            let call = ctx.child(recorder);
            let credentials = workspace.credentials(&part.connection).await?;
            let source = connector.connect(&call, &part.connection, &credentials).await?;
            mounts.push(Mount {
                name: part.mount.clone(),
                connector,
                connection: part.connection.clone(),
                source,
            });
        }
        let policy = Policy::new(tier, crate::connector::guard::SessionBudget::new(budget));
        Ok(Arc::new(Self { name: target.name.clone(), tier, policy, mounts, workspace: workspace.clone() }))
    }

    /// Its sources.
    pub fn mounts(&self) -> &[Mount] {
        &self.mounts
    }

    /// The workspace it was opened in.
    pub fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    /// The source that holds a path, and the path inside it.
    pub fn locate(&self, at: &NodePath) -> Result<(&Mount, NodePath)> {
        if let [only] = self.mounts.as_slice()
            && only.name.is_none()
        {
            return Ok((only, at.clone()));
        }
        let (first, rest) = at.segments().split_first().ok_or_else(|| {
            Error::new(ErrorKind::Invalid, "browse", format!("{} holds several sources", self.name))
                .hint("name one of them: `headwater ls` lists them")
        })?;
        let mount = self
            .mounts
            .iter()
            .find(|mount| mount.name.as_ref() == Some(first))
            .ok_or_else(|| Error::not_found("browse", format_args!("{first:?}")))?;
        Ok((mount, NodePath::of(rest.iter().cloned())))
    }

    /// What the source that holds a path can do.
    pub fn abilities(&self, at: &NodePath) -> Result<&Abilities> {
        Ok(self.locate(at)?.0.source().abilities())
    }

    /// The node a read is meant for: the path itself, or the only readable one below it.
    pub async fn readable(&self, ctx: &CallCtx, at: &NodePath) -> Result<NodePath> {
        if self.mounts.len() > 1 && at.is_root() {
            return Err(Error::new(
                ErrorKind::Invalid,
                "browse",
                format!("{} holds several sources", self.name),
            )
            .hint("name a node: `headwater ls` lists them"));
        }
        let (mount, inner) = self.locate(at)?;
        if !inner.is_root() {
            return Ok(at.clone());
        }
        let call = ctx.child(self.recorder(mount));
        let page = mount.source().children(&call, &inner, &PageRequest { token: None, size: 2 }).await?;
        match page.nodes.as_slice() {
            [only] if only.readable => Ok(mount.outer(&only.path)),
            [] => {
                Err(Error::new(ErrorKind::NotFound, "browse", format!("{} holds nothing to read", self.name)))
            }
            _ => Err(Error::new(
                ErrorKind::Invalid,
                "browse",
                format!("{} holds more than one node", self.name),
            )
            .hint("name a node: `headwater ls` lists them")),
        }
    }

    fn recorder(&self, mount: &Mount) -> Arc<dyn Recorder> {
        self.workspace.recorder(&mount.connection, None)
    }
}

/// The connectors of this build.
pub fn registry() -> Registry {
    crate::connectors::registry()
}
