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
use crate::kit::http::{self, Http};
use crate::kit::{net, tls};
use crate::model::ability::{Abilities, CancelReach, CostClass, Support};
use crate::model::card::{Card, Family, Form};
use crate::model::command::CommandEntry;
use crate::model::connection::Connection;
use crate::model::tls::{Start, Trust, Wish};
use crate::model::{Error, ErrorKind, Result};

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

    fn tls(&self, connection: &Connection) -> Result<Option<Wish>> {
        if connection.filled(Connection::PIN).is_some() {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "connect",
                "web APIs can't be reached by a pinned certificate yet",
            )
            .hint("leave it empty: the certificate is checked by the authorities this machine trusts"));
        }
        let base = options::settings(connection)?.base;
        Ok((base.scheme() == "https").then(|| Wish {
            name: base.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned(),
            start: Start::AtOnce,
            trust: Trust::Authorities { roots: connection.filled(tls::AUTHORITY).map(Into::into) },
            client: None,
        }))
    }

    async fn connect(
        &self,
        ctx: &CallCtx,
        connection: &Connection,
        credentials: &Credentials,
    ) -> Result<Arc<dyn Source>> {
        self.tls(connection)?;
        let mut settings = options::settings(connection)?;
        let login = options::login(connection, credentials)?;
        settings.login = options::login_phrase(&login);
        let capacity = connection.capacity();
        // Half of what it bears, and never more than its own headers grant.
        let per_sec = capacity.requests_per_sec / 2.0;
        let trust = match connection.filled(tls::AUTHORITY) {
            Some(path) => http::Trust::Authority(tls::authority("connect", path).await?),
            None => http::Trust::System,
        };
        // The client speaks TLS over the way and names the real host.
        let way = net::way_in("connect", &CARD.form, connection, credentials, None, "http").await?;
        let to = http::To { trust, way };
        let http = Http::new("connect", settings.base.clone(), login, per_sec, to).await?;
        Ok(Arc::new(RestSource::open(ctx, settings, http, capacity).await?))
    }
}
