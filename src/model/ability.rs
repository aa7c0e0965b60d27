//! What a source can do, as data. Abilities tell the truth: `Inexact` beats a lie. After connecting they
//! may narrow by version and grants.

use serde::{Deserialize, Serialize};

/// Whether the source does a part of a read itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Support {
    /// Fully and with the meaning asked for.
    Exact,
    /// It narrows, the rest is done in the fetched rows.
    Inexact,
    /// Not at all.
    None,
}

impl Support {
    /// What the window says beside a filter or sort.
    pub fn label(self) -> &'static str {
        match self {
            Self::Exact => "asked of the source",
            Self::Inexact => "narrowed by the source, finished in the fetched rows",
            Self::None => "in the fetched rows",
        }
    }
}

/// Cost class of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CostClass {
    /// Known without asking.
    Free,
    /// Constant: a catalogue look-up, a header.
    Constant,
    /// Grows with the rows returned.
    Returned,
    /// Grows with the size of the object.
    Scan,
}

/// Whether cancelling reaches the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelReach {
    /// Stops the work there, confirmed.
    Confirmed,
    /// Asks it to stop.
    Asked,
    /// Only we stop listening.
    LocalOnly,
}

/// Which parts of a read the source does itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pushdown {
    /// Choosing columns.
    pub projection: Support,
    /// Filtering.
    pub filter: Support,
    /// Ordering.
    pub order: Support,
    /// Stopping at a row limit.
    pub limit: Support,
    /// Sampling.
    pub sample: Support,
}

impl Pushdown {
    /// Everything at the source.
    pub const FULL: Self = Self {
        projection: Support::Exact,
        filter: Support::Exact,
        order: Support::Exact,
        limit: Support::Exact,
        sample: Support::Exact,
    };
}

/// What a source can do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Abilities {
    /// Which parts of a read it does itself.
    pub pushdown: Pushdown,
    /// Cost of an exact row count.
    pub exact_count: CostClass,
    /// Whether pages follow a stable key (else they may shift under writes).
    pub stable_paging: Support,
    /// Whether a profile is made by the source's own reader ([`crate::model::read::Want::Profile`]).
    pub native_profile: Support,
    /// Whether the catalogue already knows a profile.
    pub catalog_profile: Support,
    /// How far cancelling reaches.
    pub cancel: CancelReach,
    /// Whether one read sees one state of the data.
    pub snapshot: Support,
    /// What reading does to the source, in words; empty = nothing beyond the reading.
    pub side_effects: Vec<String>,
    /// Most rows of one page, if the source caps it.
    pub page_cap_rows: Option<u64>,
    /// Requests per second the source allows, if it says.
    pub rate_limit_per_sec: Option<f64>,
    /// Language of free queries, if it has one.
    pub query_language: Option<String>,
}
