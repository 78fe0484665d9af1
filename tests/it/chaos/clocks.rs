//! Replicas whose wall clocks are five minutes behind and five minutes ahead, alone and one after the other.

use super::fleet::{self, Fleet};
use crate::support::{Builder, PATIENCE, TestApp};
use brickyard::dev;
use futures_util::future::join_all;
use serde_json::{Value, json};
use simulator::{Call, Fault, FaultKind};
use std::time::{Duration, Instant};

/// Seconds by which a clock is behind or ahead.
const OFF: i64 = 300;

/// A world whose creates have less time than a clock is off.
async fn hurried() -> TestApp {
    let app = Builder {
        workers: 0,
        template: format!(
            "{}create_deadline_seconds = 200\nexpiry_grace_seconds = 0\n",
            dev::OBJECTS
        ),
        tune: fleet::tune,
        ..Builder::default()
    };
    app.start().await
}

/// Waits until so many calls have been refused as too early.
async fn too_early(app: &TestApp, times: usize) {
    let until = Instant::now() + PATIENCE;
    let refused = || {
        let arrivals = app.simulator.arrivals().into_iter();
        let early = arrivals.filter(|it| it.fault == Some(FaultKind::IamNotPropagated));
        early.count()
    };
    while refused() < times {
        assert!(Instant::now() < until, "{} of {times}", refused());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clocks_five_minutes_apart() {
    join_all([[-OFF, OFF], [OFF, -OFF]].map(async |[first, second]| {
        let app = hurried().await;
        let early = Fault::new(FaultKind::IamNotPropagated);
        app.fault(early.on(Call::CreateCredentials).times(0));
        let create = app.create("between-clocks").await;
        // A refusal that passes is waited out for five minutes, and the two are ten apart.
        for (clock, times) in [(first, 1), (second, 3)] {
            let fleet = Fleet::start(&app, "work", &[clock]).await;
            too_early(&app, times).await;
            fleet.end(&app).await;
        }
        app.simulator.clear_faults();
        let fleet = Fleet::start(&app, "work", &[first, second]).await;
        let done = app.done(&create).await;
        assert_eq!(done["status"], "succeeded", "{first}: {done:#}");
        app.removed("between-clocks").await;
        fleet.end(&app).await;
        app.finish().await;
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_ends_by_the_databases_clock() {
    join_all([-OFF, OFF].map(async |clock| {
        let app = hurried().await;
        let fleet = Fleet::start(&app, "work", &[clock]).await;
        let path = "/workspaces/mortal";
        let wish = json!({"template": "sandbox", "ttl_seconds": 3600});
        let create = app.put(path, &wish).await.body;
        assert_eq!(app.done(&create).await["status"], "succeeded");
        // Nobody tells the replica of this but its database.
        app.advance(Duration::from_secs(3600 - 60)).await;
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(app.get(path).await.body["phase"], "ready", "{clock}");
        app.advance(Duration::from_secs(3600)).await;
        app.phase(&create, "deleted").await;
        fleet.end(&app).await;
        app.finish().await;
    }))
    .await;
}

/// A token that was issued and ends so many seconds from now.
fn token(app: &TestApp, issued: i64, ends: i64) -> String {
    let now = app.app.clock.now().timestamp();
    let claims = json!({
        "sub": "requester@example.com", "groups": ["requesters"], "iat": now + issued, "exp": now + ends,
    });
    format!("Bearer {}", app.simulator.mint_jwt(claims))
}

/// Tokens are claims about time, so a replica whose clock is wrong judges them wrongly. It refuses what it should not,
/// until somebody sets its clock; what lasts on both sides is taken by all.
#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_judged_by_each_replicas_clock() {
    let app = hurried().await;
    let clocks = [-OFF, 0, OFF];
    let fleet = Fleet::start(&app, "all", &clocks).await;
    let addresses = super::fleet::lock(&fleet.addresses()).clone();
    let cases = [
        ("fresh", token(&app, 0, 3600), [401, 200, 200]),
        ("about to end", token(&app, -3000, 120), [200, 200, 401]),
        ("ten minutes old", token(&app, -600, 3000), [200, 200, 200]),
        ("ended long ago", token(&app, -3600, -400), [401, 401, 401]),
    ];
    for (case, bearer, expected) in cases {
        let headers = [("authorization", bearer.as_str())];
        let asked = addresses
            .iter()
            .map(|url| app.send_to(url, "GET", "/workspaces", &headers, None));
        let told: Vec<Value> = join_all(asked)
            .await
            .into_iter()
            .map(|it| it.expect("an answer").status.into())
            .collect();
        assert_eq!(json!(told), json!(expected), "{case}, by {clocks:?}");
    }
    fleet.end(&app).await;
    app.finish().await;
}
