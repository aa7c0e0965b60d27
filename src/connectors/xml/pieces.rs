//! An XML document as a stream of pieces: elements with their attributes, texts, ends.
//!
//! Invariants: a DTD is kept as text and never followed · no entity is expanded but the five of XML and numbered
//! characters; any other stays as it is written and is counted · depth, and the length of one piece, are capped · what is
//! left out (comments, instructions) is counted.

use crate::kit::files::broken;
use crate::model::{Error, ErrorKind, Result};
use encoding_rs::{Decoder, DecoderResult, Encoding};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::collections::BTreeMap;
use std::io::{self, BufRead, Read};

/// Elements within elements.
pub(super) const DEEPEST: usize = 256;
/// The longest tag, text or comment.
const LONGEST_PIECE: u64 = 32 << 20;
/// Names of entities that are counted one by one.
const MOST_NAMES: usize = 64;
/// Characters of a DTD that are kept.
const DTD_CHARS: usize = 64 << 10;

/// A piece of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// An element begins: its name as written and its attributes in order.
    Start(String, Vec<(String, String)>),
    /// Characters.
    Text(String),
    /// The element at hand ends.
    End,
    /// The document ends.
    Eof,
}

/// What was met beside elements and texts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Met {
    /// The text of a DTD.
    pub(super) dtd: Option<String>,
    /// Comments, and instructions to programs.
    pub(super) comments: u64,
    pub(super) instructions: u64,
    /// Entities that were not expanded, by name.
    pub(super) entities: BTreeMap<String, u64>,
    /// Prefixes and what they stand for, in the order met.
    pub(super) namespaces: Vec<(String, String)>,
}

/// Gives out the pieces of a document.
pub(super) struct Pieces<R> {
    reader: Reader<Decoded<R>>,
    buffer: Vec<u8>,
    depth: usize,
    pub(super) met: Met,
}

impl<R: Read> Pieces<R> {
    /// The pieces of a stream in this encoding.
    pub(super) fn new(inner: R, encoding: &'static Encoding) -> Self {
        let mut reader = Reader::from_reader(Decoded::new(inner, encoding));
        let config = reader.config_mut();
        config.expand_empty_elements = true;
        config.allow_dangling_amp = true;
        Self { reader, buffer: Vec::new(), depth: 0, met: Met::default() }
    }

    /// Bytes that the encoding did not allow, shown as U+FFFD.
    pub(super) fn replaced(&self) -> u64 {
        self.reader.get_ref().replaced
    }

    /// The next piece.
    pub(super) fn next(&mut self) -> Result<Piece> {
        loop {
            self.buffer.clear();
            self.reader.get_mut().piece_bytes = 0;
            let place = self.reader.buffer_position();
            let event = match self.reader.read_event_into(&mut self.buffer) {
                Ok(event) => event,
                Err(quick_xml::Error::Io(error)) => return Err(self.failed(&error)),
                Err(error) => return Err(damaged(&error.to_string(), place)),
            };
            match event {
                Event::Start(start) | Event::Empty(start) => {
                    self.depth += 1;
                    if self.depth > DEEPEST {
                        let what = format!("elements lie deeper than {DEEPEST} within each other");
                        return Err(Error::new(ErrorKind::Decode, "read", what)
                            .hint("such depth is made to break readers; a program that writes data does not nest so"));
                    }
                    let name = start.name().as_ref().to_owned();
                    let attributes = attributes(&start, &mut self.met)?;
                    return Ok(Piece::Start(name, attributes));
                }
                Event::End(_) => {
                    self.depth = self.depth.saturating_sub(1);
                    return Ok(Piece::End);
                }
                Event::Text(text) => return Ok(Piece::Text(text.xml10_content().into_owned())),
                Event::CData(text) => return Ok(Piece::Text(text.xml10_content().into_owned())),
                Event::GeneralRef(name) => {
                    if let Ok(Some(char)) = name.resolve_char_ref() {
                        return Ok(Piece::Text(char.to_string()));
                    }
                    let name = name.into_inner();
                    let text = match predefined(&name) {
                        Some(char) => char.to_owned(),
                        None => {
                            count(&mut self.met.entities, &name);
                            format!("&{name};")
                        }
                    };
                    return Ok(Piece::Text(text));
                }
                Event::DocType(text) => self.met.dtd = Some(text.chars().take(DTD_CHARS).collect()),
                Event::Comment(_) => self.met.comments += 1,
                Event::PI(_) => self.met.instructions += 1,
                Event::Decl(_) => {}
                Event::Eof if self.depth > 0 => {
                    let what = "the document ends inside an element: it is cut off or still being written";
                    return Err(damaged(what, place));
                }
                Event::Eof => return Ok(Piece::Eof),
            }
        }
    }

    fn failed(&self, error: &io::Error) -> Error {
        if self.reader.get_ref().piece_bytes > LONGEST_PIECE {
            return Error::new(ErrorKind::Decode, "read", "one tag or text is longer than 32 MiB")
                .hint("such a piece is not taken into memory; split it where it is written");
        }
        broken(error)
    }
}

fn damaged(what: &str, place: u64) -> Error {
    Error::new(ErrorKind::Decode, "read", format!("{what} (at character byte {place})"))
        .hint("the document may be cut off or damaged at that place")
}

/// The characters of the five entities that every document has.
fn predefined(name: &str) -> Option<&'static str> {
    Some(match name {
        "lt" => "<",
        "gt" => ">",
        "amp" => "&",
        "apos" => "'",
        "quot" => "\"",
        _ => return None,
    })
}

fn count(names: &mut BTreeMap<String, u64>, name: &str) {
    let is_known = names.contains_key(name);
    let name = if is_known || names.len() < MOST_NAMES { name } else { "others" };
    *names.entry(name.to_owned()).or_default() += 1;
}

fn attributes(start: &BytesStart<'_>, met: &mut Met) -> Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    let mut all = start.attributes();
    // An attribute given twice is shown twice, not a reason to refuse a document.
    all.with_checks(false);
    for attribute in all {
        let attribute = attribute
            .map_err(|error| damaged(&format!("an attribute of <{}>: {error}", start.name().as_ref()), 0))?;
        let name = attribute.key.as_ref().to_owned();
        let value = text_of(&attribute.value, met);
        if name == "xmlns" || name.starts_with("xmlns:") {
            let prefix = name.strip_prefix("xmlns:").unwrap_or_default().to_owned();
            let binding = (prefix, value);
            if met.namespaces.len() < MOST_NAMES && !met.namespaces.contains(&binding) {
                met.namespaces.push(binding);
            }
            continue;
        }
        found.push((name, value));
    }
    Ok(found)
}

/// A value with its entities taken up: the five and numbered characters; others stay as written.
fn text_of(raw: &str, met: &mut Met) -> String {
    if !raw.contains('&') {
        return raw.to_owned();
    }
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((before, after)) = rest.split_once('&') {
        text.push_str(before);
        let Some((name, tail)) = after.split_once(';').filter(|(name, _)| name.len() <= 64) else {
            text.push('&');
            rest = after;
            continue;
        };
        let char = name.strip_prefix('#').and_then(|number| match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok().and_then(char::from_u32),
            None => number.parse().ok().and_then(char::from_u32),
        });
        match (char, predefined(name)) {
            (Some(char), _) => text.push(char),
            (None, Some(known)) => text.push_str(known),
            (None, None) => {
                count(&mut met.entities, name);
                text.push('&');
                text.push_str(name);
                text.push(';');
            }
        }
        rest = tail;
    }
    text.push_str(rest);
    text
}

/// A stream as UTF-8 with a count of what was no text, and of the bytes of the piece at hand.
struct Decoded<R> {
    inner: R,
    decoder: Decoder,
    raw: Vec<u8>,
    start: usize,
    end: usize,
    out: Vec<u8>,
    given: usize,
    is_over: bool,
    replaced: u64,
    piece_bytes: u64,
}

impl<R: Read> Decoded<R> {
    fn new(inner: R, encoding: &'static Encoding) -> Self {
        let raw = vec![0; 64 << 10];
        Self {
            inner,
            decoder: encoding.new_decoder_with_bom_removal(),
            raw,
            start: 0,
            end: 0,
            out: Vec::new(),
            given: 0,
            is_over: false,
            replaced: 0,
            piece_bytes: 0,
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        self.out.clear();
        self.given = 0;
        while self.out.is_empty() && !self.is_over {
            if self.start == self.end {
                self.end = self.inner.read(&mut self.raw)?;
                self.start = 0;
                self.is_over = self.end == 0;
            }
            let raw = self.raw.get(self.start..self.end).unwrap_or_default();
            let room = self.decoder.max_utf8_buffer_length(raw.len()).unwrap_or(256 << 10).max(16);
            self.out.resize(room, 0);
            let (result, read, written) =
                self.decoder.decode_to_utf8_without_replacement(raw, &mut self.out, self.is_over);
            self.out.truncate(written);
            self.start += read;
            if let DecoderResult::Malformed(_, _) = result {
                self.replaced += 1;
                self.out.extend("\u{fffd}".bytes());
                // A decoder that is at its end gives nothing more.
                if self.is_over {
                    break;
                }
            }
        }
        Ok(())
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let got = self.fill_buf()?.read(buf)?;
        self.consume(got);
        Ok(got)
    }
}

impl<R: Read> BufRead for Decoded<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.piece_bytes > LONGEST_PIECE {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a piece is too long"));
        }
        if self.given >= self.out.len() && !self.is_over {
            self.fill()?;
        }
        Ok(self.out.get(self.given..).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        self.given += amount;
        self.piece_bytes += amount as u64;
    }
}

/// The encoding of a document: by its mark, by zero bytes between its characters, by its declaration, else UTF-8.
pub(super) fn encoding_of(head: &[u8]) -> (&'static Encoding, &'static str) {
    if let Some((encoding, _)) = Encoding::for_bom(head) {
        return (encoding, "byte order mark");
    }
    match head {
        [b'<', 0, ..] => return (encoding_rs::UTF_16LE, "zero bytes between the characters"),
        [0, b'<', ..] => return (encoding_rs::UTF_16BE, "zero bytes between the characters"),
        _ => {}
    }
    let head = String::from_utf8_lossy(head.get(..head.len().min(256)).unwrap_or_default());
    let declaration =
        head.trim_start().strip_prefix("<?xml").and_then(|rest| rest.split_once("?>")).map(|(text, _)| text);
    let label = declaration.and_then(|text| text.split_once("encoding")).and_then(|(_, rest)| {
        let rest = rest.trim_start().strip_prefix('=')?.trim_start();
        let quote = rest.chars().next().filter(|char| matches!(char, '"' | '\''))?;
        rest.get(1..)?.split_once(quote).map(|(label, _)| label)
    });
    match label.and_then(|label| Encoding::for_label_no_replacement(label.as_bytes())) {
        // What is read as bytes can't be UTF-16: the declaration was written before a change of encoding.
        Some(encoding) if encoding != encoding_rs::UTF_16LE && encoding != encoding_rs::UTF_16BE => {
            (encoding, "the document's declaration")
        }
        _ => (encoding_rs::UTF_8, "the rule where nothing is declared"),
    }
}

/// Whether the entities that a DTD defines stand for each other: what is made to fill the memory of a reader that
/// follows them.
pub(super) fn multiplies(dtd: &str) -> bool {
    let values = dtd.split("<!ENTITY").skip(1).filter_map(|rest| rest.split_once('>')).map(|(text, _)| text);
    values.filter(|text| text.matches('&').count() >= 2 && text.contains(';')).count() >= 2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(document: &[u8]) -> (Vec<Piece>, Met, Result<Piece>) {
        let (encoding, _) = encoding_of(document);
        let mut pieces = Pieces::new(document, encoding);
        let mut found = Vec::new();
        loop {
            match pieces.next() {
                Ok(Piece::Eof) => return (found, pieces.met, Ok(Piece::Eof)),
                Ok(piece) => found.push(piece),
                Err(error) => return (found, pieces.met, Err(error)),
            }
        }
    }

    fn text(document: &str) -> String {
        let (pieces, ..) = all(document.as_bytes());
        pieces
            .into_iter()
            .filter_map(|piece| if let Piece::Text(text) = piece { Some(text) } else { None })
            .collect()
    }

    #[test]
    fn no_entity_is_expanded_but_the_five_and_numbers() {
        let laughs = "<!DOCTYPE x [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;\">]>\n\
            <x v=\"&c;&lt;&#65;\">&c; &amp; &#x42; <![CDATA[&a;]]></x>";
        let (pieces, met, end) = all(laughs.as_bytes());
        assert!(end.is_ok());
        let attributes = vec![("v".to_owned(), "&c;<A".to_owned())];
        assert!(pieces.contains(&Piece::Start("x".to_owned(), attributes)), "{pieces:?}");
        assert_eq!(text(laughs).trim(), "&c; & B &a;");
        assert_eq!(met.entities.get("c"), Some(&2));
        assert!(multiplies(met.dtd.as_deref().unwrap()));
        assert!(!multiplies("x [<!ENTITY a \"b\">]"));
    }

    #[test]
    fn every_encoding_gives_the_same_text() {
        let document = |label: &str| format!("<?xml version='1.0' encoding='{label}'?><a>Łódź é</a>");
        let wide =
            |to: fn(u16) -> [u8; 2]| document("utf-16").encode_utf16().flat_map(to).collect::<Vec<u8>>();
        let (latin, _, _) =
            encoding_rs::ISO_8859_2.encode("<?xml version='1.0' encoding='iso-8859-2'?><a>Łódź é</a>");
        let marked = [b"\xEF\xBB\xBF".as_slice(), document("utf-8").as_bytes()].concat();
        for bytes in [
            wide(u16::to_le_bytes),
            wide(u16::to_be_bytes),
            latin.into_owned(),
            marked,
            b"<a>\xC5\x81\xC3\xB3d\xC5\xBA \xC3\xA9</a>".to_vec(),
        ] {
            let (pieces, ..) = all(&bytes);
            assert!(pieces.contains(&Piece::Text("Łódź é".to_owned())), "{pieces:?}");
        }
        let (encoding, _) = encoding_of(b"<a>\xFF</a>");
        let mut pieces = Pieces::new(&b"<a>x\xFFy</a>"[..], encoding);
        pieces.next().unwrap();
        assert_eq!(pieces.next().unwrap(), Piece::Text("x\u{fffd}y".to_owned()));
        assert_eq!(pieces.replaced(), 1);
    }

    #[test]
    fn depth_and_length_are_capped_and_an_open_element_is_said() {
        let deep = "<a>".repeat(100_000);
        assert!(all(deep.as_bytes()).2.unwrap_err().attempted.contains("deeper than 256"));
        let long = format!("<a>{}</a>", "x".repeat(40 << 20));
        assert!(all(long.as_bytes()).2.unwrap_err().attempted.contains("32 MiB"));
        let (pieces, _, end) = all(b"<a><b>1</b><b>2");
        assert_eq!(pieces.len(), 6);
        assert!(end.unwrap_err().attempted.contains("ends inside an element"));
    }
}
