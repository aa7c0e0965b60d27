//! What a read of a table in a file costs, from what the look found: bytes of the columns read, rows as far as the file
//! tells them.

use super::open::Packing;
use super::outline::{Cost, Group, Outline, RowCount, Table};
use super::plan::{columns, first_row};
use super::reader::Place;
use super::source::window_count;
use crate::model::Result;
use crate::model::load::{
    Cap, Capacity, Dim, Effect, EnforcedBy, Intrusiveness, LoadEstimate, Provenance, Quantity,
};
use crate::model::read::{ProfileLevel, ReadPlan, SampleMethod, Want};

/// A block of a look, and the room that a read may take beyond its rows.
const BLOCK: f64 = 65_536.0;
/// What a worker needs to start and to look at a file, in seconds.
const START_SECS: f64 = 0.02;
/// Bytes of a file that one core decodes in a second.
const BYTES_PER_CPU_SEC: f64 = 80e6;

/// An interval of bytes with its evidence.
struct Range {
    lo: f64,
    mid: f64,
    hi: f64,
    provenance: Provenance,
    source: &'static str,
}

/// Estimates a read that starts from a known place.
pub(super) fn estimate(
    outline: &Outline,
    table: &Table,
    capacity: Capacity,
    plan: &ReadPlan,
    from: Place,
) -> Result<LoadEstimate> {
    let mut made = LoadEstimate::over(capacity);
    let first = first_row(&plan.spec)?;
    let is_catalog = plan.spec.want == Want::Profile(ProfileLevel::Catalog);
    if is_catalog {
        made.set(Quantity::exact(Dim::RowsReturned, 0.0, "a profile from headers reads no rows"));
    } else {
        set_rows(&mut made, plan, table.rows.as_ref(), first);
    }
    let bytes = if is_catalog { headers(outline) } else { bytes(outline, table, plan, from, first) };
    let mut read =
        Quantity::between(Dim::BytesServer, bytes.lo, bytes.mid, bytes.hi, bytes.provenance, bytes.source);
    if let Some(bound) = plan.bounds.bytes {
        read = read.capped(bound as f64 + 32.0 * BLOCK);
    }
    let seconds = duration(&read, &made.capacity, BYTES_PER_CPU_SEC);
    made.set(read);
    made.set(seconds);
    made.effects.push(access_time());
    made.caps = caps(plan);
    if outline.packing != Packing::Plain {
        made.assumptions
            .push("a packed file is read from its beginning: there is no way into its middle".to_owned());
    }
    if plan.spec.filter.is_some() {
        made.assumptions.push("a filter may have to read to the end".to_owned());
    }
    Ok(made)
}

/// Whether a read goes to the end unless it finds enough before.
pub fn passes(plan: &ReadPlan) -> bool {
    match plan.spec.sample.map(|sample| sample.method) {
        Some(SampleMethod::Block) => false,
        Some(SampleMethod::Row | SampleMethod::Random) => true,
        _ => plan.bounds.rows.is_none() || plan.spec.filter.is_some(),
    }
}

fn set_rows(made: &mut LoadEstimate, plan: &ReadPlan, total: Option<&RowCount>, first: u64) {
    let bound = plan.bounds.rows.map(|rows| rows as f64);
    let is_sample = plan.spec.sample.is_some_and(|sample| sample.method != SampleMethod::Head);
    let beyond = |value: f64| if is_sample { value } else { (value - first as f64).max(0.0) };
    match (total, bound) {
        (Some(total), _) => {
            let (lo, mid, hi) = (beyond(total.lo), beyond(total.mid), beyond(total.hi));
            let mut returned = if plan.spec.filter.is_some() || is_sample {
                // How many rows a filter keeps, nobody knows before; a draw varies.
                let (lo, mid, rule) = match plan.spec.filter {
                    Some(_) => (0.0, mid / 3.0, "one_row_in_three"),
                    None => (bound.unwrap_or(lo).min(lo) * 0.5, mid, "draw"),
                };
                let provenance =
                    total.provenance.clone().weakest(Provenance::Guessed { rule: rule.to_owned() });
                Quantity::between(Dim::RowsReturned, lo, mid, hi, provenance, total.source.clone())
            } else if total.known().is_some() {
                Quantity::exact(Dim::RowsReturned, mid, total.source.clone())
            } else {
                Quantity::between(
                    Dim::RowsReturned,
                    lo,
                    mid,
                    hi,
                    total.provenance.clone(),
                    total.source.clone(),
                )
            };
            // Rows that a damaged file does not give are told as lost, so fewer may come than it states.
            if returned.lo == returned.hi && bound.is_none() {
                returned = Quantity { lo: 0.0, provenance: declared(), ..returned };
            }
            made.set(bound.map_or(returned.clone(), |bound| returned.capped(bound)));
        }
        (None, Some(bound)) => {
            let provenance = Provenance::Guessed { rule: "as_many_as_asked".to_owned() };
            let source = "the bound of the read; the file does not say how many rows it has";
            made.set(
                Quantity::between(Dim::RowsReturned, 0.0, bound, bound, provenance, source).capped(bound),
            );
        }
        (None, None) => made.not_estimable.push(Dim::RowsReturned),
    }
    if passes(plan) {
        match total {
            Some(total) => made.set(Quantity::between(
                Dim::RowsExamined,
                beyond(total.lo),
                beyond(total.mid),
                beyond(total.hi),
                total.provenance.clone(),
                total.source.clone(),
            )),
            None => made.not_estimable.push(Dim::RowsExamined),
        }
    } else if let Some(returned) = made.quantity(Dim::RowsReturned).cloned() {
        let skipped = if plan.spec.sample.is_some() { 0.0 } else { first as f64 };
        made.set(Quantity { dim: Dim::RowsExamined, hi: returned.hi + skipped, ..returned });
    }
}

fn declared() -> Provenance {
    Provenance::Declared { who: "the file itself".to_owned() }
}

/// The bytes of another look.
fn headers(outline: &Outline) -> Range {
    let most = outline.file_bytes as f64;
    Range {
        lo: 0.0,
        mid: most.min(BLOCK),
        hi: most.min(4.0 * 1024.0 * 1024.0) + BLOCK,
        provenance: Provenance::Guessed { rule: "headers_are_small".to_owned() },
        source: "headers and footers as the first look read them",
    }
}

/// Bytes of the file that a read takes.
fn bytes(outline: &Outline, table: &Table, plan: &ReadPlan, from: Place, first: u64) -> Range {
    let all = outline.file_bytes as f64;
    match &table.cost {
        Cost::Whole => {
            let lo = if plan.bounds.rows.is_some() { 0.0 } else { all * 0.9 };
            Range {
                lo,
                mid: all,
                hi: all * 1.05 + 4.0 * BLOCK,
                provenance: Provenance::Exact,
                source: "size of the file",
            }
        }
        Cost::Sequence { start, end, row_bytes, block_bytes } => {
            let shape = Sequence {
                start: *start as f64,
                end: *end as f64,
                row_bytes: *row_bytes,
                block: (*block_bytes as f64).max(1.0),
            };
            sequence(outline, &shape, plan, from, first)
        }
        Cost::Groups { groups, lead_bytes } => {
            let wanted = columns(table, plan).0;
            grouped(groups, &wanted, *lead_bytes as f64, plan, first)
        }
    }
}

struct Sequence {
    start: f64,
    end: f64,
    row_bytes: f64,
    block: f64,
}

fn sequence(outline: &Outline, shape: &Sequence, plan: &ReadPlan, from: Place, first: u64) -> Range {
    let rows = plan.bounds.rows.unwrap_or(0) as f64;
    let sampled =
        || Provenance::Sampled { n: 3, design: "bytes of a row in the windows of the first look".to_owned() };
    let (whole, is_packed) = (outline.file_bytes as f64, outline.packing != Packing::Plain);
    if plan.spec.sample.is_some_and(|sample| sample.method == SampleMethod::Block) {
        let count = window_count(plan.bounds.rows.unwrap_or(0)) as f64;
        let each = rows / count * shape.row_bytes;
        let mid = count * (each + shape.block);
        return Range {
            lo: count * each * 0.3,
            mid,
            hi: mid * 2.0 + 2.0 * BLOCK,
            provenance: sampled(),
            source: "windows of rows, and the search for the first row of each",
        };
    }
    let place = from.byte.map_or(shape.start, |byte| byte as f64);
    if passes(plan) {
        let all = if is_packed { whole } else { (shape.end - place).max(0.0) };
        let lo = if plan.bounds.rows.is_some() && plan.spec.sample.is_none() { 0.0 } else { all * 0.9 };
        return Range {
            lo,
            mid: all,
            hi: all + shape.block + 2.0 * BLOCK,
            provenance: Provenance::Exact,
            source: "size of the file, from the first row on",
        };
    }
    let skipped = first.saturating_sub(from.row) as f64 * shape.row_bytes;
    let lead = if is_packed { from.row as f64 * shape.row_bytes } else { 0.0 };
    let blocks = ((lead + skipped + rows * shape.row_bytes) / shape.block).ceil().max(1.0);
    Range {
        lo: (rows * shape.row_bytes * 0.3).min(whole * 0.5),
        mid: (blocks * shape.block).min(whole.max(1.0)),
        hi: (2.0 * blocks + 1.0) * shape.block + 2.0 * BLOCK,
        provenance: sampled(),
        source: "rows × bytes of an ordinary row, in whole blocks",
    }
}

fn grouped(groups: &[Group], wanted: &[usize], lead: f64, plan: &ReadPlan, first: u64) -> Range {
    let total: u64 = groups.iter().map(|group| group.rows).sum();
    let bytes_of = |group: &Group| {
        wanted.iter().filter_map(|column| group.column_bytes.get(*column)).sum::<u64>() as f64
    };
    let all: f64 = groups.iter().map(bytes_of).sum();
    let source = "bytes of the columns in each group of rows, as the footer states them";
    if plan.spec.sample.is_some_and(|sample| sample.method == SampleMethod::Block) {
        let share = (plan.bounds.rows.unwrap_or(0) as f64 / total.max(1) as f64).min(1.0);
        return Range {
            lo: 0.0,
            mid: lead + all * share.max(0.05),
            hi: lead + all,
            provenance: declared(),
            source,
        };
    }
    let last = match plan.bounds.rows {
        Some(rows) if !passes(plan) => first.saturating_add(rows),
        _ => u64::MAX,
    };
    let (mut lo, mut mid, mut hi, mut row) = (0.0, lead, lead, 0);
    for group in groups {
        let (start, end) = (row, row + group.rows);
        row = end;
        // One more row than wanted tells that there is more.
        if end <= first || start > last || group.rows == 0 {
            continue;
        }
        let share = end.min(last).saturating_sub(start.max(first)) as f64 / group.rows as f64;
        let bytes = bytes_of(group);
        hi += bytes;
        mid += bytes * share.max(0.02);
        if share >= 1.0 {
            lo += bytes * 0.5;
        }
    }
    if plan.spec.filter.is_some() {
        lo = 0.0;
    }
    let provenance = if last == u64::MAX { Provenance::Exact } else { declared() };
    Range { lo, mid: mid.min(hi), hi: hi + 2.0 * BLOCK, provenance, source }
}

/// How long so many bytes take, where one core takes in so many of this format in a second.
pub fn duration(bytes: &Quantity, capacity: &Capacity, bytes_per_cpu_sec: f64) -> Quantity {
    let seconds =
        |bytes: f64| START_SECS + bytes / capacity.disk_bytes_per_sec.max(1.0) + bytes / bytes_per_cpu_sec;
    let provenance =
        bytes.provenance.clone().weakest(Provenance::Guessed { rule: "disk_and_one_core".to_owned() });
    Quantity::between(
        Dim::Duration,
        seconds(bytes.lo) * 0.2,
        seconds(bytes.mid),
        seconds(bytes.hi) * 4.0 + 1.0,
        provenance,
        "bytes ÷ speed of the disk as declared, and of one core",
    )
}

/// The effect of reading any file.
pub fn access_time() -> Effect {
    Effect {
        intrusiveness: Intrusiveness::I1,
        what: "the file's access time may change, and the system's cache takes in what is read".to_owned(),
        who_notices: "nobody but tools that watch access times".to_owned(),
        reversible: "not needed".to_owned(),
        cleanup: "none".to_owned(),
    }
}

/// The bounds of a read of a file, with who holds them: its reader is ours, so it stops reading, not only listening.
pub fn caps(plan: &ReadPlan) -> Vec<Cap> {
    let bounds = plan.bounds;
    let caps = [
        (Dim::RowsReturned, bounds.rows.map(|rows| rows as f64)),
        (Dim::BytesServer, bounds.bytes.map(|bytes| bytes as f64)),
        (Dim::Duration, bounds.seconds),
    ];
    let cap =
        |(dim, limit): (Dim, Option<f64>)| Some(Cap { dim, limit: limit?, enforced_by: EnforcedBy::Both });
    caps.into_iter().filter_map(cap).collect()
}
