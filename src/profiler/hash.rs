//! A 64-bit hash that is the same in every process and every version: states of different visits must agree
//! on it, which the standard library's hashers do not promise.

use crate::model::dice;

const SECRET: [u64; 3] = [0xa076_1d64_78bd_642f, 0xe703_7ed1_a0b4_28db, 0x8ebc_6af0_9c88_c6e3];

fn fold(a: u64, b: u64) -> u64 {
    let wide = u128::from(a) * u128::from(b);
    (wide as u64) ^ ((wide >> 64) as u64)
}

fn word(bytes: &[u8]) -> u64 {
    let mut buffer = [0; 8];
    let taken = bytes.len().min(8);
    buffer[..taken].copy_from_slice(&bytes[..taken]);
    u64::from_le_bytes(buffer)
}

/// Hash of bytes.
pub(super) fn hash_bytes(bytes: &[u8]) -> u64 {
    let mut state = SECRET[0] ^ fold(bytes.len() as u64 ^ SECRET[1], SECRET[2]);
    let mut chunks = bytes.chunks_exact(16);
    for chunk in &mut chunks {
        state = fold(word(&chunk[..8]) ^ SECRET[1], word(&chunk[8..]) ^ state);
    }
    let rest = chunks.remainder();
    if !rest.is_empty() {
        let (low, high) = rest.split_at(rest.len().min(8));
        state = fold(word(low) ^ SECRET[2], word(high) ^ state ^ SECRET[1]);
    }
    fold(state ^ SECRET[0], SECRET[2] ^ bytes.len() as u64)
}

/// Spreads a key over all bits.
pub(super) fn spread(key: i64) -> u64 {
    dice::spread(key.cast_unsigned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_stay_the_same_and_differ_between_near_texts() {
        let mut seen = std::collections::BTreeSet::new();
        for length in 0..70 {
            for byte in [0, 1, b'a', 255] {
                let mut text = vec![byte; length];
                assert!(length == 0 && byte > 0 || seen.insert(hash_bytes(&text)), "{length} × {byte}");
                if let Some(last) = text.last_mut() {
                    *last ^= 0x80;
                    assert!(seen.insert(hash_bytes(&text)), "{length} × {byte}, last bit");
                }
            }
        }
        assert_eq!(hash_bytes(b"headwater"), hash_bytes(b"headwater"));
    }
}
