//! Files that are not what they seem: a clear error, or rows with a note of what is missing.

use std::io::Write as _;

use serde_json::Value;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

use super::{Place, Said, text};

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// A database with a table `t` of some thousand rows.
async fn database(place: &Place, name: &str) -> Vec<u8> {
    let options = SqliteConnectOptions::new().filename(place.at(name)).create_if_missing(true);
    let mut connection = options.connect().await.unwrap();
    let script = "CREATE TABLE t (id INTEGER PRIMARY KEY, s TEXT);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
        INSERT INTO t SELECT i, hex(zeroblob(30)) FROM n;";
    sqlx::raw_sql(script).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    std::fs::read(place.at(name)).unwrap()
}

/// How a preview of everything must end.
enum End {
    /// With this kind of error, and no row.
    Error(&'static str),
    /// With this kind of error after some rows.
    RowsThen(&'static str),
    /// Well, with a note that holds these words.
    Noted(&'static str),
    /// Well, with so many rows.
    Rows(usize),
}

fn check(what: &str, said: &Said, end: &End) {
    let rows = |said: &Said| said.json()["rows"].as_array().unwrap().len();
    let error = |said: &Said, kind: &str| {
        assert_eq!(said.code, Some(4), "{what}: {said}");
        let error = said.error();
        assert_eq!(error["kind"], kind, "{what}: {said}");
        assert!(error["hint"].is_string(), "{what}: no way on: {said}");
    };
    match end {
        End::Error(kind) => {
            error(said, kind);
            assert!(said.out.is_empty() || rows(said) == 0, "{what}: {said}");
        }
        End::RowsThen(kind) => {
            error(said, kind);
            assert!(rows(said) > 0 && said.json()["truncated"] == Value::Bool(true), "{what}: {said}");
        }
        End::Noted(words) => {
            assert_eq!(said.code, Some(0), "{what}: {said}");
            let document = said.json();
            let notes =
                ["lost", "disagreements", "remarks"].map(|field| document[field].to_string()).join(" ");
            assert!(notes.contains(words), "{what}: {notes}");
        }
        End::Rows(count) => {
            assert_eq!(said.code, Some(0), "{what}: {said}");
            assert_eq!(rows(said), *count, "{what}: {said}");
        }
    }
    assert!(!said.holds("broke down") && !said.holds("panicked"), "{what}: {said}");
}

#[tokio::test]
async fn files_that_are_not_what_they_seem_end_in_an_error_or_a_note() {
    let place = Place::new();
    let whole = database(&place, "whole.db").await;
    let zeroed = |page: usize| {
        let mut copy = whole.clone();
        copy[page * 4096..(page + 1) * 4096].fill(0);
        copy
    };
    let mut schema_gone = whole.clone();
    schema_gone[100..4096].fill(0xff);
    let lines = (0..50_000).map(|row| format!("{row},n{row}\n")).collect::<String>();
    let packed = gzip(format!("id,name\n{lines}").as_bytes());
    let mut broken = packed.clone();
    broken[40..400].fill(0);
    for (name, content, end) in [
        ("cut.csv.gz", packed[..packed.len() / 2].to_vec(), End::Noted("the bytes ended before the end")),
        ("broken.csv.gz", broken, End::Error("decode")),
        ("header only.csv.gz", packed[..12].to_vec(), End::Error("decode")),
        ("cut.csv", b"id,name,day\n1,a,2024-01-01\n2,b".to_vec(), End::Noted("the file may be cut off")),
        ("in a quote.csv", b"id,name\n1,a\n2,\"unfini".to_vec(), End::Noted("ends inside a quoted cell")),
        ("empty.csv", Vec::new(), End::Noted("the file is empty")),
        ("zeros.csv", vec![0; 5000], End::Noted("zero byte in a cell")),
        ("cut.db", whole[..whole.len() / 2].to_vec(), End::Error("decode")),
        ("cut in the header.db", whole[..60].to_vec(), End::Error("decode")),
        ("a page of zeros.db", zeroed(20), End::RowsThen("decode")),
        ("no schema.db", schema_gone, End::Error("decode")),
        ("empty.db", Vec::new(), End::Error("decode")),
        ("text.db", b"id,name\n1,a\n".to_vec(), End::Error("decode")),
    ] {
        let file = place.file(name, content);
        let mut arguments = vec!["preview", text(&file)];
        if name.ends_with(".db") {
            arguments.push("t");
        }
        arguments.extend(["--limit", "all", "--json"]);
        check(name, &place.run(&arguments), &end);
    }
    for name in ["folder.csv", "folder.db", "folder"] {
        std::fs::create_dir(place.at(name)).unwrap();
        let said = place.run(&["preview", text(&place.at(name)), "--json"]);
        check(name, &said, &End::Error("invalid"));
    }
}

#[tokio::test]
async fn a_file_that_vanishes_after_it_was_described_is_said_to_be_gone() {
    let place = Place::new();
    database(&place, "gone.db").await;
    place.file("gone.csv", "id\n1\n");
    for (name, node) in [("gone.csv", "gone.csv"), ("gone.db", "t")] {
        let path = place.at(name);
        assert_eq!(place.run(&["connections", "add", name, text(&path)]).code, Some(0));
        assert_eq!(place.run(&["describe", name, node]).code, Some(0));
        std::fs::remove_file(&path).unwrap();
        for target in [name, text(&path)] {
            for verb in ["describe", "preview", "profile"] {
                let said = place.run(&[verb, target, node, "--json"]);
                check(verb, &said, &End::Error("not_found"));
            }
        }
    }
}

#[tokio::test]
async fn a_database_that_another_process_holds_is_not_waited_for() {
    let place = Place::new();
    database(&place, "held.db").await;
    let options = SqliteConnectOptions::new().filename(place.at("held.db"));
    let mut holder = options.connect().await.unwrap();
    sqlx::raw_sql("BEGIN EXCLUSIVE; INSERT INTO t VALUES (9999, 'more')").execute(&mut holder).await.unwrap();
    let path = place.at("held.db");
    let out = place.at("out.csv");
    for arguments in [
        &["preview", text(&path), "t", "--json"][..],
        &["profile", text(&path), "t", "--json"],
        &["describe", text(&path), "t", "--json"],
        &["export", text(&path), "t", "--json", "--to", text(&out)],
    ] {
        let said = place.run(arguments);
        check(arguments[0], &said, &End::Error("unreachable"));
        let error = said.error();
        assert!(error["attempted"].as_str().unwrap().contains("locked"), "{said}");
        assert_eq!(error["retry"], "later", "{said}");
    }
    assert!(!out.exists());
    sqlx::raw_sql("ROLLBACK").execute(&mut holder).await.unwrap();
    check("after it", &place.run(&["preview", text(&path), "t", "--json"]), &End::Rows(200));
}

#[test]
fn a_hundred_thousand_columns_are_shown_or_refused_by_what_can_not_hold_them() {
    const COLUMNS: usize = 100_000;
    let place = Place::new();
    let line = |row: usize| (0..COLUMNS).map(|at| (at + row).to_string()).collect::<Vec<_>>().join(",");
    let header = (0..COLUMNS).map(|at| format!("c{at}")).collect::<Vec<_>>().join(",");
    let csv = place.file("wide.csv", format!("{header}\n{}\n{}\n", line(0), line(1)));
    let said = place.run(&["preview", text(&csv), "--json"]);
    check("preview", &said, &End::Rows(2));
    let document = said.json();
    assert_eq!(document["columns"].as_array().unwrap().len(), COLUMNS);
    assert_eq!(document["rows"][1][COLUMNS - 1], COLUMNS);
    let sheet = place.at("wide.xlsx");
    let said = place.run(&["export", text(&csv), "--to", text(&sheet), "--json"]);
    check("sheet", &said, &End::Error("unsupported"));
    assert!(!sheet.exists());
}
