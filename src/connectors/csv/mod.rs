//! CSV, TSV and everything like them: delimited text, however polluted.
//!
//! The way of a file: the host opens it and passes its descriptor to the worker (`source`); there a first look
//! at three windows finds out how it is written (`sniff`), in which encoding (`encoding`, `decode`) and what its
//! columns hold (`infer`, `typing`); with that [`layout`] in hand every read cuts records (`split`, with `plain`
//! for ordinary rows and `repair` for broken ones) and makes cells (`cells`) of them (`parse`).
//!
//! Invariants: never refuse where a human could read the table · nothing is dropped without an entry in
//! [`dialect::Losses`] · a cell is its column's type or shown as it stands · memory is bounded by the longest
//! record allowed · what a read takes from the file is counted to the byte.

pub mod block;
mod cells;
mod commands;
mod describe;
pub mod dialect;
mod estimate;
pub mod index;
pub mod infer;
pub mod layout;
pub mod number;
mod options;
pub mod parse;
mod plain;
mod plan;
mod reach;
mod reader;
mod record;
mod repair;
pub mod sniff;
mod source;
pub mod split;
pub mod sync;
pub mod temporal;
pub mod typing;

use self::parse::Look;
use self::source::CsvSource;
use crate::connector::{Connector, Credentials, Source};
use crate::job::CallCtx;
use crate::kit::files::{disk as file, open};
use crate::kit::text::{decode, encoding};
use crate::model::Result;
use crate::model::ability::{Abilities, CancelReach, CostClass, Support};
use crate::model::card::{Card, Family, Form};
use crate::model::command::CommandEntry;
use crate::model::connection::Connection;
use async_trait::async_trait;
use std::sync::Arc;

/// Id of this connector and of its parser.
pub(crate) const ID: &str = "csv";

static CARD: Card = Card {
    id: ID,
    name: "CSV",
    family: Family::Files,
    summary: "delimited text files, however they are written: CSV, TSV, plain, gzip, zstd, bzip2 or xz",
    schemes: &["csv"],
    extensions: options::EXTENSIONS,
    magic: &[],
    form: Form { fields: options::FIELDS },
    docs: include_str!("docs.md"),
    facts: include_str!("facts.toml"),
};

/// What delimited files can do.
fn abilities() -> Abilities {
    Abilities {
        pushdown: plan::PUSHDOWN,
        exact_count: CostClass::Scan,
        stable_paging: Support::Exact,
        native_profile: Support::Exact,
        catalog_profile: Support::None,
        cancel: CancelReach::Confirmed,
        // Whatever is on disk is read, and a writer may be at work.
        snapshot: Support::None,
        side_effects: vec!["the file's access time may change".to_owned()],
        page_cap_rows: None,
        rate_limit_per_sec: None,
        query_language: None,
    }
}

/// The connector.
pub struct Csv;

#[async_trait]
impl Connector for Csv {
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
        _credentials: &Credentials,
    ) -> Result<Arc<dyn Source>> {
        let path = connection.file("file")?;
        let look = Look { overrides: options::overrides(connection)? };
        Ok(Arc::new(CsvSource::open(ctx, path, look, connection.capacity()).await?))
    }
}

#[cfg(test)]
#[path = "pollution/tests.rs"]
mod pollution_tests;

#[cfg(test)]
#[path = "corpus/tests.rs"]
mod corpus_tests;
