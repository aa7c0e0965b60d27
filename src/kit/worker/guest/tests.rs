use super::*;
use crate::kit::worker::message::CREDITS;
use crate::model::batch::{BatchBuilder, Origin};
use crate::model::schema::{Field, LogicalType};

/// Gives one-row batches without end.
struct Endless;

impl Parser for Endless {
    fn id(&self) -> &'static str {
        "endless"
    }

    fn run(&self, job: GuestJob<'_>) -> Result<serde_json::Value> {
        let schema = Arc::new(Schema::new(vec![Field::new("n", LogicalType::Text)]));
        loop {
            let mut builder = BatchBuilder::new(Arc::clone(&schema));
            builder.push_row([]);
            if job.out.batch(builder.take(Origin::default())?)? == Flow::Enough {
                return Ok("enough".into());
            }
        }
    }
}

static ENDLESS: Endless = Endless;

fn next(stream: &mut UnixStream) -> (Kind, Vec<u8>) {
    let mut head = [0; HEADER_BYTES];
    stream.read_exact(&mut head).unwrap();
    let (kind, length) = parse_header(head).unwrap();
    (kind, read_payload(stream, length).unwrap())
}

fn next_of(stream: &mut UnixStream, wanted: Kind) -> Vec<u8> {
    loop {
        let (kind, payload) = next(stream);
        if kind == wanted {
            return payload;
        }
        assert_eq!(kind, Kind::Schema, "instead of {wanted:?}");
    }
}

#[test]
fn no_more_batches_come_than_there_are_credits() {
    let (mut host, guest) = UnixStream::pair().unwrap();
    let serving = std::thread::Builder::new()
        .spawn(move || serve(&guest, &[&ENDLESS], Confined::LimitsOnly, |_| Ok(())))
        .unwrap();
    next_of(&mut host, Kind::Hello);
    let job = Job {
        parser: "endless".to_owned(),
        op: "rows".to_owned(),
        params: serde_json::Value::Null,
        files: 0,
        limits: Limits::default(),
        credits: CREDITS,
    };
    send(&host, Kind::Job, &message::json(&job).unwrap()).unwrap();
    for _ in 0..CREDITS {
        next_of(&mut host, Kind::Batch);
    }
    send(&host, Kind::Credit, &2_u32.to_le_bytes()).unwrap();
    for _ in 0..2 {
        next_of(&mut host, Kind::Batch);
    }
    // What comes next after the word is the end: nothing was on its way without a credit.
    send(&host, Kind::Stop, &Stop::Enough.payload()).unwrap();
    let end: End = serde_json::from_slice(&next_of(&mut host, Kind::End)).unwrap();
    assert!(matches!(end, End::Ok(value) if value == "enough"));
    assert!(serving.join().unwrap().is_ok());
}

#[test]
fn a_guest_ends_when_its_host_is_gone() {
    for greet in [true, false] {
        let (mut host, guest) = UnixStream::pair().unwrap();
        let serving = std::thread::Builder::new()
            .spawn(move || serve(&guest, &[&ENDLESS], Confined::LimitsOnly, |_| Ok(())))
            .unwrap();
        if greet {
            next_of(&mut host, Kind::Hello);
        }
        drop(host);
        // Joins: it does not wait for a host that is gone. Whether its greeting got out is of no matter.
        assert!(serving.join().unwrap().map_or_else(|error| error.kind == ErrorKind::Cancelled, |()| true));
    }
}
