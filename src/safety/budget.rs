//! Counted limits: bytes, rows, depth, milliseconds, requests.
//!
//! A [`Budget`] says how much may be spent; a [`Spend`] counts and refuses what would go beyond. A charge
//! that does not fit changes nothing, so the total never exceeds the limit, not even by one. No clocks are
//! read here: whoever measures time charges it.
//!
//! [`BudgetReader`] puts a limit on the *output* of a decompressor. A ratio would not do: a small file with
//! an ordinary ratio can still fill the memory.

use std::fmt;
use std::io::{self, Read};

use serde::{Deserialize, Serialize};

/// What a budget counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dim {
    /// Bytes taken in or given out.
    Bytes,
    /// Rows, documents or messages.
    Rows,
    /// Nesting; the deepest level reached, not a sum.
    Depth,
    /// Milliseconds as the charger measured them.
    Millis,
    /// Requests or statements sent.
    Requests,
}

impl Dim {
    /// All dimensions, in the order of declaration.
    pub const ALL: [Self; 5] = [Self::Bytes, Self::Rows, Self::Depth, Self::Millis, Self::Requests];

    /// The unit in words, for messages.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::Rows => "rows",
            Self::Depth => "levels",
            Self::Millis => "ms",
            Self::Requests => "requests",
        }
    }
}

impl fmt::Display for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.unit())
    }
}

/// Limits; an absent one does not bound.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Budget {
    /// Most bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Most rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// Deepest level.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub depth: Option<u64>,
    /// Most milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub millis: Option<u64>,
    /// Most requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests: Option<u64>,
}

impl Budget {
    /// No limit at all.
    pub const UNLIMITED: Self = Self { bytes: None, rows: None, depth: None, millis: None, requests: None };

    /// The limit of one dimension.
    pub fn limit(&self, dim: Dim) -> Option<u64> {
        match dim {
            Dim::Bytes => self.bytes,
            Dim::Rows => self.rows,
            Dim::Depth => self.depth,
            Dim::Millis => self.millis,
            Dim::Requests => self.requests,
        }
    }

    /// The same budget with one limit set.
    #[must_use]
    pub fn with(mut self, dim: Dim, limit: u64) -> Self {
        *self.slot(dim) = Some(limit);
        self
    }

    /// The tighter of two budgets, dimension by dimension.
    #[must_use]
    pub fn tighter(self, other: Self) -> Self {
        self.combine(other, |mine, theirs| match (mine, theirs) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (one, None) | (None, one) => one,
        })
    }

    /// This budget, with the other's limits where this one has none.
    #[must_use]
    pub fn or(self, defaults: Self) -> Self {
        self.combine(defaults, Option::or)
    }

    fn combine(self, other: Self, pick: impl Fn(Option<u64>, Option<u64>) -> Option<u64>) -> Self {
        let mut combined = Self::UNLIMITED;
        for dim in Dim::ALL {
            *combined.slot(dim) = pick(self.limit(dim), other.limit(dim));
        }
        combined
    }

    fn slot(&mut self, dim: Dim) -> &mut Option<u64> {
        match dim {
            Dim::Bytes => &mut self.bytes,
            Dim::Rows => &mut self.rows,
            Dim::Depth => &mut self.depth,
            Dim::Millis => &mut self.millis,
            Dim::Requests => &mut self.requests,
        }
    }
}

/// A budget was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the budget of {limit} {dim} is used up")]
pub struct Exhausted {
    /// Which limit.
    pub dim: Dim,
    /// Its value.
    pub limit: u64,
}

/// Counts against a budget.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spend {
    budget: Budget,
    used: [u64; Dim::ALL.len()],
}

impl Spend {
    /// Nothing spent yet.
    pub fn new(budget: Budget) -> Self {
        Self { budget, used: [0; Dim::ALL.len()] }
    }

    /// Counts `amount`, or changes nothing and says which limit is in the way. For [`Dim::Depth`] the amount
    /// is the level reached.
    pub fn charge(&mut self, dim: Dim, amount: u64) -> Result<(), Exhausted> {
        let total = self.after(dim, amount);
        match self.budget.limit(dim) {
            Some(limit) if total > limit => Err(Exhausted { dim, limit }),
            _ => {
                self.used[dim as usize] = total;
                Ok(())
            }
        }
    }

    /// Counts as much of `wanted` as still fits and returns it.
    pub fn grant(&mut self, dim: Dim, wanted: u64) -> u64 {
        let granted = self.left(dim).map_or(wanted, |left| wanted.min(left));
        self.used[dim as usize] = self.after(dim, granted);
        granted
    }

    /// Spent so far.
    pub fn used(&self, dim: Dim) -> u64 {
        self.used[dim as usize]
    }

    /// Still to spend; `None` where nothing bounds. For [`Dim::Depth`] the limit itself: depth is not used up.
    pub fn left(&self, dim: Dim) -> Option<u64> {
        let limit = self.budget.limit(dim)?;
        Some(if dim == Dim::Depth { limit } else { limit.saturating_sub(self.used(dim)) })
    }

    /// The rest as a budget of its own, for the next page or the next step.
    pub fn rest(&self) -> Budget {
        let mut rest = Budget::UNLIMITED;
        for dim in Dim::ALL {
            *rest.slot(dim) = self.left(dim);
        }
        rest
    }

    /// The limits this spend counts against.
    pub fn budget(&self) -> Budget {
        self.budget
    }

    fn after(&self, dim: Dim, amount: u64) -> u64 {
        if dim == Dim::Depth { self.used(dim).max(amount) } else { self.used(dim).saturating_add(amount) }
    }
}

/// Gives out at most `limit` bytes of the inner reader, then an error instead of an early end: a cut that
/// looks like the end of the data would be a silent loss.
#[derive(Debug)]
pub struct BudgetReader<R> {
    inner: R,
    limit: u64,
    given: u64,
    overrun: bool,
}

impl<R: Read> BudgetReader<R> {
    /// At most `limit_bytes` bytes.
    pub fn new(inner: R, limit_bytes: u64) -> Self {
        Self { inner, limit: limit_bytes, given: 0, overrun: false }
    }

    /// Bytes given out so far.
    pub fn given(&self) -> u64 {
        self.given
    }

    /// The inner reader, wherever it stands.
    pub fn into_inner(self) -> R {
        self.inner
    }
}

impl<R: Read> Read for BudgetReader<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        let left = self.limit.saturating_sub(self.given);
        if left == 0 {
            // Exactly used up is fine if nothing follows; once overrun, always an error.
            self.overrun = self.overrun || self.inner.read(&mut [0])? > 0;
            if !self.overrun {
                return Ok(0);
            }
            return Err(io::Error::other(Exhausted { dim: Dim::Bytes, limit: self.limit }));
        }
        let room = usize::try_from(left).unwrap_or(usize::MAX).min(buf.len());
        let count = self.inner.read(&mut buf[..room])?;
        self.given += count as u64;
        Ok(count)
    }
}

/// Whether an I/O error is a [`BudgetReader`]'s limit, and which.
pub fn exhausted(error: &io::Error) -> Option<Exhausted> {
    error.get_ref()?.downcast_ref::<Exhausted>().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_charge_fits_or_changes_nothing() {
        let rows: &[(Dim, Option<u64>, &[u64], u64)] = &[
            (Dim::Bytes, Some(10), &[4, 6], 10),
            (Dim::Bytes, Some(10), &[4, 7], 4),
            (Dim::Bytes, Some(10), &[11, 3], 3),
            (Dim::Rows, Some(0), &[0], 0),
            (Dim::Rows, Some(0), &[1], 0),
            (Dim::Rows, None, &[u64::MAX, 5], u64::MAX),
            (Dim::Requests, Some(u64::MAX), &[u64::MAX, u64::MAX], u64::MAX),
            (Dim::Depth, Some(3), &[1, 2, 3, 1, 3], 3),
            (Dim::Depth, Some(3), &[2, 4], 2),
            (Dim::Millis, Some(5), &[1, 1, 1, 1, 1, 1], 5),
        ];
        for &(dim, limit, charges, expected) in rows {
            let budget = limit.map_or(Budget::UNLIMITED, |limit| Budget::default().with(dim, limit));
            let mut spend = Spend::new(budget);
            for &amount in charges {
                let before = spend;
                if let Err(error) = spend.charge(dim, amount) {
                    assert_eq!(spend, before, "a refused charge changed something");
                    assert_eq!(Some(error.limit), limit);
                    assert_eq!(error.dim, dim);
                }
                assert!(spend.left(dim).is_none() || spend.used(dim) <= limit.unwrap());
            }
            assert_eq!(spend.used(dim), expected, "{dim:?} {limit:?} {charges:?}");
        }
    }

    #[test]
    fn a_grant_gives_what_still_fits() {
        let mut spend = Spend::new(Budget::default().with(Dim::Rows, 10));
        assert_eq!(spend.grant(Dim::Rows, 7), 7);
        assert_eq!(spend.grant(Dim::Rows, 7), 3);
        assert_eq!(spend.grant(Dim::Rows, 7), 0);
        assert_eq!(spend.rest().rows, Some(0));
        assert_eq!(spend.grant(Dim::Bytes, 99), 99);
        assert_eq!(spend.rest().bytes, None);
    }

    #[test]
    fn budgets_combine_dimension_by_dimension() {
        let one = Budget::default().with(Dim::Bytes, 10).with(Dim::Rows, 5);
        let other = Budget::default().with(Dim::Bytes, 3).with(Dim::Millis, 7);
        let tighter = Budget { bytes: Some(3), rows: Some(5), millis: Some(7), ..Budget::UNLIMITED };
        assert_eq!(one.tighter(other), tighter);
        assert_eq!(other.tighter(one), tighter);
        assert_eq!(one.or(other), Budget { bytes: Some(10), ..tighter });
        assert_eq!(one.tighter(Budget::UNLIMITED), one);
    }

    #[test]
    fn a_budget_is_written_without_its_absent_limits() {
        let budget = Budget::default().with(Dim::Rows, 5);
        assert_eq!(serde_json::to_string(&budget).unwrap(), r#"{"rows":5}"#);
        assert_eq!(serde_json::from_str::<Budget>("{}").unwrap(), Budget::UNLIMITED);
    }

    /// Gives one byte at a time, as a decompressor may.
    struct Drip<'a>(&'a [u8]);

    impl Read for Drip<'_> {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            let room = buf.len().min(1);
            self.0.read(&mut buf[..room])
        }
    }

    #[test]
    fn a_reader_gives_its_limit_and_then_says_so() {
        for (length, limit, fits) in
            [(0, 0, true), (1, 0, false), (5, 5, true), (5, 6, true), (6, 5, false), (100_000, 99_999, false)]
        {
            let data = vec![7u8; length];
            for drip in [false, true] {
                let inner: Box<dyn Read> = if drip { Box::new(Drip(&data)) } else { Box::new(&data[..]) };
                let mut reader = BudgetReader::new(inner, limit);
                let mut out = Vec::new();
                let end = reader.read_to_end(&mut out);
                assert_eq!(end.is_ok(), fits, "{length} of {limit}");
                assert_eq!(out.len() as u64, limit.min(length as u64));
                assert_eq!(reader.given(), out.len() as u64);
                if let Err(error) = end {
                    assert_eq!(exhausted(&error), Some(Exhausted { dim: Dim::Bytes, limit }));
                    assert!(reader.read(&mut [0; 4]).is_err(), "the error does not go away");
                }
            }
        }
    }

    #[test]
    fn other_errors_are_not_mistaken_for_the_limit() {
        assert_eq!(exhausted(&io::Error::other("disk")), None);
        assert_eq!(exhausted(&io::Error::from(io::ErrorKind::UnexpectedEof)), None);
    }
}
