//! Which sessions are at work. Each holds an exclusive lock on a file of its own beside the ledger; the
//! system frees it when the process ends, however it ends. A session whose lock is free is gone.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use super::STAGE;
use crate::model::{Error, Result};

/// This session, announced to others as long as it is held.
pub(super) struct Alive {
    session: uuid::Uuid,
    held: Option<(PathBuf, File)>,
}

impl Alive {
    /// A session nobody else can see.
    pub(super) fn nowhere() -> Self {
        Self { session: uuid::Uuid::new_v4(), held: None }
    }

    /// Announces a new session of the ledger at `path` and sweeps away what dead ones left.
    /// Call under the ledger's lock: a file made and not yet locked must not be taken for a dead one's.
    pub(super) fn announce(path: &Path) -> Result<Self> {
        let session = uuid::Uuid::new_v4();
        let folder = path.with_extension("sessions");
        let announced = || -> std::io::Result<(PathBuf, File)> {
            std::fs::create_dir_all(&folder)?;
            for (file, _) in files(&folder)?.into_iter().filter(|(file, _)| !is_held(file)) {
                std::fs::remove_file(file)?;
            }
            let place = folder.join(session.to_string());
            let file = OpenOptions::new().create_new(true).write(true).open(&place)?;
            file.lock()?;
            Ok((place, file))
        };
        let held = announced().map_err(|error| {
            Error::io(STAGE, "announcing this run beside the ledger", &error)
                .with("path", folder.display().to_string())
        })?;
        Ok(Self { session, held: Some(held) })
    }

    /// This session's id.
    pub(super) fn session(&self) -> uuid::Uuid {
        self.session
    }

    /// Ids of all sessions at work, this one included.
    pub(super) fn all(&self) -> Result<Vec<String>> {
        let mut found = vec![self.session.to_string()];
        if let Some(folder) = self.held.as_ref().and_then(|(place, _)| place.parent()) {
            let listed = files(folder).map_err(|error| {
                Error::io(STAGE, "looking for other runs beside the ledger", &error)
                    .with("path", folder.display().to_string())
            })?;
            found.extend(listed.into_iter().filter(|(file, _)| is_held(file)).map(|(_, session)| session));
        }
        Ok(found)
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        if let Some((place, _)) = &self.held {
            // A file that stays is swept by the next session.
            drop(std::fs::remove_file(place));
        }
    }
}

/// The announcements in a folder with their sessions.
fn files(folder: &Path) -> std::io::Result<Vec<(PathBuf, String)>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if let Ok(name) = entry.file_name().into_string()
            && uuid::Uuid::parse_str(&name).is_ok()
        {
            found.push((entry.path(), name));
        }
    }
    Ok(found)
}

/// Whether somebody holds an announcement. Asked with a shared lock, so that two who ask do not see each other.
fn is_held(file: &Path) -> bool {
    File::open(file).is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}
