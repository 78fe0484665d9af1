//! The table `orphans`: things outside with our marker that nobody owns, and the question who owns what.

use super::Result;
use crate::domain::id::WorkspaceId;
use sqlx::PgConnection;
use std::time::Duration;
use uuid::Uuid;

/// A thing outside with our marker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thing {
    /// Kind, as in the table's check.
    pub kind: &'static str,
    /// The vendor's id.
    pub id: String,
    /// Its marker.
    pub marker: String,
    /// The workspace its marker names.
    pub workspace: WorkspaceId,
}

/// One that is known to have no owner.
#[derive(Debug, Clone)]
pub struct Orphan {
    /// Kind, as in the table's check.
    pub kind: String,
    /// The vendor's id.
    pub id: String,
    /// Its marker.
    pub marker: String,
    /// The workspace its marker names.
    pub workspace: WorkspaceId,
    /// How long it has been known, by the database's clock.
    pub age_seconds: f64,
}

/// Those of `things` that nobody owns, by their places. A thing has an owner if a living workspace refers to it, or if
/// the workspace its marker names has an unfinished operation or an unresolved attempt, has ended less than `settle`
/// ago (lists may lag), or was forgotten: what a forgotten workspace left behind is not ours any more.
///
/// # Errors
/// [`super::StoreError`].
pub async fn unowned(
    db: &mut PgConnection,
    things: &[Thing],
    settle: Duration,
) -> Result<Vec<usize>> {
    let ids: Vec<String> = things.iter().map(|thing| thing.id.clone()).collect();
    let workspaces: Vec<Uuid> = things.iter().map(|thing| thing.workspace.uuid()).collect();
    let rows = sqlx::query!(
        r#"with asked as (
             select *
               from unnest($1::text[], $2::uuid[]) with ordinality as asked (external_id, workspace_id, place)),
           referred as (
             select part.id
               from workspaces w
              cross join lateral (
                    select unnest(array[w.external -> 'workspace' ->> 'id',
                                        w.external -> 'network' ->> 'id',
                                        w.external -> 'storage_configuration' ->> 'id',
                                        w.external -> 'credentials' ->> 'id',
                                        w.external -> 'service_principal' ->> 'id'])
                     union all
                    select jsonb_array_elements_text(coalesce(w.external -> 'replaced_workspaces', '[]'))) as part (id)
              where w.phase <> 'deleted')
           select place as "place!"
             from asked
            where not exists (select from referred r where r.id = asked.external_id)
              and not exists (
                  select from workspaces w
                   where w.id = asked.workspace_id
                     and w.deleted_at > clock() - make_interval(secs => $3))
              and not exists (
                  select from operations o
                   where o.workspace_id = asked.workspace_id
                     and o.finished_at is null)
              and not exists (
                  select from attempts a
                   where a.workspace_id = asked.workspace_id
                     and a.outcome in ('open', 'unknown'))
              and not exists (
                  select from audit t
                   where t.workspace_id = asked.workspace_id
                     and t.action = 'workspace.forgotten')
            order by place"#,
        &ids,
        &workspaces,
        settle.as_secs_f64()
    )
    .fetch_all(db)
    .await?;
    // Postgres counts from 1.
    let place = |place: i64| usize::try_from(place - 1).unwrap_or(usize::MAX);
    Ok(rows.into_iter().map(|row| place(row.place)).collect())
}

/// Writes down that an orphan is there. `true` if it was not known.
///
/// # Errors
/// [`super::StoreError`].
pub async fn see(db: &mut PgConnection, account: &str, thing: &Thing) -> Result<bool> {
    let row = sqlx::query!(
        r#"insert into orphans (account, kind, external_id, marker, workspace_id)
         values ($1, $2, $3, $4, $5)
             on conflict on constraint orphans_once do update
            set last_seen_at = clock()
      returning xmax = 0 as "new!""#,
        account,
        thing.kind,
        thing.id,
        thing.marker,
        thing.workspace.uuid()
    )
    .fetch_one(db)
    .await?;
    Ok(row.new)
}

/// The known orphans of an account, oldest first.
///
/// # Errors
/// [`super::StoreError`].
pub async fn list(db: &mut PgConnection, account: &str) -> Result<Vec<Orphan>> {
    let rows = sqlx::query!(
        r#"select kind, external_id, marker, workspace_id,
                  extract(epoch from clock() - first_seen_at)::float8 as "age_seconds!"
             from orphans
            where account = $1
            order by first_seen_at, kind, external_id"#,
        account
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Orphan {
            kind: row.kind,
            id: row.external_id,
            marker: row.marker,
            workspace: WorkspaceId::from_uuid(row.workspace_id),
            age_seconds: row.age_seconds,
        })
        .collect())
}

/// Writes down that an orphan's removal is asked for. `true` the first time.
///
/// # Errors
/// [`super::StoreError`].
pub async fn ask_removal(
    db: &mut PgConnection,
    account: &str,
    kind: &str,
    id: &str,
) -> Result<bool> {
    let done = sqlx::query!(
        "update orphans
            set removal_asked_at = clock()
          where account = $1
            and kind = $2
            and external_id = $3
            and removal_asked_at is null",
        account,
        kind,
        id
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Drops one that is gone, or has an owner after all. `false` if it was not known.
///
/// # Errors
/// [`super::StoreError`].
pub async fn drop_known(
    db: &mut PgConnection,
    account: &str,
    kind: &str,
    id: &str,
) -> Result<bool> {
    let done = sqlx::query!(
        "delete from orphans where account = $1 and kind = $2 and external_id = $3",
        account,
        kind,
        id
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}
