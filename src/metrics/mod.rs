//! What is counted: numbers of this process for whoever runs it, in the text that Prometheus scrapes.
//!
//! Rooms call a function here when something has happened, and [`render`] writes all of it down. Labels are taken from
//! closed lists only (route templates, kinds, steps, codes): never a name, a team or an id, so that the number of series
//! does not grow with use. Counters begin at 0 with each process and survive nothing.
//!
//! This room refuses to know what its numbers are about, to ask the database, and to serve anything. What only the
//! database knows is handed in as [`Gauge`]s.

mod process;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::sync::LazyLock;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

/// Media type of [`render`].
pub const MEDIA_TYPE: &str = "application/openmetrics-text";

/// Begins the name of every metric of ours.
const PREFIX: &str = "brickyard";

/// Stands for every path that is no route, and every method that is no method.
const UNMATCHED: &str = "unmatched";

const METHODS: [&str; 9] = [
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT",
];

/// Bounds of an answer's time, in seconds; the last is the longest long poll.
const ANSWER_BOUNDS: [f64; 12] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0, 65.0,
];

/// Bounds of work's time, in seconds: close together where the vendor usually ends.
const WORK_BOUNDS: [f64; 14] = [
    0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 120.0, 240.0, 300.0, 420.0, 600.0, 1200.0, 3600.0, 7200.0,
];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answer {
    route: String,
    method: &'static str,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Asked {
    route: String,
    method: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Operation {
    kind: &'static str,
    cloud: &'static str,
    result: &'static str,
    code: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Work {
    kind: &'static str,
    cloud: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Step {
    step: &'static str,
    cloud: &'static str,
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Call {
    service: &'static str,
    status: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Service {
    service: &'static str,
}

type Times<L> = Family<L, Histogram>;
type Seconds = Counter<f64, AtomicU64>;

/// Everything that is counted as it happens.
struct Counted {
    registry: Registry,
    answers: Family<Answer, Counter>,
    answer_times: Times<Asked>,
    operations: Family<Operation, Counter>,
    operation_times: Times<Work>,
    step_times: Times<Step>,
    calls: Family<Call, Counter>,
    throttled: Family<Service, Seconds>,
    unrecognised: Counter,
    jobs_running: gauge::Gauge,
    leases_lost: Counter,
    spans_dropped: Counter,
}

static COUNTED: LazyLock<Counted> = LazyLock::new(Counted::new);

impl Counted {
    fn new() -> Self {
        let mut registry = Registry::with_prefix(PREFIX);
        let answer_times = Times::new_with_constructor(|| Histogram::new(ANSWER_BOUNDS));
        let operation_times = Times::new_with_constructor(|| Histogram::new(WORK_BOUNDS));
        let step_times = Times::new_with_constructor(|| Histogram::new(WORK_BOUNDS));
        let counted = Self {
            answers: Family::default(),
            answer_times,
            operations: Family::default(),
            operation_times,
            step_times,
            calls: Family::default(),
            throttled: Family::default(),
            unrecognised: Counter::default(),
            jobs_running: gauge::Gauge::default(),
            leases_lost: Counter::default(),
            spans_dropped: Counter::default(),
            registry: Registry::default(),
        };
        let r = &mut registry;
        r.register(
            "http_requests",
            "Answers of the API",
            counted.answers.clone(),
        );
        r.register(
            "http_request_duration_seconds",
            "Time from request to answer",
            counted.answer_times.clone(),
        );
        r.register(
            "operations",
            "Operations that ended",
            counted.operations.clone(),
        );
        r.register(
            "operation_duration_seconds",
            "Time from an operation's first step to its end",
            counted.operation_times.clone(),
        );
        r.register(
            "step_duration_seconds",
            "Time from a step's begin to its end, waiting included",
            counted.step_times.clone(),
        );
        r.register(
            "upstream_requests",
            "Requests to services outside",
            counted.calls.clone(),
        );
        r.register(
            "upstream_throttled_seconds",
            "Time for which a service asked to be left alone",
            counted.throttled.clone(),
        );
        r.register(
            "unrecognised_failures",
            "Failures that the service has no words for",
            counted.unrecognised.clone(),
        );
        r.register(
            "jobs_running",
            "Jobs this process works on",
            counted.jobs_running.clone(),
        );
        r.register(
            "leases_lost",
            "Times another process had taken over a job",
            counted.leases_lost.clone(),
        );
        r.register(
            "trace_spans_dropped",
            "Finished spans that reached no collector",
            counted.spans_dropped.clone(),
        );
        Self {
            registry,
            ..counted
        }
    }
}

/// An exchange of the API ended. `route` is the route's template; empty if there is none.
pub fn answered(route: &str, method: &str, status: u16, elapsed: Duration) {
    let route = if route.is_empty() { UNMATCHED } else { route }.to_owned();
    let method = METHODS.iter().find(|known| **known == method);
    let method = method.copied().unwrap_or(UNMATCHED);
    let asked = Asked { route, method };
    COUNTED
        .answer_times
        .get_or_create(&asked)
        .observe(elapsed.as_secs_f64());
    let Asked { route, method } = asked;
    COUNTED
        .answers
        .get_or_create(&Answer {
            route,
            method,
            status,
        })
        .inc();
}

/// An operation ended; `code` is its problem's, or empty.
pub fn operation_ended(
    kind: &'static str,
    cloud: &'static str,
    result: &'static str,
    code: &'static str,
    duration: Option<Duration>,
) {
    let ended = Operation {
        kind,
        cloud,
        result,
        code,
    };
    COUNTED.operations.get_or_create(&ended).inc();
    if let Some(duration) = duration {
        COUNTED
            .operation_times
            .get_or_create(&Work { kind, cloud })
            .observe(duration.as_secs_f64());
    }
}

/// A step ended.
pub fn step_ended(
    step: &'static str,
    cloud: &'static str,
    result: &'static str,
    duration: Duration,
) {
    COUNTED
        .step_times
        .get_or_create(&Step {
            step,
            cloud,
            result,
        })
        .observe(duration.as_secs_f64());
}

/// A request to a service outside ended, with this status if there was an answer.
pub fn called(service: &'static str, status: Option<u16>) {
    let status = status.map_or_else(|| "none".to_owned(), |status| status.to_string());
    COUNTED.calls.get_or_create(&Call { service, status }).inc();
}

/// A service asked to be left alone for that much longer.
pub fn throttled(service: &'static str, time: Duration) {
    COUNTED
        .throttled
        .get_or_create(&Service { service })
        .inc_by(time.as_secs_f64());
}

/// Something failed for a reason that the service has no words for.
pub fn unrecognised_failure() {
    COUNTED.unrecognised.inc();
}

/// Another process had taken over a job of this one.
pub fn lease_lost() {
    COUNTED.leases_lost.inc();
}

/// So many finished spans reach no collector.
pub fn spans_dropped(spans: u64) {
    COUNTED.spans_dropped.inc_by(spans);
}

/// A job this process works on, for as long as this lives.
#[derive(Debug)]
pub struct JobRunning(());

impl JobRunning {
    /// It begins.
    pub fn begin() -> Self {
        COUNTED.jobs_running.inc();
        Self(())
    }
}

impl Drop for JobRunning {
    fn drop(&mut self) {
        COUNTED.jobs_running.dec();
    }
}

/// A number that somebody looked up just now.
#[derive(Debug, Clone, PartialEq)]
pub struct Gauge {
    /// Its name, without the prefix.
    pub name: &'static str,
    /// What it is.
    pub help: &'static str,
    /// Its series: labels and value.
    pub series: Vec<(Labels, f64)>,
}

/// Names and values from closed lists.
pub type Labels = Vec<(&'static str, String)>;

impl Gauge {
    /// A gauge without labels.
    pub fn of(name: &'static str, help: &'static str, value: f64) -> Self {
        Self {
            name,
            help,
            series: vec![(Labels::new(), value)],
        }
    }
}

/// Everything: what was counted, these gauges, and how the process is. The text is OpenMetrics.
pub fn render(gauges: &[Gauge]) -> String {
    let mut looked_up = Registry::with_prefix(PREFIX);
    for gauge in gauges {
        if let [(labels, value)] = &gauge.series[..]
            && labels.is_empty()
        {
            looked_up.register(gauge.name, gauge.help, gauge::ConstGauge::new(*value));
            continue;
        }
        let family = Family::<Labels, gauge::Gauge<f64, AtomicU64>>::default();
        for (labels, value) in &gauge.series {
            family.get_or_create(labels).set(*value);
        }
        looked_up.register(gauge.name, gauge.help, family);
    }
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = text::encode_registry(&mut text, &COUNTED.registry);
    let _ = text::encode_registry(&mut text, &looked_up);
    let _ = text::encode_registry(&mut text, &process::registry());
    let _ = text::encode_eof(&mut text);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_route_or_method_is_one_series() {
        for odd in ["BREW", "get", ""] {
            answered("", odd, 404, Duration::from_millis(3));
        }
        answered("/livez", "GET", 200, Duration::from_millis(3));
        let text = render(&[]);
        for series in [
            "route=\"unmatched\",method=\"unmatched\",status=\"404\"",
            "route=\"/livez\",method=\"GET\",status=\"200\"",
        ] {
            let line = format!("brickyard_http_requests_total{{{series}}} ");
            assert_eq!(text.matches(&line).count(), 1, "{series} in {text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }

    #[test]
    fn gauges_are_what_was_looked_up() {
        let gauge = Gauge {
            name: "workspaces",
            help: "Workspaces",
            series: vec![(
                vec![("phase", "ready".to_owned()), ("cloud", "aws".to_owned())],
                7.0,
            )],
        };
        let text = render(&[gauge, Gauge::of("jobs_available", "Jobs", 0.0)]);
        assert!(
            text.contains("brickyard_workspaces{phase=\"ready\",cloud=\"aws\"} 7.0\n"),
            "{text}"
        );
        assert!(text.contains("brickyard_jobs_available 0.0\n"), "{text}");
    }
}
