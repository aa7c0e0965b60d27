//! Names and texts inside SQL, quoted in one place.
//!
//! Every name that came from a source goes through [`identifier`] before it stands in a statement; a value
//! that cannot be bound goes through [`text`]. What no quoting can carry (U+0000) is an error, never a
//! shortened name.

/// How a dialect quotes names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameQuote {
    /// `"name"`, a quote inside doubled: the standard.
    Double,
    /// `` `name` ``, a backtick inside doubled.
    Backtick,
    /// `[name]`, a closing bracket inside doubled.
    Bracket,
}

/// How a dialect reads a backslash inside a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backslash {
    /// As itself: the standard.
    Plain,
    /// As the start of an escape, so that it is doubled.
    Escapes,
}

/// A name or text that no quoting can carry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} contains U+0000, which cannot be written in SQL")]
pub struct Unquotable {
    what: &'static str,
}

/// Quotes a name.
///
/// # Errors
/// If it contains U+0000.
pub fn identifier(style: NameQuote, name: &str) -> Result<String, Unquotable> {
    if name.contains('\0') {
        return Err(Unquotable { what: "the name" });
    }
    let (open, close) = match style {
        NameQuote::Double => ('"', '"'),
        NameQuote::Backtick => ('`', '`'),
        NameQuote::Bracket => ('[', ']'),
    };
    Ok(enclosed(open, name, close))
}

/// Quotes each part of a path and joins them with dots.
///
/// # Errors
/// If a part contains U+0000.
pub fn path(style: NameQuote, parts: &[&str]) -> Result<String, Unquotable> {
    let quoted: Result<Vec<String>, Unquotable> = parts.iter().map(|part| identifier(style, part)).collect();
    Ok(quoted?.join("."))
}

/// Quotes a text as a literal.
///
/// # Errors
/// If it contains U+0000.
pub fn text(backslash: Backslash, text: &str) -> Result<String, Unquotable> {
    if text.contains('\0') {
        return Err(Unquotable { what: "the text" });
    }
    Ok(match backslash {
        Backslash::Plain => enclosed('\'', text, '\''),
        Backslash::Escapes => enclosed('\'', &text.replace('\\', "\\\\"), '\''),
    })
}

/// The text between two marks, the closing one doubled inside.
fn enclosed(open: char, text: &str, close: char) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push(open);
    for c in text.chars() {
        quoted.push(c);
        if c == close {
            quoted.push(c);
        }
    }
    quoted.push(close);
    quoted
}

#[cfg(test)]
mod tests {
    use sqlparser::dialect::{Dialect, MsSqlDialect, MySqlDialect, PostgreSqlDialect, SQLiteDialect};
    use sqlparser::tokenizer::{Token, Tokenizer};

    use super::*;

    #[test]
    fn names_are_quoted_as_the_dialect_wants_it() {
        let rows = [
            (NameQuote::Double, "orders", "\"orders\""),
            (NameQuote::Double, "a\"b", "\"a\"\"b\""),
            (NameQuote::Double, "a`b]c", "\"a`b]c\""),
            (NameQuote::Double, "", "\"\""),
            (NameQuote::Backtick, "a`b", "`a``b`"),
            (NameQuote::Bracket, "a]b[c", "[a]]b[c]"),
        ];
        for (style, name, expected) in rows {
            assert_eq!(identifier(style, name).unwrap(), expected);
        }
        assert_eq!(path(NameQuote::Double, &["main", "a.b"]).unwrap(), "\"main\".\"a.b\"");
        assert!(identifier(NameQuote::Double, "a\0b").is_err());
        assert!(path(NameQuote::Double, &["a", "\0"]).is_err());
    }

    /// Reads a statement made of one name or text back, and expects exactly one token of that value.
    fn reads_back(dialect: &dyn Dialect, quoted: &str, expected: &str) {
        let tokens = Tokenizer::new(dialect, quoted).tokenize().unwrap();
        let [token] = tokens.as_slice() else { panic!("{quoted} is {} tokens: {tokens:?}", tokens.len()) };
        let value = match token {
            Token::Word(word) => word.value.clone(),
            Token::SingleQuotedString(text) => text.clone(),
            other => panic!("{quoted} is {other:?}"),
        };
        assert_eq!(value, expected);
    }

    #[test]
    fn any_name_and_text_comes_back_as_one_token() {
        let pieces = [
            "\"", "`", "]", "[", "'", "\\", ";", "--", "/*", "*/", "\n", "\r", "\u{202E}", "é", "%", "$$",
            " ",
        ];
        let mut all = crate::safety::naughty_strings();
        for one in pieces {
            all.push(one.repeat(3));
            for other in pieces {
                all.push(format!("a{one}{other}b"));
                all.push(format!("{other}{one}"));
            }
        }
        for name in all.into_iter().filter(|name| !name.contains('\0')) {
            let quoted = |style| identifier(style, &name).unwrap();
            reads_back(&SQLiteDialect {}, &quoted(NameQuote::Double), &name);
            reads_back(&PostgreSqlDialect {}, &quoted(NameQuote::Double), &name);
            reads_back(&MySqlDialect {}, &quoted(NameQuote::Backtick), &name);
            reads_back(&MsSqlDialect {}, &quoted(NameQuote::Bracket), &name);
            reads_back(&SQLiteDialect {}, &text(Backslash::Plain, &name).unwrap(), &name);
            reads_back(&MySqlDialect {}, &text(Backslash::Escapes, &name).unwrap(), &name);
        }
    }
}
