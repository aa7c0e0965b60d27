//! Conditions on rows, in a small language of our own (`--where`, the filter bar) that every source
//! understands: pushed down where the source can, else evaluated here in the fetched rows, with SQL's
//! three-valued logic. It is parsed and evaluated, never handed on as text.
//!
//! ```text
//! expr   := term (OR term)*            value  := number | 'text' | true | false
//! term   := factor (AND factor)*       column := name | "quoted name"
//! factor := NOT factor | (expr) | column test
//! test   := (= | != | <> | < | <= | > | >=) value | [NOT] LIKE 'pattern' | [NOT] IN (value, …)
//!         | [NOT] BETWEEN value AND value | IS [NOT] NULL
//! ```

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::cell::Cell;
use super::error::{Error, ErrorKind, Result};
use super::order::compare_digits;

mod parse;

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compare {
    /// `=`
    Equal,
    /// `!=`
    Unequal,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
}

impl Compare {
    /// The sign as SQL writes it.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::Unequal => "<>",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Greater => ">",
            Self::AtLeast => ">=",
        }
    }

    fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::Unequal => ordering.is_ne(),
            Self::Less => ordering.is_lt(),
            Self::AtMost => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::AtLeast => ordering.is_ge(),
        }
    }
}

/// A value written in a filter; numbers keep their digits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is", content = "value")]
pub enum Literal {
    /// Digits as written.
    Number(String),
    /// Text.
    Text(String),
    /// True or false.
    Bool(bool),
}

/// A condition on a row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "op")]
#[expect(missing_docs, reason = "the module's grammar names every part")]
pub enum Filter {
    And { parts: Vec<Filter> },
    Or { parts: Vec<Filter> },
    Not { part: Box<Filter> },
    Compare { column: String, compare: Compare, value: Literal },
    Like { column: String, pattern: String },
    In { column: String, values: Vec<Literal> },
    IsNull { column: String },
}

impl Filter {
    /// Parses the language of this module.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] with the place where it stopped making sense.
    pub fn parse(text: &str) -> Result<Self> {
        parse::parse(text)
    }

    /// The columns named, in order of appearance, each once.
    pub fn columns(&self) -> Vec<&str> {
        let mut found = Vec::new();
        self.visit(&mut |column| {
            if !found.contains(&column) {
                found.push(column);
            }
        });
        found
    }

    fn visit<'a>(&'a self, found: &mut impl FnMut(&'a str)) {
        match self {
            Self::And { parts } | Self::Or { parts } => parts.iter().for_each(|part| part.visit(found)),
            Self::Not { part } => part.visit(found),
            Self::Compare { column, .. }
            | Self::Like { column, .. }
            | Self::In { column, .. }
            | Self::IsNull { column } => found(column),
        }
    }

    /// Whether it holds for a row; none = unknown (a null took part), which does not select the row.
    pub fn evaluate(&self, cell: &impl Fn(&str) -> Cell) -> Option<bool> {
        match self {
            Self::And { parts } => fold(parts, cell, Connective::And),
            Self::Or { parts } => fold(parts, cell, Connective::Or),
            Self::Not { part } => part.evaluate(cell).map(|holds| !holds),
            Self::IsNull { column } => Some(cell(column).is_absent()),
            Self::Compare { column, compare, value } => {
                compare_cell(&cell(column), value).map(|ordering| compare.holds(ordering))
            }
            Self::Like { column, pattern } => match cell(column) {
                Cell::Null | Cell::Missing => None,
                value => Some(like(&plain_text(&value), pattern)),
            },
            Self::In { column, values } => {
                let value = cell(column);
                let mut known = Some(false);
                for literal in values {
                    match compare_cell(&value, literal) {
                        Some(Ordering::Equal) => return Some(true),
                        Some(_) => {}
                        None => known = None,
                    }
                }
                known
            }
        }
    }
}

/// AND and OR differ in the truth value that decides them.
#[derive(Clone, Copy)]
enum Connective {
    And,
    Or,
}

/// Three-valued AND or OR.
fn fold(parts: &[Filter], cell: &impl Fn(&str) -> Cell, connective: Connective) -> Option<bool> {
    let decisive = matches!(connective, Connective::Or);
    let mut result = Some(!decisive);
    for part in parts {
        match part.evaluate(cell) {
            Some(holds) if holds == decisive => return Some(decisive),
            Some(_) => {}
            None => result = None,
        }
    }
    result
}

fn plain_text(cell: &Cell) -> String {
    cell.text(&super::schema::LogicalType::Text)
}

/// Numbers compare as numbers where both sides are; everything else as text.
fn compare_cell(cell: &Cell, literal: &Literal) -> Option<Ordering> {
    let digits = match literal {
        Literal::Number(digits) => digits.as_str(),
        Literal::Bool(expected) => {
            return match cell {
                Cell::Bool(value) => Some(value.cmp(expected)),
                Cell::Int(value) => Some(value.cmp(&i64::from(*expected))),
                Cell::Null | Cell::Missing => None,
                other => Some(plain_text(other).to_lowercase().as_str().cmp(if *expected {
                    "true"
                } else {
                    "false"
                })),
            };
        }
        Literal::Text(text) => {
            return if cell.is_absent() { None } else { Some(plain_text(cell).as_str().cmp(text.as_str())) };
        }
    };
    let whole = digits.parse::<i128>();
    match (cell, whole) {
        (Cell::Null | Cell::Missing, _) => None,
        (Cell::Int(value), Ok(whole)) => Some(i128::from(*value).cmp(&whole)),
        (Cell::UInt(value), Ok(whole)) => Some(i128::from(*value).cmp(&whole)),
        (Cell::Int(_) | Cell::UInt(_) | Cell::Float(_) | Cell::Float32(_) | Cell::Decimal(_), _) => {
            compare_digits(&plain_text(cell), digits)
        }
        (other, _) => {
            let text = plain_text(other);
            compare_digits(&text, digits).or_else(|| Some(text.as_str().cmp(digits)))
        }
    }
}

/// SQL's LIKE: `%` any run, `_` one character; ASCII letters match either case.
fn like(text: &str, pattern: &str) -> bool {
    let text = text.chars().map(|c| c.to_ascii_lowercase()).collect::<Vec<_>>();
    let pattern = pattern.chars().map(|c| c.to_ascii_lowercase()).collect::<Vec<_>>();
    let (mut at, mut wanted, mut star, mut resume) = (0, 0, None, 0);
    while at < text.len() {
        match pattern.get(wanted) {
            Some('%') => {
                star = Some(wanted);
                resume = at;
                wanted += 1;
            }
            Some(&symbol) if symbol == '_' || symbol == text[at] => {
                at += 1;
                wanted += 1;
            }
            _ => match star {
                Some(place) => {
                    wanted = place + 1;
                    resume += 1;
                    at = resume;
                }
                None => return false,
            },
        }
    }
    pattern[wanted..].iter().all(|symbol| *symbol == '%')
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
        let joined = |f: &mut fmt::Formatter<'_>, parts: &[Self], word: &str| {
            f.write_str("(")?;
            for (index, part) in parts.iter().enumerate() {
                if index > 0 {
                    write!(f, " {word} ")?;
                }
                write!(f, "{part}")?;
            }
            f.write_str(")")
        };
        match self {
            Self::And { parts } => joined(f, parts, "AND"),
            Self::Or { parts } => joined(f, parts, "OR"),
            Self::Not { part } => write!(f, "NOT {part}"),
            Self::Compare { column, compare, value } => {
                write!(f, "{} {} {value}", quoted(column), compare.sign())
            }
            Self::Like { column, pattern } => {
                write!(f, "{} LIKE {}", quoted(column), Literal::Text(pattern.clone()))
            }
            Self::In { column, values } => {
                let listed = values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                write!(f, "{} IN ({listed})", quoted(column))
            }
            Self::IsNull { column } => write!(f, "{} IS NULL", quoted(column)),
        }
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(digits) => f.write_str(digits),
            Self::Text(text) => write!(f, "'{}'", text.replace('\'', "''")),
            Self::Bool(value) => write!(f, "{value}"),
        }
    }
}

fn invalid(at: usize, what: impl fmt::Display) -> Error {
    Error::new(
        ErrorKind::Invalid,
        "plan",
        format!("the condition stops making sense at character {at}: {what}"),
    )
    .hint("write conditions like: carrier = 'UA' AND dep_delay > 60")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(text: &str) -> Option<bool> {
        let filter = Filter::parse(text).unwrap();
        assert_eq!(Filter::parse(&filter.to_string()).unwrap(), filter, "{text} survives printing");
        filter.evaluate(&|column| match column {
            "n" => Cell::Int(9_007_199_254_740_993),
            "d" => Cell::Decimal("1.10".into()),
            "t" => Cell::Text("O'Hare".into()),
            "f" => Cell::Float(0.5),
            "b" => Cell::Bool(true),
            "day" => Cell::Exact("2013-01-31".into()),
            "two words" => Cell::Int(-2),
            _ => Cell::Null,
        })
    }

    #[test]
    fn conditions_hold_as_sql_says() {
        for (text, expected) in [
            ("n = 9007199254740993", Some(true)),
            ("n = 9007199254740992", Some(false)),
            ("n > 9007199254740992.5", Some(true)),
            ("d = 1.1", Some(true)),
            ("d < 1.11 AND d > -2", Some(true)),
            ("t = 'O''Hare'", Some(true)),
            ("t like 'o''h%e'", Some(true)),
            ("t NOT LIKE '%x%'", Some(true)),
            ("f BETWEEN 0.25 AND 5e-1", Some(true)),
            ("b = true", Some(true)),
            ("b", None),
            ("day >= '2013-01-01' and day < '2013-02-01'", Some(true)),
            ("\"two words\" IN (1, -2)", Some(true)),
            ("x = 1", None),
            ("x = 1 OR n > 0", Some(true)),
            ("x = 1 AND n < 0", Some(false)),
            ("NOT (x = 1)", None),
            ("x IS NULL", Some(true)),
            ("n IS NOT NULL", Some(true)),
            ("n NOT IN (1, 2)", Some(true)),
            ("n <> 1 and not t = 'x'", Some(true)),
        ] {
            if text == "b" {
                assert!(Filter::parse(text).is_err());
            } else {
                assert_eq!(holds(text), expected, "{text}");
            }
        }
    }

    #[test]
    fn nonsense_is_refused_with_its_place() {
        for text in [
            "",
            "n =",
            "n = 1 n = 2",
            "(n = 1",
            "'a' = n",
            "n == 1 OR",
            "n = 'open",
            "n IN ()",
            "n BETWEEN 1",
            "; DROP",
        ] {
            let error = Filter::parse(text).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Invalid, "{text}");
        }
        assert!(Filter::parse(&"(".repeat(100_000)).is_err());
        assert!(Filter::parse(&"NOT ".repeat(100_000)).is_err());
    }
}
