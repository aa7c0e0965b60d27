//! Conditions asked of SQLite, where it means by them what our filter means.
//!
//! SQLite compares by storage class and converts by affinity; our filter compares numbers as numbers and
//! all else as text. Each test is therefore sent as one of: the same meaning (exact); more rows than meant,
//! finished in the fetched rows (inexact); or not at all. Under NOT only exact tests are sent, since the
//! opposite of "more rows" is "fewer".

use super::catalog::{ColumnInfo, TableInfo};
use super::decode::{Affinity, affinity};
use crate::model::ability::Support;
use crate::model::cell::Cell;
use crate::model::filter::{Compare, Filter, Literal};

/// A quoted name.
pub(super) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// What of a filter is sent.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pushed {
    /// The condition, if any part of it is sent.
    pub(super) condition: Option<String>,
    /// Values of its parameters, from the number given on.
    pub(super) binds: Vec<Cell>,
    /// How much of the filter it does.
    pub(super) support: Support,
    /// What the reader must know.
    pub(super) remarks: Vec<String>,
}

/// Turns a filter over a table into a condition whose parameters count on from `binds_before`.
pub(super) fn push(filter: &Filter, table: &TableInfo, binds_before: usize) -> Pushed {
    let mut writer = Writer { table, binds_before, binds: Vec::new(), remarks: Vec::new() };
    match writer.part(filter) {
        Some((condition, support)) => {
            Pushed { condition: Some(condition), binds: writer.binds, support, remarks: writer.remarks }
        }
        None => {
            Pushed { condition: None, binds: Vec::new(), support: Support::None, remarks: writer.remarks }
        }
    }
}

type Part = Option<(String, Support)>;

struct Writer<'a> {
    table: &'a TableInfo,
    binds_before: usize,
    binds: Vec<Cell>,
    remarks: Vec<String>,
}

impl Writer<'_> {
    fn bind(&mut self, value: Cell) -> String {
        self.binds.push(value);
        format!("?{}", self.binds_before + self.binds.len())
    }

    fn remark(&mut self, text: String) {
        if !self.remarks.contains(&text) {
            self.remarks.push(text);
        }
    }

    /// Writes a part, or takes back what it bound.
    fn attempt(&mut self, filter: &Filter) -> Part {
        let bound = self.binds.len();
        let part = self.part(filter);
        if part.is_none() {
            self.binds.truncate(bound);
        }
        part
    }

    fn part(&mut self, filter: &Filter) -> Part {
        match filter {
            Filter::And { parts } => {
                let written = parts.iter().map(|part| self.attempt(part)).collect::<Vec<_>>();
                let is_whole = written.iter().all(Option::is_some);
                let written = written.into_iter().flatten().collect::<Vec<_>>();
                let support = if is_whole { weakest(&written) } else { Support::Inexact };
                (!written.is_empty()).then(|| (joined(&written, " AND "), support))
            }
            Filter::Or { parts } => {
                let written = parts.iter().map(|part| self.part(part)).collect::<Option<Vec<_>>>()?;
                Some((joined(&written, " OR "), weakest(&written)))
            }
            Filter::Not { part } => match self.part(part)? {
                (condition, Support::Exact) => Some((format!("NOT ({condition})"), Support::Exact)),
                _ => None,
            },
            Filter::IsNull { column } => {
                let column = self.table.column(column)?;
                Some((format!("{} IS NULL", quote(&column.name)), Support::Exact))
            }
            Filter::Like { column, pattern } => {
                let column = self.table.column(column)?;
                let support = if affinity(&column.declared) == Affinity::Text {
                    Support::Exact
                } else {
                    Support::Inexact
                };
                let pattern = self.bind(Cell::Text(pattern.clone()));
                Some((format!("{} LIKE {pattern}", quote(&column.name)), support))
            }
            Filter::Compare { column, compare, value } => {
                let column = self.table.column(column)?;
                self.compare(column, *compare, value)
            }
            Filter::In { column, values } => {
                let column = self.table.column(column)?;
                let written = values
                    .iter()
                    .map(|value| self.compare(column, Compare::Equal, value))
                    .collect::<Option<Vec<_>>>()?;
                Some((joined(&written, " OR "), weakest(&written)))
            }
        }
    }

    fn compare(&mut self, column: &ColumnInfo, compare: Compare, value: &Literal) -> Part {
        match value {
            Literal::Number(digits) => self.compare_number(column, compare, digits),
            Literal::Text(text) => self.compare_text(column, compare, text),
            Literal::Bool(value) => {
                if compare != Compare::Equal {
                    return None;
                }
                let name = quote(&column.name);
                let number = self.bind(Cell::Int(i64::from(*value)));
                let word = self.bind(Cell::Text(value.to_string()));
                Some((format!("({name} = {number} OR lower({name}) = {word})"), Support::Inexact))
            }
        }
    }

    fn compare_number(&mut self, column: &ColumnInfo, compare: Compare, digits: &str) -> Part {
        let value = exact_number(digits)?;
        let (name, sign) = (quote(&column.name), compare.sign());
        let is_text_possible = !self.table.is_strict;
        let support = match (affinity(&column.declared), compare) {
            (Affinity::Integer | Affinity::Real | Affinity::Numeric, Compare::Equal | Compare::Unequal) => {
                Support::Exact
            }
            (Affinity::Integer | Affinity::Real | Affinity::Numeric, _) if !is_text_possible => {
                Support::Exact
            }
            (Affinity::Integer | Affinity::Real | Affinity::Numeric, Compare::Less | Compare::AtMost) => {
                self.remark(format!(
                    "SQLite sorts text behind all numbers: text values in {name} are not below any number"
                ));
                Support::Inexact
            }
            (Affinity::Integer | Affinity::Real | Affinity::Numeric, _) => Support::Inexact,
            (Affinity::Blob, Compare::Greater | Compare::AtLeast) => Support::Inexact,
            (Affinity::Text | Affinity::Blob, Compare::Equal) => {
                let value = self.bind(value);
                return Some((format!("CAST({name} AS NUMERIC) = {value}"), Support::Inexact));
            }
            (Affinity::Text | Affinity::Blob, _) => return None,
        };
        let value = self.bind(value);
        Some((format!("{name} {sign} {value}"), support))
    }

    fn compare_text(&mut self, column: &ColumnInfo, compare: Compare, text: &str) -> Part {
        let (name, sign) = (quote(&column.name), compare.sign());
        let affinity = affinity(&column.declared);
        let is_equality = compare == Compare::Equal;
        let support = match affinity {
            Affinity::Text if is_equality || self.table.is_strict => Support::Exact,
            Affinity::Text => Support::Inexact,
            // SQLite makes a number of a text that looks like one; our filter compares the number's digits.
            _ if looks_numeric(text) && !is_equality => return None,
            _ if compare == Compare::Unequal => return None,
            _ => {
                if !is_equality {
                    self.remark(format!(
                        "SQLite sorts numbers before all text: numbers in {name} are below any text"
                    ));
                }
                Support::Inexact
            }
        };
        let collation = if self.table.names_collations() { " COLLATE BINARY" } else { "" };
        let value = self.bind(Cell::Text(text.to_owned()));
        Some((format!("{name} {sign} {value}{collation}"), support))
    }
}

fn weakest(parts: &[(String, Support)]) -> Support {
    if parts.iter().all(|(_, support)| *support == Support::Exact) {
        Support::Exact
    } else {
        Support::Inexact
    }
}

fn joined(parts: &[(String, Support)], word: &str) -> String {
    match parts {
        [(only, _)] => only.clone(),
        _ => {
            let list = parts.iter().map(|(condition, _)| condition.as_str()).collect::<Vec<_>>();
            format!("({})", list.join(word))
        }
    }
}

/// The number as SQLite holds it, if no digit is lost.
fn exact_number(digits: &str) -> Option<Cell> {
    if let Ok(whole) = digits.parse::<i64>() {
        return Some(Cell::Int(whole));
    }
    let significant = digits
        .split(['e', 'E'])
        .next()
        .unwrap_or("")
        .chars()
        .filter(char::is_ascii_digit)
        .skip_while(|digit| *digit == '0')
        .count();
    let value = digits.parse::<f64>().ok()?;
    (significant <= 15 && value.is_finite()).then_some(Cell::Float(value))
}

fn looks_numeric(text: &str) -> bool {
    text.trim().parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::super::catalog::{Computed, Paging};
    use super::*;
    use crate::model::node::NodeKind;

    fn table() -> TableInfo {
        let column = |name: &str, declared: &str| ColumnInfo {
            name: name.to_owned(),
            declared: declared.to_owned(),
            required: false,
            default: None,
            key_place: 0,
            computed: Computed::No,
        };
        TableInfo {
            name: "t".into(),
            kind: NodeKind::Table,
            is_virtual: false,
            is_strict: false,
            ddl: None,
            columns: vec![column("n", "INTEGER"), column("t", "TEXT"), column("d", "DATE"), column("x", "")],
            paging: Paging::RowNumber("rowid"),
        }
    }

    #[test]
    fn each_test_is_sent_with_the_meaning_it_has() {
        use Support::{Exact, Inexact};
        for (filter, condition, support) in [
            ("n = 5", Some("\"n\" = ?3"), Exact),
            ("n <> 5", Some("\"n\" <> ?3"), Exact),
            ("n > 5", Some("\"n\" > ?3"), Inexact),
            ("n BETWEEN 1 AND 2", Some("(\"n\" >= ?3 AND \"n\" <= ?4)"), Inexact),
            ("n = 12345678901234567890", None, Support::None),
            ("n IN (1, 2)", Some("(\"n\" = ?3 OR \"n\" = ?4)"), Exact),
            ("n IS NOT NULL", Some("NOT (\"n\" IS NULL)"), Exact),
            ("NOT n > 5", None, Support::None),
            ("NOT n = 5", Some("NOT (\"n\" = ?3)"), Exact),
            ("t = 'a'", Some("\"t\" = ?3"), Exact),
            ("t < 'a'", Some("\"t\" < ?3"), Inexact),
            ("t LIKE 'a%'", Some("\"t\" LIKE ?3"), Exact),
            ("t > 5", None, Support::None),
            ("t = 5", Some("CAST(\"t\" AS NUMERIC) = ?3"), Inexact),
            ("t > 5 AND n = 1", Some("\"n\" = ?3"), Inexact),
            ("t > 5 OR n = 1", None, Support::None),
            ("d >= '2013-01-01'", Some("\"d\" >= ?3"), Inexact),
            ("d >= '2013'", None, Support::None),
            ("x > 5", Some("\"x\" > ?3"), Inexact),
            ("n = true", Some("(\"n\" = ?3 OR lower(\"n\") = ?4)"), Inexact),
        ] {
            let pushed = push(&Filter::parse(filter).unwrap(), &table(), 2);
            assert_eq!(pushed.condition.as_deref(), condition, "{filter}");
            assert_eq!(pushed.support, support, "{filter}");
            let wanted = condition.map_or(0, |text| text.matches('?').count());
            assert_eq!(pushed.binds.len(), wanted, "{filter}");
        }
    }
}
