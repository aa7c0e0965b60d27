//! One page: asked for, spooled, parsed in the worker, written down.

use std::time::{Duration, Instant};

use async_trait::async_trait;

use super::options::Resource;
use super::paging::{At, Paging, Place};
use super::parse::{self, Column, Columns, Packing, Page, PageEnd};
use crate::job::{BatchSink, CallCtx, Flow};
use crate::kit::http::{Allowance, Ask, Headers, Http, LinkFrom, Method, link_target};
use crate::kit::worker::{self, HostJob};
use crate::model::batch::Batch;
use crate::model::command::EntryId;
use crate::model::lost::{Disagreement, Findings};
use crate::model::node::NodePath;
use crate::model::{Error, ErrorKind, Result};

/// How pages of one read are fetched.
pub(super) struct Fetch<'a> {
    pub http: &'a Http,
    pub ctx: &'a CallCtx,
    pub resource: &'a Resource,
    pub stage: &'a str,
    pub entry: EntryId,
    pub record: Option<Vec<String>>,
    pub known: Vec<Column>,
    pub columns: Columns,
    pub needs: Vec<String>,
    pub most_rows: u64,
    pub most_page_bytes: u64,
}

/// A page that came.
pub(super) struct Fetched {
    /// What it had; none if the sink had enough before the worker could tell.
    pub page: Option<PageEnd>,
    pub headers: Headers,
    pub body_bytes: u64,
    pub took: Duration,
}

impl Fetch<'_> {
    /// Fetches one page.
    pub(super) async fn page(
        &self,
        paging: Option<&Paging>,
        place: &Place,
        allowance: &mut Allowance,
        sink: &mut Counting<'_>,
    ) -> Result<Fetched> {
        let (url, from) = match &place.at {
            At::Link(link) => (link_target(self.stage, &self.resource.url, link)?, LinkFrom::Upstream),
            at => (
                paging.map_or_else(|| self.resource.url.clone(), |paging| paging.url(&self.resource.url, at)),
                LinkFrom::Us,
            ),
        };
        let since = Instant::now();
        let ask = Ask { entry: &self.entry, method: Method::Get, url: &url, from, stage: self.stage };
        let reply = self.http.send(self.ctx, ask, allowance).await?;
        let took = since.elapsed();
        if !reply.remarks.is_empty() {
            let observed = reply.url.to_string();
            let disagreements = reply.remarks.iter().map(|why| Disagreement {
                about: format!("where the answer came from: {}", why),
                declared: self.http.home().to_string(),
                observed: observed.clone(),
            });
            sink.findings(Findings { disagreements: disagreements.collect(), ..Findings::default() });
        }
        let params = serde_json::to_value(self.params(place, &reply.headers))
            .map_err(|error| Error::unexpected(self.stage, format!("parameters for the worker: {error}")))?;
        let job = HostJob::new(super::ID, parse::OP, params, vec![reply.body]);
        let before = sink.rows;
        let answer = worker::run(self.ctx, job, sink).await.and_then(|value| {
            serde_json::from_value::<Option<PageEnd>>(value).map_err(|error| {
                Error::new(
                    ErrorKind::Decode,
                    self.stage,
                    format!("the worker's answer makes no sense: {error}"),
                )
            })
        });
        match answer {
            Ok(page) => {
                let rows = page.as_ref().map_or(sink.rows - before, |page| page.rows);
                reply.statement.done(rows).await?;
                Ok(Fetched { page, headers: reply.headers, body_bytes: reply.body_bytes, took })
            }
            Err(error) => Err(reply.statement.failed(error).await),
        }
    }

    fn params(&self, place: &Place, headers: &Headers) -> Page {
        let packed = headers.get("content-encoding").is_some_and(|packing| packing.contains("gzip"));
        Page {
            node: NodePath::of([self.resource.name.as_str()]),
            packing: if packed { Packing::Gzip } else { Packing::Plain },
            content_type: headers.get("content-type").unwrap_or_default().to_owned(),
            most_bytes: self.most_page_bytes,
            record: self.record.clone(),
            known: self.known.clone(),
            columns: self.columns,
            needs: self.needs.clone(),
            skip: place.skip,
            most_rows: self.most_rows,
            first_row: Some(place.before),
        }
    }

    /// After the first page with rows the columns are settled.
    pub(super) fn settle(&mut self, page: &PageEnd) {
        if self.columns == Columns::Open && !page.columns.is_empty() {
            self.known.clone_from(&page.columns);
            self.columns = Columns::Settled;
        }
        if page.rows > 0 && !page.record.is_empty() {
            self.record = Some(page.record.clone());
        }
    }
}

/// Counts rows on their way, and remembers when the sink had enough.
pub(super) struct Counting<'a> {
    inner: &'a mut dyn BatchSink,
    pub rows: u64,
    pub is_satisfied: bool,
}

impl<'a> Counting<'a> {
    pub(super) fn new(inner: &'a mut dyn BatchSink) -> Self {
        Self { inner, rows: 0, is_satisfied: false }
    }
}

#[async_trait]
impl BatchSink for Counting<'_> {
    async fn batch(&mut self, batch: Batch) -> Result<Flow> {
        self.rows += batch.row_count() as u64;
        let flow = self.inner.batch(batch).await?;
        self.is_satisfied |= flow == Flow::Enough;
        Ok(flow)
    }

    fn findings(&mut self, findings: Findings) {
        self.inner.findings(findings);
    }
}
