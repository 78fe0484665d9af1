//! The version before, and a schema that is ahead of it.

use super::{applied, migrate, previous, started};
use crate::support::TestApp;
use crate::support::{Builder, database};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Column, Connection, Executor, PgConnection, SqlSafeStr, Statement};

/// Versions up to the one before refuse what they do not know: `migrate` fails, and has done nothing.
#[tokio::test(flavor = "multi_thread")]
async fn migrating_with_the_version_before_changes_nothing() {
    let Some(previous) = previous("migrating_with_the_version_before_changes_nothing") else {
        return;
    };
    let app = TestApp::idle().await;
    let before = applied(&app).await;
    let code = migrate(&app, &previous.program).await;
    assert!(matches!(code, Some(0 | 1)), "{code:?}");
    assert_eq!(applied(&app).await, before);
    let (process, _) = started(&app, &previous.program).await;
    drop(process);
    app.finish().await;
}

/// What a statement takes and gives on a schema.
async fn described(db: &mut PgConnection, statement: &str) -> Result<String, sqlx::Error> {
    let prepared = db.prepare(AssertSqlSafe(statement).into_sql_str()).await?;
    let columns: Vec<String> = prepared
        .columns()
        .iter()
        .map(|column| format!("{} {}", column.name(), column.type_info()))
        .collect();
    Ok(format!("{:?} gives {columns:?}", prepared.parameters()))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_statement_of_the_version_before_means_the_same_on_this_schema() {
    let test = "every_statement_of_the_version_before_means_the_same_on_this_schema";
    let Some(previous) = previous(test) else {
        return;
    };
    let builder = Builder {
        workers: 0,
        database_url: Some(database::empty().await),
        ..Builder::default()
    };
    let before = builder.start().await;
    assert_eq!(migrate(&before, &previous.program).await, Some(0));
    let now = TestApp::idle().await;
    assert!(
        applied(&before).await.len() < applied(&now).await.len(),
        "the schema has not changed since: nothing is shown"
    );
    let mut on_old = PgConnection::connect(&before.database_url)
        .await
        .expect("it answers");
    let mut on_new = PgConnection::connect(&now.database_url)
        .await
        .expect("it answers");
    let mut statements = 0;
    for file in std::fs::read_dir(&previous.queries).expect("its statements") {
        let text = std::fs::read_to_string(file.expect("a file").path()).expect("a file");
        let query: Value = serde_json::from_str(&text).expect("JSON");
        let statement = query["query"].as_str().expect("a statement");
        let was = described(&mut on_old, statement).await;
        let was = was.unwrap_or_else(|error| panic!("{statement}: {error}"));
        let is = described(&mut on_new, statement).await;
        let is = is.unwrap_or_else(|error| panic!("on this schema, {statement}: {error}"));
        assert_eq!(is, was, "{statement}");
        statements += 1;
    }
    assert!(statements > 20, "{statements}");
    drop((on_old, on_new));
    before.abandon("nobody works on its schema").await;
    now.finish().await;
}
