//! A PAT is found nowhere but in the store: not in logs (of every level), not in the database, not in any answer.
//! Nor are the service's own secrets.

use crate::support::process::Process;
use crate::support::stores::Store;
use crate::support::{Builder, PATIENCE, TestApp};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use simulator::{Call, Fault, FaultKind};
use std::fs::File;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// The forms in which a secret may hide.
fn forms(secret: &str) -> Vec<String> {
    let hex = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let reversed = secret.chars().rev().collect();
    vec![
        secret.to_owned(),
        STANDARD_NO_PAD.encode(secret),
        URL_SAFE_NO_PAD.encode(secret),
        hex,
        reversed,
        // Half a secret in a cut message is a leak as well.
        secret[secret.len() / 2..].to_owned(),
    ]
}

/// Every row of every table, as text.
async fn dump(app: &TestApp) -> String {
    let tables: Vec<String> = sqlx::query_scalar(
        "select quote_ident(table_name) from information_schema.tables where table_schema = 'public'",
    )
    .fetch_all(&app.db)
    .await
    .expect("tables");
    assert!(tables.len() >= 8, "{tables:?}");
    let mut text = String::new();
    for table in tables {
        let rows: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
            "select t::text from {table} t"
        )))
        .fetch_all(&app.db)
        .await
        .expect("rows");
        text.push_str(&rows.join("\n"));
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_anywhere_but_in_the_store() {
    for store in Store::all() {
        nowhere_but_in(store).await;
    }
}

async fn nowhere_but_in(store: Store) {
    let app = Builder {
        workers: 0,
        store,
        ..Builder::default()
    }
    .start()
    .await;
    // Faults make errors, and errors make texts.
    for (fault, call) in [
        (FaultKind::Truncated, Call::MintTokenOnBehalf),
        (FaultKind::ErrorAfterActing, Call::StorePut),
        (FaultKind::HtmlError, Call::ListTokensAsAdmin),
        (FaultKind::AnswerLost, Call::StoreMetadataPut),
        (FaultKind::Unauthorized, Call::WorkspaceToken),
    ] {
        app.fault(Fault::new(fault).on(call));
    }
    let log = tempfile::NamedTempFile::new().expect("a file");
    let stderr = Stdio::from(File::create(log.path()).expect("it can be written"));
    let filter = "trace,tokio=info,mio=info,polling=info";
    let _worker = Process::start(&app, "work", &[("BRICKYARD_LOG__FILTER", filter)], stderr);

    let mut answers = String::new();
    let create = app.create("canary").await;
    let until = Instant::now() + PATIENCE;
    let mut seen: Vec<String> = Vec::new();
    loop {
        let operation = app
            .get(&format!(
                "/operations/{}",
                create["id"].as_str().expect("an id")
            ))
            .await;
        answers.push_str(&operation.text);
        for token in app.simulator.inventory().tokens {
            if !seen.contains(&token.value) {
                seen.push(token.value);
            }
        }
        if operation.body["done"] == true {
            assert_eq!(
                operation.body["status"], "succeeded",
                "{:#}",
                operation.body
            );
            break;
        }
        assert!(Instant::now() < until, "{:#}", operation.body);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    for path in [
        "/workspaces",
        "/workspaces/canary",
        "/workspaces/canary/tokens",
        "/operations",
        "/openapi.json",
        "/readyz?verbose=true",
        "/nowhere",
    ] {
        answers.push_str(&app.get(path).await.text);
    }
    let live = app.simulator.inventory().tokens;
    assert_eq!(live.len(), 1);
    let accepted = app.removed("canary").await;
    answers.push_str(&accepted.to_string());

    let world = app.simulator.world();
    let mut secrets = seen.clone();
    secrets.push(world.client_secret.clone());
    secrets.extend(app.store.own_secrets(world));
    assert!(seen.contains(&live[0].value), "the canary was seen alive");
    let log = std::fs::read_to_string(log.path()).expect("a log");
    assert!(
        log.contains("deliver_token"),
        "the log is a log: {} bytes",
        log.len()
    );
    let dump = dump(&app).await;
    assert!(dump.contains("canary"), "the dump is a dump");
    for secret in &secrets {
        for form in forms(secret) {
            for (place, text) in [
                ("the log", &log),
                ("the database", &dump),
                ("an answer", &answers),
            ] {
                if let Some(at) = text.find(&form) {
                    let from = text[..at]
                        .char_indices()
                        .rev()
                        .nth(300)
                        .map_or(0, |(i, _)| i);
                    panic!("{form} is in {place}: …{}…", &text[from..at]);
                }
            }
        }
    }
    app.finish().await;
}

/// A caller's trace context.
const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// The lines of a worker's log carry the API's ids, so that one request can be followed through both.
#[tokio::test(flavor = "multi_thread")]
async fn logs_carry_the_ids_of_the_api() {
    let app = Builder {
        workers: 0,
        ..Builder::default()
    }
    .start()
    .await;
    let log = tempfile::NamedTempFile::new().expect("a file");
    let stderr = Stdio::from(File::create(log.path()).expect("it can be written"));
    let _worker = Process::start(&app, "work", &[("BRICKYARD_LOG__FORMAT", "json")], stderr);
    let body = json!({"name": "followed", "template": "sandbox"});
    let accepted = app
        .post_with(
            "/workspaces",
            &body,
            &[("x-request-id", "follow-me"), ("traceparent", TRACE)],
        )
        .await;
    assert_eq!(
        accepted.headers.get("x-request-id").map(String::as_str),
        Some("follow-me")
    );
    app.done(&accepted.body).await;
    let text = std::fs::read_to_string(log.path()).expect("a log");
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("one JSON object a line"))
        .collect();
    let spans = lines.iter().map(|line| &line["span"]);
    let ours: Vec<&Value> = spans
        .filter(|span| span["request_id"] == "follow-me")
        .collect();
    assert!(ours.len() >= 8, "a line for each step: {text}");
    for line in ours {
        assert_eq!(line["trace_id"], TRACE[3..35], "{line}");
        assert_eq!(line["operation.id"], accepted.body["id"], "{line}");
        assert_eq!(
            line["workspace.id"], accepted.body["target"]["id"],
            "{line}"
        );
        assert!(line["step"].is_string(), "{line}");
    }
    app.finish().await;
}
