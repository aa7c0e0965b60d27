//! How a foreign file is opened so that nothing is written beside it. What can be known from the outside is
//! looked at first (one read of 100 bytes, and the names beside the file); the rest is SQLite's to say.
//!
//! - rollback journal: `mode=ro`; a shared lock while a statement runs, nothing else;
//! - write-ahead log, in use or left behind with its index (`-shm`): `mode=ro&readonly_shm=1`: read with
//!   the log, nothing created;
//! - write-ahead log mode with no log beside it: `immutable=1`: nothing created, no locks, and therefore
//!   changes are watched by the file's size and time;
//! - a log with content but without its index: SQLite would have to create `-shm`. The file is then read
//!   as of its last checkpoint (`immutable=1`), and it is said how much is not seen; or, if the connection
//!   says so, `-shm` is created.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::model::units::bytes_text;
use crate::model::{Error, ErrorKind, Result};

/// The first bytes of every SQLite database.
pub(super) const MAGIC: &[u8] = b"SQLite format 3\0";

/// How the file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OpenMode {
    /// Rollback journal: shared locks while statements run.
    Rollback,
    /// Write-ahead log with its index; nothing is created.
    Wal,
    /// Write-ahead log; SQLite may create the index file.
    WalCreating,
    /// As if on read-only media: no locks, no log.
    Immutable,
}

/// What to do with a log that lost its index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum LogChoice {
    /// Read the file as of its last checkpoint; create nothing.
    #[default]
    Ignore,
    /// Let SQLite create the `-shm` file and read the log.
    Create,
}

impl LogChoice {
    /// The choice of a form value.
    pub(super) fn parse(value: Option<&str>) -> Result<Self> {
        match value.unwrap_or("") {
            "" | "ignore" => Ok(Self::Ignore),
            "create" => Ok(Self::Create),
            other => Err(Error::new(ErrorKind::Invalid, "connect", format!("wal = {other:?} means nothing"))
                .hint("write ignore or create")),
        }
    }
}

/// A file that looks like a database, and how it will be opened.
#[derive(Clone, Debug)]
pub(super) struct Opening {
    /// Absolute path.
    pub(super) path: PathBuf,
    /// How.
    pub(super) mode: OpenMode,
    /// Bytes of one page, as the header declares.
    pub(super) page_bytes: u64,
    /// What the reader must know.
    pub(super) notes: Vec<String>,
}

/// What tells from the outside that a file was written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    bytes: u64,
    modified: Option<SystemTime>,
    log_bytes: u64,
}

impl Stamp {
    /// The stamp now. Opens nothing: opening and closing the file here would drop SQLite's own locks.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        Some(Self {
            bytes: metadata.len(),
            modified: metadata.modified().ok(),
            log_bytes: beside(path, "-wal").unwrap_or(0),
        })
    }
}

/// Size of a file named like the database with something added; none if it is not there.
pub(super) fn beside(path: &Path, suffix: &str) -> Option<u64> {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    std::fs::metadata(name).ok().map(|metadata| metadata.len())
}

/// Looks at a file and decides how to open it.
///
/// # Errors
/// `not_found`, `invalid` (a folder, or no regular file), `decode` (empty, or no database), `denied`.
pub(super) fn look(path: &Path, choice: LogChoice) -> Result<Opening> {
    let shown = path.display().to_string();
    let failed = |error: &std::io::Error| {
        let made = Error::io("connect", "opening the database", error).with("path", shown.clone());
        if made.hint.is_some() {
            made
        } else {
            made.hint("check the path; the file may have been moved or removed")
        }
    };
    let path = std::path::absolute(path).map_err(|error| failed(&error))?;
    let metadata = std::fs::metadata(&path).map_err(|error| failed(&error))?;
    if metadata.is_dir() {
        return Err(Error::new(ErrorKind::Invalid, "connect", "this is a folder, not a database file")
            .hint("name the file inside it")
            .with("path", shown));
    }
    if !metadata.is_file() {
        return Err(Error::new(ErrorKind::Invalid, "connect", "this is no regular file").with("path", shown));
    }
    if metadata.len() == 0 {
        return Err(Error::new(
            ErrorKind::Decode,
            "connect",
            "the file is empty: a SQLite database has at least one page of 512 bytes",
        )
        .hint("check the path; an application may create the file before it writes to it")
        .with("path", shown));
    }
    let mut header = [0_u8; 100];
    let got = read_head(&path, &mut header).map_err(|error| failed(&error))?;
    check_header(&header[..got], metadata.len()).map_err(|error| error.with("path", shown.clone()))?;
    let declared = u64::from(u16::from_be_bytes([header[16], header[17]]));
    let mut notes = Vec::new();
    let mode = if header[18] == 2 || header[19] == 2 {
        wal_mode(&path, choice, &mut notes)
    } else {
        if beside(&path, "-journal").is_some_and(|bytes| bytes > 0) {
            notes.push(
                "a -journal lies beside the file: a writer is at work, or one died; if it died, reading is refused"
                    .to_owned(),
            );
        }
        OpenMode::Rollback
    };
    Ok(Opening { path, mode, page_bytes: if declared == 1 { 65_536 } else { declared }, notes })
}

fn read_head(path: &Path, header: &mut [u8; 100]) -> std::io::Result<usize> {
    let mut file = File::open(path)?;
    let mut got = 0;
    while got < header.len() {
        match file.read(&mut header[got..])? {
            0 => break,
            count => got += count,
        }
    }
    Ok(got)
}

fn check_header(header: &[u8], file_bytes: u64) -> Result<()> {
    let no = |why: String, hint: &str| Err(Error::new(ErrorKind::Decode, "connect", why).hint(hint));
    if !header.starts_with(MAGIC) {
        let is_text = header.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace());
        return if is_text || !file_bytes.is_multiple_of(512) {
            no(
                "this is not a SQLite database: it does not begin with \"SQLite format 3\"".to_owned(),
                "check the path",
            )
        } else {
            no(
                "this is not a SQLite database, or it is encrypted as a whole: it does not begin with \"SQLite format 3\", and its size is a number of pages".to_owned(),
                "check the path; an encrypted database must be decrypted into a copy first",
            )
        };
    }
    let [.., high, low] = header.get(..18).unwrap_or(&[]) else {
        return no(
            "the file ends inside the database header".to_owned(),
            "fetch the file again: it was cut short",
        );
    };
    let page_bytes = u16::from_be_bytes([*high, *low]);
    if header.len() < 100 {
        return no(
            "the file ends inside the database header".to_owned(),
            "fetch the file again: it was cut short",
        );
    }
    if page_bytes != 1 && (page_bytes < 512 || !page_bytes.is_power_of_two()) {
        return no(
            format!("the database is damaged: its header declares pages of {page_bytes} bytes"),
            "open a sound copy",
        );
    }
    Ok(())
}

fn wal_mode(path: &Path, choice: LogChoice, notes: &mut Vec<String>) -> OpenMode {
    let (log, index) = (beside(path, "-wal"), beside(path, "-shm"));
    match (log, index) {
        (Some(_), Some(_)) => OpenMode::Wal,
        (Some(bytes), None) if bytes > 0 => match choice {
            LogChoice::Ignore => {
                notes.push(format!(
                    "a write-ahead log of {} lies beside the file without its index: the view is that of the last checkpoint and may miss what the log holds; nothing was created. Set wal = create to read the log, which creates a -shm file",
                    bytes_text(bytes as f64)
                ));
                OpenMode::Immutable
            }
            LogChoice::Create => {
                notes.push(
                    "to read the write-ahead log SQLite creates a -shm file beside the database".to_owned(),
                );
                OpenMode::WalCreating
            }
        },
        _ => {
            notes.push(
                "write-ahead log mode, and no log beside the file: opened as immutable, so nothing is created and nobody is locked out; writes that begin while you look are noticed by the file's size and time"
                    .to_owned(),
            );
            OpenMode::Immutable
        }
    }
}

/// The URI SQLite opens: the path percent-encoded whole, so that no name can smuggle a parameter.
///
/// # Errors
/// `unsupported` for a path that is not UTF-8: sqlx takes none.
pub(super) fn uri(opening: &Opening) -> Result<String> {
    let Some(path) = opening.path.to_str() else {
        return Err(Error::new(ErrorKind::Unsupported, "connect", "the path is not UTF-8")
            .hint("open it through a link with a plain name"));
    };
    let mut uri = String::from(if path.starts_with('/') { "file://" } else { "file:///" });
    for byte in path.bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => uri.push(char::from(byte)),
            b'\\' if cfg!(windows) => uri.push('/'),
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    uri.push_str(match opening.mode {
        OpenMode::Rollback | OpenMode::WalCreating => "?mode=ro",
        OpenMode::Wal => "?mode=ro&readonly_shm=1",
        OpenMode::Immutable => "?mode=ro&immutable=1",
    });
    Ok(uri)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(write_version: u8) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend([16, 0, write_version, write_version]);
        bytes.resize(4096, 0);
        bytes
    }

    #[test]
    fn what_lies_beside_a_file_decides_how_it_is_opened() {
        use LogChoice::{Create, Ignore};
        for (version, beside, choice, mode, uri_end) in [
            (1, &[][..], Ignore, OpenMode::Rollback, "?mode=ro"),
            (1, &[("-journal", 512)][..], Ignore, OpenMode::Rollback, "?mode=ro"),
            (2, &[][..], Ignore, OpenMode::Immutable, "&immutable=1"),
            (2, &[("-wal", 0)][..], Ignore, OpenMode::Immutable, "&immutable=1"),
            (2, &[("-wal", 9000)][..], Ignore, OpenMode::Immutable, "&immutable=1"),
            (2, &[("-wal", 9000)][..], Create, OpenMode::WalCreating, "?mode=ro"),
            (2, &[("-wal", 0), ("-shm", 32_768)][..], Ignore, OpenMode::Wal, "&readonly_shm=1"),
            (2, &[("-wal", 9000), ("-shm", 32_768)][..], Ignore, OpenMode::Wal, "&readonly_shm=1"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("a b?mode=rwc&x.db");
            std::fs::write(&path, header(version)).unwrap();
            for (suffix, bytes) in beside {
                let mut name = path.as_os_str().to_owned();
                name.push(suffix);
                std::fs::write(name, vec![0; *bytes]).unwrap();
            }
            let opening = look(&path, choice).unwrap();
            assert_eq!(opening.mode, mode, "{version} {beside:?}");
            assert_eq!(opening.page_bytes, 4096);
            let uri = uri(&opening).unwrap();
            assert!(uri.ends_with(uri_end), "{uri}");
            assert!(uri.contains("a%20b%3Fmode%3Drwc%26x.db"), "{uri}");
        }
    }

    #[test]
    fn what_is_no_database_is_said_in_words() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            path
        };
        let random = (0..4096_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect::<Vec<_>>();
        for (path, kind, words) in [
            (folder.path().join("none.db"), ErrorKind::NotFound, "No such file"),
            (folder.path().to_owned(), ErrorKind::Invalid, "folder"),
            (file("empty.db", b""), ErrorKind::Decode, "empty"),
            (file("text.db", b"id,name\n1,a\n"), ErrorKind::Decode, "not a SQLite database"),
            (file("random.db", &random), ErrorKind::Decode, "encrypted"),
            (file("short.db", MAGIC), ErrorKind::Decode, "ends inside"),
            (file("short2.db", &header(1)[..60]), ErrorKind::Decode, "ends inside"),
            (
                file("odd.db", &{
                    let mut bytes = header(1);
                    bytes[16] = 3;
                    bytes
                }),
                ErrorKind::Decode,
                "damaged",
            ),
        ] {
            let error = look(&path, LogChoice::Ignore).unwrap_err();
            assert_eq!(error.kind, kind, "{error}");
            assert!(error.attempted.contains(words), "{error}");
        }
    }
}
