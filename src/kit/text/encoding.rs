//! Which encoding a file is in, from its first bytes and any other windows at hand.

use super::decode::TextEncoding;
use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};

/// An encoding and why it was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DetectedEncoding {
    /// How the bytes stand for characters.
    pub encoding: TextEncoding,
    /// Bytes of a byte order mark to leave out.
    pub mark_bytes: usize,
    /// The reason in a few words.
    pub evidence: String,
}

/// What a file is when it is not text at all, by its first bytes.
pub fn binary_kind(head: &[u8]) -> Option<&'static str> {
    const KINDS: &[(&[u8], &str)] = &[
        (b"PK\x03\x04", "a zip archive, perhaps a workbook"),
        (b"PAR1", "a Parquet file"),
        (b"SQLite format 3\0", "a SQLite database"),
        (b"%PDF-", "a PDF document"),
        (b"\x89PNG\r\n", "a PNG image"),
        (b"\xFF\xD8\xFF", "a JPEG image"),
        (b"GIF8", "a GIF image"),
        (b"\x7FELF", "a program"),
        (b"Obj\x01", "an Avro file"),
        (b"ARROW1", "an Arrow file"),
        (b"ORC", "an ORC file"),
        (b"\xD0\xCF\x11\xE0", "an old Office document"),
        (b"BZh", "compressed with bzip2"),
        (b"\xFD7zXZ\0", "compressed with xz"),
        (b"7z\xBC\xAF\x27\x1C", "a 7z archive"),
    ];
    let found = KINDS.iter().find(|(magic, _)| head.starts_with(magic))?;
    // Three letters may be the start of a text: only control bytes make them a magic number.
    let looks_like_text = !head.iter().take(512).any(|byte| matches!(byte, 0..=8 | 14..=26 | 28..=31));
    (!looks_like_text || found.0.len() > 4).then_some(found.1)
}

/// Chooses the encoding. `windows` are stretches of the file, the first one its beginning.
pub fn detect(windows: &[&[u8]], label: Option<TextEncoding>) -> DetectedEncoding {
    let head = windows.first().copied().unwrap_or_default();
    let marked = Encoding::for_bom(head);
    let mark_bytes = marked.map_or(0, |(_, len)| len);
    if let Some(encoding) = label {
        return DetectedEncoding {
            encoding,
            mark_bytes,
            evidence: format!("encoding {}: chosen", encoding.name()),
        };
    }
    if let Some((encoding, _)) = marked {
        let encoding = TextEncoding::from_encoding(encoding);
        return DetectedEncoding {
            encoding,
            mark_bytes,
            evidence: format!("encoding {}: byte order mark", encoding.name()),
        };
    }
    if let Some(encoding) = wide_without_mark(head) {
        let evidence = format!("encoding {}: zero bytes between the characters", encoding.name());
        return DetectedEncoding { encoding, mark_bytes, evidence };
    }
    let count =
        windows.iter().map(|window| Utf8Count::of(window)).fold(Utf8Count::default(), Utf8Count::plus);
    if count.invalid == 0 || count.valid >= 20 * count.invalid {
        let evidence = match (count.valid, count.invalid) {
            (0, 0) => "encoding UTF-8: only ASCII seen".to_owned(),
            (valid, 0) => format!("encoding UTF-8: {valid} valid characters beyond ASCII"),
            (valid, invalid) => {
                format!("encoding UTF-8: {valid} valid characters beyond ASCII, {invalid} invalid")
            }
        };
        return DetectedEncoding { encoding: TextEncoding::UTF_8, mark_bytes, evidence };
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    for (index, window) in windows.iter().enumerate() {
        detector.feed(window, index + 1 == windows.len());
    }
    let encoding = TextEncoding::from_encoding(detector.guess(None, Utf8Detection::Deny));
    let evidence =
        format!("encoding {}: guessed from letters beyond ASCII; not valid UTF-8", encoding.name());
    DetectedEncoding { encoding, mark_bytes, evidence }
}

/// UTF-16 without a mark: one of each pair of bytes is mostly zero.
fn wide_without_mark(head: &[u8]) -> Option<TextEncoding> {
    let (pairs, _) = head.get(..head.len().min(8192))?.as_chunks::<2>();
    if pairs.len() < 2 {
        return None;
    }
    let first = pairs.iter().filter(|pair| pair[0] == 0).count();
    let second = pairs.iter().filter(|pair| pair[1] == 0).count();
    let (some, few) = (pairs.len() * 3 / 10, pairs.len() / 20);
    if second > some && first <= few {
        Some(TextEncoding::from_encoding(UTF_16LE))
    } else if first > some && second <= few {
        Some(TextEncoding::from_encoding(UTF_16BE))
    } else {
        None
    }
}

/// How many characters beyond ASCII a window has, and how many places that are not UTF-8.
#[derive(Debug, Clone, Copy, Default)]
struct Utf8Count {
    valid: u64,
    invalid: u64,
}

impl Utf8Count {
    fn of(window: &[u8]) -> Self {
        let mut count = Self::default();
        // A window may start and end inside a character.
        let start = window.iter().take(3).take_while(|byte| (0x80..0xC0).contains(*byte)).count();
        let window = window.get(start..).unwrap_or_default();
        let mut chunks = window.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            count.valid += chunk.valid().bytes().filter(|byte| *byte >= 0xC0).count() as u64;
            let cut_at_end =
                chunks.peek().is_none() && chunk.invalid().len() < 4 && could_go_on(chunk.invalid());
            if !chunk.invalid().is_empty() && !cut_at_end {
                count.invalid += 1;
            }
        }
        count
    }

    fn plus(self, other: Self) -> Self {
        Self { valid: self.valid + other.valid, invalid: self.invalid + other.invalid }
    }
}

/// Whether bytes are the beginning of a longer character.
fn could_go_on(bytes: &[u8]) -> bool {
    let needed = match bytes.first() {
        Some(0xC2..=0xDF) => 2,
        Some(0xE0..=0xEF) => 3,
        Some(0xF0..=0xF4) => 4,
        _ => return false,
    };
    bytes.len() < needed && bytes[1..].iter().all(|byte| (0x80..0xC0).contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(file: &[u8], name: &str, mark_bytes: usize) {
        let found = detect(&[file], None);
        assert_eq!((found.encoding.name(), found.mark_bytes), (name, mark_bytes), "{}", found.evidence);
    }

    #[test]
    fn encodings_are_told_apart() {
        check(b"", "UTF-8", 0);
        check(b"a,b\n1,2\n", "UTF-8", 0);
        check("name,città\nJosé,Łódź\n".as_bytes(), "UTF-8", 0);
        check(b"\xEF\xBB\xBFa,b\n", "UTF-8", 3);
        check(b"\xFF\xFEa\0,\0", "UTF-16LE", 2);
        check(b"\xFE\xFF\0a\0,", "UTF-16BE", 2);
        check(b"a\0,\0b\0\n\0", "UTF-16LE", 0);
        check(b"\0a\0,\0b\0\n", "UTF-16BE", 0);
        check(b"caf\xE9;cr\xE8me br\xFBl\xE9e;na\xEFve \x96 d\xE9j\xE0 vu\n", "windows-1252", 0);
        let (russian, ..) =
            encoding_rs::WINDOWS_1251.encode("Привет, мир; Москва и область; дом номер пять\n");
        check(&russian, "windows-1251", 0);
        let (japanese, ..) =
            encoding_rs::SHIFT_JIS.encode("名前,住所\n山田太郎,東京都千代田区\n鈴木花子,大阪府大阪市\n");
        check(&japanese, "Shift_JIS", 0);
    }

    #[test]
    fn a_character_cut_by_the_window_is_no_error() {
        let text = "é".repeat(100);
        for cut in 1..8 {
            check(&text.as_bytes()[..cut], "UTF-8", 0);
            check(&text.as_bytes()[cut..cut + 40], "UTF-8", 0);
        }
    }

    #[test]
    fn a_few_bad_bytes_among_many_good_ones_stay_utf8() {
        let mut file = "naïve café, Łódź\n".repeat(20).into_bytes();
        file.extend(b"bad \xE9 byte\n");
        check(&file, "UTF-8", 0);
    }

    #[test]
    fn a_later_window_can_decide() {
        let found = detect(&[b"a,b\n", b"caf\xE9 cr\xE8me na\xEFve\n"], None);
        assert_eq!(found.encoding.name(), "windows-1252");
    }

    #[test]
    fn a_chosen_encoding_wins_and_its_mark_is_left_out() {
        let found = detect(&[b"\xEF\xBB\xBFa"], TextEncoding::for_label("latin1"));
        assert_eq!((found.encoding.name(), found.mark_bytes), ("windows-1252", 3));
    }

    #[test]
    fn files_that_are_not_text_are_named() {
        assert_eq!(binary_kind(b"PK\x03\x04\x14\0"), Some("a zip archive, perhaps a workbook"));
        assert_eq!(binary_kind(b"PAR1\x15\x04"), Some("a Parquet file"));
        assert_eq!(binary_kind(b"ORCHID,1\nROSE,2\n"), None);
        assert_eq!(binary_kind(b"BZh,code\nx,1\n"), None);
        assert_eq!(binary_kind(b"a,b\n"), None);
        assert_eq!(binary_kind(b""), None);
    }
}
