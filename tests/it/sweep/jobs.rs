//! Operations that have lost their job.

use super::DAY;
use crate::support::{Builder, TestApp};
use brickyard::dev;
use serde_json::Value;
use simulator::{Fault, FaultKind};
use std::time::Duration;

async fn lose(app: &TestApp, operation: &str) {
    let lost = sqlx::query("delete from jobs where kind = 'operation' and key = $1")
        .bind(operation)
        .execute(&app.db)
        .await
        .expect("the database answers");
    assert_eq!(lost.rows_affected(), 1, "it had one");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_lost_its_job_gets_another() {
    let mut app = Builder {
        workers: 0,
        ..Builder::default()
    }
    .start()
    .await;
    let (lost, other) = (app.create("lost").await, app.create("found").await);
    lose(&app, lost["id"].as_str().expect("an id")).await;
    app.start_worker();
    assert_eq!(app.done(&other).await["status"], "succeeded");
    let waits = app
        .get(&format!(
            "/operations/{}",
            lost["id"].as_str().expect("an id")
        ))
        .await;
    assert_eq!(waits.body["status"], "queued");
    app.sweep().await;
    assert_eq!(app.done(&lost).await["status"], "succeeded");
    app.sweep().await;
    let restored = app.audited("operation.job_restored").await;
    assert_eq!(restored.len(), 1, "and only that one: {restored:?}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_removal_of_a_kept_workspace_comes_at_its_time_although_its_job_was_lost() {
    let app = Builder {
        template: dev::OBJECTS.replace("keep_failed_seconds = 0", "keep_failed_seconds = 86400"),
        ..Builder::default()
    }
    .start()
    .await;
    app.fault(Fault::new(FaultKind::WorkspaceFails));
    let create = app.create("kept").await;
    assert_eq!(app.done(&create).await["status"], "failed");
    let kept = app.phase(&create, "failed").await;
    let removal = kept["active_operation"]
        .as_str()
        .expect("a removal")
        .to_owned();
    lose(&app, &removal).await;
    app.sweep().await;
    assert_eq!(app.audited("operation.job_restored").await.len(), 1);
    let early: f64 = sqlx::query_scalar(
        "select abs(extract(epoch from j.run_at - o.not_before))::float8
           from jobs j, operations o
          where j.key = $1 and o.kind = 'delete'",
    )
    .bind(&removal)
    .fetch_one(&app.db)
    .await
    .expect("a job");
    assert!(early < 5.0, "{early} s beside its time");
    app.advance(DAY - Duration::from_secs(120)).await;
    app.sweep().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(app.workspace_of(&create).await["phase"], "failed");
    app.advance(Duration::from_secs(121)).await;
    let gone = app.phase(&create, "deleted").await;
    assert_eq!(gone["active_operation"], Value::Null);
    assert!(app.simulator.inventory().is_empty());
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_that_is_stopped_by_a_delete_is_left_to_it() {
    let mut app = Builder {
        workers: 0,
        ..Builder::default()
    }
    .start()
    .await;
    let create = app.create("stopped").await;
    let delete = app.delete("/workspaces/stopped").await.body;
    lose(&app, create["id"].as_str().expect("an id")).await;
    // The removal waits, so that the sweep comes first.
    sqlx::query("update jobs set run_at = clock() + interval '1 day' where key = $1")
        .bind(delete["id"].as_str().expect("an id"))
        .execute(&app.db)
        .await
        .expect("postponed");
    app.start_worker();
    app.sweep().await;
    assert_eq!(app.audited("operation.job_restored").await.len(), 0);
    app.advance(DAY).await;
    assert_eq!(app.done(&delete).await["status"], "succeeded");
    assert_eq!(app.done(&create).await["status"], "cancelled");
    app.finish().await;
}
