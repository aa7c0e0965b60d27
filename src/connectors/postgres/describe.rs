//! Everything the catalogue and the statistics say of the server or of one table or view, without reading a row.

use super::catalog::{self, CATALOGUED, Catalog, Kind, TableInfo, is, list, number, text};
use super::commands as sent;
use super::link::{Answer, Link};
use crate::job::CallCtx;
use crate::model::load::Provenance;
use crate::model::node::{
    Description, Detail, Enforcement, Index, Key, KeyKind, KeyTarget, Known, Node, NodeKind, NodePath,
};
use crate::model::schema::Schema;
use crate::model::units::{age_text, bytes_text, count_text};
use crate::model::{Error, Result};

const STAGE: &str = "describe";

fn exact(label: &str, value: impl Into<String>) -> Detail {
    Detail::new(label, value, Provenance::Exact)
}

/// A time as PostgreSQL writes it under our settings.
pub(super) fn timestamp_of(said: &str) -> Option<jiff::Timestamp> {
    // `2026-11-24 12:00:00.5+00` lacks only the T and the minutes of its offset.
    let iso = said.replacen(' ', "T", 1);
    let iso = if iso.ends_with("+00") { format!("{iso}:00") } else { iso };
    iso.parse().ok()
}

/// How long ago that was; never negative, since clocks differ.
pub(super) fn age_secs(said: &str) -> Option<u64> {
    let since = jiff::Timestamp::now().as_second() - timestamp_of(said)?.as_second();
    Some(u64::try_from(since).unwrap_or(0))
}

fn ago(said: Option<&str>) -> String {
    match said.and_then(age_secs) {
        Some(secs) => format!("{} ago", age_text(std::time::Duration::from_secs(secs))),
        None => "never, or not recorded".to_owned(),
    }
}

/// The database and its server.
pub(super) async fn server(ctx: &CallCtx, link: &Link) -> Result<Description> {
    let about = link.about();
    let answers = link.ask(ctx, STAGE, &sent::SERVER, sent::SERVER_TEXT).await?;
    let none = Answer::default();
    let answer = |place: usize| answers.get(place).unwrap_or(&none);
    let mut details = vec![
        exact("server", about.version.clone()),
        exact("database", about.database.clone()),
        exact("login", about.user.clone()),
        exact(
            "role of the server",
            if about.is_replica { "replica: read-only by itself" } else { "primary" },
        ),
        exact("encoding", about.encoding.clone()),
        exact("cache", about.cache.clone()),
        exact("block", bytes_text(about.block_bytes as f64)),
    ];
    let databases = answer(0).rows.iter().filter_map(|row| {
        let name = text(row, 0)?;
        Some(if is(row, 2) { name.to_owned() } else { format!("{name} (closed to this login)") })
    });
    details.push(exact("databases", databases.collect::<Vec<_>>().join(", ")));
    if let Some(row) = answer(1).rows.first() {
        details.push(exact(
            "activity",
            format!(
                "{} other connections of {}, {} of them working; longest open transaction {}",
                text(row, 0).unwrap_or("0"),
                text(row, 3).unwrap_or("?"),
                text(row, 1).unwrap_or("0"),
                text(row, 2).unwrap_or("none"),
            ),
        ));
    }
    for row in &answer(2).rows {
        let said = |place, unknown| text(row, place).unwrap_or(unknown);
        details.push(exact(
            "replica",
            format!(
                "{}: {}, {}, {} behind",
                said(0, "?"),
                said(1, "state not shown to this login"),
                said(2, "?"),
                said(3, "lag unknown")
            ),
        ));
    }
    for row in &answer(3).rows {
        let kept = number::<f64>(row, 4).map_or("unknown".to_owned(), bytes_text);
        let state = if is(row, 3) { "in use" } else { "NOT in use" };
        details.push(exact(
            "replication slot",
            format!(
                "{} ({}, {}): {state}, keeps {kept} of log, {}",
                text(row, 0).unwrap_or("?"),
                text(row, 2).unwrap_or("?"),
                text(row, 1).unwrap_or("no plugin"),
                text(row, 5).unwrap_or("status unknown"),
            ),
        ));
    }
    if let Some(row) = answer(4).rows.first() {
        if about.is_replica {
            details
                .push(exact("behind its primary", text(row, 0).unwrap_or("unknown: nothing replayed yet")));
        }
        details.push(exact("log level", text(row, 1).unwrap_or("unknown")));
        details.push(exact(
            "log kept for slots at most",
            match text(row, 2) {
                Some("-1") => "no limit: a slot nobody reads fills the disk",
                Some(limit) => limit,
                None => "unknown",
            },
        ));
        details.push(exact("statistics counted since", text(row, 3).unwrap_or("the beginning")));
    }
    if let Some(row) = answer(5).rows.first() {
        details.extend(grants_of(row));
    }
    Ok(Description {
        node: Node {
            path: NodePath::root(),
            name: about.database.clone(),
            kind: NodeKind::Database,
            readable: false,
            expandable: true,
            rows: None,
            bytes: None,
            note: None,
        },
        schema: Schema::default(),
        keys: Vec::new(),
        indexes: Vec::new(),
        details,
        ddl: None,
        notes: login_notes(link),
    })
}

/// What the login may, beyond what single tables grant it.
fn grants_of(row: &[Option<String>]) -> [Detail; 2] {
    let may = [
        "everything: it is a superuser",
        "stream the log (REPLICATION)",
        "see past row-level security (BYPASSRLS)",
        "create roles",
        "create databases",
        "create schemas here",
        "create temporary tables here",
    ];
    let granted = may.iter().enumerate().filter(|(place, _)| is(row, *place)).map(|(_, what)| *what);
    let granted = granted.collect::<Vec<_>>().join(", ");
    let nothing = "nothing beyond what tables grant it";
    [
        exact("login may", if granted.is_empty() { nothing } else { &granted }),
        exact("member of", text(row, 7).unwrap_or("no other role")),
    ]
}

/// What this login could do, were it not for the read-only transactions.
fn login_notes(link: &Link) -> Vec<String> {
    let about = link.about();
    let mut notes = Vec::new();
    if about.may_write && !about.is_replica {
        notes.push(format!(
            "the login {:?} may change this database; headwater reads in read-only transactions, a login that can only read is safer still",
            about.user
        ));
    }
    if about.is_replica {
        notes.push("a replica: reads do not touch the primary, but a long read can be cancelled by it or make it keep dead rows".to_owned());
    }
    notes
}

/// A schema.
pub(super) async fn schema(ctx: &CallCtx, link: &Link, catalog: &Catalog, name: &str) -> Result<Description> {
    // Asked for one row: says `not_found` for a schema that is not there.
    let page = crate::model::node::PageRequest { token: None, size: 1 };
    catalog.relations(ctx, link, name, &page).await?;
    Ok(Description {
        node: Node {
            path: NodePath::root().child(name),
            name: name.to_owned(),
            kind: NodeKind::Schema,
            readable: false,
            expandable: true,
            rows: None,
            bytes: None,
            note: None,
        },
        schema: Schema::default(),
        keys: Vec::new(),
        indexes: Vec::new(),
        details: Vec::new(),
        ddl: None,
        notes: Vec::new(),
    })
}

/// One table or view.
pub(super) async fn table(
    ctx: &CallCtx,
    link: &Link,
    table: &TableInfo,
    at: &NodePath,
) -> Result<Description> {
    let relation = catalog::literal(&table.quoted()?)?;
    let body = sent::MORE_TEXT.replace("{relation}", &relation);
    let answers = link.ask(ctx, STAGE, &sent::MORE, &body).await?;
    let none = Answer::default();
    let answer = |place: usize| answers.get(place).unwrap_or(&none);
    let Some(rest) = answer(3).rows.first() else {
        return Err(Error::not_found(STAGE, format_args!("{at}")));
    };
    let statistics = answer(1).rows.first();
    let analyzed = statistics.and_then(|row| text(row, 3));
    let keys = answer(0).rows.iter().filter_map(|row| key_of(row)).collect();
    let checks = answer(0).rows.iter().filter(|row| text(row, 1) == Some("c"));
    let mut details = details_of(table, rest, statistics);
    details.extend(checks.map(|row| exact("rule", text(row, 7).unwrap_or_default())));
    details.extend(answer(2).rows.iter().map(|row| {
        let who = if text(row, 1) == Some("0") { "everybody" } else { text(row, 0).unwrap_or("?") };
        exact("granted", format!("{who}: {}", text(row, 2).unwrap_or_default()))
    }));
    let view = text(rest, 0).map(|query| format!("CREATE {} AS\n{query}", table.kind.words().to_uppercase()));
    let mut notes = table.notes();
    if let Some(policies) = text(rest, 6) {
        notes.push(format!("row-level security policies: {policies}"));
    }
    let provenance = Provenance::Catalogued { age_secs: analyzed.and_then(age_secs) };
    let is_counted = table.kind.has_blocks() || table.kind == Kind::Partitioned;
    Ok(Description {
        node: Node {
            path: at.clone(),
            name: table.name.clone(),
            kind: if matches!(table.kind, Kind::View | Kind::Materialised) {
                NodeKind::View
            } else {
                NodeKind::Table
            },
            readable: table.visible().next().is_some(),
            expandable: table.kind == Kind::Partitioned,
            rows: table.rows.filter(|_| is_counted).map(|rows| Known {
                value: rows,
                provenance,
                as_of: analyzed.and_then(timestamp_of),
            }),
            bytes: table.bytes.map(Known::exact),
            note: (table.kind != Kind::Table).then(|| table.kind.words().to_owned()),
        },
        schema: table.schema_of(table.visible().map(|column| column.name.as_str())),
        keys,
        indexes: table.indexes.iter().map(index_of).collect(),
        details,
        ddl: Some(view.map_or_else(|| ddl_of(table), Ok)?),
        notes,
    })
}

fn details_of(
    table: &TableInfo,
    rest: &[Option<String>],
    statistics: Option<&Vec<Option<String>>>,
) -> Vec<Detail> {
    let mut details = vec![exact("kind", table.kind.words()), exact("owner", table.owner.clone())];
    let mut add = |label: &str, value: Option<String>| {
        details.extend(value.map(|value| exact(label, value)));
    };
    add("comment", table.comment.clone());
    add("partitioned by", table.partition_key.clone());
    add("partitions", number::<u64>(rest, 7).filter(|count| *count > 0).map(count_text));
    add("size in all", number::<f64>(rest, 3).filter(|bytes| *bytes > 0.0).map(bytes_text));
    add("long values (TOAST)", table.toast_bytes.map(|bytes| bytes_text(bytes as f64)));
    add("triggers", text(rest, 4).map(str::to_owned));
    add("published to", text(rest, 5).map(str::to_owned));
    let identity = match text(rest, 1) {
        Some("d") => "the primary key",
        Some("f") => "the whole row",
        Some("i") => "an index",
        _ => "nothing: updates and deletes cannot be followed",
    };
    add("replica identity", table.kind.has_blocks().then(|| identity.to_owned()));
    let kept = match text(rest, 2) {
        Some("u") => Some("not in the log: lost after a crash"),
        Some("t") => Some("for one session"),
        _ => None,
    };
    add("kept", kept.map(str::to_owned));
    if let Some(row) = statistics {
        let count = |place| number::<u64>(row, place).map(count_text);
        let (live, dead) = (count(0).unwrap_or_default(), count(1).unwrap_or_default());
        details.push(Detail::new("rows alive, dead", format!("{live}, {dead}"), CATALOGUED));
        let analyzed = format!("{}; rows changed since: {}", ago(text(row, 3)), count(2).unwrap_or_default());
        details.push(exact("last ANALYZE", analyzed));
        details.push(exact("last VACUUM", ago(text(row, 4))));
        let written = [(7, "inserted"), (8, "updated"), (9, "deleted")]
            .map(|(place, word)| format!("{word} {}", count(place).unwrap_or_default()));
        details.push(exact("since statistics are counted", written.join(", ")));
        let scans = format!(
            "whole {}, by index {}",
            count(5).unwrap_or_default(),
            count(6).unwrap_or_else(|| "0".into())
        );
        details.push(exact("scans", scans));
    }
    details
}

fn key_of(row: &[Option<String>]) -> Option<Key> {
    let kind = match text(row, 1)? {
        "p" => KeyKind::Primary,
        "u" => KeyKind::Unique,
        "f" => KeyKind::Foreign,
        _ => return None,
    };
    let references = match (text(row, 3), text(row, 4)) {
        (Some(schema), Some(name)) => {
            Some(KeyTarget { node: NodePath::of([schema, name]), columns: list(row, 5) })
        }
        _ => None,
    };
    Some(Key {
        kind,
        name: text(row, 0).map(str::to_owned),
        columns: list(row, 2),
        references,
        enforcement: if is(row, 6) { Enforcement::Enforced } else { Enforcement::Declared },
    })
}

/// Foreign keys that point out of a table.
pub(super) async fn foreign_keys(ctx: &CallCtx, link: &Link, table: &TableInfo) -> Result<Vec<Key>> {
    let relation = catalog::literal(&table.quoted()?)?;
    let body = sent::MORE_TEXT.replace("{relation}", &relation);
    let answers = link.ask(ctx, STAGE, &sent::MORE, &body).await?;
    let keys = answers.first().map(|answer| answer.rows.iter().filter_map(|row| key_of(row)));
    Ok(keys.into_iter().flatten().filter(|key| key.kind == KeyKind::Foreign).collect())
}

fn index_of(index: &catalog::IndexInfo) -> Index {
    let state = if index.is_valid { "" } else { ", NOT usable (invalid)" };
    Index {
        name: index.name.clone(),
        columns: index.expressions.clone(),
        unique: index.is_unique,
        condition: index.condition.clone(),
        statistics: Some(format!("{}, {} pages{state}", index.method, count_text(index.pages))),
    }
}

/// A table's definition, put together from the catalogue: PostgreSQL keeps no text of it.
fn ddl_of(table: &TableInfo) -> Result<String> {
    let mut lines = table
        .columns
        .iter()
        .map(|column| {
            let name = catalog::quoted_name(&column.name)?;
            let default = match (&column.made, &column.default) {
                (Some(_), Some(expression)) => format!(" GENERATED ALWAYS AS ({expression})"),
                (Some(_), None) => " GENERATED AS IDENTITY".to_owned(),
                (None, Some(default)) => format!(" DEFAULT {default}"),
                (None, None) => String::new(),
            };
            let required = if column.required { " NOT NULL" } else { "" };
            Ok(format!("    {name} {}{default}{required}", column.declared.name))
        })
        .collect::<Result<Vec<_>>>()?;
    let primary = table.indexes.iter().find(|index| index.is_primary);
    lines.extend(primary.map(|index| format!("    PRIMARY KEY ({})", index.expressions.join(", "))));
    let by = table.partition_key.as_ref().map(|by| format!(" PARTITION BY {by}")).unwrap_or_default();
    let mut ddl = format!("CREATE TABLE {} (\n{}\n){by};\n", table.quoted()?, lines.join(",\n"));
    for index in table.indexes.iter().filter(|index| !index.is_primary) {
        ddl.push_str(&index.ddl);
        ddl.push_str(";\n");
    }
    Ok(ddl)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_times_are_read_as_they_are_written() {
        for (said, seconds) in [
            ("2026-11-24 12:00:00+00", Some(1_795_521_600)),
            ("2026-11-24 12:00:00.123456+00", Some(1_795_521_600)),
            ("infinity", None),
        ] {
            assert_eq!(timestamp_of(said).map(jiff::Timestamp::as_second), seconds, "{said}");
        }
    }
}
