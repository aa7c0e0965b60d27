//! What stands in the field "Way in": nothing, an SSH host, or a proxy.

use url::Url;

use super::Endpoint;
use crate::model::connection::Connection;
use crate::model::error::Retry;
use crate::model::{Error, ErrorKind, Result};

/// A proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    /// Where it listens.
    pub at: Endpoint,
    /// Its login; empty = none.
    pub user: String,
}

/// The way to a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// Directly.
    Direct,
    /// Through a host of the user's own SSH configuration.
    Ssh {
        /// As `ssh` would be given it: a name of the configuration, or user@host.
        host: String,
        /// Its port, where it is not the configuration's.
        port: Option<u16>,
    },
    /// Through a SOCKS5 proxy, which also looks the name up.
    Socks5(Proxy),
    /// Through an HTTP proxy, by CONNECT.
    Http(Proxy),
}

fn invalid(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::Invalid, "connect", why)
        .hint("write ssh://HOST as your SSH configuration names it, socks5://HOST:PORT or http://HOST:PORT")
        .retry(Retry::AfterChange)
}

impl Way {
    /// The way of a connection.
    ///
    /// # Errors
    /// `invalid` for what is none.
    pub fn of(connection: &Connection) -> Result<Self> {
        connection.filled(Connection::VIA).map_or(Ok(Self::Direct), Self::parse)
    }

    fn parse(text: &str) -> Result<Self> {
        // The text is not repeated: it may hold a password.
        let url = Url::parse(text).map_err(|error| invalid(format!("the way in is no URL: {error}")))?;
        if url.password().is_some() {
            return Err(invalid("the way in holds a password: it goes into a field of its own"));
        }
        let host = url.host_str().unwrap_or_default().to_owned();
        let plain = |host: &str| {
            !host.is_empty()
                && !host.starts_with('-')
                && host.chars().all(|letter| letter.is_alphanumeric() || "._-:[]@+".contains(letter))
        };
        let user = percent_encoding::percent_decode_str(url.username()).decode_utf8_lossy().into_owned();
        if !plain(&host) || !(user.is_empty() || plain(&user)) {
            return Err(invalid("the way in names no host"));
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() {
            return Err(invalid("the way in is a host and a port, nothing more"));
        }
        let proxy = |standing| Proxy {
            at: Endpoint { host: super::bare(&host), port: url.port().unwrap_or(standing) },
            user: user.clone(),
        };
        match url.scheme() {
            "ssh" => {
                let host = if user.is_empty() { host } else { format!("{user}@{host}") };
                Ok(Self::Ssh { host, port: url.port() })
            }
            "socks5" | "socks5h" => Ok(Self::Socks5(proxy(1080))),
            "http" => Ok(Self::Http(proxy(3128))),
            other => Err(invalid(format!("{other}:// is no way in that is known here"))),
        }
    }

    /// What the hop is called.
    pub fn hop(&self) -> Option<&'static str> {
        match self {
            Self::Direct => None,
            Self::Ssh { .. } => Some("SSH"),
            Self::Socks5(_) => Some("SOCKS5 proxy"),
            Self::Http(_) => Some("HTTP proxy"),
        }
    }

    /// Whom we speak to first.
    pub fn first<'a>(&'a self, server: &'a Endpoint) -> Option<&'a Endpoint> {
        match self {
            Self::Direct => Some(server),
            // Where an SSH host is, its configuration says.
            Self::Ssh { .. } => None,
            Self::Socks5(proxy) | Self::Http(proxy) => Some(&proxy.at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_in_is_a_host_and_never_an_option_a_command_or_a_password() {
        let proxy = |host: &str, port, user: &str| Proxy {
            at: Endpoint { host: host.to_owned(), port },
            user: user.to_owned(),
        };
        for (text, way) in [
            ("ssh://bastion", Way::Ssh { host: "bastion".to_owned(), port: None }),
            ("ssh://me@b.example:2222", Way::Ssh { host: "me@b.example".to_owned(), port: Some(2222) }),
            ("socks5://[::1]:1081", Way::Socks5(proxy("::1", 1081, ""))),
            ("http://me@proxy", Way::Http(proxy("proxy", 3128, "me"))),
        ] {
            assert_eq!(Way::parse(text).unwrap(), way, "{text}");
        }
        for wrong in [
            "bastion",
            "ssh://",
            "ssh://-oProxyCommand=id",
            "ssh://-oProxyCommand%3Did@h",
            "ssh://a%20b",
            "ssh://h/$(id)",
            "ssh://h?x=1",
            "ssh://me:hunter2@h",
            "socks4://h",
            "file:///etc/passwd",
        ] {
            let error = Way::parse(wrong).unwrap_err();
            assert!(
                error.kind == ErrorKind::Invalid && !error.to_string().contains("hunter2"),
                "{wrong}: {error}"
            );
        }
    }
}
