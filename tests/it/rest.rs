//! REST over a scripted server: every way of paging, and servers that mislead, stall, flood and lead away.

mod server;

use std::fmt::Write as _;
use std::sync::Arc;

use headwater::connector::guard::{self, Override, ReadReport, SessionBudget};
use headwater::connector::testkit::StatementLog;
use headwater::connector::{Credentials, Policy, Source};
use headwater::job::CallCtx;
use headwater::job::sink::Collected;
use headwater::model::cell::Cell;
use headwater::model::connection::{Connection, Tier};
use headwater::model::load::Dim;
use headwater::model::node::NodePath;
use headwater::model::read::{Bound, Continuation, ReadEnd, ReadSpec};
use headwater::model::{Error, ErrorKind};
use server::{Answer, Request, Server};

const TOKEN: &str = "t0ken-that-must-not-travel";

/// An open API and what was written down of it.
struct Api {
    source: Arc<dyn Source>,
    log: StatementLog,
}

/// A read and what came of it.
struct Came {
    report: ReadReport,
    got: Collected,
}

impl Came {
    fn cells(&self) -> Vec<Vec<Cell>> {
        let rows = |batch: &headwater::model::batch::Batch| {
            (0..batch.row_count())
                .map(|row| (0..batch.schema.fields.len()).map(|column| batch.cell(row, column)).collect())
                .collect::<Vec<_>>()
        };
        self.got.batches.iter().flat_map(rows).collect()
    }

    /// The first column, which holds the number of the row.
    fn ids(&self) -> Vec<i64> {
        let id = |row: &Vec<Cell>| match row.first() {
            Some(Cell::Int(id)) => *id,
            other => panic!("{other:?} is no number of a row"),
        };
        self.cells().iter().map(id).collect()
    }

    fn columns(&self) -> Vec<String> {
        let first = self.got.batches.first().map(|batch| batch.schema.fields.clone()).unwrap_or_default();
        first.into_iter().map(|field| format!("{} {}", field.name, field.logical)).collect()
    }

    fn error(&self) -> &Error {
        self.report.end.as_ref().unwrap_err()
    }

    fn requests(&self) -> f64 {
        self.report.actual.value(Dim::RoundTrips).unwrap_or(0.0)
    }
}

async fn open_with(base: &str, values: &[(&str, &str)]) -> Result<Api, Error> {
    headwater::kit::worker::set_program(env!("CARGO_BIN_EXE_headwater"));
    let connector = headwater::connectors::registry().by_id("rest").unwrap();
    let connection =
        values.iter().fold(Connection::new("api", "rest").value("url", base), |made, (key, value)| {
            made.value(*key, *value)
        });
    let log = StatementLog::default();
    let ctx = CallCtx::new(Arc::new(log.clone()), std::task::Waker::noop().clone());
    let credentials = Credentials::none().with(Connection::PASSWORD, TOKEN.into());
    let source = connector.connect(&ctx, &connection, &credentials).await?;
    Ok(Api { source, log })
}

async fn open(server: &Server, values: &[(&str, &str)]) -> Api {
    // The token is at hand in every test, and goes out only where the connection says so.
    let resources = [("resources", "rows"), ("auth", "none")];
    open_with(&server.url(), &[&resources, values].concat()).await.unwrap()
}

impl Api {
    fn ctx(&self) -> CallCtx {
        CallCtx::new(Arc::new(self.log.clone()), std::task::Waker::noop().clone())
    }

    fn all() -> ReadSpec {
        ReadSpec { bound: Bound::default(), ..ReadSpec::preview(NodePath::of(["rows"])) }
    }

    async fn try_read(&self, ctx: &CallCtx, spec: ReadSpec) -> Result<Came, Error> {
        let plan = self.source.plan(&self.ctx(), spec).await?;
        let estimate = self.source.estimate(&self.ctx(), &plan).await?;
        let policy = Policy::new(Tier::Local, SessionBudget::default());
        let reason = Override { reason: "a test".to_owned(), node_name: Some("rows".to_owned()) };
        let permit = policy.approve_anyway(plan, estimate, &reason).map_err(|refusal| refusal.error())?;
        let mut got = Collected::default();
        let report = guard::run(ctx, &*self.source, permit, &mut got).await;
        Ok(Came { report, got })
    }

    async fn read(&self, spec: ReadSpec) -> Came {
        self.try_read(&self.ctx(), spec).await.unwrap()
    }
}

/// Rows of an answer: `{"id":7,"name":"row 7"}`.
fn rows(numbers: std::ops::Range<u64>) -> String {
    let rows = numbers.map(|id| format!(r#"{{"id":{id},"name":"row {id}"}}"#));
    rows.collect::<Vec<_>>().join(",")
}

const ROWS: u64 = 57;

fn cut(first: u64, size: u64) -> std::ops::Range<u64> {
    first.min(ROWS)..(first + size).min(ROWS)
}

/// Values of a form.
type Values = &'static [(&'static str, &'static str)];
type Script = fn(&Request) -> Answer;

/// Ways in which APIs page, and what the connection must say of it.
const STYLES: &[(&str, Values, Script)] = &[
    ("page numbers, told by the answer", &[], |asked| {
        let (page, size) = (asked.number("page").unwrap_or(1), asked.number("perPage").unwrap_or(10).min(20));
        let rows = rows(cut((page - 1) * size, size));
        Answer::json(format!(r#"{{"page":{page},"perPage":{size},"totalItems":{ROWS},"items":[{rows}]}}"#))
    }),
    ("page numbers from nought, without a total", &[], |asked| {
        let (page, size) = (asked.number("page").unwrap_or(0), asked.number("size").unwrap_or(10));
        let rows = rows(cut(page * size, size));
        Answer::json(format!(r#"{{"content":[{rows}],"page":{page},"size":{size}}}"#))
    }),
    (
        "page numbers, told by the connection, bare lists",
        &[("paging", "page"), ("size_parameter", "n")],
        |asked| {
            let size = asked.number("n").unwrap_or(10).min(25);
            Answer::json(format!("[{}]", rows(cut((asked.number("page").unwrap_or(1) - 1) * size, size))))
        },
    ),
    ("offsets, told by the answer", &[], |asked| {
        let (skip, size) = (asked.number("skip").unwrap_or(0), asked.number("limit").unwrap_or(10).min(30));
        let rows = rows(cut(skip, size));
        Answer::json(format!(r#"{{"products":[{rows}],"total":{ROWS},"skip":{skip},"limit":{size}}}"#))
    }),
    ("offsets, told by the connection", &[("paging", "offset")], |asked| {
        let size = asked.number("limit").unwrap_or(10).min(30);
        Answer::json(format!("[{}]", rows(cut(asked.number("offset").unwrap_or(0), size))))
    }),
    ("links in the body", &[], |asked| {
        let from = asked.number("after").unwrap_or(0);
        let next =
            if from + 20 < ROWS { format!(r#""/rows?after={}""#, from + 20) } else { "null".to_owned() };
        Answer::json(format!(r#"{{"data":[{}],"links":{{"next":{next}}}}}"#, rows(cut(from, 20))))
    }),
    ("links in a header, and a total there", &[], |asked| {
        let from = asked.number("after").unwrap_or(0);
        let next = format!(r#"<?after={}>; rel="next", </rows?after=40>; rel="last""#, from + 20);
        let link = if from + 20 < ROWS { vec![("link", next.as_str())] } else { Vec::new() };
        let headers = [link, vec![("x-total-count", "57")]].concat();
        Answer::with(&headers, format!("[{}]", rows(cut(from, 20))))
    }),
    ("one answer holds all", &[], |_| Answer::json(format!("[{}]", rows(0..ROWS)))),
    ("one answer, at a record path", &[("record_path", "a.b")], |_| {
        Answer::json(format!(r#"{{"items":[{{"x":1}}],"a":{{"b":[{}]}}}}"#, rows(0..ROWS)))
    }),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_way_of_paging_gives_every_row_once() {
    let every = (0..ROWS.cast_signed()).collect::<Vec<_>>();
    for (name, values, script) in STYLES {
        let server = Server::start(|asked, _| script(asked)).await;
        let api = open(&server, values).await;
        let whole = api.read(Api::all()).await;
        assert_eq!(whole.report.end, Ok(ReadEnd::Complete), "{name}");
        assert_eq!(whole.ids(), every, "{name}");
        assert_eq!(whole.columns(), ["id int64", "name text"], "{name}");
        // Page by page, as the window does it.
        let mut spec = ReadSpec { bound: Bound::rows(13), ..Api::all() };
        let mut ids = Vec::new();
        loop {
            let page = api.read(spec.clone()).await;
            ids.extend(page.ids());
            assert!(page.ids().len() <= 13 && ids.len() <= every.len(), "{name}: {ids:?}");
            match page.report.continuation {
                Some(next) => spec.continuation = Some(next),
                None => break,
            }
        }
        assert_eq!(ids, every, "{name}");
        for logged in api.log.all() {
            assert!(logged.end.is_some(), "{name}: {}", logged.text);
        }
        let gets = api.log.all().iter().filter(|logged| logged.text.starts_with("GET ")).count();
        assert_eq!(gets, server.asked().len(), "{name}: a request was not written down");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_preview_costs_one_request_beyond_the_one_that_teaches() {
    let (_, values, script) = STYLES[0];
    let server = Server::start(move |asked, _| script(asked)).await;
    let api = open(&server, values).await;
    let spec = ReadSpec::preview(NodePath::of(["rows"]));
    let plan =
        api.source.plan(&api.ctx(), ReadSpec { bound: Bound::rows(10), ..spec.clone() }).await.unwrap();
    let estimate = api.source.estimate(&api.ctx(), &plan).await.unwrap();
    assert_eq!(server.asked().len(), 1);
    assert_eq!(estimate.quantity(Dim::RowsReturned).unwrap().hi, 10.0);
    assert!(estimate.quantity(Dim::RoundTrips).unwrap().mid <= 2.0);
    let came = api.read(ReadSpec { bound: Bound::rows(10), ..spec.clone() }).await;
    assert_eq!((came.requests(), server.asked().len()), (1.0, 2));
    // Once learned, the plan shows exactly what is sent.
    let plan = api.source.plan(&api.ctx(), ReadSpec { bound: Bound::rows(10), ..spec }).await.unwrap();
    let texts = plan.steps.iter().map(|step| step.text.as_str()).collect::<Vec<_>>();
    assert_eq!(texts, ["GET /rows?page=1&perPage=10"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn missing_null_repeated_nested_and_huge_values_come_back_exactly() {
    let body = r#"{"items":[
        {"id":0,"n":9007199254740993,"x":null,"o":{"b": 1.50,"b" :[null]},"a":1,"a":"two"},
        {"id":1,"n":-1,"x":"\u0000\ud83d\ude00","d":0.1},
        "no object",
        {"id":3,"late":true}]}"#;
    let later = r#"{"items":[{"id":4,"n":"text","later":1}]}"#;
    let server = Server::start(move |asked, _| {
        let second = asked.number("after").is_some();
        let link = if second { Vec::new() } else { vec![("link", "<?after=1>; rel=next")] };
        Answer::with(&link, if second { later } else { body })
    })
    .await;
    let api = open(&server, &[]).await;
    let came = api.read(Api::all()).await;
    assert_eq!(came.report.end, Ok(ReadEnd::Complete));
    let expected =
        ["id int64", "n int64", "x text", "o json", "a json", "d float64", "value text", "late bool"];
    assert_eq!(came.columns(), expected);
    let (missing, text) = (Cell::Missing, |text: &str| Cell::Text(text.to_owned()));
    let json = |text: &str| Cell::Json(text.to_owned());
    let pairs = r#"{"$pairs":[["a",1],["a","two"]]}"#;
    let m = || missing.clone();
    let rows = vec![
        vec![
            Cell::Int(0),
            Cell::Int(9_007_199_254_740_993),
            Cell::Null,
            json(r#"{"b": 1.50,"b" :[null]}"#),
            json(pairs),
            m(),
            m(),
            m(),
        ],
        vec![Cell::Int(1), Cell::Int(-1), text("\0😀"), m(), m(), Cell::Float(0.1), m(), m()],
        vec![m(), m(), m(), m(), m(), m(), text("no object"), m()],
        vec![Cell::Int(3), m(), m(), m(), m(), m(), m(), Cell::Bool(true)],
        vec![Cell::Int(4), text("text"), m(), m(), m(), m(), m(), m()],
    ];
    assert_eq!(came.cells(), rows);
    // What the first page did not have is counted, and is a column from the next read on.
    assert_eq!(came.got.findings.lost.len(), 1, "{:?}", came.got.findings);
    assert_eq!((came.got.findings.lost[0].place.as_str(), came.got.findings.lost[0].count), ("key later", 1));
    let again = api.read(Api::all()).await;
    assert_eq!(again.columns().last().map(String::as_str), Some("later int64"));
    assert!(again.got.findings.is_clean());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_asks_for_patience_gets_some() {
    for (after, kind, requests) in [("0", None, 2), ("3600", Some(ErrorKind::RateLimited), 1)] {
        let server = Server::start(move |_, number| match number {
            0 => Answer::json(r#"[{"id":0}]"#),
            1 => Answer::status(429, &[("retry-after", after)], r#"{"error":"slow down"}"#),
            _ => Answer::json(r#"[{"id":0}]"#),
        })
        .await;
        let api = open(&server, &[]).await;
        let came = api.read(Api::all()).await;
        assert_eq!(came.report.end.as_ref().err().map(|error| error.kind), kind);
        assert_eq!(server.asked().len() - 1, requests, "after the one that teaches");
        if kind.is_some() {
            let error = came.error().to_string();
            assert!(error.contains("3600 s") && error.contains("slow down"), "{error}");
        } else {
            assert_eq!((came.requests(), came.ids()), (2.0, vec![0]));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_stay_with_the_origin_they_were_given_for() {
    let login = [("auth", "bearer")];
    for by_redirect in [false, true] {
        let other = Server::start(|_, _| Answer::json(r#"[{"id":1}]"#)).await;
        let away = format!("{}/elsewhere?x=1", other.url());
        let server = Server::start(move |asked, _| {
            assert_eq!(asked.header("authorization"), Some(format!("Bearer {TOKEN}").as_str()));
            let link = format!("<{away}>; rel=next");
            match (by_redirect, asked.target.as_str()) {
                (true, "/rows") => Answer::status(302, &[("location", "/moved")], ""),
                (true, _) => Answer::status(307, &[("location", &away)], ""),
                (false, _) => Answer::with(&[("link", &link)], r#"[{"id":0}]"#),
            }
        })
        .await;
        let api = open(&server, &login).await;
        let came = api.read(Api::all()).await;
        assert_eq!(came.report.end, Ok(ReadEnd::Complete));
        assert_eq!(came.ids().last(), Some(&1));
        assert!(!other.asked().is_empty());
        for asked in other.asked() {
            assert_eq!(asked.target, "/elsewhere?x=1");
            assert!(asked.headers.iter().all(|(_, value)| !value.contains(TOKEN)), "{asked:?}");
        }
        let told = format!("{:?}", came.got.findings.disagreements);
        assert!(told.contains("without credentials"), "{told}");
        let away = format!("GET {}/elsewhere?x=1", other.url());
        assert!(api.log.all().iter().any(|logged| logged.text == away), "{:?}", api.log.all());
        assert!(!format!("{:?}", api.log.all()).contains(TOKEN));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_to_where_nobody_should_go_are_not_followed() {
    for (target, why) in [
        ("http://10.0.0.1/x", "private"),
        ("http://169.254.169.254/latest", "link-local"),
        ("http://0.0.0.0/", "reserved"),
        ("file:///etc/passwd", "scheme"),
        ("http://[", "none"),
    ] {
        let link = format!("<{target}>; rel=next");
        let server = Server::start(move |_, _| Answer::with(&[("link", &link)], r#"[{"id":0}]"#)).await;
        let api = open(&server, &[]).await;
        let came = api.read(Api::all()).await;
        assert_eq!(came.ids(), [0], "the rows before it stay");
        assert!(came.error().attempted.contains(why), "{target}: {}", came.error());
    }
    let server = Server::start(|asked, _| {
        let hops = asked.number("hop").unwrap_or(0);
        Answer::status(302, &[("location", &format!("/rows?hop={}", hops + 1))], "")
    })
    .await;
    let api = open(&server, &[]).await;
    let came = api.read(Api::all()).await;
    assert_eq!(came.error().kind, ErrorKind::Refused, "{}", came.error());
    assert!(came.requests() <= 6.0, "{} hops", came.requests());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_without_end_stop_at_the_budget() {
    let server = Server::start(|asked, _| {
        let from = asked.number("after").unwrap_or(0);
        Answer::json(format!(r#"{{"data":[{}],"next":"/rows?after={}"}}"#, rows(from..from + 3), from + 3))
    })
    .await;
    let api = open(&server, &[]).await;
    let bound = Bound { requests: Some(5), ..Bound::default() };
    let came = api.read(ReadSpec { bound, ..Api::all() }).await;
    assert_eq!(came.report.end, Ok(ReadEnd::Bounded));
    assert_eq!((came.requests(), came.ids().len()), (5.0, 15));
    assert!(matches!(came.report.continuation, Some(Continuation::Token(_))));
    let on = ReadSpec { bound: Bound::rows(4), continuation: came.report.continuation, ..Api::all() };
    assert_eq!(api.read(on).await.ids(), [15, 16, 17, 18]);
    let bytes = Bound { bytes: Some(400), ..Bound::default() };
    let came = api.read(ReadSpec { bound: bytes, ..Api::all() }).await;
    assert_eq!(came.report.end, Ok(ReadEnd::Bounded));
    assert!(came.report.actual.value(Dim::BytesWire).unwrap() <= 600.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_ignores_the_page_is_noticed() {
    for (values, body) in [
        (vec![("paging", "page")], format!("[{}]", rows(0..5))),
        (vec![], format!(r#"{{"page":1,"perPage":5,"total":99,"items":[{}]}}"#, rows(0..5))),
        (vec![], format!(r#"{{"next":"/rows","items":[{}]}}"#, rows(0..5))),
    ] {
        let server = Server::start(move |_, _| Answer::json(body.clone())).await;
        let api = open(&server, &values).await;
        let came = api.read(Api::all()).await;
        assert_eq!(came.error().kind, ErrorKind::Decode, "{values:?}");
        assert!(came.error().attempted.contains("same page"), "{}", came.error());
        assert!(server.asked().len() <= 4, "{}", server.asked().len());
        assert!(came.ids().len() >= 5, "the rows before it stay");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_are_none_say_what_they_are() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
    let raw =
        |length: usize, body: &str| format!("{head}content-length: {length}\r\n\r\n{body}").into_bytes();
    let cases: Vec<(Vec<u8>, ErrorKind, &str)> = vec![
        (raw(5_000_000_000, r#"[{"id":0}]"#), ErrorKind::Decode, "no whole answer"),
        (raw(5, r#"[{"id":0}]"#), ErrorKind::Decode, "no JSON"),
        (raw(21, "<html>\u{202e}Log in</html>"), ErrorKind::Decode, "begins: <html>\u{202e}Log in"),
        (raw(0, ""), ErrorKind::Decode, "application/json"),
        (raw(6, "[1,2,]"), ErrorKind::Decode, "[1,2,]"),
        (raw(33, r#"{"a":[{"x":1}],"b":[{"x":2}],"c":1}"#), ErrorKind::Decode, "no JSON"),
        (raw(35, r#"{"a":[{"x":1}],"b":[{"x":2}],"c":1}"#), ErrorKind::Invalid, "a, b"),
        (
            b"HTTP/1.1 200 OK\r\ncontent-encoding: br\r\ncontent-length: 1\r\n\r\nx".to_vec(),
            ErrorKind::Decode,
            "br",
        ),
        (
            b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 1\r\n\r\nx".to_vec(),
            ErrorKind::Decode,
            "unpacked",
        ),
        (
            b"HTTP/1.1 403 No\r\ncontent-length: 4\r\n\r\nnope".to_vec(),
            ErrorKind::Denied,
            "403 Forbidden: nope",
        ),
        (b"HTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n".to_vec(), ErrorKind::NotFound, "404 Not Found"),
        (b"HTTP/1.1 302 No\r\ncontent-length: 0\r\n\r\n".to_vec(), ErrorKind::Invalid, "nowhere"),
        (b"SSH-2.0-OpenSSH_9.2\r\n".to_vec(), ErrorKind::Unreachable, "no whole answer"),
    ];
    for (bytes, kind, words) in cases {
        let said = String::from_utf8_lossy(&bytes).into_owned();
        let server = Server::start(move |_, _| Answer::Raw(bytes.clone())).await;
        let api = open(&server, &[]).await;
        let error = api.try_read(&api.ctx(), Api::all()).await.err().unwrap();
        assert_eq!(error.kind, kind, "{said}: {error}");
        assert!(error.attempted.contains(words), "{said}: {error}");
    }
}

fn gzip(text: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(text).unwrap();
    packer.finish().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn packed_answers_are_unpacked_as_far_as_agreed() {
    let headers = || vec![("content-encoding", "gzip".to_owned())];
    let body = gzip(format!("[{}]", rows(0..ROWS)).as_bytes());
    let size = body.len() as f64;
    let server = Server::start(move |asked, _| {
        assert_eq!(asked.header("accept-encoding"), Some("gzip"));
        Answer::Whole(200, headers(), body.clone())
    })
    .await;
    let came = open(&server, &[]).await.read(Api::all()).await;
    assert_eq!(came.ids().len() as u64, ROWS);
    assert_eq!(came.report.actual.value(Dim::BytesWire), Some(size));

    let bomb = gzip(&[b"[".as_slice(), &vec![b' '; 70 << 20], b"]"].concat());
    let server = Server::start(move |_, _| Answer::Whole(200, headers(), bomb.clone())).await;
    let api = open(&server, &[]).await;
    let came = api.read(Api::all()).await;
    assert_eq!(came.error().kind, ErrorKind::Budget, "{}", came.error());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_read_drops_its_request_and_keeps_its_rows() {
    let server = Server::start(|asked, _| match asked.number("after") {
        None => Answer::with(&[("link", "<?after=1>; rel=next")], r#"[{"id":0}]"#),
        Some(_) => Answer::Hang(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n[{".to_vec()),
    })
    .await;
    let api = open(&server, &[]).await;
    let ctx = api.ctx();
    let reading = api.try_read(&ctx, Api::all());
    let cancelling = async {
        let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
        while server.asked().len() < 3 {
            assert!(std::time::Instant::now() < until, "the second page is never asked for");
            tokio::task::yield_now().await;
        }
        ctx.cancel().await
    };
    let (came, reached) = tokio::join!(reading, cancelling);
    let came = came.unwrap();
    assert_eq!(came.error().kind, ErrorKind::Cancelled);
    assert_eq!(came.ids(), [0]);
    assert_eq!(reached, headwater::job::CancelReport::OnlyWeStopped);
    assert!(api.log.all().iter().all(|logged| logged.end.is_some()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connecting_says_what_is_wrong() {
    let closed = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap().local_addr().unwrap().port();
    let closed = format!("http://127.0.0.1:{closed}");
    for (base, values, kind) in [
        (closed.as_str(), vec![], ErrorKind::Unreachable),
        ("http://no-such-host.invalid", vec![], ErrorKind::Unreachable),
        ("http://0.0.0.0:1", vec![], ErrorKind::Invalid),
        ("http://127.0.0.1:1", vec![("auth", "basic"), ("user", "")], ErrorKind::Invalid),
        ("http://127.0.0.1:1", vec![("auth", "key"), ("key_header", "no header")], ErrorKind::Invalid),
    ] {
        let error = open_with(base, &values).await.err().unwrap();
        assert_eq!(error.kind, kind, "{base} {values:?}: {error}");
        let mut said = String::new();
        write!(said, "{error} {error:?}").unwrap();
        assert!(!said.contains(TOKEN), "{said}");
    }
}

#[tokio::test]
async fn a_url_is_a_connection_without_its_login() {
    let folder = tempfile::tempdir().unwrap();
    let workspace = headwater::ops::Workspace::open(Some(folder.path().to_owned())).await.unwrap();
    for (text, url, name, user, has_secret) in [
        (
            "rest+https://api.example/v1/orders?x=1",
            "https://api.example/v1/orders?x=1",
            "orders at api.example",
            None,
            false,
        ),
        ("rest+http://127.0.0.1:80", "http://127.0.0.1/", "127.0.0.1", None, false),
        (
            "rest+https://me:t0p%20s3cret@api.example/a%20b/#x",
            "https://api.example/a%20b/",
            "a b at api.example",
            Some("me"),
            true,
        ),
        ("rest+https://:t0p%20s3cret@api.example/", "https://api.example/", "api.example", None, true),
    ] {
        let target = headwater::ops::Target::resolve(&workspace, text).await.unwrap();
        let connection = &target.parts[0].connection;
        assert_eq!((connection.connector.as_str(), connection.name.as_str()), ("rest", name));
        assert_eq!(connection.values["url"], url);
        assert_eq!(connection.values.get("user").map(String::as_str), user);
        assert_eq!(connection.secrets.contains_key("password"), has_secret, "{text}");
        assert_eq!(target.text, format!("rest+{url}"));
        assert!(!format!("{target:?}").contains("s3cret"));
    }
    let error = headwater::ops::Target::resolve(&workspace, "rest+https://").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid, "{error}");
}
