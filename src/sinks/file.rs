//! A file that has its name only when it is whole. It is written as `NAME.partial`, synced, then renamed;
//! dropped before that, the partial is removed.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest as _, Sha256};

use super::IfThere;
use crate::model::error::Retry;
use crate::model::{Error, ErrorKind, Result};

const BUFFER_BYTES: usize = 256 << 10;

struct Inner {
    target: PathBuf,
    partial: PathBuf,
    if_there: IfThere,
    file: File,
    buffer: Vec<u8>,
    hash: Sha256,
    bytes: u64,
    /// The first error of the system; libraries that wrap it lose its kind.
    failure: Option<Error>,
    settled: bool,
}

/// A handle on the file; clones write to the same one.
#[derive(Clone)]
pub(super) struct PartialFile(Arc<Mutex<Inner>>);

/// What became of a file.
pub(super) struct Committed {
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

/// `NAME` with something behind it.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn there(path: &Path) -> Error {
    Error::new(ErrorKind::Invalid, "export", "a file of that name is there already")
        .hint("choose another name, or allow replacing it (`--overwrite`)")
        .retry(Retry::AfterChange)
        .with("path", path.display().to_string())
}

impl PartialFile {
    /// Makes `NAME.partial`. Fails if the target is there and may not be replaced.
    pub(super) fn create(target: &Path, if_there: IfThere) -> Result<Self> {
        if target.is_dir() {
            return Err(Error::new(ErrorKind::Invalid, "export", "the target is a folder")
                .hint("name a file in it")
                .with("path", target.display().to_string()));
        }
        let partial = beside(target, ".partial");
        if if_there == IfThere::Refuse && target.symlink_metadata().is_ok() {
            return Err(there(target));
        }
        if if_there == IfThere::Replace {
            match std::fs::remove_file(&partial) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(failed("removing an older partial file", &partial, &error));
                }
                _ => {}
            }
        }
        let made = OpenOptions::new().write(true).create_new(true).open(&partial);
        let file = made.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => Error::new(
                ErrorKind::Invalid,
                "export",
                "a partial file of an earlier or running export is there",
            )
            .hint("if no export is running, remove it or allow replacing it (`--overwrite`)")
            .retry(Retry::AfterChange)
            .with("path", partial.display().to_string()),
            _ => failed("making the file", &partial, &error),
        })?;
        Ok(Self(Arc::new(Mutex::new(Inner {
            target: target.to_owned(),
            partial,
            if_there,
            file,
            buffer: Vec::with_capacity(BUFFER_BYTES),
            hash: Sha256::new(),
            bytes: 0,
            failure: None,
            settled: false,
        }))))
    }

    /// A partial file whose bytes go to a device: for tests of what the system may answer.
    #[cfg(all(test, target_os = "linux"))]
    pub(super) fn on_device(target: &Path, device: &Path) -> Result<Self> {
        let made = Self::create(target, IfThere::Refuse)?;
        let device = OpenOptions::new().write(true).open(device);
        made.lock().file = device.map_err(|error| failed("opening the device", target, &error))?;
        Ok(made)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the system said when a write failed.
    pub(super) fn failure(&self) -> Option<Error> {
        self.lock().failure.clone()
    }

    /// Syncs the file; after this nothing may be written.
    pub(super) fn seal(&self) -> Result<Committed> {
        let mut inner = self.lock();
        let partial = inner.partial.clone();
        let synced = inner.drain().and_then(|()| inner.file.sync_all());
        if let Err(error) = synced {
            return Err(inner
                .failure
                .clone()
                .unwrap_or_else(|| failed("writing the file", &partial, &error)));
        }
        let sha256 = inner.hash.clone().finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Committed { bytes: inner.bytes, sha256 })
    }

    /// Gives the sealed file its name.
    pub(super) fn commit(&self) -> Result<()> {
        let mut inner = self.lock();
        if inner.if_there == IfThere::Refuse {
            // A link fails where the name is taken meanwhile; file systems without links get a look instead.
            match std::fs::hard_link(&inner.partial, &inner.target) {
                Ok(()) => {
                    inner.settled = true;
                    drop(std::fs::remove_file(&inner.partial));
                    return sync_folder(&inner.target);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    return Err(there(&inner.target));
                }
                Err(_) if inner.target.symlink_metadata().is_ok() => return Err(there(&inner.target)),
                Err(_) => {}
            }
        }
        std::fs::rename(&inner.partial, &inner.target)
            .map_err(|error| failed("giving the file its name", &inner.target, &error))?;
        inner.settled = true;
        sync_folder(&inner.target)
    }

    /// Leaves the partial where it is, under its partial name.
    pub(super) fn keep(&self) -> PathBuf {
        let mut inner = self.lock();
        // What can't be written any more is missing at its end; the name says that it is partial.
        drop(inner.drain());
        inner.settled = true;
        inner.partial.clone()
    }
}

impl Inner {
    fn drain(&mut self) -> io::Result<()> {
        let taken = std::mem::take(&mut self.buffer);
        let written = self.put(&taken);
        self.buffer = taken;
        self.buffer.clear();
        written
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
        self.file.write_all(bytes).inspect_err(|error| {
            let told = failed("writing the file", &self.partial, error);
            self.failure.get_or_insert(told);
        })
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if !self.settled {
            // Nobody is left to tell; the name says that it is partial.
            drop(std::fs::remove_file(&self.partial));
        }
    }
}

impl Write for PartialFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut inner = self.lock();
        if inner.buffer.len() + bytes.len() > BUFFER_BYTES {
            inner.drain()?;
        }
        if bytes.len() >= BUFFER_BYTES {
            inner.put(bytes)?;
        } else {
            inner.buffer.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An io error of an export; a full disk is a budget that was used up.
pub(super) fn failed(doing: &str, path: &Path, error: &io::Error) -> Error {
    let told = Error::io("export", doing, error);
    let told = match told.kind {
        ErrorKind::Budget => told.hint("free some space or export to another disk; nothing was kept"),
        ErrorKind::NotFound => told.hint("make the folder first"),
        _ => told,
    };
    told.with("path", path.display().to_string())
}

#[cfg(unix)]
fn sync_folder(path: &Path) -> Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    match synced {
        // Some file systems cannot sync folders; the rename stands all the same.
        Err(error) if error.kind() != io::ErrorKind::InvalidInput => {
            Err(failed("syncing the folder", folder, &error))
        }
        _ => Ok(()),
    }
}

#[cfg(not(unix))]
fn sync_folder(_path: &Path) -> Result<()> {
    Ok(())
}
