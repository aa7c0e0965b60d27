//! The load of a read: what it will cost the upstream (with provenance and an interval) and what it did
//! cost. Missing is [`LoadEstimate::not_estimable`], never 0. A quantity carries the *weakest* link of
//! the evidence behind it. Verdicts are made in [`judge()`] from the upper ends.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

mod judge;

pub use judge::{WINDOW_SECS, judge};

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the words are the contract of the headless face and say it all")]
pub enum Dim {
    RowsReturned,
    RowsExamined,
    BlocksDistinct,
    BlocksTouched,
    BytesServer,
    BytesWire,
    RoundTrips,
    Duration,
    Cpu,
    MemoryServer,
    TempBytes,
    Locks,
    SnapshotAge,
    WalRetained,
    CacheDisplaced,
    QuotaUnits,
    Money,
}

impl Dim {
    /// The unit of this dimension.
    pub fn unit(self) -> &'static str {
        match self {
            Self::RowsReturned | Self::RowsExamined => "rows",
            Self::BlocksDistinct | Self::BlocksTouched => "blocks",
            Self::BytesServer
            | Self::BytesWire
            | Self::MemoryServer
            | Self::TempBytes
            | Self::WalRetained
            | Self::CacheDisplaced => "bytes",
            Self::RoundTrips => "requests",
            Self::Duration | Self::Cpu | Self::SnapshotAge => "seconds",
            Self::Locks => "locks",
            Self::QuotaUnits => "units",
            Self::Money => "usd",
        }
    }

    /// The word of this dimension for a person.
    pub fn label(self) -> &'static str {
        match self {
            Self::RowsReturned => "rows returned",
            Self::RowsExamined => "rows examined",
            Self::BlocksDistinct => "distinct blocks",
            Self::BlocksTouched => "block touches",
            Self::BytesServer => "bytes read by the source",
            Self::BytesWire => "bytes to us",
            Self::RoundTrips => "round trips",
            Self::Duration => "duration",
            Self::Cpu => "cpu time",
            Self::MemoryServer => "memory at the source",
            Self::TempBytes => "temporary bytes",
            Self::Locks => "locks",
            Self::SnapshotAge => "snapshot held",
            Self::WalRetained => "log retained",
            Self::CacheDisplaced => "cache displaced",
            Self::QuotaUnits => "quota",
            Self::Money => "money",
        }
    }

    /// A value of this dimension for a person.
    pub fn value_text(self, value: f64) -> String {
        match self.unit() {
            "bytes" => super::units::bytes_text(value),
            "seconds" => super::units::seconds_text(value),
            "usd" => format!("{value:.4} USD"),
            unit => {
                let count = value.round().max(0.0) as u64;
                let unit = if count == 1 { unit.strip_suffix('s').unwrap_or(unit) } else { unit };
                format!("{} {unit}", super::units::count_text(count))
            }
        }
    }
}

/// How a number is known, strongest first; the variants' order is the order of trust.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "by")]
pub enum Provenance {
    /// From the protocol, a footer, a file size: no guess in it.
    Exact,
    /// From the source's catalogue or statistics, of this age in seconds (if known).
    Catalogued {
        /// Age of the statistics in seconds.
        age_secs: Option<u64>,
    },
    /// From the source's planner.
    Planned {
        /// Class of the plan, such as `full_scan` or `index_range`.
        class: String,
    },
    /// From a sample of this many units.
    Sampled {
        /// Units looked at.
        n: u64,
        /// How they were chosen.
        design: String,
    },
    /// From earlier actuals of the same shape.
    Learned {
        /// How many.
        k: u64,
    },
    /// Somebody declared it.
    Declared {
        /// Who: `connection`, `demo`, `class small`, ….
        who: String,
    },
    /// A rule of thumb.
    Guessed {
        /// Id of the rule.
        rule: String,
    },
}

impl Provenance {
    /// Lower is more to be trusted.
    pub fn rank(&self) -> u8 {
        match self {
            Self::Exact => 0,
            Self::Catalogued { .. } => 1,
            Self::Planned { .. } => 2,
            Self::Sampled { .. } => 3,
            Self::Learned { .. } => 4,
            Self::Declared { .. } => 5,
            Self::Guessed { .. } => 6,
        }
    }

    /// The weaker of two.
    #[must_use]
    pub fn weakest(self, other: Self) -> Self {
        if other.rank() > self.rank() { other } else { self }
    }

    /// A word for JSON summaries and badges.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Catalogued { .. } => "catalogued",
            Self::Planned { .. } => "planned",
            Self::Sampled { .. } => "sampled",
            Self::Learned { .. } => "learned",
            Self::Declared { .. } => "declared",
            Self::Guessed { .. } => "guessed",
        }
    }

    /// A phrase for a person.
    pub fn phrase(&self) -> String {
        match self {
            Self::Catalogued { age_secs: Some(0) } => "catalogued just now".to_owned(),
            Self::Catalogued { age_secs: Some(age) } => {
                format!("catalogued, {} old", super::units::age_text(std::time::Duration::from_secs(*age)))
            }
            Self::Catalogued { age_secs: None } => "catalogued, age unknown".to_owned(),
            Self::Planned { class } => format!("planned ({class})"),
            Self::Sampled { n, design } => format!("sampled (n = {n}, {design})"),
            Self::Learned { k } => format!("learned from {k} earlier reads"),
            Self::Declared { who } => format!("declared by {who}"),
            Self::Guessed { rule } => format!("guessed ({rule})"),
            Self::Exact => "exact".to_owned(),
        }
    }
}

/// Whether an upper end can be exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UpperEnd {
    /// Enforced or structurally impossible to exceed.
    Hard,
    /// An estimate: may be exceeded.
    Soft,
}

/// An interval in one dimension. `lo ≤ mid ≤ hi`, in [`Dim::unit`]s.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quantity {
    /// What is counted.
    pub dim: Dim,
    /// Lower end.
    pub lo: f64,
    /// Best guess.
    pub mid: f64,
    /// Upper end.
    pub hi: f64,
    /// Probability that the interval is meant to hold with.
    pub level: f64,
    /// Whether `hi` can be exceeded.
    pub upper: UpperEnd,
    /// The weakest link of the evidence.
    pub provenance: Provenance,
    /// The evidence in words: a plan line, a statistics table, a file size.
    pub source: String,
    /// When the evidence was made.
    pub as_of: Option<Timestamp>,
}

impl Quantity {
    /// An exact number.
    pub fn exact(dim: Dim, value: f64, source: impl Into<String>) -> Self {
        Self {
            dim,
            lo: value,
            mid: value,
            hi: value,
            level: 1.0,
            upper: UpperEnd::Hard,
            provenance: Provenance::Exact,
            source: source.into(),
            as_of: Some(Timestamp::now()),
        }
    }

    /// A 90 % interval with a soft upper end; ends are put in order.
    pub fn between(
        dim: Dim,
        lo: f64,
        mid: f64,
        hi: f64,
        provenance: Provenance,
        source: impl Into<String>,
    ) -> Self {
        let lo = lo.min(mid).max(0.0);
        let hi = hi.max(mid);
        Self {
            dim,
            lo,
            mid: mid.max(0.0),
            hi,
            level: 0.9,
            upper: UpperEnd::Soft,
            provenance,
            source: source.into(),
            as_of: None,
        }
    }

    /// With a hard upper end: everything is cut to `limit`.
    #[must_use]
    pub fn capped(mut self, limit: f64) -> Self {
        if limit < self.hi {
            self.hi = limit;
            self.mid = self.mid.min(limit);
            self.lo = self.lo.min(limit);
            self.upper = UpperEnd::Hard;
        }
        self
    }
}

/// How intrusive a read is: I0 leaves no trace … I5 destroys or takes from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Intrusiveness {
    /// Leaves no trace beyond the reading itself.
    I0,
    /// Shows in statistics, access times or caches.
    I1,
    /// Holds a shared lock, a snapshot or a cursor while it runs.
    I2,
    /// Leaves state for a while that cleans itself up.
    I3,
    /// Leaves state that somebody must clean up, or delays others.
    I4,
    /// Takes, changes or destroys something.
    I5,
}

/// A side effect of a read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// How intrusive.
    pub intrusiveness: Intrusiveness,
    /// What happens.
    pub what: String,
    /// Who can notice.
    pub who_notices: String,
    /// Whether it undoes itself, in words.
    pub reversible: String,
    /// What is done to clean it up, in words.
    pub cleanup: String,
}

/// Who stops a read at a cap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EnforcedBy {
    /// The source itself.
    Server,
    /// Headwater.
    Client,
    /// Both.
    Both,
    /// Nobody: only shown.
    None,
}

/// A limit of this read and who enforces it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cap {
    /// What is limited.
    pub dim: Dim,
    /// The limit in the dimension's unit.
    pub limit: f64,
    /// Who stops at it. A client cap does not bound the server's work.
    pub enforced_by: EnforcedBy,
}

/// What an upstream can bear, as far as known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Capacity {
    /// Bytes per second its storage reads.
    pub disk_bytes_per_sec: f64,
    /// Bytes per second between it and us.
    pub link_bytes_per_sec: f64,
    /// Cores.
    pub cores: f64,
    /// Bytes of its cache.
    pub cache_bytes: f64,
    /// Requests per second it serves without strain.
    pub requests_per_sec: f64,
    /// How this is known.
    pub provenance: Provenance,
}

/// Five levels and unknown; the words are the same in code, window, headless face and ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nobody will notice.
    Negligible,
    /// Runs, and says so.
    Light,
    /// Runs with caps; the cheaper way is offered first.
    Noticeable,
    /// Needs a reason.
    Heavy,
    /// Needs the object's name typed and a reason.
    Dangerous,
    /// The upper end is not estimable on an unbounded object.
    Unknown,
}

impl Verdict {
    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Negligible => "negligible",
            Self::Light => "light",
            Self::Noticeable => "noticeable",
            Self::Heavy => "heavy",
            Self::Dangerous => "dangerous",
            Self::Unknown => "unknown",
        }
    }

    /// The word read back.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Negligible, Self::Light, Self::Noticeable, Self::Heavy, Self::Dangerous, Self::Unknown]
            .into_iter()
            .find(|verdict| verdict.word() == word)
    }
}

/// What a read will cost, before it runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoadEstimate {
    /// Intervals, at most one a dimension.
    pub quantities: Vec<Quantity>,
    /// Side effects.
    pub effects: Vec<Effect>,
    /// Limits that hold.
    pub caps: Vec<Cap>,
    /// What the upstream can bear.
    pub capacity: Capacity,
    /// Dimensions that matter here and could not be estimated.
    pub not_estimable: Vec<Dim>,
    /// What was assumed, in words.
    pub assumptions: Vec<String>,
    /// The verdict at the upper ends.
    pub verdict: Verdict,
    /// The verdict at the best guesses, if it differs from that at the upper ends by two levels or more:
    /// "light (expected), heavy (if the estimate is wrong)".
    pub verdict_expected: Verdict,
    /// The reasons of the verdict, most weighty first, at most three.
    pub reasons: Vec<String>,
    /// What estimating itself cost.
    pub cost_of_estimating: LoadActual,
}

impl LoadEstimate {
    /// An estimate without quantities over a capacity; the connector adds, then calls [`judge()`].
    pub fn over(capacity: Capacity) -> Self {
        Self {
            quantities: Vec::new(),
            effects: Vec::new(),
            caps: Vec::new(),
            capacity,
            not_estimable: Vec::new(),
            assumptions: Vec::new(),
            verdict: Verdict::Unknown,
            verdict_expected: Verdict::Unknown,
            reasons: Vec::new(),
            cost_of_estimating: LoadActual::default(),
        }
    }

    /// The quantity of a dimension.
    pub fn quantity(&self, dim: Dim) -> Option<&Quantity> {
        self.quantities.iter().find(|quantity| quantity.dim == dim)
    }

    /// Adds a quantity, replacing an earlier one of its dimension.
    pub fn set(&mut self, quantity: Quantity) {
        self.quantities.retain(|known| known.dim != quantity.dim);
        self.quantities.push(quantity);
    }
}

/// Whether a measured number is all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Coverage {
    /// All of it was counted.
    Full,
    /// At least this much.
    LowerBound,
}

/// A measured number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// What was counted.
    pub dim: Dim,
    /// How much, in the dimension's unit.
    pub value: f64,
    /// By whom: the server's counter by name, our socket, our clock.
    pub how_measured: String,
    /// Whether it is all of it.
    pub coverage: Coverage,
}

/// What a read did cost.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LoadActual {
    /// The measured numbers, at most one a dimension.
    pub values: Vec<Measured>,
}

impl LoadActual {
    /// The value of a dimension.
    pub fn value(&self, dim: Dim) -> Option<f64> {
        self.values.iter().find(|measured| measured.dim == dim).map(|measured| measured.value)
    }

    /// Adds `value` to a dimension.
    pub fn add(&mut self, dim: Dim, value: f64, how_measured: &str, coverage: Coverage) {
        if let Some(known) = self.values.iter_mut().find(|known| known.dim == dim) {
            known.value += value;
            if coverage == Coverage::LowerBound {
                known.coverage = coverage;
            }
        } else {
            self.values.push(Measured { dim, value, how_measured: how_measured.to_owned(), coverage });
        }
    }

    /// Adds everything of `other`.
    pub fn merge(&mut self, other: &Self) {
        for measured in &other.values {
            self.add(measured.dim, measured.value, &measured.how_measured, measured.coverage);
        }
    }

    /// Marks every value as a lower bound: the read did not end by itself.
    pub fn mark_lower_bound(&mut self) {
        for measured in &mut self.values {
            measured.coverage = Coverage::LowerBound;
        }
    }
}
