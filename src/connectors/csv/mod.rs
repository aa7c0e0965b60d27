//! CSV, TSV and everything like them: delimited text, however polluted.

pub mod dialect;
mod record;
mod repair;
pub mod scan;
pub mod split;
