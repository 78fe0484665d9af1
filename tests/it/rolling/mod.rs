//! Rolling deploys: the binary of the version before ([`crate::support::previous`]) really runs, on the schema of this
//! one and beside it. A schema is ahead of a version for as long as a deployment takes, and after a rollback for longer.
//!
//! What comes of a step that a version does not know stands in `defences::workers`.

mod ahead;
mod handed_over;
mod replaced;
mod schema;

use crate::support::previous::previous;
use crate::support::process::{PRESENT, Process, free_port};
use crate::support::{Answer, PATIENCE, TestApp};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Runs `migrate` of a version; its exit code.
async fn migrate(app: &TestApp, program: &Path) -> Option<i32> {
    let mut process = Process::start_program(program, app, "migrate", &[], Stdio::null());
    process.ended(PATIENCE).await
}

/// A process of a version that serves and works, once it is ready, and its address.
async fn started(app: &TestApp, program: &Path) -> (Process, String) {
    for _ in 0..5 {
        let listen = format!("127.0.0.1:{}", free_port());
        let env = [("BRICKYARD_SERVER__LISTEN", listen.as_str())];
        let mut process = Process::start_program(program, app, "all", &env, Stdio::null());
        let url = format!("http://{listen}");
        if program != Path::new(PRESENT) {
            app.of_another_version(&url);
        }
        let until = Instant::now() + PATIENCE;
        // It ends if somebody else has its port by now.
        while process.runs() {
            let answer = app.send_to(&url, "GET", "/readyz", &[], None).await;
            if answer.is_ok_and(|it| it.status == 200) {
                return (process, url);
            }
            assert!(Instant::now() < until, "it is never ready");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    panic!("it does not start");
}

/// One exchange with a process, as an operator.
async fn ask(app: &TestApp, url: &str, method: &str, path: &str, body: Option<Value>) -> Answer {
    let bearer = format!("Bearer {}", app.token("operator"));
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
    ];
    let body = body.map(|body| body.to_string());
    let answer = app.send_to(url, method, path, &headers, body.as_deref());
    answer.await.expect("it answers")
}

/// Asks a process for a workspace; the operation.
async fn create(app: &TestApp, url: &str, name: &str) -> Value {
    let body = json!({"name": name, "template": "sandbox"});
    let answer = ask(app, url, "POST", "/workspaces", Some(body)).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    answer.body
}

/// Has a process remove a workspace; the operation.
async fn remove(app: &TestApp, url: &str, name: &str) -> Value {
    let answer = ask(app, url, "DELETE", &format!("/workspaces/{name}"), None).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    answer.body
}

/// Waits until a process says that an operation is done; it has succeeded.
async fn succeeded(app: &TestApp, url: &str, operation: &Value) {
    let path = format!("/operations/{}", operation["id"].as_str().expect("an id"));
    let until = Instant::now() + PATIENCE;
    loop {
        let now = ask(app, url, "GET", &path, None).await.body;
        if now["done"] == true {
            assert_eq!(now["status"], "succeeded", "{now:#}");
            return;
        }
        assert!(Instant::now() < until, "{now:#}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// What has been migrated: version, success, checksum.
async fn applied(app: &TestApp) -> Vec<(i64, bool, Vec<u8>)> {
    sqlx::query_as("select version, success, checksum from _sqlx_migrations order by version")
        .fetch_all(&app.db)
        .await
        .expect("migrations")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_version_before_does_its_whole_work_on_this_schema() {
    let test = "the_version_before_does_its_whole_work_on_this_schema";
    let Some(previous) = previous(test) else {
        return;
    };
    let app = TestApp::idle().await;
    let (mut process, url) = started(&app, &previous.program).await;
    let operation = create(&app, &url, "rolled-back").await;
    succeeded(&app, &url, &operation).await;
    // What it made is whole for this version, too.
    let workspace = app.get("/workspaces/rolled-back").await.body;
    assert_eq!(workspace["phase"], "ready", "{workspace:#}");
    let operation = remove(&app, &url, "rolled-back").await;
    succeeded(&app, &url, &operation).await;
    let left = app.simulator.inventory();
    assert!(left.is_empty(), "{left:#?}");
    process.signal("TERM");
    assert_eq!(process.ended(PATIENCE).await, Some(0));
    app.finish().await;
}
