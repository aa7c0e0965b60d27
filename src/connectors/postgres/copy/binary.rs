//! The stream of `COPY … TO STDOUT (FORMAT binary)`: a signature, rows of fields with their lengths, an end
//! marker. Nothing is looked for, so a field costs the same however long it is.

use super::{MOST_ROW_BYTES, Place, Row, Span, broken, too_long};
use crate::model::error::{Error, ErrorKind, Result};

const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";
/// Signature, flags and the length of the header's extension.
const HEADER: usize = 19;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Header,
    Rows,
    Ended,
}

/// What came of the bytes at hand.
enum Step {
    /// A header, row or end marker of so many bytes was taken.
    Taken(usize),
    /// Nothing can be said before there are so many.
    Needs(usize),
}

/// Parser of the binary format.
#[derive(Debug)]
pub struct BinaryRows {
    columns: usize,
    /// What came of a header or row that is not whole yet, and how many bytes of it must be there to go on.
    waiting: Vec<u8>,
    needs: usize,
    spans: Vec<Span>,
    rows: u64,
    state: State,
}

impl BinaryRows {
    /// For rows of so many columns.
    pub fn new(columns: usize) -> Self {
        Self { columns, waiting: Vec::new(), needs: HEADER, spans: Vec::new(), rows: 0, state: State::Header }
    }

    /// Rows given so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Takes the next bytes of the stream and gives every row that is whole with them.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`] with the row's number if the stream is not of this format;
    /// [`ErrorKind::Budget`] if a row is longer than [`MOST_ROW_BYTES`]; what `give` fails with. Rows given
    /// before it stand.
    pub fn feed(&mut self, chunk: &[u8], mut give: impl FnMut(Row<'_>) -> Result<()>) -> Result<()> {
        let mut rest = chunk;
        while !self.waiting.is_empty() {
            let missing = self.needs.saturating_sub(self.waiting.len());
            let (head, tail) = rest.split_at_checked(missing).unwrap_or((rest, &[]));
            self.waiting.extend_from_slice(head);
            rest = tail;
            if head.len() < missing {
                return Ok(());
            }
            let waiting = std::mem::take(&mut self.waiting);
            let step = self.step(&waiting, &mut give)?;
            self.waiting = waiting;
            match step {
                // Only what was needed is there, so that all of it was taken.
                Step::Taken(_) => self.waiting.clear(),
                Step::Needs(bytes) => self.needs = bytes,
            }
        }
        while !rest.is_empty() {
            match self.step(rest, &mut give)? {
                Step::Taken(bytes) => rest = rest.get(bytes..).unwrap_or_default(),
                Step::Needs(bytes) => {
                    self.needs = bytes;
                    self.waiting.extend_from_slice(rest);
                    rest = &[];
                }
            }
        }
        Ok(())
    }

    /// Ends the stream.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`] if the end marker did not come.
    pub fn end(self) -> Result<u64> {
        if self.state == State::Ended {
            return Ok(self.rows);
        }
        Err(broken(self.rows + 1, "the stream ended before its end marker"))
    }

    fn step(&mut self, bytes: &[u8], give: &mut impl FnMut(Row<'_>) -> Result<()>) -> Result<Step> {
        match self.state {
            State::Header => self.header(bytes),
            State::Rows => self.row(bytes, give),
            State::Ended => Err(broken(self.rows + 1, "it comes after the end of the data")),
        }
    }

    fn header(&mut self, bytes: &[u8]) -> Result<Step> {
        let Some((signature, [f0, f1, _, _, e0, e1, e2, e3])) =
            bytes.first_chunk::<HEADER>().and_then(|header| header.split_at_checked(SIGNATURE.len()))
        else {
            return Ok(Step::Needs(HEADER));
        };
        let extension = u32::from_be_bytes([*e0, *e1, *e2, *e3]);
        if signature != SIGNATURE || *f0 != 0 || *f1 != 0 || extension > 1 << 16 {
            return Err(Error::new(
                ErrorKind::Decode,
                "read",
                "the stream does not begin as PostgreSQL's binary COPY does",
            )
            .hint("is this a PostgreSQL server, or one that only speaks its protocol?"));
        }
        let length = HEADER + extension as usize;
        if bytes.len() < length {
            return Ok(Step::Needs(length));
        }
        self.state = State::Rows;
        Ok(Step::Taken(length))
    }

    fn row(&mut self, bytes: &[u8], give: &mut impl FnMut(Row<'_>) -> Result<()>) -> Result<Step> {
        let number = self.rows + 1;
        let Some(fields) = bytes.first_chunk::<2>().map(|count| i16::from_be_bytes(*count)) else {
            return Ok(Step::Needs(2));
        };
        if fields == -1 {
            self.state = State::Ended;
            return Ok(Step::Taken(2));
        }
        if usize::try_from(fields).ok() != Some(self.columns) {
            let expected = self.columns;
            return Err(broken(
                number,
                &format!("it has {fields} fields where the query has {expected} columns"),
            ));
        }
        self.spans.clear();
        let mut at = 2;
        for left in (0..self.columns).rev() {
            let Some(length) = bytes.get(at..).and_then(|rest| rest.first_chunk::<4>()) else {
                return Ok(Step::Needs(at + 4));
            };
            let length = i32::from_be_bytes(*length);
            let start = at + 4;
            let (end, place) = match usize::try_from(length) {
                Ok(length) => (start + length, Place::Plain),
                Err(_) if length == -1 => (start, Place::Null),
                Err(_) => return Err(broken(number, "a field has a negative length")),
            };
            if end > MOST_ROW_BYTES {
                return Err(too_long(number));
            }
            if bytes.len() < end {
                return Ok(Step::Needs(end + 4 * usize::from(left > 0)));
            }
            self.spans.push(Span { start, end, place });
            at = end;
        }
        self.rows = number;
        give(Row { bytes, unescaped: &[], spans: &self.spans, number })?;
        Ok(Step::Taken(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Fields = Vec<Option<Vec<u8>>>;

    fn read(columns: usize, chunks: &[&[u8]]) -> (Vec<Fields>, Result<u64>) {
        let mut rows: Vec<Fields> = Vec::new();
        let mut parser = BinaryRows::new(columns);
        for chunk in chunks {
            let fed = parser.feed(chunk, |row| {
                assert_eq!(row.number(), rows.len() as u64 + 1);
                rows.push(row.fields().map(|field| field.map(<[u8]>::to_vec)).collect());
                Ok(())
            });
            if let Err(error) = fed {
                return (rows, Err(error));
            }
        }
        (rows, parser.end())
    }

    fn written(rows: &[Fields]) -> Vec<u8> {
        let mut out = [SIGNATURE, &[0, 0, 0, 0, 0, 0, 0, 3], b"ext"].concat();
        for row in rows {
            out.extend_from_slice(&(row.len() as i16).to_be_bytes());
            for field in row {
                match field {
                    Some(field) => {
                        out.extend_from_slice(&(field.len() as i32).to_be_bytes());
                        out.extend_from_slice(field);
                    }
                    None => out.extend_from_slice(&(-1i32).to_be_bytes()),
                }
            }
        }
        out.extend_from_slice(&[0xff, 0xff]);
        out
    }

    #[test]
    fn a_binary_stream_gives_the_same_rows_wherever_it_is_cut() {
        let row = |fields: &[Option<&[u8]>]| fields.iter().map(|field| field.map(<[u8]>::to_vec)).collect();
        let rows: Vec<Fields> = vec![
            row(&[Some(b"a"), None, Some(b"")]),
            row(&[None, None, None]),
            row(&[Some(&[0xff; 70]), Some(b"\n\t\\"), None]),
        ];
        let stream = written(&rows);
        for cut in 0..=stream.len() {
            let (head, tail) = stream.split_at(cut);
            let (given, end) = read(3, &[head, tail]);
            assert_eq!((given, end.unwrap()), (rows.clone(), 3), "cut at {cut}");
            let (given, end) = read(3, &[head]);
            assert!(rows.starts_with(&given), "ended at {cut}");
            assert_eq!(end.is_ok(), cut == stream.len(), "ended at {cut}");
        }
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        assert_eq!(read(3, &bytes).0, rows);
        assert_eq!(read(0, &[&written(&[vec![], vec![]])]).0.len(), 2);
    }

    #[test]
    fn broken_binary_streams_are_refused_before_anything_is_held() {
        let good = written(&[]);
        let header = good.len() - 2;
        let with = |tail: &[u8]| [&good[..header], tail].concat();
        for (stream, why) in [
            (b"PGCOPY\n\xfe\r\n\0\0\0\0\0\0\0\0\0".to_vec(), "begin"),
            (b"PGCOPY\n\xff\r\n\0\0\x01\0\0\0\0\0\0".to_vec(), "begin"),
            (b"PGCOPY\n\xff\r\n\0\0\0\0\0\x7f\0\0\0".to_vec(), "begin"),
            (with(&[0, 2]), "2 fields"),
            (with(&[0x80, 0]), "-32768 fields"),
            (with(&[0, 1, 0xff, 0xff, 0xff, 0xfe]), "negative"),
            (with(&[0, 1, 0x7f, 0xff, 0xff, 0xff]), "1 GiB"),
            (with(&[0xff, 0xff, 0]), "after the end"),
        ] {
            let (rows, end) = read(1, &[&stream]);
            let error = end.unwrap_err();
            assert!(rows.is_empty() && error.attempted.contains(why), "{error}");
        }
    }
}
