//! Machinery that several connectors share. Nothing here names a connector.

pub mod worker;
