//! What can be wrong with a network, as data.

use std::time::Duration;

use headwater::kit::dice::Dice;

/// What happens at a byte of a connection's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Both ways end in order: each side sees the end of the stream.
    Cut,
    /// Both ways end with a reset.
    Reset,
    /// Nothing more passes this way, and nobody is told.
    Hole,
    /// The byte itself is exclusive-or'ed with this (not 0), once.
    Corrupt(u8),
}

/// A fault and its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Breach {
    /// So many bytes of the way pass before it.
    pub at: u64,
    pub fault: Fault,
}

/// One way of every connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Way {
    /// How much later each byte arrives; many may be under way.
    pub delay: Duration,
    /// Bytes a second at most.
    pub rate: Option<u64>,
    /// Bytes of one write at most.
    pub slice: Option<usize>,
    pub breach: Option<Breach>,
}

/// Both ways.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// From the client to the server.
    pub up: Way,
    /// From the server to the client.
    pub down: Way,
}

impl Faults {
    /// A network without faults.
    pub fn none() -> Self {
        Self::default()
    }

    /// Each round trip takes so much longer.
    pub fn latency(round_trip: Duration) -> Self {
        let way = Way { delay: round_trip / 2, ..Way::default() };
        Self { up: way, down: way }
    }

    /// A fault on the way from the server.
    pub fn down_at(at: u64, fault: Fault) -> Self {
        Self { down: Way { breach: Some(Breach { at, fault }), ..Way::default() }, ..Self::default() }
    }

    /// A fault on the way to the server.
    pub fn up_at(at: u64, fault: Fault) -> Self {
        Self { up: Way { breach: Some(Breach { at, fault }), ..Way::default() }, ..Self::default() }
    }

    /// From the server in crumbs of one byte.
    pub fn drip(bytes_per_second: u64) -> Self {
        let down = Way { rate: Some(bytes_per_second), slice: Some(1), ..Way::default() };
        Self { down, ..Self::default() }
    }

    /// Any mixture, the same for the same seed: a breach in the first `within` bytes of a way, in odd pieces.
    pub fn by_seed(seed: u64, within: u64) -> Self {
        let mut dice = Dice::new(seed);
        let fault = match dice.below(4) {
            0 => Fault::Cut,
            1 => Fault::Reset,
            2 => Fault::Hole,
            _ => Fault::Corrupt(u8::try_from(1 + dice.below(255)).unwrap()),
        };
        let breach = Some(Breach { at: dice.below(within), fault });
        let slice = |dice: &mut Dice| Some(usize::try_from(1 + dice.below(64)).unwrap());
        let (mut up, mut down) = (Way::default(), Way::default());
        (up.slice, down.slice) = (slice(&mut dice), slice(&mut dice));
        if dice.below(4) == 0 {
            up.breach = breach;
        } else {
            down.breach = breach;
        }
        Self { up, down }
    }
}
