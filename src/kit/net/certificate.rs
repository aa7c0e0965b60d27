//! What a certificate says of itself, as far as a person needs it: subject, issuer, names, validity, fingerprint. A look,
//! not a check: whether it is trusted is decided by rustls.
//!
//! Invariant: any bytes give an answer or none, never a panic; lengths are taken only as far as there are bytes.

use jiff::Timestamp;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// A certificate, looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Look {
    /// Whom it names.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// From when it holds.
    pub from: Option<Timestamp>,
    /// Until when.
    pub until: Option<Timestamp>,
    /// SHA-256 of the whole certificate, as hexadecimal pairs.
    pub fingerprint: String,
}

/// The fingerprint of a certificate.
pub fn fingerprint(der: &[u8]) -> [u8; 32] {
    Sha256::digest(der).into()
}

/// A fingerprint as people compare it.
pub fn fingerprint_text(print: &[u8; 32]) -> String {
    print.map(|byte| format!("{byte:02X}")).join(":")
}

/// Looks at a certificate; none if it is none.
pub fn look(der: &[u8]) -> Option<Look> {
    const SEQUENCE: u8 = 0x30;
    let (certificate, _) = element(der, SEQUENCE)?;
    let (mut signed, _) = element(certificate, SEQUENCE)?;
    if signed.first() == Some(&0xA0) {
        signed = any(signed)?.2;
    }
    // Serial number and algorithm.
    let after_serial = any(signed)?.2;
    let after_algorithm = any(after_serial)?.2;
    let (issuer, rest) = element(after_algorithm, SEQUENCE)?;
    let (validity, rest) = element(rest, SEQUENCE)?;
    let (subject, _) = element(rest, SEQUENCE)?;
    let (from_tag, from, validity) = any(validity)?;
    let (until_tag, until, _) = any(validity)?;
    Some(Look {
        subject: name(subject),
        issuer: name(issuer),
        from: time(from_tag, from),
        until: time(until_tag, until),
        fingerprint: fingerprint_text(&fingerprint(der)),
    })
}

/// Tag, content and what follows.
fn any(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = if *first < 0x80 {
        (usize::from(*first), rest)
    } else {
        let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7F).min(8))?;
        (
            digits
                .iter()
                .try_fold(0usize, |sum, digit| sum.checked_mul(256)?.checked_add(usize::from(*digit)))?,
            rest,
        )
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    any(der).filter(|(found, _, _)| *found == tag).map(|(_, content, rest)| (content, rest))
}

/// A name as `CN=…, O=…`.
fn name(mut sets: &[u8]) -> String {
    let mut parts = Vec::new();
    while let Some((_, set, rest)) = any(sets) {
        sets = rest;
        let Some((_, pair, _)) = any(set) else { continue };
        let Some((_, key, value)) = any(pair) else { continue };
        let Some((_, value, _)) = any(value) else { continue };
        let key = match key {
            [0x55, 4, 3] => "CN",
            [0x55, 4, 6] => "C",
            [0x55, 4, 10] => "O",
            [0x55, 4, 11] => "OU",
            _ => continue,
        };
        parts.push(format!("{key}={}", String::from_utf8_lossy(value)));
    }
    if parts.is_empty() { "(no name)".to_owned() } else { parts.join(", ") }
}

/// A time as certificates write it: two or four digits of a year, always UTC.
fn time(tag: u8, text: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(text).ok()?;
    let text = match tag {
        0x17 => {
            let year = text.get(..2)?.parse::<u8>().ok()?;
            format!("{}{text}", if year < 50 { "20" } else { "19" })
        }
        _ => text.to_owned(),
    };
    let digits = text.strip_suffix('Z')?;
    let part = |from: usize, to: usize| digits.get(from..to);
    format!(
        "{}-{}-{}T{}:{}:{}Z",
        part(0, 4)?,
        part(4, 6)?,
        part(6, 8)?,
        part(8, 10)?,
        part(10, 12)?,
        part(12, 14)?
    )
    .parse()
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::tls::fingerprint_of;

    #[test]
    fn a_certificate_is_looked_at_and_any_other_bytes_are_none() {
        let mut parameters = rcgen::CertificateParams::new(vec!["db.example".to_owned()]).unwrap();
        parameters.distinguished_name.push(rcgen::DnType::CommonName, "db.example");
        parameters.distinguished_name.push(rcgen::DnType::OrganizationName, "Ünits");
        parameters.not_before = rcgen::date_time_ymd(2024, 2, 29);
        parameters.not_after = rcgen::date_time_ymd(2061, 1, 2);
        let key = rcgen::KeyPair::generate().unwrap();
        let made = parameters.self_signed(&key).unwrap();
        let der = made.der().as_ref();
        let found = look(der).unwrap();
        assert!(found.subject.contains("CN=db.example") && found.issuer.contains("O=Ünits"), "{found:?}");
        assert_eq!(found.from, Some("2024-02-29T00:00:00Z".parse().unwrap()));
        assert_eq!(found.until, Some("2061-01-02T00:00:00Z".parse().unwrap()));
        assert_eq!(fingerprint_of(&found.fingerprint), Some(fingerprint(der)));
        assert_eq!(fingerprint_of("sha256:00ff"), None);
        for cut in 0..der.len() {
            drop(look(&der[..cut]));
            let mut changed = der.to_vec();
            changed[cut] = changed[cut].wrapping_add(0x81);
            drop(look(&changed));
        }
    }
}
