//! Machinery that several connectors share. Nothing here names a connector.

#[cfg(feature = "sql")]
pub mod sql;
pub mod worker;
