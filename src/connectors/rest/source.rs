//! One live API: its resources, what their pages taught, and the reads of them.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use async_trait::async_trait;
use futures::FutureExt as _;

use super::fetch::{Counting, Fetch, Fetched};
use super::learned::{Came, Learned};
use super::options::{Resource, Settings};
use super::paging::{At, Paging, Place, Style};
use super::parse::{Columns, PageEnd};
use super::{abilities, commands, describe, estimate, plan};
use crate::connector::{Permit, Source};
use crate::job::sink::Collected;
use crate::job::{BatchSink, CallCtx, CancelReport, Progress};
use crate::kit::http::{Allowance, Ask, Http, LinkFrom, Method};
use crate::model::ability::Abilities;
use crate::model::error::Retry;
use crate::model::load::{Capacity, LoadEstimate};
use crate::model::node::{Description, NodePage, NodePath, PageRequest};
use crate::model::read::{Bound, Continuation, ReadEnd, ReadOutcome, ReadPlan, ReadSpec, Step, StepKind};
use crate::model::{Error, ErrorKind, Result};

/// Bytes of one answer at most, on the wire and unpacked.
const MOST_PAGE_BYTES: u64 = 64 << 20;
/// Empty pages in a row after which nobody believes in a next one.
const MOST_EMPTY: u32 = 50;

/// One live API.
pub(super) struct RestSource {
    pub(super) settings: Settings,
    pub(super) http: Http,
    capacity: Capacity,
    abilities: Abilities,
    learned: Mutex<BTreeMap<String, Learned>>,
}

impl RestSource {
    /// Asks for the headers of the first resource, to see whether it lets us in.
    pub(super) async fn open(
        ctx: &CallCtx,
        settings: Settings,
        http: Http,
        capacity: Capacity,
    ) -> Result<Self> {
        let source = Self { settings, http, capacity, abilities: abilities(), learned: Mutex::default() };
        if let Some(first) = source.settings.resources.first() {
            match source.look(ctx, first, "connect").await {
                // Not every server answers to HEAD, and not every path must be there yet.
                Err(error) if error.kind == ErrorKind::Denied => return Err(error),
                Err(error) => source.unless_told(error)?,
                Ok(()) => {}
            }
        }
        Ok(source)
    }

    fn unless_told(&self, error: Error) -> Result<()> {
        match error.kind {
            ErrorKind::NotFound | ErrorKind::Unsupported | ErrorKind::Invalid | ErrorKind::Denied => Ok(()),
            _ => Err(error),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Learned>> {
        self.learned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of a resource.
    pub(super) fn learned(&self, resource: &Resource) -> Learned {
        let mut learned = self.lock().get(&resource.name).cloned().unwrap_or_default();
        if let Style::Fixed(paging) = &self.settings.style {
            learned.paging = Some(paging.clone());
        }
        learned.record = learned.record.or_else(|| self.settings.record.clone());
        learned
    }

    fn teach(&self, resource: &Resource, teach: impl FnOnce(&mut Learned)) {
        teach(self.lock().entry(resource.name.clone()).or_default());
    }

    fn found(&self, stage: &str, at: &NodePath) -> Result<&Resource> {
        if at.is_root() {
            return Err(Error::new(ErrorKind::Invalid, stage, "the source itself has no rows")
                .hint("read one of its resources"));
        }
        let named = |resource: &&Resource| at.segments() == [resource.name.clone()];
        self.settings.resources.iter().find(named).ok_or_else(|| Error::not_found(stage, at))
    }

    /// Asks for the headers of a resource.
    async fn look(&self, ctx: &CallCtx, resource: &Resource, stage: &str) -> Result<()> {
        let ask = Ask {
            entry: &commands::LOOK,
            method: Method::Head,
            url: &resource.url,
            from: LinkFrom::Us,
            stage,
        };
        let mut allowance = Allowance { requests: 10, bytes: 1 << 16 };
        let reply = self.http.send(ctx, ask, &mut allowance).await?;
        reply.statement.done(0).await?;
        self.teach(resource, |learned| learned.heed(&reply.headers));
        Ok(())
    }

    /// The one request that teaches, under a permit of its own.
    async fn probe(&self, ctx: &CallCtx, resource: &Resource, spec: &ReadSpec) -> Result<()> {
        let learned = self.learned(resource);
        let paging = learned.paging.clone();
        let place = paging
            .as_ref()
            .map_or_else(start, |paging| paging.start(plan::page_size(Some(20), None, &learned, 20)));
        let permit = Permit::for_probe(probe_plan(resource, paging.as_ref(), &place, spec));
        let bounds = permit.bounds();
        let mut fetch = self.fetch(ctx, resource, &learned, "estimate", commands::LEARN);
        fetch.most_rows = 0;
        // Its seconds are those of the server's work, which nobody sees from here; its bytes hold.
        let mut allowance = Allowance {
            requests: bounds.requests.unwrap_or(1),
            bytes: bounds.bytes.unwrap_or(MOST_PAGE_BYTES),
        };
        let mut nowhere = Collected::default();
        let fetched = self.one(&fetch, &place, &mut allowance, &mut Counting::new(&mut nowhere)).await;
        self.teach(resource, |learned| learned.is_probed = true);
        match fetched {
            Ok(_) => Ok(()),
            // Too large for a look, or moved elsewhere: the estimate says what it does not know.
            Err(error)
                if error.kind == ErrorKind::Budget && (allowance.bytes == 0 || allowance.requests == 0) =>
            {
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn fetch<'a>(
        &'a self,
        ctx: &'a CallCtx,
        resource: &'a Resource,
        learned: &Learned,
        stage: &'a str,
        entry: crate::model::command::EntryId,
    ) -> Fetch<'a> {
        Fetch {
            http: &self.http,
            ctx,
            resource,
            stage,
            entry,
            record: learned.record.clone(),
            known: learned.columns.clone(),
            columns: Columns::Open,
            needs: Vec::new(),
            most_rows: u64::MAX,
            most_page_bytes: MOST_PAGE_BYTES,
        }
    }

    /// One page, and what it teaches.
    async fn one(
        &self,
        fetch: &Fetch<'_>,
        place: &Place,
        allowance: &mut Allowance,
        sink: &mut Counting<'_>,
    ) -> Result<Fetched> {
        let paging = self.learned(fetch.resource).paging;
        let fetched = fetch.page(paging.as_ref(), place, allowance, sink).await?;
        if let Some(page) = &fetched.page {
            let asked = match place.at {
                At::Page { size, .. } | At::Offset { size, .. } => Some(size),
                At::Start | At::Link(_) => None,
            };
            let came = Came {
                asked,
                headers: &fetched.headers,
                page,
                body_bytes: fetched.body_bytes,
                took: fetched.took,
            };
            let style = self.settings.style.clone();
            self.teach(fetch.resource, |learned| {
                learned.learn(&came);
                if style == Style::Auto && learned.paging.is_none() && page.rows > 0 {
                    let told = Paging::told(&page.envelope, &fetched.headers);
                    learned.is_single_by_silence = told.is_none();
                    learned.paging = Some(told.unwrap_or(Paging::Whole));
                }
            });
        }
        Ok(fetched)
    }

    /// Reads page after page until a bound, the sink or the last page ends it.
    async fn run(
        &self,
        ctx: &CallCtx,
        permit: &Permit,
        sink: &mut dyn BatchSink,
    ) -> Result<(ReadEnd, Option<Place>)> {
        let (planned, bounds, since) = (permit.plan(), permit.bounds(), Instant::now());
        let resource = self.found("read", &planned.spec.node)?;
        let learned = self.learned(resource);
        let mut place = match &planned.spec.continuation {
            Some(going_on) => plan::place_of(going_on)?,
            None => learned.paging.as_ref().map_or_else(start, |paging| {
                paging.start(plan::page_size(bounds.rows, bounds.bytes, &learned, self.settings.page_rows))
            }),
        };
        let mut fetch = self.fetch(ctx, resource, &learned, "read", commands::PAGE);
        fetch.needs = plan::named(&planned.spec).map(str::to_owned).collect();
        let mut spent = Spent::new(bounds);
        let mut sink = Counting::new(sink);
        let (mut last, mut empty) = (None::<PageEnd>, 0);
        loop {
            if spent.is_used_up(since) {
                return Ok((ReadEnd::Bounded, Some(place)));
            }
            fetch.most_rows = spent.rows;
            let mut allowance =
                Allowance { requests: spent.requests, bytes: spent.bytes.min(MOST_PAGE_BYTES) };
            let fetched = self.one(&fetch, &place, &mut allowance, &mut sink).await;
            spent.requests = allowance.requests;
            let is_short =
                allowance.requests == 0 || (allowance.bytes == 0 && spent.bytes <= MOST_PAGE_BYTES);
            let fetched = match fetched {
                // What the bounds still allow is not enough for another page: the rows so far are the read.
                Err(error) if error.kind == ErrorKind::Budget && is_short && sink.rows > 0 => {
                    return Ok((ReadEnd::Bounded, Some(place)));
                }
                other => other?,
            };
            spent.bytes = spent.bytes.saturating_sub(fetched.body_bytes);
            let Some(page) = fetched.page else { return Ok((ReadEnd::Enough, None)) };
            spent.rows = spent.rows.saturating_sub(page.given);
            fetch.settle(&page);
            let paging = self.learned(resource).paging.unwrap_or(Paging::Whole);
            let next = paging.after(&place, page.rows, &page.envelope, &fetched.headers);
            let rest = page.rows.saturating_sub(place.skip.saturating_add(page.given));
            let next = if rest > 0 {
                Some(Place { skip: place.skip.saturating_add(page.given), ..place.clone() })
            } else {
                next
            };
            if sink.is_satisfied {
                let end = if spent.rows == 0 && next.is_some() { ReadEnd::Bounded } else { ReadEnd::Enough };
                let end = if next.is_none() { ReadEnd::Complete } else { end };
                return Ok((end, next));
            }
            let Some(next) = next else { return Ok((ReadEnd::Complete, None)) };
            empty = if page.rows == 0 { empty + 1 } else { 0 };
            let stands = rest == 0 && (next.at == place.at || last.is_some_and(|last| is_same(&last, &page)));
            if stands || empty > MOST_EMPTY {
                return Err(goes_in_circles(&paging));
            }
            place = next;
            let total = page.envelope.total.as_ref().map(|total| total.value);
            last = Some(page);
            let doing = ctx.watch_progress().borrow().doing.clone();
            ctx.progress(Progress { doing, done: sink.rows, total, unit: "rows" });
        }
    }
}

/// The page that is asked for without any parameter of ours.
fn start() -> Place {
    Place { at: At::Start, skip: 0, before: 0 }
}

/// Whether a page is the one before it again: the same bytes, or the same number said.
fn is_same(last: &PageEnd, page: &PageEnd) -> bool {
    let number = |page: &PageEnd| page.envelope.page.as_ref().map(|page| page.value);
    page.rows > 0 && (last.mark == page.mark || (number(page).is_some() && number(page) == number(last)))
}

fn goes_in_circles(paging: &Paging) -> Error {
    Error::new(
        ErrorKind::Decode,
        "read",
        format!("the server gives the same page again, asked by {}", paging.phrase()),
    )
    .hint("set the paging and its parameters in the connection; the rows so far are kept")
    .retry(Retry::AfterChange)
}

/// What a read may still take.
struct Spent {
    rows: u64,
    bytes: u64,
    requests: u64,
    seconds: f64,
}

impl Spent {
    fn new(bounds: Bound) -> Self {
        Self {
            rows: bounds.rows.unwrap_or(u64::MAX),
            bytes: bounds.bytes.unwrap_or(u64::MAX),
            requests: bounds.requests.unwrap_or(u64::MAX),
            seconds: bounds.seconds.unwrap_or(f64::INFINITY),
        }
    }

    fn is_used_up(&self, since: Instant) -> bool {
        self.rows == 0
            || self.bytes == 0
            || self.requests == 0
            || since.elapsed().as_secs_f64() >= self.seconds
    }
}

fn probe_plan(resource: &Resource, paging: Option<&Paging>, place: &Place, spec: &ReadSpec) -> ReadPlan {
    let url = paging.map_or_else(|| resource.url.clone(), |paging| paging.url(&resource.url, &place.at));
    let text = crate::kit::http::shown(&resource.url, Method::Get, &url);
    ReadPlan {
        spec: spec.clone(),
        steps: vec![Step { entry: commands::LEARN, text, binds: Vec::new(), kind: StepKind::Request }],
        bounds: Bound::default(),
        pushdown: plan::PUSHDOWN,
        schema: None,
        gate: None,
        method: "one page, to learn how many there are".to_owned(),
        remarks: Vec::new(),
    }
}

#[async_trait]
impl Source for RestSource {
    fn abilities(&self) -> &Abilities {
        &self.abilities
    }

    async fn children(&self, _ctx: &CallCtx, at: &NodePath, page: &PageRequest) -> Result<NodePage> {
        if !at.is_root() {
            self.found("browse", at)?;
            return Ok(NodePage::default());
        }
        let first = match page.token.as_deref().map(str::parse::<usize>) {
            None => 0,
            Some(Ok(first)) => first,
            Some(Err(_)) => {
                return Err(Error::new(ErrorKind::Invalid, "browse", "this is no token of a page"));
            }
        };
        let all = &self.settings.resources;
        let end = first.saturating_add(page.size).min(all.len());
        let listed = all.get(first.min(end)..end).unwrap_or_default();
        let nodes = listed.iter().map(|resource| describe::node(resource, &self.learned(resource))).collect();
        Ok(NodePage { nodes, next: (end < all.len()).then(|| end.to_string()) })
    }

    async fn describe(&self, ctx: &CallCtx, at: &NodePath) -> Result<Description> {
        if at.is_root() {
            return Ok(describe::root(self));
        }
        let resource = self.found("describe", at)?;
        if self.learned(resource).headers.is_empty() {
            // Headers are all that can be had without reading; a server that has none for us is no error.
            match self.look(ctx, resource, "describe").await {
                Ok(()) => {}
                Err(error) => self.unless_told(error)?,
            }
        }
        Ok(describe::resource(resource, &self.learned(resource), &self.settings))
    }

    async fn plan(&self, _ctx: &CallCtx, spec: ReadSpec) -> Result<ReadPlan> {
        plan::no_query(&spec)?;
        let resource = self.found("plan", &spec.node)?;
        plan::plan(resource, &self.learned(resource), self.settings.page_rows, spec)
    }

    async fn estimate(&self, ctx: &CallCtx, plan: &ReadPlan) -> Result<LoadEstimate> {
        let resource = self.found("estimate", &plan.spec.node)?;
        let learned = self.learned(resource);
        if learned.pages == 0 && !learned.is_probed {
            self.probe(ctx, resource, &plan.spec).await?;
        }
        let learned = self.learned(resource);
        let place = match &plan.spec.continuation {
            Some(going_on) => plan::place_of(going_on)?,
            None => learned.paging.as_ref().map_or_else(start, |paging| {
                paging.start(plan::page_size(
                    plan.bounds.rows,
                    plan.bounds.bytes,
                    &learned,
                    self.settings.page_rows,
                ))
            }),
        };
        Ok(estimate::estimate(&learned, self.capacity.clone(), plan, &place, self.settings.page_rows))
    }

    async fn read(&self, ctx: &CallCtx, permit: Permit, sink: &mut dyn BatchSink) -> Result<ReadOutcome> {
        ctx.check("read")?;
        // Dropping a request closes its connection; nobody tells us whether the server stops working.
        let _hook = ctx.on_cancel(|| async { CancelReport::OnlyWeStopped }.boxed());
        let (end, next) = self.run(ctx, &permit, sink).await?;
        let sampled = permit.plan().spec.sample.is_some();
        let continuation = match next {
            Some(place) if !sampled => Some(plan::token(&place)?),
            _ => None::<Continuation>,
        };
        Ok(ReadOutcome { end, continuation, actual: ctx.meter().actual() })
    }
}
