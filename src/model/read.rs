//! What a read asks ([`ReadSpec`]) and how a source will do it ([`ReadPlan`]). A plan holds the exact
//! statements or requests, shown verbatim before anything runs; its bounds hold in the plan *and* in the
//! sink.

use serde::{Deserialize, Serialize};

use super::ability::{Pushdown, Support};
use super::cell::Cell;
use super::command::EntryId;
use super::filter::Filter;
use super::node::NodePath;
use super::schema::Schema;

/// How deep a profile goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProfileLevel {
    /// Only what the catalogue, header or footer already knows.
    Catalog,
    /// The first rows.
    Head,
    /// A sample, with its error.
    Sample,
    /// One bounded pass over everything.
    Scan,
}

impl ProfileLevel {
    /// All levels, cheapest first.
    pub const ALL: [Self; 4] = [Self::Catalog, Self::Head, Self::Sample, Self::Scan];

    /// The word used everywhere.
    pub fn word(self) -> &'static str {
        match self {
            Self::Catalog => "catalog",
            Self::Head => "head",
            Self::Sample => "sample",
            Self::Scan => "scan",
        }
    }
}

/// What a read wants back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Want {
    /// Rows.
    #[default]
    Rows,
    /// Column states of a profile (sources that profile natively), else rows for the profiler.
    Profile(ProfileLevel),
}

/// Limits of a read; none = no limit of that kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Bound {
    /// Rows returned.
    pub rows: Option<u64>,
    /// Bytes received from the source (file bytes for files).
    pub bytes: Option<u64>,
    /// Seconds.
    pub seconds: Option<f64>,
    /// Statements or requests.
    pub requests: Option<u64>,
}

impl Bound {
    /// At most these rows.
    pub fn rows(rows: u64) -> Self {
        Self { rows: Some(rows), ..Self::default() }
    }

    /// The narrower of two bounds, dimension by dimension.
    #[must_use]
    pub fn tightest(self, other: Self) -> Self {
        fn least<T: PartialOrd>(a: Option<T>, b: Option<T>) -> Option<T> {
            match (a, b) {
                (Some(a), Some(b)) => Some(if b < a { b } else { a }),
                (a, b) => a.or(b),
            }
        }
        Self {
            rows: least(self.rows, other.rows),
            bytes: least(self.bytes, other.bytes),
            seconds: least(self.seconds, other.seconds),
            requests: least(self.requests, other.requests),
        }
    }
}

/// Direction of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Smallest first.
    Ascending,
    /// Largest first.
    Descending,
}

/// Order by one column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderBy {
    /// The column.
    pub column: String,
    /// The direction.
    pub direction: Direction,
}

/// How a sample is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SampleMethod {
    /// The cheapest honest one the source has.
    #[default]
    Auto,
    /// The first rows: not representative, said so.
    Head,
    /// Whole blocks or windows, spread.
    Block,
    /// Every row with equal probability (a scan at most sources).
    Row,
    /// Random rows in random order.
    Random,
    /// Random positions of an ordered key.
    Keyset,
}

impl SampleMethod {
    /// The word used everywhere.
    pub fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Head => "head",
            Self::Block => "block",
            Self::Row => "row",
            Self::Random => "random",
            Self::Keyset => "keyset",
        }
    }
}

/// How many rows a sample shall have.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SampleSize {
    /// This many rows.
    Rows(u64),
    /// This share of all rows, 0–100.
    Percent(f64),
}

/// A sample.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// How many rows.
    pub size: SampleSize,
    /// How they are chosen.
    pub method: SampleMethod,
}

/// Where a further page goes on. Opaque to all but the connector that made it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "by", content = "at")]
pub enum Continuation {
    /// After these values of the paging key, in key order.
    Keyset(Vec<Cell>),
    /// From this row on.
    Row(u64),
    /// From this byte on.
    Byte(u64),
    /// The upstream's own token.
    Token(String),
}

/// What a read asks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReadSpec {
    /// The node; ignored if `query` is given.
    pub node: NodePath,
    /// Rows or a profile.
    pub want: Want,
    /// These columns in this order; none = all.
    pub columns: Option<Vec<String>>,
    /// Only rows for which this holds.
    pub filter: Option<Filter>,
    /// In this order; empty = the source's own.
    pub order: Vec<OrderBy>,
    /// A sample instead of all rows.
    pub sample: Option<Sample>,
    /// A statement in the source's own language; passes the gate.
    pub query: Option<String>,
    /// Limits.
    pub bound: Bound,
    /// Seed of everything random.
    pub seed: u64,
    /// Go on where an earlier page ended.
    pub continuation: Option<Continuation>,
}

impl ReadSpec {
    /// Rows of the default preview.
    pub const PREVIEW_ROWS: u64 = 200;

    /// The columns a statement gives: the asked ones (none = those in sight), then those needed to finish in the
    /// fetched rows what the source does not do itself.
    pub fn columns_read<'a>(
        &self,
        pushdown: Pushdown,
        in_sight: impl Iterator<Item = &'a str>,
    ) -> Vec<String> {
        let mut read = match &self.columns {
            Some(names) => names.clone(),
            None => in_sight.map(str::to_owned).collect(),
        };
        let mut need = |name: &str| {
            if !read.iter().any(|known| known == name) {
                read.push(name.to_owned());
            }
        };
        if let Some(filter) = self.filter.as_ref().filter(|_| pushdown.filter != Support::Exact) {
            filter.columns().into_iter().for_each(&mut need);
        }
        if pushdown.order != Support::Exact {
            self.order.iter().for_each(|by| need(&by.column));
        }
        read
    }

    /// Rows a profile of the first rows looks at, and rows a sampled profile draws, unless the spec says otherwise.
    pub const PROFILE_ROWS: u64 = 10_000;

    /// With the choices that a profile leaves open made as everywhere: as many first rows, or a sample as large.
    #[must_use]
    pub fn with_profile_defaults(mut self) -> Self {
        let rows = self.bound.rows.unwrap_or(Self::PROFILE_ROWS);
        match self.want {
            Want::Profile(ProfileLevel::Head) => self.bound = self.bound.tightest(Bound::rows(rows)),
            Want::Profile(ProfileLevel::Sample) if self.sample.is_none() => {
                self.sample = Some(Sample { size: SampleSize::Rows(rows), method: SampleMethod::Auto });
            }
            _ => {}
        }
        self
    }

    /// The default preview of a node.
    pub fn preview(node: NodePath) -> Self {
        Self {
            node,
            want: Want::Rows,
            columns: None,
            filter: None,
            order: Vec::new(),
            sample: None,
            query: None,
            bound: Bound::rows(Self::PREVIEW_ROWS),
            seed: 0,
            continuation: None,
        }
    }

    /// A profile of a node.
    pub fn profile(node: NodePath, level: ProfileLevel) -> Self {
        Self { want: Want::Profile(level), bound: Bound::default(), ..Self::preview(node) }
    }
}

/// What a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// A statement in the source's language.
    Statement,
    /// A request of a protocol.
    Request,
    /// A read of a file.
    File,
    /// A request sent page after page: what stands in `{braces}` is filled anew for each page, because only
    /// the page before tells it (cursors, tokens, offsets).
    Pages,
}

/// One thing that will be sent, verbatim.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// The entry of the connector's command table.
    pub entry: EntryId,
    /// The exact text.
    pub text: String,
    /// Values bound to its parameters, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub binds: Vec<Cell>,
    /// What it is.
    pub kind: StepKind,
}

impl Step {
    /// Whether something in it is still open.
    pub fn is_open(&self) -> bool {
        self.kind == StepKind::Pages
    }

    /// Whether a text sent under an entry is this step, or one page of it.
    pub fn covers(&self, entry: &EntryId, sent: &str) -> bool {
        self.entry == *entry
            && match self.kind {
                StepKind::Pages => super::command::fills(&self.text, sent),
                StepKind::Statement | StepKind::Request | StepKind::File => self.text == sent,
            }
    }
}

/// How a source will do a read. Nothing but planning was sent to make it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReadPlan {
    /// What was asked, with every choice made (`Auto` resolved, bounds tightened).
    pub spec: ReadSpec,
    /// The steps in order.
    pub steps: Vec<Step>,
    /// The bounds that hold.
    pub bounds: Bound,
    /// Which parts of the spec the source does itself; the rest is done in the fetched rows.
    pub pushdown: Pushdown,
    /// Columns of the result, if known before reading.
    pub schema: Option<Schema>,
    /// What the gate said of the query text.
    pub gate: Option<super::gate::GateVerdict>,
    /// How rows are chosen, in words for the manifest: "first 200 rows in primary-key order".
    pub method: String,
    /// What the reader must know: "not representative", "filtered in the fetched rows", ….
    pub remarks: Vec<String>,
}

/// Why a read may run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "by")]
pub enum Approval {
    /// The policy found it cheap enough.
    Policy,
    /// Somebody gave a reason.
    Override {
        /// The reason, as typed.
        reason: String,
    },
    /// A hard-capped look that an estimate needs.
    Probe,
}

/// How a read ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadEnd {
    /// Everything asked for was read.
    Complete,
    /// A bound was reached and there may be more.
    Bounded,
    /// The sink wanted no more.
    Enough,
}

/// What a source reports after a read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReadOutcome {
    /// How it ended.
    pub end: ReadEnd,
    /// Where to go on, if there is more.
    pub continuation: Option<Continuation>,
    /// What it did cost.
    pub actual: super::load::LoadActual,
}
