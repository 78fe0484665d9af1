//! What the service says of itself, to anybody.

use super::*;

async fn fetch(world: &World, uri: &str, accept: &str) -> (Response<()>, String) {
    let request = Request::builder().uri(uri).header("accept", accept);
    let response = world.router.clone().oneshot(empty(request)).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    (
        Response::from_parts(parts, ()),
        String::from_utf8(bytes.to_vec()).unwrap(),
    )
}

#[tokio::test]
async fn every_problem_explains_itself_to_programs_and_people() {
    let world = World::new();
    let (_, list) = fetch(&world, "/problems", "application/json").await;
    let list: Value = serde_json::from_str(&list).unwrap();
    assert_eq!(list["items"].as_array().unwrap().len(), Code::ALL.len());
    let (_, index) = fetch(&world, "/problems", "text/html").await;
    for (code, listed) in Code::ALL.iter().zip(list["items"].as_array().unwrap()) {
        let kind = PublicUrl::default().problem_type(*code);
        let (response, text) = fetch(&world, &kind, "*/*").await;
        assert_eq!(response.status(), StatusCode::OK, "{kind}");
        let one: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(one, *listed);
        assert_eq!((&one["type"], &one["code"]), (&json!(kind), &json!(code)));
        for field in ["title", "cause", "hint", "fix_by"] {
            assert!(
                one[field].as_str().is_some_and(|it| !it.is_empty()),
                "{kind} {field}"
            );
        }
        assert!(index.contains(&format!("<a href=\"{kind}\">")), "{kind}");
        let (response, page) = fetch(&world, &kind, "text/html,*/*;q=0.8").await;
        assert_eq!(
            response.headers()["content-type"],
            "text/html; charset=utf-8"
        );
        assert!(
            page.contains("<dt>Cause</dt>") && page.contains(code.as_str()),
            "{page}"
        );
    }
}

#[tokio::test]
async fn the_pages_load_and_run_nothing() {
    let world = World::new();
    for uri in ["/problems", "/problems/internal"] {
        let (response, page) = fetch(&world, uri, "text/html").await;
        let policy = response.headers()["content-security-policy"]
            .to_str()
            .unwrap();
        assert!(
            policy.starts_with("default-src 'none'; style-src 'sha256-"),
            "{policy}"
        );
        for forbidden in [
            "<script", "<link", "<img", "src=", "http://", "https://", " style=", "@import", "url(",
        ] {
            assert!(!page.contains(forbidden), "{uri}: {forbidden}");
        }
    }
    let (response, text) = fetch(&world, "/problems/nothing", "text/html").await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    assert!(text.contains("\"not_found\""), "{text}");
}

#[tokio::test]
async fn the_version() {
    let world = World::new();
    let (_, text) = fetch(&world, "/version", "*/*").await;
    let version: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
    let document = serde_json::to_value(openapi::document()).unwrap();
    assert_eq!(version["document_version"], document["info"]["version"]);
    let manifest = include_str!("../../../Cargo.toml");
    for feature in version["features"].as_array().unwrap() {
        let name = feature.as_str().unwrap();
        assert!(manifest.contains(&format!("\n{name} = [")), "{name}");
    }
    // Tests are built with every feature there is.
    let defaults = manifest
        .lines()
        .find(|line| line.starts_with("default = ["));
    let count = defaults.unwrap().split(',').count();
    assert_eq!(version["features"].as_array().unwrap().len(), count);
}
