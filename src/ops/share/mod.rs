//! Connections that go from person to person, or come from another tool: export to a file that holds no secret, and
//! import of such a file or of what other tools wrote.
//!
//! Invariants: nothing secret leaves, since a file is written from an allow-list of fields · nothing secret comes in:
//! passwords of other tools are dropped, and an imported connection names no secret of ours · what comes in is data:
//! no command, no script · a connection that replaces one of ours under the same name keeps its secrets, which stay
//! bound to the place they were given for.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Target, Workspace};
use crate::model::card::{Card, FieldKind};
use crate::model::connection::{Connection, DeclaredCapacity, SizeClass, Tier};
use crate::model::read::Bound;
use crate::model::{Error, ErrorKind, Result};
use crate::safety::redact::redact;

mod foreign;
mod tools;

pub use foreign::Format;

/// Stage of every error here.
const STAGE: &str = "import";
/// Largest file taken in, in bytes: thousands of connections.
const MOST_BYTES: u64 = 8 << 20;
/// Most connections taken in at once.
const MOST: usize = 10_000;

/// One connection of a shared file.
#[derive(Debug, Serialize, Deserialize)]
struct Shared {
    name: String,
    connector: String,
    #[serde(default)]
    values: std::collections::BTreeMap<String, String>,
    #[serde(default)]
    tier: Tier,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    size_class: Option<SizeClass>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    capacity: Option<DeclaredCapacity>,
    #[serde(default)]
    budget: Bound,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    group: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    owner: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    contact: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    note: String,
}

/// A shared file. What it holds beside these fields is not looked at.
#[derive(Debug, Serialize, Deserialize)]
struct SharedFile {
    #[serde(rename = "connection")]
    connections: Vec<Shared>,
}

const HEADER: &str = "\
# Connections shared from Headwater. No secret is in here: whoever imports it is asked for theirs.

";

/// What a file held.
#[derive(Debug, Default)]
pub struct Imported {
    /// Connections that can be taken over: new ids, no secrets.
    pub connections: Vec<Connection>,
    /// What was left out, and why.
    pub skipped: Vec<(String, String)>,
    /// How many secrets of other tools were dropped.
    pub dropped_secrets: usize,
}

/// What to do with a connection whose name is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Taken {
    /// Leave ours as it is.
    #[default]
    Skip,
    /// Take it over under another name.
    Rename,
    /// Change ours; its secrets stay, for the place they were given for.
    Replace,
}

/// What taking over came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TakenOver {
    /// Names that are new.
    pub added: Vec<String>,
    /// Names that were changed.
    pub replaced: Vec<String>,
    /// Names that stayed as they were.
    pub skipped: Vec<String>,
    /// Of the changed: those whose kept secrets are not sent to their new place before somebody says so.
    pub moved: Vec<String>,
}

/// The connections as a text to share.
///
/// # Errors
/// `invalid` for values that TOML does not hold.
pub fn export(workspace: &Workspace, connections: &[Connection]) -> Result<String> {
    let shared = connections.iter().map(|connection| shared_of(workspace, connection)).collect();
    let text = toml::to_string(&SharedFile { connections: shared })
        .map_err(|error| Error::new(ErrorKind::Invalid, "export", format!("no TOML: {error}")))?;
    Ok(format!("{HEADER}{text}"))
}

fn shared_of(workspace: &Workspace, connection: &Connection) -> Shared {
    let card = workspace.registry().by_id(&connection.connector).map(crate::connector::Connector::card).ok();
    let values = connection.values.iter().filter(|(key, _)| card.is_some_and(|card| is_plain(card, key)));
    let clean = |text: &String| redact(text).into_owned();
    Shared {
        name: connection.name.clone(),
        connector: connection.connector.clone(),
        values: values.map(|(key, value)| (key.clone(), without_secrets(value))).collect(),
        tier: connection.tier,
        size_class: connection.size_class,
        capacity: connection
            .capacity
            .clone()
            .map(|capacity| DeclaredCapacity { note: clean(&capacity.note), ..capacity }),
        budget: connection.budget,
        group: clean(&connection.group),
        owner: clean(&connection.owner),
        contact: clean(&connection.contact),
        note: clean(&connection.note),
    }
}

/// Whether a value is one that the form knows and that is no secret.
fn is_plain(card: &Card, key: &str) -> bool {
    card.form.field(key).is_some_and(|field| field.kind != FieldKind::Secret)
}

/// A value without what may be a secret in it: a URL is taken apart and put together without login, fragment and
/// secret parameters; any other text passes redaction.
pub(crate) fn without_secrets(value: &str) -> String {
    let Some(mut url) = value.contains("://").then(|| url::Url::parse(value).ok()).flatten() else {
        return redact(value).into_owned();
    };
    let _no_login = url.set_password(None).and_then(|()| url.set_username(""));
    url.set_fragment(None);
    let kept = url.query_pairs().filter(|(key, value)| {
        let pair = format!("{key}={value}");
        redact(&pair) == pair
    });
    let kept = kept.map(|(key, value)| (key.into_owned(), value.into_owned())).collect::<Vec<_>>();
    if url.query_pairs().count() != kept.len() {
        url.set_query(None);
        if !kept.is_empty() {
            url.query_pairs_mut().extend_pairs(kept);
        }
    }
    redact(url.as_str()).into_owned()
}

/// Reads a file of connections, ours or of another tool; nothing is saved yet.
///
/// # Errors
/// io errors; `budget` for a file larger than any list of connections; `decode` for what is no such file;
/// `unsupported` for a format nobody knows.
pub async fn read(workspace: &Workspace, path: &Path, format: Option<Format>) -> Result<Imported> {
    use tokio::io::AsyncReadExt as _;
    let shown = || path.display().to_string();
    let failed = |error: &std::io::Error| Error::io(STAGE, "reading the file", error).with("path", shown());
    let mut text = zeroize::Zeroizing::new(Vec::new());
    let file = tokio::fs::File::open(path).await.map_err(|error| failed(&error))?;
    file.take(MOST_BYTES + 1).read_to_end(&mut text).await.map_err(|error| failed(&error))?;
    if text.len() as u64 > MOST_BYTES {
        return Err(Error::new(ErrorKind::Budget, STAGE, "the file is larger than any list of connections")
            .with("path", shown()));
    }
    let text = std::str::from_utf8(&text)
        .map_err(|error| Error::new(ErrorKind::Decode, STAGE, format!("the file is no text: {error}")))?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let format = match format {
        Some(format) => format,
        None => Format::of(&name, text).ok_or_else(|| {
            Error::new(ErrorKind::Unsupported, STAGE, "this is no file of connections that is known here")
                .hint(format!("name its format with --format: {}", Format::words()))
                .with("path", shown())
        })?,
    };
    let mut imported = match format {
        Format::Headwater => own(workspace, text)?,
        other => foreign::read(workspace, other, text).await?,
    };
    if imported.connections.len() > MOST {
        return Err(Error::new(
            ErrorKind::Budget,
            STAGE,
            format!("the file holds more than {MOST} connections"),
        ));
    }
    for connection in &mut imported.connections {
        connection.name = usable_name(&connection.name);
    }
    Ok(imported)
}

/// A name that the file of connections takes.
fn usable_name(name: &str) -> String {
    const LONGEST: usize = 80;
    let plain = name.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect::<String>();
    let plain = plain.replace("://", " ");
    let plain = plain.trim().trim_start_matches('-').trim().chars().take(LONGEST).collect::<String>();
    let plain = plain.trim().to_owned();
    if plain.is_empty() || plain == Target::DEMO { "imported".to_owned() } else { plain }
}

fn own(workspace: &Workspace, text: &str) -> Result<Imported> {
    let file = toml::from_str::<SharedFile>(text).map_err(|error| {
        // The line itself is not repeated: it may hold anything.
        Error::new(ErrorKind::Decode, STAGE, format!("the file can't be understood: {}", error.message()))
    })?;
    let mut imported = Imported::default();
    for shared in file.connections {
        let card = match workspace.registry().by_id(&shared.connector) {
            Ok(connector) => connector.card(),
            Err(error) => {
                imported.skipped.push((shared.name, error.attempted));
                continue;
            }
        };
        let before = shared.values.len();
        let values = shared.values.into_iter().filter(|(key, _)| is_plain(card, key));
        let values = values
            .map(|(key, value)| (key, without_secrets(&value)))
            .collect::<std::collections::BTreeMap<_, _>>();
        imported.dropped_secrets += before - values.len();
        imported.connections.push(Connection {
            values,
            tier: shared.tier,
            size_class: shared.size_class,
            capacity: shared.capacity,
            budget: shared.budget,
            group: shared.group,
            owner: shared.owner,
            contact: shared.contact,
            note: shared.note,
            ..Connection::new(shared.name, card.id)
        });
    }
    Ok(imported)
}

/// Takes connections over into the saved ones.
///
/// # Errors
/// Those of the file of connections; what was taken over before stays.
pub async fn take_over(
    workspace: &Workspace,
    connections: Vec<Connection>,
    taken: Taken,
) -> Result<TakenOver> {
    let mut done = TakenOver::default();
    let mut names = workspace.connections().list().await?;
    for mut connection in connections {
        let ours = names.iter().find(|ours| ours.name == connection.name).cloned();
        match (ours, taken) {
            (Some(_), Taken::Skip) => {
                done.skipped.push(connection.name);
                continue;
            }
            (Some(ours), Taken::Replace) => {
                let moves = !ours.secrets.is_empty() && ours.binding() != connection.binding();
                let (name, new) = (connection.name.clone(), connection);
                let edit = move |saved: &mut Connection| {
                    *saved = Connection { id: saved.id, secrets: saved.secrets.clone(), ..new };
                };
                workspace.connections().edit(&ours.id.to_string(), edit).await?;
                if moves {
                    done.moved.push(name.clone());
                }
                done.replaced.push(name);
                continue;
            }
            (Some(_), Taken::Rename) => {
                let free = |name: &String| names.iter().all(|ours| ours.name != *name);
                let free = (2..=MOST).map(|n| format!("{} {n}", connection.name)).find(free);
                connection.name = free.unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
            }
            (None, _) => {}
        }
        workspace.connections().add(connection.clone()).await?;
        done.added.push(connection.name.clone());
        names.push(connection);
    }
    Ok(done)
}

#[cfg(test)]
mod tests;
