//! Which paths values have, what they hold and how often they are there: a tree of the keys seen in the windows.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::kit::json::{Kinds, Pairs};
use crate::model::load::Provenance;
use crate::model::node::Detail;

const MOST_DEPTH: usize = 64;
const MOST_NODES: usize = 4096;
const MOST_TOLD: usize = 300;

/// A tree of paths.
#[derive(Default)]
pub(super) struct Paths {
    root: Node,
    nodes: usize,
    /// Paths that were left out: too deep, or too many.
    pub(super) left_out: u64,
    /// Keys that came twice in one object.
    pub(super) doubled: u64,
    deepest: usize,
}

#[derive(Default)]
struct Node {
    kinds: Kinds,
    seen: u64,
    longest: usize,
    /// By key; `[]` holds the items of an array.
    inner: BTreeMap<String, Node>,
}

/// The key under which items of an array are counted; no object's key is told apart from it by more than its parent.
const ITEMS: &str = "[]";

impl Paths {
    /// Adds a value.
    pub(super) fn add(&mut self, value: &RawValue) {
        let mut state = (self.nodes, self.left_out, self.doubled, self.deepest);
        add(&mut self.root, value, 0, &mut state);
        (self.nodes, self.left_out, self.doubled, self.deepest) = state;
    }

    /// What was seen, a line a path.
    pub(super) fn facts(&self) -> Vec<Detail> {
        let mut lines = Vec::new();
        tell(&self.root, "", &mut lines);
        let n = self.root.seen;
        let known =
            || Provenance::Sampled { n, design: "values in the windows of the first look".to_owned() };
        let mut facts: Vec<Detail> =
            lines.iter().take(MOST_TOLD).map(|(path, words)| Detail::new(path, words, known())).collect();
        if lines.len() > MOST_TOLD || self.left_out > 0 {
            let rest = (lines.len().saturating_sub(MOST_TOLD)) as u64 + self.left_out;
            facts.push(Detail::new("further paths", format!("{rest}, not listed one by one"), known()));
        }
        facts.push(Detail::new("deepest nesting", format!("{} levels", self.deepest), known()));
        if self.doubled > 0 {
            facts.push(Detail::new("keys that come twice in one object", self.doubled.to_string(), known()));
        }
        facts
    }
}

fn add(node: &mut Node, value: &RawValue, depth: usize, state: &mut (usize, u64, u64, usize)) {
    let raw = value.get();
    node.kinds.add(Kinds::of(raw));
    node.seen += 1;
    state.3 = state.3.max(depth);
    if depth >= MOST_DEPTH {
        state.1 += 1;
        return;
    }
    if let Some(Pairs(pairs)) = Pairs::of(value) {
        let mut keys: Vec<&str> = pairs.iter().map(|(key, _)| key.as_str()).collect();
        keys.sort_unstable();
        state.2 += keys.windows(2).filter(|pair| pair.first() == pair.last()).count() as u64;
        for (key, inner) in &pairs {
            step(node, key, inner, depth, state);
        }
    } else if raw.starts_with('[')
        && let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(raw)
    {
        node.longest = node.longest.max(items.len());
        for item in items.into_iter().take(1000) {
            step(node, ITEMS, item, depth, state);
        }
    }
}

fn step(node: &mut Node, key: &str, inner: &RawValue, depth: usize, state: &mut (usize, u64, u64, usize)) {
    if !node.inner.contains_key(key) {
        if state.0 >= MOST_NODES {
            state.1 += 1;
            return;
        }
        state.0 += 1;
    }
    add(node.inner.entry(key.to_owned()).or_default(), inner, depth + 1, state);
}

fn tell(node: &Node, path: &str, lines: &mut Vec<(String, String)>) {
    for (key, inner) in &node.inner {
        let path = match (path, key.as_str()) {
            (_, ITEMS) => format!("{path}[]"),
            ("", key) => key.to_owned(),
            (path, key) => format!("{path}.{key}"),
        };
        let mut words = inner.kinds.native();
        if key != ITEMS {
            words = format!("{words}; in {} of {}", inner.seen.min(node.seen), node.seen);
        }
        if inner.longest > 0 {
            words = format!("{words}; up to {} items", inner.longest);
        }
        lines.push((format!("path {path}"), words));
        tell(inner, &path, lines);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_tell_types_and_presence_and_keys_that_come_twice() {
        let mut paths = Paths::default();
        for text in [r#"{"a":1,"b":{"c":[1,"x"]}}"#, r#"{"a":"one","a":2}"#, r#"{"b":null}"#] {
            paths.add(serde_json::from_str(text).unwrap());
        }
        let facts: Vec<String> =
            paths.facts().iter().map(|fact| format!("{} = {}", fact.label, fact.value)).collect();
        for expected in [
            "path a = number, string; in 3 of 3",
            "path b = object or array, null; in 2 of 3",
            "path b.c = object or array; in 1 of 2; up to 2 items",
            "path b.c[] = number, string",
            "keys that come twice in one object = 1",
        ] {
            assert!(facts.iter().any(|fact| fact == expected), "{expected} in {facts:?}");
        }
    }

    #[test]
    fn a_value_nested_beyond_reason_is_counted_and_not_followed() {
        let mut paths = Paths::default();
        let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
        paths.add(serde_json::from_str(&deep).unwrap());
        assert_eq!(paths.left_out, 1);
    }
}
