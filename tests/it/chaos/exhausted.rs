//! A Postgres that lets nobody in any more: other services have taken all its connections.

use super::fleet::{self, Fleet};
use super::troubles::exhaust;
use crate::support::{Answer, Builder, PATIENCE, TestApp, database};
use brickyard::store::schema;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(6);

async fn create(app: &TestApp, url: &str, name: &str) -> Answer {
    let bearer = app.bearer("requester");
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
        ("idempotency-key", name),
    ];
    let body = json!({"name": name, "template": "sandbox"}).to_string();
    let sent = app.send_to(url, "POST", "/workspaces", &headers, Some(&body));
    sent.await.expect("the API answers")
}

/// Waits until an operation is done, whatever its connections are like at first; what it came to.
async fn done(app: &TestApp, url: &str, operation: &Value) -> String {
    let path = format!("/operations/{}", operation["id"].as_str().expect("an id"));
    let bearer = app.bearer("viewer");
    let headers = [("authorization", bearer.as_str())];
    let until = Instant::now() + PATIENCE;
    loop {
        let answer = app.send_to(url, "GET", &path, &headers, None).await;
        let answer = answer.expect("the API answers");
        assert!([200, 503].contains(&answer.status), "{}", answer.text);
        if answer.body["done"] == true {
            return answer.body["status"].as_str().expect("a status").to_owned();
        }
        assert!(Instant::now() < until, "{}", answer.text);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_exhausted_delay_and_lose_nothing() {
    let (postgres, url) = database::private().await;
    let app = Builder {
        workers: 0,
        database_url: Some(url.clone()),
        tune: fleet::tune,
        ..Builder::default()
    };
    let app = app.start().await;
    schema::migrate(&app.db).await.expect("migrations run");
    let fleet = Fleet::start(&app, "all", &[0, 0]).await;
    let addresses = fleet::lock(&fleet.addresses()).clone();
    let mut accepted: Vec<Value> = Vec::new();
    for n in 0..6 {
        let answer = create(&app, &addresses[n % 2], &format!("before-{n}")).await;
        assert_eq!(answer.status, 202, "{}", answer.text);
        accepted.push(answer.body);
    }
    let over = AtomicBool::new(false);
    let exhausting = async {
        exhaust(&url, LONG).await;
        over.store(true, Ordering::Relaxed);
    };
    let asking = async {
        let mut refused = 0;
        while !over.load(Ordering::Relaxed) {
            let during = create(&app, &addresses[0], "during").await;
            assert!([202, 503].contains(&during.status), "{}", during.text);
            refused += u32::from(during.status == 503);
            let alive = app.send_to(&addresses[1], "GET", "/livez", &[], None).await;
            assert_eq!(alive.expect("the API answers").status, 200);
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        assert!(refused > 0, "there was always a connection to be had");
    };
    tokio::join!(exhausting, asking);
    // What was refused can be asked for again under its key.
    let until = Instant::now() + PATIENCE;
    loop {
        let after = create(&app, &addresses[0], "during").await;
        if after.status == 202 {
            accepted.push(after.body);
            break;
        }
        assert!(Instant::now() < until, "{}", after.text);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    for operation in &accepted {
        assert_eq!(done(&app, &addresses[1], operation).await, "succeeded");
    }
    assert_eq!(app.simulator.inventory().created("workspaces"), 7);
    fleet.end(&app).await;
    app.finish().await;
    postgres.stop().await;
}
