//! The table `operations`: the row, finding it ([`list()`]) and changing it (`change`).
//! Steps, problems and memos are JSON columns, read and written whole.

mod change;
mod list;

pub use change::{Change, ask_to_cancel, begin, cancelled, resume, update};
pub use list::{Filter, list, queued_before, queued_by_account};

use super::{Result, Teams, json, read};
use crate::domain::id::{OperationId, WorkspaceId};
use crate::domain::operation::{OperationKind, OperationStatus, StepRecord, WaitingFor};
use crate::domain::problem::Explanation;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

/// One operation, with the name of its workspace.
#[derive(Debug, Clone)]
#[expect(
    missing_docs,
    reason = "the columns are commented in migrations/0003 and 0010"
)]
pub struct Operation {
    pub id: OperationId,
    pub workspace_id: WorkspaceId,
    pub workspace_name: String,
    pub team: String,
    pub kind: OperationKind,
    pub status: OperationStatus,
    pub plan: Vec<String>,
    pub position: i32,
    pub steps: Vec<StepRecord>,
    pub memo: serde_json::Value,
    pub waiting_for: Option<WaitingFor>,
    pub message: String,
    pub warnings: Vec<String>,
    pub problem: Option<Explanation>,
    pub requested_by: String,
    pub request_id: String,
    pub traceparent: Option<String>,
    pub retry_of: Option<OperationId>,
    pub not_before: Option<DateTime<Utc>>,
    pub deadline_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    workspace_id: Uuid,
    workspace_name: String,
    team: String,
    kind: String,
    status: String,
    plan: Vec<String>,
    position: i32,
    steps: serde_json::Value,
    memo: serde_json::Value,
    waiting_for: Option<String>,
    message: String,
    warnings: serde_json::Value,
    problem: Option<serde_json::Value>,
    requested_by: String,
    request_id: String,
    traceparent: Option<String>,
    retry_of: Option<Uuid>,
    not_before: Option<DateTime<Utc>>,
    deadline_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    started_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
}

impl Row {
    fn read(self) -> Result<Operation> {
        let id = OperationId::from_uuid(self.id);
        const TABLE: &str = "operations";
        Ok(Operation {
            kind: read(TABLE, "kind", id, self.kind.into())?,
            status: read(TABLE, "status", id, self.status.into())?,
            steps: read(TABLE, "steps", id, self.steps)?,
            waiting_for: self
                .waiting_for
                .map(|v| read(TABLE, "waiting_for", id, v.into()))
                .transpose()?,
            warnings: read(TABLE, "warnings", id, self.warnings)?,
            problem: self
                .problem
                .map(|v| read(TABLE, "problem", id, v))
                .transpose()?,
            id,
            workspace_id: WorkspaceId::from_uuid(self.workspace_id),
            workspace_name: self.workspace_name,
            team: self.team,
            plan: self.plan,
            position: self.position,
            memo: self.memo,
            message: self.message,
            requested_by: self.requested_by,
            request_id: self.request_id,
            traceparent: self.traceparent,
            retry_of: self.retry_of.map(OperationId::from_uuid),
            not_before: self.not_before,
            deadline_at: self.deadline_at,
            created_at: self.created_at,
            started_at: self.started_at,
            finished_at: self.finished_at,
        })
    }
}

/// One operation by id, if one of `teams` has it.
///
/// # Errors
/// [`super::StoreError`].
pub async fn get(
    db: &mut PgConnection,
    id: OperationId,
    teams: &Teams,
) -> Result<Option<Operation>> {
    sqlx::query_as!(
        Row,
        "select o.id, o.workspace_id, w.name as workspace_name, o.team, o.kind, o.status, o.plan, o.position,
                o.steps, o.memo, o.waiting_for, o.message, o.warnings, o.problem, o.requested_by, o.request_id, o.traceparent,
                o.retry_of, o.not_before, o.deadline_at, o.created_at, o.started_at, o.finished_at
           from operations o
           join workspaces w on w.id = o.workspace_id
          where o.id = $1
            and ($2::text[] is null or o.team = any($2))",
        id.uuid(),
        teams.bind()
    )
    .fetch_optional(db)
    .await?
    .map(Row::read)
    .transpose()
}

/// The operations on a workspace that are not done, oldest first, locked until the transaction ends.
///
/// # Errors
/// [`super::StoreError`].
pub async fn lock_unfinished(
    db: &mut PgConnection,
    workspace: WorkspaceId,
) -> Result<Vec<Operation>> {
    sqlx::query_as!(
        Row,
        "select o.id, o.workspace_id, w.name as workspace_name, o.team, o.kind, o.status, o.plan, o.position,
                o.steps, o.memo, o.waiting_for, o.message, o.warnings, o.problem, o.requested_by, o.request_id, o.traceparent,
                o.retry_of, o.not_before, o.deadline_at, o.created_at, o.started_at, o.finished_at
           from operations o
           join workspaces w on w.id = o.workspace_id
          where o.workspace_id = $1
            and o.status not in ('succeeded', 'failed', 'cancelled')
          order by o.id
            for update of o",
        workspace.uuid()
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(Row::read)
    .collect()
}

/// What a workspace was made by or is being removed by: the newest operation on it that is no update.
///
/// # Errors
/// [`super::StoreError`].
pub async fn life(db: &mut PgConnection, workspace: WorkspaceId) -> Result<Option<Operation>> {
    sqlx::query_as!(
        Row,
        "select o.id, o.workspace_id, w.name as workspace_name, o.team, o.kind, o.status, o.plan, o.position,
                o.steps, o.memo, o.waiting_for, o.message, o.warnings, o.problem, o.requested_by, o.request_id, o.traceparent,
                o.retry_of, o.not_before, o.deadline_at, o.created_at, o.started_at, o.finished_at
           from operations o
           join workspaces w on w.id = o.workspace_id
          where o.workspace_id = $1
            and o.kind <> 'update'
          order by o.id desc
          limit 1",
        workspace.uuid()
    )
    .fetch_optional(db)
    .await?
    .map(Row::read)
    .transpose()
}

/// Every operation that somebody must be working on or waiting for, with its workspace: each has a job. One that was
/// asked to stop by another operation on the workspace is left out, for that one ends it.
///
/// # Errors
/// [`super::StoreError`].
pub async fn with_jobs(db: &mut PgConnection) -> Result<Vec<(OperationId, WorkspaceId)>> {
    let rows = sqlx::query!(
        "select o.id, o.workspace_id
           from operations o
          where o.finished_at is null
            and (o.status in ('queued', 'running')
                 or o.status = 'cancelling'
                    and not exists (
                        select from operations other
                         where other.workspace_id = o.workspace_id
                           and other.id <> o.id
                           and other.finished_at is null))
          order by o.id"
    )
    .fetch_all(db)
    .await?;
    let ids = |(operation, workspace)| {
        (
            OperationId::from_uuid(operation),
            WorkspaceId::from_uuid(workspace),
        )
    };
    Ok(rows
        .into_iter()
        .map(|row| ids((row.id, row.workspace_id)))
        .collect())
}

/// A new operation on an existing workspace.
#[derive(Debug)]
pub struct New<'a> {
    /// Its id.
    pub id: OperationId,
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The workspace's team.
    pub team: &'a str,
    /// What it does.
    pub kind: OperationKind,
    /// Names of the steps, first to last.
    pub plan: &'a [String],
    /// What callers see of the steps.
    pub steps: &'a [StepRecord],
    /// Who asked.
    pub requested_by: &'a str,
    /// In which HTTP exchange.
    pub request_id: &'a str,
    /// Its W3C trace context, if its caller sent one.
    pub traceparent: Option<&'a str>,
    /// Begin this much later.
    pub delay: std::time::Duration,
    /// The failed operation that this one continues, if it does.
    pub retry: Option<Retry<'a>>,
}

/// Where a retry goes on.
#[derive(Debug)]
pub struct Retry<'a> {
    /// The failed operation.
    pub of: OperationId,
    /// Which step is next.
    pub position: i32,
    /// Sentences about what was not as asked until then.
    pub warnings: &'a [String],
}

/// Inserts an operation.
///
/// # Errors
/// [`super::StoreError`]; constraint `operations_one_at_a_time` if another one is unfinished.
pub async fn insert(db: &mut PgConnection, new: &New<'_>) -> Result<()> {
    sqlx::query!(
        "insert into operations (id, workspace_id, team, kind, status, plan, steps, requested_by, request_id, traceparent,
                                 not_before, retry_of, position, warnings)
         values ($1, $2, $3, $4, 'queued', $5, $6, $7, $8, $9,
                 case when $10::float8 > 0 then clock() + make_interval(secs => $10) end, $11, $12, $13)",
        new.id.uuid(),
        new.workspace.uuid(),
        new.team,
        new.kind.as_str(),
        new.plan,
        json(&new.steps),
        new.requested_by,
        new.request_id,
        new.traceparent,
        new.delay.as_secs_f64(),
        new.retry.as_ref().map(|retry| retry.of.uuid()),
        new.retry.as_ref().map_or(0, |retry| retry.position),
        json(&new.retry.as_ref().map_or(&[][..], |retry| retry.warnings))
    )
    .execute(db)
    .await?;
    Ok(())
}
