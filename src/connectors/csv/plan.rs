//! How a read of a file is done: which one step, from which row, with which choices made.

use super::commands;
use super::layout::Layout;
use super::open::Packing;
use crate::model::ability::{Pushdown, Support};
use crate::model::filter::Filter;
use crate::model::read::{
    Bound, Continuation, ProfileLevel, ReadPlan, ReadSpec, Sample, SampleMethod, SampleSize, Step, StepKind,
    Want,
};
use crate::model::schema::Schema;
use crate::model::units::count_text;
use crate::model::{Error, ErrorKind, Result};

/// Rows of a profile of the first rows, unless the spec says otherwise.
const PROFILE_HEAD_ROWS: u64 = 10_000;
/// Rows of a profile of a sample, unless the spec says otherwise.
const PROFILE_SAMPLE_ROWS: u64 = 10_000;

/// What a source does itself: everything but ordering.
pub(super) const PUSHDOWN: Pushdown = Pushdown { order: Support::None, ..Pushdown::FULL };

/// Plans a read. Sends nothing.
pub(super) fn plan(
    name: &str,
    layout: &Layout,
    rows_about: Option<f64>,
    mut spec: ReadSpec,
) -> Result<ReadPlan> {
    if spec.query.is_some() {
        return Err(Error::new(ErrorKind::Unsupported, "plan", "a delimited file has no query language")
            .hint("use a filter, columns and an order instead"));
    }
    check_columns(layout, &spec)?;
    set_level(&mut spec)?;
    first_row(&spec)?;
    if let Some(sample) = spec.sample {
        let method = resolve(sample.method, layout)?;
        spec.sample = Some(Sample { method, ..sample });
        spec.bound =
            spec.bound.tightest(Bound { rows: rows_of(sample.size, rows_about), ..Bound::default() });
        // A sample is drawn of the whole file.
        spec.continuation = None;
    }
    let mut pushdown = PUSHDOWN;
    if spec.want != Want::Rows {
        // A profile has no order and starts with the first row.
        spec.order.clear();
        spec.continuation = None;
    }
    if !spec.order.is_empty() {
        // The column to order by must be in the rows that come.
        pushdown.projection = Support::None;
    }
    let first_row = first_row(&spec)?;
    let (step, method) = step(name, &spec, first_row);
    Ok(ReadPlan {
        steps: vec![step],
        bounds: spec.bound,
        pushdown,
        schema: Some(schema(layout, &spec)),
        gate: None,
        method,
        remarks: remarks(layout, &spec, first_row),
        spec,
    })
}

/// The row that a read starts with.
pub(super) fn first_row(spec: &ReadSpec) -> Result<u64> {
    match (&spec.continuation, spec.sample) {
        (_, Some(_)) | (None, _) => Ok(0),
        (Some(Continuation::Row(row)), None) => Ok(*row),
        (Some(_), None) => {
            Err(Error::new(ErrorKind::Invalid, "plan", "a page of a delimited file starts at a row")
                .hint("go on with the continuation that the page before gave"))
        }
    }
}

/// Positions of the columns that the worker shall give; all of them if none.
pub(super) fn columns(layout: &Layout, plan: &ReadPlan) -> Option<Vec<usize>> {
    let chosen = plan.spec.columns.as_ref().filter(|_| plan.pushdown.projection == Support::Exact)?;
    Some(chosen.iter().filter_map(|name| position(layout, name)).collect())
}

fn position(layout: &Layout, name: &str) -> Option<usize> {
    layout.written.names.iter().position(|known| known == name)
}

fn check_columns(layout: &Layout, spec: &ReadSpec) -> Result<()> {
    let chosen = spec.columns.iter().flatten().map(String::as_str);
    let filtered = spec.filter.as_ref().map(Filter::columns).unwrap_or_default();
    let ordered = spec.order.iter().map(|by| by.column.as_str());
    let mut all = chosen.chain(filtered).chain(ordered);
    match all.find(|name| position(layout, name).is_none()) {
        None => Ok(()),
        Some(name) => Err(Error::new(ErrorKind::Invalid, "plan", format!("there is no column {name:?}"))
            .hint("see `describe` for the columns, names are case-sensitive")),
    }
}

fn set_level(spec: &mut ReadSpec) -> Result<()> {
    match spec.want {
        Want::Rows | Want::Profile(ProfileLevel::Scan) => {}
        Want::Profile(ProfileLevel::Catalog) => {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "plan",
                "a delimited file has no catalogue to profile from",
            )
            .hint("take the profile of the first rows or of a sample"));
        }
        Want::Profile(ProfileLevel::Head) => {
            spec.bound.rows = spec.bound.rows.or(Some(PROFILE_HEAD_ROWS));
        }
        Want::Profile(ProfileLevel::Sample) => {
            let size = SampleSize::Rows(PROFILE_SAMPLE_ROWS);
            spec.sample = spec.sample.or(Some(Sample { size, method: SampleMethod::Auto }));
        }
    }
    Ok(())
}

fn resolve(method: SampleMethod, layout: &Layout) -> Result<SampleMethod> {
    let is_plain = layout.packing == Packing::Plain;
    match method {
        SampleMethod::Auto if is_plain => Ok(SampleMethod::Block),
        // Nothing but a pass reaches the middle of a packed file.
        SampleMethod::Auto => Ok(SampleMethod::Row),
        SampleMethod::Block if !is_plain => Err(Error::new(
            ErrorKind::Unsupported,
            "plan",
            "a packed file can't be read from its middle, so there are no blocks to sample",
        )
        .hint("take a sample by row, or unpack the file")),
        SampleMethod::Keyset => {
            Err(Error::new(ErrorKind::Unsupported, "plan", "a delimited file has no key to sample by")
                .hint("take a sample by block or by row"))
        }
        other => Ok(other),
    }
}

fn rows_of(size: SampleSize, rows_about: Option<f64>) -> Option<u64> {
    match size {
        SampleSize::Rows(rows) => Some(rows),
        SampleSize::Percent(percent) => {
            // A fifth more than expected, since both the number of rows and the draw are uncertain.
            rows_about.map(|rows| (rows * percent.clamp(0.0, 100.0) / 100.0 * 1.2).ceil() as u64 + 1)
        }
    }
}

/// The one step of a read, and how rows are chosen, in words.
fn step(name: &str, spec: &ReadSpec, first_row: u64) -> (Step, String) {
    let row = first_row + 1;
    let rows = spec.bound.rows.map(|rows| format!("{} rows", count_text(rows)));
    let some = rows.clone().unwrap_or_else(|| "rows".to_owned());
    let (entry, text, method) = match (spec.sample, &spec.filter, rows) {
        (Some(Sample { method: SampleMethod::Block, size }), ..) => (
            commands::SAMPLE_WINDOWS,
            format!("read {some} of {name} in windows spread over it"),
            format!("{} in windows at random places, neighbours together", size_text(size)),
        ),
        (Some(Sample { method: method @ (SampleMethod::Row | SampleMethod::Random), size }), ..) => {
            let order =
                if method == SampleMethod::Random { "in random order" } else { "in the file's order" };
            (
                commands::SAMPLE_PASS,
                format!("read {name} to its end and keep {some}"),
                format!("{}, each row with the same chance, {order}", size_text(size)),
            )
        }
        (_, Some(filter), rows) => (
            commands::PASS,
            format!("read {name} from row {row} to its end for {some} where {filter}"),
            format!("{} for which the filter holds, in the file's order", first_of(rows)),
        ),
        (_, None, Some(rows)) => (
            commands::ROWS,
            format!("read {rows} of {name} from row {row}"),
            if first_row == 0 {
                format!("first {rows} of the file")
            } else {
                format!("{rows} from row {row} on")
            },
        ),
        (_, None, None) => (
            commands::PASS,
            format!("read {name} from row {row} to its end"),
            if first_row == 0 {
                "all rows of the file".to_owned()
            } else {
                format!("all rows from row {row} on")
            },
        ),
    };
    (Step { entry, text, binds: Vec::new(), kind: StepKind::File }, method)
}

fn first_of(rows: Option<String>) -> String {
    rows.map_or_else(|| "all rows".to_owned(), |rows| format!("first {rows}"))
}

fn size_text(size: SampleSize) -> String {
    match size {
        SampleSize::Rows(rows) => format!("{} rows", count_text(rows)),
        SampleSize::Percent(percent) => format!("{percent} % of the rows"),
    }
}

fn schema(layout: &Layout, spec: &ReadSpec) -> Schema {
    let all = layout.schema();
    match &spec.columns {
        None => all,
        Some(chosen) => {
            let field = |name: &String| all.index_of(name).and_then(|index| all.fields.get(index)).cloned();
            Schema::new(chosen.iter().filter_map(field).collect())
        }
    }
}

fn remarks(layout: &Layout, spec: &ReadSpec, first_row: u64) -> Vec<String> {
    let mut remarks = Vec::new();
    if layout.file_bytes == 0 {
        remarks.push("the file is empty".to_owned());
    }
    if spec.sample.is_some_and(|sample| sample.method == SampleMethod::Head) {
        remarks.push("the first rows are not representative".to_owned());
    }
    if !spec.order.is_empty() {
        remarks.push("ordered in the fetched rows: a file has no order but its own".to_owned());
    }
    if layout.packing != Packing::Plain && first_row > 0 {
        remarks.push("packed: everything before the page is unpacked again".to_owned());
    }
    if layout.written.confidence < 0.6 && layout.written.names.len() > 1 {
        remarks.push(format!(
            "the delimiter {} is not beyond doubt; it can be set in the connection",
            layout.written.dialect.delimiter
        ));
    }
    remarks
}
