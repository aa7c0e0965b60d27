//! Saved connections: secret-free, one TOML for people to read.

use serde_json::json;

use super::args::{ConnectionsAction, Output};
use super::{print, spec, text};
use crate::model::connection::{Connection, SizeClass, Tier};
use crate::model::read::Bound;
use crate::model::units::{bytes_text, count_text, seconds_text};
use crate::model::{Error, ErrorKind, Result};
use crate::ops::Workspace;
use crate::ops::draft::connection_of;
use crate::safety::display::name as visible_name;

pub fn output_of(action: &ConnectionsAction) -> Output {
    match action {
        ConnectionsAction::List(output) | ConnectionsAction::Show { output, .. } => *output,
        ConnectionsAction::Add { .. } | ConnectionsAction::Edit { .. } | ConnectionsAction::Remove { .. } => {
            Output::default()
        }
    }
}

pub async fn run(workspace: &Workspace, action: ConnectionsAction) -> Result<()> {
    let saved = workspace.connections();
    match action {
        ConnectionsAction::Add { name, target, tier, class, budget, note } => {
            let connection = connection_of(workspace, &target).await?;
            let budget = budget.as_deref().map_or(Ok(Bound::default()), spec::bound_of)?;
            let (tier, size_class) = (tier_of(&tier)?, class.as_deref().map(class_of).transpose()?);
            let added = Connection { name: name.clone(), tier, size_class, budget, note, ..connection };
            saved.add(added).await?;
            print::line(&format!("saved {name:?}; open it with: headwater ls {name}"));
        }
        ConnectionsAction::List(output) => list(&saved.list().await?, output),
        ConnectionsAction::Show { name, output } => show(&saved.get(&name).await?, output),
        ConnectionsAction::Edit { name, rename, tier, class, budget, note } => {
            let tier = tier.as_deref().map(tier_of).transpose()?;
            let class = class.as_deref().map(class_of).transpose()?;
            let budget = budget.as_deref().map(spec::bound_of).transpose()?;
            saved
                .edit(&name, move |connection| {
                    connection.name = rename.unwrap_or_else(|| connection.name.clone());
                    connection.tier = tier.unwrap_or(connection.tier);
                    connection.size_class = class.or(connection.size_class);
                    connection.budget = budget.unwrap_or(connection.budget);
                    connection.note = note.unwrap_or_else(|| connection.note.clone());
                })
                .await?;
            print::line(&format!("changed {name:?}"));
        }
        ConnectionsAction::Remove { name } => {
            workspace.remove_connection(&name).await?;
            print::line(&format!("removed {name:?}"));
        }
    }
    Ok(())
}

fn tier_of(text: &str) -> Result<Tier> {
    [Tier::Local, Tier::Dev, Tier::Stg, Tier::Prod]
        .into_iter()
        .find(|tier| tier.word().eq_ignore_ascii_case(text))
        .ok_or_else(|| {
            Error::new(
                ErrorKind::Invalid,
                "usage",
                format!("--tier: {text:?} is none of local, dev, stg, prod"),
            )
        })
}

fn class_of(text: &str) -> Result<SizeClass> {
    SizeClass::ALL.into_iter().find(|class| class.word().eq_ignore_ascii_case(text)).ok_or_else(|| {
        let why = format!("--class: {text:?} is none of small, medium, large");
        Error::new(ErrorKind::Invalid, "usage", why)
    })
}

fn list(connections: &[Connection], output: Output) {
    if output.json {
        print::line(&json!({"connections": connections}).to_string());
        return;
    }
    let header = ["name", "connector", "tier", "where"].map(str::to_owned);
    let rows = connections.iter().map(|connection| {
        vec![
            visible_name(&connection.name).into_owned(),
            visible_name(&connection.connector).into_owned(),
            connection.tier.word().to_owned(),
            connection.place().map(|place| visible_name(&place).into_owned()).unwrap_or_default(),
        ]
    });
    print::out(&text::table(&header, &rows.collect::<Vec<_>>(), &[]));
}

fn show(connection: &Connection, output: Output) {
    if output.json {
        print::line(&json!(connection).to_string());
        return;
    }
    print::line(&format!(
        "{} · {} · {}",
        visible_name(&connection.name),
        visible_name(&connection.connector),
        connection.tier.word()
    ));
    for (key, value) in &connection.values {
        print::line(&format!("{key}: {}", visible_name(value)));
    }
    let budget = connection.budget;
    let limits = [
        budget.rows.map(|rows| format!("{} rows", count_text(rows))),
        budget.bytes.map(|bytes| bytes_text(bytes as f64)),
        budget.seconds.map(seconds_text),
        budget.requests.map(|requests| format!("{requests} requests")),
    ];
    let limits = limits.into_iter().flatten().collect::<Vec<_>>();
    print::line(&format!(
        "budget of a session: {}",
        if limits.is_empty() { "none".to_owned() } else { limits.join(", ") }
    ));
    print::line(&format!("capacity: {}", connection.capacity().provenance.phrase()));
    if !connection.note.is_empty() {
        print::line(&format!("note: {}", visible_name(&connection.note)));
    }
}
