//! The list of connectors in this build: the only place, beside its own folder, that names one.

#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "sqlite")]
pub mod sqlite;

use crate::connector::{Connector, Registry};
use crate::kit::worker::Parser;

#[cfg(feature = "files")]
pub mod anyfile;
#[cfg(feature = "avro")]
pub mod avro;
#[cfg(feature = "csv")]
pub mod csv;
#[cfg(feature = "excel")]
pub mod excel;
#[cfg(feature = "images")]
pub mod images;
#[cfg(feature = "ipc")]
pub mod ipc;
#[cfg(feature = "json")]
pub mod json;
#[cfg(feature = "text")]
pub mod logs;
#[cfg(feature = "mongodb")]
pub mod mongodb;
#[cfg(feature = "parquet")]
pub mod parquet;
#[cfg(feature = "redis")]
pub mod redis;
#[cfg(feature = "rest")]
pub mod rest;
#[cfg(feature = "xml")]
pub mod xml;

/// The connectors of this build.
pub fn registry() -> Registry {
    let connectors: Vec<&'static dyn Connector> = vec![
        #[cfg(feature = "sqlite")]
        &sqlite::Sqlite,
        #[cfg(feature = "csv")]
        &csv::Csv,
        #[cfg(feature = "avro")]
        &avro::AVRO,
        #[cfg(feature = "ipc")]
        &ipc::IPC,
        #[cfg(feature = "json")]
        &json::JSON,
        #[cfg(feature = "parquet")]
        &parquet::PARQUET,
        #[cfg(feature = "excel")]
        &excel::EXCEL,
        #[cfg(feature = "images")]
        &images::IMAGES,
        #[cfg(feature = "text")]
        &logs::LOGS,
        #[cfg(feature = "xml")]
        &xml::XML,
        #[cfg(feature = "files")]
        &anyfile::ANY_FILE,
        #[cfg(feature = "postgres")]
        &postgres::Postgres,
        #[cfg(feature = "mongodb")]
        &mongodb::MongoDb,
        #[cfg(feature = "redis")]
        &redis::Redis,
        #[cfg(feature = "rest")]
        &rest::Rest,
    ];
    Registry::new(connectors)
}

/// The parsers of this build, for the worker's guest.
pub fn parsers() -> Vec<&'static dyn Parser> {
    vec![
        #[cfg(any(test, feature = "testkit"))]
        &crate::kit::worker::probe::PROBE,
        #[cfg(feature = "csv")]
        &csv::parse::DelimitedText,
        #[cfg(feature = "avro")]
        &avro::PARSER,
        #[cfg(feature = "ipc")]
        &ipc::PARSER,
        #[cfg(feature = "json")]
        &json::PARSER,
        #[cfg(feature = "parquet")]
        &parquet::PARSER,
        #[cfg(feature = "excel")]
        &excel::parse::PARSER,
        #[cfg(feature = "images")]
        &images::parse::PARSER,
        #[cfg(feature = "text")]
        &logs::parse::PARSER,
        #[cfg(feature = "xml")]
        &xml::parse::PARSER,
        #[cfg(feature = "files")]
        &anyfile::parse::PARSER,
        #[cfg(feature = "rest")]
        &rest::parse::JsonPages,
    ]
}
