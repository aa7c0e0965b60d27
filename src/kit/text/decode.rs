//! Bytes to text and back, without losing a byte.
//!
//! Encodings that contain ASCII byte for byte (UTF-8, Windows-125x, ISO-8859) are cut as they stand and decoded
//! cell by cell. UTF-16 and the multi-byte encodings of East Asia are turned into UTF-8 first; what they do not
//! allow is carried through as code points that no valid text has, so that [`TextEncoding::cell`] can give the
//! original bytes back. Nothing is ever replaced by a question mark.

use encoding_rs::{DecoderResult, EncoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::io::{self, Read};

/// How the bytes of a file stand for characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextEncoding {
    encoding: &'static Encoding,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Utf8,
    SingleByte,
    Utf16Le,
    Utf16Be,
    MultiByte,
}

impl Serialize for TextEncoding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for TextEncoding {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::for_label(&name).ok_or_else(|| serde::de::Error::custom(format!("{name} is no encoding")))
    }
}

/// A cell after decoding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CellText<'a> {
    /// Valid text.
    Valid(Cow<'a, str>),
    /// Bytes, as they stand in the file, that the encoding does not allow.
    Invalid(Cow<'a, [u8]>),
}

impl TextEncoding {
    /// UTF-8.
    pub const UTF_8: Self = Self { encoding: UTF_8, kind: Kind::Utf8 };

    /// The encoding for a label of the WHATWG standard, such as `latin1` or `utf-16le`.
    pub fn for_label(label: &str) -> Option<Self> {
        Encoding::for_label_no_replacement(label.as_bytes()).map(Self::from_encoding)
    }

    pub(super) fn from_encoding(encoding: &'static Encoding) -> Self {
        let kind = if encoding == UTF_8 {
            Kind::Utf8
        } else if encoding == UTF_16LE {
            Kind::Utf16Le
        } else if encoding == UTF_16BE {
            Kind::Utf16Be
        } else if encoding.is_single_byte() {
            Kind::SingleByte
        } else {
            Kind::MultiByte
        };
        Self { encoding, kind }
    }

    /// The name that the standard gives it.
    pub fn name(&self) -> &'static str {
        self.encoding.name()
    }

    /// Whether bytes are turned into UTF-8 before they are cut.
    pub fn is_transcoded(&self) -> bool {
        matches!(self.kind, Kind::Utf16Le | Kind::Utf16Be | Kind::MultiByte)
    }

    /// How many bytes of the file this stretch of cut text stood in.
    pub fn file_len(&self, text: &[u8]) -> u64 {
        match self.kind {
            Kind::Utf8 | Kind::SingleByte => text.len() as u64,
            Kind::Utf16Le | Kind::Utf16Be => text.iter().map(|byte| utf16_len(*byte)).sum(),
            Kind::MultiByte => self.file_bytes(text).len() as u64,
        }
    }

    /// The characters of a cell, or its bytes where they are not valid.
    pub fn cell<'a>(&self, bytes: Cow<'a, [u8]>) -> CellText<'a> {
        if self.kind == Kind::SingleByte && !bytes.is_ascii() {
            return match self.encoding.decode_without_bom_handling_and_without_replacement(&bytes) {
                Some(text) => CellText::Valid(Cow::Owned(text.into_owned())),
                None => CellText::Invalid(bytes),
            };
        }
        let text = match bytes {
            Cow::Borrowed(bytes) => std::str::from_utf8(bytes).map(Cow::Borrowed).ok(),
            Cow::Owned(ref bytes) => std::str::from_utf8(bytes).map(|text| Cow::Owned(text.to_owned())).ok(),
        };
        match text {
            Some(text) => CellText::Valid(text),
            None if self.is_transcoded() => CellText::Invalid(Cow::Owned(self.file_bytes(&bytes))),
            None => CellText::Invalid(bytes),
        }
    }

    /// The bytes of the file behind a stretch of cut text.
    pub fn file_bytes(&self, text: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(text.len());
        match self.kind {
            Kind::Utf8 | Kind::SingleByte => bytes.extend_from_slice(text),
            Kind::Utf16Le => for_each_unit(text, |unit| bytes.extend(unit.to_le_bytes())),
            Kind::Utf16Be => for_each_unit(text, |unit| bytes.extend(unit.to_be_bytes())),
            Kind::MultiByte => {
                let mut rest = text;
                while !rest.is_empty() {
                    let valid = std::str::from_utf8(rest).map_or_else(|error| error.valid_up_to(), str::len);
                    let (good, bad) = rest.split_at(valid);
                    encode_into(self.encoding, std::str::from_utf8(good).unwrap_or_default(), &mut bytes);
                    rest = carried_byte(bad, &mut bytes);
                }
            }
        }
        bytes
    }

    /// A reader of UTF-8 over a reader of this encoding; the bytes as they stand where no change is needed.
    pub fn reader<R: Read>(&self, inner: R) -> TextReader<R> {
        let work = match self.kind {
            Kind::Utf8 | Kind::SingleByte => Work::AsIs,
            Kind::Utf16Le => Work::Utf16(Utf16 { to_unit: u16::from_le_bytes, odd: None, high: None }),
            Kind::Utf16Be => Work::Utf16(Utf16 { to_unit: u16::from_be_bytes, odd: None, high: None }),
            Kind::MultiByte => Work::MultiByte(Box::new(MultiByte {
                decoder: self.encoding.new_decoder_without_bom_handling(),
                recent: Vec::new(),
            })),
        };
        TextReader { inner, work, raw: vec![0; 0], out: Vec::new(), given: 0, ended: false }
    }

    /// All of a sample as cut text.
    pub fn text_of<'a>(&self, sample: &'a [u8]) -> Cow<'a, [u8]> {
        if !self.is_transcoded() {
            return Cow::Borrowed(sample);
        }
        let mut text = Vec::with_capacity(sample.len());
        // Reading from memory does not fail.
        let _read = self.reader(sample).read_to_end(&mut text);
        Cow::Owned(text)
    }
}

fn utf16_len(byte: u8) -> u64 {
    match byte {
        0x80..=0xBF => 0,
        0xF0.. => 4,
        _ => 2,
    }
}

/// The UTF-16 units of generalised UTF-8, single surrogates included.
fn for_each_unit(text: &[u8], mut push: impl FnMut(u16)) {
    let mut rest = text;
    while let Some(first) = rest.first() {
        let (code, len) = match (first, rest) {
            (0..=0x7F, _) => (u32::from(*first), 1),
            (0xC2..=0xDF, [a, b, ..]) => ((u32::from(a & 0x1F) << 6) | u32::from(b & 0x3F), 2),
            (0xE0..=0xEF, [a, b, c, ..]) => {
                ((u32::from(a & 0x0F) << 12) | (u32::from(b & 0x3F) << 6) | u32::from(c & 0x3F), 3)
            }
            (0xF0..=0xF4, [a, b, c, d, ..]) => {
                let high = (u32::from(a & 0x07) << 18) | (u32::from(b & 0x3F) << 12);
                (high | (u32::from(c & 0x3F) << 6) | u32::from(d & 0x3F), 4)
            }
            _ => (u32::from(*first), 1),
        };
        if code >= 0x1_0000 {
            let code = code - 0x1_0000;
            push(0xD800 | (code >> 10) as u16);
            push(0xDC00 | (code & 0x3FF) as u16);
        } else {
            push(code as u16);
        }
        rest = rest.get(len..).unwrap_or_default();
    }
}

fn push_code(out: &mut Vec<u8>, code: u32) {
    match char::from_u32(code) {
        Some(char) => out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
        // A single surrogate in the three-byte form that valid UTF-8 never has.
        None => out.extend([
            0xE0 | (code >> 12) as u8,
            0x80 | ((code >> 6) & 0x3F) as u8,
            0x80 | (code & 0x3F) as u8,
        ]),
    }
}

fn encode_into(encoding: &'static Encoding, text: &str, bytes: &mut Vec<u8>) {
    let mut encoder = encoding.new_encoder();
    let mut rest = text;
    let mut buffer = [0; 1024];
    loop {
        let (result, read, written) = encoder.encode_from_utf8_without_replacement(rest, &mut buffer, true);
        bytes.extend_from_slice(&buffer[..written]);
        rest = rest.get(read..).unwrap_or_default();
        match result {
            EncoderResult::InputEmpty => return,
            EncoderResult::OutputFull => {}
            EncoderResult::Unmappable(char) => {
                bytes.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
    }
}

/// The byte that a form of `CARRIED + byte` stands for, if one comes first; what follows it.
fn carried_byte<'a>(text: &'a [u8], bytes: &mut Vec<u8>) -> &'a [u8] {
    match text {
        [0xED, high @ 0xB0..=0xB3, low, rest @ ..] => {
            bytes.push((high & 0x03) << 6 | (low & 0x3F));
            rest
        }
        [other, rest @ ..] => {
            bytes.push(*other);
            rest
        }
        [] => text,
    }
}

const CARRIED: u32 = 0xDC00;

struct Utf16 {
    to_unit: fn([u8; 2]) -> u16,
    odd: Option<u8>,
    high: Option<u16>,
}

impl Utf16 {
    fn push(&mut self, raw: &[u8], out: &mut Vec<u8>) {
        let mut rest = raw;
        if let (Some(odd), Some((first, tail))) = (self.odd, rest.split_first()) {
            self.odd = None;
            rest = tail;
            self.push_unit((self.to_unit)([odd, *first]), out);
        }
        let (pairs, tail) = rest.as_chunks::<2>();
        for pair in pairs {
            self.push_unit((self.to_unit)(*pair), out);
        }
        if let [byte] = tail {
            self.odd = Some(*byte);
        }
    }

    #[inline]
    fn push_unit(&mut self, unit: u16, out: &mut Vec<u8>) {
        if let Some(high) = self.high.take() {
            if (0xDC00..0xE000).contains(&unit) {
                let code = 0x1_0000 + ((u32::from(high) & 0x3FF) << 10) + (u32::from(unit) & 0x3FF);
                push_code(out, code);
                return;
            }
            push_code(out, u32::from(high));
        }
        match unit {
            0..0x80 => out.push(unit as u8),
            0xD800..0xDC00 => self.high = Some(unit),
            _ => push_code(out, u32::from(unit)),
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        if let Some(high) = self.high.take() {
            push_code(out, u32::from(high));
        }
        if let Some(odd) = self.odd.take() {
            // Half a character at the end of the file: kept, and never valid text.
            push_code(out, CARRIED + u32::from(odd));
        }
    }
}

struct MultiByte {
    decoder: encoding_rs::Decoder,
    // The last bytes read, among which a malformed sequence may have begun.
    recent: Vec<u8>,
}

impl MultiByte {
    fn push(&mut self, raw: &[u8], out: &mut Vec<u8>, last: Last) {
        let mut buffer = [0; 4096];
        let mut rest = raw;
        loop {
            let (result, read, written) =
                self.decoder.decode_to_utf8_without_replacement(rest, &mut buffer, last == Last::Yes);
            out.extend_from_slice(&buffer[..written]);
            self.recent.extend_from_slice(&rest[..read]);
            rest = &rest[read..];
            match result {
                DecoderResult::InputEmpty => break,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(len, extra) => {
                    let end = self.recent.len().saturating_sub(usize::from(extra));
                    let start = end.saturating_sub(usize::from(len));
                    for byte in &self.recent[start..end] {
                        push_code(out, CARRIED + u32::from(*byte));
                    }
                }
            }
            let surplus = self.recent.len().saturating_sub(16);
            self.recent.drain(..surplus);
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    Yes,
    No,
}

enum Work {
    AsIs,
    Utf16(Utf16),
    MultiByte(Box<MultiByte>),
}

/// Gives out a file as text that can be cut.
pub struct TextReader<R> {
    inner: R,
    work: Work,
    raw: Vec<u8>,
    out: Vec<u8>,
    given: usize,
    ended: bool,
}

impl<R> TextReader<R> {
    /// The reader of the bytes.
    pub fn inner(&self) -> &R {
        &self.inner
    }
}

impl<R: Read> Read for TextReader<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if matches!(self.work, Work::AsIs) {
            return self.inner.read(buf);
        }
        while self.given == self.out.len() {
            if self.ended {
                return Ok(0);
            }
            self.out.clear();
            self.given = 0;
            // No more raw bytes than asked for, so that a preview reads what it shows.
            self.raw.resize(buf.len().clamp(16, 64 << 10), 0);
            let got = self.inner.read(&mut self.raw)?;
            let raw = &self.raw[..got];
            self.ended = got == 0;
            match &mut self.work {
                Work::AsIs => {}
                Work::Utf16(work) if self.ended => work.finish(&mut self.out),
                Work::Utf16(work) => work.push(raw, &mut self.out),
                Work::MultiByte(work) => {
                    let last = if self.ended { Last::Yes } else { Last::No };
                    work.push(raw, &mut self.out, last);
                }
            }
        }
        let rest = &self.out[self.given..];
        let len = rest.len().min(buf.len());
        buf[..len].copy_from_slice(&rest[..len]);
        self.given += len;
        Ok(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoding(label: &str) -> TextEncoding {
        TextEncoding::for_label(label).unwrap()
    }

    /// The text of a file read in portions of every small size.
    fn check(label: &str, file: &[u8], expected: &[u8]) {
        let encoding = encoding(label);
        for portion in [1, 2, 3, 5, 4096] {
            let mut reader = encoding.reader(file);
            let mut text = Vec::new();
            let mut buf = vec![0; portion];
            loop {
                let got = reader.read(&mut buf).unwrap();
                if got == 0 {
                    break;
                }
                text.extend_from_slice(&buf[..got]);
            }
            assert_eq!(text, expected, "{label} in portions of {portion}");
        }
        assert_eq!(encoding.file_bytes(expected), file, "{label} back");
        assert_eq!(encoding.file_len(expected), file.len() as u64, "{label} length");
    }

    fn utf16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(to_bytes).collect()
    }

    #[test]
    fn every_encoding_turns_into_text_and_back() {
        let text = "a,é,日本,😄\r\n";
        check("utf-8", text.as_bytes(), text.as_bytes());
        check("utf-16le", &utf16(text, u16::to_le_bytes), text.as_bytes());
        check("utf-16be", &utf16(text, u16::to_be_bytes), text.as_bytes());
        for label in ["shift_jis", "euc-jp", "gb18030", "big5", "euc-kr"] {
            let (bytes, _, failed) = encoding(label).encoding.encode("名|前,東京\n");
            assert!(!failed, "{label}");
            check(label, &bytes, "名|前,東京\n".as_bytes());
        }
    }

    #[test]
    fn single_surrogates_come_back_as_their_bytes() {
        let mut file = utf16("ab", u16::to_le_bytes);
        file.extend([0x00, 0xD8, 0x2C, 0x00, 0x05, 0xDC]);
        let encoding = encoding("utf-16le");
        let text = encoding.text_of(&file);
        assert_eq!(text.len(), 2 + 3 + 1 + 3);
        assert_eq!(encoding.file_bytes(&text), file);
        assert_eq!(encoding.file_len(&text), file.len() as u64);
        assert_eq!(
            encoding.cell(Cow::Borrowed(&text[2..5])),
            CellText::Invalid(Cow::Owned(vec![0x00, 0xD8]))
        );
        assert_eq!(encoding.cell(Cow::Borrowed(&text[..2])), CellText::Valid("ab".into()));
    }

    #[test]
    fn a_file_of_half_a_character_keeps_the_half() {
        let encoding = encoding("utf-16le");
        let text = encoding.text_of(b"a\0b");
        assert_eq!(text[0], b'a');
        assert!(matches!(encoding.cell(text), CellText::Invalid(_)));
    }

    #[test]
    fn malformed_multi_byte_text_keeps_its_bytes() {
        // 0xFF never occurs in Shift_JIS; 0x82 needs a second byte.
        let file = b"ok,\xFF,\x82\xA0,x\xFF\n";
        let encoding = encoding("shift_jis");
        let text = encoding.text_of(file);
        assert_eq!(encoding.file_bytes(&text), file);
        let cells: Vec<&[u8]> = text.split(|byte| *byte == b',').collect();
        assert_eq!(encoding.cell(Cow::Borrowed(cells[1])), CellText::Invalid(Cow::Owned(vec![0xFF])));
        assert_eq!(encoding.cell(Cow::Borrowed(cells[2])), CellText::Valid("あ".into()));
    }

    #[test]
    fn cells_are_text_or_their_bytes() {
        let rows: &[(&str, &[u8], Option<&str>)] = &[
            ("utf-8", "é".as_bytes(), Some("é")),
            ("utf-8", b"caf\xE9", None),
            ("windows-1252", b"caf\xE9 \x96", Some("café –")),
            ("windows-1251", b"\xCF\xF0", Some("Пр")),
            ("windows-1253", b"\xAA", None),
            ("windows-1252", b"plain", Some("plain")),
        ];
        for (label, bytes, expected) in rows {
            let found = encoding(label).cell(Cow::Borrowed(bytes));
            match expected {
                Some(text) => assert_eq!(found, CellText::Valid((*text).into()), "{label} {bytes:?}"),
                None => assert_eq!(found, CellText::Invalid(Cow::Borrowed(bytes)), "{label} {bytes:?}"),
            }
        }
    }
}
