//! Browsing: children page by page, descriptions, names searched in what the catalogue gives.

use super::{Mount, Opened};
use crate::job::CallCtx;
use crate::model::node::{Description, Node, NodeKind, NodePage, NodePath, PageRequest};
use crate::model::{ErrorKind, Result};

impl Opened {
    /// One page of the children of a node.
    pub async fn children(&self, ctx: &CallCtx, at: &NodePath, page: &PageRequest) -> Result<NodePage> {
        if at.is_root() && self.mounts.iter().any(|mount| mount.name.is_some()) {
            let mut nodes = Vec::with_capacity(self.mounts.len());
            for mount in &self.mounts {
                nodes.push(self.mount_node(ctx, mount).await?);
            }
            return Ok(NodePage { nodes, next: None });
        }
        let (mount, inner) = self.locate(at)?;
        let call = ctx.child(self.recorder(mount));
        let mut found = mount.source().children(&call, &inner, page).await?;
        for node in &mut found.nodes {
            node.path = mount.outer(&node.path);
        }
        Ok(found)
    }

    /// A mount as a node: the only readable node of a source of one data set stands for it.
    async fn mount_node(&self, ctx: &CallCtx, mount: &Mount) -> Result<Node> {
        let name = mount.name.clone().unwrap_or_default();
        let call = ctx.child(self.recorder(mount));
        let page =
            mount.source().children(&call, &NodePath::root(), &PageRequest { token: None, size: 2 }).await?;
        Ok(match page.nodes.as_slice() {
            [only] if only.readable && !only.expandable => {
                Node { path: mount.outer(&only.path), name, ..only.clone() }
            }
            _ => Node {
                path: mount.outer(&NodePath::root()),
                name,
                kind: NodeKind::Database,
                readable: false,
                expandable: true,
                rows: None,
                bytes: None,
                note: None,
            },
        })
    }

    /// Everything known of a node without reading its rows.
    pub async fn describe(&self, ctx: &CallCtx, at: &NodePath) -> Result<Description> {
        // The source itself, unless it stands for the one thing in it.
        let at = match self.readable(ctx, at).await {
            Ok(readable) => readable,
            Err(error) if error.kind == ErrorKind::Invalid && at.is_root() && self.mounts().len() == 1 => {
                at.clone()
            }
            Err(error) => return Err(error),
        };
        let (mount, inner) = self.locate(&at)?;
        let call = ctx.child(self.recorder(mount));
        let mut found = mount.source().describe(&call, &inner).await?;
        found.node.path = mount.outer(&found.node.path);
        for target in found.keys.iter_mut().filter_map(|key| key.references.as_mut()) {
            target.node = mount.outer(&target.node);
        }
        Ok(found)
    }

    /// Nodes whose name holds `text`, any case, looked for level by level in the catalogue; at most `most`.
    pub async fn search(&self, ctx: &CallCtx, text: &str, most: usize) -> Result<Vec<Node>> {
        let wanted = text.to_lowercase();
        let mut found = Vec::new();
        let mut open = vec![NodePath::root()];
        while let Some(at) = open.pop() {
            let mut page = PageRequest::first();
            loop {
                ctx.check("search")?;
                let children = self.children(ctx, &at, &page).await?;
                for node in children.nodes {
                    if node.expandable {
                        open.push(node.path.clone());
                    }
                    if node.name.to_lowercase().contains(&wanted) {
                        found.push(node);
                        if found.len() == most {
                            return Ok(found);
                        }
                    }
                }
                match children.next {
                    Some(next) => page.token = Some(next),
                    None => break,
                }
            }
        }
        Ok(found)
    }
}
