//! TLS on the way to a server: who is trusted, and the handshake. Verification names the server, not the socket that
//! its connector speaks through.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::certificate::{self, Look};
use super::{STEP, Stream};
use crate::kit::tls::AUTHORITY;
use crate::model::connection::Connection;
use crate::model::error::Retry;
use crate::model::tls::{Start, Trust, Wish};
use crate::model::{Error, ErrorKind, Result};

/// The TLS of a form that switches it on or off.
///
/// # Errors
/// `invalid` for another word, or a pinned certificate with TLS off.
pub fn switched(connection: &Connection, word: &str) -> Result<Option<Wish>> {
    let invalid = |why: &str, hint: &str| {
        Error::new(ErrorKind::Invalid, "connect", why).hint(hint).retry(Retry::AfterChange)
    };
    let trust = Trust::of(connection, connection.filled(AUTHORITY).map(Into::into))?;
    let host = connection.filled(Connection::HOST).unwrap_or_default().trim_matches(['[', ']']).to_owned();
    match word {
        "on" => Ok(Some(Wish { name: host, start: Start::AtOnce, trust, client: None })),
        "off" if matches!(trust, Trust::Pinned(_)) => {
            Err(invalid("a certificate is pinned and TLS is off", "switch TLS on, or unpin the certificate"))
        }
        "off" => Ok(None),
        _ => Err(invalid("tls is neither on nor off", "choose one of the two")),
    }
}

/// What a handshake showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The version of TLS, in words.
    pub version: String,
    /// The server's certificate.
    pub certificate: Option<Look>,
}

/// Speaks TLS on a stream.
///
/// # Errors
/// `unreachable` if the server does not speak it, `denied` if its certificate is not trusted, with its fingerprint.
pub async fn handshake(stage: &str, mut stream: Stream, wish: &Wish) -> Result<(Stream, Shown)> {
    let failed = |why: String| Error::new(ErrorKind::Unreachable, stage, format!("TLS: {why}"));
    if let Start::After { ask, yes } = &wish.start {
        let mut said = [0];
        let asked = async {
            stream.write_all(ask).await?;
            stream.flush().await?;
            stream.read_exact(&mut said).await
        };
        let asked = tokio::time::timeout(STEP, asked).await;
        asked
            .map_err(|late| failed(format!("the server did not answer the request for it: {late}")))?
            .map_err(|error| failed(format!("the server closed on the request for it: {error}")))?;
        if said[0] != *yes {
            return Err(failed("the server does not offer it".to_owned())
                .hint("switch TLS off only on a network you trust; else ask its owner to switch it on")
                .retry(Retry::AfterChange));
        }
    }
    let name = ServerName::try_from(wish.name.clone())
        .map_err(|error| failed(format!("{:?} is no name for a certificate: {error}", wish.name)))?;
    let seen = Seen::default();
    let config = config(stage, wish, &seen).await?;
    let connecting = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream);
    let connected = tokio::time::timeout(STEP, connecting)
        .await
        .map_err(|late| failed(format!("the handshake did not end: {late}")).retry(Retry::Later))?;
    let certificate = seen.take().and_then(|der| certificate::look(&der));
    match connected {
        Ok(stream) => {
            let version = stream.get_ref().1.protocol_version();
            let version = version.and_then(|version| version.as_str().map(|text| text.replace('_', ".")));
            let shown = Shown { version: version.unwrap_or_else(|| "TLS".to_owned()), certificate };
            Ok((Box::pin(stream), shown))
        }
        Err(error) => Err(refused(stage, &error, certificate.as_ref())),
    }
}

fn refused(stage: &str, error: &std::io::Error, certificate: Option<&Look>) -> Error {
    let Some(look) = certificate else {
        return Error::new(ErrorKind::Unreachable, stage, format!("TLS: the handshake failed: {error}"))
            .hint("check the port, and whether the server speaks TLS there")
            .retry(Retry::AfterChange);
    };
    let why = format!("TLS: the server's certificate is not trusted: {error}");
    Error::new(ErrorKind::Denied, stage, why)
        .hint(
            "give its authority's certificate; or pin this one, once its owner told you the same fingerprint",
        )
        .retry(Retry::AfterChange)
        .with("subject", look.subject.clone())
        .with("issuer", look.issuer.clone())
        .with("sha256", look.fingerprint.clone())
}

/// The certificate that a handshake showed, also where it was refused.
#[derive(Clone, Debug, Default)]
struct Seen(Arc<Mutex<Option<Vec<u8>>>>);

impl Seen {
    fn put(&self, der: &[u8]) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(der.to_vec());
    }

    fn take(&self) -> Option<Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

async fn config(stage: &str, wish: &Wish, seen: &Seen) -> Result<ClientConfig> {
    let invalid =
        |why: String| Error::new(ErrorKind::Invalid, stage, format!("TLS: {why}")).retry(Retry::AfterChange);
    let judge = match &wish.trust {
        Trust::Authorities { roots } => {
            let roots = roots_of(roots.clone()).await.map_err(invalid)?;
            let judge = WebPkiServerVerifier::builder(Arc::new(roots)).build();
            Some(judge.map_err(|error| invalid(format!("no authority is trusted: {error}")))?)
        }
        Trust::Pinned(_) => None,
    };
    let pin = if let Trust::Pinned(pin) = wish.trust { Some(pin) } else { None };
    let schemes = rustls::crypto::ring::default_provider().signature_verification_algorithms;
    let verifier = Arc::new(Verifier { judge, pin, seen: seen.clone(), schemes });
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| invalid(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    match wish.client.clone() {
        None => Ok(builder.with_no_client_auth()),
        Some((chain, key)) => {
            let read = move || {
                let chain = CertificateDer::pem_file_iter(&chain)
                    .and_then(Iterator::collect::<Result<Vec<_>, _>>)
                    .map_err(|error| format!("the client certificate can't be read: {error}"))?;
                let key = PrivateKeyDer::from_pem_file(&key)
                    .map_err(|error| format!("the client key can't be read: {error}"))?;
                Ok::<_, String>((chain, key))
            };
            let read = tokio::task::spawn_blocking(read).await;
            let (chain, key) = read.map_err(|error| Error::unexpected(stage, error))?.map_err(invalid)?;
            builder
                .with_client_auth_cert(chain, key)
                .map_err(|error| invalid(format!("the client certificate can't be used: {error}")))
        }
    }
}

async fn roots_of(file: Option<PathBuf>) -> Result<RootCertStore, String> {
    let read = move || {
        let mut roots = RootCertStore::empty();
        match file {
            Some(file) => {
                for certificate in CertificateDer::pem_file_iter(&file)
                    .map_err(|error| format!("the authority's certificate can't be read: {error}"))?
                {
                    let certificate = certificate.map_err(|error| error.to_string())?;
                    roots.add(certificate).map_err(|error| error.to_string())?;
                }
            }
            None => drop(roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs)),
        }
        Ok(roots)
    };
    tokio::task::spawn_blocking(read).await.map_err(|error| error.to_string())?
}

/// Notes the certificate, then judges it: by its pin, or as authorities and names say.
#[derive(Debug)]
struct Verifier {
    judge: Option<Arc<WebPkiServerVerifier>>,
    pin: Option<[u8; 32]>,
    seen: Seen,
    schemes: rustls::crypto::WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.seen.put(end_entity);
        if let Some(judge) = &self.judge {
            return judge.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        }
        match self.pin {
            Some(pin) if pin == certificate::fingerprint(end_entity) => Ok(ServerCertVerified::assertion()),
            Some(_) => Err(rustls::Error::General("it is another than the pinned one".to_owned())),
            // Whom nobody vouches for is not trusted.
            None => Err(rustls::Error::General("nobody is trusted".to_owned())),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, cert, dss, &self.schemes)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &self.schemes)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes.supported_schemes()
    }
}
