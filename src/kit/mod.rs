//! Machinery that several connectors share. Nothing here names a connector.

pub use crate::model::dice;

pub mod scan;
#[cfg(feature = "sql")]
pub mod sql;
pub mod worker;
