//! The command table: every statement this connector sends on its own, as data.

use crate::model::ability::CostClass::{self, Constant, Returned, Scan};
use crate::model::command::{CommandEntry, EntryId};
use crate::model::load::Intrusiveness;

/// Settings of a fresh connection; sent by the driver as one text.
pub(super) const OPEN: EntryId = EntryId::of("open");
/// Text of [`OPEN`].
pub(super) const OPEN_TEXT: &str = "PRAGMA foreign_keys = ON; PRAGMA query_only = 1; PRAGMA trusted_schema = 0; PRAGMA cell_size_check = 1; PRAGMA cache_size = -8192";
/// Facts of the file.
pub(super) const FACTS: EntryId = EntryId::of("file_facts");
/// Text of [`FACTS`].
pub(super) const FACTS_TEXT: &str = "SELECT (SELECT page_count FROM pragma_page_count), (SELECT page_size FROM pragma_page_size), (SELECT freelist_count FROM pragma_freelist_count), (SELECT encoding FROM pragma_encoding), (SELECT journal_mode FROM pragma_journal_mode), (SELECT user_version FROM pragma_user_version), (SELECT application_id FROM pragma_application_id), (SELECT schema_version FROM pragma_schema_version), (SELECT count(*) FROM sqlite_schema), (SELECT group_concat(name) FROM sqlite_schema WHERE name IN ('sqlite_stat1', 'sqlite_stat4') AND type = 'table'), sqlite_version()";
/// Tables and views, a page.
pub(super) const LIST: EntryId = EntryId::of("list_tables");
/// Text of [`LIST`].
pub(super) const LIST_TEXT: &str = "SELECT name, type, rootpage, sql LIKE 'create virtual%' FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name > ?1 ORDER BY name LIMIT ?2";
/// Virtual tables, to know their shadow tables by name.
pub(super) const VIRTUAL: EntryId = EntryId::of("list_virtual");
/// Text of [`VIRTUAL`].
pub(super) const VIRTUAL_TEXT: &str =
    "SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND sql LIKE 'create virtual%'";
/// Rows by `sqlite_stat1`.
pub(super) const STAT_ROWS: EntryId = EntryId::of("stat_rows");
/// Text of [`STAT_ROWS`].
pub(super) const STAT_ROWS_TEXT: &str = "SELECT tbl, max(CAST(stat AS INTEGER)) FROM sqlite_stat1 WHERE tbl IN (SELECT value FROM json_each(?1)) GROUP BY tbl";
/// One entry of the schema.
pub(super) const OBJECT: EntryId = EntryId::of("schema_entry");
/// Text of [`OBJECT`].
pub(super) const OBJECT_TEXT: &str =
    "SELECT type, rootpage, sql FROM sqlite_schema WHERE name = ?1 AND type IN ('table', 'view')";
/// Columns of a table or view.
pub(super) const COLUMNS: EntryId = EntryId::of("columns");
/// Text of [`COLUMNS`].
pub(super) const COLUMNS_TEXT: &str =
    "SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo(?1) ORDER BY cid";
/// The key of a table without row numbers.
pub(super) const KEY: EntryId = EntryId::of("key_columns");
/// Text of [`KEY`].
pub(super) const KEY_TEXT: &str =
    "SELECT name, \"desc\", coll FROM pragma_index_xinfo(?1) WHERE key ORDER BY seqno";
/// Indexes of a table.
pub(super) const INDEXES: EntryId = EntryId::of("indexes");
/// Text of [`INDEXES`].
pub(super) const INDEXES_TEXT: &str = "SELECT l.name, l.\"unique\", l.origin, l.partial, x.name, x.\"desc\", x.coll, (SELECT sql FROM sqlite_schema WHERE type = 'index' AND name = l.name) FROM pragma_index_list(?1) AS l, pragma_index_xinfo(l.name) AS x WHERE x.key ORDER BY l.seq, x.seqno";
/// Foreign keys of a table.
pub(super) const FOREIGN: EntryId = EntryId::of("foreign_keys");
/// Text of [`FOREIGN`].
pub(super) const FOREIGN_TEXT: &str =
    "SELECT id, \"table\", \"from\", \"to\" FROM pragma_foreign_key_list(?1) ORDER BY id, seq";
/// Triggers of a table.
pub(super) const TRIGGERS: EntryId = EntryId::of("triggers");
/// Text of [`TRIGGERS`].
pub(super) const TRIGGERS_TEXT: &str =
    "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ?1 ORDER BY name";
/// Statistics of a table.
pub(super) const STATISTICS: EntryId = EntryId::of("statistics");
/// Text of [`STATISTICS`].
pub(super) const STATISTICS_TEXT: &str = "SELECT idx, stat FROM sqlite_stat1 WHERE tbl = ?1";
/// Sampled keys of a table.
pub(super) const SAMPLES: EntryId = EntryId::of("stat_samples");
/// Text of [`SAMPLES`].
pub(super) const SAMPLES_TEXT: &str = "SELECT idx, neq FROM sqlite_stat4 WHERE tbl = ?1 LIMIT 2000";
/// First and last key of a table.
pub(super) const RANGE: EntryId = EntryId::of("key_range");
/// Row density at a few places.
pub(super) const SPREAD: EntryId = EntryId::of("row_spread");
/// The planner's plan.
pub(super) const EXPLAIN: EntryId = EntryId::of("explain");
/// The read itself, stopped after very little.
pub(super) const PROBE: EntryId = EntryId::of("probe");
/// Rows of a table or view.
pub(super) const READ: EntryId = EntryId::of("read_rows");
/// A sample of runs of rows.
pub(super) const SAMPLE_RUNS: EntryId = EntryId::of("sample_runs");
/// A sample of single rows at random keys.
pub(super) const SAMPLE_KEYS: EntryId = EntryId::of("sample_keys");
/// A sample that passes over all rows.
pub(super) const SAMPLE_SCAN: EntryId = EntryId::of("sample_scan");
/// A query of the user's.
pub(super) const QUERY: EntryId = EntryId::of("query");

const fn entry(
    id: EntryId,
    template: &'static str,
    why: &'static str,
    cost: CostClass,
    estimated_by: &'static str,
) -> CommandEntry {
    let is_catalog = matches!(cost, Constant);
    CommandEntry {
        id,
        template,
        why,
        cost,
        // A shared lock, or a place in the write-ahead log, while the statement runs.
        intrusiveness: if is_catalog { Intrusiveness::I1 } else { Intrusiveness::I2 },
        estimated_by,
        witness: "SQLITE_DBSTATUS_CACHE_HIT/MISS, SQLITE_STMTSTATUS_VM_STEP",
        versions: "the library is built in; files of SQLite 3.0 and later",
        privilege: "read permission on the file",
    }
}

const CATALOG: &str = "constant: a few pages of the schema";
const WALK: &str = "query plan × statistics × page counts, with one probe";

/// Everything this connector can send.
pub(super) static COMMANDS: &[CommandEntry] = &[
    entry(OPEN, OPEN_TEXT, "make the connection unable to write and wary of the schema", Constant, CATALOG),
    entry(FACTS, FACTS_TEXT, "size, encoding and versions of the file", Constant, CATALOG),
    entry(LIST, LIST_TEXT, "one page of tables and views", Constant, CATALOG),
    entry(VIRTUAL, VIRTUAL_TEXT, "tell shadow tables of virtual tables from real ones", Constant, CATALOG),
    entry(STAT_ROWS, STAT_ROWS_TEXT, "row counts as of the last ANALYZE", Constant, CATALOG),
    entry(OBJECT, OBJECT_TEXT, "definition of one table or view", Constant, CATALOG),
    entry(COLUMNS, COLUMNS_TEXT, "columns of one table or view", Constant, CATALOG),
    entry(KEY, KEY_TEXT, "key of a table without row numbers", Constant, CATALOG),
    entry(INDEXES, INDEXES_TEXT, "indexes of one table", Constant, CATALOG),
    entry(FOREIGN, FOREIGN_TEXT, "foreign keys of one table", Constant, CATALOG),
    entry(TRIGGERS, TRIGGERS_TEXT, "triggers of one table", Constant, CATALOG),
    entry(STATISTICS, STATISTICS_TEXT, "statistics as of the last ANALYZE", Constant, CATALOG),
    entry(SAMPLES, SAMPLES_TEXT, "rows of the most frequent keys as of the last ANALYZE", Constant, CATALOG),
    entry(
        RANGE,
        "SELECT (SELECT min({key}) FROM {table}), (SELECT max({key}) FROM {table})",
        "first and last key: two ways down the tree",
        Constant,
        "constant: the depth of the tree, twice",
    ),
    entry(
        SPREAD,
        "SELECT n, lo, hi, spill FROM ({places})",
        "how densely rows lie at three places, and how long they are",
        Constant,
        "constant: three short runs of rows",
    ),
    entry(
        EXPLAIN,
        "EXPLAIN QUERY PLAN {statement}",
        "the planner's plan; runs nothing",
        Constant,
        "constant: no page of data",
    ),
    entry(
        PROBE,
        "{statement}",
        "the planned read itself, stopped after 300 pages (an eighth of a small file), 1 000 rows or 50 ms, to measure what it does",
        Constant,
        "bounded by its limits",
    ),
    entry(READ, "SELECT {columns} FROM {table}{rest}", "rows in key order, or as asked", Returned, WALK),
    entry(
        SAMPLE_RUNS,
        "SELECT {columns} FROM (SELECT picked.* FROM json_each(?1) AS place CROSS JOIN {table} AS picked WHERE picked.{key} IN (SELECT run.{key} FROM {table} AS run WHERE run.{key} >= place.value ->> 0 AND run.{key} < place.value ->> 1 ORDER BY run.{key} LIMIT {rows})){rest}",
        "runs of rows at random places",
        Returned,
        WALK,
    ),
    entry(
        SAMPLE_KEYS,
        "SELECT {columns} FROM {table} AS picked WHERE picked.{key} IN (SELECT (SELECT run.{key} FROM {table} AS run WHERE run.{key} >= place.value ORDER BY run.{key} LIMIT 1) FROM json_each(?1) AS place){rest}",
        "the first row at or behind each of some random keys",
        Returned,
        WALK,
    ),
    entry(
        SAMPLE_SCAN,
        "SELECT {columns} FROM {table} AS picked{rest}",
        "every row with the same chance, by a hash of its place: passes over all rows",
        Scan,
        WALK,
    ),
    entry(QUERY, "{query}", "a query of yours, as written, after the gate", Scan, WALK),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_every_entry_says_why() {
        let mut ids = COMMANDS.iter().map(|entry| entry.id.as_str()).collect::<Vec<_>>();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), COMMANDS.len());
        assert!(COMMANDS.iter().all(|entry| !entry.why.is_empty() && !entry.template.is_empty()));
    }
}
