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

/// An entry about what nobody asked for and no operation did.
#[derive(Debug)]
pub struct Note<'a> {
    /// `system:<why>`.
    pub actor: &'a str,
    /// `<noun>.<verb in the past>`.
    pub action: &'a str,
    /// On which workspace. There may be no such row, or not any more.
    pub workspace: WorkspaceId,
    /// In which operation, if it is about one.
    pub operation: Option<OperationId>,
    /// Lease epoch of the writer.
    pub epoch: i64,
    /// What changed. Never a secret.
    pub detail: serde_json::Value,
}

/// Appends a note in the transaction of the change. Whose it is follows from the workspace, if there is one.
///
/// # Errors
/// [`super::StoreError`].
pub async fn note(db: &mut PgConnection, note: &Note<'_>) -> Result<()> {
    sqlx::query!(
        "insert into audit (actor, action, workspace_id, operation_id, team, epoch, detail)
         values ($1, $2, $3, $4, (select team from workspaces where id = $3), $5, $6)",
        note.actor,
        note.action,
        note.workspace.uuid(),
        note.operation.map(|operation| operation.uuid()),
        note.epoch,
        note.detail
    )
    .execute(db)
    .await?;
    Ok(())
}
