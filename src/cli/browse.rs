//! Verbs that read no rows: what is in this build, what is there, what it is.

use std::io::Read as _;

use serde_json::json;

use super::args::{At, Output, TargetOnly};
use super::{json as document, password, print, text};
use crate::job::CallCtx;
use crate::model::node::PageRequest;
use crate::model::{Error, ErrorKind, Result};
use crate::ops::check::Hop;
use crate::ops::{Opened, Target, Workspace};
use crate::safety::display;
use crate::safety::redact::redact;

/// Opens the target of a verb.
pub async fn open(ctx: &CallCtx, workspace: &Workspace, target: &str) -> Result<std::sync::Arc<Opened>> {
    let target = Target::resolve(workspace, target).await?;
    let asks = password::can_ask();
    if asks {
        password::unlock(workspace, &target).await?;
    }
    match Opened::open(ctx, workspace, &target).await {
        Err(error)
            if asks
                && matches!(error.kind, ErrorKind::Denied | ErrorKind::Refused)
                && password::ask(workspace, &target).await? =>
        {
            Opened::open(ctx, workspace, &target).await
        }
        opened => opened,
    }
}

pub fn connectors(workspace: &Workspace, output: Output) -> Result<()> {
    if output.json {
        let listed = workspace.registry().iter().map(|connector| {
            let card = connector.card();
            json!({"id": card.id, "name": card.name, "family": card.family, "summary": card.summary, "schemes": card.schemes,
                   "extensions": card.extensions, "form": card.form, "abilities": connector.abilities(), "commands": connector.commands().len()})
        });
        print::line(&json!({"connectors": listed.collect::<Vec<_>>()}).to_string());
        return Ok(());
    }
    let header = ["id", "name", "opens", "reads"].map(str::to_owned);
    let rows = workspace.registry().iter().map(|connector| {
        let card = connector.card();
        let opens = card
            .schemes
            .iter()
            .map(|scheme| format!("{scheme}://"))
            .chain(card.extensions.iter().map(|extension| format!(".{extension}")));
        vec![
            card.id.to_owned(),
            card.name.to_owned(),
            opens.collect::<Vec<_>>().join(" "),
            card.summary.to_owned(),
        ]
    });
    print::out(&text::table(&header, &rows.collect::<Vec<_>>(), &[]));
    Ok(())
}

pub fn commands(workspace: &Workspace, id: &str, output: Output) -> Result<()> {
    let connector = workspace.registry().by_id(id)?;
    if output.json {
        print::line(&json!({"connector": id, "commands": connector.commands()}).to_string());
        return Ok(());
    }
    for entry in connector.commands() {
        print::line(&format!("{} · {:?} · {:?}", entry.id, entry.cost, entry.intrusiveness));
        print::line(&format!("  {}", entry.template));
        print::line(&format!("  why: {}", entry.why));
        print::line(&format!(
            "  estimated by: {} · witness: {} · needs: {} · versions: {}",
            entry.estimated_by, entry.witness, entry.privilege, entry.versions
        ));
    }
    Ok(())
}

/// Most characters of what a hop found: a fingerprint is shown whole.
const MOST_FOUND_CHARS: usize = 4_000;

pub async fn check(ctx: &CallCtx, workspace: &Workspace, only: &TargetOnly) -> Result<()> {
    // What was typed may hold a password, and what was found may repeat it.
    let hops = crate::ops::check::check(ctx, workspace, &only.target).await.into_iter().map(|hop| Hop {
        found: display::visible(&redact(&hop.found), display::Place::Block, MOST_FOUND_CHARS)
            .text
            .into_owned(),
        error: hop.error.as_ref().map(super::clean_error),
        ..hop
    });
    let hops = hops.collect::<Vec<_>>();
    if only.output.json {
        let text = json!({
            "target": redact(&only.target), "hops": hops, "ok": hops.iter().all(|hop| hop.error.is_none()),
            "ledger": document::ledger(workspace),
        })
        .to_string();
        print::line(&text);
    } else {
        for hop in &hops {
            print::line(&format!(
                "{:7} {:14} {:>10}  {}",
                hop.verdict.word(),
                hop.name,
                format!("{:.1} ms", hop.millis),
                hop.found
            ));
            if let (Some(next), None) = (&hop.next, &hop.error) {
                print::line(&format!("{:34} → {next}", ""));
            }
        }
    }
    match hops.into_iter().find_map(|hop| hop.error) {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

pub async fn ls(
    ctx: &CallCtx,
    workspace: &Workspace,
    at: &At,
    size: usize,
    token: Option<String>,
    output: Output,
) -> Result<()> {
    if size == 0 {
        return Err(Error::new(ErrorKind::Invalid, "usage", "--page-size: a page of no nodes shows nothing"));
    }
    let opened = open(ctx, workspace, &at.target).await?;
    let page =
        opened.children(ctx, &super::spec::node_of(at.node.as_deref()), &PageRequest { token, size }).await?;
    if output.json {
        let nodes = page.nodes.iter().map(document::node).collect::<Vec<_>>();
        print::line(&json!({"nodes": nodes, "next_page": page.next}).to_string());
        return Ok(());
    }
    print::out(&text::nodes(&page.nodes));
    if let Some(next) = page.next {
        print::note(&format!("more: add --page {next}"));
    }
    Ok(())
}

pub async fn search(
    ctx: &CallCtx,
    workspace: &Workspace,
    target: &str,
    wanted: &str,
    output: Output,
) -> Result<()> {
    const MOST: usize = 200;
    let found = open(ctx, workspace, target).await?.search(ctx, wanted, MOST).await?;
    if output.json {
        print::line(
            &json!({"nodes": found.iter().map(document::node).collect::<Vec<_>>(), "most": MOST}).to_string(),
        );
    } else {
        print::out(&text::nodes(&found));
    }
    Ok(())
}

pub async fn describe(ctx: &CallCtx, workspace: &Workspace, at: &At, output: Output) -> Result<()> {
    let found = open(ctx, workspace, &at.target)
        .await?
        .describe(ctx, &super::spec::node_of(at.node.as_deref()))
        .await?;
    if output.json {
        let document = json!({
            "node": document::node(&found.node), "columns": document::columns(&found.schema), "keys": found.keys, "indexes": found.indexes,
            "details": found.details, "ddl": found.ddl, "notes": found.notes,
        });
        print::line(&document.to_string());
    } else {
        print::out(&text::description(&found));
    }
    Ok(())
}

/// Reads statements separated by NUL from stdin and says of each whether it is a read.
pub async fn gate(workspace: &Workspace, language: &str, output: Output) -> Result<()> {
    let connector = workspace.registry().by_id(language)?;
    let mut input = Vec::new();
    tokio::task::spawn_blocking(move || std::io::stdin().lock().read_to_end(&mut input).map(|_| input))
        .await
        .map_err(|error| Error::unexpected("gate", error))?
        .map_err(|error| Error::io("gate", "reading statements from stdin", &error))
        .and_then(|input| {
            let input = input.strip_suffix(&[0]).unwrap_or(&input).to_vec();
            for statement in input.split(|byte| *byte == 0) {
                let verdict = connector.gate(&String::from_utf8_lossy(statement)).ok_or_else(|| {
                    Error::new(ErrorKind::Unsupported, "gate", format!("{language} has no query language"))
                })?;
                if output.json {
                    print::line(&json!(verdict).to_string());
                } else {
                    print::line(&format!("{}: {}", verdict.word(), verdict.why()));
                }
            }
            Ok(())
        })
}
