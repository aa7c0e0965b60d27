//! The catalogue level of a profile: what `ANALYZE` left, at no cost. Its age is unknown, and that is said.

use super::catalog::TableInfo;
use super::commands as sent;
use super::link::Taken;
use super::source::SqliteSource;
use crate::connector::Permit;
use crate::job::{BatchSink, CallCtx};
use crate::model::ability::Pushdown;
use crate::model::cell::Cell;
use crate::model::column_state::{ColumnState, TableState};
use crate::model::read::{ReadEnd, ReadOutcome, ReadPlan, ReadSpec, Step, StepKind};
use crate::model::{Error, Result};

/// The plan: one look at the statistics.
pub(super) fn plan(spec: ReadSpec, table: &TableInfo) -> Result<ReadPlan> {
    let step = Step {
        entry: sent::STATISTICS,
        text: sent::STATISTICS_TEXT.to_owned(),
        binds: vec![Cell::Text(table.name.clone())],
        kind: StepKind::Statement,
    };
    Ok(ReadPlan {
        bounds: spec.bound,
        steps: vec![step],
        pushdown: Pushdown::FULL,
        schema: Some(table.schema_of(table.visible().map(|column| column.name.as_str()))),
        gate: None,
        method: "statistics of the last ANALYZE, age unknown".to_owned(),
        remarks: vec!["no row is read; SQLite does not record when ANALYZE ran".to_owned()],
        spec,
    })
}

/// Gives what the statistics say: rows of the table; columns without figures.
pub(super) async fn read(
    source: &SqliteSource,
    ctx: &CallCtx,
    taken: &mut Taken<'_>,
    permit: &Permit,
    sink: &mut dyn BatchSink,
) -> Result<ReadOutcome> {
    let plan = permit.plan();
    let Some(schema) = plan.schema.clone() else {
        return Err(Error::unexpected("read", "a catalogue profile without columns"));
    };
    let name = source.table_name("read", &plan.spec.node)?;
    let statistics = source.catalog.statistics(ctx, "read", &source.link, taken, name).await?;
    let rows = statistics.rows.unwrap_or(0);
    let columns = schema.fields.iter().map(|_| ColumnState { rows, ..ColumnState::default() }).collect();
    sink.state(TableState { schema, rows, columns }).await?;
    Ok(ReadOutcome { end: ReadEnd::Complete, continuation: None, actual: ctx.meter().actual() })
}
