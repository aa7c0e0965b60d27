//! What the schema says: tables and views page by page, and everything about one of them, without reading
//! a row. Answers are kept until the file's stamp changes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::commands as sent;
use super::decode::{int_of, logical_of, note_of, text_of};
use super::link::{Ask, Link, Taken};
use super::open::Stamp;
use super::size::{self, Ends, TableSize};
use crate::job::CallCtx;
use crate::model::cell::Cell;
use crate::model::load::Provenance;
use crate::model::node::{Known, Node, NodeKind, NodePage, NodePath, PageRequest};
use crate::model::schema::{Field, Nullability, Schema};
use crate::model::{Error, ErrorKind, Result};

/// Statistics of SQLite carry no date.
pub(super) const ANALYZED: Provenance = Provenance::Catalogued { age_secs: None };

/// Facts of the file.
#[derive(Clone, Debug, Default)]
pub(super) struct FileFacts {
    /// Pages, free ones included.
    pub(super) pages: u64,
    /// Bytes of a page.
    pub(super) page_bytes: u64,
    /// Free pages.
    pub(super) free_pages: u64,
    /// `UTF-8`, `UTF-16le`, `UTF-16be`.
    pub(super) encoding: String,
    /// `delete`, `wal`, ….
    pub(super) journal_mode: String,
    /// The application's own version number.
    pub(super) user_version: i64,
    /// The application's own mark.
    pub(super) application_id: i64,
    /// Tables, views, indexes and triggers.
    pub(super) objects: u64,
    /// Whether `ANALYZE` left statistics.
    pub(super) has_statistics: bool,
    /// Whether it left sampled keys.
    pub(super) has_samples: bool,
    /// Version of the built-in library.
    pub(super) library: String,
}

impl FileFacts {
    /// Pages that hold something.
    pub(super) fn used_pages(&self) -> u64 {
        self.pages.saturating_sub(self.free_pages).max(1)
    }
}

/// A column as the schema declares it.
#[derive(Clone, Debug)]
pub(super) struct ColumnInfo {
    /// Its name.
    pub(super) name: String,
    /// Its declared type; may be empty.
    pub(super) declared: String,
    /// Whether null is refused.
    pub(super) required: bool,
    /// Its default, as written.
    pub(super) default: Option<String>,
    /// Place in the primary key, from 1; 0 = not in it.
    pub(super) key_place: i64,
    /// Whether it is computed, and how.
    pub(super) computed: Computed,
}

/// Whether a column is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Computed {
    /// Stored as given.
    No,
    /// Hidden column of a virtual table: not part of `SELECT *`.
    Hidden,
    /// Computed when read.
    Virtual,
    /// Computed when written.
    Stored,
}

/// A column of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeyColumn {
    /// Its name.
    pub(super) name: String,
    /// Whether the key runs downwards in it.
    pub(super) descending: bool,
    /// Its collation.
    pub(super) collation: String,
}

/// How rows are told apart and ordered for paging.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Paging {
    /// By row number, under this name.
    RowNumber(&'static str),
    /// By the primary key of a table without row numbers.
    Key(Vec<KeyColumn>),
    /// By counting rows: views and virtual tables.
    Count,
}

/// A table or view.
#[derive(Clone, Debug)]
pub(super) struct TableInfo {
    /// Its name.
    pub(super) name: String,
    /// Table or view.
    pub(super) kind: NodeKind,
    /// Whether a module computes it.
    pub(super) is_virtual: bool,
    /// Whether values must have the declared type.
    pub(super) is_strict: bool,
    /// Its definition.
    pub(super) ddl: Option<String>,
    /// Its columns, hidden ones included.
    pub(super) columns: Vec<ColumnInfo>,
    /// How it is paged.
    pub(super) paging: Paging,
}

impl TableInfo {
    /// The columns `SELECT *` gives.
    pub(super) fn visible(&self) -> impl Iterator<Item = &ColumnInfo> {
        self.columns.iter().filter(|column| column.computed != Computed::Hidden)
    }

    /// The column of this name, hidden ones included.
    pub(super) fn column(&self, name: &str) -> Option<&ColumnInfo> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The field of a column.
    pub(super) fn field(&self, column: &ColumnInfo) -> Field {
        let logical = logical_of(&column.declared);
        let remarks = [
            note_of(&column.declared),
            match column.computed {
                Computed::No => None,
                Computed::Hidden => Some("hidden column".to_owned()),
                Computed::Virtual => Some("computed when read".to_owned()),
                Computed::Stored => Some("computed when written".to_owned()),
            },
            column.default.as_ref().map(|default| format!("default {default}")),
        ];
        let remarks = remarks.into_iter().flatten().collect::<Vec<_>>();
        Field {
            name: column.name.clone(),
            logical,
            native: column.declared.clone(),
            nullability: if column.required { Nullability::Required } else { Nullability::Nullable },
            note: (!remarks.is_empty()).then(|| remarks.join("; ")),
        }
    }

    /// Fields of the named columns, in that order.
    pub(super) fn schema_of<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Schema {
        let fields = names.into_iter().filter_map(|name| self.column(name)).map(|column| self.field(column));
        Schema::new(fields.collect())
    }

    /// Whether a collation is named anywhere in the definition.
    pub(super) fn names_collations(&self) -> bool {
        self.ddl.as_ref().is_some_and(|ddl| ddl.to_ascii_uppercase().contains("COLLATE"))
    }
}

/// What `ANALYZE` left about a table.
#[derive(Clone, Debug, Default)]
pub(super) struct Statistics {
    /// Rows.
    pub(super) rows: Option<u64>,
    /// By index: rows in it, then average rows per distinct value of each longer prefix.
    pub(super) indexes: BTreeMap<String, Vec<u64>>,
    /// By index: rows of the most frequent sampled value of each prefix, the shortest first.
    pub(super) most: BTreeMap<String, Vec<u64>>,
}

/// Answers kept until the file changes.
#[derive(Default)]
struct Kept {
    stamp: Option<Stamp>,
    facts: Option<Arc<FileFacts>>,
    tables: BTreeMap<String, Arc<TableInfo>>,
    statistics: BTreeMap<String, Arc<Statistics>>,
    ends: BTreeMap<String, Option<Ends>>,
    sizes: BTreeMap<String, Option<TableSize>>,
}

/// The schema of one file.
#[derive(Default)]
pub(super) struct Catalog {
    kept: Mutex<Kept>,
}

impl Catalog {
    fn kept<T>(&self, link: &Link, pick: impl FnOnce(&mut Kept) -> T) -> T {
        let stamp = link.stamp();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.stamp != stamp {
            *kept = Kept { stamp, ..Kept::default() };
        }
        pick(&mut kept)
    }

    /// Facts of the file.
    pub(super) async fn facts(
        &self,
        ctx: &CallCtx,
        stage: &str,
        link: &Link,
        taken: &mut Taken<'_>,
    ) -> Result<Arc<FileFacts>> {
        if let Some(facts) = self.kept(link, |kept| kept.facts.clone()) {
            return Ok(facts);
        }
        let rows = taken.rows(ctx, stage, Ask::new(sent::FACTS, sent::FACTS_TEXT)).await?;
        let row = rows.into_iter().next().unwrap_or_default();
        let count = |at: usize| u64::try_from(int_of(row.get(at)).unwrap_or(0)).unwrap_or(0);
        let word = |at: usize| text_of(row.get(at)).unwrap_or_default();
        let statistics = word(9);
        let facts = Arc::new(FileFacts {
            pages: count(0),
            page_bytes: count(1),
            free_pages: count(2),
            encoding: word(3),
            journal_mode: word(4),
            user_version: int_of(row.get(5)).unwrap_or(0),
            application_id: int_of(row.get(6)).unwrap_or(0),
            objects: count(8),
            has_statistics: statistics.contains("sqlite_stat1"),
            has_samples: statistics.contains("sqlite_stat4"),
            library: word(10),
        });
        self.kept(link, |kept| kept.facts = Some(Arc::clone(&facts)));
        Ok(facts)
    }

    /// One table or view.
    ///
    /// # Errors
    /// `not_found`.
    pub(super) async fn table(
        &self,
        ctx: &CallCtx,
        stage: &str,
        link: &Link,
        taken: &mut Taken<'_>,
        name: &str,
    ) -> Result<Arc<TableInfo>> {
        if let Some(table) = self.kept(link, |kept| kept.tables.get(name).cloned()) {
            return Ok(table);
        }
        let table = Arc::new(read_table(ctx, stage, taken, name).await?);
        self.kept(link, |kept| kept.tables.insert(name.to_owned(), Arc::clone(&table)));
        Ok(table)
    }

    /// What `ANALYZE` left about a table; empty where it never ran.
    pub(super) async fn statistics(
        &self,
        ctx: &CallCtx,
        stage: &str,
        link: &Link,
        taken: &mut Taken<'_>,
        name: &str,
    ) -> Result<Arc<Statistics>> {
        if let Some(statistics) = self.kept(link, |kept| kept.statistics.get(name).cloned()) {
            return Ok(statistics);
        }
        let mut statistics = Statistics::default();
        if self.facts(ctx, stage, link, taken).await?.has_statistics {
            let ask = Ask::new(sent::STATISTICS, sent::STATISTICS_TEXT).text(name);
            for row in taken.rows(ctx, stage, ask).await? {
                let numbers = text_of(row.get(1)).unwrap_or_default();
                let numbers = numbers.split(' ').map_while(|word| word.parse().ok()).collect::<Vec<u64>>();
                let Some(rows) = numbers.first().copied() else { continue };
                statistics.rows = statistics.rows.max(Some(rows));
                if let Some(index) = text_of(row.first()) {
                    statistics.indexes.insert(index, numbers);
                }
            }
        }
        if self.facts(ctx, stage, link, taken).await?.has_samples {
            let ask = Ask::new(sent::SAMPLES, sent::SAMPLES_TEXT).text(name);
            for row in taken.rows(ctx, stage, ask).await? {
                let (Some(index), Some(counts)) = (text_of(row.first()), text_of(row.get(1))) else {
                    continue;
                };
                let most = statistics.most.entry(index).or_default();
                for (at, count) in counts.split(' ').map_while(|word| word.parse::<u64>().ok()).enumerate() {
                    match most.get_mut(at) {
                        Some(known) => *known = count.max(*known),
                        None => most.push(count),
                    }
                }
            }
        }
        let statistics = Arc::new(statistics);
        self.kept(link, |kept| kept.statistics.insert(name.to_owned(), Arc::clone(&statistics)));
        Ok(statistics)
    }

    /// How large a table with row numbers is; none for others and for empty ones.
    pub(super) async fn size(
        &self,
        ctx: &CallCtx,
        stage: &str,
        link: &Link,
        taken: &mut Taken<'_>,
        table: &TableInfo,
    ) -> Result<Option<TableSize>> {
        if let Some(size) = self.known_size(link, &table.name) {
            return Ok(size);
        }
        let size = match (self.ends(ctx, stage, link, taken, table).await?, &table.paging) {
            (Some(ends), Paging::RowNumber(number)) => {
                let facts = self.facts(ctx, stage, link, taken).await?;
                let statistics = self.statistics(ctx, stage, link, taken, &table.name).await?;
                let spread =
                    size::measure(ctx, stage, taken, table, number, (ends, facts.page_bytes)).await?;
                Some(size::size_of(ends, &spread, &statistics, facts.used_pages()))
            }
            _ => None,
        };
        self.kept(link, |kept| kept.sizes.insert(table.name.clone(), size));
        Ok(size)
    }

    /// First and last row number of a table that has any.
    pub(super) async fn ends(
        &self,
        ctx: &CallCtx,
        stage: &str,
        link: &Link,
        taken: &mut Taken<'_>,
        table: &TableInfo,
    ) -> Result<Option<Ends>> {
        let Paging::RowNumber(number) = table.paging else { return Ok(None) };
        if let Some(ends) = self.kept(link, |kept| kept.ends.get(&table.name).copied()) {
            return Ok(ends);
        }
        let ends = size::ends(ctx, stage, taken, &table.name, number).await?;
        self.kept(link, |kept| kept.ends.insert(table.name.clone(), ends));
        Ok(ends)
    }

    /// The size of a table, if it was measured before.
    pub(super) fn known_size(&self, link: &Link, table: &str) -> Option<Option<TableSize>> {
        self.kept(link, |kept| kept.sizes.get(table).copied())
    }

    /// One page of tables and views, by name.
    pub(super) async fn children(
        &self,
        ctx: &CallCtx,
        link: &Link,
        taken: &mut Taken<'_>,
        page: &PageRequest,
    ) -> Result<NodePage> {
        let size = page.size.max(1);
        let ask = Ask::new(sent::LIST, sent::LIST_TEXT)
            .text(page.token.as_deref().unwrap_or(""))
            .bind(Cell::Int(i64::try_from(size + 1).unwrap_or(i64::MAX)));
        let mut rows = taken.rows(ctx, "browse", ask).await?;
        let more = rows.len() > size;
        rows.truncate(size);
        let names = rows.iter().filter_map(|row| text_of(row.first())).collect::<Vec<_>>();
        let next = if more { names.last().cloned() } else { None };
        let counts = self.row_counts(ctx, link, taken, &names).await?;
        let modules = read_modules(ctx, taken).await?;
        let nodes = rows.iter().filter_map(|row| {
            let name = text_of(row.first())?;
            let is_view = text_of(row.get(1)).as_deref() == Some("view");
            let is_virtual = int_of(row.get(3)) == Some(1);
            Some(Node {
                path: NodePath::root().child(name.as_str()),
                kind: if is_view { NodeKind::View } else { NodeKind::Table },
                readable: true,
                expandable: false,
                rows: counts.get(&name).map(|count| Known::by(*count, ANALYZED)),
                bytes: None,
                note: note_of_table(&name, is_virtual, &modules),
                name,
            })
        });
        Ok(NodePage { nodes: nodes.collect(), next })
    }

    async fn row_counts(
        &self,
        ctx: &CallCtx,
        link: &Link,
        taken: &mut Taken<'_>,
        names: &[String],
    ) -> Result<BTreeMap<String, u64>> {
        if names.is_empty() || !self.facts(ctx, "browse", link, taken).await?.has_statistics {
            return Ok(BTreeMap::new());
        }
        let list = serde_json::to_string(names).map_err(|error| Error::unexpected("browse", error))?;
        let rows =
            taken.rows(ctx, "browse", Ask::new(sent::STAT_ROWS, sent::STAT_ROWS_TEXT).text(&list)).await?;
        Ok(rows
            .iter()
            .filter_map(|row| Some((text_of(row.first())?, u64::try_from(int_of(row.get(1))?).ok()?)))
            .collect())
    }
}

/// Virtual tables by name, with their module.
async fn read_modules(ctx: &CallCtx, taken: &mut Taken<'_>) -> Result<BTreeMap<String, String>> {
    let rows = taken.rows(ctx, "browse", Ask::new(sent::VIRTUAL, sent::VIRTUAL_TEXT)).await?;
    Ok(rows
        .iter()
        .filter_map(|row| Some((text_of(row.first())?, module_of(&text_of(row.get(1))?)?)))
        .collect())
}

/// The module a virtual table's definition names, in lower case.
fn module_of(ddl: &str) -> Option<String> {
    let lower = ddl.to_lowercase();
    let (_, rest) = lower.split_once(" using ").or_else(|| lower.split_once("\nusing "))?;
    Some(rest.trim_start().split(|c: char| !c.is_alphanumeric() && c != '_').next()?.to_owned())
}

/// What virtual tables of these modules call the tables they keep their data in.
const SHADOWS: &[(&str, &[&str])] = &[
    ("fts3", &["content", "segments", "segdir", "docsize", "stat"]),
    ("fts4", &["content", "segments", "segdir", "docsize", "stat"]),
    ("fts5", &["data", "idx", "content", "docsize", "config"]),
    ("rtree", &["node", "rowid", "parent"]),
    ("rtree_i32", &["node", "rowid", "parent"]),
    ("geopoly", &["node", "rowid", "parent"]),
];

fn note_of_table(name: &str, is_virtual: bool, modules: &BTreeMap<String, String>) -> Option<String> {
    if is_virtual {
        let module = modules.get(name).map_or("unknown", String::as_str);
        return Some(format!("virtual table of the module {module}"));
    }
    let (owner, part) = name.rsplit_once('_')?;
    let module = modules.get(owner)?;
    let (_, parts) = SHADOWS.iter().find(|(known, _)| known == module)?;
    parts.contains(&part).then(|| format!("shadow table of {owner}, which is a virtual table of {module}"))
}

async fn read_table(ctx: &CallCtx, stage: &str, taken: &mut Taken<'_>, name: &str) -> Result<TableInfo> {
    let rows = taken.rows(ctx, stage, Ask::new(sent::OBJECT, sent::OBJECT_TEXT).text(name)).await?;
    let Some(entry) = rows.into_iter().next() else {
        return Err(Error::not_found(stage, format!("table {name:?}")));
    };
    let is_view = text_of(entry.first()).as_deref() == Some("view");
    let ddl = text_of(entry.get(2));
    let is_virtual = ddl.as_ref().is_some_and(|ddl| is_virtual_ddl(ddl));
    let rows = taken.rows(ctx, stage, Ask::new(sent::COLUMNS, sent::COLUMNS_TEXT).text(name)).await?;
    let columns = rows.iter().filter_map(|row| column_of(row)).collect::<Vec<_>>();
    if columns.is_empty() {
        return Err(Error::new(
            ErrorKind::Unsupported,
            stage,
            format!(
                "SQLite gives no columns of {name:?}: it needs a module or function that is not built in"
            ),
        ));
    }
    let paging = if is_view || is_virtual {
        Paging::Count
    } else {
        let rows = taken.rows(ctx, stage, Ask::new(sent::KEY, sent::KEY_TEXT).text(name)).await?;
        let key = rows.iter().filter_map(|row| key_column_of(row)).collect::<Vec<_>>();
        if key.is_empty() { row_number_name(&columns) } else { Paging::Key(key) }
    };
    let is_strict = ddl.as_ref().is_some_and(|ddl| has_option(ddl, "STRICT"));
    Ok(TableInfo {
        name: name.to_owned(),
        kind: if is_view { NodeKind::View } else { NodeKind::Table },
        is_virtual,
        is_strict,
        ddl,
        columns,
        paging,
    })
}

fn is_virtual_ddl(ddl: &str) -> bool {
    ddl.get(..14).is_some_and(|start| start.eq_ignore_ascii_case("create virtual"))
}

fn column_of(row: &[Cell]) -> Option<ColumnInfo> {
    Some(ColumnInfo {
        name: text_of(row.first())?,
        declared: text_of(row.get(1)).unwrap_or_default(),
        required: int_of(row.get(2)) == Some(1),
        default: text_of(row.get(3)),
        key_place: int_of(row.get(4)).unwrap_or(0),
        computed: match int_of(row.get(5)) {
            Some(1) => Computed::Hidden,
            Some(2) => Computed::Virtual,
            Some(3) => Computed::Stored,
            _ => Computed::No,
        },
    })
}

fn key_column_of(row: &[Cell]) -> Option<KeyColumn> {
    Some(KeyColumn {
        name: text_of(row.first())?,
        descending: int_of(row.get(1)) == Some(1),
        collation: text_of(row.get(2)).unwrap_or_default(),
    })
}

/// The name of the row number that no column hides.
fn row_number_name(columns: &[ColumnInfo]) -> Paging {
    ["rowid", "_rowid_", "oid"]
        .into_iter()
        .find(|name| !columns.iter().any(|column| column.name.eq_ignore_ascii_case(name)))
        .map_or(Paging::Count, Paging::RowNumber)
}

/// Whether an option stands behind the closing bracket of a definition.
fn has_option(ddl: &str, option: &str) -> bool {
    let tail = ddl.rsplit(')').next().unwrap_or("");
    tail.split(|c: char| !c.is_alphanumeric()).any(|word| word.eq_ignore_ascii_case(option))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shadow_tables_are_told_from_tables_of_like_names() {
        let modules =
            BTreeMap::from([("docs".to_owned(), "fts5".to_owned()), ("geo".to_owned(), "rtree".to_owned())]);
        for (name, is_virtual, note) in [
            ("docs", true, Some("virtual table of the module fts5")),
            ("docs_data", false, Some("shadow table of docs, which is a virtual table of fts5")),
            ("geo_node", false, Some("shadow table of geo, which is a virtual table of rtree")),
            ("geo_data", false, None),
            ("my_docs_data", false, None),
            ("plain", false, None),
        ] {
            assert_eq!(note_of_table(name, is_virtual, &modules).as_deref(), note, "{name}");
        }
        assert_eq!(module_of("CREATE VIRTUAL TABLE docs USING FTS5(a, b)").as_deref(), Some("fts5"));
        assert_eq!(module_of("CREATE TABLE t(a)"), None);
    }

    #[test]
    fn options_of_a_definition_are_read_behind_its_last_bracket() {
        for (ddl, is_strict) in [
            ("CREATE TABLE t(a INT) STRICT", true),
            ("CREATE TABLE t(a INT) without rowid, strict", true),
            ("CREATE TABLE strict(strict INT)", false),
            ("CREATE TABLE t(a INT CHECK (a > 0))", false),
        ] {
            assert_eq!(has_option(ddl, "STRICT"), is_strict, "{ddl}");
        }
    }
}
