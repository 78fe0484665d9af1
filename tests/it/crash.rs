//! Processes die: a worker is really killed while a call is in flight, and another finishes.

use crate::support::process::Process;
use crate::support::stores::Store;
use crate::support::variants;
use crate::support::{Builder, PATIENCE, TestApp};
use brickyard::outbound::Outbound;
use brickyard::queue::{enqueue, lease};
use brickyard::secrets;
use futures_util::StreamExt;
use futures_util::future::join_all;
use simulator::{Arrival, Call, Fault, FaultKind};
use std::process::Stdio;
use std::time::{Duration, Instant};

/// The stores whose calls are held here.
const STORES: [&Store; 3] = [&Store::Vault, &Store::Aws, &Store::Azure];

const HOLDS: [FaultKind; 2] = [FaultKind::HoldRequest, FaultKind::HoldAnswer];

/// A call, and what it comes after.
type At = (Call, Option<Call>);

const PUT: At = (Call::StorePut, None);

/// Where workers before died.
type Before = &'static [(At, FaultKind)];

const NOBODY: Before = &[];

/// Where AWS gives a secret its second value in two calls: the worker before died after the first value was there.
const SECOND_VALUE: (At, FaultKind) = (PUT, FaultKind::HoldAnswer);

/// Where a put takes more calls than one: the second value in AWS, the look after it in Key Vault.
const BETWEEN: [(&Store, Before, At); 2] = [
    (&Store::Aws, &[SECOND_VALUE], (Call::StoreStage, None)),
    (
        &Store::Azure,
        NOBODY,
        (Call::StoreMetadataGet, Some(Call::StorePut)),
    ),
];

async fn seen(app: &TestApp, call: Call, is_meant: impl Fn(&Arrival) -> bool) {
    let until = Instant::now() + PATIENCE;
    let is_meant = |it: &Arrival| it.call == call && is_meant(it);
    while !app.simulator.arrivals().iter().any(&is_meant) {
        assert!(Instant::now() < until, "{call:?} never came");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn arrived(app: &TestApp, call: Call) {
    seen(app, call, |_| true).await;
}

/// Waits until it is held. What is held acts before its answer is.
async fn held(app: &TestApp, call: Call, hold: FaultKind) {
    seen(app, call, |it| it.fault == Some(hold)).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
}

fn hold(app: &TestApp, (call, after): At, hold: FaultKind) {
    let fault = Fault::new(hold).on(call);
    app.fault(Fault { after, ..fault });
}

/// A world without a worker, delivering to this store.
fn nobody_works(store: &Store) -> Builder {
    Builder {
        workers: 0,
        store: store.clone(),
        ..Builder::default()
    }
}

/// A worker's process that waits for another of its kind no longer than that one may be at it.
fn twin(app: &TestApp) -> Process {
    let short = [
        ("BRICKYARD_WORKER__CALL_TIMEOUT_SECONDS", "4"),
        ("BRICKYARD_WORKER__STORE_RETRY_SECONDS", "1"),
    ];
    Process::start(app, "work", &short, Stdio::null())
}

/// A worker's process gets as far as this call, which is held, and is killed.
async fn dies_at(app: &TestApp, at: At, kind: FaultKind) {
    hold(app, at, kind);
    let mut victim = Process::worker(app);
    held(app, at.0, kind).await;
    victim.kill();
    app.simulator.release();
}

/// What is recorded is the store's current version, beside the one live token.
async fn one_token_one_version(app: &TestApp, name: &str, case: &str) {
    let workspace = app.get(&format!("/workspaces/{name}")).await.body;
    let path = workspace["secret"]["path"].as_str().expect("a path");
    let outbound = Outbound::new(app.app.config.outbound.clone()).expect("a client");
    let store = secrets::open(&app.app.config.stores["main"], &outbound);
    let stored = store.metadata(path).await.expect("the store answers");
    let stored = stored.expect("a secret");
    let metadata = stored.metadata.expect("metadata");
    assert_eq!(stored.current.as_ref(), Some(&metadata.version), "{case}");
    let tokens = app.get(&format!("/workspaces/{name}/tokens")).await.body;
    let recorded = &tokens["items"][0]["secret"]["version"];
    assert_eq!(*recorded, metadata.version.0, "{case}: {tokens:#}");
    let live: Vec<String> = app
        .simulator
        .inventory()
        .tokens
        .into_iter()
        .map(|it| it.id)
        .collect();
    assert_eq!(live, [metadata.token_id], "{case}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_with_a_call_in_flight_is_succeeded() {
    let unrepeatable = variants::unrepeatable().await.into_iter();
    // Writes that may be repeated must not do harm either.
    let assign = (variants::ALL[0], Call::AssignPrincipal);
    let calls = unrepeatable
        .chain([assign])
        .map(|(variant, call)| (variant, NOBODY, (call, None)));
    let puts = STORES.into_iter().flat_map(|store| {
        let variant = variants::ALL[0].delivering_to(store);
        [PUT, (Call::StoreMetadataPut, None)].map(|at| (variant, NOBODY, at))
    });
    let between = BETWEEN.map(|(store, before, at)| {
        let variant = variants::ALL[0].delivering_to(store);
        (variant, before, at)
    });
    let cases = calls
        .chain(puts)
        .chain(between)
        .flat_map(|(variant, before, at)| HOLDS.map(|hold| (variant, before, at, hold)));
    let worlds = futures_util::stream::iter(cases);
    worlds
        .for_each_concurrent(12, |(variant, before, at, kind)| async move {
            let case = format!("{kind:?} on {at:?}, {}, {:?}", variant.name, variant.store);
            let mut app = variant.start(nobody_works(variant.store)).await;
            let create = app.create("survivor").await;
            for (at, kind) in before {
                dies_at(&app, *at, *kind).await;
            }
            dies_at(&app, at, kind).await;
            app.start_worker();
            let done = app.done(&create).await;
            assert_eq!(done["status"], "succeeded", "{case}: {done:#}");
            for (kind, made) in variants::made(&app) {
                assert_eq!(made, 1, "{case}: {kind}");
            }
            one_token_one_version(&app, "survivor", &case).await;
            app.removed("survivor").await;
            let left = variants::left(&app);
            assert!(left.is_empty(), "{case}: {left:#?}");
            app.finish().await;
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_race_on_a_hundred_workspaces() {
    let app = Builder {
        workers: 0,
        ..Builder::default()
    }
    .start()
    .await;
    let (one, two) = (Process::worker(&app), Process::worker(&app));
    let names: Vec<String> = (0..100).map(|n| format!("racer-{n}")).collect();
    let operations = join_all(names.iter().map(|name| app.create(name))).await;
    for operation in &operations {
        let done = app.done(operation).await;
        assert_eq!(done["status"], "succeeded", "{done:#}");
    }
    let inventory = app.simulator.inventory();
    assert_eq!(inventory.created("workspaces"), 100);
    assert_eq!(inventory.created("tokens"), 100);
    drop((one, two));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_killed_one_after_the_other_lose_and_double_nothing() {
    let mut app = Builder {
        workers: 0,
        ..Builder::default()
    }
    .start()
    .await;
    let names: Vec<String> = (0..12).map(|n| format!("phoenix-{n}")).collect();
    let operations = join_all(names.iter().map(|name| app.create(name))).await;
    for lifetime in [150, 300, 450] {
        let mut victim = Process::worker(&app);
        tokio::time::sleep(Duration::from_millis(400 + lifetime)).await;
        victim.kill();
    }
    app.start_worker();
    for operation in &operations {
        let done = app.done(operation).await;
        assert_eq!(done["status"], "succeeded", "{done:#}");
    }
    assert_eq!(app.simulator.inventory().created("workspaces"), 12);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_hands_work_back_at_once() {
    let mut app = Builder {
        workers: 0,
        speed: 1.0,
        ..Builder::default()
    }
    .start()
    .await;
    let mut first = Process::worker(&app);
    let create = app.create("handed-over").await;
    arrived(&app, Call::CreateWorkspace).await;
    let asked = Instant::now();
    first.signal("TERM");
    assert_eq!(first.wait(), Some(0), "it ends well");
    assert!(asked.elapsed() < Duration::from_secs(8), "within its grace");
    let held: i64 = sqlx::query_scalar("select count(*) from jobs where lease_owner is not null")
        .fetch_one(&app.db)
        .await
        .expect("a count");
    assert_eq!(held, 0, "no lease is left behind");
    app.start_worker();
    app.simulator.advance(Duration::from_secs(600));
    assert_eq!(app.done(&create).await["status"], "succeeded");
    assert_eq!(app.simulator.inventory().created("workspaces"), 1);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_worker_does_not_revoke_its_successors_token() {
    join_all(STORES.map(|store| async move {
        let builder = Builder {
            workers: 1,
            ..nobody_works(store)
        };
        let app = builder.start().await;
        app.fault(Fault::new(FaultKind::HoldRequest).on(Call::ListTokensAsAdmin));
        let create = app.create("inherited").await;
        arrived(&app, Call::ListTokensAsAdmin).await;
        app.lease_ends(&create).await;
        assert_eq!(app.done(&create).await["status"], "succeeded");
        // Its list of tokens comes only now, with one in it that its older look at the store does not know.
        app.simulator.release();
        tokio::time::sleep(Duration::from_millis(500)).await;
        one_token_one_version(&app, "inherited", &format!("{store:?}")).await;
        app.finish().await;
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_worker_does_not_overwrite_its_successors_secret() {
    let puts = STORES.map(|store| (store, NOBODY, PUT));
    let cases = puts
        .into_iter()
        .chain(BETWEEN)
        .flat_map(|(store, before, at)| HOLDS.map(|hold| (store, before, at, hold)));
    join_all(cases.map(|(store, before, at, kind)| async move {
        let case = format!("{kind:?} on {at:?}, {store:?}");
        let app = nobody_works(store).start().await;
        let create = app.create("guarded").await;
        for (at, kind) in before {
            dies_at(&app, *at, *kind).await;
        }
        hold(&app, at, kind);
        let _replaced = twin(&app);
        held(&app, at.0, kind).await;
        let _successor = twin(&app);
        app.lease_ends(&create).await;
        let done = app.done(&create).await;
        assert_eq!(done["status"], "succeeded", "{case}: {done:#}");
        app.simulator.release();
        tokio::time::sleep(Duration::from_secs(1)).await;
        one_token_one_version(&app, "guarded", &case).await;
        app.removed("guarded").await;
        let inventory = app.simulator.inventory();
        assert!(inventory.is_empty(), "{case}: {inventory:#?}");
        app.finish().await;
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_written_late_by_a_replaced_worker_is_removed_with_the_workspace() {
    join_all(STORES.map(|store| async move {
        let builder = Builder {
            workers: 1,
            ..nobody_works(store)
        };
        let app = builder.start().await;
        app.fault(Fault::new(FaultKind::HoldRequest).on(Call::StorePut));
        let create = app.create("belated").await;
        arrived(&app, Call::StorePut).await;
        let delete = app.delete("/workspaces/belated").await.body;
        app.lease_ends(&create).await;
        tokio::time::sleep(Duration::from_millis(700)).await;
        app.simulator.release();
        assert_eq!(app.done(&delete).await["status"], "succeeded");
        let inventory = app.simulator.inventory();
        assert!(inventory.is_empty(), "{store:?}: {inventory:#?}");
        app.finish().await;
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn extending_leases_and_a_checkpoint_do_not_wait_for_each_other() {
    let app = Builder {
        workers: 0,
        ..Builder::default()
    }
    .start()
    .await;
    let mut connection = app.db.acquire().await.expect("a connection");
    for kind in ["watch", "work"] {
        enqueue::enqueue(&mut connection, kind, "it", Duration::ZERO)
            .await
            .expect("a job");
    }
    let (owner, minute) = (uuid::Uuid::now_v7(), Duration::from_secs(60));
    let kinds = ["watch".to_owned(), "work".to_owned()];
    let jobs = lease::acquire(&app.db, owner, &kinds, 2, minute)
        .await
        .expect("jobs");
    let ids: Vec<uuid::Uuid> = jobs.iter().map(|job| job.id).collect();
    let work = jobs.iter().find(|job| job.kind == "work").expect("leased");
    // A checkpoint holds its own job and then speaks of the observer's, which is older and leased here too.
    let mut checkpoint = app.db.begin().await.expect("a transaction");
    assert!(lease::hold(&mut checkpoint, work).await.expect("held"));
    let db = app.db.clone();
    let extending = tokio::spawn(async move { lease::extend(&db, owner, &ids, minute).await });
    tokio::time::sleep(Duration::from_millis(200)).await;
    enqueue::ensure(&mut checkpoint, "watch", "it", Duration::ZERO)
        .await
        .expect("no deadlock");
    checkpoint.commit().await.expect("it commits");
    extending.await.expect("it ends").expect("no deadlock");
    drop(connection);
    app.abandon("its jobs are of no kind that ends").await;
}
