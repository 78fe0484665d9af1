//! What filters mean, alone and together.

use super::{idle, pages, request};
use serde_json::json;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn filters_combine_with_and_their_values_with_or() {
    let app = idle().await;
    let (ada, bob, admin) = (
        format!("Bearer {}", app.token_of("ada@example.com", "requesters")),
        format!("Bearer {}", app.token_of("bob@example.com", "operators")),
        app.bearer("admin"),
    );
    request(
        &app,
        &ada,
        json!({"name": "aa-1", "template": "sandbox", "tags": {"env": "dev", "cc": "1"}, "labels": {"env": "x"}}),
    )
    .await;
    request(
        &app,
        &ada,
        json!({"name": "aa-2", "template": "other", "tags": {"env": "dev"}, "labels": {"env": "x", "a:b": "", "c": "d:e"}}),
    )
    .await;
    request(
        &app,
        &bob,
        json!({"name": "bb-1", "template": "other", "tags": {"env": "prod", "url": "a:b"}}),
    )
    .await;
    request(
        &app,
        &admin,
        json!({"name": "cc-1", "template": "sandbox", "team": "other-team"}),
    )
    .await;
    app.advance(Duration::from_secs(100)).await;
    let between = app.app.clock.now() - Duration::from_secs(50);
    let between = between.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
    request(&app, &ada, json!({"name": "dd-1", "template": "sandbox"})).await;
    app.delete("/workspaces/aa-1").await;
    let cases: Vec<(String, &str)> = [
        ("", "aa-1 aa-2 bb-1 cc-1 dd-1"),
        ("team=data-platform", "aa-1 aa-2 bb-1 dd-1"),
        ("team=other-team", "cc-1"),
        ("team=other-team,data-platform", "aa-1 aa-2 bb-1 cc-1 dd-1"),
        (
            "team=other-team&team=data-platform",
            "aa-1 aa-2 bb-1 cc-1 dd-1",
        ),
        ("team=nowhere", ""),
        ("template=other", "aa-2 bb-1"),
        ("template=other&team=other-team", ""),
        ("template=other,sandbox&name_prefix=aa", "aa-1 aa-2"),
        ("region=eu-west-1", "aa-2 bb-1"),
        ("cloud=aws&region=us-west-2&team=data-platform", "aa-1 dd-1"),
        ("owner=oidc:corp:ada@example.com", "aa-1 aa-2 dd-1"),
        (
            "owner=oidc:corp:ada@example.com&owner=oidc:corp:bob@example.com",
            "aa-1 aa-2 bb-1 dd-1",
        ),
        ("owner=oidc:corp:bob@example.com&template=sandbox", ""),
        ("phase=pending", "aa-2 bb-1 cc-1 dd-1"),
        ("phase=deleting", "aa-1"),
        ("phase=deleting,pending&name_prefix=aa", "aa-1 aa-2"),
        ("phase=ready", ""),
        ("name_prefix=a", "aa-1 aa-2"),
        ("name_prefix=%25", ""),
        ("name_prefix=_", ""),
        ("tag=env:dev", "aa-1 aa-2"),
        ("tag=env:dev&tag=cc:1", "aa-1"),
        ("tag=env:prod&tag=cc:1", ""),
        ("tag=url:a:b", "bb-1"),
        ("tag=env:", ""),
        ("label=env:x", "aa-1 aa-2"),
        ("label=env:dev", ""),
        ("label=env:x&label=c:d:e&tag=env:dev", "aa-2"),
    ]
    .map(|(query, expected)| (query.to_owned(), expected))
    .into_iter()
    .chain([
        (format!("created_after={between}"), "dd-1"),
        (format!("created_before={between}"), "aa-1 aa-2 bb-1 cc-1"),
        (format!("updated_after={between}"), "aa-1 dd-1"),
        (
            format!("created_before={between}&updated_after={between}"),
            "aa-1",
        ),
        (
            "created_after=2020-01-01T00:00:00%2B02:00&name_prefix=bb".into(),
            "bb-1",
        ),
    ])
    .collect();
    for (query, expected) in cases {
        let pages = pages(&app, &format!("/workspaces?order=asc&limit=2&{query}")).await;
        assert_eq!(pages.concat().join(" "), expected, "{query}");
    }
    app.abandon("nobody works here").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_have_filters_of_their_own() {
    let app = idle().await;
    let first = app.create("first-one").await;
    app.create("second-one").await;
    let ada = format!("Bearer {}", app.token_of("ada@example.com", "requesters"));
    request(
        &app,
        &ada,
        json!({"name": "third-one", "template": "sandbox"}),
    )
    .await;
    app.delete("/workspaces/first-one").await;
    let id = first["target"]["id"].as_str().expect("an id");
    for (query, expected) in [
        (
            "",
            "create first-one, create second-one, create third-one, delete first-one",
        ),
        ("kind=delete", "delete first-one"),
        (
            "kind=delete,create&done=false",
            "create first-one, create second-one, create third-one, delete first-one",
        ),
        (
            "kind=create&requested_by=oidc:corp:ada@example.com",
            "create third-one",
        ),
        (
            "requested_by=oidc:corp:ada@example.com&requested_by=oidc:corp:operator@example.com",
            "create third-one, delete first-one",
        ),
        (
            "status=queued&kind=create",
            "create second-one, create third-one",
        ),
        ("status=cancelling", "create first-one"),
        (
            "status=cancelling,queued&kind=create",
            "create first-one, create second-one, create third-one",
        ),
        ("done=true", ""),
        ("status=succeeded", ""),
        (
            &format!("workspace={id}"),
            "create first-one, delete first-one",
        ),
        (&format!("workspace={id}&kind=create"), "create first-one"),
        (
            &format!("workspace={}", brickyard::domain::id::WorkspaceId::new()),
            "",
        ),
    ] {
        let page = app.get(&format!("/operations?order=asc&{query}")).await;
        let items = page.body["items"]
            .as_array()
            .unwrap_or_else(|| panic!("{}", page.text));
        let found: Vec<String> = items
            .iter()
            .map(|o| {
                format!(
                    "{} {}",
                    o["kind"].as_str().expect("a kind"),
                    o["target"]["name"].as_str().expect("a name")
                )
            })
            .collect();
        assert_eq!(found.join(", "), expected, "{query}");
        assert!(
            items.iter().all(|operation| operation["queue"].is_null()),
            "a place in the queue costs a count"
        );
    }
    app.abandon("nobody works here").await;
}
