//! Conditions of a plan, as far as statistics can say something of them.
//!
//! The planner prints `((t.a = 5) AND (t.b > 'x'::text))`. Each part is a column compared with a value, with
//! something that is known only while it runs (another table's column, a parameter), or an expression that
//! statistics say nothing of.

/// What a column is compared with.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Against {
    /// A value, as text.
    Value(String),
    /// Any of these values.
    Any(Vec<String>),
    /// Something known only while it runs.
    Later,
}

/// One part of a condition.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Part {
    /// `column operator value`.
    Column {
        /// The column's name.
        column: String,
        /// The operator.
        operator: String,
        /// What it is compared with.
        against: Against,
    },
    /// Anything else: a guess, whatever the planner says.
    Expression,
}

/// How well statistics cover a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cover {
    /// There is none.
    None,
    /// One column.
    Single,
    /// Several columns: the planner multiplies as if they had nothing to do with each other.
    Multi,
    /// An expression, a pattern, a function: a fixed guess.
    Expression,
}

/// Longest condition looked into, in bytes; a longer one is an expression.
const MOST_BYTES: usize = 64 << 10;

/// Most names taken from one text.
const MOST_NAMES: usize = 2_000;

/// Most brackets around one part.
const MOST_BRACKETS: usize = 64;

/// The parts of a condition.
pub(super) fn parts(condition: &str) -> Vec<Part> {
    if condition.trim().is_empty() {
        return Vec::new();
    }
    if condition.len() > MOST_BYTES {
        return vec![Part::Expression];
    }
    conjuncts(condition).into_iter().map(part).collect()
}

/// How well statistics cover the parts.
pub(super) fn cover(parts: &[Part]) -> Cover {
    let mut columns: Vec<&str> = Vec::new();
    for part in parts {
        match part {
            Part::Expression => return Cover::Expression,
            Part::Column { column, .. } => {
                if !columns.contains(&column.as_str()) {
                    columns.push(column);
                }
            }
        }
    }
    match columns.len() {
        0 => Cover::None,
        1 => Cover::Single,
        _ => Cover::Multi,
    }
}

/// Names of columns anywhere in a condition, in the planner's spelling without quotes.
pub(super) fn names(condition: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut chars = condition.chars().peekable();
    let mut take = |word: &mut String| {
        if !word.is_empty() && found.len() < MOST_NAMES && !found.contains(word) {
            found.push(std::mem::take(word));
        }
        word.clear();
    };
    while let Some(c) = chars.next() {
        match c {
            '\'' => {
                take(&mut word);
                while let Some(inner) = chars.next() {
                    if inner == '\'' && chars.peek() == Some(&'\'') {
                        chars.next();
                    } else if inner == '\'' {
                        break;
                    }
                }
            }
            '"' => {
                take(&mut word);
                for inner in chars.by_ref() {
                    if inner == '"' {
                        break;
                    }
                    word.push(inner);
                }
                take(&mut word);
            }
            c if c.is_alphanumeric() || c == '_' => word.push(c),
            _ => take(&mut word),
        }
    }
    take(&mut word);
    found
}

/// The text without brackets that enclose all of it.
fn bare(text: &str) -> &str {
    let mut text = text.trim();
    for _ in 0..MOST_BRACKETS {
        match text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
            Some(inner) if is_balanced(inner) => text = inner.trim(),
            _ => break,
        }
    }
    text
}

/// Depth of brackets before each character, none inside quotes.
fn depths(text: &str) -> impl Iterator<Item = (usize, char, Option<i32>)> {
    let mut depth = 0;
    let mut quote = None;
    text.char_indices().map(move |(at, c)| {
        match (quote, c) {
            (Some(open), c) if c == open => {
                quote = None;
                return (at, c, None);
            }
            (None, '\'' | '"') => quote = Some(c),
            (None, '(' | '[') => depth += 1,
            (None, ')' | ']') => depth -= 1,
            _ => {}
        }
        (at, c, quote.is_none().then_some(depth))
    })
}

fn is_balanced(text: &str) -> bool {
    depths(text).all(|(_, _, depth)| depth.is_none_or(|depth| depth >= 0))
}

/// Parts joined by AND on the outermost level.
fn conjuncts(condition: &str) -> Vec<&str> {
    split(bare(condition), " AND ").into_iter().map(bare).collect()
}

/// Splits where a separator stands outside of brackets and quotes.
fn split<'a>(text: &'a str, separator: &str) -> Vec<&'a str> {
    let mut found = Vec::new();
    let mut start = 0;
    for (at, _, depth) in depths(text) {
        let is_here =
            depth == Some(0) && at >= start && text.get(at..).is_some_and(|rest| rest.starts_with(separator));
        if is_here {
            found.extend(text.get(start..at));
            start = at + separator.len();
        }
    }
    found.extend(text.get(start..));
    found
}

fn part(text: &str) -> Part {
    for suffix in [" IS NULL", " IS NOT NULL"] {
        if let Some(column) = text.strip_suffix(suffix).and_then(column) {
            return Part::Column { column, operator: suffix.trim().to_owned(), against: Against::Later };
        }
    }
    let (negated, plain) = match text.strip_prefix("NOT ") {
        Some(rest) => (true, bare(rest)),
        None => (false, text),
    };
    if let Some(column) = column(plain) {
        let value = if negated { "f" } else { "t" };
        return Part::Column { column, operator: "=".to_owned(), against: Against::Value(value.to_owned()) };
    }
    let words = split(text, " ");
    let [left, operator, ..] = words.as_slice() else { return Part::Expression };
    let rest: String = words.get(2..).unwrap_or_default().join(" ");
    let is_known = matches!(*operator, "=" | "<" | "<=" | ">" | ">=" | "<>");
    if is_known && let (Some(column), Some(against)) = (column(left), against(&rest)) {
        return Part::Column { column, operator: (*operator).to_owned(), against };
    }
    // 5 = t.a, or the other table's column first.
    if is_known && let (Some(column), Some(Against::Value(value))) = (column(&rest), against(left)) {
        let turned = match *operator {
            "<" => ">",
            "<=" => ">=",
            ">" => "<",
            ">=" => "<=",
            same => same,
        };
        return Part::Column { column, operator: turned.to_owned(), against: Against::Value(value) };
    }
    Part::Expression
}

/// The column that a text is, through a cast: `t.a`, `"T"."A"`, `(t.a)::text`.
fn column(text: &str) -> Option<String> {
    let text = bare(text.trim());
    let without_cast = match text.split_once(")::") {
        Some((inner, kind)) if inner.starts_with('(') && !kind.contains(['(', ' ', '=']) => {
            bare(inner.strip_prefix('(')?)
        }
        _ => text,
    };
    let last = split(without_cast, ".").into_iter().next_back()?;
    let is_plain = |name: &str| {
        name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '$')
            && name.starts_with(|c: char| c.is_alphabetic() || c == '_')
    };
    match last.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(quoted) => Some(quoted.replace("\"\"", "\"")),
        None if is_plain(last) && split(without_cast, ".").iter().all(|part| is_name(part)) => {
            Some(last.to_owned())
        }
        None => None,
    }
}

fn is_name(part: &str) -> bool {
    part.starts_with('"') || part.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '$')
}

/// What stands on the other side.
fn against(text: &str) -> Option<Against> {
    let text = bare(text.trim());
    if let Some(list) = text.strip_prefix("ANY ") {
        return Some(match value(bare(list)) {
            Some(list) => Against::Any(super::array::elements(&list)),
            None => Against::Later,
        });
    }
    if let Some(value) = value(text) {
        return Some(Against::Value(value));
    }
    let is_later = text.starts_with('$') || column(text).is_some() || text.starts_with("(InitPlan");
    is_later.then_some(Against::Later)
}

/// A literal: `5`, `'x'::text`, `'-1'::integer`.
fn value(text: &str) -> Option<String> {
    if let Some(quoted) = text.strip_prefix('\'') {
        let mut value = String::new();
        let mut chars = quoted.chars().peekable();
        while let Some(c) = chars.next() {
            if c != '\'' {
                value.push(c);
            } else if chars.peek() == Some(&'\'') {
                chars.next();
                value.push('\'');
            } else {
                let rest: String = chars.collect();
                let is_cast =
                    rest.is_empty() || rest.starts_with("::") && !rest.contains(['+', '*', '|', '/']);
                return is_cast.then_some(value);
            }
        }
        return None;
    }
    if matches!(text, "true" | "false") {
        return text.get(..1).map(str::to_owned);
    }
    text.parse::<f64>().is_ok().then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(column: &str, operator: &str, against: Against) -> Part {
        Part::Column { column: column.into(), operator: operator.into(), against }
    }

    fn value(text: &str) -> Against {
        Against::Value(text.into())
    }

    #[test]
    fn conditions_are_read_as_the_planner_prints_them() {
        for (text, expected) in [
            ("(t.a = 5)", vec![compared("a", "=", value("5"))]),
            ("(a > '-5'::integer)", vec![compared("a", ">", value("-5"))]),
            (
                "((t.a = 5) AND ((t.b)::text = 'it''s AND (x'::text))",
                vec![compared("a", "=", value("5")), compared("b", "=", value("it's AND (x"))],
            ),
            (
                "(t.ts >= '2024-01-01 00:00:00+00'::timestamp with time zone)",
                vec![compared("ts", ">=", value("2024-01-01 00:00:00+00"))],
            ),
            (
                "(t.a = ANY ('{1,2,3}'::integer[]))",
                vec![compared("a", "=", Against::Any(vec!["1".into(), "2".into(), "3".into()]))],
            ),
            ("(u.id = t.user_id)", vec![compared("id", "=", Against::Later)]),
            ("(t.id = $0)", vec![compared("id", "=", Against::Later)]),
            ("(5 < t.a)", vec![compared("a", ">", value("5"))]),
            ("(t.\"Odd Name\" = 1.5)", vec![compared("Odd Name", "=", value("1.5"))]),
            ("(t.a IS NOT NULL)", vec![compared("a", "IS NOT NULL", Against::Later)]),
            ("(NOT t.flag)", vec![compared("flag", "=", value("f"))]),
            ("t.flag", vec![compared("flag", "=", value("t"))]),
            ("(t.name ~~ 'x%'::text)", vec![Part::Expression]),
            ("(lower(t.name) = 'x'::text)", vec![Part::Expression]),
            ("((t.a % 7) = 0)", vec![Part::Expression]),
            ("((t.a = 1) OR (t.b = 2))", vec![Part::Expression]),
            ("((t.doc ->> 'k'::text) = 'x'::text)", vec![Part::Expression]),
            ("(t.ts > (now() - '1 day'::interval))", vec![Part::Expression]),
            ("", vec![]),
        ] {
            assert_eq!(parts(text), expected, "{text}");
        }
    }

    #[test]
    fn endless_conditions_are_expressions_at_once() {
        let deep = format!("{}a = 1{}", "(".repeat(20_000), ")".repeat(20_000));
        assert_eq!(cover(&parts(&deep)), Cover::Expression);
        let long = format!("(a = ANY ('{{{}}}'::integer[]))", "1,".repeat(100_000));
        assert_eq!(parts(&long), [Part::Expression]);
        assert!(names(&(0..10_000).map(|at| format!("n{at} ")).collect::<String>()).len() <= MOST_NAMES);
    }

    #[test]
    fn the_cover_of_a_condition_is_seen_before_it_runs() {
        for (text, expected) in [
            ("", Cover::None),
            ("((t.a > 5) AND (t.a < 9))", Cover::Single),
            ("((t.a > 5) AND (t.b < 9))", Cover::Multi),
            ("((t.a > 5) AND (t.b ~~ 'x%'::text))", Cover::Expression),
        ] {
            assert_eq!(cover(&parts(text)), expected, "{text}");
        }
        assert_eq!(
            names("(t.a = 'b c'::text) AND \"D e\" > f(g)"),
            ["t", "a", "text", "AND", "D e", "f", "g"]
        );
    }
}
