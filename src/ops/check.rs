//! Connecting hop by hop: what each hop found, how long it took, and the first that failed. An error names
//! its hop.

use std::time::Instant;

use serde::Serialize;

use super::{Opened, Target, Workspace};
use crate::job::CallCtx;
use crate::model::ability::Support;
use crate::model::node::{NodePath, PageRequest};
use crate::model::{Error, Result};

/// One hop.
#[derive(Clone, Debug, Serialize)]
pub struct Hop {
    /// What was tried.
    pub name: &'static str,
    /// How long it took.
    pub millis: f64,
    /// What it found, in words.
    pub found: String,
    /// Why it failed.
    pub error: Option<Error>,
}

async fn hop<T>(
    hops: &mut Vec<Hop>,
    name: &'static str,
    work: impl Future<Output = Result<(String, T)>>,
) -> Option<T> {
    let since = Instant::now();
    let result = work.await;
    let millis = since.elapsed().as_secs_f64() * 1e3;
    match result {
        Ok((found, value)) => {
            hops.push(Hop { name, millis, found, error: None });
            Some(value)
        }
        Err(error) => {
            hops.push(Hop { name, millis, found: error.attempted.clone(), error: Some(error) });
            None
        }
    }
}

/// Checks a target hop by hop; stops at the first hop that fails.
pub async fn check(ctx: &CallCtx, workspace: &Workspace, text: &str) -> Vec<Hop> {
    let mut hops = Vec::new();
    let resolved = hop(&mut hops, "name", async {
        let target = Target::resolve(workspace, text).await?;
        let parts =
            target.parts.iter().map(|part| part.connection.connector.as_str()).collect::<Vec<_>>().join(", ");
        Ok((format!("{} ({parts})", target.name), target))
    });
    let Some(target) = resolved.await else { return hops };
    let connected = hop(&mut hops, "connect read-only", async {
        let opened = Opened::open(ctx, workspace, &target).await?;
        Ok((
            format!(
                "{}, budget {:?} rows a session",
                opened.tier.word(),
                opened.policy.budget().limit().rows
            ),
            opened,
        ))
    });
    let Some(opened) = connected.await else { return hops };
    let listed = hop(&mut hops, "list", async {
        let page = opened.children(ctx, &NodePath::root(), &PageRequest::first()).await?;
        let more = if page.next.is_some() { " and more" } else { "" };
        Ok((format!("{} nodes{more}", page.nodes.len()), page))
    });
    let Some(page) = listed.await else { return hops };
    let Some(first) = page.nodes.iter().find(|node| node.readable) else { return hops };
    let described = hop(&mut hops, "describe", async {
        let found = opened.describe(ctx, &first.path).await?;
        Ok((format!("{}: {} columns", found.node.path, found.schema.fields.len()), found))
    });
    if described.await.is_none() {
        return hops;
    }
    for mount in opened.mounts() {
        let abilities = mount.source().abilities();
        let consistency = if abilities.snapshot == Support::Exact {
            "one state per read"
        } else {
            "may see changes while reading"
        };
        hops.push(Hop {
            name: "abilities",
            millis: 0.0,
            found: format!("{}: {consistency}; cancel: {:?}", mount.connector().card().id, abilities.cancel),
            error: None,
        });
    }
    hops
}
