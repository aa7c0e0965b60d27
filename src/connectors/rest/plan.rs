//! How a read is done: which requests, for pages of which size, with which choices made.

use url::Url;

use super::commands;
use super::learned::Learned;
use super::options::Resource;
use super::paging::{At, Paging, Place};
use crate::kit::http::{Method, shown};
use crate::model::ability::{Pushdown, Support};
use crate::model::filter::Filter;
use crate::model::read::{
    Continuation, ProfileLevel, ReadPlan, ReadSpec, Sample, SampleMethod, SampleSize, Step, StepKind, Want,
};
use crate::model::units::count_text;
use crate::model::{Error, ErrorKind, Result};

/// Rows of a profile of the first rows, unless the spec says otherwise.
const PROFILE_ROWS: u64 = 1_000;
/// Pages that a plan lists one by one.
const MOST_LISTED: u64 = 10;

/// What a server is asked to do: give pages. All else is done in the fetched rows.
pub(super) const PUSHDOWN: Pushdown = Pushdown {
    projection: Support::None,
    filter: Support::None,
    order: Support::None,
    limit: Support::Inexact,
    sample: Support::None,
};

fn unsupported(what: &str, hint: &str) -> Error {
    Error::new(ErrorKind::Unsupported, "plan", what).hint(hint)
}

/// Refuses a query text.
pub(super) fn no_query(spec: &ReadSpec) -> Result<()> {
    match spec.query {
        Some(_) => {
            Err(unsupported("an API has no query language", "write the query into the path of a resource"))
        }
        None => Ok(()),
    }
}

/// Plans a read of a resource. Sends nothing.
pub(super) fn plan(
    resource: &Resource,
    learned: &Learned,
    page_rows: u64,
    mut spec: ReadSpec,
) -> Result<ReadPlan> {
    check_columns(learned, &spec)?;
    settle(&mut spec, learned)?;
    let place = match &spec.continuation {
        None => learned
            .paging
            .as_ref()
            .map(|paging| paging.start(page_size(spec.bound.rows, spec.bound.bytes, learned, page_rows))),
        Some(going_on) => Some(place_of(going_on)?),
    };
    let steps = steps(resource, learned, &spec, place.as_ref());
    if let Some(place) = &place {
        // The read asks for just these pages, whatever other reads teach meanwhile.
        spec.continuation = Some(token(place)?);
    }
    let from = place.as_ref().map_or(0, |place| place.before.saturating_add(place.skip));
    let method = if from == 0 {
        format!("{some} in the server's own order", some = first_of(spec.bound.rows))
    } else {
        let some = spec
            .bound
            .rows
            .map_or_else(|| "all rows".to_owned(), |rows| format!("{} rows", count_text(rows)));
        format!("{some} from row {} on, in the server's own order", from.saturating_add(1))
    };
    Ok(ReadPlan {
        steps,
        bounds: spec.bound,
        pushdown: PUSHDOWN,
        schema: (!learned.columns.is_empty()).then(|| learned.schema()),
        gate: None,
        method,
        remarks: remarks(learned, &spec),
        spec,
    })
}

fn first_of(rows: Option<u64>) -> String {
    rows.map_or_else(|| "all rows".to_owned(), |rows| format!("first {} rows", count_text(rows)))
}

fn check_columns(learned: &Learned, spec: &ReadSpec) -> Result<()> {
    let unknown = named(spec).find(|name| !learned.columns.iter().any(|column| column.name == **name));
    match unknown.filter(|_| !learned.columns.is_empty()) {
        None => Ok(()),
        Some(name) => Err(Error::new(ErrorKind::Invalid, "plan", format!("there is no column {name:?}"))
            .hint("see `describe` for the columns of the rows seen so far; names are case-sensitive")),
    }
}

/// Columns that a spec names.
pub(super) fn named(spec: &ReadSpec) -> impl Iterator<Item = &str> {
    let chosen = spec.columns.iter().flatten().map(String::as_str);
    let filtered = spec.filter.as_ref().map(Filter::columns).unwrap_or_default();
    chosen.chain(filtered).chain(spec.order.iter().map(|by| by.column.as_str()))
}

/// Makes every choice that the spec leaves open.
fn settle(spec: &mut ReadSpec, learned: &Learned) -> Result<()> {
    match spec.want {
        Want::Rows | Want::Profile(ProfileLevel::Scan) => {}
        Want::Profile(ProfileLevel::Catalog) => {
            return Err(unsupported(
                "an API has no catalogue to profile from",
                "take the profile of the first rows",
            ));
        }
        Want::Profile(ProfileLevel::Head) => spec.bound.rows = spec.bound.rows.or(Some(PROFILE_ROWS)),
        Want::Profile(ProfileLevel::Sample) => {
            let size = SampleSize::Rows(PROFILE_ROWS);
            spec.sample = spec.sample.or(Some(Sample { size, method: SampleMethod::Auto }));
        }
    }
    if spec.want != Want::Rows {
        spec.order.clear();
        spec.continuation = None;
    }
    let Some(sample) = spec.sample else { return Ok(()) };
    if !matches!(sample.method, SampleMethod::Auto | SampleMethod::Head) {
        let what =
            format!("an API gives pages in its own order, so there is no sample by {}", sample.method.word());
        return Err(unsupported(&what, "take the first rows (head), or an export of all"));
    }
    let rows = match (sample.size, &learned.total) {
        (SampleSize::Rows(rows), _) => rows,
        (SampleSize::Percent(percent), Some(total)) => {
            (total.rows as f64 * percent.clamp(0.0, 100.0) / 100.0).ceil() as u64
        }
        (SampleSize::Percent(_), None) => {
            return Err(unsupported(
                "the server did not say how many rows there are",
                "ask for a number of rows",
            ));
        }
    };
    spec.sample = Some(Sample { method: SampleMethod::Head, ..sample });
    spec.bound.rows = Some(spec.bound.rows.map_or(rows, |bound| bound.min(rows)));
    spec.continuation = None;
    Ok(())
}

/// Rows to ask of one page: so many pages as needed, all of one size.
pub(super) fn page_size(rows: Option<u64>, bytes: Option<u64>, learned: &Learned, page_rows: u64) -> u64 {
    // Half of them, for rows may be longer than those seen.
    let by_bytes =
        bytes.zip(learned.row_bytes()).map(|(bytes, row)| (bytes as f64 / 2.0 / row.max(1.0)) as u64);
    let most = page_rows.min(learned.page_cap.unwrap_or(u64::MAX)).min(by_bytes.unwrap_or(u64::MAX)).max(1);
    match rows {
        Some(rows) => rows.max(1).div_ceil(rows.max(1).div_ceil(most)),
        None => most,
    }
}

/// A place as what a caller goes on with.
pub(super) fn token(place: &Place) -> Result<Continuation> {
    serde_json::to_string(place)
        .map(Continuation::Token)
        .map_err(|error| Error::unexpected("plan", format!("a page token: {error}")))
}

/// The place of a continuation.
pub(super) fn place_of(going_on: &Continuation) -> Result<Place> {
    let place = match going_on {
        Continuation::Token(text) => serde_json::from_str(text).ok(),
        _ => None,
    };
    place.ok_or_else(|| {
        Error::new(ErrorKind::Invalid, "plan", "this is no token of a page of an API")
            .hint("go on with the continuation that the page before gave")
    })
}

/// Pages that a read takes, as far as is known; none = nobody knows.
pub(super) fn pages(learned: &Learned, place: &Place, rows: Option<u64>) -> Option<u64> {
    let (At::Page { size, .. } | At::Offset { size, .. }) = place.at else {
        return (learned.paging == Some(Paging::Whole)).then_some(1);
    };
    let size = size.min(learned.page_cap.unwrap_or(size)).max(1);
    let there = learned.total.as_ref().map(|total| total.rows.saturating_sub(place.before));
    let wanted = rows.map(|rows| rows.saturating_add(place.skip));
    let least = match (there, wanted) {
        (Some(there), Some(wanted)) => Some(there.min(wanted)),
        (there, wanted) => there.or(wanted),
    };
    least.map(|rows| rows.div_ceil(size).max(1))
}

fn steps(resource: &Resource, learned: &Learned, spec: &ReadSpec, place: Option<&Place>) -> Vec<Step> {
    let of = |text: String, kind: StepKind| Step { entry: commands::PAGE, text, binds: Vec::new(), kind };
    let step = |text: String| of(text, StepKind::Request);
    let open = |text: String| of(text, StepKind::Pages);
    let get = |url: &Url| shown(&resource.url, Method::Get, url);
    let first = get(&resource.url);
    let (Some(place), Some(paging)) = (place, &learned.paging) else {
        return vec![open(format!("{first}{{page as the first answer tells}}"))];
    };
    match (&place.at, paging.position()) {
        (At::Link(link), _) => {
            let url = resource.url.join(link);
            vec![step(url.as_ref().map_or(first, get)), open("GET {link to the next page}".to_owned())]
        }
        (At::Start, None) if *paging == Paging::Next => {
            vec![step(first), open("GET {link to the next page}".to_owned())]
        }
        (_, None) => vec![step(first)],
        (at, Some(position)) => {
            let count = pages(learned, place, spec.bound.rows);
            let mut listed = Vec::new();
            let mut at = at.clone();
            for _ in 0..count.unwrap_or(1).min(MOST_LISTED) {
                listed.push(step(get(&paging.url(&resource.url, &at))));
                at = match at {
                    At::Page { number, size } => At::Page { number: number.saturating_add(1), size },
                    At::Offset { rows, size } => At::Offset { rows: rows.saturating_add(size), size },
                    other => other,
                };
            }
            let size = match at {
                At::Page { size, .. } | At::Offset { size, .. } => size,
                At::Start | At::Link(_) => 0,
            };
            let is_sure = spec.bound.rows.is_some() && size <= learned.largest_page;
            if count.is_none_or(|count| count > MOST_LISTED) || !is_sure {
                listed.push(open(further(resource, paging, position, size)));
            }
            listed
        }
    }
}

/// All further pages in one line: the place of the page left open.
fn further(resource: &Resource, paging: &Paging, position: &str, size: u64) -> String {
    const OPEN: u64 = u64::MAX;
    let at = match paging {
        Paging::Offset { .. } => At::Offset { rows: OPEN, size },
        _ => At::Page { number: OPEN, size },
    };
    let text = shown(&resource.url, Method::Get, &paging.url(&resource.url, &at));
    text.replacen(&format!("={OPEN}"), &format!("={{further {position}}}"), 1)
}

fn remarks(learned: &Learned, spec: &ReadSpec) -> Vec<String> {
    let mut remarks = Vec::new();
    if spec.sample.is_some() {
        remarks.push("the first rows are not representative".to_owned());
    }
    if spec.filter.is_some() {
        remarks
            .push("filtered in the fetched rows: an API has no filters but its own, in the path".to_owned());
    }
    if !spec.order.is_empty() {
        remarks.push("ordered in the fetched rows".to_owned());
    }
    if learned.is_single_by_silence {
        remarks.push(
            "the answer says nothing of further pages: if there are more rows, set the paging of the connection"
                .to_owned(),
        );
    } else if learned.paging.as_ref().is_none_or(|paging| *paging != Paging::Whole)
        && spec.bound.rows.is_none()
    {
        remarks.push("pages may shift while others write: rows may come twice or not at all".to_owned());
    }
    if learned.columns.is_empty() && named(spec).next().is_some() {
        remarks.push(
            "the columns are not known before the first page: names are checked when it comes".to_owned(),
        );
    }
    remarks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::node::NodePath;
    use crate::model::read::Bound;

    fn resource() -> Resource {
        Resource { name: "x".to_owned(), url: Url::parse("https://api.example/x?sort=id").unwrap() }
    }

    fn texts(learned: &Learned, bound: Bound) -> Vec<String> {
        let spec = ReadSpec { bound, ..ReadSpec::preview(NodePath::of(["x"])) };
        let made = plan(&resource(), learned, 500, spec).unwrap();
        made.steps.into_iter().map(|step| step.text).collect()
    }

    #[test]
    fn a_plan_shows_each_request_as_it_will_be_sent() {
        let paged = Learned {
            paging: Some(Paging::Page { position: "page".to_owned(), size: "n".to_owned(), first: 1 }),
            largest_page: 500,
            ..Learned::default()
        };
        let next = Learned { paging: Some(Paging::Next), ..Learned::default() };
        for (learned, bound, expected) in [
            (Learned::default(), Bound::rows(10), vec!["GET /x?sort=id{page as the first answer tells}"]),
            (paged.clone(), Bound::rows(200), vec!["GET /x?sort=id&page=1&n=200"]),
            (
                paged.clone(),
                Bound::rows(700),
                vec!["GET /x?sort=id&page=1&n=350", "GET /x?sort=id&page=2&n=350"],
            ),
            (
                Learned { largest_page: 30, ..paged.clone() },
                Bound::rows(200),
                vec!["GET /x?sort=id&page=1&n=200", "GET /x?sort=id&page={further page}&n=200"],
            ),
            (
                paged,
                Bound::default(),
                vec!["GET /x?sort=id&page=1&n=500", "GET /x?sort=id&page={further page}&n=500"],
            ),
            (next, Bound::rows(10), vec!["GET /x?sort=id", "GET {link to the next page}"]),
        ] {
            assert_eq!(texts(&learned, bound), expected);
        }
    }

    #[test]
    fn pages_are_no_larger_than_rows_bytes_and_the_server_allow() {
        let mut learned = Learned::default();
        assert_eq!(page_size(Some(200), None, &learned, 500), 200);
        assert_eq!(page_size(Some(1_001), None, &learned, 500), 334);
        assert_eq!(page_size(None, None, &learned, 500), 500);
        assert_eq!(page_size(Some(0), None, &learned, 500), 1);
        learned.page_cap = Some(100);
        assert_eq!(page_size(Some(200), None, &learned, 500), 100);
        assert_eq!(page_size(Some(u64::MAX), Some(0), &learned, 500), 100);
    }
}
