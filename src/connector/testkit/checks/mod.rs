//! The checks, one function each, named by the sentence that must hold.

use futures::future::BoxFuture;

use super::bench::{Bench, Check};

mod browse;
mod plan;
mod politeness;
mod read;

/// A check.
pub(super) type CheckFn = for<'a> fn(&'a Bench) -> BoxFuture<'a, Check>;

/// Pairs a sentence with the function that holds it.
macro_rules! check {
    ($sentence:literal, $function:path) => {
        ($sentence, |bench| Box::pin($function(bench)))
    };
}

/// Every check with its sentence. The last looks back at what all others sent.
pub(super) const CHECKS: &[(&str, CheckFn)] = &[
    check!("the card and the command table are whole", browse::card_and_commands),
    check!("children come page by page, each once, in one order", browse::children),
    check!("a node is described with the columns its rows have", browse::described),
    check!("what is not there is not_found", browse::absent),
    check!("a failing connection says how it fails", browse::failing_connections),
    check!("planning sends nothing but planning", plan::planning_only),
    check!("a plan shows each step as an entry of the command table", plan::steps),
    check!("an unknown column is refused while planning", plan::unknown_columns),
    check!("an estimate comes before the read and the policy can weigh it", plan::estimated),
    check!("what a read did cost is counted and lies below a hard upper end", plan::actuals),
    check!("a query passes the gate and one that writes is refused whatever the reason", plan::gated),
    check!("rows bounds hold in the plan, at the source and in the sink", read::row_bounds),
    check!("a byte bound ends a read", read::byte_bound),
    check!("pages by continuation give every row once and in order", read::pages),
    check!("every value comes back exactly", read::values),
    check!("columns, filter and order hold, whoever does them", read::reworked),
    check!("a sample is made of rows of the node", read::sampled),
    check!("each level of a profile works or says why not", read::profiles),
    check!("a read sends its plan's steps and nothing else", politeness::only_steps),
    check!("a cancelled read keeps its rows and says what was reached", politeness::cancelled),
    check!("nothing is sent when it can not be written down", politeness::refused_by_the_recorder),
    check!("every statement sent is in the command table", politeness::in_the_table),
];
