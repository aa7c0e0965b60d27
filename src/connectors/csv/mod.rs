//! CSV, TSV and everything like them: delimited text, however polluted.

pub mod decode;
pub mod dialect;
pub mod encoding;
pub mod number;
mod record;
mod repair;
pub mod scan;
pub mod sniff;
pub mod split;
pub mod temporal;
pub mod typing;

#[cfg(test)]
mod pollution_tests;
