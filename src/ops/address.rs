//! The URL of a server as a connection. Which parts there are is told by the connector's form: a form with a
//! host takes `scheme://user:password@host:port/database?key=value`, its further fields come by their keys; a form
//! with a URL keeps it whole but for the login, since path and query are the server's own.
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

/// The target of a server's URL; none if the connector's form has neither a host nor a URL.
///
/// # Errors
/// `invalid` for what is no URL, for a parameter that the form does not know, for a secret among parameters.
pub(super) fn target(
    workspace: &Workspace,
    connector: &'static dyn Connector,
    text: &str,
) -> Result<Option<Target>> {
    let card = connector.card();
    if has(card, Connection::URL) {
        return whole(workspace, card, text).map(Some);
    }
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
        let Some(field) = card.form.field(&key) else {
            return Err(invalid(card, &format!("the connection takes no {key:?}")));
        };
        if field.kind == FieldKind::Secret {
            return Err(invalid(card, &format!("{key:?} is a secret and is not taken from a parameter")));
        }
        set(&key, value.into_owned());
    }
    keep_password(workspace, card, &url, &mut connection);
    connection.name = name_of(card, &connection);
    let shown = without_password(url);
    Ok(Some(target_of(connection, shown)))
}

fn keep_password(workspace: &Workspace, card: &Card, url: &Url, connection: &mut Connection) {
    if let Some(password) = url.password().filter(|_| has(card, Connection::PASSWORD)) {
        let name = workspace.keep_secret(SecretString::from(plain(password)));
        connection.secrets.insert(Connection::PASSWORD.to_owned(), name);
    }
}

fn target_of(connection: Connection, text: String) -> Target {
    Target { name: connection.name.clone(), text, parts: vec![Part { mount: None, connection }] }
}

/// The target of a web server's URL. What stands before a `+` in its scheme only names the connector.
fn whole(workspace: &Workspace, card: &'static Card, text: &str) -> Result<Target> {
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    let (prefix, scheme) = scheme.rsplit_once('+').unwrap_or(("", scheme));
    let no_url = |why: &str| {
        Error::new(ErrorKind::Invalid, "usage", why).hint(format!(
            "write {}://user:password@host:port/path",
            card.schemes.first().copied().unwrap_or(card.id)
        ))
    };
    let mut url = Url::parse(&format!("{scheme}://{rest}"))
        .map_err(|error| no_url(&format!("this is no URL: {error}")))?;
    let last = url.path_segments().and_then(|mut parts| parts.rfind(|part| !part.is_empty()));
    let host = url.host_str().unwrap_or(card.id);
    let name = last.map_or_else(|| host.to_owned(), |last| format!("{} at {host}", plain(last)));
    let mut connection = Connection::new(name, card.id);
    if !url.username().is_empty() && has(card, Connection::USER) {
        connection.values.insert(Connection::USER.to_owned(), plain(url.username()));
    }
    keep_password(workspace, card, &url, &mut connection);
    // A URL that can't hold a login has none either.
    let _none = url.set_password(None).and_then(|()| url.set_username(""));
    url.set_fragment(None);
    connection.values.insert(Connection::URL.to_owned(), url.to_string());
    let shown = if prefix.is_empty() { url.to_string() } else { format!("{prefix}+{url}") };
    Ok(target_of(connection, shown))
}

fn has(card: &Card, key: &str) -> bool {
    card.form.field(key).is_some()
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
        .all()
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
