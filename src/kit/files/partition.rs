//! What the folders above a file say of its rows: `key=value` as Hive writes it, or plain names level by level.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::cell::Cell;
use crate::model::load::Provenance;
use crate::model::node::Detail;
use crate::model::schema::{Field, LogicalType, Schema};

/// How Hive writes a partition of rows without a value.
const NO_VALUE: &str = "__HIVE_DEFAULT_PARTITION__";
const MOST_EXAMPLES: usize = 5;

/// The partition columns of a folder's files.
#[derive(Clone, Debug, Default)]
pub(super) struct Partitions {
    keys: Vec<Key>,
}

#[derive(Clone, Debug)]
struct Key {
    name: String,
    /// How the folder level names it.
    written: Written,
    logical: LogicalType,
    values: BTreeSet<Option<String>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Written {
    /// `key=value`.
    Named(String),
    /// A plain name at this level.
    Level(usize),
}

impl Partitions {
    /// The keys that the folders above all these files have, from the outermost on. A name that is a column of the
    /// files as well is told apart.
    pub(super) fn of(files: &[String], columns: &Schema) -> Self {
        let mut seen: BTreeMap<String, (usize, BTreeSet<Option<String>>)> = BTreeMap::new();
        let mut order = Vec::new();
        for file in files {
            for (name, value) in named(file) {
                let entry = seen.entry(name.clone()).or_insert_with(|| {
                    order.push(name);
                    (0, BTreeSet::new())
                });
                entry.0 += 1;
                entry.1.insert(value);
            }
        }
        let mut keys: Vec<Key> = order
            .into_iter()
            .filter_map(|name| {
                let (count, values) = seen.remove(&name)?;
                (count == files.len()).then(|| Key::new(name.clone(), Written::Named(name), values))
            })
            .collect();
        if keys.is_empty() {
            keys = levels(files);
        }
        for key in &mut keys {
            if columns.index_of(&key.name).is_some() {
                key.name = format!("{} (folder)", key.name);
            }
        }
        Self { keys }
    }

    /// The columns they make.
    pub(super) fn fields(&self) -> impl Iterator<Item = Field> + '_ {
        self.keys.iter().map(|key| Field {
            note: Some("from the folder's name".to_owned()),
            ..Field::new(&key.name, key.logical.clone()).native("folder")
        })
    }

    /// The cell of a partition column in the rows of a file; none if it is no such column.
    pub(super) fn cell(&self, name: &str, file: &str) -> Option<Cell> {
        let key = self.keys.iter().find(|key| key.name == name)?;
        let value = match &key.written {
            Written::Named(name) => named(file).into_iter().find(|(known, _)| known == name)?.1,
            Written::Level(level) => folders(file).nth(*level).map(str::to_owned),
        };
        Some(match (value, &key.logical) {
            (None, _) => Cell::Null,
            (Some(text), LogicalType::Int { .. }) => text.parse().map_or(Cell::Text(text), Cell::Int),
            (Some(text), _) => Cell::Text(text),
        })
    }

    /// What is known of them, a line each.
    pub(super) fn facts(&self) -> Vec<Detail> {
        let line = |key: &Key| {
            let some: Vec<&str> =
                key.values.iter().flatten().take(MOST_EXAMPLES).map(String::as_str).collect();
            let more = if key.values.len() > some.len() { ", …" } else { "" };
            let how = if matches!(key.written, Written::Named(_)) { "key=value" } else { "plain names" };
            let words = format!("{} values ({}{more}), as {how}", key.values.len(), some.join(", "));
            Detail::new(format!("partition {}", key.name), words, Provenance::Exact)
        };
        self.keys.iter().map(line).collect()
    }
}

impl Key {
    fn new(name: String, written: Written, values: BTreeSet<Option<String>>) -> Self {
        // A number with leading zeros is a name.
        let is_whole = |text: &String| text.parse::<i64>().is_ok_and(|value| value.to_string() == *text);
        let whole = values.iter().flatten().all(is_whole) && values.iter().any(Option::is_some);
        let logical = if whole { LogicalType::INT64 } else { LogicalType::Text };
        Self { name, written, logical, values }
    }
}

/// The folders above a file, outermost first.
fn folders(file: &str) -> impl Iterator<Item = &str> {
    let above = file.rsplit_once('/').map_or("", |(above, _)| above);
    above.split('/').filter(|part| !part.is_empty())
}

/// Keys and values of the folders above a file.
fn named(file: &str) -> Vec<(String, Option<String>)> {
    let plain = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    folders(file)
        .filter_map(|part| part.split_once('='))
        .filter(|(name, _)| !name.is_empty())
        .map(|(name, value)| (plain(name), (value != NO_VALUE).then(|| plain(value))))
        .collect()
}

/// Plain folder names, where all files lie at the same depth and the names tell something.
fn levels(files: &[String]) -> Vec<Key> {
    let depth = |file: &String| folders(file).count();
    let Some(first) = files.first().map(depth) else { return Vec::new() };
    if first == 0 || files.iter().any(|file| depth(file) != first) {
        return Vec::new();
    }
    (0..first)
        .map(|level| {
            let values: BTreeSet<Option<String>> =
                files.iter().map(|file| folders(file).nth(level).map(str::to_owned)).collect();
            Key::new(format!("folder_{}", level + 1), Written::Level(level), values)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(files: &[&str]) -> Vec<String> {
        let files: Vec<String> = files.iter().map(|file| (*file).to_owned()).collect();
        let found = Partitions::of(&files, &Schema::new(vec![Field::new("id", LogicalType::INT64)]));
        let cells = |file: &String| {
            let cell = |field: Field| format!("{}={:?}", field.name, found.cell(&field.name, file).unwrap());
            found.fields().map(cell).collect::<Vec<_>>().join(" ")
        };
        files.iter().map(cells).collect()
    }

    #[test]
    fn folders_name_partitions_as_hive_does_or_plainly() {
        for (files, expected) in [
            (
                vec!["y=2024/m=01/a", "y=2025/m=__HIVE_DEFAULT_PARTITION__/b"],
                vec!["y=Int(2024) m=Text(\"01\")", "y=Int(2025) m=Null"],
            ),
            (vec!["c=a%2Fb/a"], vec!["c=Text(\"a/b\")"]),
            (vec!["id=1/a", "id=2/a"], vec!["id (folder)=Int(1)", "id (folder)=Int(2)"]),
            (
                vec!["north/2024/a", "south/2025/a"],
                vec![
                    "folder_1=Text(\"north\") folder_2=Int(2024)",
                    "folder_1=Text(\"south\") folder_2=Int(2025)",
                ],
            ),
            (vec!["a", "north/b"], vec!["", ""]),
            (vec!["y=1/a", "b"], vec!["", ""]),
        ] {
            assert_eq!(keys(&files), expected, "{files:?}");
        }
    }
}
