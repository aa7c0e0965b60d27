//! Sending one request: where it may go, what it takes along, when it is tried again.

use std::fs::File;
use std::io::{Seek as _, SeekFrom};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures::StreamExt as _;
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, HeaderName, HeaderValue, LOCATION};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::io::AsyncWriteExt as _;
use url::Url;

use super::answer::{self, Headers, Meaning, Reply, SHOWN_CHARS};
use super::pace::{self, Pace};
use super::spool;
use crate::job::CallCtx;
use crate::kit::dice::Dice;
use crate::kit::net::WayIn;
use crate::model::command::EntryId;
use crate::model::error::Retry;
use crate::model::load::Dim;
use crate::model::{Error, ErrorKind, Result};
use crate::safety::origin::{self, Follow, Home, Reach};

const CONNECT_DEADLINE: Duration = Duration::from_secs(10);
/// Between two bytes of an answer.
const IDLE_DEADLINE: Duration = Duration::from_secs(30);
/// For one request with all of its answer.
const REQUEST_DEADLINE: Duration = Duration::from_secs(120);
/// A request is sent once and again so many times at most.
const MOST_RETRIES: u32 = 2;
/// A longer wait is told, not waited.
const MOST_RETRY_WAIT: Duration = Duration::from_secs(20);
/// Where the server does not say how long to wait.
const FIRST_RETRY_WAIT: Duration = Duration::from_millis(500);

/// What proves who asks. Deliberately not `Debug`.
pub enum Login {
    /// Nothing.
    Nobody,
    /// `Authorization: Bearer …`.
    Bearer(SecretString),
    /// `Authorization: Basic …`.
    Basic(String, SecretString),
    /// A key in a header of its own.
    Key(String, SecretString),
}

/// The methods that read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Headers only.
    Head,
    /// Headers and body.
    Get,
}

impl Method {
    fn word(self) -> &'static str {
        match self {
            Self::Head => "HEAD",
            Self::Get => "GET",
        }
    }
}

/// A request.
#[derive(Clone, Debug)]
pub struct Ask<'a> {
    /// The entry of the command table.
    pub entry: &'a EntryId,
    /// Its method.
    pub method: Method,
    /// Where it goes.
    pub url: &'a Url,
    /// Whether an upstream gave the URL.
    pub from: LinkFrom,
    /// Where on the way of a read it is sent, for errors.
    pub stage: &'a str,
}

/// Who made a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkFrom {
    /// We, from the connection.
    Us,
    /// The upstream: it may point anywhere.
    Upstream,
}

/// What may still be used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Requests.
    pub requests: u64,
    /// Bytes of bodies, as they come.
    pub bytes: u64,
}

/// Whose word is taken for who the server is.
#[derive(Clone, Debug, Default)]
pub enum Trust {
    /// The authorities that the system trusts.
    #[default]
    System,
    /// This one alone, in PEM.
    Authority(Vec<u8>),
}

/// How a server is reached and known.
#[derive(Default)]
pub struct To {
    /// Whose word is taken for who it is.
    pub trust: Trust,
    /// The way to it; none = directly.
    pub way: Option<WayIn>,
}

/// A server, over one connection.
pub struct Http {
    home: Url,
    reach: Reach,
    client: reqwest::Client,
    login: Option<(HeaderName, HeaderValue)>,
    pace: Pace,
    /// The way to the server, where it is not reached directly; open as long as this is used.
    way: Option<WayIn>,
}

/// Where a request goes, and with what.
struct Way {
    client: reqwest::Client,
    with_login: Option<(HeaderName, HeaderValue)>,
    remark: Option<String>,
}

/// How one exchange ended.
enum Exchange {
    Whole(Headers, File, u64),
    Moved(Url),
    Busy(Option<Duration>, Error),
}

/// A URL as a statement shows it: the path at home, all of it elsewhere.
pub fn shown(home: &Url, method: Method, url: &Url) -> String {
    let mut url = url.clone();
    url.set_fragment(None);
    // A login in a URL is never shown; a URL that can have none stays as it is.
    let _none = url.set_password(None).and_then(|()| url.set_username(""));
    let text = if origin::same_origin(home, &url) {
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        format!("{}{query}", url.path())
    } else {
        url.to_string()
    };
    // Braces stand for what is not known yet; those of a query are none.
    let text = text.replace('{', "%7B").replace('}', "%7D");
    format!("{} {text}", method.word())
}

/// The URL of a link that an answer of `base` gave.
///
/// # Errors
/// `decode` for what is no link.
pub fn link_target(stage: &str, base: &Url, link: &str) -> Result<Url> {
    base.join(link).map_err(|error| {
        let link = super::answer::excerpt(link.as_bytes(), 200);
        Error::new(ErrorKind::Decode, stage, format!("the server's link is none ({error}): {link}"))
    })
}

impl Http {
    /// A client for the server of `home`. Resolves its name and sends nothing. A private authority is trusted
    /// there alone.
    ///
    /// # Errors
    /// `unreachable` if the name does not resolve, `invalid` for a login that no header holds.
    pub async fn new(stage: &str, home: Url, login: Login, per_sec: f64, to: To) -> Result<Self> {
        let To { trust, way } = to;
        if let Some(way) = way {
            // Where the name lies is known at the other end of the way: what links lead to is judged as from outside.
            let client = client(stage, &home, &[], &trust, Some(&way))?;
            let login = header_of(stage, login)?;
            return Ok(Self {
                home,
                reach: Reach::Public,
                client,
                login,
                pace: Pace::new(per_sec),
                way: Some(way),
            });
        }
        let addresses = resolve(stage, &home).await?;
        let ips = addresses.iter().map(SocketAddr::ip).collect::<Vec<_>>();
        let reach = match origin::reach_of_host(&home, &ips) {
            Some(Reach::Nowhere) | None => {
                return Err(Error::new(
                    ErrorKind::Invalid,
                    stage,
                    "the host of the base URL is none that answers",
                )
                .with("host", home.host_str().unwrap_or_default()));
            }
            Some(reach) => reach,
        };
        let client = client(stage, &home, &addresses, &trust, None)?;
        Ok(Self { home, reach, client, login: header_of(stage, login)?, pace: Pace::new(per_sec), way: None })
    }

    /// The server's URL.
    pub fn home(&self) -> &Url {
        &self.home
    }

    /// Sends a request, follows where it leads, tries again where the server asks for it.
    ///
    /// # Errors
    /// By status: `denied`, `not_found`, `rate_limited`, …; `unreachable`, `timeout`; `refused` for a link that
    /// must not be followed; `budget` if the allowance is used up; `cancelled`.
    pub async fn send(&self, ctx: &CallCtx, ask: Ask<'_>, allowance: &mut Allowance) -> Result<Reply> {
        let (mut url, mut from) = (ask.url.clone(), ask.from);
        let (mut hops, mut retries, mut remarks) = (0, 0, Vec::new());
        loop {
            let way = self.way(ask.stage, &url, from, hops).await?;
            remarks.extend(way.remark.clone());
            let Some(left) = allowance.requests.checked_sub(1) else {
                return Err(Error::new(ErrorKind::Budget, ask.stage, "the budget of requests is used up")
                    .hint("give the connection or the read more requests"));
            };
            self.pace.take(ctx, ask.stage).await?;
            let request = shown(&self.home, ask.method, &url);
            let statement = ctx.statement(ask.entry, &request).await?;
            allowance.requests = left;
            ctx.meter().add(Dim::RoundTrips, 1.0, "requests sent");
            let work = self.exchange(ctx, &ask, &way, &url, &request, allowance);
            let answer = tokio::select! {
                biased;
                () = ctx.cancelled() => Err(Error::cancelled(ask.stage)),
                answer = tokio::time::timeout(REQUEST_DEADLINE, work) => answer.unwrap_or_else(|late| {
                    Err(Error::new(ErrorKind::Timeout, ask.stage, format!("{request} has no whole answer yet: {late}"))
                        .retry(Retry::Later))
                }),
            };
            match answer {
                Err(error) => return Err(statement.failed(error).await),
                Ok(Exchange::Whole(headers, body, body_bytes)) => {
                    return Ok(Reply { headers, url, body, body_bytes, remarks, statement });
                }
                Ok(Exchange::Moved(target)) => {
                    statement.done(0).await?;
                    hops += 1;
                    (url, from) = (target, LinkFrom::Upstream);
                }
                Ok(Exchange::Busy(after, error)) => {
                    let error = statement.failed(error).await;
                    let wait = wait_of(after, retries);
                    if retries >= MOST_RETRIES || wait > MOST_RETRY_WAIT {
                        return Err(error);
                    }
                    retries += 1;
                    pace::pause(ctx, wait, ask.stage).await?;
                }
            }
        }
    }

    /// Decides over a URL: by the origin that the connection was made for.
    async fn way(&self, stage: &str, url: &Url, from: LinkFrom, hops: u32) -> Result<Way> {
        let own = Way { client: self.client.clone(), with_login: self.login.clone(), remark: None };
        if from == LinkFrom::Us {
            return Ok(own);
        }
        let same = origin::same_origin(&self.home, url);
        // The addresses of home were settled when it was connected; its requests go nowhere else.
        let is_web = matches!(url.scheme(), "http" | "https");
        let addresses = if same || !is_web { Vec::new() } else { resolve(stage, url).await? };
        let ips = addresses.iter().map(SocketAddr::ip).collect::<Vec<IpAddr>>();
        let home = Home { url: &self.home, reach: self.reach };
        let known = if same { self.reach_as_address(url) } else { ips };
        match origin::follow(home, url, &known, hops) {
            Follow::WithCredentials => Ok(own),
            Follow::WithoutCredentials { why } if same => {
                Ok(Way { with_login: None, remark: Some(why), ..own })
            }
            Follow::WithoutCredentials { why } => Ok(Way {
                client: client(stage, url, &addresses, &Trust::System, None)?,
                with_login: None,
                remark: Some(why),
            }),
            Follow::Refuse { why } => {
                Err(Error::new(ErrorKind::Refused, stage, format!("the server leads elsewhere: {why}"))
                    .hint("if that is right, make a connection for that address"))
            }
        }
    }

    /// An address of the reach that home was found to have, for the rules to judge a link back home.
    fn reach_as_address(&self, url: &Url) -> Vec<IpAddr> {
        if origin::reach_of_host(url, &[]).is_some() {
            return Vec::new();
        }
        let stand_in: [u8; 4] = match self.reach {
            Reach::Public => [1, 1, 1, 1],
            Reach::Private => [10, 0, 0, 1],
            Reach::LinkLocal => [169, 254, 0, 1],
            Reach::Loopback => [127, 0, 0, 1],
            Reach::Nowhere => [0, 0, 0, 0],
        };
        vec![IpAddr::from(stand_in)]
    }

    async fn exchange(
        &self,
        ctx: &CallCtx,
        ask: &Ask<'_>,
        way: &Way,
        url: &Url,
        request: &str,
        allowance: &mut Allowance,
    ) -> Result<Exchange> {
        let method = match ask.method {
            Method::Head => reqwest::Method::HEAD,
            Method::Get => reqwest::Method::GET,
        };
        let mut target = url.clone();
        target.set_fragment(None);
        // Logins inside links are not taken along.
        let _none = target.set_password(None).and_then(|()| target.set_username(""));
        let mut builder = way
            .client
            .request(method, target)
            .header(ACCEPT, "application/json, */*;q=0.1")
            .header(ACCEPT_ENCODING, "gzip");
        if let Some((name, value)) = &way.with_login {
            builder = builder.header(name, value.clone());
        }
        let response = builder.send().await.map_err(|error| {
            let error = answer::broken(ask.stage, request, error);
            self.way.as_ref().map_or(error.clone(), |way| way.explain(error))
        })?;
        let status = response.status().as_u16();
        let headers = Headers::from_map(response.headers());
        self.pace.heed(&headers);
        match answer::meaning(status, &headers) {
            Meaning::Whole => {
                answer::check_packing(ask.stage, request, &headers)?;
                let (body, bytes) = spooled(ctx, ask.stage, request, response, allowance).await?;
                Ok(Exchange::Whole(headers, body, bytes))
            }
            Meaning::Moved => {
                let Some(location) = response.headers().get(LOCATION).and_then(|value| value.to_str().ok())
                else {
                    return Err(answer::refusal(
                        ask.stage,
                        request,
                        status,
                        &headers,
                        b"a redirect to nowhere",
                    ));
                };
                link_target(ask.stage, url, location).map(Exchange::Moved)
            }
            Meaning::Busy(after) => {
                let said = beginning(response).await;
                Ok(Exchange::Busy(after, answer::refusal(ask.stage, request, status, &headers, &said)))
            }
            Meaning::Refused => {
                let said = beginning(response).await;
                Err(answer::refusal(ask.stage, request, status, &headers, &said))
            }
        }
    }
}

/// The body as it comes, into a file; stops at the allowance.
async fn spooled(
    ctx: &CallCtx,
    stage: &str,
    request: &str,
    response: reqwest::Response,
    allowance: &mut Allowance,
) -> Result<(File, u64)> {
    let file = spool::unlinked(stage)?;
    let failed = |error: std::io::Error| Error::io(stage, "keeping the answer in a temporary file", &error);
    let mut file = tokio::fs::File::from_std(file);
    let mut stream = response.bytes_stream();
    let mut bytes = 0_u64;
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|error| answer::broken(stage, request, error))?;
        bytes += chunk.len() as u64;
        ctx.meter().add(Dim::BytesWire, chunk.len() as f64, "bytes of bodies as they came");
        let Some(left) = allowance.bytes.checked_sub(chunk.len() as u64) else {
            allowance.bytes = 0;
            return Err(Error::new(
                ErrorKind::Budget,
                stage,
                format!("{request} gives more than may be read: it was stopped after {bytes} bytes"),
            )
            .hint("ask for smaller pages or fewer rows, or give the read more bytes"));
        };
        allowance.bytes = left;
        file.write_all(&chunk).await.map_err(failed)?;
    }
    if bytes == 0 {
        ctx.meter().add(Dim::BytesWire, 0.0, "bytes of bodies as they came");
    }
    file.flush().await.map_err(failed)?;
    let mut file = file.into_std().await;
    file.seek(SeekFrom::Start(0)).map_err(failed)?;
    Ok((file, bytes))
}

/// The first bytes of a refusal's body; what can't be read is not said.
async fn beginning(response: reqwest::Response) -> Vec<u8> {
    const MOST_BYTES: usize = 8 * SHOWN_CHARS;
    let mut said = Vec::new();
    let mut stream = response.bytes_stream();
    while let Some(Ok(chunk)) = stream.next().await {
        said.extend_from_slice(&chunk);
        if said.len() >= MOST_BYTES {
            said.truncate(MOST_BYTES);
            break;
        }
    }
    said
}

/// How long to wait: as the server says, else longer each time; never together with others.
fn wait_of(after: Option<Duration>, retries: u32) -> Duration {
    let (least, spread) = match after {
        Some(after) => (after, Duration::from_millis(250)),
        None => (FIRST_RETRY_WAIT * 2_u32.pow(retries), FIRST_RETRY_WAIT),
    };
    let (seed, _) = uuid::Uuid::new_v4().as_u64_pair();
    let most = u64::try_from(spread.as_millis()).unwrap_or(0);
    least + Duration::from_millis(Dice::new(seed).below(most))
}

async fn resolve(stage: &str, url: &Url) -> Result<Vec<SocketAddr>> {
    let port = url.port_or_known_default().unwrap_or(80);
    let host = match url.host() {
        Some(url::Host::Domain(name)) => name.to_owned(),
        Some(url::Host::Ipv4(address)) => return Ok(vec![SocketAddr::new(address.into(), port)]),
        Some(url::Host::Ipv6(address)) => return Ok(vec![SocketAddr::new(address.into(), port)]),
        None => return Err(Error::new(ErrorKind::Invalid, stage, "the URL names no host")),
    };
    let unknown = |why: String| {
        Error::new(ErrorKind::Unreachable, stage, format!("the name of the host does not resolve: {why}"))
            .hint("check the host name and the network")
            .retry(Retry::Later)
            .with("host", host.clone())
    };
    let found = tokio::time::timeout(CONNECT_DEADLINE, tokio::net::lookup_host((host.as_str(), port)))
        .await
        .map_err(|late| unknown(late.to_string()))?
        .map_err(|error| unknown(error.to_string()))?
        .collect::<Vec<_>>();
    if found.is_empty() { Err(unknown("no address".to_owned())) } else { Ok(found) }
}

/// A client that goes to these addresses and nowhere else, and does nothing by itself.
fn client(
    stage: &str,
    url: &Url,
    addresses: &[SocketAddr],
    trust: &Trust,
    way: Option<&WayIn>,
) -> Result<reqwest::Client> {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // The program does it first thing; whoever uses the library alone gets the same one.
        drop(rustls::crypto::ring::default_provider().install_default());
    }
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("headwater/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .no_proxy()
        .no_gzip()
        .connect_timeout(CONNECT_DEADLINE)
        .read_timeout(IDLE_DEADLINE)
        .pool_max_idle_per_host(1);
    if let Trust::Authority(pem) = trust {
        let authorities = reqwest::Certificate::from_pem_bundle(pem).map_err(|error| {
            let why = format!("the authority's certificate is of no use: {}", error.without_url());
            Error::new(ErrorKind::Invalid, stage, why).hint("name a file in PEM")
        })?;
        builder = builder.tls_certs_only(authorities);
    }
    if let (Some(url::Host::Domain(name)), None) = (url.host(), way) {
        builder = builder.resolve_to_addrs(name, addresses);
    }
    #[cfg(unix)]
    if let Some(way) = way {
        builder = builder.unix_socket(way.socket());
    }
    builder.build().map_err(|error| {
        Error::new(
            ErrorKind::Unexpected,
            stage,
            format!("the HTTP client can't be set up: {}", error.without_url()),
        )
    })
}

fn header_of(stage: &str, login: Login) -> Result<Option<(HeaderName, HeaderValue)>> {
    use base64::Engine as _;
    let (name, value) = match login {
        Login::Nobody => return Ok(None),
        Login::Bearer(token) => ("authorization".to_owned(), format!("Bearer {}", token.expose_secret())),
        Login::Basic(user, password) => {
            let pair = format!("{user}:{}", password.expose_secret());
            let packed = base64::engine::general_purpose::STANDARD.encode(pair);
            ("authorization".to_owned(), format!("Basic {packed}"))
        }
        Login::Key(name, key) => (name, key.expose_secret().to_owned()),
    };
    // The library's words would not repeat the value; ours name the kind of thing only.
    let no_name = |error| {
        Error::new(ErrorKind::Invalid, stage, format!("the name of the key's header is none: {error}"))
    };
    let no_value = |error| {
        Error::new(ErrorKind::Invalid, stage, format!("the token, key or password fits no header: {error}"))
            .hint("it may have been pasted with a line break")
    };
    let name = name.trim().parse::<HeaderName>().map_err(no_name)?;
    let mut value = HeaderValue::try_from(value.trim()).map_err(no_value)?;
    value.set_sensitive(true);
    Ok(Some((name, value)))
}
