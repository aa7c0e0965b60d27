//! A saved connection: everything needed to reach a source again, secret-free by type. A secret is only
//! ever named by a random [`SecretRef`].

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::load::{Capacity, Provenance};
use super::read::Bound;
use super::{Error, ErrorKind, Result};

/// Names a secret in the keychain; says nothing about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretRef(pub uuid::Uuid);

/// Which environment a connection belongs to; sets how strict the policy is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Tier {
    /// This machine.
    #[default]
    Local,
    /// Development.
    Dev,
    /// Staging.
    Stg,
    /// Production.
    Prod,
}

impl Tier {
    /// The word in the window.
    pub fn word(self) -> &'static str {
        match self {
            Self::Local => "LOCAL",
            Self::Dev => "DEV",
            Self::Stg => "STG",
            Self::Prod => "PROD",
        }
    }
}

impl Tier {
    /// All, the strictest last.
    pub const ALL: [Self; 4] = [Self::Local, Self::Dev, Self::Stg, Self::Prod];

    /// What one session may take where the connection declares nothing: a production server bears a look, not a
    /// copy. Elsewhere the load policy alone decides.
    pub fn budget(self) -> Bound {
        match self {
            Self::Local | Self::Dev | Self::Stg => Bound::default(),
            Self::Prod => Bound {
                rows: Some(1_000_000),
                bytes: Some(1 << 30),
                seconds: Some(300.0),
                requests: Some(5_000),
            },
        }
    }

    /// What the window says of the choice.
    pub fn why(self) -> &'static str {
        match self {
            Self::Local => "This machine",
            Self::Dev => "Development",
            Self::Stg => "Staging",
            Self::Prod => "Production: the strictest; a budget of its own, and nothing is asked on its own",
        }
    }
}

/// Declared size of an upstream, used until something is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SizeClass {
    /// 2 cores, 200 MB/s, 100 Mbit/s, 1 GB cache.
    Small,
    /// 8 cores, 500 MB/s, 1 Gbit/s, 16 GB cache.
    Medium,
    /// 32 cores, 2 GB/s, 10 Gbit/s, 128 GB cache.
    Large,
}

impl SizeClass {
    /// All, smallest first.
    pub const ALL: [Self; 3] = [Self::Small, Self::Medium, Self::Large];

    /// Its word in the window, the terminal and files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Medium => "medium",
            Self::Large => "large",
        }
    }

    /// What it stands for.
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Small => "2 cores, 200 MB/s, 100 Mbit/s, 1 GB cache",
            Self::Medium => "8 cores, 500 MB/s, 1 Gbit/s, 16 GB cache",
            Self::Large => "32 cores, 2 GB/s, 10 Gbit/s, 128 GB cache",
        }
    }

    /// The class of an upstream in this environment, where none is declared.
    pub fn of_tier(tier: Tier) -> Self {
        match tier {
            Tier::Local | Tier::Dev => Self::Small,
            Tier::Stg | Tier::Prod => Self::Medium,
        }
    }

    /// What such an upstream bears, marked as declared.
    pub fn capacity(self) -> Capacity {
        let (who, cores, disk, link, cache, requests) = match self {
            Self::Small => ("class small", 2.0, 200e6, 12.5e6, 1e9, 100.0),
            Self::Medium => ("class medium", 8.0, 500e6, 125e6, 16e9, 500.0),
            Self::Large => ("class large", 32.0, 2e9, 1.25e9, 128e9, 2000.0),
        };
        Capacity {
            disk_bytes_per_sec: disk,
            link_bytes_per_sec: link,
            cores,
            cache_bytes: cache,
            requests_per_sec: requests,
            provenance: Provenance::Declared { who: who.to_owned() },
        }
    }
}

/// Capacity written into a connection by hand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeclaredCapacity {
    /// Bytes per second of its storage.
    pub disk_bytes_per_sec: f64,
    /// Bytes per second of the link.
    pub link_bytes_per_sec: f64,
    /// Cores.
    pub cores: f64,
    /// Bytes of its cache.
    pub cache_bytes: f64,
    /// Requests per second.
    pub requests_per_sec: f64,
    /// Why, or who said so.
    pub note: String,
}

/// A saved connection, or one made on the fly for a path or URL.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Connection {
    /// Random id that stays when the name changes.
    pub id: uuid::Uuid,
    /// The user's name of it; also a TARGET of the headless face.
    pub name: String,
    /// Id of the connector.
    pub connector: String,
    /// Values of the form by key; no secrets.
    #[serde(default)]
    pub values: BTreeMap<String, String>,
    /// Secrets by form key: names in the keychain.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, SecretRef>,
    /// Environment.
    #[serde(default)]
    pub tier: Tier,
    /// Declared size; none = by tier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_class: Option<SizeClass>,
    /// Declared capacity; overrides the class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<DeclaredCapacity>,
    /// Budget of one session on this connection.
    #[serde(default)]
    pub budget: Bound,
    /// The group it stands in; empty = none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// Who owns the upstream.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub owner: String,
    /// How to reach the owner.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub contact: String,
    /// Anything to remember.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

impl Connection {
    /// Form key under which every file connector keeps the path of its file.
    pub const PATH: &'static str = "path";
    /// Form key of a server's host name, address, or folder of its Unix socket.
    pub const HOST: &'static str = "host";
    /// Form key of a server's port.
    pub const PORT: &'static str = "port";
    /// Form key of the login's name.
    pub const USER: &'static str = "user";
    /// Form key of the login's password; a secret.
    pub const PASSWORD: &'static str = "password";
    /// Form key of the database on a server.
    pub const DATABASE: &'static str = "database";
    /// Form key of the way to the server, where it is not reached directly.
    pub const VIA: &'static str = "via";
    /// Form key of the password of a proxy on the way.
    pub const VIA_PASSWORD: &'static str = "via_password";
    /// Form key of the fingerprint of the one certificate that is trusted.
    pub const PIN: &'static str = "pin";
    /// Form key of a web server's URL, kept whole; without a login.
    pub const URL: &'static str = "url";

    /// A connection of this name over a connector, everything else by default.
    pub fn new(name: impl Into<String>, connector: impl Into<String>) -> Self {
        Self {
            id: uuid::Uuid::new_v4(),
            name: name.into(),
            connector: connector.into(),
            values: BTreeMap::new(),
            secrets: BTreeMap::new(),
            tier: Tier::Local,
            size_class: None,
            capacity: None,
            budget: Bound::default(),
            group: String::new(),
            owner: String::new(),
            contact: String::new(),
            note: String::new(),
        }
    }

    /// With one value of the form.
    #[must_use]
    pub fn value(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.values.insert(key.into(), value.into());
        self
    }

    /// The file it names.
    ///
    /// # Errors
    /// `invalid` if it names none; `what` is the kind of file, for the hint.
    pub fn file(&self, what: &str) -> Result<PathBuf> {
        match self.values.get(Self::PATH).filter(|path| !path.is_empty()) {
            Some(path) => Ok(PathBuf::from(path)),
            None => Err(Error::new(ErrorKind::Invalid, "connect", "the connection names no file")
                .hint(format!("give the path of the {what}"))),
        }
    }

    /// What a field of the form was filled with, without blanks around it; none where it is empty.
    pub fn filled(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// Where it leads, for lists: a path, a URL, or a host with its port. Upstream names are raw.
    pub fn place(&self) -> Option<String> {
        let value = |key: &str| self.values.get(key).filter(|value| !value.is_empty());
        if let Some(whole) = value(Self::PATH).or_else(|| value(Self::URL)) {
            return Some(whole.clone());
        }
        let host = value(Self::HOST)?;
        Some(value(Self::PORT).map_or_else(|| host.clone(), |port| format!("{host}:{port}")))
    }

    /// What its secrets are bound to: where they would be sent, and by which way.
    pub fn binding(&self) -> String {
        let place = match self.filled(Self::URL).map(url::Url::parse) {
            // Path and query are the server's own; who gets the secret is told by the origin.
            Some(Ok(url)) => url.origin().ascii_serialization(),
            Some(Err(_)) | None => self.place().unwrap_or_default().to_lowercase(),
        };
        match self.filled(Self::VIA) {
            Some(via) => format!("{} at {place} through {via}", self.connector),
            None => format!("{} at {place}", self.connector),
        }
    }

    /// Whether a text is in its name, group, place, owner or note; for searching a list.
    pub fn speaks_of(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        let place = self.place().unwrap_or_default();
        let told = [&self.name, &self.group, &self.owner, &self.contact, &self.note, &self.connector, &place];
        told.iter().any(|told| told.to_lowercase().contains(&text))
            || self.tier.word().eq_ignore_ascii_case(&text)
    }

    /// What one session may take: as declared, else by tier.
    pub fn session_budget(&self) -> Bound {
        let declared = self.budget;
        if declared == Bound::default() { self.tier.budget() } else { declared }
    }

    /// What the upstream can bear: declared by hand, else by class, else by tier.
    pub fn capacity(&self) -> Capacity {
        if let Some(declared) = &self.capacity {
            return Capacity {
                disk_bytes_per_sec: declared.disk_bytes_per_sec,
                link_bytes_per_sec: declared.link_bytes_per_sec,
                cores: declared.cores,
                cache_bytes: declared.cache_bytes,
                requests_per_sec: declared.requests_per_sec,
                provenance: Provenance::Declared { who: format!("the connection: {}", declared.note) },
            };
        }
        self.size_class.unwrap_or(SizeClass::of_tier(self.tier)).capacity()
    }
}
