//! The table `idempotency_keys`: accepted requests that carried a key.

use super::Result;
use crate::domain::id::OperationId;
use sqlx::PgConnection;

/// What identifies a request that carries a key.
#[derive(Debug, Clone)]
pub struct Key<'a> {
    /// Who asks.
    pub principal: &'a str,
    /// Method and path.
    pub route: &'a str,
    /// The header's value.
    pub key: &'a str,
    /// SHA-256 of canonical body and query.
    pub fingerprint: &'a [u8],
}

/// What is known about a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// Never accepted.
    No,
    /// The same request was accepted as this operation.
    Same(OperationId),
    /// Another request was accepted under it.
    Other,
}

/// Reserves the key in the accepting transaction. A twin waits here until the first has committed.
///
/// # Errors
/// [`super::StoreError`].
pub async fn reserve(
    db: &mut PgConnection,
    key: &Key<'_>,
    operation: OperationId,
) -> Result<Known> {
    let inserted = sqlx::query!(
        "insert into idempotency_keys (principal, route, key, fingerprint, operation_id)
         values ($1, $2, $3, $4, $5)
             on conflict on constraint idempotency_keys_scope do nothing",
        key.principal,
        key.route,
        key.key,
        key.fingerprint,
        operation.uuid()
    )
    .execute(&mut *db)
    .await?
    .rows_affected();
    if inserted == 1 {
        Ok(Known::No)
    } else {
        find(db, key).await
    }
}

/// Looks a key up. It is locked against being purged until the transaction ends, and with it the operation it points
/// to.
///
/// # Errors
/// [`super::StoreError`].
pub async fn find(db: &mut PgConnection, key: &Key<'_>) -> Result<Known> {
    let row = sqlx::query!(
        "select fingerprint, operation_id
           from idempotency_keys
          where principal = $1
            and route = $2
            and key = $3
            for key share",
        key.principal,
        key.route,
        key.key
    )
    .fetch_optional(db)
    .await?;
    Ok(match row {
        None => Known::No,
        Some(row) if row.fingerprint == key.fingerprint => {
            Known::Same(OperationId::from_uuid(row.operation_id))
        }
        Some(_) => Known::Other,
    })
}
