//! `[server]`: where the API listens and what it accepts.

use super::shape::PlainHttp;
use super::{Mistakes, Source};
use secrecy::SecretString;
use serde::Deserialize;
use std::net::SocketAddr;

/// Settings of the API, as they are given: `app` hands `http` its part.
#[derive(Debug, Clone)]
pub struct ServerSettings {
    /// Address to listen on.
    pub listen: SocketAddr,
    /// Where callers find the service: scheme and host.
    pub public_url: Option<String>,
    /// Address to serve metrics on instead.
    pub metrics_listen: Option<SocketAddr>,
    /// Whether `/docs` is served.
    pub docs: bool,
    /// Largest body.
    pub max_body_bytes: usize,
    /// Longest handler.
    pub request_timeout_seconds: u32,
    /// Requests per minute of one principal, to one process.
    pub requests_per_minute: u32,
    /// Operations of one account that may wait to be begun before no more are accepted.
    pub max_queued_per_account: u32,
    /// How long the oldest job may have been due before no more are accepted.
    pub max_queue_seconds: u32,
    /// Whether asking for a workspace takes an `Idempotency-Key`.
    pub require_idempotency_key: bool,
    /// Whether changing a workspace takes `If-Match`.
    pub require_if_match: bool,
    /// A token that the documentation page offers. No setting: only `brickyard dev` fills it.
    pub docs_token: Option<SecretString>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Raw {
    listen: String,
    metrics_listen: Option<String>,
    public_url: Option<String>,
    docs: bool,
    max_body_bytes: usize,
    request_timeout_seconds: u32,
    requests_per_minute: u32,
    max_queued_per_account: u32,
    max_queue_seconds: u32,
    require_idempotency_key: bool,
    require_if_match: bool,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            public_url: None,
            metrics_listen: None,
            docs: true,
            max_body_bytes: 64 * 1024,
            request_timeout_seconds: 30,
            requests_per_minute: 600,
            max_queued_per_account: 5000,
            max_queue_seconds: 600,
            require_idempotency_key: false,
            require_if_match: false,
            docs_token: None,
        }
    }
}

impl Default for Raw {
    fn default() -> Self {
        let default = ServerSettings::default();
        Self {
            listen: default.listen.to_string(),
            public_url: default.public_url,
            metrics_listen: None,
            docs: default.docs,
            max_body_bytes: default.max_body_bytes,
            request_timeout_seconds: default.request_timeout_seconds,
            requests_per_minute: default.requests_per_minute,
            max_queued_per_account: default.max_queued_per_account,
            max_queue_seconds: default.max_queue_seconds,
            require_idempotency_key: default.require_idempotency_key,
            require_if_match: default.require_if_match,
        }
    }
}

pub(super) fn read(source: &Source, mistakes: &mut Mistakes) -> Option<ServerSettings> {
    let raw: Raw = source.section("server", mistakes)?;
    let listen = address("listen", &raw.listen, mistakes);
    let metrics_listen = raw.metrics_listen.as_deref();
    let metrics_listen = metrics_listen.map(|text| address("metrics_listen", text, mistakes));
    if let (Some(listen), Some(Some(metrics))) = (listen, metrics_listen)
        && listen == metrics
        && listen.port() != 0
    {
        let words =
            format!("{metrics} is where the API listens; leave it out to have metrics there");
        mistakes.add("server.metrics_listen", words);
    }
    if let Some(url) = &raw.public_url {
        // Of whatever scheme callers use on this machine; from anywhere else it is https.
        mistakes.url("server.public_url", url, PlainHttp(true));
        let rest = url.split_once("://").map_or("", |(_, rest)| rest);
        if rest.trim_end_matches('/').contains('/') {
            mistakes.add(
                "server.public_url",
                format!("`{url}` has a path; the service stands at the root of its host"),
            );
        }
    }
    mistakes.range(
        "server.max_body_bytes",
        raw.max_body_bytes,
        1024..=1024 * 1024,
    );
    mistakes.range(
        "server.requests_per_minute",
        raw.requests_per_minute,
        1..=1_000_000,
    );
    mistakes.range(
        "server.max_queued_per_account",
        raw.max_queued_per_account,
        1..=1_000_000,
    );
    mistakes.range(
        "server.max_queue_seconds",
        raw.max_queue_seconds,
        10..=86_400,
    );
    mistakes.range(
        "server.request_timeout_seconds",
        raw.request_timeout_seconds,
        1..=300,
    );
    Some(ServerSettings {
        listen: listen?,
        metrics_listen: metrics_listen.flatten(),
        public_url: raw.public_url,
        docs: raw.docs,
        max_body_bytes: raw.max_body_bytes,
        request_timeout_seconds: raw.request_timeout_seconds,
        requests_per_minute: raw.requests_per_minute,
        max_queued_per_account: raw.max_queued_per_account,
        max_queue_seconds: raw.max_queue_seconds,
        require_idempotency_key: raw.require_idempotency_key,
        require_if_match: raw.require_if_match,
        docs_token: None,
    })
}

fn address(key: &str, text: &str, mistakes: &mut Mistakes) -> Option<SocketAddr> {
    let address = text.parse().ok();
    if address.is_none() {
        mistakes.add(
            format!("server.{key}"),
            format!("`{text}` is not an address with a port, such as 0.0.0.0:8080"),
        );
    }
    address
}
