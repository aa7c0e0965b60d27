//! A place for a body that nobody has looked into yet: a file without a name, gone with its descriptor.

use std::fs::File;

use crate::model::{Error, Result};

/// A fresh file that only its descriptor reaches.
///
/// # Errors
/// As the system has them for temporary files; `unsupported` where files can't lose their name.
#[cfg(unix)]
pub(super) fn unlinked(stage: &str) -> Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;

    let path = std::env::temp_dir().join(format!("headwater-{}", uuid::Uuid::new_v4().simple()));
    let failed = |error: std::io::Error| {
        Error::io(stage, "making a temporary file for the answer", &error)
            .with("folder", std::env::temp_dir().display().to_string())
    };
    let file = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .map_err(failed)?;
    std::fs::remove_file(&path).map_err(failed)?;
    Ok(file)
}

#[cfg(not(unix))]
pub(super) fn unlinked(stage: &str) -> Result<File> {
    Err(Error::new(
        crate::model::ErrorKind::Unsupported,
        stage,
        "answers of servers can't be parsed on this system yet",
    ))
}
