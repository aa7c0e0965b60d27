//! The planner's plan: `EXPLAIN (FORMAT JSON, VERBOSE, SETTINGS)` read into typed nodes.
//!
//! Fields that are not known are passed over, fields that are missing are empty, so that newer and older
//! servers read alike. Levels are parsed one by one: depth and size are bounded before anything is built.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::model::Result;
use crate::model::error::{Error, ErrorKind};

const STAGE: &str = "estimate";

/// Longest plan read, in bytes.
const MOST_BYTES: usize = 16 << 20;

/// Deepest nesting of nodes.
const MOST_DEPTH: usize = 100;

/// Most nodes of one plan.
const MOST_NODES: usize = 50_000;

/// What a node is, as far as its cost goes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the planner's own")]
pub enum Kind {
    SeqScan,
    SampleScan,
    IndexScan,
    IndexOnlyScan,
    BitmapHeapScan,
    BitmapIndexScan,
    BitmapAnd,
    BitmapOr,
    TidScan,
    TidRangeScan,
    FunctionScan,
    ForeignScan,
    CteScan,
    WorkTableScan,
    /// Rows that are in the plan itself, or pass through: values, results, subqueries.
    Plain,
    NestedLoop,
    HashJoin,
    MergeJoin,
    Hash,
    Materialize,
    Memoize,
    Sort,
    IncrementalSort,
    Aggregate,
    Group,
    WindowAgg,
    Unique,
    SetOp,
    Append,
    MergeAppend,
    RecursiveUnion,
    Limit,
    Gather,
    GatherMerge,
    /// Writes or locks: no read.
    Writes,
    /// Not known: a custom scan, or a node of a newer server.
    Other,
}

impl Kind {
    fn of(node_type: &str) -> Self {
        match node_type {
            "Seq Scan" => Self::SeqScan,
            "Sample Scan" => Self::SampleScan,
            "Index Scan" => Self::IndexScan,
            "Index Only Scan" => Self::IndexOnlyScan,
            "Bitmap Heap Scan" => Self::BitmapHeapScan,
            "Bitmap Index Scan" => Self::BitmapIndexScan,
            "BitmapAnd" => Self::BitmapAnd,
            "BitmapOr" => Self::BitmapOr,
            "Tid Scan" => Self::TidScan,
            "Tid Range Scan" => Self::TidRangeScan,
            "Function Scan" | "Table Function Scan" => Self::FunctionScan,
            "Foreign Scan" => Self::ForeignScan,
            "CTE Scan" => Self::CteScan,
            "WorkTable Scan" => Self::WorkTableScan,
            "Values Scan" | "Result" | "ProjectSet" | "Subquery Scan" | "Named Tuplestore Scan" => {
                Self::Plain
            }
            "Nested Loop" => Self::NestedLoop,
            "Hash Join" => Self::HashJoin,
            "Merge Join" => Self::MergeJoin,
            "Hash" => Self::Hash,
            "Materialize" => Self::Materialize,
            "Memoize" => Self::Memoize,
            "Sort" => Self::Sort,
            "Incremental Sort" => Self::IncrementalSort,
            "Aggregate" => Self::Aggregate,
            "Group" => Self::Group,
            "WindowAgg" => Self::WindowAgg,
            "Unique" => Self::Unique,
            "SetOp" => Self::SetOp,
            "Append" => Self::Append,
            "Merge Append" => Self::MergeAppend,
            "Recursive Union" => Self::RecursiveUnion,
            "Limit" => Self::Limit,
            "Gather" => Self::Gather,
            "Gather Merge" => Self::GatherMerge,
            "ModifyTable" | "LockRows" => Self::Writes,
            _ => Self::Other,
        }
    }
}

/// One node of the plan.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// What the planner says of it.
    pub said: Said,
    /// The nodes below, in the planner's order.
    pub below: Vec<Self>,
}

/// What the planner says of a node.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "the names are the planner's own")]
pub struct Said {
    #[serde(rename = "Node Type")]
    pub node_type: String,
    #[serde(rename = "Strategy")]
    pub strategy: String,
    #[serde(rename = "Partial Mode")]
    pub partial_mode: String,
    #[serde(rename = "Parent Relationship")]
    pub parent_relationship: String,
    #[serde(rename = "Subplan Name")]
    pub subplan_name: String,
    #[serde(rename = "Parallel Aware")]
    pub parallel_aware: bool,
    #[serde(rename = "Join Type")]
    pub join_type: String,
    #[serde(rename = "Inner Unique")]
    pub inner_unique: bool,
    #[serde(rename = "Schema")]
    pub schema: String,
    #[serde(rename = "Relation Name")]
    pub relation: String,
    #[serde(rename = "Alias")]
    pub alias: String,
    #[serde(rename = "Index Name")]
    pub index: String,
    #[serde(rename = "CTE Name")]
    pub cte: String,
    #[serde(rename = "Function Name")]
    pub function: String,
    #[serde(rename = "Startup Cost")]
    pub startup_cost: f64,
    #[serde(rename = "Total Cost")]
    pub total_cost: f64,
    #[serde(rename = "Plan Rows")]
    pub rows: f64,
    #[serde(rename = "Plan Width")]
    pub width: f64,
    #[serde(rename = "Output")]
    pub output: Vec<String>,
    #[serde(rename = "Filter")]
    pub filter: String,
    #[serde(rename = "Index Cond")]
    pub index_cond: String,
    #[serde(rename = "Order By")]
    pub order_by: String,
    #[serde(rename = "TID Cond")]
    pub tid_cond: String,
    #[serde(rename = "Join Filter")]
    pub join_filter: String,
    #[serde(rename = "Group Key")]
    pub group_key: Vec<String>,
    #[serde(rename = "Sampling Method")]
    pub sampling_method: String,
    #[serde(rename = "Sampling Parameters")]
    pub sampling_parameters: Vec<String>,
    #[serde(rename = "Workers Planned")]
    pub workers: f64,
    #[serde(rename = "Plans")]
    below: Vec<Box<RawValue>>,
}

/// A whole plan.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The topmost node.
    pub root: Node,
    /// Planner settings that are not the server's default, by name.
    pub settings: std::collections::BTreeMap<String, String>,
}

/// The outermost object.
#[derive(Deserialize)]
struct Wire {
    #[serde(rename = "Plan")]
    plan: Box<RawValue>,
    #[serde(rename = "Settings", default)]
    settings: std::collections::BTreeMap<String, String>,
}

impl Plan {
    /// Reads the one value of EXPLAIN's one row.
    ///
    /// # Errors
    /// `decode` if it is no plan, `unsupported` beyond the bounds of depth and size.
    pub fn parse(text: &str) -> Result<Self> {
        if text.len() > MOST_BYTES {
            return Err(beyond(&format!("longer than {} MiB", MOST_BYTES >> 20)));
        }
        let wires: Vec<Wire> = serde_json::from_str(text).map_err(|error| undecodable(&error))?;
        let wire = wires
            .into_iter()
            .next()
            .ok_or_else(|| Error::new(ErrorKind::Decode, STAGE, "the server's plan is empty"))?;
        let mut nodes = 0;
        Ok(Self { root: node(&wire.plan, 1, &mut nodes)?, settings: wire.settings })
    }

    /// All nodes, parents first.
    pub fn nodes(&self) -> Vec<&Node> {
        let mut found = Vec::new();
        let mut open = vec![&self.root];
        while let Some(node) = open.pop() {
            found.push(node);
            open.extend(node.below.iter().rev());
        }
        found
    }

    /// A setting in bytes, such as `work_mem`; the server's own default if the plan does not name it.
    pub fn bytes_setting(&self, name: &str, default: f64) -> f64 {
        self.settings.get(name).and_then(|text| bytes(text)).unwrap_or(default)
    }

    /// A setting as a number.
    pub fn number_setting(&self, name: &str, default: f64) -> f64 {
        self.settings.get(name).and_then(|text| text.trim().parse().ok()).unwrap_or(default)
    }
}

/// `64MB`, `4kB`, `1GB`.
fn bytes(text: &str) -> Option<f64> {
    let text = text.trim();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: f64 = digits.trim().parse().ok()?;
    let unit = text.strip_prefix(digits)?.trim();
    let factor = match unit {
        "B" => 1.0,
        "" | "kB" => 1024.0,
        "MB" => 1024.0 * 1024.0,
        "GB" => 1024.0 * 1024.0 * 1024.0,
        "TB" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    };
    Some(number * factor)
}

fn node(raw: &RawValue, depth: usize, nodes: &mut usize) -> Result<Node> {
    *nodes += 1;
    if depth > MOST_DEPTH {
        return Err(beyond(&format!("nested deeper than {MOST_DEPTH} nodes")));
    }
    if *nodes > MOST_NODES {
        return Err(beyond(&format!("more than {MOST_NODES} nodes")));
    }
    let mut said: Said = serde_json::from_str(raw.get()).map_err(|error| undecodable(&error))?;
    let raws = std::mem::take(&mut said.below);
    let below = raws.iter().map(|raw| node(raw, depth + 1, nodes)).collect::<Result<_>>()?;
    Ok(Node { kind: Kind::of(&said.node_type), said, below })
}

fn undecodable(error: &serde_json::Error) -> Error {
    Error::new(ErrorKind::Decode, STAGE, format!("the server's plan is not what EXPLAIN gives: {error}"))
}

fn beyond(what: &str) -> Error {
    Error::new(ErrorKind::Unsupported, STAGE, format!("the server's plan is {what}: its load is not known"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_read_with_its_settings_and_whatever_is_new_in_it() {
        let plan = Plan::parse(
            r#"[{"Plan": {"Node Type": "Limit", "Plan Rows": 10, "Plan Width": 8, "New": {"x": [1]},
                 "Plans": [{"Node Type": "Seq Scan", "Schema": "app", "Relation Name": "t", "Plan Rows": 99}]},
               "Settings": {"work_mem": "64MB", "hash_mem_multiplier": "1.5"}, "JIT": {}}]"#,
        )
        .unwrap();
        assert_eq!(plan.root.kind, Kind::Limit);
        assert_eq!(plan.root.below[0].said.relation, "t");
        assert_eq!(plan.bytes_setting("work_mem", 0.0), 64.0 * 1024.0 * 1024.0);
        assert_eq!(plan.number_setting("hash_mem_multiplier", 2.0), 1.5);
        assert_eq!(plan.nodes().len(), 2);
    }

    #[test]
    fn what_is_no_plan_or_too_deep_is_an_error() {
        for text in ["", "[]", "{}", "null", r#"[{"Plan": 1}]"#, r#"[{"Settings": {}}]"#] {
            assert!(Plan::parse(text).is_err(), "{text}");
        }
        let mut text = r#"{"Node Type": "Result"}"#.to_owned();
        for _ in 0..150 {
            text = format!(r#"{{"Node Type": "Limit", "Plans": [{text}]}}"#);
        }
        let error = Plan::parse(&format!(r#"[{{"Plan": {text}}}]"#)).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unsupported);
    }
}
