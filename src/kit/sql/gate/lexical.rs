//! The first pass: tokens. It needs no grammar, so it holds where the parser and the server disagree on one.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer, Whitespace};

use super::rules::{Folding, Lexis, Rules, Variables};
use super::{MOST_BYTES, lexis, not_understood};
use crate::model::gate::GateVerdict;
use crate::safety::display;

/// Deepest nesting of brackets. The parser tries several readings of a bracket, so that its time doubles
/// with each level in the worst case.
const MOST_NESTING: usize = 24;

/// Longest chain of operators, set operations and the like, summed over the levels: the tree of a chain is
/// as deep as the chain is long, and dropping it takes stack.
const MOST_CHAIN: usize = 2_000;

/// What the first pass leaves.
pub(super) struct Checked {
    /// The tokens without blanks, comments and a closing semicolon.
    pub(super) tokens: Vec<TokenWithSpan>,
    /// The operators, where the dialect's rules list them.
    pub(super) operators: Vec<String>,
}

/// Checks the text and returns its tokens.
pub(super) fn check(sql: &str, rules: &Rules) -> Result<Checked, GateVerdict> {
    if sql.len() > MOST_BYTES {
        return Err(GateVerdict::unknown(format!("longer than {} KiB", MOST_BYTES >> 10)));
    }
    if sql.contains('\0') {
        return Err(GateVerdict::unknown("contains U+0000, where some servers stop reading"));
    }
    let mut tokens = Tokenizer::new(rules.dialect, sql)
        .tokenize_with_location()
        .map_err(|error| not_understood(&error.to_string()))?;
    check_hidden(sql, &tokens)?;
    check_comments(&tokens)?;
    check_depth(&tokens)?;
    let operators = match rules.operators {
        Some(_) => lexis::operators(&tokens)?,
        None => Vec::new(),
    };
    tokens.retain(|token| !matches!(token.token, Token::Whitespace(_) | Token::EOF));
    drop_materialized(&mut tokens);
    while tokens.last().is_some_and(|token| token.token == Token::SemiColon) {
        tokens.pop();
    }
    if tokens.is_empty() {
        return Err(GateVerdict::unknown("there is no statement"));
    }
    for token in &tokens {
        check_token(&token.token, rules)?;
    }
    if rules.lexis == Lexis::Prefixed {
        lexis::check_texts(&tokens)?;
    }
    Ok(Checked { tokens, operators })
}

/// `AS [NOT] MATERIALIZED (` says how a query is run, not what; the parser knows it for one dialect only.
fn drop_materialized(tokens: &mut Vec<TokenWithSpan>) {
    let is = |token: Option<&TokenWithSpan>, keyword| matches!(token.map(|token| &token.token), Some(Token::Word(word)) if word.keyword == keyword);
    let opens = |token: Option<&TokenWithSpan>| token.is_some_and(|token| token.token == Token::LParen);
    let mut at = 0;
    while at < tokens.len() {
        let word = at + 1 + usize::from(is(tokens.get(at + 1), Keyword::NOT));
        if is(tokens.get(at), Keyword::AS)
            && is(tokens.get(word), Keyword::MATERIALIZED)
            && opens(tokens.get(word + 1))
        {
            tokens.drain(at + 1..=word);
        }
        at += 1;
    }
}

/// One token that cannot stand in one read.
fn check_token(token: &Token, rules: &Rules) -> Result<(), GateVerdict> {
    match token {
        Token::SemiColon => Err(GateVerdict::refused("more than one statement")),
        Token::Placeholder(name) => {
            Err(GateVerdict::unknown(format!("has a parameter ({name}), and nothing to bind to it")))
        }
        Token::Char(c) => Err(not_understood(&display::name(&c.to_string()))),
        Token::SingleQuotedString(_) | Token::NationalStringLiteral(_) => Ok(()),
        Token::Word(word) if word.quote_style.is_some() => Ok(()),
        // Where a variable ends differs: to some servers `@f('` is one.
        other if rules.variables == Variables::Refused && other.to_string().contains(VARIABLE_SIGNS) => {
            Err(GateVerdict::unknown(format!("has a parameter ({other}), and nothing to bind to it")))
        }
        _ => Ok(()),
    }
}

/// Characters that begin a variable or a parameter in some dialect.
const VARIABLE_SIGNS: [char; 5] = ['$', '@', '#', ':', '?'];

/// Some comments are instructions: `/*! … */` is executed, `/*+ … */` is a hint.
fn check_comments(tokens: &[TokenWithSpan]) -> Result<(), GateVerdict> {
    for token in tokens {
        let Token::Whitespace(
            Whitespace::MultiLineComment(text) | Whitespace::SingleLineComment { comment: text, .. },
        ) = &token.token
        else {
            continue;
        };
        if text.starts_with(['!', '+']) || text.starts_with("M!") {
            return Err(GateVerdict::unknown("has a comment that a server may take for an instruction"));
        }
    }
    Ok(())
}

/// Outside of strings and quoted names every character must be one that people see, and one on which
/// tokenizers agree: no other blanks than ASCII's, no controls, no direction marks, no look-alikes of quotes.
fn check_hidden(sql: &str, tokens: &[TokenWithSpan]) -> Result<(), GateVerdict> {
    let is_quoted = |token: &Token| match token {
        Token::Word(word) => word.quote_style.is_some(),
        Token::SingleQuotedString(_)
        | Token::DoubleQuotedString(_)
        | Token::NationalStringLiteral(_)
        | Token::EscapedStringLiteral(_)
        | Token::UnicodeStringLiteral(_)
        | Token::DollarQuotedString(_) => true,
        _ => false,
    };
    let mut quoted = tokens.iter().filter(|token| is_quoted(&token.token)).map(|token| token.span).peekable();
    let mut at = Location::new(1, 1);
    for c in sql.chars() {
        while quoted.peek().is_some_and(|span| span.end <= at) {
            quoted.next();
        }
        if is_odd(c) && quoted.peek().is_none_or(|span| span.start > at) {
            return Err(GateVerdict::unknown(format!(
                "has hidden or misleading characters such as {}",
                display::name(&c.to_string())
            )));
        }
        at = if c == '\n' { Location::new(at.line + 1, 1) } else { Location::new(at.line, at.column + 1) };
    }
    Ok(())
}

fn is_odd(c: char) -> bool {
    let ascii_blank = matches!(c, ' ' | '\t' | '\n' | '\r');
    // Typographic and full-width quotes and semicolons: people take them for the real ones.
    let look_alike = matches!(c, '\u{2018}'..='\u{201F}' | '\u{FF02}' | '\u{FF07}' | '\u{FF1B}' | '\u{37E}');
    !ascii_blank && (look_alike || c.is_whitespace() || c.is_control() || display::is_hidden(c))
}

/// What one level of brackets holds so far.
#[derive(Default)]
struct Level {
    /// Operators since the last comma: each list item is a tree of its own.
    operators: usize,
    /// Set operations; commas between them do not end the chain.
    set_operations: usize,
}

/// Bounds the depth of the tree before anything builds it.
fn check_depth(tokens: &[TokenWithSpan]) -> Result<(), GateVerdict> {
    let mut levels = vec![Level::default()];
    let mut deepest = 0;
    for token in tokens {
        match &token.token {
            Token::LParen | Token::LBracket | Token::LBrace => levels.push(Level::default()),
            Token::RParen | Token::RBracket | Token::RBrace => {
                levels.pop();
            }
            other => {
                if let Some(level) = levels.last_mut() {
                    level.take(other);
                }
            }
        }
        if levels.is_empty() {
            return Err(not_understood("a bracket is closed that was not opened"));
        }
        if levels.len() > MOST_NESTING {
            return Err(GateVerdict::unknown(format!("nested deeper than {MOST_NESTING} brackets")));
        }
        deepest = deepest.max(levels.iter().map(|level| level.operators + level.set_operations).sum());
    }
    if deepest > MOST_CHAIN {
        return Err(GateVerdict::unknown(format!("more than {MOST_CHAIN} operators in a row")));
    }
    Ok(())
}

impl Level {
    fn take(&mut self, token: &Token) {
        match token {
            Token::Comma => self.operators = 0,
            Token::Word(word)
                if matches!(
                    word.keyword,
                    Keyword::UNION | Keyword::EXCEPT | Keyword::INTERSECT | Keyword::MINUS
                ) =>
            {
                self.set_operations += 1;
            }
            other if lengthens(other) => self.operators += 1,
            _ => {}
        }
    }
}

/// Whether a token may make the tree one level deeper. Names and literals do not.
fn lengthens(token: &Token) -> bool {
    match token {
        Token::Word(word) => word.keyword != Keyword::NoKeyword && word.quote_style.is_none(),
        Token::Number(..)
        | Token::SingleQuotedString(_)
        | Token::HexStringLiteral(_)
        | Token::Period
        | Token::Whitespace(_)
        | Token::EOF => false,
        _ => true,
    }
}

/// Judges by the first word: only what may begin a read goes on to the parser, which for other statements
/// follows other paths, some of them without a bound on recursion. Known writes are said plainly.
pub(super) fn check_first_word(tokens: &[&Token]) -> Result<(), GateVerdict> {
    let words: Vec<String> = tokens.iter().map(|token| keyword(token)).collect();
    let explains = words.iter().filter(|word| *word == "EXPLAIN").count();
    let mut rest = words.iter().map(String::as_str);
    let mut first = rest.next().unwrap_or_default();
    if first == "EXPLAIN" {
        let aside = ["QUERY", "PLAN", "ANALYZE", "VERBOSE"];
        first = rest.find(|word| !aside.contains(word)).unwrap_or_default();
        let mut inside = rest.clone();
        let is_query =
            inside.next().is_none_or(|word| matches!(word, "SELECT" | "WITH" | "VALUES" | "TABLE" | "("));
        if first == "(" && !is_query {
            // Options in brackets: what is explained comes behind them.
            let behind = tokens.iter().position(|token| **token == Token::RParen).map_or(0, |at| at + 1);
            first = words.get(behind).map(String::as_str).unwrap_or_default();
        }
    }
    if explains > 1 {
        return Err(GateVerdict::unknown("more than one EXPLAIN"));
    }
    match (first, write_of(first)) {
        ("SELECT" | "WITH" | "VALUES" | "TABLE" | "(", _) => Ok(()),
        (_, Some(why)) => Err(GateVerdict::refused(format!("{first} {why}"))),
        _ => Err(GateVerdict::unknown("does not begin like a query")),
    }
}

/// Whether the first word is this one, without quotes.
pub(super) fn begins_with(tokens: &[&Token], word: &str) -> bool {
    tokens.first().is_some_and(|token| keyword(token) == word)
}

/// Whether the text is one of the dialect's listed statements, word by word.
pub(super) fn is_listed_statement(tokens: &[&Token], rules: &Rules) -> bool {
    let fits = |token: &Token, expected: &str| match (token, expected) {
        (Token::Word(_), "*") => true,
        (Token::Period, ".") => true,
        _ => keyword(token) == expected,
    };
    rules.statements.iter().any(|statement| {
        let expected: Vec<&str> = statement.split_whitespace().collect();
        expected.len() == tokens.len()
            && tokens.iter().zip(&expected).all(|(token, expected)| fits(token, expected))
    })
}

/// Refuses by name what no grammar is needed for, so that a text beyond the parser still hears why.
pub(super) fn check_names(tokens: &[&Token], rules: &Rules) -> Result<(), GateVerdict> {
    for pair in tokens.windows(2) {
        let [Token::Word(word), Token::LParen] = pair else { continue };
        let name = match (rules.folding, word.quote_style) {
            (Folding::Unquoted, Some(_)) => word.value.clone(),
            _ => word.value.to_ascii_lowercase(),
        };
        if let Some(what) = rules.refusal_of(&name) {
            return Err(GateVerdict::refused(format!("function {name} {what}")));
        }
    }
    let words: Vec<String> = tokens.iter().map(|token| keyword(token)).collect();
    let locks = |words: &[String]| match words {
        [first, a, b, c] => {
            first == "FOR" && ((a == "NO" && b == "KEY" && c == "UPDATE") || (a == "KEY" && b == "SHARE"))
        }
        _ => false,
    };
    let padded: Vec<String> = words.into_iter().chain([String::new(), String::new()]).collect();
    if padded.windows(4).any(locks) {
        return Err(GateVerdict::refused("FOR UPDATE and FOR SHARE lock rows"));
    }
    Ok(())
}

/// A word without quotes in upper case, or a bracket.
fn keyword(token: &Token) -> String {
    match token {
        Token::Word(word) if word.quote_style.is_none() => word.value.to_ascii_uppercase(),
        Token::LParen => "(".to_owned(),
        _ => String::new(),
    }
}

/// What a statement does that is no read.
fn write_of(first_word: &str) -> Option<&'static str> {
    Some(match first_word {
        "INSERT" | "UPDATE" | "DELETE" | "REPLACE" | "MERGE" | "UPSERT" | "COPY" | "LOAD" | "IMPORT" => {
            "writes rows"
        }
        "CREATE" | "ALTER" | "DROP" | "TRUNCATE" | "RENAME" | "COMMENT" | "REASSIGN" | "SECURITY" => {
            "changes the schema"
        }
        "REINDEX" | "VACUUM" | "ANALYZE" | "ANALYSE" | "OPTIMIZE" | "CLUSTER" | "REFRESH" | "CHECKPOINT" => {
            "changes what is stored"
        }
        "ATTACH" | "DETACH" | "INSTALL" | "USE" => "reaches beyond this source",
        "BEGIN" | "START" | "COMMIT" | "END" | "ROLLBACK" | "SAVEPOINT" | "RELEASE" | "ABORT" | "PREPARE"
        | "EXECUTE" | "DEALLOCATE" | "DECLARE" | "FETCH" | "MOVE" | "CLOSE" | "LISTEN" | "NOTIFY"
        | "UNLISTEN" | "DISCARD" => "changes the session",
        "SET" | "RESET" => "changes settings",
        "LOCK" | "UNLOCK" | "FLUSH" | "KILL" | "HANDLER" => "acts on the server",
        "CALL" | "DO" | "EXEC" => "runs a procedure",
        "GRANT" | "REVOKE" | "DENY" => "changes privileges",
        _ => return None,
    })
}
