//! Changes of a workspace by the work on it.

use crate::domain::condition::Condition;
use crate::domain::external::ExternalIds;
use crate::domain::id::{OperationId, WorkspaceId};
use crate::domain::local::Local;
use crate::domain::phase::Phase;
use crate::domain::problem::Explanation;
use crate::domain::spec::Spec;
use crate::store::{Result, json};
use sqlx::PgConnection;

/// What a checkpoint changes on a workspace.
#[derive(Debug)]
pub struct Change<'a> {
    /// External ids.
    pub external: &'a ExternalIds,
    /// Conditions.
    pub conditions: &'a [Condition],
    /// The phase that follows.
    pub phase: Phase,
    /// Why it is not as it should be.
    pub problem: Option<&'a Explanation>,
    /// The operation that wrote this.
    pub last_operation: OperationId,
    /// The operation that is not finished after this.
    pub active_operation: Option<OperationId>,
}

/// Writes a checkpoint. `version` rises, and `updated_at` moves, only if something visible changed.
///
/// # Errors
/// [`crate::store::StoreError`].
pub async fn update(db: &mut PgConnection, id: WorkspaceId, change: &Change<'_>) -> Result<()> {
    sqlx::query!(
        "update workspaces
            set external = $2,
                conditions = $3,
                phase = $4,
                problem = $5,
                active_operation = $6,
                last_operation = $7,
                version = version + 1,
                updated_at = clock(),
                deleted_at = case when $4 = 'deleted' then clock() end
          where id = $1
            and (external, conditions, phase, problem, active_operation, last_operation)
                is distinct from ($2, $3, $4, $5, $6, $7)",
        id.uuid(),
        json(change.external),
        json(&change.conditions),
        change.phase.as_str(),
        change.problem.map(json),
        change.active_operation.map(|o| o.uuid()),
        change.last_operation.uuid()
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Points the workspace at a new operation and sets the phase that begins with it. What was wrong before stays
/// readable, unless it is what the operation begins anew with.
///
/// # Errors
/// [`crate::store::StoreError`].
pub async fn begin_operation(
    db: &mut PgConnection,
    id: WorkspaceId,
    operation: OperationId,
    phase: Phase,
    keep_problem: bool,
) -> Result<()> {
    sqlx::query!(
        "update workspaces
            set last_operation = $2,
                active_operation = $2,
                phase = $3,
                problem = case when $4 then problem end,
                version = version + 1,
                updated_at = clock()
          where id = $1",
        id.uuid(),
        operation.uuid(),
        phase.as_str(),
        keep_problem
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Writes what lives only here. `version` rises: to be called when something changed.
///
/// # Errors
/// [`crate::store::StoreError`].
pub async fn write_local(db: &mut PgConnection, id: WorkspaceId, local: &Local) -> Result<()> {
    sqlx::query!(
        "update workspaces
            set owner = $2,
                labels = $3,
                deletion_protection = $4,
                ttl_seconds = $5,
                expires_at = $6,
                version = version + 1,
                updated_at = clock()
          where id = $1",
        id.uuid(),
        local.owner,
        json(&local.labels),
        local.deletion_protection,
        local.ttl_seconds.map(super::seconds),
        local.expires_at
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Writes other tags, as they are wanted and as they were asked for. `version` rises: to be called when something changed.
///
/// # Errors
/// [`crate::store::StoreError`].
pub async fn write_tags(
    db: &mut PgConnection,
    id: WorkspaceId,
    spec: &Spec,
    wish: Option<&serde_json::Value>,
) -> Result<()> {
    sqlx::query!(
        "update workspaces
            set spec = $2,
                wish = $3,
                version = version + 1,
                updated_at = clock()
          where id = $1",
        id.uuid(),
        json(spec),
        wish
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Sets the end of a workspace's life, counted from now, unless a caller has set it already. Part of the checkpoint
/// that makes it ready.
///
/// # Errors
/// [`crate::store::StoreError`].
pub async fn begin_life(db: &mut PgConnection, id: WorkspaceId) -> Result<()> {
    sqlx::query!(
        "update workspaces
            set expires_at = date_trunc('milliseconds', clock()) + make_interval(secs => ttl_seconds)
          where id = $1
            and expires_at is null
            and ttl_seconds is not null",
        id.uuid()
    )
    .execute(db)
    .await?;
    Ok(())
}
