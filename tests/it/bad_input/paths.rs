//! Paths and headers that try to be others.

use super::idle;
use crate::support::conformity::counts;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn ids_and_paths_that_are_not_ours_do_not_exist() {
    let app = idle().await;
    let operation = app.create("real-thing").await;
    let (id, op) = (
        operation["target"]["id"].as_str().expect("an id"),
        operation["id"].as_str().expect("an id"),
    );
    let before = counts(&app).await;
    let bearer = app.bearer("admin");
    let long = "a".repeat(4000);
    let mut targets = Vec::new();
    for bad in [
        "ws_",
        "op_",
        "ws_zzzzzzzzzzzzzzzzzzzzzzzzzz",
        "Real-Thing",
        "real-thing%00",
        "real-thing%20",
        "%F0%9F%92%A9",
        "%ff",
        "1",
        "-1",
        "*",
        "%2e%2e",
        "..",
        "..;",
        "'%20or%201=1--",
        "null",
        "undefined",
        "{workspace}",
        &long,
        op,
        &id.to_uppercase(),
        &id.replace("ws_", "op_"),
        &format!("{id}0"),
        &id[..id.len() - 1],
    ] {
        targets.extend([
            format!("/workspaces/{bad}"),
            format!("/workspaces/{bad}/tokens"),
        ]);
    }
    for bad in [
        id,
        "op_",
        "real-thing",
        "1",
        "%00",
        &op.to_uppercase(),
        &format!("{op}0"),
    ] {
        targets.push(format!("/operations/{bad}"));
    }
    for variant in [
        "//workspaces",
        "/workspaces/",
        "/workspaces//real-thing",
        "/WORKSPACES",
        "/Workspaces/real-thing",
        "/./workspaces",
        "/%2e/workspaces",
        "/workspaces/%2e%2e/operations",
        "/workspaces/../operations",
        "/workspaces;a=b",
        "/workspaces%2freal-thing",
        "/workspaces/real-thing/",
        "/workspaces/real-thing//tokens",
        "/%77orkspaces",
        "/workspaces/real-thing%2ftokens",
        "/livez/../workspaces",
        "/livez/",
        "//livez",
        "/docs/../workspaces",
        "/docs/..%2fworkspaces",
        "/docs/%2e%2e/workspaces",
    ] {
        targets.push(variant.to_owned());
    }
    for target in &targets {
        for method in ["GET", "DELETE"] {
            let headers = [("authorization", bearer.as_bytes())];
            let answer = app.raw(method, target, &headers, b"").await;
            // Whether a path knows a method does not depend on what it names.
            let read_only = ["/docs", "/operations/"]
                .iter()
                .any(|p| target.starts_with(p))
                || target.ends_with("/tokens");
            let expected = if method == "DELETE" && read_only {
                [404, 405]
            } else {
                [404; 2]
            };
            assert!(
                expected.contains(&answer.status),
                "{method} {target}: {} {}",
                answer.status,
                answer.text
            );
            // Without a token nothing but the public paths is there at all.
            let anonymous = app.raw(method, target, &[], b"").await;
            assert!(
                anonymous.status == 401 || target.starts_with("/docs"),
                "{method} {target}: {}",
                anonymous.status
            );
        }
    }
    assert_eq!(counts(&app).await, before);
    app.abandon("nobody works here").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_cannot_change_what_is_asked() {
    let app = idle().await;
    app.create("stays-here").await;
    let before = counts(&app).await;
    let bearer = app.bearer("admin");
    for (name, value) in [
        ("x-http-method-override", "DELETE"),
        ("x-http-method", "DELETE"),
        ("x-method-override", "DELETE"),
        ("x-original-url", "/readyz"),
        ("x-rewrite-url", "/livez"),
        ("x-forwarded-prefix", "/livez"),
        ("x-forwarded-user", "admin"),
        ("x-on-behalf-of", "oidc:corp:admin@example.com"),
        ("range", "bytes=0-1"),
    ] {
        let headers = [
            ("authorization", bearer.as_bytes()),
            (name, value.as_bytes()),
        ];
        let answer = app
            .raw("GET", "/workspaces/stays-here", &headers, b"")
            .await;
        assert_eq!(
            (answer.status, answer.body["phase"].as_str()),
            (200, Some("pending")),
            "{name}: {}",
            answer.text
        );
        let anonymous = app
            .raw("GET", "/workspaces/stays-here", &headers[1..], b"")
            .await;
        assert_eq!(anonymous.status, 401, "{name}");
    }
    let posted = app
        .post_with(
            "/workspaces?_method=DELETE",
            &json!({}),
            &[("x-http-method-override", "DELETE")],
        )
        .await;
    assert_eq!(
        (
            posted.status,
            posted.body["errors"][0]["parameter"].as_str()
        ),
        (400, Some("_method"))
    );
    let both = [
        ("authorization", bearer.as_bytes()),
        ("authorization", bearer.as_bytes()),
    ];
    assert_eq!(
        app.raw("GET", "/workspaces", &both, b"").await.status,
        401,
        "two tokens are none"
    );
    let in_query = format!("/workspaces?access_token={}", app.token("admin"));
    assert_eq!(
        app.raw("GET", &in_query, &[], b"").await.status,
        401,
        "a token in an address is none"
    );
    assert_eq!(counts(&app).await, before);
    app.abandon("nobody works here").await;
}
