//! TLS as a connection wants it: how it begins, whom it trusts. Plain data; speaking it is `kit::net`'s.

use std::path::PathBuf;

use super::connection::Connection;
use super::error::Retry;
use super::{Error, ErrorKind, Result};

/// How TLS begins on a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// With its first byte.
    AtOnce,
    /// After the server agreed to a request of the protocol's own.
    After {
        /// What is sent.
        ask: &'static [u8],
        /// The one byte that agrees.
        yes: u8,
    },
}

/// Who is trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Who an authority vouches for, by name.
    Authorities {
        /// A private authority's certificates; none = those this machine trusts.
        roots: Option<PathBuf>,
    },
    /// One certificate, by its SHA-256 fingerprint; no authority is asked.
    Pinned([u8; 32]),
}

impl Trust {
    /// Whom a connection trusts: the certificate that it pins, else authorities.
    ///
    /// # Errors
    /// `invalid` for what is no fingerprint.
    pub fn of(connection: &Connection, roots: Option<PathBuf>) -> Result<Self> {
        let Some(pin) = connection.filled(Connection::PIN) else { return Ok(Self::Authorities { roots }) };
        fingerprint_of(pin).map(Self::Pinned).ok_or_else(|| {
            Error::new(ErrorKind::Invalid, "connect", "the pinned certificate is no SHA-256 fingerprint")
                .hint("give 64 hexadecimal digits, with or without colons, as `headwater check` shows them")
                .retry(Retry::AfterChange)
        })
    }
}

/// TLS as it is wanted on a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// The name that the certificate must carry.
    pub name: String,
    /// How it begins.
    pub start: Start,
    /// Who is trusted.
    pub trust: Trust,
    /// Our own certificate and its key.
    pub client: Option<(PathBuf, PathBuf)>,
}

impl Wish {
    /// Whether one certificate is pinned.
    pub fn is_pinned(&self) -> bool {
        matches!(self.trust, Trust::Pinned(_))
    }
}

/// The fingerprint of a text, with or without colons and blanks.
pub fn fingerprint_of(text: &str) -> Option<[u8; 32]> {
    let text = text.trim();
    let text = text.strip_prefix("sha256:").or(text.strip_prefix("SHA256:")).unwrap_or(text);
    let digits = text.chars().filter(|letter| !matches!(letter, ':' | ' ')).collect::<String>();
    let pairs = digits.as_bytes().chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?;
        u8::from_str_radix(pair, 16).ok()
    });
    pairs.collect::<Option<Vec<u8>>>()?.try_into().ok()
}
