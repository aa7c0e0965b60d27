//! A source in memory, configured by a test: its tables, its pace, what it does itself, and the ways in
//! which it misbehaves.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use crate::connector::{Connector, Credentials, Source};
use crate::job::CallCtx;
use crate::model::ability::{Abilities, CancelReach, CostClass, Pushdown, Support};
use crate::model::card::{Card, Family, FieldKind, Form, FormField, Need};
use crate::model::cell::Cell;
use crate::model::command::{CommandEntry, EntryId};
use crate::model::connection::Connection;
use crate::model::load::Intrusiveness;
use crate::model::node::NodePath;
use crate::model::schema::Schema;
use crate::model::{Error, ErrorKind, Result};

mod source;

pub(super) use source::FakeSource;

/// A way to misbehave; each fails a check of the suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are sentences")]
pub enum Fault {
    ListsANodeTwice,
    ForgetsTheLastNode,
    ListsMoreThanAPage,
    ListsAbsentNodes,
    DescribesAbsentNodes,
    PlansAbsentNodes,
    ForgetsColumnsInDescribe,
    ReadsWhilePlanning,
    PlansWhatItDoesNotSend,
    ForgetsTheBoundInThePlan,
    EstimatesNothing,
    EstimatesTooLittle,
    ScansToEstimate,
    IgnoresTheRowBound,
    MetersNothing,
    SaysCompleteAtABound,
    IgnoresCancel,
    ForgetsTheCancelHook,
    HoldsAllRowsBack,
    LeavesStatementsOpen,
    SendsUnlistedStatements,
    IgnoresTheRecorder,
    WritesUpstream,
    RoundsDecimals,
    MixesUpTypes,
    RepeatsARowOnTheNextPage,
    SkipsARowOnTheNextPage,
    RefusesProfilesWithoutAWord,
    CallsEveryErrorUnexpected,
    AcceptsUnknownColumns,
    FiltersWrongly,
    HangsOnDescribe,
}

/// How fast it answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pace {
    /// At once.
    #[default]
    Prompt,
    /// After this long for every call and batch.
    Slow(Duration),
    /// Never after this many rows of a read: until it is cancelled.
    HangsAfter(u64),
}

/// A table of a fake.
#[derive(Clone, Debug)]
pub struct FakeTable {
    /// Where it is.
    pub path: NodePath,
    /// Its columns.
    pub schema: Arc<Schema>,
    /// Its rows.
    pub rows: Arc<Vec<Vec<Cell>>>,
}

/// What the upstream of a fake saw.
#[derive(Debug, Default)]
pub(super) struct Upstream {
    pub(super) writes: AtomicU64,
    pub(super) cancels: AtomicU64,
    pub(super) sent: Mutex<Vec<String>>,
}

/// A source in memory.
#[derive(Clone, Debug)]
pub struct Fake {
    pub(super) tables: Vec<FakeTable>,
    pub(super) pace: Pace,
    pub(super) faults: Vec<Fault>,
    pub(super) batch_rows: usize,
    pub(super) pushdown: Pushdown,
    pub(super) fails_after: Option<(u64, Error)>,
    pub(super) upstream: Arc<Upstream>,
}

impl Default for Fake {
    fn default() -> Self {
        Self {
            tables: Vec::new(),
            pace: Pace::Prompt,
            faults: Vec::new(),
            batch_rows: 100,
            pushdown: Pushdown {
                projection: Support::Exact,
                filter: Support::None,
                order: Support::None,
                limit: Support::Exact,
                sample: Support::Exact,
            },
            fails_after: None,
            upstream: Arc::default(),
        }
    }
}

impl Fake {
    /// Value of the form key `host` that is never reached.
    pub const UNREACHABLE: &'static str = "nowhere";

    /// With one table more.
    #[must_use]
    pub fn table(mut self, path: NodePath, (schema, rows): (Schema, Vec<Vec<Cell>>)) -> Self {
        self.tables.push(FakeTable { path, schema: Arc::new(schema), rows: Arc::new(rows) });
        self
    }

    /// At this pace.
    #[must_use]
    pub fn pace(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }

    /// With one way more to misbehave.
    #[must_use]
    pub fn fault(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    /// With batches of at most this many rows.
    #[must_use]
    pub fn batch_rows(mut self, rows: usize) -> Self {
        self.batch_rows = rows.max(1);
        self
    }

    /// Doing these parts of a read itself. Filter and order it never does: they stay `None`.
    #[must_use]
    pub fn pushdown(mut self, pushdown: Pushdown) -> Self {
        self.pushdown = Pushdown { filter: Support::None, order: Support::None, ..pushdown };
        self
    }

    /// Failing every read after this many rows.
    #[must_use]
    pub fn fails_after(mut self, rows: u64, error: Error) -> Self {
        self.fails_after = Some((rows, error));
        self
    }

    /// Everything that reached the upstream, recorded or not.
    pub fn sent(&self) -> Vec<String> {
        self.upstream.sent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How often the upstream was asked to stop.
    pub fn cancels(&self) -> u64 {
        self.upstream.cancels.load(Ordering::SeqCst)
    }

    /// What a writer would change.
    pub fn fingerprint(&self) -> String {
        format!("{} writes", self.upstream.writes.load(Ordering::SeqCst))
    }

    /// It as a connector for the rest of the process. For tests: it is never freed.
    pub fn connector(&self) -> &'static dyn Connector {
        Box::leak(Box::new(FakeConnector { fake: self.clone() }))
    }

    /// It as a live source.
    pub fn source(&self) -> Arc<dyn Source> {
        Arc::new(FakeSource::new(self.clone()))
    }

    pub(super) fn has(&self, fault: Fault) -> bool {
        self.faults.contains(&fault)
    }

    pub(super) fn error(&self, error: Error) -> Error {
        if self.has(Fault::CallsEveryErrorUnexpected) {
            return Error { kind: ErrorKind::Unexpected, ..error };
        }
        error
    }

    /// What reaches the upstream, recorded as it must be.
    pub(super) async fn send(
        &self,
        ctx: &CallCtx,
        entry: &'static str,
        text: &str,
    ) -> Result<Option<crate::job::ctx::Statement>> {
        let entry = EntryId::of(entry);
        let statement = match ctx.statement(&entry, text).await {
            Ok(statement) => Some(statement),
            Err(_) if self.has(Fault::IgnoresTheRecorder) => None,
            Err(error) => return Err(error),
        };
        self.upstream.sent.lock().unwrap_or_else(PoisonError::into_inner).push(text.to_owned());
        if let Pace::Slow(pause) = self.pace {
            tokio::select! {
                () = ctx.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        Ok(statement)
    }

    /// Sends what needs no rows.
    pub(super) async fn ask(&self, ctx: &CallCtx, entry: &'static str, text: &str) -> Result<()> {
        if let Some(statement) = self.send(ctx, entry, text).await? {
            if ctx.is_cancelled() {
                return Err(statement.failed(Error::cancelled("ask")).await);
            }
            statement.done(0).await?;
        }
        Ok(())
    }
}

struct FakeConnector {
    fake: Fake,
}

static CARD: Card = Card {
    id: "fake",
    name: "Fake",
    family: Family::Relational,
    summary: "tables in memory, for tests",
    schemes: &["fake"],
    extensions: &["fake"],
    magic: &[b"FAKE"],
    form: Form {
        fields: &[FormField {
            key: "host",
            label: "Host",
            help: "any name; `nowhere` is never reached",
            kind: FieldKind::Text,
            need: Need::Required,
            default: None,
        }],
    },
    docs: "Tables in memory, for tests.",
    facts: "",
};

const fn entry(id: &'static str, template: &'static str, why: &'static str, cost: CostClass) -> CommandEntry {
    CommandEntry {
        id: EntryId::of(id),
        template,
        why,
        cost,
        intrusiveness: Intrusiveness::I0,
        estimated_by: "the number of rows in memory",
        witness: "rows counted",
        versions: "all",
        privilege: "none",
    }
}

static COMMANDS: [CommandEntry; 6] = [
    entry("hello", "HELLO {host}", "to connect", CostClass::Constant),
    entry("list", "LIST /{node}", "to browse", CostClass::Constant),
    entry("describe", "DESCRIBE /{node}", "to describe and to plan", CostClass::Constant),
    entry("read", "READ {columns} OF {node} FROM {row} LIMIT {rows}", "to read rows", CostClass::Returned),
    entry("scan", "SCAN {columns} OF {node} FROM {row}", "to read all rows", CostClass::Scan),
    entry("count", "COUNT {node}", "to count rows", CostClass::Scan),
];

#[async_trait]
impl Connector for FakeConnector {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn commands(&self) -> &'static [CommandEntry] {
        &COMMANDS
    }

    fn abilities(&self) -> Abilities {
        abilities(&self.fake)
    }

    async fn connect(
        &self,
        ctx: &CallCtx,
        connection: &Connection,
        _credentials: &Credentials,
    ) -> Result<Arc<dyn Source>> {
        let Some(host) = connection.values.get("host") else {
            let error = Error::new(ErrorKind::Invalid, "connect", "the connection names no host");
            return Err(self.fake.error(error.hint("fill in the host")));
        };
        self.fake.ask(ctx, "hello", &format!("HELLO {host}")).await?;
        if host == Fake::UNREACHABLE {
            let error = Error::new(ErrorKind::Unreachable, "connect", "nobody answers at the host");
            return Err(self.fake.error(error.hint("check the name of the host")));
        }
        Ok(self.fake.source())
    }
}

pub(super) fn abilities(fake: &Fake) -> Abilities {
    Abilities {
        pushdown: fake.pushdown,
        exact_count: CostClass::Free,
        stable_paging: Support::Exact,
        native_profile: Support::None,
        catalog_profile: Support::None,
        cancel: CancelReach::Confirmed,
        snapshot: Support::Exact,
        side_effects: Vec::new(),
        page_cap_rows: None,
        rate_limit_per_sec: None,
        query_language: None,
    }
}
