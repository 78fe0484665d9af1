//! What the service stands on goes away: the database, the schema, the issuer's keys. Nobody is kept waiting, nobody
//! is told that it was their fault, and everything goes on when it is back.

use crate::support::conformity::{self, Route};
use crate::support::database::private;
use crate::support::{Answer, Builder, PATIENCE, SPEED, TestApp, simulate};
use brickyard::store::schema;
use futures_util::future::join_all;
use serde_json::json;
use simulator::{Call, Fault, FaultKind};
use std::time::{Duration, Instant};

/// The pool gives up after 5 seconds; a hang would be much longer.
const A_FEW_SECONDS: Duration = Duration::from_secs(8);

/// One exchange with every route, all at once, and how long the slowest took.
async fn every_route(
    app: &TestApp,
    workspace: &str,
    operation: &str,
) -> (Vec<(Route, Answer)>, Duration) {
    let bearer = app.bearer("requester");
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
        ("idempotency-key", "in-an-outage"),
        ("prefer", "wait=3"),
    ];
    let body = |method: &str| match method {
        "POST" => Some(json!({"name": "during", "template": "sandbox"})),
        "PUT" => Some(json!({"template": "sandbox"})),
        "PATCH" => Some(json!({"labels": {"during": "an outage"}})),
        _ => None,
    };
    let begin = Instant::now();
    let answers = join_all(conformity::routes().into_iter().map(async |route| {
        let workspace = match route.method.as_str() {
            "PUT" => "during",
            _ => workspace,
        };
        let path = route
            .path
            .replace("{workspace}", workspace)
            .replace("{operation}", operation)
            .replace("{code}", "name_taken")
            .replace("{template}", "sandbox");
        let body = body(&route.method).map(|body| body.to_string());
        let answer = app
            .send(&route.method, &path, &headers, body.as_deref())
            .await;
        (route, answer)
    }))
    .await;
    (answers, begin.elapsed())
}

/// Everything but what answers from memory says 503 and when to come again; the form is held by `conformity`.
fn assert_away(answers: &[(Route, Answer)]) {
    for (route, answer) in answers {
        let lives = route.is_from_memory();
        assert_eq!(
            answer.status,
            if lives { 200 } else { 503 },
            "{route:?}: {}",
            answer.text
        );
        if !lives {
            assert_eq!(
                (answer.body["code"].as_str(), &answer.body["retryable"]),
                (Some("unavailable"), &json!(true))
            );
        }
    }
}

/// Asks for readiness until it is what is expected; the last answer.
async fn ready(app: &TestApp, status: u16) -> Answer {
    let until = Instant::now() + PATIENCE;
    loop {
        let answer = app.send("GET", "/readyz?verbose=true", &[], None).await;
        if answer.status == status {
            return answer;
        }
        assert!(Instant::now() < until, "{}", answer.text);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_goes_away_and_comes_back() {
    let (mut postgres, url) = private().await;
    let app = Builder {
        workers: 0,
        database_url: Some(url),
        ..Builder::default()
    };
    let mut app = app.start().await;
    schema::migrate(&app.db).await.expect("migrations run");
    ready(&app, 200).await;
    let create = app.create("before").await;
    let operation = create["id"].as_str().expect("an id").to_owned();
    // While it goes, somebody waits.
    let bearer = app.bearer("viewer");
    let path = format!("/operations/{operation}");
    let poll_headers = [("authorization", bearer.as_str()), ("prefer", "wait=30")];
    let poll = app.send("GET", &path, &poll_headers, None);
    let outage = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let begin = Instant::now();
        postgres.stop_immediate().await.expect("it stops");
        begin
    };
    let polled = async {
        let answer = poll.await;
        (answer, Instant::now())
    };
    let ((poll, answered), begin) = tokio::join!(polled, outage);
    assert_eq!(poll.status, 503, "{}", poll.text);
    assert!(
        answered - begin < A_FEW_SECONDS + Duration::from_secs(2),
        "{:?}",
        answered - begin
    );

    let (answers, took) = every_route(&app, "before", &operation).await;
    assert_away(&answers);
    assert!(took < A_FEW_SECONDS, "{took:?}");
    let red = ready(&app, 503).await;
    assert!(
        red.body["detail"]
            .as_str()
            .expect("a detail")
            .contains("database: Does not answer."),
        "{}",
        red.text
    );
    // Who is not let in is told so, whatever else is wrong.
    assert_eq!(app.send("GET", "/workspaces", &[], None).await.status, 401);

    app.start_worker();
    postgres.restart().await.expect("it starts again");
    ready(&app, 200).await;
    // What was accepted is done; what was refused was not begun, and its key is free.
    assert_eq!(app.done(&create).await["status"], "succeeded");
    assert_eq!(app.get("/workspaces/during").await.status, 404);
    let body = json!({"name": "after", "template": "sandbox"});
    let after = app
        .post_with("/workspaces", &body, &[("idempotency-key", "in-an-outage")])
        .await;
    assert_eq!(after.status, 202, "{}", after.text);
    assert_eq!(app.done(&after.body).await["status"], "succeeded");
    app.finish().await;
    postgres.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_there_before_its_database_and_its_schema() {
    let (mut postgres, url) = private().await;
    postgres.stop_immediate().await.expect("it stops");
    // A worker too: it has to wait, not to give up.
    let app = Builder {
        database_url: Some(url),
        ..Builder::default()
    }
    .start()
    .await;
    let red = ready(&app, 503).await;
    assert!(
        red.body["detail"]
            .as_str()
            .expect("a detail")
            .contains("database: Does not answer."),
        "{}",
        red.text
    );
    assert_eq!(app.send("GET", "/livez", &[], None).await.status, 200);

    postgres.restart().await.expect("it starts");
    let until = Instant::now() + PATIENCE;
    let red = loop {
        let red = ready(&app, 503).await.body["detail"]
            .as_str()
            .expect("a detail")
            .to_owned();
        if red.contains("migrations") && !red.contains("database") {
            break red;
        }
        assert!(Instant::now() < until, "{red}");
    };
    assert!(red.contains("run `brickyard migrate`"), "{red}");
    let quiet = app.send("GET", "/readyz", &[], None).await;
    assert_eq!(
        (quiet.status, quiet.body["detail"].as_str()),
        (503, Some("Not ready."))
    );
    let early = app
        .post(
            "/workspaces",
            &json!({"name": "early", "template": "sandbox"}),
        )
        .await;
    assert!(matches!(early.status, 500 | 503), "{}", early.text);

    schema::migrate(&app.db).await.expect("migrations run");
    ready(&app, 200).await;
    app.ready("first-one").await;
    app.finish().await;
    postgres.stop().await;
}

/// A server that takes connections and says nothing: a dead machine behind a living load balancer.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_takes_connections_and_is_silent() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = silent.local_addr().expect("an address");
    let swallowing = tokio::spawn(async move {
        let mut connections = Vec::new();
        while let Ok(connection) = silent.accept().await {
            connections.push(connection);
        }
    });
    let url = format!("postgres://postgres@{address}/outage");
    let app = Builder {
        workers: 0,
        database_url: Some(url),
        ..Builder::default()
    }
    .start()
    .await;
    let (w, o) = (
        brickyard::domain::id::WorkspaceId::new(),
        brickyard::domain::id::OperationId::new(),
    );
    let (answers, took) = every_route(&app, &w.to_string(), &o.to_string()).await;
    assert_away(&answers);
    assert!(took < A_FEW_SECONDS, "{took:?}");
    swallowing.abort();
    app.abandon("it never had a database").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_cannot_be_fetched_are_not_the_callers_fault() {
    // They are fetched as soon as the API begins.
    let simulator = simulate(SPEED).await;
    simulator.fault(Fault::new(FaultKind::RequestLost).on(Call::Jwks).times(0));
    let app = Builder {
        workers: 0,
        simulator: Some(simulator),
        ..Builder::default()
    }
    .start()
    .await;
    let bearer = app.bearer("viewer");
    let headers = [("authorization", bearer.as_str())];
    let ask = async || app.send("GET", "/workspaces", &headers, None).await;
    for fault in [
        FaultKind::RequestLost,
        FaultKind::ErrorBeforeActing,
        FaultKind::HtmlOk,
        FaultKind::Truncated,
        FaultKind::RedirectToLogin,
        FaultKind::NotFound,
        FaultKind::Unavailable,
    ] {
        app.fault(Fault::new(fault).on(Call::Jwks).times(0));
        let answer = ask().await;
        assert_eq!(
            (answer.status, answer.body["code"].as_str()),
            (503, Some("unavailable")),
            "{fault}: {}",
            answer.text
        );
        assert!(!answer.headers.contains_key("www-authenticate"), "{fault}");
        // What needs no key to be refused is refused.
        for bad in ["Bearer x.y.z", "Basic YTpi"] {
            assert_eq!(
                app.send("GET", "/workspaces", &[("authorization", bad)], None)
                    .await
                    .status,
                401,
                "{fault}"
            );
        }
        assert_eq!(
            app.send("GET", "/readyz", &[], None).await.status,
            200,
            "the process is well"
        );
        app.simulator.clear_faults();
        app.app.clock.advance(Duration::from_secs(10));
    }
    assert_eq!(ask().await.status, 200, "recovered without a restart");
    // Once fetched, they last a day without their issuer.
    app.fault(Fault::new(FaultKind::RequestLost).on(Call::Jwks).times(0));
    for hours in [1, 6, 16] {
        app.app.clock.advance(Duration::from_secs(hours * 3600));
        assert_eq!(
            app.get("/workspaces").await.status,
            200,
            "{hours} hours later"
        );
    }
    app.app.clock.advance(Duration::from_secs(2 * 3600));
    assert_eq!(app.get("/workspaces").await.status, 503, "older than a day");
    app.abandon("nobody works here").await;
}
