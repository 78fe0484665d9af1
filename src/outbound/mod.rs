//! The only door to the outside over HTTP, and the resolver behind it.
//!
//! It sends once: one layer retries, and that is the queue. It follows no redirects, uses no proxy, limits time and
//! size, and says of every failure whether the request can have arrived ([`SendError`]). Names are asked for anew
//! each time, because the name of a young workspace appears late and a remembered "no" would hide it.
//!
//! It refuses plain `http://` unless allowed, and even then to any address that is not loopback; and it logs
//! neither query, header nor body.

mod headers;
mod names;

use crate::clock::Clock;
use crate::metrics;
use bytes::Bytes;
use headers::{max_age, retry_after, text};
use names::Names;
use reqwest::header::{self, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tracing::Instrument;
use zeroize::Zeroizing;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Settings of the door.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// DNS servers to ask instead of the system's.
    pub dns_servers: Vec<SocketAddr>,
    /// Whether plain `http://` is allowed, and then only to loopback addresses.
    pub allow_plain_http: bool,
}

/// Why no answer came.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The request was certainly not sent: bad address, name not resolved, connection refused, TLS failed.
    #[error("not sent: {0}")]
    NotSent(String),
    /// It may have arrived: time-out, reset, truncated or oversized answer.
    #[error("no usable answer: {0}")]
    Unknown(String),
}

/// HTTP verbs we use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the verbs are their own documentation")]
pub enum Verb {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

/// How the request proves who we are. Never printed.
#[derive(Debug, Clone)]
pub enum Authorization {
    /// No header.
    None,
    /// `Authorization: Bearer …`.
    Bearer(SecretString),
    /// `Authorization: Basic …`.
    Basic {
        /// User name or client id.
        user: String,
        /// Password or client secret.
        password: SecretString,
    },
    /// A header of its own, such as `X-Vault-Token`.
    Header {
        /// Header name.
        name: &'static str,
        /// Header value.
        value: SecretString,
    },
}

/// What is sent. Never printed.
#[derive(Clone)]
pub enum Body {
    /// Nothing.
    Empty,
    /// `application/json`; the bytes may hold a secret and are wiped after sending.
    Json(Zeroizing<Vec<u8>>),
    /// JSON with another content type, such as `application/merge-patch+json`.
    JsonAs(&'static str, Zeroizing<Vec<u8>>),
    /// `application/x-www-form-urlencoded`.
    Form(Vec<(&'static str, String)>),
}

/// One request.
#[derive(Debug, Clone)]
pub struct Request {
    /// Who is asked, from a closed list: a label of the metrics.
    pub service: &'static str,
    /// Verb.
    pub verb: Verb,
    /// Absolute address.
    pub url: String,
    /// Query parameters, encoded by the client.
    pub query: Vec<(&'static str, String)>,
    /// Proof of identity.
    pub authorization: Authorization,
    /// Body.
    pub body: Body,
    /// Whole-call time-out.
    pub timeout: Duration,
    /// Largest answer accepted, in bytes.
    pub max_bytes: usize,
}

/// One answer, whatever its status. Its body is never printed.
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// `Content-Type`, lower case, without parameters; empty if absent.
    pub content_type: String,
    /// `Retry-After`, understood and clamped to 1 s … 15 min.
    pub retry_after: Option<Duration>,
    /// `Cache-Control: max-age`, in seconds.
    pub max_age: Option<u64>,
    /// The vendor's request id header, if any.
    pub request_id: Option<String>,
    /// `Location` of a redirect, which is never followed.
    pub location: Option<String>,
    /// The whole body; wiped when dropped since it may hold a token.
    pub body: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Body")
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Response({}, {} bytes)", self.status, self.body.len())
    }
}

/// The client. Cheap to clone.
#[derive(Clone)]
pub struct Outbound {
    inner: Arc<Inner>,
}

struct Inner {
    secure: reqwest::Client,
    /// For `http://` to loopback; absent where that is not allowed.
    plain: Option<reqwest::Client>,
    names: Names,
    clock: Clock,
}

impl Outbound {
    /// Builds the client.
    ///
    /// # Errors
    /// When the TLS or resolver set-up fails.
    pub fn new(settings: Settings) -> Result<Self, SendError> {
        let names = Names::new(&settings.dns_servers)?;
        let secure = client(names.clone(), true)?;
        let plain = if settings.allow_plain_http {
            Some(client(names.clone().loopback_only(), false)?)
        } else {
            None
        };
        Ok(Self {
            inner: Arc::new(Inner {
                secure,
                plain,
                names,
                clock: Clock::system(),
            }),
        })
    }

    /// Sends once and reads the whole answer.
    ///
    /// # Errors
    /// [`SendError`]; an answer of any status is not an error.
    pub async fn send(&self, request: Request) -> Result<Response, SendError> {
        let url = reqwest::Url::parse(&request.url)
            .map_err(|error| SendError::NotSent(format!("bad address: {error}")))?;
        let span = tracing::debug_span!(
            "send",
            service = request.service,
            verb = ?request.verb,
            host = url.host_str().unwrap_or_default(),
            path = url.path(),
            status = tracing::field::Empty,
            duration_ms = tracing::field::Empty,
        );
        let started = Instant::now();
        let service = request.service;
        let answer = self.send_to(url, request).instrument(span.clone()).await;
        metrics::called(service, answer.as_ref().ok().map(|answer| answer.status));
        span.record("duration_ms", started.elapsed().as_millis() as u64);
        if let Ok(response) = &answer {
            span.record("status", response.status);
        }
        answer
    }

    async fn send_to(&self, url: reqwest::Url, request: Request) -> Result<Response, SendError> {
        let limit = request.max_bytes;
        let client = self.client_for(&url)?;
        let mut builder = client
            .request(request.verb.into(), url)
            .timeout(request.timeout)
            .header(header::ACCEPT, "application/json");
        if !request.query.is_empty() {
            builder = builder.query(&request.query);
        }
        builder = match request.authorization {
            Authorization::None => builder,
            Authorization::Bearer(token) => builder.bearer_auth(token.expose_secret()),
            Authorization::Basic { user, password } => {
                builder.basic_auth(user, Some(password.expose_secret()))
            }
            Authorization::Header { name, value } => {
                let mut value = HeaderValue::from_str(value.expose_secret())
                    .map_err(|_| SendError::NotSent(format!("bad value for header {name}")))?;
                value.set_sensitive(true);
                builder.header(HeaderName::from_static(name), value)
            }
        };
        builder = match request.body {
            Body::Empty => builder,
            Body::Json(bytes) => json(builder, "application/json", bytes),
            Body::JsonAs(kind, bytes) => json(builder, kind, bytes),
            Body::Form(fields) => builder.form(&fields),
        };
        let mut answer = builder.send().await.map_err(failed)?;
        let mut response = self.head(&answer);
        let announced = answer.content_length().unwrap_or(0);
        if announced > limit as u64 {
            return Err(too_large(limit));
        }
        response.body = Zeroizing::new(Vec::with_capacity((announced as usize).max(4096)));
        while let Some(chunk) = answer.chunk().await.map_err(failed)? {
            if response.body.len() + chunk.len() > limit {
                return Err(too_large(limit));
            }
            append(&mut response.body, &chunk);
        }
        Ok(response)
    }

    /// The client that may speak to this address.
    fn client_for(&self, url: &reqwest::Url) -> Result<&reqwest::Client, SendError> {
        if !url.username().is_empty() || url.password().is_some() {
            return Err(SendError::NotSent("credentials in the address".to_owned()));
        }
        match (url.scheme(), &self.inner.plain) {
            ("https", _) => Ok(&self.inner.secure),
            ("http", Some(plain)) => match literal(url) {
                Some(ip) if !ip.is_loopback() => Err(not_loopback()),
                _ => Ok(plain),
            },
            (scheme, _) => Err(SendError::NotSent(format!("{scheme}:// is not allowed"))),
        }
    }

    fn head(&self, answer: &reqwest::Response) -> Response {
        let headers = answer.headers();
        let now = self.inner.clock.now().timestamp();
        let kind = text(headers, header::CONTENT_TYPE).unwrap_or_default();
        Response {
            status: answer.status().as_u16(),
            content_type: kind
                .split(';')
                .next()
                .unwrap_or("")
                .trim()
                .to_ascii_lowercase(),
            retry_after: text(headers, header::RETRY_AFTER).and_then(|it| retry_after(&it, now)),
            max_age: text(headers, header::CACHE_CONTROL).and_then(|it| max_age(&it)),
            request_id: text(headers, HeaderName::from_static("x-request-id")),
            location: text(headers, header::LOCATION),
            body: Zeroizing::default(),
        }
    }

    /// Resolves a name now, without any cache. Empty if the name does not exist (yet).
    ///
    /// # Errors
    /// When no DNS server answers.
    pub async fn resolve(&self, host: &str) -> Result<Vec<IpAddr>, SendError> {
        match host.parse() {
            Ok(ip) => Ok(vec![ip]),
            Err(_) => self
                .inner
                .names
                .lookup(host)
                .await
                .map_err(SendError::NotSent),
        }
    }
}

impl From<Verb> for reqwest::Method {
    fn from(verb: Verb) -> Self {
        match verb {
            Verb::Get => Self::GET,
            Verb::Post => Self::POST,
            Verb::Put => Self::PUT,
            Verb::Patch => Self::PATCH,
            Verb::Delete => Self::DELETE,
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one door that may have a client"
)]
fn client(names: Names, https_only: bool) -> Result<reqwest::Client, SendError> {
    reqwest::Client::builder()
        .user_agent(concat!("brickyard/", env!("CARGO_PKG_VERSION")))
        .https_only(https_only)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .referer(false)
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(Duration::from_secs(20))
        .dns_resolver(Arc::new(names))
        .build()
        .map_err(|error| SendError::NotSent(format!("client set-up: {}", cause(&error))))
}

fn json(
    builder: reqwest::RequestBuilder,
    kind: &'static str,
    bytes: Zeroizing<Vec<u8>>,
) -> reqwest::RequestBuilder {
    builder
        .header(header::CONTENT_TYPE, kind)
        .body(Bytes::from_owner(bytes))
}

/// Appends without leaving an unwiped copy behind when the buffer grows.
fn append(buffer: &mut Zeroizing<Vec<u8>>, chunk: &[u8]) {
    if buffer.len() + chunk.len() > buffer.capacity() {
        let mut larger = Zeroizing::new(Vec::with_capacity((buffer.len() + chunk.len()) * 2));
        larger.extend_from_slice(buffer);
        *buffer = larger;
    }
    buffer.extend_from_slice(chunk);
}

fn failed(error: reqwest::Error) -> SendError {
    if error.is_connect() || error.is_builder() {
        SendError::NotSent(cause(&error))
    } else if error.is_timeout() {
        SendError::Unknown("time-out".to_owned())
    } else {
        SendError::Unknown(cause(&error))
    }
}

/// The innermost cause: it names no address, and so no query.
fn cause(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    match std::ptr::eq(innermost, error) {
        true => "the request could not be made".to_owned(),
        false => innermost.to_string(),
    }
}

fn too_large(limit: usize) -> SendError {
    SendError::Unknown(format!("the answer is larger than {limit} bytes"))
}

fn not_loopback() -> SendError {
    SendError::NotSent("http:// is allowed to loopback addresses only".to_owned())
}

fn literal(url: &reqwest::Url) -> Option<IpAddr> {
    let host = url.host_str()?;
    host.trim_start_matches('[')
        .trim_end_matches(']')
        .parse()
        .ok()
}

#[cfg(test)]
mod tests;
