//! Processes that stop, that die each time, or that are of another version.

use super::{arrived, count};
use crate::support::process::Process;
use crate::support::{Builder, PATIENCE, TestApp};
use simulator::{Call, Fault, FaultKind};
use std::time::{Duration, Instant};

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
