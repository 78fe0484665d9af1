//! Changes of an operation: checkpoints, and what callers ask of it.

use crate::domain::id::OperationId;
use crate::domain::operation::{OperationStatus, StepRecord, WaitingFor};
use crate::domain::problem::Explanation;
use crate::store::{Result, json};
use sqlx::PgConnection;

/// What a checkpoint changes on an operation.
#[derive(Debug)]
pub struct Change<'a> {
    /// Where it is.
    pub status: OperationStatus,
    /// Which step is next.
    pub position: i32,
    /// What callers see of the steps.
    pub steps: &'a [StepRecord],
    /// Memo of the step that is next.
    pub memo: &'a serde_json::Value,
    /// What it waits for.
    pub waiting_for: Option<WaitingFor>,
    /// A sentence.
    pub message: &'a str,
    /// Sentences about what was not as asked.
    pub warnings: &'a [String],
    /// Why it failed or needs attention.
    pub problem: Option<&'a Explanation>,
    /// Deadline, counted from the first step.
    pub deadline_seconds: u32,
}

/// Writes a checkpoint, unless somebody asked for cancellation meanwhile: then nothing is written and the answer
/// is `false`. Sets `started_at` and `deadline_at` at the first one and `finished_at` at the last.
///
/// # Errors
/// [`crate::store::StoreError`].
pub async fn update(db: &mut PgConnection, id: OperationId, change: &Change<'_>) -> Result<bool> {
    let done = sqlx::query!(
        "update operations
            set status = $2,
                position = $3,
                steps = $4,
                memo = $5,
                waiting_for = $6,
                message = $7,
                warnings = $8,
                problem = $9,
                started_at = coalesce(started_at, clock()),
                deadline_at = coalesce(deadline_at, clock() + make_interval(secs => $10)),
                finished_at = case when $11 then clock() end
          where id = $1
            and (status <> 'cancelling' or $2 = 'cancelled')",
        id.uuid(),
        change.status.as_str(),
        change.position,
        json(&change.steps),
        change.memo,
        change.waiting_for.map(WaitingFor::as_str),
        change.message,
        json(&change.warnings),
        change.problem.map(json),
        f64::from(change.deadline_seconds),
        change.status.is_done()
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Marks a queued operation as begun.
///
/// # Errors
/// [`crate::store::StoreError`].
pub async fn begin(db: &mut PgConnection, id: OperationId) -> Result<()> {
    sqlx::query!(
        "update operations
            set status = 'running',
                started_at = coalesce(started_at, clock())
          where id = $1
            and status = 'queued'",
        id.uuid()
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Asks an unfinished operation to stop at its next checkpoint.
///
/// # Errors
/// [`crate::store::StoreError`].
pub async fn ask_to_cancel(db: &mut PgConnection, id: OperationId) -> Result<()> {
    sqlx::query!(
        "update operations
            set status = 'cancelling'
          where id = $1
            and status in ('queued', 'running', 'needs_attention')",
        id.uuid()
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Ends an operation that was asked to stop.
///
/// # Errors
/// [`crate::store::StoreError`].
pub async fn cancelled(
    db: &mut PgConnection,
    id: OperationId,
    problem: &Explanation,
) -> Result<()> {
    sqlx::query!(
        "update operations
            set status = 'cancelled',
                waiting_for = null,
                problem = $2,
                finished_at = clock()
          where id = $1
            and status = 'cancelling'",
        id.uuid(),
        json(problem)
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Lets a delayed or parked operation go on now, with a fresh deadline and a fresh memo: what was asked for and never
/// came is asked for again.
///
/// # Errors
/// [`crate::store::StoreError`].
pub async fn resume(db: &mut PgConnection, id: OperationId, requested_by: &str) -> Result<()> {
    sqlx::query!(
        "update operations
            set status = case when started_at is null then 'queued' else 'running' end,
                not_before = null,
                deadline_at = null,
                memo = 'null',
                problem = null,
                requested_by = $2
          where id = $1
            and status in ('queued', 'needs_attention')",
        id.uuid(),
        requested_by
    )
    .execute(db)
    .await?;
    Ok(())
}
