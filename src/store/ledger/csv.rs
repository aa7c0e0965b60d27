//! The ledger as CSV (RFC 4180), newest first.

use super::list::{Filter, Page, ReadRow};
use super::{Ledger, Outcome};
use crate::model::Result;
use crate::model::load::Dim;
use crate::model::read::Approval;

/// Rows fetched at a time.
const PAGE: u32 = 500;

/// Columns of the file.
const COLUMNS: [&str; 22] = [
    "id",
    "started_at",
    "ended_at",
    "session",
    "connection",
    "connector",
    "node",
    "want",
    "verdict",
    "approval",
    "outcome",
    "rows",
    "estimated_rows_lo",
    "estimated_rows_hi",
    "actual_rows",
    "estimated_bytes_lo",
    "estimated_bytes_hi",
    "actual_bytes",
    "estimated_seconds_hi",
    "actual_seconds",
    "error",
    "statements",
];

impl Ledger {
    /// The reads that a filter lets through, as CSV, handed to `put` piece by piece. `guard` makes each
    /// text harmless to spreadsheets; the application gives its formula guard.
    ///
    /// # Errors
    /// If the ledger can't be read, or whatever `put` gives.
    pub async fn csv(
        &self,
        filter: &Filter,
        mut guard: impl FnMut(&str) -> String + Send,
        mut put: impl FnMut(&str) -> Result<()> + Send,
    ) -> Result<()> {
        put(&format!("{}\r\n", COLUMNS.join(",")))?;
        let mut page = Page::newest(PAGE);
        loop {
            let rows = self.reads(filter, page).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            page.before = Some(last.id.0);
            let text = rows.iter().map(|row| line(row, &mut guard)).collect::<String>();
            put(&text)?;
        }
    }
}

fn line(row: &ReadRow, guard: &mut impl FnMut(&str) -> String) -> String {
    let estimated = |dim| row.estimate.quantity(dim);
    let actual = |dim| row.actual.as_ref().and_then(|actual| actual.value(dim));
    let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    let wire = if estimated(Dim::BytesServer).is_some() { Dim::BytesServer } else { Dim::BytesWire };
    let approval = row.approval.as_ref().map(|approval| match approval {
        Approval::Policy => "policy".to_owned(),
        Approval::Probe => "probe".to_owned(),
        Approval::Override { reason } => format!("reason: {reason}"),
    });
    let mut text = |text: &str| quoted(&guard(text));
    let cells: [String; COLUMNS.len()] = [
        row.id.0.to_string(),
        row.started_at.clone(),
        row.ended_at.clone().unwrap_or_default(),
        row.session.clone(),
        text(&row.connection),
        text(&row.connector),
        text(&row.node),
        row.want.clone(),
        row.verdict.word().to_owned(),
        text(&approval.unwrap_or_default()),
        Outcome::word(row.outcome).to_owned(),
        row.rows.map_or_else(String::new, |rows| rows.to_string()),
        number(estimated(Dim::RowsReturned).map(|quantity| quantity.lo)),
        number(estimated(Dim::RowsReturned).map(|quantity| quantity.hi)),
        number(actual(Dim::RowsReturned)),
        number(estimated(wire).map(|quantity| quantity.lo)),
        number(estimated(wire).map(|quantity| quantity.hi)),
        number(actual(wire)),
        number(estimated(Dim::Duration).map(|quantity| quantity.hi)),
        number(actual(Dim::Duration)),
        text(row.error.as_deref().unwrap_or_default()),
        text(&row.statements.join(";\n")),
    ];
    format!("{}\r\n", cells.join(","))
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}
