//! The schema's version: migrating, and knowing whether somebody has to.

use super::Result;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{Connection, PgPool};
use std::sync::LazyLock;

/// A migration that only a later version knows is no mistake: after a rollback this one migrates, as it does at every
/// start of a deployment, and finds the schema ahead of it.
static MIGRATOR: LazyLock<Migrator> = LazyLock::new(|| {
    let mut migrator = sqlx::migrate!();
    migrator.set_ignore_missing(true);
    migrator
});

/// Brings the schema up to date. Safe to run from several processes at once: one lock. A migration may take longer
/// than any statement of the service, so it runs on a connection of its own without that limit.
///
/// # Errors
/// When a migration fails; what came before it stays.
pub async fn migrate(db: &PgPool) -> std::result::Result<(), MigrateError> {
    let mut connection = db.acquire().await?.detach();
    sqlx::query("set statement_timeout = 0")
        .execute(&mut connection)
        .await?;
    let migrated = MIGRATOR.run(&mut connection).await;
    connection.close().await?;
    migrated
}

/// Whether every migration this version knows has been run.
///
/// # Errors
/// [`super::StoreError`].
pub async fn is_current(db: &PgPool) -> Result<bool> {
    let known: Vec<i64> = MIGRATOR.iter().map(|migration| migration.version).collect();
    // Not a checked query: the table belongs to the migrator and is missing before its first run.
    let applied: Option<bool> =
        sqlx::query_scalar("select to_regclass('public._sqlx_migrations') is not null")
            .fetch_one(db)
            .await?;
    if applied != Some(true) {
        return Ok(false);
    }
    // Not the newest only: one that was merged later may have a lower number.
    let missing: Option<bool> = sqlx::query_scalar(
        "select exists (select from unnest($1::bigint[]) as known (version)
          where not exists (select from _sqlx_migrations m where m.version = known.version and m.success))",
    )
    .bind(known)
    .fetch_one(db)
    .await?;
    Ok(missing == Some(false))
}
