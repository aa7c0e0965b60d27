//! One polite HTTP client for all connectors that speak HTTP: it sends GET and HEAD, one at a time.
//!
//! Invariants: every request, each hop of a redirect and each retry included, is written down before it is
//! sent and counted · credentials leave only for the origin they were given for ([`crate::safety::origin`]),
//! redirects and links alike · a body goes unread into an unlinked file, its bytes counted as they come
//! (never as declared), for the worker to parse · at most half of what a server still grants is used
//! (`pace`) · a `Retry-After` is honoured, few times and not for long.

mod answer;
mod client;
mod link;
mod pace;
mod spool;

pub use answer::{Headers, Reply, excerpt};
pub use client::{Allowance, Ask, Http, LinkFrom, Login, Method, To, Trust, link_target, shown};
pub use link::{Links, links};
