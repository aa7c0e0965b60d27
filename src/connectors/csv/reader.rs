//! Rows of a file from a place on: what every operation of the worker reads by.

use super::block::Block;
use super::decode::TextReader;
use super::dialect::Losses;
use super::index::Checkpoint;
use super::layout::Layout;
use super::open::{ByteStore, Input, Packing};
use super::split::{SplitOptions, Splitter};
use std::io::{self, Read};

/// Reads rows one block at a time.
pub(super) struct RowReader<'a> {
    stream: TextReader<Box<dyn Read + 'a>>,
    splitter: Splitter,
}

/// From where to where to read, and how much at a time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stretch {
    /// The first row and its place.
    pub(super) from: Checkpoint,
    /// Where to stop in the unpacked file; the data's own end if none.
    pub(super) end: Option<u64>,
    /// Bytes to cut at a time.
    pub(super) block_bytes: usize,
    /// Unpacked bytes that a packed file may give in all.
    pub(super) most_bytes: u64,
}

impl<'a> RowReader<'a> {
    /// Starts at a place where a row starts.
    pub(super) fn new<S: ByteStore + Sync>(
        input: &'a Input<S>,
        layout: &Layout,
        stretch: Stretch,
    ) -> io::Result<Self> {
        // A file that has grown is read as long as it was when it was looked at, so that a plan holds.
        let seen = (layout.packing == Packing::Plain).then_some(layout.file_bytes);
        let end = stretch.end.or(layout.written.data_end).or(seen);
        let stream = input.stream(stretch.from.place, end, stretch.most_bytes)?;
        let options = SplitOptions {
            block_bytes: stretch.block_bytes,
            encoding: layout.written.encoding,
            ..SplitOptions::new(layout.written.dialect, layout.written.width)
        };
        Ok(Self {
            stream: layout.written.encoding.reader(stream),
            splitter: Splitter::new(options, stretch.from.row, stretch.from.place),
        })
    }

    /// The next rows, at most so many; `None` at the end.
    pub(super) fn next_block(&mut self, most_rows: usize) -> Option<&Block> {
        self.splitter.next_block(&mut self.stream, most_rows)
    }

    /// What was left out or repaired.
    pub(super) fn take_losses(&mut self) -> Losses {
        self.splitter.take_losses()
    }

    /// The error that ended the stream early, if one did.
    pub(super) fn failure(&self) -> Option<&io::Error> {
        self.splitter.failure()
    }
}
