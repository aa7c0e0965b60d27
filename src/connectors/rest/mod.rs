//! REST: any API that gives rows as JSON over HTTP, page by page.
//!
//! The way of a page: the client of `kit::http` asks for it and spools the body unread (`fetch`); the worker
//! unpacks it, finds its rows and columns and gives batches ([`parse`], `json`, `envelope`); what it said beside
//! its rows tells where the next page is (`paging`) and teaches the next plan and estimate (`learned`).
//!
//! Invariants: nothing is asked but HEAD and GET of the resources of the connection and of the links they give ·
//! columns are only ever added · a read never gives a row twice unless the server does · credentials stay with
//! the base URL's origin.

use std::sync::Arc;

use async_trait::async_trait;

mod commands;
mod describe;
mod envelope;
mod estimate;
mod fetch;
mod learned;
mod options;
mod paging;
pub mod parse;
mod plan;
mod source;

use self::source::RestSource;
use crate::connector::{Connector, Credentials, Source};
use crate::job::CallCtx;
use crate::kit::http::{Http, Trust};
use crate::kit::tls;
use crate::model::Result;
use crate::model::ability::{Abilities, CancelReach, CostClass, Support};
use crate::model::card::{Card, Family, Form};
use crate::model::command::CommandEntry;
use crate::model::connection::Connection;

/// Id of this connector and of its parser.
pub(crate) const ID: &str = "rest";

static CARD: Card = Card {
    id: ID,
    name: "REST API",
    family: Family::Api,
    summary: "rows that an HTTP API gives as JSON, page by page",
    schemes: &["rest+https", "rest+http"],
    extensions: &[],
    magic: &[],
    form: Form { fields: options::FIELDS },
    docs: include_str!("docs.md"),
    facts: include_str!("facts.toml"),
};

fn abilities() -> Abilities {
    Abilities {
        pushdown: plan::PUSHDOWN,
        exact_count: CostClass::Scan,
        // Pages may shift while others write.
        stable_paging: Support::None,
        native_profile: Support::None,
        catalog_profile: Support::None,
        cancel: CancelReach::LocalOnly,
        snapshot: Support::None,
        side_effects: vec!["each request counts against the quota of the login".to_owned()],
        page_cap_rows: None,
        rate_limit_per_sec: None,
        query_language: None,
    }
}

/// The connector.
pub struct Rest;

#[async_trait]
impl Connector for Rest {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn commands(&self) -> &'static [CommandEntry] {
        commands::COMMANDS
    }

    fn abilities(&self) -> Abilities {
        abilities()
    }

    async fn connect(
        &self,
        ctx: &CallCtx,
        connection: &Connection,
        credentials: &Credentials,
    ) -> Result<Arc<dyn Source>> {
        let mut settings = options::settings(connection)?;
        let login = options::login(connection, credentials)?;
        settings.login = options::login_phrase(&login);
        let capacity = connection.capacity();
        // Half of what it bears, and never more than its own headers grant.
        let per_sec = capacity.requests_per_sec / 2.0;
        let trust = match connection.filled(tls::AUTHORITY) {
            Some(path) => Trust::Authority(tls::authority("connect", path).await?),
            None => Trust::System,
        };
        let http = Http::new("connect", settings.base.clone(), login, per_sec, trust).await?;
        Ok(Arc::new(RestSource::open(ctx, settings, http, capacity).await?))
    }
}
