//! The documentation page as its readers meet it.

use crate::support::{Builder, PATIENCE, TestApp, conformity::DOCUMENT};
use brickyard::dev;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// A world whose people can log in, once its document says so.
async fn with_login() -> TestApp {
    let app = Builder {
        extra: dev::LOGIN.to_owned(),
        ..Builder::default()
    }
    .start()
    .await;
    dev::register_login(&app.simulator, &app.url);
    let until = Instant::now() + PATIENCE;
    while schemes(&app).await["oidc"].is_null() {
        assert!(Instant::now() < until, "the document offers no login");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    app
}

async fn schemes(app: &TestApp) -> Value {
    let document = app.send("GET", "/openapi.json", &[], None).await;
    document.body["components"]["securitySchemes"].clone()
}

/// Where the page's scripts may send requests to.
async fn connect_src(app: &TestApp) -> String {
    let page = app.send("GET", "/docs/", &[], None).await;
    assert_eq!(page.status, 200, "{}", page.text);
    let policy = &page.headers["content-security-policy"];
    let mut directives = policy.split(';').map(str::trim);
    let found = directives.find_map(|it| it.strip_prefix("connect-src "));
    found.expect("a connect-src").to_owned()
}

#[tokio::test]
async fn people_can_log_in_where_an_issuer_says_so() {
    let app = with_login().await;
    let issuer = app.simulator.world().issuer.clone();
    let mut document = app.send("GET", "/openapi.json", &[], None).await.body;
    let flows = &document["components"]["securitySchemes"]["oidc"]["flows"];
    let flow = json!({"authorizationCode": {
        "authorizationUrl": format!("{issuer}/authorize"),
        "tokenUrl": format!("{issuer}/token"),
        "scopes": {"openid": "", "profile": ""},
    }});
    assert_eq!(*flows, flow);

    // Whatever takes a token takes it from either; nothing else differs from the committed document.
    let mut protected = 0;
    for item in document["paths"]
        .as_object_mut()
        .expect("paths")
        .values_mut()
    {
        for operation in item.as_object_mut().expect("methods").values_mut() {
            let accepted = operation["security"].as_array_mut().expect("a list");
            if !accepted.is_empty() {
                assert_eq!(accepted.pop(), Some(json!({"oidc": ["openid", "profile"]})));
                protected += 1;
            }
        }
    }
    assert!(protected > 5);
    let schemes = document["components"]["securitySchemes"].as_object_mut();
    schemes.expect("schemes").remove("oidc");
    assert_eq!(document, *DOCUMENT);

    assert_eq!(connect_src(&app).await, format!("'self' {issuer}/token"));
    let script = app
        .send("GET", "/docs/swagger-initializer.js", &[], None)
        .await;
    assert!(
        script.text.contains(r#""clientId":"brickyard-docs""#),
        "{}",
        script.text
    );
    app.finish().await;
}

#[tokio::test]
async fn an_issuer_that_is_down_keeps_nobody_out() {
    let app = Builder {
        // Nobody listens there.
        extra: "[issuers.down]\nissuer = \"http://127.0.0.1:9/\"\naudience = \"brickyard\"\n\
                docs_client_id = \"docs\"\n"
            .to_owned(),
        ..Builder::default()
    }
    .start()
    .await;
    assert_eq!(connect_src(&app).await, "'self'");
    let document = app.send("GET", "/openapi.json", &[], None).await;
    assert_eq!(document.text, include_str!("../../openapi/openapi.json"));
    assert_eq!(app.get("/workspaces").await.status, 200);
    app.finish().await;
}
