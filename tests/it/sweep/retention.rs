//! What is not kept for ever.

use super::DAY;
use crate::support::{Builder, TestApp};
use brickyard::dev;
use serde_json::{Value, json};
use simulator::{Fault, FaultKind};

async fn count(app: &TestApp, query: &'static str, workspace: &Value) -> i64 {
    let id = super::id(workspace).uuid();
    let counted = sqlx::query_scalar(query).bind(id).fetch_one(&app.db).await;
    counted.expect("a count")
}

async fn status(app: &TestApp, operation: &Value) -> u16 {
    let id = operation["id"].as_str().expect("an id");
    app.get(&format!("/operations/{id}")).await.status
}

async fn keyed(app: &TestApp, name: &str) -> (u16, bool, Value) {
    let body = json!({"name": name, "template": "sandbox"});
    let headers = [("idempotency-key", "once")];
    let answer = app.post_with("/workspaces", &body, &headers).await;
    let replayed = answer.headers.contains_key("idempotency-replayed");
    (answer.status, replayed, answer.body)
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_go_after_a_week_and_workspaces_some_time_after_their_end() {
    let app = TestApp::start().await;
    let (_, _, create) = keyed(&app, "ended").await;
    assert_eq!(app.done(&create).await["status"], "succeeded");
    let living = app.ready("living").await;
    let removal = app.removed("ended").await;
    let ended = app.workspace_of(&create).await;
    let href = ended["href"].as_str().expect("a link").to_owned();
    app.advance(6 * DAY).await;
    app.sweep().await;
    let again = keyed(&app, "ended").await;
    assert_eq!((again.0, again.1), (202, true));
    assert_eq!(again.2["id"], create["id"]);
    app.advance(2 * DAY).await;
    app.sweep().await;
    // Its operation is still there, and the key is free.
    assert_eq!(status(&app, &create).await, 200);
    let (code, replayed, second) = keyed(&app, "ended").await;
    assert_eq!((code, replayed), (202, false));
    assert_ne!(second["id"], create["id"]);
    assert_eq!(app.done(&second).await["status"], "succeeded");
    app.removed("ended").await;
    app.advance(81 * DAY).await;
    app.sweep().await;
    assert_eq!(app.get(&href).await.status, 200, "not before its time");
    app.advance(2 * DAY).await;
    app.sweep().await;
    assert_eq!(app.get(&href).await.status, 404);
    assert_eq!(status(&app, &create).await, 404);
    assert_eq!(status(&app, &removal).await, 404);
    assert_eq!(app.get(&format!("{href}/tokens")).await.status, 404);
    for query in [
        "select count(*) from workspaces where id = $1",
        "select count(*) from operations where workspace_id = $1",
        "select count(*) from attempts where workspace_id = $1",
        "select count(*) from tokens where workspace_id = $1",
        "select count(*) from sightings where workspace_id = $1",
    ] {
        assert_eq!(count(&app, query, &ended).await, 0, "{query}");
        assert_ne!(count(&app, query, &living).await, 0, "{query}");
    }
    // The second one ended later, and is still there.
    assert_eq!(status(&app, &second).await, 200);
    let trail = "select count(*) from audit where workspace_id = $1";
    assert!(count(&app, trail, &ended).await > 10, "the audit stays");
    let purged = app.audited("workspace.purged").await;
    assert_eq!(purged.len(), 1);
    assert_eq!(purged[0].1["name"], "ended");
    let now = app.get("/workspaces/living").await.body;
    assert_eq!(now["phase"], "ready");
    assert_eq!(
        status(&app, &json!({"id": now["last_operation"]})).await,
        200
    );
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn finished_operations_go_but_for_those_that_somebody_may_ask_for() {
    let app = Builder {
        template: dev::OBJECTS.replace("keep_failed_seconds = 0", "keep_failed_seconds = 86400"),
        ..Builder::default()
    }
    .start()
    .await;
    app.fault(Fault::new(FaultKind::WorkspaceFails));
    let (_, _, first) = keyed(&app, "retried").await;
    assert_eq!(app.done(&first).await["status"], "failed");
    let failed = app.phase(&first, "failed").await;
    let withdrawn = json!({"id": failed["active_operation"]});
    let put = app
        .put("/workspaces/retried", &json!({"template": "sandbox"}))
        .await;
    assert_eq!(put.status, 202, "{}", put.text);
    assert_eq!(app.done(&put.body).await["status"], "succeeded");
    let update = app.tagged("retried").await;
    let none = app
        .patch("/workspaces/retried", &json!({"tags": null}))
        .await;
    assert_eq!(app.done(&none.body).await["status"], "succeeded");
    app.advance(89 * DAY).await;
    app.sweep().await;
    assert_eq!(status(&app, &withdrawn).await, 200, "not before its time");
    app.advance(2 * DAY).await;
    app.sweep().await;
    assert_eq!(status(&app, &withdrawn).await, 404);
    assert_eq!(status(&app, &update).await, 404);
    assert_eq!(status(&app, &none.body).await, 200, "the newest");
    assert_eq!(status(&app, &put.body).await, 200, "by which it was made");
    assert_eq!(status(&app, &first).await, 200, "which continues it");
    assert_eq!(app.audited("operation.purged").await.len(), 2);
    // What was made is still known to whoever removes it.
    app.removed("retried").await;
    assert!(app.simulator.inventory().is_empty());
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_stays_while_a_key_points_to_it() {
    let app = TestApp::start().await;
    let (_, _, create) = keyed(&app, "pinned").await;
    assert_eq!(app.done(&create).await["status"], "succeeded");
    app.removed("pinned").await;
    app.advance(100 * DAY).await;
    // As if it had been accepted lately.
    sqlx::query("update idempotency_keys set created_at = clock()")
        .execute(&app.db)
        .await
        .expect("a young key");
    app.sweep().await;
    assert_eq!(status(&app, &create).await, 200);
    let (code, replayed, again) = keyed(&app, "pinned").await;
    assert_eq!((code, replayed), (202, true));
    assert_eq!(again["id"], create["id"]);
    app.advance(8 * DAY).await;
    app.sweep().await;
    assert_eq!(status(&app, &create).await, 404);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_one_batch_goes_in_one_pass() {
    let app = TestApp::start().await;
    app.ready("living").await;
    sqlx::query(
        "insert into idempotency_keys (principal, route, key, fingerprint, operation_id)
         select 'somebody', 'POST /workspaces', n::text, '', gen_random_uuid() from generate_series(1, 1000) n",
    )
    .execute(&app.db)
    .await
    .expect("keys");
    app.advance(8 * DAY).await;
    app.sweep().await;
    let left: i64 = sqlx::query_scalar("select count(*) from idempotency_keys")
        .fetch_one(&app.db)
        .await
        .expect("a count");
    assert_eq!(left, 0);
    app.finish().await;
}
