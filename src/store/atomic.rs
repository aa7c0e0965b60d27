//! Safe saves. A file is written beside its place, synced, then renamed over it; the folder is synced
//! last. A kill at any point leaves the old content or the new one. Edits read the file again under an
//! advisory lock (`NAME.lock`, held by the system and gone with its process), so two instances do not
//! lose each other's edits.
//!
//! Kept versions are `NAME.1` (newest) to `NAME.5`; an edit that changes nothing makes none.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind as Io, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::model::error::Retry;
use crate::model::{Error, ErrorKind, Result};

/// Stage of every error here.
const STAGE: &str = "save";

/// How many former contents are kept.
pub const KEPT_VERSIONS: usize = 5;

/// How long an edit waits for another instance's.
pub const LOCK_DEADLINE: Duration = Duration::from_secs(5);

/// Whether former contents are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Only the newest content.
    Newest,
    /// The newest and [`KEPT_VERSIONS`] before it.
    Versions,
}

/// What an edit decides.
#[derive(Debug)]
pub enum Change {
    /// The file stays as it is.
    None,
    /// The file gets this content.
    To(Vec<u8>),
    /// The file is renamed to this name beside it and gets this content, if any.
    SetAside {
        /// Name beside the file.
        name: String,
        /// New content.
        content: Option<Vec<u8>>,
    },
}

/// The content of a file; none if it is not there.
///
/// # Errors
/// If it is there and can't be read.
pub async fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    let path = path.to_owned();
    blocking(move || read_now(&path)).await
}

/// Changes a file under its lock: `edit` gets the content as it is now (none if absent) and decides.
///
/// # Errors
/// `timeout` if another instance holds the lock too long; whatever `edit` gives; io errors. The file is
/// then as it was.
pub async fn edit<T: Send + 'static>(
    path: &Path,
    keep: Keep,
    edit: impl FnOnce(Option<Vec<u8>>) -> Result<(Change, T)> + Send + 'static,
) -> Result<T> {
    let path = follow(path);
    let lock = lock(&beside(&path, "lock")).await?;
    blocking(move || {
        let old = read_now(&path)?;
        let (change, given) = edit(old.clone())?;
        match change {
            Change::None => {}
            Change::To(content) => replace(&path, old.as_deref(), &content, keep)?,
            Change::SetAside { name, content } => set_aside(&path, &name, content.as_deref())?,
        }
        drop(lock);
        Ok(given)
    })
    .await
}

/// The kept versions of a file that are there, newest first.
pub fn versions(path: &Path) -> Vec<PathBuf> {
    let path = follow(path);
    (1..=KEPT_VERSIONS).map(|number| version(&path, number)).filter(|version| version.is_file()).collect()
}

/// Takes an exclusive lock on a file, made if absent. It is freed when dropped, or by the system when the
/// process ends.
///
/// # Errors
/// `timeout` if it is held for longer than [`LOCK_DEADLINE`]; io errors.
pub async fn lock(path: &Path) -> Result<File> {
    const PAUSE: Duration = Duration::from_millis(10);
    let file = open_private(OpenOptions::new().create(true).truncate(false).write(true), path)
        .map_err(|error| failed("opening the lock file", path, &error))?;
    let deadline = tokio::time::Instant::now() + LOCK_DEADLINE;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if tokio::time::Instant::now() < deadline => {
                tokio::time::sleep(PAUSE).await;
            }
            Err(TryLockError::WouldBlock) => {
                return Err(Error::new(
                    ErrorKind::Timeout,
                    STAGE,
                    "another running headwater holds the file for too long",
                )
                .hint("close the other instance and try again")
                .retry(Retry::Later)
                .with("path", path.display().to_string()));
            }
            Err(TryLockError::Error(error)) => return Err(failed("locking the file", path, &error)),
        }
    }
}

/// Runs file work on a thread that may wait.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::unexpected(STAGE, format!("file work broke down: {error}")))?
}

/// The file behind a symbolic link, so that a save keeps the link.
fn follow(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    PathBuf::from(name)
}

fn version(path: &Path, number: usize) -> PathBuf {
    beside(path, &number.to_string())
}

fn read_now(path: &Path) -> Result<Option<Vec<u8>>> {
    match std::fs::read(path) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == Io::NotFound => Ok(None),
        Err(error) => Err(failed("reading the file", path, &error)),
    }
}

/// Writes beside, syncs, keeps the old content as a version, renames over, syncs the folder.
fn replace(path: &Path, old: Option<&[u8]>, content: &[u8], keep: Keep) -> Result<()> {
    if old == Some(content) {
        return Ok(());
    }
    let fresh = beside(path, "partial");
    if let Err(error) = write_synced(&fresh, content) {
        // What could not be written whole is of no use; what stays behind is overwritten by the next save.
        drop(std::fs::remove_file(&fresh));
        return Err(failed("writing the new content", path, &error));
    }
    if keep == Keep::Versions && old.is_some() {
        push_version(path).map_err(|error| failed("keeping the former version", path, &error))?;
    }
    std::fs::rename(&fresh, path)
        .map_err(|error| failed("putting the new content in place", path, &error))?;
    sync_folder(path)
}

fn set_aside(path: &Path, name: &str, content: Option<&[u8]>) -> Result<()> {
    let target = path.with_file_name(name);
    if target.exists() {
        return Err(Error::new(ErrorKind::Invalid, STAGE, format!("there is already a file named {name}"))
            .hint("move it away and try again"));
    }
    std::fs::rename(path, &target).map_err(|error| failed("setting the file aside", path, &error))?;
    match content {
        Some(content) => replace(path, None, content, Keep::Newest),
        None => sync_folder(path),
    }
}

fn write_synced(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let mut file = open_private(OpenOptions::new().create(true).truncate(true).write(true), path)?;
    file.write_all(content)?;
    file.sync_all()
}

/// Opens a file that others on this machine may not read.
fn open_private(options: &mut OpenOptions, path: &Path) -> std::io::Result<File> {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options.open(path)
}

/// Moves each version up to the first free number one further and keeps the current content as the first.
/// The current file stays in its place all the while.
fn push_version(path: &Path) -> std::io::Result<()> {
    let free = (1..=KEPT_VERSIONS).find(|number| !version(path, *number).exists()).unwrap_or(KEPT_VERSIONS);
    for number in (1..free).rev() {
        std::fs::rename(version(path, number), version(path, number + 1))?;
    }
    let first = version(path, 1);
    if first.exists() {
        std::fs::remove_file(&first)?;
    }
    // A second name for the same content; where a file system has none, a synced copy.
    std::fs::hard_link(path, &first).or_else(|_| {
        let copy = beside(path, "copy");
        write_synced(&copy, &std::fs::read(path)?)?;
        std::fs::rename(&copy, &first)
    })
}

fn sync_folder(path: &Path) -> Result<()> {
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(|error| failed("syncing the folder", path, &error))?;
    }
    Ok(())
}

fn failed(attempted: &str, path: &Path, error: &std::io::Error) -> Error {
    Error::io(STAGE, attempted, error).with("path", path.display().to_string())
}

#[cfg(test)]
mod tests;
