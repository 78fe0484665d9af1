//! This version, and a schema that is ahead of it: after a rollback.

use super::{applied, migrate, started};
use crate::support::TestApp;
use crate::support::process::PRESENT;
use std::path::Path;

/// As a deployment of the version before does at its start, after a rollback.
#[tokio::test(flavor = "multi_thread")]
async fn a_migration_of_the_next_version_is_no_mistake() {
    let app = TestApp::idle().await;
    sqlx::query(
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
         values (999999, 'of the next version', true, 'x', 0)",
    )
    .execute(&app.db)
    .await
    .expect("a later migration");
    let before = applied(&app).await;
    assert_eq!(migrate(&app, Path::new(PRESENT)).await, Some(0));
    assert_eq!(applied(&app).await, before);
    let (process, _) = started(&app, Path::new(PRESENT)).await;
    drop(process);
    // One that this version knows is not another than it knows.
    sqlx::query("update _sqlx_migrations set checksum = 'x' where version = 1")
        .execute(&app.db)
        .await
        .expect("another migration");
    assert_eq!(migrate(&app, Path::new(PRESENT)).await, Some(1));
    app.finish().await;
}
