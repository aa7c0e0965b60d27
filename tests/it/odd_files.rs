//! Workbooks, documents, logs, images and other files through the real program: third-party files where the variable
//! `HEADWATER_CORPUS` names their folder, and seeded damaged copies of own small files always.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use headwater::kit::dice::Dice;
use serde_json::Value;

/// How a preview ended: its document, or the kind and the words of the error.
type Ended = Result<Value, (String, String)>;

/// An answer takes no longer.
const DEADLINE: Duration = Duration::from_secs(20);

fn run(data: &Path, arguments: &[&str]) -> Ended {
    let started = Instant::now();
    let output = Command::new(env!("CARGO_BIN_EXE_headwater"))
        .args(arguments)
        .env("HEADWATER_DATA_DIR", data)
        .env_remove("RUST_LOG")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(started.elapsed() < DEADLINE * 3, "{arguments:?} took {:?}", started.elapsed());
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    match output.status.code() {
        Some(0) => {
            Ok(serde_json::from_str(&out).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {out}")))
        }
        Some(4) => {
            let line: Value = serde_json::from_str(err.lines().last().unwrap_or_default()).unwrap();
            let part = |key: &str| line["error"][key].as_str().unwrap_or_default().to_owned();
            Err((part("kind"), part("attempted")))
        }
        other => panic!("{arguments:?} ended with {other:?}:\n{out}\n{err}"),
    }
}

/// Lists a file by a connector and reads the first rows of its first tables.
fn preview(data: &Path, id: &str, path: &Path) -> Ended {
    let target = format!("{id}://{}", path.display());
    let listed = run(data, &["ls", &target, "--json"])?;
    let nodes = listed["nodes"].as_array().unwrap();
    let tables = nodes.iter().filter(|node| node["readable"] == true).take(2);
    for node in tables {
        run(data, &["preview", &target, node["path"].as_str().unwrap(), "--json", "--approve", "a test"])?;
    }
    Ok(listed)
}

fn connector_of(item: &Value) -> Option<&'static str> {
    match item["kind"].as_str().unwrap() {
        "xls" | "xlsx" | "xlsm" | "xlsb" | "ods" => Some("excel"),
        "png" => Some("image"),
        "txt" => Some("logs"),
        _ => None,
    }
}

/// What is said of a file that does not end as the manifest says.
fn otherwise(data: &Path, folder: &Path, item: &Value) -> Option<String> {
    let path = item["path"].as_str().unwrap();
    let ended = preview(data, connector_of(item)?, &folder.join(path));
    let verdict = item["expect"]["verdict"].as_str().unwrap();
    let fits = match (verdict, &ended) {
        ("open" | "survive", Ok(_)) => true,
        ("reject", Err((kind, words))) => {
            ["decode", "unsupported"].contains(&kind.as_str()) && !words.contains("crashed")
        }
        ("survive", Err((kind, _))) => ["decode", "unsupported", "budget"].contains(&kind.as_str()),
        _ => false,
    };
    (!fits).then(|| format!("{path} ({verdict}): {ended:?}"))
}

#[test]
fn third_party_workbooks_images_and_texts_end_as_their_manifest_says() {
    let Some(folder) = std::env::var_os("HEADWATER_CORPUS") else { return };
    let folder = Path::new(&folder);
    let data = tempfile::tempdir().unwrap();
    let manifest = std::fs::read_to_string(folder.join("manifest.jsonl")).unwrap();
    let items: Vec<Value> = manifest.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let items: Vec<&Value> = items.iter().filter(|item| connector_of(item).is_some()).collect();
    // Each file takes a few processes: four at a time.
    let parts = std::thread::scope(|scope| {
        let walks: Vec<_> = items
            .chunks(items.len().div_ceil(4).max(1))
            .map(|part| {
                scope.spawn(|| part.iter().filter_map(|item| otherwise(data.path(), folder, item)).collect())
            })
            .collect();
        walks.into_iter().map(|walk| walk.join().unwrap()).collect::<Vec<Vec<String>>>()
    });
    let (walked, wrong) = (items.len(), parts.concat());
    assert!(walked > 0, "the corpus has no files of these kinds");
    assert!(wrong.is_empty(), "{} of {walked} end otherwise:\n{}", wrong.len(), wrong.join("\n"));
}

fn workbook() -> Vec<u8> {
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    for row in 0..60 {
        sheet.write_number(row, 0, row).unwrap();
        sheet.write_string(row, 1, format!("name {row}")).unwrap();
        sheet.write_formula(row, 2, "=A1+1").unwrap();
    }
    book.save_to_buffer().unwrap()
}

/// A small file of each class, by connector and name.
fn classes() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let rows = (0..60).map(|i| format!("<r id=\"{i}\"><a>x &amp; {i}</a><!-- c --></r>")).collect::<String>();
    let lines = (0..60).map(|i| format!("2024-01-01 00:00:{i:02} INFO line {i}\n")).collect::<String>();
    let entries = (0..20)
        .map(|i| format!("__CURSOR=s={i}\n__REALTIME_TIMESTAMP=17145668960000{i:02}\nMESSAGE=m {i}\n\n"))
        .collect::<String>();
    let mut picture = Vec::new();
    let pixels = image::RgbImage::from_fn(24, 24, |x, y| image::Rgb([x as u8 * 9, y as u8 * 9, 7]));
    pixels.write_to(&mut std::io::Cursor::new(&mut picture), image::ImageFormat::Png).unwrap();
    vec![
        ("excel", "rows.xlsx", workbook()),
        ("xml", "rows.xml", format!("<?xml version=\"1.0\"?><!DOCTYPE all><all>{rows}</all>").into_bytes()),
        ("logs", "rows.log", lines.into_bytes()),
        ("logs", "rows.journal", entries.into_bytes()),
        ("image", "picture.png", picture),
        ("anyfile", "state.bin", (0..4_000_u32).flat_map(u32::to_le_bytes).collect()),
    ]
}

/// A damaged copy: cut, bits turned, a piece put elsewhere, a length as large as it can be.
fn damaged(content: &[u8], kind: u64, dice: &mut Dice) -> Vec<u8> {
    let mut made = content.to_vec();
    let place = |dice: &mut Dice| dice.below(content.len() as u64 - 4) as usize;
    match kind % 4 {
        0 => made.truncate(place(dice)),
        1 => (0..4).for_each(|_| made[place(dice)] ^= 1 << dice.below(8)),
        2 => {
            let (from, to) = (place(dice), place(dice));
            let piece = content[from..content.len().min(from + 60)].to_vec();
            made.splice(to..to, piece);
        }
        _ => {
            let at = place(dice);
            made[at..at + 4].copy_from_slice(&[0xff, 0xff, 0xff, 0x7f]);
        }
    }
    made
}

#[test]
fn damaged_copies_are_answered_in_words_and_never_take_the_program_along() {
    const COPIES: u64 = 16;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    for (id, name, content) in classes() {
        let whole = folder.path().join(name);
        std::fs::write(&whole, &content).unwrap();
        preview(&data, id, &whole).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        let mut dice = Dice::new(11);
        for number in 0..COPIES {
            let path = folder.path().join(format!("{number} {name}"));
            std::fs::write(&path, damaged(&content, number, &mut dice)).unwrap();
            if let Err((kind, words)) = preview(&data, id, &path) {
                assert!(
                    ["decode", "unsupported", "budget"].contains(&kind.as_str()),
                    "{name}, copy {number}: {words}"
                );
            }
        }
    }
}

#[test]
fn a_workbook_of_two_cells_far_apart_opens_and_says_what_it_leaves_out() {
    let folder = tempfile::tempdir().unwrap();
    let mut book = rust_xlsxwriter::Workbook::new();
    book.add_worksheet().write_number(0, 0, 1).unwrap().write_number(1_048_575, 16_383, 2).unwrap();
    let path = folder.path().join("far.xlsx");
    book.save(&path).unwrap();
    let (data, target) = (folder.path().join("data"), format!("excel://{}", path.display()));
    let shown = run(&data, &["preview", &target, "Sheet1", "--json", "--approve", "a test"]).unwrap();
    assert_eq!(shown["rows_returned"], 2);
    let lost = shown["lost"].to_string();
    assert!(lost.contains("blank rows"), "{lost}");
}
