//! Machinery that several connectors share. Nothing here names a connector.

pub use crate::model::dice;

#[cfg(feature = "files")]
pub mod files;
#[cfg(feature = "http")]
pub mod http;
pub mod json;
pub mod net;
pub mod scan;
#[cfg(feature = "sql")]
pub mod sql;
#[cfg(feature = "files")]
pub mod text;
pub mod tls;
pub mod worker;
