//! What one session may take of an upstream, as it is typed into a form.

use std::collections::BTreeMap;

use crate::model::read::Bound;
use crate::model::units::{bytes_text, parse_bytes};

/// What a budget limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Limited {
    /// Rows returned.
    Rows,
    /// Bytes read.
    Bytes,
    /// Seconds of work.
    Seconds,
    /// Statements or requests.
    Requests,
}

impl Limited {
    /// All, in the order of the form.
    pub const ALL: [Self; 4] = [Self::Rows, Self::Bytes, Self::Seconds, Self::Requests];

    /// Its field's name.
    pub fn label(self) -> &'static str {
        match self {
            Self::Rows => "Rows",
            Self::Bytes => "Bytes",
            Self::Seconds => "Seconds",
            Self::Requests => "Requests",
        }
    }

    /// What may be typed.
    pub fn example(self) -> &'static str {
        match self {
            Self::Rows => "100000",
            Self::Bytes => "64 MiB",
            Self::Seconds => "60",
            Self::Requests => "200",
        }
    }
}

/// A budget as typed; what is empty is no limit.
pub type Typed = BTreeMap<Limited, String>;

/// The budget as it is typed.
pub fn typed(budget: Bound) -> Typed {
    let text = |limited| match limited {
        Limited::Rows => budget.rows.map(|rows| rows.to_string()),
        Limited::Bytes => budget.bytes.map(exact_bytes),
        Limited::Seconds => budget.seconds.map(|seconds| seconds.to_string()),
        Limited::Requests => budget.requests.map(|requests| requests.to_string()),
    };
    Limited::ALL.into_iter().filter_map(|limited| Some((limited, text(limited)?))).collect()
}

/// In the largest unit that loses nothing.
fn exact_bytes(bytes: u64) -> String {
    let short = bytes_text(bytes as f64);
    if parse_bytes(&short) == Some(bytes) { short } else { bytes.to_string() }
}

/// The budget that was typed, and why single limits of it are none.
pub fn read(typed: &Typed) -> (Bound, Vec<(Limited, String)>) {
    let (mut budget, mut wrong) = (Bound::default(), Vec::new());
    for (&limited, text) in typed {
        let text = text.trim();
        if text.is_empty() {
            continue;
        }
        // Thousands are often typed in groups.
        let digits = text.replace([' ', '\u{a0}', '_'], "");
        let count = digits.parse::<u64>().ok().filter(|count| *count > 0);
        let (fits, asked) = match limited {
            Limited::Rows => {
                budget.rows = count;
                (count.is_some(), "give a whole number above 0")
            }
            Limited::Requests => {
                budget.requests = count;
                (count.is_some(), "give a whole number above 0")
            }
            Limited::Bytes => {
                budget.bytes = parse_bytes(text).filter(|bytes| *bytes > 0);
                (budget.bytes.is_some(), "give a size above 0, such as 64 MiB or 5000000")
            }
            Limited::Seconds => {
                let seconds = text.parse::<f64>().ok();
                budget.seconds = seconds.filter(|seconds| seconds.is_finite() && *seconds > 0.0);
                (budget.seconds.is_some(), "give a number of seconds above 0, such as 30 or 0.5")
            }
        };
        if !fits {
            wrong.push((limited, asked.to_owned()));
        }
    }
    (budget, wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_as_people_type_them_and_come_back_the_same() {
        for (limited, text, expected) in [
            (Limited::Rows, "5 000", Bound { rows: Some(5_000), ..Bound::default() }),
            (Limited::Bytes, "640 KiB", Bound { bytes: Some(655_360), ..Bound::default() }),
            (Limited::Bytes, "1000001", Bound { bytes: Some(1_000_001), ..Bound::default() }),
            (Limited::Seconds, " 0.5 ", Bound { seconds: Some(0.5), ..Bound::default() }),
            (Limited::Requests, "200", Bound { requests: Some(200), ..Bound::default() }),
            (Limited::Rows, "", Bound::default()),
        ] {
            let (budget, wrong) = read(&Typed::from([(limited, text.to_owned())]));
            assert_eq!((budget, wrong), (expected, Vec::new()), "{text}");
            assert_eq!(read(&typed(budget)).0, budget, "{text}");
        }
    }

    #[test]
    fn what_is_no_limit_is_said_of_its_own_field() {
        for (limited, text) in [
            (Limited::Rows, "0"),
            (Limited::Rows, "many"),
            (Limited::Bytes, "3 parsecs"),
            (Limited::Seconds, "-1"),
            (Limited::Seconds, "inf"),
            (Limited::Requests, "1.5"),
        ] {
            let (budget, wrong) = read(&Typed::from([(limited, text.to_owned())]));
            assert_eq!(budget, Bound::default(), "{text}");
            assert_eq!(wrong.iter().map(|(about, _)| *about).collect::<Vec<_>>(), [limited], "{text}");
        }
    }
}
