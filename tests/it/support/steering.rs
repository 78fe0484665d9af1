//! What people ask of an operation, and of a workspace that is ready.

use super::{Answer, TestApp};
use serde_json::{Value, json};

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

impl TestApp {
    /// Gives a workspace that is ready another tag, and waits until it has it.
    pub async fn tagged(&self, workspace: &str) -> Value {
        let update = self.tag(workspace).await;
        let done = self.done(&update).await;
        assert_eq!(done["status"], "succeeded", "{done:#}");
        done
    }

    /// Asks for another tag of a workspace that is ready; the operation.
    pub async fn tag(&self, workspace: &str) -> Value {
        let tags = json!({"tags": {"tagged": workspace}});
        let asked = self.patch(&format!("/workspaces/{workspace}"), &tags).await;
        assert_eq!(asked.status, 202, "{}", asked.text);
        asked.body
    }
}
