//! A parser for tests that behaves as badly as a file can make a parser behave.

use std::io::{Read as _, Seek as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::{GuestJob, Parser};
use crate::job::Flow;
use crate::model::batch::{BatchBuilder, Origin};
use crate::model::cell::Cell;
use crate::model::column_state::{ColumnState, Sum, TableState};
use crate::model::lost::{Findings, Lost};
use crate::model::node::NodePath;
use crate::model::schema::{Field, LogicalType, Schema};
use crate::model::{Error, ErrorKind, Result};

/// Its id.
pub const ID: &str = "probe";

/// The parser; one value for all.
pub static PROBE: Probe = Probe;

/// See the module.
#[derive(Debug)]
pub struct Probe;

impl Parser for Probe {
    fn id(&self) -> &'static str {
        ID
    }

    fn run(&self, job: GuestJob<'_>) -> Result<Value> {
        match job.op.as_str() {
            "echo" => Ok(job.params),
            "rows" => rows(job),
            "files" => files(job),
            "state" => state(job),
            "error" => Err(Error::new(ErrorKind::NotFound, "read", "no such sheet").hint("take another")),
            "panic" => Ok(json!(careless(&[]))),
            "abort" => std::process::abort(),
            "overflow" => Ok(json!(deep(0))),
            "eat" => eat(),
            "spin" => spin(),
            "exit" => std::process::exit(7),
            "hang" => hang(job),
            "wait" => wait(job),
            "chatter" => chatter(),
            "surroundings" => Ok(surroundings()),
            "raw" => raw(&job.params),
            other => Err(Error::unexpected("read", format!("the probe has no operation {other:?}"))),
        }
    }
}

fn number(params: &Value, name: &str) -> usize {
    params.get(name).and_then(Value::as_u64).and_then(|number| usize::try_from(number).ok()).unwrap_or(0)
}

/// `batches` of `rows` rows each: a number, a text, and an odd cell in every tenth row.
fn rows(job: GuestJob<'_>) -> Result<Value> {
    let (batches, rows) = (number(&job.params, "batches"), number(&job.params, "rows"));
    let schema = Arc::new(Schema::new(vec![
        Field::new("n", LogicalType::INT64),
        Field::new("text", LogicalType::Text),
        Field::new("list", LogicalType::List { item: Box::new(LogicalType::FLOAT64) }),
    ]));
    let mut given = 0;
    for batch in 0..batches {
        let mut builder = BatchBuilder::new(Arc::clone(&schema));
        for row in batch * rows..(batch + 1) * rows {
            let n = if row % 10 == 9 { Cell::Float(f64::NAN) } else { Cell::Int(row as i64) };
            builder.push_row([n, Cell::Text(format!("row {row} ✓")), Cell::List(vec![Cell::Float(0.1)])]);
        }
        let origin = Origin { node: NodePath::of(["probe"]), first_row: Some((batch * rows) as u64) };
        given += 1;
        if job.out.batch(builder.take(origin)?)? == Flow::Enough {
            break;
        }
        job.out.progress((given * rows) as u64, Some((batches * rows) as u64), "rows")?;
    }
    let mut findings = Findings::default();
    findings.lost(Lost { place: "row 3".to_owned(), why: "for the test".to_owned(), count: 1 });
    job.out.findings(findings)?;
    Ok(json!({ "given": given }))
}

fn files(job: GuestJob<'_>) -> Result<Value> {
    let mut texts = Vec::new();
    for mut file in job.files {
        let mut text = String::new();
        file.rewind()
            .and_then(|()| file.read_to_string(&mut text))
            .map_err(|error| Error::io("read", "reading a file of the job", &error))?;
        job.out.bytes_read(text.len() as u64);
        texts.push(text);
    }
    Ok(json!(texts))
}

/// The states of `columns` columns with a sketch of 10 kB each.
fn state(job: GuestJob<'_>) -> Result<Value> {
    let columns = number(&job.params, "columns");
    let fields = (0..columns).map(|index| Field::new(format!("c{index}"), LogicalType::FLOAT64)).collect();
    let column = ColumnState {
        rows: 5,
        sum: Sum { float: f64::INFINITY, ..Sum::default() },
        distinct_sketch: vec![7; 10_000],
        ..ColumnState::default()
    };
    job.out.state(TableState { schema: Schema::new(fields), rows: 5, columns: vec![column; columns] })?;
    Ok(Value::Null)
}

/// Panics as careless readers do: it believes that there is a last byte.
fn careless(bytes: &[u8]) -> u8 {
    bytes[std::hint::black_box(bytes.len())]
}

#[expect(unconditional_recursion, reason = "what a deeply nested file does to a careless reader")]
fn deep(depth: u64) -> u64 {
    std::hint::black_box(deep(std::hint::black_box(depth + 1))) + 1
}

fn eat() -> Result<Value> {
    let mut eaten = Vec::new();
    loop {
        eaten.push(std::hint::black_box(vec![0_u8; 32 << 20]));
    }
}

fn spin() -> Result<Value> {
    let mut turns = 0_u64;
    loop {
        turns = std::hint::black_box(turns.wrapping_add(1));
    }
}

/// Heeds nothing; tells the number of its process first.
fn hang(job: GuestJob<'_>) -> Result<Value> {
    job.out.progress(std::process::id().into(), None, "steps")?;
    loop {
        std::thread::park();
    }
}

/// Works until it is told to stop.
fn wait(job: GuestJob<'_>) -> Result<Value> {
    loop {
        job.out.progress(1, None, "steps")?;
        std::thread::park_timeout(Duration::from_millis(1));
    }
}

/// Writes more to standard error than a pipe holds.
fn chatter() -> Result<Value> {
    let line = [b'x'; 1024];
    for _ in 0..1024 {
        std::io::stderr()
            .write_all(&line)
            .map_err(|error| Error::io("read", "writing to standard error", &error))?;
    }
    Ok(json!("said"))
}

/// What can be reached from here.
fn surroundings() -> Value {
    let scratch = std::env::temp_dir().join("headwater-probe-was-here");
    let wrote = std::fs::write(&scratch, b"x").is_ok();
    json!({
        "environment": std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned()).collect::<Vec<_>>(),
        "opened": std::fs::File::open("/etc/passwd").is_ok(),
        "listed": std::fs::read_dir("/").is_ok(),
        "wrote": wrote,
        "connected": std::net::TcpListener::bind(("127.0.0.1", 0)).is_ok(),
        "folder": std::env::current_dir().ok(),
        "arguments": std::env::args().skip(1).collect::<Vec<_>>(),
    })
}

/// Writes the bytes of `bytes` past the protocol's back, `repeat` times, then ends.
fn raw(params: &Value) -> Result<Value> {
    let failed = |error: std::io::Error| Error::io("read", "writing past the protocol", &error);
    let bytes: Vec<u8> = params
        .get("bytes")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|byte| byte.as_u64().and_then(|byte| u8::try_from(byte).ok()))
        .collect();
    for _ in 0..number(params, "repeat").max(1) {
        write_to_host(&bytes).map_err(failed)?;
    }
    Ok(Value::Null)
}

#[cfg(unix)]
fn write_to_host(bytes: &[u8]) -> std::io::Result<()> {
    use std::os::fd::AsFd as _;
    let socket = std::io::stdin().as_fd().try_clone_to_owned()?;
    std::os::unix::net::UnixStream::from(socket).write_all(bytes)
}

#[cfg(not(unix))]
fn write_to_host(_bytes: &[u8]) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}
