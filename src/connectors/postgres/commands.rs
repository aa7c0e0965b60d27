//! The command table: every message this connector sends on its own, as data.
//!
//! A message begins with the tag by which its backend is found again, opens a read-only transaction, sets its
//! limits for that transaction alone, asks, and commits: one round trip, no idle transaction, and nothing
//! stays behind in a session that a pooler may hand to somebody else.

use std::sync::LazyLock;

use super::{gate, weigh};
use crate::model::ability::CostClass::{self, Constant, Free, Returned, Scan};
use crate::model::command::{CommandEntry, EntryId};
use crate::model::load::Intrusiveness::{self, I1, I2, I3};

/// What every transaction begins with. The settings end with the transaction.
const OPENING: &str = "/* headwater {tag} */ BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED READ ONLY; SET LOCAL statement_timeout = {millis}; SET LOCAL lock_timeout = 500; SET LOCAL {settings}; ";

/// Who answers, as whom, and what it is.
pub(super) const SESSION_TEXT: &str = "SELECT pg_catalog.version(), pg_catalog.current_setting('server_version_num'), pg_catalog.current_database(), CURRENT_USER, pg_catalog.pg_is_in_recovery(), pg_catalog.current_setting('block_size'), pg_catalog.current_setting('shared_buffers'), pg_catalog.current_setting('server_encoding'), (SELECT rolsuper OR rolcreatedb OR rolcreaterole FROM pg_catalog.pg_roles WHERE rolname = CURRENT_USER), pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE'), pg_catalog.current_setting('standard_conforming_strings')";
/// Schemas, a page.
pub(super) const SCHEMAS_TEXT: &str = "SELECT n.nspname, pg_catalog.pg_get_userbyid(n.nspowner), pg_catalog.obj_description(n.oid, 'pg_namespace'), pg_catalog.has_schema_privilege(n.oid, 'USAGE') FROM pg_catalog.pg_namespace AS n WHERE n.nspname !~ '^pg_(toast|temp)' AND ((n.nspname IN ('pg_catalog', 'information_schema'))::int, n.nspname::text COLLATE \"C\") > ({place}, {after}) ORDER BY (n.nspname IN ('pg_catalog', 'information_schema'))::int, n.nspname::text COLLATE \"C\" LIMIT {rows}";
/// Tables and views of a schema, a page; the first answer tells whether the schema is there.
pub(super) const RELATIONS_TEXT: &str = "SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = {schema}; SELECT c.relname, c.relkind, c.reltuples::bigint, c.relpages, pg_catalog.has_any_column_privilege(c.oid, 'SELECT'), c.relrowsecurity, (SELECT s.srvname FROM pg_catalog.pg_foreign_table AS f JOIN pg_catalog.pg_foreign_server AS s ON s.oid = f.ftserver WHERE f.ftrelid = c.oid) FROM pg_catalog.pg_class AS c WHERE c.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = {schema}) AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition AND c.relname > {after} ORDER BY c.relname LIMIT {rows}";
/// Partitions of a table, a page.
pub(super) const PARTITIONS_TEXT: &str = "SELECT pg_catalog.to_regclass({relation}); SELECT c.relname, c.relkind, c.reltuples::bigint, c.relpages, pg_catalog.has_any_column_privilege(c.oid, 'SELECT'), c.relrowsecurity, NULL, n.nspname, pg_catalog.pg_get_expr(c.relpartbound, c.oid) FROM pg_catalog.pg_inherits AS i JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace WHERE i.inhparent = pg_catalog.to_regclass({relation}) AND (n.nspname::text || '.' || c.relname::text) COLLATE \"C\" > {after} ORDER BY (n.nspname::text || '.' || c.relname::text) COLLATE \"C\" LIMIT {rows}";
/// What planning needs to know of one table or view.
pub(super) const FACTS_TEXT: &str = "SELECT c.oid, c.relkind, c.reltuples::bigint, c.relpages, CASE WHEN c.relkind IN ('r', 'm') THEN pg_catalog.pg_relation_size(c.oid) END, c.reltoastrelid, CASE WHEN c.reltoastrelid <> 0 THEN pg_catalog.pg_relation_size(c.reltoastrelid) END, c.relrowsecurity, pg_catalog.row_security_active(c.oid), c.relispartition, pg_catalog.pg_get_partkeydef(c.oid), (SELECT s.srvname FROM pg_catalog.pg_foreign_table AS f JOIN pg_catalog.pg_foreign_server AS s ON s.oid = f.ftserver WHERE f.ftrelid = c.oid), pg_catalog.pg_get_userbyid(c.relowner), pg_catalog.obj_description(c.oid, 'pg_class') FROM pg_catalog.pg_class AS c WHERE c.oid = pg_catalog.to_regclass({relation}) AND c.relkind IN ('r', 'p', 'v', 'm', 'f'); SELECT a.attnum, a.attname, a.atttypid, a.atttypmod, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'SELECT'), pg_catalog.pg_get_expr(d.adbin, d.adrelid), a.attidentity, a.attgenerated, pg_catalog.col_description(a.attrelid, a.attnum), a.attndims FROM pg_catalog.pg_attribute AS a LEFT JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum WHERE a.attrelid = pg_catalog.to_regclass({relation}) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum; SELECT x.indexrelid, c.relname, x.indisunique, x.indisprimary, x.indisvalid AND x.indislive, m.amname, x.indkey::text, pg_catalog.pg_get_expr(x.indpred, x.indrelid), pg_catalog.pg_get_indexdef(x.indexrelid), c.relpages, c.reltuples::bigint, x.indnkeyatts, (SELECT pg_catalog.json_agg(pg_catalog.pg_get_indexdef(x.indexrelid, k, true) ORDER BY k) FROM pg_catalog.generate_series(1, x.indnkeyatts) AS k) FROM pg_catalog.pg_index AS x JOIN pg_catalog.pg_class AS c ON c.oid = x.indexrelid JOIN pg_catalog.pg_am AS m ON m.oid = c.relam WHERE x.indrelid = pg_catalog.to_regclass({relation}) ORDER BY c.relname; {types}";
/// Everything else a description tells of one table or view.
pub(super) const MORE_TEXT: &str = "SELECT k.conname, k.contype, (SELECT pg_catalog.json_agg(a.attname ORDER BY p.n) FROM pg_catalog.unnest(k.conkey) WITH ORDINALITY AS p(attnum, n) JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = p.attnum), fn.nspname, fc.relname, (SELECT pg_catalog.json_agg(a.attname ORDER BY p.n) FROM pg_catalog.unnest(k.confkey) WITH ORDINALITY AS p(attnum, n) JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.confrelid AND a.attnum = p.attnum), k.convalidated, pg_catalog.pg_get_constraintdef(k.oid) FROM pg_catalog.pg_constraint AS k LEFT JOIN pg_catalog.pg_class AS fc ON fc.oid = k.confrelid LEFT JOIN pg_catalog.pg_namespace AS fn ON fn.oid = fc.relnamespace WHERE k.conrelid = pg_catalog.to_regclass({relation}) ORDER BY k.contype, k.conname; SELECT n_live_tup, n_dead_tup, n_mod_since_analyze, GREATEST(last_analyze, last_autoanalyze), GREATEST(last_vacuum, last_autovacuum), seq_scan, idx_scan, n_tup_ins, n_tup_upd, n_tup_del FROM pg_catalog.pg_stat_all_tables WHERE relid = pg_catalog.to_regclass({relation}); SELECT pg_catalog.pg_get_userbyid(g.grantee), g.grantee, pg_catalog.string_agg(g.privilege_type, ', ' ORDER BY g.privilege_type) FROM pg_catalog.pg_class AS c, pg_catalog.aclexplode(c.relacl) AS g WHERE c.oid = pg_catalog.to_regclass({relation}) GROUP BY g.grantee ORDER BY 1; SELECT CASE WHEN c.relkind IN ('v', 'm') THEN pg_catalog.pg_get_viewdef(c.oid, true) END, c.relreplident, c.relpersistence, pg_catalog.pg_total_relation_size(c.oid), (SELECT pg_catalog.string_agg(t.tgname, ', ' ORDER BY t.tgname) FROM pg_catalog.pg_trigger AS t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal), (SELECT pg_catalog.string_agg(p.pubname, ', ' ORDER BY p.pubname) FROM pg_catalog.pg_publication AS p WHERE p.puballtables OR EXISTS (SELECT FROM pg_catalog.pg_publication_rel AS r WHERE r.prpubid = p.oid AND r.prrelid = c.oid)), (SELECT pg_catalog.string_agg(p.polname, ', ' ORDER BY p.polname) FROM pg_catalog.pg_policy AS p WHERE p.polrelid = c.oid), (SELECT pg_catalog.count(*) FROM pg_catalog.pg_inherits AS i WHERE i.inhparent = c.oid) FROM pg_catalog.pg_class AS c WHERE c.oid = pg_catalog.to_regclass({relation}) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')";
/// The server itself: databases, activity, replicas, slots, and what the login may.
pub(super) const SERVER_TEXT: &str = "SELECT d.datname, pg_catalog.pg_get_userbyid(d.datdba), pg_catalog.has_database_privilege(d.oid, 'CONNECT') FROM pg_catalog.pg_database AS d WHERE NOT d.datistemplate ORDER BY d.datname LIMIT 200; SELECT pg_catalog.count(*), pg_catalog.count(*) FILTER (WHERE state = 'active'), pg_catalog.max(pg_catalog.now() - xact_start), pg_catalog.current_setting('max_connections') FROM pg_catalog.pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_catalog.pg_backend_pid(); SELECT application_name, state, sync_state, replay_lag FROM pg_catalog.pg_stat_replication ORDER BY application_name LIMIT 50; SELECT slot_name, plugin, slot_type, active, CASE WHEN pg_catalog.pg_is_in_recovery() THEN NULL ELSE pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), restart_lsn) END, wal_status FROM pg_catalog.pg_replication_slots ORDER BY slot_name LIMIT 50; SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.now() - pg_catalog.pg_last_xact_replay_timestamp() END, pg_catalog.current_setting('wal_level'), pg_catalog.current_setting('max_slot_wal_keep_size'), (SELECT stats_reset FROM pg_catalog.pg_stat_database WHERE datname = pg_catalog.current_database()); SELECT r.rolsuper, r.rolreplication, r.rolbypassrls, r.rolcreaterole, r.rolcreatedb, pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE'), pg_catalog.has_database_privilege(pg_catalog.current_database(), 'TEMP'), (SELECT pg_catalog.string_agg(g.rolname, ', ' ORDER BY g.rolname) FROM pg_catalog.pg_auth_members AS m JOIN pg_catalog.pg_roles AS g ON g.oid = m.roleid WHERE m.member = r.oid) FROM pg_catalog.pg_roles AS r WHERE r.rolname = CURRENT_USER";
/// What `ANALYZE` left of the columns of one table.
pub(super) const STATISTICS_TEXT: &str = "SELECT c.reltuples::bigint, GREATEST(pg_catalog.pg_stat_get_last_analyze_time(c.oid), pg_catalog.pg_stat_get_last_autoanalyze_time(c.oid)), pg_catalog.pg_stat_get_mod_since_analyze(c.oid) FROM pg_catalog.pg_class AS c WHERE c.oid = {oid}; SELECT s.attname, s.null_frac, s.avg_width, s.n_distinct, s.most_common_vals, s.most_common_freqs, s.histogram_bounds, s.correlation, s.inherited FROM pg_catalog.pg_stats AS s WHERE s.schemaname = {schema} AND s.tablename = {name}";

/// How this login stands: clock, proof of read-only, identity, worst rights, place among copies.
pub(super) const STANDING_TEXT: &str = "SELECT EXTRACT(EPOCH FROM pg_catalog.clock_timestamp()), pg_catalog.current_setting('transaction_read_only'), (SELECT s.system_identifier FROM pg_catalog.pg_control_system() AS s), r.rolsuper, r.rolcreaterole, r.rolcreatedb, r.rolreplication, r.rolbypassrls, CASE WHEN NOT r.rolsuper THEN (SELECT pg_catalog.string_agg(m.rolname, ', ' ORDER BY m.rolname) FROM pg_catalog.pg_roles AS m WHERE m.oid <> r.oid AND pg_catalog.pg_has_role(r.oid, m.oid, 'USAGE')) END, pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE'), pg_catalog.has_database_privilege(pg_catalog.current_database(), 'TEMP'), pg_catalog.pg_is_in_recovery(), CASE WHEN pg_catalog.pg_is_in_recovery() THEN EXTRACT(EPOCH FROM pg_catalog.clock_timestamp() - pg_catalog.pg_last_xact_replay_timestamp()) END, t.looked_at, t.changeable, t.readable FROM pg_catalog.pg_roles AS r, (SELECT pg_catalog.count(*) AS looked_at, pg_catalog.count(*) FILTER (WHERE pg_catalog.has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')) AS changeable, pg_catalog.count(*) FILTER (WHERE pg_catalog.has_any_column_privilege(c.oid, 'SELECT')) AS readable FROM (SELECT k.oid FROM pg_catalog.pg_class AS k WHERE k.relkind IN ('r', 'p') AND k.oid >= 16384 LIMIT 2000) AS c) AS t WHERE r.rolname = CURRENT_USER";
/// The same where the server hides its control file.
pub(super) fn standing_bare() -> String {
    STANDING_TEXT.replace(IDENTITY, "NULL")
}
const IDENTITY: &str = "(SELECT s.system_identifier FROM pg_catalog.pg_control_system() AS s)";

/// Settings beyond the timeouts that every transaction has.
pub(super) const SESSION: EntryId = EntryId::of("session");
/// How this login stands.
pub(super) const STANDING: EntryId = EntryId::of("standing");
/// The same without the identity.
pub(super) const STANDING_BARE: EntryId = EntryId::of("standing_bare");
/// Schemas.
pub(super) const SCHEMAS: EntryId = EntryId::of("list_schemas");
/// Tables and views.
pub(super) const RELATIONS: EntryId = EntryId::of("list_relations");
/// Partitions.
pub(super) const PARTITIONS: EntryId = EntryId::of("list_partitions");
/// One table or view, for planning.
pub(super) const FACTS: EntryId = EntryId::of("relation_facts");
/// One table or view, the rest.
pub(super) const MORE: EntryId = EntryId::of("relation_more");
/// The server.
pub(super) const SERVER: EntryId = EntryId::of("server_facts");
/// Column statistics: the catalogue level of a profile.
pub(super) const STATISTICS: EntryId = EntryId::of("statistics");
/// Functions a query calls.
pub(super) const FUNCTIONS: EntryId = EntryId::of("functions");
/// Types that a look-up did not know yet.
pub(super) const TYPES: EntryId = EntryId::of("types");
/// Columns of a query, and its plan.
pub(super) const SHAPE: EntryId = EntryId::of("query_shape");
/// The planner's plan of a read.
pub(super) const EXPLAIN: EntryId = EntryId::of("explain");
/// The planner's plan of a read of one table, and the facts of it.
pub(super) const ESTIMATE: EntryId = EntryId::of("estimate");
/// What the estimate needs of the relations of a plan.
pub(super) const RELATION_STATISTICS: EntryId = EntryId::of("relation_statistics");
/// A small read in one message.
pub(super) const READ: EntryId = EntryId::of("read_rows");
/// The beginning of a long read.
pub(super) const BEGIN: EntryId = EntryId::of("begin");
/// A long read.
pub(super) const COPY: EntryId = EntryId::of("copy_rows");
/// The end of a long read: its counters.
pub(super) const END: EntryId = EntryId::of("end");
/// A sample in one message.
pub(super) const SAMPLE: EntryId = EntryId::of("sample_rows");
/// A query of the user's in one message.
pub(super) const QUERY: EntryId = EntryId::of("query");
/// The end of a read that was stopped: its counters.
pub(super) const STOPPED: EntryId = EntryId::of("stopped");
/// The end of a transaction that failed.
pub(super) const ROLLBACK: EntryId = EntryId::of("rollback");
/// Stops the statement on its way.
pub(super) const CANCEL: EntryId = EntryId::of("cancel");
/// Whether the statement still runs.
pub(super) const ALIVE: EntryId = EntryId::of("is_running");

/// What a read stands behind: a read that was stopped is taken back to it, and asked for its counters.
pub(super) const SAVEPOINT_TEXT: &str = "SAVEPOINT headwater_read";

/// Text of [`ROLLBACK`].
pub(super) const ROLLBACK_TEXT: &str = "ROLLBACK";

/// The counters of a transaction, before a read and after; `{relations}` stands for where the numbers of what it
/// touched come from.
const COUNTERS: &str = "SELECT pg_catalog.sum(pg_catalog.pg_stat_get_xact_blocks_fetched(r)), pg_catalog.sum(pg_catalog.pg_stat_get_xact_blocks_hit(r)), pg_catalog.sum(pg_catalog.pg_stat_get_xact_tuples_returned(r) + pg_catalog.pg_stat_get_xact_tuples_fetched(r)) FROM {relations}";

/// A text as a message: its transaction around it. Kept for as long as the program runs, like the table itself.
fn asked(text: &str) -> &'static str {
    format!("{OPENING}{text}; COMMIT").leak()
}

/// A text with its counters around it, as a message.
fn counted(text: &str) -> &'static str {
    asked(&format!("{COUNTERS}; {SAVEPOINT_TEXT}; {text}; {COUNTERS}"))
}

fn entry(
    id: EntryId,
    template: &'static str,
    why: &'static str,
    cost: CostClass,
    intrusiveness: Intrusiveness,
    estimated_by: &'static str,
) -> CommandEntry {
    CommandEntry {
        id,
        template,
        why,
        cost,
        intrusiveness,
        estimated_by,
        witness: "pg_stat_get_xact_blocks_fetched and _hit of the same transaction; pg_stat_statements, where it is on",
        versions: "12 and later; verified on 15 and 18",
        privilege: "CONNECT; SELECT on what is read",
    }
}

const CATALOG: &str = "constant: a few pages of the system catalogue";
const WALK: &str = "EXPLAIN turned into blocks, with table sizes as the backstop";

/// Everything this connector can send.
pub(super) static COMMANDS: LazyLock<Vec<CommandEntry>> = LazyLock::new(|| {
    vec![
        entry(
            SESSION,
            asked(&format!("{SESSION_TEXT}; {SCHEMAS_TEXT}")),
            "who answers, as whom, primary or replica; and the first page of schemas, which saves a round trip",
            Constant,
            I1,
            CATALOG,
        ),
        entry(
            STANDING,
            asked(STANDING_TEXT),
            "who answers, what this login may do at worst, and what keeps it from doing it",
            Constant,
            I1,
            CATALOG,
        ),
        entry(
            STANDING_BARE,
            asked(&standing_bare()),
            "the same where the server hides its identity",
            Constant,
            I1,
            CATALOG,
        ),
        entry(SCHEMAS, asked(SCHEMAS_TEXT), "one page of schemas", Constant, I1, CATALOG),
        entry(
            RELATIONS,
            asked(RELATIONS_TEXT),
            "one page of tables and views of a schema",
            Constant,
            I1,
            CATALOG,
        ),
        entry(PARTITIONS, asked(PARTITIONS_TEXT), "one page of partitions of a table", Constant, I1, CATALOG),
        entry(
            FACTS,
            asked(FACTS_TEXT),
            "columns, types, size and indexes of one table or view",
            Constant,
            I1,
            CATALOG,
        ),
        entry(
            MORE,
            asked(MORE_TEXT),
            "keys, grants, activity and definition of one table or view",
            Constant,
            I1,
            CATALOG,
        ),
        entry(
            SERVER,
            asked(SERVER_TEXT),
            "databases, activity, replicas, slots, and what the login may",
            Constant,
            I1,
            CATALOG,
        ),
        entry(
            STATISTICS,
            asked(STATISTICS_TEXT),
            "what ANALYZE left: the catalogue level of a profile",
            Constant,
            I1,
            CATALOG,
        ),
        entry(
            FUNCTIONS,
            asked(&gate::LOOKUP.replace("$1", "{functions}").replace("$2", "{operators}")),
            "whether the functions of a query may write",
            Constant,
            I1,
            CATALOG,
        ),
        entry(TYPES, asked("{types}"), "types that are not built in", Constant, I1, CATALOG),
        entry(
            SHAPE,
            asked(
                "SELECT q.* FROM (VALUES (0)) AS one(row) LEFT JOIN (SELECT * FROM ({query}) AS asked LIMIT 0) AS q ON true; EXPLAIN ({options}) {query}",
            ),
            "columns of a query and the planner's plan of it; no row of it is made",
            Constant,
            I2,
            "constant: planning alone",
        ),
        entry(
            EXPLAIN,
            asked("EXPLAIN ({options}) {statement}"),
            "the planner's plan; runs nothing",
            Constant,
            I2,
            "constant: planning alone",
        ),
        entry(
            ESTIMATE,
            asked(&format!("EXPLAIN ({{options}}) {{statement}}; {}", weigh::facts_template())),
            "the planner's plan, and sizes and statistics of the table; runs nothing",
            Constant,
            I2,
            "constant: planning and a few pages of the system catalogue",
        ),
        entry(
            RELATION_STATISTICS,
            asked(&weigh::facts_template()),
            "sizes and statistics of the relations that a plan touches",
            Constant,
            I1,
            CATALOG,
        ),
        entry(
            READ,
            counted("SELECT {columns} FROM {table}{rest}"),
            "rows in key order, or as asked, at most as many as the limit",
            Returned,
            I3,
            WALK,
        ),
        entry(
            SAMPLE,
            counted("SELECT {columns} FROM {table} TABLESAMPLE {method}{rest}"),
            "rows of random blocks, or random rows of all blocks",
            Returned,
            I3,
            WALK,
        ),
        entry(QUERY, counted("{query}"), "a query of yours, as written, after the gate", Scan, I3, WALK),
        entry(
            BEGIN,
            format!("{OPENING}{COUNTERS}; {SAVEPOINT_TEXT}").leak(),
            "opens the read-only transaction of a long read",
            Free,
            I2,
            "constant",
        ),
        entry(
            COPY,
            "/* headwater {tag} */ COPY ({select}) TO STDOUT{format}",
            "all rows asked for, as one stream",
            Scan,
            I3,
            WALK,
        ),
        entry(
            END,
            format!("/* headwater {{tag}} */ {COUNTERS}; COMMIT").leak(),
            "what the read did cost, and the end of its transaction",
            Free,
            I1,
            "constant",
        ),
        entry(
            STOPPED,
            format!("ROLLBACK TO {SAVEPOINT_TEXT}; {COUNTERS}; COMMIT").leak(),
            "what a read that was stopped did cost until then, and the end of its transaction",
            Free,
            I1,
            "constant",
        ),
        entry(ROLLBACK, ROLLBACK_TEXT, "ends a transaction that failed", Free, I1, "constant"),
        entry(
            CANCEL,
            "SELECT pg_catalog.pg_cancel_backend(pid) FROM pg_catalog.pg_stat_activity WHERE pid <> pg_catalog.pg_backend_pid() AND state = 'active' AND query LIKE {tag}",
            "stops the statement of ours that you cancelled, on a connection of its own",
            Free,
            I1,
            "constant",
        ),
        entry(
            ALIVE,
            "SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity WHERE pid <> pg_catalog.pg_backend_pid() AND state = 'active' AND query LIKE {tag}",
            "whether the statement of ours still runs, when nothing comes for long or after a cancel",
            Free,
            I1,
            "constant",
        ),
    ]
});

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
