//! The third pass: every node of the tree must be of a kind that is known to read.

use std::ops::ControlFlow;

use sqlparser::ast::{
    AccessExpr, BinaryOperator, Cte, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident,
    ObjectName, ObjectNamePart, Query, Select, Statement, TableFactor, UnaryOperator, Value, Visit, Visitor,
};

use super::catalogue::{self, Called, Catalogue, Operator, Place};
use super::rules::{Fields, Names, Rules, Variables};
use crate::model::gate::GateVerdict;

/// Values larger than this, made by a function out of a number, deserve a word.
const LARGE_VALUE_BYTES: f64 = 16.0 * 1024.0 * 1024.0;

/// Walks a query; returns its cautions.
pub(super) fn check(
    query: &Query,
    rules: &Rules,
    catalogue: &dyn Catalogue,
) -> Result<Vec<String>, GateVerdict> {
    let limited = query.limit_clause.is_some() || query.fetch.is_some();
    let mut walk = Walk { rules, catalogue, limited, cautions: Vec::new() };
    match query.visit(&mut walk) {
        ControlFlow::Continue(()) => {
            walk.cautions.sort();
            walk.cautions.dedup();
            Ok(walk.cautions)
        }
        ControlFlow::Break(refusal) => Err(*refusal),
    }
}

struct Walk<'a> {
    rules: &'a Rules,
    catalogue: &'a dyn Catalogue,
    /// Whether the outermost query has a limit.
    limited: bool,
    cautions: Vec<String>,
}

type Step = ControlFlow<Box<GateVerdict>>;

fn refuse(why: impl Into<String>) -> Step {
    ControlFlow::Break(Box::new(GateVerdict::refused(why)))
}

fn unknown(why: impl Into<String>) -> Step {
    ControlFlow::Break(Box::new(GateVerdict::unknown(why)))
}

const GO_ON: Step = ControlFlow::Continue(());

impl Visitor for Walk<'_> {
    type Break = Box<GateVerdict>;

    /// A statement inside a query is a write in disguise (`WITH x AS (DELETE …)`).
    fn pre_visit_statement(&mut self, statement: &Statement) -> Step {
        let what = match statement {
            Statement::Insert(_) => "inserts",
            Statement::Update(_) => "updates",
            Statement::Delete(_) => "deletes",
            Statement::Merge(_) => "merges",
            _ => "is not a query",
        };
        refuse(format!("a statement within the query {what}"))
    }

    fn pre_visit_query(&mut self, query: &Query) -> Step {
        if !query.locks.is_empty() {
            return refuse("FOR UPDATE and FOR SHARE lock rows");
        }
        let rare = query.for_clause.is_some()
            || query.settings.is_some()
            || query.format_clause.is_some()
            || !query.pipe_operators.is_empty();
        if rare {
            return unknown("a clause of the query is not known (FOR, SETTINGS, FORMAT or |>)");
        }
        if let Some(with) = query.with.as_ref().filter(|with| with.recursive) {
            let open = |cte: &Cte| cte.query.limit_clause.is_none() && cte.query.fetch.is_none();
            if !self.limited && with.cte_tables.iter().any(open) {
                self.cautions.push("a recursion without a limit may never end".to_owned());
            }
        }
        GO_ON
    }

    fn pre_visit_select(&mut self, select: &Select) -> Step {
        if select.into.is_some() {
            return refuse("SELECT INTO writes");
        }
        if !select.optimizer_hints.is_empty() || !select.lateral_views.is_empty() {
            return unknown("optimizer hints and lateral views are not known");
        }
        GO_ON
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> Step {
        match factor {
            TableFactor::Table { name, args: Some(given), .. } => {
                self.call(name, given.args.len(), &self.rules.table_functions)
            }
            TableFactor::Function { name, args, .. } => {
                self.call(name, args.len(), &self.rules.table_functions)
            }
            TableFactor::Table { name, args: None, .. } => self.relation(name),
            TableFactor::Derived { .. } | TableFactor::NestedJoin { .. } | TableFactor::UNNEST { .. } => {
                GO_ON
            }
            // The expression is visited as such.
            TableFactor::TableFunction { .. } => unknown("TABLE(…) is not known"),
            TableFactor::Pivot { .. } | TableFactor::Unpivot { .. } => GO_ON,
            _ => unknown("a source of rows in FROM is not known"),
        }
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> Step {
        match expr {
            Expr::Function(function) => self.function(function),
            Expr::BinaryOp { op, .. } => self.binary(op),
            Expr::UnaryOp { op, .. } => self.unary(op),
            Expr::AnyOp { compare_op, .. } | Expr::AllOp { compare_op, .. } => self.binary(compare_op),
            Expr::CompoundIdentifier(parts) => parts.last().map_or(GO_ON, |last| self.field(last)),
            Expr::CompoundFieldAccess { access_chain, .. } => self.chain(access_chain),
            Expr::Value(value) => self.value(&value.value),
            Expr::Identifier(_)
            | Expr::JsonAccess { .. }
            | Expr::IsFalse(_)
            | Expr::IsNotFalse(_)
            | Expr::IsTrue(_)
            | Expr::IsNotTrue(_)
            | Expr::IsNull(_)
            | Expr::IsNotNull(_)
            | Expr::IsUnknown(_)
            | Expr::IsNotUnknown(_)
            | Expr::IsDistinctFrom(..)
            | Expr::IsNotDistinctFrom(..)
            | Expr::IsNormalized { .. }
            | Expr::InList { .. }
            | Expr::InSubquery { .. }
            | Expr::InUnnest { .. }
            | Expr::Between { .. }
            | Expr::Like { .. }
            | Expr::ILike { .. }
            | Expr::SimilarTo { .. }
            | Expr::RLike { .. }
            | Expr::Convert { .. }
            | Expr::Cast { .. }
            | Expr::AtTimeZone { .. }
            | Expr::Extract { .. }
            | Expr::Ceil { .. }
            | Expr::Floor { .. }
            | Expr::Position { .. }
            | Expr::Substring { .. }
            | Expr::Trim { .. }
            | Expr::Overlay { .. }
            | Expr::Collate { .. }
            | Expr::Nested(_)
            | Expr::TypedString(_)
            | Expr::Case { .. }
            | Expr::Exists { .. }
            | Expr::Subquery(_)
            | Expr::GroupingSets(_)
            | Expr::Cube(_)
            | Expr::Rollup(_)
            | Expr::Tuple(_)
            | Expr::Array(_)
            | Expr::Interval(_)
            | Expr::Wildcard(_)
            | Expr::QualifiedWildcard(..) => GO_ON,
            _ => unknown("an expression is of a kind that is not known"),
        }
    }
}

impl Walk<'_> {
    fn function(&mut self, function: &Function) -> Step {
        let given = match &function.args {
            FunctionArguments::None => 0,
            FunctionArguments::Subquery(_) => 1,
            FunctionArguments::List(list) => list.args.len(),
        };
        self.call(&function.name, given, &self.rules.functions)?;
        let name = self.bare_name(&function.name).unwrap_or_default();
        if self.rules.allocating.contains(&name) && may_be_large(function) {
            self.cautions.push(format!("{name} may make a very large value"));
        }
        GO_ON
    }

    /// A call of a function, in an expression or in FROM.
    fn call(&mut self, name: &ObjectName, arguments: usize, listed: &Names) -> Step {
        let fold = |part| ident(part).map(|ident| self.rules.folding.fold(ident));
        let (schema, last) = match name.0.as_slice() {
            [only] => (None, fold(only)),
            [schema, last] if self.rules.builtin_schema.is_some() => (fold(schema), fold(last)),
            _ => (None, None),
        };
        let Some(last) = last else {
            return unknown(format!("function {name} is not on the list of those that only read"));
        };
        if let Some(what) = self.rules.refusal_of(&last) {
            return refuse(format!("function {last} {what}"));
        }
        let is_builtin = schema.as_deref().is_none_or(|schema| self.rules.builtin_schema == Some(schema));
        let is_listed = is_builtin && listed.contains(&last);
        self.ask(&Called { schema, name: last, arguments, place: Place::Call, is_listed })
    }

    /// A name behind a dot, which may be a function of the row.
    fn field(&mut self, name: &Ident) -> Step {
        if self.rules.fields == Fields::Columns {
            return GO_ON;
        }
        let name = self.rules.folding.fold(name);
        self.ask(&Called { schema: None, name, arguments: 1, place: Place::Field, is_listed: false })
    }

    fn chain(&mut self, chain: &[AccessExpr]) -> Step {
        for access in chain {
            match access {
                AccessExpr::Dot(Expr::Identifier(name)) => self.field(name)?,
                // What stands in brackets or is a call is visited as such.
                AccessExpr::Dot(_) | AccessExpr::Subscript(_) => {}
            }
        }
        GO_ON
    }

    fn ask(&mut self, called: &Called) -> Step {
        match catalogue::function(self.catalogue, called) {
            Ok(caution) => self.cautions.extend(caution),
            Err(refusal) => return ControlFlow::Break(Box::new(refusal)),
        }
        GO_ON
    }

    fn value(&self, value: &Value) -> Step {
        match value {
            Value::Placeholder(name) if self.rules.variables == Variables::Operators => {
                unknown(format!("has a parameter ({name}), and nothing to bind to it"))
            }
            _ => GO_ON,
        }
    }

    fn binary(&mut self, op: &BinaryOperator) -> Step {
        match op {
            BinaryOperator::Assignment => refuse("an assignment changes a variable"),
            // Operators were judged by their signs; here only a schema may add something.
            BinaryOperator::Custom(_) if self.rules.operators.is_some() => GO_ON,
            BinaryOperator::PGCustomBinaryOperator(parts) if self.rules.operators.is_some() => {
                self.operator(parts)
            }
            BinaryOperator::Custom(_) | BinaryOperator::PGCustomBinaryOperator(_) => {
                unknown(format!("operator {op} is not known"))
            }
            _ => GO_ON,
        }
    }

    fn unary(&mut self, op: &UnaryOperator) -> Step {
        match op {
            UnaryOperator::Plus | UnaryOperator::Minus | UnaryOperator::Not | UnaryOperator::BitwiseNot => {
                GO_ON
            }
            _ if self.rules.operators.is_some() => GO_ON,
            _ => unknown(format!("operator {op} is not known")),
        }
    }

    /// `OPERATOR(schema.sign)`.
    fn operator(&mut self, parts: &[String]) -> Step {
        let (schema, name) = match parts {
            [name] => (None, name.clone()),
            [schema, name] => (Some(schema.to_ascii_lowercase()), name.clone()),
            _ => return unknown("an operator with a name of more than two parts is not known"),
        };
        let is_builtin = schema.as_deref().is_none_or(|schema| self.rules.builtin_schema == Some(schema));
        let is_listed = is_builtin && self.rules.operators.as_ref().is_some_and(|list| list.contains(&name));
        match catalogue::operator(self.catalogue, &Operator { schema, name, is_listed }) {
            Ok(caution) => self.cautions.extend(caution),
            Err(refusal) => return ControlFlow::Break(Box::new(refusal)),
        }
        GO_ON
    }

    /// Tables and views are the catalogue's business; some names are not what they look like.
    fn relation(&self, name: &ObjectName) -> Step {
        let Some(last) = name.0.last().and_then(ident) else {
            return unknown(format!("relation {name} is not a plain name"));
        };
        let folded = self.rules.folding.fold(last);
        if self.rules.refused_relations.contains(&folded) {
            return refuse(format!("{folded} is not a table but a way out of the database"));
        }
        let disguised = self.rules.function_prefix.is_some_and(|prefix| folded.starts_with(prefix));
        if disguised && !self.rules.table_functions.contains(&folded) {
            return unknown(format!("table function {folded} is not on the list of those that only read"));
        }
        GO_ON
    }

    /// A name of one part, folded. A qualified function is one that somebody made.
    fn bare_name(&self, name: &ObjectName) -> Option<String> {
        match name.0.as_slice() {
            [only] => ident(only).map(|ident| self.rules.folding.fold(ident)),
            _ => None,
        }
    }
}

fn ident(part: &ObjectNamePart) -> Option<&Ident> {
    match part {
        ObjectNamePart::Identifier(ident) => Some(ident),
        ObjectNamePart::Function(_) => None,
    }
}

/// Whether an argument of a function that makes a value of a given size is large, or not a plain number.
fn may_be_large(function: &Function) -> bool {
    let FunctionArguments::List(list) = &function.args else { return false };
    list.args.iter().any(|arg| match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(value))) => match &value.value {
            Value::Number(number, _) => {
                number.parse::<f64>().map_or(true, |number| number > LARGE_VALUE_BYTES)
            }
            // A width inside a format: %1000000000d.
            Value::SingleQuotedString(text) => {
                text.contains('*') || text.split(|c: char| !c.is_ascii_digit()).any(|digits| digits.len() > 6)
            }
            _ => true,
        },
        FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Identifier(_) | Expr::CompoundIdentifier(_))) => {
            false
        }
        _ => true,
    })
}
