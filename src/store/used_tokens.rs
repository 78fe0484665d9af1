//! The table `used_tokens`: bearer tokens that were good for one request, and have been used.

use super::Result;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;

/// Uses a token, in whichever process it comes first. `false` if it was used before. On the way, a few rows go whose
/// tokens have expired an hour ago: more than leeway and clocks can differ by, and more of them than come in.
///
/// # Errors
/// [`super::StoreError`].
pub async fn spend(
    db: &mut PgConnection,
    issuer: &str,
    token_id: &str,
    expires_at: DateTime<Utc>,
) -> Result<bool> {
    let inserted = sqlx::query!(
        "with expired as (
            select issuer, token_id
              from used_tokens
             where expires_at < clock() - interval '1 hour'
             order by expires_at
             limit 10
               for update skip locked
         ), gone as (
            delete from used_tokens
             using expired
             where used_tokens.issuer = expired.issuer
               and used_tokens.token_id = expired.token_id
         )
         insert into used_tokens (issuer, token_id, expires_at)
         values ($1, $2, $3)
             on conflict on constraint used_tokens_once do nothing",
        issuer,
        token_id,
        expires_at
    )
    .execute(db)
    .await?
    .rows_affected();
    Ok(inserted == 1)
}
