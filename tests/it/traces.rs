//! Traces: one from the request to the delivered token, over two processes; and a collector that is away costs nothing else.

use crate::support::process::{Process, free_port};
use crate::support::{Builder, PATIENCE, TestApp};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

/// A collector on a free port: its address, and what it was sent.
async fn collector() -> (String, Arc<Mutex<Vec<Value>>>) {
    let sent = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&sent);
    let take = async move |Json(body): Json<Value>| {
        keep.lock().expect("a lock").push(body);
        Json(json!({}))
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let router = Router::new().route("/v1/traces", post(take));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, sent)
}

/// A world whose API and worker are processes of their own.
async fn world() -> TestApp {
    let builder = Builder {
        workers: 0,
        ..Builder::default()
    };
    builder.start().await
}

/// Asks the API on this port for a workspace, as soon as it answers; the operation.
async fn ask(app: &TestApp, port: u16, name: &str) -> Value {
    let until = Instant::now() + PATIENCE;
    let body = json!({"name": name, "template": "sandbox"});
    let client = reqwest::Client::new();
    loop {
        let request = client
            .post(format!("http://127.0.0.1:{port}/workspaces"))
            .bearer_auth(app.token("requester"))
            .json(&body);
        match request.send().await {
            Ok(answer) => {
                assert_eq!(answer.status(), 202);
                return answer.json().await.expect("an operation");
            }
            Err(_) => assert!(Instant::now() < until, "nobody answers"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn start(app: &TestApp, verb: &str, collector: &str, port: u16) -> Process {
    let listen = format!("127.0.0.1:{port}");
    let env = [
        ("BRICKYARD_SERVER__LISTEN", listen.as_str()),
        ("BRICKYARD_TRACES__ENDPOINT", collector),
        ("BRICKYARD_LOG__FILTER", "warn"),
    ];
    Process::start(app, verb, &env, Stdio::null())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_trace_from_the_request_to_the_token() {
    let app = world().await;
    let (address, sent) = collector().await;
    let port = free_port();
    let mut api = start(&app, "serve", &address, port);
    let mut worker = start(&app, "work", &address, port);
    let operation = ask(&app, port, "traced").await;
    assert_eq!(app.done(&operation).await["status"], "succeeded");
    // What is left is sent at the end.
    for process in [&mut api, &mut worker] {
        process.signal("TERM");
        assert_eq!(process.wait(), Some(0));
    }
    let sent = sent.lock().expect("a lock").clone();
    let text = Value::from(sent.clone()).to_string();
    let mut spans = Vec::new();
    for resource in sent
        .iter()
        .flat_map(|body| body["resourceSpans"].as_array().expect("a list"))
    {
        assert_eq!(
            resource["resource"]["attributes"][0]["value"]["stringValue"],
            "brickyard"
        );
        let scope = resource["scopeSpans"][0]["spans"]
            .as_array()
            .expect("spans");
        spans.extend(scope.iter().cloned());
    }
    let name = |span: &Value| span["name"].as_str().expect("a name").to_owned();
    let root = spans.iter().find(|span| name(span) == "POST /workspaces");
    let root = root.expect("the request").clone();
    assert!(root.get("parentSpanId").is_none());
    let trace: Vec<&Value> = spans
        .iter()
        .filter(|span| span["traceId"] == root["traceId"])
        .collect();
    let ids: HashSet<&str> = trace
        .iter()
        .map(|span| span["spanId"].as_str().expect("an id"))
        .collect();
    assert_eq!(ids.len(), trace.len(), "an id stands twice");
    for span in &trace {
        let begin: u64 = span["startTimeUnixNano"]
            .as_str()
            .expect("a time")
            .parse()
            .expect("a number");
        let end: u64 = span["endTimeUnixNano"]
            .as_str()
            .expect("a time")
            .parse()
            .expect("a number");
        assert!(0 < begin && begin <= end, "{span}");
        if **span != root {
            let parent = span["parentSpanId"].as_str().expect("a parent");
            assert!(ids.contains(parent), "the parent is elsewhere: {span}");
        }
    }
    let names: HashSet<String> = trace.iter().map(|span| name(span)).collect();
    let steps = operation["steps"].as_array().expect("steps");
    for step in steps {
        let step = format!("step {}", step["name"].as_str().expect("a name"));
        assert!(names.contains(&step), "{step} in {names:?}");
    }
    for expected in [
        "job operation",
        "POST databricks_account",
        "POST databricks_workspace",
        "POST vault_kv2",
    ] {
        assert!(names.contains(expected), "{expected} in {names:?}");
    }
    // A call hangs below its step, the step below its job, the job below the request.
    let above = |span: &Value| {
        let parent = trace
            .iter()
            .find(|above| above["spanId"] == span["parentSpanId"]);
        (*parent.expect("a parent")).clone()
    };
    let call = trace
        .iter()
        .find(|span| name(span) == "POST vault_kv2")
        .expect("a call");
    let step = above(call);
    assert_eq!(name(&step), "step deliver_token");
    let job = above(&step);
    assert_eq!(
        (name(&job), above(&job)),
        ("job operation".to_owned(), root)
    );
    for secret in [
        "dapi",
        "hvs.",
        "Bearer",
        "dose",
        "/api/2.0",
        "127.0.0.1",
        "brickyard.test",
        "eyJ",
    ] {
        assert!(!text.contains(secret), "{secret} in a trace");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_never_answers_costs_spans_and_nothing_else() {
    let app = world().await;
    // It takes connections and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", silent.local_addr().expect("an address"));
    let port = free_port();
    let mut all = start(&app, "all", &address, port);
    ask(&app, port, "untraced-first").await;
    let begin = Instant::now();
    let operation = ask(&app, port, "untraced").await;
    // Far below the time that a collector may take.
    assert!(
        begin.elapsed() < Duration::from_secs(4),
        "{:?}",
        begin.elapsed()
    );
    assert_eq!(app.done(&operation).await["status"], "succeeded");
    let metrics = reqwest::get(format!("http://127.0.0.1:{port}/metrics")).await;
    let metrics = metrics.expect("metrics").text().await.expect("a text");
    assert!(
        metrics.contains("brickyard_trace_spans_dropped_total "),
        "{metrics}"
    );
    let begin = Instant::now();
    all.signal("TERM");
    assert_eq!(all.wait(), Some(0));
    assert!(
        begin.elapsed() < Duration::from_secs(25),
        "{:?}",
        begin.elapsed()
    );
    app.finish().await;
}
