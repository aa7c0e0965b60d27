//! Streams of `COPY … TO STDOUT`, whole and cut everywhere.

use super::*;
use crate::connectors::postgres::types::Types;
use crate::kit::dice::Dice;

type Fields = Vec<Option<Vec<u8>>>;

/// Feeds the chunks; the rows given, and how the stream ended.
fn read(columns: usize, chunks: &[&[u8]]) -> (Vec<Fields>, Result<u64>) {
    let mut rows: Vec<Fields> = Vec::new();
    let mut parser = TextRows::new(columns);
    for chunk in chunks {
        let fed = parser.feed(chunk, |row| {
            assert_eq!(row.number(), rows.len() as u64 + 1);
            let fields: Fields = row.fields().map(|field| field.map(<[u8]>::to_vec)).collect();
            assert!(fields.iter().enumerate().all(|(at, field)| row.get(at) == field.as_deref()));
            rows.push(fields);
            Ok(())
        });
        if let Err(error) = fed {
            return (rows, Err(error));
        }
    }
    (rows, parser.end())
}

/// The server's own escapes (`CopyAttributeOutText`).
fn written(rows: &[Fields]) -> Vec<u8> {
    let mut out = Vec::new();
    for row in rows {
        for (index, field) in row.iter().enumerate() {
            if index > 0 {
                out.push(b'\t');
            }
            let Some(field) = field else {
                out.extend_from_slice(b"\\N");
                continue;
            };
            for byte in field {
                match byte {
                    8 => out.extend_from_slice(b"\\b"),
                    12 => out.extend_from_slice(b"\\f"),
                    b'\n' => out.extend_from_slice(b"\\n"),
                    b'\r' => out.extend_from_slice(b"\\r"),
                    b'\t' => out.extend_from_slice(b"\\t"),
                    11 => out.extend_from_slice(b"\\v"),
                    b'\\' => out.extend_from_slice(b"\\\\"),
                    byte => out.push(*byte),
                }
            }
        }
        out.push(b'\n');
    }
    out
}

fn some(fields: &[&str]) -> Fields {
    fields.iter().map(|field| Some(field.as_bytes().to_vec())).collect()
}

#[test]
fn every_escape_is_taken_out() {
    let rows: [(&[u8], &[u8]); 14] = [
        (b"", b""),
        (b"plain", b"plain"),
        (b"a\\tb\\nc\\rd\\\\e", b"a\tb\nc\rd\\e"),
        (b"\\b\\f\\v", &[8, 12, 11]),
        (b"\\101\\60\\7x", b"A0\x07x"),
        (b"\\777", &[0xff]),
        (b"\\x41\\x4g\\xg", b"A\x04gxg"),
        (b"\\8\\q\\.", b"8q."),
        (b"\\\\N", b"\\N"),
        (b"a\\N", b"aN"),
        (b"\\N\\N", b"NN"),
        (b".", b"."),
        (b"\\\t\\\n", b"\t\n"),
        ("é\\té".as_bytes(), "é\té".as_bytes()),
    ];
    for (text, expected) in rows {
        let stream = [text, b"\t\\N\n"].concat();
        let (rows, end) = read(2, &[&stream]);
        assert_eq!(rows, [vec![Some(expected.to_vec()), None]], "{}", text.escape_ascii());
        assert_eq!(end.unwrap(), 1);
    }
}

#[test]
fn a_stream_gives_the_same_rows_wherever_it_is_cut() {
    let rows = vec![
        some(&["1", "a\tb", ""]),
        vec![None, Some(b"\\".to_vec()), Some(b"\\N".to_vec())],
        some(&["\n\n", "é😀\r\u{b}", "x"]),
        vec![None, None, None],
        some(&[&"long ".repeat(40), "\\\\\\", "\\."]),
        some(&["", "", ""]),
    ];
    let stream = written(&rows);
    for cut in 0..=stream.len() {
        let (head, tail) = stream.split_at(cut);
        let (given, end) = read(3, &[head, tail]);
        assert_eq!((given, end.unwrap()), (rows.clone(), 6), "cut at {cut}");
        let (given, end) = read(3, &[head]);
        let whole = stream[..cut].iter().enumerate().filter(|(at, byte)| {
            let slashes = stream[..*at].iter().rev().take_while(|byte| **byte == b'\\').count();
            **byte == b'\n' && slashes % 2 == 0
        });
        let whole = whole.count();
        assert_eq!(given, rows[..whole], "ended at {cut}");
        let inside = cut > 0 && stream[cut - 1] != b'\n';
        assert_eq!(
            end.map_err(|error| error.kind),
            if inside { Err(ErrorKind::Decode) } else { Ok(whole as u64) }
        );
    }
    let bytes: Vec<&[u8]> = stream.chunks(1).collect();
    assert_eq!(read(3, &bytes).0, rows);
}

#[test]
fn random_rows_come_back_from_random_chunks() {
    let mut dice = Dice::new(41);
    for _ in 0..300 {
        let columns = 1 + dice.below(5) as usize;
        let field = |dice: &mut Dice| {
            (dice.below(6) > 0).then(|| {
                let length = if dice.below(20) == 0 { 400 } else { dice.below(12) };
                (0..length)
                    .map(|_| b"\\\\\t\n\rN.x017ab\x08\xffq"[dice.below(16) as usize])
                    .collect::<Vec<u8>>()
            })
        };
        let rows: Vec<Fields> =
            (0..dice.below(12)).map(|_| (0..columns).map(|_| field(&mut dice)).collect()).collect();
        let stream = written(&rows);
        let mut chunks = Vec::new();
        let mut rest = stream.as_slice();
        while !rest.is_empty() {
            let (chunk, after) = rest.split_at(rest.len().min(dice.below(90) as usize));
            chunks.push(chunk);
            rest = after;
        }
        let (given, end) = read(columns, &chunks);
        assert_eq!((given, end.unwrap()), (rows.clone(), rows.len() as u64));
    }
}

#[test]
fn rows_without_columns_and_rows_of_one_empty_text_are_told_apart() {
    assert_eq!(read(0, &[b"\n\n"]).0, [Fields::new(), Fields::new()]);
    assert_eq!(read(1, &[b"\n\\N\n"]).0, [some(&[""]), vec![None]]);
}

#[test]
fn the_end_marker_ends_the_data_and_nothing_follows_it() {
    for stream in [&b"a\n\\.\n"[..], b"a\n"] {
        let (rows, end) = read(1, &[stream]);
        assert_eq!((rows, end.unwrap()), (vec![some(&["a"])], 1));
    }
    let (rows, end) = read(1, &[b"a\n\\.\n", b"b\n"]);
    assert_eq!((rows, end.unwrap_err().kind), (vec![some(&["a"])], ErrorKind::Decode));
}

#[test]
fn a_broken_row_is_named_and_the_rows_before_it_stand() {
    for (columns, stream, rows, row) in [
        (2, &b"a\tb\nc\nd\te\n"[..], 1, "row 2"),
        (2, b"a\tb\tc\n", 0, "row 1"),
        (0, b"a\n", 0, "row 1"),
        (1, b"a\nb", 1, "row 2"),
        (1, b"a\nb\\", 1, "row 2"),
    ] {
        let (given, end) = read(columns, &[stream]);
        let error = end.unwrap_err();
        assert_eq!((given.len(), error.kind), (rows, ErrorKind::Decode));
        assert!(error.attempted.contains(row), "{error}");
    }
}

#[test]
fn binary_is_chosen_where_it_costs_the_server_less_and_can_be_read() {
    let types = Types::default();
    let numeric = |oid| if oid == 1700 { (15 << 16 | 2) + 4 } else { -1 };
    let lineitem = [20, 20, 20, 23, 1700, 1700, 1700, 1700, 1042, 1042, 1082, 1082, 1082, 1042, 1042, 1043]
        .map(|oid| types.column(oid, numeric(oid)))
        .to_vec();
    let of = |oids: &[u32]| oids.iter().map(|oid| types.column(*oid, -1)).collect::<Vec<_>>();
    for (columns, format) in [
        (lineitem, Format::Text),
        (of(&[701, 701, 701, 23]), Format::Binary),
        (of(&[2950, 1184, 25, 25]), Format::Binary),
        (of(&[25, 1700, 16]), Format::Text),
        (of(&[701, 701, 869]), Format::Text),
        (of(&[]), Format::Text),
    ] {
        assert_eq!(format_for(&columns), format);
    }
}

#[test]
fn what_the_taker_fails_with_ends_the_feed() {
    let mut parser = TextRows::new(1);
    let stopped = parser.feed(b"a\nb\n", |_| Err(Error::cancelled("read")));
    assert_eq!(stopped.unwrap_err().kind, ErrorKind::Cancelled);
    assert_eq!(parser.rows(), 1);
}
