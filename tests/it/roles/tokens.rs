//! Which tokens are refused, and that all of them are refused in the same words.

use super::told;
use super::who::{Who, idle};
use crate::support::TestApp;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

fn bearer(app: &TestApp, claims: Value) -> String {
    format!("Bearer {}", app.simulator.mint_jwt(claims))
}

/// A good token of somebody with a role, but for these claims.
fn but(app: &TestApp, different: Value) -> String {
    let now = app.app.clock.now().timestamp();
    let mut claims =
        json!({"sub": "a", "groups": ["admins", "viewers"], "iat": now, "exp": now + 600});
    for (name, value) in different.as_object().expect("an object") {
        claims[name] = value.clone();
    }
    bearer(app, claims)
}

/// The same token under another header.
fn under(header: Value, token: &str) -> String {
    let rest = token.split_once('.').expect("a JWT").1;
    format!(
        "Bearer {}.{rest}",
        URL_SAFE_NO_PAD.encode(header.to_string())
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn all_refused_tokens_get_one_answer() {
    let app = idle().await;
    let now = app.app.clock.now().timestamp();
    let once = json!({"iss": "https://once.example.com", "jti": "first", "groups": ["viewers"]});
    let spent = but(&app, once.clone());
    let ask = async |authorization: &str| {
        app.send(
            "GET",
            "/workspaces",
            &[("authorization", authorization)],
            None,
        )
        .await
    };
    assert_eq!(ask(&spent).await.status, 200, "it is good once");
    let good = but(&app, json!({}));
    assert_eq!(ask(&good).await.status, 200);
    let refused = [
        None,
        Some(String::new()),
        Some("Bearer".into()),
        Some("Bearer x.y.z".into()),
        Some("Basic YWRtaW46YWRtaW4=".into()),
        Some(format!("{good}.AAAA")),
        Some(format!("Bearer {}", "a".repeat(7000))),
        Who::Forged.authorization(&app),
        Who::Expired.authorization(&app),
        Who::Denied.authorization(&app),
        Some(under(json!({"alg": "none", "kid": "key-1"}), &good)),
        Some(under(json!({"alg": "HS256", "kid": "key-1"}), &good)),
        Some(under(json!({"alg": "RS256", "kid": "key-9"}), &good)),
        Some(under(json!({"alg": "RS256"}), &good)),
        Some(under(
            json!({"alg": "RS256", "kid": "key-1", "jku": "https://x"}),
            &good,
        )),
        Some(but(&app, json!({"exp": now - 61}))),
        Some(but(&app, json!({"nbf": now + 120}))),
        Some(but(&app, json!({"exp": now + 90_000}))),
        Some(but(&app, json!({"aud": "others"}))),
        Some(but(&app, json!({"iss": "https://elsewhere.example.com"}))),
        Some(but(&app, json!({"sub": null}))),
        Some(but(&app, json!({"nonce": "of an ID token"}))),
        Some(but(
            &app,
            json!({"iss": super::who::PEOPLE, "jti": "stolen"}),
        )),
        // good for one request, and without an id; and the second time
        Some(but(&app, json!({"iss": once["iss"], "jti": null}))),
        Some(spent),
    ];
    let mut answers = Vec::new();
    for authorization in &refused {
        let headers: Vec<_> = authorization
            .as_deref()
            .map(|v| ("authorization", v))
            .into_iter()
            .collect();
        let answer = app.send("GET", "/workspaces", &headers, None).await;
        assert_eq!(answer.status, 401, "{authorization:?}: {}", answer.text);
        answers.push(told(&answer));
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:#?}");
    app.abandon("nobody works here").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_comes_in_one_place_and_once() {
    let app = idle().await;
    let good = but(&app, json!({}));
    let token = good.strip_prefix("Bearer ").expect("a bearer");
    let twice = [
        ("authorization", good.as_str()),
        ("authorization", good.as_str()),
    ];
    let cookie = format!("access_token={token}; Authorization={token}");
    let form = format!("access_token={token}");
    for (path, headers, body) in [
        ("/workspaces".to_owned(), &twice[..], None),
        (format!("/workspaces?access_token={token}"), &[], None),
        (
            "/workspaces".to_owned(),
            &[("cookie", cookie.as_str())],
            None,
        ),
        (
            "/workspaces".to_owned(),
            &[("content-type", "application/x-www-form-urlencoded")],
            Some(form.as_str()),
        ),
    ] {
        let method = if body.is_some() { "POST" } else { "GET" };
        let answer = app.send(method, &path, headers, body).await;
        assert_eq!(answer.status, 401, "{}", answer.text);
        assert!(!answer.text.contains(token), "the token is told");
    }
    app.abandon("nobody works here").await;
}
