//! From a checked request to rows: what was accepted commits together, or nothing was accepted.

use super::checkpoint::{stop, tell};
use super::{OPERATION_JOB, count, plan};
use crate::domain::external::ExternalIds;
use crate::domain::id::{OperationId, WorkspaceId};
use crate::domain::operation::{OperationKind, OperationStatus, StepRecord};
use crate::domain::phase::{Phase, phase};
use crate::domain::template::{Choices, Template};
use crate::queue::enqueue;
use crate::store::operations::{self, Operation};
use crate::store::workspaces::{self, Workspace};
use crate::store::{StoreError, Teams, audit, idempotency};
use sqlx::PgPool;
use std::time::Duration;

/// Who asks, and in which HTTP exchange.
#[derive(Debug, Clone)]
pub struct Asker<'a> {
    /// Principal, as `oidc:<issuer>:<subject>`, or `system:<why>`.
    pub principal: &'a str,
    /// Request id.
    pub request_id: &'a str,
    /// W3C trace context of the exchange, if it came with one.
    pub traceparent: Option<&'a str>,
}

/// A checked request for a workspace.
#[derive(Debug)]
pub struct NewWorkspace<'a> {
    /// Name, well-formed.
    pub name: &'a str,
    /// Team the caller may request for.
    pub team: &'a str,
    /// The template.
    pub template: &'a Template,
    /// What the caller chose.
    pub choices: Choices,
    /// Overrides the template's default.
    pub deletion_protection: Option<bool>,
    /// The idempotency key, if one was sent.
    pub key: Option<idempotency::Key<'a>>,
}

/// An accepted request.
#[derive(Debug)]
pub struct Accepted {
    /// The operation, as it is now.
    pub operation: Operation,
    /// Whether it had been accepted before, under the same idempotency key.
    pub replayed: bool,
}

/// Why a request was not accepted. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The team has a living workspace of that name.
    #[error("name taken")]
    NameTaken(WorkspaceId),
    /// The idempotency key was used for another request.
    #[error("idempotency key reused")]
    KeyReused,
    /// The workspace is protected.
    #[error("protected from deletion")]
    Protected,
    /// A worker is at it right now; the operation.
    #[error("operation in progress")]
    InProgress(OperationId),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for RequestError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Accepts a request for a workspace: one transaction with the idempotency key, workspace, operation, job and
/// audit row. A twin with the same key waits on the unique index and gets the same operation.
///
/// # Errors
/// [`RequestError`].
pub async fn create(
    db: &PgPool,
    asker: &Asker<'_>,
    new: NewWorkspace<'_>,
) -> Result<Accepted, RequestError> {
    let (workspace, operation) = (WorkspaceId::new(), OperationId::new());
    let spec = new
        .template
        .resolve(new.choices, new.team, new.name, &workspace.to_string());
    let plan: Vec<String> = plan::steps(spec.cloud, spec.compute_mode)
        .iter()
        .map(|step| step.name().to_owned())
        .collect();
    let steps: Vec<StepRecord> = plan.iter().map(|name| StepRecord::pending(name)).collect();

    let mut transaction = db.begin().await?;
    if let Some(key) = &new.key {
        match idempotency::reserve(&mut transaction, key, operation).await? {
            idempotency::Known::No => {}
            idempotency::Known::Other => return Err(RequestError::KeyReused),
            idempotency::Known::Same(earlier) => {
                let operation = reread(&mut transaction, earlier).await?;
                return Ok(Accepted {
                    operation,
                    replayed: true,
                });
            }
        }
    }
    let row = workspaces::New {
        id: workspace,
        name: new.name,
        team: new.team,
        owner: asker.principal,
        spec: &spec,
        deletion_protection: new
            .deletion_protection
            .unwrap_or(new.template.deletion_protection),
        operation,
    };
    match workspaces::insert(&mut transaction, &row).await {
        Ok(()) => {}
        Err(error) if error.constraint() == Some("workspaces_name_per_team") => {
            transaction.rollback().await?;
            return Err(taken_by(db, new.name, new.team, error).await);
        }
        Err(error) => return Err(error.into()),
    }
    operations::insert(
        &mut transaction,
        &operations::New {
            id: operation,
            workspace,
            team: new.team,
            kind: OperationKind::Create,
            plan: &plan,
            steps: &steps,
            requested_by: asker.principal,
            request_id: asker.request_id,
            traceparent: asker.traceparent,
            delay: Duration::ZERO,
        },
    )
    .await?;
    enqueue::enqueue(
        &mut transaction,
        OPERATION_JOB,
        &operation.to_string(),
        Duration::ZERO,
    )
    .await?;
    audit::append(
        &mut transaction,
        &audit::Entry {
            actor: asker.principal,
            action: "operation.accepted",
            workspace,
            operation,
            team: new.team,
            epoch: None,
            request_id: asker.request_id,
            detail: serde_json::json!({"kind": "create", "name": new.name, "template": spec.template}),
        },
    )
    .await?;
    enqueue::notify(&mut transaction).await?;
    let operation = reread(&mut transaction, operation).await?;
    transaction.commit().await?;
    Ok(Accepted {
        operation,
        replayed: false,
    })
}

async fn taken_by(db: &PgPool, name: &str, team: &str, error: StoreError) -> RequestError {
    let found = async {
        let mut connection = db.acquire().await?;
        workspaces::find_by_name(&mut connection, name, &Teams::Only(vec![team.to_owned()])).await
    };
    match found.await {
        Ok(found) => found.first().map_or(RequestError::Store(error), |w| {
            RequestError::NameTaken(w.id)
        }),
        Err(error) => error.into(),
    }
}

async fn reread(db: &mut sqlx::PgConnection, id: OperationId) -> Result<Operation, StoreError> {
    operations::get(db, id, &Teams::All)
        .await?
        .ok_or_else(|| sqlx::Error::RowNotFound.into())
}

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
/// # Errors
/// [`RequestError`].
pub async fn delete(
    db: &PgPool,
    asker: &Asker<'_>,
    workspace: &Workspace,
) -> Result<Deletion, RequestError> {
    let mut transaction = db.begin().await?;
    let Some(workspace) = workspaces::lock(&mut transaction, workspace.id).await? else {
        return Ok(Deletion::AlreadyGone);
    };
    if workspace.phase == Phase::Deleted {
        return Ok(Deletion::AlreadyGone);
    }
    if workspace.deletion_protection {
        return Err(RequestError::Protected);
    }
    let unfinished = operations::lock_unfinished(&mut transaction, workspace.id).await?;
    let mut entry = audit::Entry {
        actor: asker.principal,
        action: "operation.accepted",
        workspace: workspace.id,
        operation: workspace.last_operation,
        team: &workspace.team,
        epoch: None,
        request_id: asker.request_id,
        detail: serde_json::json!({"kind": "delete", "name": workspace.name}),
    };
    if let Some(running) = unfinished.iter().find(|o| o.kind == OperationKind::Delete) {
        let waits =
            running.not_before.is_some() || running.status == OperationStatus::NeedsAttention;
        if waits {
            operations::resume(&mut transaction, running.id, asker.principal).await?;
            tell(&mut transaction, running.id).await?;
            let phase = phase(
                OperationKind::Delete,
                OperationStatus::Queued,
                &workspace.conditions,
            );
            let parked = running.status == OperationStatus::NeedsAttention;
            workspaces::begin_operation(&mut transaction, workspace.id, running.id, phase, !parked)
                .await?;
            let key = running.id.to_string();
            enqueue::enqueue(&mut transaction, OPERATION_JOB, &key, Duration::ZERO).await?;
            enqueue::wake(&mut transaction, OPERATION_JOB, &[key]).await?;
            enqueue::notify(&mut transaction).await?;
            entry.action = "operation.resumed";
            entry.operation = running.id;
            audit::append(&mut transaction, &entry).await?;
        }
        let operation = reread(&mut transaction, running.id).await?;
        transaction.commit().await?;
        return Ok(Deletion::Accepted(Box::new(operation)));
    }
    for create in &unfinished {
        operations::ask_to_cancel(&mut transaction, create.id).await?;
        tell(&mut transaction, create.id).await?;
        enqueue::wake(&mut transaction, OPERATION_JOB, &[create.id.to_string()]).await?;
    }
    let id = enqueue_delete(&mut transaction, asker, &workspace, Duration::ZERO).await?;
    let phase = phase(
        OperationKind::Delete,
        OperationStatus::Queued,
        &workspace.conditions,
    );
    workspaces::begin_operation(&mut transaction, workspace.id, id, phase, true).await?;
    entry.operation = id;
    audit::append(&mut transaction, &entry).await?;
    enqueue::notify(&mut transaction).await?;
    let operation = reread(&mut transaction, id).await?;
    transaction.commit().await?;
    Ok(Deletion::Accepted(Box::new(operation)))
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
) -> Result<(), RequestError> {
    let mut transaction = db.begin().await?;
    let Some(workspace) = workspaces::lock(&mut transaction, workspace).await? else {
        return Ok(());
    };
    if workspace.phase == Phase::Deleted {
        return Ok(());
    }
    let unfinished = operations::lock_unfinished(&mut transaction, workspace.id).await?;
    for operation in &unfinished {
        let key = operation.id.to_string();
        if !enqueue::remove_unheld(&mut transaction, OPERATION_JOB, &key).await? {
            return Err(RequestError::InProgress(operation.id));
        }
        operations::ask_to_cancel(&mut transaction, operation.id).await?;
        stop(&mut transaction, operation.id).await?;
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
    audit::append(
        &mut transaction,
        &audit::Entry {
            actor: asker.principal,
            action: "workspace.forgotten",
            workspace: workspace.id,
            operation: workspace.last_operation,
            team: &workspace.team,
            epoch: None,
            request_id: asker.request_id,
            detail: serde_json::json!({"name": workspace.name, "left_behind": workspace.external}),
        },
    )
    .await?;
    transaction.commit().await?;
    for operation in &unfinished {
        count::cancelled(operation, &workspace);
    }
    Ok(())
}

/// Inserts the delete operation of a workspace and its job, to begin after `delay`. Its plan is the create plan; the
/// engine unwinds it.
///
/// # Errors
/// Whatever the database says.
pub(super) async fn enqueue_delete(
    db: &mut sqlx::PgConnection,
    asker: &Asker<'_>,
    workspace: &Workspace,
    delay: Duration,
) -> Result<OperationId, StoreError> {
    let id = OperationId::new();
    let plan: Vec<String> = plan::steps(workspace.spec.cloud, workspace.spec.compute_mode)
        .iter()
        .rev()
        .map(|step| step.name().to_owned())
        .collect();
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
        },
    )
    .await?;
    enqueue::enqueue(db, OPERATION_JOB, &id.to_string(), delay).await?;
    Ok(id)
}
