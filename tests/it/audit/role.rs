//! The service's own role: it does the whole job, and cannot alter the audit.

use super::{Bare, all_sealed, brickyard};
use crate::support::{Builder, SPEED, configuration, database, simulate};
use brickyard::app::App;
use brickyard::live::{self, Verdict};
use brickyard::store::{grants, used_tokens};
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};
use std::time::Duration;

/// A database and a role that was granted what the service needs by the real command.
struct Housed {
    bare: Bare,
    role: String,
    /// The database's address, as that role.
    url: String,
}

impl Housed {
    async fn new() -> Self {
        let bare = Bare::new().await;
        // Roles are the whole server's.
        let role = format!("service-{}", uuid::Uuid::now_v7().simple());
        bare.run(&format!("create role \"{role}\" login password 'x'"))
            .await;
        let told = brickyard(&bare.url, &["migrate", "--grant-to", &role]).await;
        told.says(0, &[]);
        // The clock of the tests reads a table that no installation has.
        bare.run(&format!("grant select on test_clock to \"{role}\""))
            .await;
        let at = bare.url.rsplit_once('@').map_or_else(
            || bare.url.trim_start_matches("postgres://").to_owned(),
            |(_, at)| at.to_owned(),
        );
        let url = format!("postgres://{role}:x@{at}");
        Self { bare, role, url }
    }

    async fn end(self) {
        let (server, _) = self.bare.url.rsplit_once('/').expect("an address");
        let mut admin = PgConnection::connect(&format!("{server}/postgres"))
            .await
            .expect("the server answers");
        // What was granted goes with the database.
        self.bare.end().await;
        sqlx::query(AssertSqlSafe(format!("drop role \"{}\"", self.role)))
            .execute(&mut admin)
            .await
            .expect("the role goes");
    }
}

/// The SQL state a statement is refused with; `None` if it is not.
async fn refusal(db: &PgPool, statement: &str) -> Option<String> {
    let done = sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
        .execute(db)
        .await;
    let error = done.err()?;
    let code = error.as_database_error().and_then(|e| e.code());
    Some(code.unwrap_or_default().into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn it_does_the_whole_job_and_cannot_alter_the_audit() {
    let housed = Housed::new().await;
    let app = Builder {
        database_url: Some(housed.url.clone()),
        ..Builder::default()
    }
    .start()
    .await;
    let us: String = sqlx::query_scalar("select current_user::text")
        .fetch_one(&app.app.db)
        .await
        .expect("our name");
    assert_eq!(us, housed.role);
    let body = json!({"name": "granted", "template": "sandbox"});
    let create = app
        .post_with("/workspaces", &body, &[("idempotency-key", "once")])
        .await;
    assert_eq!(create.status, 202, "{}", create.text);
    assert_eq!(app.done(&create.body).await["status"], "succeeded");
    let path = "/workspaces/granted";
    assert_eq!(app.get(&format!("{path}/tokens")).await.status, 200);
    let patched = app.patch(path, &json!({"labels": {"a": "b"}})).await;
    assert_eq!(patched.status, 200, "{}", patched.text);
    for path in [
        "/workspaces?team=data-platform",
        "/operations",
        "/metrics",
        "/readyz",
    ] {
        let answer = app.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    }
    let mut connection = app.app.db.acquire().await.expect("a connection");
    for first in [true, false] {
        let until = app.app.clock.now() + chrono::Duration::hours(1);
        let spent = used_tokens::spend(&mut connection, "corp", "jti-1", until).await;
        assert_eq!(spent.expect("it is granted"), first);
    }
    drop(connection);
    app.removed("granted").await;
    // What is not kept for ever goes when its time has come; the role is let do that, too.
    let gone = app.workspace_of(&create.body).await;
    let days = 100_u64;
    housed
        .bare
        .run("update test_clock set offset_ms = offset_ms + 100 * 86400000::bigint")
        .await;
    app.app.clock.advance(Duration::from_secs(days * 86_400));
    app.simulator.advance(Duration::from_secs(days * 86_400));
    app.sweep().await;
    let path = gone["href"].as_str().expect("a link");
    assert_eq!(app.get(path).await.status, 404, "it is purged");
    all_sealed(&app.db).await;
    brickyard(&housed.url, &["audit", "verify"])
        .await
        .says(0, &["The audit is as it was written."]);

    let before = count(&housed.bare.db).await;
    for (table, column) in [("audit", "actor"), ("seals", "hash")] {
        for statement in [
            format!("update {table} set {column} = {column}"),
            format!("delete from {table}"),
            format!("truncate {table}"),
            format!("alter table {table} disable trigger all"),
            format!("alter table {table} disable trigger user; delete from {table}"),
            format!("alter table {table} add column x int"),
            format!("drop table {table}"),
            format!(
                "create trigger x before insert on {table} execute function audit_is_append_only()"
            ),
            format!("create rule x as on insert to {table} do instead nothing"),
        ] {
            let refused = refusal(&app.db, &statement).await;
            assert_eq!(refused.as_deref(), Some("42501"), "{statement}");
        }
    }
    for statement in [
        "drop function audit_is_append_only cascade",
        "create or replace function clock() returns timestamptz language sql as $$ select now() $$",
        "create table mine (x int)",
        "set session_replication_role = replica",
        "delete from _sqlx_migrations",
        "truncate unsealed",
    ] {
        let refused = refusal(&app.db, statement).await;
        assert_eq!(refused.as_deref(), Some("42501"), "{statement}");
    }
    assert_eq!(count(&housed.bare.db).await, before);
    // Appending is all it can do to it.
    let appended = refusal(
        &app.db,
        "insert into audit (actor, action) values ('a', 'b.c')",
    )
    .await;
    assert_eq!(appended, None);
    app.finish().await;
    housed.end().await;
}

async fn count(db: &PgPool) -> i64 {
    sqlx::query_scalar("select (select count(*) from audit) * 1000 + (select count(*) from seals)")
        .fetch_one(db)
        .await
        .expect("a count")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_there_is_has_its_grants() {
    let housed = Housed::new().await;
    // Whatever is in the catalogue, so that a table added tomorrow is asked for too.
    let tables: Vec<(String, Vec<String>)> = sqlx::query_as(
        "select c.relname::text,
                array(select p from unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger']) p
                       where has_table_privilege($1::name, c.oid, p)
                          or p in ('select', 'insert', 'update', 'references') and has_any_column_privilege($1::name, c.oid, p))
           from pg_class c
          where c.relnamespace = 'public'::regnamespace
            and c.relkind in ('r', 'p', 'v', 'm', 'f')
            and c.relname <> 'test_clock'
          order by c.relname",
    )
    .bind(&housed.role)
    .fetch_all(&housed.bare.db)
    .await
    .expect("tables");
    assert_eq!(tables.len(), grants::GRANTS.len() + 1, "{tables:?}");
    for (table, may) in tables {
        let granted = grants::GRANTS.iter().find(|(name, _)| *name == table);
        let granted = match table.as_str() {
            "_sqlx_migrations" => "select",
            _ => {
                granted
                    .unwrap_or_else(|| panic!("{table}: say what the service does with it"))
                    .1
            }
        };
        assert_eq!(may.join(", "), granted, "{table}");
    }
    housed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_granted_too_much_is_taken_back() {
    let housed = Housed::new().await;
    let (role, bare) = (&housed.role, &housed.bare);
    bare.run(&format!(
        "grant all on audit, seals, jobs to \"{role}\"; grant update (actor) on audit to \"{role}\""
    ))
    .await;
    let db = database::pool(&housed.url);
    assert_eq!(
        grants::could_alter_audit(&db).await.expect("an answer"),
        Some(format!("`{role}` was granted to change the audit"))
    );
    let arguments = ["migrate", "--grant-to", role];
    let both = tokio::join!(
        brickyard(&bare.url, &arguments),
        brickyard(&bare.url, &arguments)
    );
    both.0.says(0, &[]);
    both.1.says(0, &[]);
    assert_eq!(
        grants::could_alter_audit(&db).await.expect("an answer"),
        None
    );
    assert_eq!(
        refusal(&db, "update audit set actor = 'x'")
            .await
            .as_deref(),
        Some("42501")
    );
    assert_eq!(
        refusal(&db, "truncate jobs").await.as_deref(),
        Some("42501")
    );
    assert_eq!(refusal(&db, "delete from jobs").await, None);
    db.close().await;

    // Who cannot be held back is not granted anything.
    let nobody = brickyard(&bare.url, &["migrate", "--grant-to", "no\"body"]).await;
    nobody.says(1, &["there is no role `no\"body`", "create role"]);
    bare.run(&format!(
        "create table own (x int); alter table own owner to \"{role}\""
    ))
    .await;
    let owner = brickyard(&bare.url, &["migrate", "--grant-to", role]).await;
    owner.says(1, &["may act as the owner of a table"]);
    // Nor can the role grant itself anything.
    let itself = brickyard(&housed.url, &["migrate", "--grant-to", role]).await;
    assert_eq!(itself.code, Some(1), "{}", itself.text);
    housed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn check_config_warns_of_a_role_that_could_alter_the_audit() {
    let housed = Housed::new().await;
    let simulator = simulate(SPEED).await;
    for (url, warned) in [(&housed.url, false), (&housed.bare.url, true)] {
        let config = configuration(&simulator, url, &Builder::default());
        let app = App::new(config).expect("the app builds");
        let findings = live::check(&app).await;
        app.db.close().await;
        let told: Vec<_> = findings
            .iter()
            .filter(|f| f.key == "database.url")
            .collect();
        assert_eq!(told[0].verdict, Verdict::Pass, "{told:?}");
        assert_eq!(told.len() == 2, warned, "{told:?}");
        if let Some(warning) = told.get(1) {
            assert_eq!(warning.verdict, Verdict::Warn);
            for words in ["could alter the audit, for its role `", "--grant-to"] {
                assert!(warning.message.contains(words), "{warning:?}");
            }
        }
    }
    simulator.stop().await;
    housed.end().await;
}
