//! What people ask of an operation.

use super::{Answer, TestApp};
use serde_json::Value;

/// Asks this of an operation (`cancel`, `retry`), as the requester who owns its workspace.
pub async fn ask(app: &TestApp, operation: &Value, verb: &str) -> Answer {
    let path = format!("{}/{verb}", operation["href"].as_str().expect("a link"));
    let bearer = app.bearer("requester");
    app.send("POST", &path, &[("authorization", &bearer)], None)
        .await
}

/// The operation that removes what a cancelled one has made, by its own words.
pub async fn removal(app: &TestApp, cancelled: &Value) -> Value {
    let hint = cancelled["problem"]["hint"].as_str().expect("a hint");
    let path = hint
        .split_whitespace()
        .find(|word| word.starts_with("/operations/"))
        .expect("a path");
    app.get(path.trim_end_matches('.')).await.body
}
