use super::super::dialect::{Losses, QuoteChoice, Why};
use super::super::split::{SplitOptions, Splitter};
use super::*;

fn sniff_all(file: &[u8]) -> Sniffed {
    let windows = Windows { head: file, whole: true, middle: b"", tail: (0, b"") };
    sniff(windows, &Overrides::default())
}

/// Every row of a file as the sniffer understands it, cells decoded.
fn read_as(found: &Sniffed, file: &[u8]) -> (Vec<Vec<String>>, Losses) {
    let end = found.data_end.unwrap_or(file.len() as u64) as usize;
    let mut input = found.encoding.reader(&file[found.data_start as usize..end]);
    let mut splitter = Splitter::new(SplitOptions::new(found.dialect, found.width), 0, 0);
    let mut rows = Vec::new();
    while let Some(block) = splitter.next_block(&mut input, usize::MAX) {
        for row in 0..block.rows() {
            let cells = (0..block.width(row)).map(|column| {
                match found.encoding.cell(block.cell(row, column).unwrap().value()) {
                    super::super::decode::CellText::Valid(text) => text.into_owned(),
                    super::super::decode::CellText::Invalid(bytes) => format!("{bytes:?}"),
                }
            });
            rows.push(cells.collect());
        }
    }
    (rows, splitter.take_losses())
}

fn summary(found: &Sniffed) -> String {
    let quote = found.dialect.quote.map_or("none".to_owned(), |quote| (quote as char).to_string());
    format!("{} {} {:?}", found.dialect.delimiter, quote, found.header)
}

#[track_caller]
fn check(file: &str, dialect: &str, columns: &str, rows: usize) -> Sniffed {
    check_bytes(file.as_bytes(), dialect, columns, rows)
}

#[track_caller]
fn check_bytes(file: &[u8], dialect: &str, columns: &str, rows: usize) -> Sniffed {
    let found = sniff_all(file);
    let (read, _) = read_as(&found, file);
    let shown = format!("{}\n{:#?}", String::from_utf8_lossy(&file[..file.len().min(500)]), found.evidence);
    assert_eq!(summary(&found), dialect, "{shown}");
    assert_eq!(found.names.join("|"), columns, "{shown}");
    assert_eq!(read.len(), rows, "{shown}");
    found
}

const LINES_1: &str = "Lines(1)";

#[test]
fn common_dialects_are_recognised() {
    let comma = format!("',' \" {LINES_1}");
    check("a,b,c\n1,2,3\n", &comma, "a|b|c", 1);
    check("a,b,c\r\n1,2,3\r\n4,5,6", &comma, "a|b|c", 2);
    check("a,b,c\r1,2,3\r4,5,6\r", &comma, "a|b|c", 2);
    check("foo,bar,baz", &comma, "foo|bar|baz", 0);
    check("id;name;price\n1;Anna;10,50\n2;Bert;3,20\n", &format!("';' \" {LINES_1}"), "id|name|price", 2);
    check("id\tname\n1\tAnna, B.\n2\tBert; C.\n", &format!("tab \" {LINES_1}"), "id|name", 2);
    check(
        "id|name|day\n1|Anna|2018-01-28\n2|Bert|2018-01-29\n",
        &format!("'|' \" {LINES_1}"),
        "id|name|day",
        2,
    );
    check(
        "id||name||day\n1||Anna||2018-01-28\n2||Bert||2018-01-29\n",
        &format!("'||' \" {LINES_1}"),
        "id|name|day",
        2,
    );
    check(
        "id^name^day\n1^Anna^2018-01-28\n2^Bert^2018-01-29\n",
        &format!("'^' \" {LINES_1}"),
        "id|name|day",
        2,
    );
    check("x y z\n1 2 3\n4 5 6\n7 8 9\n", &format!("space \" {LINES_1}"), "x|y|z", 3);
    check(
        "  x    y    z\n  1    2    3\n 14    5   16\n",
        &format!("runs of spaces \" {LINES_1}"),
        "x|y|z",
        2,
    );
    check("'a, b','c'\n'1','it''s, ok'\n'2','x, y'\n", &format!("',' ' {LINES_1}"), "a, b|c", 2);
    check("a, b, c\n1, \"x, y\", 3\n4, z, 6\n", &comma, "a|b|c", 2);
    check(
        "root:x:0:0:root:/root:/bin/bash\nbin:x:1:1:bin:/bin:/sbin/nologin\n",
        "':' \" Absent",
        "column_1|column_2|column_3|column_4|column_5|column_6|column_7",
        2,
    );
}

#[test]
fn commas_of_prose_do_not_beat_the_delimiter() {
    let prose = "what it was like, ".repeat(6);
    let mut file = "n;half;words\n".to_owned();
    for row in 0..40 {
        file.push_str(&format!("{row};{row},5;{prose}{row}\n"));
    }
    check(&file, &format!("';' \" {LINES_1}"), "n|half|words", 40);
}

#[test]
fn one_column_and_no_table_stay_readable() {
    check("foo\n1\n2\n", &format!("none \" {LINES_1}"), "foo", 2);
    check("foo\n\n", &format!("none \" {LINES_1}"), "foo", 1);
    check("\n\n", "none \" Absent", "column_1", 2);
    check("", "none \" Absent", "column_1", 0);
    check("2018-01-28 00:00\n2018-01-28 00:15\n", "none \" Absent", "column_1", 2);
    check(
        "The quick brown fox, they say,\njumps over the dog.\n\nAnd then, of course, it rains\nas ever.\n",
        "none \" Absent",
        "column_1",
        5,
    );
}

#[test]
fn headers_are_told_from_data() {
    let comma = format!("',' \" {LINES_1}");
    check("1,2,3\n4,5,6\n", "',' \" Absent", "column_1|column_2|column_3", 2);
    check("2018-01-28,x,1\n2018-01-29,y,2\n", "',' \" Absent", "column_1|column_2|column_3", 2);
    check("Alice,Smith\nBob,Jones\nCarol,Miller\nDan,Brown\n", "',' \" Absent", "column_1|column_2", 4);
    check("Name,City\nAlice,Paris\nBob,London\nCarol,Rome\n", &comma, "Name|City", 3);
    check("name,2018,2019\nx,1,2\ny,3,4\n", &comma, "name|2018|2019", 2);
    check("a,,c\n1,2,3\n4,5,6\n", &comma, "a|column_2|c", 2);
    check("a,a,b\n1,2,3\n4,5,6\n", &comma, "a|a_2|b", 2);
    check(
        "time,speed,dist\ns,km/h,km\n1,80,2\n2,90,3\n3,100,4\n",
        "',' \" Lines(2)",
        "time s|speed km/h|dist km",
        3,
    );
    // Row numbers without a name, as R writes them.
    check("x,y\n1,0.5,a\n2,0.7,b\n3,0.9,c\n", &comma, "column_1|x|y", 3);
    // A trailing delimiter is no column.
    check("a,b,c,\n1,2,3,\n4,5,6,\n", &comma, "a|b|c", 2);
    check("a,b,c\n1,2,3,\n4,5,6,\n", &comma, "a|b|c", 2);
}

#[test]
fn ragged_beginnings_keep_their_header() {
    let comma = format!("',' \" {LINES_1}");
    check("foo,bar,baz\n1,2", &comma, "foo|bar|baz", 1);
    check("foo,bar,baz\n1,2,3,4", &comma, "foo|bar|baz", 1);
    check("id,name\n1,a,2018-01-01\n2,b,2018-01-02\n3,c,2018-01-03\n", &comma, "column_1|id|name", 3);
    check("id,day,x,y,z\n1,2018-01-01,1,2\n2,2018-01-02,3,4\n", &comma, "id|day|x|y|z", 2);
}

#[test]
fn lines_around_the_table_are_left_out_and_said() {
    let comma = format!("',' \" {LINES_1}");
    let found = check("# made by x, y\n# at noon\na,b,c\n1,2,3\n4,5,6\n", &comma, "a|b|c", 2);
    assert_eq!((found.preamble_lines, found.dialect.comment), (2, Some(Comment::Hash)));
    let found = check("Report of May\nfor all shops\n\na,b,c\n1,2,3\n4,5,6\n", &comma, "a|b|c", 2);
    assert_eq!(found.preamble_lines, 2);
    let found =
        check("PREAMBLE,,,\n,,,\nid,day,x,y\n1,2018-01-01,3,4\n2,2018-01-02,5,6\n", &comma, "id|day|x|y", 2);
    assert_eq!(found.preamble_lines, 2);
    let found = check("a,b,c\n1,2,3\n4,5,6\n\nSource: the desk\n", &comma, "a|b|c", 2);
    assert_eq!(found.footer_lines, 1);
    let found = check("a,b,c\n1,2,3\n4,5,6\nTOTAL ROWS: 2", &comma, "a|b|c", 2);
    assert_eq!(found.footer_lines, 1);
    // A row that is merely short is no footer.
    let found = check("a,b,c\n1,2,3\n4,5,6\nunfinished", &comma, "a|b|c", 3);
    assert_eq!(found.footer_lines, 0);
    check("##meta=1\n#chrom\tpos\tref\nchr1\t100\tA\nchr2\t200\tG\n", "tab \" InComment", "chrom|pos|ref", 2);
    check("sep=;\nid;x\n1;2,5\n2;3,5\n", &format!("';' \" {LINES_1}"), "id|x", 2);
    let found = check("a,b\n1,2\n# note\n3,4\n5,6\n7,8\n9,10\n", &comma, "a|b", 5);
    assert_eq!(found.dialect.comment, Some(Comment::Hash));
    let found = check("color,name\n#ff0000,red\n#00ff00,green\n#0000ff,blue\n", &comma, "color|name", 3);
    assert_eq!(found.dialect.comment, None);
}

#[test]
fn a_header_in_another_dialect_is_still_a_header() {
    let file = "DAY ID \"TEXT\"\n2018-01-28,1,\"a, b\"\n2018-01-29,2,\"c, d\"\n2018-01-30,3,\"e, f\"\n";
    check(file, &format!("',' \" {LINES_1}"), "DAY|ID|TEXT", 3);
}

#[test]
fn quoted_line_breaks_do_not_confuse() {
    let file = "id,text,n\n1,\"two\nlines, with a comma\",5\n2,\"three\n\nlines\",6\n3,plain,7\n";
    check(file, &format!("',' \" {LINES_1}"), "id|text|n", 3);
    check(
        "id,text\n1,\"say \\\"hi\\\", he said\"\n2,\"a \\\"b\\\" c\"\n",
        &format!("',' \" {LINES_1}"),
        "id|text",
        2,
    );
}

#[test]
fn every_encoding_gives_the_same_table() {
    let text = "name;città;n\nJosé;Łódź;1\nAnaïs;Zürich;2\n";
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let with_mark: Vec<u8> = b"\xFF\xFE".iter().chain(&utf16).copied().collect();
    let utf8_mark: Vec<u8> = b"\xEF\xBB\xBF".iter().chain(text.as_bytes()).copied().collect();
    let expected = vec![vec!["José", "Łódź", "1"], vec!["Anaïs", "Zürich", "2"]];
    for file in [text.as_bytes(), &utf16, &with_mark, &utf8_mark] {
        let found = check_bytes(file, &format!("';' \" {LINES_1}"), "name|città|n", 2);
        assert_eq!(read_as(&found, file).0, expected, "{}", found.encoding.name());
    }
    let latin = b"name;caf\xE9;n\nd\xE9j\xE0 vu;cr\xE8me br\xFBl\xE9e;1\n";
    let found = check_bytes(latin, &format!("';' \" {LINES_1}"), "name|café|n", 1);
    assert_eq!(read_as(&found, latin).0[0][1], "crème brûlée");
}

#[test]
fn what_a_user_fixed_is_taken() {
    let file = b"a;b\n1;2\n3;4\n";
    let windows = Windows { head: file, whole: true, middle: b"", tail: (0, b"") };
    let overrides = Overrides {
        delimiter: Some(Delimiter::Byte(b',')),
        quote: Some(QuoteChoice::Absent),
        header: Some(Header::Absent),
        encoding: Some("windows-1252".to_owned()),
        skip_lines: Some(1),
        ..Overrides::default()
    };
    let found = sniff(windows, &overrides);
    assert_eq!(found.dialect.delimiter, Delimiter::Byte(b','));
    assert_eq!((found.dialect.quote, found.header), (None, Header::Absent));
    assert_eq!((found.encoding.name(), found.data_start), ("windows-1252", 4));
    let two = Overrides { header: Some(Header::Lines(2)), ..Overrides::default() };
    assert_eq!(sniff(windows, &two).names, ["a 1", "b 2"]);
}

#[test]
fn the_demo_feed_reads_as_its_makers_counted() {
    let file = include_bytes!("../../../../assets/demo/flights_feed.csv");
    let half = file.len() / 2;
    let tail = file.len() - (64 << 10);
    let windows = Windows {
        head: &file[..128 << 10],
        whole: false,
        middle: &file[half..half + (64 << 10)],
        tail: (tail as u64, &file[tail..]),
    };
    let found = sniff(windows, &Overrides::default());
    assert_eq!(summary(&found), "';' \" Lines(1)", "{:#?}", found.evidence);
    assert_eq!((found.names.len(), found.width), (15, 15));
    assert_eq!(found.encoding.name(), "windows-1252");
    assert_eq!((found.preamble_lines, found.footer_lines), (4, 1));
    let (rows, losses) = read_as(&found, file);
    assert_eq!(rows.len(), 7686);
    assert_eq!(losses.count(Why::ShortRow), 22, "{losses:?}");
    assert_eq!(losses.count(Why::LongRow), 15);
    assert_eq!(losses.count(Why::StrayQuote), 0);
    let notes: Vec<&str> = rows.iter().filter(|row| row.len() == 15).map(|row| row[13].as_str()).collect();
    assert_eq!(notes.iter().filter(|note| note.contains(';')).count(), 20);
    assert_eq!(notes.iter().filter(|note| note.contains('\n')).count(), 30);
    assert_eq!(notes.iter().filter(|note| note.contains('"')).count(), 12);
}
