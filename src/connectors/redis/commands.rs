//! The command table: every command this connector sends on its own, as data. None has the `write` flag.

use crate::model::ability::CostClass::{self, Constant, Returned};
use crate::model::command::{CommandEntry, EntryId};
use crate::model::load::Intrusiveness::{self, I1, I3};

/// A fresh connection: login, database, name.
pub(super) const OPEN: EntryId = EntryId::of("open");
/// Facts of the server.
pub(super) const INFO: EntryId = EntryId::of("info");
/// Master or replica.
pub(super) const ROLE: EntryId = EntryId::of("role");
/// The login's name at the server.
pub(super) const WHOAMI: EntryId = EntryId::of("whoami");
/// Types of keys.
pub(super) const TYPE: EntryId = EntryId::of("type");
/// Times to live.
pub(super) const TTL: EntryId = EntryId::of("ttl");
/// Encodings.
pub(super) const ENCODING: EntryId = EntryId::of("encoding");
/// Memory of keys.
pub(super) const MEMORY: EntryId = EntryId::of("memory");

/// The entry of a page or length command, named like it.
pub(super) fn entry_of(command: &'static str) -> EntryId {
    let found = COMMANDS.iter().find(|entry| entry.template.split_whitespace().next() == Some(command));
    found.map_or(EntryId::of("unlisted"), |entry| entry.id.clone())
}

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
        estimated_by: "lengths × the server's own microseconds a call",
        witness: "INFO commandstats",
        versions: "Redis 4.0 and later",
        privilege: "+@read ~* and +info, +role, +acl|whoami, +client|setname where granted",
    }
}

/// Everything this connector can send.
pub(super) static COMMANDS: &[CommandEntry] = &[
    entry(OPEN, "{login}CLIENT SETNAME headwater{database}", "a connection with a name", Constant, I1),
    entry(INFO, "INFO{section}", "version, memory, keyspace, microseconds a call", Constant, I1),
    entry(ROLE, "ROLE", "whether this is a master or a replica", Constant, I1),
    entry(WHOAMI, "ACL WHOAMI", "the login's name at the server", Constant, I1),
    entry(EntryId::of("key_count"), "DBSIZE", "how many keys a database has", Constant, I1),
    entry(EntryId::of("scan"), "SCAN {cursor} COUNT {count}", "a page of keys", Constant, I1),
    entry(TYPE, "TYPE {keys}", "the type, before anything else is asked of a key", Constant, I1),
    entry(TTL, "PTTL {keys}", "milliseconds to live", Constant, I1),
    entry(ENCODING, "OBJECT ENCODING {keys}", "how the value is stored", Constant, I1),
    entry(MEMORY, "MEMORY USAGE {keys}", "bytes, of nested values by 5 samples", Constant, I1),
    entry(EntryId::of("hash_length"), "HLEN {key}", "the length, before any value", Constant, I3),
    entry(EntryId::of("set_length"), "SCARD {key}", "the length, before any value", Constant, I3),
    entry(EntryId::of("sorted_length"), "ZCARD {key}", "the length, before any value", Constant, I3),
    entry(EntryId::of("list_length"), "LLEN {key}", "the length, before any value", Constant, I3),
    entry(EntryId::of("stream_length"), "XLEN {key}", "the length, before any value", Constant, I3),
    entry(EntryId::of("string_length"), "STRLEN {key}", "the length, before any value", Constant, I3),
    entry(EntryId::of("read_hash"), "HSCAN {key} {cursor} COUNT {count}", "a page of fields", Returned, I3),
    entry(EntryId::of("read_set"), "SSCAN {key} {cursor} COUNT {count}", "a page of members", Returned, I3),
    entry(
        EntryId::of("read_sorted"),
        "ZSCAN {key} {cursor} COUNT {count}",
        "a page of members",
        Returned,
        I3,
    ),
    entry(EntryId::of("read_list"), "LRANGE {key} {first} {last}", "a page of elements", Returned, I3),
    entry(
        EntryId::of("read_stream"),
        "XRANGE {key} {first} + COUNT {count}",
        "a page of entries",
        Returned,
        I3,
    ),
    entry(EntryId::of("read_string"), "GETRANGE {key} {first} {last}", "a piece of a string", Returned, I3),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connectors::redis::decode::Shape;

    #[test]
    fn every_page_and_length_command_is_listed_and_none_sweeps_a_whole_value() {
        for shape in Shape::ALL {
            let (page, length) = shape.commands();
            assert_ne!(entry_of(page).as_str(), "unlisted");
            assert_ne!(entry_of(length).as_str(), "unlisted");
        }
        for banned in ["KEYS", "HGETALL", "SMEMBERS", "GET", "MONITOR", "XREADGROUP", "CONFIG"] {
            assert_eq!(entry_of(banned).as_str(), "unlisted");
        }
    }
}
