//! The table `tokens`: references to delivered PATs, never their values.

use super::{Result, Teams};
use crate::domain::id::{TokenId, WorkspaceId};
use chrono::{DateTime, Utc};
use sqlx::PgConnection;

/// One delivered token.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns are commented in migrations/0006")]
pub struct Token {
    pub id: TokenId,
    pub workspace_id: WorkspaceId,
    pub team: String,
    pub principal: String,
    pub generation: i32,
    pub status: String,
    pub external_id: String,
    pub store: String,
    pub store_kind: String,
    pub secret_path: String,
    pub secret_version: String,
    pub created_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
}

/// The tokens of a workspace, newest first.
///
/// # Errors
/// [`super::StoreError`].
pub async fn list(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    teams: &Teams,
) -> Result<Vec<Token>> {
    let rows = sqlx::query!(
        "select id, workspace_id, team, principal, generation, status, external_id, store, store_kind,
                secret_path, secret_version, created_at, expires_at, revoked_at
           from tokens
          where workspace_id = $1
            and ($2::text[] is null or team = any($2))
          order by generation desc",
        workspace.uuid(),
        teams.bind()
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Token {
            id: TokenId::from_uuid(row.id),
            workspace_id: WorkspaceId::from_uuid(row.workspace_id),
            team: row.team,
            principal: row.principal,
            generation: row.generation,
            status: row.status,
            external_id: row.external_id,
            store: row.store,
            store_kind: row.store_kind,
            secret_path: row.secret_path,
            secret_version: row.secret_version,
            created_at: row.created_at,
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
        })
        .collect())
}

/// A token just delivered.
#[derive(Debug)]
#[expect(missing_docs, reason = "the columns are commented in migrations/0006")]
pub struct New<'a> {
    pub workspace: WorkspaceId,
    pub team: &'a str,
    pub principal: &'a str,
    pub generation: i32,
    pub external_id: &'a str,
    pub store: &'a str,
    pub store_kind: &'a str,
    pub secret_path: &'a str,
    pub secret_version: &'a str,
    pub expires_at: Option<DateTime<Utc>>,
}

/// Records a delivered token; the same generation again replaces the record.
///
/// # Errors
/// [`super::StoreError`].
pub async fn upsert(db: &mut PgConnection, new: &New<'_>) -> Result<()> {
    sqlx::query!(
        "insert into tokens (id, workspace_id, team, principal, generation, status, external_id, store, store_kind,
                             secret_path, secret_version, expires_at)
         values ($1, $2, $3, $4, $5, 'active', $6, $7, $8, $9, $10, $11)
             on conflict on constraint tokens_one_per_generation do update
            set principal = excluded.principal,
                status = 'active',
                external_id = excluded.external_id,
                secret_version = excluded.secret_version,
                created_at = excluded.created_at,
                expires_at = excluded.expires_at,
                revoked_at = null",
        TokenId::new().uuid(),
        new.workspace.uuid(),
        new.team,
        new.principal,
        new.generation,
        new.external_id,
        new.store,
        new.store_kind,
        new.secret_path,
        new.secret_version,
        new.expires_at
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Records that all tokens of a workspace are useless now.
///
/// # Errors
/// [`super::StoreError`].
pub async fn revoke_all(db: &mut PgConnection, workspace: WorkspaceId) -> Result<()> {
    sqlx::query!(
        "update tokens
            set status = 'revoked',
                revoked_at = clock()
          where workspace_id = $1
            and status <> 'revoked'",
        workspace.uuid()
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The vendor's ids of the tokens that a workspace is known to have.
///
/// # Errors
/// [`super::StoreError`].
pub async fn live_ids(db: &mut PgConnection, workspace: WorkspaceId) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar!(
        "select external_id from tokens where workspace_id = $1 and status <> 'revoked'",
        workspace.uuid()
    )
    .fetch_all(db)
    .await?)
}
