//! The table `attempts`: permits for calls that must not be repeated.

use super::Result;
use crate::domain::id::{OperationId, WorkspaceId};
use sqlx::PgConnection;
use std::time::Duration;
use uuid::Uuid;

/// How an attempt ended; the closed list of the table's check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "commented in migrations/0005")]
pub enum Outcome {
    Unknown,
    NotSent,
    Applied,
    Refused,
    NotYet,
    Throttled,
    Adopted,
    Absent,
}

impl Outcome {
    /// As stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::NotSent => "not_sent",
            Self::Applied => "applied",
            Self::Refused => "refused",
            Self::NotYet => "not_yet",
            Self::Throttled => "throttled",
            Self::Adopted => "adopted",
            Self::Absent => "absent",
        }
    }
}

/// An attempt whose outcome is not known.
#[derive(Debug, Clone)]
pub struct Unresolved {
    /// Its id.
    pub id: Uuid,
    /// How long ago its sender gave up, by the database's clock; negative while it may still be waiting for the answer.
    pub overdue_seconds: f64,
}

/// The unresolved attempt of a call for a workspace; the index allows one.
///
/// # Errors
/// [`super::StoreError`].
pub async fn unresolved(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    call: &str,
) -> Result<Option<Unresolved>> {
    let row = sqlx::query!(
        r#"select id,
                  extract(epoch from clock() - sent_deadline)::float8 as "overdue_seconds!"
             from attempts
            where workspace_id = $1
              and call = $2
              and outcome in ('open', 'unknown')"#,
        workspace.uuid(),
        call
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Unresolved {
        id: row.id,
        overdue_seconds: row.overdue_seconds,
    }))
}

/// A permit asked for.
#[derive(Debug)]
pub struct New<'a> {
    /// For which workspace.
    pub workspace: WorkspaceId,
    /// In which operation.
    pub operation: OperationId,
    /// Which call.
    pub call: &'a str,
    /// Marker of what would be made.
    pub marker: &'a str,
    /// Lease epoch of the sender.
    pub epoch: i64,
    /// The call gives up after this.
    pub timeout: Duration,
}

/// Writes a permit.
///
/// # Errors
/// [`super::StoreError`]; constraint `attempts_one_unresolved` if an earlier one is unresolved.
pub async fn insert(db: &mut PgConnection, new: &New<'_>) -> Result<Uuid> {
    let id = Uuid::now_v7();
    sqlx::query!(
        "insert into attempts (id, workspace_id, operation_id, call, marker, epoch, sent_deadline)
         values ($1, $2, $3, $4, $5, $6, clock() + make_interval(secs => $7))",
        id,
        new.workspace.uuid(),
        new.operation.uuid(),
        new.call,
        new.marker,
        new.epoch,
        new.timeout.as_secs_f64()
    )
    .execute(db)
    .await?;
    Ok(id)
}

/// Records what became of an attempt that was not known yet.
///
/// # Errors
/// [`super::StoreError`].
pub async fn close(db: &mut PgConnection, id: Uuid, outcome: Outcome) -> Result<()> {
    sqlx::query!(
        "update attempts
            set outcome = $2,
                closed_at = case when $2 <> 'unknown' then clock() end
          where id = $1
            and outcome in ('open', 'unknown')",
        id,
        outcome.as_str()
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Whether this call was ever permitted for this workspace and is not known to have made nothing. An absent object
/// counts: it may have been there for a while.
///
/// # Errors
/// [`super::StoreError`].
pub async fn effective(db: &mut PgConnection, workspace: WorkspaceId, call: &str) -> Result<bool> {
    let row = sqlx::query!(
        r#"select exists (
             select
               from attempts
              where workspace_id = $1
                and call = $2
                and outcome not in ('not_sent', 'refused', 'not_yet', 'throttled')) as "effective!""#,
        workspace.uuid(),
        call
    )
    .fetch_one(db)
    .await?;
    Ok(row.effective)
}
