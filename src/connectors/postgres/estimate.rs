//! What a read will cost: the planner's plan turned into blocks, rows and bytes, as intervals.
//!
//! A planner's cost is no load figure. The way of an estimate:
//! 1. `EXPLAIN (FORMAT JSON, VERBOSE, SETTINGS)` of the planned statement → [`Plan::parse`];
//! 2. [`relations_of`] names the tables and columns in it; one statement, [`FACTS`], asks the catalogue for
//!    sizes as they are now, statistics and their age → [`Facts::parse`];
//! 3. [`estimate`] walks plan and facts to a [`LoadEstimate`], unjudged.
//!
//! Nothing here is sent, and nothing is run twice: the actuals are the transaction's own counters
//! (`pg_stat_get_xact_blocks_fetched` and its kin). Those keep what earlier transactions of the session have
//! not handed over yet – up to a second's worth – so that a read is the difference between two looks.
//!
//! Invariants: the upper end never trusts the planner where it guesses (several columns, expressions, joins,
//! rows beyond the last statistics) · different blocks and touches are kept apart · a limit under a filter
//! may read all of its child · what the plan does not show (functions, recursions, other servers) is
//! `not_estimable`, never 0 · a role that may not see statistics gets wider intervals, not an error.

mod array;
mod condition;
pub mod facts;
pub mod plan;
mod rows;
mod scan;
mod share;
mod sheet;
mod walk;

pub use self::facts::{FACTS, Facts, RelationName};
use self::plan::Kind;
pub use self::plan::Plan;
use crate::model::Result;
use crate::model::error::{Error, ErrorKind};
use crate::model::load::{Capacity, LoadEstimate};
use crate::model::read::ReadSpec;

/// What [`FACTS`] is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The relations of a plan, each once.
    pub relations: Vec<RelationName>,
    /// Columns in its conditions: their statistics are wanted in full.
    pub columns: Vec<String>,
}

impl Wanted {
    /// For the first parameter.
    pub fn schemas(&self) -> Vec<String> {
        self.relations.iter().map(|relation| relation.schema.clone()).collect()
    }

    /// For the second parameter.
    pub fn names(&self) -> Vec<String> {
        self.relations.iter().map(|relation| relation.name.clone()).collect()
    }
}

/// The relations of a plan and the columns of its conditions.
pub fn relations_of(plan: &Plan) -> Wanted {
    let mut wanted = Wanted::default();
    for node in plan.nodes() {
        let said = &node.said;
        if !said.relation.is_empty() {
            wanted.relations.push(RelationName { schema: said.schema.clone(), name: said.relation.clone() });
        }
        for text in [&said.filter, &said.index_cond, &said.order_by] {
            wanted.columns.extend(condition::names(text));
        }
    }
    wanted.relations.sort();
    wanted.relations.dedup();
    wanted.columns.sort();
    wanted.columns.dedup();
    wanted
}

/// The load of a read, unjudged. `seconds_cap` is the statement timeout that the server enforces.
///
/// # Errors
/// `refused` if the plan writes or locks.
pub fn estimate(
    plan: &Plan,
    facts: &Facts,
    spec: &ReadSpec,
    capacity: Capacity,
    seconds_cap: Option<f64>,
) -> Result<LoadEstimate> {
    if plan.nodes().iter().any(|node| node.kind == Kind::Writes) {
        return Err(Error::new(
            ErrorKind::Refused,
            "estimate",
            "the server's plan of this statement writes or locks rows; nothing was run",
        ));
    }
    let work = walk::walk(plan, facts);
    let names = relations_of(plan).relations;
    let relations = names.iter().filter_map(|name| facts.of(&name.schema, &name.name)).collect();
    Ok(sheet::fill(&sheet::Sheet { plan, relations, spec, work: &work, seconds_cap }, capacity))
}

/// The sheet of a statement that is not sent: the gate did not let it through.
pub fn refused(capacity: Capacity) -> LoadEstimate {
    sheet::refused(capacity)
}

#[cfg(test)]
mod tests;
