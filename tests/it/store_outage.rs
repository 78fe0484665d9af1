//! The secret store is down, sealed, or refuses us: nothing is minted for it, and the operation waits and says so.

use crate::support::{PATIENCE, TestApp};
use serde_json::Value;
use simulator::{Call, Fault, FaultKind};
use std::time::{Duration, Instant};

fn minted(app: &TestApp) -> usize {
    app.simulator
        .arrivals()
        .iter()
        .filter(|a| a.call == Call::MintTokenOnBehalf)
        .count()
}

/// Waits until the operation says that it waits for the store; the workspace then.
async fn waiting(app: &TestApp, operation: &Value) -> Value {
    let id = operation["id"].as_str().expect("an operation");
    let until = Instant::now() + PATIENCE;
    loop {
        let now = app.get(&format!("/operations/{id}")).await.body;
        if now["progress"]["waiting_for"] == "secret_store" {
            assert_eq!(now["progress"]["step"], "deliver_token");
            return app.workspace_of(operation).await;
        }
        assert!(Instant::now() < until && now["done"] == false, "{now:#}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_minted_for_a_store_that_is_down() {
    for (fault, code) in [
        (FaultKind::StoreSealed, "secret_store_unreachable"),
        (FaultKind::StoreDown, "secret_store_unreachable"),
        (FaultKind::StoreDenied, "secret_store_denied"),
    ] {
        let app = TestApp::start().await;
        app.fault(Fault::new(fault).times(0));
        let create = app.create("patient").await;
        let workspace = waiting(&app, &create).await;
        assert_eq!(workspace["problem"]["code"], code, "{workspace:#}");
        assert_eq!(workspace["phase"], "provisioning");
        assert_eq!(
            minted(&app),
            0,
            "{fault:?}: a token was minted that nobody could keep"
        );
        app.simulator.clear_faults();
        // The longest pause is 15 s: an operator is waiting too, but nobody is hurried by a test.
        app.advance(Duration::from_secs(16)).await;
        let done = app.done(&create).await;
        assert_eq!(done["status"], "succeeded", "{done:#}");
        assert_eq!(
            app.workspace_of(&create).await["problem"],
            Value::Null,
            "no stale problem"
        );
        assert_eq!(minted(&app), 1);
        app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_could_not_be_stored_is_revoked() {
    for call in [Call::StorePut, Call::StoreMetadataPut] {
        let app = TestApp::start().await;
        app.fault(Fault::new(FaultKind::StoreSealed).on(call).times(0));
        let create = app.create("orphaned").await;
        waiting(&app, &create).await;
        let live = app.simulator.inventory().tokens;
        assert!(
            live.is_empty(),
            "{call:?}: {} tokens live without a place",
            live.len()
        );
        assert!(minted(&app) >= 1);
        app.simulator.clear_faults();
        let done = app.done(&create).await;
        assert_eq!(done["status"], "succeeded", "{done:#}");
        app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_waits_for_the_store_and_then_leaves_nothing() {
    let app = TestApp::start().await;
    app.ready("leaving").await;
    app.fault(Fault::new(FaultKind::StoreSealed).times(0));
    let delete = app.delete("/workspaces/leaving").await.body;
    waiting(&app, &delete).await;
    assert_eq!(
        app.simulator.inventory().workspaces.len(),
        1,
        "the secret goes first"
    );
    app.simulator.clear_faults();
    assert_eq!(app.done(&delete).await["status"], "succeeded");
    assert!(app.simulator.inventory().is_empty());
    app.finish().await;
}

/// Somebody writes a secret where the workspace `theirs` would have its own.
async fn put_theirs(app: &TestApp) {
    let world = app.simulator.world().clone();
    let path = format!(
        "{}/v1/secret/data/databricks/data-platform/theirs",
        world.vault_address
    );
    let put = reqwest::Client::new()
        .post(path)
        .header("X-Vault-Token", &world.vault_token)
        .json(&serde_json::json!({"data": {"password": "theirs"}}))
        .send()
        .await
        .expect("an answer");
    assert!(put.status().is_success());
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_elses_secret_is_not_overwritten() {
    let app = TestApp::start().await;
    put_theirs(&app).await;
    let create = app.create("theirs").await;
    let done = app.done(&create).await;
    assert_eq!(done["problem"]["code"], "secret_path_taken", "{done:#}");
    app.phase(&create, "deleted").await;
    let inventory = app.simulator.inventory();
    assert_eq!(inventory.secrets.len(), 1, "it is still there");
    assert_eq!(minted(&app), 0);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_elses_secret_is_safe_as_long_as_nothing_was_minted() {
    let app = TestApp::start().await;
    app.fault(
        Fault::new(FaultKind::Throttled)
            .on(Call::MintTokenOnBehalf)
            .times(0),
    );
    let create = app.create("theirs").await;
    let until = Instant::now() + PATIENCE;
    while minted(&app) == 0 {
        assert!(Instant::now() < until, "no mint was asked for");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    put_theirs(&app).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    app.simulator.clear_faults();
    let done = app.done(&create).await;
    assert_eq!(done["problem"]["code"], "secret_path_taken", "{done:#}");
    app.phase(&create, "deleted").await;
    let secrets = app.simulator.inventory().secrets;
    assert_eq!(secrets.len(), 1, "it is still there");
    assert!(secrets.values().all(|secret| secret.versions.len() == 1));
    app.finish().await;
}
