//! Least, best guess and most of a number that is estimated.

/// Least, best guess, most.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Span3 {
    /// Least.
    pub lo: f64,
    /// Best guess.
    pub mid: f64,
    /// Most.
    pub hi: f64,
}

impl Span3 {
    /// Nothing.
    pub const ZERO: Self = Self { lo: 0.0, mid: 0.0, hi: 0.0 };

    /// The same three times.
    pub fn one(value: f64) -> Self {
        Self { lo: value, mid: value, hi: value }
    }

    /// Ends put in order.
    pub fn of(lo: f64, mid: f64, hi: f64) -> Self {
        Self { lo: lo.min(mid), mid, hi: hi.max(mid) }
    }

    /// Multiplied.
    #[must_use]
    pub fn times(self, by: f64) -> Self {
        Self { lo: self.lo * by, mid: self.mid * by, hi: self.hi * by }
    }

    /// Multiplied end by end.
    #[must_use]
    pub fn by(self, other: Self) -> Self {
        Self { lo: self.lo * other.lo, mid: self.mid * other.mid, hi: self.hi * other.hi }
    }

    /// Added end by end.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self { lo: self.lo + other.lo, mid: self.mid + other.mid, hi: self.hi + other.hi }
    }

    /// Cut at `most`.
    #[must_use]
    pub fn at_most(self, most: f64) -> Self {
        Self { lo: self.lo.min(most), mid: self.mid.min(most), hi: self.hi.min(most) }
    }

    /// Not below `least`.
    #[must_use]
    pub fn at_least(self, least: f64) -> Self {
        Self { lo: self.lo.max(least), mid: self.mid.max(least), hi: self.hi.max(least) }
    }
}
