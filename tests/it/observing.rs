//! Watching Databricks build, and being held back by it.

use crate::support::{Builder, TestApp};
use simulator::{Call, Fault, FaultKind};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn an_older_reading_does_not_undo_what_was_observed() {
    let app = Builder {
        speed: 0.001,
        ..Builder::default()
    }
    .start()
    .await;
    let create = app.create("watched").await;
    app.at_step(&create, "await_running").await;
    // From here on only this test observes.
    app.fault(
        Fault::new(FaultKind::Unavailable)
            .on(Call::ListWorkspaces)
            .times(0),
    );
    tokio::time::sleep(Duration::from_millis(300)).await;
    let id = create["id"].as_str().expect("an operation");
    let mut observer = app.db.begin().await.expect("a transaction");
    sqlx::query("update workspaces set workspace_status = 'RUNNING'")
        .execute(&mut *observer)
        .await
        .expect("observed");
    // A worker looks at the same time, and waits with its checkpoint for the row.
    sqlx::query("update jobs set run_at = clock() where key = $1")
        .bind(id)
        .execute(&app.db)
        .await
        .expect("due");
    tokio::time::sleep(Duration::from_millis(1000)).await;
    sqlx::query("update jobs set woken = lease_owner is not null where key = $1")
        .bind(id)
        .execute(&mut *observer)
        .await
        .expect("woken");
    observer.commit().await.expect("it commits");
    tokio::time::sleep(Duration::from_millis(500)).await;
    let workspace = app.workspace_of(&create).await;
    assert_eq!(workspace["external"]["workspace_status"], "RUNNING");
    let now = app.get(&format!("/operations/{id}")).await.body;
    assert_eq!(now["progress"]["step"], "await_reachable", "{now:#}");
    app.abandon("the vendor builds for ever").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_young_workspace_of_an_old_operation_may_be_missing_for_a_while() {
    let app = TestApp::start().await;
    app.fault(
        Fault::new(FaultKind::Throttled)
            .on(Call::CreateCredentials)
            .times(0),
    );
    let create = app.create("late-start").await;
    app.at_step(&create, "create_credentials").await;
    app.advance(Duration::from_secs(120)).await;
    app.simulator.clear_faults();
    app.fault(Fault::new(FaultKind::ListLag).seconds(1500.0));
    app.fault(Fault::new(FaultKind::NotFound).on(Call::GetWorkspace));
    let done = app.done(&create).await;
    assert_eq!(done["status"], "succeeded", "{done:#}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_share_of_the_rate_limit_is_slow_and_enough() {
    let mut app = Builder {
        workers: 0,
        ..Builder::default()
    }
    .start()
    .await;
    // 100 calls a second for 70 processes: a call every 700 ms for each.
    sqlx::query(
        "insert into processes select gen_random_uuid(), 'infinity' from generate_series(1, 69)",
    )
    .execute(&app.db)
    .await
    .expect("processes");
    app.start_worker();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let create = app.create("modest").await;
    assert_eq!(app.done(&create).await["status"], "succeeded");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn being_throttled_for_long_is_told_once() {
    let app = TestApp::start().await;
    app.fault(
        Fault::new(FaultKind::Throttled)
            .on(Call::CreateCredentials)
            .times(3),
    );
    let create = app.create("queued-up").await;
    assert_eq!(app.done(&create).await["status"], "succeeded");
    let told: i64 = sqlx::query_scalar("select count(*) from audit where action = 'step.retried'")
        .fetch_one(&app.db)
        .await
        .expect("a count");
    assert_eq!(told, 1);
    app.finish().await;
}
