//! `/docs`: Swagger UI from the binary. Nothing is loaded from elsewhere, and no script stands inline, so that the page
//! can live under a strict policy. In `brickyard dev` its initializer carries a token, so that "Execute" just works.
//! Where people can log in, the page may also speak to that issuer's token endpoint, and to nothing else.

use super::Http;
use super::problem::Problem;
use crate::auth::Login;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;
use utoipa_swagger_ui::Config;

/// Leads to [`INDEX`], so that relative addresses work.
pub const REDIRECT: &str = "/docs";
/// The page.
pub const INDEX: &str = "/docs/";
/// What the page loads.
pub const ASSETS: &str = "/docs/{*asset}";

/// The page's own policy: scripts from here only. Swagger UI needs inline styles and data images.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                      img-src 'self' data:; font-src 'self'; base-uri 'none'; frame-ancestors 'none'; \
                      form-action 'self'; connect-src 'self'";

/// Whether a route belongs to the page. The page is not part of the API and not in the document.
pub fn is_page(route: &str) -> bool {
    [REDIRECT, INDEX, ASSETS].contains(&route)
}

/// The page's routes.
pub fn routes(token: Option<&SecretString>, login: Option<&Login>) -> Router<Http> {
    let initializer: Arc<str> = initializer(token, login).into();
    Router::new()
        .route(REDIRECT, get(async || Redirect::to(INDEX)))
        .route(
            INDEX,
            get(async |State(http): State<Http>| asset("index.html", &http)),
        )
        .route(
            ASSETS,
            get(
                async move |State(http): State<Http>, Path(name): Path<String>| {
                    if name == "swagger-initializer.js" {
                        page("text/javascript", initializer.as_bytes().to_vec(), &http)
                    } else {
                        asset(&name, &http)
                    }
                },
            ),
        )
}

fn asset(name: &str, http: &Http) -> Response {
    match utoipa_swagger_ui::serve(name, Arc::new(Config::from("/openapi.json"))) {
        Ok(Some(file)) => page(&file.content_type, file.bytes.into_owned(), http),
        _ => Problem::not_found("file").into_response(),
    }
}

fn page(media_type: &str, bytes: Vec<u8>, http: &Http) -> Response {
    let media_type = HeaderValue::from_str(media_type)
        .unwrap_or_else(|_| HeaderValue::from_static("application/octet-stream"));
    let headers: [(HeaderName, HeaderValue); 3] = [
        (header::CONTENT_TYPE, media_type),
        (
            header::CONTENT_SECURITY_POLICY,
            policy(http.login.as_deref()),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (headers, bytes).into_response()
}

fn policy(login: Option<&Login>) -> HeaderValue {
    let token = login.and_then(Login::endpoints).map(|it| source(&it.token));
    token
        .and_then(|source| HeaderValue::from_str(&format!("{POLICY} {source}")).ok())
        .unwrap_or(HeaderValue::from_static(POLICY))
}

/// An address as a policy writes it: without query, and without what separates sources and directives there.
fn source(url: &str) -> String {
    let path = url.split('?').next().unwrap_or_default();
    path.replace(';', "%3B").replace(',', "%2C")
}

fn initializer(token: Option<&SecretString>, login: Option<&Login>) -> String {
    let authorize = token.map_or_else(String::new, |token| {
        let literal = serde_json::Value::from(token.expose_secret()).to_string();
        format!("\n    onComplete: function () {{ window.ui.preauthorizeApiKey(\"bearer\", {literal}); }},")
    });
    let login = login.map_or_else(String::new, |login| {
        let options = serde_json::json!({
            "clientId": login.client.id,
            "scopes": login.client.scopes,
            "usePkceWithAuthorizationCodeGrant": true,
        });
        format!("\n  window.ui.initOAuth({options});")
    });
    format!(
        r##"window.onload = function () {{
  window.ui = SwaggerUIBundle({{
    url: "/openapi.json",
    dom_id: "#swagger-ui",
    deepLinking: true,
    persistAuthorization: true,
    tryItOutEnabled: true,
    displayRequestDuration: true,
    validatorUrl: null,
    presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
    plugins: [SwaggerUIBundle.plugins.DownloadUrl],
    layout: "StandaloneLayout",{authorize}
  }});{login}
}};
"##
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_filled_in_only_if_there_is_one() {
        assert!(!initializer(None, None).contains("preauthorize"));
        let token = SecretString::from("a.b\"c");
        assert!(
            initializer(Some(&token), None).contains(r#"preauthorizeApiKey("bearer", "a.b\"c")"#)
        );
    }

    #[test]
    fn a_source_cannot_end_its_directive() {
        for (url, written) in [
            ("https://a.example/token?x=1", "https://a.example/token"),
            ("https://a.example/t;o,k", "https://a.example/t%3Bo%2Ck"),
        ] {
            assert_eq!(source(url), written);
        }
    }

    #[test]
    fn the_page_has_no_inline_script() {
        let Ok(Some(index)) =
            utoipa_swagger_ui::serve("index.html", Arc::new(Config::from("/openapi.json")))
        else {
            panic!("no page");
        };
        let text = String::from_utf8(index.bytes.into_owned()).unwrap();
        assert!(text.contains("./swagger-initializer.js"));
        for script in text.split("<script").skip(1) {
            assert!(script.trim_start().starts_with("src="), "{script}");
        }
    }
}
