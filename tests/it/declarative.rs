//! `PUT`: there shall be a workspace of this name, as described. What a pipeline says again and again.

use crate::support::conformity::counts;
use crate::support::{Answer, Builder, TestApp};
use brickyard::dev;
use brickyard::dev::TEAM;
use futures_util::future::join_all;
use serde_json::{Value, json};
use simulator::{Fault, FaultKind};
use std::collections::BTreeSet;
use std::time::Duration;

fn told(answer: &Answer) -> (u16, &str) {
    (
        answer.status,
        answer.body["code"].as_str().unwrap_or_default(),
    )
}

fn pointers(answer: &Answer) -> Vec<&str> {
    let errors = answer.body["errors"].as_array().expect("errors");
    let mut pointers: Vec<&str> = errors
        .iter()
        .filter_map(|e| e["pointer"].as_str())
        .collect();
    pointers.sort_unstable();
    pointers
}

fn wish() -> Value {
    json!({"template": "sandbox", "tags": {"cost-center": "4711"}, "ttl_seconds": 86_400})
}

#[tokio::test(flavor = "multi_thread")]
async fn made_followed_and_then_left_alone() {
    let app = TestApp::start().await;
    let path = "/workspaces/nightly";
    let first = app.put(path, &wish()).await;
    assert_eq!(first.status, 202, "{}", first.text);
    assert_eq!(first.headers["location"], first.body["href"]);
    assert_eq!(first.body["kind"], "create");
    let again = app.put(path, &wish()).await;
    assert_eq!(
        (again.status, &again.body["id"]),
        (202, &first.body["id"]),
        "one that is under way is pointed to"
    );
    assert_eq!(app.done(&first.body).await["status"], "succeeded");
    let there = app.put(path, &wish()).await;
    assert_eq!(there.status, 200, "{}", there.text);
    assert_eq!(there.body["phase"], "ready");
    let read = app.get(path).await;
    assert_eq!(there.body, read.body);
    assert_eq!(there.headers["etag"], read.headers["etag"]);
    assert_eq!(
        there.headers["etag"],
        format!("\"{}\"", there.body["version"])
    );
    assert_eq!(app.simulator.inventory().created("workspaces"), 1);
    // Removed, it is made anew; while it is being removed, it is waited for.
    let removal = app.delete(path).await.body;
    let meanwhile = app.put(path, &wish()).await;
    if meanwhile.status != 202 {
        assert_eq!(told(&meanwhile), (409, "operation_in_progress"));
        assert_eq!(meanwhile.body["href"], removal["href"]);
        assert!(meanwhile.headers.contains_key("retry-after"));
    }
    app.done(&removal).await;
    let anew = app.put(path, &wish()).await;
    assert_eq!(anew.status, 202, "{}", anew.text);
    assert_ne!(anew.body["target"]["id"], first.body["target"]["id"]);
    assert_eq!(app.done(&anew.body).await["status"], "succeeded");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_at_once_make_one() {
    let app = TestApp::idle().await;
    for round in 0..3 {
        let (path, wish) = (format!("/workspaces/crowd-{round}"), wish());
        let answers = join_all((0..20).map(|_| app.put(&path, &wish))).await;
        let mut operations = BTreeSet::new();
        for answer in &answers {
            assert_eq!(answer.status, 202, "{}", answer.text);
            operations.insert(answer.body["id"].to_string());
        }
        assert_eq!(operations.len(), 1, "{operations:?}");
    }
    let counts = counts(&app).await;
    for table in ["workspaces", "operations", "jobs", "audit"] {
        assert_eq!(counts[table], 3, "{table}: {counts:?}");
    }
    // Different wishes: one is made, and those who wanted something else are told.
    let wishes: Vec<Value> = (0..10)
        .map(|n| json!({"template": "sandbox", "tags": {"n": (n % 2).to_string()}}))
        .collect();
    let answers = join_all(wishes.iter().map(|w| app.put("/workspaces/torn", w))).await;
    let accepted = answers.iter().filter(|a| a.status == 202).count();
    assert_eq!(accepted, 5);
    for refused in answers.iter().filter(|a| a.status != 202) {
        let expected = (409, "operation_in_progress");
        assert_eq!(told(refused), expected, "{}", refused.text);
    }
    app.abandon("nobody works here").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lives_only_here_is_changed_and_the_rest_is_not() {
    let extra =
        "[templates.other]\naccount = \"main\"\nregion = \"us-west-2\"\nsecret_store = \"main\"\n";
    let mut app = Builder {
        workers: 0,
        extra: format!("{extra}{}", dev::OBJECTS),
        ..Builder::default()
    }
    .start()
    .await;
    let path = "/workspaces/shaped";
    let create = app.put(path, &wish()).await.body;
    let with = |member: &str, value: Value| {
        let mut body = wish();
        body[member] = value;
        body
    };
    // Under way already, and changed all the same.
    let labelled = app.put(path, &with("labels", json!({"a": "1"}))).await;
    assert_eq!(
        (labelled.status, &labelled.body["id"]),
        (202, &create["id"])
    );
    app.start_worker();
    assert_eq!(app.done(&create).await["status"], "succeeded");
    let before = app.get(path).await.body;
    assert_eq!(before["labels"], json!({"a": "1"}));
    for (member, value) in [
        ("labels", json!({"b": "2"})),
        ("deletion_protection", json!(true)),
        ("ttl_seconds", json!(172_800)),
        ("labels", json!({})),
    ] {
        let answer = app.put(path, &with(member, value.clone())).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.body[member], value);
        let same = app.put(path, &with(member, value)).await;
        assert_eq!(
            (same.status, &same.body["version"]),
            (200, &answer.body["version"])
        );
        // What is left out stays as it is.
        let bare = json!({"template": "sandbox", "tags": {"cost-center": "4711"}});
        assert_eq!(app.put(path, &bare).await.body, same.body);
    }
    for (body, expected) in [
        (with("template", json!("other")), vec!["/template"]),
        (
            with("deployment_name", json!("mine")),
            vec!["/deployment_name"],
        ),
        (
            json!({"template": "nonesuch", "deployment_name": "mine", "labels": {"lost": "x"}}),
            vec!["/deployment_name", "/template"],
        ),
    ] {
        let answer = app.put(path, &body).await;
        assert_eq!(told(&answer), (422, "immutable_field"), "{}", answer.text);
        assert_eq!(pointers(&answer), expected, "{body}");
    }
    assert_eq!(app.get(path).await.body["labels"], json!({}));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_teams_and_names() {
    let app = TestApp::idle().await;
    for (path, body, expected) in [
        ("/workspaces/abc", json!({}), (422, "validation_failed")),
        (
            "/workspaces/abc",
            json!({"template": "sandbox", "name": "abc"}),
            (422, "unknown_field"),
        ),
        (
            "/workspaces/abc",
            json!({"template": "sandbox", "ttl_seconds": 1}),
            (422, "validation_failed"),
        ),
        (
            "/workspaces/abc",
            json!({"template": "none"}),
            (422, "validation_failed"),
        ),
        (
            "/workspaces/abc?team=other-team",
            json!({"template": "sandbox", "team": TEAM}),
            (422, "validation_failed"),
        ),
        (
            "/workspaces/abc",
            json!({"template": "sandbox", "owner": "oidc:corp:eve@example.com"}),
            (403, "forbidden"),
        ),
        (
            "/workspaces/abc?team=other-team",
            json!({"template": "sandbox"}),
            (403, "forbidden"),
        ),
        (
            "/workspaces/A_b",
            json!({"template": "sandbox"}),
            (400, "invalid_parameter"),
        ),
        (
            "/workspaces/op_01kan4v7p9fr9tq5mh2d6xwc8j",
            json!({"template": "sandbox"}),
            (400, "invalid_parameter"),
        ),
    ] {
        let answer = app.put(path, &body).await;
        assert_eq!(told(&answer), expected, "{path} {body}: {}", answer.text);
    }
    assert!(counts(&app).await.values().all(|rows| *rows == 0));
    let operator = app.bearer("operator");
    let headers = [
        ("authorization", operator.as_str()),
        ("content-type", "application/json"),
    ];
    let send = async |path: &str, body: Value| {
        app.send("PUT", path, &headers, Some(&body.to_string()))
            .await
    };
    let given = json!({"template": "sandbox", "owner": "oidc:corp:eve@example.com"});
    let nobody = json!({"template": "sandbox", "owner": "oidc:nowhere:eve@example.com"});
    let refused = send("/workspaces/abc", nobody).await;
    assert_eq!(
        (told(&refused), pointers(&refused)),
        ((422, "validation_failed"), vec!["/owner"])
    );
    assert_eq!(
        send(&format!("/workspaces/abc?team={TEAM}"), given)
            .await
            .status,
        202
    );
    let row = app.get("/workspaces/abc").await.body;
    assert_eq!(row["owner"], "oidc:corp:eve@example.com");
    // By id too, if it is there; and it is not for others to change.
    let id = row["href"].as_str().expect("a link");
    assert_eq!(send(id, json!({"template": "sandbox"})).await.status, 202);
    let other = app.put(id, &json!({"template": "sandbox"})).await;
    assert_eq!(told(&other), (403, "forbidden"));
    let moved = send(id, json!({"template": "sandbox", "team": "other-team"})).await;
    assert_eq!(
        (told(&moved), pointers(&moved)),
        ((422, "validation_failed"), vec!["/team"])
    );
    app.abandon("nobody works here").await;
}

fn kept() -> String {
    dev::OBJECTS.replace("keep_failed_seconds = 0", "keep_failed_seconds = 86400")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_one_is_retried_from_the_step_that_failed() {
    let app = Builder {
        template: kept(),
        ..Builder::default()
    }
    .start()
    .await;
    app.fault(Fault::new(FaultKind::OboForbidden));
    let path = "/workspaces/stubborn";
    let create = app.put(path, &json!({"template": "sandbox"})).await.body;
    assert_eq!(app.done(&create).await["status"], "failed");
    let failed = app.phase(&create, "failed").await;
    let waiting = app
        .get(&format!(
            "/operations/{}",
            failed["active_operation"].as_str().expect("a removal")
        ))
        .await
        .body;
    app.simulator.clear_faults();
    let corrected = json!({"template": "sandbox", "labels": {"attempt": "2"}});
    let answers = join_all((0..20).map(|_| app.put(path, &corrected))).await;
    let mut operations = BTreeSet::new();
    for answer in &answers {
        assert!(matches!(answer.status, 200 | 202), "{}", answer.text);
        if answer.status == 202 {
            operations.insert(answer.body["id"].to_string());
            assert_eq!(answer.body["retry_of"], create["id"]);
        }
    }
    assert_eq!(operations.len(), 1, "one retry, whoever asks for it");
    let retry = answers
        .iter()
        .find(|answer| answer.status == 202)
        .expect("somebody started it");
    let steps = retry.body["steps"].as_array().expect("steps");
    let status = |name: &str| {
        let step = steps.iter().find(|step| step["name"] == name);
        step.expect("the step")["status"].clone()
    };
    assert_eq!(status("create_workspace"), "succeeded");
    assert_eq!(status("await_running"), "succeeded");
    assert_eq!(app.done(&retry.body).await["status"], "succeeded");
    let ready = app.get(path).await.body;
    assert_eq!(
        (ready["phase"].as_str(), &ready["problem"]),
        (Some("ready"), &Value::Null)
    );
    assert_eq!(ready["labels"], json!({"attempt": "2"}));
    let withdrawn = app.done(&waiting).await;
    assert_eq!(withdrawn["status"], "cancelled");
    for kind in ["credentials", "workspaces", "service_principals"] {
        assert_eq!(app.simulator.inventory().created(kind), 1, "{kind}");
    }
    // The removal is not only postponed.
    app.advance(Duration::from_secs(2 * 86_400)).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(app.get(path).await.body["phase"], "ready");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_being_undone_is_not_retried() {
    let mut app = Builder {
        template: kept(),
        ..Builder::default()
    }
    .start()
    .await;
    app.fault(Fault::new(FaultKind::WorkspaceFails));
    let path = "/workspaces/late";
    let create = app.put(path, &wish()).await.body;
    assert_eq!(app.done(&create).await["status"], "failed");
    app.phase(&create, "failed").await;
    app.stop_workers().await;
    let removal = app.delete(path).await;
    assert_eq!(removal.status, 202, "{}", removal.text);
    let refused = app.put(path, &wish()).await;
    assert_eq!(told(&refused), (409, "operation_in_progress"));
    assert_eq!(refused.body["href"], removal.body["href"]);
    app.start_worker();
    app.done(&removal.body).await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parked_create_goes_on() {
    let app = TestApp::start().await;
    let path = "/workspaces/parked";
    let create = app.create("parked").await;
    app.done(&create).await;
    // A person's work is not simulated: the row says that one is needed.
    for statement in [
        "update operations set status = 'needs_attention', position = 7, finished_at = null",
        "update workspaces set phase = 'provisioning', active_operation = last_operation",
    ] {
        sqlx::query(statement)
            .execute(&app.db)
            .await
            .expect("a row");
    }
    let resumed = app.put(path, &json!({"template": "sandbox"})).await;
    assert_eq!((resumed.status, &resumed.body["id"]), (202, &create["id"]));
    assert_eq!(resumed.body["retry_of"], Value::Null);
    assert_eq!(app.done(&create).await["status"], "succeeded");
    app.abandon("the audit does not know of rows changed by hand")
        .await;
}
