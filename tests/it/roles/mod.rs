//! Who may do what ([`matrix`]), and that another team's things cannot be told from things that never were.

mod matrix;
mod tokens;
pub mod who;

use crate::support::Answer;
use crate::support::conformity;
use brickyard::dev::TEAM;
use brickyard::domain::id::{OperationId, WorkspaceId};
use serde_json::{Value, json};
use std::collections::HashMap;
use who::{Who, idle};

#[tokio::test(flavor = "multi_thread")]
async fn who_may_request_for_one_team_need_not_name_it() {
    let app = idle().await;
    let body = json!({"name": "guessed", "template": "sandbox"});
    for (who, team) in [
        (Who::Owner, TEAM),
        (Who::Stranger, "other-team"),
        (Who::Operator, TEAM),
    ] {
        let body = json!({"name": format!("{who:?}").to_lowercase(), "template": "sandbox"});
        let accepted = who.asks(&app, "POST", "/workspaces", Some(&body)).await;
        assert_eq!(accepted.body["team"], team, "{who:?}: {}", accepted.text);
    }
    let refused = Who::Admin
        .asks(&app, "POST", "/workspaces", Some(&body))
        .await;
    assert_eq!(refused.body["code"], "team_required");
    assert_eq!(refused.body["errors"][0]["pointer"], "/team");
    app.abandon("nobody works here").await;
}

/// A body that is right for a method.
fn body_of(method: &str) -> Option<Value> {
    match method {
        "PUT" => Some(json!({"template": "sandbox"})),
        "PATCH" => Some(json!({})),
        _ => None,
    }
}

/// An answer without what is different in any two exchanges.
fn told(answer: &Answer) -> (u16, Value, HashMap<String, String>) {
    let (mut body, mut headers) = (answer.body.clone(), answer.headers.clone());
    if let Some(members) = body.as_object_mut() {
        members.remove("request_id");
        members.remove("instance");
    }
    for changing in ["x-request-id", "date"] {
        headers.remove(changing);
    }
    (answer.status, body, headers)
}

#[tokio::test(flavor = "multi_thread")]
async fn another_teams_things_look_like_things_that_never_were() {
    let app = idle().await;
    let operation = app.create("hidden-thing").await;
    let theirs = |text: &str| {
        text.replace("{operation}", operation["id"].as_str().expect("an id"))
            .replace(
                "{workspace}",
                operation["target"]["id"].as_str().expect("an id"),
            )
    };
    let nothing = |text: &str| {
        text.replace("{operation}", &OperationId::new().to_string())
            .replace("{workspace}", &WorkspaceId::new().to_string())
    };
    let mut pairs = Vec::new();
    for route in conformity::routes()
        .into_iter()
        .filter(conformity::Route::names_a_teams)
    {
        let path = &route.path;
        pairs.push((route.method.clone(), theirs(path), nothing(path)));
        // A name that somebody else has is free to be put: that makes another workspace.
        if path.contains("{workspace}") && route.method != "PUT" {
            let named = |name: &str| path.replace("{workspace}", name);
            pairs.push((
                route.method.clone(),
                named("hidden-thing"),
                named("absent-thing"),
            ));
            let in_team = |team: &str| format!("{}?team={team}", named("hidden-thing"));
            pairs.push((
                route.method.clone(),
                in_team(TEAM),
                in_team("nowhere-team1"),
            ));
        }
    }
    assert_eq!(pairs.len(), 16, "{pairs:?}");
    // What is on its way out is not changed any more.
    pairs.sort_by_key(|(method, path, _)| method == "DELETE" || path.ends_with("/cancel"));
    for (method, theirs, nothing) in &pairs {
        for who in [Who::Stranger, Who::Unmatched] {
            let body = body_of(method);
            let there = who.asks(&app, method, theirs, body.as_ref()).await;
            let absent = who.asks(&app, method, nothing, body.as_ref()).await;
            assert_eq!(
                there.status, 404,
                "{who:?} {method} {theirs}: {}",
                there.text
            );
            assert_eq!(told(&there), told(&absent), "{who:?} {method} {theirs}");
            assert!(
                !there.text.contains(TEAM),
                "the team is named: {}",
                there.text
            );
        }
        // The same questions are answered to those who may know.
        let body = body_of(method);
        let known = Who::Admin.asks(&app, method, theirs, body.as_ref()).await;
        // What is queued goes on by itself: who may retry it is told so.
        let told = known.status < 300 || known.body["code"] == "not_retryable";
        assert!(told, "{method} {theirs}: {}", known.text);
    }
    let of = |team: &str| json!({"name": "intruder", "template": "sandbox", "team": team});
    let there = Who::Stranger
        .asks(&app, "POST", "/workspaces", Some(&of(TEAM)))
        .await;
    let absent = Who::Stranger
        .asks(&app, "POST", "/workspaces", Some(&of("nowhere-team1")))
        .await;
    assert_eq!(there.text.len(), absent.text.len());
    assert_eq!(
        there.body["detail"]
            .as_str()
            .map(|t| t.replace(TEAM, "nowhere-team1"))
            .as_deref(),
        absent.body["detail"].as_str()
    );
    // A name that another team uses is free.
    let free = json!({"name": "hidden-thing", "template": "sandbox"});
    assert_eq!(
        Who::Stranger
            .asks(&app, "POST", "/workspaces", Some(&free))
            .await
            .status,
        202
    );
    app.abandon("nobody works here").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn which_team_and_which_workspace() {
    let app = idle().await;
    let bearer = format!("Bearer {}", app.token("admin"));
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
    ];
    let post = async |body: Value| {
        app.send("POST", "/workspaces", &headers, Some(&body.to_string()))
            .await
    };
    let missing = post(json!({"name": "analytics-dev", "template": "sandbox"})).await;
    assert_eq!(
        (missing.status, missing.body["code"].as_str()),
        (422, Some("team_required"))
    );
    for team in [TEAM, "other-team"] {
        let answer =
            post(json!({"name": "analytics-dev", "template": "sandbox", "team": team})).await;
        assert_eq!(answer.status, 202, "{}", answer.text);
    }
    let ambiguous = app.get("/workspaces/analytics-dev").await;
    assert_eq!(
        (ambiguous.status, ambiguous.body["code"].as_str()),
        (409, Some("ambiguous_name"))
    );
    assert_eq!(ambiguous.body["ids"].as_array().expect("ids").len(), 2);
    let one = app.get("/workspaces/analytics-dev?team=other-team").await;
    assert_eq!(one.body["team"], "other-team");
    let unknown = post(json!({"name": "abc", "template": "sandbx", "team": TEAM})).await;
    assert_eq!(unknown.body["errors"][0]["pointer"], "/template");
    assert!(
        unknown.body["hint"]
            .as_str()
            .expect("a hint")
            .contains("`sandbox`"),
        "{}",
        unknown.text
    );
    app.abandon("nobody works here").await;
}
