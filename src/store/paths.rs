//! Where things lie: the system's folders for data, settings and caches, or one folder of the user's
//! choice for everything.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::model::error::Retry;
use crate::model::{Error, ErrorKind, Result};

/// The environment variable that overrides the folders, as `--data-dir` does.
pub const DATA_DIR_VARIABLE: &str = "HEADWATER_DATA_DIR";

/// Stage of every error here.
const STAGE: &str = "start";

/// The folders of this run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folders {
    /// The ledger and what was learned.
    pub data: PathBuf,
    /// Connections and settings.
    pub config: PathBuf,
    /// What can be made again.
    pub cache: PathBuf,
}

impl Folders {
    /// The folders: `flag` (`--data-dir`), else [`DATA_DIR_VARIABLE`], else the system's. Makes nothing.
    ///
    /// # Errors
    /// `not_found` if the system names no home and nothing else was given.
    pub fn find(flag: Option<&Path>) -> Result<Self> {
        Self::choose(flag, std::env::var_os(DATA_DIR_VARIABLE))
    }

    fn choose(flag: Option<&Path>, variable: Option<OsString>) -> Result<Self> {
        let given = flag.map(Path::to_owned).or_else(|| variable.map(PathBuf::from));
        if let Some(folder) = given.filter(|folder| !folder.as_os_str().is_empty()) {
            return std::path::absolute(&folder)
                .map(Self::under)
                .map_err(|error| failed("finding the data folder", &folder, &error));
        }
        let system = directories::ProjectDirs::from("", "", "headwater").ok_or_else(|| {
            Error::new(ErrorKind::NotFound, STAGE, "the system names no home folder for this user")
                .hint(format!("name a folder with --data-dir or {DATA_DIR_VARIABLE}"))
                .retry(Retry::AfterChange)
        })?;
        Ok(Self {
            data: system.data_dir().to_owned(),
            config: system.config_dir().to_owned(),
            cache: system.cache_dir().to_owned(),
        })
    }

    /// Everything under one folder.
    pub fn under(folder: PathBuf) -> Self {
        Self { cache: folder.join("cache"), config: folder.clone(), data: folder }
    }

    /// Makes the folders of data and settings where they are missing. Whether they can be written is seen
    /// by whoever writes: a read-only folder still serves what lies in it.
    ///
    /// # Errors
    /// If a folder is missing and can't be made, or is no folder.
    pub fn make(&self) -> Result<()> {
        for folder in [&self.data, &self.config] {
            make_private(folder)
                .map_err(|error| failed("making the folder for headwater's files", folder, &error))?;
        }
        Ok(())
    }

    /// The ledger.
    pub fn ledger(&self) -> PathBuf {
        self.data.join("ledger.sqlite")
    }

    /// The saved connections.
    pub fn connections(&self) -> PathBuf {
        self.config.join("connections.toml")
    }

    /// The vault of secrets, where the user made one.
    pub fn vault(&self) -> PathBuf {
        self.config.join("secrets.vault")
    }

    /// The settings.
    pub fn settings(&self) -> PathBuf {
        self.config.join("settings.toml")
    }
}

/// Makes a folder that others on this machine may not read; one that is there stays as it is.
fn make_private(folder: &Path) -> std::io::Result<()> {
    let mut maker = std::fs::DirBuilder::new();
    maker.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut maker, 0o700);
    maker.create(folder)
}

fn failed(attempted: &str, folder: &Path, error: &std::io::Error) -> Error {
    Error::io(STAGE, attempted, error)
        .hint(format!("name a folder you can write to with --data-dir or {DATA_DIR_VARIABLE}"))
        .retry(Retry::AfterChange)
        .with("path", folder.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_beats_the_variable_and_either_beats_the_system() {
        let data = |flag: Option<&str>, variable: Option<&str>| {
            Folders::choose(flag.map(Path::new), variable.map(OsString::from))
        };
        for (flag, variable, expected) in
            [(Some("/flag"), Some("/variable"), "/flag"), (None, Some("/variable"), "/variable")]
        {
            let folders = data(flag, variable).unwrap();
            assert_eq!(folders.data, std::path::absolute(expected).unwrap());
            assert_eq!(folders.connections(), folders.data.join("connections.toml"));
        }
        assert!(data(Some("here"), None).unwrap().data.is_absolute());
        // An empty variable is none: what then comes is the system's, whatever it is.
        assert_eq!(data(None, Some("")).ok(), data(None, None).ok());
    }

    #[test]
    fn a_folder_that_can_not_be_made_is_said_with_the_way_out() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("file");
        std::fs::write(&file, "").unwrap();
        for folder in [file.clone(), file.join("below")] {
            let error = Folders::under(folder).make().unwrap_err();
            assert!(error.hint.as_deref().is_some_and(|hint| hint.contains("--data-dir")), "{error}");
            assert!(error.context.iter().any(|(key, _)| key == "path"), "{error}");
        }
        let folders = Folders::under(place.path().join("a").join("b"));
        folders.make().unwrap();
        folders.make().unwrap();
        assert!(folders.data.is_dir());
    }
}
