//! One live database: answers of the waist, each in a module of its own.

use std::collections::VecDeque;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use super::catalog::{Catalog, Kind, TableInfo, is, literal, number, text};
use super::commands as sent;
use super::link::{Link, Names};
use super::plan::Touched;
use super::types::ColumnType;
use super::{abilities, copy, describe, gate, plan, profile, read, sample, weigh};
use crate::connector::{Permit, Source, facets};
use crate::job::{BatchSink, CallCtx};
use crate::model::ability::Abilities;
use crate::model::gate::GateVerdict;
use crate::model::load::{Capacity, LoadEstimate};
use crate::model::node::{Description, Key, NodePage, NodePath, PageRequest};
use crate::model::read::{
    Bound, ProfileLevel, ReadOutcome, ReadPlan, ReadSpec, Sample, SampleMethod, SampleSize, Want,
};
use crate::model::standing::Standing;
use crate::model::{Error, ErrorKind, Result};

/// How many plans of the planner's are kept for the estimate that follows.
const KEPT_PLANS: usize = 16;

/// What planning a query or view learned, kept for its estimate and its reading.
#[derive(Clone, Debug)]
pub(super) struct Explained {
    /// The statement.
    pub(super) statement: String,
    /// The planner's plan of it, as JSON.
    pub(super) plan: String,
    /// Types of its columns, if it is a query.
    columns: Vec<ColumnType>,
}

/// One live PostgreSQL database.
pub(super) struct PostgresSource {
    pub(super) link: Link,
    pub(super) catalog: Catalog,
    pub(super) capacity: Capacity,
    /// Whether this login may read `pg_stats`; found out by asking.
    pub(super) sees_statistics: AtomicBool,
    abilities: Abilities,
    explained: Mutex<VecDeque<Explained>>,
}

impl PostgresSource {
    /// A source over a live connection.
    pub(super) fn new(link: Link, capacity: Capacity) -> Self {
        Self {
            link,
            catalog: Catalog::new(),
            capacity,
            sees_statistics: AtomicBool::new(true),
            abilities: abilities(),
            explained: Mutex::default(),
        }
    }

    /// The table or view at a path: `schema/name`, or `schema/parent/…/partition`.
    pub(super) async fn table(&self, ctx: &CallCtx, stage: &str, at: &NodePath) -> Result<Arc<TableInfo>> {
        let (schema, below, name) = match at.segments() {
            [] | [_] => {
                return Err(Error::new(
                    ErrorKind::Invalid,
                    stage,
                    "a database or schema has no rows of its own",
                )
                .hint("name a table or view: schema/name"));
            }
            [schema, below @ .., name] => (schema, below, name),
        };
        let found = self.catalog.table(ctx, stage, &self.link, schema, name).await;
        if below.is_empty() {
            return found;
        }
        let found = match (found, name.split_once('.')) {
            // A partition elsewhere than its parent is shown with its schema.
            (Err(error), Some((schema, name))) if error.kind == ErrorKind::NotFound => {
                self.catalog.table(ctx, stage, &self.link, schema, name).await
            }
            (found, _) => found,
        }?;
        if found.is_partition { Ok(found) } else { Err(Error::not_found(stage, format_args!("{at}"))) }
    }

    /// The table a spec reads; none for a query.
    async fn table_of(&self, ctx: &CallCtx, stage: &str, spec: &ReadSpec) -> Result<Option<Arc<TableInfo>>> {
        match spec.query {
            Some(_) => Ok(None),
            None => self.table(ctx, stage, &spec.node).await.map(Some),
        }
    }

    /// The planner's plan of a statement, if planning kept it.
    pub(super) fn explained(&self, statement: &str) -> Option<Explained> {
        let kept = self.explained.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|known| known.statement == statement).cloned()
    }

    fn keep(&self, explained: Explained) {
        let mut kept = self.explained.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|known| known.statement != explained.statement);
        kept.push_front(explained);
        kept.truncate(KEPT_PLANS);
    }

    /// Asks the planner about a statement; nothing runs.
    pub(super) async fn explain(
        &self,
        ctx: &CallCtx,
        stage: &str,
        statement: &str,
        names: Names,
    ) -> Result<Explained> {
        let body = format!("EXPLAIN ({}) {statement}", weigh::OPTIONS);
        let answers = self.link.ask_as(ctx, stage, &sent::EXPLAIN, &body, names).await?;
        let explained = Explained {
            statement: statement.to_owned(),
            plan: weigh::plan_text(answers.first()),
            columns: Vec::new(),
        };
        self.keep(explained.clone());
        Ok(explained)
    }

    async fn plan_query(&self, ctx: &CallCtx, spec: ReadSpec, text: &str) -> Result<ReadPlan> {
        let verdict = self.judge(ctx, text).await?;
        if !verdict.is_read() {
            return Ok(plan::query(&self.link, spec, text.trim(), verdict, None, Touched::NOTHING));
        }
        let text = plan::bare(text);
        if !plan::gives_rows(text) {
            return Ok(plan::query(&self.link, spec, text, verdict, None, Touched::NOTHING));
        }
        let statement = plan::limited(text, spec.bound.rows);
        let body = format!(
            "SELECT q.* FROM (VALUES (0)) AS one(row) LEFT JOIN (SELECT * FROM ({text}\n) AS asked LIMIT 0) AS q ON true; EXPLAIN ({}) {statement}\n",
            weigh::OPTIONS
        );
        let answers = self.link.ask_as(ctx, "plan", &sent::SHAPE, &body, Names::Role).await?;
        let columns = read::shape_of(answers.first())?;
        let oids = columns.iter().map(|(_, oid)| *oid).collect::<Vec<_>>();
        self.catalog.learn_types(ctx, "plan", &self.link, &oids).await?;
        let types = self.catalog.types();
        let of_columns = oids.iter().map(|oid| types.column(*oid, -1)).collect::<Vec<_>>();
        let schema = read::schema_of(columns.iter().map(|(name, _)| name.clone()), &of_columns);
        let explained = Explained {
            statement: statement.clone(),
            plan: weigh::plan_text(answers.get(1)),
            columns: of_columns,
        };
        let relations = relations_in(&explained.plan)?;
        let format = copy::format_for(&explained.columns);
        self.keep(explained);
        let touched = Touched { relations: &relations, format };
        Ok(plan::query(&self.link, spec, &statement, verdict, Some(schema), touched))
    }

    /// The gate's verdict, with what this server's catalogue says of the functions and operators of the text.
    async fn judge(&self, ctx: &CallCtx, text: &str) -> Result<GateVerdict> {
        if !self.link.about().is_standard {
            return Ok(GateVerdict::unknown(
                "this login's settings give \\ in texts a meaning (standard_conforming_strings is off), so that the \
                 server may read the query otherwise than the gate does",
            ));
        }
        let wanted = match gate::functions_of(text) {
            Ok(wanted) => wanted,
            Err(verdict) => return Ok(verdict),
        };
        let (functions, operators) = (wanted.function_names(), wanted.operator_names());
        if functions.is_empty() && operators.is_empty() {
            return Ok(gate::judge(text));
        }
        let body = gate::LOOKUP
            .replace("$1", &weigh::array(functions.iter().map(String::as_str))?)
            .replace("$2", &weigh::array(operators.iter().map(String::as_str))?);
        let answers = self.link.ask_as(ctx, "plan", &sent::FUNCTIONS, &body, Names::Role).await?;
        let rows = answers.first().map(|answer| answer.rows.as_slice()).unwrap_or_default();
        let known = gate::KnownFunctions::of(rows.iter().filter_map(|row| looked_up(row)).collect());
        Ok(gate::judge_knowing(text, &known))
    }

    async fn plan_table(&self, ctx: &CallCtx, mut spec: ReadSpec, table: &TableInfo) -> Result<ReadPlan> {
        let mut made = match spec.sample {
            None => plan::rows(&self.link, spec, table)?,
            Some(Sample { method: SampleMethod::Head, size }) => {
                let rows = match size {
                    SampleSize::Rows(rows) => rows,
                    SampleSize::Percent(_) => {
                        let drawn = sample::draw(
                            table,
                            Sample { method: SampleMethod::Block, size },
                            0,
                            self.block_bytes(),
                        );
                        drawn.rows.or(table.rows).unwrap_or(ReadSpec::PREVIEW_ROWS)
                    }
                };
                spec.bound = spec.bound.tightest(Bound::rows(rows));
                let mut made = plan::rows(&self.link, spec, table)?;
                made.remarks.push("the first rows are not representative".to_owned());
                made
            }
            Some(asked) => {
                let drawn = sample::draw(table, asked, spec.seed, self.block_bytes());
                spec.sample = Some(Sample { method: drawn.method_taken, ..asked });
                plan::sample(&self.link, spec, table, drawn)?
            }
        };
        if matches!(table.kind, Kind::View) {
            self.count_under_view(ctx, &mut made).await?;
        }
        Ok(made)
    }

    /// A view's rows lie in other relations: the planner names them, and their counters are asked.
    async fn count_under_view(&self, ctx: &CallCtx, made: &mut ReadPlan) -> Result<()> {
        let Some(statement) = plan::statement_in(made).map(str::to_owned) else { return Ok(()) };
        let explained = self.explain(ctx, "plan", &statement, Names::Catalog).await?;
        let relations = relations_in(&explained.plan)?;
        let entry = made.steps.first().map_or(sent::READ, |step| step.entry.clone());
        let format = plan::format_in(made);
        let statement = plan::Statement { entry, text: statement, relations, names: Names::Catalog, format };
        made.steps = plan::steps(&self.link, statement, &made.spec);
        Ok(())
    }

    pub(super) fn block_bytes(&self) -> u64 {
        self.link.about().block_bytes
    }
}

/// A row of the look-up of functions.
fn looked_up(row: &[Option<String>]) -> Option<gate::LookedUp> {
    let letter = |place| text(row, place)?.chars().next();
    Some(gate::LookedUp {
        kind: letter(0)?,
        schema: text(row, 1)?.to_owned(),
        name: text(row, 2)?.to_owned(),
        volatility: letter(3)?,
        language: text(row, 4)?.to_owned(),
        least_arguments: number(row, 5)?,
        most_arguments: number(row, 6)?,
        is_visible: is(row, 7),
        takes_row: is(row, 8),
    })
}

/// The relations of a plan as a list of numbers that the server looks up by name.
fn relations_in(plan: &str) -> Result<String> {
    let numbers = weigh::relations_in(plan)?
        .iter()
        .map(|(schema, name)| {
            let quoted = super::catalog::quoted(schema, name)?;
            Ok(format!("pg_catalog.to_regclass({})::pg_catalog.oid", literal(&quoted)?))
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(if numbers.is_empty() { "0".to_owned() } else { numbers.join(", ") })
}

#[async_trait]
impl Source for PostgresSource {
    fn abilities(&self) -> &Abilities {
        &self.abilities
    }

    async fn children(&self, ctx: &CallCtx, at: &NodePath, page: &PageRequest) -> Result<NodePage> {
        match at.segments() {
            [] => self.catalog.schemas(ctx, &self.link, page).await,
            [schema] => self.catalog.relations(ctx, &self.link, schema, page).await,
            _ => {
                let table = self.table(ctx, "browse", at).await?;
                self.catalog.partitions(ctx, &self.link, &table, at, page).await
            }
        }
    }

    async fn describe(&self, ctx: &CallCtx, at: &NodePath) -> Result<Description> {
        match at.segments() {
            [] => describe::server(ctx, &self.link).await,
            [schema] => describe::schema(ctx, &self.link, &self.catalog, schema).await,
            [schema, .., name] => {
                // Asked for by a person: what was known a minute ago does not serve.
                self.catalog.forget(schema, name);
                let table = self.table(ctx, "describe", at).await?;
                describe::table(ctx, &self.link, &table, at).await
            }
        }
    }

    async fn plan(&self, ctx: &CallCtx, spec: ReadSpec) -> Result<ReadPlan> {
        let spec = spec.with_profile_defaults();
        if let Some(text) = spec.query.clone() {
            return self.plan_query(ctx, spec, &text).await;
        }
        let table = self.table(ctx, "plan", &spec.node).await?;
        if spec.want == Want::Profile(ProfileLevel::Catalog) {
            return profile::plan(&self.link, spec, &table);
        }
        self.plan_table(ctx, spec, &table).await
    }

    async fn estimate(&self, ctx: &CallCtx, plan: &ReadPlan) -> Result<LoadEstimate> {
        self.weigh(ctx, plan).await
    }

    async fn read(&self, ctx: &CallCtx, permit: Permit, sink: &mut dyn BatchSink) -> Result<ReadOutcome> {
        let plan = permit.plan();
        if plan.gate.as_ref().is_some_and(|gate| !gate.is_read()) {
            return Err(Error::new(ErrorKind::Refused, "read", "the gate did not let the query through"));
        }
        let table = self.table_of(ctx, "read", &plan.spec).await?;
        let target = match &table {
            Some(table) if plan.spec.want == Want::Profile(ProfileLevel::Catalog) => {
                return profile::read(ctx, &self.link, table, &permit, sink).await;
            }
            Some(table) => {
                let names = plan::read_columns(&plan.spec, table, plan.pushdown);
                let columns = names.iter().filter_map(|name| table.column(name));
                read::Target {
                    schema: Some(table.schema_of(names.iter().map(String::as_str))),
                    columns: columns.map(|column| column.declared.clone()).collect(),
                    keys: plan::key_count(plan, table)?,
                    can_go_on: !plan::is_whole(&plan.spec),
                }
            }
            None => read::Target {
                schema: plan.schema.clone(),
                columns: self.columns_of_query(plan)?,
                keys: 0,
                can_go_on: false,
            },
        };
        let outcome = read::run(ctx, &self.link, &self.catalog, &permit, target, sink).await;
        if let (Err(error), Some(table)) = (&outcome, &table)
            && matches!(error.kind, ErrorKind::Invalid | ErrorKind::NotFound)
        {
            // The table changed since it was planned: the next plan asks anew.
            self.catalog.forget(&table.schema, &table.name);
        }
        outcome
    }

    async fn standing(&self, ctx: &CallCtx) -> Result<Standing> {
        super::standing::of(ctx, &self.link).await
    }

    fn query_text(&self) -> Option<&dyn facets::QueryText> {
        Some(self)
    }

    fn relations(&self) -> Option<&dyn facets::Relations> {
        Some(self)
    }
}

impl PostgresSource {
    /// The types of a planned query's columns; none where its rows tell them.
    fn columns_of_query(&self, plan: &ReadPlan) -> Result<Vec<ColumnType>> {
        if plan.schema.is_none() {
            return Ok(Vec::new());
        }
        let known = plan::statement_in(plan).and_then(|statement| self.explained(statement));
        known.map(|explained| explained.columns).ok_or_else(|| {
            Error::new(ErrorKind::Invalid, "read", "the query was planned too long ago").hint("plan it again")
        })
    }
}

impl facets::QueryText for PostgresSource {
    fn language(&self) -> &str {
        "SQL (PostgreSQL)"
    }

    fn gate(&self, text: &str) -> GateVerdict {
        gate::judge(text)
    }
}

#[async_trait]
impl facets::Relations for PostgresSource {
    async fn outgoing(&self, ctx: &CallCtx, at: &NodePath) -> Result<Vec<Key>> {
        let table = self.table(ctx, "describe", at).await?;
        describe::foreign_keys(ctx, &self.link, &table).await
    }
}
