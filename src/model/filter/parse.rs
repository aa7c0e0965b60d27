//! Recursive descent over tokens, with a depth cap so that no input can exhaust the stack.

use super::{Compare, Filter, Literal, invalid};
use crate::model::error::Result;

const MAX_DEPTH: usize = 64;

#[derive(Clone, Debug, PartialEq)]
enum Token {
    /// A bare word: keyword or column.
    Word(String),
    /// A quoted column.
    Name(String),
    Text(String),
    Number(String),
    Sign(&'static str),
}

struct Parser {
    tokens: Vec<(usize, Token)>,
    at: usize,
    end: usize,
}

pub(super) fn parse(text: &str) -> Result<Filter> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, end: text.chars().count() };
    let filter = parser.either(0)?;
    match parser.tokens.get(parser.at) {
        None => Ok(filter),
        Some((place, _)) => Err(invalid(*place, "expected AND, OR or the end")),
    }
}

fn tokens(text: &str) -> Result<Vec<(usize, Token)>> {
    let chars = text.chars().collect::<Vec<_>>();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(&first) = chars.get(at) {
        let start = at;
        let token = match first {
            c if c.is_whitespace() => {
                at += 1;
                continue;
            }
            '\'' => Token::Text(quoted(&chars, &mut at)?),
            '"' => Token::Name(quoted(&chars, &mut at)?),
            c if c.is_ascii_digit()
                || (matches!(c, '-' | '+' | '.')
                    && chars.get(at + 1).is_some_and(|next| next.is_ascii_digit() || *next == '.')) =>
            {
                Token::Number(number(&chars, &mut at)?)
            }
            c if c.is_alphabetic() || c == '_' => {
                while chars.get(at).is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '$')) {
                    at += 1;
                }
                Token::Word(chars[start..at].iter().collect())
            }
            _ => Token::Sign(sign(&chars, &mut at)?),
        };
        found.push((start + 1, token));
    }
    Ok(found)
}

fn quoted(chars: &[char], at: &mut usize) -> Result<String> {
    let (start, quote) = (*at, chars[*at]);
    let mut text = String::new();
    *at += 1;
    loop {
        match chars.get(*at) {
            Some(&c) if c == quote => {
                *at += 1;
                if chars.get(*at) == Some(&quote) {
                    text.push(quote);
                    *at += 1;
                } else {
                    return Ok(text);
                }
            }
            Some(&c) => {
                text.push(c);
                *at += 1;
            }
            None => return Err(invalid(start + 1, "a quote is not closed")),
        }
    }
}

fn number(chars: &[char], at: &mut usize) -> Result<String> {
    let start = *at;
    *at += 1;
    while let Some(&c) = chars.get(*at) {
        let after_exponent = matches!(chars[*at - 1], 'e' | 'E');
        if c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E') || (matches!(c, '-' | '+') && after_exponent) {
            *at += 1;
        } else {
            break;
        }
    }
    let digits = chars[start..*at].iter().collect::<String>();
    if digits.parse::<f64>().is_ok() {
        Ok(digits)
    } else {
        Err(invalid(start + 1, format!("{digits} is no number")))
    }
}

fn sign(chars: &[char], at: &mut usize) -> Result<&'static str> {
    let pair = [chars[*at], chars.get(*at + 1).copied().unwrap_or(' ')];
    let found = match pair {
        ['!', '='] | ['<', '>'] => "<>",
        ['<', '='] => "<=",
        ['>', '='] => ">=",
        ['=', '='] => "==",
        ['=', _] => "=",
        ['<', _] => "<",
        ['>', _] => ">",
        ['(', _] => "(",
        [')', _] => ")",
        [',', _] => ",",
        [other, _] => return Err(invalid(*at + 1, format!("{other:?} means nothing here"))),
    };
    *at += if found.len() == 2 || pair == ['!', '='] { 2 } else { 1 };
    Ok(if found == "==" { "=" } else { found })
}

impl Parser {
    fn place(&self) -> usize {
        self.tokens.get(self.at).map_or(self.end + 1, |(place, _)| *place)
    }

    fn keyword(&mut self, word: &str) -> bool {
        let found = matches!(self.tokens.get(self.at), Some((_, Token::Word(text))) if text.eq_ignore_ascii_case(word));
        self.at += usize::from(found);
        found
    }

    fn sense(&mut self) -> Sense {
        if self.keyword("not") { Sense::Negated } else { Sense::Plain }
    }

    fn sign(&mut self, wanted: &str) -> bool {
        let found = matches!(self.tokens.get(self.at), Some((_, Token::Sign(text))) if *text == wanted);
        self.at += usize::from(found);
        found
    }

    fn expect_sign(&mut self, wanted: &str) -> Result<()> {
        if self.sign(wanted) { Ok(()) } else { Err(invalid(self.place(), format!("expected {wanted}"))) }
    }

    fn either(&mut self, depth: usize) -> Result<Filter> {
        let mut parts = vec![self.both(depth)?];
        while self.keyword("or") {
            parts.push(self.both(depth)?);
        }
        Ok(if parts.len() == 1 { parts.swap_remove(0) } else { Filter::Or { parts } })
    }

    fn both(&mut self, depth: usize) -> Result<Filter> {
        let mut parts = vec![self.factor(depth)?];
        while self.keyword("and") {
            parts.push(self.factor(depth)?);
        }
        Ok(if parts.len() == 1 { parts.swap_remove(0) } else { Filter::And { parts } })
    }

    fn factor(&mut self, depth: usize) -> Result<Filter> {
        if depth > MAX_DEPTH {
            return Err(invalid(self.place(), "nested too deeply"));
        }
        if self.keyword("not") {
            return Ok(Filter::Not { part: Box::new(self.factor(depth + 1)?) });
        }
        if self.sign("(") {
            let inner = self.either(depth + 1)?;
            self.expect_sign(")")?;
            return Ok(inner);
        }
        let column = self.column()?;
        self.test(column)
    }

    fn column(&mut self) -> Result<String> {
        let place = self.place();
        match self.tokens.get(self.at) {
            Some((_, Token::Word(name) | Token::Name(name))) => {
                let name = name.clone();
                self.at += 1;
                Ok(name)
            }
            _ => Err(invalid(place, "expected a column")),
        }
    }

    fn test(&mut self, column: String) -> Result<Filter> {
        if self.keyword("is") {
            let sense = self.sense();
            if !self.keyword("null") {
                return Err(invalid(self.place(), "expected NULL"));
            }
            return Ok(sense.of(Filter::IsNull { column }));
        }
        for (sign, compare) in [
            ("=", Compare::Equal),
            ("<>", Compare::Unequal),
            ("<=", Compare::AtMost),
            (">=", Compare::AtLeast),
            ("<", Compare::Less),
            (">", Compare::Greater),
        ] {
            if self.sign(sign) {
                return Ok(Filter::Compare { column, compare, value: self.literal()? });
            }
        }
        let sense = self.sense();
        let place = self.place();
        if self.keyword("like") {
            return match self.literal()? {
                Literal::Text(pattern) => Ok(sense.of(Filter::Like { column, pattern })),
                _ => Err(invalid(place, "LIKE takes a text in single quotes")),
            };
        }
        if self.keyword("in") {
            self.expect_sign("(")?;
            let mut values = vec![self.literal()?];
            while self.sign(",") {
                values.push(self.literal()?);
            }
            self.expect_sign(")")?;
            return Ok(sense.of(Filter::In { column, values }));
        }
        if self.keyword("between") {
            let low = self.literal()?;
            if !self.keyword("and") {
                return Err(invalid(self.place(), "expected AND"));
            }
            let high = self.literal()?;
            let parts = vec![
                Filter::Compare { column: column.clone(), compare: Compare::AtLeast, value: low },
                Filter::Compare { column, compare: Compare::AtMost, value: high },
            ];
            return Ok(sense.of(Filter::And { parts }));
        }
        Err(invalid(place, "expected a test such as =, <, LIKE, IN, BETWEEN or IS NULL"))
    }

    fn literal(&mut self) -> Result<Literal> {
        let place = self.place();
        let literal = match self.tokens.get(self.at) {
            Some((_, Token::Number(digits))) => Literal::Number(digits.clone()),
            Some((_, Token::Text(text))) => Literal::Text(text.clone()),
            Some((_, Token::Word(word))) if word.eq_ignore_ascii_case("true") => Literal::Bool(true),
            Some((_, Token::Word(word))) if word.eq_ignore_ascii_case("false") => Literal::Bool(false),
            _ => return Err(invalid(place, "expected a number, a text in single quotes, true or false")),
        };
        self.at += 1;
        Ok(literal)
    }
}

/// Whether a NOT stood before a test.
#[derive(Clone, Copy)]
enum Sense {
    Plain,
    Negated,
}

impl Sense {
    fn of(self, filter: Filter) -> Filter {
        match self {
            Self::Plain => filter,
            Self::Negated => Filter::Not { part: Box::new(filter) },
        }
    }
}
