//! Reaching a source hop by hop: what each hop found, how long it took, what to do next, and the first that failed. An
//! error names its hop.
//!
//! A server is looked at from outside in: its name, the route, TCP, what stands on the way, TLS; then the connector
//! logs in, and the server says who it is and what this login may do there at worst. Looking sends nothing but the
//! handshakes themselves.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use serde::Serialize;

use super::{Mount, Opened, Target, Workspace};
use crate::connector::{Connector, Credentials};
use crate::job::CallCtx;
use crate::kit::net::route::{Reach, Route};
use crate::kit::net::{self, Endpoint, Way, WayIn, tls};
use crate::model::ability::Support;
use crate::model::connection::{Connection, Tier};
use crate::model::node::{NodePath, PageRequest};
use crate::model::standing::{Harm, Position, Proof, Standing};
use crate::model::{Error, Result};

/// A certificate that ends sooner than this is warned of, days.
const EXPIRY_WARNING_DAYS: i64 = 21;
/// A clock that differs by more is warned of, seconds.
const SKEW_WARNING_SECONDS: f64 = 5.0;
/// A replica that is behind by more is warned of, seconds.
const LAG_WARNING_SECONDS: f64 = 30.0;

/// How a hop stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HopVerdict {
    /// As it should be.
    Ok,
    /// It works; look at it.
    Warning,
    /// It does not work; nothing behind it was tried.
    Failed,
    /// Not told by this kind of source.
    Unknown,
}

impl HopVerdict {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

/// One hop.
#[derive(Clone, Debug, Serialize)]
pub struct Hop {
    /// What was tried.
    pub name: &'static str,
    /// How long it took.
    pub millis: f64,
    /// How it stands.
    pub verdict: HopVerdict,
    /// What it found, in words.
    pub found: String,
    /// What to do next, where something is to be done.
    pub next: Option<String>,
    /// Why it failed.
    pub error: Option<Error>,
}

/// The hops so far, passed to whoever watches as they come.
struct Hops<'a> {
    all: Vec<Hop>,
    told: &'a (dyn Fn(&Hop) + Sync),
}

/// What a hop found, before it is written down.
struct Found<T> {
    text: String,
    warning: Option<String>,
    value: T,
}

impl<T> Found<T> {
    fn new(text: impl Into<String>, value: T) -> Self {
        Self { text: text.into(), warning: None, value }
    }

    fn warn(self, next: Option<String>) -> Self {
        Self { warning: next, ..self }
    }
}

impl Hops<'_> {
    fn push(&mut self, hop: Hop) {
        (self.told)(&hop);
        self.all.push(hop);
    }

    /// What is known without asking.
    fn say(
        &mut self,
        name: &'static str,
        verdict: HopVerdict,
        found: impl Into<String>,
        next: Option<String>,
    ) {
        self.push(Hop { name, millis: 0.0, verdict, found: found.into(), next, error: None });
    }

    async fn hop<T>(
        &mut self,
        name: &'static str,
        work: impl Future<Output = Result<Found<T>>>,
    ) -> Option<T> {
        let since = Instant::now();
        let result = work.await;
        let millis = since.elapsed().as_secs_f64() * 1e3;
        match result {
            Ok(Found { text, warning, value }) => {
                let verdict = if warning.is_some() { HopVerdict::Warning } else { HopVerdict::Ok };
                self.push(Hop { name, millis, verdict, found: text, next: warning, error: None });
                Some(value)
            }
            Err(error) => {
                let error = Error { stage: name.to_owned(), ..error };
                let (found, next) = (error.attempted.clone(), error.hint.clone());
                self.push(Hop { name, millis, verdict: HopVerdict::Failed, found, next, error: Some(error) });
                None
            }
        }
    }
}

/// Checks a target hop by hop; stops at the first hop that fails.
pub async fn check(ctx: &CallCtx, workspace: &Workspace, text: &str) -> Vec<Hop> {
    let mut hops = Hops { all: Vec::new(), told: &|_| {} };
    let resolved = hops.hop("target", async {
        let target = Target::resolve(workspace, text).await?;
        let parts =
            target.parts.iter().map(|part| part.connection.connector.as_str()).collect::<Vec<_>>().join(", ");
        Ok(Found::new(format!("{} ({parts})", target.name), target))
    });
    let Some(target) = resolved.await else { return hops.all };
    walk(ctx, workspace, &target, &mut hops).await;
    hops.all
}

/// The same for a connection, saved or not; each hop is told as it comes.
pub async fn check_connection(
    ctx: &CallCtx,
    workspace: &Workspace,
    connection: &Connection,
    told: &(dyn Fn(&Hop) + Sync),
) -> Vec<Hop> {
    let mut hops = Hops { all: Vec::new(), told };
    walk(ctx, workspace, &Target::single(&connection.name, connection.clone()), &mut hops).await;
    hops.all
}

async fn walk(ctx: &CallCtx, workspace: &Workspace, target: &Target, hops: &mut Hops<'_>) {
    for part in &target.parts {
        let Ok(connector) = workspace.registry().by_id(&part.connection.connector) else { continue };
        if connector.card().form.leads_to_a_server()
            && from_outside(workspace, connector, &part.connection, hops).await.is_none()
        {
            return;
        }
    }
    let connected = hops.hop("authentication", async {
        let opened = Opened::open(ctx, workspace, target).await?;
        let budget = opened.policy.budget().limit().rows;
        let budget = budget.map_or_else(|| "no limit of rows".to_owned(), |rows| format!("{rows} rows"));
        Ok(Found::new(format!("connected read-only; {}, {budget} a session", opened.tier.word()), opened))
    });
    let Some(opened) = connected.await else { return };
    for mount in opened.mounts() {
        from_inside(ctx, &opened, mount, hops).await;
    }
}

/// The hops before the login.
async fn from_outside(
    workspace: &Workspace,
    connector: &dyn Connector,
    connection: &Connection,
    hops: &mut Hops<'_>,
) -> Option<()> {
    let form = &connector.card().form;
    let way = hops.hop("way in", async {
        let way = Way::of(connection)?;
        let shown = way.hop().map_or("directly".to_owned(), |hop| {
            format!("through {hop} {}", connection.filled(Connection::VIA).unwrap_or_default())
        });
        Ok(Found::new(shown, way))
    });
    let way = way.await?;
    let Some(server) = Endpoint::of(form, connection) else {
        hops.say("route", HopVerdict::Ok, "a Unix socket on this machine", None);
        return Some(());
    };
    if let Some(first) = way.first(&server) {
        reach(first, connection.tier, hops).await?;
    }
    let behind = match &way {
        Way::Direct => None,
        way => {
            let opened = hops.hop(way.hop().unwrap_or("way in"), async {
                let credentials =
                    workspace.credentials(connection).await.unwrap_or_else(|_later| Credentials::none());
                let password = credentials.get(Connection::VIA_PASSWORD).cloned();
                let open =
                    WayIn::open("connect", way.clone(), server.clone(), password, None, "check").await?;
                let stream = open.stream("connect").await?;
                Ok(Found::new(format!("it leads to {server}"), (open, stream)))
            });
            Some(opened.await?)
        }
    };
    let wish = match connector.tls(connection) {
        Ok(Some(wish)) => wish,
        Ok(None) => {
            let next = (way == Way::Direct && !is_here(&server).await).then(|| {
                "what is asked and answered, and perhaps the password, can be read on the way".to_owned()
            });
            let verdict = if next.is_some() { HopVerdict::Warning } else { HopVerdict::Ok };
            hops.say("TLS", verdict, "not spoken", next);
            return Some(());
        }
        Err(error) => {
            hops.hop("TLS", async { Err::<Found<()>, _>(error) }).await;
            return None;
        }
    };
    hops.hop("TLS", async {
        let (_open, stream) = match behind {
            Some((open, stream)) => (Some(open), stream),
            None => (None, Box::pin(net::tcp("connect", &server).await?.stream) as net::Stream),
        };
        let (_stream, shown) = tls::handshake("connect", stream, &wish).await?;
        let (text, next) = told_of_tls(&shown);
        let pinned = if wish.is_pinned() { ", pinned" } else { "" };
        Ok(Found::new(format!("{text}{pinned}"), ()).warn(next))
    })
    .await
}

/// Whether a server is on this machine.
async fn is_here(server: &Endpoint) -> bool {
    let addresses = net::resolve("connect", server).await.unwrap_or_default();
    !addresses.is_empty() && addresses.iter().all(|address| address.ip().is_loopback())
}

/// Name, route and TCP of whom we speak to first.
async fn reach(first: &Endpoint, tier: Tier, hops: &mut Hops<'_>) -> Option<()> {
    let addresses = hops.hop("name", async {
        let addresses = net::resolve("connect", first).await?;
        let list = addresses.iter().map(|address| address.ip().to_string()).collect::<Vec<_>>().join(", ");
        Ok(Found::new(format!("{} is {list}", first.host), addresses))
    });
    let addresses = addresses.await?;
    if let Some(address) = addresses.first() {
        let route = Route::to(*address);
        let exposed = route.reach == Reach::Internet && tier >= Tier::Stg;
        let next = exposed.then(|| {
            "ask whether there is a private way to it; TLS must be checked in full on this one".to_owned()
        });
        let verdict = if exposed { HopVerdict::Warning } else { HopVerdict::Ok };
        hops.say("route", verdict, route.phrase(), next);
    }
    hops.hop("TCP", async {
        let dialled = net::to_any("connect", first, &addresses).await?;
        Ok(Found::new(format!("{} takes connections, {:.1} ms away", dialled.address, dialled.millis), ()))
    })
    .await
}

fn told_of_tls(shown: &tls::Shown) -> (String, Option<String>) {
    let Some(look) = &shown.certificate else { return (shown.version.clone(), None) };
    let now = jiff::Timestamp::now();
    let days = look.until.map(|until| (until.as_second() - now.as_second()) / 86_400);
    let until =
        look.until.map_or_else(|| "an unknown day".to_owned(), |until| until.strftime("%F").to_string());
    let text = format!(
        "{}, certificate of {} by {}, until {until}, SHA-256 {}",
        shown.version, look.subject, look.issuer, look.fingerprint
    );
    let next = days.filter(|days| *days < EXPIRY_WARNING_DAYS);
    (text, next.map(|days| format!("the certificate ends in {days} days: tell its owner")))
}

/// What the server says once we are in.
async fn from_inside(ctx: &CallCtx, opened: &Opened, mount: &Mount, hops: &mut Hops<'_>) {
    let is_server = mount.connector().card().form.leads_to_a_server();
    if is_server {
        let call = ctx.child(opened.recorder(mount));
        let before = epoch_seconds();
        let standing = hops.hop("server", async {
            let standing = mount.source().standing(&call).await?;
            let product = standing.product.clone().unwrap_or_else(|| "it does not say what it is".to_owned());
            let identity =
                standing.identity.as_ref().map(|identity| format!("; {identity}")).unwrap_or_default();
            Ok(Found::new(format!("{product}{identity}"), standing))
        });
        let Some(standing) = standing.await else { return };
        stand(&standing, opened.tier, (before, epoch_seconds()), hops);
    } else {
        let listed = hops.hop("list", async {
            let page = opened.children(ctx, &mount.path(), &PageRequest::first()).await?;
            let more = if page.next.is_some() { " and more" } else { "" };
            Ok(Found::new(format!("{} nodes{more}", page.nodes.len()), page))
        });
        let Some(page) = listed.await else { return };
        if let Some(first) = page.nodes.iter().find(|node| node.readable) {
            let path: NodePath = first.path.clone();
            let described = hops.hop("describe", async {
                let found = opened.describe(ctx, &path).await?;
                Ok(Found::new(format!("{}: {} columns", found.node.path, found.schema.fields.len()), ()))
            });
            if described.await.is_none() {
                return;
            }
        }
    }
    let abilities = mount.source().abilities();
    let consistency = if abilities.snapshot == Support::Exact {
        "one state per read"
    } else {
        "may see changes while reading"
    };
    let found = format!("{}: {consistency}; cancel: {:?}", mount.connector().card().id, abilities.cancel);
    hops.say("abilities", HopVerdict::Ok, found, None);
}

fn epoch_seconds() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

/// Role, grants, read-only, place among copies, clock: each a hop of its own.
fn stand(standing: &Standing, tier: Tier, asked: (f64, f64), hops: &mut Hops<'_>) {
    const NOT_TOLD: &str = "not told by this kind of source";
    match &standing.login {
        Some(login) if standing.roles.is_empty() => {
            hops.say("role", HopVerdict::Ok, format!("logged in as {login}"), None);
        }
        Some(login) => {
            let roles = standing.roles.join(", ");
            hops.say("role", HopVerdict::Ok, format!("logged in as {login}, with the roles {roles}"), None);
        }
        None => hops.say("role", HopVerdict::Unknown, NOT_TOLD, None),
    }
    match standing.rights.first() {
        Some(worst) => {
            let all = standing.rights.iter().map(|right| right.what.as_str()).collect::<Vec<_>>().join("; ");
            let harmless = worst.harm == Harm::Reads;
            let next = (!harmless).then(|| "ask its owner for a login that can only read".to_owned());
            let verdict = if harmless { HopVerdict::Ok } else { HopVerdict::Warning };
            hops.say("grants", verdict, format!("at worst this login may {all}"), next);
        }
        None => hops.say("grants", HopVerdict::Unknown, NOT_TOLD, None),
    }
    let by_server = standing.read_only.iter().any(|proof| matches!(proof, Proof::Server { .. }));
    let proofs = standing.read_only.iter().map(|proof| match proof {
        Proof::Server { what } => format!("the server refuses changes: {what}"),
        Proof::Ours { what } => format!("headwater sends none: {what}"),
    });
    let proofs = proofs.collect::<Vec<_>>().join("; ");
    match (proofs.is_empty(), by_server) {
        (true, _) => hops.say("read-only", HopVerdict::Unknown, NOT_TOLD, None),
        (false, true) => hops.say("read-only", HopVerdict::Ok, proofs, None),
        (false, false) => {
            let next = "the server itself holds nothing back: a login that can only read would".to_owned();
            hops.say("read-only", HopVerdict::Warning, proofs, Some(next));
        }
    }
    place(standing, tier, hops);
    clock(standing, asked, hops);
}

fn place(standing: &Standing, tier: Tier, hops: &mut Hops<'_>) {
    match standing.position {
        Some(Position::Primary) if tier == Tier::Prod => {
            let next = "ask for a replica: reads there take nothing from those who write".to_owned();
            hops.say("position", HopVerdict::Warning, "the primary, which takes the writes", Some(next));
        }
        Some(Position::Primary) => {
            hops.say("position", HopVerdict::Ok, "the primary, which takes the writes", None);
        }
        Some(Position::Replica { lag_seconds }) => {
            let lag = lag_seconds.map_or_else(
                || "its lag is not told".to_owned(),
                |lag| format!("{lag:.1} s since the last change it saw"),
            );
            let late = lag_seconds.is_some_and(|lag| lag > LAG_WARNING_SECONDS);
            let next = late.then(|| {
                "either nothing is written upstream, or it is behind: compare before you trust counts"
                    .to_owned()
            });
            let verdict = if late { HopVerdict::Warning } else { HopVerdict::Ok };
            hops.say("position", verdict, format!("a replica; {lag}"), next);
        }
        None => hops.say("position", HopVerdict::Unknown, "not told by this kind of source", None),
    }
}

/// The server's clock against ours, as far as the round trip lets it be known.
fn clock(standing: &Standing, (before, after): (f64, f64), hops: &mut Hops<'_>) {
    let Some(theirs) = standing.clock else {
        return hops.say("clock", HopVerdict::Unknown, "not told by this kind of source", None);
    };
    let skew = theirs - f64::midpoint(before, after);
    let bound = (after - before) / 2.0;
    let text = format!(
        "{:.3} s {} ours, ± {bound:.3} s",
        skew.abs(),
        if skew < 0.0 { "behind" } else { "ahead of" }
    );
    let off = skew.abs() - bound > SKEW_WARNING_SECONDS;
    let next =
        off.then(|| "times of one and of the other differ by that much: see which clock is wrong".to_owned());
    hops.say("clock", if off { HopVerdict::Warning } else { HopVerdict::Ok }, text, next);
}
