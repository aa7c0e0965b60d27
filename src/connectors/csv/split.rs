//! Cuts a stream of text into blocks of whole records, with memory bounded by the longest record allowed.
//!
//! Invariants: every byte of the stream belongs to exactly one record, blank line or comment, or is counted
//! in [`Losses`]; a broken quote costs the looks of its own row and never the rows after it; the position of
//! every row is known, so that an index can lead back to it.

pub use super::block::{Block, RawCell};
use super::decode::TextEncoding;
use super::dialect::{Dialect, Losses, Why};
use super::plain::PlainRules;
use super::record::{Field, LineBreak, Rules, Scan, Supply, Writing};
use super::repair;
use crate::kit::scan::Finder;
use oddities::Oddities;
use std::io::{self, Read};

mod oddities;

/// How to cut.
#[derive(Debug, Clone, Copy)]
pub struct SplitOptions {
    /// How the text is written.
    pub dialect: Dialect,
    /// The encoding whose cut text this is: places count its bytes in the file.
    pub encoding: TextEncoding,
    /// Cells in an ordinary row; 0 when not known yet, then no row is ragged.
    pub width: usize,
    /// Bytes to cut at a time.
    pub block_bytes: usize,
    /// Longer records are left out and counted.
    pub max_record_bytes: usize,
}

impl SplitOptions {
    /// Bytes of a block by default: the states of a profile stay in the processor's cache.
    pub const BLOCK_BYTES: usize = 1 << 20;
    /// The longest record by default.
    pub const MAX_RECORD_BYTES: usize = 16 << 20;

    /// The defaults for a dialect and a width, of text that is UTF-8 already.
    pub fn new(dialect: Dialect, width: usize) -> Self {
        Self {
            dialect,
            encoding: TextEncoding::UTF_8,
            width,
            block_bytes: Self::BLOCK_BYTES,
            max_record_bytes: Self::MAX_RECORD_BYTES,
        }
    }
}

/// What one look at the bytes came to.
enum Step {
    /// Go on at this position.
    Next(usize),
    /// More bytes are needed.
    Wait,
}

/// Cuts one stream.
#[derive(Debug)]
pub struct Splitter {
    options: SplitOptions,
    rules: Rules,
    plain: Option<PlainRules>,
    block: Block,
    supply: Supply,
    // Whether the bytes at hand are as many as one record may have.
    full: bool,
    skipping: bool,
    failure: Option<io::Error>,
    losses: Losses,
    oddities: Oddities,
}

const FILL: usize = 256 << 10;
/// A quoted cell longer than this is looked at for swallowed rows.
const SUSPICIOUS_BYTES: usize = 128 << 10;

impl Splitter {
    /// Starts at a row's first byte. `first_row` and `offset` are the numbers of that row and byte.
    pub fn new(options: SplitOptions, first_row: u64, offset: u64) -> Self {
        let mut block = Block::new(&options.dialect, options.encoding);
        block.first_row = first_row;
        block.offset = offset;
        Self {
            options,
            rules: Rules::new(options.dialect),
            plain: PlainRules::of(&options.dialect, options.width),
            block,
            supply: Supply::More,
            full: false,
            skipping: false,
            failure: None,
            losses: Losses::default(),
            oddities: Oddities::default(),
        }
    }

    /// What has been left out or repaired so far.
    pub fn losses(&self) -> &Losses {
        &self.losses
    }

    /// Takes the losses, leaving none.
    pub fn take_losses(&mut self) -> Losses {
        std::mem::take(&mut self.losses)
    }

    /// The error that ended the stream early, if one did. The rows before it were still given out.
    pub fn failure(&self) -> Option<&io::Error> {
        self.failure.as_ref()
    }

    /// Reads on and cuts the next records, at most `most_rows`. `None` at the end of the stream.
    pub fn next_block(&mut self, input: &mut impl Read, most_rows: usize) -> Option<&Block> {
        self.drop_consumed();
        let mut target = self.options.block_bytes;
        loop {
            self.fill(input, target);
            self.cut(most_rows.max(1));
            if self.block.rows() > 0 {
                return Some(&self.block);
            }
            if self.block.end > 0 {
                // Only blank lines and comments so far: make room and go on.
                self.drop_consumed();
                continue;
            }
            if self.supply == Supply::Ended {
                if let Some(row) = self.oddities.take_open() {
                    self.losses.add(Why::CutInQuote, row);
                }
                return None;
            }
            target = (target * 2).min(self.options.max_record_bytes.max(self.options.block_bytes));
            self.full = self.block.bytes.len() >= target && target >= self.options.max_record_bytes;
        }
    }

    fn drop_consumed(&mut self) {
        let end = self.block.end;
        self.block.first_row += self.block.rows() as u64;
        self.block.offset += self.options.encoding.file_len(&self.block.bytes[..end]);
        self.block.bytes.drain(..end);
        self.block.clear_rows();
        self.block.end = 0;
        self.full = false;
    }

    fn fill(&mut self, input: &mut impl Read, target: usize) {
        while self.supply == Supply::More && self.block.bytes.len() < target {
            let have = self.block.bytes.len();
            self.block.bytes.resize(have + (target - have).min(FILL), 0);
            let got = match input.read(&mut self.block.bytes[have..]) {
                Ok(got) => {
                    if got == 0 {
                        self.supply = Supply::Ended;
                    }
                    got
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => 0,
                Err(error) => {
                    self.failure = Some(error);
                    self.supply = Supply::Ended;
                    self.losses.add(Why::EndedEarly, self.block.first_row);
                    0
                }
            };
            self.block.bytes.truncate(have + got);
        }
    }

    fn cut(&mut self, most_rows: usize) {
        // The finder borrows the bytes while the rows are written beside them.
        let bytes = std::mem::take(&mut self.block.bytes);
        let mut finder = Finder::new(&bytes, self.rules.needles());
        let mut at = 0;
        while at < bytes.len() && self.block.rows() < most_rows {
            if let Some(plain) = self.plain
                && !self.skipping
            {
                at = plain.rows(&bytes, at, most_rows, &mut self.block);
                if at >= bytes.len() || self.block.rows() >= most_rows {
                    break;
                }
            }
            match self.step(&bytes, at, &mut finder) {
                Step::Next(next) => at = next,
                Step::Wait => break,
            }
        }
        self.block.end = at;
        self.block.bytes = bytes;
        self.oddities.pass(&self.block, &self.options.dialect, self.options.width, &mut self.losses);
    }

    fn row(&self) -> u64 {
        self.block.first_row + self.block.rows() as u64
    }

    #[inline]
    fn step(&mut self, bytes: &[u8], at: usize, finder: &mut Finder<'_>) -> Step {
        if self.skipping {
            return self.skip_line(bytes, at);
        }
        match self.rules.line_break(bytes, at, self.supply) {
            LineBreak::Here(length) => return self.blank_line(at, length),
            LineBreak::Undecided => return Step::Wait,
            LineBreak::Elsewhere => {}
        }
        if let Some(comment) = self.options.dialect.comment
            && bytes[at..].starts_with(comment.prefix())
        {
            return self.comment_line(bytes, at);
        }
        let before = self.block.fields.len();
        let scan = self.rules.scan(bytes, at, finder, self.supply, &mut self.block.fields);
        let cells = self.block.fields.len() - before;
        let width = self.options.width;
        match scan {
            Scan::Complete { next, .. } if cells == width => {
                self.block.close_row(at, next);
                Step::Next(next)
            }
            Scan::Complete { next, spans_lines } if width == 0 || !spans_lines => {
                self.note_ragged(bytes, before, next);
                self.block.close_row(at, next);
                Step::Next(next)
            }
            Scan::Complete { .. } | Scan::Malformed => {
                self.block.fields.truncate(before);
                self.repair(bytes, at)
            }
            Scan::Incomplete => {
                self.block.fields.truncate(before);
                self.wait_or_give_up(bytes, at)
            }
        }
    }

    fn blank_line(&mut self, at: usize, length: usize) -> Step {
        if self.options.width == 1 {
            self.block.fields.push(Field::new(at, at, Writing::Plain));
            self.block.close_row(at, at + length);
        } else {
            self.losses.add(Why::BlankLine, self.row());
        }
        Step::Next(at + length)
    }

    fn comment_line(&mut self, bytes: &[u8], at: usize) -> Step {
        match self.rules.line_at(bytes, at, self.supply) {
            Some((_, next)) => {
                self.losses.add(Why::CommentLine, self.row());
                Step::Next(next)
            }
            None if self.full => self.give_up(at),
            None => Step::Wait,
        }
    }

    /// Counts a row whose number of cells is not the table's.
    fn note_ragged(&mut self, bytes: &[u8], first_field: usize, next: usize) {
        let width = self.options.width;
        let cells = self.block.fields.len() - first_field;
        if width == 0 || cells == width {
            return;
        }
        let row = self.row();
        if cells < width {
            let cut_off = next == bytes.len()
                && self.supply == Supply::Ended
                && !matches!(bytes.last(), Some(b'\n' | b'\r'));
            self.losses.add(if cut_off { Why::CutOff } else { Why::ShortRow }, row);
        } else {
            // Also when the extra cell is empty: an unquoted delimiter before it may have moved every value.
            self.losses.add(Why::LongRow, row);
        }
    }

    fn repair(&mut self, bytes: &[u8], at: usize) -> Step {
        let supply = if self.full { Supply::Ended } else { self.supply };
        let Some(repaired) = repair::repair(&self.rules, &bytes[at..], self.options.width, supply) else {
            return self.wait_or_give_up(bytes, at);
        };
        let reaches_end = at + repaired.next >= bytes.len();
        if reaches_end && self.supply == Supply::More && !self.full {
            return Step::Wait;
        }
        self.losses.add(Why::StrayQuote, self.row());
        let before = self.block.fields.len();
        self.block.fields.extend(repaired.fields.iter().map(|field| field.moved(at)));
        self.note_ragged(bytes, before, at + repaired.next);
        self.block.close_row(at, at + repaired.next);
        Step::Next(at + repaired.next)
    }

    /// A record that does not end within the bytes at hand: more are needed, or a quote swallowed the rows.
    fn wait_or_give_up(&mut self, bytes: &[u8], at: usize) -> Step {
        let rest = &bytes[at..];
        let suspicious = rest.len() > SUSPICIOUS_BYTES && at == 0;
        if suspicious && repair::swallows_rows(&self.rules, rest, self.options.width) {
            return self.take_first_line(bytes, at);
        }
        if !self.full || at > 0 {
            return Step::Wait;
        }
        match self.rules.line_at(rest, 0, Supply::More) {
            Some(_) => self.take_first_line(bytes, at),
            None => self.give_up(at),
        }
    }

    fn take_first_line(&mut self, bytes: &[u8], at: usize) -> Step {
        let Some((_, next)) = self.rules.line_at(&bytes[at..], 0, Supply::More) else { return Step::Wait };
        let line = repair::first_line(&self.rules, &bytes[at..], next);
        self.losses.add(Why::StrayQuote, self.row());
        let before = self.block.fields.len();
        self.block.fields.extend(line.fields.iter().map(|field| field.moved(at)));
        self.note_ragged(bytes, before, at + next);
        self.block.close_row(at, at + next);
        Step::Next(at + next)
    }

    /// Leaves out the line at hand, which is longer than any record may be.
    fn give_up(&mut self, at: usize) -> Step {
        self.losses.add(Why::OversizeRow, self.row());
        self.skipping = true;
        Step::Next(at)
    }

    fn skip_line(&mut self, bytes: &[u8], at: usize) -> Step {
        match self.rules.line_at(bytes, at, Supply::More) {
            Some((_, next)) => {
                self.skipping = false;
                Step::Next(next)
            }
            None => Step::Next(bytes.len()),
        }
    }
}

#[cfg(test)]
mod tests;
