//! The only door to the outside over HTTP, and the resolver behind it.
//!
//! It sends once: one layer retries, and that is the queue. It follows no redirects, uses no proxy, limits time and
//! size, and says of every failure whether the request can have arrived ([`SendError`]). Names are asked for anew
//! each time, because the name of a young workspace appears late and a remembered "no" would hide it.
//!
//! It refuses plain `http://` unless allowed, and even then to any address that is not loopback; and it logs
//! neither query, header nor body.

mod authorities;
mod headers;
mod message;
mod names;

use crate::clock::Clock;
use crate::metrics;
pub use authorities::Authorities;
use bytes::Bytes;
pub use headers::Headers;
use headers::{max_age, retry_after};
pub use message::{Authorization, Body, Request, Response, SendError, Verb};
use names::Names;
use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use std::borrow::Cow;
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
    /// Authorities whose certificates are trusted too.
    pub authorities: Authorities,
}

/// The client. Cheap to clone.
#[derive(Clone)]
pub struct Outbound {
    inner: Arc<Inner>,
    to_metadata: bool,
}

struct Inner {
    secure: reqwest::Client,
    /// For `http://`, which names may lead to loopback only.
    plain: reqwest::Client,
    allow_plain_http: bool,
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
        Ok(Self {
            inner: Arc::new(Inner {
                secure: client(names.clone(), true, &settings.authorities)?,
                plain: client(names.clone().loopback_only(), false, &settings.authorities)?,
                allow_plain_http: settings.allow_plain_http,
                names,
                clock: Clock::system(),
            }),
            to_metadata: false,
        })
    }

    /// The same door for a cloud's metadata service, which speaks plain http to the machine it describes: at loopback or
    /// at a link-local address.
    #[must_use]
    pub fn to_metadata(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            to_metadata: true,
        }
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
            Body::Raw(bytes) => builder.body(bytes),
        };
        builder = builder.headers(own(request.headers)?);
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
        match url.scheme() {
            "https" => Ok(&self.inner.secure),
            "http" if self.inner.allow_plain_http || self.to_metadata => match literal(url) {
                Some(IpAddr::V4(ip)) if self.to_metadata && ip.is_link_local() => {
                    Ok(&self.inner.plain)
                }
                Some(ip) if !ip.is_loopback() => Err(not_loopback()),
                _ => Ok(&self.inner.plain),
            },
            scheme => Err(SendError::NotSent(format!("{scheme}:// is not allowed"))),
        }
    }

    fn head(&self, answer: &reqwest::Response) -> Response {
        let headers = Headers(answer.headers().clone());
        let now = self.inner.clock.now().timestamp();
        let text = |name: &str| headers.get(name).map(str::to_owned);
        let kind = headers.get("content-type").unwrap_or_default();
        Response {
            status: answer.status().as_u16(),
            content_type: kind
                .split(';')
                .next()
                .unwrap_or("")
                .trim()
                .to_ascii_lowercase(),
            retry_after: headers
                .get("retry-after")
                .and_then(|it| retry_after(it, now)),
            max_age: headers.get("cache-control").and_then(max_age),
            request_id: text("x-request-id").or_else(|| text("x-ms-request-id")),
            location: text("location"),
            headers,
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

#[expect(
    clippy::disallowed_methods,
    reason = "the one door that may have a client"
)]
fn client(
    names: Names,
    https_only: bool,
    authorities: &Authorities,
) -> Result<reqwest::Client, SendError> {
    let set_up =
        |error: reqwest::Error| SendError::NotSent(format!("client set-up: {}", cause(&error)));
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
        .tls_certs_merge(authorities.certificates().map_err(set_up)?)
        .build()
        .map_err(set_up)
}

/// The headers a request brings itself.
fn own(given: Vec<(Cow<'static, str>, SecretString)>) -> Result<HeaderMap, SendError> {
    let mut headers = HeaderMap::with_capacity(given.len());
    for (name, value) in given {
        let bad = || SendError::NotSent(format!("bad header {name}"));
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?;
        let mut value = HeaderValue::from_str(value.expose_secret()).map_err(|_| bad())?;
        value.set_sensitive(true);
        headers.insert(key, value);
    }
    Ok(headers)
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
