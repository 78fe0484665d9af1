//! Tokens and their secrets, where what was given up still arrives.

use super::{acted, arrived, count};
use crate::support::process::Process;
use crate::support::{Builder, PATIENCE, TestApp};
use brickyard::domain::id::WorkspaceId;
use brickyard::outbound::Outbound;
use brickyard::secrets::{self, Metadata, SecretStore, SecretValue};
use simulator::{Call, Fault, FaultKind};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Longer than a worker needs for what it is not meant to do; shorter than a call's time limit.
const LATER: Duration = Duration::from_millis(1200);

/// The store, as somebody else would use it.
fn store(app: &TestApp) -> Arc<dyn SecretStore> {
    let outbound = Outbound::new(app.app.config.outbound.clone()).expect("a client");
    secrets::open(&app.app.config.stores["main"], &outbound)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mint_that_may_still_arrive_is_waited_for() {
    let app = TestApp::start().await;
    app.fault(Fault::new(FaultKind::HoldRequest).on(Call::MintTokenOnBehalf));
    let create = app.create("belated").await;
    arrived(&app, Call::MintTokenOnBehalf, 1).await;
    app.lease_ends(&create).await;
    tokio::time::sleep(LATER).await;
    assert_eq!(count(&app, Call::MintTokenOnBehalf), 1, "one at a time");
    app.simulator.release();
    acted(&app, Call::MintTokenOnBehalf).await;
    assert_eq!(app.done(&create).await["status"], "succeeded");
    // One of the two is left: the checker says so.
    assert_eq!(app.simulator.inventory().created("tokens"), 2);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_may_still_arrive_is_waited_for_before_it_is_removed() {
    let app = TestApp::start().await;
    app.fault(Fault::new(FaultKind::HoldRequest).on(Call::StorePut));
    let create = app.create("belated").await;
    arrived(&app, Call::StorePut, 1).await;
    let delete = app.delete("/workspaces/belated").await.body;
    app.lease_ends(&create).await;
    tokio::time::sleep(LATER).await;
    app.simulator.release();
    acted(&app, Call::StorePut).await;
    assert_eq!(app.done(&delete).await["status"], "succeeded");
    assert!(app.delivered().is_empty(), "{:?}", app.delivered());
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_lets_us_read_but_not_write_gets_no_token() {
    let app = Builder::default().start().await;
    let denied = Fault::new(FaultKind::StoreDenied).on(Call::StoreCapabilities);
    app.fault(denied.times(0));
    let create = app.create("refused").await;
    let path = format!("/operations/{}", create["id"].as_str().expect("an id"));
    let until = Instant::now() + PATIENCE;
    loop {
        let now = app.get(&path).await.body;
        if now["progress"]["waiting_for"] == "secret_store" || now["done"] == true {
            break;
        }
        assert!(Instant::now() < until, "{now:#}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(count(&app, Call::MintTokenOnBehalf), 0);
    app.simulator.clear_faults();
    app.advance(Duration::from_secs(16)).await;
    assert_eq!(app.done(&create).await["status"], "succeeded");
    app.finish().await;
}

/// A put that came late has no metadata of its own, and may have gone over what the metadata speaks of.
#[tokio::test(flavor = "multi_thread")]
async fn metadata_of_an_older_version_is_not_believed() {
    let mut app = Builder {
        workers: 0,
        ..Builder::default()
    }
    .start()
    .await;
    app.fault(Fault::new(FaultKind::HoldAnswer).on(Call::StoreMetadataPut));
    let create = app.create("overtaken").await;
    let mut victim = Process::worker(&app);
    acted(&app, Call::StoreMetadataPut).await;
    victim.kill();
    app.simulator.release();
    let (store, path) = (store(&app), "databricks/data-platform/overtaken");
    let stored = store.metadata(path).await.expect("the store answers");
    let stored = stored.expect("a secret");
    let late = SecretValue {
        host: "late",
        token: &"late".to_owned().into(),
    };
    let put = store.put(path, late, Some(&stored.expected)).await;
    put.expect("it is written");
    app.start_worker();
    assert_eq!(app.done(&create).await["status"], "succeeded");
    // The checker compares what was recorded with what is there.
    assert_eq!(app.simulator.inventory().created("tokens"), 2);
    let held: Vec<_> = app.delivered().into_values().collect();
    assert_ne!(held, [Some("late".to_owned())]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_another_workspaces_by_now_is_left_alone() {
    let app = TestApp::start().await;
    app.ready("succeeded").await;
    let (store, path) = (store(&app), "databricks/data-platform/succeeded");
    let stored = store.metadata(path).await.expect("the store answers");
    let stored = stored.expect("a secret");
    let theirs = SecretValue {
        host: "theirs",
        token: &"theirs".to_owned().into(),
    };
    let put = store.put(path, theirs, Some(&stored.expected)).await;
    let metadata = Metadata {
        version: put.expect("it is written"),
        workspace: WorkspaceId::new().to_string(),
        ..stored.metadata.expect("metadata")
    };
    let told = store.put_metadata(path, &metadata).await;
    told.expect("it is written");
    app.removed("succeeded").await;
    let held: Vec<_> = app.delivered().into_values().collect();
    assert_eq!(held, [Some("theirs".to_owned())]);
    app.abandon("their secret stays").await;
}
