//! The documentation page as its readers meet it.

use crate::support::browser::Browser;
use crate::support::conformity::DOCUMENT;
use crate::support::{Builder, PATIENCE, TestApp};
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

/// The part of the page about one operation.
fn block(operation: &str) -> String {
    format!("//div[contains(@id, '-{operation}') and contains(@class, 'opblock')]")
}

/// Opens an operation; its fields can be filled in at once.
async fn unfold(browser: &Browser, operation: &str) {
    let summary = format!(
        "{}//button[@class='opblock-summary-control']",
        block(operation)
    );
    browser.click(&summary).await;
}

async fn set(browser: &Browser, operation: &str, parameter: &str, value: &str) {
    let row = format!("{}//tr[@data-param-name='{parameter}']", block(operation));
    browser.fill(&format!("{row}//input"), value).await;
}

/// The row with the answer that came.
fn answer(operation: &str) -> String {
    let table = "//table[contains(@class, 'live-responses-table')]";
    format!("{}{table}//tr[@class='response']", block(operation))
}

/// Presses Execute; the answer's status and body.
async fn execute(browser: &Browser, operation: &str) -> (String, Value) {
    let block = block(operation);
    let clear = format!("{block}//button[contains(@class, 'btn-clear')]");
    if browser.has(&clear).await {
        browser.click(&clear).await;
    }
    let press = format!("{block}//button[contains(@class, 'execute')]");
    browser.click(&press).await;
    let answer = answer(operation);
    let status = browser
        .text(&format!(
            "{answer}//td[contains(@class, 'response-col_status')]"
        ))
        .await;
    let body = browser
        .text(&format!(
            "({answer}//div[@class='highlight-code'])[1]//code"
        ))
        .await;
    let body = serde_json::from_str(&body).unwrap_or(Value::String(body));
    (status.lines().next().unwrap_or_default().to_owned(), body)
}

/// Follows an operation on the page until it is done.
async fn follow(browser: &Browser, operation: &Value) -> Value {
    set(
        browser,
        "getOperation",
        "operation",
        operation["id"].as_str().expect("an id"),
    )
    .await;
    let until = Instant::now() + PATIENCE;
    loop {
        let (status, operation) = execute(browser, "getOperation").await;
        assert_eq!(status, "200", "{operation:#}");
        if operation["done"] == true {
            assert_eq!(operation["status"], "succeeded", "{operation:#}");
            return operation;
        }
        assert!(Instant::now() < until, "{operation:#}");
    }
}

/// Creates with the example as it stands, follows, deletes, follows.
async fn conversation(browser: &Browser, name: &str) {
    unfold(browser, "createWorkspace").await;
    let example = browser
        .value(&format!("{}//textarea", block("createWorkspace")))
        .await;
    let example: Value = serde_json::from_str(&example).expect("the example");
    let (status, operation) = execute(browser, "createWorkspace").await;
    browser
        .picture(&format!("{name}-created"), &answer("createWorkspace"))
        .await;
    assert_eq!(status, "202", "{operation:#}");
    assert_eq!(
        operation["target"]["name"], example["name"],
        "{operation:#}"
    );
    unfold(browser, "getOperation").await;
    follow(browser, &operation).await;
    browser
        .picture(&format!("{name}-followed"), &answer("getOperation"))
        .await;

    // The name in the field is the example's, and so the workspace's.
    unfold(browser, "deleteWorkspace").await;
    let (status, operation) = execute(browser, "deleteWorkspace").await;
    assert_eq!(status, "202", "{operation:#}");
    follow(browser, &operation).await;
    browser
        .picture(&format!("{name}-deleted"), &answer("deleteWorkspace"))
        .await;
}

const AUTHORIZE: &str = "//div[@class='auth-wrapper']/button";

/// The part of the dialog about one scheme.
fn scheme(begins: &str) -> String {
    format!("//div[@class='auth-container'][.//h4[starts-with(normalize-space(.), '{begins}')]]")
}

/// The page of this world, loaded.
async fn page(app: &TestApp) -> Browser {
    let browser = Browser::start().await;
    browser.open(&format!("{}/docs", app.url)).await;
    browser.text(AUTHORIZE).await;
    browser
}

/// The console has nothing to complain about: no error, no breach of the page's policy, nothing missing.
async fn silent(browser: &Browser) {
    let said = browser.console().await;
    assert!(said.is_empty(), "{said:#?}");
}

#[tokio::test]
async fn a_pasted_token_asks_and_deletes() {
    let app = TestApp::start().await;
    let browser = page(&app).await;
    browser.picture("pasted-page", AUTHORIZE).await;
    browser.click(AUTHORIZE).await;
    let dialog = scheme("bearer");
    assert!(!browser.has(&scheme("oidc")).await);
    browser
        .fill("//input[@id='auth-bearer-value']", &app.token("requester"))
        .await;
    browser.picture("pasted-dialog", &dialog).await;
    browser
        .click(&format!("{dialog}//button[text()='Authorize']"))
        .await;
    browser
        .click(&format!("{dialog}//button[text()='Close']"))
        .await;
    conversation(&browser, "pasted").await;
    silent(&browser).await;
    app.finish().await;
}

#[tokio::test]
async fn a_person_logs_in_asks_and_deletes() {
    let app = with_login().await;
    let browser = page(&app).await;
    browser.click(AUTHORIZE).await;
    let dialog = scheme("oidc");
    browser
        .picture("oidc-dialog", &format!("{dialog}//button[1]"))
        .await;
    browser
        .click(&format!("{dialog}//button[text()='Authorize']"))
        .await;

    let windows = |number: usize| {
        let browser = &browser;
        async move {
            let until = Instant::now() + PATIENCE;
            loop {
                let windows = browser.windows().await;
                if windows.len() == number {
                    return windows;
                }
                assert!(Instant::now() < until, "{windows:?}");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    };
    let both = windows(2).await;
    browser.turn_to(&both[1]).await;
    let person = "//button[text()='requester@example.com']";
    browser.text(person).await;
    browser.picture("oidc-issuer", person).await;
    browser.click(person).await;
    let page = windows(1).await;
    browser.turn_to(&page[0]).await;
    browser
        .text(&format!("{dialog}//button[text()='Logout']"))
        .await;
    browser.picture("oidc-authorized", &dialog).await;

    // The login outlives the page.
    browser.open(&format!("{}/docs/", app.url)).await;
    conversation(&browser, "oidc").await;
    let made = app.get("/operations").await.body;
    assert_eq!(
        made["items"][0]["requested_by"],
        "oidc:corp:requester@example.com"
    );
    silent(&browser).await;
    app.finish().await;
}
