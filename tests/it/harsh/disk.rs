//! Disks that are full and programs that are killed: a file is whole or is not there under its name, and what was
//! saved before stays.

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use headwater::sinks::ExportFormat;
use headwater::store::connections::Connections;

use super::{Place, Said, limited, text};

/// Rows whose export is larger than the full disk of these tests in every format.
const ROWS: u64 = 40_000;
/// The full disk: 512 KiB a file, more than a ledger needs.
const BLOCKS: u32 = 1024;
const DEADLINE: Duration = Duration::from_secs(120);

/// Rows that hardly compress.
fn rows() -> String {
    let mut state = 7_u64;
    let mut noise = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state ^ (state >> 29)
    };
    let lines = (0..ROWS).map(|row| format!("{row},{:016x}{:016x},{}\n", noise(), noise(), noise() % 1000));
    std::iter::once("id,token,number\n".to_owned()).chain(lines).collect()
}

/// An empty folder, and the file of this format that is to come into it.
fn place_for(place: &Place, format: ExportFormat) -> (PathBuf, PathBuf) {
    let folder = place.at(format.word());
    std::fs::create_dir(&folder).unwrap();
    let file = folder.join("out").with_extension(format.word());
    (folder, file)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn an_export_to_a_full_disk_is_an_error_and_no_file_of_any_format() {
    let place = Place::new();
    let csv = place.file("rows.csv", rows());
    for format in ExportFormat::ALL {
        let (folder, file) = place_for(&place, format);
        let arguments = ["export", text(&csv), "--limit", "all", "--json", "--to", text(&file)];
        let said = Said::of(&limited(&place, BLOCKS).args(arguments).output().unwrap());
        assert_eq!(said.code, Some(4), "{format:?}: {said}");
        let error = said.error();
        assert_eq!(error["kind"], "budget", "{format:?}: {said}");
        assert!(error["hint"].as_str().is_some_and(|hint| hint.contains("space")), "{format:?}: {said}");
        assert_eq!(said.out, "", "{format:?}");
        assert_eq!(names(&folder), Vec::<String>::new(), "{format:?}");

        // What stood there before stays.
        std::fs::write(&file, "the former export").unwrap();
        let replacing = [&arguments[..], &["--overwrite"]].concat();
        let said = Said::of(&limited(&place, BLOCKS).args(replacing).output().unwrap());
        assert_eq!(said.code, Some(4), "{format:?}: {said}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "the former export", "{format:?}");
        assert_eq!(names(&folder).len(), 1, "{format:?}: {:?}", names(&folder));
    }
    let said = place.run(&["ledger", "--json"]);
    let reads = said.json()["reads"].as_array().unwrap().clone();
    assert_eq!(reads.len(), 2 * ExportFormat::ALL.len(), "{said}");
    assert!(reads.iter().all(|read| read["outcome"] != "started"), "{said}");
}

/// Waits for a condition, or for the end of the process.
fn wait_for(child: &mut Child, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !holds() && child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < deadline, "it never happened");
        std::thread::yield_now();
    }
}

#[test]
fn an_export_that_is_killed_is_never_mistaken_for_whole_in_any_format() {
    let place = Place::new();
    let csv = place.file("rows.csv", rows());
    for format in ExportFormat::ALL {
        let (folder, file) = place_for(&place, format);
        let arguments = ["export", text(&csv), "--limit", "all", "--to", text(&file)];
        // The place is tried with a file that goes again at once: a kill between the two leaves nothing.
        let mut killed = (0..20).map(|_| {
            let mut child =
                place.program().args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            wait_for(&mut child, || !names(&folder).is_empty());
            child.kill().unwrap();
            child.wait().unwrap();
            names(&folder)
        });
        let left = killed.find(|left| !left.is_empty()).unwrap_or_default();
        assert!(!left.is_empty(), "{format:?}: the export never started its file");
        assert!(left.iter().all(|name| name.ends_with(".partial")), "{format:?}: {left:?}");

        // The next one says what is in the way, and replaces it when told to.
        let said = place.run(&arguments);
        assert_eq!(said.code, Some(4), "{format:?}: {said}");
        assert!(said.err.contains("partial file") && said.err.contains("--overwrite"), "{format:?}: {said}");
        let said = place.run(&[&arguments[..], &["--overwrite"]].concat());
        assert_eq!(said.code, Some(0), "{format:?}: {said}");
        let left = names(&folder);
        assert!(file.exists() && left.len() == 2, "{format:?}: {left:?}");
    }
}

async fn saved(place: &Place) -> Vec<String> {
    let saved = Connections::at(place.data.join("connections.toml"));
    saved.list().await.unwrap().into_iter().map(|connection| connection.name).collect()
}

#[tokio::test]
async fn a_hundred_kills_of_a_connection_being_saved_lose_none_and_leave_no_half() {
    let place = Place::new();
    let csv = place.file("rows.csv", "id\n1\n");
    let add = |name: &str| {
        let mut command = place.program();
        command.args(["connections", "add", name, text(&csv)]).stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    // How long one takes tells when to kill; only the spread of the kills hangs on it.
    let since = Instant::now();
    assert!(add("first").status().unwrap().success());
    let takes = since.elapsed();
    let mut expected = vec!["first".to_owned()];
    for round in 0..100_u32 {
        let name = format!("c{round}");
        let mut child = add(&name).spawn().unwrap();
        let end = Instant::now() + takes.mul_f64(0.4 + 0.01 * f64::from(round % 50));
        wait_for(&mut child, || Instant::now() >= end);
        child.kill().unwrap();
        let is_confirmed = child.wait().unwrap().success();
        let now = saved(&place).await;
        let with_it = [&expected[..], std::slice::from_ref(&name)].concat();
        assert!(now == with_it || (now == expected && !is_confirmed), "{round}: {now:?}");
        expected = now;
    }
    // What the killed ones left behind hinders nobody.
    assert!(add("last").status().unwrap().success());
    expected.push("last".to_owned());
    assert_eq!(saved(&place).await, expected);
}

#[tokio::test]
async fn a_connection_that_finds_no_room_is_an_error_and_the_others_stay() {
    let place = Place::new();
    let csv = place.file("rows.csv", "id\n1\n");
    assert_eq!(place.run(&["connections", "add", "first", text(&csv)]).code, Some(0));
    let before = std::fs::read(place.data.join("connections.toml")).unwrap();
    for arguments in [
        &["connections", "add", "second", text(&csv)][..],
        &["connections", "edit", "first", "--note", "changed"],
    ] {
        let said = Said::of(&limited(&place, 0).args(arguments).output().unwrap());
        assert_eq!(said.code, Some(4), "{said}");
        assert!(said.err.contains("error (budget)") && said.err.contains("try: "), "{said}");
        assert_eq!(std::fs::read(place.data.join("connections.toml")).unwrap(), before);
    }
    assert_eq!(saved(&place).await, ["first"]);
}
