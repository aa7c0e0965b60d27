//! The worker as a real process of the real program: what it gives, what it withstands, what it cannot reach.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::time::Duration;

use async_trait::async_trait;
use headwater::job::sink::Collected;
use headwater::job::{BatchSink, CallCtx, CancelReport, Flow};
use headwater::kit::worker::{self, HostJob, Limits, probe};
use headwater::model::batch::Batch;
use headwater::model::cell::Cell;
use headwater::model::load::Dim;
use headwater::model::lost::Findings;
use headwater::model::{Error, ErrorKind, Result};
use serde_json::{Value, json};

/// Longest that anything here may take; far above what it takes.
const DEADLINE: Duration = Duration::from_secs(60);

fn job(op: &str, params: Value) -> HostJob {
    worker::set_program(env!("CARGO_BIN_EXE_headwater"));
    HostJob::new(probe::ID, op, params, Vec::new())
}

async fn run_job(ctx: &CallCtx, job: HostJob, sink: &mut dyn BatchSink) -> Result<Value> {
    tokio::time::timeout(DEADLINE, worker::run(ctx, job, sink)).await.expect("a worker hangs")
}

async fn run(op: &str, params: Value) -> (Result<Value>, Collected) {
    let mut collected = Collected::default();
    let result = run_job(&CallCtx::detached(), job(op, params), &mut collected).await;
    (result, collected)
}

async fn fails(op: &str, params: Value) -> Error {
    run(op, params).await.0.expect_err(op)
}

/// Takes some batches, then has enough or fails.
struct Picky {
    wanted: usize,
    then: Result<Flow>,
    taken: usize,
}

#[async_trait]
impl BatchSink for Picky {
    async fn batch(&mut self, batch: Batch) -> Result<Flow> {
        self.taken += batch.row_count();
        if self.taken >= self.wanted { self.then.clone() } else { Ok(Flow::More) }
    }

    fn findings(&mut self, _findings: Findings) {}
}

/// Cancels the call when its first rows are there, and does not let go of them before the call is cancelled.
struct CancelsAtFirstRows {
    ctx: CallCtx,
    report: Option<CancelReport>,
    rows: usize,
}

#[async_trait]
impl BatchSink for CancelsAtFirstRows {
    async fn batch(&mut self, batch: Batch) -> Result<Flow> {
        self.rows += batch.row_count();
        self.report = Some(self.ctx.cancel().await);
        Ok(Flow::More)
    }

    fn findings(&mut self, _findings: Findings) {}
}

#[tokio::test]
async fn rows_findings_states_and_the_end_arrive() {
    let (result, collected) = run("rows", json!({ "batches": 25, "rows": 100 })).await;
    assert_eq!(result.unwrap(), json!({ "given": 25 }));
    assert_eq!(collected.row_count(), 2500);
    let second = &collected.batches[1];
    assert_eq!(second.origin.first_row, Some(100));
    assert_eq!(second.cell(3, 0), Cell::Int(103));
    assert_eq!(second.cell(3, 1), Cell::Text("row 103 ✓".to_owned()));
    assert!(matches!(second.cell(9, 0), Cell::Float(value) if value.is_nan()));
    assert_eq!(collected.findings.lost.len(), 1);

    let (result, collected) = run("state", json!({ "columns": 1200 })).await;
    result.unwrap();
    let state = collected.state.unwrap();
    assert_eq!((state.columns.len(), state.columns[1199].sum.float), (1200, f64::INFINITY));
}

#[tokio::test]
async fn files_arrive_as_descriptors_and_are_metered() {
    let mut files = Vec::new();
    for text in ["first", "second"] {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        files.push(file);
    }
    let ctx = CallCtx::detached();
    let job = HostJob { files, ..job("files", Value::Null) };
    let result = run_job(&ctx, job, &mut Collected::default()).await;
    assert_eq!(result.unwrap(), json!(["first", "second"]));
    assert_eq!(ctx.meter().actual().value(Dim::BytesServer), Some(11.0));
}

#[tokio::test]
async fn more_files_than_a_job_takes_are_refused() {
    let files = (0..=worker::MAX_FILES).map(|_| tempfile::tempfile().unwrap()).collect();
    let job = HostJob { files, ..job("files", Value::Null) };
    let error = run_job(&CallCtx::detached(), job, &mut Collected::default()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unexpected, "{error}");
}

#[tokio::test]
async fn what_goes_wrong_in_a_parser_is_said_for_what_it_is() {
    let rows = [
        ("error", ErrorKind::NotFound, "no such sheet"),
        ("panic", ErrorKind::Decode, "the reader crashed on this file during `panic`: index out of bounds"),
        ("abort", ErrorKind::Decode, "the reader crashed on this file during `abort`: it aborted"),
        ("overflow", ErrorKind::Decode, "out of stack"),
        ("exit", ErrorKind::Decode, "status 7"),
        ("eat", ErrorKind::Budget, "it wanted more than 1.0 GiB of memory"),
    ];
    for (op, kind, words) in rows {
        let error = fails(op, Value::Null).await;
        assert_eq!(error.kind, kind, "{op}: {error}");
        assert!(error.attempted.contains(words), "{op}: {error}");
    }
    // None of them took the next job along.
    assert_eq!(run("echo", json!([1])).await.0.unwrap(), json!([1]));
}

#[tokio::test]
async fn a_runaway_is_stopped_by_its_cpu_limit() {
    let limits = Limits { cpu_seconds: 1, ..Limits::default() };
    let ctx = CallCtx::detached();
    let error = run_job(&ctx, HostJob { limits, ..job("spin", Value::Null) }, &mut Collected::default())
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Budget, "{error}");
    assert!(error.attempted.contains("more than 1 s"), "{error}");
    if cfg!(target_os = "linux") {
        assert!(ctx.meter().actual().value(Dim::Cpu).unwrap() > 0.5);
    }
}

#[tokio::test]
async fn a_worker_that_talks_to_its_standard_error_is_not_stuck() {
    assert_eq!(run("chatter", Value::Null).await.0.unwrap(), json!("said"));
}

#[tokio::test]
async fn a_cancelled_job_ends_and_its_process_is_known_to_be_gone() {
    // The polite one answers the word; the other one is killed.
    for op in ["wait", "hang", "spin"] {
        let ctx = CallCtx::detached();
        let cancelling = ctx.clone();
        let mut watched = ctx.watch_progress();
        let cancel = async move {
            if op != "spin" {
                watched.wait_for(|progress| progress.done > 0).await.unwrap();
            }
            cancelling.cancel().await
        };
        let mut sink = Collected::default();
        let (result, report) = tokio::join!(run_job(&ctx, job(op, Value::Null), &mut sink), cancel);
        assert_eq!(result.unwrap_err().kind, ErrorKind::Cancelled, "{op}");
        assert_eq!(report, CancelReport::StoppedOnServer, "{op}");
    }
}

#[tokio::test]
async fn a_job_cancelled_while_rows_come_keeps_those_that_came() {
    let ctx = CallCtx::detached();
    let mut sink = CancelsAtFirstRows { ctx: ctx.clone(), report: None, rows: 0 };
    let error =
        run_job(&ctx, job("rows", json!({ "batches": 100_000, "rows": 10 })), &mut sink).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Cancelled);
    assert_eq!(sink.rows, 10);
    assert_eq!(sink.report, Some(CancelReport::StoppedOnServer));
}

#[tokio::test]
async fn a_job_cancelled_before_it_starts_starts_nothing() {
    let ctx = CallCtx::detached();
    ctx.cancel().await;
    let error = run_job(&ctx, job("echo", Value::Null), &mut Collected::default()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Cancelled);
}

#[tokio::test]
async fn a_sink_that_has_enough_ends_the_job_as_a_normal_end() {
    let mut sink = Picky { wanted: 30, then: Ok(Flow::Enough), taken: 0 };
    let params = json!({ "batches": 1_000_000, "rows": 10 });
    let value = run_job(&CallCtx::detached(), job("rows", params), &mut sink).await.unwrap();
    // The parser was told, and gave its end value.
    let given = value["given"].as_u64().unwrap();
    assert!((3..20).contains(&given), "{given}");
    assert_eq!(sink.taken, 30);
}

#[tokio::test]
async fn a_sink_that_fails_ends_the_job_with_its_error() {
    let full = Error::new(ErrorKind::Budget, "read", "the disk is full");
    let mut sink = Picky { wanted: 1, then: Err(full.clone()), taken: 0 };
    let params = json!({ "batches": 1_000_000, "rows": 10 });
    let error = run_job(&CallCtx::detached(), job("rows", params), &mut sink).await.unwrap_err();
    assert_eq!(error, full);
}

#[tokio::test]
async fn a_guest_that_breaks_the_rules_is_refused() {
    let frame =
        |kind: u8, length: u32, payload: &[u8]| [&length.to_le_bytes()[..], &[kind], payload].concat();
    let rows = [
        ("a frame of unknown kind", frame(99, 0, &[])),
        ("a huge frame", frame(18, u32::MAX, &[])),
        ("rows before their schema", frame(18, 4, &[0; 4])),
        ("a frame of the host", frame(1, 0, &[])),
        ("no json", frame(22, 3, b"{{{")),
        ("noise", vec![0xa5; 64]),
    ];
    for (what, bytes) in rows {
        let error = fails("raw", json!({ "bytes": bytes })).await;
        assert_eq!(error.kind, ErrorKind::Decode, "{what}: {error}");
        assert!(error.attempted.contains("against the rules"), "{what}: {error}");
    }
}

#[tokio::test]
async fn a_guest_that_floods_the_host_with_findings_is_refused() {
    let payload = format!(
        r#"{{"lost":[],"disagreements":[{{"about":"{}","declared":"","observed":""}}]}}"#,
        "x".repeat(900_000)
    );
    let bytes = [&(payload.len() as u32).to_le_bytes()[..], &[21], payload.as_bytes()].concat();
    let error = fails("raw", json!({ "bytes": bytes, "repeat": 100 })).await;
    assert_eq!(error.kind, ErrorKind::Decode, "{error}");
}

#[tokio::test]
async fn a_worker_reaches_nothing_but_its_files() {
    let value = run("surroundings", Value::Null).await.0.unwrap();
    assert_eq!(value["environment"], json!(["HEADWATER_WORKER"]));
    assert_eq!(value["arguments"], json!(["worker"]));
    assert_eq!(value["folder"], json!("/"));
    assert_eq!(value["wrote"], json!(false), "no file is written, whatever the kernel");
    if kernel_has_landlock() {
        for way in ["opened", "listed", "connected"] {
            assert_eq!(value[way], json!(false), "{way}");
        }
    }
}

#[cfg(target_os = "linux")]
fn kernel_has_landlock() -> bool {
    use landlock::{ABI, Access as _, AccessFs, CompatLevel, Compatible as _, Ruleset, RulesetAttr as _};
    Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(ABI::V4))
        .and_then(Ruleset::create)
        .is_ok()
}

#[cfg(not(target_os = "linux"))]
fn kernel_has_landlock() -> bool {
    false
}

/// Waits until a process is gone, or a corpse that nobody has waited for yet.
#[cfg(target_os = "linux")]
async fn wait_until_gone(pid: u64) {
    let gone = async {
        while let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) {
            if stat.rsplit_once(')').is_some_and(|(_, state)| state.trim_start().starts_with('Z')) {
                break;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, gone).await.expect("the process lives on");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_job_that_is_dropped_takes_its_process_along() {
    let ctx = CallCtx::detached();
    let mut watched = ctx.watch_progress();
    let mut sink = Collected::default();
    let pid = tokio::select! {
        result = run_job(&ctx, job("hang", Value::Null), &mut sink) => panic!("{result:?}"),
        seen = watched.wait_for(|progress| progress.done > 0) => seen.unwrap().done,
    };
    wait_until_gone(pid).await;
}

#[tokio::test]
async fn a_worker_that_was_killed_from_outside_is_said_so() {
    let ctx = CallCtx::detached();
    let mut watched = ctx.watch_progress();
    let mut sink = Collected::default();
    let kill = async {
        let pid = watched.wait_for(|progress| progress.done > 0).await.unwrap().done;
        let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    };
    let (result, ()) = tokio::join!(run_job(&ctx, job("hang", Value::Null), &mut sink), kill);
    let error = result.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Budget, "{error}");
    assert!(error.attempted.contains("the system stopped it"), "{error}");
}

#[test]
fn a_worker_ends_with_its_host_even_in_the_middle_of_a_job() {
    let (host, guest) = std::os::unix::net::UnixStream::pair().unwrap();
    let mut worker = std::process::Command::new(env!("CARGO_BIN_EXE_headwater"))
        .arg("worker")
        .stdin(std::os::fd::OwnedFd::from(guest))
        .spawn()
        .unwrap();
    let limits = json!({ "memory_bytes": 1 << 30, "cpu_seconds": 60 });
    let job = json!({
        "parser": probe::ID, "op": "hang", "params": null, "files": 0, "limits": limits, "credits": 4
    });
    let payload = job.to_string();
    let frame = [&(payload.len() as u32).to_le_bytes()[..], &[1], payload.as_bytes()].concat();
    (&host).write_all(&frame).unwrap();
    // Its greeting and its first progress: it hangs in the parser from here on.
    for _ in 0..2 {
        let mut head = [0; 5];
        (&host).read_exact(&mut head).unwrap();
        let length = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
        (&host).read_exact(&mut vec![0; length]).unwrap();
    }
    drop(host);
    // Ends, or the test hangs; the runner's own deadline then says so.
    worker.wait().unwrap();
}

#[tokio::test]
async fn jobs_run_side_by_side() {
    let jobs = (0..8).map(|number| run("echo", json!(number)));
    for (number, (result, _)) in futures::future::join_all(jobs).await.into_iter().enumerate() {
        assert_eq!(result.unwrap(), json!(number));
    }
}

#[test]
fn the_verb_by_hand_says_what_it_is() {
    let out = std::process::Command::new(env!("CARGO_BIN_EXE_headwater"))
        .arg("worker")
        .stdin(File::open("/dev/null").unwrap())
        .output()
        .unwrap();
    assert!(!out.status.success());
    assert!(String::from_utf8_lossy(&out.stderr).contains("started by headwater itself"));
}
