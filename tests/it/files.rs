//! Files of every format through the real worker: third-party files where the variable `HEADWATER_CORPUS` names their
//! folder, own minimal files of every class always, damaged ones, and what a preview takes.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use headwater::connector::guard::{self, Override, SessionBudget};
use headwater::connector::{Credentials, Policy, Source};
use headwater::job::CallCtx;
use headwater::job::sink::Collected;
use headwater::kit::dice::Dice;
use headwater::kit::worker;
use headwater::model::connection::{Connection, Tier};
use headwater::model::load::Dim;
use headwater::model::node::{NodePath, PageRequest};
use headwater::model::read::{Bound, ReadEnd, ReadSpec};
use headwater::model::{ErrorKind, Result};

/// What came of a read of a file's first table.
pub struct Answer {
    pub rows: u64,
    columns: usize,
    end: ReadEnd,
    pub got: Collected,
    bytes: f64,
}

impl Answer {
    fn is_clean(&self) -> bool {
        self.got.findings.is_clean()
    }
}

pub async fn connect(id: &str, path: &Path) -> Result<Arc<dyn Source>> {
    worker::set_program(env!("CARGO_BIN_EXE_headwater"));
    let connection = Connection::new("file", id).value(Connection::PATH, path.to_str().unwrap());
    let registry = headwater::connectors::registry();
    registry.by_id(id)?.connect(&CallCtx::detached(), &connection, &Credentials::none()).await
}

pub async fn read(id: &str, path: &Path, rows: Option<u64>) -> Result<Answer> {
    let ctx = CallCtx::detached();
    let source = connect(id, path).await?;
    let page = source.children(&ctx, &NodePath::root(), &PageRequest::first()).await?;
    let node = page.nodes.into_iter().find(|node| node.readable).expect("a table").path;
    let spec = ReadSpec { bound: Bound { rows, ..Bound::default() }, ..ReadSpec::preview(node.clone()) };
    read_of(&*source, spec).await
}

pub async fn read_of(source: &dyn Source, spec: ReadSpec) -> Result<Answer> {
    let ctx = CallCtx::detached();
    let node = spec.node.clone();
    let plan = source.plan(&ctx, spec).await?;
    let estimate = source.estimate(&ctx, &plan).await?;
    let policy = Policy::new(Tier::Local, SessionBudget::default());
    let reason = Override { reason: "a test".to_owned(), node_name: Some(node.name().to_owned()) };
    let permit = match policy.approve(plan.clone(), estimate.clone()) {
        Ok(permit) => permit,
        Err(_) => policy.approve_anyway(plan, estimate, &reason).unwrap(),
    };
    let ctx = CallCtx::detached();
    let mut got = Collected::default();
    let report = guard::run(&ctx, source, permit, &mut got).await;
    let bytes = report.actual.value(Dim::BytesServer).unwrap_or(0.0);
    let columns = got.batches.first().map_or(0, |batch| batch.schema.fields.len());
    Ok(Answer { rows: report.rows, columns, end: report.end?, got, bytes })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn third_party_files_end_as_their_manifest_says() {
    let Some(folder) = std::env::var_os("HEADWATER_CORPUS") else { return };
    let folder = Path::new(&folder);
    let manifest = std::fs::read_to_string(folder.join("manifest.jsonl")).unwrap();
    let mut walked = 0;
    let mut wrong = Vec::new();
    for line in manifest.lines() {
        let item: serde_json::Value = serde_json::from_str(line).unwrap();
        let kind = item["kind"].as_str().unwrap();
        if !["parquet", "json", "avro"].contains(&kind) {
            continue;
        }
        walked += 1;
        let path = item["path"].as_str().unwrap();
        let answer = read(kind, &folder.join(path), None).await;
        let shown = match &answer {
            Ok(answer) => format!("{} rows, {} columns, {:?}", answer.rows, answer.columns, answer.end),
            Err(error) => error.to_string(),
        };
        let fits = match (item["expect"]["verdict"].as_str().unwrap(), &answer) {
            ("open", Ok(answer)) => answer.is_clean(),
            ("reject", Err(error)) => {
                matches!(error.kind, ErrorKind::Decode | ErrorKind::Unsupported) && !shown.contains("crashed")
            }
            ("survive", Ok(_)) => true,
            ("survive", Err(error)) => {
                matches!(error.kind, ErrorKind::Decode | ErrorKind::Unsupported | ErrorKind::Budget)
            }
            _ => false,
        };
        if !fits {
            wrong.push(format!("{path} ({}): {shown}", item["expect"]["verdict"]));
        }
    }
    assert!(walked > 0, "the corpus has no files of these kinds");
    assert!(wrong.is_empty(), "{} of {walked} end otherwise:\n{}", wrong.len(), wrong.join("\n"));
}

fn batch(first: i64, rows: i64) -> RecordBatch {
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(first..first + rows));
    let notes: ArrayRef =
        Arc::new(StringArray::from_iter_values((first..first + rows).map(|id| format!("note {id}"))));
    RecordBatch::try_from_iter([("id", ids), ("note", notes)]).unwrap()
}

fn parquet_of(batch: &RecordBatch) -> Vec<u8> {
    let mut writer = parquet::arrow::ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(batch).unwrap();
    writer.into_inner().unwrap()
}

fn arrow_of(batch: &RecordBatch) -> Vec<u8> {
    let mut writer = arrow::ipc::writer::FileWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(batch).unwrap();
    writer.into_inner().unwrap()
}

fn avro_of(rows: i64) -> Vec<u8> {
    use apache_avro::types::Value;
    let schema = r#"{"type":"record","name":"r","fields":[{"name":"id","type":"long"},{"name":"note","type":"string"}]}"#;
    let schema = apache_avro::Schema::parse_str(schema).unwrap();
    let mut writer = apache_avro::Writer::new(&schema, Vec::new()).unwrap();
    for id in 0..rows {
        let row = vec![
            ("id".to_owned(), Value::Long(id)),
            ("note".to_owned(), Value::String(format!("note {id}"))),
        ];
        writer.append_value(Value::Record(row)).unwrap();
        if id % 50 == 49 {
            writer.flush().unwrap();
        }
    }
    writer.into_inner().unwrap()
}

fn lines_of(rows: i64) -> Vec<u8> {
    (0..rows).map(|id| format!("{{\"id\":{id},\"note\":\"note {id}\"}}\n")).collect::<String>().into_bytes()
}

/// A small file of each class, by connector and name.
fn classes() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let rows = batch(0, 200);
    let mut stream = arrow::ipc::writer::StreamWriter::try_new(Vec::new(), &rows.schema()).unwrap();
    stream.write(&rows).unwrap();
    let lines = lines_of(200);
    let text = String::from_utf8(lines.clone()).unwrap();
    let array = format!("[{}]", text.trim_end().replace('\n', ","));
    vec![
        ("parquet", "rows.parquet", parquet_of(&rows)),
        ("ipc", "rows.arrow", arrow_of(&rows)),
        ("ipc", "rows.arrows", stream.into_inner().unwrap()),
        ("avro", "rows.avro", avro_of(200)),
        ("json", "rows.jsonl", lines.clone()),
        ("json", "rows.json", array.clone().into_bytes()),
        ("json", "document.json", format!("{{\"name\":\"d\",\"rows\":{array}}}").into_bytes()),
        ("json", "rows.jsonl.zst", zstd::encode_all(lines.as_slice(), 1).unwrap()),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_small_file_of_every_class_opens_with_all_its_rows() {
    let folder = tempfile::tempdir().unwrap();
    for (id, name, content) in classes() {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        let answer = read(id, &path, None).await.unwrap();
        let rows = if name == "document.json" { 1 } else { 200 };
        assert_eq!((answer.rows, answer.columns, answer.end), (rows, 2, ReadEnd::Complete), "{name}");
        assert!(answer.is_clean(), "{name}: {:?}", answer.got.findings);
    }
}

/// A damaged copy: cut, a bit turned, a piece put elsewhere, a length as large as it can be.
fn mutant(content: &[u8], dice: &mut Dice) -> Vec<u8> {
    let len = content.len() as u64;
    let mut made = content.to_vec();
    match dice.below(4) {
        0 => made.truncate(dice.below(len) as usize),
        1 => {
            for _ in 0..=dice.below(4) {
                made[dice.below(len) as usize] ^= 1 << dice.below(8);
            }
        }
        2 => {
            let (from, to) = (dice.below(len) as usize, dice.below(len) as usize);
            let piece = made[from..(from + 40).min(made.len())].to_vec();
            made.splice(to..to, piece);
        }
        _ => {
            let at = dice.below(len.saturating_sub(4)) as usize;
            made[at..at + 4].copy_from_slice(&[0xff, 0xff, 0xff, 0x7f]);
        }
    }
    made
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damaged_copies_of_every_class_are_answered_and_none_takes_the_program_along() {
    const COPIES: u64 = 40;
    let folder = tempfile::tempdir().unwrap();
    for (id, name, content) in classes() {
        let mut dice = Dice::new(5);
        for number in 0..COPIES {
            let path = folder.path().join(format!("{number} {name}"));
            std::fs::write(&path, mutant(&content, &mut dice)).unwrap();
            let answer = tokio::time::timeout(std::time::Duration::from_secs(60), read(id, &path, None));
            let answer = answer.await.unwrap_or_else(|_| panic!("{name}, copy {number}: no answer"));
            if let Err(error) = answer {
                let kinds = [ErrorKind::Decode, ErrorKind::Unsupported, ErrorKind::Budget];
                assert!(kinds.contains(&error.kind), "{name}, copy {number}: {error}");
            }
        }
    }
}

#[tokio::test]
async fn a_preview_of_parquet_takes_the_pages_of_the_columns_in_sight_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wide.parquet");
    let columns: Vec<(String, ArrayRef)> = (0..16)
        .map(|column| {
            let values = (0..200_000_i64).map(|row| (row * 7919 + column * 31) % 1_000_003);
            (format!("c{column}"), Arc::new(Int64Array::from_iter_values(values)) as ArrayRef)
        })
        .collect();
    let wide = RecordBatch::try_from_iter(columns).unwrap();
    let properties = parquet::file::properties::WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_data_page_row_count_limit(2_000)
        .set_write_batch_size(500)
        .build();
    let mut writer =
        parquet::arrow::ArrowWriter::try_new(Vec::new(), wide.schema(), Some(properties)).unwrap();
    writer.write(&wide).unwrap();
    let content = writer.into_inner().unwrap();
    let footer = u32::from_le_bytes(content[content.len() - 8..content.len() - 4].try_into().unwrap());
    std::fs::write(&path, &content).unwrap();
    let source = connect("parquet", &path).await.unwrap();
    let node = NodePath::of(["wide.parquet"]);
    let all = read_of(&*source, ReadSpec::preview(node.clone())).await.unwrap();
    let beyond = all.bytes - f64::from(footer);
    assert!(beyond <= 512.0 * 1024.0, "{beyond} bytes beyond the footer for all columns");
    let columns = Some(vec!["c3".to_owned(), "c1".to_owned()]);
    let two = read_of(&*source, ReadSpec { columns, ..ReadSpec::preview(node) }).await.unwrap();
    let beyond = two.bytes - f64::from(footer);
    assert!(beyond <= 64.0 * 1024.0, "{beyond} bytes beyond the footer for two columns");
    assert_eq!((two.rows, two.columns), (200, 2));
}

#[tokio::test]
async fn a_preview_of_json_lines_takes_less_than_a_mebibyte_and_rows_are_counted_within_two_in_a_hundred() {
    const ROWS: i64 = 300_000;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.jsonl");
    let line = |id: i64| format!("{{\"id\":{id},\"note\":\"{}\"}}\n", "x".repeat((id * 37 % 90) as usize));
    std::fs::write(&path, (0..ROWS).map(line).collect::<String>()).unwrap();
    let source = connect("json", &path).await.unwrap();
    let node = NodePath::of(["long.jsonl"]);
    let preview = read_of(&*source, ReadSpec::preview(node.clone())).await.unwrap();
    assert_eq!(preview.rows, 200);
    // The first look took 352 KiB before.
    assert!(preview.bytes + 352.0 * 1024.0 <= 1_048_576.0, "{} bytes", preview.bytes);
    let spec = ReadSpec { bound: Bound::default(), ..ReadSpec::preview(node) };
    let plan = source.plan(&CallCtx::detached(), spec).await.unwrap();
    let estimate = source.estimate(&CallCtx::detached(), &plan).await.unwrap();
    let rows = estimate.quantity(Dim::RowsReturned).unwrap().mid;
    let off = (rows - ROWS as f64).abs() / ROWS as f64;
    assert!(off <= 0.02, "{rows} estimated of {ROWS}");
}

#[tokio::test]
async fn what_headwater_does_not_read_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    for (id, content, name) in [
        ("ipc", b"ORC\x0a\x03\x00\x00\x00 and so on".to_vec(), "ORC"),
        ("ipc", b"FEA1\x00\x00\x00\x00 and so on".to_vec(), "Feather"),
        ("parquet", b"PARE and so on \x04\x00\x00\x00PARE".to_vec(), "encrypted"),
        ("json", "\u{feff}[1]".encode_utf16().flat_map(u16::to_le_bytes).collect(), "UTF-16"),
    ] {
        let path = folder.path().join("file");
        std::fs::write(&path, content).unwrap();
        let error = connect(id, &path).await.err().unwrap();
        assert_eq!(error.kind, ErrorKind::Unsupported, "{error}");
        assert!(error.attempted.contains(name), "{error}");
    }
}

#[tokio::test]
async fn arrays_of_objects_in_a_document_are_tables_below_it_and_a_broken_line_costs_that_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("document.json");
    let text = r#"{"kind":"c","page":{"items":[{"id":1,"n":[{"x":1}]},{"id":2}],"next":null},"tags":["a"],"rest":[{"z":1}]}"#;
    std::fs::write(&path, text).unwrap();
    let source = connect("json", &path).await.unwrap();
    let ctx = CallCtx::detached();
    let mut found = Vec::new();
    let mut open = vec![NodePath::root()];
    while let Some(at) = open.pop() {
        for node in source.children(&ctx, &at, &PageRequest::first()).await.unwrap().nodes {
            if node.expandable {
                open.push(node.path.clone());
            }
            found.push(format!("{}{}", node.path, if node.readable { " *" } else { "" }));
        }
    }
    found.sort();
    let expected =
        ["document.json *", "document.json/page", "document.json/page/items *", "document.json/rest *"];
    assert_eq!(found, expected);
    let items = NodePath::of(["document.json", "page", "items"]);
    let answer = read_of(&*source, ReadSpec::preview(items)).await.unwrap();
    assert_eq!((answer.rows, answer.columns), (2, 2));

    let path = folder.path().join("lines.jsonl");
    std::fs::write(&path, "{\"a\":1}\n{\"a\":2,\n{\"a\":3}\n").unwrap();
    let answer = read("json", &path, None).await.unwrap();
    assert!(answer.rows >= 1 && !answer.is_clean(), "{:?}", answer.got.findings);
}
