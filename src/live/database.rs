//! The database: whether it answers, whether its schema is up to date, and whether the service could alter the audit.

use super::{Finding, Verdict};
use crate::app::App;
use crate::store::{grants, schema};
use sqlx::{Connection, PgConnection};
use std::time::Duration;

/// A database that needs longer than this does not answer.
const TIMEOUT: Duration = Duration::from_secs(5);

const KEY: &str = "database.url";

/// Asks it.
pub(super) async fn check(app: &App) -> Vec<Finding> {
    // Not through the pool, which hides why there is no connection.
    let options = app.db.connect_options();
    let connecting = PgConnection::connect_with(&options);
    let fail = |message: String| vec![Finding::new(KEY, Verdict::Fail, message)];
    match tokio::time::timeout(TIMEOUT, connecting).await {
        Err(_) => return fail("does not answer in time".to_owned()),
        Ok(Err(error)) => return fail(error.to_string()),
        Ok(Ok(connection)) => drop(connection),
    }
    match schema::is_current(&app.db).await {
        Ok(true) => {}
        Ok(false) => {
            let message = "its schema is not up to date: run `brickyard migrate`";
            return vec![Finding::new(KEY, Verdict::Warn, message)];
        }
        Err(error) => return fail(error.to_string()),
    }
    let message = "answers, and its schema is up to date";
    let current = Finding::new(KEY, Verdict::Pass, message);
    match grants::could_alter_audit(&app.db).await {
        Ok(None) => vec![current],
        Ok(Some(why)) => {
            let message = format!(
                "the service could alter the audit, for its role {why}: give it one of its own with \
                 `brickyard migrate --grant-to ROLE`"
            );
            vec![current, Finding::new(KEY, Verdict::Warn, message)]
        }
        Err(error) => fail(error.to_string()),
    }
}
