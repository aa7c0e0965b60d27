//! Machinery that several connectors share. Nothing here names a connector.

pub mod scan;
#[cfg(feature = "sql")]
pub mod sql;
pub mod worker;
