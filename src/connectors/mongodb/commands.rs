//! The command table: every command this connector sends on its own, as data.

use crate::model::ability::CostClass::{self, Constant, Returned, Scan};
use crate::model::command::{CommandEntry, EntryId};
use crate::model::load::Intrusiveness::{self, I1, I3};

/// What the driver sends to open and keep a connection.
pub(super) const OPEN: EntryId = EntryId::of("open");
/// Role and limits of the server.
pub(super) const HELLO: EntryId = EntryId::of("hello");
/// Version.
pub(super) const BUILD: EntryId = EntryId::of("build_info");
/// The login and its roles.
pub(super) const STATUS: EntryId = EntryId::of("connection_status");
/// Databases.
pub(super) const DATABASES: EntryId = EntryId::of("list_databases");
/// Collections of a database.
pub(super) const COLLECTIONS: EntryId = EntryId::of("list_collections");
/// Indexes of a collection.
pub(super) const INDEXES: EntryId = EntryId::of("list_indexes");
/// Sizes of a collection.
pub(super) const SIZES: EntryId = EntryId::of("coll_stats");
/// The first documents, for the columns.
pub(super) const LOOK: EntryId = EntryId::of("first_documents");
/// The planner's plan.
pub(super) const EXPLAIN: EntryId = EntryId::of("explain");
/// A count that stops early.
pub(super) const COUNT: EntryId = EntryId::of("bounded_count");
/// The documents of a read.
pub(super) const FIND: EntryId = EntryId::of("find");
/// A random sample.
pub(super) const SAMPLE: EntryId = EntryId::of("sample");
/// A further batch.
pub(super) const MORE: EntryId = EntryId::of("get_more");
/// The end of a cursor.
pub(super) const KILL: EntryId = EntryId::of("kill_cursors");

const fn entry(
    id: EntryId,
    template: &'static str,
    why: &'static str,
    cost: CostClass,
    intrusiveness: Intrusiveness,
) -> CommandEntry {
    CommandEntry {
        id,
        template,
        why,
        cost,
        intrusiveness,
        estimated_by: "collection statistics × the planner's plan, with one bounded count",
        witness: "our own counts; the server's profiler where it is on",
        versions: "MongoDB 4.2 and later",
        privilege: "role read on the database",
    }
}

/// Everything this connector can send.
pub(super) static COMMANDS: &[CommandEntry] = &[
    entry(
        OPEN,
        "hello; {login}hello every 10 s while connected",
        "what the driver sends by itself",
        Constant,
        I1,
    ),
    entry(HELLO, "hello {command}", "role, replica set, limits", Constant, I1),
    entry(BUILD, "buildInfo {command}", "version", Constant, I1),
    entry(STATUS, "connectionStatus {command}", "the login and its roles", Constant, I1),
    entry(DATABASES, "listDatabases {command}", "databases and their sizes", Constant, I1),
    entry(COLLECTIONS, "listCollections {command}", "collections and views, with their rules", Constant, I1),
    entry(INDEXES, "listIndexes {command}", "indexes of one collection", Constant, I1),
    entry(SIZES, "aggregate {command with $collStats}", "documents and bytes by the catalogue", Constant, I1),
    entry(
        LOOK,
        "find {command, limit 100, 1 MiB, 50 ms}",
        "the first documents by _id: a collection declares no columns",
        Constant,
        I1,
    ),
    entry(
        EXPLAIN,
        "explain {command, queryPlanner}",
        "the planner's plan; runs nothing to its end",
        Constant,
        I1,
    ),
    entry(COUNT, "count {command, limit 10001, 50 ms}", "whether few or many documents match", Returned, I1),
    entry(FIND, "find {command}", "documents in _id order, or as asked", Returned, I3),
    entry(SAMPLE, "aggregate {command with $sample}", "documents at random", Scan, I3),
    entry(MORE, "getMore {command}", "the next batch of a cursor of ours", Returned, I3),
    entry(KILL, "killCursors {command}", "ends a cursor of ours that is not read to its end", Constant, I1),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_writes_or_runs_code_is_listed() {
        for banned in
            ["insert", "update", "delete", "findAndModify", "mapReduce", "$out", "$merge", "$function"]
        {
            assert!(COMMANDS.iter().all(|entry| !entry.template.contains(banned)), "{banned}");
        }
    }
}
