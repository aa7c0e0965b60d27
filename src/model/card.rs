//! What a connector says of itself before it is connected: its card and the form of its connections.
//! Both are data, so the window, the headless face and the tests draw, ask and check them alike.

use serde::Serialize;

use super::connection::Connection;

/// Family of systems, for grouping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Relational databases.
    Relational,
    /// Files.
    Files,
    /// Document stores.
    Documents,
    /// Key-value stores.
    Keys,
    /// APIs.
    Api,
    /// Queues and logs.
    Streams,
}

/// What a form field takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum FieldKind {
    /// One line of text.
    Text,
    /// A whole number in this range.
    Number {
        /// Least.
        min: u64,
        /// Most.
        max: u64,
    },
    /// A path of a file.
    File {
        /// Extensions the dialog offers.
        extensions: &'static [&'static str],
    },
    /// One of these.
    Choice {
        /// Value and label.
        options: &'static [(&'static str, &'static str)],
    },
    /// A secret: kept in the keychain, never in the connection.
    Secret,
}

/// Whether a field must be filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// Must be filled.
    Required,
    /// May be empty.
    Optional,
}

/// One field of a connection form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FormField {
    /// Key under which the connection keeps it.
    pub key: &'static str,
    /// Label.
    pub label: &'static str,
    /// Help in one line.
    pub help: &'static str,
    /// What it takes.
    pub kind: FieldKind,
    /// Whether it must be filled.
    pub need: Need,
    /// What holds when it is empty.
    pub default: Option<&'static str>,
}

impl FormField {
    /// A field that may be empty.
    pub const fn optional(
        key: &'static str,
        label: &'static str,
        help: &'static str,
        kind: FieldKind,
        default: Option<&'static str>,
    ) -> Self {
        Self { key, label, help, kind, need: Need::Optional, default }
    }

    /// A field that must be filled.
    pub const fn required(
        key: &'static str,
        label: &'static str,
        help: &'static str,
        kind: FieldKind,
    ) -> Self {
        Self { key, label, help, kind, need: Need::Required, default: None }
    }
}

/// The form of a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Form {
    /// Fields in order.
    pub fields: &'static [FormField],
}

/// Fields of every connection to a server, whatever the connector: how to get there.
pub const WAY_IN: &[FormField] = &[
    FormField::optional(
        Connection::VIA,
        "Way in",
        "empty = directly; else ssh://HOST as your SSH configuration names it, socks5://HOST:PORT or http://HOST:PORT",
        FieldKind::Text,
        None,
    ),
    FormField::optional(
        Connection::VIA_PASSWORD,
        "Proxy password",
        "where the proxy of the way in asks for one; never written to a file, a log or an export",
        FieldKind::Secret,
        None,
    ),
    FormField::optional(
        Connection::PIN,
        "Pinned certificate",
        "SHA-256 fingerprint of the one server certificate to trust, instead of an authority's word",
        FieldKind::Text,
        None,
    ),
];

impl Form {
    /// All fields: the connector's own, and for a server those of the way to it.
    pub fn all(&self) -> impl Iterator<Item = &'static FormField> + use<> {
        let way_in = if self.leads_to_a_server() { WAY_IN } else { &[] };
        self.fields.iter().chain(way_in)
    }

    /// The field of a key.
    pub fn field(&self, key: &str) -> Option<&'static FormField> {
        self.all().find(|field| field.key == key)
    }

    /// Whether it asks for a host or a web server's URL.
    pub fn leads_to_a_server(&self) -> bool {
        self.fields.iter().any(|field| [Connection::HOST, Connection::URL].contains(&field.key))
    }
}

/// What a connector says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Card {
    /// Its id: one lower-case word.
    pub id: &'static str,
    /// Its name as people write it.
    pub name: &'static str,
    /// Family.
    pub family: Family,
    /// One line: what it reads.
    pub summary: &'static str,
    /// URL schemes it answers to.
    pub schemes: &'static [&'static str],
    /// File extensions it opens, lower-case, longest first (`csv.gz` before `gz`).
    pub extensions: &'static [&'static str],
    /// Leading bytes of the files it opens, for files without a known extension.
    pub magic: &'static [&'static [u8]],
    /// Form of its connections.
    pub form: Form,
    /// Its page of help (Markdown).
    pub docs: &'static str,
    /// Facts documented of such systems (TOML).
    pub facts: &'static str,
}
