//! At most twenty bars of equal width between robust ends.

use crate::model::stats::Bin;

const MOST_BINS: usize = 20;

/// A place on the axis and how many values lie there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) at: f64,
    pub(super) weight: u64,
}

/// How far apart neighbouring values of the type lie, where they lie on a lattice.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Grain {
    /// Values have no smallest distance.
    Fine,
    /// Whole multiples of this.
    Whole(f64),
}

/// Bars over `places` (in order); values beyond the robust ends are counted in the outermost bars, whose
/// ends are then the smallest and largest value. `rows` is what shares are of.
pub(super) fn histogram(places: &[Place], rows: u64, grain: Grain, text: impl Fn(f64) -> String) -> Vec<Bin> {
    let finite: Vec<Place> = places.iter().copied().filter(|place| place.at.is_finite()).collect();
    let (Some(first), Some(last)) = (finite.first(), finite.last()) else { return Vec::new() };
    let (lo, hi) = robust_ends(&finite);
    let edges = edges(lo, hi, grain);
    let bins = edges.len() - 1;
    let mut weights = vec![0_u64; bins];
    for place in &finite {
        let bin = edges.partition_point(|edge| *edge <= place.at).clamp(1, bins) - 1;
        weights[bin] += place.weight;
    }
    let share = |weight: u64| if rows == 0 { 0.0 } else { weight as f64 / rows as f64 };
    let whole = if let Grain::Whole(step) = grain { step } else { 0.0 };
    weights
        .iter()
        .enumerate()
        .map(|(index, weight)| {
            let lo = if index == 0 { edges[0].min(first.at) } else { edges[index] };
            let hi = if index + 1 == bins { edges[bins].max(last.at) } else { edges[index + 1] };
            // A bar over whole numbers ends at the last of them, not at the next bar's first.
            let shown_hi = if whole > 0.0 && hi > last.at { last.at } else { hi - whole };
            let shown_hi = if whole > 0.0 { shown_hi.max(lo) } else { hi };
            Bin { lo, hi, share: share(*weight), lo_text: text(lo), hi_text: text(shown_hi) }
        })
        .collect()
}

/// Half the spread of the middle 98 % beyond it on both sides, or the extremes where they are nearer.
fn robust_ends(places: &[Place]) -> (f64, f64) {
    let (min, max) = (places[0].at, places[places.len() - 1].at);
    let total: u64 = places.iter().map(|place| place.weight).sum();
    let at_rank = |rank: f64| {
        let wanted = (rank * total as f64).ceil().max(1.0) as u64;
        let mut below = 0;
        places.iter().find(|place| {
            below += place.weight;
            below >= wanted
        })
    };
    let low = at_rank(0.01).map_or(min, |place| place.at);
    let high = at_rank(0.99).map_or(max, |place| place.at);
    let spare = (high / 2.0 - low / 2.0).max(0.0);
    if spare == 0.0 { (min, max) } else { ((low - spare).max(min), (high + spare).min(max)) }
}

fn edges(lo: f64, hi: f64, grain: Grain) -> Vec<f64> {
    if let Grain::Whole(step) = grain {
        let values = (hi / step - lo / step).round() + 1.0;
        let a_bar = (values / MOST_BINS as f64).ceil();
        let bins = (values / a_bar).ceil() as usize;
        if bins <= MOST_BINS && (lo + step) > lo && (hi + step) > hi {
            return (0..=bins).map(|index| lo + step * a_bar * index as f64).collect();
        }
    }
    let width = hi / MOST_BINS as f64 - lo / MOST_BINS as f64;
    let edges: Vec<f64> = (0..=MOST_BINS)
        .map(|index| if index == MOST_BINS { hi } else { width.mul_add(index as f64, lo) })
        .collect();
    let rising = edges.windows(2).all(|pair| pair[0] < pair[1]);
    if rising { edges } else { vec![lo, hi] }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bars(values: &[f64], grain: Grain) -> Vec<Bin> {
        let places: Vec<Place> = values.iter().map(|&at| Place { at, weight: 1 }).collect();
        histogram(&places, values.len() as u64, grain, |place| format!("{place}"))
    }

    #[test]
    fn bars_cover_every_value_once() {
        let wide: Vec<f64> = (0..1_000).map(f64::from).collect();
        let mut outlier = wide.clone();
        outlier.push(1e12);
        let cases: &[(&[f64], Grain, usize)] = &[
            (&[], Grain::Fine, 0),
            (&[f64::INFINITY], Grain::Fine, 0),
            (&[5.0], Grain::Fine, 1),
            (&[5.0, 5.0], Grain::Whole(1.0), 1),
            (&[1.0, 2.0, 9.0], Grain::Whole(1.0), 9),
            (&wide, Grain::Whole(1.0), 20),
            (&wide, Grain::Fine, 20),
            (&outlier, Grain::Fine, 20),
            (&[-f64::MAX, 0.0, f64::MAX], Grain::Fine, 20),
            (&[i64::MIN as f64, i64::MAX as f64], Grain::Whole(1.0), 20),
            (&[0.0, 5e-324], Grain::Fine, 1),
        ];
        for (values, grain, expected) in cases {
            let made = bars(values, *grain);
            assert_eq!(made.len(), *expected, "{values:?}");
            if let (Some(first), Some(last)) = (made.first(), made.last()) {
                assert!((made.iter().map(|bin| bin.share).sum::<f64>() - 1.0).abs() < 1e-9);
                assert!(first.lo <= values[0] && last.hi >= values[values.len() - 1]);
            }
        }
    }

    #[test]
    fn one_far_value_does_not_flatten_the_bars() {
        let mut values: Vec<f64> = (0..1_000).map(f64::from).collect();
        values.push(1e12);
        let made = bars(&values, Grain::Fine);
        assert!(made.iter().filter(|bin| bin.share > 0.01).count() >= 10);
        assert_eq!(made[made.len() - 1].hi_text, "1000000000000");
    }

    #[test]
    fn bars_over_whole_numbers_name_the_numbers_in_them() {
        let made = bars(&[1.0, 2.0, 3.0], Grain::Whole(1.0));
        let texts: Vec<_> = made.iter().map(|bin| (bin.lo_text.as_str(), bin.hi_text.as_str())).collect();
        assert_eq!(texts, [("1", "1"), ("2", "2"), ("3", "3")]);
    }
}
