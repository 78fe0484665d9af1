//! The checkpoint: one transaction with the outcome, external ids, memo, conditions, next step, audit row and the
//! job's release, all conditioned on the lease's epoch.

use super::context::Effect;
use super::count::{self, Count};
use super::patience::Patience;
use super::request::{self, Asker};
use super::{OBSERVE_JOB, OPERATION_JOB, OPERATIONS_CHANNEL, Settings, expire};
use crate::domain::condition::Condition;
use crate::domain::external::ExternalIds;
use crate::domain::id::OperationId;
use crate::domain::operation::{OperationKind, OperationStatus, StepRecord, WaitingFor};
use crate::domain::phase::{Phase, phase};
use crate::domain::problem::{Code, Explanation};
use crate::queue::lease::{self, Release};
use crate::queue::{Job, enqueue};
use crate::store::operations::{self, Operation};
use crate::store::workspaces::{self, Workspace};
use crate::store::{StoreError, Teams, attempts, audit, tokens};
use serde_json::json;
use sqlx::{PgConnection, PgPool};
use std::time::Duration;

/// Whom the removal of a workspace that failed is requested by.
const SYSTEM: &str = "system:failed-create";

/// Everything a checkpoint writes.
#[derive(Debug)]
pub(super) struct Checkpoint {
    pub status: OperationStatus,
    pub position: usize,
    pub steps: Vec<StepRecord>,
    pub memo: serde_json::Value,
    pub waiting_for: Option<WaitingFor>,
    pub message: String,
    pub warnings: Vec<String>,
    /// Why the operation failed or needs attention, or what is wrong meanwhile.
    pub problem: Option<Explanation>,
    pub external: ExternalIds,
    pub conditions: Vec<Condition>,
    pub effects: Vec<Effect>,
    /// `None` keeps the lease and goes on.
    pub release: Option<Release>,
    /// What the audit says; `None` if nothing changed that anybody would look up.
    pub audit: Option<(&'static str, serde_json::Value)>,
}

/// What became of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Committed {
    /// Written; the lease still holds.
    Kept,
    /// Written; the job was released.
    Released,
    /// The operation had been asked to stop: ids are saved, the operation is cancelled, the job is gone.
    Cancelled,
    /// Somebody else owns the job: nothing was written.
    Fenced,
}

/// Writes it, as soon as the database lets us.
///
/// # Errors
/// When the database is away for longer than a lease lasts, or says that something is wrong with what is written.
pub(super) async fn commit(
    db: &PgPool,
    settings: &Settings,
    job: &Job,
    operation: &Operation,
    workspace: &Workspace,
    checkpoint: Checkpoint,
) -> Result<Committed, StoreError> {
    let mut patience = Patience::new(settings.record_within);
    loop {
        let again = patience.failed > 0;
        match try_commit(db, settings, job, operation, workspace, &checkpoint, again).await {
            Err(error) if patience.again(&error).await => {}
            ended => return ended,
        }
    }
}

/// One try. An earlier one may have been committed, and only the answer was lost.
async fn try_commit(
    db: &PgPool,
    settings: &Settings,
    job: &Job,
    operation: &Operation,
    workspace: &Workspace,
    checkpoint: &Checkpoint,
    again: bool,
) -> Result<Committed, StoreError> {
    let count = Count::of(operation, workspace, checkpoint);
    let mut transaction = db.begin().await?;
    let now = workspaces::lock(&mut transaction, workspace.id).await?;
    if !lease::hold(&mut transaction, job).await? {
        return Ok(Committed::Fenced);
    }
    if again && is_recorded(&mut transaction, operation).await? {
        return Ok(Committed::Kept);
    }
    apply(&mut transaction, settings, workspace, &checkpoint.effects).await?;
    let going_on = operations::update(
        &mut transaction,
        operation.id,
        &operations::Change {
            status: checkpoint.status,
            position: i32::try_from(checkpoint.position).unwrap_or(i32::MAX),
            steps: &checkpoint.steps,
            memo: &checkpoint.memo,
            waiting_for: checkpoint.waiting_for,
            message: &checkpoint.message,
            warnings: &checkpoint.warnings,
            problem: operation_problem(checkpoint),
            deadline_seconds: match operation.kind {
                OperationKind::Create => workspace.spec.create_deadline_seconds,
                OperationKind::Update => workspace.spec.update_deadline_seconds,
                OperationKind::Delete => workspace.spec.delete_deadline_seconds,
            },
        },
    )
    .await?;
    let mut change = workspaces::Change {
        external: &checkpoint.external,
        conditions: &checkpoint.conditions,
        phase: phase(operation.kind, checkpoint.status, &checkpoint.conditions),
        problem: checkpoint.problem.as_ref(),
        last_operation: operation.id,
        active_operation: (!checkpoint.status.is_done()).then_some(operation.id),
    };
    let mut entry = audit::Entry {
        actor: "worker",
        action: "operation.cancelled",
        workspace: workspace.id,
        operation: operation.id,
        team: &workspace.team,
        epoch: Some(job.epoch),
        request_id: &operation.request_id,
        detail: serde_json::Value::Null,
    };
    if !going_on {
        // A delete was accepted meanwhile: it owns phase and active operation now; what was made must not be lost.
        let removal = now.as_ref().and_then(|now| now.active_operation);
        stop(&mut transaction, operation.id, removal).await?;
        change.phase = phase(
            OperationKind::Delete,
            OperationStatus::Queued,
            &checkpoint.conditions,
        );
        if let Some(now) = &now {
            (change.active_operation, change.last_operation) =
                (now.active_operation, now.last_operation);
        }
        change.problem = None;
        workspaces::update(&mut transaction, workspace.id, &change).await?;
        lease::release(&mut transaction, job, Release::Finish).await?;
        audit::append(&mut transaction, &entry).await?;
        if let Some(next) = change.active_operation {
            enqueue::wake(&mut transaction, OPERATION_JOB, &[next.to_string()]).await?;
        }
        tell(&mut transaction, operation.id).await?;
        enqueue::notify(&mut transaction).await?;
        transaction.commit().await?;
        count::cancelled(operation, workspace);
        return Ok(Committed::Cancelled);
    }
    // A first step that is not done yet is nothing to tell, but the operation has begun.
    let begun = || ("operation.begun", json!({"kind": operation.kind}));
    let told = checkpoint
        .audit
        .clone()
        .or_else(|| (operation.status != checkpoint.status).then(begun));
    if let Some((action, detail)) = told {
        (entry.action, entry.detail) = (action, detail);
        audit::append(&mut transaction, &entry).await?;
    }
    if operation.kind == OperationKind::Create && checkpoint.status == OperationStatus::Failed {
        let keep = Duration::from_secs(workspace.spec.keep_failed_seconds.into());
        let asker = Asker {
            principal: SYSTEM,
            request_id: &operation.request_id,
            traceparent: operation.traceparent.as_deref(),
        };
        let delete = request::enqueue_delete(&mut transaction, &asker, workspace, keep).await?;
        change.active_operation = Some(delete);
        enqueue::notify(&mut transaction).await?;
    }
    workspaces::update(&mut transaction, workspace.id, &change).await?;
    let mortal =
        now.is_some_and(|row| row.local.ttl_seconds.is_some() || row.local.expires_at.is_some());
    if change.phase == Phase::Ready && mortal {
        workspaces::begin_life(&mut transaction, workspace.id).await?;
        if let Some(ready) = workspaces::lock(&mut transaction, workspace.id).await? {
            expire::follow(&mut transaction, &ready).await?;
        }
    }
    match checkpoint.release {
        None => lease::progress(&mut transaction, job).await?,
        Some(how) => lease::release(&mut transaction, job, how).await?,
    }
    tell(&mut transaction, operation.id).await?;
    transaction.commit().await?;
    count.add();
    Ok(if checkpoint.release.is_some() {
        Committed::Released
    } else {
        Committed::Kept
    })
}

/// Whether a checkpoint has been written since this operation was read, by whoever holds the lease: us.
async fn is_recorded(db: &mut PgConnection, operation: &Operation) -> Result<bool, StoreError> {
    let now = operations::get(db, operation.id, &Teams::All).await?;
    let place = |it: &Operation| (it.position, it.steps.clone(), it.memo.clone());
    Ok(now.is_some_and(|now| place(&now) != place(operation)))
}

/// A passing problem shows on the workspace; on the operation only one that ended or parked it.
fn operation_problem(checkpoint: &Checkpoint) -> Option<&Explanation> {
    let ended = matches!(
        checkpoint.status,
        OperationStatus::Failed | OperationStatus::NeedsAttention
    );
    checkpoint.problem.as_ref().filter(|_| ended)
}

async fn apply(
    db: &mut PgConnection,
    settings: &Settings,
    workspace: &Workspace,
    effects: &[Effect],
) -> Result<(), StoreError> {
    for effect in effects {
        match effect {
            Effect::Closed(attempt, outcome) => attempts::close(db, *attempt, *outcome).await?,
            Effect::Seen { status, message } => {
                workspaces::observed(db, workspace.id, status, message).await?;
            }
            Effect::Watched => {
                enqueue::ensure(
                    db,
                    OBSERVE_JOB,
                    &workspace.spec.account,
                    settings.observe_slow,
                )
                .await?;
            }
            Effect::TokenDelivered(token) => tokens::upsert(db, &token.row(workspace)).await?,
            Effect::TokensRevoked => tokens::revoke_all(db, workspace.id).await?,
        }
    }
    Ok(())
}

/// Ends an operation that was asked to stop. What it made is removed by `removal`, or nobody.
pub(super) async fn stop(
    db: &mut PgConnection,
    operation: OperationId,
    removal: Option<OperationId>,
) -> Result<(), StoreError> {
    let problem = match removal {
        Some(removal) => Explanation::new(
            Code::CancelledByRequest,
            format!("It was asked to stop; {removal} removes what it made."),
        )
        .hint(format!("Follow GET /operations/{removal}.")),
        None => Explanation::new(Code::CancelledByRequest, "Its workspace was forgotten."),
    };
    operations::cancelled(db, operation, &problem).await
}

/// Tells those who wait for this operation, in the transaction.
pub(super) async fn tell(db: &mut PgConnection, operation: OperationId) -> Result<(), StoreError> {
    Ok(enqueue::notify_channel(db, OPERATIONS_CHANNEL, &operation.uuid().to_string()).await?)
}
