//! Numbers drawn from a seed: a sample with its seed must be the same on every machine and in every version,
//! so the generator is fixed here (SplitMix64: Steele, Lea and Flood, "Fast splittable pseudorandom number
//! generators", 2014) instead of following a library's default.

/// A fixed generator. Not for secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dice(u64);

/// Spreads a key over all 64 bits.
pub const fn spread(key: u64) -> u64 {
    let mut mixed = key;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

impl Dice {
    /// The sequence of a seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        spread(self.0)
    }

    /// The seed from which the rest of the sequence follows.
    pub const fn seed(&self) -> u64 {
        self.0
    }

    /// A number below `limit`; 0 where the limit is 0. The bias is below `limit` / 2⁶⁴.
    pub fn below(&mut self, limit: u64) -> u64 {
        ((u128::from(self.draw()) * u128::from(limit)) >> 64) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_published_sequence_and_limits_hold() {
        // First values of the reference implementation (splitmix64.c by Vigna) for the seed 1234567.
        let mut dice = Dice::new(1_234_567);
        assert_eq!([dice.draw(), dice.draw()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
        assert!((0..1_000).all(|_| dice.below(7) < 7));
        assert_eq!((dice.below(0), dice.below(1)), (0, 0));
    }
}
