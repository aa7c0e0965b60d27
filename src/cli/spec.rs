//! From options to a read: parsed once into types, with errors that name the option.

use super::args::{Level, Method, ReadArgs};
use crate::connector::guard::Override;
use crate::model::filter::Filter;
use crate::model::node::NodePath;
use crate::model::read::{
    Bound, Direction, OrderBy, ProfileLevel, ReadSpec, Sample, SampleMethod, SampleSize, Want,
};
use crate::model::{Error, ErrorKind, Result};

fn invalid(option: &str, why: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Invalid, "usage", format!("{option}: {why}"))
}

impl From<Level> for ProfileLevel {
    fn from(level: Level) -> Self {
        match level {
            Level::Catalog => Self::Catalog,
            Level::Head => Self::Head,
            Level::Sample => Self::Sample,
            Level::Scan => Self::Scan,
        }
    }
}

impl From<Method> for SampleMethod {
    fn from(method: Method) -> Self {
        match method {
            Method::Auto => Self::Auto,
            Method::Head => Self::Head,
            Method::Block => Self::Block,
            Method::Row => Self::Row,
            Method::Random => Self::Random,
            Method::Keyset => Self::Keyset,
        }
    }
}

/// The node named, or the source itself.
pub fn node_of(text: Option<&str>) -> NodePath {
    text.map_or_else(NodePath::root, NodePath::parse)
}

/// The read that the options ask for. `default_rows` is the limit when none is given.
pub fn read_spec(args: &ReadArgs, want: Want, default_rows: Option<u64>) -> Result<ReadSpec> {
    let sample = args.sample.as_deref().map(|text| sample_of(text, args.method.into())).transpose()?;
    let rows = match (args.limit.as_deref(), &sample) {
        (Some("all"), _) => None,
        (Some(text), _) => Some(text.parse::<u64>().map_err(|error| {
            invalid("--limit", format!("{text:?} is neither a number nor all ({error})"))
        })?),
        (None, Some(_)) => None,
        (None, None) => default_rows,
    };
    let budget = args.budget.as_deref().map_or(Ok(Bound::default()), bound_of)?;
    Ok(ReadSpec {
        node: node_of(args.at.node.as_deref()),
        want,
        columns: args.columns.as_deref().map(columns_of).transpose()?,
        filter: args.condition.as_deref().map(Filter::parse).transpose()?,
        order: args.order.as_deref().map_or_else(|| Ok(Vec::new()), order_of)?,
        sample,
        query: args.query.clone(),
        bound: budget.tightest(Bound { rows, ..Bound::default() }),
        seed: args.seed,
        continuation: None,
    })
}

/// The override that the options give.
pub fn override_of(args: &ReadArgs) -> Option<Override> {
    args.approve
        .as_ref()
        .map(|reason| Override { reason: reason.clone(), node_name: args.approve_node.clone() })
}

fn columns_of(text: &str) -> Result<Vec<String>> {
    let columns = text.split(',').map(|name| name.trim().to_owned()).collect::<Vec<_>>();
    if columns.iter().any(String::is_empty) {
        Err(invalid("--columns", "a name is empty"))
    } else {
        Ok(columns)
    }
}

fn order_of(text: &str) -> Result<Vec<OrderBy>> {
    text.split(',')
        .map(|part| {
            let (column, direction) = match part.trim().rsplit_once(':') {
                Some((column, "desc")) => (column, Direction::Descending),
                Some((column, "asc")) => (column, Direction::Ascending),
                _ => (part.trim(), Direction::Ascending),
            };
            if column.is_empty() {
                Err(invalid("--order", "a column is empty"))
            } else {
                Ok(OrderBy { column: column.to_owned(), direction })
            }
        })
        .collect()
}

fn sample_of(text: &str, method: SampleMethod) -> Result<Sample> {
    let size = match text.strip_suffix('%') {
        Some(percent) => percent
            .parse::<f64>()
            .ok()
            .filter(|percent| *percent > 0.0 && *percent <= 100.0)
            .map(SampleSize::Percent),
        None => text.parse::<u64>().ok().filter(|rows| *rows > 0).map(SampleSize::Rows),
    };
    size.map(|size| Sample { size, method }).ok_or_else(|| {
        invalid("--sample", format!("{text:?} is neither a number of rows nor a percentage up to 100%"))
    })
}

/// `rows=…,bytes=…,seconds=…,requests=…`.
pub fn bound_of(text: &str) -> Result<Bound> {
    let mut bound = Bound::default();
    for part in text.split(',').filter(|part| !part.trim().is_empty()) {
        let (key, value) = part
            .trim()
            .split_once('=')
            .ok_or_else(|| invalid("--budget", format!("{part:?} is not key=value")))?;
        let number = value.trim().parse::<f64>().ok().filter(|number| *number >= 0.0 && number.is_finite());
        let number = number.ok_or_else(|| invalid("--budget", format!("{value:?} is not a number")))?;
        match key.trim() {
            "rows" => bound.rows = Some(number as u64),
            "bytes" => bound.bytes = Some(number as u64),
            "seconds" => bound.seconds = Some(number),
            "requests" => bound.requests = Some(number as u64),
            other => {
                return Err(invalid(
                    "--budget",
                    format!("{other:?} is none of rows, bytes, seconds, requests"),
                ));
            }
        }
    }
    Ok(bound)
}
