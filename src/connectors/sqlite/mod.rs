//! SQLite: database files read in place, by SQLite's own library, through `sqlx`.
//!
//! Invariants: a file is opened read-only and nothing is written beside it unless the connection asks for it
//! (`open`) · every statement is in the command table (`commands`) and recorded before it is sent (`link`) ·
//! raw C calls stand in `counters` alone · a value is shown as it is stored (`decode`).

mod catalog;
mod commands;
mod counters;
mod decode;
mod describe;
mod errors;
mod estimate;
mod filter;
pub mod gate;
mod link;
mod open;
mod plan;
mod profile;
mod read;
mod sample;
mod size;
mod source;

use std::sync::Arc;

use async_trait::async_trait;

use self::link::Link;
use self::open::LogChoice;
use self::source::SqliteSource;
use crate::connector::{Connector, Credentials, Source};
use crate::job::CallCtx;
use crate::model::Result;
use crate::model::ability::{Abilities, CancelReach, CostClass, Pushdown, Support};
use crate::model::card::{Card, Family, FieldKind, Form, FormField, Need};
use crate::model::command::CommandEntry;
use crate::model::connection::Connection;
use crate::model::gate::GateVerdict;

const EXTENSIONS: &[&str] = &["sqlite3", "sqlite", "db3", "db"];

static CARD: Card = Card {
    id: "sqlite",
    name: "SQLite",
    family: Family::Relational,
    summary: "database files, read in place: tables, views, free SQL",
    schemes: &["sqlite"],
    extensions: EXTENSIONS,
    magic: &[open::MAGIC],
    form: Form {
        fields: &[
            FormField {
                key: Connection::PATH,
                label: "File",
                help: "the database file; it is opened read-only",
                kind: FieldKind::File { extensions: EXTENSIONS },
                need: Need::Required,
                default: None,
            },
            FormField {
                key: "wal",
                label: "Write-ahead log without its index",
                help: "what to do when a -wal file lies beside the database and nobody has it open",
                kind: FieldKind::Choice {
                    options: &[
                        ("ignore", "read as of the last checkpoint, create nothing"),
                        ("create", "read the log too; SQLite creates a -shm file"),
                    ],
                },
                need: Need::Optional,
                default: Some("ignore"),
            },
        ],
    },
    docs: include_str!("docs.md"),
    facts: include_str!("facts.toml"),
};

/// What SQLite files can do.
fn abilities() -> Abilities {
    Abilities {
        // Loosely typed columns compare by storage class: a filter may have to be finished here.
        pushdown: Pushdown { filter: Support::Inexact, ..Pushdown::FULL },
        exact_count: CostClass::Scan,
        stable_paging: Support::Exact,
        native_profile: Support::None,
        catalog_profile: Support::Inexact,
        cancel: CancelReach::Confirmed,
        snapshot: Support::Exact,
        side_effects: vec![
            "a shared lock, or a place in the write-ahead log, while a statement runs".to_owned(),
        ],
        page_cap_rows: None,
        rate_limit_per_sec: None,
        query_language: Some("SQL (SQLite)".to_owned()),
    }
}

/// The connector.
pub struct Sqlite;

#[async_trait]
impl Connector for Sqlite {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn commands(&self) -> &'static [CommandEntry] {
        commands::COMMANDS
    }

    fn abilities(&self) -> Abilities {
        abilities()
    }

    fn gate(&self, text: &str) -> Option<GateVerdict> {
        Some(gate::judge(text))
    }

    async fn connect(
        &self,
        ctx: &CallCtx,
        connection: &Connection,
        _credentials: &Credentials,
    ) -> Result<Arc<dyn Source>> {
        let path = connection.file("database file")?;
        let choice = LogChoice::parse(connection.values.get("wal").map(String::as_str))?;
        let opening = open::look(&path, choice)?;
        let source = SqliteSource::new(Link::new(opening, choice), connection.capacity());
        // The first statement reads the schema: damage and locks show here, not at the first click.
        let shown = path.display().to_string();
        {
            let mut taken = source.link.take(ctx, "connect").await?;
            source
                .catalog
                .facts(ctx, "connect", &source.link, &mut taken)
                .await
                .map_err(|error| error.with("path", shown))?;
        }
        Ok(Arc::new(source))
    }
}
