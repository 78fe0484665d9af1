//! Processes die: a worker is really killed while a call is in flight, and another finishes.

use crate::support::process::Process;
use crate::support::stores::Store;
use crate::support::variants;
use crate::support::{Builder, PATIENCE, TestApp};
use async_trait::async_trait;
use brickyard::outbound::Outbound;
use brickyard::queue::worker::{Failed, Handler, Left, Worker};
use brickyard::queue::{self, Job, enqueue, lease};
use brickyard::secrets;
use futures_util::StreamExt;
use futures_util::future::join_all;
use serde_json::json;
use simulator::{Call, Fault, FaultKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// The stores whose calls are held here.
const STORES: [Store; 2] = [Store::Vault, Store::Aws];

const HOLDS: [FaultKind; 2] = [FaultKind::HoldRequest, FaultKind::HoldAnswer];

/// Where AWS gives a secret its second value in two calls: the worker before died after the first value was there.
const SECOND_VALUE: (Call, FaultKind) = (Call::StorePut, FaultKind::HoldAnswer);

async fn arrived(app: &TestApp, call: Call) {
    let until = Instant::now() + PATIENCE;
    while !app.simulator.arrivals().iter().any(|a| a.call == call) {
        assert!(Instant::now() < until, "{call:?} never came");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A world without a worker, delivering to this store.
fn nobody_works(store: &Store) -> Builder {
    Builder {
        workers: 0,
        store: store.clone(),
        ..Builder::default()
    }
}

/// A worker's process gets as far as this call, which is held, and is killed.
async fn dies_at(app: &TestApp, call: Call, hold: FaultKind) {
    app.fault(Fault::new(hold).on(call));
    let mut victim = Process::worker(app);
    arrived(app, call).await;
    // What is held acts before its answer is held.
    tokio::time::sleep(Duration::from_millis(100)).await;
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
    let [vault, aws] = STORES;
    let unrepeatable = variants::unrepeatable().await.into_iter();
    // Writes that may be repeated must not do harm either.
    let assign = (variants::ALL[0], Call::AssignPrincipal);
    let calls = unrepeatable
        .chain([assign])
        .map(|(variant, call)| (variant, vault.clone(), vec![], call));
    let puts = STORES.into_iter().flat_map(|store| {
        [Call::StorePut, Call::StoreMetadataPut]
            .map(|call| (variants::ALL[0], store.clone(), vec![], call))
    });
    let stage = (variants::ALL[0], aws, vec![SECOND_VALUE], Call::StoreStage);
    let cases = calls
        .chain(puts)
        .chain([stage])
        .flat_map(|(variant, store, before, call)| {
            HOLDS.map(|hold| (variant, store.clone(), before.clone(), call, hold))
        });
    let worlds = futures_util::stream::iter(cases);
    worlds
        .for_each_concurrent(12, |(variant, store, before, call, hold)| async move {
            let case = format!("{hold:?} on {call:?}, {}, {store:?}", variant.name);
            let mut app = variant.start(nobody_works(&store)).await;
            let create = app.create("survivor").await;
            for (call, hold) in before {
                dies_at(&app, call, hold).await;
            }
            dies_at(&app, call, hold).await;
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
            ..nobody_works(&store)
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
    let puts = STORES
        .into_iter()
        .map(|store| (store, vec![], Call::StorePut));
    let stage = (Store::Aws, vec![SECOND_VALUE], Call::StoreStage);
    let cases = puts.chain([stage]).flat_map(|(store, before, call)| {
        HOLDS.map(|hold| (store.clone(), before.clone(), call, hold))
    });
    join_all(cases.map(|(store, before, call, hold)| async move {
        let case = format!("{hold:?} on {call:?}, {store:?}");
        let mut app = nobody_works(&store).start().await;
        let create = app.create("guarded").await;
        for (call, hold) in before {
            dies_at(&app, call, hold).await;
        }
        app.fault(Fault::new(hold).on(call));
        let _replaced = Process::worker(&app);
        arrived(&app, call).await;
        app.start_worker();
        app.lease_ends(&create).await;
        assert_eq!(app.done(&create).await["status"], "succeeded", "{case}");
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
            ..nobody_works(&store)
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

/// Its first run ends only when told to; the others take longer than a lease.
#[derive(Default)]
struct Slow {
    runs: AtomicU32,
    end_first: Notify,
}

#[async_trait]
impl Handler for Slow {
    fn kind(&self) -> &'static str {
        "slow"
    }

    async fn run(&self, _: &Job, _: &CancellationToken) -> Result<Left, Failed> {
        if self.runs.fetch_add(1, Ordering::SeqCst) == 0 {
            self.end_first.notified().await;
        } else {
            tokio::time::sleep(Duration::from_millis(2500)).await;
        }
        Ok(Left::Fenced)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_came_back_to_its_process_keeps_its_lease_when_the_first_run_ends() {
    let app = Builder {
        workers: 0,
        ..Builder::default()
    }
    .start()
    .await;
    let slow = Arc::new(Slow::default());
    let settings = queue::Settings {
        lease: Duration::from_secs(1),
        renew_every: Duration::from_millis(200),
        poll_every: Duration::from_millis(100),
        grace: Duration::from_millis(100),
        ..queue::Settings::default()
    };
    let stop = CancellationToken::new();
    let worker = Worker::new(app.db.clone(), settings, vec![slow.clone()]);
    let working = tokio::spawn(worker.run(stop.clone()));
    let mut connection = app.db.acquire().await.expect("a connection");
    enqueue::enqueue(&mut connection, "slow", "it", Duration::ZERO)
        .await
        .expect("a job");
    drop(connection);
    let begun = async |runs: u32| {
        while slow.runs.load(Ordering::SeqCst) < runs {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    begun(1).await;
    app.lease_ends(&json!({"id": "it"})).await;
    begun(2).await;
    slow.end_first.notify_one();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(slow.runs.load(Ordering::SeqCst), 2, "the lease was lost");
    stop.cancel();
    working.await.expect("it ends");
    app.abandon("its job is of no kind that ends").await;
}
