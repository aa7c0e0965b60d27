//! Rows to a file with their provenance beside it.

use std::path::PathBuf;

use super::Opened;
use super::read::{Done, Prepared};
use crate::connector::guard::Override;
use crate::job::CallCtx;
use crate::model::lost::Findings;
use crate::model::{Error, ErrorKind, Result};
use crate::sinks::ExportFormat;

/// Text that a spreadsheet would run as a formula.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormulaText {
    /// Made harmless with a leading apostrophe, and counted (CSV and XLSX only).
    Guarded,
    /// Written as it is.
    AsItIs,
}

/// What to do if the file is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfThere {
    /// Refuse.
    Refuse,
    /// Replace it, once the new file is whole.
    Replace,
}

/// Where an export goes.
#[derive(Clone, Debug)]
pub struct Destination {
    /// The file.
    pub file: PathBuf,
    /// Its format.
    pub format: ExportFormat,
    /// Formula text.
    pub formulas: FormulaText,
    /// What to do if it is there.
    pub if_there: IfThere,
}

impl Destination {
    /// A destination; the format follows the extension where none is given.
    pub fn new(
        file: PathBuf,
        format: Option<ExportFormat>,
        formulas: FormulaText,
        if_there: IfThere,
    ) -> Result<Self> {
        let format = format.ok_or_else(|| Error::new(ErrorKind::Invalid, "usage", "no format"))?;
        Ok(Self { file, format, formulas, if_there })
    }
}

/// A finished export.
#[derive(Clone, Debug)]
pub struct Exported {
    /// The file.
    pub file: PathBuf,
    /// The manifest beside it.
    pub manifest: PathBuf,
    /// Rows written.
    pub rows: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// What was lost on the way in or out.
    pub findings: Findings,
    /// How the read went.
    pub done: Done,
}

impl Opened {
    /// Reads rows into a file.
    #[expect(clippy::unused_async, reason = "TODO(lead): the writers land next")]
    pub async fn export(
        &self,
        _ctx: &CallCtx,
        _prepared: Prepared,
        _given: Option<&Override>,
        _to: Destination,
    ) -> Result<Exported> {
        Err(Error::new(ErrorKind::Unsupported, "export", "TODO"))
    }
}
