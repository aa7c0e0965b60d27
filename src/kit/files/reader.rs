//! The guest's side of a format: the trait it implements, and the parser that serves the worker's operations with it.

use std::fs::File;
use std::sync::Arc;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::open::{Access, Bytes, FileInput, Input, advise};
use super::outline::{Outline, RowCount, Table};
use super::rows::RowsOut;
use super::work::{answer, received};
use crate::kit::worker::{GuestJob, GuestOut, Parser};
use crate::model::filter::Filter;
use crate::model::node::NodePath;
use crate::model::read::{ReadEnd, Sample};
use crate::model::{Error, ErrorKind, Result};
use crate::safety::budget::exhausted;

/// A format, as the worker reads it. Everything here meets foreign bytes and runs in the guest only.
pub trait FileReader: Send + Sync {
    /// Id of the parser: that of its connector.
    fn id(&self) -> &'static str;

    /// What is in the file, from headers, footers and windows: never a pass over a large file.
    ///
    /// # Errors
    /// `decode` for a file that is no such file or too damaged to have an outline; `unsupported` for what is
    /// encrypted or of another kind, by name.
    fn look(&self, file: &Arc<FileInput>, settings: &serde_json::Value) -> Result<Outline>;

    /// Gives the rows of a table to `out` until it has enough or there are no more.
    ///
    /// # Errors
    /// `decode` where the file is damaged. If rows were given before, the host tells it as a loss.
    fn rows(&self, file: &Arc<FileInput>, ask: &Ask, out: &mut RowsOut<'_>) -> Result<()>;

    /// A better number of rows and bytes of an ordinary row, for at most `most_bytes` of the file; none where the
    /// look already knows all there is to know.
    ///
    /// # Errors
    /// As [`FileReader::rows`].
    fn count(
        &self,
        _file: &Arc<FileInput>,
        _table: &Table,
        _settings: &serde_json::Value,
        _most_bytes: u64,
    ) -> Result<Option<(RowCount, f64)>> {
        Ok(None)
    }
}

/// A place between rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Number of the row after it, from 0.
    pub row: u64,
    /// Byte where that row starts (in the unpacked file), if the format can go on from there.
    pub byte: Option<u64>,
}

/// Which rows to go through.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stretch {
    /// From a row on. `known` is a place at or before it that an earlier read passed (the beginning if there was
    /// none): rows between are skipped, not given.
    From {
        /// The first row wanted.
        row: u64,
        /// Where to start.
        known: Place,
    },
    /// These rows: first and number, in order, apart from each other.
    RowWindows(Vec<(u64, u64)>),
    /// So many places spread over the file by chance, and at each so many rows from the next row on.
    ByteWindows {
        /// How many places.
        count: u64,
        /// Rows at each.
        rows: u64,
        /// Seed of the places.
        seed: u64,
    },
}

/// What a read asks of a format.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ask {
    /// The table as the look found it.
    pub table: Table,
    /// What a user fixed in the connection.
    pub settings: serde_json::Value,
    /// The node, for the origin of batches.
    pub node: NodePath,
    /// Columns to decode, by their position in the table's schema, in the order rows are given to [`RowsOut`].
    pub columns: Vec<usize>,
    /// How many of the first of [`Ask::columns`] are given out; the rest is only needed by the filter.
    pub given: usize,
    /// Only rows for which this holds ([`RowsOut`] sees to it; a format may skip what can't match).
    pub filter: Option<Filter>,
    /// Which rows to go through.
    pub stretch: Stretch,
    /// A sample of single rows of them.
    pub sample: Option<Sample>,
    /// Seed of everything random.
    pub seed: u64,
    /// Column states instead of rows.
    pub profile: bool,
    /// Rows to give at most.
    pub most_rows: Option<u64>,
    /// Bytes of the file to read at most.
    pub most_bytes: Option<u64>,
    /// Seconds to take at most.
    pub most_seconds: Option<f64>,
}

impl Ask {
    /// Whether the read goes to the end of the table unless it finds enough before.
    pub fn is_pass(&self) -> bool {
        matches!(self.stretch, Stretch::From { .. })
            && (self.most_rows.is_none() || self.sample.is_some() || self.filter.is_some())
    }
}

/// How a read ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowsEnd {
    /// Why it ended.
    pub end: ReadEnd,
    /// The first row not given, if there is more.
    pub next: Option<Place>,
    /// All rows of the table, if the read passed all of them.
    pub rows: Option<u64>,
}

/// Operations of every file parser.
pub(super) mod op {
    /// Takes [`super::Look`], gives an outline.
    pub(crate) const LOOK: &str = "look";
    /// Takes [`super::Count`], gives a row count and row bytes, or null.
    pub(crate) const COUNT: &str = "count";
    /// Takes [`super::Ask`], gives [`super::RowsEnd`].
    pub(crate) const ROWS: &str = "rows";
}

/// Parameters of [`op::LOOK`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Look {
    pub(super) settings: serde_json::Value,
}

/// Parameters of [`op::COUNT`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Count {
    pub(super) table: Table,
    pub(super) settings: serde_json::Value,
    pub(super) most_bytes: u64,
}

/// The worker's parser over a format.
pub struct FileParser<R>(pub R);

impl<R: FileReader> Parser for FileParser<R> {
    fn id(&self) -> &'static str {
        self.0.id()
    }

    fn run(&self, job: GuestJob<'_>) -> Result<serde_json::Value> {
        let Some(file) = job.files.into_iter().next() else {
            return Err(Error::unexpected("read", "a file was to be read and none was given"));
        };
        match job.op.as_str() {
            op::LOOK => {
                let look: Look = received(job.params)?;
                let input = input(file, Access::Scattered)?;
                let found = self.0.look(&input, &look.settings);
                job.out.bytes_read(input.taken());
                answer(found?)
            }
            op::COUNT => {
                let count: Count = received(job.params)?;
                let input = input(file, Access::Scattered)?;
                let found = self.0.count(&input, &count.table, &count.settings, count.most_bytes);
                job.out.bytes_read(input.taken());
                answer(found?)
            }
            op::ROWS => {
                let ask: Ask = received(job.params)?;
                let input = input(file, if ask.is_pass() { Access::InOrder } else { Access::Scattered })?;
                answer(rows(&self.0, &input, &ask, job.out)?)
            }
            other => Err(Error::unexpected("read", format!("{other} is no operation on a file"))),
        }
    }
}

fn rows(
    reader: &impl FileReader,
    input: &Arc<FileInput>,
    ask: &Ask,
    out: &mut dyn GuestOut,
) -> Result<RowsEnd> {
    let mut rows = RowsOut::new(input, ask, out, Instant::now())?;
    let read = reader.rows(input, ask, &mut rows);
    rows.finish(read)
}

fn input(file: File, access: Access) -> Result<Arc<FileInput>> {
    // Before the first read: even a few bytes make the system read ahead.
    advise(&file, access);
    let bytes: Bytes = Box::new(file);
    Input::open(bytes)
        .map(Arc::new)
        .map_err(|error| Error::io("read", "reading the first bytes of the file", &error))
}

/// An error of reading a file's bytes, with the way on.
pub fn broken(error: &std::io::Error) -> Error {
    let made = Error::io("read", "reading the file", error);
    if let Some(budget) = exhausted(error) {
        return Error { kind: ErrorKind::Budget, ..made }.hint(format!(
            "the file unpacks to more than is read of it at once ({} {})",
            budget.limit, budget.dim
        ));
    }
    match made.kind {
        // What the system did not say, an unpacker did.
        ErrorKind::Unreachable if error.raw_os_error().is_none() => Error { kind: ErrorKind::Decode, ..made }
            .hint("the file may be cut off, damaged or still being written"),
        // An unpacker calls damaged bytes invalid input.
        ErrorKind::Decode | ErrorKind::Invalid => Error { kind: ErrorKind::Decode, ..made }
            .hint("the file may be cut off, damaged or still being written"),
        _ => made,
    }
}
