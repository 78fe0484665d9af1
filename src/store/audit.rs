//! The table `audit`: append-only. A workspace's events are its rows; [`super::seals`] chains them.

use super::Result;
use crate::domain::id::{OperationId, WorkspaceId};
use sqlx::PgConnection;

/// One entry.
#[derive(Debug)]
pub struct Entry<'a> {
    /// Principal, `worker`, or `system:<why>`.
    pub actor: &'a str,
    /// `<noun>.<verb in the past>`.
    pub action: &'a str,
    /// On which workspace.
    pub workspace: WorkspaceId,
    /// In which operation.
    pub operation: OperationId,
    /// Whose.
    pub team: &'a str,
    /// Lease epoch of a worker's change.
    pub epoch: Option<i64>,
    /// HTTP exchange that asked for it.
    pub request_id: &'a str,
    /// What changed. Never a secret.
    pub detail: serde_json::Value,
}

/// Appends an entry in the transaction of the change.
///
/// # Errors
/// [`super::StoreError`].
pub async fn append(db: &mut PgConnection, entry: &Entry<'_>) -> Result<()> {
    sqlx::query!(
        "insert into audit (actor, action, workspace_id, operation_id, team, epoch, request_id, detail)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        entry.actor,
        entry.action,
        entry.workspace.uuid(),
        entry.operation.uuid(),
        entry.team,
        entry.epoch,
        entry.request_id,
        entry.detail
    )
    .execute(db)
    .await?;
    Ok(())
}
