//! What an estimate needs of the catalogue, per relation: sizes as they are now, statistics with their age,
//! indexes, and the columns that the plan's conditions name.
//!
//! One statement, [`FACTS`], for all relations of a plan. It works for a role that may see nothing but one
//! table: statistics of columns it may not read are absent, and the intervals open.

use std::collections::HashMap;

use serde::Deserialize;

use super::array;
use crate::model::Result;
use crate::model::error::{Error, ErrorKind};

/// Catalogue facts of relations. Parameters: `$1` schemas and `$2` names, pairwise, `$3` names of columns
/// whose statistics are wanted in full; all `text[]`. One column, a JSON text, one row a relation.
pub const FACTS: &str = "\
SELECT pg_catalog.json_build_object(\
'schema', n.nspname, 'name', c.relname, 'kind', c.relkind::text, 'pages', c.relpages, \
'tuples', c.reltuples, 'visible_pages', c.relallvisible, \
'bytes', CASE WHEN c.relkind IN ('r', 'm', 't', 'S') THEN pg_catalog.pg_relation_size(c.oid) ELSE 0 END, \
'toast_bytes', CASE WHEN c.reltoastrelid <> 0 THEN pg_catalog.pg_relation_size(c.reltoastrelid) END, \
'changed', pg_catalog.pg_stat_get_mod_since_analyze(c.oid), \
'dead', pg_catalog.pg_stat_get_dead_tuples(c.oid), \
'live', pg_catalog.pg_stat_get_live_tuples(c.oid), \
'analyzed', extract(epoch FROM greatest(pg_catalog.pg_stat_get_last_analyze_time(c.oid), \
pg_catalog.pg_stat_get_last_autoanalyze_time(c.oid)))::float8, \
'now', extract(epoch FROM pg_catalog.clock_timestamp())::float8, \
'row_security', c.relrowsecurity, \
'indexes', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object('name', x.relname, \
'bytes', pg_catalog.pg_relation_size(i.indexrelid), 'method', m.amname, 'unique', \
i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL, \
'columns', CASE WHEN i.indexprs IS NULL THEN (SELECT pg_catalog.json_agg(b.attname ORDER BY k.place) \
FROM pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY AS k(number, place) \
JOIN pg_catalog.pg_attribute b ON b.attrelid = i.indrelid AND b.attnum = k.number \
WHERE k.place <= i.indnkeyatts) END)) \
FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid \
JOIN pg_catalog.pg_am m ON m.oid = x.relam WHERE i.indrelid = c.oid AND x.relkind = 'i'), \
'columns', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object('name', a.attname, \
'storage', a.attstorage::text, \
'counted', a.attidentity <> '' OR coalesce(pg_catalog.pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%', false), \
'distinct', s.n_distinct, 'nulls', s.null_frac, 'width', s.avg_width, 'correlation', s.correlation, \
'common', CASE WHEN a.attname = ANY ($3) THEN pg_catalog.left(s.most_common_vals::text, 200000) END, \
'shares', CASE WHEN a.attname = ANY ($3) THEN pg_catalog.array_to_json(s.most_common_freqs) END, \
'bounds', CASE WHEN a.attname = ANY ($3) THEN pg_catalog.left(s.histogram_bounds::text, 200000) END)) \
FROM pg_catalog.pg_attribute a \
LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
LEFT JOIN pg_catalog.pg_stats s ON s.schemaname = n.nspname AND s.tablename = c.relname \
AND s.attname = a.attname AND NOT s.inherited \
WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped))::text \
FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[])) AS w(schema, name) \
JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema \
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name";

/// Bytes of a block; servers built with another size are rare, and their sizes are right all the same.
pub const BLOCK_BYTES: f64 = 8192.0;

/// Most frequent values a server keeps of a column.
const MOST_COMMON: usize = 10_000;

/// A relation by name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RelationName {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
}

/// One index.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct IndexFacts {
    /// Its name, in the schema of its table.
    pub name: String,
    /// Its size now.
    pub bytes: f64,
    /// Whether it allows each key once, in all of the table.
    pub unique: bool,
    /// Its access method.
    pub method: String,
    /// Its key columns in order; none = there are expressions among them.
    pub columns: Option<Vec<String>>,
}

/// One column.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ColumnFacts {
    /// Its name.
    pub name: String,
    /// `p` never stored elsewhere, `x`, `e`, `m` may be.
    pub storage: String,
    /// Whether new rows get ever higher values: an identity or a sequence.
    pub counted: bool,
    /// Different values; negative = as a share of the rows.
    pub distinct: Option<f64>,
    /// Share of nulls.
    pub nulls: Option<f64>,
    /// Bytes of a value as the row holds it.
    pub width: Option<f64>,
    /// How much the order of its values is that of the rows: −1 to 1.
    pub correlation: Option<f64>,
    /// Most frequent values, as an array's text.
    common: Option<String>,
    /// Their shares.
    shares: Option<Vec<f64>>,
    /// Bounds of the histogram, as an array's text.
    bounds: Option<String>,
}

impl ColumnFacts {
    /// Most frequent values with their shares, the most frequent first.
    pub fn most_common(&self) -> Vec<(String, f64)> {
        let values = self.common.as_deref().map(array::elements).unwrap_or_default();
        values.into_iter().zip(self.shares.iter().flatten().copied()).take(MOST_COMMON).collect()
    }

    /// Bounds of the histogram in order.
    pub fn histogram(&self) -> Vec<String> {
        self.bounds.as_deref().map(array::elements).unwrap_or_default()
    }
}

/// One relation.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct RelationFacts {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// `r` table, `p` partitioned, `m` materialised view, `f` foreign table, `v` view.
    pub kind: String,
    /// Pages when it was last analysed or vacuumed.
    pub pages: f64,
    /// Rows then; −1 = never counted.
    pub tuples: f64,
    /// Pages then known to hold only rows that everybody sees.
    pub visible_pages: f64,
    /// Its size now, without the rows' large values and without indexes.
    pub bytes: f64,
    /// Size of its large values now; none = it keeps none elsewhere.
    pub toast_bytes: Option<f64>,
    /// Rows changed since it was last analysed.
    pub changed: Option<f64>,
    /// Dead rows.
    pub dead: Option<f64>,
    /// Live rows by the server's count.
    pub live: Option<f64>,
    /// When it was last analysed, in seconds since 1970; none = never, or its record was lost.
    pub analyzed: Option<f64>,
    /// When these facts were made, in seconds since 1970.
    pub now: f64,
    /// Whether row-level security is on.
    pub row_security: bool,
    /// Its indexes.
    pub indexes: Option<Vec<IndexFacts>>,
    /// Its columns.
    pub columns: Option<Vec<ColumnFacts>>,
}

/// How far statistics can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Freshness {
    /// Hardly a row changed since.
    Fresh,
    /// Many did.
    Stale,
    /// There are none, or they are not shown to this role.
    Unknown,
}

impl RelationFacts {
    /// Pages now.
    pub fn pages_now(&self) -> f64 {
        (self.bytes / BLOCK_BYTES).ceil()
    }

    /// Pages of large values now.
    pub fn toast_pages(&self) -> f64 {
        (self.toast_bytes.unwrap_or(0.0) / BLOCK_BYTES).ceil()
    }

    /// Rows now: what was counted, in proportion to the size since, as the planner does; none = never counted.
    pub fn rows_now(&self) -> Option<f64> {
        if self.tuples < 0.0 || (self.tuples == 0.0 && self.pages == 0.0 && self.bytes > 0.0) {
            return None;
        }
        let by_size =
            if self.pages > 0.0 { self.tuples * self.pages_now() / self.pages } else { self.tuples };
        Some(by_size)
    }

    /// The column of a name.
    pub fn column(&self, name: &str) -> Option<&ColumnFacts> {
        self.columns.iter().flatten().find(|column| column.name == name)
    }

    /// The index of a name.
    pub fn index(&self, name: &str) -> Option<&IndexFacts> {
        self.indexes.iter().flatten().find(|index| index.name == name)
    }

    /// Whether the planner's statistics can be trusted, and are seen.
    pub fn freshness(&self) -> Freshness {
        let is_seen = self.columns.iter().flatten().any(|column| column.distinct.is_some());
        let Some(rows) = self.rows_now() else { return Freshness::Unknown };
        // The planner scales rows by size: grown far beyond what was counted is a change as well.
        let grown = (self.pages_now() - self.pages).abs() > 0.1 * self.pages + 10.0;
        if grown || self.changed.unwrap_or(0.0) > 0.1 * rows + 50.0 {
            Freshness::Stale
        } else if is_seen {
            Freshness::Fresh
        } else {
            Freshness::Unknown
        }
    }

    /// Seconds since it was analysed.
    pub fn statistics_age_secs(&self) -> Option<u64> {
        self.analyzed.map(|then| (self.now - then).max(0.0) as u64)
    }
}

/// The facts of all relations of a plan.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    relations: HashMap<RelationName, RelationFacts>,
}

impl Facts {
    /// Reads the rows of [`FACTS`].
    ///
    /// # Errors
    /// `decode` if a row is not what the statement gives.
    pub fn parse<'a>(rows: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let mut relations = HashMap::new();
        for row in rows {
            let facts: RelationFacts = serde_json::from_str(row).map_err(|error| {
                Error::new(
                    ErrorKind::Decode,
                    "estimate",
                    format!("the catalogue's facts of a relation are not understood: {error}"),
                )
            })?;
            let name = RelationName { schema: facts.schema.clone(), name: facts.name.clone() };
            relations.insert(name, facts);
        }
        Ok(Self { relations })
    }

    /// The facts of a relation.
    pub fn of(&self, schema: &str, name: &str) -> Option<&RelationFacts> {
        self.relations.get(&RelationName { schema: schema.to_owned(), name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_follow_the_size_and_age_follows_the_changes() {
        let row = |more: &str| {
            format!(
                r#"{{"schema": "app", "name": "t", "kind": "r", "pages": 100, "tuples": 1000, "bytes": 819200,
                     "columns": [{{"name": "a", "distinct": -1, "common": "{{x,\"y z\"}}", "shares": [0.5, 0.25]}}]{more}}}"#
            )
        };
        for (more, rows, freshness) in [
            ("", Some(1000.0), Freshness::Fresh),
            (r#", "changed": 500"#, Some(1000.0), Freshness::Stale),
            (r#", "bytes": 8192000"#, Some(10_000.0), Freshness::Stale),
            (r#", "tuples": -1"#, None, Freshness::Unknown),
            (r#", "columns": null"#, Some(1000.0), Freshness::Unknown),
        ] {
            let text = row(more);
            // Later keys win: the row is read through a map.
            let text = serde_json::from_str::<serde_json::Value>(&text).unwrap().to_string();
            let facts = Facts::parse([text.as_str()]).unwrap();
            let facts = facts.of("app", "t").unwrap();
            assert_eq!((facts.rows_now(), facts.freshness()), (rows, freshness), "{more}");
        }
        let text = row("");
        let facts = Facts::parse([text.as_str()]).unwrap();
        let column = facts.of("app", "t").unwrap().column("a").unwrap();
        assert_eq!(column.most_common(), [("x".to_owned(), 0.5), ("y z".to_owned(), 0.25)]);
    }
}
