//! What a reader could not keep. Every reader returns rows **and** this; a pane, the CLI and the
//! export manifest show it. An empty list means: nothing was lost.

use serde::{Deserialize, Serialize};

/// Something that was dropped, padded, folded or cut, and how often.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    /// Where: a row range, a column, a byte offset.
    #[serde(rename = "where")]
    pub place: String,
    /// Why, in words.
    pub why: String,
    /// How many rows, cells or bytes (the word is in `why`).
    pub count: u64,
}

/// Metadata that says one thing while the rows decoded say another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disagreement {
    /// What the two sides talk about.
    pub about: String,
    /// What the metadata declares.
    pub declared: String,
    /// What was seen.
    pub observed: String,
}

/// Losses and disagreements gathered over one read; same-worded losses are counted together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Findings {
    /// What could not be kept.
    pub lost: Vec<Lost>,
    /// What contradicts itself.
    pub disagreements: Vec<Disagreement>,
}

impl Findings {
    /// At most this many distinct losses are listed; the rest is counted under one entry.
    const MAX_LISTED: usize = 200;

    /// Adds a loss, joining it with an earlier one of the same reason.
    pub fn lost(&mut self, lost: Lost) {
        if let Some(known) = self.lost.iter_mut().find(|known| known.why == lost.why) {
            known.count += lost.count;
            if known.place != lost.place && !known.place.ends_with('…') {
                known.place = format!("{}, …", known.place);
            }
        } else if self.lost.len() < Self::MAX_LISTED {
            self.lost.push(lost);
        } else if let Some(rest) = self.lost.last_mut() {
            rest.why = "further kinds of loss, not listed one by one".to_owned();
            rest.count += lost.count;
        }
    }

    /// Adds everything of `other`.
    pub fn merge(&mut self, other: Self) {
        for lost in other.lost {
            self.lost(lost);
        }
        for disagreement in other.disagreements {
            if !self.disagreements.contains(&disagreement) {
                self.disagreements.push(disagreement);
            }
        }
    }

    /// Whether nothing was lost and nothing disagrees.
    pub fn is_clean(&self) -> bool {
        self.lost.is_empty() && self.disagreements.is_empty()
    }
}
