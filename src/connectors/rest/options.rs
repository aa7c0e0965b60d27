//! The form of a connection, turned into settings.

use secrecy::SecretString;
use url::Url;

use super::paging::{Paging, Style};
use crate::connector::Credentials;
use crate::kit::http::Login;
use crate::kit::tls;
use crate::model::card::{FieldKind, FormField, Need};
use crate::model::connection::Connection;
use crate::model::error::Retry;
use crate::model::{Error, ErrorKind, Result};
use crate::safety::origin::same_origin;

const AUTO: &str = "auto";
/// Rows asked of one page where neither the form nor the server says less.
const PAGE_ROWS: u64 = 500;

const fn text(key: &'static str, label: &'static str, help: &'static str) -> FormField {
    FormField { key, label, help, kind: FieldKind::Text, need: Need::Optional, default: None }
}

/// The fields of the form.
pub(super) static FIELDS: &[FormField] = &[
    FormField {
        key: Connection::URL,
        label: "Base URL",
        help: "such as https://api.example.com/v1; without a login in it",
        kind: FieldKind::Text,
        need: Need::Required,
        default: None,
    },
    text(
        "resources",
        "Resources",
        "paths below the base URL, parted by commas; NAME = PATH names one; empty = the base URL itself",
    ),
    FormField {
        key: "auth",
        label: "Login",
        help: "what the server wants to see",
        kind: FieldKind::Choice {
            options: &[
                (AUTO, "what is filled in: user and password, a bearer token, nothing"),
                ("none", "nothing"),
                ("bearer", "bearer token"),
                ("key", "API key in a header"),
                ("basic", "user and password"),
            ],
        },
        need: Need::Optional,
        default: Some(AUTO),
    },
    text(Connection::USER, "User", "for user and password"),
    FormField {
        key: "key_header",
        label: "Header of the key",
        help: "for an API key",
        kind: FieldKind::Text,
        need: Need::Optional,
        default: Some("X-Api-Key"),
    },
    FormField {
        key: Connection::PASSWORD,
        label: "Token, key or password",
        help: "goes to the base URL's own origin only",
        kind: FieldKind::Secret,
        need: Need::Optional,
        default: None,
    },
    text(
        "record_path",
        "Record path",
        "where the rows stand in an answer, such as data.items; empty = found out",
    ),
    FormField {
        key: "paging",
        label: "Paging",
        help: "how further pages are asked for",
        kind: FieldKind::Choice {
            options: &[
                (AUTO, "found out"),
                ("page", "page number"),
                ("offset", "offset"),
                ("next", "link to the next page"),
                ("none", "one answer holds all"),
            ],
        },
        need: Need::Optional,
        default: Some(AUTO),
    },
    text(
        "position_parameter",
        "Page parameter",
        "query key of the page number or offset; empty = page or offset",
    ),
    text("size_parameter", "Page size parameter", "query key of the rows a page; empty = per_page or limit"),
    FormField {
        key: "page_rows",
        label: "Rows a page",
        help: "most rows asked of one page",
        kind: FieldKind::Number { min: 1, max: 100_000 },
        need: Need::Optional,
        default: Some("500"),
    },
    tls::AUTHORITY_FIELD,
];

/// One resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Resource {
    /// Its name in the tree.
    pub name: String,
    /// Its first page, as the user gave it.
    pub url: Url,
}

/// Settings of a connection; the login apart.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub base: Url,
    pub resources: Vec<Resource>,
    pub record: Option<Vec<String>>,
    pub style: Style,
    pub page_rows: u64,
    /// What each request carries, the secret by its name.
    pub login: Option<String>,
}

fn invalid(what: &str, why: impl std::fmt::Display, hint: &str) -> Error {
    Error::new(ErrorKind::Invalid, "connect", format!("{what}: {why}")).hint(hint)
}

/// The settings of a connection.
///
/// # Errors
/// `invalid`, naming the field.
pub(super) fn settings(connection: &Connection) -> Result<Settings> {
    let value = |key: &str| connection.filled(key);
    let base = base_of(value(Connection::URL))?;
    let resources = resources_of(&base, value("resources").unwrap_or_default())?;
    let record = value("record_path").map(|path| path.split('.').map(str::to_owned).collect());
    let name = |key: &str, usual: &str| value(key).unwrap_or(usual).to_owned();
    let style = match value("paging").unwrap_or(AUTO) {
        AUTO => Style::Auto,
        "page" => Style::Fixed(Paging::Page {
            position: name("position_parameter", "page"),
            size: name("size_parameter", "per_page"),
            first: 1,
        }),
        "offset" => Style::Fixed(Paging::Offset {
            position: name("position_parameter", "offset"),
            size: name("size_parameter", "limit"),
        }),
        "next" => Style::Fixed(Paging::Next),
        "none" => Style::Fixed(Paging::Whole),
        other => {
            return Err(invalid(
                "paging",
                format!("{other:?} is no way of paging"),
                "auto, page, offset, next or none",
            ));
        }
    };
    let page_rows =
        match value("page_rows") {
            None => PAGE_ROWS,
            Some(text) => text.parse().ok().filter(|rows| (1..=100_000).contains(rows)).ok_or_else(|| {
                invalid("rows a page", format!("{text:?} is no such number"), "1 to 100000")
            })?,
        };
    Ok(Settings { base, resources, record, style, page_rows, login: None })
}

fn base_of(text: Option<&str>) -> Result<Url> {
    let hint = "write it as https://api.example.com/v1";
    let Some(text) = text else { return Err(invalid("base URL", "it is missing", hint)) };
    // A base URL may be pasted as it is opened: rest+https://….
    let plain = text
        .split_once("://")
        .and_then(|(scheme, _)| scheme.split_once('+'))
        .map_or(text, |(prefix, _)| text.get(prefix.len() + 1..).unwrap_or(text));
    let mut url = Url::parse(plain).map_err(|error| invalid("base URL", error, hint))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(invalid("base URL", "it is no http or https URL", hint));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid(
            "base URL",
            "it holds a login",
            "leave it out of the URL and give it in the form",
        ));
    }
    url.set_fragment(None);
    Ok(url)
}

fn resources_of(base: &Url, text: &str) -> Result<Vec<Resource>> {
    let mut found: Vec<Resource> = Vec::new();
    for line in text.split([',', '\n']).map(str::trim).filter(|line| !line.is_empty()) {
        let (name, path) = match line.split_once('=') {
            // An equals sign inside a query is none of ours.
            Some((name, path)) if !name.contains(['?', '/']) => (Some(name.trim()), path.trim()),
            _ => (None, line),
        };
        let url = url_of(base, path)?;
        let name = name.filter(|name| !name.is_empty()).unwrap_or(path.trim_matches('/')).to_owned();
        let name = if name.is_empty() { name_of(&url) } else { name };
        if found.iter().any(|known| known.name == name) {
            return Err(invalid(
                "resources",
                format!("{name:?} is there twice"),
                "name them apart: NAME = PATH",
            ));
        }
        found.push(Resource { name, url });
    }
    if found.is_empty() {
        found.push(Resource { name: name_of(base), url: base.clone() });
    }
    Ok(found)
}

/// The last part of a path, or the host.
fn name_of(url: &Url) -> String {
    let last = url.path_segments().and_then(|mut segments| segments.rfind(|segment| !segment.is_empty()));
    last.or(url.host_str()).unwrap_or("/").to_owned()
}

fn url_of(base: &Url, path: &str) -> Result<Url> {
    let hint = "write paths below the base URL, such as orders or orders?status=open";
    let text = if path.contains("://") {
        path.to_owned()
    } else {
        let mut base = base.clone();
        base.set_query(None);
        format!("{}/{}", base.as_str().trim_end_matches('/'), path.trim_start_matches('/'))
    };
    let mut url = Url::parse(&text).map_err(|error| invalid("resources", error, hint))?;
    url.set_fragment(None);
    if !same_origin(base, &url) || !url.username().is_empty() || url.password().is_some() {
        return Err(invalid("resources", "a resource lies at another host than the base URL", hint));
    }
    Ok(url)
}

/// What each request to the base URL's origin carries, in words.
pub(super) fn login_phrase(login: &Login) -> Option<String> {
    Some(match login {
        Login::Nobody => return None,
        Login::Bearer(_) => "Authorization: Bearer $PASSWORD".to_owned(),
        Login::Basic(user, _) => format!("Authorization: Basic {user}:$PASSWORD"),
        Login::Key(header, _) => format!("{header}: $PASSWORD"),
    })
}

/// What proves who asks.
///
/// # Errors
/// `denied` if the secret is not known in this run, `invalid` for a login without a user.
pub(super) fn login(connection: &Connection, credentials: &Credentials) -> Result<Login> {
    let value = |key: &str| connection.filled(key);
    let given = credentials.get(Connection::PASSWORD).cloned();
    let user = value(Connection::USER);
    let secret = || -> Result<SecretString> {
        given.clone().ok_or_else(|| {
            Error::new(ErrorKind::Denied, "connect", "the token, key or password is not known in this run")
                .hint("give it in the form of the connection, or in its URL")
                .retry(Retry::AfterChange)
        })
    };
    let is_kept = connection.secrets.contains_key(Connection::PASSWORD);
    match value("auth").unwrap_or(AUTO) {
        AUTO if user.is_none() && given.is_none() && !is_kept => Ok(Login::Nobody),
        "none" => Ok(Login::Nobody),
        AUTO if user.is_none() => Ok(Login::Bearer(secret()?)),
        "bearer" => Ok(Login::Bearer(secret()?)),
        "key" => Ok(Login::Key(value("key_header").unwrap_or("X-Api-Key").to_owned(), secret()?)),
        "basic" | AUTO => match user {
            Some(user) => Ok(Login::Basic(user.to_owned(), secret()?)),
            None => Err(invalid("user", "it is missing", "give the user that the password belongs to")),
        },
        other => {
            Err(invalid("login", format!("{other:?} is no kind of login"), "none, bearer, key or basic"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(values: &[(&str, &str)]) -> Connection {
        values
            .iter()
            .fold(Connection::new("api", super::super::ID), |made, (key, value)| made.value(*key, *value))
    }

    #[test]
    fn resources_are_named_and_lie_below_the_base_url() {
        let base = "https://api.example/v1/";
        for (base, text, expected) in [
            (
                base,
                "orders, /items?x=1",
                vec![
                    ("orders", "https://api.example/v1/orders"),
                    ("items?x=1", "https://api.example/v1/items?x=1"),
                ],
            ),
            (
                base,
                "flights = a/b/records?sort=id\nairports=c",
                vec![
                    ("flights", "https://api.example/v1/a/b/records?sort=id"),
                    ("airports", "https://api.example/v1/c"),
                ],
            ),
            (
                base,
                "https://api.example/other",
                vec![("https://api.example/other", "https://api.example/other")],
            ),
            (
                "https://api.example/v1/orders?state=open",
                "",
                vec![("orders", "https://api.example/v1/orders?state=open")],
            ),
            ("rest+http://127.0.0.1:80", " , ", vec![("127.0.0.1", "http://127.0.0.1/")]),
        ] {
            let made = settings(&connection(&[("url", base), ("resources", text)])).unwrap();
            let got =
                made.resources.iter().map(|one| (one.name.as_str(), one.url.as_str())).collect::<Vec<_>>();
            assert_eq!(got, expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_setting_is_refused_by_name() {
        for (values, about) in [
            (vec![], "base URL"),
            (vec![("url", "api.example")], "base URL"),
            (vec![("url", "ftp://api.example")], "base URL"),
            (vec![("url", "https://me:secret@api.example")], "base URL"),
            (vec![("url", "https://api.example"), ("resources", "https://other.example/x")], "resources"),
            (vec![("url", "https://api.example"), ("resources", "a, a")], "resources"),
            (vec![("url", "https://api.example"), ("paging", "guess")], "paging"),
            (vec![("url", "https://api.example"), ("page_rows", "0")], "rows a page"),
        ] {
            let error = settings(&connection(&values)).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Invalid);
            assert!(error.attempted.starts_with(about), "{error}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }
}
