//! Traces: what happened to one request, over processes. The spans of our logs are also those of our traces, so there is
//! one vocabulary; this layer remembers what they are, and hands on what is finished.
//!
//! A trace is begun by [`begin`], at the two doors where work comes in: a request, and a job whose operation names the
//! trace it belongs to. Spans below a door are in its trace; all others are in none. What a span says of itself is taken
//! from a closed list (`shown`): never an address, a body or a header. Nobody waits here: what does not fit into the
//! buffer is dropped and counted.

use crate::clock::Clock;
use crate::metrics;
use serde_json::{Value, json};
use std::fmt;
use tokio::sync::mpsc;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Span, Subscriber};
use tracing_subscriber::Registry;
use tracing_subscriber::layer::{Context as Around, Layer};
use tracing_subscriber::registry::LookupSpan;

/// Finished spans that wait to be sent.
const BUFFER: usize = 4096;

/// Settings of traces.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Base address of the collector: OTLP over HTTP, as JSON.
    pub endpoint: String,
    /// Which part of the traces that begin here is recorded; one that comes with a caller follows the caller.
    pub sample_ratio: f64,
}

/// Finished spans, for whoever sends them.
pub type Finished = mpsc::Receiver<Value>;

/// Where a span is: W3C trace context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Context {
    trace: u128,
    span: u64,
    parent: Option<u64>,
    sampled: bool,
}

impl Context {
    /// Below a caller's context, or at the root of a new trace.
    fn door(caller: Option<&str>, ratio: f64) -> Self {
        let span = rand::random::<u64>().max(1);
        if let Some((trace, parent, sampled)) = caller.and_then(parse) {
            let parent = Some(parent);
            return Self {
                trace,
                span,
                parent,
                sampled,
            };
        }
        let trace = rand::random::<u128>().max(1);
        // The lower half decides, so that every process that sees the trace would decide alike.
        let sampled = ((trace as u64) as f64) < ratio * (u64::MAX as f64);
        Self {
            trace,
            span,
            parent: None,
            sampled,
        }
    }

    fn below(self) -> Self {
        Self {
            span: rand::random::<u64>().max(1),
            parent: Some(self.span),
            ..self
        }
    }
}

impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "00-{:032x}-{:016x}-{:02x}",
            self.trace,
            self.span,
            u8::from(self.sampled)
        )
    }
}

/// Trace, parent and whether it is recorded, of a context that was checked on its way in.
fn parse(traceparent: &str) -> Option<(u128, u64, bool)> {
    let mut parts = traceparent.split('-').skip(1);
    let trace = u128::from_str_radix(parts.next()?, 16).ok()?;
    let parent = u64::from_str_radix(parts.next()?, 16).ok()?;
    let flags = u8::from_str_radix(parts.next()?, 16).ok()?;
    Some((trace, parent, flags & 1 == 1))
}

/// A span that has not ended.
struct Open {
    context: Option<Context>,
    ratio: f64,
    began: u64,
    fields: Vec<(&'static str, Value)>,
}

impl Visit for Open {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.fields
            .push((field.name(), format!("{value:?}").into()));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.push((field.name(), value.into()));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.fields.push((field.name(), value.into()));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.fields.push((field.name(), value.into()));
    }
}

/// Begins a trace at this span, below the caller's if there is one. Returns the context that work of this span carries
/// on; `None` if traces are off. A span begins one trace: later callers are ignored.
pub fn begin(span: &Span, caller: Option<&str>) -> Option<String> {
    let context = span.with_subscriber(|(id, dispatch)| {
        let span = dispatch.downcast_ref::<Registry>()?.span(id)?;
        let mut extensions = span.extensions_mut();
        let open = extensions.get_mut::<Open>()?;
        let ratio = open.ratio;
        Some(
            *open
                .context
                .get_or_insert_with(|| Context::door(caller, ratio)),
        )
    });
    context.flatten().map(|context| context.to_string())
}

/// Remembers spans and hands on those that are recorded.
pub(super) struct Tracer {
    ratio: f64,
    clock: Clock,
    finished: mpsc::Sender<Value>,
}

impl Tracer {
    pub(super) fn new(settings: &Settings) -> (Self, Finished) {
        let (finished, receiver) = mpsc::channel(BUFFER);
        let tracer = Self {
            ratio: settings.sample_ratio,
            clock: Clock::system(),
            finished,
        };
        (tracer, receiver)
    }

    fn now(&self) -> u64 {
        let nanoseconds = self.clock.now().timestamp_nanos_opt();
        nanoseconds
            .and_then(|now| u64::try_from(now).ok())
            .unwrap_or(0)
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Tracer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, around: Around<'_, S>) {
        let Some(span) = around.span(id) else { return };
        let above = span
            .parent()
            .and_then(|parent| parent.extensions().get::<Open>()?.context);
        let mut open = Open {
            context: above.map(Context::below),
            ratio: self.ratio,
            began: self.now(),
            fields: Vec::new(),
        };
        attributes.record(&mut open);
        span.extensions_mut().insert(open);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, around: Around<'_, S>) {
        let Some(span) = around.span(id) else { return };
        if let Some(open) = span.extensions_mut().get_mut::<Open>() {
            values.record(open);
        }
    }

    fn on_close(&self, id: Id, around: Around<'_, S>) {
        let Some(span) = around.span(&id) else { return };
        let Some(open) = span.extensions_mut().remove::<Open>() else {
            return;
        };
        let Some(context) = open.context.filter(|context| context.sampled) else {
            return;
        };
        let span = finished(span.name(), context, &open, self.now());
        if self.finished.try_send(span).is_err() {
            metrics::spans_dropped(1);
        }
    }
}

/// Fields, and the attributes they become.
type Shown = &'static [(&'static str, &'static str)];

/// What is shown of a span: its kind as OTLP numbers it, the field that ends its name, and field by field the attribute.
/// Attributes are named by the semantic conventions where these have a name.
fn shown(name: &str) -> Option<(u8, &'static str, Shown)> {
    Some(match name {
        "request" => (
            2,
            "route",
            &[
                ("request_id", "brickyard.request_id"),
                ("method", "http.request.method"),
                ("route", "http.route"),
                ("status", "http.response.status_code"),
            ],
        ),
        "job" => (
            5,
            "job.kind",
            &[
                ("job.kind", "brickyard.job.kind"),
                ("job.epoch", "brickyard.job.epoch"),
            ],
        ),
        "step" => (
            1,
            "step",
            &[
                ("request_id", "brickyard.request_id"),
                ("operation.id", "brickyard.operation.id"),
                ("workspace.id", "brickyard.workspace.id"),
                ("step", "brickyard.step"),
                ("code", "error.type"),
            ],
        ),
        "send" => (
            3,
            "service",
            &[
                ("verb", "http.request.method"),
                ("service", "peer.service"),
                ("status", "http.response.status_code"),
            ],
        ),
        _ => return None,
    })
}

/// A span in OTLP's JSON.
fn finished(name: &'static str, context: Context, open: &Open, ended: u64) -> Value {
    let (kind, last, attributes) = shown(name).unwrap_or((1, "", &[]));
    let value = |field: &str| {
        let found = open.fields.iter().rev().find(|(known, _)| *known == field);
        found.map(|(_, value)| value)
    };
    let text = |field: &str| value(field).and_then(Value::as_str).unwrap_or_default();
    let name = match name {
        "request" => format!("{} {}", text("method"), text(last)),
        "send" => format!("{} {}", text("verb").to_uppercase(), text(last)),
        name => format!("{name} {}", text(last)),
    };
    let status = value("status").and_then(Value::as_u64);
    let failed = match kind {
        2 => status.is_none_or(|status| status >= 500),
        3 => status.is_none_or(|status| status >= 400),
        _ => value("code").is_some(),
    };
    let attributes: Vec<Value> = attributes
        .iter()
        .filter_map(|(field, key)| {
            let value = match value(field)? {
                Value::String(text) if *key == "http.request.method" => {
                    json!({"stringValue": text.to_uppercase()})
                }
                Value::String(text) => json!({"stringValue": text}),
                number => json!({"intValue": number.to_string()}),
            };
            Some(json!({"key": key, "value": value}))
        })
        .collect();
    let mut span = json!({
        "traceId": format!("{:032x}", context.trace),
        "spanId": format!("{:016x}", context.span),
        "name": name.trim_end(),
        "kind": kind,
        "startTimeUnixNano": open.began.to_string(),
        "endTimeUnixNano": ended.to_string(),
        "attributes": attributes,
        "status": if failed { json!({"code": 2}) } else { json!({}) },
    });
    if let Some(parent) = context.parent {
        span["parentSpanId"] = format!("{parent:016x}").into();
    }
    span
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing_subscriber::layer::SubscriberExt;

    const CALLER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn traced(ratio: f64, run: impl FnOnce()) -> Vec<Value> {
        let settings = Settings {
            endpoint: String::new(),
            sample_ratio: ratio,
        };
        let (tracer, mut finished) = Tracer::new(&settings);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(tracer), run);
        std::iter::from_fn(|| finished.try_recv().ok()).collect()
    }

    fn work(caller: Option<&str>) -> Option<String> {
        let door = tracing::info_span!(
            "request",
            method = "POST",
            route = "/workspaces",
            status = tracing::field::Empty
        );
        let context = begin(&door, caller);
        door.in_scope(|| {
            tracing::debug_span!(
                "send",
                verb = "Get",
                service = "issuer",
                path = "/secret",
                status = 200u16
            )
            .in_scope(|| ());
        });
        door.record("status", 202u16);
        context
    }

    #[test]
    fn spans_below_a_door_are_in_its_trace() {
        let spans = traced(0.0, || {
            let carried = work(Some(CALLER)).unwrap();
            assert!(
                carried.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-")
                    && carried.ends_with("-01")
            );
            assert_ne!(carried, CALLER);
            // Nobody's: recorded by nobody.
            tracing::info_span!("job", job.kind = "observe").in_scope(|| ());
        });
        let names: Vec<&str> = spans
            .iter()
            .map(|span| span["name"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["GET issuer", "POST /workspaces"]);
        assert_eq!(spans[1]["parentSpanId"], "00f067aa0ba902b7");
        assert_eq!(spans[0]["parentSpanId"], spans[1]["spanId"]);
        assert_eq!(
            (&spans[0]["kind"], &spans[1]["kind"]),
            (&json!(3), &json!(2))
        );
        assert!(
            spans
                .iter()
                .all(|span| span["traceId"] == "4bf92f3577b34da6a3ce929d0e0e4736")
        );
        assert!(!spans[0].to_string().contains("secret"));
        assert_eq!(spans[1]["status"], json!({}));
    }

    #[test]
    fn what_begins_here_is_sampled() {
        assert_eq!(traced(1.0, || drop(work(None))).len(), 2);
        let mut none = None;
        assert_eq!(traced(0.0, || none = work(None)).len(), 0);
        assert!(none.unwrap().ends_with("-00"));
        let unrecorded = CALLER.replace("-01", "-00");
        assert_eq!(traced(1.0, || drop(work(Some(&unrecorded)))).len(), 0);
    }

    #[test]
    fn without_the_layer_there_is_no_context() {
        tracing::subscriber::with_default(tracing_subscriber::registry(), || {
            assert_eq!(work(Some(CALLER)), None);
        });
    }
}
