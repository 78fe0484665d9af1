//! The workspaces Databricks is building, and what was observed of them.

use crate::domain::id::{OperationId, WorkspaceId};
use crate::store::Result;
use sqlx::PgConnection;

/// A workspace that Databricks is building: what the observer compares with the account's list.
#[derive(Debug, Clone)]
pub struct InFlight {
    /// Our id.
    pub id: WorkspaceId,
    /// The operation to wake.
    pub operation: OperationId,
    /// Databricks' id.
    pub external_id: i64,
    /// Workspace status as last observed.
    pub workspace_status: Option<String>,
    /// For how long it has been waited for.
    pub age_seconds: f64,
}

/// The workspaces of an account that wait for Databricks to build them.
///
/// # Errors
/// [`crate::store::StoreError`].
pub async fn in_flight(db: &mut PgConnection, account: &str, step: &str) -> Result<Vec<InFlight>> {
    let rows = sqlx::query!(
        r#"select w.id,
                  o.id as operation,
                  (w.external -> 'workspace' ->> 'id')::bigint as "external_id!",
                  w.workspace_status,
                  extract(epoch from clock()
                          - coalesce((o.steps -> o.position ->> 'started_at')::timestamptz, clock()))::float8
                      as "age_seconds!"
             from workspaces w
             join operations o on o.id = w.active_operation
            where w.account = $1
              and o.kind = 'create'
              and o.status = 'running'
              and o.plan[o.position + 1] = $2
              and w.external -> 'workspace' is not null"#,
        account,
        step
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| InFlight {
            id: WorkspaceId::from_uuid(row.id),
            operation: OperationId::from_uuid(row.operation),
            external_id: row.external_id,
            workspace_status: row.workspace_status,
            age_seconds: row.age_seconds,
        })
        .collect())
}

/// Writes what was observed; only where it is news. Returns whether it was.
///
/// # Errors
/// [`crate::store::StoreError`].
pub async fn observed(
    db: &mut PgConnection,
    id: WorkspaceId,
    status: &str,
    message: &str,
) -> Result<bool> {
    let done = sqlx::query!(
        "update workspaces
            set workspace_status = $2,
                workspace_status_message = $3,
                version = version + 1,
                updated_at = clock()
          where id = $1
            and workspace_status is distinct from $2",
        id.uuid(),
        status,
        message
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}
