//! What a workbook's container says of its parts before any of them is unpacked: the table of contents of a ZIP
//! file, or the two kinds of compound file.
//!
//! Sizes are what the container *declares*: good for a price and for naming a bomb, never for an allocation.

use std::io::{self, Read, Seek, SeekFrom};

/// The end record and the longest remark behind it.
const TAIL_BYTES: u64 = 22 + 65_535;
/// A table of contents beyond this is not read.
const MOST_CONTENTS_BYTES: u64 = 16 << 20;
/// Bytes that shared texts and styles may unpack to: the reader keeps them in memory.
const MOST_KEPT_BYTES: u64 = 384 << 20;

/// One part of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    /// Its path inside.
    pub(super) name: String,
    /// Bytes it takes in the file.
    pub(super) packed: u64,
    /// Bytes it declares to unpack to.
    pub(super) unpacked: u64,
    /// Byte of the file where it starts.
    pub(super) place: u64,
}

/// How a workbook is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Format {
    /// Office Open XML.
    Xlsx,
    /// Its binary sibling.
    Xlsb,
    /// The binary format before 2007.
    Xls,
    /// OpenDocument.
    Ods,
}

impl Format {
    /// The word for people.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Xlsx => "xlsx",
            Self::Xlsb => "xlsb",
            Self::Xls => "xls",
            Self::Ods => "ods",
        }
    }

    /// Whether cells come one by one; else the whole workbook is in memory first.
    pub(super) fn streams(self) -> bool {
        matches!(self, Self::Xlsx | Self::Xlsb)
    }
}

/// What the first bytes and the table of contents tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Container {
    /// How the workbook is written.
    pub(super) format: Format,
    /// Its parts; none for a compound file.
    pub(super) parts: Vec<Part>,
}

impl Container {
    /// Paths of parts under a folder, such as `xl/externalLinks/`.
    pub(super) fn under(&self, folder: &str) -> impl Iterator<Item = &Part> {
        self.parts.iter().filter(move |part| part.name.to_ascii_lowercase().starts_with(folder))
    }

    /// The part that a byte of the file belongs to.
    pub(super) fn at(&self, place: u64) -> Option<&Part> {
        self.parts.iter().filter(|part| part.place <= place).max_by_key(|part| part.place)
    }

    /// Whether a program is inside.
    pub(super) fn has_macros(&self) -> bool {
        self.parts.iter().any(|part| part.name.to_ascii_lowercase().ends_with("vbaproject.bin"))
    }

    /// The part that the reader must keep in memory and that declares more than it may, if there is one.
    pub(super) fn too_large(&self) -> Option<&Part> {
        self.parts.iter().find(|part| {
            let name = part.name.to_ascii_lowercase();
            let is_kept =
                ["sharedstrings.xml", "sharedstrings.bin", "styles.xml", "styles.bin", "content.xml"]
                    .iter()
                    .any(|end| name.ends_with(end));
            is_kept && part.unpacked > MOST_KEPT_BYTES
        })
    }
}

/// Why a file is no workbook.
#[derive(Debug)]
pub(super) enum NoWorkbook {
    /// Neither a ZIP nor a compound file.
    OtherFormat,
    /// A ZIP file without a workbook in it.
    OtherZip,
    /// A ZIP file whose table of contents is gone: cut off or damaged.
    CutOff,
    /// Encrypted with a password.
    Encrypted,
    /// The file could not be read.
    Io(io::Error),
}

impl From<io::Error> for NoWorkbook {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Finds out what a file is.
pub(super) fn open(file: &mut (impl Read + Seek)) -> Result<Container, NoWorkbook> {
    let mut head = [0; 8];
    file.seek(SeekFrom::Start(0))?;
    let got = read_some(file, &mut head)?;
    match head.get(..got).unwrap_or_default() {
        [0xD0, 0xCF, 0x11, 0xE0, ..] => compound(file),
        [b'P', b'K', 3 | 5 | 7, ..] => zip(file),
        // Workbooks of the first versions of the binary format have no container.
        [0x09, 0x00 | 0x02 | 0x04 | 0x08, ..] => Ok(Container { format: Format::Xls, parts: Vec::new() }),
        _ => Err(NoWorkbook::OtherFormat),
    }
}

fn read_some(file: &mut impl Read, into: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < into.len() {
        match file.read(&mut into[filled..])? {
            0 => break,
            got => filled += got,
        }
    }
    Ok(filled)
}

/// A compound file is an old workbook, or a new one behind a password: its directory names the stream.
fn compound(file: &mut (impl Read + Seek)) -> Result<Container, NoWorkbook> {
    const DIRECTORY_BYTES: usize = 64 << 10;
    let mut header = [0; 512];
    file.seek(SeekFrom::Start(0))?;
    if read_some(file, &mut header)? < header.len() {
        return Err(NoWorkbook::CutOff);
    }
    let word = |at: usize| {
        header.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| u32::from_le_bytes(*bytes))
    };
    let shift = u32::from(header[30]).clamp(9, 12);
    let place = (u64::from(word(48)) + 1) << shift;
    let mut directory = vec![0; DIRECTORY_BYTES];
    file.seek(SeekFrom::Start(place))?;
    let got = read_some(file, &mut directory)?;
    let directory = directory.get(..got).unwrap_or_default();
    let is_named = |name: &str| {
        let wide: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        directory.windows(wide.len()).any(|window| window == wide)
    };
    match is_named("EncryptedPackage") {
        true => Err(NoWorkbook::Encrypted),
        false => Ok(Container { format: Format::Xls, parts: Vec::new() }),
    }
}

fn zip(file: &mut (impl Read + Seek)) -> Result<Container, NoWorkbook> {
    let parts = contents(file)?.ok_or(NoWorkbook::CutOff)?;
    let has = |name: &str| parts.iter().any(|part| part.name.eq_ignore_ascii_case(name));
    let ends = |end: &str| parts.iter().any(|part| part.name.to_ascii_lowercase().ends_with(end));
    let format = if has("mimetype") && has("content.xml") {
        Format::Ods
    } else if ends("workbook.bin") {
        Format::Xlsb
    } else if has("[Content_Types].xml")
        && (ends("workbook.xml") || ends("workbook2.xml") || ends("sheet1.xml"))
    {
        Format::Xlsx
    } else {
        return Err(NoWorkbook::OtherZip);
    };
    Ok(Container { format, parts })
}

/// The table of contents at the end of a ZIP file; none if it is not there.
fn contents(file: &mut (impl Read + Seek)) -> io::Result<Option<Vec<Part>>> {
    let len = file.seek(SeekFrom::End(0))?;
    let start = len.saturating_sub(TAIL_BYTES);
    file.seek(SeekFrom::Start(start))?;
    let mut tail = Vec::new();
    file.by_ref().take(TAIL_BYTES).read_to_end(&mut tail)?;
    let Some(end) = tail.windows(4).rposition(|window| window == b"PK\x05\x06") else { return Ok(None) };
    let record = tail.get(end..).unwrap_or_default();
    let (mut size, mut place) = (u64::from(u32_at(record, 12)), u64::from(u32_at(record, 16)));
    if place == u64::from(u32::MAX) || size == u64::from(u32::MAX) {
        // The long form stands before the locator, which stands before the end record.
        let locator = end.checked_sub(20).and_then(|at| tail.get(at..)).unwrap_or_default();
        file.seek(SeekFrom::Start(u64_at(locator, 8)))?;
        let mut long = [0; 56];
        let got = read_some(file, &mut long)?;
        let long = long.get(..got).unwrap_or_default();
        (size, place) = (u64_at(long, 40), u64_at(long, 48));
    }
    if size > MOST_CONTENTS_BYTES {
        return Ok(None);
    }
    // Bytes before the first part move every place: the table itself ends where the end record starts.
    let stated = place.saturating_add(size) <= len;
    file.seek(SeekFrom::Start(if stated { place } else { (start + end as u64).saturating_sub(size) }))?;
    let mut table = Vec::new();
    file.by_ref().take(size).read_to_end(&mut table)?;
    Ok(Some(entries(&table)))
}

fn entries(table: &[u8]) -> Vec<Part> {
    const HEADER_BYTES: usize = 46;
    const MOST_PARTS: usize = 100_000;
    let mut parts = Vec::new();
    let mut rest = table;
    while rest.starts_with(b"PK\x01\x02") && rest.len() >= HEADER_BYTES && parts.len() < MOST_PARTS {
        let (name, extra, remark) =
            (u16_at(rest, 28) as usize, u16_at(rest, 30) as usize, u16_at(rest, 32) as usize);
        let (mut packed, mut unpacked) = (u64::from(u32_at(rest, 20)), u64::from(u32_at(rest, 24)));
        let text = rest.get(HEADER_BYTES..HEADER_BYTES + name).unwrap_or_default();
        let more = rest.get(HEADER_BYTES + name..HEADER_BYTES + name + extra).unwrap_or_default();
        if unpacked == u64::from(u32::MAX) && u16_at(more, 0) == 1 {
            unpacked = u64_at(more, 4);
            packed = if packed == u64::from(u32::MAX) { u64_at(more, 12) } else { packed };
        }
        let name_text = String::from_utf8_lossy(text).replace('\\', "/");
        parts.push(Part { name: name_text, packed, unpacked, place: u64::from(u32_at(rest, 42)) });
        rest = rest.get(HEADER_BYTES + name + extra + remark..).unwrap_or_default();
    }
    parts
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| u16::from_le_bytes(*bytes))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| u64::from_le_bytes(*bytes))
}
