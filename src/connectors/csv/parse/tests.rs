use super::super::dialect::Why;
use super::super::layout::KnownRows;
use super::*;
use crate::job::Flow;
use crate::model::batch::Batch;
use crate::model::cell::Cell;
use crate::model::column_state::TableState;
use crate::model::lost::Findings;
use crate::model::read::{SampleMethod, SampleSize};
use crate::model::schema::LogicalType;
use serde::de::DeserializeOwned;
use std::io::Write as _;

/// Keeps what the parser gives out.
#[derive(Default)]
struct Given {
    batches: Vec<Batch>,
    state: Option<TableState>,
    findings: Findings,
    bytes: u64,
    enough_after: Option<usize>,
    cancelled: bool,
}

impl GuestOut for Given {
    fn batch(&mut self, batch: Batch) -> Result<Flow> {
        self.batches.push(batch);
        let enough = self.enough_after.is_some_and(|rows| self.rows().len() >= rows);
        Ok(if enough { Flow::Enough } else { Flow::More })
    }

    fn state(&mut self, state: TableState) -> Result<()> {
        self.state = Some(state);
        Ok(())
    }

    fn findings(&mut self, findings: Findings) -> Result<()> {
        self.findings.merge(findings);
        Ok(())
    }

    fn progress(&mut self, _done: u64, _total: Option<u64>, _unit: &'static str) -> Result<()> {
        Ok(())
    }

    fn bytes_read(&mut self, bytes: u64) {
        self.bytes += bytes;
    }

    fn check(&mut self) -> Result<()> {
        if self.cancelled { Err(Error::cancelled("read")) } else { Ok(()) }
    }
}

impl Given {
    fn rows(&self) -> Vec<Vec<Cell>> {
        let rows = |batch: &Batch| {
            let batch = batch.clone();
            (0..batch.row_count()).map(move |row| {
                (0..batch.schema.fields.len()).map(|column| batch.cell(row, column)).collect()
            })
        };
        self.batches.iter().flat_map(rows).collect()
    }

    /// Rows as a person sees them.
    fn texts(&self) -> Vec<String> {
        let fields = &self.batches[0].schema.fields;
        let text = |row: &Vec<Cell>| {
            let cells = row.iter().zip(fields).map(|(cell, field)| match cell {
                Cell::Null => "∅".to_owned(),
                Cell::Missing => "·".to_owned(),
                cell => cell.text(&field.logical),
            });
            cells.collect::<Vec<_>>().join("|")
        };
        self.rows().iter().map(text).collect()
    }

    fn lost(&self, why: Why) -> u64 {
        let all = self.findings.lost.iter().filter(|lost| lost.why.starts_with(why.text()));
        all.map(|lost| lost.count).sum()
    }
}

/// A file with these bytes.
fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn run_op<P: Serialize, R: DeserializeOwned>(
    file: &File,
    op: &str,
    params: &P,
    given: &mut Given,
) -> Result<R> {
    let files = vec![file.try_clone().unwrap()];
    let job =
        GuestJob { op: op.to_owned(), params: serde_json::to_value(params).unwrap(), files, out: given };
    DelimitedText.run(job).map(|value| serde_json::from_value(value).unwrap())
}

fn look_at(file: &File) -> Layout {
    run_op(file, op::LOOK, &Look::default(), &mut Given::default()).unwrap()
}

fn everything(layout: &Layout) -> What {
    What {
        layout: layout.clone(),
        node: NodePath::of(["x.csv"]),
        columns: None,
        filter: None,
        most_rows: None,
        most_bytes: None,
        most_seconds: None,
    }
}

fn from_start(what: What) -> Rows {
    let from = Checkpoint { row: 0, place: what.layout.written.data_start };
    Rows { what, from, first_row: 0 }
}

fn read_all(bytes: &[u8]) -> (Layout, Given, RowsEnd) {
    let file = file(bytes);
    let layout = look_at(&file);
    let mut given = Given::default();
    let end = run_op(&file, op::ROWS, &from_start(everything(&layout)), &mut given).unwrap();
    (layout, given, end)
}

#[test]
fn every_type_comes_out_exactly_and_exceptions_as_they_are() {
    let header = "i,big,d,f,b,day,t,ts,utc,off,u,j,s";
    let ordinary = "1,123456789012345678901,1.50,1.5e3,true,2024-05-01,12:30,2024-05-01 12:30:00,2024-05-01T12:30:00.5Z,\
        2024-05-01T12:30:00+02:00,2f1e8a3c-9b6d-4f70-8123-456789abcdef,\"{\"\"a\"\":1}\",text";
    let mut text = format!("{header}\n");
    for _ in 0..30 {
        text.push_str(ordinary);
        text.push('\n');
    }
    text.push_str("x,b,1.5d,y,2,01/02/2024,1,2024,2024-05-01,z,u,{a},\"\"\n");
    text.push_str(",,,,,,,,,,,,\n");
    text.push_str("NA,NA,NA,NA,NA,NA,NA,NA,NA,NA,NA,NA,NA\n");
    let (layout, given, end) = read_all(text.as_bytes());
    let types: Vec<String> = layout.schema().fields.iter().map(|field| field.logical.to_string()).collect();
    let expected = [
        "int64",
        "decimal(38,0)",
        "decimal(18,2)",
        "float64",
        "bool",
        "date",
        "time",
        "timestamp",
        "timestamp with zone",
        "timestamp with zone",
        "uuid",
        "json",
        "text",
    ];
    assert_eq!(types, expected);
    let texts = given.texts();
    assert_eq!(
        texts[0],
        "1|123456789012345678901|1.50|1500.0|true|2024-05-01|12:30:00|2024-05-01T12:30:00|\
         2024-05-01T12:30:00.500Z|2024-05-01T12:30:00+02:00|2f1e8a3c-9b6d-4f70-8123-456789abcdef|{\"a\":1}|text"
    );
    assert_eq!(texts[30], "x|b|1.5d|y|2|01/02/2024|1|2024|2024-05-01|z|u|{a}|");
    assert_eq!(texts[31], ["∅"; 13].join("|"));
    assert_eq!(texts[32], ["∅"; 13].join("|"));
    assert_eq!(given.rows()[30][12], Cell::Text(String::new()));
    assert_eq!((end.end, end.next), (ReadEnd::Complete, None));
    assert!(given.findings.is_clean(), "{:?}", given.findings);
    assert_eq!(layout.rows, KnownRows::Exact(33));
}

#[test]
fn nothing_of_a_ragged_row_is_dropped() {
    let (_, given, _) = read_all(b"id,name,n\n1,a,5\n2,b\n3,c,7,extra,\"more, text\"\n4,\xFF,8\n5,e,9\n");
    assert_eq!(given.texts(), ["1|a|5", "2|b|·", "3|c|7,extra,\"more, text\"", "4|ÿ|8", "5|e|9"]);
    assert_eq!((given.lost(Why::ShortRow), given.lost(Why::LongRow)), (1, 1));
    let mut text = "id,name\n".to_owned().into_bytes();
    text.extend("1,naïve café\n".repeat(40).bytes());
    text.extend(b"2,bad \xE9 byte\n");
    let (_, given, _) = read_all(&text);
    assert_eq!(given.rows()[40][1], Cell::Invalid(b"bad \xE9 byte".to_vec()));
    assert_eq!(given.lost(Why::InvalidBytes), 1);
    // A value where the trailing delimiter leaves nothing elsewhere.
    let (layout, given, _) = read_all(b"a,b,\n1,2,\n3,4,\n5,6,\n7,8,9\n");
    assert_eq!(layout.written.names, ["a", "b", "column_3"]);
    assert_eq!(given.texts()[3], "7|8|9");
}

#[test]
fn pages_go_on_exactly_where_the_last_one_ended() {
    let mut text = "id,note,n\n".to_owned();
    for row in 0..3000 {
        text.push_str(&format!("{row},\"a\nnote, {row}\",{}\n", row % 7));
    }
    for encoded in [text.clone().into_bytes(), text.encode_utf16().flat_map(u16::to_be_bytes).collect()] {
        let file = file(&encoded);
        let layout = look_at(&file);
        for page in [7, 999, 3000, 3001] {
            let mut next = Some(Checkpoint { row: 0, place: layout.written.data_start });
            let mut ids = Vec::new();
            while let Some(from) = next {
                let what = What { most_rows: Some(page), columns: Some(vec![0]), ..everything(&layout) };
                let mut given = Given::default();
                let end: RowsEnd =
                    run_op(&file, op::ROWS, &Rows { what, from, first_row: from.row }, &mut given).unwrap();
                assert_eq!(given.batches[0].origin.first_row, Some(from.row));
                ids.extend(given.rows().into_iter().map(|row| row[0].clone()));
                assert_eq!(end.next.is_none(), end.end == ReadEnd::Complete);
                next = end.next;
            }
            assert_eq!(ids, (0..3000).map(Cell::Int).collect::<Vec<_>>(), "pages of {page}");
        }
        // A row in the middle, from the beginning and from a checkpoint.
        let what = What { most_rows: Some(1), columns: Some(vec![0]), ..everything(&layout) };
        let from = Checkpoint { row: 0, place: layout.written.data_start };
        let mut given = Given::default();
        let _: RowsEnd = run_op(&file, op::ROWS, &Rows { what, from, first_row: 2500 }, &mut given).unwrap();
        assert_eq!(given.rows(), [[Cell::Int(2500)]]);
    }
}

#[test]
fn a_preview_reads_a_little_of_a_large_file() {
    let mut text = "id,name,day\n".to_owned();
    for row in 0..400_000 {
        text.push_str(&format!("{row},name of {row},2024-05-{:02}\n", row % 28 + 1));
    }
    let file = file(text.as_bytes());
    let mut given = Given::default();
    let layout: Layout = run_op(&file, op::LOOK, &Look::default(), &mut given).unwrap();
    let what = What { most_rows: Some(100), ..everything(&layout) };
    let end: RowsEnd = run_op(&file, op::ROWS, &from_start(what), &mut given).unwrap();
    assert_eq!((given.rows().len(), end.end), (100, ReadEnd::Bounded));
    assert!(given.bytes <= 400 << 10, "{} bytes read", given.bytes);
    let KnownRows::Estimated(rows) = layout.rows else { panic!("{:?}", layout.rows) };
    assert!(rows.lo <= 400_000.0 && 400_000.0 <= rows.hi, "{rows:?}");
    let mut given = Given::default();
    let probed: Probed =
        run_op(&file, op::PROBE, &Probe { layout, most_bytes: 2 << 20 }, &mut given).unwrap();
    let KnownRows::Estimated(rows) = probed.rows else { panic!("{:?}", probed.rows) };
    assert!((rows.mid / 400_000.0 - 1.0).abs() < 0.02, "{rows:?}");
    assert!(given.bytes <= 2 << 20);
}

#[test]
fn bounds_end_a_read_and_say_so() {
    let text = format!("id,x\n{}", "1,2\n".repeat(1_000_000));
    let file = file(text.as_bytes());
    let layout = look_at(&file);
    let what = What { most_bytes: Some(64 << 10), ..everything(&layout) };
    let mut given = Given::default();
    let end: RowsEnd = run_op(&file, op::ROWS, &from_start(what), &mut given).unwrap();
    assert_eq!(end.end, ReadEnd::Bounded);
    assert!(given.bytes <= 2 << 20, "{} bytes", given.bytes);
    assert_eq!(given.rows().len() as u64, end.next.unwrap().row);
    let mut given = Given { enough_after: Some(5000), ..Given::default() };
    let end: RowsEnd = run_op(&file, op::ROWS, &from_start(everything(&layout)), &mut given).unwrap();
    assert_eq!((end.end, end.next.unwrap().row), (ReadEnd::Enough, given.rows().len() as u64));
    let mut given = Given { cancelled: true, ..Given::default() };
    let error =
        run_op::<_, RowsEnd>(&file, op::ROWS, &from_start(everything(&layout)), &mut given).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Cancelled);
}

#[test]
fn a_filter_scans_until_enough_rows_hold() {
    let text = (0..50_000).fold("id,x\n".to_owned(), |text, row| text + &format!("{row},{}\n", row % 1000));
    let file = file(text.as_bytes());
    let layout = look_at(&file);
    let filter = Some(Filter::parse("x = 999").unwrap());
    let what = What { filter, most_rows: Some(3), columns: Some(vec![0]), ..everything(&layout) };
    let mut given = Given::default();
    let end: RowsEnd = run_op(&file, op::ROWS, &from_start(what), &mut given).unwrap();
    assert_eq!(given.rows(), [[Cell::Int(999)], [Cell::Int(1999)], [Cell::Int(2999)]]);
    assert_eq!(end.next.unwrap().row, 3000);
    let filter = Some(Filter::parse("x = 5000").unwrap());
    let mut given = Given::default();
    let what = What { filter, ..everything(&layout) };
    let end: RowsEnd = run_op(&file, op::ROWS, &from_start(what), &mut given).unwrap();
    assert_eq!((given.batches.len(), given.rows().len(), end.end), (1, 0, ReadEnd::Complete));
    assert_eq!(end.index.rows(), Some(50_000));
}

#[test]
fn every_sample_is_made_of_rows_and_a_seed_repeats_it() {
    let text = (0..40_000).fold("id,x\n".to_owned(), |text, row| text + &format!("{row},row {row}\n"));
    let file = file(text.as_bytes());
    let layout = look_at(&file);
    let take = |method, size, seed| {
        let sample = Sample { size, method };
        let params = SampleRows { what: everything(&layout), sample, known_rows: Some(40_000.0), seed };
        let mut given = Given::default();
        run_op::<_, RowsEnd>(&file, op::SAMPLE, &params, &mut given).map(|_| given)
    };
    for method in [SampleMethod::Head, SampleMethod::Block, SampleMethod::Row, SampleMethod::Random] {
        let given = take(method, SampleSize::Rows(1000), 7).unwrap();
        let ids: Vec<i64> = given
            .rows()
            .iter()
            .map(|row| match row[..] {
                [Cell::Int(id), Cell::Text(ref text)] if *text == format!("row {id}") => id,
                _ => panic!("{row:?}"),
            })
            .collect();
        let mut distinct = ids.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), ids.len(), "{method:?} repeats rows");
        assert!((900..=1000).contains(&ids.len()), "{method:?} gives {}", ids.len());
        assert_eq!(take(method, SampleSize::Rows(1000), 7).unwrap().rows(), given.rows(), "{method:?}");
        if method != SampleMethod::Head {
            let mean = ids.iter().sum::<i64>() as f64 / ids.len() as f64;
            assert!((mean - 20_000.0).abs() < 4_000.0, "{method:?} has mean {mean}");
            assert_ne!(take(method, SampleSize::Rows(1000), 8).unwrap().rows(), given.rows(), "{method:?}");
        }
        if method == SampleMethod::Block {
            assert!(given.bytes < text.len() as u64 / 2, "{} bytes", given.bytes);
        }
    }
    let half = take(SampleMethod::Row, SampleSize::Percent(50.0), 1).unwrap().rows().len();
    assert!((19_000..21_000).contains(&half), "{half}");
    assert_eq!(
        take(SampleMethod::Keyset, SampleSize::Rows(5), 1).map(|_| ()).unwrap_err().kind,
        ErrorKind::Unsupported
    );
    // Of a handful of rows a sample is not empty.
    let few = self::file(b"a,b\n1,2\n3,4\n");
    let layout = look_at(&few);
    let sample = Sample { size: SampleSize::Rows(10), method: SampleMethod::Block };
    let params = SampleRows { what: everything(&layout), sample, known_rows: Some(2.0), seed: 1 };
    let mut given = Given::default();
    let _: RowsEnd = run_op(&few, op::SAMPLE, &params, &mut given).unwrap();
    assert!(!given.rows().is_empty());
}

#[test]
fn packed_files_read_like_plain_ones_and_damaged_ones_give_what_they_have() {
    let text = (0..20_000).fold("id,x\n".to_owned(), |text, row| text + &format!("{row},row {row}\n"));
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    let gzip = encoder.finish().unwrap();
    let zstd = zstd::encode_all(text.as_bytes(), 1).unwrap();
    for packed in [&gzip, &zstd] {
        let (layout, given, end) = read_all(packed);
        assert_eq!((given.rows().len(), end.end), (20_000, ReadEnd::Complete));
        assert_eq!(layout.rows, KnownRows::Unknown);
        let file = file(packed);
        let what = What { most_rows: Some(2), columns: Some(vec![0]), ..everything(&layout) };
        let from = Checkpoint { row: 0, place: layout.written.data_start };
        let mut given = Given::default();
        let _: RowsEnd =
            run_op(&file, op::ROWS, &Rows { what, from, first_row: 15_000 }, &mut given).unwrap();
        assert_eq!(given.rows(), [[Cell::Int(15_000)], [Cell::Int(15_001)]]);
        let (_, given, end) = read_all(&packed[..packed.len() * 9 / 10]);
        let rows = given.rows();
        assert!(rows.len() > 100 && rows.len() < 20_000, "{}", rows.len());
        assert_eq!((end.end, end.next), (ReadEnd::Bounded, None));
        assert_eq!(given.lost(Why::EndedEarly), 1);
    }
}

#[test]
fn files_that_are_no_tables_are_errors_or_empty() {
    let look = |bytes: &[u8], encoding: Option<&str>| {
        let overrides = Overrides { encoding: encoding.map(str::to_owned), ..Overrides::default() };
        run_op::<_, Layout>(&file(bytes), op::LOOK, &Look { overrides }, &mut Given::default())
    };
    let error = look(b"PK\x03\x04\x14\0\x06\0", None).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Decode);
    assert!(error.attempted.contains("zip archive"), "{error}");
    assert_eq!(look(b"a,b\n", Some("klingon")).unwrap_err().kind, ErrorKind::Invalid);
    assert_eq!(look(b"\x1F\x8B\x08\0broken", None).unwrap_err().kind, ErrorKind::Decode);
    let empty = look(b"", None).unwrap();
    assert_eq!((empty.rows, empty.written.names.len()), (KnownRows::Exact(0), 1));
    let (_, given, end) = read_all(b"");
    assert_eq!((given.rows().len(), given.batches.len(), end.end), (0, 1, ReadEnd::Complete));
    let random: Vec<u8> = (0..5000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let (_, given, _) = read_all(&random);
    assert!(!given.rows().is_empty());
}

#[test]
fn zero_bytes_and_a_file_cut_inside_a_quote_are_told_of() {
    let (layout, given, _) = read_all(&[0; 5_000]);
    assert_eq!((layout.zero_bytes, layout.written.names.len()), (5_000, 1));
    assert_eq!(given.rows().len(), 1, "the bytes are kept, as a row and not as a name");
    assert_eq!(given.lost(Why::ZeroBytes), 5_000);

    let (layout, given, _) = read_all(b"id,note\n1,x\n2,\0\0\n");
    assert_eq!((layout.zero_bytes, given.lost(Why::ZeroBytes)), (2, 2));

    for cut in ["id,note\n1,x\n2,\"cut off in the", "id,note\n1,\"x\"\n2,\"y\"\n3,\"cut off in the"] {
        let (layout, given, end) = read_all(cut.as_bytes());
        assert_eq!(given.texts().last().map(String::as_str).map(|row| row.contains("cut off")), Some(true));
        assert_eq!((layout.zero_bytes, given.lost(Why::CutInQuote), end.end), (0, 1, ReadEnd::Complete));
    }
}

#[test]
fn a_table_of_a_hundred_thousand_columns_opens_and_reads() {
    let names: Vec<String> = (0..100_000).map(|column| format!("c{column}")).collect();
    let row: Vec<String> = (0..100_000).map(|column| column.to_string()).collect();
    let text = format!("{}\n{}\n{}\n", names.join(","), row.join(","), row.join(","));
    let file = file(text.as_bytes());
    let layout = look_at(&file);
    assert_eq!((layout.written.names.len(), layout.rows), (100_000, KnownRows::Exact(2)));
    let what = What { most_rows: Some(1), columns: Some(vec![0, 99_999]), ..everything(&layout) };
    let mut given = Given::default();
    let _: RowsEnd = run_op(&file, op::ROWS, &from_start(what), &mut given).unwrap();
    assert_eq!(given.rows(), [[Cell::Int(0), Cell::Int(99_999)]]);
    assert_eq!(given.batches[0].schema.fields[1].logical, LogicalType::INT64);
}

#[test]
fn the_demo_feed_comes_out_as_its_makers_counted() {
    let (layout, given, end) = read_all(include_bytes!("../../../../assets/demo/flights_feed.csv"));
    assert_eq!((given.rows().len(), end.end), (7686, ReadEnd::Complete));
    assert_eq!((given.lost(Why::ShortRow), given.lost(Why::LongRow)), (22, 15));
    assert_eq!((given.lost(Why::Preamble), given.lost(Why::Footer)), (4, 1));
    let column = |name: &str| layout.written.names.iter().position(|known| known == name).unwrap();
    let whole: Vec<Vec<Cell>> = given
        .rows()
        .into_iter()
        .filter(|row| !row.contains(&Cell::Missing) && !matches!(row[14], Cell::Text(_)))
        .collect();
    assert_eq!(whole.len(), 7649);
    let count = |name: &str, is: fn(&Cell) -> bool| {
        let column = column(name);
        whole.iter().filter(|row| is(&row[column])).count()
    };
    assert_eq!(count("revenue_usd", |cell| matches!(cell, Cell::Decimal(_))), 7150);
    assert_eq!(count("deice_min", |cell| matches!(cell, Cell::Int(_))), 2299);
    let nulls: usize = ["tailnum", "dep_delay", "arr_delay"]
        .iter()
        .map(|name| count(name, |cell| *cell == Cell::Null))
        .sum();
    assert_eq!(nulls, 388 + 417 + 394);
    assert_eq!(count("event_time", |cell| matches!(cell, Cell::Timestamp(_))), 7649);
    assert_eq!(given.rows()[0][column("revenue_usd")], Cell::Decimal("10500.60".into()));
}

fn profile_of(what: What, sample: Option<Sample>) -> Profile {
    Profile { what, sample, known_rows: Some(1000.0), seed: 3 }
}

#[test]
fn a_profile_from_the_bytes_is_the_profile_of_the_rows() {
    let mut polluted = "i,d,f,day,ts,off,t,b,u,j,s\n".to_owned();
    for row in 0..3000 {
        polluted.push_str(&match row % 50 {
            7 => "short,1.5\n".to_owned(),
            13 => format!("{row},1.5,1e3,2024-05-01,2024-05-01 10:00,2024-05-01T10:00:00+02:00,10:00,true,x,{{}},s,more,\n"),
            21 => "NA,,NA,-,\\N,NULL,n/a,,,,\"\"\n".to_owned(),
            33 => "x,y,z,w,v,u,t,s,r,q,\"NA\"\n".to_owned(),
            _ => format!(
                "{row},{}.{},{}.5e2,2024-05-{:02},2024-05-01 10:{:02},2024-05-01T10:00:00+0{}:00,10:{:02},{},2f1e8a3c-9b6d-4f70-8123-4567{:08},\"{{\"\"a\"\":{row}}}\",text {}\n",
                row * 7 % 91, row % 100, row % 9, row % 28 + 1, row % 60, row % 3, row % 60, row % 2 == 0, row, row % 5000
            ),
        });
    }
    let latin = "name;n;x\n".to_owned() + &"caf\u{e9};10,5;1\n".repeat(500) + "bad;,5;2\nw;-3;3\n";
    let latin: Vec<u8> = latin.chars().map(|char| char as u8).collect();
    let demo = include_bytes!("../../../../assets/demo/flights_feed.csv");
    for bytes in [polluted.as_bytes(), &latin, &demo[..], b"", b"a,b\n", b"a,b,\n1,2,\n3,4,5\n6,7,\n"] {
        let file = file(bytes);
        let layout = look_at(&file);
        for columns in [None, Some(vec![layout.written.names.len() - 1, 0])] {
            let what = What { columns, ..everything(&layout) };
            let mut rows = Given::default();
            let end: RowsEnd = run_op(&file, op::ROWS, &from_start(what.clone()), &mut rows).unwrap();
            let mut profiler =
                crate::profiler::TableProfiler::new(std::sync::Arc::clone(&rows.batches[0].schema));
            rows.batches.iter().for_each(|batch| profiler.push(batch).unwrap());
            let mut direct = Given::default();
            let ended: RowsEnd = run_op(&file, op::PROFILE, &profile_of(what, None), &mut direct).unwrap();
            let (expected, found) = (profiler.state(), direct.state.unwrap());
            assert_eq!(found.rows, expected.rows);
            for ((field, found), expected) in
                found.schema.fields.iter().zip(&found.columns).zip(&expected.columns)
            {
                assert_eq!(found, expected, "{}", field.name);
            }
            assert_eq!(direct.findings, rows.findings);
            assert_eq!((ended.end, ended.index.rows()), (end.end, end.index.rows()));
        }
    }
}

#[test]
fn profiles_of_samples_and_of_filtered_rows_see_what_was_asked() {
    let text = (0..40_000).fold("id,x\n".to_owned(), |text, row| text + &format!("{row},{}\n", row % 10));
    let file = file(text.as_bytes());
    let layout = look_at(&file);
    let take = |what, sample| {
        let mut given = Given::default();
        let _: RowsEnd = run_op(&file, op::PROFILE, &profile_of(what, sample), &mut given).unwrap();
        assert!(given.batches.is_empty());
        (given.state.unwrap(), given.bytes)
    };
    let (head, bytes) = take(What { most_rows: Some(500), ..everything(&layout) }, None);
    assert_eq!((head.rows, head.columns[0].rows), (500, 500));
    assert!(bytes < 64 << 10, "{bytes} bytes");
    let filter = Some(Filter::parse("x = 3").unwrap());
    assert_eq!(take(What { filter, ..everything(&layout) }, None).0.rows, 4000);
    let block = Sample { size: SampleSize::Rows(500), method: SampleMethod::Block };
    let (sampled, bytes) = take(everything(&layout), Some(block));
    assert!((400..=500).contains(&sampled.rows) && bytes < 200 << 10, "{} rows, {bytes} bytes", sampled.rows);
    let (bounded, bytes) = take(What { most_bytes: Some(100_000), ..everything(&layout) }, None);
    assert!(bounded.rows < 40_000 && bytes < 300_000, "{} rows, {bytes} bytes", bounded.rows);
}
