//! What the driver and the server say, as errors a user can act on: one table of SQLSTATEs, the server's own
//! words kept. Callers branch on the kind, never on text, since servers speak many languages.

use sqlx::Error as Driver;
use sqlx::postgres::PgDatabaseError;

use crate::kit::tls;
use crate::model::error::Retry;
use crate::model::{Error, ErrorKind};

/// What a SQLSTATE means here. A pattern of two characters is a whole class.
struct Meaning {
    code: &'static str,
    kind: ErrorKind,
    said: &'static str,
    hint: &'static str,
    retry: Retry,
}

const fn row(
    code: &'static str,
    kind: ErrorKind,
    said: &'static str,
    hint: &'static str,
    retry: Retry,
) -> Meaning {
    Meaning { code, kind, said, hint, retry }
}

/// Single codes stand before their classes.
const MEANINGS: &[Meaning] = &[
    row(
        "28P01",
        ErrorKind::Denied,
        "the server did not accept the password",
        "type the password again; the server may have changed it",
        Retry::AfterChange,
    ),
    row(
        "28000",
        ErrorKind::Denied,
        "the server lets nobody in this way",
        "check user, database, TLS and client certificate against the server's pg_hba.conf",
        Retry::AfterChange,
    ),
    row(
        "3D000",
        ErrorKind::NotFound,
        "the server has no such database",
        "check the name of the database; names are case-sensitive",
        Retry::AfterChange,
    ),
    row(
        "53300",
        ErrorKind::RateLimited,
        "the server has no connection left",
        "try again later, or ask its owner for a connection slot",
        Retry::Later,
    ),
    row(
        "53",
        ErrorKind::Budget,
        "the server is out of a resource",
        "ask for fewer rows or columns, and tell its owner",
        Retry::Later,
    ),
    row(
        "57P03",
        ErrorKind::Unreachable,
        "the server is starting up, shutting down or recovering",
        "try again in a moment",
        Retry::Later,
    ),
    row(
        "57P01",
        ErrorKind::Unreachable,
        "the server ended the connection",
        "an administrator ended it, or the server shuts down; connect again",
        Retry::Later,
    ),
    row(
        "57P02",
        ErrorKind::Unreachable,
        "the server crashed and is restarting",
        "connect again in a moment; rows that came are kept",
        Retry::Later,
    ),
    row("57P04", ErrorKind::NotFound, "the database was dropped", "", Retry::Never),
    row(
        "57P05",
        ErrorKind::Unreachable,
        "the server closed the idle connection",
        "connect again",
        Retry::Later,
    ),
    row(
        "57014",
        ErrorKind::Timeout,
        "the server stopped the statement",
        "it ran into its time limit, or somebody cancelled it; ask for less",
        Retry::AfterChange,
    ),
    row(
        "25P03",
        ErrorKind::Timeout,
        "the server ended a transaction that stood idle",
        "read again",
        Retry::Later,
    ),
    row(
        "25P04",
        ErrorKind::Timeout,
        "the server ended a transaction that took too long",
        "ask for less",
        Retry::AfterChange,
    ),
    row(
        "55P03",
        ErrorKind::Timeout,
        "somebody holds a lock on it",
        "try again when that statement is over; headwater never waits longer than half a second, so as not to queue behind it",
        Retry::Later,
    ),
    row(
        "25006",
        ErrorKind::Refused,
        "the statement would write, and the transaction is read-only",
        "only statements that read are sent",
        Retry::Never,
    ),
    row(
        "42501",
        ErrorKind::Denied,
        "this login may not read it",
        "ask its owner for SELECT on it",
        Retry::AfterChange,
    ),
    row(
        "42P01",
        ErrorKind::NotFound,
        "there is no such table or view",
        "list what is there; names are case-sensitive",
        Retry::Never,
    ),
    row(
        "3F000",
        ErrorKind::NotFound,
        "there is no such schema",
        "list what is there; names are case-sensitive",
        Retry::Never,
    ),
    row(
        "42703",
        ErrorKind::Invalid,
        "there is no such column",
        "see `describe` for the columns",
        Retry::Never,
    ),
    row(
        "42883",
        ErrorKind::Invalid,
        "there is no such function or operator for these types",
        "cast one side",
        Retry::Never,
    ),
    row(
        "42",
        ErrorKind::Invalid,
        "the server does not understand the statement",
        "see `describe` for tables and columns",
        Retry::Never,
    ),
    row(
        "22",
        ErrorKind::Invalid,
        "a value does not fit",
        "check the values of the condition or of the query",
        Retry::Never,
    ),
    row(
        "40001",
        ErrorKind::Unreachable,
        "the replica had to cancel the read, since its primary removed rows that the read still needed",
        "read again, or a smaller part",
        Retry::Later,
    ),
    row("40", ErrorKind::Unreachable, "the transaction was rolled back", "read again", Retry::Later),
    row(
        "08",
        ErrorKind::Unreachable,
        "the connection was lost",
        "connect again; rows that came are kept",
        Retry::Later,
    ),
    row("0A", ErrorKind::Unsupported, "the server does not support it", "", Retry::Never),
    row(
        "54",
        ErrorKind::Budget,
        "it is beyond a limit of the server",
        "ask for fewer columns",
        Retry::AfterChange,
    ),
    row(
        "58",
        ErrorKind::Unreachable,
        "the server could not read its own files",
        "tell its owner; headwater has written nothing",
        Retry::Later,
    ),
    row(
        "XX001",
        ErrorKind::Decode,
        "the server found damaged data",
        "tell its owner; rows that came are kept",
        Retry::Never,
    ),
    row(
        "XX002",
        ErrorKind::Decode,
        "the server found a damaged index",
        "tell its owner; rows that came are kept",
        Retry::Never,
    ),
];

/// The meaning of a SQLSTATE.
fn meaning(code: &str) -> Option<&'static Meaning> {
    let is_of = |row: &&Meaning| row.code == code || (row.code.len() == 2 && code.starts_with(row.code));
    MEANINGS.iter().find(is_of)
}

/// The error of a driver's error, with the server's own words.
pub(super) fn of(stage: &str, error: &Driver) -> Error {
    match error {
        Driver::Database(said) => match said.try_downcast_ref::<PgDatabaseError>() {
            Some(said) => of_server(stage, said),
            None => Error::new(ErrorKind::Unexpected, stage, said.to_string()),
        },
        // The handshake's own errors come as errors of the wire.
        Driver::Io(error) => match tls::failure(error) {
            Some(said) => tls::refused(stage, &said),
            None => Error::new(ErrorKind::Unreachable, stage, format!("the connection failed: {error}"))
                .hint("check host, port and network; is the server running?")
                .retry(Retry::Later),
        },
        Driver::Tls(error) => tls::refused(stage, &error.to_string()),
        Driver::Protocol(said) => Error::new(
            ErrorKind::Decode,
            stage,
            format!("what answered does not speak PostgreSQL's protocol as expected: {said}"),
        )
        .hint("check host and port; a proxy in between may have cut or changed the stream")
        .retry(Retry::Later),
        Driver::Configuration(error) => Error::new(ErrorKind::Invalid, stage, error.to_string())
            .hint("check the fields of the connection")
            .retry(Retry::AfterChange),
        Driver::WorkerCrashed => Error::unexpected(stage, "the driver's task ended"),
        other => Error::new(ErrorKind::Decode, stage, other.to_string()).retry(Retry::Later),
    }
}

fn of_server(stage: &str, said: &PgDatabaseError) -> Error {
    // A pooler that lets nobody in says only that the protocol was violated.
    let code = if stage == "connect" && said.code() == "08P01" { "28000" } else { said.code() };
    let known = meaning(code);
    let mut words = said.message().to_owned();
    for more in [said.detail(), said.hint()].into_iter().flatten() {
        words.push_str("; ");
        words.push_str(more);
    }
    let what = known.map_or("the server refused", |known| known.said);
    let mut error = Error::new(
        known.map_or(ErrorKind::Unexpected, |known| known.kind),
        stage,
        format!("{what}: {words}"),
    )
    .with("sqlstate", said.code());
    if let Some(known) = known {
        error = error.retry(known.retry);
        if !known.hint.is_empty() {
            error = error.hint(known.hint);
        }
    }
    error
}

/// Whether the server, not the wire, said no: the connection can go on after a rollback.
pub(super) fn is_from_server(error: &Driver) -> bool {
    match error {
        Driver::Database(said) => {
            // Class 57P: the server ends the connection itself.
            !said.code().is_some_and(|code| code.starts_with("57P") || code.starts_with("25P0"))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_means_what_its_row_or_its_class_says() {
        for (code, kind) in [
            ("28P01", Some(ErrorKind::Denied)),
            ("53300", Some(ErrorKind::RateLimited)),
            ("53200", Some(ErrorKind::Budget)),
            ("42P01", Some(ErrorKind::NotFound)),
            ("42601", Some(ErrorKind::Invalid)),
            ("22P02", Some(ErrorKind::Invalid)),
            ("25006", Some(ErrorKind::Refused)),
            ("P0001", None),
        ] {
            assert_eq!(meaning(code).map(|row| row.kind), kind, "{code}");
        }
    }

    #[test]
    fn no_row_stands_behind_its_class() {
        for (place, row) in MEANINGS.iter().enumerate() {
            let hidden = MEANINGS.iter().take(place).any(|before| row.code.starts_with(before.code));
            assert!(!hidden, "{} can never be reached", row.code);
        }
    }
}
