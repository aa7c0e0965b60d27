//! Rows that came, for the grid: append-only, read by cheap snapshots, with a byte cap. What the cap
//! pushes out keeps its place and the continuation it was read from, so that it can be read again as a
//! small read of its own.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use super::sink::{BatchSink, Flow};
use crate::model::Result;
use crate::model::batch::Batch;
use crate::model::cell::Cell;
use crate::model::lost::Findings;
use crate::model::read::Continuation;
use crate::model::schema::Schema;

/// One stretch of rows.
#[derive(Clone, Debug)]
pub struct Stretch {
    /// Row number of its first row in the buffer.
    pub first_row: u64,
    /// Rows.
    pub rows: u64,
    /// The rows, or none once pushed out.
    pub batch: Option<Arc<Batch>>,
    /// Index of the page it was read by.
    pub page: usize,
}

/// Everything at one moment. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Stretches in row order.
    pub stretches: Arc<Vec<Stretch>>,
    /// Continuation each page was read from; none = from the start.
    pub page_starts: Arc<Vec<Option<Continuation>>>,
    /// Columns, once known.
    pub schema: Option<Arc<Schema>>,
    /// Rows in all.
    pub rows: u64,
    /// What was lost so far.
    pub findings: Arc<Findings>,
}

/// A row that may have been pushed out.
#[derive(Clone, Debug, PartialEq)]
pub enum Held<T> {
    /// Here it is.
    Here(T),
    /// Pushed out; read this page again.
    PushedOut {
        /// Index into [`Snapshot::page_starts`].
        page: usize,
    },
    /// Never came.
    Absent,
}

impl Snapshot {
    /// The stretch that holds a row and the row's place in it.
    pub fn locate(&self, row: u64) -> Held<(&Arc<Batch>, usize)> {
        let index = self.stretches.partition_point(|stretch| stretch.first_row + stretch.rows <= row);
        match self.stretches.get(index) {
            Some(stretch) if stretch.first_row <= row => match &stretch.batch {
                Some(batch) => {
                    Held::Here((batch, usize::try_from(row - stretch.first_row).unwrap_or(usize::MAX)))
                }
                None => Held::PushedOut { page: stretch.page },
            },
            _ => Held::Absent,
        }
    }

    /// The exact value at a place.
    pub fn cell(&self, row: u64, column: usize) -> Held<Cell> {
        match self.locate(row) {
            Held::Here((batch, at)) => Held::Here(batch.cell(at, column)),
            Held::PushedOut { page } => Held::PushedOut { page },
            Held::Absent => Held::Absent,
        }
    }

    /// The batches that are here, in order.
    pub fn batches(&self) -> impl Iterator<Item = &Arc<Batch>> {
        self.stretches.iter().filter_map(|stretch| stretch.batch.as_ref())
    }
}

#[derive(Debug, Default)]
struct State {
    snapshot: Snapshot,
    bytes: usize,
    page: usize,
    refill: Option<(usize, u64)>,
}

/// The buffer. Clones share it.
#[derive(Clone, Debug)]
pub struct ResultBuffer {
    state: Arc<Mutex<State>>,
    cap_bytes: usize,
    wake: std::task::Waker,
}

impl ResultBuffer {
    /// Most bytes of rows kept at once in the window.
    pub const DEFAULT_CAP_BYTES: usize = 64 << 20;

    /// A buffer of this cap whose news wake `wake`.
    pub fn new(cap_bytes: usize, wake: std::task::Waker) -> Self {
        Self { state: Arc::default(), cap_bytes, wake }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything now.
    pub fn snapshot(&self) -> Snapshot {
        self.lock().snapshot.clone()
    }

    /// Starts a page that goes on at the end, read from `start`.
    pub fn begin_page(&self, start: Option<Continuation>) {
        let mut state = self.lock();
        let starts = Arc::make_mut(&mut state.snapshot.page_starts);
        starts.push(start);
        state.page = starts.len() - 1;
        state.refill = None;
    }

    /// Starts reading a pushed-out page again: its rows go back to their places.
    pub fn begin_refill(&self, page: usize) {
        let mut state = self.lock();
        let first = state
            .snapshot
            .stretches
            .iter()
            .find(|stretch| stretch.page == page)
            .map(|stretch| stretch.first_row);
        state.refill = first.map(|first| (page, first));
    }

    fn append(&self, batch: Batch) {
        let mut guard = self.lock();
        let state = &mut *guard;
        let rows = batch.row_count() as u64;
        if state.snapshot.schema.is_none() {
            state.snapshot.schema = Some(Arc::clone(&batch.schema));
        }
        state.bytes += batch.memory_bytes();
        if let Some((page, at)) = state.refill {
            state.refill = Some((page, at + rows));
            put_back(Arc::make_mut(&mut state.snapshot.stretches), batch, page, at);
        } else {
            let stretch = Stretch {
                first_row: state.snapshot.rows,
                rows,
                batch: Some(Arc::new(batch)),
                page: state.page,
            };
            state.snapshot.rows += rows;
            Arc::make_mut(&mut state.snapshot.stretches).push(stretch);
        }
        let keep = state.refill.map_or(state.page, |(page, _)| page);
        let excess = state.bytes.saturating_sub(self.cap_bytes);
        if excess > 0 {
            state.bytes -=
                push_out(Arc::make_mut(&mut state.snapshot.stretches).as_mut_slice(), excess, keep);
        }
        drop(guard);
        self.wake.wake_by_ref();
    }
}

/// Puts re-read rows into the empty places of their page, replacing its stretches by one per batch.
fn put_back(stretches: &mut Vec<Stretch>, batch: Batch, page: usize, at: u64) {
    let room = stretches
        .iter()
        .filter(|stretch| stretch.page == page && stretch.batch.is_none())
        .map(|stretch| (stretch.first_row, stretch.first_row + stretch.rows))
        .reduce(|(first, _), (_, end)| (first, end));
    let Some((_, end)) = room else { return };
    let rows = (batch.row_count() as u64).min(end.saturating_sub(at));
    if rows == 0 {
        return;
    }
    stretches.retain(|stretch| stretch.page != page || stretch.batch.is_some());
    let filled = Stretch {
        first_row: at,
        rows,
        batch: Some(Arc::new(batch.head(usize::try_from(rows).unwrap_or(usize::MAX)))),
        page,
    };
    stretches.push(filled);
    if at + rows < end {
        stretches.push(Stretch { first_row: at + rows, rows: end - at - rows, batch: None, page });
    }
    stretches.sort_by_key(|stretch| stretch.first_row);
}

/// Pushes out whole pages, oldest first, until `excess` bytes are free; never the page `keep`.
fn push_out(stretches: &mut [Stretch], excess: usize, keep: usize) -> usize {
    let mut freed = 0;
    let mut victim = None;
    for stretch in stretches.iter_mut() {
        if stretch.page == keep || (freed >= excess && victim != Some(stretch.page)) {
            continue;
        }
        if let Some(batch) = stretch.batch.take() {
            freed += batch.memory_bytes();
            victim = Some(stretch.page);
        }
    }
    freed
}

#[async_trait]
impl BatchSink for ResultBuffer {
    async fn batch(&mut self, batch: Batch) -> Result<Flow> {
        self.append(batch);
        Ok(Flow::More)
    }

    fn findings(&mut self, findings: Findings) {
        let mut state = self.lock();
        Arc::make_mut(&mut state.snapshot.findings).merge(findings);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::batch::{BatchBuilder, Origin};
    use crate::model::schema::{Field, LogicalType};

    fn batch(values: std::ops::Range<i64>) -> Batch {
        let schema = Arc::new(Schema::new(vec![Field::new("n", LogicalType::INT64)]));
        let mut builder = BatchBuilder::new(schema);
        values.for_each(|value| builder.push_row([Cell::Int(value)]));
        builder.take(Origin::default()).unwrap()
    }

    fn page(buffer: &ResultBuffer, start: u64) {
        buffer.begin_page((start > 0).then_some(Continuation::Row(start)));
        let start = start.cast_signed();
        buffer.append(batch(start..start + 5));
        buffer.append(batch(start + 5..start + 10));
    }

    #[test]
    fn rows_pushed_out_keep_their_place_and_come_back() {
        let cap = batch(0..5).memory_bytes() * 4;
        let buffer = ResultBuffer::new(cap, std::task::Waker::noop().clone());
        for start in [0, 10, 20] {
            page(&buffer, start);
        }
        let snapshot = buffer.snapshot();
        assert_eq!(snapshot.rows, 30);
        assert_eq!(snapshot.cell(3, 0), Held::PushedOut { page: 0 });
        assert_eq!(snapshot.cell(27, 0), Held::Here(Cell::Int(27)));
        assert_eq!(snapshot.cell(30, 0), Held::Absent);
        assert_eq!(snapshot.page_starts[1], Some(Continuation::Row(10)));

        buffer.begin_refill(0);
        buffer.append(batch(0..3));
        buffer.append(batch(3..10));
        let snapshot = buffer.snapshot();
        for row in 0..10 {
            assert_eq!(snapshot.cell(row, 0), Held::Here(Cell::Int(row.cast_signed())), "row {row}");
        }
        assert_eq!(snapshot.rows, 30);
        assert!(matches!(snapshot.cell(12, 0), Held::PushedOut { page: 1 }));
    }
}
