//! Queries and cursors.

use super::{idle, named, told, unharmed};
use crate::support::conformity::counts;
use serde_json::json;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn queries_are_read_strictly_and_refused_at_once() {
    let app = idle().await;
    let cases: &[(&str, &[&str])] = &[
        (
            "/workspaces?nonsense=1&phase=gone&limit=x&order=up&team=a%00b&typo=&typo=",
            &["limit", "nonsense", "order", "phase", "team", "typo"],
        ),
        ("/workspaces?limit=1&limit=2", &["limit"]),
        (
            "/workspaces?cursor=a&cursor=b&order=asc&order=asc",
            &["cursor", "order"],
        ),
        (
            "/workspaces?created_after=yesterday&created_before=2026-01-01&updated_after=1",
            &["created_after", "created_before", "updated_after"],
        ),
        ("/workspaces?tag=novalue&tag=:v", &["tag"]),
        (
            "/workspaces?label=novalue&expires_before=soon",
            &["expires_before", "label"],
        ),
        ("/workspaces?phase=ready,,failed", &["phase"]),
        ("/workspaces?Limit=1&PHASE=ready", &["Limit", "PHASE"]),
        ("/workspaces?limit=-1", &["limit"]),
        ("/workspaces?limit=", &["limit"]),
        ("/workspaces?limit=1.0", &["limit"]),
        ("/workspaces?cloud=mars", &["cloud"]),
        (
            "/operations?status=lost&kind=make&done=maybe&workspace=nope&x[]=1",
            &["done", "kind", "status", "workspace", "x[]"],
        ),
        (
            "/operations?workspace=op_01kan4v7p9fr9tq5mh2d6xwc8j",
            &["workspace"],
        ),
        ("/workspaces/abc?team=a&team=b", &["team"]),
        ("/workspaces/abc/tokens?limit=1", &["limit"]),
        (
            "/workspaces?owner=%ff%fe&name_prefix=%C3",
            &["name_prefix", "owner"],
        ),
        ("/livez?verbose=true", &["verbose"]),
        ("/readyz?verbose=maybe", &["verbose"]),
    ];
    for (target, names) in cases {
        let answer = app.get(target).await;
        assert_eq!(
            told(&answer),
            (400, "invalid_parameter"),
            "{target}: {}",
            answer.text
        );
        let mut found = named(&answer, "parameter");
        found.dedup();
        assert_eq!(found, *names, "{target}: {}", answer.text);
    }
    let post = app
        .post(
            "/workspaces?dry=1&force",
            &json!({"name": "abc", "template": "sandbox"}),
        )
        .await;
    assert_eq!(
        (told(&post), named(&post, "parameter")),
        (
            (400, "invalid_parameter"),
            vec!["dry".into(), "force".into()]
        )
    );
    unharmed(app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cursors_belong_to_one_list_and_one_day() {
    let app = idle().await;
    for n in 0..3 {
        app.create(&format!("paged-{n}")).await;
    }
    let before = counts(&app).await;
    let first = app.get("/workspaces?limit=1&phase=pending").await;
    let cursor = first.body["next_cursor"].as_str().expect("more").to_owned();
    let next = |rest: &str| format!("/workspaces?limit=1&cursor={cursor}{rest}");
    assert_eq!(app.get(&next("&phase=pending")).await.status, 200);
    let mut forged: Vec<String> = (0..cursor.len())
        .step_by(5)
        .map(|at| {
            let other = if cursor.as_bytes()[at] == b'A' {
                "B"
            } else {
                "A"
            };
            format!("{}{other}{}", &cursor[..at], &cursor[at + 1..])
        })
        .collect();
    forged.extend([
        String::new(),
        "AAAA".into(),
        "%00".into(),
        "..%2f".into(),
        format!("{cursor}A"),
        format!("{cursor}%3D"),
        "a".repeat(4000),
    ]);
    let mut targets: Vec<String> = forged
        .iter()
        .map(|cursor| format!("/workspaces?limit=1&phase=pending&cursor={cursor}"))
        .collect();
    targets.extend(
        [
            "",
            "&phase=ready",
            "&phase=pending&order=asc",
            "&phase=pending&team=data-platform",
        ]
        .map(next),
    );
    targets.push(format!("/operations?limit=1&cursor={cursor}"));
    let mut accepted = Vec::new();
    for target in targets {
        let answer = app.get(&target).await;
        if answer.status == 200 {
            accepted.push(target);
        } else {
            assert_eq!(answer.status, 400, "{target}: {}", answer.text);
            assert_eq!(named(&answer, "parameter"), ["cursor"], "{target}");
        }
    }
    assert_eq!(accepted, Vec::<String>::new(), "cursors nobody was given");
    app.advance(Duration::from_secs(24 * 3600 + 2)).await;
    assert_eq!(
        told(&app.get(&next("&phase=pending")).await),
        (400, "invalid_cursor")
    );
    assert_eq!(counts(&app).await, before);
    app.abandon("nobody works here").await;
}
