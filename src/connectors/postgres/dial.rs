//! From a saved connection to the driver's options. TLS is on and checked unless the connection says otherwise;
//! nothing is taken from the environment or from files of other tools.

use std::path::PathBuf;

use secrecy::ExposeSecret as _;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use super::link::Dial;
use crate::connector::Credentials;
use crate::kit::net;
use crate::model::card::Form;
use crate::model::connection::Connection;
use crate::model::error::Retry;
use crate::model::tls::{Start, Trust, Wish};
use crate::model::{Error, ErrorKind, Result};

/// Form key of how the server proves who it is; the words are those of PostgreSQL's own URLs.
pub(super) const TLS: &str = "sslmode";
/// Form key of a private authority's certificate.
pub(super) const ROOT: &str = "sslrootcert";
/// Form key of the client's certificate.
pub(super) const CERTIFICATE: &str = "sslcert";
/// Form key of the client's key.
pub(super) const KEY: &str = "sslkey";

fn invalid(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::Invalid, "connect", why).retry(Retry::AfterChange)
}

/// How to reach the database of a connection.
///
/// # Errors
/// `invalid` if it names no host, database or user, or what it names makes no sense.
pub(super) async fn of(connection: &Connection, credentials: &Credentials, form: &Form) -> Result<Dial> {
    let value = |key: &str| connection.filled(key);
    let needed = |key: &str, what: &str| {
        value(key).ok_or_else(|| {
            invalid(format!("the connection names no {what}"))
                .hint("fill it in, or give a URL: postgres://user@host:port/database")
        })
    };
    let host = needed(Connection::HOST, "host")?;
    let port = match value(Connection::PORT) {
        Some(port) => port
            .parse::<u16>()
            .map_err(|error| invalid(format!("the port {port:?} makes no sense: {error}")))?,
        None => 5_432,
    };
    let is_socket = host.starts_with('/');
    // The driver speaks TLS over a socket and names the real host; only a pinned certificate is judged by us.
    let pinned = tls(connection)?.filter(Wish::is_pinned);
    let ours = pinned.is_some();
    let socket = format!(".s.PGSQL.{port}");
    let way = net::way_in("connect", form, connection, credentials, pinned, &socket).await?;
    let mode = match value(TLS) {
        _ if ours => PgSslMode::Disable,
        // A Unix socket has no wire to listen on.
        _ if is_socket => PgSslMode::Disable,
        None | Some("verify-full") => PgSslMode::VerifyFull,
        Some("verify-ca") => PgSslMode::VerifyCa,
        Some("disable") => PgSslMode::Disable,
        Some(other) => {
            return Err(invalid(format!(
                "sslmode={other} is not offered: it would accept any server's word"
            ))
            .hint("use verify-full, verify-ca or disable"));
        }
    };
    let mut options = PgConnectOptions::new_without_pgpass()
        .port(port)
        .database(needed(Connection::DATABASE, "database")?)
        .username(needed(Connection::USER, "user")?)
        .ssl_mode(mode);
    options = if is_socket { options.socket(host) } else { options.host(host) };
    if let Some(way) = &way {
        options = options.socket(way.folder());
    }
    if let Some(password) = credentials.get(Connection::PASSWORD) {
        options = options.password(password.expose_secret());
    }
    if let Some(path) = value(ROOT) {
        options = options.ssl_root_cert(path);
    }
    if let (Some(certificate), Some(key)) = (value(CERTIFICATE), value(KEY)) {
        options = options.ssl_client_cert(certificate).ssl_client_key(key);
    }
    Ok(Dial::new(options, &format!("{host}:{port}")).through(way))
}

/// The request for TLS and the letter that grants it.
const TLS_REQUEST: &[u8] = &[0, 0, 0, 8, 4, 210, 22, 47];

/// The TLS that a connection speaks; none over a Unix socket, or where it is switched off.
pub(super) fn tls(connection: &Connection) -> Result<Option<Wish>> {
    let host = connection.filled(Connection::HOST).unwrap_or_default();
    let is_off = host.starts_with('/') || connection.filled(TLS) == Some("disable");
    if is_off && connection.filled(Connection::PIN).is_some() {
        return Err(
            invalid("a certificate is pinned and TLS is off").hint("switch TLS on, or unpin the certificate")
        );
    }
    let path = |key: &str| connection.filled(key).map(PathBuf::from);
    let wish = Wish {
        name: host.trim_matches(['[', ']']).to_owned(),
        start: Start::After { ask: TLS_REQUEST, yes: b'S' },
        trust: Trust::of(connection, path(ROOT))?,
        client: path(CERTIFICATE).zip(path(KEY)),
    };
    Ok((!is_off).then_some(wish))
}
