//! The URL of a server as a connection. Which parts there are is told by the connector's form: a form with a
//! host takes `scheme://user:password@host:port/database?key=value`, its further fields come by their keys.
//!
//! Invariant: the password is split off at once and kept for this run; it is in no value, name or text.

use secrecy::SecretString;
use url::Url;

use super::target::Part;
use super::{Target, Workspace};
use crate::connector::Connector;
use crate::model::card::{Card, FieldKind};
use crate::model::connection::Connection;
use crate::model::{Error, ErrorKind, Result};

/// The target of a server's URL; none if the connector's form has no host.
///
/// # Errors
/// `invalid` for what is no URL, for a parameter that the form does not know, for a secret among parameters.
pub(super) fn target(
    workspace: &Workspace,
    connector: &'static dyn Connector,
    text: &str,
) -> Result<Option<Target>> {
    let card = connector.card();
    if !has(card, Connection::HOST) {
        return Ok(None);
    }
    // The parser's own words never repeat the text, which may hold a password.
    let url = Url::parse(text).map_err(|error| invalid(card, &format!("this is no URL: {error}")))?;
    let mut connection = Connection::new("", card.id);
    let mut set = |key: &str, value: String| {
        if !value.is_empty() && has(card, key) {
            connection.values.insert(key.to_owned(), value);
        }
    };
    set(Connection::HOST, plain(url.host_str().unwrap_or_default()).trim_matches(['[', ']']).to_owned());
    set(Connection::PORT, url.port().map(|port| port.to_string()).unwrap_or_default());
    set(Connection::USER, plain(url.username()));
    set(Connection::DATABASE, plain(url.path().trim_start_matches('/')));
    for (key, value) in url.query_pairs() {
        let Some(field) = card.form.fields.iter().find(|field| field.key == key) else {
            return Err(invalid(card, &format!("the connection takes no {key:?}")));
        };
        if field.kind == FieldKind::Secret {
            return Err(invalid(card, &format!("{key:?} is a secret and is not taken from a parameter")));
        }
        set(&key, value.into_owned());
    }
    if let Some(password) = url.password().filter(|_| has(card, Connection::PASSWORD)) {
        let name = workspace.keep_secret(SecretString::from(plain(password)));
        connection.secrets.insert(Connection::PASSWORD.to_owned(), name);
    }
    connection.name = name_of(card, &connection);
    let shown = without_password(url);
    let parts = vec![Part { mount: None, connection: connection.clone() }];
    Ok(Some(Target { name: connection.name, text: shown, parts }))
}

fn has(card: &Card, key: &str) -> bool {
    card.form.fields.iter().any(|field| field.key == key)
}

/// With its percent signs resolved.
fn plain(part: &str) -> String {
    percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned()
}

fn without_password(mut url: Url) -> String {
    // A URL without a host has no password either.
    let _refused = url.set_password(None);
    url.to_string()
}

/// What people call it: the database at its host.
fn name_of(card: &Card, connection: &Connection) -> String {
    let value = |key: &str| connection.values.get(key).map(String::as_str).filter(|value| !value.is_empty());
    let host = value(Connection::HOST).unwrap_or(card.id);
    match value(Connection::DATABASE) {
        Some(database) => format!("{database} at {host}"),
        None => host.to_owned(),
    }
}

fn invalid(card: &Card, why: &str) -> Error {
    let further = card
        .form
        .fields
        .iter()
        .filter(|field| field.kind != FieldKind::Secret)
        .map(|field| field.key)
        .filter(|key| {
            ![Connection::HOST, Connection::PORT, Connection::USER, Connection::DATABASE].contains(key)
        })
        .collect::<Vec<_>>();
    let scheme = card.schemes.first().copied().unwrap_or(card.id);
    let further =
        if further.is_empty() { String::new() } else { format!("; parameters: {}", further.join(", ")) };
    Error::new(ErrorKind::Invalid, "usage", why)
        .hint(format!("write {scheme}://user@host:port/database{further}"))
}
