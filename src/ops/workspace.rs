//! Everything one run shares: the connectors, the folders, the ledger, saved connections, settings, secrets
//! of this session. Cheap to clone.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::record::{LedgerRecorder, ReadEntry};
use crate::connector::guard::{ReadReport, Refusal};
use crate::connector::{Credentials, Registry};
use crate::job::Recorder;
use crate::model::connection::{Connection, SecretRef};
use crate::model::error::Retry;
use crate::model::read::Approval;
use crate::model::{Error, ErrorKind, Result};
use crate::store::connections::Connections;
use crate::store::ledger::{self, Home, Ledger, ReadEnding, ReadId};
use crate::store::paths::Folders;
use crate::store::secrets::keychain::Keychain;
use crate::store::secrets::{Found, Kept, KeptIn, Secrets};

/// What one run shares.
#[derive(Clone)]
pub struct Workspace(Arc<Inner>);

struct Inner {
    registry: Registry,
    folders: Folders,
    ledger: Ledger,
    connections: Connections,
    secrets: Secrets,
}

impl Workspace {
    /// Opens the workspace of a data folder (none = the system's place for it). A ledger that can't be kept
    /// on disk lives in memory, and [`Ledger::home`] says so.
    pub async fn open(data_dir: Option<PathBuf>) -> Result<Self> {
        let folders = Folders::find(data_dir.as_deref())?;
        let redact: ledger::Redactor = crate::safety::redact::redact;
        let ledger = match folders.make() {
            Ok(()) => Ledger::open_or_memory(&folders.ledger(), redact).await?,
            Err(why) => Ledger::in_memory(why, redact).await?,
        };
        let connections = Connections::at(folders.connections());
        let registry = super::registry();
        let secrets = Secrets::new(Keychain::from_environment(), folders.vault());
        Ok(Self(Arc::new(Inner { registry, folders, ledger, connections, secrets })))
    }

    /// The connectors of this build.
    pub fn registry(&self) -> &Registry {
        &self.0.registry
    }

    /// The folder of the ledger and the demo.
    pub fn data_dir(&self) -> &Path {
        &self.0.folders.data
    }

    /// Where things lie.
    pub fn folders(&self) -> &Folders {
        &self.0.folders
    }

    /// The ledger.
    pub fn ledger(&self) -> &Ledger {
        &self.0.ledger
    }

    /// Why the ledger of this run is in memory only, and gone at its end; none = it is kept on disk.
    pub fn ledger_in_memory(&self) -> Option<&Error> {
        match self.0.ledger.home() {
            Home::Memory { why } => Some(why),
            Home::Disk(_) => None,
        }
    }

    /// Saved connections.
    pub fn connections(&self) -> &Connections {
        &self.0.connections
    }

    /// The saved connection of this name, if there is one. A broken file of connections hides no path or
    /// URL: it is only an error where nothing else could be meant.
    pub async fn saved_connection(&self, name: &str) -> Result<Option<Connection>> {
        match self.connections().get(name).await {
            Ok(connection) => Ok(Some(connection)),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
            Err(_) if name.contains("://") || Path::new(name).exists() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The secrets of a connection, from wherever they are kept.
    ///
    /// # Errors
    /// `denied` if one that it names is not to be had, with the reason; `refused` if one was given for another
    /// place than the connection leads to now. A password given for this run stands in for its own.
    pub async fn credentials(&self, connection: &Connection) -> Result<Credentials> {
        let mut known = Credentials::none();
        let given = self.0.secrets.given_password();
        for (key, name) in &connection.secrets {
            match (self.0.secrets.fetch(name, &connection.binding()).await, &given) {
                (Found::Secret(secret), _) => known = known.with(key.clone(), secret),
                (_, Some(_)) if key == Connection::PASSWORD => {}
                (Found::Elsewhere { was }, _) => return Err(elsewhere(connection, key, &was)),
                (Found::Absent { why }, _) => return Err(absent(connection, key, why)),
            }
        }
        match (known.get(Connection::PASSWORD), given) {
            (None, Some(password)) => Ok(known.with(Connection::PASSWORD, password)),
            _ => Ok(known),
        }
    }

    /// The password of this run, read from the terminal or a pipe: for connections that have none of their own.
    pub fn give_password(&self, password: secrecy::SecretString) {
        self.0.secrets.give_password(password);
    }

    /// The secret that a connection lacks and that can be asked for: one that it names and that is not to be had
    /// for the place it leads to, else a password that its form takes and nobody gave.
    pub async fn wanted_secret(&self, connection: &Connection) -> Option<Wanted> {
        let form = &self.registry().by_id(&connection.connector).ok()?.card().form;
        for (key, name) in &connection.secrets {
            let Some(field) = form.field(key) else { continue };
            let elsewhere = match self.0.secrets.fetch(name, &connection.binding()).await {
                Found::Secret(_) => continue,
                Found::Elsewhere { was } => Some(was),
                Found::Absent { .. } => None,
            };
            return Some(Wanted { key: field.key, label: field.label, elsewhere });
        }
        let field = form.field(Connection::PASSWORD)?;
        let none = !connection.secrets.contains_key(field.key) && self.0.secrets.given_password().is_none();
        none.then_some(Wanted { key: field.key, label: field.label, elsewhere: None })
    }

    /// Takes in a secret of a connection. A saved connection gets it in the longest-lived home there is; any other
    /// has it for this run.
    ///
    /// # Errors
    /// Those of the file of connections.
    pub async fn give_secret(
        &self,
        connection: &Connection,
        key: &str,
        secret: secrecy::SecretString,
    ) -> Result<Kept> {
        if let Some(name) = connection.secrets.get(key) {
            self.0.secrets.keep_as(name, secret);
            return Ok(self.0.secrets.settle(name, &connection.binding()).await);
        }
        let name = self.0.secrets.keep(secret.clone());
        let (owned, named) = (key.to_owned(), name.clone());
        let edit = move |connection: &mut Connection| {
            connection.secrets.insert(owned, named);
        };
        match self.connections().edit(&connection.id.to_string(), edit).await {
            Ok(connection) => Ok(self.0.secrets.settle(&name, &connection.binding()).await),
            Err(error) if error.kind == ErrorKind::NotFound => {
                if key == Connection::PASSWORD {
                    self.give_password(secret);
                }
                Ok(Kept { home: KeptIn::ThisRun, why: None })
            }
            Err(error) => Err(error),
        }
    }

    /// Keeps a secret of a connection for this run and gives its name; [`Workspace::settle_secrets`] keeps it longer
    /// once its connection is saved.
    pub fn keep_secret(&self, secret: secrecy::SecretString) -> SecretRef {
        self.0.secrets.keep(secret)
    }

    /// Binds the secrets of a saved connection to the place it leads to and keeps them as long as can be. Gives the
    /// shortest-lived home of them; none if it has none that this run knows.
    pub async fn settle_secrets(&self, connection: &Connection) -> Option<Kept> {
        let mut worst = None;
        for name in connection.secrets.values() {
            let kept = self.0.secrets.settle(name, &connection.binding()).await;
            if worst.as_ref().is_none_or(|known: &Kept| known.why.is_none()) {
                worst = Some(kept);
            }
        }
        worst
    }

    /// The secrets of this run and their homes.
    pub fn secrets(&self) -> &Secrets {
        &self.0.secrets
    }

    /// Removes a saved connection and forgets its secrets. A keychain that can't be reached keeps its entry; the
    /// connection goes all the same.
    ///
    /// # Errors
    /// `not_found`, and those of the file of connections.
    pub async fn remove_connection(&self, name: &str) -> Result<Connection> {
        let removed = self.connections().remove(name).await?;
        for secret in removed.secrets.values() {
            if let Err(error) = self.0.secrets.forget(secret).await {
                tracing::warn!(%error, "a secret of a removed connection stays in its keychain");
            }
        }
        Ok(removed)
    }

    /// Writes statements of a connection down, as part of a read where one is named.
    pub fn recorder(&self, connection: &Connection, read: Option<ReadId>) -> Arc<dyn Recorder> {
        Arc::new(LedgerRecorder::new(self.0.ledger.clone(), connection.clone(), read))
    }

    pub(super) async fn ledger_started(&self, entry: &ReadEntry, approval: &Approval) -> Result<ReadId> {
        self.0.ledger.start_read(entry.as_new(), approval.clone()).await
    }

    pub(super) async fn ledger_refused(&self, entry: &ReadEntry, refusal: &Refusal) -> Result<()> {
        self.0.ledger.refuse_read(entry.as_new(), &refusal.error().attempted).await.map(drop)
    }

    pub(super) async fn ledger_ended(&self, id: ReadId, report: &ReadReport) -> Result<()> {
        let ending = ReadEnding { end: report.end.clone(), rows: report.rows, actual: report.actual.clone() };
        self.0.ledger.end_read(id, &ending).await
    }
}

/// A secret that can be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Key of the form.
    pub key: &'static str,
    /// Its label.
    pub label: &'static str,
    /// The place it was given for, if that is another than the connection leads to now.
    pub elsewhere: Option<String>,
}

fn elsewhere(connection: &Connection, key: &str, was: &str) -> Error {
    let is = connection.binding();
    let why = format!("the {key} of {:?} was given for {was}; it is not sent to {is}", connection.name);
    Error::new(ErrorKind::Refused, "connect", why)
        .hint("if the new place is right, give the secret again for it; else mend the connection")
        .retry(Retry::AfterChange)
}

fn absent(connection: &Connection, key: &str, why: Option<Error>) -> Error {
    let lacking = format!("the {key} of {:?} is not known here", connection.name);
    let denied = |said: String| Error::new(ErrorKind::Denied, "connect", said).retry(Retry::AfterChange);
    match why {
        None => denied(lacking).hint("give it again; with --password-stdin it is read from a pipe"),
        Some(why) => denied(format!("{lacking}: {}", why.attempted))
            .hint(why.hint.unwrap_or_else(|| "give it again".to_owned())),
    }
}
