//! The export format of the systemd journal: entries of fields, parted by blank lines. A field is `NAME=value`, or a
//! name alone followed by the length and the bytes of a value that is no plain text.

use std::io::{self, BufRead};

/// The longest value that is kept.
const LONGEST: u64 = 1 << 20;
/// Fields of one entry.
const MOST_FIELDS: usize = 4_096;

/// An entry: its fields in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Entry {
    /// Byte where it starts.
    pub(super) place: u64,
    pub(super) fields: Vec<(String, Vec<u8>)>,
    /// Lines and bytes in it that are no field or beyond the longest.
    pub(super) strange: u64,
}

/// Whether a file starts like an export.
pub(super) fn is_export(head: &[u8]) -> bool {
    head.starts_with(b"__CURSOR=") || head.starts_with(b"__REALTIME_TIMESTAMP=")
}

/// Whether a file is a journal itself.
pub(super) fn is_binary(head: &[u8]) -> bool {
    head.starts_with(b"LPKSHHRH")
}

/// Gives out entries.
pub(super) struct Entries<R> {
    reader: R,
    place: u64,
}

impl<R: BufRead> Entries<R> {
    /// Entries of a stream that starts at a place between entries.
    pub(super) fn new(reader: R, place: u64) -> Self {
        Self { reader, place }
    }

    /// The next entry; none at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Entry>> {
        let mut entry = Entry { place: self.place, ..Entry::default() };
        loop {
            let mut line = Vec::new();
            let got = (&mut self.reader).take(LONGEST).read_until(b'\n', &mut line)?;
            self.place += got as u64;
            if got == 0 {
                let is_something = !entry.fields.is_empty() || entry.strange > 0;
                return Ok(is_something.then_some(entry));
            }
            if line.last() == Some(&b'\n') {
                line.pop();
            }
            if line.is_empty() {
                if entry.fields.is_empty() && entry.strange == 0 {
                    entry.place = self.place;
                    continue;
                }
                return Ok(Some(entry));
            }
            self.field(&line, &mut entry)?;
        }
    }

    fn field(&mut self, line: &[u8], entry: &mut Entry) -> io::Result<()> {
        let end = line.iter().position(|byte| *byte == b'=').unwrap_or(line.len());
        let (name, value) = line.split_at(end);
        let is_name = !name.is_empty()
            && name.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_');
        if !is_name || entry.fields.len() >= MOST_FIELDS {
            entry.strange += 1;
            return Ok(());
        }
        let value = match value.split_first() {
            Some((_, value)) => value.to_vec(),
            None => self.bytes(entry)?,
        };
        entry.fields.push((String::from_utf8_lossy(name).into_owned(), value));
        Ok(())
    }

    /// A value of a stated length. The length is not believed: memory grows as bytes come.
    fn bytes(&mut self, entry: &mut Entry) -> io::Result<Vec<u8>> {
        let mut length = [0; 8];
        self.reader.read_exact(&mut length)?;
        let length = u64::from_le_bytes(length);
        let mut value = Vec::new();
        let kept = (&mut self.reader).take(length.min(LONGEST)).read_to_end(&mut value)? as u64;
        let beyond = io::copy(&mut (&mut self.reader).take(length.saturating_sub(kept)), &mut io::sink())?;
        if kept + beyond < length {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "a value is longer than the file"));
        }
        entry.strange += u64::from(beyond > 0);
        let mut end = [0; 1];
        let got = self.reader.read(&mut end)?;
        self.place += 8 + kept + beyond + got as u64;
        Ok(value)
    }
}

use io::Read as _;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_with_text_and_with_bytes() {
        let mut file = b"__CURSOR=s=1\n__REALTIME_TIMESTAMP=1714566896000000\nMESSAGE\n".to_vec();
        file.extend(9_u64.to_le_bytes());
        file.extend(b"two\nlines\n_PID=7\n\n\n__CURSOR=s=2\nnonsense\nMESSAGE=x\n");
        let mut entries = Entries::new(file.as_slice(), 0);
        let first = entries.next().unwrap().unwrap();
        let names: Vec<&str> = first.fields.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["__CURSOR", "__REALTIME_TIMESTAMP", "MESSAGE", "_PID"]);
        assert_eq!((first.fields[2].1.as_slice(), first.place), (&b"two\nlines"[..], 0));
        let second = entries.next().unwrap().unwrap();
        assert_eq!((second.fields.len(), second.strange), (2, 1));
        assert!(file[second.place as usize..].starts_with(b"__CURSOR=s=2"));
        assert_eq!(entries.next().unwrap(), None);
    }

    #[test]
    fn a_length_that_lies_is_an_error() {
        let mut file = b"__CURSOR=s=1\nMESSAGE\n".to_vec();
        file.extend(u64::MAX.to_le_bytes());
        file.extend(b"short");
        assert!(Entries::new(file.as_slice(), 0).next().is_err());
    }
}
