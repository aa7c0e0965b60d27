//! Asking for what an estimate needs: the planner's plan and the catalogue's facts of the relations in it, in one
//! message where the relation is known beforehand. What it makes of them is in `estimate`.

use std::sync::atomic::Ordering;

use super::catalog::{Kind, TableInfo, literal};
use super::commands as sent;
use super::estimate::{self, Facts, Plan};
use super::link::{Answer, Names};
use super::plan;
use super::source::PostgresSource;
use crate::job::CallCtx;
use crate::model::load::{Dim, LoadEstimate, Provenance, Quantity};
use crate::model::read::{ProfileLevel, ReadPlan, Want};
use crate::model::{ErrorKind, Result};

const STAGE: &str = "estimate";

/// How the planner is asked.
pub(super) const OPTIONS: &str = "FORMAT JSON, VERBOSE, SETTINGS";

/// Where [`estimate::FACTS`] reads statistics.
const STATISTICS: &str = "pg_catalog.pg_stats s";
/// What stands there for a login that may not.
const NO_STATISTICS: &str = "(SELECT NULL::pg_catalog.name AS schemaname, NULL::pg_catalog.name AS tablename, NULL::pg_catalog.name AS attname, NULL::pg_catalog.bool AS inherited, NULL::pg_catalog.float4 AS n_distinct, NULL::pg_catalog.float4 AS null_frac, NULL::pg_catalog.int4 AS avg_width, NULL::pg_catalog.float4 AS correlation, NULL::pg_catalog.text AS most_common_vals, NULL::pg_catalog.float4[] AS most_common_freqs, NULL::pg_catalog.text AS histogram_bounds) s";

/// Buffers that a look at the statistics of one table touches at most: a few index pages of `pg_statistic` and
/// the long values behind them.
const STATISTICS_BLOCKS: f64 = 100.0;

/// The facts of relations, as text to be filled in: for the command table.
pub(super) fn facts_template() -> String {
    estimate::FACTS
        .replace("$1", "{schemas}")
        .replace("$2", "{names}")
        .replace("$3", "{columns}")
        .replace(STATISTICS, "{statistics}")
}

/// Texts as an array.
pub(super) fn array<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<String> {
    let texts = texts.into_iter().map(literal).collect::<Result<Vec<_>>>()?;
    Ok(format!("ARRAY[{}]::pg_catalog.text[]", texts.join(", ")))
}

/// The JSON of a plan in an answer.
pub(super) fn plan_text(answer: Option<&Answer>) -> String {
    answer.and_then(|answer| answer.rows.first()?.first()?.clone()).unwrap_or_default()
}

/// Names of the relations in a plan.
pub(super) fn relations_in(plan: &str) -> Result<Vec<(String, String)>> {
    let wanted = estimate::relations_of(&Plan::parse(plan)?);
    Ok(wanted.relations.into_iter().map(|relation| (relation.schema, relation.name)).collect())
}

impl PostgresSource {
    /// The question for the facts of these relations.
    fn facts_question(&self, schemas: &[&str], names: &[&str], columns: &[&str]) -> Result<String> {
        let text = estimate::FACTS
            .replace("$1", &array(schemas.iter().copied())?)
            .replace("$2", &array(names.iter().copied())?)
            .replace("$3", &array(columns.iter().copied())?);
        let sees = self.sees_statistics.load(Ordering::Relaxed);
        Ok(if sees { text } else { text.replace(STATISTICS, NO_STATISTICS) })
    }

    /// The planner's plan of a statement over one table, with the facts of it, in one message.
    async fn explain_table(
        &self,
        ctx: &CallCtx,
        statement: &str,
        table: &TableInfo,
        made: &ReadPlan,
    ) -> Result<(String, Answer)> {
        let filtered = made.spec.filter.iter().flat_map(|filter| filter.columns());
        let ordered = made.spec.order.iter().map(|by| by.column.as_str());
        let columns = filtered.chain(ordered).collect::<Vec<_>>();
        for is_last in [false, true] {
            let facts = self.facts_question(&[&table.schema], &[&table.name], &columns)?;
            let body = format!("EXPLAIN ({OPTIONS}) {statement}; {facts}");
            match self.link.ask(ctx, STAGE, &sent::ESTIMATE, &body).await {
                Ok(answers) => {
                    let facts = answers.get(1).cloned().unwrap_or_default();
                    return Ok((plan_text(answers.first()), facts));
                }
                Err(error) if error.kind == ErrorKind::Denied && !is_last => {
                    self.sees_statistics.store(false, Ordering::Relaxed);
                }
                Err(error) => return Err(error),
            }
        }
        Ok((String::new(), Answer::default()))
    }

    /// The facts of the relations in a plan.
    async fn facts_of(&self, ctx: &CallCtx, plan: &Plan) -> Result<Answer> {
        let wanted = estimate::relations_of(plan);
        let (schemas, names) = (wanted.schemas(), wanted.names());
        if names.is_empty() {
            return Ok(Answer::default());
        }
        let schemas = schemas.iter().map(String::as_str).collect::<Vec<_>>();
        let names = names.iter().map(String::as_str).collect::<Vec<_>>();
        let columns = wanted.columns.iter().map(String::as_str).collect::<Vec<_>>();
        for is_last in [false, true] {
            let body = self.facts_question(&schemas, &names, &columns)?;
            match self.link.ask(ctx, STAGE, &sent::RELATION_STATISTICS, &body).await {
                Ok(answers) => return Ok(answers.into_iter().next().unwrap_or_default()),
                Err(error) if error.kind == ErrorKind::Denied && !is_last => {
                    self.sees_statistics.store(false, Ordering::Relaxed);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Answer::default())
    }

    /// What a planned read would cost, unjudged.
    pub(super) async fn weigh(&self, ctx: &CallCtx, made: &ReadPlan) -> Result<LoadEstimate> {
        if made.gate.as_ref().is_some_and(|gate| !gate.is_read()) {
            return Ok(estimate::refused(self.capacity.clone()));
        }
        if made.spec.want == Want::Profile(ProfileLevel::Catalog) {
            return Ok(self.of_statistics(made));
        }
        let Some(statement) = plan::statement_in(made) else {
            return Ok(estimate::refused(self.capacity.clone()));
        };
        if made.spec.query.is_some() && made.schema.is_none() {
            return Ok(self.of_statistics(made));
        }
        let table = match made.spec.query {
            Some(_) => None,
            None => Some(self.table(ctx, STAGE, &made.spec.node).await?),
        };
        let (text, facts) = match (self.explained(statement), &table) {
            (Some(explained), _) => (explained.plan, None),
            (None, Some(table)) if table.kind != Kind::Partitioned => {
                let (text, facts) = self.explain_table(ctx, statement, table, made).await?;
                (text, Some(facts))
            }
            (None, _) => {
                let names = if table.is_some() { Names::Catalog } else { Names::Role };
                (self.explain(ctx, STAGE, statement, names).await?.plan, None)
            }
        };
        let plan = Plan::parse(&text)?;
        let facts = match facts {
            Some(facts) => facts,
            None => self.facts_of(ctx, &plan).await?,
        };
        let rows = facts.rows.iter().filter_map(|row| row.first()?.as_deref());
        let facts = Facts::parse(rows)?;
        let limit = plan::limit_in(made).as_secs_f64();
        let mut estimate = estimate::estimate(&plan, &facts, &made.spec, self.capacity.clone(), Some(limit))?;
        estimate.set(Quantity::exact(Dim::RoundTrips, made.steps.len() as f64, "messages of the plan"));
        // What is given was looked at, whatever made it.
        if let (Some(given), Some(seen)) =
            (estimate.quantity(Dim::RowsReturned).cloned(), estimate.quantity(Dim::RowsExamined).cloned())
            && seen.hi < given.hi
        {
            estimate.set(Quantity { dim: Dim::RowsExamined, ..given });
        }
        estimate.cost_of_estimating = ctx.meter().actual();
        Ok(estimate)
    }

    /// A look into the catalogue, `SHOW` or `EXPLAIN`: no block of a table.
    fn of_statistics(&self, made: &ReadPlan) -> LoadEstimate {
        const SOURCE: &str = "a few pages of the system catalogue";
        let bytes = STATISTICS_BLOCKS * self.block_bytes() as f64;
        let guessed = || Provenance::Guessed { rule: "catalogue_look_up".to_owned() };
        let rows = made.bounds.rows.map_or(1_000.0, |rows| rows as f64);
        let mut estimate = LoadEstimate::over(self.capacity.clone());
        estimate.set(Quantity::between(Dim::RowsReturned, 0.0, 0.0, rows, guessed(), SOURCE));
        estimate.set(Quantity::between(Dim::BlocksTouched, 1.0, 20.0, STATISTICS_BLOCKS, guessed(), SOURCE));
        estimate.set(Quantity::between(Dim::BytesServer, 0.0, bytes / 5.0, bytes, guessed(), SOURCE));
        estimate.set(Quantity::exact(Dim::RoundTrips, made.steps.len() as f64, "messages of the plan"));
        estimate
    }
}
