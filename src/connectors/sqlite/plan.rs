//! From a [`ReadSpec`] to the exact statement: quoted names, bound values, every choice made.
//!
//! Pages follow a key where there is one: the row number, or the primary key of a table without row numbers;
//! the key's columns are read behind the asked ones and taken off again. Views and virtual tables have no
//! such key: their pages count rows, and that is said.

use super::catalog::{KeyColumn, Paging, TableInfo};
use super::commands;
use super::filter::{Pushed, push, quote};
use super::sample::Drawn;
use crate::kit::sql::keyset::{self, DescendingNulls, OrderKey, Writer};
use crate::model::ability::{Pushdown, Support};
use crate::model::cell::Cell;
use crate::model::command::EntryId;
use crate::model::read::{Continuation, Direction, ReadPlan, ReadSpec, Step, StepKind};
use crate::model::{Error, ErrorKind, Result};

/// The order that pages of a read follow; none where rows are counted.
pub(super) fn order_keys(spec: &ReadSpec, table: &TableInfo) -> Option<Vec<OrderKey>> {
    let mut keys = Vec::new();
    let mut descending = false;
    for by in &spec.order {
        let column = table.column(&by.column)?;
        descending = by.direction == Direction::Descending;
        let name = quote(&column.name);
        keys.push(OrderKey {
            expression: name.clone(),
            read_as: name,
            descending,
            nullable: !column.required,
        });
    }
    match &table.paging {
        Paging::RowNumber(number) => keys.push(OrderKey {
            expression: (*number).to_owned(),
            read_as: (*number).to_owned(),
            descending,
            nullable: false,
        }),
        Paging::Key(columns) => {
            let is_reversed = |column: &KeyColumn| column.descending != descending;
            keys.extend(columns.iter().map(|column| OrderKey {
                expression: collated(table, column),
                read_as: quote(&column.name),
                descending: is_reversed(column),
                nullable: false,
            }));
        }
        Paging::Count => return None,
    }
    Some(keys)
}

/// The column with its key's collation, where the definition names any.
fn collated(table: &TableInfo, column: &KeyColumn) -> String {
    if table.names_collations() && !column.collation.is_empty() {
        format!("{} COLLATE {}", quote(&column.name), quote(&column.collation))
    } else {
        quote(&column.name)
    }
}

/// Collects values and names their parameters.
#[derive(Default)]
struct Binds(Vec<Cell>);

impl Binds {
    /// The parameter of a value; text that is not UTF-8 goes as bytes and becomes text again there.
    fn add(&mut self, value: &Cell) -> String {
        match value {
            Cell::Invalid(bytes) => {
                self.0.push(Cell::Bytes(bytes.clone()));
                format!("CAST(?{} AS TEXT)", self.0.len())
            }
            value => {
                self.0.push(value.clone());
                format!("?{}", self.0.len())
            }
        }
    }
}

impl Writer for Binds {
    fn value(&mut self, _place: usize, value: &Cell) -> String {
        self.add(value)
    }

    fn same(&mut self, expression: &str, value: String) -> String {
        format!("{expression} IS {value}")
    }

    fn never(&self) -> &'static str {
        "0"
    }
}

fn order_by(keys: &[OrderKey]) -> String {
    keyset::order_by(keys, DescendingNulls::Last)
}

/// The names a read shall give, checked.
pub(super) fn columns_of(spec: &ReadSpec, table: &TableInfo) -> Result<Vec<String>> {
    let known = |name: &str, what: &str| {
        if table.column(name).is_some() {
            return Ok(());
        }
        let names =
            table.visible().map(|column| column.name.as_str()).take(20).collect::<Vec<_>>().join(", ");
        Err(Error::new(
            ErrorKind::Invalid,
            "plan",
            format!("{what} names a column {name:?}, which {:?} has not", table.name),
        )
        .hint(format!("its columns: {names}")))
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
        None => Ok(table.visible().map(|column| column.name.clone()).collect()),
    }
}

/// The columns a statement gives: the asked ones, then those needed to finish in the fetched rows what the
/// source does not do itself.
pub(super) fn read_columns(spec: &ReadSpec, table: &TableInfo, pushdown: Pushdown) -> Vec<String> {
    spec.columns_read(pushdown, table.visible().map(|column| column.name.as_str()))
}

/// The pushdown of a read whose filter and order are sent as far as said.
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

fn pushed_filter(spec: &ReadSpec, table: &TableInfo, binds_before: usize) -> Pushed {
    match &spec.filter {
        Some(filter) => push(filter, table, binds_before),
        None => Pushed { condition: None, binds: Vec::new(), support: Support::Exact, remarks: Vec::new() },
    }
}

fn where_of(conditions: &[String]) -> String {
    if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) }
}

fn step(entry: EntryId, text: String, binds: Vec<Cell>) -> Step {
    Step { entry, text, binds, kind: StepKind::Statement }
}

/// The plan of reading a table or view from its start or from where a page ended.
pub(super) fn rows(spec: ReadSpec, table: &TableInfo) -> Result<ReadPlan> {
    let names = columns_of(&spec, table)?;
    let keys = order_keys(&spec, table);
    let mut binds = Binds::default();
    let mut conditions = Vec::new();
    let mut remarks = Vec::new();
    let mut offset = 0;
    match (&spec.continuation, &keys) {
        (None, _) => {}
        (Some(Continuation::Keyset(values)), Some(keys)) if values.len() == keys.len() => {
            conditions.push(keyset::after(keys, values, &mut binds));
        }
        (Some(Continuation::Row(row)), None) => offset = *row,
        (Some(_), _) => {
            return Err(Error::new(ErrorKind::Invalid, "plan", "the place to go on from is of another read")
                .hint("read from the start"));
        }
    }
    let pushed = pushed_filter(&spec, table, binds.0.len());
    binds.0.extend(pushed.binds.iter().cloned());
    conditions.extend(pushed.condition.clone());
    remarks.extend(pushed.remarks.clone());
    let pushdown = pushdown_of(&spec, table, &names, pushed.support, Support::Exact);
    let read = read_columns(&spec, table, pushdown);
    let mut select = read.iter().map(|name| quote(name)).collect::<Vec<_>>();
    select.extend(keys.iter().flatten().map(|key| key.read_as.clone()));
    let order = match &keys {
        Some(keys) => order_by(keys),
        None => counted_order(&spec, table),
    };
    if keys.is_none() {
        remarks.push(
            "pages count rows: they may shift when the data changes, and each page costs all rows before it"
                .to_owned(),
        );
    }
    let limit = spec.bound.rows.map(|rows| format!(" LIMIT {rows}")).unwrap_or_default();
    let offset = match (offset, spec.bound.rows) {
        (0, _) => String::new(),
        (offset, Some(_)) => format!(" OFFSET {offset}"),
        (offset, None) => format!(" LIMIT -1 OFFSET {offset}"),
    };
    let text = format!(
        "SELECT {} FROM {}{}{order}{limit}{offset}",
        select.join(", "),
        quote(&table.name),
        where_of(&conditions)
    );
    let method = method_of(&spec, table);
    let schema = table.schema_of(names.iter().map(String::as_str));
    Ok(ReadPlan {
        bounds: spec.bound,
        steps: vec![step(commands::READ, text, binds.0)],
        pushdown,
        schema: Some(schema),
        gate: None,
        method,
        remarks,
        spec,
    })
}

fn counted_order(spec: &ReadSpec, table: &TableInfo) -> String {
    let keys = spec
        .order
        .iter()
        .filter_map(|by| {
            let column = table.column(&by.column)?;
            Some(OrderKey {
                expression: quote(&column.name),
                read_as: String::new(),
                descending: by.direction == Direction::Descending,
                nullable: !column.required,
            })
        })
        .collect::<Vec<_>>();
    if keys.is_empty() { String::new() } else { order_by(&keys) }
}

fn method_of(spec: &ReadSpec, table: &TableInfo) -> String {
    let order = if !spec.order.is_empty() {
        let list = spec.order.iter().map(|by| by.column.as_str()).collect::<Vec<_>>().join(", ");
        format!("in the order of {list}")
    } else {
        match &table.paging {
            Paging::RowNumber(_) => "in the order of the row numbers".to_owned(),
            Paging::Key(_) => "in primary-key order".to_owned(),
            Paging::Count => "in the order SQLite gives them".to_owned(),
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
pub(super) fn sample(mut spec: ReadSpec, table: &TableInfo, drawn: Drawn) -> Result<ReadPlan> {
    let names = columns_of(&spec, table)?;
    let mut binds = drawn.binds;
    let pushed = pushed_filter(&spec, table, binds.len());
    binds.extend(pushed.binds.iter().cloned());
    let mut conditions = drawn.conditions;
    conditions.extend(pushed.condition.clone());
    let mut order = drawn.order.map(|order| format!(" ORDER BY {order}")).unwrap_or_default();
    let mut order_support = Support::Exact;
    if !spec.order.is_empty() {
        if order.is_empty() {
            order = counted_order(&spec, table);
        } else {
            order_support = Support::None;
        }
    }
    let pushdown = pushdown_of(&spec, table, &names, pushed.support, order_support);
    let read = read_columns(&spec, table, pushdown);
    spec.bound.rows = match (spec.bound.rows, drawn.rows) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
    let limit = spec.bound.rows.map(|rows| format!(" LIMIT {rows}")).unwrap_or_default();
    let select = read.iter().map(|name| quote(name)).collect::<Vec<_>>().join(", ");
    let text = format!("SELECT {select} FROM {}{}{order}{limit}", drawn.from, where_of(&conditions));
    let mut remarks = drawn.remarks;
    remarks.extend(pushed.remarks);
    if spec.filter.is_some() {
        remarks.push(
            "the condition is applied to the rows drawn: fewer rows than asked for may remain".to_owned(),
        );
    }
    Ok(ReadPlan {
        bounds: spec.bound,
        steps: vec![step(drawn.entry, text, binds)],
        pushdown,
        schema: Some(table.schema_of(names.iter().map(String::as_str))),
        gate: None,
        method: drawn.method,
        remarks,
        spec,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A key written as in SQL: `a`, `a DESC`, `a NULL`, `a DESC NULL`.
    fn key(text: &str) -> OrderKey {
        let name = text.split(' ').next().unwrap().to_owned();
        let (descending, nullable) = (text.contains("DESC"), text.contains("NULL"));
        OrderKey { expression: name.clone(), read_as: name, descending, nullable }
    }

    #[test]
    fn the_next_page_starts_exactly_behind_the_last_row() {
        let (one, null) = (Cell::Int(1), Cell::Null);
        for (keys, values, expected) in [
            (vec![key("rowid")], vec![one.clone()], "rowid > ?1"),
            (vec![key("rowid DESC")], vec![one.clone()], "rowid < ?1"),
            (vec![key("a"), key("b")], vec![one.clone(), one.clone()], "(a, b) > (?1, ?2)"),
            (
                vec![key("a NULL"), key("rowid")],
                vec![one.clone(), one.clone()],
                "(a > ?1 OR a IS NULL OR (a IS ?2 AND rowid > ?3))",
            ),
            (
                vec![key("a DESC NULL"), key("rowid DESC")],
                vec![null.clone(), one.clone()],
                "((a IS ?1 AND rowid < ?2))",
            ),
        ] {
            let mut binds = Binds::default();
            assert_eq!(keyset::after(&keys, &values, &mut binds), expected);
        }
        let mut binds = Binds::default();
        let text = keyset::after(&[key("a")], &[Cell::Invalid(vec![0xff])], &mut binds);
        assert_eq!((text.as_str(), binds.0), ("a > CAST(?1 AS TEXT)", vec![Cell::Bytes(vec![0xff])]));
    }
}
