//! One live file: answers of the waist, each in a module of its own.

use std::sync::Arc;

use async_trait::async_trait;

use super::catalog::{Catalog, Paging, TableInfo};
use super::commands as sent;
use super::link::{Link, Taken};
use super::sample;
use super::{abilities, describe, estimate, gate, plan, profile, read};
use crate::connector::{Permit, Source, facets};
use crate::job::{BatchSink, CallCtx};
use crate::model::ability::{Abilities, Pushdown};
use crate::model::gate::GateVerdict;
use crate::model::load::{Capacity, LoadEstimate};
use crate::model::lost::{Disagreement, Findings};
use crate::model::node::{Description, Key, NodePage, NodePath, PageRequest};
use crate::model::read::{
    Bound, ProfileLevel, ReadOutcome, ReadPlan, ReadSpec, Sample, SampleMethod, SampleSize, Step, StepKind,
    Want,
};
use crate::model::{Error, ErrorKind, Result};

/// One live SQLite file.
pub(super) struct SqliteSource {
    pub(super) link: Link,
    pub(super) catalog: Catalog,
    pub(super) capacity: Capacity,
    abilities: Abilities,
}

impl SqliteSource {
    /// A source over an open file.
    pub(super) fn new(link: Link, capacity: Capacity) -> Self {
        Self { link, catalog: Catalog::default(), capacity, abilities: abilities() }
    }

    /// The name of the table or view at a path.
    pub(super) fn table_name<'a>(&self, stage: &str, at: &'a NodePath) -> Result<&'a str> {
        match at.segments() {
            [name] => Ok(name),
            [] => Err(Error::new(ErrorKind::Invalid, stage, "the database itself has no rows")
                .hint("name one of its tables")),
            _ => Err(Error::not_found(stage, format!("{at}"))),
        }
    }

    /// The table a spec reads.
    pub(super) async fn table_of(
        &self,
        ctx: &CallCtx,
        stage: &str,
        taken: &mut Taken<'_>,
        spec: &ReadSpec,
    ) -> Result<Option<Arc<TableInfo>>> {
        if spec.query.is_some() {
            return Ok(None);
        }
        let name = self.table_name(stage, &spec.node)?;
        self.catalog.table(ctx, stage, &self.link, taken, name).await.map(Some)
    }

    async fn plan_query(&self, taken: &mut Taken<'_>, spec: ReadSpec, text: String) -> Result<ReadPlan> {
        let verdict = gate::judge(&text);
        let mut schema = None;
        let mut remarks = vec![
            "sent as written: SQLite stops when enough rows have come, but a sort or a grouping is done in full first"
                .to_owned(),
        ];
        if let GateVerdict::Read { cautions } = &verdict {
            remarks.extend(cautions.clone());
            let compiled = taken.compile("plan", &text).await?;
            if !compiled.is_read_only {
                return Err(Error::new(
                    ErrorKind::Refused,
                    "plan",
                    "SQLite says that the statement would write",
                )
                .hint("only statements that read are sent"));
            }
            if compiled.parameters > 0 {
                return Err(Error::new(
                    ErrorKind::Invalid,
                    "plan",
                    format!("the query has {} parameters without a value", compiled.parameters),
                )
                .hint("write the values into the query"));
            }
            schema = read::schema_of_compiled(&compiled);
        }
        let method = match spec.bound.rows {
            Some(rows) => format!("first {rows} rows of the query"),
            None => "all rows of the query".to_owned(),
        };
        Ok(ReadPlan {
            bounds: spec.bound,
            steps: vec![Step { entry: sent::QUERY, text, binds: Vec::new(), kind: StepKind::Statement }],
            // What a spec asks beside its query is done in the fetched rows.
            pushdown: Pushdown {
                projection: crate::model::ability::Support::None,
                filter: crate::model::ability::Support::None,
                order: crate::model::ability::Support::None,
                limit: crate::model::ability::Support::Inexact,
                sample: crate::model::ability::Support::None,
            },
            schema,
            gate: Some(verdict),
            method,
            remarks,
            spec,
        })
    }

    async fn plan_table(
        &self,
        ctx: &CallCtx,
        taken: &mut Taken<'_>,
        mut spec: ReadSpec,
        table: &TableInfo,
    ) -> Result<ReadPlan> {
        let Some(asked) = spec.sample else { return plan::rows(spec, table) };
        let method = sample::resolve(asked.method, table);
        let mut extra = Vec::new();
        if method != asked.method && asked.method != SampleMethod::Auto {
            extra.push(format!(
                "{} needs row numbers, which {:?} has not: every row is looked at",
                asked.method.word(),
                table.name
            ));
        }
        spec.sample = Some(Sample { method, ..asked });
        let drawn = match (method, &table.paging) {
            (SampleMethod::Head, _) => {
                let rows = match asked.size {
                    SampleSize::Rows(rows) => rows,
                    SampleSize::Percent(_) => {
                        let rows = self.rows_about(ctx, taken, table).await?;
                        sample::rows_of(asked.size, rows).unwrap_or(ReadSpec::PREVIEW_ROWS)
                    }
                };
                spec.bound = spec.bound.tightest(Bound::rows(rows));
                let mut plan = plan::rows(spec, table)?;
                plan.remarks.push("the first rows are not representative".to_owned());
                return Ok(plan);
            }
            (SampleMethod::Block | SampleMethod::Keyset, Paging::RowNumber(number)) => {
                let Some(range) = self
                    .catalog
                    .size(ctx, "plan", &self.link, taken, table)
                    .await?
                    .and_then(|size| size.range)
                else {
                    return plan::rows(spec, table);
                };
                let table_rows = self.rows_about(ctx, taken, table).await?.unwrap_or(range.span());
                let rows = sample::rows_of(asked.size, Some(table_rows)).unwrap_or(ReadSpec::PREVIEW_ROWS);
                let rows = spec.bound.rows.map_or(rows, |most| most.min(rows));
                if rows >= range.span() {
                    let mut plan = plan::rows(spec, table)?;
                    plan.remarks.push("the table has no more rows than the sample: all are read".to_owned());
                    return Ok(plan);
                }
                sample::draw_by_number(table, number, method, rows, range, spec.seed)
            }
            _ => sample::draw_by_hash(table, Sample { method, ..asked }, spec.seed),
        };
        let mut plan = plan::sample(spec, table, drawn)?;
        plan.remarks.extend(extra);
        Ok(plan)
    }

    /// Rows of a table as far as the catalogue knows.
    async fn rows_about(
        &self,
        ctx: &CallCtx,
        taken: &mut Taken<'_>,
        table: &TableInfo,
    ) -> Result<Option<u64>> {
        let statistics = self.catalog.statistics(ctx, "plan", &self.link, taken, &table.name).await?;
        if statistics.rows.is_some() {
            return Ok(statistics.rows);
        }
        let size = self.catalog.size(ctx, "plan", &self.link, taken, table).await?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a row count of at least 1"
        )]
        Ok(size.map(|size| size.rows.1.ceil() as u64))
    }
}

#[async_trait]
impl Source for SqliteSource {
    fn abilities(&self) -> &Abilities {
        &self.abilities
    }

    async fn children(&self, ctx: &CallCtx, at: &NodePath, page: &PageRequest) -> Result<NodePage> {
        let mut taken = self.link.take(ctx, "browse").await?;
        if at.is_root() {
            return self.catalog.children(ctx, &self.link, &mut taken, page).await;
        }
        let name = self.table_name("browse", at)?;
        self.catalog.table(ctx, "browse", &self.link, &mut taken, name).await?;
        Ok(NodePage::default())
    }

    async fn describe(&self, ctx: &CallCtx, at: &NodePath) -> Result<Description> {
        let mut taken = self.link.take(ctx, "describe").await?;
        if at.is_root() {
            return describe::file(ctx, &self.link, &self.catalog, &mut taken).await;
        }
        let name = self.table_name("describe", at)?;
        describe::table(ctx, &self.link, &self.catalog, &mut taken, name).await
    }

    async fn plan(&self, ctx: &CallCtx, spec: ReadSpec) -> Result<ReadPlan> {
        let spec = spec.with_profile_defaults();
        let mut taken = self.link.take(ctx, "plan").await?;
        if let Some(text) = spec.query.clone() {
            return self.plan_query(&mut taken, spec, text).await;
        }
        let name = self.table_name("plan", &spec.node)?;
        let table = self.catalog.table(ctx, "plan", &self.link, &mut taken, name).await?;
        if spec.want == Want::Profile(ProfileLevel::Catalog) {
            return profile::plan(spec, &table);
        }
        self.plan_table(ctx, &mut taken, spec, &table).await
    }

    async fn estimate(&self, ctx: &CallCtx, plan: &ReadPlan) -> Result<LoadEstimate> {
        estimate::estimate(self, ctx, plan).await
    }

    async fn read(&self, ctx: &CallCtx, permit: Permit, sink: &mut dyn BatchSink) -> Result<ReadOutcome> {
        let plan = permit.plan();
        if plan.gate.as_ref().is_some_and(|gate| !gate.is_read()) {
            return Err(Error::new(ErrorKind::Refused, "read", "the gate did not let the query through"));
        }
        let mut taken = self.link.take(ctx, "read").await?;
        let table = self.table_of(ctx, "read", &mut taken, &plan.spec).await?;
        if plan.spec.want == Want::Profile(ProfileLevel::Catalog) && plan.spec.query.is_none() {
            return profile::read(self, ctx, &mut taken, &permit, sink).await;
        }
        let before = self.link.stamp();
        let target = read::Target { table: table.as_deref() };
        let outcome = read::run(ctx, &mut taken, &permit, target, sink).await;
        if self.link.stamp() != before {
            let mut findings = Findings::default();
            findings.disagreements.push(Disagreement {
                about: "the state of the file".to_owned(),
                declared: "one state for the whole read".to_owned(),
                observed: "the file was written to while it was read; rows of one statement are of one state unless the file was opened as immutable".to_owned(),
            });
            sink.findings(findings);
        }
        outcome
    }

    fn query_text(&self) -> Option<&dyn facets::QueryText> {
        Some(self)
    }

    fn relations(&self) -> Option<&dyn facets::Relations> {
        Some(self)
    }
}

impl facets::QueryText for SqliteSource {
    fn language(&self) -> &str {
        "SQL (SQLite)"
    }

    fn gate(&self, text: &str) -> GateVerdict {
        gate::judge(text)
    }
}

#[async_trait]
impl facets::Relations for SqliteSource {
    async fn outgoing(&self, ctx: &CallCtx, at: &NodePath) -> Result<Vec<Key>> {
        let name = self.table_name("describe", at)?;
        let mut taken = self.link.take(ctx, "describe").await?;
        self.catalog.table(ctx, "describe", &self.link, &mut taken, name).await?;
        describe::foreign_keys(ctx, &mut taken, name).await
    }
}
