//! Workbooks, documents, logs, images and other files through the real worker: third-party files where the variable
//! `HEADWATER_CORPUS` names their folder, and seeded damaged copies of own small files always.

use std::path::Path;
use std::time::Duration;

use headwater::job::CallCtx;
use headwater::kit::dice::Dice;
use headwater::model::node::{NodePath, PageRequest};
use headwater::model::read::ReadSpec;
use headwater::model::{ErrorKind, Result};
use serde_json::Value;

use crate::files::{connect, read, read_of};

/// How a file that can't be read is answered.
const IN_WORDS: [ErrorKind; 3] = [ErrorKind::Decode, ErrorKind::Unsupported, ErrorKind::Budget];
/// An answer takes no longer.
const DEADLINE: Duration = Duration::from_secs(60);

/// Lists a file by a connector and reads the first rows of its first tables.
async fn preview(id: &str, path: &Path) -> Result<Vec<u64>> {
    let reads = async {
        let source = connect(id, path).await?;
        let page = source.children(&CallCtx::detached(), &NodePath::root(), &PageRequest::first()).await?;
        let mut rows = Vec::new();
        for node in page.nodes.into_iter().filter(|node| node.readable).take(2) {
            rows.push(read_of(&*source, ReadSpec::preview(node.path)).await?.rows);
        }
        Ok(rows)
    };
    tokio::time::timeout(DEADLINE, reads).await.unwrap_or_else(|late| panic!("{}: {late}", path.display()))
}

fn connector_of(item: &Value) -> Option<&'static str> {
    match item["kind"].as_str().unwrap() {
        "xls" | "xlsx" | "xlsm" | "xlsb" | "ods" => Some("excel"),
        "png" => Some("images"),
        "txt" => Some("logs"),
        _ => None,
    }
}

/// What is said of a file that does not end as the manifest says.
async fn otherwise(folder: &Path, item: &Value) -> Option<String> {
    let path = item["path"].as_str().unwrap();
    let ended = preview(connector_of(item)?, &folder.join(path)).await;
    let verdict = item["expect"]["verdict"].as_str().unwrap();
    let fits = match (verdict, &ended) {
        ("open" | "survive", Ok(_)) => true,
        ("reject", Err(error)) => {
            [ErrorKind::Decode, ErrorKind::Unsupported].contains(&error.kind)
                && !error.attempted.contains("crashed")
        }
        ("survive", Err(error)) => IN_WORDS.contains(&error.kind),
        _ => false,
    };
    (!fits).then(|| format!("{path} ({verdict}): {ended:?}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn third_party_workbooks_images_and_texts_end_as_their_manifest_says() {
    let Some(folder) = std::env::var_os("HEADWATER_CORPUS") else { return };
    let folder = Path::new(&folder);
    let manifest = std::fs::read_to_string(folder.join("manifest.jsonl")).unwrap();
    let items: Vec<Value> = manifest.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let items: Vec<&Value> = items.iter().filter(|item| connector_of(item).is_some()).collect();
    let mut wrong = Vec::new();
    for item in &items {
        wrong.extend(otherwise(folder, item).await);
    }
    let walked = items.len();
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
        ("images", "picture.png", picture),
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damaged_copies_are_answered_in_words_and_never_take_the_program_along() {
    const COPIES: u64 = 16;
    let folder = tempfile::tempdir().unwrap();
    for (id, name, content) in classes() {
        let whole = folder.path().join(name);
        std::fs::write(&whole, &content).unwrap();
        preview(id, &whole).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        let mut dice = Dice::new(11);
        for number in 0..COPIES {
            let path = folder.path().join(format!("{number} {name}"));
            std::fs::write(&path, damaged(&content, number, &mut dice)).unwrap();
            if let Err(error) = preview(id, &path).await {
                assert!(IN_WORDS.contains(&error.kind), "{name}, copy {number}: {error}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_workbook_of_two_cells_far_apart_opens_and_says_what_it_leaves_out() {
    let folder = tempfile::tempdir().unwrap();
    let mut book = rust_xlsxwriter::Workbook::new();
    book.add_worksheet().write_number(0, 0, 1).unwrap().write_number(1_048_575, 16_383, 2).unwrap();
    let path = folder.path().join("far.xlsx");
    book.save(&path).unwrap();
    let shown = read("excel", &path, Some(ReadSpec::PREVIEW_ROWS)).await.unwrap();
    assert_eq!(shown.rows, 2);
    let lost = format!("{:?}", shown.got.findings.lost);
    assert!(lost.contains("blank rows"), "{lost}");
}
