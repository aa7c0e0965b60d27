//! The one place that touches SQLite's raw handle: its own counters, its hardening switches, and a look at
//! a compiled statement before it runs. `sqlx` exposes none of these.
//!
//! Every function takes sqlx's [`LockedSqliteHandle`]: while one exists, the worker thread makes no call on
//! the handle. The one exception is [`PageCounter`], which is read inside the progress handler, that is on
//! the worker thread itself, in the middle of its own call. Nothing here keeps a pointer beyond the call,
//! `PageCounter` apart, which lives in the handler and dies with the connection.

#![expect(
    unsafe_code,
    reason = "SQLite's counters and db_config are C functions; each call is audited here and nowhere else"
)]

use std::ffi::{CStr, CString, c_char, c_int};
use std::ptr;

use libsqlite3_sys as ffi;
use sqlx::sqlite::LockedSqliteHandle;

/// SQLite's page counters of one connection since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Pages {
    /// Pages found in the page cache.
    pub(super) hits: u64,
    /// Pages read from the file.
    pub(super) misses: u64,
}

impl Pages {
    /// What was added since `before`.
    pub(super) fn since(self, before: Self) -> Self {
        Self {
            hits: self.hits.saturating_sub(before.hits),
            misses: self.misses.saturating_sub(before.misses),
        }
    }

    /// Page accesses, cached or not.
    pub(super) fn touched(self) -> u64 {
        self.hits + self.misses
    }
}

/// SQLite's counters of the statements of one connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Steps {
    /// Steps of the virtual machine.
    pub(super) vm: u64,
    /// Rows stepped over in full scans.
    pub(super) scanned: u64,
    /// Sorts.
    pub(super) sorts: u64,
}

/// A column of a compiled statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OutColumn {
    /// Its name.
    pub(super) name: String,
    /// Declared type, for columns that come straight from a table.
    pub(super) declared: Option<String>,
    /// Column of a table that it comes straight from.
    pub(super) origin: Option<String>,
}

/// What SQLite's compiler says of a statement, without running it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Compiled {
    /// Whether it changes no database file.
    pub(super) is_read_only: bool,
    /// Parameters that want values.
    pub(super) parameters: usize,
    /// Result columns.
    pub(super) columns: Vec<OutColumn>,
}

/// Why a statement did not compile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CompileError {
    /// SQLite's extended code and message.
    Sqlite {
        /// Extended result code.
        code: i32,
        /// Its words.
        message: String,
    },
    /// A name in the result is not UTF-8.
    Encoding,
    /// It holds no statement, a NUL, or something behind the first statement.
    NotOne,
}

fn db_status(db: *mut ffi::sqlite3, verb: i32) -> u64 {
    let (mut current, mut high) = (0, 0);
    // SAFETY: `db` is an open handle nobody else is using (callers' contract); both out-pointers are valid.
    let status = unsafe { ffi::sqlite3_db_status(db, verb, &raw mut current, &raw mut high, 0) };
    // The counter is a C int that wraps; as unsigned bits it counts to 2^32.
    if status == ffi::SQLITE_OK { u64::from(c_int::cast_unsigned(current)) } else { 0 }
}

fn pages_of(db: *mut ffi::sqlite3) -> Pages {
    Pages {
        hits: db_status(db, ffi::SQLITE_DBSTATUS_CACHE_HIT),
        misses: db_status(db, ffi::SQLITE_DBSTATUS_CACHE_MISS),
    }
}

/// The page counters now.
pub(super) fn pages(handle: &mut LockedSqliteHandle<'_>) -> Pages {
    pages_of(handle.as_raw_handle().as_ptr())
}

/// Drops cached pages, so that what is counted next is counted from a cold cache.
pub(super) fn drop_cache(handle: &mut LockedSqliteHandle<'_>) {
    let db = handle.as_raw_handle().as_ptr();
    // SAFETY: `db` is locked for us; pages in use stay.
    unsafe { ffi::sqlite3_db_release_memory(db) };
}

/// The counters of all statements of the connection, set back to zero.
pub(super) fn take_steps(handle: &mut LockedSqliteHandle<'_>) -> Steps {
    let db = handle.as_raw_handle().as_ptr();
    let mut steps = Steps::default();
    let mut statement = ptr::null_mut();
    loop {
        // SAFETY: `db` is locked for us; the returned statement is only read and lives as long as `handle`.
        statement = unsafe { ffi::sqlite3_next_stmt(db, statement) };
        if statement.is_null() {
            return steps;
        }
        let take = |verb| {
            // SAFETY: `statement` is a live statement of the locked handle.
            let count = unsafe { ffi::sqlite3_stmt_status(statement, verb, 1) };
            u64::from(count.cast_unsigned())
        };
        steps.vm += take(ffi::SQLITE_STMTSTATUS_VM_STEP);
        steps.scanned += take(ffi::SQLITE_STMTSTATUS_FULLSCAN_STEP);
        steps.sorts += take(ffi::SQLITE_STMTSTATUS_SORT);
    }
}

/// Reads the page counters inside the progress handler of the same connection.
pub(super) struct PageCounter(*mut ffi::sqlite3);

// SAFETY: the pointer is only used by `pages`, which the progress handler calls on the worker thread while
// that thread is inside a call on the very same connection; the handler dies with the connection.
unsafe impl Send for PageCounter {}

impl PageCounter {
    /// A counter for the progress handler of this connection, and for nothing else.
    pub(super) fn for_progress_handler(handle: &mut LockedSqliteHandle<'_>) -> Self {
        Self(handle.as_raw_handle().as_ptr())
    }

    /// The page counters now. `sqlite3_db_status` changes nothing, so a progress handler may call it.
    pub(super) fn pages(&self) -> Pages {
        pages_of(self.0)
    }
}

/// Longest value that is read: what is longer fails with "too big" instead of filling the memory.
pub(super) const MAX_VALUE_BYTES: i32 = 256 << 20;

/// Turns off everything a hostile file or statement could use, and sets limits. Idempotent.
pub(super) fn harden(handle: &mut LockedSqliteHandle<'_>) {
    let db = handle.as_raw_handle().as_ptr();
    for (verb, value) in [
        (ffi::SQLITE_DBCONFIG_DEFENSIVE, 1),
        (ffi::SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0),
        (ffi::SQLITE_DBCONFIG_ENABLE_TRIGGER, 0),
        (ffi::SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0),
        (ffi::SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, 0),
        (ffi::SQLITE_DBCONFIG_WRITABLE_SCHEMA, 0),
        (ffi::SQLITE_DBCONFIG_ENABLE_ATTACH_CREATE, 0),
        (ffi::SQLITE_DBCONFIG_ENABLE_ATTACH_WRITE, 0),
    ] {
        // SAFETY: these verbs take an int and an optional out-pointer; `db` is locked for us. An unknown
        // verb (an older SQLite) is answered with an error code and changes nothing.
        unsafe { ffi::sqlite3_db_config(db, verb, value as c_int, ptr::null_mut::<c_int>()) };
    }
    for (limit, value) in [
        (ffi::SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES),
        (ffi::SQLITE_LIMIT_SQL_LENGTH, 4 << 20),
        (ffi::SQLITE_LIMIT_COLUMN, 32_767),
        (ffi::SQLITE_LIMIT_EXPR_DEPTH, 200),
        (ffi::SQLITE_LIMIT_COMPOUND_SELECT, 200),
        (ffi::SQLITE_LIMIT_VDBE_OP, 4_000_000),
        (ffi::SQLITE_LIMIT_FUNCTION_ARG, 100),
        (ffi::SQLITE_LIMIT_ATTACHED, 0),
        (ffi::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 10_000),
        (ffi::SQLITE_LIMIT_VARIABLE_NUMBER, 32_766),
        (ffi::SQLITE_LIMIT_TRIGGER_DEPTH, 1),
        (ffi::SQLITE_LIMIT_WORKER_THREADS, 0),
    ] {
        // SAFETY: `db` is locked for us; an unknown limit changes nothing.
        unsafe { ffi::sqlite3_limit(db, limit, value) };
    }
}

/// A compiled statement that is given back to SQLite when dropped.
struct Statement(*mut ffi::sqlite3_stmt);

impl Drop for Statement {
    fn drop(&mut self) {
        // SAFETY: made by `sqlite3_prepare_v2` below, finalised once.
        unsafe { ffi::sqlite3_finalize(self.0) };
    }
}

type NameOf = unsafe extern "C" fn(*mut ffi::sqlite3_stmt, c_int) -> *const c_char;

/// A text SQLite gives of a column; none where it gives none.
fn column_text(statement: &Statement, index: c_int, name_of: NameOf) -> Result<Option<String>, CompileError> {
    // SAFETY: the statement is live, the index below its column count; the text is copied at once.
    let text = unsafe {
        let text = name_of(statement.0, index);
        if text.is_null() {
            return Ok(None);
        }
        CStr::from_ptr(text)
    };
    text.to_str().map(|text| Some(text.to_owned())).or(Err(CompileError::Encoding))
}

/// Compiles a statement and looks at it; runs nothing.
///
/// Also the guard in front of sqlx, which expects every name of a result to be UTF-8.
pub(super) fn compile(handle: &mut LockedSqliteHandle<'_>, text: &str) -> Result<Compiled, CompileError> {
    let db = handle.as_raw_handle().as_ptr();
    let sql = CString::new(text).or(Err(CompileError::NotOne))?;
    let (mut raw, mut tail) = (ptr::null_mut(), ptr::null());
    // SAFETY: `db` is locked for us; `sql` is NUL-terminated and outlives the call and the use of `tail`.
    let status = unsafe { ffi::sqlite3_prepare_v2(db, sql.as_ptr(), -1, &raw mut raw, &raw mut tail) };
    let statement = Statement(raw);
    if status != ffi::SQLITE_OK {
        // SAFETY: `db` is locked for us; the message is copied before any further call.
        let message = unsafe { CStr::from_ptr(ffi::sqlite3_errmsg(db)) }.to_string_lossy().into_owned();
        // SAFETY: as above.
        let code = unsafe { ffi::sqlite3_extended_errcode(db) };
        return Err(CompileError::Sqlite { code, message });
    }
    // SAFETY: `tail` points into `sql`, which is NUL-terminated.
    let rest = unsafe { CStr::from_ptr(tail) };
    if statement.0.is_null() || !is_blank(&rest.to_string_lossy()) {
        return Err(CompileError::NotOne);
    }
    // SAFETY: the statement is live for the next three calls.
    let count = unsafe { ffi::sqlite3_column_count(statement.0) };
    // SAFETY: as above.
    let parameters = unsafe { ffi::sqlite3_bind_parameter_count(statement.0) };
    // SAFETY: as above.
    let is_read_only = unsafe { ffi::sqlite3_stmt_readonly(statement.0) } != 0;
    let mut columns = Vec::new();
    for index in 0..count {
        column_text(&statement, index, ffi::sqlite3_column_database_name)?;
        column_text(&statement, index, ffi::sqlite3_column_table_name)?;
        columns.push(OutColumn {
            name: column_text(&statement, index, ffi::sqlite3_column_name)?.unwrap_or_default(),
            declared: column_text(&statement, index, ffi::sqlite3_column_decltype)?,
            origin: column_text(&statement, index, ffi::sqlite3_column_origin_name)?,
        });
    }
    Ok(Compiled { is_read_only, parameters: usize::try_from(parameters).unwrap_or(0), columns })
}

/// Whether nothing but blanks, semicolons and comments is left.
fn is_blank(rest: &str) -> bool {
    let mut rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ';');
    loop {
        let after = if let Some(comment) = rest.strip_prefix("--") {
            comment.split_once('\n').map_or("", |(_, after)| after)
        } else if let Some(comment) = rest.strip_prefix("/*") {
            comment.split_once("*/").map_or("", |(_, after)| after)
        } else {
            return rest.is_empty();
        };
        rest = after.trim_start_matches(|c: char| c.is_whitespace() || c == ';');
    }
}
