//! The script of a pipeline as it stands in the README, run by bash: what is printed there works.

use crate::support::{Builder, TestApp};
use brickyard::dev;
use serde_json::json;
use simulator::{Call, Fault, FaultKind};
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const README: &str = include_str!("../../README.md");

/// The first shell block of its section.
fn script() -> &'static str {
    let (_, section) = README
        .split_once("\n## In a pipeline\n")
        .expect("a section");
    let (_, block) = section.split_once("```sh\n").expect("a script");
    block.split_once("```").expect("its end").0
}

/// The place where a job of GitHub gets its ID token; how often it was asked.
struct Tokens {
    url: String,
    asked: Arc<AtomicU32>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Tokens {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn tokens(token: String) -> Tokens {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!(
        "http://{}/token?api-version=2.0",
        listener.local_addr().expect("it")
    );
    let asked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked);
    let task = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = vec![0; 8192];
            let read = stream.read(&mut head).await.unwrap_or(0);
            let head = String::from_utf8_lossy(&head[..read]).to_lowercase();
            let ours = head.starts_with("get /token?api-version=2.0&audience=brickyard ")
                && head.contains("\r\nauthorization: bearer of-this-job\r\n");
            let (status, body) = if ours {
                count.fetch_add(1, Ordering::SeqCst);
                ("200 OK", json!({"value": token}).to_string())
            } else {
                ("401 Unauthorized", json!({"message": head}).to_string())
            };
            let answer = format!(
                "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    Tokens { url, asked, task }
}

/// Runs the job once; how it ended, and what it wrote for later jobs.
async fn job(app: &TestApp, tokens: &Tokens) -> (Output, String) {
    let directory = tempfile::tempdir().expect("a directory");
    let outputs = directory.path().join("outputs");
    let mut command = Command::new("bash");
    command
        .args(["-c", script()])
        .current_dir(directory.path())
        .env("PR_NUMBER", "17")
        .env("BRICKYARD_URL", &app.url)
        .env("BRICKYARD_AUDIENCE", "brickyard")
        .env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "of-this-job")
        .env("ACTIONS_ID_TOKEN_REQUEST_URL", &tokens.url)
        .env("GITHUB_OUTPUT", &outputs);
    let output = tokio::task::spawn_blocking(move || command.output())
        .await
        .expect("it ends")
        .expect("bash is there: make pipeline");
    let written = std::fs::read_to_string(&outputs).unwrap_or_default();
    (output, written)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_readmes_script_makes_finds_and_mends() {
    let template = dev::OBJECTS.replace("keep_failed_seconds = 0", "keep_failed_seconds = 86400");
    let app = Builder {
        template,
        ..Builder::default()
    }
    .start()
    .await;
    let tokens = tokens(app.token("requester")).await;
    // The vendor fails, and the job says why.
    app.fault(Fault::new(FaultKind::WorkspaceFails));
    let (failed, written) = job(&app, &tokens).await;
    let told = String::from_utf8_lossy(&failed.stderr).into_owned();
    assert!(!failed.status.success(), "{told}");
    assert!(told.contains("elastic_ip_limit"), "{told}");
    assert_eq!(written, "");
    app.simulator.clear_faults();
    // Run again, it goes on; and again, there is nothing to do.
    for _ in 0..2 {
        let (done, written) = job(&app, &tokens).await;
        let told = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(done.status.success(), "{told}");
        let workspace = app.get("/workspaces/pr-17").await.body;
        assert_eq!(workspace["phase"], "ready");
        let url = workspace["external"]["workspace_url"]
            .as_str()
            .expect("a URL");
        assert_eq!(written, format!("url={url}\n"));
        let steps = String::from_utf8_lossy(&done.stdout).into_owned();
        assert!(
            steps.is_empty() || steps.contains("succeeded 100%"),
            "{steps}"
        );
    }
    assert_eq!(app.simulator.inventory().created("credentials"), 1);
    assert!(
        tokens.asked.load(Ordering::SeqCst) > 5,
        "a token for each call"
    );
    // What is wrong with the request is said, too.
    app.removed("pr-17").await;
    app.fault(Fault::new(FaultKind::HoldAnswer).on(Call::CreateWorkspace));
    let other = json!({"name": "pr-17", "template": "sandbox", "ttl_seconds": 60});
    let create = app.post("/workspaces", &other).await;
    assert_eq!(create.status, 202, "{}", create.text);
    // Made with other tags, which are changed only when it is there.
    let (refused, _) = job(&app, &tokens).await;
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        !refused.status.success() && told.contains("is under way"),
        "{told}"
    );
    app.simulator.release();
    app.done(&create.body).await;
    let (changed, _) = job(&app, &tokens).await;
    let told = String::from_utf8_lossy(&changed.stderr).into_owned();
    assert!(changed.status.success(), "{told}");
    let workspace = app.get("/workspaces/pr-17").await.body;
    assert_eq!(workspace["spec"]["tags"], json!({"cost-center": "4711"}));
    app.finish().await;
}
