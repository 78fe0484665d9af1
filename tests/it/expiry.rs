//! The end of a workspace's life: counted from ready, moved by its owner, a grace before anything is removed.

use crate::support::{Builder, TestApp};
use brickyard::dev;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::time::Duration;

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

fn time(value: &Value) -> DateTime<Utc> {
    let text = value.as_str().unwrap_or_else(|| panic!("no time: {value}"));
    text.parse().expect("a time")
}

/// A workspace that lives an hour; its path and what it is.
async fn mortal(app: &TestApp, name: &str) -> (String, Value) {
    let path = format!("/workspaces/{name}");
    let wish = json!({"template": "sandbox", "ttl_seconds": HOUR});
    let create = app.put(&path, &wish).await;
    assert_eq!(create.status, 202, "{}", create.text);
    let early = app.get(&path).await.body;
    assert!(early["phase"] == "ready" || early["expires_at"].is_null());
    assert_eq!(app.done(&create.body).await["status"], "succeeded");
    let ready = app.get(&path).await.body;
    (path, ready)
}

async fn stays(app: &TestApp, path: &str) {
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let now = app.get(path).await.body;
    assert_eq!(now["phase"], "ready", "{now:#}");
}

async fn removed(app: &TestApp, ready: &Value) {
    let gone = app
        .phase(&json!({"target": {"id": ready["id"]}}), "deleted")
        .await;
    let last = gone["last_operation_href"].as_str().expect("a link");
    let removal = app.get(last).await.body;
    assert_eq!(removal["requested_by"], "system:expiry", "{removal:#}");
    assert_eq!(removal["status"], "succeeded");
}

async fn jobs(app: &TestApp) -> i64 {
    sqlx::query_scalar("select count(*) from jobs where kind = 'expiry'")
        .fetch_one(&app.db)
        .await
        .expect("a count")
}

#[tokio::test(flavor = "multi_thread")]
async fn at_its_end_and_a_grace_later() {
    let app = TestApp::start().await;
    let (path, ready) = mortal(&app, "mortal").await;
    let ends = time(&ready["expires_at"]);
    let life = ends - app.app.clock.now();
    assert!((3500..=3600).contains(&life.num_seconds()), "{life}");
    let page = |before: DateTime<Utc>| {
        format!(
            "/workspaces?expires_before={}",
            before.format("%Y-%m-%dT%H:%M:%SZ")
        )
    };
    let second = chrono::Duration::seconds(2);
    for (before, found) in [(ends + second, 1), (ends - second, 0)] {
        let items = app.get(&page(before)).await.body["items"].clone();
        assert_eq!(items.as_array().expect("items").len(), found, "{before}");
    }
    app.advance(Duration::from_secs(HOUR + DAY - 60)).await;
    stays(&app, &path).await;
    app.advance(Duration::from_secs(61)).await;
    removed(&app, &ready).await;
    assert_eq!(jobs(&app).await, 0);
    assert!(app.simulator.inventory().is_empty());
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn its_owner_moves_it() {
    let app = TestApp::start().await;
    let (path, ready) = mortal(&app, "extended").await;
    let patch = async |body: Value| {
        let answer = app.patch(&path, &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.body
    };
    // In its grace it works, and can be extended.
    app.advance(Duration::from_secs(HOUR + DAY / 2)).await;
    let extended = patch(json!({"ttl_seconds": 10 * DAY})).await;
    let life = time(&extended["expires_at"]) - app.app.clock.now();
    assert!((life.num_seconds() - 864_000).abs() < 60, "{life}");
    app.advance(Duration::from_secs(9 * DAY)).await;
    stays(&app, &path).await;
    // The same wish again does not prolong it.
    let same = app
        .put(
            &path,
            &json!({"template": "sandbox", "ttl_seconds": 10 * DAY}),
        )
        .await;
    assert_eq!(same.body["expires_at"], extended["expires_at"]);
    assert_eq!(
        patch(json!({"expires_at": null})).await["expires_at"],
        Value::Null
    );
    assert_eq!(jobs(&app).await, 0);
    app.advance(Duration::from_secs(100 * DAY)).await;
    stays(&app, &path).await;
    let soon = app.app.clock.now() + chrono::Duration::seconds(600);
    let soon = soon.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
    assert_eq!(patch(json!({"expires_at": soon})).await["expires_at"], soon);
    app.advance(Duration::from_secs(DAY + 601)).await;
    removed(&app, &ready).await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_protected_one_does_not_end() {
    let app = TestApp::start().await;
    let (path, ready) = mortal(&app, "guarded").await;
    assert_eq!(
        app.patch(&path, &json!({"deletion_protection": true}))
            .await
            .status,
        200
    );
    app.advance(Duration::from_secs(100 * DAY)).await;
    stays(&app, &path).await;
    // Without protection it has the whole grace before it.
    let open = app
        .patch(&path, &json!({"deletion_protection": false}))
        .await
        .body;
    assert!(time(&open["expires_at"]) > time(&ready["expires_at"]));
    app.advance(Duration::from_secs(DAY - 60)).await;
    stays(&app, &path).await;
    app.advance(Duration::from_secs(61)).await;
    removed(&app, &ready).await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_there_when_it_ended() {
    let mut app = TestApp::start().await;
    let (path, ready) = mortal(&app, "unattended").await;
    app.stop_workers().await;
    app.advance(Duration::from_secs(HOUR + DAY + 1)).await;
    assert_eq!(app.get(&path).await.body["phase"], "ready");
    app.start_worker();
    app.start_worker();
    removed(&app, &ready).await;
    let removals: i64 = sqlx::query_scalar("select count(*) from operations where kind = 'delete'")
        .fetch_one(&app.db)
        .await
        .expect("a count");
    assert_eq!(removals, 1);
    // A removal by hand takes the job with it.
    mortal(&app, "by-hand").await;
    assert_eq!(jobs(&app).await, 1);
    app.removed("by-hand").await;
    assert_eq!(jobs(&app).await, 0);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_template_decides_what_the_request_does_not_say() {
    let objects = dev::OBJECTS.replace("deletion_protection = false", "");
    let extra = format!(
        "[templates.mortal]\naccount = \"main\"\nregion = \"us-west-2\"\nsecret_store = \"main\"\n{objects}\
         max_ttl_seconds = 7200\nexpiry_grace_seconds = 0\n"
    );
    let mut app = Builder {
        workers: 0,
        template: objects,
        extra,
        ..Builder::default()
    }
    .start()
    .await;
    for (name, template, ttl, protected) in [
        ("for-ever", "sandbox", Value::Null, true),
        ("by-request", "sandbox", json!(600), false),
        ("by-template", "mortal", Value::Null, false),
    ] {
        let mut body = json!({"name": name, "template": template});
        if !ttl.is_null() {
            body["ttl_seconds"] = ttl.clone();
        }
        assert_eq!(app.post("/workspaces", &body).await.status, 202);
        let row = app.get(&format!("/workspaces/{name}")).await.body;
        assert_eq!(row["deletion_protection"], protected, "{name}");
        let expected = if template == "mortal" {
            json!(7200)
        } else {
            ttl
        };
        assert_eq!(row["ttl_seconds"], expected, "{name}");
    }
    app.start_worker();
    let row = app.get("/workspaces/by-template").await.body;
    let create = json!({"id": row["last_operation"]});
    assert_eq!(app.done(&create).await["status"], "succeeded");
    // Without a grace it ends when it ends.
    app.advance(Duration::from_secs(2 * HOUR + 1)).await;
    removed(&app, &row).await;
    app.abandon("the others are protected or in their grace")
        .await;
}
