//! Which connector answers to an id, a URL scheme, a file extension or a file's first bytes. Built from a
//! list; knows no connector by name.

use super::Connector;
use crate::model::{Error, ErrorKind, Result};

/// The connectors of this build.
#[derive(Clone)]
pub struct Registry {
    connectors: Vec<&'static dyn Connector>,
}

impl Registry {
    /// A registry of these connectors.
    pub fn new(connectors: Vec<&'static dyn Connector>) -> Self {
        Self { connectors }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &'static dyn Connector> + '_ {
        self.connectors.iter().copied()
    }

    /// The connector of an id.
    ///
    /// # Errors
    /// `unsupported`, with the ids of this build.
    pub fn by_id(&self, id: &str) -> Result<&'static dyn Connector> {
        self.iter().find(|connector| connector.card().id == id).ok_or_else(|| {
            let known = self.iter().map(|connector| connector.card().id).collect::<Vec<_>>().join(", ");
            Error::new(
                ErrorKind::Unsupported,
                "connect",
                format!("there is no connector {id:?} in this build"),
            )
            .hint(format!("this build has: {known}"))
        })
    }

    /// The connector of a URL scheme.
    pub fn by_scheme(&self, scheme: &str) -> Option<&'static dyn Connector> {
        self.iter().find(|connector| connector.card().schemes.contains(&scheme))
    }

    /// The connector of a file, by its first bytes, else by the longest matching extension. The first
    /// bytes win: a database named `.csv` is a database.
    pub fn by_file(&self, name: &str, head: &[u8]) -> Option<&'static dyn Connector> {
        let lower = name.to_lowercase();
        self.iter()
            .find(|connector| connector.card().magic.iter().any(|magic| head.starts_with(magic)))
            .or_else(|| {
                self.iter()
                    .flat_map(|connector| {
                        connector.card().extensions.iter().map(move |extension| (connector, *extension))
                    })
                    .filter(|(_, extension)| lower.ends_with(&format!(".{extension}")))
                    .max_by_key(|(_, extension)| extension.len())
                    .map(|(connector, _)| connector)
            })
    }
}
