//! The observer and the sweep run on one replica at a time, and move to another within a lease when theirs dies.

use super::arrived;
use crate::support::process::Process;
use crate::support::{Builder, TestApp};
use simulator::{Call, Fault, FaultKind};
use std::process::Stdio;
use std::time::{Duration, Instant};

/// The lease of these processes, what they poll with, and what a slow machine adds.
const WITHIN: Duration = Duration::from_secs(5 + 1 + 4);

async fn nobody() -> TestApp {
    let builder = Builder {
        workers: 0,
        speed: 1.0,
        ..Builder::default()
    };
    builder.start().await
}

/// A process that waits longer for a held call than its lease lasts.
fn replica(app: &TestApp) -> Process {
    let patient = [
        ("BRICKYARD_WORKER__CREATE_TIMEOUT_SECONDS", "20"),
        ("BRICKYARD_WORKER__CALL_TIMEOUT_SECONDS", "20"),
        ("BRICKYARD_WORKER__SHUTDOWN_GRACE_SECONDS", "25"),
    ];
    Process::start(app, "work", &patient, Stdio::null())
}

/// One process is in the middle of this call when another one comes; it keeps the job for longer than a lease, and when it is
/// killed, the other one makes the call.
async fn moves(app: &TestApp, mut first: Process, call: Call, due: impl AsyncFn()) {
    let before = arrived(app, call);
    app.fault(Fault::new(FaultKind::HoldRequest).on(call).times(1));
    due().await;
    super::until("the first makes the call", async || {
        arrived(app, call) > before
    })
    .await;
    let second = replica(app);
    // Longer than a lease, shorter than the call's own end.
    tokio::time::sleep(Duration::from_secs(8)).await;
    assert_eq!(arrived(app, call), before + 1, "one replica at a time");
    let killed = Instant::now();
    first.kill();
    app.simulator.release();
    super::until("the second makes the call", async || {
        arrived(app, call) > before + 1
    })
    .await;
    let took = killed.elapsed();
    assert!(took < WITHIN, "{took:?}");
    drop(second);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sweep_moves_when_its_replica_dies() {
    let app = nobody().await;
    let first = replica(&app);
    let enqueued = async || {
        let count: i64 = sqlx::query_scalar("select count(*) from jobs where kind = 'sweep'")
            .fetch_one(&app.db)
            .await
            .expect("a count");
        count == 2
    };
    super::until("the sweep is enqueued", enqueued).await;
    moves(&app, first, Call::ListNetworks, async || {
        sqlx::query("update jobs set run_at = clock() where kind = 'sweep'")
            .execute(&app.db)
            .await
            .expect("due");
    })
    .await;
    assert!(enqueued().await, "neither adds any");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_observer_moves_when_its_replica_dies() {
    let mut app = nobody().await;
    let first = replica(&app);
    let create = app.create("observed").await;
    app.at_step(&create, "await_running").await;
    moves(&app, first, Call::ListWorkspaces, async || {}).await;
    app.start_worker();
    app.simulator.advance(Duration::from_secs(600));
    assert_eq!(app.done(&create).await["status"], "succeeded");
    app.finish().await;
}
