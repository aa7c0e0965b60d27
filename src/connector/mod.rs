//! The narrow waist: what a connector must be, what a live source must answer, and the one way a row is
//! read. Everything above (ops, window, headless face) knows sources only through this module;
//! everything below plugs in through it. No downcasts, no `match` on a connector's id.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;

use crate::job::{BatchSink, CallCtx};
use crate::model::Result;
use crate::model::ability::Abilities;
use crate::model::card::Card;
use crate::model::command::CommandEntry;
use crate::model::connection::Connection;
use crate::model::load::LoadEstimate;
use crate::model::node::{Description, NodePage, NodePath, PageRequest};
use crate::model::read::{ReadOutcome, ReadPlan, ReadSpec};
use crate::model::standing::Standing;
use crate::model::tls::Wish;

pub mod facets;
pub mod guard;
pub mod registry;
#[cfg(any(test, feature = "testkit"))]
pub mod testkit;

pub use guard::{Permit, Policy};
pub use registry::Registry;

/// Secrets of a connection by form key. Deliberately neither `Debug` nor `Serialize`.
#[derive(Default)]
pub struct Credentials {
    secrets: BTreeMap<String, secrecy::SecretString>,
}

impl Credentials {
    /// No secrets at all.
    pub fn none() -> Self {
        Self::default()
    }

    /// With one secret more.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, secret: secrecy::SecretString) -> Self {
        self.secrets.insert(key.into(), secret);
        self
    }

    /// The secret of a form key.
    pub fn get(&self, key: &str) -> Option<&secrecy::SecretString> {
        self.secrets.get(key)
    }
}

/// A kind of system Headwater can read; one static value per folder of `connectors/`.
#[async_trait]
pub trait Connector: Send + Sync {
    /// What it says of itself.
    fn card(&self) -> &'static Card;

    /// Everything it can send on its own.
    fn commands(&self) -> &'static [CommandEntry];

    /// What its sources can do before grants and version narrow it.
    fn abilities(&self) -> Abilities;

    /// Whether a text in the connector's query language is one statement that only reads, judged offline by
    /// shipped lists of built-ins; none = it has no query language. Sends nothing.
    fn gate(&self, _text: &str) -> Option<crate::model::gate::GateVerdict> {
        None
    }

    /// The TLS that a connection speaks, for a look at it on the way; none = it speaks none.
    ///
    /// # Errors
    /// `invalid` for values that make no sense.
    fn tls(&self, _connection: &Connection) -> Result<Option<Wish>> {
        Ok(None)
    }

    /// Connects, read-only.
    ///
    /// - sends only what the command table lists, recorded through `ctx`;
    /// - leaves nothing at the source when it fails;
    /// - errors: `unreachable`, `denied`, `not_found`, `invalid`, `decode`, `unsupported`.
    async fn connect(
        &self,
        ctx: &CallCtx,
        connection: &Connection,
        credentials: &Credentials,
    ) -> Result<Arc<dyn Source>>;
}

/// One live source. Context first; every statement goes through [`CallCtx::statement`].
#[async_trait]
pub trait Source: Send + Sync {
    /// What it can do, as connected.
    fn abilities(&self) -> &Abilities;

    /// One page of the children of a node.
    ///
    /// - lazy: costs what a catalogue look-up costs, whatever the size of what lies below;
    /// - at most `page.size` nodes, `next` until all were given; no node twice while nothing changes;
    /// - a node that is not there is `not_found`; a node without children gives an empty page.
    async fn children(&self, ctx: &CallCtx, at: &NodePath, page: &PageRequest) -> Result<NodePage>;

    /// Everything known of a node without reading its rows.
    ///
    /// - sizes carry their provenance; what is unknown is absent, never 0;
    /// - where no columns are declared, a few rows may be looked at under [`Permit::for_probe`], once;
    /// - a node that is not there is `not_found`.
    async fn describe(&self, ctx: &CallCtx, at: &NodePath) -> Result<Description>;

    /// How it would do a read.
    ///
    /// - sends nothing but planning; reads no row (but for that look at columns nobody declared);
    /// - resolves every choice (`Auto` sample methods, missing bounds) in the plan's own spec;
    /// - says with [`crate::model::ability::Support`] which parts it does itself; the rest is done by
    ///   [`guard::run`] in the fetched rows;
    /// - a query text passes the gate: its verdict is in the plan, an unknown column is `invalid`.
    async fn plan(&self, ctx: &CallCtx, spec: ReadSpec) -> Result<ReadPlan>;

    /// What the read would cost, unjudged ([`guard::Policy::weigh`] judges).
    ///
    /// - at most one probe, under [`Permit::for_probe`]; never a scan;
    /// - upper ends hold in ≥ 90 % of reads; what cannot be bounded is `not_estimable`.
    async fn estimate(&self, ctx: &CallCtx, plan: &ReadPlan) -> Result<LoadEstimate>;

    /// Reads. The permit is consumed.
    ///
    /// - sends the plan's steps and nothing else;
    /// - stops at the permit's bounds by itself where it can;
    /// - registers [`CallCtx::on_cancel`] before sending; when cancelled, gives `cancelled` and keeps the
    ///   rows already pushed;
    /// - counts what it cost through [`CallCtx::meter`] while it reads.
    async fn read(&self, ctx: &CallCtx, permit: Permit, sink: &mut dyn BatchSink) -> Result<ReadOutcome>;

    /// What the server says of itself and of this login; nothing known unless told.
    ///
    /// - one round trip where that can be; what it does not tell is absent.
    async fn standing(&self, _ctx: &CallCtx) -> Result<Standing> {
        Ok(Standing::default())
    }

    /// Free queries in the source's own language.
    fn query_text(&self) -> Option<&dyn facets::QueryText> {
        None
    }

    /// Declared relations between its nodes.
    fn relations(&self) -> Option<&dyn facets::Relations> {
        None
    }
}
