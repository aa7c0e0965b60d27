//! What the worker does with a delimited file: look at it, give rows in order, give a sample, profile it.
//!
//! Runs in the guest: it has the file's descriptor and nothing else. Every operation takes the whole
//! `Layout` that the first look found, so that it reads no byte twice to find it again.

use super::dialect::Overrides;
use super::index::{Checkpoint, RowIndex};
use super::layout::Layout;
use super::open::{Access, Input, advise};
use crate::kit::files::work::{answer, received};
use crate::kit::worker::{GuestJob, GuestOut, Parser};
use crate::model::filter::Filter;
use crate::model::node::NodePath;
use crate::model::read::{ReadEnd, Sample};
use crate::model::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::time::Instant;

mod batches;
mod look;
mod losses;
mod order;
mod probe;
mod profile;
mod sample;

/// The parser of this connector.
pub struct DelimitedText;

/// Operations of the parser.
pub mod op {
    /// Find out how the file is written. Takes [`super::Look`], gives a layout.
    pub const LOOK: &str = "look";
    /// Count rows in spread windows. Takes [`super::Probe`], gives [`super::Probed`].
    pub const PROBE: &str = "probe";
    /// Rows in the file's order. Takes [`super::Rows`], gives [`super::RowsEnd`].
    pub const ROWS: &str = "rows";
    /// Rows of a sample. Takes [`super::SampleRows`], gives [`super::RowsEnd`].
    pub const SAMPLE: &str = "sample";
    /// Column states. Takes [`super::Profile`], gives [`super::RowsEnd`].
    pub const PROFILE: &str = "profile";
}

/// Parameters of [`op::LOOK`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// What a user fixed.
    pub overrides: Overrides,
}

/// Parameters of [`op::PROBE`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// How the file is read.
    pub layout: Layout,
    /// Bytes to read at most.
    pub most_bytes: u64,
}

/// What [`op::PROBE`] found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Probed {
    /// Data rows, as far as the windows tell.
    pub rows: super::layout::KnownRows,
    /// Bytes of an ordinary row.
    pub row_bytes: f64,
}

/// What every operation that reads rows takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct What {
    /// How the file is read.
    pub layout: Layout,
    /// The node, for the origin of batches.
    pub node: NodePath,
    /// Columns to give, by position; all if none.
    pub columns: Option<Vec<usize>>,
    /// Only rows for which this holds.
    pub filter: Option<Filter>,
    /// Rows to give at most.
    pub most_rows: Option<u64>,
    /// Bytes of the file to read at most; checked after every block.
    pub most_bytes: Option<u64>,
    /// Seconds to take at most; checked after every block.
    pub most_seconds: Option<f64>,
}

/// Parameters of [`op::ROWS`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rows {
    /// What to read.
    pub what: What,
    /// A known place at or before the first row wanted.
    pub from: Checkpoint,
    /// The first row wanted.
    pub first_row: u64,
}

/// Parameters of [`op::SAMPLE`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SampleRows {
    /// What to read.
    pub what: What,
    /// How many rows, and how they are chosen.
    pub sample: Sample,
    /// Rows of the file, as far as known.
    pub known_rows: Option<f64>,
    /// Seed of the choice.
    pub seed: u64,
}

/// Parameters of [`op::PROFILE`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// What to read.
    pub what: What,
    /// A sample instead of the rows from the first on.
    pub sample: Option<Sample>,
    /// Rows of the file, as far as known.
    pub known_rows: Option<f64>,
    /// Seed of the choice.
    pub seed: u64,
}

/// How an operation that gives rows ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RowsEnd {
    /// Why it ended.
    pub end: ReadEnd,
    /// The first row not given, if there is more.
    pub next: Option<Checkpoint>,
    /// Places seen on the way.
    pub index: RowIndex,
}

impl Parser for DelimitedText {
    fn id(&self) -> &'static str {
        super::ID
    }

    fn run(&self, job: GuestJob<'_>) -> Result<serde_json::Value> {
        let Some(file) = job.files.into_iter().next() else {
            return Err(Error::unexpected("read", "a delimited file was to be read and none was given"));
        };
        advise(&file, Access::Scattered);
        let input = Input::open(file)
            .map_err(|error| Error::io("read", "reading the first bytes of the file", &error))?;
        let mut run =
            Run { input: &input, out: job.out, told: 0, since: Instant::now(), limits: Limits::default() };
        let end = match job.op.as_str() {
            op::LOOK => answer(look::look(&input, &received::<Look>(job.params)?.overrides)?),
            op::PROBE => answer(probe::probe(&mut run, &received::<Probe>(job.params)?)?),
            op::ROWS => answer(order::rows(&mut run, &received::<Rows>(job.params)?)?),
            op::SAMPLE => answer(sample::rows(&mut run, &received::<SampleRows>(job.params)?)?),
            op::PROFILE => answer(profile::profile(&mut run, &received::<Profile>(job.params)?)?),
            other => Err(Error::unexpected("read", format!("{other} is no operation on a delimited file"))),
        };
        run.tell_bytes();
        end
    }
}

/// An operation at work.
struct Run<'a> {
    input: &'a Input<File>,
    out: &'a mut dyn GuestOut,
    told: u64,
    since: Instant,
    limits: Limits,
}

/// What an operation may take.
#[derive(Debug, Clone, Copy, Default)]
struct Limits {
    bytes: Option<u64>,
    seconds: Option<f64>,
}

impl What {
    fn limits(&self) -> Limits {
        Limits { bytes: self.most_bytes, seconds: self.most_seconds }
    }
}

impl Run<'_> {
    /// Tells of the bytes taken since last told.
    fn tell_bytes(&mut self) {
        let taken = self.input.taken();
        self.out.bytes_read(taken - self.told);
        self.told = taken;
    }

    /// Once a block: tells of bytes and progress, hears of a cancel.
    fn tick(&mut self) -> Result<()> {
        self.tell_bytes();
        self.out.progress(self.told, Some(self.input.len()), "bytes")?;
        self.out.check()
    }

    /// Whether a limit of the operation is reached.
    fn is_exhausted(&self) -> bool {
        self.limits.bytes.is_some_and(|most| self.input.taken() >= most)
            || self.limits.seconds.is_some_and(|most| self.since.elapsed().as_secs_f64() >= most)
    }
}

/// An error of reading, with the way on.
fn broken(error: &std::io::Error) -> Error {
    let made = Error::io("read", "reading the file", error);
    match made.kind {
        // An unpacker calls damaged bytes invalid input.
        ErrorKind::Decode | ErrorKind::Invalid => Error { kind: ErrorKind::Decode, ..made }
            .hint("the file may be cut off, damaged or still being written"),
        _ => made,
    }
}

#[cfg(test)]
mod tests;
