//! What failed, or waits for a person, goes on. A create and an update are continued alike; a removal only by itself.

use super::{Asker, RequestError, delete_now, lock, reread};
use crate::domain::condition::ConditionType;
use crate::domain::id::OperationId;
use crate::domain::operation::{OperationKind, OperationStatus, StepRecord, StepStatus};
use crate::domain::phase::{Phase, phase};
use crate::domain::problem::{Code, Explanation};
use crate::provisioning::checkpoint::tell;
use crate::provisioning::{OPERATION_JOB, plan};
use crate::queue::enqueue;
use crate::store::operations::{self, Operation, Retry};
use crate::store::workspaces::{self, Workspace};
use crate::store::{StoreError, audit};
use sqlx::{PgConnection, PgPool};
use std::time::Duration;

/// Goes on with an operation: one that failed is continued by a new operation, one that needs attention goes on itself.
/// Idempotent: while the new operation of an earlier request is not done, it is the answer.
///
/// # Errors
/// [`RequestError::NotRetryable`] when there is nothing to go on with; [`RequestError::InProgress`] if the workspace is
/// being removed; [`RequestError::Gone`] for an unknown operation.
pub async fn retry(
    db: &PgPool,
    asker: &Asker<'_>,
    id: OperationId,
) -> Result<Operation, RequestError> {
    let mut transaction = db.begin().await?;
    let (workspace, operation) = lock(&mut transaction, id).await?;
    let last = reread(&mut transaction, workspace.last_operation).await?;
    if last.retry_of == Some(id) && !last.status.is_done() {
        return Ok(last);
    }
    let operation = match (operation.kind, operation.status) {
        (OperationKind::Delete, OperationStatus::NeedsAttention) => {
            delete_now(&mut transaction, asker, &workspace).await?
        }
        (
            OperationKind::Create | OperationKind::Update,
            OperationStatus::NeedsAttention | OperationStatus::Failed,
        ) if workspace.last_operation == id => {
            go_on_with(&mut transaction, asker, &workspace).await?
        }
        (OperationKind::Create | OperationKind::Update, OperationStatus::Failed)
            if last.kind == OperationKind::Delete && !last.status.is_done() =>
        {
            return Err(RequestError::InProgress(last.id));
        }
        (_, status) => return Err(RequestError::NotRetryable(why_not(status, &last))),
    };
    transaction.commit().await?;
    Ok(operation)
}

/// Why an operation of this status cannot go on, where `last` is the newest on its workspace.
fn why_not(status: OperationStatus, last: &Operation) -> String {
    match status {
        OperationStatus::Failed => format!(
            "It is not the newest operation of its workspace; that is {}.",
            last.id
        ),
        OperationStatus::Succeeded | OperationStatus::Cancelled => {
            format!("It has ended: {}.", status.as_str())
        }
        _ => format!("It is {}, and goes on by itself.", status.as_str()),
    }
}

/// Goes on with the create or update of a workspace whose row the caller has locked. One that failed is continued by a
/// new operation, from the step that failed and with everything that is there; the removal that was waiting for the end
/// of `keep_failed_seconds` is withdrawn. One that needs attention goes on itself. In the caller's transaction.
///
/// # Errors
/// [`RequestError::InProgress`] if the removal has begun or something else is under way; [`RequestError::NotRetryable`] if the
/// workspace has been lost since.
pub(super) async fn go_on_with(
    db: &mut PgConnection,
    asker: &Asker<'_>,
    workspace: &Workspace,
) -> Result<Operation, RequestError> {
    let last = reread(db, workspace.last_operation).await?;
    let unfinished = operations::lock_unfinished(db, workspace.id).await?;
    let forward = last.kind != OperationKind::Delete;
    if forward && last.status == OperationStatus::NeedsAttention {
        return Ok(resume(db, asker, workspace, &last).await?);
    }
    // One whose create succeeded is failed because it was lost since: there is no step to go on from.
    let failed = match last.kind {
        OperationKind::Create => {
            workspace.phase == Phase::Failed && last.status != OperationStatus::Succeeded
        }
        OperationKind::Update => {
            workspace.phase == Phase::Ready && last.status == OperationStatus::Failed
        }
        OperationKind::Delete => false,
    };
    if !failed {
        return Err(match unfinished.last() {
            Some(operation) => RequestError::InProgress(operation.id),
            None => {
                let why = "Its workspace has been lost since: the `problem` of that says how.";
                RequestError::NotRetryable(why.to_owned())
            }
        });
    }
    for removal in &unfinished {
        withdraw(db, asker, workspace, removal).await?;
    }
    Ok(go_on(db, asker, workspace, &last).await?)
}

/// Ends the removal that has not begun.
async fn withdraw(
    db: &mut PgConnection,
    asker: &Asker<'_>,
    workspace: &Workspace,
    removal: &Operation,
) -> Result<(), RequestError> {
    let waits = removal.kind == OperationKind::Delete && removal.status == OperationStatus::Queued;
    if !waits || !enqueue::remove_unheld(db, OPERATION_JOB, &removal.id.to_string()).await? {
        return Err(RequestError::InProgress(removal.id));
    }
    operations::ask_to_cancel(db, removal.id).await?;
    let why = Explanation::new(
        Code::CancelledByRequest,
        "A retry was accepted before it began.",
    )
    .hint("Nothing: the workspace is being made again.");
    operations::cancelled(db, removal.id, &why).await?;
    tell(db, removal.id).await?;
    let detail = serde_json::json!({"kind": "delete", "reason": "a retry was accepted"});
    let entry = asker.entry(workspace, removal.id, "operation.cancelled", detail);
    audit::append(db, &entry).await?;
    Ok(())
}

/// The new operation: what was done stays done and is shown as it went, the rest begins anew.
async fn go_on(
    db: &mut PgConnection,
    asker: &Asker<'_>,
    workspace: &Workspace,
    failed: &Operation,
) -> Result<Operation, StoreError> {
    let id = OperationId::new();
    let failed_at = usize::try_from(failed.position).unwrap_or(0);
    let position = plan::again_from(&failed.plan, failed_at);
    let mut steps = failed.steps.clone();
    for step in steps.iter_mut().skip(position) {
        *step = StepRecord::pending(&step.name);
    }
    let done = steps
        .iter()
        .take_while(|step| matches!(step.status, StepStatus::Succeeded | StepStatus::Skipped))
        .count();
    let new = operations::New {
        id,
        workspace: workspace.id,
        team: &workspace.team,
        kind: failed.kind,
        plan: &failed.plan,
        steps: &steps,
        requested_by: asker.principal,
        request_id: asker.request_id,
        traceparent: asker.traceparent,
        delay: Duration::ZERO,
        retry: Some(Retry {
            of: failed.id,
            position: i32::try_from(done).unwrap_or(i32::MAX),
            warnings: &failed.warnings,
        }),
    };
    operations::insert(db, &new).await?;
    enqueue::enqueue(db, OPERATION_JOB, &id.to_string(), Duration::ZERO).await?;
    let mut conditions = workspace.conditions.clone();
    if failed.kind == OperationKind::Create {
        // What was said of the failure is no longer so.
        conditions.retain(|condition| condition.condition != ConditionType::Ready);
    }
    let change = workspaces::Change {
        external: &workspace.external,
        conditions: &conditions,
        phase: phase(failed.kind, OperationStatus::Queued, &conditions),
        problem: None,
        last_operation: id,
        active_operation: Some(id),
    };
    workspaces::update(db, workspace.id, &change).await?;
    let detail = serde_json::json!({
        "kind": failed.kind, "name": workspace.name, "retry_of": failed.id.to_string(),
        "from": failed.plan.get(done),
    });
    accepted(db, asker, workspace, id, "operation.accepted", detail).await
}

/// What waits for a person goes on where it stopped.
async fn resume(
    db: &mut PgConnection,
    asker: &Asker<'_>,
    workspace: &Workspace,
    parked: &Operation,
) -> Result<Operation, StoreError> {
    operations::resume(db, parked.id, asker.principal).await?;
    let status = if parked.started_at.is_some() {
        OperationStatus::Running
    } else {
        OperationStatus::Queued
    };
    let phase = phase(parked.kind, status, &workspace.conditions);
    workspaces::begin_operation(db, workspace.id, parked.id, phase, false).await?;
    enqueue::enqueue(db, OPERATION_JOB, &parked.id.to_string(), Duration::ZERO).await?;
    let detail = serde_json::json!({"kind": parked.kind, "name": workspace.name});
    accepted(db, asker, workspace, parked.id, "operation.resumed", detail).await
}

/// Writes it down, tells everybody, and reads what came of it.
pub(super) async fn accepted(
    db: &mut PgConnection,
    asker: &Asker<'_>,
    workspace: &Workspace,
    operation: OperationId,
    action: &'static str,
    detail: serde_json::Value,
) -> Result<Operation, StoreError> {
    let entry = asker.entry(workspace, operation, action, detail);
    audit::append(db, &entry).await?;
    tell(db, operation).await?;
    enqueue::notify(db).await?;
    reread(db, operation).await
}
