//! Files of other tools, by their documented formats. Each gives URLs without secrets; the connector that answers to
//! the URL's scheme says what becomes of them, so that no format knows a connector.

use url::Url;

use super::tools;
use super::{Imported, without_secrets};
use crate::model::connection::{Connection, Tier};
use crate::model::{Error, ErrorKind, Result};
use crate::ops::Workspace;
use crate::ops::draft::connection_of;

/// A format of a file of connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Our own.
    Headwater,
    /// libpq's password file, `~/.pgpass`.
    PgPass,
    /// libpq's connection services, `~/.pg_service.conf`.
    PgService,
    /// Options of MySQL's clients, `~/.my.cnf`.
    MyCnf,
    /// A URL a line, or `NAME=URL`: what shells, redis-cli and mongosh are given.
    Urls,
    /// DBeaver's `data-sources.json`.
    Dbeaver,
    /// DataGrip's `dataSources.xml`, or what "Copy settings" gives.
    DataGrip,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Headwater,
        Self::PgPass,
        Self::PgService,
        Self::MyCnf,
        Self::Urls,
        Self::Dbeaver,
        Self::DataGrip,
    ];

    /// Its word at the terminal.
    pub fn word(self) -> &'static str {
        match self {
            Self::Headwater => "headwater",
            Self::PgPass => "pgpass",
            Self::PgService => "pg-service",
            Self::MyCnf => "my-cnf",
            Self::Urls => "urls",
            Self::Dbeaver => "dbeaver",
            Self::DataGrip => "datagrip",
        }
    }

    /// All words, for people.
    pub fn words() -> String {
        Self::ALL.map(Self::word).join(", ")
    }

    /// The format of a word.
    ///
    /// # Errors
    /// `invalid` for none of them.
    pub fn of_word(word: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|format| format.word() == word).ok_or_else(|| {
            let why = format!("--format: {word:?} is none of {}", Self::words());
            Error::new(ErrorKind::Invalid, "usage", why)
        })
    }

    /// The format of a file, by its name and what it begins with.
    pub fn of(name: &str, text: &str) -> Option<Self> {
        let name = name.to_lowercase();
        let begin = text.trim_start();
        let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let first = lines().next().unwrap_or_default();
        if begin.starts_with('{') && text.contains("\"connections\"") {
            return Some(Self::Dbeaver);
        }
        if text.contains("<data-source ") || begin.starts_with("#DataSourceSettings#") {
            return Some(Self::DataGrip);
        }
        if text.contains("[[connection]]") {
            return Some(Self::Headwater);
        }
        if name.contains("pgpass")
            || (!first.contains("://")
                && lines().all(|line| tools::pgpass_parts(line).len() == 5)
                && !first.is_empty())
        {
            return Some(Self::PgPass);
        }
        if name.contains("my.cnf") || first.starts_with("[client") || first.starts_with("[mysql") {
            return Some(Self::MyCnf);
        }
        if name.contains("pg_service") || (first.starts_with('[') && text.contains("dbname")) {
            return Some(Self::PgService);
        }
        lines().any(|line| line.contains("://")).then_some(Self::Urls)
    }
}

/// One entry of a foreign file: its name and a URL that may still hold a secret, which nobody keeps.
pub(super) struct Entry {
    pub name: Option<String>,
    pub url: zeroize::Zeroizing<String>,
    pub has_secret: bool,
    pub tier: Option<Tier>,
    pub group: String,
    pub note: String,
}

impl Entry {
    pub fn new(url: String) -> Self {
        Self {
            name: None,
            url: zeroize::Zeroizing::new(url),
            has_secret: false,
            tier: None,
            group: String::new(),
            note: String::new(),
        }
    }

    pub fn named(self, name: impl Into<String>) -> Self {
        let name = Some(name.into()).filter(|name: &String| !name.trim().is_empty());
        Self { name, ..self }
    }

    pub fn with_secret(self, has_secret: bool) -> Self {
        Self { has_secret, ..self }
    }
}

/// An entry, or what was left out with the reason.
pub(super) type Parsed = std::result::Result<Entry, (String, String)>;

pub(super) async fn read(workspace: &Workspace, format: Format, text: &str) -> Result<Imported> {
    let entries = match format {
        Format::Headwater => Vec::new(),
        Format::PgPass => tools::pgpass(text),
        Format::PgService => tools::pg_service(text),
        Format::MyCnf => tools::my_cnf(text),
        Format::Urls => tools::urls(text),
        Format::Dbeaver => tools::dbeaver(text)?,
        Format::DataGrip => tools::datagrip(text),
    };
    let mut imported = Imported::default();
    for entry in entries {
        match entry {
            Ok(entry) => take(workspace, entry, &mut imported).await,
            Err(left_out) => imported.skipped.push(left_out),
        }
    }
    Ok(imported)
}

async fn take(workspace: &Workspace, entry: Entry, imported: &mut Imported) {
    let shown = entry.name.clone().unwrap_or_else(|| without_secrets(&entry.url));
    let mut url = match Url::parse(&entry.url) {
        Ok(url) => url,
        Err(error) => return imported.skipped.push((shown, format!("no URL: {error}"))),
    };
    let held = entry.has_secret || url.password().is_some();
    imported.dropped_secrets += usize::from(held);
    let _none = url.set_password(None);
    // What a parameter holds may be a secret as well; the connector's form decides over the rest.
    let plain = url.query_pairs().filter(|(key, value)| {
        let pair = format!("{key}={value}");
        crate::safety::redact::redact(&pair) == pair
    });
    let plain = plain.map(|(key, value)| (key.into_owned(), value.into_owned())).collect::<Vec<_>>();
    let known = known_keys(workspace, &url, plain);
    url.set_query(None);
    if !known.is_empty() {
        url.query_pairs_mut().extend_pairs(known);
    }
    match connection_of(workspace, url.as_str()).await {
        Ok(connection) => imported.connections.push(Connection {
            name: entry.name.unwrap_or_else(|| connection.name.clone()),
            secrets: std::collections::BTreeMap::new(),
            tier: entry.tier.unwrap_or(connection.tier),
            group: entry.group,
            note: without_secrets(&entry.note),
            ..connection
        }),
        Err(error) => imported.skipped.push((shown, error.attempted)),
    }
}

/// Parameters that the form of the URL's connector knows; drivers of other tools have more.
fn known_keys(workspace: &Workspace, url: &Url, pairs: Vec<(String, String)>) -> Vec<(String, String)> {
    let Some(connector) = workspace.registry().by_scheme(url.scheme()) else { return pairs };
    let form = &connector.card().form;
    if form.field(Connection::URL).is_some() {
        return pairs;
    }
    let fits = |key: &str, value: &str| match form.field(key).map(|field| &field.kind) {
        Some(crate::model::card::FieldKind::Choice { options }) => {
            options.iter().any(|(known, _)| *known == value)
        }
        Some(crate::model::card::FieldKind::Secret) | None => false,
        Some(_) => true,
    };
    pairs.into_iter().filter(|(key, value)| fits(key, value)).collect()
}
