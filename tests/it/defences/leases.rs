//! Every statement under a lease names it.

use crate::support::database;
use brickyard::queue::lease::{self, Release};
use brickyard::queue::{Job, enqueue};
use serde_json::Value;
use sqlx::PgPool;
use std::time::Duration;
use uuid::Uuid;

const MINUTE: Duration = Duration::from_secs(60);

/// The job as it is in the database.
async fn row(db: &PgPool) -> Value {
    let row = sqlx::query_scalar("select to_jsonb(jobs) from jobs");
    row.fetch_one(db).await.expect("one job")
}

async fn acquire(db: &PgPool, owner: Uuid) -> Option<Job> {
    let jobs = lease::acquire(db, owner, &["work".to_owned()], 1, MINUTE).await;
    jobs.expect("the database answers").pop()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_replaced_changes_nothing() {
    let url = database::fresh().await;
    let db = database::pool(&url);
    let mut connection = db.acquire().await.expect("a connection");
    enqueue::enqueue(&mut connection, "work", "it", Duration::ZERO)
        .await
        .expect("a job");
    let (one, two) = (Uuid::now_v7(), Uuid::now_v7());
    let replaced = acquire(&db, one).await.expect("it is due");
    assert!(acquire(&db, two).await.is_none(), "who has it has it alone");
    sqlx::query("update jobs set lease_expires_at = clock()")
        .execute(&db)
        .await
        .expect("the lease ends");
    let successor = acquire(&db, two).await.expect("it is due again");
    assert_eq!(successor.epoch, replaced.epoch + 1);
    let before = row(&db).await;
    for how in [
        Release::Finish,
        Release::Snooze(MINUTE),
        Release::Pace(MINUTE),
        Release::Rest(MINUTE),
        Release::Retry(MINUTE),
        Release::HandBack,
    ] {
        lease::release(&mut connection, &replaced, how)
            .await
            .expect("the database answers");
        assert_eq!(row(&db).await, before, "{how:?}");
    }
    lease::progress(&mut connection, &replaced)
        .await
        .expect("the database answers");
    assert_eq!(row(&db).await, before, "a checkpoint");
    lease::extend(&db, one, &[replaced.id], 60 * MINUTE)
        .await
        .expect("the database answers");
    assert_eq!(row(&db).await, before, "an extension");
    lease::hand_back(&db, one)
        .await
        .expect("the database answers");
    assert_eq!(row(&db).await, before, "the end of its process");
    for (job, holds) in [(&replaced, false), (&successor, true)] {
        let held = lease::hold(&mut connection, job).await;
        assert_eq!(held.expect("the database answers"), holds);
    }
    drop(connection);
    db.close().await;
    database::discard(&url).await;
}
