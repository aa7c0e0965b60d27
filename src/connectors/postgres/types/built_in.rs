//! The types that every server has, under the same numbers: `pg_type.dat` of PostgreSQL 15 to 18. With it a
//! read over built-in types asks nothing of the catalogue.

use super::Base;

/// A built-in type: its number, `typname`, its name in SQL, the number of its array type (0 = none), and how
/// its text is read.
pub(super) struct BuiltIn {
    pub(super) oid: u32,
    pub(super) short: &'static str,
    pub(super) sql: &'static str,
    pub(super) array: u32,
    pub(super) base: Base,
}

const fn row(oid: u32, short: &'static str, sql: &'static str, array: u32, base: Base) -> BuiltIn {
    BuiltIn { oid, short, sql, array, base }
}

/// A type whose name in SQL is its short one.
const fn same(oid: u32, name: &'static str, array: u32, base: Base) -> BuiltIn {
    row(oid, name, name, array, base)
}

/// The type of this number.
pub(super) fn of_oid(oid: u32) -> Option<&'static BuiltIn> {
    TABLE.binary_search_by_key(&oid, |built_in| built_in.oid).ok().and_then(|index| TABLE.get(index))
}

/// The type whose array type has this number.
pub(super) fn of_array(oid: u32) -> Option<&'static BuiltIn> {
    TABLE.iter().find(|built_in| built_in.array == oid && oid != 0)
}

/// Sorted by number.
static TABLE: &[BuiltIn] = &[
    row(16, "bool", "boolean", 1000, Base::Bool),
    same(17, "bytea", 1001, Base::Bytes),
    row(18, "char", "\"char\"", 1002, Base::Text),
    same(19, "name", 1003, Base::Text),
    row(20, "int8", "bigint", 1016, Base::Int(64)),
    row(21, "int2", "smallint", 1005, Base::Int(16)),
    same(22, "int2vector", 1006, Base::Opaque),
    row(23, "int4", "integer", 1007, Base::Int(32)),
    same(24, "regproc", 1008, Base::Opaque),
    same(25, "text", 1009, Base::Text),
    same(26, "oid", 1028, Base::Unsigned(32)),
    same(27, "tid", 1010, Base::Opaque),
    same(28, "xid", 1011, Base::Unsigned(32)),
    same(29, "cid", 1012, Base::Unsigned(32)),
    same(30, "oidvector", 1013, Base::Opaque),
    same(114, "json", 199, Base::Json),
    same(142, "xml", 143, Base::Opaque),
    same(194, "pg_node_tree", 0, Base::Opaque),
    same(600, "point", 1017, Base::Opaque),
    same(601, "lseg", 1018, Base::Opaque),
    same(602, "path", 1019, Base::Opaque),
    same(603, "box", 1020, Base::Opaque),
    same(604, "polygon", 1027, Base::Opaque),
    same(628, "line", 629, Base::Opaque),
    same(650, "cidr", 651, Base::Inet),
    row(700, "float4", "real", 1021, Base::Float32),
    row(701, "float8", "double precision", 1022, Base::Float),
    same(705, "unknown", 0, Base::Text),
    same(718, "circle", 719, Base::Opaque),
    same(774, "macaddr8", 775, Base::Opaque),
    same(790, "money", 791, Base::Opaque),
    same(829, "macaddr", 1040, Base::Opaque),
    same(869, "inet", 1041, Base::Inet),
    same(1033, "aclitem", 1034, Base::Opaque),
    row(1042, "bpchar", "character", 1014, Base::Text),
    row(1043, "varchar", "character varying", 1015, Base::Text),
    same(1082, "date", 1182, Base::Date),
    row(1083, "time", "time without time zone", 1183, Base::Time),
    row(1114, "timestamp", "timestamp without time zone", 1115, Base::Timestamp),
    row(1184, "timestamptz", "timestamp with time zone", 1185, Base::TimestampUtc),
    same(1186, "interval", 1187, Base::Interval),
    row(1266, "timetz", "time with time zone", 1270, Base::Opaque),
    same(1560, "bit", 1561, Base::Bits),
    row(1562, "varbit", "bit varying", 1563, Base::Bits),
    same(1700, "numeric", 1231, Base::Numeric),
    same(1790, "refcursor", 2201, Base::Opaque),
    same(2202, "regprocedure", 2207, Base::Opaque),
    same(2203, "regoper", 2208, Base::Opaque),
    same(2204, "regoperator", 2209, Base::Opaque),
    same(2205, "regclass", 2210, Base::Opaque),
    same(2206, "regtype", 2211, Base::Opaque),
    same(2249, "record", 2287, Base::Opaque),
    same(2275, "cstring", 1263, Base::Text),
    same(2277, "anyarray", 0, Base::Opaque),
    same(2278, "void", 0, Base::Opaque),
    same(2950, "uuid", 2951, Base::Uuid),
    same(2970, "txid_snapshot", 2949, Base::Opaque),
    same(3220, "pg_lsn", 3221, Base::Opaque),
    same(3361, "pg_ndistinct", 0, Base::Opaque),
    same(3402, "pg_dependencies", 0, Base::Opaque),
    same(3614, "tsvector", 3643, Base::Opaque),
    same(3615, "tsquery", 3645, Base::Opaque),
    same(3642, "gtsvector", 3644, Base::Opaque),
    same(3734, "regconfig", 3735, Base::Opaque),
    same(3769, "regdictionary", 3770, Base::Opaque),
    same(3802, "jsonb", 3807, Base::Json),
    same(3904, "int4range", 3905, Base::Range(23)),
    same(3906, "numrange", 3907, Base::Range(1700)),
    same(3908, "tsrange", 3909, Base::Range(1114)),
    same(3910, "tstzrange", 3911, Base::Range(1184)),
    same(3912, "daterange", 3913, Base::Range(1082)),
    same(3926, "int8range", 3927, Base::Range(20)),
    same(4072, "jsonpath", 4073, Base::Opaque),
    same(4089, "regnamespace", 4090, Base::Opaque),
    same(4096, "regrole", 4097, Base::Opaque),
    same(4191, "regcollation", 4192, Base::Opaque),
    same(4451, "int4multirange", 6150, Base::Multirange(3904)),
    same(4532, "nummultirange", 6151, Base::Multirange(3906)),
    same(4533, "tsmultirange", 6152, Base::Multirange(3908)),
    same(4534, "tstzmultirange", 6153, Base::Multirange(3910)),
    same(4535, "datemultirange", 6155, Base::Multirange(3912)),
    same(4536, "int8multirange", 6157, Base::Multirange(3926)),
    same(4600, "pg_brin_bloom_summary", 0, Base::Opaque),
    same(4601, "pg_brin_minmax_multi_summary", 0, Base::Opaque),
    same(5017, "pg_mcv_list", 0, Base::Opaque),
    same(5038, "pg_snapshot", 5039, Base::Opaque),
    same(5069, "xid8", 271, Base::Unsigned(64)),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_no_number_means_two_types() {
        assert!(TABLE.is_sorted_by_key(|built_in| built_in.oid));
        let mut all: Vec<u32> =
            TABLE.iter().flat_map(|row| [row.oid, row.array]).filter(|oid| *oid != 0).collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
