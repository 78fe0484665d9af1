//! What every exchange passes through, outermost first: request id and log span, panics, limits, time limit,
//! authentication and the caller's rate, content negotiation.
//!
//! Authentication covers every path that is not in [`PUBLIC`], those that do not exist included.

use super::exchange::{RequestId, TraceParent, X_REQUEST_ID};
use super::headers::accepts;
use super::problem::{MEDIA_TYPE, Problem};
use super::rate::Rate;
use super::{Http, Limits, docs, metrics, problems, templates};
use crate::auth::{self, Identity};
use crate::domain::problem::Code;
use crate::store::used_tokens;
use crate::telemetry::traces;
use axum::Router;
use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use chrono::DateTime;
use std::any::Any;
use std::sync::Arc;
use std::time::Instant;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument;

/// Paths that need no token. Everything else does.
pub const PUBLIC: &[&str] = &[
    "/livez",
    "/readyz",
    "/openapi.json",
    "/version",
    metrics::PATH,
    problems::PATHS[0],
    problems::PATHS[1],
    docs::REDIRECT,
    docs::INDEX,
    docs::ASSETS,
];

/// The long poll; it may take longer than other requests.
const LONG_POLL: &str = "/operations/{operation}";

/// Wraps a router that has all its routes and fallbacks.
pub fn around(router: Router<Http>, http: &Http) -> Router<Http> {
    let rate = Arc::new(Rate::new(http.settings.limits.requests_per_minute));
    router
        .layer(from_fn(negotiate))
        .layer(from_fn_with_state((http.clone(), rate), authenticate))
        .layer(from_fn_with_state(http.clone(), limit_time))
        .layer(from_fn_with_state(http.clone(), limit_size))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(http.clone(), exchange))
}

fn route(request: &Request) -> &str {
    request
        .extensions()
        .get::<MatchedPath>()
        .map_or("", MatchedPath::as_str)
}

/// Gives the exchange its id and span, writes the document of a problem, adds the headers every answer has.
async fn exchange(State(http): State<Http>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = RequestId::of(request.headers());
    let trace = TraceParent::of(request.headers());
    let span = tracing::info_span!(
        "request",
        request_id = %id.0,
        trace_id = tracing::field::Empty,
        method = %request.method(),
        route = route(&request),
        status = tracing::field::Empty,
        duration_ms = tracing::field::Empty,
    );
    // Work hangs below this exchange if traces are on, else below its caller's span.
    let ours = traces::begin(&span, trace.as_ref().map(|trace| &*trace.0));
    let trace = ours.map(|ours| TraceParent(ours.into())).or(trace);
    if let Some(id) = trace.as_ref().and_then(TraceParent::trace_id) {
        span.record("trace_id", id);
    }
    let (route, method) = (route(&request).to_owned(), request.method().clone());
    let instance: String = request.uri().path().chars().take(256).collect();
    request.extensions_mut().insert(id.clone());
    if let Some(trace) = trace {
        request.extensions_mut().insert(trace);
    }
    let mut response = next.run(request).instrument(span.clone()).await;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let document = problem.document(&http.settings.public_url, &instance, &id.0);
        let body = serde_json::to_vec(&document).unwrap_or_default();
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        response.headers_mut().remove(header::CONTENT_LENGTH);
        *response.body_mut() = Body::from(body);
    }
    finish_headers(response.headers_mut(), &id);
    span.record("status", response.status().as_u16());
    let elapsed = started.elapsed();
    span.record(
        "duration_ms",
        u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
    );
    crate::metrics::answered(&route, method.as_str(), response.status().as_u16(), elapsed);
    span.in_scope(|| tracing::info!("answered"));
    response
}

fn finish_headers(headers: &mut HeaderMap, id: &RequestId) {
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        headers.insert(X_REQUEST_ID, value);
    }
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        ),
    ] {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
}

/// A panic is a defect of ours: logged, and a 500 like every other.
fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let message = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    tracing::error!(message, "a handler panicked");
    Problem::internal().into_response()
}

async fn limit_size(State(http): State<Http>, request: Request, next: Next) -> Response {
    match check_size(&request, &http.settings.limits) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

fn check_size(request: &Request, limits: &Limits) -> Result<(), Problem> {
    let uri = request
        .uri()
        .path_and_query()
        .map_or(0, |uri| uri.as_str().len());
    if uri > limits.uri_bytes {
        return Err(Problem::new(
            Code::UriTooLong,
            format!("The address has {uri} bytes."),
        ));
    }
    let headers = request.headers();
    let sizes = || {
        headers
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len())
    };
    let (count, all, longest) = (
        headers.len(),
        sizes().sum::<usize>(),
        sizes().max().unwrap_or(0),
    );
    if count > limits.headers || all > limits.headers_bytes || longest > limits.header_bytes {
        let detail = format!("{count} headers, {all} bytes together, {longest} in the longest.");
        return Err(Problem::new(Code::HeadersTooLarge, detail));
    }
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > u64::try_from(limits.body_bytes).unwrap_or(u64::MAX))
    {
        return Err(body_too_large(limits));
    }
    Ok(())
}

/// The refusal of a body that is too large, whether it said so or not.
pub(super) fn body_too_large(limits: &Limits) -> Problem {
    Problem::new(
        Code::BodyTooLarge,
        format!("The body has more than {} bytes.", limits.body_bytes),
    )
}

async fn limit_time(State(http): State<Http>, request: Request, next: Next) -> Response {
    let limits = &http.settings.limits;
    let limit = if route(&request) == LONG_POLL {
        limits.long_poll
    } else {
        limits.handler
    };
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::unavailable("The request took too long.").into_response(),
    }
}

async fn authenticate(
    State((http, rate)): State<(Http, Arc<Rate>)>,
    mut request: Request,
    next: Next,
) -> Response {
    if PUBLIC.contains(&route(&request)) {
        return next.run(request).await;
    }
    let identity = {
        let headers: Vec<&[u8]> = request
            .headers()
            .get_all(header::AUTHORIZATION)
            .iter()
            .map(HeaderValue::as_bytes)
            .collect();
        http.verifier.authenticate(&headers).await
    };
    let identity = match identity {
        Ok(identity) => identity,
        Err(error) => return Problem::from(error).into_response(),
    };
    let standing = rate.take(&identity.principal.id, Instant::now());
    let mut response = if standing.wait.is_some() {
        Problem::rate_limited(standing.retry_after()).into_response()
    } else {
        if let Err(problem) = spend(&http, &identity).await {
            return problem.into_response();
        }
        let extensions = request.extensions_mut();
        extensions.insert(Arc::new(identity.principal));
        extensions.insert(Arc::new(identity.reasons));
        next.run(request).await
    };
    standing.tell(response.headers_mut());
    response
}

/// Uses a token up that is good for one request.
async fn spend(http: &Http, identity: &Identity) -> Result<(), Problem> {
    let (principal, Some(token_id)) = (&identity.principal, &identity.single_use) else {
        return Ok(());
    };
    let ends = DateTime::from_timestamp(principal.expires_at, 0).unwrap_or_default();
    let mut db = http.db.acquire().await?;
    if used_tokens::spend(&mut db, &principal.issuer, token_id, ends).await? {
        Ok(())
    } else {
        Err(auth::used(principal).into())
    }
}

/// The media types of a route's good answers, and of its problems.
fn offered(route: &str) -> &'static [&'static str] {
    if problems::PATHS.contains(&route) {
        &["application/json", MEDIA_TYPE, "text/html"]
    } else if route == metrics::PATH {
        &[crate::metrics::MEDIA_TYPE, "text/plain", MEDIA_TYPE]
    } else if route == templates::schema::PATH {
        &[
            "application/json",
            MEDIA_TYPE,
            templates::schema::MEDIA_TYPE,
        ]
    } else {
        &["application/json", MEDIA_TYPE]
    }
}

async fn negotiate(request: Request, next: Next) -> Response {
    let route = route(&request);
    if docs::is_page(route) || accepts(request.headers(), offered(route)) {
        return next.run(request).await;
    }
    let detail = format!("`Accept` leaves out {}.", offered(route).join(" and "));
    Problem::new(Code::NotAcceptable, detail).into_response()
}
