//! A JSON document as a tree of byte ranges: digits stay exact, duplicate keys stay visible.
//!
//! Invariants: parsing is iterative and bounded by [`MOST_BYTES`], [`MOST_NODES`] and [`DEEPEST`]; a node's text is
//! always a slice of the document, never a converted value.

use std::collections::HashSet;
use std::ops::Range;

use egui::text::LayoutJob;
use egui::{Label, ScrollArea, TextFormat, Ui};

use crate::gui::grid::text::one_line;
use crate::gui::theme::{self, Tokens, fonts};
use crate::gui::widgets::{Icon, icon_button};

/// Largest document shown as a tree.
pub const MOST_BYTES: usize = 8 << 20;
/// Most nodes in a tree.
pub const MOST_NODES: usize = 200_000;
/// Deepest nesting.
pub const DEEPEST: usize = 512;

/// Kind of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Members by name.
    Object,
    /// Members in order.
    Array,
    /// Quoted.
    String,
    /// Digits.
    Number,
    /// `true` or `false`.
    Word,
    /// `null`.
    Null,
}

/// One value of the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Nesting, 0 for the root.
    pub depth: usize,
    /// Its name with quotes, in an object.
    pub key: Option<Range<usize>>,
    /// Its whole text.
    pub value: Range<usize>,
    /// Its kind.
    pub kind: Kind,
    /// Direct members.
    pub members: usize,
    /// Index after its last descendant.
    pub end: usize,
}

/// All values in document order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonTree {
    /// The nodes, parents before members.
    pub nodes: Vec<Node>,
}

/// Why a text is not shown as a tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotJson {
    /// Not JSON at this byte.
    #[error("this is not JSON: {what} at byte {at}")]
    Broken {
        /// Byte offset.
        at: usize,
        /// What was expected.
        what: &'static str,
    },
    /// Beyond a limit.
    #[error("this document is larger than a tree should be ({what}); read it as text")]
    TooLarge {
        /// Which limit.
        what: &'static str,
    },
}

/// Whether a text starts like an object or an array; cheap enough for every frame.
pub fn looks_like(text: &str) -> bool {
    text.len() <= MOST_BYTES && text.trim_start().starts_with(['{', '['])
}

/// Which containers are folded; everything starts unfolded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TreeState {
    folded: HashSet<usize>,
    lines: Option<Vec<usize>>,
}

impl TreeState {
    /// Fold or unfold a container.
    pub fn toggle(&mut self, node: usize) {
        if !self.folded.remove(&node) {
            self.folded.insert(node);
        }
        self.lines = None;
    }

    fn lines(&mut self, tree: &JsonTree) -> &[usize] {
        let folded = &self.folded;
        self.lines.get_or_insert_with(|| {
            let mut lines = Vec::new();
            let mut i = 0;
            while let Some(node) = tree.nodes.get(i) {
                lines.push(i);
                i = if folded.contains(&i) { node.end } else { i + 1 };
            }
            lines
        })
    }
}

impl JsonTree {
    /// Read a document.
    ///
    /// # Errors
    /// When it is not JSON, or beyond a limit.
    pub fn parse(text: &str) -> Result<Self, NotJson> {
        if text.len() > MOST_BYTES {
            return Err(NotJson::TooLarge { what: "8 MiB" });
        }
        let mut parser = Parser { bytes: text.as_bytes(), at: 0, nodes: Vec::new(), open: Vec::new() };
        parser.document()?;
        Ok(Self { nodes: parser.nodes })
    }
}

struct Parser<'a> {
    bytes: &'a [u8],
    at: usize,
    nodes: Vec<Node>,
    /// Indices of containers that are not closed yet.
    open: Vec<usize>,
}

impl Parser<'_> {
    fn document(&mut self) -> Result<(), NotJson> {
        self.value(None)?;
        while let Some(&container) = self.open.last() {
            self.member(container)?;
        }
        self.space();
        if self.at < self.bytes.len() { Err(self.broken("text after the document")) } else { Ok(()) }
    }

    /// The next member of an open container, or its end.
    fn member(&mut self, container: usize) -> Result<(), NotJson> {
        self.space();
        let (kind, members) = match self.nodes.get(container) {
            Some(node) => (node.kind, node.members),
            None => return Err(self.broken("a value")),
        };
        let close = if kind == Kind::Object { b'}' } else { b']' };
        if self.take(close) {
            self.close(container);
            return Ok(());
        }
        if members > 0 {
            if !self.take(b',') {
                return Err(self.broken("a comma or the end of the list was expected"));
            }
            self.space();
        }
        let key = match kind {
            Kind::Object => {
                let key = self.string()?;
                self.space();
                if !self.take(b':') {
                    return Err(self.broken("a colon was expected"));
                }
                Some(key)
            }
            Kind::Array | Kind::String | Kind::Number | Kind::Word | Kind::Null => None,
        };
        if let Some(node) = self.nodes.get_mut(container) {
            node.members += 1;
        }
        self.value(key)
    }

    fn close(&mut self, container: usize) {
        self.open.pop();
        let (end, at) = (self.nodes.len(), self.at);
        if let Some(node) = self.nodes.get_mut(container) {
            node.end = end;
            node.value.end = at;
        }
    }

    fn value(&mut self, key: Option<Range<usize>>) -> Result<(), NotJson> {
        self.space();
        if self.nodes.len() >= MOST_NODES {
            return Err(NotJson::TooLarge { what: "200,000 values" });
        }
        if self.open.len() >= DEEPEST {
            return Err(NotJson::TooLarge { what: "nested 512 deep" });
        }
        let start = self.at;
        let depth = self.open.len();
        let kind = match self.bytes.get(self.at) {
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::Array,
            Some(b'"') => Kind::String,
            Some(b'-' | b'0'..=b'9') => Kind::Number,
            Some(b't' | b'f') => Kind::Word,
            Some(b'n') => Kind::Null,
            _ => return Err(self.broken("a value was expected")),
        };
        match kind {
            Kind::Object | Kind::Array => {
                self.at += 1;
                self.open.push(self.nodes.len());
            }
            Kind::String => {
                self.string()?;
            }
            Kind::Number => self.number(),
            Kind::Word | Kind::Null => self.word()?,
        }
        let index = self.nodes.len();
        self.nodes.push(Node { depth, key, value: start..self.at, kind, members: 0, end: index + 1 });
        Ok(())
    }

    fn string(&mut self) -> Result<Range<usize>, NotJson> {
        let start = self.at;
        if !self.take(b'"') {
            return Err(self.broken("a quoted name was expected"));
        }
        loop {
            match self.bytes.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(start..self.at);
                }
                Some(b'\\') => self.at += 2,
                Some(_) => self.at += 1,
                None => return Err(self.broken("a quote is never closed")),
            }
        }
    }

    fn number(&mut self) {
        let more = |b: &u8| matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
        while self.bytes.get(self.at).is_some_and(more) {
            self.at += 1;
        }
    }

    fn word(&mut self) -> Result<(), NotJson> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        for word in ["true", "false", "null"] {
            if rest.starts_with(word.as_bytes()) {
                self.at += word.len();
                return Ok(());
            }
        }
        Err(self.broken("a value was expected"))
    }

    fn space(&mut self) {
        while self.bytes.get(self.at).is_some_and(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.bytes.get(self.at) == Some(&byte);
        self.at += usize::from(found);
        found
    }

    fn broken(&self, what: &'static str) -> NotJson {
        NotJson::Broken { at: self.at.min(self.bytes.len()), what }
    }
}

/// Draw the tree; only the lines in view are laid out.
pub fn tree_ui(ui: &mut Ui, text: &str, tree: &JsonTree, state: &mut TreeState) {
    let count = state.lines(tree).len();
    let area = ScrollArea::both().id_salt("json tree").auto_shrink(false);
    area.show_rows(ui, theme::MIN_TARGET, count, |ui, rows| {
        ui.spacing_mut().item_spacing.y = 0.0;
        let lines: Vec<usize> = state.lines(tree).get(rows).unwrap_or_default().to_vec();
        for index in lines {
            let Some(node) = tree.nodes.get(index) else { continue };
            let fold = match node.kind {
                Kind::Object | Kind::Array if state.folded.contains(&index) => Fold::Folded,
                Kind::Object | Kind::Array => Fold::Open,
                Kind::String | Kind::Number | Kind::Word | Kind::Null => Fold::Leaf,
            };
            if node_ui(ui, text, node, fold) {
                state.toggle(index);
            }
        }
    });
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fold {
    Leaf,
    Open,
    Folded,
}

/// One line; true when its fold was clicked.
fn node_ui(ui: &mut Ui, text: &str, node: &Node, fold: Fold) -> bool {
    let tokens = theme::of(ui.ctx()).tokens;
    let key = node.key.clone().and_then(|range| text.get(range)).map(one_line);
    let mut clicked = false;
    ui.push_id(node.value.start, |ui| {
        ui.horizontal(|ui| {
            // Deep documents would leave the view: the indent stops growing.
            ui.add_space(16.0 * node.depth.min(24) as f32);
            let name = key.as_deref().unwrap_or("value");
            match fold {
                Fold::Open => clicked = icon_button(ui, Icon::ChevronDown, &format!("Fold {name}")).clicked(),
                Fold::Folded => {
                    clicked = icon_button(ui, Icon::ChevronRight, &format!("Unfold {name}")).clicked();
                }
                Fold::Leaf => ui.add_space(theme::MIN_TARGET + ui.spacing().item_spacing.x),
            }
            ui.set_min_height(theme::MIN_TARGET);
            ui.add(Label::new(line(text, node, key.as_deref(), tokens)).extend());
        });
    });
    clicked
}

fn line(text: &str, node: &Node, key: Option<&str>, tokens: &Tokens) -> LayoutJob {
    let mut job = LayoutJob::default();
    let mut push = |text: &str, color| job.append(text, 0.0, TextFormat::simple(fonts::mono(), color));
    if let Some(key) = key {
        push(key, tokens.syntax.key);
        push(": ", tokens.text_dim);
    }
    let value = text.get(node.value.clone()).unwrap_or_default();
    let noun = if node.members == 1 { "member" } else { "members" };
    match node.kind {
        Kind::Object => push(&format!("{{ {} {noun} }}", node.members), tokens.text_dim),
        Kind::Array => push(&format!("[ {} {noun} ]", node.members), tokens.text_dim),
        Kind::String => push(&one_line(value), tokens.syntax.string),
        Kind::Number => push(&one_line(value), tokens.text),
        Kind::Word => push(value, tokens.syntax.keyword),
        Kind::Null => push(value, tokens.syntax.null),
    }
    job
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(text: &str) -> Vec<(usize, Kind, usize, usize)> {
        let tree = JsonTree::parse(text).unwrap();
        tree.nodes.iter().map(|n| (n.depth, n.kind, n.members, n.end)).collect()
    }

    #[test]
    fn a_document_becomes_nodes_in_order() {
        let text = r#" {"a": [1, {"b": null}], "a": true} "#;
        assert_eq!(
            shape(text),
            [
                (0, Kind::Object, 2, 6),
                (1, Kind::Array, 2, 5),
                (2, Kind::Number, 0, 3),
                (2, Kind::Object, 1, 5),
                (3, Kind::Null, 0, 5),
                (1, Kind::Word, 0, 6),
            ]
        );
    }

    #[test]
    fn digits_and_duplicate_keys_are_kept_as_written() {
        let text = r#"{"n":12345678901234567890.10,"n":1e400}"#;
        let tree = JsonTree::parse(text).unwrap();
        let values: Vec<_> = tree.nodes.iter().skip(1).map(|n| text.get(n.value.clone()).unwrap()).collect();
        assert_eq!(values, ["12345678901234567890.10", "1e400"]);
    }

    #[test]
    fn what_is_not_json_says_where() {
        for (text, at) in
            [("", 0), ("{", 1), ("[1 2]", 3), ("{\"a\" 1}", 5), ("\"open", 5), ("[1]]", 3), ("nope", 0)]
        {
            match JsonTree::parse(text) {
                Err(NotJson::Broken { at: found, .. }) => assert_eq!(found, at, "{text:?}"),
                other => panic!("{text:?}: {other:?}"),
            }
        }
    }

    #[test]
    fn hostile_documents_end_at_a_limit() {
        let deep = "[".repeat(100_000);
        let wide = format!("[{}1]", "1,".repeat(300_000));
        let huge = format!("\"{}\"", "x".repeat(MOST_BYTES));
        for text in [deep, wide, huge] {
            assert!(matches!(JsonTree::parse(&text), Err(NotJson::TooLarge { .. })));
        }
    }

    #[test]
    fn folding_hides_the_members() {
        let tree = JsonTree::parse(r#"{"a":[1,2],"b":3}"#).unwrap();
        let mut state = TreeState::default();
        assert_eq!(state.lines(&tree), [0, 1, 2, 3, 4]);
        state.toggle(1);
        assert_eq!(state.lines(&tree), [0, 1, 4]);
        state.toggle(1);
        assert_eq!(state.lines(&tree).len(), 5);
    }
}
