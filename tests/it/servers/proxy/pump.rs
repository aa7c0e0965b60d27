//! Carries the bytes of one connection, both ways, with their faults.
//!
//! Each way has a listener that notes what came and when, and a speaker that waits until it is due: with a delay,
//! many pieces are under way at once, as on a long line.

use std::sync::Arc;
use std::time::Duration;

use futures::future::{join, try_join};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::Witnesses;
use super::faults::{Breach, Fault, Faults, Way};

/// Pieces under way at most; then the sender waits, as it would on a real line.
const UNDER_WAY: usize = 4_096;

/// How long both sides may take to hang up after a cut.
const HANGS_UP_WITHIN: Duration = Duration::from_secs(30);

/// A piece and when it arrives.
type Piece = (Instant, Vec<u8>);

/// Carries a connection until both sides hung up or a fault ends it.
pub async fn carry(
    client: TcpStream,
    server: TcpStream,
    faults: watch::Receiver<Faults>,
    witnesses: Arc<Witnesses>,
    number: usize,
) {
    let (client_says, mut to_client) = client.into_split();
    let (server_says, mut to_server) = server.into_split();
    let (up_pieces, mut up_arriving) = mpsc::channel(UNDER_WAY);
    let (down_pieces, mut down_arriving) = mpsc::channel(UNDER_WAY);
    let lane = |upwards| Lane { upwards, faults: faults.clone(), witnesses: Arc::clone(&witnesses), number };
    let (up, down) = (lane(true), lane(false));
    let listening = join(up.listen(client_says, up_pieces), down.listen(server_says, down_pieces));
    tokio::pin!(listening);
    let mut all_heard = false;
    let broken = {
        let speaking = try_join(
            lane(true).speak(&mut up_arriving, &mut to_server),
            lane(false).speak(&mut down_arriving, &mut to_client),
        );
        tokio::pin!(speaking);
        loop {
            tokio::select! {
                end = &mut speaking => break end.err(),
                _ = &mut listening, if !all_heard => all_heard = true,
            }
        }
    };
    match broken {
        Some(Fault::Reset) => {
            for half in [to_client, to_server] {
                drop(half.as_ref().set_zero_linger());
                // Dropping it would end the stream in order first.
                half.forget();
            }
        }
        Some(_) => {
            drop((to_client.shutdown().await, to_server.shutdown().await));
            // Closing with unread bytes would be a reset, and take back what was delivered.
            drop((up_arriving, down_arriving));
            if !all_heard {
                drop(tokio::time::timeout(HANGS_UP_WITHIN, listening).await);
            }
        }
        None => {}
    }
    witnesses.with(|all| all[number].closed = true);
}

/// One way of a connection.
struct Lane {
    upwards: bool,
    faults: watch::Receiver<Faults>,
    witnesses: Arc<Witnesses>,
    number: usize,
}

impl Lane {
    fn way(&self) -> Way {
        let faults = *self.faults.borrow();
        if self.upwards { faults.up } else { faults.down }
    }

    /// Hears one side out. What comes after a breach is heard as well, and forgotten.
    async fn listen(&self, mut from: OwnedReadHalf, to: mpsc::Sender<Piece>) {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(count @ 1..) = from.read(&mut buffer).await {
            let piece = &buffer[..count];
            self.witnesses.with(|all| all[self.number].note(self.upwards, piece));
            drop(to.send((Instant::now() + self.way().delay, piece.to_vec())).await);
        }
    }

    /// Tells the other side what was heard, until the breach.
    async fn speak(mut self, from: &mut mpsc::Receiver<Piece>, to: &mut OwnedWriteHalf) -> Result<(), Fault> {
        let mut passed = 0;
        loop {
            self.hold(passed).await?;
            let piece = tokio::select! {
                piece = from.recv() => piece,
                Ok(()) = self.faults.changed() => continue,
            };
            let Some((due, mut piece)) = piece else { break };
            tokio::time::sleep_until(due).await;
            let mut rest = piece.as_mut_slice();
            while !rest.is_empty() {
                self.hold(passed).await?;
                let count = self.next(passed, rest).await;
                let (now, later) = rest.split_at_mut(count);
                to.write_all(now).await.map_err(gone)?;
                passed += count as u64;
                rest = later;
            }
        }
        self.hold(passed).await?;
        to.shutdown().await.map_err(gone)
    }

    /// Passes where there is no breach, ends where there is one, and waits in a hole until it is no more.
    async fn hold(&mut self, passed: u64) -> Result<(), Fault> {
        loop {
            match self.way().breach {
                Some(Breach { at, fault: fault @ (Fault::Cut | Fault::Reset) }) if passed >= at => {
                    return Err(fault);
                }
                Some(Breach { at, fault: Fault::Hole }) if passed >= at => {
                    if self.faults.changed().await.is_err() {
                        std::future::pending::<()>().await;
                    }
                }
                _ => return Ok(()),
            }
        }
    }

    /// How many bytes go next: up to the breach, as the rate and the slices have it. Spoils the byte to spoil.
    async fn next(&self, passed: u64, rest: &mut [u8]) -> usize {
        let way = self.way();
        let mut count = rest.len().min(way.slice.unwrap_or(usize::MAX).max(1));
        if let Some(Breach { at, fault }) = way.breach
            && let Some(left) = at.checked_sub(passed)
        {
            let left = usize::try_from(left).unwrap_or(usize::MAX);
            match fault {
                Fault::Corrupt(mask) => {
                    if let Some(byte) = rest[..count].get_mut(left) {
                        *byte ^= mask;
                    }
                }
                Fault::Cut | Fault::Reset | Fault::Hole => count = count.min(left),
            }
        }
        if let Some(rate) = way.rate {
            count = count.min(usize::try_from(rate / 20).unwrap_or(usize::MAX).max(1));
            tokio::time::sleep(Duration::from_secs_f64(count as f64 / rate as f64)).await;
        }
        count
    }
}

/// A side that does not listen any more ends both ways.
fn gone(_error: std::io::Error) -> Fault {
    Fault::Cut
}
