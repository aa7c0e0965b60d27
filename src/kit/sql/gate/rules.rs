//! What a dialect brings to the gate, as data.

use std::collections::HashSet;

use sqlparser::ast::Ident;
use sqlparser::dialect::Dialect;
use sqlparser::tokenizer::TokenWithSpan;

use super::pragma::Pragma;

/// The rules of one dialect.
pub struct Rules {
    /// How the text is read.
    pub dialect: &'static (dyn Dialect + Send + Sync),
    /// Replaces what the dialect reads and the parser does not by tokens of the same shape. Names, functions
    /// and relations must stay.
    pub rewrite: fn(&mut Vec<TokenWithSpan>),
    /// Which spellings of a function's name mean the same.
    pub folding: Folding,
    /// Functions that only read. All others are unknown.
    pub functions: Names,
    /// Of those, the ones that make a value as large as an argument says: allowed with a caution.
    pub allocating: Names,
    /// Functions that may stand in FROM.
    pub table_functions: Names,
    /// Relations that must not be read although they look like tables.
    pub refused_relations: Names,
    /// A prefix of relations that are functions in disguise: they count as table functions.
    pub function_prefix: Option<&'static str>,
    /// PRAGMA statements that only read; empty where the dialect has none.
    pub pragmas: &'static [Pragma],
    /// Whether parameters and variables may appear.
    pub variables: Variables,
    /// Functions that are refused by name, in whichever schema, with what they do. `*` ends a prefix.
    pub refused_functions: &'static [(&'static str, &'static str)],
    /// The schema that holds the listed functions, where a name may carry one.
    pub builtin_schema: Option<&'static str>,
    /// Operators that only read; none = the parser's own.
    pub operators: Option<Names>,
    /// How texts and operators are told apart by the server.
    pub lexis: Lexis,
    /// Whether `a.b` may call a function `b`.
    pub fields: Fields,
    /// What an EXPLAIN may say.
    pub explaining: Explaining,
    /// Statements without expressions that only read, word by word; `*` is one name.
    pub statements: &'static [&'static str],
}

impl Rules {
    /// What a function does that is refused by name, whichever schema it is in.
    pub(super) fn refusal_of(&self, name: &str) -> Option<&'static str> {
        let fits = |pattern: &str| match pattern.strip_suffix('*') {
            Some(prefix) => name.starts_with(prefix),
            None => name == pattern,
        };
        self.refused_functions.iter().find(|(pattern, _)| fits(pattern)).map(|(_, what)| *what)
    }
}

/// How a server reads the places where tokenizers differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lexis {
    /// No more than the standard.
    Plain,
    /// Texts with prefixes that go on in the next text, `$tag$`, operators of any length: what could end
    /// elsewhere than here is not sent.
    Prefixed,
}

/// What `a.b` means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fields {
    /// A column.
    Columns,
    /// A column or, where there is none, a function of the row.
    MayCall,
}

/// What an EXPLAIN may say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Explaining {
    /// Anything; one that runs the statement carries a caution.
    Anything,
    /// Only these options, in lower case, and never one that runs the statement.
    PlanOnly(&'static [&'static str]),
}

/// Which spellings of a name mean the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Folding {
    /// All, in quotes or not.
    All,
    /// Those without quotes; a quoted name is taken letter by letter.
    Unquoted,
}

/// Whether `?`, `:name`, `@name` and `$name` may appear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variables {
    /// They may not: nobody would bind them, and dialects disagree on where they end.
    Refused,
    /// `@name` reads a session variable.
    Session,
    /// There are none: the signs belong to operators and casts. A parameter is still refused.
    Operators,
}

/// A list of names in lower case, from a text with `#` comments.
#[derive(Debug, Clone, Default)]
pub struct Names(HashSet<&'static str>);

impl Names {
    /// Reads a list: names separated by blanks or line ends.
    pub fn parse(text: &'static str) -> Self {
        let without_comment = |line: &'static str| line.split('#').next().unwrap_or_default();
        Self(text.lines().map(without_comment).flat_map(str::split_whitespace).collect())
    }

    /// A list of these names.
    pub fn of(names: impl IntoIterator<Item = &'static str>) -> Self {
        Self(names.into_iter().collect())
    }

    /// Whether a name, already folded, is on the list.
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains(name)
    }

    /// How many names.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Folding {
    /// A name as the lists spell it.
    pub fn fold(self, ident: &Ident) -> String {
        match self {
            Self::Unquoted if ident.quote_style.is_some() => ident.value.clone(),
            Self::All | Self::Unquoted => ident.value.to_ascii_lowercase(),
        }
    }
}
