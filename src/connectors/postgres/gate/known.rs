//! What the catalogue of a connected server knows of the functions and operators of a text.

use super::builtins;
use crate::kit::sql::gate::{Called, Catalogue, Finding, Operator, Place};

/// Finds every function and operator of these names, with how volatile it is. Parameters: `$1` names of
/// functions, `$2` names of operators, both `text[]`. Nine columns, in the order of [`LookedUp`].
///
/// An aggregate is as volatile as the functions it is made of; the catalogue itself calls all of them
/// immutable.
pub const LOOKUP: &str = "\
SELECT 'f' AS kind, n.nspname::text, p.proname::text, \
greatest(p.provolatile, coalesce(t.provolatile, ' '), coalesce(f.provolatile, ' '))::text, \
CASE WHEN p.prokind = 'a' THEN 'aggregate' ELSE l.lanname::text END, \
(p.pronargs - p.pronargdefaults)::int4, \
CASE WHEN p.provariadic <> 0 THEN 1000 ELSE p.pronargs END::int4, \
pg_catalog.pg_function_is_visible(p.oid), \
EXISTS (SELECT 1 FROM pg_catalog.pg_type y WHERE y.oid = p.proargtypes[0] AND y.typtype IN ('c', 'p', 'd')) \
FROM pg_catalog.pg_proc p \
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace \
JOIN pg_catalog.pg_language l ON l.oid = p.prolang \
LEFT JOIN pg_catalog.pg_aggregate a ON a.aggfnoid = p.oid \
LEFT JOIN pg_catalog.pg_proc t ON t.oid = a.aggtransfn \
LEFT JOIN pg_catalog.pg_proc f ON f.oid = a.aggfinalfn \
WHERE p.proname = ANY ($1) \
UNION ALL \
SELECT 'o', n.nspname::text, o.oprname::text, p.provolatile::text, l.lanname::text, 0, 0, \
pg_catalog.pg_operator_is_visible(o.oid), false \
FROM pg_catalog.pg_operator o \
JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace \
JOIN pg_catalog.pg_proc p ON p.oid = o.oprcode \
JOIN pg_catalog.pg_language l ON l.oid = p.prolang \
WHERE o.oprname = ANY ($2) AND n.nspname <> 'pg_catalog'";

/// One row of [`LOOKUP`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookedUp {
    /// `f` a function, `o` an operator.
    pub kind: char,
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// `i` immutable, `s` stable, `v` volatile; anything else counts as volatile.
    pub volatility: char,
    /// The language it is written in; `aggregate` for those.
    pub language: String,
    /// Arguments it needs.
    pub least_arguments: i32,
    /// Arguments it takes; 1000 = any number.
    pub most_arguments: i32,
    /// Whether the search path finds it without its schema.
    pub is_visible: bool,
    /// Whether its first argument may be a row.
    pub takes_row: bool,
}

/// What a text calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    functions: Vec<Called>,
    operators: Vec<Operator>,
}

impl Wanted {
    /// Of these.
    pub(super) fn of(functions: Vec<Called>, operators: Vec<Operator>) -> Self {
        Self { functions, operators }
    }

    /// The functions: schema (if the text says one), name, number of arguments.
    pub fn functions(&self) -> impl Iterator<Item = (Option<&str>, &str, usize)> {
        self.functions.iter().map(|called| (called.schema.as_deref(), called.name.as_str(), called.arguments))
    }

    /// Names for the first parameter of [`LOOKUP`], each once.
    pub fn function_names(&self) -> Vec<String> {
        once_each(self.functions.iter().map(|called| called.name.clone()))
    }

    /// Names for the second parameter of [`LOOKUP`], each once.
    pub fn operator_names(&self) -> Vec<String> {
        once_each(self.operators.iter().map(|operator| operator.name.clone()))
    }
}

fn once_each(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut names: Vec<String> = names.collect();
    names.sort();
    names.dedup();
    names
}

/// Nobody is connected: the shipped lists decide.
pub(super) struct Shipped;

impl Catalogue for Shipped {
    fn function(&self, called: &Called) -> Finding {
        let is_plain = called.schema.as_deref().is_none_or(|schema| schema == BUILTIN);
        if called.is_listed || called.place == Place::Field {
            Finding::Reads(None)
        } else if is_plain && builtins::is_volatile(&called.name) {
            Finding::Refused(volatile_built_in(&called.name))
        } else {
            Finding::Unknown
        }
    }

    fn operator(&self, operator: &Operator) -> Finding {
        if operator.is_listed { Finding::Reads(None) } else { Finding::Unknown }
    }
}

fn volatile_built_in(name: &str) -> String {
    format!("function {name} is volatile and not on the list of those that only read")
}

/// What the catalogue knows of the functions of a text: the rows of [`LOOKUP`].
#[derive(Clone, Debug, Default)]
pub struct KnownFunctions {
    rows: Vec<LookedUp>,
}

const BUILTIN: &str = "pg_catalog";

impl KnownFunctions {
    /// From the rows of [`LOOKUP`].
    pub fn of(rows: Vec<LookedUp>) -> Self {
        Self { rows }
    }

    /// Rows that a name may mean, in a schema or on the search path.
    fn meant<'a>(
        &'a self,
        kind: char,
        schema: Option<&'a str>,
        name: &'a str,
    ) -> impl Iterator<Item = &'a LookedUp> {
        self.rows.iter().filter(move |row| {
            row.kind == kind
                && row.name == name
                && schema.map_or(row.is_visible, |schema| row.schema == schema)
        })
    }
}

impl LookedUp {
    fn is_volatile(&self) -> bool {
        !matches!(self.volatility, 'i' | 's')
    }

    fn takes(&self, arguments: usize) -> bool {
        let given = i32::try_from(arguments).unwrap_or(i32::MAX);
        (self.least_arguments..=self.most_arguments).contains(&given)
    }

    fn is_ours(&self) -> bool {
        self.schema != BUILTIN
    }

    /// Why it is not let through, if so.
    fn objection(&self) -> Option<String> {
        let Self { schema, name, .. } = self;
        if self.is_volatile() {
            Some(format!("function {schema}.{name} is volatile: it may write or act on the server"))
        } else if self.is_ours() && self.language == "internal" {
            Some(format!("function {schema}.{name} is another name for a function of the server itself"))
        } else {
            None
        }
    }
}

impl Catalogue for KnownFunctions {
    fn function(&self, called: &Called) -> Finding {
        let all: Vec<&LookedUp> = self.meant('f', called.schema.as_deref(), &called.name).collect();
        if called.place == Place::Field {
            let acts =
                all.iter().find(|row| row.is_ours() && row.takes_row && row.takes(1) && row.is_volatile());
            return match acts.and_then(|row| row.objection()) {
                Some(why) => Finding::Refused(format!("{why}; .{} may call it", called.name)),
                None => Finding::Reads(None),
            };
        }
        let fitting: Vec<&LookedUp> = all.iter().copied().filter(|row| row.takes(called.arguments)).collect();
        if called.is_listed {
            let other = fitting.iter().filter(|row| row.is_ours()).find_map(|row| row.objection());
            return other.map_or(Finding::Reads(None), |why| {
                Finding::Refused(format!("{why}; {} may mean it", called.name))
            });
        }
        if called.schema.as_deref().is_none_or(|schema| schema == BUILTIN)
            && builtins::is_volatile(&called.name)
        {
            return Finding::Refused(volatile_built_in(&called.name));
        }
        let meant = if fitting.is_empty() { all } else { fitting };
        if meant.is_empty() {
            return Finding::Unknown;
        }
        if let Some(why) = meant.iter().find_map(|row| row.objection()) {
            return Finding::Refused(why);
        }
        let author = meant.iter().find(|row| row.is_ours() && row.volatility == 's');
        Finding::Reads(author.map(|row| {
            format!("{}.{} is a function of this database that calls itself stable", row.schema, row.name)
        }))
    }

    fn operator(&self, operator: &Operator) -> Finding {
        let meant: Vec<&LookedUp> = self.meant('o', operator.schema.as_deref(), &operator.name).collect();
        if let Some(row) = meant.iter().find(|row| row.is_volatile()) {
            return Finding::Refused(format!(
                "operator {}.{} calls a volatile function: it may write or act on the server",
                row.schema, row.name
            ));
        }
        if operator.is_listed || !meant.is_empty() { Finding::Reads(None) } else { Finding::Unknown }
    }
}
