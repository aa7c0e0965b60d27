//! Cards, trees and what is not there.

use std::collections::BTreeSet;

use super::super::bench::{Bench, Breadth, Check, Live, context, ensure};
use crate::model::node::{Node, NodePath, PageRequest};
use crate::model::read::ReadSpec;
use crate::model::{Error, ErrorKind};

/// Most nodes walked; a subject's upstream should be smaller.
const MOST_NODES: usize = 2_000;

pub(super) async fn card_and_commands(bench: &Bench) -> Check {
    let card = bench.subject.connector.card();
    let lower = |id: &str| {
        !id.is_empty() && id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    ensure!(lower(card.id), "the id {:?} is not one lower-case word", card.id);
    for (what, text) in [("name", card.name), ("summary", card.summary), ("page of help", card.docs)] {
        ensure!(!text.trim().is_empty(), "the card has no {what}");
    }
    let keys = card.form.fields.iter().map(|field| field.key).collect::<BTreeSet<_>>();
    ensure!(keys.len() == card.form.fields.len(), "two fields of the form have one key");
    for key in bench.subject.connection.values.keys() {
        ensure!(keys.contains(key.as_str()), "the connection uses {key:?}, which the form lacks");
    }
    let commands = bench.subject.connector.commands();
    ensure!(!commands.is_empty(), "the command table is empty");
    let ids = commands.iter().map(|entry| &entry.id).collect::<BTreeSet<_>>();
    ensure!(ids.len() == commands.len(), "two entries of the command table have one id");
    for entry in commands {
        let columns = [
            ("template", entry.template),
            ("why", entry.why),
            ("estimate", entry.estimated_by),
            ("witness", entry.witness),
            ("versions", entry.versions),
            ("privilege", entry.privilege),
        ];
        for (column, text) in columns {
            ensure!(!text.trim().is_empty(), "entry {} has no {column}", entry.id);
        }
    }
    Ok(())
}

/// The children of a node, all or the first of them, by pages of `size`.
async fn listed(live: &Live, at: &NodePath, size: usize, breadth: Breadth) -> Result<Vec<Node>, String> {
    let mut found = Vec::new();
    let mut page = PageRequest { token: None, size };
    loop {
        let given = live
            .source
            .children(&live.ctx(), at, &page)
            .await
            .map_err(|error| format!("listing {at}: {error}"))?;
        ensure!(given.nodes.len() <= size, "a page of {size} has {} nodes", given.nodes.len());
        found.extend(given.nodes);
        if let Breadth::First(most) = breadth
            && found.len() >= most
        {
            found.truncate(most);
            return Ok(found);
        }
        ensure!(found.len() <= MOST_NODES, "the list of {at} does not end");
        match given.next {
            None => return Ok(found),
            Some(token) => {
                ensure!(page.token.as_ref() != Some(&token), "the page token of {at} repeats itself");
                page.token = Some(token);
            }
        }
    }
}

/// The tree, by pages of `size`.
async fn walked(live: &Live, size: usize, breadth: Breadth) -> Result<Vec<Node>, String> {
    let mut found: Vec<Node> = Vec::new();
    let mut open = vec![NodePath::root()];
    while let Some(at) = open.pop() {
        let children = listed(live, &at, size, breadth).await?;
        for child in &children {
            ensure!(child.path.parent() == at, "{} is listed below {at}", child.path);
            ensure!(!child.name.is_empty(), "{} has no name", child.path);
            ensure!(
                NodePath::parse(&child.path.to_string()) == child.path,
                "{} does not survive printing",
                child.path
            );
        }
        open.extend(children.iter().filter(|child| child.expandable).map(|child| child.path.clone()));
        found.extend(children);
        ensure!(found.len() <= MOST_NODES, "the tree does not end");
    }
    let paths = found.iter().map(|node| &node.path).collect::<BTreeSet<_>>();
    ensure!(paths.len() == found.len(), "a node is listed twice in pages of {size}");
    Ok(found)
}

pub(super) async fn children(bench: &Bench) -> Check {
    let live = bench.connect().await?;
    let whole = walked(&live, PageRequest::DEFAULT_SIZE, bench.breadth).await?;
    let paths = |nodes: &[Node]| nodes.iter().map(|node| node.path.clone()).collect::<Vec<_>>();
    for size in [1, 2, 3, 7, PageRequest::DEFAULT_SIZE] {
        let again = walked(&live, size, bench.breadth).await?;
        ensure!(
            paths(&again) == paths(&whole),
            "pages of {size} give {:?}, one page gives {:?}",
            paths(&again),
            paths(&whole)
        );
    }
    let subject = &bench.subject;
    let wanted = std::iter::once(&subject.readable)
        .chain(&subject.big)
        .chain(subject.known.iter().map(|known| &known.node));
    for node in wanted.filter(|node| !node.is_root()) {
        let found = whole.iter().find(|found| found.path == *node);
        ensure!(found.is_some_and(|found| found.readable), "{node} is not listed as readable");
    }
    for leaf in whole.iter().filter(|node| !node.expandable) {
        ensure!(
            listed(&live, &leaf.path, 10, Breadth::Whole).await?.is_empty(),
            "{} is a leaf and has children",
            leaf.path
        );
    }
    Ok(())
}

pub(super) async fn described(bench: &Bench) -> Check {
    let live = bench.connect().await?;
    for node in walked(&live, PageRequest::DEFAULT_SIZE, bench.breadth).await?.iter().take(50) {
        let told = live.source.describe(&live.ctx(), &node.path).await;
        let told = told.map_err(|error| format!("describing {}: {error}", node.path))?;
        ensure!(told.node.path == node.path, "{} is described as {}", node.path, told.node.path);
        ensure!(
            (told.node.readable, told.node.expandable) == (node.readable, node.expandable),
            "{} is listed and described unlike",
            node.path
        );
    }
    let spec = bench.all();
    let told = live.source.describe(&live.ctx(), &spec.node).await.map_err(|error| error.to_string())?;
    ensure!(told.node.readable, "{} is not readable", spec.node);
    if let Some(rows) = told.node.rows.filter(|rows| rows.provenance.rank() == 0) {
        ensure!(
            rows.value == bench.subject.rows,
            "an exact count of {} for {} rows",
            rows.value,
            bench.subject.rows
        );
    }
    let answer = live.read(spec).await.map_err(|error| error.to_string())?;
    let Some(batch) = answer.got.batches.first() else { return Err("no rows came".to_owned()) };
    let shape = |fields: &[crate::model::schema::Field]| {
        fields.iter().map(|field| (field.name.clone(), field.logical.clone())).collect::<Vec<_>>()
    };
    // Without a catalogue the rows that came are what the columns are known by.
    let described = match told.schema.fields {
        fields if fields.is_empty() => live.columns(&bench.subject.readable).await?,
        fields => fields,
    };
    ensure!(
        shape(&described) == shape(&batch.schema.fields),
        "described as {:?}, read as {:?}",
        shape(&described),
        shape(&batch.schema.fields)
    );
    Ok(())
}

/// Fails unless an error is of its kind and written for a person.
fn well_said(what: &str, error: &Error, kind: ErrorKind) -> Check {
    ensure!(error.kind == kind, "{what} gives {} instead of {}: {error}", error.kind.word(), kind.word());
    ensure!(!error.stage.is_empty(), "{what} gives an error without a stage");
    ensure!(error.attempted.chars().count() >= 5, "{what} gives an error without words");
    ensure!(!error.attempted.ends_with('.'), "{what} gives an error with a final stop: {error}");
    Ok(())
}

pub(super) async fn absent(bench: &Bench) -> Check {
    let live = bench.connect().await?;
    let (ctx, at) = (live.ctx(), &bench.subject.absent);
    let list = live.source.children(&ctx, at, &PageRequest::first()).await.map(drop);
    let describe = live.source.describe(&ctx, at).await.map(drop);
    let plan = live.source.plan(&ctx, ReadSpec::preview(at.clone())).await.map(drop);
    for (what, answer) in [("children", list), ("describe", describe), ("plan", plan)] {
        let error = answer.err().ok_or_else(|| format!("{what} of an absent node works"))?;
        well_said(what, &error, ErrorKind::NotFound)?;
    }
    Ok(())
}

pub(super) async fn failing_connections(bench: &Bench) -> Check {
    let subject = &bench.subject;
    ensure!(!subject.failing.is_empty(), "the subject names no failing connection");
    for (connection, kind) in &subject.failing {
        let log = bench.log();
        let answer = subject.connector.connect(&context(&log), connection, &(subject.credentials)()).await;
        let error = answer.err().ok_or_else(|| format!("{:?} connects", connection.name))?;
        well_said(&format!("connecting to {:?}", connection.name), &error, *kind)?;
    }
    Ok(())
}
