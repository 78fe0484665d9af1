//! Putting jobs into the queue, and waking those that wait. Always in the caller's transaction.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, Result};
use std::time::Duration;
use uuid::Uuid;

/// The channel that workers listen to.
pub const CHANNEL: &str = "brickyard_jobs";

/// Enqueues a job, due after `delay`. A job of that kind and key that exists already stays as it is.
///
/// # Errors
/// Whatever the database says.
pub async fn enqueue(db: &mut PgConnection, kind: &str, key: &str, delay: Duration) -> Result<()> {
    sqlx::query!(
        "insert into jobs (id, kind, key, run_at)
         values ($1, $2, $3, clock() + make_interval(secs => $4))
             on conflict on constraint jobs_one_per_key do nothing",
        Uuid::now_v7(),
        kind,
        key,
        delay.as_secs_f64()
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Like [`enqueue`] for a job that ends by itself when it finds nothing to do: one that exists is told that there
/// is something, without being hurried ([`super::lease::Release::Rest`]).
///
/// # Errors
/// Whatever the database says.
pub async fn ensure(db: &mut PgConnection, kind: &str, key: &str, delay: Duration) -> Result<()> {
    sqlx::query!(
        "insert into jobs (id, kind, key, run_at)
         values ($1, $2, $3, clock() + make_interval(secs => $4))
             on conflict on constraint jobs_one_per_key do update
            set woken = jobs.lease_owner is not null",
        Uuid::now_v7(),
        kind,
        key,
        delay.as_secs_f64()
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Has a job run at this time and no other: one that exists is moved.
///
/// # Errors
/// Whatever the database says.
pub async fn schedule(
    db: &mut PgConnection,
    kind: &str,
    key: &str,
    at: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "insert into jobs (id, kind, key, run_at)
         values ($1, $2, $3, $4)
             on conflict on constraint jobs_one_per_key do update
            set run_at = excluded.run_at,
                woken = jobs.lease_owner is not null",
        Uuid::now_v7(),
        kind,
        key,
        at
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Makes waiting jobs due now. One that is leased becomes due at its release, so no wake is lost.
///
/// # Errors
/// Whatever the database says.
pub async fn wake(db: &mut PgConnection, kind: &str, keys: &[String]) -> Result<()> {
    sqlx::query!(
        "with ordered as (
             select id
               from jobs
              where kind = $1
                and key = any($2)
              order by id
                for update)
         update jobs
            set run_at = case when lease_owner is null then clock() else run_at end,
                woken = lease_owner is not null
           from ordered
          where jobs.id = ordered.id",
        kind,
        keys
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Removes a job that nobody holds. `false` if somebody does.
///
/// # Errors
/// Whatever the database says.
pub async fn remove_unheld(db: &mut PgConnection, kind: &str, key: &str) -> Result<bool> {
    let held = sqlx::query!(
        r#"with gone as (
             delete from jobs
              where kind = $1
                and key = $2
                and (lease_owner is null or lease_expires_at <= clock())
          returning id)
           select exists (select from jobs where kind = $1 and key = $2 and id not in (select id from gone)) as "held!""#,
        kind,
        key
    )
    .fetch_one(db)
    .await?
    .held;
    Ok(!held)
}

/// Those of `keys` that have no job of this kind.
///
/// # Errors
/// Whatever the database says.
pub async fn without_job(
    db: &mut PgConnection,
    kind: &str,
    keys: &[String],
) -> Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"select asked.key as "key!"
             from unnest($2::text[]) as asked (key)
            where not exists (select from jobs j where j.kind = $1 and j.key = asked.key)"#,
        kind,
        keys
    )
    .fetch_all(db)
    .await
}

/// Tells the workers, once per transaction, that there is something to do.
///
/// # Errors
/// Whatever the database says.
pub async fn notify(db: &mut PgConnection) -> Result<()> {
    notify_channel(db, CHANNEL, "").await
}

/// Tells whoever listens on `channel`, when the transaction commits.
///
/// # Errors
/// Whatever the database says.
pub async fn notify_channel(db: &mut PgConnection, channel: &str, payload: &str) -> Result<()> {
    sqlx::query!("select pg_notify($1, $2)", channel, payload)
        .execute(db)
        .await?;
    Ok(())
}
