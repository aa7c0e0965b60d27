//! PostgreSQL, polite by construction: a login lent by its DBA reads with it and leaves nothing behind.
//!
//! Invariants: every message opens a read-only transaction with limits of its own and ends it (`link`) · every
//! message is in the command table (`commands`) and written down before it is sent (`link`) · free SQL passes the
//! gate and the server's own read-only mode, two layers that do not rest on each other (`gate`) · a value is
//! shown as the server writes it (`decode`).

mod catalog;
mod commands;
pub mod copy;
pub mod decode;
mod describe;
mod dial;
mod errors;
pub mod estimate;
mod filter;
pub mod gate;
mod link;
mod plan;
mod profile;
mod read;
mod sample;
mod source;
mod standing;
pub mod types;
mod weigh;

use std::sync::Arc;

use async_trait::async_trait;

use self::link::Link;
use self::source::PostgresSource;
use crate::connector::{Connector, Credentials, Source};
use crate::job::CallCtx;
use crate::model::Result;
use crate::model::ability::{Abilities, CancelReach, CostClass, Pushdown, Support};
use crate::model::card::{Card, Family, FieldKind, Form, FormField, Need};
use crate::model::command::CommandEntry;
use crate::model::connection::Connection;
use crate::model::gate::GateVerdict;
use crate::model::tls::Wish;

const fn text(key: &'static str, label: &'static str, help: &'static str, need: Need) -> FormField {
    FormField { key, label, help, kind: FieldKind::Text, need, default: None }
}

const fn file(key: &'static str, label: &'static str, help: &'static str) -> FormField {
    let kind = FieldKind::File { extensions: &["pem", "crt", "cer", "key"] };
    FormField { key, label, help, kind, need: Need::Optional, default: None }
}

static CARD: Card = Card {
    id: "postgres",
    name: "PostgreSQL",
    family: Family::Relational,
    summary: "databases of PostgreSQL servers: schemas, tables, views, free SQL",
    schemes: &["postgres", "postgresql"],
    extensions: &[],
    magic: &[],
    form: Form {
        fields: &[
            text(
                Connection::HOST,
                "Host",
                "name or address of the server, or the folder of its Unix socket",
                Need::Required,
            ),
            FormField {
                key: Connection::PORT,
                label: "Port",
                help: "5432 unless told otherwise",
                kind: FieldKind::Number { min: 1, max: 65_535 },
                need: Need::Optional,
                default: Some("5432"),
            },
            text(
                Connection::DATABASE,
                "Database",
                "one database; each has a connection of its own",
                Need::Required,
            ),
            text(Connection::USER, "User", "a login that can only read is safest", Need::Required),
            FormField {
                key: Connection::PASSWORD,
                label: "Password",
                help: "never written to a file, a log or an export",
                kind: FieldKind::Secret,
                need: Need::Optional,
                default: None,
            },
            FormField {
                key: dial::TLS,
                label: "TLS",
                help: "how the server proves who it is",
                kind: FieldKind::Choice {
                    options: &[
                        ("verify-full", "on: certificate and host name are checked"),
                        ("verify-ca", "on: the certificate is checked, the host name is not"),
                        ("disable", "off: for this machine, a tunnel or a Unix socket"),
                    ],
                },
                need: Need::Optional,
                default: Some("verify-full"),
            },
            file(
                dial::ROOT,
                "Authority's certificate",
                "of a private authority; empty = those this machine trusts",
            ),
            file(dial::CERTIFICATE, "Client certificate", "where the server asks for one"),
            file(dial::KEY, "Client key", "of that certificate"),
        ],
    },
    docs: include_str!("docs.md"),
    facts: include_str!("facts.toml"),
};

/// What PostgreSQL databases can do.
fn abilities() -> Abilities {
    Abilities {
        // A condition without the same meaning there is finished here, and so is an order that a type lacks.
        pushdown: Pushdown { filter: Support::Inexact, order: Support::Inexact, ..Pushdown::FULL },
        exact_count: CostClass::Scan,
        stable_paging: Support::Inexact,
        native_profile: Support::None,
        catalog_profile: Support::Inexact,
        cancel: CancelReach::Confirmed,
        snapshot: Support::Exact,
        side_effects: vec![
            "a shared lock on what is read, while the statement runs".to_owned(),
            "rows that were written lately are marked as seen, which writes their blocks once more (hint bits)".to_owned(),
        ],
        page_cap_rows: None,
        rate_limit_per_sec: None,
        query_language: Some("SQL (PostgreSQL)".to_owned()),
    }
}

/// The connector.
pub struct Postgres;

#[async_trait]
impl Connector for Postgres {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn commands(&self) -> &'static [CommandEntry] {
        &commands::COMMANDS
    }

    fn abilities(&self) -> Abilities {
        abilities()
    }

    fn gate(&self, text: &str) -> Option<GateVerdict> {
        Some(gate::judge(text))
    }

    fn tls(&self, connection: &Connection) -> Result<Option<Wish>> {
        dial::tls(connection)
    }

    async fn connect(
        &self,
        ctx: &CallCtx,
        connection: &Connection,
        credentials: &Credentials,
    ) -> Result<Arc<dyn Source>> {
        let dial = dial::of(connection, credentials, &CARD.form).await?;
        let link = Link::connect(ctx, dial).await?;
        Ok(Arc::new(PostgresSource::new(link, connection.capacity())))
    }
}
