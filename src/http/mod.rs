//! The top floor: our HTTP interface. Requests come in here and leave as rows, or as an explanation.
//!
//! Every exchange passes [`layers`]: it gets an id, is measured, and must carry a token unless its path is public.
//! [`extract`], [`query`] and [`body`] turn bytes into checked values and refuse with all mistakes at once. A handler
//! asks the policy for its route's declared action, then reads from `store` or hands a request to
//! `provisioning::request`; it never waits for work, except for a caller that says so (`Prefer: wait`,
//! [`operations`]). Whatever goes wrong leaves as one type ([`problem`]). [`routes`] is the list of all routes,
//! [`openapi`] the same list written down.
//!
//! This room refuses to know clouds, steps, SQL or configuration, to talk to anybody outside, and to show a secret:
//! no answer type has a field for one. `axum` is used nowhere else.

pub mod body;
mod canonical;
pub mod docs;
mod enums;
pub mod exchange;
pub mod extract;
pub mod headers;
pub mod health;
pub mod layers;
pub mod metrics;
mod mistakes;
pub mod openapi;
pub mod operations;
pub mod page;
pub mod problem;
pub mod problems;
pub mod public_url;
pub mod query;
pub mod rate;
mod refusals;
pub mod routes;
mod samples;
mod serve;
pub mod templates;
pub mod version;
pub mod whoami;
pub mod workspaces;

use crate::auth::{Login, Verifier};
use crate::clock::Clock;
use crate::domain::problem::Code;
use crate::provisioning::admission::{self, Admission};
use axum::Router;
use metrics::Scrape;
use operations::Changes;
use problem::Problem;
pub use public_url::PublicUrl;
use secrecy::SecretString;
pub use serve::serve;
use sqlx::PgPool;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// The configured templates. A reload sends new ones; a request sees the same from begin to end.
pub type Templates = watch::Receiver<Arc<crate::domain::template::Templates>>;

/// What can be set.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whether `/docs` is served.
    pub docs: bool,
    /// A bearer token that the documentation page fills in. Only ever set by `brickyard dev`.
    pub docs_token: Option<SecretString>,
    /// Where callers find the service.
    pub public_url: PublicUrl,
    /// Whether the API serves `/metrics`; not where they have an address of their own.
    pub metrics: bool,
    /// Whether asking for a workspace takes an `Idempotency-Key`.
    pub require_idempotency_key: bool,
    /// Whether changing a workspace takes `If-Match`.
    pub require_if_match: bool,
    /// Limits of one request.
    pub limits: Limits,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            docs: true,
            docs_token: None,
            public_url: PublicUrl::default(),
            metrics: true,
            require_idempotency_key: false,
            require_if_match: false,
            limits: Limits::default(),
        }
    }
}

/// Limits of one request. The defaults are what the documentation promises; tests lower the times.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of a body.
    pub body_bytes: usize,
    /// Bytes of path and query.
    pub uri_bytes: usize,
    /// Number of headers.
    pub headers: usize,
    /// Bytes of all headers.
    pub headers_bytes: usize,
    /// Bytes of one header.
    pub header_bytes: usize,
    /// Connections of this process at a time.
    pub connections: usize,
    /// How long a request's headers may take to arrive, and how long a connection may be idle. Longer than the 60 s
    /// for which load balancers keep theirs open, or one of theirs would meet a closed one of ours.
    pub header_read: Duration,
    /// How long a body may take to arrive.
    pub body_read: Duration,
    /// How long a request may take.
    pub handler: Duration,
    /// How long a long poll may take.
    pub long_poll: Duration,
    /// Requests per minute of one principal, to this process.
    pub requests_per_minute: u32,
    /// How long the queue may be for another workspace to be asked for.
    pub admission: admission::Limits,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 64 * 1024,
            uri_bytes: 8 * 1024,
            headers: 64,
            headers_bytes: 32 * 1024,
            header_bytes: 8 * 1024,
            connections: 10_000,
            header_read: Duration::from_secs(75),
            body_read: Duration::from_secs(15),
            handler: Duration::from_secs(30),
            long_poll: Duration::from_secs(65),
            requests_per_minute: 600,
            admission: admission::Limits::default(),
        }
    }
}

/// Everything handlers need; built once by `app`, cheap to clone.
#[derive(Clone)]
pub struct Http {
    /// The database.
    pub db: PgPool,
    /// Checks bearer tokens.
    pub verifier: Arc<Verifier>,
    /// How people log in on the documentation page; `app` runs [`Login::find`].
    pub login: Option<Arc<Login>>,
    /// The served document once it has a login, made by the first who asks for it.
    pub document: Arc<OnceLock<String>>,
    /// What can be asked for.
    pub templates: Templates,
    /// For what answers say about time.
    pub clock: Clock,
    /// Wakes those that wait for an operation; `app` runs [`Changes::listen`].
    pub changes: Changes,
    /// Looks up what the metrics say of the database.
    pub scrape: Scrape,
    /// Cancelled when the process begins to stop: readiness turns red and long polls are answered.
    pub shutdown: CancellationToken,
    /// Refuses what would wait for too long.
    pub admission: Arc<Admission>,
    /// What can be set.
    pub settings: Arc<Settings>,
}

/// The service. Routes and document come from the same list.
pub fn router(http: Http) -> Router {
    let (api, _) = routes::all().split_for_parts();
    let page = if http.settings.docs {
        docs::routes(http.settings.docs_token.as_ref(), http.login.as_deref())
    } else {
        Router::new()
    };
    let router = api
        .merge(page)
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(no_such_path);
    layers::around(router, &http).with_state(http)
}

async fn no_such_path() -> Problem {
    Problem::new(Code::NotFound, "There is no such path.").hint("See /openapi.json for the paths.")
}

async fn method_not_allowed() -> Problem {
    Problem::new(
        Code::MethodNotAllowed,
        "The path exists, but not with this method.",
    )
}

#[cfg(test)]
mod tests;
