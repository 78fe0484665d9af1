//! One Postgres for the whole run, one database per test, cloned from a migrated template whose `clock()` has an
//! offset.

use super::road::{Server, Wish};
use simulator::postgres::Postgres;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};
use std::io::Write;
use std::str::FromStr;
use tokio::sync::OnceCell;

static SERVER: OnceCell<Server> = OnceCell::const_new();

/// The server of this run.
async fn server() -> &'static Server {
    SERVER
        .get_or_init(|| async {
            let server = Wish::of_this_run().take().await;
            let words = match &server {
                Ok(server) => &server.road,
                Err(words) => words,
            };
            // Past the test harness, which would swallow it.
            let _ = writeln!(std::io::stderr(), "Postgres for this run: {words}");
            // Every other test would say the same.
            let Ok(server) = server else {
                std::process::exit(1)
            };
            make_template(&server.url).await;
            server
        })
        .await
}

const TEMPLATE: &str = "brickyard_test_template";

async fn make_template(url: &str) {
    let mut admin = PgConnection::connect(url)
        .await
        .expect("the server answers");
    for statement in [
        format!("drop database if exists {TEMPLATE} with (force)"),
        format!("create database {TEMPLATE}"),
    ] {
        sqlx::query(AssertSqlSafe(statement))
            .execute(&mut admin)
            .await
            .expect("a template database");
    }
    let pool = PgPool::connect(&on(url, TEMPLATE))
        .await
        .expect("the template answers");
    brickyard::store::schema::migrate(&pool)
        .await
        .expect("migrations run");
    // The product's SQL never says now(): moving this row moves leases, deadlines and run_at together.
    for statement in [
        "create table test_clock (offset_ms bigint not null)",
        "insert into test_clock values (0)",
        "create or replace function clock() returns timestamptz language sql stable as
             $$ select now() + (select offset_ms from public.test_clock) * interval '1 millisecond' $$",
    ] {
        sqlx::query(statement).execute(&pool).await.expect("a movable clock");
    }
    pool.close().await;
}

fn on(url: &str, database: &str) -> String {
    let (head, _) = url.rsplit_once('/').expect("the address names a database");
    format!("{head}/{database}")
}

/// A fresh database; its address.
pub async fn fresh() -> String {
    let server = server().await;
    let name = format!("test_{}", uuid::Uuid::now_v7().simple());
    let mut admin = PgConnection::connect(&server.url)
        .await
        .expect("the server answers");
    // Cloning takes a lock on the template: two at once are told to come back.
    for _ in 0..200 {
        let statement = format!("create database {name} template {TEMPLATE}");
        match sqlx::query(AssertSqlSafe(statement))
            .execute(&mut admin)
            .await
        {
            Ok(_) => return on(&server.url, &name),
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
        }
    }
    panic!("cannot clone the template database");
}

/// One on which no migration has run; its address.
pub async fn empty() -> String {
    let name = format!("test_{}", uuid::Uuid::now_v7().simple());
    on_the_server(format!("create database {name}")).await;
    on(&server().await.url, &name)
}

/// Throws a database away.
pub async fn discard(url: &str) {
    let server = server().await;
    let name = url.rsplit('/').next().unwrap_or_default();
    let mut admin = PgConnection::connect(&server.url)
        .await
        .expect("the server answers");
    let _ = sqlx::query(AssertSqlSafe(format!(
        "drop database if exists {name} with (force)"
    )))
    .execute(&mut admin)
    .await;
}

/// Takes a database away from everybody, those who are at it included; what they had open is rolled back.
pub async fn take_away(url: &str) {
    let name = url.rsplit('/').next().unwrap_or_default();
    for statement in [
        format!("alter database {name} with allow_connections false"),
        format!("select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'"),
    ] {
        on_the_server(statement).await;
    }
}

/// Gives it back.
pub async fn give_back(url: &str) {
    let name = url.rsplit('/').next().unwrap_or_default();
    on_the_server(format!("alter database {name} with allow_connections true")).await;
}

async fn on_the_server(statement: String) {
    let mut admin = PgConnection::connect(&server().await.url)
        .await
        .expect("the server answers");
    sqlx::query(AssertSqlSafe(statement))
        .execute(&mut admin)
        .await
        .expect("it is done");
}

/// A pool on a test's own database, beside the product's.
pub fn pool(url: &str) -> PgPool {
    let options = sqlx::postgres::PgConnectOptions::from_str(url).expect("an address");
    sqlx::postgres::PgPoolOptions::new()
        .max_connections(4)
        .connect_lazy_with(options)
}

/// A server that only one test uses, which may stop it, with an empty database; its address.
pub async fn private() -> (Postgres, String) {
    let postgres = Postgres::start()
        .await
        .expect("Postgres binaries are there");
    let mut admin = PgConnection::connect(postgres.url())
        .await
        .expect("it answers");
    // What was committed must survive: the server's own setting prefers speed.
    for statement in [
        "create database private",
        "alter database private set synchronous_commit = on",
    ] {
        sqlx::query(statement)
            .execute(&mut admin)
            .await
            .expect("a database");
    }
    let url = on(postgres.url(), "private");
    (postgres, url)
}
