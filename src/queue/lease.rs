//! Leases: acquire, extend, release. Every write under a lease names its epoch.

use super::Job;
use sqlx::{PgConnection, PgPool, Result};
use std::time::Duration;
use uuid::Uuid;

/// Takes up to `limit` due jobs, oldest first, those with expired leases included.
///
/// # Errors
/// Whatever the database says.
pub async fn acquire(
    db: &PgPool,
    owner: Uuid,
    kinds: &[String],
    limit: usize,
    lease: Duration,
) -> Result<Vec<Job>> {
    sqlx::query_as!(
        Job,
        r#"with due as (
             select id
               from jobs
              where kind = any($2)
                and (lease_owner is null and run_at <= clock() or lease_owner is not null and lease_expires_at <= clock())
              order by run_at, id
              limit $3
                for update skip locked)
         update jobs
            set lease_owner = $1,
                lease_epoch = lease_epoch + 1,
                lease_expires_at = clock() + make_interval(secs => $4),
                claims = claims + 1,
                woken = false
           from due
          where jobs.id = due.id
      returning jobs.id, jobs.kind, jobs.key, jobs.lease_epoch as epoch, jobs.claims, jobs.attempts,
                clock() as "acquired_at!""#,
        owner,
        kinds,
        i64::try_from(limit).unwrap_or(i64::MAX),
        lease.as_secs_f64()
    )
    .fetch_all(db)
    .await
}

/// Extends the leases of the jobs this process is running, and says it is alive: one statement. Returns how many
/// processes were alive lately. A job that is in somebody's hands this moment has the next turn: waiting for it with
/// others locked could be a deadlock.
///
/// # Errors
/// Whatever the database says.
pub async fn extend(db: &PgPool, owner: Uuid, jobs: &[Uuid], lease: Duration) -> Result<i64> {
    let row = sqlx::query!(
        r#"with alive as (
             insert into processes (id) values ($1)
                 on conflict (id) do update set seen_at = clock()),
           ordered as (
             select id
               from jobs
              where lease_owner = $1
                and id = any($2)
              order by id
                for update skip locked),
           extended as (
             update jobs
                set lease_expires_at = clock() + make_interval(secs => $3)
               from ordered
              where jobs.id = ordered.id),
           gone as (
             delete from processes where seen_at < clock() - interval '1 hour')
           select count(*) filter (where id <> $1 and seen_at > clock() - make_interval(secs => $3)) + 1 as "live!"
             from processes"#,
        owner,
        jobs,
        lease.as_secs_f64()
    )
    .fetch_one(db)
    .await?;
    Ok(row.live)
}

/// Locks the job's row if the lease still holds; first statement of every transaction under a lease. `false`
/// means somebody else owns it: roll back, say nothing.
///
/// # Errors
/// Whatever the database says.
pub async fn hold(db: &mut PgConnection, job: &Job) -> Result<bool> {
    let row = sqlx::query!(
        "select id from jobs where id = $1 and lease_epoch = $2 and lease_owner is not null for update",
        job.id,
        job.epoch
    )
        .fetch_optional(db)
        .await?;
    Ok(row.is_some())
}

/// Counts a checkpoint as progress and keeps the lease.
///
/// # Errors
/// Whatever the database says.
pub async fn progress(db: &mut PgConnection, job: &Job) -> Result<()> {
    sqlx::query!(
        "update jobs set attempts = 0, claims = 1 where id = $1 and lease_epoch = $2",
        job.id,
        job.epoch
    )
    .execute(db)
    .await?;
    Ok(())
}

/// What to do with the job when its lease ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// It is done: remove it.
    Finish,
    /// Look again later; no attempt is counted.
    Snooze(Duration),
    /// Like [`Release::Snooze`] for a job that keeps its own pace: a wake does not hurry it.
    Pace(Duration),
    /// It found nothing to do: remove it, or look again later if somebody spoke of it meanwhile.
    Rest(Duration),
    /// A try failed: look again later and count it.
    Retry(Duration),
    /// Hand it back untouched, due now (shutdown).
    HandBack,
}

/// Ends the lease. A wake that came meanwhile makes a snoozed job due at once.
///
/// # Errors
/// Whatever the database says.
pub async fn release(db: &mut PgConnection, job: &Job, how: Release) -> Result<()> {
    if matches!(how, Release::Finish | Release::Rest(_)) {
        let gone = sqlx::query!(
            "delete from jobs where id = $1 and lease_epoch = $2 and not (woken and $3)",
            job.id,
            job.epoch,
            matches!(how, Release::Rest(_))
        )
        .execute(&mut *db)
        .await?;
        if gone.rows_affected() == 1 {
            return Ok(());
        }
    }
    let (delay, counted, hurried) = match how {
        Release::Finish => return Ok(()),
        Release::Snooze(delay) => (delay, 0, true),
        Release::Pace(delay) | Release::Rest(delay) => (delay, 0, false),
        Release::Retry(delay) => (delay, 1, true),
        Release::HandBack => (Duration::ZERO, 0, true),
    };
    sqlx::query!(
        "update jobs
            set lease_owner = null,
                lease_expires_at = null,
                run_at = case when woken and $5 then clock() else clock() + make_interval(secs => $3) end,
                woken = false,
                claims = 0,
                attempts = attempts + $4
          where id = $1
            and lease_epoch = $2
            and lease_owner is not null",
        job.id,
        job.epoch,
        delay.as_secs_f64(),
        counted,
        hurried
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Hands back everything a process still holds, due now: the end of a shutdown. Returns how many jobs are left: one that
/// is in somebody's hands this moment is being released by a checkpoint that came late, and is to be looked at again.
///
/// # Errors
/// Whatever the database says.
pub async fn hand_back(db: &PgPool, owner: Uuid) -> Result<i64> {
    sqlx::query_scalar!(
        r#"with gone as (
             delete from processes where id = $1),
           ordered as (
             select id from jobs where lease_owner = $1 order by id for update skip locked),
           returned as (
             update jobs
                set lease_owner = null,
                    lease_expires_at = null,
                    claims = 0,
                    run_at = clock()
               from ordered
              where jobs.id = ordered.id)
           select count(*) as "left!"
             from jobs
            where lease_owner = $1
              and id not in (select id from ordered)"#,
        owner
    )
    .fetch_one(db)
    .await
}
