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

mod catalogue;
mod lexical;
mod lexis;
mod pragma;
mod rules;
mod walk;

use sqlparser::ast::{Statement, UtilityOption};
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

pub use self::catalogue::{Called, Catalogue, Finding, Operator, Place, calls};
pub use self::pragma::{Argument, Pragma};
pub use self::rules::{Explaining, Fields, Folding, Lexis, Names, Rules, Variables};
use crate::model::gate::GateVerdict;

/// Longest statement looked at, in bytes.
pub const MOST_BYTES: usize = 256 << 10;

/// How deep the parser may recurse; its own cost grows steeply with depth.
const MOST_RECURSION: usize = 100;

/// Judges one text by the lists alone.
pub fn judge(sql: &str, rules: &Rules) -> GateVerdict {
    judge_knowing(sql, rules, &catalogue::Offline)
}

/// Judges one text, asking a catalogue for what the lists do not know and for what may stand in their way.
pub fn judge_knowing(sql: &str, rules: &Rules, catalogue: &dyn Catalogue) -> GateVerdict {
    match read_or_refusal(sql, rules, catalogue) {
        Ok(cautions) => GateVerdict::Read { cautions },
        Err(refusal) => refusal,
    }
}

/// The cautions of a read, or the verdict that it is none.
fn read_or_refusal(sql: &str, rules: &Rules, catalogue: &dyn Catalogue) -> Result<Vec<String>, GateVerdict> {
    let lexical::Checked { mut tokens, operators } = lexical::check(sql, rules)?;
    let words: Vec<&Token> = tokens.iter().map(|token| &token.token).collect();
    if let Some(verdict) = pragma::judge(&words, rules) {
        return verdict;
    }
    if lexical::is_listed_statement(&words, rules) {
        return Ok(Vec::new());
    }
    lexical::check_first_word(&words)?;
    lexical::check_names(&words, rules)?;
    let is_table = lexical::begins_with(&words, "TABLE");
    (rules.rewrite)(&mut tokens);
    let mut parser =
        Parser::new(rules.dialect).with_recursion_limit(MOST_RECURSION).with_tokens_with_locations(tokens);
    let statement = if is_table {
        // The parser knows it inside a query only.
        parser.parse_query().map(Statement::Query)
    } else {
        parser.parse_statement()
    };
    let statement = statement.map_err(|error| not_understood(&error.to_string()))?;
    if parser.peek_token().token != Token::EOF {
        let rest = parser.peek_token().token;
        return Err(not_understood(&format!("unexpected {rest:?} after the statement")));
    }
    let mut cautions = judge_statement(&statement, rules, catalogue)?;
    for name in operators {
        let is_listed = rules.operators.as_ref().is_some_and(|listed| listed.contains(&name));
        cautions.extend(catalogue::operator(catalogue, &Operator { schema: None, name, is_listed })?);
    }
    Ok(cautions)
}

fn judge_statement(
    statement: &Statement,
    rules: &Rules,
    catalogue: &dyn Catalogue,
) -> Result<Vec<String>, GateVerdict> {
    match statement {
        Statement::Query(query) => walk::check(query, rules, catalogue),
        Statement::Explain { analyze, options, statement, .. } => {
            if !matches!(**statement, Statement::Query(_)) {
                return Err(GateVerdict::refused("explains a statement that is not a read"));
            }
            if let Explaining::PlanOnly(allowed) = rules.explaining {
                check_explain(*analyze, options.as_deref().unwrap_or_default(), allowed)?;
            }
            let mut cautions = judge_statement(statement, rules, catalogue)?;
            let may_run = rules.explaining == Explaining::Anything && (*analyze || options.is_some());
            if may_run {
                cautions.push("an analyzing EXPLAIN runs the statement".to_owned());
            }
            Ok(cautions)
        }
        _ => Err(GateVerdict::refused("is not a query")),
    }
}

/// An EXPLAIN that only plans.
fn check_explain(analyze: bool, options: &[UtilityOption], allowed: &[&str]) -> Result<(), GateVerdict> {
    let names = options.iter().map(|option| option.name.value.to_ascii_lowercase());
    for name in names.chain(analyze.then(|| "analyze".to_owned())) {
        if name == "analyze" || name == "analyse" {
            return Err(GateVerdict::refused("EXPLAIN ANALYZE runs the statement: a second read"));
        }
        if !allowed.contains(&name.as_str()) {
            return Err(GateVerdict::unknown(format!("the EXPLAIN option {name} is not known")));
        }
    }
    Ok(())
}

fn not_understood(why: &str) -> GateVerdict {
    GateVerdict::unknown(format!(
        "not understood, therefore not sent: {}",
        why.trim_start_matches("sql parser error: ")
    ))
}

#[cfg(test)]
mod tests;
