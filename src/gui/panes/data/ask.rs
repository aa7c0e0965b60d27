//! What the user has set for the read of a tab, apart from what is shown: it becomes the shown read when the
//! source was asked, and is put back when the sheet is cancelled.

use crate::model::filter::Filter;
use crate::model::node::NodePath;
use crate::model::read::{Bound, OrderBy, ReadSpec, Sample, SampleMethod, SampleSize};

/// How many rows are asked for at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// This many, then page by page.
    Rows(u64),
    /// All in one read.
    All,
}

impl Limit {
    /// The choices.
    pub const ALL: [Self; 3] = [Self::Rows(ReadSpec::PREVIEW_ROWS), Self::Rows(1_000), Self::All];

    /// The choice in words.
    pub fn word(self) -> String {
        match self {
            Self::Rows(rows) => rows.to_string(),
            Self::All => "all rows".to_owned(),
        }
    }
}

/// The settings of a read.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// Rows at once.
    pub limit: Limit,
    /// A sample instead.
    pub sample: Option<(u64, SampleMethod)>,
    /// These columns; none = all.
    pub columns: Option<Vec<String>>,
    /// Filtered by the source.
    pub filter: Option<Filter>,
    /// Ordered by the source.
    pub order: Vec<OrderBy>,
    /// A free query instead of a node.
    pub query: Option<String>,
}

impl Default for Ask {
    fn default() -> Self {
        Self {
            limit: Limit::Rows(ReadSpec::PREVIEW_ROWS),
            sample: None,
            columns: None,
            filter: None,
            order: Vec::new(),
            query: None,
        }
    }
}

impl Ask {
    /// The read of a node with these settings.
    pub fn spec(&self, node: NodePath) -> ReadSpec {
        let rows = match (self.sample, self.limit) {
            (Some((rows, _)), _) | (None, Limit::Rows(rows)) => Some(rows),
            (None, Limit::All) => None,
        };
        ReadSpec {
            columns: self.columns.clone(),
            filter: self.filter.clone(),
            order: self.order.clone(),
            query: self.query.clone(),
            sample: self.sample.map(|(rows, method)| Sample { size: SampleSize::Rows(rows), method }),
            bound: rows.map(Bound::rows).unwrap_or_default(),
            ..ReadSpec::preview(node)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_rows_means_no_limit_and_a_sample_is_its_own_limit() {
        let node = NodePath::of(["t"]);
        assert_eq!(Ask::default().spec(node.clone()).bound.rows, Some(200));
        let all = Ask { limit: Limit::All, ..Ask::default() };
        assert_eq!(all.spec(node.clone()).bound, Bound::default());
        let sampled = Ask { sample: Some((50, SampleMethod::Block)), ..all };
        let spec = sampled.spec(node);
        assert_eq!(
            (spec.bound.rows, spec.sample.map(|sample| sample.method)),
            (Some(50), Some(SampleMethod::Block))
        );
    }
}
