//! The table `sightings`: what the sweep remembers of a workspace, and the workspaces that are at rest.

use super::Result;
use crate::domain::external::UpstreamId;
use crate::domain::id::WorkspaceId;
use sqlx::PgConnection;
use std::time::Duration;

/// A workspace that nobody works on: what the sweep compares with the account's list.
#[derive(Debug, Clone)]
pub struct AtRest {
    /// Our id.
    pub id: WorkspaceId,
    /// What the vendor calls it.
    pub external_id: UpstreamId,
    /// Whether it is ready; else its create succeeded and it is no longer there as it was.
    pub ready: bool,
    /// The code of its problem.
    pub code: Option<String>,
    /// Whether the list of the last pass was without it.
    pub missing: bool,
}

/// The workspaces of an account that are at rest: made, with no operation under way.
///
/// # Errors
/// [`super::StoreError`].
pub async fn at_rest(db: &mut PgConnection, account: &str) -> Result<Vec<AtRest>> {
    let rows = sqlx::query!(
        r#"select w.id,
                  w.external -> 'workspace' ->> 'id' as "external_id!",
                  w.phase = 'ready' as "ready!",
                  w.problem ->> 'code' as code,
                  s.missing_since is not null as "missing!"
             from workspaces w
             left join sightings s on s.workspace_id = w.id
            where w.account = $1
              and w.phase in ('ready', 'failed')
              and w.active_operation is null
              and w.external -> 'workspace' is not null
            order by w.id"#,
        account
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| AtRest {
            id: WorkspaceId::from_uuid(row.id),
            external_id: UpstreamId::read(&row.external_id),
            ready: row.ready,
            code: row.code,
            missing: row.missing,
        })
        .collect())
}

/// Writes down whether the list has been without it.
///
/// # Errors
/// [`super::StoreError`].
pub async fn missing(db: &mut PgConnection, id: WorkspaceId, missing: bool) -> Result<()> {
    sqlx::query!(
        "insert into sightings (workspace_id, missing_since)
         values ($1, case when $2 then clock() end)
             on conflict (workspace_id) do update
            set missing_since = case when $2 then coalesce(sightings.missing_since, clock()) end",
        id.uuid(),
        missing
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Ready workspaces whose tokens are to be looked at: those with a token that is known to be stray, then those that
/// have waited longest. One for which a token may still be on its way, `settle` after the call's deadline, is left out.
///
/// # Errors
/// [`super::StoreError`].
pub async fn tokens_due(
    db: &mut PgConnection,
    account: &str,
    settle: Duration,
    limit: i64,
) -> Result<Vec<WorkspaceId>> {
    let rows = sqlx::query!(
        "select w.id
           from workspaces w
           left join sightings s on s.workspace_id = w.id
          where w.account = $1
            and w.phase = 'ready'
            and w.active_operation is null
            and w.external -> 'token' is not null
            and s.missing_since is null
            and not exists (
                select from attempts a
                 where a.workspace_id = w.id
                   and a.call = 'mint_token'
                   and (a.outcome in ('open', 'unknown') or a.sent_deadline > clock() - make_interval(secs => $2)))
          order by exists (select from orphans o
                            where o.account = w.account and o.kind = 'token' and o.workspace_id = w.id) desc,
                   s.tokens_listed_at nulls first,
                   w.id
          limit $3",
        account,
        settle.as_secs_f64(),
        limit
    )
    .fetch_all(db)
    .await?;
    let id = |row: uuid::Uuid| WorkspaceId::from_uuid(row);
    Ok(rows.into_iter().map(|row| id(row.id)).collect())
}

/// Writes down that a workspace's tokens were looked at.
///
/// # Errors
/// [`super::StoreError`].
pub async fn tokens_listed(db: &mut PgConnection, id: WorkspaceId) -> Result<()> {
    sqlx::query!(
        "insert into sightings (workspace_id, tokens_listed_at)
         values ($1, clock())
             on conflict (workspace_id) do update
            set tokens_listed_at = clock()",
        id.uuid()
    )
    .execute(db)
    .await?;
    Ok(())
}
