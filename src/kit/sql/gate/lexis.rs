//! Where tokenizers differ on texts and operators, and what is therefore not sent.
//!
//! A server with operators of any length reads signs that touch each other as one operator, up to a
//! comment, and takes a closing `+` or `-` for a sign of its own unless the operator has a special sign in
//! it. The parser's tokens are put together and cut again by that rule, so that the operators judged are the
//! ones the server sees.

use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::not_understood;
use crate::model::gate::GateVerdict;

/// What an operator is made of.
const SIGNS: &str = "+-*/<>=~!@#%^&|`?";

/// With one of these an operator may end in a plus or a minus.
const SPECIAL: &str = "~!@#%^&|`?";

/// The operators of a text, each once, as the server cuts them.
pub(super) fn operators(tokens: &[TokenWithSpan]) -> Result<Vec<String>, GateVerdict> {
    let mut found: Vec<String> = Vec::new();
    let mut run = String::new();
    let mut end = None;
    for token in tokens {
        let text = signs_of(&token.token);
        let touches = end == Some(token.span.start);
        if !run.is_empty() && (text.is_none() || !touches) {
            take(&std::mem::take(&mut run), &mut found)?;
        }
        if let Some(text) = text {
            run.push_str(&text);
        }
        end = Some(token.span.end);
    }
    take(&run, &mut found)?;
    Ok(found)
}

/// The signs of a token that is nothing but signs of operators.
fn signs_of(token: &Token) -> Option<String> {
    let is_operator = !matches!(token, Token::RArrow | Token::Whitespace(_) | Token::EOF | Token::Word(_));
    let text = is_operator.then(|| token.to_string())?;
    (!text.is_empty() && text.chars().all(|c| SIGNS.contains(c))).then_some(text)
}

/// Cuts a run of signs into operators.
fn take(run: &str, found: &mut Vec<String>) -> Result<(), GateVerdict> {
    if run.is_empty() {
        return Ok(());
    }
    if run.contains("--") || run.contains("/*") {
        return Err(not_understood("an operator that a server may take for a comment"));
    }
    let mut operator = run;
    if !run.contains(|c| SPECIAL.contains(c)) {
        while operator.chars().count() > 1
            && let Some(shorter) = operator.strip_suffix(['+', '-'])
        {
            operator = shorter;
        }
    }
    let rest = run.strip_prefix(operator).unwrap_or_default();
    for name in std::iter::once(operator.to_owned()).chain(rest.chars().map(String::from)) {
        if !found.contains(&name) {
            found.push(name);
        }
    }
    Ok(())
}

/// Texts that end elsewhere to some servers.
pub(super) fn check_texts(tokens: &[TokenWithSpan]) -> Result<(), GateVerdict> {
    for token in tokens {
        let odd = match &token.token {
            Token::HexStringLiteral(text) | Token::SingleQuotedByteStringLiteral(text) => {
                text.contains(['\\', '\''])
            }
            Token::DoubleQuotedByteStringLiteral(_) => true,
            Token::DollarQuotedString(text) => {
                text.tag.as_ref().is_some_and(|tag| tag.starts_with(|c: char| c.is_numeric()))
            }
            _ => false,
        };
        if odd {
            return Err(not_understood("a text that servers may end elsewhere"));
        }
    }
    for pair in tokens.windows(2) {
        let [first, second] = pair else { continue };
        if is_text(&first.token) && is_text(&second.token) {
            return Err(not_understood("a text that goes on in the next one"));
        }
    }
    for three in tokens.windows(3) {
        let [first, and, name] = three else { continue };
        let is_u = matches!(&first.token, Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case("u"));
        let is_name = matches!(&name.token, Token::Word(word) if word.quote_style.is_some());
        if is_u && and.token == Token::Ampersand && is_name {
            return Err(not_understood("a name written in escapes (U&\"…\")"));
        }
    }
    Ok(())
}

fn is_text(token: &Token) -> bool {
    matches!(
        token,
        Token::SingleQuotedString(_)
            | Token::EscapedStringLiteral(_)
            | Token::UnicodeStringLiteral(_)
            | Token::NationalStringLiteral(_)
            | Token::HexStringLiteral(_)
            | Token::SingleQuotedByteStringLiteral(_)
            | Token::DollarQuotedString(_)
    )
}
