//! The saved connections: one TOML file that a person can read and edit, without a secret in it by type.
//!
//! Fields of a connection that this version does not know are kept on every edit; comments are not (the
//! versions beside the file hold what was there). A file that can't be understood is never overwritten:
//! every call says where it is broken, and [`Connections::restore`] sets it aside and puts the last good
//! version in its place.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::atomic::{self, Change, Keep};
use crate::model::connection::Connection;
use crate::model::error::Retry;
use crate::model::{Error, ErrorKind, Result};

/// Stage of every error here.
const STAGE: &str = "connections";

const HEADER: &str = "\
# Headwater's saved connections. Edit freely: the file is read again before every change.
# It holds no secrets: [connection.secrets] only names them.

";

/// Longest name of a connection in characters.
const LONGEST_NAME: usize = 100;

#[derive(Debug, Default, Serialize, Deserialize)]
struct Content {
    #[serde(default, rename = "connection")]
    connections: Vec<Entry>,
    /// What this version does not know.
    #[serde(flatten)]
    unknown: toml::Table,
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    #[serde(flatten)]
    connection: Connection,
    /// What this version does not know.
    #[serde(flatten)]
    unknown: toml::Table,
}

/// What [`Connections::restore`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Where the broken file is now.
    pub set_aside: PathBuf,
    /// The version put in its place; none = there was no good one, the file is gone.
    pub from: Option<PathBuf>,
}

/// The file of saved connections.
#[derive(Clone, Debug)]
pub struct Connections {
    path: PathBuf,
}

impl Connections {
    /// The connections of a file, which need not be there yet.
    pub fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All connections in the file's order; none if there is no file.
    ///
    /// # Errors
    /// `decode` with the place if the file can't be understood, and which version beside it can.
    pub async fn list(&self) -> Result<Vec<Connection>> {
        let bytes = atomic::read(&self.path).await?;
        let content = parse(bytes.as_deref(), &self.path)?;
        Ok(content.connections.into_iter().map(|entry| entry.connection).collect())
    }

    /// The connection of a name, else of an id.
    ///
    /// # Errors
    /// `not_found` with the names there are; `invalid` if two have that name.
    pub async fn get(&self, name: &str) -> Result<Connection> {
        let all = self.list().await?;
        let at = position(all.iter(), name)?;
        all.into_iter().nth(at).ok_or_else(|| Error::not_found(STAGE, format!("connection {name:?}")))
    }

    /// Adds a connection.
    ///
    /// # Errors
    /// `invalid` if the name can't be used or is taken.
    pub async fn add(&self, connection: Connection) -> Result<()> {
        self.change(move |content| {
            check_name(&connection.name)?;
            check_free(content, &connection)?;
            if content.connections.iter().any(|entry| entry.connection.id == connection.id) {
                return Err(Error::new(ErrorKind::Invalid, STAGE, "this connection is saved already")
                    .hint("edit or duplicate it"));
            }
            content.connections.push(Entry { connection, unknown: toml::Table::new() });
            Ok(())
        })
        .await
    }

    /// Changes a connection, found by name or id. Its id stays.
    ///
    /// # Errors
    /// `not_found`; `invalid` if the new name can't be used or is taken.
    pub async fn edit(
        &self,
        name: &str,
        edit: impl FnOnce(&mut Connection) + Send + 'static,
    ) -> Result<Connection> {
        let name = name.to_owned();
        self.change(move |content| {
            let at = position(content.connections.iter().map(|entry| &entry.connection), &name)?;
            let mut edited = content.connections[at].connection.clone();
            let id = edited.id;
            edit(&mut edited);
            edited.id = id;
            if edited.name != content.connections[at].connection.name {
                check_name(&edited.name)?;
                check_free(content, &edited)?;
            }
            content.connections[at].connection = edited.clone();
            Ok(edited)
        })
        .await
    }

    /// Adds a copy under a new name and id. Secrets are not copied: two connections never share one.
    ///
    /// # Errors
    /// `not_found`; `invalid` if the new name can't be used or is taken.
    pub async fn duplicate(&self, name: &str, new_name: &str) -> Result<Connection> {
        let (name, new_name) = (name.to_owned(), new_name.to_owned());
        self.change(move |content| {
            let at = position(content.connections.iter().map(|entry| &entry.connection), &name)?;
            let source = &content.connections[at];
            let mut connection = source.connection.clone();
            connection.id = uuid::Uuid::new_v4();
            connection.name = new_name;
            connection.secrets.clear();
            check_name(&connection.name)?;
            check_free(content, &connection)?;
            let unknown = source.unknown.clone();
            content.connections.insert(at + 1, Entry { connection: connection.clone(), unknown });
            Ok(connection)
        })
        .await
    }

    /// Removes a connection, found by name or id, and gives it back, so that its secrets can be forgotten.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn remove(&self, name: &str) -> Result<Connection> {
        let name = name.to_owned();
        self.change(move |content| {
            let at = position(content.connections.iter().map(|entry| &entry.connection), &name)?;
            Ok(content.connections.remove(at).connection)
        })
        .await
    }

    /// Sets a broken file aside (`NAME.broken-TIME`) and puts the last good version in its place.
    ///
    /// # Errors
    /// `invalid` if the file is not broken: then nothing is touched.
    pub async fn restore(&self) -> Result<Restored> {
        let path = self.path.clone();
        let aside = format!(
            "{}.broken-{}",
            path.file_name().map_or_else(|| "connections.toml".into(), std::ffi::OsStr::to_string_lossy),
            jiff::Timestamp::now().strftime("%Y%m%dT%H%M%S%.3fZ")
        );
        atomic::edit(&self.path, Keep::Versions, move |bytes| {
            if parse(bytes.as_deref(), &path).is_ok() {
                return Err(Error::new(ErrorKind::Invalid, STAGE, "the file of connections is not broken"));
            }
            let good = last_good(&path);
            let done = Restored {
                set_aside: path.with_file_name(&aside),
                from: good.as_ref().map(|(path, _)| path.clone()),
            };
            Ok((Change::SetAside { name: aside, content: good.map(|(_, content)| content) }, done))
        })
        .await
    }

    /// Reads the file again under its lock, changes it and saves it, keeping the former version.
    async fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Content) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let path = self.path.clone();
        atomic::edit(&self.path, Keep::Versions, move |bytes| {
            let mut content = parse(bytes.as_deref(), &path)?;
            let given = change(&mut content)?;
            Ok((Change::To(print(&content)?.into_bytes()), given))
        })
        .await
    }
}

fn parse(bytes: Option<&[u8]>, path: &Path) -> Result<Content> {
    let Some(bytes) = bytes else { return Ok(Content::default()) };
    let why = match std::str::from_utf8(bytes) {
        Ok(text) => match toml::from_str::<Content>(text) {
            Ok(content) => return Ok(content),
            Err(error) => place_of(&error, text),
        },
        Err(error) => format!("byte {} is not UTF-8", error.valid_up_to()),
    };
    let hint = match last_good(path) {
        Some((version, _)) => format!(
            "mend the file by hand, or restore its last good version {}",
            version.file_name().unwrap_or_default().to_string_lossy()
        ),
        None => "mend the file by hand, or move it away to start anew".to_owned(),
    };
    Err(Error::new(
        ErrorKind::Decode,
        STAGE,
        format!("the file of connections can't be understood and is left alone: {why}"),
    )
    .hint(hint)
    .retry(Retry::AfterChange)
    .with("path", path.display().to_string()))
}

/// What is wrong and in which line. The line itself is not repeated: it may hold what the user typed.
fn place_of(error: &toml::de::Error, text: &str) -> String {
    let line = error
        .span()
        .and_then(|span| text.as_bytes().get(..span.start))
        .map_or(1, |before| before.split(|byte| *byte == b'\n').count());
    format!("line {line}: {}", error.message().trim_end_matches('.'))
}

/// The newest kept version that can be understood, with its content.
fn last_good(path: &Path) -> Option<(PathBuf, Vec<u8>)> {
    atomic::versions(path).into_iter().find_map(|version| {
        let content = std::fs::read(&version).ok()?;
        let text = std::str::from_utf8(&content).ok()?;
        toml::from_str::<Content>(text).ok()?;
        Some((version, content))
    })
}

fn print(content: &Content) -> Result<String> {
    let text = toml::to_string(content).map_err(|error| {
        Error::new(ErrorKind::Invalid, STAGE, format!("the connections can't be written as TOML: {error}"))
    })?;
    // Values of any kind go through here: what could not be read again must not replace what can.
    toml::from_str::<Content>(&text).map_err(|error| {
        Error::unexpected(STAGE, format!("the connections as written can't be read: {}", error.message()))
    })?;
    Ok(format!("{HEADER}{text}"))
}

/// The place of the connection of this name, else of this id.
fn position<'a>(all: impl Iterator<Item = &'a Connection> + Clone, name: &str) -> Result<usize> {
    let named = all.clone().enumerate().filter(|(_, connection)| connection.name == name).collect::<Vec<_>>();
    match named.as_slice() {
        [(at, _)] => Ok(*at),
        [] => {
            let id = uuid::Uuid::parse_str(name).ok();
            all.clone().position(|connection| Some(connection.id) == id).ok_or_else(|| {
                let names = all.map(|connection| connection.name.as_str()).collect::<Vec<_>>().join(", ");
                let known = if names.is_empty() { "none are saved".to_owned() } else { names };
                Error::new(ErrorKind::NotFound, STAGE, format!("there is no connection named {name:?}"))
                    .hint(format!("saved connections: {known}"))
            })
        }
        several => Err(Error::new(
            ErrorKind::Invalid,
            STAGE,
            format!("{} connections are named {name:?}", several.len()),
        )
        .hint("name it by its id, or rename one in the file")),
    }
}

/// A name is what the user types as TARGET: it must not read as an option, a URL or nothing.
fn check_name(name: &str) -> Result<()> {
    let why = if name.trim().is_empty() {
        "a connection needs a name"
    } else if name.chars().count() > LONGEST_NAME {
        "the name of the connection is too long"
    } else if name.chars().any(char::is_control) || name.trim() != name {
        "the name holds control characters or begins or ends with a blank"
    } else if name.starts_with('-') {
        "the name begins with a dash and would read as an option"
    } else if name.contains("://") || name == "demo:" {
        "the name would read as a URL"
    } else {
        return Ok(());
    };
    Err(Error::new(ErrorKind::Invalid, STAGE, why).hint("choose another name"))
}

fn check_free(content: &Content, connection: &Connection) -> Result<()> {
    let mut others = content.connections.iter().map(|entry| &entry.connection);
    if others.any(|other| other.name == connection.name) {
        return Err(Error::new(
            ErrorKind::Invalid,
            STAGE,
            format!("there is already a connection named {:?}", connection.name),
        )
        .hint("choose another name, or edit that one"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
