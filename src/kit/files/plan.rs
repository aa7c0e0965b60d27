//! How a read of a table in a file is done: which one step, from which row, with which choices made.

use super::commands::id;
use super::connector::PUSHDOWN;
use super::outline::{Table, Windows};
use crate::model::ability::{Pushdown, Support};
use crate::model::filter::Filter;
use crate::model::read::{
    Bound, Continuation, ProfileLevel, ReadPlan, ReadSpec, Sample, SampleMethod, SampleSize, Step, StepKind,
    Want,
};
use crate::model::schema::Schema;
use crate::model::units::count_text;
use crate::model::{Error, ErrorKind, Result};

/// Plans a read of a table that is shown under this name. Sends nothing.
pub(super) fn plan(what: &str, name: &str, table: &Table, spec: ReadSpec) -> Result<ReadPlan> {
    if spec.query.is_some() {
        return Err(Error::new(ErrorKind::Unsupported, "plan", format!("a {what} has no query language"))
            .hint("use a filter, columns and an order instead"));
    }
    check_columns(table, &spec)?;
    let mut spec = spec.with_profile_defaults();
    if let Some(sample) = spec.sample {
        let method = resolve(sample.method, table)?;
        spec.sample = Some(Sample { method, ..sample });
        let rows = rows_of(sample.size, table);
        spec.bound = spec.bound.tightest(Bound { rows, ..Bound::default() });
        // A sample is drawn of the whole table.
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
        schema: Some(schema(table, &spec)),
        gate: None,
        method,
        remarks: remarks(table, &spec),
        spec,
    })
}

/// The row that a read starts with.
pub(super) fn first_row(spec: &ReadSpec) -> Result<u64> {
    match (&spec.continuation, spec.sample) {
        (_, Some(_)) | (None, _) => Ok(0),
        (Some(Continuation::Row(row)), None) => Ok(*row),
        (Some(_), None) => Err(Error::new(ErrorKind::Invalid, "plan", "a page of a file starts at a row")
            .hint("go on with the continuation that the page before gave")),
    }
}

/// Positions of the columns that the worker decodes, and how many of the first of them are given out.
pub(super) fn columns(table: &Table, plan: &ReadPlan) -> (Vec<usize>, usize) {
    let mut columns: Vec<usize> = match chosen(plan.pushdown, &plan.spec) {
        Some(names) => names.iter().filter_map(|name| table.schema.index_of(name)).collect(),
        None => (0..table.schema.fields.len()).collect(),
    };
    let given = columns.len();
    let filtered = plan.spec.filter.as_ref().map(Filter::columns).unwrap_or_default();
    for column in filtered.into_iter().filter_map(|name| table.schema.index_of(name)) {
        if !columns.contains(&column) {
            columns.push(column);
        }
    }
    (columns, given)
}

fn chosen(pushdown: Pushdown, spec: &ReadSpec) -> Option<&Vec<String>> {
    spec.columns.as_ref().filter(|_| pushdown.projection == Support::Exact)
}

fn check_columns(table: &Table, spec: &ReadSpec) -> Result<()> {
    let chosen = spec.columns.iter().flatten().map(String::as_str);
    let filtered = spec.filter.as_ref().map(Filter::columns).unwrap_or_default();
    let ordered = spec.order.iter().map(|by| by.column.as_str());
    let mut all = chosen.chain(filtered).chain(ordered);
    match all.find(|name| table.schema.index_of(name).is_none()) {
        None => Ok(()),
        Some(name) => Err(Error::new(ErrorKind::Invalid, "plan", format!("there is no column {name:?}"))
            .hint("see `describe` for the columns, names are case-sensitive")),
    }
}

fn resolve(method: SampleMethod, table: &Table) -> Result<SampleMethod> {
    let has_windows = match table.windows {
        Windows::None => false,
        Windows::ByByte => true,
        Windows::ByRow => table.rows.as_ref().is_some_and(|rows| rows.known().is_some()),
    };
    match method {
        SampleMethod::Auto if has_windows => Ok(SampleMethod::Block),
        // Nothing but a pass reaches the middle.
        SampleMethod::Auto => Ok(SampleMethod::Row),
        SampleMethod::Block if !has_windows => Err(Error::new(
            ErrorKind::Unsupported,
            "plan",
            "this file can't be read from its middle, so there are no blocks to sample",
        )
        .hint("take a sample by row")),
        SampleMethod::Keyset => {
            Err(Error::new(ErrorKind::Unsupported, "plan", "a file has no key to sample by")
                .hint("take a sample by block or by row"))
        }
        other => Ok(other),
    }
}

fn rows_of(size: SampleSize, table: &Table) -> Option<u64> {
    match size {
        SampleSize::Rows(rows) => Some(rows),
        SampleSize::Percent(percent) => {
            let rows = table.rows.as_ref()?.mid;
            // A fifth more than expected, since both the number of rows and the draw are uncertain.
            Some((rows * percent.clamp(0.0, 100.0) / 100.0 * 1.2).ceil() as u64 + 1)
        }
    }
}

/// The one step of a read, and how rows are chosen, in words.
fn step(name: &str, spec: &ReadSpec, first_row: u64) -> (Step, String) {
    let row = first_row + 1;
    let rows = spec.bound.rows.map(|rows| format!("{} rows", count_text(rows)));
    let some = rows.clone().unwrap_or_else(|| "rows".to_owned());
    let (entry, text, method) = match (spec.want, spec.sample, &spec.filter, rows) {
        (Want::Profile(ProfileLevel::Catalog), ..) => (
            id::CATALOG,
            format!("take the profile of {name} from its headers"),
            "what the file itself states".to_owned(),
        ),
        (_, Some(Sample { method: SampleMethod::Block, size }), ..) => (
            id::SAMPLE_WINDOWS,
            format!("read {some} of {name} in windows spread over it"),
            format!("{} in windows at random places, neighbours together", size_text(size)),
        ),
        (_, Some(Sample { method: method @ (SampleMethod::Row | SampleMethod::Random), size }), ..) => {
            let order =
                if method == SampleMethod::Random { "in random order" } else { "in the file's order" };
            (
                id::SAMPLE_PASS,
                format!("read {name} to its end and keep {some}"),
                format!("{}, each row with the same chance, {order}", size_text(size)),
            )
        }
        (_, _, Some(filter), rows) => (
            id::PASS,
            format!("read {name} from row {row} to its end for {some} where {filter}"),
            format!("{} for which the filter holds, in the file's order", first_of(rows)),
        ),
        (_, _, None, Some(rows)) => (
            id::ROWS,
            format!("read {rows} of {name} from row {row}"),
            if first_row == 0 { format!("first {rows}") } else { format!("{rows} from row {row} on") },
        ),
        (_, _, None, None) => (
            id::PASS,
            format!("read {name} from row {row} to its end"),
            if first_row == 0 { "all rows".to_owned() } else { format!("all rows from row {row} on") },
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

fn schema(table: &Table, spec: &ReadSpec) -> Schema {
    match &spec.columns {
        None => table.schema.clone(),
        Some(chosen) => {
            let field = |name: &String| {
                table.schema.index_of(name).and_then(|index| table.schema.fields.get(index)).cloned()
            };
            Schema::new(chosen.iter().filter_map(field).collect())
        }
    }
}

fn remarks(table: &Table, spec: &ReadSpec) -> Vec<String> {
    let mut remarks = table.notes.clone();
    if spec.sample.is_some_and(|sample| sample.method == SampleMethod::Head) {
        remarks.push("the first rows are not representative".to_owned());
    }
    if !spec.order.is_empty() {
        remarks.push("ordered in the fetched rows: a file has no order but its own".to_owned());
    }
    remarks
}
