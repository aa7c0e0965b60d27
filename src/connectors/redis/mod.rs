//! Redis: databases of keys, and the elements of each key, read in pages.
//!
//! Invariants: no command with the `write` flag is sent (`commands`) · every command is written down before
//! it is sent (`link`) · a type and a length are asked before any value (`source`) · no command sweeps a whole
//! database or value (`read`) · bytes stay as they are (`decode`).

mod commands;
mod decode;
mod estimate;
mod link;
mod read;
mod source;

use std::sync::Arc;

use async_trait::async_trait;
use redis::{ConnectionAddr, IntoConnectionInfo as _, ProtocolVersion, RedisConnectionInfo};
use secrecy::ExposeSecret as _;

use self::link::{Link, error_of};
use self::source::RedisSource;
use crate::connector::{Connector, Credentials, Source};
use crate::job::CallCtx;
use crate::kit::{net, tls};
use crate::model::ability::{Abilities, CancelReach, CostClass, Support};
use crate::model::card::{Card, Family, FieldKind, Form, FormField};
use crate::model::command::CommandEntry;
use crate::model::connection::Connection;
use crate::model::tls::Wish;
use crate::model::{Error, ErrorKind, Result};

static CARD: Card = Card {
    id: "redis",
    name: "Redis",
    family: Family::Keys,
    summary: "keys and their values: hashes, lists, sets, sorted sets, streams, strings",
    schemes: &["redis"],
    extensions: &[],
    magic: &[],
    form: Form {
        fields: &[
            FormField::required(Connection::HOST, "Host", "name or address of the server", FieldKind::Text),
            FormField::optional(
                Connection::PORT,
                "Port",
                "where it listens",
                FieldKind::Number { min: 1, max: 65_535 },
                Some("6379"),
            ),
            FormField::optional(
                Connection::DATABASE,
                "Database",
                "number of the database to begin with",
                FieldKind::Number { min: 0, max: 1_000_000 },
                Some("0"),
            ),
            FormField::optional(
                Connection::USER,
                "User",
                "of an access control list; empty = default",
                FieldKind::Text,
                None,
            ),
            FormField::optional(
                Connection::PASSWORD,
                "Password",
                "kept apart from the connection",
                FieldKind::Secret,
                None,
            ),
            FormField::optional(
                "tls",
                "TLS",
                "whether the server speaks TLS; its certificate and its name are checked",
                FieldKind::Choice { options: &[("off", "no"), ("on", "yes, verified")] },
                Some("off"),
            ),
            tls::AUTHORITY_FIELD,
        ],
    },
    docs: include_str!("docs.md"),
    facts: include_str!("facts.toml"),
};

/// What Redis can do.
fn abilities() -> Abilities {
    Abilities {
        pushdown: read::PUSHDOWN,
        exact_count: CostClass::Constant,
        // A scan gives everything that stays, but what is written meanwhile may come twice.
        stable_paging: Support::Inexact,
        native_profile: Support::None,
        catalog_profile: Support::None,
        // No further page is asked for; the one on its way is answered.
        cancel: CancelReach::LocalOnly,
        snapshot: Support::None,
        side_effects: vec!["reading a value marks its key as just used (LRU, LFU)".to_owned()],
        page_cap_rows: Some(source::PAGE),
        rate_limit_per_sec: None,
        query_language: None,
    }
}

/// The connector.
pub struct Redis;

#[async_trait]
impl Connector for Redis {
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
        net::tls::switched(connection, connection.filled("tls").unwrap_or("off"))
    }

    async fn connect(
        &self,
        ctx: &CallCtx,
        connection: &Connection,
        credentials: &Credentials,
    ) -> Result<Arc<dyn Source>> {
        let value = |key: &str| connection.filled(key);
        let invalid = |why: &str, hint: &str| Error::new(ErrorKind::Invalid, "connect", why).hint(hint);
        let host = value(Connection::HOST)
            .ok_or_else(|| invalid("the connection names no host", "give the server's name or address"))?;
        let port = value(Connection::PORT).unwrap_or("6379").parse::<u16>();
        let port =
            port.map_err(|error| invalid(&format!("the port is no number: {error}"), "it is 6379 mostly"))?;
        let home = value(Connection::DATABASE).unwrap_or("0").parse::<u32>().map_err(|error| {
            invalid(&format!("the database is no number: {error}"), "databases of redis are numbered from 0")
        })?;
        let tls = self.tls(connection)?;
        let speaks_tls = tls.is_some();
        let way = net::way_in("connect", &CARD.form, connection, credentials, tls, "redis").await?;
        let address = match &way {
            // TLS, if any, is spoken on the way.
            Some(way) => ConnectionAddr::Unix(way.socket().to_owned()),
            None if speaks_tls => {
                ConnectionAddr::TcpTls { host: host.to_owned(), port, insecure: false, tls_params: None }
            }
            None => ConnectionAddr::Tcp(host.to_owned(), port),
        };
        let mut login =
            RedisConnectionInfo::default().set_protocol(ProtocolVersion::RESP2).set_skip_set_lib_name();
        if let Some(user) = value(Connection::USER) {
            // Without a password the client would not log in at all, and be somebody else.
            login = login.set_username(user).set_password("");
        }
        if let Some(password) = credentials.get(Connection::PASSWORD) {
            login = login.set_password(password.expose_secret());
        }
        let authority = match value(tls::AUTHORITY).filter(|_| speaks_tls && way.is_none()) {
            Some(path) => Some(tls::authority("connect", path).await?),
            None => None,
        };
        let info = address.into_connection_info().map_err(|error| error_of("connect", &error))?;
        let link = Link::new(info.set_redis_settings(login), authority, way);
        let source = RedisSource::new(link, i64::from(home), connection.capacity());
        // The first question shows whether it is a Redis, and whether it wants a login.
        source.greet(ctx).await.map_err(|error| error.with("host", format!("{host}:{port}")))?;
        Ok(Arc::new(source))
    }
}
