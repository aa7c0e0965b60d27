//! Everything one run shares: the connectors, the folders, the ledger, saved connections, settings, secrets
//! of this session. Cheap to clone.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::record::{LedgerRecorder, ReadEntry};
use crate::connector::guard::{ReadReport, Refusal};
use crate::connector::{Credentials, Registry};
use crate::job::Recorder;
use crate::model::connection::{Connection, SecretRef};
use crate::model::read::Approval;
use crate::model::{Error, ErrorKind, Result};
use crate::store::connections::Connections;
use crate::store::ledger::{self, Home, Ledger, ReadEnding, ReadId};
use crate::store::paths::Folders;
use crate::store::secrets::Secrets;

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
        Ok(Self(Arc::new(Inner { registry, folders, ledger, connections, secrets: Secrets::default() })))
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

    /// Secrets of a connection that this session knows.
    pub fn credentials(&self, connection: &Connection) -> Credentials {
        let known = connection.secrets.iter().fold(Credentials::none(), |known, (key, name)| {
            match self.0.secrets.get(name) {
                Some(secret) => known.with(key.clone(), secret),
                None => known,
            }
        });
        match (known.get(Connection::PASSWORD), self.0.secrets.given_password()) {
            (None, Some(password)) => known.with(Connection::PASSWORD, password),
            _ => known,
        }
    }

    /// The password of this run, read from the terminal or a pipe: for connections that have none of their own.
    pub fn give_password(&self, password: secrecy::SecretString) {
        self.0.secrets.give_password(password);
    }

    /// Whether a connection takes a password and none is known: then it can be asked for.
    pub fn lacks_password(&self, connection: &Connection) -> bool {
        let takes = |connector: &dyn crate::connector::Connector| {
            connector.card().form.fields.iter().any(|field| field.key == Connection::PASSWORD)
        };
        self.registry().by_id(&connection.connector).is_ok_and(takes)
            && self.credentials(connection).get(Connection::PASSWORD).is_none()
    }

    /// Keeps a secret of a connection for this run and gives its name.
    pub fn keep_secret(&self, secret: secrecy::SecretString) -> SecretRef {
        self.0.secrets.keep(secret).0
    }

    /// Removes a saved connection and forgets its secrets.
    ///
    /// # Errors
    /// `not_found`, and those of the file of connections.
    pub async fn remove_connection(&self, name: &str) -> Result<Connection> {
        let removed = self.connections().remove(name).await?;
        removed.secrets.values().for_each(|secret| self.0.secrets.forget(secret));
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
