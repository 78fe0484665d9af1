//! Ready workspaces that are no longer there as they were.

use super::{HOUR, account, arrived};
use crate::databricks;
use crate::support::account::Account;
use crate::support::{Builder, TestApp};
use brickyard::cloud::{ObjectKind, Provider};
use serde_json::{Value, json};
use simulator::{Call, Fault, FaultKind};
use std::time::Duration;

fn databricks_id(workspace: &Value) -> i64 {
    let id = workspace["external"]["workspace_id"].as_str();
    id.expect("it was made").parse().expect("a number")
}

fn condition(workspace: &Value, name: &str) -> (String, String) {
    let conditions = workspace["conditions"].as_array().expect("conditions");
    let found = conditions.iter().find(|it| it["type"] == name);
    let found = found.expect("it is there");
    let text = |field: &str| found[field].as_str().unwrap_or_default().to_owned();
    (text("status"), text("reason"))
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_was_deleted_outside_is_said_so_and_can_be_deleted() {
    let app = TestApp::start().await;
    let other = app.ready("untouched").await;
    let ready = app.ready("vanished").await;
    app.planted(&databricks_id(&ready).to_string());
    let gone = account(&app)
        .delete_workspace(&databricks_id(&ready).into(), false)
        .await;
    gone.expect("accepted");
    app.simulator.advance(Duration::from_secs(60));
    let asked = arrived(&app, Call::GetWorkspace);
    app.sweep().await;
    let once = app.get("/workspaces/vanished").await.body;
    assert_eq!(once["phase"], "ready", "once is no proof");
    assert_eq!(arrived(&app, Call::GetWorkspace), asked);
    app.sweep().await;
    assert_eq!(arrived(&app, Call::GetWorkspace), asked + 1);
    let lost = app.get("/workspaces/vanished").await.body;
    assert_eq!(lost["problem"]["code"], "deleted_outside", "{lost:#}");
    assert_eq!(lost["phase"], "failed");
    assert_eq!(
        condition(&lost, "WorkspaceRunning"),
        ("false".into(), "DeletedOutside".into())
    );
    assert_eq!(condition(&lost, "Ready").0, "false");
    app.sweep().await;
    let same = app.get("/workspaces/vanished").await.body;
    assert_eq!(same["version"], lost["version"], "said once");
    assert_eq!(app.audited("workspace.lost").await.len(), 1);
    // A pipeline that wants it is not told that it is there.
    let put = app
        .put("/workspaces/vanished", &json!({"template": "sandbox"}))
        .await;
    assert_eq!(
        (put.status, &put.body["code"]),
        (422, &json!("deleted_outside"))
    );
    app.removed("vanished").await;
    let untouched = app.get("/workspaces/untouched").await.body;
    assert_eq!(untouched["version"], other["version"]);
    app.removed("untouched").await;
    assert!(app.simulator.inventory().is_empty());
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_lags_takes_nothing_away_and_what_reappears_is_well_again() {
    let app = TestApp::start().await;
    app.fault(Fault::new(FaultKind::ListLag).seconds(1e7));
    let create = app.create("unlisted").await;
    app.at_step(&create, "await_running").await;
    // Missing from the list for so long, it is asked for by id.
    app.advance(Duration::from_secs(600)).await;
    assert_eq!(app.done(&create).await["status"], "succeeded");
    let path = "/workspaces/unlisted";
    let wish = json!({"ttl_seconds": 7200});
    assert_eq!(app.patch(path, &wish).await.status, 200);
    let asked = arrived(&app, Call::GetWorkspace);
    for _ in 0..3 {
        app.sweep().await;
        let now = app.get(path).await.body;
        assert_eq!(
            (&now["phase"], &now["problem"]),
            (&json!("ready"), &Value::Null)
        );
    }
    // One list without it, then one that leads to the question, and so on.
    assert_eq!(arrived(&app, Call::GetWorkspace), asked + 1);
    app.fault(
        Fault::new(FaultKind::NotFound)
            .on(Call::GetWorkspace)
            .times(0),
    );
    app.sweep().await;
    app.sweep().await;
    let lost = app.get(path).await.body;
    assert_eq!(lost["problem"]["code"], "deleted_outside", "{lost:#}");
    // Changed while it is lost.
    let wish = json!({"ttl_seconds": 14400});
    assert_eq!(app.patch(path, &wish).await.status, 200);
    app.simulator.clear_faults();
    app.simulator.advance(Duration::from_secs(10_000_000));
    app.sweep().await;
    let back = app.get(path).await.body;
    assert_eq!(
        (&back["phase"], &back["problem"]),
        (&json!("ready"), &Value::Null)
    );
    assert_eq!(condition(&back, "Ready").0, "true");
    assert_eq!(condition(&back, "WorkspaceRunning").0, "true");
    assert_eq!(back["external"]["workspace_status"], "RUNNING");
    assert_eq!(
        app.audited("workspace.").await.len(),
        4,
        "changed, lost, changed, recovered"
    );
    // Its life ends when it would have ended.
    app.advance(30 * HOUR).await;
    app.phase(&create, "deleted").await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_fails_at_databricks_is_said_so_until_it_runs_again() {
    let app = TestApp::start().await;
    let ready = app.ready("mended").await;
    let id = databricks_id(&ready);
    let other = account(&app)
        .create_object(ObjectKind::Credentials, "another-role", &databricks::spec())
        .await;
    let other = other.expect("credentials").id;
    let script = Account::open(&app.simulator).await;
    // What makes Databricks deploy it anew.
    let change = async |credentials: &str| {
        let body = json!({"credentials_id": credentials});
        script.update(&format!("workspaces/{id}"), body).await;
        app.simulator.advance(Duration::from_secs(1200));
        app.sweep().await;
        app.get("/workspaces/mended").await.body
    };
    app.fault(Fault::new(FaultKind::WorkspaceFails).on(Call::UpdateWorkspace));
    let lost = change(&other).await;
    assert_eq!(lost["problem"]["code"], "workspace_failed", "{lost:#}");
    assert_eq!(lost["problem"]["upstream"]["error_code"], "FAILED");
    assert_eq!(lost["external"]["workspace_status"], "FAILED");
    let back = change(&other).await;
    assert_eq!(
        (&back["phase"], &back["problem"]),
        (&json!("ready"), &Value::Null)
    );
    app.removed("mended").await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_create_is_not_taken_for_a_lost_workspace() {
    let app = Builder {
        template: brickyard::dev::OBJECTS
            .replace("keep_failed_seconds = 0", "keep_failed_seconds = 86400"),
        ..Builder::default()
    }
    .start()
    .await;
    app.fault(Fault::new(FaultKind::WorkspaceFails));
    let create = app.create("kept").await;
    assert_eq!(app.done(&create).await["status"], "failed");
    let before = app.phase(&create, "failed").await;
    for _ in 0..3 {
        app.sweep().await;
    }
    let after = app.get("/workspaces/kept").await.body;
    assert_eq!(before["version"], after["version"]);
    assert_eq!(app.audited("workspace.lost").await.len(), 0);
    app.removed("kept").await;
    app.finish().await;
}
