//! Tests against real servers. `tests/run --quick` leaves this module out; everywhere else a server that is
//! missing fails its tests.
//!
//! - `lab` starts the servers; [`fixtures`] fills them with known content, for conformance and the window walk;
//! - the other modules test what only a real server can show.

mod faults;
mod figures;
mod fixtures;
mod lab;
mod postgres;
mod proxy;
mod redis;
mod secrets;
mod smoke;
mod tls;
mod ways;

pub use fixtures::UPSTREAMS;
