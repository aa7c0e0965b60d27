//! What a server says of itself and of the login that asks: who it is, what that login may do at worst, and what keeps
//! it from doing it. A source tells what it knows; what is absent is not known.

use serde::Serialize;

/// The worst kinds of right first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Harm {
    /// It may do anything, on the server itself as well.
    Everything,
    /// It may change rows or objects.
    Changes,
    /// It may stop or disturb others.
    Disturbs,
    /// It may read.
    Reads,
}

/// Something that a login may do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Right {
    /// How bad it could be.
    pub harm: Harm,
    /// What it is, as a person says it.
    pub what: String,
}

impl Right {
    /// A right.
    pub fn new(harm: Harm, what: impl Into<String>) -> Self {
        Self { harm, what: what.into() }
    }
}

/// What keeps reads reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "by")]
pub enum Proof {
    /// The server refuses changes, and said so when asked.
    Server {
        /// What it said.
        what: String,
    },
    /// We send nothing else.
    Ours {
        /// What holds it.
        what: String,
    },
}

/// Where a server stands among its copies.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Position {
    /// It takes writes: reads of ours share its means with them.
    Primary,
    /// It follows another.
    Replica {
        /// How far behind, seconds, where it tells.
        lag_seconds: Option<f64>,
    },
}

/// What a server says of itself and of this login.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Standing {
    /// Its product and version, in its own words.
    pub product: Option<String>,
    /// What stays the same while it is the same server: told again before cached metadata is trusted.
    pub identity: Option<String>,
    /// The login, as the server names it.
    pub login: Option<String>,
    /// Roles that the login has.
    pub roles: Vec<String>,
    /// What it may do, worst first.
    pub rights: Vec<Right>,
    /// What keeps reads reads.
    pub read_only: Vec<Proof>,
    /// Its place among its copies.
    pub position: Option<Position>,
    /// Its clock, seconds since 1970.
    pub clock: Option<f64>,
}
