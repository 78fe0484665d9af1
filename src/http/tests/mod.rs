//! The router as a whole, as far as it answers without a database: a world with one issuer, one caller and a pool
//! that reaches nobody.

mod input;
mod service;

use super::layers::PUBLIC;
use super::*;
use crate::auth;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sqlx::postgres::PgPoolOptions;
use tower::ServiceExt;

const ISSUER: &str = "https://login.example.com/";

/// A key set that is always the same.
struct Keys(Vec<u8>);

#[async_trait::async_trait]
impl auth::Fetch for Keys {
    async fn get(&self, _: &str) -> Result<auth::Fetched, String> {
        Ok(auth::Fetched {
            status: 200,
            body: self.0.clone(),
            max_age: None,
        })
    }
}

fn http(settings: Settings) -> (Http, String) {
    let key =
        jsonwebtoken::EncodingKey::from_ec_pem(include_bytes!("../../auth/testdata/ec256.pem"))
            .unwrap();
    let jwk =
        jsonwebtoken::jwk::Jwk::from_encoding_key(&key, jsonwebtoken::Algorithm::ES256).unwrap();
    let mut jwk = serde_json::to_value(jwk).unwrap();
    jwk["kid"] = json!("k");
    let clock = Clock::system();
    let now = clock.now().timestamp();
    let claims = json!({"iss": ISSUER, "sub": "ada", "aud": "brickyard", "iat": now, "exp": now + 600, "groups": ["data"]});
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!(
        "{}.{}",
        part(json!({"alg": "ES256", "typ": "JWT", "kid": "k"})),
        part(claims)
    );
    let signature =
        jsonwebtoken::crypto::sign(signed.as_bytes(), &key, jsonwebtoken::Algorithm::ES256)
            .unwrap();
    let verifier = auth::Verifier::new(
        vec![auth::IssuerSettings {
            name: "dev".to_owned(),
            issuer: ISSUER.to_owned(),
            audience: "brickyard".to_owned(),
            jwks_url: Some("https://login.example.com/keys".to_owned()),
            algorithms: vec![auth::Algorithm::Es256],
            max_lifetime_seconds: 3600,
            ci: false,
            authorized_parties: Vec::new(),
            docs_client: None,
            token_types: Vec::new(),
            single_use_jti: false,
            denied: auth::Denied::default(),
            rules: vec![auth::Rule {
                claims: [(
                    "groups".to_owned(),
                    vec![auth::Pattern::Exact("data".to_owned())],
                )]
                .into(),
                team: auth::TeamSource::Fixed("data-platform".to_owned()),
                role: auth::Role::Requester,
            }],
        }],
        Arc::new(Keys(serde_json::to_vec(&json!({"keys": [jwk]})).unwrap())),
        clock.clone(),
    );
    let mut templates = crate::domain::template::Templates::default();
    templates.insert(samples::template().unwrap());
    let (_, templates) = watch::channel(Arc::new(templates));
    // Nobody listens there.
    let db = PgPoolOptions::new()
        .acquire_timeout(Duration::from_millis(200))
        .connect_lazy("postgres://nobody@127.0.0.1:9/none")
        .unwrap();
    let http = Http {
        scrape: Scrape::new(db.clone()),
        db,
        verifier: Arc::new(verifier),
        templates,
        clock,
        admission: Arc::new(Admission::new(settings.limits.admission.clone())),
        settings: Arc::new(settings),
        changes: Changes::default(),
        login: None,
        document: Arc::default(),
        shutdown: CancellationToken::new(),
    };
    (http, format!("Bearer {signed}.{signature}"))
}

struct World {
    router: Router,
    bearer: String,
}

impl World {
    fn new() -> Self {
        let (http, bearer) = http(Settings::default());
        Self {
            router: router(http),
            bearer,
        }
    }

    fn ask(&self, method: &str, uri: &str) -> axum::http::request::Builder {
        Request::builder()
            .method(method)
            .uri(uri)
            .header("authorization", &self.bearer)
    }

    async fn send(&self, request: Request<Body>) -> (Response<()>, Value) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        if parts.status.as_u16() >= 400 {
            assert_eq!(
                parts.headers["content-type"], "application/problem+json",
                "{body}"
            );
            assert_eq!(body["status"], parts.status.as_u16());
            assert_eq!(
                body["request_id"],
                parts.headers["x-request-id"].to_str().unwrap()
            );
        }
        assert_eq!(parts.headers["x-content-type-options"], "nosniff");
        assert!(parts.headers.contains_key("cache-control"));
        (Response::from_parts(parts, ()), body)
    }

    async fn code(&self, request: Request<Body>) -> String {
        self.send(request).await.1["code"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    async fn post(&self, body: impl Into<Body>) -> (Response<()>, Value) {
        let request = self
            .ask("POST", "/workspaces")
            .header("content-type", "application/json");
        self.send(request.body(body.into()).unwrap()).await
    }
}

fn empty(builder: axum::http::request::Builder) -> Request<Body> {
    builder.body(Body::empty()).unwrap()
}

#[tokio::test]
async fn every_documented_route_is_served_and_needs_a_token_unless_it_is_public() {
    let world = World::new();
    let document = serde_json::to_value(openapi::document()).unwrap();
    let mut seen = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let uri = path
            .replace("{workspace}", "analytics-dev")
            .replace("{operation}", samples::OPERATION)
            .replace("{template}", "sandbox")
            .replace("{code}", "name_taken");
        for method in item.as_object().unwrap().keys() {
            let request = Request::builder()
                .method(method.to_uppercase().as_str())
                .uri(&uri);
            let (response, body) = world.send(empty(request)).await;
            if PUBLIC.contains(&path.as_str()) {
                assert_ne!(response.status(), 401, "{method} {path}");
                seen.push(path.clone());
            } else {
                assert_eq!(response.status(), 401, "{method} {path}");
                assert_eq!(
                    response.headers()["www-authenticate"],
                    "Bearer error=\"invalid_token\""
                );
                assert_eq!(body["code"], "unauthenticated");
            }
            let code = world
                .code(empty(world.ask(&method.to_uppercase(), &uri)))
                .await;
            assert!(
                !["method_not_allowed", "not_found", "internal"].contains(&code.as_str()),
                "{method} {path} {code}"
            );
        }
        let (response, body) = world.send(empty(world.ask("TRACE", &uri))).await;
        assert_eq!(body["code"], "method_not_allowed", "{path}");
        let allow = response.headers()["allow"].to_str().unwrap().to_owned();
        for method in item.as_object().unwrap().keys() {
            assert!(allow.contains(&method.to_uppercase()), "{path}: {allow}");
        }
    }
    for public in PUBLIC.iter().filter(|path| !docs::is_page(path)) {
        assert!(
            seen.iter().any(|path| path == public),
            "{public} is public, but not documented"
        );
    }
}

#[tokio::test]
async fn all_refusals_of_a_token_look_the_same() {
    let world = World::new();
    let bodies = [
        vec![],
        vec!["Bearer x.y.z"],
        vec!["Basic eDp5"],
        vec![&world.bearer[..], &world.bearer[..]],
        vec![""],
    ];
    let mut seen = Vec::new();
    for values in bodies {
        let mut request = Request::builder()
            .uri("/workspaces")
            .header("x-request-id", "same");
        for value in values {
            request = request.header("authorization", value);
        }
        let (response, body) = world.send(empty(request)).await;
        assert_eq!(response.status(), 401);
        seen.push(body.to_string());
    }
    seen.dedup();
    assert_eq!(seen.len(), 1, "{seen:?}");
    // What does not exist needs a token as well.
    let (response, _) = world.send(empty(Request::builder().uri("/nothing"))).await;
    assert_eq!(response.status(), 401);
    assert_eq!(
        world.code(empty(world.ask("GET", "/nothing"))).await,
        "not_found"
    );
    assert_eq!(
        world.code(empty(world.ask("GET", "/workspaces/"))).await,
        "not_found"
    );
}

#[tokio::test]
async fn without_a_database_the_answer_is_503() {
    let world = World::new();
    for uri in ["/workspaces", "/operations", "/workspaces/analytics-dev"] {
        let (response, body) = world.send(empty(world.ask("GET", uri))).await;
        assert_eq!(body["code"], "unavailable", "{uri}");
        assert!(response.headers().contains_key("retry-after"));
    }
    let get = |uri: &str| empty(Request::builder().uri(uri));
    assert_eq!(world.send(get("/livez")).await.0.status(), StatusCode::OK);
    let (response, body) = world.send(get("/readyz?verbose")).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(
        body["detail"]
            .as_str()
            .unwrap()
            .contains("database: Does not answer."),
        "{body}"
    );
}

#[tokio::test]
async fn head_works_where_get_does() {
    let world = World::new();
    let (response, body) = world.send(empty(world.ask("HEAD", "/openapi.json"))).await;
    assert_eq!((response.status(), body), (StatusCode::OK, Value::Null));
}

#[tokio::test]
async fn a_panic_is_a_500() {
    let (http, bearer) = http(Settings::default());
    let boom = Router::new().route(
        "/boom",
        axum::routing::get(async || -> StatusCode { panic!("boom") }),
    );
    let world = World {
        router: layers::around(boom, &http).with_state(http),
        bearer,
    };
    let (_, body) = world.send(empty(world.ask("GET", "/boom"))).await;
    assert_eq!(body["code"], "internal");
    assert_eq!(body["detail"], "The request could not be completed.");
}

#[tokio::test]
async fn the_documentation_page() {
    let (http, bearer) = http(Settings {
        docs_token: Some("the.dev.token".into()),
        ..Settings::default()
    });
    let world = World {
        router: router(http),
        bearer,
    };
    for (uri, media_type) in [
        ("/docs/", "text/html"),
        ("/docs/swagger-ui-bundle.js", "text/javascript"),
        ("/docs/swagger-ui.css", "text/css"),
        ("/docs/swagger-initializer.js", "text/javascript"),
    ] {
        let request = Request::builder()
            .uri(uri)
            .header("accept", "text/html,text/css");
        let response = world.router.clone().oneshot(empty(request)).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{uri}");
        assert!(
            response.headers()["content-type"]
                .to_str()
                .unwrap()
                .starts_with(media_type),
            "{uri}"
        );
        let policy = response.headers()["content-security-policy"]
            .to_str()
            .unwrap();
        assert!(policy.contains("script-src 'self';"), "{policy}");
        if uri.contains("initializer") {
            let bytes = axum::body::to_bytes(response.into_body(), usize::MAX)
                .await
                .unwrap();
            assert!(
                String::from_utf8(bytes.to_vec())
                    .unwrap()
                    .contains("the.dev.token")
            );
        }
    }
    let (response, _) = world.send(empty(Request::builder().uri("/docs"))).await;
    assert_eq!(response.headers()["location"], "/docs/");
    assert_eq!(
        world
            .code(empty(Request::builder().uri("/docs/nothing.js")))
            .await,
        "not_found"
    );
}
