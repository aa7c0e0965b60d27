//! Everything the schema and the statistics say of the file or of one table, without reading a row.

use std::collections::BTreeMap;

use super::catalog::{ANALYZED, Catalog, Computed, FileFacts, Paging, Statistics, TableInfo};
use super::commands as sent;
use super::decode::{int_of, text_of};
use super::link::{Ask, Link, Taken};
use super::open::OpenMode;
use crate::job::CallCtx;
use crate::model::cell::Cell;
use crate::model::load::Provenance;
use crate::model::node::{
    Description, Detail, Enforcement, Index, Key, KeyKind, KeyTarget, Known, Node, NodeKind, NodePath,
};
use crate::model::schema::Schema;
use crate::model::units::{bytes_text, count_text};
use crate::model::{ErrorKind, Result};

const STAGE: &str = "describe";

/// What must be known of the whole file wherever one looks.
fn notes_of(link: &Link) -> Vec<String> {
    let mut notes = link.opening().notes;
    if link.was_written() {
        notes.push("the file was written to while you look".to_owned());
    }
    notes
}

/// The file itself.
pub(super) async fn file(
    ctx: &CallCtx,
    link: &Link,
    catalog: &Catalog,
    taken: &mut Taken<'_>,
) -> Result<Description> {
    let facts = catalog.facts(ctx, STAGE, link, taken).await?;
    let opening = link.opening();
    let name = opening.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let exact = |label: &str, value: String| Detail::new(label, value, Provenance::Exact);
    let mut details = vec![
        exact("pages", count_text(facts.pages)),
        exact("page size", bytes_text(facts.page_bytes as f64)),
        exact("free pages", count_text(facts.free_pages)),
        exact("encoding", facts.encoding.clone()),
        exact("journal mode", journal_text(&facts, opening.mode)),
        exact("opened", mode_text(opening.mode).to_owned()),
        exact("user version", facts.user_version.to_string()),
        exact("tables, views, indexes, triggers", count_text(facts.objects)),
        exact("statistics", statistics_text(&facts).to_owned()),
        exact("SQLite library", facts.library.clone()),
    ];
    if facts.application_id != 0 {
        details.push(exact("application id", format!("{:#x}", facts.application_id)));
    }
    Ok(Description {
        node: Node {
            path: NodePath::root(),
            name,
            kind: NodeKind::Database,
            readable: false,
            expandable: true,
            rows: None,
            bytes: Some(Known::exact(facts.pages * facts.page_bytes)),
            note: None,
        },
        schema: Schema::default(),
        keys: Vec::new(),
        indexes: Vec::new(),
        details,
        ddl: None,
        notes: notes_of(link),
    })
}

fn journal_text(facts: &FileFacts, mode: OpenMode) -> String {
    // An immutable file has no journal by SQLite's answer; the header knows better.
    if mode == OpenMode::Immutable { "wal, no log in use".to_owned() } else { facts.journal_mode.clone() }
}

fn mode_text(mode: OpenMode) -> &'static str {
    match mode {
        OpenMode::Rollback => "read-only; a shared lock while a statement runs",
        OpenMode::Wal => "read-only with its write-ahead log; nothing created",
        OpenMode::WalCreating => "read-only with its write-ahead log; SQLite may create the -shm file",
        OpenMode::Immutable => "as immutable: no locks, nothing created",
    }
}

fn statistics_text(facts: &FileFacts) -> &'static str {
    match (facts.has_statistics, facts.has_samples) {
        (true, true) => "ANALYZE has run, with sampled keys; when is not recorded",
        (true, false) => "ANALYZE has run; when is not recorded",
        (false, _) => "none: ANALYZE never ran",
    }
}

/// One table or view.
pub(super) async fn table(
    ctx: &CallCtx,
    link: &Link,
    catalog: &Catalog,
    taken: &mut Taken<'_>,
    name: &str,
) -> Result<Description> {
    let table = catalog.table(ctx, STAGE, link, taken, name).await?;
    let statistics = catalog.statistics(ctx, STAGE, link, taken, name).await?;
    let (keys, indexes) = if table.kind == NodeKind::Table && !table.is_virtual {
        let (mut keys, indexes) = keys_and_indexes(ctx, taken, &table, &statistics).await?;
        keys.extend(foreign_keys(ctx, taken, name).await?);
        (keys, indexes)
    } else {
        (Vec::new(), Vec::new())
    };
    let ask = Ask::new(sent::TRIGGERS, sent::TRIGGERS_TEXT).text(name);
    let triggers = taken.rows(ctx, STAGE, ask).await?;
    let triggers = triggers.iter().filter_map(|row| text_of(row.first())).collect::<Vec<_>>();
    let (rows, bytes) = extent(ctx, link, catalog, taken, &table).await?;
    Ok(Description {
        node: Node {
            path: NodePath::root().child(name),
            name: name.to_owned(),
            kind: table.kind,
            readable: true,
            expandable: false,
            rows: statistics.rows.map(|rows| Known::by(rows, ANALYZED)).or(rows),
            bytes,
            note: None,
        },
        schema: Schema::new(table.columns.iter().map(|column| table.field(column)).collect()),
        keys,
        indexes,
        details: details_of(&table, &triggers),
        ddl: table.ddl.clone(),
        notes: notes_of(link),
    })
}

/// Rows and bytes of a table with row numbers, from a few pages of it. Of damaged pages nothing is said here:
/// the schema is worth showing all the same.
async fn extent(
    ctx: &CallCtx,
    link: &Link,
    catalog: &Catalog,
    taken: &mut Taken<'_>,
    table: &TableInfo,
) -> Result<(Option<Known<u64>>, Option<Known<u64>>)> {
    let size = match catalog.size(ctx, STAGE, link, taken, table).await {
        Err(error) if error.kind == ErrorKind::Decode => None,
        size => size?,
    };
    let Some(size) = size else { return Ok((None, None)) };
    let page_bytes = catalog.facts(ctx, STAGE, link, taken).await?.page_bytes as f64;
    let by = |value: f64, design: &str| {
        Some(Known::by(value.round() as u64, Provenance::Sampled { n: 3, design: design.to_owned() }))
    };
    let pages = size.pages.1 + size.rows.1 * size.spill;
    Ok((by(size.rows.1, "density of row numbers"), by(pages * page_bytes, "rows of a page, times rows")))
}

fn details_of(table: &TableInfo, triggers: &[String]) -> Vec<Detail> {
    let exact = |label: &str, value: &str| Detail::new(label, value, Provenance::Exact);
    let mut details = Vec::new();
    details.push(match (&table.paging, table.kind) {
        (Paging::RowNumber(name), _) => exact("rows are found by", &format!("row number ({name})")),
        (Paging::Key(_), _) => exact("rows are found by", "primary key (WITHOUT ROWID)"),
        (Paging::Count, NodeKind::View) => exact("rows are found by", "running the view"),
        (Paging::Count, _) => exact("rows are found by", "counting"),
    });
    if table.is_virtual {
        details.push(exact("kind", "virtual table: a module computes it, its load is not that of a table"));
    }
    if table.kind == NodeKind::Table {
        details.push(exact(
            "types",
            if table.is_strict { "strict" } else { "loose: every value may have its own" },
        ));
    }
    let computed = table
        .columns
        .iter()
        .filter(|column| matches!(column.computed, Computed::Virtual | Computed::Stored))
        .map(|column| column.name.as_str())
        .collect::<Vec<_>>();
    if !computed.is_empty() {
        details.push(exact("computed columns", &computed.join(", ")));
    }
    if !triggers.is_empty() {
        details.push(exact("triggers", &triggers.join(", ")));
    }
    details
}

/// Keys and indexes as `pragma_index_list` and `pragma_index_xinfo` tell them.
async fn keys_and_indexes(
    ctx: &CallCtx,
    taken: &mut Taken<'_>,
    table: &TableInfo,
    statistics: &Statistics,
) -> Result<(Vec<Key>, Vec<Index>)> {
    let rows = taken.rows(ctx, STAGE, Ask::new(sent::INDEXES, sent::INDEXES_TEXT).text(&table.name)).await?;
    let mut keys = Vec::new();
    let primary = primary_key(table);
    keys.extend(primary);
    let mut indexes: Vec<Index> = Vec::new();
    let mut unique_keys: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in &rows {
        let Some(name) = text_of(row.first()) else { continue };
        let column = index_column(row);
        let is_constraint = text_of(row.get(2)).as_deref() == Some("u");
        if is_constraint {
            unique_keys.entry(name.clone()).or_default().push(column.clone());
        }
        match indexes.last_mut() {
            Some(index) if index.name == name => index.columns.push(column),
            _ => indexes.push(Index {
                columns: vec![column],
                unique: int_of(row.get(1)) == Some(1),
                condition: (int_of(row.get(3)) == Some(1)).then(|| condition_of(row.get(7))),
                statistics: statistics.indexes.get(&name).map(|numbers| index_statistics(numbers)),
                name,
            }),
        }
    }
    keys.extend(unique_keys.into_iter().map(|(name, columns)| Key {
        kind: KeyKind::Unique,
        name: Some(name),
        columns,
        references: None,
        enforcement: Enforcement::Enforced,
    }));
    for index in &mut indexes {
        if index.columns.iter().any(|column| column == EXPRESSION) {
            let ddl = rows.iter().find(|row| text_of(row.first()).as_ref() == Some(&index.name));
            if let Some(list) = ddl.and_then(|row| text_of(row.get(7))).and_then(|ddl| expressions_of(&ddl)) {
                index.columns = list;
            }
        }
    }
    Ok((keys, indexes))
}

const EXPRESSION: &str = "(expression)";

fn index_column(row: &[Cell]) -> String {
    let mut column = text_of(row.get(4)).unwrap_or_else(|| EXPRESSION.to_owned());
    if let Some(collation) = text_of(row.get(6)).filter(|name| name != "BINARY") {
        column.push_str(&format!(" COLLATE {collation}"));
    }
    if int_of(row.get(5)) == Some(1) {
        column.push_str(" DESC");
    }
    column
}

/// The condition of a partial index, as its definition writes it.
fn condition_of(ddl: Option<&Cell>) -> String {
    let ddl = text_of(ddl).unwrap_or_default();
    let at = ddl.to_ascii_lowercase().rfind("where");
    at.and_then(|at| ddl.get(at + 5..)).map_or_else(|| "partial".to_owned(), |rest| rest.trim().to_owned())
}

/// What stands between the brackets of `CREATE INDEX … ON t(…)`, split at top-level commas.
fn expressions_of(ddl: &str) -> Option<Vec<String>> {
    let (_, rest) = ddl.split_once('(')?;
    let (mut depth, mut list, mut item) = (0_u32, Vec::new(), String::new());
    for c in rest.chars() {
        match c {
            ')' if depth == 0 => {
                list.push(item.trim().to_owned());
                return Some(list);
            }
            ',' if depth == 0 => list.push(std::mem::take(&mut item).trim().to_owned()),
            c => {
                match c {
                    '(' => depth += 1,
                    ')' => depth -= 1,
                    _ => {}
                }
                item.push(c);
            }
        }
    }
    None
}

fn index_statistics(numbers: &[u64]) -> String {
    let rows = numbers.first().copied().unwrap_or(0);
    let per_value = numbers.get(1..).unwrap_or(&[]).iter().map(|n| count_text(*n)).collect::<Vec<_>>();
    format!(
        "{} rows, about {} for one value (longer prefixes in order); as of the last ANALYZE, age unknown",
        count_text(rows),
        per_value.join(", ")
    )
}

fn primary_key(table: &TableInfo) -> Option<Key> {
    let mut columns = table.columns.iter().filter(|column| column.key_place > 0).collect::<Vec<_>>();
    columns.sort_by_key(|column| column.key_place);
    (!columns.is_empty()).then(|| Key {
        kind: KeyKind::Primary,
        name: None,
        columns: columns.into_iter().map(|column| column.name.clone()).collect(),
        references: None,
        enforcement: Enforcement::Enforced,
    })
}

/// Foreign keys of a table. SQLite enforces them only where a writer asked for it: they are declared.
pub(super) async fn foreign_keys(ctx: &CallCtx, taken: &mut Taken<'_>, name: &str) -> Result<Vec<Key>> {
    let rows = taken.rows(ctx, STAGE, Ask::new(sent::FOREIGN, sent::FOREIGN_TEXT).text(name)).await?;
    let mut keys: Vec<(i64, Key)> = Vec::new();
    for row in &rows {
        let (Some(id), Some(target), Some(from)) =
            (int_of(row.first()), text_of(row.get(1)), text_of(row.get(2)))
        else {
            continue;
        };
        let to = text_of(row.get(3));
        if keys.last().is_none_or(|(known, _)| *known != id) {
            let references = KeyTarget { node: NodePath::root().child(target), columns: Vec::new() };
            keys.push((
                id,
                Key {
                    kind: KeyKind::Foreign,
                    name: None,
                    columns: Vec::new(),
                    references: Some(references),
                    enforcement: Enforcement::Declared,
                },
            ));
        }
        if let Some((_, key)) = keys.last_mut() {
            key.columns.push(from);
            if let (Some(target), Some(to)) = (&mut key.references, to) {
                target.columns.push(to);
            }
        }
    }
    Ok(keys.into_iter().map(|(_, key)| key).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_of_an_index_are_split_at_top_level_commas() {
        for (ddl, expected) in [
            ("CREATE INDEX i ON t(a, lower(b), coalesce(c, 0))", vec!["a", "lower(b)", "coalesce(c, 0)"]),
            ("CREATE INDEX i ON t(a) WHERE b > 0", vec!["a"]),
        ] {
            assert_eq!(expressions_of(ddl).unwrap(), expected);
        }
        let ddl = Cell::Text("CREATE INDEX i ON t(a) WHERE b > 0".into());
        assert_eq!(condition_of(Some(&ddl)), "b > 0");
    }
}
