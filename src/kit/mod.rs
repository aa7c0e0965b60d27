//! Machinery that several connectors share. Nothing here names a connector.

pub mod dice;
#[cfg(feature = "sql")]
pub mod sql;
pub mod worker;
