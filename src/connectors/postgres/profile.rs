//! The catalogue level of a profile: what the last `ANALYZE` left of each column, with its age. No row is read.

use super::catalog::{TableInfo, literal, number, text};
use super::commands as sent;
use super::decode;
use super::describe::age_secs;
use super::link::{Answer, Link, Names};
use super::types::ColumnType;
use crate::connector::Permit;
use crate::job::{BatchSink, CallCtx};
use crate::model::ability::Pushdown;
use crate::model::lost::Findings;
use crate::model::read::{ReadEnd, ReadOutcome, ReadPlan, ReadSpec, Step, StepKind};
use crate::model::stats::{Basis, ColumnProfile, Lengths, Quantile, TableProfile, TopValue};
use crate::model::units::age_text;
use crate::model::{Error, ErrorKind, Result};

/// The plan: one look at the statistics.
pub(super) fn plan(link: &Link, spec: ReadSpec, table: &TableInfo) -> Result<ReadPlan> {
    let body = sent::STATISTICS_TEXT
        .replace("{oid}", &table.oid.to_string())
        .replace("{schema}", &literal(&table.schema)?)
        .replace("{name}", &literal(&table.name)?);
    let step = Step {
        entry: sent::STATISTICS,
        text: link.message(&body, super::link::LOOK_UP, Names::Catalog),
        binds: Vec::new(),
        kind: StepKind::Statement,
    };
    Ok(ReadPlan {
        bounds: spec.bound,
        steps: vec![step],
        pushdown: Pushdown::FULL,
        schema: Some(table.schema_of(table.visible().map(|column| column.name.as_str()))),
        gate: None,
        method: "statistics of the last ANALYZE (pg_stats)".to_owned(),
        remarks: vec!["no row is read; the figures are as old as the last ANALYZE".to_owned()],
        spec,
    })
}

/// Gives what the statistics say.
pub(super) async fn read(
    ctx: &CallCtx,
    link: &Link,
    table: &TableInfo,
    permit: &Permit,
    sink: &mut dyn BatchSink,
) -> Result<ReadOutcome> {
    let Some(step) = permit.plan().steps.first() else {
        return Err(Error::unexpected("read", "a plan without messages"));
    };
    let (answers, closed) = match link.send_look_up(ctx, "read", &step.entry, &step.text).await {
        Ok(answers) => (answers, None),
        // What pg_class says is open to everybody, and known already.
        Err(error) if error.kind == ErrorKind::Denied => (Vec::new(), Some(error)),
        Err(error) => return Err(error),
    };
    let none = Answer::default();
    let head = answers.first().unwrap_or(&none).rows.first();
    let statistics = answers.get(1).unwrap_or(&none);
    let rows = head.and_then(|row| number::<i64>(row, 0)).and_then(|rows| u64::try_from(rows).ok());
    let rows = rows.or(table.rows);
    let analyzed = head.and_then(|row| text(row, 1)).and_then(age_secs);
    let changed = head.and_then(|row| number::<u64>(row, 2)).unwrap_or(0);
    let age = analyzed.map_or("at an unknown time".to_owned(), |secs| {
        format!("{} ago", age_text(std::time::Duration::from_secs(secs)))
    });
    let method = match closed {
        None => {
            format!("statistics of the last ANALYZE (pg_stats), made {age}; {changed} rows changed since")
        }
        Some(_) => "this login may not see statistics (pg_stats): only the rows counted by the last ANALYZE"
            .to_owned(),
    };
    let columns = table.visible().map(|column| {
        let of_column = |row: &&Vec<Option<String>>| text(row, 0) == Some(column.name.as_str());
        // Of a table with children both its own and the family's figures may be there: the family's serve.
        let row = statistics.rows.iter().filter(of_column).max_by_key(|row| text(row, 8) == Some("t"));
        let blank = ColumnProfile::unknown(&column.name, column.declared.logical.clone());
        match row {
            Some(row) => column_of(blank, row, &column.declared, rows, &age),
            None => ColumnProfile {
                notes: vec!["no statistics: never analysed, or this login may not see them".to_owned()],
                ..blank
            },
        }
    });
    sink.catalog(TableProfile {
        rows,
        rows_basis: Basis::Estimate,
        rows_seen: 0,
        method,
        columns: columns.collect(),
        findings: Findings::default(),
    })
    .await?;
    Ok(ReadOutcome { end: ReadEnd::Complete, continuation: None, actual: ctx.meter().actual() })
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "shares of a row count, estimates by nature"
)]
fn column_of(
    blank: ColumnProfile,
    row: &[Option<String>],
    declared: &ColumnType,
    rows: Option<u64>,
    age: &str,
) -> ColumnProfile {
    let of = |share: f64| rows.map(|rows| (share * rows as f64).round().max(0.0) as u64);
    let null_share = number::<f64>(row, 1).unwrap_or(0.0);
    let distinct = number::<f64>(row, 3).filter(|distinct| *distinct != 0.0);
    // Negative: a share of the rows, since it grows with them.
    let distinct = distinct
        .and_then(|known| if known > 0.0 { Some(known) } else { rows.map(|rows| -known * rows as f64) });
    let values = |place| items(row, place, declared);
    let shares = text(row, 5).and_then(|text| decode::texts_of_array(text.as_bytes())).unwrap_or_default();
    let top = values(4).into_iter().zip(&shares).filter_map(|(value, share)| {
        Some(TopValue { value, count: of(share.parse().ok()?)?, error: 0, cut: false })
    });
    let bounds = values(6);
    let last = bounds.len().saturating_sub(1).max(1) as f64;
    let quantiles =
        bounds.iter().enumerate().filter(|_| bounds.len() > 1).step_by((bounds.len() / 20).max(1));
    let quantiles =
        quantiles.map(|(place, value)| Quantile { rank: place as f64 / last, value: value.clone() });
    let mut notes = Vec::new();
    if !bounds.is_empty() {
        notes.push("smallest, largest and quantiles leave the frequent values out".to_owned());
    }
    if let Some(correlation) = number::<f64>(row, 7) {
        notes.push(format!(
            "order in the table follows the values by {correlation:.2} (1 = exactly, 0 = not at all)"
        ));
    }
    ColumnProfile {
        rows: rows.unwrap_or(0),
        nulls: of(null_share),
        distinct,
        distinct_basis: Basis::Estimate,
        top: top.collect(),
        quantiles: quantiles.collect(),
        min: bounds.first().cloned(),
        max: bounds.last().cloned(),
        lengths: number::<f64>(row, 2).filter(|_| is_long(declared)).map(|mean| Lengths {
            min: 0,
            mean,
            max: 0,
        }),
        notes,
        source: Some(format!("pg_stats, ANALYZE {age}")),
        ..blank
    }
}

/// Whether lengths say something: texts and bytes.
fn is_long(declared: &ColumnType) -> bool {
    use crate::model::schema::LogicalType;
    matches!(declared.logical, LogicalType::Text | LogicalType::Bytes | LogicalType::Json)
}

/// Values of an array of a column's type, as `pg_stats` shows them.
fn items(row: &[Option<String>], place: usize, declared: &ColumnType) -> Vec<crate::model::cell::Cell> {
    let texts = text(row, place).and_then(|text| decode::texts_of_array(text.as_bytes())).unwrap_or_default();
    texts.iter().map(|text| decode::cell(declared, Some(text.as_bytes()))).collect()
}
