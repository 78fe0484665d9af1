//! Issuers over time: keys that rotate, keys that are taken down, an issuer that is not there, tokens that are good once.
//! And what `GET /whoami` says about it all.

use crate::roles::who::{CI, Who, idle};
use crate::support::{Answer, Builder, TestApp};
use brickyard::dev::TEAM;
use futures_util::future::join_all;
use serde_json::{Value, json};
use simulator::{Call, Fault, FaultKind};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

async fn ask(app: &TestApp, bearer: &str) -> u16 {
    let headers = [("authorization", bearer)];
    app.send("GET", "/workspaces", &headers, None).await.status
}

async fn whoami(app: &TestApp, who: Who) -> Answer {
    let answer = who.asks(app, "GET", "/whoami", None).await;
    assert_eq!(answer.status, 200, "{who:?}: {}", answer.text);
    let bearer = who.authorization(app).expect("a token");
    for part in bearer.split(['.', ' ']).skip(1) {
        assert!(!answer.text.contains(part), "the token is told");
    }
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_rotate_with_overlap_and_die_when_they_are_taken_down() {
    let app = idle().await;
    let old = app.bearer("viewer");
    assert_eq!(ask(&app, &old).await, 200);
    app.simulator.rotate_issuer_key(true);
    let new = app.bearer("viewer");
    assert_ne!(old.split('.').next(), new.split('.').next(), "another kid");
    assert_eq!(ask(&app, &new).await, 200, "a new key is found at once");
    assert_eq!(ask(&app, &old).await, 200, "the old one is still published");
    // Taken down: both are known until the set is renewed, ten minutes after it was fetched.
    app.simulator.rotate_issuer_key(false);
    app.app.clock.advance(Duration::from_secs(400));
    assert_eq!(ask(&app, &old).await, 200);
    app.app.clock.advance(Duration::from_secs(201));
    for gone in [&old, &new] {
        assert_eq!(ask(&app, gone).await, 401);
    }
    assert_eq!(ask(&app, &app.bearer("viewer")).await, 200);
    app.abandon("nobody works here").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_that_cannot_be_seen_is_not_the_callers_fault() {
    let app = idle().await;
    let old = app.bearer("viewer");
    assert_eq!(ask(&app, &old).await, 200);
    app.fault(Fault::new(FaultKind::RequestLost).on(Call::Jwks).times(0));
    app.simulator.rotate_issuer_key(true);
    let new = app.bearer("viewer");
    assert_eq!(ask(&app, &new).await, 503, "its key may be a good one");
    assert_eq!(ask(&app, &old).await, 200, "from the cache");
    let before = fetches(&app);
    for _ in 0..20 {
        assert_eq!(ask(&app, &new).await, 503);
    }
    assert_eq!(fetches(&app), before, "asked at most once a minute");
    app.simulator.clear_faults();
    app.app.clock.advance(Duration::from_secs(60));
    assert_eq!(ask(&app, &new).await, 200);
    // Of the issuers beside it, the one that is not there troubles nobody but its own.
    let dark = json!({"iss": "https://dark.example.com", "sub": "a", "jti": "x"});
    let dark = format!("Bearer {}", app.simulator.mint_jwt(dark));
    assert_eq!(ask(&app, &dark).await, 503);
    let job = Who::Job.authorization(&app).expect("a token");
    assert_eq!(ask(&app, &job).await, 200);
    app.abandon("nobody works here").await;
}

/// How often an issuer's keys were asked for.
fn fetches(app: &TestApp) -> usize {
    let arrivals = app.simulator.arrivals();
    arrivals.iter().filter(|a| a.call == Call::Jwks).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_good_once_is_good_once_in_all_processes() {
    let app = idle().await;
    // A second process over the same database, as far as callers can tell.
    let stop = CancellationToken::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let twin = format!("http://{}", listener.local_addr().expect("an address"));
    let (serving, stopping) = (app.app.clone(), stop.clone());
    let served = tokio::spawn(async move { serving.serve(listener, stopping).await });
    let token = |id: &str| {
        let now = app.app.clock.now().timestamp();
        app.simulator.mint_jwt(json!({
            "iss": "https://once.example.com", "sub": "vera", "groups": ["viewers"], "jti": id,
            "iat": now, "exp": now + 600,
        }))
    };
    let client = reqwest::Client::new();
    let send = async |address: &str, token: &str| {
        let request = client
            .get(format!("{address}/workspaces"))
            .bearer_auth(token);
        request.send().await.expect("an answer").status().as_u16()
    };
    for round in 0..5 {
        let once = token(&format!("token-{round}"));
        let sent = (0..16).map(|n| {
            let address = if n % 2 == 0 { &app.url } else { &twin };
            send(address, &once)
        });
        let mut statuses = join_all(sent).await;
        statuses.sort_unstable();
        assert_eq!(statuses[0], 200, "{statuses:?}");
        assert!(statuses[1..].iter().all(|s| *s == 401), "{statuses:?}");
    }
    // Its `jti` is another's when another issuer says it.
    let elsewhere = Who::Viewer.authorization(&app).expect("a token");
    for _ in 0..2 {
        assert_eq!(ask(&app, &elsewhere).await, 200);
    }
    // What can no longer be accepted is forgotten, a few rows with every token that comes.
    let kept = async || {
        sqlx::query_scalar::<_, i64>("select count(*) from used_tokens")
            .fetch_one(&app.db)
            .await
            .expect("a count")
    };
    assert_eq!(kept().await, 5);
    app.advance(Duration::from_secs(600 + 3601)).await;
    assert_eq!(send(&app.url, &token("late")).await, 200);
    assert_eq!(kept().await, 1);
    // Without the database nobody can tell whether it was used: it is not let in, and not told that it is bad.
    let unused = token("unused");
    app.app.db.close().await;
    assert_eq!(send(&twin, &unused).await, 503);
    stop.cancel();
    served.await.expect("it ends").expect("it ends well");
    app.abandon("the database is closed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_denied_signs_nothing() {
    let app = idle().await;
    let of = |issuer: &str, jti: &str| {
        let claims = json!({"iss": issuer, "sub": "vera", "groups": ["viewers"], "jti": jti});
        format!("Bearer {}", app.simulator.mint_jwt(claims))
    };
    let once = "https://once.example.com";
    assert_eq!(ask(&app, &of(once, "one")).await, 200);
    // `key-2` is on the list of one issuer, and signs for two.
    app.simulator.rotate_issuer_key(true);
    assert_eq!(ask(&app, &of(once, "two")).await, 401);
    assert_eq!(ask(&app, &app.bearer("viewer")).await, 200);
    app.abandon("nobody works here").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoami_names_the_rule_that_matched() {
    let app = idle().await;
    let owner = whoami(&app, Who::Owner).await.body;
    assert_eq!(owner["principal"], "oidc:corp:requester@example.com");
    assert_eq!(owner["subject"], "requester@example.com");
    assert_eq!(owner["issuer"]["name"], "corp");
    assert_eq!(owner["issuer"]["iss"], app.simulator.world().issuer);
    assert_eq!(owner["claims"], json!({"groups": ["requesters"]}));
    let held = json!([{"team": TEAM, "role": "requester", "rule": "issuers.corp.rules[1]"}]);
    assert_eq!((&owner["roles"], &owner["nearest"]), (&held, &json!([])));
    assert_eq!(owner["limits"]["requests_per_minute"], 1_000_000);
    assert!(owner["token_expires_at"].is_string());

    let both = whoami(&app, Who::Both).await.body;
    let rules: Vec<&str> = both["roles"]
        .as_array()
        .expect("roles")
        .iter()
        .filter_map(|role| role["rule"].as_str())
        .collect();
    assert_eq!(rules, ["issuers.corp.rules[0]", "issuers.corp.rules[6]"]);
    let admin = whoami(&app, Who::Admin).await.body;
    assert_eq!(admin["roles"][0]["team"], Value::Null, "all teams");

    let job = whoami(&app, Who::Job).await.body;
    assert_eq!(job["issuer"]["iss"], CI);
    assert_eq!(job["roles"][0]["rule"], "issuers.ci-jobs.rules[0]");
    assert_eq!(
        job["claims"],
        json!({"repository_id": "4711", "ref": "refs/heads/main"})
    );
    app.abandon("nobody works here").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoami_tells_a_caller_without_a_role_what_it_lacks() {
    let app = idle().await;
    let guest = whoami(&app, Who::Unmatched).await.body;
    assert_eq!(guest["roles"], json!([]));
    let nearest = guest["nearest"].as_array().expect("rules");
    assert_eq!(nearest.len(), 3);
    assert_eq!(
        nearest[0],
        json!({
            "rule": "issuers.corp.rules[0]", "role": "viewer",
            "differs": [{"claim": "groups", "expected": "viewers", "actual": ["guests"]}],
        })
    );
    // Anybody in the world can be a job of a public CI service: it learns nothing about who is served here.
    let strange = whoami(&app, Who::StrangeJob).await;
    let differs = &strange.body["nearest"][0]["differs"];
    assert_eq!(
        differs,
        &json!([{"claim": "repository_id", "expected": null, "actual": "666"}])
    );
    for theirs in ["4711", "4712", "production", TEAM, "other-team"] {
        assert!(!strange.text.contains(theirs), "{}", strange.text);
    }
    // A job of the right repository is told what is wrong with it.
    let pull = whoami(&app, Who::PullRequest).await.body;
    assert_eq!(pull["nearest"][0]["rule"], "issuers.ci-jobs.rules[0]");
    assert_eq!(
        pull["nearest"][0]["differs"],
        json!([{
            "claim": "event_name", "expected": "no pull request or merge request", "actual": "pull_request",
        }])
    );
    app.abandon("nobody works here").await;
}

/// Fetched when the API begins, not when somebody comes: the first request does not wait for the issuer.
#[tokio::test(flavor = "multi_thread")]
async fn keys_are_fetched_before_the_first_request() {
    let app = Builder {
        workers: 0,
        ..Builder::default()
    }
    .start()
    .await;
    let until = std::time::Instant::now() + crate::support::PATIENCE;
    while fetches(&app) == 0 {
        assert!(std::time::Instant::now() < until, "nobody fetched");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    app.abandon("nobody came").await;
}
