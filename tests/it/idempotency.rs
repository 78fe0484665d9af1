//! A request that is sent again is not done again: with a key it is answered again, without one the name decides.

use crate::support::conformity::counts;
use crate::support::{Answer, Builder, TestApp};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::collections::BTreeSet;

async fn idle() -> TestApp {
    let builder = Builder {
        workers: 0,
        ..Builder::default()
    };
    builder.start().await
}

fn wish(name: &str) -> Value {
    json!({"name": name, "template": "sandbox"})
}

async fn keyed(app: &TestApp, body: &Value, key: &str) -> Answer {
    app.post_with("/workspaces", body, &[("idempotency-key", key)])
        .await
}

fn replayed(answer: &Answer) -> bool {
    answer
        .headers
        .get("idempotency-replayed")
        .is_some_and(|value| value == "true")
}

fn told(answer: &Answer) -> (u16, &str) {
    (
        answer.status,
        answer.body["code"].as_str().unwrap_or_default(),
    )
}

/// Rows that one accepted request makes.
async fn assert_requests(app: &TestApp, requests: i64, keys: i64) {
    let counts = counts(app).await;
    for table in ["workspaces", "operations", "jobs", "audit"] {
        assert_eq!(counts[table], requests, "{table}: {counts:?}");
    }
    assert_eq!(counts["idempotency_keys"], keys, "{counts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_from_20_clients_at_once() {
    let app = idle().await;
    let body = wish("wanted-once");
    for round in 0..3 {
        let (body, key) = (wish(&format!("wanted-{round}")), format!("round-{round}"));
        let answers = join_all((0..20).map(|_| keyed(&app, &body, &key))).await;
        for answer in &answers {
            assert_eq!(answer.status, 202, "{}", answer.text);
            assert_eq!(answer.headers["location"], answer.body["href"]);
            assert_eq!(
                answer.headers["operation-location"],
                answer.headers["location"]
            );
            assert!(answer.headers["link"].ends_with("; rel=\"related\""));
        }
        let operations: BTreeSet<&str> = answers
            .iter()
            .filter_map(|a| a.body["id"].as_str())
            .collect();
        assert_eq!(operations.len(), 1);
        assert_eq!(answers.iter().filter(|answer| replayed(answer)).count(), 19);
    }
    assert_requests(&app, 3, 3).await;
    // A key does not make the name free.
    assert_eq!(keyed(&app, &body, "a").await.status, 202);
    assert_eq!(told(&keyed(&app, &body, "b").await), (409, "name_taken"));
    app.abandon("nobody works here").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_the_name_decides() {
    let app = idle().await;
    let first = app.create("named-once").await;
    let second = app.post("/workspaces", &wish("named-once")).await;
    assert_eq!(told(&second), (409, "name_taken"));
    assert_eq!(second.body["href"], first["target"]["href"]);
    assert_eq!(second.body["errors"][0]["pointer"], "/name");
    for race in 0..20 {
        let body = wish(&format!("race-{race}"));
        let (a, b) = tokio::join!(
            app.post("/workspaces", &body),
            app.post("/workspaces", &body)
        );
        let (won, lost) = if a.status == 202 { (a, b) } else { (b, a) };
        assert_eq!(won.status, 202, "{}", won.text);
        assert_eq!(told(&lost), (409, "name_taken"), "{}", lost.text);
        assert_eq!(lost.body["href"], won.body["target"]["href"]);
    }
    assert_requests(&app, 21, 0).await;
    app.abandon("nobody works here").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_stands_for_one_body_in_any_spelling() {
    let app = idle().await;
    let bearer = app.bearer("requester");
    let send = async |text: &str, key: &str| {
        let headers = [
            ("authorization", bearer.as_str()),
            ("content-type", "application/json; charset=utf-8"),
            ("idempotency-key", key),
        ];
        app.send("POST", "/workspaces", &headers, Some(text)).await
    };
    let first = send(
        r#"{"name":"spelled","template":"sandbox","tags":{"a":"1","b":"2"}}"#,
        "k",
    )
    .await;
    assert_eq!(
        (first.status, replayed(&first)),
        (202, false),
        "{}",
        first.text
    );
    for same in [
        r#"{"template":"sandbox","tags":{"b":"2","a":"1"},"name":"spelled"}"#,
        "\n{ \"name\" : \"spelled\",\t\"template\":\"sandbox\", \"tags\": {\"a\":\"1\", \"b\":\"2\"} }\r\n",
        r#"{"name":"sp\u0065lled","template":"sandbox","tags":{"\u0061":"1","b":"2"}}"#,
    ] {
        for key in ["k", "\"k\""] {
            let again = send(same, key).await;
            assert_eq!(
                (again.status, replayed(&again)),
                (202, true),
                "{same}: {}",
                again.text
            );
            assert_eq!(again.body["id"], first.body["id"]);
            assert_eq!(again.headers["location"], first.headers["location"]);
        }
    }
    for other in [
        r#"{"name":"spelled","template":"sandbox"}"#,
        r#"{"name":"spelled","template":"sandbox","tags":{"a":"2","b":"1"}}"#,
        r#"{"name":"spelled","template":"sandbox","tags":{"a":"1","b":"2"},"deletion_protection":false}"#,
        r#"{"name":"different","template":"sandbox","tags":{"a":"1","b":"2"}}"#,
    ] {
        let refused = send(other, "k").await;
        assert_eq!(told(&refused), (422, "idempotency_key_reused"), "{other}");
        assert_eq!(refused.body["errors"][0]["header"], "Idempotency-Key");
    }
    assert_requests(&app, 1, 1).await;
    app.abandon("nobody works here").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_request_leaves_its_key_free() {
    let app = idle().await;
    app.create("occupied").await;
    for refused in [
        json!({}),
        wish("x"),
        wish("occupied"),
        json!({"name": "abc", "template": "none"}),
        json!({"name": "abc", "template": "sandbox", "team": "other-team"}),
    ] {
        let answer = keyed(&app, &refused, "careful").await;
        assert!((400..500).contains(&answer.status), "{}", answer.text);
    }
    let accepted = keyed(&app, &wish("corrected"), "careful").await;
    assert_eq!(
        (accepted.status, replayed(&accepted)),
        (202, false),
        "{}",
        accepted.text
    );
    assert_requests(&app, 2, 1).await;
    app.abandon("nobody works here").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_belongs_to_its_principal() {
    let app = idle().await;
    let send = async |bearer: String, name: &str| {
        let headers = [
            ("authorization", bearer.as_str()),
            ("content-type", "application/json"),
            ("idempotency-key", "k-1"),
        ];
        app.send(
            "POST",
            "/workspaces",
            &headers,
            Some(&wish(name).to_string()),
        )
        .await
    };
    let of = |subject: &str| format!("Bearer {}", app.token_of(subject, "requesters"));
    let mut operations = BTreeSet::new();
    for (subject, name) in [
        ("ada@example.com", "for-ada"),
        ("bob@example.com", "for-bob"),
    ] {
        let answer = send(of(subject), name).await;
        assert_eq!(
            (answer.status, replayed(&answer)),
            (202, false),
            "{}",
            answer.text
        );
        operations.insert(answer.body["id"].to_string());
    }
    assert_eq!(operations.len(), 2);
    // Bob cannot learn with it what Ada asked for.
    assert_eq!(
        told(&send(of("bob@example.com"), "for-ada").await),
        (422, "idempotency_key_reused")
    );
    assert_eq!(
        told(&send(of("eve@example.com"), "for-ada").await),
        (409, "name_taken")
    );
    app.abandon("nobody works here").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_is_the_operation_as_it_is_now_also_after_a_restart() {
    let mut app = TestApp::start().await;
    let first = keyed(&app, &wish("restarted"), "over-night").await;
    app.restart_api().await;
    let again = keyed(&app, &wish("restarted"), "over-night").await;
    assert_eq!(
        (again.status, replayed(&again)),
        (202, true),
        "{}",
        again.text
    );
    assert_eq!(again.body["id"], first.body["id"]);
    app.done(&first.body).await;
    let ended = keyed(&app, &wish("restarted"), "over-night").await;
    assert_eq!(
        (ended.status, ended.body["status"].as_str()),
        (202, Some("succeeded"))
    );
    assert!(
        !ended.headers.contains_key("retry-after"),
        "there is nothing to wait for"
    );
    assert_eq!(ended.headers["location"], first.headers["location"]);
    assert_eq!(app.simulator.inventory().created("workspaces"), 1);
    // Also when what it made is gone.
    app.removed("restarted").await;
    let gone = keyed(&app, &wish("restarted"), "over-night").await;
    assert_eq!(
        (gone.status, gone.body["id"].as_str()),
        (202, first.body["id"].as_str())
    );
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_are_none_are_refused_before_anything_happens() {
    let app = idle().await;
    let bearer = app.bearer("requester");
    let body = wish("keyless").to_string();
    let send = async |keys: Vec<Vec<u8>>| {
        let mut headers = vec![
            ("authorization", bearer.as_bytes()),
            ("content-type", b"application/json".as_slice()),
        ];
        headers.extend(keys.iter().map(|key| ("idempotency-key", key.as_slice())));
        app.raw("POST", "/workspaces", &headers, body.as_bytes())
            .await
    };
    let long = |n: usize| "x".repeat(n).into_bytes();
    let quoted = |n: usize| format!("\"{}\"", "x".repeat(n)).into_bytes();
    for bad in [
        vec![vec![]],
        vec![b"\"\"".to_vec()],
        vec![b"a b".to_vec()],
        vec![b"a\tb".to_vec()],
        vec!["ä".into()],
        vec![b"\xff".to_vec()],
        vec![b"\"open".to_vec()],
        vec![b"a\"b".to_vec()],
        vec![long(256)],
        vec![quoted(256)],
        vec![b"a".to_vec(), b"a".to_vec()],
        vec![b"a".to_vec(), b"b".to_vec()],
    ] {
        let answer = send(bad.clone()).await;
        assert_eq!(
            told(&answer),
            (400, "idempotency_key_invalid"),
            "{bad:?}: {}",
            answer.text
        );
        assert_eq!(answer.body["errors"][0]["header"], "Idempotency-Key");
    }
    assert_requests(&app, 0, 0).await;
    let longest = send(vec![long(255)]).await;
    assert_eq!(
        (longest.status, replayed(&longest)),
        (202, false),
        "{}",
        longest.text
    );
    assert!(
        replayed(&send(vec![quoted(255)]).await),
        "quotes are not part of the key"
    );
    assert_requests(&app, 1, 1).await;
    app.abandon("nobody works here").await;
}

/// `Idempotency-Key` says nothing on routes that are idempotent by themselves.
#[tokio::test(flavor = "multi_thread")]
async fn two_deletes_are_one_with_any_key() {
    let app = idle().await;
    app.create("unwanted").await;
    let bearer = app.bearer("operator");
    let mut operations = BTreeSet::new();
    for key in ["a", "b", ""] {
        let headers = [
            ("authorization", bearer.as_bytes()),
            ("idempotency-key", key.as_bytes()),
        ];
        let answer = app
            .raw("DELETE", "/workspaces/unwanted", &headers, b"")
            .await;
        assert_eq!(
            (answer.status, replayed(&answer)),
            (202, false),
            "{}",
            answer.text
        );
        operations.insert(answer.body["id"].to_string());
    }
    assert_eq!(operations.len(), 1);
    assert_eq!(counts(&app).await["idempotency_keys"], 0);
    app.abandon("nobody works here").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_may_require_keys() {
    let builder = Builder {
        workers: 0,
        tune: |app| app.http.require_idempotency_key = true,
        ..Builder::default()
    };
    let app = builder.start().await;
    let body = json!({"name": "keyless", "template": "sandbox"});
    let refused = app.post("/workspaces", &body).await;
    let told = (refused.status, refused.body["code"].as_str());
    assert_eq!(
        told,
        (400, Some("idempotency_key_missing")),
        "{}",
        refused.text
    );
    assert_requests(&app, 0, 0).await;
    assert_eq!(keyed(&app, &body, "a-key").await.status, 202);
    app.abandon("nobody works here").await;
}
