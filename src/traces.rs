//! Carries finished spans to a collector: OTLP over HTTP, as JSON. Behind the feature `otlp`. A protocol of few lines beside
//! `outbound` instead of an SDK with a second HTTP client, protocol buffers and gRPC's types.
//!
//! A collector that is slow or away costs spans and nothing else: one batch at a time is sent once, what comes meanwhile
//! waits in a bounded buffer, and what does not fit or arrive is dropped and counted.

use crate::metrics;
use crate::outbound::{Authorization, Body, Outbound, Request, Verb};
use crate::telemetry::traces::Finished;
use serde_json::{Value, json};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

/// Most spans in one request.
const BATCH: usize = 512;
/// How long spans are collected.
const COLLECT: Duration = Duration::from_secs(1);
/// How long a collector may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// What sends.
pub struct Exporter {
    /// The door to the outside.
    pub outbound: Outbound,
    /// Base address of the collector.
    pub endpoint: String,
    /// Name of this installation.
    pub instance: String,
}

impl Exporter {
    /// Sends what is finished until `ended`, and then what is left, once.
    pub async fn run(self, mut finished: Finished, ended: CancellationToken) {
        loop {
            let mut batch = Vec::new();
            let last = tokio::select! {
                () = ended.cancelled() => true,
                () = collect(&mut finished, &mut batch) => false,
            };
            while batch.len() < BATCH
                && let Ok(span) = finished.try_recv()
            {
                batch.push(span);
            }
            let more = batch.len() == BATCH;
            let taken = batch.is_empty() || self.send(batch).await;
            // At the end nobody waits for a collector that is away.
            if last && !(more && taken) {
                return;
            }
        }
    }

    async fn send(&self, spans: Vec<Value>) -> bool {
        let count = spans.len();
        let text = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
        let body = json!({"resourceSpans": [{
            "resource": {"attributes": [
                text("service.name", "brickyard"),
                text("service.version", env!("CARGO_PKG_VERSION")),
                text("service.namespace", &self.instance),
            ]},
            "scopeSpans": [{"scope": {"name": "brickyard"}, "spans": spans}],
        }]});
        let request = Request {
            service: "otlp",
            verb: Verb::Post,
            url: format!("{}/v1/traces", self.endpoint.trim_end_matches('/')),
            query: Vec::new(),
            authorization: Authorization::None,
            headers: Vec::new(),
            body: Body::Json(Zeroizing::new(body.to_string().into_bytes())),
            timeout: TIMEOUT,
            max_bytes: 64 * 1024,
        };
        let why = match self.outbound.send(request).await {
            Ok(answer) if (200..300).contains(&answer.status) => return true,
            Ok(answer) => format!("it answered {}", answer.status),
            Err(error) => error.to_string(),
        };
        metrics::spans_dropped(u64::try_from(count).unwrap_or(u64::MAX));
        tracing::debug!(spans = count, why, "the collector did not take spans");
        false
    }
}

/// Waits for a first span, and then a while for others.
async fn collect(finished: &mut Finished, batch: &mut Vec<Value>) {
    let Some(first) = finished.recv().await else {
        return std::future::pending().await;
    };
    batch.push(first);
    let until = tokio::time::sleep(COLLECT);
    tokio::pin!(until);
    while batch.len() < BATCH {
        tokio::select! {
            () = &mut until => return,
            span = finished.recv() => match span {
                Some(span) => batch.push(span),
                None => return,
            },
        }
    }
}
