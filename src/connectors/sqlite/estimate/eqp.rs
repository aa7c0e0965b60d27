//! `EXPLAIN QUERY PLAN`, read into steps. The text is for people and changes between releases: what is not
//! recognised is `Other`, which widens an estimate and never breaks it.

use std::collections::BTreeMap;

use crate::connectors::sqlite::decode::{int_of, text_of};
use crate::model::cell::Cell;

/// What a step does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Every row of a table or index.
    Scan,
    /// Rows found by an index or key.
    Search,
    /// Sorting, grouping or de-duplicating in a temporary tree: nothing comes before all was read.
    TempTree,
    /// Once for every row of the steps beside it.
    Correlated,
    /// A recursive query.
    Recursive,
    /// Anything else.
    Other,
}

/// A step of the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PlanStep {
    /// Its number.
    pub(super) id: i64,
    /// The step it belongs to; 0 = the statement.
    pub(super) parent: i64,
    /// What it does.
    pub(super) kind: Kind,
    /// The table or alias it reads.
    pub(super) table: Option<String>,
    /// SQLite's words.
    pub(super) detail: String,
}

impl PlanStep {
    /// Whether it looks rows up by an index that does not hold all their columns.
    pub(super) fn class(&self) -> &'static str {
        let has = |part: &str| self.detail.contains(part);
        match self.kind {
            Kind::Scan if has("VIRTUAL TABLE") => "virtual_table",
            Kind::Scan if has("COVERING INDEX") => "index_scan",
            Kind::Scan => "full_scan",
            Kind::Search if has("INTEGER PRIMARY KEY") || has("USING PRIMARY KEY") => "key_search",
            Kind::Search if has("AUTOMATIC") => "automatic_index",
            Kind::Search => "index_search",
            Kind::TempTree => "sort",
            Kind::Correlated => "correlated",
            Kind::Recursive => "recursive",
            Kind::Other => "other",
        }
    }
}

/// Reads the rows of `EXPLAIN QUERY PLAN`.
pub(super) fn parse(rows: &[Vec<Cell>]) -> Vec<PlanStep> {
    rows.iter()
        .filter_map(|row| {
            let detail = text_of(row.get(3))?;
            let (kind, table) = kind_of(&detail);
            Some(PlanStep { id: int_of(row.first())?, parent: int_of(row.get(1))?, kind, table, detail })
        })
        .collect()
}

fn kind_of(detail: &str) -> (Kind, Option<String>) {
    let name = |rest: &str| {
        let end = [" USING ", " VIRTUAL TABLE", " LEFT-JOIN", " EXISTS", " ("]
            .iter()
            .filter_map(|mark| rest.find(mark))
            .min()
            .unwrap_or(rest.len());
        rest.get(..end).map(|name| name.rsplit(" AS ").next().unwrap_or(name).to_owned())
    };
    if let Some(rest) = detail.strip_prefix("SCAN ") {
        if rest.contains("CONSTANT ROW") { (Kind::Other, None) } else { (Kind::Scan, name(rest)) }
    } else if let Some(rest) = detail.strip_prefix("SEARCH ") {
        (Kind::Search, name(rest))
    } else if detail.contains("TEMP B-TREE") {
        (Kind::TempTree, None)
    } else if detail.starts_with("CORRELATED") {
        (Kind::Correlated, None)
    } else if detail.starts_with("RECURSIVE") {
        (Kind::Recursive, None)
    } else {
        (Kind::Other, None)
    }
}

/// Names that a statement gives to tables after FROM, JOIN or a comma: alias → table.
pub(super) fn aliases(statement: &str) -> BTreeMap<String, String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    for c in statement.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), c) => word.push(c),
            (None, '"' | '`') => quote = Some(c),
            (None, c) if c.is_alphanumeric() || matches!(c, '_' | '.' | '$') => word.push(c),
            (None, c) => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                if matches!(c, ',' | '(' | ')') {
                    words.push(c.to_string());
                }
            }
        }
    }
    words.push(word);
    let mut found = BTreeMap::new();
    for (at, word) in words.iter().enumerate() {
        let is_start = ["from", "join", ","].iter().any(|start| word.eq_ignore_ascii_case(start));
        let Some(table) = words.get(at + 1).filter(|_| is_start) else { continue };
        let skip = usize::from(words.get(at + 2).is_some_and(|word| word.eq_ignore_ascii_case("as")));
        let Some(alias) = words.get(at + 2 + skip) else { continue };
        if !is_keyword(alias) {
            found.insert(alias.to_lowercase(), table.trim_start_matches("main.").to_owned());
        }
    }
    found
}

fn is_keyword(word: &str) -> bool {
    const KEYWORDS: &[&str] = &[
        "",
        ",",
        "(",
        ")",
        "on",
        "using",
        "where",
        "join",
        "left",
        "right",
        "full",
        "inner",
        "outer",
        "cross",
        "natural",
        "group",
        "order",
        "limit",
        "union",
        "except",
        "intersect",
        "having",
        "window",
        "as",
        "not",
        "indexed",
    ];
    KEYWORDS.iter().any(|keyword| word.eq_ignore_ascii_case(keyword))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_read_from_sqlites_words() {
        for (detail, kind, table) in [
            ("SCAN t", Kind::Scan, Some("t")),
            ("SCAN t USING COVERING INDEX i", Kind::Scan, Some("t")),
            ("SCAN two words", Kind::Scan, Some("two words")),
            ("SCAN p VIRTUAL TABLE INDEX 1:", Kind::Scan, Some("p")),
            ("SCAN CONSTANT ROW", Kind::Other, None),
            ("SEARCH t USING INDEX i (a=? AND b>?)", Kind::Search, Some("t")),
            ("SEARCH t USING INTEGER PRIMARY KEY (rowid>?)", Kind::Search, Some("t")),
            ("SEARCH b USING AUTOMATIC COVERING INDEX (x=?) LEFT-JOIN", Kind::Search, Some("b")),
            ("USE TEMP B-TREE FOR ORDER BY", Kind::TempTree, None),
            ("UNION USING TEMP B-TREE", Kind::TempTree, None),
            ("CORRELATED SCALAR SUBQUERY 1", Kind::Correlated, None),
            ("RECURSIVE STEP", Kind::Recursive, None),
            ("CO-ROUTINE c", Kind::Other, None),
        ] {
            assert_eq!(kind_of(detail), (kind, table.map(str::to_owned)), "{detail}");
        }
    }

    #[test]
    fn aliases_lead_back_to_their_tables() {
        let found =
            aliases("SELECT a.x FROM orders AS a JOIN main.customers c ON a.c = c.id, \"we ird\" w WHERE 1");
        for (alias, table) in [("a", "orders"), ("c", "customers"), ("w", "we ird")] {
            assert_eq!(found.get(alias).map(String::as_str), Some(table), "{alias}");
        }
        assert!(!aliases("SELECT 1 FROM orders WHERE x").contains_key("where"));
    }
}
