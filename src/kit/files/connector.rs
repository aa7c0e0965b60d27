//! The connector of a file format: a card, a command table and a few words.

use std::sync::Arc;

use async_trait::async_trait;

use super::commands::id;
use super::folder::{FolderSource, Opening};
use super::source::FileSource;
use crate::connector::{Connector, Credentials, Source};
use crate::job::CallCtx;
use crate::model::Result;
use crate::model::ability::{Abilities, CancelReach, CostClass, Pushdown, Support};
use crate::model::card::Card;
use crate::model::command::CommandEntry;
use crate::model::connection::Connection;

/// What the host must know of a format.
pub struct FileFormat {
    /// What it is, in words: "Parquet file".
    pub what: &'static str,
    /// The text of a look, with `{file}` for the name: the template of the entry `look`.
    pub look: &'static str,
    /// Cost of an exact row count.
    pub exact_count: CostClass,
    /// What a user fixed in the connection, for the reader; fails with `invalid`.
    pub settings: fn(&Connection) -> Result<serde_json::Value>,
}

/// For formats in which nothing can be fixed.
///
/// # Errors
/// None.
pub fn no_settings(_connection: &Connection) -> Result<serde_json::Value> {
    Ok(serde_json::Value::Null)
}

/// What a file's source does itself: everything but ordering.
pub(super) const PUSHDOWN: Pushdown = Pushdown { order: Support::None, ..Pushdown::FULL };

/// The connector over a format; one static value each.
pub struct FileConnector {
    /// What it says of itself.
    pub card: &'static Card,
    /// The format.
    pub format: &'static FileFormat,
    /// Its command table, made by [`super::commands()`] or [`super::commands_with_folders()`].
    pub commands: &'static [CommandEntry],
}

impl FileFormat {
    pub(super) fn abilities(&self) -> Abilities {
        Abilities {
            pushdown: PUSHDOWN,
            exact_count: self.exact_count,
            stable_paging: Support::Exact,
            native_profile: Support::Exact,
            catalog_profile: Support::Exact,
            cancel: CancelReach::Confirmed,
            // Whatever is on disk is read, and a writer may be at work.
            snapshot: Support::None,
            side_effects: vec!["the file's access time may change".to_owned()],
            page_cap_rows: None,
            rate_limit_per_sec: None,
            query_language: None,
        }
    }
}

#[async_trait]
impl Connector for FileConnector {
    fn card(&self) -> &'static Card {
        self.card
    }

    fn commands(&self) -> &'static [CommandEntry] {
        self.commands
    }

    fn abilities(&self) -> Abilities {
        self.format.abilities()
    }

    async fn connect(
        &self,
        ctx: &CallCtx,
        connection: &Connection,
        _credentials: &Credentials,
    ) -> Result<Arc<dyn Source>> {
        let settings = (self.format.settings)(connection)?;
        let path = connection.file(self.format.what)?;
        let capacity = connection.capacity();
        let reads_folders = self.commands.iter().any(|entry| entry.id == id::LIST);
        if reads_folders && tokio::fs::metadata(&path).await.is_ok_and(|about| about.is_dir()) {
            let (parser, extensions) = (self.card.id, self.card.extensions);
            let opening = Opening { parser, format: self.format, extensions, path, settings, capacity };
            return Ok(Arc::new(FolderSource::open(ctx, opening).await?));
        }
        Ok(Arc::new(FileSource::open(ctx, self.card.id, self.format, path, settings, capacity).await?))
    }
}
