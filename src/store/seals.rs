//! The tables `seals` and `unsealed`: the hash chain over the audit, and the rows it does not cover yet.

use super::Result;
use crate::domain::seal::{Hash, Head, Row};
use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool, Postgres, Transaction};
use uuid::Uuid;

/// Where the chain ends, and what time it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// The newest seal; `None` if nothing is sealed yet.
    pub head: Option<Head>,
    /// Now, as the database tells it.
    pub now: DateTime<Utc>,
}

/// A link of the chain, and the row it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Place in the chain.
    pub position: i64,
    /// Number of the row.
    pub seq: i64,
    /// `None` if it is not one.
    pub hash: Option<Hash>,
    /// In microseconds since 1970.
    pub sealed_at: Option<i64>,
    /// `None` if it is not there any more.
    pub row: Option<Row>,
}

/// The rows that no seal covers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Waiting {
    /// How many.
    pub rows: i64,
    /// How old the oldest is; `None` if there is none.
    pub oldest_seconds: Option<f64>,
}

/// Where the chain ends.
///
/// # Errors
/// [`super::StoreError`].
pub async fn end(db: &mut PgConnection) -> Result<End> {
    let row = sqlx::query!(
        r#"select clock() as "now!", last.position as "position?", last.hash as "hash?"
             from (values (1)) as one
             left join (select position, hash from seals order by position desc limit 1) as last on true"#
    )
    .fetch_one(db)
    .await?;
    let hash = row.hash.as_deref().and_then(Hash::from_bytes);
    let head = row.position.zip(hash);
    Ok(End {
        head: head.map(|(position, hash)| Head { position, hash }),
        now: row.now,
    })
}

/// The oldest rows that no seal covers, at most `limit`.
///
/// # Errors
/// [`super::StoreError`].
pub async fn unsealed(db: &mut PgConnection, limit: i64) -> Result<Vec<Row>> {
    Ok(sqlx::query_as!(
        Row,
        r#"select a.seq,
                  case when isfinite(a.at) then (extract(epoch from a.at) * 1000000)::bigint end as at,
                  a.actor, a.action, a.workspace_id, a.operation_id, a.team, a.epoch, a.request_id,
                  a.detail::text as "detail!"
             from unsealed u
             join audit a on a.seq = u.seq
            where not exists (select from seals s where s.seq = u.seq)
            order by u.seq
            limit $1"#,
        limit
    )
    .fetch_all(db)
    .await?)
}

/// Appends seals, each with the number of its row: they take the positions from `first` on.
///
/// # Errors
/// [`super::StoreError`]; constraint `seals_pkey` if somebody else has appended meanwhile.
pub async fn append(
    db: &mut PgConnection,
    first: i64,
    seals: &[(i64, Hash)],
    sealed_at: DateTime<Utc>,
) -> Result<()> {
    let rows: Vec<i64> = seals.iter().map(|(seq, _)| *seq).collect();
    let hashes = seals.iter().map(|(_, hash)| hash.as_bytes().to_vec());
    let hashes: Vec<Vec<u8>> = hashes.collect();
    sqlx::query!(
        "with gone as (
             delete from unsealed where seq = any($2))
         insert into seals (position, seq, hash, sealed_at)
         select $1 + new.nth - 1, new.seq, new.hash, $4
           from unnest($2::bigint[], $3::bytea[]) with ordinality as new (seq, hash, nth)",
        first,
        &rows,
        &hashes,
        sealed_at
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A transaction that sees one moment of the database for as long as it likes.
///
/// # Errors
/// [`super::StoreError`].
pub async fn moment(db: &PgPool) -> Result<Transaction<'static, Postgres>> {
    let mut transaction = db
        .begin_with("begin transaction isolation level repeatable read, read only")
        .await?;
    sqlx::query("set local statement_timeout = 0")
        .execute(&mut *transaction)
        .await?;
    Ok(transaction)
}

struct LinkRow {
    position: i64,
    seq: i64,
    hash: Vec<u8>,
    sealed_at: Option<i64>,
    row_seq: Option<i64>,
    at: Option<i64>,
    actor: Option<String>,
    action: Option<String>,
    workspace_id: Option<Uuid>,
    operation_id: Option<Uuid>,
    team: Option<String>,
    epoch: Option<i64>,
    request_id: Option<String>,
    detail: Option<String>,
}

impl From<LinkRow> for Link {
    fn from(link: LinkRow) -> Self {
        let (at, workspace_id, operation_id) = (link.at, link.workspace_id, link.operation_id);
        let (team, epoch, request_id) = (link.team, link.epoch, link.request_id);
        Self {
            position: link.position,
            seq: link.seq,
            hash: Hash::from_bytes(&link.hash),
            sealed_at: link.sealed_at,
            row: link.row_seq.map(|seq| Row {
                seq,
                at,
                actor: link.actor.unwrap_or_default(),
                action: link.action.unwrap_or_default(),
                workspace_id,
                operation_id,
                team,
                epoch,
                request_id,
                detail: link.detail.unwrap_or_default(),
            }),
        }
    }
}

/// The links after a position, in their order; at most `limit`.
///
/// # Errors
/// [`super::StoreError`].
pub async fn links(db: &mut PgConnection, after: i64, limit: i64) -> Result<Vec<Link>> {
    let rows = sqlx::query_as!(
        LinkRow,
        r#"select s.position, s.seq, s.hash,
                  case when isfinite(s.sealed_at) then (extract(epoch from s.sealed_at) * 1000000)::bigint end
                      as sealed_at,
                  a.seq as "row_seq?",
                  case when isfinite(a.at) then (extract(epoch from a.at) * 1000000)::bigint end as at,
                  a.actor as "actor?", a.action as "action?", a.workspace_id, a.operation_id, a.team, a.epoch,
                  a.request_id, a.detail::text as detail
             from seals s
             left join audit a on a.seq = s.seq
            where s.position > $1
            order by s.position
            limit $2"#,
        after,
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Link::from).collect())
}

/// The hash at a position.
///
/// # Errors
/// [`super::StoreError`].
pub async fn hash_at(db: &mut PgConnection, position: i64) -> Result<Option<Hash>> {
    let hash = sqlx::query_scalar!("select hash from seals where position = $1", position)
        .fetch_optional(db)
        .await?;
    Ok(hash.and_then(|hash| Hash::from_bytes(&hash)))
}

/// The first row that is neither sealed nor waits to be: it was put past the trigger, or its seal was removed.
///
/// # Errors
/// [`super::StoreError`].
pub async fn stray(db: &mut PgConnection) -> Result<Option<Row>> {
    Ok(sqlx::query_as!(
        Row,
        r#"select a.seq,
                  case when isfinite(a.at) then (extract(epoch from a.at) * 1000000)::bigint end as at,
                  a.actor, a.action, a.workspace_id, a.operation_id, a.team, a.epoch, a.request_id,
                  a.detail::text as "detail!"
             from audit a
            where not exists (select from seals s where s.seq = a.seq)
              and not exists (select from unsealed u where u.seq = a.seq)
            order by a.seq
            limit 1"#
    )
    .fetch_optional(db)
    .await?)
}

/// The number of the first row that waits to be sealed and is not there any more.
///
/// # Errors
/// [`super::StoreError`].
pub async fn lost(db: &mut PgConnection) -> Result<Option<i64>> {
    Ok(sqlx::query_scalar!(
        "select u.seq
           from unsealed u
          where not exists (select from audit a where a.seq = u.seq)
          order by u.seq
          limit 1"
    )
    .fetch_optional(db)
    .await?)
}

/// How much no seal covers yet.
///
/// # Errors
/// [`super::StoreError`].
pub async fn waiting(db: &mut PgConnection) -> Result<Waiting> {
    Ok(sqlx::query_as!(
        Waiting,
        r#"select count(*) as "rows!", extract(epoch from clock() - min(a.at) filter (where isfinite(a.at)))::float8 as oldest_seconds
             from unsealed u
             join audit a on a.seq = u.seq
            where not exists (select from seals s where s.seq = u.seq)"#
    )
    .fetch_one(db)
    .await?)
}
