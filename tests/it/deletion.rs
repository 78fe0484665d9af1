//! Deleted in each phase, undone after a failure, kept until its time, protected: the same steps, last first.

use crate::support::{Builder, TestApp};
use brickyard::dev;
use serde_json::{Value, json};
use simulator::{Call, Fault, FaultKind};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn deleted_while_pending_nothing_was_ever_made() {
    let mut app = Builder {
        workers: 0,
        ..Builder::default()
    }
    .start()
    .await;
    let create = app.create("early").await;
    let delete = app.delete("/workspaces/early").await;
    assert_eq!(delete.status, 202, "{}", delete.text);
    assert_eq!(delete.body["kind"], "delete");
    let twice = app.delete("/workspaces/early").await;
    assert_eq!(
        twice.body["id"], delete.body["id"],
        "two deletes are one operation"
    );
    app.start_worker();
    assert_eq!(app.done(&create).await["status"], "cancelled");
    assert_eq!(app.done(&delete.body).await["status"], "succeeded");
    let gone = app.phase(&create, "deleted").await;
    let id = gone["id"].as_str().expect("an id").to_owned();
    assert_eq!(app.delete(&format!("/workspaces/{id}")).await.status, 204);
    assert_eq!(
        app.delete("/workspaces/early").await.status,
        404,
        "the name is free again"
    );
    assert_eq!(app.simulator.inventory().created("workspaces"), 0);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_while_databricks_builds_it() {
    let app = Builder {
        speed: 1.0,
        ..Builder::default()
    }
    .start()
    .await;
    let create = app.create("midway").await;
    app.at_step(&create, "await_running").await;
    let delete = app.delete("/workspaces/midway").await;
    assert_eq!(delete.status, 202, "{}", delete.text);
    assert_eq!(app.done(&create).await["status"], "cancelled");
    app.simulator.advance(Duration::from_secs(60));
    let done = app.done(&delete.body).await;
    assert_eq!(done["status"], "succeeded", "{done:#}");
    app.simulator.advance(Duration::from_secs(600));
    assert!(app.simulator.inventory().workspaces.is_empty());
    assert_eq!(app.simulator.inventory().created("workspaces"), 1);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_when_ready_leaves_nothing() {
    let app = TestApp::start().await;
    let ready = app.ready("complete").await;
    let done = app.removed("complete").await;
    let gone = app.get(ready["href"].as_str().expect("a link")).await.body;
    let condition = gone["conditions"]
        .as_array()
        .expect("conditions")
        .iter()
        .find(|c| c["type"] == "Ready");
    assert_eq!(
        condition.expect("it was ready")["status"],
        "false",
        "{gone:#}"
    );
    for step in done["steps"].as_array().expect("steps") {
        assert_eq!(step["status"], "undone", "{step}");
    }
    let inventory = app.simulator.inventory();
    assert!(inventory.is_empty(), "{inventory:#?}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_workspace_is_explained_and_kept_until_its_time() {
    let app = Builder {
        template: kept(),
        ..Builder::default()
    }
    .start()
    .await;
    app.fault(Fault::new(FaultKind::WorkspaceFails));
    let create = app.create("unlucky").await;
    let done = app.done(&create).await;
    assert_eq!(done["status"], "failed");
    assert_eq!(done["problem"]["code"], "elastic_ip_limit", "{done:#}");
    assert_eq!(
        done["problem"]["upstream"]["message"],
        "The maximum number of addresses has been reached."
    );
    let workspace = app.phase(&create, "failed").await;
    assert_eq!(workspace["problem"]["code"], "elastic_ip_limit");
    assert_eq!(
        app.simulator.inventory().workspaces.len(),
        1,
        "the evidence is kept"
    );
    let waiting = workspace["active_operation"]
        .as_str()
        .expect("a delete that waits")
        .to_owned();
    let waiting = app.get(&format!("/operations/{waiting}")).await.body;
    assert_eq!(
        (waiting["kind"].as_str(), waiting["status"].as_str()),
        (Some("delete"), Some("queued"))
    );

    app.advance(Duration::from_secs(86_401)).await;
    assert_eq!(app.done(&waiting).await["status"], "succeeded");
    let gone = app.phase(&create, "deleted").await;
    assert_eq!(
        gone["problem"]["code"], "elastic_ip_limit",
        "why it failed stays readable"
    );
    assert!(app.simulator.inventory().is_empty());
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_workspace_can_be_deleted_at_once() {
    let app = Builder {
        template: kept(),
        ..Builder::default()
    }
    .start()
    .await;
    app.fault(Fault::new(FaultKind::WorkspaceFails));
    let create = app.create("unwanted").await;
    app.done(&create).await;
    app.removed("unwanted").await;
    assert!(app.simulator.inventory().is_empty());
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_ends_what_never_comes() {
    let app = Builder {
        speed: 0.001,
        ..Builder::default()
    }
    .start()
    .await;
    let create = app.create("endless").await;
    app.at_step(&create, "await_running").await;
    // Only our clocks move: the vendor goes on building.
    sqlx::query("update test_clock set offset_ms = 7300000")
        .execute(&app.db)
        .await
        .expect("the clock moves");
    app.app.clock.advance(Duration::from_secs(7300));
    let done = app.done(&create).await;
    assert_eq!(done["problem"]["code"], "provisioning_timeout", "{done:#}");
    assert!(
        done["problem"]["detail"]
            .as_str()
            .expect("a detail")
            .contains("await_running")
    );
    // In this world the vendor only moves when told to.
    while app.workspace_of(&create).await["phase"] != "deleted" {
        app.simulator.advance(Duration::from_secs(600));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn protected_workspaces_stay() {
    let app = TestApp::start().await;
    let body = json!({"name": "precious", "template": "sandbox", "deletion_protection": true});
    let accepted = app.post("/workspaces", &body).await;
    assert_eq!(accepted.status, 202, "{}", accepted.text);
    app.done(&accepted.body).await;
    let refused = app.delete("/workspaces/precious").await;
    assert_eq!(
        (refused.status, refused.body["code"].as_str()),
        (409, Some("deletion_protected"))
    );
    app.finish().await;
}

/// A template that keeps what failed.
fn kept() -> String {
    dev::OBJECTS.replace("keep_failed_seconds = 0", "keep_failed_seconds = 86400")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parked_delete_that_is_asked_for_again_asks_again() {
    let app = Builder {
        speed: 0.001,
        ..Builder::default()
    }
    .start()
    .await;
    let asked = || {
        let arrivals = app.simulator.arrivals();
        let asking = arrivals.iter().filter(|a| a.call == Call::DeleteWorkspace);
        asking.count()
    };
    let create = app.create("sticky").await;
    app.at_step(&create, "await_running").await;
    let delete = app.delete("/workspaces/sticky").await.body;
    app.at_step(&delete, "create_workspace").await;
    assert_eq!(asked(), 1);
    // The vendor said yes and does nothing, until the deadline.
    sqlx::query("update test_clock set offset_ms = 3700000")
        .execute(&app.db)
        .await
        .expect("the clock moves");
    app.app.clock.advance(Duration::from_secs(3700));
    let path = format!("/operations/{}", delete["id"].as_str().expect("an id"));
    while app.get(&path).await.body["status"] != "needs_attention" {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let again = app.delete("/workspaces/sticky").await.body;
    assert_eq!(again["id"], delete["id"]);
    app.at_step(&delete, "create_workspace").await;
    assert_eq!(asked(), 2);
    app.simulator.advance(Duration::from_secs(600));
    assert_eq!(app.done(&delete).await["status"], "succeeded");
    let gone = app.phase(&create, "deleted").await;
    assert_eq!(
        gone["problem"],
        Value::Null,
        "what was in the way is not any more"
    );
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_forgotten_stays_outside_and_its_ids_in_the_audit() {
    let app = TestApp::start().await;
    let workspace = app.ready("forgotten").await;
    let href = workspace["href"].as_str().expect("a link");
    let path = format!("{href}?mode=forget");
    let refused = app.delete(&path).await;
    let told = (refused.status, refused.body["code"].as_str());
    assert_eq!(told, (403, Some("forbidden")), "{}", refused.text);
    let odd = app.delete(&format!("{href}?mode=remember")).await;
    assert_eq!(odd.status, 400, "{}", odd.text);

    let admin = app.bearer("admin");
    let headers = [("authorization", admin.as_str())];
    for _ in 0..2 {
        let answer = app.send("DELETE", &path, &headers, None).await;
        assert_eq!((answer.status, answer.text.as_str()), (204, ""));
    }
    assert_eq!(app.get(href).await.body["phase"], "deleted");
    assert_eq!(
        app.simulator.inventory().workspaces.len(),
        1,
        "the cloud is left alone"
    );
    let left: Value = sqlx::query_scalar(
        "select detail -> 'left_behind' from audit where action = 'workspace.forgotten'",
    )
    .fetch_one(&app.db)
    .await
    .expect("one entry");
    let id = workspace["external"]["workspace_id"]
        .as_str()
        .expect("an id");
    assert_eq!(left["workspace"]["id"].to_string(), id);
    // The name is free again.
    let again = app.create("forgotten").await;
    app.delete("/workspaces/forgotten").await;
    app.done(&again).await;
    app.abandon("a workspace is left behind on purpose").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_worker_is_at_cannot_be_forgotten_yet() {
    let app = TestApp::start().await;
    app.fault(Fault::new(FaultKind::HoldAnswer).on(Call::CreateCredentials));
    let create = app.create("busy").await;
    while !app
        .simulator
        .arrivals()
        .iter()
        .any(|a| a.call == Call::CreateCredentials)
    {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let admin = app.bearer("admin");
    let headers = [("authorization", admin.as_str())];
    let answer = app
        .send("DELETE", "/workspaces/busy?mode=forget", &headers, None)
        .await;
    let told = (answer.status, answer.body["code"].as_str());
    assert_eq!(
        told,
        (409, Some("operation_in_progress")),
        "{}",
        answer.text
    );
    app.simulator.release();
    assert_eq!(app.done(&create).await["status"], "succeeded");
    app.finish().await;
}
