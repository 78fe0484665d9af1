//! Too much waits already: another request is refused before anything of it is written, and says when to come again.
//! What was accepted, what removes and what stops is let in all the same.

use crate::support::steering::ask;
use crate::support::{Answer, Builder, SPEED, TestApp, simulate};
use brickyard::dev;
use serde_json::json;
use std::time::Duration;

/// A look at the queue is believed for a second.
const BELIEVED: Duration = Duration::from_millis(1100);

/// A world without workers in which two may wait in each of its two accounts.
async fn world() -> TestApp {
    let simulator = simulate(SPEED).await;
    let it = simulator.world();
    let host = it.workspace_url_template.split_once("{deployment_name}.");
    let (_, host) = host.expect("a name of each workspace");
    let domain = host.split([':', '/']).next().expect("a domain");
    let other = format!(
        "[accounts.other]\ncloud = \"aws\"\naccount_host = \"{}\"\naccount_id = \"{}\"\nclient_id = \"{}\"\n\
         client_secret = \"{}\"\nworkspace_domain = \"{domain}\"\nworkspace_url_template = \"{}\"\n\
         [templates.elsewhere]\naccount = \"other\"\nregion = \"us-west-2\"\nsecret_store = \"main\"\n{}",
        it.account_host,
        "00000000-0000-4000-8000-000000000002",
        it.client_id,
        it.client_secret,
        it.workspace_url_template,
        dev::OBJECTS
    );
    let builder = Builder {
        workers: 0,
        extra: other,
        simulator: Some(simulator),
        environment: &[("BRICKYARD_SERVER__MAX_QUEUED_PER_ACCOUNT", "2")],
        ..Builder::default()
    };
    builder.start().await
}

async fn post(app: &TestApp, name: &str, template: &str) -> Answer {
    let body = json!({"name": name, "template": template});
    let key = format!("the-key-of-{name}");
    app.post_with("/workspaces", &body, &[("idempotency-key", &key)])
        .await
}

fn refused(answer: &Answer) {
    assert_eq!(answer.status, 503, "{}", answer.text);
    assert_eq!(answer.body["code"], "queue_full");
    assert_eq!(answer.body["retryable"], true);
    assert_eq!(answer.headers["retry-after"], "30");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_takes_nothing_more_and_gives_everything_back() {
    let mut app = world().await;
    let first = post(&app, "first", "sandbox").await;
    assert_eq!(first.status, 202, "{}", first.text);
    assert_eq!(post(&app, "second", "sandbox").await.status, 202);
    refused(&post(&app, "third", "sandbox").await);
    let put = json!({"template": "sandbox"});
    refused(&app.put("/workspaces/fourth", &put).await);
    // Nothing of it is there, and another process says the same.
    assert_eq!(app.get("/workspaces/third").await.status, 404);
    tokio::time::sleep(BELIEVED).await;
    refused(&post(&app, "third", "sandbox").await);
    // Another account's queue is another queue.
    let elsewhere = post(&app, "elsewhere", "elsewhere").await;
    assert_eq!(elsewhere.status, 202, "{}", elsewhere.text);
    // What was accepted is told again, what is there is not asked for anew, and what makes room is let in.
    let again = post(&app, "first", "sandbox").await;
    assert_eq!((again.status, &again.body["id"]), (202, &first.body["id"]));
    let there = app.put("/workspaces/second", &put).await;
    assert!(matches!(there.status, 200 | 202), "{}", there.text);
    assert_eq!(app.delete("/workspaces/second").await.status, 202);
    assert_eq!(ask(&app, &first.body, "cancel").await.status, 202);
    app.delete("/workspaces/elsewhere").await;

    app.start_worker();
    app.done(&first.body).await;
    let third = loop {
        // With the same key: it was not used up.
        let third = post(&app, "third", "sandbox").await;
        if third.status == 202 {
            break third;
        }
        refused(&third);
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!(app.done(&third.body).await["status"], "succeeded");
    app.removed("third").await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_does_not_move_takes_nothing_more() {
    let mut app = Builder {
        workers: 0,
        ..Builder::default()
    }
    .start()
    .await;
    let first = post(&app, "patient", "sandbox").await;
    assert_eq!(first.status, 202, "{}", first.text);
    app.advance(Duration::from_secs(570)).await;
    tokio::time::sleep(BELIEVED).await;
    let second = post(&app, "in-time", "sandbox").await;
    assert_eq!(second.status, 202, "{}", second.text);
    app.advance(Duration::from_secs(60)).await;
    tokio::time::sleep(BELIEVED).await;
    refused(&post(&app, "too-late", "sandbox").await);
    app.start_worker();
    assert_eq!(app.done(&first.body).await["status"], "succeeded");
    app.done(&second.body).await;
    tokio::time::sleep(BELIEVED).await;
    let late = post(&app, "too-late", "sandbox").await;
    assert_eq!(late.status, 202, "{}", late.text);
    app.done(&late.body).await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_to_another_version_keeps_nobody_out() {
    let mut app = TestApp::idle().await;
    let first = post(&app, "of-tomorrow", "sandbox").await;
    sqlx::query("update operations set plan[1] = 'step_of_tomorrow'")
        .execute(&app.db)
        .await
        .expect("a plan");
    app.start_worker();
    for _ in 0..12 {
        app.advance(Duration::from_secs(61)).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    tokio::time::sleep(BELIEVED).await;
    let path = first.body["href"].as_str().expect("a link");
    assert_eq!(app.get(path).await.body["status"], "queued");
    let second = post(&app, "of-today", "sandbox").await;
    assert_eq!(second.status, 202, "{}", second.text);
    assert_eq!(app.done(&second.body).await["status"], "succeeded");
    sqlx::query("update operations set plan[1] = 'preflight'")
        .execute(&app.db)
        .await
        .expect("a plan");
    app.advance(Duration::from_secs(61)).await;
    assert_eq!(app.done(&first.body).await["status"], "succeeded");
    app.finish().await;
}
