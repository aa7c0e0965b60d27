//! The gate of free SQL: is this text one statement that only reads?
//!
//! Three answers, each by the passes of `kit::sql::gate`:
//! - [`judge`]: offline, by the shipped list of built-ins of 15 and 18 (`gate/builtins.txt`). Immutable and
//!   stable built-ins read, less those on the list of side effects (`gate/effects.rs`); volatile ones are
//!   refused but for a short list. Everything else is unknown, and unknown is not sent.
//! - [`functions_of`]: what a text calls, so that one look-up ([`LOOKUP`]) finds all of it.
//! - [`judge_knowing`]: with that look-up's rows. A function of the database is let through if it is immutable
//!   or stable; a volatile one is refused, and so is a built-in's name that a volatile function of the
//!   database could answer to. What a stable function does is its author's word: said as a caution.
//!
//! Invariants: a name on the list of side effects is refused in whichever schema, connected or not · a text
//! that this tokenizer and the server could cut apart differently is never a read · relations are the
//! catalogue's business: what a view calls, its owner has allowed, and the transaction is read-only.
//!
//! The gate reads texts as a session with `standard_conforming_strings = on` does; the link sets it.

mod builtins;
mod effects;
mod known;

use std::sync::LazyLock;

use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::tokenizer::{Token, TokenWithSpan};

pub use self::known::{KnownFunctions, LOOKUP, LookedUp, Wanted};
use crate::kit::sql::gate::{self, Explaining, Fields, Folding, Lexis, Names, Rules, Variables};
use crate::model::gate::GateVerdict;

static RULES: LazyLock<Rules> = LazyLock::new(|| {
    let functions = builtins::reading();
    Rules {
        dialect: &PostgreSqlDialect {},
        rewrite,
        folding: Folding::Unquoted,
        allocating: Names::parse("repeat lpad rpad array_fill"),
        table_functions: functions.clone(),
        functions,
        refused_relations: Names::default(),
        function_prefix: None,
        pragmas: &[],
        variables: Variables::Operators,
        refused_functions: effects::REFUSED,
        builtin_schema: Some("pg_catalog"),
        operators: Some(builtins::operators()),
        lexis: Lexis::Prefixed,
        fields: Fields::MayCall,
        explaining: Explaining::PlanOnly(&[
            "verbose",
            "costs",
            "settings",
            "generic_plan",
            "buffers",
            "summary",
            "memory",
            "format",
        ]),
        statements: &[
            "SHOW *",
            "SHOW * . *",
            "SHOW ALL",
            "SHOW TIME ZONE",
            "SHOW TRANSACTION ISOLATION LEVEL",
            "SHOW SESSION AUTHORIZATION",
        ],
    }
});

/// `f(name := value)` is the old spelling of `f(name => value)`, which the parser knows.
fn rewrite(tokens: &mut Vec<TokenWithSpan>) {
    for token in tokens {
        if token.token == Token::Assignment {
            token.token = Token::RArrow;
        }
    }
}

/// Whether a text is one statement that only reads, by the shipped lists alone.
pub fn judge(text: &str) -> GateVerdict {
    gate::judge_knowing(text, &RULES, &known::Shipped)
}

/// What a text calls, for one look-up in the catalogue.
///
/// # Errors
/// The verdict on a text that is no read whatever its functions are.
pub fn functions_of(text: &str) -> Result<Wanted, GateVerdict> {
    let (functions, operators) = gate::calls(text, &RULES)?;
    Ok(Wanted::of(functions, operators))
}

/// Whether a text is one statement that only reads, with what the catalogue knows of its functions.
pub fn judge_knowing(text: &str, known: &KnownFunctions) -> GateVerdict {
    gate::judge_knowing(text, &RULES, known)
}

#[cfg(test)]
mod tests;
