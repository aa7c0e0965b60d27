//! Saved connections: secret-free, one TOML for people to read. Secrets are kept apart.

use std::path::Path;

use secrecy::SecretString;
use serde_json::json;

use super::args::{ConnectionsAction, OnTaken, Output, Told, VaultAction, Verb};
use super::{password, print, spec, text};
use crate::model::connection::{Connection, SizeClass, Tier};
use crate::model::read::Bound;
use crate::model::units::{bytes_text, count_text, seconds_text};
use crate::model::{Error, ErrorKind, Result};
use crate::ops::Workspace;
use crate::ops::draft::connection_of;
use crate::ops::share::{self, Format, Taken};
use crate::safety::display::name as visible_name;
use crate::store::secrets::Kept;

pub fn output_of(action: &ConnectionsAction) -> Output {
    match action {
        ConnectionsAction::List { output, .. }
        | ConnectionsAction::Show { output, .. }
        | ConnectionsAction::Import { output, .. }
        | ConnectionsAction::Vault { action: VaultAction::Status(output) } => *output,
        ConnectionsAction::Add { .. }
        | ConnectionsAction::Edit { .. }
        | ConnectionsAction::Duplicate { .. }
        | ConnectionsAction::Remove { .. }
        | ConnectionsAction::Export { .. }
        | ConnectionsAction::Vault { .. } => Output::default(),
    }
}

/// Whether the passphrase that was given is for a vault to be made.
pub fn makes_vault(verb: &Verb) -> bool {
    matches!(verb, Verb::Connections { action: ConnectionsAction::Vault { action: VaultAction::Make } })
}

pub async fn run(
    workspace: &Workspace,
    action: ConnectionsAction,
    passphrase: Option<SecretString>,
) -> Result<()> {
    let saved = workspace.connections();
    match action {
        ConnectionsAction::Add { name, target, told } => add(workspace, name, &target, told).await?,
        ConnectionsAction::List { search, group, output } => {
            let wanted = |connection: &Connection| {
                search.as_ref().is_none_or(|text| connection.speaks_of(text))
                    && group.as_ref().is_none_or(|group| connection.group == *group)
            };
            list(&saved.list().await?.into_iter().filter(wanted).collect::<Vec<_>>(), output);
        }
        ConnectionsAction::Show { name, output } => show(&saved.get(&name).await?, output),
        ConnectionsAction::Edit { name, rename, target, send_secrets, told } => {
            let leads = match target {
                Some(target) => Some(connection_of(workspace, &target).await?),
                None => None,
            };
            let told = Settled::of(told)?;
            let changed = saved
                .edit(&name, move |connection| {
                    if let Some(leads) = leads {
                        connection.connector = leads.connector;
                        connection.values = leads.values;
                        connection.secrets.extend(leads.secrets);
                    }
                    connection.name = rename.unwrap_or_else(|| connection.name.clone());
                    told.write(connection);
                })
                .await?;
            if send_secrets {
                told_kept(workspace.settle_secrets(&changed).await);
            } else if let Some(wanted) = workspace.wanted_secret(&changed).await
                && let Some(was) = wanted.elsewhere
            {
                print::note(&visible_name(&format!(
                    "its kept secret was given for {was} and is not sent to {}; say --send-secrets if that is right",
                    changed.binding()
                )));
            }
            print::line(&format!("changed {name:?}"));
        }
        ConnectionsAction::Duplicate { name, new_name } => {
            saved.duplicate(&name, &new_name).await?;
            print::line(&format!("added {new_name:?} like {name:?}, without its secrets"));
        }
        ConnectionsAction::Remove { name } => {
            workspace.remove_connection(&name).await?;
            print::line(&format!("removed {name:?}"));
        }
        ConnectionsAction::Import { file, format, taken, dry_run, output } => {
            let format = format.as_deref().map(Format::of_word).transpose()?;
            import(workspace, &file, format, (!dry_run).then_some(taken), output).await?;
        }
        ConnectionsAction::Export { names, to } => export(workspace, &names, to.as_deref()).await?,
        ConnectionsAction::Vault { action } => vault(workspace, action, passphrase).await?,
    }
    Ok(())
}

async fn add(workspace: &Workspace, name: String, target: &str, told: Told) -> Result<()> {
    let connection = connection_of(workspace, target).await?;
    let mut added = Connection { name: name.clone(), ..connection };
    Settled::of(told)?.write(&mut added);
    let takes_password = |card: &crate::model::card::Card| card.form.field(Connection::PASSWORD).is_some();
    let card = workspace.registry().by_id(&added.connector)?.card();
    if let Some(password) = workspace.secrets().given_password().filter(|_| takes_password(card)) {
        added.secrets.insert(Connection::PASSWORD.to_owned(), workspace.keep_secret(password));
    }
    workspace.connections().add(added.clone()).await?;
    print::line(&format!("saved {name:?}; open it with: headwater ls {name}"));
    told_kept(workspace.settle_secrets(&added).await);
    Ok(())
}

/// Says where secrets are, and why no longer.
fn told_kept(kept: Option<Kept>) {
    let Some(kept) = kept else { return };
    let why = kept.why.map(|why| format!(": {}", super::clean_error(&why).attempted)).unwrap_or_default();
    print::note(&format!("its secret is {}{why}", kept.home.phrase()));
}

/// What was told of a connection, understood.
struct Settled {
    told: Told,
    tier: Option<Tier>,
    class: Option<SizeClass>,
    budget: Option<Bound>,
}

impl Settled {
    fn of(told: Told) -> Result<Self> {
        let tier = told.tier.as_deref().map(tier_of).transpose()?;
        let class = told.class.as_deref().map(class_of).transpose()?;
        let budget = told.budget.as_deref().map(spec::bound_of).transpose()?;
        Ok(Self { told, tier, class, budget })
    }

    fn write(self, connection: &mut Connection) {
        connection.tier = self.tier.unwrap_or(connection.tier);
        connection.size_class = self.class.or(connection.size_class);
        connection.budget = self.budget.unwrap_or(connection.budget);
        let Told { group, owner, contact, note, via, pin, .. } = self.told;
        for (text, told) in [
            (&mut connection.group, group),
            (&mut connection.owner, owner),
            (&mut connection.contact, contact),
            (&mut connection.note, note),
        ] {
            *text = told.unwrap_or_else(|| std::mem::take(text));
        }
        for (key, told) in [(Connection::VIA, via), (Connection::PIN, pin)] {
            match told.as_deref().map(str::trim) {
                None => {}
                Some("") => drop(connection.values.remove(key)),
                Some(told) => drop(connection.values.insert(key.to_owned(), told.to_owned())),
            }
        }
    }
}

fn tier_of(text: &str) -> Result<Tier> {
    Tier::ALL.into_iter().find(|tier| tier.word().eq_ignore_ascii_case(text)).ok_or_else(|| {
        Error::new(ErrorKind::Invalid, "usage", format!("--tier: {text:?} is none of local, dev, stg, prod"))
    })
}

fn class_of(text: &str) -> Result<SizeClass> {
    SizeClass::ALL.into_iter().find(|class| class.word().eq_ignore_ascii_case(text)).ok_or_else(|| {
        let why = format!("--class: {text:?} is none of small, medium, large");
        Error::new(ErrorKind::Invalid, "usage", why)
    })
}

async fn import(
    workspace: &Workspace,
    file: &Path,
    format: Option<Format>,
    taken: Option<OnTaken>,
    output: Output,
) -> Result<()> {
    let imported = share::read(workspace, file, format).await?;
    let found = imported.connections.clone();
    let done = match taken {
        None => share::TakenOver::default(),
        Some(taken) => {
            let taken = match taken {
                OnTaken::Skip => Taken::Skip,
                OnTaken::Rename => Taken::Rename,
                OnTaken::Replace => Taken::Replace,
            };
            share::take_over(workspace, imported.connections, taken).await?
        }
    };
    let left_out = imported
        .skipped
        .iter()
        .map(|(what, why)| json!({"what": visible_name(what), "why": visible_name(why)}));
    if output.json {
        let document = json!({
            "found": found.iter().map(|connection| &connection.name).collect::<Vec<_>>(),
            "added": done.added, "replaced": done.replaced, "kept_ours": done.skipped, "moved": done.moved,
            "left_out": left_out.collect::<Vec<_>>(), "dropped_secrets": imported.dropped_secrets,
        });
        print::line(&document.to_string());
        return Ok(());
    }
    if taken.is_none() {
        list(&found, output);
    }
    for (what, names) in
        [("added", &done.added), ("changed", &done.replaced), ("left as it was", &done.skipped)]
    {
        for name in names {
            print::line(&format!("{what}: {}", visible_name(name)));
        }
    }
    for name in &done.moved {
        print::note(&format!(
            "{} leads elsewhere now: its kept secret is not sent there before you say so (headwater connections edit {} --send-secrets)",
            visible_name(name),
            visible_name(name)
        ));
    }
    for (what, why) in &imported.skipped {
        print::note(&format!("left out {}: {}", visible_name(what), visible_name(why)));
    }
    if imported.dropped_secrets > 0 {
        print::note(&format!("{} held a secret; none was taken over", imported.dropped_secrets));
    }
    Ok(())
}

async fn export(workspace: &Workspace, names: &[String], to: Option<&Path>) -> Result<()> {
    let saved = workspace.connections();
    let mut chosen = Vec::new();
    if names.is_empty() {
        chosen = saved.list().await?;
    }
    for name in names {
        chosen.push(saved.get(name).await?);
    }
    let text = share::export(workspace, &chosen)?;
    let Some(path) = to else {
        print::out(&text);
        return Ok(());
    };
    let written = async {
        use tokio::io::AsyncWriteExt as _;
        let mut file = tokio::fs::OpenOptions::new().write(true).create_new(true).open(path).await?;
        file.write_all(text.as_bytes()).await?;
        file.sync_all().await
    };
    written.await.map_err(|error| {
        Error::io("export", "writing the connections", &error).with("path", path.display().to_string())
    })?;
    print::line(&format!("wrote {} connections without a secret", chosen.len()));
    Ok(())
}

async fn vault(workspace: &Workspace, action: VaultAction, passphrase: Option<SecretString>) -> Result<()> {
    let secrets = workspace.secrets();
    match action {
        VaultAction::Make => {
            let passphrase = match passphrase {
                Some(passphrase) => passphrase,
                None => password::new_passphrase().await?,
            };
            secrets.vault().make(passphrase).await?;
            print::line("made the vault; secrets given from now on are kept in it");
        }
        VaultAction::Remove => {
            secrets.vault().destroy().await?;
            print::line("removed the vault with the secrets in it");
        }
        VaultAction::Status(output) => {
            let kept = secrets.outlook().await;
            let why = kept.why.as_ref().map(|why| super::clean_error(why).attempted);
            if output.json {
                let vault = secrets.vault().exists();
                let document = json!({"kept": kept.home.word(), "why": why, "vault": vault});
                print::line(&document.to_string());
            } else {
                print::line(&format!("secrets are {}", kept.home.phrase()));
                if let Some(why) = why {
                    print::line(&format!("  because {why}"));
                }
            }
        }
    }
    Ok(())
}

fn list(connections: &[Connection], output: Output) {
    if output.json {
        print::line(&json!({"connections": connections}).to_string());
        return;
    }
    let header = ["name", "connector", "tier", "group", "where"].map(str::to_owned);
    let rows = connections.iter().map(|connection| {
        vec![
            visible_name(&connection.name).into_owned(),
            visible_name(&connection.connector).into_owned(),
            connection.tier.word().to_owned(),
            visible_name(&connection.group).into_owned(),
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
    for key in connection.secrets.keys() {
        print::line(&format!("{}: kept apart", visible_name(key)));
    }
    let budget = connection.session_budget();
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
    for (what, text) in [
        ("group", &connection.group),
        ("owner", &connection.owner),
        ("contact", &connection.contact),
        ("note", &connection.note),
    ] {
        if !text.is_empty() {
            print::line(&format!("{what}: {}", visible_name(text)));
        }
    }
}
