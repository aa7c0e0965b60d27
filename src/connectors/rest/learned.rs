//! What the pages of a resource taught: there is no catalogue to ask.

use std::time::Duration;

use jiff::Timestamp;

use super::paging::Paging;
use super::parse::{Column, PageEnd, schema_of};
use crate::kit::http::Headers;
use crate::model::schema::Schema;

/// Headers that tell something of a resource.
const TELLING: &[&str] = &[
    "content-type",
    "etag",
    "last-modified",
    "cache-control",
    "ratelimit",
    "ratelimit-limit",
    "ratelimit-remaining",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "deprecation",
    "sunset",
    "server",
];

/// Columns that are remembered; keys beyond are counted by each read.
const MOST_COLUMNS: usize = 10_000;

/// Rows of a resource, as its server said.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Total {
    pub rows: u64,
    /// Where it stood: a key of the body, a header.
    pub said_by: String,
    pub as_of: Timestamp,
}

/// Everything known of one resource.
#[derive(Clone, Debug, Default)]
pub(super) struct Learned {
    /// The keys of all rows seen, in the order in which they were met.
    pub columns: Vec<Column>,
    /// Where the rows stand in an answer.
    pub record: Option<Vec<String>>,
    pub total: Option<Total>,
    /// How it is paged.
    pub paging: Option<Paging>,
    /// Whether nothing in an answer told of further pages, so that one is taken to hold all.
    pub is_single_by_silence: bool,
    /// Rows that the server gave where more were asked for.
    pub page_cap: Option<u64>,
    /// Most rows that came in one page.
    pub largest_page: u64,
    /// Whether the one request that teaches was made.
    pub is_probed: bool,
    /// What the headers of the last answer said.
    pub headers: Vec<(String, String)>,
    pub pages: u64,
    pub rows: u64,
    pub bytes: u64,
    pub seconds: f64,
}

/// A page that came.
pub(super) struct Came<'a> {
    /// Rows asked for, if the request said.
    pub asked: Option<u64>,
    pub headers: &'a Headers,
    pub page: &'a PageEnd,
    /// Bytes of the body as it came.
    pub body_bytes: u64,
    /// From the request to the last byte of its answer.
    pub took: Duration,
}

impl Learned {
    /// The columns.
    pub(super) fn schema(&self) -> Schema {
        schema_of(&self.columns)
    }

    /// Bytes on the wire of an ordinary row.
    pub(super) fn row_bytes(&self) -> Option<f64> {
        (self.rows > 0).then(|| self.bytes as f64 / self.rows as f64)
    }

    /// Seconds of an ordinary request.
    pub(super) fn request_secs(&self) -> Option<f64> {
        (self.pages > 0).then(|| self.seconds / self.pages as f64)
    }

    /// Takes over what headers alone tell.
    pub(super) fn heed(&mut self, headers: &Headers) {
        let telling =
            TELLING.iter().filter_map(|name| Some(((*name).to_owned(), headers.get(name)?.to_owned())));
        self.headers = telling.collect();
        for name in ["x-total-count", "x-total"] {
            if let Some(rows) = headers.get(name).and_then(|text| text.trim().parse().ok()) {
                self.total = Some(Total { rows, said_by: format!("header {name}"), as_of: Timestamp::now() });
            }
        }
    }

    /// Takes over what a page tells.
    pub(super) fn learn(&mut self, came: &Came<'_>) {
        let page = came.page;
        self.heed(came.headers);
        // What came since another read began is kept: columns are only ever added.
        for column in &page.columns {
            let has_room = self.columns.len() < MOST_COLUMNS;
            match self.columns.iter_mut().find(|known| known.name == column.name) {
                Some(known) => known.kinds.add(column.kinds),
                None if has_room => self.columns.push(column.clone()),
                None => {}
            }
        }
        // That the answer itself is the row may change with the next one; a list found stays one.
        if page.rows > 0 && !page.record.is_empty() {
            self.record = Some(page.record.clone());
        }
        if let Some(total) = &page.envelope.total {
            let said_by = format!("{} in the answer", total.name);
            self.total = Some(Total { rows: total.value, said_by, as_of: Timestamp::now() });
        }
        if let (Some(asked), Some(size)) = (came.asked, &page.envelope.size)
            && (1..asked).contains(&size.value)
            && page.rows <= size.value
        {
            self.page_cap = Some(size.value);
        }
        self.largest_page = self.largest_page.max(page.rows);
        self.pages += 1;
        self.rows += page.rows;
        self.bytes += came.body_bytes;
        self.seconds += came.took.as_secs_f64();
    }
}
