//! Filter and order in the fetched rows: a list of row places over the buffer, rebuilt when rows come. Small
//! ones are built at once, large ones in the background while the old list stays.

use crate::gui::view_ctx::ViewCtx;
use crate::job::Remote;
use crate::job::buffer::Snapshot;
use crate::job::remote::Change;
use crate::model::cell::Cell;
use crate::model::filter::Filter;
use crate::model::order::SortKey;
use crate::model::read::Direction;
use crate::model::schema::LogicalType;
use crate::model::{Error, Result};

/// Above this many rows the list is built in the background.
const AT_ONCE_ROWS: u64 = 100_000;

/// What is shown of the fetched rows.
#[derive(Default)]
pub struct LocalView {
    filter: Option<Filter>,
    sort: Option<(usize, Direction)>,
    /// Counts changes of filter and sort.
    revision: u64,
    built: Option<Built>,
    /// Counts changes of what is shown.
    stamp: u64,
    built_of: Option<(u64, u64)>,
    building: Remote<Built>,
}

/// A finished list.
#[derive(Clone, Debug, Default)]
struct Built {
    rows: Vec<u64>,
    /// Rows that were pushed out of memory and could not be looked at.
    unseen: u64,
}

impl LocalView {
    /// The filter.
    pub fn filter(&self) -> Option<&Filter> {
        self.filter.as_ref()
    }

    /// The order.
    pub fn sort(&self) -> Option<(usize, Direction)> {
        self.sort
    }

    /// Whether the rows are shown otherwise than they came.
    pub fn is_active(&self) -> bool {
        self.filter.is_some() || self.sort.is_some()
    }

    /// Filters by this from now on.
    pub fn set_filter(&mut self, filter: Option<Filter>) {
        self.filter = filter;
        self.revision += 1;
    }

    /// Sorts by this from now on.
    pub fn set_sort(&mut self, sort: Option<(usize, Direction)>) {
        self.sort = sort;
        self.revision += 1;
    }

    /// The places of the shown rows; none = all rows as they came.
    pub fn index(&self) -> Option<&[u64]> {
        if self.is_active() { self.built.as_ref().map(|built| built.rows.as_slice()) } else { None }
    }

    /// Another number whenever other rows, or rows in another order, are shown.
    pub fn stamp(&self) -> u64 {
        self.stamp
    }

    /// Rows that could not be looked at because they were pushed out of memory.
    pub fn unseen(&self) -> u64 {
        if self.is_active() { self.built.as_ref().map_or(0, |built| built.unseen) } else { 0 }
    }

    /// Brings the list up to date.
    pub fn logic(&mut self, ctx: &ViewCtx<'_>, snapshot: &Snapshot) {
        if !self.is_active() {
            self.stamp += u64::from(self.built.is_some());
            self.built = None;
            self.built_of = None;
            self.building = Remote::NotAsked;
            return;
        }
        if self.building.poll() == Change::News {
            self.built = std::mem::take(&mut self.building).into_value();
            self.stamp += 1;
        }
        let wanted = Some((self.revision, snapshot.rows));
        if self.built_of == wanted || self.building.job().is_some() {
            return;
        }
        self.built_of = wanted;
        if snapshot.rows <= AT_ONCE_ROWS {
            self.built = Some(build(snapshot, self.filter.as_ref(), self.sort));
            self.stamp += 1;
            return;
        }
        let (snapshot, filter, sort) = (snapshot.clone(), self.filter.clone(), self.sort);
        self.building.ask(ctx.jobs.spawn_quietly(move |_| async move {
            tokio::task::spawn_blocking(move || build(&snapshot, filter.as_ref(), sort))
                .await
                .map_err(|error| Error::unexpected("filter", error)) as Result<Built>
        }));
    }
}

fn build(snapshot: &Snapshot, filter: Option<&Filter>, sort: Option<(usize, Direction)>) -> Built {
    let mut built = Built::default();
    let mut keys = Vec::new();
    for stretch in snapshot.stretches.iter() {
        let Some(batch) = &stretch.batch else {
            built.unseen += stretch.rows;
            continue;
        };
        for row in 0..batch.row_count() {
            let holds = filter.is_none_or(|filter| {
                let cell = |name: &str| {
                    batch.schema.index_of(name).map_or(Cell::Missing, |column| batch.cell(row, column))
                };
                filter.evaluate(&cell) == Some(true)
            });
            if !holds {
                continue;
            }
            let place = stretch.first_row + row as u64;
            match sort {
                Some((column, _)) => {
                    let logical = batch.schema.fields.get(column).map(|field| &field.logical);
                    let cell = batch.cell(row, column);
                    keys.push((SortKey::of(&cell, logical.unwrap_or(&LogicalType::Text)), place));
                }
                None => built.rows.push(place),
            }
        }
    }
    if let Some((_, direction)) = sort {
        keys.sort_by(|(a, _), (b, _)| a.order(b, direction));
        built.rows = keys.into_iter().map(|(_, place)| place).collect();
    }
    built
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use crate::job::{BatchSink as _, ResultBuffer};
    use crate::model::batch::{BatchBuilder, Origin};
    use crate::model::schema::{Field, Schema};

    #[tokio::test]
    async fn fetched_rows_are_filtered_and_sorted_with_absent_values_last() {
        let schema = Arc::new(Schema::new(vec![Field::new("n", LogicalType::INT64)]));
        let mut builder = BatchBuilder::new(schema);
        for cell in [Cell::Int(3), Cell::Null, Cell::Int(i64::MAX), Cell::Int(i64::MAX - 1), Cell::Int(-2)] {
            builder.push_row([cell]);
        }
        let mut buffer = ResultBuffer::new(1 << 20, std::task::Waker::noop().clone());
        buffer.begin_page(None);
        buffer.batch(builder.take(Origin::default()).unwrap()).await.unwrap();
        let snapshot = buffer.snapshot();
        let filter = Filter::parse("n > 0").unwrap();
        for (filter, sort, expected) in [
            (None, Some((0, Direction::Ascending)), vec![4, 0, 3, 2, 1]),
            (None, Some((0, Direction::Descending)), vec![2, 3, 0, 4, 1]),
            (Some(&filter), None, vec![0, 2, 3]),
            (Some(&filter), Some((0, Direction::Descending)), vec![2, 3, 0]),
        ] {
            assert_eq!(build(&snapshot, filter, sort).rows, expected);
        }
    }
}
