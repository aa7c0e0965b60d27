//! Opening a stream to a server along a way: directly, through a proxy, or through a tunnel that stands already.

use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Instant;

use secrecy::SecretString;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{Endpoint, Proxy, STEP, resolve, unreachable};
use crate::model::error::Retry;
use crate::model::{Error, ErrorKind, Result};

/// Bytes both ways.
pub trait Duplex: AsyncRead + AsyncWrite + Send {}
impl<T: AsyncRead + AsyncWrite + Send> Duplex for T {}

/// A stream to a server, whatever carries it.
pub type Stream = Pin<Box<dyn Duplex>>;

/// A connection of TCP.
pub struct Dialled {
    /// It.
    pub stream: TcpStream,
    /// Whom it reached.
    pub address: SocketAddr,
    /// How long that took: about one round trip.
    pub millis: f64,
}

/// Connects to the first address that answers.
///
/// # Errors
/// `unreachable` with what each address said; `timeout`.
pub async fn tcp(stage: &str, endpoint: &Endpoint) -> Result<Dialled> {
    let addresses = resolve(stage, endpoint).await?;
    to_any(stage, endpoint, &addresses).await
}

/// The same for addresses that are known already.
///
/// # Errors
/// Those of [`tcp`].
pub async fn to_any(stage: &str, endpoint: &Endpoint, addresses: &[SocketAddr]) -> Result<Dialled> {
    let mut said = Vec::new();
    for address in addresses {
        let began = Instant::now();
        match tokio::time::timeout(STEP, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // Small messages are not held back; a system that refuses is slower, not wrong.
                drop(stream.set_nodelay(true));
                return Ok(Dialled {
                    stream,
                    address: *address,
                    millis: began.elapsed().as_secs_f64() * 1e3,
                });
            }
            Ok(Err(error)) => said.push(format!("{address}: {error}")),
            Err(_late) => said.push(format!("{address}: no answer within {} s", STEP.as_secs())),
        }
    }
    Err(unreachable(stage, format!("TCP: nothing at {endpoint} takes a connection ({})", said.join("; ")))
        .hint("check port and server; a firewall between here and there may drop or refuse the packets"))
}

/// A stream through a SOCKS5 proxy.
#[cfg(not(feature = "proxy"))]
pub(super) async fn socks5(stage: &str, _: &Proxy, _: &Endpoint, _: Option<&SecretString>) -> Result<Stream> {
    Err(Error::new(ErrorKind::Unsupported, stage, "this build has no SOCKS5"))
}

/// A stream through a SOCKS5 proxy.
#[cfg(feature = "proxy")]
pub(super) async fn socks5(
    stage: &str,
    proxy: &Proxy,
    to: &Endpoint,
    password: Option<&SecretString>,
) -> Result<Stream> {
    use tokio_socks::tcp::Socks5Stream;
    let dialled = tcp(stage, &proxy.at).await.map_err(|error| on_the_way(error, "SOCKS5 proxy"))?;
    let target = (to.host.as_str(), to.port);
    let work = async {
        match password {
            Some(password) => {
                Socks5Stream::connect_with_password_and_socket(
                    dialled.stream,
                    target,
                    &proxy.user,
                    secrecy::ExposeSecret::expose_secret(password),
                )
                .await
            }
            None => Socks5Stream::connect_with_socket(dialled.stream, target).await,
        }
    };
    match tokio::time::timeout(STEP, work).await {
        Ok(Ok(stream)) => Ok(Box::pin(stream.into_inner())),
        Ok(Err(error)) => {
            use tokio_socks::Error as Said;
            let denied = matches!(
                error,
                Said::PasswordAuthFailure(_) | Said::NoAcceptableAuthMethods | Said::InvalidAuthValues(_)
            );
            let kind = if denied { ErrorKind::Denied } else { ErrorKind::Unreachable };
            Err(Error::new(kind, stage, format!("SOCKS5 proxy: it does not let us to {to}: {error}"))
                .hint(if denied {
                    "check the proxy's user and password"
                } else {
                    "check the server's name and port, and what the proxy allows"
                })
                .retry(Retry::AfterChange))
        }
        Err(late) => Err(late_proxy(stage, "SOCKS5 proxy", &late)),
    }
}

fn late_proxy(stage: &str, hop: &str, late: &tokio::time::error::Elapsed) -> Error {
    Error::new(ErrorKind::Timeout, stage, format!("{hop}: it took the connection and did not answer: {late}"))
        .hint("check that the port is the proxy's")
        .retry(Retry::Later)
}

pub(super) fn on_the_way(error: Error, hop: &str) -> Error {
    Error { attempted: format!("{hop}: {}", error.attempted), ..error }
}

/// A stream through an HTTP proxy.
pub(super) async fn http(
    stage: &str,
    proxy: &Proxy,
    to: &Endpoint,
    password: Option<&SecretString>,
) -> Result<Stream> {
    let dialled = tcp(stage, &proxy.at).await.map_err(|error| on_the_way(error, "HTTP proxy"))?;
    let mut stream = dialled.stream;
    let mut request = zeroize::Zeroizing::new(String::with_capacity(1024));
    request.push_str(&format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n"));
    if !proxy.user.is_empty() {
        use base64::Engine as _;
        let password = password.map(secrecy::ExposeSecret::expose_secret).unwrap_or_default();
        let login = zeroize::Zeroizing::new(format!("{}:{password}", proxy.user));
        let login =
            zeroize::Zeroizing::new(base64::engine::general_purpose::STANDARD.encode(login.as_bytes()));
        request.push_str("Proxy-Authorization: Basic ");
        request.push_str(&login);
        request.push_str("\r\n");
    }
    request.push_str("\r\n");
    let work = async {
        stream.write_all(request.as_bytes()).await?;
        answer_head(&mut stream).await
    };
    let head = match tokio::time::timeout(STEP, work).await {
        Ok(Ok(head)) => head,
        Ok(Err(error)) => return Err(unreachable(stage, format!("HTTP proxy: it closed on us: {error}"))),
        Err(late) => return Err(late_proxy(stage, "HTTP proxy", &late)),
    };
    let status = head.split_whitespace().nth(1).and_then(|status| status.parse::<u16>().ok());
    let said = head.lines().next().unwrap_or_default().to_owned();
    match status {
        Some(200..=299) => Ok(Box::pin(stream)),
        Some(401 | 407) => Err(Error::new(ErrorKind::Denied, stage, format!("HTTP proxy: it wants a login: {said}"))
            .hint("give the proxy's user in the way in (http://user@host:port) and its password in the field for it")
            .retry(Retry::AfterChange)),
        Some(403 | 405) => Err(Error::new(ErrorKind::Denied, stage, format!("HTTP proxy: it does not let us to {to}: {said}"))
            .hint("ask its owner to allow this host and port for CONNECT")
            .retry(Retry::AfterChange)),
        Some(_) => Err(unreachable(stage, format!("HTTP proxy: it can't reach {to}: {said}")).hint("check the server's name and port")),
        None => Err(Error::new(ErrorKind::Decode, stage, "HTTP proxy: what answers is no HTTP proxy")
            .hint("check the proxy's port")),
    }
}

/// The head of an answer, byte by byte, so that nothing of what follows is taken.
async fn answer_head(stream: &mut TcpStream) -> std::io::Result<String> {
    const MOST: usize = 16 << 10;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= MOST {
            return Err(std::io::Error::other("its answer has no end"));
        }
        head.push(stream.read_u8().await?);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}
