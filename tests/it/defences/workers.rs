//! Processes that stop, that die each time, or that are of another version.

use super::{arrived, count};
use crate::support::process::Process;
use crate::support::{Builder, PATIENCE, TestApp};
use async_trait::async_trait;
use brickyard::queue::worker::{Failed, Handler, Left, Worker};
use brickyard::queue::{self, Job, enqueue};
use serde_json::json;
use simulator::{Call, Fault, FaultKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

#[tokio::test(flavor = "multi_thread")]
async fn who_is_told_to_stop_begins_no_other_step() {
    let mut app = TestApp::start().await;
    app.fault(Fault::new(FaultKind::HoldAnswer).on(Call::CreateCredentials));
    let create = app.create("handed-over").await;
    arrived(&app, Call::CreateCredentials, 1).await;
    let simulator = app.simulator.clone();
    let releasing = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        simulator.release();
    };
    tokio::join!(app.stop_workers(), releasing);
    assert_eq!(count(&app, Call::CreateStorage), 0);
    let position: i32 = sqlx::query_scalar("select position from operations")
        .fetch_one(&app.db)
        .await
        .expect("one operation");
    assert_eq!(position, 2, "what it was at is recorded");
    app.start_worker();
    assert_eq!(app.done(&create).await["status"], "succeeded");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_kills_its_process_each_time_is_parked() {
    let mut app = Builder {
        workers: 0,
        ..Builder::default()
    }
    .start()
    .await;
    let create = app.create("deadly").await;
    let look = Call::ListCredentials;
    app.fault(Fault::new(FaultKind::HoldRequest).on(look).times(0));
    for death in 1..=4 {
        let mut victim = Process::worker(&app);
        arrived(&app, look, death).await;
        victim.kill();
        sqlx::query("update jobs set lease_expires_at = clock() where lease_owner is not null")
            .execute(&app.db)
            .await
            .expect("nobody waits for the lease");
    }
    app.simulator.clear_faults();
    app.simulator.release();
    app.start_worker();
    let path = format!("/operations/{}", create["id"].as_str().expect("an id"));
    let until = Instant::now() + PATIENCE;
    let stands = loop {
        let now = app.get(&path).await.body;
        if now["status"] == "needs_attention" || now["done"] == true {
            break now;
        }
        assert!(Instant::now() < until, "{now:#}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(stands["problem"]["code"], "step_crashed", "{stands:#}");
    app.removed("deadly").await;
    app.finish().await;
}

/// While versions run side by side, each does what it knows.
#[tokio::test(flavor = "multi_thread")]
async fn a_step_of_another_version_is_left_to_it() {
    let mut app = Builder {
        workers: 0,
        ..Builder::default()
    }
    .start()
    .await;
    let create = app.create("from-tomorrow").await;
    sqlx::query("update operations set plan[1] = 'dance'")
        .execute(&app.db)
        .await
        .expect("a plan");
    app.start_worker();
    let until = Instant::now() + PATIENCE;
    let postponed =
        "select run_at > clock() + interval '30 seconds' from jobs where kind = 'operation'";
    while !sqlx::query_scalar::<_, bool>(postponed)
        .fetch_optional(&app.db)
        .await
        .expect("the database answers")
        .expect("it keeps its job")
    {
        assert!(Instant::now() < until, "nobody looked at it");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let path = format!("/operations/{}", create["id"].as_str().expect("an id"));
    assert_eq!(app.get(&path).await.body["status"], "queued");
    sqlx::query("update operations set plan[1] = 'preflight'")
        .execute(&app.db)
        .await
        .expect("a plan");
    app.advance(Duration::from_secs(61)).await;
    assert_eq!(app.done(&create).await["status"], "succeeded");
    app.finish().await;
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
