//! Before a route is found: methods, unknown paths, sizes, request ids; and the page that is no route.

use super::world;
use crate::support::{Builder, conformity};
use std::collections::BTreeSet;

#[tokio::test(flavor = "multi_thread")]
async fn a_known_path_with_another_method_says_which_it_knows() {
    let app = world().await;
    let operation = app.create("methods").await;
    let (id, bearer) = (
        operation["id"].as_str().expect("an id"),
        app.bearer("admin"),
    );
    let paths: BTreeSet<String> = conformity::routes()
        .into_iter()
        .map(|route| route.path)
        .collect();
    let headers = [("authorization", bearer.as_bytes())];
    for path in paths {
        let routes = conformity::routes()
            .into_iter()
            .filter(|route| route.path == path);
        let mut known: BTreeSet<String> = routes.map(|route| route.method).collect();
        if known.contains("GET") {
            known.insert("HEAD".into());
        }
        let target = path
            .replace("{workspace}", "methods")
            .replace("{operation}", id);
        for method in [
            "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW", "get",
        ] {
            if known.contains(method) {
                continue;
            }
            let answer = app.raw(method, &target, &headers, b"").await;
            assert_eq!(answer.status, 405, "{method} {target}: {}", answer.text);
            if method != "HEAD" {
                assert_eq!(answer.body["code"], "method_not_allowed");
            }
            let allow: BTreeSet<String> = answer.headers["allow"]
                .split(',')
                .map(|method| method.trim().to_owned())
                .collect();
            assert_eq!(allow, known, "{method} {target}");
        }
    }
    app.abandon("nobody works here").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_path_is_a_problem_too_and_needs_a_token() {
    let app = world().await;
    let bearer = app.bearer("viewer");
    let headers = [("authorization", bearer.as_bytes())];
    for path in [
        "/",
        "/v2/workspaces",
        "/admin",
        "/workspaces/abc/secrets",
        "/metrics/",
        "/openapi.yaml",
        "/workspaces/a/b/c",
        "*",
    ] {
        for method in ["GET", "POST", "DELETE"] {
            let answer = app.raw(method, path, &headers, b"").await;
            assert_eq!(
                (answer.status, answer.body["code"].as_str()),
                (404, Some("not_found")),
                "{method} {path}"
            );
            assert_eq!(
                app.raw(method, path, &[], b"").await.status,
                401,
                "{method} {path}"
            );
        }
    }
    app.abandon("nobody works here").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn request_ids_are_the_callers_if_they_are_harmless() {
    let app = world().await;
    let long = "a".repeat(65);
    for (sent, taken) in [
        ("build-17_A", true),
        ("", false),
        ("a b", false),
        ("<script>", false),
        (long.as_str(), false),
    ] {
        let answer = app
            .raw(
                "GET",
                "/workspaces",
                &[("x-request-id", sent.as_bytes())],
                b"",
            )
            .await;
        let told = answer.body["request_id"].as_str().expect("a request id");
        assert_eq!(told == sent, taken, "{sent}: {told}");
        assert!(taken || told.starts_with("req_"), "{told}");
    }
    app.abandon("nobody works here").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_hold_at_n_and_at_one_more() {
    let app = world().await;
    let bearer = app.bearer("viewer");
    let ask = async |target: String, headers: Vec<(&str, String)>| {
        let mut all = vec![("authorization", bearer.as_bytes())];
        all.extend(
            headers
                .iter()
                .map(|(name, value)| (*name, value.as_bytes())),
        );
        app.raw("GET", &target, &all, b"").await.status
    };
    let address = |bytes: usize| {
        format!(
            "/workspaces?owner={}",
            "a".repeat(bytes - "/workspaces?owner=".len())
        )
    };
    assert_eq!(ask(address(8 * 1024), vec![]).await, 200);
    assert_eq!(ask(address(8 * 1024 + 1), vec![]).await, 414);
    let one = |bytes: usize| vec![("x-one", "a".repeat(bytes - "x-one".len()))];
    assert_eq!(ask("/workspaces".into(), one(8 * 1024)).await, 200);
    assert_eq!(ask("/workspaces".into(), one(8 * 1024 + 1)).await, 431);
    // `host`, `connection` and `authorization` are there already.
    let many = |count: usize| vec![("x-many", "a".to_owned()); count - 3];
    assert_eq!(ask("/workspaces".into(), many(64)).await, 200);
    assert_eq!(ask("/workspaces".into(), many(65)).await, 431);
    let all = vec![("x-large", "a".repeat(8000)); 4];
    assert_eq!(ask("/workspaces".into(), all.clone()).await, 200);
    assert_eq!(
        ask("/workspaces".into(), [all, one(1000)].concat()).await,
        431
    );
    app.abandon("nobody works here").await;
}

/// The page for people, with its own policy, stays out of the document but not out of the rules.
#[tokio::test(flavor = "multi_thread")]
async fn the_documentation_page_needs_no_token_and_lets_no_foreign_script_in() {
    let app = world().await;
    let page = app
        .raw("GET", "/docs/", &[("accept", b"text/html")], b"")
        .await;
    assert_eq!(page.status, 200);
    assert!(page.headers["content-type"].starts_with("text/html"));
    let policy = &page.headers["content-security-policy"];
    assert!(policy.contains("script-src 'self';"), "{policy}");
    assert_eq!(
        app.raw("GET", "/docs", &[], b"").await.headers["location"],
        "/docs/"
    );
    for missing in [
        "/docs/nothing.js",
        "/docs/../livez",
        "/docs/%2e%2e/%2e%2e/etc/passwd",
    ] {
        let answer = app.raw("GET", missing, &[], b"").await;
        assert!(
            matches!(answer.status, 401 | 404),
            "{missing}: {} {}",
            answer.status,
            answer.text
        );
    }
    assert_eq!(app.raw("POST", "/docs/", &[], b"").await.status, 405);
    app.abandon("nobody works here").await;
}

/// RFC 9457: what leaves the exchange it was said in should not depend on where it is read.
#[tokio::test(flavor = "multi_thread")]
async fn types_are_absolute_where_a_public_url_is_configured() {
    let builder = Builder {
        environment: &[
            (
                "BRICKYARD_SERVER__PUBLIC_URL",
                "https://brickyard.example.com/",
            ),
            ("BRICKYARD_TEMPLATES__SANDBOX__KEEP_FAILED_SECONDS", "3600"),
        ],
        ..Builder::default()
    };
    let app = builder.start().await;
    let absolute = |code: &str| format!("https://brickyard.example.com/problems/{code}");

    let refused = app.get("/workspaces/no-such-one").await;
    assert_eq!(refused.body["type"], absolute("not_found"));

    let operation = app.create("fault-workspace-fails-types").await;
    let failed = app.done(&operation).await;
    let workspace = app.workspace_of(&operation).await;
    let in_lists = [
        app.get("/operations?status=failed").await,
        app.get("/workspaces").await,
    ];
    for carried in [
        &failed["problem"],
        &workspace["problem"],
        &in_lists[0].body["items"][0]["problem"],
        &in_lists[1].body["items"][0]["problem"],
    ] {
        assert_eq!(carried["type"], absolute("elastic_ip_limit"));
    }
    app.removed("fault-workspace-fails-types").await;
    app.finish().await;
}
