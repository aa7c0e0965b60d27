//! The SQL gate: is this text exactly one statement that only reads?
//!
//! It parses and denies by default. Three passes, each of which can only say no:
//! 1. *lexical*: one statement, no hidden characters, no nesting that a parser could drown in, no lexical
//!    form on which this tokenizer and the server's might differ (`@name('…` is a string here and a variable
//!    there);
//! 2. *parse*: what the parser does not understand is `unknown`;
//! 3. *walk*: every node of the tree is of a known reading kind, and every function is on the dialect's list.
//!
//! Load is not the gate's business: a recursion without a limit reads. It is allowed with a caution, and
//! budgets stop it.
//!
//! The gate is one of two layers. The other is what the server enforces (a read-only connection); neither
//! relies on the other.

mod lexical;
mod pragma;
mod rules;
mod walk;

use sqlparser::ast::Statement;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

pub use self::pragma::{Argument, Pragma};
pub use self::rules::{Folding, Names, Rules, Variables};
use crate::model::gate::GateVerdict;

/// Longest statement looked at, in bytes.
pub const MOST_BYTES: usize = 256 << 10;

/// How deep the parser may recurse; its own cost grows steeply with depth.
const MOST_RECURSION: usize = 100;

/// Judges one text.
pub fn judge(sql: &str, rules: &Rules) -> GateVerdict {
    match read_or_refusal(sql, rules) {
        Ok(cautions) => GateVerdict::Read { cautions },
        Err(refusal) => refusal,
    }
}

/// The cautions of a read, or the verdict that it is none.
fn read_or_refusal(sql: &str, rules: &Rules) -> Result<Vec<String>, GateVerdict> {
    let mut tokens = lexical::check(sql, rules)?;
    let words: Vec<&Token> = tokens.iter().map(|token| &token.token).collect();
    if let Some(verdict) = pragma::judge(&words, rules) {
        return verdict;
    }
    lexical::check_first_word(&words)?;
    (rules.rewrite)(&mut tokens);
    let mut parser =
        Parser::new(rules.dialect).with_recursion_limit(MOST_RECURSION).with_tokens_with_locations(tokens);
    let statement = parser.parse_statement().map_err(|error| not_understood(&error.to_string()))?;
    if parser.peek_token().token != Token::EOF {
        let rest = parser.peek_token().token;
        return Err(not_understood(&format!("unexpected {rest:?} after the statement")));
    }
    judge_statement(&statement, rules)
}

fn judge_statement(statement: &Statement, rules: &Rules) -> Result<Vec<String>, GateVerdict> {
    match statement {
        Statement::Query(query) => walk::check(query, rules),
        Statement::Explain { analyze, options, statement, .. } => {
            if !matches!(**statement, Statement::Query(_)) {
                return Err(GateVerdict::refused("explains a statement that is not a read"));
            }
            let mut cautions = judge_statement(statement, rules)?;
            if *analyze || options.is_some() {
                cautions.push("an analyzing EXPLAIN runs the statement".to_owned());
            }
            Ok(cautions)
        }
        _ => Err(GateVerdict::refused("is not a query")),
    }
}

fn not_understood(why: &str) -> GateVerdict {
    GateVerdict::unknown(format!(
        "not understood, therefore not sent: {}",
        why.trim_start_matches("sql parser error: ")
    ))
}

#[cfg(test)]
mod tests;
