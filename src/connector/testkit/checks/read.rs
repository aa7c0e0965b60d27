//! Rows: bounds, pages, values, filters, samples, profiles.

use async_trait::async_trait;

use super::super::bench::{Bench, Check, Live, alike, ensure, same_rows};
use crate::job::sink::Collected;
use crate::job::{BatchSink, Flow};
use crate::model::ability::Support;
use crate::model::batch::Batch;
use crate::model::cell::Cell;
use crate::model::filter::Filter;
use crate::model::load::Dim;
use crate::model::lost::Findings;
use crate::model::read::{
    Bound, Direction, OrderBy, ProfileLevel, ReadEnd, ReadSpec, Sample, SampleMethod, SampleSize,
};
use crate::model::{ErrorKind, Result as ModelResult};

/// By how much a source may overshoot a byte bound: one batch or block.
const BYTES_SLACK: f64 = (2 << 20) as f64;

/// Counts rows and never says enough: what a source gives when nobody stops it.
#[derive(Default)]
struct Greedy {
    rows: u64,
}

#[async_trait]
impl BatchSink for Greedy {
    async fn batch(&mut self, batch: Batch) -> ModelResult<Flow> {
        self.rows += batch.row_count() as u64;
        Ok(Flow::More)
    }

    fn findings(&mut self, _findings: Findings) {}
}

/// All rows of `readable`, and how they came.
async fn everything(bench: &Bench, live: &Live) -> Result<Vec<Vec<Cell>>, String> {
    let answer = live.read(bench.all()).await.map_err(|error| error.to_string())?;
    let end = answer.end()?;
    ensure!(end == ReadEnd::Complete, "a read of everything ends {end:?}");
    let rows = answer.rows();
    let expected = bench.subject.rows;
    ensure!(rows.len() as u64 == expected, "{} rows came of {expected}", rows.len());
    Ok(rows)
}

pub(super) async fn row_bounds(bench: &Bench) -> Check {
    let live = bench.connect().await?;
    let all = everything(bench, &live).await?;
    for bound in [1, 7, bench.subject.rows - 1] {
        let spec = ReadSpec { bound: Bound::rows(bound), ..bench.all() };
        let answer = live.read(spec.clone()).await.map_err(|error| error.to_string())?;
        ensure!(
            answer.plan.bounds.rows.is_some_and(|rows| rows <= bound),
            "the plan forgets the bound of {bound}"
        );
        let end = answer.end()?;
        ensure!(end != ReadEnd::Complete, "a read bounded at {bound} says it is complete");
        ensure!(answer.report.continuation.is_some(), "a read bounded at {bound} can't be continued");
        let expected = all.get(..usize::try_from(bound).unwrap_or(usize::MAX)).unwrap_or_default();
        same_rows(&answer.rows(), expected).map_err(|why| format!("bound {bound}: {why}"))?;
        if live.source.abilities().pushdown.limit == Support::Exact {
            let (permit, ..) = live.permit(spec).await.map_err(|error| error.to_string())?;
            let mut greedy = Greedy::default();
            let read = live.source.read(&live.ctx(), permit, &mut greedy).await;
            read.map_err(|error| error.to_string())?;
            ensure!(greedy.rows <= bound, "the source gives {} rows for a bound of {bound}", greedy.rows);
        }
    }
    Ok(())
}

pub(super) async fn byte_bound(bench: &Bench) -> Check {
    let Some(big) = &bench.subject.big else { return Ok(()) };
    let live = bench.connect().await?;
    let bytes = 64 << 10;
    let bound = Bound { bytes: Some(bytes), ..Bound::default() };
    let spec = ReadSpec { bound, ..ReadSpec::preview(big.clone()) };
    let answer = live.read(spec).await.map_err(|error| error.to_string())?;
    match &answer.report.end {
        Ok(ReadEnd::Complete) => return Err("a read bounded in bytes says it is complete".to_owned()),
        Ok(_) => {}
        Err(error) => ensure!(error.kind == ErrorKind::Budget, "a read bounded in bytes: {error}"),
    }
    let actual = &answer.report.actual;
    let read =
        actual.value(Dim::BytesServer).into_iter().chain(actual.value(Dim::BytesWire)).fold(0.0, f64::max);
    ensure!(read > 0.0, "no bytes are counted");
    ensure!(read <= bytes as f64 + BYTES_SLACK, "{read} bytes were read for a bound of {bytes}");
    Ok(())
}

pub(super) async fn pages(bench: &Bench) -> Check {
    let live = bench.connect().await?;
    let all = everything(bench, &live).await?;
    let rows = bench.subject.rows;
    for size in [(rows / 20).max(3), (rows / 3).max(64)] {
        let mut got = Vec::new();
        let mut spec = ReadSpec { bound: Bound::rows(size), ..bench.all() };
        // The last page may be empty, and an upstream may give short pages.
        for _ in 0..=bench.subject.rows {
            let answer = live.read(spec.clone()).await.map_err(|error| error.to_string())?;
            let end = answer.end()?;
            got.extend(answer.rows());
            ensure!(got.len() <= all.len(), "pages of {size} give more rows than there are");
            match answer.report.continuation {
                Some(next) if end != ReadEnd::Complete => {
                    ensure!(
                        spec.continuation.as_ref() != Some(&next),
                        "page of {size} goes on where it began"
                    );
                    spec.continuation = Some(next);
                }
                _ => break,
            }
        }
        same_rows(&got, &all).map_err(|why| format!("pages of {size}: {why}"))?;
    }
    Ok(())
}

pub(super) async fn values(bench: &Bench) -> Check {
    let live = bench.connect().await?;
    ensure!(!bench.subject.known.is_empty(), "the subject knows no node in full");
    for known in &bench.subject.known {
        let spec = bench.all_of(&known.node, known.rows.len() as u64);
        let answer = live.read(spec).await.map_err(|error| format!("{}: {error}", known.node))?;
        answer.end()?;
        let Some(batch) = answer.got.batches.first() else {
            return Err(format!("{} has no rows", known.node));
        };
        let fields = &batch.schema.fields;
        for (index, (name, logical)) in known.columns.iter().enumerate() {
            let Some(field) = fields.get(index) else { return Err(format!("{} lacks {name}", known.node)) };
            ensure!(
                (&field.name, &field.logical) == (name, logical),
                "{}: column {index} is {:?} {:?}, expected {name:?} {logical:?}",
                known.node,
                field.name,
                field.logical
            );
        }
        ensure!(fields.len() == known.columns.len(), "{} has {} columns", known.node, fields.len());
        let rows = answer.rows();
        same_rows(&rows, &known.rows).map_err(|why| format!("{}: {why}", known.node))?;
    }
    Ok(())
}

pub(super) async fn reworked(bench: &Bench) -> Check {
    let live = bench.connect().await?;
    let all = everything(bench, &live).await?;
    let told = live.source.describe(&live.ctx(), &bench.subject.readable).await;
    let fields = told.map_err(|error| error.to_string())?.schema.fields;
    let Some(last) = fields.len().checked_sub(1) else { return Err("no columns".to_owned()) };
    let name = |column: usize| fields.get(column).map(|field| field.name.clone()).unwrap_or_default();
    let pick = |row: &[Cell], columns: &[usize]| {
        columns.iter().map(|column| row.get(*column).cloned().unwrap_or(Cell::Missing)).collect::<Vec<_>>()
    };

    let backwards = if last == 0 { vec![0] } else { vec![last, 0] };
    let columns = Some(backwards.iter().map(|column| name(*column)).collect());
    let answer = live.read(ReadSpec { columns, ..bench.all() }).await.map_err(|error| error.to_string())?;
    answer.end()?;
    let expected = all.iter().map(|row| pick(row, &backwards)).collect::<Vec<_>>();
    same_rows(&answer.rows(), &expected).map_err(|why| format!("columns: {why}"))?;

    for column in 0..fields.len() {
        let quoted = name(column).replace('"', "\"\"");
        for (test, absent) in [("IS NULL", true), ("IS NOT NULL", false)] {
            let filter = Filter::parse(&format!("\"{quoted}\" {test}")).map_err(|error| error.to_string())?;
            let spec = ReadSpec { filter: Some(filter), ..bench.all() };
            let answer = live.read(spec).await.map_err(|error| error.to_string())?;
            answer.end()?;
            let is_absent = |row: &Vec<Cell>| row.get(column).is_none_or(Cell::is_absent);
            let expected = all.iter().filter(|row| is_absent(row) == absent).cloned().collect::<Vec<_>>();
            same_rows(&answer.rows(), &expected).map_err(|why| format!("{} {test}: {why}", name(column)))?;
        }
        for direction in [Direction::Ascending, Direction::Descending] {
            let order = vec![OrderBy { column: name(column), direction }];
            let spec = ReadSpec { order, ..bench.all() };
            let answer = live.read(spec).await.map_err(|error| error.to_string())?;
            answer.end()?;
            let what = format!("{direction:?} by {}", name(column));
            let rows = answer.rows();
            ensure!(rows.len() == all.len(), "{what} gives {} rows of {}", rows.len(), all.len());
            in_order(&rows, column, direction).map_err(|why| format!("{what}: {why}"))?;
        }
    }
    Ok(())
}

/// Fails unless the whole numbers of a column stand in order.
fn in_order(rows: &[Vec<Cell>], column: usize, direction: Direction) -> Check {
    let numbers = rows.iter().filter_map(|row| match row.get(column) {
        Some(Cell::Int(value)) => Some(*value),
        _ => None,
    });
    let numbers = numbers.collect::<Vec<_>>();
    let wrong = numbers.windows(2).find(|pair| match direction {
        Direction::Ascending => pair[0] > pair[1],
        Direction::Descending => pair[0] < pair[1],
    });
    ensure!(wrong.is_none(), "{wrong:?} stand side by side");
    Ok(())
}

pub(super) async fn sampled(bench: &Bench) -> Check {
    let live = bench.connect().await?;
    let all = everything(bench, &live).await?;
    let methods = [
        SampleMethod::Auto,
        SampleMethod::Head,
        SampleMethod::Block,
        SampleMethod::Row,
        SampleMethod::Random,
        SampleMethod::Keyset,
    ];
    let mut taken = 0;
    for method in methods {
        let sample = Some(Sample { size: SampleSize::Rows(10), method });
        let answer = match live.read(ReadSpec { sample, seed: 42, ..bench.all() }).await {
            Ok(answer) => answer,
            Err(error) if error.kind == ErrorKind::Unsupported => {
                ensure!(
                    error.attempted.chars().count() >= 5,
                    "a sample by {} is refused without a word",
                    method.word()
                );
                continue;
            }
            Err(error) => return Err(format!("a sample by {}: {error}", method.word())),
        };
        answer.end()?;
        taken += 1;
        let rows = answer.rows();
        ensure!(!rows.is_empty(), "a sample by {} is empty", method.word());
        for row in &rows {
            let known = all
                .iter()
                .any(|other| row.len() == other.len() && row.iter().zip(other).all(|(a, b)| alike(a, b)));
            ensure!(known, "a sample by {} holds a row that is not in the node: {row:?}", method.word());
        }
    }
    ensure!(taken > 0, "no sample at all can be taken");
    Ok(())
}

pub(super) async fn profiles(bench: &Bench) -> Check {
    let live = bench.connect().await?;
    let total = bench.subject.rows;
    for level in ProfileLevel::ALL {
        let spec = ReadSpec::profile(bench.subject.readable.clone(), level);
        let (permit, ..) = match live.permit(spec).await {
            Ok(permitted) => permitted,
            Err(error) if error.kind == ErrorKind::Unsupported && level == ProfileLevel::Catalog => {
                let said = error.attempted.chars().count() >= 5 && error.hint.is_some();
                ensure!(said, "the profile at {} is refused without a word", level.word());
                let claimed = live.source.abilities().catalog_profile != Support::None;
                ensure!(!claimed, "the abilities claim a catalogue profile: {error}");
                continue;
            }
            Err(error) => return Err(format!("a profile at {}: {error}", level.word())),
        };
        let mut sink = Collected::default();
        let report = crate::connector::guard::run(&live.ctx(), &*live.source, permit, &mut sink).await;
        report.end.map_err(|error| format!("a profile at {}: {error}", level.word()))?;
        let seen = sink.state.as_ref().map_or(sink.row_count() as u64, |state| state.rows);
        ensure!(seen <= total, "the profile at {} saw {seen} rows of {total}", level.word());
        ensure!(level != ProfileLevel::Scan || seen == total, "the scan saw {seen} rows of {total}");
        ensure!(level == ProfileLevel::Catalog || seen > 0, "the profile at {} saw nothing", level.word());
        if let Some(profile) = &sink.catalog {
            ensure!(level == ProfileLevel::Catalog, "the profile at {} is the catalogue's", level.word());
            ensure!(!profile.columns.is_empty(), "the catalogue's profile has no columns");
            ensure!(
                !profile.method.trim().is_empty(),
                "the catalogue's profile does not say what it rests on"
            );
        }
        if let Some(state) = &sink.state {
            let columns = state.schema.fields.len();
            ensure!(
                columns > 0 && columns == state.columns.len(),
                "{columns} columns, {} states",
                state.columns.len()
            );
            for (field, column) in state.schema.fields.iter().zip(&state.columns) {
                ensure!(
                    column.rows == state.rows,
                    "{:?} saw {} rows of {}",
                    field.name,
                    column.rows,
                    state.rows
                );
            }
        }
    }
    Ok(())
}
