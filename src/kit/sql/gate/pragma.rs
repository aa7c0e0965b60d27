//! PRAGMA statements, judged by their tokens against a list of pure readers.

use sqlparser::tokenizer::Token;

use super::rules::Rules;
use crate::model::gate::GateVerdict;

/// One pragma that only reads when called as listed.
#[derive(Debug, Clone, Copy)]
pub struct Pragma {
    /// Its name in lower case.
    pub name: &'static str,
    /// The argument it reads with; any other would set something.
    pub argument: Argument,
    /// What to say before it runs, if it costs.
    pub caution: Option<&'static str>,
}

/// Whether a pragma takes an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Argument {
    /// None; with one it would write.
    None,
    /// One, in brackets.
    One,
    /// One or none.
    Optional,
}

/// Judges a PRAGMA; `None` if the statement is none.
pub(super) fn judge(tokens: &[&Token], rules: &Rules) -> Option<Result<Vec<String>, GateVerdict>> {
    let (first, rest) = tokens.split_first()?;
    if !matches!(first, Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case("pragma"))
    {
        return None;
    }
    Some(judge_call(rest, rules))
}

fn judge_call(tokens: &[&Token], rules: &Rules) -> Result<Vec<String>, GateVerdict> {
    // [schema .] name [( argument )]
    let (name, rest) = match tokens {
        [Token::Word(_), Token::Period, Token::Word(name), rest @ ..] | [Token::Word(name), rest @ ..] => {
            (name.value.to_ascii_lowercase(), rest)
        }
        _ => return Err(GateVerdict::unknown("a PRAGMA without a name")),
    };
    let given = match rest {
        [] => Argument::None,
        [Token::LParen, Token::Word(_) | Token::SingleQuotedString(_) | Token::Number(..), Token::RParen] => {
            Argument::One
        }
        [Token::Eq, ..] => {
            return Err(GateVerdict::refused(format!("PRAGMA {name} with = changes a setting")));
        }
        _ => return Err(GateVerdict::unknown(format!("PRAGMA {name} in a form that is not known"))),
    };
    let Some(known) = rules.pragmas.iter().find(|pragma| pragma.name == name) else {
        return Err(GateVerdict::unknown(format!(
            "PRAGMA {name} is not on the list of those that only read"
        )));
    };
    match (known.argument, given) {
        (Argument::Optional, _) | (Argument::One, Argument::One) | (Argument::None, Argument::None) => {
            Ok(known.caution.map(str::to_owned).into_iter().collect())
        }
        (Argument::None, _) => {
            Err(GateVerdict::refused(format!("PRAGMA {name} with an argument changes a setting")))
        }
        (Argument::One, _) => {
            Err(GateVerdict::unknown(format!("PRAGMA {name} needs an argument in brackets")))
        }
    }
}
