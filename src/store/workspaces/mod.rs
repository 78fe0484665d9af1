//! The table `workspaces`: the row, finding it ([`list()`]), changing it (`change`), and the ones Databricks is
//! building ([`in_flight()`]).

mod change;
mod in_flight;
mod list;

pub use change::{Change, begin_life, begin_operation, update, write_local, write_tags};
pub use in_flight::{InFlight, Reading, all_observed, in_flight, observed};
pub use list::{Filter, list};

use super::{Result, Teams, json, read};
use crate::domain::condition::Condition;
use crate::domain::external::ExternalIds;
use crate::domain::id::{OperationId, WorkspaceId};
use crate::domain::local::Local;
use crate::domain::phase::Phase;
use crate::domain::problem::Explanation;
use crate::domain::spec::Spec;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

/// One workspace.
#[derive(Debug, Clone)]
#[expect(
    missing_docs,
    reason = "the columns are commented in migrations/0002 and 0009"
)]
pub struct Workspace {
    pub id: WorkspaceId,
    pub name: String,
    pub team: String,
    /// What can be changed without the vendor.
    pub local: Local,
    pub spec: Spec,
    pub wish: Option<serde_json::Value>,
    pub external: ExternalIds,
    pub workspace_status: Option<String>,
    pub workspace_status_message: Option<String>,
    pub conditions: Vec<Condition>,
    pub phase: Phase,
    pub problem: Option<Explanation>,
    pub last_operation: OperationId,
    pub active_operation: Option<OperationId>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub deleted_at: Option<DateTime<Utc>>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    name: String,
    team: String,
    owner: String,
    spec: serde_json::Value,
    wish: Option<serde_json::Value>,
    external: serde_json::Value,
    workspace_status: Option<String>,
    workspace_status_message: Option<String>,
    conditions: serde_json::Value,
    phase: String,
    problem: Option<serde_json::Value>,
    labels: serde_json::Value,
    deletion_protection: bool,
    ttl_seconds: Option<i32>,
    expires_at: Option<DateTime<Utc>>,
    last_operation: Uuid,
    active_operation: Option<Uuid>,
    version: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    deleted_at: Option<DateTime<Utc>>,
}

impl Row {
    fn read(self) -> Result<Workspace> {
        let id = WorkspaceId::from_uuid(self.id);
        const TABLE: &str = "workspaces";
        Ok(Workspace {
            spec: read(TABLE, "spec", id, self.spec)?,
            external: read(TABLE, "external", id, self.external)?,
            conditions: read(TABLE, "conditions", id, self.conditions)?,
            phase: read(TABLE, "phase", id, self.phase.into())?,
            problem: self
                .problem
                .map(|v| read(TABLE, "problem", id, v))
                .transpose()?,
            id,
            local: Local {
                owner: self.owner,
                labels: read(TABLE, "labels", id, self.labels)?,
                deletion_protection: self.deletion_protection,
                ttl_seconds: self.ttl_seconds.map(i32::unsigned_abs),
                expires_at: self.expires_at,
            },
            name: self.name,
            team: self.team,
            wish: self.wish,
            workspace_status: self.workspace_status,
            workspace_status_message: self.workspace_status_message,
            last_operation: OperationId::from_uuid(self.last_operation),
            active_operation: self.active_operation.map(OperationId::from_uuid),
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
            deleted_at: self.deleted_at,
        })
    }
}

/// One workspace by id, if one of `teams` has it. Deleted ones too.
///
/// # Errors
/// [`super::StoreError`].
pub async fn get(
    db: &mut PgConnection,
    id: WorkspaceId,
    teams: &Teams,
) -> Result<Option<Workspace>> {
    sqlx::query_as!(
        Row,
        "select id, name, team, owner, spec, wish, external, workspace_status,
                workspace_status_message, conditions, phase, problem, labels, deletion_protection, ttl_seconds,
                expires_at, last_operation, active_operation, version, created_at, updated_at, deleted_at
           from workspaces
          where id = $1
            and ($2::text[] is null or team = any($2))",
        id.uuid(),
        teams.bind()
    )
    .fetch_optional(db)
    .await?
    .map(Row::read)
    .transpose()
}

/// Like [`get`] for a writer: locks the row until the transaction ends. Whoever writes about a workspace locks its
/// row first, and only then operations and jobs: one order, so no deadlock.
///
/// # Errors
/// [`super::StoreError`].
pub async fn lock(db: &mut PgConnection, id: WorkspaceId) -> Result<Option<Workspace>> {
    sqlx::query_as!(
        Row,
        "select id, name, team, owner, spec, wish, external, workspace_status,
                workspace_status_message, conditions, phase, problem, labels, deletion_protection, ttl_seconds,
                expires_at, last_operation, active_operation, version, created_at, updated_at, deleted_at
           from workspaces
          where id = $1
            for no key update",
        id.uuid()
    )
    .fetch_optional(db)
    .await?
    .map(Row::read)
    .transpose()
}

/// The living workspaces of that name in `teams`; several if several teams have one.
///
/// # Errors
/// [`super::StoreError`].
pub async fn find_by_name(
    db: &mut PgConnection,
    name: &str,
    teams: &Teams,
) -> Result<Vec<Workspace>> {
    sqlx::query_as!(
        Row,
        "select id, name, team, owner, spec, wish, external, workspace_status,
                workspace_status_message, conditions, phase, problem, labels, deletion_protection, ttl_seconds,
                expires_at, last_operation, active_operation, version, created_at, updated_at, deleted_at
           from workspaces
          where name = $1
            and phase <> 'deleted'
            and ($2::text[] is null or team = any($2))
          order by id
          limit 20",
        name,
        teams.bind()
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(Row::read)
    .collect()
}

/// A workspace just asked for.
#[derive(Debug)]
pub struct New<'a> {
    /// Its id.
    pub id: WorkspaceId,
    /// Name in its team.
    pub name: &'a str,
    /// Team.
    pub team: &'a str,
    /// What can be changed without the vendor.
    pub local: &'a Local,
    /// The resolved wish.
    pub spec: &'a Spec,
    /// The wish as it was said.
    pub wish: &'a serde_json::Value,
    /// The operation that makes it, inserted in the same transaction.
    pub operation: OperationId,
}

/// Inserts a workspace in phase `pending`.
///
/// # Errors
/// [`super::StoreError`]; constraint `workspaces_name_per_team` if the team has a living one of that name.
pub async fn insert(db: &mut PgConnection, new: &New<'_>) -> Result<()> {
    sqlx::query!(
        "insert into workspaces (id, name, team, owner, account, cloud, region, template, spec, wish, phase,
                                 labels, deletion_protection, ttl_seconds, expires_at, last_operation, active_operation)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'pending', $11, $12, $13, $14, $15, $15)",
        new.id.uuid(),
        new.name,
        new.team,
        new.local.owner,
        new.spec.account,
        new.spec.cloud.as_str(),
        new.spec.region,
        new.spec.template,
        json(new.spec),
        new.wish,
        json(&new.local.labels),
        new.local.deletion_protection,
        new.local.ttl_seconds.map(seconds),
        new.local.expires_at,
        new.operation.uuid()
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Postgres has no unsigned integers; ours end long before.
fn seconds(seconds: u32) -> i32 {
    i32::try_from(seconds).unwrap_or(i32::MAX)
}
