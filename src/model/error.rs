//! One error type for everything a user can meet. Callers branch on [`ErrorKind`], never on text.
//! A message tells what was tried, what the other side said and what to do next; parts that may be
//! sensitive (paths, hosts) sit in `context`, last, so that they can be cut off when shared.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Result with [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, as far as a caller can act on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// Nothing answered.
    Unreachable,
    /// The other side said no to this login.
    Denied,
    /// The named thing is not there.
    NotFound,
    /// This connector, source or build can't do that.
    Unsupported,
    /// The upstream asked us to slow down.
    RateLimited,
    /// A budget of the connection or of the read was used up.
    Budget,
    /// The load policy or the gate refused; nothing was sent.
    Refused,
    /// The user stopped it.
    Cancelled,
    /// A deadline passed.
    Timeout,
    /// Bytes could not be understood.
    Decode,
    /// What the user gave us makes no sense.
    Invalid,
    /// A bug of ours.
    Unexpected,
}

impl ErrorKind {
    /// The word used in JSON, in the window and in the ledger.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Denied => "denied",
            Self::NotFound => "not_found",
            Self::Unsupported => "unsupported",
            Self::RateLimited => "rate_limited",
            Self::Budget => "budget",
            Self::Refused => "refused",
            Self::Cancelled => "cancelled",
            Self::Timeout => "timeout",
            Self::Decode => "decode",
            Self::Invalid => "invalid",
            Self::Unexpected => "unexpected",
        }
    }
}

/// Whether trying again can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Retry {
    /// The same call will fail the same way.
    #[default]
    Never,
    /// The same call may work later.
    Later,
    /// It works after the user changed something (see the hint).
    AfterChange,
}

/// An error with its stage, what was attempted, what to do next and whether to retry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Error {
    /// What a caller branches on.
    pub kind: ErrorKind,
    /// Where on the way of a read: `connect`, `browse`, `plan`, `estimate`, `read`, `export`, ….
    pub stage: String,
    /// What we tried and what the other side said; lowercase, no final stop.
    pub attempted: String,
    /// Key-value details; sensitive ones last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub context: Vec<(String, String)>,
    /// What the user can do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Whether trying again can help.
    #[serde(default)]
    pub retry: Retry,
}

impl Error {
    /// An error of `kind`; `attempted` says what was tried and what came back.
    pub fn new(kind: ErrorKind, stage: impl Into<String>, attempted: impl Into<String>) -> Self {
        Self {
            kind,
            stage: stage.into(),
            attempted: attempted.into(),
            context: Vec::new(),
            hint: None,
            retry: Retry::Never,
        }
    }

    /// Adds what the user can do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds a detail.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.context.push((key.into(), value.into()));
        self
    }

    /// Says whether trying again can help.
    #[must_use]
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// The user stopped it at `stage`.
    pub fn cancelled(stage: impl Into<String>) -> Self {
        Self::new(ErrorKind::Cancelled, stage, "stopped on your request").retry(Retry::Later)
    }

    /// `what` is not there.
    pub fn not_found(stage: impl Into<String>, what: impl fmt::Display) -> Self {
        Self::new(ErrorKind::NotFound, stage, format!("{what} is not there"))
            .hint("list what is there with `headwater ls`, names are case-sensitive")
    }

    /// A bug of ours: something that should hold does not.
    pub fn unexpected(stage: impl Into<String>, what: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Unexpected, stage, what.to_string())
            .hint("this is a bug in headwater; please report it with the ledger entry")
    }

    /// Maps an io error by its kind; `attempted` says what was tried, the system's words are added.
    pub fn io(stage: impl Into<String>, attempted: impl fmt::Display, error: &std::io::Error) -> Self {
        use std::io::ErrorKind as Io;
        let kind = match error.kind() {
            Io::NotFound => ErrorKind::NotFound,
            Io::PermissionDenied | Io::ReadOnlyFilesystem => ErrorKind::Denied,
            Io::IsADirectory | Io::NotADirectory | Io::InvalidInput | Io::InvalidFilename => {
                ErrorKind::Invalid
            }
            Io::TimedOut => ErrorKind::Timeout,
            Io::StorageFull | Io::QuotaExceeded | Io::FileTooLarge => ErrorKind::Budget,
            Io::InvalidData | Io::UnexpectedEof => ErrorKind::Decode,
            _ => ErrorKind::Unreachable,
        };
        let made = Self::new(kind, stage, format!("{attempted}: {error}"));
        match kind {
            ErrorKind::Budget => {
                made.hint("free some space or choose another place").retry(Retry::AfterChange)
            }
            ErrorKind::Denied => made.hint("check the permissions of the path").retry(Retry::AfterChange),
            _ => made,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}: {}", self.kind.word(), self.stage, self.attempted)?;
        if let Some(hint) = &self.hint {
            write!(f, " — {hint}")?;
        }
        for (key, value) in &self.context {
            write!(f, " [{key}: {value}]")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}
