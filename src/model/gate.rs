//! The answer of a gate: is this statement a read?
//!
//! Each query language has its own gate (SQL's is in `kit/sql`); all answer with [`GateVerdict`], and
//! all deny by default: what a gate does not recognise is `unknown`, and `unknown` is not sent.

use serde::{Deserialize, Serialize};

/// What a gate says about one statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Wire", try_from = "Wire")]
pub enum GateVerdict {
    /// Recognised in full, and it only reads.
    Read {
        /// Things worth knowing before it runs, such as a recursion without a limit: load, not a write.
        cautions: Vec<String>,
    },
    /// It writes, locks, reaches outside, or is more than one statement.
    Refused {
        /// Which part of it, in words for the user.
        why: String,
    },
    /// Not recognised, therefore not sent.
    Unknown {
        /// Which part of it, in words for the user.
        why: String,
    },
}

impl GateVerdict {
    /// A read without cautions.
    pub fn read() -> Self {
        Self::Read { cautions: Vec::new() }
    }

    /// A refusal.
    pub fn refused(why: impl Into<String>) -> Self {
        Self::Refused { why: why.into() }
    }

    /// Not recognised.
    pub fn unknown(why: impl Into<String>) -> Self {
        Self::Unknown { why: why.into() }
    }

    /// Whether the statement may be sent.
    pub fn is_read(&self) -> bool {
        matches!(self, Self::Read { .. })
    }

    /// The word of the contract: `read`, `refused` or `unknown`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Read { .. } => "read",
            Self::Refused { .. } => "refused",
            Self::Unknown { .. } => "unknown",
        }
    }

    /// The reason in words; for a read, its cautions.
    pub fn why(&self) -> String {
        match self {
            Self::Read { cautions } if cautions.is_empty() => "only reads".to_owned(),
            Self::Read { cautions } => format!("only reads; {}", cautions.join("; ")),
            Self::Refused { why } | Self::Unknown { why } => why.clone(),
        }
    }
}

/// How a verdict is written down: `{"verdict":"read|refused|unknown","why":…}`.
#[derive(Serialize, Deserialize)]
struct Wire {
    verdict: String,
    why: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    cautions: Vec<String>,
}

impl From<GateVerdict> for Wire {
    fn from(verdict: GateVerdict) -> Self {
        let (word, why) = (verdict.word().to_owned(), verdict.why());
        let cautions = match verdict {
            GateVerdict::Read { cautions } => cautions,
            GateVerdict::Refused { .. } | GateVerdict::Unknown { .. } => Vec::new(),
        };
        Self { verdict: word, why, cautions }
    }
}

impl TryFrom<Wire> for GateVerdict {
    type Error = UnknownWord;

    fn try_from(wire: Wire) -> Result<Self, UnknownWord> {
        match wire.verdict.as_str() {
            "read" => Ok(Self::Read { cautions: wire.cautions }),
            "refused" => Ok(Self::Refused { why: wire.why }),
            "unknown" => Ok(Self::Unknown { why: wire.why }),
            _ => Err(UnknownWord(wire.verdict)),
        }
    }
}

/// A verdict's word that is none of the three.
#[derive(Debug, thiserror::Error)]
#[error("a gate answers read, refused or unknown, not {0:?}")]
pub struct UnknownWord(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_keeps_its_contract_in_json_and_comes_back_the_same() {
        let rows = [
            (GateVerdict::read(), r#"{"verdict":"read","why":"only reads"}"#),
            (
                GateVerdict::Read { cautions: vec!["recursion without a limit".into()] },
                r#"{"verdict":"read","why":"only reads; recursion without a limit","cautions":["recursion without a limit"]}"#,
            ),
            (GateVerdict::refused("deletes rows"), r#"{"verdict":"refused","why":"deletes rows"}"#),
            (GateVerdict::unknown("function f"), r#"{"verdict":"unknown","why":"function f"}"#),
        ];
        for (verdict, json) in rows {
            assert_eq!(serde_json::to_string(&verdict).unwrap(), json);
            assert_eq!(serde_json::from_str::<GateVerdict>(json).unwrap(), verdict);
        }
    }

    #[test]
    fn only_a_read_may_be_sent() {
        assert!(GateVerdict::read().is_read());
        assert!(!GateVerdict::refused("x").is_read());
        assert!(!GateVerdict::unknown("x").is_read());
        assert!(serde_json::from_str::<GateVerdict>(r#"{"verdict":"perhaps","why":""}"#).is_err());
    }
}
