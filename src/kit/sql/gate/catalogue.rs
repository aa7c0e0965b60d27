//! What a text calls, and what a connected catalogue says of it.
//!
//! Lists know built-ins only. Connected, the catalogue decides on all other functions and operators, and
//! whether another one of the same name could be meant instead of a listed one.

use std::cell::RefCell;

use super::judge_knowing;
use super::rules::Rules;
use crate::model::gate::GateVerdict;

/// Where a name stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// With brackets behind it: a call.
    Call,
    /// Behind a dot: a column, or a function of the row.
    Field,
}

/// A function as a text calls it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Called {
    /// The schema it is looked for in, if the text says one.
    pub schema: Option<String>,
    /// Its name, folded as the server folds it.
    pub name: String,
    /// How many arguments it is given.
    pub arguments: usize,
    /// Where it stands.
    pub place: Place,
    /// Whether the lists know it as one that only reads.
    pub is_listed: bool,
}

/// An operator as a text uses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// The schema it is looked for in, if the text says one.
    pub schema: Option<String>,
    /// Its name.
    pub name: String,
    /// Whether the lists know it as one that only reads.
    pub is_listed: bool,
}

/// What a catalogue says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// It only reads; a word of caution, if any.
    Reads(Option<String>),
    /// It may do more, in words.
    Refused(String),
    /// It is not there.
    Unknown,
}

/// Who is asked about functions and operators, those of the lists included.
pub trait Catalogue {
    /// About a function.
    fn function(&self, called: &Called) -> Finding;
    /// About an operator.
    fn operator(&self, operator: &Operator) -> Finding;
}

/// Nobody is connected: the lists decide.
pub(super) struct Offline;

impl Catalogue for Offline {
    fn function(&self, called: &Called) -> Finding {
        if called.is_listed || called.place == Place::Field { Finding::Reads(None) } else { Finding::Unknown }
    }

    fn operator(&self, operator: &Operator) -> Finding {
        if operator.is_listed { Finding::Reads(None) } else { Finding::Unknown }
    }
}

/// Asks about a function; a caution, or the verdict that it is no read.
pub(super) fn function(catalogue: &dyn Catalogue, called: &Called) -> Result<Option<String>, GateVerdict> {
    match catalogue.function(called) {
        Finding::Reads(caution) => Ok(caution),
        Finding::Refused(why) => Err(GateVerdict::refused(why)),
        Finding::Unknown => Err(GateVerdict::unknown(format!(
            "function {} is not on the list of those that only read",
            called.name
        ))),
    }
}

/// Asks about an operator; a caution, or the verdict that it is no read.
pub(super) fn operator(
    catalogue: &dyn Catalogue,
    operator: &Operator,
) -> Result<Option<String>, GateVerdict> {
    match catalogue.operator(operator) {
        Finding::Reads(caution) => Ok(caution),
        Finding::Refused(why) => Err(GateVerdict::refused(why)),
        Finding::Unknown => Err(GateVerdict::unknown(format!("operator {} is not known", operator.name))),
    }
}

/// Writes down what is asked and lets all of it through.
#[derive(Default)]
struct Notes {
    functions: RefCell<Vec<Called>>,
    operators: RefCell<Vec<Operator>>,
}

impl Catalogue for Notes {
    fn function(&self, called: &Called) -> Finding {
        let mut known = self.functions.borrow_mut();
        if !known.contains(called) {
            known.push(called.clone());
        }
        Finding::Reads(None)
    }

    fn operator(&self, operator: &Operator) -> Finding {
        let mut known = self.operators.borrow_mut();
        if !known.contains(operator) {
            known.push(operator.clone());
        }
        Finding::Reads(None)
    }
}

/// What a text calls, so that a catalogue can be asked for all of it at once.
///
/// # Errors
/// The verdict on a text that is no read whatever its functions are.
pub fn calls(sql: &str, rules: &Rules) -> Result<(Vec<Called>, Vec<Operator>), GateVerdict> {
    let notes = Notes::default();
    let verdict = judge_knowing(sql, rules, &notes);
    if verdict.is_read() {
        Ok((notes.functions.into_inner(), notes.operators.into_inner()))
    } else {
        Err(verdict)
    }
}
