//! The file on disk as the host sees it: opened per read, known again by what it was.

use crate::model::error::Retry;
use crate::model::{Error, ErrorKind, Result};
use std::fs::{File, Metadata};
use std::path::Path;
use std::time::SystemTime;

/// What tells one state of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// Its size.
    pub bytes: u64,
    modified: Option<SystemTime>,
    place: (u64, u64),
}

/// How a file compares with what it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// Nothing changed that shows.
    Same,
    /// Bytes were added; what was there is taken to be there still.
    Grown,
    /// Shorter, rewritten, or another file of the same name.
    Replaced,
}

impl Identity {
    /// Of no file at all.
    pub fn nothing() -> Self {
        Self { bytes: 0, modified: None, place: (0, 0) }
    }

    fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        let place = {
            use std::os::unix::fs::MetadataExt as _;
            (metadata.dev(), metadata.ino())
        };
        #[cfg(not(unix))]
        let place = (0, 0);
        Self { bytes: metadata.len(), modified: metadata.modified().ok(), place }
    }

    /// How this state compares with an earlier one.
    pub fn since(&self, then: &Self) -> Since {
        if self == then {
            Since::Same
        } else if self.place == then.place && self.bytes > then.bytes {
            Since::Grown
        } else {
            Since::Replaced
        }
    }
}

/// Looks at a file without opening it.
///
/// # Errors
/// `not_found`, `denied`; `invalid` for a folder, `unsupported` for a pipe or a device.
pub async fn look(path: &Path, stage: &str) -> Result<Identity> {
    let metadata = tokio::fs::metadata(path).await.map_err(|error| failed(stage, path, &error))?;
    if metadata.is_dir() {
        return Err(Error::new(ErrorKind::Invalid, stage, "this is a folder, not a file")
            .hint("give one file of it")
            .with("path", path.display().to_string()));
    }
    if !metadata.is_file() {
        return Err(Error::new(
            ErrorKind::Unsupported,
            stage,
            "this is a pipe or a device, not a file on disk",
        )
        .hint("write its content to a file first")
        .with("path", path.display().to_string()));
    }
    Ok(Identity::of(&metadata))
}

/// Opens a file for reading.
///
/// # Errors
/// As [`look`].
pub async fn open(path: &Path, stage: &str) -> Result<(File, Identity)> {
    // A pipe would wait for a writer: what it is must be known before it is opened.
    look(path, stage).await?;
    let file = tokio::fs::File::open(path).await.map_err(|error| failed(stage, path, &error))?;
    let metadata = file.metadata().await.map_err(|error| failed(stage, path, &error))?;
    Ok((file.into_std().await, Identity::of(&metadata)))
}

fn failed(stage: &str, path: &Path, error: &std::io::Error) -> Error {
    let made = Error::io(stage, "opening the file", error).with("path", path.display().to_string());
    match made.kind {
        ErrorKind::NotFound => {
            made.hint("the file is not there, or not there any more").retry(Retry::AfterChange)
        }
        _ => made,
    }
}
