//! Where a file's rows come from, what reading them cost, and what the file's format changed: the manifest
//! `NAME.manifest.json` beside it. Texts pass redaction: a manifest travels with its file.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::types::{ColumnMapping, ExportFormat};
use super::{ExportOptions, FormulaText};
use crate::model::load::{LoadActual, LoadEstimate};
use crate::model::lost::{Disagreement, Findings, Lost};
use crate::model::read::Bound;
use crate::safety::redact::redact;

/// Version of the manifest's form.
const MANIFEST_VERSION: u32 = 1;

/// A statement or request that was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentStatement {
    /// Its entry in the connector's command table.
    pub entry: String,
    /// Its text.
    pub text: String,
}

/// Where rows come from; what the caller of an export knows and the writer does not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// The user's name of the source.
    pub source: String,
    /// Id of the connector.
    pub connector: String,
    /// The node that was read.
    pub node: String,
    /// The statements of the plan.
    pub statements: Vec<SentStatement>,
    /// How the rows were chosen, in words.
    pub method: String,
    /// Seed of everything random.
    pub seed: u64,
    /// When the read began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// Bounds that held.
    pub bounds: Bound,
    /// Whether there may be more rows than were written.
    pub truncated: bool,
    /// What the read was estimated to cost.
    pub estimate: LoadEstimate,
    /// What it did cost.
    pub actual: LoadActual,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Tool {
    name: String,
    version: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct WrittenFile {
    pub(super) name: String,
    pub(super) format: ExportFormat,
    pub(super) rows: u64,
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Guard {
    /// `on`, `off`, or `not_needed` where the format is not opened by spreadsheets.
    state: String,
    cells: u64,
}

/// The manifest document.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Manifest {
    manifest_version: u32,
    tool: Tool,
    file: WrittenFile,
    #[serde(flatten)]
    provenance: Provenance,
    lost: Vec<Lost>,
    disagreements: Vec<Disagreement>,
    columns: Vec<ColumnMapping>,
    conventions: Vec<String>,
    formula_guard: Guard,
}

impl Manifest {
    pub(super) fn new(
        file: WrittenFile,
        mut provenance: Provenance,
        options: ExportOptions,
        findings: &Findings,
        columns: Vec<ColumnMapping>,
        guarded_cells: u64,
    ) -> Self {
        let clean = |text: &mut String| *text = redact(text).into_owned();
        clean(&mut provenance.source);
        for statement in &mut provenance.statements {
            clean(&mut statement.text);
        }
        let state = match (file.format.opens_in_spreadsheets(), options.formulas) {
            (false, _) => "not_needed",
            (true, FormulaText::Guarded) => "on",
            (true, FormulaText::AsItIs) => "off",
        };
        Self {
            manifest_version: MANIFEST_VERSION,
            tool: Tool { name: "headwater".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() },
            conventions: file.format.conventions().iter().map(ToString::to_string).collect(),
            file,
            provenance,
            lost: findings.lost.clone(),
            disagreements: findings.disagreements.clone(),
            columns,
            formula_guard: Guard { state: state.to_owned(), cells: guarded_cells },
        }
    }
}
