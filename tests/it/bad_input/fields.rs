//! Fields that are wrong, that do not exist, that are not the caller's to set.

use super::{idle, named, post, told, unharmed};
use crate::support::conformity;
use serde_json::{Map, Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn fields_that_are_wrong_are_all_named() {
    let app = idle().await;
    let wrong = |field: &str, value: Value| {
        let mut body = json!({"name": "analytics-dev", "template": "sandbox"});
        body[field] = value;
        (body, vec![format!("/{field}")])
    };
    let text = |n: usize| Value::from("a".repeat(n));
    let many: Map<_, _> = (0..21).map(|n| (format!("k{n}"), json!("v"))).collect();
    let mut cases = vec![
        wrong("name", text(2)),
        wrong("name", text(41)),
        wrong("template", text(0)),
        wrong("template", text(101)),
        wrong("deployment_name", text(65)),
        wrong("deployment_name", "EMPTY".into()),
        wrong("deployment_name", "empty".into()),
        wrong("tags", Value::Object(many)),
        wrong("deletion_protection", "true".into()),
        (json!({}), vec!["/name".into(), "/template".into()]),
        (json!({"template": "sandbox"}), vec!["/name".into()]),
        (
            json!({"name": "A", "template": 1, "team": "x_y", "tags": [], "deletion_protection": 0, "typo": 1}),
            [
                "/deletion_protection",
                "/name",
                "/name",
                "/tags",
                "/team",
                "/template",
                "/typo",
            ]
            .map(String::from)
            .into(),
        ),
        (
            json!({"name": "abc", "template": "sandbox", "tags": {"k": 1, "": "x", "brickyard-x": "y", "a/b~c": "v".repeat(256)}}),
            ["/tags/", "/tags/a~1b~0c", "/tags/brickyard-x", "/tags/k"]
                .map(String::from)
                .into(),
        ),
    ];
    let key = |n: usize| "k".repeat(n);
    for (tags, pointer) in [
        (json!({key(128): "v"}), format!("/tags/{}", key(128))),
        (json!({"k": "v".repeat(256)}), "/tags/k".into()),
        (json!({"k": "a\u{0}b"}), "/tags/k".into()),
        (json!({"k": null}), "/tags/k".into()),
        (
            json!({"Brickyard": "x", "brickyard": "x"}),
            "/tags/brickyard".into(),
        ),
    ] {
        cases.push((wrong("tags", tags).0, vec![pointer]));
    }
    for name in [
        "1ab",
        "ab-",
        "Abc",
        "a b",
        "a_b",
        "a.b",
        "äbc",
        "abc\n",
        "-ab",
        "a\u{0}c",
        "ws_01kan4v7p9fr9tq5mh2d6xwc8j",
    ] {
        cases.push(wrong("name", name.into()));
    }
    for field in [
        "name",
        "template",
        "team",
        "tags",
        "deployment_name",
        "deletion_protection",
    ] {
        for value in [json!(1), json!(1.5), json!([]), json!([{}])] {
            cases.push(wrong(field, value));
        }
    }
    for (body, pointers) in cases {
        let answer = post(&app, body.to_string().as_bytes()).await;
        assert_eq!(
            told(&answer),
            (422, "validation_failed"),
            "{body}: {}",
            answer.text
        );
        let mut found = named(&answer, "pointer");
        found.dedup();
        let mut pointers = pointers;
        pointers.dedup();
        assert_eq!(found, pointers, "{body}: {}", answer.text);
    }
    for body in [
        "[]",
        "1",
        "null",
        "true",
        "\"text\"",
        r#"[{"name": "abc", "template": "sandbox"}]"#,
    ] {
        let answer = post(&app, body.as_bytes()).await;
        assert_eq!(
            (told(&answer), named(&answer, "pointer")),
            ((422, "validation_failed"), vec![String::new()]),
            "{body}"
        );
    }
    let unknown = post(&app, br#"{"name": "abc", "template": "nonesuch"}"#).await;
    assert_eq!(
        (told(&unknown), named(&unknown, "pointer")),
        ((422, "validation_failed"), vec!["/template".into()])
    );
    assert!(
        unknown.body["hint"]
            .as_str()
            .expect("a hint")
            .contains("`sandbox`"),
        "{}",
        unknown.text
    );
    unharmed(app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limits_themselves_are_allowed() {
    let app = idle().await;
    let tags: Map<_, _> = (0..20)
        .map(|n| (format!("{n:0>127}"), json!("v".repeat(255))))
        .collect();
    for body in [
        json!({"name": "abc", "template": "sandbox", "tags": {"k": ""}}),
        json!({"name": "a".repeat(40), "template": "sandbox", "tags": tags}),
        json!({"name": "a-1", "template": "sandbox", "deployment_name": "d".repeat(64)}),
    ] {
        let answer = app.post("/workspaces", &body).await;
        assert_eq!(answer.status, 202, "{body}: {}", answer.text);
    }
    app.abandon("nobody works here").await;
}

/// The fields of answers are not fields of requests (mass assignment).
#[tokio::test(flavor = "multi_thread")]
async fn no_field_of_an_answer_can_be_sent() {
    let app = idle().await;
    let schemas = &conformity::DOCUMENT["components"]["schemas"];
    let fields = |name: &str| -> Vec<String> {
        let properties = schemas[name]["properties"].as_object();
        properties
            .unwrap_or_else(|| panic!("{name}"))
            .keys()
            .cloned()
            .collect()
    };
    let input = fields("CreateWorkspace");
    let output = [
        "Workspace",
        "Spec",
        "External",
        "Operation",
        "Token",
        "Problem",
    ]
    .map(fields)
    .concat();
    let internal = [
        "workspace_id",
        "plan",
        "memo",
        "lease_epoch",
        "generation",
        "token",
        "is_admin",
        "__proto__",
    ];
    let mut tried = 0;
    for field in output
        .iter()
        .map(String::as_str)
        .chain(internal)
        .filter(|f| !input.iter().any(|i| i == f))
    {
        for value in [json!("x"), json!(null)] {
            let mut body = json!({"name": "abc", "template": "sandbox"});
            body[field] = value;
            let answer = post(&app, body.to_string().as_bytes()).await;
            assert_eq!(
                told(&answer),
                (422, "unknown_field"),
                "{field}: {}",
                answer.text
            );
            assert_eq!(named(&answer, "pointer"), [format!("/{field}")]);
            tried += 1;
        }
    }
    assert!(tried > 60, "{tried}");
    unharmed(app).await;
}
