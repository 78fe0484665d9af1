//! The numbers for whoever runs the service: all documented, all of closed label sets, and right.

mod scraped;

use crate::support::account::Account;
use crate::support::process::{Process, free_port};
use crate::support::{Answer, Builder, PATIENCE, TestApp, conformity};
use brickyard::domain::cloud::Cloud;
use brickyard::domain::id::WorkspaceId;
use brickyard::domain::marker::{MarkerKind, marker};
use brickyard::domain::problem::Code;
use brickyard::provisioning::plan;
use scraped::Scraped;
use serde_json::json;
use simulator::{Call, Fault, FaultKind};
use std::collections::BTreeSet;
use std::process::Stdio;
use std::time::{Duration, Instant};

async fn scrape(app: &TestApp) -> (Answer, Scraped) {
    let answer = app.send("GET", "/metrics", &[], None).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let scraped = Scraped::of(&answer.text);
    (answer, scraped)
}

/// The table of the documentation.
fn documented() -> BTreeSet<(String, String, BTreeSet<String>)> {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/metrics.md"));
    let text = text.expect("the documentation");
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let labels = cells[3]
            .split_whitespace()
            .map(|label| label.trim_matches('`').to_owned());
        (
            cells[1].trim_matches('`').to_owned(),
            cells[2].to_owned(),
            labels.collect(),
        )
    })
    .collect()
}

/// Whether a label may have this value: every label has a closed list.
fn is_known(label: &str, value: &str) -> bool {
    let one_of = |list: &[&str]| list.contains(&value);
    match label {
        "route" => {
            let documented = conformity::routes()
                .into_iter()
                .any(|route| route.path == value);
            documented || one_of(&["unmatched", "/docs", "/docs/", "/docs/{*asset}"])
        }
        "method" => one_of(&[
            "GET",
            "HEAD",
            "POST",
            "PUT",
            "PATCH",
            "DELETE",
            "OPTIONS",
            "TRACE",
            "CONNECT",
            "unmatched",
        ]),
        "status" => {
            let http = value
                .parse::<u16>()
                .is_ok_and(|status| (100..600).contains(&status));
            http || one_of(&["none", "queued", "running", "needs_attention"])
        }
        "kind" => one_of(&[
            "create",
            "update",
            "delete",
            "workspace",
            "network",
            "storage",
            "credentials",
            "principal",
            "token",
        ]),
        "account" => value == "main",
        "cloud" => Cloud::named(value).is_some(),
        "result" => one_of(&["succeeded", "failed", "cancelled", "skipped", "undone"]),
        "code" => value.is_empty() || value.parse::<Code>().is_ok(),
        "step" => plan::find(value).is_some(),
        "service" => one_of(&[
            "databricks_account",
            "databricks_workspace",
            "vault_kv2",
            "aws_secrets_manager",
            "azure_key_vault",
            "azure_identity",
            "azure_resource_manager",
            "issuer",
            "otlp",
        ]),
        "phase" => one_of(&[
            "pending",
            "provisioning",
            "ready",
            "updating",
            "deleting",
            "failed",
        ]),
        "state" => one_of(&["idle", "used"]),
        "le" => value == "+Inf" || value.parse::<f64>().is_ok(),
        "version" => value == env!("CARGO_PKG_VERSION"),
        "commit" => value.len() <= 40,
        _ => false,
    }
}

/// A run in which everything happens that is counted, up to an operation that nobody works on; workspaces and callers have tell-tale names.
async fn busy() -> TestApp {
    let mut app = TestApp::start().await;
    let (_, before) = scrape(&app).await;
    app.ready("telltale-one").await;
    app.fault(Fault::new(FaultKind::Throttled).on(Call::CreateCredentials));
    app.ready("telltale-two").await;
    app.fault(Fault::new(FaultKind::WorkspaceFails).message("telltale: nobody knows these words"));
    let failing = app.create("telltale-three").await;
    assert_eq!(app.done(&failing).await["status"], "failed");
    app.removed("telltale-one").await;
    let (id, bearer) = (failing["id"].as_str().expect("an id"), app.bearer("admin"));
    let headers = [("authorization", bearer.as_bytes())];
    for target in [
        "/telltale",
        "/workspaces/telltale-nine",
        "/problems",
        &format!("/operations/{id}"),
    ] {
        for method in ["GET", "HEAD", "BREW", "TELLTALE", "OPTIONS"] {
            app.raw(method, target, &headers, b"").await;
        }
    }
    let account = Account::open(&app.simulator).await;
    let orphan = marker("dev", WorkspaceId::new(), MarkerKind::Credentials, 1);
    let body = json!({"credentials_name": orphan, "aws_credentials": {"sts_role": {"role_arn": "arn:aws:iam::111122223333:role/x"}}});
    let orphan = account.create("credentials", body).await;
    app.sweep().await;
    let orphan = orphan["credentials_id"].as_str().expect("an id");
    app.planted(orphan);
    account.remove(&format!("credentials/{orphan}")).await;
    app.stop_workers().await;
    app.create("telltale-four").await;
    // What was looked up before is forgotten.
    app.restart_api().await;
    let (_, after) = scrape(&app).await;
    let more =
        |name: &str, labels: &[(&str, &str)]| after.sum(name, labels) - before.sum(name, labels);
    // Other tests of this process count as well.
    for (name, labels, at_least) in [
        (
            "brickyard_operations_total",
            &[("kind", "create"), ("result", "succeeded")][..],
            2.0,
        ),
        (
            "brickyard_operations_total",
            &[("code", "workspace_failed"), ("result", "failed")],
            1.0,
        ),
        (
            "brickyard_operations_total",
            &[("kind", "delete"), ("result", "succeeded")],
            1.0,
        ),
        (
            "brickyard_operation_duration_seconds_count",
            &[("kind", "create")],
            3.0,
        ),
        (
            "brickyard_step_duration_seconds_count",
            &[("step", "deliver_token"), ("result", "succeeded")],
            2.0,
        ),
        (
            "brickyard_step_duration_seconds_count",
            &[("step", "await_running"), ("result", "failed")],
            1.0,
        ),
        (
            "brickyard_upstream_requests_total",
            &[("service", "databricks_account"), ("status", "429")],
            1.0,
        ),
        (
            "brickyard_upstream_requests_total",
            &[("service", "vault_kv2")],
            2.0,
        ),
        (
            "brickyard_upstream_throttled_seconds_total",
            &[("service", "databricks_account")],
            0.5,
        ),
        ("brickyard_unrecognised_failures_total", &[], 1.0),
        (
            "brickyard_http_requests_total",
            &[
                ("route", "/workspaces"),
                ("method", "POST"),
                ("status", "202"),
            ],
            3.0,
        ),
        (
            "brickyard_http_requests_total",
            &[("route", "unmatched"), ("method", "unmatched")],
            2.0,
        ),
        (
            "brickyard_http_request_duration_seconds_count",
            &[("route", "/operations/{operation}")],
            3.0,
        ),
    ] {
        assert!(
            more(name, labels) >= at_least,
            "{name} {labels:?}: {}",
            more(name, labels)
        );
    }
    app
}

#[tokio::test(flavor = "multi_thread")]
async fn every_metric_is_documented_and_its_labels_are_closed() {
    let mut app = busy().await;
    let (answer, scraped) = scrape(&app).await;
    let media_type = &answer.headers["content-type"];
    assert!(
        media_type.starts_with("application/openmetrics-text; version=1.0.0"),
        "{media_type}"
    );
    assert_eq!(scraped.metrics(), documented());
    for sample in &scraped.samples {
        for (label, value) in &sample.labels {
            assert!(is_known(label, value), "{sample:?}: {label}");
        }
    }
    for secret in [
        "telltale",
        "example.com",
        "data-platform",
        // Not "ws_" alone: a store is called aws_secrets_manager.
        "\"ws_",
        "/ws_",
        "\"op_",
        "/op_",
        "databricks/",
    ] {
        assert!(!answer.text.contains(secret), "{secret}");
    }
    app.start_worker();
    app.finish().await;
}

async fn eventually(url: &str) -> String {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Ok(answer) = reqwest::get(url).await {
            assert_eq!(answer.status(), 200, "{url}");
            return answer.text().await.expect("a text");
        }
        assert!(Instant::now() < until, "{url} does not answer");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn gauges_say_what_the_database_holds_and_ask_it_seldom() {
    let app = Builder {
        workers: 0,
        ..Builder::default()
    }
    .start()
    .await;
    for name in ["waits-one", "waits-two", "waits-three"] {
        app.create(name).await;
    }
    app.advance(Duration::from_secs(60)).await;
    let (_, first) = scrape(&app).await;
    let pending = [("phase", "pending"), ("cloud", "aws")];
    assert_eq!(first.sum("brickyard_workspaces", &pending), 3.0);
    let queued = [("status", "queued"), ("kind", "create")];
    assert_eq!(first.sum("brickyard_operations_in_progress", &queued), 3.0);
    assert_eq!(first.sum("brickyard_jobs_available", &[]), 3.0);
    let oldest = first.sum("brickyard_job_oldest_available_seconds", &[]);
    assert!((60.0..90.0).contains(&oldest), "{oldest}");
    assert_eq!(first.sum("brickyard_database_up", &[]), 1.0);
    assert!(first.sum("brickyard_database_connections", &[]) >= 1.0);
    // A moment later nobody is asked again.
    app.create("waits-four").await;
    app.app.db.close().await;
    let (_, second) = scrape(&app).await;
    assert_eq!(second.sum("brickyard_workspaces", &pending), 3.0);
    app.abandon("nobody works here, and its database is closed")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_database_there_are_still_numbers() {
    let app = Builder {
        workers: 0,
        ..Builder::default()
    }
    .start()
    .await;
    app.app.db.close().await;
    let (_, scraped) = scrape(&app).await;
    assert_eq!(scraped.sum("brickyard_database_up", &[]), 0.0);
    assert!(!scraped.types.contains_key("brickyard_workspaces"));
    assert!(scraped.types.contains_key("brickyard_http_requests"));
    app.abandon("its database is closed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_may_have_an_address_of_their_own() {
    let app = Builder {
        workers: 0,
        tune: |app| app.http.metrics = false,
        ..Builder::default()
    }
    .start()
    .await;
    let answer = app.send("GET", "/metrics", &[], None).await;
    assert_eq!(
        (answer.status, &answer.body["code"]),
        (404, &json!("not_found"))
    );
    let (api, own) = (free_port(), free_port());
    let env = [
        ("BRICKYARD_SERVER__LISTEN", format!("127.0.0.1:{api}")),
        (
            "BRICKYARD_SERVER__METRICS_LISTEN",
            format!("127.0.0.1:{own}"),
        ),
    ];
    let env: Vec<(&str, &str)> = env
        .iter()
        .map(|(key, value)| (*key, value.as_str()))
        .collect();
    let mut all = Process::start(&app, "all", &env, Stdio::null());
    let text = eventually(&format!("http://127.0.0.1:{own}/metrics")).await;
    assert!(text.contains("brickyard_database_up 1"), "{text}");
    let status = async |port: u16, path: &str| {
        let answer = reqwest::get(format!("http://127.0.0.1:{port}{path}")).await;
        answer.expect("an answer").status().as_u16()
    };
    assert_eq!(status(own, "/livez").await, 200);
    assert_eq!(status(own, "/workspaces").await, 404);
    assert_eq!(status(own, "/").await, 404);
    assert_eq!(status(api, "/livez").await, 200);
    assert_eq!(status(api, "/metrics").await, 404);
    all.signal("TERM");
    assert_eq!(all.wait(), Some(0));
    app.finish().await;
}
