//! The proxy itself, before a server that says everything back: each fault does what it says, at its byte.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::{Breach, Fault, Faults, Proxy, Way, statements};

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(30);
/// Long enough to tell silence.
const SILENCE: Duration = Duration::from_millis(300);

/// The port of a server that says everything back.
async fn echo() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let (mut from, mut to) = stream.split();
                drop(tokio::io::copy(&mut from, &mut to).await);
                drop(to.shutdown().await);
            });
        }
    });
    port
}

/// A client of an echo behind these faults.
async fn through(faults: Faults) -> (Proxy, TcpStream) {
    let proxy = Proxy::before(echo().await, faults);
    let client = TcpStream::connect(("127.0.0.1", proxy.port)).await.unwrap();
    (proxy, client)
}

fn sample(length: usize) -> Vec<u8> {
    (0..length).map(|place| u8::try_from(place % 251).unwrap()).collect()
}

/// Everything up to the end of the stream, and how it ended.
async fn read_all(client: &mut TcpStream) -> (Vec<u8>, Result<(), ErrorKind>) {
    let mut got = Vec::new();
    let end = timeout(LONG, client.read_to_end(&mut got)).await.expect("it ends");
    (got, end.map(drop).map_err(|error| error.kind()))
}

#[tokio::test]
async fn without_faults_everything_passes_and_is_witnessed() {
    let (proxy, mut client) = through(Faults::none()).await;
    let sent = sample(300_000);
    let (mut from, mut to) = client.split();
    let mut got = vec![0; sent.len()];
    let (_, wrote) = tokio::join!(from.read_exact(&mut got), to.write_all(&sent));
    wrote.unwrap();
    assert_eq!(got, sent);
    client.shutdown().await.unwrap();
    assert_eq!(read_all(&mut client).await, (Vec::new(), Ok(())));
    let witness = proxy.witnesses().remove(0);
    assert!(witness.up == sent && witness.down == sent);
    assert_eq!(proxy.bytes(), 600_000);
    let until = Instant::now() + LONG;
    while proxy.open() > 0 {
        assert!(Instant::now() < until, "the connection stays open");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn round_trips_are_counted_and_each_takes_its_time() {
    let (proxy, mut client) = through(Faults::latency(Duration::from_millis(60))).await;
    let began = Instant::now();
    for turn in 1..=3 {
        // Two messages at once wait once.
        for message in [b"ab", b"cd"] {
            client.write_all(message).await.unwrap();
        }
        let mut answer = [0; 4];
        client.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"abcd");
        assert_eq!(proxy.round_trips(), turn);
    }
    assert!(began.elapsed() >= Duration::from_millis(180));
}

#[tokio::test]
async fn a_cut_and_a_reset_come_after_exactly_so_many_bytes() {
    for at in [0, 1, 1_000, 99_999] {
        for (faults, least) in [(Faults::down_at(at, Fault::Cut), at), (Faults::up_at(at, Fault::Cut), 0)] {
            let (_proxy, mut client) = through(faults).await;
            drop(client.write_all(&sample(100_000)).await);
            let (got, end) = read_all(&mut client).await;
            // What the server answered to the last bytes may be under way still.
            assert!((least..=at).contains(&(got.len() as u64)), "{} of {at}", got.len());
            assert_eq!((&got, end), (&sample(got.len()), Ok(())));
        }
        let (_proxy, mut client) = through(Faults::down_at(at, Fault::Reset)).await;
        let wrote = client.write_all(&sample(100_000)).await;
        let (got, end) = read_all(&mut client).await;
        assert!(got.len() as u64 <= at, "a reset takes back what was not read yet");
        let told = [wrote.map_err(|error| error.kind()), end];
        assert!(told.contains(&Err(ErrorKind::ConnectionReset)), "{told:?}");
    }
}

#[tokio::test]
async fn a_hole_is_silent_until_it_is_filled() {
    let (proxy, mut client) = through(Faults::down_at(5, Fault::Hole)).await;
    client.write_all(b"0123456789").await.unwrap();
    let mut got = [0; 5];
    client.read_exact(&mut got).await.unwrap();
    assert!(timeout(SILENCE, client.read_u8()).await.is_err(), "nothing comes, not even an end");
    proxy.set(Faults::none());
    client.read_exact(&mut got).await.unwrap();
    assert_eq!(&got, b"56789");
    // A place that was passed already is now.
    proxy.set(Faults::up_at(3, Fault::Hole));
    client.write_all(b"x").await.unwrap();
    assert!(timeout(SILENCE, client.read_u8()).await.is_err());
    proxy.set(Faults::down_at(0, Fault::Cut));
    assert_eq!(read_all(&mut client).await, (Vec::new(), Ok(())));
}

#[tokio::test]
async fn one_byte_is_spoilt_and_no_other() {
    for slice in [None, Some(1), Some(7)] {
        let breach = Some(Breach { at: 40, fault: Fault::Corrupt(0x80) });
        let (_proxy, mut client) =
            through(Faults { down: Way { slice, breach, ..Way::default() }, ..Faults::none() }).await;
        client.write_all(&sample(100)).await.unwrap();
        client.shutdown().await.unwrap();
        let mut expected = sample(100);
        expected[40] ^= 0x80;
        assert_eq!(read_all(&mut client).await, (expected, Ok(())), "{slice:?}");
    }
}

#[tokio::test]
async fn a_drip_takes_its_time() {
    let (_proxy, mut client) = through(Faults::drip(200)).await;
    let began = Instant::now();
    client.write_all(&sample(60)).await.unwrap();
    client.shutdown().await.unwrap();
    assert_eq!(read_all(&mut client).await, (sample(60), Ok(())));
    assert!(began.elapsed() >= Duration::from_millis(290));
}

#[test]
fn a_seed_names_one_mixture_of_faults() {
    let all = (0..200).map(|seed| Faults::by_seed(seed, 4_096)).collect::<Vec<_>>();
    assert_eq!(all, (0..200).map(|seed| Faults::by_seed(seed, 4_096)).collect::<Vec<_>>());
    let breaches = all.iter().filter_map(|faults| faults.up.breach.or(faults.down.breach));
    let is = |want: fn(&Fault) -> bool| breaches.clone().filter(|breach| want(&breach.fault)).count();
    assert!(is(|fault| *fault == Fault::Cut) > 20 && is(|fault| *fault == Fault::Reset) > 20);
    assert!(is(|fault| *fault == Fault::Hole) > 20 && is(|fault| matches!(fault, Fault::Corrupt(1..))) > 20);
    assert!(breaches.clone().all(|breach| breach.at < 4_096) && breaches.count() == 200);
}

#[test]
fn statements_are_read_off_the_wire() {
    let message = |body: &[u8]| [&u32::try_from(body.len() + 4).unwrap().to_be_bytes()[..], body].concat();
    let typed = |kind: u8, body: &[u8]| [&[kind][..], &message(body)].concat();
    let start = message(&[&196_608_i32.to_be_bytes()[..], b"user\0lab\0\0"].concat());
    let encrypt = message(&80_877_103_i32.to_be_bytes());
    let whole = [
        encrypt,
        start.clone(),
        typed(b'p', b"secret\0"),
        typed(b'Q', b"SELECT 1\0"),
        typed(b'P', b"name\0SELECT $1\0\0\0"),
        typed(b'S', b""),
    ]
    .concat();
    assert_eq!(statements(&whole), ["SELECT 1", "SELECT $1"]);
    assert_eq!(statements(&[start, typed(b'F', b"")].concat()), ["a function call"]);
    assert_eq!(statements(&message(&80_877_102_i32.to_be_bytes())), Vec::<String>::new());
    for cut in 0..whole.len() {
        assert!(statements(&whole[..cut]).len() <= 2, "no length is believed");
    }
}
