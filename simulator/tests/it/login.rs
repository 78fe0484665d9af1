//! People log in with the issuer: authorization code with PKCE, and every refusal.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use simulator::LoginClient;

use crate::issuer::{keys, verify};
use crate::support::{Lab, reply};

const BACK: &str = "http://127.0.0.1:8080/docs/oauth2-redirect.html";
const ORIGIN: &str = "http://127.0.0.1:8080";
/// The pair of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

const ASKED: [(&str, &str); 8] = [
    ("response_type", "code"),
    ("client_id", "docs"),
    ("redirect_uri", BACK),
    ("scope", "openid profile"),
    ("state", "a b+c="),
    ("code_challenge", CHALLENGE),
    ("code_challenge_method", "S256"),
    ("login_hint", "ada"),
];

async fn lab() -> Lab {
    let lab = Lab::new().await;
    lab.simulator.register_login(LoginClient {
        client_id: "docs".to_owned(),
        redirect_uri: BACK.to_owned(),
        people: vec![
            json!({"sub": "ada", "groups": ["a"]}),
            json!({"sub": "<b>"}),
        ],
    });
    lab
}

/// The good request, but for one parameter.
fn but(name: &'static str, value: Option<&'static str>) -> Vec<(&'static str, &'static str)> {
    let mut query = ASKED.to_vec();
    query.retain(|(key, _)| *key != name);
    query.extend(value.map(|value| (name, value)));
    query
}

async fn authorize(lab: &Lab, query: &[(&str, &str)]) -> Response {
    let url = format!("{}/authorize", lab.simulator.world().issuer);
    lab.http.get(url).query(query).send().await.unwrap()
}

fn location(response: &Response) -> String {
    assert_eq!(response.status(), 303);
    response.headers()["location"].to_str().unwrap().to_owned()
}

async fn code(lab: &Lab) -> String {
    let back = location(&authorize(lab, &ASKED).await);
    let (code, state) = back
        .strip_prefix(&format!("{BACK}?code="))
        .and_then(|rest| rest.split_once('&'))
        .unwrap();
    assert_eq!(state, "state=a%20b%2Bc%3D");
    code.to_owned()
}

async fn exchange(lab: &Lab, changed: &[(&str, &str)]) -> Response {
    let code = code(lab).await;
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("client_id", "docs"),
        ("redirect_uri", BACK),
        ("code_verifier", VERIFIER),
    ];
    for (name, value) in changed {
        form.retain(|(key, _)| key != name);
        form.push((name, value));
    }
    let url = format!("{}/token", lab.simulator.world().issuer);
    let post = lab.http.post(url).header("origin", ORIGIN).form(&form);
    post.send().await.unwrap()
}

/// What a token says, unverified.
fn claims(token: &Value) -> Value {
    let part = token.as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[tokio::test]
async fn a_person_gets_a_token_through_the_browser() {
    let lab = lab().await;
    let page = authorize(&lab, &but("login_hint", None)).await;
    assert_eq!(page.status(), 200);
    let page = page.text().await.unwrap();
    assert!(page.contains("value=\"ada\">ada</button>"), "{page}");
    assert!(
        page.contains("&lt;b&gt;") && !page.contains("<b>"),
        "{page}"
    );

    let url = format!("{}/token", lab.simulator.world().issuer);
    let ask = |origin: &'static str| {
        lab.http
            .request(Method::OPTIONS, &url)
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "x-requested-with")
            .send()
    };
    let may = ask(ORIGIN).await.unwrap();
    assert_eq!(may.status(), 204);
    assert_eq!(may.headers()["access-control-allow-origin"], ORIGIN);
    assert_eq!(
        may.headers()["access-control-allow-headers"],
        "x-requested-with"
    );

    let answer = exchange(&lab, &[]).await;
    assert_eq!(answer.headers()["access-control-allow-origin"], ORIGIN);
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let (status, body) = reply(answer).await;
    assert_eq!(status, 200, "{body}");
    let token = body["access_token"].as_str().unwrap();
    let access = verify(&lab, &keys(&lab).await, token).unwrap();
    assert_eq!(access["sub"], "ada");
    assert_eq!(access["groups"], json!(["a"]));
    assert_eq!(access["client_id"], "docs");
    let id = claims(&body["id_token"]);
    assert_eq!((&id["aud"], &id["groups"]), (&json!("docs"), &Value::Null));
    assert!(lab.simulator.unexpected().is_empty());

    assert_eq!(ask("http://127.0.0.1:9").await.unwrap().status(), 403);
    assert_eq!(lab.simulator.unexpected().len(), 1);
}

#[tokio::test]
async fn who_is_not_sure_of_the_client_sends_nobody_back() {
    let lab = lab().await;
    for query in [
        but("client_id", None),
        but("client_id", Some("other")),
        but("redirect_uri", None),
        but("redirect_uri", Some("http://127.0.0.1:8080/docs/")),
        but("prompt", Some("none")),
    ] {
        let answer = authorize(&lab, &query).await;
        assert_eq!(answer.status(), 400, "{query:?}");
    }
    for (query, error) in [
        (
            but("response_type", Some("token")),
            "unsupported_response_type",
        ),
        (but("scope", Some("profile")), "invalid_scope"),
        (but("scope", Some("openid admin")), "invalid_scope"),
        (but("code_challenge", None), "invalid_request"),
        (but("code_challenge", Some("short")), "invalid_request"),
        (but("code_challenge_method", None), "invalid_request"),
        (
            but("code_challenge_method", Some("plain")),
            "invalid_request",
        ),
        (but("state", None), "invalid_request"),
        (but("login_hint", Some("eve")), "access_denied"),
    ] {
        let back = location(&authorize(&lab, &query).await);
        assert!(
            back.starts_with(&format!("{BACK}?error={error}&")),
            "{back}"
        );
    }
    assert_eq!(lab.simulator.unexpected().len(), 14);
}

#[tokio::test]
async fn a_code_is_worth_one_token_for_one_client() {
    let lab = lab().await;
    let used = code(&lab).await;
    assert_eq!(exchange(&lab, &[("code", &used)]).await.status(), 200);
    let long = "x".repeat(43);
    for (changed, status, error) in [
        (("code", used.as_str()), 400, "invalid_grant"),
        (("code", "none"), 400, "invalid_grant"),
        (("code_verifier", long.as_str()), 400, "invalid_grant"),
        (("code_verifier", "short"), 400, "invalid_request"),
        (("redirect_uri", "http://127.0.0.1/"), 400, "invalid_grant"),
        (("client_id", "other"), 401, "invalid_client"),
        (("client_secret", "s"), 401, "invalid_client"),
        (("resource", "x"), 400, "invalid_request"),
    ] {
        let (found, body) = reply(exchange(&lab, &[changed]).await).await;
        assert_eq!(
            (found, &body["error"]),
            (status, &json!(error)),
            "{changed:?}"
        );
    }
}
