//! What the service's own role may do, if it is not the owner of the schema: what the service does, and no more. It can
//! append to the audit and not change it, however it is tricked.

use sqlx::{AssertSqlSafe, PgConnection, PgPool};

/// Each table and what is done with it. `for update` counts as an update.
pub const GRANTS: [(&str, &str); 13] = [
    ("workspaces", "select, insert, update, delete"),
    ("operations", "select, insert, update, delete"),
    ("jobs", "select, insert, update, delete"),
    ("processes", "select, insert, update, delete"),
    ("attempts", "select, insert, update, delete"),
    ("tokens", "select, insert, update, delete"),
    ("idempotency_keys", "select, insert, update, delete"),
    ("orphans", "select, insert, update, delete"),
    ("sightings", "select, insert, update, delete"),
    ("used_tokens", "select, insert, update, delete"),
    ("audit", "select, insert"),
    ("seals", "select, insert"),
    ("unsealed", "select, insert, delete"),
];

/// The migrator's own table: whether the schema is up to date is read there.
const MIGRATIONS: (&str, &str) = ("_sqlx_migrations", "select");

/// Why nothing was granted.
#[derive(Debug, thiserror::Error)]
pub enum GrantError {
    /// There is no such role.
    #[error("there is no role `{0}`: make it first, with `create role … login`")]
    NoSuchRole(String),
    /// What it owns, it can alter whatever is granted.
    #[error(
        "role `{0}` is a superuser, or may act as the owner of a table: grants do not hold it back; name another"
    )]
    Owner(String),
    /// The database does not answer, or does not let us.
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
}

/// Grants a role what the service needs and takes from it what it had beyond that, in one transaction. To be repeated
/// after each migration.
///
/// # Errors
/// [`GrantError`]; then nothing has changed.
pub async fn grant(db: &PgPool, role: &str) -> Result<(), GrantError> {
    let mut transaction = db.begin().await?;
    let found = sqlx::query!(
        r#"select exists (select from pg_class c
                           where c.relnamespace = 'public'::regnamespace
                             and c.relkind in ('r', 'p')
                             and pg_has_role(r.oid, c.relowner, 'member')) as "owner!"
             from pg_roles r
            where r.rolname = $1"#,
        role
    )
    .fetch_optional(&mut *transaction)
    .await?;
    match found {
        None => return Err(GrantError::NoSuchRole(role.to_owned())),
        Some(found) if found.owner => return Err(GrantError::Owner(role.to_owned())),
        Some(_) => {}
    }
    // Two of us at once would stumble over each other in the catalogue.
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('brickyard grants', 0))")
        .execute(&mut *transaction)
        .await?;
    let database = sqlx::query_scalar!(r#"select current_database() as "name!""#)
        .fetch_one(&mut *transaction)
        .await?;
    let (database, role) = (quoted(&database), quoted(role));
    for statement in [
        format!("grant connect on database {database} to {role}"),
        format!("grant usage on schema public to {role}"),
        format!("grant execute on function clock() to {role}"),
    ] {
        run(&mut transaction, statement).await?;
    }
    for (table, privileges) in GRANTS.into_iter().chain([MIGRATIONS]) {
        run(
            &mut transaction,
            format!("revoke all on {table} from {role}"),
        )
        .await?;
        run(
            &mut transaction,
            format!("grant {privileges} on {table} to {role}"),
        )
        .await?;
    }
    transaction.commit().await?;
    Ok(())
}

async fn run(db: &mut PgConnection, statement: String) -> sqlx::Result<()> {
    // Names cannot be bound; ours are constants and the others are quoted.
    sqlx::query(AssertSqlSafe(statement)).execute(db).await?;
    Ok(())
}

/// As an identifier, whatever is in it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Why the role we are connected as could alter the audit; `None` if it could not.
///
/// # Errors
/// [`super::StoreError`].
pub async fn could_alter_audit(db: &PgPool) -> super::Result<Option<String>> {
    let us = sqlx::query!(
        r#"select r.rolname as "name!",
                  r.rolsuper as "superuser!",
                  exists (select from pg_class c
                           where c.oid in ('audit'::regclass, 'seals'::regclass)
                             and pg_has_role(c.relowner, 'member')) as "owner!",
                  exists (select from unnest(array['audit', 'seals']) as t
                           where has_table_privilege(t, 'update, delete, truncate, trigger')
                              or has_any_column_privilege(t, 'update')) as "granted!"
             from pg_roles r
            where r.rolname = current_user"#
    )
    .fetch_one(db)
    .await?;
    let why = match (us.superuser, us.owner, us.granted) {
        (true, _, _) => "is a superuser",
        (_, true, _) => "owns the audit",
        (_, _, true) => "was granted to change the audit",
        _ => return Ok(None),
    };
    Ok(Some(format!("`{}` {why}", us.name)))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_name_stays_one_name() {
        assert_eq!(super::quoted(r#"a"; drop"#), r#""a""; drop""#);
    }
}
