//! The way to a server: name, route, proxies, SSH, TLS. A connector says where it wants to go and gets a local socket
//! to speak through; which way that takes, and whether TLS is spoken on it by us, it does not see.
//!
//! Invariants: the socket lies in a folder that only this user can enter, and goes with its [`WayIn`] · TLS on the way
//! always checks the real host, never the socket · a way in is data (`ssh://`, `socks5://`, `http://` and a host):
//! no command comes from a connection · what went wrong on the way is told with its hop.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::connector::Credentials;
use crate::model::connection::Connection;
use crate::model::error::Retry;
use crate::model::tls::Wish;
use crate::model::{Error, ErrorKind, Result};

pub mod certificate;
mod dial;
mod gateway;
pub mod route;
#[cfg(unix)]
mod ssh;
pub mod tls;
mod way;

pub use dial::{Dialled, Stream, tcp, to_any};
pub use gateway::WayIn;
pub use way::{Proxy, Way};

/// How long one step of the way may take.
pub const STEP: Duration = Duration::from_secs(10);
/// How long looking up a name may take.
const NAME: Duration = Duration::from_secs(5);

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Name or address.
    pub host: String,
    /// Port.
    pub port: u16,
}

impl Endpoint {
    /// Where a form's values lead: its host and port, or the origin of its URL. None for a folder of Unix sockets,
    /// and for what leads to no server.
    pub fn of(form: &crate::model::card::Form, connection: &Connection) -> Option<Self> {
        if let Some(url) =
            connection.filled(Connection::URL).filter(|_| form.field(Connection::URL).is_some())
        {
            let url = url::Url::parse(url).ok()?;
            return Some(Self { host: bare(url.host_str()?), port: url.port_or_known_default()? });
        }
        let host = connection.filled(Connection::HOST).filter(|host| !host.starts_with('/'))?;
        let standing = form.field(Connection::PORT).and_then(|field| field.default);
        let port = connection.filled(Connection::PORT).or(standing)?.parse().ok()?;
        Some(Self { host: bare(host), port })
    }
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

fn bare(host: &str) -> String {
    host.trim_matches(['[', ']']).to_owned()
}

/// The way in of a connection that needs one: where it is not direct, or where TLS is for us to speak.
///
/// `tls` is what is spoken on the way by us whenever there is one; a connector whose client speaks TLS over a socket
/// and names the real host gives it only for a pinned certificate. `socket` is the file name its client looks for.
///
/// # Errors
/// `invalid` for a way that makes no sense; those of [`WayIn::open`].
pub async fn way_in(
    stage: &str,
    form: &crate::model::card::Form,
    connection: &Connection,
    credentials: &Credentials,
    tls: Option<Wish>,
    socket: &str,
) -> Result<Option<WayIn>> {
    let way = Way::of(connection)?;
    if way == Way::Direct && !tls.as_ref().is_some_and(Wish::is_pinned) {
        return Ok(None);
    }
    let Some(endpoint) = Endpoint::of(form, connection) else {
        return Err(Error::new(
            ErrorKind::Invalid,
            stage,
            "a way in leads to a host and a port, and the connection names none",
        )
        .retry(Retry::AfterChange));
    };
    let password = credentials.get(Connection::VIA_PASSWORD).cloned();
    WayIn::open(stage, way, endpoint, password, tls, socket).await.map(Some)
}

/// The addresses of a name.
///
/// # Errors
/// `unreachable` if it has none, `timeout` if nobody says.
pub async fn resolve(stage: &str, endpoint: &Endpoint) -> Result<Vec<SocketAddr>> {
    if let Ok(address) = endpoint.host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, endpoint.port)]);
    }
    let looked_up =
        tokio::time::timeout(NAME, tokio::net::lookup_host((endpoint.host.as_str(), endpoint.port)));
    let addresses = match looked_up.await {
        Ok(Ok(addresses)) => addresses.collect::<Vec<_>>(),
        Ok(Err(error)) => {
            return Err(unreachable(stage, format!("name resolution: {:?} has no address: {error}", endpoint.host))
                .hint("check the name; a name of an internal network needs its VPN, or a way in (ssh://, socks5://)"));
        }
        Err(late) => {
            let why = format!(
                "name resolution: nobody said within {} s where {:?} is: {late}",
                NAME.as_secs(),
                endpoint.host
            );
            return Err(Error::new(ErrorKind::Timeout, stage, why)
                .hint("check the network")
                .retry(Retry::Later));
        }
    };
    if addresses.is_empty() {
        return Err(unreachable(stage, format!("name resolution: {:?} has no address", endpoint.host))
            .hint("check the name"));
    }
    Ok(addresses)
}

fn unreachable(stage: &str, why: impl Into<String>) -> Error {
    Error::new(ErrorKind::Unreachable, stage, why).retry(Retry::Later)
}
