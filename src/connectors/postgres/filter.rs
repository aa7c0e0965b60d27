//! Conditions asked of PostgreSQL, where it means by them what our filter means.
//!
//! Values stand in the statement as literals: nothing is prepared, so that a pooler may hand each message to
//! another session. Numbers are asked of numbers, texts of texts (by bytes, as our filter compares), and a text
//! of a typed column is read by the server as that type. What has no such meaning is done in the fetched rows.

use super::catalog::{ColumnInfo, TableInfo, literal, quoted_name};
use crate::model::Result;
use crate::model::ability::Support;
use crate::model::filter::{Compare, Filter, Literal};
use crate::model::schema::LogicalType;

/// What of a filter is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pushed {
    /// The condition, if any part of it is sent.
    pub(super) condition: Option<String>,
    /// How much of the filter it does.
    pub(super) support: Support,
}

impl Pushed {
    /// Nothing is asked.
    pub(super) const EVERYTHING: Self = Self { condition: None, support: Support::Exact };
}

type Part = Option<(String, Support)>;

/// Turns a filter over a table into a condition.
///
/// # Errors
/// `invalid` for a text with U+0000, which no value of PostgreSQL can be.
pub(super) fn push(filter: &Filter, table: &TableInfo) -> Result<Pushed> {
    Ok(match part(filter, table)? {
        Some((condition, support)) => Pushed { condition: Some(condition), support },
        None => Pushed { condition: None, support: Support::None },
    })
}

fn part(filter: &Filter, table: &TableInfo) -> Result<Part> {
    let column = |name: &str| table.column(name);
    Ok(match filter {
        Filter::And { parts } => {
            let written = parts.iter().map(|one| part(one, table)).collect::<Result<Vec<_>>>()?;
            let is_whole = written.iter().all(Option::is_some);
            let written = written.into_iter().flatten().collect::<Vec<_>>();
            let support = if is_whole { weakest(&written) } else { Support::Inexact };
            (!written.is_empty()).then(|| (joined(&written, " AND "), support))
        }
        Filter::Or { parts } => {
            let written = parts.iter().map(|one| part(one, table)).collect::<Result<Option<Vec<_>>>>()?;
            written.map(|written| (joined(&written, " OR "), weakest(&written)))
        }
        Filter::Not { part: inner } => match part(inner, table)? {
            // The opposite of "more rows than meant" is "fewer".
            Some((condition, Support::Exact)) => Some((format!("NOT ({condition})"), Support::Exact)),
            _ => None,
        },
        Filter::IsNull { column: name } => match column(name) {
            Some(column) => {
                let name = quoted_name(&column.name)?;
                // A row of nulls IS NULL and yet a value.
                let test = match column.declared.logical {
                    LogicalType::Struct { .. } => "IS NOT DISTINCT FROM NULL",
                    _ => "IS NULL",
                };
                Some((format!("{name} {test}"), Support::Exact))
            }
            None => None,
        },
        Filter::Like { column: name, pattern } => match column(name) {
            Some(column) if column.declared.logical == LogicalType::Text && !is_padded(column) => {
                let (name, pattern) = (quoted_name(&column.name)?, literal(pattern)?);
                // Under "C" only ASCII letters match either case, as in our filter; `\` is a plain character.
                Some((format!("{name} COLLATE \"C\" ILIKE {pattern} ESCAPE ''"), Support::Exact))
            }
            _ => None,
        },
        Filter::Compare { column: name, compare, value } => match column(name) {
            Some(column) => compared(column, *compare, value)?,
            None => None,
        },
        Filter::In { column: name, values } => match column(name) {
            Some(column) => {
                let written = values
                    .iter()
                    .map(|value| compared(column, Compare::Equal, value))
                    .collect::<Result<Option<Vec<_>>>>()?;
                written.map(|written| (joined(&written, " OR "), weakest(&written)))
            }
            None => None,
        },
    })
}

/// Whether trailing blanks do not count: `character(n)`.
fn is_padded(column: &ColumnInfo) -> bool {
    let name = column.declared.name.as_str();
    name == "bpchar" || name == "character" || name.starts_with("character(")
}

fn compared(column: &ColumnInfo, compare: Compare, value: &Literal) -> Result<Part> {
    let (name, sign) = (quoted_name(&column.name)?, compare.sign());
    let exact = |condition| Some((condition, Support::Exact));
    Ok(match (&column.declared.logical, value) {
        (LogicalType::Int { .. }, Literal::Number(digits)) => match digits.parse::<i64>() {
            // A plain number, so that an index of the column serves.
            Ok(whole) => exact(format!("{name} {sign} ({whole})")),
            Err(_) => number(digits).map(|digits| (format!("{name} {sign} {digits}"), Support::Exact)),
        },
        (LogicalType::Decimal { .. }, Literal::Number(digits)) if !column.declared.name.contains("money") => {
            number(digits).map(|digits| (format!("{name} {sign} {digits}"), Support::Exact))
        }
        (LogicalType::Float { .. }, Literal::Number(digits)) => {
            number(digits).map(|_| (format!("{name} {sign} '{digits}'::pg_catalog.float8"), Support::Exact))
        }
        (LogicalType::Bool, Literal::Bool(value)) => exact(format!("{name} {sign} {value}")),
        (LogicalType::Text, Literal::Text(text)) if column.declared.oid < 16_384 => {
            let text = literal(text)?;
            match compare {
                // A padded text equals itself without its blanks.
                Compare::Equal if is_padded(column) => Some((format!("{name} = {text}"), Support::Inexact)),
                _ if is_padded(column) => None,
                Compare::Equal | Compare::Unequal => exact(format!("{name} {sign} {text}")),
                _ => exact(format!("{name} COLLATE \"C\" {sign} {text}")),
            }
        }
        (
            LogicalType::Date
            | LogicalType::Time { .. }
            | LogicalType::Timestamp { .. }
            | LogicalType::Interval
            | LogicalType::Uuid
            | LogicalType::Inet
            | LogicalType::Enum { .. },
            Literal::Text(text),
        ) => exact(format!("{name} {sign} {}", literal(text)?)),
        _ => None,
    })
}

/// Digits as a numeric; none for what is no number.
fn number(digits: &str) -> Option<String> {
    let is_number = !digits.is_empty()
        && digits.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | 'e' | 'E'))
        && digits.parse::<f64>().is_ok();
    is_number.then(|| format!("'{digits}'::pg_catalog.numeric"))
}

fn weakest(parts: &[(String, Support)]) -> Support {
    let is_exact = parts.iter().all(|(_, support)| *support == Support::Exact);
    if is_exact { Support::Exact } else { Support::Inexact }
}

fn joined(parts: &[(String, Support)], word: &str) -> String {
    match parts {
        [(only, _)] => only.clone(),
        _ => format!(
            "({})",
            parts.iter().map(|(condition, _)| condition.as_str()).collect::<Vec<_>>().join(word)
        ),
    }
}
