//! From what a user types, drops or picks to connections: the name of a saved connection, a URL, a path,
//! or `demo:`. Nothing is connected here; a file's first bytes are looked at to know what it is.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::Workspace;
use crate::connector::{Connector, Registry};
use crate::model::connection::Connection;
use crate::model::{Error, ErrorKind, Result};

/// One source of a target.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// First segment of its paths, if the target holds several sources.
    pub mount: Option<String>,
    /// How to reach it.
    pub connection: Connection,
}

/// What to open.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// Name for tabs and the ledger.
    pub name: String,
    /// Text that resolves to this target again.
    pub text: String,
    /// Its sources.
    pub parts: Vec<Part>,
}

impl Target {
    /// The built-in sources.
    pub const DEMO: &'static str = "demo:";

    /// Bytes looked at to know what a file is.
    const HEAD_BYTES: usize = 512;

    /// Resolves what a user gave.
    ///
    /// # Errors
    /// `not_found` for a path that is not there, `unsupported` for a kind of file or URL that no connector
    /// of this build opens, `invalid` for a folder given as a file.
    pub async fn resolve(workspace: &Workspace, text: &str) -> Result<Self> {
        let text = text.trim();
        if text == Self::DEMO || text == "demo" {
            return super::demo::target(workspace).await;
        }
        if let Some(connection) = workspace.saved_connection(text).await? {
            return Ok(Self::single(text, connection));
        }
        if let Some((scheme, _)) = text.split_once("://") {
            return Self::of_url(workspace, text, scheme);
        }
        if text.is_empty() {
            return Err(Error::new(ErrorKind::Invalid, "connect", "no target was given")
                .hint("give a path, a URL, the name of a saved connection, or demo:"));
        }
        Self::of_file(workspace.registry(), Path::new(text))
    }

    /// The target of a saved connection.
    pub fn single(text: &str, connection: Connection) -> Self {
        Self {
            name: connection.name.clone(),
            text: text.to_owned(),
            parts: vec![Part { mount: None, connection }],
        }
    }

    fn of_url(workspace: &Workspace, text: &str, scheme: &str) -> Result<Self> {
        let registry = workspace.registry();
        let Some(connector) = registry.by_scheme(&scheme.to_lowercase()) else {
            let known =
                registry.iter().flat_map(|connector| connector.card().schemes).copied().collect::<Vec<_>>();
            return Err(Error::new(
                ErrorKind::Unsupported,
                "connect",
                format!("no connector of this build answers to {scheme}://"),
            )
            .hint(format!("this build answers to: {}", known.join(", "))));
        };
        if let Some(target) = super::address::target(workspace, connector, text)? {
            return Ok(target);
        }
        let path = text.split_once("://").map_or("", |(_, rest)| rest);
        if path.split('/').next().is_some_and(|authority| authority.contains('@')) {
            // It would be taken for part of the path, and kept and shown as such.
            return Err(Error::new(
                ErrorKind::Invalid,
                "usage",
                format!("a file is opened without user or password: {scheme}://PATH"),
            )
            .hint("leave out what stands before the @"));
        }
        let name = Path::new(path)
            .file_name()
            .map_or_else(|| path.to_owned(), |name| name.to_string_lossy().into_owned());
        let connection = Connection::new(name, connector.card().id).value(Connection::PATH, path);
        Ok(Self::single(text, connection))
    }

    /// The target of a file.
    pub fn of_file(registry: &Registry, path: &Path) -> Result<Self> {
        let shown = path.display().to_string();
        let metadata = std::fs::metadata(path).map_err(|error| {
            Error::io("connect", "opening the file", &error)
                .hint("give a path, a URL, the name of a saved connection, or demo:")
                .with("path", shown.clone())
        })?;
        if metadata.is_dir() {
            return Err(Error::new(ErrorKind::Invalid, "connect", "this is a folder, not a file")
                .hint("give one file of it; folders as one table are not supported yet")
                .with("path", shown));
        }
        let absolute = std::path::absolute(path).unwrap_or_else(|_| PathBuf::from(path));
        let name =
            absolute.file_name().map_or_else(|| shown.clone(), |name| name.to_string_lossy().into_owned());
        let connector = Self::connector_of(registry, &absolute, &name)?;
        let connection = Connection::new(name, connector.card().id)
            .value(Connection::PATH, absolute.display().to_string());
        Ok(Self::single(&absolute.display().to_string(), connection))
    }

    fn connector_of(registry: &Registry, path: &Path, name: &str) -> Result<&'static dyn Connector> {
        let mut head = Vec::with_capacity(Self::HEAD_BYTES);
        std::fs::File::open(path)
            .inspect(read_no_further)
            .and_then(|file| file.take(Self::HEAD_BYTES as u64).read_to_end(&mut head))
            .map_err(|error| {
                Error::io("connect", "reading the first bytes of the file", &error)
                    .with("path", path.display().to_string())
            })?;
        let any = || registry.by_file("x.bin", &[]);
        registry.by_file(name, &head).or_else(|| text_reader(registry, &head)).or_else(any).ok_or_else(|| {
            let known = registry
                .iter()
                .flat_map(|connector| connector.card().extensions)
                .copied()
                .collect::<Vec<_>>();
            Error::new(
                ErrorKind::Unsupported,
                "connect",
                "no connector of this build opens this kind of file",
            )
            .hint(format!("this build opens: {}", known.join(", ")))
            .with("path", path.display().to_string())
        })
    }
}

/// Keeps the system from reading ahead: a look at a few bytes must not pull in megabytes that nobody asked for.
fn read_no_further(file: &std::fs::File) {
    #[cfg(target_os = "linux")]
    {
        // Only advice: a system that does not take it reads all the same.
        let _refused = rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::Random);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = file;
}

/// A file of unknown name whose head is text is tried as delimited text: by whoever opens `txt`.
fn text_reader(registry: &Registry, head: &[u8]) -> Option<&'static dyn Connector> {
    let is_text = !head.is_empty() && !head.contains(&0);
    if is_text { registry.by_file("x.txt", &[]) } else { None }
}
