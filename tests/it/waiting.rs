//! Waiting without asking again and again: long polls, entity tags, and what an operation says about time.

use crate::support::{Answer, Builder, TestApp, simulate};
use serde_json::Value;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;

async fn idle() -> TestApp {
    let builder = Builder {
        workers: 0,
        ..Builder::default()
    };
    builder.start().await
}

fn href(thing: &Value) -> String {
    thing["href"].as_str().expect("an address").to_owned()
}

/// GET as an admin, with one more header, and how long it took.
async fn get(app: &TestApp, path: &str, name: &str, value: &str) -> (Answer, Duration) {
    let bearer = app.bearer("admin");
    let begin = Instant::now();
    let answer = app
        .send(
            "GET",
            path,
            &[("authorization", &bearer), (name, value)],
            None,
        )
        .await;
    (answer, begin.elapsed())
}

/// Runs `act` while a long poll is held; its answer, and how long after `act` it came.
async fn answer_to(app: &TestApp, path: &str, act: impl AsyncFnOnce()) -> (Answer, Duration) {
    let mut acted = Instant::now();
    let poll = get(app, path, "prefer", "wait=30");
    let doing = async {
        // The poll has begun when its connection has been served; half a second is the age of no notification.
        tokio::time::sleep(Duration::from_millis(500)).await;
        acted = Instant::now();
        act().await;
    };
    let ((answer, _), ()) = tokio::join!(poll, doing);
    (answer, acted.elapsed())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_poll_is_answered_when_the_operation_changes() {
    let app = idle().await;
    let operation = app.create("watched").await;
    app.create("unrelated").await;
    let (answer, late) = answer_to(&app, &href(&operation), async || {
        // What happens to others is not news.
        app.delete("/workspaces/unrelated").await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        app.delete("/workspaces/watched").await;
    })
    .await;
    assert_eq!(
        (answer.status, answer.body["status"].as_str()),
        (200, Some("cancelling")),
        "{}",
        answer.text
    );
    assert_eq!(answer.headers["preference-applied"], "wait=30");
    assert!(
        late < Duration::from_millis(1500),
        "the poll of two seconds is the net, not the way: {late:?}"
    );
    app.abandon("nobody works here").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn long_polls_follow_an_operation_to_its_end() {
    let mut app = idle().await;
    let operation = app.create("followed").await;
    let path = href(&operation);
    app.start_worker();
    let (mut last, mut answers) = (operation, 0);
    while last["done"] == false {
        let (answer, took) = get(&app, &path, "prefer", "wait=30").await;
        assert!(took < Duration::from_secs(15), "{took:?}");
        assert!(
            answer.body["progress"]["percent"].as_i64() >= last["progress"]["percent"].as_i64()
        );
        last = answer.body;
        answers += 1;
        assert!(answers < 60, "every answer is news");
    }
    assert_eq!(
        (last["status"].as_str(), &last["progress"]["percent"]),
        (Some("succeeded"), &Value::from(100))
    );
    // What has ended has no next change to wait for.
    let (ended, took) = get(&app, &path, "prefer", "wait=30").await;
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert!(!ended.headers.contains_key("retry-after"));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_poll_ends_with_its_time_and_no_preference_is_an_error() {
    let app = idle().await;
    let path = href(&app.create("quiet").await);
    let (answer, took) = get(&app, &path, "prefer", "respond-async, wait=1").await;
    assert_eq!(
        (answer.status, answer.body["status"].as_str()),
        (200, Some("queued"))
    );
    assert_eq!(answer.headers["preference-applied"], "wait=1");
    assert!(
        answer.headers["retry-after"]
            .parse::<u64>()
            .is_ok_and(|seconds| seconds > 0)
    );
    assert!(
        took >= Duration::from_secs(1) && took < Duration::from_secs(3),
        "{took:?}"
    );
    for ignored in [
        "wait=0",
        "wait=-1",
        "wait=soon",
        "wait",
        "return=minimal",
        "",
    ] {
        let (answer, took) = get(&app, &path, "prefer", ignored).await;
        assert_eq!(answer.status, 200, "{ignored}");
        assert!(
            !answer.headers.contains_key("preference-applied"),
            "{ignored}"
        );
        assert!(took < Duration::from_secs(1), "{ignored}: {took:?}");
    }
    app.abandon("nobody works here").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_api_lets_its_long_polls_go() {
    let app = idle().await;
    let path = href(&app.create("abandoned").await);
    let (answer, late) = answer_to(&app, &path, async || app.stop_api()).await;
    assert_eq!(
        (answer.status, answer.body["status"].as_str()),
        (200, Some("queued")),
        "{}",
        answer.text
    );
    assert!(late < Duration::from_secs(2), "{late:?}");
    app.abandon("nobody works here").await;
}

/// Whoever holds a connection open, idle or in the middle of a request, does not keep the process from ending.
#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_api_does_not_wait_for_silent_clients() {
    let mut app = idle().await;
    let address = app
        .url
        .strip_prefix("http://")
        .expect("an address")
        .to_owned();
    let mut silent = Vec::new();
    for begun in [
        "",
        "GET /livez HT",
        "GET /livez HTTP/1.1\r\nhost: a\r\nx-half",
        "GET /livez HTTP/1.1\r\nhost: a\r\n\r\n",
        "POST /workspaces HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n{",
    ] {
        let mut stream = tokio::net::TcpStream::connect(&address)
            .await
            .expect("it listens");
        stream.write_all(begun.as_bytes()).await.expect("it reads");
        silent.push(stream);
    }
    assert_eq!(app.get("/livez").await.status, 200);
    let took = app.api_ended().await;
    // The grace is five seconds here.
    assert!(took < Duration::from_secs(8), "{took:?}");
    app.abandon("nobody works here").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_may_wait_for_one_and_the_rest_is_served() {
    let app = idle().await;
    let path = href(&app.create("popular").await);
    // More than the database has connections for: who waits holds none.
    let polls =
        futures_util::future::join_all((0..40).map(|_| get(&app, &path, "prefer", "wait=30")));
    let doing = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let (_, took) = get(&app, "/workspaces", "accept", "*/*").await;
        assert!(took < Duration::from_secs(2), "{took:?}");
        app.delete("/workspaces/popular").await;
    };
    let (answers, ()) = tokio::join!(polls, doing);
    for (answer, took) in answers {
        assert_eq!(answer.body["status"], "cancelling");
        assert!(took < Duration::from_secs(5), "{took:?}");
    }
    app.abandon("nobody works here").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_not_changed_is_not_sent_again() {
    let app = idle().await;
    let created = app.create("versioned").await;
    let path = "/workspaces/versioned";
    let first = app.get(path).await;
    let etag = first.headers["etag"].clone();
    assert_eq!(etag, format!("\"{}\"", first.body["version"]));
    assert_eq!(first.headers["cache-control"], "private, no-cache");
    let weak = format!("W/{etag}");
    let list = format!("\"0\", {etag}");
    for (tags, status) in [
        (etag.as_str(), 304),
        (&weak, 304),
        (&list, 304),
        ("*", 304),
        ("\"0\"", 200),
    ] {
        for path in [
            path,
            created["target"]["href"].as_str().expect("an address"),
        ] {
            let (answer, _) = get(&app, path, "if-none-match", tags).await;
            assert_eq!(answer.status, status, "{tags}");
            assert_eq!(answer.headers["etag"], etag, "{tags}");
            assert_eq!(answer.text.is_empty(), status == 304);
        }
    }
    app.delete(path).await;
    let (changed, _) = get(&app, path, "if-none-match", &etag).await;
    assert_eq!(
        (changed.status, changed.body["phase"].as_str()),
        (200, Some("deleting"))
    );
    assert!(changed.body["version"].as_i64() > first.body["version"].as_i64());
    assert_ne!(changed.headers["etag"], etag);
    app.abandon("nobody works here").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn head_is_get_without_a_body() {
    let app = idle().await;
    let operation = app.create("headless").await;
    let bearer = app.bearer("viewer");
    let headers = [("authorization", bearer.as_str())];
    for path in [
        "/workspaces",
        "/workspaces/headless",
        "/workspaces/headless/tokens",
        "/workspaces/missing",
        "/operations",
        "/nowhere",
        &href(&operation),
        "/livez",
        "/readyz",
        "/openapi.json",
        "/workspaces?nonsense=1",
    ] {
        let (get, head) = (
            app.send("GET", path, &headers, None).await,
            app.send("HEAD", path, &headers, None).await,
        );
        assert_eq!(
            (head.status, head.text.as_str()),
            (get.status, ""),
            "{path}"
        );
        for name in [
            "content-type",
            "content-length",
            "etag",
            "cache-control",
            "retry-after",
        ] {
            assert_eq!(
                head.headers.get(name),
                get.headers.get(name),
                "{path} {name}"
            );
        }
    }
    app.abandon("nobody works here").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_left_falls_and_is_never_negative() {
    // The vendor stands still, so that only our clocks move: 20 minutes in steps of one.
    let simulator = simulate(0.0001).await;
    let app = Builder {
        simulator: Some(simulator),
        ..Builder::default()
    }
    .start()
    .await;
    let operation = app.create("slow-one").await;
    let path = href(&operation);
    loop {
        let (now, _) = get(&app, &path, "prefer", "wait=5").await;
        if now.body["progress"]["waiting_for"] == "databricks" {
            break;
        }
        assert_eq!(now.body["done"], false, "{}", now.text);
    }
    let eta = |operation: &Value| {
        let of = |name: &str| {
            operation["progress"]["eta_seconds"][name]
                .as_i64()
                .expect("a number")
        };
        (of("p50"), of("p90"))
    };
    let mut last = eta(&operation);
    assert!(
        (240..=360).contains(&last.0) && (420..=540).contains(&last.1),
        "five to eight minutes: {last:?}"
    );
    let mut percent = 0;
    let mut retry_after = u64::MAX;
    for minute in 0..20 {
        let answer = app.get(&path).await;
        let now = eta(&answer.body);
        assert!(
            now.0 >= 0 && now.1 >= now.0 && now.0 <= last.0 && now.1 <= last.1,
            "{minute}: {now:?} after {last:?}"
        );
        let behind = answer.body["progress"]["percent"]
            .as_i64()
            .expect("a number");
        assert!(
            (percent..100).contains(&behind),
            "{minute}: {behind} after {percent}"
        );
        let ask_in: u64 = answer.headers["retry-after"].parse().expect("seconds");
        assert!(
            (2..=30).contains(&ask_in) && ask_in <= retry_after,
            "{minute}: {ask_in}"
        );
        (last, percent, retry_after) = (now, behind, ask_in);
        // The workers' clocks stay: nothing here is about leases.
        app.app.clock.advance(Duration::from_secs(60));
    }
    assert_eq!(last, (0, 0));
    assert!(percent >= 50, "{percent}");
    let message = app.get(&path).await.body["progress"]["message"].to_string();
    assert!(message.contains("longer than usual"), "{message}");
    app.abandon("the vendor stands still").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_place_in_the_queue_counts_who_came_before() {
    let mut app = idle().await;
    let mut operations = Vec::new();
    for n in 0..4 {
        operations.push(app.create(&format!("queued-{n}")).await);
    }
    let place = async |app: &TestApp, operation: &Value| {
        let queue = app.get(&href(operation)).await.body["queue"].clone();
        queue["position"].as_i64().zip(queue["ahead"].as_i64())
    };
    for (operation, n) in operations.iter().zip(0..) {
        assert_eq!(place(&app, operation).await, Some((n + 1, n)));
    }
    // Who leaves the queue makes room; a delete stands in it like everybody.
    let delete = app.delete("/workspaces/queued-1").await.body;
    assert_eq!(
        place(&app, &operations[1]).await,
        None,
        "it is cancelling, not queued"
    );
    assert_eq!(place(&app, &operations[3]).await, Some((3, 2)));
    assert_eq!(place(&app, &delete).await, Some((4, 3)));
    app.start_worker();
    for operation in [&operations[0], &operations[2], &operations[3], &delete] {
        assert_eq!(app.done(operation).await["queue"], Value::Null);
    }
    app.finish().await;
}
