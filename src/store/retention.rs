//! What is not kept for ever, one function per table, a batch at a time. Audit rows stay.

use super::Result;
use sqlx::PgConnection;
use std::time::Duration;
use uuid::Uuid;

/// Purges idempotency keys after 7 days. Returns how many.
///
/// # Errors
/// [`super::StoreError`].
pub async fn idempotency_keys(db: &mut PgConnection, limit: i64) -> Result<u64> {
    let gone = sqlx::query!(
        "with old as (
             select principal, route, key
               from idempotency_keys
              where created_at < clock() - interval '7 days'
              order by created_at
              limit $1
                for update skip locked)
         delete from idempotency_keys k
          using old
          where (k.principal, k.route, k.key) = (old.principal, old.route, old.key)",
        limit
    )
    .execute(db)
    .await?;
    Ok(gone.rows_affected())
}

/// Purges finished operations of living workspaces, with an audit row for each. The newest of a workspace stays, what it was made
/// by, and what somebody may still ask for: an operation that a key or a retry points to. Attempts stay with the workspace:
/// its removal asks them what may have been made. Returns how many.
///
/// # Errors
/// [`super::StoreError`].
pub async fn operations(db: &mut PgConnection, keep: Duration, limit: i64) -> Result<u64> {
    let gone = sqlx::query!(
        "with old as (
             select o.id
               from operations o
               join workspaces w on w.id = o.workspace_id
              where o.finished_at < clock() - make_interval(secs => $1)
                and o.status in ('succeeded', 'failed', 'cancelled')
                and w.phase <> 'deleted'
                and o.id <> w.last_operation
                and (o.kind = 'update'
                     or exists (select from operations later
                                 where later.workspace_id = o.workspace_id
                                   and later.kind <> 'update'
                                   and later.id > o.id))
                and o.id is distinct from w.active_operation
                and not exists (select from operations r where r.retry_of = o.id)
                and not exists (select from idempotency_keys k where k.operation_id = o.id)
              order by o.finished_at
              limit $2
                for update of o skip locked),
           gone as (
             delete from operations o
              using old
              where o.id = old.id
          returning o.id, o.workspace_id, o.team, o.kind)
         insert into audit (actor, action, workspace_id, operation_id, team, detail)
         select 'system:sweep', 'operation.purged', workspace_id, id, team, jsonb_build_object('kind', kind)
           from gone",
        keep.as_secs_f64(),
        limit
    )
    .execute(db)
    .await?;
    Ok(gone.rows_affected())
}

/// Purges workspaces that were deleted long ago, with their operations, attempts and tokens, and an audit row for each.
/// To be called in a transaction. Returns how many.
///
/// # Errors
/// [`super::StoreError`].
pub async fn tombstones(db: &mut PgConnection, keep: Duration, limit: i64) -> Result<u64> {
    let old: Vec<Uuid> = sqlx::query_scalar!(
        "select w.id
           from workspaces w
          where w.phase = 'deleted'
            and w.deleted_at < clock() - make_interval(secs => $1)
            and not exists (
                select from operations o
                 where o.workspace_id = w.id
                   and (o.finished_at is null
                        or exists (select from idempotency_keys k where k.operation_id = o.id)))
          order by w.deleted_at
          limit $2
            for update skip locked",
        keep.as_secs_f64(),
        limit
    )
    .fetch_all(&mut *db)
    .await?;
    if old.is_empty() {
        return Ok(0);
    }
    sqlx::query!(
        "with attempts_gone as (delete from attempts where workspace_id = any($1)),
              tokens_gone as (delete from tokens where workspace_id = any($1)),
              sightings_gone as (delete from sightings where workspace_id = any($1))
         delete from operations where workspace_id = any($1)",
        &old
    )
    .execute(&mut *db)
    .await?;
    let gone = sqlx::query!(
        "with gone as (
             delete from workspaces
              where id = any($1)
          returning id, team, name, owner, created_at, deleted_at)
         insert into audit (actor, action, workspace_id, team, detail)
         select 'system:sweep', 'workspace.purged', id, team,
                jsonb_build_object('name', name, 'owner', owner, 'created_at', created_at, 'deleted_at', deleted_at)
           from gone",
        &old
    )
    .execute(db)
    .await?;
    Ok(gone.rows_affected())
}
