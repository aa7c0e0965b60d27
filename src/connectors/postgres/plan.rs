//! From a [`ReadSpec`] to the exact messages: quoted names and values, every choice made.
//!
//! A small read is one message: the transaction, the rows, its own counters, the commit. A long read is three:
//! open, `COPY … TO STDOUT`, counters and commit. Pages follow a unique key where there is one, else the place
//! of rows in the table; only views, foreign tables and keyless partitioned tables are paged by counting.

use std::time::Duration;

use super::catalog::{ColumnInfo, Kind, Paging, TableInfo, literal, quoted_name};
use super::commands as sent;
use super::copy::{self, Format};
use super::decode;
use super::filter::{Pushed, push};
use super::link::{Link, Names};
use super::read::{ROW_BYTES, VALUE_BYTES};
use super::sample::Drawn;
use crate::kit::sql::keyset::{self, DescendingNulls, OrderKey, Writer};
use crate::model::ability::{Pushdown, Support};
use crate::model::cell::Cell;
use crate::model::command::EntryId;
use crate::model::gate::GateVerdict;
use crate::model::read::{Continuation, Direction, ReadPlan, ReadSpec, Step, StepKind};
use crate::model::schema::{LogicalType, Schema};
use crate::model::{Error, ErrorKind, Result};

/// Up to how many rows a read is one message; beyond, it is a stream.
const SMALL_ROWS: u64 = 2_000;
/// How long the server may work on a small read without a bound of its own.
const SMALL_LIMIT: Duration = Duration::from_secs(60);
/// The same for a long one.
const LONG_LIMIT: Duration = Duration::from_secs(3_600);
/// The place of a row in its table.
const PLACE: &str = "ctid";
/// Numbers of types from here on are not built in.
const FIRST_OWN_TYPE: u32 = 16_384;

/// Types without an order of their own: `ORDER BY` of them is an error.
const UNORDERED: [&str; 14] = [
    "json",
    "xml",
    "point",
    "line",
    "lseg",
    "box",
    "path",
    "polygon",
    "circle",
    "xid",
    "cid",
    "aclitem",
    "refcursor",
    "pg_snapshot",
];

fn is_ordered(column: &ColumnInfo) -> bool {
    let name = column.declared.name.trim_end_matches("[]");
    let is_plain = !matches!(column.declared.logical, LogicalType::Struct { .. });
    let is_known = column.declared.oid < FIRST_OWN_TYPE
        || !matches!(column.declared.logical, LogicalType::Opaque { .. });
    is_plain && is_known && !UNORDERED.contains(&name) && name != "txid_snapshot"
}

/// Whether a value of the column, written down and read back, stands at the same place of its order.
fn is_key_type(column: &ColumnInfo) -> bool {
    is_ordered(column)
        && (column.declared.oid < FIRST_OWN_TYPE
            || matches!(column.declared.logical, LogicalType::Enum { .. }))
}

/// Whether everything is read, from the start: then no page follows, and rows may come as they lie.
pub(super) fn is_whole(spec: &ReadSpec) -> bool {
    spec.bound.rows.is_none() && spec.continuation.is_none()
}

/// The order that pages of a read follow; none where rows are counted, and where no page follows.
fn order_keys(spec: &ReadSpec, table: &TableInfo) -> Result<Option<Vec<OrderKey>>> {
    if is_whole(spec) {
        return Ok(None);
    }
    let mut keys = Vec::new();
    let mut descending = false;
    for by in &spec.order {
        let Some(column) = table.column(&by.column).filter(|column| is_key_type(column)) else {
            return Ok(None);
        };
        descending = by.direction == Direction::Descending;
        keys.push(key_of(column, descending)?);
    }
    match table.paging() {
        Paging::Key(names) => {
            for name in names {
                let Some(column) = table.column(&name).filter(|column| is_key_type(column)) else {
                    return Ok(None);
                };
                keys.push(key_of(column, descending)?);
            }
        }
        Paging::Place => keys.push(OrderKey {
            expression: PLACE.to_owned(),
            read_as: PLACE.to_owned(),
            descending,
            nullable: false,
        }),
        Paging::Count => return Ok(None),
    }
    Ok(Some(keys))
}

fn key_of(column: &ColumnInfo, descending: bool) -> Result<OrderKey> {
    let name = quoted_name(&column.name)?;
    Ok(OrderKey { expression: name.clone(), read_as: name, descending, nullable: !column.required })
}

/// Writes values as literals of the keys' types.
struct Literals<'a> {
    /// As SQL writes the types of the keys, in key order.
    types: Vec<&'a str>,
    failed: Option<Error>,
}

impl Writer for Literals<'_> {
    fn value(&mut self, place: usize, value: &Cell) -> String {
        let of_type = self.types.get(place).copied().unwrap_or("text");
        match value {
            Cell::Text(text) => match literal(text) {
                Ok(text) => format!("{text}::{of_type}"),
                Err(error) => {
                    self.failed = Some(error);
                    "NULL".to_owned()
                }
            },
            _ => format!("NULL::{of_type}"),
        }
    }

    fn same(&mut self, expression: &str, value: String) -> String {
        format!("{expression} IS NOT DISTINCT FROM {value}")
    }

    fn never(&self) -> &'static str {
        "false"
    }
}

/// The names a read shall give, checked.
fn columns_of(spec: &ReadSpec, table: &TableInfo) -> Result<Vec<String>> {
    let known = |name: &str, what: &str| match table.column(name) {
        Some(column) if column.may_read => Ok(()),
        Some(_) => Err(Error::new(
            ErrorKind::Denied,
            "plan",
            format!("{what} names the column {name:?}, which this login may not read"),
        )
        .hint("ask its owner for SELECT on it, or leave it out")),
        None => {
            let names =
                table.visible().map(|column| column.name.as_str()).take(20).collect::<Vec<_>>().join(", ");
            Err(Error::new(
                ErrorKind::Invalid,
                "plan",
                format!("{what} names a column {name:?}, which {:?} has not", table.name),
            )
            .hint(format!("its columns: {names}")))
        }
    };
    for by in &spec.order {
        known(&by.column, "the order")?;
    }
    for name in spec.filter.iter().flat_map(|filter| filter.columns()) {
        known(name, "the condition")?;
    }
    match &spec.columns {
        Some(names) => {
            for name in names {
                known(name, "the list of columns")?;
            }
            Ok(names.clone())
        }
        None => {
            let names = table.visible().map(|column| column.name.clone()).collect::<Vec<_>>();
            if names.is_empty() && !table.columns.is_empty() {
                return Err(Error::new(
                    ErrorKind::Denied,
                    "plan",
                    format!("this login may not read {:?}", table.name),
                )
                .hint("ask its owner for SELECT on it"));
            }
            Ok(names)
        }
    }
}

/// The columns a statement gives: the asked ones, then those needed to finish in the fetched rows what the
/// server does not do itself.
pub(super) fn read_columns(spec: &ReadSpec, table: &TableInfo, pushdown: Pushdown) -> Vec<String> {
    spec.columns_read(pushdown, table.visible().map(|column| column.name.as_str()))
}

/// How many columns behind the visible ones a statement gives, to go on from: the keys of its order.
pub(super) fn key_count(plan: &ReadPlan, table: &TableInfo) -> Result<usize> {
    if plan.spec.sample.is_some() {
        return Ok(0);
    }
    Ok(order_keys(&plan.spec, table)?.map_or(0, |keys| keys.len()))
}

fn pushdown_of(
    spec: &ReadSpec,
    table: &TableInfo,
    names: &[String],
    filter: Support,
    order: Support,
) -> Pushdown {
    let pushdown = Pushdown { filter, order, ..Pushdown::FULL };
    let is_whole = read_columns(spec, table, pushdown).len() == names.len();
    Pushdown { projection: if is_whole { Support::Exact } else { Support::Inexact }, ..pushdown }
}

fn pushed_filter(spec: &ReadSpec, table: &TableInfo) -> Result<Pushed> {
    let Some(filter) = &spec.filter else { return Ok(Pushed::EVERYTHING) };
    decode::refuse_nul_in(filter)?;
    push(filter, table)
}

fn where_of(conditions: &[String]) -> String {
    if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) }
}

/// How a question for counters begins.
const COUNTED: &str = "SELECT pg_catalog.sum(pg_catalog.pg_stat_get_xact_blocks_fetched";

/// What keeps the count of what a read of these relations did cost, asked before it and after: the counters of a
/// transaction begin with what earlier ones of the session have not handed over yet. The list is of numbers, or a query of them.
pub(super) fn counters(relations: &str) -> String {
    format!(
        "SELECT pg_catalog.sum(pg_catalog.pg_stat_get_xact_blocks_fetched(r)), pg_catalog.sum(pg_catalog.pg_stat_get_xact_blocks_hit(r)), pg_catalog.sum(pg_catalog.pg_stat_get_xact_tuples_returned(r) + pg_catalog.pg_stat_get_xact_tuples_fetched(r)) FROM (WITH heap AS (SELECT c.oid, c.reltoastrelid FROM pg_catalog.pg_class AS c WHERE c.oid IN ({relations})), own AS (SELECT oid FROM heap UNION ALL SELECT reltoastrelid FROM heap WHERE reltoastrelid <> 0) SELECT oid FROM own UNION ALL SELECT x.indexrelid FROM pg_catalog.pg_index AS x WHERE x.indrelid IN (SELECT oid FROM own)) AS touched(r)"
    )
}

/// The numbers of the relations whose rows a table's rows are.
fn relations_of(table: &TableInfo) -> String {
    match table.kind {
        Kind::Partitioned => format!("SELECT t.relid FROM pg_catalog.pg_partition_tree({}) AS t", table.oid),
        _ => table.oid.to_string(),
    }
}

/// A statement on its way to being a plan.
pub(super) struct Statement {
    /// The entry, if it is one message.
    pub(super) entry: EntryId,
    /// The statement alone.
    pub(super) text: String,
    /// Numbers of the relations it touches, or a query of them.
    pub(super) relations: String,
    /// Where names without a schema are looked up.
    pub(super) names: Names,
    /// How a long read's stream is written.
    pub(super) format: Format,
}

/// The messages of a statement: one for a small read, three for a long one.
pub(super) fn steps(link: &Link, statement: Statement, spec: &ReadSpec) -> Vec<Step> {
    let step =
        |entry: EntryId, text: String| Step { entry, text, binds: Vec::new(), kind: StepKind::Statement };
    if is_small(spec) {
        return vec![message(link, statement, spec)];
    }
    let counters = counters(&statement.relations);
    let limit = limit_of(spec, LONG_LIMIT);
    vec![
        step(
            sent::BEGIN,
            format!("{}{counters}; {}", link.opening(limit, statement.names), sent::SAVEPOINT_TEXT),
        ),
        step(
            sent::COPY,
            link.marked(&format!("COPY ({}) TO STDOUT {}", statement.text, statement.format.clause())),
        ),
        step(sent::END, format!("{}; COMMIT", link.marked(&counters))),
    ]
}

/// A statement as one message, its counters around it. A read that is stopped goes back to the savepoint: there
/// the transaction still tells what it did cost.
fn message(link: &Link, statement: Statement, spec: &ReadSpec) -> Step {
    let counters = counters(&statement.relations);
    let body = format!("{counters}; {}; {}; {counters}", sent::SAVEPOINT_TEXT, statement.text);
    let text = link.message(&body, limit_of(spec, SMALL_LIMIT), statement.names);
    Step { entry: statement.entry, text, binds: Vec::new(), kind: StepKind::Statement }
}

/// What is asked of the transaction of a read that was stopped: what it did cost until then.
pub(super) fn after_stop(plan: &ReadPlan) -> Option<String> {
    let (_, asked) = plan.steps.last()?.text.rsplit_once(COUNTED)?;
    Some(format!("ROLLBACK TO {}; {COUNTED}{asked}", sent::SAVEPOINT_TEXT))
}

/// How long the server may work on it.
pub(super) fn limit_of(spec: &ReadSpec, default: Duration) -> Duration {
    let asked = spec.bound.seconds.filter(|seconds| seconds.is_finite() && *seconds > 0.0);
    asked.map_or(default, |seconds| Duration::from_secs_f64(seconds.clamp(0.001, 86_400.0)))
}

/// The time limit a plan's messages name.
pub(super) fn limit_in(plan: &ReadPlan) -> Duration {
    let default = if plan.steps.len() == 1 { SMALL_LIMIT } else { LONG_LIMIT };
    limit_of(&plan.spec, default)
}

/// The statement alone, taken out of a plan's messages: what `EXPLAIN` is asked about.
pub(super) fn statement_in(plan: &ReadPlan) -> Option<&str> {
    match plan.steps.as_slice() {
        [only] => {
            let (_, body) = only.text.split_once(sent::SAVEPOINT_TEXT)?;
            let (text, _) = body.strip_prefix("; ")?.rsplit_once(COUNTED)?;
            text.strip_suffix("; ")
        }
        [_, copy, _] => copy.text.split_once("COPY (")?.1.rsplit_once(") TO STDOUT ").map(|(text, _)| text),
        _ => None,
    }
}

/// How the stream of a planned long read is written.
pub(super) fn format_in(plan: &ReadPlan) -> Format {
    let is_binary = plan.steps.iter().any(|step| step.text.ends_with(Format::Binary.clause()));
    if is_binary { Format::Binary } else { Format::Text }
}

/// How a long read of these columns is written; a small one is text by nature.
fn format_of(spec: &ReadSpec, read: &[String], table: &TableInfo) -> Format {
    if is_small(spec) {
        return Format::Text;
    }
    let columns = read.iter().filter_map(|name| table.column(name)).map(|column| column.declared.clone());
    copy::format_for(&columns.collect::<Vec<_>>())
}

fn is_small(spec: &ReadSpec) -> bool {
    spec.bound.rows.is_some_and(|rows| rows <= SMALL_ROWS)
}

/// The plan of reading a table or view from its start or from where a page ended.
pub(super) fn rows(link: &Link, spec: ReadSpec, table: &TableInfo) -> Result<ReadPlan> {
    let names = columns_of(&spec, table)?;
    let keys = order_keys(&spec, table)?;
    let mut conditions = Vec::new();
    let mut remarks = table.notes();
    let mut offset = 0;
    match (&spec.continuation, &keys) {
        (None, _) => {}
        (Some(Continuation::Keyset(values)), Some(keys)) if values.len() == keys.len() => {
            conditions.push(behind(keys, values, table)?);
        }
        (Some(Continuation::Row(row)), None) => offset = *row,
        (Some(_), _) => {
            return Err(Error::new(ErrorKind::Invalid, "plan", "the place to go on from is of another read")
                .hint("read from the start"));
        }
    }
    let pushed = pushed_filter(&spec, table)?;
    conditions.extend(pushed.condition.clone());
    let order_support = order_support(&spec, table);
    let pushdown = pushdown_of(&spec, table, &names, pushed.support, order_support);
    let read = read_columns(&spec, table, pushdown);
    let mut select = read.iter().map(|name| quoted_name(name)).collect::<Result<Vec<_>>>()?;
    let format = format_of(&spec, &read, table);
    // A place to go on from is kept as text, however the rows themselves travel.
    let cast = if format == Format::Binary { "::pg_catalog.text" } else { "" };
    let aliased = |(place, key): (usize, &OrderKey)| format!("{}{cast} AS \"next {place}\"", key.read_as);
    select.extend(keys.iter().flatten().enumerate().map(aliased));
    let order = match &keys {
        // Rows of a table come in the order of their places by themselves.
        Some(keys)
            if keys.len() == 1 && keys.iter().all(|key| key.expression == PLACE && !key.descending) =>
        {
            String::new()
        }
        Some(keys) => keyset::order_by(keys, DescendingNulls::First),
        None => counted_order(&spec, table)?,
    };
    if keys.is_none() && !is_whole(&spec) {
        remarks.push(
            "pages count rows: they may shift when the data changes, and each page costs all rows before it"
                .to_owned(),
        );
    }
    if table.paging() == Paging::Place && !is_whole(&spec) {
        remarks.push("no unique key: pages follow the rows' places, which an update changes".to_owned());
    }
    if order_support == Support::None {
        remarks.push(
            "PostgreSQL has no order for a type asked for: the fetched rows are ordered here".to_owned(),
        );
    }
    let limit = limit_clause(&spec, select.len());
    let offset = if offset == 0 { String::new() } else { format!(" OFFSET {offset}") };
    let text = format!(
        "SELECT {} FROM {}{}{order}{limit}{offset}",
        if select.is_empty() { "NULL".to_owned() } else { select.join(", ") },
        table.quoted()?,
        where_of(&conditions)
    );
    let statement =
        Statement { entry: sent::READ, text, relations: relations_of(table), names: Names::Catalog, format };
    Ok(ReadPlan {
        bounds: spec.bound,
        steps: steps(link, statement, &spec),
        pushdown,
        schema: Some(table.schema_of(names.iter().map(String::as_str))),
        gate: None,
        method: method_of(&spec, table, keys.is_some()),
        remarks,
        spec,
    })
}

fn behind(keys: &[OrderKey], values: &[Cell], table: &TableInfo) -> Result<String> {
    let type_of = |key: &OrderKey| {
        let column = table
            .columns
            .iter()
            .find(|column| quoted_name(&column.name).is_ok_and(|name| name == key.read_as));
        column.map_or("tid", |column| column.declared.name.as_str())
    };
    let mut writer = Literals { types: keys.iter().map(type_of).collect(), failed: None };
    let condition = keyset::after(keys, values, &mut writer);
    writer.failed.map_or(Ok(condition), Err)
}

fn order_support(spec: &ReadSpec, table: &TableInfo) -> Support {
    let is_ordered = |name: &str| table.column(name).is_some_and(is_ordered);
    if spec.order.iter().all(|by| is_ordered(&by.column)) { Support::Exact } else { Support::None }
}

/// The most rows that the statement may give. Within a bound in bytes no more fit than rows without a value: the
/// server stops there by itself, however far it runs ahead of what we have heard.
fn limit_clause(spec: &ReadSpec, columns: usize) -> String {
    let least = ROW_BYTES + VALUE_BYTES * columns as u64;
    let fitting = spec.bound.bytes.map(|bytes| bytes.div_ceil(least).max(1));
    let most = spec.bound.rows.into_iter().chain(fitting).min();
    most.map(|rows| format!(" LIMIT {rows}")).unwrap_or_default()
}

/// The order asked for, where pages count rows.
fn counted_order(spec: &ReadSpec, table: &TableInfo) -> Result<String> {
    if order_support(spec, table) != Support::Exact {
        return Ok(String::new());
    }
    let keys = spec.order.iter().filter_map(|by| {
        let column = table.column(&by.column)?;
        Some(key_of(column, by.direction == Direction::Descending))
    });
    let keys = keys.collect::<Result<Vec<_>>>()?;
    Ok(if keys.is_empty() { String::new() } else { keyset::order_by(&keys, DescendingNulls::First) })
}

fn method_of(spec: &ReadSpec, table: &TableInfo, has_keys: bool) -> String {
    let order = if !spec.order.is_empty() {
        let list = spec.order.iter().map(|by| by.column.as_str()).collect::<Vec<_>>().join(", ");
        format!("in the order of {list}")
    } else {
        match table.paging() {
            Paging::Key(names) if has_keys => format!("in the order of the key {}", names.join(", ")),
            Paging::Place if has_keys => "in the order of their places in the table".to_owned(),
            _ => "in the order PostgreSQL gives them".to_owned(),
        }
    };
    let rows = match spec.bound.rows {
        Some(rows) if spec.continuation.is_none() => format!("first {rows} rows"),
        Some(rows) => format!("next {rows} rows"),
        None if spec.continuation.is_none() => "all rows".to_owned(),
        None => "all further rows".to_owned(),
    };
    format!("{rows} {order}")
}

/// The plan of a sample that was drawn.
pub(super) fn sample(link: &Link, mut spec: ReadSpec, table: &TableInfo, drawn: Drawn) -> Result<ReadPlan> {
    let names = columns_of(&spec, table)?;
    let pushed = pushed_filter(&spec, table)?;
    let mut conditions = drawn.conditions;
    conditions.extend(pushed.condition.clone());
    let (order, order_support) = match (&drawn.order, spec.order.is_empty()) {
        (None, _) => (counted_order(&spec, table)?, order_support(&spec, table)),
        (Some(order), true) => (format!(" ORDER BY {order}"), Support::Exact),
        (Some(order), false) => (format!(" ORDER BY {order}"), Support::None),
    };
    let pushdown = pushdown_of(&spec, table, &names, pushed.support, order_support);
    let read = read_columns(&spec, table, pushdown);
    spec.bound.rows = match (spec.bound.rows, drawn.rows) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
    let limit = limit_clause(&spec, read.len());
    let select = read.iter().map(|name| quoted_name(name)).collect::<Result<Vec<_>>>()?.join(", ");
    let text = format!(
        "SELECT {select} FROM {}{}{}{order}{limit}",
        table.quoted()?,
        drawn.tablesample,
        where_of(&conditions)
    );
    let mut remarks = table.notes();
    remarks.extend(drawn.remarks);
    if spec.filter.is_some() {
        remarks.push(
            "the condition is applied to the rows drawn: fewer rows than asked for may remain".to_owned(),
        );
    }
    let entry = if drawn.tablesample.is_empty() { sent::READ } else { sent::SAMPLE };
    let format = format_of(&spec, &read, table);
    let statement = Statement { entry, text, relations: relations_of(table), names: Names::Catalog, format };
    Ok(ReadPlan {
        bounds: spec.bound,
        steps: steps(link, statement, &spec),
        pushdown,
        schema: Some(table.schema_of(names.iter().map(String::as_str))),
        gate: None,
        method: drawn.method,
        remarks,
        spec,
    })
}

/// A text of the user's without what ends it. The gate has seen that it is one statement.
pub(super) fn bare(text: &str) -> &str {
    text.trim().trim_end_matches(|c: char| c == ';' || c.is_whitespace())
}

/// Whether a text that reads can stand inside another: `SHOW` and `EXPLAIN` cannot.
pub(super) fn gives_rows(text: &str) -> bool {
    let word =
        text.split(|c: char| !c.is_ascii_alphabetic()).find(|word| !word.is_empty()).unwrap_or_default();
    !["show", "explain"].contains(&word.to_ascii_lowercase().as_str())
}

/// A query with a limit around it. The line break ends a comment at the query's end.
pub(super) fn limited(text: &str, rows: Option<u64>) -> String {
    rows.map_or_else(|| text.to_owned(), |rows| format!("SELECT * FROM ({text}\n) AS asked LIMIT {rows}"))
}

/// What a query touches, and how its rows travel.
pub(super) struct Touched<'a> {
    /// Numbers of the relations, or a query of them.
    pub(super) relations: &'a str,
    /// How a long read's stream is written.
    pub(super) format: Format,
}

impl Touched<'_> {
    /// Nothing that is counted: `SHOW`, `EXPLAIN`, and what is not sent.
    pub(super) const NOTHING: Touched<'static> = Touched { relations: "0", format: Format::Text };
}

/// The plan of a query of the user's, as the gate left it.
pub(super) fn query(
    link: &Link,
    spec: ReadSpec,
    asked: &str,
    verdict: GateVerdict,
    schema: Option<Schema>,
    touched: Touched<'_>,
) -> ReadPlan {
    let Touched { relations, format } = touched;
    let mut remarks =
        vec!["sent as written inside a limit: a sort or a grouping is done in full first".to_owned()];
    if let GateVerdict::Read { cautions } = &verdict {
        remarks.extend(cautions.clone());
    }
    let text = asked.to_owned();
    let statement =
        Statement { entry: sent::QUERY, text, relations: relations.to_owned(), names: Names::Role, format };
    let steps = if schema.is_some() {
        steps(link, statement, &spec)
    } else {
        // SHOW and EXPLAIN cannot be copied; they give few rows.
        vec![message(link, statement, &spec)]
    };
    let method = match spec.bound.rows {
        Some(rows) => format!("first {rows} rows of the query"),
        None => "all rows of the query".to_owned(),
    };
    ReadPlan {
        bounds: spec.bound,
        steps,
        // What a spec asks beside its query is done in the fetched rows.
        pushdown: Pushdown {
            projection: Support::None,
            filter: Support::None,
            order: Support::None,
            limit: if schema.is_some() { Support::Exact } else { Support::Inexact },
            sample: Support::None,
        },
        schema,
        gate: Some(verdict),
        method,
        remarks,
        spec,
    }
}
