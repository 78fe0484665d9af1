//! The end of a workspace: removed here and upstream, or forgotten.

use super::{Asker, RequestError, reread};
use crate::domain::external::ExternalIds;
use crate::domain::id::{OperationId, WorkspaceId};
use crate::domain::operation::{OperationKind, OperationStatus, StepRecord};
use crate::domain::phase::{Phase, phase};
use crate::domain::precondition::Precondition;
use crate::provisioning::checkpoint::{stop, tell};
use crate::provisioning::{EXPIRY_JOB, OPERATION_JOB, count};
use crate::queue::enqueue;
use crate::store::operations::{self, Operation};
use crate::store::workspaces::{self, Workspace};
use crate::store::{StoreError, audit};
use serde_json::json;
use sqlx::{PgConnection, PgPool};
use std::time::Duration;

/// What became of a request to delete.
#[derive(Debug)]
pub enum Deletion {
    /// It is under way: a new operation, or the one that was already there.
    Accepted(Box<Operation>),
    /// There is nothing left to delete.
    AlreadyGone,
}

/// Accepts the deletion of a workspace. Legal in every phase and idempotent: a create that is under way is asked to
/// stop, a delete that waits for its time or for a person goes on now, and a second request gets the same operation.
///
/// A precondition is held against what is still there: once the removal was asked for, asking again is harmless.
///
/// # Errors
/// [`RequestError`].
pub async fn delete(
    db: &PgPool,
    asker: &Asker<'_>,
    workspace: WorkspaceId,
    precondition: &Precondition,
) -> Result<Deletion, RequestError> {
    let mut transaction = db.begin().await?;
    let Some(workspace) = workspaces::lock(&mut transaction, workspace).await? else {
        return Ok(Deletion::AlreadyGone);
    };
    if workspace.phase == Phase::Deleted {
        return Ok(Deletion::AlreadyGone);
    }
    if workspace.phase != Phase::Deleting && !precondition.holds(Some(workspace.version)) {
        return Err(RequestError::Mismatch(workspace.version));
    }
    if workspace.local.deletion_protection {
        return Err(RequestError::Protected);
    }
    let operation = delete_now(&mut transaction, asker, &workspace).await?;
    transaction.commit().await?;
    Ok(Deletion::Accepted(Box::new(operation)))
}

/// The deletion of a workspace whose row is locked, in the caller's transaction.
///
/// # Errors
/// Whatever the database says.
pub(in crate::provisioning) async fn delete_now(
    transaction: &mut PgConnection,
    asker: &Asker<'_>,
    workspace: &Workspace,
) -> Result<Operation, StoreError> {
    enqueue::remove_unheld(transaction, EXPIRY_JOB, &workspace.id.to_string()).await?;
    let unfinished = operations::lock_unfinished(transaction, workspace.id).await?;
    if let Some(running) = unfinished.iter().find(|o| o.kind == OperationKind::Delete) {
        let scheduled = running.status == OperationStatus::Queued && running.not_before.is_some();
        let waits = scheduled || running.status == OperationStatus::NeedsAttention;
        if waits {
            operations::resume(transaction, running.id, asker.principal).await?;
            tell(transaction, running.id).await?;
            let phase = phase(
                OperationKind::Delete,
                OperationStatus::Queued,
                &workspace.conditions,
            );
            let parked = running.status == OperationStatus::NeedsAttention;
            workspaces::begin_operation(transaction, workspace.id, running.id, phase, !parked)
                .await?;
            let key = running.id.to_string();
            enqueue::enqueue(transaction, OPERATION_JOB, &key, Duration::ZERO).await?;
            enqueue::wake(transaction, OPERATION_JOB, &[key]).await?;
            enqueue::notify(transaction).await?;
            let detail = json!({"kind": "delete", "name": workspace.name});
            let entry = asker.entry(workspace, running.id, "operation.resumed", detail);
            audit::append(transaction, &entry).await?;
        }
        return reread(transaction, running.id).await;
    }
    for create in &unfinished {
        operations::ask_to_cancel(transaction, create.id).await?;
        let detail = json!({"kind": create.kind, "reason": "a delete was accepted"});
        let entry = asker.entry(workspace, create.id, "operation.asked_to_cancel", detail);
        audit::append(transaction, &entry).await?;
        tell(transaction, create.id).await?;
        enqueue::wake(transaction, OPERATION_JOB, &[create.id.to_string()]).await?;
    }
    let id = enqueue_delete(transaction, asker, workspace, Duration::ZERO).await?;
    let phase = phase(
        OperationKind::Delete,
        OperationStatus::Queued,
        &workspace.conditions,
    );
    workspaces::begin_operation(transaction, workspace.id, id, phase, true).await?;
    enqueue::notify(transaction).await?;
    reread(transaction, id).await
}

/// Drops our record of a workspace and leaves everything outside alone. The audit keeps the external ids of what is
/// left behind.
///
/// # Errors
/// [`RequestError::InProgress`] while a worker is at it.
pub async fn forget(
    db: &PgPool,
    asker: &Asker<'_>,
    workspace: WorkspaceId,
    precondition: &Precondition,
) -> Result<(), RequestError> {
    let mut transaction = db.begin().await?;
    let Some(workspace) = workspaces::lock(&mut transaction, workspace).await? else {
        return Ok(());
    };
    if workspace.phase == Phase::Deleted {
        return Ok(());
    }
    if !precondition.holds(Some(workspace.version)) {
        return Err(RequestError::Mismatch(workspace.version));
    }
    enqueue::remove_unheld(&mut transaction, EXPIRY_JOB, &workspace.id.to_string()).await?;
    let unfinished = operations::lock_unfinished(&mut transaction, workspace.id).await?;
    for operation in &unfinished {
        let key = operation.id.to_string();
        if !enqueue::remove_unheld(&mut transaction, OPERATION_JOB, &key).await? {
            return Err(RequestError::InProgress(operation.id));
        }
        operations::ask_to_cancel(&mut transaction, operation.id).await?;
        stop(&mut transaction, operation.id, None).await?;
        let detail = json!({"kind": operation.kind, "reason": "its workspace was forgotten"});
        let entry = asker.entry(&workspace, operation.id, "operation.cancelled", detail);
        audit::append(&mut transaction, &entry).await?;
        tell(&mut transaction, operation.id).await?;
    }
    workspaces::update(
        &mut transaction,
        workspace.id,
        &workspaces::Change {
            external: &ExternalIds::default(),
            conditions: &workspace.conditions,
            phase: Phase::Deleted,
            problem: None,
            last_operation: workspace.last_operation,
            active_operation: None,
        },
    )
    .await?;
    let detail = json!({"name": workspace.name, "left_behind": workspace.external});
    let last = workspace.last_operation;
    let entry = asker.entry(&workspace, last, "workspace.forgotten", detail);
    audit::append(&mut transaction, &entry).await?;
    transaction.commit().await?;
    for operation in &unfinished {
        count::cancelled(operation, &workspace);
    }
    Ok(())
}

/// Inserts the delete operation of a workspace, its job and its audit row, to begin after `delay`. Its plan is the
/// create's, last step first; the engine undoes it.
///
/// # Errors
/// Whatever the database says.
pub(in crate::provisioning) async fn enqueue_delete(
    db: &mut PgConnection,
    asker: &Asker<'_>,
    workspace: &Workspace,
    delay: Duration,
) -> Result<OperationId, StoreError> {
    let id = OperationId::new();
    // The plan it was made by, whatever today's is: a step that is unknown today must not be passed over.
    let life = operations::life(db, workspace.id).await?;
    let (kind, mut plan) = life
        .map(|it| (it.kind, it.plan))
        .ok_or_else(|| StoreError::from(sqlx::Error::RowNotFound))?;
    if kind == OperationKind::Create {
        plan.reverse();
    }
    let steps: Vec<StepRecord> = plan.iter().map(|name| StepRecord::pending(name)).collect();
    operations::insert(
        db,
        &operations::New {
            id,
            workspace: workspace.id,
            team: &workspace.team,
            kind: OperationKind::Delete,
            plan: &plan,
            steps: &steps,
            requested_by: asker.principal,
            request_id: asker.request_id,
            traceparent: asker.traceparent,
            delay,
            retry: None,
        },
    )
    .await?;
    enqueue::enqueue(db, OPERATION_JOB, &id.to_string(), delay).await?;
    let mut detail = json!({"kind": "delete", "name": workspace.name});
    if !delay.is_zero() {
        detail["begins_in_seconds"] = delay.as_secs().into();
    }
    let entry = asker.entry(workspace, id, "operation.accepted", detail);
    audit::append(db, &entry).await?;
    Ok(id)
}
