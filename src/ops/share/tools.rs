//! The formats themselves: each turns a text into URLs. None keeps a password: a line that has one says so.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::foreign::{Entry, Parsed};
use crate::model::connection::Tier;
use crate::model::{Error, ErrorKind, Result};

fn part(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// A URL of a server; empty parts are left out. A host that is a path is a folder of Unix sockets.
fn server_url(scheme: &str, user: &str, host: &str, port: &str, database: &str) -> String {
    let login = if user.is_empty() { String::new() } else { format!("{}@", part(user)) };
    let is_address = host.contains(':') && !host.starts_with('[');
    let host = match host {
        "" => "localhost".to_owned(),
        folder if folder.starts_with('/') => part(folder),
        address if is_address => format!("[{address}]"),
        name => name.to_owned(),
    };
    let port = if port.is_empty() { String::new() } else { format!(":{port}") };
    format!("{scheme}://{login}{host}{port}/{}", part(database))
}

/// The parts of a line of a password file: `\` keeps the letter after it.
pub(super) fn pgpass_parts(line: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => parts.last_mut().into_iter().for_each(|part| part.extend(letters.next())),
            ':' if parts.len() < 5 => parts.push(String::new()),
            letter => parts.last_mut().into_iter().for_each(|part| part.push(letter)),
        }
    }
    parts
}

pub(super) fn pgpass(text: &str) -> Vec<Parsed> {
    let lines = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    let entry = |line: &str| match pgpass_parts(line).as_slice() {
        [host, port, database, user, password] => {
            let shown = format!("{user}@{host}:{port}/{database}");
            if [host, user].iter().any(|part| *part == "*") {
                return Err((
                    shown,
                    "it holds for any host or user: there is no server to connect to".to_owned(),
                ));
            }
            let any = |part: &String| if part == "*" { String::new() } else { part.clone() };
            // Where any database is meant, the login's own is what psql takes.
            let database = if database == "*" { user } else { database };
            let url = server_url("postgresql", user, host, &any(port), database);
            Ok(Entry::new(url).with_secret(!password.is_empty()))
        }
        _ => Err(("a line".to_owned(), "it has not five parts".to_owned())),
    };
    lines.map(entry).collect()
}

/// Sections of an INI file with their keys, as libpq and MySQL write them.
fn sections(text: &str) -> Vec<(String, Vec<(String, String)>)> {
    let mut found: Vec<(String, Vec<(String, String)>)> = Vec::new();
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with(['#', ';', '!']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            found.push((name.trim().to_owned(), Vec::new()));
        } else if let (Some((_, keys)), Some((key, value))) = (found.last_mut(), line.split_once('=')) {
            let value = value.trim().trim_matches(['"', '\'']);
            keys.push((key.trim().to_lowercase().replace('_', "-"), value.to_owned()));
        }
    }
    found
}

fn key<'a>(keys: &'a [(String, String)], wanted: &str) -> &'a str {
    keys.iter().rev().find(|(key, _)| key == wanted).map(|(_, value)| value.as_str()).unwrap_or_default()
}

pub(super) fn pg_service(text: &str) -> Vec<Parsed> {
    let entry = |(name, keys): (String, Vec<(String, String)>)| {
        let host = [key(&keys, "host"), key(&keys, "hostaddr")].into_iter().find(|host| !host.is_empty());
        let mut url = server_url(
            "postgresql",
            key(&keys, "user"),
            host.unwrap_or_default(),
            key(&keys, "port"),
            key(&keys, "dbname"),
        );
        let tls = ["sslmode", "sslrootcert", "sslcert", "sslkey"];
        let pairs = tls.iter().filter(|wanted| !key(&keys, wanted).is_empty());
        for (at, wanted) in pairs.enumerate() {
            url.push(if at == 0 { '?' } else { '&' });
            url.push_str(&format!("{wanted}={}", part(key(&keys, wanted))));
        }
        Ok(Entry::new(url).named(name).with_secret(!key(&keys, "password").is_empty()))
    };
    sections(text).into_iter().map(entry).collect()
}

pub(super) fn my_cnf(text: &str) -> Vec<Parsed> {
    let is_client =
        |name: &str| name.starts_with("client") || ["mysql", "mysqlsh", "mariadb"].contains(&name);
    let entry = |(name, keys): (String, Vec<(String, String)>)| {
        if !is_client(&name) {
            return Err((format!("[{name}]"), "its options are not for a client".to_owned()));
        }
        let socket = key(&keys, "socket");
        let host = if key(&keys, "host").is_empty() { socket } else { key(&keys, "host") };
        let url = server_url("mysql", key(&keys, "user"), host, key(&keys, "port"), key(&keys, "database"));
        let suffix = name.strip_prefix("client").unwrap_or_default();
        let named = if suffix.is_empty() {
            "from my.cnf".to_owned()
        } else {
            suffix.trim_start_matches(['-', '_']).to_owned()
        };
        Ok(Entry::new(url).named(named).with_secret(!key(&keys, "password").is_empty()))
    };
    sections(text).into_iter().map(entry).collect()
}

pub(super) fn urls(text: &str) -> Vec<Parsed> {
    let lines = text.lines().map(str::trim).filter(|line| line.contains("://") && !line.starts_with('#'));
    let entry = |line: &str| {
        let line = line.strip_prefix("export ").unwrap_or(line);
        let (name, url) = match line.split_once('=') {
            // What stands before the first = is a name, if it stands before the scheme.
            Some((name, url)) if !name.contains("://") => (name.trim(), url),
            _ => ("", line),
        };
        let url = url.trim().trim_matches(['"', '\'']).trim();
        Ok(Entry::new(url.to_owned()).named(name.to_lowercase()))
    };
    lines.map(entry).collect()
}

/// DBeaver keeps logins in a file of their own, encrypted; what stands here is settings.
pub(super) fn dbeaver(text: &str) -> Result<Vec<Parsed>> {
    let file = serde_json::from_str::<Value>(text).map_err(|error| {
        Error::new(ErrorKind::Decode, super::STAGE, format!("the file is no JSON: {error}"))
    })?;
    let none = serde_json::Map::new();
    let all = file.get("connections").and_then(Value::as_object).unwrap_or(&none);
    let entry = |connection: &Value| {
        let text =
            |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let settings = connection.get("configuration").cloned().unwrap_or_default();
        let name = text(connection, "name");
        let port =
            settings.get("port").map(|port| port.as_str().map_or_else(|| port.to_string(), str::to_owned));
        let (user, host) = (text(&settings, "user"), text(&settings, "host"));
        let jdbc = text(&settings, "url");
        let url = match of_jdbc(&jdbc, &user) {
            Some(url) if host.is_empty() => url,
            _ => {
                let scheme = match of_jdbc(&jdbc, "")
                    .and_then(|url| url.split_once("://").map(|(scheme, _)| scheme.to_owned()))
                {
                    Some(scheme) => scheme,
                    None => text(connection, "provider"),
                };
                server_url(&scheme, &user, &host, &port.unwrap_or_default(), &text(&settings, "database"))
            }
        };
        let mut entry = Entry::new(url).named(name).with_secret(settings.get("password").is_some());
        entry.group = text(connection, "folder");
        entry.note = text(connection, "description");
        entry.tier = match text(&settings, "type").as_str() {
            "prod" => Some(Tier::Prod),
            "test" => Some(Tier::Stg),
            "dev" => Some(Tier::Dev),
            _ => None,
        };
        Ok(entry)
    };
    Ok(all.values().map(entry).collect())
}

/// The URL of a JDBC URL: `jdbc:postgresql://host:port/database?…`, `jdbc:sqlite:/path`.
fn of_jdbc(jdbc: &str, user: &str) -> Option<String> {
    let rest = jdbc.strip_prefix("jdbc:")?;
    if let Some((scheme, place)) = rest.split_once("://") {
        let login =
            if user.is_empty() || place.contains('@') { String::new() } else { format!("{}@", part(user)) };
        return Some(format!("{scheme}://{login}{place}"));
    }
    let (scheme, path) = rest.split_once(':')?;
    Some(format!("{scheme}://{path}"))
}

/// DataGrip writes XML of a fixed shape; only the elements named here are looked at, and no entity but the five of
/// XML itself is known.
pub(super) fn datagrip(text: &str) -> Vec<Parsed> {
    let sources = text.split("<data-source ").skip(1);
    let entry = |source: &str| {
        let (head, body) = source.split_once('>').unwrap_or((source, ""));
        let body = body.split_once("</data-source>").map_or(body, |(body, _)| body);
        let name = head
            .split_once("name=\"")
            .and_then(|(_, rest)| rest.split_once('"'))
            .map_or("", |(name, _)| name);
        let element = |tag: &str| {
            let (_, rest) = body.split_once(&format!("<{tag}>"))?;
            rest.split_once(&format!("</{tag}>")).map(|(inside, _)| resolved(inside.trim()))
        };
        let name = resolved(name);
        let Some(jdbc) = element("jdbc-url") else {
            return Err((name, "it names no URL".to_owned()));
        };
        let user = element("user-name").unwrap_or_default();
        match of_jdbc(&jdbc, &user) {
            Some(url) => Ok(Entry::new(url).named(name)),
            None => Err((name, "its URL is none of JDBC".to_owned())),
        }
    };
    sources.map(entry).collect()
}

fn resolved(text: &str) -> String {
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")]
        .iter()
        .fold(text.to_owned(), |text, (entity, letter)| text.replace(entity, letter))
}
