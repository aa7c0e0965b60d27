//! What a read costs, in requests first: rows by what the server said of their number, bytes and seconds by
//! what earlier pages took.

use super::learned::Learned;
use super::paging::{At, Paging, Place};
use super::plan::pages;
use crate::model::load::{
    Cap, Capacity, Dim, Effect, EnforcedBy, Intrusiveness, LoadEstimate, Provenance, Quantity,
};
use crate::model::read::ReadPlan;

/// Bytes of a row that nobody has seen: little, ordinary, much.
const ROW_BYTES: (f64, f64, f64) = (20.0, 500.0, 20_000.0);
/// Seconds of a request that nobody has sent.
const REQUEST_SECS: (f64, f64, f64) = (0.002, 0.2, 5.0);
/// Bytes of an answer beside its rows.
const ENVELOPE_BYTES: f64 = 1_000.0;
/// Rows of a page of a server that chooses its size.
const USUAL_PAGE: (f64, f64, f64) = (500.0, 50.0, 10.0);

/// Hardly a server gives fewer rows a page where more are asked for.
const LEAST_CAP: f64 = 100.0;

/// Lower end, best guess, upper end, and how it is known.
#[derive(Clone)]
struct Span {
    lo: f64,
    mid: f64,
    hi: f64,
    provenance: Provenance,
    source: String,
}

impl Span {
    fn quantity(&self, dim: Dim) -> Quantity {
        Quantity::between(dim, self.lo, self.mid, self.hi, self.provenance.clone(), self.source.clone())
    }
}

/// Estimates a read; `place` is where it starts.
pub(super) fn estimate(
    learned: &Learned,
    capacity: Capacity,
    plan: &ReadPlan,
    place: &Place,
    page_rows: u64,
) -> LoadEstimate {
    let mut made = LoadEstimate::over(capacity);
    let bound = plan.bounds.rows.map(|rows| rows as f64);
    let rows = rows(learned, place, bound);
    match &rows {
        Some(rows) => {
            let returned = rows.quantity(Dim::RowsReturned);
            made.set(bound.map_or(returned.clone(), |bound| returned.capped(bound)));
        }
        None => made.not_estimable.push(Dim::RowsReturned),
    }
    let requests = requests(learned, plan, place, rows.as_ref(), page_rows);
    let bytes = bytes(learned, place, rows.as_ref(), requests.as_ref());
    let seconds = requests.as_ref().map(|requests| seconds(learned, requests));
    let limits = [
        (Dim::RoundTrips, requests, plan.bounds.requests.map(|requests| requests as f64)),
        (Dim::BytesWire, bytes, plan.bounds.bytes.map(|bytes| bytes as f64)),
        (Dim::Duration, seconds, None),
    ];
    for (dim, span, limit) in limits {
        match (span, limit) {
            (Some(span), Some(limit)) => made.set(span.quantity(dim).capped(limit)),
            (Some(span), None) => made.set(span.quantity(dim)),
            // Nothing is read beyond a limit, whatever there is.
            (None, Some(limit)) => {
                let rule = Provenance::Guessed { rule: "as_much_as_allowed".to_owned() };
                let most = Quantity::between(dim, 0.0, limit, limit, rule, "the bound of the read");
                made.set(most.capped(limit));
            }
            (None, None) => made.not_estimable.push(dim),
        }
    }
    made.effects.push(Effect {
        intrusiveness: Intrusiveness::I1,
        what: "each request stands in the server's log and counts against the quota of the login".to_owned(),
        who_notices: "whoever watches the log or the quota".to_owned(),
        reversible: "quotas renew themselves".to_owned(),
        cleanup: "none".to_owned(),
    });
    made.caps = caps(plan);
    made.assumptions = assumptions(learned, plan);
    made
}

fn rows(learned: &Learned, place: &Place, bound: Option<f64>) -> Option<Span> {
    let came = place.before.saturating_add(place.skip);
    if let Some(total) = &learned.total {
        let left = total.rows.saturating_sub(came) as f64;
        let rows = bound.map_or(left, |bound| bound.min(left));
        let age = jiff::Timestamp::now().as_second() - total.as_of.as_second();
        let provenance = Provenance::Catalogued { age_secs: u64::try_from(age).ok() };
        // What is written meanwhile comes as well.
        let (lo, hi) =
            if bound.is_some_and(|bound| bound <= left) { (rows, rows) } else { (rows * 0.95, rows * 1.05) };
        return Some(Span { lo, mid: rows, hi: hi.ceil(), provenance, source: total.said_by.clone() });
    }
    if learned.paging == Some(Paging::Whole) && learned.pages > 0 {
        let all = (learned.largest_page as f64 - place.skip as f64).max(0.0);
        let rows = bound.map_or(all, |bound| bound.min(all));
        let provenance = Provenance::Learned { k: learned.pages };
        return Some(Span {
            lo: rows * 0.9,
            mid: rows,
            hi: rows * 1.1,
            provenance,
            source: "rows of the last answer".to_owned(),
        });
    }
    bound.map(|bound| Span {
        lo: 0.0,
        mid: bound,
        hi: bound,
        provenance: Provenance::Guessed { rule: "as_many_as_asked".to_owned() },
        source: "the bound of the read; the server does not say how many rows there are".to_owned(),
    })
}

fn requests(
    learned: &Learned,
    plan: &ReadPlan,
    place: &Place,
    rows: Option<&Span>,
    page_rows: u64,
) -> Option<Span> {
    let rows = rows?;
    if learned.paging == Some(Paging::Whole) {
        return Some(Span {
            lo: 1.0,
            mid: 1.0,
            hi: 1.0,
            source: "one answer holds all".to_owned(),
            ..rows.clone()
        });
    }
    let skip = place.skip as f64;
    let by = |rows: f64, size: f64| ((rows + skip) / size.max(1.0)).ceil().max(1.0);
    let (size, sure) = match place.at {
        At::Page { size, .. } | At::Offset { size, .. } => {
            let size = size.min(learned.page_cap.unwrap_or(size));
            (size as f64, size <= learned.largest_page)
        }
        At::Start | At::Link(_) if learned.largest_page > 0 => (learned.largest_page as f64, true),
        At::Start | At::Link(_) => {
            let guessed = Provenance::Guessed { rule: "usual_pages".to_owned() };
            let provenance = rows.provenance.clone().weakest(guessed);
            let (most, usual, least) = USUAL_PAGE;
            let usual = usual.min(page_rows as f64);
            return Some(Span {
                lo: by(rows.lo, most),
                mid: by(rows.mid, usual),
                hi: by(rows.hi, least) + 1.0,
                provenance,
                source: "rows ÷ rows of an ordinary page".to_owned(),
            });
        }
    };
    let listed = pages(learned, place, plan.bounds.rows).map_or(0.0, |pages| pages as f64);
    // A page size not tried yet may be cut by the server; a last page may turn out to be empty.
    let tried = if sure { size } else { size.min(LEAST_CAP.max(learned.largest_page as f64)) };
    let hi = by(rows.hi, tried) + 1.0;
    Some(Span {
        lo: by(rows.lo, size).min(listed.max(1.0)),
        mid: by(rows.mid, size),
        hi,
        provenance: rows.provenance.clone(),
        source: format!("{} ÷ {size:.0} rows a page", rows.source),
    })
}

fn bytes(learned: &Learned, place: &Place, rows: Option<&Span>, requests: Option<&Span>) -> Option<Span> {
    let (rows, requests) = (rows?, requests?);
    let (low, usual, high) = learned.row_bytes().map_or(ROW_BYTES, |row| (row * 0.5, row, row * 2.5));
    let seen = match learned.row_bytes() {
        Some(_) => Provenance::Sampled { n: learned.pages, design: "pages that came".to_owned() },
        None => Provenance::Guessed { rule: "usual_rows".to_owned() },
    };
    // Rows of a page that are left out come all the same.
    let skip = if learned.paging == Some(Paging::Whole) { learned.largest_page } else { place.skip } as f64;
    let (lo, mid, hi) = if learned.paging == Some(Paging::Whole) {
        (skip, skip.max(rows.mid), skip.max(rows.hi))
    } else {
        (rows.lo, rows.mid + skip, rows.hi + skip)
    };
    Some(Span {
        lo: lo * low,
        mid: mid * usual + requests.mid * ENVELOPE_BYTES * 0.2,
        hi: hi * high + requests.hi * ENVELOPE_BYTES,
        provenance: rows.provenance.clone().weakest(seen),
        source: "rows × bytes of a row in the pages that came".to_owned(),
    })
}

fn seconds(learned: &Learned, requests: &Span) -> Span {
    let (low, usual, high) =
        learned.request_secs().map_or(REQUEST_SECS, |each| (each * 0.2, each, each * 5.0 + 0.5));
    Span {
        lo: requests.lo * low,
        mid: requests.mid * usual,
        hi: requests.hi * high,
        provenance: requests.provenance.clone().weakest(match learned.request_secs() {
            Some(_) => Provenance::Learned { k: learned.pages },
            None => Provenance::Guessed { rule: "usual_requests".to_owned() },
        }),
        source: "requests, one after the other, as long as earlier ones took".to_owned(),
    }
}

fn caps(plan: &ReadPlan) -> Vec<Cap> {
    let bounds = plan.bounds;
    let caps = [
        (Dim::RowsReturned, bounds.rows.map(|rows| rows as f64)),
        (Dim::BytesWire, bounds.bytes.map(|bytes| bytes as f64)),
        (Dim::RoundTrips, bounds.requests.map(|requests| requests as f64)),
        (Dim::Duration, bounds.seconds),
    ];
    let cap =
        |(dim, limit): (Dim, Option<f64>)| Some(Cap { dim, limit: limit?, enforced_by: EnforcedBy::Client });
    caps.into_iter().filter_map(cap).collect()
}

fn assumptions(learned: &Learned, plan: &ReadPlan) -> Vec<String> {
    let mut assumptions = vec!["what a request costs the server inside is not known".to_owned()];
    if learned.total.is_none() {
        assumptions.push("the server does not say how many rows there are".to_owned());
    }
    if plan.spec.filter.is_some() {
        assumptions.push("a filter is applied here: all rows come, whatever it keeps".to_owned());
    }
    assumptions
}
