//! The table `workspaces`: the row, finding it ([`list()`]), changing it (`change`), and the ones Databricks is
//! building ([`in_flight()`]).

mod change;
mod in_flight;
mod list;

pub use change::{Change, begin_operation, update};
pub use in_flight::{InFlight, in_flight, observed};
pub use list::{Filter, list};

use super::{Result, Teams, json, read};
use crate::domain::condition::Condition;
use crate::domain::external::ExternalIds;
use crate::domain::id::{OperationId, WorkspaceId};
use crate::domain::phase::Phase;
use crate::domain::problem::Explanation;
use crate::domain::spec::Spec;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

/// One workspace.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns are commented in migrations/0002")]
pub struct Workspace {
    pub id: WorkspaceId,
    pub name: String,
    pub team: String,
    pub owner: String,
    pub spec: Spec,
    pub external: ExternalIds,
    pub workspace_status: Option<String>,
    pub workspace_status_message: Option<String>,
    pub conditions: Vec<Condition>,
    pub phase: Phase,
    pub problem: Option<Explanation>,
    pub deletion_protection: bool,
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
    external: serde_json::Value,
    workspace_status: Option<String>,
    workspace_status_message: Option<String>,
    conditions: serde_json::Value,
    phase: String,
    problem: Option<serde_json::Value>,
    deletion_protection: bool,
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
            name: self.name,
            team: self.team,
            owner: self.owner,
            workspace_status: self.workspace_status,
            workspace_status_message: self.workspace_status_message,
            deletion_protection: self.deletion_protection,
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
        "select id, name, team, owner, spec, external, workspace_status,
                workspace_status_message, conditions, phase, problem, deletion_protection,
                last_operation, active_operation, version, created_at, updated_at, deleted_at
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
        "select id, name, team, owner, spec, external, workspace_status,
                workspace_status_message, conditions, phase, problem, deletion_protection,
                last_operation, active_operation, version, created_at, updated_at, deleted_at
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
        "select id, name, team, owner, spec, external, workspace_status,
                workspace_status_message, conditions, phase, problem, deletion_protection,
                last_operation, active_operation, version, created_at, updated_at, deleted_at
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
    /// Owner.
    pub owner: &'a str,
    /// The resolved wish.
    pub spec: &'a Spec,
    /// Whether callers may delete it.
    pub deletion_protection: bool,
    /// The operation that makes it, inserted in the same transaction.
    pub operation: OperationId,
}

/// Inserts a workspace in phase `pending`.
///
/// # Errors
/// [`super::StoreError`]; constraint `workspaces_name_per_team` if the team has a living one of that name.
pub async fn insert(db: &mut PgConnection, new: &New<'_>) -> Result<()> {
    sqlx::query!(
        "insert into workspaces (id, name, team, owner, account, cloud, region, template, spec, phase,
                                 deletion_protection, last_operation, active_operation)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'pending', $10, $11, $11)",
        new.id.uuid(),
        new.name,
        new.team,
        new.owner,
        new.spec.account,
        new.spec.cloud.as_str(),
        new.spec.region,
        new.spec.template,
        json(new.spec),
        new.deletion_protection,
        new.operation.uuid()
    )
    .execute(db)
    .await?;
    Ok(())
}
