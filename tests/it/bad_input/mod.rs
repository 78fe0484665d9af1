//! What is not a request is refused with everything that is wrong with it, leaves no trace, and hurts nobody.

mod bodies;
mod connections;
mod fields;
mod paths;
mod queries;

use crate::support::conformity::counts;
use crate::support::{Answer, Builder, TestApp};

async fn idle() -> TestApp {
    let builder = Builder {
        workers: 0,
        ..Builder::default()
    };
    builder.start().await
}

/// Sends bytes as the body of `POST /workspaces`.
async fn post(app: &TestApp, body: &[u8]) -> Answer {
    let bearer = app.bearer("requester");
    let headers = [
        ("authorization", bearer.as_bytes()),
        ("content-type", b"application/json".as_slice()),
    ];
    app.raw("POST", "/workspaces", &headers, body).await
}

fn told(answer: &Answer) -> (u16, &str) {
    (
        answer.status,
        answer.body["code"].as_str().unwrap_or_default(),
    )
}

/// What `errors` names: pointers, parameters or headers, sorted.
fn named(answer: &Answer, member: &str) -> Vec<String> {
    let errors = answer.body["errors"].as_array().expect("errors");
    let mut names: Vec<String> = errors
        .iter()
        .map(|error| error[member].as_str().expect("a place").to_owned())
        .collect();
    names.sort();
    names
}

/// Nothing was written, not even to the audit log, and the next honest request is served.
async fn unharmed(app: TestApp) {
    let counts = counts(&app).await;
    assert!(counts.values().all(|rows| *rows == 0), "{counts:?}");
    app.create("honest-request").await;
    app.abandon("nobody works here").await;
}
