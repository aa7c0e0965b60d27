//! What is told of a file and of its tables without reading rows.

use std::collections::BTreeSet;

use super::outline::{Outline, Table};
use super::source::FileSource;
use crate::model::load::Provenance;
use crate::model::lost::Findings;
use crate::model::node::{Description, Detail, Known, Node, NodeKind, NodePage, NodePath, PageRequest};
use crate::model::schema::Schema;
use crate::model::{Error, ErrorKind, Result};

/// The node of a table.
pub(super) fn node(source: &FileSource, outline: &Outline, table: &Table) -> Node {
    let path = source.path_of(table);
    let rows = table.rows.as_ref().map(|rows| Known {
        value: rows.mid.round().max(0.0) as u64,
        provenance: rows.provenance.clone(),
        as_of: None,
    });
    let bytes = if table.path.is_empty() { Some(Known::exact(outline.file_bytes)) } else { None };
    Node {
        name: path.name().to_owned(),
        expandable: has_children(source, outline, &path),
        path,
        kind: table.kind,
        readable: true,
        rows,
        bytes,
        note: table.remark.clone(),
    }
}

fn folder(path: NodePath) -> Node {
    Node {
        name: path.name().to_owned(),
        path,
        kind: NodeKind::Folder,
        readable: false,
        expandable: true,
        rows: None,
        bytes: None,
        note: None,
    }
}

fn has_children(source: &FileSource, outline: &Outline, at: &NodePath) -> bool {
    outline.tables.iter().any(|table| is_below(&source.path_of(table), at))
}

fn is_below(path: &NodePath, at: &NodePath) -> bool {
    path.segments().len() > at.segments().len() && path.segments().starts_with(at.segments())
}

/// One page of the children of a node.
pub(super) fn children(
    source: &FileSource,
    outline: &Outline,
    at: &NodePath,
    page: &PageRequest,
) -> Result<NodePage> {
    let mut known = BTreeSet::new();
    let mut nodes = Vec::new();
    let mut exists = at.is_root();
    for table in &outline.tables {
        let path = source.path_of(table);
        exists |= path == *at;
        if !is_below(&path, at) {
            continue;
        }
        exists = true;
        let depth = at.segments().len() + 1;
        let child = NodePath::of(path.segments().iter().take(depth).cloned());
        if known.insert(child.clone()) {
            let own = outline.tables.iter().find(|table| source.path_of(table) == child);
            nodes.push(own.map_or_else(|| folder(child), |table| node(source, outline, table)));
        }
    }
    if !exists {
        return Err(Error::not_found("browse", at));
    }
    let start = match &page.token {
        None => 0,
        Some(token) => token.parse::<usize>().map_err(|error| {
            Error::new(ErrorKind::Invalid, "browse", format!("{token:?} is no page of this list: {error}"))
        })?,
    };
    let end = start.saturating_add(page.size).min(nodes.len());
    let next = (end < nodes.len()).then(|| end.to_string());
    Ok(NodePage { nodes: nodes.drain(start.min(end)..end).collect(), next })
}

/// Everything known of a node.
pub(super) fn describe(source: &FileSource, outline: &Outline, at: &NodePath) -> Result<Description> {
    if let Some(table) = outline.tables.iter().find(|table| source.path_of(table) == *at) {
        let mut details = table.facts.clone();
        let mut notes = table.notes.clone();
        if outline.tables.len() == 1 {
            details.extend(outline.facts.iter().cloned());
            notes.extend(outline.notes.iter().cloned());
        }
        notes.extend(said(&outline.findings));
        return Ok(description(node(source, outline, table), table.schema.clone(), details, notes));
    }
    if at.is_root() {
        let node = Node {
            path: NodePath::root(),
            name: source.name().to_owned(),
            bytes: Some(Known::exact(outline.file_bytes)),
            ..folder(NodePath::root())
        };
        let mut details = vec![Detail::new("path", source.shown_path(), Provenance::Exact)];
        details.extend(outline.facts.iter().cloned());
        let notes = outline.notes.iter().cloned().chain(said(&outline.findings)).collect();
        return Ok(description(node, Schema::default(), details, notes));
    }
    if has_children(source, outline, at) {
        return Ok(description(folder(at.clone()), Schema::default(), Vec::new(), Vec::new()));
    }
    Err(Error::not_found("describe", at))
}

fn description(node: Node, schema: Schema, details: Vec<Detail>, notes: Vec<String>) -> Description {
    Description { node, schema, keys: Vec::new(), indexes: Vec::new(), details, ddl: None, notes }
}

/// Findings as remarks.
fn said(findings: &Findings) -> Vec<String> {
    let disagreements = findings
        .disagreements
        .iter()
        .map(|found| format!("{}: {}, but {}", found.about, found.declared, found.observed));
    let lost = findings.lost.iter().map(|lost| format!("{}: {} ({})", lost.place, lost.why, lost.count));
    disagreements.chain(lost).collect()
}
