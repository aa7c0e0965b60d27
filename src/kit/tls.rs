//! What connectors share of TLS: the authority that a connection names, and what a failed handshake says to a
//! person.
//!
//! Invariant: a certificate that is not trusted is told as `denied`, never as a network that fails: trying again
//! does not help.

use std::error::Error as StdError;

use crate::model::card::{FieldKind, FormField};
use crate::model::error::Retry;
use crate::model::{Error, ErrorKind, Result};

/// Form key of a private authority's certificate.
pub const AUTHORITY: &str = "tls_authority";

/// The field for it.
pub const AUTHORITY_FIELD: FormField = FormField::optional(
    AUTHORITY,
    "Authority's certificate",
    "of a private authority; empty = those everybody trusts",
    FieldKind::File { extensions: &["pem", "crt", "cer"] },
    None,
);

/// Most bytes of a file of authorities.
const MOST_BYTES: u64 = 8 << 20;

/// The certificates of a file in PEM.
///
/// # Errors
/// `invalid` if the file can't be read, or holds none.
pub async fn authority(stage: &str, path: &str) -> Result<Vec<u8>> {
    let invalid = |why: String| {
        Error::new(ErrorKind::Invalid, stage, format!("the authority's certificate is of no use: {why}"))
            .hint("name a file in PEM, with a line BEGIN CERTIFICATE")
            .retry(Retry::AfterChange)
            .with("file", path.to_owned())
    };
    let bytes = tokio::fs::metadata(path).await.map_err(|error| invalid(error.to_string()))?.len();
    if bytes > MOST_BYTES {
        return Err(invalid("the file is too large for certificates".to_owned()));
    }
    let pem = tokio::fs::read(path).await.map_err(|error| invalid(error.to_string()))?;
    if !String::from_utf8_lossy(&pem).contains("-----BEGIN CERTIFICATE-----") {
        return Err(invalid("it holds no certificate in PEM".to_owned()));
    }
    Ok(pem)
}

/// What TLS said, if it is TLS that failed somewhere below an error. Some drivers keep only the words: those that
/// the library begins its verdicts on a certificate with.
pub fn failure(error: &(dyn StdError + 'static)) -> Option<String> {
    const VERDICT: &str = "invalid peer certificate";
    let mut cause = Some(error);
    while let Some(one) = cause {
        if let Some(said) = one.downcast_ref::<rustls::Error>() {
            return Some(said.to_string());
        }
        // An error of the wire gives the cause of its cause: what it wraps stands between.
        let wrapped = one.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        cause = match wrapped {
            Some(wrapped) => Some(wrapped),
            None => {
                let words = one.to_string();
                if let Some(said) = words.find(VERDICT).and_then(|at| words.get(at..)) {
                    return said.lines().next().map(str::to_owned);
                }
                one.source()
            }
        };
    }
    None
}

/// The error of a handshake that failed.
pub fn refused(stage: &str, said: &str) -> Error {
    let hint = if said.contains("does not support TLS") {
        "the server offers no TLS; where the way to it is safe (this machine, a tunnel), set TLS to off in the connection"
    } else if said.contains("not valid for name") {
        "connect by a name that the certificate is issued for; somebody else may answer in the server's place"
    } else if said.contains("UnknownIssuer") {
        "the certificate is signed by an authority that is not trusted here; name that authority's certificate in the connection, if you know it"
    } else if said.contains("xpired") {
        "the certificate is out of date; tell the server's owner, and check this machine's clock"
    } else {
        "the certificate must be issued for this host name by an authority this machine trusts; name a private authority's certificate in the connection"
    };
    Error::new(ErrorKind::Denied, stage, format!("no TLS connection was made: {said}"))
        .hint(hint)
        .retry(Retry::AfterChange)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_handshake_is_found_below_other_errors_and_told_with_what_to_do() {
        let unknown = || rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let wire = std::io::Error::new(std::io::ErrorKind::InvalidData, unknown());
        let flat = std::io::Error::other(format!("no server: {}, topology: …", unknown()));
        let nested = std::io::Error::other(std::io::Error::other(unknown()));
        for error in [&wire as &(dyn StdError + 'static), &unknown(), &flat, &nested] {
            let said = failure(error).unwrap();
            let told = refused("connect", &said);
            assert!(told.kind == ErrorKind::Denied && told.hint.unwrap().contains("signed by"), "{said}");
        }
        for error in [std::io::Error::other("refused"), std::io::ErrorKind::TimedOut.into()] {
            assert_eq!(failure(&error), None);
        }
    }

    #[tokio::test]
    async fn a_file_without_a_certificate_is_told_by_name() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().display().to_string();
        std::fs::write(&path, "-----BEGIN PRIVATE KEY-----").unwrap();
        for path in [path.as_str(), "/nowhere/authority.pem"] {
            let told = authority("connect", path).await.unwrap_err();
            assert!(told.kind == ErrorKind::Invalid && told.to_string().contains("authority"), "{told}");
        }
    }
}
