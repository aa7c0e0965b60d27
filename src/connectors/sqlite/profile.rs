//! The catalogue level of a profile: what `ANALYZE` left, at no cost. Its age is unknown, and that is said.

use super::catalog::{Statistics, TableInfo};
use super::commands as sent;
use super::link::Taken;
use super::source::SqliteSource;
use crate::connector::Permit;
use crate::job::{BatchSink, CallCtx};
use crate::model::ability::Pushdown;
use crate::model::cell::Cell;
use crate::model::lost::Findings;
use crate::model::node::Index;
use crate::model::read::{ReadEnd, ReadOutcome, ReadPlan, ReadSpec, Step, StepKind};
use crate::model::stats::{Basis, ColumnProfile, TableProfile};
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

/// Gives what the statistics say: rows of the table, and distinct values of the columns that lead an index.
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
    let indexes = super::describe::table(ctx, &source.link, &source.catalog, taken, name).await?.indexes;
    let columns = schema.fields.iter().map(|field| {
        let known = distinct_of(&statistics, &indexes, &field.name);
        ColumnProfile {
            distinct: known.as_ref().map(|(distinct, _)| *distinct),
            source: known.map(|(_, index)| format!("sqlite_stat1 of index {index}, age unknown")),
            ..ColumnProfile::unknown(&field.name, field.logical.clone())
        }
    });
    sink.catalog(TableProfile {
        rows: statistics.rows,
        rows_basis: Basis::Estimate,
        rows_seen: 0,
        method: plan.method.clone(),
        columns: columns.collect(),
        findings: Findings::default(),
    })
    .await?;
    Ok(ReadOutcome { end: ReadEnd::Complete, continuation: None, actual: ctx.meter().actual() })
}

/// Distinct values of a column that leads an index, and the index: rows divided by rows per first value.
fn distinct_of(statistics: &Statistics, indexes: &[Index], column: &str) -> Option<(f64, String)> {
    indexes.iter().filter(|index| index.columns.first().is_some_and(|first| first == column)).find_map(
        |index| {
            let numbers = statistics.indexes.get(&index.name)?;
            let (rows, per_value) = (*numbers.first()?, *numbers.get(1)?);
            Some((rows as f64 / per_value.max(1) as f64, index.name.clone()))
        },
    )
}
