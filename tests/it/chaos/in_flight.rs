//! A call of each kind in flight: who sent it, and what becomes of a process that is told to stop meanwhile.

use super::fleet::{Fleet, held};
use super::world;
use crate::checker::facts::public;
use crate::support::variants::outside;
use crate::support::{Builder, PATIENCE, SPEED, TestApp};
use async_trait::async_trait;
use brickyard::domain::cloud::Cloud;
use brickyard::provisioning::step;
use brickyard::queue::worker::{Failed, Handler, Left, Worker};
use brickyard::queue::{self, Job, enqueue};
use futures_util::future::join_all;
use serde_json::Value;
use simulator::{Call, Fault, FaultKind};
use sqlx::Connection;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// A call of each kind.
pub const KINDS: [(&str, step::Call); 5] = [
    ("create", step::Call::CreateWorkspace),
    ("read", step::Call::TryToken),
    ("put", step::Call::PutSecret),
    ("mint", step::Call::MintToken),
    ("delete", step::Call::DeleteWorkspace),
];

/// Calls that take a while in a run, on whatever cloud, and how many seconds.
pub const SLOW: [(step::Call, f64); 11] = [
    (step::Call::CreateCredentials, 0.3),
    (step::Call::CreateStorage, 0.2),
    (step::Call::CreateNetwork, 0.2),
    (step::Call::CreateWorkspace, 0.4),
    (step::Call::UpdateWorkspace, 0.3),
    (step::Call::CreateServicePrincipal, 0.2),
    (step::Call::ListTokens, 0.1),
    (step::Call::MintToken, 0.3),
    (step::Call::PutSecret, 0.2),
    (step::Call::PutMetadata, 0.2),
    (step::Call::DeleteWorkspace, 0.3),
];

/// Who holds the job of the workspace that the held call is about.
pub async fn holder(app: &TestApp, hold: FaultKind) -> Option<Uuid> {
    let arrivals = app.simulator.arrivals();
    let call = arrivals
        .iter()
        .rfind(|it| it.fault == Some(hold) && it.status.is_none())?;
    let rows: Vec<(Uuid, Uuid, String)> = sqlx::query_as(
        "select o.id, w.id, w.name
           from operations o
           join workspaces w on w.id = o.workspace_id
          where o.status in ('running', 'cancelling')",
    )
    .fetch_all(&app.db)
    .await
    .expect("the database answers");
    for (operation, workspace, name) in rows {
        let id = public("ws", &workspace.to_string());
        let upstream = format!("{name}-{}", &id[id.len() - 8..]);
        let about = [&call.workspace, &call.object]
            .into_iter()
            .flatten()
            .any(|it| *it == upstream || it.contains(&id));
        if about || call.path.ends_with(&format!("/{name}")) {
            let owner: Option<Option<Uuid>> =
                sqlx::query_scalar("select lease_owner from jobs where key = $1")
                    .bind(public("op", &operation.to_string()))
                    .fetch_optional(&app.db)
                    .await
                    .expect("the database answers");
            if let Some(Some(owner)) = owner {
                return Some(owner);
            }
        }
    }
    None
}

/// Waits until a call is held.
async fn in_flight(app: &TestApp, call: Call, hold: FaultKind) {
    let until = Instant::now() + PATIENCE;
    let is_held = |app: &TestApp| {
        let arrivals = app.simulator.arrivals();
        arrivals
            .iter()
            .any(|it| it.call == call && it.fault == Some(hold))
    };
    while !is_held(app) {
        assert!(Instant::now() < until, "{call} never came");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // What is held acts before its answer is held.
    tokio::time::sleep(Duration::from_millis(100)).await;
}

/// A world whose only worker has sent this call, which is held; the operation it belongs to, and the worker.
pub async fn held_at(cloud: Cloud, call: step::Call, hold: FaultKind) -> (TestApp, Value, Fleet) {
    let app = world(cloud, SPEED).await.start().await;
    let removes = call == step::Call::DeleteWorkspace;
    let call = outside(cloud, call)[0];
    app.fault(Fault::new(hold).on(call));
    let fleet = Fleet::start(&app, "work", &[0]).await;
    let mut operation = app.create("interrupted").await;
    if removes {
        assert_eq!(app.done(&operation).await["status"], "succeeded");
        operation = app.delete("/workspaces/interrupted").await.body;
    }
    in_flight(&app, call, hold).await;
    (app, operation, fleet)
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_with_a_call_of_each_kind_in_flight() {
    for cloud in Cloud::ALL {
        sigterm(cloud).await;
    }
}

async fn sigterm(cloud: Cloud) {
    let holds = [FaultKind::HoldRequest, FaultKind::HoldAnswer];
    let cases = KINDS
        .into_iter()
        .flat_map(|(kind, call)| holds.map(|hold| (kind, call, hold)));
    join_all(cases.map(|(kind, call, hold)| async move {
        let case = format!("{hold} on {kind} on {}", cloud.as_str());
        let (app, operation, mut fleet) = held_at(cloud, call, hold).await;
        let owner = fleet.replica(0).owner;
        assert!(!held(&app, owner).await.is_empty(), "{case}: it is at work");
        fleet.terminate(&app, 0).await;
        let left = held(&app, owner).await;
        let log = fleet.log_of_the_last();
        assert!(left.is_empty(), "{case}: {left:#?} {log}");
        app.simulator.release();
        // Whatever was begun is ended by another, once, and can be removed.
        fleet.restart(&app, 0).await;
        let done = app.done(&operation).await;
        assert_eq!(done["status"], "succeeded", "{case}: {done:#}");
        assert_eq!(app.simulator.inventory().created("workspaces"), 1, "{case}");
        if call != step::Call::DeleteWorkspace {
            app.removed("interrupted").await;
        }
        let left = app.simulator.inventory();
        assert!(left.is_empty(), "{case}: {left:#?}");
        // The checker holds how it ended against its grace.
        fleet.end(&app).await;
        app.finish().await;
    }))
    .await;
}

/// A handler that never comes to a checkpoint.
struct Stuck;

#[async_trait]
impl Handler for Stuck {
    fn kind(&self) -> &'static str {
        "stuck"
    }

    async fn run(&self, _: &Job, _: &CancellationToken) -> Result<Left, Failed> {
        std::future::pending().await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_that_is_being_written_when_the_grace_ends_is_not_cut_off() {
    let app = Builder {
        workers: 0,
        ..Builder::default()
    };
    let app = app.start().await;
    let settings = queue::Settings {
        grace: Duration::from_millis(100),
        ..queue::Settings::default()
    };
    let mut connection = app.db.acquire().await.expect("a connection");
    let enqueued = enqueue::enqueue(&mut connection, "stuck", "it", Duration::ZERO).await;
    enqueued.expect("a job");
    let stop = CancellationToken::new();
    let worker = Worker::new(app.db.clone(), settings, vec![Arc::new(Stuck)]);
    let working = tokio::spawn(worker.run(stop.clone()));
    let holds = "select count(*) from jobs where lease_owner is not null";
    let held = async || {
        let held = sqlx::query_scalar::<_, i64>(holds).fetch_one(&app.db).await;
        held.expect("a count")
    };
    while held().await == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let mut checkpoint = connection.begin().await.expect("a transaction");
    let written = sqlx::query("update jobs set attempts = 0").execute(&mut *checkpoint);
    written.await.expect("the job is held");
    stop.cancel();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(
        !working.is_finished(),
        "the process would be gone, and its transaction with it"
    );
    checkpoint.commit().await.expect("it is written");
    working.await.expect("it ends");
    assert_eq!(held().await, 0);
    drop(connection);
    app.abandon("its job is of no kind that ends").await;
}
