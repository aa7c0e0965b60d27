//! The ledger, printed: what was asked of whom, estimate beside actual.

use serde_json::json;

use super::args::Output;
use super::{json as document, print, text};
use crate::model::load::Dim;
use crate::model::{Error, ErrorKind, Result};
use crate::ops::Workspace;
use crate::safety::display::name;
use crate::store::ledger::{Filter, Page, ReadRow};

/// Says on stderr that nothing of this run will be in the ledger afterwards, where that is so.
pub fn announce(workspace: &Workspace) {
    let Some(why) = workspace.ledger_in_memory() else { return };
    let why = super::clean_error(why);
    print::note(&format!("the ledger of this run is in memory only: {}", why.attempted));
    for (key, value) in &why.context {
        print::note(&format!("  {key}: {value}"));
    }
    if let Some(hint) = &why.hint {
        print::note(&format!("  try: {hint}"));
    }
}

/// The newest reads, printed.
pub async fn list(
    workspace: &Workspace,
    connection: Option<&str>,
    limit: usize,
    output: Output,
) -> Result<()> {
    let filter = Filter { connection: connection.map(str::to_owned), ..Filter::default() };
    if output.json {
        let reads = newest(workspace, &filter, limit).await?;
        let mut documents = Vec::with_capacity(reads.len());
        for read in &reads {
            let of_read = Filter { read: Some(read.id), ..Filter::default() };
            let statements = workspace.ledger().statements(&of_read, Page::newest(200)).await?;
            let statements = statements.iter().map(|statement| {
                json!({"entry": statement.entry, "text": statement.text, "started_at": statement.started_at, "outcome": statement.outcome.word(),
                       "rows": statement.rows, "seconds": statement.seconds, "error": statement.error})
            });
            documents.push(json!({
                "id": read.id.0, "started_at": read.started_at, "ended_at": read.ended_at, "session": read.session,
                "connection": read.connection, "connector": read.connector, "node": read.node, "want": read.want,
                "verdict": read.verdict.word(), "approval": read.approval, "outcome": read.outcome.word(), "rows": read.rows, "error": read.error,
                "planned": read.statements, "statements": statements.collect::<Vec<_>>(),
                "estimate": document::estimate(&read.estimate), "actual": read.actual.as_ref().map(document::actual),
            }));
        }
        print::line(&json!({"reads": documents, "ledger": document::ledger(workspace)}).to_string());
    } else {
        print::out(&render(&newest(workspace, &filter, limit).await?));
    }
    Ok(())
}

/// The newest reads as a table.
pub async fn table(workspace: &Workspace, limit: usize) -> Result<String> {
    Ok(render(&newest(workspace, &Filter::default(), limit).await?))
}

async fn newest(workspace: &Workspace, filter: &Filter, limit: usize) -> Result<Vec<ReadRow>> {
    let size = u32::try_from(limit)
        .map_err(|error| Error::new(ErrorKind::Invalid, "usage", format!("--limit: {error}")))?;
    workspace.ledger().reads(filter, Page::newest(size)).await
}

fn render(reads: &[ReadRow]) -> String {
    let header =
        ["at", "source", "node", "want", "verdict", "outcome", "estimated", "actual"].map(str::to_owned);
    let rows = reads.iter().map(|read| {
        let (mut estimated, mut actual) = (Vec::new(), Vec::new());
        for dim in [Dim::RowsReturned, Dim::BytesServer] {
            if let Some(quantity) = read.estimate.quantity(dim) {
                estimated.push(format!("≤ {}", dim.value_text(quantity.hi)));
            }
            if let Some(value) = read.actual.as_ref().and_then(|actual| actual.value(dim)) {
                actual.push(dim.value_text(value));
            }
        }
        vec![
            read.started_at.get(..19).unwrap_or(&read.started_at).replace('T', " "),
            name(&read.connection).into_owned(),
            name(&read.node).into_owned(),
            read.want.clone(),
            read.verdict.word().to_owned(),
            read.outcome.word().to_owned(),
            estimated.join(", "),
            actual.join(", "),
        ]
    });
    text::table(&header, &rows.collect::<Vec<_>>(), &[])
}
