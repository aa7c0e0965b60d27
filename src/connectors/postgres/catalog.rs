//! What the system catalogue says: schemas, tables, views and partitions page by page, and what planning needs
//! of one of them, in one round trip, without reading a row.
//!
//! Facts of a table are kept for a short while, so that a preview does not ask again what the tree just asked;
//! a read that meets a changed table is told so by the server.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::commands as sent;
use super::link::{Answer, Link};
use super::types::{ColumnType, TYPE_FACTS_TEXT, Types};
use crate::job::CallCtx;
use crate::kit::sql::quote::{self, Backslash, NameQuote};
use crate::model::load::Provenance;
use crate::model::node::{Known, Node, NodeKind, NodePage, NodePath, PageRequest};
use crate::model::schema::{Field, Nullability, Schema};
use crate::model::{Error, ErrorKind, Result};

/// How long facts of a table are trusted without asking again.
const FRESH: Duration = Duration::from_secs(60);

/// Rows and pages in `pg_class` are as of the last `VACUUM` or `ANALYZE`; when that was is not told there.
pub(super) const CATALOGUED: Provenance = Provenance::Catalogued { age_secs: None };

/// What kind of relation it is, by `pg_class.relkind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A table with rows of its own.
    Table,
    /// A table whose rows lie in its partitions.
    Partitioned,
    /// A query under a name.
    View,
    /// A query whose rows were stored.
    Materialised,
    /// A table of another server.
    Foreign,
}

impl Kind {
    fn of(relkind: &str) -> Option<Self> {
        Some(match relkind {
            "r" => Self::Table,
            "p" => Self::Partitioned,
            "v" => Self::View,
            "m" => Self::Materialised,
            "f" => Self::Foreign,
            _ => return None,
        })
    }

    /// What it is for a person.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Partitioned => "partitioned table",
            Self::View => "view",
            Self::Materialised => "materialised view",
            Self::Foreign => "foreign table",
        }
    }

    fn node(self) -> NodeKind {
        match self {
            Self::View | Self::Materialised => NodeKind::View,
            Self::Table | Self::Partitioned | Self::Foreign => NodeKind::Table,
        }
    }

    /// Whether its rows lie in blocks of its own.
    pub(super) fn has_blocks(self) -> bool {
        matches!(self, Self::Table | Self::Materialised)
    }
}

/// A column.
#[derive(Clone, Debug)]
pub(super) struct ColumnInfo {
    pub(super) number: i16,
    pub(super) name: String,
    pub(super) declared: ColumnType,
    pub(super) required: bool,
    /// Whether this login may read it.
    pub(super) may_read: bool,
    pub(super) default: Option<String>,
    /// How its values come about, if not by who writes the row.
    pub(super) made: Option<&'static str>,
    pub(super) comment: Option<String>,
}

/// An index.
#[derive(Clone, Debug)]
pub(super) struct IndexInfo {
    pub(super) name: String,
    pub(super) is_unique: bool,
    pub(super) is_primary: bool,
    /// Whether queries may use it.
    pub(super) is_valid: bool,
    pub(super) method: String,
    /// Numbers of its key's columns; 0 = an expression.
    pub(super) key: Vec<i16>,
    /// Its key as written.
    pub(super) expressions: Vec<String>,
    pub(super) condition: Option<String>,
    pub(super) ddl: String,
    pub(super) pages: u64,
}

/// What planning needs to know of a table or view.
#[derive(Clone, Debug)]
pub(super) struct TableInfo {
    pub(super) oid: u32,
    pub(super) schema: String,
    pub(super) name: String,
    pub(super) kind: Kind,
    /// Rows as of the last `VACUUM` or `ANALYZE`; none = never counted.
    pub(super) rows: Option<u64>,
    /// Pages as of then.
    pub(super) pages: u64,
    /// Bytes now.
    pub(super) bytes: Option<u64>,
    pub(super) toast_bytes: Option<u64>,
    /// Whether policies hide rows, from anybody.
    pub(super) has_row_security: bool,
    /// Whether they hide rows from this login.
    pub(super) hides_rows: bool,
    pub(super) is_partition: bool,
    pub(super) partition_key: Option<String>,
    pub(super) foreign_server: Option<String>,
    pub(super) owner: String,
    pub(super) comment: Option<String>,
    pub(super) columns: Vec<ColumnInfo>,
    pub(super) indexes: Vec<IndexInfo>,
}

/// How rows are told apart and ordered for paging.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Paging {
    /// By a unique key of columns that are never null.
    Key(Vec<String>),
    /// By their place in the table.
    Place,
    /// By counting rows: views, foreign and partitioned tables without a key.
    Count,
}

impl TableInfo {
    /// The columns this login may read.
    pub(super) fn visible(&self) -> impl Iterator<Item = &ColumnInfo> {
        self.columns.iter().filter(|column| column.may_read)
    }

    /// The column of this name.
    pub(super) fn column(&self, name: &str) -> Option<&ColumnInfo> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// How it is paged: the primary key, else the unique key of the fewest columns.
    pub(super) fn paging(&self) -> Paging {
        let usable = |index: &&IndexInfo| {
            index.is_unique && index.is_valid && index.condition.is_none() && index.method == "btree"
        };
        let key = |index: &IndexInfo| {
            let named = index.key.iter().map(|number| {
                let column = self.columns.iter().find(|column| column.number == *number)?;
                (column.required && column.may_read).then(|| column.name.clone())
            });
            named.collect::<Option<Vec<_>>>().map(|columns| (!index.is_primary, columns.len(), columns))
        };
        match self.indexes.iter().filter(usable).filter_map(key).min() {
            Some((.., columns)) if !columns.is_empty() => Paging::Key(columns),
            _ if self.kind.has_blocks() => Paging::Place,
            _ => Paging::Count,
        }
    }

    /// Its name as SQL writes it.
    pub(super) fn quoted(&self) -> Result<String> {
        quoted(&self.schema, &self.name)
    }

    /// The field of a column.
    pub(super) fn field(column: &ColumnInfo) -> Field {
        Field {
            name: column.name.clone(),
            logical: column.declared.logical.clone(),
            native: column.declared.name.clone(),
            nullability: if column.required { Nullability::Required } else { Nullability::Nullable },
            note: column.comment.clone().or_else(|| column.made.map(str::to_owned)),
        }
    }

    /// Schema of these columns.
    pub(super) fn schema_of<'a>(&self, names: impl Iterator<Item = &'a str>) -> Schema {
        Schema::new(names.filter_map(|name| self.column(name)).map(Self::field).collect())
    }

    /// Remarks a reader must see wherever rows of it are shown.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.hides_rows {
            notes.push(
                "row-level security is in force for this login: you may not be seeing all rows".to_owned(),
            );
        } else if self.has_row_security {
            notes.push(
                "row-level security is defined here and does not apply to this login: others see fewer rows"
                    .to_owned(),
            );
        }
        if let Some(server) = &self.foreign_server {
            notes.push(format!(
                "a foreign table: reading it puts load on {server:?}, not only on this server"
            ));
        }
        let hidden = self.columns.iter().filter(|column| !column.may_read).map(|column| column.name.as_str());
        let hidden = hidden.collect::<Vec<_>>();
        if !hidden.is_empty() {
            notes.push(format!("this login may not read: {}", hidden.join(", ")));
        }
        notes
    }
}

/// A quoted name with its schema.
pub(super) fn quoted(schema: &str, name: &str) -> Result<String> {
    quote::path(NameQuote::Double, &[schema, name])
        .map_err(|error| Error::new(ErrorKind::Invalid, "plan", error.to_string()))
}

/// A quoted name.
pub(super) fn quoted_name(name: &str) -> Result<String> {
    quote::identifier(NameQuote::Double, name)
        .map_err(|error| Error::new(ErrorKind::Invalid, "plan", error.to_string()))
}

/// A text as a literal.
pub(super) fn literal(text: &str) -> Result<String> {
    quote::text(Backslash::Plain, text)
        .map(
            |quoted| if text.contains('\\') { format!(" E{}", quoted.replace('\\', "\\\\")) } else { quoted },
        )
        .map_err(|error| {
            Error::new(ErrorKind::Invalid, "plan", error.to_string())
                .hint("PostgreSQL's texts cannot hold U+0000, so no row has such a value")
        })
}

/// Facts, and since when they are known.
type Fresh = (Instant, Arc<TableInfo>);

/// Asks and keeps.
pub(super) struct Catalog {
    tables: Mutex<BTreeMap<(String, String), Fresh>>,
    types: Mutex<Types>,
}

/// The question for a page of schemas. The token: 0 or 1 for schemas of the system, then the name.
pub(super) fn schemas_question(page: &PageRequest) -> Result<String> {
    let (place, after) =
        page.token.as_deref().and_then(|token| token.split_at_checked(1)).unwrap_or(("0", ""));
    let place = if place == "1" { "1" } else { "0" };
    Ok(sent::SCHEMAS_TEXT
        .replace("{place}", place)
        .replace("{rows}", &(page.size + 1).to_string())
        .replace("{after}", &literal(after)?))
}

impl Catalog {
    /// Knows nothing yet.
    pub(super) fn new() -> Self {
        Self { tables: Mutex::default(), types: Mutex::default() }
    }

    /// The types known so far.
    pub(super) fn types(&self) -> Types {
        self.types.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Learns the types of these numbers that are not known yet.
    pub(super) async fn learn_types(
        &self,
        ctx: &CallCtx,
        stage: &str,
        link: &Link,
        oids: &[u32],
    ) -> Result<()> {
        let missing = self.types().missing(oids.iter().copied());
        if missing.is_empty() {
            return Ok(());
        }
        let body = super::types::facts_query(&missing);
        let answers = link.ask(ctx, stage, &sent::TYPES, &body).await?;
        self.add_types(answers.first())
    }

    fn add_types(&self, answer: Option<&Answer>) -> Result<()> {
        let rows = answer.map(|answer| answer.rows.as_slice()).unwrap_or_default();
        self.types.lock().unwrap_or_else(PoisonError::into_inner).add(rows)
    }

    /// One page of schemas; the first one was told while connecting.
    pub(super) async fn schemas(&self, ctx: &CallCtx, link: &Link, page: &PageRequest) -> Result<NodePage> {
        let told = if *page == PageRequest::first() { link.take_first_schemas() } else { None };
        let rows = match told {
            Some(told) => told.rows,
            None => {
                let answers = link.ask(ctx, "browse", &sent::SCHEMAS, &schemas_question(page)?).await?;
                answers.into_iter().next().unwrap_or_default().rows
            }
        };
        let is_more = rows.len() > page.size;
        let nodes = rows.iter().take(page.size).filter_map(|row| {
            let name = text(row, 0)?;
            let may_use = is(row, 3);
            Some(Node {
                path: NodePath::root().child(name),
                name: name.to_owned(),
                kind: NodeKind::Schema,
                readable: false,
                expandable: true,
                rows: None,
                bytes: None,
                note: (!may_use).then(|| "this login may not look into it".to_owned()),
            })
        });
        let nodes = nodes.collect::<Vec<_>>();
        let next = nodes.last().filter(|_| is_more).map(|node| {
            let is_system = matches!(node.name.as_str(), "pg_catalog" | "information_schema");
            format!("{}{}", u8::from(is_system), node.name)
        });
        Ok(NodePage { nodes, next })
    }

    /// One page of tables and views of a schema.
    pub(super) async fn relations(
        &self,
        ctx: &CallCtx,
        link: &Link,
        schema: &str,
        page: &PageRequest,
    ) -> Result<NodePage> {
        let body = sent::RELATIONS_TEXT
            .replace("{rows}", &(page.size + 1).to_string())
            .replace("{after}", &literal(page.token.as_deref().unwrap_or_default())?)
            .replace("{schema}", &literal(schema)?);
        let answers = link.ask(ctx, "browse", &sent::RELATIONS, &body).await?;
        let (there, rows) = two(answers);
        if there.rows.is_empty() {
            return Err(Error::not_found("browse", format_args!("schema {schema:?}")));
        }
        let is_more = rows.rows.len() > page.size;
        let parent = NodePath::root().child(schema);
        let nodes = rows.rows.iter().take(page.size).filter_map(|row| relation_node(row, &parent));
        let nodes = nodes.collect::<Vec<_>>();
        let next = nodes.last().filter(|_| is_more).map(|node| node.name.clone());
        Ok(NodePage { nodes, next })
    }

    /// One page of partitions of a table; empty for what has none.
    pub(super) async fn partitions(
        &self,
        ctx: &CallCtx,
        link: &Link,
        table: &TableInfo,
        at: &NodePath,
        page: &PageRequest,
    ) -> Result<NodePage> {
        if table.kind != Kind::Partitioned {
            return Ok(NodePage::default());
        }
        let body = sent::PARTITIONS_TEXT
            .replace("{rows}", &(page.size + 1).to_string())
            .replace("{after}", &literal(page.token.as_deref().unwrap_or_default())?)
            .replace("{relation}", &literal(&table.quoted()?)?);
        let answers = link.ask(ctx, "browse", &sent::PARTITIONS, &body).await?;
        let (_, rows) = two(answers);
        let is_more = rows.rows.len() > page.size;
        let shown = rows.rows.get(..page.size.min(rows.rows.len())).unwrap_or_default();
        let nodes = shown.iter().filter_map(|row| {
            let mut node = relation_node(row, at)?;
            let schema = text(row, 7)?;
            if schema != table.schema {
                // Elsewhere than its parent: its schema is part of its name here.
                node.path = at.child(format!("{schema}.{}", node.name));
            }
            node.note = text(row, 8).map(str::to_owned);
            Some(node)
        });
        let place = |row: &Vec<Option<String>>| Some(format!("{}.{}", text(row, 7)?, text(row, 0)?));
        let next = shown.last().filter(|_| is_more).and_then(place);
        Ok(NodePage { nodes: nodes.collect(), next })
    }

    /// What planning needs to know of a table or view; kept for a minute.
    pub(super) async fn table(
        &self,
        ctx: &CallCtx,
        stage: &str,
        link: &Link,
        schema: &str,
        name: &str,
    ) -> Result<Arc<TableInfo>> {
        let key = (schema.to_owned(), name.to_owned());
        {
            let tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((since, known)) = tables.get(&key)
                && since.elapsed() < FRESH
            {
                return Ok(Arc::clone(known));
            }
        }
        let relation = literal(&quoted(schema, name)?)?;
        let of_columns = "SELECT a.atttypid FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = pg_catalog.to_regclass({relation}) AND a.attnum > 0 AND NOT a.attisdropped AND a.atttypid >= 16384";
        let body = sent::FACTS_TEXT
            .replace("{types}", &TYPE_FACTS_TEXT.replace("{oids}", of_columns))
            .replace("{relation}", &relation);
        let mut answers = link.ask(ctx, stage, &sent::FACTS, &body).await?.into_iter();
        let (relation, columns, indexes, types) = (
            answers.next().unwrap_or_default(),
            answers.next().unwrap_or_default(),
            answers.next().unwrap_or_default(),
            answers.next(),
        );
        let Some(row) = relation.rows.first() else {
            self.forget(schema, name);
            return Err(Error::not_found(stage, format_args!("{schema}/{name}")));
        };
        self.add_types(types.as_ref())?;
        let table = table_of(schema, name, row, &columns, &indexes, &self.types())
            .ok_or_else(|| Error::unexpected(stage, "the catalogue's answer about a table makes no sense"))?;
        let table = Arc::new(table);
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        tables.insert(key, (Instant::now(), Arc::clone(&table)));
        Ok(table)
    }

    /// Asks again next time.
    pub(super) fn forget(&self, schema: &str, name: &str) {
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        tables.remove(&(schema.to_owned(), name.to_owned()));
    }
}

fn two(answers: Vec<Answer>) -> (Answer, Answer) {
    let mut answers = answers.into_iter();
    (answers.next().unwrap_or_default(), answers.next().unwrap_or_default())
}

/// A text of a row.
pub(super) fn text(row: &[Option<String>], column: usize) -> Option<&str> {
    row.get(column)?.as_deref()
}

/// A number of a row.
pub(super) fn number<T: std::str::FromStr>(row: &[Option<String>], column: usize) -> Option<T> {
    text(row, column)?.parse().ok()
}

/// Whether a row says true.
pub(super) fn is(row: &[Option<String>], column: usize) -> bool {
    text(row, column) == Some("t")
}

/// Texts of a JSON array.
pub(super) fn list(row: &[Option<String>], column: usize) -> Vec<String> {
    text(row, column).and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
}

/// Rows in `pg_class`: -1 (or 0 pages and 0 rows before 14) = never counted.
fn counted(row: &[Option<String>], column: usize) -> Option<u64> {
    number::<i64>(row, column).and_then(|rows| u64::try_from(rows).ok())
}

fn relation_node(row: &[Option<String>], parent: &NodePath) -> Option<Node> {
    let (name, kind) = (text(row, 0)?, Kind::of(text(row, 1)?)?);
    let may_read = is(row, 4);
    let pages = number::<i64>(row, 3).unwrap_or(0).max(0).cast_unsigned();
    let note = match (may_read, kind) {
        (false, _) => Some("this login may not read it".to_owned()),
        (true, Kind::Foreign) => {
            Some(format!("foreign table of server {}", text(row, 6).unwrap_or("unknown")))
        }
        (true, Kind::Partitioned | Kind::Materialised) => Some(kind.words().to_owned()),
        (true, Kind::Table | Kind::View) => is(row, 5).then(|| "row-level security".to_owned()),
    };
    let is_counted = kind.has_blocks() || kind == Kind::Partitioned;
    Some(Node {
        path: parent.child(name),
        name: name.to_owned(),
        kind: kind.node(),
        readable: may_read,
        expandable: kind == Kind::Partitioned,
        rows: counted(row, 2).filter(|_| is_counted).map(|rows| Known::by(rows, CATALOGUED)),
        bytes: (kind.has_blocks() && pages > 0).then(|| Known::by(pages * 8_192, CATALOGUED)),
        note,
    })
}

fn table_of(
    schema: &str,
    name: &str,
    row: &[Option<String>],
    columns: &Answer,
    indexes: &Answer,
    types: &Types,
) -> Option<TableInfo> {
    Some(TableInfo {
        oid: number(row, 0)?,
        schema: schema.to_owned(),
        name: name.to_owned(),
        kind: Kind::of(text(row, 1)?)?,
        rows: counted(row, 2),
        // -1 for what has no pages of its own.
        pages: number::<i64>(row, 3)?.max(0).cast_unsigned(),
        bytes: number(row, 4),
        toast_bytes: number(row, 6),
        has_row_security: is(row, 7),
        hides_rows: is(row, 8),
        is_partition: is(row, 9),
        partition_key: text(row, 10).map(str::to_owned),
        foreign_server: text(row, 11).map(str::to_owned),
        owner: text(row, 12).unwrap_or_default().to_owned(),
        comment: text(row, 13).map(str::to_owned),
        columns: columns.rows.iter().map(|row| column_of(row, types)).collect::<Option<_>>()?,
        indexes: indexes.rows.iter().map(|row| index_of(row)).collect::<Option<_>>()?,
    })
}

fn column_of(row: &[Option<String>], types: &Types) -> Option<ColumnInfo> {
    let made = match (text(row, 8), text(row, 9)) {
        (Some("a" | "d"), _) => Some("numbered by the server (identity)"),
        (_, Some("s")) => Some("computed when written"),
        (_, Some("v")) => Some("computed when read"),
        _ => None,
    };
    Some(ColumnInfo {
        number: number(row, 0)?,
        name: text(row, 1)?.to_owned(),
        declared: types
            .column(number(row, 2)?, number(row, 3)?)
            .with_dimensions(number(row, 11).unwrap_or(1)),
        required: is(row, 5),
        may_read: is(row, 6),
        default: text(row, 7).map(str::to_owned),
        made,
        comment: text(row, 10).map(str::to_owned),
    })
}

fn index_of(row: &[Option<String>]) -> Option<IndexInfo> {
    let keys = number::<usize>(row, 11)?;
    Some(IndexInfo {
        name: text(row, 1)?.to_owned(),
        is_unique: is(row, 2),
        is_primary: is(row, 3),
        is_valid: is(row, 4),
        method: text(row, 5)?.to_owned(),
        key: text(row, 6)?.split(' ').take(keys).filter_map(|number| number.parse().ok()).collect(),
        expressions: list(row, 12),
        condition: text(row, 7).map(str::to_owned),
        ddl: text(row, 8)?.to_owned(),
        pages: number(row, 9)?,
    })
}
