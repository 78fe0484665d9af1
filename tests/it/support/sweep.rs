//! The sweep, when a test wants it.

use super::{PATIENCE, TestApp};
use std::time::{Duration, Instant};

impl TestApp {
    /// Has every job of the sweep run once, and waits until they have. Some worker must be there.
    pub async fn sweep(&self) {
        let until = Instant::now() + PATIENCE;
        let count = async |query: &'static str| -> i64 {
            let counted = sqlx::query_scalar(query).fetch_one(&self.db).await;
            counted.expect("the database answers")
        };
        // One account, and the one of no account.
        while count("select count(*) from jobs where kind = 'sweep'").await < 2 {
            assert!(Instant::now() < until, "no worker has enqueued the sweep");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        for statement in [
            "update jobs set run_at = clock(), woken = false where kind = 'sweep'",
            "select pg_notify('brickyard_jobs', '')",
        ] {
            sqlx::query(statement)
                .execute(&self.db)
                .await
                .expect("they are due");
        }
        let left = "select count(*) from jobs
                     where kind = 'sweep' and (run_at <= clock() or lease_owner is not null)";
        while count(left).await > 0 {
            assert!(Instant::now() < until, "the sweep does not end");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Actions and details of the audit that begin with these words, oldest first.
    pub async fn audited(&self, prefix: &str) -> Vec<(String, serde_json::Value)> {
        sqlx::query_as(
            "select action, detail from audit where starts_with(action, $1) order by seq",
        )
        .bind(prefix)
        .fetch_all(&self.db)
        .await
        .expect("the audit")
    }
}
