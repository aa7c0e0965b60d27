//! What a read will cost: the length, asked before any value; round trips; and milliseconds of the one thread
//! that serves everybody, by the microseconds a call of these commands took on this very server so far.
//!
//! Elements differ in size: bytes rest on `MEMORY USAGE`, which looks at five of them.

use redis::Value;

use super::commands::{self as sent, entry_of};
use super::decode::{Shape, info, number_in, text_of};
use super::link::{Ask, checked};
use super::read::{FIRST_PAGE, PAGE_BYTES};
use super::source::{PAGE, PIECE, RedisSource};
use crate::job::CallCtx;
use crate::model::Result;
use crate::model::load::{Cap, Dim, Effect, EnforcedBy, Intrusiveness, LoadEstimate, Provenance, Quantity};
use crate::model::read::{Continuation, ReadPlan, Step};
use crate::model::units::count_text;

/// Microseconds of one element in a page command, from measurements on Redis 7.0 (0.9 ms for SCAN COUNT
/// 1000, 0.3 ms for HSCAN COUNT 200).
const USEC_PER_ELEMENT: f64 = 1.5;
/// Microseconds of a command that looks at one key, where the server has not counted any.
const USEC_PER_LOOK: f64 = 2.0;
/// Bytes of an element where nothing is known of it: least, likely, most.
const ELEMENT_BYTES: [f64; 3] = [8.0, 60.0, 600.0];
/// By how much an average over five elements may be off: measured 4.4 on a skewed hash.
const SKEW: f64 = 5.0;

/// How `MEMORY USAGE` knows.
pub(super) fn sampled() -> Provenance {
    Provenance::Sampled { n: 5, design: "MEMORY USAGE".to_owned() }
}

/// Microseconds a call of a command, and of how many calls.
fn usec_per_call(stats: &str, command: &str) -> Option<f64> {
    let line = info(stats, &format!("cmdstat_{}", command.to_lowercase().replace(' ', "|")))?;
    let calls = number_in(line, "calls")?;
    number_in(line, "usec_per_call").filter(|_| calls >= 10.0)
}

/// The load of a planned read, unjudged.
pub(super) async fn estimate(source: &RedisSource, ctx: &CallCtx, plan: &ReadPlan) -> Result<LoadEstimate> {
    let stage = "estimate";
    let target = source.planned(plan)?;
    let (shape, key) = (target.shape, target.key.as_slice());
    let (page_command, length_command) = shape.commands();
    let mut asks = vec![Ask::one(
        entry_of(length_command),
        length_command,
        if shape == Shape::Keys { &[] } else { std::slice::from_ref(&key) },
    )];
    if shape != Shape::Keys {
        asks.push(Ask::one(sent::MEMORY, "MEMORY USAGE", &[key]));
    }
    let mut replies = source.link.ask(ctx, stage, target.db, asks).await?.into_iter().flatten();
    let length = checked(stage, replies.next().unwrap_or_default())?;
    let length = text_of(&length).parse::<f64>().unwrap_or(0.0);
    let memory = replies
        .next()
        .and_then(|value| if let Value::Int(bytes) = value { Some(bytes as f64) } else { None });
    let stats = source.info(ctx, stage, "commandstats").await?.unwrap_or_default();

    let elements = if shape == Shape::Text { (length / PIECE as f64).ceil().max(1.0) } else { length };
    let (from, is_further) = match &plan.spec.continuation {
        Some(Continuation::Row(row)) => (*row as f64, false),
        Some(Continuation::Byte(byte)) => ((*byte as f64 / PIECE as f64).floor(), false),
        Some(_) => (0.0, true),
        None => (0.0, false),
    };
    let left = (elements - from).max(0.0);
    let cap = |rows: f64| plan.bounds.rows.map_or(rows, |most| rows.min(most as f64));
    let rows = [if is_further { 0.0 } else { cap(left) }, cap(left), cap(left)];
    let [lo, mid, hi] = rows;
    let mut made = LoadEstimate::over(source.capacity.clone());
    let length_source = format!("{length_command}: {}", count_text(length as u64));
    made.set(Quantity::between(Dim::RowsReturned, lo, mid, hi, just_now(), length_source.clone()));

    let each = match (shape, memory) {
        (Shape::Text, _) => [0.1, 1.0, 1.0].map(|share| share * length.min(PIECE as f64)),
        (_, Some(bytes)) if elements > 0.0 => {
            let mean = bytes / elements;
            [mean / SKEW, mean, mean * SKEW + 30.0]
        }
        _ => ELEMENT_BYTES,
    };
    let facts = plan.steps.iter().skip(1).collect::<Vec<_>>();
    let facts_bytes = 8.0 * facts.len() as f64;
    let bytes = [0, 1, 2].map(|end| rows[end] * (each[end] + facts_bytes) + 20.0);
    let memory_source = match memory {
        Some(bytes) => format!("MEMORY USAGE: {} in all", crate::model::units::bytes_text(bytes)),
        None => format!("{length_source}, {} bytes each", ELEMENT_BYTES[1]),
    };
    let bytes_by = if memory.is_some() { sampled() } else { guessed("bytes of an element") };
    made.set(Quantity::between(Dim::BytesWire, bytes[0], bytes[1], bytes[2], bytes_by, memory_source));

    let trips = 1.0 + f64::from(u8::from(!facts.is_empty()));
    let smallest = if shape == Shape::Text { 1.0 } else { FIRST_PAGE as f64 };
    let most = if shape == Shape::Text { 1.0 } else { PAGE as f64 };
    let pages = |rows: f64, bytes: f64| {
        let by_bytes = if shape == Shape::Text { 0.0 } else { bytes / PAGE_BYTES };
        (1.0 + (rows - smallest).max(0.0) / most).max(by_bytes).ceil()
    };
    // A page of a scan may bring fewer than were asked for.
    let requests =
        [pages(lo, bytes[0]), pages(mid, bytes[1]), 1.0 + pages(hi, bytes[2]) * 1.5].map(|n| n * trips);
    let pages_source = format!("{length_source}, pages of {} to {PAGE}", FIRST_PAGE);
    let mut round_trips =
        Quantity::between(Dim::RoundTrips, requests[0], requests[1], requests[2], just_now(), pages_source);
    if let Some(most) = plan.bounds.requests {
        round_trips = round_trips.capped(most as f64);
    }
    made.set(round_trips);

    made.set(thread_time(&stats, page_command, &facts, rows, requests.map(|n| n / trips)));
    made.effects.push(effect(shape));
    for (dim, limit) in [
        (Dim::RowsReturned, plan.bounds.rows.map(|rows| rows as f64)),
        (Dim::RoundTrips, plan.bounds.requests.map(|requests| requests as f64)),
        (Dim::BytesWire, plan.bounds.bytes.map(|bytes| bytes as f64)),
        (Dim::Duration, plan.bounds.seconds),
    ] {
        made.caps.extend(limit.map(|limit| Cap { dim, limit, enforced_by: EnforcedBy::Client }));
    }
    made.assumptions
        .push("all commands share one thread: cpu time is time in which nobody else is served".to_owned());
    Ok(made)
}

/// Time of the one thread: elements by measure, commands by the server's own counts.
fn thread_time(
    stats: &str,
    page_command: &str,
    facts: &[&Step],
    rows: [f64; 3],
    pages: [f64; 3],
) -> Quantity {
    let (mut usec, mut counted, mut words) = ([0.0; 3], true, Vec::new());
    let page_usec = usec_per_call(stats, page_command);
    for (end, usec) in usec.iter_mut().enumerate() {
        let by_elements = rows[end] * USEC_PER_ELEMENT;
        let by_calls = page_usec.unwrap_or(USEC_PER_LOOK) * pages[end];
        *usec +=
            [by_elements.min(by_calls) / 2.0, by_elements.max(by_calls), 3.0 * by_elements.max(by_calls)]
                [end];
    }
    for step in facts {
        let command = step.text.split(" {").next().unwrap_or_default();
        let known = usec_per_call(stats, command);
        counted &= known.is_some();
        let look = known.unwrap_or(USEC_PER_LOOK);
        words.push(format!("{command} {look} µs"));
        usec.iter_mut().enumerate().for_each(|(end, usec)| *usec += rows[end] * look * [0.5, 1.0, 3.0][end]);
    }
    if let Some(usec) = page_usec {
        words.push(format!("{page_command} {usec} µs"));
    }
    let by = if counted && page_usec.is_some() { just_now() } else { guessed("microseconds of a command") };
    let cpu_source = if words.is_empty() {
        format!("{USEC_PER_ELEMENT} µs an element")
    } else {
        format!("a call by INFO commandstats: {}", words.join(", "))
    };
    Quantity::between(Dim::Cpu, usec[0] / 1e6, usec[1] / 1e6, usec[2] / 1e6, by, cpu_source)
}

fn just_now() -> Provenance {
    Provenance::Catalogued { age_secs: Some(0) }
}

fn guessed(rule: &str) -> Provenance {
    Provenance::Guessed { rule: rule.to_owned() }
}

fn effect(shape: Shape) -> Effect {
    let (intrusiveness, what) = match shape {
        Shape::Keys => (
            Intrusiveness::I1,
            "counts in the server's statistics; keys whose time is over are removed when looked at, as by anybody",
        ),
        _ => (
            Intrusiveness::I3,
            "the key counts as just used: eviction by age or frequency (LRU, LFU) will spare it for a while",
        ),
    };
    Effect {
        intrusiveness,
        what: what.to_owned(),
        who_notices: "whoever watches evictions, OBJECT IDLETIME or INFO".to_owned(),
        reversible: "it wears off with time".to_owned(),
        cleanup: "none is needed".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn microseconds_come_from_the_servers_own_counts() {
        let stats = "# Commandstats\r\n\
            cmdstat_hscan:calls=400,usec=2000,usec_per_call=5.00,rejected_calls=0,failed_calls=0\r\n\
            cmdstat_object|encoding:calls=12,usec=6,usec_per_call=0.50,rejected_calls=0,failed_calls=0\r\n\
            cmdstat_type:calls=2,usec=90,usec_per_call=45.00,rejected_calls=0,failed_calls=0\r\n";
        for (command, usec) in [
            ("HSCAN", Some(5.0)),
            ("OBJECT ENCODING", Some(0.5)),
            // Two calls are no average.
            ("TYPE", None),
            ("SCAN", None),
        ] {
            assert_eq!(usec_per_call(stats, command), usec, "{command}");
        }
    }
}
