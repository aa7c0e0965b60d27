//! The built-in sources: unpacked from the binary into the data folder when first opened, and again
//! whenever they were changed, so that the demo always shows what its page says.

use std::path::Path;

use serde::Deserialize;

use super::Workspace;
use super::target::{Part, Target};
use crate::model::connection::{Connection, DeclaredCapacity, Tier};
use crate::model::read::Bound;
use crate::model::{Error, Result};
use crate::store::atomic;

/// Name and bytes of every demo file.
const FILES: [(&str, &[u8]); 2] = [
    ("flights.db", include_bytes!("../../assets/demo/flights.db")),
    ("flights_feed.csv", include_bytes!("../../assets/demo/flights_feed.csv")),
];

/// What the demo declares of itself.
#[derive(Deserialize)]
struct Declared {
    connection: DeclaredConnection,
    capacity: Capacity,
    budget: Bound,
}

#[derive(Deserialize)]
struct DeclaredConnection {
    name: String,
    tier: Tier,
    note: String,
}

#[derive(Deserialize)]
struct Capacity {
    cores: f64,
    disk_bytes_per_sec: f64,
    cache_bytes: f64,
    link_bytes_per_sec: f64,
    note: String,
}

/// The demo as a target; unpacks it if needed.
pub async fn target(workspace: &Workspace) -> Result<Target> {
    let declared =
        toml::from_str::<Declared>(include_str!("../../assets/demo/demo.toml")).map_err(|error| {
            Error::unexpected("connect", format!("the demo's declaration can't be read: {error}"))
        })?;
    let folder = workspace.data_dir().join("demo");
    let registry = workspace.registry();
    unpack(&folder).await?;
    let mut parts = Vec::with_capacity(FILES.len());
    for (name, bytes) in FILES {
        let Some(connector) = registry.by_file(name, bytes) else { continue };
        let mut connection = Connection::new(declared.connection.name.clone(), connector.card().id)
            .value(Connection::PATH, folder.join(name).display().to_string());
        connection.tier = declared.connection.tier;
        connection.note = declared.connection.note.clone();
        connection.budget = declared.budget;
        connection.capacity = Some(DeclaredCapacity {
            disk_bytes_per_sec: declared.capacity.disk_bytes_per_sec,
            link_bytes_per_sec: declared.capacity.link_bytes_per_sec,
            cores: declared.capacity.cores,
            cache_bytes: declared.capacity.cache_bytes,
            requests_per_sec: 50.0,
            note: declared.capacity.note.clone(),
        });
        parts.push(Part { mount: Some(name.to_owned()), connection });
    }
    Ok(Target { name: declared.connection.name, text: Target::DEMO.to_owned(), parts })
}

/// Writes the demo files that are absent or differ; each under another name first, then renamed.
async fn unpack(folder: &Path) -> Result<()> {
    let failed = |error: &std::io::Error| {
        Error::io("connect", "unpacking the demo into the data folder", error)
            .hint("choose another folder with --data-dir")
            .with("path", folder.display().to_string())
    };
    tokio::fs::create_dir_all(folder).await.map_err(|error| failed(&error))?;
    for (name, bytes) in FILES {
        atomic::edit(&folder.join(name), atomic::Keep::Newest, move |present| {
            let change = if present.as_deref() == Some(bytes) {
                atomic::Change::None
            } else {
                atomic::Change::To(bytes.to_vec())
            };
            Ok((change, ()))
        })
        .await?;
    }
    Ok(())
}
