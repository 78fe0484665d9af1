//! Other tags at the vendor: written down as what shall be, and an operation that makes it so. While one is at it there is
//! no other, and what one that failed or stands was to do, the next one does.

use super::retry::{accepted, go_on_with};
use super::{Asker, RequestError, reread};
use crate::domain::id::OperationId;
use crate::domain::operation::{OperationKind, OperationStatus, StepRecord};
use crate::domain::phase::{Phase, phase};
use crate::domain::spec::Spec;
use crate::provisioning::{OPERATION_JOB, plan};
use crate::queue::enqueue;
use crate::store::operations::{self, Operation};
use crate::store::workspaces::{self, Workspace};
use crate::store::{StoreError, audit};
use serde_json::{Value, json};
use sqlx::PgConnection;
use std::time::Duration;

/// Other tags, worked out from the workspace as it was read.
#[derive(Debug)]
pub struct Tags<'a> {
    /// As it was read.
    pub read: &'a Workspace,
    /// As it shall be.
    pub spec: Spec,
    /// What was asked for by then, where that is known.
    pub wish: Option<Value>,
}

/// Has the tags of a workspace, whose row is locked, become these; the operation that does it, if anything is to be done.
///
/// # Errors
/// [`RequestError::Stale`]; [`RequestError::InProgress`] while something else is done to it;
/// [`RequestError::Immutable`] if it has failed.
pub(super) async fn retag(
    db: &mut PgConnection,
    asker: &Asker<'_>,
    workspace: &Workspace,
    tags: &Tags<'_>,
) -> Result<Option<Operation>, RequestError> {
    if (&tags.read.spec, &tags.read.wish) != (&workspace.spec, &workspace.wish) {
        return Err(RequestError::Stale);
    }
    let asked = workspace.wish != tags.wish;
    let differs = workspace.spec != tags.spec;
    let last = reread(db, workspace.last_operation).await?;
    let update = (last.kind == OperationKind::Update).then_some(last.status);
    if !workspace.phase.is_usable() {
        return match (differs || asked, workspace.phase) {
            (false, _) => Ok(None),
            (_, Phase::Failed) => Err(RequestError::Immutable(vec!["/tags".to_owned()])),
            _ => Err(RequestError::InProgress(last.id)),
        };
    }
    let at_it = matches!(
        update,
        Some(OperationStatus::Queued | OperationStatus::Running)
    );
    if differs && at_it {
        return Err(RequestError::InProgress(last.id));
    }
    if differs || asked {
        workspaces::write_tags(db, workspace.id, &tags.spec, tags.wish.as_ref()).await?;
        let changed = json!({"tags": {"from": workspace.spec.tags, "to": tags.spec.tags}});
        let detail = json!({"name": workspace.name, "changed": changed});
        let entry = asker.entry(workspace, last.id, "workspace.changed", detail);
        audit::append(db, &entry).await?;
    }
    match update {
        Some(OperationStatus::NeedsAttention | OperationStatus::Failed) => {
            Ok(Some(go_on_with(db, asker, workspace).await?))
        }
        _ if at_it => Ok(Some(last)),
        _ if differs => Ok(Some(begin(db, asker, workspace).await?)),
        _ => Ok(None),
    }
}

async fn begin(
    db: &mut PgConnection,
    asker: &Asker<'_>,
    workspace: &Workspace,
) -> Result<Operation, StoreError> {
    let id = OperationId::new();
    let names = plan::UPDATE.iter().map(|step| step.name().to_owned());
    let plan: Vec<String> = names.collect();
    let steps: Vec<StepRecord> = plan.iter().map(|name| StepRecord::pending(name)).collect();
    let new = operations::New {
        id,
        workspace: workspace.id,
        team: &workspace.team,
        kind: OperationKind::Update,
        plan: &plan,
        steps: &steps,
        requested_by: asker.principal,
        request_id: asker.request_id,
        traceparent: asker.traceparent,
        delay: Duration::ZERO,
        retry: None,
    };
    operations::insert(db, &new).await?;
    enqueue::enqueue(db, OPERATION_JOB, &id.to_string(), Duration::ZERO).await?;
    let conditions = &workspace.conditions;
    let phase = phase(OperationKind::Update, OperationStatus::Queued, conditions);
    workspaces::begin_operation(db, workspace.id, id, phase, false).await?;
    let detail = json!({"kind": "update", "name": workspace.name});
    accepted(db, asker, workspace, id, "operation.accepted", detail).await
}
