//! Bytes as offset, sixteen pairs and ASCII.

use std::fmt::Write as _;

/// Bytes on one line.
pub const PER_LINE: usize = 16;

/// One line, e.g. `00000010  48 65 …  |He…|`.
pub fn line(offset: usize, bytes: &[u8]) -> String {
    let mut out = format!("{offset:08x} ");
    for i in 0..PER_LINE {
        let gap = if i % 8 == 0 { " " } else { "" };
        let pair = bytes.get(i).map_or_else(|| "  ".to_owned(), |byte| format!("{byte:02x}"));
        // Writing to a String cannot fail.
        if write!(out, "{gap}{pair} ").is_err() {
            break;
        }
    }
    out.push_str(" |");
    out.extend(bytes.iter().map(|&byte| if (0x20..0x7f).contains(&byte) { char::from(byte) } else { '.' }));
    out.push('|');
    out
}

/// All lines, for the clipboard.
pub fn dump(bytes: &[u8]) -> String {
    let mut out = String::new();
    for (i, chunk) in bytes.chunks(PER_LINE).enumerate() {
        out.push_str(&line(i * PER_LINE, chunk));
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_reads_like_a_hex_dump() {
        let expected = "00000010  48 65 00                                          |He.|";
        assert_eq!(line(16, b"He\0"), expected);
        let full = line(0, b"0123456789abcdef");
        assert_eq!(full, "00000000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  |0123456789abcdef|");
    }
}
