//! What came back: headers, a spooled body, and what a status means for a caller.

use std::fs::File;
use std::time::Duration;

use crate::job::ctx::Statement;
use crate::kit::tls;
use crate::model::error::Retry;
use crate::model::{Error, ErrorKind, Result};

/// Characters of a refusal's body that a person sees.
pub(super) const SHOWN_CHARS: usize = 200;

/// Headers of an answer; names in lower case, values as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    /// These headers; names must be in lower case.
    pub fn of(pairs: &[(&str, &str)]) -> Self {
        Self(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    pub(super) fn from_map(map: &reqwest::header::HeaderMap) -> Self {
        let text =
            |value: &reqwest::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        Self(map.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect())
    }

    /// The first value of a header.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Every value of a header.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// A whole answer to a request.
pub struct Reply {
    /// Its headers.
    pub headers: Headers,
    /// The URL that answered, after redirects.
    pub url: url::Url,
    /// The body as it came, packed or not, from its first byte on.
    pub body: File,
    /// Bytes of the body as it came.
    pub body_bytes: u64,
    /// What the user must know: where a redirect led, that credentials stayed behind.
    pub remarks: Vec<String>,
    /// The request as it was written down; end it.
    pub statement: Statement,
}

/// What a status asks of us.
pub(super) enum Meaning {
    /// The body is what was asked for.
    Whole,
    /// It is elsewhere.
    Moved,
    /// Not now; perhaps after this long.
    Busy(Option<Duration>),
    /// No.
    Refused,
}

pub(super) fn meaning(status: u16, headers: &Headers) -> Meaning {
    match status {
        200..=299 => Meaning::Whole,
        301 | 302 | 303 | 307 | 308 => Meaning::Moved,
        429 | 503 => Meaning::Busy(headers.get("retry-after").and_then(retry_after)),
        _ => Meaning::Refused,
    }
}

/// Seconds, or a date.
fn retry_after(text: &str) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds.min(365 * 86_400)));
    }
    let at = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    let seconds = at.as_second() - jiff::Timestamp::now().as_second();
    Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

/// The beginning of an upstream text in one line, for an error. It is raw: whoever shows errors makes it visible.
pub fn excerpt(bytes: &[u8], most_chars: usize) -> String {
    let text = String::from_utf8_lossy(bytes.get(..most_chars.saturating_mul(8)).unwrap_or(bytes));
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(most_chars) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

/// The error of a status that gives nothing; `said` is the beginning of the body.
pub(super) fn refusal(stage: &str, request: &str, status: u16, headers: &Headers, said: &[u8]) -> Error {
    use ErrorKind::{Denied, Invalid, NotFound, RateLimited, Timeout, Unreachable, Unsupported};
    let (kind, hint, retry) = match status {
        401 => (Denied, "check the token, key or password of the connection", Retry::AfterChange),
        403 => (Denied, "this login may not read it; ask its owner for read access", Retry::AfterChange),
        404 | 410 => (NotFound, "check the base URL and the path of the resource", Retry::AfterChange),
        405 | 406 | 415 | 501 => (Unsupported, "it does not answer to reads of JSON", Retry::Never),
        408 | 504 => (Timeout, "the server gave up waiting; ask for less or later", Retry::Later),
        429 => (RateLimited, "it asks us to slow down; wait, or ask for fewer pages", Retry::Later),
        503 => (RateLimited, "it is overloaded or down for a while; wait", Retry::Later),
        500..=599 => (Unreachable, "the server failed; its own log says why", Retry::Later),
        _ => (Invalid, "check the path and its parameters", Retry::AfterChange),
    };
    let name = reqwest::StatusCode::from_u16(status).ok().and_then(|code| code.canonical_reason());
    let mut text = format!("{request} gives {status} {}", name.unwrap_or_default());
    text.truncate(text.trim_end().len());
    let packed = headers.get("content-encoding").is_some_and(|packing| packing.trim() != "identity");
    let shown = excerpt(said, SHOWN_CHARS);
    if !packed && !shown.is_empty() {
        text = format!("{text}: {}", shown.trim_end_matches('.'));
    }
    let hint = match headers.get("retry-after").and_then(retry_after) {
        Some(after) => format!("{hint}; it says: again after {} s", after.as_secs()),
        None => hint.to_owned(),
    };
    Error::new(kind, stage, text).hint(hint).retry(retry)
}

/// The error of a request that got no whole answer.
pub(super) fn broken(stage: &str, request: &str, error: reqwest::Error) -> Error {
    let error = error.without_url();
    if let Some(said) = tls::failure(&error) {
        return tls::refused(stage, &said).with("request", request.to_owned());
    }
    let mut words = Vec::new();
    let mut cause: Option<&dyn std::error::Error> = Some(&error);
    while let Some(one) = cause {
        let text = one.to_string();
        if words.last() != Some(&text) {
            words.push(text);
        }
        cause = one.source();
    }
    let words = words.join(": ");
    let (kind, hint) = if error.is_timeout() {
        (ErrorKind::Timeout, "the server is slow or gone; try again later")
    } else if error.is_connect() {
        (ErrorKind::Unreachable, "check the host and the port, and whether the server runs")
    } else if error.is_body() || error.is_decode() {
        (ErrorKind::Decode, "the answer broke off; rows that came before are kept, try again")
    } else {
        (ErrorKind::Unreachable, "try again; the server or something on the way closed the connection")
    };
    let shown = excerpt(words.as_bytes(), 400);
    Error::new(kind, stage, format!("{request} got no whole answer: {shown}")).hint(hint).retry(Retry::Later)
}

/// The status as a short text, for the error of an answer that is none.
pub(super) fn check_packing(stage: &str, request: &str, headers: &Headers) -> Result<()> {
    match headers.get("content-encoding").map(str::trim) {
        None | Some("" | "identity" | "gzip" | "x-gzip") => Ok(()),
        Some(other) => Err(Error::new(
            ErrorKind::Decode,
            stage,
            format!(
                "{request} gives an answer packed with {}, which was not asked for",
                excerpt(other.as_bytes(), 40)
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_says_what_it_is_and_what_to_do() {
        for (status, kind) in [
            (400, ErrorKind::Invalid),
            (401, ErrorKind::Denied),
            (403, ErrorKind::Denied),
            (404, ErrorKind::NotFound),
            (405, ErrorKind::Unsupported),
            (410, ErrorKind::NotFound),
            (422, ErrorKind::Invalid),
            (429, ErrorKind::RateLimited),
            (500, ErrorKind::Unreachable),
            (503, ErrorKind::RateLimited),
            (504, ErrorKind::Timeout),
            (599, ErrorKind::Unreachable),
        ] {
            let error = refusal("read", "GET /x", status, &Headers::default(), b" no\xff\n way\x1b[2J.");
            assert_eq!(error.kind, kind, "{status}");
            assert!(error.attempted.starts_with(&format!("GET /x gives {status}")), "{error}");
            assert!(error.attempted.ends_with(": no\u{fffd} way\u{1b}[2J"), "{error}");
            assert!(error.hint.is_some());
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        for (text, seconds) in
            [("7", Some(7)), ("Sun, 06 Nov 1994 08:49:37 GMT", Some(0)), ("soon", None), ("-1", None)]
        {
            assert_eq!(retry_after(text).map(|after| after.as_secs()), seconds, "{text}");
        }
        let later = retry_after("Sun, 06 Nov 2095 08:49:37 GMT").unwrap();
        assert!(later > Duration::from_secs(86_400 * 365));
    }
}
