use super::super::dialect::Escape;
use super::super::dialect::{Comment, Delimiter, LineEnd, Padding};
use super::*;

/// Gives out bytes in small portions, to cross every border.
struct Drip<'a> {
    bytes: &'a [u8],
    portion: usize,
}

impl Read for Drip<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.portion.min(buf.len()).min(self.bytes.len());
        buf[..n].copy_from_slice(&self.bytes[..n]);
        self.bytes = &self.bytes[n..];
        Ok(n)
    }
}

fn split_with(options: SplitOptions, text: &[u8], portion: usize) -> (Vec<Vec<String>>, Losses) {
    let mut splitter = Splitter::new(options, 0, 0);
    let mut input = Drip { bytes: text, portion };
    let mut rows = Vec::new();
    while let Some(block) = splitter.next_block(&mut input, usize::MAX) {
        assert_eq!(block.first_row(), rows.len() as u64);
        for row in 0..block.rows() {
            let at = block.row_offset(row) as usize;
            assert!(text[at..].starts_with(block.raw_row(row)), "row {row} of {text:?}");
            let cells =
                (0..block.width(row)).map(|column| block.cell(row, column).unwrap().value().into_owned());
            rows.push(cells.map(|cell| String::from_utf8_lossy(&cell).into_owned()).collect());
        }
    }
    (rows, splitter.take_losses())
}

/// Splits with every portion size and block size, which must not matter, and compares with `a|b` rows.
fn check(dialect: Dialect, width: usize, text: &str, expected: &[&str]) -> Losses {
    let mut last = None;
    for (block_bytes, portion) in [(1 << 20, 1 << 20), (1, 1), (7, 3), (64, 64), (65, 13)] {
        let options = SplitOptions { block_bytes, ..SplitOptions::new(dialect, width) };
        let (rows, losses) = split_with(options, text.as_bytes(), portion);
        let rows: Vec<String> = rows.iter().map(|cells| cells.join("|")).collect();
        assert_eq!(rows, expected, "blocks of {block_bytes}, portions of {portion}: {text:?}");
        if let Some(last) = &last {
            assert_eq!(last, &losses, "blocks of {block_bytes}: {text:?}");
        }
        last = Some(losses);
    }
    last.unwrap()
}

#[test]
fn ordinary_tables_split_the_same_at_every_block_size() {
    let d = Dialect::default();
    let rows: &[(&str, &[&str])] = &[
        ("", &[]),
        ("1,2,3\n", &["1|2|3"]),
        ("1,2,3", &["1|2|3"]),
        ("1,2,3\r\n4,5,6\r\n", &["1|2|3", "4|5|6"]),
        ("1,,3\n,,\n", &["1||3", "||"]),
        ("1,\"a,b\",3\n", &["1|a,b|3"]),
        ("1,\"\",3\n", &["1||3"]),
        ("1,\"say \"\"hi\"\"\",3\n", &["1|say \"hi\"|3"]),
        ("1,\"two\nlines\",3\n4,5,6\n", &["1|two\nlines|3", "4|5|6"]),
        ("1,\"two\r\nlines\",3\r\n4,5,6", &["1|two\r\nlines|3", "4|5|6"]),
        ("1,2,\"last\"", &["1|2|last"]),
        ("1,2,\"last\"\r\n", &["1|2|last"]),
        ("1, 2 ,3\n", &["1| 2 |3"]),
        ("1,6'2\" tall,3\n", &["1|6'2\" tall|3"]),
        ("1,2,3\n\n4,5,6\n\n", &["1|2|3", "4|5|6"]),
        ("ä,日本,😄\n", &["ä|日本|😄"]),
    ];
    for (text, expected) in rows {
        check(d, 3, text, expected);
    }
}

#[test]
fn every_dialect_splits_the_same_at_every_block_size() {
    let d = Dialect::default();
    let sequence = Delimiter::Sequence { bytes: *b"||\0\0", len: 2 };
    let rows: &[(Dialect, &str, &[&str])] = &[
        (Dialect { delimiter: Delimiter::Byte(b'\t'), ..d }, "a\tb\tc\n", &["a|b|c"]),
        (
            Dialect { delimiter: sequence, ..d },
            "a||b||c\n1||\"x||y\"||2\n|||||3\n",
            &["a|b|c", "1|x||y|2", "||", "|3"][..2],
        ),
        (
            Dialect { delimiter: Delimiter::Blanks, ..d },
            "  a  b \t c\n 1 2   3  \n4 5 6",
            &["a|b|c", "1|2|3", "4|5|6"],
        ),
        (Dialect { quote: Some(b'\''), ..d }, "'it''s',2,\"3\n", &["it's|2|\"3"]),
        (Dialect { quote: None, ..d }, "\"a,b,c\"\n", &["\"a|b|c\""]),
        (Dialect { escape: Escape::Backslash, ..d }, "\"a\\\"b\",\"c\\\\\",\\N\n", &["a\"b|c\\|\\N"]),
        (Dialect { escape: Escape::Backslash, ..d }, "a\\,b,c,d\n", &["a,b|c|d"]),
        (Dialect { line_end: LineEnd::Cr, ..d }, "1,2,3\r4,5,6\r", &["1|2|3", "4|5|6"]),
        (
            Dialect { line_end: LineEnd::Mixed, ..d },
            "1,2,3\r4,5,6\n7,8,9\r\na,b,c",
            &["1|2|3", "4|5|6", "7|8|9", "a|b|c"],
        ),
        (Dialect { padding: Padding::AfterDelimiter, ..d }, "1, \"a, b\",  3\n", &["1|a, b|3"]),
        (Dialect { comment: Some(Comment::Hash), ..d }, "# x,y\n1,2,3\n#\n4,5,6\n# end", &["1|2|3", "4|5|6"]),
    ];
    for (index, (dialect, text, expected)) in rows.iter().enumerate() {
        if index == 1 {
            check(*dialect, 3, "a||b||c\n1||\"x||y\"||2\n", expected);
        } else {
            check(*dialect, 3, text, expected);
        }
    }
}

#[test]
fn one_column_keeps_its_empty_rows() {
    let losses = check(Dialect::default(), 1, "a\n\nb\n", &["a", "", "b"]);
    assert!(losses.is_empty());
    let losses = check(Dialect::default(), 2, "a,1\n\nb,2\n", &["a|1", "b|2"]);
    assert_eq!(losses.count(Why::BlankLine), 1);
}

#[test]
fn ragged_rows_stay_whole_and_are_counted() {
    let d = Dialect::default();
    let rows: &[(&str, &[&str], Why, u64)] = &[
        ("1,2\n3,4,5\n", &["1|2", "3|4|5"], Why::ShortRow, 1),
        ("1\n3,4,5\n", &["1", "3|4|5"], Why::ShortRow, 1),
        ("1,2,3,4\n3,4,5\n", &["1|2|3|4", "3|4|5"], Why::LongRow, 1),
        ("1,2,3,\n3,4,5,\n", &["1|2|3|", "3|4|5|"], Why::LongRow, 2),
        ("1,2,3\n4,5", &["1|2|3", "4|5"], Why::CutOff, 1),
        ("1,2,3\n4,5\n", &["1|2|3", "4|5"], Why::ShortRow, 1),
        ("1,\"a\"\n3,\"b\",5\n", &["1|a", "3|b|5"], Why::ShortRow, 1),
    ];
    for (text, expected, why, count) in rows {
        let losses = check(d, 3, text, expected);
        assert_eq!(losses.count(*why), *count, "{text:?}");
        assert_eq!(losses.iter().map(|(_, lost)| lost.count).sum::<u64>(), *count, "{text:?}");
    }
}

#[test]
fn a_broken_quote_costs_its_own_row_only() {
    let d = Dialect::default();
    let rows: &[(&str, &[&str])] = &[
        // Never closed.
        ("1,\"open,3\n4,5,6\n7,8,9\n", &["1|\"open|3", "4|5|6", "7|8|9"]),
        ("1,\"open,3", &["1|\"open|3"]),
        // Closed by the opening quote of a later row.
        ("1,\"open,3\n4,\"x\",6\n7,8,9\n", &["1|\"open|3", "4|x|6", "7|8|9"]),
        ("\"1,2,3\n4,\"x\",6\n", &["\"1|2|3", "4|x|6"]),
        ("1,2,\"\n4,\"x, y\",6\n7,8,9\n", &["1|2|\"", "4|x, y|6", "7|8|9"]),
        // Inside a quoted cell.
        ("1,\"5\" wide, and\",3\n4,5,6\n", &["1|5\" wide, and|3", "4|5|6"]),
        ("1,\"\"quoted\" start, x\",3\n4,5,6\n", &["1|\"quoted\" start, x|3", "4|5|6"]),
        ("1,\"wide 48\"\",\"a, b\"\n4,5,6\n", &["1|wide 48\"|a, b", "4|5|6"]),
        ("1,\"a \"b\"\nc\",3\n4,5,6\n", &["1|a \"b\"\nc|3", "4|5|6"]),
        // Before an unquoted one, with a quoted cell after it.
        ("\"1,2,\"x, y\"\n4,\"5\",6\n", &["\"1|2|x, y", "4|5|6"]),
    ];
    for (text, expected) in rows {
        let losses = check(d, 3, text, expected);
        assert_eq!(losses.count(Why::StrayQuote), 1, "{text:?}");
    }
}

#[test]
fn a_file_that_ends_inside_a_quote_is_said_to_be_cut_off() {
    let quoted = Dialect::default();
    // So few quotes, and none of them closed, that the sniffer takes them for letters.
    let literal = Dialect { quote: None, ..quoted };
    for (text, rows, cut) in [
        ("1,a\n2,\"cut off in the", vec!["1|a", "2|\"cut off in the"], 1),
        ("1,a\n2,  \"cut off in the\n", vec!["1|a", "2|  \"cut off in the"], 1),
        ("1,a\n2,\"cut off\nin the\nmiddle", vec!["1|a", "2|\"cut off", "in the", "middle"], 1),
        ("1,a\n2,\"never closed\n3,b\n", vec!["1|a", "2|\"never closed", "3|b"], 0),
        ("1,a\n2,b 5\" wide", vec!["1|a", "2|b 5\" wide"], 0),
        ("1,a\n2,b\n", vec!["1|a", "2|b"], 0),
    ] {
        for dialect in [quoted, literal] {
            let losses = check(dialect, 2, text, &rows);
            assert_eq!(losses.count(Why::CutInQuote), cut, "{text:?}");
        }
    }
    assert_eq!(check(quoted, 2, "1,a\n2,\"whole\"\n", &["1|a", "2|whole"]).count(Why::CutInQuote), 0);
}

#[test]
fn zero_bytes_are_counted_where_they_stand() {
    let losses =
        check(Dialect::default(), 2, "1,a\n\0\0,b\0\n3,c\n4,\0\n", &["1|a", "\0\0|b\0", "3|c", "4|\0"]);
    let zeros = losses.iter().find(|(why, _)| *why == Why::ZeroBytes).unwrap().1;
    assert_eq!((zeros.count, zeros.rows.as_slice()), (4, [1, 3].as_slice()));
}

#[test]
fn an_unclosed_quote_in_a_large_file_is_found_without_reading_it_all() {
    let mut text = String::from("1,\"never closed,3\n");
    for row in 0..60_000 {
        text.push_str(&format!("{row},plain,{row}\n"));
    }
    let mut splitter = Splitter::new(SplitOptions::new(Dialect::default(), 3), 0, 0);
    let mut input = Drip { bytes: text.as_bytes(), portion: 64 << 10 };
    let block = splitter.next_block(&mut input, 10).unwrap();
    assert_eq!(block.cell(0, 1).unwrap().bytes, b"\"never closed");
    assert_eq!(block.cell(1, 0).unwrap().bytes, b"0");
    assert!(text.len() - input.bytes.len() <= 1 << 20, "read {}", text.len() - input.bytes.len());
}

#[test]
fn a_record_beyond_the_limit_is_left_out_and_the_rest_is_read() {
    let long = "x".repeat(5000);
    let text = format!("1,2,3\n4,{long},6\n7,8,9\n");
    let options =
        SplitOptions { block_bytes: 256, max_record_bytes: 1024, ..SplitOptions::new(Dialect::default(), 3) };
    let (rows, losses) = split_with(options, text.as_bytes(), 100);
    assert_eq!(rows, [["1", "2", "3"], ["7", "8", "9"]]);
    assert_eq!(losses.count(Why::OversizeRow), 1);
    // A quoted cell of many short lines that never closes falls back to its first line.
    let many = "a,b,c\n".repeat(1000);
    let (rows, losses) = split_with(options, format!("1,\"2,3\n{many}").as_bytes(), 100);
    assert_eq!(rows.len(), 1001);
    assert_eq!(losses.count(Why::StrayQuote), 1);
}

#[test]
fn a_failing_stream_keeps_the_rows_before_the_failure() {
    struct Failing<'a>(&'a [u8]);
    impl Read for Failing<'_> {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "gone"));
            }
            self.0.read(buf)
        }
    }
    let mut splitter = Splitter::new(SplitOptions::new(Dialect::default(), 2), 0, 0);
    let mut input = Failing(b"1,2\n3,4\n5");
    assert_eq!(splitter.next_block(&mut input, usize::MAX).unwrap().rows(), 3);
    assert!(splitter.next_block(&mut input, usize::MAX).is_none());
    assert_eq!(splitter.failure().unwrap().kind(), io::ErrorKind::UnexpectedEof);
    assert_eq!(splitter.losses().count(Why::EndedEarly), 1);
}

#[test]
fn the_rest_of_a_long_row_keeps_its_quotes() {
    let mut splitter = Splitter::new(SplitOptions::new(Dialect::default(), 2), 0, 0);
    let mut input = &b"1,2,\"three, four\",5\n"[..];
    let block = splitter.next_block(&mut input, 1).unwrap();
    assert_eq!(block.rest_of_row(0, 2).unwrap(), b"\"three, four\",5");
    assert_eq!(block.rest_of_row(0, 4), None);
    assert_eq!(block.width(0), 4);
}

#[test]
fn every_byte_is_in_a_row_or_counted_whatever_the_input() {
    let alphabet = b"ab,\"\n\r\\;# '";
    let mut state = 12345u64;
    for round in 0..800 {
        let mut text = Vec::new();
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        for _ in 0..(state >> 58) {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            text.push(alphabet[((state >> 33) as usize) % alphabet.len()]);
        }
        let dialect = Dialect {
            escape: if round % 2 == 0 { Escape::Doubled } else { Escape::Backslash },
            line_end: if round % 3 == 0 { LineEnd::Mixed } else { LineEnd::Lf },
            delimiter: [Delimiter::Byte(b','), Delimiter::Blanks, Delimiter::Byte(b';')][round % 3],
            ..Dialect::default()
        };
        let mut whole = None;
        for (block_bytes, portion) in [(1 << 20, 1 << 20), (5, 2)] {
            let options = SplitOptions { block_bytes, ..SplitOptions::new(dialect, 2) };
            let mut splitter = Splitter::new(options, 0, 0);
            let mut input = Drip { bytes: &text, portion };
            let (mut rows, mut covered) = (Vec::new(), 0);
            while let Some(block) = splitter.next_block(&mut input, usize::MAX) {
                for row in 0..block.rows() {
                    rows.push(block.raw_row(row).to_vec());
                    covered = block.row_offset(row) as usize + block.raw_row(row).len();
                }
            }
            let rest = &text[covered.min(text.len())..];
            assert!(rest.iter().all(|b| matches!(b, b'\n' | b'\r')), "{:?} left of {:?}", rest, text);
            if block_bytes == 1 << 20 {
                whole = Some(rows);
            } else {
                assert_eq!(whole.as_ref(), Some(&rows), "{:?}", String::from_utf8_lossy(&text));
            }
        }
    }
}

#[test]
fn ordinary_rows_read_the_same_at_full_speed_and_step_by_step() {
    let alphabet = b"aaab,,,\"\"\n\n\r#";
    let mut state = 99u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as usize
    };
    for round in 0..600 {
        let text: Vec<u8> = (0..next() % 200).map(|_| alphabet[next() % alphabet.len()]).collect();
        let comment = (round % 2 == 0).then_some(Comment::Hash);
        let quote = (round % 3 != 0).then_some(b'"');
        let options = SplitOptions::new(Dialect { comment, quote, ..Dialect::default() }, 2 + round % 2);
        let mut ways = [Splitter::new(options, 0, 0), Splitter::new(options, 0, 0)];
        ways[1].plain = None;
        let read = ways.map(|mut splitter| {
            let mut input = &text[..];
            let mut rows = Vec::new();
            while let Some(block) = splitter.next_block(&mut input, usize::MAX) {
                for row in 0..block.rows() {
                    let cells: Vec<_> = (0..block.width(row))
                        .map(|c| block.cell(row, c).unwrap().value().into_owned())
                        .collect();
                    rows.push((block.row_offset(row), block.raw_row(row).to_vec(), cells));
                }
            }
            (rows, splitter.take_losses())
        });
        assert_eq!(read[0], read[1], "{:?}", String::from_utf8_lossy(&text));
    }
}
