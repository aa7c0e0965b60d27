//! CSV, TSV and everything like them: delimited text, however polluted.

/// Id of this connector and of its parser.
pub(crate) const ID: &str = "csv";

pub mod block;
mod cells;
pub mod decode;
pub mod dialect;
pub mod encoding;
pub mod index;
pub mod infer;
pub mod layout;
pub mod number;
pub mod open;
pub mod parse;
mod plain;
mod reader;
mod record;
mod repair;
pub mod scan;
pub mod sniff;
pub mod split;
pub mod sync;
pub mod temporal;
pub mod typing;

#[cfg(test)]
#[path = "pollution/tests.rs"]
mod pollution_tests;

#[cfg(test)]
#[path = "corpus/tests.rs"]
mod corpus_tests;
