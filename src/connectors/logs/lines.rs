//! Lines of a text with the place where each starts, whatever the encoding.
//!
//! A line longer than the cap is cut there; the rest of it is passed over and counted.

use crate::kit::text::decode::{CellText, TextEncoding, TextReader};
use std::borrow::Cow;
use std::io::{self, BufRead, BufReader, Read};

/// The longest line that is kept.
pub(super) const LONGEST: usize = 1 << 20;

/// One line without its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// Byte of the unpacked file where it starts.
    pub(super) place: u64,
    /// Its bytes, as cut text.
    pub(super) bytes: Vec<u8>,
    /// Bytes beyond the longest line, passed over.
    pub(super) beyond: u64,
    /// Whether a line end follows; the last line of a file being written has none.
    pub(super) is_ended: bool,
}

/// Gives out lines.
pub(super) struct Lines<R> {
    reader: BufReader<TextReader<R>>,
    encoding: TextEncoding,
    place: u64,
}

impl<R: Read> Lines<R> {
    /// Lines of a stream that starts at a place.
    pub(super) fn new(inner: R, encoding: TextEncoding, place: u64) -> Self {
        Self { reader: BufReader::with_capacity(64 << 10, encoding.reader(inner)), encoding, place }
    }

    /// The next line; none at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Line>> {
        let place = self.place;
        let mut bytes = Vec::new();
        let got = self.reader.by_ref().take(LONGEST as u64 + 1).read_until(b'\n', &mut bytes)?;
        if got == 0 {
            return Ok(None);
        }
        self.place += self.encoding.file_len(&bytes);
        let mut beyond = 0;
        let mut is_ended = bytes.last() == Some(&b'\n');
        if !is_ended && got > LONGEST {
            (beyond, is_ended) = self.pass_line()?;
            beyond += 1;
            bytes.truncate(LONGEST);
        }
        if beyond == 0 && is_ended {
            bytes.pop();
            if bytes.last() == Some(&b'\r') {
                bytes.pop();
            }
        }
        Ok(Some(Line { place, bytes, beyond, is_ended }))
    }

    /// Passes the rest of a line.
    fn pass_line(&mut self) -> io::Result<(u64, bool)> {
        let mut passed = 0;
        loop {
            let buffer = self.reader.fill_buf()?;
            if buffer.is_empty() {
                return Ok((passed, false));
            }
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let used = end.map_or(buffer.len(), |end| end + 1);
            self.place += self.encoding.file_len(buffer.get(..used).unwrap_or_default());
            passed += used as u64;
            self.reader.consume(used);
            if end.is_some() {
                return Ok((passed - 1, true));
            }
        }
    }
}

/// A line as text; none where its bytes are not of the encoding.
pub(super) fn text_of(encoding: TextEncoding, bytes: &[u8]) -> Option<Cow<'_, str>> {
    match encoding.cell(Cow::Borrowed(bytes)) {
        CellText::Valid(text) => Some(text),
        CellText::Invalid(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8], encoding: TextEncoding) -> Vec<(u64, String, u64, bool)> {
        let mut lines = Lines::new(bytes, encoding, 0);
        let mut found = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            let text = text_of(encoding, &line.bytes).unwrap().into_owned();
            found.push((line.place, text, line.beyond, line.is_ended));
        }
        found
    }

    #[test]
    fn every_line_tells_where_it_starts() {
        let text = |text: &str| text.to_owned();
        let expected = |unit: u64| {
            vec![(0, text("a"), 0, true), (3 * unit, text(""), 0, true), (4 * unit, text("bü"), 0, false)]
        };
        let plain = "a\r\n\nbü";
        assert_eq!(all(plain.as_bytes(), TextEncoding::UTF_8), expected(1));
        let wide: Vec<u8> = plain.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(all(&wide, TextEncoding::for_label("utf-16le").unwrap()), expected(2));
    }

    #[test]
    fn an_endless_line_is_cut_and_counted() {
        let mut bytes = vec![b'x'; LONGEST + 70_000];
        bytes.extend(b"\nnext");
        let found = all(&bytes, TextEncoding::UTF_8);
        assert_eq!((found[0].1.len(), found[0].2, found[0].3), (LONGEST, 70_000, true));
        assert_eq!(found[1], (LONGEST as u64 + 70_001, "next".to_owned(), 0, false));
        let endless = all(&vec![b'x'; LONGEST + 5], TextEncoding::UTF_8);
        assert_eq!((endless[0].2, endless[0].3, endless.len()), (5, false, 1));
    }
}
