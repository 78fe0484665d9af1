//! Calls to the outside: what is held meanwhile, and what is not sent.

use super::{arrived, count};
use crate::support::account::Account;
use crate::support::variants::{self, Life};
use crate::support::{Builder, TestApp};
use serde_json::json;
use simulator::{Call, Fault, FaultKind};
use std::time::{Duration, Instant};

/// What callers cause, and what is no request.
const NOT_OURS: [Call; 4] = [
    Call::Jwks,
    Call::IssuerDiscovery,
    Call::IssuerToken,
    Call::Dns,
];

/// The fewest connections in use at any moment of a while: what is in use all the time.
async fn in_use(app: &TestApp) -> u32 {
    let db = &app.app.db;
    let mut fewest = u32::MAX;
    for _ in 0..30 {
        let idle = u32::try_from(db.num_idle()).expect("few");
        fewest = fewest.min(db.size().saturating_sub(idle));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    fewest
}

#[tokio::test(flavor = "multi_thread")]
async fn no_connection_and_so_no_transaction_is_held_over_a_call() {
    let variant = &variants::ALL[0];
    let life = Life::of(variant).await;
    let app = variant.start(Builder::default()).await;
    // Two listen all the time.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let before = in_use(&app).await;
    let mut holds = app.simulator.holds();
    let calls = life.calls();
    let ours = calls.iter().filter(|call| !NOT_OURS.contains(call));
    for call in ours {
        app.fault(Fault::new(FaultKind::HoldAnswer).on(*call));
    }
    let mut held = 0;
    let watching = async {
        loop {
            holds.changed().await.expect("the simulator is there");
            let now = in_use(&app).await;
            let arrivals = app.simulator.arrivals();
            let call = arrivals.iter().rfind(|it| it.until.is_none());
            let call = call.map(|it| it.call);
            assert!(now <= before, "{now} in use over {call:?}, {before} before");
            held += 1;
            app.simulator.release();
        }
    };
    let living = async {
        app.ready("unattended").await;
        app.tagged("unattended").await;
        app.removed("unattended").await;
    };
    tokio::select! {
        () = watching => {}
        () = living => {}
    }
    assert!(held >= 20, "a life has more than {held} calls");
    app.simulator.release();
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_cancelled_while_it_looked_sends_nothing_more() {
    let app = TestApp::start().await;
    app.fault(Fault::new(FaultKind::HoldAnswer).on(Call::ListServicePrincipals));
    let create = app.create("unwanted").await;
    arrived(&app, Call::ListServicePrincipals, 1).await;
    let path = format!("{}/cancel", create["href"].as_str().expect("a link"));
    let bearer = app.bearer("requester");
    let answer = app
        .send("POST", &path, &[("authorization", &bearer)], None)
        .await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    app.simulator.release();
    assert_eq!(app.done(&create).await["status"], "cancelled");
    app.phase(&create, "deleted").await;
    assert_eq!(count(&app, Call::CreateServicePrincipal), 0);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_runs_is_not_used_before_its_name_resolves_and_it_is_steady() {
    let app = TestApp::start().await;
    app.fault(Fault::new(FaultKind::NotFound).on(Call::Dns).times(0));
    let create = app.create("nameless").await;
    arrived(&app, Call::Dns, 3).await;
    let path = format!("/operations/{}", create["id"].as_str().expect("an id"));
    tokio::time::sleep(Duration::from_millis(300)).await;
    let now = app.get(&path).await.body;
    assert_eq!(now["progress"]["step"], "await_reachable", "{now:#}");
    assert_eq!(count(&app, Call::CreateServicePrincipal), 0);
    app.simulator.clear_faults();
    assert_eq!(app.done(&create).await["status"], "succeeded");
    let arrivals = app.simulator.arrivals();
    let used = arrivals
        .iter()
        .position(|it| it.call == Call::ListServicePrincipals);
    let before = &arrivals[..used.expect("it was used")];
    let good = before.iter().filter(|it| it.call == Call::Me).count();
    assert_eq!(good, 3, "good answers in a row");
    app.finish().await;
}

/// What was accepted is told to a worker that would not look for long.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_is_told_of_new_work() {
    let app = Builder {
        tune: |app| {
            app.queue.poll_every = Duration::from_secs(60);
            // Its own next job would wake it too.
            app.provisioning.seal_every = Duration::from_secs(3600);
        },
        ..Builder::default()
    }
    .start()
    .await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let create = app.create("awaited").await;
    let path = format!("/operations/{}", create["id"].as_str().expect("an id"));
    let asked = Instant::now();
    while app.get(&path).await.body["status"] == "queued" {
        assert!(asked.elapsed() < Duration::from_secs(10), "nobody came");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    app.abandon("its worker looks once a minute").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_our_name_and_is_not_as_asked_is_not_adopted() {
    let mut app = Builder {
        workers: 0,
        ..Builder::default()
    }
    .start()
    .await;
    let create = app.create("mistaken").await;
    let id = create["target"]["id"].as_str().expect("a target");
    let account = Account::open(&app.simulator).await;
    let theirs = account
        .create(
            "storage-configurations",
            json!({
                "storage_configuration_name": format!("dev-{id}-storage-1"),
                "root_bucket_info": {"bucket_name": "somebody-elses"},
            }),
        )
        .await;
    app.start_worker();
    let done = app.done(&create).await;
    assert_eq!(done["problem"]["code"], "name_conflict", "{done:#}");
    app.phase(&create, "deleted").await;
    let left = app.simulator.inventory().storage_configurations;
    let left: Vec<_> = left.into_iter().map(|it| it.id).collect();
    assert_eq!(theirs["storage_configuration_id"], left[0]);
    app.abandon("what is theirs stays").await;
}

/// Until the sender gives up, it may still be made; and only from then on lists have their time to show it.
#[tokio::test(flavor = "multi_thread")]
async fn what_lands_late_and_is_listed_later_is_found() {
    let app = TestApp::start().await;
    // Listed a second and a half after it is made; the time limit and the settle window are two seconds each.
    app.fault(Fault::new(FaultKind::ListLag).seconds(1500.0));
    app.fault(Fault::new(FaultKind::HoldRequest).on(Call::CreateWorkspace));
    let create = app.create("belated").await;
    arrived(&app, Call::CreateWorkspace, 1).await;
    app.lease_ends(&create).await;
    tokio::time::sleep(Duration::from_millis(1200)).await;
    app.simulator.release();
    assert_eq!(app.done(&create).await["status"], "succeeded");
    assert_eq!(app.simulator.inventory().created("workspaces"), 1);
    app.finish().await;
}
