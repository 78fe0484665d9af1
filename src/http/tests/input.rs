//! What the router refuses to take in.

use super::*;

#[tokio::test]
async fn limits() {
    let world = World::new();
    let long = "x".repeat(9 * 1024);
    assert_eq!(
        world
            .code(empty(
                world.ask("GET", &format!("/workspaces?owner={long}"))
            ))
            .await,
        "uri_too_long"
    );
    assert_eq!(
        world
            .code(empty(world.ask("GET", "/workspaces").header("x-a", &long)))
            .await,
        "headers_too_large"
    );
    let mut many = world.ask("GET", "/workspaces");
    for n in 0..64 {
        many = many.header(format!("x-{n}"), "1");
    }
    assert_eq!(world.code(empty(many)).await, "headers_too_large");
    let large = format!("{{\"name\": \"{}\"}}", "x".repeat(64 * 1024));
    assert_eq!(world.post(large.clone()).await.1["code"], "body_too_large");
    let chunks = futures_util::stream::iter([Ok::<_, std::io::Error>(large)]);
    assert_eq!(
        world.post(Body::from_stream(chunks)).await.1["code"],
        "body_too_large"
    );
}

#[tokio::test]
async fn a_slow_body_is_not_waited_for() {
    let limits = Limits {
        body_read: Duration::from_millis(20),
        ..Limits::default()
    };
    let (http, bearer) = http(Settings {
        limits,
        ..Settings::default()
    });
    let world = World {
        router: router(http),
        bearer,
    };
    let never = Body::from_stream(futures_util::stream::pending::<
        Result<Vec<u8>, std::io::Error>,
    >());
    assert_eq!(world.post(never).await.1["code"], "request_timeout");
}

#[tokio::test]
async fn bodies() {
    let world = World::new();
    for (content_type, expected) in [
        ("text/plain", "unsupported_media_type"),
        ("application/json; charset=utf-8", "invalid_json"),
    ] {
        let request = world
            .ask("POST", "/workspaces")
            .header("content-type", content_type);
        assert_eq!(
            world.code(request.body(Body::from("{")).unwrap()).await,
            expected
        );
    }
    assert_eq!(
        world.code(empty(world.ask("POST", "/workspaces"))).await,
        "unsupported_media_type"
    );
    let (_, body) = world.post(r#"{"name": "abc", "name": "abd"}"#).await;
    assert_eq!(body["code"], "invalid_json");
    assert!(
        body["detail"].as_str().unwrap().contains("line 1 column"),
        "{body}"
    );

    let (response, body) = world
        .post(r#"{"name": "A", "tags": {"brickyard-x": "1", "a/b": 2}, "typo": 1}"#)
        .await;
    assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(body["code"], "validation_failed");
    let found: Vec<(&str, &str)> = body["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| (e["pointer"].as_str().unwrap(), e["code"].as_str().unwrap()))
        .collect();
    for expected in [
        ("/typo", "unknown_field"),
        ("/template", "missing"),
        ("/name", "invalid"),
        ("/tags/brickyard-x", "invalid"),
        ("/tags/a~1b", "invalid"),
    ] {
        assert!(
            found.contains(&expected),
            "{expected:?} is not in {found:?}"
        );
    }
    let (_, body) = world
        .post(r#"{"name": "abc", "template": "t", "typo": 1, "nmae": 2}"#)
        .await;
    assert_eq!(body["code"], "unknown_field");
    assert_eq!(body["errors"].as_array().unwrap().len(), 2);
    let (_, body) = world.post(r#"{"name": "abc", "template": "t"}"#).await;
    assert_eq!(body["errors"][0]["pointer"], "/template", "{body}");
}

#[tokio::test]
async fn parameters_and_headers() {
    let world = World::new();
    let (_, body) = world
        .send(empty(world.ask(
            "GET",
            "/workspaces?typo=1&limit=0&order=up&phase=red&tag=x&team=a%00",
        )))
        .await;
    assert_eq!(body["code"], "invalid_parameter");
    let names: Vec<&str> = body["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["parameter"].as_str().unwrap())
        .collect();
    for name in ["typo", "limit", "order", "phase", "tag", "team"] {
        assert!(names.contains(&name), "{name} is not in {names:?}");
    }
    for uri in [
        "/workspaces?limit=1&limit=2",
        "/workspaces/analytics-dev?x=1",
        "/livez?x=1",
        "/readyz?verbose=maybe",
    ] {
        assert_eq!(
            world.code(empty(world.ask("GET", uri))).await,
            "invalid_parameter",
            "{uri}"
        );
    }
    assert_eq!(
        world
            .code(empty(world.ask("GET", "/workspaces?cursor=x")))
            .await,
        "invalid_cursor"
    );
    assert_eq!(
        world
            .code(empty(
                world
                    .ask("GET", "/workspaces")
                    .header("accept", "text/html")
            ))
            .await,
        "not_acceptable"
    );
    for uri in [
        "/operations/op_x",
        "/operations/%ff",
        "/workspaces/Not-A-Name",
        "/workspaces/ws_nope/tokens",
    ] {
        assert_eq!(
            world.code(empty(world.ask("GET", uri))).await,
            "not_found",
            "{uri}"
        );
    }
    let twice = world
        .ask("POST", "/workspaces")
        .header("content-type", "application/json");
    let twice = twice
        .header("idempotency-key", "a")
        .header("idempotency-key", "b");
    let body = Body::from(r#"{"name": "abc", "template": "t"}"#);
    assert_eq!(
        world.code(twice.body(body).unwrap()).await,
        "idempotency_key_invalid"
    );
}
