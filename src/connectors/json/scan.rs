//! Cuts a stream of bytes into JSON values without building them. What a value holds is checked when it is read; here
//! only strings and brackets are followed, with a counter instead of a stack.

use std::io::{self, Read};

use serde_json::value::RawValue;

use crate::kit::files::broken;
use crate::model::{Error, ErrorKind, Result};

/// Bytes of one value that is kept; a longer one is passed over and told.
pub(super) const MOST_VALUE_BYTES: usize = 16 << 20;
/// Bytes of a key.
const MOST_KEY_BYTES: usize = 1 << 20;

/// A value as it was cut.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// Its bytes.
    Whole(Vec<u8>),
    /// It is longer than what is kept.
    TooLong,
}

/// A stream with the place it has reached.
pub(super) struct Scanner<R> {
    inner: R,
    block: Vec<u8>,
    at: usize,
    filled: usize,
    place: u64,
    ended: bool,
}

impl<R: Read> Scanner<R> {
    /// Starts at a place of the unpacked file, which the stream stands at.
    pub(super) fn new(inner: R, place: u64, block_bytes: usize) -> Self {
        Self { inner, block: vec![0; block_bytes.max(64)], at: 0, filled: 0, place, ended: false }
    }

    /// The place of the next byte.
    pub(super) fn place(&self) -> u64 {
        self.place
    }

    /// The next byte, left in place; none at the end.
    pub(super) fn peek(&mut self) -> Result<Option<u8>> {
        while self.at == self.filled {
            if self.ended {
                return Ok(None);
            }
            match self.inner.read(&mut self.block) {
                Ok(0) => self.ended = true,
                Ok(read) => {
                    self.at = 0;
                    self.filled = read;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(broken(&error)),
            }
        }
        Ok(self.block.get(self.at).copied())
    }

    fn step(&mut self) {
        self.at += 1;
        self.place += 1;
    }

    /// The next byte, passed.
    pub(super) fn next(&mut self) -> Result<Option<u8>> {
        let byte = self.peek()?;
        if byte.is_some() {
            self.step();
        }
        Ok(byte)
    }

    /// Passes white space; whether a line ended in it, and the byte after it.
    pub(super) fn blank(&mut self) -> Result<(bool, Option<u8>)> {
        let mut has_line = false;
        loop {
            match self.peek()? {
                Some(b' ' | b'\t' | b'\r') => {}
                Some(b'\n') => has_line = true,
                other => return Ok((has_line, other)),
            }
            self.step();
        }
    }

    /// Passes a mark that the standard forbids and writers put all the same, at the start of the file.
    pub(super) fn pass_mark(&mut self) -> Result<()> {
        if self.peek()? != Some(0xEF) {
            return Ok(());
        }
        for expected in [0xEF, 0xBB, 0xBF] {
            match self.next()? {
                Some(byte) if byte == expected => {}
                _ => return Err(no_json(0, "it begins with a part of a mark")),
            }
        }
        Ok(())
    }

    /// Passes everything up to and including the next line end; whether there was one.
    pub(super) fn pass_line(&mut self) -> Result<bool> {
        while let Some(byte) = self.next()? {
            if byte == b'\n' {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The next value, which begins with the next byte. It ends with its closing bracket or quote; a number or
    /// word ends before white space, comma, colon or bracket.
    ///
    /// # Errors
    /// `decode` where the file ends inside it or the byte begins no value.
    pub(super) fn value(&mut self) -> Result<Cut> {
        let start = self.place;
        let mut kept = Kept { bytes: Vec::new(), too_long: false };
        match self.peek()? {
            Some(b'{' | b'[') => self.nested(start, &mut kept)?,
            Some(b'"') => self.string(start, &mut kept)?,
            Some(b'-' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z') => self.word(&mut kept)?,
            Some(byte) => return Err(unexpected(start, byte)),
            None => return Err(ended(start)),
        }
        Ok(if kept.too_long { Cut::TooLong } else { Cut::Whole(kept.bytes) })
    }

    fn nested(&mut self, start: u64, kept: &mut Kept) -> Result<()> {
        let mut level = 0_u64;
        loop {
            match self.peek()? {
                None => return Err(ended(start)),
                Some(b'"') => {
                    self.string(start, kept)?;
                    continue;
                }
                Some(byte) => {
                    kept.push(byte);
                    self.step();
                    match byte {
                        b'{' | b'[' => level += 1,
                        b'}' | b']' => level -= 1,
                        _ => {}
                    }
                    if level == 0 {
                        return Ok(());
                    }
                }
            }
        }
    }

    fn string(&mut self, start: u64, kept: &mut Kept) -> Result<()> {
        let mut first = true;
        let mut escaped = false;
        loop {
            let Some(byte) = self.next()? else { return Err(ended(start)) };
            kept.push(byte);
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' if !first => return Ok(()),
                _ => {}
            }
            first = false;
        }
    }

    fn word(&mut self, kept: &mut Kept) -> Result<()> {
        while let Some(byte) = self.peek()? {
            if matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b',' | b':' | b']' | b'}' | b'[' | b'{' | b'"') {
                break;
            }
            kept.push(byte);
            self.step();
        }
        Ok(())
    }

    /// A key and its colon.
    pub(super) fn key(&mut self) -> Result<String> {
        let start = self.place;
        let mut kept = Kept { bytes: Vec::new(), too_long: false };
        match self.peek()? {
            Some(b'"') => self.string(start, &mut kept)?,
            Some(byte) => return Err(unexpected(start, byte)),
            None => return Err(ended(start)),
        }
        let key = serde_json::from_slice::<String>(&kept.bytes)
            .ok()
            .filter(|_| !kept.too_long && kept.bytes.len() <= MOST_KEY_BYTES)
            .ok_or_else(|| no_json(start, "a key that is no text"))?;
        match self.blank()?.1 {
            Some(b':') => self.step(),
            Some(byte) => return Err(unexpected(self.place, byte)),
            None => return Err(ended(start)),
        }
        self.blank()?;
        Ok(key)
    }
}

struct Kept {
    bytes: Vec<u8>,
    too_long: bool,
}

impl Kept {
    fn push(&mut self, byte: u8) {
        if self.bytes.len() < MOST_VALUE_BYTES {
            self.bytes.push(byte);
        } else {
            self.too_long = true;
        }
    }
}

/// A value that was cut, if it is JSON.
///
/// # Errors
/// `decode` with the place, if it is not.
pub(super) fn checked(bytes: &[u8], place: u64) -> Result<&RawValue> {
    serde_json::from_slice(bytes).map_err(|error| no_json(place, &error.to_string()))
}

/// The error for what is no JSON.
pub(super) fn no_json(place: u64, why: &str) -> Error {
    Error::new(ErrorKind::Decode, "read", format!("the value at byte {place} is no JSON: {why}"))
        .hint("the file may be damaged, cut off, or another kind of text")
}

/// The error for a byte that begins no value.
pub(super) fn unexpected(place: u64, byte: u8) -> Error {
    let shown =
        if byte.is_ascii_graphic() { format!("{:?}", char::from(byte)) } else { format!("byte {byte:#04x}") };
    no_json(place, &format!("{shown} is not expected there"))
}

fn ended(start: u64) -> Error {
    no_json(start, "the file ends inside it")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of a text, cut one after the other in blocks of this size.
    fn values(text: &str, block: usize) -> Vec<String> {
        let mut scanner = Scanner::new(text.as_bytes(), 0, block);
        let mut found = Vec::new();
        while scanner.blank().unwrap().1.is_some() {
            match scanner.value() {
                Ok(Cut::Whole(bytes)) => found.push(String::from_utf8(bytes).unwrap()),
                Ok(Cut::TooLong) => found.push("too long".to_owned()),
                Err(error) => {
                    found.push(error.attempted);
                    break;
                }
            }
        }
        found
    }

    #[test]
    fn values_are_cut_where_they_end_whatever_the_block() {
        for block in [1, 2, 3, 7, 4096] {
            for (text, expected) in [
                (r#"{"a":"}\""} [1,[2]]"#, vec![r#"{"a":"}\""}"#, "[1,[2]]"]),
                ("1 2\n\"x\" null", vec!["1", "2", "\"x\"", "null"]),
                (r#""\\"1"#, vec![r#""\\""#, "1"]),
                ("{}{}", vec!["{}", "{}"]),
                ("[1", vec!["the value at byte 0 is no JSON: the file ends inside it"]),
                ("  #", vec!["the value at byte 2 is no JSON: '#' is not expected there"]),
            ] {
                assert_eq!(values(text, block), expected, "{text} in blocks of {block}");
            }
        }
    }

    #[test]
    fn nesting_costs_no_stack_and_a_long_value_no_memory() {
        let deep = format!("{}{}", "[".repeat(3_000_000), "]".repeat(3_000_000));
        assert_eq!(values(&deep, 4096).len(), 1);
        let long = format!("\"{}\" 1", "x".repeat(MOST_VALUE_BYTES + 1));
        assert_eq!(values(&long, 4096), ["too long", "1"]);
    }
}
