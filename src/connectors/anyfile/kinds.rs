//! What a file is by its first bytes, for the kinds that no connector reads.

/// First bytes, the place where they stand, what they say, and what to do.
const KINDS: &[(usize, &[u8], &str, &str)] = &[
    (0, b"PK\x03\x04", "ZIP archive", "unpack it and open what is in it"),
    (0, b"PK\x05\x06", "empty ZIP archive", ""),
    (257, b"ustar", "tar archive", "unpack it and open what is in it"),
    (0, b"7z\xBC\xAF\x27\x1C", "7z archive", "unpack it and open what is in it"),
    (0, b"Rar!\x1A\x07", "RAR archive", "unpack it and open what is in it"),
    (0, b"\x1F\x8B", "gzip", "rename it to what is in it, such as x.csv.gz"),
    (0, b"\x28\xB5\x2F\xFD", "zstd", "rename it to what is in it, such as x.csv.zst"),
    (0, b"BZh", "bzip2", "rename it to what is in it, such as x.csv.bz2"),
    (0, b"\xFD7zXZ\0", "xz", "rename it to what is in it, such as x.csv.xz"),
    (0, b"\x04\x22\x4D\x18", "lz4", "unpack it"),
    (0, b"%PDF-", "PDF document", "ask for the data behind it"),
    (
        0,
        b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1",
        "compound file (old Office, MSI, mail)",
        "an old workbook opens as Excel",
    ),
    (0, b"ORC", "ORC file", "write it out as Parquet where it comes from"),
    (0, b"\x89HDF\r\n\x1A\n", "HDF5 file", ""),
    (0, b"CDF\x01", "NetCDF file", ""),
    (0, b"CDF\x02", "NetCDF file", ""),
    (0, b"\x93NUMPY", "NumPy array", ""),
    (0, b"\x80\x04\x95", "Python pickle", "never load one from others: it runs code"),
    (0, b"DUCK", "DuckDB database, perhaps", ""),
    (8, b"DUCK", "DuckDB database", "export its tables as Parquet"),
    (0, b"\0\x01\0\0Standard Jet DB", "Access database", "export its tables as CSV"),
    (0, b"\0\x01\0\0Standard ACE DB", "Access database", "export its tables as CSV"),
    (0, b"SIMPLE  =", "FITS image or table", ""),
    (0, b"<<< SAS", "SAS file", ""),
    (0, b"$FL2", "SPSS file", "export it as CSV"),
    (0, b"<stata_dta>", "Stata file", "export it as CSV"),
    (0, b"\x7FELF", "program (ELF)", ""),
    (0, b"MZ", "program (Windows)", ""),
    (0, b"\xCA\xFE\xBA\xBE", "Java class or Mach-O program", ""),
    (0, b"\xCF\xFA\xED\xFE", "program (Mach-O)", ""),
    (0, b"\0asm", "WebAssembly", ""),
    (0, b"\xD4\xC3\xB2\xA1", "packet capture (pcap)", ""),
    (0, b"\x0A\x0D\x0D\x0A", "packet capture (pcapng)", ""),
    (0, b"OggS", "Ogg media", ""),
    (0, b"ID3", "MP3 audio", ""),
    (0, b"fLaC", "FLAC audio", ""),
    (4, b"ftyp", "MP4, HEIF or AVIF media", ""),
    (0, b"\x1A\x45\xDF\xA3", "Matroska or WebM media", ""),
    (0, b"wOFF", "font", ""),
    (0, b"\0\x01\0\0\0", "font (TrueType)", ""),
    (0, b"OTTO", "font (OpenType)", ""),
    (0, b"-----BEGIN ", "PEM: certificate or key", "a key in it must not be handed on"),
    (0, b"\x30\x82", "DER: certificate or key, perhaps", "a key in it must not be handed on"),
    (0, b"\x85\x02", "PGP data, perhaps", ""),
    (0, b"age-encryption.org/", "encrypted with age", ""),
    (0, b"Salted__", "encrypted with openssl", ""),
    (0, b"!<arch>\n", "static library or Debian package", ""),
    (0, b"\xED\xAB\xEE\xDB", "RPM package", ""),
    (0, b"SQLite format 3\0", "SQLite database", "open it as SQLite"),
];

/// What the first bytes say, and what to do with such a file.
pub(super) fn kind(head: &[u8]) -> Option<(&'static str, &'static str)> {
    let is = |(place, magic, ..): &&(usize, &[u8], &str, &str)| {
        head.get(*place..).is_some_and(|rest| rest.starts_with(magic))
    };
    KINDS.iter().find(is).map(|(_, _, what, next)| (*what, *next))
}

/// Shannon's entropy in bits a byte: near 8 for what is packed or encrypted.
pub(super) fn entropy(bytes: &[u8]) -> f64 {
    let mut counts = [0_u64; 256];
    for byte in bytes {
        counts[usize::from(*byte)] += 1;
    }
    let all = bytes.len() as f64;
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| *count as f64 / all)
        .map(|share| -share * share.log2())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_known_by_their_first_bytes() {
        let mut tar = vec![0; 512];
        tar[257..262].copy_from_slice(b"ustar");
        for (head, what) in [
            (&b"PK\x03\x04rest"[..], Some("ZIP archive")),
            (&tar, Some("tar archive")),
            (b"\0\0\0\x18ftypheic", Some("MP4, HEIF or AVIF media")),
            (b"ORC\x01", Some("ORC file")),
            (b"\x01\x02\x03", None),
            (b"", None),
        ] {
            assert_eq!(kind(head).map(|(what, _)| what), what);
        }
    }

    #[test]
    fn packed_bytes_have_more_entropy_than_words() {
        let all: Vec<u8> = (0..=255).collect();
        assert!((entropy(&all) - 8.0).abs() < 1e-9);
        assert!(entropy(b"aaaa").abs() < 1e-9 && entropy(b"abab") > 0.99 && entropy(b"").abs() < 1e-9);
    }
}
