//! Rows to files: Parquet, CSV and Arrow IPC through Polars, XLSX through rust_xlsxwriter, JSONL by our own
//! hand, each with a manifest beside it.
//!
//! JSONL does not go through Polars: its JSON writer panics on time zones it does not know, writes NaN as
//! null and has no place for exceptions, 128-bit figures or the tagged forms of our JSON contract
//! ([`crate::model::cell::Cell::push_json`]), which a row written cell by cell keeps exactly.
//!
//! Invariants: what a format cannot hold is changed by an explicit table (`types`) that the manifest shows,
//! or counted as lost, never dropped silently · Polars only meets types it writes · a file is written as
//! `NAME.partial` and gets its name when it is whole and synced · memory is bounded whatever the number of
//! rows · all writing happens off the async threads, in order, with back-pressure.

mod columns;
mod csv;
mod exporter;
mod file;
mod frames;
mod jsonl;
mod manifest;
mod polars_files;
mod tally;
mod types;
mod xlsx;

pub use exporter::{Exported, Exporter, Leftover};
pub use manifest::{Provenance, SentStatement};
pub use types::{ColumnMapping, ExportFormat};

/// Text that a spreadsheet would run as a formula.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FormulaText {
    /// Made harmless with a leading apostrophe, and counted (CSV and XLSX only).
    #[default]
    Guarded,
    /// Written as it is.
    AsItIs,
}

/// What to do if the file is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IfThere {
    /// Refuse.
    #[default]
    Refuse,
    /// Replace it, once the new file is whole.
    Replace,
}

/// Choices of an export.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExportOptions {
    /// Formula text.
    pub formulas: FormulaText,
    /// What to do if the file is there.
    pub if_there: IfThere,
}

#[cfg(test)]
mod tests;
