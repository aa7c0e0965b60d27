//! What a read of a file costs, from its size and what its windows told of its rows. The bytes of a pass are
//! exact; rows are an interval; a packed file says how large it is at best.

use super::index::Checkpoint;
use super::layout::{KnownRows, Layout};
use super::open::Packing;
use super::plan::first_row;
use super::reach::{self, Windows};
use crate::kit::files::estimate::{access_time, caps, duration, passes};
use crate::model::Result;
use crate::model::load::{Capacity, Dim, LoadEstimate, Provenance, Quantity, UpperEnd};
use crate::model::read::{ReadPlan, SampleMethod};

/// A block of a look, and the room that a read may take beyond its rows.
const BLOCK: f64 = 65_536.0;
/// The first bytes of the file, read again by every worker.
const MAGIC: f64 = 64.0;
/// Bytes of delimited text that one core cuts and types in a second.
const BYTES_PER_CPU_SEC: f64 = 250e6;

/// An interval with its evidence.
#[derive(Clone)]
struct Range {
    lo: f64,
    mid: f64,
    hi: f64,
    provenance: Provenance,
    source: String,
}

impl Range {
    fn exact(value: f64, source: &str) -> Self {
        Self { lo: value, mid: value, hi: value, provenance: Provenance::Exact, source: source.to_owned() }
    }

    /// What is left beyond so many.
    fn beyond(&self, first: f64) -> Self {
        let less = |value: f64| (value - first).max(0.0);
        Self { lo: less(self.lo), mid: less(self.mid), hi: less(self.hi), ..self.clone() }
    }

    fn quantity(&self, dim: Dim) -> Quantity {
        if self.provenance.rank() == 0 && self.lo == self.hi {
            return Quantity::exact(dim, self.lo, self.source.clone());
        }
        let made =
            Quantity::between(dim, self.lo, self.mid, self.hi, self.provenance.clone(), self.source.clone());
        // What rests on the size alone can't be exceeded: a read ends where the file ended when it was planned.
        let upper = if self.provenance.rank() == 0 { UpperEnd::Hard } else { made.upper };
        Quantity { upper, ..made }
    }
}

/// Estimates a read that starts from a known place.
pub(super) fn estimate(
    layout: &Layout,
    capacity: Capacity,
    plan: &ReadPlan,
    from: Checkpoint,
) -> Result<LoadEstimate> {
    let mut made = LoadEstimate::over(capacity);
    let first = first_row(&plan.spec)?;
    let total = total_rows(layout);
    let rest = total.as_ref().map(|total| total.beyond(first as f64));
    let bytes = bytes(layout, plan, from, first);

    set_rows(&mut made, plan, total.as_ref(), rest.as_ref(), first);
    let mut read = bytes.quantity(Dim::BytesServer);
    if plan.spec.sample.is_none_or(|sample| sample.method != SampleMethod::Block) {
        // Windows may overlap; everything else reads no byte twice.
        read = read.capped(layout.file_bytes as f64 + MAGIC);
    }
    if let Some(bound) = plan.bounds.bytes {
        read = read.capped(bound as f64 + 32.0 * BLOCK);
    }
    let seconds = duration(&read, &made.capacity, BYTES_PER_CPU_SEC);
    made.set(read);
    made.set(seconds);
    made.effects.push(access_time());
    made.caps = caps(plan);
    made.assumptions = assumptions(layout, plan);
    Ok(made)
}

/// All rows of the file.
fn total_rows(layout: &Layout) -> Option<Range> {
    match layout.rows {
        KnownRows::Exact(rows) => Some(Range::exact(rows as f64, "all rows counted in the first look")),
        KnownRows::Estimated(rows) => Some(Range {
            lo: rows.lo,
            mid: rows.mid,
            hi: rows.hi,
            provenance: Provenance::Sampled {
                n: rows.windows,
                design: "windows spread over the file".to_owned(),
            },
            source: "rows per byte of the windows × bytes of the file".to_owned(),
        }),
        KnownRows::Unknown => {
            let unpacked = layout.unpacked_hint? as f64;
            let rows = if layout.row_bytes > 0.0 { unpacked / layout.row_bytes } else { return None };
            Some(Range {
                lo: rows * 0.5,
                mid: rows,
                hi: rows * 2.0,
                provenance: Provenance::Guessed { rule: "unpacked_size".to_owned() },
                source: format!(
                    "unpacked size as the {} file says it × rows per byte of its beginning",
                    layout.packing.word()
                ),
            })
        }
    }
}

fn set_rows(
    made: &mut LoadEstimate,
    plan: &ReadPlan,
    total: Option<&Range>,
    rest: Option<&Range>,
    first: u64,
) {
    let bound = plan.bounds.rows.map(|rows| rows as f64);
    let source = match (plan.spec.sample, rest) {
        (Some(sample), Some(_)) if sample.method != SampleMethod::Head => total,
        _ => rest,
    };
    match (source, bound) {
        (Some(range), _) => {
            let mut returned = range.quantity(Dim::RowsReturned);
            if plan.spec.filter.is_some() || plan.spec.sample.is_some() {
                // How many rows a filter keeps, nobody knows before; a draw varies.
                let lo = if plan.spec.filter.is_some() {
                    0.0
                } else {
                    bound.unwrap_or(range.lo).min(range.lo) * 0.8
                };
                let rule = if plan.spec.filter.is_some() { "one_row_in_three" } else { "draw" };
                let mid = if plan.spec.filter.is_some() { range.mid / 3.0 } else { range.mid };
                let provenance =
                    range.provenance.clone().weakest(Provenance::Guessed { rule: rule.to_owned() });
                returned =
                    Quantity::between(Dim::RowsReturned, lo, mid, range.hi, provenance, range.source.clone());
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
        match rest {
            Some(rest) => made.set(rest.quantity(Dim::RowsExamined)),
            None => made.not_estimable.push(Dim::RowsExamined),
        }
    } else if let Some(returned) = made.quantity(Dim::RowsReturned).cloned() {
        let skipped = if plan.spec.sample.is_some() { 0.0 } else { first as f64 };
        made.set(Quantity { dim: Dim::RowsExamined, hi: returned.hi + skipped, ..returned });
    }
}

/// Bytes of the file that a read takes.
fn bytes(layout: &Layout, plan: &ReadPlan, from: Checkpoint, first: u64) -> Range {
    let rows = plan.bounds.rows.unwrap_or(0) as f64;
    let wanted = rows * layout.row_bytes;
    let provenance = match layout.rows {
        KnownRows::Exact(_) | KnownRows::Estimated(_) => {
            Provenance::Sampled { n: 3, design: "bytes of a row in the windows of the first look".to_owned() }
        }
        KnownRows::Unknown => Provenance::Guessed { rule: "rows_like_the_first".to_owned() },
    };
    if let Some(sample) = plan.spec.sample
        && sample.method == SampleMethod::Block
    {
        let shape = Windows::of(layout, plan.bounds.rows.unwrap_or(0));
        let (count, each) = (shape.count as f64, shape.window_bytes());
        // Many windows are as long as rows are on average; one alone may lie among longer rows.
        let longer = if shape.count >= 4 { 1.5 } else { 2.0 };
        return Range {
            lo: count * each * 0.6,
            mid: count * each + MAGIC,
            // Windows may overlap by what they take beyond their rows.
            hi: (count * each * longer).min(layout.file_bytes as f64 + count * each) + MAGIC,
            provenance,
            source: format!("{} windows of rows, and the search for the first row of each", shape.count),
        };
    }
    if passes(plan) {
        return pass_bytes(layout, plan, from);
    }
    let skipped = first.saturating_sub(from.row) as f64 * layout.row_bytes;
    let (lead, share) = match layout.packing {
        Packing::Plain => (skipped, 1.0),
        // Everything before the page is unpacked again; how much of the file that is, its size may say.
        _ => {
            let share =
                layout.unpacked_hint.map_or(0.3, |hint| layout.file_bytes as f64 / hint.max(1) as f64);
            (layout.written.data_start as f64 + skipped, share.min(1.0))
        }
    };
    if layout.packing == Packing::Plain {
        let block = reach::look_bytes(layout, plan.bounds.rows.unwrap_or(0)) as f64;
        let blocks = ((lead + wanted) / block).ceil().max(1.0);
        return Range {
            lo: (wanted * 0.5).min(layout.file_bytes as f64 * 0.5),
            mid: blocks * block + MAGIC,
            hi: (2.0 * blocks) * block + MAGIC,
            provenance,
            source: "rows × bytes of an ordinary row, in whole blocks".to_owned(),
        };
    }
    Range {
        lo: (wanted * 0.5 * share).min(layout.file_bytes as f64 * 0.5),
        mid: (lead + wanted) * share + BLOCK,
        hi: (2.0 * lead + 4.0 * wanted) * share + 4.0 * BLOCK,
        provenance,
        source: "rows × bytes of an ordinary row, in blocks of 64 KiB".to_owned(),
    }
}

fn pass_bytes(layout: &Layout, plan: &ReadPlan, from: Checkpoint) -> Range {
    let (all, source) = match layout.packing {
        Packing::Plain => {
            let end = layout.written.data_end.unwrap_or(layout.file_bytes).min(layout.file_bytes);
            (end.saturating_sub(from.place) as f64, "size of the file, from the first row on")
        }
        _ => (layout.file_bytes as f64, "size of the file, as it is packed"),
    };
    // A filter with a limit may have found enough after the first block.
    let stops_early = plan.bounds.rows.is_some() && plan.spec.sample.is_none();
    Range {
        lo: if stops_early { all.min(BLOCK) } else { all },
        mid: all,
        hi: all + MAGIC,
        provenance: Provenance::Exact,
        source: source.to_owned(),
    }
}

fn assumptions(layout: &Layout, plan: &ReadPlan) -> Vec<String> {
    let mut assumptions = Vec::new();
    if layout.packing != Packing::Plain {
        assumptions
            .push("a packed file is read from its beginning: there is no way into its middle".to_owned());
        match layout.unpacked_hint {
            Some(_) => assumptions.push("its unpacked size is what the file itself says".to_owned()),
            None => assumptions.push("it does not say how large it is unpacked".to_owned()),
        }
    }
    if plan.spec.filter.is_some() {
        assumptions.push("a filter may have to read to the end of the file".to_owned());
    }
    assumptions
}

#[cfg(test)]
#[path = "estimate/tests.rs"]
mod tests;
