//! Exports of the demo, from the read to the file and its manifest.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use headwater::job::CallCtx;
use headwater::kit::worker;
use headwater::model::ErrorKind;
use headwater::model::node::NodePath;
use headwater::model::read::{Bound, ReadSpec};
use headwater::ops::export::{Destination, Exported, FormulaText, IfThere};
use headwater::ops::target::Target;
use headwater::ops::{Opened, Workspace};
use headwater::sinks::ExportFormat;

const ROWS: u64 = 1_000;

async fn export(ctx: &CallCtx, folder: &Path, file: PathBuf) -> headwater::model::Result<Exported> {
    // The demo has a delimited file as well, which a worker reads: the real program, not this test.
    worker::set_program(env!("CARGO_BIN_EXE_headwater"));
    let workspace = Workspace::open(Some(folder.join("data"))).await?;
    let target = Target::resolve(&workspace, "demo:").await?;
    let quiet = CallCtx::detached();
    let opened = Opened::open(&quiet, &workspace, &target).await?;
    let node = NodePath::root().child("flights.db").child("flights");
    let spec = ReadSpec { bound: Bound::rows(ROWS), ..ReadSpec::preview(node) };
    let prepared = opened.prepare(&quiet, spec).await?;
    let to = Destination::new(file, None, FormulaText::Guarded, IfThere::Refuse)?;
    opened.export(ctx, prepared, None, to).await
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn every_format_gets_the_rows_and_a_manifest() {
    let folder = tempfile::tempdir().unwrap();
    for format in ExportFormat::ALL {
        let file = folder.path().join("out").with_extension(format.word());
        let exported = export(&CallCtx::detached(), folder.path(), file.clone()).await.unwrap();
        assert_eq!(exported.rows, ROWS, "{format:?}");
        assert_eq!(exported.bytes, std::fs::metadata(&file).unwrap().len(), "{format:?}");
        let manifest: serde_json::Value =
            serde_json::from_slice(&std::fs::read(&exported.manifest).unwrap()).unwrap();
        assert_eq!(manifest["node"], "flights.db/flights", "{format:?}");
        assert_eq!(manifest["file"]["rows"], ROWS, "{format:?}");
        assert_eq!(manifest["truncated"], true, "{format:?}");
        assert!(manifest["statements"][0]["text"].as_str().unwrap().starts_with("SELECT"), "{format:?}");
        assert!(!manifest["actual"]["values"].as_array().unwrap().is_empty(), "{format:?}");
    }
    let text = std::fs::read_to_string(folder.path().join("out.jsonl")).unwrap();
    assert_eq!(text.lines().count() as u64, ROWS);
}

#[tokio::test]
async fn a_cancelled_export_gives_no_file_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    std::fs::create_dir(&out).unwrap();
    let ctx = CallCtx::detached();
    ctx.cancel().await;
    let error = export(&ctx, folder.path(), out.join("rows.parquet")).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Cancelled);
    assert!(names(&out).iter().all(|name| name.ends_with(".partial")), "{:?}", names(&out));
}

#[tokio::test]
async fn a_name_that_tells_no_format_is_refused_before_anything_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let error =
        export(&CallCtx::detached(), folder.path(), folder.path().join("rows.xls")).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert!(error.hint.unwrap().contains("parquet"));
}

#[tokio::test]
async fn an_export_that_is_killed_leaves_the_whole_file_or_none() {
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole.csv");
    export(&CallCtx::detached(), folder.path(), whole.clone()).await.unwrap();
    let whole = std::fs::read(whole).unwrap();
    for round in 0..4 {
        let out = folder.path().join(format!("out{round}"));
        std::fs::create_dir(&out).unwrap();
        let file = out.join("rows.csv");
        let mut child = Command::new(env!("CARGO_BIN_EXE_headwater"))
            .args(["export", "demo:", "flights.db/flights", "--limit", "1000", "--to"])
            .arg(&file)
            .env("HEADWATER_DATA_DIR", folder.path().join("data"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        while names(&out).is_empty() && child.try_wait().unwrap().is_none() && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(1 + round * 7)).await;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!names(&out).is_empty(), "round {round}: the export never started its file");
        if file.exists() {
            assert_eq!(std::fs::read(&file).unwrap(), whole, "round {round}");
        } else {
            assert!(names(&out).iter().all(|name| name.ends_with(".partial")), "{:?}", names(&out));
        }
    }
}
