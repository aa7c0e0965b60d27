//! From an estimate to a verdict. The rules are those of the product's contract, evaluated worst first
//! at the upper ends; the unit of comparison is *seconds of the upstream's bottleneck resource*.

use super::{Dim, Intrusiveness, LoadEstimate, Quantity, Verdict};
use crate::model::units;

/// The window a share of headroom is taken over: a read that keeps a resource busy for half of a minute
/// takes half of its headroom. Chosen so that a person waiting for a dashboard would notice.
pub const WINDOW_SECS: f64 = 60.0;

/// How busy a read keeps one resource.
struct Occupancy {
    seconds: f64,
    share: f64,
    why: String,
}

/// Sets `verdict`, `verdict_expected` and `reasons` of an estimate.
///
/// `over_budget` names the hard budget that the read would exceed, if any; it makes the read dangerous.
pub fn judge(estimate: &mut LoadEstimate, over_budget: Option<String>) {
    let at_hi = worst(estimate, |quantity| quantity.hi);
    let at_mid = worst(estimate, |quantity| quantity.mid);
    let mut reasons = Vec::new();
    let intrusiveness = estimate.effects.iter().map(|effect| effect.intrusiveness).max();
    let mut verdict = at_hi.first().map_or(Verdict::Negligible, level);
    if let Some(budget) = &over_budget {
        verdict = Verdict::Dangerous;
        reasons.push(budget.clone());
    }
    if let Some(rank) = intrusiveness.filter(|rank| *rank >= Intrusiveness::I4) {
        verdict = verdict.max(if rank == Intrusiveness::I5 { Verdict::Dangerous } else { Verdict::Heavy });
        reasons.extend(
            estimate
                .effects
                .iter()
                .filter(|effect| effect.intrusiveness == rank)
                .map(|effect| effect.what.clone()),
        );
    }
    if !estimate.not_estimable.is_empty() && verdict < Verdict::Heavy {
        verdict = Verdict::Unknown;
        let dims = estimate.not_estimable.iter().map(|dim| dim.label()).collect::<Vec<_>>().join(", ");
        reasons.push(format!("no upper end is known for {dims}"));
    }
    reasons.extend(at_hi.iter().map(|occupancy| occupancy.why.clone()));
    reasons.truncate(3);
    estimate.reasons = reasons;
    estimate.verdict = verdict;
    estimate.verdict_expected = if over_budget.is_some() {
        verdict
    } else {
        at_mid.first().map_or(Verdict::Negligible, level).min(verdict)
    };
}

/// The level of one occupancy, worst rule first.
fn level(occupancy: &Occupancy) -> Verdict {
    let Occupancy { seconds, share, .. } = occupancy;
    if *share >= 0.5 {
        Verdict::Dangerous
    } else if *share >= 0.1 || *seconds >= 10.0 {
        Verdict::Heavy
    } else if *share >= 0.01 || *seconds >= 1.0 {
        Verdict::Noticeable
    } else if *share >= 0.001 || *seconds >= 0.05 {
        Verdict::Light
    } else {
        Verdict::Negligible
    }
}

/// Occupancies of all resources, the worst first.
fn worst(estimate: &LoadEstimate, end: impl Fn(&Quantity) -> f64) -> Vec<Occupancy> {
    let capacity = &estimate.capacity;
    let rates = [
        (Dim::BytesServer, capacity.disk_bytes_per_sec, "storage"),
        (Dim::BytesWire, capacity.link_bytes_per_sec, "the link"),
        (Dim::Cpu, capacity.cores, "cpu"),
        (Dim::RoundTrips, capacity.requests_per_sec, "requests"),
    ];
    let mut found = Vec::new();
    for (dim, rate, resource) in rates {
        let Some(quantity) = estimate.quantity(dim).filter(|_| rate > 0.0) else { continue };
        let seconds = end(quantity) / rate;
        found.push(Occupancy {
            seconds,
            share: seconds / WINDOW_SECS,
            why: format!(
                "up to {} keep {resource} busy for {} ({}: {})",
                dim.value_text(end(quantity)),
                units::seconds_text(seconds),
                quantity.provenance.word(),
                quantity.source
            ),
        });
    }
    if let Some(quantity) = estimate.quantity(Dim::CacheDisplaced).filter(|_| capacity.cache_bytes > 0.0) {
        // What leaves the cache must be read again: its cost is that of the storage.
        let share = (end(quantity) / capacity.cache_bytes).min(1.0) * 0.1;
        found.push(Occupancy {
            seconds: 0.0,
            share,
            why: format!("may push {} out of the source's cache", units::bytes_text(end(quantity))),
        });
    }
    found.sort_by(|a, b| b.share.total_cmp(&a.share));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::load::{Capacity, Effect, Provenance};

    fn estimate(dim: Dim, mid: f64, hi: f64) -> LoadEstimate {
        let mut made = LoadEstimate::over(Capacity {
            disk_bytes_per_sec: 200e6,
            link_bytes_per_sec: 12.5e6,
            cores: 2.0,
            cache_bytes: 1e9,
            requests_per_sec: 100.0,
            provenance: Provenance::Declared { who: "class small".into() },
        });
        made.set(Quantity::between(dim, 0.0, mid, hi, Provenance::Exact, "size"));
        made
    }

    #[test]
    fn the_verdict_follows_the_upper_end_of_the_worst_resource() {
        for (dim, mid, hi, verdict, expected) in [
            (Dim::BytesServer, 1e3, 1e4, Verdict::Negligible, Verdict::Negligible),
            (Dim::BytesServer, 1e3, 20e6, Verdict::Light, Verdict::Negligible),
            (Dim::BytesServer, 1e6, 250e6, Verdict::Noticeable, Verdict::Negligible),
            (Dim::BytesServer, 20e6, 2e9, Verdict::Heavy, Verdict::Light),
            (Dim::BytesServer, 20e6, 7e9, Verdict::Dangerous, Verdict::Light),
            (Dim::RoundTrips, 3.0, 4.0, Verdict::Negligible, Verdict::Negligible),
            (Dim::Cpu, 15.0, 30.0, Verdict::Heavy, Verdict::Heavy),
        ] {
            let mut made = estimate(dim, mid, hi);
            judge(&mut made, None);
            assert_eq!((made.verdict, made.verdict_expected), (verdict, expected), "{dim:?} {hi}");
        }
    }

    #[test]
    fn a_budget_an_effect_or_a_missing_end_overrules_small_numbers() {
        let mut made = estimate(Dim::BytesServer, 1.0, 1.0);
        judge(&mut made, Some("above the budget of 5 000 rows".into()));
        assert_eq!(made.verdict, Verdict::Dangerous);
        assert!(made.reasons[0].contains("budget"));

        let mut made = estimate(Dim::BytesServer, 1.0, 1.0);
        made.not_estimable.push(Dim::RowsExamined);
        judge(&mut made, None);
        assert_eq!(made.verdict, Verdict::Unknown);

        for (rank, verdict) in [
            (Intrusiveness::I5, Verdict::Dangerous),
            (Intrusiveness::I4, Verdict::Heavy),
            (Intrusiveness::I1, Verdict::Negligible),
        ] {
            let mut made = estimate(Dim::BytesServer, 1.0, 1.0);
            made.effects.push(Effect {
                intrusiveness: rank,
                what: "takes messages".into(),
                who_notices: "consumers".into(),
                reversible: "no".into(),
                cleanup: "none".into(),
            });
            judge(&mut made, None);
            assert_eq!(made.verdict, verdict);
        }
    }
}
