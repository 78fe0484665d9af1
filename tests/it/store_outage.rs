//! The secret store is down, sealed, or refuses us: nothing is minted for it, and the operation waits and says so.

use crate::support::stores::Store;
use crate::support::{Builder, PATIENCE, TestApp};
use brickyard::outbound::Outbound;
use brickyard::secrets::SecretValue;
use futures_util::future::join_all;
use serde_json::Value;
use simulator::{Call, Fault, FaultKind};
use std::sync::Arc;
use std::time::{Duration, Instant};

fn minted(app: &TestApp) -> usize {
    app.simulator
        .arrivals()
        .iter()
        .filter(|a| a.call == Call::MintTokenOnBehalf)
        .count()
}

/// The ordinary world, delivering to this store.
async fn start(store: Store) -> TestApp {
    Builder {
        store,
        ..Builder::default()
    }
    .start()
    .await
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
    let unreachable = "secret_store_unreachable";
    let faults = [
        (FaultKind::StoreSealed, None, unreachable),
        (FaultKind::StoreDown, None, unreachable),
        (FaultKind::StoreDenied, None, "secret_store_denied"),
        (
            FaultKind::Throttled,
            Some(Call::StoreMetadataGet),
            unreachable,
        ),
    ];
    let cases = Store::simulated()
        .into_iter()
        .flat_map(|store| faults.map(|fault| (store.clone(), fault)));
    join_all(cases.map(|(store, (kind, on, code))| async move {
        let app = start(store.clone()).await;
        let fault = Fault::new(kind).times(0);
        app.fault(match on {
            Some(call) => fault.on(call),
            None => fault,
        });
        let create = app.create("patient").await;
        let workspace = waiting(&app, &create).await;
        let case = format!("{store:?}, {kind}");
        assert_eq!(workspace["problem"]["code"], code, "{case}: {workspace:#}");
        assert_eq!(workspace["phase"], "provisioning", "{case}");
        assert_eq!(minted(&app), 0, "{case}: a token that nobody could keep");
        app.simulator.clear_faults();
        goes_on(&app, &create).await;
        assert_eq!(minted(&app), 1, "{case}");
        app.finish().await;
    }))
    .await;
}

/// The cause is gone, and after the longest pause the operation succeeds.
async fn goes_on(app: &TestApp, create: &Value) {
    // 15 s: an operator is waiting too, but nobody is hurried by a test.
    app.advance(Duration::from_secs(16)).await;
    let done = app.done(create).await;
    assert_eq!(done["status"], "succeeded", "{done:#}");
    let workspace = app.workspace_of(create).await;
    assert_eq!(workspace["problem"], Value::Null, "no stale problem");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_is_gone_is_waited_for() {
    let folder = Arc::new(tempfile::tempdir().expect("a directory"));
    let (here, away) = (
        folder.path().to_owned(),
        folder.path().with_extension("away"),
    );
    std::fs::rename(&here, &away).expect("it can be renamed");
    let app = start(Store::AgeFile(folder)).await;
    let create = app.create("patient").await;
    let workspace = waiting(&app, &create).await;
    assert_eq!(workspace["problem"]["code"], "secret_store_denied");
    assert_eq!(minted(&app), 0);
    std::fs::rename(&away, &here).expect("it can be renamed");
    goes_on(&app, &create).await;
    app.removed("patient").await;
    assert!(app.delivered().is_empty(), "{:?}", app.delivered());
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_could_not_be_stored_is_revoked() {
    let cases = Store::simulated()
        .into_iter()
        .flat_map(|store| [Call::StorePut, Call::StoreMetadataPut].map(|on| (store.clone(), on)));
    join_all(cases.map(|(store, call)| async move {
        let app = start(store.clone()).await;
        app.fault(Fault::new(FaultKind::StoreSealed).on(call).times(0));
        let create = app.create("orphaned").await;
        waiting(&app, &create).await;
        let live = app.simulator.inventory().tokens.len();
        assert_eq!(live, 0, "{store:?}, {call:?}: tokens live without a place");
        assert!(minted(&app) >= 1);
        app.simulator.clear_faults();
        let done = app.done(&create).await;
        assert_eq!(done["status"], "succeeded", "{done:#}");
        app.finish().await;
    }))
    .await;
}

/// Waits until what is due has been tried.
async fn waits_again(app: &TestApp) {
    let until = Instant::now() + PATIENCE;
    loop {
        let due: i64 = sqlx::query_scalar(
            "select count(*) from jobs where kind = 'operation' and (lease_owner is not null or run_at <= clock())",
        )
        .fetch_one(&app.db)
        .await
        .expect("a count");
        if due == 0 {
            return;
        }
        assert!(Instant::now() < until, "it does not wait");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Some stores let us look and not put, which shows only with a token in hand.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_refuses_every_put_costs_few_tokens() {
    const RETRIES: u32 = 20;
    join_all([Store::Vault, Store::Aws].map(|store| async move {
        let app = start(store.clone()).await;
        app.fault(
            Fault::new(FaultKind::StoreDenied)
                .on(Call::StorePut)
                .times(0),
        );
        let create = app.create("refused").await;
        let workspace = waiting(&app, &create).await;
        assert_eq!(workspace["problem"]["code"], "secret_store_denied");
        let mut after = Vec::new();
        for _ in 0..RETRIES {
            // As long as the first wait.
            app.advance(Duration::from_secs(15)).await;
            waits_again(&app).await;
            after.push(minted(&app));
        }
        assert!((4..=6).contains(&minted(&app)), "{store:?}: {after:?}");
        assert_eq!(app.simulator.inventory().tokens.len(), 0, "{store:?}");
        let workspace = app.workspace_of(&create).await;
        assert_eq!(workspace["problem"]["code"], "secret_store_denied");
        app.simulator.clear_faults();
        // The longest wait.
        app.advance(Duration::from_secs(8 * 60)).await;
        assert_eq!(app.done(&create).await["status"], "succeeded");
        app.finish().await;
    }))
    .await;
}

/// The store acts and its answer is lost: nothing is minted twice, and nothing is left behind.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_of_the_store_is_found_out() {
    let lost = [
        FaultKind::AnswerLost,
        FaultKind::ErrorAfterActing,
        FaultKind::Truncated,
    ];
    let cases = Store::simulated()
        .into_iter()
        .flat_map(|store| lost.map(|kind| (store.clone(), kind)));
    join_all(cases.map(|(store, kind)| async move {
        let app = Builder {
            store: store.clone(),
            // As it is outside of tests: here no time may run out.
            tune: |app| app.provisioning.store_retry = Duration::from_secs(20),
            ..Builder::default()
        }
        .start()
        .await;
        for call in [
            Call::StoreMetadataGet,
            Call::StorePut,
            Call::StoreMetadataPut,
        ] {
            app.fault(Fault::new(kind).on(call));
        }
        app.ready("unheard").await;
        assert_eq!(minted(&app), 1, "{store:?}, {kind}");
        app.fault(Fault::new(kind).on(Call::StoreDelete));
        app.removed("unheard").await;
        let left = app.simulator.inventory();
        assert!(left.is_empty(), "{store:?}, {kind}: {left:#?}");
        app.finish().await;
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_waits_for_the_store_and_then_leaves_nothing() {
    join_all(Store::simulated().map(|store| async move {
        let app = start(store).await;
        app.ready("leaving").await;
        app.fault(Fault::new(FaultKind::StoreSealed).times(0));
        let delete = app.delete("/workspaces/leaving").await.body;
        waiting(&app, &delete).await;
        let workspaces = app.simulator.inventory().workspaces.len();
        assert_eq!(workspaces, 1, "the secret goes first");
        app.simulator.clear_faults();
        assert_eq!(app.done(&delete).await["status"], "succeeded");
        assert!(app.simulator.inventory().is_empty());
        app.finish().await;
    }))
    .await;
}

/// Somebody writes a secret where the workspace `theirs` would have its own.
async fn put_theirs(app: &TestApp) {
    let path = "databricks/data-platform/theirs";
    let settings = &app.app.config.stores["main"];
    let outbound = Outbound::new(app.app.config.outbound.clone()).expect("a client");
    let value = SecretValue {
        host: "theirs",
        token: &"theirs".to_owned().into(),
    };
    let put = brickyard::secrets::open(settings, &outbound);
    put.put(path, value, None).await.expect("it is written");
}

/// What they wrote is still there, and nothing else.
fn is_theirs(app: &TestApp) {
    let held: Vec<_> = app.delivered().into_values().collect();
    assert_eq!(held, [Some("theirs".to_owned())], "{:?}", app.store);
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_elses_secret_is_not_overwritten() {
    join_all(Store::all().map(|store| async move {
        let app = start(store).await;
        put_theirs(&app).await;
        let create = app.create("theirs").await;
        let done = app.done(&create).await;
        assert_eq!(done["problem"]["code"], "secret_path_taken", "{done:#}");
        app.phase(&create, "deleted").await;
        is_theirs(&app);
        assert_eq!(minted(&app), 0);
        app.finish().await;
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_elses_secret_is_safe_as_long_as_nothing_was_minted() {
    join_all(Store::all().map(|store| async move {
        let app = start(store).await;
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
        is_theirs(&app);
        app.finish().await;
    }))
    .await;
}
