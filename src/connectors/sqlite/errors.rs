//! SQLite's result codes as errors a user can act on: one table, and SQLite's own words kept.

use super::counters::CompileError;
use crate::model::error::Retry;
use crate::model::{Error, ErrorKind};

/// `SQLITE_INTERRUPT`: our progress handler stopped the statement.
pub(super) const INTERRUPTED: i32 = 9;

/// What a result code means here.
struct Meaning {
    kind: ErrorKind,
    said: &'static str,
    hint: &'static str,
    retry: Retry,
}

/// Codes with their meaning; extended codes stand before the primary ones they belong to.
const MEANINGS: &[(i32, Meaning)] = &[
    (
        776,
        Meaning {
            kind: ErrorKind::Refused,
            said: "a writer died inside a transaction and left a hot journal; to read, it would have to be rolled back first, and that is writing",
            hint: "let the application that owns the file open it once, or copy it together with its -journal and open the copy there",
            retry: Retry::AfterChange,
        },
    ),
    (
        520,
        Meaning {
            kind: ErrorKind::Refused,
            said: "the write-ahead log needs a recovery, and that is writing",
            hint: "let the application that owns the file open it once, or open a copy of it and of its -wal",
            retry: Retry::AfterChange,
        },
    ),
    (
        1288,
        Meaning {
            kind: ErrorKind::Denied,
            said: "the write-ahead log cannot be read without creating files beside the database",
            hint: "let the application that owns the file checkpoint it, or open a copy of it and of its -wal",
            retry: Retry::AfterChange,
        },
    ),
    (
        5,
        Meaning {
            kind: ErrorKind::Unreachable,
            said: "the database is locked by a writer",
            hint: "try again when the writer has committed; headwater never waits for long, so as not to queue behind it",
            retry: Retry::Later,
        },
    ),
    (
        6,
        Meaning {
            kind: ErrorKind::Unreachable,
            said: "a table is locked by a writer",
            hint: "try again when the writer has committed",
            retry: Retry::Later,
        },
    ),
    (
        26,
        Meaning {
            kind: ErrorKind::Decode,
            said: "this is not a SQLite database, or it is encrypted",
            hint: "check the path; an encrypted database must be decrypted into a copy first",
            retry: Retry::Never,
        },
    ),
    (
        11,
        Meaning {
            kind: ErrorKind::Decode,
            said: "the database is damaged",
            hint: "rows read before the damage are kept; `sqlite3 FILE .recover` may save more",
            retry: Retry::Never,
        },
    ),
    (
        14,
        Meaning {
            kind: ErrorKind::Denied,
            said: "the file cannot be opened",
            hint: "check the permissions of the file and of its folder",
            retry: Retry::AfterChange,
        },
    ),
    (
        8,
        Meaning {
            kind: ErrorKind::Refused,
            said: "the statement would write, and the database is open for reading only",
            hint: "only statements that read are sent",
            retry: Retry::Never,
        },
    ),
    (
        23,
        Meaning {
            kind: ErrorKind::Refused,
            said: "the statement reaches for something that is switched off here",
            hint: "only plain reads are sent",
            retry: Retry::Never,
        },
    ),
    (
        18,
        Meaning {
            kind: ErrorKind::Budget,
            said: "a value or the statement is larger than the limit of 256 MiB",
            hint: "leave that column out with --columns",
            retry: Retry::AfterChange,
        },
    ),
    (
        7,
        Meaning {
            kind: ErrorKind::Budget,
            said: "SQLite ran out of memory",
            hint: "read fewer columns or rows",
            retry: Retry::AfterChange,
        },
    ),
    (
        13,
        Meaning {
            kind: ErrorKind::Budget,
            said: "the disk for temporary data is full",
            hint: "free some space",
            retry: Retry::AfterChange,
        },
    ),
    (
        10,
        Meaning {
            kind: ErrorKind::Unreachable,
            said: "the file could not be read",
            hint: "check the disk or the network share; the file may have been cut short or taken away",
            retry: Retry::Later,
        },
    ),
    (
        17,
        Meaning {
            kind: ErrorKind::Unreachable,
            said: "the schema changes faster than the statement can be prepared",
            hint: "try again",
            retry: Retry::Later,
        },
    ),
    (INTERRUPTED, Meaning { kind: ErrorKind::Cancelled, said: "stopped", hint: "", retry: Retry::Later }),
    (
        1,
        Meaning {
            kind: ErrorKind::Invalid,
            said: "SQLite does not understand the statement",
            hint: "see `describe` for tables and columns",
            retry: Retry::Never,
        },
    ),
];

/// The error of an extended result code with SQLite's own words.
pub(super) fn of_code(stage: &str, code: i32, message: &str) -> Error {
    // What SQLite says of damage while it reads the schema comes under the catch-all code.
    let code = if code == 1 && message.contains("malformed") { 11 } else { code };
    let found = MEANINGS
        .iter()
        .find(|(known, _)| *known == code)
        .or_else(|| MEANINGS.iter().find(|(known, _)| *known == code & 0xff));
    let Some((_, meaning)) = found else {
        return Error::new(ErrorKind::Unreachable, stage, format!("SQLite failed: {message}"))
            .with("code", code.to_string())
            .retry(Retry::Later);
    };
    let error = Error::new(meaning.kind, stage, format!("{}: {message}", meaning.said)).retry(meaning.retry);
    let error = if meaning.hint.is_empty() { error } else { error.hint(meaning.hint) };
    error.with("code", code.to_string())
}

/// The extended result code behind an error of sqlx, if SQLite gave one.
pub(super) fn code_of(error: &sqlx::Error) -> Option<i32> {
    error.as_database_error()?.code()?.parse().ok()
}

/// An error of sqlx.
pub(super) fn of(stage: &str, error: &sqlx::Error) -> Error {
    match error {
        sqlx::Error::Database(database) => of_code(stage, code_of(error).unwrap_or(1), database.message()),
        sqlx::Error::Io(error) => Error::io(stage, "opening the database", error),
        sqlx::Error::WorkerCrashed => Error::new(ErrorKind::Decode, stage, "the reader crashed on this file")
            .hint(
                "the file is damaged in a way SQLite does not notice; read other tables, or a repaired copy",
            ),
        other => Error::unexpected(stage, format!("the SQLite driver failed: {other}")),
    }
}

/// Why a statement did not compile.
pub(super) fn of_compile(stage: &str, error: &CompileError) -> Error {
    match error {
        CompileError::Sqlite { code, message } => of_code(stage, *code, message),
        CompileError::Encoding => Error::new(
            ErrorKind::Decode,
            stage,
            "a column or table of the result has a name that is not UTF-8",
        )
        .hint("choose other columns with --columns, or name them with AS in a query"),
        CompileError::NotOne => Error::new(ErrorKind::Refused, stage, "this is not exactly one statement")
            .hint("send one SELECT at a time"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_codes_become_kinds_a_caller_can_branch_on() {
        for (code, message, kind, retry) in [
            (5, "database is locked", ErrorKind::Unreachable, Retry::Later),
            (261, "database is locked", ErrorKind::Unreachable, Retry::Later),
            (776, "attempt to write a readonly database", ErrorKind::Refused, Retry::AfterChange),
            (11, "database disk image is malformed", ErrorKind::Decode, Retry::Never),
            (267, "database disk image is malformed", ErrorKind::Decode, Retry::Never),
            (1, "malformed database schema (t)", ErrorKind::Decode, Retry::Never),
            (26, "file is not a database", ErrorKind::Decode, Retry::Never),
            (14, "unable to open database file", ErrorKind::Denied, Retry::AfterChange),
            (8, "attempt to write a readonly database", ErrorKind::Refused, Retry::Never),
            (18, "string or blob too big", ErrorKind::Budget, Retry::AfterChange),
            (522, "disk I/O error", ErrorKind::Unreachable, Retry::Later),
            (1, "no such column: x", ErrorKind::Invalid, Retry::Never),
            (9, "interrupted", ErrorKind::Cancelled, Retry::Later),
            (4_242, "what is this", ErrorKind::Unreachable, Retry::Later),
        ] {
            let error = of_code("read", code, message);
            assert_eq!((error.kind, error.retry), (kind, retry), "{code} {message}");
            assert!(error.attempted.contains(message), "SQLite's words are kept: {error}");
        }
    }
}
