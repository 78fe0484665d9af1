//! The workspaces Databricks is building, and what was observed of them.

use crate::domain::external::UpstreamId;
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
    /// What the vendor calls it.
    pub external_id: UpstreamId,
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
                  w.external -> 'workspace' ->> 'id' as "external_id!",
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
            external_id: UpstreamId::read(&row.external_id),
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

/// One reading of a workspace.
#[derive(Debug, Clone)]
pub struct Reading {
    /// Our id.
    pub id: WorkspaceId,
    /// As Databricks says it.
    pub status: String,
    /// As Databricks says it.
    pub message: String,
}

/// Like [`observed`] for many at once: one statement, however many they are. Returns those for which it was news.
///
/// # Errors
/// [`crate::store::StoreError`].
pub async fn all_observed(db: &mut PgConnection, readings: &[Reading]) -> Result<Vec<WorkspaceId>> {
    let ids: Vec<_> = readings.iter().map(|it| it.id.uuid()).collect();
    let statuses: Vec<_> = readings.iter().map(|it| it.status.clone()).collect();
    let messages: Vec<_> = readings.iter().map(|it| it.message.clone()).collect();
    let news = sqlx::query_scalar!(
        "with readings as (
             select * from unnest($1::uuid[], $2::text[], $3::text[]) as reading (id, status, message)),
           ordered as (
             select w.id
               from workspaces w
               join readings r on r.id = w.id
              where w.workspace_status is distinct from r.status
              order by w.id
                for update of w)
         update workspaces w
            set workspace_status = r.status,
                workspace_status_message = r.message,
                version = w.version + 1,
                updated_at = clock()
           from ordered, readings r
          where w.id = ordered.id
            and r.id = ordered.id
            and w.workspace_status is distinct from r.status
      returning w.id",
        &ids,
        &statuses,
        &messages
    )
    .fetch_all(db)
    .await?;
    Ok(news.into_iter().map(WorkspaceId::from_uuid).collect())
}
