//! The opened sources of a window and what is known of their catalogues. Children are fetched when a node is
//! first opened, page by page; what was fetched stays while it is fetched again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::view_ctx::{OpenSource, SourceId, ViewCtx};
use crate::job::Remote;
use crate::job::remote::Change;
use crate::model::node::{Node, NodePage, NodePath, PageRequest};
use crate::ops::{Opened, Target};

/// The children of one node, as far as fetched.
#[derive(Default)]
pub struct Children {
    /// The nodes, in the source's order.
    pub nodes: Vec<Node>,
    /// Token of the next page, if there is one.
    pub next: Option<String>,
    /// The page under way.
    pub page: Remote<NodePage>,
}

/// One opened source, or one that is being opened.
pub struct SourceEntry {
    /// Its id in this window.
    pub id: SourceId,
    /// What it was opened from.
    pub target: Target,
    /// The live source.
    pub opened: Remote<Arc<Opened>>,
    /// Children by node.
    pub children: BTreeMap<NodePath, Children>,
    /// Nodes shown open.
    pub expanded: BTreeSet<NodePath>,
}

impl SourceEntry {
    /// An entry whose connection is on its way.
    pub fn connect(ctx: &ViewCtx<'_>, id: SourceId, target: Target) -> Self {
        let mut entry = Self {
            id,
            target,
            opened: Remote::NotAsked,
            children: BTreeMap::new(),
            expanded: BTreeSet::from([NodePath::root()]),
        };
        entry.reconnect(ctx);
        entry
    }

    /// Connects (again).
    pub fn reconnect(&mut self, ctx: &ViewCtx<'_>) {
        let (workspace, target) = (ctx.workspace.clone(), self.target.clone());
        let title = format!("Connect to {}", self.target.name);
        self.opened
            .ask(ctx.spawn(title, |call| async move { Opened::open(&call, &workspace, &target).await }));
        self.children.clear();
    }

    /// The source as tabs use it, once connected.
    pub fn open_source(&self) -> Option<OpenSource> {
        self.opened.value().map(|opened| OpenSource { id: self.id, opened: Arc::clone(opened) })
    }

    /// Fetches the next page of a node's children, unless one is under way.
    pub fn fetch(&mut self, ctx: &ViewCtx<'_>, at: &NodePath) {
        let Some(opened) = self.opened.value().cloned() else { return };
        let children = self.children.entry(at.clone()).or_default();
        if children.page.job().is_some() {
            return;
        }
        let (at, page) = (at.clone(), PageRequest { token: children.next.clone(), ..PageRequest::first() });
        let title = format!("List {} {at}", opened.name);
        children.page.ask(ctx.spawn(title, |call| async move { opened.children(&call, &at, &page).await }));
    }

    /// Shows or hides the children of a node; fetches them when first shown.
    pub fn toggle(&mut self, ctx: &ViewCtx<'_>, at: &NodePath) {
        if !self.expanded.remove(at) {
            self.expanded.insert(at.clone());
            if !self.children.contains_key(at) {
                self.fetch(ctx, at);
            }
        }
    }

    /// Takes news in; returns what a user should be told or shown, in order: a quick source is connected and listed
    /// between two looks.
    pub fn poll(&mut self, ctx: &ViewCtx<'_>) -> Vec<SourceNews> {
        let mut news = Vec::new();
        if self.opened.poll() == Change::News {
            match &self.opened {
                Remote::Ready(_) => {
                    self.fetch(ctx, &NodePath::root());
                    news.push(SourceNews::Connected);
                }
                Remote::Failed { error, .. } => news.push(SourceNews::Failed(error.attempted.clone())),
                Remote::NotAsked | Remote::Pending { .. } => {}
            }
        }
        for (at, children) in &mut self.children {
            if children.page.poll() == Change::News
                && let Some(page) = children.page.value()
            {
                let first = children.nodes.is_empty();
                children.nodes.extend(page.nodes.iter().cloned());
                children.next.clone_from(&page.next);
                if first && at.is_root() {
                    news.push(SourceNews::Listed);
                }
            }
        }
        news
    }
}

/// What happened to a source just now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceNews {
    /// It is connected.
    Connected,
    /// Its first nodes are known.
    Listed,
    /// It could not be connected.
    Failed(String),
}

/// One visible line of the catalogue.
pub struct CatalogLine<'a> {
    /// The source.
    pub source: &'a SourceEntry,
    /// Depth of indentation.
    pub depth: usize,
    /// What the line shows.
    pub shows: LineShows<'a>,
}

/// What a line of the catalogue shows.
pub enum LineShows<'a> {
    /// The source itself.
    Source,
    /// A node.
    Node(&'a Node),
    /// Children are on their way.
    Fetching,
    /// Children could not be fetched.
    Failed(&'a str),
    /// There are more children of this node.
    More(&'a NodePath),
    /// The node has no children.
    Empty,
}

/// The visible lines of all sources, top to bottom.
pub fn catalog_lines(sources: &[SourceEntry]) -> Vec<CatalogLine<'_>> {
    let mut lines = Vec::new();
    for source in sources {
        lines.push(CatalogLine { source, depth: 0, shows: LineShows::Source });
        if source.expanded.contains(&NodePath::root()) && source.opened.value().is_some() {
            push_children(&mut lines, source, &NodePath::root(), 1);
        }
    }
    lines
}

fn push_children<'a>(lines: &mut Vec<CatalogLine<'a>>, source: &'a SourceEntry, at: &NodePath, depth: usize) {
    let Some((at, children)) = source.children.get_key_value(at) else { return };
    let mut push = |shows| lines.push(CatalogLine { source, depth, shows });
    if let Some(error) = children.page.error() {
        push(LineShows::Failed(&error.attempted));
    }
    let fetching = children.page.job().is_some();
    if children.nodes.is_empty() && !fetching && children.page.error().is_none() {
        push(LineShows::Empty);
    }
    for node in &children.nodes {
        lines.push(CatalogLine { source, depth, shows: LineShows::Node(node) });
        if node.expandable && source.expanded.contains(&node.path) {
            push_children(lines, source, &node.path, depth + 1);
        }
    }
    if fetching {
        lines.push(CatalogLine { source, depth, shows: LineShows::Fetching });
    } else if children.next.is_some() {
        lines.push(CatalogLine { source, depth, shows: LineShows::More(at) });
    }
}
