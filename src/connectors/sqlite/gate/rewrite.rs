//! What SQLite reads and the parser does not, replaced by tokens of the same shape before parsing.
//!
//! The gate asks what a statement is made of, not what it computes, so that any other operator between the
//! same operands will do. Nothing but operators and clauses without expressions is touched: every name,
//! function and relation stays where it was.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};

/// Clauses that say how a query runs; `*` stands for one name.
const DROPPED: &[&[&str]] = &[
    &["INDEXED", "BY", "*"],
    &["NOT", "INDEXED"],
    &["EXCLUDE", "TIES"],
    &["EXCLUDE", "GROUP"],
    &["EXCLUDE", "NO", "OTHERS"],
    &["EXCLUDE", "CURRENT", "ROW"],
];

/// Words after IS that the parser knows by themselves.
const KNOWN_AFTER_IS: [Keyword; 6] =
    [Keyword::NULL, Keyword::TRUE, Keyword::FALSE, Keyword::DISTINCT, Keyword::UNKNOWN, Keyword::NORMALIZED];

/// Words that do not end an operand, so that what follows is not an operator.
const NO_OPERAND: [Keyword; 31] = [
    Keyword::SELECT,
    Keyword::DISTINCT,
    Keyword::ALL,
    Keyword::FROM,
    Keyword::JOIN,
    Keyword::ON,
    Keyword::USING,
    Keyword::WHERE,
    Keyword::GROUP,
    Keyword::ORDER,
    Keyword::BY,
    Keyword::HAVING,
    Keyword::LIMIT,
    Keyword::OFFSET,
    Keyword::CASE,
    Keyword::WHEN,
    Keyword::THEN,
    Keyword::ELSE,
    Keyword::AND,
    Keyword::OR,
    Keyword::NOT,
    Keyword::IN,
    Keyword::IS,
    Keyword::LIKE,
    Keyword::BETWEEN,
    Keyword::ESCAPE,
    Keyword::AS,
    Keyword::EXISTS,
    Keyword::UNION,
    Keyword::EXCEPT,
    Keyword::INTERSECT,
];

/// Rewrites the tokens of one statement, blanks and comments already gone.
pub(super) fn rewrite(tokens: &mut Vec<TokenWithSpan>) {
    drop_clauses(tokens);
    rewrite_is(tokens);
    for at in 0..tokens.len() {
        if is_pattern_operator(tokens, at) {
            replace(tokens, at, Token::make_keyword("LIKE"));
        } else if tokens
            .get(at)
            .is_some_and(|token| matches!(token.token, Token::ShiftLeft | Token::ShiftRight))
        {
            replace(tokens, at, Token::Pipe);
        }
    }
}

fn replace(tokens: &mut [TokenWithSpan], at: usize, new: Token) {
    if let Some(token) = tokens.get_mut(at) {
        token.token = new;
    }
}

/// An unquoted word in upper case; empty for anything else.
fn word(tokens: &[TokenWithSpan], at: usize) -> String {
    match tokens.get(at).map(|token| &token.token) {
        Some(Token::Word(word)) if word.quote_style.is_none() => word.value.to_ascii_uppercase(),
        _ => String::new(),
    }
}

fn keyword(tokens: &[TokenWithSpan], at: usize) -> Keyword {
    match tokens.get(at).map(|token| &token.token) {
        Some(Token::Word(word)) if word.quote_style.is_none() => word.keyword,
        _ => Keyword::NoKeyword,
    }
}

fn drop_clauses(tokens: &mut Vec<TokenWithSpan>) {
    let fits = |tokens: &[TokenWithSpan], at: usize, clause: &[&str]| {
        clause.iter().enumerate().all(|(offset, expected)| match *expected {
            "*" => matches!(tokens.get(at + offset).map(|token| &token.token), Some(Token::Word(_))),
            expected => word(tokens, at + offset) == expected,
        })
    };
    let mut at = 0;
    while at < tokens.len() {
        match DROPPED.iter().find(|clause| fits(tokens, at, clause)) {
            Some(clause) => drop(tokens.drain(at..at + clause.len())),
            None => at += 1,
        }
    }
}

/// `a IS b` and `a IS NOT b` between any two values become `a = b`.
fn rewrite_is(tokens: &mut Vec<TokenWithSpan>) {
    let mut at = 0;
    while at < tokens.len() {
        if keyword(tokens, at) == Keyword::IS {
            let negated = keyword(tokens, at + 1) == Keyword::NOT;
            let next = at + 1 + usize::from(negated);
            if !KNOWN_AFTER_IS.contains(&keyword(tokens, next)) {
                tokens.drain(at + 1..next);
                replace(tokens, at, Token::Eq);
            }
        }
        at += 1;
    }
}

/// GLOB, MATCH or REGEXP between two operands, and not a function or a column of that name.
fn is_pattern_operator(tokens: &[TokenWithSpan], at: usize) -> bool {
    if !matches!(word(tokens, at).as_str(), "GLOB" | "MATCH" | "REGEXP") {
        return false;
    }
    let before = if at > 0 && keyword(tokens, at - 1) == Keyword::NOT { at - 1 } else { at };
    before > 0 && ends_operand(tokens, before - 1)
}

fn ends_operand(tokens: &[TokenWithSpan], at: usize) -> bool {
    match tokens.get(at).map(|token| &token.token) {
        Some(Token::Word(_)) => !NO_OPERAND.contains(&keyword(tokens, at)),
        Some(
            Token::RParen | Token::Number(..) | Token::SingleQuotedString(_) | Token::HexStringLiteral(_),
        ) => true,
        _ => false,
    }
}
