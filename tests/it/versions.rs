//! Versions: what changes one, who may demand one, and what lives only here is changed under them.

use crate::support::conformity::counts;
use crate::support::{Answer, Builder, TestApp};
use brickyard::dev;
use futures_util::future::join_all;
use serde_json::{Value, json};

fn told(answer: &Answer) -> (u16, &str) {
    (
        answer.status,
        answer.body["code"].as_str().unwrap_or_default(),
    )
}

fn named(answer: &Answer) -> Vec<(&str, &str)> {
    let errors = answer.body["errors"].as_array().expect("errors");
    let mut named: Vec<(&str, &str)> = errors
        .iter()
        .map(|e| {
            (
                e["pointer"].as_str().unwrap_or("?"),
                e["code"].as_str().unwrap_or("?"),
            )
        })
        .collect();
    named.sort_unstable();
    named
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_who_has_it_is_told_so() {
    let app = TestApp::idle().await;
    app.create("read-often").await;
    let bearer = app.bearer("viewer");
    let read = async |tags: &[&str]| {
        let mut headers = vec![("authorization", bearer.as_bytes())];
        headers.extend(tags.iter().map(|tag| ("if-none-match", tag.as_bytes())));
        app.raw("GET", "/workspaces/read-often", &headers, b"")
            .await
    };
    let first = read(&[]).await;
    assert_eq!(first.headers["cache-control"], "private, no-cache");
    let etag = first.headers["etag"].clone();
    let weak = format!("W/{etag}");
    let many = format!("\"x\", {etag}");
    for tags in [
        vec![etag.as_str()],
        vec![&weak],
        vec![&many],
        vec!["\"x\"", &etag],
        vec!["*"],
    ] {
        let again = read(&tags).await;
        assert_eq!((again.status, again.text.as_str()), (304, ""), "{tags:?}");
        assert_eq!(again.headers["etag"], etag);
        assert_eq!(again.headers["cache-control"], "private, no-cache");
    }
    assert_eq!(read(&["\"x\"", "W/\"0\""]).await.status, 200);
    for bad in ["", "1", "\"1", "\"1\" \"2\"", "*, \"1\"", "\"a b\""] {
        let answer = read(&[bad]).await;
        assert_eq!(told(&answer), (400, "invalid_parameter"), "{bad}");
        assert_eq!(answer.body["errors"][0]["header"], "If-None-Match");
    }
    app.abandon("nobody works here").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_who_is_late_changes_nothing() {
    let app = TestApp::idle().await;
    app.create("contended").await;
    let path = "/workspaces/contended";
    let now = app.get(path).await;
    let (etag, version) = (now.headers["etag"].clone(), now.body["version"].clone());
    let wish = json!({"template": "sandbox", "labels": {"x": "y"}});
    let patch = json!({"labels": {"x": "y"}});
    let weak = format!("W/{etag}");
    for (method, body) in [("PUT", &wish), ("PATCH", &patch), ("DELETE", &Value::Null)] {
        for stale in ["\"0\"", "\"x\", \"99\"", &weak] {
            let answer = app.write(method, path, body, &[("if-match", stale)]).await;
            assert_eq!(told(&answer), (412, "version_mismatch"), "{method} {stale}");
            assert_eq!(answer.body["version"], version);
            assert_eq!(answer.headers["etag"], etag);
        }
        let bad = app.write(method, path, body, &[("if-match", "7")]).await;
        assert_eq!(told(&bad), (400, "invalid_parameter"), "{method}");
        assert_eq!(bad.body["errors"][0]["header"], "If-Match");
    }
    assert_eq!(app.get(path).await.body, now.body);
    // Of ten who read the same version, one writes.
    let patches: Vec<Value> = (0..10)
        .map(|n| json!({"labels": {"n": n.to_string()}}))
        .collect();
    let tag = [("if-match", etag.as_str())];
    let answers = join_all(patches.iter().map(|p| app.write("PATCH", path, p, &tag))).await;
    let won: Vec<&Answer> = answers.iter().filter(|a| a.status == 200).collect();
    assert_eq!(won.len(), 1);
    let etag = won[0].headers["etag"].clone();
    assert_ne!(etag, tag[0].1);
    for lost in answers.iter().filter(|a| a.status != 200) {
        assert_eq!(told(lost), (412, "version_mismatch"));
        assert_eq!(lost.headers["etag"], etag);
    }
    for held in [etag.as_str(), "*"] {
        let answer = app.write("PUT", path, &wish, &[("if-match", held)]).await;
        assert_eq!(answer.status, 202, "{}", answer.text);
    }
    // Only to make it; only to change it.
    let only_new = [("if-none-match", "*")];
    let there = app.write("PUT", path, &wish, &only_new).await;
    assert_eq!(told(&there), (412, "version_mismatch"));
    let absent = app
        .write("PUT", "/workspaces/absent", &wish, &[("if-match", "*")])
        .await;
    assert_eq!(told(&absent), (412, "version_mismatch"));
    assert!(absent.body.get("version").is_none() && !absent.headers.contains_key("etag"));
    let fresh =
        join_all((0..5).map(|_| app.write("PUT", "/workspaces/fresh", &wish, &only_new))).await;
    assert_eq!(fresh.iter().filter(|a| a.status == 202).count(), 1);
    assert!(fresh.iter().all(|a| matches!(a.status, 202 | 412)));
    // A removal can be asked for again with the tag it was asked for with.
    let etag = app.get(path).await.headers["etag"].clone();
    for _ in 0..2 {
        let answer = app
            .write("DELETE", path, &Value::Null, &[("if-match", &etag)])
            .await;
        assert_eq!(answer.status, 202, "{}", answer.text);
    }
    app.abandon("nobody works here").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_may_require_versions() {
    let app = Builder {
        workers: 0,
        tune: |app| app.http.require_if_match = true,
        ..Builder::default()
    }
    .start()
    .await;
    let (path, wish) = ("/workspaces/strict", json!({"template": "sandbox"}));
    assert_eq!(
        app.put(path, &wish).await.status,
        202,
        "nothing is there yet"
    );
    for (method, body) in [("PUT", &wish), ("PATCH", &json!({}))] {
        let answer = app.write(method, path, body, &[]).await;
        assert_eq!(told(&answer), (428, "precondition_required"), "{method}");
        assert_eq!(answer.body["errors"][0]["header"], "If-Match");
        let held = app.write(method, path, body, &[("if-match", "*")]).await;
        assert!(held.status < 300, "{}", held.text);
    }
    assert_eq!(app.delete(path).await.status, 202, "a removal needs none");
    app.abandon("nobody works here").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lives_only_here_can_be_patched() {
    let app = TestApp::idle().await;
    app.create("patched").await;
    let path = "/workspaces/patched";
    let merge = async |body: Value| {
        let headers = [("content-type", "application/merge-patch+json")];
        let bearer = app.bearer("operator");
        let all = [headers[0], ("authorization", bearer.as_str())];
        app.send("PATCH", path, &all, Some(&body.to_string())).await
    };
    let audited = async || -> Vec<Value> {
        sqlx::query_scalar(
            "select detail from audit where action = 'workspace.changed' order by seq",
        )
        .fetch_all(&app.db)
        .await
        .expect("the audit")
    };
    let labels = async |body: Value| {
        let answer = merge(body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(
            answer.headers["etag"],
            format!("\"{}\"", answer.body["version"])
        );
        answer.body["labels"].clone()
    };
    assert_eq!(
        labels(json!({"labels": {"a": "1", "b": "2"}})).await,
        json!({"a": "1", "b": "2"})
    );
    assert_eq!(
        labels(json!({"labels": {"a": null, "c": ""}})).await,
        json!({"b": "2", "c": ""})
    );
    assert_eq!(labels(json!({"labels": null})).await, json!({}));
    assert_eq!(audited().await.len(), 3);
    let before = app.get(path).await.body;
    for nothing in [
        json!({}),
        json!({"labels": {}}),
        json!({"labels": {"x": null}}),
        json!({"deletion_protection": false, "owner": before["owner"], "ttl_seconds": null}),
    ] {
        assert_eq!(merge(nothing.clone()).await.body, before, "{nothing}");
    }
    assert_eq!(audited().await.len(), 3, "nothing changed, nothing is told");
    let all = merge(json!({"owner": "oidc:corp:eve@example.com", "deletion_protection": true, "ttl_seconds": 600})).await;
    assert_eq!(all.body["owner"], "oidc:corp:eve@example.com");
    assert_eq!(
        (&all.body["ttl_seconds"], &all.body["expires_at"]),
        (&json!(600), &Value::Null)
    );
    assert_eq!(
        all.body["version"],
        before["version"].as_i64().expect("a number") + 1
    );
    let told_of = audited().await.pop().expect("an entry");
    let changed = told_of["changed"].as_object().expect("members");
    assert_eq!(changed.len(), 3, "{told_of}");
    assert_eq!(changed["ttl_seconds"], json!({"from": null, "to": 600}));
    // Whose it was may not change it any more.
    let former = app.patch(path, &json!({"labels": {"mine": "no"}})).await;
    assert_eq!(told(&former), (403, "forbidden"));
    app.abandon("nobody works here").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_patched_is_all_named() {
    let app = Builder {
        workers: 0,
        template: format!("{}max_ttl_seconds = 3600\n", dev::OBJECTS),
        ..Builder::default()
    }
    .start()
    .await;
    app.create("firm").await;
    let (path, before) = ("/workspaces/firm", counts(&app).await);
    let (unknown, immutable, invalid) = ("unknown_field", "immutable_field", "invalid");
    let many: serde_json::Map<_, _> = (0..21).map(|n| (format!("k{n}"), json!("v"))).collect();
    for (body, code, expected) in [
        (
            json!({"typo": 1}),
            "unknown_field",
            vec![("/typo", unknown)],
        ),
        (
            json!({"name": "x", "spec": {}, "template": "y", "version": 1}),
            "immutable_field",
            vec![
                ("/name", immutable),
                ("/spec", immutable),
                ("/template", immutable),
                ("/version", immutable),
            ],
        ),
        (
            json!({"typo": 1, "phase": "ready", "labels": {"k": 1}, "owner": "me", "deletion_protection": null}),
            "validation_failed",
            vec![
                ("/deletion_protection", invalid),
                ("/labels/k", invalid),
                ("/owner", invalid),
                ("/phase", immutable),
                ("/typo", unknown),
            ],
        ),
        (
            json!({"labels": many}),
            "validation_failed",
            vec![("/labels", invalid)],
        ),
        (
            json!({"ttl_seconds": 3601}),
            "validation_failed",
            vec![("/ttl_seconds", invalid)],
        ),
        (
            json!({"ttl_seconds": null}),
            "validation_failed",
            vec![("/ttl_seconds", invalid)],
        ),
        (
            json!({"expires_at": null}),
            "validation_failed",
            vec![("/expires_at", invalid)],
        ),
        (
            json!({"expires_at": "2020-01-01T00:00:00Z"}),
            "validation_failed",
            vec![("/expires_at", invalid)],
        ),
        (
            json!({"expires_at": "2099-01-01T00:00:00Z"}),
            "validation_failed",
            vec![("/expires_at", invalid)],
        ),
        (
            json!({"expires_at": "2099-02-30T00:00:00Z"}),
            "validation_failed",
            vec![("/expires_at", invalid)],
        ),
        (
            json!({"expires_at": "2099-01-01T00:00:00Z", "ttl_seconds": 60}),
            "validation_failed",
            vec![("/expires_at", invalid)],
        ),
    ] {
        let answer = app.patch(path, &body).await;
        assert_eq!(told(&answer), (422, code), "{body}: {}", answer.text);
        assert_eq!(named(&answer), expected, "{body}: {}", answer.text);
    }
    for body in ["[]", "null", "1"] {
        let bearer = app.bearer("requester");
        let headers = [
            ("authorization", bearer.as_str()),
            ("content-type", "application/json"),
        ];
        let answer = app.send("PATCH", path, &headers, Some(body)).await;
        assert_eq!(told(&answer), (422, "validation_failed"), "{body}");
    }
    let long = json!({"name": "long", "template": "sandbox", "ttl_seconds": 3601});
    let refused = app.post("/workspaces", &long).await;
    assert_eq!(named(&refused), [("/ttl_seconds", invalid)]);
    assert_eq!(counts(&app).await, before);
    // What is gone is not changed.
    let mut app = app;
    app.start_worker();
    let id = app.get(path).await.body["href"]
        .as_str()
        .expect("a link")
        .to_owned();
    app.removed("firm").await;
    assert_eq!(told(&app.patch(&id, &json!({})).await), (404, "not_found"));
    app.finish().await;
}
