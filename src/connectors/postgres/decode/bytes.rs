//! Bytes in both spellings of the server, and types whose text is a row of fixed characters.

fn nibble(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

/// A `bytea`: hex after `\x`, or the escaped form of `bytea_output = escape`.
pub(super) fn bytea(text: &[u8]) -> Option<Vec<u8>> {
    let Some(hex) = text.strip_prefix(b"\\x") else { return escaped(text) };
    let (pairs, rest) = hex.as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(nibble(*high)? << 4 | nibble(*low)?)).collect()
}

/// `\\` for a backslash, `\ooo` for what can't be printed, every other byte for itself.
fn escaped(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    loop {
        rest = match rest {
            [] => return Some(out),
            [b'\\', b'\\', rest @ ..] => {
                out.push(b'\\');
                rest
            }
            [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', rest @ ..] => {
                out.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                rest
            }
            [b'\\', ..] => return None,
            [byte, rest @ ..] => {
                out.push(*byte);
                rest
            }
        };
    }
}

/// Whether a text is a UUID as the server writes it.
#[inline]
pub(super) fn is_uuid(text: &[u8]) -> bool {
    text.len() == 36
        && text.iter().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => nibble(*byte).is_some(),
        })
}

/// Whether a text is a bit string.
pub(super) fn is_bits(text: &[u8]) -> bool {
    text.iter().all(|byte| matches!(byte, b'0' | b'1'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_read_in_hex_and_in_the_escaped_form() {
        let rows: [(&[u8], Option<&[u8]>); 12] = [
            (b"\\x", Some(b"")),
            (b"\\x00ff7f", Some(&[0, 255, 127])),
            (b"\\x0", None),
            (b"\\x0g", None),
            (b"\\x0A", None),
            (b"", Some(b"")),
            (b"abc", Some(b"abc")),
            (b"a\\\\b\\000\\377", Some(&[b'a', b'\\', b'b', 0, 255])),
            (b"\\", None),
            (b"\\400", None),
            (b"\\01", None),
            (b"\\n", None),
        ];
        for (text, expected) in rows {
            assert_eq!(bytea(text).as_deref(), expected, "{}", text.escape_ascii());
        }
    }

    #[test]
    fn uuids_and_bits_are_told_from_other_texts() {
        assert!(is_uuid(b"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"));
        for text in ["", "a0eebc999c0b4ef8bb6d6bb9bd380a11", "A0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"] {
            assert!(!is_uuid(text.as_bytes()), "{text}");
        }
        assert!(is_bits(b"") && is_bits(b"0110") && !is_bits(b"012"));
    }
}
