//! What tests stand on: a source in memory that can be slow, fail and misbehave ([`Fake`]), a recorder that
//! remembers what was sent ([`StatementLog`]), and the suite that every connector passes ([`conform`]).
//!
//! The suite is data-driven: a [`Subject`] names a connection, nodes of known content and a fingerprint of
//! the upstream; every check is a sentence that holds or says why not. A check that no misbehaving fake
//! fails proves nothing: the tests here break each one on purpose.

mod bench;
mod checks;
mod fake;
mod log;
mod types;

pub use bench::{Breadth, Known, Queries, Subject, conform, conform_within};
pub use fake::{Fake, FakeTable, Fault, Pace};
pub use log::{Logged, StatementLog};
pub use types::{every_type, invoices};

#[cfg(test)]
mod tests;
