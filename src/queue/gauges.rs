//! How long the queue is, for the metrics: one statement over jobs that live.

use sqlx::{PgConnection, Result};

/// Jobs that could be taken now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Available {
    /// How many.
    pub jobs: i64,
    /// For how long the oldest has been due; 0 if there is none.
    pub oldest_seconds: f64,
}

/// The jobs that could be taken now, those with expired leases included.
///
/// # Errors
/// Whatever the database says.
pub async fn available(db: &mut PgConnection) -> Result<Available> {
    sqlx::query_as!(
        Available,
        r#"select count(*) as "jobs!",
                  coalesce(extract(epoch from clock() - min(greatest(run_at, lease_expires_at))), 0)::float8
                      as "oldest_seconds!"
             from jobs
            where lease_owner is null and run_at <= clock()
               or lease_owner is not null and lease_expires_at <= clock()"#
    )
    .fetch_one(db)
    .await
}
